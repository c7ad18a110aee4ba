// SPDX-License-Identifier: MIT
//
// Smooth-edged shapes on a picture.

export type Color = readonly [red: number, green: number, blue: number];

/** How far a point is outside of a shape, in pixels; negative inside. */
type Distance = (x: number, y: number) => number;

/** Strokes of the few characters a board is labelled with, on a grid 4 wide and 6 high. */
const GLYPHS: Readonly<Record<string, readonly (readonly number[])[]>> = {
  A: [
    [0, 6, 2, 0, 4, 6],
    [0.8, 4, 3.2, 4],
  ],
  B: [[0, 3, 2.6, 3, 3.6, 3.8, 3.6, 5.2, 2.6, 6, 0, 6, 0, 0, 2.4, 0, 3.3, 0.8, 3.3, 2.2, 2.4, 3]],
  D: [[0, 0, 0, 6, 2.2, 6, 4, 4.4, 4, 1.6, 2.2, 0, 0, 0]],
  G: [[4, 1.2, 2.8, 0, 1.2, 0, 0, 1.4, 0, 4.6, 1.2, 6, 2.8, 6, 4, 4.8, 4, 3.2, 2.4, 3.2]],
  N: [[0, 6, 0, 0, 4, 6, 4, 0]],
  V: [[0, 0, 2, 6, 4, 0]],
  0: [[1.2, 0, 2.8, 0, 4, 1.4, 4, 4.6, 2.8, 6, 1.2, 6, 0, 4.6, 0, 1.4, 1.2, 0]],
  1: [
    [0.8, 1.2, 2.2, 0, 2.2, 6],
    [0.8, 6, 3.6, 6],
  ],
  2: [[0, 1.2, 1, 0, 3, 0, 4, 1.2, 4, 2.2, 0, 6, 4, 6]],
  3: [[0, 0.9, 1, 0, 3, 0, 4, 1, 4, 2, 3, 2.9, 1.6, 2.9, 3, 2.9, 4, 3.9, 4, 5, 3, 6, 1, 6, 0, 5.1]],
};

export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;

  constructor(width: number, height: number, rgba = new Uint8Array(width * height * 4).fill(255)) {
    this.width = width;
    this.height = height;
    this.rgba = rgba;
  }

  copy(): Canvas {
    return new Canvas(this.width, this.height, this.rgba.slice());
  }

  /** Covers a pixel by `part` (0 to 1) with a colour. */
  #blend(at: number, [r, g, b]: Color, part: number): void {
    const { rgba } = this;
    rgba[at]! += (r - rgba[at]!) * part;
    rgba[at + 1]! += (g - rgba[at + 1]!) * part;
    rgba[at + 2]! += (b - rgba[at + 2]!) * part;
  }

  /** Draws where `part` of a pixel's middle is more than 0, within a rectangle. */
  shade(left: number, top: number, right: number, bottom: number, color: Color, part: Distance): void {
    for (let y = Math.max(0, Math.floor(top)); y < Math.min(this.height, Math.ceil(bottom)); y++) {
      for (let x = Math.max(0, Math.floor(left)); x < Math.min(this.width, Math.ceil(right)); x++) {
        const cover = part(x + 0.5, y + 0.5);
        if (cover > 0) this.#blend((y * this.width + x) * 4, color, Math.min(1, cover));
      }
    }
  }

  /** A rectangle with round corners, around its middle. */
  box(x: number, y: number, width: number, height: number, radius: number, color: Color): void {
    this.shade(x - width / 2, y - height / 2, x + width / 2, y + height / 2, color, (px, py) => {
      const dx = Math.abs(px - x) - width / 2 + radius;
      const dy = Math.abs(py - y) - height / 2 + radius;
      return 0.5 - (Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - radius);
    });
  }

  disc(x: number, y: number, radius: number, color: Color): void {
    this.box(x, y, radius * 2, radius * 2, radius, color);
  }

  line(x0: number, y0: number, x1: number, y1: number, thickness: number, color: Color): void {
    const half = thickness / 2 + 1;
    const length = Math.max(1e-6, (x1 - x0) ** 2 + (y1 - y0) ** 2);
    this.shade(
      Math.min(x0, x1) - half,
      Math.min(y0, y1) - half,
      Math.max(x0, x1) + half,
      Math.max(y0, y1) + half,
      color,
      (px, py) => {
        const along = Math.max(0, Math.min(1, ((px - x0) * (x1 - x0) + (py - y0) * (y1 - y0)) / length));
        return 0.5 + thickness / 2 - Math.hypot(px - x0 - along * (x1 - x0), py - y0 - along * (y1 - y0));
      },
    );
  }

  /** Characters of {@link GLYPHS} around a middle, `size` high. */
  text(x: number, y: number, size: number, text: string, color: Color): void {
    const unit = size / 6;
    const advance = 6 * unit;
    const left = x - ((text.length - 1) * advance) / 2 - 2 * unit;
    for (const [n, character] of [...text].entries()) {
      for (const stroke of GLYPHS[character] ?? []) {
        for (let i = 0; i + 3 < stroke.length; i += 2) {
          const at = (k: number): number =>
            k % 2 === 0 ? left + n * advance + stroke[i + k]! * unit : y - size / 2 + stroke[i + k]! * unit;
          this.line(at(0), at(1), at(2), at(3), Math.max(1.4, size / 7), color);
        }
      }
    }
  }
}
