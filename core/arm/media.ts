// SPDX-License-Identifier: MIT
//
// Instructions that versions 6 and 7 added: parallel arithmetic, packing, saturation, bit fields, dual multiplies
// [ARM ARM] A4.4. Operands are those of the ARM instruction.
import { addQ, half } from './dp';
import { undefinedException } from './exceptions';
import { ASR, LSL, shift } from './shifter';
import { cpu, gpr, run, setGpr } from './state';

// @ts-ignore: decorator
@inline
function rd(op: u32): u32 {
  return (op >>> 12) & 15;
}

// @ts-ignore: decorator
@inline
function rnValue(op: u32): u32 {
  return gpr((op >>> 16) & 15);
}

// @ts-ignore: decorator
@inline
function rmValue(op: u32): u32 {
  return gpr(op & 15);
}

// --- Parallel addition and subtraction

const SIGNED: u32 = 1;
const SATURATING: u32 = 2;
const HALVING: u32 = 3;

/** One lane of `bits` bits: the result of a sum or difference as the prefix says; GE bits of a plain one. */
function lane(prefix: u32, sum: i32, bits: u32, subtracts: bool): u32 {
  const mask: u32 = (1 << bits) - 1;
  switch (prefix & 3) {
    case SATURATING:
      if ((prefix & 4) != 0) return <u32>max<i32>(0, min<i32>(sum, <i32>mask));
      return <u32>max<i32>(-(<i32>1 << (bits - 1)), min<i32>(sum, <i32>(mask >>> 1))) & mask;
    case HALVING:
      return <u32>(sum >> 1) & mask;
    default: {
      const ge: bool = (prefix & 4) != 0 && !subtracts ? sum > <i32>mask : sum >= 0;
      geBits = (geBits >>> (bits >>> 3)) | (ge ? (bits == 16 ? 12 : 8) : 0);
      return <u32>sum & mask;
    }
  }
}

let geBits: u32 = 0;

// @ts-ignore: decorator
@inline
function laneValue(value: u32, n: u32, bits: u32, unsigned: bool): i32 {
  const up: u32 = 32 - bits - n * bits;
  return unsigned ? <i32>((value << up) >>> (32 - bits)) : <i32>(value << up) >> (32 - bits);
}

export function op_parallel(op: u32): void {
  const prefix: u32 = (op >>> 20) & 7;
  const unsigned: bool = (prefix & 4) != 0;
  const a: u32 = rnValue(op);
  const b: u32 = rmValue(op);
  const kind: u32 = (op >>> 5) & 7;
  const bits: u32 = kind >= 4 ? 8 : 16;
  let result: u32 = 0;
  geBits = 0;
  for (let n: u32 = 0; n * bits < 32; n++) {
    // ASX and SAX exchange the halfwords of the second operand, and add in one lane only.
    const exchanges: bool = kind == 1 || kind == 2;
    const subtracts: bool = kind == 3 || kind == 7 || (kind == 1 && n == 0) || (kind == 2 && n == 1);
    const x: i32 = laneValue(a, n, bits, unsigned);
    const y: i32 = laneValue(b, exchanges ? 1 - n : n, bits, unsigned);
    result |= lane(prefix, subtracts ? x - y : x + y, bits, subtracts) << (n * bits);
  }
  if ((prefix & 3) == SIGNED) cpu.cc_ge = geBits;
  setGpr(rd(op), result);
}

export function op_sel(op: u32): void {
  const ge: u32 = cpu.cc_ge;
  const mask: u32 = ((ge & 1) * 0xff) | (((ge >>> 1) & 1) * 0xff00) | (((ge >>> 2) & 1) * 0xff_0000) | ((ge >>> 3) * 0xff00_0000);
  setGpr(rd(op), (rnValue(op) & mask) | (rmValue(op) & ~mask));
}

// --- Packing and unpacking

export function op_pkh(op: u32): void {
  const amount: u32 = (op >>> 7) & 31;
  if ((op & 0x40) != 0) {
    const low: u32 = shift(rmValue(op), ASR, amount == 0 ? 32 : amount);
    setGpr(rd(op), (rnValue(op) & 0xffff_0000) | (low & 0xffff));
  } else {
    setGpr(rd(op), (rnValue(op) & 0xffff) | ((rmValue(op) << amount) & 0xffff_0000));
  }
}

