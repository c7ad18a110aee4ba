// SPDX-License-Identifier: MIT
//
// NBIC, the NeXTbus interface chip of a cube's main board: NuBus at twice the speed, four slots. The main board is in
// slot 0.
//
// Sockets: `registers`, span 8 (at 0x0202_0000: control, then the identity it shows on the bus, write only);
// `slotSpace`, span 0x18, the last bytes of the board's slot space (at 0xf0ff_ffe8); wire `irq`; `busError` for
// accesses nobody answers.
//
//     slot space  +0x00 interrupt (bit 7)   +0x04 mask (bit 7)   +0x08, 0x0c, 0x10, 0x14 identity, a byte in each word
//
// Documents: none public; [Previous] nbic.c.
// Not modelled: other boards, and so their interrupts: accesses to slots 2, 4 and 6 end in a bus error.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import { Wire } from '../../backplane/wire.ts';

const INTERRUPT = 0x00;
const MASK = 0x04;
const IDENTITY = 0x08;
const SLOT_BYTES = 0x18;

const BYTES: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 1 }, byteOrder: 'big' };

export class NextNbic implements Device {
  readonly id: string;
  readonly registers: BusTarget;
  readonly slotSpace: BusTarget;
  readonly irq: Wire;
  readonly #control = new Uint8Array(4);
  readonly #identity = new Uint8Array(4);
  #mask = 0;

  constructor(chip: ChipContext, busError: () => void) {
    this.id = chip.id;
    this.irq = new Wire(`${chip.id}.irq`);
    const nothing = (): number => {
      busError();
      return 0;
    };
    this.registers = {
      span: 8,
      access: BYTES,
      read: (offset) => (offset < 4 ? this.#control[offset]! : nothing()),
      peek: (offset) => (offset < 4 ? this.#control[offset]! : this.#identity[offset - 4]!),
      write: (offset, _width, value) => {
        if (offset < 4) this.#control[offset] = value;
        else this.#identity[offset - 4] = value;
      },
    };
    this.slotSpace = {
      span: SLOT_BYTES,
      access: BYTES,
      read: (offset) => this.#slotByte(offset),
      peek: (offset) => this.#slotByte(offset),
      write: (offset, _width, value) => {
        if (offset === MASK) this.#mask = value;
        else if (offset < MASK || offset >= IDENTITY) busError();
      },
    };
  }

  #slotByte(offset: number): number {
    if (offset & 3 || offset === INTERRUPT) return 0;
    return offset === MASK ? this.#mask : this.#identity[(offset - IDENTITY) >>> 2]!;
  }

  reset(_kind: ResetKind): void {
    this.#control.fill(0);
    this.#identity.fill(0);
    this.#mask = 0;
  }

  settle(): void {
    this.irq.set(false);
  }

  save(): PlainFields {
    return { control: this.#control.slice(), identity: this.#identity.slice(), mask: this.#mask };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#control.set(saved.bytes('control', 4));
    this.#identity.set(saved.bytes('identity', 4));
    this.#mask = saved.u8('mask');
  }
}
