// SPDX-License-Identifier: MIT
//
// Operands of an instruction word.
import { FEATURE_POWER } from './constants';
import { FPR_BASE, GPR_BASE, cpu, run } from './state';

/** The register in bits 6-10: target, or source of a store or a logical instruction. */
// @ts-ignore: decorator
@inline
export function rT(op: u32): u32 {
  return load<u32>((op >>> 19) & 0x7c, GPR_BASE);
}

// @ts-ignore: decorator
@inline
export function setT(op: u32, value: u32): void {
  store<u32>((op >>> 19) & 0x7c, value, GPR_BASE);
}

/** The register in bits 11-15. */
// @ts-ignore: decorator
@inline
export function rA(op: u32): u32 {
  return load<u32>((op >>> 14) & 0x7c, GPR_BASE);
}

// @ts-ignore: decorator
@inline
export function setA(op: u32, value: u32): void {
  store<u32>((op >>> 14) & 0x7c, value, GPR_BASE);
}

/** rA, or zero for r0. */
// @ts-ignore: decorator
@inline
export function rA0(op: u32): u32 {
  return select<u32>(rA(op), 0, op & 0x001f_0000);
}

/** The register in bits 16-20. */
// @ts-ignore: decorator
@inline
export function rB(op: u32): u32 {
  return load<u32>((op >>> 9) & 0x7c, GPR_BASE);
}

/** The signed immediate or displacement in bits 16-31. */
// @ts-ignore: decorator
@inline
export function simm(op: u32): i32 {
  return <i32>(<i16>op);
}

// @ts-ignore: decorator
@inline
export function uimm(op: u32): u32 {
  return op & 0xffff;
}

/** Effective address of a D-form access. */
// @ts-ignore: decorator
@inline
export function eaD(op: u32): u32 {
  return rA0(op) + <u32>simm(op);
}

/** Effective address of an indexed access. */
// @ts-ignore: decorator
@inline
export function eaX(op: u32): u32 {
  return rA0(op) + rB(op);
}

/** Effective addresses of update forms, which use r0 as it is. */
// @ts-ignore: decorator
@inline
export function eaDU(op: u32): u32 {
  return rA(op) + <u32>simm(op);
}

// @ts-ignore: decorator
@inline
export function eaXU(op: u32): u32 {
  return rA(op) + rB(op);
}

/** The floating-point register in bits 6-10. */
// @ts-ignore: decorator
@inline
export function fT(op: u32): u64 {
  return load<u64>((op >>> 18) & 0xf8, FPR_BASE);
}

// @ts-ignore: decorator
@inline
export function setFT(op: u32, bits: u64): void {
  store<u64>((op >>> 18) & 0xf8, bits, FPR_BASE);
}

/** XER as mfspr shows it. */
export function xer(): u32 {
  return (cpu.xer_so << 31) | (cpu.xer_ov << 30) | (cpu.xer_ca << 29) | (cpu.xer_byte << 8) | cpu.xer_count;
}

export function setXer(value: u32): void {
  cpu.xer_so = value >>> 31;
  cpu.xer_ov = (value >>> 30) & 1;
  cpu.xer_ca = (value >>> 29) & 1;
  cpu.xer_count = value & 0x7f;
  cpu.xer_byte = (run.features & FEATURE_POWER) != 0 ? (value >>> 8) & 0xff : 0;
}
