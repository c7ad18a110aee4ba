// SPDX-License-Identifier: MIT
//
// Parallel arithmetic on bytes, halfwords and words [SDM3]. Lanes are counted from the least significant end; `size` is
// in bits.
import { illegal } from './fault';
import { A, B, C, D, gr, setGr } from './state';

// @ts-ignore: decorator
@inline
function laneU(value: u64, lane: u32, size: u32): i64 {
  return <i64>((value >> (lane * size)) & (((<u64>1) << size) - 1));
}

// @ts-ignore: decorator
@inline
function laneS(value: u64, lane: u32, size: u32): i64 {
  const left: u32 = 64 - size - lane * size;
  return <i64>(value << left) >> (64 - size);
}

// @ts-ignore: decorator
@inline
function put(lane: u32, size: u32, value: i64): u64 {
  return (<u64>value & (((<u64>1) << size) - 1)) << (lane * size);
}

// @ts-ignore: decorator
@inline
function clamp(value: i64, low: i64, high: i64): i64 {
  return value < low ? low : value > high ? high : value;
}

const MODULO: u32 = 0;
const SSS: u32 = 1;
const UUU: u32 = 2;
const UUS: u32 = 3;

/** Sum or difference by lanes: modulo, or saturated with both operands signed, both unsigned, or the second signed. */
function addLanes(a: u64, b: u64, size: u32, mode: u32, subtract: bool): u64 {
  let result: u64 = 0;
  for (let lane: u32 = 0; lane * size < 64; lane++) {
    const x: i64 = mode >= UUU ? laneU(a, lane, size) : laneS(a, lane, size);
    const y: i64 = mode == UUU ? laneU(b, lane, size) : laneS(b, lane, size);
    let sum: i64 = subtract ? x - y : x + y;
    const top: i64 = (<i64>1) << size;
    if (mode == SSS) sum = clamp(sum, -(top >> 1), (top >> 1) - 1);
    else if (mode != MODULO) sum = clamp(sum, 0, top - 1);
    result |= put(lane, size, sum);
  }
  return result;
}

// @ts-ignore: decorator
@inline
function add(base: u32, at: u32, size: u32, mode: u32): bool {
  setGr(base, A(at), addLanes(gr(base, B(at)), gr(base, C(at)), size, mode, false));
  return true;
}

// @ts-ignore: decorator
@inline
function subtract(base: u32, at: u32, size: u32, mode: u32): bool {
  setGr(base, A(at), addLanes(gr(base, B(at)), gr(base, C(at)), size, mode, true));
  return true;
}

export function op_padd1(base: u32, at: u32): bool { return add(base, at, 8, MODULO); }
export function op_padd2(base: u32, at: u32): bool { return add(base, at, 16, MODULO); }
export function op_padd4(base: u32, at: u32): bool { return add(base, at, 32, MODULO); }
export function op_padd1_sss(base: u32, at: u32): bool { return add(base, at, 8, SSS); }
export function op_padd2_sss(base: u32, at: u32): bool { return add(base, at, 16, SSS); }
export function op_padd1_uuu(base: u32, at: u32): bool { return add(base, at, 8, UUU); }
export function op_padd2_uuu(base: u32, at: u32): bool { return add(base, at, 16, UUU); }
export function op_padd1_uus(base: u32, at: u32): bool { return add(base, at, 8, UUS); }
export function op_padd2_uus(base: u32, at: u32): bool { return add(base, at, 16, UUS); }
export function op_psub1(base: u32, at: u32): bool { return subtract(base, at, 8, MODULO); }
export function op_psub2(base: u32, at: u32): bool { return subtract(base, at, 16, MODULO); }
export function op_psub4(base: u32, at: u32): bool { return subtract(base, at, 32, MODULO); }
export function op_psub1_sss(base: u32, at: u32): bool { return subtract(base, at, 8, SSS); }
export function op_psub2_sss(base: u32, at: u32): bool { return subtract(base, at, 16, SSS); }
export function op_psub1_uuu(base: u32, at: u32): bool { return subtract(base, at, 8, UUU); }
export function op_psub2_uuu(base: u32, at: u32): bool { return subtract(base, at, 16, UUU); }
export function op_psub1_uus(base: u32, at: u32): bool { return subtract(base, at, 8, UUS); }
export function op_psub2_uus(base: u32, at: u32): bool { return subtract(base, at, 16, UUS); }

