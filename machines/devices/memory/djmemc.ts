// SPDX-License-Identifier: MIT
//
// Apple djMEMC: memory controller of the Centris and Quadra 610, 650 and 800. (Its video cell is display/dafb.ts.)
//
// Sockets: span 0x2000 (at 0x5000_e000), 32-bit registers; `ramMap` shows RAM as the bank registers say, `romMap` shows
// the ROM, from 0 on: the machine puts them at 0 and 0x4000_0000. While the overlay is on, RAM space shows the ROM.
// Ten banks: 0 and 1 soldered, then two for each SIMM socket. A bank answers from its start up to the start of the next
// one, the last up to MEMTOP; a bank smaller than that repeats, an empty one reads as ones.
// Documents: [DJMEMC], [Q800-NOTE] in docs/references.md.
// Not modelled: memory timing (interleaving, configuration and refresh registers only keep what is written); parity.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { MemoryBlock } from '../../backplane/memory.ts';
import { type MemoryMap, type Region, region } from '../../backplane/memory-map.ts';

const INTERLEAVE = 0x00;
const BANK0 = 0x04;
const MEMTOP = 0x2c;
const CONFIG = 0x30;
const REFRESH = 0x34;
const REGISTERS = 14;

export const DJMEMC_BANKS = 10;
const BANK_SHIFT = 22; // starts are in units of 4 MiB
const MIB = 1 << 20;

/** Implemented bits; the others read as ones. Widths of CONFIG and REFRESH are those the ROM writes. */
const BITS: readonly number[] = Array.from({ length: REGISTERS }, (_, index) => {
  const offset = index * 4;
  if (offset === INTERLEAVE) return 0x3f;
  if (offset === MEMTOP) return 0xff;
  return offset === CONFIG || offset === REFRESH ? 0x3ff : 0x1ff;
});

export interface DjMemcOptions {
  readonly ram: MemoryBlock;
  readonly rom: MemoryBlock;
  readonly ramMap: MemoryMap;
  readonly romMap: MemoryMap;
  /** Sizes of the banks in bytes: 0 or a power of two from 4 to 64 MiB. They follow one another in `ram`. */
  readonly banks: readonly number[];
}

/** How a machine's memory is spread over the banks: 8 MiB soldered, then the largest modules first. */
export function djMemcBanks(ramBytes: number): number[] {
  const banks: number[] = [4 * MIB, 4 * MIB];
  let rest = ramBytes - 8 * MIB;
  for (let size = 64 * MIB; size >= 4 * MIB; size /= 2) {
    for (; rest >= size && banks.length < DJMEMC_BANKS; rest -= size) banks.push(size);
  }
  if (rest !== 0) throw new RangeError(`djMEMC: ${ramBytes} bytes of RAM do not fit its banks`);
  while (banks.length < DJMEMC_BANKS) banks.push(0);
  return banks;
}

const SPAN = 0x2000;

