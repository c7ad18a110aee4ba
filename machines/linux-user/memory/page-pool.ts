// SPDX-License-Identifier: MIT
//
// The pages of all guest processes: one stretch of the shared memory, cut into 16 KiB pages with reference counts.
// A page is named by its byte address. Only the kernel's thread allocates and releases.
import { PAGE_SHIFT, PAGE_SIZE } from './address.ts';

export class PagePool {
  /** The shared memory, as bytes and as words. */
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly #signed: Int32Array;
  readonly view: DataView;
  readonly #first: number;
  readonly #references: Int32Array;
  readonly #free: number[] = [];
  /** Pages from here on were never used and are zero. */
  #fresh = 0;

  constructor(buffer: SharedArrayBuffer | ArrayBuffer, firstByte: number, endByte: number) {
    this.bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
    this.#signed = new Int32Array(buffer);
    this.view = new DataView(buffer);
    this.#first = Math.ceil(firstByte / PAGE_SIZE);
    this.#references = new Int32Array(Math.floor(endByte / PAGE_SIZE) - this.#first);
  }

  get totalPages(): number {
    return this.#references.length;
  }

  get freePages(): number {
    return this.#references.length - this.#fresh + this.#free.length;
  }

  /** A page of zeroes with one reference, or 0 when there is none left. */
  allocate(): number {
    const recycled = this.#free.length > 0;
    const page = this.allocateDirty();
    if (recycled) this.bytes.fill(0, page, page + PAGE_SIZE);
    return page;
  }

  /** The same with undefined contents, for callers that fill it. */
  allocateDirty(): number {
    let index = this.#free.pop();
    if (index === undefined) {
      if (this.#fresh === this.#references.length) return 0;
      index = this.#fresh++;
    }
    this.#references[index] = 1;
    return ((this.#first + index) << PAGE_SHIFT) >>> 0;
  }

  references(page: number): number {
    return this.#references[(page >>> PAGE_SHIFT) - this.#first]!;
  }

  retain(page: number): void {
    this.#references[(page >>> PAGE_SHIFT) - this.#first]!++;
  }

  release(page: number): void {
    const index = (page >>> PAGE_SHIFT) - this.#first;
    const left = --this.#references[index]!;
    if (left === 0) this.#free.push(index);
    else if (left < 0) throw new Error(`page ${page.toString(16)} released too often`);
  }

  copyPage(from: number, to: number): void {
    this.bytes.copyWithin(to, from, from + PAGE_SIZE);
  }

  /** Writes one word so that other threads see it whole. */
  storeWord(address: number, value: number): void {
    Atomics.store(this.#signed, address >>> 2, value | 0);
  }

  addWord(address: number, value: number): void {
    Atomics.add(this.#signed, address >>> 2, value);
  }
}
