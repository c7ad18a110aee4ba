// SPDX-License-Identifier: MIT
//
// The terminal on the screen: the control sequences of ANSI X3.64 that IEEE 1275-1994 annex B asks for, drawn with the
// firmware's own font into a linear frame buffer.
import { type PlainFields, SavedFields } from '../../backplane/device.ts';
import { GLYPH_HEIGHT, GLYPH_WIDTH, glyph } from '../font.ts';
import type { FirmwareHost, FirmwareScreen } from './host.ts';
import { integers } from './saved.ts';

const TAB = 8;
const MAX_PARAMETER = 9999;

/** Black on white like its forebears; entries of the 8-bit palette, the first sixteen in their ANSI order. */
const FOREGROUND = 0;
const BACKGROUND = 15;

/** The sixteen colours, as red, green, blue. */
const COLORS: readonly (readonly [number, number, number])[] = [
  [0x00, 0x00, 0x00],
  [0xaa, 0x00, 0x00],
  [0x00, 0xaa, 0x00],
  [0xaa, 0x55, 0x00],
  [0x00, 0x00, 0xaa],
  [0xaa, 0x00, 0xaa],
  [0x00, 0xaa, 0xaa],
  [0xaa, 0xaa, 0xaa],
  [0x55, 0x55, 0x55],
  [0xff, 0x55, 0x55],
  [0x55, 0xff, 0x55],
  [0xff, 0xff, 0x55],
  [0x55, 0x55, 0xff],
  [0xff, 0x55, 0xff],
  [0x55, 0xff, 0xff],
  [0xff, 0xff, 0xff],
];

export class Terminal {
  readonly #host: FirmwareHost;
  readonly #screen: FirmwareScreen;
  readonly columns: number;
  readonly rows: number;
  readonly #left: number;
  readonly #top: number;
  readonly #palette: [number, number, number][];
  readonly #pixelBytes: 1 | 2 | 4;
  #row = 0;
  #column = 0;
  #foreground = FOREGROUND;
  #background = BACKGROUND;
  #bright = false;
  #inverse = false;
  /** The whole screen is inverse: ESC [ p and ESC [ q. */
  #screenInverse = false;
  #escape = '';
  #cursorShown = false;

  constructor(host: FirmwareHost, screen: FirmwareScreen) {
    this.#host = host;
    this.#screen = screen;
    this.columns = Math.max(1, Math.min(132, Math.floor(screen.width / GLYPH_WIDTH)));
    this.rows = Math.max(1, Math.floor(screen.height / GLYPH_HEIGHT));
    this.#left = Math.floor((screen.width - this.columns * GLYPH_WIDTH) / 2);
    this.#top = Math.floor((screen.height - this.rows * GLYPH_HEIGHT) / 2);
    this.#pixelBytes = screen.depth === 32 ? 4 : screen.depth === 8 ? 1 : 2;
    this.#palette = Array.from({ length: 256 }, (_, i) => [...(COLORS[i] ?? [i, i, i])]);
    this.reset();
  }

