// SPDX-License-Identifier: MIT
import { type Plain, SnapshotError } from '../../backplane/device.ts';
import { integers } from './saved.ts';

export interface Range {
  readonly start: number;
  readonly size: number;
}

/** Which parts of an address space are free: sorted, disjoint, joined where they touch. */
export class Claims {
  #free: Range[];
  static readonly MAX_RANGES = 4096;

  constructor(free: readonly Range[]) {
    this.#free = free.filter((range) => range.size > 0).toSorted((a, b) => a.start - b.start);
  }

  get free(): readonly Range[] {
    return this.#free;
  }

  save(): number[] {
    return this.#free.flatMap((range) => [range.start, range.size]);
  }

  restore(state: readonly Plain[]): void {
    const numbers = integers(state);
    const free: Range[] = [];
    let end = -1;
    for (let i = 0; i + 1 < numbers.length; i += 2) {
      const [start, size] = [numbers[i]!, numbers[i + 1]!];
      if (start <= end || size <= 0 || start + size > 0x1_0000_0000) throw new SnapshotError('firmware: bad claims');
      free.push({ start, size });
      end = start + size;
    }
    this.#free = free;
  }

  /** Takes exactly [start, start + size); `false` when part of it is taken. */
  claim(start: number, size: number): boolean {
    if (size <= 0 || this.#free.length >= Claims.MAX_RANGES) return false;
    const at = this.#free.findIndex((range) => range.start <= start && start + size <= range.start + range.size);
    const range = this.#free[at];
    if (range === undefined) return false;
    const end = start + size;
    const rest = [
      { start: range.start, size: start - range.start },
      { start: end, size: range.start + range.size - end },
    ];
    this.#free.splice(at, 1, ...rest.filter((piece) => piece.size > 0));
    return true;
  }

  /** Takes `size` bytes at a multiple of `align` (a power of two), as high as possible; -1 when there is no room. */
  allocate(size: number, align: number): number {
    if (size <= 0) return -1;
    for (let i = this.#free.length - 1; i >= 0; i--) {
      const range = this.#free[i]!;
      const top = range.start + range.size - size;
      const start = top - (top % align);
      if (start >= range.start && this.claim(start, size)) return start;
    }
    return -1;
  }

  /** Gives [start, start + size) back; parts that are free already stay free. */
  release(start: number, size: number): void {
    if (size <= 0) return;
    let low = start;
    let high = start + size;
    const kept: Range[] = [];
    for (const range of this.#free) {
      if (range.start > high || range.start + range.size < low) {
        kept.push(range);
      } else {
        low = Math.min(low, range.start);
        high = Math.max(high, range.start + range.size);
      }
    }
    kept.push({ start: low, size: high - low });
    this.#free = kept.sort((a, b) => a.start - b.start);
  }
}
