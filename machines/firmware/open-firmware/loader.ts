// SPDX-License-Identifier: MIT
//
// What can be started: 32-bit big-endian PowerPC ELF programs, CHRP boot scripts and Forth text.
import { EM_PPC, ElfError, type ElfSegment, parseElf } from '../elf.ts';
import { textOf } from './latin1.ts';

export interface Program {
  readonly entry: number;
  readonly segments: readonly ElfSegment[];
  /** Lowest virtual address, and the size up to the highest. */
  readonly base: number;
  readonly span: number;
}

const MAX_SEGMENTS = 64;

/** Reads an ELF program by its virtual addresses. Throws {@link ElfError}. */
export function readProgram(image: Uint8Array): Program {
  const { bigEndian, entry, segments: all } = parseElf(image, EM_PPC);
  const segments = all.filter((segment) => segment.memoryBytes > 0);
  if (!bigEndian) throw new ElfError('it is not a big-endian ELF file');
  if (segments.length === 0) throw new ElfError('it has nothing to load');
  if (segments.length > MAX_SEGMENTS) throw new ElfError(`it has more than ${MAX_SEGMENTS} segments`);
  const base = Math.min(...segments.map((segment) => segment.virtual));
  const end = Math.max(...segments.map((segment) => segment.virtual + segment.memoryBytes));
  if (end > 0x1_0000_0000) throw new ElfError('a segment is damaged');
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
