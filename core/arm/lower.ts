// SPDX-License-Identifier: MIT
//
// Decoding an instruction into its entry (code.ts): what the interpreter's loop does for it, with the operands worked
// out. Thumb instructions become the ARM instructions they are short for. What is rare, and whatever reads or writes
// R15 other than in a way that programs are full of, becomes a call with the instruction itself as operand.
import {
  FEATURE_A26,
  FEATURE_A32,
  FEATURE_V5,
  FEATURE_V7,
} from './constants';
import {
  A32_COUNT,
  A32_ROWS,
  T16_COUNT,
  T16_ROWS,
  T32_COUNT,
  T32_ROWS,
  UNCONDITIONAL_COUNT,
  UNCONDITIONAL_ROWS,
} from './gen/decode';
import {
  CALL_bl26,
  CALL_blx_reg_slow,
  CALL_dp,
  CALL_ldst,
  CALL_ldsth,
  CALL_movs_pc26,
  CALL_mul,
  ID_ADR,
  ID_ADR_ALIGNED,
  ID_B_FAR,
  ID_B_NEAR,
  ID_B_NEAR_COND,
  ID_BL_FAR,
  ID_BL_NEAR,
  ID_BLX_FAR,
  ID_BLX_REG,
  ID_BX,
  ID_BX_PC,
  ID_COND,
  ID_COND_WIDE,
  ID_DP_IMM,
  ID_DP_LSL,
  ID_DP_REG,
  ID_DP_SHIFT,
  ID_JUMP,
  ID_LDR_LITERAL,
  ID_LS_IMM,
  ID_LS_POST,
  ID_LS_PRE,
  ID_LS_REG,
  ID_MLA,
  ID_MOVS_ASR,
  ID_MOVS_LSL,
  ID_MOVS_LSR,
  ID_MUL,
  ID_NOP,
  ID_UNDEFINED,
  ID_WIDE,
} from './gen/ids';
import { lowerA32Row, lowerT16Row, lowerT32Row, lowerUnconditionalRow } from './gen/rows';
import { HINT_A32, HINT_T16, HINT_T32, HINT_UNCONDITIONAL } from './layout';
import { has, run } from './state';

// The instruction being decoded: its entry, place in its page, length and state.
let entry: u32 = 0;
export let offset: u32 = 0;
let wide: bool = false;
let thumb: bool = false;
let condition: u32 = 14;
let block: u32 = 0;

export const ALWAYS: u32 = 14;

/** Fills in the entry. */
export function put(id: u32, a: u32, b: u32, operand: u32, flag: u32 = 0): void {
  let first: u32 = id;
  if (condition < ALWAYS) {
    if (id == ID_B_NEAR && !wide) first = ID_B_NEAR_COND + condition;
    else first = (wide ? ID_COND_WIDE : ID_COND) + condition;
  } else if (wide) {
    first = ID_WIDE;
  }
  store<u32>(entry, operand);
  store<u32>(entry, first | (id << 10) | (a << 20) | (b << 24) | (flag << 28), 4);
}

// @ts-ignore: decorator
@inline
export function call(id: u32, op: u32): void {
  put(id, 0, 0, op);
}

export function undefinedInstruction(op: u32): void {
  put(ID_UNDEFINED, 0, 0, op);
}

// --- Finding rows

/**
 * The first row that matches, or -1. `hint` is where the first row worth trying is kept for all words that agree with
 * `op` in `classMask`.
 */
function find(op: u32, rows: usize, count: u32, hint: u32, classMask: u32): i32 {
  let row: u32 = load<u16>(hint);
  if (row == 0) {
    while (row < count && ((load<u32>(rows + (row << 4), 4) ^ op) & load<u32>(rows + (row << 4)) & classMask) != 0) row++;
    row++;
    store<u16>(hint, row);
  }
  for (row--; row < count; row++) {
    const at: usize = rows + (row << 4);
    if (((load<u32>(at, 4) ^ op) & load<u32>(at)) != 0) continue;
    const needs: u32 = load<u32>(at, 8);
    if ((run.features & needs) == needs) return row;
  }
  return -1;
}

