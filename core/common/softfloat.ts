// SPDX-License-Identifier: MIT
//
// IEEE 754 binary32 and binary64 in integer arithmetic: every result is the exact one rounded once, in every rounding
// mode, with the five exceptions, the reason of an invalid operation, and whether rounding increased the magnitude.
//
// A `mode` word carries everything an instruction set chooses: rounding direction, precision of the result, when
// tininess is detected, which exceptions deliver a result with adjusted exponent, and which NaN is propagated. With
// TO_SINGLE the exact result is rounded once to the precision and range of binary32 and returned in binary64 format;
// the f32… functions are the same operations on binary32 words.
//
// Inside, a finite non-zero number is sign, exp and sig: sig × 2^(exp - 63) with bit 63 of sig set. Bits of a result
// below bit 0 are jammed into it (or-ed), so that it still differs from every exact and halfway case. The 64 bits are
// those of an extended format too; such a format needs a wider sum and quotient and one more case in roundPack.
//
// `flags` is scratch: each exported arithmetic function sets it for its own result. It is no guest state.
//
// Documents: IEEE 754-1985 and -2008. Not modelled: extended and quadruple formats, decimal formats.

// ┌──────── mode ────────────────────────────────────────────────────────────────────────────────────────────────────┐
export const ROUND_NEAREST: u32 = 0; // ties to even
export const ROUND_ZERO: u32 = 1;
export const ROUND_UP: u32 = 2;
export const ROUND_DOWN: u32 = 3;
export const ROUND_TIES_AWAY: u32 = 4;
const ROUND_MASK: u32 = 7;
/** Round to the precision and exponent range of binary32; the result is a binary64 number all the same. */
export const TO_SINGLE: u32 = 0x0010;
/** Tininess: without this bit before rounding (PowerPC, ARM), with it after rounding (m68k, ia64). */
export const TINY_AFTER_ROUNDING: u32 = 0x0020;
/** Overflow delivers the rounded result with its exponent less 1536 (single 192) instead of infinity or the maximum. */
export const TRAP_OVERFLOW: u32 = 0x0040;
/** Tininess raises underflow even if exact and delivers the result with its exponent plus 1536 (single 192). */
export const TRAP_UNDERFLOW: u32 = 0x0080;
/** A tiny result becomes zero of its sign, with underflow and inexact. */
export const FLUSH_RESULT: u32 = 0x0100;
/** Propagate the first signalling operand if there is one; without this bit the first NaN of either kind. */
export const NAN_SIGNALLING_FIRST: u32 = 0x0200;
/** Operand order of multiply-add NaNs: addend, multiplicand, multiplier instead of multiplicand, addend, multiplier. */
export const NAN_ADDEND_FIRST: u32 = 0x0400;
// └──────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘

// ┌──────── flags ───────────────────────────────────────────────────────────────────────────────────────────────────┐
export const INEXACT: u32 = 0x0001;
export const UNDERFLOW: u32 = 0x0002;
export const OVERFLOW: u32 = 0x0004;
export const DIVIDE_BY_ZERO: u32 = 0x0008;
export const INVALID: u32 = 0x0010; // comes with at least one of the reasons below
export const ROUNDED_UP: u32 = 0x0020; // rounding increased the magnitude
export const INVALID_SNAN: u32 = 0x0100; // signalling NaN operand
export const INVALID_ISI: u32 = 0x0200; // ∞ - ∞
export const INVALID_IDI: u32 = 0x0400; // ∞ ÷ ∞
export const INVALID_ZDZ: u32 = 0x0800; // 0 ÷ 0
export const INVALID_IMZ: u32 = 0x1000; // ∞ × 0
export const INVALID_SQRT: u32 = 0x2000; // square root of a negative number
export const INVALID_CVI: u32 = 0x4000; // no such integer
// └──────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘

/** What the last arithmetic function raised. */
export let flags: u32 = 0;

// Relations, as f64Compare returns them.
export const LESS: u32 = 8;
export const GREATER: u32 = 4;
export const EQUAL: u32 = 2;
export const UNORDERED: u32 = 1;

