// SPDX-License-Identifier: MIT
//
// Data processing that the loop does not expand: with R15, and moves of the status registers.
import { exchangeTo, jump26, jumpTo, leave, leaveAfter, pcNext, pcRead } from './code';
import { FEATURE_A26, FEATURE_M, FEATURE_T2, FEATURE_V5, FEATURE_V7, PSR_T, R15_PC } from './constants';
import { interruptReady } from './exceptions';
import { mrsM, msrM } from './microcontroller';
import { LR, cpu, gpr, has, run, setGpr } from './state';
import { shift } from './shifter';
import { cpsr, hasSpsr, psr26, setCpsr, setPsr26, setSpsr, spsr, writeCpsr } from './status';

/** R15 as an operand that shows the status bits, with 26 bits, `extra` bytes further than usual. */
function pcAndStatus(extra: u32): u32 {
  const pc: u32 = pcRead() + extra;
  return has(FEATURE_A26) ? (pc & R15_PC) | psr26() : pc;
}

/** Leaves the exception: SPSR becomes CPSR, and execution goes on at `pc`. */
export function exceptionReturn(pc: u32): void {
  if (!hasSpsr()) {
    jumpTo(pc);
    return;
  }
  setCpsr(spsr());
  cpu.pc = cpu.thumb != 0 ? pc & ~1 : pc & ~3;
  leave();
}

/** With 26 bits: R15 is written whole. */
export function return26(r15: u32): void {
  const privileged: u32 = run.privileged;
  setPsr26(r15);
  if (privileged == run.privileged && !interruptReady()) {
    jump26(r15);
    return;
  }
  cpu.pc = r15 & R15_PC;
  leave();
}

/** The result of a data-processing instruction goes to R15 [ARM ARM] A2.3.1. */
export function writePc(value: u32): void {
  if (has(FEATURE_A26)) jump26(value);
  else if (has(FEATURE_V7) && run.shift == 1) exchangeTo(value);
  else jumpTo(value);
}

export function op_movs_pc26(op: u32): void {
  return26(gpr(op & 15));
}

/** Any data-processing instruction, at full length. */
export function op_dp(op: u32): void {
  const operation: u32 = (op >>> 21) & 15;
  const s: bool = (op & 0x0010_0000) != 0;
  const rd: u32 = (op >>> 12) & 15;
  const rn: u32 = (op >>> 16) & 15;
  let b: u32;
  // A shift by a register takes a cycle more, in which the program counter goes on.
  let late: u32 = 0;
  if ((op & 0x0200_0000) != 0) {
    const turn: u32 = (op >>> 7) & 30;
    b = rotr<u32>(op & 0xff, turn);
    run.shift_carry = turn != 0 ? b >>> 31 : cpu.cc_c;
  } else {
    const rm: u32 = op & 15;
    let type: u32 = (op >>> 5) & 3;
    let amount: u32 = (op >>> 7) & 31;
    if ((op & 0x10) != 0) {
      late = run.shift == 1 ? 4 : 0;
      const rs: u32 = (op >>> 8) & 15;
      amount = (rs == 15 ? pcRead() + late : gpr(rs)) & 0xff;
    } else if (amount == 0 && type != 0) {
      if (type == 3) type = 8;
      else amount = 32;
    }
    b = shift(rm == 15 ? pcAndStatus(late) : gpr(rm), type, amount);
  }
  let a: u32 = rn == 15 ? pcRead() + late : gpr(rn);
  if (rn == 15 && has(FEATURE_A26)) a &= R15_PC;
  let r: u32 = 0;
  let c: u32 = run.shift_carry;
  let v: u32 = cpu.cc_v;
  switch (operation) {
    case 0:
    case 8:
      r = a & b;
      break;
    case 1:
    case 9:
      r = a ^ b;
      break;
    case 2:
    case 10:
      r = a - b;
      c = <u32>(a >= b);
      v = (a ^ b) & (a ^ r);
      break;
    case 3:
      r = b - a;
      c = <u32>(b >= a);
      v = (a ^ b) & (b ^ r);
      break;
    case 4:
    case 11:
      r = a + b;
      c = <u32>(r < a);
      v = (a ^ r) & (b ^ r);
      break;
    case 5:
      r = a + b + cpu.cc_c;
      c = <u32>(r < a) | (<u32>(r == a) & cpu.cc_c);
      v = (a ^ r) & (b ^ r);
      break;
    case 6:
      r = a - b - 1 + cpu.cc_c;
      c = <u32>(a > b) | (<u32>(a == b) & cpu.cc_c);
      v = (a ^ b) & (a ^ r);
      break;
    case 7:
      r = b - a - 1 + cpu.cc_c;
      c = <u32>(b > a) | (<u32>(a == b) & cpu.cc_c);
      v = (a ^ b) & (b ^ r);
      break;
    case 12:
      r = a | b;
      break;
    case 13:
      r = b;
      break;
    case 14:
      r = a & ~b;
      break;
    default:
      r = ~b;
      break;
  }
  const test: bool = (operation & 12) == 8;
  if (rd == 15 && has(FEATURE_A26) && s) {
    if (test) {
      setPsr26(r);
      if (interruptReady() || run.privileged == 0) leaveAfter();
    } else {
      return26(r);
    }
    return;
  }
  if (rd == 15 && test && !has(FEATURE_V5) && hasSpsr()) {
    // The ARM7TDMI, too, does something when the result of a test goes to R15.
    setCpsr(spsr());
    leaveAfter();
    return;
  }
  if (rd == 15 && !test) {
    if (s) exceptionReturn(r);
    else writePc(r);
    return;
  }
  if (s) {
    cpu.cc_n = cpu.cc_z = r;
    cpu.cc_c = c;
    cpu.cc_v = v;
  }
  if (!test) setGpr(rd, r);
}

