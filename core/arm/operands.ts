// SPDX-License-Identifier: MIT
//
// What the interpreter's loop says of an entry {op, w} (code.ts): its registers, and where it branches.
import { exchange, expire, jumpAbsolute, jumpFar, pcOf } from './code';
import { FEATURE_A26, FEATURE_M, R15_PC } from './constants';
import { branchM } from './microcontroller';
import { GPR_BASE, cpu, run } from './state';

// @ts-ignore: decorator
@inline
export function regA(w: u32): u32 {
  return load<u32>((w >>> 18) & 0x3c, GPR_BASE);
}

// @ts-ignore: decorator
@inline
export function setA(w: u32, value: u32): void {
  store<u32>((w >>> 18) & 0x3c, value, GPR_BASE);
}

// @ts-ignore: decorator
@inline
export function regB(w: u32): u32 {
  return load<u32>((w >>> 22) & 0x3c, GPR_BASE);
}

// @ts-ignore: decorator
@inline
export function setB(w: u32, value: u32): void {
  store<u32>((w >>> 22) & 0x3c, value, GPR_BASE);
}

/** R15 as the instruction before `at` reads it, rounded down to a word; its flag says that it has two bytes. */
// @ts-ignore: decorator
@inline
export function alignedPc(at: u32, w: u32): u32 {
  return (pcOf(at) + (run.shift == 1 ? 4 : (w >>> 28) << 1)) & ~3;
}

/** To another entry of the same page, `distance` from `at`. */
// @ts-ignore: decorator
@inline
export function near(at: u32, distance: u32): u32 {
  const target: u32 = at + distance;
  const limit: i32 = run.limit + <i32>distance;
  run.limit = limit;
  return <i32>target < limit ? target : expire(target);
}

/** By `displacement` from the instruction itself, into another page. */
export function far(at: u32, w: u32, displacement: u32): u32 {
  const pc: u32 = pcOf(at) - 4 + ((w >>> 28) << 1) + displacement;
  return jumpFar(at, (run.features & FEATURE_A26) != 0 ? pc & R15_PC : pc);
}

/** BX and its like. */
// @ts-ignore: decorator
@inline
export function exchangeWith(at: u32, target: u32): u32 {
  if ((run.features & FEATURE_M) == 0) return exchange(at, target);
  run.at = at;
  branchM(target);
  return run.at;
}

/** A register is moved to R15 without a change of state. */
export function jumpPlain(at: u32, target: u32): u32 {
  if (cpu.thumb != 0) return jumpAbsolute(at, target & ~1);
  return jumpAbsolute(at, (run.features & FEATURE_A26) != 0 ? target & R15_PC : target & ~3);
}
