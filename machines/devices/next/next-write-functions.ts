// SPDX-License-Identifier: MIT
//
// Memory write functions of the monochrome NeXT computers: windows in which a write combines each two-bit pixel with
// the one that is there, for compositing. A is what is there, B what is written, both as parts of 3.
//
//     function 0: A x B   1: A + B, at most 1   2: (1 - A) x B   3: A + B - A x B
//
// Sockets: `window(block, size, offset)`, a span of four times `size`: one copy for each function. Reads give all ones
// in the first window and zeros in the others.
// Documents: none public; the table is that of [Previous] memory.c, which has it from the hardware.
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import type { GuestMemory } from '../../backplane/memory.ts';
import type { MemoryMap } from '../../backplane/memory-map.ts';

const PIXELS = [
  [
    [0, 0, 0, 0],
    [0, 0, 1, 1],
    [0, 1, 1, 2],
    [0, 1, 2, 3],
  ],
  [
    [0, 1, 2, 3],
    [1, 2, 3, 3],
    [2, 3, 3, 3],
    [3, 3, 3, 3],
  ],
  [
    [0, 0, 0, 0],
    [1, 1, 0, 0],
    [2, 1, 1, 0],
    [3, 2, 1, 0],
  ],
  [
    [0, 1, 2, 3],
    [1, 2, 2, 3],
    [2, 2, 3, 3],
    [3, 3, 3, 3],
  ],
] as const;

/** By function, then by `there << 8 | written`: a byte. */
const TABLES = PIXELS.map((table) =>
  Uint8Array.from({ length: 0x1_0000 }, (_, both) => {
    let byte = 0;
    for (let shift = 0; shift < 8; shift += 2) {
      byte |= table[(both >>> (8 + shift)) & 3]![(both >>> shift) & 3]! << shift;
    }
    return byte;
  }),
);

const ANY: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'big' };

/** The four windows, `size` bytes each and one after another, onto the memory at `base` of `map`. */
export function writeFunctions(map: MemoryMap, memory: GuestMemory, base: number, size: number): BusTarget {
  return {
    span: size * 4,
    access: ANY,
    read: (offset, width) => (offset < size ? (width === 4 ? 0xffff_ffff : 2 ** (width * 8) - 1) : 0),
    peek: (offset) => (offset < size ? 0xff : 0),
    write: (offset: number, width: Width, value: number) => {
      const table = TABLES[Math.floor(offset / size)]!;
      const pa = base + (offset % size);
      const range = map.at(pa);
      if (range?.target.kind !== 'ram') return;
      const { block } = range.target;
      const at = range.offset + (pa - range.first);
      for (let i = 0; i < width && at + i < block.size; i++) {
        const written = (value >>> ((width - 1 - i) * 8)) & 0xff;
        block.bytes[at + i] = table[(block.bytes[at + i]! << 8) | written]!;
      }
      memory.written(block.offset + at, Math.min(width, block.size - at));
    },
  };
}
