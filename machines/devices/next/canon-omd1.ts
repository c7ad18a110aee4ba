// SPDX-License-Identifier: MIT
//
// Canon OMD-1, NeXT's magneto-optical drive: one side of a 256 MB disk, 3000 revolutions a minute, a spiral of 16 sectors
// a turn.
//
// Sockets: the formatter calls it and is told of its signals and of every sector that passes under the head. Medium: an
// image of the 1024-byte sectors from track 4096 on, up to 15723 tracks; it may end earlier.
//
//     commands  0ttt seek  1000 recalibrate  2000 drive status  2200 track  2800 extended status  2a00 hardware status
//               3f00 version  41-4500 head: read, verify, write, erase, RF  5000 reset attention  51hj jump j tracks and
//               select head h  5200 stop  5300 start  5400 lock  5500 unlock  5600 eject  5900 spiral  5a00 no spiral
//               8000 self-diagnostic  a00t high four bits of the next seeks
//     drive status  4000 empty  2000 write protected  0200 stopped  0020 command refused  0010 no such track
//                   0008 was reset
//
// Documents: none public; [Previous] mo.c.
// Not modelled: 3000 general configuration and bxxx send data, which are refused; what goes wrong inside: extended and
// hardware status are 0; the control tracks before 4096, which have addresses and no data; that a sector must be erased
// before it is written: an erased one holds ones. Stopping, ejecting and changing heads take 40 µs; jumps 1.6 ms,
// seeks 5 ms and 13 µs a track, starting 1.6 s.
import type { ChipContext } from '../../backplane/board.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import { type BlockDevice, MediumError } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { encodeSector, ENCODED_BYTES, SECTOR_BYTES } from './reed-solomon.ts';

const FIRST_TRACK = 4096;
const TRACKS = 15_723;
const LAST_TRACK = FIRST_TRACK + TRACKS - 1;
const SECTORS = 16;
export const OPTICAL_DISK_BYTES = TRACKS * SECTORS * SECTOR_BYTES;

const SECTOR_NS = 1_250_000;
const COMMAND_NS = 40_000;
const JUMP_NS = 1_600_000;
const SEEK_NS = 5_000_000;
const SEEK_TRACK_NS = 13_000;
const START_NS = 1_600_000_000;

const SEEK = 0x0000;
const RECALIBRATE = 0x1000;
const DRIVE_STATUS = 0x2000;
const TRACK_ADDRESS = 0x2200;
const EXTENDED_STATUS = 0x2800;
const HARDWARE_STATUS = 0x2a00;
const VERSION = 0x3f00;
const SELECT_HEAD = 0x4100; // to 0x4500
const RESET_ATTENTION = 0x5000;
const JUMP = 0x5100;
const STOP_MOTOR = 0x5200;
const START_MOTOR = 0x5300;
const LOCK = 0x5400;
const UNLOCK = 0x5500;
const EJECT = 0x5600;
const SPIRAL_ON = 0x5900;
const SPIRAL_OFF = 0x5a00;
const SELF_DIAGNOSTIC = 0x8000;
const HIGH_ORDER_SEEK = 0xa000;

const STATUS_RESET = 0x0008;
const STATUS_SEEK = 0x0010;
const STATUS_COMMAND = 0x0020;
const STATUS_STOPPED = 0x0200;
const STATUS_PROTECTED = 0x2000;
const STATUS_EMPTY = 0x4000;

const VERSION_WORD = 0x0880;

/** In the order of the commands that select them. */
const HEADS = ['none', 'read', 'verify', 'write', 'erase', 'rf'] as const;
export type OpticalHead = (typeof HEADS)[number];

export class CanonOmd1 implements Device {
  readonly id: string;
  /** `complete` or `attention` may have changed. */
  onSignals: () => void = () => {};
  /** The address of a sector was read; its data follows. */
  onSector: (track: number, sector: number) => void = () => {};
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #commandTask: Task;
  readonly #sectorTask: Task;
  /** What was put in, and whether it still is. */
  readonly #inserted: BlockDevice | undefined;
  #loaded: boolean;
  #locked = false;
  #spinning = false;
  #spiraling = false;
  #seeking = false;
  #head: OpticalHead = 'none';
  #track = 0;
  #sector = 0;
  /** For the next seeks. */
  #highTrack = 0;
  #complete = true;
  #attention = false;
  /** The command that is being executed ends with attention. */
  #failing = false;
  #driveStatus = 0;
  #answer = 0;