/** BL with 26 bits: the link register keeps the status bits. */
export function op_bl26(op: u32): void {
  const target: u32 = pcRead() + <u32>(<i32>(op << 8) >> 6);
  setGpr(LR, (pcNext() & R15_PC) | psr26());
  jump26(target);
}

export function op_blx_reg_slow(op: u32): void {
  const target: u32 = pcRead() & ~3;
  setGpr(LR, pcNext() | cpu.thumb);
  exchangeTo(target);
}

// --- The two halves of BL and BLX where they are instructions of their own

export function op_bl_prefix(op: u32): void {
  setGpr(LR, pcRead() + (<u32>(<i32>(op << 21) >> 21) << 12));
}

export function op_bl_suffix(op: u32): void {
  const target: u32 = gpr(LR) + ((op & 0x7ff) << 1);
  setGpr(LR, pcNext() | 1);
  jumpTo(target);
}

export function op_blx_suffix(op: u32): void {
  const target: u32 = (gpr(LR) + ((op & 0x7ff) << 1)) & ~3;
  setGpr(LR, pcNext() | 1);
  exchangeTo(target);
}

// --- Status registers

export function op_mrs(op: u32): void {
  if (has(FEATURE_M)) {
    mrsM(op);
    return;
  }
  const rd: u32 = (op >>> 12) & 15;
  if ((op & 0x0040_0000) != 0) setGpr(rd, spsr());
  else setGpr(rd, run.privileged != 0 || !has(FEATURE_T2) ? cpsr() & ~PSR_T : cpsr() & 0xf80f_0210);
}

export function op_msr(op: u32): void {
  if (has(FEATURE_M)) msrM(op);
  else writeStatus(op, gpr(op & 15));
}

export function op_msr_i(op: u32): void {
  writeStatus(op, rotr<u32>(op & 0xff, (op >>> 7) & 30));
}

function writeStatus(op: u32, value: u32): void {
  const mask: u32 = (op >>> 16) & 15;
  if ((op & 0x0040_0000) == 0) {
    writeCpsr(value, mask);
    // The mode may have changed, and interrupts may be enabled.
    if ((mask & 1) != 0) leaveAfter();
    return;
  }
  let bytes: u32 = 0;
  for (let i: u32 = 0; i < 4; i++) if (((mask >>> i) & 1) != 0) bytes |= 0xff << (i << 3);
  setSpsr((spsr() & ~bytes) | (value & bytes));
}

// --- Multiplication

function setLogicFlags(r: u32): void {
  cpu.cc_n = cpu.cc_z = r;
}

