// SPDX-License-Identifier: MIT
//
// The microcontroller profile: Cortex-M0 [ARMv6-M ARM].
import { exchangeTo } from './code';
import { setGpr } from './state';

/** BX, POP and LDR to R15. */
export function branchM(target: u32): void {
  exchangeTo(target);
}

export function hardFault(pc: u32): void {}

export function pendSvc(): void {}

// @ts-ignore: decorator
@inline
export function isSystemSpace(ea: u32): bool {
  return ea >>> 12 == 0xe000e;
}

export function readSystemSpace(ea: u32, size: u32): u32 {
  return 0;
}

export function writeSystemSpace(ea: u32, size: u32, value: u32): void {}

export function mrsM(op: u32): void {
  setGpr(0, 0);
}

export function msrM(op: u32): void {}

export function deadlineM(end: u32): u32 {
  return end;
}

export function prepareM(): void {}

export function setLines(lines: u32): void {}

export function wakeInM(): f64 {
  return -1;
}

export function op_cps_m(op: u32): void {}
