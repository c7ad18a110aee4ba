// SPDX-License-Identifier: MIT
//
// The PowerPC core as the host sees it; its other half is machines/devices/cpu/ppc.ts.
import { PAGE_STATE_BASE, PHYS_MAP_BASE } from '../common/layout';
import { EXIT_ENTRY, buildDecodeTables, elapsed, leave, leaveAfter, pcOf, resetPages, setTarget } from './code';
import {
  FEATURE_ALTIVEC,
  FEATURE_DCBA,
  FEATURE_GRAPHICS,
  FEATURE_HYPERCALL,
  FEATURE_POWER,
  FEATURE_SOFT_TLB,
  FEATURE_TIMEBASE,
  FEATURE_UNIFIED_BAT,
  HID0_DOZE,
  HID0_NAP,
  HID0_SLEEP,
  MODEL_601,
  MODEL_603E,
  MODEL_604E,
  MODEL_7400,
  MODEL_750,
  MSR_EE,
  MSR_IP,
  PENDING_EXTERNAL,
} from './constants';
import { initMasks } from './integer';
import { setMsr as setMsrNow } from './exceptions';
import { postInterrupt } from './interrupts';
import { PPC_END } from './layout';
import { translate as translateAccess } from './mmu';
import { GPR_BASE, RUN_BASE, cpu, run as state } from './state';
import { flushAll, resetTlb, selectBank } from './tlb';
import { setDecrementer, setTimebase, timebase } from './time';

export { step } from './run';
export { runSlice as run } from './run';
export { elapsed, invalidateCode } from './code';
export { protectTracked } from './tlb';
export { cr, setCr } from './integer';
export { xer, setXer } from './fields';
export { decrementer, setDecrementer } from './time';

export const reservedBytes: u32 = PPC_END;
export const pageStateOffset: u32 = PAGE_STATE_BASE;
export const physMapOffset: u32 = PHYS_MAP_BASE;

function featuresOf(model: u32): u32 {
  switch (model) {
    case MODEL_601:
      return FEATURE_POWER | FEATURE_UNIFIED_BAT;
    case MODEL_603E:
      return FEATURE_SOFT_TLB | FEATURE_TIMEBASE | FEATURE_GRAPHICS;
    case MODEL_7400:
      return FEATURE_ALTIVEC | FEATURE_DCBA | FEATURE_TIMEBASE | FEATURE_GRAPHICS;
    default:
      return FEATURE_TIMEBASE | FEATURE_GRAPHICS;
  }
}

function msrMaskOf(model: u32): u32 {
  switch (model) {
    case MODEL_601:
      return 0x0000_fd70;
    case MODEL_603E:
      return 0x0007_ff73;
    case MODEL_7400:
      return 0x0205_ff77;
    default:
      return 0x0005_ff77;
  }
}

function pvrOf(model: u32): u32 {
  switch (model) {
    case MODEL_601:
      return 0x0001_0002;
    case MODEL_603E:
      return 0x0006_0104;
    case MODEL_604E:
      return 0x0009_0204;
    case MODEL_750:
      return 0x0008_0301;
    default:
      return 0x000c_0209;
  }
}

/** Makes this instance one of the MODEL_* processors. Once, before anything else. */
export function configure(model: u32, ticksPerTimebase: u32, hypercalls: bool, temperature: u32): void {
  state.model = model;
  state.features = featuresOf(model) | (hypercalls ? FEATURE_HYPERCALL : 0);
  state.msr_mask = msrMaskOf(model);
  state.ticks_per_timebase = ticksPerTimebase;
  state.temperature = temperature;
  initMasks();
  buildDecodeTables(state.features);
  rebuild();
}

/** Power-on or hard reset: registers as the manuals give them, execution at 0xfff0_0100. */
export function reset(): void {
  const ticks: u64 = cpu.ticks + <u64>elapsed();
  const idle: u64 = cpu.idle_ticks;
  const pins: u32 = cpu.pending & PENDING_EXTERNAL;
  memory.fill(GPR_BASE, 0, RUN_BASE - GPR_BASE);
  cpu.ticks = ticks;
  cpu.idle_ticks = idle;
  cpu.pmc_ticks = ticks;
  cpu.pending = pins;
  cpu.pvr = pvrOf(state.model);
  cpu.pc = 0xfff0_0100;
  cpu.msr = MSR_IP;
  if (state.model == MODEL_601) cpu.hid0 = 0x8001_0080;
  rebuild();
  setTimebase(0);
  setDecrementer(0xffff_ffff);
  cpu.pending = pins;
}

/** Forgets every cache: after a reset or a restore. Keeps `elapsed` at 0. */
export function rebuild(): void {
  cpu.msr &= state.msr_mask;
  resetPages();
  resetTlb();
  selectBank();
  state.dirty_segments = state.fault = state.bus_error = 0;
}

/** The host asks to be back `ticks` after the slice's beginning. */
export function pullIn(ticks: u32): void {
  if (ticks < state.end) state.end = ticks;
  if (ticks < state.target) setTarget(ticks);
}

/** The external interrupt pin. */
export function interrupt(level: bool): void {
  if (level) postInterrupt(PENDING_EXTERNAL);
  else cpu.pending &= ~PENDING_EXTERNAL;
}

/** Makes other PENDING_* exceptions wait: soft reset, machine check, system management. */
export function post(bits: u32): void {
  postInterrupt(bits);
}

/** Effective address of the current instruction while one is executed, else of the next. */
export function pc(): u32 {
  return state.at == EXIT_ENTRY ? cpu.pc : pcOf(state.at) - 4;
}

/** Execution goes on at `value`. */
export function setPc(value: u32): void {
  if (state.at != EXIT_ENTRY) leave();
  cpu.pc = value & ~3;
}

export function setMsr(value: u32): void {
  leaveAfter();
  setMsrNow(value);
}

/** The physical map, or registers that translation depends on, changed: nothing remembered of addresses holds. */
export function mapChanged(): void {
  flushAll();
  leaveAfter();
}

/**
 * Physical address of `ea` as the processor in its present state would see it, or -1. ACCESS_* as in mmu.ts.
 * No side effects.
 */
export function translate(ea: u32, access: u32): f64 {
  return translateAccess(ea, access, true) == 0 ? <f64>state.pa : -1;
}

/** Ticks until a sleeping processor wakes by itself, or -1 when it does not. */
export function wakeIn(): f64 {
  if ((cpu.msr & MSR_EE) == 0) return -1;
  // Asleep, neither time base nor decrementer run.
  if ((cpu.hid0 & (HID0_DOZE | HID0_NAP | HID0_SLEEP)) == HID0_SLEEP) return -1;
  const time: u64 = cpu.ticks + <u64>elapsed();
  return cpu.dec_due > time ? <f64>(cpu.dec_due - time) : 0;
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

export function timebaseLower(): u32 {
  return <u32>timebase();
}

export function timebaseUpper(): u32 {
  return <u32>(timebase() >>> 32);
}
