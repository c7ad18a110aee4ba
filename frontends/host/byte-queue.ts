// SPDX-License-Identifier: MIT

/** Bytes waiting for somebody who may never come: at most `limit`, the oldest go first. */
export class ByteQueue {
  readonly #limit: number;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;
  /** Bytes lost so far. */
  dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes.slice());
    this.#length += bytes.length;
    while (this.#length > this.#limit) {
      const excess = this.#length - this.#limit;
      const first = this.#chunks[0]!;
      const lost = Math.min(excess, first.length);
      if (lost === first.length) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(lost);
      this.#length -= lost;
      this.dropped += lost;
    }
  }

  /** Everything waiting, in one piece. */
  take(): Uint8Array {
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    this.#chunks.length = 0;
    this.#length = 0;
    return all;
  }
}
