// SPDX-License-Identifier: MIT
//
// Address translation: none, the machine's own (26-bit processors behind a MEMC), or tables in memory as the ARM926EJ-S
// [ARM926 TRM §3] and the Cortex-A8 [ARM ARM B3.5, short descriptors] read them.
import { mmioRead } from '../common/host';
import { PHYS_MAP_BASE, PHYS_RAM } from '../common/layout';
import {
  ACCESS_FETCH,
  ACCESS_WRITE,
  FEATURE_A26,
  FEATURE_MMU,
  FEATURE_V7,
  SCTLR_AFE,
  SCTLR_M,
  SCTLR_R,
  SCTLR_S,
} from './constants';
import { cpu, has, run } from './state';
import { TLB_EXECUTE, TLB_GLOBAL, TLB_LARGE, TLB_READ, TLB_SMALL, TLB_WRITE } from './tlb';

/** A physical page's number and TLB_* permissions of a 26-bit address; no permissions: an abort. */
// @ts-ignore: decorator
@external("host", "translate26")
declare function translate26(ea: u32, privileged: u32): u32;

// Fault status codes; 0 is success. FAULT_ADDRESS is the core's own.
export const FAULT_ALIGNMENT: u32 = 0x01;
export const FAULT_ACCESS_FLAG_SECTION: u32 = 0x03;
export const FAULT_ACCESS_FLAG_PAGE: u32 = 0x06;
export const FAULT_SECTION: u32 = 0x05;
export const FAULT_PAGE: u32 = 0x07;
export const FAULT_EXTERNAL: u32 = 0x08;
export const FAULT_DOMAIN_SECTION: u32 = 0x09;
export const FAULT_DOMAIN_PAGE: u32 = 0x0b;
export const FAULT_WALK_1: u32 = 0x0c;
export const FAULT_PERMISSION_SECTION: u32 = 0x0d;
export const FAULT_WALK_2: u32 = 0x0e;
export const FAULT_PERMISSION_PAGE: u32 = 0x0f;
export const FAULT_ADDRESS: u32 = 0x100;

const ALL: u32 = TLB_READ | TLB_WRITE | TLB_EXECUTE;

/**
 * Finds `run.pa` and `run.permissions` of an access in the current mode, or returns why it is not allowed.
 * `run.domain` is for the fault status.
 */
export function translate(ea: u32, access: u32): u32 {
  run.domain = 0;
  if (has(FEATURE_A26)) return translateLogical(ea, access);
  if ((cpu.sctlr & SCTLR_M) == 0 || !has(FEATURE_MMU)) {
    run.pa = ea;
    run.permissions = ALL | TLB_GLOBAL;
    return 0;
  }
  return walk(has(FEATURE_V7) || ea >= 0x0200_0000 ? ea : ea | cpu.fcse, access);
}

function translateLogical(ea: u32, access: u32): u32 {
  if (ea >= 0x0400_0000) return FAULT_ADDRESS;
  if (run.external_mmu == 0) {
    run.pa = ea;
    run.permissions = ALL;
    return 0;
  }
  const found: u32 = translate26(ea, run.privileged);
  run.pa = (found & ~0xfff) | (ea & 0xfff);
  run.permissions = found & ALL;
  return (found & needed(access)) != 0 ? 0 : FAULT_EXTERNAL;
}

// @ts-ignore: decorator
@inline
function needed(access: u32): u32 {
  return access == ACCESS_WRITE ? TLB_WRITE : access == ACCESS_FETCH ? TLB_EXECUTE : TLB_READ;
}

/** A word of a translation table. `run.bus_error` may be set after. */
export function readPhysical(pa: u32): u32 {
  const word: u32 = load<u32>(PHYS_MAP_BASE + ((pa >>> 12) << 2));
  if ((word & PHYS_RAM) != 0) return load<u32>((word & ~0xfff) | (pa & 0xffc));
  return mmioRead(pa & ~3, 4);
}

/** Where the first-level table's descriptor of `va` is, or 0 with walks disabled [ARM ARM B3.5.4]. */
function firstLevel(va: u32): u32 {
  const n: u32 = has(FEATURE_V7) ? cpu.ttbcr & 7 : 0;
  const second: bool = n != 0 && va >>> (32 - n) != 0;
  if ((cpu.ttbcr & (second ? 0x20 : 0x10)) != 0 && has(FEATURE_V7)) return 0;
  if (second) return (cpu.ttbr1 & 0xffff_c000) | ((va >>> 18) & 0x3ffc);
  const size: u32 = 0x4000 >>> n;
  return (cpu.ttbr0 & ~(size - 1)) | ((va >>> 18) & (size - 4));
}

function walk(va: u32, access: u32): u32 {
  const at: u32 = firstLevel(va);
  if (at == 0) return FAULT_SECTION;
  const first: u32 = readPhysical(at);
  if (run.bus_error != 0) {
    run.bus_error = 0;
    return FAULT_WALK_1;
  }
  const type: u32 = first & 3;
  if (type == 0) return FAULT_SECTION;
  if (has(FEATURE_V7)) {
    if (type == 3) return FAULT_SECTION;
    return type == 2 ? section7(va, first, access) : page7(va, first, access);
  }
  run.domain = (first >>> 5) & 15;
  if (type == 2) {
    run.pa = (first & 0xfff0_0000) | (va & 0x000f_ffff);
    return check5((first >>> 10) & 3, TLB_LARGE, access, FAULT_DOMAIN_SECTION);
  }
  return page5(va, first, access);
}

