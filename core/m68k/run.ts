// SPDX-License-Identifier: MIT
//
// The run loop around exec: time, interrupts, fetching, single steps.
import { irqAcknowledge, mmioRead } from '../common/host';
import { PHYS_MAP_BASE, PHYS_RAM } from '../common/layout';
import {
  EXIT_ENTRY,
  cachedPage,
  dropWrittenPage,
  elapsed,
  goTo,
  instructionWords,
  leave,
  prepareStep,
  rememberPage,
  setTarget,
  stepHost,
  stopSoon,
} from './code';
import {
  ACCESS_FETCH,
  FC_SUPER_PROGRAM,
  FC_USER_PROGRAM,
  MODEL_68000,
  SR_I,
  SR_M,
  SR_S,
  SR_T0,
  SR_T1,
  STOP_BUDGET,
  STOP_CHECKSTOP,
  STOP_IDLE,
  VECTOR_SPURIOUS,
  VECTOR_TRACE,
} from './constants';
import { enter, enterVector, pushLong, pushWord, setSystemByte, superviseStack } from './exceptions';
import { FAULT_BUS, addressError, deliverLateFault, fetchFault } from './faults';
import { exec } from './gen/exec';
import { translate } from './mmu';
import { read } from './memory';
import { SP, cpu, run, setGpr } from './state';
import { TLB_SMALL } from './tlb';

/** The longest slice. */
const MOST_TICKS: u32 = 1 << 26;

const GO_ON: u32 = ~0;

/** Begins a slice: what elapsed in the last one is now past. */
function beginSlice(ticks: u32): void {
  cpu.ticks += <u64>elapsed();
  run.at = EXIT_ENTRY;
  run.left = 0;
  run.target = 0;
  run.end = min<u32>(ticks, MOST_TICKS);
}

