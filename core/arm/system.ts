// SPDX-License-Identifier: MIT
//
// Coprocessors and hints. CP15 is in control.ts.
import { leaveAfter, stopSoon } from './code';
import { FEATURE_CP15, FEATURE_V7, SLEEP_EVENT, SLEEP_INTERRUPT } from './constants';
import { interruptsWaiting, undefinedException } from './exceptions';
import { readControl, writeControl } from './control';
import { CP15_BASE, cpu, gpr, has, run, setGpr } from './state';
import { setFlags } from './status';

/** No other coprocessor is there. */
export function op_coprocessor(op: u32): void {
  undefinedException(op);
}

/** opc1, CRn, CRm and opc2 of an instruction, as control.ts names registers. */
// @ts-ignore: decorator
@inline
function registerOf(op: u32): u32 {
  return ((op >>> 9) & 0x7000) | ((op >>> 8) & 0xf00) | ((op & 15) << 4) | ((op >>> 5) & 7);
}

const TEECR: u32 = CP15_BASE + 0xf8;
const TEEHBR: u32 = CP15_BASE + 0xfc;

/** ThumbEE's two registers in CP14 [ARM ARM A2.10], 0 for any other; the kernel saves and restores them. */
function thumbEeRegister(op: u32): u32 {
  if (((op >>> 8) & 15) != 14 || !has(FEATURE_V7)) return 0;
  const register: u32 = registerOf(op);
  return register == 0x6000 ? TEECR : register == 0x6100 ? TEEHBR : 0;
}

export function op_mcr(op: u32): void {
  const rd: u32 = (op >>> 12) & 15;
  const place: u32 = thumbEeRegister(op);
  if (place != 0) {
    store<u32>(place, gpr(rd));
    return;
  }
  if (((op >>> 8) & 15) != 15 || !has(FEATURE_CP15) || !writeControl(registerOf(op), gpr(rd))) undefinedException(op);
}

export function op_mrc(op: u32): void {
  const place: u32 = thumbEeRegister(op);
  if (place != 0) {
    setGpr((op >>> 12) & 15, load<u32>(place));
    return;
  }
  run.refused = 0;
  if (((op >>> 8) & 15) == 15 && has(FEATURE_CP15)) {
    const value: u32 = readControl(registerOf(op));
    if (run.refused == 0) {
      const rd: u32 = (op >>> 12) & 15;
      if (rd == 15) setFlags(value);
      else setGpr(rd, value);
      return;
    }
  }
  undefinedException(op);
}

// --- Waiting

/** Nothing more happens until an interrupt asks for attention, masked or not; after WFE, or an event comes. */
// @ts-ignore: decorator
@inline
function sleep(kind: u32): void {
  if (interruptsWaiting()) return;
  cpu.sleeping = kind;
  leaveAfter();
}

export function waitForInterrupt(): void {
  sleep(SLEEP_INTERRUPT);
}

export function op_wfi(_op: u32): void {
  waitForInterrupt();
}

export function op_wfe(_op: u32): void {
  if (cpu.event != 0) cpu.event = 0;
  else sleep(SLEEP_EVENT);
}

export function op_sev(_op: u32): void {
  cpu.event = 1;
  stopSoon();
}
