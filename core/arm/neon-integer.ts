// SPDX-License-Identifier: MIT
//
// Advanced SIMD on integers: three registers [ARM ARM] A7.4.1, A7.4.2, and a scalar A7.4.3.
import { undefinedException } from './exceptions';
import {
  lane,
  odd3,
  oddQuad,
  place,
  polynomial,
  saturate,
  saturated,
  saturatedLeft,
  saturatedSum,
  setLane,
  shiftRight,
} from './neon-lanes';
import { add32, mul32, sub32, useStandard } from './vfp-arithmetic';
import { BLOCK_BASE } from './state';
import { dd, dm, dn } from './vfp';

/** VAND, VBIC, VORR, VORN; VEOR, VBSL, VBIT, VBIF. */
export function op_neon_logic(op: u32): void {
  if (odd3(op)) return;
  const kind: u32 = ((op >>> 22) & 4) | ((op >>> 20) & 3);
  const doublewords: u32 = 1 + ((op >>> 6) & 1);
  for (let i: u32 = 0; i < doublewords; i++) {
    const to: u32 = place(dd(op) + i);
    const d: u64 = load<u64>(to);
    const n: u64 = load<u64>(place(dn(op) + i));
    const m: u64 = load<u64>(place(dm(op) + i));
    let r: u64;
    switch (kind) {
      case 0:
        r = n & m;
        break;
      case 1:
        r = n & ~m;
        break;
      case 2:
        r = n | m;
        break;
      case 3:
        r = n | ~m;
        break;
      case 4:
        r = n ^ m;
        break;
      case 5:
        r = (n & d) | (m & ~d);
        break;
      case 6:
        r = (n & m) | (d & ~m);
        break;
      default:
        r = (n & ~m) | (d & m);
        break;
    }
    store<u64>(to, r);
  }
}

/** Operations whose elements may be doublewords. */
// @ts-ignore: decorator
@inline
function hasDoublewords(kind: u32): bool {
  return kind == 0x01 || kind == 0x05 || (kind >= 0x08 && kind <= 0x0b) || kind == 0x10;
}

export function op_neon_same(op: u32): void {
  const kind: u32 = ((op >>> 7) & 0x1e) | ((op >>> 4) & 1);
  const size: u32 = (op >>> 20) & 3;
  const unsigned: bool = (op & 0x0100_0000) != 0;
  const high: bool = kind == 0x16;
  if ((size == 3 && !hasDoublewords(kind)) || (high && size == 0)) {
    undefinedException(op);
    return;
  }
  if (odd3(op)) return;
  const count: u32 = (8 << ((op >>> 6) & 1)) >>> size;
  const d: u32 = place(dd(op));
  const n: u32 = place(dn(op));
  const m: u32 = place(dm(op));
  for (let i: u32 = 0; i < count; i++) {
    const a: i64 = lane(n, size, i, unsigned);
    const b: i64 = lane(m, size, i, unsigned);
    setLane(d, size, i, combine(kind, size, unsigned, a, b, lane(d, size, i, unsigned)));
  }
}

/** What an operation makes of elements of Vn and Vm, and of Vd if it accumulates. */
function combine(kind: u32, size: u32, unsigned: bool, a: i64, b: i64, d: i64): i64 {
  switch (kind) {
    case 0x00: // VHADD
      return (a + b) >> 1;
    case 0x01: // VQADD
      return size == 3 ? saturatedSum(a, b, unsigned, false) : saturate(a + b, size, unsigned);
    case 0x02: // VRHADD
      return (a + b + 1) >> 1;
    case 0x04: // VHSUB
      return (a - b) >> 1;
    case 0x05: // VQSUB
      return size == 3 ? saturatedSum(a, b, unsigned, true) : saturate(a - b, size, unsigned);
    case 0x06: // VCGT
      return a > b ? -1 : 0;
    case 0x07: // VCGE
      return a >= b ? -1 : 0;
    case 0x08: // VSHL
    case 0x09: // VQSHL
    case 0x0a: // VRSHL
    case 0x0b: // VQRSHL
      return shiftBy(b, <i32>(<i8>a), size, unsigned, (kind & 2) != 0, (kind & 1) != 0);
    case 0x0c: // VMAX
      return a > b ? a : b;
    case 0x0d: // VMIN
      return a < b ? a : b;
    case 0x0e: // VABD
      return abs<i64>(a - b);
    case 0x0f: // VABA
      return d + abs<i64>(a - b);
    case 0x10: // VADD, VSUB
      return unsigned ? a - b : a + b;
    case 0x11: // VTST, VCEQ
      return (unsigned ? a == b : (a & b) != 0) ? -1 : 0;
    case 0x12: // VMLA, VMLS
      return unsigned ? d - a * b : d + a * b;
    case 0x13: // VMUL, of integers or polynomials
      return unsigned ? <i64>polynomial(<u32>a & 0xff, <u32>b & 0xff) : a * b;
    default: // VQDMULH, VQRDMULH
      return doublingHigh(a, b, size, unsigned);
  }
}

