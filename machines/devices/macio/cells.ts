// SPDX-License-Identifier: MIT
//
// How Mac-IO chips show byte-wide cells: their registers far apart, or in another order.
import type { BusTarget, Width } from '../../backplane/bus.ts';

const ANY_WIDTH = { min: 1, max: 4 } as const;

/**
 * `registers` byte registers of `target`, one each `stride` bytes. Wherever an access falls, and however wide it is, it
 * is one access to the register; the byte is on the first lane.
 */
export function strided(target: BusTarget, stride: number, registers = target.span): BusTarget {
  return byteCell(registers * stride, (offset) => Math.floor(offset / stride), target);
}

/** Registers of `target` at listed offsets, [offset here, offset there]; what is not listed reads zero. */
export function rearranged(target: BusTarget, span: number, places: readonly (readonly [number, number])[]): BusTarget {
  const there = new Map(places);
  return byteCell(span, (offset) => there.get(offset), target);
}

/** The legacy order of the serial controller's registers at 0x12000, as places of the order at 0x13000. */
export const ESCC_COMPATIBLE: readonly (readonly [number, number])[] = [
  [0x00, 0x00], // command B
  [0x02, 0x20], // command A
  [0x04, 0x10], // data B
  [0x06, 0x30], // data A
  [0x08, 0x40], // enhancement B
  [0x0a, 0x50], // enhancement A
  [0x80, 0x80], // recovery count
  [0x90, 0x90], // start A
  [0xa0, 0xa0], // start B
  [0xb0, 0xb0], // detect AB
];

function byteCell(span: number, place: (offset: number) => number | undefined, target: BusTarget): BusTarget {
  const lane = (width: Width): number => 8 * (width - 1);
  const inside = (offset: number): number | undefined => {
    const there = place(offset);
    return there !== undefined && there < target.span ? there : undefined;
  };
  return {
    span,
    access: { valid: ANY_WIDTH, impl: ANY_WIDTH, byteOrder: 'big' },
    read: (offset, width) => {
      const there = inside(offset);
      return there === undefined ? 0 : (target.read(there, 1) << lane(width)) >>> 0;
    },
    write: (offset, width, value) => {
      const there = inside(offset);
      if (there !== undefined) target.write(there, 1, (value >>> lane(width)) & 0xff);
    },
    peek: (offset) => {
      const there = inside(offset);
      return there === undefined ? 0 : target.peek?.(there);
    },
  };
}
