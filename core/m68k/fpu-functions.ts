// SPDX-License-Identifier: MIT
//
// The transcendental functions of the 68881, in numbers of 128 bits, so that results are right to the last bit but for
// cases within 2^-50 or so of half a unit. (The chip's own are less exact; nothing depends on how.)
import { DIVIDE_BY_ZERO, INVALID } from '../common/softfloat';
import {
  SIGNALLING,
  clearX80Flags,
  invalidX80,
  isX80Nan,
  isX80Special,
  raiseX80,
  roundX80,
  x80,
  x80High,
  x80Remainder,
  x80Round,
  x80Sqrt,
} from '../common/softfloat-x80';

// A wide number in a slot of 32 bytes: sign (u32), exponent (i32), mantissa (two u64, normalized; 0: zero).
const SLOT: u32 = 32;

// @ts-ignore: decorator
@lazy
const SLOTS: usize = memory.data(1024, 8);

// @ts-ignore: decorator
@inline
function slot(n: u32): usize {
  return SLOTS + n * SLOT;
}

// @ts-ignore: decorator
@inline
function hi(a: usize): u64 {
  return load<u64>(a, 8);
}

// @ts-ignore: decorator
@inline
function lo(a: usize): u64 {
  return load<u64>(a, 16);
}

// @ts-ignore: decorator
@inline
function exponent(a: usize): i32 {
  return load<i32>(a, 4);
}

// @ts-ignore: decorator
@inline
function sign(a: usize): u32 {
  return load<u32>(a);
}

// @ts-ignore: decorator
@inline
function put(a: usize, s: u32, e: i32, h: u64, l: u64): void {
  store<u32>(a, s);
  store<i32>(a, e, 4);
  store<u64>(a, h, 8);
  store<u64>(a, l, 16);
}

function copy(to: usize, from: usize): void {
  put(to, sign(from), exponent(from), hi(from), lo(from));
}

function negate(a: usize): void {
  store<u32>(a, sign(a) ^ 1);
}

function normalize(a: usize, s: u32, e: i32, h: u64, l: u64): void {
  if (h == 0) {
    if (l == 0) {
      put(a, 0, 0, 0, 0);
      return;
    }
    h = l;
    l = 0;
    e -= 64;
  }
  const zeros: u64 = clz<u64>(h);
  if (zeros != 0) {
    h = (h << zeros) | (l >>> (64 - zeros));
    l <<= zeros;
  }
  put(a, s, e - <i32>zeros, h, l);
}

function fromX80(a: usize, high: u32, m: u64): void {
  normalize(a, high >>> 15, <i32>(high & 0x7fff) - 16383, m, 0);
}

function fromInt(a: usize, value: i64): void {
  normalize(a, value < 0 ? 1 : 0, 63, <u64>(value < 0 ? -value : value), 0);
}

/** Multiplies by 2^n. */
function scale(a: usize, n: i32): void {
  if (hi(a) != 0) store<i32>(a, exponent(a) + n, 4);
}

function add(to: usize, a: usize, b: usize): void {
  if (hi(b) == 0) {
    copy(to, a);
    return;
  }
  if (hi(a) == 0) {
    copy(to, b);
    return;
  }
  if (exponent(b) > exponent(a) || (exponent(b) == exponent(a) && (hi(b) > hi(a) || (hi(b) == hi(a) && lo(b) > lo(a))))) {
    const t: usize = a;
    a = b;
    b = t;
  }
  const shift: u64 = <u64>(exponent(a) - exponent(b));
  let h: u64 = hi(b);
  let l: u64 = lo(b);
  if (shift >= 128) {
    copy(to, a);
    return;
  }
  if (shift >= 64) {
    l = h >>> (shift - 64);
    h = 0;
  } else if (shift > 0) {
    l = (l >>> shift) | (h << (64 - shift));
    h >>>= shift;
  }
  const e: i32 = exponent(a);
  const s: u32 = sign(a);
  const x: u64 = hi(a);
  const y: u64 = lo(a);
  if (s == sign(b)) {
    const low: u64 = y + l;
    const part: u64 = x + h;
    const sum: u64 = part + u64(low < y);
    if (part < x || sum < part) put(to, s, e + 1, (sum >>> 1) | 0x8000_0000_0000_0000, (low >>> 1) | (sum << 63));
    else put(to, s, e, sum, low);
    return;
  }
  normalize(to, s, e, x - h - u64(y < l), y - l);
}

