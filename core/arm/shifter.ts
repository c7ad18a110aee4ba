// SPDX-License-Identifier: MIT
//
// The barrel shifter. An operand is {register × 4, type in bits 8-11, amount from bit 16 on}: LSL, LSR, ASR, ROR by a
// constant from 1 to 32, the same plus 4 by the low byte of a register (its number × 4), 8 for RRX.
import { GPR_BASE, cpu, run } from './state';

export const LSL: u32 = 0;
export const LSR: u32 = 1;
export const ASR: u32 = 2;
export const ROR: u32 = 3;
export const RRX: u32 = 8;

/** The value of an operand; the carry goes to `run.shift_carry`. */
export function shifter(operand: u32): u32 {
  let type: u32 = (operand >>> 8) & 15;
  let amount: u32 = operand >>> 16;
  if ((type & 4) != 0) {
    amount = load<u8>(amount, GPR_BASE);
    type &= 3;
  }
  return shift(load<u32>(operand & 0x3c, GPR_BASE), type, amount);
}

/** `value` shifted by any amount from 0 to 255. */
export function shift(value: u32, type: u32, amount: u32): u32 {
  if (type == RRX) {
    run.shift_carry = value & 1;
    return (cpu.cc_c << 31) | (value >>> 1);
  }
  if (amount == 0) {
    run.shift_carry = cpu.cc_c;
    return value;
  }
  if (type == ROR) {
    const result: u32 = rotr<u32>(value, amount & 31);
    run.shift_carry = result >>> 31;
    return result;
  }
  if (type == ASR) {
    if (amount >= 32) {
      run.shift_carry = value >>> 31;
      return <u32>(<i32>value >> 31);
    }
    run.shift_carry = (value >>> (amount - 1)) & 1;
    return <u32>(<i32>value >> amount);
  }
  if (amount > 32) {
    run.shift_carry = 0;
    return 0;
  }
  if (type == LSR) {
    run.shift_carry = (value >>> (amount - 1)) & 1;
    return amount == 32 ? 0 : value >>> amount;
  }
  run.shift_carry = (value >>> (32 - amount)) & 1;
  return amount == 32 ? 0 : value << amount;
}
