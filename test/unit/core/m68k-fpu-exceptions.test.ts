// SPDX-License-Identifier: MIT
//
// Floating-point exceptions as handlers see them: when they come, their frames, FPSR and FPIAR, and the state frames of
// FSAVE and FRESTORE [68881 UM §6, 68040 UM §9]; packed decimal numbers against exact arithmetic.
import { describe, expect, it } from 'vitest';
import {
  type Extended,
  ROUNDING,
  type Rounding,
  exactOf,
  infinity,
  isNegative,
  pack,
  round,
} from '../../support/extended.ts';
import { TestM68k } from '../../support/m68k.ts';
import { random } from '../../support/random.ts';

const TOP = 1n << 63n;
const ONE = pack(0x3fff, TOP);
const ZERO = pack(0, 0n);
const DENORMAL = pack(0, 1n << 62n);
const SIGNALLING = pack(0x7fff, TOP | 1n);
const { START, STACK } = TestM68k;

const FDIV_0_1 = [0xf200, 0x00a0]; // FDIV.X FP0,FP1
const FNOP = [0xf280, 0x0000];
const FSIN_0_1 = [0xf200, 0x008e];
const FSAVE_DOWN = [0xf327]; // FSAVE -(A7)
const NOP = 0x4e71;

/** The frame on the stack. */
function frame(machine: TestM68k) {
  const sp = machine.reg('a7');
  const format = machine.word(sp + 6) >>> 12;
  return {
    ...{ sp, format, vector: (machine.word(sp + 6) & 0xfff) / 4, pc: machine.long(sp + 2) },
    ...(format >= 2 && format <= 3 ? { address: machine.long(sp + 8) } : {}),
  };
}

