// SPDX-License-Identifier: MIT
//
// Memory write functions of the monochrome NeXT computers: windows in which a write combines each two-bit pixel with
// the one that is there, for compositing. A is what is there, B what is written, both as parts of 3.
//
//     function 0: A x B   1: A + B, at most 1   2: A x (1 - B)   3: A + B - A x B   rounded to the nearest third
//
// Sockets: a window of the size of the memory behind it. Reads give all ones for function 0 and zeros for the others.
// Documents: none public; [Previous] memory.c.
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import type { GuestMemory } from '../../backplane/memory.ts';
import type { MemoryMap } from '../../backplane/memory-map.ts';

/** By function: the pixel of A and B, of 3 parts each. */
const FUNCTIONS: readonly ((a: number, b: number) => number)[] = [
  (a, b) => Math.round((a * b) / 3),
  (a, b) => Math.min(3, a + b),
  (a, b) => Math.round(a * (1 - b / 3)),
  (a, b) => Math.round(a + b - (a * b) / 3),
];

/** By function, then by `there << 8 | written`: a byte. */
const TABLES = FUNCTIONS.map((combine) =>
  Uint8Array.from({ length: 0x1_0000 }, (_, both) => {
    let byte = 0;
    for (let shift = 0; shift < 8; shift += 2) {
      byte |= combine((both >>> (8 + shift)) & 3, (both >>> shift) & 3) << shift;
    }
    return byte;
  }),
);

const ANY: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'big' };

export interface WriteFunctionOptions {
  readonly map: MemoryMap;
  readonly memory: GuestMemory;
  /** The memory behind the window. */
  readonly base: number;
  readonly size: number;
  readonly function: number;
}

export function writeFunctions({ map, memory, base, size, function: n }: WriteFunctionOptions): BusTarget {
  const table = TABLES[n]!;
  const ones = n === 0;
  return {
    span: size,
    access: ANY,
    read: (_offset, width) => (ones ? 2 ** (width * 8) - 1 : 0),
    peek: () => (ones ? 0xff : 0),
    write: (offset: number, width: Width, value: number) => {
      const range = map.at(base + offset);
      if (range?.target.kind !== 'ram') return;
      const { block } = range.target;
      const at = range.offset + (base + offset - range.first);
      const count = Math.min(width, block.size - at);
      for (let i = 0; i < count; i++) {
        const written = (value >>> ((width - 1 - i) * 8)) & 0xff;
        block.bytes[at + i] = table[(block.bytes[at + i]! << 8) | written]!;
      }
      memory.written(block.offset + at, count);
    },
  };
}
