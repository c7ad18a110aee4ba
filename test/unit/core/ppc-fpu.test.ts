// SPDX-License-Identifier: MIT
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compileAssembly } from '../../support/assembly.ts';

// Known differences of QEMU 7.2 (qemu-ppc) from the architecture, for whoever compares the two: it never sets FR; it
// sets FX again for an exception that was already recorded, and not for mtfsb1; fcmpu and fcmpo clear FI; fcmpo sets C
// with VXVC, and VXVC although VE is set; VXSNAN does not clear FI; single results that are denormalized singles are
// classed as normal doubles; fctiw sets FPRF; fres(0) is 1/2; fres and frsqrte set XX; fnmadd and fnmsub round after
// the negation; 0 × ∞ + signalling NaN sets VXIMZ only; CR1 stays as it was when the instruction traps; NI does nothing.

const FX = 0x8000_0000;
const FEX = 0x4000_0000;
const VX = 0x2000_0000;
const OX = 0x1000_0000;
const UX = 0x0800_0000;
const ZX = 0x0400_0000;
const XX = 0x0200_0000;
const VXSNAN = 0x0100_0000;
const VXISI = 0x0080_0000;
const VXIDI = 0x0040_0000;
const VXZDZ = 0x0020_0000;
const VXIMZ = 0x0010_0000;
const VXVC = 0x0008_0000;
const FR = 0x0004_0000;
const FI = 0x0002_0000;
const VXSOFT = 0x0000_0400;
const VXSQRT = 0x0000_0200;
const VXCVI = 0x0000_0100;
const VE = 0x80;
const OE = 0x40;
const UE = 0x20;
const ZE = 0x10;
const XE = 0x08;
const NI = 0x04;
const TO_ZERO = 1;
const UPWARD = 2;
const DOWNWARD = 3;

const QNAN = 0x1_1000;
const PLUS_INFINITY = 0x5000;
const MINUS_INFINITY = 0x9000;
const PLUS_NORMAL = 0x4000;
const MINUS_NORMAL = 0x8000;
const PLUS_DENORMAL = 0x1_4000;
const MINUS_DENORMAL = 0x1_8000;
const PLUS_ZERO = 0x2000;
const MINUS_ZERO = 0x1_2000;

const MSR_FE0 = 0x800;
const MSR_FE1 = 0x100;

// Extended opcodes; operands frD = 4, frA = 1, frB = 2, frC = 3.
const OPERANDS = (4 << 21) | (1 << 16) | (2 << 11) | (3 << 6);
const NAMES = {
  fdivs: [59, 18],
  fsubs: [59, 20],
  fadds: [59, 21],
  fsqrts: [59, 22],
  fres: [59, 24],
  fmuls: [59, 25],
  fmsubs: [59, 28],
  fmadds: [59, 29],
  fnmsubs: [59, 30],
  fnmadds: [59, 31],
  fcmpu: [63, 0],
  frsp: [63, 12],
  fctiw: [63, 14],
  fctiwz: [63, 15],
  fdiv: [63, 18],
  fsub: [63, 20],
  fadd: [63, 21],
  fsqrt: [63, 22],
  fsel: [63, 23],
  fmul: [63, 25],
  frsqrte: [63, 26],
  fmsub: [63, 28],
  fmadd: [63, 29],
  fnmsub: [63, 30],
  fnmadd: [63, 31],
  fcmpo: [63, 32],
  mtfsb1: [63, 38],
  fneg: [63, 40],
  mcrfs: [63, 64],
  mtfsb0: [63, 70],
  fmr: [63, 72],
  mtfsfi: [63, 134],
  fnabs: [63, 136],
  fabs: [63, 264],
  mffs: [63, 583],
  mtfsf: [63, 711],
} as const;
type Name = keyof typeof NAMES;
const encode = (name: Name, fields = OPERANDS, rc = 0): number =>
  ((NAMES[name][0] << 26) | fields | (NAMES[name][1] << 1) | rc) >>> 0;

const ARITHMETIC: readonly Name[] = [
  'fadd',
  'fsub',
  'fmul',
  'fdiv',
  'fsqrt',
  'fmadd',
  'fmsub',
  'fnmadd',
  'fnmsub',
  'fadds',
  'fsubs',
  'fmuls',
  'fdivs',
  'fsqrts',
  'fmadds',
  'fmsubs',
  'fnmadds',
  'fnmsubs',
  'frsp',
  'fctiw',
  'fctiwz',
];