export const SIGN: u64 = 0x8000_0000_0000_0000;
export const INFINITY: u64 = 0x7ff0_0000_0000_0000;
export const DEFAULT_NAN: u64 = 0x7ff8_0000_0000_0000;
const FRACTION: u64 = 0x000f_ffff_ffff_ffff;
const HIDDEN: u64 = 0x0010_0000_0000_0000;
const QUIET: u64 = 0x0008_0000_0000_0000;
const MAX_DOUBLE: u64 = 0x7fef_ffff_ffff_ffff;
const MAX_SINGLE: u64 = 0x47ef_ffff_e000_0000;
/** Fraction bits of binary64 that binary32 has not. */
const BELOW_SINGLE: u64 = 0x1fff_ffff;

// @ts-ignore: decorator
@inline
export function isNan(a: u64): bool {
  return a << 1 > INFINITY << 1;
}

// @ts-ignore: decorator
@inline
export function isSignalling(a: u64): bool {
  return isNan(a) && !(a & QUIET);
}

// @ts-ignore: decorator
@inline
export function isInfinity(a: u64): bool {
  return a << 1 == INFINITY << 1;
}

// @ts-ignore: decorator
@inline
export function isZero(a: u64): bool {
  return a << 1 == 0;
}

/** Infinity or NaN. */
// @ts-ignore: decorator
@inline
function isSpecial(a: u64): bool {
  return (a & INFINITY) == INFINITY;
}

// @ts-ignore: decorator
@inline
function significand(a: u64): u64 {
  const fraction = a & FRACTION;
  return a & INFINITY ? (fraction | HIDDEN) << 11 : fraction << clz(fraction);
}

// @ts-ignore: decorator
@inline
function exponent(a: u64): i32 {
  return a & INFINITY ? <i32>((a >> 52) & 0x7ff) - 1023 : -1011 - <i32>clz(a & FRACTION);
}

// @ts-ignore: decorator
@inline
function shiftRightJam(sig: u64, count: u32): u64 {
  if (count >= 64) return u64(sig != 0);
  return (sig >> count) | u64((sig & (((<u64>1) << count) - 1)) != 0);
}

/** Does `rest`, the part below the last place as a fraction of 2 × `half`, round the magnitude up? rest ≠ 0. */
// @ts-ignore: decorator
@inline
function roundsUp(mode: u32, sign: u64, odd: bool, rest: u64, half: u64): bool {
  switch (mode & ROUND_MASK) {
    case ROUND_NEAREST:
      return rest > half || (rest == half && odd);
    case ROUND_UP:
      return sign == 0;
    case ROUND_DOWN:
      return sign != 0;
    case ROUND_TIES_AWAY:
      return rest >= half;
    default:
      return false;
  }
}

/** Rounds the non-zero number sig × 2^(exp - 63); bit 63 of sig is set, bit 0 may be jammed. */
function roundPack(mode: u32, sign: u64, exp: i32, sig: u64): u64 {
  const single = (mode & TO_SINGLE) != 0;
  const drop: u64 = single ? 40 : 11;
  const half = (<u64>1) << (drop - 1);
  const below = (half << 1) - 1;
  const minimum = single ? -126 : -1022;
  const maximum = single ? 127 : 1023;
  const adjust = single ? 192 : 1536;
  const largest = single ? MAX_SINGLE : MAX_DOUBLE;

  let tiny = exp < minimum;
  if (tiny) {
    if (mode & TINY_AFTER_ROUNDING && exp == minimum - 1 && ~sig >> drop == 0) {
      const rest = sig & below;
      tiny = !(rest && roundsUp(mode, sign, true, rest, half));
    }
    if (tiny && mode & TRAP_UNDERFLOW) {
      flags |= UNDERFLOW;
      exp += adjust;
    } else if (tiny && mode & FLUSH_RESULT) {
      flags |= UNDERFLOW | INEXACT;
      return sign;
    } else {
      sig = shiftRightJam(sig, minimum - exp);
      exp = minimum;
    }
  }

  const rest = sig & below;
  sig >>= drop;
  if (rest) {
    flags |= tiny ? UNDERFLOW | INEXACT : INEXACT;
    if (roundsUp(mode, sign, (sig & 1) != 0, rest, half)) {
      flags |= ROUNDED_UP;
      if (++sig >> (64 - drop)) {
        sig >>= 1;
        exp++;
      }
    }
  }

  if (exp > maximum) {
    flags |= OVERFLOW;
    if (mode & TRAP_OVERFLOW) {
      exp -= adjust;
    } else {
      flags |= INEXACT;
      const direction = mode & ROUND_MASK;
      const inward = sign ? ROUND_UP : ROUND_DOWN;
      if (direction == ROUND_ZERO || direction == inward) {
        flags &= ~ROUNDED_UP;
        return sign | largest;
      }
      flags |= ROUNDED_UP;
      return sign | INFINITY;
    }
  }

  if (!sig) return sign;
  const zeros = clz(sig);
  sig <<= zeros;
  exp += <i32>drop - <i32>zeros;
  // Beyond binary64 only after an adjusted single whose operands were no singles: no result is defined for those.
  if (exp > 1023) return sign | INFINITY;
  if (exp < -1022) return sign | (exp < -1074 ? 0 : sig >> (-1011 - exp));
  return sign | ((<u64>(exp + 1023)) << 52) | ((sig >> 11) & FRACTION);
}

