// SPDX-License-Identifier: MIT
//
// Switch of the goldfish virtual board: a number the board sets and the guest reads, or one that the guest may set too.
//
// Sockets: span 0x1000, wire `irq`, `memory` (the kernel's own addresses); host: `set`.
//
//     00 NAME_LEN  04 NAME_PTR (w)  08 FLAGS 0 the guest may set it  0c STATE  10 INT_STATUS (cleared by reading)
//     14 INT_ENABLE
//
// The output is high while a change has not been read and interrupts are enabled; what the guest sets is a change too.
//
// Documents: [GOLDFISH] §XII; [AOSP qemu] switch.c; [AOSP kernel] mach-goldfish/switch.c. Not modelled: nothing known.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DmaAccess } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { Wire } from '../../backplane/wire.ts';
import { goldfishAccess } from './goldfish.ts';

const NAME_LEN = 0x00;
const NAME_PTR = 0x04;
const FLAGS = 0x08;
const STATE = 0x0c;
const INT_STATUS = 0x10;
const INT_ENABLE = 0x14;
const FLAGS_OUTPUT = 1;

export interface GoldfishSwitchOptions {
  readonly memory: DmaAccess;
  readonly name: string;
  /** The guest may set it. */
  readonly output: boolean;
  /** The state after a reset, which the guest is then told of. */
  readonly initial?: number;
}

export class GoldfishSwitch implements Device, BusTarget {
  readonly id: string;
  readonly span = 0x1000;
  readonly access: AccessRules = goldfishAccess('little');
  readonly irq: Wire;
  readonly #log: DeviceLog;
  readonly #options: GoldfishSwitchOptions;
  #state = 0;
  #changed = false;
  #enabled = false;

  constructor(chip: ChipContext, options: GoldfishSwitchOptions) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#options = options;
    this.irq = new Wire(`${chip.id}.irq`);
  }

  set(state: number): void {
    this.#state = state >>> 0;
    this.#changed = true;
    this.#update();
  }

  #update(): void {
    this.irq.set(this.#changed && this.#enabled);
  }

  read(offset: number, _width: Width): number {
    const value = this.peek(offset);
    if (offset === INT_STATUS && value === 1) {
      this.#changed = false;
      this.#update();
    }
    if (value === undefined) this.#log.guest('read of no register, %x', offset);
    return value ?? 0;
  }

  peek(offset: number): number | undefined {
    switch (offset) {
      case NAME_LEN:
        return this.#options.name.length;
      case FLAGS:
        return this.#options.output ? FLAGS_OUTPUT : 0;
      case STATE:
        return this.#state;
      case INT_STATUS:
        return Number(this.#changed && this.#enabled);
      default:
        return undefined;
    }
  }

  write(offset: number, _width: Width, value: number): void {
    const { memory, name, output } = this.#options;
    switch (offset) {
      case NAME_PTR:
        memory.dmaWrite(value >>> 0, new TextEncoder().encode(name));
        return;
      case STATE:
        if (output) this.set(value);
        else this.#log.guest('write of %x to the state of an input', value);
        return;
      case INT_ENABLE:
        this.#enabled = (value & 1) !== 0;
        this.#update();
        return;
      default:
        this.#log.guest('write of %x to no register, %x', value, offset);
    }
  }

  reset(_kind: ResetKind): void {
    this.#state = this.#options.initial ?? 0;
    this.#changed = this.#options.initial !== undefined;
    this.#enabled = false;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return { state: this.#state, changed: this.#changed, enabled: this.#enabled };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const [value, changed, enabled] = [saved.u32('state'), saved.bool('changed'), saved.bool('enabled')];
    this.#state = value;
    this.#changed = changed;
    this.#enabled = enabled;
  }
}
