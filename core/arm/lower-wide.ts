// SPDX-License-Identifier: MIT
//
// Decoding what came with versions 6 and 7: Thumb-2's forms of data processing, loads and stores, and what it shares with
// the ARM instruction set.
import {
  CALL_extend,
  CALL_ldst_wide,
  CALL_orn_i,
  CALL_sbfx_slow,
  ID_ADR_ALIGNED,
  ID_B_FAR,
  ID_B_NEAR,
  ID_CBNZ,
  ID_CBZ,
  ID_DP_IMM,
  ID_IT,
  ID_MOVT,
  ID_SBFX,
  ID_SXTB,
  ID_SXTH,
  ID_UBFX,
  ID_UXTB,
  ID_UXTH,
} from './gen/ids';
import {
  LS_LDR,
  LS_LDRB,
  LS_LDRH,
  LS_LDRSB,
  LS_LDRSH,
  LS_STR,
  LS_STRB,
  LS_STRH,
  branch,
  call,
  displacementWide,
  dpImmediate,
  loadStoreImmediate,
  loadStoreRegister,
  put,
  setCondition,
  undefinedInstruction,
} from './lower';

const OP_ORR: u32 = 12;
const OP_MOV: u32 = 13;
const OP_MVN: u32 = 15;

// --- What both instruction sets have

/** SXTB and its like: without addition and rotation the loop does them. */
export function lower_extend(op: u32): void {
  const rd: u32 = (op >>> 12) & 15;
  const rm: u32 = op & 15;
  const type: u32 = (op >>> 20) & 7;
  if (((op >>> 16) & 15) != 15 || (op & 0xc00) != 0 || (type & 3) == 0 || rd == 15 || rm == 15) {
    call(CALL_extend, op);
    return;
  }
  put((type & 4) != 0 ? ((type & 1) != 0 ? ID_UXTH : ID_UXTB) : (type & 1) != 0 ? ID_SXTH : ID_SXTB, rd, rm, 0);
}

function bitField(id: u32, op: u32): void {
  const rd: u32 = (op >>> 12) & 15;
  const rm: u32 = op & 15;
  const lsb: u32 = (op >>> 7) & 31;
  const width: u32 = ((op >>> 16) & 31) + 1;
  // The rest is unpredictable.
  if (lsb + width > 32 || rd == 15 || rm == 15) call(CALL_sbfx_slow, op);
  else put(id, rd, rm, (32 - lsb - width) | ((32 - width) << 8));
}

export function lower_sbfx(op: u32): void {
  bitField(ID_SBFX, op);
}

export function lower_ubfx(op: u32): void {
  bitField(ID_UBFX, op);
}

// @ts-ignore: decorator
@inline
function immediate16(op: u32): u32 {
  return ((op >>> 4) & 0xf000) | (op & 0xfff);
}

export function lower_movw(op: u32): void {
  const rd: u32 = (op >>> 12) & 15;
  if (rd == 15) undefinedInstruction(op);
  else dpImmediate(OP_MOV, 0, rd, 0, immediate16(op), 0);
}

export function lower_movt(op: u32): void {
  const rd: u32 = (op >>> 12) & 15;
  if (rd == 15) undefinedInstruction(op);
  else put(ID_MOVT, rd, 0, immediate16(op) << 16);
}

// --- If-then, compare and branch

/** The operand is the state of the first instruction of the block. */
export function lower_it(op: u32): void {
  put(ID_IT, 0, 0, op & 0xff);
}

export function lower_cbz(op: u32): void {
  const displacement: u32 = (((op >>> 3) & 0x40) | ((op >>> 2) & 0x3e)) + 4;
  branchIf((op & 0x800) != 0 ? ID_CBNZ : ID_CBZ, op & 7, displacement);
}

/** The target of CBZ may be in the next page; the loop looks. */
function branchIf(id: u32, rn: u32, displacement: u32): void {
  put(id, 0, rn, displacement);
}

export function lower_b_wide(op: u32): void {
  branch(ID_B_NEAR, ID_B_FAR, displacementWide(op) + 4);
}

export function lower_b_cond_wide(op: u32): void {
  const condition: u32 = (op >>> 22) & 15;
  if (condition >= 14) {
    undefinedInstruction(op);
    return;
  }
  setCondition(condition);
  const high: u32 = <u32>(-(<i32>((op >>> 26) & 1)) << 20);
  const j: u32 = (((op >>> 11) & 1) << 19) | (((op >>> 13) & 1) << 18);
  branch(ID_B_NEAR, ID_B_FAR, (high | j | (((op >>> 16) & 0x3f) << 12) | ((op & 0x7ff) << 1)) + 4);
}

// --- Data processing with Thumb's immediates

// @ts-ignore: decorator
@inline
function immediate12(op: u32): u32 {
  return ((op >>> 15) & 0x800) | ((op >>> 4) & 0x700) | (op & 0xff);
}

