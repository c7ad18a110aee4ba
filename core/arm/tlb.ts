// SPDX-License-Identifier: MIT
//
// The software TLB for data. Each entry is 16 bytes:
//
//   0   read tag    page of the address while plain loads may go straight to memory, else ~0
//   4   write tag   the same for stores; also ~0 while the page has decoded instructions or waits to be marked dirty
//   8   addend      host address minus address; physical minus address for TLB_IO
//  12   slow tag    page | TLB_* flags, for the slow path; no flags: empty
//
// An access hits when it is aligned and its page is the tag. There are banks for privileged and user accesses, and an
// empty one for what must always take the slow path: big-endian data.
import { PAGE_CODE, PAGE_DIRTY, PAGE_STATE_BASE, PAGE_TRACKED, PHYS_MAP_BASE, PHYS_RAM, PHYS_WRITABLE } from '../common/layout';
import { flushItlb, flushItlbPage, storedToCode } from './code';
import { MODE_USR, PSR_E, PSR_M } from './constants';
import {
  LARGE_BASE,
  LARGE_SIZE,
  TLB_BANK_SIZE,
  TLB_BASE,
  TLB_ENTRIES,
  TLB_LIST_BANK_SIZE,
  TLB_LIST_BASE,
} from './layout';
import { cpu, run } from './state';

export const TLB_READ: u32 = 0x001;
export const TLB_WRITE: u32 = 0x002;
export const TLB_EXECUTE: u32 = 0x004;
export const TLB_IO: u32 = 0x008; //     ask the bus
export const TLB_ROM: u32 = 0x010; //    stores go to the bus
export const TLB_SMALL: u32 = 0x020; //  the translation does not hold for 4 KiB: looked up each time
export const TLB_GLOBAL: u32 = 0x040; // the same in every address space
export const TLB_LARGE: u32 = 0x080; //  part of a section or of a large page
const TLB_LISTED: u32 = 0x800;

const NEVER: u32 = ~0;

const BANK_PRIVILEGED: u32 = TLB_BASE;
const BANK_USER: u32 = TLB_BASE + TLB_BANK_SIZE;
const BANK_NONE: u32 = TLB_BASE + TLB_BANK_SIZE * 2;

/** The entry of `ea` for expanded loads and stores. */
// @ts-ignore: decorator
@inline
export function tlbSlot(ea: u32): u32 {
  return run.bank + ((ea >>> 8) & ((TLB_ENTRIES - 1) << 4));
}

// @ts-ignore: decorator
@inline
export function slowSlot(ea: u32): u32 {
  return run.slow_bank + ((ea >>> 8) & ((TLB_ENTRIES - 1) << 4));
}

/** Whether an access of `last` + 1 bytes at `ea` may load through `slot`. */
// @ts-ignore: decorator
@inline
export function hitsRead(slot: u32, ea: u32, last: u32): bool {
  return load<u32>(slot) == (ea & (~0xfff | last));
}

// @ts-ignore: decorator
@inline
export function hitsWrite(slot: u32, ea: u32, last: u32): bool {
  return load<u32>(slot, 4) == (ea & (~0xfff | last));
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

/** Chooses the banks for the current mode. */
export function selectBank(): void {
  const control: u32 = cpu.control;
  run.privileged = <u32>((control & PSR_M) != MODE_USR);
  run.slow_bank = run.privileged != 0 ? BANK_PRIVILEGED : BANK_USER;
  run.bank = (control & PSR_E) != 0 ? BANK_NONE : run.slow_bank;
}

/** Accesses are made as user mode makes them, until `selectBank`. */
export function asUser(): void {
  run.privileged = 0;
  run.slow_bank = BANK_USER;
  run.bank = BANK_NONE;
}

/** Puts the translation of `ea` to `pa` into the current bank. Returns the entry. */
export function fillSlot(ea: u32, pa: u32, permissions: u32): u32 {
  const slot: u32 = slowSlot(ea);
  const page: u32 = ea & ~0xfff;
  const physical: u32 = load<u32>(PHYS_MAP_BASE + ((pa >>> 12) << 2));
  let flags: u32 = permissions;
  if ((permissions & TLB_LARGE) != 0) noteLarge(ea);
  if ((slotFlags(slot) & TLB_LISTED) == 0) enlist(slot);
  if ((physical & PHYS_RAM) != 0) {
    if ((physical & PHYS_WRITABLE) == 0) flags |= TLB_ROM;
    // A page smaller than 4 KiB may be anywhere in the physical one.
    store<u32>(slot, ((physical & ~0xfff) | (pa & 0xfff)) - ea, 8);
  } else {
    flags |= TLB_IO;
    store<u32>(slot, pa - ea, 8);
  }
  store<u32>(slot, page | flags | TLB_LISTED, 12);
  store<u32>(slot, (flags & (TLB_IO | TLB_SMALL | TLB_READ)) == TLB_READ ? page : NEVER);
  updateWriteTag(slot);
  return slot;
}

/** Lets stores go straight to memory unless somebody must know of them. */
function updateWriteTag(slot: u32): void {
  const flags: u32 = slotFlags(slot);
  let tag: u32 = NEVER;
  if ((flags & (TLB_IO | TLB_ROM | TLB_SMALL | TLB_WRITE)) == TLB_WRITE) {
    const page: u32 = flags & ~0xfff;
    const state: u32 = load<u8>(PAGE_STATE_BASE + (hostAddress(slot, page) >>> 12));
    if ((state & PAGE_CODE) == 0 && (state & (PAGE_TRACKED | PAGE_DIRTY)) != PAGE_TRACKED) tag = page;
  }
  store<u32>(slot, tag, 4);
}

/** The guest stored to memory at `host` by the slow path, through `slot`. */
export function storedSlowly(host: u32, size: u32, slot: u32): void {
  const at: u32 = PAGE_STATE_BASE + (host >>> 12);
  const state: u32 = load<u8>(at);
  if (state != 0) {
    if ((state & PAGE_TRACKED) != 0) store<u8>(at, state | PAGE_DIRTY);
    if ((state & PAGE_CODE) != 0) storedToCode(host, size);
  }
  updateWriteTag(slot);
}

// --- The lists of entries in use

// @ts-ignore: decorator
@inline
function listOf(slot: u32): u32 {
  return TLB_LIST_BASE + ((slot - TLB_BASE) / TLB_BANK_SIZE) * TLB_LIST_BANK_SIZE;
}

function enlist(slot: u32): void {
  const list: u32 = listOf(slot);
  const count: u32 = load<u32>(list);
  store<u16>(list + 4 + (count << 1), ((slot - TLB_BASE) % TLB_BANK_SIZE) >>> 4);
  store<u32>(list, count + 1);
}

/** Forgets the entries of a bank; with `keepGlobal`, not those of global pages. */
function flushBank(bank: u32, keepGlobal: bool): void {
  const list: u32 = listOf(bank);
  const count: u32 = load<u32>(list);
  let kept: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const number: u32 = load<u16>(list + 4 + (i << 1));
    const slot: u32 = bank + (number << 4);
    if (keepGlobal && (slotFlags(slot) & TLB_GLOBAL) != 0) {
      store<u16>(list + 4 + (kept << 1), number);
      kept++;
    } else {
      store<u32>(slot, NEVER);
      store<u32>(slot, NEVER, 4);
      store<u32>(slot, 0, 12);
    }
  }
  store<u32>(list, kept);
}

