// SPDX-License-Identifier: MIT
import type { ChipContext } from '../../backplane/board.ts';
import { type PlainFields, type SavedFields, SnapshotError } from '../../backplane/device.ts';
import { MediumError } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import {
  CMD_HDS,
  CMD_MFM,
  CMD_MT,
  CMD_SK,
  type CommandName,
  commandOf,
  COMMANDS,
  IC_ABNORMAL,
  IC_NORMAL,
  scan,
  ST1_DE,
  ST1_EN,
  ST1_ND,
  ST1_NW,
  ST1_OR,
  ST2_CM,
  ST2_DD,
  ST2_SH,
  ST2_SN,
  type Transfer,
  TRANSFER_OF,
  VERIFY_EC,
} from './i82077-commands.ts';
import type { I82077Fifo } from './i82077-fifo.ts';
import { indexOfSector, trackUnderHead, whyNotFound } from './i82077-track.ts';
import type { SectorDisk, SectorId } from './sector-disk.ts';
import type { ShugartDrive } from './shugart-drive.ts';

const MAX_SECTOR_BYTES = 1024;
const MAX_COMMAND_BYTES = 9;
/** Where in a sector's part of the track its data begins, after the identity field. */
const DATA_AT = 0.1;
/** How long after its data a sector is done with; TC is in time until then. */
const GAP = 0.04;
/** How often a disk that does not turn is looked at, in revolutions. */
const STOPPED = 0.05;
/** What the host gets to fetch the last bytes of a command, in gaps. */
const MOST_WAITS = 500;

// A formatted track, in bytes.
const FORMAT_PREAMBLE = 146;
const FORMAT_SECTOR_OVERHEAD = 62;
const ID_BYTES = 4;

const STEPS = ['idle', 'stopped', 'search', 'lost', 'data', 'pass', 'gap', 'id', 'index', 'format', 'rest'] as const;
type Step = (typeof STEPS)[number];

export interface EnginePorts {
  /** The data rate that is set. */
  bitRate(): number;
  /** The FIFO changed from the disk's side. */
  service(): void;
  finished(result: readonly number[]): void;
}

/**
 * The part of the 82077AA that reads and writes tracks: it waits for what the command names to come under the head
 * and moves a byte between the disk and the FIFO in each byte time.
 */
export class I82077Engine {
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #ports: EnginePorts;
  readonly #drives: readonly (ShugartDrive | undefined)[];
  readonly #fifo: I82077Fifo;
  readonly #task: Task;
  #step: Step = 'idle';
  #name: CommandName = 'readData';
  #bytes: number[] = [];
  #st1 = 0;
  #st2 = 0;
  /** What is looked for, and what the results will say. */
  #id: SectorId = { cylinder: 0, head: 0, sector: 0, size: 0 };
  /** Sectors that READ TRACK, VERIFY and FORMAT TRACK still have to do. */
  #left = 0;
  /** Sectors done. */
  #done = 0;
  /** Sector of the track that READ TRACK is at. */
  #position = 0;
  /** TC came. */
  #terminal = false;
  /** The command ends with this sector. */
  #stopAfter = false;
  /** The sector's bytes; [0, #at) passed the head. */
  readonly #sector = new Uint8Array(MAX_SECTOR_BYTES);
  readonly #host = new Uint8Array(MAX_SECTOR_BYTES);
  #at = 0;
  #length = 0;
  #waits = 0;
  /** Byte times since the index hole while formatting. */
  #formatted = 0;
  /** SC of the last FORMAT TRACK or EOT of the last other command, for DUMPREG. */
  #lastCount = 0;

  constructor(chip: ChipContext, drives: readonly (ShugartDrive | undefined)[], fifo: I82077Fifo, ports: EnginePorts) {
    this.#log = chip.log;
    this.#scheduler = chip.scheduler;
    this.#drives = drives;
    this.#fifo = fifo;
    this.#ports = ports;
    this.#task = chip.scheduler.task(`${chip.id}.data`, (late) => this.#due(late));
  }

  get lastCount(): number {
    return this.#lastCount;
  }

  /** The WE pin. */
  get writing(): boolean {
    return this.#step === 'format' || (this.#step === 'data' && this.#transfer === 'write');
  }

