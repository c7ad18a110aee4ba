// SPDX-License-Identifier: MIT
//
// Memory log of the goldfish virtual board: a guest that wants to tell of its memory accesses writes eight words of
// information and, last, the first of them.
//
// Sockets: span 0x1000; no interrupt. Each record, a process and an address by convention, is a line of the `trace` log.
// Documents: [GOLDFISH] §XI; [AOSP qemu] memlog.c. Not modelled: nothing known.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { goldfishAccess } from './goldfish.ts';

const WORDS = 8;

export class GoldfishMemlog implements Device, BusTarget {
  readonly id: string;
  readonly span = 0x1000;
  readonly access: AccessRules = goldfishAccess('little');
  readonly #log: DeviceLog;
  readonly #info = new Uint32Array(WORDS);

  constructor(chip: ChipContext) {
    this.id = chip.id;
    this.#log = chip.log;
  }

  /** Nothing can be read back. */
  read(_offset: number, _width: Width): number {
    return 0;
  }

  peek(_offset: number): number {
    return 0;
  }

  write(offset: number, _width: Width, value: number): void {
    if (offset >= WORDS * 4) {
      this.#log.guest('write of %x to no register, %x', value, offset);
      return;
    }
    this.#info[offset >>> 2] = value;
    if (offset === 0) this.#log.trace('process %x, address %x', this.#info[0]!, this.#info[1]!);
  }

  reset(_kind: ResetKind): void {
    this.#info.fill(0);
  }

  settle(): void {}

  save(): PlainFields {
    return { info: this.#info.slice() };
  }

  restore(state: PlainFields): void {
    this.#info.set(new SavedFields(this.id, state).words('info', WORDS));
  }
}
