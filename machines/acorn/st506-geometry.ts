// SPDX-License-Identifier: MIT
import type { AttachableDisk } from '../backplane/machine.ts';
import { ST506_SECTOR_BYTES, type St506Drive } from '../devices/st506/hd63463.ts';

/** ADFS's boot block, and the disc record in it. */
const BOOT_BLOCK = 0xc00;
const DISC_RECORD = 0x1c0;
const BOOT_BLOCK_BYTES = 0x200;

const SECTORS = 32;
const HEADS = [1, 2, 4, 5, 6, 8, 10, 12, 16] as const;
const MOST_CYLINDERS = 1024;

/** An image has no geometry: it is what its boot block says, and as an ST506 drive of its size has it without one. */
export function st506Drive(medium: AttachableDisk): St506Drive {
  const bytes = medium.blockBytes * medium.blockCount;
  if (bytes >= BOOT_BLOCK + BOOT_BLOCK_BYTES) {
    const block = new Uint8Array(Math.ceil(BOOT_BLOCK_BYTES / medium.blockBytes) * medium.blockBytes);
    medium.read(BOOT_BLOCK / medium.blockBytes, block);
    const [log2Sector = 0, sectors = 0, heads = 0] = block.subarray(DISC_RECORD);
    const sum = checksum(block.subarray(0, BOOT_BLOCK_BYTES - 1));
    if (sum === block[BOOT_BLOCK_BYTES - 1] && log2Sector === 8 && sectors > 0 && heads > 0 && heads <= 16) {
      return { medium, heads, sectors };
    }
  }
  const fits = (heads: number): boolean => bytes <= MOST_CYLINDERS * heads * SECTORS * ST506_SECTOR_BYTES;
  return { medium, heads: HEADS.find(fits) ?? 16, sectors: SECTORS };
}

/** Bytes from the last to the first are added with the carry of the one before; the carry of the first is lost. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes.toReversed()) sum = (sum & 0xff) + (sum >>> 8) + byte;
  return sum & 0xff;
}
