// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { swap32 } from '../../../../machines/backplane/bus.ts';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { HeathrowPic } from '../../../../machines/devices/interrupt/heathrow-pic.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const EVENTS2 = 0x00;
const MASK2 = 0x04;
const CLEAR2 = 0x08;
const LEVELS2 = 0x0c;
const EVENTS1 = 0x10;
const MASK1 = 0x14;
const CLEAR1 = 0x18;
const LEVELS1 = 0x1c;

const IDE0 = 0x0d;
const IDE0_DMA = 0x02;
const ETHERNET = 0x2a;
const MODE_68K = 0x8000_0000;

function setUp() {
  const fake = new FakeBoard();
  const pic = new HeathrowPic(fake.chip('pic'));
  const map = fake.map();
  map.add(region(0, 0x1f).device(pic, 'pic'));
  pic.reset('cold');
  pic.settle();
  const register = {
    read: (offset: number) => swap32(map.read(offset, 4)),
    write: (offset: number, value: number) => map.write(offset, 4, swap32(value)),
  };
  return { fake, pic, map, register };
}

describe('HeathrowPic', () => {
  it('requests an interrupt for an enabled source until its event is cleared', () => {
    const { pic, register } = setUp();
    const ide = pic.in(IDE0);
    register.write(MASK1, 1 << IDE0);
    ide(true);
    expect(pic.irq.level).toBe(true);
    expect([register.read(EVENTS1), register.read(LEVELS1)]).toEqual([1 << IDE0, 1 << IDE0]);
    ide(false);
    expect([register.read(EVENTS1), register.read(LEVELS1), pic.irq.level]).toEqual([1 << IDE0, 0, true]);
    register.write(CLEAR1, 1 << IDE0);
    expect([register.read(EVENTS1), pic.irq.level]).toEqual([0, false]);
  });

  it('has sources 32 to 63 in the other bank', () => {
    const { pic, register } = setUp();
    const ethernet = pic.in(ETHERNET);
    ethernet(true);
    expect([register.read(EVENTS2), register.read(LEVELS2)]).toEqual([1 << 10, 1 << 10]);
    expect([register.read(EVENTS1), pic.irq.level]).toEqual([0, false]);
    register.write(MASK2, 0xffff_ffff);
    expect(pic.irq.level).toBe(true);
    register.write(CLEAR2, 1 << 10);
    expect(pic.irq.level).toBe(false);
  });

  it('latches events of masked sources and delivers them when they are enabled', () => {
    const { pic, register } = setUp();
    const ide = pic.in(IDE0);
    ide(true);
    ide(false);
    expect(pic.irq.level).toBe(false);
    register.write(MASK1, 1 << IDE0);
    expect(pic.irq.level).toBe(true);
  });

  it('does not request again while the input stays high: Linux looks at the levels', () => {
    const { pic, register } = setUp();
    const ide = pic.in(IDE0);
    ide(true);
    // pmac_mask_and_ack_irq, then pmac_unmask_irq
    register.write(MASK1, 0);
    register.write(CLEAR1, 1 << IDE0);
    register.write(MASK1, 1 << IDE0);
    expect([register.read(EVENTS1), pic.irq.level]).toEqual([0, false]);
    expect(register.read(LEVELS1) & register.read(MASK1)).toBe(1 << IDE0);
    ide(false);
    ide(true);
    expect(pic.irq.level).toBe(true);
  });

  it('holds the level of a DMA pulse until it is cleared', () => {
    const { pic, register } = setUp();
    const dma = pic.in(IDE0_DMA);
    register.write(MASK1, 1 << IDE0_DMA);
    dma(true);
    dma(false);
    expect([register.read(EVENTS1), register.read(LEVELS1)]).toEqual([4, 4]);
    register.write(CLEAR1, 4);
    expect([register.read(EVENTS1), register.read(LEVELS1), pic.irq.level]).toEqual([0, 0, false]);
    dma(true);
    dma(false);
    dma(true);
    dma(false);
    expect(pic.irq.level).toBe(true);
  });

  it('latches falling inputs too in the mode of the 68k emulator, and clears everything at once', () => {
    const { pic, register } = setUp();
    const ide = pic.in(IDE0);
    const ethernet = pic.in(ETHERNET);
    register.write(CLEAR1, MODE_68K);
    ide(true);
    register.write(CLEAR1, MODE_68K);
    expect(register.read(EVENTS1)).toBe(1 << IDE0); // native mode: bit 31 means nothing
    register.write(MASK1, MODE_68K | (1 << IDE0));
    expect(register.read(MASK2)).toBe(MODE_68K);
    register.write(CLEAR1, 1 << IDE0);
    ide(false);
    expect(register.read(EVENTS1)).toBe(1 << IDE0);
    ethernet(true);
    register.write(CLEAR1, MODE_68K);
    expect([register.read(EVENTS1), register.read(EVENTS2), pic.irq.level]).toEqual([0, 0, false]);
    const dma = pic.in(IDE0_DMA);
    dma(true);
    register.write(CLEAR1, 4);
    expect([register.read(EVENTS1), register.read(LEVELS1)]).toEqual([4, 0]);
  });

  it('reads zero from the write-only registers and ignores writes to the read-only ones', () => {
    const { pic, register } = setUp();
    pic.in(IDE0)(true);
    for (const offset of [EVENTS1, LEVELS1, EVENTS2, LEVELS2]) register.write(offset, 0xffff_ffff);
    expect([register.read(CLEAR1), register.read(CLEAR2)]).toEqual([0, 0]);
    expect([register.read(EVENTS1), register.read(LEVELS1)]).toEqual([1 << IDE0, 1 << IDE0]);
    expect([register.read(EVENTS2), register.read(LEVELS2)]).toEqual([0, 0]);
  });

  it('sees inputs that are high through a reset', () => {
    const { pic, register } = setUp();
    pic.in(IDE0)(true);
    pic.reset('warm');
    pic.settle();
    expect([register.read(EVENTS1), register.read(LEVELS1)]).toEqual([0, 1 << IDE0]);
  });

  it('refuses inputs it does not have', () => {
    const { pic } = setUp();
    expect(() => pic.in(64)).toThrow(/source 64/);
  });

  it('keeps the snapshot law', () => {
    const { fake, pic, register } = setUp();
    pic.in(IDE0)(true);
    pic.in(ETHERNET)(true);
    register.write(MASK1, 0xffff_ffff);
    expectSnapshotLaw(pic, () => new HeathrowPic(fake.chip('pic')));
    expect(pic.irq.level).toBe(true);
  });

  it('survives random accesses', () => {
    const { pic, map } = setUp();
    const next = random(3);
    const below = (limit: number): number => Math.floor(next() * limit);
    const inputs = Array.from({ length: 64 }, (_, n) => pic.in(n));
    for (let i = 0; i < 30_000; i++) {
      const width = ([1, 2, 4] as const)[below(3)]!;
      const offset = below(0x20);
      if (below(2) === 0) map.write(offset, width, below(2 ** (8 * width)));
      else expect(map.read(offset, width)).toBeLessThan(2 ** (8 * width));
      inputs[below(64)]!(below(2) === 0);
    }
  });
});
