// SPDX-License-Identifier: MIT
//
// Floating-point numbers of 80 bits as the 68881 family has them: sign, exponent of 15 bits with bias 16383, 64 bits of
// mantissa with an explicit integer bit. An exponent of 0 is the true exponent -16383, so a mantissa may be normalized
// there; numbers whose integer bit is 0 with another exponent (unnormalized) are normalized when used; the integer bit
// of infinities and NaNs has no meaning.
//
// A number is a pair: `high`, the sign in bit 15 and the exponent in bits 14-0, and the mantissa. Functions return the
// mantissa and leave `high` in `x80High`. Each arithmetic function is exact and rounds once, as `mode` says; it sets
// `flags` for its own result. Both are scratch, no guest state.
//
// A `mode` word has the rounding direction of softfloat.ts and one of the precisions below.
//
// Documents: [68881 UM §3, §4], IEEE 754-1985.
import { DIVIDE_BY_ZERO, INEXACT, INVALID, OVERFLOW, ROUND_DOWN, ROUND_NEAREST, ROUND_UP, ROUND_ZERO, UNDERFLOW } from './softfloat';

/** Precision and exponent range of binary32 and binary64; with neither, of the extended format. */
export const X80_SINGLE: u32 = 0x10;
export const X80_DOUBLE: u32 = 0x20;
/** The precision of binary32 with the exponent range of the extended format. */
export const X80_SINGLE_WIDE: u32 = 0x40;
const PRECISIONS: u32 = 0x70;

/** A signalling NaN was an operand; not part of INVALID. */
export const SIGNALLING: u32 = 0x100;

export const X80_NAN_HIGH: u32 = 0x7fff;
export const X80_NAN: u64 = 0xffff_ffff_ffff_ffff;
const QUIET: u64 = 0x4000_0000_0000_0000;
const TOP: u64 = 0x8000_0000_0000_0000;
const BIAS: i32 = 16383;

/** What the last function raised, and the sign and exponent of its result. */
export let x80Flags: u32 = 0;
export let x80High: u32 = 0;

export function clearX80Flags(): void {
  x80Flags = 0;
}

export function raiseX80(bits: u32): void {
  x80Flags |= bits;
}

// @ts-ignore: decorator
@inline
export function isX80Special(high: u32): bool {
  return (high & 0x7fff) == 0x7fff;
}

// @ts-ignore: decorator
@inline
export function isX80Nan(high: u32, m: u64): bool {
  return (high & 0x7fff) == 0x7fff && m << 1 != 0;
}

// @ts-ignore: decorator
@inline
export function isX80Signalling(high: u32, m: u64): bool {
  return isX80Nan(high, m) && (m & QUIET) == 0;
}

// @ts-ignore: decorator
@inline
export function isX80Infinity(high: u32, m: u64): bool {
  return (high & 0x7fff) == 0x7fff && m << 1 == 0;
}

// @ts-ignore: decorator
@inline
export function isX80Zero(high: u32, m: u64): bool {
  return m == 0 && (high & 0x7fff) != 0x7fff;
}

/** Leaves `high` and returns the mantissa. */
// @ts-ignore: decorator
@inline
export function x80(high: u32, m: u64): u64 {
  x80High = high;
  return m;
}

/** Exponent of a finite number as if normalized: the value is normalizedMantissa × 2^(this - 63). */
// @ts-ignore: decorator
@inline
function exponentOf(high: u32, m: u64): i32 {
  return <i32>(high & 0x7fff) - BIAS - <i32>clz<u64>(m);
}

// @ts-ignore: decorator
@inline
function mantissaOf(m: u64): u64 {
  return m << clz<u64>(m);
}

// @ts-ignore: decorator
@inline
function precisionBits(mode: u32): u64 {
  return (mode & (X80_SINGLE | X80_SINGLE_WIDE)) != 0 ? 24 : (mode & X80_DOUBLE) != 0 ? 53 : 64;
}

/** Does the part below the last place, `rest` of 2 × `half`, round the magnitude up? */
function roundsUp(mode: u32, sign: u32, odd: bool, above: bool, halfway: bool, any: bool): bool {
  switch (mode & 7) {
    case ROUND_NEAREST:
      return above || (halfway && odd);
    case ROUND_UP:
      return any && sign == 0;
    case ROUND_DOWN:
      return any && sign != 0;
    default:
      return false;
  }
}

