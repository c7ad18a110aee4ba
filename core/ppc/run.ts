// SPDX-License-Identifier: MIT
//
// The run loop around exec: time, interrupts, fetching, single steps.
import { mmioRead } from '../common/host';
import { PHYS_MAP_BASE, PHYS_RAM } from '../common/layout';
import { EXIT_ENTRY, cachedPage, dropWrittenPage, elapsed, goTo, leave, prepareStep, rememberPage, setTarget } from './code';
import {
  MODEL_601,
  MODEL_603E,
  MSR_BE,
  MSR_IR,
  MSR_LE,
  MSR_SE,
  STOP_BUDGET,
  STOP_CHECKSTOP,
  STOP_IDLE,
  VECTOR_IABR,
  VECTOR_RUN_MODE,
  VECTOR_TRACE,
} from './constants';
import { enter, fetchException, machineCheck } from './exceptions';
import { exec } from './gen/exec';
import { deliverInterrupt, deliverable } from './interrupts';
import { ACCESS_FETCH, TLB_MISS, readPhysical, tlbMissException, translate } from './mmu';
import { countPerformance, performanceHeadroom } from './performance';
import { cpu, run } from './state';
import { flushDirtySegments } from './tlb';
import { checkDecrementer } from './time';

/** The longest slice, so that `limit` cannot overflow. */
const MOST_TICKS: u32 = 1 << 26;

/** Begins a slice: what elapsed in the last one is now past. */
function beginSlice(ticks: u32): void {
  cpu.ticks += <u64>elapsed();
  run.at = EXIT_ENTRY;
  run.limit = <i32>EXIT_ENTRY;
  run.target = 0;
  run.end = min<u32>(ticks, MOST_TICKS);
}

/** Runs for `ticks`, or until something stops it. */
export function runSlice(ticks: u32): u32 {
  beginSlice(ticks);
  let stop: u32 = prepare();
  while (stop == GO_ON) {
    if (elapsed() >= run.end) return STOP_BUDGET;
    setTarget(nextDeadline(run.end));
    if (singleSteps()) traced();
    else if (fetch()) exec();
    stop = prepare();
  }
  return stop;
}

/** One instruction, or one exception. */
export function step(): u32 {
  beginSlice(1);
  run.excepted = 0;
  const stop: u32 = prepare();
  if (stop != GO_ON) return stop;
  if (run.excepted != 0) return STOP_BUDGET;
  traced();
  return cpu.stopped != 0 ? STOP_CHECKSTOP : STOP_BUDGET;
}

const GO_ON: u32 = ~0;

/** What has to be looked at between instructions. */
function prepare(): u32 {
  if (cpu.stopped != 0) return STOP_CHECKSTOP;
  dropWrittenPage();
  checkDecrementer();
  if ((cpu.mmcr0 | cpu.mmcr1) != 0) countPerformance();
  if (cpu.pending != 0 && deliverable() != 0) {
    deliverInterrupt();
    if (cpu.stopped != 0) return STOP_CHECKSTOP;
  }
  return cpu.sleeping != 0 ? STOP_IDLE : GO_ON;
}

/** Ticks since the slice's beginning at which the core itself or the host wants to look. */
function nextDeadline(end: u32): u32 {
  let deadline: u32 = end;
  const due: u64 = cpu.dec_due - cpu.ticks;
  if (due < <u64>deadline) deadline = <u32>due;
  if (cpu.mmcr0 != 0) deadline = performanceHeadroom(deadline - elapsed()) + elapsed();
  return deadline;
}

/** Makes `cpu.pc` the next entry. False when that took an exception, or the instruction has been executed. */
function fetch(): bool {
  const pc: u32 = cpu.pc;
  const known: u32 = cachedPage(pc);
  if (known != 0) {
    goTo(known, pc);
    return true;
  }
  flushDirtySegments();
  if (!translateFetch(pc)) return false;
  const word: u32 = load<u32>(PHYS_MAP_BASE + ((run.pa >>> 12) << 2));
  if ((word & PHYS_RAM) == 0) {
    traced();
    return false;
  }
  goTo(rememberPage(pc, word & ~0xfff), pc);
  return true;
}

/** `run.pa` of an instruction, or its exception. */
function translateFetch(pc: u32): bool {
  const error: u32 = translate(pc, ACCESS_FETCH, false);
  if (error == 0) return true;
  if (error == TLB_MISS) tlbMissException(pc, ACCESS_FETCH, error);
  else fetchException(error);
  return false;
}

// --- Single steps: tracing, breakpoints, and code that is not in memory

function singleSteps(): bool {
  return (cpu.msr & (MSR_SE | MSR_BE)) != 0 || (cpu.iabr & 3) != 0;
}

/** The instruction address breakpoint. The 601's and 603's have one enable bit, later ones compare MSR[IR] too. */
function instructionBreakpoint(pc: u32): bool {
  const iabr: u32 = cpu.iabr;
  if (((iabr ^ pc) & ~3) != 0 || (iabr & 2) == 0) return false;
  return run.model <= MODEL_603E || ((iabr & 1) != 0) == ((cpu.msr & MSR_IR) != 0);
}

function isBranch(op: u32): bool {
  const primary: u32 = op >>> 26;
  const extended: u32 = (op >>> 1) & 0x3ff;
  return primary == 16 || primary == 18 || (primary == 19 && (extended == 16 || extended == 528));
}

const RFI: u32 = 0x4c00_0064;

/** Executes one instruction at `cpu.pc` and takes the trace exception if it is due. */
function traced(): void {
  const pc: u32 = cpu.pc;
  const msr: u32 = cpu.msr;
  run.excepted = 0;
  if (instructionBreakpoint(pc)) {
    enter(VECTOR_IABR, 0, pc);
    return;
  }
  flushDirtySegments();
  if (!translateFetch(pc)) return;
  const op: u32 = readPhysical((msr & MSR_LE) != 0 ? run.pa ^ 4 : run.pa);
  if (run.bus_error != 0) {
    run.bus_error = 0;
    machineCheck(0x0004_0000, pc);
    return;
  }
  setTarget(elapsed() + 1);
  prepareStep(pc, op);
  exec();
  leave();
  if (run.excepted != 0 || (op & 0xfc00_07fe) == RFI) return;
  if ((msr & MSR_SE) != 0 || ((msr & MSR_BE) != 0 && isBranch(op))) {
    enter(run.model == MODEL_601 ? VECTOR_RUN_MODE : VECTOR_TRACE, 0, cpu.pc);
  }
}