function sub(to: usize, a: usize, b: usize): void {
  const t: usize = slot(31);
  copy(t, b);
  negate(t);
  add(to, a, t);
}

let productHigh: u64 = 0;

function multiply64(a: u64, b: u64): u64 {
  const a0: u64 = a & 0xffff_ffff;
  const a1: u64 = a >>> 32;
  const b0: u64 = b & 0xffff_ffff;
  const b1: u64 = b >>> 32;
  const middle: u64 = a1 * b0 + ((a0 * b0) >>> 32);
  const middle2: u64 = a0 * b1 + (middle & 0xffff_ffff);
  productHigh = a1 * b1 + (middle >>> 32) + (middle2 >>> 32);
  return a * b;
}

function mul(to: usize, a: usize, b: usize): void {
  if (hi(a) == 0 || hi(b) == 0) {
    put(to, 0, 0, 0, 0);
    return;
  }
  const s: u32 = sign(a) ^ sign(b);
  const e: i32 = exponent(a) + exponent(b) + 1;
  multiply64(hi(a), lo(b));
  const first: u64 = productHigh;
  multiply64(lo(a), hi(b));
  const second: u64 = productHigh;
  let l: u64 = multiply64(hi(a), hi(b));
  let h: u64 = productHigh;
  l += first;
  h += u64(l < first);
  l += second;
  h += u64(l < second);
  normalize(to, s, e, h, l);
}

/** Divides by a small integer. */
function divSmall(to: usize, a: usize, by: u32): void {
  if (hi(a) == 0) {
    put(to, 0, 0, 0, 0);
    return;
  }
  const d: u64 = <u64>by;
  let rest: u64 = 0;
  let h: u64 = 0;
  let l: u64 = 0;
  // 32 bits of quotient at a time, and 32 more than there are.
  let x: u64 = hi(a) >>> 32;
  h = (x / d) << 32;
  rest = x % d;
  x = (rest << 32) | (hi(a) & 0xffff_ffff);
  h |= x / d;
  rest = x % d;
  x = (rest << 32) | (lo(a) >>> 32);
  l = (x / d) << 32;
  rest = x % d;
  x = (rest << 32) | (lo(a) & 0xffff_ffff);
  l |= x / d;
  rest = x % d;
  const extra: u64 = (rest << 32) / d;
  const zeros: u64 = h == 0 ? 0 : clz<u64>(h);
  if (zeros != 0 && zeros <= 32) {
    h = (h << zeros) | (l >>> (64 - zeros));
    l = (l << zeros) | (extra >>> (32 - zeros));
    put(to, sign(a), exponent(a) - <i32>zeros, h, l);
  } else {
    normalize(to, sign(a), exponent(a), h, l);
  }
}

/** Bit by bit. */
function div(to: usize, a: usize, b: usize): void {
  if (hi(a) == 0) {
    put(to, 0, 0, 0, 0);
    return;
  }
  const s: u32 = sign(a) ^ sign(b);
  let e: i32 = exponent(a) - exponent(b);
  let h: u64 = hi(a);
  let l: u64 = lo(a);
  const dh: u64 = hi(b);
  const dl: u64 = lo(b);
  let carry: bool = false;
  if (h < dh || (h == dh && l < dl)) {
    carry = (h >>> 63) != 0;
    h = (h << 1) | (l >>> 63);
    l <<= 1;
    e--;
  }
  let qh: u64 = 0;
  let ql: u64 = 0;
  for (let i: u32 = 0; i < 128; i++) {
    qh = (qh << 1) | (ql >>> 63);
    ql <<= 1;
    if (carry || h > dh || (h == dh && l >= dl)) {
      h = h - dh - u64(l < dl);
      l -= dl;
      ql |= 1;
    }
    carry = (h >>> 63) != 0;
    h = (h << 1) | (l >>> 63);
    l <<= 1;
  }
  put(to, s, e, qh, ql);
}

