// SPDX-License-Identifier: MIT
//
// Packed decimal numbers [68881 UM §3.2.4]: sign, sign of the exponent, three digits of exponent, 17 digits of mantissa
// with the point after the first. Both directions are exact in integers of many words, and round once.
//
//   word 0   SM SE y y | exponent, 3 digits | (4th digit, on overflow only) | ---- ---- | first digit
//   word 1   digits 15-8      word 2   digits 7-0
import { INEXACT, INVALID, ROUND_DOWN, ROUND_NEAREST, ROUND_UP } from '../common/softfloat';
import { SIGNALLING, X80_NAN_HIGH, clearX80Flags, isX80Special, raiseX80, roundX80, x80 } from '../common/softfloat-x80';

/** The words of the last packedFromX80. */
export let packedHigh: u32 = 0;
export let packedMiddle: u32 = 0;
export let packedLow: u32 = 0;

// --- Numbers of many words: a count of words, then the words, least significant first

const MOST_WORDS: u32 = 1152;
const NUMBER_BYTES: u32 = (MOST_WORDS + 1) * 4;

// @ts-ignore: decorator
@lazy
const NUMBERS: usize = memory.data(13836, 8);

// @ts-ignore: decorator
@inline
function numberAt(n: u32): usize {
  return NUMBERS + n * NUMBER_BYTES;
}

function trim(a: usize): void {
  let count: u32 = load<u32>(a);
  while (count > 0 && load<u32>(a + (count << 2)) == 0) count--;
  store<u32>(a, count);
}

function setNumber(a: usize, value: u64): void {
  store<u32>(a, 2);
  store<u32>(a, <u32>value, 4);
  store<u32>(a, <u32>(value >>> 32), 8);
  trim(a);
}

function multiplySmall(a: usize, by: u32): void {
  const count: u32 = load<u32>(a);
  let carry: u64 = 0;
  for (let i: u32 = 1; i <= count; i++) {
    const product: u64 = <u64>load<u32>(a + (i << 2)) * <u64>by + carry;
    store<u32>(a + (i << 2), <u32>product);
    carry = product >>> 32;
  }
  if (carry != 0) {
    store<u32>(a + ((count + 1) << 2), <u32>carry);
    store<u32>(a, count + 1);
  }
}

function multiplyPowerOfTen(a: usize, power: u32): void {
  for (; power >= 9; power -= 9) multiplySmall(a, 1_000_000_000);
  for (; power > 0; power--) multiplySmall(a, 10);
}

function shiftLeft(a: usize, bits: u32): void {
  const words: u32 = bits >>> 5;
  const count: u32 = load<u32>(a);
  if (count == 0) return;
  if (words != 0) {
    memory.copy(a + 4 + (words << 2), a + 4, count << 2);
    memory.fill(a + 4, 0, words << 2);
  }
  store<u32>(a, count + words);
  const rest: u32 = bits & 31;
  if (rest != 0) multiplySmall(a, 1 << rest);
}

function bitLength(a: usize): u32 {
  const count: u32 = load<u32>(a);
  return count == 0 ? 0 : (count << 5) - clz<u32>(load<u32>(a + (count << 2)));
}

function compare(a: usize, b: usize): i32 {
  const count: u32 = load<u32>(a);
  if (count != load<u32>(b)) return count > load<u32>(b) ? 1 : -1;
  for (let i: u32 = count; i > 0; i--) {
    const x: u32 = load<u32>(a + (i << 2));
    const y: u32 = load<u32>(b + (i << 2));
    if (x != y) return x > y ? 1 : -1;
  }
  return 0;
}

/** a -= b, which is not greater. */
function subtract(a: usize, b: usize): void {
  const count: u32 = load<u32>(a);
  const other: u32 = load<u32>(b);
  let borrow: u64 = 0;
  for (let i: u32 = 1; i <= count; i++) {
    const y: u64 = i <= other ? <u64>load<u32>(b + (i << 2)) : 0;
    const difference: u64 = <u64>load<u32>(a + (i << 2)) - y - borrow;
    store<u32>(a + (i << 2), <u32>difference);
    borrow = difference >>> 63;
  }
  trim(a);
}

