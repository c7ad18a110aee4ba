// SPDX-License-Identifier: MIT
//
// Floating-point arithmetic as FPSCR asks for it, or for NEON as the standard FPSCR value does [ARM ARM] A2.7: denormal
// operands and results taken for zeros, default NaNs, the cumulative exception bits. Single precision is worked out in
// single-precision words, double precision in doublewords.
import {
  DEFAULT_NAN,
  DIVIDE_BY_ZERO,
  FLUSH_RESULT,
  INEXACT,
  INVALID,
  LESS,
  EQUAL,
  GREATER,
  NAN_SIGNALLING_FIRST,
  OVERFLOW,
  ROUND_DOWN,
  ROUND_NEAREST,
  ROUND_UP,
  ROUND_ZERO,
  TO_SINGLE,
  UNDERFLOW,
  f32Add,
  f32Div,
  f32Mul,
  f32Sqrt,
  f32Sub,
  f32ToF64,
  f64Add,
  f64Compare,
  f64Div,
  f64FromI64,
  f64Mul,
  f64Round,
  f64Sqrt,
  f64Sub,
  f64ToF32,
  f64ToI64,
  flags,
  isNan,
  isSignalling,
} from '../common/softfloat';
import { cpu } from './state';

// FPSCR
export const FPSCR_IOC: u32 = 0x0000_0001;
export const FPSCR_DZC: u32 = 0x0000_0002;
export const FPSCR_OFC: u32 = 0x0000_0004;
export const FPSCR_UFC: u32 = 0x0000_0008;
export const FPSCR_IXC: u32 = 0x0000_0010;
export const FPSCR_IDC: u32 = 0x0000_0080;
export const FPSCR_RMODE: u32 = 0x00c0_0000;
export const FPSCR_FZ: u32 = 0x0100_0000;
export const FPSCR_DN: u32 = 0x0200_0000;
export const FPSCR_QC: u32 = 0x0800_0000;

const DEFAULT_NAN_32: u32 = 0x7fc0_0000;

/** What the operations below go by: softfloat's mode, and FPSCR_FZ and FPSCR_DN. */
let mode: u32 = 0;
let control: u32 = 0;
/** Rounding to nearest, and IXC is set already: normal results need no more than the host's arithmetic. */
let plain: bool = false;

/** As FPSCR says: the VFP instructions. */
export function useFpscr(): void {
  const fpscr: u32 = cpu.fpscr;
  control = fpscr & (FPSCR_FZ | FPSCR_DN);
  mode = NAN_SIGNALLING_FIRST | ((control & FPSCR_FZ) != 0 ? FLUSH_RESULT : 0) | roundingOf(fpscr);
  plain = (fpscr & (FPSCR_RMODE | FPSCR_IXC)) == FPSCR_IXC;
}

/** The standard value: the Advanced SIMD instructions. */
export function useStandard(): void {
  control = FPSCR_FZ | FPSCR_DN;
  mode = NAN_SIGNALLING_FIRST | FLUSH_RESULT | ROUND_NEAREST;
  plain = (cpu.fpscr & FPSCR_IXC) != 0;
}

// @ts-ignore: decorator
@inline
function roundingOf(fpscr: u32): u32 {
  switch ((fpscr >>> 22) & 3) {
    case 1:
      return ROUND_UP;
    case 2:
      return ROUND_DOWN;
    case 3:
      return ROUND_ZERO;
    default:
      return ROUND_NEAREST;
  }
}

/** Adds what the last operation raised to the cumulative bits. */
function accumulate(): void {
  const raised: u32 = flags;
  if (raised == 0) return;
  let bits: u32 = 0;
  if ((raised & INVALID) != 0) bits |= FPSCR_IOC;
  if ((raised & DIVIDE_BY_ZERO) != 0) bits |= FPSCR_DZC;
  if ((raised & OVERFLOW) != 0) bits |= FPSCR_OFC;
  if ((raised & UNDERFLOW) != 0) bits |= FPSCR_UFC;
  // A result that became zero for being denormal is not inexact.
  if ((raised & INEXACT) != 0 && ((raised & UNDERFLOW) == 0 || (control & FPSCR_FZ) == 0)) bits |= FPSCR_IXC;
  cpu.fpscr |= bits;
}

export function raise(bits: u32): void {
  cpu.fpscr |= bits;
}

