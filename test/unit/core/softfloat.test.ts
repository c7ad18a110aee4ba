// SPDX-License-Identifier: MIT
import { beforeAll, describe, expect, it } from 'vitest';
import { compileAssembly } from '../../support/assembly.ts';
import * as oracle from '../../support/float-oracle.ts';

const ENTRY = `
import * as sf from './softfloat';
export * from './softfloat';
export function raised(): u32 { return sf.flags; }

let state: u64 = 1;
function random(): u64 {
  state ^= state << 13; state ^= state >> 7; state ^= state << 17;
  return state;
}

/** A number of every magnitude; often near another one, with few bits, or at a boundary. */
function operand(near: u64): u64 {
  const sign = random() & sf.SIGN;
  const fraction = random() >> 12;
  switch (<u32>(random() >> 33) % 8) {
    case 0: return random();
    case 1: return sign | ((1023 - 4 + (random() >> 33) % 8) << 52) | fraction;
    case 2: return sign | ((1023 - 60 + (random() >> 33) % 120) << 52) | (fraction & ~((<u64>1 << (random() >> 33) % 52) - 1));
    case 3: return sign | (fraction >> (random() >> 33) % 52);
    case 4: return sign | ((2046 - (random() >> 33) % 3) << 52) | fraction;
    case 5: return near ^ sign ^ (random() >> 60);
    case 6: return sign | ((random() >> 33) % 2048 << 52) | ((random() >> 33) % 3 - 1 & 0x000f_ffff_ffff_ffff);
    default: return sign | ((1023 - 300 + (random() >> 33) % 600) << 52) | fraction;
  }
}

function differs(result: u64, host: f64): bool {
  return host != host ? !sf.isNan(result) : result != reinterpret<u64>(host);
}

/** Round to nearest against the host's own arithmetic: how many of n differ. */
export function againstHost(operation: u32, n: u32): u32 {
  state = 0x9e37_79b9_7f4a_7c15;
  let wrong: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const a = operand(state);
    const b = operand(a);
    const x = reinterpret<f64>(a);
    const y = reinterpret<f64>(b);
    switch (operation) {
      case 0: wrong += u32(differs(sf.f64Add(0, a, b), x + y)); break;
      case 1: wrong += u32(differs(sf.f64Sub(0, a, b), x - y)); break;
      case 2: wrong += u32(differs(sf.f64Mul(0, a, b), x * y)); break;
      case 3: wrong += u32(differs(sf.f64Div(0, a, b), x / y)); break;
      case 4: wrong += u32(differs(sf.f64Sqrt(0, a), sqrt<f64>(x))); break;
      case 5: wrong += u32(differs(sf.f64Round(sf.TO_SINGLE, a), <f64><f32>x)); break;
      case 6: wrong += u32(differs(sf.f64RoundToInt(0, a), nearest<f64>(x))); break;
      case 7: wrong += u32(differs(sf.f64RoundToInt(sf.ROUND_ZERO, a), trunc<f64>(x))); break;
      case 8: wrong += u32(differs(sf.f64RoundToInt(sf.ROUND_UP, a), ceil<f64>(x))); break;
      case 9: wrong += u32(differs(sf.f64RoundToInt(sf.ROUND_DOWN, a), floor<f64>(x))); break;
      case 10: wrong += u32(sf.f64Compare(a, b) != (x < y ? 8 : x > y ? 4 : x == y ? 2 : 1)); break;
      case 11: wrong += u32(x == x && sf.f64ToI32(sf.ROUND_ZERO, a) != <i32>x); break;
      case 12: wrong += u32(x == x && sf.f64ToI64(sf.ROUND_ZERO, a) != <i64>x); break;
      case 13: wrong += u32(sf.f64FromI64(0, <i64>a) != reinterpret<u64>(<f64><i64>a)); break;
      case 14: wrong += u32(sf.f64FromI64(sf.TO_SINGLE, <i64>a) != reinterpret<u64>(<f64><f32><i64>a)); break;
      case 15: { // every single survives the way through binary64
        const single = <u32>a;
        const wide = reinterpret<f64>(sf.f32ToF64(single));
        const host = <f64>reinterpret<f32>(single);
        wrong += u32(sf.f64ToF32(sf.f32ToF64(single)) != single || (host == host && wide != host));
        break;
      }
      case 16: { // binary32 functions
        const p = reinterpret<f32>(<u32>a);
        const q = reinterpret<f32>(<u32>b);
        wrong += u32(differs(sf.f32ToF64(sf.f32Add(0, <u32>a, <u32>b)), <f64>(p + q)));
        wrong += u32(differs(sf.f32ToF64(sf.f32Sub(0, <u32>a, <u32>b)), <f64>(p - q)));
        wrong += u32(differs(sf.f32ToF64(sf.f32Mul(0, <u32>a, <u32>b)), <f64>(p * q)));
        wrong += u32(differs(sf.f32ToF64(sf.f32Div(0, <u32>a, <u32>b)), <f64>(p / q)));
        wrong += u32(differs(sf.f32ToF64(sf.f32Sqrt(0, <u32>a)), <f64>sqrt<f32>(p)));
        // p × q is exact in binary64 but the sum may round twice there: only sums that need no rounding count.
        const s = <f64>p * <f64>q + <f64>p;
        if (s - <f64>p * <f64>q == <f64>p && s - <f64>p == <f64>p * <f64>q) {
          wrong += u32(differs(sf.f32ToF64(sf.f32Fma(0, <u32>a, <u32>b, <u32>a)), <f64><f32>s));
        }
        break;
      }
    }
  }
  return wrong;
}
`;

