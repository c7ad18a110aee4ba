// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { NrfFlash } from '../../../../machines/devices/nrf51/nrf-flash.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const PAGE = 1024;
const READY = 0x400;
const CONFIG = 0x504;
const ERASEPAGE = 0x508;
const ERASEALL = 0x50c;
const ERASEPCR0 = 0x510;
const ERASEUICR = 0x514;
const READ = 0;
const WRITE = 1;
const ERASE = 2;
const UICR = 0x1000_1000;

function make() {
  const fake = new FakeBoard();
  const map = fake.map();
  const code = fake.board.memory.allocate('code', 8 * PAGE);
  const uicr = fake.board.memory.allocate('uicr', 4 * PAGE);
  const stored: Uint8Array[] = [];
  let protectedFrom = Infinity;
  const flash = new NrfFlash(fake.chip('flash'), {
    memory: fake.board.memory,
    code,
    uicr,
    pageBytes: PAGE,
    store: { load: () => undefined, store: (bytes) => stored.push(bytes) },
    protects: (offset) => offset >= protectedFrom,
  });
  code.bytes.fill(0xff);
  uicr.bytes.fill(0xff);
  map.add(
    region(0, code.size - 1).rom(code, 0, { target: flash.code, name: 'flash', base: 0 }),
    region(UICR, UICR + uicr.size - 1).rom(uicr, 0, { target: flash.uicr, name: 'uicr', base: UICR }),
  );
  flash.reset('cold');
  flash.settle();
  return {
    fake,
    flash,
    stored,
    code,
    uicr,
    protect: (from: number) => (protectedFrom = from),
    set: (offset: number, value: number) => flash.registers.write(offset, 4, value),
    store: (address: number, value: number) => map.write(address, 4, value),
    load: (address: number) => map.read(address, 4),
  };
}

describe('NrfFlash', () => {
  it('is ready, and read-only at first', () => {
    const { fake, flash, store, load } = make();
    expect([READY, CONFIG].map((offset) => flash.registers.read(offset, 4))).toEqual([1, 0]);
    store(0x100, 0);
    expect(load(0x100)).toBe(0xffff_ffff);
    expect(fake.logged('guest')).toHaveLength(1);
  });

  it('clears bits by writing, and sets them by erasing a page', () => {
    const { set, store, load } = make();
    set(CONFIG, WRITE);
    store(PAGE + 0x10, 0xffff_0fff);
    store(PAGE + 0x10, 0x1234_ffff);
    store(0x10, 0);
    expect(load(PAGE + 0x10)).toBe(0x1234_0fff);
    set(ERASEPAGE, PAGE);
    expect(load(PAGE + 0x10)).toBe(0x1234_0fff);
    set(CONFIG, ERASE);
    set(ERASEPAGE, PAGE + 4);
    expect([load(PAGE + 0x10), load(0x10)]).toEqual([0xffff_ffff, 0]);
    set(ERASEPCR0, 0);
    expect(load(0x10)).toBe(0xffff_ffff);
  });

  it('erases all, or UICR alone', () => {
    const { set, store, load } = make();
    set(CONFIG, WRITE);
    store(0x10, 0);
    store(UICR + 0x14, 0x3c000);
    expect(load(UICR + 0x14)).toBe(0x3c000);
    set(CONFIG, ERASE);
    set(ERASEUICR, 1);
    expect([load(0x10), load(UICR + 0x14)]).toEqual([0, 0xffff_ffff]);
    set(ERASEALL, 1);
    expect(load(0x10)).toBe(0xffff_ffff);
  });

  it('leaves protected blocks as they are', () => {
    const { fake, set, store, load, protect } = make();
    protect(4096);
    set(CONFIG, WRITE);
    store(4096, 0);
    store(4092, 0);
    set(CONFIG, ERASE);
    set(ERASEALL, 1);
    expect([load(4092), load(4096)]).toEqual([0xffff_ffff, 0xffff_ffff]);
    expect(fake.logged('guest')[0]).toContain('protected');
  });

  it('keeps code and UICR when writing ends, and only then', () => {
    const { set, store, stored } = make();
    set(CONFIG, WRITE);
    store(0x10, 0x1234_5678);
    store(UICR + 0x14, 0x3c000);
    expect(stored).toHaveLength(0);
    set(CONFIG, READ);
    set(CONFIG, READ);
    expect(stored).toHaveLength(1);
    const kept = new DataView(stored[0]!.buffer);
    expect([kept.getUint32(0x10), kept.getUint32(8 * PAGE + 0x14)]).toEqual([0x1234_5678, 0x3c000]);
  });

  it('survives random accesses', () => {
    const { flash, store } = make();
    const next = random(30);
    const pick = (below: number): number => Math.floor(next() * below);
    for (let i = 0; i < 10_000; i++) {
      if (pick(2) === 0) store(pick(2) === 0 ? pick(0x2000) & ~3 : UICR + (pick(0x1000) & ~3), pick(2 ** 32));
      else
        flash.registers.write(
          pick(2) === 0 ? CONFIG + pick(8) * 4 : pick(0x400) * 4,
          4,
          pick(3) ? pick(4) : pick(2 ** 32),
        );
      expect(flash.registers.read(pick(0x400) * 4, 4)).toBeLessThan(2 ** 32);
    }
    expectSnapshotLaw(flash);
  });
});
