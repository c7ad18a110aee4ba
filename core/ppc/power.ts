// SPDX-License-Identifier: MIT
//
// What the 601 kept of the POWER architecture: instructions that use the MQ register, and a few more [601 UM §10].
import { hasOe, setCr0, setOverflow } from './integer';
import { eaX, rA, rB, rT, setA, setT, simm } from './fields';
import { MASK_BASE } from './layout';
import { read8 } from './memory';
import { cpu, run, setCrField, setGpr } from './state';

function toA(op: u32, value: u32): void {
  setA(op, value);
  if (op & 1) setCr0(value);
}

function toT(op: u32, value: u32): void {
  setT(op, value);
  if (op & 1) setCr0(value);
}

export function op_abs(op: u32): void {
  const a: i32 = <i32>rA(op);
  if (hasOe(op)) setOverflow(<u32>(a == i32.MIN_VALUE));
  toT(op, <u32>(a < 0 ? 0 - a : a));
}

export function op_nabs(op: u32): void {
  const a: i32 = <i32>rA(op);
  if (hasOe(op)) setOverflow(0);
  toT(op, <u32>(a < 0 ? a : 0 - a));
}

export function op_doz(op: u32): void {
  const a: i32 = <i32>rA(op);
  const b: i32 = <i32>rB(op);
  const value: i32 = b > a ? b - a : 0;
  if (hasOe(op)) setOverflow(<u32>(value < 0));
  toT(op, <u32>value);
}

export function op_dozi(op: u32): void {
  const a: i32 = <i32>rA(op);
  const b: i32 = simm(op);
  setT(op, b > a ? <u32>(b - a) : 0);
}

export function op_mul(op: u32): void {
  const product: i64 = <i64>(<i32>rA(op)) * <i64>(<i32>rB(op));
  cpu.mq = <u32>product;
  setT(op, <u32>(product >>> 32));
  if (hasOe(op)) setOverflow(<u32>(product != <i64>(<i32>product)));
  if (op & 1) setCr0(cpu.mq);
}

/** Quotient and remainder into rT and MQ; CR0 shows the remainder. */
function divided(op: u32, quotient: i64, remainder: i64, overflow: bool): void {
  setT(op, <u32>quotient);
  cpu.mq = <u32>remainder;
  if (hasOe(op)) setOverflow(<u32>overflow);
  if (op & 1) setCr0(cpu.mq);
}

export function op_div(op: u32): void {
  const dividend: i64 = <i64>((<u64>rA(op) << 32) | <u64>cpu.mq);
  const divisor: i64 = <i64>(<i32>rB(op));
  if (divisor == 0 || (dividend == i64.MIN_VALUE && divisor == -1)) {
    divided(op, dividend < 0 ? -1 : 0, 0, true);
    return;
  }
  const quotient: i64 = dividend / divisor;
  divided(op, quotient, dividend % divisor, quotient != <i64>(<i32>quotient));
}

export function op_divs(op: u32): void {
  const dividend: i64 = <i64>(<i32>rA(op));
  const divisor: i64 = <i64>(<i32>rB(op));
  if (divisor == 0) {
    divided(op, dividend < 0 ? -1 : 0, 0, true);
    return;
  }
  const quotient: i64 = dividend / divisor;
  divided(op, quotient, dividend % divisor, quotient != <i64>(<i32>quotient));
}

export function op_rlmi(op: u32): void {
  const mask: u32 = load<u32>((op & 0x7fe) << 1, MASK_BASE);
  toA(op, (rotl<u32>(rT(op), rB(op)) & mask) | (rA(op) & ~mask));
}

export function op_rrib(op: u32): void {
  const bit: u32 = 0x8000_0000 >>> (rB(op) & 31);
  toA(op, (rA(op) & ~bit) | (rT(op) >>> 31 != 0 ? bit : 0));
}

export function op_maskg(op: u32): void {
  toA(op, load<u32>((((rT(op) & 31) << 5) | (rB(op) & 31)) << 2, MASK_BASE));
}

export function op_maskir(op: u32): void {
  const mask: u32 = rB(op);
  toA(op, (rA(op) & ~mask) | (rT(op) & mask));
}

/** Every cache line of the 601 has 64 bytes. */
export function op_clcs(op: u32): void {
  const which: u32 = (op >>> 16) & 31;
  setT(op, which >= 12 && which <= 15 ? 64 : 0);
}

export function op_slq(op: u32): void {
  const n: u32 = rB(op) & 31;
  const rotated: u32 = rotl<u32>(rT(op), n);
  const mask: u32 = <u32>-1 << n;
  cpu.mq = rotated;
  toA(op, (rB(op) & 32) != 0 ? 0 : rotated & mask);
}

export function op_sle(op: u32): void {
  const n: u32 = rB(op) & 31;
  const rotated: u32 = rotl<u32>(rT(op), n);
  const mask: u32 = <u32>-1 << n;
  cpu.mq = rotated;
  toA(op, rotated & mask);
}

