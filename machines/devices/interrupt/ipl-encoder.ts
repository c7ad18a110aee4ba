// SPDX-License-Identifier: MIT
//
// Priority encoder before the IPL pins of a 68000-family processor, as boards make it of a 74LS148: seven inputs, of
// which the highest is the level.
//
// Sockets: inputs `in(1)` to `in(7)`; `output` is called with the level, 0 for none.
import type { Device, PlainFields } from '../../backplane/device.ts';
import type { ChipContext } from '../../backplane/board.ts';

export class IplEncoder implements Device {
  readonly id: string;
  readonly #output: (level: number) => void;
  /** What the input wires say now, a bit each; not saved, they say it again. */
  #inputs = 0;

  constructor(chip: ChipContext, output: (level: number) => void) {
    this.id = chip.id;
    this.#output = output;
  }

  /** The input of a level, for one wire. */
  in(level: number): (on: boolean) => void {
    if (!Number.isInteger(level) || level < 1 || level > 7) throw new RangeError(`${this.id}: level ${level}`);
    const bit = 1 << level;
    return (on) => {
      this.#inputs = on ? this.#inputs | bit : this.#inputs & ~bit;
      this.#update();
    };
  }

  reset(): void {
    // It holds nothing.
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {};
  }

  restore(_state: PlainFields): void {
    // It holds nothing.
  }

  #update(): void {
    this.#output(this.#inputs === 0 ? 0 : 31 - Math.clz32(this.#inputs));
  }
}