/** By Newton from the root of 64 bits. */
function sqrt(to: usize, a: usize): void {
  if (hi(a) == 0) {
    put(to, 0, 0, 0, 0);
    return;
  }
  const half: i32 = exponent(a) >> 1;
  const root: u64 = x80Sqrt(0, <u32>(16383 + exponent(a) - (half << 1)), hi(a));
  const y: usize = slot(29);
  const t: usize = slot(30);
  fromX80(y, x80High, root);
  scale(y, half);
  div(t, a, y);
  add(to, y, t);
  scale(to, -1);
}

// --- Constants

function ln2(a: usize): void {
  put(a, 0, -1, 0xb172_17f7_d1cf_79ab, 0xc9e3_b398_03f2_f6af);
}

function ln10(a: usize): void {
  put(a, 0, 1, 0x935d_8ddd_aaa8_ac16, 0xea56_d62b_82d3_0a29);
}

function log2e(a: usize): void {
  put(a, 0, 0, 0xb8aa_3b29_5c17_f0bb, 0xbe87_fed0_691d_3e89);
}

function log10e(a: usize): void {
  put(a, 0, -2, 0xde5b_d8a9_3728_7195, 0x355b_aaaf_ad33_dc32);
}

function halfPi(a: usize): void {
  put(a, 0, 0, 0xc90f_daa2_2168_c234, 0xc4c6_628b_80dc_1cd1);
}

function twoOverPi(a: usize): void {
  put(a, 0, -1, 0xa2f9_836e_4e44_1529, 0xfc27_57d1_f534_ddc0);
}

/** The nearest integer to a number below 2^63. */
function nearest(a: usize): i64 {
  if (hi(a) == 0 || exponent(a) < -1) return 0;
  const e: i32 = exponent(a);
  const integer: u64 = e < 0 ? 0 : hi(a) >>> <u64>(63 - e);
  const half: u64 = e == 63 ? lo(a) >>> 63 : (hi(a) >>> <u64>(62 - e)) & 1;
  const value: i64 = <i64>(integer + half);
  return sign(a) != 0 ? -value : value;
}

// --- Series

/** Whether adding `term` would still change `sum`. */
// @ts-ignore: decorator
@inline
function matters(sum: usize, term: usize): bool {
  return hi(term) != 0 && (hi(sum) == 0 || exponent(term) > exponent(sum) - 130);
}

/** x + x²/2! + x³/3! + …, for small x. */
function expm1Series(to: usize, x: usize): void {
  const term: usize = slot(24);
  copy(term, x);
  copy(to, x);
  for (let n: u32 = 2; n < 80; n++) {
    mul(term, term, x);
    divSmall(term, term, n);
    if (!matters(to, term)) break;
    add(to, to, term);
  }
}

/** x ± x³/3 + x⁵/5 ± …: arctangent with `alternate`, else its hyperbolic relative. */
function atanSeries(to: usize, x: usize, alternate: bool): void {
  const power: usize = slot(24);
  const term: usize = slot(25);
  const square: usize = slot(26);
  mul(square, x, x);
  if (alternate) negate(square);
  copy(power, x);
  copy(to, x);
  for (let n: u32 = 3; n < 200; n += 2) {
    mul(power, power, square);
    divSmall(term, power, n);
    if (!matters(to, term)) break;
    add(to, to, term);
  }
}

