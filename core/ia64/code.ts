// SPDX-License-Identifier: MIT
//
// Decoded pages. Each 16 KiB page of code has one: three entries of 16 bytes for each bundle, decoded when first
// executed, and one entry more that goes on in the next page.
//
//    0  head   qualifying predicate 0-5, slot 6-7, handler 8-19, NaT rule 20-22, distance to the next entry 24-31
//    4  a b c d   operands, a byte each
//    8  imm    immediate; for branches the target's entry in this page or 0, and the displacement
//
// An entry says how far the next one is, so that nops cost nothing; an entry whose own slot is a nop is a copy of the
// next one that is not. Decoded pages know no addresses, so a page that is mapped twice is decoded once. Stores to code
// are not noticed: programs say fc and srlz.i, and whoever gives a page of memory another content changes the address
// space's code generation, which flushItlb compares.
import {
  INDEX,
  ROWS,
  ROW_CHECK_A,
  ROW_CHECK_C,
  ROW_CHECK_F,
  ROW_CHECK_P,
  ROW_CONST_B,
  ROW_CONST_D,
  ROW_CONST_IMM,
  ROW_NOP,
  ROW_NOQP,
  ROW_QP_B,
  ROW_QP_C,
  ROW_QP_HI,
  ROW_TARGET,
  extract,
} from './gen/decode';
import { PAGE_HOST } from './fault';
import { PAGE_BYTES, PAGE_EXECUTE, PAGE_GATE, SPACE_CODE_GENERATION, hostOf, walk } from './page-table';
import {
  ACCESS_EXECUTE,
  FAULT_PAGE,
  ITLB,
  ITLB_ENTRIES,
  KEYS,
  PAGES,
  PAGE_COUNT,
  PAGE_STRIDE,
  REASON_FAULT,
  cpuOf,
} from './state';

// The loop's own handlers; see tools/decodegen-ia64.mjs.
export const ID_UNDECODED: u32 = 0;
export const ID_NOP: u32 = 1;
export const ID_PAGE_END: u32 = 2;
export const ID_STEPPED: u32 = 3;
export const ID_ILLEGAL: u32 = 4;

const BUNDLES: u32 = 1024;
const END_ENTRY: u32 = BUNDLES * 48;
const OFFSET: u64 = <u64>PAGE_BYTES - 1;

const UNIT_I: u32 = 1;
const UNIT_M: u32 = 2;
const UNIT_X: u32 = 5;
const SLOT_MASK: u64 = 0x1ff_ffff_ffff;

/** Units of a template's slots, slot 0 in the lowest digit: I 1, M 2, B 3, F 4, X 5; 0 when reserved. */
// @ts-ignore: decorator
@lazy
const UNITS: usize = memory.data<u16>([
  0x112, 0x112, 0x552, 0, 0x122, 0x122, 0x142, 0x422, 0x312, 0x332, 0, 0x333, 0x322, 0, 0x342, 0,
]);

// --- Bundles

/** Decodes the bundle of an entry of the current page. */
export function decodeEntry(base: u32, at: u32): void {
  const page: u32 = cpuOf(base).page_at;
  const index: u32 = (at - page) / 48;
  const entry: u32 = page + index * 48;
  const host: u32 = load<u32>(page + PAGE_HOST) + (index << 4);
  const low: u64 = load<u64>(host);
  const high: u64 = load<u64>(host, 8);
  const units: u32 = load<u16>(UNITS + ((<u32>low & 0x1e) << 0));
  const slot1: u64 = ((low >> 46) | (high << 18)) & SLOT_MASK;
  const slot2: u64 = high >> 23;
  const long: bool = units == 0x552;
  const head0: u32 = decodeSlot(page, entry, 0, units & 0xf, (low >> 5) & SLOT_MASK, 0);
  const head1: u32 = long
    ? decodeSlot(page, entry, 1, UNIT_X, slot2, slot1)
    : decodeSlot(page, entry, 1, (units >>> 4) & 0xf, slot1, 0);
  const head2: u32 = decodeSlot(page, entry, 2, units >>> 8, slot2, slot1);

  let next: u32 = 1;
  place(entry + 32, head2, next);
  if (long) place(entry + 16, head1, 2);
  else if (isNop(head2)) place(entry + 16, head1, 2);
  else if (isNop(head1)) copy(entry + 16, entry + 32, 1);
  else place(entry + 16, head1, 1);
  // Distance from slot 0 to the first entry after it that does something.
  next = !isNop(head1) ? 1 : !long && !isNop(head2) ? 2 : 3;
  if (!isNop(head0)) place(entry, head0, next);
  else if (next < 3) copy(entry, entry + (next << 4), next);
  else place(entry, head0, 3);
}

