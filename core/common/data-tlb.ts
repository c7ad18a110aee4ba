// SPDX-License-Identifier: MIT
//
// The software TLB for data. A bank has 1024 entries of 16 bytes, each for the pages with the same low bits:
//
//   0   read tag    page of the effective address while plain loads may go straight to memory, else ~0
//   4   write tag   the same for stores; also ~0 while the page has decoded instructions or waits to be marked dirty
//   8   addend      host address minus effective address; physical minus effective for TLB_IO
//  12   slow tag    page | TLB_* flags, for the slow path; no flags: empty
//
// and after them the list of those in use, a count (u32) and their numbers (u16), so that a flush need not look at all.
// Which banks there are, and what a hit is, is each instruction set's own.
import { PAGE_CODE, PAGE_DIRTY, PAGE_STATE_BASE, PAGE_TRACKED, PHYS_MAP_BASE, PHYS_RAM, PHYS_WRITABLE } from './layout';

export const TLB_READ: u32 = 0x001;
export const TLB_WRITE: u32 = 0x002;
export const TLB_EXECUTE: u32 = 0x004; // means nothing for data
export const TLB_IO: u32 = 0x008; //      ask the bus
export const TLB_ROM: u32 = 0x010; //     stores go to the bus
export const TLB_SLOW: u32 = 0x020; //    every access takes the slow path
// 0x040 to 0x400 are the instruction set's.
const TLB_LISTED: u32 = 0x800;

const NEVER: u32 = ~0;

export const TLB_ENTRIES: u32 = 1024;
const LIST: u32 = TLB_ENTRIES * 16;
export const TLB_BANK_SIZE: u32 = LIST + 0x1000;

/** The entry of `ea` in a bank. */
// @ts-ignore: decorator
@inline
export function slotIn(bank: u32, ea: u32): u32 {
  return bank + ((ea >>> 8) & ((TLB_ENTRIES - 1) << 4));
}

// @ts-ignore: decorator
@inline
export function hostAddress(slot: u32, ea: u32): u32 {
  return ea + load<u32>(slot, 8);
}

// @ts-ignore: decorator
@inline
export function slotFlags(slot: u32): u32 {
  return load<u32>(slot, 12);
}

/** Fills in an entry with the translation of `ea` to `pa`. */
export function fillEntry(slot: u32, ea: u32, pa: u32, permissions: u32): void {
  const page: u32 = ea & ~0xfff;
  const physical: u32 = load<u32>(PHYS_MAP_BASE + ((pa >>> 12) << 2));
  const listed: u32 = slotFlags(slot) & TLB_LISTED;
  let flags: u32 = permissions;
  if ((physical & PHYS_RAM) != 0) {
    if ((physical & PHYS_WRITABLE) == 0) flags |= TLB_ROM;
    // A page smaller than 4 KiB may be anywhere in the physical one.
    store<u32>(slot, ((physical & ~0xfff) | (pa & 0xfff)) - ea, 8);
  } else {
    flags |= TLB_IO;
    store<u32>(slot, pa - ea, 8);
  }
  store<u32>(slot, page | flags | listed, 12);
  store<u32>(slot, (flags & (TLB_IO | TLB_SLOW | TLB_READ)) == TLB_READ ? page : NEVER);
  updateWriteTag(slot);
}

/** Puts the translation of `ea` to `pa` into a bank. Returns the entry. */
export function fillIn(bank: u32, ea: u32, pa: u32, permissions: u32): u32 {
  const slot: u32 = slotIn(bank, ea);
  if ((slotFlags(slot) & TLB_LISTED) == 0) {
    const count: u32 = load<u32>(bank, LIST);
    store<u16>(bank + (count << 1), (slot - bank) >>> 4, LIST + 4);
    store<u32>(bank, count + 1, LIST);
    store<u32>(slot, TLB_LISTED, 12);
  }
  fillEntry(slot, ea, pa, permissions);
  return slot;
}

