// SPDX-License-Identifier: MIT
//
// Western Digital WD1772-PH, floppy disk controller of the Archimedes and others.
//
// Sockets: bus: 4 bytes (command/status, track, sector, data); drives: `drive` and `side` are the board's latches;
// wires out: `intrq`, `drq`. The MO pin is not wired on the boards that use it here: the motor is a latch's, so that
// spinning up waits for the index pulses of a drive that may not turn.
// Documents: [WD1772]. Bytes come every 32 us; a sector is where its number puts it around the track.
// Not modelled: single density (FM, logged); write precompensation; a disk is formatted only as its image already is.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { SavedFields, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import { MediumError } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { formattedSectors, idBytes, trackBytes, TRACK_BYTES_DD } from './mfm-track.ts';
import type { SectorId } from './sector-disk.ts';
import type { ShugartDrive } from './shugart-drive.ts';

const BUSY = 0x01;
/** Index pulse in the status of type I commands, data request in the others. */
const INDEX = 0x02;
const DRQ = 0x02;
const TRACK_0 = 0x04;
const LOST_DATA = 0x04;
const CRC_ERROR = 0x08;
const NOT_FOUND = 0x10;
const SPUN_UP = 0x20;
const WRITE_PROTECTED = 0x40;
const MOTOR_ON = 0x80;

const BYTE_NS = 32_000;
const STEP_NS = [6_000_000, 12_000_000, 2_000_000, 3_000_000] as const;
const SETTLE_NS = 15_000_000;
const REVOLUTION_NS = 200_000_000;
const SPIN_UP_REVOLUTIONS = 6;
const SEARCH_REVOLUTIONS = 5;
const MOTOR_OFF_REVOLUTIONS = 10;
const MOST_STEPS = 255;

const FLAG_NO_SPIN_UP = 0x08;
const FLAG_VERIFY = 0x04;
const FLAG_SETTLE = 0x04;
const FLAG_MULTIPLE = 0x10;
const FLAG_UPDATE = 0x10;

const PHASES = ['idle', 'begin', 'step', 'verify', 'find', 'read', 'write', 'fail', 'end'] as const;
type Phase = (typeof PHASES)[number];

