// SPDX-License-Identifier: MIT
import { type PlainFields, SavedFields } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';

export const FIFO_BYTES = 16;
const MOST_BYTES = 0x100_0000;

const DIRECTIONS = ['none', 'in', 'out'] as const;

/** FIFO, transfer counter and DMA request of the 53C9x. */
export class Ncr53c9xData {
  /** Of DMA, as the command in progress has it. */
  direction: (typeof DIRECTIONS)[number] = 'none';
  counter = 0;
  /** The counter has reached zero. */
  ended = false;
  grossError = false;
  /** The last odd byte of a 16-bit DMA stays for the processor. */
  savesResidual = false;
  readonly #fifo = new Uint8Array(FIFO_BYTES);
  #length = 0;
  readonly #pairs: boolean;
  readonly #log: DeviceLog;

  constructor(log: DeviceLog, dmaBytes: 1 | 2) {
    this.#log = log;
    this.#pairs = dmaBytes === 2;
  }

  get length(): number {
    return this.#length;
  }

  get full(): boolean {
    return this.#length === FIFO_BYTES;
  }

  push(value: number): void {
    if (!this.full) {
      this.#fifo[this.#length++] = value;
      return;
    }
    // The top of the FIFO is overwritten.
    this.#fifo[FIFO_BYTES - 1] = value;
    this.grossError = true;
    this.#log.guest('FIFO overflow');
  }

  /** The first `count` bytes, which stay there. */
  first(count: number): Uint8Array {
    return this.#fifo.slice(0, Math.min(count, this.#length));
  }

  /** Takes `count` bytes that are there. */
  shift(count: number): Uint8Array {
    const bytes = this.first(count);
    this.#fifo.copyWithin(0, bytes.length, this.#length);
    this.#length -= bytes.length;
    return bytes;
  }

  clear(): void {
    this.#length = 0;
  }

  load(count: number): void {
    this.counter = count;
    this.ended = false;
  }

  countDown(bytes: number): void {
    if (bytes === 0) return;
    this.counter = Math.max(0, this.counter - bytes);
    if (this.counter === 0) this.ended = true;
  }

  /** DRQ. */
  get requests(): boolean {
    if (this.direction === 'out') return !this.ended && this.#length < (this.#pairs ? FIFO_BYTES - 1 : FIFO_BYTES);
    if (this.direction === 'none') return false;
    const keep = this.#pairs && (!this.ended || this.savesResidual) ? 1 : 0;
    return this.#length > keep;
  }

  reset(): void {
    this.#fifo.fill(0);
    this.clear();
    this.direction = 'none';
    this.counter = 0;
    this.ended = this.grossError = this.savesResidual = false;
  }

  save(): PlainFields {
    const { direction, counter, ended, grossError, savesResidual } = this;
    return { fifo: this.first(this.#length), direction, counter, ended, grossError, savesResidual };
  }

  restore(fields: SavedFields): void {
    const fifo = fields.bytes('fifo', undefined, FIFO_BYTES);
    this.#fifo.fill(0);
    this.#fifo.set(fifo);
    this.#length = fifo.length;
    this.direction = fields.oneOf('direction', DIRECTIONS);
    this.counter = fields.int('counter', 0, MOST_BYTES);
    this.ended = fields.bool('ended');
    this.grossError = fields.bool('grossError');
    this.savesResidual = fields.bool('savesResidual');
  }
}
