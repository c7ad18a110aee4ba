// SPDX-License-Identifier: MIT
//
// Linear framebuffers as pictures. Pixels are handled as host words; every host this runs on is little-endian, so
// red, green, blue, 255 in memory is the word 0xffbbggrr.
import type { Picture, ScreenMode } from './host.ts';

export const OPAQUE = 0xff00_0000 | 0;

const expand5 = (level: number): number => (level << 3) | (level >>> 2);
const expand6 = (level: number): number => (level << 2) | (level >>> 4);
const swap16 = (word: number): number => ((word & 0xff) << 8) | (word >>> 8);

const rgb444 = (pixel: number): number => ((pixel >>> 12) | (pixel & 0xf00) | ((pixel & 0xf0) << 12)) * 0x11;

const rgb555 = (pixel: number): number =>
  expand5((pixel >>> 10) & 31) | (expand5((pixel >>> 5) & 31) << 8) | (expand5(pixel & 31) << 16);

const rgb565 = (pixel: number): number =>
  expand5(pixel >>> 11) | (expand6((pixel >>> 5) & 63) << 8) | (expand5(pixel & 31) << 16);

/** For every 16-bit word as loaded by a little-endian host, its colour; made at first use. */
const tables = new Map<string, Int32Array>();

function colorsOf16(bpp: 12 | 15 | 16, byteOrder: 'big' | 'little'): Int32Array {
  const key = `${bpp} ${byteOrder}`;
  let table = tables.get(key);
  if (table === undefined) {
    const decode = bpp === 12 ? rgb444 : bpp === 15 ? rgb555 : rgb565;
    table = Int32Array.from({ length: 0x1_0000 }, (_, word) => {
      return OPAQUE | decode(byteOrder === 'big' ? swap16(word) : word);
    });
    tables.set(key, table);
  }
  return table;
}

/** Bits a pixel takes in memory. */
export const bitsOf = (bpp: ScreenMode['bpp']): number => (bpp === 12 || bpp === 15 ? 16 : bpp);

/** Bytes of the pixels of one line. */
export const lineBytesOf = ({ width, bpp }: ScreenMode): number => Math.ceil((width * bitsOf(bpp)) / 8);

/** The picture of a linear mode. Lines that reach beyond the memory are black. */
export function pictureOf(mode: ScreenMode, memory: ArrayBufferLike): Picture {
  const { width, height, stride, bpp, offset } = mode;
  const out = new Int32Array(width * height);
  const lineBytes = lineBytesOf(mode);
  const room = memory.byteLength - offset - lineBytes;
  const lines = room < 0 ? 0 : Math.min(height, stride > 0 ? Math.floor(room / stride) + 1 : height);
  out.fill(OPAQUE, lines * width);
  const whole = bpp === 32 ? 4 : bpp === 12 || bpp === 15 || bpp === 16 ? 2 : 1;
  if ((offset | stride) & (whole - 1)) {
    // Pixels that are not on their boundaries are brought there line by line.
    const line = new Uint8Array(lineBytes);
    for (let y = 0; y < lines; y++) {
      line.set(new Uint8Array(memory, offset + y * stride, lineBytes));
      draw({ ...mode, height: 1, stride: 0, offset: 0 }, line.buffer, out.subarray(y * width, (y + 1) * width), 1);
    }
  } else {
    draw(mode, memory, out, lines);
  }
  return { width, height, rgba: new Uint8Array(out.buffer) };
}

/** The part of a mode that shows `height` lines from line `y` on. */
export function bandOf(mode: ScreenMode, y: number, height: number): ScreenMode {
  const top = Math.max(0, Math.min(y, mode.height));
  return { ...mode, offset: mode.offset + top * mode.stride, height: Math.max(0, Math.min(height, mode.height - top)) };
}

