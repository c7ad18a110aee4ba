// SPDX-License-Identifier: MIT
//
// A bank of NAND flash in an image: its pages one after another, each followed by its spare bytes, as `mkyaffs2image`
// writes them. An image with an ext4 file system has pages without spare bytes.
//
// Documents: [AOSP qemu] nand.c; ext4 as in Linux fs/ext4/ext4.h.
import { type BlockDevice, MediumError } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';

const LARGE_PAGE = { page: 2048, extra: 64 } as const;
const EXT4_PAGE = { page: 512, extra: 0 } as const;
const PAGES_PER_BLOCK = 64;
const EXT4_MAGIC_AT = 0x438;
const EXT4_MAGIC = 0xef53;

export class NandBank {
  readonly name: string;
  readonly pageBytes: number;
  readonly extraBytes: number;
  /** Bytes of a block that is erased at once, spare bytes included. */
  readonly eraseBytes: number;
  /** Whole erase blocks; an image that ends within one is erased from there on, and read-only. */
  readonly size: number;
  readonly readonly: boolean;
  readonly #medium: BlockDevice;
  readonly #log: DeviceLog;
  readonly #imageBytes: number;

  constructor(name: string, medium: BlockDevice, log: DeviceLog) {
    this.name = name;
    this.#medium = medium;
    this.#log = log;
    const { page, extra } = isExt4(medium) ? EXT4_PAGE : LARGE_PAGE;
    this.pageBytes = page;
    this.extraBytes = extra;
    this.eraseBytes = PAGES_PER_BLOCK * (page + extra);
    this.#imageBytes = medium.blockCount * medium.blockBytes;
    this.size = Math.ceil(this.#imageBytes / this.eraseBytes) * this.eraseBytes;
    this.readonly = medium.readonly || this.size !== this.#imageBytes;
  }

  /** Bytes from `at` on; what the host cannot read is erased. */
  read(at: number, into: Uint8Array): void {
    into.fill(0xff);
    const part = into.subarray(0, Math.max(0, Math.min(into.length, this.#imageBytes - at)));
    if (part.length === 0) return;
    const { first, within, blocks } = this.#cover(at, part.length);
    const whole = new Uint8Array(blocks * this.#medium.blockBytes);
    try {
      this.#medium.read(first, whole);
      part.set(whole.subarray(within, within + part.length));
    } catch (error) {
      this.#failed(error, at);
    }
  }

  /** Whether the bytes were written. */
  write(at: number, bytes: Uint8Array): boolean {
    if (this.readonly) return false;
    const { first, within, blocks } = this.#cover(at, bytes.length);
    const whole = new Uint8Array(blocks * this.#medium.blockBytes);
    try {
      if (whole.length !== bytes.length) this.#medium.read(first, whole);
      whole.set(bytes, within);
      this.#medium.write(first, whole);
      return true;
    } catch (error) {
      this.#failed(error, at);
      return false;
    }
  }

  /** The medium's blocks that have these bytes. */
  #cover(at: number, length: number): { first: number; within: number; blocks: number } {
    const { blockBytes } = this.#medium;
    const first = Math.floor(at / blockBytes);
    const within = at - first * blockBytes;
    return { first, within, blocks: Math.ceil((within + length) / blockBytes) };
  }

  #failed(error: unknown, at: number): void {
    if (!(error instanceof MediumError)) throw error;
    this.#log.info(`${error.message} (at byte %d)`, at);
  }
}

function isExt4(medium: BlockDevice): boolean {
  const block = new Uint8Array(medium.blockBytes);
  const first = Math.floor(EXT4_MAGIC_AT / medium.blockBytes);
  if (first >= medium.blockCount) return false;
  try {
    medium.read(first, block);
  } catch (error) {
    if (error instanceof MediumError) return false;
    throw error;
  }
  return new DataView(block.buffer).getUint16(EXT4_MAGIC_AT % medium.blockBytes, true) === EXT4_MAGIC;
}