  constructor(chip: ChipContext, medium: BlockDevice | undefined) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#scheduler = chip.scheduler;
    this.#inserted = medium;
    this.#loaded = medium !== undefined;
    this.#commandTask = chip.scheduler.task(`${chip.id}.command`, () => this.#done());
    this.#sectorTask = chip.scheduler.task(`${chip.id}.sector`, () => this.#nextSector());
  }

  /** It takes commands. */
  get complete(): boolean {
    return this.#complete;
  }

  get attention(): boolean {
    return this.#attention;
  }

  get head(): OpticalHead {
    return this.#head;
  }

  /** What the last command that asks for something was answered. */
  get status(): number {
    return this.#answer;
  }

  get medium(): BlockDevice | undefined {
    return this.#loaded ? this.#inserted : undefined;
  }

  // ---- commands ---------------------------------------------------------------------------------------------------

  command(word: number): void {
    if (!this.#complete) this.#log.guest('command %x while another is executed', word);
    this.#complete = false;
    this.#seeking = false;
    this.#failing = false;
    this.#commandTask.schedule(this.#scheduler.ns(this.#execute(word)));
    this.onSignals();
  }

  /** How long it takes. */
  #execute(word: number): number {
    switch (word) {
      case DRIVE_STATUS:
        if (!this.#loaded) this.#driveStatus |= STATUS_EMPTY;
        if (!this.#spinning) this.#driveStatus |= STATUS_STOPPED;
        return this.#reply(this.#driveStatus);
      case TRACK_ADDRESS:
        return this.#reply(this.#track);
      case EXTENDED_STATUS:
      case HARDWARE_STATUS:
        return this.#reply(0);
      case VERSION:
        return this.#reply(VERSION_WORD);
      case RESET_ATTENTION:
        this.#driveStatus = 0;
        this.#attention = false;
        return COMMAND_NS;
      case SELF_DIAGNOSTIC:
        return COMMAND_NS;
      default:
    }
    const onDisk = this.#diskCommand(word);
    if (onDisk === undefined) {
      this.#log.unimp('command %x', word);
      return this.#fail(STATUS_COMMAND);
    }
    return this.#loaded ? onDisk() : this.#fail(STATUS_EMPTY);
  }

  /** What a command that needs a disk does. */
  #diskCommand(word: number): (() => number) | undefined {
    if ((word & 0xf000) === SEEK) return () => this.#seek(this.#highTrack | (word & 0x0fff));
    if ((word & 0xfff0) === HIGH_ORDER_SEEK) return () => this.#highOrderSeek(word & 0x0f);
    if ((word & 0xff00) === JUMP) return () => this.#jump(word);
    switch (word) {
      case RECALIBRATE:
        return () => this.#recalibrate();
      case STOP_MOTOR:
        return () => this.#stop();
      case START_MOTOR:
        return () => this.#start();
      case LOCK:
      case UNLOCK:
        return () => {
          this.#locked = word === LOCK;
          return COMMAND_NS;
        };
      case EJECT:
        return () => this.#eject();
      case SPIRAL_ON:
        return () => this.#spiralOn();
      case SPIRAL_OFF:
        return () => {
          this.#spiralOff();
          return COMMAND_NS;
        };
      default:
    }
    const head = HEADS[((word - SELECT_HEAD) >> 8) + 1];
    if ((word & 0xff) !== 0 || word < SELECT_HEAD || head === undefined) return undefined;
    return () => this.#select(head, COMMAND_NS);
  }

  #reply(word: number): number {
    this.#answer = word;
    return COMMAND_NS;
  }

  #fail(status: number): number {
    this.#driveStatus |= status;
    this.#failing = true;
    return COMMAND_NS;
  }

  #seek(track: number): number {
    if (track > LAST_TRACK) return this.#fail(STATUS_SEEK);
    const distance = Math.abs(track - this.#track);
    this.#track = track;
    this.#seeking = true;
    return SEEK_NS + distance * SEEK_TRACK_NS;
  }

  #highOrderSeek(high: number): number {
    if (high > LAST_TRACK >> 12) return this.#fail(STATUS_SEEK);
    this.#highTrack = high << 12;
    return COMMAND_NS;
  }

  #jump(word: number): number {
    const tracks = ((word & 0x0f) ^ 0x08) - 0x08;
    this.#track = Math.max(0, Math.min(LAST_TRACK, this.#track + tracks));
    this.#sector = 0;
    this.#seeking = true;
    return this.#select(HEADS[(word >> 4) & 0x07] ?? 'none', JUMP_NS);
  }

  #select(head: OpticalHead, takes: number): number {
    this.#head = head;
    if ((head !== 'write' && head !== 'erase') || this.medium?.readonly !== true) return takes;
    this.#head = 'none';
    return this.#fail(STATUS_PROTECTED);
  }

  #recalibrate(): number {
    this.#spiralOff();
    const distance = this.#track;
    this.#track = this.#sector = 0;
    return SEEK_NS + distance * SEEK_TRACK_NS;
  }

  #start(): number {
    const takes = this.#spinning ? COMMAND_NS : START_NS;
    this.#spinning = true;
    this.#driveStatus &= ~STATUS_STOPPED;
    return takes;
  }

  #stop(): number {
    this.#spinning = false;
    this.#spiralOff();
    return COMMAND_NS;
  }

  #eject(): number {
    if (this.#locked) return this.#fail(STATUS_COMMAND);
    this.#stop();
    this.#flush();
    this.#loaded = false;
    return COMMAND_NS;
  }

  #spiralOn(): number {
    if (!this.#spinning) return this.#fail(STATUS_STOPPED);
    if (!this.#spiraling) this.#sectorTask.schedule(this.#scheduler.ns(SECTOR_NS));
    this.#spiraling = true;
    return COMMAND_NS;
  }

  #spiralOff(): void {
    this.#spiraling = false;
    this.#sectorTask.cancel();
  }

  #done(): void {
    this.#complete = true;
    this.#seeking = false;
    if (this.#failing) this.#attention = true;
    this.onSignals();
  }

  // ---- disk -------------------------------------------------------------------------------------------------------

  #nextSector(): void {
    this.#sectorTask.schedule(this.#scheduler.ns(SECTOR_NS));
    if (this.#seeking) return;
    this.onSector(this.#track, this.#sector);
    if (this.#sector < SECTORS - 1) this.#sector++;
    else if (this.#track < LAST_TRACK) {
      this.#track++;
      this.#sector = 0;
    } else this.#spiralOff();
  }

  /** The 1296 bytes of the sector whose address was read last; false where there is none to be read. */
  readSector(into: Uint8Array): boolean {
    return this.#access((medium, block) => {
      medium.read(block, into.subarray(0, SECTOR_BYTES));
      encodeSector(into);
    });
  }

  writeSector(from: Uint8Array): boolean {
    if (this.medium?.readonly !== false) return false;
    const rows = new Uint8Array(SECTOR_BYTES);
    // Rows of 32 bytes have four check bytes each.
    const row = (n: number): Uint8Array => from.subarray(n * 36, n * 36 + 32);
    for (let n = 0; n < 32; n++) rows.set(row(n), n * 32);
    return this.#access((medium, block) => medium.write(block, rows));
  }

  eraseSector(): boolean {
    return this.writeSector(new Uint8Array(ENCODED_BYTES).fill(0xff));
  }

  #access(transfer: (medium: BlockDevice, block: number) => void): boolean {
    const { medium } = this;
    const sector = (this.#track - FIRST_TRACK) * SECTORS + this.#sector;
    if (medium === undefined || sector < 0) return false;
    const blocks = SECTOR_BYTES / medium.blockBytes;
    if ((sector + 1) * blocks > medium.blockCount) return false;
    try {
      transfer(medium, sector * blocks);
      return true;
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      return false;
    }
  }

  #flush(): void {
    try {
      this.medium?.flush();
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
    }
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  /** The reset line from the formatter: a disk that is in turns. */
  resetW(): void {
    this.reset('warm');
    this.onSignals();
  }

  reset(_kind: ResetKind): void {
    this.#commandTask.cancel();
    this.#spiralOff();
    this.#spinning = this.#loaded;
    this.#head = 'none';
    this.#track = this.#sector = this.#highTrack = this.#answer = 0;
    this.#locked = this.#seeking = this.#failing = this.#attention = false;
    this.#complete = true;
    this.#driveStatus = STATUS_RESET | (this.#loaded ? 0 : STATUS_EMPTY);
  }

  settle(): void {
    this.onSignals();
  }

  save(): PlainFields {
    return {
      loaded: this.#loaded,
      locked: this.#locked,
      spinning: this.#spinning,
      spiraling: this.#spiraling,
      seeking: this.#seeking,
      head: this.#head,
      track: this.#track,
      sector: this.#sector,
      highTrack: this.#highTrack,
      complete: this.#complete,
      attention: this.#attention,
      failing: this.#failing,
      driveStatus: this.#driveStatus,
      answer: this.#answer,
      commandIn: this.#commandTask.remaining,
      sectorIn: this.#sectorTask.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#loaded = saved.bool('loaded') && this.#inserted !== undefined;
    this.#locked = saved.bool('locked');
    this.#spinning = saved.bool('spinning');
    this.#spiraling = saved.bool('spiraling');
    this.#seeking = saved.bool('seeking');
    this.#head = saved.oneOf('head', HEADS);
    this.#track = saved.int('track', 0, LAST_TRACK);
    this.#sector = saved.int('sector', 0, SECTORS - 1);
    this.#highTrack = saved.int('highTrack', 0, 0x4000);
    this.#complete = saved.bool('complete');
    this.#attention = saved.bool('attention');
    this.#failing = saved.bool('failing');
    this.#driveStatus = saved.int('driveStatus', 0, 0xffff);
    this.#answer = saved.int('answer', 0, 0xffff);
    this.#commandTask.restore(saved.int('commandIn', -1, Number.MAX_SAFE_INTEGER));
    this.#sectorTask.restore(saved.int('sectorIn', -1, Number.MAX_SAFE_INTEGER));
  }
}
