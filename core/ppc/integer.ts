// SPDX-License-Identifier: MIT
//
// Integer arithmetic, logic, shifts, compares and traps [PEM §8], and condition register logic.
import { SRR1_TRAP } from './constants';
import { programException } from './exceptions';
import { rA, rB, rT, setA, setT, simm, uimm } from './fields';
import { MASK_BASE } from './layout';
import { CR_BASE, cpu, crField, setCrField } from './state';

/** LT GT EQ as a CR field. */
// @ts-ignore: decorator
@inline
function compareSigned(a: i32, b: i32): u32 {
  return 8 >> (<u32>(a >= b) + <u32>(a == b));
}

// @ts-ignore: decorator
@inline
function compareUnsigned(a: u32, b: u32): u32 {
  return 8 >> (<u32>(a >= b) + <u32>(a == b));
}

/** CR0 for a result. */
// @ts-ignore: decorator
@inline
export function setCr0(value: u32): void {
  store<u8>(CR_BASE, compareSigned(<i32>value, 0) | cpu.xer_so);
}

// @ts-ignore: decorator
@inline
function record(op: u32, value: u32): void {
  if (op & 1) setCr0(value);
}

// @ts-ignore: decorator
@inline
export function hasOe(op: u32): bool {
  return (op & 0x400) != 0;
}

// @ts-ignore: decorator
@inline
export function setOverflow(overflow: u32): void {
  cpu.xer_ov = overflow;
  cpu.xer_so |= overflow;
}

/** Mask of ones from bit MB to bit ME, around the end when MB > ME. */
// @ts-ignore: decorator
@inline
function rotateMask(op: u32): u32 {
  return load<u32>((op & 0x7fe) << 1, MASK_BASE);
}

export function initMasks(): void {
  for (let mb: u32 = 0; mb < 32; mb++) {
    for (let me: u32 = 0; me < 32; me++) {
      const span: u32 = (<u32>-1 >>> mb) ^ ((<u32>-1 >>> me) >>> 1);
      store<u32>(MASK_BASE + (((mb << 5) | me) << 2), mb > me ? ~span : span);
    }
  }
}

/** rD = a + b + carry, with everything that records it. */
// @ts-ignore: decorator
@inline
function addExtended(op: u32, a: u32, b: u32, carry: u32): void {
  const partial: u32 = a + b;
  const sum: u32 = partial + carry;
  cpu.xer_ca = <u32>(partial < a) | <u32>(sum < partial);
  setT(op, sum);
  if (hasOe(op)) setOverflow(((a ^ sum) & (b ^ sum)) >>> 31);
  record(op, sum);
}

// --- D-form arithmetic

// @ts-ignore: decorator
@inline
export function op_addi(op: u32): void {
  setT(op, select<u32>(rA(op), 0, op & 0x001f_0000) + <u32>simm(op));
}

/** addi with r0: see variants.decode. */
// @ts-ignore: decorator
@inline
export function op_li(op: u32): void {
  setT(op, <u32>simm(op));
}

// @ts-ignore: decorator
@inline
export function op_addis(op: u32): void {
  setT(op, select<u32>(rA(op), 0, op & 0x001f_0000) + (op << 16));
}

// @ts-ignore: decorator
@inline
export function op_addic(op: u32): void {
  const a: u32 = rA(op);
  const sum: u32 = a + <u32>simm(op);
  cpu.xer_ca = <u32>(sum < a);
  setT(op, sum);
}

// @ts-ignore: decorator
@inline
export function op_addic_rc(op: u32): void {
  const a: u32 = rA(op);
  const sum: u32 = a + <u32>simm(op);
  cpu.xer_ca = <u32>(sum < a);
  setT(op, sum);
  setCr0(sum);
}

// @ts-ignore: decorator
@inline
export function op_subfic(op: u32): void {
  const a: u32 = rA(op);
  const b: u32 = <u32>simm(op);
  cpu.xer_ca = <u32>(b >= a);
  setT(op, b - a);
}

// @ts-ignore: decorator
@inline
export function op_mulli(op: u32): void {
  setT(op, rA(op) * <u32>simm(op));
}

// @ts-ignore: decorator
@inline
export function op_cmpi(op: u32): void {
  setCrField((op >>> 23) & 7, compareSigned(<i32>rA(op), simm(op)) | cpu.xer_so);
}