const DIRECTIONS: readonly [oracle.Direction, number][] = [
  ['nearest', 0],
  ['zero', 1],
  ['up', 2],
  ['down', 3],
  ['away', 4],
];
const TO_SINGLE = 0x10;
const TINY_AFTER_ROUNDING = 0x20;
const TRAP_OVERFLOW = 0x40;
const TRAP_UNDERFLOW = 0x80;
const FLUSH_RESULT = 0x100;
const NAN_SIGNALLING_FIRST = 0x200;
const NAN_ADDEND_FIRST = 0x400;
const INEXACT = 0x01;
const UNDERFLOW = 0x02;
const OVERFLOW = 0x04;
const DIVIDE_BY_ZERO = 0x08;
const INVALID = 0x10;
const ROUNDED_UP = 0x20;
const SNAN = 0x110;
const ISI = 0x210;
const IDI = 0x410;
const ZDZ = 0x810;
const IMZ = 0x1010;
const SQRT = 0x2010;
const CVI = 0x4010;

type Operation = (mode: number, ...operands: bigint[]) => bigint;
type Softfloat = Record<string, never> & {
  readonly f64Add: Operation;
  readonly f64Sub: Operation;
  readonly f64Mul: Operation;
  readonly f64Div: Operation;
  readonly f64Sqrt: Operation;
  readonly f64Fma: Operation;
  readonly f64Round: Operation;
  readonly f64RoundToInt: Operation;
  readonly f64Compare: (a: bigint, b: bigint) => number;
  readonly f64ToI32: (mode: number, a: bigint) => number;
  readonly f64ToI64: (mode: number, a: bigint) => bigint;
  readonly f64FromI64: (mode: number, a: bigint) => bigint;
  readonly raised: () => number;
  readonly againstHost: (operation: number, n: number) => number;
};
let sf: Softfloat;

const view = new DataView(new ArrayBuffer(8));
const bits = (x: number): bigint => (view.setFloat64(0, x), view.getBigUint64(0));
const u64 = (x: bigint): bigint => BigInt.asUintN(64, x);
const hex = (x: bigint): string => u64(x).toString(16).padStart(16, '0');

let seed = 1;
const random = (below: number): number => {
  seed = (seed + 0x6d2b_79f5) >>> 0;
  let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
  t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % below;
};
const random64 = (): bigint => (BigInt(random(2 ** 32)) << 32n) | BigInt(random(2 ** 32));

const FRACTION = (1n << 52n) - 1n;
const EDGES = [
  0n,
  1n,
  2n,
  FRACTION,
  FRACTION + 1n,
  FRACTION + 2n,
  bits(1),
  bits(1) + 1n,
  bits(1) - 1n,
  bits(1.5),
  bits(Number.MAX_VALUE),
  0x7fe0_0000_0000_0000n,
  bits(2 ** -149),
  bits(2 ** -150),
  bits(2 ** -150) + 1n,
  bits(2 ** -126),
  bits(2 ** -126) - 1n,
  bits(2 ** -126 - 2 ** -150),
  bits(2 ** 128),
  bits(2 ** 128) - 1n,
  bits(2 ** 128 - 2 ** 103),
  bits(2 ** 128 - 2 ** 104),
];

