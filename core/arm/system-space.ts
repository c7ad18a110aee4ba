// SPDX-License-Identifier: MIT
//
// The system control space of the Cortex-M0 at 0xe000_e000 [ARMv6-M ARM] B3: SysTick, the NVIC with 32 interrupts of four
// priorities, and the system control block. Registers are words; accesses of other sizes are unpredictable, and here
// read zero and write nothing.
import { log } from '../common/host';
import { elapsed, leaveAfter, pcCurrent } from './code';
import { LOG_SCS } from './constants';
import { preempts, requestReset } from './microcontroller';
import { NVIC_BASE, cpu, run } from './state';

const CPUID: u32 = 0x410c_c200;
/** UNALIGN_TRP and STKALIGN are always set. */
const CCR: u32 = 0x0000_0208;
/** No reference clock, and nobody knows how many clocks are 10 ms. */
const SYST_CALIB: u32 = 0xc000_0000;

const SCR_SEVONPEND: u32 = 16;

const CSR_ENABLE: u32 = 1;
const CSR_TICKINT: u32 = 2;
const CSR_CLKSOURCE: u32 = 4;
const CSR_COUNTFLAG: u32 = 0x0001_0000;

const EXCEPTION_NMI: u32 = 2;
const EXCEPTION_HARD_FAULT: u32 = 3;
const EXCEPTION_SVC: u32 = 11;
const EXCEPTION_PENDSV: u32 = 14;
const EXCEPTION_SYSTICK: u32 = 15;

const SHPR2: u32 = NVIC_BASE + 32;
const SHPR3: u32 = NVIC_BASE + 36;
const PRIORITY_BITS: u32 = 0xc0c0_c0c0;

// @ts-ignore: decorator
@inline
export function isSystemSpace(ea: u32): bool {
  return ea >>> 20 == 0xe00;
}

/** Priority of an exception: the smaller, the more urgent. */
export function urgencyOf(n: u32): i32 {
  if (n >= 16) return <i32>load<u8>(NVIC_BASE + n - 16);
  switch (n) {
    case EXCEPTION_NMI:
      return -2;
    case EXCEPTION_HARD_FAULT:
      return -1;
    case EXCEPTION_SVC:
      return <i32>(load<u32>(SHPR2) >>> 24);
    case EXCEPTION_PENDSV:
      return <i32>((load<u32>(SHPR3) >>> 16) & 0xff);
    default:
      return <i32>(load<u32>(SHPR3) >>> 24);
  }
}

/** An interrupt becomes pending, enabled or not: with SCR.SEVONPEND that is an event, which ends a WFE. */
export function eventOnPend(): void {
  if ((cpu.scr_m & SCR_SEVONPEND) != 0) cpu.event = 1;
}

/** After a change of what is pending, enabled or how urgent. */
function recheck(): void {
  if (preempts()) leaveAfter();
}

// --- SysTick. While it counts, syst_due is the clock at which it is 0; else what it holds.

// @ts-ignore: decorator
@inline
function clocks(): u64 {
  return (cpu.ticks + <u64>elapsed()) * <u64>run.clocks_per_tick;
}

// @ts-ignore: decorator
@inline
function counting(): bool {
  return (cpu.syst_csr & CSR_ENABLE) != 0 && cpu.syst_rvr != 0;
}

/** Brings the timer up to now. */
export function sysTick(): void {
  if (!counting()) return;
  const now: u64 = clocks();
  if (now < cpu.syst_due) return;
  const period: u64 = <u64>cpu.syst_rvr + 1;
  cpu.syst_due += ((now - cpu.syst_due) / period + 1) * period;
  cpu.syst_csr |= CSR_COUNTFLAG;
  if ((cpu.syst_csr & CSR_TICKINT) == 0) return;
  if (((cpu.system_pending >>> EXCEPTION_SYSTICK) & 1) == 0) eventOnPend();
  cpu.system_pending |= 1 << EXCEPTION_SYSTICK;
}

/** Ticks until the timer raises its exception, or -1. */
export function sysTickDue(): f64 {
  if (!counting() || (cpu.syst_csr & CSR_TICKINT) == 0) return -1;
  const now: u64 = clocks();
  if (now >= cpu.syst_due) return 0;
  const per: u64 = <u64>run.clocks_per_tick;
  return <f64>((cpu.syst_due - now + per - 1) / per);
}

function sysTickValue(): u32 {
  sysTick();
  return counting() ? <u32>(cpu.syst_due - clocks()) % (cpu.syst_rvr + 1) : <u32>cpu.syst_due;
}

function writeSysTickControl(value: u32): void {
  const current: u32 = sysTickValue();
  cpu.syst_csr = (cpu.syst_csr & CSR_COUNTFLAG) | (value & (CSR_ENABLE | CSR_TICKINT)) | CSR_CLKSOURCE;
  setSysTickValue(current);
  leaveAfter();
}

/** The counter has `value`, and goes on from it; from 0 with the reload value. */
function setSysTickValue(value: u32): void {
  if (!counting()) cpu.syst_due = <u64>value;
  else cpu.syst_due = clocks() + <u64>(value != 0 ? value : cpu.syst_rvr + 1);
}

