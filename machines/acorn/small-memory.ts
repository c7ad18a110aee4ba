// SPDX-License-Identifier: MIT
import { type Region, region } from '../backplane/memory-map.ts';
import type { MemoryBlock } from '../backplane/memory.ts';

const MIB = 1 << 20;
const A13 = 1 << 13;
const A20 = 1 << 20;
const A21 = 1 << 21;
const CHUNK = 1 << 13;

/**
 * With pages of 32 KiB MEMC multiplexes the ten row and ten column addresses of 4 MiB. Memory chips with nine of each,
 * those of 1 and 2 MiB, do not get A13 (and, in the one bank of 1 MiB, A20), by which operating systems tell how much
 * there is.
 * The copies above 4 MiB, which nobody looks at, are left as they are.
 * @param blocks what memory is made of, from its address 0.
 */
export function largePageRows(ramBytes: number, blocks: readonly MemoryBlock[], view: string): Region[] {
  const lost = A13 | (ramBytes === MIB ? A20 : 0);
  const regions: Region[] = [];
  let place = 0;
  for (let address = 0; address < 2 * A21; address += CHUNK) {
    if (address & lost) continue;
    regions.push(
      ramAt(0x0200_0000 + address, blocks, place)
        .mirror(lost)
        .priority(1)
        .view(view),
    );
    place += CHUNK;
  }
  return regions;
}

function ramAt(address: number, blocks: readonly MemoryBlock[], place: number): Region {
  let start = 0;
  for (const block of blocks) {
    if (place < start + block.size) return region(address, address + CHUNK - 1).ram(block, place - start);
    start += block.size;
  }
  throw new RangeError(`no memory at ${place}`);
}
