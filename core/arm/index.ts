// SPDX-License-Identifier: MIT
//
// The ARM core as the host sees it; its other half is machines/devices/cpu/arm.ts.
import { PAGE_STATE_BASE, PHYS_MAP_BASE } from '../common/layout';
import { EXIT_ENTRY, elapsed, itStateCurrent, leave, leaveAfter, pcCurrent, resetPages, setTarget } from './code';
import {
  FEATURE_A26,
  FEATURE_A32,
  FEATURE_CP15,
  FEATURE_M,
  FEATURE_MMU,
  FEATURE_NEON,
  FEATURE_SECURITY,
  FEATURE_SWP,
  FEATURE_T2,
  FEATURE_V4,
  FEATURE_V4T,
  FEATURE_V5,
  FEATURE_V5E,
  FEATURE_V5J,
  FEATURE_V6,
  FEATURE_V6K,
  FEATURE_V7,
  FEATURE_VFP,
  MODEL_ARM2,
  MODEL_ARM250,
  MODEL_ARM3,
  MODEL_ARM7TDMI,
  MODEL_ARM926,
  MODEL_CORTEX_A8,
  MODE_SVC,
  PSR_F,
  PSR_I,
} from './constants';
import { resetControl } from './control';
import { ARM_END, HINT_A32, HINT_SIZE } from './layout';
import {
  mainStack as mainStackNow,
  processStack as processStackNow,
  setLines as setLinesNow,
  wakeInM,
} from './microcontroller';
import { translate as translateAccess } from './mmu';
import { GPR_BASE, RUN_BASE, cpu, run as state } from './state';
import { cpsr as cpsrNow, packIt, psr26, setCpsr as setCpsrNow, forcePsr26 } from './status';
import { flushAll, flushPage, resetTlb, selectBank } from './tlb';

export { step, setPins } from './run';
export { runSlice as run } from './run';
export { elapsed, invalidateCode } from './code';
export { protectTracked } from './tlb';
export { bankedPlace } from './status';

export const reservedBytes: u32 = ARM_END;
export const pageStateOffset: u32 = PAGE_STATE_BASE;
export const physMapOffset: u32 = PHYS_MAP_BASE;

function featuresOf(model: u32): u32 {
  const v4t: u32 = FEATURE_A32 | FEATURE_SWP | FEATURE_V4 | FEATURE_V4T;
  const v5: u32 = v4t | FEATURE_V5 | FEATURE_V5E | FEATURE_V5J | FEATURE_CP15 | FEATURE_MMU;
  switch (model) {
    case MODEL_ARM2:
      return FEATURE_A32 | FEATURE_A26;
    case MODEL_ARM250:
      return FEATURE_A32 | FEATURE_A26 | FEATURE_SWP;
    case MODEL_ARM3:
      return FEATURE_A32 | FEATURE_A26 | FEATURE_SWP | FEATURE_CP15;
    case MODEL_ARM7TDMI:
      return v4t;
    case MODEL_ARM926:
      return v5;
    case MODEL_CORTEX_A8:
      return v5 | FEATURE_V6 | FEATURE_V6K | FEATURE_T2 | FEATURE_V7 | FEATURE_SECURITY | FEATURE_VFP | FEATURE_NEON;
    default:
      return FEATURE_M | FEATURE_V4 | FEATURE_V4T | FEATURE_V5 | FEATURE_V6;
  }
}

/** Makes this instance one of the MODEL_* processors. Once, before anything else. */
export function configure(model: u32, clocksPerTick: u32, highVectors: bool, externalMmu: bool): void {
  state.model = model;
  state.features = featuresOf(model);
  state.clocks_per_tick = clocksPerTick;
  state.high_vectors = <u32>highVectors;
  state.external_mmu = <u32>externalMmu;
  memory.fill(HINT_A32, 0, HINT_SIZE);
  rebuild();
}

