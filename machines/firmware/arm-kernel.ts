// SPDX-License-Identifier: MIT
//
// Linux kernels for ARM: a zImage, or an ELF file; and what else people take for one.
// Documents: [Linux] Documentation/arm/booting.rst, arch/arm/boot/compressed/head.S.
import { MachineConfigError } from '../backplane/machine-config-error.ts';
import type { Image } from '../backplane/machine.ts';
import type { MemoryBlock } from '../backplane/memory.ts';
import { gunzip, InflateError } from './inflate.ts';
import { EM_ARM, ElfError, type ElfFile, isElf, parseElf } from './elf.ts';

const ZIMAGE_MAGIC_AT = 0x24;
const ZIMAGE_START_AT = 0x28;
const ZIMAGE_END_AT = 0x2c;
const ZIMAGE_ORDER_AT = 0x30;
const ZIMAGE_HEADER_BYTES = 0x34;
const ZIMAGE_MAGIC = 0x016f_2818;
const ZIMAGE_BIG_ENDIAN = 0x0102_0304;
const UIMAGE_MAGIC = 0x2705_1956;
const UIMAGE_HEADER_BYTES = 64;
const BIG_ENDIAN = 'is for big-endian ARM, this board is little-endian';
const X86_MAGIC_AT = 0x202;
const X86_MAGIC = 'HdrS';

const LINUX = 'Linux version ';
/** No kernel is larger. */
const MOST_KERNEL_BYTES = 1 << 25;

export interface KernelPlace {
  /** A word every Linux kernel for the board has in it. */
  readonly board: string;
  /** How Linux kernels name the board's processor, and one that the kernel may be for instead. */
  readonly processor?: { readonly name: string; readonly other: string; readonly advice: string };
  /** Virtual address of the first byte of RAM in the kernel's own view. */
  readonly linkBase: number;
  /** Where a zImage goes. */
  readonly at: number;
}

/**
 * Puts a kernel into RAM that begins at physical address 0. Gives its entry, and where what it needs at first ends.
 * @throws {MachineConfigError} for what is not a little-endian kernel for ARM and this board, or does not fit.
 */
export function loadArmKernel(kernel: Image, ram: MemoryBlock, place: KernelPlace): { pc: number; end: number } {
  const refuse = (what: string): never => {
    throw new MachineConfigError(`--kernel: ${kernel.title} ${what}`);
  };
  const loaded = isElf(kernel.bytes)
    ? loadElf(kernel, ram, place.linkBase, refuse)
    : loadZImage(kernel.bytes, ram, place.at, refuse);
  const unpacked = isElf(kernel.bytes) ? kernel.bytes : unpack(kernel.bytes);
  if (unpacked === undefined || !has(unpacked, LINUX)) return loaded;
  if (!has(unpacked, place.board)) refuse(`is a kernel for another board: it does not know "${place.board}"`);
  if (place.processor === undefined) return loaded;
  const { name, other, advice } = place.processor;
  if (has(unpacked, other) && !has(unpacked, name)) {
    refuse(`is a kernel for another processor: it knows "${other}", not "${name}"; ${advice}`);
  }
  return loaded;
}

function loadElf(
  { bytes, title }: Image,
  ram: MemoryBlock,
  linkBase: number,
  refuse: (what: string) => never,
): { pc: number; end: number } {
  const elf = parse(bytes, title);
  if (elf.bigEndian) refuse(BIG_ENDIAN);
  let end = 0;
  const inRam = (address: number): number => (address >= linkBase ? address - linkBase : address);
  const placed = elf.segments.map((segment) => ({ ...segment, at: inRam(segment.physical) }));
  for (const { at, memoryBytes } of placed) {
    if (at >= ram.size) refuse(`is linked for ${hex(at)}, where this board has no RAM`);
    if (at + memoryBytes > ram.size) refuse(`needs RAM up to ${hex(at + memoryBytes)}; give more --ram`);
    end = Math.max(end, at + memoryBytes);
  }
  const pc = inRam(elf.entry);
  if (!placed.some(({ at, memoryBytes }) => pc >= at && pc < at + memoryBytes)) {
    refuse(`begins at ${hex(pc)}, which is not in it`);
  }
  for (const { at, bytes: data } of placed) ram.bytes.set(data, at);
  return { pc, end };
}

function parse(bytes: Uint8Array, title: string): ElfFile {
  try {
    return parseElf(bytes, EM_ARM);
  } catch (error) {
    if (error instanceof ElfError) throw new MachineConfigError(`--kernel: ${title}: ${error.message}`);
    throw error;
  }
}

function loadZImage(
  bytes: Uint8Array,
  ram: MemoryBlock,
  at: number,
  refuse: (what: string) => never,
): { pc: number; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isZImage = bytes.length >= ZIMAGE_HEADER_BYTES && view.getUint32(ZIMAGE_MAGIC_AT, true) === ZIMAGE_MAGIC;
  if (!isZImage) refuse(`is ${foreign(bytes, view)}neither an ARM zImage nor an ELF kernel`);
  if (view.getUint32(ZIMAGE_ORDER_AT, true) === ZIMAGE_BIG_ENDIAN) refuse(BIG_ENDIAN);
  const stated = view.getUint32(ZIMAGE_END_AT, true) - view.getUint32(ZIMAGE_START_AT, true);
  if (bytes.length < stated) refuse(`is truncated: ${bytes.length} of ${stated} bytes`);
  if (at + bytes.length > ram.size) {
    refuse(`has ${bytes.length} bytes, room is for ${Math.max(0, ram.size - at)}; give more --ram`);
  }
  ram.bytes.set(bytes, at);
  return { pc: at, end: at + bytes.length };
}

/** The kernel inside a zImage, where it is packed with gzip and whole. */
function unpack(bytes: Uint8Array): Uint8Array | undefined {
  for (let at = bytes.indexOf(0x1f); at >= 0; at = bytes.indexOf(0x1f, at + 1)) {
    if (bytes[at + 1] !== 0x8b || bytes[at + 2] !== 8) continue;
    try {
      return gunzip(bytes, at, MOST_KERNEL_BYTES);
    } catch (error) {
      if (!(error instanceof InflateError)) throw error;
    }
  }
  return undefined;
}

function has(bytes: Uint8Array, word: string): boolean {
  const wanted = new TextEncoder().encode(word);
  for (let at = bytes.indexOf(wanted[0]!); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return true;
  }
  return false;
}

/** What the file is instead, where that can be told. */
function foreign(bytes: Uint8Array, view: DataView): string {
  if (bytes.length >= ZIMAGE_HEADER_BYTES && view.getUint32(ZIMAGE_MAGIC_AT) === ZIMAGE_MAGIC) {
    return 'a zImage for big-endian ARM, ';
  }
  if (bytes.length >= UIMAGE_HEADER_BYTES && view.getUint32(0) === UIMAGE_MAGIC) {
    return `a U-Boot image (its first ${UIMAGE_HEADER_BYTES} bytes are a header), `;
  }
  const x86 = String.fromCharCode(...bytes.subarray(X86_MAGIC_AT, X86_MAGIC_AT + X86_MAGIC.length));
  return x86 === X86_MAGIC ? 'a kernel for x86, ' : '';
}

const hex = (value: number): string => `0x${value.toString(16)}`;
