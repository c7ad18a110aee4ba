// SPDX-License-Identifier: MIT
//
// Reads the characters of a text console from a picture of it, given the console's font; and learns a font from a
// picture of text that is known.
import type { Picture, Screen } from '../../backplane/host.ts';

export interface Glyph {
  readonly char: string;
  /** One number a row from the top; the leftmost pixel is the highest of `width` bits. */
  readonly rows: readonly number[];
}

export interface BitmapFont {
  /** At most 32. */
  readonly width: number;
  readonly height: number;
  /** A character may have several glyphs. */
  readonly glyphs: readonly Glyph[];
}

/** A font whose glyphs are given by character code: printable ASCII unless told otherwise. */
export function fontFrom(
  width: number,
  height: number,
  rowsOf: (code: number) => ArrayLike<number>,
  codes: Iterable<number> = Array.from({ length: 95 }, (_, i) => 32 + i),
): BitmapFont {
  const glyphs = Array.from(codes, (code) => ({
    char: String.fromCodePoint(code),
    rows: Array.from({ length: height }, (_, y) => rowsOf(code)[y] ?? 0),
  }));
  return { width, height, glyphs };
}

/** Where the first cell is, in pixels from the left and the top. */
export interface GridOrigin {
  readonly left: number;
  readonly top: number;
}

/** What stands for a cell that shows something the font does not have. */
export const UNREADABLE = '\ufffd';

const TOP_LEFT: GridOrigin = { left: 0, top: 0 };

/**
 * The text in a picture, a string a row without trailing spaces. Each cell may have any two colours, either of them
 * the background, and may be under a cursor that inverts it or fills some of its rows.
 */
export function textOf(picture: Picture, font: BitmapFont, origin: GridOrigin = TOP_LEFT): string[] {
  const reader = new CellReader(picture, font.width, font.height, origin);
  const index = indexOf(font);
  const lines: string[] = [];
  for (let row = 0; row < reader.rows; row++) {
    let line = '';
    for (let column = 0; column < reader.columns; column++) line += charOf(reader.cell(column, row), font, index);
    lines.push(line.trimEnd());
  }
  return lines;
}

/** The same screen, whose text is read from its picture where the adapter cannot tell. */
export const withFont = (screen: Screen, font: BitmapFont, origin: GridOrigin = TOP_LEFT): Screen => ({
  picture: () => screen.picture(),
  mode: () => screen.mode?.(),
  damage: () => screen.damage?.() ?? [],
  text: () => {
    const text = screen.text?.();
    if (text !== undefined) return text;
    const picture = screen.picture();
    return picture && textOf(picture, font, origin);
  },
});