function conditionalArm(op: u32): void {
  const hint: u32 = HINT_A32 + (((op >>> 16) & 0xff0) << 1) + (((op >>> 4) & 15) << 1);
  const row: i32 = find(op, A32_ROWS, A32_COUNT, hint, 0x0ff0_00f0);
  if (row < 0) undefinedInstruction(op);
  else lowerA32Row(row, op);
}

function unconditionalArm(op: u32): void {
  const hint: u32 = HINT_UNCONDITIONAL + (((op >>> 16) & 0xff0) << 1) + (((op >>> 4) & 15) << 1);
  const row: i32 = find(op, UNCONDITIONAL_ROWS, UNCONDITIONAL_COUNT, hint, 0x0ff0_00f0);
  if (row < 0) undefinedInstruction(op);
  else lowerUnconditionalRow(row, op);
}

/** The instruction `op` in ARM state, in the entry `at` of the word at `place` of its page. */
export function lowerArm(at: u32, op: u32, place: u32): void {
  entry = at;
  offset = place;
  wide = thumb = false;
  block = 0;
  condition = op >>> 28;
  if (!has(FEATURE_A32)) {
    condition = ALWAYS;
    undefinedInstruction(op);
  } else if (condition != 15) {
    conditionalArm(op);
  } else if (has(FEATURE_V5)) {
    unconditionalArm(op);
  } else {
    put(ID_NOP, 0, 0, 0);
  }
}

/** A Thumb instruction of one halfword, with if-then state `state`. */
export function lowerThumb(at: u32, op: u32, place: u32, state: u32): void {
  entry = at;
  offset = place;
  wide = false;
  thumb = true;
  block = state;
  condition = state != 0 ? state >>> 4 : ALWAYS;
  const row: i32 = find(op, T16_ROWS, T16_COUNT, HINT_T16 + ((op >>> 6) << 1), 0xffc0);
  if (row < 0) undefinedInstruction(op);
  else lowerT16Row(row, op);
}

/** A Thumb instruction of two halfwords. */
export function lowerWide(at: u32, op: u32, place: u32, state: u32): void {
  entry = at;
  offset = place;
  wide = thumb = true;
  block = state;
  condition = state != 0 ? state >>> 4 : ALWAYS;
  const hint: u32 = HINT_T32 + (((op >>> 16) & 0x1ff0) << 1) + (((op >>> 4) & 15) << 1);
  const row: i32 = find(op, T32_ROWS, T32_COUNT, hint, 0x1ff0_00f0);
  if (row < 0) undefinedInstruction(op);
  else lowerT32Row(row, op);
}

/** A Thumb instruction that is this ARM instruction. */
export function asArm(op: u32): void {
  if (op >>> 28 == 15) unconditionalArm(op);
  else conditionalArm(op);
}

/** The same, not setting the condition codes in an if-then block. */
export function asArmS(op: u32): void {
  conditionalArm(block != 0 ? op & ~0x0010_0000 : op);
}

/** 1 when the instruction is two bytes long; some entries have that in their flag. */
// @ts-ignore: decorator
@inline
export function narrow(): u32 {
  return <u32>(thumb && !wide);
}

// --- Data processing. The operation is bits 24-21 of an ARM instruction.

const OP_SUB: u32 = 2;
const OP_ADD: u32 = 4;
const OP_MOV: u32 = 13;

// @ts-ignore: decorator
@inline
function isTest(operation: u32): bool {
  return (operation & 12) == 8;
}

// @ts-ignore: decorator
@inline
function isMove(operation: u32): bool {
  return (operation & 13) == 13;
}

