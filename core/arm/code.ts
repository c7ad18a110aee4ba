// SPDX-License-Identifier: MIT
//
// Decoded pages. Every page of memory that is executed has one for ARM and one for Thumb state: an entry of 8 bytes for
// each word or halfword, filled in when first executed as the beginning of an instruction, and one entry more whose
// handler goes on in the next page. While a page has entries it is marked PAGE_CODE, and stores to it take the slow
// path, which clears what they touch.
//
// An entry is an operand word, and a word of ids and register numbers:
//
//   31  28 27  24 23  20 19     10 9       0
//   ┌─────┬──────┬──────┬─────────┬─────────┐   id: what exec does first; real: what it does then, when id is a
//   │ flag│  b   │  a   │  real   │   id    │   condition or says that the instruction is two halfwords long
//   └─────┴──────┴──────┴─────────┴─────────┘
import { PAGE_CODE, PAGE_STATE_BASE } from '../common/layout';
import { FEATURE_A26, FEATURE_M, FEATURE_T2, FEATURE_V5, R15_PC } from './constants';
import {
  ID_COND_WIDE,
  ID_CROSSING,
  ID_EXIT,
  ID_IT,
  ID_IT_STEP,
  ID_PAGE_END,
  ID_STEPPED,
  ID_WIDE,
} from './gen/ids';
import { DECODED_BASE, ITLB_BASE, ITLB_ENTRIES, PAGES_BASE, PAGE_COUNT, PAGE_STRIDE } from './layout';
import { lowerArm, lowerThumb, lowerWide } from './lower';
import { cpu, has, run } from './state';
import { protectCode } from './tlb';

/** Stores to a page after which it is no longer worth watching. */
const STORES_BEFORE_DROP: u32 = 64;

// A decoded page's own words, after its entries.
const PAGE_HOST: u32 = 0x4010; //   where the page is in this memory
const PAGE_STORES: u32 = 0x4014; // stores to it while it had entries
const PAGE_NEXT: u32 = 0x4018; //   next free page
const PAGE_THUMB: u32 = 0x401c; //  decoded in Thumb state

/** An entry that leaves the loop; in the scratch page's spare room. */
export const EXIT_ENTRY: u32 = PAGES_BASE + 0x7000;

const ID_MASK: u32 = 0x3ff;

/** Address of the instruction of a decoded entry. */
// @ts-ignore: decorator
@inline
export function pcOf(at: u32): u32 {
  return (at >>> run.shift) + run.pc_delta;
}

// @ts-ignore: decorator
@inline
function isWide(entry: u32): bool {
  const id: u32 = load<u32>(entry, 4) & ID_MASK;
  return id == ID_WIDE || (id >= ID_COND_WIDE && id < ID_COND_WIDE + 14);
}

/** The entry of the instruction being executed, from a handler that has not changed `run.at`. */
function currentEntry(): u32 {
  const at: u32 = run.at;
  if (run.shift == 2 && (at & (PAGE_STRIDE - 1)) >= 16 && isWide(at - 16)) return at - 16;
  return at - 8;
}

/** Address of the instruction being executed, from a handler that has not changed `run.at`. */
export function pcCurrent(): u32 {
  return run.at == EXIT_ENTRY ? cpu.pc : pcOf(currentEntry());
}

/** R15 as the instruction being executed reads it. */
export function pcRead(): u32 {
  return pcCurrent() + (run.shift == 1 ? 8 : 4);
}

/** Address of the instruction after the one being executed. */
// @ts-ignore: decorator
@inline
export function pcNext(): u32 {
  return pcOf(run.at);
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
  const at: u32 = run.at;
  if (at == EXIT_ENTRY) return;
  cpu.pc = pcOf(at);
  if ((at & ~(PAGE_STRIDE - 1)) != PAGES_BASE) cpu.itstate = itStateAt(at);
  leave();
}

/** A branch went to the entry `target` when the time was over. */
export function expire(target: u32): u32 {
  run.at = target;
  cpu.pc = pcOf(target);
  leave();
  return EXIT_ENTRY;
}