// @ts-ignore: decorator
@inline
function invalid(reason: u32): u64 {
  flags |= INVALID | reason;
  return DEFAULT_NAN;
}

function quieted(mode: u32, nan: u64): u64 {
  nan |= QUIET;
  return mode & TO_SINGLE ? nan & ~BELOW_SINGLE : nan;
}

/** The NaN that an operation on these operands returns; at least one is a NaN. */
function propagate(mode: u32, a: u64, b: u64): u64 {
  const signalling = isSignalling(a) || isSignalling(b);
  if (signalling) flags |= INVALID | INVALID_SNAN;
  if (signalling && mode & NAN_SIGNALLING_FIRST) return quieted(mode, isSignalling(a) ? a : b);
  return quieted(mode, isNan(a) ? a : b);
}

function propagate3(mode: u32, a: u64, b: u64, c: u64): u64 {
  const signalling = isSignalling(a) || isSignalling(b) || isSignalling(c);
  if (signalling) flags |= INVALID | INVALID_SNAN;
  if (signalling && mode & NAN_SIGNALLING_FIRST) {
    return quieted(mode, isSignalling(a) ? a : isSignalling(b) ? b : c);
  }
  return quieted(mode, isNan(a) ? a : isNan(b) ? b : c);
}

/** The sign of an exact zero sum of numbers that are not both of that sign. */
// @ts-ignore: decorator
@inline
function zeroSum(mode: u32): u64 {
  return (mode & ROUND_MASK) == ROUND_DOWN ? SIGN : 0;
}

/** Rounds a binary64 number to the precision in mode (frsp); a signalling NaN is invalid. */
export function f64Round(mode: u32, a: u64): u64 {
  flags = 0;
  if (isNan(a)) return propagate(mode, a, a);
  if (isInfinity(a) || isZero(a)) return a;
  return roundPack(mode, a & SIGN, exponent(a), significand(a));
}

function addFinite(mode: u32, a: u64, b: u64): u64 {
  if ((a & ~SIGN) < (b & ~SIGN)) {
    const t = a;
    a = b;
    b = t;
  }
  if (isZero(b)) {
    if (isZero(a)) return a == b ? a : zeroSum(mode);
    return roundPack(mode, a & SIGN, exponent(a), significand(a));
  }
  // One bit of room for the carry; the ten bits below keep a jammed bit from mattering: it is there only if the
  // exponents differ by more than ten, and then a difference loses at most one leading bit.
  const exp = exponent(a);
  const sa = significand(a) >> 1;
  const sb = shiftRightJam(significand(b) >> 1, exp - exponent(b));
  const sig = (a ^ b) & SIGN ? sa - sb : sa + sb;
  if (!sig) return zeroSum(mode);
  const zeros = clz(sig);
  return roundPack(mode, a & SIGN, exp + 1 - <i32>zeros, sig << zeros);
}

export function f64Add(mode: u32, a: u64, b: u64): u64 {
  flags = 0;
  if (isSpecial(a) || isSpecial(b)) {
    if (isNan(a) || isNan(b)) return propagate(mode, a, b);
    if (isInfinity(a) && isInfinity(b) && a != b) return invalid(INVALID_ISI);
    return isInfinity(a) ? a : b;
  }
  return addFinite(mode, a, b);
}

export function f64Sub(mode: u32, a: u64, b: u64): u64 {
  return f64Add(mode, a, isNan(b) ? b : b ^ SIGN);
}

/** High half of the last multiply's 128-bit product (scratch). */
let productHigh: u64 = 0;

