// SPDX-License-Identifier: MIT
//
// Battery of the goldfish virtual board.
//
// Sockets: span 0x1000, wire `irq`; host: `set`. Documents: [GOLDFISH] §VII. Not modelled: discharging by itself.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { Wire } from '../../backplane/wire.ts';
import { goldfishAccess } from './goldfish.ts';

const INT_STATUS = 0x00;
const INT_ENABLE = 0x04;
const FIRST = 0x08;
const STATUS_CHANGED = 1;
const AC_CHANGED = 2;

/** In the order of the registers from 0x08 on. */
export interface BatteryState {
  readonly acOnline: 0 | 1;
  /** 0 unknown, 1 charging, 2 discharging, 3 not charging, 4 full. */
  readonly status: number;
  /** 0 unknown, 1 good, 2 overheating, 3 dead, 4 overvoltage, 5 failure. */
  readonly health: number;
  readonly present: 0 | 1;
  /** Per cent. */
  readonly capacity: number;
}

const FULL_AND_PLUGGED: BatteryState = { acOnline: 1, status: 1, health: 1, present: 1, capacity: 50 };

export class GoldfishBattery implements Device, BusTarget {
  readonly id: string;
  readonly span = 0x1000;
  readonly access: AccessRules = goldfishAccess('little');
  readonly irq: Wire;
  readonly #log: DeviceLog;
  #values: number[] = Object.values(FULL_AND_PLUGGED) as number[];
  #status = 0;
  #enabled = 0;

  constructor(chip: ChipContext) {
    this.id = chip.id;
    this.#log = chip.log;
    this.irq = new Wire(`${chip.id}.irq`);
  }

  set({ acOnline, status, health, present, capacity }: BatteryState): void {
    if (acOnline !== this.#values[0]) this.#status |= AC_CHANGED;
    this.#values = [acOnline, status, health, present, capacity];
    this.#status |= STATUS_CHANGED;
    this.#update();
  }

  #update(): void {
    this.irq.set((this.#status & this.#enabled) !== 0);
  }

  read(offset: number, _width: Width): number {
    const value = this.peek(offset);
    if (offset === INT_STATUS) {
      this.#status = 0;
      this.#update();
    }
    if (value === undefined) this.#log.guest('read of no register, %x', offset);
    return value ?? 0;
  }

  peek(offset: number): number | undefined {
    if (offset === INT_STATUS) return this.#status & this.#enabled;
    return this.#values[(offset - FIRST) >>> 2];
  }

  write(offset: number, _width: Width, value: number): void {
    if (offset === INT_ENABLE) {
      this.#enabled = value & (STATUS_CHANGED | AC_CHANGED);
      this.#update();
    } else {
      this.#log.guest('write of %x to register %x', value, offset);
    }
  }

  reset(_kind: ResetKind): void {
    this.#status = this.#enabled = 0;
    this.#values = Object.values(FULL_AND_PLUGGED) as number[];
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return { values: [...this.#values], status: this.#status, enabled: this.#enabled };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const values = saved.list('values', 5);
    this.#values = this.#values.map((_, i) => Number(values[i] ?? 0) & 0xff);
    this.#status = saved.int('status', 0, 3);
    this.#enabled = saved.int('enabled', 0, 3);
  }
}