export class Wd1772 implements BusTarget, Device {
  readonly id: string;
  readonly span = 4;
  readonly access: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 1 }, byteOrder: 'little' };
  readonly intrq: Wire;
  readonly drq: Wire;
  /** The selected drive; the board's latch. */
  drive: ShugartDrive | undefined;
  side: 0 | 1 = 0;
  /** DDEN: true for double density. */
  doubleDensity = true;

  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #task: Task;
  readonly #motorTask: Task;
  #phase: Phase = 'idle';
  #command = 0;
  #track = 0;
  #sector = 1;
  #data = 0;
  #status = 0;
  #typeOne = true;
  #interrupt = false;
  #inward = true;
  #steps = 0;
  #buffer: Uint8Array = new Uint8Array(0);
  #at = 0;
  #found: SectorId | undefined;
  #onIndex = false;

  constructor(chip: ChipContext) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#scheduler = chip.scheduler;
    this.intrq = new Wire(`${chip.id}.intrq`);
    this.drq = new Wire(`${chip.id}.drq`);
    this.#task = chip.scheduler.task(`${chip.id}.command`, () => this.#due());
    this.#motorTask = chip.scheduler.task(`${chip.id}.motor`, () => (this.#status &= ~MOTOR_ON));
  }

  reset(_kind: ResetKind): void {
    this.#task.cancel();
    this.#motorTask.cancel();
    this.#phase = 'idle';
    this.#command = 0x03; // the reset pin loads and does a Restore; the drive is found at rest
    this.#track = 0;
    this.#sector = 1;
    this.#data = 0;
    this.#status = 0;
    this.#typeOne = true;
    this.#interrupt = this.#onIndex = false;
    this.#inward = true;
    this.#steps = this.#at = 0;
    this.#buffer = new Uint8Array(0);
    this.#found = undefined;
  }

  settle(): void {
    this.intrq.set(this.#interrupt);
    this.drq.set(!this.#typeOne && (this.#status & DRQ) !== 0);
  }

  read(offset: number, _width: Width): number {
    if (offset === 0) this.#setInterrupt(false);
    if (offset === 3) this.#clearRequest();
    return this.peek(offset);
  }

  peek(offset: number): number {
    switch (offset) {
      case 0:
        return this.#statusNow;
      case 1:
        return this.#track;
      case 2:
        return this.#sector;
      default:
        return this.#data;
    }
  }

  get #statusNow(): number {
    if (!this.#typeOne) return this.#status;
    const { drive } = this;
    return (
      this.#status |
      (drive?.index ? INDEX : 0) |
      (drive?.track0 ? TRACK_0 : 0) |
      (drive?.writeProtected ? WRITE_PROTECTED : 0)
    );
  }

  write(offset: number, _width: Width, value: number): void {
    switch (offset) {
      case 0:
        this.#start(value);
        return;
      case 1:
        this.#track = value;
        return;
      case 2:
        this.#sector = value;
        return;
      default:
        this.#data = value;
        this.#clearRequest();
    }
  }

  #start(command: number): void {
    this.#setInterrupt(false);
    if (command >>> 4 === 0xd) {
      this.#forceInterrupt(command);
      return;
    }
    if (this.#status & BUSY) {
      this.#log.guest('command %x while busy with %x', command, this.#command);
      return;
    }
    this.#command = command;
    this.#typeOne = command < 0x80;
    if (!this.doubleDensity) this.#log.unimp('single density');
    const spun = (this.#status & MOTOR_ON) !== 0;
    this.#status = BUSY | MOTOR_ON | (this.#typeOne && spun ? SPUN_UP : 0);
    this.#motorTask.cancel();
    this.#clearRequest();
    this.#enter('begin', spun || command & FLAG_NO_SPIN_UP ? BYTE_NS : SPIN_UP_REVOLUTIONS * REVOLUTION_NS);
  }

  #forceInterrupt(command: number): void {
    const busy = (this.#status & BUSY) !== 0;
    this.#task.cancel();
    this.#clearRequest();
    this.#phase = 'idle';
    this.#status &= ~BUSY;
    // When nothing was being done, the status becomes that of a type I command.
    if (!busy) {
      this.#typeOne = true;
      this.#status &= MOTOR_ON | SPUN_UP;
    }
    if (command & 0x08) this.#setInterrupt(true);
    this.#onIndex = (command & 0x04) !== 0 && this.drive?.ready === true;
    if (this.#onIndex) this.#task.schedule(this.drive!.ticksTo(0));
    this.#stopMotorLater();
  }

  #enter(phase: Phase, ns: number): void {
    this.#phase = phase;
    this.#task.schedule(this.#scheduler.ns(ns));
  }

  #due(): void {
    if (this.#onIndex) {
      this.#setInterrupt(true);
      if (this.drive?.ready) this.#task.schedule(this.drive.ticksTo(0));
      return;
    }
    switch (this.#phase) {
      case 'begin':
        if (this.#typeOne) {
          this.#status |= SPUN_UP;
          this.#beginStepping();
        } else {
          this.#enterTransfer();
        }
        return;
      case 'step':
        this.#step();
        return;
      case 'verify':
        this.#verify();
        return;
      case 'find':
        this.#beginData();
        return;
      case 'read':
        this.#readByte();
        return;
      case 'write':
        this.#writeByte();
        return;
      case 'fail':
        this.#finish(NOT_FOUND);
        return;
      default:
        this.#finish(0);
    }
  }

  // Type I: Restore, Seek, Step, Step-in, Step-out

  #beginStepping(): void {
    switch (this.#command >>> 4) {
      case 0x0:
        this.#inward = false;
        this.#steps = MOST_STEPS;
        this.#track = 0xff;
        this.#data = 0;
        break;
      case 0x1:
        this.#inward = this.#data > this.#track;
        this.#steps = Math.abs(this.#data - this.#track);
        break;
      default:
        if (this.#command & 0x40) this.#inward = (this.#command & 0x20) === 0;
        this.#steps = 1;
    }
    this.#step();
  }

  #step(): void {
    const kind = this.#command >>> 4;
    const atZero = this.drive?.track0 === true;
    if (this.#steps === 0 || (kind === 0 && atZero)) {
      if (kind === 0) this.#track = 0;
      if (kind === 0 && !atZero) this.#finish(NOT_FOUND);
      else if (this.#command & FLAG_VERIFY) this.#enter('verify', SETTLE_NS);
      else this.#finish(0);
      return;
    }
    this.#steps--;
    if (kind === 1 || (kind >= 2 && this.#command & FLAG_UPDATE))
      this.#track = (this.#track + (this.#inward ? 1 : -1)) & 0xff;
    this.drive?.step(this.#inward);
    this.#enter('step', STEP_NS[this.#command & 3]!);
  }

  #verify(): void {
    if (this.#idsHere().some((id) => id.cylinder === this.#track)) this.#finish(0);
    else this.#enter('fail', SEARCH_REVOLUTIONS * REVOLUTION_NS);
  }

  // Types II and III

  #enterTransfer(): void {
    const writes = (this.#command & 0xe0) === 0xa0 || this.#command >>> 4 === 0xf;
    if (writes && this.drive?.writeProtected) {
      this.#finish(WRITE_PROTECTED);
      return;
    }
    this.#find(this.#command & FLAG_SETTLE ? SETTLE_NS : 0);
  }

  /** Sectors of the track under the head; none if the disk does not turn or has another density. */
  #idsHere(): readonly SectorId[] {
    const { drive } = this;
    if (drive?.ready !== true || !this.doubleDensity || drive.medium!.geometry.bitRate !== 250_000) return [];
    return drive.medium!.track(drive.cylinder, this.side);
  }

  /** Waits until what the command needs is under the head. */
  #find(delayNs: number): void {
    const ids = this.#idsHere();
    const { drive } = this;
    const wholeTrack = this.#command >>> 4 >= 0xe;
    let index = -1;
    if (this.#command >>> 4 === 0xc && drive !== undefined && ids.length > 0) {
      const part = drive.angle + this.#scheduler.ns(delayNs) / drive.ticks(1);
      index = Math.floor(part * ids.length + 1) % ids.length;
    } else if (!wholeTrack) {
      index = ids.findIndex((id) => id.cylinder === this.#track && id.sector === this.#sector);
    }
    if (drive?.ready !== true || (!wholeTrack && index < 0)) {
      this.#enter('fail', delayNs + SEARCH_REVOLUTIONS * REVOLUTION_NS);
      return;
    }
    this.#found = ids[index];
    this.#phase = 'find';
    const angle = wholeTrack ? 0 : (index + 0.1) / ids.length;
    const delay = this.#scheduler.ns(delayNs);
    const until = drive.ticksTo(angle);
    this.#task.schedule(until < delay ? until + drive.ticks(1) : until);
  }

  #beginData(): void {
    const found = this.#found;
    const medium = this.drive?.medium;
    if (medium === undefined) {
      this.#finish(NOT_FOUND);
      return;
    }
    this.#at = 0;
    try {
      switch (this.#command & 0xf0) {
        case 0x80:
        case 0x90:
          this.#buffer = medium.read(found!);
          break;
        case 0xc0:
          this.#buffer = idBytes(found!);
          this.#sector = found!.cylinder;
          break;
        case 0xe0:
          this.#buffer = trackBytes(this.#idsHere(), (id) => medium.read(id));
          break;
        case 0xf0:
          this.#buffer = new Uint8Array(TRACK_BYTES_DD);
          break;
        default:
          this.#buffer = new Uint8Array(medium.geometry.sectorBytes);
      }
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      this.#finish(CRC_ERROR);
      return;
    }
    if ((this.#command & 0xe0) === 0xa0 || this.#command >>> 4 === 0xf) {
      // The first byte is asked for well before it is needed; if it has not come by then nothing is written.
      this.#request();
      this.#enter('write', 12 * BYTE_NS);
    } else {
      this.#enter('read', BYTE_NS);
    }
  }

  #readByte(): void {
    if (this.#at === this.#buffer.length) {
      this.#endSector();
      return;
    }
    if (this.#status & DRQ) this.#status |= LOST_DATA;
    this.#data = this.#buffer[this.#at++]!;
    this.#request();
    this.#enter('read', BYTE_NS);
  }

  #writeByte(): void {
    if (this.#status & DRQ) {
      this.#status |= LOST_DATA;
      if (this.#at === 0) {
        this.#clearRequest();
        this.#finish(0);
        return;
      }
      this.#data = 0;
    }
    this.#buffer[this.#at++] = this.#data;
    if (this.#at < this.#buffer.length) {
      this.#request();
      this.#enter('write', BYTE_NS);
      return;
    }
    this.#clearRequest();
    if (!this.#store()) {
      this.#finish(CRC_ERROR);
      return;
    }
    this.#endSector();
  }

  /** Puts what was written onto the medium; false when the host cannot. */
  #store(): boolean {
    const medium = this.drive?.medium;
    if (medium === undefined) return true;
    try {
      if (this.#command >>> 4 !== 0xf) {
        medium.write(this.#found!, this.#buffer);
        return true;
      }
      const here = this.#idsHere();
      for (const { id, data } of formattedSectors(this.#buffer)) {
        const same = here.find(
          (one) => one.sector === id.sector && one.size === id.size && one.cylinder === id.cylinder,
        );
        if (same !== undefined) medium.write(same, data);
        else this.#log.unimp('formatting another layout: sector %d of %d bytes', id.sector, 128 << id.size);
      }
      return true;
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      return false;
    }
  }

  #endSector(): void {
    if (this.#command < 0xc0 && this.#command & FLAG_MULTIPLE) {
      this.#sector = (this.#sector + 1) & 0xff;
      this.#find(0);
    } else {
      this.#finish(0);
    }
  }

  #finish(flags: number): void {
    this.#phase = 'idle';
    this.#status = (this.#status & ~BUSY) | flags;
    this.#setInterrupt(true);
    this.#stopMotorLater();
  }

  #stopMotorLater(): void {
    this.#motorTask.schedule(this.#scheduler.ns(MOTOR_OFF_REVOLUTIONS * REVOLUTION_NS));
  }

  #request(): void {
    this.#status |= DRQ;
    this.drq.set(true);
  }

  #clearRequest(): void {
    if (!this.#typeOne) this.#status &= ~DRQ;
    this.drq.set(false);
  }

  #setInterrupt(level: boolean): void {
    this.#interrupt = level;
    this.intrq.set(level);
  }

  save(): PlainFields {
    const found = this.#found;
    return {
      phase: this.#phase,
      command: this.#command,
      track: this.#track,
      sector: this.#sector,
      data: this.#data,
      status: this.#status,
      typeOne: this.#typeOne,
      interrupt: this.#interrupt,
      inward: this.#inward,
      steps: this.#steps,
      buffer: this.#buffer.slice(),
      at: this.#at,
      found: found === undefined ? null : { ...found },
      onIndex: this.#onIndex,
      side: this.side,
      doubleDensity: this.doubleDensity,
      task: this.#task.remaining,
      motor: this.#motorTask.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#phase = saved.oneOf('phase', PHASES);
    this.#command = saved.u8('command');
    this.#track = saved.u8('track');
    this.#sector = saved.u8('sector');
    this.#data = saved.u8('data');
    this.#status = saved.u8('status');
    this.#typeOne = saved.bool('typeOne');
    this.#interrupt = saved.bool('interrupt');
    this.#inward = saved.bool('inward');
    this.#steps = saved.u8('steps');
    this.#buffer = saved.bytes('buffer', undefined, TRACK_BYTES_DD + 1024);
    this.#at = saved.int('at', 0, this.#buffer.length);
    this.#onIndex = saved.bool('onIndex');
    this.side = saved.int('side', 0, 1) as 0 | 1;
    this.doubleDensity = saved.bool('doubleDensity');
    this.#found = undefined;
    if (state['found'] !== null) {
      const id = saved.nested('found');
      const one = {
        cylinder: id.u8('cylinder'),
        head: id.u8('head'),
        sector: id.u8('sector'),
        size: id.int('size', 0, 3),
      };
      this.#found = this.drive?.medium
        ?.track(one.cylinder, one.head)
        .find((candidate) => candidate.sector === one.sector);
    }
    if (this.#found === undefined && (this.#phase === 'find' || this.#phase === 'write')) this.#phase = 'fail';
    this.#task.restore(saved.int('task', -1, Number.MAX_SAFE_INTEGER));
    this.#motorTask.restore(saved.int('motor', -1, Number.MAX_SAFE_INTEGER));
  }
}