/** Bit by bit: the integer a ÷ b, below 2^64; the remainder stays in a, and `divideSticky` says how it compares. */
let remainderOrder: i32 = 0; // of 2 × remainder with b, and -2 when it is 0
function divide(a: usize, b: usize, quotientBits: u32): u64 {
  let quotient: u64 = 0;
  // b is shifted up once and a catches up by doubling.
  shiftLeft(b, quotientBits - 1);
  for (let i: u32 = 0; i < quotientBits; i++) {
    quotient <<= 1;
    if (compare(a, b) >= 0) {
      subtract(a, b);
      quotient |= 1;
    }
    if (load<u32>(a) != 0) shiftLeft(a, 1);
  }
  remainderOrder = load<u32>(a) == 0 ? -2 : compare(a, b);
  return quotient;
}

// --- To binary

export function packedToX80(rounding: u32, first: u32, second: u32, third: u32): u64 {
  clearX80Flags();
  const sign: u32 = first >>> 31;
  if ((first & 0x7fff_0000) == 0x7fff_0000) {
    return x80((sign << 15) | X80_NAN_HIGH, (<u64>second << 32) | <u64>third);
  }
  let digits: u64 = <u64>(first & 15);
  const rest: u64 = (<u64>second << 32) | <u64>third;
  for (let shift: i32 = 60; shift >= 0; shift -= 4) digits = digits * 10 + ((rest >>> <u64>shift) & 15);
  let exponent: i32 = <i32>(((first >>> 24) & 15) * 100 + ((first >>> 20) & 15) * 10 + ((first >>> 16) & 15));
  if ((first & 0x4000_0000) != 0) exponent = -exponent;
  if (digits == 0) return x80(sign << 15, 0);
  exponent -= 16;
  const a: usize = numberAt(0);
  const b: usize = numberAt(1);
  setNumber(a, digits);
  setNumber(b, 1);
  if (exponent >= 0) multiplyPowerOfTen(a, <u32>exponent);
  else multiplyPowerOfTen(b, <u32>(-exponent));
  // A quotient of 64 or 65 bits, and what is left as sticky.
  let scale: i32 = 64 - (<i32>bitLength(a) - <i32>bitLength(b));
  if (scale > 0) shiftLeft(a, <u32>scale);
  else shiftLeft(b, <u32>(-scale));
  // a ÷ b is in (2^63, 2^65).
  shiftLeft(b, 1);
  const large: bool = compare(a, b) >= 0 && bitLength(a) - bitLength(b) >= 63 && atLeastShifted(a, b, 63);
  if (large) scale--;
  else halve(b);
  const quotient: u64 = divide(a, b, 64);
  const low: u64 = remainderOrder == -2 ? 0 : remainderOrder == 0 ? 0x8000_0000_0000_0000 : remainderOrder > 0 ? 0x8000_0000_0000_0001 : 1;
  return roundX80(rounding, sign, 63 - scale, quotient, low);
}

/** Whether a ≥ b × 2^bits. */
function atLeastShifted(a: usize, b: usize, bits: u32): bool {
  const c: usize = numberAt(2);
  memory.copy(c, b, (load<u32>(b) + 1) << 2);
  shiftLeft(c, bits);
  return compare(a, c) >= 0;
}

function halve(a: usize): void {
  const count: u32 = load<u32>(a);
  let carry: u32 = 0;
  for (let i: u32 = count; i > 0; i--) {
    const word: u32 = load<u32>(a + (i << 2));
    store<u32>(a + (i << 2), (word >>> 1) | (carry << 31));
    carry = word & 1;
  }
  trim(a);
}

// --- To decimal

