// SPDX-License-Identifier: MIT
//
// Starting Linux on a 68k machine without its ROM: the kernel at its physical addresses, the boot information records
// right after it, the initial RAM disk at the end of memory [Linux/m68k bootinfo].
import { MachineConfigError } from '../backplane/machine-config-error.ts';
import type { Image } from '../backplane/machine.ts';
import type { GuestMemory, MemoryBlock } from '../backplane/memory.ts';
import { EM_68K, type ElfFile, parseElf } from './elf.ts';

/** Tags of records. Those from 0x8000 on belong to one kind of machine. */
export const BI = {
  LAST: 0x0000,
  MACHTYPE: 0x0001,
  CPUTYPE: 0x0002,
  FPUTYPE: 0x0003,
  MMUTYPE: 0x0004,
  MEMCHUNK: 0x0005,
  RAMDISK: 0x0006,
  COMMAND_LINE: 0x0007,
  RNG_SEED: 0x0008,
  MAC_MODEL: 0x8000,
  MAC_VADDR: 0x8001,
  MAC_VDEPTH: 0x8002,
  MAC_VROW: 0x8003,
  MAC_VDIM: 0x8004,
  MAC_VLOGICAL: 0x8005,
  MAC_SCCBASE: 0x8006,
  MAC_BTIME: 0x8007,
  MAC_GMTBIAS: 0x8008,
  MAC_MEMSIZE: 0x8009,
  MAC_CPUID: 0x800a,
  MAC_ROMBASE: 0x800b,
  VIRT_QEMU_VERSION: 0x8000,
  VIRT_GF_PIC_BASE: 0x8001,
  VIRT_GF_RTC_BASE: 0x8002,
  VIRT_GF_TTY_BASE: 0x8003,
  VIRT_VIRTIO_BASE: 0x8004,
  VIRT_CTRL_BASE: 0x8005,
} as const;

/** BI_MACHTYPE. */
export const MACH = { MAC: 3, VIRT: 14 } as const;

/** BI_CPUTYPE, BI_FPUTYPE and BI_MMUTYPE are one bit each. */
export const CPU_TYPE = { 68020: 1, 68030: 2, 68040: 4, 68060: 8 } as const;
export const FPU_TYPE = { 68881: 1, 68882: 2, 68040: 4, 68060: 8 } as const;
export const MMU_TYPE = { 68851: 1, 68030: 2, 68040: 4, 68060: 8 } as const;

/** Records in the order they are added; `bytes` ends them. */
export class BootInfo {
  readonly #parts: Uint8Array[] = [];

  /** A record of 32-bit words. */
  words(tag: number, ...values: number[]): this {
    const data = new Uint8Array(values.length * 4);
    const view = new DataView(data.buffer);
    for (const [index, value] of values.entries()) view.setUint32(index * 4, value);
    return this.#record(tag, data);
  }

  /** A record of a string that ends with a zero byte. */
  text(tag: number, text: string): this {
    return this.#record(tag, new TextEncoder().encode(`${text}\0`));
  }

  /** A record of bytes with their number before them, as BI_RNG_SEED is. */
  counted(tag: number, bytes: Uint8Array): this {
    return this.#record(tag, Uint8Array.of(bytes.length >>> 8, bytes.length & 0xff, ...bytes));
  }

  get bytes(): Uint8Array {
    const parts = [...this.#parts, Uint8Array.of(0, BI.LAST, 0, 4)];
    const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  #record(tag: number, data: Uint8Array): this {
    const size = 4 + Math.ceil(data.length / 4) * 4;
    if (size > 0xffff) throw new RangeError(`a boot record of ${size} bytes`);
    const record = new Uint8Array(size);
    const view = new DataView(record.buffer);
    view.setUint16(0, tag);
    view.setUint16(2, size);
    record.set(data, 4);
    this.#parts.push(record);
    return this;
  }
}

/** Linux's limit is 256 bytes; longer command lines are cut by the kernel, not here. */
const MOST_COMMAND_LINE = 0x8000;
const PAGE = 0x1000;

export interface LinuxImages {
  readonly kernel: Image;
  readonly initrd?: Image | undefined;
  readonly append?: string | undefined;
}

/** The memory that begins at physical address 0. */
export interface LinuxMemory {
  readonly memory: GuestMemory;
  readonly ram: MemoryBlock;
}

/**
 * Puts kernel, boot information and initial RAM disk into memory, and returns where execution begins. `describe` adds
 * the machine's records; memory, RAM disk and command line follow.
 */
export function loadLinux(
  images: LinuxImages,
  { memory, ram }: LinuxMemory,
  describe: (info: BootInfo) => void,
): number {
  const put = (pa: number, bytes: Uint8Array, size: number, what: string): void => {
    if (pa < 0 || pa + size > ram.size) {
      throw new MachineConfigError(
        `${what} needs memory up to 0x${(pa + size).toString(16)}, the machine has 0x${ram.size.toString(16)}; raise --ram`,
      );
    }
    ram.bytes.fill(0, pa, pa + size);
    ram.bytes.set(bytes, pa);
    memory.written(ram.offset + pa, size);
  };
  const elf = readKernel(images.kernel);
  let end = 0;
  for (const { physical, bytes, memoryBytes } of elf.segments) {
    put(physical, bytes, memoryBytes, `--kernel: ${images.kernel.title}`);
    end = Math.max(end, physical + memoryBytes);
  }
  const info = new BootInfo();
  describe(info);
  info.words(BI.MEMCHUNK, 0, ram.size);
  const { initrd, append = '' } = images;
  let free = ram.size;
  if (initrd !== undefined) {
    free = Math.floor((ram.size - initrd.bytes.length) / PAGE) * PAGE;
    put(free, initrd.bytes, initrd.bytes.length, `--initrd: ${initrd.title}`);
    info.words(BI.RAMDISK, free, initrd.bytes.length);
  }
  if (append.length > MOST_COMMAND_LINE)
    throw new MachineConfigError(`--append: at most ${MOST_COMMAND_LINE} characters`);
  info.text(BI.COMMAND_LINE, append);
  const records = info.bytes;
  const place = (end + 1) & ~1;
  if (place + records.length > free) {
    throw new MachineConfigError('the kernel and its initial RAM disk do not fit into memory together; raise --ram');
  }
  put(place, records, records.length, 'the boot information');
  return elf.entry;
}

function readKernel(kernel: Image): ElfFile {
  try {
    return parseElf(kernel.bytes, EM_68K);
  } catch (error) {
    throw new MachineConfigError(`--kernel: ${kernel.title} cannot be used: ${(error as Error).message}`);
  }
}
