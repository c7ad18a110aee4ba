// SPDX-License-Identifier: MIT
//
// Decoded pages. Each 16 KiB page of code has one: entries of 16 bytes for its instructions, nops left out, in runs of
// bundles that follow each other, and a map from bundles to entries. A run is decoded when its first bundle is first
// executed. It ends with an unconditional branch, with the page, or where it meets another run.
//
//    0  head   qualifying predicate 0-5, slot 6-7, handler 8-16, NaT rule 17-19, bundle 20-29
//    4  a b c d   operands, a byte each; c of branches within the page is the low byte of the CFM they were linked for
//    8  imm    immediate; for branches the target's entry in this page, and the displacement
//
// To write a register outside the current frame is an illegal operation. Instructions do not look at the frame: they
// are decoded for the frame there is, those that write beyond it as ID_CHECK_FRAME, and for each bundle it is noted how
// large a frame it and what follows it in the run need. Where another frame may have come (from the outside, and by a
// branch that was linked for another frame) that is compared, and what does not fit becomes ID_CHECK_FRAME, too.
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
  ROW_COVER,
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
  Cpu,
  FAULT_PAGE,
  ITLB,
  ITLB_ENTRIES,
  KEYS,
  PAGES,
  PAGE_COUNT,
  PAGE_FILL,
  PAGE_HOST,
  PAGE_MAP,
  PAGE_NEED,
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

/** The entry of a bundle of the current page, fit for the current frame. */
// @ts-ignore: decorator
@inline
function entryOf(base: u32, index: u32): u32 {
  const page: u32 = cpuOf(base).page_at;
  const entry: u32 = load<u32>(page + (index << 2), PAGE_MAP);
  const sof: u32 = sofOf(cpuOf(base).cfm);
  if (entry == 0) return decodeRun(page, index, 32 + sof);
  if ((<u32>load<u8>(page + index, PAGE_NEED) & NEED) > sof) narrow(page, index, entry, sof);
  return entry;
}

/** Execution came to the end of a run. */
export function continueRun(base: u32, at: u32): u32 {
  const entry: u32 = entryOf(base, load<u32>(at) >>> 20);
  link(base, at, entry);
  return entry;
}

// --- Frames

/** What no CFM has in its low byte, which is sof and the lowest bit of sol. */
const UNLINKED: u32 = 0x7f;

/** May a branch within the page, or the end of a run, go to the entry it knows? */
// @ts-ignore: decorator
@inline
export function isLinked(base: u32, at: u32): bool {
  return load<u8>(at, 6) == load<u8>(base, offsetof<Cpu>('cfm'));
}

export function link(base: u32, at: u32, target: u32): void {
  store<u8>(at, load<u8>(base, offsetof<Cpu>('cfm')), 6);
  store<u32>(at, target, 8);
}

/** Of a bundle: registers of the frame that are written from it on, before the next alloc or the end of the run … */
const NEED: u32 = 0x7f;
/** … and whether it has an alloc, behind which nothing counts. */
const NEED_ALLOC: u32 = 0x80;

/** The first register after the frame, as it will be when execution comes straight to the slot that is being decoded. */
let frameEnd: u32 = 0;
/** NEED and NEED_ALLOC of the slots of the bundle that is being decoded. */
let bundleNeed: u32 = 0;

/** The highest general register that an instruction writes, or less than 32. */
// @ts-ignore: decorator
@inline
function highest(at: u32, flags: u32): u32 {
  const a: u32 = (flags & ROW_CHECK_A) != 0 ? load<u8>(at, 4) : 0;
  const c: u32 = (flags & ROW_CHECK_C) != 0 ? load<u8>(at, 6) : 0;
  return max(a, c);
}

/** The needs of a run's bundles, of which each has its own. */
function sumNeeds(page: u32, first: u32, end: u32): void {
  let following: u32 = 0;
  for (let place: u32 = page + end; place-- != page + first; ) {
    const own: u32 = load<u8>(place, PAGE_NEED);
    following = (own & NEED_ALLOC) != 0 ? own : max(own, following);
    store<u8>(place, following, PAGE_NEED);
    following &= NEED;
  }
}

