// SPDX-License-Identifier: MIT
//
// ELF executables (System V ABI, gABI 4.1 chapters 4 and 5): just the program headers, as a loader needs them.

/** A part of an executable that goes to memory. Bytes beyond `bytes.length` up to `memoryBytes` are zero. */
export interface ElfSegment {
  readonly virtual: number;
  readonly physical: number;
  readonly memoryBytes: number;
  readonly bytes: Uint8Array;
}

export interface ElfFile {
  readonly machine: number;
  readonly bigEndian: boolean;
  readonly entry: number;
  /** The PT_LOAD segments, in file order. */
  readonly segments: readonly ElfSegment[];
}

export const EM_68K = 4;
export const EM_PPC = 20;
export const EM_ARM = 40;

/** Processors whose programs are taken for those of another. */
const MACHINE_NAMES: Readonly<Record<number, string>> = {
  2: 'SPARC',
  3: 'x86',
  [EM_68K]: '68000',
  8: 'MIPS',
  [EM_PPC]: 'PowerPC',
  21: '64-bit PowerPC',
  [EM_ARM]: 'ARM',
  42: 'SuperH',
  50: 'IA-64',
  62: 'x86-64',
  183: '64-bit ARM',
  243: 'RISC-V',
};

const machineName = (machine: number): string =>
  Object.hasOwn(MACHINE_NAMES, machine) ? `${MACHINE_NAMES[machine]}, ` : '';

const ET_EXEC = 2;
const ET_DYN = 3;
const PT_LOAD = 1;
const HEADER_BYTES = 52;
const PROGRAM_HEADER_BYTES = 32;

/** What is wrong with a file that should be an executable. */
export class ElfError extends Error {
  override readonly name = 'ElfError';
}

export const isElf = (bytes: Uint8Array): boolean =>
  bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;

/** Reads a 32-bit ELF executable for `machine`. Throws {@link ElfError}, with what was expected and found. */
export function parseElf(bytes: Uint8Array, machine: number): ElfFile {
  if (!isElf(bytes)) throw new ElfError('it is not an ELF file');
  if (bytes.length < HEADER_BYTES) throw new ElfError('its ELF header is cut short');
  if (bytes[4] !== 1) throw new ElfError('it is not a 32-bit ELF file');
  const bigEndian = bytes[5] === 2;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u16 = (at: number): number => view.getUint16(at, !bigEndian);
  const u32 = (at: number): number => view.getUint32(at, !bigEndian);
  const type = u16(16);
  if (type !== ET_EXEC && type !== ET_DYN) throw new ElfError(`it is not an executable (ELF type ${type})`);
  if (u16(18) !== machine) {
    throw new ElfError(`it is for ${machineName(u16(18))}ELF machine ${u16(18)}, expected ${machine}`);
  }
  const table = u32(28);
  const entrySize = u16(42);
  const count = u16(44);
  if (entrySize < PROGRAM_HEADER_BYTES) throw new ElfError(`its program headers have ${entrySize} bytes each`);
  if (table + count * entrySize > bytes.length) throw new ElfError('its program headers lie outside the file');
  const segments: ElfSegment[] = [];
  for (let at = table; at < table + count * entrySize; at += entrySize) {
    if (u32(at) !== PT_LOAD) continue;
    const offset = u32(at + 4);
    const fileBytes = u32(at + 16);
    const memoryBytes = u32(at + 20);
    const physical = u32(at + 12);
    if (offset + fileBytes > bytes.length) throw new ElfError('a segment lies outside the file: is it cut short?');
    if (fileBytes > memoryBytes || physical + memoryBytes > 0x1_0000_0000) throw new ElfError('a segment is damaged');
    segments.push({
      virtual: u32(at + 8),
      physical,
      memoryBytes,
      bytes: bytes.subarray(offset, offset + fileBytes),
    });
  }
  if (segments.length === 0) throw new ElfError('it has nothing to load');
  return { machine, bigEndian, entry: u32(24), segments };
}
