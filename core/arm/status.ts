// SPDX-License-Identifier: MIT
//
// The program status registers, and the registers that each mode has of its own [ARM ARM] B1.3.
import {
  FEATURE_V4T,
  FEATURE_V5E,
  FEATURE_V6,
  MODE_ABT,
  MODE_FIQ,
  MODE_IRQ,
  MODE_MON,
  MODE_SVC,
  MODE_UND,
  MODE_USR,
  PSR_A,
  PSR_C,
  PSR_E,
  PSR_F,
  PSR_I,
  PSR_M,
  PSR_N,
  PSR_Q,
  PSR_V,
  PSR_Z,
  R15_F,
  R15_I,
  R15_MODE,
} from './constants';
import { BANK_BASE, FIQ_BASE, GPR_BASE, LR, SP, SPSR_BASE, USR_BASE, cpu, gpr, has, run, setGpr } from './state';
import { selectBank } from './tlb';

const CONTROL: u32 = PSR_E | PSR_A | PSR_I | PSR_F | PSR_M;

/** N, Z, C and V, where the PSRs have them. */
export function flags(): u32 {
  return (
    (cpu.cc_n & PSR_N) |
    (cpu.cc_z == 0 ? PSR_Z : 0) |
    (cpu.cc_c != 0 ? PSR_C : 0) |
    ((cpu.cc_v >>> 3) & PSR_V)
  );
}

export function setFlags(psr: u32): void {
  cpu.cc_n = psr;
  cpu.cc_z = ~psr & PSR_Z;
  cpu.cc_c = (psr >>> 29) & 1;
  cpu.cc_v = psr << 3;
}

/** CPSR, but for the if-then state. */
export function cpsr(): u32 {
  return flags() | (cpu.cc_q << 27) | (cpu.cc_ge << 16) | cpu.control | (cpu.thumb << 5);
}

/** The if-then state where the PSRs have it. */
// @ts-ignore: decorator
@inline
export function packIt(state: u32): u32 {
  return ((state & 3) << 25) | ((state & 0xfc) << 8);
}

// @ts-ignore: decorator
@inline
function unpackIt(psr: u32): u32 {
  return ((psr >>> 25) & 3) | ((psr >>> 8) & 0xfc);
}

/** All of CPSR, as an exception return writes it; the program counter is the caller's. */
export function setCpsr(psr: u32): void {
  setFlags(psr);
  cpu.cc_q = has(FEATURE_V5E) ? (psr >>> 27) & 1 : 0;
  cpu.cc_ge = has(FEATURE_V6) ? (psr >>> 16) & 15 : 0;
  cpu.thumb = has(FEATURE_V4T) ? (psr >>> 5) & 1 : 0;
  cpu.itstate = cpu.thumb != 0 ? unpackIt(psr) : 0;
  setControl(psr & CONTROL);
}

/** E, A, I, F and the mode. An invalid mode is taken for user mode's registers with privileges, as nothing else is. */
export function setControl(control: u32): void {
  const from: u32 = cpu.control & PSR_M;
  const to: u32 = control & PSR_M;
  if (from != to) switchBanks(from, to);
  cpu.control = control;
  selectBank();
}

// --- Banks

/** Where the R13 and R14 of a mode are kept, or 0 for those that share with user mode; FIQ mode has more. */
function bankOf(mode: u32): u32 {
  switch (mode) {
    case MODE_IRQ:
      return BANK_BASE;
    case MODE_SVC:
      return BANK_BASE + 8;
    case MODE_ABT:
      return BANK_BASE + 16;
    case MODE_UND:
      return BANK_BASE + 24;
    case MODE_MON:
      return BANK_BASE + 32;
    default:
      return 0;
  }
}

/** Where SPSR of the current mode is, or 0. */
function spsrPlace(): u32 {
  switch (cpu.control & PSR_M) {
    case MODE_FIQ:
      return SPSR_BASE;
    case MODE_IRQ:
      return SPSR_BASE + 4;
    case MODE_SVC:
      return SPSR_BASE + 8;
    case MODE_ABT:
      return SPSR_BASE + 12;
    case MODE_UND:
      return SPSR_BASE + 16;
    case MODE_MON:
      return SPSR_BASE + 20;
    default:
      return 0;
  }
}