/** Collects glyphs from pictures whose text is known. */
export class FontLearner {
  readonly width: number;
  readonly height: number;
  readonly #glyphs = new Map<string, Glyph>();

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
  }

  get font(): BitmapFont {
    return { width: this.width, height: this.height, glyphs: [...this.#glyphs.values()] };
  }

  /**
   * Learns from a picture that shows `lines`, the first of them at `origin`. Throws a RangeError when that cannot be
   * the text: a glyph would be two characters, or a character has nothing to see.
   */
  learn(picture: Picture, lines: readonly string[], origin: GridOrigin = TOP_LEFT): void {
    const reader = new CellReader(picture, this.width, this.height, origin);
    const learned = new Map<string, Glyph>();
    lines.forEach((line, row) => {
      [...line].forEach((char, column) => {
        const where = `"${char}" in row ${row}, column ${column}`;
        if (column >= reader.columns || row >= reader.rows) throw new RangeError(`${where} is outside the picture`);
        const cell = reader.cell(column, row);
        if (char === ' ') {
          if (cell !== 'blank') throw new RangeError(`there is something to see at ${where}`);
          return;
        }
        if (typeof cell === 'string') throw new RangeError(`there is no glyph at ${where}`);
        const key = cell.join();
        const known = learned.get(key) ?? this.#glyphs.get(key);
        if (known !== undefined && known.char !== char) {
          throw new RangeError(`${where} looks the same as "${known.char}"`);
        }
        learned.set(key, { char, rows: cell });
      });
    });
    for (const [key, glyph] of learned) this.#glyphs.set(key, glyph);
  }
}

/** Rows of bits, one for every pixel that is not of the background; or why there are none. */
type Cell = number[] | 'blank' | 'colorful';

/** Cuts a picture into cells of one or two colours. */
class CellReader {
  readonly columns: number;
  readonly rows: number;
  readonly #pixels: Uint32Array;
  readonly #stride: number;
  readonly #width: number;
  readonly #height: number;
  readonly #origin: GridOrigin;
  readonly #background: number;

  constructor(picture: Picture, width: number, height: number, origin: GridOrigin) {
    if (!(width >= 1 && width <= 32 && height >= 1)) throw new RangeError(`a font of ${width} × ${height}`);
    const { rgba } = picture;
    const aligned = rgba.byteOffset % 4 === 0 ? rgba : rgba.slice();
    this.#pixels = new Uint32Array(aligned.buffer, aligned.byteOffset, picture.width * picture.height);
    this.#stride = picture.width;
    this.#width = width;
    this.#height = height;
    this.#origin = origin;
    this.columns = Math.max(0, Math.floor((picture.width - origin.left) / width));
    this.rows = Math.max(0, Math.floor((picture.height - origin.top) / height));
    this.#background = this.#commonest();
  }

  cell(column: number, row: number): Cell {
    const first = (this.#origin.top + row * this.#height) * this.#stride + this.#origin.left + column * this.#width;
    const pixels = this.#pixels;
    const one = pixels[first]!;
    let other = one;
    const bits: number[] = [];
    for (let y = 0; y < this.#height; y++) {
      let line = 0;
      const at = first + y * this.#stride;
      for (let x = 0; x < this.#width; x++) {
        const color = pixels[at + x]!;
        line <<= 1;
        if (color === one) continue;
        if (other === one) other = color;
        else if (color !== other) return 'colorful';
        line |= 1;
      }
      bits.push(line >>> 0);
    }
    if (other === one) return 'blank';
    return other === this.#background ? complement(bits, this.#width) : bits;
  }

  /** The colour of most pixels, of a sample in every cell's corner. */
  #commonest(): number {
    const counts = new Map<number, number>();
    for (let at = 0; at < this.#pixels.length; at += 7) {
      const color = this.#pixels[at]!;
      counts.set(color, (counts.get(color) ?? 0) + 1);
    }
    let best = 0;
    let most = -1;
    for (const [color, count] of counts) {
      if (count > most) {
        most = count;
        best = color;
      }
    }
    return best;
  }
}

const fullRow = (width: number): number => (width === 32 ? 0xffff_ffff : (1 << width) - 1);
const complement = (rows: readonly number[], width: number): number[] =>
  rows.map((row) => (~row & fullRow(width)) >>> 0);

const indexes = new WeakMap<BitmapFont, ReadonlyMap<string, string>>();

function indexOf(font: BitmapFont): ReadonlyMap<string, string> {
  let index = indexes.get(font);
  if (index === undefined) {
    index = new Map(font.glyphs.map(({ char, rows }) => [rows.join(), char]));
    indexes.set(font, index);
  }
  return index;
}

function charOf(cell: Cell, font: BitmapFont, index: ReadonlyMap<string, string>): string {
  if (cell === 'blank') return ' ';
  if (cell === 'colorful') return UNREADABLE;
  const inverse = complement(cell, font.width);
  const exact = index.get(cell.join()) ?? index.get(inverse.join());
  return exact ?? underCursor(cell, font) ?? underCursor(inverse, font) ?? UNREADABLE;
}

/** The character whose glyph is right in all rows but those that a cursor has filled. */
function underCursor(cell: readonly number[], font: BitmapFont): string | undefined {
  const full = fullRow(font.width);
  const filled = cell.map((row) => row === full);
  if (!filled.includes(true) || !filled.includes(false)) return undefined;
  const fits = (rows: readonly number[]): boolean => cell.every((row, y) => filled[y] === true || row === rows[y]);
  if (fits(cell.map(() => 0))) return ' ';
  return font.glyphs.find(({ rows }) => fits(rows))?.char;
}