const ENTRY = `
import * as fpu from './fpu';
export * from './fpu';
import { CpuState, CR_BASE, FPR_BASE, REGS_BASE, cpu, fpr, setFpr } from './state';
export function fprAt(n: u32): u32 { return FPR_BASE + (n << 3); }
export function crAt(n: u32): u32 { return CR_BASE + n; }
export function fpscrAt(): u32 { return REGS_BASE + <u32>offsetof<CpuState>('fpscr'); }
export function msrAt(): u32 { return REGS_BASE + <u32>offsetof<CpuState>('msr'); }

let state: u64 = 1;
function random(): u64 {
  state ^= state << 13; state ^= state >> 7; state ^= state << 17;
  return state;
}
function operand(near: u64): u64 {
  const sign = random() & 0x8000_0000_0000_0000;
  const fraction = random() >> 12;
  switch (<u32>(random() >> 33) % 9) {
    case 0: return random();
    case 1: return sign | ((1023 - 4 + (random() >> 33) % 8) << 52) | fraction;
    case 2: return sign | ((1023 - 60 + (random() >> 33) % 120) << 52) | (fraction & ~((<u64>1 << (random() >> 33) % 52) - 1));
    case 3: return sign | ((1023 - 140 + (random() >> 33) % 280) << 52) | (fraction & ~0x1fff_ffff);
    case 4: return sign | ((2046 - (random() >> 33) % 3) << 52) | fraction;
    case 5: return near ^ sign ^ (random() >> 60);
    case 6: return sign | ((random() >> 33) % 2048 << 52) | ((random() >> 33) % 3 - 1 & 0x000f_ffff_ffff_ffff);
    case 7: return sign | ((1023 - 4 + (random() >> 33) % 8) << 52) | (fraction & ~0x1fff_ffff) | 0x1000_0000 | (random() >> 33) % 2;
    default: return sign | ((1023 - 300 + (random() >> 33) % 600) << 52) | fraction;
  }
}

/** Calls one instruction with FPSCR = 0 (quick path) and with an enable bit that cannot matter: how many differ. */
export function quickAgainstSlow(which: u32, op: u32, enable: u32, n: u32): u32 {
  state = 0x9e37_79b9_7f4a_7c15;
  let wrong: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const a = operand(state);
    const c = operand(a);
    let b = operand(a);
    // Addends near the product, so that it cancels.
    if (i & 1) b = reinterpret<u64>(reinterpret<f64>(a) * reinterpret<f64>(c)) ^ (random() & 0x8000_0000_0000_0003);
    setFpr(1, a);
    setFpr(2, b);
    setFpr(3, c);
    setFpr(4, 0);
    cpu.fpscr = 0;
    call(which, op);
    const d = fpr(4);
    const fpscr = cpu.fpscr;
    setFpr(4, 0);
    cpu.fpscr = enable;
    call(which, op);
    // Where the enabled exception did occur, the target is not to be compared.
    if (cpu.fpscr & 0x4000_0000) continue;
    wrong += u32(d != fpr(4) || fpscr != (cpu.fpscr & ~enable));
  }
  return wrong;
}

function call(which: u32, op: u32): void {
  switch (which) {
${ARITHMETIC.map((name, index) => `    case ${index}: fpu.op_${name}(op); break;`).join('\n')}
  }
}
`;
const EXCEPTIONS = `
@external('test', 'programException')
declare function taken(srr1: u32): void;
export function programException(srr1: u32): void { taken(srr1); }
`;

type Fpu = Record<`op_${Name}`, (op: number) => void> & {
  fprAt(n: number): number;
  crAt(n: number): number;
  fpscrAt(): number;
  msrAt(): number;
  f32ToF64Bits(single: number): bigint;
  f64BitsToF32(bits: bigint): number;
  quickAgainstSlow(which: number, op: number, enable: number, n: number): number;
};
let fpu: Fpu;
let view: DataView;
const exceptions: number[] = [];

const scratch = new DataView(new ArrayBuffer(8));
const bits = (x: number | bigint): bigint =>
  typeof x === 'bigint' ? x : (scratch.setFloat64(0, x), scratch.getBigUint64(0));
const hex = (x: bigint): string => BigInt.asUintN(64, x).toString(16).padStart(16, '0');

const UNTOUCHED = 0x1234_5678_9abc_def0n;
const INF = Infinity;
const NAN = 0x7ff8_0000_0000_0000n;
const SNAN = 0x7ff0_0000_0000_0001n;
const MIN = 2 ** -1022;
const MAX = Number.MAX_VALUE;
const MAX_SINGLE = 2 ** 128 - 2 ** 104;

