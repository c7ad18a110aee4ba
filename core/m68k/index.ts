// SPDX-License-Identifier: MIT
//
// The 68k core as the host sees it; its other half is machines/devices/cpu/m68k.ts.
import { PAGE_STATE_BASE, PHYS_MAP_BASE } from '../common/layout';
import { EXIT_ENTRY, buildDecodeTable, elapsed, leave, leaveAfter, pcCurrent, resetPages, setTarget } from './code';
import {
  FC_SUPER_DATA,
  FC_SUPER_PROGRAM,
  FC_USER_DATA,
  FC_USER_PROGRAM,
  MODEL_68000,
  MODEL_68020,
  SR_I,
  SR_S,
} from './constants';
import { setSr as setSrNow, sr as srNow } from './exceptions';
import { resetFpu } from './fpu';
import { M68K_END } from './layout';
import { readPhysical, translate as translateAccess } from './mmu';
import { SP, GPR_BASE, RUN_BASE, cpu, run as state, setGpr } from './state';
import { flushAll, resetTlb, selectBank } from './tlb';

export { setDelayTicks } from './control';
export { step, interrupt } from './run';
export { runSlice as run } from './run';
export { elapsed, invalidateCode } from './code';
export { protectTracked } from './tlb';

export const reservedBytes: u32 = M68K_END;
export const pageStateOffset: u32 = PAGE_STATE_BASE;
export const physMapOffset: u32 = PHYS_MAP_BASE;

/** Makes this instance one of the MODEL_* processors with one of the FPU_*. Once, before anything else. */
export function configure(model: u32, fpu: u32, hypercalls: bool): void {
  state.model = model;
  state.fpu = fpu;
  state.hypercalls = <u32>hypercalls;
  state.sr_mask = model == MODEL_68000 ? 0xa71f : 0xf71f;
  state.address_mask = model == MODEL_68000 ? 0x00ff_ffff : ~0;
  buildDecodeTable(model);
  rebuild();
}

/** Power-on or the RESET pin: the stack pointer and the program counter come from the first two vectors. */
export function reset(): void {
  const ticks: u64 = cpu.ticks + <u64>elapsed();
  const idle: u64 = cpu.idle_ticks;
  const level: u32 = cpu.ipl;
  memory.fill(GPR_BASE, 0, RUN_BASE - GPR_BASE);
  cpu.ticks = ticks;
  cpu.idle_ticks = idle;
  cpu.ipl = level;
  cpu.sr = SR_S | SR_I;
  cpu.cc_z = 1;
  cpu.vectors_due = 1;
  resetFpu();
  rebuild();
}

/** Forgets every cache: after a reset or a restore. Keeps `elapsed` at 0. */
export function rebuild(): void {
  resetPages();
  resetTlb();
  selectBank();
  state.fault = state.bus_error = state.late_cause = state.crossing = state.stacking = 0;
  state.locked = state.line = state.last_store = state.probe = state.undo = 0;
}

/** The host asks to be back `ticks` after the slice's beginning. */
export function pullIn(ticks: u32): void {
  if (ticks < state.end) state.end = ticks;
  if (ticks < state.target) setTarget(ticks);
}

/** Effective address of the current instruction while one is executed, else of the next. */
export function pc(): u32 {
  return state.at == EXIT_ENTRY || state.op_at == EXIT_ENTRY ? cpu.pc : pcCurrent();
}

/** Execution goes on at `value`. */
export function setPc(value: u32): void {
  if (state.at != EXIT_ENTRY) leave();
  cpu.vectors_due = 0;
  cpu.pc = value;
}

export function sr(): u32 {
  return srNow();
}

export function setSr(value: u32): void {
  leaveAfter();
  setSrNow(value);
}

/** The physical map, or registers that translation depends on, changed: nothing remembered of addresses holds. */
export function mapChanged(): void {
  flushAll();
  leaveAfter();
}

/**
 * Physical address of `ea` as the processor in its present state would see it, or -1. ACCESS_* as in constants.ts.
 * No side effects.
 */
export function translate(ea: u32, access: u32): f64 {
  const supervisor: bool = (cpu.sr & SR_S) != 0;
  const fc: u32 = access == 2 ? (supervisor ? FC_SUPER_PROGRAM : FC_USER_PROGRAM) : supervisor ? FC_SUPER_DATA : FC_USER_DATA;
  state.probe = 1;
  const error: u32 = translateAccess(ea, access, fc);
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