/** Goes on at `pc` in the current state. Returns the entry. */
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

/** The same for a `pc` that may be in the same page, and is aligned. */
// @ts-ignore: decorator
@inline
export function jumpAbsolute(at: u32, pc: u32): u32 {
  const shift: u32 = run.shift;
  const here: u32 = at - 8;
  if (((pc ^ ((here >>> shift) + run.pc_delta)) & ~0xfff) != 0) return jumpFar(at, pc);
  const target: u32 = (here & ~(PAGE_STRIDE - 1)) | ((pc & 0xfff) << shift);
  const limit: i32 = run.limit + <i32>(target - at);
  run.limit = limit;
  return <i32>target < limit ? target : expire(target);
}

/** Goes on at `pc`, whose lowest bit chooses the state. */
export function exchange(at: u32, pc: u32): u32 {
  const thumb: u32 = pc & 1;
  if (thumb != cpu.thumb) {
    run.at = at;
    cpu.thumb = thumb;
    const target: u32 = thumb != 0 ? pc & ~1 : pc & ~3;
    const page: u32 = <i32>at < run.limit ? cachedPage(target) : 0;
    if (page == 0) {
      cpu.pc = target;
      leave();
    } else {
      goTo(page, target);
    }
    return run.at;
  }
  return jumpAbsolute(at, thumb != 0 ? pc & ~1 : pc & ~3);
}

/** Goes on at `pc` in the current state, from a handler. */
export function jumpTo(pc: u32): void {
  run.at = jumpAbsolute(run.at, run.shift == 1 ? pc & ~3 : pc & ~1);
}

/** The same with 26-bit addresses. */
export function jump26(pc: u32): void {
  run.at = jumpAbsolute(run.at, pc & R15_PC);
}

/** The same, where the lowest bit of `pc` chooses the state. */
export function exchangeTo(pc: u32): void {
  run.at = exchange(run.at, pc);
}

/** Execution ran into the end of the page; `run.at` is its last entry. */
export function nextPage(): void {
  const pc: u32 = pcOf(run.at);
  jumpFar(run.at, has(FEATURE_A26) ? pc & R15_PC : pc);
}

/** Makes the entry of `pc` in a decoded page the next. */
export function goTo(page: u32, pc: u32): void {
  const shift: u32 = 1 + load<u32>(page, PAGE_THUMB);
  const entry: u32 = page | ((pc & 0xfff) << shift);
  run.limit += <i32>(entry - run.at);
  run.at = entry;
  run.shift = shift;
  run.pc_delta = pc - (entry >>> shift);
}

// --- If-then blocks

/** If-then state after one more instruction. */
// @ts-ignore: decorator
@inline
export function advanceIt(state: u32): u32 {
  return (state & 7) == 0 ? 0 : (state & 0xe0) | ((state << 1) & 0x1f);
}

/** If-then state of the instruction at an entry: from the IT before it, if that has been executed. */
export function itStateAt(at: u32): u32 {
  if (run.shift != 2 || (run.features & FEATURE_T2) == 0) return 0;
  const page: u32 = at & ~(PAGE_STRIDE - 1);
  const host: u32 = load<u32>(page, PAGE_HOST);
  for (let back: u32 = 8; back <= 56 && at - back >= page; back += 8) {
    let entry: u32 = at - back;
    if ((load<u32>(entry, 4) & ID_MASK) != ID_IT) continue;
    let state: u32 = load<u32>(entry);
    for (entry += 8; state != 0 && entry <= at; state = advanceIt(state)) {
      if (entry == at) return state;
      const half: u32 = load<u16>(host + ((entry - page) >>> 2));
      entry += half >= 0xe800 ? 16 : 8;
    }
  }
  return 0;
}

/** If-then state of the instruction being executed. */
export function itStateCurrent(): u32 {
  const at: u32 = run.at;
  if (at == EXIT_ENTRY) return cpu.itstate;
  return (at & ~(PAGE_STRIDE - 1)) == PAGES_BASE ? run.step_it : itStateAt(currentEntry());
}

// --- Instruction translations: tag and decoded page. The tag's low bits say in which mode it holds.

