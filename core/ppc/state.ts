// SPDX-License-Identifier: MIT
import { STATE_BASE } from '../common/layout';

// Register files with a computed index, in guest numbering.
export const GPR_BASE: u32 = STATE_BASE; //               32 words
export const FPR_BASE: u32 = STATE_BASE + 0x080; //       32 doublewords, IEEE double bits
export const CR_BASE: u32 = STATE_BASE + 0x180; //        8 bytes, one CR field (LT GT EQ SO) in each byte's low bits
export const SR_BASE: u32 = STATE_BASE + 0x1c0; //        16 segment registers
export const BAT_BASE: u32 = STATE_BASE + 0x200; //       IBAT0U IBAT0L … IBAT3L, DBAT0U … DBAT3L: 16 words
export const REGS_BASE: u32 = STATE_BASE + 0x400; //      CpuState

/** Every other register that the guest can see; the snapshot is the whole block from STATE_BASE. */
@unmanaged
export class CpuState {
  pc: u32;
  msr: u32;
  lr: u32;
  ctr: u32;
  /** XER[SO], XER[OV] and XER[CA] as 0 or 1, and the byte count of lswx and stswx. */
  xer_so: u32;
  xer_ov: u32;
  xer_ca: u32;
  xer_count: u32;
  fpscr: u32;
}

// @ts-ignore: decorator
@inline
export const cpu: CpuState = changetype<CpuState>(REGS_BASE);

// @ts-ignore: decorator
@inline
export function gpr(n: u32): u32 {
  return load<u32>(GPR_BASE + (n << 2));
}

// @ts-ignore: decorator
@inline
export function setGpr(n: u32, value: u32): void {
  store<u32>(GPR_BASE + (n << 2), value);
}

/** The bits of a floating-point register. */
// @ts-ignore: decorator
@inline
export function fpr(n: u32): u64 {
  return load<u64>(FPR_BASE + (n << 3));
}

// @ts-ignore: decorator
@inline
export function setFpr(n: u32, bits: u64): void {
  store<u64>(FPR_BASE + (n << 3), bits);
}

// @ts-ignore: decorator
@inline
export function crField(n: u32): u32 {
  return load<u8>(CR_BASE + n);
}

// @ts-ignore: decorator
@inline
export function setCrField(n: u32, value: u32): void {
  store<u8>(CR_BASE + n, value);
}
