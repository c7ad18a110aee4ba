// SPDX-License-Identifier: MIT
//
// Apple Heathrow (343S1201): the Mac-IO chip of the first Power Macintosh G3s. A PCI function that shows 512 KiB of
// cells: interrupt controller, DBDMA, SCSI, Ethernet, serial, sound, floppy, VIA, two IDE channels, NVRAM.
//
// Sockets: PCI function with one memory BAR; `cells`, the map inside it, where the board puts the cells it has; wires
// from the feature control register to the cells' resets, asserted while their cell is held in reset.
//
//   00000  identification, feature control (here) and interrupts (10-2f)
//   08000  DBDMA channels       13000  ESCC              20000  IDE 0
//   10000  MESH SCSI            14000  audio codec       21000  IDE 1
//   11000  BMAC Ethernet        15000  SWIM3 floppy      60000  NVRAM
//   12000  ESCC, compatible     16000  VIA and CUDA
//
// Documents: asm/heathrow.h and powermac/feature.c of Linux; Macintosh Technology in the Common Hardware Reference
// Platform [CHRP-MAC].
// Not modelled: cells answer whether enabled in the feature control register or not; brightness and contrast outputs;
// media bay power. The low halves of the identification bytes, and the reset values, are unverified.
import type { ChipContext } from '../../backplane/board.ts';
import { type BusTarget, LITTLE_WORDS } from '../../backplane/bus.ts';
import { type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import { type MemoryMap, type Region, region } from '../../backplane/memory-map.ts';
import { Wire } from '../../backplane/wire.ts';
import { CACHE_LINE_SIZE, COMMAND_MASTER, COMMAND_PARITY, COMMAND_SERR, PciFunction } from '../pci/pci-function.ts';

export const HEATHROW_BYTES = 0x8_0000;

const ENTRY_SUPPORT = 0x30; // brightness 0x32, contrast 0x33
const ID = 0x34; // from bit 0: CPU, media bay, monitor, flat panel; MBCR of Linux
const FEATURE_CONTROL = 0x38;
const AUX_CONTROL = 0x3c;
const GPIO = 0x6c; // 0x6d: modem reset
const CONTROL_BYTES = 0x80;

/** Written bits of the ID register that read back: media bay control and SCSI termination are among them. */
const ID_OUTPUTS = 0x0f0f_0f00;

const FCR_IDE0_RESET_N = 1 << 6;
const FCR_BAY_RESET_N = 1 << 7;
const FCR_IDE1_RESET_N = 1 << 23;
const FCR_RESET_SCC = 1 << 25;
const FCR_BMAC_RESET = 1 << 31;

export interface HeathrowOptions {
  /** The map of the chip's own address space, empty. */
  readonly cells: MemoryMap;
  /** Identification inputs strapped on the board. */
  readonly ids?: {
    /** Default 0xf0. */
    readonly cpu?: number;
    /** Upper half: what is in the media bay. Default 0x70, nothing. */
    readonly mediaBay?: number;
    /** Default 0x10. */
    readonly monitor?: number;
    /** Default 0x70. */
    readonly flatPanel?: number;
  };
  /** Feature control after reset. Default 0: everything off and in reset, as at power-on. */
  readonly featureControl?: number;
  /** Default 1. */
  readonly revision?: number;
}

export class Heathrow extends PciFunction {
  readonly cells: MemoryMap;
  readonly ide0Reset: Wire;
  readonly ide1Reset: Wire;
  readonly mediaBayReset: Wire;
  readonly sccReset: Wire;
  readonly ethernetReset: Wire;
  readonly #ids: number;
  readonly #featureControlReset: number;
  #featureControl: number;
  #auxControl = 0;
  #idOutputs = 0;
  #entrySupport = 0;
  #gpio = 0;

  constructor(context: ChipContext, options: HeathrowOptions) {
    super(context, {
      vendorId: 0x106b,
      deviceId: 0x0010,
      revision: options.revision ?? 1,
      classCode: 0xff_0000,
      commandMask: COMMAND_MASTER | COMMAND_PARITY | COMMAND_SERR,
    });
    this.register(CACHE_LINE_SIZE, 1, 8, { writable: 0xff });
    this.cells = options.cells;
    this.ide0Reset = new Wire(`${context.id}.ide0-reset`);
    this.ide1Reset = new Wire(`${context.id}.ide1-reset`);
    this.mediaBayReset = new Wire(`${context.id}.media-bay-reset`);
    this.sccReset = new Wire(`${context.id}.scc-reset`);
    this.ethernetReset = new Wire(`${context.id}.ethernet-reset`);
    const { cpu = 0xf0, mediaBay = 0x70, monitor = 0x10, flatPanel = 0x70 } = options.ids ?? {};
    this.#ids = ((flatPanel << 24) | (monitor << 16) | (mediaBay << 8) | cpu) >>> 0;
    this.#featureControlReset = (options.featureControl ?? 0) >>> 0;
    this.#featureControl = this.#featureControlReset;
    this.memoryBar(0, HEATHROW_BYTES, (row) => row.map(this.cells));
    // The chip claims its whole range: where there is no cell, reads give zero.
    this.cells.add(
      region(0, HEATHROW_BYTES - 1)
        .stub(`${context.id}: no cell`)
        .priority(-1),
    );
    this.cells.add(...this.#controlRows());
  }

  /** Places a cell. `offset` is where in its registers the range begins. */
  attach(first: number, last: number, target: BusTarget, name: string, offset = 0): this {
    this.cells.add(region(first, last).device(target, name, offset));
    return this;
  }

  /** Names a cell that this board, or this emulator, does not have. */
  absent(first: number, last: number, name: string): this {
    this.cells.add(region(first, last).stub(name));
    return this;
  }

  override reset(kind: ResetKind): void {
    super.reset(kind);
    this.#featureControl = this.#featureControlReset;
    this.#auxControl = 0;
    this.#idOutputs = 0;
    this.#entrySupport = 0;
    this.#gpio = 0;
  }

  override settle(): void {
    super.settle();
    this.#driveResets();
  }

  override save(): PlainFields {
    return {
      ...super.save(),
      featureControl: this.#featureControl,
      auxControl: this.#auxControl,
      idOutputs: this.#idOutputs,
      entrySupport: this.#entrySupport,
      gpio: this.#gpio,
    };
  }

  override restore(state: PlainFields): void {
    const fields = new SavedFields(this.id, state);
    const featureControl = fields.u32('featureControl');
    const auxControl = fields.u32('auxControl');
    const idOutputs = fields.u32('idOutputs');
    const entrySupport = fields.u32('entrySupport');
    const gpio = fields.u32('gpio');
    super.restore(state);
    this.#featureControl = featureControl;
    this.#auxControl = auxControl;
    this.#idOutputs = (idOutputs & ID_OUTPUTS) >>> 0;
    this.#entrySupport = entrySupport;
    this.#gpio = gpio;
  }

  #controlRows(): Region[] {
    const control: BusTarget = {
      span: CONTROL_BYTES,
      access: LITTLE_WORDS,
      read: (offset) => this.#readControl(offset),
      write: (offset, _width, value) => this.#writeControl(offset, value),
      peek: (offset) => this.#controlRegister(offset),
    };
    const name = `${this.id}: control`;
    return [region(0x00, 0x0f).device(control, name), region(0x30, CONTROL_BYTES - 1).device(control, name, 0x30)];
  }

  #controlRegister(offset: number): number | undefined {
    switch (offset) {
      case ENTRY_SUPPORT:
        return this.#entrySupport;
      case ID:
        return (this.#ids | this.#idOutputs) >>> 0;
      case FEATURE_CONTROL:
        return this.#featureControl;
      case AUX_CONTROL:
        return this.#auxControl;
      case GPIO:
        return this.#gpio;
      default:
        return undefined;
    }
  }

  #readControl(offset: number): number {
    const value = this.#controlRegister(offset);
    if (value === undefined) this.log.unimp('read of control register %x', offset);
    return value ?? 0;
  }

  #writeControl(offset: number, value: number): void {
    switch (offset) {
      case ENTRY_SUPPORT:
        this.#entrySupport = value;
        break;
      case ID:
        this.#idOutputs = (value & ID_OUTPUTS) >>> 0;
        break;
      case FEATURE_CONTROL:
        this.#featureControl = value;
        this.#driveResets();
        break;
      case AUX_CONTROL:
        this.#auxControl = value;
        break;
      case GPIO:
        this.#gpio = value;
        break;
      default:
        this.log.unimp('write of control register %x', offset);
    }
  }

  #driveResets(): void {
    const control = this.#featureControl;
    this.ide0Reset.set((control & FCR_IDE0_RESET_N) === 0);
    this.ide1Reset.set((control & FCR_IDE1_RESET_N) === 0);
    this.mediaBayReset.set((control & FCR_BAY_RESET_N) === 0);
    this.sccReset.set((control & FCR_RESET_SCC) !== 0);
    this.ethernetReset.set((control & FCR_BMAC_RESET) !== 0);
  }
}
