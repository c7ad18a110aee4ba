// SPDX-License-Identifier: MIT
//
// Macintosh floppy images: raw sectors, and Apple's DiskCopy 4.2 (docs/formats/diskcopy42.md).
import { type BlockDevice, MediumError } from '../backplane/host.ts';
import { type ByteStore, ImageError, assertBlocks } from './byte-store.ts';
import { RawImage } from './raw-image.ts';

const HEADER_BYTES = 84;
const BLOCK_BYTES = 512;
const ADVICE = 'copy the disk again';
export const TAG_BYTES = 12;
const NAME_BYTES = 63;
const DATA_SIZE = 0x40;
const TAG_SIZE = 0x44;
const DATA_CHECKSUM = 0x48;
const TAG_CHECKSUM = 0x4c;
const ENCODING = 0x50;
const MAGIC = 0x52;
const MAGIC_VALUE = 0x0100;

/** Bytes of data by the header's encoding byte: 400 KB and 800 KB GCR, 720 KB and 1440 KB MFM. */
const DATA_BYTES = [409_600, 819_200, 737_280, 1_474_560] as const;

/** The sum of DiskCopy: each 16-bit word is added, and the sum rotated right by one bit. */
export function diskCopyChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i + 1 < bytes.length; i += 2) {
    sum = (sum + ((bytes[i]! << 8) | bytes[i + 1]!)) >>> 0;
    sum = ((sum >>> 1) | (sum << 31)) >>> 0;
  }
  return sum;
}

/** The tags of the first sector are not summed. */
const tagChecksum = (tags: Uint8Array): number => diskCopyChecksum(tags.subarray(TAG_BYTES));

const bytesOfTags = (dataBytes: number): number => (dataBytes / BLOCK_BYTES) * TAG_BYTES;

/**
 * A DiskCopy 4.2 image as a medium: the data blocks and, where the image has tags, behind them the tags in as many more
 * blocks. The header's checksums follow what is written when it is flushed.
 */
export class DiskCopy42 implements BlockDevice {
  readonly blockBytes = BLOCK_BYTES;
  readonly blockCount: number;
  readonly readonly: boolean;
  readonly title: string;
  readonly #store: ByteStore;
  readonly #dataBytes: number;
  readonly #tagBytes: number;
  #changed = false;

  /** @throws {ImageError} with what is wrong with the image. */
  constructor(store: ByteStore) {
    this.#store = store;
    this.title = store.title;
    this.readonly = store.readonly;
    const header = new Uint8Array(HEADER_BYTES);
    store.read(0, header);
    const view = new DataView(header.buffer);
    const fail = (what: string): never => {
      throw new ImageError(`floppy image "${store.title}": ${what}`, ADVICE);
    };
    const hex = (value: number): string => `0x${value.toString(16)}`;
    if (store.size < HEADER_BYTES) fail(`${store.size} bytes are too few for a DiskCopy 4.2 header`);
    const magic = view.getUint16(MAGIC);
    if (magic !== MAGIC_VALUE) fail(`bad magic of DiskCopy 4.2: ${hex(magic)} instead of ${hex(MAGIC_VALUE)}`);
    if (header[0]! > NAME_BYTES) fail(`the disk's name has ${header[0]} bytes, at most ${NAME_BYTES} are possible`);
    const encoding = header[ENCODING]!;
    const wanted = DATA_BYTES[encoding];
    this.#dataBytes = view.getUint32(DATA_SIZE);
    this.#tagBytes = view.getUint32(TAG_SIZE);
    if (wanted === undefined) fail(`unknown disk encoding ${encoding}; 0 to 3 are known`);
    if (this.#dataBytes !== wanted) fail(`${this.#dataBytes} bytes of data; encoding ${encoding} has ${wanted}`);
    const tags = bytesOfTags(this.#dataBytes);
    if (this.#tagBytes !== 0 && this.#tagBytes !== tags) fail(`${this.#tagBytes} bytes of tags; expected 0 or ${tags}`);
    const size = HEADER_BYTES + this.#dataBytes + this.#tagBytes;
    if (store.size < size) fail(`the file has ${store.size} bytes, its header tells of ${size}: it is cut off`);
    this.blockCount = this.#dataBytes / BLOCK_BYTES + Math.ceil(this.#tagBytes / BLOCK_BYTES);
    this.#check(view.getUint32(DATA_CHECKSUM), diskCopyChecksum(this.#part(0, this.#dataBytes)), 'data');
    this.#check(view.getUint32(TAG_CHECKSUM), tagChecksum(this.#part(this.#dataBytes, this.#tagBytes)), 'tags');
  }

  #check(expected: number, found: number, what: string): void {
    if (expected === found) return;
    const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;
    throw new ImageError(
      `floppy image "${this.title}": checksum of its ${what} is ${hex(found)}, the header says ${hex(expected)}: damaged`,
      ADVICE,
    );
  }

  #part(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.#store.read(HEADER_BYTES + offset, bytes);
    return bytes;
  }

  read(first: number, into: Uint8Array): void {
    assertBlocks(this, first, into.length);
    const offset = first * BLOCK_BYTES;
    const inside = Math.max(0, Math.min(into.length, this.#dataBytes + this.#tagBytes - offset));
    into.set(this.#part(offset, inside));
    into.fill(0, inside);
  }

  write(first: number, from: Uint8Array): void {
    assertBlocks(this, first, from.length);
    if (this.readonly) throw new MediumError(`${this.title}: opened read-only`);
    const offset = first * BLOCK_BYTES;
    const inside = Math.max(0, Math.min(from.length, this.#dataBytes + this.#tagBytes - offset));
    this.#store.write(HEADER_BYTES + offset, from.subarray(0, inside));
    this.#changed = true;
  }

  flush(): void {
    if (this.readonly) return;
    if (this.#changed) {
      const sums = new Uint8Array(8);
      const view = new DataView(sums.buffer);
      view.setUint32(0, diskCopyChecksum(this.#part(0, this.#dataBytes)));
      view.setUint32(4, tagChecksum(this.#part(this.#dataBytes, this.#tagBytes)));
      this.#store.write(DATA_CHECKSUM, sums);
      this.#changed = false;
    }
    this.#store.flush();
  }
}

/** Sizes of files that can only be DiskCopy 4.2 images. */
const DISKCOPY_SIZES: readonly number[] = DATA_BYTES.flatMap((bytes) => [
  HEADER_BYTES + bytes,
  HEADER_BYTES + bytes + bytesOfTags(bytes),
]);

function looksLikeDiskCopy(store: ByteStore): boolean {
  if (DISKCOPY_SIZES.includes(store.size)) return true;
  if (store.size % BLOCK_BYTES === 0 || store.size < HEADER_BYTES) return false;
  const header = new Uint8Array(HEADER_BYTES);
  store.read(0, header);
  return header[MAGIC] === MAGIC_VALUE >>> 8 && header[MAGIC + 1] === (MAGIC_VALUE & 0xff) && header[0]! <= NAME_BYTES;
}

/** A floppy image of either kind. @throws {ImageError} with what is wrong with a damaged DiskCopy image. */
export function floppyImage(store: ByteStore): BlockDevice {
  if (looksLikeDiskCopy(store)) return new DiskCopy42(store);
  if (store.size % BLOCK_BYTES !== 0) {
    throw new ImageError(
      `floppy image "${store.title}": ${store.size} bytes are neither whole sectors nor a DiskCopy 4.2 image`,
      ADVICE,
    );
  }
  return new RawImage(store);
}
