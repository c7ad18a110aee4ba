// SPDX-License-Identifier: MIT
//
// The MMU of the 68040 [68040 UM §3]: transparent translation, three levels of tables, pages of 4 or 8 KiB.
import { leaveAfter } from './code';
import { ACCESS_FETCH, ACCESS_WRITE, FC_SUPER_DATA } from './constants';
import { FAULT_MMU } from './faults';
import { aY } from './flags';
import { readPhysical, writePhysical } from './mmu';
import { cpu, run } from './state';
import { TLB_GLOBAL, TLB_READ, TLB_WRITE, flushAll, flushMatching, flushNotGlobal } from './tlb';

const TC_E: u32 = 0x8000;
const TC_P: u32 = 0x4000; // 8 KiB pages

const TT_E: u32 = 0x8000;
const TT_W: u32 = 0x0004;

// Descriptors.
const UDT_RESIDENT: u32 = 2;
const DESC_W: u32 = 0x004;
const DESC_U: u32 = 0x008;
const PAGE_M: u32 = 0x010;
const PAGE_S: u32 = 0x080;
const PAGE_G: u32 = 0x400;

// MMUSR.
const MMUSR_R: u32 = 0x001;
const MMUSR_T: u32 = 0x002;
const MMUSR_W: u32 = 0x004;
const MMUSR_B: u32 = 0x800;

/** The transparent translation register that takes the access, or 0. */
function transparent(ea: u32, supervisor: bool, first: u32, second: u32): u32 {
  if (matches(first, ea, supervisor)) return first;
  return matches(second, ea, supervisor) ? second : 0;
}

function matches(tt: u32, ea: u32, supervisor: bool): bool {
  if ((tt & TT_E) == 0) return false;
  if (((tt ^ ea) & ~(tt << 8) & 0xff00_0000) != 0) return false;
  const field: u32 = (tt >>> 13) & 3;
  return field >= 2 || (field == 1) == supervisor;
}

export function translate040(ea: u32, access: u32, fc: u32): u32 {
  const supervisor: bool = (fc & 4) != 0;
  // Alternate spaces are not translated.
  const space: u32 = fc & 3;
  if (space == 0 || space == 3) {
    run.pa = ea;
    run.permissions = TLB_READ | TLB_WRITE;
    return 0;
  }
  const tt: u32 =
    access == ACCESS_FETCH
      ? transparent(ea, supervisor, cpu.itt0, cpu.itt1)
      : transparent(ea, supervisor, cpu.dtt0, cpu.dtt1);
  if (tt != 0) {
    run.pa = ea;
    run.permissions = (tt & TT_W) != 0 ? TLB_READ : TLB_READ | TLB_WRITE;
    return access == ACCESS_WRITE && (tt & TT_W) != 0 ? FAULT_MMU : 0;
  }
  if ((cpu.tc & TC_E) == 0) {
    run.pa = ea;
    run.permissions = TLB_READ | TLB_WRITE;
    return 0;
  }
  const status: u32 = search(ea, supervisor, access == ACCESS_WRITE);
  if ((status & MMUSR_R) == 0) return FAULT_MMU;
  if ((status & PAGE_S) != 0 && !supervisor) return FAULT_MMU;
  if (access == ACCESS_WRITE && (status & MMUSR_W) != 0) return FAULT_MMU;
  let permissions: u32 = TLB_READ;
  if ((status & MMUSR_W) == 0 && (status & PAGE_M) != 0) permissions |= TLB_WRITE;
  if ((status & PAGE_G) != 0) permissions |= TLB_GLOBAL;
  run.permissions = permissions;
  return 0;
}

/** Searches the tables: the MMUSR's lower bits; `run.pa` is the address when R is set. Sets U and M. */
function search(ea: u32, supervisor: bool, writing: bool): u32 {
  const large: bool = (cpu.tc & TC_P) != 0;
  let writeProtected: u32 = 0;

  const rootAt: u32 = ((supervisor ? cpu.srp : cpu.urp) & 0xffff_fe00) | ((ea >>> 23) & 0x1fc);
  const root: u32 = readTable(rootAt);
  if (run.bus_error != 0) return tableError();
  if ((root & UDT_RESIDENT) == 0) return 0;
  writeProtected |= root & DESC_W;
  used(rootAt, root);

  const pointerAt: u32 = (root & 0xffff_fe00) | ((ea >>> 16) & 0x1fc);
  const pointer: u32 = readTable(pointerAt);
  if (run.bus_error != 0) return tableError();
  if ((pointer & UDT_RESIDENT) == 0) return 0;
  writeProtected |= pointer & DESC_W;
  used(pointerAt, pointer);

  let pageAt: u32 = large
    ? (pointer & 0xffff_ff80) | ((ea >>> 11) & 0x7c)
    : (pointer & 0xffff_ff00) | ((ea >>> 10) & 0xfc);
  let page: u32 = readTable(pageAt);
  if (run.bus_error != 0) return tableError();
  if ((page & 3) == 2) {
    // Indirect.
    pageAt = page & ~3;
    page = readTable(pageAt);
    if (run.bus_error != 0) return tableError();
    if ((page & 3) == 2) return 0;
  }
  if ((page & 3) == 0) return 0;
  writeProtected |= page & DESC_W;
  const allowed: bool = writeProtected == 0 && ((page & PAGE_S) == 0 || supervisor);
  let wanted: u32 = page | DESC_U;
  if (writing && allowed) wanted |= PAGE_M;
  if (wanted != page && run.probe == 0) writePhysical(pageAt, wanted);
  const offset: u32 = large ? 0x1fff : 0xfff;
  run.pa = (page & ~offset) | (ea & offset);
  return (wanted & 0x7f0) | writeProtected | MMUSR_R;
}

function readTable(pa: u32): u32 {
  return readPhysical(pa);
}

function used(at: u32, descriptor: u32): void {
  if ((descriptor & DESC_U) == 0 && run.probe == 0) writePhysical(at, descriptor | DESC_U);
}

function tableError(): u32 {
  run.bus_error = 0;
  return MMUSR_B;
}

/** PTESTR, PTESTW. */
export function op_ptest(w: u32): void {
  const writing: bool = (w & 0x0020_0000) == 0;
  const ea: u32 = aY(w);
  const supervisor: bool = (cpu.dfc & 4) != 0;
  const program: bool = (cpu.dfc & 3) == 2;
  const tt: u32 = program
    ? transparent(ea, supervisor, cpu.itt0, cpu.itt1)
    : transparent(ea, supervisor, cpu.dtt0, cpu.dtt1);
  if (tt != 0) {
    cpu.mmusr = MMUSR_T | MMUSR_R;
    return;
  }
  const status: u32 = search(ea, supervisor, writing);
  cpu.mmusr = (status & MMUSR_R) != 0 ? (run.pa & ~0xfff) | (status & 0xfff) : status;
}

/** PFLUSHN (An), PFLUSH (An), PFLUSHAN, PFLUSHA. */
export function op_pflush(w: u32): void {
  const mode: u32 = (w >>> 19) & 3;
  if (mode == 3) flushAll();
  else if (mode == 2) flushNotGlobal();
  else flushMatching((cpu.dfc & 4) != 0, aY(w), (cpu.tc & TC_P) != 0 ? ~0x1fff : ~0xfff, mode == 0);
  leaveAfter();
}