/** An operand, zero if it is denormal and those are flushed. */
// @ts-ignore: decorator
@inline
export function in32(a: u32): u32 {
  if ((control & FPSCR_FZ) == 0 || (a & 0x7f80_0000) != 0 || (a & 0x7f_ffff) == 0) return a;
  cpu.fpscr |= FPSCR_IDC;
  return a & 0x8000_0000;
}

// @ts-ignore: decorator
@inline
export function in64(a: u64): u64 {
  if ((control & FPSCR_FZ) == 0 || (a & 0x7ff0_0000_0000_0000) != 0 || a << 12 == 0) return a;
  cpu.fpscr |= FPSCR_IDC;
  return a & 0x8000_0000_0000_0000;
}

// @ts-ignore: decorator
@inline
export function isNan32(a: u32): bool {
  return a << 1 > 0xff00_0000;
}

// @ts-ignore: decorator
@inline
export function isSignalling32(a: u32): bool {
  return isNan32(a) && (a & 0x40_0000) == 0;
}

// @ts-ignore: decorator
@inline
function out32(r: u32): u32 {
  accumulate();
  return (control & FPSCR_DN) != 0 && isNan32(r) ? DEFAULT_NAN_32 : r;
}

// @ts-ignore: decorator
@inline
function out64(r: u64): u64 {
  accumulate();
  return (control & FPSCR_DN) != 0 && isNan(r) ? DEFAULT_NAN : r;
}

/** A result whose exponent is far from both ends has raised nothing but perhaps inexact. */
// @ts-ignore: decorator
@inline
function ordinary32(r: u32): bool {
  return ((r >>> 23) & 0xff) - 2 < 252;
}

// @ts-ignore: decorator
@inline
function ordinary64(r: u64): bool {
  return (<u32>(r >>> 52) & 0x7ff) - 2 < 2044;
}

/** Not denormal, not infinite, no NaN. */
// @ts-ignore: decorator
@inline
function simple32(a: u32): bool {
  return ((a >>> 23) & 0xff) - 1 < 254 || a << 1 == 0;
}

// @ts-ignore: decorator
@inline
function simple64(a: u64): bool {
  return (<u32>(a >>> 52) & 0x7ff) - 1 < 2046 || a << 1 == 0;
}

export function add32(a: u32, b: u32): u32 {
  if (plain && simple32(a) && simple32(b)) {
    const r: u32 = reinterpret<u32>(reinterpret<f32>(a) + reinterpret<f32>(b));
    if (ordinary32(r)) return r;
  }
  return out32(f32Add(mode, in32(a), in32(b)));
}

export function sub32(a: u32, b: u32): u32 {
  if (plain && simple32(a) && simple32(b)) {
    const r: u32 = reinterpret<u32>(reinterpret<f32>(a) - reinterpret<f32>(b));
    if (ordinary32(r)) return r;
  }
  return out32(f32Sub(mode, in32(a), in32(b)));
}

export function mul32(a: u32, b: u32): u32 {
  if (plain && simple32(a) && simple32(b)) {
    const r: u32 = reinterpret<u32>(reinterpret<f32>(a) * reinterpret<f32>(b));
    if (ordinary32(r)) return r;
  }
  return out32(f32Mul(mode, in32(a), in32(b)));
}

export function div32(a: u32, b: u32): u32 {
  if (plain && simple32(a) && simple32(b)) {
    const r: u32 = reinterpret<u32>(reinterpret<f32>(a) / reinterpret<f32>(b));
    if (ordinary32(r)) return r;
  }
  return out32(f32Div(mode, in32(a), in32(b)));
}

export function sqrt32(a: u32): u32 {
  return out32(f32Sqrt(mode, in32(a)));
}

export function add64(a: u64, b: u64): u64 {
  if (plain && simple64(a) && simple64(b)) {
    const r: u64 = reinterpret<u64>(reinterpret<f64>(a) + reinterpret<f64>(b));
    if (ordinary64(r)) return r;
  }
  return out64(f64Add(mode, in64(a), in64(b)));
}

export function sub64(a: u64, b: u64): u64 {
  if (plain && simple64(a) && simple64(b)) {
    const r: u64 = reinterpret<u64>(reinterpret<f64>(a) - reinterpret<f64>(b));
    if (ordinary64(r)) return r;
  }
  return out64(f64Sub(mode, in64(a), in64(b)));
}

export function mul64(a: u64, b: u64): u64 {
  if (plain && simple64(a) && simple64(b)) {
    const r: u64 = reinterpret<u64>(reinterpret<f64>(a) * reinterpret<f64>(b));
    if (ordinary64(r)) return r;
  }
  return out64(f64Mul(mode, in64(a), in64(b)));
}