/** 64 × 64 → 128: returns the low half. */
// @ts-ignore: decorator
@inline
function multiply(a: u64, b: u64): u64 {
  const a0 = a & 0xffff_ffff;
  const a1 = a >> 32;
  const b0 = b & 0xffff_ffff;
  const b1 = b >> 32;
  const middle = a1 * b0 + ((a0 * b0) >> 32);
  const middle2 = a0 * b1 + (middle & 0xffff_ffff);
  productHigh = a1 * b1 + (middle >> 32) + (middle2 >> 32);
  return a * b;
}

export function f64Mul(mode: u32, a: u64, b: u64): u64 {
  flags = 0;
  const sign = (a ^ b) & SIGN;
  if (isSpecial(a) || isSpecial(b)) {
    if (isNan(a) || isNan(b)) return propagate(mode, a, b);
    if (isZero(a) || isZero(b)) return invalid(INVALID_IMZ);
    return sign | INFINITY;
  }
  if (isZero(a) || isZero(b)) return sign;
  const low = multiply(significand(a), significand(b));
  const sig = productHigh | u64(low != 0);
  const zeros = clz(sig); // 0 or 1; bits 0 to 21 of the product are 0, so bit 0 of sig is free for the jam
  return roundPack(mode, sign, exponent(a) + exponent(b) + 1 - <i32>zeros, sig << zeros);
}

export function f64Div(mode: u32, a: u64, b: u64): u64 {
  flags = 0;
  const sign = (a ^ b) & SIGN;
  if (isSpecial(a) || isSpecial(b)) {
    if (isNan(a) || isNan(b)) return propagate(mode, a, b);
    if (isInfinity(b)) return isInfinity(a) ? invalid(INVALID_IDI) : sign;
    return sign | INFINITY;
  }
  if (isZero(b)) {
    if (isZero(a)) return invalid(INVALID_ZDZ);
    flags |= DIVIDE_BY_ZERO;
    return sign | INFINITY;
  }
  if (isZero(a)) return sign;
  let exp = exponent(a) - exponent(b);
  let rest = significand(a) >> 11;
  const divisor = significand(b) >> 11;
  if (rest < divisor) {
    rest <<= 1;
    exp--;
  }
  // The integer bit, then 63 more, eleven at a time: rest < divisor < 2^53, so rest << 11 fits.
  rest -= divisor;
  let sig: u64 = 1;
  for (let i = 0; i < 5; i++) {
    rest <<= 11;
    const digit = rest / divisor;
    rest -= digit * divisor;
    sig = (sig << 11) | digit;
  }
  rest <<= 8;
  const digit = rest / divisor;
  rest -= digit * divisor;
  sig = (sig << 8) | digit;
  return roundPack(mode, sign, exp, sig | u64(rest != 0));
}

export function f64Sqrt(mode: u32, a: u64): u64 {
  flags = 0;
  if (isNan(a)) return propagate(mode, a, a);
  if (isZero(a)) return a;
  if (a & SIGN) return invalid(INVALID_SQRT);
  if (isInfinity(a)) return a;
  // a = m × 2^e with e even and m in [2^52, 2^54): 56 bits of the root of m × 2^58, two bits of it at a time.
  let e = exponent(a) - 52;
  let m = significand(a) >> 11;
  if (e & 1) {
    m <<= 1;
    e--;
  }
  let root: u64 = 0;
  let rest: u64 = 0;
  for (let i: u64 = 0; i < 56; i++) {
    rest = (rest << 2) | (i < 27 ? (m >> (52 - 2 * i)) & 3 : 0);
    const trial = (root << 2) | 1;
    root <<= 1;
    if (rest >= trial) {
      rest -= trial;
      root |= 1;
    }
  }
  return roundPack(mode, 0, (e >> 1) + 26, (root << 8) | u64(rest != 0));
}