/** Rounds sig.low × 2^(exp - 63), bit 63 of sig set; `low` is what follows sig, with a sticky last bit. */
export function roundX80(mode: u32, sign: u32, exp: i32, sig: u64, low: u64): u64 {
  const bits: u64 = precisionBits(mode);
  const minimum: i32 = (mode & X80_SINGLE) != 0 ? -126 : (mode & X80_DOUBLE) != 0 ? -1022 : -16383;
  const maximum: i32 = (mode & X80_SINGLE) != 0 ? 127 : (mode & X80_DOUBLE) != 0 ? 1023 : 16383;
  const tiny: bool = exp < minimum;
  if (tiny) {
    x80Flags |= UNDERFLOW;
    const shift: u32 = <u32>(minimum - exp);
    if (shift >= 128) {
      low = 1;
      sig = 0;
    } else if (shift >= 64) {
      low = (shift == 64 ? sig : sig >>> <u64>(shift - 64)) | u64(low != 0 || (shift != 64 && sig << <u64>(128 - shift) != 0));
      sig = 0;
    } else {
      low = (sig << <u64>(64 - shift)) | (low >>> <u64>shift) | u64(low << <u64>(64 - shift) != 0);
      sig >>>= <u64>shift;
    }
    exp = minimum;
  }
  const drop: u64 = 64 - bits;
  let up: bool = false;
  let any: bool = false;
  if (drop == 0) {
    any = low != 0;
    up = roundsUp(mode, sign, (sig & 1) != 0, low > TOP, low == TOP, any);
  } else {
    const below: u64 = sig & ((<u64>1 << drop) - 1);
    const half: u64 = <u64>1 << (drop - 1);
    any = below != 0 || low != 0;
    up = roundsUp(mode, sign, ((sig >>> drop) & 1) != 0, below > half || (below == half && low != 0), below == half && low == 0, any);
    sig -= below;
  }
  if (any) x80Flags |= INEXACT;
  if (up) {
    const unit: u64 = <u64>1 << drop;
    sig += unit;
    if (sig < unit) {
      sig = TOP;
      exp++;
    }
  }
  if (exp > maximum) {
    // Inexact only if places were lost: the accrued bit takes both.
    x80Flags |= OVERFLOW;
    const direction: u32 = mode & 7;
    if (direction == ROUND_ZERO || direction == (sign != 0 ? ROUND_UP : ROUND_DOWN)) {
      const largest: u64 = bits == 64 ? ~(<u64>0) : ~((<u64>1 << drop) - 1);
      return x80((sign << 15) | <u32>(maximum + BIAS), largest);
    }
    return x80((sign << 15) | 0x7fff, 0);
  }
  if (sig == 0) return x80(sign << 15, 0);
  // A number below the range of a shorter format is normal in this one.
  const zeros: i32 = <i32>clz<u64>(sig);
  const room: i32 = exp + BIAS;
  const left: i32 = min<i32>(zeros, room);
  return x80((sign << 15) | <u32>(room - left), sig << <u64>left);
}

/** A signalling NaN becomes a quiet one. */
function quieted(high: u32, m: u64): u64 {
  if ((m & QUIET) == 0) x80Flags |= SIGNALLING;
  return x80(high, m | QUIET);
}

/** The NaN of an operation with one operand or, as `a`, its destination; at least one is a NaN. */
function propagate(aHigh: u32, a: u64, bHigh: u32, b: u64): u64 {
  if (isX80Signalling(aHigh, a) || isX80Signalling(bHigh, b)) x80Flags |= SIGNALLING;
  if (isX80Nan(aHigh, a)) return x80(aHigh, a | QUIET);
  return x80(bHigh, b | QUIET);
}

export function invalidX80(): u64 {
  x80Flags |= INVALID;
  return x80(X80_NAN_HIGH, X80_NAN);
}

/** Rounds to the precision of `mode`. */
export function x80Round(mode: u32, high: u32, m: u64): u64 {
  x80Flags = 0;
  if (isX80Special(high)) return m << 1 == 0 ? x80(high, 0) : quieted(high, m);
  if (m == 0) return x80(high & 0x8000, 0);
  return roundX80(mode, high >>> 15, exponentOf(high, m), mantissaOf(m), 0);
}