/** Modes without an SPSR read CPSR. */
export function spsr(): u32 {
  const place: u32 = spsrPlace();
  return place == 0 ? cpsr() : load<u32>(place);
}

export function setSpsr(value: u32): void {
  const place: u32 = spsrPlace();
  if (place != 0) store<u32>(place, value);
}

export function hasSpsr(): bool {
  return spsrPlace() != 0;
}

function switchBanks(from: u32, to: u32): void {
  // What is in the register file now goes to its bank …
  if (from == MODE_FIQ) {
    memory.copy(FIQ_BASE, GPR_BASE + 32, 28);
    memory.copy(GPR_BASE + 32, USR_BASE, 20);
  } else {
    const bank: u32 = bankOf(from);
    store<u32>(bank == 0 ? USR_BASE + 20 : bank, gpr(SP));
    store<u32>(bank == 0 ? USR_BASE + 24 : bank + 4, gpr(LR));
  }
  // … and what belongs to the new mode comes.
  if (to == MODE_FIQ) {
    memory.copy(USR_BASE, GPR_BASE + 32, 20);
    memory.copy(GPR_BASE + 32, FIQ_BASE, 28);
  } else {
    const bank: u32 = bankOf(to);
    setGpr(SP, load<u32>(bank == 0 ? USR_BASE + 20 : bank));
    setGpr(LR, load<u32>(bank == 0 ? USR_BASE + 24 : bank + 4));
  }
}

/** Where a register of a mode is now, whichever is the current one. */
export function bankedPlace(n: u32, mode: u32): u32 {
  const current: u32 = cpu.control & PSR_M;
  if (n < 8 || n == 15 || mode == current) return GPR_BASE + (n << 2);
  if (n < 13) {
    if (mode == MODE_FIQ) return FIQ_BASE + ((n - 8) << 2);
    return current == MODE_FIQ ? USR_BASE + ((n - 8) << 2) : GPR_BASE + (n << 2);
  }
  if (mode == MODE_FIQ) return FIQ_BASE + ((n - 8) << 2);
  const bank: u32 = bankOf(mode);
  if (bank != 0) return bank + ((n - 13) << 2);
  return bankOf(current) == 0 && current != MODE_FIQ ? GPR_BASE + (n << 2) : USR_BASE + ((n - 8) << 2);
}

/** Where a user-mode register is now. */
export function userPlace(n: u32): u32 {
  return bankedPlace(n, MODE_USR);
}

// --- The status bits of R15 with 26 bits

export function psr26(): u32 {
  const control: u32 = cpu.control;
  return flags() | ((control & PSR_I) << 20) | ((control & PSR_F) << 20) | (control & R15_MODE);
}

/** Writes the status bits that the current mode may change. */
export function setPsr26(r15: u32): void {
  if (run.privileged != 0) forcePsr26(r15);
  else setFlags(r15);
}

/** Writes all of the status bits. */
export function forcePsr26(r15: u32): void {
  setFlags(r15);
  setControl(((r15 & R15_I) >>> 20) | ((r15 & R15_F) >>> 20) | MODE_USR | (r15 & R15_MODE));
}

/** Writes CPSR as MSR does, in the fields that `mask` names, and that the current mode may change. */
export function writeCpsr(value: u32, mask: u32): void {
  if ((mask & 8) != 0) {
    setFlags(value);
    if (has(FEATURE_V5E)) cpu.cc_q = (value >>> 27) & 1;
  }
  if ((mask & 4) != 0 && has(FEATURE_V6)) cpu.cc_ge = (value >>> 16) & 15;
  let control: u32 = cpu.control;
  if ((mask & 2) != 0 && has(FEATURE_V6)) {
    control = (control & ~PSR_E) | (value & PSR_E);
    if (run.privileged != 0) control = (control & ~PSR_A) | (value & PSR_A);
  }
  if ((mask & 1) != 0 && run.privileged != 0) control = (control & ~(PSR_I | PSR_F | PSR_M)) | (value & (PSR_I | PSR_F | PSR_M));
  if (control != cpu.control) setControl(control);
}