describe('exceptions of the 68882', () => {
  const unit = () => new TestM68k({ model: '68030', fpu: '68882' });

  it.each([
    ['a division by zero', 0x0400, 50, ZERO, ONE, FDIV_0_1],
    ['an invalid operation', 0x2000, 52, ZERO, ZERO, FDIV_0_1],
    ['a signalling NaN', 0x4000, 54, SIGNALLING, ONE, FDIV_0_1],
    ['an overflow', 0x1000, 53, pack(0x10, TOP), pack(0x7ffe, TOP), FDIV_0_1],
    ['an underflow', 0x0800, 51, pack(0x7ffe, TOP), pack(0x10, TOP), FDIV_0_1],
    ['an inexact result', 0x0200, 49, pack(0x4000, TOP | (TOP >> 1n)), ONE, FDIV_0_1],
  ] as const)('%s comes with the next instruction', (_title, enable, vector, fp0, fp1, words) => {
    const machine = unit();
    machine.set({ fpcr: enable, fp0, fp1 });
    machine.execute([NOP, ...words, NOP, ...FNOP], 3);
    expect(machine.cpu.pc).toBe(START + 8);
    expect([machine.reg('fpsr') & enable, machine.reg('fpiar')]).toEqual([enable, START + 2]);
    machine.cpu.step();
    expect(machine.cpu.pc).toBe(TestM68k.handler(vector));
    expect(frame(machine)).toMatchObject({ format: 0, vector, pc: START + 8 });
  });

  it('leaves the destination alone when the exception is one of operands', () => {
    const machine = unit();
    machine.set({ fpcr: 0x0400, fp0: ZERO, fp1: ONE });
    machine.execute(FDIV_0_1);
    expect(machine.cpu.registers()['fp1']).toBe(ONE);
    machine.set({ fpcr: 0, fp0: ZERO, fp1: ONE });
    machine.execute(FNOP);
    machine.set({ a7: STACK, sr: 0x2700 });
    machine.execute(FDIV_0_1);
    expect(machine.cpu.registers()['fp1']).toBe(infinity(false));
  });

  it('stops in the middle of a store', () => {
    const machine = unit();
    machine.set({ fpcr: 0x2000, fp0: infinity(false), a0: 0x3000 });
    machine.execute([0xf210, 0x6000]); // FMOVE.L FP0,(A0)
    expect(machine.cpu.pc).toBe(TestM68k.handler(52));
    const { format, pc, sp } = frame(machine);
    expect({ format, pc, instruction: machine.long(sp + 8) }).toEqual({ format: 9, pc: START + 4, instruction: START });
    expect(machine.long(0x3000)).toBe(0x7fff_ffff);
  });

  it('takes BSUN before a branch on NaN', () => {
    const machine = unit();
    machine.set({ fpcr: 0x8000, fpsr: 0x0100_0000 });
    machine.execute([0xf292, 0x0010]); // FBGT
    expect(machine.cpu.pc).toBe(TestM68k.handler(48));
    expect(frame(machine)).toMatchObject({ format: 0, pc: START });
    expect(machine.reg('fpsr') & 0x8080).toBe(0x8080);
    machine.set({ fpcr: 0, fpsr: 0x0100_0000, a7: STACK });
    machine.execute([0xf292, 0x0010]);
    expect(machine.cpu.pc).toBe(START + 4); // greater than is false
  });

  it('saves and restores whether an exception waits', () => {
    const machine = unit();
    machine.set({ fpcr: 0x0400, fp0: ZERO, fp1: ONE, a7: STACK });
    machine.execute([...FDIV_0_1, ...FSAVE_DOWN, ...FNOP], 3);
    expect(machine.cpu.pc).toBe(START + 10); // FSAVE took it away
    const sp = STACK - 0x3c;
    expect([machine.reg('a7'), machine.long(sp)]).toEqual([sp, 0x1f38_0000]);
    machine.execute([0xf35f, ...FNOP], 2); // FRESTORE (A7)+
    expect(machine.cpu.pc).toBe(TestM68k.handler(50));
    expect(frame(machine).pc).toBe(START + 2);
  });

  it('is reset by a null frame and has one until it is used', () => {
    const machine = unit();
    machine.execute(FSAVE_DOWN);
    expect([machine.reg('a7'), machine.long(STACK - 4)]).toEqual([STACK - 4, 0]);
    machine.execute([0xf200, 0x0000]); // FMOVE FP0,FP0
    machine.set({ fp3: ONE, fpcr: 0xff00 });
    machine.set({ a7: STACK - 4 });
    machine.execute([0xf35f]);
    expect([machine.reg('fpcr'), machine.cpu.registers()['fp3'], machine.reg('a7')]).toEqual([
      ...[0, pack(0x7fff, 0xffff_ffff_ffff_ffffn), STACK],
    ]);
  });

  it('refuses a frame of another unit', () => {
    const machine = unit();
    machine.ram.view.setUint32(0x3000, 0x4130_0000);
    machine.set({ a0: 0x3000 });
    machine.execute([0xf350]); // FRESTORE (A0)
    expect(machine.cpu.pc).toBe(TestM68k.handler(14));
  });

  it('is not there on a 68030 alone, nor in a 68LC040', () => {
    for (const model of ['68030', '68040'] as const) {
      const machine = new TestM68k({ model, fpu: 'none' });
      machine.execute(FNOP);
      expect(machine.cpu.pc).toBe(TestM68k.handler(11));
      expect(frame(machine)).toMatchObject({ format: 0, pc: START });
    }
  });
});