/** Whether R15 is an operand or the result of a data-processing instruction. `op` is the ARM instruction. */
function usesPc(op: u32): bool {
  const operation: u32 = (op >>> 21) & 15;
  if (((op >>> 16) & 15) == 15 && !isMove(operation)) return true;
  if (((op >>> 12) & 15) != 15) return false;
  return !isTest(operation) || !has(FEATURE_V5);
}

/** An operation with an immediate operand; `carry` when the carry flag becomes its bit 31. */
export function dpImmediate(operation: u32, s: u32, rd: u32, rn: u32, value: u32, carry: u32): void {
  put(ID_DP_IMM + (operation << 1) + s, rd, rn, value, carry);
}

export function lower_dp_i(op: u32): void {
  const operation: u32 = (op >>> 21) & 15;
  const s: u32 = (op >>> 20) & 1;
  const rd: u32 = (op >>> 12) & 15;
  const turn: u32 = (op >>> 7) & 30;
  const value: u32 = rotr<u32>(op & 0xff, turn);
  if (!usesPc(op)) {
    dpImmediate(operation, s, rd, (op >>> 16) & 15, value, <u32>(turn != 0));
  } else if ((operation == OP_ADD || operation == OP_SUB) && s == 0 && rd != 15) {
    put(ID_ADR_ALIGNED, rd, 0, operation == OP_ADD ? value : 0 - value, narrow());
  } else {
    call(CALL_dp, op);
  }
}

/** Operand word for a register shifted by a constant, in the form that `shifter` takes. */
export function shiftOperand(rm: u32, type: u32, amount: u32): u32 {
  if (amount == 0) {
    if (type == 3) type = 8;
    else if (type != 0) amount = 32;
  }
  return (rm << 2) | (type << 8) | (amount << 16);
}

export function lower_dp_r(op: u32): void {
  const operation: u32 = (op >>> 21) & 15;
  const s: u32 = (op >>> 20) & 1;
  const rd: u32 = (op >>> 12) & 15;
  const rm: u32 = op & 15;
  const type: u32 = (op >>> 5) & 3;
  const amount: u32 = (op >>> 7) & 31;
  const plain: bool = amount == 0 && type == 0;
  if (usesPc(op) || rm == 15) {
    if (operation == OP_MOV && s == 0 && plain && rd == 15 && rm != 15) {
      // In ARM state of version 7 every write to R15 may change the state.
      put(has(FEATURE_V7) && !thumb ? ID_BX : ID_JUMP, 0, 0, rm << 2);
    } else if (operation == OP_MOV && s != 0 && plain && rm != 15 && has(FEATURE_A26)) {
      call(CALL_movs_pc26, op);
    } else if (operation == OP_MOV && s == 0 && plain && rd != 15 && !has(FEATURE_A26)) {
      put(ID_ADR, rd, 0, 0);
    } else {
      call(CALL_dp, op);
    }
    return;
  }
  const rn: u32 = (op >>> 16) & 15;
  if (plain) {
    put(ID_DP_REG + (operation << 1) + s, rd, rn, rm << 2);
  } else if (s == 0 && type == 0) {
    put(ID_DP_LSL + operation, rd, rn, (rm << 2) | (amount << 8));
  } else if (s != 0 && operation == OP_MOV && type < 3 && (type == 0 || amount != 0)) {
    put(type == 0 ? ID_MOVS_LSL : type == 1 ? ID_MOVS_LSR : ID_MOVS_ASR, rd, 0, (rm << 2) | (amount << 8));
  } else {
    put(ID_DP_SHIFT + (operation << 1) + s, rd, rn, shiftOperand(rm, type, amount));
  }
}

export function lower_dp_s(op: u32): void {
  const rm: u32 = op & 15;
  const rs: u32 = (op >>> 8) & 15;
  if (usesPc(op) || rm == 15 || rs == 15) {
    call(CALL_dp, op);
    return;
  }
  const operand: u32 = (rm << 2) | ((((op >>> 5) & 3) | 4) << 8) | (rs << 18);
  put(ID_DP_SHIFT + ((op >>> 20) & 31), (op >>> 12) & 15, (op >>> 16) & 15, operand);
}