/** Client 1, manager 3; anything else may not access the domain. */
// @ts-ignore: decorator
@inline
function domainAccess(): u32 {
  return (cpu.dacr >>> (run.domain << 1)) & 3;
}

// --- Version 5

function page5(va: u32, first: u32, access: u32): u32 {
  const fine: bool = (first & 3) == 3;
  const at: u32 = fine ? (first & 0xffff_f000) | ((va >>> 8) & 0xffc) : (first & 0xffff_fc00) | ((va >>> 10) & 0x3fc);
  const second: u32 = readPhysical(at);
  if (run.bus_error != 0) {
    run.bus_error = 0;
    return FAULT_WALK_2;
  }
  const subpages: u32 = (second >>> 4) & 0xff;
  // Every subpage has the same permissions when the four pairs of bits are the same.
  const uniform: bool = subpages == (subpages & 3) * 0x55;
  switch (second & 3) {
    case 1:
      run.pa = (second & 0xffff_0000) | (va & 0xffff);
      return check5((subpages >>> ((va >>> 13) & 6)) & 3, TLB_LARGE, access, FAULT_DOMAIN_PAGE);
    case 2:
      run.pa = (second & 0xffff_f000) | (va & 0xfff);
      return check5((subpages >>> ((va >>> 9) & 6)) & 3, uniform ? 0 : TLB_SMALL, access, FAULT_DOMAIN_PAGE);
    case 3:
      if (!fine) return FAULT_PAGE;
      run.pa = (second & 0xffff_fc00) | (va & 0x3ff);
      return check5(subpages & 3, TLB_SMALL, access, FAULT_DOMAIN_PAGE);
    default:
      return FAULT_PAGE;
  }
}

/** `extent`: TLB_SMALL, TLB_LARGE or 0. */
function check5(ap: u32, extent: u32, access: u32, domainFault: u32): u32 {
  const domain: u32 = domainAccess();
  if ((domain & 1) == 0) return domainFault;
  let may: u32 = ALL;
  if (domain == 1) {
    const privileged: bool = run.privileged != 0;
    if (ap == 0) {
      const s: bool = (cpu.sctlr & SCTLR_S) != 0;
      const r: bool = (cpu.sctlr & SCTLR_R) != 0;
      may = (s && !r && privileged) || (r && !s) ? TLB_READ | TLB_EXECUTE : 0;
    } else if (!privileged && ap != 3) {
      may = ap == 2 ? TLB_READ | TLB_EXECUTE : 0;
    }
  }
  run.permissions = may | extent;
  return (may & needed(access)) != 0 ? 0 : domainFault + 4;
}

// --- Version 7, short descriptors

function section7(va: u32, first: u32, access: u32): u32 {
  const supersection: bool = (first & 0x0004_0000) != 0;
  if (supersection) {
    // Physical addresses have 32 bits: the extended base has to be 0, and is ignored.
    run.pa = (first & 0xff00_0000) | (va & 0x00ff_ffff);
  } else {
    run.domain = (first >>> 5) & 15;
    run.pa = (first & 0xfff0_0000) | (va & 0x000f_ffff);
  }
  const ap: u32 = ((first >>> 10) & 3) | ((first >>> 13) & 4);
  // Invalidating one address of a supersection is to forget 16 MiB: those are looked up each time instead.
  return check7(ap, (first >>> 4) & 1, (first >>> 17) & 1, access, 0, supersection ? TLB_SMALL : TLB_LARGE);
}

function page7(va: u32, first: u32, access: u32): u32 {
  run.domain = (first >>> 5) & 15;
  const second: u32 = readPhysical((first & 0xffff_fc00) | ((va >>> 10) & 0x3fc));
  if (run.bus_error != 0) {
    run.bus_error = 0;
    return FAULT_WALK_2;
  }
  const type: u32 = second & 3;
  if (type == 0) return FAULT_PAGE;
  const ap: u32 = ((second >>> 4) & 3) | ((second >>> 7) & 4);
  if (type == 1) {
    run.pa = (second & 0xffff_0000) | (va & 0xffff);
    return check7(ap, (second >>> 15) & 1, (second >>> 11) & 1, access, 2, TLB_LARGE);
  }
  run.pa = (second & 0xffff_f000) | (va & 0xfff);
  return check7(ap, second & 1, (second >>> 11) & 1, access, 2, 0);
}

/** `page` is 2 for pages, 0 for sections: the difference of their fault codes. */
function check7(ap: u32, xn: u32, notGlobal: u32, access: u32, page: u32, extent: u32): u32 {
  const domain: u32 = domainAccess();
  if ((domain & 1) == 0) return FAULT_DOMAIN_SECTION + page;
  const flag: bool = (cpu.sctlr & SCTLR_AFE) != 0;
  if (flag && (ap & 1) == 0) return page != 0 ? FAULT_ACCESS_FLAG_PAGE : FAULT_ACCESS_FLAG_SECTION;
  let may: u32 = ALL;
  if (domain == 1) {
    // With the access flag, AP[0] is 1: AP[2:1] then mean what AP[2:0] mean without it.
    if (run.privileged != 0) {
      if (ap == 0 || ap == 4) may = 0;
      else if ((ap & 4) != 0) may = TLB_READ | TLB_EXECUTE;
    } else if ((ap & 2) == 0) {
      may = 0;
    } else if (ap != 3) {
      may = TLB_READ | TLB_EXECUTE;
    }
    if (xn != 0) may &= ~TLB_EXECUTE;
  }
  run.permissions = may | extent | (notGlobal != 0 ? 0 : TLB_GLOBAL);
  return (may & needed(access)) != 0 ? 0 : FAULT_PERMISSION_SECTION + page;
}
