// SPDX-License-Identifier: MIT
//
// How an IA-64 user address space lies in the shared memory, and the walk the core does when its software TLB misses.
// machines/linux-user/address-space.ts builds these tables; it reads the numbers below from the module's exports.
//
// A virtual address has a region (bits 63-61) and 44 implemented bits in it, with 16 KiB pages:
//
//  63  61 60         44 43    38 37       26 25       14 13          0
//  ┌─────┬─────────────┬────────┬───────────┬───────────┬─────────────┐
//  │ rgn │ must be 0   │ root   │ middle    │ leaf      │ byte        │
//  └─────┴─────────────┴────────┴───────────┴───────────┴─────────────┘
//          8 regions × 64 roots   4096 words  4096 words
//
// Every table is one 16 KiB page of the pool. Each word is a host address, page-aligned, with flags in the low 14 bits;
// zero is "nothing here". The page that holds the roots is the address space itself; its address is what each CPU area
// of the space holds. Words change atomically, one at a time; whoever takes rights away bumps SPACE_GENERATION, sets
// the attention word of every CPU of the space, and waits until each has flushed its TLB or is outside guest code.

export const PAGE_SHIFT: u32 = 14;
export const PAGE_BYTES: u32 = 1 << PAGE_SHIFT;
const OFFSET: u32 = PAGE_BYTES - 1;

/** In the space's page: 8 × 64 words, then the words below. */
export const SPACE_ROOTS: u32 = 0x0000;
export const SPACE_ROOTS_SIZE: u32 = 0x0800;
/** Counts the times rights were taken away; a CPU whose own count differs flushes its TLB. */
export const SPACE_GENERATION: u32 = 0x0800;
/** Bumped when pages that may hold code were written from outside the space, or remapped: decoded code is stale. */
export const SPACE_CODE_GENERATION: u32 = 0x0804;

// Flags of a leaf word. A middle or root word has PAGE_VALID only.
export const PAGE_VALID: u32 = 0x0001;
export const PAGE_READ: u32 = 0x0002;
export const PAGE_WRITE: u32 = 0x0004;
export const PAGE_EXECUTE: u32 = 0x0008;
/** The NaT page: speculative loads from it give NaT, other accesses a NaT page consumption fault. */
export const PAGE_NAT: u32 = 0x0010;
/** epc in this page is a system call. */
export const PAGE_GATE: u32 = 0x0020;

/** The leaf word of `va`, or 0 where there is none. A page that is shared until it is written lacks PAGE_WRITE. */
export function walk(space: u32, va: u64): u32 {
  if (space == 0 || (va << 3) >> 47 != 0) return 0;
  const root: u32 = load<u32>(space + SPACE_ROOTS + ((<u32>(va >> 61) << 8) | (<u32>((va >> 38) & 0x3f) << 2)));
  if (root == 0) return 0;
  const middle: u32 = load<u32>((root & ~OFFSET) + (<u32>((va >> 26) & 0xfff) << 2));
  if (middle == 0) return 0;
  return load<u32>((middle & ~OFFSET) + (<u32>((va >> 14) & 0xfff) << 2));
}

/** Host address of the page of a leaf word. */
// @ts-ignore: decorator
@inline
export function hostOf(leaf: u32): u32 {
  return leaf & ~OFFSET;
}
