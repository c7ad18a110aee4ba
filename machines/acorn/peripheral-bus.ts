// SPDX-License-Identifier: MIT
import type { AccessRules, BusTarget, Width } from '../backplane/bus.ts';

const ANY: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'little', rawAddress: true };

/** Of the peripheral bus: the four cycle lengths by which a chip can be reached. */
export const CYCLE_BITS = 0x0018_0000;

/** Where the chip of a peripheral select is. */
export const peripheralBank = (select: number): number => 0x0320_0000 + select * 0x1_0000;

/**
 * A chip on the Archimedes' eight-bit peripheral bus. Registers are a word apart; a word store carries the byte in data
 * bits 23 to 16, a byte store on all lanes; loads have it in the lowest byte. [ARC TRM]
 * @param registers `bytes` for a chip whose registers count up by one, `words` for one that counts by four itself.
 */
export function onPeripheralBus(chip: BusTarget, registers: 'bytes' | 'words'): BusTarget {
  const shift = registers === 'bytes' ? 2 : 0;
  const mask = chip.span - 1;
  const place = (offset: number): number => ((offset & ~3) >>> shift) & mask;
  return {
    span: 0x1_0000,
    access: ANY,
    read: (offset: number, width: Width) => (offset & 3 && width !== 4 ? 0xff : chip.read(place(offset), 1)),
    write: (offset, width, value) => chip.write(place(offset), 1, (width === 4 ? value >>> 16 : value) & 0xff),
    peek: (offset) => (offset & 3 ? undefined : chip.peek?.(place(offset))),
  };
}