const setFpscr = (value: number): void => {
  view.setUint32(fpu.fpscrAt(), value, true);
};
const fpscr = (): number => view.getUint32(fpu.fpscrAt(), true);
const setFpr = (n: number, x: number | bigint): void => {
  view.setBigUint64(fpu.fprAt(n), bits(x), true);
};
const fpr = (n: number): bigint => view.getBigUint64(fpu.fprAt(n), true);
const cr = (n: number): number => view.getUint8(fpu.crAt(n));

/** Runs one instruction; frD and FPSCR afterwards. */
function run(name: Name, a: number | bigint, b: number | bigint, c: number | bigint, before: number, rc = 0): string {
  setFpr(1, a);
  setFpr(2, b);
  setFpr(3, c);
  setFpr(4, UNTOUCHED);
  setFpscr(before);
  fpu[`op_${name}`](encode(name, OPERANDS, rc));
  return `${hex(fpr(4))} ${fpscr().toString(16)}`;
}
const result = (d: number | bigint, after: number): string => `${hex(bits(d))} ${(after >>> 0).toString(16)}`;

beforeAll(async () => {
  const { memory, exports } = await compileAssembly(
    'core/ppc/fpu-entry.ts',
    { 'core/ppc/fpu-entry.ts': ENTRY, 'core/ppc/exceptions.ts': EXCEPTIONS },
    { test: { programException: (srr1: number) => void exceptions.push(srr1) } },
  );
  fpu = exports as unknown as Fpu;
  view = new DataView(memory.buffer);
});

beforeEach(() => {
  exceptions.length = 0;
  view.setUint32(fpu.msrAt(), 0, true);
  for (let n = 0; n < 8; n++) view.setUint8(fpu.crAt(n), 0);
});