/** Half the sum; away from zero adds one first, otherwise the bit shifted out is or-ed in. */
function average(base: u32, at: u32, size: u32, away: bool): bool {
  const a: u64 = gr(base, B(at));
  const b: u64 = gr(base, C(at));
  let result: u64 = 0;
  for (let lane: u32 = 0; lane * size < 64; lane++) {
    const sum: i64 = laneU(a, lane, size) + laneU(b, lane, size);
    result |= put(lane, size, away ? (sum + 1) >> 1 : (sum >> 1) | (sum & 1));
  }
  setGr(base, A(at), result);
  return true;
}

export function op_pavg1(base: u32, at: u32): bool { return average(base, at, 8, false); }
export function op_pavg2(base: u32, at: u32): bool { return average(base, at, 16, false); }
export function op_pavg1_raz(base: u32, at: u32): bool { return average(base, at, 8, true); }
export function op_pavg2_raz(base: u32, at: u32): bool { return average(base, at, 16, true); }

function averageDifference(base: u32, at: u32, size: u32): bool {
  const a: u64 = gr(base, B(at));
  const b: u64 = gr(base, C(at));
  let result: u64 = 0;
  for (let lane: u32 = 0; lane * size < 64; lane++) {
    const difference: i64 = laneU(a, lane, size) - laneU(b, lane, size);
    result |= put(lane, size, (difference >> 1) | (difference & 1));
  }
  setGr(base, A(at), result);
  return true;
}

export function op_pavgsub1(base: u32, at: u32): bool { return averageDifference(base, at, 8); }
export function op_pavgsub2(base: u32, at: u32): bool { return averageDifference(base, at, 16); }

function compare(base: u32, at: u32, size: u32, greater: bool): bool {
  const a: u64 = gr(base, B(at));
  const b: u64 = gr(base, C(at));
  let result: u64 = 0;
  for (let lane: u32 = 0; lane * size < 64; lane++) {
    const x: i64 = laneS(a, lane, size);
    const y: i64 = laneS(b, lane, size);
    if (greater ? x > y : x == y) result |= put(lane, size, -1);
  }
  setGr(base, A(at), result);
  return true;
}

export function op_pcmp1_eq(base: u32, at: u32): bool { return compare(base, at, 8, false); }
export function op_pcmp2_eq(base: u32, at: u32): bool { return compare(base, at, 16, false); }
export function op_pcmp4_eq(base: u32, at: u32): bool { return compare(base, at, 32, false); }
export function op_pcmp1_gt(base: u32, at: u32): bool { return compare(base, at, 8, true); }
export function op_pcmp2_gt(base: u32, at: u32): bool { return compare(base, at, 16, true); }
export function op_pcmp4_gt(base: u32, at: u32): bool { return compare(base, at, 32, true); }

/** A shift by 4 in pshladd2 and pshradd2 is a reserved encoding. */
const RESERVED_SHIFT: u32 = 4;

/** Shifted left with saturation, then added with saturation. */
export function op_pshladd2(base: u32, at: u32): bool {
  if (D(at) == RESERVED_SHIFT) return illegal(base, at);
  const a: u64 = gr(base, B(at));
  const b: u64 = gr(base, C(at));
  let result: u64 = 0;
  for (let lane: u32 = 0; lane < 4; lane++) {
    const shifted: i64 = clamp(laneS(a, lane, 16) << D(at), -0x8000, 0x7fff);
    // A lane that saturates while shifting stays so.
    const saturated: bool = shifted != laneS(a, lane, 16) << D(at);
    result |= put(lane, 16, saturated ? shifted : clamp(shifted + laneS(b, lane, 16), -0x8000, 0x7fff));
  }
  setGr(base, A(at), result);
  return true;
}

