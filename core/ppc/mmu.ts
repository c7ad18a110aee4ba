// SPDX-License-Identifier: MIT
//
// Address translation [PEM §7]: block address translation, segments, hashed page tables, and the 603's TLBs, which
// software loads.
import { mmioRead, mmioWrite } from '../common/host';
import { PHYS_MAP_BASE, PHYS_RAM } from '../common/layout';
import {
  DSISR_ATOMIC_CACHE,
  DSISR_NO_TRANSLATION,
  DSISR_PROTECTION,
  FEATURE_SOFT_TLB,
  FEATURE_UNIFIED_BAT,
  MSR_DR,
  MSR_IR,
  MSR_PR,
  MSR_TGPR,
  SRR1_NO_EXECUTE,
  VECTOR_DTLB_LOAD_MISS,
  VECTOR_DTLB_STORE_MISS,
  VECTOR_ITLB_MISS,
} from './constants';
import { cr } from './integer';
import { enter, setMsr } from './exceptions';
import { pcCurrent } from './code';
import { BAT_BASE, SR_BASE, TLB603_BASE, cpu, run } from './state';
import { TLB_NO_CACHE, TLB_READ, TLB_WRITE, storedSlowly } from './tlb';

export const ACCESS_READ: u32 = 0;
export const ACCESS_WRITE: u32 = 1;
export const ACCESS_FETCH: u32 = 2;

/** What `translate` returns when a 603's TLB has no entry: software must load one. */
export const TLB_MISS: u32 = 1;
/** The same for a store to a page whose C bit is clear. */
export const TLB_NOT_CHANGED: u32 = 2;

const SR_T: u32 = 0x8000_0000; // direct-store
const SR_KS: u32 = 0x4000_0000;
const SR_KP: u32 = 0x2000_0000;
const SR_N: u32 = 0x1000_0000; // no-execute

const PTE_V: u32 = 0x8000_0000;
const PTE_H: u32 = 0x40;
const PTE_R: u32 = 0x100;
const PTE_C: u32 = 0x80;

const WIMG_W: u32 = 8;
const WIMG_I: u32 = 4;
const WIMG_M: u32 = 2;
const WIMG_G: u32 = 1;

/**
 * Finds the physical address of `ea` for an access: into `run.pa`, `run.permissions` (TLB_READ, TLB_WRITE,
 * TLB_NO_CACHE) and `run.wimg`. Returns 0, or why not: DSISR or SRR1 bits, or TLB_MISS. R and C bits are updated
 * unless `probe`.
 */
export function translate(ea: u32, access: u32, probe: bool): u32 {
  const msr: u32 = cpu.msr;
  if ((msr & (access == ACCESS_FETCH ? MSR_IR : MSR_DR)) == 0) {
    run.pa = ea;
    run.permissions = TLB_READ | TLB_WRITE;
    run.wimg = WIMG_M | WIMG_G;
    return 0;
  }
  if ((run.features & FEATURE_UNIFIED_BAT) != 0) {
    // The 601 looks at the segment first: its memory-forced I/O segments bypass the BATs; an ordinary one does not.
    const found: u32 = unifiedBat(ea, access, msr);
    if (found != NO_BAT) return found;
  } else {
    const found: u32 = bat(ea, access, msr);
    if (found != NO_BAT) return found;
  }
  const sr: u32 = load<u32>(SR_BASE + ((ea >>> 28) << 2));
  if ((sr & SR_T) != 0) return access == ACCESS_FETCH ? SRR1_NO_EXECUTE : DSISR_ATOMIC_CACHE;
  if (access == ACCESS_FETCH && (sr & SR_N) != 0) return SRR1_NO_EXECUTE;
  const key: u32 = (sr & ((msr & MSR_PR) != 0 ? SR_KP : SR_KS)) != 0 ? 1 : 0;
  if ((run.features & FEATURE_SOFT_TLB) != 0) return softwareTlb(ea, access, sr, key, probe);
  return pageTable(ea, access, sr, key, probe);
}

const NO_BAT: u32 = 3;

function bat(ea: u32, access: u32, msr: u32): u32 {
  const valid: u32 = (msr & MSR_PR) != 0 ? 1 : 2; // Vp, Vs
  const first: u32 = BAT_BASE + (access == ACCESS_FETCH ? 0 : 32);
  for (let at: u32 = first; at < first + 32; at += 8) {
    const upper: u32 = load<u32>(at);
    if ((upper & valid) == 0) continue;
    const length: u32 = ((upper << 15) & 0x0ffe_0000) | 0x1_ffff;
    if (((ea ^ upper) & ~length) != 0) continue;
    const lower: u32 = load<u32>(at, 4);
    run.pa = (lower & ~length) | (ea & length);
    run.wimg = (lower >>> 3) & 15;
    const pp: u32 = lower & 3;
    return check(access, pp == 0 ? 0 : pp == 2 ? TLB_READ | TLB_WRITE : TLB_READ);
  }
  return NO_BAT;
}

