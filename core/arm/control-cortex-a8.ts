// SPDX-License-Identifier: MIT
//
// CP15 of the Cortex-A8 r3p2 [Cortex-A8 TRM §3]. Cache operations do nothing: caches are coherent. The processor is always
// in the secure state.
import { log } from '../common/host';
import { leaveAfter, pcCurrent } from './code';
import { LOG_CP15_READ, LOG_CP15_WRITE, LOG_NONSECURE } from './constants';
import { translate } from './mmu';
import { isPerformanceRegister, readPerformance, writePerformance } from './performance';
import { CP15_BASE, cpu, run } from './state';
import { flushAll, flushNotGlobal, flushPage, selectBank } from './tlb';

export const SCTLR_A8: u32 = 0x00c5_0078;
const SCTLR_WRITABLE: u32 = 0x7b00_7807;

/** Identification: CRm and opc2 of CRn 0. */
// @ts-ignore: decorator
@lazy
const IDENTITY: usize = memory.data<u32>([
  0x413f_c082, 0x8204_8004, 0, 0, 0x413f_c082, 0, 0x413f_c082, 0x413f_c082, // MIDR, CTR, TCMTR, TLBTR, MPIDR
  0x0000_1031, 0x0000_0011, 0x0000_0400, 0, 0x3110_0003, 0x2000_0000, 0x0120_2000, 0x0000_0211, // PFR, DFR, MMFR
  0x0010_1111, 0x1311_2111, 0x2123_2031, 0x1111_2131, 0x0011_1142, 0, 0, 0, // ISAR
]);

const TLBTR: u32 = 0x0020_2001;
const CLIDR: u32 = 0x0a00_0023;
// 32 KiB, 4 ways of 128 lines of 64 bytes, twice; 256 KiB, 8 ways of 512.
const CCSIDR_L1D: u32 = 0xe00f_e01a;
const CCSIDR_L1I: u32 = 0x200f_e01a;
const CCSIDR_L2: u32 = 0xf03f_e03a;

/** Registers that only keep what is written have a place each. */
function keptPlace(register: u32): u32 {
  switch (register) {
    case 0x0111: // SDER
      return CP15_BASE;
    case 0x0112: // NSACR
      return CP15_BASE + 4;
    case 0x0510: // ADFSR
      return CP15_BASE + 8;
    case 0x0511: // AIFSR
      return CP15_BASE + 12;
    case 0x1900: // L2 cache lockdown
      return CP15_BASE + 16;
    case 0x1902: // L2 cache auxiliary control
      return CP15_BASE + 20;
    case 0x0a00: // TLB lockdown, data and instructions
      return CP15_BASE + 24;
    case 0x0a01:
      return CP15_BASE + 28;
    case 0x0b04: // PLE
    case 0x0b10:
    case 0x0b20:
      return CP15_BASE + 32;
    default:
      return 0;
  }
}

/** What user programs may read: thread registers, and the counters if they are let. */
function userReads(register: u32): bool {
  return register == 0x0d02 || register == 0x0d03 || (isPerformanceRegister(register) && (cpu.pmuserenr & 1) != 0);
}

export function readA8(register: u32): u32 {
  if (run.privileged == 0 && !userReads(register) && register != 0x09e0) {
    run.refused = 1;
    return 0;
  }
  if (isPerformanceRegister(register)) return readPerformance(register);
  switch (register) {
    case 0x0003:
      return TLBTR;
    case 0x0100:
      return cpu.sctlr;
    case 0x0101:
      return cpu.actlr;
    case 0x0102:
      return cpu.cpacr;
    case 0x0110:
      return cpu.scr;
    case 0x0200:
      return cpu.ttbr0;
    case 0x0201:
      return cpu.ttbr1;
    case 0x0202:
      return cpu.ttbcr;
    case 0x0300:
      return cpu.dacr;
    case 0x0500:
      return cpu.dfsr;
    case 0x0501:
      return cpu.ifsr;
    case 0x0600:
      return cpu.dfar;
    case 0x0602:
      return cpu.ifar;
    case 0x0740:
      return cpu.par;
    case 0x0a20:
      return cpu.prrr;
    case 0x0a21:
      return cpu.nmrr;
    case 0x0c00:
      return cpu.vbar;
    case 0x0c01:
      return cpu.mvbar;
    case 0x0c10: // pending interrupts
      return (cpu.irq << 7) | (cpu.fiq << 6);
    case 0x0d00:
      return 0;
    case 0x0d01:
      return cpu.contextidr;
    case 0x0d02:
      return cpu.tpidrurw;
    case 0x0d03:
      return cpu.tpidruro;
    case 0x0d04:
      return cpu.tpidrprw;
    case 0x1000:
      return cpu.csselr == 0 ? CCSIDR_L1D : cpu.csselr == 1 ? CCSIDR_L1I : cpu.csselr == 2 ? CCSIDR_L2 : 0;
    case 0x1001:
      return CLIDR;
    case 0x1007:
      return 0;
    case 0x2000:
      return cpu.csselr;
  }
  const kept: u32 = keptPlace(register);
  if (kept != 0) return load<u32>(kept);
  if ((register & 0xff00) == 0) {
    const crm: u32 = (register >>> 4) & 15;
    return crm < 3 ? load<u32>(IDENTITY + (crm << 5) + ((register & 7) << 2)) : 0;
  }
  if ((register & 0xf00) == 0xf00) return 0; // implementation defined
  log(LOG_CP15_READ, register, pcCurrent());
  run.refused = 1;
  return 0;
}

