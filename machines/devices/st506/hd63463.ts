// SPDX-License-Identifier: MIT
//
// Hitachi HD63463, hard disk controller for ST506 drives.
//
// Sockets: bus: two 16-bit registers (span 4): 0 status (read) and command (write), 2 data; `readDack` and `writeDack` are
// the cycles that DREQ asks for. Wires out: `irq`, `dreq`. Two drives, units 1 and 2, given as {@link St506Drive}.
//
// The data register leads into 16 bytes, of which a word is two, the first in the upper half: parameters before a
// command is written, results after it has ended. Sector data has its first byte in the lower half.
//
// Documents: [HD63463] by way of [Arculator] and of what RISC OS's driver does with it.
// Not modelled: commands that driver does not use (they end as invalid); other sectors than of 256 bytes; ECC and
// retries (media have no soft errors); bytes that formatting leaves in identity fields; polling of drives.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { SavedFields, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import { type BlockDevice, MediumError } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';

/** A drive's surfaces, and what is on them: cylinder by cylinder, head by head, sector by sector. */
export interface St506Drive {
  readonly medium: BlockDevice;
  readonly heads: number;
  readonly sectors: number;
}

export const ST506_SECTOR_BYTES = 256;

const BUSY = 0x80;
const COMMAND_REJECT = 0x40;
const COMMAND_END = 0x20;
const SEEK_END = 0x10;
const DRIVE_ERROR = 0x08;
const ABNORMAL_END = 0x04;
const INTERRUPTS = COMMAND_END | SEEK_END | DRIVE_ERROR;

const COMMAND = {
  nop: 0x00,
  recall: 0x08,
  enablePolling: 0x10,
  disablePolling: 0x18,
  checkDrive: 0x28,
  read: 0x40,
  check: 0x48,
  write: 0x87,
  format: 0xa3,
  seek: 0xc0,
  recalibrate: 0xc8,
  specify: 0xe8,
  abort: 0xf0,
} as const;

/** What the second result byte says. */
const ERROR = {
  none: 0x00,
  abort: 0x04,
  invalidCommand: 0x08,
  notSpecified: 0x10,
  notReady: 0x20,
  noSeekComplete: 0x24,
  writeFault: 0x28,
  invalidHead: 0x3c,
  data: 0x40,
  timeOver: 0x58,
} as const;

const READY = 0x80;
const SEEK_COMPLETE = 0x40;
const TRACK_0 = 0x20;

const PARAMETERS = 16;
const UNITS = 2;
const REVOLUTION_NS = 16_666_667;
/** A seek of a third of the surface takes an ST506 drive about so long, half a revolution included. */
const SEEK_NS = 5_000_000;
const SHORT_NS = 20_000;
/** Bytes of a sector's place that format data describes. */
const FORMAT_BYTES = 4;

const TRANSFERS = ['none', 'read', 'check', 'write', 'format', 'seek', 'recalibrate'] as const;
type Transfer = (typeof TRANSFERS)[number];

export class Hd63463 implements BusTarget, Device {
  readonly id: string;
  readonly span = 4;
  readonly access: AccessRules = { valid: { min: 2, max: 2 }, impl: { min: 2, max: 2 }, byteOrder: 'little' };
  readonly irq: Wire;
  readonly dreq: Wire;
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #drives: readonly (St506Drive | undefined)[];
  readonly #task: Task;
  #status = 0;
  #error: number = ERROR.none;
  #interruptMask = INTERRUPTS;
  #connected = 0;
  readonly #block = new Uint8Array(PARAMETERS);
  #at = 0;
  /** Highest cylinder, head and sector of each unit, by SPECIFY. */
  readonly #last = Array.from({ length: UNITS }, () => ({ cylinder: 0, head: 0, sector: 0 }));
  readonly #track = new Uint16Array(UNITS);
  // The transfer in progress.
  #transfer: Transfer = 'none';
  #unit = 0;
  #cylinder = 0;
  #head = 0;
  #sector = 0;
  #count = 0;
  readonly #buffer = new Uint8Array(ST506_SECTOR_BYTES);
  /** The host has exchanged [0, #exchanged) of the buffer; all of it while DREQ is not asserted. */
  #exchanged = ST506_SECTOR_BYTES;

