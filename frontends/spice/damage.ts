// SPDX-License-Identifier: MIT
import type { ScreenRect } from '../../machines/backplane/host.ts';

/** So many rectangles are kept apart; more become fewer, larger ones. */
const MAX_RECTS = 16;

const union = (a: ScreenRect, b: ScreenRect): ScreenRect => {
  const x = Math.min(a.x, b.x);
  const y = Math.min(a.y, b.y);
  return {
    x,
    y,
    width: Math.max(a.x + a.width, b.x + b.width) - x,
    height: Math.max(a.y + a.height, b.y + b.height) - y,
  };
};
const area = ({ width, height }: ScreenRect): number => width * height;

/** What one viewer has still to be shown. Bounded: it does not matter how often a part changes. */
export class Damage {
  #rects: ScreenRect[] = [];

  get empty(): boolean {
    return this.#rects.length === 0;
  }

  add(rect: ScreenRect): void {
    // Join what overlaps or touches without covering much that is undamaged.
    let joined = rect;
    const apart = this.#rects.filter((other) => {
      const both = union(joined, other);
      if (area(both) > area(joined) + area(other)) return true;
      joined = both;
      return false;
    });
    apart.push(joined);
    this.#rects = apart.length > MAX_RECTS ? [apart.reduce(union)] : apart;
  }

  clear(): void {
    this.#rects = [];
  }

  /** The next rectangle to show, at most `maxPixels` large (but at least one line). */
  take(maxPixels: number): ScreenRect | undefined {
    const rect = this.#rects.shift();
    if (rect === undefined || area(rect) <= maxPixels) return rect;
    const lines = Math.max(1, Math.floor(maxPixels / rect.width));
    this.#rects.unshift({ ...rect, y: rect.y + lines, height: rect.height - lines });
    return { ...rect, height: lines };
  }
}