/** Every other term of the exponential series from `first` on: sine and cosine when `alternate`, else hyperbolic. */
function oddEvenSeries(to: usize, x: usize, odd: bool, alternate: bool): void {
  const term: usize = slot(24);
  const square: usize = slot(26);
  mul(square, x, x);
  if (alternate) negate(square);
  if (odd) copy(term, x);
  else fromInt(term, 1);
  copy(to, term);
  for (let n: u32 = odd ? 2 : 1; n < 120; n += 2) {
    mul(term, term, square);
    divSmall(term, term, n * (n + 1));
    if (!matters(to, term)) break;
    add(to, to, term);
  }
}

/** e^(x) where x = k ln 2 + r: 2^k (1 + expm1Series(r)). */
/** The number next to ±1, on the side away from zero or towards it. */
function besideOne(a: usize, s: u32, beyond: bool): void {
  if (beyond) put(a, s, 0, 0x8000_0000_0000_0000, 1);
  else put(a, s, -1, ~(<u64>0), ~(<u64>0));
}

function expReduced(to: usize, r: usize, k: i32): void {
  const one: usize = slot(27);
  expm1Series(to, r);
  fromInt(one, 1);
  add(to, to, one);
  // So small an r leaves no trace but for directed rounding.
  if (isOne(to) && hi(r) != 0) besideOne(to, 0, sign(r) == 0);
  scale(to, k);
}

function exp(to: usize, x: usize): void {
  const t: usize = slot(22);
  const c: usize = slot(23);
  if (exponent(x) >= 20 && hi(x) != 0) {
    put(to, 0, sign(x) != 0 ? -2_000_000 : 2_000_000, 0x8000_0000_0000_0000, 1);
    return;
  }
  log2e(c);
  mul(t, x, c);
  const k: i64 = nearest(t);
  fromInt(t, k);
  ln2(c);
  mul(t, t, c);
  sub(t, x, t);
  expReduced(to, t, <i32>k);
}

/** The natural logarithm of a positive number. */
function ln(to: usize, x: usize): void {
  const m: usize = slot(20);
  const s: usize = slot(21);
  const one: usize = slot(22);
  let e: i32 = exponent(x);
  copy(m, x);
  store<i32>(m, 0, 4);
  // Between the roots of 1/2 and 2.
  if (hi(m) > 0xb504_f333_f9de_6484) {
    store<i32>(m, -1, 4);
    e++;
  }
  fromInt(one, 1);
  sub(s, m, one);
  add(m, m, one);
  div(s, s, m);
  atanSeries(to, s, false);
  scale(to, 1);
  if (e != 0) {
    fromInt(s, <i64>e);
    ln2(m);
    mul(s, s, m);
    add(to, to, s);
  }
}

/** Arctangent of any number. */
function atan(to: usize, x: usize): void {
  const t: usize = slot(16);
  const r: usize = slot(17);
  const one: usize = slot(18);
  const s: u32 = sign(x);
  if (hi(x) == 0) {
    put(to, 0, 0, 0, 0);
    return;
  }
  fromInt(one, 1);
  copy(t, x);
  store<u32>(t, 0);
  const inverse: bool = exponent(t) >= 0;
  if (inverse) div(t, one, t);
  // tan(a/2) = tan a / (1 + √(1 + tan² a))
  let halvings: i32 = 0;
  while (hi(t) != 0 && exponent(t) > -4) {
    mul(r, t, t);
    add(r, r, one);
    sqrt(r, r);
    add(r, r, one);
    div(t, t, r);
    halvings++;
  }
  atanSeries(r, t, true);
  scale(r, halvings);
  if (inverse) {
    halfPi(t);
    sub(r, t, r);
  }
  copy(to, r);
  store<u32>(to, s);
}

