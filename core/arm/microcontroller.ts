// SPDX-License-Identifier: MIT
//
// The microcontroller profile: exceptions of the Cortex-M0 [ARMv6-M ARM] B1.5, its stack pointers and special registers.
// The interrupt controller, the timer and the system control block are in system-space.ts.
import { log, resetLine } from '../common/host';
import { elapsed, exchangeTo, leave, leaveAfter, pcNext, stopSoon } from './code';
import { LOG_LOCKUP, SLEEP_EVENT, SLEEP_INTERRUPT } from './constants';
import { read32, write32 } from './memory';
import { BLOCK_BASE, LR, SP, cpu, gpr, run, setGpr } from './state';
import { flags, setFlags } from './status';
import { eventOnPend, sysTick, sysTickDue, urgencyOf } from './system-space';

export const EXCEPTION_HARD_FAULT: u32 = 3;
export const EXCEPTION_SVC: u32 = 11;

const NOTHING: i32 = 256;
const XPSR_T: u32 = 0x0100_0000;
const XPSR_ALIGNED: u32 = 0x200;
const FRAME_BYTES: u32 = 32;

/** 1 while registers are stacked or unstacked: a fault then is the end. */
let stacking: bool = false;

// --- Stack pointers

// @ts-ignore: decorator
@inline
function onProcessStack(): bool {
  return cpu.ipsr == 0 && (cpu.control_m & 2) != 0;
}

export function mainStack(): u32 {
  return onProcessStack() ? cpu.other_sp : gpr(SP);
}

export function processStack(): u32 {
  return onProcessStack() ? gpr(SP) : cpu.other_sp;
}

function setStacks(main: u32, process: u32): void {
  const onProcess: bool = onProcessStack();
  setGpr(SP, (onProcess ? process : main) & ~3);
  cpu.other_sp = (onProcess ? main : process) & ~3;
}

// --- Priorities

/** Execution priority: that of the most urgent active exception, raised by PRIMASK. */
function executionPriority(withMask: bool): i32 {
  let priority: i32 = NOTHING;
  for (let rest: u32 = cpu.system_active; rest != 0; rest &= rest - 1) {
    priority = min<i32>(priority, urgencyOf(ctz<u32>(rest)));
  }
  for (let rest: u32 = cpu.nvic_active; rest != 0; rest &= rest - 1) {
    priority = min<i32>(priority, urgencyOf(16 + ctz<u32>(rest)));
  }
  return withMask && cpu.primask != 0 ? min<i32>(priority, 0) : priority;
}

/** The pending exception that is more urgent than `than`, or 0. */
function mostUrgent(than: i32): u32 {
  let best: u32 = 0;
  let priority: i32 = than;
  for (let rest: u32 = cpu.system_pending; rest != 0; rest &= rest - 1) {
    const n: u32 = ctz<u32>(rest);
    if (urgencyOf(n) < priority) {
      priority = urgencyOf(n);
      best = n;
    }
  }
  for (let rest: u32 = cpu.nvic_pending & cpu.nvic_enabled; rest != 0; rest &= rest - 1) {
    const n: u32 = 16 + ctz<u32>(rest);
    if (urgencyOf(n) < priority) {
      priority = urgencyOf(n);
      best = n;
    }
  }
  return best;
}

/** Whether an exception is to be taken before the next instruction. */
export function preempts(): bool {
  return mostUrgent(executionPriority(true)) != 0;
}

// --- Entry and return

function lockUp(pc: u32): void {
  log(LOG_LOCKUP, pc, cpu.ipsr);
  cpu.stopped = 1;
  cpu.pc = pc;
  leave();
}

/** Bits that say in which state an exception was taken. */
function xpsr(): u32 {
  return flags() | (cpu.thumb != 0 ? XPSR_T : 0) | cpu.ipsr;
}