export function div64(a: u64, b: u64): u64 {
  if (plain && simple64(a) && simple64(b)) {
    const r: u64 = reinterpret<u64>(reinterpret<f64>(a) / reinterpret<f64>(b));
    if (ordinary64(r)) return r;
  }
  return out64(f64Div(mode, in64(a), in64(b)));
}

export function sqrt64(a: u64): u64 {
  return out64(f64Sqrt(mode, in64(a)));
}

// --- Comparison: N, Z, C, V as FPSCR has them

function relation(r: u32): u32 {
  return r == LESS ? 0x8000_0000 : r == EQUAL ? 0x6000_0000 : r == GREATER ? 0x2000_0000 : 0x3000_0000;
}

/** `signals`: every NaN is an invalid operand, not only a signalling one. */
export function compare64(a: u64, b: u64, signals: bool): u32 {
  const x: u64 = in64(a);
  const y: u64 = in64(b);
  if (isNan(x) || isNan(y)) {
    if (signals || isSignalling(x) || isSignalling(y)) raise(FPSCR_IOC);
    return 0x3000_0000;
  }
  return relation(f64Compare(x, y));
}

export function compare32(a: u32, b: u32, signals: bool): u32 {
  const x: u32 = in32(a);
  const y: u32 = in32(b);
  if (isNan32(x) || isNan32(y)) {
    if (signals || isSignalling32(x) || isSignalling32(y)) raise(FPSCR_IOC);
    return 0x3000_0000;
  }
  return relation(f64Compare(f32ToF64(x), f32ToF64(y)));
}

// --- Conversion

export function single(a: u64): u32 {
  const x: u64 = in64(a);
  const r: u64 = f64Round(mode | TO_SINGLE, x);
  accumulate();
  if (isNan(x)) return (control & FPSCR_DN) != 0 ? DEFAULT_NAN_32 : f64ToF32(r);
  return f64ToF32(r);
}

export function double(a: u32): u64 {
  const x: u32 = in32(a);
  if (!isNan32(x)) return f32ToF64(x);
  if (isSignalling32(x)) raise(FPSCR_IOC);
  return (control & FPSCR_DN) != 0 ? DEFAULT_NAN : f32ToF64(x | 0x40_0000);
}

/** A number times 2^`fraction`, which is exact but for the ends. */
// @ts-ignore: decorator
@inline
function scaled(a: u64, fraction: i32): u64 {
  if (fraction == 0) return a;
  return reinterpret<u64>(reinterpret<f64>(a) * reinterpret<f64>(<u64>(1023 + fraction) << 52));
}

/** An integer of `bits` bits from a number with that many fraction bits; the nearest there is, 0 for a NaN. */
export function toInteger(a: u64, signed: bool, bits: u32, fraction: i32, towardsZero: bool): u64 {
  if (isNan(a)) {
    raise(FPSCR_IOC);
    return 0;
  }
  const x: u64 = scaled(a, fraction);
  const top: i64 = signed ? (<i64>1 << (bits - 1)) - 1 : (<i64>1 << bits) - 1;
  const bottom: i64 = signed ? -top - 1 : 0;
  let value: i64 = 0;
  if (((<u32>(x >>> 52)) & 0x7ff) >= 1023 + 62) {
    value = x >>> 63 != 0 ? i64.MIN_VALUE : i64.MAX_VALUE;
  } else {
    value = f64ToI64((mode & ~7) | (towardsZero ? ROUND_ZERO : mode & 7), x);
    if (value >= bottom && value <= top) accumulate();
  }
  if (value > top) {
    raise(FPSCR_IOC);
    return <u64>top;
  }
  if (value < bottom) {
    raise(FPSCR_IOC);
    return <u64>bottom;
  }
  return <u64>value;
}

/** The number an integer with `fraction` fraction bits is. Fixed-point ones are always rounded to the nearest. */
export function fromInteger64(value: i64, fraction: i32): u64 {
  return scaled(f64FromI64(ROUND_NEAREST, value), -fraction);
}

export function fromInteger32(value: i64, fraction: i32): u32 {
  const rounding: u32 = fraction == 0 ? mode : (mode & ~7) | ROUND_NEAREST;
  const r: u64 = f64Round(rounding | TO_SINGLE, scaled(f64FromI64(ROUND_NEAREST, value), -fraction));
  accumulate();
  return f64ToF32(r);
}