  /** HDSEL, as the last command left it. */
  get head(): number {
    return (this.#bytes[1] ?? 0) & CMD_HDS ? 1 : 0;
  }

  /** Takes the parameters of a command; {@link begin} follows when the head is where it should be. */
  accept(name: CommandName, bytes: readonly number[]): void {
    const [, drive = 0, cylinder = 0, head = 0, sector = 0, size = 0, eot = 0, , dtl = 0] = bytes;
    this.#name = name;
    this.#bytes = [...bytes];
    this.#st1 = this.#st2 = this.#done = this.#left = this.#position = this.#waits = this.#at = this.#length = 0;
    this.#terminal = this.#stopAfter = false;
    this.#step = 'search';
    this.#id = { cylinder, head, sector, size: size & 7 };
    const transfer = this.#transfer;
    if (transfer === 'format') {
      this.#lastCount = this.#left = head;
      this.#id = { cylinder: 0, head: 0, sector: 0, size: cylinder & 7 };
    } else if (transfer !== 'readId') {
      this.#lastCount = eot;
    }
    if (transfer === 'readTrack') this.#left = eot === 0 ? 256 : eot;
    if (transfer === 'verify' && drive & VERIFY_EC) this.#left = dtl === 0 ? 256 : dtl;
    this.#fifo.clear(this.#toHost);
  }

  begin(): void {
    const transfer = this.#transfer;
    const writes = transfer === 'write' || transfer === 'format';
    if (writes && this.#drive?.writeProtected) {
      this.#st1 |= ST1_NW;
      this.#conclude(IC_ABNORMAL);
      return;
    }
    if (transfer === 'write' || transfer === 'scan') this.#fifo.want(this.#wanted);
    else if (transfer === 'format' && this.#left > 0) this.#fifo.want(ID_BYTES);
    this.#search();
    this.#ports.service();
  }

  /** The TC pin: the host has what it wants; the sector under the head is gone through to its end. */
  terminalCount(): void {
    if (this.#step === 'idle' || this.#transfer === 'verify' || this.#transfer === 'readId') return;
    this.#terminal = true;
    this.#fifo.stop();
    if (this.#step === 'search' && this.#done > 0) this.#conclude(IC_NORMAL);
  }

  stop(): void {
    this.#task.cancel();
    this.#step = 'idle';
    this.#fifo.clear();
  }

  reset(): void {
    this.stop();
    this.#name = 'readData';
    this.#bytes = [];
    this.#id = { cylinder: 0, head: 0, sector: 0, size: 0 };
    this.#st1 = this.#st2 = this.#left = this.#done = this.#position = this.#at = this.#length = this.#waits = 0;
    this.#formatted = this.#lastCount = 0;
    this.#terminal = this.#stopAfter = false;
    this.#sector.fill(0);
    this.#host.fill(0);
  }

  // ---- the command ------------------------------------------------------------------------------------------------

  get #transfer(): Transfer {
    return TRANSFER_OF[this.#name] ?? 'read';
  }

  get #toHost(): boolean {
    return this.#transfer === 'read' || this.#transfer === 'readTrack';
  }

  get #fromHost(): boolean {
    return this.#transfer === 'write' || this.#transfer === 'scan';
  }

  get #multiTrack(): boolean {
    return (this.#bytes[0]! & CMD_MT) !== 0 && this.#transfer !== 'readTrack';
  }

  get #eot(): number {
    return this.#bytes[6] ?? 0;
  }

  get #drive(): ShugartDrive | undefined {
    return this.#drives[(this.#bytes[1] ?? 0) & 3];
  }

