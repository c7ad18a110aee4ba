// SPDX-License-Identifier: MIT
//
// Intel 82077AA floppy disk controller, and the same cell in peripheral controllers such as the 82C711.
//
// Sockets: span 8, byte registers: 0 SRA, 1 SRB, 2 DOR, 3 TDR, 4 MSR (read) and DSR (write), 5 FIFO, 7 DIR (read) and
// CCR (write); four drives; wires `irq` and `drq`; `dma`, the DMA channel that serves it (this is its DmaPeer);
// `terminalCount`, the TC pin; the mode its IDENT and MFM pins choose. Where nobody wires DMA, `dmaIn` and `dmaOut` of one byte are a DACK cycle.
//
// A sector's bytes are exchanged with the host at once, when its end (reading) or its beginning (writing) passes the
// head; the host has until the next one to fetch or bring them, otherwise it is an overrun or underrun.
//
// Documents: [82077AA] 82077AA CHMOS single-chip floppy disk controller (Intel 290166).
// Not modelled: single density (FM); deleted data marks, which images do not keep; formatting another layout than the
// image's; precompensation, power-down; tape drives (TDR only holds its value); head load and unload times.
import type { ChipContext } from '../../backplane/board.ts';
import { BYTE_REGISTERS, type BusTarget, type Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields, SnapshotError } from '../../backplane/device.ts';
import type { DmaChannel, DmaPeer } from '../../backplane/dma.ts';
import { MediumError } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import {
  CMD_LOCK,
  CMD_MT,
  CMD_RELATIVE,
  CMD_RELATIVE_IN,
  CMD_SK,
  COMMANDS,
  type CommandName,
  commandOf,
  IC_ABNORMAL,
  IC_INVALID,
  IC_POLLING,
  scan,
  ST0_EC,
  ST0_SE,
  ST1_DE,
  ST1_EN,
  ST1_MA,
  ST1_ND,
  ST1_NW,
  ST1_OR,
  ST2_BC,
  ST2_CM,
  ST2_DD,
  ST2_SH,
  ST2_SN,
  ST2_WC,
  ST3_ONE,
  ST3_T0,
  ST3_WP,
  type Transfer,
  TRANSFER_OF,
} from './i82077-commands.ts';
import type { SectorId } from './sector-disk.ts';
import type { ShugartDrive } from './shugart-drive.ts';

const SRA = 0;
const SRB = 1;
const DOR = 2;
const TDR = 3;
const MSR_DSR = 4;
const FIFO = 5;
const DIR_CCR = 7;

const SRA_INT = 0x80;
const SRA_DRV2_N = 0x40;
const SRA_STEP = 0x20;
const SRA_TRK0_N = 0x10;
const SRA_HDSEL = 0x08;
const SRA_INDX_N = 0x04;
const SRA_WP_N = 0x02;
const SRA_DIR = 0x01;
const SRB_ONES = 0xc0;

const DOR_RESET_N = 0x04;
const DOR_DMAGATE = 0x08;

const MSR_RQM = 0x80;
const MSR_DIO = 0x40; // the host reads
const MSR_NON_DMA = 0x20;
const MSR_BUSY = 0x10;

const DSR_RESET = 0x80;
const RATE_MASK = 0x03;
const BIT_RATES = [500_000, 300_000, 250_000, 1_000_000] as const;

const DIR_CHANGED = 0x80;

const CONFIG_EIS = 0x40; // implied seek
const CONFIG_POLL_OFF = 0x10;

const DRIVES = 4;
const MOST_CYLINDERS = 256;
const RECALIBRATE_STEPS = 79;
const POLL_NS = 1_000_000;
const RESET_NS = 20_000;
const SEARCH_REVOLUTIONS = 2;
const MAX_SECTOR_BYTES = 1024;
/** The part of a sector's place that its identity field and gaps take. */
const GAP = 0.1;

const PHASES = ['command', 'execution', 'result'] as const;
type Phase = (typeof PHASES)[number];
const STEPS = ['idle', 'seek', 'find', 'id', 'transfer', 'finish', 'index'] as const;
type Step = (typeof STEPS)[number];

/** A seek or recalibration that runs on its own, and what SENSE INTERRUPT STATUS will say of the drive. */
interface Seek {
  readonly task: Task;
  target: number;
  recalibrating: boolean;
  stepsLeft: number;
  /** ST0, or -1. */
  status: number;
}