/** Power-on or the reset pin. */
export function reset(): void {
  const ticks: u64 = cpu.ticks + <u64>elapsed();
  const idle: u64 = cpu.idle_ticks;
  const irq: u32 = cpu.irq;
  const fiq: u32 = cpu.fiq;
  const lines: u32 = cpu.nvic_lines;
  memory.fill(GPR_BASE, 0, RUN_BASE - GPR_BASE);
  cpu.ticks = ticks;
  cpu.idle_ticks = idle;
  cpu.irq = irq;
  cpu.fiq = fiq;
  cpu.cc_z = 1;
  cpu.control = MODE_SVC | PSR_I | PSR_F;
  if ((state.features & FEATURE_M) != 0) {
    cpu.thumb = 1;
    cpu.nvic_lines = lines;
    cpu.vectors_due = 1;
  }
  resetControl();
  rebuild();
}

/** Forgets every cache: after a reset or a restore. Keeps `elapsed` at 0. */
export function rebuild(): void {
  resetPages();
  resetTlb();
  selectBank();
  state.fault = state.bus_error = state.crossing = state.probe = state.refused = 0;
}

/** The host asks to be back `ticks` after the slice's beginning. */
export function pullIn(ticks: u32): void {
  if (ticks < state.end) state.end = ticks;
  if (ticks < state.target) setTarget(ticks);
}

/** Address of the current instruction while one is executed, else of the next. */
export function pc(): u32 {
  return state.at == EXIT_ENTRY ? cpu.pc : pcCurrent();
}

/** Execution goes on at `value`. */
export function setPc(value: u32): void {
  if (state.at != EXIT_ENTRY) leave();
  cpu.pc = cpu.thumb != 0 ? value & ~1 : value & ~3;
  cpu.itstate = 0;
  cpu.vectors_due = 0;
}

/** The status register, with the if-then state. */
export function cpsr(): u32 {
  return cpsrNow() | packIt(itStateCurrent());
}

export function setCpsr(value: u32): void {
  leaveAfter();
  setCpsrNow(value);
}

/** R15 with 26 bits: the address of the current instruction and the status bits. */
export function r15(): u32 {
  return pc() | psr26();
}

export function setR15(value: u32): void {
  setPc(value & 0x03ff_fffc);
  forcePsr26(value);
}

/** The physical map, or what translation depends on, changed: nothing remembered of addresses holds. */
export function mapChanged(): void {
  flushAll();
  leaveAfter();
}

/** The same of some addresses only. */
export function flushRange(ea: u32, bytes: u32): void {
  if (bytes > 0x10_0000) {
    flushAll();
  } else {
    for (let at: u32 = ea & ~0xfff; at < ea + bytes; at += 0x1000) flushPage(at);
  }
  leaveAfter();
}

/**
 * Physical address of `ea` as the processor in its present state would see it, or -1. ACCESS_* as in constants.ts.
 * No side effects.
 */
export function translate(ea: u32, access: u32): f64 {
  state.probe = 1;
  const error: u32 = translateAccess(ea, access);
  state.probe = 0;
  return error == 0 ? <f64>state.pa : -1;
}

/** Time passed with nothing executed. */
export function skipped(ticks: f64): void {
  cpu.ticks += <u64>ticks;
  cpu.idle_ticks += <u64>ticks;
}

/** Ticks since power-on. */
export function totalTicks(): f64 {
  return <f64>(cpu.ticks + <u64>elapsed());
}

/** Instructions executed since power-on. */
export function instructions(): f64 {
  return <f64>(cpu.ticks + <u64>elapsed() - cpu.idle_ticks);
}

/** Cortex-M0: the two stack pointers. */
export function mainStack(): u32 {
  return mainStackNow();
}

export function processStack(): u32 {
  return processStackNow();
}

/** Cortex-M0: levels of the interrupt lines. */
export function setLines(lines: u32): void {
  if ((state.features & FEATURE_M) != 0) setLinesNow(lines);
}

/** Ticks until a sleeping processor wakes by itself, or -1 when it does not. */
export function wakeIn(): f64 {
  return (state.features & FEATURE_M) != 0 ? wakeInM() : -1;
}
