// SPDX-License-Identifier: MIT
import { type BlockDevice, MediumError } from '../../machines/backplane/host.ts';

/** A medium in memory, which can be made to fail. */
export class MemoryMedium implements BlockDevice {
  readonly blockBytes = 512;
  readonly blockCount: number;
  readonly readonly: boolean;
  readonly title = 'memory';
  readonly bytes: Uint8Array;
  fails = false;

  constructor(bytes: number, readonly = false) {
    this.bytes = new Uint8Array(bytes);
    this.blockCount = bytes / 512;
    this.readonly = readonly;
  }

  #range(first: number, length: number): void {
    if (this.fails) throw new MediumError('memory: broken');
    const end = first * 512 + length;
    if (length % 512 !== 0 || first < 0 || end > this.bytes.length) throw new RangeError(`${first}: ${length} bytes`);
  }

  read(first: number, into: Uint8Array): void {
    this.#range(first, into.length);
    into.set(this.bytes.subarray(first * 512, first * 512 + into.length));
  }

  write(first: number, from: Uint8Array): void {
    this.#range(first, from.length);
    if (this.readonly) throw new MediumError('memory: read-only');
    this.bytes.set(from, first * 512);
  }

  flush(): void {}
}