/** A translation larger than 4 KiB is remembered, as data or as code. */
export function noteLarge(ea: u32): void {
  const at: u32 = LARGE_BASE + (ea >>> 23);
  store<u8>(at, <u32>load<u8>(at) | (1 << ((ea >>> 20) & 7)));
}

/** Forgets all translations: the MMU or the physical map has changed. */
export function flushAll(): void {
  memory.fill(LARGE_BASE, 0, LARGE_SIZE);
  flushBank(BANK_PRIVILEGED, false);
  flushBank(BANK_USER, false);
  flushItlb();
}

/** Forgets the translations that hold in one address space. */
export function flushNotGlobal(): void {
  flushBank(BANK_PRIVILEGED, true);
  flushBank(BANK_USER, true);
  flushItlb();
}

/** Forgets what is known of one page: all of it, which is a MiB at most if it is larger than 4 KiB. */
export function flushPage(ea: u32): void {
  const at: u32 = LARGE_BASE + (ea >>> 23);
  const bit: u32 = 1 << ((ea >>> 20) & 7);
  if ((<u32>load<u8>(at) & bit) != 0) {
    store<u8>(at, <u32>load<u8>(at) & ~bit);
    for (let page: u32 = 0; page < 0x10_0000; page += 0x1000) forgetPage((ea & 0xfff0_0000) | page);
    flushItlb();
  } else {
    forgetPage(ea);
    flushItlbPage(ea);
  }
}

function forgetPage(ea: u32): void {
  for (let bank: u32 = BANK_PRIVILEGED; bank <= BANK_USER; bank += TLB_BANK_SIZE) {
    const slot: u32 = bank + ((ea >>> 8) & ((TLB_ENTRIES - 1) << 4));
    if (((slotFlags(slot) ^ ea) & ~0xfff) != 0) continue;
    store<u32>(slot, NEVER);
    store<u32>(slot, NEVER, 4);
    store<u32>(slot, slotFlags(slot) & TLB_LISTED, 12);
  }
}

/** Recomputes the write tag of every entry in use. */
export function protectTracked(): void {
  for (let bank: u32 = BANK_PRIVILEGED; bank <= BANK_USER; bank += TLB_BANK_SIZE) {
    const list: u32 = listOf(bank);
    const count: u32 = load<u32>(list);
    for (let i: u32 = 0; i < count; i++) updateWriteTag(bank + (<u32>load<u16>(list + 4 + (i << 1)) << 4));
  }
}

/** The page of memory at `host` has become code: stores to it must take the slow path. */
export function protectCode(host: u32): void {
  for (let bank: u32 = BANK_PRIVILEGED; bank <= BANK_USER; bank += TLB_BANK_SIZE) {
    const list: u32 = listOf(bank);
    const count: u32 = load<u32>(list);
    for (let i: u32 = 0; i < count; i++) {
      const slot: u32 = bank + (<u32>load<u16>(list + 4 + (i << 1)) << 4);
      const tag: u32 = load<u32>(slot, 4);
      if (tag != NEVER && hostAddress(slot, tag) == host) store<u32>(slot, NEVER, 4);
    }
  }
}

/** Empties all banks, whatever is in them. */
export function resetTlb(): void {
  memory.fill(TLB_BASE, 0xff, TLB_BANK_SIZE * 3);
  for (let slot: u32 = TLB_BASE; slot < TLB_BASE + TLB_BANK_SIZE * 3; slot += 16) store<u32>(slot, 0, 12);
  memory.fill(TLB_LIST_BASE, 0, TLB_LIST_BANK_SIZE * 2);
  memory.fill(LARGE_BASE, 0, LARGE_SIZE);
}
