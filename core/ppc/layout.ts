// SPDX-License-Identifier: MIT
//
// What the PowerPC core keeps in its part of the memory, after what every core has (core/common/layout.ts).
import { TLB_BANK_SIZE } from '../common/data-tlb';
import { CORE_BASE } from '../common/layout';

/** The mask of each MB, ME pair. */
export const MASK_BASE: u32 = CORE_BASE;
export const MASK_SIZE: u32 = 0x1000;

/** Handler ids (u16) by primary opcode: 64 of them, then up to 7 tables of 2048 by bits 21-31. */
export const DECODE_BASE: u32 = MASK_BASE + MASK_SIZE;
export const DECODE_SIZE: u32 = 0x8000;

/** Four banks of the data TLB: see tlb.ts. */
export const TLB_BASE: u32 = DECODE_BASE + DECODE_SIZE;
export const TLB_SIZE: u32 = TLB_BANK_SIZE * 4;

/** Instruction translations, 8 bytes each: tag, decoded page. */
export const ITLB_BASE: u32 = TLB_BASE + TLB_SIZE;
export const ITLB_ENTRIES: u32 = 512;
export const ITLB_SIZE: u32 = ITLB_ENTRIES * 8;

/** For each page of this memory, the number (u16) of its decoded page, or 0. */
export const DECODED_BASE: u32 = ITLB_BASE + ITLB_SIZE;
export const DECODED_SIZE: u32 = 0x0020_0000;

/**
 * Decoded pages: 1024 entries of 8 bytes {instruction word, handler id} and one more entry that ends the page, then
 * what is known of the page. Page 0 is the scratch page for single steps.
 */
export const PAGES_BASE: u32 = (DECODED_BASE + DECODED_SIZE + 0x3fff) & ~0x3fff;
export const PAGE_STRIDE: u32 = 0x4000;
export const PAGE_COUNT: u32 = 2048;
export const PAGES_SIZE: u32 = PAGE_STRIDE * PAGE_COUNT;

export const PPC_END: u32 = PAGES_BASE + PAGES_SIZE;
