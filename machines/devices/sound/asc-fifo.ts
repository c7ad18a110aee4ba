// SPDX-License-Identifier: MIT
import { type PlainFields, type SavedFields } from '../../backplane/device.ts';

export const FIFO_BYTES = 0x400;
/** The FIFO says that it is full one byte early. */
const FULL = 0x3ff;
const HALF = 0x200;

/** 1 KiB of the sound chip: a FIFO, or two wave tables of 512 bytes. */
export class AscFifo {
  readonly bytes = new Uint8Array(FIFO_BYTES);
  #read = 0;
  #write = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get readPointer(): number {
    return this.#read;
  }

  get writePointer(): number {
    return this.#write;
  }

  get belowHalf(): boolean {
    return this.#length < HALF;
  }

  /** Bytes that can go before it is below half. */
  get aboveHalf(): number {
    return Math.max(0, this.#length - HALF + 1);
  }

  get empty(): boolean {
    return this.#length === 0;
  }

  get full(): boolean {
    return this.#length >= FULL;
  }

  clear(): void {
    this.#read = this.#write = this.#length = 0;
  }

  /** A byte too many overwrites the oldest, and is not counted. */
  push(byte: number): void {
    this.bytes[this.#write] = byte;
    this.#write = (this.#write + 1) % FIFO_BYTES;
    if (this.#length < FIFO_BYTES) this.#length++;
  }

  /** The next byte; the last one stays where there is none. */
  pull(): number {
    if (this.#length === 0) return this.bytes[(this.#read + FIFO_BYTES - 1) % FIFO_BYTES]!;
    const byte = this.bytes[this.#read]!;
    this.#read = (this.#read + 1) % FIFO_BYTES;
    this.#length--;
    return byte;
  }

  save(): PlainFields {
    return { bytes: this.bytes.slice(), read: this.#read, write: this.#write, length: this.#length };
  }

  restore(fields: SavedFields): void {
    this.bytes.set(fields.bytes('bytes', FIFO_BYTES));
    this.#read = fields.int('read', 0, FIFO_BYTES - 1);
    this.#write = fields.int('write', 0, FIFO_BYTES - 1);
    this.#length = fields.int('length', 0, FIFO_BYTES);
  }
}