/** The 601's BATs serve both kinds of access and are keyed like segments. */
function unifiedBat(ea: u32, access: u32, msr: u32): u32 {
  for (let at: u32 = BAT_BASE; at < BAT_BASE + 32; at += 8) {
    const upper: u32 = load<u32>(at);
    const lower: u32 = load<u32>(at, 4);
    if ((lower & 0x40) == 0) continue;
    const length: u32 = ((lower & 0x3f) << 17) | 0x1_ffff;
    if (((ea ^ upper) & ~length) != 0) continue;
    run.pa = (lower & ~length) | (ea & length);
    run.wimg = (upper >>> 3) & 14;
    const key: u32 = (upper & ((msr & MSR_PR) != 0 ? 4 : 8)) != 0 ? 1 : 0;
    return check(access, pagePermissions(key, upper & 3));
  }
  return NO_BAT;
}

/** What a page's PP bits allow with the segment's key. */
function pagePermissions(key: u32, pp: u32): u32 {
  if (pp == 3) return TLB_READ;
  if (key == 0 || pp == 2) return TLB_READ | TLB_WRITE;
  return pp == 1 ? TLB_READ : 0;
}

/** Checks an access against permissions and attributes, and leaves them in `run`. */
function check(access: u32, permissions: u32): u32 {
  if ((permissions & (access == ACCESS_WRITE ? TLB_WRITE : TLB_READ)) == 0) return DSISR_PROTECTION;
  if (access == ACCESS_FETCH && (run.wimg & WIMG_G) != 0) return SRR1_NO_EXECUTE;
  run.permissions = (run.wimg & (WIMG_W | WIMG_I)) != 0 ? permissions | TLB_NO_CACHE : permissions;
  return 0;
}

/** Physical address of the PTE group of a hash. */
function groupAddress(hash: u32): u32 {
  const sdr1: u32 = cpu.sdr1;
  return (sdr1 & 0xffff_0000) | ((((hash >>> 10) & sdr1) & 0x1ff) << 16) | ((hash & 0x3ff) << 6);
}

// @ts-ignore: decorator
@inline
function pageHash(ea: u32, sr: u32): u32 {
  return (sr & 0x7_ffff) ^ ((ea >>> 12) & 0xffff);
}

// @ts-ignore: decorator
@inline
function pteTag(ea: u32, sr: u32): u32 {
  return PTE_V | ((sr & 0xff_ffff) << 7) | ((ea >>> 22) & 0x3f);
}

function pageTable(ea: u32, access: u32, sr: u32, key: u32, probe: bool): u32 {
  const hash: u32 = pageHash(ea, sr);
  const tag: u32 = pteTag(ea, sr);
  let at: u32 = findPte(groupAddress(hash), tag);
  if (at == 0) at = findPte(groupAddress(~hash), tag | PTE_H);
  if (at == 0) return DSISR_NO_TRANSLATION;
  const pte: u32 = readPhysical(at - 1 + 4);
  run.pa = (pte & ~0xfff) | (ea & 0xfff);
  run.wimg = (pte >>> 3) & 15;
  const error: u32 = check(access, pagePermissions(key, pte & 3));
  if (error != 0) return error;
  const wanted: u32 = access == ACCESS_WRITE ? pte | PTE_R | PTE_C : pte | PTE_R;
  if (wanted != pte && !probe) writePhysical(at - 1 + 4, wanted);
  if ((wanted & PTE_C) == 0) run.permissions &= ~TLB_WRITE;
  return 0;
}

/** Physical address plus one of the PTE with `tag` in a group, or 0. */
function findPte(group: u32, tag: u32): u32 {
  const word: u32 = load<u32>(PHYS_MAP_BASE + ((group >>> 12) << 2));
  if ((word & PHYS_RAM) != 0) {
    const host: u32 = (word & ~0xfff) | (group & 0xfff);
    const swapped: u32 = bswap<u32>(tag);
    for (let i: u32 = 0; i < 64; i += 8) {
      if (load<u32>(host + i) == swapped) return group + i + 1;
    }
    return 0;
  }
  for (let i: u32 = 0; i < 64; i += 8) {
    if (readPhysical(group + i) == tag) return group + i + 1;
  }
  return 0;
}

/** A word of physical memory, for page tables and for the debugger. */
export function readPhysical(pa: u32): u32 {
  const word: u32 = load<u32>(PHYS_MAP_BASE + ((pa >>> 12) << 2));
  if ((word & PHYS_RAM) != 0) return bswap<u32>(load<u32>((word & ~0xfff) | (pa & 0xfff)));
  return mmioRead(pa, 4);
}

function writePhysical(pa: u32, value: u32): void {
  const word: u32 = load<u32>(PHYS_MAP_BASE + ((pa >>> 12) << 2));
  if ((word & 3) == 3) {
    const host: u32 = (word & ~0xfff) | (pa & 0xfff);
    store<u32>(host, bswap<u32>(value));
    storedSlowly(host, 4, 0);
  } else {
    mmioWrite(pa, 4, value);
  }
}

