// SPDX-License-Identifier: MIT
//
// What VIDC1a shows: the display from MEMC's circular buffer, the border around it if wanted, and the cursor.
// Document: [VL86C310].
import type { Picture, Screen, ScreenRect } from '../../backplane/host.ts';
import type { GuestMemory, MemoryBlock } from '../../backplane/memory.ts';
import { PAGE_BYTES } from '../../backplane/memory.ts';
import { OPAQUE } from '../../backplane/pixels.ts';
import { DMA_BYTES, type Memc } from './memc.ts';
import type { Vidc, VidcGeometry } from './vidc.ts';

const BORDER = 16;
const CURSOR_WIDTH = 32;
const CURSOR_LINE_BYTES = 8;
/** More than the registers can ask for at a sensible rate; a wild guest cannot make us allocate more. */
const MOST_PIXELS = 4 << 20;
/** Displays of no more lines than this are of television rates: their lines are shown twice. */
const MOST_TELEVISION_LINES = 320;

interface Frame {
  readonly geometry: VidcGeometry;
  /** Size of the display in VIDC's pixels. */
  readonly width: number;
  readonly height: number;
  /** Whole pixels of the picture a pixel of VIDC takes, so that circles are about round. */
  readonly scaleX: number;
  readonly scaleY: number;
  /** Where the display begins in the picture, in VIDC's pixels, and the picture's size. */
  readonly left: number;
  readonly top: number;
  readonly fullWidth: number;
  readonly fullHeight: number;
}

export class VidcScreen implements Screen {
  readonly #vidc: Vidc;
  readonly #memc: Memc;
  readonly #memory: GuestMemory;
  readonly #block: MemoryBlock;
  readonly #withBorder: boolean;
  #tracking = false;
  #seenChanges = -1;
  #seenVideoDma = false;

  /** @param block Memory whose first 512 KiB are the video memory. */
  constructor(vidc: Vidc, memc: Memc, memory: GuestMemory, block: MemoryBlock, options: { readonly border: boolean }) {
    this.#vidc = vidc;
    this.#memc = memc;
    this.#memory = memory;
    this.#block = block;
    this.#withBorder = options.border;
  }

  picture(): Picture | undefined {
    const frame = this.#frame();
    if (frame === undefined) return undefined;
    const { fullWidth, fullHeight, scaleX, scaleY } = frame;
    const colors = this.#colors(frame.geometry.depth);
    const once = new Int32Array(fullWidth * fullHeight).fill(colorOf(this.#vidc.colors[BORDER]!));
    this.#drawDisplay(once, frame, colors);
    this.#drawCursor(once, frame);
    const out = scaleX === 1 && scaleY === 1 ? once : enlarge(once, fullWidth, fullHeight, scaleX, scaleY);
    return { width: fullWidth * scaleX, height: fullHeight * scaleY, rgba: new Uint8Array(out.buffer) };
  }

  damage(): readonly ScreenRect[] {
    if (!this.#tracking) {
      this.#tracking = true;
      this.#memory.track(this.#block);
    }
    const dirty = this.#memory.drainDirty(this.#block);
    const frame = this.#frame();
    const { changes } = this.#vidc;
    const { videoDma } = this.#memc;
    const whole = changes !== this.#seenChanges || videoDma !== this.#seenVideoDma;
    this.#seenChanges = changes;
    this.#seenVideoDma = videoDma;
    if (frame === undefined) return whole ? [{ x: 0, y: 0, width: 0, height: 0 }] : [];
    const width = frame.fullWidth * frame.scaleX;
    if (whole) return [{ x: 0, y: 0, width, height: frame.fullHeight * frame.scaleY }];
    const rects: ScreenRect[] = [];
    for (const page of dirty) {
      const [first, last] = this.#linesOf(page * PAGE_BYTES, frame);
      if (first > last) continue;
      const y = (first + frame.top) * frame.scaleY;
      const height = (last - first + 1) * frame.scaleY;
      const before = rects.at(-1);
      if (before !== undefined && y <= before.y + before.height && y >= before.y) {
        rects[rects.length - 1] = { ...before, height: Math.max(before.height, y + height - before.y) };
      } else {
        rects.push({ x: 0, y, width, height });
      }
    }
    return rects;
  }

  /** Lines of the display that show the page at `address`, first and last; nothing: first after last. */
  #linesOf(address: number, { geometry, width, height }: Frame): [number, number] {
    const cursor = this.#vidc.cursorStart;
    const cursorLines = geometry.cursor.bottom - geometry.cursor.top;
    const top = geometry.cursor.top - geometry.display.top;
    const hitsCursor = cursor < address + PAGE_BYTES && cursor + cursorLines * CURSOR_LINE_BYTES > address;
    let first = hitsCursor ? Math.max(0, top) : height;
    let last = hitsCursor ? Math.min(height, top + cursorLines) - 1 : -1;
    const lineBytes = Math.max(1, (width << geometry.depth) >>> 3);
    for (const [from, to, shownAt] of this.#runs(lineBytes * height)) {
      const begin = Math.max(from, address);
      const end = Math.min(to, address + PAGE_BYTES);
      if (begin >= end) continue;
      first = Math.min(first, Math.floor((shownAt + begin - from) / lineBytes));
      last = Math.max(last, Math.floor((shownAt + end - 1 - from) / lineBytes));
    }
    return [first, Math.min(last, height - 1)];
  }

  /** The pieces of memory that are shown one after another: [from, to) and the byte of the display they begin at. */
  *#runs(bytes: number): Generator<readonly [from: number, to: number, shownAt: number]> {
    const { start, end } = this.#memc.video;
    let at = this.#vidc.frameStart;
    for (let shown = 0; shown < bytes;) {
      // A pointer that has passed the end runs on to the end of what it can count.
      const to = at < end ? Math.min(end, DMA_BYTES) : DMA_BYTES;
      const length = Math.min(to - at, bytes - shown);
      if (length > 0) yield [at, at + length, shown];
      shown += Math.max(length, 16);
      at = at < end ? start : 0;
      if (start >= end && at === start) return;
    }
  }