export class DjMemc implements Device, BusTarget {
  readonly id: string;
  readonly span = SPAN;
  readonly access: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 4, max: 4 }, byteOrder: 'big' };
  readonly #log: DeviceLog;
  readonly #options: DjMemcOptions;
  readonly #registers = new Uint32Array(REGISTERS);
  #overlay = true;
  #regions: Region[] = [];
  #shown = '';

  constructor(context: ChipContext, options: DjMemcOptions) {
    this.id = context.id;
    this.#log = context.log;
    this.#options = options;
    const { banks, ram, rom, romMap } = options;
    if (banks.length !== DJMEMC_BANKS || banks.reduce((sum, size) => sum + size, 0) !== ram.size) {
      throw new RangeError(`${context.id}: banks do not fit the RAM`);
    }
    const last = rom.size - 1;
    romMap.add(
      region(0, last).rom(rom),
      region(0, last).device(this.#firstRomAccess(), 'rom, first access').view('overlay').priority(1),
    );
  }

  read(offset: number, _width: Width): number {
    return this.peek(offset);
  }

  peek(offset: number): number {
    const index = (offset & ~3) >>> 2;
    if (index >= REGISTERS) return 0xffff_ffff;
    return (this.#registers[index]! | ~BITS[index]!) >>> 0;
  }

  write(offset: number, _width: Width, value: number): void {
    const index = offset >>> 2;
    if (index >= REGISTERS) {
      this.#log.unimp('write of %x to register %x', value, offset);
      return;
    }
    this.#registers[index] = value & BITS[index]!;
    if (offset >= BANK0 && offset <= MEMTOP) this.#showBanks();
  }

  /** Programs the banks one after another, as a ROM does, and ends the overlay: for software booted without a ROM. */
  setUp(): void {
    let start = 0;
    this.#options.banks.forEach((size, bank) => {
      this.#registers[1 + bank] = start >>> BANK_SHIFT;
      start += size;
    });
    this.#registers[MEMTOP / 4] = start >>> BANK_SHIFT;
    this.#endOverlay();
    this.#showBanks();
  }

  /** Bank n at n × 64 MiB: the ROM finds memory at 0 before it writes any register. // unverified but for bank 0 */
  reset(_kind: ResetKind): void {
    this.#registers.fill(0);
    for (let bank = 0; bank < DJMEMC_BANKS; bank++) this.#registers[1 + bank] = 0x100 | (bank << 4);
    this.#registers[MEMTOP / 4] = 0xff;
    this.#overlay = true;
  }

  settle(): void {
    this.#options.romMap.setView('overlay', this.#overlay);
    this.#showBanks();
  }

  save(): PlainFields {
    return { registers: this.#registers.slice(), overlay: this.#overlay };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const registers = saved.words('registers', REGISTERS);
    const overlay = saved.bool('overlay');
    this.#registers.set(registers.map((value, index) => value & BITS[index]!));
    this.#overlay = overlay;
  }

  /** The ROM while the overlay is on: the first access in its own place ends that. */
  #firstRomAccess(): BusTarget {
    const { rom } = this.#options;
    return {
      span: rom.size,
      access: { valid: { min: 1, max: 4 }, impl: { min: 1, max: 1 }, byteOrder: 'big' },
      read: (offset) => {
        this.#endOverlay();
        return rom.bytes[offset]!;
      },
      write: () => this.#endOverlay(),
      peek: (offset) => rom.bytes[offset]!,
    };
  }

  #endOverlay(): void {
    if (!this.#overlay) return;
    this.#overlay = false;
    this.#options.romMap.setView('overlay', false);
    this.#showBanks();
  }

  /** Puts RAM, or the overlay's ROM, where the registers say. */
  #showBanks(): void {
    const { ram, rom, ramMap } = this.#options;
    const wanted = this.#overlay ? [{ first: 0, last: rom.size - 1, offset: 0 }] : this.#ranges();
    const shown = `${this.#overlay} ${wanted.map(({ first, last, offset }) => `${first}-${last}@${offset}`).join()}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    const old = this.#regions;
    this.#regions = wanted.map(({ first, last, offset }) => {
      const row = region(first, last);
      if (this.#overlay) return row.rom(rom);
      return offset < 0 ? row.device(EMPTY_BANK, 'empty bank') : row.ram(ram, offset);
    });
    for (const gone of old) ramMap.remove(gone);
    ramMap.add(...this.#regions);
  }

  /** Address ranges of the banks as programmed; offset -1 where there is no memory. Later banks cannot hide earlier ones. */
  #ranges(): { first: number; last: number; offset: number }[] {
    const ranges: { first: number; last: number; offset: number }[] = [];
    const startOf = (bank: number): number => (this.#registers[1 + bank]! & 0xff) * 4 * MIB;
    let offset = 0;
    let free = 0;
    this.#options.banks.forEach((size, bank) => {
      const start = Math.max(free, startOf(bank));
      const end = Math.min(startOf(bank + 1), 0x4000_0000);
      if (end > start) {
        free = end;
        if (size === 0) ranges.push({ first: start, last: end - 1, offset: -1 });
        else {
          // Copies, each where the addresses' low bits say.
          for (let first = start; first < end;) {
            const within = first % size;
            const last = Math.min(end, first - within + size) - 1;
            ranges.push({ first, last, offset: offset + within });
            first = last + 1;
          }
        }
      }
      offset += size;
    });
    return ranges;
  }
}

/** What a window without memory gives: the pulled-up data bus. */
const EMPTY_BANK: BusTarget = {
  span: 0x4000_0000,
  access: { valid: { min: 1, max: 4 }, impl: { min: 4, max: 4 }, byteOrder: 'big' },
  read: () => 0xffff_ffff,
  write: () => {},
  peek: () => 0xffff_ffff,
};
