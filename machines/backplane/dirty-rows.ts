// SPDX-License-Identifier: MIT
import type { ScreenMode, ScreenRect } from './host.ts';
import { PAGE_BYTES } from './memory.ts';
import { lineBytesOf } from './pixels.ts';

/**
 * The rows of a linear mode that lie on written pages, as runs. `pages` are in order, numbered from the beginning of
 * the block, which is at `blockOffset` of the shared memory.
 */
export function dirtyRows(pages: readonly number[], mode: ScreenMode, blockOffset: number): ScreenRect[] {
  const start = mode.offset - blockOffset;
  const lineBytes = lineBytesOf(mode);
  const runs: { first: number; last: number }[] = [];
  for (const page of pages) {
    const from = page * PAGE_BYTES - start;
    // The first line that ends beyond the page's first byte, and the last that begins before its end.
    const first = Math.max(0, Math.floor((from - lineBytes) / mode.stride) + 1);
    const last = Math.min(mode.height - 1, Math.floor((from + PAGE_BYTES - 1) / mode.stride));
    if (first > last) continue;
    const previous = runs.at(-1);
    if (previous !== undefined && first <= previous.last + 1) previous.last = Math.max(previous.last, last);
    else runs.push({ first, last });
  }
  return runs.map(({ first, last }) => ({ x: 0, y: first, width: mode.width, height: last - first + 1 }));
}