/** MUL and MLA, with flags or with 26 bits. */
export function op_mul(op: u32): void {
  const rd: u32 = (op >>> 16) & 15;
  const rm: u32 = op & 15;
  let r: u32 = gpr(rm) * gpr((op >>> 8) & 15);
  if (rd == rm && has(FEATURE_A26)) r = 0; // [ARM2 DS §2.4]: the multiplier's accumulator is cleared first
  if ((op & 0x0020_0000) != 0) r += gpr((op >>> 12) & 15);
  if (rd != 15) setGpr(rd, r);
  if ((op & 0x0010_0000) != 0) setLogicFlags(r);
}

function setLong(op: u32, r: u64): void {
  setGpr((op >>> 12) & 15, <u32>r);
  setGpr((op >>> 16) & 15, <u32>(r >>> 32));
  if ((op & 0x0010_0000) == 0) return;
  cpu.cc_n = <u32>(r >>> 32);
  cpu.cc_z = <u32>(r != 0);
}

// @ts-ignore: decorator
@inline
function long(op: u32): u64 {
  return (<u64>gpr((op >>> 16) & 15) << 32) | <u64>gpr((op >>> 12) & 15);
}

export function op_umull(op: u32): void {
  setLong(op, <u64>gpr(op & 15) * <u64>gpr((op >>> 8) & 15));
}

export function op_umlal(op: u32): void {
  setLong(op, <u64>gpr(op & 15) * <u64>gpr((op >>> 8) & 15) + long(op));
}

export function op_smull(op: u32): void {
  setLong(op, <u64>(<i64>(<i32>gpr(op & 15)) * <i64>(<i32>gpr((op >>> 8) & 15))));
}

export function op_smlal(op: u32): void {
  setLong(op, <u64>(<i64>(<i32>gpr(op & 15)) * <i64>(<i32>gpr((op >>> 8) & 15))) + long(op));
}

// --- Version 5E: saturation and halfword multiplies

/** A sum brought into the range of a word. */
export function saturate(value: i64): u32 {
  if (value == <i64>(<i32>value)) return <u32>value;
  cpu.cc_q = 1;
  return value < 0 ? 0x8000_0000 : 0x7fff_ffff;
}

export function op_saturating(op: u32): void {
  const a: i64 = <i64>(<i32>gpr(op & 15));
  let b: i64 = <i64>(<i32>gpr((op >>> 16) & 15));
  if ((op & 0x0040_0000) != 0) b = <i64>(<i32>saturate(b + b));
  setGpr((op >>> 12) & 15, saturate((op & 0x0020_0000) != 0 ? a - b : a + b));
}

/** One half of a register, sign-extended. */
// @ts-ignore: decorator
@inline
export function half(n: u32, top: u32): i32 {
  return top != 0 ? <i32>gpr(n) >> 16 : <i32>(<i16>gpr(n));
}

/** a + b as a word; an overflow only sets Q. */
// @ts-ignore: decorator
@inline
export function addQ(a: i64, b: i64): u32 {
  const sum: i64 = a + b;
  if (sum != <i64>(<i32>sum)) cpu.cc_q = 1;
  return <u32>sum;
}

// @ts-ignore: decorator
@inline
function halves(op: u32): i32 {
  return half(op & 15, op & 0x20) * half((op >>> 8) & 15, op & 0x40);
}

// @ts-ignore: decorator
@inline
function wordByHalf(op: u32): i64 {
  return (<i64>(<i32>gpr(op & 15)) * <i64>half((op >>> 8) & 15, op & 0x40)) >> 16;
}

export function op_smla_xy(op: u32): void {
  setGpr((op >>> 16) & 15, addQ(<i64>halves(op), <i64>(<i32>gpr((op >>> 12) & 15))));
}

export function op_smlaw_y(op: u32): void {
  setGpr((op >>> 16) & 15, addQ(wordByHalf(op), <i64>(<i32>gpr((op >>> 12) & 15))));
}

export function op_smulw_y(op: u32): void {
  setGpr((op >>> 16) & 15, <u32>wordByHalf(op));
}

export function op_smlal_xy(op: u32): void {
  const r: u64 = long(op) + <u64>(<i64>halves(op));
  setGpr((op >>> 12) & 15, <u32>r);
  setGpr((op >>> 16) & 15, <u32>(r >>> 32));
}

export function op_smul_xy(op: u32): void {
  setGpr((op >>> 16) & 15, <u32>halves(op));
}

export function op_clz(op: u32): void {
  setGpr((op >>> 12) & 15, clz<u32>(gpr(op & 15)));
}