// @ts-ignore: decorator
@inline
export function op_cmpli(op: u32): void {
  setCrField((op >>> 23) & 7, compareUnsigned(rA(op), uimm(op)) | cpu.xer_so);
}

// @ts-ignore: decorator
@inline
export function op_cmp(op: u32): void {
  setCrField((op >>> 23) & 7, compareSigned(<i32>rA(op), <i32>rB(op)) | cpu.xer_so);
}

// @ts-ignore: decorator
@inline
export function op_cmpl(op: u32): void {
  setCrField((op >>> 23) & 7, compareUnsigned(rA(op), rB(op)) | cpu.xer_so);
}

// --- XO-form arithmetic

// @ts-ignore: decorator
@inline
export function op_add(op: u32): void {
  const a: u32 = rA(op);
  const b: u32 = rB(op);
  const sum: u32 = a + b;
  setT(op, sum);
  if (op & 0x401) {
    if (hasOe(op)) setOverflow(((a ^ sum) & (b ^ sum)) >>> 31);
    record(op, sum);
  }
}

// @ts-ignore: decorator
@inline
export function op_subf(op: u32): void {
  const a: u32 = rA(op);
  const b: u32 = rB(op);
  const difference: u32 = b - a;
  setT(op, difference);
  if (op & 0x401) {
    if (hasOe(op)) setOverflow(((a ^ b) & (b ^ difference)) >>> 31);
    record(op, difference);
  }
}

// @ts-ignore: decorator
@inline
export function op_addc(op: u32): void {
  addExtended(op, rA(op), rB(op), 0);
}

// @ts-ignore: decorator
@inline
export function op_adde(op: u32): void {
  addExtended(op, rA(op), rB(op), cpu.xer_ca);
}

// @ts-ignore: decorator
@inline
export function op_addme(op: u32): void {
  addExtended(op, rA(op), <u32>-1, cpu.xer_ca);
}

// @ts-ignore: decorator
@inline
export function op_addze(op: u32): void {
  addExtended(op, rA(op), 0, cpu.xer_ca);
}

// @ts-ignore: decorator
@inline
export function op_subfc(op: u32): void {
  addExtended(op, ~rA(op), rB(op), 1);
}

// @ts-ignore: decorator
@inline
export function op_subfe(op: u32): void {
  addExtended(op, ~rA(op), rB(op), cpu.xer_ca);
}

// @ts-ignore: decorator
@inline
export function op_subfme(op: u32): void {
  addExtended(op, ~rA(op), <u32>-1, cpu.xer_ca);
}

// @ts-ignore: decorator
@inline
export function op_subfze(op: u32): void {
  addExtended(op, ~rA(op), 0, cpu.xer_ca);
}

// @ts-ignore: decorator
@inline
export function op_neg(op: u32): void {
  const a: u32 = rA(op);
  setT(op, 0 - a);
  if (hasOe(op)) setOverflow(<u32>(a == 0x8000_0000));
  record(op, 0 - a);
}

// @ts-ignore: decorator
@inline
export function op_mullw(op: u32): void {
  const a: i32 = <i32>rA(op);
  const b: i32 = <i32>rB(op);
  const product: i32 = a * b;
  setT(op, <u32>product);
  if (op & 0x401) {
    if (hasOe(op)) setOverflow(<u32>(<i64>a * <i64>b != <i64>product));
    record(op, <u32>product);
  }
}

// @ts-ignore: decorator
@inline
export function op_mulhw(op: u32): void {
  const high: u32 = <u32>((<i64>(<i32>rA(op)) * <i64>(<i32>rB(op))) >>> 32);
  setT(op, high);
  record(op, high);
}

// @ts-ignore: decorator
@inline
export function op_mulhwu(op: u32): void {
  const high: u32 = <u32>((<u64>rA(op) * <u64>rB(op)) >>> 32);
  setT(op, high);
  record(op, high);
}

export function op_divw(op: u32): void {
  const a: i32 = <i32>rA(op);
  const b: i32 = <i32>rB(op);
  const overflow: bool = b == 0 || (a == i32.MIN_VALUE && b == -1);
  // Undefined by the architecture; this is what the hardware gives.
  const quotient: u32 = overflow ? (a < 0 ? <u32>-1 : 0) : <u32>(a / b);
  setT(op, quotient);
  if (hasOe(op)) setOverflow(<u32>overflow);
  record(op, quotient);
}