export class I82077 implements Device, BusTarget, DmaPeer {
  readonly id: string;
  readonly span = 8;
  readonly access = BYTE_REGISTERS;
  readonly irq: Wire;
  readonly drq: Wire;
  dma: DmaChannel | undefined;
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #drives: readonly (ShugartDrive | undefined)[];
  /** DOR's DMAGATE holds back INT and DRQ; in PS/2 mode it does not. */
  readonly #gated: boolean;
  readonly #seeks: readonly Seek[];
  readonly #task: Task;
  readonly #resetTask: Task;
  #dor = 0;
  #tdr = 0;
  #rate = 2;
  #phase: Phase = 'command';
  /** The bytes of the command so far. */
  #bytes: number[] = [];
  #result: number[] = [];
  #srt = 0;
  #hut = 0;
  #hlt = 0;
  #nonDma = false;
  #config = 0;
  #precomp = 0;
  #perpendicular = 0;
  #locked = false;
  #sraBits = 0;
  readonly #pcn = new Uint8Array(DRIVES);
  #transferIrq = false;
  // The command that is being executed.
  #step: Step = 'idle';
  #transfer: Transfer = 'none';
  #st1 = 0;
  #st2 = 0;
  #id: SectorId = { cylinder: 0, head: 0, sector: 0, size: 0 };
  #left = 0;
  #revolutions = 0;
  #terminal = false;
  readonly #buffer = new Uint8Array(MAX_SECTOR_BYTES);
  /** The host has exchanged [0, #at) of #length bytes. */
  #at = 0;
  #length = 0;

