// SPDX-License-Identifier: MIT
//
// How a NeXT computer's main memory is put together: four banks at fixed addresses, each empty or filled with modules of
// one size, which repeat in the bank.
import type { BusTarget } from '../backplane/bus.ts';
import type { MemoryBlock } from '../backplane/memory.ts';
import { MachineConfigError } from '../backplane/machine-config-error.ts';
import { type Region, region } from '../backplane/memory-map.ts';

const MIB = 1 << 20;
const BANKS = 4;
export const RAM_FIRST = 0x0400_0000;

export interface MemoryLayout {
  /** Bytes of address space of a bank. */
  readonly bankBytes: number;
  /** What a bank can be filled with, the largest first. */
  readonly sizes: readonly number[];
}

/** Boards with eight-bit modules, four to a bank. */
export const SIMM_30_PIN: MemoryLayout = { bankBytes: 16 * MIB, sizes: [16 * MIB, 4 * MIB, MIB] };
/** Boards with 32-bit modules, two to a bank. */
export const SIMM_COLOR: MemoryLayout = { bankBytes: 8 * MIB, sizes: [8 * MIB, 2 * MIB] };
export const SIMM_TURBO: MemoryLayout = { bankBytes: 32 * MIB, sizes: [32 * MIB, 8 * MIB, 2 * MIB] };

/** Sizes of the four banks that hold `bytes` together, with the largest modules first. */
export function banksFor(name: string, bytes: number, { sizes }: MemoryLayout): number[] {
  const banks: number[] = [];
  let rest = bytes;
  while (rest > 0 && banks.length < BANKS) {
    const size = sizes.find((one) => one <= rest);
    if (size === undefined) break;
    banks.push(size);
    rest -= size;
  }
  if (rest > 0) {
    const list = sizes.map((size) => `${size / MIB}M`).join(', ');
    throw new MachineConfigError(
      `${name} has four memory banks, of ${list} or nothing each; ${bytes / MIB}M cannot be made of them`,
    );
  }
  while (banks.length < BANKS) banks.push(0);
  return banks;
}

/** Nobody drives the bus: it still has the address on it, which is how the ROM tells. */
const emptyBank = (first: number, span: number): BusTarget => ({
  span,
  access: { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'big' },
  read: (offset, width) => (width === 4 ? first + offset : (first + offset) & (width === 2 ? 0xffff : 0xff)) >>> 0,
  write: () => {},
});

/** Where the banks are; `ram` has them one after another. */
export function memoryRegions(ram: MemoryBlock, banks: readonly number[], { bankBytes }: MemoryLayout): Region[] {
  let offset = 0;
  return banks.map((size, bank) => {
    const first = RAM_FIRST + bank * bankBytes;
    if (size === 0) return region(first, first + bankBytes - 1).device(emptyBank(first, bankBytes), 'empty bank');
    const row = region(first, first + size - 1).ram(ram, offset);
    offset += size;
    return size === bankBytes ? row : row.mirror(bankBytes - size);
  });
}
