// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { readTarget, type Width, writeTarget } from '../../../../machines/backplane/bus.ts';
import { Asc, type AscModel } from '../../../../machines/devices/sound/asc.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const [VERSION, MODE, CONTROL, FIFO_MODE, STATUS, VOLUME, CLOCK] = [0x800, 0x801, 0x802, 0x803, 0x804, 0x806, 0x807];
const [A, B] = [0x000, 0x400];
const [WAVE, INCREMENT] = [0x810, 0x814];
const [A_RATE, A_CONTROL, A_IRQ, B_IRQ] = [0xf04, 0xf08, 0xf09, 0xf29];
/** Nanoseconds of a frame. */
const MAC = 1e9 / 22_257;
const CD = 1e9 / 44_100;

class Bench {
  readonly board = new FakeBoard();
  readonly heard: { rateHz: number; left: number; right: number }[] = [];
  readonly chip: Asc;

  constructor(model: AscModel) {
    this.chip = new Asc(this.board.chip('asc'), model, {
      play: (samples, rateHz) => {
        for (let i = 0; i < samples.length; i += 2)
          this.heard.push({ rateHz, left: samples[i]!, right: samples[i + 1]! });
      },
    });
    this.board.board.add(this.chip);
    this.board.board.reset('cold');
    this.w(VOLUME, 0xe0);
  }

  r(offset: number, width: Width = 1): number {
    return readTarget(this.chip, offset, width);
  }

  w(offset: number, value: number, width: Width = 1): void {
    writeTarget(this.chip, offset, width, value);
  }

  fill(fifo: number, count: number, value: (i: number) => number = () => 0x90): void {
    for (let i = 0; i < count; i++) this.w(fifo, value(i));
  }

  frames(count: number, ns = MAC): void {
    this.board.advanceNs(count * ns);
    this.r(VERSION); // brings the chip up to now
  }
}

describe('Asc models', () => {
  it('tell what they are', () => {
    expect((['asc', 'easc', 'iosb'] as const).map((model) => new Bench(model).r(VERSION))).toEqual([0, 0xb0, 0xbb]);
  });

  it('have the modes and idle status that the hardware was seen to have', () => {
    const tell = (model: AscModel) => {
      const b = new Bench(model);
      const idle = b.r(STATUS);
      const modes = [0, 1, 2].map((mode) => {
        b.w(MODE, mode);
        return b.r(MODE);
      });
      b.w(B_IRQ, 0);
      return { idle, modes, disable: b.r(B_IRQ) };
    };
    expect(tell('asc')).toEqual({ idle: 0x00, modes: [0, 1, 2], disable: 0 });
    expect(tell('easc')).toEqual({ idle: 0x0f, modes: [0, 1, 0], disable: 0 });
    expect(tell('iosb')).toEqual({ idle: 0x0e, modes: [0, 1, 0], disable: 0 });
    expect(new Bench('iosb').r(B_IRQ)).toBe(1);
    expect(new Bench('asc').r(B_IRQ)).toBe(0);
  });
});