export function op_pshradd2(base: u32, at: u32): bool {
  if (D(at) == RESERVED_SHIFT) return illegal(base, at);
  const a: u64 = gr(base, B(at));
  const b: u64 = gr(base, C(at));
  let result: u64 = 0;
  for (let lane: u32 = 0; lane < 4; lane++) {
    result |= put(lane, 16, clamp((laneS(a, lane, 16) >> D(at)) + laneS(b, lane, 16), -0x8000, 0x7fff));
  }
  setGr(base, A(at), result);
  return true;
}

/** d chooses how far the product is shifted: 0, 7, 15, 16. */
// @ts-ignore: decorator
@inline
function multiplyShift(base: u32, at: u32, unsigned: bool): bool {
  const a: u64 = gr(base, B(at));
  const b: u64 = gr(base, C(at));
  const count: u32 = (0x100f_0700 >> (D(at) << 3)) & 0xff;
  let result: u64 = 0;
  for (let lane: u32 = 0; lane < 4; lane++) {
    const product: i64 = unsigned
      ? laneU(a, lane, 16) * laneU(b, lane, 16)
      : laneS(a, lane, 16) * laneS(b, lane, 16);
    result |= put(lane, 16, product >> count);
  }
  setGr(base, A(at), result);
  return true;
}

export function op_pmpyshr2(base: u32, at: u32): bool { return multiplyShift(base, at, false); }
export function op_pmpyshr2_u(base: u32, at: u32): bool { return multiplyShift(base, at, true); }

function multiply(base: u32, at: u32, from: u32): bool {
  const a: u64 = gr(base, B(at));
  const b: u64 = gr(base, C(at));
  const low: i64 = laneS(a, from, 16) * laneS(b, from, 16);
  const high: i64 = laneS(a, from + 2, 16) * laneS(b, from + 2, 16);
  setGr(base, A(at), put(0, 32, low) | put(1, 32, high));
  return true;
}

export function op_pmpy2_r(base: u32, at: u32): bool { return multiply(base, at, 0); }
export function op_pmpy2_l(base: u32, at: u32): bool { return multiply(base, at, 1); }

/** Every other lane, from lane `from` on, of both. */
function mix(base: u32, at: u32, size: u32, from: u32): bool {
  const a: u64 = gr(base, B(at));
  const b: u64 = gr(base, C(at));
  let result: u64 = 0;
  for (let lane: u32 = 0; lane * size < 64; lane += 2) {
    result |= put(lane, size, laneU(b, lane + from, size)) | put(lane + 1, size, laneU(a, lane + from, size));
  }
  setGr(base, A(at), result);
  return true;
}

export function op_mix1_r(base: u32, at: u32): bool { return mix(base, at, 8, 0); }
export function op_mix2_r(base: u32, at: u32): bool { return mix(base, at, 16, 0); }
export function op_mix4_r(base: u32, at: u32): bool { return mix(base, at, 32, 0); }
export function op_mix1_l(base: u32, at: u32): bool { return mix(base, at, 8, 1); }
export function op_mix2_l(base: u32, at: u32): bool { return mix(base, at, 16, 1); }
export function op_mix4_l(base: u32, at: u32): bool { return mix(base, at, 32, 1); }

/** Lanes of twice the size, saturated to `size` bits. */
function pack(base: u32, at: u32, size: u32, low: i64, high: i64): bool {
  const a: u64 = gr(base, B(at));
  const b: u64 = gr(base, C(at));
  const half: u32 = 32 / size;
  let result: u64 = 0;
  for (let lane: u32 = 0; lane < half; lane++) {
    result |= put(lane, size, clamp(laneS(a, lane, size * 2), low, high));
    result |= put(lane + half, size, clamp(laneS(b, lane, size * 2), low, high));
  }
  setGr(base, A(at), result);
  return true;
}

