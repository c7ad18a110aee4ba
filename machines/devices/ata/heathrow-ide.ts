// SPDX-License-Identifier: MIT
/**
 * The ATA cell of Apple's O'Hare, Heathrow, Paddington and KeyLargo I/O controllers: an ATA channel with its registers
 * 16 bytes apart and one timing configuration register. DMA is a DBDMA channel of the I/O controller.
 *
 * Sockets: span 0x1000; `irq` (the drives' INTRQ); `dma`, to which the machine gives the DBDMA channel serving it.
 *
 *     0x000  Data (16 bits; 32-bit accesses move two words)    0x160  Alternate Status / Device Control
 *     0x010-0x070  Error/Features … Status/Command              0x170  Drive Address
 *     0x080  Alternate Status / Device Control again: OpenBIOS has them here, as QEMU's cell does
 *     0x200  timing configuration, 32 bits, little-endian       0x300  interrupt (KeyLargo only)
 *
 * The 16-bit data lanes are wired so that a big-endian CPU reads the bytes in the order of the medium.
 * Documents: the register layout and the timing fields as drivers use them [Linux drivers/ata/pata_macio.c].
 * Not modelled: the timing register's effect (drives pace transfers by their own mode); the interrupt register of
 * KeyLargo's cell.
 */
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DmaChannel, DmaPeer } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Wire } from '../../backplane/wire.ts';
import { type AtaTarget, REG } from './ata.ts';
import { AtaChannel } from './ata-channel.ts';

const SPAN = 0x1000;
const CS0 = 0x000;
const CS1 = 0x100;
const TIMING_CONFIG = 0x200;
const CS1_ALTERNATE_STATUS = 6;
const ALTERNATE_STATUS_ALIAS = 0x080;
const CS1_DRIVE_ADDRESS = 7;

/** PIO mode 0 and multiword DMA mode 0 in 30 ns ticks: what the cell can do with any drive. */
const TIMING_RESET = 0x0007_4526;
/** Bits 21-0: multiword DMA half tick, recovery, access; PIO "E", recovery, access. */
const TIMING_MASK = 0x003f_ffff;

export class HeathrowIde implements Device, BusTarget {
  readonly id: string;
  readonly span = SPAN;
  readonly access: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'little' };
  readonly #channel: AtaChannel;
  readonly #log: DeviceLog;
  #timing = TIMING_RESET;

  constructor(chip: ChipContext, drives: readonly [(AtaTarget | undefined)?, (AtaTarget | undefined)?] = []) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#channel = new AtaChannel(chip, drives);
  }

  get irq(): Wire {
    return this.#channel.irq;
  }

  /** What the DBDMA channel moves data from and to. */
  get dmaPeer(): DmaPeer {
    return this.#channel;
  }

  set dma(channel: DmaChannel | undefined) {
    this.#channel.dma = channel;
  }

  read(offset: number, width: Width): number {
    if (offset >= TIMING_CONFIG) return this.#readOwn(offset, width);
    const register = (offset >>> 4) & 7;
    if ((offset & 0x180) === CS0) {
      if (register !== 0) return this.#channel.readRegister(register);
      const low = this.#channel.readData();
      if (width === 4) return (low | (this.#channel.readData() << 16)) >>> 0;
      return width === 2 ? low : low & 0xff;
    }
    if ((offset & 0x1f0) === ALTERNATE_STATUS_ALIAS) return this.#channel.readAlternateStatus();
    if ((offset & 0x180) === CS1) {
      if (register === CS1_ALTERNATE_STATUS) return this.#channel.readAlternateStatus();
      if (register === CS1_DRIVE_ADDRESS) return this.#channel.readDriveAddress();
    }
    this.#log.guest('read of no register at %x', offset);
    return 0;
  }

  write(offset: number, width: Width, value: number): void {
    if (offset >= TIMING_CONFIG) {
      this.#writeOwn(offset, width, value);
      return;
    }
    const register = (offset >>> 4) & 7;
    if ((offset & 0x180) === CS0) {
      if (register !== 0) {
        this.#channel.writeRegister(register, value & 0xff);
        return;
      }
      this.#channel.writeData(value & 0xffff);
      if (width === 4) this.#channel.writeData(value >>> 16);
      return;
    }
    const control = (offset & 0x180) === CS1 && register === CS1_ALTERNATE_STATUS;
    if (control || (offset & 0x1f0) === ALTERNATE_STATUS_ALIAS) {
      this.#channel.writeDeviceControl(value & 0xff);
      return;
    }
    this.#log.guest('write of no register at %x', offset);
  }

  peek(offset: number): number | undefined {
    if (offset >>> 4 === REG.status || offset >>> 4 === 0x16) return this.#channel.readAlternateStatus();
    if (offset >>> 4 === TIMING_CONFIG >>> 4) return (this.#timing >>> ((offset & 3) * 8)) >>> 0;
    return undefined;
  }

  reset(kind: ResetKind): void {
    this.#timing = TIMING_RESET;
    this.#channel.reset(kind);
  }

  settle(): void {
    this.#channel.settle();
  }

  save(): PlainFields {
    return { timing: this.#timing, channel: this.#channel.save() };
  }

  restore(state: PlainFields): void {
    const fields = new SavedFields(this.id, state);
    this.#timing = fields.int('timing', 0, TIMING_MASK);
    this.#channel.restore(fields.fields('channel'));
  }

  #readOwn(offset: number, width: Width): number {
    if (offset >>> 4 !== TIMING_CONFIG >>> 4) {
      this.#log.unimp('read of register %x', offset);
      return 0;
    }
    const value = this.#timing >>> ((offset & 3) * 8);
    return width === 4 ? value >>> 0 : value & (width === 2 ? 0xffff : 0xff);
  }

  #writeOwn(offset: number, width: Width, value: number): void {
    if (offset >>> 4 !== TIMING_CONFIG >>> 4) {
      this.#log.unimp('write of register %x', offset);
      return;
    }
    if (width === 4) this.#timing = value & TIMING_MASK;
    else this.#log.guest('timing configuration written %d bytes at a time', width);
  }
}
