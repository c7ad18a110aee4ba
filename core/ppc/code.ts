// SPDX-License-Identifier: MIT
//
// Decoded pages. Every page of memory that is executed has one: an entry of 8 bytes {instruction word, handler id} for
// each instruction, filled in when first executed, and one entry more whose handler goes on in the next page. While a
// page has entries it is marked PAGE_CODE, and stores to it take the slow path, which clears what they touch.
import { DECODED_BASE, DECODE_BASE, ITLB_BASE, ITLB_ENTRIES, PAGES_BASE, PAGE_COUNT, PAGE_STRIDE } from './layout';
import { PAGE_CODE, PAGE_STATE_BASE } from '../common/layout';
import { MSR_LE } from './constants';
import { EXTENDED, ROWS, ROW_COUNT, VARIANTS, VARIANT_COUNT } from './gen/decode';
import { cpu, run } from './state';
import { protectCode } from './tlb';

// The loop's own handler ids; see tools/decodegen.mjs.
export const ID_UNDECODED: u32 = 0;
export const ID_PAGE_END: u32 = 1;
export const ID_EXIT: u32 = 2;
export const ID_STEPPED: u32 = 3;
export const ID_ILLEGAL: u32 = 4;

/** Stores to a page after which it is no longer worth watching. */
const STORES_BEFORE_DROP: u32 = 64;

// A decoded page's own words, after its entries.
const PAGE_HOST: u32 = 0x2010; //   where the page is in this memory
const PAGE_STORES: u32 = 0x2014; // stores to it while it had entries
const PAGE_NEXT: u32 = 0x2018; //   next free page
const PAGE_LE: u32 = 0x201c; //     decoded in little-endian mode

/** An entry that leaves the loop; in the scratch page's spare room. */
export const EXIT_ENTRY: u32 = PAGES_BASE + 0x3000;

/** Effective address of a decoded entry. */
// @ts-ignore: decorator
@inline
export function pcOf(at: u32): u32 {
  return (at >>> 1) + run.pc_delta;
}

/** Effective address of the instruction being executed, from a handler; also after `leaveAfter`. */
export function pcCurrent(): u32 {
  return run.at == EXIT_ENTRY ? cpu.pc - 4 : pcOf(run.at) - 4;
}

/** Ticks since the beginning of the slice. */
export function elapsed(): u32 {
  return run.target - ((run.limit - <i32>run.at) >> 3);
}

/** Lets the loop stop at `ticks` since the beginning of the slice. */
export function setTarget(ticks: u32): void {
  run.limit += <i32>(ticks - run.target) << 3;
  run.target = ticks;
}

/** Lets the loop stop as soon as it can. */
export function stopSoon(): void {
  setTarget(elapsed());
}

/** The loop returns after the current instruction; `cpu.pc` says where execution goes on. */
export function leave(): void {
  run.limit += <i32>(EXIT_ENTRY - run.at);
  run.at = EXIT_ENTRY;
}

/** Leaves with the instruction after the current one as the next. */
export function leaveAfter(): void {
  if (run.at == EXIT_ENTRY) return;
  cpu.pc = pcOf(run.at);
  leave();
}

/** A branch went to the entry `target` when the time was over. */
export function expire(target: u32): u32 {
  run.at = target;
  cpu.pc = pcOf(target);
  leave();
  return EXIT_ENTRY;
}

/** A branch to `pc`, which is not in the current page. Returns the entry. */
export function jumpFar(at: u32, pc: u32): u32 {
  run.at = at;
  const page: u32 = <i32>at < run.limit ? cachedPage(pc) : 0;
  if (page == 0) {
    cpu.pc = pc;
    leave();
  } else {
    goTo(page, pc);
  }
  return run.at;
}

/** Execution ran into the end of the page; `run.at` is its last entry. */
export function nextPage(): void {
  jumpFar(run.at, pcOf(run.at));
}

/** Makes the entry of `pc` in a decoded page the next. */
export function goTo(page: u32, pc: u32): void {
  const entry: u32 = page | ((pc & 0xffc) << 1);
  run.limit += <i32>(entry - run.at);
  run.at = entry;
  run.pc_delta = pc - (entry >>> 1);
}

// --- Instruction translations: tag and decoded page. The tag's low bits say in which mode it holds.

// @ts-ignore: decorator
@inline
function fetchMode(): u32 {
  const msr: u32 = cpu.msr;
  return ((msr >>> 4) & 2) | ((msr >>> 14) & 1) | ((msr & MSR_LE) << 2);
}

