// SPDX-License-Identifier: MIT
//
// Virtual addresses as numbers. Of the 64 bits of an IA-64 address only the region (63-61) and 44 bits in it exist for
// a program, which is 47 bits: they fit a JavaScript number, packed together as region × 2^44 + offset. `BAD_VA` stands
// for every address outside that; nothing is ever mapped there.

export const PAGE_SHIFT = 14;
export const PAGE_SIZE = 1 << PAGE_SHIFT;
export const REGION_SPAN = 2 ** 44;
/** The last page of each region is never mapped. */
export const REGION_LIMIT = REGION_SPAN - PAGE_SIZE;
/** Programs have regions 0-4; region 5 holds the gate page. */
export const TASK_SIZE = 5 * REGION_SPAN;
export const BAD_VA = 16 * REGION_SPAN;

export const vaOf = (low: number, high: number): number =>
  (high & 0x1fff_f000) !== 0 ? BAD_VA : (high >>> 29) * REGION_SPAN + (high & 0xfff) * 0x1_0000_0000 + (low >>> 0);

export const vaFromBig = (address: bigint): number =>
  vaOf(Number(address & 0xffff_ffffn), Number((address >> 32n) & 0xffff_ffffn));

/** The full 64-bit address. */
export function vaToBig(va: number): bigint {
  const region = Math.floor(va / REGION_SPAN);
  return (BigInt(region) << 61n) | BigInt(va - region * REGION_SPAN);
}

export const regionOffset = (va: number): number => va % REGION_SPAN;
export const pageFloor = (va: number): number => va - (va % PAGE_SIZE);
export const pageCeil = (va: number): number => Math.ceil(va / PAGE_SIZE) * PAGE_SIZE;
export const formatVa = (va: number): string => (va >= BAD_VA ? '(bad)' : `0x${vaToBig(va).toString(16)}`);