/** A finite number; with `narrow` one of binary32. */
function operand(narrow: boolean, near: bigint): bigint {
  const sign = BigInt(random(2)) << 63n;
  const fraction = narrow ? random64() & 0x000f_ffff_e000_0000n : random64() & FRACTION;
  const low = narrow ? 1023 - 126 : 1;
  const span = narrow ? 254 : 2046;
  switch (random(7)) {
    case 0: {
      const edge = EDGES[random(EDGES.length)]!;
      return sign | (narrow ? bits(Math.min(Math.fround(numberOf(edge)), 2 ** 127)) : edge);
    }
    case 1:
      return sign | (BigInt(1023 - 3 + random(7)) << 52n) | fraction;
    case 2:
      return sign | (BigInt(1023 - 3 + random(7)) << 52n) | (fraction & (FRACTION << BigInt(52 - random(12))));
    case 3: // Near one operand, so that differences cancel and quotients are near 1.
      return near ^ sign ^ (BigInt(random(4)) << (narrow ? 29n : 0n));
    case 4: // The least numbers of the format, or the greatest.
      return random(2)
        ? sign | (BigInt(low + span - 1 - random(2)) << 52n) | fraction
        : narrow
          ? sign | bits(Math.fround(random(2 ** 24) * 2 ** -149))
          : sign | (fraction >> BigInt(random(52)));
    case 5:
      return sign | (BigInt(low + (span >> 1) - 40 + random(80)) << 52n) | fraction;
    default:
      return sign | (BigInt(low + random(span)) << 52n) | fraction;
  }
}
function numberOf(b: bigint): number {
  view.setBigUint64(0, b);
  return view.getFloat64(0);
}

const OPERATIONS: Record<
  string,
  [operands: number, exact: (d: oracle.Direction, ...x: oracle.Exact[]) => oracle.Exact]
> = {
  f64Add: [2, (direction, a, b) => oracle.add(a!, b!, direction)],
  f64Sub: [2, (direction, a, b) => oracle.add(a!, { ...b!, negative: !b!.negative }, direction)],
  f64Mul: [2, (_, a, b) => oracle.multiply(a!, b!)],
  f64Div: [2, (_, a, b) => oracle.divide(a!, b!)],
  f64Sqrt: [1, (_, a) => oracle.squareRoot(a!)],
  f64Fma: [3, (direction, a, b, c) => oracle.add(oracle.multiply(a!, b!), c!, direction)],
  f64Round: [1, (_, a) => a!],
};

/** In the order of againstHost's cases. */
const HOST_OPERATIONS = [
  'add',
  'sub',
  'mul',
  'div',
  'sqrt',
  'round to single',
  'nearest integer',
  'truncate',
  'ceiling',
  'floor',
  'compare',
  'to int32',
  'to int64',
  'from int64',
  'from int64 to single',
  'widen and narrow',
  'binary32',
];

beforeAll(async () => {
  const path = 'core/common/softfloat-entry.ts';
  sf = (await compileAssembly(path, { [path]: ENTRY })).exports as unknown as Softfloat;
});

