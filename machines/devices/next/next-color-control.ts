// SPDX-License-Identifier: MIT
//
// Video control of the colour NeXTstation: the interrupt at the vertical retrace.
//
// Sockets: span 1 (at 0x0201_8180: 2 unblank, 1 enable the next interrupt, 0 clear it); `frame`; wire `irq`.
// Documents: none public; [Previous] sysReg.c.
// Not modelled: blanking.
import type { ChipContext } from '../../backplane/board.ts';
import { BYTE_REGISTERS, type BusTarget, type Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import { Wire } from '../../backplane/wire.ts';

const CLEAR = 0x01;
const ENABLE = 0x02;

export class NextColorControl implements Device, BusTarget {
  readonly id: string;
  readonly span = 1;
  readonly access = BYTE_REGISTERS;
  readonly irq: Wire;
  #command = 0;
  #pending = false;

  constructor(chip: ChipContext) {
    this.id = chip.id;
    this.irq = new Wire(`${chip.id}.irq`);
  }

  read(_offset: number, _width: Width): number {
    return this.#command;
  }

  peek(): number {
    return this.#command;
  }

  write(_offset: number, _width: Width, value: number): void {
    this.#command = value;
    if (value & CLEAR) this.#pending = false;
    this.#update();
  }

  /** The vertical retrace; one interrupt for each time it was enabled. */
  frame(): void {
    if (!(this.#command & ENABLE)) return;
    this.#command &= ~ENABLE;
    this.#pending = true;
    this.#update();
  }

  #update(): void {
    this.irq.set(this.#pending);
  }

  reset(_kind: ResetKind): void {
    this.#command = 0;
    this.#pending = false;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return { command: this.#command, pending: this.#pending };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#command = saved.u8('command');
    this.#pending = saved.bool('pending');
  }
}