/** A shift to the left, or to the right by a negative amount. */
function shiftBy(value: i64, by: i32, size: u32, unsigned: bool, rounding: bool, saturating: bool): i64 {
  const bits: i32 = 8 << size;
  if (by < 0) {
    if (-by >= bits && size < 3) {
      // Beyond the element only its sign is left, and with rounding nothing but what is half of one.
      if (rounding) return -by == bits && unsigned ? (value >> (bits - 1)) & 1 : 0;
      return unsigned ? 0 : value >> 63;
    }
    return shiftRight(value, <u32>(-by), unsigned, rounding);
  }
  if (saturating) return saturatedLeft(value, <u32>by, size, unsigned);
  return by >= bits ? 0 : value << by;
}

/** Upper half of twice the product. Only the product of two minimums does not fit. */
function doublingHigh(a: i64, b: i64, size: u32, rounding: bool): i64 {
  const bits: u32 = 8 << size;
  const x: i64 = (a << (64 - bits)) >> (64 - bits);
  const y: i64 = (b << (64 - bits)) >> (64 - bits);
  const minimum: i64 = -(<i64>1 << (bits - 1));
  if (x == minimum && y == minimum) {
    saturated();
    return -minimum - 1;
  }
  return (x * y * 2 + (rounding ? <i64>1 << (bits - 1) : 0)) >> bits;
}

/** VPADD, VPMAX, VPMIN of integers. */
export function op_neon_pairwise(op: u32): void {
  const size: u32 = (op >>> 20) & 3;
  const kind: u32 = ((op >>> 7) & 2) | ((op >>> 4) & 1);
  if (size == 3 || (op & 0x40) != 0) {
    undefinedException(op);
    return;
  }
  const unsigned: bool = (op & 0x0100_0000) != 0;
  store<u64>(BLOCK_BASE, load<u64>(place(dn(op))));
  store<u64>(BLOCK_BASE + 8, load<u64>(place(dm(op))));
  const count: u32 = 8 >>> size;
  for (let i: u32 = 0; i < count; i++) {
    const a: i64 = lane(BLOCK_BASE, size, i << 1, unsigned);
    const b: i64 = lane(BLOCK_BASE, size, (i << 1) + 1, unsigned);
    setLane(place(dd(op)), size, i, kind == 3 ? a + b : (kind == 0) == a > b ? a : b);
  }
}

// --- Results or operands of twice the length

/** VADDL … VMULL; the elements of Vm, and of Vn unless it is as long as the result, are half as long. */
export function op_neon_long(op: u32): void {
  const kind: u32 = (op >>> 8) & 15;
  const size: u32 = (op >>> 20) & 3;
  const wide: bool = kind == 1 || kind == 3;
  const doubling: bool = kind == 9 || kind == 11 || kind == 13;
  if (size == 3 || (doubling && size == 0) || (dd(op) & 1) != 0 || (wide && (dn(op) & 1) != 0)) {
    undefinedException(op);
    return;
  }
  const unsigned: bool = (op & 0x0100_0000) != 0;
  memory.copy(BLOCK_BASE, place(dn(op)), 16);
  store<u64>(BLOCK_BASE + 16, load<u64>(place(dm(op))));
  const d: u32 = place(dd(op));
  const count: u32 = 8 >>> size;
  for (let i: u32 = 0; i < count; i++) {
    const a: i64 = lane(BLOCK_BASE, wide ? size + 1 : size, i, unsigned);
    const b: i64 = lane(BLOCK_BASE + 16, size, i, unsigned);
    setLane(d, size + 1, i, combineLong(kind, size, a, b, lane(d, size + 1, i, unsigned)));
  }
}

function combineLong(kind: u32, size: u32, a: i64, b: i64, d: i64): i64 {
  switch (kind) {
    case 0: // VADDL, VADDW
    case 1:
      return a + b;
    case 2: // VSUBL, VSUBW
    case 3:
      return a - b;
    case 5: // VABAL
      return d + abs<i64>(a - b);
    case 7: // VABDL
      return abs<i64>(a - b);
    case 8: // VMLAL
      return d + a * b;
    case 10: // VMLSL
      return d - a * b;
    case 9: // VQDMLAL
      return accumulate(d, doubled(a * b, size), size, false);
    case 11: // VQDMLSL
      return accumulate(d, doubled(a * b, size), size, true);
    case 13: // VQDMULL
      return doubled(a * b, size);
    case 14: // VMULL of polynomials
      return <i64>polynomial(<u32>a & 0xff, <u32>b & 0xff);
    default: // VMULL
      return a * b;
  }
}

