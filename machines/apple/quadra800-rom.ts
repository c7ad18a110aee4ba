// SPDX-License-Identifier: MIT
import { MachineConfigError } from '../backplane/machine-config-error.ts';
import type { Image } from '../backplane/machine.ts';
import type { MemoryBlock } from '../backplane/memory.ts';

/** Puts the machine's ROM into its place. */
export function loadMacRom(rom: MemoryBlock, images: readonly Image[]): void {
  const [image, ...others] = images;
  if (image === undefined) return;
  if (others.length > 0) throw new MachineConfigError('quadra800 has one ROM; give one --rom');
  if (image.bytes.length !== rom.size) {
    throw new MachineConfigError(`--rom: ${image.title} has ${image.bytes.length} bytes, the ROM has ${rom.size}`);
  }
  rom.bytes.set(image.bytes);
}