export function lower_mul(op: u32): void {
  const rd: u32 = (op >>> 16) & 15;
  const rm: u32 = op & 15;
  const rs: u32 = (op >>> 8) & 15;
  if ((op & 0x0010_0000) != 0 || rd == 15 || rm == 15 || rs == 15 || has(FEATURE_A26)) call(CALL_mul, op);
  else put(ID_MUL, rd, rm, rs << 2);
}

export function lower_mla(op: u32): void {
  const rd: u32 = (op >>> 16) & 15;
  const rn: u32 = (op >>> 12) & 15;
  const rm: u32 = op & 15;
  const rs: u32 = (op >>> 8) & 15;
  const plain: bool = rd != 15 && rm != 15 && rs != 15 && rn != 15;
  if ((op & 0x0010_0000) != 0 || !plain || has(FEATURE_A26)) call(CALL_mul, op);
  else put(ID_MLA, rd, rm, (rs << 2) | (rn << 10));
}

export function lower_nop(op: u32): void {
  put(ID_NOP, 0, 0, op);
}

// --- Loads and stores

// Kinds, the order of the ids in each of the four forms.
export const LS_LDR: u32 = 0;
export const LS_LDRB: u32 = 1;
export const LS_LDRH: u32 = 2;
export const LS_LDRSB: u32 = 3;
export const LS_LDRSH: u32 = 4;
export const LS_STR: u32 = 5;
export const LS_STRB: u32 = 6;
export const LS_STRH: u32 = 7;

/** Bits P, U and W of an ARM instruction. */
const BIT_P: u32 = 0x0100_0000;
const BIT_U: u32 = 0x0080_0000;
const BIT_B: u32 = 0x0040_0000;
const BIT_W: u32 = 0x0020_0000;
const BIT_L: u32 = 0x0010_0000;

/** With a constant offset. False when it is not one of the forms that are expanded in the loop. */
export function loadStoreImmediate(op: u32, kind: u32, displacement: u32): bool {
  const rd: u32 = (op >>> 12) & 15;
  const rn: u32 = (op >>> 16) & 15;
  if (rd == 15) return false;
  const by: u32 = (op & BIT_U) != 0 ? displacement : 0 - displacement;
  if ((op & (BIT_P | BIT_W)) == BIT_P) {
    if (rn == 15) {
      if (kind != LS_LDR) return false;
      put(ID_LDR_LITERAL, rd, 0, by, narrow());
    } else {
      put(ID_LS_IMM + kind, rd, rn, by);
    }
    return true;
  }
  if (rn == 15 || rn == rd || (op & (BIT_P | BIT_W)) == BIT_W) return false;
  put(((op & BIT_P) != 0 ? ID_LS_PRE : ID_LS_POST) + kind, rd, rn, by);
  return true;
}

/** With a register as offset. */
export function loadStoreRegister(op: u32, kind: u32, shift: u32): bool {
  const rd: u32 = (op >>> 12) & 15;
  const rn: u32 = (op >>> 16) & 15;
  const rm: u32 = op & 15;
  if (rd == 15 || rn == 15 || rm == 15 || (op & (BIT_P | BIT_U | BIT_W)) != (BIT_P | BIT_U)) return false;
  put(ID_LS_REG + kind, rd, rn, (rm << 2) | (shift << 8));
  return true;
}

// @ts-ignore: decorator
@inline
function wordOrByte(op: u32): u32 {
  if ((op & BIT_L) != 0) return (op & BIT_B) != 0 ? LS_LDRB : LS_LDR;
  return (op & BIT_B) != 0 ? LS_STRB : LS_STR;
}

