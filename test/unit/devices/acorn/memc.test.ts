// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { LOGICAL_PAGES, Memc } from '../../../../machines/devices/acorn/memc.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const MIB = 1 << 20;

function make(ramBytes = 4 * MIB) {
  const fake = new FakeBoard();
  const memc = new Memc(fake.chip('memc'), { ramBytes });
  memc.reset('cold');
  memc.settle();
  const control = (bits: number): void => memc.registers.write(0xe_0000 | bits, 4, 0);
  const dma = (register: number, address: number): void =>
    memc.registers.write((register << 17) | ((address >> 4) << 2), 4, 0);
  const map = (bits: number): void => memc.translator.write(bits, 4, 0);
  return { fake, memc, control, dma, map };
}

describe('Memc', () => {
  it('maps 4 KiB pages', () => {
    const { memc, map, control } = make(512 * 1024);
    control(0);
    map(0x35 | (0x123 << 12) | (2 << 10) | (1 << 8));
    expect(memc.lookUp(0x1123)).toEqual({ pa: 0x35 * 0x1000, level: 1 });
    expect(memc.lookUp(0x1122)).toBeUndefined();
  });

  it('maps 8 KiB pages, the highest physical bit in bit 0', () => {
    const { memc, map, control } = make(1 * MIB);
    control(1 << 2);
    map((0x05 << 1) | 1 | (0x10 << 13));
    expect(memc.lookUp(0x20)).toEqual({ pa: 0x45 * 0x2000, level: 0 });
    expect(memc.lookUp(0x21)).toEqual({ pa: 0x45 * 0x2000 + 0x1000, level: 0 });
  });

  it('maps 16 KiB pages', () => {
    const { memc, map, control } = make(2 * MIB);
    control(2 << 2);
    map((0x1f << 2) | 2 | (1 << 14) | (3 << 8));
    expect(memc.lookUp(4)).toEqual({ pa: 0x5f * 0x4000, level: 3 });
    expect(memc.lookUp(8)).toBeUndefined();
  });

  it('maps 32 KiB pages, with the bits of four controllers', () => {
    const { memc, map, control } = make(16 * MIB);
    control(3 << 2);
    // Physical page 0x1d5: bits 3-0 at 6-3, bit 4 at 0, bit 5 at 2, bit 6 at 1, bit 7 at 7, bit 8 at 12.
    map((0x5 << 3) | 1 | 2 | 0x80 | 0x1000 | (2 << 15) | (1 << 10));
    expect(memc.lookUp(0x800 + 16)).toEqual({ pa: 0x1d5 * 0x8000, level: 0 });
    expect(memc.lookUp(0x800 + 23)).toEqual({ pa: 0x1d5 * 0x8000 + 0x7000, level: 0 });
  });

  it('has each physical page at one logical page, and says what changed', () => {
    const { memc, map, control } = make();
    control(3 << 2);
    const changes: [number, number][] = [];
    memc.onChange = (first, count) => changes.push([first, count]);
    map(1 << 15);
    map(3 << 15);
    expect(memc.lookUp(8)).toBeUndefined();
    expect(memc.lookUp(24)).toEqual({ pa: 0, level: 0 });
    expect(changes).toEqual([
      [8, 8],
      [8, 8],
      [24, 8],
    ]);
    control((3 << 2) | 0x1000);
    expect(memc.osMode).toBe(true);
    expect(changes.at(-1)).toEqual([0, LOGICAL_PAGES]);
  });

  it('does not map memory it does not have', () => {
    const { memc, map, control } = make(1 * MIB);
    control(3 << 2);
    map((0xf << 3) | 7 | (1 << 15));
    expect(memc.lookUp(8)).toBeUndefined();
  });

  it('says when it is first written to after a reset', () => {
    const { memc, control } = make();
    let first = 0;
    memc.onFirstWrite = () => first++;
    control(0);
    control(0);
    expect(first).toBe(1);
    memc.reset('warm');
    control(0);
    expect(first).toBe(2);
  });

  it('gives the addresses of video and cursor', () => {
    const { memc, dma } = make();
    dma(0, 0x1_2340);
    dma(1, 0x100);
    dma(2, 0x5_0000);
    dma(3, 0x7_fff0);
    expect(memc.video).toEqual({ init: 0x1_2340, start: 0x100, end: 0x5_0010 });
    expect(memc.cursor).toBe(0x7_fff0);
    expect(memc.videoDma).toBe(false);
  });

  it('plays sound buffers, swaps when there is another, repeats when there is none', () => {
    const { fake, memc, dma, control } = make();
    dma(4, 0x1000); // Sstart
    dma(5, 0x1020); // SendN, the last 16 bytes
    const irq = fake.watch(memc.soundIrq);
    expect(memc.sound()).toBeUndefined();
    control(0x800);
    dma(6, 0); // Sptr
    expect(irq).toEqual([true]);
    dma(4, 0x2000);
    dma(5, 0x2000);
    expect(irq).toEqual([true, false]);
    expect([memc.sound(), memc.sound(), memc.sound()]).toEqual([0x1000, 0x1010, 0x1020]);
    expect(irq).toEqual([true, false, true]);
    expect([memc.sound(), memc.sound(), memc.sound()]).toEqual([0x2000, 0x2000, 0x2000]);
  });

  it('obeys the snapshot law', () => {
    const { memc, map, control, dma } = make();
    control((3 << 2) | 0xc00);
    map((5 << 3) | (9 << 15) | (2 << 8));
    dma(0, 0x4000);
    dma(4, 0x1000);
    expectSnapshotLaw(memc);
  });

  it('survives random accesses', () => {
    const { memc } = make();
    const next = random(2);
    for (let i = 0; i < 20_000; i++) {
      const window = next() < 0.5 ? memc.registers : memc.translator;
      window.write(Math.floor(next() * window.span), 1, Math.floor(next() * 256));
      const at = memc.sound();
      if (at !== undefined) expect(at).toBeLessThan(512 * 1024);
      const page = memc.lookUp(Math.floor(next() * LOGICAL_PAGES));
      if (page !== undefined) expect(page.pa).toBeLessThan(4 * MIB);
    }
  });
});