/** multiplicand × multiplier + addend, rounded once. */
export function f64Fma(mode: u32, multiplicand: u64, multiplier: u64, addend: u64): u64 {
  flags = 0;
  const sign = (multiplicand ^ multiplier) & SIGN;
  if (isSpecial(multiplicand) || isSpecial(multiplier) || isSpecial(addend)) {
    const infinite = isInfinity(multiplicand) || isInfinity(multiplier);
    const imz = infinite && (isZero(multiplicand) || isZero(multiplier));
    if (imz) invalid(INVALID_IMZ);
    if (isNan(multiplicand) || isNan(multiplier) || isNan(addend)) {
      return mode & NAN_ADDEND_FIRST
        ? propagate3(mode, addend, multiplicand, multiplier)
        : propagate3(mode, multiplicand, addend, multiplier);
    }
    if (imz) return DEFAULT_NAN;
    if (!infinite) return addend;
    if (isInfinity(addend) && (addend & SIGN) != sign) return invalid(INVALID_ISI);
    return sign | INFINITY;
  }
  if (isZero(multiplicand) || isZero(multiplier)) return addFinite(mode, sign, addend);

  // The product in 128 bits, moved down by two: [2^124, 2^126) × 2^(exp - 124); its low 20 bits are 0.
  let exp = exponent(multiplicand) + exponent(multiplier);
  let low = multiply(significand(multiplicand), significand(multiplier));
  let high = productHigh;
  low = (low >> 2) | (high << 62);
  high >>= 2;
  let resultSign = sign;

  if (!isZero(addend)) {
    // The addend as [2^124, 2^125) × 2^(e - 124). Bits are jammed only if the exponents differ so much that the
    // smaller number cannot cancel more than the leading bit of the other one.
    let otherHigh = significand(addend) >> 3;
    let otherLow: u64 = 0;
    const difference = exp - exponent(addend);
    if (difference >= 0) {
      otherLow = shiftRightJam2(otherHigh, 0, difference);
      otherHigh = difference < 64 ? otherHigh >> difference : 0;
    } else {
      low = shiftRightJam2(high, low, -difference);
      high = difference > -64 ? high >> -difference : 0;
      exp -= difference;
    }
    if ((addend & SIGN) == sign) {
      low += otherLow;
      high += otherHigh + u64(low < otherLow);
    } else if (high > otherHigh || (high == otherHigh && low >= otherLow)) {
      high -= otherHigh + u64(low < otherLow);
      low -= otherLow;
    } else {
      high = otherHigh - high - u64(otherLow < low);
      low = otherLow - low;
      resultSign ^= SIGN;
    }
    if (!(high | low)) return zeroSum(mode);
  }

  if (!high) {
    const zeros = clz(low);
    return roundPack(mode, resultSign, exp - 61 - <i32>zeros, low << zeros);
  }
  const zeros = clz(high);
  const sig = (high << zeros) | (zeros ? low >> (64 - zeros) : 0);
  return roundPack(mode, resultSign, exp + 3 - <i32>zeros, sig | u64(low << zeros != 0));
}

/** Low half of high:low >> count, jammed. */
function shiftRightJam2(high: u64, low: u64, count: u32): u64 {
  if (!count) return low;
  if (count < 64) return (high << (64 - count)) | (low >> count) | u64(low << (64 - count) != 0);
  if (count == 64) return high | u64(low != 0);
  return shiftRightJam(high, count - 64) | u64(low != 0);
}

/** The magnitude of the finite number a as an integer, exponent < 64, with the flags of that rounding. */
function roundMagnitude(mode: u32, a: u64): u64 {
  if (isZero(a)) return 0;
  const exp = exponent(a);
  const sig = significand(a);
  const integer: u64 = exp < 0 ? 0 : sig >> (63 - exp);
  const rest: u64 = exp < -1 ? 1 : exp == 63 ? 0 : sig << (exp + 1);
  if (!rest) return integer;
  flags |= INEXACT;
  if (!roundsUp(mode, a & SIGN, (integer & 1) != 0, rest, SIGN)) return integer;
  flags |= ROUNDED_UP;
  return integer + 1;
}

/** Saturates: a NaN gives the most negative integer. */
export function f64ToI32(mode: u32, a: u64): i32 {
  flags = 0;
  if (isNan(a)) {
    flags = isSignalling(a) ? INVALID | INVALID_CVI | INVALID_SNAN : INVALID | INVALID_CVI;
    return i32.MIN_VALUE;
  }
  if ((a & ~SIGN) < 0x4200_0000_0000_0000) {
    const magnitude = roundMagnitude(mode, a);
    if (magnitude <= (a & SIGN ? 0x8000_0000 : 0x7fff_ffff)) return <i32>(a & SIGN ? -magnitude : magnitude);
  }
  flags = INVALID | INVALID_CVI;
  return a & SIGN ? i32.MIN_VALUE : i32.MAX_VALUE;
}

