// SPDX-License-Identifier: MIT
import { type Plain, type PlainFields, SavedFields, SnapshotError } from '../../backplane/device.ts';
import { type BlockDevice, MediumError } from '../../backplane/host.ts';
import { CellTrack } from './cell-track.ts';
import { mfmSectorsOf, mfmTrack } from './mfm-cells.ts';
import { GCR_SECTOR_BYTES, gcrSectors, gcrSectorsOf, gcrTrack } from './sony-gcr.ts';

export const SONY_CYLINDERS = 80;
const BLOCK_BYTES = 512;
const TAG_BYTES = 12;
const CACHED_TRACKS = 4;
const MAX_CELLS = 200_000;

export interface SonyFormat {
  readonly title: string;
  readonly blocks: number;
  readonly sides: 1 | 2;
  readonly recording: 'gcr' | 'mfm';
  /** The second hole of the jacket. */
  readonly highDensity: boolean;
}

export const SONY_FORMATS: readonly SonyFormat[] = [
  { title: '400 KB', blocks: 800, sides: 1, recording: 'gcr', highDensity: false },
  { title: '800 KB', blocks: 1600, sides: 2, recording: 'gcr', highDensity: false },
  { title: '720 KB', blocks: 1440, sides: 2, recording: 'mfm', highDensity: false },
  { title: '1440 KB', blocks: 2880, sides: 2, recording: 'mfm', highDensity: true },
];

/** Revolutions a minute, by zones of 16 cylinders in GCR. MFM disks of double density turn twice as fast as in a PC. */
const GCR_RPM = [393.38, 429.17, 472.14, 524.57, 590.11] as const;
const MFM_RPM = { high: 300, double: 600 } as const;
/** GCR cells a second: a 32nd of 15.6672 MHz. */
const GCR_CELL_HZ = 489_600;
const MFM_CELLS = { high: 200_000, double: 100_000 } as const;

export const sonyRpm = (mfm: boolean, highDensity: boolean, cylinder: number): number =>
  mfm ? MFM_RPM[highDensity ? 'high' : 'double'] : GCR_RPM[Math.min(4, cylinder >>> 4)]!;

/** Cells of a track that is written anew. */
export const sonyCells = (mfm: boolean, highDensity: boolean, cylinder: number): number =>
  mfm
    ? MFM_CELLS[highDensity ? 'high' : 'double']
    : Math.round((GCR_CELL_HZ * 60) / sonyRpm(false, highDensity, cylinder));

/**
 * A Macintosh floppy disk: an image of its sectors, encoded into tracks when the head is over them, and decoded again
 * when they have been written. Blocks behind the last sector are the tags of GCR sectors (see DiskCopy 4.2). Tracks
 * that hold something else than the image can (formatted otherwise, or half) are kept beside it.
 */
export class SonyDisk {
  readonly format: SonyFormat;
  readonly title: string;
  readonly readonly: boolean;
  readonly #blocks: BlockDevice;
  readonly #tagged: boolean;
  readonly #cache = new Map<number, CellTrack>();
  readonly #odd = new Map<number, CellTrack>();

  /** @throws {MediumError} when the image has not the size of a Macintosh disk. */
  constructor(blocks: BlockDevice) {
    const withTags = (count: number): number => count + Math.ceil((count * TAG_BYTES) / BLOCK_BYTES);
    const format = SONY_FORMATS.find(
      (one) => one.blocks === blocks.blockCount || withTags(one.blocks) === blocks.blockCount,
    );
    if (format === undefined || blocks.blockBytes !== BLOCK_BYTES) {
      const known = SONY_FORMATS.map(({ title, blocks: count }) => `${title} (${count * BLOCK_BYTES} bytes)`).join(
        ', ',
      );
      throw new MediumError(
        `floppy "${blocks.title}": ${blocks.blockCount * blocks.blockBytes} bytes; Macintosh disks have ${known}`,
      );
    }
    this.#blocks = blocks;
    this.format = format;
    this.title = blocks.title;
    this.readonly = blocks.readonly;
    this.#tagged = blocks.blockCount > format.blocks;
  }

  /** The track under the head. */
  track(cylinder: number, head: number): CellTrack {
    const index = cylinder * 2 + head;
    const known = this.#odd.get(index) ?? this.#cache.get(index);
    if (known !== undefined) return known;
    const track = this.#encode(cylinder, head);
    this.#remember(index, track);
    return track;
  }

  /** The same, empty and of another length, where the track is to be recorded otherwise. */
  trackFor(cylinder: number, head: number, mfm: boolean): CellTrack {
    const track = this.track(cylinder, head);
    const length = sonyCells(mfm, this.format.highDensity, cylinder);
    if (track.length === length) return track;
    const empty = new CellTrack(length);
    this.#remember(cylinder * 2 + head, empty);
    return empty;
  }