// @ts-ignore: decorator
@inline
function isNop(head: u32): bool {
  return ((head >>> 8) & 0xfff) == ID_NOP;
}

// @ts-ignore: decorator
@inline
function place(entry: u32, head: u32, next: u32): void {
  store<u32>(entry, head | (next << 24));
}

/** Lets `entry` do what the one `distance` entries later does. */
function copy(entry: u32, from: u32, distance: u32): void {
  memory.copy(entry + 4, from + 4, 12);
  store<u32>(entry, load<u32>(from) + (distance << 24));
}

/** Puts operands into an entry and returns its head. */
function decodeSlot(page: u32, bundle: u32, number: u32, unit: u32, slot: u64, upper: u64): u32 {
  const entry: u32 = bundle + (number << 4);
  const qp: u32 = <u32>slot & 0x3f;
  const row: u32 = findRow(unit, slot);
  if (row == 0) return illegalHead(qp, number);
  const info: u64 = load<u64>(row, 16);
  const flags: u32 = <u32>(info >> 32);
  store<u32>(entry, 0, 4);
  store<u64>(entry, 0, 8);
  extract(<u32>(info >> 16) & 0xff, slot, entry);
  const constants: u64 = load<u64>(row, 24);
  if ((flags & ROW_CONST_B) != 0) store<u8>(entry, <u8>constants, 5);
  if ((flags & ROW_CONST_D) != 0) store<u8>(entry, <u8>(constants >> 8), 7);
  if ((flags & ROW_CONST_IMM) != 0) store<u64>(entry, constants >> 16, 8);
  const a: u32 = load<u8>(entry, 4);
  const c: u32 = load<u8>(entry, 6);
  let bad: bool = false;
  if ((flags & ROW_CHECK_A) != 0 && a == 0) bad = true;
  if ((flags & ROW_CHECK_C) != 0 && (c == 0 || ((flags & ROW_CHECK_A) != 0 && a == c))) bad = true;
  if ((flags & ROW_CHECK_F) != 0 && a < 2) bad = true;
  if ((flags & ROW_CHECK_P) != 0 && a == load<u8>(entry, 7)) bad = true;
  if (bad) return illegalHead(qp, number);
  if (unit == UNIT_X) longImmediate(entry, slot, upper);
  if ((flags & ROW_TARGET) != 0) {
    const displacement: i32 = load<i32>(entry, 8);
    const offset: i32 = <i32>((bundle - page) / 48) * 16 + displacement;
    store<i32>(entry, displacement, 12);
    store<u32>(entry, <u32>offset < PAGE_BYTES ? page + (<u32>offset >>> 4) * 48 : 0, 8);
  }
  if ((flags & ROW_QP_B) != 0) store<u8>(entry, <u8>qp, 5);
  if ((flags & ROW_QP_C) != 0) store<u8>(entry, <u8>qp, 6);
  if ((flags & ROW_QP_HI) != 0) store<u32>(entry, qp, 12);
  const own: bool = (flags & (ROW_NOQP | ROW_QP_B | ROW_QP_C | ROW_QP_HI)) != 0;
  const rule: u32 = <u32>(info >> 24) & 7;
  return (own ? 0 : qp) | (number << 6) | ((<u32>info & 0xfff) << 8) | (rule << 20);
}

// @ts-ignore: decorator
@inline
function illegalHead(qp: u32, number: u32): u32 {
  return qp | (number << 6) | (ID_ILLEGAL << 8);
}

/** The row of a slot's instruction, or 0. A-unit instructions are in M and I slots. */
function findRow(unit: u32, slot: u64): u32 {
  if (unit == 0) return 0;
  const major: u32 = <u32>(slot >> 37);
  const group: u32 = major >= 8 && (unit == UNIT_I || unit == UNIT_M) ? 0 : unit;
  const index: u32 = load<u32>(INDEX + (((group << 4) | major) << 2));
  let row: u32 = <u32>ROWS + ((index & 0xffff) << 5);
  for (let left: u32 = index >>> 16; left != 0; left--) {
    if ((slot & load<u64>(row)) == load<u64>(row, 8)) return row;
    row += 32;
  }
  return 0;
}

