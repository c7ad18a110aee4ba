// SPDX-License-Identifier: MIT
//
// Interrupt controller cell of Apple's Heathrow (and, with the first bank only, of Grand Central and O'Hare).
//
// Sockets: span 0x20 (at 0x10 in the Mac-IO chip), inputs `in(0)` to `in(63)`, wire `irq` to the processor.
// Registers, little-endian words; sources 32 to 63 at offsets 0x00-0x0f, sources 0 to 31 at 0x10-0x1f:
//   events (latched), mask (enables), clear (write ones), levels (the inputs now).
// A rising input latches its event whether enabled or not; enabling a source whose input is already high does not.
// Mask bit 31 of sources 0 to 31 selects the mode the 68k emulator uses, in which falling inputs latch events as well
// and clear bit 31 clears everything. The inputs of DMA channels are pulses: their level holds until it is cleared.
//
// Documents: Macintosh Technology in the Common Hardware Reference Platform [CHRP-MAC]; powermac/pic.c of Linux.
// Not modelled: sources 31 and 63, whose bits are the mode's.
import type { ChipContext } from '../../backplane/board.ts';
import { type BusTarget, LITTLE_WORDS, type Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import { Wire } from '../../backplane/wire.ts';

export const HEATHROW_SOURCES = 64;

const EVENTS = 0x0;
const MASK = 0x4;
const CLEAR = 0x8;
const LEVELS = 0xc;

const MODE_68K = 0x8000_0000; // in the mask register
const CLEAR_ALL = 0x8000_0000; // in the clear register, 68k mode only
const SOURCES = 0x7fff_ffff;

interface Bank {
  events: number;
  mask: number;
  levels: number;
  /** What the input wires say now; not saved, they say it again. */
  inputs: number;
  /** Sources whose input is a pulse. */
  readonly pulsed: number;
}

export class HeathrowPic implements Device, BusTarget {
  readonly id: string;
  readonly span = 0x20;
  readonly access = LITTLE_WORDS;
  readonly irq: Wire;
  /** [0] is sources 0 to 31. */
  readonly #banks: readonly [Bank, Bank] = [
    { events: 0, mask: 0, levels: 0, inputs: 0, pulsed: 0x0000_07ff },
    { events: 0, mask: 0, levels: 0, inputs: 0, pulsed: 0x0000_0003 },
  ];

  constructor(context: ChipContext) {
    this.id = context.id;
    this.irq = new Wire(`${context.id}.irq`);
  }

  /** The input of source `n`, for one wire. */
  in(n: number): (level: boolean) => void {
    if (!Number.isInteger(n) || n < 0 || n >= HEATHROW_SOURCES) throw new RangeError(`${this.id}: source ${n}`);
    const bank = this.#banks[n >> 5]!;
    const bit = 1 << (n & 31);
    return (level) => this.#input(bank, bit & SOURCES, level);
  }

  read(offset: number, _width: Width): number {
    return this.peek(offset);
  }

  peek(offset: number): number {
    const bank = this.#bank(offset);
    switch (offset & 0xf) {
      case EVENTS:
        return bank.events;
      case MASK:
        return bank.mask;
      case LEVELS:
        return bank.levels;
      default:
        return 0; // CLEAR is write-only; drivers of Mac OS read it
    }
  }

  write(offset: number, _width: Width, value: number): void {
    const bank = this.#bank(offset);
    const [first, second] = this.#banks;
    switch (offset & 0xf) {
      case MASK: {
        const mode = (bank === first ? value : first.mask) & MODE_68K;
        bank.mask = ((value & SOURCES) | mode) >>> 0;
        second.mask = ((second.mask & SOURCES) | mode) >>> 0;
        break;
      }
      case CLEAR:
        if (bank === first && this.#mode68k && value & CLEAR_ALL) {
          first.events = 0;
          second.events = 0;
        } else {
          this.#clear(bank, value & SOURCES);
        }
        break;
      default: // EVENTS and LEVELS are read-only; Mac OS's SCSI Manager writes LEVELS
    }
    this.#update();
  }

  reset(_kind: ResetKind): void {
    for (const bank of this.#banks) {
      bank.events = 0;
      bank.mask = 0;
      bank.levels = (bank.inputs & ~bank.pulsed) >>> 0;
    }
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    const [first, second] = this.#banks;
    return {
      events: Uint32Array.of(first.events, second.events),
      mask: Uint32Array.of(first.mask, second.mask),
      levels: Uint32Array.of(first.levels, second.levels),
    };
  }

  restore(state: PlainFields): void {
    const fields = new SavedFields(this.id, state);
    const events = fields.words('events', 2);
    const mask = fields.words('mask', 2);
    const levels = fields.words('levels', 2);
    for (const [index, bank] of this.#banks.entries()) {
      bank.events = (events[index]! & SOURCES) >>> 0;
      bank.mask = mask[index]!;
      bank.levels = (levels[index]! & SOURCES) >>> 0;
    }
  }

  get #mode68k(): boolean {
    return (this.#banks[0].mask & MODE_68K) !== 0;
  }

  #bank(offset: number): Bank {
    return this.#banks[offset < 0x10 ? 1 : 0];
  }

  #input(bank: Bank, source: number, level: boolean): void {
    if (level === ((bank.inputs & source) !== 0)) return;
    bank.inputs = (level ? bank.inputs | source : bank.inputs & ~source) >>> 0;
    const pulse = (source & bank.pulsed) !== 0;
    if (pulse && !level) return;
    const was = (bank.levels & source) !== 0;
    const latches = level ? pulse || !was : was && this.#mode68k;
    if (latches) bank.events = (bank.events | source) >>> 0;
    bank.levels = (level ? bank.levels | source : bank.levels & ~source) >>> 0;
    this.#update();
  }

  #clear(bank: Bank, sources: number): void {
    const falling = bank.levels & bank.pulsed & sources;
    bank.events = (bank.events & ~sources) >>> 0;
    bank.levels = (bank.levels & ~falling) >>> 0;
    if (this.#mode68k) bank.events = (bank.events | falling) >>> 0;
  }

  #update(): void {
    this.irq.set(this.#banks.some((bank) => (bank.events & bank.mask & SOURCES) !== 0));
  }
}