/** destination + source. */
export function x80Add(mode: u32, aHigh: u32, a: u64, bHigh: u32, b: u64): u64 {
  x80Flags = 0;
  if (isX80Special(aHigh) || isX80Special(bHigh)) {
    if (isX80Nan(aHigh, a) || isX80Nan(bHigh, b)) return propagate(aHigh, a, bHigh, b);
    if (isX80Special(aHigh)) {
      if (isX80Special(bHigh) && ((aHigh ^ bHigh) & 0x8000) != 0) return invalidX80();
      return x80(aHigh, 0);
    }
    return x80(bHigh, 0);
  }
  const zeroSign: u32 = (mode & 7) == ROUND_DOWN ? 0x8000 : 0;
  if (a == 0 && b == 0) return x80(((aHigh ^ bHigh) & 0x8000) == 0 ? aHigh & 0x8000 : zeroSign, 0);
  if (b == 0) return roundX80(mode, aHigh >>> 15, exponentOf(aHigh, a), mantissaOf(a), 0);
  if (a == 0) return roundX80(mode, bHigh >>> 15, exponentOf(bHigh, b), mantissaOf(b), 0);
  let exp: i32 = exponentOf(aHigh, a);
  let other: i32 = exponentOf(bHigh, b);
  let x: u64 = mantissaOf(a);
  let y: u64 = mantissaOf(b);
  let sign: u32 = aHigh >>> 15;
  if (other > exp || (other == exp && y > x)) {
    const e: i32 = exp;
    exp = other;
    other = e;
    const t: u64 = x;
    x = y;
    y = t;
    sign = bHigh >>> 15;
  }
  const shift: u32 = <u32>(exp - other);
  let low: u64 = 0;
  if (shift >= 64) {
    low = shift == 64 ? y : shift < 128 ? (y >>> <u64>(shift - 64)) | u64(y << <u64>(128 - shift) != 0) : 1;
    y = 0;
  } else if (shift > 0) {
    low = y << <u64>(64 - shift);
    y >>>= <u64>shift;
  }
  if (((aHigh ^ bHigh) & 0x8000) == 0) {
    let sum: u64 = x + y;
    if (sum < x) {
      low = (low >>> 1) | (sum << 63) | (low & 1);
      sum = (sum >>> 1) | TOP;
      exp++;
    }
    return roundX80(mode, sign, exp, sum, low);
  }
  let difference: u64 = x - y - u64(low != 0);
  low = 0 - low;
  if (difference == 0) {
    if (low == 0) return x80(zeroSign, 0);
    difference = low;
    low = 0;
    exp -= 64;
  }
  const zeros: u64 = clz<u64>(difference);
  if (zeros != 0) {
    difference = (difference << zeros) | (low >>> (64 - zeros));
    low <<= zeros;
    exp -= <i32>zeros;
  }
  return roundX80(mode, sign, exp, difference, low);
}

/** destination - source. */
export function x80Sub(mode: u32, aHigh: u32, a: u64, bHigh: u32, b: u64): u64 {
  return x80Add(mode, aHigh, a, isX80Nan(bHigh, b) ? bHigh : bHigh ^ 0x8000, b);
}

let productHigh: u64 = 0;

function multiply(a: u64, b: u64): u64 {
  const a0: u64 = a & 0xffff_ffff;
  const a1: u64 = a >>> 32;
  const b0: u64 = b & 0xffff_ffff;
  const b1: u64 = b >>> 32;
  const middle: u64 = a1 * b0 + ((a0 * b0) >>> 32);
  const middle2: u64 = a0 * b1 + (middle & 0xffff_ffff);
  productHigh = a1 * b1 + (middle >>> 32) + (middle2 >>> 32);
  return a * b;
}