export function op_divwu(op: u32): void {
  const b: u32 = rB(op);
  const quotient: u32 = b == 0 ? 0 : rA(op) / b;
  setT(op, quotient);
  if (hasOe(op)) setOverflow(<u32>(b == 0));
  record(op, quotient);
}

// --- Logic

// @ts-ignore: decorator
@inline
export function op_ori(op: u32): void {
  setA(op, rT(op) | uimm(op));
}

// @ts-ignore: decorator
@inline
export function op_oris(op: u32): void {
  setA(op, rT(op) | (op << 16));
}

// @ts-ignore: decorator
@inline
export function op_xori(op: u32): void {
  setA(op, rT(op) ^ uimm(op));
}

// @ts-ignore: decorator
@inline
export function op_xoris(op: u32): void {
  setA(op, rT(op) ^ (op << 16));
}

// @ts-ignore: decorator
@inline
export function op_andi_rc(op: u32): void {
  const value: u32 = rT(op) & uimm(op);
  setA(op, value);
  setCr0(value);
}

// @ts-ignore: decorator
@inline
export function op_andis_rc(op: u32): void {
  const value: u32 = rT(op) & (op << 16);
  setA(op, value);
  setCr0(value);
}

// @ts-ignore: decorator
@inline
function logical(op: u32, value: u32): void {
  setA(op, value);
  record(op, value);
}

// @ts-ignore: decorator
@inline
export function op_and(op: u32): void {
  logical(op, rT(op) & rB(op));
}

// @ts-ignore: decorator
@inline
export function op_andc(op: u32): void {
  logical(op, rT(op) & ~rB(op));
}

// @ts-ignore: decorator
@inline
export function op_or(op: u32): void {
  logical(op, rT(op) | rB(op));
}

// @ts-ignore: decorator
@inline
export function op_orc(op: u32): void {
  logical(op, rT(op) | ~rB(op));
}

// @ts-ignore: decorator
@inline
export function op_xor(op: u32): void {
  logical(op, rT(op) ^ rB(op));
}

// @ts-ignore: decorator
@inline
export function op_eqv(op: u32): void {
  logical(op, ~(rT(op) ^ rB(op)));
}

// @ts-ignore: decorator
@inline
export function op_nand(op: u32): void {
  logical(op, ~(rT(op) & rB(op)));
}

// @ts-ignore: decorator
@inline
export function op_nor(op: u32): void {
  logical(op, ~(rT(op) | rB(op)));
}

// @ts-ignore: decorator
@inline
export function op_extsb(op: u32): void {
  logical(op, <u32>(<i32>(<i8>rT(op))));
}

// @ts-ignore: decorator
@inline
export function op_extsh(op: u32): void {
  logical(op, <u32>(<i32>(<i16>rT(op))));
}

// @ts-ignore: decorator
@inline
export function op_cntlzw(op: u32): void {
  logical(op, clz<u32>(rT(op)));
}

// --- Rotates and shifts

// @ts-ignore: decorator
@inline
export function op_rlwinm(op: u32): void {
  logical(op, rotl<u32>(rT(op), op >>> 11) & rotateMask(op));
}

// @ts-ignore: decorator
@inline
export function op_rlwnm(op: u32): void {
  logical(op, rotl<u32>(rT(op), rB(op)) & rotateMask(op));
}

// @ts-ignore: decorator
@inline
export function op_rlwimi(op: u32): void {
  const mask: u32 = rotateMask(op);
  logical(op, (rotl<u32>(rT(op), op >>> 11) & mask) | (rA(op) & ~mask));
}

// @ts-ignore: decorator
@inline
export function op_slw(op: u32): void {
  const n: u32 = rB(op);
  logical(op, select<u32>(0, rT(op) << n, n & 32));
}

// @ts-ignore: decorator
@inline
export function op_srw(op: u32): void {
  const n: u32 = rB(op);
  logical(op, select<u32>(0, rT(op) >>> n, n & 32));
}

/** CA is set when a negative value loses ones. */
// @ts-ignore: decorator
@inline
function shiftRightAlgebraic(op: u32, n: u32): void {
  const value: i32 = <i32>rT(op);
  const lost: u32 = select<u32>(<u32>-1, (<u32>1 << n) - 1, n & 32);
  cpu.xer_ca = <u32>(value < 0) & <u32>((<u32>value & lost) != 0);
  logical(op, <u32>(value >> select<u32>(31, n, n & 32)));
}

