// SPDX-License-Identifier: MIT
//
// What a monitor on a VGA shows in the standard modes: text, 16 colours in planes, CGA, 256 colours. A scan line at a
// time, as the CRTC does it.
import type { Picture } from '../../backplane/host.ts';
import { OPAQUE } from '../../backplane/pixels.ts';
import {
  AR,
  AR_MODE_BLINK,
  AR_MODE_LINE_GRAPHICS,
  AR_MODE_P54_SELECT,
  AR_MODE_PAN_COMPAT,
  CR,
  GR,
  GR6_GRAPHICS,
  SR,
  SR1_8_DOTS,
  SR1_DOT_CLOCK_HALF,
  type VgaCore,
} from './vga-core.ts';

const CURSOR_OFF = 0x20;
const FRAMES_PER_BLINK = 32; // characters; the cursor blinks twice as fast

/** Geometry of a planar picture that the CRTC's registers do not describe. */
export interface PlanarOverride {
  readonly width: number;
  readonly height: number;
  readonly startIndex: number;
  readonly lineWords: number;
}

/** One character cell of a text mode. */
export interface TextCell {
  readonly code: number;
  readonly attribute: number;
}

export const isTextMode = (vga: VgaCore): boolean => !(vga.gr[GR.MISC]! & GR6_GRAPHICS);

/** Columns and rows of the text mode, and the cells' addresses. */
export function textGeometry(vga: VgaCore): { columns: number; rows: number; cellHeight: number; rowWords: number } {
  const cellHeight = (vga.cr[CR.MAX_SCAN_LINE]! & 31) + 1;
  const scanHeight = cellHeight << (vga.cr[CR.MAX_SCAN_LINE]! >>> 7);
  return {
    columns: vga.cr[CR.H_DISPLAY_END]! + 1,
    rows: Math.floor(displayedLines(vga) / scanHeight),
    cellHeight,
    rowWords: vga.cr[CR.OFFSET]! * 2,
  };
}

/** The characters of a text mode, row by row. `words` is the display memory. */
export function textCells(vga: VgaCore, words: Uint32Array): TextCell[][] {
  const { columns, rows, rowWords } = textGeometry(vga);
  return Array.from({ length: rows }, (_row, row) =>
    Array.from({ length: columns }, (_column, column) => {
      const word = words[(vga.startAddress + row * rowWords + column) % words.length]!;
      return { code: word & 0xff, attribute: (word >>> 8) & 0xff };
    }),
  );
}

/** Draws the current standard mode; `undefined` when the CRTC is not programmed to show anything. */
export function vgaPicture(vga: VgaCore, words: Uint32Array, override?: PlanarOverride): Picture | undefined {
  const renderer = new Renderer(vga, words, override);
  return renderer.width > 1 && renderer.height > 1 ? renderer.draw() : undefined;
}

/** CR17 bit 2 lets the vertical counter run at half the line rate, doubling everything it counts. */
const displayedLines = (vga: VgaCore): number => vga.displayedLines << ((vga.cr[CR.MODE]! >>> 2) & 1);

class Renderer {
  readonly width: number;
  readonly height: number;
  readonly #vga: VgaCore;
  readonly #words: Uint32Array;
  readonly #override: PlanarOverride | undefined;
  readonly #colors16: Uint32Array;
  readonly #dotsPerChar: number;
  readonly #doubled: number; // 1 when a pixel is two dots wide