/** Draws the first `lines` lines; pixels are on their boundaries. */
function draw(mode: ScreenMode, memory: ArrayBufferLike, out: Int32Array, lines: number): void {
  const { width, stride, bpp, byteOrder, offset } = mode;
  const span = lines === 0 ? 0 : (lines - 1) * stride + lineBytesOf(mode);
  const bytes = new Uint8Array(memory, offset, span);
  switch (bpp) {
    case 1:
    case 2:
    case 4:
      drawPacked(out, bytes, stride, width, lines, bpp, colorsOf(mode.palette));
      return;
    case 8:
      draw8(out, bytes, stride, width, lines, colorsOf(mode.palette));
      return;
    case 12:
    case 15:
    case 16:
      draw16(out, new Uint16Array(memory, offset, span >>> 1), stride >>> 1, width, lines, colorsOf16(bpp, byteOrder));
      return;
    case 24:
      draw24(out, bytes, stride, width, lines, byteOrder === 'big' ? 0 : 2);
      return;
    case 32: {
      const words = new Int32Array(memory, offset, span >>> 2);
      if (byteOrder === 'big') draw32Big(out, words, stride >>> 2, width, lines);
      else draw32Little(out, words, stride >>> 2, width, lines);
    }
  }
}

/** Below eight bits a pixel; the leftmost is in the highest bits. */
function drawPacked(
  out: Int32Array,
  from: Uint8Array,
  stride: number,
  width: number,
  lines: number,
  bpp: 1 | 2 | 4,
  colors: Int32Array,
): void {
  const mask = (1 << bpp) - 1;
  for (let y = 0; y < lines; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * bpp;
      const index = (from[y * stride + (bit >>> 3)]! >>> (8 - bpp - (bit & 7))) & mask;
      out[y * width + x] = colors[index]!;
    }
  }
}

function draw8(
  out: Int32Array,
  from: Uint8Array,
  stride: number,
  width: number,
  lines: number,
  colors: Int32Array,
): void {
  for (let y = 0; y < lines; y++) {
    const at = y * stride;
    const to = y * width;
    for (let x = 0; x < width; x++) out[to + x] = colors[from[at + x]!]!;
  }
}

function draw16(
  out: Int32Array,
  from: Uint16Array,
  stride: number,
  width: number,
  lines: number,
  colors: Int32Array,
): void {
  for (let y = 0; y < lines; y++) {
    const at = y * stride;
    const to = y * width;
    for (let x = 0; x < width; x++) out[to + x] = colors[from[at + x]!]!;
  }
}

/** `red` is which of the three bytes is the red one, 0 or 2. */
function draw24(out: Int32Array, from: Uint8Array, stride: number, width: number, lines: number, red: 0 | 2): void {
  const blue = 2 - red;
  for (let y = 0; y < lines; y++) {
    const to = y * width;
    for (let x = 0, at = y * stride; x < width; x++, at += 3) {
      out[to + x] = OPAQUE | from[at + red]! | (from[at + 1]! << 8) | (from[at + blue]! << 16);
    }
  }
}

function draw32Big(out: Int32Array, from: Int32Array, stride: number, width: number, lines: number): void {
  for (let y = 0; y < lines; y++) {
    const at = y * stride;
    const to = y * width;
    for (let x = 0; x < width; x++) out[to + x] = OPAQUE | (from[at + x]! >>> 8);
  }
}

function draw32Little(out: Int32Array, from: Int32Array, stride: number, width: number, lines: number): void {
  for (let y = 0; y < lines; y++) {
    const at = y * stride;
    const to = y * width;
    for (let x = 0; x < width; x++) {
      const pixel = from[at + x]!;
      out[to + x] = OPAQUE | (pixel & 0xff00) | ((pixel >>> 16) & 0xff) | ((pixel & 0xff) << 16);
    }
  }
}

/** Colours of palette entries; those it does not have are black. */
function colorsOf(palette: Uint8Array | undefined): Int32Array {
  const colors = new Int32Array(256).fill(OPAQUE);
  if (palette === undefined) return colors;
  for (let i = 0; i < Math.min(256, palette.length >>> 2); i++) {
    colors[i] = OPAQUE | palette[i * 4]! | (palette[i * 4 + 1]! << 8) | (palette[i * 4 + 2]! << 16);
  }
  return colors;
}