export function op_sliq(op: u32): void {
  const n: u32 = (op >>> 11) & 31;
  const rotated: u32 = rotl<u32>(rT(op), n);
  const mask: u32 = <u32>-1 << n;
  cpu.mq = rotated;
  toA(op, rotated & mask);
}

export function op_sleq(op: u32): void {
  const n: u32 = rB(op) & 31;
  const rotated: u32 = rotl<u32>(rT(op), n);
  const mask: u32 = <u32>-1 << n;
  const value: u32 = (rotated & mask) | (cpu.mq & ~mask);
  cpu.mq = rotated;
  toA(op, value);
}

export function op_slliq(op: u32): void {
  const n: u32 = (op >>> 11) & 31;
  const rotated: u32 = rotl<u32>(rT(op), n);
  const mask: u32 = <u32>-1 << n;
  const value: u32 = (rotated & mask) | (cpu.mq & ~mask);
  cpu.mq = rotated;
  toA(op, value);
}

export function op_sllq(op: u32): void {
  const n: u32 = rB(op) & 31;
  const rotated: u32 = rotl<u32>(rT(op), n);
  const mask: u32 = <u32>-1 << n;
  toA(op, (rB(op) & 32) != 0 ? cpu.mq & mask : (rotated & mask) | (cpu.mq & ~mask));
}

export function op_srq(op: u32): void {
  const n: u32 = rB(op) & 31;
  const rotated: u32 = rotr<u32>(rT(op), n);
  const mask: u32 = <u32>-1 >>> n;
  cpu.mq = rotated;
  toA(op, (rB(op) & 32) != 0 ? 0 : rotated & mask);
}

export function op_sre(op: u32): void {
  const n: u32 = rB(op) & 31;
  const rotated: u32 = rotr<u32>(rT(op), n);
  const mask: u32 = <u32>-1 >>> n;
  cpu.mq = rotated;
  toA(op, rotated & mask);
}

export function op_sriq(op: u32): void {
  const n: u32 = (op >>> 11) & 31;
  const rotated: u32 = rotr<u32>(rT(op), n);
  const mask: u32 = <u32>-1 >>> n;
  cpu.mq = rotated;
  toA(op, rotated & mask);
}

export function op_sreq(op: u32): void {
  const n: u32 = rB(op) & 31;
  const rotated: u32 = rotr<u32>(rT(op), n);
  const mask: u32 = <u32>-1 >>> n;
  const value: u32 = (rotated & mask) | (cpu.mq & ~mask);
  cpu.mq = rotated;
  toA(op, value);
}

export function op_srliq(op: u32): void {
  const n: u32 = (op >>> 11) & 31;
  const rotated: u32 = rotr<u32>(rT(op), n);
  const mask: u32 = <u32>-1 >>> n;
  const value: u32 = (rotated & mask) | (cpu.mq & ~mask);
  cpu.mq = rotated;
  toA(op, value);
}

export function op_srlq(op: u32): void {
  const n: u32 = rB(op) & 31;
  const rotated: u32 = rotr<u32>(rT(op), n);
  const mask: u32 = <u32>-1 >>> n;
  toA(op, (rB(op) & 32) != 0 ? cpu.mq & mask : (rotated & mask) | (cpu.mq & ~mask));
}

/** Algebraic shift by `n`, or by everything; MQ gets the rotated word. */
function shiftAlgebraic(op: u32, n: u32, all: bool): void {
  const source: u32 = rT(op);
  const lost: u32 = all ? <u32>-1 : (<u32>1 << n) - 1;
  cpu.mq = rotr<u32>(source, n);
  cpu.xer_ca = <u32>(<i32>source < 0 && (source & lost) != 0);
  toA(op, <u32>(<i32>source >> (all ? 31 : n)));
}

export function op_sraq(op: u32): void {
  shiftAlgebraic(op, rB(op) & 31, (rB(op) & 32) != 0);
}

export function op_sraiq(op: u32): void {
  shiftAlgebraic(op, (op >>> 11) & 31, false);
}

export function op_srea(op: u32): void {
  shiftAlgebraic(op, rB(op) & 31, false);
}

/** Loads a string up to and including the byte XER[16-23]. */
export function op_lscbx(op: u32): void {
  const ea: u32 = eaX(op);
  const most: u32 = cpu.xer_count;
  let n: u32 = (op >>> 21) & 31;
  let word: u32 = 0;
  let found: bool = false;
  let count: u32 = 0;
  while (count < most && !found) {
    const byte: u32 = read8(ea + count);
    if (run.fault != 0) return;
    word |= byte << (24 - ((count & 3) << 3));
    found = byte == cpu.xer_byte;
    count++;
    if ((count & 3) == 0 || found || count == most) {
      setGpr(n, word);
      n = (n + 1) & 31;
      word = 0;
    }
  }
  cpu.xer_count = count;
  if (op & 1) setCrField(0, (found ? 2 : 0) | cpu.xer_so);
}