/** Fits the entries from `entry` on, which is that of a bundle, to a smaller frame. */
function narrow(page: u32, index: u32, entry: u32, sof: u32): void {
  const last: u32 = narrowEntries(page, entry, 32 + sof);
  for (let place: u32 = page + index; place <= page + last; place++) {
    const need: u32 = load<u8>(place, PAGE_NEED);
    store<u8>(place, (need & NEED_ALLOC) | min(need & NEED, sof), PAGE_NEED);
  }
}

/** Until the next alloc, or the end of the run; returns the last bundle. */
function narrowEntries(page: u32, entry: u32, end: u32): u32 {
  const fill: u32 = load<u32>(page, PAGE_FILL);
  let last: u32 = load<u32>(entry) >>> 20;
  let over: bool = false;
  for (let at: u32 = entry; at < fill; at += 16) {
    const head: u32 = load<u32>(at);
    if (over && head >>> 20 != last) break;
    const id: u32 = (head >>> 8) & 0x1ff;
    if (id == ID_GOTO || id == ID_PAGE_END) break;
    last = head >>> 20;
    if (id == ID_ILLEGAL || id == ID_CHECK_FRAME) continue;
    const row: u32 = rowAt(page, head);
    if (row == 0) continue;
    const flags: u32 = <u32>(load<u64>(row, 16) >> 32);
    if ((flags & ROW_ALLOC) != 0) break;
    if (highest(at, flags) >= end) store<u32>(at, (head & ~0xf_ff00) | (ID_CHECK_FRAME << 8));
    if ((flags & ROW_FINAL) != 0 && (head & 0x3f) == 0) over = true;
  }
  return last;
}

/** Execution is to go on at the entry of a slot in the middle of a bundle, perhaps behind its alloc. */
export function enterAtSlot(base: u32, at: u32): void {
  const page: u32 = cpuOf(base).page_at;
  if ((load<u8>(page + (load<u32>(at) >>> 20), PAGE_NEED) & NEED_ALLOC) == 0) return;
  narrowEntries(page, at, 32 + sofOf(cpuOf(base).cfm));
}

/**
 * An instruction whose target was outside the frame when it was decoded. When it still is, that is an illegal
 * operation; else the page is decoded anew, beginning here. Returns where to go on, or 0.
 */
export function checkFrame(base: u32, at: u32): u32 {
  const cpu = cpuOf(base);
  const page: u32 = cpu.page_at;
  const head: u32 = load<u32>(at);
  const row: u32 = rowAt(page, head);
  const end: u32 = 32 + sofOf(cpu.cfm);
  // Without a row: code that has changed since it was decoded, and nobody said so.
  if (row == 0 || highest(at, <u32>(load<u64>(row, 16) >> 32)) >= end) {
    illegal(base, at);
    return 0;
  }
  forgetRuns(page);
  frameEnd = end;
  const index: u32 = head >>> 20;
  const entry: u32 = decodeBundle(page, index, page, (head >>> 6) & 3);
  store<u32>(page, endRun(page, index + 1, entry), PAGE_FILL);
  // For a single step, this was not the instruction yet.
  if (cpu.stepping == 2) cpu.stepping = 1;
  return page;
}

// --- Decoding

/** Decodes bundles from `first` on, for a frame that ends before the register `end`; returns the entry of the first. */
function decodeRun(page: u32, first: u32, end: u32): u32 {
  const start: u32 = load<u32>(page, PAGE_FILL);
  let entry: u32 = start;
  let index: u32 = first;
  frameEnd = end;
  ended = false;
  parted = false;
  while (!ended) {
    if (parted || index == BUNDLES || index - first == RUN || load<u32>(page + (index << 2), PAGE_MAP) != 0) {
      entry = endRun(page, index, entry);
      break;
    }
    store<u32>(page + (index << 2), entry, PAGE_MAP);
    entry = decodeBundle(page, index, entry, 0);
    store<u8>(page + index, bundleNeed, PAGE_NEED);
    index++;
  }
  store<u32>(page, entry, PAGE_FILL);
  sumNeeds(page, first, index);
  return start;
}