describe('PowerPC floating point', () => {
  describe('quick path', () => {
    // No path divides by zero unless it says so; underflow without UE is compared through ZE, division through UE.
    it.each(ARITHMETIC.map((name, index) => [name, index] as const))(
      'of %s agrees with the exact one',
      (name, index) => {
        const enable = name.startsWith('fdiv') ? UE : ZE;
        expect(fpu.quickAgainstSlow(index, encode(name), enable, 200_000)).toBe(0);
      },
    );
  });

  describe('results and FPRF', () => {
    it('classifies every kind of result', () => {
      expect(run('fadd', 1, 2, 0, 0)).toBe(result(3, PLUS_NORMAL));
      expect(run('fsub', 1, 2, 0, 0)).toBe(result(-1, MINUS_NORMAL));
      expect(run('fsub', 1, 1, 0, 0)).toBe(result(0, PLUS_ZERO));
      expect(run('fsub', 1, 1, 0, DOWNWARD)).toBe(result(-0, MINUS_ZERO | DOWNWARD));
      expect(run('fmul', -1, 0, 0, 0)).toBe(result(-0, MINUS_ZERO));
      expect(run('fmul', MIN, 0, 0.5, 0)).toBe(result(MIN / 2, PLUS_DENORMAL));
      expect(run('fmul', -MIN, 0, 0.5, 0)).toBe(result(-MIN / 2, MINUS_DENORMAL));
      expect(run('fadd', INF, 1, 0, 0)).toBe(result(INF, PLUS_INFINITY));
      expect(run('fadd', -INF, 1, 0, 0)).toBe(result(-INF, MINUS_INFINITY));
      expect(run('fadd', NAN, 1, 0, 0)).toBe(result(NAN, QNAN));
    });

    it('classifies a denormalized single as one', () => {
      expect(run('fmuls', 2 ** -126, 0, 0.5, 0)).toBe(result(2 ** -127, PLUS_DENORMAL));
      expect(run('fmul', 2 ** -126, 0, 0.5, 0)).toBe(result(2 ** -127, PLUS_NORMAL));
      expect(run('frsp', 0, -(2 ** -127), 0, 0)).toBe(result(-(2 ** -127), MINUS_DENORMAL));
    });

    it('tells inexact from rounded up', () => {
      expect(run('fadd', 1, 2 ** -54, 0, 0)).toBe(result(1, FX | XX | FI | PLUS_NORMAL));
      expect(run('fadd', 1, 2 ** -54, 0, UPWARD)).toBe(result(1 + 2 ** -52, FX | XX | FR | FI | PLUS_NORMAL | UPWARD));
      expect(run('fsub', -1, 2 ** -54, 0, UPWARD)).toBe(result(-1, FX | XX | FI | MINUS_NORMAL | UPWARD));
      expect(run('fdiv', 2, 3, 0, 0)).toBe(result(2 / 3, FX | XX | FI | PLUS_NORMAL));
      expect(run('fdiv', 1, 10, 0, 0)).toBe(result(0.1, FX | XX | FR | FI | PLUS_NORMAL));
    });

    it('clears FR and FI when the next result is exact, and keeps XX', () => {
      expect(run('fadd', 1, 1, 0, FX | XX | FR | FI | MINUS_NORMAL)).toBe(result(2, FX | XX | PLUS_NORMAL));
    });

    it('rounds the single forms once', () => {
      // 1 + 2^-24 + 2^-60: through double first it would be a tie and go to even, 1.
      expect(run('fadds', 1 + 2 ** -24, 2 ** -60, 0, 0)).toBe(result(1 + 2 ** -23, FX | XX | FR | FI | PLUS_NORMAL));
      expect(run('fmadds', 2 ** -30, 1 + 2 ** -24, 2 ** -30, 0)).toBe(
        result(1 + 2 ** -23, FX | XX | FR | FI | PLUS_NORMAL),
      );
    });

    it('rounds multiply-add once, then negates', () => {
      const a = 1 + 2 ** -30;
      expect(run('fmadd', a, -1, a, 0)).toBe(result(2 ** -29 + 2 ** -60, PLUS_NORMAL));
      expect(run('fmsub', a, 1, a, 0)).toBe(result(2 ** -29 + 2 ** -60, PLUS_NORMAL));
      expect(run('fnmadd', a, -1, a, 0)).toBe(result(-(2 ** -29) - 2 ** -60, MINUS_NORMAL));
      expect(run('fnmsub', 3, 1, 2, 0)).toBe(result(-5, MINUS_NORMAL));
      expect(run('fnmadd', 1, 2 ** -60, 1, UPWARD)).toBe(
        result(-(1 + 2 ** -52), FX | XX | FR | FI | MINUS_NORMAL | UPWARD),
      );
      expect(run('fnmadd', 1, 2 ** -60, 1, DOWNWARD)).toBe(result(-1, FX | XX | FI | MINUS_NORMAL | DOWNWARD));
    });

    it('overflows to infinity or the largest number', () => {
      const raised = FX | OX | XX | FI;
      expect(run('fmul', MAX, 0, 2, 0)).toBe(result(INF, raised | FR | PLUS_INFINITY));
      expect(run('fmul', MAX, 0, -2, TO_ZERO)).toBe(result(-MAX, raised | MINUS_NORMAL | TO_ZERO));
      expect(run('fmuls', MAX_SINGLE, 0, 2, UPWARD)).toBe(result(INF, raised | FR | PLUS_INFINITY | UPWARD));
      expect(run('fmuls', MAX_SINGLE, 0, 2, DOWNWARD)).toBe(result(MAX_SINGLE, raised | PLUS_NORMAL | DOWNWARD));
    });

    it('underflows only if the result is tiny and inexact', () => {
      expect(run('fmul', MIN, 0, 2 ** -52, 0)).toBe(result(2 ** -1074, PLUS_DENORMAL));
      expect(run('fmul', MIN, 0, 2 ** -53, 0)).toBe(result(0, FX | UX | XX | FI | PLUS_ZERO));
      // Tiny before rounding: the result is the smallest normal number and yet underflows.
      expect(run('fmul', MIN, 0, 1 - 2 ** -53, 0)).toBe(result(MIN, FX | UX | XX | FR | FI | PLUS_NORMAL));
    });

    it('flushes denormalized results in non-IEEE mode', () => {
      const raised = FX | UX | XX | FI | NI;
      expect(run('fmul', MIN, 0, 0.5, NI)).toBe(result(0, raised | PLUS_ZERO));
      expect(run('fmuls', -(2 ** -126), 0, 0.5, NI)).toBe(result(-0, raised | MINUS_ZERO));
      expect(run('frsp', 0, 2 ** -127, 0, NI)).toBe(result(0, raised | PLUS_ZERO));
      expect(run('fadd', 1, 1, 0, NI)).toBe(result(2, PLUS_NORMAL | NI));
    });

    it('estimates', () => {
      expect(run('fres', 0, 3, 0, 0)).toBe(result(Math.fround(1 / 3), PLUS_NORMAL));
      expect(run('fres', 0, -0, 0, 0)).toBe(result(-INF, FX | ZX | MINUS_INFINITY));
      expect(run('fres', 0, -INF, 0, 0)).toBe(result(-0, MINUS_ZERO));
      expect(run('fres', 0, SNAN, 0, 0)).toBe(result(NAN, FX | VX | VXSNAN | QNAN));
      expect(run('fres', 0, 2 ** -140, 0, 0)).toBe(result(INF, FX | OX | PLUS_INFINITY));
      expect(run('frsqrte', 0, 4, 0, 0)).toBe(result(0.5, PLUS_NORMAL));
      expect(run('frsqrte', 0, 2, 0, 0)).toBe(result(1 / Math.sqrt(2), PLUS_NORMAL));
      expect(run('frsqrte', 0, -1, 0, 0)).toBe(result(NAN, FX | VX | VXSQRT | QNAN));
      expect(run('frsqrte', 0, -0, 0, 0)).toBe(result(-INF, FX | ZX | MINUS_INFINITY));
      expect(run('frsqrte', 0, INF, 0, 0)).toBe(result(0, PLUS_ZERO));
      expect(run('frsqrte', 0, 0, 0, ZE)).toBe(result(UNTOUCHED, FX | FEX | ZX | ZE));
    });
  });

  describe('invalid operation', () => {
    const CASES: readonly [Name, number | bigint, number | bigint, number | bigint, number][] = [
      ['fadd', SNAN, 1, 0, VXSNAN],
      ['fadd', INF, -INF, 0, VXISI],
      ['fsubs', INF, INF, 0, VXISI],
      ['fdiv', INF, INF, 0, VXIDI],
      ['fdivs', 0, 0, 0, VXZDZ],
      ['fmul', INF, 0, 0, VXIMZ],
      ['fmadd', INF, INF, -1, VXISI],
      ['fnmsubs', 0, 1, INF, VXIMZ],
      ['fsqrt', 0, -1, 0, VXSQRT],
      ['fmadd', INF, SNAN, 0, VXIMZ | VXSNAN],
      ['frsp', 0, SNAN, 0, VXSNAN],
    ];
    it.each(CASES)('%s(%d, %d, %d) disabled: a quiet NaN', (name, a, b, c, reason) => {
      const quiet = name === 'fmadd' && b === SNAN ? SNAN | NAN : a === SNAN && name === 'fadd' ? SNAN | NAN : NAN;
      expect(run(name, a, b, c, FR | FI)).toBe(result(quiet, FX | VX | reason | QNAN));
    });

    it.each(CASES)('%s(%d, %d, %d) enabled: target and FPRF unchanged', (name, a, b, c, reason) => {
      const before = VE | MINUS_NORMAL;
      expect(run(name, a, b, c, before | FR | FI)).toBe(result(UNTOUCHED, FX | FEX | VX | reason | before));
      expect(exceptions).toEqual([]);
    });

    it('takes the first NaN of frA, frB, frC, quieted and with its sign', () => {
      const a = 0xfff8_0000_0000_000an;
      const b = 0xfff8_0000_0000_000bn;
      const c = 0xfff8_0000_0000_000cn;
      expect(run('fmadd', a, b, c, 0)).toBe(result(a, QNAN));
      expect(run('fmsub', 1, b, c, 0)).toBe(result(b, QNAN));
      expect(run('fnmadd', 1, 1, c, 0)).toBe(result(c, QNAN));
      expect(run('fsub', 1, b, 0, 0)).toBe(result(b, QNAN));
      expect(run('fmul', a, 0, SNAN, 0)).toBe(result(a, FX | VX | VXSNAN | QNAN));
    });

    it('does not set FX again for an exception already recorded', () => {
      expect(run('fadd', INF, -INF, 0, VX | VXISI)).toBe(result(NAN, VX | VXISI | QNAN));
      expect(run('fadd', 1, 2 ** -54, 0, XX)).toBe(result(1, XX | FI | PLUS_NORMAL));
      expect(run('fadd', 1, 2 ** -54, 0, XX | TO_ZERO)).toBe(result(1, XX | FI | PLUS_NORMAL | TO_ZERO));
    });
  });

  describe('other enabled exceptions', () => {
    it('leaves the target of a division by zero alone', () => {
      expect(run('fdiv', 1, 0, 0, FR | FI)).toBe(result(INF, FX | ZX | PLUS_INFINITY));
      expect(run('fdiv', 1, -0, 0, ZE | PLUS_NORMAL | FR | FI)).toBe(
        result(UNTOUCHED, FX | FEX | ZX | ZE | PLUS_NORMAL),
      );
    });

    it('adjusts the exponent of an overflow', () => {
      expect(run('fmul', 2 ** 1000, 0, 2 ** 1000, OE)).toBe(result(2 ** 464, FX | FEX | OX | OE | PLUS_NORMAL));
      expect(run('fmuls', 2 ** 100, 0, -(2 ** 100), OE)).toBe(result(-(2 ** 8), FX | FEX | OX | OE | MINUS_NORMAL));
      expect(run('frsp', 0, 2 ** 200, 0, OE)).toBe(result(2 ** 8, FX | FEX | OX | OE | PLUS_NORMAL));
    });

    it('adjusts the exponent of an underflow, exact or not', () => {
      expect(run('fmul', 2 ** -600, 0, 2 ** -600, UE)).toBe(result(2 ** 336, FX | FEX | UX | UE | PLUS_NORMAL));
      expect(run('fmuls', 2 ** -100, 0, 2 ** -100, UE)).toBe(result(2 ** -8, FX | FEX | UX | UE | PLUS_NORMAL));
    });

    it('writes an inexact result', () => {
      expect(run('fdiv', 2, 3, 0, XE)).toBe(result(2 / 3, FX | FEX | XX | FI | PLUS_NORMAL | XE));
    });

    it.each([MSR_FE0, MSR_FE1, MSR_FE0 | MSR_FE1])('are taken with MSR %i', (msr) => {
      view.setUint32(fpu.msrAt(), msr, true);
      run('fdiv', 1, 0, 0, ZE);
      expect(exceptions).toEqual([0x0010_0000]);
      run('fdiv', 1, 0, 0, VE);
      expect(exceptions).toHaveLength(1);
      run('fdiv', 2, 3, 0, XE | XX);
      run('fctiw', 0, INF, 0, VE);
      run('fcmpu', SNAN, 0, 0, VE);
      expect(exceptions).toHaveLength(4);
    });

    it('are not taken again by an instruction that did not cause them', () => {
      view.setUint32(fpu.msrAt(), MSR_FE0, true);
      run('fadd', 1, 1, 0, FEX | ZX | ZE);
      expect(exceptions).toEqual([]);
      expect(fpscr()).toBe((FEX | ZX | ZE | PLUS_NORMAL) >>> 0);
    });
  });

  describe('CR1', () => {
    it('is FX, FEX, VX, OX of the new FPSCR if Rc = 1', () => {
      run('fadd', INF, -INF, 0, VE, 1);
      expect(cr(1)).toBe(0xe);
      run('fmul', MAX, 0, 2, 0, 1);
      expect(cr(1)).toBe(0x9);
      run('fmr', 0, 1, 0, VX | VXSOFT, 1);
      expect(cr(1)).toBe(0x2);
      run('fadd', 1, 1, 0, 0);
      expect(cr(1)).toBe(0x2);
      run('fadd', 1, 1, 0, 0, 1);
      expect(cr(1)).toBe(0);
    });
  });

  describe('fctiw', () => {
    const integer = (value: number, high = 0xfff8_0000): bigint => (BigInt(high) << 32n) | BigInt(value >>> 0);

    it('rounds by RN, fctiwz toward zero', () => {
      expect(run('fctiw', 0, 2.5, 0, 0)).toBe(result(integer(2), FX | XX | FI));
      expect(run('fctiw', 0, 3.5, 0, 0)).toBe(result(integer(4), FX | XX | FR | FI));
      expect(run('fctiw', 0, -2.5, 0, DOWNWARD)).toBe(result(integer(-3), FX | XX | FR | FI | DOWNWARD));
      expect(run('fctiwz', 0, -2.9, 0, UPWARD)).toBe(result(integer(-2), FX | XX | FI | UPWARD));
      expect(run('fctiwz', 0, 7, 0, FR | FI)).toBe(result(integer(7), 0));
    });

    it('marks a negative number that became zero', () => {
      expect(run('fctiw', 0, -0, 0, 0)).toBe(result(integer(0, 0xfff8_0001), 0));
      expect(run('fctiwz', 0, -0.5, 0, 0)).toBe(result(integer(0, 0xfff8_0001), FX | XX | FI));
    });

    it('saturates', () => {
      expect(run('fctiwz', 0, 2147483647.5, 0, 0)).toBe(result(integer(0x7fff_ffff), FX | XX | FI));
      expect(run('fctiw', 0, 2147483647.5, 0, 0)).toBe(result(integer(0x7fff_ffff), FX | VX | VXCVI));
      expect(run('fctiw', 0, -(2 ** 31), 0, 0)).toBe(result(integer(-(2 ** 31)), 0));
      expect(run('fctiw', 0, -2147483648.5, 0, 0)).toBe(result(integer(-(2 ** 31)), FX | XX | FI));
      expect(run('fctiw', 0, -2147483649, 0, 0)).toBe(result(integer(-(2 ** 31)), FX | VX | VXCVI));
      expect(run('fctiw', 0, NAN, 0, FR | FI)).toBe(result(integer(-(2 ** 31)), FX | VX | VXCVI));
      expect(run('fctiw', 0, SNAN, 0, 0)).toBe(result(integer(-(2 ** 31)), FX | VX | VXCVI | VXSNAN));
      expect(run('fctiwz', 0, INF, 0, VE)).toBe(result(UNTOUCHED, FX | FEX | VX | VXCVI | VE));
    });

    it('keeps FPRF', () => {
      expect(run('fctiw', 0, 2, 0, MINUS_NORMAL)).toBe(result(integer(2), MINUS_NORMAL));
    });
  });

  describe('compare', () => {
    const compare = (name: 'fcmpu' | 'fcmpo', a: number | bigint, b: number | bigint, before: number): number => {
      setFpr(1, a);
      setFpr(2, b);
      setFpscr(before);
      fpu[`op_${name}`](encode(name, (5 << 23) | (1 << 16) | (2 << 11)));
      return cr(5);
    };

    it('sets the CR field and FPCC, and nothing else', () => {
      const before = FR | FI | 0x1_0000;
      for (const [a, b, relation] of [
        [1, 2, 8],
        [2, 1, 4],
        [0, -0, 2],
        [NAN, 1, 1],
      ] as const) {
        expect(compare('fcmpu', a, b, before | 0xf000)).toBe(relation);
        expect(fpscr()).toBe(before | (relation << 12));
      }
    });

    it('is invalid for signalling NaNs, fcmpo for quiet ones too', () => {
      compare('fcmpu', SNAN, 1, 0);
      expect(fpscr()).toBe((FX | VX | VXSNAN | 0x1000) >>> 0);
      compare('fcmpo', 1, NAN, 0);
      expect(fpscr()).toBe((FX | VX | VXVC | 0x1000) >>> 0);
      compare('fcmpo', 1, SNAN, 0);
      expect(fpscr()).toBe((FX | VX | VXSNAN | VXVC | 0x1000) >>> 0);
      expect(compare('fcmpo', 1, SNAN, VE)).toBe(1);
      expect(fpscr()).toBe((FX | FEX | VX | VXSNAN | 0x1000 | VE) >>> 0);
    });
  });

  describe('moves', () => {
    it('copy bits, NaNs too, and leave the FPSCR', () => {
      const before = (FR | FI | MINUS_NORMAL) >>> 0;
      expect(run('fmr', 0, SNAN, 0, before)).toBe(result(SNAN, before));
      expect(run('fneg', 0, SNAN, 0, before)).toBe(result(SNAN | (1n << 63n), before));
      expect(run('fabs', 0, -1, 0, before)).toBe(result(1, before));
      expect(run('fnabs', 0, 1, 0, before)).toBe(result(-1, before));
    });

    it('fsel tests for not below zero', () => {
      for (const [a, chosen] of [
        [1, 3],
        [0, 3],
        [-0, 3],
        [-1, 2],
        [NAN, 2],
        [SNAN, 2],
        [-INF, 2],
      ] as const) {
        expect(run('fsel', a, 2, 3, 0)).toBe(result(chosen, 0));
      }
    });
  });

  describe('FPSCR instructions', () => {
    it('mffs reads it', () => {
      expect(run('mffs', 0, 0, 0, FX | VXSOFT | NI)).toBe(result(0xfff8_0000_8000_0404n, FX | VXSOFT | NI));
    });

    const mtfsf = (mask: number, value: number, before: number, rc = 0): number => {
      setFpr(2, BigInt(value >>> 0) | 0xdead_beef_0000_0000n);
      setFpscr(before);
      fpu.op_mtfsf(encode('mtfsf', (mask << 17) | (2 << 11), rc));
      return fpscr();
    };

    it('mtfsf writes the fields of its mask, VX and FEX follow', () => {
      expect(mtfsf(0xff, 0xffff_ffff, 0)).toBe(0xffff_f7ff);
      expect(mtfsf(0xff, FEX | VX, 0)).toBe(0);
      expect(mtfsf(0x01, 0xffff_ffff, 0x0000_4000)).toBe(0x0000_400f);
      expect(mtfsf(0x80, 0xffff_ffff, 0)).toBe((FX | OX) >>> 0);
      expect(mtfsf(0x40, 0x0f00_0000, 0)).toBe((VX | UX | ZX | XX | VXSNAN) >>> 0);
      expect(mtfsf(0x00, 0xffff_ffff, FI)).toBe(FI);
    });

    it('mtfsf takes an exception that it enables', () => {
      view.setUint32(fpu.msrAt(), MSR_FE1, true);
      mtfsf(0xff, ZX | VE, 0);
      expect(exceptions).toEqual([]);
      expect(mtfsf(0xff, ZX | ZE, 0, 1)).toBe(FEX | ZX | ZE);
      expect(exceptions).toEqual([0x0010_0000]);
      expect(cr(1)).toBe(4);
    });

    it('mtfsfi writes one field', () => {
      setFpscr(0x0000_0085);
      fpu.op_mtfsfi(encode('mtfsfi', (7 << 23) | (0xa << 12)));
      expect(fpscr()).toBe(0x8a);
      fpu.op_mtfsfi(encode('mtfsfi', (0 << 23) | (0x7 << 12)));
      expect(fpscr()).toBe(OX | 0x8a);
    });

    const bit = (name: 'mtfsb0' | 'mtfsb1', n: number, before: number): number => {
      setFpscr(before);
      fpu[`op_${name}`](encode(name, n << 21));
      return fpscr();
    };

    it('mtfsb1 of an exception sets FX, unless it was set', () => {
      expect(bit('mtfsb1', 3, 0)).toBe((FX | OX) >>> 0);
      expect(bit('mtfsb1', 3, OX)).toBe(OX);
      expect(bit('mtfsb1', 21, 0)).toBe((FX | VX | VXSOFT) >>> 0);
      expect(bit('mtfsb1', 13, 0)).toBe(FR);
      expect(bit('mtfsb1', 24, VX | VXISI)).toBe(FEX | VX | VXISI | VE);
    });

    it('mtfsb0 and mtfsb1 cannot change FEX and VX', () => {
      expect(bit('mtfsb1', 1, 0)).toBe(0);
      expect(bit('mtfsb1', 2, 0)).toBe(0);
      expect(bit('mtfsb0', 1, FEX | ZX | ZE)).toBe(FEX | ZX | ZE);
      expect(bit('mtfsb0', 2, VX | VXISI)).toBe(VX | VXISI);
      expect(bit('mtfsb0', 8, VX | VXISI)).toBe(0);
      expect(bit('mtfsb0', 5, FEX | ZX | ZE)).toBe(ZE);
    });

    it('mcrfs copies a field and clears its exceptions', () => {
      const mcrfs = (field: number, before: number): string => {
        setFpscr(before);
        fpu.op_mcrfs(encode('mcrfs', (6 << 23) | (field << 18)));
        return `${cr(6)} ${fpscr().toString(16)}`;
      };
      const all = 0xffff_f7ff;
      expect(mcrfs(0, all)).toBe('15 6ffff7ff');
      expect(mcrfs(1, all)).toBe('15 f0fff7ff');
      expect(mcrfs(2, all)).toBe('15 ff0ff7ff');
      expect(mcrfs(3, all)).toBe('15 fff7f7ff');
      expect(mcrfs(4, all)).toBe('15 fffff7ff');
      expect(mcrfs(5, all)).toBe('7 fffff0ff');
      expect(mcrfs(6, all)).toBe('15 fffff7ff');
      expect(mcrfs(2, VX | VXISI | FEX | VE)).toBe('8 80');
    });
  });

  describe('single format in memory', () => {
    it('widens every class', () => {
      for (const single of [0, 0x8000_0000, 1, 0x007f_ffff, 0x0080_0000, 0x3f80_0000, 0x7f7f_ffff, 0xff80_0000]) {
        scratch.setUint32(0, single);
        expect(hex(fpu.f32ToF64Bits(single))).toBe(hex(bits(scratch.getFloat32(0))));
        expect(fpu.f64BitsToF32(fpu.f32ToF64Bits(single)) >>> 0).toBe(single);
      }
      expect(hex(fpu.f32ToF64Bits(0x7f80_0001))).toBe('7ff0000020000000');
    });

    it('narrows by dropping bits', () => {
      expect(fpu.f64BitsToF32(bits(1 + 2 ** -23 + 2 ** -24 + 2 ** -25))).toBe(0x3f80_0001);
      expect(fpu.f64BitsToF32(bits(2 ** -149))).toBe(1);
      expect(fpu.f64BitsToF32(bits(2 ** -149 * 1.75))).toBe(1);
      expect(fpu.f64BitsToF32(bits(-(2 ** -150))) >>> 0).toBe(0x8000_0000);
      expect(fpu.f64BitsToF32(0x7ff0_0000_2000_0000n)).toBe(0x7f80_0001);
    });
  });
});
