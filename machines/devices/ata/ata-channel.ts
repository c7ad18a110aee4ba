// SPDX-License-Identifier: MIT
/**
 * One ATA channel: a cable with up to two drives, as every host adapter presents it.
 *
 * Sockets: registers (command block, control block, data), `irq` (INTRQ of the selected drive, gated by nIEN), a DMA
 * peer (`dma` is the channel that serves DMARQ).
 * Documents: [ATA-6] T13/1410D, §6 (interface registers), §9.16 (device 0 answering for an absent device 1).
 * Not modelled: bus contention of broken drives; cable select; CRC errors of Ultra DMA.
 */
import type { ChipContext } from '../../backplane/board.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DmaChannel, DmaPeer } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { Wire } from '../../backplane/wire.ts';
import { type AtaCable, type AtaTarget, CONTROL_NIEN, CONTROL_SRST, DEVICE_DEV, REG, STATUS_BSY } from './ata.ts';

/** DD7 is pulled down so that a host does not wait for the BSY of drives that are not there; the rest float high. */
const FLOATING = 0x7f;
const FLOATING_DATA = 0xff7f;
const EXECUTE_DEVICE_DIAGNOSTIC = 0x90;

export class AtaChannel implements Device, DmaPeer, AtaCable {
  readonly id: string;
  /** INTRQ. */
  readonly irq: Wire;
  /** Who serves DMA; without one, drives wait for ever in a DMA transfer. */
  dma: DmaChannel | undefined;
  readonly #log: DeviceLog;
  readonly #drives: readonly [AtaTarget | undefined, AtaTarget | undefined];
  #selected: 0 | 1 = 0;
  #control = 0;

  constructor(chip: ChipContext, drives: readonly [(AtaTarget | undefined)?, (AtaTarget | undefined)?] = []) {
    this.id = chip.id;
    this.#log = chip.log;
    this.irq = new Wire(`${chip.id}.irq`);
    this.#drives = [drives[0], drives[1]];
    this.#drives[0]?.plug(this, 0);
    this.#drives[1]?.plug(this, 1);
  }

  /** Command block registers 1 to 7. */
  readRegister(register: number): number {
    const drive = this.#drive;
    if (drive !== undefined) {
      const value = drive.readRegister(register);
      return register === REG.device ? (value & ~DEVICE_DEV) | (this.#selected << 4) : value;
    }
    const zero = this.#drives[0];
    if (this.#selected === 1 && zero !== undefined) {
      // Device 0 answers for the absent device 1: status 0, and its own registers unless it is a packet device.
      if (register === REG.status || !zero.showsRegistersForAbsent) return 0;
      return (zero.status & STATUS_BSY) !== 0 ? 0 : zero.readRegister(register);
    }
    return FLOATING;
  }

  writeRegister(register: number, value: number): void {
    if (register === REG.device) this.#selected = (value & DEVICE_DEV) !== 0 ? 1 : 0;
    if (register === REG.command) {
      this.#command(value);
    } else {
      for (const [unit, drive] of this.#drives.entries())
        drive?.writeRegister(register, value, unit === this.#selected);
    }
    this.#update();
  }

  /** The alternate status register: status without clearing the interrupt. */
  readAlternateStatus(): number {
    if (this.#drive !== undefined) return this.#drive.status;
    return this.#selected === 1 && this.#drives[0] !== undefined ? 0 : FLOATING;
  }

  writeDeviceControl(value: number): void {
    this.#control = value;
    for (const drive of this.#drives) drive?.writeControl(value);
    if ((value & CONTROL_SRST) !== 0) this.#selected = 0;
    this.#update();
  }

  /** The drive address register, obsolete since ATA-2: selected drive and head, active low. */
  readDriveAddress(): number {
    const drive = this.#drive;
    if (drive === undefined) return 0xff;
    const head = drive.readRegister(REG.device) & 0x0f;
    return 0xc0 | ((~head & 0x0f) << 2) | (this.#selected === 0 ? 0x02 : 0x01);
  }

  readData(): number {
    return this.#drive?.readData() ?? FLOATING_DATA;
  }

  writeData(value: number): void {
    this.#drive?.writeData(value);
  }

  dmaIn(into: Uint8Array): number {
    return this.#drive?.dmaIn(into) ?? 0;
  }

  dmaOut(bytes: Uint8Array): number {
    return this.#drive?.dmaOut(bytes) ?? 0;
  }

  /** @internal For the drives. */
  intrq(): void {
    this.#update();
  }

  /** @internal For the drives. */
  dmarq(): void {
    this.dma?.request();
  }

  /** @internal For the drives. */
  present(unit: 0 | 1): boolean {
    return this.#drives[unit] !== undefined;
  }

  /** The RESET- line; the drives are devices of the board and are reset on their own. */
  reset(_kind: ResetKind): void {
    this.#selected = 0;
    this.#control = 0;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return { selected: this.#selected, control: this.#control };
  }

  restore(state: PlainFields): void {
    const fields = new SavedFields(this.id, state);
    this.#selected = fields.int('selected', 0, 1) as 0 | 1;
    this.#control = fields.u8('control');
  }

  get #drive(): AtaTarget | undefined {
    return this.#drives[this.#selected];
  }

  #command(value: number): void {
    if (value === EXECUTE_DEVICE_DIAGNOSTIC) {
      // Both drives carry it out, whichever is selected, and device 0 is selected afterwards.
      this.#selected = 0;
      for (const drive of this.#drives) drive?.writeRegister(REG.command, value, true);
      return;
    }
    if (this.#drive === undefined) this.#log.trace('command %x to an absent drive', value);
    this.#drive?.writeRegister(REG.command, value, true);
  }

  #update(): void {
    this.irq.set((this.#control & CONTROL_NIEN) === 0 && this.#drive?.intrq === true);
  }
}
