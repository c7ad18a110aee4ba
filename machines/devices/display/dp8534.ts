// SPDX-License-Identifier: MIT
//
// National DP8534: programmable pixel clock generator. Forty bits are shifted in, then loaded; the clock is
// 20 MHz × N ÷ (R × (P + 1)).
//
// Socket: span 0x100 in DAFB's register space, 32-bit registers: 0x00 shifts bit 0 in, 0x10 loads.
// Documents: [DP8534] in docs/references.md (no data sheet is public; the bits' places follow from programmed values).
// Not modelled: the time it takes to lock.
import { type PlainFields, SavedFields } from '../../backplane/device.ts';

const REFERENCE_HZ = 20_000_000;
const SHIFT = 0x00;
const LOAD = 0x10;
const BITS = 38;

/** 640×480 at 66.7 Hz: what it makes before it is programmed. */
const INITIAL_HZ = 30_240_000;

export class Dp8534 {
  /** Bits as they came, the last one lowest. */
  #shift = 0n;
  #pixelHz = INITIAL_HZ;

  get pixelHz(): number {
    return this.#pixelHz;
  }

  reset(): void {
    this.#shift = 0n;
    this.#pixelHz = INITIAL_HZ;
  }

  /** The clock that software booted without a ROM finds. */
  setUp(pixelHz: number): void {
    this.#pixelHz = Math.max(1, Math.round(pixelHz));
  }

  /** Returns whether the clock changed. */
  write(offset: number, value: number): boolean {
    if (offset === SHIFT) {
      this.#shift = BigInt.asUintN(BITS, (this.#shift << 1n) | BigInt(value & 1));
      return false;
    }
    if (offset !== LOAD) return false;
    // Least significant bits first: P from bit 7 of the word on, R from bit 15, N from bit 25.
    const p = this.#field(7, 8);
    const r = this.#field(15, 8);
    const n = this.#field(25, 8);
    this.#shift = 0n;
    if (r === 0 || n === 0) return false;
    this.#pixelHz = Math.round((REFERENCE_HZ * n) / (r * (p + 1)));
    return true;
  }

  save(): PlainFields {
    return { shift: this.#shift, pixelHz: this.#pixelHz };
  }

  restore(owner: string, state: PlainFields): void {
    const saved = new SavedFields(owner, state);
    const pixelHz = saved.int('pixelHz', 1, 0x1_0000_0000);
    const { shift } = state;
    this.#shift = typeof shift === 'bigint' ? BigInt.asUintN(BITS, shift) : 0n;
    this.#pixelHz = pixelHz;
  }

  /** A field of the word in the order the bits came: bit 0 came first. */
  #field(first: number, bits: number): number {
    let value = 0;
    for (let i = 0; i < bits; i++) {
      const bit = BITS - 1 - (first + i);
      if (bit >= 0 && (this.#shift >> BigInt(bit)) & 1n) value |= 1 << i;
    }
    return value;
  }
}