/** Runs for `ticks`, or until something stops it. */
export function runSlice(ticks: u32): u32 {
  beginSlice(ticks);
  let stop: u32 = prepare();
  while (stop == GO_ON) {
    if (elapsed() >= run.end) return STOP_BUDGET;
    setTarget(run.end);
    if ((cpu.sr & (SR_T1 | SR_T0)) != 0 || cpu.resume != 0) traced();
    else if (fetch()) exec();
    if (run.late_cause != 0) deliverLateFault();
    if (run.crossing != 0) {
      run.crossing = 0;
      setTarget(run.end);
      if (elapsed() < run.end) traced();
      if (run.late_cause != 0) deliverLateFault();
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
  traced();
  if (run.late_cause != 0) deliverLateFault();
  return cpu.stopped != 0 ? STOP_CHECKSTOP : STOP_BUDGET;
}

/** What has to be looked at between instructions. */
function prepare(): u32 {
  if (cpu.stopped != 0) return STOP_CHECKSTOP;
  run.op_at = EXIT_ENTRY;
  run.undo = 0;
  dropWrittenPage();
  if (cpu.vectors_due != 0) fetchResetVectors();
  if (cpu.trace_pending != 0) {
    cpu.trace_pending = 0;
    enter(VECTOR_TRACE, 2, cpu.pc, cpu.trace_pc);
    run.excepted = 1;
  } else if (interruptReady()) {
    takeInterrupt();
  }
  if (cpu.stopped != 0) return STOP_CHECKSTOP;
  return cpu.sleeping != 0 ? STOP_IDLE : GO_ON;
}

/** Not at reset itself: the memory map may not be complete then. */
function fetchResetVectors(): void {
  cpu.vectors_due = 0;
  run.stacking = 1;
  run.fault = 0;
  const sp: u32 = read(0, 4);
  if (run.fault == 0) cpu.pc = read(4, 4);
  if (run.fault == 0) setGpr(SP, sp);
  run.stacking = 0;
}

// --- Interrupts

// @ts-ignore: decorator
@inline
function interruptReady(): bool {
  return cpu.nmi != 0 || cpu.ipl > ((cpu.sr & SR_I) >>> 8);
}

/** The level on the IPL pins. Level 7 is taken once for each time it appears. */
export function interrupt(level: u32): void {
  const before: u32 = cpu.ipl;
  cpu.ipl = level & 7;
  if (level == 7 && before != 7) cpu.nmi = 1;
  if (interruptReady()) stopSoon();
}

function takeInterrupt(): void {
  const level: u32 = cpu.nmi != 0 ? 7 : cpu.ipl;
  cpu.nmi = 0;
  cpu.sleeping = 0;
  run.excepted = 1;
  run.fault = 0;
  let vector: u32 = irqAcknowledge(level) & 0xff;
  if (run.bus_error != 0) {
    run.bus_error = 0;
    vector = VECTOR_SPURIOUS;
  }
  const old: u32 = superviseStack();
  setSystemByte((cpu.sr & ~SR_I) | (level << 8));
  const pc: u32 = cpu.pc;
  if (run.model != MODEL_68000) pushWord(vector << 2);
  if (run.fault != 0) return;
  pushLong(pc);
  if (run.fault != 0) return;
  pushWord(old);
  if (run.fault != 0) return;
  if ((cpu.sr & SR_M) != 0) {
    // The real frame is on the master stack; a throwaway one goes on the interrupt stack.
    const master: u32 = (old & 0x1f) | cpu.sr;
    setSystemByte(cpu.sr & ~SR_M);
    pushWord(0x1000 | (vector << 2));
    if (run.fault != 0) return;
    pushLong(pc);
    if (run.fault != 0) return;
    pushWord(master);
    if (run.fault != 0) return;
  }
  enterVector(vector);
}

// --- Fetching

/** `run.pa` of the word at `pc`, or its exception. */
function translateFetch(pc: u32, at: u32): bool {
  const fc: u32 = (cpu.sr & SR_S) != 0 ? FC_SUPER_PROGRAM : FC_USER_PROGRAM;
  const cause: u32 = translate(at, ACCESS_FETCH, fc);
  if (cause == 0) return true;
  fetchFault(cause, pc, at);
  return false;
}

/**
 * Makes `cpu.pc` the next entry. False when that took an exception, or the instruction has been executed. An exception
 * takes a tick, so that a handler that cannot be fetched does not stop time.
 */
function fetch(): bool {
  const pc: u32 = cpu.pc;
  const known: u32 = cachedPage(pc);
  if (known != 0 && (pc & 1) == 0) {
    goTo(known, pc);
    return true;
  }
  if ((pc & 1) != 0) {
    run.left--;
    addressError(pc, pc, 0);
    return false;
  }
  if (!translateFetch(pc, pc)) {
    run.left--;
    return false;
  }
  const word: u32 = load<u32>(PHYS_MAP_BASE + ((run.pa >>> 12) << 2));
  if ((word & PHYS_RAM) == 0 || (run.permissions & TLB_SMALL) != 0) {
    traced();
    return false;
  }
  goTo(rememberPage(pc, word & ~0xfff), pc);
  return true;
}

/** Copies the word at `at` of the instruction at `pc` to where single steps look for it. */
function fetchWord(pc: u32, index: u32): bool {
  const at: u32 = pc + (index << 1);
  if (!translateFetch(pc, at)) return false;
  const word: u32 = load<u32>(PHYS_MAP_BASE + ((run.pa >>> 12) << 2));
  const host: u32 = stepHost(pc) + (index << 1);
  if ((word & PHYS_RAM) != 0) {
    store<u16>(host, load<u16>((word & ~0xfff) | (run.pa & 0xfff)));
    return true;
  }
  const value: u32 = mmioRead(run.pa & run.address_mask, 2);
  if (run.bus_error != 0) {
    fetchFault(FAULT_BUS, pc, at);
    return false;
  }
  store<u16>(host, bswap<u16>(<u16>value));
  return true;
}

/** Executes one instruction at `cpu.pc`, wherever its words are, and makes the trace exception wait if it is due. */
function traced(): void {
  const pc: u32 = cpu.pc;
  const status: u32 = cpu.sr;
  run.excepted = 0;
  setTarget(elapsed() + 1);
  if ((pc & 1) != 0) {
    run.left = 0;
    addressError(pc, pc, 0);
    return;
  }
  let words: u32 = 1;
  for (let known: u32 = 0; known < words; ) {
    if (!fetchWord(pc, known)) {
      run.left = 0;
      return;
    }
    known++;
    words = instructionWords(stepHost(pc), known);
  }
  prepareStep(pc);
  exec();
  leave();
  if (run.excepted == 2 || cpu.stopped != 0) return;
  const traces: bool = (status & SR_T1) != 0 || ((status & SR_T0) != 0 && (run.excepted != 0 || cpu.pc != pc + (words << 1)));
  if (!traces) return;
  cpu.trace_pending = 1;
  cpu.trace_pc = pc;
}
