// SPDX-License-Identifier: MIT
//
// What the peripheral controller of NeXT computers has between the SCSI chip or the floppy controller and the DMA channel
// they share.
//
// Sockets: `scsi`, span 2 (at 0x0201_4020: control, DMA status); `floppy`, span 1 (at 0x0201_4108); both chips as
// DmaPeers and the channel; input `espIrqW`; wire `scsiIrq`; functions for what it does to the chips.
//
//     SCSI control  7-6 clock (10, 12.5, 20, 16.7 MHz)  5 interrupt enable  4 DMA  3 from SCSI to memory  2 flush
//                   1 reset the chip  0 the chip is a WD33C93
//     SCSI status   7-6 which of the two banks of 16 bytes DMA and SCSI have
//     floppy        written: 7 eject  6 the channel is the floppy controller's   read: 2 no drive  1-0 density of the
//                   disk while the motor runs: 0 none, 3 720K, 2 1.44M, 1 2.88M
//
// Documents: none public; [NetBSD next68k] esp.c, espreg.h; [Previous] esp.c, floppy.c.
// Not modelled: SCSI without DMA mode is the chip's FIFO alone.
import type { ChipContext } from '../../backplane/board.ts';
import { BYTE_REGISTERS, type BusTarget } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DmaPeer } from '../../backplane/dma.ts';
import { Wire } from '../../backplane/wire.ts';
import { BURST_BYTES } from './next-dma-channel.ts';

const CTL_CLOCK = 0xc0;
const CTL_INT_ENABLE = 0x20;
const CTL_DMA = 0x10;
const CTL_FLUSH = 0x04;
const CTL_RESET = 0x02;

const CLOCKS_HZ = [10_000_000, 12_500_000, 20_000_000, 16_666_667] as const;

const STATE_DMA0_SCSI1 = 0x40;
const STATE_DMA1_SCSI0 = 0x80;

const FLOPPY_EJECT = 0x80;
const FLOPPY_SELECT = 0x40;
const FLOPPY_NO_DRIVE = 0x04;

/** The DMA channel, as far as this needs it. */
export interface SharedChannel {
  request(): void;
  flush(): boolean;
}

/** A floppy drive that tells densities apart and throws its disk out. */
export interface SensingDrive {
  readonly ready: boolean;
  readonly medium: { readonly geometry: { readonly bitRate: number } } | undefined;
  eject(): void;
}

const MEDIA_IDS: Readonly<Record<number, number>> = { 250_000: 3, 500_000: 2, 1_000_000: 1 };

export interface NextDiskParts {
  readonly scsi: DmaPeer;
  readonly floppy: DmaPeer | undefined;
  /** The SCSI chip's reset pin, and its clock. */
  resetScsi(): void;
  scsiClock(hz: number): void;
  /** The floppy drive that is selected. */
  floppyDrive(): SensingDrive | undefined;
  /** On Turbo machines one flush empties the whole buffer. */
  readonly flushesAll: boolean;
}

export class NextDiskControl implements Device, DmaPeer {
  readonly id: string;
  readonly scsi: BusTarget;
  readonly floppy: BusTarget;
  readonly scsiIrq: Wire;
  /** Set by the board. */
  channel: SharedChannel | undefined;
  parts: NextDiskParts | undefined;
  #control = 0;
  #status = 0;
  #moved = 0;
  #floppySelected = false;
  #espIrq = false;

  constructor(chip: ChipContext) {
    this.id = chip.id;
    this.scsiIrq = new Wire(`${chip.id}.scsi-irq`);
    this.scsi = {
      span: 2,
      access: BYTE_REGISTERS,
      read: (offset) => (offset === 0 ? this.#control : this.#status),
      peek: (offset) => (offset === 0 ? this.#control : this.#status),
      write: (offset, _width, value) => {
        if (offset === 0) this.#writeControl(value);
        else this.#status = value;
      },
    };
    this.floppy = {
      span: 1,
      access: BYTE_REGISTERS,
      read: () => this.#floppyStatus,
      peek: () => this.#floppyStatus,
      write: (_offset, _width, value) => {
        this.selectFloppy((value & FLOPPY_SELECT) !== 0);
        if (value & FLOPPY_EJECT) this.parts?.floppyDrive()?.eject();
      },
    };
  }

  get #floppyStatus(): number {
    const drive = this.parts?.floppyDrive();
    if (drive === undefined) return FLOPPY_NO_DRIVE;
    return drive.ready ? (MEDIA_IDS[drive.medium?.geometry.bitRate ?? 0] ?? 0) : 0;
  }

  /** Whose the channel is; the 68030 machine has a line of the optical storage processor for it. */
  selectFloppy(level: boolean): void {
    this.#floppySelected = level;
  }

  espIrqW(level: boolean): void {
    this.#espIrq = level;
    this.#update();
  }

  /** The SCSI chip asks for service. */
  readonly scsiChannel = { request: (): void => this.#request(false) };
  /** The floppy controller does. */
  readonly floppyChannel = { request: (): void => this.#request(true) };

  #request(floppy: boolean): void {
    if (floppy === this.#floppySelected) this.channel?.request();
  }

  dmaIn(into: Uint8Array): number {
    return this.#count(this.#peer?.dmaIn(into) ?? 0);
  }

  dmaOut(bytes: Uint8Array): number {
    return this.#count(this.#peer?.dmaOut(bytes) ?? 0);
  }

  get #peer(): DmaPeer | undefined {
    if (this.#floppySelected) return this.parts?.floppy;
    return this.#control & CTL_DMA ? this.parts?.scsi : undefined;
  }

  #count(bytes: number): number {
    this.#moved = (this.#moved + bytes) % (2 * BURST_BYTES);
    if (bytes > 0) this.#status = this.#moved < BURST_BYTES ? STATE_DMA1_SCSI0 : STATE_DMA0_SCSI1;
    return bytes;
  }

  #writeControl(value: number): void {
    const rising = value & ~this.#control;
    const changed = value ^ this.#control;
    this.#control = value;
    if (rising & CTL_FLUSH) {
      let more = this.channel?.flush() ?? false;
      for (let i = 1; this.parts?.flushesAll && more && i < BURST_BYTES / 4; i++) more = this.channel?.flush() ?? false;
    }
    if (rising & CTL_RESET) this.parts?.resetScsi();
    if (changed & CTL_CLOCK) this.parts?.scsiClock(CLOCKS_HZ[value >>> 6]!);
    if (rising & CTL_DMA && !this.#floppySelected) this.channel?.request();
    this.#update();
  }

  #update(): void {
    this.scsiIrq.set(this.#espIrq && (this.#control & CTL_INT_ENABLE) !== 0);
  }

  reset(_kind: ResetKind): void {
    this.#control = this.#status = this.#moved = 0;
    this.#floppySelected = false;
  }

  settle(): void {
    this.parts?.scsiClock(CLOCKS_HZ[this.#control >>> 6]!);
    this.#update();
  }

  save(): PlainFields {
    return {
      control: this.#control,
      status: this.#status,
      moved: this.#moved,
      floppySelected: this.#floppySelected,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#control = saved.u8('control');
    this.#status = saved.u8('status');
    this.#moved = saved.int('moved', 0, 2 * BURST_BYTES - 1);
    this.#floppySelected = saved.bool('floppySelected');
  }
}