describe('what the 68040 leaves to software', () => {
  it('a function: format 2 with the next instruction, and the operand in the state frame', () => {
    const machine = new TestM68k();
    machine.set({ fp0: ONE, fp1: pack(0x4000, TOP) });
    machine.execute(FSIN_0_1);
    expect(machine.cpu.pc).toBe(TestM68k.handler(11));
    expect(frame(machine)).toEqual({ sp: STACK - 12, format: 2, vector: 11, pc: START + 4, address: 0 });
    machine.code(TestM68k.handler(11), ...FSAVE_DOWN);
    machine.cpu.step();
    const at = machine.reg('a7');
    expect(at).toBe(STACK - 12 - 0x34);
    expect(machine.long(at)).toBe(0x4130_0000);
    expect(machine.long(at + 4 + 12)).toBe(0x008e_0000); // CMDREG1B
    expect([machine.long(at + 4 + 24) >>> 16, machine.long(at + 4 + 28)]).toEqual([0x4000, 0x8000_0000]); // FPTEMP
    expect([machine.long(at + 4 + 36) >>> 16, machine.long(at + 4 + 40)]).toEqual([0x3fff, 0x8000_0000]); // ETEMP
    expect(machine.reg('fpiar')).toBe(START);
  });

  it('a function of an operand in memory: its address', () => {
    const machine = new TestM68k();
    machine.ram.view.setFloat64(0x3000, 1.5);
    machine.set({ a0: 0x3000 });
    machine.execute([0xf210, 0x540e]); // FSIN.D (A0),FP0
    expect(frame(machine)).toMatchObject({ format: 2, vector: 11, pc: START + 4, address: 0x3000 });
  });

  it('an instruction nobody has: format 0 with the instruction itself', () => {
    const machine = new TestM68k();
    machine.execute([0xf200, 0x007f]);
    expect(frame(machine)).toMatchObject({ format: 0, vector: 11, pc: START });
  });

  it('a denormalized operand: format 0 before the instruction', () => {
    const machine = new TestM68k();
    machine.set({ fp0: DENORMAL, fp1: ONE });
    machine.execute([0xf200, 0x00a2]); // FADD FP0,FP1
    expect(machine.cpu.pc).toBe(TestM68k.handler(55));
    expect(frame(machine)).toMatchObject({ format: 0, vector: 55, pc: START });
    expect(machine.cpu.registers()['fp1']).toBe(ONE);
    machine.code(TestM68k.handler(55), ...FSAVE_DOWN);
    machine.cpu.step();
    const at = machine.reg('a7') + 4;
    expect([machine.long(at + 8) >>> 29, machine.long(at + 16) >>> 29]).toEqual([4, 0]); // STAG, DTAG
  });

  it('a store of a denormalized number: format 3 after it, with the address', () => {
    const machine = new TestM68k();
    machine.set({ fp0: DENORMAL, a0: 0x3000 });
    machine.execute([0xf210, 0x7400]); // FMOVE.D FP0,(A0)
    expect(machine.cpu.pc).toBe(TestM68k.handler(55));
    expect(frame(machine)).toMatchObject({ format: 3, vector: 55, pc: START + 4, address: 0x3000 });
  });

  it('packed decimal numbers, both ways', () => {
    const machine = new TestM68k();
    machine.set({ a0: 0x3000, fp0: ONE });
    machine.execute([0xf210, 0x4c00]); // FMOVE.P (A0),FP0
    expect(frame(machine)).toMatchObject({ format: 0, vector: 55, pc: START });
    machine.set({ a7: STACK, sr: 0x2700, fp0: ONE });
    machine.execute([0xf210, 0x6c00]); // FMOVE.P FP0,(A0){#0}
    expect(frame(machine)).toMatchObject({ format: 3, vector: 55, address: 0x3000 });
  });

  it('an enabled exception: with the next instruction, or right after a store', () => {
    const machine = new TestM68k();
    machine.set({ fpcr: 0x0400, fp0: ZERO, fp1: ONE });
    machine.execute([...FDIV_0_1, ...FNOP], 2);
    expect(machine.cpu.pc).toBe(TestM68k.handler(50));
    expect(frame(machine)).toMatchObject({ format: 0, pc: START + 4 });
    machine.set({ fpcr: 0x2000, fp0: infinity(true), a0: 0x3000, a7: STACK, sr: 0x2700 });
    machine.execute([0xf210, 0x7000]); // FMOVE.W FP0,(A0)
    expect(frame(machine)).toMatchObject({ format: 3, vector: 52, pc: START + 4, address: 0x3000 });
  });

  it('idle is a frame of four bytes', () => {
    const machine = new TestM68k();
    machine.execute([...FNOP, ...FSAVE_DOWN], 2);
    expect([machine.reg('a7'), machine.long(STACK - 4)]).toEqual([STACK - 4, 0x4100_0000]);
  });
});

