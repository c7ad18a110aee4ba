// SPDX-License-Identifier: MIT
//
// Linear framebuffers as pictures. Pixels are handled as host words; every host this runs on is little-endian, so
// red, green, blue, 255 in memory is the word 0xffbbggrr.
import type { Picture, ScreenMode } from '../../backplane/host.ts';

export const OPAQUE = 0xff00_0000;

const expand5 = (level: number): number => (level << 3) | (level >>> 2);
const expand6 = (level: number): number => (level << 2) | (level >>> 4);
const swap16 = (word: number): number => ((word & 0xff) << 8) | (word >>> 8);

const rgb555 = (pixel: number): number =>
  expand5((pixel >>> 10) & 31) | (expand5((pixel >>> 5) & 31) << 8) | (expand5(pixel & 31) << 16);

const rgb565 = (pixel: number): number =>
  expand5(pixel >>> 11) | (expand6((pixel >>> 5) & 63) << 8) | (expand5(pixel & 31) << 16);

/** For every 16-bit word as loaded by a little-endian host, its colour; made at first use. */
const tables = new Map<string, Uint32Array>();

function colorsOf16(bpp: 15 | 16, byteOrder: 'big' | 'little'): Uint32Array {
  const key = `${bpp} ${byteOrder}`;
  let table = tables.get(key);
  if (table === undefined) {
    const decode = bpp === 15 ? rgb555 : rgb565;
    table = Uint32Array.from({ length: 0x1_0000 }, (_, word) => {
      return (OPAQUE | decode(byteOrder === 'big' ? swap16(word) : word)) >>> 0;
    });
    tables.set(key, table);
  }
  return table;
}

/** The picture of a linear mode. Lines that reach beyond the memory are black. */
export function pictureOf(mode: ScreenMode, memory: ArrayBufferLike): Picture {
  const { width, height, stride, bpp } = mode;
  const rgba = new Uint8Array(width * height * 4);
  const out = new Uint32Array(rgba.buffer);
  const lineBytes = Math.ceil((width * bitsOf(bpp)) / 8);
  const drawLine = lineOf(mode);
  for (let y = 0; y < height; y++) {
    const first = mode.offset + y * stride;
    const to = out.subarray(y * width, (y + 1) * width);
    if (first + lineBytes <= memory.byteLength) drawLine(memory, first, lineBytes, to);
    else to.fill(OPAQUE);
  }
  return { width, height, rgba };
}

/** Bits a pixel takes in memory. */
export const bitsOf = (bpp: ScreenMode['bpp']): number => (bpp === 15 ? 16 : bpp);

type LineDrawer = (memory: ArrayBufferLike, first: number, lineBytes: number, to: Uint32Array) => void;

function lineOf(mode: ScreenMode): LineDrawer {
  const { bpp, byteOrder, palette } = mode;
  switch (bpp) {
    case 1:
    case 2:
    case 4:
    case 8: {
      const colors = colorsOf(palette);
      return bpp === 8
        ? (memory, first, lineBytes, to) => {
            const from = new Uint8Array(memory, first, lineBytes);
            for (let x = 0; x < to.length; x++) to[x] = colors[from[x]!]!;
          }
        : (memory, first, lineBytes, to) => {
            const from = new Uint8Array(memory, first, lineBytes);
            const mask = (1 << bpp) - 1;
            // The leftmost pixel is in the highest bits.
            for (let x = 0; x < to.length; x++) {
              const bit = x * bpp;
              to[x] = colors[(from[bit >>> 3]! >>> (8 - bpp - (bit & 7))) & mask]!;
            }
          };
    }
    case 15:
    case 16: {
      const colors = colorsOf16(bpp, byteOrder);
      return (memory, first, lineBytes, to) => {
        const from = words16(memory, first, lineBytes);
        for (let x = 0; x < to.length; x++) to[x] = colors[from[x]!]!;
      };
    }
    case 24: {
      const red = byteOrder === 'big' ? 0 : 2;
      const blue = 2 - red;
      return (memory, first, lineBytes, to) => {
        const from = new Uint8Array(memory, first, lineBytes);
        for (let x = 0, at = 0; x < to.length; x++, at += 3) {
          to[x] = OPAQUE | from[at + red]! | (from[at + 1]! << 8) | (from[at + blue]! << 16);
        }
      };
    }
    case 32:
      return byteOrder === 'big'
        ? (memory, first, lineBytes, to) => {
            const from = words32(memory, first, lineBytes);
            for (let x = 0; x < to.length; x++) to[x] = OPAQUE | (from[x]! >>> 8);
          }
        : (memory, first, lineBytes, to) => {
            const from = words32(memory, first, lineBytes);
            for (let x = 0; x < to.length; x++) {
              const pixel = from[x]!;
              to[x] = OPAQUE | (pixel & 0xff00) | ((pixel >>> 16) & 0xff) | ((pixel & 0xff) << 16);
            }
          };
  }
}

function colorsOf(palette: Uint8Array | undefined): Uint32Array {
  const colors = new Uint32Array(256).fill(OPAQUE);
  if (palette === undefined) return colors;
  for (let i = 0; i < Math.min(256, palette.length >>> 2); i++) {
    colors[i] = OPAQUE | palette[i * 4]! | (palette[i * 4 + 1]! << 8) | (palette[i * 4 + 2]! << 16);
  }
  return colors;
}

const words16 = (memory: ArrayBufferLike, first: number, bytes: number): Uint16Array =>
  first & 1
    ? new Uint16Array(new Uint8Array(memory, first, bytes).slice().buffer)
    : new Uint16Array(memory, first, bytes >>> 1);

const words32 = (memory: ArrayBufferLike, first: number, bytes: number): Uint32Array =>
  first & 3
    ? new Uint32Array(new Uint8Array(memory, first, bytes).slice().buffer)
    : new Uint32Array(memory, first, bytes >>> 2);
