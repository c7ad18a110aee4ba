// SPDX-License-Identifier: MIT
//
// What the ARM core keeps in its part of the memory, after what every core has (core/common/layout.ts).
import { TLB_BANK_SIZE } from '../common/data-tlb';
import { CORE_BASE } from '../common/layout';

/**
 * For each class of instruction words the row (u16) of a decode table to begin searching at, plus 1; 0 is not known
 * yet: ARM by bits 27-20 and 7-4, unconditional ARM likewise, 32-bit Thumb by bits 28-20 and 7-4, Thumb by bits 15-6.
 */
export const HINT_A32: u32 = CORE_BASE;
export const HINT_UNCONDITIONAL: u32 = HINT_A32 + 0x2000;
export const HINT_T32: u32 = HINT_UNCONDITIONAL + 0x2000;
export const HINT_T16: u32 = HINT_T32 + 0x4000;
export const HINT_SIZE: u32 = 0x8800;

/** Three banks of the data TLB: see tlb.ts. */
export const TLB_BASE: u32 = CORE_BASE + 0x9000;
export const TLB_SIZE: u32 = TLB_BANK_SIZE * 3;

/** One bit for each MiB of which translations larger than 4 KiB may be remembered. */
export const LARGE_BASE: u32 = TLB_BASE + TLB_SIZE;
export const LARGE_SIZE: u32 = 0x200;

/** Instruction translations, 8 bytes each: tag, decoded page. */
export const ITLB_BASE: u32 = LARGE_BASE + LARGE_SIZE;
export const ITLB_ENTRIES: u32 = 512;
export const ITLB_SIZE: u32 = ITLB_ENTRIES * 8;

/** For each page of this memory, the numbers (u16) of its decoded pages in ARM and in Thumb state, or 0. */
export const DECODED_BASE: u32 = ITLB_BASE + ITLB_SIZE;
export const DECODED_SIZE: u32 = 0x0040_0000;

/**
 * Decoded pages: 8 bytes for each word (ARM) or halfword (Thumb) of the page and one entry that ends it, then what is
 * known of the page. Page 0 is the scratch page for single steps; its entries may go on beyond the page's end.
 */
export const PAGES_BASE: u32 = (DECODED_BASE + DECODED_SIZE + 0x7fff) & ~0x7fff;
export const PAGE_STRIDE: u32 = 0x8000;
export const PAGE_COUNT: u32 = 1024;
export const PAGES_SIZE: u32 = PAGE_STRIDE * PAGE_COUNT;

export const ARM_END: u32 = PAGES_BASE + PAGES_SIZE;