export function x80Mul(mode: u32, aHigh: u32, a: u64, bHigh: u32, b: u64): u64 {
  x80Flags = 0;
  const sign: u32 = ((aHigh ^ bHigh) >>> 15) & 1;
  if (isX80Special(aHigh) || isX80Special(bHigh)) {
    if (isX80Nan(aHigh, a) || isX80Nan(bHigh, b)) return propagate(aHigh, a, bHigh, b);
    if (isX80Zero(aHigh, a) || isX80Zero(bHigh, b)) return invalidX80();
    return x80((sign << 15) | 0x7fff, 0);
  }
  if (a == 0 || b == 0) return x80(sign << 15, 0);
  let exp: i32 = exponentOf(aHigh, a) + exponentOf(bHigh, b) + 1;
  let low: u64 = multiply(mantissaOf(a), mantissaOf(b));
  let sig: u64 = productHigh;
  if (<i64>sig >= 0) {
    sig = (sig << 1) | (low >>> 63);
    low <<= 1;
    exp--;
  }
  return roundX80(mode, sign, exp, sig, low);
}

/** destination ÷ source. */
export function x80Div(mode: u32, aHigh: u32, a: u64, bHigh: u32, b: u64): u64 {
  x80Flags = 0;
  const sign: u32 = ((aHigh ^ bHigh) >>> 15) & 1;
  if (isX80Special(aHigh) || isX80Special(bHigh)) {
    if (isX80Nan(aHigh, a) || isX80Nan(bHigh, b)) return propagate(aHigh, a, bHigh, b);
    if (isX80Special(aHigh)) return isX80Special(bHigh) ? invalidX80() : x80((sign << 15) | 0x7fff, 0);
    return x80(sign << 15, 0);
  }
  if (b == 0) {
    if (a == 0) return invalidX80();
    x80Flags |= DIVIDE_BY_ZERO;
    return x80((sign << 15) | 0x7fff, 0);
  }
  if (a == 0) return x80(sign << 15, 0);
  let exp: i32 = exponentOf(aHigh, a) - exponentOf(bHigh, b);
  let rest: u64 = mantissaOf(a);
  const divisor: u64 = mantissaOf(b);
  let carry: bool = false;
  if (rest < divisor) {
    carry = (rest >>> 63) != 0;
    rest <<= 1;
    exp--;
  }
  let quotient: u64 = 0;
  for (let i: u32 = 0; i < 64; i++) {
    quotient <<= 1;
    if (carry || rest >= divisor) {
      rest -= divisor;
      quotient |= 1;
    }
    carry = (rest >>> 63) != 0;
    rest <<= 1;
  }
  // What is left, doubled, against the divisor says where the rest lies.
  let low: u64 = 0;
  if (carry || rest > divisor) low = TOP | 1;
  else if (rest == divisor) low = TOP;
  else if (rest != 0) low = 1;
  return roundX80(mode, sign, exp, quotient, low);
}

export function x80Sqrt(mode: u32, high: u32, m: u64): u64 {
  x80Flags = 0;
  if (isX80Nan(high, m)) return quieted(high, m);
  if (isX80Zero(high, m)) return x80(high & 0x8000, 0);
  if ((high & 0x8000) != 0) return invalidX80();
  if (isX80Special(high)) return x80(high, 0);
  let exp: i32 = exponentOf(high, m);
  // The radicand in [1, 4): 64 bits after the point of the root, two bits of the radicand for each.
  let top: u64 = mantissaOf(m);
  let bottom: u64 = 0;
  if ((exp & 1) == 0) {
    bottom = top << 63;
    top >>>= 1;
  } else {
    exp--;
  }
  let root: u64 = 0;
  let restHigh: u64 = 0;
  let rest: u64 = 0;
  for (let i: u32 = 0; i < 64; i++) {
    restHigh = (restHigh << 2) | (rest >>> 62);
    rest = (rest << 2) | (top >>> 62);
    top = (top << 2) | (bottom >>> 62);
    bottom <<= 2;
    const trialHigh: u64 = root >>> 62;
    const trial: u64 = (root << 2) | 1;
    root <<= 1;
    if (restHigh > trialHigh || (restHigh == trialHigh && rest >= trial)) {
      restHigh -= trialHigh + u64(rest < trial);
      rest -= trial;
      root |= 1;
    }
  }
  // The rest against the root: more than half a unit or not; it cannot be exactly half.
  const low: u64 = restHigh != 0 || rest > root ? TOP | 1 : rest != 0 ? 1 : 0;
  return roundX80(mode, 0, exp >> 1, root, low);
}

