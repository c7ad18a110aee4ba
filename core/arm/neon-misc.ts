// SPDX-License-Identifier: MIT
//
// Advanced SIMD with two registers [ARM ARM] A7.4.5, extraction, table lookup and duplication.
import { undefinedException } from './exceptions';
import {
  compareZero,
  fromFixed,
  reciprocalEstimate,
  reciprocalEstimate32,
  rootEstimate,
  rootEstimate32,
  toFixed,
} from './neon-float';
import { lane, odd2, odd3, place, saturated, setLane } from './neon-lanes';
import { narrowed } from './neon-shift';
import { BLOCK_BASE } from './state';
import { dd, dm, dn } from './vfp';
import { useStandard } from './vfp-arithmetic';

/** VEXT: bytes from one register and on from another. */
export function op_neon_extract(op: u32): void {
  const quad: bool = (op & 0x40) != 0;
  const from: u32 = (op >>> 8) & 15;
  if (!quad && from > 7) {
    undefinedException(op);
    return;
  }
  if (odd3(op)) return;
  const bytes: u32 = quad ? 16 : 8;
  memory.copy(BLOCK_BASE, place(dn(op)), bytes);
  memory.copy(BLOCK_BASE + bytes, place(dm(op)), bytes);
  memory.copy(place(dd(op)), BLOCK_BASE + from, bytes);
}

/** VTBL, VTBX. */
export function op_neon_table(op: u32): void {
  const length: u32 = (((op >>> 8) & 3) + 1) << 3;
  const n: u32 = dn(op);
  if (n + (length >>> 3) > 32) {
    undefinedException(op);
    return;
  }
  memory.copy(BLOCK_BASE, place(n), length);
  const keeps: bool = (op & 0x40) != 0;
  store<u64>(BLOCK_BASE + 32, load<u64>(place(dm(op))));
  for (let i: u32 = 0; i < 8; i++) {
    const index: u32 = load<u8>(BLOCK_BASE + 32 + i);
    if (index < length) store<u8>(place(dd(op)) + i, load<u8>(BLOCK_BASE + index));
    else if (!keeps) store<u8>(place(dd(op)) + i, 0);
  }
}

export function op_vdup_s(op: u32): void {
  const imm: u32 = (op >>> 16) & 15;
  const quad: u32 = (op >>> 6) & 1;
  if ((imm & 7) == 0 || (quad != 0 && (dd(op) & 1) != 0)) {
    undefinedException(op);
    return;
  }
  const size: u32 = ctz<u32>(imm);
  const value: i64 = lane(place(dm(op)), size, imm >>> (size + 1), true);
  const count: u32 = (8 << quad) >>> size;
  for (let i: u32 = 0; i < count; i++) setLane(place(dd(op)), size, i, value);
}

export function op_neon_misc(op: u32): void {
  switch ((op >>> 16) & 3) {
    case 0:
      rearrange(op);
      break;
    case 1:
      zeros(op);
      break;
    case 2:
      exchange(op);
      break;
    default:
      estimates(op);
      break;
  }
}

// @ts-ignore: decorator
@inline
function sizeOf(op: u32): u32 {
  return (op >>> 18) & 3;
}

// @ts-ignore: decorator
@inline
function kindOf(op: u32): u32 {
  return (op >>> 7) & 15;
}

// @ts-ignore: decorator
@inline
function bytesOf(op: u32): u32 {
  return 8 << ((op >>> 6) & 1);
}

// --- VREV, VPADDL, VCLS, VCLZ, VCNT, VMVN, VPADAL, VQABS, VQNEG

