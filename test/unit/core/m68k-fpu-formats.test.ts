// SPDX-License-Identifier: MIT
//
// FMOVE between the 68882's registers and the shorter formats in memory, against exact arithmetic.
import { describe, expect, it } from 'vitest';
import {
  EXC,
  type Extended,
  ROUNDING,
  type Rounding,
  exactOf,
  infinity,
  isNegative,
  mantissaOf,
  highOf,
  pack,
  round,
  zero,
} from '../../support/extended.ts';
import { TestM68k } from '../../support/m68k.ts';
import { random } from '../../support/random.ts';

const TOP = 1n << 63n;
const next = random(881);
const below = (limit: number): number => Math.floor(next() * limit);
const bits64 = (): bigint => (BigInt(below(2 ** 32)) << 32n) | BigInt(below(2 ** 32));
const machine = new TestM68k({ model: '68030', fpu: '68882' });
const { view } = machine.ram;
const AT = 0x3000;
const text = (a: Extended): string => `${highOf(a).toString(16)}:${mantissaOf(a).toString(16)}`;

/** FMOVE.<format> FP0,(A0): the exception byte. */
function store(format: number, source: Extended, rounding: Rounding): number {
  machine.set({ sr: 0x2700, fpcr: ROUNDING.indexOf(rounding) << 4, fpsr: 0, fp0: source, a0: AT });
  machine.execute([0xf210, 0x6000 | (format << 10)]);
  return machine.reg('fpsr') & 0xff00;
}

/** FMOVE.<format> (A0),FP0 */
function load(format: number): Extended {
  machine.set({ sr: 0x2700, fpcr: 0, fpsr: 0, a0: AT });
  machine.execute([0xf210, 0x4000 | (format << 10)]);
  return machine.cpu.registers()['fp0'] as bigint;
}

/** A number whose exponent is near `exponent`, denormalized ones of short formats included. */
const near = (exponent: number, spread: number): Extended =>
  pack((below(2) << 15) | (0x3fff + exponent + below(2 * spread) - spread), TOP | (bits64() >> BigInt(below(64))));

/** A number of a JavaScript double, exactly. */
function extendedOf(value: number): Extended {
  if (Number.isNaN(value)) throw new RangeError('no number');
  if (!Number.isFinite(value)) return infinity(value < 0);
  if (value === 0) return zero(Object.is(value, -0));
  let exponent = 0;
  let scaled = value;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    exponent--;
  }
  return round({ integer: BigInt(scaled), exponent }, 'nearest', 'extended').value;
}

describe('68882 formats', () => {
  it.each([
    ['single', 1, 'single', 127, 4],
    ['double', 5, 'double', 1023, 8],
  ] as const)('stores and loads %s precision', (_title, format, precision, most, bytes) => {
    for (let n = 0; n < 1500; n++) {
      const source = near([0, most, 1 - most, -most - 20][below(4)]!, 40);
      const rounding = ROUNDING[below(4)]!;
      const flags = store(format, source, rounding);
      const expected = round(exactOf(source), rounding, precision);
      const stored = bytes === 4 ? view.getFloat32(AT) : view.getFloat64(AT);
      const title = `${text(source)} ${rounding}`;
      expect(text(extendedOf(stored)), title).toBe(text(expected.value));
      expect(flags.toString(16), title).toBe(expected.flags.toString(16));
      expect(text(load(format)), title).toBe(text(expected.value));
    }
  });

  it.each([
    ['long', 0, 32],
    ['word', 4, 16],
    ['byte', 6, 8],
  ] as const)('stores and loads %s integers', (_title, format, width) => {
    const [least, most] = [-(2n ** BigInt(width - 1)), 2n ** BigInt(width - 1) - 1n];
    for (let n = 0; n < 1500; n++) {
      const source = near(width / 2, width / 2 + 3);
      const rounding = ROUNDING[below(4)]!;
      const { integer, exponent } = exactOf(source);
      const unit = exponent < 0 ? 1n << BigInt(-exponent) : 1n;
      const value = exponent < 0 ? integer : integer << BigInt(exponent);
      // Towards minus infinity, and what is left of that.
      let whole = value >= 0n ? value / unit : -((-value + unit - 1n) / unit);
      const rest = value - whole * unit;
      const up =
        rounding === 'nearest'
          ? 2n * rest > unit || (2n * rest === unit && (whole & 1n) === 1n)
          : rest > 0n && (rounding === 'up' || (rounding === 'zero' && isNegative(source)));
      if (up) whole++;
      const fits = whole >= least && whole <= most;
      const expected = whole < least ? least : whole > most ? most : whole;
      const flags = store(format, source, rounding);
      const stored = width === 32 ? view.getInt32(AT) : width === 16 ? view.getInt16(AT) : view.getInt8(AT);
      const title = `${text(source)} ${rounding}`;
      expect(BigInt(stored), title).toBe(expected);
      expect(flags, title).toBe(fits ? (rest > 0n ? EXC.INEX2 : 0) : EXC.OPERR);
      expect(text(load(format)), title).toBe(text(extendedOf(stored)));
    }
  });

  it('keeps infinities, zeros and the signs of both', () => {
    for (const source of [infinity(false), infinity(true), zero(false), zero(true)]) {
      for (const format of [1, 5, 2]) {
        expect(store(format, source, 'up')).toBe(0);
        expect(text(load(format))).toBe(text(source));
      }
    }
  });

  it('makes signalling NaNs quiet on their way', () => {
    const signalling = pack(0x7fff, 0x8000_0100_0000_0000n);
    expect(store(1, signalling, 'nearest')).toBe(EXC.SNAN);
    expect(view.getUint32(AT)).toBe(0x7fc0_0001);
    view.setUint32(AT, 0x7f80_0001);
    expect(text(load(1))).toBe('7fff:c000010000000000');
    expect(machine.reg('fpsr') & 0xff00).toBe(EXC.SNAN);
  });

  it('moves 96 bits as they are by FMOVEM, whatever they mean', () => {
    const words = [0x7fff_1234, 0x0123_4567, 0x89ab_cdef];
    words.forEach((word, n) => view.setUint32(AT + n * 4, word));
    machine.set({ a0: AT, a1: AT + 32, fpsr: 0 });
    machine.execute([0xf210, 0xd080, 0xf211, 0xf080], 2); // FMOVEM (A0),FP0; FMOVEM FP0,(A1)
    expect([0, 4, 8].map((at) => machine.long(AT + 32 + at))).toEqual([0x7fff_0000, words[1], words[2]]);
    expect(machine.reg('fpsr')).toBe(0);
  });
});
