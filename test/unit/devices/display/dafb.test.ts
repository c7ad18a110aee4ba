// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { Dafb, type DafbOptions } from '../../../../machines/devices/display/dafb.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const MIB = 1 << 20;
const SECOND = 1_000_000_000;
const REGISTERS = 0xf980_0000;

const BASE_HIGH = 0x00;
const BASE_LOW = 0x04;
const STRIDE = 0x08;
const SENSE = 0x1c;
const TEST = 0x2c;
const MODE = 0x100;
const INT_ENABLE = 0x104;
const INT_STATUS = 0x108;
const CLEAR_CURSOR = 0x10c;
const CLEAR_VBL = 0x114;
const CURSOR_LINE = 0x118;
const PALETTE_ADDRESS = 0x200;
const PALETTE_BYTE = 0x213; // as drivers access it
const PCBR = 0x220;

/** What the ROM programs for 640×480 at 30.24 MHz, by register. */
const TIMING: readonly (readonly [number, number])[] = [
  [0x140, 0x93],
  [0x144, 0x313],
  [0x148, 0x35e],
  [0x14c, 0x41a],
  [0x15c, 0x52],
  [0x160, 0x412],
  [0x164, 0x416],
];

function setUp(options: DafbOptions = {}) {
  const fake = new FakeBoard(SECOND, 4 * MIB);
  const dafb = new Dafb(fake.chip('dafb'), fake.board.memory, options);
  const map = fake.map();
  map.add(region(REGISTERS, REGISTERS + 0x3ff).device(dafb, 'dafb'));
  dafb.reset('cold');
  dafb.settle();
  const write = (offset: number, value: number): void => map.write(REGISTERS + offset, 4, value);
  const read = (offset: number): number => map.read(REGISTERS + offset, 4);
  const color = (index: number, ...levels: number[]): void => {
    write(PALETTE_ADDRESS, index);
    for (const level of levels) map.write(REGISTERS + PALETTE_BYTE, 1, level);
  };
  /** The ROM's 640×480, with a stride in bytes and a value for PCBR0. */
  const start = (stride: number, pcbr0: number): void => {
    for (const [offset, value] of TIMING) map.write(REGISTERS + offset + 2, 2, value);
    write(STRIDE, stride / 4);
    write(PALETTE_ADDRESS, 0);
    write(PCBR, pcbr0);
    write(MODE, 2);
  };
  return { fake, dafb, map, write, read, color, start };
}