// --- Integers

/** Rounds to an integral number of the same format. */
export function x80RoundToInt(mode: u32, high: u32, m: u64): u64 {
  x80Flags = 0;
  if (isX80Special(high)) return m << 1 == 0 ? x80(high, 0) : quieted(high, m);
  if (m == 0) return x80(high & 0x8000, 0);
  const exp: i32 = exponentOf(high, m);
  const sig: u64 = mantissaOf(m);
  const sign: u32 = high >>> 15;
  if (exp >= 63) return x80((sign << 15) | <u32>(exp + BIAS), sig);
  const magnitude: u64 = integerOf(mode, sign, exp, sig);
  if (magnitude == 0) return x80(sign << 15, 0);
  const zeros: u64 = clz<u64>(magnitude);
  return x80((sign << 15) | <u32>(63 - <i32>zeros + BIAS), magnitude << zeros);
}

/** The magnitude rounded to an integer; exp < 63. */
function integerOf(mode: u32, sign: u32, exp: i32, sig: u64): u64 {
  const integer: u64 = exp < 0 ? 0 : sig >>> <u64>(63 - exp);
  const rest: u64 = exp < -1 ? 1 : sig << <u64>(exp + 1);
  if (rest == 0) return integer;
  x80Flags |= INEXACT;
  return integer + u64(roundsUp(mode, sign, (integer & 1) != 0, rest > TOP, rest == TOP, true));
}

/** To an integer of `bits` bits, sign-extended; the largest of its sign, with INVALID, when there is none. */
export function x80ToInt(mode: u32, bits: u32, high: u32, m: u64): i32 {
  x80Flags = 0;
  const largest: u64 = (<u64>1 << <u64>(bits - 1)) - 1;
  const sign: u32 = high >>> 15;
  if (isX80Nan(high, m)) {
    if ((m & QUIET) == 0) x80Flags |= SIGNALLING;
    x80Flags |= INVALID;
    // The most significant bits of the mantissa.
    return <i32>((m | QUIET) >>> 32) >> (32 - bits);
  }
  if (isX80Zero(high, m)) return 0;
  if (!isX80Special(high)) {
    const exp: i32 = exponentOf(high, m);
    if (exp < 32) {
      const magnitude: u64 = integerOf(mode, sign, exp, mantissaOf(m));
      if (magnitude <= largest + <u64>sign) return <i32>(sign != 0 ? 0 - magnitude : magnitude);
    }
  }
  x80Flags = INVALID;
  return sign != 0 ? -<i32>largest - 1 : <i32>largest;
}

export function x80FromInt(value: i32): u64 {
  if (value == 0) return x80(0, 0);
  const magnitude: u64 = <u64>(value < 0 ? -(<i64>value) : <i64>value);
  const zeros: u64 = clz<u64>(magnitude);
  return x80((value < 0 ? 0x8000 : 0) | <u32>(BIAS + 63 - <i32>zeros), magnitude << zeros);
}

// --- Shorter formats

export function x80FromF32(a: u32): u64 {
  const sign: u32 = (a >>> 16) & 0x8000;
  const exp: u32 = (a >>> 23) & 0xff;
  const fraction: u64 = <u64>(a & 0x7f_ffff) << 40;
  if (exp == 0xff) return x80(sign | 0x7fff, fraction == 0 ? 0 : fraction | TOP);
  if (exp != 0) return x80(sign | (exp - 127 + <u32>BIAS), fraction | TOP);
  if (fraction == 0) return x80(sign, 0);
  const zeros: u64 = clz<u64>(fraction);
  return x80(sign | <u32>(BIAS - 126 - <i32>zeros), fraction << zeros);
}

export function x80FromF64(a: u64): u64 {
  const sign: u32 = <u32>(a >>> 48) & 0x8000;
  const exp: u32 = <u32>(a >>> 52) & 0x7ff;
  const fraction: u64 = (a & 0x000f_ffff_ffff_ffff) << 11;
  if (exp == 0x7ff) return x80(sign | 0x7fff, fraction == 0 ? 0 : fraction | TOP);
  if (exp != 0) return x80(sign | (exp - 1023 + <u32>BIAS), fraction | TOP);
  if (fraction == 0) return x80(sign, 0);
  const zeros: u64 = clz<u64>(fraction);
  return x80(sign | <u32>(BIAS - 1022 - <i32>zeros), fraction << zeros);
}

