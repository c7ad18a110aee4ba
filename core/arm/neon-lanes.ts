// SPDX-License-Identifier: MIT
//
// Elements of the Advanced SIMD registers, which are little-endian in memory, and saturation.
import { undefinedException } from './exceptions';
import { VFP_BASE, cpu } from './state';
import { dd, dm, dn } from './vfp';
import { FPSCR_QC } from './vfp-arithmetic';

/** Element `n` of `1 << size` bytes at `at`, extended to a doubleword. */
export function lane(at: u32, size: u32, n: u32, unsigned: bool): i64 {
  switch (size) {
    case 0: {
      const p: u32 = at + n;
      return unsigned ? <i64>(<u64>load<u8>(p)) : <i64>load<i8>(p);
    }
    case 1: {
      const p: u32 = at + (n << 1);
      return unsigned ? <i64>(<u64>load<u16>(p)) : <i64>load<i16>(p);
    }
    case 2: {
      const p: u32 = at + (n << 2);
      return unsigned ? <i64>(<u64>load<u32>(p)) : <i64>load<i32>(p);
    }
    default:
      return load<i64>(at + (n << 3));
  }
}

export function setLane(at: u32, size: u32, n: u32, value: i64): void {
  switch (size) {
    case 0:
      store<u8>(at + n, <u8>value);
      break;
    case 1:
      store<u16>(at + (n << 1), <u16>value);
      break;
    case 2:
      store<u32>(at + (n << 2), <u32>value);
      break;
    default:
      store<i64>(at + (n << 3), value);
      break;
  }
}

// @ts-ignore: decorator
@inline
export function place(n: u32): u32 {
  return VFP_BASE + (n << 3);
}

/** Whether a quadword instruction names an odd register; then it is undefined. */
export function oddQuad(op: u32, n: u32): bool {
  if ((n & 1) == 0) return false;
  undefinedException(op);
  return true;
}

/** The same for all three registers of an instruction whose bit 6 says quadword. */
export function odd3(op: u32): bool {
  return (op & 0x40) != 0 && oddQuad(op, dd(op) | dn(op) | dm(op));
}

export function odd2(op: u32): bool {
  return (op & 0x40) != 0 && oddQuad(op, dd(op) | dm(op));
}

// @ts-ignore: decorator
@inline
export function saturated(): void {
  cpu.fpscr |= FPSCR_QC;
}

/** `value` brought into the range of an element of less than 8 bytes. */
export function saturate(value: i64, size: u32, unsigned: bool): i64 {
  const bits: u32 = 8 << size;
  const top: i64 = unsigned ? (<i64>1 << bits) - 1 : (<i64>1 << (bits - 1)) - 1;
  const bottom: i64 = unsigned ? 0 : -top - 1;
  if (value > top) {
    saturated();
    return top;
  }
  if (value < bottom) {
    saturated();
    return bottom;
  }
  return value;
}

/** a + b or a - b of doublewords, saturated. */
export function saturatedSum(a: i64, b: i64, unsigned: bool, subtracts: bool): i64 {
  const r: i64 = subtracts ? a - b : a + b;
  if (unsigned) {
    const out: bool = subtracts ? <u64>a < <u64>b : <u64>r < <u64>a;
    if (!out) return r;
    saturated();
    return subtracts ? 0 : -1;
  }
  const overflow: bool = (subtracts ? (a ^ b) & (a ^ r) : (a ^ r) & (b ^ r)) < 0;
  if (!overflow) return r;
  saturated();
  return a < 0 ? i64.MIN_VALUE : i64.MAX_VALUE;
}

/** Shift to the right by 1 to 64, rounding. */
export function shiftRight(value: i64, by: u32, unsigned: bool, rounding: bool): i64 {
  if (by >= 64) {
    if (rounding && unsigned && by == 64) return <i64>(<u64>value >>> 63);
    return unsigned || rounding ? 0 : value >> 63;
  }
  const r: i64 = unsigned ? <i64>(<u64>value >>> by) : value >> by;
  return rounding ? r + ((value >> (by - 1)) & 1) : r;
}

/** Shift to the left, saturating: of an element of `size`, whose range is unsigned or not. */
export function saturatedLeft(value: i64, by: u32, size: u32, unsigned: bool): i64 {
  if (value == 0) return 0;
  const bits: u32 = 8 << size;
  if (size < 3) {
    if (by >= bits) {
      saturated();
      return saturate(value < 0 ? i64.MIN_VALUE : i64.MAX_VALUE, size, unsigned);
    }
    return saturate(value << by, size, unsigned);
  }
  if (by < 64) {
    const r: i64 = value << by;
    if ((unsigned ? <i64>(<u64>r >>> by) : r >> by) == value) return r;
  }
  saturated();
  if (unsigned) return -1;
  return value < 0 ? i64.MIN_VALUE : i64.MAX_VALUE;
}

/** Carry-less product of two bytes. */
export function polynomial(a: u32, b: u32): u32 {
  let r: u32 = 0;
  for (let i: u32 = 0; i < 8; i++) if (((b >>> i) & 1) != 0) r ^= a << i;
  return r;
}