describe('Dafb', () => {
  it('is dark until the timing generator runs', () => {
    const { dafb, write, start } = setUp();
    expect([dafb.picture(), dafb.mode(), dafb.damage()]).toEqual([undefined, undefined, []]);
    start(1024, 0x18);
    expect(dafb.mode()).toMatchObject({ width: 640, height: 480, bpp: 8, stride: 1024, byteOrder: 'big' });
    expect(dafb.damage()).toEqual([{ x: 0, y: 0, width: 640, height: 480 }]);
    write(MODE, 1);
    expect([dafb.mode(), dafb.damage()]).toEqual([undefined, [{ x: 0, y: 0, width: 0, height: 0 }]]);
  });

  it('shows 1, 2, 4, 8, 16 and 32 bits a pixel', () => {
    const { dafb, write, color, start } = setUp({ vramBytes: 2 * MIB });
    color(0, 0xff, 0xff, 0xff);
    color(1, 0x10, 0x20, 0x30);
    dafb.vram.bytes.set([0x7c, 0x1f, 0x03, 0xe0]);
    const first = (): number[] => [...dafb.picture()!.rgba.subarray(0, 3)];
    const depths: [number, number][] = [
      [0x00, 1],
      [0x08, 2],
      [0x10, 4],
      [0x18, 8],
      [0x1c, 32],
    ];
    for (const [pcbr0, bpp] of depths) {
      start(2560, pcbr0);
      expect(dafb.mode()).toMatchObject({ bpp });
    }
    expect(first()).toEqual([0x1f, 0x03, 0xe0]);
    write(PALETTE_ADDRESS, 1);
    write(PCBR, 0x06); // reaches PCBR1 from now on
    write(PCBR, 0xc0);
    expect([dafb.mode()?.bpp, first()]).toEqual([15, [0xff, 0, 0xff]]);
    dafb.vram.bytes[0] = 0x40;
    start(1024, 0x00);
    expect([...dafb.picture()!.rgba.subarray(0, 8)]).toEqual([255, 255, 255, 255, 0x10, 0x20, 0x30, 255]);
  });

  it('begins where the base registers say, in units of 32 bytes', () => {
    const { dafb, write, start } = setUp();
    start(1024, 0x18);
    write(BASE_HIGH, 0x008);
    write(BASE_LOW, 0x3);
    expect(dafb.mode()!.offset - dafb.vram.offset).toBe(0x1060);
  });

  it('shows as much of a mode as there is memory for', () => {
    const { dafb, start } = setUp({ vramBytes: 512 << 10 });
    start(2048, 0x18);
    expect(dafb.mode()!.height).toBe(256);
  });

  it('tells which lines changed', () => {
    const { fake, dafb, start } = setUp();
    start(1024, 0x18);
    dafb.damage();
    fake.board.memory.written(dafb.vram.offset + 1024 * 100, 1);
    expect(dafb.damage()).toEqual([{ x: 0, y: 100, width: 640, height: 4 }]);
    expect(dafb.damage()).toEqual([]);
  });

  it('shows the blue line alone on a monochrome monitor', () => {
    const { dafb, color, start } = setUp({ monitor: 'portrait' });
    color(0, 0x10, 0x20, 0x30);
    start(1024, 0x18);
    expect([...dafb.mode()!.palette!.subarray(0, 4)]).toEqual([0x30, 0x30, 0x30, 0xff]);
  });

  it('reads colours back', () => {
    const { read, write, color } = setUp();
    color(5, 1, 2, 3);
    write(PALETTE_ADDRESS, 5);
    expect([read(0x210), read(0x210), read(0x210), read(PALETTE_ADDRESS)]).toEqual([1, 2, 3, 6]);
  });

  it('interrupts once a frame while enabled', () => {
    const { fake, dafb, write, read, start } = setUp();
    start(1024, 0x18);
    write(INT_ENABLE, 1);
    const frame = (864 * 525 * SECOND) / 30_240_000;
    fake.advance(frame + 2);
    expect([dafb.irq.level, read(INT_STATUS)]).toEqual([true, 1]);
    write(CLEAR_VBL, 0);
    expect([dafb.irq.level, read(INT_STATUS)]).toEqual([false, 0]);
    const levels = fake.watch(dafb.irq);
    for (let frames = 0; frames < 10; frames++) {
      fake.advance(frame);
      read(CLEAR_VBL);
    }
    expect(levels).toHaveLength(20);
    write(INT_ENABLE, 0);
    fake.advance(3 * frame);
    expect(dafb.irq.level).toBe(false);
  });

  it('interrupts at the cursor line', () => {
    const { fake, dafb, write, read, start } = setUp();
    start(1024, 0x18);
    write(CURSOR_LINE, 100);
    write(INT_ENABLE, 4);
    const line = (864 * SECOND) / 30_240_000;
    fake.advance(Math.floor(100 * line) - 10);
    expect(dafb.irq.level).toBe(false);
    fake.advance(20);
    expect([dafb.irq.level, read(INT_STATUS)]).toEqual([true, 4]);
    read(CLEAR_CURSOR);
    expect(dafb.irq.level).toBe(false);
  });

  it('takes the pixel clock from the clock generator', () => {
    const { fake, dafb, write, start } = setUp();
    start(1024, 0x18);
    // 20 MHz × 100 ÷ (40 × 2) = 25 MHz: P from bit 7, R from bit 15, N from bit 25, lowest bits first.
    const bits = new Array<number>(38).fill(0);
    const put = (first: number, value: number): void => {
      for (let bit = 0; bit < 8; bit++) bits[first + bit] = (value >> bit) & 1;
    };
    put(7, 1);
    put(15, 40);
    put(25, 100);
    for (const bit of bits) write(0x300, bit);
    write(0x310, 0);
    write(INT_ENABLE, 1);
    const levels = fake.watch(dafb.irq);
    fake.advance((864 * 525 * SECOND) / 25_000_000 - 10);
    const early = [...levels];
    write(CLEAR_VBL, 0);
    fake.advance(20 + (864 * 525 * SECOND) / 25_000_000);
    expect([early, levels]).toEqual([[true], [true, false, true]]);
  });

  it('gives the sense lines of the monitor, pulled low ones included', () => {
    const sense = (monitor: DafbOptions['monitor'], leftAlone: number): number => {
      const { read, write } = setUp({ monitor });
      write(SENSE, leftAlone);
      return read(SENSE);
    };
    // Low lines read as ones.
    expect(sense('13-inch', 7)).toBe(1);
    expect(sense('21-inch', 7)).toBe(7);
    expect([7, 3, 5, 6].map((alone) => sense('vga', alone))).toEqual([0, 6, 6, 1]);
    expect([7, 3, 5, 6].map((alone) => sense('16-inch', alone))).toEqual([0, 5, 2, 5]);
    expect([7, 3, 5, 6].map((alone) => sense('none', alone))).toEqual([0, 4, 2, 1]);
  });

  it('says which version it is', () => {
    const { read, write } = setUp();
    write(TEST, 0xfff);
    expect(read(TEST)).toBe(0x7ff);
  });

  it('is set up for software without a ROM', () => {
    for (const [monitor, width, height] of [
      ['13-inch', 640, 480],
      ['21-inch', 1152, 870],
      ['16-inch', 832, 624],
    ] as const) {
      const { dafb } = setUp({ monitor });
      dafb.setUp();
      expect(dafb.mode()).toMatchObject({ width, height, bpp: 8, offset: dafb.vram.offset });
    }
  });

  it('obeys the snapshot law', () => {
    const { fake, dafb, write, color, start } = setUp();
    start(1024, 0x18);
    color(3, 9, 8);
    write(0x300, 1);
    write(INT_ENABLE, 5);
    fake.advance(12_345_678);
    expectSnapshotLaw(dafb, () => setUp().dafb);
  });

  it('survives random accesses', () => {
    const { fake, dafb, map } = setUp();
    const next = random(23);
    for (let n = 0; n < 20_000; n++) {
      const width = ([1, 2, 4] as const)[Math.floor(next() * 3)]!;
      const pa = REGISTERS + Math.floor(next() * 0x400);
      if (next() < 0.6) map.write(pa, width, Math.floor(next() * 2 ** (8 * width)));
      else expect(map.read(pa, width)).toBeLessThan(2 ** (8 * width));
      if (n % 500 === 0) {
        fake.advance(Math.floor(next() * 10_000_000));
        dafb.picture();
        dafb.damage();
      }
    }
  });
});
