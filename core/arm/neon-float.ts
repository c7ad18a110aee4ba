// SPDX-License-Identifier: MIT
//
// Advanced SIMD on single-precision numbers [ARM ARM] A7.4.1, A7.4.4, A7.4.5.
import { f32ToF64 } from '../common/softfloat';
import { undefinedException } from './exceptions';
import { odd2, odd3, place } from './neon-lanes';
import { BLOCK_BASE } from './state';
import { dd, dm, dn } from './vfp';
import {
  FPSCR_IOC,
  FPSCR_DZC,
  add32,
  compare32,
  div32,
  fromInteger32,
  in32,
  isNan32,
  isSignalling32,
  mul32,
  raise,
  sub32,
  toInteger,
  useStandard,
} from './vfp-arithmetic';

const SIGN: u32 = 0x8000_0000;
const NAN: u32 = 0x7fc0_0000;
const INFINITY: u32 = 0x7f80_0000;
const TWO: u32 = 0x4000_0000;
const THREE: u32 = 0x4040_0000;
const ONE_AND_A_HALF: u32 = 0x3fc0_0000;

const N: u32 = 0x8000_0000;
const Z: u32 = 0x4000_0000;
const C: u32 = 0x2000_0000;
const V: u32 = 0x1000_0000;

// @ts-ignore: decorator
@inline
function mask(condition: bool): u32 {
  return condition ? ~0 : 0;
}

/** The larger, or the smaller; -0 is smaller than 0. */
function extreme(a: u32, b: u32, larger: bool): u32 {
  const x: u32 = in32(a);
  const y: u32 = in32(b);
  if (isNan32(x) || isNan32(y)) {
    if (isSignalling32(x) || isSignalling32(y)) raise(FPSCR_IOC);
    return NAN;
  }
  if ((x | y) << 1 == 0) return larger ? x & y : x | y;
  return ((compare32(x, y, false) & N) != 0) == larger ? y : x;
}

/** An operand is infinite and the other zero. */
function infinityTimesZero(a: u32, b: u32): bool {
  const x: u32 = in32(a) << 1;
  const y: u32 = in32(b) << 1;
  return (x == 0 && y == INFINITY << 1) || (y == 0 && x == INFINITY << 1);
}

export function op_neon_float(op: u32): void {
  if ((op & 0x0010_0000) != 0) {
    undefinedException(op);
    return;
  }
  if (odd3(op)) return;
  useStandard();
  // Opcode bits 11-8, bit 4, U and the upper bit of the size.
  const kind: u32 = (((op >>> 8) & 3) << 3) | (((op >>> 4) & 1) << 2) | (((op >>> 24) & 1) << 1) | ((op >>> 21) & 1);
  const count: u32 = 2 + ((op >>> 5) & 2);
  for (let i: u32 = 0; i < count; i++) {
    const at: u32 = place(dd(op)) + (i << 2);
    const a: u32 = load<u32>(place(dn(op)) + (i << 2));
    const b: u32 = load<u32>(place(dm(op)) + (i << 2));
    store<u32>(at, combine(kind, a, b, load<u32>(at)));
  }
}

function combine(kind: u32, a: u32, b: u32, d: u32): u32 {
  switch (kind) {
    case 0x08: // VADD
      return add32(a, b);
    case 0x09: // VSUB
      return sub32(a, b);
    case 0x0b: // VABD
      return sub32(a, b) & ~SIGN;
    case 0x0c: // VMLA
      return add32(d, mul32(a, b));
    case 0x0d: // VMLS
      return sub32(d, mul32(a, b));
    case 0x0e: // VMUL
      return mul32(a, b);
    case 0x10: // VCEQ
      return mask((compare32(a, b, false) & (Z | V)) == Z);
    case 0x12: // VCGE
      return mask((compare32(a, b, true) & (C | V)) == C);
    case 0x13: // VCGT
      return mask((compare32(a, b, true) & (Z | C | V)) == C);
    case 0x16: // VACGE
      return mask((compare32(a & ~SIGN, b & ~SIGN, true) & (C | V)) == C);
    case 0x17: // VACGT
      return mask((compare32(a & ~SIGN, b & ~SIGN, true) & (Z | C | V)) == C);
    case 0x18: // VMAX
      return extreme(a, b, true);
    case 0x19: // VMIN
      return extreme(a, b, false);
    case 0x1c: // VRECPS
      return infinityTimesZero(a, b) ? TWO : sub32(TWO, mul32(a, b));
    default: // VRSQRTS
      return infinityTimesZero(a, b) ? ONE_AND_A_HALF : div32(sub32(THREE, mul32(a, b)), TWO);
  }
}