/** ARM's number of a Thumb operation, 16 for ORN, or 255 [ARM ARM] A6.3.1. */
function operationOf(op: u32): u32 {
  const first: bool = ((op >>> 16) & 15) == 15;
  switch ((op >>> 21) & 15) {
    case 0:
      return 0;
    case 1:
      return 14;
    case 2:
      return first ? OP_MOV : OP_ORR;
    case 3:
      return first ? OP_MVN : 16;
    case 4:
      return 1;
    case 8:
      return 4;
    case 10:
      return 5;
    case 11:
      return 6;
    case 13:
      return 2;
    case 14:
      return 3;
    default:
      return 255;
  }
}

/** The test that an operation is when its result goes nowhere. */
// @ts-ignore: decorator
@inline
function testOf(operation: u32): u32 {
  return operation == 0 ? 8 : operation == 1 ? 9 : operation == 4 ? 11 : 10;
}

export function lower_dp_it(op: u32): void {
  const s: u32 = (op >>> 20) & 1;
  const rn: u32 = (op >>> 16) & 15;
  let rd: u32 = (op >>> 8) & 15;
  const encoded: u32 = immediate12(op);
  let value: u32 = encoded & 0xff;
  let carry: u32 = 0;
  switch (encoded >>> 8) {
    case 0:
      break;
    case 1:
      value |= value << 16;
      break;
    case 2:
      value = (value << 8) | (value << 24);
      break;
    case 3:
      value *= 0x0101_0101;
      break;
    default:
      value = rotr<u32>(value | 0x80, encoded >>> 7);
      carry = 1;
      break;
  }
  let operation: u32 = operationOf(op);
  if (operation == 16) {
    // OR with the complement; the carry is that of the operand itself.
    if (carry != 0 && s != 0) {
      call(CALL_orn_i, op);
      return;
    }
    operation = OP_ORR;
    value = ~value;
  }
  if (rd == 15 && s != 0 && (operation == 0 || operation == 1 || operation == 2 || operation == 4)) {
    operation = testOf(operation);
    rd = 0;
  }
  if (operation == 255 || rd == 15 || (rn == 15 && operation != OP_MOV && operation != OP_MVN)) undefinedInstruction(op);
  else dpImmediate(operation, s, rd, rn == 15 ? 0 : rn, value, carry);
}

/** ADDW, SUBW and ADR. */
export function lower_addw(op: u32): void {
  const rn: u32 = (op >>> 16) & 15;
  const rd: u32 = (op >>> 8) & 15;
  const subtracts: bool = (op & 0x0080_0000) != 0;
  const value: u32 = immediate12(op);
  if (rd == 15) undefinedInstruction(op);
  else if (rn == 15) put(ID_ADR_ALIGNED, rd, 0, subtracts ? 0 - value : value);
  else put(ID_DP_IMM + ((subtracts ? 2 : 4) << 1), rd, rn, value);
}

// --- Loads and stores

/** LS_* of a Thumb-2 load or store. */
function kindOf(op: u32): u32 {
  const size: u32 = (op >>> 21) & 3;
  if ((op & 0x0010_0000) == 0) return size == 0 ? LS_STRB : size == 1 ? LS_STRH : LS_STR;
  if ((op & 0x0100_0000) != 0) return size == 0 ? LS_LDRSB : LS_LDRSH;
  return size == 0 ? LS_LDRB : size == 1 ? LS_LDRH : LS_LDR;
}

/** Register numbers and P, U, W where ARM instructions have them. */
// @ts-ignore: decorator
@inline
function armForm(op: u32, puw: u32): u32 {
  return (((puw >>> 1) & 3) << 23) | ((puw & 1) << 21) | (op & 0x000f_f000);
}

export function lower_ls_w(op: u32): void {
  if (!loadStoreImmediate(armForm(op, 6), kindOf(op), op & 0xfff)) call(CALL_ldst_wide, op);
}

export function lower_ls_lit(op: u32): void {
  const puw: u32 = (op & 0x0080_0000) != 0 ? 6 : 4;
  if (!loadStoreImmediate(armForm(op, puw), kindOf(op), op & 0xfff)) call(CALL_ldst_wide, op);
}

export function lower_ls_rw(op: u32): void {
  if (!loadStoreRegister(armForm(op, 6) | (op & 15), kindOf(op), (op >>> 4) & 3)) call(CALL_ldst_wide, op);
}

export function lower_ls_iw(op: u32): void {
  const puw: u32 = (op >>> 8) & 7;
  if ((puw & 5) == 0) {
    undefinedInstruction(op);
    return;
  }
  // P and U without W: as user mode does it. Neither P: after the access, which ARM says without W.
  const form: u32 = armForm(op, (puw & 4) != 0 ? puw : puw & 6);
  if (puw == 6 || !loadStoreImmediate(form, kindOf(op), op & 0xff)) call(CALL_ldst_wide, op);
}
