// SPDX-License-Identifier: MIT
//
// The output latches of the Archimedes 300, 400 and 3000 on the peripheral bus: floppy drives and printer.
//
// Sockets: bus: words at 0x10 (printer data), 0x18 (latch B), 0x40 (latch A), 0x48 (latch C); they cannot be read.
// Document: [ARC TRM].
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { SavedFields, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { Wire } from '../../backplane/wire.ts';
import type { ShugartDrive } from '../floppy/shugart-drive.ts';
import type { Wd1772 } from '../floppy/wd1772.ts';

// Latch A, all active low.
const A_DRIVES = 0x0f;
const A_SIDE_0 = 0x10;
const A_NO_MOTOR = 0x20;
// Latch B
const B_SINGLE_DENSITY = 0x02;
const B_FDC_RUN = 0x08;
const B_PRINTER_STROBE = 0x10;
const LATCH_B_RESET = 0xff & ~B_PRINTER_STROBE;

export interface ArcLatchesOptions {
  readonly fdc: Wd1772;
  readonly drives: readonly ShugartDrive[];
}

export class ArcLatches implements BusTarget, Device {
  readonly id: string;
  readonly span = 0x80;
  readonly access: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'little' };
  /** A selected drive with a disk turns. */
  readonly ready: Wire;
  /** The selected drive's disk was changed. */
  readonly diskChanged: Wire;
  readonly printerStrobe: Wire;
  /** The printer's data lines have changed. */
  onPrinterData: (byte: number) => void = () => {};
  readonly #log: DeviceLog;
  readonly #fdc: Wd1772;
  readonly #drives: readonly ShugartDrive[];
  #a = 0xff;
  #b = LATCH_B_RESET;
  #c = 0;
  #printerData = 0;

  constructor(chip: ChipContext, options: ArcLatchesOptions) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#fdc = options.fdc;
    this.#drives = options.drives;
    this.ready = new Wire(`${chip.id}.ready`);
    this.diskChanged = new Wire(`${chip.id}.dskchg`);
    this.printerStrobe = new Wire(`${chip.id}.pstb`);
    for (const drive of options.drives) drive.diskChange.to(() => this.#drive());
  }

  reset(_kind: ResetKind): void {
    this.#a = 0xff;
    this.#b = LATCH_B_RESET;
    this.#c = this.#printerData = 0;
  }

  settle(): void {
    this.onPrinterData(this.#printerData);
    this.#drive();
  }

  read(offset: number, _width: Width): number {
    this.#log.guest('read of a write-only latch at %x', offset);
    return 0xff;
  }

  peek(): number {
    return 0xff;
  }

  write(offset: number, _width: Width, value: number): void {
    const byte = value & 0xff;
    switch (offset & ~3) {
      case 0x10:
        this.#printerData = byte;
        this.onPrinterData(byte);
        return;
      case 0x18:
        this.#writeB(byte);
        return;
      case 0x40:
        this.#a = byte;
        break;
      case 0x48:
        if (byte !== 0) this.#log.unimp('video clock %x', byte);
        this.#c = byte;
        return;
      default:
        this.#log.guest('write of %x to no latch, %x', byte, offset);
        return;
    }
    this.#drive();
  }

  #writeB(byte: number): void {
    const changed = byte ^ this.#b;
    this.#b = byte;
    if (changed & B_FDC_RUN && (byte & B_FDC_RUN) === 0) {
      this.#fdc.reset('warm');
      this.#fdc.settle();
    }
    this.#drive();
  }

  #drive(): void {
    const selected = this.#drives.find((_, n) => (this.#a & A_DRIVES & (1 << n)) === 0);
    for (const drive of this.#drives) drive.motor((this.#a & A_NO_MOTOR) === 0);
    this.#fdc.drive = selected;
    this.#fdc.side = this.#a & A_SIDE_0 ? 0 : 1;
    this.#fdc.doubleDensity = (this.#b & B_SINGLE_DENSITY) === 0;
    this.printerStrobe.set((this.#b & B_PRINTER_STROBE) !== 0);
    this.ready.set(selected?.ready === true);
    this.diskChanged.set(selected?.diskChange.level === true);
  }

  save(): PlainFields {
    return { a: this.#a, b: this.#b, c: this.#c, printerData: this.#printerData };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#a = saved.u8('a');
    this.#b = saved.u8('b');
    this.#c = saved.u8('c');
    this.#printerData = saved.u8('printerData');
  }
}