/** VPADD, VPMAX, VPMIN. */
export function op_neon_float_pairwise(op: u32): void {
  if ((op & 0x0010_0040) != 0) {
    undefinedException(op);
    return;
  }
  useStandard();
  store<u64>(BLOCK_BASE, load<u64>(place(dn(op))));
  store<u64>(BLOCK_BASE + 8, load<u64>(place(dm(op))));
  const sums: bool = (op & 0x200) == 0;
  for (let i: u32 = 0; i < 2; i++) {
    const a: u32 = load<u32>(BLOCK_BASE + (i << 3));
    const b: u32 = load<u32>(BLOCK_BASE + (i << 3) + 4);
    const r: u32 = sums ? add32(a, b) : extreme(a, b, (op & 0x0020_0000) == 0);
    store<u32>(place(dd(op)) + (i << 2), r);
  }
}

/** Comparison of a number with zero: 0 VCGT, 1 VCGE, 2 VCEQ, 3 VCLE, 4 VCLT. */
export function compareZero(kind: u32, a: u32): u32 {
  const r: u32 = compare32(a, 0, kind != 2);
  switch (kind) {
    case 0:
      return mask((r & (Z | C | V)) == C);
    case 1:
      return mask((r & (C | V)) == C);
    case 2:
      return mask((r & (Z | V)) == Z);
    case 3:
      return mask((r & N) != 0 || (r & (Z | V)) == Z);
    default:
      return mask((r & N) != 0);
  }
}

/** To and from fixed point. */
export function op_neon_fixed(op: u32): void {
  if ((op & 0x0020_0000) == 0) {
    undefinedException(op);
    return;
  }
  if (odd2(op)) return;
  useStandard();
  const fraction: i32 = 64 - <i32>((op >>> 16) & 0x3f);
  const unsigned: bool = (op & 0x0100_0000) != 0;
  const count: u32 = 2 + ((op >>> 5) & 2);
  for (let i: u32 = 0; i < count; i++) {
    const value: u32 = load<u32>(place(dm(op)) + (i << 2));
    const r: u32 = (op & 0x100) != 0 ? toFixed(value, unsigned, fraction) : fromFixed(value, unsigned, fraction);
    store<u32>(place(dd(op)) + (i << 2), r);
  }
}

export function toFixed(value: u32, unsigned: bool, fraction: i32): u32 {
  return <u32>toInteger(f32ToF64(in32(value)), !unsigned, 32, fraction, true);
}

export function fromFixed(value: u32, unsigned: bool, fraction: i32): u32 {
  return fromInteger32(unsigned ? <i64>(<u64>value) : <i64>(<i32>value), fraction);
}

// --- Estimates [ARM ARM] A2.7.8

/** Of the reciprocal of a/512, a from 256 to 511: 256 to 511. */
function reciprocal(a: u32): u32 {
  return (0x8_0000 / (a * 2 + 1) + 1) >>> 1;
}

/** Of the reciprocal of the root of a/512, a from 128 to 511. */
function reciprocalRoot(a: u32): u32 {
  const x: u32 = a < 256 ? a * 2 + 1 : ((a >>> 1) * 2 + 1) * 2;
  let b: u32 = 512;
  while (x * (b + 1) * (b + 1) < 0x1000_0000) b++;
  return (b + 1) >>> 1;
}

export function reciprocalEstimate32(a: u32): u32 {
  return a >>> 31 == 0 ? ~0 : reciprocal(a >>> 23) << 23;
}

export function rootEstimate32(a: u32): u32 {
  return a >>> 30 == 0 ? ~0 : reciprocalRoot(a >>> 23) << 23;
}

export function reciprocalEstimate(a: u32): u32 {
  const x: u32 = in32(a);
  const sign: u32 = x & SIGN;
  const exponent: u32 = (x >>> 23) & 0xff;
  if (isNan32(x)) {
    if (isSignalling32(x)) raise(FPSCR_IOC);
    return NAN;
  }
  if (x << 1 == 0) {
    raise(FPSCR_DZC);
    return sign | INFINITY;
  }
  // Infinite, or so large that the result would be denormal.
  if (exponent >= 253) {
    if (exponent != 255) raise(8);
    return sign;
  }
  const estimate: u32 = reciprocal(256 | ((x >>> 15) & 0xff));
  return sign | ((253 - exponent) << 23) | ((estimate & 0xff) << 15);
}

export function rootEstimate(a: u32): u32 {
  const x: u32 = in32(a);
  const exponent: u32 = (x >>> 23) & 0xff;
  if (isNan32(x)) {
    if (isSignalling32(x)) raise(FPSCR_IOC);
    return NAN;
  }
  if (x << 1 == 0) {
    raise(FPSCR_DZC);
    return (x & SIGN) | INFINITY;
  }
  if (x >>> 31 != 0) {
    raise(FPSCR_IOC);
    return NAN;
  }
  if (exponent == 255) return 0;
  // From 0.25 to 1: an even exponent keeps a bit less of the fraction.
  const scaled: u32 = (exponent & 1) != 0 ? 128 | ((x >>> 16) & 0x7f) : 256 | ((x >>> 15) & 0xff);
  const estimate: u32 = reciprocalRoot(scaled);
  return (((380 - exponent) >>> 1) << 23) | ((estimate & 0xff) << 15);
}
