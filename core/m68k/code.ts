// SPDX-License-Identifier: MIT
//
// Decoded pages. Every page of memory that is executed has one: an entry of 8 bytes {operation word and the word after
// it, handler id} for each word, filled in when first executed as the beginning of an instruction, and one entry more
// whose handler goes on in the next page. While a page has entries it is marked PAGE_CODE, and stores to it take the
// slow path, which clears what they touch.
import { PAGE_CODE, PAGE_STATE_BASE } from '../common/layout';
import { MODEL_68000 } from './constants';
import { FORMS, FORM_COUNT, INFO, ROWS, ROW_COUNT } from './gen/decode';
import {
  DECODED_BASE,
  DECODE_BASE,
  ITLB_BASE,
  ITLB_ENTRIES,
  PAGES_BASE,
  PAGE_COUNT,
  PAGE_STRIDE,
  STEP_BASE,
} from './layout';
import { cpu, run } from './state';
import { protectCode } from './tlb';

// The loop's own handler ids; see tools/decodegen-m68k.mjs.
export const ID_UNDECODED: u32 = 0;
export const ID_PAGE_END: u32 = 1;
export const ID_EXIT: u32 = 2;
export const ID_CROSSING: u32 = 3;
export const ID_ILLEGAL: u32 = 4; // what comes after is not the loop's

/** Stores to a page after which it is no longer worth watching. */
const STORES_BEFORE_DROP: u32 = 64;

// A decoded page's own words, after its entries.
const PAGE_HOST: u32 = 0x4010; //   where the page is in this memory
const PAGE_STORES: u32 = 0x4014; // stores to it while it had entries
const PAGE_NEXT: u32 = 0x4018; //   next free page

/** The longest instruction: MOVE with two full extension words and their displacements. */
const MOST_WORDS: u32 = 11;

/** An entry that leaves the loop; in the scratch page's spare room. */
export const EXIT_ENTRY: u32 = PAGES_BASE + 0x7000;

/** Effective address of a decoded entry. */
// @ts-ignore: decorator
@inline
export function pcOf(at: u32): u32 {
  return (at >>> 2) + run.pc_delta;
}

/** Where the word of a decoded entry is in this memory. */
// @ts-ignore: decorator
@inline
export function hostOf(at: u32): u32 {
  return (at >>> 2) + run.host_delta;
}

/** Effective address of the instruction being executed, from a handler. */
export function pcCurrent(): u32 {
  return pcOf(run.op_at) - 2;
}

/** Effective address of the word after the ones used so far. */
// @ts-ignore: decorator
@inline
export function pcNext(): u32 {
  return pcOf(run.at);
}

/** The next extension word. */
// @ts-ignore: decorator
@inline
export function fetch16(): u32 {
  const at: u32 = run.at;
  run.at = at + 8;
  return <u32>bswap<u16>(load<u16>(hostOf(at)));
}

// @ts-ignore: decorator
@inline
export function fetch32(): u32 {
  const at: u32 = run.at;
  run.at = at + 16;
  return bswap<u32>(load<u32>(hostOf(at)));
}

/** Ticks since the beginning of the slice. */
export function elapsed(): u32 {
  return run.target - <u32>run.left;
}

/** Lets the loop stop at `ticks` since the beginning of the slice. */
export function setTarget(ticks: u32): void {
  run.left += <i32>(ticks - run.target);
  run.target = ticks;
}

/** Lets the loop stop after the current instruction. */
export function stopSoon(): void {
  setTarget(elapsed());
}

/** The loop returns after the current instruction; `cpu.pc` says where execution goes on. */
export function leave(): void {
  run.at = EXIT_ENTRY;
}

/** Leaves with the instruction after the current one as the next. */
export function leaveAfter(): void {
  if (run.at == EXIT_ENTRY) return;
  cpu.pc = pcNext();
  leave();
}

/** Execution goes on at `pc`, which is even. */
export function jumpTo(pc: u32): void {
  const here: u32 = run.op_at - 8;
  if (((pc ^ pcOf(here)) & ~0xfff) == 0) {
    run.at = (here & ~0x3fff) | ((pc & 0xffe) << 2);
    return;
  }
  const page: u32 = cachedPage(pc);
  if (page == 0) {
    cpu.pc = pc;
    leave();
  } else {
    goTo(page, pc);
  }
}

/** Execution ran into the end of the page; `run.at` is its last entry. */
export function nextPage(): void {
  const pc: u32 = pcOf(run.at);
  const page: u32 = cachedPage(pc);
  if (page == 0) {
    cpu.pc = pc;
    leave();
  } else {
    goTo(page, pc);
  }
}

