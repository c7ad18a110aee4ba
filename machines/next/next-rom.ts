// SPDX-License-Identifier: MIT
import { MachineConfigError } from '../backplane/machine-config-error.ts';
import type { Image } from '../backplane/machine.ts';
import type { MemoryBlock } from '../backplane/memory.ts';

/** Fills the ROM sockets. Without an image they are empty: the machine can be described, not booted. */
export function loadNextRom(rom: MemoryBlock, machine: string, images: readonly Image[]): void {
  const [image, ...others] = images;
  if (others.length > 0) throw new MachineConfigError(`${machine} has one ROM; give one --rom`);
  if (image === undefined) return;
  if (image.bytes.length !== rom.size) {
    throw new MachineConfigError(`--rom: ${image.title} has ${image.bytes.length} bytes, the ROM has ${rom.size}`);
  }
  rom.bytes.set(image.bytes);
}
