// SPDX-License-Identifier: MIT
//
// The banks of the data TLB (core/common/data-tlb.ts): supervisor and user data, and an empty one for what must always
// take the slow path: the 68000, which may not access words at odd addresses, and instructions that are executed again
// after a bus error. An access hits when its last byte's page is the tag of its first byte's entry, so crossing a page is
// a miss.
import {
  TLB_BANK_SIZE,
  TLB_SLOW,
  fillIn,
  flushBank,
  forget,
  listed,
  listedSlot,
  markStored,
  protectCodeIn,
  protectTrackedIn,
  resetBank,
  slotFlags,
  slotIn,
  updateWriteTag,
} from '../common/data-tlb';
import { flushItlb, flushItlbMatching, storedToCode } from './code';
import { FC_SUPER_DATA, FC_USER_DATA, MODEL_68000, SR_S } from './constants';
import { SPACE_SLOT, TLB_BASE } from './layout';
import { cpu, run } from './state';

export { TLB_IO, TLB_READ, TLB_ROM, TLB_WRITE, fillEntry, hostAddress, slotFlags } from '../common/data-tlb';
export const TLB_SMALL: u32 = TLB_SLOW; // the translation does not hold for 4 KiB: forgotten at once
export const TLB_GLOBAL: u32 = 0x040;

const BANK_SUPERVISOR: u32 = TLB_BASE;
const BANK_USER: u32 = TLB_BASE + TLB_BANK_SIZE;
const BANK_NONE: u32 = TLB_BASE + TLB_BANK_SIZE * 2;

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

/** Whether an access of `size` bytes at `ea` may load through `slot`. */
// @ts-ignore: decorator
@inline
export function hitsRead(slot: u32, ea: u32, size: u32): bool {
  return load<u32>(slot) == ((ea + (size - 1)) & ~0xfff);
}

// @ts-ignore: decorator
@inline
export function hitsWrite(slot: u32, ea: u32, size: u32): bool {
  return load<u32>(slot, 4) == ((ea + (size - 1)) & ~0xfff);
}

/** Chooses the banks and the function code for the current mode. */
export function selectBank(): void {
  const supervisor: bool = (cpu.sr & SR_S) != 0;
  run.fc = supervisor ? FC_SUPER_DATA : FC_USER_DATA;
  run.slow_bank = supervisor ? BANK_SUPERVISOR : BANK_USER;
  run.bank = run.model == MODEL_68000 || cpu.resume != 0 ? BANK_NONE : run.slow_bank;
}

/** Puts the translation of `ea` to `pa` into the current bank. Returns the entry. */
export function fillSlot(ea: u32, pa: u32, permissions: u32): u32 {
  return fillIn(run.slow_bank, ea, pa, permissions);
}

/** The guest stored to memory at `host` by the slow path, through `slot` if that is not 0. */
export function storedSlowly(host: u32, size: u32, slot: u32): void {
  if (markStored(host)) storedToCode(host, size);
  if (slot != 0) updateWriteTag(slot);
}

/** Forgets all translations: the MMU or the physical map has changed. */
export function flushAll(): void {
  flushBank(BANK_SUPERVISOR);
  flushBank(BANK_USER);
  flushItlb();
}

/** Forgets all translations but those of global pages. */
export function flushNotGlobal(): void {
  flushBank(BANK_SUPERVISOR, TLB_GLOBAL);
  flushBank(BANK_USER, TLB_GLOBAL);
  flushItlb();
}

/** Forgets what is known of the addresses that agree with `ea` in `mask`, in one space. */
export function flushMatching(supervisor: bool, ea: u32, mask: u32, keepGlobal: bool): void {
  const bank: u32 = supervisor ? BANK_SUPERVISOR : BANK_USER;
  const count: u32 = listed(bank);
  for (let i: u32 = 0; i < count; i++) {
    const slot: u32 = listedSlot(bank, i);
    const flags: u32 = slotFlags(slot);
    if (((flags ^ ea) & mask & ~0xfff) != 0 || (keepGlobal && (flags & TLB_GLOBAL) != 0)) continue;
    forget(slot);
  }
  flushItlbMatching(ea, mask & ~0xfff);
}

/** Recomputes the write tag of every entry in use. */
export function protectTracked(): void {
  protectTrackedIn(BANK_SUPERVISOR);
  protectTrackedIn(BANK_USER);
}

/** The page of memory at `host` has become code: stores to it must take the slow path. */
export function protectCode(host: u32): void {
  protectCodeIn(BANK_SUPERVISOR, host);
  protectCodeIn(BANK_USER, host);
}

/** Empties all banks, whatever is in them. */
export function resetTlb(): void {
  for (let bank: u32 = BANK_SUPERVISOR; bank <= BANK_NONE; bank += TLB_BANK_SIZE) resetBank(bank);
  forget(SPACE_SLOT);
}
