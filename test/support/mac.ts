// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { MachineSession } from '../../machines/backplane/session.ts';
import type { Picture } from '../../machines/backplane/host.ts';
import { crc32 } from '../../machines/storage/crc32.ts';

/** The arrow of Mac OS: its black pixels, and with them the white ones around it; a word a row. Its tip is at 1, 1. */
const ARROW = [
  0x0000, 0x4000, 0x6000, 0x7000, 0x7800, 0x7c00, 0x7e00, 0x7f00, 0x7f80, 0x7c00, 0x6c00, 0x4600, 0x0600, 0x0300,
] as const;
const ARROW_MASK = [
  0xc000, 0xe000, 0xf000, 0xf800, 0xfc00, 0xfe00, 0xff00, 0xff80, 0xffc0, 0xffe0, 0xfe00, 0xef00, 0xcf00, 0x8780,
] as const;

/** Where the arrow's tip is, unless it is mostly beyond the edge. */
export function findArrow({ width, height, rgba }: Picture): { x: number; y: number } | undefined {
  const isArrow = (left: number, top: number): boolean =>
    ARROW.every((row, dy) => {
      for (let dx = 0; dx < 16; dx++) {
        const bit = 0x8000 >>> dx;
        if (!(ARROW_MASK[dy]! & bit)) continue;
        const x = left + dx;
        const y = top + dy;
        if (x < 0 || y < 0 || x >= width || y >= height) continue;
        if (rgba[(y * width + x) * 4] !== (row & bit ? 0 : 0xff)) return false;
      }
      return true;
    });
  for (let y = -1; y < height - 12; y++) {
    for (let x = -1; x < width - 10; x++) if (isArrow(x, y)) return { x: x + 1, y: y + 1 };
  }
  return undefined;
}

/** A part of the picture as a number that is the same for the same pixels. */
export function regionMark(picture: Picture, x: number, y: number, width: number, height: number): string {
  const bytes = new Uint8Array(width * height * 4);
  for (let row = 0; row < height; row++) {
    const from = ((y + row) * picture.width + x) * 4;
    bytes.set(picture.rgba.subarray(from, from + width * 4), row * width * 4);
  }
  return crc32(bytes).toString(16).padStart(8, '0');
}

const STEP_SECONDS = 0.03;
const MOST_STEPS = 600;
const CLICK_SECONDS = 0.1;

/** Somebody at a Macintosh's desk: looks where the arrow is and moves the mouse until it is where it should be. */
export class MacUser {
  readonly #session: MachineSession;
  #buttons = 0;

  constructor(session: MachineSession) {
    this.#session = session;
  }

  async look(): Promise<Picture> {
    const picture = await this.#session.screenshot();
    if (picture === undefined) throw new Error('the screen is dark');
    return picture;
  }

  /** Moves the arrow there. */
  async pointTo(x: number, y: number): Promise<void> {
    for (let step = 0; step < MOST_STEPS; step++) {
      const at = findArrow(await this.look());
      if (at === undefined) {
        // A watch, or the arrow is being drawn.
        await this.wait(STEP_SECONDS);
        continue;
      }
      if (at.x === x && at.y === y) return;
      await this.#session.pointer(stride(x - at.x), stride(y - at.y), this.#buttons);
      await this.wait(STEP_SECONDS);
    }
    throw new Error(`the arrow does not reach ${x}, ${y}`);
  }

  async press(): Promise<void> {
    this.#buttons = 1;
    await this.#session.pointer(0, 0, 1);
    await this.wait(CLICK_SECONDS);
  }

  async release(): Promise<void> {
    this.#buttons = 0;
    await this.#session.pointer(0, 0, 0);
    await this.wait(CLICK_SECONDS);
  }

  async click(): Promise<void> {
    await this.press();
    await this.release();
  }

  /** A key while Command is held. */
  async command(code: string): Promise<void> {
    for (const [key, down] of [
      ['MetaLeft', true],
      [code, true],
      [code, false],
      ['MetaLeft', false],
    ] as const) {
      await this.#session.key(key, down);
      await this.wait(CLICK_SECONDS);
    }
  }

  async wait(seconds: number): Promise<void> {
    await this.#session.runFor(seconds);
  }

  /** Waits until a part of the screen looks as it should; false when it does not come to that. */
  async sees(mark: string, [x, y, width, height]: readonly [number, number, number, number], seconds: number) {
    for (let waited = 0; waited < seconds; waited++) {
      const picture = await this.#session.screenshot();
      if (picture !== undefined && picture.width >= x + width && regionMark(picture, x, y, width, height) === mark) {
        return true;
      }
      await this.wait(1);
    }
    return false;
  }
}

/** Mac OS makes fast motion longer: near the goal go slowly. */
function stride(distance: number): number {
  if (Math.abs(distance) < 4) return Math.sign(distance) * 2;
  return Math.max(-12, Math.min(12, distance));
}

const BLOCK = 512;
const MAP_ENTRY_BLOCKS = 4; // offsets in an entry of the partition map
const MAP_ENTRY_COUNT = 12;
const MAP_ENTRY_DATA_COUNT = 84;

/**
 * A SCSI disk: partition map and drivers of the header file, whose last two entries are an HFS partition that begins
 * where the file ends, and what is free behind it; `volume` becomes that partition.
 */
export function scsiDisk(headerFile: string, volume: Uint8Array): Uint8Array {
  const header = new Uint8Array(readFileSync(headerFile));
  const view = new DataView(header.buffer);
  const first = header.length / BLOCK;
  const blocks = volume.length / BLOCK;
  const free = 16;
  const entries = view.getUint32(BLOCK + MAP_ENTRY_BLOCKS);
  const hfs = Array.from({ length: entries }, (_, index) => (index + 1) * BLOCK).find(
    (at) => view.getUint32(at + 8) === first,
  );
  if (hfs === undefined) throw new Error(`${headerFile} has no partition at its end`);
  view.setUint32(hfs + MAP_ENTRY_COUNT, blocks);
  view.setUint32(hfs + MAP_ENTRY_DATA_COUNT, blocks);
  view.setUint32(hfs + BLOCK + 8, first + blocks);
  view.setUint32(hfs + BLOCK + MAP_ENTRY_COUNT, free);
  view.setUint32(4, first + blocks + free);
  const disk = new Uint8Array((first + blocks + free) * BLOCK);
  disk.set(header);
  disk.set(volume, header.length);
  return disk;
}
