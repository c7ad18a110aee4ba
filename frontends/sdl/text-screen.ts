// SPDX-License-Identifier: MIT
import { glyph, GLYPH_HEIGHT, GLYPH_WIDTH } from '../../machines/firmware/font.ts';
import type { Size } from '../sdl2-gles/index.ts';

/** The sixteen colours of text terminals, 0xrrggbb. */
const COLORS = [
  0x00_0000, 0xaa_0000, 0x00_aa00, 0xaa_5500, 0x00_00aa, 0xaa_00aa, 0x00_aaaa, 0xcc_cccc, 0x55_5555, 0xff_5555,
  0x55_ff55, 0xff_ff55, 0x55_55ff, 0xff_55ff, 0x55_ffff, 0xff_ffff,
];
export const FOREGROUND = 7;
export const BACKGROUND = 0;
const BACKGROUND_ALPHA = 0xf0;

/** Characters in rows and columns, each with two of the sixteen colours. */
export class TextScreen {
  readonly columns: number;
  readonly rows: number;
  readonly #codes: Uint32Array;
  readonly #colors: Uint8Array;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
    this.#codes = new Uint32Array(columns * rows).fill(0x20);
    this.#colors = new Uint8Array(columns * rows).fill(FOREGROUND);
  }

  /** In pixels, when painted. */
  get size(): Size {
    return { width: this.columns * GLYPH_WIDTH, height: this.rows * GLYPH_HEIGHT };
  }

  put(column: number, row: number, code: number, foreground = FOREGROUND, background = BACKGROUND): void {
    const at = row * this.columns + column;
    this.#codes[at] = code;
    this.#colors[at] = foreground | (background << 4);
  }

  write(column: number, row: number, text: string, foreground = FOREGROUND, background = BACKGROUND): void {
    const room = [...text].slice(0, Math.max(0, this.columns - column));
    room.forEach((character, i) => this.put(column + i, row, character.codePointAt(0)!, foreground, background));
  }

  /** A part of a row is blank again. */
  clear(row: number, from = 0, to = this.columns, background = BACKGROUND): void {
    const at = row * this.columns;
    this.#codes.fill(0x20, at + from, at + to);
    this.#colors.fill(FOREGROUND | (background << 4), at + from, at + to);
  }

  /** Rows from `top` to before `bottom` move up by one (or down); the one that comes in is blank. */
  scroll(top: number, bottom: number, up: boolean): void {
    const { columns } = this;
    const [target, from, to] = up
      ? [top * columns, (top + 1) * columns, bottom * columns]
      : [(top + 1) * columns, top * columns, (bottom - 1) * columns];
    this.#codes.copyWithin(target, from, to);
    this.#colors.copyWithin(target, from, to);
    this.clear(up ? bottom - 1 : top);
  }

  /** All rows of a screen of the same width, from a row on. */
  copyRows(other: TextScreen, row: number): void {
    this.#codes.set(other.#codes, row * this.columns);
    this.#colors.set(other.#colors, row * this.columns);
  }

  /** The characters of a row, without spaces at its end. */
  text(row: number): string {
    const codes = this.#codes.subarray(row * this.columns, (row + 1) * this.columns);
    return String.fromCodePoint(...codes).trimEnd();
  }

  /** Swaps the colours of one character. */
  invert(column: number, row: number): void {
    const at = row * this.columns + column;
    const colors = this.#colors[at]!;
    this.#colors[at] = (colors >>> 4) | ((colors & 15) << 4);
  }

  /** As red, green, blue and opacity, line after line. */
  paint(): Uint8Array {
    const { width, height } = this.size;
    const pixels = new Uint8Array(width * height * 4);
    const view = new DataView(pixels.buffer);
    for (let at = 0; at < this.#codes.length; at++) {
      const lines = glyph(this.#codes[at]!);
      const colors = this.#colors[at]!;
      const on = ((COLORS[colors & 15]! << 8) | 0xff) >>> 0;
      const background = colors >>> 4;
      const off = ((COLORS[background]! << 8) | (background === BACKGROUND ? BACKGROUND_ALPHA : 0xff)) >>> 0;
      const left = (at % this.columns) * GLYPH_WIDTH;
      const top = Math.floor(at / this.columns) * GLYPH_HEIGHT;
      for (let line = 0; line < GLYPH_HEIGHT; line++) {
        const bits = lines[line]!;
        let offset = ((top + line) * width + left) * 4;
        for (let mask = 0x80; mask !== 0; mask >>>= 1, offset += 4) view.setUint32(offset, bits & mask ? on : off);
      }
    }
    return pixels;
  }
}