describe('softfloat', () => {
  describe('against the host, round to nearest', () => {
    it.each(HOST_OPERATIONS.map((name, index) => [name, index] as const))('%s', (_, index) => {
      expect(sf.againstHost(index, 1_000_000)).toBe(0);
    });
  });

  describe('against exact rationals', () => {
    for (const [name, [arity, exact]] of Object.entries(OPERATIONS)) {
      for (const single of [false, true]) {
        it(`${name} to ${single ? 'single' : 'double'}: every rounding mode, tininess and trap`, () => {
          for (let i = 0; i < 12_000; i++) {
            const [direction, code] = DIRECTIONS[i % 5]!;
            const variant = random(6);
            const rules: oracle.Rules = {
              direction,
              format: single ? oracle.SINGLE : oracle.DOUBLE,
              tinyAfterRounding: variant === 1 || variant === 4,
              trapOverflow: variant === 2 || variant === 4,
              trapUnderflow: variant === 3 || variant === 4,
              flush: variant === 5,
            };
            const mode =
              code |
              (single ? TO_SINGLE : 0) |
              (rules.tinyAfterRounding ? TINY_AFTER_ROUNDING : 0) |
              (rules.trapOverflow ? TRAP_OVERFLOW : 0) |
              (rules.trapUnderflow ? TRAP_UNDERFLOW : 0) |
              (rules.flush ? FLUSH_RESULT : 0);
            // Trapped singles exist only for operands that are singles; without traps any binary64 numbers will do.
            const narrow = single && (rules.trapOverflow! || rules.trapUnderflow! || random(2) === 0);
            const operands: bigint[] = [];
            for (let k = 0; k < arity; k++) operands.push(operand(narrow, operands[0] ?? bits(1)));
            if (name === 'f64Fma' && random(3) === 0) {
              const product = oracle.multiply(oracle.decode(operands[0]!), oracle.decode(operands[1]!));
              const format = narrow ? oracle.SINGLE : oracle.DOUBLE;
              const near = oracle.round(product, { direction: 'zero', format }).bits;
              operands[2] = near ^ (BigInt(random(2)) << 63n);
            }
            if (name === 'f64Div' && u64(operands[1]! << 1n) === 0n) continue;
            if (name === 'f64Sqrt') operands[0] = operands[0]! & ~(1n << 63n);
            const want = oracle.round(exact(direction, ...operands.map(oracle.decode)), rules);
            const got = u64((sf[name] as unknown as Operation)(mode, ...operands));
            const flags = sf.raised();
            const wantFlags =
              (want.inexact ? INEXACT : 0) |
              (want.underflow ? UNDERFLOW : 0) |
              (want.overflow ? OVERFLOW : 0) |
              (want.roundedUp ? ROUNDED_UP : 0);
            if (got !== want.bits || flags !== wantFlags) {
              const given = `${operands.map(hex).join(' ')} mode ${mode.toString(16)}`;
              expect(`${given}: ${hex(got)} ${flags.toString(16)}`).toBe(
                `${given}: ${hex(want.bits)} ${wantFlags.toString(16)}`,
              );
            }
          }
        });
      }
    }

    it('converts to integers in every rounding mode', () => {
      for (let i = 0; i < 30_000; i++) {
        const [direction, code] = DIRECTIONS[i % 5]!;
        const x = random(3)
          ? bits((random(2 ** 32) - 2 ** 31) / 2 ** random(34) + random(3) - 1)
          : operand(false, bits(2 ** 31));
        const { negative, n, e } = oracle.decode(x);
        const down = e >= 0 ? n << BigInt(Math.min(e, 100)) : n >> BigInt(-e);
        const rest = e >= 0 ? 0n : n - (down << BigInt(-e));
        const half = e >= 0 ? 1n : 1n << BigInt(-e - 1);
        const up =
          direction === 'nearest'
            ? rest > half || (rest === half && (down & 1n) === 1n)
            : direction === 'away'
              ? rest >= half
              : rest > 0n && direction === (negative ? 'down' : 'up');
        const magnitude = e < -1074 ? 0n : up ? down + 1n : down;
        const value = negative ? -magnitude : magnitude;
        for (const size of [32, 64]) {
          const fits = BigInt.asIntN(size, value) === value;
          const limit = negative ? -(1n << BigInt(size - 1)) : (1n << BigInt(size - 1)) - 1n;
          const got = size === 32 ? BigInt(sf.f64ToI32(code, x)) : sf.f64ToI64(code, x);
          const flags = sf.raised();
          const wantFlags = fits ? (rest ? INEXACT : 0) | (up ? ROUNDED_UP : 0) : CVI;
          if (got !== (fits ? value : limit) || flags !== wantFlags) {
            expect([hex(x), code, got, flags]).toEqual([hex(x), code, fits ? value : limit, wantFlags]);
          }
        }
      }
    });
  });

  describe('special operands', () => {
    const INF = 0x7ff0_0000_0000_0000n;
    const NAN = 0x7ff8_0000_0000_0000n;
    const MINUS = 1n << 63n;
    const ONE = bits(1);
    const Q1 = 0x7ff8_0000_0000_0001n;
    const Q2 = 0xfff8_0000_0000_0002n;
    const S1 = 0x7ff0_0000_0000_0003n;
    const S2 = 0xfff0_0000_2000_0004n;
    const S1_QUIET = 0x7ff8_0000_0000_0003n;
    const S2_QUIET = 0xfff8_0000_2000_0004n;
    const check = (name: string, mode: number, operands: bigint[], result: bigint, flags: number): void => {
      const got = hex((sf[name] as unknown as Operation)(mode, ...operands));
      expect([name, ...operands.map(hex), got, sf.raised()]).toEqual([name, ...operands.map(hex), hex(result), flags]);
    };

    it('gives the default NaN and the reason of every invalid operation', () => {
      check('f64Add', 0, [INF, INF | MINUS], NAN, ISI);
      check('f64Sub', 0, [INF, INF], NAN, ISI);
      check('f64Mul', 0, [INF, MINUS], NAN, IMZ);
      check('f64Mul', 0, [0n, INF], NAN, IMZ);
      check('f64Div', 0, [INF, INF | MINUS], NAN, IDI);
      check('f64Div', 0, [0n, MINUS], NAN, ZDZ);
      check('f64Sqrt', 0, [ONE | MINUS], NAN, SQRT);
      check('f64Sqrt', 0, [INF | MINUS], NAN, SQRT);
      check('f64Fma', 0, [INF, 0n, ONE], NAN, IMZ);
      check('f64Fma', 0, [INF, ONE, INF | MINUS], NAN, ISI);
      expect([sf.f64ToI32(0, Q1), sf.raised()]).toEqual([-(2 ** 31), CVI]);
      expect([sf.f64ToI32(0, S1), sf.raised()]).toEqual([-(2 ** 31), CVI | SNAN]);
      expect([sf.f64ToI32(0, INF), sf.raised()]).toEqual([2 ** 31 - 1, CVI]);
      expect([sf.f64ToI64(0, INF | MINUS), sf.raised()]).toEqual([-(2n ** 63n), CVI]);
      expect(INVALID & CVI & SNAN).toBe(INVALID);
    });

    it('has exact infinities and zeros', () => {
      check('f64Add', 0, [INF, ONE], INF, 0);
      check('f64Sub', 0, [ONE, INF], INF | MINUS, 0);
      check('f64Mul', 0, [INF, ONE | MINUS], INF | MINUS, 0);
      check('f64Div', 0, [ONE, INF | MINUS], MINUS, 0);
      check('f64Div', 0, [INF, MINUS], INF | MINUS, 0);
      check('f64Div', 0, [ONE | MINUS, 0n], INF | MINUS, DIVIDE_BY_ZERO);
      check('f64Sqrt', 0, [MINUS], MINUS, 0);
      check('f64Sqrt', 0, [INF], INF, 0);
      check('f64Fma', 0, [ONE, INF, ONE], INF, 0);
      check('f64Fma', 0, [ONE, ONE, INF | MINUS], INF | MINUS, 0);
      check('f64Round', TO_SINGLE, [INF | MINUS], INF | MINUS, 0);
      check('f64Fma', 3, [0n, ONE, MINUS], MINUS, 0);
      check('f64Fma', 0, [0n, ONE, MINUS], 0n, 0);
      check('f64Fma', 0, [MINUS, ONE, MINUS], MINUS, 0);
    });

    it('propagates the first NaN, quieted', () => {
      check('f64Add', 0, [ONE, Q2], Q2, 0);
      check('f64Add', 0, [Q1, Q2], Q1, 0);
      check('f64Sub', 0, [ONE, Q2], Q2, 0);
      check('f64Mul', 0, [Q2, S1], Q2, SNAN);
      check('f64Div', 0, [S1, Q2], S1_QUIET, SNAN);
      check('f64Sqrt', 0, [S2], S2_QUIET, SNAN);
      check('f64Round', TO_SINGLE, [S2 | 5n], S2_QUIET & ~5n & ~0x1fff_ffffn, SNAN);
      check('f64Fma', 0, [ONE, Q1, Q2], Q2, 0);
      check('f64Fma', 0, [Q1, ONE, Q2], Q1, 0);
      check('f64Fma', 0, [ONE, Q1, ONE], Q1, 0);
      check('f64Fma', 0, [INF, 0n, Q2], Q2, IMZ);
      check('f64Fma', 0, [INF, 0n, S1], S1_QUIET, IMZ | SNAN);
      check('f64RoundToInt', 0, [S1], S1_QUIET, SNAN);
    });

    it('propagates NaNs in the other orders on request', () => {
      check('f64Mul', NAN_SIGNALLING_FIRST, [Q2, S1], S1_QUIET, SNAN);
      check('f64Mul', NAN_SIGNALLING_FIRST, [Q2, Q1], Q2, 0);
      check('f64Fma', NAN_ADDEND_FIRST, [Q1, ONE, Q2], Q2, 0);
      check('f64Fma', NAN_ADDEND_FIRST | NAN_SIGNALLING_FIRST, [S1, ONE, Q2], S1_QUIET, SNAN);
    });

    it('compares', () => {
      expect([sf.f64Compare(Q1, ONE), sf.raised()]).toEqual([1, 0]);
      expect([sf.f64Compare(ONE, S1), sf.raised()]).toEqual([1, SNAN]);
      expect([sf.f64Compare(0n, MINUS), sf.raised()]).toEqual([2, 0]);
    });
  });
});