  /** Palette, attributes and an empty screen. */
  reset(): void {
    this.#palette.forEach(([red, green, blue], i) => this.#screen.setColor(i, red, green, blue));
    this.#attributes([0]);
    this.#screenInverse = false;
    this.fill(0, 0, this.#screen.width, this.#screen.height, this.#background);
    this.#row = 0;
    this.#column = 0;
    this.#cursorShown = false;
    this.#cursor(true);
  }

  save(): PlainFields {
    return {
      palette: Uint8Array.from(this.#palette.flat()),
      at: [this.#row, this.#column],
      colors: [this.#foreground, this.#background],
      flags: [this.#bright, this.#inverse, this.#screenInverse, this.#cursorShown],
      escape: this.#escape,
    };
  }

  /** The picture and the card's palette are restored with the card. */
  restore(state: PlainFields): void {
    const saved = new SavedFields('firmware.terminal', state);
    const palette = saved.bytes('palette', 3 * 256);
    const [row, column] = integers(saved.list('at', 2), 2) as [number, number];
    const [foreground, background] = integers(saved.list('colors', 2), 2) as [number, number];
    const flags = saved.list('flags', 4).map((flag) => flag === true);
    this.#palette.forEach((color, i) => color.splice(0, 3, ...palette.subarray(i * 3, i * 3 + 3)));
    this.#row = Math.max(0, Math.min(this.rows - 1, row));
    this.#column = Math.max(0, Math.min(this.columns, column));
    this.#foreground = foreground & 15;
    this.#background = background & 15;
    [this.#bright, this.#inverse, this.#screenInverse, this.#cursorShown] = flags as [
      boolean,
      boolean,
      boolean,
      boolean,
    ];
    this.#escape = saved.string('escape').slice(0, 32);
  }

  color = (index: number): readonly [number, number, number] => this.#palette[index]!;

  setColor(index: number, red: number, green: number, blue: number): void {
    this.#palette[index] = [red, green, blue];
  }

  write(byte: number): void {
    this.#cursor(false);
    if (this.#escape !== '') this.#escaped(byte);
    else this.#plain(byte);
    this.#cursor(true);
  }

  // ---- characters ---------------------------------------------------------------------------------------------------

  #plain(byte: number): void {
    switch (byte) {
      case 0x08:
        this.#column = Math.max(0, this.#column - 1);
        return;
      case 0x09:
        this.#column = Math.min(this.columns - 1, (Math.floor(this.#column / TAB) + 1) * TAB);
        return;
      case 0x0a:
        this.#lineFeed();
        return;
      case 0x0b:
        this.#row = Math.max(0, this.#row - 1);
        return;
      case 0x0c:
        this.#home();
        this.#eraseLines(0, this.rows);
        return;
      case 0x0d:
        this.#column = 0;
        return;
      case 0x1b:
        this.#escape = '\x1b';
        return;
      default:
        if (byte >= 0x20 && byte !== 0x7f) this.#print(byte);
    }
  }

  #print(byte: number): void {
    if (this.#column >= this.columns) {
      this.#column = 0;
      this.#lineFeed();
    }
    this.#draw(this.#column, this.#row, byte, this.#inverse !== this.#screenInverse);
    this.#column++;
  }

  #lineFeed(): void {
    if (this.#row < this.rows - 1) this.#row++;
    else this.#shift(0, this.rows, 1);
  }

  #home(): void {
    this.#row = 0;
    this.#column = 0;
  }

  #escaped(byte: number): void {
    if (byte === 0x1b) {
      this.#escape = '\x1b';
      return;
    }
    this.#escape += String.fromCharCode(byte);
    if (this.#escape === '\x1b[') return;
    const parts = /^\x1b\[([0-9;]*)(.)$/s.exec(this.#escape);
    if (parts === null || this.#escape.length > 32) {
      this.#escape = '';
      return;
    }
    const final = parts[2]!;
    if (/[0-9;]/.test(final)) return;
    this.#escape = '';
    const parameters = parts[1]!.split(';').map((text) => Math.min(MAX_PARAMETER, Number(text)));
    this.#sequence(final, parameters);
  }

  #sequence(final: string, parameters: number[]): void {
    const n = Math.max(1, parameters[0] ?? 1);
    const row = (to: number): void => {
      this.#row = Math.max(0, Math.min(this.rows - 1, to));
    };
    const column = (to: number): void => {
      this.#column = Math.max(0, Math.min(this.columns - 1, to));
    };
    switch (final) {
      case '@':
        this.#shiftCells(n);
        return;
      case 'A':
        row(this.#row - n);
        return;
      case 'B':
        row(this.#row + n);
        return;
      case 'C':
        column(this.#column + n);
        return;
      case 'D':
        column(this.#column - n);
        return;
      case 'E':
        column(0);
        row(this.#row + n);
        return;
      case 'H':
      case 'f':
        row(n - 1);
        column(Math.max(1, parameters[1] ?? 1) - 1);
        return;
      case 'J':
        this.#eraseCells(this.#column, this.columns);
        this.#eraseLines(this.#row + 1, this.rows);
        return;
      case 'K':
        this.#eraseCells(this.#column, this.columns);
        return;
      case 'L':
        this.#shift(this.#row, this.rows, -n);
        return;
      case 'M':
        this.#shift(this.#row, this.rows, n);
        return;
      case 'P':
        this.#shiftCells(-n);
        return;
      case 'm':
        this.#attributes(parameters);
        return;
      case 'p':
      case 'q':
        if (this.#screenInverse === (final === 'p')) return;
        this.#screenInverse = final === 'p';
        this.#invertScreen();
        return;
      case 's':
        this.reset();
        return;
    }
  }

  #attributes(parameters: number[]): void {
    for (const code of parameters) {
      if (code === 0) {
        this.#foreground = FOREGROUND;
        this.#background = BACKGROUND;
        this.#bright = false;
        this.#inverse = false;
      } else if (code === 1) {
        this.#bright = true;
      } else if (code === 2) {
        this.#bright = false;
      } else if (code === 7) {
        this.#inverse = true;
      } else if (code === 27) {
        this.#inverse = false;
      } else if (code >= 30 && code <= 37) {
        this.#foreground = code - 30 + (this.#bright ? 8 : 0);
      } else if (code >= 40 && code <= 47) {
        this.#background = code - 40;
      }
    }
  }

  // ---- pixels -------------------------------------------------------------------------------------------------------

  /** The bytes of a pixel of a palette colour. */
  #pixel(index: number): number {
    if (this.#pixelBytes === 1) return index & 0xff;
    const [red, green, blue] = this.#palette[index & 0xff]!;
    if (this.#pixelBytes === 4) return ((red << 16) | (green << 8) | blue) >>> 0;
    if (this.#screen.depth === 15) return ((red >> 3) << 10) | ((green >> 3) << 5) | (blue >> 3);
    return ((red >> 3) << 11) | ((green >> 2) << 5) | (blue >> 3);
  }

  #put(into: Uint8Array, at: number, pixel: number): void {
    for (let i = 0; i < this.#pixelBytes; i++) into[at + i] = pixel >>> ((this.#pixelBytes - 1 - i) * 8);
  }

  #pa = (x: number, y: number): number => this.#screen.pa + y * this.#screen.stride + x * this.#pixelBytes;

  fill(x: number, y: number, width: number, height: number, color: number): void {
    const right = Math.min(this.#screen.width, x + width);
    const bottom = Math.min(this.#screen.height, y + height);
    if (x >= right) return;
    const line = new Uint8Array((right - x) * this.#pixelBytes);
    const pixel = this.#pixel(color);
    for (let at = 0; at < line.length; at += this.#pixelBytes) this.#put(line, at, pixel);
    for (let row = y; row < bottom; row++) this.#host.writeBytes(this.#pa(x, row), line);
  }

  /** One line of palette colours. */
  draw(x: number, y: number, colors: Uint8Array): void {
    if (y >= this.#screen.height || x >= this.#screen.width) return;
    const shown = colors.subarray(0, this.#screen.width - x);
    const line = new Uint8Array(shown.length * this.#pixelBytes);
    shown.forEach((color, i) => this.#put(line, i * this.#pixelBytes, this.#pixel(color)));
    this.#host.writeBytes(this.#pa(x, y), line);
  }

  #draw(column: number, row: number, byte: number, inverse: boolean): void {
    const ink = this.#pixel(inverse ? this.#background : this.#foreground);
    const paper = this.#pixel(inverse ? this.#foreground : this.#background);
    const rows = glyph(byte);
    const line = new Uint8Array(GLYPH_WIDTH * this.#pixelBytes);
    for (let y = 0; y < GLYPH_HEIGHT; y++) {
      for (let x = 0; x < GLYPH_WIDTH; x++) {
        this.#put(line, x * this.#pixelBytes, (rows[y]! & (0x80 >> x)) === 0 ? paper : ink);
      }
      this.#host.writeBytes(this.#cellPa(column, row) + y * this.#screen.stride, line);
    }
  }

  #cellPa = (column: number, row: number): number =>
    this.#pa(this.#left + column * GLYPH_WIDTH, this.#top + row * GLYPH_HEIGHT);

  /** Background of a plain line, seen through the inversion of the screen. */
  get #paper(): number {
    return this.#screenInverse ? this.#foreground : this.#background;
  }

  #eraseCells(from: number, to: number): void {
    const x = this.#left + from * GLYPH_WIDTH;
    this.fill(x, this.#top + this.#row * GLYPH_HEIGHT, (to - from) * GLYPH_WIDTH, GLYPH_HEIGHT, this.#paper);
  }

  #eraseLines(from: number, to: number): void {
    const y = this.#top + from * GLYPH_HEIGHT;
    this.fill(this.#left, y, this.columns * GLYPH_WIDTH, Math.max(0, to - from) * GLYPH_HEIGHT, this.#paper);
  }

  /** Moves the text lines [from, to) up by `lines` (down when negative) and erases what is left. */
  #shift(from: number, to: number, lines: number): void {
    const count = Math.min(Math.abs(lines), to - from);
    const kept = (to - from - count) * GLYPH_HEIGHT;
    const source = lines > 0 ? from + count : from;
    const target = lines > 0 ? from : from + count;
    if (kept > 0) {
      // The frame buffer's lines, whole: one copy for all.
      const block = new Uint8Array(kept * this.#screen.stride);
      const start = (row: number): number => this.#screen.pa + (this.#top + row * GLYPH_HEIGHT) * this.#screen.stride;
      if (this.#host.readBytes(start(source), block)) this.#host.writeBytes(start(target), block);
    }
    if (lines > 0) this.#eraseLines(to - count, to);
    else this.#eraseLines(from, from + count);
  }

  /** Moves the rest of the cursor's line right by `cells` (left when negative). */
  #shiftCells(cells: number): void {
    const count = Math.min(Math.abs(cells), this.columns - this.#column);
    const kept = (this.columns - this.#column - count) * GLYPH_WIDTH * this.#pixelBytes;
    const source = cells > 0 ? this.#column : this.#column + count;
    const target = cells > 0 ? this.#column + count : this.#column;
    const line = new Uint8Array(kept);
    for (let y = 0; y < GLYPH_HEIGHT && kept > 0; y++) {
      const offset = y * this.#screen.stride;
      if (!this.#host.readBytes(this.#cellPa(source, this.#row) + offset, line)) break;
      this.#host.writeBytes(this.#cellPa(target, this.#row) + offset, line);
    }
    if (cells > 0) this.#eraseCells(this.#column, this.#column + count);
    else this.#eraseCells(this.columns - count, this.columns);
  }

  /** Swaps ink and paper of the cell under the cursor: done twice, nothing has changed. */
  #cursor(show: boolean): void {
    if (show === this.#cursorShown) return;
    this.#cursorShown = show;
    const column = Math.min(this.#column, this.columns - 1);
    const line = new Uint8Array(GLYPH_WIDTH * this.#pixelBytes);
    for (let y = 0; y < GLYPH_HEIGHT; y++) {
      const pa = this.#cellPa(column, this.#row) + y * this.#screen.stride;
      if (!this.#host.readBytes(pa, line)) return;
      this.#invert(line);
      this.#host.writeBytes(pa, line);
    }
  }

  #invert(line: Uint8Array): void {
    if (this.#pixelBytes === 1) {
      // Palette indices: the two colours of the text change places.
      for (let i = 0; i < line.length; i++) line[i] = line[i]! ^ this.#foreground ^ this.#background;
    } else {
      for (let i = 0; i < line.length; i++) line[i] = line[i]! ^ 0xff;
    }
  }

  #invertScreen(): void {
    const line = new Uint8Array(this.columns * GLYPH_WIDTH * this.#pixelBytes);
    for (let y = 0; y < this.rows * GLYPH_HEIGHT; y++) {
      const pa = this.#pa(this.#left, this.#top + y);
      if (!this.#host.readBytes(pa, line)) return;
      this.#invert(line);
      this.#host.writeBytes(pa, line);
    }
  }
}
