// SPDX-License-Identifier: MIT
//
// Interrupt controller of the goldfish virtual board: 32 sources, one output.
//
// Sockets: span 0x1000, inputs `in(0)` to `in(31)`, wire `irq`.
// Registers: STATUS number of sources that are pending and enabled; then by `numbering`
//   index  (the first boards: ARM)        NUMBER lowest such source, DISABLE and ENABLE take a source's number,
//                                         DISABLE_ALL forgets all that is pending and disables nothing
//   mask   (MIPS, 68k and later boards)   PENDING all such sources, DISABLE and ENABLE take a mask,
//                                         DISABLE_ALL forgets all that is pending and disables everything
// A source that was forgotten is pending again at its input's next rising edge.
//
// Documents: [GOLDFISH] §II; Linux irq-goldfish-pic.c and arch/m68k/virt/ints.c for the masks.
// Not modelled: nothing known.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { Wire } from '../../backplane/wire.ts';
import { goldfishAccess, type GoldfishByteOrder } from './goldfish.ts';

export const GOLDFISH_SOURCES = 32;

const STATUS = 0x00;
const NUMBER = 0x04; // or PENDING
const DISABLE_ALL = 0x08;
const DISABLE = 0x0c;
const ENABLE = 0x10;

export interface GoldfishPicOptions {
  readonly byteOrder: GoldfishByteOrder;
  readonly numbering: 'index' | 'mask';
}

export class GoldfishPic implements Device, BusTarget {
  readonly id: string;
  readonly span = 0x1000;
  readonly access: AccessRules;
  readonly irq: Wire;
  readonly #log: DeviceLog;
  readonly #masks: boolean;
  #pending = 0;
  #enabled = 0;
  /** What the input wires say now; not saved, they say it again. */
  #inputs = 0;

  constructor(chip: ChipContext, options: GoldfishPicOptions) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#masks = options.numbering === 'mask';
    this.access = goldfishAccess(options.byteOrder);
    this.irq = new Wire(`${chip.id}.irq`);
  }

  /** The input of source `n`, for one wire. */
  in(n: number): (level: boolean) => void {
    if (!Number.isInteger(n) || n < 0 || n >= GOLDFISH_SOURCES) throw new RangeError(`${this.id}: source ${n}`);
    const bit = 1 << n;
    return (level) => {
      if (((this.#inputs & bit) !== 0) === level) return;
      this.#inputs ^= bit;
      this.#pending = level ? this.#pending | bit : this.#pending & ~bit;
      this.#update();
    };
  }

  read(offset: number, _width: Width): number {
    const value = this.peek(offset);
    if (value === undefined) this.#log.guest('read of no register, %x', offset);
    return value ?? 0;
  }

  peek(offset: number): number | undefined {
    const active = this.#pending & this.#enabled;
    switch (offset) {
      case STATUS:
        return bitCount(active);
      case NUMBER:
        if (this.#masks) return active >>> 0;
        return active === 0 ? 0 : 31 - Math.clz32(active & -active);
      case DISABLE_ALL:
      case DISABLE:
      case ENABLE:
        return 0;
      default:
        return undefined;
    }
  }

  write(offset: number, _width: Width, value: number): void {
    switch (offset) {
      case DISABLE_ALL:
        this.#pending = 0;
        if (this.#masks) this.#enabled = 0;
        break;
      case DISABLE:
        this.#enabled &= ~this.#sources(value);
        break;
      case ENABLE:
        this.#enabled |= this.#sources(value);
        break;
      default:
        this.#log.guest('write of %x to no register, %x', value, offset);
    }
    this.#update();
  }

  reset(kind: ResetKind): void {
    this.#enabled = 0;
    this.#pending = kind === 'snapshot' ? 0 : this.#inputs;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return { pending: this.#pending >>> 0, enabled: this.#enabled >>> 0, inputs: this.#inputs >>> 0 };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const [pending, enabled, inputs] = [saved.u32('pending'), saved.u32('enabled'), saved.u32('inputs')];
    this.#pending = pending | 0;
    this.#enabled = enabled | 0;
    // What was forgotten stays so while its wire says the same as before.
    this.#inputs = inputs | 0;
  }

  #sources(value: number): number {
    if (this.#masks) return value;
    if (value < GOLDFISH_SOURCES) return 1 << value;
    this.#log.guest('no source %d', value);
    return 0;
  }

  #update(): void {
    this.irq.set((this.#pending & this.#enabled) !== 0);
  }
}

function bitCount(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}