/** k > 0: significant digits; k ≤ 0: -k digits after the point. */
export function packedFromX80(rounding: u32, high: u32, m: u64, k: i32): void {
  clearX80Flags();
  const sign: u32 = high >>> 15;
  if (isX80Special(high)) {
    packedHigh = (sign << 31) | 0x7fff_0000;
    packedMiddle = <u32>(m >>> 32);
    packedLow = <u32>m;
    if (m << 1 == 0) {
      packedMiddle = packedLow = 0;
    } else if ((m & 0x4000_0000_0000_0000) == 0) {
      packedMiddle |= 0x4000_0000;
      raiseX80(SIGNALLING);
    }
    return;
  }
  packedMiddle = packedLow = 0;
  packedHigh = sign << 31;
  if (m == 0) return;
  const many: bool = k > 17;
  if (many) k = 17;
  const zeros: u32 = <u32>clz<u64>(m);
  const sig: u64 = m << <u64>zeros;
  const exp: i32 = <i32>(high & 0x7fff) - 16383 - <i32>zeros;
  // log10 of 2^exp, not too large: at most one too small for the number.
  let ten: i32 = <i32>floor<f64>(<f64>exp * 0.30102999566398119);
  let value: u64 = 0;
  let length: i32 = 0;
  // Not a loop without a condition: AssemblyScript drops what follows one that is left after a `continue`.
  let short: bool = true;
  while (short) {
    length = k > 0 ? k : min<i32>(ten + 1 - k, 17);
    if (length < 1) length = k > 0 ? 1 : length;
    value = length < 0 ? 0 : decimal(rounding, sign, sig, exp, max<i32>(length, 0) - 1 - ten);
    short = length >= 0 && value >= powerOfTen(max<i32>(length, 0));
    if (short) ten++;
  }
  if (many) raiseX80(INVALID);
  if (length < 0) raiseX80(INEXACT);
  if (value == 0) return;
  // Digits of what there is, from the left.
  const count: i32 = max<i32>(length, 1);
  let digits: u64 = 0;
  for (let i: i32 = 0; i < min<i32>(count, 16); i++) {
    digits |= (value % 10) << <u64>(i << 2);
    value /= 10;
  }
  const first: i32 = 17 - count;
  // 17 digits: the first in word 0.
  const top: u32 = first == 0 ? <u32>load17(count, digits) : <u32>((digits >>> <u64>((count - 1) << 2)) & 15);
  const below: u64 = count == 1 ? 0 : (digits << <u64>(64 - ((count - 1) << 2)));
  packedMiddle = <u32>(below >>> 32);
  packedLow = <u32>below;
  const magnitude: u32 = <u32>(ten < 0 ? -ten : ten);
  if (magnitude > 999) raiseX80(INVALID);
  packedHigh |=
    (ten < 0 ? 0x4000_0000 : 0) | (((magnitude / 100) % 10) << 24) | (((magnitude / 10) % 10) << 20) | ((magnitude % 10) << 16) |
    ((magnitude / 1000) << 12) | top;
}

/** The 17th digit does not fit beside the others. */
let topDigit: u32 = 0;
function load17(count: i32, digits: u64): u32 {
  return topDigit;
}

function powerOfTen(n: i32): u64 {
  let value: u64 = 1;
  for (; n > 0; n--) value *= 10;
  return value;
}

/** sig × 2^(exp - 63) × 10^power, rounded to an integer. */
function decimal(rounding: u32, sign: u32, sig: u64, exp: i32, power: i32): u64 {
  const a: usize = numberAt(0);
  const b: usize = numberAt(1);
  setNumber(a, sig);
  setNumber(b, 1);
  if (power >= 0) multiplyPowerOfTen(a, <u32>power);
  else multiplyPowerOfTen(b, <u32>(-power));
  const shift: i32 = exp - 63;
  if (shift >= 0) shiftLeft(a, <u32>shift);
  else shiftLeft(b, <u32>(-shift));
  clearX80Flags();
  const bits: i32 = <i32>bitLength(a) - <i32>bitLength(b) + 1;
  if (bits <= 0) {
    // Less than one: nothing, or one.
    raiseX80(INEXACT);
    const twice: bool = bits == 0 && atLeastShiftedDown(a, b);
    return u64((rounding == ROUND_NEAREST && twice) || (rounding == ROUND_UP && sign == 0) || (rounding == ROUND_DOWN && sign != 0));
  }
  let value: u64 = divide(a, b, <u32>bits);
  if (remainderOrder != -2) {
    raiseX80(INEXACT);
    const up: bool =
      rounding == ROUND_NEAREST
        ? remainderOrder > 0 || (remainderOrder == 0 && (value & 1) != 0)
        : rounding == ROUND_UP ? sign == 0 : rounding == ROUND_DOWN ? sign != 0 : false;
    if (up) value++;
  }
  topDigit = <u32>((value / 10_000_000_000_000_000) % 10);
  return value;
}

/** Whether 2a > b. */
function atLeastShiftedDown(a: usize, b: usize): bool {
  shiftLeft(a, 1);
  return compare(a, b) > 0;
}
