// SPDX-License-Identifier: MIT
//
// Apple AC842a: RAMDAC of DAFB. 256 colours of 24 bits, and two pixel bus control registers that say how pixels are
// packed.
//
// Socket: span 0x100 in DAFB's register space, 32-bit registers whose low byte counts: 0x00 address, 0x10 colours
// (red, green, blue, then the next address), 0x20 PCBR0, and PCBR1 while the address is 1 and PCBR0 selects it.
// Documents: [DAFB-NOTES] in docs/references.md.
// Not modelled: convolution; the test registers.
import { type PlainFields, SavedFields } from '../../backplane/device.ts';

const ADDRESS = 0x00;
const COLORS = 0x10;
const PCBR = 0x20;

// PCBR0
const PCBR0_SECOND = 0x06; // both set: PCBR1 can be reached at address 1, and its direct colour bits count
const PCBR0_DEPTH = 0x1c;
const PCBR0_CLOCK_SHIFT = 5; // bits 6-5: pixel clock is divided by 1, 2, 4, 8
// PCBR1
const PCBR1_BITS = 0xf0;
const PCBR1_DIRECT = 0xc0; // both set: 16 bits a pixel

export type Ac842aDepth = 1 | 2 | 4 | 8 | 15 | 32;

const DEPTHS: Readonly<Record<number, Ac842aDepth>> = { 0x00: 1, 0x08: 2, 0x10: 4, 0x18: 8, 0x1c: 32 };

export class Ac842a {
  /** Red, green, blue, 255 of each colour. */
  readonly #palette = new Uint8Array(1024);
  #address = 0;
  #component = 0;
  #pcbr0 = 0;
  #pcbr1 = 0;
  readonly #monochrome: boolean;

  /** @param monochrome the monitor has only the blue line. */
  constructor(monochrome: boolean) {
    this.#monochrome = monochrome;
    this.reset();
  }

  get depth(): Ac842aDepth {
    if ((this.#pcbr1 & PCBR1_DIRECT) === PCBR1_DIRECT && (this.#pcbr0 & PCBR0_SECOND) === PCBR0_SECOND) return 15;
    return DEPTHS[this.#pcbr0 & PCBR0_DEPTH] ?? 1;
  }

  /** Pixels for each tick of DAFB's timing generator. */
  get clockDivider(): number {
    return 1 << ((this.#pcbr0 >>> PCBR0_CLOCK_SHIFT) & 3);
  }

  /** What the screen shows for each index. */
  palette(): Uint8Array {
    const palette = this.#palette.slice();
    if (this.#monochrome) for (let at = 0; at < 1024; at += 4) palette[at] = palette[at + 1] = palette[at + 2]!;
    return palette;
  }

  reset(): void {
    for (let at = 0; at < 1024; at++) this.#palette[at] = at % 4 === 3 ? 0xff : 0;
    this.#address = this.#component = this.#pcbr0 = this.#pcbr1 = 0;
  }

  /** `look`: without side effects. */
  read(offset: number, look: boolean): number {
    switch (offset) {
      case ADDRESS:
        if (!look) this.#component = 0;
        return this.#address;
      case COLORS: {
        const level = this.#palette[this.#address * 4 + this.#component]!;
        if (!look) this.#next();
        return level;
      }
      case PCBR:
        return this.#reachesSecond ? this.#pcbr1 : this.#pcbr0;
      default:
        return 0;
    }
  }

  /** Returns whether what is shown may look different now. */
  write(offset: number, value: number): boolean {
    value &= 0xff;
    switch (offset) {
      case ADDRESS:
        this.#address = value;
        this.#component = 0;
        return false;
      case COLORS:
        this.#palette[this.#address * 4 + this.#component] = value;
        this.#next();
        return true;
      case PCBR:
        if (this.#reachesSecond) this.#pcbr1 = value & PCBR1_BITS;
        else this.#pcbr0 = value;
        return true;
      default:
        return false;
    }
  }

  get #reachesSecond(): boolean {
    return this.#address === 1 && (this.#pcbr0 & PCBR0_SECOND) === PCBR0_SECOND;
  }

  #next(): void {
    if (++this.#component < 3) return;
    this.#component = 0;
    this.#address = (this.#address + 1) & 0xff;
  }

  save(): PlainFields {
    return {
      palette: this.#palette.slice(),
      address: this.#address,
      component: this.#component,
      pcbr0: this.#pcbr0,
      pcbr1: this.#pcbr1,
    };
  }

  restore(owner: string, state: PlainFields): void {
    const saved = new SavedFields(owner, state);
    this.#palette.set(saved.bytes('palette', 1024));
    this.#address = saved.u8('address');
    this.#component = saved.int('component', 0, 2);
    this.#pcbr0 = saved.u8('pcbr0');
    this.#pcbr1 = saved.u8('pcbr1');
  }
}