/** Stacks registers, so that execution returns to `back`, and goes to the handler of exception `n`. */
function enter(n: u32, back: u32): void {
  const sp: u32 = gpr(SP);
  const frame: u32 = (sp - FRAME_BYTES) & ~7;
  run.excepted = 1;
  cpu.sleeping = 0;
  leave();
  stacking = true;
  run.fault = 0;
  for (let i: u32 = 0; i < 4 && run.fault == 0; i++) write32(frame + (i << 2), gpr(i));
  if (run.fault == 0) write32(frame + 16, gpr(12));
  if (run.fault == 0) write32(frame + 20, gpr(LR));
  if (run.fault == 0) write32(frame + 24, back);
  if (run.fault == 0) write32(frame + 28, xpsr() | ((sp & 4) != 0 ? XPSR_ALIGNED : 0));
  let vector: u32 = 0;
  if (run.fault == 0) vector = read32(n << 2);
  stacking = false;
  if (run.fault != 0) {
    lockUp(back);
    return;
  }
  const process: bool = onProcessStack();
  const main: u32 = process ? cpu.other_sp : frame;
  setGpr(LR, cpu.ipsr != 0 ? 0xffff_fff1 : process ? 0xffff_fffd : 0xffff_fff9);
  const processSp: u32 = process ? frame : cpu.other_sp;
  cpu.ipsr = n;
  setStacks(main, processSp);
  if (n < 16) {
    cpu.system_pending &= ~(1 << n);
    cpu.system_active |= 1 << n;
  } else {
    cpu.nvic_pending &= ~(1 << (n - 16));
    cpu.nvic_active |= 1 << (n - 16);
  }
  cpu.thumb = vector & 1;
  cpu.pc = vector & ~1;
  cpu.event = 1;
  run.fault = 1;
}

/** A word of the frame being left. */
// @ts-ignore: decorator
@inline
function unstacked(i: u32): u32 {
  return load<u32>(BLOCK_BASE + (i << 2));
}

/** BX or POP of an EXC_RETURN value in handler mode. */
function returnFrom(value: u32): void {
  const kind: u32 = value & 15;
  const n: u32 = cpu.ipsr;
  if (n < 16) cpu.system_active &= ~(1 << n);
  else cpu.nvic_active &= ~(1 << (n - 16));
  const toHandler: bool = kind == 1;
  const nested: bool = (cpu.system_active | cpu.nvic_active) != 0;
  if ((kind != 1 && kind != 9 && kind != 13) || toHandler != nested) {
    hardFault(value);
    return;
  }
  const process: bool = kind == 13;
  const frame: u32 = process ? processStack() : mainStack();
  stacking = true;
  for (let i: u32 = 0; i < 8; i++) {
    const word: u32 = read32(frame + (i << 2));
    if (run.fault != 0) break;
    store<u32>(BLOCK_BASE + (i << 2), word);
  }
  stacking = false;
  if (run.fault != 0) {
    lockUp(value);
    return;
  }
  const psr: u32 = unstacked(7);
  const sp: u32 = (frame + FRAME_BYTES) | ((psr & XPSR_ALIGNED) >>> 7);
  const main: u32 = process ? mainStack() : sp;
  const processSp: u32 = process ? sp : processStack();
  for (let i: u32 = 0; i < 4; i++) setGpr(i, unstacked(i));
  setGpr(12, unstacked(4));
  setGpr(LR, unstacked(5));
  setFlags(psr);
  cpu.thumb = (psr & XPSR_T) != 0 ? 1 : 0;
  cpu.ipsr = toHandler ? psr & 0x3f : 0;
  if (!toHandler) cpu.control_m = (cpu.control_m & ~2) | (process ? 2 : 0);
  setStacks(main, processSp);
  cpu.pc = unstacked(6) & ~1;
  cpu.event = 1;
  if (!toHandler && (cpu.scr_m & 2) != 0) cpu.sleeping = SLEEP_INTERRUPT;
  leave();
}

/** BX, POP and LDR to R15. */
export function branchM(target: u32): void {
  if (cpu.ipsr != 0 && target >>> 28 == 15) returnFrom(target);
  else exchangeTo(target);
}

/** The instruction at `pc` cannot be executed. */
export function hardFault(pc: u32): void {
  run.fault = 1;
  if (stacking) return;
  if (executionPriority(false) <= -1) lockUp(pc);
  else enter(EXCEPTION_HARD_FAULT, pc);
}