// @ts-ignore: decorator
@inline
function fetchMode(): u32 {
  return run.privileged | (cpu.thumb << 1);
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
  const page: u32 = decodedPage(host, cpu.thumb);
  store<u32>(slot, (pc & ~0xfff) | 0x800 | mode);
  store<u32>(slot, page, 4);
  return page;
}

export function flushItlb(): void {
  memory.fill(ITLB_BASE, 0, ITLB_ENTRIES * 8);
}

/** Forgets the translations of one page. */
export function flushItlbPage(ea: u32): void {
  for (let mode: u32 = 0; mode < 4; mode++) {
    const slot: u32 = itlbSlot(ea, mode);
    if (((load<u32>(slot) ^ ea) & ~0xfff) == 0) store<u32>(slot, 0);
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
function indexOf(host: u32, thumb: u32): u32 {
  return load<u16>(DECODED_BASE + ((host >>> 12) << 2) + (thumb << 1));
}

function decodedPage(host: u32, thumb: u32): u32 {
  let index: u32 = indexOf(host, thumb);
  if (index != 0) return pageAddress(index);
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
  const entries: u32 = 0x2000 << thumb;
  memory.fill(page, 0, entries);
  store<u32>(page + entries, ID_PAGE_END, 4);
  store<u32>(page, host, PAGE_HOST);
  store<u32>(page, 0, PAGE_STORES);
  store<u32>(page, thumb, PAGE_THUMB);
  store<u16>(DECODED_BASE + ((host >>> 12) << 2) + (thumb << 1), index);
  const state: u32 = PAGE_STATE_BASE + (host >>> 12);
  store<u8>(state, load<u8>(state) | PAGE_CODE);
  protectCode(host);
  return page;
}

/** Frees a decoded page. Execution must not be in it. */
function dropPage(index: u32): void {
  const page: u32 = pageAddress(index);
  const host: u32 = load<u32>(page, PAGE_HOST);
  const thumb: u32 = load<u32>(page, PAGE_THUMB);
  if (indexOf(host, thumb) != index) return;
  store<u16>(DECODED_BASE + ((host >>> 12) << 2) + (thumb << 1), 0);
  if (indexOf(host, thumb ^ 1) == 0) {
    const state: u32 = PAGE_STATE_BASE + (host >>> 12);
    store<u8>(state, load<u8>(state) & ~PAGE_CODE);
  }
  for (let slot: u32 = ITLB_BASE; slot < ITLB_BASE + ITLB_ENTRIES * 8; slot += 8) {
    if (load<u32>(slot, 4) == page) store<u32>(slot, 0);
  }
  store<u32>(page, run.free_page, PAGE_NEXT);
  run.free_page = index;
}

/** Drops the page that is written too often, now that nothing is executed. */
export function dropWrittenPage(): void {
  if (run.drop_page == 0) return;
  const host: u32 = load<u32>(pageAddress(run.drop_page), PAGE_HOST);
  const other: u32 = indexOf(host, load<u32>(pageAddress(run.drop_page), PAGE_THUMB) ^ 1);
  dropPage(run.drop_page);
  if (other != 0) dropPage(other);
  run.drop_page = 0;
}

/** The guest stored to `host`, in a page that has decoded entries. */
export function storedToCode(host: u32, size: u32): void {
  invalidateCode(host, size);
  const index: u32 = indexOf(host, 0) != 0 ? indexOf(host, 0) : indexOf(host, 1);
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
  let first: u32 = host & ~3;
  const end: u32 = (host + size + 3) & ~3;
  while (first < end) {
    const stop: u32 = min<u32>(end, (first & ~0xfff) + 0x1000);
    const arm: u32 = indexOf(first, 0);
    const offset: u32 = first & 0xfff;
    if (arm != 0) memory.fill(pageAddress(arm) + (offset << 1), 0, (stop - first) << 1);
    const thumb: u32 = indexOf(first, 1);
    if (thumb != 0) {
      // The halfword before may have been decoded as the first of two; what follows may be in an if-then block.
      const from: u32 = offset == 0 ? 0 : (offset - 2) << 2;
      const to: u32 = min<u32>(offset + (stop - first) + 16, 0x1000) << 2;
      memory.fill(pageAddress(thumb) + from, 0, to - from);
    }
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
  run.shift = 1;
  run.target = run.end = 0;
}

// --- Decoding

/** Whether the halfword `first` begins an instruction of two, as far as it alone can tell. */
// @ts-ignore: decorator
@inline
export function beginsWide(first: u32): bool {
  return first >= (has(FEATURE_T2 | FEATURE_M) ? 0xe800 : 0xf000) && (has(FEATURE_T2 | FEATURE_M) || first < 0xf800);
}

/** Before Thumb-2 only the two halves of BL and BLX make one instruction; alone they are instructions too. */
// @ts-ignore: decorator
@inline
function isPair(second: u32): bool {
  return has(FEATURE_T2 | FEATURE_M) || second >= 0xf800 || (second >= 0xe800 && second < 0xf000 && has(FEATURE_V5));
}

/** Fills in the entry at `at` from memory. */
export function decodeEntry(at: u32): void {
  const page: u32 = at & ~(PAGE_STRIDE - 1);
  const host: u32 = load<u32>(page, PAGE_HOST);
  if (load<u32>(page, PAGE_THUMB) == 0) {
    const offset: u32 = (at - page) >>> 1;
    lowerArm(at, load<u32>(host + offset), offset);
    return;
  }
  const offset: u32 = (at - page) >>> 2;
  const first: u32 = load<u16>(host + offset);
  if (offset != 0 && isWide(at - 8)) store<u32>(at - 8, 0, 4);
  const state: u32 = itStateAt(at);
  if (beginsWide(first)) {
    if (offset == 0xffe) {
      if (has(FEATURE_T2 | FEATURE_M)) store<u32>(at, ID_CROSSING, 4);
      else lowerThumb(at, first, offset, state);
      return;
    }
    const second: u32 = load<u16>(host + offset, 2);
    if (isPair(second)) {
      lowerWide(at, (first << 16) | second, offset, state);
      return;
    }
  }
  lowerThumb(at, first, offset, state);
  if ((load<u32>(at, 4) & ID_MASK) == ID_IT) beginBlock(at, offset, host);
}

/** What follows an IT is decoded as its block, which must be in the same page. */
function beginBlock(at: u32, offset: u32, host: u32): void {
  let next: u32 = offset + 2;
  for (let state: u32 = load<u32>(at); state != 0; state = advanceIt(state)) {
    const wide: bool = next < 0x1000 && load<u16>(host + next) >= 0xe800;
    next += wide ? 4 : 2;
    if (next > 0x1000) {
      store<u32>(at, ID_IT_STEP, 4);
      return;
    }
  }
  memory.fill(at + 8, 0, (next - offset - 2) << 2);
}

/** Makes the scratch page hold one instruction, to be executed as if at `pc`. */
export function prepareStep(pc: u32, op: u32, wide: bool): void {
  const thumb: u32 = cpu.thumb;
  const entry: u32 = PAGES_BASE | ((pc & 0xfff) << (1 + thumb));
  store<u32>(PAGES_BASE, thumb, PAGE_THUMB);
  run.step_it = cpu.itstate;
  cpu.itstate = advanceIt(cpu.itstate);
  if (thumb == 0) {
    lowerArm(entry, op, pc & 0xfff);
    store<u32>(entry, ID_STEPPED, 12);
  } else {
    if ((pc & 0xfff) != 0) store<u32>(entry - 8, 0, 4);
    if ((pc & 0xfff) >= 4) store<u32>(entry - 16, 0, 4);
    if (wide) lowerWide(entry, op, pc & 0xfff, run.step_it);
    else lowerThumb(entry, op, pc & 0xfff, run.step_it);
    if ((load<u32>(entry, 4) & ID_MASK) == ID_IT) store<u32>(entry, ID_IT_STEP, 4);
    store<u32>(entry + (wide ? 16 : 8), ID_STEPPED, 4);
  }
  goTo(PAGES_BASE, pc);
}