/** SXTAB and its like, with addition and rotation. */
export function op_extend(op: u32): void {
  const rn: u32 = (op >>> 16) & 15;
  const value: u32 = rotr<u32>(rmValue(op), (op >>> 7) & 24);
  const base: u32 = rn == 15 ? 0 : gpr(rn);
  let r: u32;
  switch ((op >>> 20) & 7) {
    case 0:
      r = pair(base, <u32>(<i32>(<i8>value)), <u32>(<i32>(<i8>(value >>> 16))));
      break;
    case 2:
      r = base + <u32>(<i32>(<i8>value));
      break;
    case 3:
      r = base + <u32>(<i32>(<i16>value));
      break;
    case 4:
      r = pair(base, value & 0xff, (value >>> 16) & 0xff);
      break;
    case 6:
      r = base + (value & 0xff);
      break;
    default:
      r = base + (value & 0xffff);
      break;
  }
  setGpr(rd(op), r);
}

/** Halfwords added to those of `base`. */
// @ts-ignore: decorator
@inline
function pair(base: u32, low: u32, high: u32): u32 {
  return ((base + low) & 0xffff) | ((((base >>> 16) + high) & 0xffff) << 16);
}

// --- Saturation

function signedSaturate(value: i32, bits: u32): u32 {
  const top: i32 = <i32>((<u32>1 << (bits - 1)) - 1);
  if (value > top) {
    cpu.cc_q = 1;
    return <u32>top;
  }
  if (value < -top - 1) {
    cpu.cc_q = 1;
    return <u32>(-top - 1);
  }
  return <u32>value;
}

function unsignedSaturate(value: i32, bits: u32): u32 {
  const top: i32 = <i32>((<u32>1 << bits) - 1);
  if (value > top) {
    cpu.cc_q = 1;
    return <u32>top;
  }
  if (value < 0) {
    cpu.cc_q = 1;
    return 0;
  }
  return <u32>value;
}

/** The operand of SSAT and USAT. */
function saturated(op: u32): i32 {
  const amount: u32 = (op >>> 7) & 31;
  if ((op & 0x40) == 0) return <i32>shift(rmValue(op), LSL, amount);
  return <i32>shift(rmValue(op), ASR, amount == 0 ? 32 : amount);
}

export function op_ssat(op: u32): void {
  setGpr(rd(op), signedSaturate(saturated(op), ((op >>> 16) & 31) + 1));
}

export function op_usat(op: u32): void {
  setGpr(rd(op), unsignedSaturate(saturated(op), (op >>> 16) & 31));
}

export function op_ssat16(op: u32): void {
  const bits: u32 = ((op >>> 16) & 15) + 1;
  const low: u32 = signedSaturate(half(op & 15, 0), bits) & 0xffff;
  setGpr(rd(op), low | (signedSaturate(half(op & 15, 1), bits) << 16));
}

export function op_usat16(op: u32): void {
  const bits: u32 = (op >>> 16) & 15;
  const low: u32 = unsignedSaturate(half(op & 15, 0), bits);
  setGpr(rd(op), low | (unsignedSaturate(half(op & 15, 1), bits) << 16));
}

// --- Reversal and bit fields

export function op_rev(op: u32): void {
  setGpr(rd(op), bswap<u32>(rmValue(op)));
}

export function op_rev16(op: u32): void {
  const value: u32 = rmValue(op);
  setGpr(rd(op), ((value & 0x00ff_00ff) << 8) | ((value >>> 8) & 0x00ff_00ff));
}

export function op_revsh(op: u32): void {
  setGpr(rd(op), <u32>(<i32>(<i16>bswap<u16>(<u16>rmValue(op)))));
}

export function op_rbit(op: u32): void {
  let value: u32 = rmValue(op);
  value = ((value >>> 1) & 0x5555_5555) | ((value & 0x5555_5555) << 1);
  value = ((value >>> 2) & 0x3333_3333) | ((value & 0x3333_3333) << 2);
  value = ((value >>> 4) & 0x0f0f_0f0f) | ((value & 0x0f0f_0f0f) << 4);
  setGpr(rd(op), bswap<u32>(value));
}

/** BFI, and BFC from R15. */
export function op_bfi(op: u32): void {
  const lsb: u32 = (op >>> 7) & 31;
  const msb: u32 = (op >>> 16) & 31;
  if (msb < lsb || rd(op) == 15) {
    undefinedException(op);
    return;
  }
  const mask: u32 = (~(<u32>0) >>> (31 - (msb - lsb))) << lsb;
  const bits: u32 = (op & 15) == 15 ? 0 : rmValue(op) << lsb;
  setGpr(rd(op), (gpr(rd(op)) & ~mask) | (bits & mask));
}

/** Bit fields that go beyond the word, or name R15. */
export function op_sbfx_slow(op: u32): void {
  undefinedException(op);
}

