// SPDX-License-Identifier: MIT
import type { BlockDevice } from '../backplane/host.ts';

/** Random access to the bytes of an image, wherever the host keeps them. */
export interface ByteStore {
  readonly size: number;
  readonly readonly: boolean;
  /** What the user calls it, for messages. */
  readonly title: string;
  /** Fills `into` from `offset`; what lies beyond the end reads as zero. Throws `MediumError` when the host fails. */
  read(offset: number, into: Uint8Array): void;
  /** Writing beyond the end makes the store longer. */
  write(offset: number, from: Uint8Array): void;
  /** All earlier writes are safe when it returns. */
  flush(): void;
}

/** An image that is not what it was said to be; the message says what was expected and what was found. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  /** What the user can do about it. */
  readonly advice: string;

  constructor(message: string, advice = 'give another file or delete that one') {
    super(message);
    this.advice = advice;
  }
}

/** Bytes in memory: decompressed images and tests. */
export class MemoryStore implements ByteStore {
  readonly title: string;
  readonly readonly: boolean;
  #bytes: Uint8Array;

  constructor(bytes: Uint8Array, title = 'memory', readonly = false) {
    this.#bytes = bytes;
    this.title = title;
    this.readonly = readonly;
  }

  get size(): number {
    return this.#bytes.length;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  read(offset: number, into: Uint8Array): void {
    const available = this.#bytes.subarray(offset, offset + into.length);
    into.set(available);
    into.fill(0, available.length);
  }

  write(offset: number, from: Uint8Array): void {
    const end = offset + from.length;
    if (end > this.#bytes.length) {
      const longer = new Uint8Array(end);
      longer.set(this.#bytes);
      this.#bytes = longer;
    }
    this.#bytes.set(from, offset);
  }

  flush(): void {}
}

/** The device models check what guests ask for; an access outside the medium here is our own bug. */
export function assertBlocks(device: BlockDevice, first: number, bytes: number): void {
  const blocks = bytes / device.blockBytes;
  if (!Number.isInteger(blocks) || !Number.isInteger(first) || first < 0 || first + blocks > device.blockCount) {
    throw new RangeError(`${device.title}: ${bytes} bytes at block ${first} of ${device.blockCount}`);
  }
}
