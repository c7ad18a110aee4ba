// SPDX-License-Identifier: MIT
//
// Decoded pages. Each 16 KiB page of code has one: entries of 16 bytes for its instructions, nops left out, in runs of
// bundles that follow each other, and a map from bundles to entries. A run is decoded when its first bundle is first
// executed. It ends with an unconditional branch, with the page, or where it meets another run.
//
//    0  head   qualifying predicate 0-5, slot 6-7, handler 8-16, NaT rule 17-19, bundle 20-29
//    4  a b c d   operands, a byte each
//    8  imm    immediate; for branches the target's entry in this page or 0, and the displacement
//
// Decoded pages know no addresses, so a page that is mapped twice is decoded once. Stores to code are not noticed:
// programs say fc and srlz.i, and whoever gives a page of memory another content changes the address space's code
// generation, which flushItlb compares.
import {
  INDEX,
  ROWS,
  ROW_ALLOC,
  ROW_CHECK_A,
  ROW_CHECK_C,
  ROW_CHECK_F,
  ROW_CHECK_P,
  ROW_CONST_B,
  ROW_CONST_D,
  ROW_CONST_IMM,
  ROW_FINAL,
  ROW_NOP,
  ROW_NOQP,
  ROW_QP_B,
  ROW_QP_C,
  ROW_QP_HI,
  ROW_SLOT2,
  ROW_TARGET,
  extract,
} from './gen/decode';
import { illegal } from './fault';
import { PAGE_BYTES, PAGE_EXECUTE, PAGE_GATE, SPACE_CODE_GENERATION, hostOf, walk } from './page-table';
import {
  ACCESS_EXECUTE,
  FAULT_PAGE,
  ITLB,
  ITLB_ENTRIES,
  KEYS,
  PAGES,
  PAGE_COUNT,
  PAGE_FILL,
  PAGE_HOST,
  PAGE_MAP,
  PAGE_STRIDE,
  REASON_FAULT,
  cpuOf,
  sofOf,
} from './state';

// The loop's own handlers; see tools/decodegen-ia64.mjs.
export const ID_NOP: u32 = 1;
export const ID_GOTO: u32 = 2;
export const ID_PAGE_END: u32 = 3;
export const ID_ILLEGAL: u32 = 4;
export const ID_CHECK_FRAME: u32 = 5;

const BUNDLES: u32 = 1024;
/** Bundles decoded at once, so that what is never executed is not decoded much. */
const RUN: u32 = 32;
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

// --- Runs

/** The entry of a bundle of the current page. */
// @ts-ignore: decorator
@inline
function entryOf(base: u32, index: u32): u32 {
  const page: u32 = cpuOf(base).page_at;
  const entry: u32 = load<u32>(page + (index << 2), PAGE_MAP);
  if (entry != 0) return entry;
  frameEnd = 32 + sofOf(cpuOf(base).cfm);
  return decodeRun(page, index);
}

/** Execution came to the end of a run that was not known to go on. */
export function continueRun(base: u32, at: u32): u32 {
  const entry: u32 = entryOf(base, load<u32>(at) >>> 20);
  store<u32>(at, entry, 8);
  return entry;
}

/**
 * The first register after the frame, as it will be when execution comes straight to the slot that is being decoded.
 * Writes beyond it become ID_CHECK_FRAME, others never look at the frame: so a write within this frame is not noticed
 * when the same code is executed again in a smaller one, nor in a callee that follows its caller in the same run.
 */
let frameEnd: u32 = 0;

/** Decodes bundles from `first` on; returns the entry of the first. */
function decodeRun(page: u32, first: u32): u32 {
  const start: u32 = load<u32>(page, PAGE_FILL);
  let entry: u32 = start;
  let index: u32 = first;
  for (;;) {
    if (index == BUNDLES) {
      store<u32>(entry, (ID_PAGE_END << 8) | ((BUNDLES - 1) << 20));
      entry += 16;
      break;
    }
    const known: u32 = load<u32>(page + (index << 2), PAGE_MAP);
    if (known != 0 || index - first == RUN) {
      store<u32>(entry, (ID_GOTO << 8) | (index << 20));
      store<u32>(entry, known, 8);
      entry += 16;
      break;
    }
    store<u32>(page + (index << 2), entry, PAGE_MAP);
    entry = decodeBundle(page, index, entry);
    if (ended) break;
    index++;
  }
  store<u32>(page, entry, PAGE_FILL);
  return start;
}

/** The last bundle decoded has an unconditional branch. */
let ended: bool = false;

/** Decodes a bundle to entries from `entry` on; returns the place after them. */
function decodeBundle(page: u32, index: u32, entry: u32): u32 {
  const host: u32 = load<u32>(page, PAGE_HOST) + (index << 4);
  const low: u64 = load<u64>(host);
  const high: u64 = load<u64>(host, 8);
  const units: u32 = load<u16>(UNITS + (<u32>low & 0x1e));
  const slot1: u64 = ((low >> 46) | (high << 18)) & SLOT_MASK;
  const slot2: u64 = high >> 23;
  ended = false;
  entry = decodeSlot(page, index, entry, 0, units & 0xf, (low >> 5) & SLOT_MASK, 0);
  if (units == 0x552) return decodeSlot(page, index, entry, 1, UNIT_X, slot2, slot1);
  entry = decodeSlot(page, index, entry, 1, (units >>> 4) & 0xf, slot1, 0);
  return decodeSlot(page, index, entry, 2, units >>> 8, slot2, 0);
}

