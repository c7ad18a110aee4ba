// SPDX-License-Identifier: MIT
//
// IA-64 ELF programs as the loader sees them. Every field comes from an untrusted file.

export interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly va: bigint;
  readonly fileSize: number;
  readonly memorySize: number;
}

export interface ElfFile {
  /** ET_EXEC (2) or ET_DYN (3). */
  readonly type: number;
  readonly entry: bigint;
  readonly flags: number;
  readonly programHeaderOffset: number;
  readonly segments: readonly Segment[];
}

export const PT_LOAD = 1;
export const PT_INTERP = 3;
export const PT_PHDR = 6;
export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;
export const ELF_HEADER_SIZE = 64;
export const PROGRAM_HEADER_SIZE = 56;

const EM_IA_64 = 50;
const ELFOSABI_HPUX = 1;
const MACHINES: Record<number, string> = {
  2: 'SPARC',
  3: 'i386',
  8: 'MIPS',
  15: 'PA-RISC',
  20: 'PowerPC',
  21: 'PowerPC64',
  22: 'S/390',
  40: 'ARM',
  43: 'SPARC64',
  62: 'x86-64',
  183: 'AArch64',
  243: 'RISC-V',
  258: 'LoongArch',
};

/** Why a file is not a program this kernel runs; one line for the user. */
export class ElfError extends Error {
  override readonly name = 'ElfError';
  /** It is a program, but for another machine. */
  readonly foreign: boolean;

  constructor(message: string, foreign = false) {
    super(message);
    this.foreign = foreign;
  }
}

export const isElf = (head: Uint8Array): boolean =>
  head.length >= 4 && head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46;

/** `read` gives up to `length` bytes at a position of the file. */
export function parseElf(read: (position: number, length: number) => Uint8Array): ElfFile {
  const head = read(0, ELF_HEADER_SIZE);
  if (!isElf(head)) throw new ElfError('not an ELF file');
  if (head.length < ELF_HEADER_SIZE) throw new ElfError('truncated ELF header');
  if (head[4] !== 2) throw new ElfError('a 32-bit program, not an IA-64 Linux one', true);
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const little = head[5] === 1;
  const machine = view.getUint16(18, little);
  if (machine !== EM_IA_64) {
    throw new ElfError(`a program for ${MACHINES[machine] ?? `machine ${machine}`}, not for IA-64`, true);
  }
  if (head[7] === ELFOSABI_HPUX) throw new ElfError('an HP-UX program, not a Linux one');
  if (!little) throw new ElfError('a big-endian IA-64 program, which Linux does not run');
  const type = view.getUint16(16, true);
  if (type !== 2 && type !== 3) throw new ElfError(type === 1 ? 'an object file, not a program' : 'not an executable');
  const count = view.getUint16(56, true);
  const programHeaderOffset = Number(view.getBigUint64(32, true));
  if (view.getUint16(54, true) !== PROGRAM_HEADER_SIZE || count === 0 || count > 1024) {
    throw new ElfError('corrupt program headers');
  }
  const table = read(programHeaderOffset, count * PROGRAM_HEADER_SIZE);
  if (table.length < count * PROGRAM_HEADER_SIZE) throw new ElfError('truncated program headers');
  const headers = new DataView(table.buffer, table.byteOffset, table.length);
  const segments = Array.from({ length: count }, (_, index): Segment => {
    const at = index * PROGRAM_HEADER_SIZE;
    return {
      type: headers.getUint32(at, true),
      flags: headers.getUint32(at + 4, true),
      offset: Number(headers.getBigUint64(at + 8, true)),
      va: headers.getBigUint64(at + 16, true),
      fileSize: Number(headers.getBigUint64(at + 32, true)),
      memorySize: Number(headers.getBigUint64(at + 40, true)),
    };
  });
  if (!segments.some(({ type: kind, memorySize }) => kind === PT_LOAD && memorySize > 0)) {
    throw new ElfError('nothing to load');
  }
  for (const { type: kind, fileSize, memorySize } of segments) {
    if (kind === PT_LOAD && fileSize > memorySize) throw new ElfError('corrupt program headers');
  }
  return { type, entry: view.getBigUint64(24, true), flags: view.getUint32(48, true), programHeaderOffset, segments };
}
