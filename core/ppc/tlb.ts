// SPDX-License-Identifier: MIT
//
// The banks of the data TLB (core/common/data-tlb.ts): real mode, supervisor and user, so that exceptions need not flush,
// and an empty one for little-endian mode, which always takes the slow path. An access hits when its last byte's page is
// the tag of its first byte's entry, so crossing a page is a miss.
import {
  TLB_BANK_SIZE,
  TLB_ENTRIES,
  TLB_SLOW,
  fillIn,
  flushBank,
  flushBankSegments,
  forget,
  markStored,
  protectCodeIn,
  protectTrackedIn,
  resetBank,
  slotIn,
  updateWriteTag,
} from '../common/data-tlb';
import { flushItlb, flushItlbClass, flushItlbSegments, storedToCode } from './code';
import { MSR_DR, MSR_LE, MSR_PR } from './constants';
import { TLB_BASE } from './layout';
import { cpu, run } from './state';

export { TLB_IO, TLB_READ, TLB_ROM, TLB_WRITE, flushBank, hostAddress, slotFlags } from '../common/data-tlb';
export const TLB_WATCHED: u32 = TLB_SLOW; // the page of the data address breakpoint
export const TLB_NO_CACHE: u32 = 0x040; //   caching-inhibited or write-through

export const BANK_REAL: u32 = TLB_BASE;
export const BANK_SUPERVISOR: u32 = TLB_BASE + TLB_BANK_SIZE;
export const BANK_USER: u32 = TLB_BASE + TLB_BANK_SIZE * 2;
const BANK_NONE: u32 = TLB_BASE + TLB_BANK_SIZE * 3;

/** The entry of `ea` for expanded loads and stores. */
// @ts-ignore: decorator
@inline
export function tlbSlot(ea: u32): u32 {
  return slotIn(run.bank, ea);
}

// @ts-ignore: decorator
@inline
export function slowSlot(ea: u32): u32 {
  return slotIn(run.slow_bank, ea);
}

/** Whether an access of `last` + 1 bytes at `ea` may load through `slot`. */
// @ts-ignore: decorator
@inline
export function hitsRead(slot: u32, ea: u32, last: u32): bool {
  return load<u32>(slot) == ((ea + last) & ~0xfff);
}

// @ts-ignore: decorator
@inline
export function hitsWrite(slot: u32, ea: u32, last: u32): bool {
  return load<u32>(slot, 4) == ((ea + last) & ~0xfff);
}

/** Chooses the banks for the current MSR. */
export function selectBank(): void {
  const msr: u32 = cpu.msr;
  run.slow_bank = (msr & MSR_DR) == 0 ? BANK_REAL : (msr & MSR_PR) != 0 ? BANK_USER : BANK_SUPERVISOR;
  run.bank = (msr & MSR_LE) != 0 ? BANK_NONE : run.slow_bank;
}

/** Puts the translation of `ea` to `pa` into the current bank; the DABR page is `watched`. Returns the entry. */
export function fillSlot(ea: u32, pa: u32, permissions: u32, watched: bool): u32 {
  return fillIn(run.slow_bank, ea, pa, watched ? permissions | TLB_WATCHED : permissions);
}

/** The guest stored to memory at `host` by the slow path, through `slot` if that is not 0. */
export function storedSlowly(host: u32, size: u32, slot: u32): void {
  if (markStored(host)) storedToCode(host, size);
  if (slot != 0) updateWriteTag(slot);
}

/** Forgets data translations through BATs, segments and page tables. */
export function flushTranslations(): void {
  flushBank(BANK_SUPERVISOR);
  flushBank(BANK_USER);
}

/** Forgets everything: the physical map has changed. */
export function flushAll(): void {
  flushBank(BANK_REAL);
  flushTranslations();
  flushItlb();
}

/** Forgets the translations of segments written since the last time; true when there were any. */
export function flushDirtySegments(): bool {
  const mask: u32 = run.dirty_segments;
  if (mask == 0) return false;
  run.dirty_segments = 0;
  flushBankSegments(BANK_SUPERVISOR, mask);
  flushBankSegments(BANK_USER, mask);
  flushItlbSegments(mask);
  return true;
}

/** tlbie: forgets every page whose number has the same low `bits` bits as that of `ea`. */
export function flushClass(ea: u32, bits: u32): void {
  for (let n: u32 = (ea >>> 12) & ((1 << bits) - 1); n < TLB_ENTRIES; n += 1 << bits) {
    forget(BANK_SUPERVISOR + (n << 4));
    forget(BANK_USER + (n << 4));
  }
  flushItlbClass(ea, bits);
}

/** Recomputes the write tag of every entry in use. */
export function protectTracked(): void {
  for (let bank: u32 = BANK_REAL; bank <= BANK_USER; bank += TLB_BANK_SIZE) protectTrackedIn(bank);
}

/** The page of memory at `host` has become code: stores to it must take the slow path. */
export function protectCode(host: u32): void {
  for (let bank: u32 = BANK_REAL; bank <= BANK_USER; bank += TLB_BANK_SIZE) protectCodeIn(bank, host);
}

/** Empties all banks, whatever is in them. */
export function resetTlb(): void {
  for (let bank: u32 = BANK_REAL; bank <= BANK_NONE; bank += TLB_BANK_SIZE) resetBank(bank);
}
