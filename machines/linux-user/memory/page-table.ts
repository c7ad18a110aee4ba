// SPDX-License-Identifier: MIT
//
// The kernel's side of the page tables the core walks; their layout is drawn in core/ia64/page-table.ts, and the
// numbers below repeat that file (test/unit/linux-user/page-table.test.ts compares them with the module's exports).
import { PAGE_SIZE, REGION_SPAN } from './address.ts';
import type { PagePool } from './page-pool.ts';

export const SPACE_GENERATION = 0x0800;
export const SPACE_CODE_GENERATION = 0x0804;

export const PTE_VALID = 0x0001;
export const PTE_READ = 0x0002;
export const PTE_WRITE = 0x0004;
export const PTE_EXEC = 0x0008;
export const PTE_NAT = 0x0010;
export const PTE_FLAGS = PAGE_SIZE - 1;

const TABLE_SPAN = 4096 * PAGE_SIZE; // what one leaf table maps
const ROOT_SPAN = 4096 * TABLE_SPAN;
const ROOTS_PER_REGION = 64;

export class PageTable {
  readonly #pool: PagePool;
  /** Address of the page with the roots: what a CPU area holds. */
  readonly space: number;
  readonly #tables: number[];

  /** Throws RangeError when memory is full. */
  constructor(pool: PagePool) {
    this.#pool = pool;
    this.space = this.#page();
    this.#tables = [this.space];
  }

  #page(): number {
    const page = this.#pool.allocate();
    if (page === 0) throw new RangeError('no memory for a page table');
    return page;
  }

  /** Address of the leaf word of `va`, or 0 where there is no table and `create` is false. */
  slot(va: number, create: boolean): number {
    const region = Math.floor(va / REGION_SPAN);
    const offset = va - region * REGION_SPAN;
    const rootIndex = Math.floor(offset / ROOT_SPAN);
    const middle = this.#next(this.space + (region * ROOTS_PER_REGION + rootIndex) * 4, create);
    if (middle === 0) return 0;
    const leaf = this.#next(middle + Math.floor((offset % ROOT_SPAN) / TABLE_SPAN) * 4, create);
    if (leaf === 0) return 0;
    return leaf + Math.floor((offset % TABLE_SPAN) / PAGE_SIZE) * 4;
  }

  #next(slot: number, create: boolean): number {
    const word = this.#pool.words[slot >>> 2]!;
    if (word !== 0) return (word & ~PTE_FLAGS) >>> 0;
    if (!create) return 0;
    const page = this.#page();
    this.#tables.push(page);
    this.#pool.storeWord(slot, page | PTE_VALID);
    return page;
  }

  get(va: number): number {
    const slot = this.slot(va, false);
    return slot === 0 ? 0 : this.#pool.words[slot >>> 2]!;
  }

  set(va: number, word: number): void {
    this.#pool.storeWord(this.slot(va, true), word);
  }

  /** Visits every valid leaf word between two addresses; a result other than undefined replaces the word. */
  forEach(start: number, end: number, visit: (va: number, word: number) => number | undefined): void {
    const { words } = this.#pool;
    let va = start;
    while (va < end) {
      const slot = this.slot(va, false);
      const tableEnd = Math.min(end, va - ((va % REGION_SPAN) % TABLE_SPAN) + TABLE_SPAN);
      if (slot !== 0) {
        for (let at = slot; va < tableEnd; at += 4, va += PAGE_SIZE) {
          const word = words[at >>> 2]!;
          if (word === 0) continue;
          const next = visit(va, word);
          if (next !== undefined) this.#pool.storeWord(at, next);
        }
      }
      va = tableEnd;
    }
  }

  /** Rights were taken away, or words replaced. */
  bump(counter: number = SPACE_GENERATION): void {
    this.#pool.addWord(this.space + counter, 1);
  }

  /** Gives the tables' own pages back. */
  free(): void {
    for (const page of this.#tables) this.#pool.release(page);
    this.#tables.length = 0;
  }
}