/** Translations no longer hold, the next instruction's neither. */
function remap(): void {
  flushAll();
  leaveAfter();
}

/** The barriers, which were CP15 operations once, are for all. */
// @ts-ignore: decorator
@inline
function isBarrier(register: u32): bool {
  return register == 0x0754 || register == 0x07a4 || register == 0x07a5;
}

export function writeA8(register: u32, value: u32): bool {
  if (isBarrier(register)) return true;
  if (run.privileged == 0) {
    if (register == 0x0d02) cpu.tpidrurw = value;
    else if (isPerformanceRegister(register) && (cpu.pmuserenr & 1) != 0) return writePerformance(register, value);
    else return false;
    return true;
  }
  if (isPerformanceRegister(register)) return writePerformance(register, value);
  switch (register) {
    case 0x0100:
      cpu.sctlr = (value & SCTLR_WRITABLE) | SCTLR_A8;
      remap();
      return true;
    case 0x0101:
      cpu.actlr = value;
      return true;
    case 0x0102:
      cpu.cpacr = value & 0xc0f0_0000;
      leaveAfter();
      return true;
    case 0x0110:
      if ((value & 1) != 0) log(LOG_NONSECURE, value, pcCurrent());
      cpu.scr = value & 0x3e;
      return true;
    case 0x0200:
      cpu.ttbr0 = value;
      flushNotGlobal();
      leaveAfter();
      return true;
    case 0x0201:
      cpu.ttbr1 = value;
      remap();
      return true;
    case 0x0202:
      cpu.ttbcr = value & 0x37;
      remap();
      return true;
    case 0x0300:
      if (cpu.dacr != value) {
        cpu.dacr = value;
        remap();
      }
      return true;
    case 0x0500:
      cpu.dfsr = value & 0x1cff;
      return true;
    case 0x0501:
      cpu.ifsr = value & 0x140f;
      return true;
    case 0x0600:
      cpu.dfar = value;
      return true;
    case 0x0602:
      cpu.ifar = value;
      return true;
    case 0x0740:
      cpu.par = value;
      return true;
    case 0x0780: // V to P, as privileged or user code in the current state, or in the other, reads or writes
    case 0x0781:
    case 0x0782:
    case 0x0783:
    case 0x0784:
    case 0x0785:
    case 0x0786:
    case 0x0787:
      physicalOf(value, register & 3);
      return true;
    case 0x0a20:
      cpu.prrr = value;
      return true;
    case 0x0a21:
      cpu.nmrr = value;
      return true;
    case 0x0c00:
      cpu.vbar = value & ~31;
      return true;
    case 0x0c01:
      cpu.mvbar = value & ~31;
      return true;
    case 0x0d01:
      if (((cpu.contextidr ^ value) & 0xff) != 0) {
        flushNotGlobal();
        leaveAfter();
      }
      cpu.contextidr = value;
      return true;
    case 0x0d02:
      cpu.tpidrurw = value;
      return true;
    case 0x0d03:
      cpu.tpidruro = value;
      return true;
    case 0x0d04:
      cpu.tpidrprw = value;
      return true;
    case 0x2000:
      cpu.csselr = value & 15;
      return true;
  }
  const kept: u32 = keptPlace(register);
  if (kept != 0) {
    store<u32>(kept, value);
    return true;
  }
  const n: u32 = (register >>> 8) & 15;
  if (n == 8) {
    invalidateTlb(register & 7, value);
    return true;
  }
  // Cache operations; FCSE is not there; preload engine and implementation defined.
  if (n == 7 || register == 0x0d00 || n == 11 || n == 15) return true;
  log(LOG_CP15_WRITE, register, pcCurrent());
  return false;
}

/** All, one page in one or in every address space, one address space. */
function invalidateTlb(operation: u32, value: u32): void {
  if (operation == 0) flushAll();
  else if (operation == 2) flushNotGlobal();
  else flushPage(value);
}

/** PAR gets the physical address of `ea`, or why there is none. Bit 0: a write, bit 1: from user mode. */
function physicalOf(ea: u32, how: u32): void {
  if ((how & 2) != 0) run.privileged = 0;
  const error: u32 = translate(ea, how & 1);
  selectBank();
  if (error != 0) cpu.par = ((error & 15) << 1) | ((error & 16) << 1) | 1;
  else cpu.par = run.pa & ~0xfff;
}