/** ORNS with a rotated immediate. */
export function op_orn_i(op: u32): void {
  const encoded: u32 = ((op >>> 15) & 0x800) | ((op >>> 4) & 0x700) | (op & 0xff);
  const value: u32 = rotr<u32>((encoded & 0x7f) | 0x80, encoded >>> 7);
  const r: u32 = rnValue(op) | ~value;
  cpu.cc_n = cpu.cc_z = r;
  cpu.cc_c = value >>> 31;
  setGpr((op >>> 8) & 15, r);
}

/** ORN with a register; `op` is the Thumb instruction. */
export function op_orn_r(op: u32): void {
  let type: u32 = (op >>> 4) & 3;
  let amount: u32 = ((op >>> 10) & 28) | ((op >>> 6) & 3);
  if (amount == 0 && type != 0) {
    if (type == 3) type = 8;
    else amount = 32;
  }
  const r: u32 = rnValue(op) | ~shift(rmValue(op), type, amount);
  if ((op & 0x0010_0000) != 0) {
    cpu.cc_n = cpu.cc_z = r;
    cpu.cc_c = run.shift_carry;
  }
  setGpr((op >>> 8) & 15, r);
}

// --- Multiplication

/** The second operand's halfwords are exchanged first if bit 5 says so. */
// @ts-ignore: decorator
@inline
function product(op: u32, n: u32): i32 {
  return half(op & 15, n) * half((op >>> 8) & 15, n ^ ((op >>> 5) & 1));
}

export function op_smlad(op: u32): void {
  const ra: u32 = (op >>> 12) & 15;
  const low: i64 = <i64>product(op, 0);
  const high: i64 = <i64>product(op, 1);
  const sum: i64 = (op & 0x40) != 0 ? low - high : low + high;
  setGpr((op >>> 16) & 15, addQ(sum, ra == 15 ? 0 : <i64>(<i32>gpr(ra))));
}

export function op_smlald(op: u32): void {
  const low: i64 = <i64>product(op, 0);
  const high: i64 = <i64>product(op, 1);
  const sum: i64 = (op & 0x40) != 0 ? low - high : low + high;
  const lo: u32 = (op >>> 12) & 15;
  const hi: u32 = (op >>> 16) & 15;
  const r: u64 = ((<u64>gpr(hi) << 32) | <u64>gpr(lo)) + <u64>sum;
  setGpr(lo, <u32>r);
  setGpr(hi, <u32>(r >>> 32));
}

// @ts-ignore: decorator
@inline
function longProduct(op: u32): u64 {
  return <u64>(<i64>(<i32>rmValue(op)) * <i64>(<i32>gpr((op >>> 8) & 15)));
}

// @ts-ignore: decorator
@inline
function rounding(op: u32): u64 {
  return (op & 0x20) != 0 ? 0x8000_0000 : 0;
}

export function op_smmla(op: u32): void {
  const ra: u32 = (op >>> 12) & 15;
  const accumulator: u64 = ra == 15 ? 0 : <u64>gpr(ra) << 32;
  setGpr((op >>> 16) & 15, <u32>((accumulator + longProduct(op) + rounding(op)) >>> 32));
}

export function op_smmls(op: u32): void {
  const accumulator: u64 = <u64>gpr((op >>> 12) & 15) << 32;
  setGpr((op >>> 16) & 15, <u32>((accumulator - longProduct(op) + rounding(op)) >>> 32));
}

/** USAD8, and USADA8 unless the accumulator is R15. */
export function op_usada8(op: u32): void {
  const ra: u32 = (op >>> 12) & 15;
  const a: u32 = rmValue(op);
  const b: u32 = gpr((op >>> 8) & 15);
  let sum: u32 = ra == 15 ? 0 : gpr(ra);
  for (let n: u32 = 0; n < 32; n += 8) sum += <u32>abs<i32>(<i32>((a >>> n) & 0xff) - <i32>((b >>> n) & 0xff));
  setGpr((op >>> 16) & 15, sum);
}

export function op_umaal(op: u32): void {
  const lo: u32 = (op >>> 12) & 15;
  const hi: u32 = (op >>> 16) & 15;
  const r: u64 = <u64>rmValue(op) * <u64>gpr((op >>> 8) & 15) + <u64>gpr(hi) + <u64>gpr(lo);
  setGpr(lo, <u32>r);
  setGpr(hi, <u32>(r >>> 32));
}

export function op_mls(op: u32): void {
  setGpr((op >>> 16) & 15, gpr((op >>> 12) & 15) - rmValue(op) * gpr((op >>> 8) & 15));
}