function rearrange(op: u32): void {
  const kind: u32 = kindOf(op);
  const size: u32 = sizeOf(op);
  const bytewise: bool = kind == 10 || kind == 11;
  const legal: bool = kind < 3 ? kind + size < 3 : kind == 3 || kind == 6 || kind == 7 ? false : bytewise ? size == 0 : size < 3;
  if (!legal) {
    undefinedException(op);
    return;
  }
  if (odd2(op)) return;
  const bytes: u32 = bytesOf(op);
  const d: u32 = place(dd(op));
  memory.copy(BLOCK_BASE, place(dm(op)), bytes);
  if (kind == 4 || kind == 5 || kind == 12 || kind == 13) {
    pairLong(d, size, bytes, (kind & 1) != 0, kind >= 12);
    return;
  }
  const count: u32 = bytes >>> size;
  const bits: u32 = 8 << size;
  for (let i: u32 = 0; i < count; i++) {
    const value: i64 = lane(BLOCK_BASE, size, i, kind == 9 || bytewise);
    switch (kind) {
      case 0:
      case 1:
      case 2:
        // The group is 8, 4 or 2 bytes: its elements in the opposite order.
        setLane(d, size, i ^ ((8 >>> (kind + size)) - 1), value);
        break;
      case 8: // VCLS
        setLane(d, size, i, <i64>(clz<u64>(<u64>(value ^ (value >> 63))) - (64 - <i64>bits) - 1));
        break;
      case 9: // VCLZ
        setLane(d, size, i, <i64>clz<u64>(<u64>value) - (64 - <i64>bits));
        break;
      case 10: // VCNT
        setLane(d, size, i, <i64>popcnt<u64>(<u64>value));
        break;
      case 11: // VMVN
        setLane(d, size, i, ~value);
        break;
      default: {
        // VQABS, VQNEG
        const negative: bool = kind == 15 || value < 0;
        if (negative && value == -(<i64>1 << (bits - 1))) {
          saturated();
          setLane(d, size, i, -value - 1);
        } else {
          setLane(d, size, i, negative ? -value : value);
        }
        break;
      }
    }
  }
}

function pairLong(d: u32, size: u32, bytes: u32, unsigned: bool, accumulates: bool): void {
  const count: u32 = bytes >>> (size + 1);
  for (let i: u32 = 0; i < count; i++) {
    const sum: i64 = lane(BLOCK_BASE, size, i << 1, unsigned) + lane(BLOCK_BASE, size, (i << 1) + 1, unsigned);
    setLane(d, size + 1, i, accumulates ? lane(d, size + 1, i, unsigned) + sum : sum);
  }
}

// --- Comparison with zero, VABS, VNEG

function zeros(op: u32): void {
  const kind: u32 = kindOf(op) & 7;
  const float: bool = (op & 0x400) != 0;
  const size: u32 = sizeOf(op);
  if (kind == 5 || size == 3 || (float && size != 2)) {
    undefinedException(op);
    return;
  }
  if (odd2(op)) return;
  useStandard();
  const count: u32 = bytesOf(op) >>> size;
  const d: u32 = place(dd(op));
  const m: u32 = place(dm(op));
  for (let i: u32 = 0; i < count; i++) {
    const a: i64 = lane(m, size, i, false);
    let r: i64;
    if (kind < 5) r = float ? <i64>compareZero(kind, <u32>a) : <i64>-<i32>relates(kind, a);
    else if (float) r = kind == 6 ? a & 0x7fff_ffff : a ^ 0x8000_0000;
    else r = kind == 6 ? abs<i64>(a) : -a;
    setLane(d, size, i, r);
  }
}

function relates(kind: u32, a: i64): bool {
  switch (kind) {
    case 0:
      return a > 0;
    case 1:
      return a >= 0;
    case 2:
      return a == 0;
    case 3:
      return a <= 0;
    default:
      return a < 0;
  }
}

// --- VSWP, VTRN, VUZP, VZIP, VMOVN, VQMOVN, VSHLL