// @ts-ignore: decorator
@inline
function halfword(op: u32): u32 {
  if ((op & BIT_L) == 0) return LS_STRH;
  const type: u32 = (op >>> 5) & 3;
  return type == 1 ? LS_LDRH : type == 2 ? LS_LDRSB : LS_LDRSH;
}

export function lower_ls_i(op: u32): void {
  if (!loadStoreImmediate(op, wordOrByte(op), op & 0xfff)) call(CALL_ldst, op);
}

export function lower_ls_r(op: u32): void {
  if ((op & 0x60) != 0 || !loadStoreRegister(op, wordOrByte(op), (op >>> 7) & 31)) call(CALL_ldst, op);
}

export function lower_ls_hi(op: u32): void {
  if (!loadStoreImmediate(op, halfword(op), ((op >>> 4) & 0xf0) | (op & 15))) call(CALL_ldsth, op);
}

export function lower_ls_hr(op: u32): void {
  if (!loadStoreRegister(op, halfword(op), 0)) call(CALL_ldsth, op);
}

// --- Branches

/** The condition is in the instruction. */
export function setCondition(value: u32): void {
  condition = value;
}

/** A branch by `displacement` from the instruction itself. */
export function branch(near: u32, far: u32, displacement: u32): void {
  const target: u32 = offset + displacement;
  if (target < 0x1000) put(near, 0, 0, (displacement << (thumb ? 2 : 1)) - (wide ? 16 : 8));
  else put(far, 0, 0, displacement, narrow());
}

// @ts-ignore: decorator
@inline
function displacement24(op: u32): u32 {
  return <u32>(<i32>(op << 8) >> 6);
}

export function lower_b(op: u32): void {
  branch(ID_B_NEAR, ID_B_FAR, displacement24(op) + 8);
}

export function lower_bl(op: u32): void {
  if (has(FEATURE_A26)) call(CALL_bl26, op);
  else branch(ID_BL_NEAR, ID_BL_FAR, displacement24(op) + 8);
}

export function lower_blx_i(op: u32): void {
  put(ID_BLX_FAR, 0, 0, displacement24(op) + 8 + ((op >>> 23) & 2));
}

export function lower_bx(op: u32): void {
  if ((op & 15) == 15) put(ID_BX_PC, 0, 0, 0);
  else put(ID_BX, 0, 0, (op & 15) << 2);
}

export function lower_blx_r(op: u32): void {
  if ((op & 15) == 15) call(CALL_blx_reg_slow, op);
  else put(ID_BLX_REG, 0, 0, (op & 15) << 2);
}

export function lower_b_cond(op: u32): void {
  condition = (op >>> 8) & 15;
  branch(ID_B_NEAR, ID_B_FAR, (<u32>(<i32>(<i8>op)) << 1) + 4);
}

export function lower_b_thumb(op: u32): void {
  branch(ID_B_NEAR, ID_B_FAR, <u32>(<i32>(op << 21) >> 20) + 4);
}

/** Displacement of BL, BLX and B.W. */
export function displacementWide(op: u32): u32 {
  const s: u32 = (op >>> 26) & 1;
  const i1: u32 = (~((op >>> 13) ^ s)) & 1;
  const i2: u32 = (~((op >>> 11) ^ s)) & 1;
  const high: u32 = (<u32>(-(<i32>s)) << 24) | (i1 << 23) | (i2 << 22);
  return high | (((op >>> 16) & 0x3ff) << 12) | ((op & 0x7ff) << 1);
}

export function lower_bl_wide(op: u32): void {
  branch(ID_BL_NEAR, ID_BL_FAR, displacementWide(op) + 4);
}

/** To ARM state: from the instruction's address rounded down to a word. */
export function lower_blx_wide(op: u32): void {
  if ((op & 1) != 0) undefinedInstruction(op);
  else put(ID_BLX_FAR, 0, 0, displacementWide(op) + 4 - (offset & 2));
}