  constructor(chip: ChipContext, drives: readonly (St506Drive | undefined)[]) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#scheduler = chip.scheduler;
    this.#drives = drives;
    this.irq = new Wire(`${chip.id}.irq`);
    this.dreq = new Wire(`${chip.id}.dreq`);
    this.#task = chip.scheduler.task(`${chip.id}.sector`, () => this.#next());
  }

  // ---- registers -----------------------------------------------------------------------------------------------------

  read(offset: number, _width: Width): number {
    const value = this.peek(offset);
    if (offset !== 0) this.#at = Math.min(this.#at + 2, PARAMETERS);
    return value;
  }

  peek(offset: number): number {
    if (offset === 0) return this.#status << 8;
    return ((this.#block[this.#at] ?? 0) << 8) | (this.#block[this.#at + 1] ?? 0);
  }

  write(offset: number, _width: Width, value: number): void {
    if (offset === 0) {
      this.#command(value & 0xff);
    } else if (this.#at < PARAMETERS && (this.#status & BUSY) === 0) {
      this.#block[this.#at++] = value >>> 8;
      this.#block[this.#at++] = value & 0xff;
      if (this.#at === PARAMETERS) this.#status |= COMMAND_REJECT;
    } else {
      this.#log.guest('parameter %x is one too many', value);
    }
  }

  /** A read cycle with DACK. */
  readDack(): number {
    if (!this.dreq.level || this.#receiving) {
      this.#log.guest('a DMA read nobody asked for');
      return 0xffff;
    }
    const value = this.#buffer[this.#exchanged]! | (this.#buffer[this.#exchanged + 1]! << 8);
    this.#exchange();
    return value;
  }

  /** A write cycle with DACK. */
  writeDack(value: number): void {
    if (!this.dreq.level || !this.#receiving) {
      this.#log.guest('a DMA write of %x nobody asked for', value);
      return;
    }
    this.#buffer[this.#exchanged] = value & 0xff;
    this.#buffer[this.#exchanged + 1] = value >>> 8;
    this.#exchange();
  }

  get #receiving(): boolean {
    return this.#transfer === 'write' || this.#transfer === 'format';
  }

  #exchange(): void {
    this.#exchanged += 2;
    if (this.#exchanged < ST506_SECTOR_BYTES) return;
    this.dreq.set(false);
    this.#task.schedule(this.#sectorTicks);
  }

  #ask(): void {
    this.#exchanged = 0;
    this.dreq.set(true);
  }

  #drive(): void {
    this.irq.set((this.#status & INTERRUPTS & ~this.#interruptMask) !== 0);
  }

  // ---- commands ------------------------------------------------------------------------------------------------------

  #command(command: number): void {
    if (this.#status & BUSY && command !== COMMAND.abort) {
      this.#log.guest('command %x while another one is executed', command);
      return;
    }
    const block = this.#block.slice();
    this.#at = 0;
    if (command !== COMMAND.abort) this.#status = COMMAND_REJECT;
    if (command !== COMMAND.abort && command !== COMMAND.recall) this.#error = ERROR.none;
    switch (command) {
      case COMMAND.nop:
        break;
      case COMMAND.recall:
        this.#status = 0;
        break;
      case COMMAND.enablePolling:
      case COMMAND.disablePolling:
        this.#status = 0;
        break;
      case COMMAND.specify:
        this.#specify(block);
        break;
      case COMMAND.abort:
        this.#task.cancel();
        this.dreq.set(false);
        this.#exchanged = ST506_SECTOR_BYTES;
        this.#transfer = 'none';
        this.#block.set([0, ERROR.abort]);
        this.#status = (this.#status & COMMAND_REJECT) | COMMAND_END;
        break;
      case COMMAND.checkDrive:
        this.#checkDrive(block);
        break;
      case COMMAND.recalibrate:
        if (this.#select(block)) this.#begin('recalibrate', SEEK_NS);
        break;
      case COMMAND.seek:
        if (this.#select(block)) {
          this.#cylinder = word(block, 2);
          this.#begin('seek', SEEK_NS);
        }
        break;
      case COMMAND.read:
      case COMMAND.check:
      case COMMAND.write:
        if (!this.#select(block)) break;
        this.#cylinder = word(block, 2);
        this.#head = block[4]!;
        this.#sector = block[5]!;
        this.#count = word(block, 6);
        this.#begin(command === COMMAND.read ? 'read' : command === COMMAND.check ? 'check' : 'write', SEEK_NS);
        break;
      case COMMAND.format:
        if (!this.#select(block)) break;
        this.#cylinder = this.#track[this.#unit]!;
        this.#head = block[1]!;
        this.#sector = 0;
        this.#count = word(block, 2);
        this.#begin('format', SEEK_NS);
        break;
      default:
        this.#log.unimp('command %x', command);
        this.#fail(ERROR.invalidCommand);
    }
    this.#drive();
  }

  #specify(block: Uint8Array): void {
    this.#interruptMask = block[1]! & INTERRUPTS;
    this.#connected = block[3]!;
    const last = { cylinder: word(block, 4) & 0x3ff, head: block[6]! & 0x1f, sector: block[7]! };
    for (let unit = 0; unit < UNITS; unit++) {
      if (this.#connected & (2 << unit)) Object.assign(this.#last[unit]!, last);
    }
    this.#block.set([0, 0]);
  }

  /** Units count from 1. */
  #select(block: Uint8Array): boolean {
    const unit = block[0]! - 1;
    if (unit < 0 || unit >= UNITS || this.#drives[unit] === undefined) {
      this.#fail(ERROR.notReady);
      return false;
    }
    this.#unit = unit;
    return true;
  }

  #checkDrive(block: Uint8Array): void {
    if (!this.#select(block)) return;
    this.#status = 0;
    const flags = READY | SEEK_COMPLETE | (this.#track[this.#unit] === 0 ? TRACK_0 : 0);
    this.#block.set([0, 0, block[0]! & 3, 0, flags, 0]);
  }

  #begin(transfer: Transfer, ns: number): void {
    this.#transfer = transfer;
    this.#status |= BUSY;
    this.#task.schedule(
      this.#scheduler.ns(transfer === 'recalibrate' && this.#track[this.#unit] === 0 ? SHORT_NS : ns),
    );
  }

  // ---- transfers -----------------------------------------------------------------------------------------------------

  /** A sector passes the head in this time. */
  get #sectorTicks(): number {
    return this.#scheduler.ns(REVOLUTION_NS / (this.#drives[this.#unit]?.sectors ?? 32));
  }

  #next(): void {
    switch (this.#transfer) {
      case 'none':
        return;
      case 'seek':
        if (this.#cylinder > this.#last[this.#unit]!.cylinder) return this.#abandon(ERROR.noSeekComplete);
        this.#track[this.#unit] = this.#cylinder;
        this.#finishSeek(COMMAND_END | SEEK_END);
        return;
      case 'recalibrate':
        this.#track[this.#unit] = 0;
        this.#finishSeek(SEEK_END);
        return;
      default:
        this.#nextSector();
    }
  }

  #finishSeek(flags: number): void {
    this.#transfer = 'none';
    this.#block.set([0, 0, 0, this.#connected]);
    this.#status = COMMAND_REJECT | flags;
    this.#drive();
  }

  #nextSector(): void {
    try {
      if (this.#receiving) {
        if (this.#filled && !(this.#transfer === 'write' ? this.#store() : this.#formatted())) return;
        if (this.#count === 0) return this.#end();
        if (this.#valid() === undefined) return;
        this.#filled = true;
        this.#ask();
        return;
      }
      if (this.#count === 0) return this.#end();
      const at = this.#valid();
      if (at === undefined) return;
      this.#load(at);
      this.#advance();
      if (this.#transfer === 'read') this.#ask();
      else this.#task.schedule(this.#sectorTicks);
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      this.#abandon(this.#receiving ? ERROR.writeFault : ERROR.data);
    }
  }

  /** The host was asked for a sector of this transfer. */
  #filled = false;

  #store(): boolean {
    const at = this.#valid();
    if (at === undefined) return false;
    this.#save(at, this.#buffer);
    this.#advance();
    return true;
  }

  /** The buffer described as many sectors as are in it, four bytes each. */
  #formatted(): boolean {
    const empty = new Uint8Array(ST506_SECTOR_BYTES);
    for (let n = 0; n < ST506_SECTOR_BYTES / FORMAT_BYTES && this.#count > 0; n++) {
      const at = this.#valid();
      if (at === undefined) return false;
      this.#save(at, empty);
      this.#advance();
    }
    return true;
  }

  /** The sector's byte address, or the command ends. */
  #valid(): number | undefined {
    const drive = this.#drives[this.#unit];
    const last = this.#last[this.#unit]!;
    if (drive === undefined) return this.#abandon(ERROR.notReady);
    if (this.#cylinder > last.cylinder) return this.#abandon(ERROR.noSeekComplete);
    if (this.#head > last.head) return this.#abandon(ERROR.invalidHead);
    const { heads, sectors, medium } = drive;
    const at = ((this.#cylinder * heads + this.#head) * sectors + this.#sector) * ST506_SECTOR_BYTES;
    const missing = this.#head >= heads || this.#sector >= sectors || this.#sector > last.sector;
    if (missing || at + ST506_SECTOR_BYTES > medium.blockBytes * medium.blockCount)
      return this.#abandon(ERROR.timeOver);
    return at;
  }

  /** To the next sector, of the next head after the last one. The block says where the transfer has got to. */
  #advance(): void {
    this.#track[this.#unit] = this.#cylinder;
    this.#count--;
    if (++this.#sector > this.#last[this.#unit]!.sector) {
      this.#sector = 0;
      this.#head = (this.#head + 1) & 0xff;
    }
    if (this.#transfer === 'format') return;
    const { high, low } = { high: this.#cylinder >>> 8, low: this.#cylinder & 0xff };
    this.#block.set([high, low, this.#head, this.#sector & 0xff, this.#count >>> 8, this.#count & 0xff], 2);
  }

  #load(at: number): void {
    const { medium } = this.#drives[this.#unit]!;
    const { blockBytes } = medium;
    const block = new Uint8Array(blockBytes);
    medium.read(Math.floor(at / blockBytes), block);
    this.#buffer.set(block.subarray(at % blockBytes, (at % blockBytes) + ST506_SECTOR_BYTES));
  }

  #save(at: number, bytes: Uint8Array): void {
    const { medium } = this.#drives[this.#unit]!;
    const { blockBytes } = medium;
    if (medium.readonly) throw new MediumError(`${medium.title} cannot be written`);
    const block = new Uint8Array(blockBytes);
    medium.read(Math.floor(at / blockBytes), block);
    block.set(bytes, at % blockBytes);
    medium.write(Math.floor(at / blockBytes), block);
  }

  #end(): void {
    this.#result();
    this.#status = COMMAND_REJECT | COMMAND_END;
    this.#drive();
  }

  /** The transfer ends abnormally. */
  #abandon(error: number): undefined {
    this.#fail(error);
    this.#drive();
    return undefined;
  }

  #fail(error: number): void {
    this.#error = error;
    this.dreq.set(false);
    this.#exchanged = ST506_SECTOR_BYTES;
    this.#result();
    this.#status = COMMAND_END | ABNORMAL_END;
  }

  /** The results: the error, and the parameters as they are now. */
  #result(): void {
    this.#block.copyWithin(2, 0, PARAMETERS - 2);
    this.#block.set([0, this.#error]);
    this.#at = 0;
    this.#transfer = 'none';
    this.#filled = false;
  }

  // ---- device --------------------------------------------------------------------------------------------------------

  reset(_kind: ResetKind): void {
    this.#task.cancel();
    this.#status = 0;
    this.#error = ERROR.none;
    this.#interruptMask = INTERRUPTS;
    this.#connected = 0;
    this.#block.fill(0);
    this.#at = 0;
    for (const last of this.#last) Object.assign(last, { cylinder: 0, head: 0, sector: 0 });
    this.#transfer = 'none';
    this.#filled = false;
    this.#unit = this.#cylinder = this.#head = this.#sector = this.#count = 0;
    this.#buffer.fill(0);
    this.#exchanged = ST506_SECTOR_BYTES;
  }

  settle(): void {
    this.dreq.set(this.#exchanged < ST506_SECTOR_BYTES);
    this.#drive();
  }

  save(): PlainFields {
    return {
      status: this.#status,
      error: this.#error,
      interruptMask: this.#interruptMask,
      connected: this.#connected,
      block: this.#block.slice(),
      at: this.#at,
      last: this.#last.flatMap(({ cylinder, head, sector }) => [cylinder, head, sector]),
      track: [...this.#track],
      transfer: this.#transfer,
      filled: this.#filled,
      unit: this.#unit,
      cylinder: this.#cylinder,
      head: this.#head,
      sector: this.#sector,
      count: this.#count,
      buffer: this.#buffer.slice(),
      exchanged: this.#exchanged,
      task: this.#task.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#status = saved.u8('status');
    this.#error = saved.u8('error');
    this.#interruptMask = saved.u8('interruptMask') & INTERRUPTS;
    this.#connected = saved.u8('connected');
    this.#block.set(saved.bytes('block', PARAMETERS));
    this.#at = saved.int('at', 0, PARAMETERS) & ~1;
    const last = saved.list('last', UNITS * 3).map(Number);
    this.#last.forEach((one, unit) => {
      const [cylinder = 0, head = 0, sector = 0] = last.slice(unit * 3, unit * 3 + 3);
      Object.assign(one, { cylinder: cylinder & 0x3ff, head: head & 0x1f, sector: sector & 0xff });
    });
    this.#track.set(
      saved
        .list('track', UNITS)
        .map((cylinder) => Number(cylinder) & 0xffff)
        .slice(0, UNITS),
    );
    this.#transfer = saved.oneOf('transfer', TRANSFERS);
    this.#filled = saved.bool('filled');
    this.#unit = saved.int('unit', 0, UNITS - 1);
    this.#cylinder = saved.u16('cylinder');
    this.#head = saved.u8('head');
    this.#sector = saved.int('sector', 0, 0x100);
    this.#count = saved.u16('count');
    this.#buffer.set(saved.bytes('buffer', ST506_SECTOR_BYTES));
    this.#exchanged = saved.int('exchanged', 0, ST506_SECTOR_BYTES) & ~1;
    this.#task.restore(saved.int('task', -1, Number.MAX_SAFE_INTEGER));
  }
}

const word = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;
