// SPDX-License-Identifier: MIT
import type { PlainFields, SavedFields } from '../../backplane/device.ts';

const WRITE = 0x80;

export interface SerialClockRegisters {
  /** `address` has 7 bits. */
  read(address: number): number;
  write(address: number, value: number): void;
  /** The address byte, with its write bit, after one access. */
  next(address: number): number;
}

/**
 * The serial interface of clock chips: while selected, an address byte whose highest bit says "write", then any number
 * of data bytes, each most significant bit first.
 */
export class SerialClockPort {
  readonly #registers: SerialClockRegisters;
  #selected = false;
  #address = 0;
  #shift = 0;
  #bits = 0;
  #addressed = false;

  constructor(registers: SerialClockRegisters) {
    this.#registers = registers;
  }

  select(level: boolean): void {
    this.#selected = level;
    this.#address = this.#shift = this.#bits = 0;
    this.#addressed = false;
  }

  /** The clock's falling edge, with the data line; gives what the line then has. */
  clock(data: boolean): boolean {
    if (!this.#selected) return data;
    const reading = this.#addressed && !(this.#address & WRITE);
    if (reading && this.#bits === 0) this.#shift = this.#registers.read(this.#address & 0x7f);
    const out = reading ? (this.#shift & 0x80) !== 0 : data;
    this.#shift = ((this.#shift << 1) | (reading ? 0 : Number(data))) & 0xff;
    this.#bits = (this.#bits + 1) & 7;
    if (this.#bits === 0) this.#byteDone(reading);
    return out;
  }

  #byteDone(reading: boolean): void {
    if (!this.#addressed) {
      this.#address = this.#shift;
      this.#addressed = true;
      return;
    }
    if (!reading) this.#registers.write(this.#address & 0x7f, this.#shift);
    this.#address = this.#registers.next(this.#address);
  }

  save(): PlainFields {
    return {
      selected: this.#selected,
      address: this.#address,
      shift: this.#shift,
      bits: this.#bits,
      addressed: this.#addressed,
    };
  }

  restore(saved: SavedFields): void {
    this.#selected = saved.bool('selected');
    this.#address = saved.u8('address');
    this.#shift = saved.u8('shift');
    this.#bits = saved.int('bits', 0, 7);
    this.#addressed = saved.bool('addressed');
  }
}