export function op_pack2_uss(base: u32, at: u32): bool { return pack(base, at, 8, 0, 0xff); }
export function op_pack2_sss(base: u32, at: u32): bool { return pack(base, at, 8, -0x80, 0x7f); }
export function op_pack4_sss(base: u32, at: u32): bool { return pack(base, at, 16, -0x8000, 0x7fff); }

/** The lanes of one half of both, interleaved. */
function unpack(base: u32, at: u32, size: u32, high: bool): bool {
  const a: u64 = gr(base, B(at));
  const b: u64 = gr(base, C(at));
  const half: u32 = 32 / size;
  let result: u64 = 0;
  for (let lane: u32 = 0; lane < half; lane++) {
    const from: u32 = high ? lane + half : lane;
    result |= put(lane * 2, size, laneU(b, from, size)) | put(lane * 2 + 1, size, laneU(a, from, size));
  }
  setGr(base, A(at), result);
  return true;
}

export function op_unpack1_h(base: u32, at: u32): bool { return unpack(base, at, 8, true); }
export function op_unpack2_h(base: u32, at: u32): bool { return unpack(base, at, 16, true); }
export function op_unpack4_h(base: u32, at: u32): bool { return unpack(base, at, 32, true); }
export function op_unpack1_l(base: u32, at: u32): bool { return unpack(base, at, 8, false); }
export function op_unpack2_l(base: u32, at: u32): bool { return unpack(base, at, 16, false); }
export function op_unpack4_l(base: u32, at: u32): bool { return unpack(base, at, 32, false); }

function extreme(base: u32, at: u32, size: u32, unsigned: bool, greatest: bool): bool {
  const a: u64 = gr(base, B(at));
  const b: u64 = gr(base, C(at));
  let result: u64 = 0;
  for (let lane: u32 = 0; lane * size < 64; lane++) {
    const x: i64 = unsigned ? laneU(a, lane, size) : laneS(a, lane, size);
    const y: i64 = unsigned ? laneU(b, lane, size) : laneS(b, lane, size);
    result |= put(lane, size, x < y == greatest ? y : x);
  }
  setGr(base, A(at), result);
  return true;
}

export function op_pmin1_u(base: u32, at: u32): bool { return extreme(base, at, 8, true, false); }
export function op_pmax1_u(base: u32, at: u32): bool { return extreme(base, at, 8, true, true); }
export function op_pmin2(base: u32, at: u32): bool { return extreme(base, at, 16, false, false); }
export function op_pmax2(base: u32, at: u32): bool { return extreme(base, at, 16, false, true); }

export function op_psad1(base: u32, at: u32): bool {
  const a: u64 = gr(base, B(at));
  const b: u64 = gr(base, C(at));
  let sum: u64 = 0;
  for (let lane: u32 = 0; lane < 8; lane++) sum += abs(laneU(a, lane, 8) - laneU(b, lane, 8));
  setGr(base, A(at), sum);
  return true;
}

/** For each byte of the result, from the lowest, the source byte in a nibble. */
function permutation(type: u32): u32 {
  switch (type) {
    case 0x0: // brcst
      return 0;
    case 0x8: // mix
      return 0x7351_6240;
    case 0x9: // shuf
      return 0x7362_5140;
    case 0xa: // alt
      return 0x7531_6420;
    default: // rev
      return 0x0123_4567;
  }
}

export function op_mux1(base: u32, at: u32): bool {
  const a: u64 = gr(base, B(at));
  const type: u32 = D(at);
  if (type != 0 && (type < 8 || type > 11)) return illegal(base, at);
  let result: u64 = 0;
  const order: u32 = permutation(type);
  for (let lane: u32 = 0; lane < 8; lane++) {
    result |= put(lane, 8, laneU(a, (order >>> (lane << 2)) & 7, 8));
  }
  setGr(base, A(at), result);
  return true;
}

