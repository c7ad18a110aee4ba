// SPDX-License-Identifier: MIT
//
// What mappings of a file, or shared anonymous memory, have in common: pages by index. Two mappings of one file share
// them, in one process or several; read() and write() on the file keep them true (see PageCache.beforeRead, afterWrite).
import { PAGE_SIZE } from './address.ts';
import type { PagePool } from './page-pool.ts';

/** What a mapping needs of an open file. Negative numbers are errors. */
export interface Mappable {
  readAt(bytes: Uint8Array, position: number): number;
  writeAt(bytes: Uint8Array, position: number): number;
  size(): number;
  /** Mappings keep the file open after the descriptor is closed. */
  retain(): void;
  release(): void;
}

export class SharedPages {
  readonly #pages = new Map<number, number>();
  readonly #dirty = new Set<number>();
  readonly #pool: PagePool;
  readonly #onUnused: () => void;
  #users = 0;
  #sizeLimit = Infinity;
  readonly file: Mappable | undefined;

  constructor(pool: PagePool, file?: Mappable, onUnused: () => void = () => {}) {
    this.#pool = pool;
    this.file = file;
    this.#onUnused = onUnused;
    file?.retain();
  }

  /** Anonymous memory ends at its size; a file at its own. */
  set sizeLimit(bytes: number) {
    this.#sizeLimit = bytes;
  }

  /** How many mappings, and others, use it. */
  get users(): number {
    return this.#users;
  }

  use(): void {
    this.#users++;
  }

  unuse(): void {
    if (--this.#users > 0) return;
    this.flush();
    for (const page of this.#pages.values()) this.#pool.release(page);
    this.#pages.clear();
    this.#onUnused();
    this.file?.release();
  }

  /** The page, without a reference of its own; 0 when memory is full, -1 beyond the end of the file. */
  page(index: number): number {
    const cached = this.#pages.get(index);
    if (this.file === undefined) {
      if (cached !== undefined) return cached;
      if (index * PAGE_SIZE >= this.#sizeLimit) return -1;
      const page = this.#pool.allocate();
      if (page !== 0) this.#pages.set(index, page);
      return page;
    }
    if (index * PAGE_SIZE >= this.file.size()) return -1;
    if (cached !== undefined) return cached;
    const page = this.#pool.allocate();
    if (page === 0) return 0;
    this.#fill(page, index);
    this.#pages.set(index, page);
    return page;
  }

  #fill(page: number, index: number): void {
    const bytes = this.#pool.bytes.subarray(page, page + PAGE_SIZE);
    let done = 0;
    while (done < PAGE_SIZE) {
      const got = this.file!.readAt(bytes.subarray(done), index * PAGE_SIZE + done);
      if (got <= 0) break;
      done += got;
    }
    bytes.fill(0, done);
  }

  /** The page is about to become writable in a shared mapping. */
  markDirty(index: number): void {
    if (this.file !== undefined) this.#dirty.add(index);
  }

  get hasDirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** Writes changed pages back; they stay in the list, for they may change again while they are mapped. */
  flush(first = 0, last = Infinity): void {
    if (this.#dirty.size === 0 || this.file === undefined) return;
    const size = this.file.size();
    for (const index of this.#dirty) {
      if (index < first || index > last) continue;
      const page = this.#pages.get(index);
      const length = Math.min(PAGE_SIZE, size - index * PAGE_SIZE);
      if (page !== undefined && length > 0) {
        this.file.writeAt(this.#pool.bytes.subarray(page, page + length), index * PAGE_SIZE);
      }
    }
  }

  /** The file changed between the two positions: pages in memory take over what it holds now. */
  reload(from: number, to: number): void {
    const first = Math.floor(from / PAGE_SIZE);
    const last = Math.floor(to / PAGE_SIZE);
    for (const [index, page] of this.#pages) if (index >= first && index <= last) this.#fill(page, index);
  }
}

/** The files that are mapped now, by identity (device and inode). */
export class PageCache {
  readonly #files = new Map<string, SharedPages>();
  readonly #pool: PagePool;

  constructor(pool: PagePool) {
    this.#pool = pool;
  }

  open(identity: string, file: Mappable): SharedPages {
    let pages = this.#files.get(identity);
    if (pages === undefined) {
      pages = new SharedPages(this.#pool, file, () => this.#files.delete(identity));
      this.#files.set(identity, pages);
    }
    return pages;
  }

  anonymous(bytes: number): SharedPages {
    const pages = new SharedPages(this.#pool);
    pages.sizeLimit = bytes;
    return pages;
  }

  get isEmpty(): boolean {
    return this.#files.size === 0;
  }

  beforeRead(identity: string | undefined): void {
    if (identity !== undefined) this.#files.get(identity)?.flush();
  }

  afterWrite(identity: string | undefined, from: number, to: number): void {
    if (identity !== undefined) this.#files.get(identity)?.reload(from, to);
  }

  flushAll(): void {
    for (const pages of this.#files.values()) pages.flush();
  }
}