// @ts-ignore: decorator
@inline
function itlbSlot(pc: u32, mode: u32): u32 {
  return ITLB_BASE + ((((pc >>> 12) ^ (mode << 6)) & (ITLB_ENTRIES - 1)) << 3);
}

/** The decoded page of `pc` if its translation is known, or 0. */
export function cachedPage(pc: u32): u32 {
  const mode: u32 = fetchMode();
  const slot: u32 = itlbSlot(pc, mode);
  return load<u32>(slot) == ((pc & ~0xfff) | 0x800 | mode) ? load<u32>(slot, 4) : 0;
}

/** Remembers that `pc` is in the page of memory at `host`, and returns its decoded page. */
export function rememberPage(pc: u32, host: u32): u32 {
  const mode: u32 = fetchMode();
  const slot: u32 = itlbSlot(pc, mode);
  const page: u32 = decodedPage(host, mode >>> 2);
  store<u32>(slot, (pc & ~0xfff) | 0x800 | mode);
  store<u32>(slot, page, 4);
  return page;
}

export function flushItlb(): void {
  memory.fill(ITLB_BASE, 0, ITLB_ENTRIES * 8);
}

/** Forgets translations of the segments in `mask`. */
export function flushItlbSegments(mask: u32): void {
  for (let slot: u32 = ITLB_BASE; slot < ITLB_BASE + ITLB_ENTRIES * 8; slot += 8) {
    if ((mask >>> (load<u32>(slot) >>> 28)) & 1) store<u32>(slot, 0);
  }
}

/** Forgets translations of every page whose number has the same low `bits` bits as that of `ea`. */
export function flushItlbClass(ea: u32, bits: u32): void {
  const mask: u32 = ((1 << bits) - 1) << 12;
  for (let slot: u32 = ITLB_BASE; slot < ITLB_BASE + ITLB_ENTRIES * 8; slot += 8) {
    if (((load<u32>(slot) ^ ea) & mask) == 0) store<u32>(slot, 0);
  }
}

// --- Decoded pages

// @ts-ignore: decorator
@inline
function pageAddress(index: u32): u32 {
  return PAGES_BASE + index * PAGE_STRIDE;
}

// @ts-ignore: decorator
@inline
function indexOf(host: u32): u32 {
  return load<u16>(DECODED_BASE + ((host >>> 12) << 1));
}

function decodedPage(host: u32, le: u32): u32 {
  let index: u32 = indexOf(host);
  if (index != 0) {
    if (load<u32>(pageAddress(index), PAGE_LE) == le) return pageAddress(index);
    dropPage(index);
  }
  index = run.free_page;
  if (index != 0) {
    run.free_page = load<u32>(pageAddress(index), PAGE_NEXT);
  } else if (run.pages_used < PAGE_COUNT - 1) {
    index = ++run.pages_used;
  } else {
    run.page_hand = run.page_hand >= PAGE_COUNT - 1 ? 1 : run.page_hand + 1;
    dropPage(run.page_hand);
    index = run.free_page;
    run.free_page = load<u32>(pageAddress(index), PAGE_NEXT);
  }
  const page: u32 = pageAddress(index);
  memory.fill(page, 0, 0x2000);
  store<u32>(page, ID_PAGE_END, 0x2004);
  store<u32>(page, host, PAGE_HOST);
  store<u32>(page, 0, PAGE_STORES);
  store<u32>(page, le, PAGE_LE);
  store<u16>(DECODED_BASE + ((host >>> 12) << 1), index);
  const state: u32 = PAGE_STATE_BASE + (host >>> 12);
  store<u8>(state, load<u8>(state) | PAGE_CODE);
  protectCode(host);
  return page;
}

/** Frees a decoded page. Execution must not be in it. */
function dropPage(index: u32): void {
  const page: u32 = pageAddress(index);
  const host: u32 = load<u32>(page, PAGE_HOST);
  if (indexOf(host) != index) return;
  store<u16>(DECODED_BASE + ((host >>> 12) << 1), 0);
  const state: u32 = PAGE_STATE_BASE + (host >>> 12);
  store<u8>(state, load<u8>(state) & ~PAGE_CODE);
  for (let slot: u32 = ITLB_BASE; slot < ITLB_BASE + ITLB_ENTRIES * 8; slot += 8) {
    if (load<u32>(slot, 4) == page) store<u32>(slot, 0);
  }
  store<u32>(page, run.free_page, PAGE_NEXT);
  run.free_page = index;
}

/** Drops the page that is written too often, now that nothing is executed. */
export function dropWrittenPage(): void {
  if (run.drop_page == 0) return;
  dropPage(run.drop_page);
  run.drop_page = 0;
}