function exchange(op: u32): void {
  const kind: u32 = kindOf(op);
  const size: u32 = sizeOf(op);
  const quad: bool = (op & 0x40) != 0;
  if (kind == 4 || kind == 5) {
    moveNarrow(op, size, kind == 5, quad);
    return;
  }
  if (kind == 6 && !quad) {
    shiftLongMost(op, size);
    return;
  }
  // VUZP and VZIP of words in a doubleword are VTRN.
  const legal: bool = kind == 0 ? size == 0 : kind == 1 ? size < 3 : kind < 4 && (quad ? size < 3 : size < 2);
  if (!legal) {
    undefinedException(op);
    return;
  }
  if (odd2(op)) return;
  const bytes: u32 = bytesOf(op);
  const d: u32 = place(dd(op));
  const m: u32 = place(dm(op));
  // Both registers, one behind the other.
  memory.copy(BLOCK_BASE, d, bytes);
  memory.copy(BLOCK_BASE + bytes, m, bytes);
  const count: u32 = bytes >>> size;
  for (let i: u32 = 0; i < count; i++) {
    let toD: u32;
    let toM: u32;
    switch (kind) {
      case 0:
        toD = count + i;
        toM = i;
        break;
      case 1:
        toD = (i & 1) == 0 ? i : count + i - 1;
        toM = (i & 1) == 0 ? i + 1 : count + i;
        break;
      case 2:
        toD = i << 1;
        toM = (i << 1) + 1;
        break;
      default:
        toD = (i >>> 1) + ((i & 1) != 0 ? count : 0);
        toM = ((count + i) >>> 1) + ((i & 1) != 0 ? count : 0);
        break;
    }
    setLane(d, size, i, lane(BLOCK_BASE, size, toD, true));
    setLane(m, size, i, lane(BLOCK_BASE, size, toM, true));
  }
}

/** VMOVN, VQMOVUN, VQMOVN of signed and of unsigned elements. */
function moveNarrow(op: u32, size: u32, saturates: bool, second: bool): void {
  if (size == 3 || (dm(op) & 1) != 0) {
    undefinedException(op);
    return;
  }
  memory.copy(BLOCK_BASE, place(dm(op)), 16);
  const count: u32 = 8 >>> size;
  const fromUnsigned: bool = saturates && second;
  for (let i: u32 = 0; i < count; i++) {
    const value: i64 = lane(BLOCK_BASE, size + 1, i, fromUnsigned);
    const plain: bool = !saturates && !second;
    setLane(place(dd(op)), size, i, plain ? value : narrowed(value, size, fromUnsigned, second));
  }
}

/** VSHLL by the elements' length. */
function shiftLongMost(op: u32, size: u32): void {
  if (size == 3 || (dd(op) & 1) != 0) {
    undefinedException(op);
    return;
  }
  store<u64>(BLOCK_BASE, load<u64>(place(dm(op))));
  const count: u32 = 8 >>> size;
  for (let i: u32 = 0; i < count; i++) {
    setLane(place(dd(op)), size + 1, i, lane(BLOCK_BASE, size, i, true) << (8 << size));
  }
}

// --- VRECPE, VRSQRTE, VCVT

function estimates(op: u32): void {
  const kind: u32 = kindOf(op);
  if (sizeOf(op) != 2 || kind < 8) {
    undefinedException(op);
    return;
  }
  if (odd2(op)) return;
  useStandard();
  const count: u32 = bytesOf(op) >>> 2;
  for (let i: u32 = 0; i < count; i++) {
    const value: u32 = load<u32>(place(dm(op)) + (i << 2));
    let r: u32;
    switch (kind) {
      case 8:
        r = reciprocalEstimate32(value);
        break;
      case 9:
        r = rootEstimate32(value);
        break;
      case 10:
        r = reciprocalEstimate(value);
        break;
      case 11:
        r = rootEstimate(value);
        break;
      case 12:
      case 13:
        r = fromFixed(value, kind == 13, 0);
        break;
      default:
        r = toFixed(value, kind == 15, 0);
        break;
    }
    store<u32>(place(dd(op)) + (i << 2), r);
  }
}