// --- Registers

export function readSystemSpace(ea: u32, size: u32): u32 {
  const offset: u32 = ea & 0xf_ffff;
  if (size != 4) {
    log(LOG_SCS, ea, pcCurrent());
    return 0;
  }
  if (offset >= 0xe400 && offset < 0xe420) return load<u32>(NVIC_BASE + (offset - 0xe400));
  switch (offset) {
    case 0xe010: {
      sysTick();
      const value: u32 = cpu.syst_csr | CSR_CLKSOURCE;
      cpu.syst_csr &= ~CSR_COUNTFLAG;
      return value;
    }
    case 0xe014:
      return cpu.syst_rvr;
    case 0xe018:
      return sysTickValue();
    case 0xe01c:
      return SYST_CALIB;
    case 0xe100:
    case 0xe180:
      return cpu.nvic_enabled;
    case 0xe200:
    case 0xe280:
      return cpu.nvic_pending | (cpu.nvic_lines & ~cpu.nvic_active);
    case 0xed00:
      return CPUID;
    case 0xed04:
      return interruptControl();
    case 0xed0c:
      return 0xfa05_0000;
    case 0xed10:
      return cpu.scr_m;
    case 0xed14:
      return CCR;
    case 0xed1c:
      return load<u32>(SHPR2);
    case 0xed20:
      return load<u32>(SHPR3);
    case 0xed24:
      return ((cpu.system_pending >>> EXCEPTION_SVC) & 1) << 15;
    default:
      log(LOG_SCS, ea, pcCurrent());
      return 0;
  }
}

/** ICSR: what is pending and active. */
function interruptControl(): u32 {
  const pending: u32 = cpu.nvic_pending & cpu.nvic_enabled;
  let most: u32 = 0;
  let priority: i32 = 256;
  for (let n: u32 = 2; n < 48; n++) {
    const waits: u32 = n < 16 ? cpu.system_pending >>> n : pending >>> (n - 16);
    if ((waits & 1) != 0 && urgencyOf(n) < priority) {
      priority = urgencyOf(n);
      most = n;
    }
  }
  const system: u32 = cpu.system_pending;
  const flags: u32 = (((system >>> 2) & 1) << 31) | (((system >>> 14) & 1) << 28) | (((system >>> 15) & 1) << 26);
  return flags | (pending != 0 ? 1 << 22 : 0) | (most << 12) | cpu.ipsr;
}

export function writeSystemSpace(ea: u32, size: u32, value: u32): void {
  const offset: u32 = ea & 0xf_ffff;
  if (size != 4) {
    log(LOG_SCS, ea, pcCurrent());
    return;
  }
  if (offset >= 0xe400 && offset < 0xe420) {
    store<u32>(NVIC_BASE + (offset - 0xe400), value & PRIORITY_BITS);
    recheck();
    return;
  }
  switch (offset) {
    case 0xe010:
      writeSysTickControl(value);
      break;
    case 0xe014: {
      const current: u32 = sysTickValue();
      cpu.syst_rvr = value & 0x00ff_ffff;
      setSysTickValue(current);
      leaveAfter();
      break;
    }
    case 0xe018:
      cpu.syst_csr &= ~CSR_COUNTFLAG;
      setSysTickValue(0);
      leaveAfter();
      break;
    case 0xe100:
      cpu.nvic_enabled |= value;
      recheck();
      break;
    case 0xe180:
      cpu.nvic_enabled &= ~value;
      break;
    case 0xe200:
      if ((value & ~cpu.nvic_pending) != 0) eventOnPend();
      cpu.nvic_pending |= value;
      recheck();
      break;
    case 0xe280:
      cpu.nvic_pending &= ~value;
      break;
    case 0xed04:
      if ((value & 0x8000_0000) != 0) cpu.system_pending |= 1 << EXCEPTION_NMI;
      if ((value & 0x1000_0000) != 0) cpu.system_pending |= 1 << EXCEPTION_PENDSV;
      if ((value & 0x0800_0000) != 0) cpu.system_pending &= ~(1 << EXCEPTION_PENDSV);
      if ((value & 0x0400_0000) != 0) cpu.system_pending |= 1 << EXCEPTION_SYSTICK;
      if ((value & 0x0200_0000) != 0) cpu.system_pending &= ~(1 << EXCEPTION_SYSTICK);
      recheck();
      break;
    case 0xed0c:
      if (value >>> 16 == 0x05fa && (value & 4) != 0) requestReset();
      break;
    case 0xed10:
      cpu.scr_m = value & 0x16;
      break;
    case 0xed14:
      break;
    case 0xed1c:
      store<u32>(SHPR2, value & 0xc000_0000);
      break;
    case 0xed20:
      store<u32>(SHPR3, value & 0xc0c0_0000);
      recheck();
      break;
    case 0xed24:
      break;
    default:
      log(LOG_SCS, ea, pcCurrent());
      break;
  }
}
