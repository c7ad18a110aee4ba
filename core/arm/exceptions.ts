// SPDX-License-Identifier: MIT
//
// Exceptions [ARM ARM] B1.9; with 26 bits [ARM2 DS §2.5].
import { itStateCurrent, leave, pcCurrent, pcNext } from './code';
import {
  FEATURE_A26,
  FEATURE_M,
  FEATURE_SECURITY,
  FEATURE_V6,
  FEATURE_V7,
  MODE_ABT,
  MODE_FIQ,
  MODE_IRQ,
  MODE_MON,
  MODE_SVC,
  MODE_UND,
  PSR_A,
  PSR_E,
  PSR_F,
  PSR_I,
  PSR_M,
  R15_PC,
  SCTLR_EE,
  SCTLR_TE,
  SCTLR_V,
  VECTOR_ADDRESS,
  VECTOR_DATA_ABORT,
  VECTOR_FIQ,
  VECTOR_IRQ,
  VECTOR_PREFETCH_ABORT,
  VECTOR_RESET,
  VECTOR_SWI,
  VECTOR_UNDEFINED,
} from './constants';
import { hardFault, pendSvc, wakes } from './microcontroller';
import { FAULT_ADDRESS } from './mmu';
import { LR, cpu, has, run, setGpr } from './state';
import { cpsr, packIt, psr26, setControl, setSpsr } from './status';

/** Enters an exception; `lr` is what the mode's R14 gets, `it` the if-then state that was interrupted. */
export function enter(vector: u32, mode: u32, lr: u32, it: u32): void {
  const high: bool = (cpu.sctlr & SCTLR_V) != 0;
  const f: u32 = vector == VECTOR_FIQ || vector == VECTOR_RESET ? PSR_F : 0;
  if (has(FEATURE_A26)) {
    const r15: u32 = (lr & R15_PC) | psr26();
    setControl((cpu.control & PSR_F) | f | PSR_I | mode);
    setGpr(LR, r15);
    cpu.pc = vector;
  } else {
    const old: u32 = cpsr() | packIt(it);
    let control: u32 = (cpu.control & ~PSR_M) | f | PSR_I | mode;
    if (has(FEATURE_V6)) {
      if (vector != VECTOR_UNDEFINED && vector != VECTOR_SWI) control |= PSR_A;
      control = (cpu.sctlr & SCTLR_EE) != 0 ? control | PSR_E : control & ~PSR_E;
    }
    setControl(control);
    setSpsr(old);
    setGpr(LR, lr);
    cpu.thumb = has(FEATURE_V7) && (cpu.sctlr & SCTLR_TE) != 0 ? 1 : 0;
    cpu.pc = (high ? 0xffff_0000 : has(FEATURE_SECURITY) ? cpu.vbar : 0) + vector;
  }
  cpu.itstate = 0;
  cpu.sleeping = 0;
  run.fault = 1;
  run.excepted = 1;
  leave();
}

/** The instruction being executed is none. */
export function undefinedException(op: u32): void {
  if (has(FEATURE_M)) {
    hardFault(pcCurrent());
    return;
  }
  const pc: u32 = pcCurrent();
  const mode: u32 = has(FEATURE_A26) ? MODE_SVC : MODE_UND;
  enter(VECTOR_UNDEFINED, mode, pc + (cpu.thumb != 0 ? 2 : 4), itStateCurrent());
}

export function op_svc(op: u32): void {
  if (has(FEATURE_M)) pendSvc();
  else enter(VECTOR_SWI, MODE_SVC, pcNext(), advancedIt());
}

/** An SVC that ends an if-then block returns to outside of it. */
function advancedIt(): u32 {
  const state: u32 = itStateCurrent();
  return (state & 7) == 0 ? 0 : (state & 0xe0) | ((state << 1) & 0x1f);
}

/** The data access at `ea` of the instruction being executed failed; FAULT_* says why. */
export function dataAbort(ea: u32, status: u32, write: bool): void {
  run.fault = 1;
  if (run.probe != 0) return;
  const pc: u32 = pcCurrent();
  const it: u32 = itStateCurrent();
  if (has(FEATURE_M)) {
    hardFault(pc);
    return;
  }
  if (has(FEATURE_A26)) {
    enter(status == FAULT_ADDRESS ? VECTOR_ADDRESS : VECTOR_DATA_ABORT, MODE_SVC, pc + 8, 0);
    return;
  }
  cpu.dfsr = (status & 15) | ((status & 16) << 6) | (run.domain << 4) | (write && has(FEATURE_V6) ? 0x800 : 0);
  cpu.dfar = has(FEATURE_V6) || ea >= 0x0200_0000 ? ea : ea | cpu.fcse;
  enter(VECTOR_DATA_ABORT, MODE_ABT, pc + 8, it);
}

/** The instruction at `pc` cannot be fetched. Between instructions. */
export function prefetchAbort(pc: u32, status: u32): void {
  if (has(FEATURE_M)) {
    hardFault(pc);
    return;
  }
  if (has(FEATURE_A26)) {
    enter(VECTOR_PREFETCH_ABORT, MODE_SVC, pc + 4, 0);
    return;
  }
  cpu.ifsr = (status & 15) | ((status & 16) << 6) | (has(FEATURE_V6) ? 0 : run.domain << 4);
  cpu.ifar = pc;
  enter(VECTOR_PREFETCH_ABORT, MODE_ABT, pc + 4, cpu.itstate);
}

export function op_bkpt(op: u32): void {
  if (has(FEATURE_M)) {
    hardFault(pcCurrent());
    return;
  }
  const pc: u32 = pcCurrent();
  cpu.ifsr = 2;
  cpu.ifar = pc;
  enter(VECTOR_PREFETCH_ABORT, MODE_ABT, pc + 4, itStateCurrent());
}

/** SMC: to the secure monitor. */
export function op_smc(op: u32): void {
  if (run.privileged == 0) {
    undefinedException(op);
    return;
  }
  enter(VECTOR_SWI, MODE_MON, pcNext(), advancedIt());
  cpu.pc = cpu.mvbar + VECTOR_SWI;
}

// --- Interrupts

/** Whether one of the interrupt pins asks for attention that is not masked. */
export function interruptReady(): bool {
  const control: u32 = cpu.control;
  return (cpu.fiq != 0 && (control & PSR_F) == 0) || (cpu.irq != 0 && (control & PSR_I) == 0);
}

/** Takes the most urgent one. Between instructions. */
export function takeInterrupt(): void {
  if (cpu.fiq != 0 && (cpu.control & PSR_F) == 0) enter(VECTOR_FIQ, MODE_FIQ, cpu.pc + 4, cpu.itstate);
  else enter(VECTOR_IRQ, MODE_IRQ, cpu.pc + 4, cpu.itstate);
}

/** Whether one of the pins is asserted, masked or not: what ends a sleep. */
export function interruptsWaiting(): bool {
  if (has(FEATURE_M)) return wakes();
  return cpu.fiq != 0 || cpu.irq != 0;
}