/** Subtracts the nearest multiple of π/2; the multiple's last two bits. x is below 2^62. */
function reduce(to: usize, x: usize): u32 {
  const t: usize = slot(16);
  const c: usize = slot(17);
  const q: usize = slot(18);
  twoOverPi(c);
  mul(t, x, c);
  const k: i64 = nearest(t);
  fromInt(q, k);
  // π/2 in parts, so that the first product is exact.
  put(c, 0, 0, 0xc90f_daa2_2168_c234, 0);
  mul(t, q, c);
  sub(to, x, t);
  put(c, 0, -64, 0xc4c6_628b_80dc_1cd1, 0x2902_4e08_8a67_cc74);
  mul(t, q, c);
  sub(to, to, t);
  return <u32>k & 3;
}

/** Sine and cosine of an operand: slots 0 and 1. */
function sinCos(high: u32, m: u64): void {
  const x: usize = slot(2);
  const r: usize = slot(3);
  if ((high & 0x7fff) >= 16383 + 61) {
    // Far out, the operand's own unit is larger than the period.
    m = x80Remainder(0, high, m, 16383 + 2, 0xc90f_daa2_2168_c235, true);
    high = x80High;
  }
  fromX80(x, high, m);
  const quadrant: u32 = reduce(r, x);
  const sine: usize = (quadrant & 1) == 0 ? slot(0) : slot(1);
  const cosine: usize = (quadrant & 1) == 0 ? slot(1) : slot(0);
  oddEvenSeries(sine, r, true, true);
  oddEvenSeries(cosine, r, false, true);
  if (quadrant == 1 || quadrant == 2) negate(slot(1));
  if (quadrant >= 2) negate(slot(0));
}

// --- The instructions

export function isTranscendental(op: u32): bool {
  switch (op) {
    case 0x02:
    case 0x06:
    case 0x08:
    case 0x09:
    case 0x0a:
    case 0x0c:
    case 0x0d:
    case 0x0e:
    case 0x0f:
    case 0x10:
    case 0x11:
    case 0x12:
    case 0x14:
    case 0x15:
    case 0x16:
    case 0x19:
    case 0x1c:
    case 0x1d:
      return true;
    default:
      return false;
  }
}

/** Rounds a wide number, which is never exactly representable but when `exact`. */
function deliver(mode: u32, a: usize, exact: bool): u64 {
  clearX80Flags();
  if (hi(a) == 0) return x80(sign(a) << 15, 0);
  return roundX80(mode, sign(a), exponent(a), hi(a), exact ? lo(a) : lo(a) | 1);
}

function quietNan(high: u32, m: u64): u64 {
  clearX80Flags();
  if ((m & 0x4000_0000_0000_0000) == 0) raiseX80(SIGNALLING);
  return x80(high, m | 0x4000_0000_0000_0000);
}

function infinity(negative: bool): u64 {
  return x80(negative ? 0xffff : 0x7fff, 0);
}

function divideByZero(negative: bool): u64 {
  raiseX80(DIVIDE_BY_ZERO);
  return infinity(negative);
}

/** What a function is at ±∞. */
function atInfinity(op: u32, mode: u32, negative: bool): u64 {
  clearX80Flags();
  const a: usize = slot(0);
  switch (op) {
    case 0x02: // FSINH
      return infinity(negative);
    case 0x19: // FCOSH
      return infinity(false);
    case 0x08: // FETOXM1
      if (negative) return roundX80(mode, 1, 0, 0x8000_0000_0000_0000, 0);
      return infinity(false);
    case 0x09: // FTANH
      return roundX80(mode, <u32>negative, 0, 0x8000_0000_0000_0000, 0);
    case 0x0a: // FATAN
      halfPi(a);
      store<u32>(a, <u32>negative);
      return deliver(mode, a, false);
    case 0x10:
    case 0x11:
    case 0x12:
      return negative ? x80(0, 0) : infinity(false);
    case 0x06:
    case 0x14:
    case 0x15:
    case 0x16:
      return negative ? invalidX80() : infinity(false);
    default:
      return invalidX80();
  }
}