/** The guest stored to `host`, in a page that has decoded entries. */
export function storedToCode(host: u32, size: u32): void {
  invalidateCode(host, size);
  const index: u32 = indexOf(host);
  const page: u32 = pageAddress(index);
  const stores: u32 = load<u32>(page, PAGE_STORES) + 1;
  store<u32>(page, stores, PAGE_STORES);
  if (stores >= STORES_BEFORE_DROP && run.drop_page == 0) {
    run.drop_page = index;
    stopSoon();
  }
}

/** [host, host + size) of this memory was written; entries decoded from it are void. */
export function invalidateCode(host: u32, size: u32): void {
  // Whole doublewords: little-endian mode swaps the words inside them.
  let first: u32 = host & ~7;
  const end: u32 = (host + size + 7) & ~7;
  while (first < end) {
    const stop: u32 = min<u32>(end, (first & ~0xfff) + 0x1000);
    const index: u32 = indexOf(first);
    if (index != 0) memory.fill(pageAddress(index) + ((first & 0xfff) << 1), 0, (stop - first) << 1);
    first = stop;
  }
}

/** Forgets every decoded page. Nothing may be executing. */
export function resetPages(): void {
  for (let index: u32 = 1; index <= run.pages_used; index++) dropPage(index);
  run.pages_used = run.free_page = run.page_hand = run.drop_page = 0;
  flushItlb();
  store<u32>(EXIT_ENTRY, ID_EXIT, 4);
  run.at = EXIT_ENTRY;
  run.limit = <i32>EXIT_ENTRY;
  run.target = run.end = 0;
}

// --- Decoding

/** Expands the rows of ppc.decode that this processor has into tables. */
export function buildDecodeTables(features: u32): void {
  let table: u32 = 0;
  for (let primary: u32 = 0; primary < 64; primary++) {
    const entry: u32 = DECODE_BASE + (primary << 1);
    store<u16>(entry, ID_ILLEGAL);
    if ((EXTENDED >> primary) & 1) {
      table++;
      store<u16>(entry, 0x8000 | table);
      for (let i: u32 = 0; i < 2048; i++) store<u16>(DECODE_BASE + (table << 12) + (i << 1), ID_ILLEGAL);
    }
  }
  for (let row: u32 = 0; row < ROW_COUNT; row++) {
    const at: usize = ROWS + (row << 4);
    const needs: u32 = load<u32>(at, 8);
    if ((features & needs) != needs) continue;
    const mask: u32 = load<u32>(at) & 0x7ff;
    const match: u32 = load<u32>(at, 4);
    const id: u32 = load<u32>(at, 12);
    const entry: u32 = DECODE_BASE + ((match >>> 26) << 1);
    const extended: u32 = load<u16>(entry);
    if ((extended & 0x8000) == 0) {
      store<u16>(entry, id);
      continue;
    }
    const base: u32 = DECODE_BASE + ((extended & 7) << 12);
    for (let i: u32 = 0; i < 2048; i++) {
      if ((i & mask) == (match & 0x7ff) && load<u16>(base + (i << 1)) == ID_ILLEGAL) store<u16>(base + (i << 1), id);
    }
  }
}

/** Handler id of an instruction word. Every processor has the instructions that have variants. */
export function decode(op: u32): u32 {
  for (let at: usize = VARIANTS; at < VARIANTS + VARIANT_COUNT * 12; at += 12) {
    if ((op & load<u32>(at)) == load<u32>(at, 4)) return load<u32>(at, 8);
  }
  const id: u32 = load<u16>(DECODE_BASE + ((op >>> 26) << 1));
  if ((id & 0x8000) == 0) return id;
  return load<u16>(DECODE_BASE + ((id & 7) << 12) + ((op & 0x7ff) << 1));
}

/** Fills in the entry at `at` from memory. */
export function decodeEntry(at: u32): void {
  const page: u32 = at & ~(PAGE_STRIDE - 1);
  const offset: u32 = ((at & 0x1fff) >>> 1) ^ (load<u32>(page, PAGE_LE) << 2);
  const op: u32 = bswap<u32>(load<u32>(load<u32>(page, PAGE_HOST) + offset));
  store<u32>(at, op);
  store<u32>(at, decode(op), 4);
}

/** Makes the scratch page hold one instruction, to be executed as if at `pc`. */
export function prepareStep(pc: u32, op: u32): void {
  const entry: u32 = PAGES_BASE | ((pc & 0xffc) << 1);
  store<u32>(entry, op);
  store<u32>(entry, decode(op), 4);
  store<u32>(entry, ID_STEPPED, 12);
  goTo(PAGES_BASE, pc);
}
