// SPDX-License-Identifier: MIT
//
// The banks of the data TLB (core/common/data-tlb.ts): privileged and user accesses, and an empty one for what must always
// take the slow path: big-endian data. An access hits when it is aligned and its page is the tag.
import {
  TLB_BANK_SIZE,
  TLB_SLOW,
  fillIn,
  flushBank,
  forget,
  markStored,
  protectCodeIn,
  protectTrackedIn,
  resetBank,
  slotFlags,
  slotIn,
  updateWriteTag,
} from '../common/data-tlb';
import { flushItlb, flushItlbPage, storedToCode } from './code';
import { MODE_USR, PSR_E, PSR_M } from './constants';
import { LARGE_BASE, LARGE_SIZE, TLB_BASE } from './layout';
import { cpu, run } from './state';

export { TLB_EXECUTE, TLB_IO, TLB_READ, TLB_ROM, TLB_WRITE, hostAddress, slotFlags } from '../common/data-tlb';
export const TLB_SMALL: u32 = TLB_SLOW; // the translation does not hold for 4 KiB: looked up each time
export const TLB_GLOBAL: u32 = 0x040; //  the same in every address space
export const TLB_LARGE: u32 = 0x080; //   part of a section or of a large page

const BANK_PRIVILEGED: u32 = TLB_BASE;
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
  if ((permissions & TLB_LARGE) != 0) noteLarge(ea);
  return fillIn(run.slow_bank, ea, pa, permissions);
}

/** The guest stored to memory at `host` by the slow path, through `slot`. */
export function storedSlowly(host: u32, size: u32, slot: u32): void {
  if (markStored(host)) storedToCode(host, size);
  updateWriteTag(slot);
}

/** A translation larger than 4 KiB is remembered, as data or as code. */
export function noteLarge(ea: u32): void {
  const at: u32 = LARGE_BASE + (ea >>> 23);
  store<u8>(at, <u32>load<u8>(at) | (1 << ((ea >>> 20) & 7)));
}

/** Forgets all translations: the MMU or the physical map has changed. */
export function flushAll(): void {
  memory.fill(LARGE_BASE, 0, LARGE_SIZE);
  flushBank(BANK_PRIVILEGED);
  flushBank(BANK_USER);
  flushItlb();
}

/** Forgets the translations that hold in one address space. */
export function flushNotGlobal(): void {
  flushBank(BANK_PRIVILEGED, TLB_GLOBAL);
  flushBank(BANK_USER, TLB_GLOBAL);
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
    const slot: u32 = slotIn(bank, ea);
    if (((slotFlags(slot) ^ ea) & ~0xfff) == 0) forget(slot);
  }
}

/** Recomputes the write tag of every entry in use. */
export function protectTracked(): void {
  protectTrackedIn(BANK_PRIVILEGED);
  protectTrackedIn(BANK_USER);
}

/** The page of memory at `host` has become code: stores to it must take the slow path. */
export function protectCode(host: u32): void {
  protectCodeIn(BANK_PRIVILEGED, host);
  protectCodeIn(BANK_USER, host);
}

/** Empties all banks, whatever is in them. */
export function resetTlb(): void {
  for (let bank: u32 = BANK_PRIVILEGED; bank <= BANK_NONE; bank += TLB_BANK_SIZE) resetBank(bank);
  memory.fill(LARGE_BASE, 0, LARGE_SIZE);
}