export function op_mux2(base: u32, at: u32): bool {
  const a: u64 = gr(base, B(at));
  let result: u64 = 0;
  for (let lane: u32 = 0; lane < 4; lane++) result |= put(lane, 16, laneU(a, (D(at) >>> (lane << 1)) & 3, 16));
  setGr(base, A(at), result);
  return true;
}

function shiftLeft(value: u64, count: u64, size: u32): u64 {
  if (count >= size) return 0;
  let result: u64 = 0;
  for (let lane: u32 = 0; lane * size < 64; lane++) result |= put(lane, size, laneU(value, lane, size) << count);
  return result;
}

function shiftRight(value: u64, count: u64, size: u32, unsigned: bool): u64 {
  if (count >= size) {
    if (unsigned) return 0;
    count = size - 1;
  }
  let result: u64 = 0;
  for (let lane: u32 = 0; lane * size < 64; lane++) {
    result |= put(lane, size, (unsigned ? laneU(value, lane, size) : laneS(value, lane, size)) >> count);
  }
  return result;
}

// @ts-ignore: decorator
@inline
function shiftedRight(base: u32, at: u32, count: u64, size: u32, unsigned: bool): bool {
  setGr(base, A(at), shiftRight(gr(base, C(at)), count, size, unsigned));
  return true;
}

// @ts-ignore: decorator
@inline
function shiftedLeft(base: u32, at: u32, count: u64, size: u32): bool {
  setGr(base, A(at), shiftLeft(gr(base, B(at)), count, size));
  return true;
}

export function op_pshr2(base: u32, at: u32): bool { return shiftedRight(base, at, gr(base, B(at)), 16, false); }
export function op_pshr4(base: u32, at: u32): bool { return shiftedRight(base, at, gr(base, B(at)), 32, false); }
export function op_pshr2_u(base: u32, at: u32): bool { return shiftedRight(base, at, gr(base, B(at)), 16, true); }
export function op_pshr4_u(base: u32, at: u32): bool { return shiftedRight(base, at, gr(base, B(at)), 32, true); }
export function op_pshr2_i(base: u32, at: u32): bool { return shiftedRight(base, at, D(at), 16, false); }
export function op_pshr4_i(base: u32, at: u32): bool { return shiftedRight(base, at, D(at), 32, false); }
export function op_pshr2_u_i(base: u32, at: u32): bool { return shiftedRight(base, at, D(at), 16, true); }
export function op_pshr4_u_i(base: u32, at: u32): bool { return shiftedRight(base, at, D(at), 32, true); }
export function op_pshl2(base: u32, at: u32): bool { return shiftedLeft(base, at, gr(base, C(at)), 16); }
export function op_pshl4(base: u32, at: u32): bool { return shiftedLeft(base, at, gr(base, C(at)), 32); }
/** The field holds the complement of the count. */
export function op_pshl2_i(base: u32, at: u32): bool { return shiftedLeft(base, at, 31 - D(at), 16); }
export function op_pshl4_i(base: u32, at: u32): bool { return shiftedLeft(base, at, 31 - D(at), 32); }

/** Index of the first zero lane from the left or the right; the number of lanes when there is none. */
function zeroIndex(base: u32, at: u32, size: u32, left: bool): bool {
  const value: u64 = gr(base, C(at));
  const lanes: u32 = 64 / size;
  let index: u32 = 0;
  while (index < lanes && laneU(value, left ? lanes - 1 - index : index, size) != 0) index++;
  setGr(base, A(at), index);
  return true;
}

export function op_czx1_l(base: u32, at: u32): bool { return zeroIndex(base, at, 8, true); }
export function op_czx2_l(base: u32, at: u32): bool { return zeroIndex(base, at, 16, true); }
export function op_czx1_r(base: u32, at: u32): bool { return zeroIndex(base, at, 8, false); }
export function op_czx2_r(base: u32, at: u32): bool { return zeroIndex(base, at, 16, false); }