/** Lets stores go straight to memory unless somebody must know of them. */
export function updateWriteTag(slot: u32): void {
  const flags: u32 = slotFlags(slot);
  let tag: u32 = NEVER;
  if ((flags & (TLB_IO | TLB_ROM | TLB_SLOW | TLB_WRITE)) == TLB_WRITE) {
    const page: u32 = flags & ~0xfff;
    const state: u32 = load<u8>(PAGE_STATE_BASE + (hostAddress(slot, page) >>> 12));
    if ((state & PAGE_CODE) == 0 && (state & (PAGE_TRACKED | PAGE_DIRTY)) != PAGE_TRACKED) tag = page;
  }
  store<u32>(slot, tag, 4);
}

/** The guest stored to memory at `host` by the slow path: marks the page. True when it has decoded instructions. */
export function markStored(host: u32): bool {
  const at: u32 = PAGE_STATE_BASE + (host >>> 12);
  const state: u32 = load<u8>(at);
  if ((state & PAGE_TRACKED) != 0) store<u8>(at, state | PAGE_DIRTY);
  return (state & PAGE_CODE) != 0;
}

// --- The entries in use

// @ts-ignore: decorator
@inline
export function listed(bank: u32): u32 {
  return load<u32>(bank, LIST);
}

/** An entry of the list, from 0 to `listed` - 1. */
// @ts-ignore: decorator
@inline
export function listedSlot(bank: u32, index: u32): u32 {
  return bank + (<u32>load<u16>(bank + (index << 1), LIST + 4) << 4);
}

/** Empties an entry that stays in its list. */
export function forget(slot: u32): void {
  store<u32>(slot, NEVER);
  store<u32>(slot, NEVER, 4);
  store<u32>(slot, slotFlags(slot) & TLB_LISTED, 12);
}

/** Forgets the entries of a bank, but not those that have one of the flags `kept`. */
export function flushBank(bank: u32, kept: u32 = 0): void {
  const count: u32 = listed(bank);
  let left: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const slot: u32 = listedSlot(bank, i);
    if ((slotFlags(slot) & kept) != 0) left = keep(bank, left, slot);
    else unlist(slot);
  }
  store<u32>(bank, left, LIST);
}

/** Forgets the entries of a bank in the segments of `mask`, by the highest four bits of their addresses. */
export function flushBankSegments(bank: u32, mask: u32): void {
  const count: u32 = listed(bank);
  let left: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const slot: u32 = listedSlot(bank, i);
    const flags: u32 = slotFlags(slot);
    if ((flags & ~TLB_LISTED) != 0 && ((mask >>> (flags >>> 28)) & 1) == 0) left = keep(bank, left, slot);
    else unlist(slot);
  }
  store<u32>(bank, left, LIST);
}

// @ts-ignore: decorator
@inline
function keep(bank: u32, left: u32, slot: u32): u32 {
  store<u16>(bank + (left << 1), (slot - bank) >>> 4, LIST + 4);
  return left + 1;
}

// @ts-ignore: decorator
@inline
function unlist(slot: u32): void {
  store<u32>(slot, NEVER);
  store<u32>(slot, NEVER, 4);
  store<u32>(slot, 0, 12);
}

/** Recomputes the write tag of every entry in use. */
export function protectTrackedIn(bank: u32): void {
  const count: u32 = listed(bank);
  for (let i: u32 = 0; i < count; i++) updateWriteTag(listedSlot(bank, i));
}

/** The page of memory at `host` has become code: stores to it must take the slow path. */
export function protectCodeIn(bank: u32, host: u32): void {
  const count: u32 = listed(bank);
  for (let i: u32 = 0; i < count; i++) {
    const slot: u32 = listedSlot(bank, i);
    const tag: u32 = load<u32>(slot, 4);
    if (tag != NEVER && hostAddress(slot, tag) == host) store<u32>(slot, NEVER, 4);
  }
}

/** Empties a bank, whatever is in it. */
export function resetBank(bank: u32): void {
  memory.fill(bank, 0xff, LIST);
  for (let slot: u32 = bank; slot < bank + LIST; slot += 16) store<u32>(slot, 0, 12);
  store<u32>(bank, 0, LIST);
}