  constructor(vga: VgaCore, words: Uint32Array, override: PlanarOverride | undefined) {
    this.#vga = vga;
    this.#words = words;
    this.#override = override;
    this.#colors16 = attributeColors(vga);
    const clocking = vga.sr[SR.CLOCKING]!;
    const text = override === undefined && isTextMode(vga);
    this.#doubled = override === undefined && clocking & SR1_DOT_CLOCK_HALF ? 1 : 0;
    this.#dotsPerChar = text && !(clocking & SR1_8_DOTS) ? 9 : 8;
    const columns = vga.cr[CR.H_DISPLAY_END]! + 1;
    this.width = override?.width ?? (columns * this.#dotsPerChar) << this.#doubled;
    this.height = override?.height ?? displayedLines(vga);
  }

  draw(): Picture {
    const { width, height } = this;
    const rgba = new Uint8Array(width * height * 4);
    const out = new Uint32Array(rgba.buffer);
    const line = this.#override !== undefined ? this.#planarLine() : this.#lineDrawer();
    const { cr, ar } = this.#vga;
    const scanLines = this.#override !== undefined ? 1 : (cr[CR.MAX_SCAN_LINE]! & 31) + 1;
    const repeats = this.#override !== undefined ? 1 : 1 << (cr[CR.MAX_SCAN_LINE]! >>> 7);
    const lineWords = this.#override?.lineWords ?? cr[CR.OFFSET]! * 2;
    const lineCompare = this.#override !== undefined ? -1 : this.#vga.lineCompare;
    let address = this.#override?.startIndex ?? this.#vga.startAddress + ((cr[CR.PRESET_ROW_SCAN]! >>> 5) & 3);
    let rowScan = this.#override !== undefined ? 0 : cr[CR.PRESET_ROW_SCAN]! & 31;
    let repeated = 0;
    let panning = this.#override !== undefined ? 0 : ar[AR.PEL_PANNING]!;
    for (let y = 0; y < height; y++) {
      line(out.subarray(y * width, (y + 1) * width), address, rowScan, panning);
      if (y === lineCompare) {
        address = rowScan = repeated = 0;
        if (ar[AR.MODE]! & AR_MODE_PAN_COMPAT) panning = 0;
        continue;
      }
      if (++repeated < repeats) continue;
      repeated = 0;
      rowScan = (rowScan + 1) & 31;
      if (rowScan === scanLines) {
        rowScan = 0;
        address += lineWords;
      }
    }
    return { width, height, rgba };
  }

  #lineDrawer(): LineDrawer {
    if (isTextMode(this.#vga)) return this.#textLine();
    switch ((this.#vga.gr[GR.MODE]! >>> 5) & 3) {
      case 0:
        return this.#planarLine();
      case 1:
        return this.#cgaLine();
      default:
        return this.#byteLine();
    }
  }

  /** CGA and Hercules put odd scan lines of a row elsewhere: row-scan bits replace address bits. */
  #banked(address: number, rowScan: number): number {
    const mode = this.#vga.cr[CR.MODE]!;
    if (this.#override !== undefined || (mode & 3) === 3) return address;
    const bit = 12 + ((mode >>> 6) & 1);
    if (!(mode & 1)) address = (address & ~(1 << bit)) | ((rowScan & 1) << bit);
    if (!(mode & 2)) address = (address & ~(2 << bit)) | ((rowScan & 2) << bit);
    return address;
  }

  #word(index: number): number {
    return this.#words[index % this.#words.length]!;
  }

  #textLine(): LineDrawer {
    const { ar, sr, cr } = this.#vga;
    const words = this.#words;
    const select = sr[SR.CHARACTER_MAP]!;
    const fonts = [
      ((((select >>> 4) & 1) | ((select << 1) & 6)) * 8192) >>> 0, // attribute bit 3 clear: map B
      ((((select >>> 5) & 1) | ((select >>> 1) & 6)) * 8192) >>> 0,
    ];
    const dots = this.#dotsPerChar;
    const blink = (ar[AR.MODE]! & AR_MODE_BLINK) !== 0;
    const { frame } = this.#vga;
    const hidden = blink && frame % FRAMES_PER_BLINK >= FRAMES_PER_BLINK / 2;
    const cursorShown = !(cr[CR.CURSOR_START]! & CURSOR_OFF) && frame % 16 < 8;
    const cursorFirst = cr[CR.CURSOR_START]! & 31;
    const cursorLast = cr[CR.CURSOR_END]! & 31;
    const cursorAt = this.#vga.cursorAddress + ((cr[CR.CURSOR_END]! >>> 5) & 3);
    const underline = cr[CR.UNDERLINE]! & 31;
    const lineGraphics = (ar[AR.MODE]! & AR_MODE_LINE_GRAPHICS) !== 0;
    return (to, address, rowScan, panning) => {
      const skipped = dots === 9 ? (panning >= 8 ? 0 : panning + 1) : panning & 7;
      const columns = Math.ceil(to.length / (dots << this.#doubled)) + (skipped > 0 ? 1 : 0);
      let x = -skipped << this.#doubled;
      for (let column = 0; column < columns; column++) {
        const cell = this.#word(address + column);
        const code = cell & 0xff;
        const attribute = (cell >>> 8) & 0xff;
        const background = this.#colors16[(attribute >>> 4) & (blink ? 7 : 15)]!;
        let foreground = this.#colors16[attribute & 15]!;
        let bits = (words[(fonts[(attribute >>> 3) & 1]! + code * 32 + rowScan) % words.length]! >>> 16) & 0xff;
        bits = (bits << 1) | (lineGraphics && (code & 0xe0) === 0xc0 ? bits & 1 : 0);
        if (rowScan === underline && (attribute & 0x77) === 1) bits = 0x1ff;
        if (hidden && attribute & 0x80) foreground = background;
        if (cursorShown && address + column === cursorAt && rowScan >= cursorFirst && rowScan <= cursorLast) {
          bits = 0x1ff;
          foreground = this.#colors16[attribute & 15]!;
        }
        for (let dot = 0; dot < dots; dot++) {
          const color = bits & (0x100 >>> dot) ? foreground : background;
          if (x >= 0 && x < to.length) to[x] = color;
          x++;
          if (!this.#doubled) continue;
          if (x >= 0 && x < to.length) to[x] = color;
          x++;
        }
      }
    };
  }

  /** Sixteen colours: eight pixels a word, one bit of each in every plane. */
  #planarLine(): LineDrawer {
    return this.#wordLine(8, (word, pixel) => {
      const bit = 7 - pixel;
      return (
        ((word >>> bit) & 1) |
        (((word >>> (8 + bit)) & 1) << 1) |
        (((word >>> (16 + bit)) & 1) << 2) |
        (((word >>> (24 + bit)) & 1) << 3)
      );
    });
  }

  /** Four colours as on a CGA: two bits a pixel, four pixels from planes 0 and 2, then four from 1 and 3. */
  #cgaLine(): LineDrawer {
    return this.#wordLine(8, (word, pixel) => {
      const low = pixel < 4 ? word & 0xff : (word >>> 8) & 0xff;
      const high = pixel < 4 ? (word >>> 16) & 0xff : word >>> 24;
      const shift = 6 - (pixel & 3) * 2;
      return ((low >>> shift) & 3) | (((high >>> shift) & 3) << 2);
    });
  }

  #wordLine(perWord: number, pixelOf: (word: number, pixel: number) => number): LineDrawer {
    const colors = this.#colors16;
    const doubled = this.#doubled;
    return (to, address, rowScan, panning) => {
      const start = this.#banked(address, rowScan);
      let pixel = panning & 7;
      let index = start;
      let word = this.#word(index);
      for (let x = 0; x < to.length; x++) {
        to[x] = colors[pixelOf(word, pixel)]!;
        if (doubled && ++x < to.length) to[x] = to[x - 1]!;
        if (++pixel < perWord) continue;
        pixel = 0;
        word = this.#word(++index);
      }
    };
  }

  /** 256 colours: a byte a pixel, two dots wide. */
  #byteLine(): LineDrawer {
    const colors = Uint32Array.from({ length: 256 }, (_, index) => OPAQUE | this.#vga.dacColor(index));
    return (to, address, rowScan, panning) => {
      const start = this.#banked(address, rowScan) * 4 + ((panning >>> 1) & 3);
      for (let x = 0; x < to.length; x++) {
        const at = start + (x >>> (1 + this.#doubled));
        to[x] = colors[(this.#word(at >>> 2) >>> ((at & 3) * 8)) & 0xff]!;
      }
    };
  }
}

type LineDrawer = (to: Uint32Array, address: number, rowScan: number, panning: number) => void;

/** The sixteen colours the attribute controller makes of four bits a pixel. */
function attributeColors(vga: VgaCore): Uint32Array {
  const { ar } = vga;
  const select = ar[AR.COLOR_SELECT]!;
  return Uint32Array.from({ length: 16 }, (_, pixel) => {
    const internal = ar[pixel & ar[AR.PLANE_ENABLE]! & 15]!;
    const index =
      ar[AR.MODE]! & AR_MODE_P54_SELECT
        ? ((select & 15) << 4) | (internal & 15)
        : ((select & 12) << 4) | (internal & 63);
    return OPAQUE | vga.dacColor(index);
  });
}