describe('Asc FIFO mode', () => {
  it('plays both channels at the rate of the clock register, and nothing when it is over', () => {
    for (const [clock, hz] of [
      [0, 22_257],
      [2, 22_050],
      [3, 44_100],
    ] as const) {
      const b = new Bench('asc');
      b.w(CLOCK, clock);
      b.w(CONTROL, 2);
      b.w(MODE, 1);
      b.fill(A, 100, (i) => 0x80 + i);
      b.fill(B, 100, (i) => 0x80 - i);
      b.frames(50, 1e9 / hz);
      expect(b.heard.length).toBeGreaterThanOrEqual(49);
      expect(b.heard.length).toBeLessThanOrEqual(50);
      expect(b.heard[40]).toEqual({ rateHz: hz, left: 40 << 8, right: -40 << 8 });
      b.board.advanceNs(1e9);
      expect(b.heard.length).toBeLessThan(100 + 256);
      const length = b.heard.length;
      b.board.advanceNs(1e9);
      expect(b.heard).toHaveLength(length);
      expect(b.board.scheduler.headroom).toBe(Infinity);
    }
  });

  it('plays channel A on both sides in mono', () => {
    const b = new Bench('asc');
    b.w(MODE, 1);
    b.fill(A, 10, () => 0xa0);
    b.fill(B, 10, () => 0x20);
    b.frames(5);
    expect(b.heard[2]).toMatchObject({ left: 0x20 << 8, right: 0x20 << 8 });
  });

  it('follows the volume', () => {
    const b = new Bench('asc');
    b.w(VOLUME, 0);
    b.w(MODE, 1);
    b.fill(A, 10, () => 0xff);
    b.frames(3);
    expect(b.heard[1]!.left).toBe(0);
  });

  it('interrupts once when it falls below half, until the status is read', () => {
    const b = new Bench('asc');
    b.w(MODE, 1);
    b.fill(A, 0x300);
    b.frames(0x100);
    expect(b.chip.irq.level).toBe(false);
    b.frames(2);
    expect(b.chip.irq.level).toBe(true);
    expect(b.r(STATUS)).toBe(1);
    expect(b.chip.irq.level).toBe(false);
    b.frames(0x400);
    expect([b.r(STATUS), b.chip.irq.level]).toEqual([0, false]);
  });

  it('tells of a full FIFO, and is emptied by FIFO MODE', () => {
    const b = new Bench('asc');
    b.w(MODE, 1);
    b.fill(A, 0x3ff);
    expect(b.r(STATUS)).toBe(2);
    b.w(FIFO_MODE, 0x80);
    b.frames(10);
    expect(b.heard.filter(({ left }) => left !== 0)).toHaveLength(0);
  });

  it('interrupts of IOSB follow the level of both FIFOs, where they are not disabled', () => {
    const b = new Bench('iosb');
    b.w(MODE, 1);
    expect(b.chip.irq.level).toBe(false);
    b.w(B_IRQ, 0);
    expect(b.chip.irq.level).toBe(true);
    b.fill(A, 0x300);
    expect(b.chip.irq.level).toBe(true);
    b.fill(B, 0x300);
    expect([b.chip.irq.level, b.r(STATUS)]).toEqual([false, 0x02]);
    const levels = b.board.watch(b.chip.irq);
    b.frames(0x102, CD);
    expect(levels).toEqual([true]);
    expect(b.r(STATUS)).toBe(0x06);
    b.frames(0x300, CD);
    expect([levels, b.r(STATUS)]).toEqual([[true], 0x0e]);
    b.w(B_IRQ, 1);
    expect(b.chip.irq.level).toBe(false);
  });

  it('interrupts exactly when the FIFO falls below half', () => {
    const b = new Bench('iosb');
    b.w(MODE, 1);
    b.w(B_IRQ, 0);
    b.fill(A, 0x210);
    b.fill(B, 0x210);
    const start = b.board.scheduler.now;
    let at = 0;
    b.chip.irq.to((level) => {
      if (level) at = b.board.scheduler.now;
    });
    b.board.advanceNs(1e8);
    expect(Math.abs((at - start) / CD - 0x11)).toBeLessThan(1.1);
  });
});

describe('Asc wave tables', () => {
  it('mix four voices at their pitch', () => {
    const b = new Bench('asc');
    for (let i = 0; i < 512; i++) b.w(A + i, i < 256 ? 0xc0 : 0x40);
    for (let i = 512; i < 0x800; i++) b.w(A + i, 0x80);
    const increment = Math.round((1000 * 512 * 32_768) / 22_257); // 1 kHz
    b.w(INCREMENT, increment, 4);
    expect(b.r(INCREMENT, 4)).toBe(increment & 0xff_ffff);
    b.w(MODE, 2);
    b.frames(2226);
    const rises = b.heard.filter(({ left }, i) => left > 0 && (b.heard[i - 1]?.left ?? 0) < 0);
    expect(Math.abs(rises.length - 100)).toBeLessThanOrEqual(1);
    expect(Math.max(...b.heard.map(({ left }) => left))).toBe(0x40 << 6);
    expect(b.r(WAVE, 4)).not.toBe(0);
    b.w(MODE, 0);
    const { length } = b.heard;
    b.frames(100);
    expect(b.heard).toHaveLength(length);
  });
});