describe('packed decimal', () => {
  const next = random(77);
  const below = (limit: number): number => Math.floor(next() * limit);
  const machine = new TestM68k({ model: '68030', fpu: '68882' });
  const setRounding = (rounding: Rounding): number => ROUNDING.indexOf(rounding) << 4;
  const value = (): Extended => machine.cpu.registers()['fp0'] as bigint;

  it('is read exactly rounded', () => {
    for (let n = 0; n < 400; n++) {
      const digits = Array.from({ length: 17 }, () => below(10));
      const exponent = below(3) === 0 ? below(1000) : below(30);
      const [negative, negativeExponent] = [below(2) === 1, below(2) === 1];
      const word =
        (negative ? 0x8000_0000 : 0) |
        (negativeExponent ? 0x4000_0000 : 0) |
        (Math.floor(exponent / 100) << 24) |
        ((Math.floor(exponent / 10) % 10) << 20) |
        ((exponent % 10) << 16) |
        digits[0]!;
      machine.ram.view.setUint32(0x3000, word >>> 0);
      for (let i = 0; i < 8; i++) machine.ram.view.setUint8(0x3004 + i, (digits[1 + i * 2]! << 4) | digits[2 + i * 2]!);
      const rounding = ROUNDING[below(4)]!;
      machine.set({ sr: 0x2700, fpcr: setRounding(rounding), fpsr: 0, a0: 0x3000 });
      machine.execute([0xf210, 0x4c00]);
      const integer = BigInt(digits.join('')) * (negative ? -1n : 1n);
      if (integer === 0n) continue;
      const power = (negativeExponent ? -exponent : exponent) - 16;
      let exact;
      if (power >= 0) {
        exact = { integer: integer * 10n ** BigInt(power), exponent: 0 };
      } else {
        const dividend = integer << 4000n;
        const divisor = 10n ** BigInt(-power);
        exact = { integer: dividend / divisor, exponent: -4000, sticky: dividend % divisor !== 0n };
      }
      const title = `${digits.join('')}e${power} ${rounding}`;
      expect(value().toString(16), title).toBe(round(exact, rounding, 'extended').value.toString(16));
    }
  });

  it('is written with as many digits as asked', () => {
    for (let n = 0; n < 400; n++) {
      const exponent = 0x3fff + below(200) - 100;
      const source = pack((below(2) << 15) | exponent, TOP | (BigInt(below(2 ** 32)) << 31n) | BigInt(below(2 ** 31)));
      const k = 1 + below(17);
      const rounding = ROUNDING[below(4)]!;
      machine.set({ sr: 0x2700, fpcr: setRounding(rounding), fpsr: 0, fp0: source, a0: 0x3000 });
      machine.execute([0xf210, 0x6c00 | k]);
      // The digits, exactly.
      const { integer, exponent: two } = exactOf(source);
      const magnitude = integer < 0n ? -integer : integer;
      const [top, bottom] = two >= 0 ? [magnitude << BigInt(two), 1n] : [magnitude, 1n << BigInt(-two)];
      let ten = -40;
      while (top * 10n ** 60n >= bottom * 10n ** BigInt(ten + 1 + 60)) ten++;
      const digitsFor = (power: number): bigint => {
        // top/bottom × 10^(k-1-power)
        const shift = k - 1 - power;
        const [a, b] = shift >= 0 ? [top * 10n ** BigInt(shift), bottom] : [top, bottom * 10n ** BigInt(-shift)];
        const whole = a / b;
        const rest = a % b;
        const up =
          rounding === 'nearest'
            ? 2n * rest > b || (2n * rest === b && (whole & 1n) === 1n)
            : rest > 0n && rounding === (isNegative(source) ? 'down' : 'up');
        return whole + (up ? 1n : 0n);
      };
      let digits = digitsFor(ten);
      if (digits >= 10n ** BigInt(k)) {
        ten++;
        digits = digitsFor(ten);
      }
      const text = digits.toString().padEnd(17, '0');
      const power = Math.abs(ten).toString().padStart(3, '0');
      const signs = ((isNegative(source) ? 8 : 0) | (ten < 0 ? 4 : 0)).toString(16);
      const expected = `${signs}${power}000${text}`;
      const ours = [0, 4, 8]
        .map((at) =>
          machine
            .long(0x3000 + at)
            .toString(16)
            .padStart(8, '0'),
        )
        .join('');
      expect(ours, `${source.toString(16)} {${k}} ${rounding}`).toBe(expected);
    }
  });

  it('refuses more digits than there are, and exponents that have four', () => {
    machine.set({ sr: 0x2700, fpcr: 0, fpsr: 0, fp0: ONE, a0: 0x3000 });
    machine.execute([0xf210, 0x6c00 | 18]);
    expect(machine.reg('fpsr') & 0x2000).toBe(0x2000);
    machine.set({ fpsr: 0, fp0: pack(0x7ffe, TOP) });
    machine.execute([0xf210, 0x6c11]);
    expect(machine.reg('fpsr') & 0x2000).toBe(0x2000);
    expect((machine.long(0x3000) >>> 12) & 15).toBe(4); // 10^4931
  });

  it('has infinities and NaNs', () => {
    machine.set({ sr: 0x2700, fpcr: 0, fpsr: 0, fp0: infinity(true), a0: 0x3000 });
    machine.execute([0xf210, 0x6c01, 0xf210, 0x4c00], 2);
    expect([machine.long(0x3000), machine.long(0x3004), machine.long(0x3008)]).toEqual([0xffff_0000, 0, 0]);
    expect(value()).toBe(infinity(true));
  });
});