  /** The bytes of a sector that the host exchanges: of 128, DTL says how many. */
  get #wanted(): number {
    return this.#id.size === 0 ? Math.min(128, this.#bytes[8] ?? 0) : 128 << this.#id.size;
  }

  get #byteTicks(): number {
    return this.#scheduler.ns(8e9 / this.#ports.bitRate());
  }

  // ---- the track --------------------------------------------------------------------------------------------------

  get #track(): readonly SectorId[] {
    const mfm = (this.#bytes[0]! & CMD_MFM) !== 0;
    return mfm ? trackUnderHead(this.#drive, this.head, this.#ports.bitRate()) : [];
  }

  #indexOf(id: SectorId): number {
    return indexOfSector(this.#track, id);
  }

  #wait(step: Step, ticks: number): void {
    this.#step = step;
    this.#task.schedule(ticks);
  }

  #due(late: number): void {
    switch (this.#step) {
      case 'stopped':
        this.#search();
        break;
      case 'lost':
        this.#notFound();
        break;
      case 'search':
        this.#beginSector();
        break;
      case 'data':
        this.#byte(late);
        break;
      case 'pass':
        this.#endSector();
        break;
      case 'gap':
        this.#afterSector();
        break;
      case 'id':
        this.#conclude(IC_NORMAL);
        break;
      case 'index':
        this.#indexPassed();
        break;
      case 'format':
        this.#formatSector(late);
        break;
      case 'rest':
        this.#conclude(IC_NORMAL);
        break;
      default:
    }
    this.#ports.service();
  }

  /** Waits for what the command wants next. */
  #search(): void {
    const drive = this.#drive;
    // Without index holes the chip waits for ever.
    if (drive === undefined) {
      this.#step = 'stopped';
      return;
    }
    if (!drive.ready) {
      this.#wait('stopped', drive.ticks(STOPPED));
      return;
    }
    const track = this.#track;
    const transfer = this.#transfer;
    if (transfer === 'format' || (transfer === 'readTrack' && track.length > 0 && this.#done === 0)) {
      this.#wait('index', drive.ticksTo(0));
      return;
    }
    if (transfer === 'readId' && track.length > 0) {
      const next = (Math.floor(drive.angle * track.length) + 1) % track.length;
      this.#id = track[next]!;
      this.#wait('id', drive.ticksTo((next + DATA_AT / 2) / track.length));
      return;
    }
    const index = transfer === 'readTrack' ? this.#position % Math.max(1, track.length) : this.#indexOf(this.#id);
    if (index < 0 || index >= track.length) {
      // Until the index hole has passed twice.
      this.#wait('lost', drive.ticksTo(0) + drive.ticks(1));
      return;
    }
    this.#wait('search', drive.ticksTo(index / track.length) + drive.ticks(DATA_AT / track.length));
  }

  #notFound(): void {
    const missing = whyNotFound(this.#track, this.#id);
    this.#st1 |= missing.st1;
    this.#st2 |= missing.st2;
    this.#conclude(IC_ABNORMAL);
  }

  #indexPassed(): void {
    const drive = this.#drive;
    const track = this.#track;
    if (drive?.ready !== true) {
      this.#search();
    } else if (this.#transfer === 'format') {
      this.#formatted = FORMAT_PREAMBLE;
      if (this.#left === 0) this.#wait('rest', drive.ticksTo(0));
      else this.#wait('format', FORMAT_PREAMBLE * this.#byteTicks);
    } else {
      this.#wait('search', drive.ticks(DATA_AT / Math.max(1, track.length)));
    }
  }

  // ---- a sector ---------------------------------------------------------------------------------------------------

  /** The head is at the beginning of a data field. */
  #beginSector(): void {
    const drive = this.#drive;
    const track = this.#track;
    const found =
      this.#transfer === 'readTrack' ? track[this.#position % track.length] : track[this.#indexOf(this.#id)];
    const medium = drive?.medium;
    if (drive === undefined || medium === undefined || found === undefined) {
      this.#search();
      return;
    }
    if (this.#transfer === 'readTrack') this.#compareId(found);
    this.#at = 0;
    this.#length = medium.geometry.sectorBytes;
    const ticks = this.#byteTicks;
    if (this.#transfer !== 'write' && !this.#load(medium, found)) return;
    if (this.#transfer !== 'write' && this.#transfer !== 'readTrack' && this.#isMarkedOtherwise(medium, found)) {
      this.#st2 |= ST2_CM;
      if (this.#bytes[0]! & CMD_SK) {
        this.#wait('gap', this.#length * ticks);
        return;
      }
      this.#stopAfter = true;
    }
    const passive = this.#transfer === 'verify' || (this.#terminal && this.#toHost);
    if (passive) this.#wait('pass', this.#length * ticks);
    else this.#wait('data', ticks);
  }

  /** READ TRACK takes sectors as they come, but says when they are not the ones it was told. */
  #compareId(found: SectorId): void {
    const { cylinder, head, sector } = this.#id;
    if (found.cylinder !== cylinder || found.head !== head || found.sector !== sector) this.#st1 |= ST1_ND;
  }

  #isMarkedOtherwise(medium: SectorDisk, id: SectorId): boolean {
    return medium.isDeleted(id) !== (this.#name === 'readDeletedData');
  }

  #load(medium: SectorDisk, id: SectorId): boolean {
    try {
      this.#sector.set(medium.read(id));
      return true;
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      this.#dataError();
      return false;
    }
  }

  #byte(late: number): void {
    if (this.#toHost) {
      if (!this.#terminal && this.#at < this.#wanted && !this.#fifo.fill(this.#sector[this.#at]!)) {
        this.#overrun();
        return;
      }
    } else {
      const byte = this.#at < this.#wanted ? this.#fifo.take() : 0;
      if (byte === undefined && !this.#terminal) {
        this.#overrun();
        return;
      }
      // After TC a sector is filled with zeros, and a scan finds nothing more that differs.
      this.#host[this.#at] = byte ?? (this.#transfer === 'scan' ? 0xff : 0);
    }
    this.#at++;
    if (this.#at < this.#length) this.#wait('data', Math.max(1, this.#byteTicks - late));
    else this.#endSector();
  }

  #endSector(): void {
    const drive = this.#drive;
    const medium = drive?.medium;
    const track = this.#track;
    if (drive === undefined || medium === undefined || track.length === 0) {
      this.#notFound();
      return;
    }
    if (this.#transfer === 'write' && !this.#store(medium)) return;
    if (this.#transfer === 'scan') this.#compare();
    if (this.#toHost) this.#fifo.flush();
    this.#waits = 0;
    this.#wait('gap', drive.ticks(GAP / track.length));
  }

  #store(medium: SectorDisk): boolean {
    try {
      medium.write(this.#id, this.#host.subarray(0, this.#length), this.#name === 'writeDeletedData');
      return true;
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      this.#dataError();
      return false;
    }
  }

  #compare(): void {
    const outcome = scan(this.#name, this.#sector.subarray(0, this.#wanted), this.#host);
    this.#st2 &= ~(ST2_SH | ST2_SN);
    if (outcome === 'not') this.#st2 |= ST2_SN;
    else this.#stopAfter = true;
    if (outcome === 'equal') this.#st2 |= ST2_SH;
  }

  #dataError(): void {
    this.#st1 |= ST1_DE;
    this.#st2 |= ST2_DD;
    this.#conclude(IC_ABNORMAL);
  }

  #overrun(): void {
    this.#st1 |= ST1_OR;
    this.#conclude(IC_ABNORMAL);
  }

  /** Goes on with the following sector, if there is one. */
  #afterSector(): void {
    const drive = this.#drive;
    if (drive?.ready !== true) {
      this.#notFound();
      return;
    }
    const last = this.#isLast;
    // The results come after the last byte.
    if (this.#toHost && this.#fifo.count > 0 && (last || this.#stopAfter)) {
      if (this.#waits++ > MOST_WAITS) this.#overrun();
      else this.#wait('gap', drive.ticks(GAP / Math.max(1, this.#track.length)));
      return;
    }
    if (this.#stopAfter) return this.#conclude(IC_NORMAL);
    this.#done++;
    this.#position++;
    this.#advance();
    if (this.#terminal) return this.#conclude(IC_NORMAL);
    if (this.#left > 0 && --this.#left === 0) return this.#conclude(IC_NORMAL);
    if (last && this.#transfer !== 'readTrack') {
      const asked = this.#transfer === 'verify' ? this.#left === 0 : this.#transfer === 'scan';
      if (!asked) this.#st1 |= ST1_EN;
      return this.#conclude(asked ? IC_NORMAL : IC_ABNORMAL);
    }
    // The bytes for a skipped sector are still to come.
    if (this.#fromHost && this.#at > 0) this.#fifo.want(this.#wanted);
    this.#search();
  }

  /** SCAN goes on with the next sector but one if STP says so. */
  get #stride(): number {
    return this.#transfer === 'scan' && this.#bytes[8] === 2 ? 2 : 1;
  }

  /** The sector is the last that the command may touch. */
  get #isLast(): boolean {
    if (this.#transfer === 'readTrack') return this.#left <= 1;
    if (this.#transfer === 'verify' && this.#left === 1) return true;
    const ends = this.#id.sector === this.#eot || (this.#stride > 1 && this.#id.sector + this.#stride > this.#eot);
    return ends && (!this.#multiTrack || this.head === 1);
  }

  /** The sector after this one, which is also what the results say. */
  #advance(): void {
    const { cylinder, head, sector } = this.#id;
    if (this.#transfer === 'readTrack' || (sector !== this.#eot && sector + this.#stride <= 0xff)) {
      const next = sector + this.#stride;
      if (this.#stride === 1 || next <= this.#eot) {
        this.#id = { ...this.#id, sector: next & 0xff };
        return;
      }
    }
    if (!this.#multiTrack) {
      this.#id = { ...this.#id, cylinder: (cylinder + 1) & 0xff, sector: 1 };
      return;
    }
    const second = this.head === 1;
    this.#bytes[1]! |= CMD_HDS;
    this.#id = { ...this.#id, head: head ^ 1, sector: 1, cylinder: (cylinder + (second ? 1 : 0)) & 0xff };
  }

  // ---- FORMAT TRACK -----------------------------------------------------------------------------------------------

  /** A byte of an identity field is written; after the last one the data field and gaps follow. */
  #formatSector(late: number): void {
    const drive = this.#drive;
    if (drive?.ready !== true) {
      this.#notFound();
      return;
    }
    if (this.#left === 0) {
      // The rest of the track is gap, until the index hole comes.
      this.#wait('rest', drive.ticksTo(0));
      return;
    }
    const byte = this.#fifo.take();
    if (byte === undefined) {
      if (this.#terminal) this.#conclude(IC_NORMAL);
      else this.#overrun();
      return;
    }
    this.#host[this.#at++] = byte;
    if (this.#at < ID_BYTES) {
      this.#wait('format', Math.max(1, this.#byteTicks - late));
      return;
    }
    this.#at = 0;
    this.#fill(this.#host.subarray(0, ID_BYTES));
    this.#left--;
    if (this.#left > 0) this.#fifo.want(ID_BYTES);
    const bytes = FORMAT_SECTOR_OVERHEAD + (128 << this.#id.size) + (this.#bytes[4] ?? 0);
    this.#formatted += bytes;
    const room = drive.ticks(1) / this.#byteTicks;
    if (this.#formatted >= room) this.#wait('rest', drive.ticksTo(0));
    else this.#wait('format', Math.max(1, bytes * this.#byteTicks - late));
  }

  #fill([cylinder = 0, head = 0, sector = 0, size = 0]: Uint8Array): void {
    const medium = this.#drive?.medium;
    const there = this.#track[this.#indexOf({ cylinder, head, sector, size })];
    if (medium === undefined || there === undefined || size !== this.#id.size) {
      this.#log.unimp('format of a sector %d of %d bytes that the image does not have', sector, 128 << (size & 7));
      return;
    }
    try {
      medium.write(there, new Uint8Array(128 << there.size).fill(this.#bytes[5] ?? 0), false);
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      this.#log.info('the host could not write sector %d', sector);
    }
  }

  /** The end of the command. */
  #conclude(code: number): void {
    const drive = (this.#bytes[1] ?? 0) & 3;
    const { cylinder, head, sector, size } = this.#id;
    this.stop();
    this.#ports.finished([code | (this.head << 2) | drive, this.#st1, this.#st2, cylinder, head, sector, size]);
  }

  // ---- snapshot ---------------------------------------------------------------------------------------------------

  save(): PlainFields {
    return {
      step: this.#step,
      bytes: Uint8Array.from(this.#bytes),
      st1: this.#st1,
      st2: this.#st2,
      id: { ...this.#id },
      left: this.#left,
      done: this.#done,
      position: this.#position,
      terminal: this.#terminal,
      stopAfter: this.#stopAfter,
      sector: this.#sector.slice(),
      host: this.#host.slice(),
      at: this.#at,
      length: this.#length,
      waits: this.#waits,
      formatted: this.#formatted,
      lastCount: this.#lastCount,
      in: this.#task.remaining,
    };
  }

  restore(saved: SavedFields): void {
    const step = saved.oneOf('step', STEPS);
    const bytes = [...saved.bytes('bytes', undefined, MAX_COMMAND_BYTES)];
    const name = commandOf(bytes[0] ?? 0);
    const whole =
      name !== undefined && TRANSFER_OF[name] !== undefined && bytes.length === COMMANDS[name].parameters + 1;
    const length = saved.int('length', 0, MAX_SECTOR_BYTES);
    if (step !== 'idle' && !whole) throw new SnapshotError(`step ${step} of no command`);
    const id = saved.nested('id');
    this.#at = saved.int('at', 0, Math.max(length, ID_BYTES));
    this.#step = step;
    this.#bytes = bytes;
    this.#name = name !== undefined && whole ? name : 'readData';
    this.#st1 = saved.u8('st1');
    this.#st2 = saved.u8('st2');
    this.#id = {
      cylinder: id.u8('cylinder'),
      head: id.u8('head'),
      sector: id.u8('sector'),
      size: id.int('size', 0, 7),
    };
    this.#left = saved.int('left', 0, 256);
    this.#done = saved.u32('done');
    this.#position = saved.u32('position');
    this.#terminal = saved.bool('terminal');
    this.#stopAfter = saved.bool('stopAfter');
    this.#sector.set(saved.bytes('sector', MAX_SECTOR_BYTES));
    this.#host.set(saved.bytes('host', MAX_SECTOR_BYTES));
    this.#length = length;
    this.#waits = saved.int('waits', 0, MOST_WAITS + 1);
    this.#formatted = saved.u32('formatted');
    this.#lastCount = saved.u8('lastCount');
    this.#task.restore(saved.int('in', -1, Number.MAX_SAFE_INTEGER));
  }
}
