// SPDX-License-Identifier: MIT
import { type PlainFields, SavedFields } from '../../backplane/device.ts';
import { Claims } from './claims.ts';
import { ForthThrow, THROW } from './errors.ts';
import { integers } from './saved.ts';

const ALIGN = 16;

/** alloc-mem: pieces of the firmware's own memory, then of unclaimed memory. */
export class Heap {
  readonly #own: Claims;
  readonly #sizes = new Map<number, { readonly size: number; readonly from: Claims }>();
  readonly #more: Claims;

  constructor(pa: number, bytes: number, more: Claims) {
    this.#own = new Claims([{ start: pa, size: bytes }]);
    this.#more = more;
  }

  alloc(bytes: number): number {
    const size = Math.max(ALIGN, (bytes + ALIGN - 1) & ~(ALIGN - 1));
    for (const [from, align, room] of [
      [this.#own, ALIGN, size],
      [this.#more, 0x1000, (size + 0xfff) & ~0xfff],
    ] as const) {
      const pa = bytes < 0x4000_0000 ? from.allocate(room, align) : -1;
      if (pa >= 0) {
        this.#sizes.set(pa, { size: room, from });
        return pa;
      }
    }
    throw new ForthThrow(THROW.outOfMemory);
  }

  /** Gives a piece back; an address that `alloc` never gave is ignored. */
  free(pa: number): void {
    const piece = this.#sizes.get(pa >>> 0);
    if (piece === undefined) return;
    this.#sizes.delete(pa >>> 0);
    piece.from.release(pa >>> 0, piece.size);
  }

  save(): PlainFields {
    const pieces = [...this.#sizes].flatMap(([pa, { size, from }]) => [pa, size, from === this.#own ? 0 : 1]);
    return { own: this.#own.save(), pieces };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields('firmware.heap', state);
    this.#own.restore(saved.list('own', 2 * Claims.MAX_RANGES));
    const pieces = integers(saved.list('pieces', 1 << 20));
    this.#sizes.clear();
    for (let i = 0; i + 2 < pieces.length; i += 3) {
      this.#sizes.set(pieces[i]!, { size: pieces[i + 1]!, from: pieces[i + 2] === 0 ? this.#own : this.#more });
    }
  }
}
