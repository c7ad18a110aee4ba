// SPDX-License-Identifier: MIT
import type { PlainFields } from '../../backplane/device.ts';
import { SavedFields } from '../../backplane/device.ts';
import type { SccMode } from './scc-mode.ts';
import {
  RR1_CRC_FRAMING,
  RR1_END_OF_FRAME,
  RR1_OVERRUN,
  RR1_PARITY,
  RX_INT_FIRST,
  RX_INT_SPECIAL,
  WR1_PARITY_IS_SPECIAL,
} from './scc-registers.ts';

export interface RxEntry {
  data: number;
  /** Bits of RR1 that belong to this character. */
  status: number;
}

/** The received characters of a channel with their status, as RR8 and RR1 give them. */
export class SccReceiveFifo {
  readonly depth: number;
  readonly #mode: SccMode;
  readonly #entries: RxEntry[] = [];
  #hold: RxEntry | undefined; // complete, in the shift register, waiting for room
  /** Parity and overrun, latched until Error Reset. */
  errors = 0;
  #firstArmed = false;
  /** A first character has come since one was asked for, and has not been read. */
  first = false;

  constructor(mode: SccMode) {
    this.#mode = mode;
    this.depth = mode.variant === 'escc' ? 8 : 3;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** What is at the exit. */
  get data(): number {
    return this.#entries[0]?.data ?? 0;
  }

  get status(): number {
    return this.#entries[0]?.status ?? 0;
  }

  /** The character that came last. */
  get last(): RxEntry | undefined {
    return this.#hold ?? this.#entries.at(-1);
  }

  /** Room for one more character without an overrun. */
  get hasRoom(): boolean {
    return this.#entries.length < this.depth;
  }

  push(entry: RxEntry): void {
    if (this.hasRoom) {
      this.#entries.push(entry);
      if (this.#firstArmed) {
        this.#firstArmed = false;
        this.first = true;
      }
      this.#latchErrors();
    } else if (this.#hold === undefined) this.#hold = entry;
    else this.#hold = { data: entry.data, status: entry.status | RR1_OVERRUN };
  }

  /** The next character interrupts as a first one. */
  armFirst(): void {
    this.#firstArmed = true;
  }

  /** Reads the character at the exit; it leaves unless it is locked. */
  read(): number {
    const { data } = this;
    this.first = false;
    if (!this.locked) this.#pop();
    return data;
  }

  /** [SCC] in the two modes that lock the FIFO, the character with the error goes with the error. */
  resetErrors(): void {
    if (this.locked) this.#pop();
    this.errors = 0;
    this.#latchErrors();
  }

  #pop(): void {
    this.#entries.shift();
    const held = this.#hold;
    if (held !== undefined) {
      this.#hold = undefined;
      this.push(held);
    }
    this.#latchErrors();
  }

  /** Parity and overrun errors latch when their character reaches the FIFO's exit. */
  #latchErrors(): void {
    this.errors |= this.status & (RR1_PARITY | RR1_OVERRUN);
  }

  /** There is a special receive condition. */
  get special(): boolean {
    const parity = this.#mode.wr[1]! & WR1_PARITY_IS_SPECIAL ? RR1_PARITY : 0;
    if (this.errors & (RR1_OVERRUN | parity)) return true;
    if (this.status & RR1_END_OF_FRAME) return !this.#mode.statusFifo;
    return this.#mode.async && (this.status & RR1_CRC_FRAMING) !== 0;
  }

  /** A special condition keeps its character at the exit until Error Reset. */
  get locked(): boolean {
    const interrupts = this.#mode.rxInterrupts;
    return (interrupts === RX_INT_FIRST || interrupts === RX_INT_SPECIAL) && this.length > 0 && this.special;
  }

  reset(): void {
    this.#entries.length = 0;
    this.#hold = undefined;
    this.errors = 0;
    this.first = this.#firstArmed = false;
  }

  save(): PlainFields {
    return {
      entries: this.#entries.map(pack),
      hold: this.#hold === undefined ? -1 : pack(this.#hold),
      errors: this.errors,
      firstArmed: this.#firstArmed,
      first: this.first,
    };
  }

  restore(saved: SavedFields): void {
    const entries = saved
      .list('entries', this.depth)
      .map((entry) => unpack(new SavedFields('receive FIFO', { entry }).u16('entry')));
    this.#entries.splice(0, this.#entries.length, ...entries);
    const held = saved.int('hold', -1, 0xffff);
    this.#hold = held < 0 ? undefined : unpack(held);
    this.errors = saved.u8('errors');
    this.#firstArmed = saved.bool('firstArmed');
    this.first = saved.bool('first');
  }
}

const pack = ({ data, status }: RxEntry): number => data | (status << 8);
const unpack = (packed: number): RxEntry => ({ data: packed & 0xff, status: packed >>> 8 });