/** Makes the entry of `pc` in a decoded page the next. */
export function goTo(page: u32, pc: u32): void {
  const entry: u32 = page | ((pc & 0xffe) << 2);
  run.at = entry;
  run.pc_delta = pc - (entry >>> 2);
  run.host_delta = (load<u32>(page, PAGE_HOST) | (pc & 0xffe)) - (entry >>> 2);
}

// --- Instruction translations: tag and decoded page. The tag's low bits say for which mode it holds.

// @ts-ignore: decorator
@inline
function fetchMode(): u32 {
  return (cpu.sr >>> 13) & 1;
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
  const page: u32 = decodedPage(host);
  store<u32>(slot, (pc & ~0xfff) | 0x800 | mode);
  store<u32>(slot, page, 4);
  return page;
}

export function flushItlb(): void {
  memory.fill(ITLB_BASE, 0, ITLB_ENTRIES * 8);
}

/** Forgets the translations of addresses that agree with `ea` in `mask`. */
export function flushItlbMatching(ea: u32, mask: u32): void {
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

function decodedPage(host: u32): u32 {
  let index: u32 = indexOf(host);
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
  memory.fill(page, 0, 0x4000);
  store<u32>(page, ID_PAGE_END, 0x4004);
  store<u32>(page, host, PAGE_HOST);
  store<u32>(page, 0, PAGE_STORES);
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
  // An entry depends on all words of its instruction.
  const end: u32 = (host + size + 1) & ~1;
  let first: u32 = max<u32>(host & ~1, MOST_WORDS * 2) - (MOST_WORDS - 1) * 2;
  while (first < end) {
    const stop: u32 = min<u32>(end, (first & ~0xfff) + 0x1000);
    const index: u32 = indexOf(first);
    if (index != 0) memory.fill(pageAddress(index) + ((first & 0xffe) << 2), 0, (stop - first) << 2);
    first = stop;
  }
}

/** Forgets every decoded page. Nothing may be executing. */
export function resetPages(): void {
  for (let index: u32 = 1; index <= run.pages_used; index++) dropPage(index);
  run.pages_used = run.free_page = run.page_hand = run.drop_page = 0;
  flushItlb();
  store<u32>(PAGES_BASE, STEP_BASE, PAGE_HOST);
  store<u32>(EXIT_ENTRY, ID_EXIT, 4);
  run.at = EXIT_ENTRY;
  run.op_at = EXIT_ENTRY;
  run.left = 0;
  run.target = run.end = 0;
}

// --- Decoding

// @ts-ignore: decorator
@inline
function allows(modes: u32, mode: u32, reg: u32): bool {
  if (modes == 0) return true;
  if (mode < 7) return ((modes >>> mode) & 1) != 0;
  return reg < 5 && ((modes >>> (7 + reg)) & 1) != 0;
}

/** Expands the rows of m68k.decode that this processor has into the table. */
export function buildDecodeTable(model: u32): void {
  for (let op: u32 = 0; op < 0x10000; op++) store<u16>(DECODE_BASE + (op << 1), ID_ILLEGAL);
  for (let row: u32 = 0; row < ROW_COUNT; row++) {
    const at: usize = ROWS + row * 12;
    if (((<u32>load<u16>(at, 8) >>> model) & 1) == 0) continue;
    const free: u32 = ~(<u32>load<u16>(at)) & 0xffff;
    const match: u32 = load<u16>(at, 2);
    const ea: u32 = load<u16>(at, 4);
    const dst: u32 = load<u16>(at, 6);
    let bits: u32 = 0;
    do {
      const op: u32 = match | bits;
      if (allows(ea, (op >>> 3) & 7, op & 7) && allows(dst, (op >>> 6) & 7, (op >>> 9) & 7)) {
        store<u16>(DECODE_BASE + (op << 1), load<u16>(at, 10));
      }
      bits = (bits - free) & free;
    } while (bits != 0);
  }
  for (let form: u32 = 0; form < FORM_COUNT; form++) {
    const at: usize = FORMS + (form << 3);
    const free: u32 = ~(<u32>load<u16>(at)) & 0xffff;
    const match: u32 = load<u16>(at, 2);
    let bits: u32 = 0;
    do {
      const entry: u32 = DECODE_BASE + ((match | bits) << 1);
      if (load<u16>(entry) == load<u16>(at, 4)) store<u16>(entry, load<u16>(at, 6));
      bits = (bits - free) & free;
    } while (bits != 0);
  }
}

/** Handler id of an operation word. */
export function decode(op: u32): u32 {
  return load<u16>(DECODE_BASE + (op << 1));
}

/** Fills in the entry at `at` from memory. */
export function decodeEntry(at: u32): void {
  const page: u32 = at & ~(PAGE_STRIDE - 1);
  const offset: u32 = (at & 0x3fff) >>> 2;
  const host: u32 = load<u32>(page, PAGE_HOST) + offset;
  const op: u32 = <u32>bswap<u16>(load<u16>(host));
  const room: u32 = (0x1000 - offset) >>> 1;
  let id: u32 = decode(op);
  if (room < MOST_WORDS && instructionWords(host, room) > room) id = ID_CROSSING;
  store<u32>(at, (op << 16) | (room > 1 ? <u32>bswap<u16>(load<u16>(host + 2)) : 0));
  store<u32>(at, id, 4);
}

// --- Lengths

/** Words after the operation word at `host` that are certain from its first `known` words; the rest is counted as 0. */
// @ts-ignore: decorator
@inline
function wordAt(host: u32, index: u32): u32 {
  return <u32>bswap<u16>(load<u16>(host + (index << 1)));
}

/** Extension words of an effective address whose first one would be the word `index`. */
function eaWords(host: u32, index: u32, known: u32, mode: u32, reg: u32, size: u32): u32 {
  switch (mode) {
    case 5:
      return 1;
    case 6:
      return indexWords(host, index, known);
    case 7:
      switch (reg) {
        case 0:
        case 2:
          return 1;
        case 1:
          return 2;
        case 3:
          return indexWords(host, index, known);
        case 4:
          return size <= 2 ? 1 : size >>> 1;
        default:
          return 0;
      }
    default:
      return 0;
  }
}

function indexWords(host: u32, index: u32, known: u32): u32 {
  if (index >= known || run.model == MODEL_68000) return 1;
  const extension: u32 = wordAt(host, index);
  if ((extension & 0x100) == 0) return 1;
  const base: u32 = (extension >>> 4) & 3;
  const outer: u32 = extension & 3;
  return 1 + (base > 1 ? base - 1 : 0) + (outer > 1 ? outer - 1 : 0);
}

/** Bytes of an immediate operand of the FPU, by source format. */
function fpImmediate(format: u32): u32 {
  switch (format) {
    case 0:
    case 1:
      return 4;
    case 5:
      return 8;
    case 2:
    case 3:
      return 12;
    default:
      return 2;
  }
}

/** Words of the instruction at `host`, as far as its first `known` words tell. */
export function instructionWords(host: u32, known: u32): u32 {
  const op: u32 = wordAt(host, 0);
  const info: u32 = load<u16>(INFO + (decode(op) << 1));
  let words: u32 = 1;
  let size: u32 = (info >>> 5) & 7;
  const ext: u32 = info & 7;
  if (ext == 4) return (op & 0xff) == 0 ? 2 : (op & 0xff) == 0xff && run.model != MODEL_68000 ? 3 : 1;
  if (ext == 5) {
    words = 2;
    const command: u32 = known > 1 ? wordAt(host, 1) : 0;
    size = fpImmediate((command >>> 10) & 7);
    // FMOVE to control registers takes a long word for each of them.
    if ((command & 0xe000) == 0x8000) {
      size = 4 * (((command >>> 12) & 1) + ((command >>> 11) & 1) + ((command >>> 10) & 1));
    }
    if ((command & 0xe000) == 0 || (command & 0xe000) == 0x2000) return words; // register to register
  } else {
    words += ext;
  }
  if ((info & 0x100) != 0) words += size == 4 ? 2 : 1;
  if ((info & 0x08) != 0) words += eaWords(host, words, known, (op >>> 3) & 7, op & 7, size);
  if ((info & 0x10) != 0) words += eaWords(host, words, known, (op >>> 6) & 7, (op >>> 9) & 7, size);
  return words;
}

/** Where the words of an instruction to be stepped over at `pc` belong. */
// @ts-ignore: decorator
@inline
export function stepHost(pc: u32): u32 {
  return STEP_BASE + (pc & 0xffe);
}

/** Makes the scratch page hold the instruction whose words are at `stepHost`, as if at `pc`; the loop executes one. */
export function prepareStep(pc: u32): void {
  const entry: u32 = PAGES_BASE | ((pc & 0xffe) << 2);
  const host: u32 = stepHost(pc);
  store<u32>(entry, bswap<u32>(load<u32>(host)));
  store<u32>(entry, decode(wordAt(host, 0)), 4);
  goTo(PAGES_BASE, pc);
}
