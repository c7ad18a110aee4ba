// SPDX-License-Identifier: MIT
//
// The advanced load address table [SDM1 §4.4.5]: fully associative, 32 entries of 16 bytes {address, bytes, register}.
// Stores of this processor remove what they overlap. Stores of others cannot be seen, so everything is removed when
// this processor orders memory: acquiring loads, semaphores, fences, and whatever leaves to the system.
//
//    0  address   8  bytes   12  register: its number | ALAT_GENERAL or ALAT_FLOATING
import { ALAT, ALAT_ENTRIES, cpuOf } from './state';

export const ALAT_GENERAL: u32 = 0x100;
export const ALAT_FLOATING: u32 = 0x200;

// @ts-ignore: decorator
@inline
function entryOf(base: u32, index: u32): u32 {
  return base + ALAT + (index << 4);
}

/** A pair load's entries count as one for a store, but each register has its own. */
export function alatInsert(base: u32, register: u32, va: u64, size: u32): void {
  alatRemove(base, register);
  const cpu = cpuOf(base);
  let index: u32 = ctz(~cpu.alat);
  if (index >= ALAT_ENTRIES) {
    index = cpu.alat_hand;
    cpu.alat_hand = (index + 1) % ALAT_ENTRIES;
  }
  const entry: u32 = entryOf(base, index);
  store<u64>(entry, va);
  store<u32>(entry, size, 8);
  store<u32>(entry, register, 12);
  cpu.alat |= 1 << index;
}

/** Index of the entry of a register, or -1. */
function find(base: u32, register: u32): i32 {
  let left: u32 = cpuOf(base).alat;
  while (left != 0) {
    const index: u32 = ctz(left);
    if (load<u32>(entryOf(base, index), 12) == register) return index;
    left &= left - 1;
  }
  return -1;
}

export function alatHas(base: u32, register: u32): bool {
  return find(base, register) >= 0;
}

/** A check load also compares address and size. */
export function alatHasAccess(base: u32, register: u32, va: u64, size: u32): bool {
  const index: i32 = find(base, register);
  if (index < 0) return false;
  const entry: u32 = entryOf(base, index);
  return load<u64>(entry) == va && load<u32>(entry, 8) == size;
}

export function alatRemove(base: u32, register: u32): void {
  const index: i32 = find(base, register);
  if (index >= 0) cpuOf(base).alat &= ~(1 << index);
}

export function alatStore(base: u32, va: u64, size: u32): void {
  const cpu = cpuOf(base);
  let left: u32 = cpu.alat;
  while (left != 0) {
    const index: u32 = ctz(left);
    const entry: u32 = entryOf(base, index);
    const start: u64 = load<u64>(entry);
    if (start - va < <u64>size || va - start < <u64>load<u32>(entry, 8)) cpu.alat &= ~(1 << index);
    left &= left - 1;
  }
}

// @ts-ignore: decorator
@inline
export function alatClear(base: u32): void {
  cpuOf(base).alat = 0;
}
