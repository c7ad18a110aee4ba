// SPDX-License-Identifier: MIT

/** A word of physical memory. */
export interface PhysicalWords {
  word(pa: number): number;
  setWord(pa: number, value: number): void;
}

export interface PageEntry {
  readonly vsid: number;
  /** Any effective address in the page. */
  readonly va: number;
  readonly pa: number;
  readonly pp: number;
  readonly wimg?: number;
  readonly referenced?: boolean;
  readonly changed?: boolean;
  /** Put it into the secondary group. */
  readonly secondary?: boolean;
  readonly slot?: number;
  readonly valid?: boolean;
}

export const PTE_R = 0x100;
export const PTE_C = 0x80;

/** Hashed page table [PEM 7.6.1], built the slow and plain way. */
export class PageTable {
  readonly #memory: PhysicalWords;
  readonly #origin: number;
  readonly #mask: number;

  /** `size` is a power of two of at least 64 KiB; `origin` is a multiple of it. */
  constructor(memory: PhysicalWords, origin: number, size = 0x1_0000) {
    this.#memory = memory;
    this.#origin = origin;
    this.#mask = (size >>> 16) - 1;
    for (let offset = 0; offset < size; offset += 4) memory.setWord(origin + offset, 0);
  }

  get sdr1(): number {
    return (this.#origin | this.#mask) >>> 0;
  }

  /** Physical address of the group where `va` of segment `vsid` belongs. */
  group(vsid: number, va: number, secondary = false): number {
    let hash = (vsid & 0x7_ffff) ^ ((va >>> 12) & 0xffff);
    if (secondary) hash = ~hash & 0x7_ffff;
    const upper = (this.#origin >>> 16) | ((hash >>> 10) & this.#mask);
    return ((upper << 16) | ((hash & 0x3ff) << 6)) >>> 0;
  }

  static word0({ vsid, va, secondary = false, valid = true }: PageEntry): number {
    return ((valid ? 0x8000_0000 : 0) | (vsid << 7) | (secondary ? 0x40 : 0) | ((va >>> 22) & 0x3f)) >>> 0;
  }

  static word1({ pa, pp, wimg = 0, referenced = false, changed = false }: PageEntry): number {
    return ((pa & 0xffff_f000) | (referenced ? PTE_R : 0) | (changed ? PTE_C : 0) | (wimg << 3) | pp) >>> 0;
  }

  /** Writes the entry and returns its physical address. */
  map(entry: PageEntry): number {
    const pte = this.group(entry.vsid, entry.va, entry.secondary) + (entry.slot ?? 0) * 8;
    this.#memory.setWord(pte, PageTable.word0(entry));
    this.#memory.setWord(pte + 4, PageTable.word1(entry));
    return pte;
  }
}
