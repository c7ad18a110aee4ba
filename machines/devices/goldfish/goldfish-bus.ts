// SPDX-License-Identifier: MIT
//
// Device bus of the goldfish virtual board: tells the kernel what devices there are.
//
// Sockets: span 0x1000, wire `irq`, `memory` (the kernel's own addresses).
// Documents: [GOLDFISH] §I. Not modelled: devices that come and go.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DmaAccess } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { Wire } from '../../backplane/wire.ts';
import { goldfishAccess } from './goldfish.ts';

const BUS_OP = 0x00;
const GET_NAME = 0x04;
const NAME_LEN = 0x08;
const ID = 0x0c;
const IO_BASE = 0x10;
const IO_SIZE = 0x14;
const IRQ_BASE = 0x18;
const IRQ_COUNT = 0x1c;
const OP_DONE = 0;
const OP_ADD_DEV = 8;
const OP_INIT = 0;

/** What the kernel is told of a device. */
export interface GoldfishEntry {
  readonly name: string;
  /** -1 for the only one of its kind. */
  readonly id: number;
  readonly base: number;
  readonly span: number;
  /** The first interrupt source, and how many there are. */
  readonly irq: number;
  readonly irqCount: number;
}

export class GoldfishBus implements Device, BusTarget {
  readonly id: string;
  readonly span = 0x1000;
  readonly access: AccessRules = goldfishAccess('little');
  readonly irq: Wire;
  readonly #log: DeviceLog;
  readonly #memory: DmaAccess;
  readonly #entries: GoldfishEntry[] = [];
  /** The device being told of: -1 before the first. */
  #current = -1;
  /** There are devices the kernel has not been told of since it began. */
  #pending = false;

  constructor(chip: ChipContext, options: { readonly memory: DmaAccess }) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#memory = options.memory;
    this.irq = new Wire(`${chip.id}.irq`);
  }

  add(entry: GoldfishEntry): void {
    this.#entries.push(entry);
  }

  read(offset: number, _width: Width): number {
    if (offset === BUS_OP) {
      this.#current = Math.min(this.#current + 1, this.#entries.length);
      if (this.#current < this.#entries.length) return OP_ADD_DEV;
      this.#pending = false;
      this.irq.set(false);
      return OP_DONE;
    }
    const value = this.peek(offset);
    if (value === undefined) this.#log.guest('read of no register, %x', offset);
    return value ?? 0;
  }

  peek(offset: number): number | undefined {
    const entry = this.#entries[this.#current];
    switch (offset) {
      case BUS_OP:
        return 0;
      case NAME_LEN:
        return entry?.name.length ?? 0;
      case ID:
        return (entry?.id ?? 0) >>> 0;
      case IO_BASE:
        return entry?.base ?? 0;
      case IO_SIZE:
        return entry?.span ?? 0;
      case IRQ_BASE:
        return entry?.irq ?? 0;
      case IRQ_COUNT:
        return entry?.irqCount ?? 0;
      default:
        return undefined;
    }
  }

  write(offset: number, _width: Width, value: number): void {
    if (offset === BUS_OP && value === OP_INIT) {
      this.#current = -1;
      this.#pending = this.#entries.length > 0;
      this.irq.set(this.#pending);
    } else if (offset === GET_NAME) {
      const entry = this.#entries[this.#current];
      if (entry !== undefined) this.#memory.dmaWrite(value >>> 0, new TextEncoder().encode(entry.name));
    } else {
      this.#log.guest('write of %x to register %x', value, offset);
    }
  }

  reset(_kind: ResetKind): void {
    this.#current = -1;
    this.#pending = false;
  }

  settle(): void {
    this.irq.set(this.#pending);
  }

  save(): PlainFields {
    return { current: this.#current, pending: this.#pending };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#current = saved.int('current', -1, this.#entries.length);
    this.#pending = saved.bool('pending');
  }
}
