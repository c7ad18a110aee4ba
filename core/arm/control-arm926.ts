// SPDX-License-Identifier: MIT
//
// CP15 of the ARM926EJ-S [ARM926 TRM §2.3]. No tightly coupled memory. Cache operations do nothing: caches are coherent.
import { leaveAfter, pcCurrent } from './code';
import { log } from '../common/host';
import { LOG_BIG_ENDIAN, LOG_CP15_READ, LOG_CP15_WRITE, SCTLR_B } from './constants';
import { CP15_BASE, cpu, run } from './state';
import { waitForInterrupt } from './system';
import { flushAll, flushPage } from './tlb';

const MIDR_926: u32 = 0x4106_9265;
/** 16 KiB and 16 KiB, 4 ways, lines of 8 words, write-back. */
const CACHE_TYPE: u32 = 0x1d15_2152;
/** The bits that are always 1. */
export const SCTLR_926: u32 = 0x0005_0078;
const SCTLR_WRITABLE: u32 = 0x0000_f387;

// Registers that only keep what is written.
const DATA_LOCKDOWN: u32 = CP15_BASE;
const INSTRUCTION_LOCKDOWN: u32 = CP15_BASE + 4;
const TLB_LOCKDOWN: u32 = CP15_BASE + 8;

export function read926(register: u32): u32 {
  if (run.privileged == 0) {
    run.refused = 1;
    return 0;
  }
  switch (register) {
    case 0x0001:
      return CACHE_TYPE;
    case 0x0002:
      return 0; // no tightly coupled memory
    case 0x0100:
      return cpu.sctlr;
    case 0x0200:
      return cpu.ttbr0;
    case 0x0300:
      return cpu.dacr;
    case 0x0500:
      return cpu.dfsr;
    case 0x0501:
      return cpu.ifsr;
    case 0x0600:
      return cpu.dfar;
    case 0x07a3: // test and clean, test, clean and invalidate: nothing is dirty
    case 0x07e3:
      return 0x4000_0000;
    case 0x0900:
      return load<u32>(DATA_LOCKDOWN);
    case 0x0901:
      return load<u32>(INSTRUCTION_LOCKDOWN);
    case 0x0910:
    case 0x0911:
      return 0; // TCM regions
    case 0x0a00:
      return load<u32>(TLB_LOCKDOWN);
    case 0x0d00:
      return cpu.fcse;
    case 0x0d01:
      return cpu.contextidr;
  }
  if (register < 0x100) return MIDR_926;
  if ((register & 0xf00) == 0xf00) return 0; // test and debug
  log(LOG_CP15_READ, register, pcCurrent());
  run.refused = 1;
  return 0;
}

/** Translations no longer hold, the next instruction's neither. */
function remap(): void {
  flushAll();
  leaveAfter();
}

export function write926(register: u32, value: u32): bool {
  if (run.privileged == 0) return false;
  switch (register) {
    case 0x0100:
      if ((value & SCTLR_B) != 0) log(LOG_BIG_ENDIAN, pcCurrent(), value);
      cpu.sctlr = (value & SCTLR_WRITABLE & ~SCTLR_B) | SCTLR_926;
      remap();
      return true;
    case 0x0200:
      cpu.ttbr0 = value & 0xffff_c000;
      remap();
      return true;
    case 0x0300:
      if (cpu.dacr != value) {
        cpu.dacr = value;
        remap();
      }
      return true;
    case 0x0500:
      cpu.dfsr = value & 0xff;
      return true;
    case 0x0501:
      cpu.ifsr = value & 0xff;
      return true;
    case 0x0600:
      cpu.dfar = value;
      return true;
    case 0x0704:
      waitForInterrupt();
      return true;
    case 0x0870: // all entries
    case 0x0850:
    case 0x0860:
      flushAll();
      return true;
    case 0x0871: // one entry
    case 0x0851:
    case 0x0861:
      // The address is one after the process number was added; here they are remembered without it.
      if ((value & 0xfe00_0000) == cpu.fcse) flushPage(value & 0x01ff_ffff);
      flushPage(value);
      return true;
    case 0x0900:
      store<u32>(DATA_LOCKDOWN, value);
      return true;
    case 0x0901:
      store<u32>(INSTRUCTION_LOCKDOWN, value);
      return true;
    case 0x0a00:
      store<u32>(TLB_LOCKDOWN, value & 0x1c00_0001);
      return true;
    case 0x0d00:
      cpu.fcse = value & 0xfe00_0000;
      remap();
      return true;
    case 0x0d01:
      cpu.contextidr = value;
      return true;
  }
  const n: u32 = (register >>> 8) & 15;
  if (n == 7 || n == 9 || n == 15) return true; // cache operations, TCM, test and debug
  log(LOG_CP15_WRITE, register, pcCurrent());
  return false;
}
