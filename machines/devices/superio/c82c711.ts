// SPDX-License-Identifier: MIT
//
// Chips and Technologies 82C711 (and SMC's compatible FDC37C651), universal peripheral controller: the decoder and
// configuration of a floppy controller, two serial ports, a parallel port and an IDE interface, and the parallel port
// itself. The other cells are chips of their own.
//
// Sockets: bus: the ten address bits of the PC's I/O space (span 0x400); cells by {@link C82c711Cells}; wires in: `fdcIrqW`
// and the like are the cells' own. Wires out: `lptIrq`, `strobe`, `autoFeed`, `init`, `select`; inputs `busyW`, `ackW`;
// `onData` has the parallel port's data lines. The interrupt of a serial cell passes while its OUT2 is set:
// `serialIrq[n]`, from `serialIntrW(n, level)` and `serialOut2W(n, level)`.
// Documents: [FDC37C651], whose registers are those of the 82C711.
// Not modelled: power-down of the cells and the oscillator (a cell without power does not answer), test modes (CR4), the
// floppy outputs' options (CR3).
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { SavedFields, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { Wire } from '../../backplane/wire.ts';

/** The IDE connector: command and control block registers, as an ATA channel has them. */
export interface IdeConnector {
  readRegister(register: number): number;
  writeRegister(register: number, value: number): void;
  readAlternateStatus(): number;
  writeDeviceControl(value: number): void;
  readDriveAddress(): number;
  readData(): number;
  writeData(value: number): void;
}

export interface C82c711Cells {
  /** Eight registers; 6 is IDE's. */
  readonly fdc: BusTarget;
  readonly serial: readonly [BusTarget, BusTarget];
  readonly ide: IdeConnector;
}

const CONFIG_INDEX = 0x3f0;
const CONFIG_DATA = 0x3f1;
const CONFIG_ENTER = 0x55;
const CONFIG_LEAVE = 0xaa;

/** CR0 to CR4 after a reset: everything on, COM1, COM2, LPT1 at 0x378. */
const CR_RESET = [0x3b, 0x9f, 0xdc, 0x78, 0x00] as const;
const CR0_IDE = 0x01;
const CR0_FDC_POWER = 0x08;
const CR0_FDC = 0x10;
const CR1_PARALLEL = 0x03;
const CR1_PARALLEL_POWER = 0x04;
/** 1: a printer's port; 0: the port may be read too. */
const CR1_PRINTER_MODE = 0x08;
const CR1_UNLOCKED = 0x80;
const PARALLEL_BASES = [-1, 0x3bc, 0x378, 0x278] as const;
const SERIAL_BASES = [0x3f8, 0x2f8, 0x338, 0x238] as const;
/** COM3 and COM4 by CR1 bits 6 and 5. */
const COM3_BASES = [0x338, 0x3e8, 0x2e8, 0x220] as const;
const COM4_BASES = [0x238, 0x2e8, 0x2e0, 0x228] as const;
const SERIAL_ENABLE = 0x04;
const SERIAL_POWER = 0x08;

const FDC_BASE = 0x3f0;
const IDE_BASE = 0x1f0;
const IDE_CONTROL = 0x3f6;
const IDE_ADDRESS = 0x3f7;

const LPT_STROBE = 0x01;
const LPT_AUTOFEED = 0x02;
const LPT_INIT_N = 0x04;
const LPT_SELECT = 0x08;
const LPT_IRQ_ENABLE = 0x10;
const LPT_DIRECTION_IN = 0x20;
/** BUSY and ACK are active low in the status register; SELECTED, no paper error, no error; two bits read as ones. */
const LPT_BUSY_N = 0x80;
const LPT_ACK_N = 0x40;
const LPT_SELECTED = 0x10;
const LPT_ERROR_N = 0x08;
const LPT_ONES = 0x07;

const FLOATING = 0xff;

export class C82c711 implements BusTarget, Device {
  readonly id: string;
  readonly span = 0x400;
  readonly access: AccessRules = { valid: { min: 1, max: 2 }, impl: { min: 1, max: 2 }, byteOrder: 'little' };
  readonly lptIrq: Wire;
  readonly strobe: Wire;
  readonly autoFeed: Wire;
  readonly init: Wire;
  readonly select: Wire;
  readonly serialIrq: readonly [Wire, Wire];
  /** The parallel port's data lines have changed. */
  onData: (byte: number) => void = () => {};
  readonly #log: DeviceLog;
  readonly #cells: C82c711Cells;
  readonly #cr = new Uint8Array(16);
  #index = 0;
  /** Bytes 0x55 in a row; 2 is the configuration mode. */
  #keys = 0;
  #lptData = 0;
  #lptControl = 0;
  #busy = false;
  #ack = false;
  readonly #intr = [false, false];
  readonly #out2 = [false, false];

  constructor(chip: ChipContext, cells: C82c711Cells) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#cells = cells;
    this.lptIrq = new Wire(`${chip.id}.lptirq`);
    this.strobe = new Wire(`${chip.id}.strobe`);
    this.autoFeed = new Wire(`${chip.id}.autofd`);
    this.init = new Wire(`${chip.id}.init`);
    this.select = new Wire(`${chip.id}.slctin`);
    this.serialIrq = [new Wire(`${chip.id}.irq4`), new Wire(`${chip.id}.irq3`)];
  }

  // ---- wires in ----------------------------------------------------------------------------------------------------

  busyW(level: boolean): void {
    this.#busy = level;
  }

  /** The interrupt follows ACKNOWLEDGE while it is enabled. */
  ackW(level: boolean): void {
    this.#ack = level;
    this.#driveLpt();
  }

  serialIntrW(n: 0 | 1, level: boolean): void {
    this.#intr[n] = level;
    this.#driveSerial(n);
  }

  serialOut2W(n: 0 | 1, level: boolean): void {
    this.#out2[n] = level;
    this.#driveSerial(n);
  }

  #driveSerial(n: 0 | 1): void {
    this.serialIrq[n].set(this.#intr[n] === true && this.#out2[n] === true);
  }

  #driveLpt(): void {
    this.strobe.set((this.#lptControl & LPT_STROBE) !== 0);
    this.autoFeed.set((this.#lptControl & LPT_AUTOFEED) !== 0);
    this.init.set((this.#lptControl & LPT_INIT_N) === 0);
    this.select.set((this.#lptControl & LPT_SELECT) !== 0);
    this.lptIrq.set(this.#ack && (this.#lptControl & LPT_IRQ_ENABLE) !== 0);
  }

  // ---- where the cells are -------------------------------------------------------------------------------------------

  get #configuring(): boolean {
    return this.#keys === 2;
  }

  get #parallelBase(): number {
    if ((this.#cr[1]! & CR1_PARALLEL_POWER) === 0) return -1;
    return PARALLEL_BASES[(this.#cr[1]! & CR1_PARALLEL) as 0 | 1 | 2 | 3];
  }

  #serialBase(n: 0 | 1): number {
    const bits = this.#cr[2]! >>> (n * 4);
    if ((bits & SERIAL_ENABLE) === 0 || (bits & SERIAL_POWER) === 0) return -1;
    const others = (this.#cr[1]! >>> 5) & 3;
    const which = bits & 3;
    if (which === 2) return COM3_BASES[others as 0 | 1 | 2 | 3];
    if (which === 3) return COM4_BASES[others as 0 | 1 | 2 | 3];
    return SERIAL_BASES[which as 0 | 1];
  }

  get #fdcOn(): boolean {
    return (this.#cr[0]! & (CR0_FDC | CR0_FDC_POWER)) === (CR0_FDC | CR0_FDC_POWER);
  }

  get #ideOn(): boolean {
    return (this.#cr[0]! & CR0_IDE) !== 0;
  }

  /** The serial cell at a port, and its register. */
  #serialAt(port: number): { cell: BusTarget; register: number } | undefined {
    for (const n of [0, 1] as const) {
      if ((port & ~7) === this.#serialBase(n)) return { cell: this.#cells.serial[n], register: port & 7 };
    }
    return undefined;
  }

  // ---- bus -----------------------------------------------------------------------------------------------------------

  read(port: number, width: Width): number {
    if (port === IDE_BASE && this.#ideOn) {
      const data = this.#cells.ide.readData();
      return width === 2 ? data : data & 0xff;
    }
    const { fdc, ide } = this.#cells;
    if (this.#configuring && port === CONFIG_DATA) return this.#cr[this.#index]!;
    const serial = this.#serialAt(port);
    if (serial !== undefined) return serial.cell.read(serial.register, 1);
    const lpt = port - this.#parallelBase;
    if (this.#parallelBase >= 0 && lpt >= 0 && lpt < 3) return this.#readLpt(lpt);
    if ((port & ~7) === IDE_BASE && this.#ideOn) return ide.readRegister(port & 7);
    if (port === IDE_CONTROL) return this.#ideOn ? ide.readAlternateStatus() : FLOATING;
    if (port === IDE_ADDRESS) {
      // Disk change is the floppy controller's bit, the other seven are the drive's.
      const change = this.#fdcOn ? fdc.read(7, 1) & 0x80 : 0x80;
      return change | (this.#ideOn ? ide.readDriveAddress() & 0x7f : 0x7f);
    }
    if ((port & ~7) === FDC_BASE && this.#fdcOn) return fdc.read(port & 7, 1);
    return FLOATING;
  }

  peek(port: number): number {
    const { fdc } = this.#cells;
    if (this.#configuring && port === CONFIG_DATA) return this.#cr[this.#index]!;
    const serial = this.#serialAt(port);
    if (serial !== undefined) return serial.cell.peek?.(serial.register) ?? FLOATING;
    const lpt = port - this.#parallelBase;
    if (this.#parallelBase >= 0 && lpt >= 0 && lpt < 3) return this.#readLpt(lpt);
    if ((port & ~7) === FDC_BASE && port !== IDE_CONTROL && this.#fdcOn) return fdc.peek?.(port & 7) ?? FLOATING;
    return FLOATING;
  }

  write(port: number, width: Width, value: number): void {
    if (this.#configure(port, value & 0xff)) return;
    const { fdc, ide } = this.#cells;
    if (port === IDE_BASE && this.#ideOn) {
      ide.writeData(width === 2 ? value : (value & 0xff) | ((value & 0xff) << 8));
      return;
    }
    const byte = value & 0xff;
    const serial = this.#serialAt(port);
    if (serial !== undefined) {
      serial.cell.write(serial.register, 1, byte);
      return;
    }
    const lpt = port - this.#parallelBase;
    if (this.#parallelBase >= 0 && lpt >= 0 && lpt < 3) this.#writeLpt(lpt, byte);
    else if ((port & ~7) === IDE_BASE && this.#ideOn) ide.writeRegister(port & 7, byte);
    else if (port === IDE_CONTROL) {
      if (this.#ideOn) ide.writeDeviceControl(byte);
    } else if ((port & ~7) === FDC_BASE && this.#fdcOn) fdc.write(port & 7, 1, byte);
    else this.#log.guest('write of %x to port %x, where nothing is', byte, port);
  }

  /** Two keys 0x55 open the configuration, 0xaa closes it. True when the write was for the configuration. */
  #configure(port: number, byte: number): boolean {
    if (!this.#configuring) {
      if (port !== CONFIG_INDEX || byte !== CONFIG_ENTER || (this.#cr[1]! & CR1_UNLOCKED) === 0) {
        this.#keys = 0;
        return false;
      }
      this.#keys++;
      return true;
    }
    if (port === CONFIG_INDEX) {
      if (byte === CONFIG_LEAVE) this.#keys = 0;
      else this.#index = byte & 15;
      return true;
    }
    if (port !== CONFIG_DATA) return false;
    if (this.#index >= CR_RESET.length) this.#log.guest('write of %x to CR%x, which is not there', byte, this.#index);
    else this.#cr[this.#index] = byte;
    return true;
  }

  #readLpt(register: number): number {
    switch (register) {
      case 0:
        return this.#lptControl & LPT_DIRECTION_IN && (this.#cr[1]! & CR1_PRINTER_MODE) === 0 ? 0xff : this.#lptData;
      case 1:
        return (this.#busy ? 0 : LPT_BUSY_N) | (this.#ack ? 0 : LPT_ACK_N) | LPT_SELECTED | LPT_ERROR_N | LPT_ONES;
      default:
        return this.#lptControl | 0xc0;
    }
  }

  #writeLpt(register: number, byte: number): void {
    if (register === 0) {
      this.#lptData = byte;
      this.onData(byte);
    } else if (register === 2) {
      this.#lptControl = byte & 0x3f;
      this.#driveLpt();
    }
  }

  // ---- device ----------------------------------------------------------------------------------------------------------

  reset(_kind: ResetKind): void {
    this.#cr.fill(0);
    this.#cr.set(CR_RESET);
    this.#index = this.#keys = 0;
    this.#lptData = this.#lptControl = 0;
  }

  settle(): void {
    this.onData(this.#lptData);
    this.#driveLpt();
    this.#driveSerial(0);
    this.#driveSerial(1);
  }

  save(): PlainFields {
    return {
      cr: this.#cr.slice(),
      index: this.#index,
      keys: this.#keys,
      lptData: this.#lptData,
      lptControl: this.#lptControl,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#cr.set(saved.bytes('cr', 16));
    this.#index = saved.int('index', 0, 15);
    this.#keys = saved.int('keys', 0, 2);
    this.#lptData = saved.u8('lptData');
    this.#lptControl = saved.int('lptControl', 0, 0x3f);
  }
}