/** Makes an entry of a slot, unless it is a nop; returns the place of the next one. */
function decodeSlot(page: u32, index: u32, entry: u32, number: u32, unit: u32, slot: u64, upper: u64): u32 {
  const qp: u32 = <u32>slot & 0x3f;
  const place: u32 = (number << 6) | (index << 20);
  const illegal: u32 = qp | place | (ID_ILLEGAL << 8);
  const row: u32 = findRow(unit, slot);
  if (row == 0) {
    store<u32>(entry, illegal);
    return entry + 16;
  }
  const info: u64 = load<u64>(row, 16);
  const flags: u32 = <u32>(info >> 32);
  if ((flags & ROW_NOP) != 0) return entry;
  store<u32>(entry, 0, 4);
  store<u64>(entry, 0, 8);
  extract(<u32>(info >> 16) & 0xff, slot, entry);
  const constants: u64 = load<u64>(row, 24);
  if ((flags & ROW_CONST_B) != 0) store<u8>(entry, <u8>constants, 5);
  if ((flags & ROW_CONST_D) != 0) store<u8>(entry, <u8>(constants >> 8), 7);
  if ((flags & ROW_CONST_IMM) != 0) store<u64>(entry, constants >> 16, 8);
  const a: u32 = load<u8>(entry, 4);
  const c: u32 = load<u8>(entry, 6);
  let bad: bool = (flags & ROW_SLOT2) != 0 && number != 2;
  if ((flags & ROW_CHECK_A) != 0 && a == 0) bad = true;
  if ((flags & ROW_CHECK_C) != 0 && (c == 0 || ((flags & ROW_CHECK_A) != 0 && a == c))) bad = true;
  if ((flags & ROW_CHECK_F) != 0 && a < 2) bad = true;
  if ((flags & ROW_CHECK_P) != 0 && a == load<u8>(entry, 7)) bad = true;
  if ((flags & ROW_ALLOC) != 0 && qp != 0) {
    // Whatever that predicate is.
    store<u32>(entry, place | (ID_ILLEGAL << 8));
    return entry + 16;
  }
  if (bad) {
    store<u32>(entry, illegal);
    return entry + 16;
  }
  if (unit == UNIT_X) longImmediate(entry, slot, upper);
  if ((flags & ROW_TARGET) != 0) {
    store<i32>(entry, load<i32>(entry, 8), 12);
    store<u32>(entry, 0, 8);
  }
  if ((flags & ROW_QP_B) != 0) store<u8>(entry, <u8>qp, 5);
  if ((flags & ROW_QP_C) != 0) store<u8>(entry, <u8>qp, 6);
  if ((flags & ROW_QP_HI) != 0) store<u32>(entry, qp, 12);
  const own: bool = (flags & (ROW_NOQP | ROW_QP_B | ROW_QP_C | ROW_QP_HI)) != 0;
  if ((flags & ROW_FINAL) != 0 && qp == 0) ended = true;
  let operation: u32 = operationOf(info);
  if ((flags & ROW_ALLOC) != 0) {
    frameEnd = 32 + load<u8>(entry, 5);
  } else if (
    ((flags & ROW_CHECK_A) != 0 && a >= frameEnd) ||
    ((flags & ROW_CHECK_C) != 0 && c >= frameEnd)
  ) {
    operation = ID_CHECK_FRAME << 8;
  }
  store<u32>(entry, (own ? 0 : qp) | place | operation);
  return entry + 16;
}

/** Handler and NaT rule in an entry's head. */
// @ts-ignore: decorator
@inline
function operationOf(info: u64): u32 {
  return ((<u32>info & 0x1ff) << 8) | ((<u32>(info >> 24) & 7) << 17);
}

/**
 * An instruction whose target was outside the frame when it was decoded. When it still is, that is an illegal
 * operation; else the entry becomes the instruction. Says whether to go on at the same entry.
 */
export function checkFrame(base: u32, at: u32): bool {
  const cpu = cpuOf(base);
  const head: u32 = load<u32>(at);
  const host: u32 = load<u32>(cpu.page_at, PAGE_HOST) + ((head >>> 16) & 0x3ff0);
  const low: u64 = load<u64>(host);
  const high: u64 = load<u64>(host, 8);
  const units: u32 = load<u16>(UNITS + (<u32>low & 0x1e));
  const number: u32 = (head >>> 6) & 3;
  let slot: u64 = low >> 5;
  let unit: u32 = units & 0xf;
  if (number == 2 || (number == 1 && units == 0x552)) {
    slot = high >> 23;
    unit = units >>> 8;
  } else if (number == 1) {
    slot = (low >> 46) | (high << 18);
    unit = (units >>> 4) & 0xf;
  }
  const row: u32 = findRow(unit, slot & SLOT_MASK);
  // Code that has changed since it was decoded, and nobody said so.
  if (row == 0) return illegal(base, at);
  const info: u64 = load<u64>(row, 16);
  const flags: u32 = <u32>(info >> 32);
  const end: u32 = 32 + sofOf(cpu.cfm);
  if ((flags & ROW_CHECK_A) != 0 && load<u8>(at, 4) >= end) return illegal(base, at);
  if ((flags & ROW_CHECK_C) != 0 && load<u8>(at, 6) >= end) return illegal(base, at);
  if ((flags & ROW_NOP) != 0) return illegal(base, at);
  store<u32>(at, (head & ~0xf_ff00) | operationOf(info));
  // For a single step, this was not the instruction yet.
  if (cpu.stepping == 2) cpu.stepping = 1;
  return true;
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
  return entryOf(base, (<u32>ip >>> 4) & (BUNDLES - 1));
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
  memory.fill(page + PAGE_MAP, 0, BUNDLES << 2);
  store<u32>(page, host, PAGE_HOST);
  store<u32>(page, page, PAGE_FILL);
  return page;
}