  #frame(): Frame | undefined {
    if (!this.#memc.videoDma) return undefined;
    const { geometry } = this.#vidc;
    const { display, border } = geometry;
    const width = display.right - display.left;
    const height = display.bottom - display.top;
    if (width <= 0 || height <= 0) return undefined;
    const slow = geometry.pixelRate < 2;
    const television = height <= MOST_TELEVISION_LINES;
    const scaleX = slow && television && width <= 480 ? 2 : 1;
    const scaleY = television ? 2 : 1;
    const left = this.#withBorder ? Math.max(0, display.left - border.left) : 0;
    const top = this.#withBorder ? Math.max(0, display.top - border.top) : 0;
    const fullWidth = this.#withBorder ? left + width + Math.max(0, border.right - display.right) : width;
    const fullHeight = this.#withBorder ? top + height + Math.max(0, border.bottom - display.bottom) : height;
    if (fullWidth * fullHeight * scaleX * scaleY > MOST_PIXELS) return undefined;
    return { geometry, width, height, scaleX, scaleY, left, top, fullWidth, fullHeight };
  }

  /** Colours of pixel values. With 8 bits a pixel the upper four replace bits of the palette's colour. */
  #colors(depth: number): Int32Array {
    const { colors } = this.#vidc;
    if (depth < 3) return Int32Array.from({ length: 1 << (1 << depth) }, (_, pixel) => colorOf(colors[pixel]!));
    return Int32Array.from({ length: 256 }, (_, pixel) => {
      const base = colors[pixel & 15]! & 0x737;
      const red = (pixel & 0x10) >>> 1;
      const green = (pixel & 0x60) << 1;
      const blue = (pixel & 0x80) << 4;
      return colorOf(base | red | green | blue);
    });
  }

  /** Bytes run from left to right, and the leftmost pixel of a byte is in its lowest bits. */
  #drawDisplay(out: Int32Array, frame: Frame, colors: Int32Array): void {
    const { geometry, width, height, left, top, fullWidth } = frame;
    const { bytes } = this.#block;
    const bits = 1 << geometry.depth;
    const perByte = 8 / bits;
    const mask = (1 << bits) - 1;
    const lineBytes = Math.max(1, (width * bits) >>> 3);
    for (const [from, to, shownAt] of this.#runs(lineBytes * height)) {
      let y = Math.floor(shownAt / lineBytes);
      let x = (shownAt - y * lineBytes) * perByte;
      let at = (top + y) * fullWidth + left + x;
      for (let address = from; address < to; address++) {
        let byte = bytes[address]!;
        for (let i = 0; i < perByte; i++, byte >>>= bits) out[at++] = colors[byte & mask]!;
        x += perByte;
        if (x < lineBytes * perByte) continue;
        x = 0;
        y++;
        at = (top + y) * fullWidth + left;
      }
    }
  }

  #drawCursor(out: Int32Array, frame: Frame): void {
    const { geometry, width, height, left, top, fullWidth } = frame;
    const x0 = geometry.cursor.left - geometry.display.left;
    const y0 = geometry.cursor.top - geometry.display.top;
    const lines = geometry.cursor.bottom - geometry.cursor.top;
    const { bytes } = this.#block;
    const { colors } = this.#vidc;
    for (let line = 0; line < lines; line++) {
      const y = y0 + line;
      const from = this.#vidc.cursorStart + line * CURSOR_LINE_BYTES;
      if (y < 0 || y >= height || from + CURSOR_LINE_BYTES > DMA_BYTES) continue;
      for (let i = 0; i < CURSOR_WIDTH; i++) {
        const color = (bytes[from + (i >>> 2)]! >>> ((i & 3) * 2)) & 3;
        const x = x0 + i;
        if (color !== 0 && x >= 0 && x < width)
          out[(top + y) * fullWidth + left + x] = colorOf(colors[BORDER + color]!);
      }
    }
  }
}

/** 12 bits, blue highest, as a host word. */
const colorOf = (color: number): number =>
  OPAQUE | ((color & 15) * 0x11) | (((color >>> 4) & 15) * 0x1100) | (((color >>> 8) & 15) * 0x11_0000);

function enlarge(from: Int32Array, width: number, height: number, scaleX: number, scaleY: number): Int32Array {
  const wide = width * scaleX;
  const out = new Int32Array(wide * height * scaleY);
  for (let y = 0; y < height; y++) {
    const row = y * scaleY * wide;
    for (let x = 0, at = row; x < width; x++) {
      const color = from[y * width + x]!;
      for (let i = 0; i < scaleX; i++) out[at++] = color;
    }
    for (let i = 1; i < scaleY; i++) out.copyWithin(row + i * wide, row, row + wide);
  }
  return out;
}