  /**
   * The track's cells were changed: what can be read is put into the image. False where that is nothing.
   * @throws {MediumError}
   */
  written(cylinder: number, head: number): boolean {
    const index = cylinder * 2 + head;
    const track = this.track(cylinder, head);
    const { recording } = this.format;
    const first = this.#firstBlock(cylinder, head);
    const last = recording === 'gcr' ? gcrSectors(cylinder) : this.#mfmSectors;
    const seen = new Set<number>();
    this.#odd.set(index, track);
    if (cylinder >= SONY_CYLINDERS || head >= this.format.sides) return false;
    if (recording === 'gcr') {
      for (const { sector, bytes } of gcrSectorsOf(track, cylinder, head)) {
        if (sector >= last) continue;
        seen.add(sector);
        this.#store(first + sector, bytes.subarray(TAG_BYTES));
        if (this.#tagged) this.#writeTags(first + sector, bytes.subarray(0, TAG_BYTES));
      }
    } else {
      for (const { sector, bytes } of mfmSectorsOf(track, cylinder, head)) {
        if (sector < 1 || sector > last) continue;
        seen.add(sector);
        this.#store(first + sector - 1, bytes);
      }
    }
    // Tags that the image cannot keep stay as they were written for as long as the machine runs.
    if (seen.size === last && (recording === 'mfm' || this.#tagged)) {
      this.#odd.delete(index);
      this.#remember(index, track);
    }
    return seen.size > 0;
  }

  flush(): void {
    if (!this.readonly) this.#blocks.flush();
  }

  get #mfmSectors(): 9 | 18 {
    return this.format.highDensity ? 18 : 9;
  }

  #remember(index: number, track: CellTrack): void {
    this.#cache.delete(index);
    this.#cache.set(index, track);
    for (const key of this.#cache.keys()) {
      if (this.#cache.size <= CACHED_TRACKS) break;
      this.#cache.delete(key);
    }
  }

  #firstBlock(cylinder: number, head: number): number {
    const { sides, recording } = this.format;
    if (recording === 'mfm') return (cylinder * 2 + head) * this.#mfmSectors;
    let before = 0;
    for (let i = 0; i < cylinder; i++) before += gcrSectors(i);
    return before * sides + head * gcrSectors(cylinder);
  }

  #encode(cylinder: number, head: number): CellTrack {
    const { sides, recording, highDensity } = this.format;
    const mfm = recording === 'mfm';
    const length = sonyCells(mfm, highDensity, cylinder);
    if (cylinder >= SONY_CYLINDERS || head >= sides) return new CellTrack(length);
    const first = this.#firstBlock(cylinder, head);
    if (mfm) return mfmTrack(length, cylinder, head, this.#mfmSectors, (sector) => this.#read(first + sector - 1));
    return gcrTrack(length, cylinder, head, sides, (sector) => {
      const bytes = new Uint8Array(GCR_SECTOR_BYTES);
      bytes.set(this.#read(first + sector), TAG_BYTES);
      if (this.#tagged) bytes.set(this.#tagsOf(first + sector), 0);
      return bytes;
    });
  }

  /** A sector the host cannot read is zeros: the drive has no way to say so. */
  #read(block: number): Uint8Array {
    const bytes = new Uint8Array(BLOCK_BYTES);
    try {
      this.#blocks.read(block, bytes);
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      bytes.fill(0);
    }
    return bytes;
  }

  #store(block: number, bytes: Uint8Array): void {
    if (this.#read(block).some((byte, i) => byte !== bytes[i])) this.#blocks.write(block, bytes.slice());
  }

  /** Blocks with the tags of `block`, and where they begin in them. */
  #tagPlace(block: number): { first: number; within: number; bytes: Uint8Array } {
    const at = block * TAG_BYTES;
    const from = Math.floor(at / BLOCK_BYTES);
    const to = Math.floor((at + TAG_BYTES - 1) / BLOCK_BYTES);
    const bytes = new Uint8Array((to - from + 1) * BLOCK_BYTES);
    const first = this.format.blocks + from;
    this.#blocks.read(first, bytes);
    return { first, within: at - from * BLOCK_BYTES, bytes };
  }

  #tagsOf(block: number): Uint8Array {
    const { within, bytes } = this.#tagPlace(block);
    return bytes.subarray(within, within + TAG_BYTES);
  }

  #writeTags(block: number, tags: Uint8Array): void {
    const { first, within, bytes } = this.#tagPlace(block);
    bytes.set(tags, within);
    this.#blocks.write(first, bytes);
  }

  save(): PlainFields {
    const odd = [...this.#odd].map(([index, track]): Plain => ({ index, length: track.length, bits: track.toBits() }));
    return { blocks: this.#blocks.blockCount, odd };
  }

  restore(state: PlainFields): void {
    const fields = new SavedFields(`floppy ${this.title}`, state);
    if (fields.int('blocks', 0, 1e6) !== this.#blocks.blockCount)
      throw new SnapshotError(`floppy ${this.title}: another size`);
    this.#cache.clear();
    this.#odd.clear();
    fields.list('odd', 4 * SONY_CYLINDERS).forEach((entry) => {
      if (entry === null || typeof entry !== 'object' || Array.isArray(entry) || ArrayBuffer.isView(entry)) {
        throw new SnapshotError(`floppy ${this.title}: a damaged track`);
      }
      const one = new SavedFields(`floppy ${this.title}`, entry as PlainFields);
      const length = one.int('length', 16, MAX_CELLS);
      const track = CellTrack.fromBits(one.bytes('bits', Math.ceil(length / 8)), length);
      this.#odd.set(one.int('index', 0, 2 * SONY_CYLINDERS + 15), track);
    });
  }
}
