// SPDX-License-Identifier: MIT
//
// Starting Linux on an ARM board with a list of tags. Document: [Linux] Documentation/arm/booting.rst, "atags".
import { MachineConfigError } from '../backplane/machine-config-error.ts';
import type { Image } from '../backplane/machine.ts';
import type { GuestMemory, MemoryBlock } from '../backplane/memory.ts';
import { type KernelPlace, loadArmKernel } from './arm-kernel.ts';

const ATAG = { none: 0, core: 0x5441_0001, mem: 0x5441_0002, initrd2: 0x5442_0005, cmdline: 0x5441_0009 } as const;
const TAGS_AT = 0x100;
const KERNEL_AT = 0x8000;
const INITRD_AT = 0x80_0000;
const PAGE_BYTES = 4096;

export interface ArmLinux {
  readonly kernel: Image;
  readonly initrd: Image | undefined;
  readonly append: string | undefined;
}

/** Where the kernel is entered, with R0 = 0, R1 = the board's number, R2 = the tags. */
export interface ArmEntry {
  readonly pc: number;
  readonly tags: number;
}

/**
 * Puts a zImage (or an ELF kernel linked at the board's `linkBase`), an initial RAM disk and the tags into RAM that begins at
 * physical address 0.
 * @throws {MachineConfigError} for what is not a kernel for ARM, or does not fit.
 */
export function loadArmLinux(
  { kernel, initrd, append }: ArmLinux,
  { memory, ram }: { memory: GuestMemory; ram: MemoryBlock },
  board: Omit<KernelPlace, 'at'>,
): ArmEntry {
  const { pc, end } = loadArmKernel(kernel, ram, { ...board, at: KERNEL_AT });
  if (initrd !== undefined) checkRoom(kernel, end, initrd, ram.size);
  if (initrd !== undefined) ram.bytes.set(initrd.bytes, INITRD_AT);
  const words: number[] = [5, ATAG.core, 1, PAGE_BYTES, 0, 4, ATAG.mem, ram.size, 0];
  if (initrd !== undefined) words.push(4, ATAG.initrd2, INITRD_AT, initrd.bytes.length);
  const line = new TextEncoder().encode(`${append ?? ''}\0\0\0\0`);
  const lineWords = line.length >>> 2;
  const lineView = new DataView(line.buffer);
  words.push(2 + lineWords, ATAG.cmdline);
  for (let i = 0; i < lineWords; i++) words.push(lineView.getUint32(i * 4, true));
  words.push(0, ATAG.none);
  if (TAGS_AT + words.length * 4 > KERNEL_AT / 2) {
    throw new MachineConfigError(`--append: ${line.length} characters are too long for a kernel's command line`);
  }
  words.forEach((word, i) => ram.view.setUint32(TAGS_AT + i * 4, word, true));
  memory.written(ram.offset, ram.size);
  return { pc, tags: TAGS_AT };
}

function checkRoom(kernel: Image, kernelEnd: number, initrd: Image, ramBytes: number): void {
  if (kernelEnd > INITRD_AT) {
    throw new MachineConfigError(
      `--kernel: ${kernel.title} ends at ${kernelEnd} bytes, with --initrd room is for ${INITRD_AT}`,
    );
  }
  const room = ramBytes - INITRD_AT;
  if (initrd.bytes.length > room) {
    throw new MachineConfigError(
      `--initrd: ${initrd.title} has ${initrd.bytes.length} bytes, room is for ${Math.max(0, room)}; give more --ram`,
    );
  }
}