/** SVC: at once, or not at all. */
export function pendSvc(): void {
  if (urgencyOf(EXCEPTION_SVC) < executionPriority(true)) enter(EXCEPTION_SVC, pcNext());
  else hardFault(pcNext() - 2);
}

// --- Between instructions

/** Takes the exception that is due, if one is; wakes up for one that only PRIMASK keeps from being taken. */
export function prepareM(): void {
  if (cpu.vectors_due != 0) fetchVectors();
  sysTick();
  cpu.nvic_pending |= cpu.nvic_lines & ~cpu.nvic_active;
  if (cpu.sleeping == SLEEP_EVENT && cpu.event != 0) cpu.sleeping = cpu.event = 0;
  if ((cpu.system_pending | (cpu.nvic_pending & cpu.nvic_enabled)) == 0) return;
  if (cpu.sleeping != 0 && mostUrgent(executionPriority(false)) != 0) cpu.sleeping = 0;
  const n: u32 = mostUrgent(executionPriority(true));
  if (n != 0) enter(n, cpu.pc);
}

/** Not at reset itself: the memory map may not be complete then. */
function fetchVectors(): void {
  cpu.vectors_due = 0;
  stacking = true;
  run.fault = 0;
  const sp: u32 = read32(0);
  const pc: u32 = run.fault == 0 ? read32(4) : 0;
  stacking = false;
  if (run.fault != 0) {
    lockUp(0);
    return;
  }
  setGpr(SP, sp & ~3);
  cpu.thumb = pc & 1;
  cpu.pc = pc & ~1;
}

/** Whether the processor would wake up: an exception is pending that could be taken but for PRIMASK. */
export function wakes(): bool {
  return mostUrgent(executionPriority(false)) != 0;
}

/** Levels of the interrupt lines. An interrupt becomes pending when its line does, and stays so. */
export function setLines(lines: u32): void {
  const risen: u32 = lines & ~cpu.nvic_lines;
  cpu.nvic_lines = lines;
  if (risen == 0) return;
  if ((risen & ~cpu.nvic_pending) != 0) eventOnPend();
  cpu.nvic_pending |= risen;
  stopSoon();
}

/** Ticks since the slice's beginning at which the core itself or the host wants to look. */
export function deadlineM(end: u32): u32 {
  const due: f64 = sysTickDue();
  if (due < 0) return end;
  const at: f64 = due + <f64>elapsed();
  return at < <f64>end ? <u32>at : end;
}

/** Ticks until the timer wakes a sleeping processor, or -1. */
export function wakeInM(): f64 {
  return sysTickDue();
}

/** AIRCR.SYSRESETREQ. */
export function requestReset(): void {
  resetLine();
  leaveAfter();
}

// --- Special registers

/** MRS. */
export function mrsM(op: u32): void {
  const rd: u32 = (op >>> 8) & 15;
  const number: u32 = op & 0xff;
  let value: u32 = 0;
  switch (number) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 5:
    case 7:
      if (number < 4) value |= flags();
      if ((number & 1) != 0) value |= cpu.ipsr;
      break;
    case 8:
      value = mainStack();
      break;
    case 9:
      value = processStack();
      break;
    case 16:
      value = cpu.primask;
      break;
    case 20:
      value = cpu.control_m;
      break;
  }
  setGpr(rd, value);
}

/** MSR. */
export function msrM(op: u32): void {
  const value: u32 = gpr((op >>> 16) & 15);
  switch (op & 0xff) {
    case 0:
    case 1:
    case 2:
    case 3:
      setFlags(value);
      break;
    case 8:
      setStacks(value, processStack());
      break;
    case 9:
      setStacks(mainStack(), value);
      break;
    case 16:
      setPrimask(value & 1);
      break;
    case 20:
      // The Cortex-M0 has no unprivileged mode; handlers always use the main stack.
      if (cpu.ipsr == 0) {
        const main: u32 = mainStack();
        const process: u32 = processStack();
        cpu.control_m = value & 2;
        setStacks(main, process);
      }
      break;
  }
}

function setPrimask(value: u32): void {
  cpu.primask = value;
  if (value == 0 && preempts()) leaveAfter();
}

export function op_cps_m(op: u32): void {
  setPrimask((op >>> 4) & 1);
}