/** What a function is at ±0. */
function atZero(op: u32, mode: u32, high: u32): u64 {
  clearX80Flags();
  switch (op) {
    case 0x10:
    case 0x11:
    case 0x12:
    case 0x19:
    case 0x1d:
      return x80(16383, 0x8000_0000_0000_0000);
    case 0x1c: {
      const a: usize = slot(0);
      halfPi(a);
      return deliver(mode, a, false);
    }
    case 0x14:
    case 0x15:
    case 0x16:
      return divideByZero(true);
    default:
      return x80(high & 0x8000, 0);
  }
}

/** Whether the operand is exactly ±1. */
// @ts-ignore: decorator
@inline
function isOne(a: usize): bool {
  return exponent(a) == 0 && hi(a) == 0x8000_0000_0000_0000 && lo(a) == 0;
}

export function transcendental(op: u32, mode: u32, high: u32, m: u64): u64 {
  if (isX80Nan(high, m)) return quietNan(high, m);
  if (isX80Special(high)) return atInfinity(op, mode, (high & 0x8000) != 0);
  if (m == 0) return atZero(op, mode, high);
  const x: usize = slot(4);
  const y: usize = slot(5);
  const t: usize = slot(6);
  const one: usize = slot(7);
  fromX80(x, high, m);
  fromInt(one, 1);
  const negative: bool = sign(x) != 0;
  clearX80Flags();
  // So near to zero that the function is its operand but for rounding. Two differ from it by its square.
  if (exponent(x) < -62) {
    switch (op) {
      case 0x06:
      case 0x08:
        if (exponent(x) < -70) return nearOperand(op, mode, x);
        break;
      case 0x02:
      case 0x09:
      case 0x0a:
      case 0x0c:
      case 0x0d:
      case 0x0e:
      case 0x0f:
        return nearOperand(op, mode, x);
      default:
    }
  }
  switch (op) {
    case 0x02: // FSINH
      if (exponent(x) < -1) {
        oddEvenSeries(y, x, true, false);
      } else {
        exp(y, x);
        div(t, one, y);
        sub(y, y, t);
        scale(y, -1);
      }
      break;
    case 0x19: // FCOSH
      if (exponent(x) < -60) {
        besideOne(y, 0, true);
      } else {
        exp(y, x);
        div(t, one, y);
        add(y, y, t);
        scale(y, -1);
      }
      break;
    case 0x09: // FTANH
      if (exponent(x) <= 5) oddEvenTangent(y, x);
      if (exponent(x) > 5 || isOne(y)) besideOne(y, sign(x), false);
      break;
    case 0x08: // FETOXM1
      if (exponent(x) < -1) {
        expm1Series(y, x);
      } else {
        exp(y, x);
        sub(y, y, one);
        if (negative && isOne(y)) besideOne(y, 1, false);
      }
      break;
    case 0x10: // FETOX
      exp(y, x);
      break;
    case 0x11: // FTWOTOX
      return powerOfTwo(mode, x);
    case 0x12: // FTENTOX
      tenToX(y, x);
      break;
    case 0x14: // FLOGN
    case 0x15: // FLOG10
    case 0x16: // FLOG2
      if (negative) return invalidX80();
      if (isOne(x)) return x80(0, 0);
      if (op == 0x16 && hi(x) == 0x8000_0000_0000_0000) {
        fromInt(y, <i64>exponent(x));
        return deliver(mode, y, true);
      }
      ln(y, x);
      if (op == 0x15) log10e(t);
      if (op == 0x16) log2e(t);
      if (op != 0x14) mul(y, y, t);
      break;
    case 0x06: // FLOGNP1
      if (negative && exponent(x) >= 0) return isOne(x) ? divideByZero(true) : invalidX80();
      if (exponent(x) < -2) {
        add(t, one, one);
        add(t, t, x);
        div(t, x, t);
        atanSeries(y, t, false);
        scale(y, 1);
      } else {
        add(t, one, x);
        copy(x, t);
        ln(y, x);
      }
      break;
    case 0x0d: // FATANH
      if (exponent(x) >= 0) return isOne(x) ? divideByZero(negative) : invalidX80();
      if (exponent(x) < -3) {
        atanSeries(y, x, false);
      } else {
        sub(t, one, x);
        add(y, one, x);
        div(t, y, t);
        ln(y, t);
        scale(y, -1);
      }
      break;
    case 0x0a: // FATAN
      atan(y, x);
      break;
    case 0x0c: // FASIN
      if (exponent(x) >= 0) {
        if (!isOne(x)) return invalidX80();
        halfPi(y);
        store<u32>(y, sign(x));
      } else {
        sub(t, one, x);
        add(y, one, x);
        mul(t, t, y);
        sqrt(t, t);
        div(t, x, t);
        atan(y, t);
      }
      break;
    case 0x1c: // FACOS
      if (exponent(x) >= 0) {
        if (!isOne(x)) return invalidX80();
        if (!negative) return x80(0, 0);
        halfPi(y);
        scale(y, 1);
      } else {
        sub(t, one, x);
        add(y, one, x);
        div(t, t, y);
        sqrt(t, t);
        atan(y, t);
        scale(y, 1);
      }
      break;
    case 0x0e: // FSIN
      sinCos(high, m);
      copy(y, slot(0));
      break;
    case 0x1d: // FCOS
      sinCos(high, m);
      copy(y, slot(1));
      if (isOne(y)) besideOne(y, sign(y), false);
      break;
    default: // FTAN
      sinCos(high, m);
      div(y, slot(0), slot(1));
  }
  return deliver(mode, y, false);
}