/** Twice a product, saturated to twice the elements' length. */
function doubled(product: i64, size: u32): i64 {
  if (size == 2) return saturatedSum(product, product, false, false);
  return saturate(product * 2, size + 1, false);
}

function accumulate(d: i64, value: i64, size: u32, subtracts: bool): i64 {
  if (size == 2) return saturatedSum(d, value, false, subtracts);
  return saturate(subtracts ? d - value : d + value, size + 1, false);
}

/** VADDHN, VSUBHN and the rounding ones: the upper halves of sums. */
export function op_neon_narrow(op: u32): void {
  const size: u32 = (op >>> 20) & 3;
  if (size == 3 || ((dn(op) | dm(op)) & 1) != 0) {
    undefinedException(op);
    return;
  }
  const bits: u32 = 8 << size;
  const rounding: i64 = (op & 0x0100_0000) != 0 ? <i64>1 << (bits - 1) : 0;
  const subtracts: bool = (op & 0x200) != 0;
  memory.copy(BLOCK_BASE, place(dn(op)), 16);
  memory.copy(BLOCK_BASE + 16, place(dm(op)), 16);
  const count: u32 = 8 >>> size;
  for (let i: u32 = 0; i < count; i++) {
    const a: i64 = lane(BLOCK_BASE, size + 1, i, false);
    const b: i64 = lane(BLOCK_BASE + 16, size + 1, i, false);
    setLane(place(dd(op)), size, i, ((subtracts ? a - b : a + b) + rounding) >> bits);
  }
}

// --- A scalar as the second operand

/** Number of the scalar's register and of its element: fewer registers, the smaller the elements. */
// @ts-ignore: decorator
@inline
function scalarRegister(op: u32, size: u32): u32 {
  return size == 1 ? op & 7 : op & 15;
}

// @ts-ignore: decorator
@inline
function scalarIndex(op: u32, size: u32): u32 {
  return size == 1 ? ((op >>> 4) & 2) | ((op >>> 3) & 1) : (op >>> 5) & 1;
}

export function op_neon_scalar(op: u32): void {
  const size: u32 = (op >>> 20) & 3;
  const quad: bool = (op & 0x0100_0000) != 0;
  const kind: u32 = (op >>> 8) & 15;
  const float: bool = (kind & 3) == 1 && kind != 13;
  if (size == 0 || size == 3 || (float && size != 2) || (quad && ((dd(op) | dn(op)) & 1) != 0)) {
    undefinedException(op);
    return;
  }
  const b: i64 = lane(place(scalarRegister(op, size)), size, scalarIndex(op, size), false);
  const count: u32 = (quad ? 16 : 8) >>> size;
  const d: u32 = place(dd(op));
  const n: u32 = place(dn(op));
  if (float) useStandard();
  for (let i: u32 = 0; i < count; i++) {
    const a: i64 = lane(n, size, i, false);
    const old: i64 = lane(d, size, i, false);
    let r: i64;
    switch (kind) {
      case 0:
        r = old + a * b;
        break;
      case 4:
        r = old - a * b;
        break;
      case 8:
        r = a * b;
        break;
      case 1:
        r = <i64>add32(<u32>old, mul32(<u32>a, <u32>b));
        break;
      case 5:
        r = <i64>sub32(<u32>old, mul32(<u32>a, <u32>b));
        break;
      case 9:
        r = <i64>mul32(<u32>a, <u32>b);
        break;
      default:
        r = doublingHigh(a, b, size, kind == 13);
        break;
    }
    setLane(d, size, i, r);
  }
}

export function op_neon_scalar_long(op: u32): void {
  const size: u32 = (op >>> 20) & 3;
  if (size == 0 || size == 3) {
    undefinedException(op);
    return;
  }
  if (oddQuad(op, dd(op))) return;
  const unsigned: bool = (op & 0x0100_0000) != 0;
  // VMLAL 2, VQDMLAL 3, VMLSL 6, VQDMLSL 7, VMULL 10, VQDMULL 11: the same operations elsewhere.
  const code: u32 = (op >>> 8) & 15;
  const kind: u32 = code == 2 ? 8 : code == 3 ? 9 : code == 6 ? 10 : code == 7 ? 11 : code == 10 ? 12 : 13;
  const b: i64 = lane(place(scalarRegister(op, size)), size, scalarIndex(op, size), unsigned);
  store<u64>(BLOCK_BASE, load<u64>(place(dn(op))));
  const d: u32 = place(dd(op));
  const count: u32 = 8 >>> size;
  for (let i: u32 = 0; i < count; i++) {
    const a: i64 = lane(BLOCK_BASE, size, i, unsigned);
    setLane(d, size + 1, i, combineLong(kind, size, a, b, lane(d, size + 1, i, unsigned)));
  }
}
