// SPDX-License-Identifier: MIT
//
// System controller of QEMU's "virt" board for the 68k: software switches the machine off or resets it.
//
// Sockets: span 0x100; wires `powerOff`, `panic`, `resetRequest`, which are pulses.
// Registers: FEATURES (bit 0: power control), CMD (0 nothing, 1 reset, 2 halt, 3 panic).
//
// Documents: Linux arch/m68k/virt/config.c.
// Not modelled: nothing known; its interrupt is never raised, as on QEMU's board.
import type { ChipContext } from '../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../backplane/bus.ts';
import type { Device, PlainFields } from '../backplane/device.ts';
import type { DeviceLog } from '../backplane/log.ts';
import { Wire } from '../backplane/wire.ts';

const FEATURES = 0x00;
const CMD = 0x04;

const FEATURE_POWER_CONTROL = 1;

export class VirtCtrl implements Device, BusTarget {
  readonly id: string;
  readonly span = 0x100;
  readonly access: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 4, max: 4 }, byteOrder: 'big' };
  readonly powerOff: Wire;
  readonly panic: Wire;
  readonly resetRequest: Wire;
  readonly irq: Wire;
  readonly #log: DeviceLog;

  constructor(chip: ChipContext) {
    this.id = chip.id;
    this.#log = chip.log;
    this.powerOff = new Wire(`${chip.id}.power-off`);
    this.panic = new Wire(`${chip.id}.panic`);
    this.resetRequest = new Wire(`${chip.id}.reset`);
    this.irq = new Wire(`${chip.id}.irq`);
  }

  read(offset: number, _width: Width): number {
    const value = this.peek(offset);
    if (value === undefined) this.#log.guest('read of no register, %x', offset);
    return value ?? 0;
  }

  peek(offset: number): number | undefined {
    return offset === FEATURES ? FEATURE_POWER_CONTROL : offset === CMD ? 0 : undefined;
  }

  write(offset: number, _width: Width, value: number): void {
    if (offset !== CMD) {
      this.#log.guest('write of %x to no register, %x', value, offset);
      return;
    }
    const wire = [undefined, this.resetRequest, this.powerOff, this.panic][value];
    if (wire === undefined) {
      if (value !== 0) this.#log.guest('no command %d', value);
      return;
    }
    wire.set(true);
    wire.set(false);
  }

  reset(): void {
    // It holds nothing.
  }

  settle(): void {
    this.irq.set(false);
  }

  save(): PlainFields {
    return {};
  }

  restore(_state: PlainFields): void {
    // It holds nothing.
  }
}