/** The immediate of a long instruction: `upper` is the other slot. */
function longImmediate(entry: u32, slot: u64, upper: u64): void {
  const i: u64 = (slot >> 36) & 1;
  let value: u64;
  switch (<u32>(slot >> 37)) {
    case 0: // break.x
      value = (upper << 21) | (i << 20) | ((slot >> 6) & 0xf_ffff);
      break;
    case 6: // movl
      value =
        (i << 63) |
        (upper << 22) |
        (((slot >> 21) & 1) << 21) |
        (((slot >> 22) & 0x1f) << 16) |
        (((slot >> 27) & 0x1ff) << 7) |
        ((slot >> 13) & 0x7f);
      break;
    default: // brl: a displacement
      value = ((i << 59) | ((upper >> 2) << 20) | ((slot >> 13) & 0xf_ffff)) << 4;
      break;
  }
  store<u64>(entry, value, 8);
}

// --- Pages

/** The entry of a bundle, after making its page the current one; 0 after a fault. */
export function jump(base: u32, ip: u64): u32 {
  const cpu = cpuOf(base);
  if ((ip & ~OFFSET) != cpu.page_va && !enterPage(base, ip)) {
    cpu.ip = ip & ~0xf;
    cpu.ri = 0;
    cpu.at = 0;
    cpu.reason = REASON_FAULT;
    cpu.fault = FAULT_PAGE;
    cpu.access = ACCESS_EXECUTE;
    cpu.address = ip & ~0xf;
    cpu.isr = 0;
    return 0;
  }
  return cpu.page_at + ((<u32>ip >>> 4) & (BUNDLES - 1)) * 48;
}

/** Execution ran into the end of the page. */
export function nextPage(base: u32): u32 {
  return jump(base, cpuOf(base).page_va + PAGE_BYTES);
}

/** The address space's count of changes of code. */
export function codeGeneration(base: u32): u32 {
  const space: u32 = cpuOf(base).space;
  return space != 0 ? atomic.load<u32>(space + SPACE_CODE_GENERATION) : 0;
}

/** Translations of code may have changed, and perhaps code itself. */
export function flushItlb(base: u32): void {
  const cpu = cpuOf(base);
  const generation: u32 = codeGeneration(base);
  if (generation != cpu.code_generation) {
    cpu.code_generation = generation;
    cpu.pages_used = 0;
    cpu.page_hand = 0;
  }
  forgetTranslations(base);
}

function forgetTranslations(base: u32): void {
  for (let slot: u32 = base + ITLB; slot < base + ITLB + ITLB_ENTRIES * 16; slot += 16) store<u64>(slot, 1);
  cpuOf(base).page_va = 1;
}

export function resetPages(base: u32): void {
  forgetTranslations(base);
  cpuOf(base).code_generation = codeGeneration(base);
  cpuOf(base).pages_used = 0;
  cpuOf(base).page_hand = 0;
}

function enterPage(base: u32, ip: u64): bool {
  const cpu = cpuOf(base);
  const va: u64 = ip & ~OFFSET;
  const slot: u32 = base + ITLB + ((<u32>((va >> 14) ^ (va >> 58)) & (ITLB_ENTRIES - 1)) << 4);
  if (load<u64>(slot) != va) {
    const leaf: u32 = walk(cpu.space, va);
    if ((leaf & PAGE_EXECUTE) == 0) return false;
    const page: u32 = decodedPage(base, hostOf(leaf));
    store<u64>(slot, va);
    store<u32>(slot, page, 8);
    store<u32>(slot, (leaf & PAGE_GATE) != 0 ? 1 : 0, 12);
  }
  cpu.page_va = va;
  cpu.page_at = load<u32>(slot, 8);
  cpu.page_gate = load<u32>(slot, 12);
  return true;
}

/** The decoded page of the page of memory at `host`. */
function decodedPage(base: u32, host: u32): u32 {
  const cpu = cpuOf(base);
  for (let i: u32 = 0; i < cpu.pages_used; i++) {
    if (load<u32>(base + (i << 2), KEYS) == host) return base + PAGES + i * PAGE_STRIDE;
  }
  let index: u32 = cpu.pages_used;
  if (index < PAGE_COUNT) {
    cpu.pages_used = index + 1;
  } else {
    index = cpu.page_hand;
    cpu.page_hand = (index + 1) % PAGE_COUNT;
    forgetTranslations(base);
  }
  store<u32>(base + (index << 2), host, KEYS);
  const page: u32 = base + PAGES + index * PAGE_STRIDE;
  memory.fill(page, 0, END_ENTRY);
  store<u32>(page + END_ENTRY, ID_PAGE_END << 8);
  store<u32>(page + PAGE_HOST, host);
  return page;
}
