// SPDX-License-Identifier: MIT
import { MachineConfigError } from '../backplane/machine-config-error.ts';
import type { Image } from '../backplane/machine.ts';
import type { MemoryBlock } from '../backplane/memory.ts';

/** Puts the machine's ROM into its place. Its first word is the sum of the 16-bit words after it. */
export function loadMacRom(rom: MemoryBlock, images: readonly Image[]): void {
  const [image, ...others] = images;
  if (image === undefined) return;
  if (others.length > 0) throw new MachineConfigError('quadra800 has one ROM; give one --rom');
  const { title, bytes } = image;
  if (bytes.length !== rom.size) {
    throw new MachineConfigError(`--rom: ${title} has ${bytes.length} bytes, the ROM has ${rom.size}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let sum = 0;
  for (let at = 4; at < bytes.length; at += 2) sum = (sum + view.getUint16(at)) >>> 0;
  const stated = view.getUint32(0);
  if (sum !== stated) {
    throw new MachineConfigError(`--rom: ${title} has checksum ${word(sum)}, its first word says ${word(stated)}`);
  }
  rom.bytes.set(bytes);
}

const word = (value: number): string => value.toString(16).padStart(8, '0');
