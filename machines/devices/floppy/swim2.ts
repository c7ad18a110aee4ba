// SPDX-License-Identifier: MIT
//
// SWIM2, "Super Woz Integrated Machine": Apple's floppy controller, as a chip and as a cell of IOSB. The processor moves
// every byte; the chip turns cells into bytes and back (GCR disk bytes; MFM with marks and checksum), two bytes ahead.
//
// Sockets: span 16, byte registers (A3 tells nothing that the direction does not); up to two drives; wire `hdsel`
// (head select of mode bit 5, where the machine does not drive SEL otherwise).
//
//         written       read           bits
//     0   data          data
//     1   mark          mark           as data, for bytes with a missing clock
//     2   CRC           error          0 underrun  1 mark read as data  2 overrun
//     3   parameters    parameters     four, one after another; a write to "mode, clear" begins again
//     4   phases        phases         7-4 outputs  3-0 levels: LSTRB, CA2, CA1, CA0
//     5   setup         setup          6 GCR (write)  5 IBM  4 test  3 clock / 2  2 GCR (read)  1 3.5"  0 invert
//     6   mode, clear   mode           7 motor  5 head  4 write  3 action  2, 1 drive  0 clear FIFO
//     7   mode, set     handshake      7 one byte  6 two  5 error  4 motor  3 sense  2 read data  1 CRC not 0  0 mark
//
// Documents: [SWIMREF], [MAME] `machine/swim2`, [Linux drivers/block/swim.c].
// Not modelled: the IWM of SWIM1; the data separator (cells are read and written at the rate they pass, whatever clock
// and parameters say), and with it error bits 3 to 6; the motor's time-out.
import type { ChipContext } from '../../backplane/board.ts';
import { BYTE_REGISTERS, type BusTarget, type Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { Scheduler } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import type { CellTrack } from './cell-track.ts';
import { CRC_AFTER_MARKS } from './mfm-cells.ts';
import type { SonyDrive } from './sony-drive.ts';

const DATA = 0;
const MARK = 1;
const CRC_ERROR = 2;
const PARAMETER = 3;
const PHASES = 4;
const SETUP = 5;
const MODE_CLEAR = 6; // and 7: mode set, handshake

const MODE_MOTOR = 0x80;
const MODE_ISM = 0x40; // always set: there is no IWM to go back to
const MODE_HDSEL = 0x20;
const MODE_WRITE = 0x10;
const MODE_ACTION = 0x08;
const MODE_DRIVE2 = 0x04;
const MODE_DRIVE1 = 0x02;
const MODE_CLEAR_FIFO = 0x01;

const SETUP_GCR_WRITE = 0x40;
const SETUP_GCR_READ = 0x04;

const ERROR_UNDERRUN = 0x01;
const ERROR_MARK = 0x02;
const ERROR_OVERRUN = 0x04;

const HS_ONE = 0x80;
const HS_TWO = 0x40;
const HS_ERROR = 0x20;
const HS_MOTOR = 0x10;
const HS_SENSE = 0x08;
const HS_READ_DATA = 0x04;
const HS_CRC_NOT_0 = 0x02;
const HS_MARK = 0x01;

// Flags of a byte in the FIFO.
const BYTE_MARK = 0x100;
const BYTE_CRC = 0x200; // written: two bytes of checksum; read: the checksum has come out right
const FIFO_BYTES = 2;

/** Cells of sync before a mark is looked for: four bytes of zeros. */
const SYNC_CELLS = 64;
/** The rate at which bytes are written where no disk turns. */
const IDLE_CELL_HZ = 1_000_000;
const PHASES_RESET = 0xf0;

export class Swim2 implements Device, BusTarget {
  readonly id: string;
  readonly span = 16;
  readonly access = BYTE_REGISTERS;
  readonly hdsel: Wire;
  readonly #scheduler: Scheduler;
  readonly #drives: readonly (SonyDrive | undefined)[];
  #mode = MODE_ISM;
  #setup = 0;
  #phases = PHASES_RESET;
  /** Levels of the phase lines; those that are no outputs keep what they had. */
  #lines = 0;
  readonly #parameters = new Uint8Array(4);
  #parameter = 0;
  #error = 0;
  #fifo: number[] = [];
  /** Up to which cell of which epoch everything has been read or written. */
  #epoch = -1;
  #cell = 0;
  // Reading
  /** Cells of sync seen, then SYNC_CELLS. */
  #sync = 0;
  /** Cells of a byte so far, and how many; -1 before the first byte. */
  #cells = 0;
  #count = -1;
  #firstByte = false;
  #lastCell = 0;
  #lastData = 0;
  #crc = CRC_AFTER_MARKS;
  // Writing
  #out: number[] = [];
  #crcBytes = 0;
  #written: CellTrack | undefined;

  constructor(chip: ChipContext, drives: readonly (SonyDrive | undefined)[]) {
    this.id = chip.id;
    this.hdsel = new Wire(`${chip.id}.hdsel`);
    this.#scheduler = chip.scheduler;
    this.#drives = drives;
  }

  /** The drive that is selected; ENBL1 goes first where both are. */
  get #drive(): SonyDrive | undefined {
    if (this.#mode & MODE_DRIVE1) return this.#drives[0];
    return this.#mode & MODE_DRIVE2 ? this.#drives[1] : undefined;
  }

  // ---- registers --------------------------------------------------------------------------------------------------

  read(offset: number, _width: Width): number {
    this.#catchUp();
    switch (offset & 7) {
      case DATA: {
        const byte = this.#take();
        if (byte >= 0 && (byte & BYTE_MARK) !== 0) this.#fail(ERROR_MARK);
        return byte & 0xff;
      }
      case MARK:
        return this.#take() & 0xff;
      case CRC_ERROR: {
        const error = this.#error;
        this.#error = 0;
        return error;
      }
      case PARAMETER: {
        const value = this.#parameters[this.#parameter]!;
        this.#parameter = (this.#parameter + 1) & 3;
        return value;
      }
      default:
        return this.peek(offset);
    }
  }

  peek(offset: number): number {
    switch (offset & 7) {
      case DATA:
      case MARK:
        return (this.#fifo[0] ?? 0xff) & 0xff;
      case CRC_ERROR:
        return this.#error;
      case PARAMETER:
        return this.#parameters[this.#parameter]!;
      case PHASES:
        return this.#phases;
      case SETUP:
        return this.#setup;
      case MODE_CLEAR:
        return this.#mode;
      default:
        return this.#handshake;
    }
  }

  get #handshake(): number {
    const filled = this.#mode & MODE_WRITE ? FIFO_BYTES - this.#fifo.length : this.#fifo.length;
    const crcFound = this.#fifo.some((byte) => (byte & BYTE_CRC) !== 0);
    return (
      (filled > 0 ? HS_ONE : 0) |
      (filled > 1 ? HS_TWO : 0) |
      (this.#error !== 0 ? HS_ERROR : 0) |
      (this.#mode & MODE_MOTOR ? HS_MOTOR : 0) |
      (this.#drive === undefined || this.#drive.sense ? HS_SENSE : 0) |
      (this.#lastCell !== 0 ? HS_READ_DATA : 0) |
      (this.#fifo.length > 0 && !crcFound ? HS_CRC_NOT_0 : 0) |
      (this.#fifo.length > 0 && (this.#fifo[0]! & BYTE_MARK) !== 0 ? HS_MARK : 0)
    );
  }

  write(offset: number, _width: Width, value: number): void {
    this.#catchUp();
    switch (offset & 7) {
      case DATA:
        this.#give(value);
        break;
      case MARK:
        this.#give(value | BYTE_MARK);
        break;
      case CRC_ERROR:
        this.#give(BYTE_CRC);
        break;
      case PARAMETER:
        this.#parameters[this.#parameter] = value;
        this.#parameter = (this.#parameter + 1) & 3;
        break;
      case PHASES:
        this.#phases = value;
        this.#drivePhases();
        break;
      case SETUP:
        this.#setup = value;
        break;
      case MODE_CLEAR:
        this.#parameter = 0;
        this.#setMode((this.#mode & ~value) | MODE_ISM);
        break;
      default:
        this.#setMode(this.#mode | value);
    }
  }

  #drivePhases(): void {
    const outputs = this.#phases >>> 4;
    this.#lines = (this.#phases & outputs) | (this.#lines & ~outputs & 0x0f);
    for (const drive of this.#drives) drive?.phases(this.#lines);
  }

  #setMode(mode: number): void {
    const before = this.#mode;
    const wasWriting = this.#writing;
    if (wasWriting && (mode & (MODE_ACTION | MODE_WRITE)) !== (MODE_ACTION | MODE_WRITE)) this.#endWriting();
    this.#mode = mode;
    if (mode & MODE_CLEAR_FIFO) {
      this.#fifo = [];
      this.#crc = CRC_AFTER_MARKS;
    }
    if ((mode ^ before) & (MODE_DRIVE1 | MODE_DRIVE2)) this.#selectDrives();
    this.hdsel.set((mode & MODE_HDSEL) !== 0);
    if (!((mode ^ before) & (MODE_ACTION | MODE_WRITE)) || !(mode & MODE_ACTION)) return;
    this.#epoch = -1;
    if (mode & MODE_WRITE) this.#beginWriting();
    else this.#beginReading();
    this.#catchUp();
  }

  #selectDrives(): void {
    this.#drives.forEach((drive) => drive?.select(drive === this.#drive));
  }

  get #writing(): boolean {
    return (this.#mode & MODE_ACTION) !== 0 && (this.#mode & MODE_WRITE) !== 0;
  }

  // ---- FIFO -------------------------------------------------------------------------------------------------------

  /** The first of several errors is the one that stays. */
  #fail(error: number): void {
    if (this.#error === 0) this.#error = error;
  }

  /** The processor takes a byte; -1 where there is none. */
  #take(): number {
    const byte = this.#fifo.shift();
    if (byte === undefined) this.#fail(ERROR_OVERRUN);
    return byte ?? -1;
  }

  #give(byte: number): void {
    if (this.#fifo.length === FIFO_BYTES) this.#fail(ERROR_OVERRUN);
    else this.#fifo.push(byte);
  }

  // ---- cells ------------------------------------------------------------------------------------------------------

  /** Reads or writes the cells that have passed the head since the last time. */
  #catchUp(): void {
    if (!(this.#mode & MODE_ACTION)) return;
    const head = this.#drive?.head;
    const epoch = head?.epoch ?? 0;
    const cells = head?.cells ?? Math.floor((this.#scheduler.now / this.#scheduler.masterHz) * IDLE_CELL_HZ);
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#cell = cells;
    }
    if (this.#mode & MODE_WRITE) this.#writeTo(cells, head?.track);
    else if (head !== undefined) this.#readTo(cells, head.track);
    this.#cell = cells;
  }

  #beginReading(): void {
    this.#sync = 0;
    this.#cells = 0;
    this.#count = -1;
    this.#firstByte = false;
  }

  #readTo(to: number, track: CellTrack): void {
    const { cells, length } = track;
    // The bytes of earlier revolutions would have been lost anyway.
    const from = Math.max(this.#cell, to - length);
    const gcr = (this.#setup & SETUP_GCR_READ) !== 0;
    let at = from % length;
    for (let i = from; i < to; i++) {
      const cell = cells[at]!;
      if (++at === length) at = 0;
      this.#lastCell = cell;
      if (gcr) this.#gcrCell(cell);
      else this.#mfmCell(cell);
    }
  }

  #gcrCell(cell: number): void {
    this.#cells = ((this.#cells << 1) | cell) & 0xff;
    if (this.#cells < 0x80) return;
    this.#arrived(this.#cells);
    this.#cells = 0;
  }

  #mfmCell(cell: number): void {
    if (this.#count < 0) {
      this.#hunt(cell);
      return;
    }
    this.#cells = (this.#cells << 1) | cell;
    if (++this.#count < 16) return;
    const { data, mark } = this.#decode(this.#cells);
    this.#cells = this.#count = 0;
    if (this.#firstByte && !mark) {
      // Not a mark: the zeros were data.
      this.#beginReading();
      return;
    }
    this.#firstByte = false;
    if (mark) {
      this.#crc = CRC_AFTER_MARKS;
      this.#arrived(data | BYTE_MARK);
      return;
    }
    this.#crc = crcOf(this.#crc, data);
    this.#arrived(data | (this.#crc === 0 ? BYTE_CRC : 0));
  }

  /** Sync is a clock in every other cell and nothing between; the first pair that is not begins a byte. */
  #hunt(cell: number): void {
    const expected = (this.#sync & 1) === 0 ? 1 : 0;
    if (this.#sync < SYNC_CELLS) {
      if (cell === expected) this.#sync++;
      else this.#sync = cell === 1 ? 1 : 0;
      return;
    }
    if (cell === expected) {
      this.#sync ^= 1;
      return;
    }
    if ((this.#sync & 1) === 1) {
      this.#beginReading();
      return;
    }
    this.#cells = 0;
    this.#count = 1;
    this.#firstByte = true;
    this.#lastData = 0;
  }

  /** The data of 16 cells, and whether a clock is missing in them. */
  #decode(cells: number): { data: number; mark: boolean } {
    let data = 0;
    let mark = false;
    for (let bit = 14; bit >= 0; bit -= 2) {
      const clock = (cells >>> (bit + 1)) & 1;
      const one = (cells >>> bit) & 1;
      if (one === 0 && this.#lastData === 0 && clock === 0) mark = true;
      data = (data << 1) | one;
      this.#lastData = one;
    }
    return { data, mark };
  }

  #arrived(byte: number): void {
    if (this.#fifo.length === FIFO_BYTES) this.#fail(ERROR_UNDERRUN);
    else this.#fifo.push(byte);
  }

  #beginWriting(): void {
    this.#drive?.beginWrite();
    this.#out = [];
    this.#crcBytes = 0;
    this.#lastData = 0;
  }

  #endWriting(): void {
    const track = this.#written;
    this.#written = undefined;
    this.#out = [];
    this.#crcBytes = 0;
    if (track !== undefined) this.#drive?.endWrite(track);
  }

  #writeTo(to: number, track: CellTrack | undefined): void {
    const writes = track !== undefined && this.#drive?.writeProtected === false;
    for (let i = this.#cell; i < to; i++) {
      if (this.#out.length === 0 && !this.#nextOut()) {
        this.#fail(ERROR_UNDERRUN);
        this.#mode &= ~MODE_ACTION;
        this.#endWriting();
        return;
      }
      const cell = this.#out.shift()!;
      if (!writes) continue;
      track.cells[i % track.length] = cell;
      this.#written = track;
    }
  }

  /** The cells of the next byte; false where there is none. */
  #nextOut(): boolean {
    let byte: number | undefined;
    if (this.#crcBytes > 0) {
      this.#crcBytes--;
      byte = this.#crc >>> 8;
    } else {
      byte = this.#fifo.shift();
      if (byte === undefined) return false;
      if (byte & BYTE_CRC) {
        this.#crcBytes = 1;
        byte = this.#crc >>> 8;
      }
    }
    const mark = (byte & BYTE_MARK) !== 0;
    if (mark) this.#crc = CRC_AFTER_MARKS;
    else this.#crc = crcOf(this.#crc, byte & 0xff);
    this.#encode(byte & 0xff, mark);
    return true;
  }

  #encode(byte: number, mark: boolean): void {
    const gcr = (this.#setup & SETUP_GCR_WRITE) !== 0;
    // In a mark the clock between the second and the third zero behind a one is left out.
    let history = this.#lastData === 0 ? 0 : 1;
    for (let bit = 7; bit >= 0; bit--) {
      const one = (byte >>> bit) & 1;
      history = ((history << 1) | one) & 0x0f;
      if (!gcr) this.#out.push(one === 0 && this.#lastData === 0 && !(mark && history === 0b1000) ? 1 : 0);
      this.#out.push(one);
      this.#lastData = one;
    }
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  reset(_kind: ResetKind): void {
    this.#mode = MODE_ISM;
    this.#setup = 0;
    this.#phases = PHASES_RESET;
    this.#lines = 0;
    this.#parameters.fill(0);
    this.#parameter = 0;
    this.#error = 0;
    this.#fifo = [];
    this.#epoch = -1;
    this.#cell = 0;
    this.#lastCell = this.#lastData = 0;
    this.#crc = CRC_AFTER_MARKS;
    this.#out = [];
    this.#crcBytes = 0;
    this.#written = undefined;
    this.#beginReading();
  }

  settle(): void {
    this.hdsel.set((this.#mode & MODE_HDSEL) !== 0);
    this.#selectDrives();
  }

  save(): PlainFields {
    this.#catchUp();
    return {
      mode: this.#mode,
      setup: this.#setup,
      phases: this.#phases,
      lines: this.#lines,
      parameters: this.#parameters.slice(),
      parameter: this.#parameter,
      error: this.#error,
      fifo: [...this.#fifo],
      sync: this.#sync,
      cells: this.#cells,
      count: this.#count,
      firstByte: this.#firstByte,
      lastCell: this.#lastCell,
      lastData: this.#lastData,
      crc: this.#crc,
      out: Uint8Array.from(this.#out),
      crcBytes: this.#crcBytes,
    };
  }

  restore(state: PlainFields): void {
    const fields = new SavedFields(this.id, state);
    this.#mode = fields.u8('mode') | MODE_ISM;
    this.#setup = fields.u8('setup');
    this.#phases = fields.u8('phases');
    this.#lines = fields.int('lines', 0, 0x0f);
    this.#parameters.set(fields.bytes('parameters', 4));
    this.#parameter = fields.int('parameter', 0, 3);
    this.#error = fields.u8('error');
    this.#fifo = fields.list('fifo', FIFO_BYTES).map((byte) => Number(byte) & 0x3ff);
    this.#sync = fields.int('sync', 0, SYNC_CELLS + 1);
    this.#cells = fields.u16('cells');
    this.#count = fields.int('count', -1, 15);
    this.#firstByte = fields.bool('firstByte');
    this.#lastCell = fields.int('lastCell', 0, 1);
    this.#lastData = fields.int('lastData', 0, 1);
    this.#crc = fields.u16('crc');
    this.#out = [...fields.bytes('out', undefined, 16)];
    this.#crcBytes = fields.int('crcBytes', 0, 1);
    this.#epoch = -1;
    this.#written = undefined;
  }
}

/** The checksum with one byte more. */
function crcOf(crc: number, byte: number): number {
  let sum = crc ^ (byte << 8);
  for (let bit = 0; bit < 8; bit++) sum = (sum & 0x8000 ? (sum << 1) ^ 0x1021 : sum << 1) & 0xffff;
  return sum;
}
