// SPDX-License-Identifier: MIT
import { type BlockDevice, MediumError } from '../backplane/host.ts';
import { type ByteStore, assertBlocks } from './byte-store.ts';
import { RawImage } from './raw-image.ts';

/** User data of a CD-ROM sector (mode 1, and mode 2 form 1). */
export const CD_BLOCK_BYTES = 2048;
/** A whole sector as it is on the disc: sync, header, user data, EDC, ECC. */
export const CD_SECTOR_BYTES = 2352;

/** 00, ten times FF, 00: what begins every data sector [ECMA-130 §14]. */
const SYNC = [0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00];
const HEADER_MODE = 15; // offset of the mode byte, after minute, second, frame

/** Offset of the user data: after the 4-byte header in mode 1, after the 8-byte sub-header in mode 2. */
const dataOffset = (mode: number): number => (mode === 2 ? 24 : 16);

/** The sector mode when the store holds raw 2352-byte sectors, otherwise `undefined`. */
export function rawSectorMode(store: ByteStore): 1 | 2 | undefined {
  if (store.size < CD_SECTOR_BYTES || store.size % CD_SECTOR_BYTES !== 0) return undefined;
  const header = new Uint8Array(HEADER_MODE + 1);
  store.read(0, header);
  if (!SYNC.every((byte, i) => header[i] === byte)) return undefined;
  const mode = header[HEADER_MODE];
  return mode === 1 || mode === 2 ? mode : undefined;
}

/** A data track of raw sectors, seen as its 2048-byte blocks. Error correction codes are not checked. */
class RawSectorImage implements BlockDevice {
  readonly blockBytes = CD_BLOCK_BYTES;
  readonly blockCount: number;
  readonly readonly = true;
  readonly title: string;
  readonly #store: ByteStore;
  readonly #dataOffset: number;

  constructor(store: ByteStore, mode: 1 | 2) {
    this.#store = store;
    this.title = store.title;
    this.blockCount = store.size / CD_SECTOR_BYTES;
    this.#dataOffset = dataOffset(mode);
  }

  read(first: number, into: Uint8Array): void {
    assertBlocks(this, first, into.length);
    for (let i = 0; i < into.length; i += CD_BLOCK_BYTES) {
      const sector = first + i / CD_BLOCK_BYTES;
      this.#store.read(sector * CD_SECTOR_BYTES + this.#dataOffset, into.subarray(i, i + CD_BLOCK_BYTES));
    }
  }

  write(): void {
    throw new MediumError(`${this.title}: a CD-ROM cannot be written`);
  }

  flush(): void {}
}

/** A CD-ROM image: 2048-byte blocks (ISO 9660, HFS, hybrid) or one data track of raw 2352-byte sectors. */
export function cdImage(store: ByteStore): BlockDevice {
  const mode = rawSectorMode(store);
  return mode === undefined ? new RawImage(store, CD_BLOCK_BYTES, true) : new RawSectorImage(store, mode);
}