export function x80ToF32(mode: u32, high: u32, m: u64): u32 {
  const sign: u32 = (high & 0x8000) << 16;
  if (isX80Special(high)) {
    x80Flags = 0;
    if (m << 1 == 0) return sign | 0x7f80_0000;
    m = quieted(high, m);
    return sign | 0x7f80_0000 | (<u32>(m >>> 40) & 0x7f_ffff);
  }
  const r: u64 = x80Round((mode & ~PRECISIONS) | X80_SINGLE, high, m);
  const exp: i32 = <i32>(x80High & 0x7fff) - BIAS;
  if (isX80Special(x80High)) return sign | 0x7f80_0000;
  if (r == 0) return sign;
  if (exp < -126) return sign | <u32>(r >>> <u64>(40 - 126 - exp));
  return sign | (<u32>(exp + 127) << 23) | (<u32>(r >>> 40) & 0x7f_ffff);
}

export function x80ToF64(mode: u32, high: u32, m: u64): u64 {
  const sign: u64 = <u64>(high & 0x8000) << 48;
  if (isX80Special(high)) {
    x80Flags = 0;
    if (m << 1 == 0) return sign | 0x7ff0_0000_0000_0000;
    m = quieted(high, m);
    return sign | 0x7ff0_0000_0000_0000 | ((m >>> 11) & 0x000f_ffff_ffff_ffff);
  }
  const r: u64 = x80Round((mode & ~PRECISIONS) | X80_DOUBLE, high, m);
  const exp: i32 = <i32>(x80High & 0x7fff) - BIAS;
  if (isX80Special(x80High)) return sign | 0x7ff0_0000_0000_0000;
  if (r == 0) return sign;
  if (exp < -1022) return sign | (r >>> <u64>(11 - 1022 - exp));
  return sign | (<u64>(exp + 1023) << 52) | ((r >>> 11) & 0x000f_ffff_ffff_ffff);
}

// --- Remainders and scaling

/** Low bits of the last remainder's quotient. */
export let x80Quotient: u32 = 0;

/** destination - source × n, n being the quotient rounded to the nearest (FREM) or towards zero (FMOD). */
export function x80Remainder(mode: u32, aHigh: u32, a: u64, bHigh: u32, b: u64, nearest: bool): u64 {
  x80Flags = 0;
  x80Quotient = 0;
  const sign: u32 = aHigh >>> 15;
  if (isX80Nan(aHigh, a) || isX80Nan(bHigh, b)) return propagate(aHigh, a, bHigh, b);
  if (isX80Special(aHigh) || isX80Zero(bHigh, b)) return invalidX80();
  if (isX80Zero(aHigh, a)) return x80(aHigh & 0x8000, 0);
  if (isX80Special(bHigh)) return x80Round(mode, aHigh, a);
  let exp: i32 = exponentOf(aHigh, a);
  const by: i32 = exponentOf(bHigh, b);
  let rest: u64 = mantissaOf(a);
  const divisor: u64 = mantissaOf(b);
  let quotient: u32 = 0;
  let negative: bool = false;
  if (exp < by - 1) return x80Round(mode, aHigh, a);
  if (exp < by) {
    // Less than the divisor: the nearest quotient is 0 or 1.
    if (nearest && rest > divisor) {
      // divisor - rest/2, at the scale of `exp`.
      return x80Sub(mode, aHigh, a, (bHigh & 0x7fff) | (sign << 15), (x80Quotient = 1, b));
    }
    return x80Round(mode, aHigh, a);
  }
  let carry: bool = false;
  for (let left: i32 = exp - by; left >= 0; left--) {
    quotient <<= 1;
    if (carry || rest >= divisor) {
      rest -= divisor;
      quotient |= 1;
    }
    if (left > 0) {
      carry = (rest >>> 63) != 0;
      rest <<= 1;
    }
  }
  if (nearest) {
    const twiceOver: bool = (rest >>> 63) != 0;
    const twice: u64 = rest << 1;
    if (twiceOver || twice > divisor || (twice == divisor && (quotient & 1) != 0)) {
      rest = divisor - rest;
      negative = true;
      quotient++;
    }
  }
  x80Quotient = quotient & 0x7f;
  if (rest == 0) return x80(sign << 15, 0);
  const zeros: u64 = clz<u64>(rest);
  return roundX80(mode, negative ? sign ^ 1 : sign, by - <i32>zeros, rest << zeros, 0);
}