  constructor(chip: ChipContext, drives: readonly (ShugartDrive | undefined)[], mode: 'at' | 'ps2' = 'at') {
    this.id = chip.id;
    this.#log = chip.log;
    this.#scheduler = chip.scheduler;
    this.#drives = drives;
    this.#gated = mode === 'at';
    this.irq = new Wire(`${chip.id}.irq`);
    this.drq = new Wire(`${chip.id}.drq`);
    this.#task = chip.scheduler.task(`${chip.id}.sector`, () => this.#next());
    this.#resetTask = chip.scheduler.task(`${chip.id}.poll`, () => this.#polled());
    this.#seeks = Array.from({ length: DRIVES }, (_, drive) => ({
      task: chip.scheduler.task(`${chip.id}.seek-${drive}`, () => this.#seekStep(drive)),
      target: 0,
      recalibrating: false,
      stepsLeft: 0,
      status: -1,
    }));
  }

  /** The drive that DOR selects. */
  get selected(): ShugartDrive | undefined {
    return this.#drives[this.#dor & 3];
  }

  // ---- registers --------------------------------------------------------------------------------------------------

  read(offset: number, _width: Width): number {
    if (offset === FIFO) return this.#readFifo();
    return this.peek(offset);
  }

  peek(offset: number): number {
    const drive = this.selected;
    switch (offset) {
      case SRA:
        return (
          (this.irq.level ? SRA_INT : 0) |
          (this.#drives[1] === undefined ? SRA_DRV2_N : 0) |
          (drive?.track0 ? 0 : SRA_TRK0_N) |
          (drive?.index ? 0 : SRA_INDX_N) |
          (drive?.writeProtected ? 0 : SRA_WP_N) |
          (this.#sraBits & (SRA_STEP | SRA_HDSEL | SRA_DIR))
        );
      case SRB:
        return SRB_ONES | ((this.#dor & 1) << 5) | ((this.#dor >>> 4) & 3);
      case DOR:
        return this.#dor;
      case TDR:
        return this.#tdr;
      case MSR_DSR:
        return this.#msr;
      case FIFO:
        return this.#phase === 'result' ? (this.#result[0] ?? 0) : 0;
      case DIR_CCR:
        return drive === undefined || drive.diskChange.level ? DIR_CHANGED : 0;
      default:
        return 0;
    }
  }

  get #msr(): number {
    let msr = 0;
    this.#seeks.forEach((seek, drive) => {
      if (seek.task.scheduled) msr |= 1 << drive;
    });
    if (!(this.#dor & DOR_RESET_N) || this.#resetting) return msr;
    if (this.#phase === 'result') return msr | MSR_RQM | MSR_DIO | MSR_BUSY;
    if (this.#phase === 'command') return msr | MSR_RQM | (this.#bytes.length > 0 ? MSR_BUSY : 0);
    msr |= MSR_BUSY;
    if (!this.#nonDma) return msr;
    const waiting = this.#at < this.#length;
    return msr | MSR_NON_DMA | (waiting ? MSR_RQM | (this.#toHost ? MSR_DIO : 0) : 0);
  }

  write(offset: number, _width: Width, value: number): void {
    switch (offset) {
      case DOR:
        this.#writeDor(value);
        break;
      case TDR:
        this.#tdr = value & 3;
        break;
      case MSR_DSR:
        this.#rate = value & RATE_MASK;
        if (value & DSR_RESET) {
          this.#enterReset();
          if (this.#dor & DOR_RESET_N) this.#resetTask.schedule(this.#scheduler.ns(RESET_NS));
        }
        break;
      case FIFO:
        this.#writeFifo(value);
        break;
      case DIR_CCR:
        this.#rate = value & RATE_MASK;
        break;
      default:
        this.#log.guest('write of %x to register %x', value, offset);
    }
    this.#update();
  }

  #writeDor(value: number): void {
    const old = this.#dor;
    this.#dor = value;
    this.#drives.forEach((drive, n) => drive?.motor((value & (0x10 << n)) !== 0));
    if (old & ~value & DOR_RESET_N) this.#enterReset();
    else if (value & ~old & DOR_RESET_N) this.#resetTask.schedule(this.#scheduler.ns(RESET_NS));
  }

  // ---- reset ------------------------------------------------------------------------------------------------------

  #resetStage: 'none' | 'reset' | 'poll' = 'none';

  get #resetting(): boolean {
    return this.#resetStage === 'reset';
  }

  #enterReset(): void {
    this.#task.cancel();
    this.#resetTask.cancel();
    this.#resetStage = 'reset';
    this.#phase = 'command';
    this.#step = 'idle';
    this.#bytes = [];
    this.#result = [];
    this.#at = this.#length = 0;
    this.#transferIrq = false;
    this.#nonDma = false;
    this.#perpendicular &= 0x3c;
    if (!this.#locked) this.#config = this.#precomp = 0;
    for (const seek of this.#seeks) {
      seek.task.cancel();
      seek.status = -1;
    }
  }

  /** Out of reset; then, unless told not to by CONFIGURE in time, drive polling finds all four drives changed. */
  #polled(): void {
    if (this.#resetStage === 'reset') {
      this.#resetStage = 'poll';
      this.#resetTask.schedule(this.#scheduler.ns(POLL_NS));
      return;
    }
    this.#resetStage = 'none';
    this.#seeks.forEach((seek, drive) => (seek.status = IC_POLLING | drive));
    this.#update();
  }

  // ---- FIFO -------------------------------------------------------------------------------------------------------

  #readFifo(): number {
    if (this.#phase === 'execution' && this.#nonDma && this.#toHost && this.#at < this.#length) {
      const byte = this.#buffer[this.#at++]!;
      this.#update();
      return byte;
    }
    if (this.#phase !== 'result') return 0;
    this.#transferIrq = false;
    const byte = this.#result.shift() ?? 0;
    if (this.#result.length === 0) this.#phase = 'command';
    this.#update();
    return byte;
  }

  #writeFifo(value: number): void {
    if (!(this.#dor & DOR_RESET_N) || this.#resetting) return;
    if (this.#phase === 'execution') {
      if (this.#nonDma && !this.#toHost && this.#at < this.#length) this.#buffer[this.#at++] = value;
      else this.#log.guest('data %x while a command is executed', value);
      return;
    }
    if (this.#phase === 'result') {
      this.#log.guest('data %x while results wait', value);
      return;
    }
    this.#bytes.push(value);
    const name = commandOf(this.#bytes[0]!);
    if (name === undefined) this.#finish([IC_INVALID]);
    else if (this.#bytes.length > COMMANDS[name].parameters) this.#execute(name);
  }

  /** Results to read; without any, the next command may follow at once. */
  #finish(result: readonly number[]): void {
    this.#bytes = [];
    this.#result = [...result];
    this.#phase = result.length > 0 ? 'result' : 'command';
    this.#step = 'idle';
    this.#at = this.#length = 0;
    this.#task.cancel();
  }

  // ---- commands ---------------------------------------------------------------------------------------------------

  get #command(): CommandName {
    return commandOf(this.#bytes[0] ?? 0) ?? 'version';
  }

  get #driveNumber(): number {
    return (this.#bytes[1] ?? 0) & 3;
  }

  get #drive(): ShugartDrive | undefined {
    return this.#drives[this.#driveNumber];
  }

  get #head(): number {
    return ((this.#bytes[1] ?? 0) >>> 2) & 1;
  }

  #execute(name: CommandName): void {
    const [first = 0, second = 0, third = 0, fourth = 0] = this.#bytes;
    switch (name) {
      case 'specify':
        this.#srt = second >>> 4;
        this.#hut = second & 0xf;
        this.#hlt = third >>> 1;
        this.#nonDma = (third & 1) !== 0;
        return this.#finish([]);
      case 'configure':
        this.#config = third;
        this.#precomp = fourth;
        if (third & CONFIG_POLL_OFF && this.#resetStage === 'poll') {
          this.#resetTask.cancel();
          this.#resetStage = 'none';
        }
        return this.#finish([]);
      case 'perpendicularMode':
        this.#perpendicular = second & 0x80 ? second & 0x3f : (this.#perpendicular & 0x3c) | (second & 3);
        return this.#finish([]);
      case 'lock':
        this.#locked = (first & CMD_LOCK) !== 0;
        return this.#finish([this.#locked ? 0x10 : 0]);
      case 'version':
        return this.#finish([0x90]);
      case 'dumpreg':
        return this.#finish([
          ...this.#pcn,
          (this.#srt << 4) | this.#hut,
          (this.#hlt << 1) | Number(this.#nonDma),
          this.#id.sector,
          (this.#locked ? 0x80 : 0) | this.#perpendicular,
          this.#config,
          this.#precomp,
        ]);
      case 'senseDriveStatus':
        return this.#finish([
          ST3_ONE | (second & 7) | (this.#drive?.track0 ? ST3_T0 : 0) | (this.#drive?.writeProtected ? ST3_WP : 0),
        ]);
      case 'senseInterruptStatus':
        return this.#senseInterrupt();
      case 'recalibrate':
        this.#startSeek(this.#driveNumber, 0, true);
        return this.#finish([]);
      case 'seek':
        return this.#seekCommand(first, third);
      default:
        this.#startTransfer(name);
    }
  }

  #senseInterrupt(): void {
    const drive = this.#seeks.findIndex(({ status }) => status >= 0);
    if (drive < 0) return this.#finish([IC_INVALID]);
    const seek = this.#seeks[drive]!;
    const status = seek.status;
    seek.status = -1;
    this.#finish([status, this.#pcn[drive]!]);
  }

  // ---- seeks ------------------------------------------------------------------------------------------------------

  #seekCommand(first: number, cylinder: number): void {
    const drive = this.#driveNumber;
    const here = this.#pcn[drive]!;
    const inwards = (first & CMD_RELATIVE_IN) !== 0;
    const target = first & CMD_RELATIVE ? here + (inwards ? cylinder : -cylinder) : cylinder;
    this.#sraBits = (this.#sraBits & ~SRA_HDSEL) | (this.#head === 1 ? SRA_HDSEL : 0);
    this.#startSeek(drive, Math.max(0, Math.min(MOST_CYLINDERS - 1, target)), false);
    this.#finish([]);
  }

  get #stepTicks(): number {
    // In milliseconds at 500 kbit/s; slower rates stretch it.
    const ms = (16 - this.#srt) * (500_000 / BIT_RATES[this.#rate]!);
    return this.#scheduler.ns(ms * 1_000_000);
  }

  #startSeek(drive: number, target: number, recalibrating: boolean): void {
    const seek = this.#seeks[drive]!;
    seek.target = target;
    seek.recalibrating = recalibrating;
    seek.stepsLeft = RECALIBRATE_STEPS;
    seek.status = -1;
    seek.task.schedule(this.#stepTicks);
  }

  #seekStep(n: number): void {
    const seek = this.#seeks[n]!;
    const drive = this.#drives[n];
    const here = this.#pcn[n]!;
    if (seek.recalibrating) {
      const found = drive?.track0 ?? false;
      if (!found && seek.stepsLeft > 0) {
        seek.stepsLeft--;
        this.#pulse(drive, false);
        seek.task.schedule(this.#stepTicks);
        return;
      }
      this.#pcn[n] = 0;
      seek.status = ST0_SE | n | (found ? 0 : IC_ABNORMAL | ST0_EC);
    } else if (here !== seek.target) {
      this.#pcn[n] = here + (seek.target > here ? 1 : -1);
      this.#pulse(drive, seek.target > here);
      seek.task.schedule(this.#stepTicks);
      return;
    } else {
      seek.status = ST0_SE | n;
    }
    // An implied seek goes on with its command instead of interrupting.
    if (this.#phase === 'execution' && this.#step === 'seek' && n === this.#driveNumber) {
      seek.status = -1;
      this.#find();
    }
    this.#update();
  }

  #pulse(drive: ShugartDrive | undefined, inward: boolean): void {
    drive?.step(inward);
    this.#sraBits = (this.#sraBits & ~SRA_DIR) | SRA_STEP | (inward ? SRA_DIR : 0);
  }

  // ---- sectors ----------------------------------------------------------------------------------------------------

  /** Bytes go from the disk to the host. */
  get #toHost(): boolean {
    return this.#transfer === 'read' || this.#transfer === 'readTrack';
  }

  #startTransfer(name: CommandName): void {
    const [, , cylinder = 0, head = 0, sector = 0, size = 0] = this.#bytes;
    this.#transfer = TRANSFER_OF[name] ?? 'none';
    this.#phase = 'execution';
    this.#st1 = this.#st2 = 0;
    this.#terminal = false;
    this.#revolutions = 0;
    this.#at = this.#length = 0;
    if (name === 'writeDeletedData') this.#log.unimp('deleted data marks are not kept');
    if (name === 'readId') {
      this.#step = 'id';
      this.#nextId();
      return;
    }
    if (name === 'formatTrack') {
      this.#id = { cylinder: 0, head: 0, sector: 0, size: cylinder & 7 };
      this.#left = head;
    } else {
      this.#id = { cylinder, head, sector, size: size & 7 };
      const eot = this.#bytes[6] ?? 0;
      this.#left = this.#transfer === 'verify' && this.#bytes[1]! & 0x80 ? (this.#bytes[8] ?? 0) : 0;
      if (this.#transfer === 'readTrack') {
        this.#id = { ...this.#id, sector: 1 };
        this.#left = eot;
      }
    }
    const writing = this.#transfer === 'write' || this.#transfer === 'format';
    if (writing && this.#drive?.writeProtected) {
      this.#st1 |= ST1_NW;
      this.#conclude(IC_ABNORMAL);
      return;
    }
    const drive = this.#driveNumber;
    if (this.#config & CONFIG_EIS && name !== 'formatTrack' && this.#pcn[drive] !== cylinder) {
      this.#step = 'seek';
      this.#startSeek(drive, cylinder, false);
      return;
    }
    this.#find();
  }

  get #sectorBytes(): number {
    return 128 << this.#id.size;
  }

  /** The track under the head, in the order it passes; empty where the controller can make nothing of it. */
  get #track(): readonly SectorId[] {
    const drive = this.#drive;
    const medium = drive?.medium;
    if (drive === undefined || medium === undefined) return [];
    if (medium.geometry.bitRate !== BIT_RATES[this.#rate]) return [];
    return medium.track(drive.cylinder, this.#head);
  }

  /** Where on the track a sector is, or -1. */
  #indexOf(id: SectorId): number {
    return this.#track.findIndex(
      ({ cylinder, head, sector, size }) =>
        cylinder === id.cylinder && head === id.head && sector === id.sector && size === id.size,
    );
  }

  /** Waits for the sector that comes next; without turning disk, for ever, as the chip does. */
  #find(): void {
    const drive = this.#drive;
    this.#step = 'find';
    if (!drive?.ready) return;
    const track = this.#track;
    if (this.#transfer === 'format' || (this.#transfer === 'readTrack' && this.#length === 0 && this.#at === 0)) {
      this.#step = 'index';
      this.#task.schedule(drive.ticksTo(0));
      return;
    }
    const index = this.#indexOf(this.#id);
    if (index < 0) {
      // Two index holes without it.
      this.#task.schedule(drive.ticksTo(0) + (SEARCH_REVOLUTIONS - 1) * drive.ticks(1));
      return;
    }
    // Sectors the head has passed since the beginning of this one; in the gap before its data is still in time.
    const passed = (drive.angle * track.length - index + track.length) % track.length;
    const ahead = passed < GAP || passed > track.length - GAP ? 0 : track.length - passed;
    const writes = this.#transfer === 'write' || this.#transfer === 'scan';
    this.#step = 'transfer';
    if (writes) this.#offer();
    this.#task.schedule(drive.ticks((ahead + 1) / track.length));
  }

  #notFound(): void {
    const track = this.#track;
    const [any] = track;
    if (any === undefined) this.#st1 |= ST1_MA;
    else {
      this.#st1 |= ST1_ND;
      if (any.cylinder !== this.#id.cylinder) this.#st2 |= any.cylinder === 0xff ? ST2_BC : ST2_WC;
    }
    this.#conclude(IC_ABNORMAL);
  }

  /** Asks the host for a sector's bytes, or offers it those in the buffer. */
  #offer(bytes = this.#sectorBytes): void {
    this.#at = 0;
    this.#length = Math.min(bytes, MAX_SECTOR_BYTES);
    this.#update();
    if (!this.#nonDma) this.dma?.request();
  }

  /** The end of a sector passed the head, or whatever else was waited for. */
  #next(): void {
    switch (this.#step) {
      case 'find':
        this.#notFound();
        break;
      case 'id':
        this.#idPassed();
        break;
      case 'index':
        this.#indexPassed();
        break;
      case 'transfer':
        this.#sectorPassed();
        break;
      case 'finish':
        this.#afterSector();
        break;
      default:
    }
    this.#update();
  }

  #sectorPassed(): void {
    const medium = this.#drive?.medium;
    if (!this.#drive?.ready || medium === undefined || this.#indexOf(this.#id) < 0) return this.#notFound();
    // The host has not fetched the sector before.
    if (this.#toHost && this.#at < this.#length) return this.#overrun();
    if (!this.#toHost && this.#at < this.#length && !this.#terminal) return this.#overrun();
    try {
      if (this.#transfer === 'write') medium.write(this.#id, this.#buffer.slice(0, this.#sectorBytes));
      else {
        const data = medium.read(this.#id);
        if (this.#transfer === 'scan') {
          if (this.#scanned(data)) return;
        } else if (this.#toHost) {
          this.#buffer.set(data);
          this.#offer(data.length);
        }
      }
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      this.#st1 |= ST1_DE;
      this.#st2 |= ST2_DD;
      return this.#conclude(IC_ABNORMAL);
    }
    if (this.#command === 'readDeletedData') {
      this.#st2 |= ST2_CM;
      if (!(this.#bytes[0]! & CMD_SK)) return this.#conclude(0);
    }
    this.#afterSector();
  }

  /** True when the command is over. */
  #scanned(data: Uint8Array): boolean {
    const outcome = scan(this.#command, data, this.#buffer);
    if (outcome === 'not') {
      this.#st2 |= ST2_SN;
      return false;
    }
    this.#st2 = (this.#st2 & ~ST2_SN) | (outcome === 'equal' ? ST2_SH : 0);
    this.#conclude(0);
    return true;
  }

  #overrun(): void {
    this.#st1 |= ST1_OR;
    this.#conclude(IC_ABNORMAL);
  }

  /** Goes on with the following sector, if there is one. */
  #afterSector(): void {
    // The last sector's bytes must be with the host before the results.
    if (this.#toHost && this.#at < this.#length && this.#isLast) {
      this.#step = 'finish';
      const drive = this.#drive;
      if (drive === undefined || this.#revolutions++ > 0) return this.#overrun();
      this.#task.schedule(drive.ticks(1));
      return;
    }
    const last = this.#isLast;
    this.#advance();
    if (this.#terminal) return this.#conclude(0);
    if (this.#transfer === 'readTrack' || (this.#transfer === 'verify' && this.#left > 0)) {
      this.#left--;
      if (this.#left <= 0) return this.#conclude(0);
    } else if (last) {
      this.#st1 |= ST1_EN;
      return this.#conclude(this.#transfer === 'verify' ? 0 : IC_ABNORMAL);
    }
    this.#step = 'find';
    this.#find();
  }

  /** The sector is the last that the command may touch. */
  get #isLast(): boolean {
    if (this.#transfer === 'readTrack') return this.#left <= 1;
    const eot = this.#bytes[6] ?? 0;
    return this.#id.sector === eot && (!(this.#bytes[0]! & CMD_MT) || this.#id.head === 1);
  }

  /** The number of the sector after this one, which is also what the results say. */
  #advance(): void {
    const { cylinder, head, sector } = this.#id;
    const eot = this.#bytes[6] ?? 0;
    const step = this.#transfer === 'scan' ? Math.max(1, this.#bytes[8] ?? 1) : 1;
    if (sector < eot || this.#transfer === 'readTrack') {
      this.#id = { ...this.#id, sector: (sector + step) & 0xff };
    } else if (this.#bytes[0]! & CMD_MT && head === 0) {
      this.#id = { ...this.#id, head: 1, sector: 1 };
      this.#bytes[1]! |= 4;
    } else {
      const first = this.#bytes[0]! & CMD_MT ? { head: 0 } : {};
      this.#id = { ...this.#id, ...first, cylinder: (cylinder + 1) & 0xff, sector: 1 };
    }
  }

  /** READ ID: the next identity field under the head. */
  #nextId(): void {
    const drive = this.#drive;
    if (!drive?.ready) return;
    const track = this.#track;
    if (track.length === 0) {
      this.#task.schedule(drive.ticksTo(0) + (SEARCH_REVOLUTIONS - 1) * drive.ticks(1));
      return;
    }
    const next = (Math.floor(drive.angle * track.length) + 1) % track.length;
    this.#id = track[next]!;
    this.#task.schedule(drive.ticksTo(next / track.length));
  }

  #idPassed(): void {
    if (this.#track.length > 0) return this.#conclude(0);
    this.#st1 |= ST1_MA;
    this.#conclude(IC_ABNORMAL);
  }

  /** FORMAT TRACK and READ TRACK begin at the index hole; a formatted sector's place ends here too. */
  #indexPassed(): void {
    const drive = this.#drive;
    if (!drive?.ready) return this.#notFound();
    if (this.#transfer === 'readTrack') {
      const [first] = this.#track;
      if (first === undefined) return this.#notFound();
      const { cylinder, head } = this.#id;
      if (first.cylinder !== cylinder || first.head !== head) this.#st1 |= ST1_ND;
      this.#id = first;
      this.#step = 'transfer';
      this.#task.schedule(drive.ticks(1 / this.#track.length));
      return;
    }
    if (this.#length > 0) {
      if (this.#at < this.#length) return this.#overrun();
      this.#formatSector();
      this.#left--;
    }
    if (this.#left <= 0 || this.#terminal) return this.#conclude(0);
    this.#offer(4);
    this.#task.schedule(drive.ticks(1 / Math.max(1, this.#bytes[3] ?? 1)));
  }

  #formatSector(): void {
    const [cylinder = 0, head = 0, sector = 0, size = 0] = this.#buffer;
    const medium = this.#drive?.medium;
    const there = this.#track[this.#indexOf({ cylinder, head, sector, size })];
    if (medium === undefined || there === undefined) {
      this.#log.unimp('format of a sector %d that the image does not have', sector);
      return;
    }
    try {
      medium.write(there, new Uint8Array(128 << size).fill(this.#bytes[5] ?? 0));
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      this.#log.info('the host could not write sector %d', sector);
    }
  }

  /** The end of a command with sectors. */
  #conclude(code: number): void {
    const drive = this.#driveNumber;
    const { cylinder, head, sector, size } = this.#id;
    const st0 = code | (this.#head << 2) | drive;
    this.#finish([st0, this.#st1, this.#st2, cylinder, head, sector, size]);
    this.#transferIrq = true;
    this.#update();
  }

  // ---- DMA --------------------------------------------------------------------------------------------------------

  dmaIn(into: Uint8Array): number {
    if (this.#phase !== 'execution' || !this.#toHost) return 0;
    const count = Math.min(into.length, this.#length - this.#at);
    into.set(this.#buffer.subarray(this.#at, this.#at + count));
    this.#at += count;
    this.#update();
    return count;
  }

  dmaOut(bytes: Uint8Array): number {
    if (this.#phase !== 'execution' || this.#toHost) return 0;
    const count = Math.min(bytes.length, this.#length - this.#at);
    this.#buffer.set(bytes.subarray(0, count), this.#at);
    this.#at += count;
    this.#update();
    return count;
  }

  /** The TC pin: the host wants no more than the current sector. */
  terminalCount(): void {
    if (this.#phase === 'execution') this.#terminal = true;
  }

  #update(): void {
    const waiting = this.#phase === 'execution' && this.#at < this.#length;
    const gate = !this.#gated || (this.#dor & DOR_DMAGATE) !== 0;
    const interrupting =
      this.#transferIrq || (waiting && this.#nonDma) || this.#seeks.some(({ status }) => status >= 0);
    this.drq.set(waiting && !this.#nonDma && gate);
    this.irq.set(interrupting && gate);
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  reset(_kind: ResetKind): void {
    this.#locked = false;
    this.#enterReset();
    this.#dor = this.#tdr = 0;
    this.#rate = 2;
    this.#srt = this.#hut = this.#hlt = 0;
    this.#perpendicular = this.#sraBits = 0;
    this.#pcn.fill(0);
    this.#id = { cylinder: 0, head: 0, sector: 0, size: 0 };
    this.#transfer = 'none';
    this.#st1 = this.#st2 = this.#left = this.#revolutions = 0;
    this.#terminal = false;
    this.#buffer.fill(0);
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      dor: this.#dor,
      tdr: this.#tdr,
      rate: this.#rate,
      phase: this.#phase,
      bytes: Uint8Array.from(this.#bytes),
      result: Uint8Array.from(this.#result),
      specify: [this.#srt, this.#hut, this.#hlt],
      nonDma: this.#nonDma,
      config: this.#config,
      precomp: this.#precomp,
      perpendicular: this.#perpendicular,
      locked: this.#locked,
      sra: this.#sraBits,
      pcn: this.#pcn.slice(),
      transferIrq: this.#transferIrq,
      step: this.#step,
      transfer: this.#transfer,
      st1: this.#st1,
      st2: this.#st2,
      id: { ...this.#id },
      left: this.#left,
      revolutions: this.#revolutions,
      terminal: this.#terminal,
      buffer: this.#buffer.slice(),
      at: this.#at,
      length: this.#length,
      resetStage: this.#resetStage,
      taskIn: this.#task.remaining,
      resetIn: this.#resetTask.remaining,
      seeks: this.#seeks.map(({ task, target, recalibrating, stepsLeft, status }) => ({
        target,
        recalibrating,
        stepsLeft,
        status,
        in: task.remaining,
      })),
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const remaining = (fields: SavedFields, name: string): number => fields.int(name, -1, Number.MAX_SAFE_INTEGER);
    const bytes = [...saved.bytes('bytes', undefined, 9)];
    const specify = saved.list('specify', 3);
    const length = saved.int('length', 0, MAX_SECTOR_BYTES);
    const at = saved.int('at', 0, MAX_SECTOR_BYTES);
    const phase = saved.oneOf('phase', PHASES);
    const name = commandOf(bytes[0] ?? 0);
    const whole = name !== undefined && bytes.length === COMMANDS[name].parameters + 1;
    if (at > length || (phase === 'execution') !== (whole && bytes.length > 0)) {
      throw new SnapshotError(`${this.id}: phase ${phase} with ${bytes.length} bytes of command`);
    }
    const nibbles = specify.map((value) => {
      if (typeof value !== 'number' || !(value >= 0 && value <= 0x7f)) throw new SnapshotError(`${this.id}: specify`);
      return value;
    });
    const id = saved.nested('id');
    const seeks = saved.list('seeks', DRIVES).map((one) => new SavedFields(`${this.id}.seek`, one as PlainFields));
    if (seeks.length !== DRIVES) throw new SnapshotError(`${this.id}: ${seeks.length} seeks`);
    this.#dor = saved.u8('dor');
    this.#tdr = saved.int('tdr', 0, 3);
    this.#rate = saved.int('rate', 0, 3);
    this.#phase = phase;
    this.#bytes = bytes;
    this.#result = [...saved.bytes('result', undefined, 10)];
    [this.#srt = 0, this.#hut = 0, this.#hlt = 0] = nibbles;
    this.#nonDma = saved.bool('nonDma');
    this.#config = saved.u8('config');
    this.#precomp = saved.u8('precomp');
    this.#perpendicular = saved.u8('perpendicular');
    this.#locked = saved.bool('locked');
    this.#sraBits = saved.u8('sra');
    this.#pcn.set(saved.bytes('pcn', DRIVES));
    this.#transferIrq = saved.bool('transferIrq');
    this.#step = saved.oneOf('step', STEPS);
    this.#transfer = saved.oneOf('transfer', TRANSFERS);
    this.#st1 = saved.u8('st1');
    this.#st2 = saved.u8('st2');
    this.#id = {
      cylinder: id.u8('cylinder'),
      head: id.u8('head'),
      sector: id.u8('sector'),
      size: id.int('size', 0, 7),
    };
    this.#left = saved.int('left', -1, 0xff);
    this.#revolutions = saved.int('revolutions', 0, 0xff);
    this.#terminal = saved.bool('terminal');
    this.#buffer.set(saved.bytes('buffer', MAX_SECTOR_BYTES));
    this.#at = at;
    this.#length = length;
    this.#resetStage = saved.oneOf('resetStage', ['none', 'reset', 'poll']);
    this.#task.restore(remaining(saved, 'taskIn'));
    this.#resetTask.restore(remaining(saved, 'resetIn'));
    this.#seeks.forEach((seek, n) => {
      const fields = seeks[n]!;
      seek.target = fields.u8('target');
      seek.recalibrating = fields.bool('recalibrating');
      seek.stepsLeft = fields.u8('stepsLeft');
      seek.status = fields.int('status', -1, 0xff);
      seek.task.restore(remaining(fields, 'in'));
    });
  }
}

const TRANSFERS = ['none', 'read', 'write', 'scan', 'verify', 'format', 'readTrack'] as const;
