// SPDX-License-Identifier: MIT
import { type PlainFields, type SavedFields } from '../../backplane/device.ts';

const SAMPLES_OF_BLOCK = 28;
const LARGEST_SHIFT = 12;

/** Adaptive differential samples of CD-ROM XA: a byte with filter and shift, then 28 samples of 8, 4 or 2 bits. */
export class CdXa {
  #before = 0;
  #beforeThat = 0;
  #parameters = 0;
  #sample = 0;
  #byte = 0;
  #part = 0;

  reset(): void {
    this.#before = this.#beforeThat = this.#parameters = this.#sample = this.#byte = this.#part = 0;
  }

  /** The next sample; `pull` gives the next byte, `coefficients` are four pairs, the older sample's first. */
  next(bits: 8 | 4 | 2, coefficients: Uint8Array, pull: () => number): number {
    if (this.#sample === 0) {
      this.#parameters = pull();
      this.#part = 0;
    }
    if (this.#part === 0) this.#byte = pull();
    const raw = ((this.#byte >>> (this.#part * bits)) << (32 - bits)) >> 16;
    this.#part = (this.#part + 1) % (8 / bits);
    this.#sample = (this.#sample + 1) % SAMPLES_OF_BLOCK;
    const filter = (this.#parameters >>> 4) & 3;
    const factor = (at: number): number => (coefficients[filter * 2 + at]! << 24) >> 24;
    const predicted = (factor(1) * this.#before + factor(0) * this.#beforeThat + 32) >> 6;
    const value = (raw >> Math.min(this.#parameters & 0x0f, LARGEST_SHIFT)) + predicted;
    this.#beforeThat = this.#before;
    this.#before = Math.max(-0x8000, Math.min(0x7fff, value));
    return this.#before;
  }

  save(): PlainFields {
    return {
      before: this.#before,
      beforeThat: this.#beforeThat,
      parameters: this.#parameters,
      sample: this.#sample,
      byte: this.#byte,
      part: this.#part,
    };
  }

  restore(fields: SavedFields): void {
    this.#before = fields.int('before', -0x8000, 0x7fff);
    this.#beforeThat = fields.int('beforeThat', -0x8000, 0x7fff);
    this.#parameters = fields.u8('parameters');
    this.#sample = fields.int('sample', 0, SAMPLES_OF_BLOCK - 1);
    this.#byte = fields.u8('byte');
    this.#part = fields.int('part', 0, 3);
  }
}