/** destination × 2^source, the source's fraction cut off. */
export function x80Scale(mode: u32, aHigh: u32, a: u64, bHigh: u32, b: u64): u64 {
  x80Flags = 0;
  if (isX80Nan(aHigh, a) || isX80Nan(bHigh, b)) return propagate(aHigh, a, bHigh, b);
  if (isX80Special(bHigh)) return invalidX80();
  if (isX80Special(aHigh)) return x80(aHigh, 0);
  if (a == 0) return x80(aHigh & 0x8000, 0);
  let by: i32 = 0;
  if (b != 0) {
    const exp: i32 = exponentOf(bHigh, b);
    by = exp < 0 ? 0 : exp > 15 ? 0x1_0000 : <i32>(mantissaOf(b) >>> <u64>(63 - exp));
    if ((bHigh & 0x8000) != 0) by = -by;
  }
  return roundX80(mode, aHigh >>> 15, exponentOf(aHigh, a) + by, mantissaOf(a), 0);
}

export function x80GetExp(mode: u32, high: u32, m: u64): u64 {
  x80Flags = 0;
  if (isX80Nan(high, m)) return quieted(high, m);
  if (isX80Special(high)) return invalidX80();
  if (m == 0) return x80(high & 0x8000, 0);
  return x80FromInt(exponentOf(high, m));
}

export function x80GetMan(mode: u32, high: u32, m: u64): u64 {
  x80Flags = 0;
  if (isX80Nan(high, m)) return quieted(high, m);
  if (isX80Special(high)) return invalidX80();
  if (m == 0) return x80(high & 0x8000, 0);
  return x80((high & 0x8000) | <u32>BIAS, mantissaOf(m));
}

// Relations, as x80Compare returns them: bits of the FPSR's condition code byte.
export const X80_NAN_CC: u32 = 1;
export const X80_INFINITY_CC: u32 = 2;
export const X80_ZERO_CC: u32 = 4;
export const X80_NEGATIVE_CC: u32 = 8;

/** Condition code of destination - source, without computing it. */
export function x80Compare(aHigh: u32, a: u64, bHigh: u32, b: u64): u32 {
  x80Flags = 0;
  if (isX80Nan(aHigh, a) || isX80Nan(bHigh, b)) {
    propagate(aHigh, a, bHigh, b);
    return X80_NAN_CC;
  }
  const aNegative: bool = (aHigh & 0x8000) != 0;
  const bNegative: bool = (bHigh & 0x8000) != 0;
  const aZero: bool = isX80Zero(aHigh, a);
  if (aZero && isX80Zero(bHigh, b)) return X80_ZERO_CC | (aNegative ? X80_NEGATIVE_CC : 0);
  if (aNegative != bNegative) return aNegative ? X80_NEGATIVE_CC : 0;
  const order: i32 = compareMagnitudes(aHigh, a, bHigh, b);
  if (order == 0) return X80_ZERO_CC | (aNegative && isX80Special(aHigh) ? X80_NEGATIVE_CC : 0);
  return order < 0 != aNegative ? X80_NEGATIVE_CC : 0;
}

function compareMagnitudes(aHigh: u32, a: u64, bHigh: u32, b: u64): i32 {
  if (isX80Special(aHigh) || isX80Special(bHigh)) return <i32>isX80Special(aHigh) - <i32>isX80Special(bHigh);
  if (a == 0 || b == 0) return <i32>(a != 0) - <i32>(b != 0);
  const e: i32 = exponentOf(aHigh, a) - exponentOf(bHigh, b);
  if (e != 0) return e;
  const x: u64 = mantissaOf(a);
  const y: u64 = mantissaOf(b);
  return x > y ? 1 : x < y ? -1 : 0;
}
