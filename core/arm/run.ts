// SPDX-License-Identifier: MIT
//
// The run loop around exec: time, interrupts, fetching, single steps.
import { mmioRead } from '../common/host';
import { PHYS_MAP_BASE, PHYS_RAM } from '../common/layout';
import {
  EXIT_ENTRY,
  beginsWide,
  cachedPage,
  dropWrittenPage,
  elapsed,
  goTo,
  leave,
  prepareStep,
  rememberPage,
  setTarget,
  stopSoon,
} from './code';
import {
  ACCESS_FETCH,
  FEATURE_A26,
  FEATURE_M,
  FEATURE_T2,
  R15_PC,
  STOP_BUDGET,
  STOP_IDLE,
  STOP_LOCKUP,
} from './constants';
import { interruptReady, interruptsWaiting, prefetchAbort, takeInterrupt } from './exceptions';
import { exec } from './gen/exec';
import { deadlineM, prepareM } from './microcontroller';
import { FAULT_EXTERNAL, translate } from './mmu';
import { cpu, has, run } from './state';
import { TLB_LARGE, TLB_SMALL, noteLarge } from './tlb';

/** The longest slice, so that `limit` cannot overflow. */
const MOST_TICKS: u32 = 1 << 26;

const GO_ON: u32 = ~0;

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
    setTarget(has(FEATURE_M) ? deadlineM(run.end) : run.end);
    if (cpu.itstate != 0) single();
    else if (fetch()) exec();
    if (run.crossing != 0) {
      run.crossing = 0;
      setTarget(run.end);
      if (elapsed() < run.end) single();
    }
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
  single();
  return cpu.stopped != 0 ? STOP_LOCKUP : STOP_BUDGET;
}

/** After the last word of 64 MiB comes the first. */
// @ts-ignore: decorator
@inline
function wrapPc(): void {
  if (has(FEATURE_A26)) cpu.pc &= R15_PC;
}

/** What has to be looked at between instructions. */
function prepare(): u32 {
  wrapPc();
  if (cpu.stopped != 0) return STOP_LOCKUP;
  dropWrittenPage();
  if (has(FEATURE_M)) {
    prepareM();
    if (cpu.stopped != 0) return STOP_LOCKUP;
  } else if ((cpu.irq | cpu.fiq) != 0) {
    cpu.sleeping = 0;
    if (interruptReady()) takeInterrupt();
  }
  return cpu.sleeping != 0 ? STOP_IDLE : GO_ON;
}

/** The interrupt pins. */
export function setPins(irq: u32, fiq: u32): void {
  cpu.irq = irq;
  cpu.fiq = fiq;
  if (interruptsWaiting()) stopSoon();
}

// --- Fetching

/** Takes the prefetch abort. It costs a tick, or a vector that cannot be fetched either would stop time. */
function abortFetch(status: u32): void {
  run.limit -= 8;
  prefetchAbort(cpu.pc, status);
}

/** `run.pa` of an instruction, or its exception. */
function translateFetch(pc: u32): bool {
  const error: u32 = translate(pc, ACCESS_FETCH);
  if (error == 0) return true;
  abortFetch(error);
  return false;
}

/** Makes `cpu.pc` the next entry. False when that took an exception, or the instruction has been executed. */
function fetch(): bool {
  const pc: u32 = cpu.pc;
  const known: u32 = cachedPage(pc);
  if (known != 0) {
    goTo(known, pc);
    return true;
  }
  if (!translateFetch(pc)) return false;
  const word: u32 = load<u32>(PHYS_MAP_BASE + ((run.pa >>> 12) << 2));
  if ((word & PHYS_RAM) == 0 || (run.permissions & TLB_SMALL) != 0) {
    single();
    return false;
  }
  if ((run.permissions & TLB_LARGE) != 0) noteLarge(pc);
  goTo(rememberPage(pc, word & ~0xfff), pc);
  return true;
}

/** `run.fetched` of the `size` bytes at `pc`. False when that took an exception. */
function fetchPart(pc: u32, size: u32): bool {
  if (!translateFetch(pc)) return false;
  const word: u32 = load<u32>(PHYS_MAP_BASE + ((run.pa >>> 12) << 2));
  if ((word & PHYS_RAM) != 0) {
    const host: u32 = (word & ~0xfff) | (run.pa & 0xfff);
    run.fetched = size == 4 ? load<u32>(host) : <u32>load<u16>(host);
    return true;
  }
  run.fetched = mmioRead(run.pa, size);
  if (run.bus_error == 0) return true;
  run.bus_error = 0;
  abortFetch(FAULT_EXTERNAL);
  return false;
}

/** Executes one instruction at `cpu.pc`, wherever it is. */
function single(): void {
  const pc: u32 = cpu.pc;
  setTarget(elapsed() + 1);
  if (cpu.thumb == 0) {
    if (!fetchPart(pc, 4)) return;
    prepareStep(pc, run.fetched, false);
  } else {
    if (!fetchPart(pc, 2)) return;
    const first: u32 = run.fetched & 0xffff;
    if (beginsWide(first) && has(FEATURE_T2 | FEATURE_M)) {
      if (!fetchPart(pc + 2, 2)) return;
      prepareStep(pc, (first << 16) | (run.fetched & 0xffff), true);
    } else {
      prepareStep(pc, first, false);
    }
  }
  exec();
  leave();
  wrapPc();
}
