// SPDX-License-Identifier: MIT
//
// What the 68k core keeps in its part of the memory, after what every core has (core/common/layout.ts).
import { TLB_BANK_SIZE } from '../common/data-tlb';
import { CORE_BASE } from '../common/layout';

/** Handler id (u16) of every operation word. */
export const DECODE_BASE: u32 = CORE_BASE;
export const DECODE_SIZE: u32 = 0x2_0000;

/** Three banks of the data TLB, and one entry for MOVES: see tlb.ts. */
export const TLB_BASE: u32 = DECODE_BASE + DECODE_SIZE;
export const SPACE_SLOT: u32 = TLB_BASE + TLB_BANK_SIZE * 3;
export const TLB_SIZE: u32 = TLB_BANK_SIZE * 3 + 16;

/** Instruction translations, 8 bytes each: tag, decoded page. */
export const ITLB_BASE: u32 = TLB_BASE + TLB_SIZE;
export const ITLB_ENTRIES: u32 = 512;
export const ITLB_SIZE: u32 = ITLB_ENTRIES * 8;

/** For each page of this memory, the number (u16) of its decoded page, or 0. */
export const DECODED_BASE: u32 = ITLB_BASE + ITLB_SIZE;
export const DECODED_SIZE: u32 = 0x0020_0000;

/** The words of an instruction that is stepped over, laid out as in its page. */
export const STEP_BASE: u32 = (DECODED_BASE + DECODED_SIZE + 0xfff) & ~0xfff;
export const STEP_SIZE: u32 = 0x2000;

/**
 * Decoded pages: 2048 entries of 8 bytes {operation word and first extension word, handler id}, one for every word of
 * the page, and one more entry that ends it; then what is known of the page. Page 0 is the scratch page for single
 * steps; its entries may go on beyond the page's end.
 */
export const PAGES_BASE: u32 = (STEP_BASE + STEP_SIZE + 0x7fff) & ~0x7fff;
export const PAGE_STRIDE: u32 = 0x8000;
export const PAGE_COUNT: u32 = 1024;
export const PAGES_SIZE: u32 = PAGE_STRIDE * PAGE_COUNT;

export const M68K_END: u32 = PAGES_BASE + PAGES_SIZE;
