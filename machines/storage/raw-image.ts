// SPDX-License-Identifier: MIT
import { type BlockDevice, MediumError } from '../backplane/host.ts';
import { type ByteStore, assertBlocks } from './byte-store.ts';

/** An image that is the medium's blocks one after another. A partial last block reads as if padded with zeros. */
export class RawImage implements BlockDevice {
  readonly blockBytes: number;
  readonly blockCount: number;
  readonly readonly: boolean;
  readonly title: string;
  readonly #store: ByteStore;

  constructor(store: ByteStore, blockBytes = 512, readonly = store.readonly) {
    this.#store = store;
    this.blockBytes = blockBytes;
    this.blockCount = Math.ceil(store.size / blockBytes);
    this.readonly = readonly || store.readonly;
    this.title = store.title;
  }

  read(first: number, into: Uint8Array): void {
    assertBlocks(this, first, into.length);
    this.#store.read(first * this.blockBytes, into);
  }

  write(first: number, from: Uint8Array): void {
    assertBlocks(this, first, from.length);
    if (this.readonly) throw new MediumError(`${this.title}: opened read-only`);
    this.#store.write(first * this.blockBytes, from);
  }

  flush(): void {
    if (!this.readonly) this.#store.flush();
  }
}