/** Makes the entry that goes on at another bundle. */
function endRun(page: u32, index: u32, entry: u32): u32 {
  const id: u32 = index == BUNDLES ? ID_PAGE_END : ID_GOTO;
  store<u32>(entry, (id << 8) | (min(index, BUNDLES - 1) << 20));
  store<u32>(entry, UNLINKED << 16, 4);
  return entry + 16;
}

/** The last bundle decoded has an unconditional branch. */
let ended: bool = false;
/** It has a cover, after which there is another frame. */
let parted: bool = false;

/** Decodes a bundle's slots from `from` on to entries from `entry` on; returns the place after them. */
function decodeBundle(page: u32, index: u32, entry: u32, from: u32): u32 {
  const host: u32 = load<u32>(page, PAGE_HOST) + (index << 4);
  const low: u64 = load<u64>(host);
  const high: u64 = load<u64>(host, 8);
  const units: u32 = load<u16>(UNITS + (<u32>low & 0x1e));
  const slot1: u64 = ((low >> 46) | (high << 18)) & SLOT_MASK;
  const slot2: u64 = high >> 23;
  bundleNeed = 0;
  if (from == 0) entry = decodeSlot(page, index, entry, 0, units & 0xf, (low >> 5) & SLOT_MASK, 0);
  if (units == 0x552) return decodeSlot(page, index, entry, 1, UNIT_X, slot2, slot1);
  if (from <= 1) entry = decodeSlot(page, index, entry, 1, (units >>> 4) & 0xf, slot1, 0);
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
    store<u8>(entry, UNLINKED, 6);
  }
  if ((flags & ROW_QP_B) != 0) store<u8>(entry, <u8>qp, 5);
  if ((flags & ROW_QP_C) != 0) store<u8>(entry, <u8>qp, 6);
  if ((flags & ROW_QP_HI) != 0) store<u32>(entry, qp, 12);
  const own: bool = (flags & (ROW_NOQP | ROW_QP_B | ROW_QP_C | ROW_QP_HI)) != 0;
  if ((flags & ROW_FINAL) != 0 && qp == 0) ended = true;
  let operation: u32 = operationOf(info);
  if ((flags & ROW_COVER) != 0) parted = true;
  if ((flags & ROW_ALLOC) != 0) {
    frameEnd = 32 + load<u8>(entry, 5);
    bundleNeed |= NEED_ALLOC;
  } else {
    const register: u32 = highest(entry, flags);
    if (register >= frameEnd) operation = ID_CHECK_FRAME << 8;
    else if (register >= 32 && (bundleNeed & NEED_ALLOC) == 0) bundleNeed = max(bundleNeed, register - 31);
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

/** The row of the instruction of an entry with this head, or 0. */
function rowAt(page: u32, head: u32): u32 {
  const host: u32 = load<u32>(page, PAGE_HOST) + ((head >>> 16) & 0x3ff0);
  const low: u64 = load<u64>(host);
  const high: u64 = load<u64>(host, 8);
  const units: u32 = load<u16>(UNITS + (<u32>low & 0x1e));
  const number: u32 = (head >>> 6) & 3;
  if (number == 0) return findRow(units & 0xf, (low >> 5) & SLOT_MASK);
  if (number == 2 || units == 0x552) return findRow(units >>> 8, high >> 23);
  return findRow((units >>> 4) & 0xf, ((low >> 46) | (high << 18)) & SLOT_MASK);
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
  store<u32>(page, host, PAGE_HOST);
  forgetRuns(page);
  return page;
}

function forgetRuns(page: u32): void {
  memory.fill(page + PAGE_MAP, 0, BUNDLES << 2);
  store<u32>(page, page, PAGE_FILL);
}