/** Saturates: a NaN gives the most negative integer. */
export function f64ToI64(mode: u32, a: u64): i64 {
  flags = 0;
  if (isNan(a)) {
    flags = isSignalling(a) ? INVALID | INVALID_CVI | INVALID_SNAN : INVALID | INVALID_CVI;
    return i64.MIN_VALUE;
  }
  if ((a & ~SIGN) < 0x43f0_0000_0000_0000) {
    const magnitude = roundMagnitude(mode, a);
    if (magnitude <= (a & SIGN ? SIGN : SIGN - 1)) return <i64>(a & SIGN ? -magnitude : magnitude);
  }
  flags = INVALID | INVALID_CVI;
  return a & SIGN ? i64.MIN_VALUE : i64.MAX_VALUE;
}

export function f64FromI64(mode: u32, a: i64): u64 {
  flags = 0;
  if (!a) return 0;
  const magnitude = <u64>(a < 0 ? -a : a);
  const zeros = clz(magnitude);
  return roundPack(mode, a < 0 ? SIGN : 0, 63 - <i32>zeros, magnitude << zeros);
}

/** Rounds to an integral value of the same format. */
export function f64RoundToInt(mode: u32, a: u64): u64 {
  flags = 0;
  if (isNan(a)) return propagate(mode, a, a);
  if ((a & ~SIGN) >= 0x4330_0000_0000_0000) return a;
  return (a & SIGN) | reinterpret<u64>(<f64>roundMagnitude(mode, a)); // at most 2^52: exact
}

/** LESS, GREATER, EQUAL or UNORDERED; only a signalling NaN is invalid. */
export function f64Compare(a: u64, b: u64): u32 {
  flags = 0;
  if (isNan(a) || isNan(b)) {
    if (isSignalling(a) || isSignalling(b)) flags = INVALID | INVALID_SNAN;
    return UNORDERED;
  }
  const x = reinterpret<f64>(a);
  const y = reinterpret<f64>(b);
  return x < y ? LESS : x > y ? GREATER : EQUAL;
}

/** binary32 to binary64: always exact; a signalling NaN stays one. */
export function f32ToF64(a: u32): u64 {
  const sign = (<u64>(a & 0x8000_0000)) << 32;
  const magnitude = a & 0x7fff_ffff;
  if (magnitude >= 0x7f80_0000) return sign | INFINITY | ((<u64>(a & 0x007f_ffff)) << 29);
  if (magnitude >= 0x0080_0000) return sign | (((<u64>magnitude) << 29) + ((<u64>(1023 - 127)) << 52));
  if (!magnitude) return sign;
  const zeros = clz(magnitude); // 9 … 31; the most significant bit becomes the hidden one
  return sign | (((<u64>(905 - zeros)) << 52) + (((<u64>magnitude) << (zeros + 21)) & FRACTION));
}

/**
 * binary64 to binary32 for a number that binary32 has (a result of TO_SINGLE, a widened one). Of others the bits that
 * do not fit are dropped: surplus fraction bits, exponents above 127 modulo 256, and what is too small becomes zero.
 */
export function f64ToF32(a: u64): u32 {
  const exp = <u32>(a >> 52) & 0x7ff;
  const sign = <u32>(a >> 32) & 0x8000_0000;
  if (exp > 896) return (<u32>(a >> 32) & 0xc000_0000) | (<u32>(a >> 29) & 0x3fff_ffff);
  if (exp < 874) return sign;
  return sign | <u32>(((a & FRACTION) | HIDDEN) >> (926 - exp));
}

export function f32Add(mode: u32, a: u32, b: u32): u32 {
  return f64ToF32(f64Add(mode | TO_SINGLE, f32ToF64(a), f32ToF64(b)));
}

export function f32Sub(mode: u32, a: u32, b: u32): u32 {
  return f64ToF32(f64Sub(mode | TO_SINGLE, f32ToF64(a), f32ToF64(b)));
}

export function f32Mul(mode: u32, a: u32, b: u32): u32 {
  return f64ToF32(f64Mul(mode | TO_SINGLE, f32ToF64(a), f32ToF64(b)));
}

export function f32Div(mode: u32, a: u32, b: u32): u32 {
  return f64ToF32(f64Div(mode | TO_SINGLE, f32ToF64(a), f32ToF64(b)));
}

export function f32Sqrt(mode: u32, a: u32): u32 {
  return f64ToF32(f64Sqrt(mode | TO_SINGLE, f32ToF64(a)));
}

export function f32Fma(mode: u32, multiplicand: u32, multiplier: u32, addend: u32): u32 {
  return f64ToF32(f64Fma(mode | TO_SINGLE, f32ToF64(multiplicand), f32ToF64(multiplier), f32ToF64(addend)));
}
