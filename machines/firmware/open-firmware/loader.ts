// SPDX-License-Identifier: MIT
//
// What can be started: 32-bit big-endian PowerPC ELF programs, CHRP boot scripts and Forth text.
import { textOf } from './forth.ts';

export interface Segment {
  readonly va: number;
  readonly pa: number;
  readonly bytes: Uint8Array;
  readonly memoryBytes: number;
}

export interface ElfImage {
  readonly entry: number;
  readonly segments: readonly Segment[];
  /** Lowest address, and the size up to the highest. */
  readonly base: number;
  readonly span: number;
}

const EM_PPC = 20;
const ET_EXEC = 2;
const ET_DYN = 3;
const PT_LOAD = 1;
const MAX_SEGMENTS = 64;

/** Why an image cannot be started, for the user. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
}

export const isElf = (image: Uint8Array): boolean =>
  image.length >= 4 && image[0] === 0x7f && image[1] === 0x45 && image[2] === 0x4c && image[3] === 0x46;

/** Reads an ELF file. Addresses are virtual ones; nothing in the file is trusted. */
export function readElf(image: Uint8Array): ElfImage {
  if (!isElf(image) || image.length < 52) throw new ImageError('not an ELF file');
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  if (image[4] !== 1 || image[5] !== 2) throw new ImageError('not a 32-bit big-endian ELF file');
  const type = view.getUint16(16);
  if (view.getUint16(18) !== EM_PPC) throw new ImageError('not a PowerPC ELF file');
  if (type !== ET_EXEC && type !== ET_DYN) throw new ImageError('not an executable ELF file');
  const entry = view.getUint32(24);
  const headers = view.getUint32(28);
  const headerBytes = view.getUint16(42);
  const count = view.getUint16(44);
  if (count > MAX_SEGMENTS || headerBytes < 32 || headers + count * headerBytes > image.length) {
    throw new ImageError('damaged ELF program headers');
  }
  const segments: Segment[] = [];
  for (let i = 0; i < count; i++) {
    const at = headers + i * headerBytes;
    if (view.getUint32(at) !== PT_LOAD) continue;
    const [offset, va, pa, fileBytes, memoryBytes] = [4, 8, 12, 16, 20].map((field) => view.getUint32(at + field));
    if (memoryBytes === 0) continue;
    if (offset! + fileBytes! > image.length) throw new ImageError('the ELF file is cut short');
    if (fileBytes! > memoryBytes! || va! + memoryBytes! > 0x1_0000_0000)
      throw new ImageError('damaged ELF program headers');
    segments.push({ va: va!, pa: pa!, bytes: image.subarray(offset, offset! + fileBytes!), memoryBytes: memoryBytes! });
  }
  if (segments.length === 0) throw new ImageError('the ELF file has nothing to load');
  const base = Math.min(...segments.map((segment) => segment.va));
  const end = Math.max(...segments.map((segment) => segment.va + segment.memoryBytes));
  return { entry, segments, base, span: end - base };
}

/** The Forth of a CHRP boot script (`<CHRP-BOOT> … <BOOT-SCRIPT> … </BOOT-SCRIPT>`), or `undefined`. */
export function bootScript(image: Uint8Array, entities: Readonly<Record<string, string>>): string | undefined {
  const head = textOf(image.subarray(0, Math.min(image.length, 0x1_0000)));
  if (!/^\s*<chrp-boot>/i.test(head)) return undefined;
  const script = /<boot-script>([\s\S]*?)<\/boot-script>/i.exec(head)?.[1];
  return script?.replace(/&([a-z]+);/gi, (whole, name: string) => entities[name.toLowerCase()] ?? whole);
}

/** Forth source is recognized by its first characters, a comment. */
export const isForthText = (image: Uint8Array): boolean => /^\\\s/.test(textOf(image.subarray(0, 2)));
