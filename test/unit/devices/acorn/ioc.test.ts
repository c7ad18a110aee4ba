// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { Ioc } from '../../../../machines/devices/acorn/ioc.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

function make() {
  const fake = new FakeBoard();
  const ioc = new Ioc(fake.chip('ioc'), { clock: fake.board.clock('ref2m', 2_000_000) });
  ioc.reset('cold');
  ioc.settle();
  const put = (offset: number, value: number): void => ioc.write(offset, 4, value);
  const get = (offset: number): number => ioc.read(offset, 4);
  return { fake, ioc, put, get };
}

/** Loads timer `n` with `latch` and starts it. */
function startTimer(put: (offset: number, value: number) => void, n: number, latch: number): void {
  put(0x40 + n * 16, latch & 0xff);
  put(0x44 + n * 16, latch >>> 8);
  put(0x48 + n * 16, 0);
}

describe('Ioc', () => {
  it('says power-on after a cold reset only', () => {
    const { ioc, get, put } = make();
    expect(get(0x10)).toBe(0x90);
    put(0x14, 0x10);
    expect(get(0x10)).toBe(0x80);
    ioc.reset('warm');
    expect(get(0x10)).toBe(0x80);
  });

  it('interrupts every latch + 1 counts of timer 0', () => {
    const { fake, ioc, put, get } = make();
    put(0x18, 0x20);
    const levels = fake.watch(ioc.irq);
    startTimer(put, 0, 19_999);
    fake.advanceNs(9_999_500);
    expect(levels).toEqual([]);
    fake.advanceNs(500);
    expect(levels).toEqual([true]);
    put(0x14, 0x20);
    expect(levels).toEqual([true, false]);
    fake.advanceNs(10_000_000);
    expect(levels).toEqual([true, false, true]);
    // Three missed expiries are one interrupt.
    fake.advanceNs(30_000_000);
    put(0x14, 0x20);
    expect(get(0x10) & 0x20).toBe(0);
  });

  it('catches the count, and takes a new latch at the next reload', () => {
    const { fake, put, get } = make();
    startTimer(put, 1, 1000);
    fake.advanceNs(100_000); // 200 counts
    put(0x5c, 0);
    expect(get(0x50) | (get(0x54) << 8)).toBe(800);
    put(0x50, 99);
    put(0x54, 0);
    fake.advanceNs(100_000);
    put(0x5c, 0);
    expect(get(0x50) | (get(0x54) << 8)).toBe(600);
    fake.advanceNs(300_500); // to the reload
    put(0x5c, 0);
    expect(get(0x50)).toBe(99);
    fake.advanceNs(50_000 + 10_000);
    put(0x5c, 0);
    expect(get(0x50)).toBe(79);
  });

  it('survives a latch of zero', () => {
    const { fake, put, get } = make();
    startTimer(put, 0, 0);
    fake.advanceNs(1_000_000);
    expect(get(0x10) & 0x20).toBe(0x20);
  });

  it('sends and receives keyboard bytes at the rate of timer 3', () => {
    const { fake, ioc, put, get } = make();
    const sent: number[] = [];
    ioc.keyboard = { receive: (byte) => sent.push(byte) };
    startTimer(put, 3, 1);
    put(0x28, 0xc0);
    expect(ioc.irq.level).toBe(true); // transmitter empty
    put(0x04, 0xfe);
    expect(get(0x20) & 0x40).toBe(0);
    fake.advanceNs(351_000);
    expect(sent).toEqual([]);
    fake.advanceNs(1_000);
    expect(sent).toEqual([0xfe]);
    put(0x28, 0x80);
    expect(ioc.irq.level).toBe(false);
    ioc.kartReceive(0xfd);
    expect(ioc.irq.level).toBe(true);
    expect(get(0x04)).toBe(0xfd);
    expect(ioc.irq.level).toBe(false);
  });

  it('latches flyback and the printer, follows the other inputs', () => {
    const { ioc, put, get } = make();
    put(0x18, 0x0d);
    ioc.irW(true);
    ioc.irW(false);
    expect(get(0x14)).toBe(0x08);
    expect(get(0x00) & 0xc0).toBe(0x40);
    ioc.ifW(true);
    expect(get(0x00) & 0xc0).toBe(0);
    put(0x14, 0x0c);
    expect(get(0x14)).toBe(0);
    ioc.il(6)(true);
    expect(get(0x14)).toBe(1);
    ioc.il(6)(false);
    put(0x28, 0xff);
    for (let n = 1; n < 6; n++) {
      ioc.il(n)(true);
      expect(get(0x24) & 0x3f).toBe(1 << n);
      ioc.il(n)(false);
    }
  });

  it('has FIQ sources of its own', () => {
    const { ioc, put, get } = make();
    put(0x38, 0x7f);
    expect(ioc.fiq.level).toBe(false);
    ioc.fh(0)(true);
    expect([get(0x34), ioc.fiq.level]).toEqual([1, true]);
    ioc.fh(0)(false);
    ioc.fl(true);
    expect(get(0x34)).toBe(4);
    ioc.fl(false);
    ioc.cW(4, false);
    expect([get(0x34), get(0x00) & 0x3f]).toEqual([0x10, 0x2f]);
    ioc.cW(4, true);
    ioc.il(0)(true);
    expect([get(0x34), get(0x20) & 1]).toEqual([0x40, 1]);
    ioc.il(0)(false);
    put(0x38, 0x80);
    expect(ioc.fiq.level).toBe(true);
  });

  it('drives the control pins', () => {
    const { ioc, put, get } = make();
    put(0x00, 0xfd);
    expect(ioc.c.map((wire) => wire.level)).toEqual([true, false, true, true, true, true]);
    expect(get(0x00) & 0x3f).toBe(0x3d);
  });

  it('obeys the snapshot law', () => {
    const { fake, ioc, put } = make();
    startTimer(put, 0, 5000);
    startTimer(put, 3, 1);
    put(0x04, 0x20);
    put(0x38, 3);
    fake.advanceNs(12_345);
    expectSnapshotLaw(ioc);
  });

  it('survives random accesses', () => {
    const { fake, ioc } = make();
    const next = random(1);
    const below = (n: number): number => Math.floor(next() * n);
    for (let i = 0; i < 20_000; i++) {
      const width = ([1, 2, 4] as const)[below(3)]!;
      const offset = below(0x80 / width) * width;
      if (below(2)) ioc.write(offset, width, below(0x100));
      else expect(ioc.read(offset, width)).toBeLessThanOrEqual(0xff);
      fake.advance(below(3000));
    }
  });
});