/** FSINCOS: the one or the other. */
export function transcendentalSinCos(mode: u32, high: u32, m: u64, cosine: bool): u64 {
  return transcendental(cosine ? 0x1d : 0x0e, mode, high, m);
}

/** An operand so small that f(x) = x (1 ± a very little): on which side, tells rounding. */
function nearOperand(op: u32, mode: u32, x: usize): u64 {
  const inward: bool = op == 0x06 ? sign(x) == 0 : op == 0x08 ? sign(x) != 0 : op == 0x09 || op == 0x0a || op == 0x0e;
  let h: u64 = hi(x);
  let e: i32 = exponent(x);
  if (!inward) return roundX80(mode, sign(x), e, h, 1);
  h--;
  if (<i64>h >= 0) {
    h = ~(<u64>0);
    e--;
  }
  return roundX80(mode, sign(x), e, h, ~(<u64>0));
}

/** tanh x = (e^2x - 1) / (e^2x + 1), without cancellation for small x. */
function oddEvenTangent(y: usize, x: usize): void {
  const a: usize = slot(8);
  const two: usize = slot(9);
  copy(a, x);
  scale(a, 1);
  fromInt(two, 2);
  if (exponent(a) < -1) {
    expm1Series(y, a);
  } else {
    const one: usize = slot(10);
    exp(y, a);
    fromInt(one, 1);
    sub(y, y, one);
  }
  add(a, y, two);
  div(y, y, a);
}

function powerOfTwo(mode: u32, x: usize): u64 {
  const r: usize = slot(8);
  const c: usize = slot(9);
  const y: usize = slot(10);
  if (exponent(x) >= 20) {
    put(y, 0, sign(x) != 0 ? -2_000_000 : 2_000_000, 0x8000_0000_0000_0000, 1);
    return deliver(mode, y, false);
  }
  const k: i64 = nearest(x);
  fromInt(r, k);
  sub(r, x, r);
  if (hi(r) == 0) {
    fromInt(y, 1);
    scale(y, <i32>k);
    return deliver(mode, y, true);
  }
  ln2(c);
  mul(r, r, c);
  expReduced(y, r, <i32>k);
  return deliver(mode, y, false);
}

function tenToX(y: usize, x: usize): void {
  const r: usize = slot(8);
  const c: usize = slot(9);
  if (exponent(x) >= 18) {
    exp(y, x);
    return;
  }
  ln10(c);
  mul(r, x, c);
  exp(y, r);
}