// --- The 603's TLBs: two of 32 sets of 2 ways. An entry is the two words of a PTE and the page it is for.

const TLB603_ENTRY: u32 = 12;
const TLB603_SIZE: u32 = 32 * 2 * TLB603_ENTRY;

// @ts-ignore: decorator
@inline
function tlb603Entry(data: u32, ea: u32, way: u32): u32 {
  return TLB603_BASE + data * TLB603_SIZE + ((((ea >>> 12) & 31) << 1) | way) * TLB603_ENTRY;
}

function softwareTlb(ea: u32, access: u32, sr: u32, key: u32, probe: bool): u32 {
  const data: u32 = access == ACCESS_FETCH ? 0 : 1;
  const tag: u32 = pteTag(ea, sr);
  for (let way: u32 = 0; way < 2; way++) {
    const entry: u32 = tlb603Entry(data, ea, way);
    if ((load<u32>(entry) & ~PTE_H) != tag || load<u32>(entry, 8) != (ea & 0x0fff_f000)) continue;
    const pte: u32 = load<u32>(entry, 4);
    run.pa = (pte & ~0xfff) | (ea & 0xfff);
    run.wimg = (pte >>> 3) & 15;
    const error: u32 = check(access, pagePermissions(key, pte & 3));
    if (error != 0) return error;
    if ((pte & PTE_C) == 0) {
      if (access == ACCESS_WRITE) return TLB_NOT_CHANGED;
      run.permissions &= ~TLB_WRITE;
    }
    if (!probe) usedWay(data, ea, way);
    return 0;
  }
  return TLB_MISS;
}

/** The other way of the set becomes the one to replace. */
function usedWay(data: u32, ea: u32, way: u32): void {
  const bit: u32 = 1 << ((ea >>> 12) & 31);
  const lru: u32 = data != 0 ? cpu.dtlb_lru : cpu.itlb_lru;
  const next: u32 = way == 0 ? lru | bit : lru & ~bit;
  if (data != 0) cpu.dtlb_lru = next;
  else cpu.itlb_lru = next;
}

/** tlbld, tlbli: puts the PTE that software found into the way SRR1 names. */
export function load603Tlb(data: u32, ea: u32): void {
  const way: u32 = (cpu.srr1 >>> 17) & 1;
  const entry: u32 = tlb603Entry(data, ea, way);
  store<u32>(entry, data != 0 ? cpu.dcmp : cpu.icmp);
  store<u32>(entry, cpu.rpa, 4);
  store<u32>(entry, ea & 0x0fff_f000, 8);
  usedWay(data, ea, way);
}

/** tlbie: both ways of the set in both TLBs. */
export function invalidate603Tlb(ea: u32): void {
  for (let data: u32 = 0; data < 2; data++) {
    for (let way: u32 = 0; way < 2; way++) store<u32>(tlb603Entry(data, ea, way), 0);
  }
}

/** A 603 needs a TLB entry: shows software what to look for, and where [603e UM §5.5.2]. */
export function tlbMissException(ea: u32, access: u32, cause: u32): void {
  const sr: u32 = load<u32>(SR_BASE + ((ea >>> 28) << 2));
  const hash: u32 = pageHash(ea, sr);
  cpu.hash1 = groupAddress(hash);
  cpu.hash2 = groupAddress(~hash);
  const key: u32 = (sr & ((cpu.msr & MSR_PR) != 0 ? SR_KP : SR_KS)) != 0 ? 1 : 0;
  const data: u32 = access == ACCESS_FETCH ? 0 : 1;
  const lru: u32 = data != 0 ? cpu.dtlb_lru : cpu.itlb_lru;
  let way: u32 = (lru >>> ((ea >>> 12) & 31)) & 1;
  if (cause == TLB_NOT_CHANGED) {
    // The entry that is there must be the one replaced.
    way = load<u32>(tlb603Entry(1, ea, 0), 8) == (ea & 0x0fff_f000) && (load<u32>(tlb603Entry(1, ea, 0)) & ~PTE_H) == pteTag(ea, sr) ? 0 : 1;
  }
  const info: u32 = ((cr() >>> 28) << 28) | (key << 19) | ((data ^ 1) << 18) | (way << 17) | ((access == ACCESS_WRITE ? 1 : 0) << 16);
  if (access == ACCESS_FETCH) {
    cpu.imiss = ea;
    cpu.icmp = pteTag(ea, sr);
    enter603(VECTOR_ITLB_MISS, info, cpu.pc);
  } else {
    cpu.dmiss = ea;
    cpu.dcmp = pteTag(ea, sr);
    enter603(access == ACCESS_WRITE ? VECTOR_DTLB_STORE_MISS : VECTOR_DTLB_LOAD_MISS, info, pcCurrent());
    run.fault = 1;
  }
}

function enter603(vector: u32, info: u32, returnTo: u32): void {
  const low: u32 = cpu.msr & 0xffff;
  enter(vector, 0, returnTo);
  cpu.srr1 = low | info;
  setMsr(cpu.msr | MSR_TGPR);
}