// @ts-ignore: decorator
@inline
export function op_sraw(op: u32): void {
  shiftRightAlgebraic(op, rB(op) & 63);
}

// @ts-ignore: decorator
@inline
export function op_srawi(op: u32): void {
  shiftRightAlgebraic(op, (op >>> 11) & 31);
}

// --- Condition register

// @ts-ignore: decorator
@inline
export function crBit(n: u32): u32 {
  return (crField(n >>> 2) >>> (~n & 3)) & 1;
}

// @ts-ignore: decorator
@inline
function setCrBit(n: u32, bit: u32): void {
  const shift: u32 = ~n & 3;
  setCrField(n >>> 2, (crField(n >>> 2) & ~(1 << shift)) | (bit << shift));
}

// @ts-ignore: decorator
@inline
function crA(op: u32): u32 {
  return crBit((op >>> 16) & 31);
}

// @ts-ignore: decorator
@inline
function crB(op: u32): u32 {
  return crBit((op >>> 11) & 31);
}

// @ts-ignore: decorator
@inline
function setCrT(op: u32, bit: u32): void {
  setCrBit((op >>> 21) & 31, bit);
}

// @ts-ignore: decorator
@inline
export function op_crand(op: u32): void {
  setCrT(op, crA(op) & crB(op));
}

// @ts-ignore: decorator
@inline
export function op_crandc(op: u32): void {
  setCrT(op, crA(op) & (crB(op) ^ 1));
}

// @ts-ignore: decorator
@inline
export function op_cror(op: u32): void {
  setCrT(op, crA(op) | crB(op));
}

// @ts-ignore: decorator
@inline
export function op_crorc(op: u32): void {
  setCrT(op, crA(op) | (crB(op) ^ 1));
}

// @ts-ignore: decorator
@inline
export function op_crxor(op: u32): void {
  setCrT(op, crA(op) ^ crB(op));
}

// @ts-ignore: decorator
@inline
export function op_creqv(op: u32): void {
  setCrT(op, crA(op) ^ crB(op) ^ 1);
}

// @ts-ignore: decorator
@inline
export function op_crnand(op: u32): void {
  setCrT(op, (crA(op) & crB(op)) ^ 1);
}

// @ts-ignore: decorator
@inline
export function op_crnor(op: u32): void {
  setCrT(op, (crA(op) | crB(op)) ^ 1);
}

// @ts-ignore: decorator
@inline
export function op_mcrf(op: u32): void {
  setCrField((op >>> 23) & 7, crField((op >>> 18) & 7));
}

/** The condition register as one word. */
export function cr(): u32 {
  let value: u32 = 0;
  for (let n: u32 = 0; n < 8; n++) value = (value << 4) | crField(n);
  return value;
}

export function setCr(value: u32): void {
  for (let n: u32 = 0; n < 8; n++) setCrField(n, (value >>> (28 - (n << 2))) & 15);
}

export function op_mfcr(op: u32): void {
  setT(op, cr());
}

export function op_mtcrf(op: u32): void {
  const value: u32 = rT(op);
  for (let n: u32 = 0; n < 8; n++) {
    if (op & (0x80000 >>> n)) setCrField(n, (value >>> (28 - (n << 2))) & 15);
  }
}

export function op_mcrxr(op: u32): void {
  setCrField((op >>> 23) & 7, (cpu.xer_so << 3) | (cpu.xer_ov << 2) | (cpu.xer_ca << 1));
  cpu.xer_so = cpu.xer_ov = cpu.xer_ca = 0;
}

// --- Traps

function trap(op: u32, a: i32, b: i32): void {
  const to: u32 = op >>> 21;
  if (
    ((to & 16) != 0 && a < b) ||
    ((to & 8) != 0 && a > b) ||
    ((to & 4) != 0 && a == b) ||
    ((to & 2) != 0 && <u32>a < <u32>b) ||
    ((to & 1) != 0 && <u32>a > <u32>b)
  ) {
    programException(SRR1_TRAP);
  }
}

export function op_tw(op: u32): void {
  trap(op, <i32>rA(op), <i32>rB(op));
}

export function op_twi(op: u32): void {
  trap(op, <i32>rA(op), simm(op));
}