describe('Asc, enhanced', () => {
  it('converts rates', () => {
    const b = new Bench('easc');
    b.w(A_RATE, 0x7f);
    b.w(A_RATE + 1, 0xff); // half of 44.1 kHz
    b.w(A_CONTROL, 0x80);
    b.w(MODE, 1);
    b.fill(A, 100, (i) => 0x80 + i);
    b.frames(100, CD);
    expect(b.heard[60]).toMatchObject({ rateHz: 44_100 });
    expect(Math.abs((b.heard[60]!.left >> 8) - 30)).toBeLessThanOrEqual(1);
    expect([b.r(0xf01), Math.abs(b.r(0xf03) - 50) <= 1]).toEqual([100, true]); // its pointers
  });

  it('sends its channels to both sides by their scale factors', () => {
    const b = new Bench('iosb');
    b.w(0xf06, 0x40);
    b.w(0xf07, 0x7f);
    b.w(0xf27, 0);
    b.w(MODE, 1);
    b.fill(A, 10, () => 0xc0);
    b.fill(B, 10, () => 0xff);
    b.frames(5, CD);
    expect(b.heard[3]).toEqual({ rateHz: 44_100, left: Math.round((0x4000 * 0x40) / 0x7f), right: 0x4000 });
  });

  it('decodes CD-ROM XA', () => {
    const b = new Bench('easc');
    b.w(A_CONTROL, 0x02);
    b.w(MODE, 1);
    // Filter 0, shift 4: samples are their four bits times 256. Then filter 1 (60/64 of the one before).
    b.fill(A, 15, (i) => (i === 0 ? 0x04 : 0xf1));
    b.fill(A, 15, (i) => (i === 0 ? 0x14 : 0x00));
    b.frames(58, CD);
    const left = b.heard.map((frame) => frame.left);
    expect(left.slice(0, 4)).toEqual([0x100, -0x100, 0x100, -0x100]);
    expect(left.slice(27, 31)).toEqual([-256, -240, -225, -211]);
  });

  it('has an interrupt for each channel', () => {
    const b = new Bench('easc');
    b.w(MODE, 1);
    b.w(A_IRQ, 0);
    expect(b.chip.irq.level).toBe(true);
    b.fill(A, 0x200);
    expect(b.chip.irq.level).toBe(false);
    expect(b.r(STATUS)).toBe(0x0c);
    b.frames(2, CD);
    expect([b.chip.irq.level, b.r(STATUS)]).toEqual([true, 0x0d]);
  });
});

describe('Asc snapshot and fuzz', () => {
  it('keeps the law while it plays', () => {
    for (const model of ['asc', 'easc', 'iosb'] as const) {
      const b = new Bench(model);
      b.w(CONTROL, 2);
      b.w(MODE, 1);
      b.fill(A, 700, (i) => i & 0xff);
      b.fill(B, 700, (i) => i & 0x7f);
      b.frames(100);
      expectSnapshotLaw(b.chip);
      const other = new Bench(model);
      other.board.board.restore(structuredClone(b.board.board.save()));
      b.heard.length = 0;
      for (const one of [b, other]) one.board.advanceNs(20_000_000);
      expect(other.heard.length).toBeGreaterThan(200);
      expect(other.heard).toEqual(b.heard);
    }
  });

  it('survives random accesses', () => {
    let seed = 1789;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return (seed >>> 8) % below;
    };
    for (const model of ['asc', 'easc', 'iosb'] as const) {
      const b = new Bench(model);
      for (let i = 0; i < 10_000; i++) {
        const width = ([1, 1, 2, 4] as const)[random(4)]!;
        const offset = (random(3) === 0 ? random(0x1000) : [0x800, 0x810, 0xf00, 0xf20][random(4)]! + random(16)) & ~3;
        if (random(2) === 0) {
          const value = b.r(offset, width);
          expect(Number.isInteger(value) && value >= 0 && value < 2 ** (width * 8)).toBe(true);
        } else b.w(offset + (width === 1 ? random(4) : 0), random(width === 1 ? 0x100 : 0x1_0000), width);
        if (random(10) === 0) b.w(MODE, random(4));
        if (random(3) === 0) b.board.advanceNs(random(1_000_000));
        expect(b.board.scheduler.headroom).toBeGreaterThanOrEqual(0);
      }
      expect(b.heard.every(({ left, right }) => Math.abs(left) <= 0x8000 && Math.abs(right) <= 0x8000)).toBe(true);
    }
  });
});
