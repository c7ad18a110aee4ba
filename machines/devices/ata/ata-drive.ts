// SPDX-License-Identifier: MIT
//
// What ATA disks and ATAPI drives have in common: the register file, reset and diagnostics, interrupts, and moving one
// block of data by PIO or DMA. Subclasses execute commands.
import type { ChipContext } from '../../backplane/board.ts';
import { type PlainFields, type ResetKind, SavedFields, SnapshotError } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import {
  type AtaCable,
  type AtaTarget,
  CONTROL_HOB,
  CONTROL_SRST,
  ERROR_ABRT,
  REG,
  STATUS_BSY,
  STATUS_DRDY,
  STATUS_DRQ,
  STATUS_DSC,
  STATUS_ERR,
} from './ata.ts';

/** Largest piece of a transfer: 128 sectors, or the largest PACKET byte count. */
export const BUFFER_BYTES = 0x1_0000;

/** From reset to ready. Real drives take this to seconds; no software depends on waiting longer. */
const RESET_NS = 1_000_000;
/** BSY after SRST is negated, and before a diagnostic's result. */
const DIAGNOSTIC_NS = 1_000_000;
/** Error register after a reset or diagnostic: no error. */
const DIAGNOSTIC_PASSED = 0x01;

/** Nanoseconds a byte, by the mode SET FEATURES 03 selected: PIO 0-4, multiword DMA 0-2, Ultra DMA 0-6. */
const PIO_NS = [300, 192, 120, 90, 60];
const MULTIWORD_NS = [240, 75, 60];
const ULTRA_NS = [60, 40, 30, 22, 15, 10, 8];

const COMMAND_DEVICE_RESET = 0x08;
const COMMAND_DIAGNOSTIC = 0x90;

/** What the drive is doing, between register accesses. */
const ACTIVITIES = ['idle', 'reset', 'srst', 'busy', 'pioIn', 'pioOut', 'dmaIn', 'dmaOut'] as const;
type Activity = (typeof ACTIVITIES)[number];

export interface AtaDriveText {
  /** At most 40 characters. */
  readonly model?: string;
  /** At most 20 characters. */
  readonly serial?: string;
  /** At most 8 characters. */
  readonly firmware?: string;
}

export abstract class AtaDrive implements AtaTarget {
  readonly id: string;
  abstract readonly showsRegistersForAbsent: boolean;
  protected readonly log: DeviceLog;
  protected readonly buffer = new Uint8Array(BUFFER_BYTES);
  protected cable: AtaCable | undefined;
  protected unit: 0 | 1 = 0;
  protected error = 0;
  /** The registers as last written, by number, and what each held before that (for 48-bit addresses). */
  protected readonly current = new Uint8Array(8);
  protected readonly previous = new Uint8Array(8);
  protected pioMode = 0;
  protected dmaMode: { readonly kind: 'none' | 'multiword' | 'ultra'; readonly mode: number } = {
    kind: 'none',
    mode: 0,
  };
  readonly #scheduler: Scheduler;
  readonly #work: Task;
  #status = 0;
  #control = 0;
  #intrq = false;
  #activity: Activity = 'idle';
  #position = 0;
  #end = 0;

  constructor(chip: ChipContext) {
    this.id = chip.id;
    this.log = chip.log;
    this.#scheduler = chip.scheduler;
    this.#work = chip.scheduler.task(`${chip.id}.work`, () => this.#due());
  }

  plug(cable: AtaCable, unit: 0 | 1): void {
    this.cable = cable;
    this.unit = unit;
  }

  get status(): number {
    return this.#status;
  }

  get intrq(): boolean {
    return this.#intrq;
  }

  readRegister(register: number): number {
    const status = this.#status;
    if (register === REG.status) {
      this.#setIntrq(false);
      return status;
    }
    // [ATA-6 §7] While BSY is set every register reads as status.
    if ((status & STATUS_BSY) !== 0) return status;
    if (register === REG.error) return this.error;
    if (register === REG.device) return this.current[REG.device]! | 0xa0;
    return ((this.#control & CONTROL_HOB) !== 0 ? this.previous : this.current)[register]!;
  }

  writeRegister(register: number, value: number, selected: boolean): void {
    this.#control &= ~CONTROL_HOB;
    const engaged = (this.#status & (STATUS_BSY | STATUS_DRQ)) !== 0;
    if (register === REG.command && selected) {
      if (!engaged || (value === COMMAND_DEVICE_RESET && this.hasDeviceReset)) this.#command(value);
      else this.log.guest('command %x while the last one is not finished', value);
      return;
    }
    if (engaged) {
      if (selected && register !== REG.device) this.log.guest('register %d written during a command', register);
      return;
    }
    this.previous[register] = this.current[register]!;
    this.current[register] = value;
  }

  writeControl(value: number): void {
    const was = this.#control;
    this.#control = value;
    if ((value & CONTROL_SRST) !== 0 && (was & CONTROL_SRST) === 0) {
      this.#setIntrq(false);
      this.#work.cancel();
      this.#activity = 'srst';
      this.#status = STATUS_BSY;
    } else if ((value & CONTROL_SRST) === 0 && this.#activity === 'srst') {
      this.softReset();
      this.#reset(DIAGNOSTIC_NS);
    }
  }

  readData(): number {
    if (this.#activity !== 'pioIn') {
      this.log.guest('data register read with DRQ clear');
      return 0;
    }
    const value = this.buffer[this.#position]! | (this.buffer[this.#position + 1]! << 8);
    this.#moved(2);
    return value;
  }

  writeData(value: number): void {
    if (this.#activity !== 'pioOut') {
      this.log.guest('data register written with DRQ clear');
      return;
    }
    this.buffer[this.#position] = value & 0xff;
    this.buffer[this.#position + 1] = (value >>> 8) & 0xff;
    this.#moved(2);
  }

  dmaIn(into: Uint8Array): number {
    if (this.#activity !== 'dmaIn') return 0;
    const bytes = Math.min(into.length, this.#end - this.#position);
    into.set(this.buffer.subarray(this.#position, this.#position + bytes));
    this.#moved(bytes);
    return bytes;
  }

  dmaOut(from: Uint8Array): number {
    if (this.#activity !== 'dmaOut') return 0;
    const bytes = Math.min(from.length, this.#end - this.#position);
    this.buffer.set(from.subarray(0, bytes), this.#position);
    this.#moved(bytes);
    return bytes;
  }

  reset(kind: ResetKind): void {
    this.#control = 0;
    this.#intrq = false;
    this.#work.cancel();
    this.pioMode = 0;
    this.dmaMode = { kind: 'none', mode: 0 };
    this.hardReset(kind);
    this.current.fill(0);
    this.previous.fill(0);
    this.error = 0;
    this.#position = this.#end = 0;
    if (kind === 'snapshot') {
      this.#activity = 'idle';
      this.#status = 0;
    } else {
      this.#reset(RESET_NS);
    }
  }

  settle(): void {
    this.cable?.intrq();
  }

  save(): PlainFields {
    return {
      error: this.error,
      current: this.current.slice(),
      previous: this.previous.slice(),
      pioMode: this.pioMode,
      dmaKind: this.dmaMode.kind,
      dmaMode: this.dmaMode.mode,
      status: this.#status,
      control: this.#control,
      intrq: this.#intrq,
      activity: this.#activity,
      position: this.#position,
      data: this.buffer.slice(0, this.#end),
      due: this.#work.remaining,
    };
  }

  restore(state: PlainFields): void {
    const fields = new SavedFields(this.id, state);
    this.error = fields.u8('error');
    this.current.set(fields.bytes('current', 8));
    this.previous.set(fields.bytes('previous', 8));
    this.pioMode = fields.int('pioMode', 0, PIO_NS.length - 1);
    const kind = fields.string('dmaKind');
    if (kind !== 'none' && kind !== 'multiword' && kind !== 'ultra') throw new SnapshotError(`${this.id}: dmaKind`);
    this.dmaMode = { kind, mode: fields.int('dmaMode', 0, (kind === 'ultra' ? ULTRA_NS : MULTIWORD_NS).length - 1) };
    this.#status = fields.u8('status');
    this.#control = fields.u8('control');
    this.#intrq = fields.bool('intrq');
    const activity = ACTIVITIES.find((known) => known === fields.string('activity'));
    if (activity === undefined) throw new SnapshotError(`${this.id}: unknown activity`);
    const data = fields.bytes('data', undefined, BUFFER_BYTES);
    this.#position = fields.int('position', 0, data.length);
    const moving = activity === 'pioIn' || activity === 'pioOut' || activity === 'dmaIn' || activity === 'dmaOut';
    if (moving && this.#position === data.length) throw new SnapshotError(`${this.id}: a transfer of nothing`);
    if (activity.startsWith('pio') && ((data.length | this.#position) & 1) !== 0) {
      throw new SnapshotError(`${this.id}: an odd PIO transfer`);
    }
    this.#activity = activity;
    this.#end = data.length;
    this.buffer.set(data);
    this.#work.restore(fields.int('due', -1, Number.MAX_SAFE_INTEGER));
  }

  /** Is DEVICE RESET implemented, which a drive obeys even while busy? */
  protected abstract readonly hasDeviceReset: boolean;
  /** The registers' content after a reset or diagnostic, by which a host knows what kind of drive this is. */
  protected abstract signature(): { readonly lbaMid: number; readonly lbaHigh: number; readonly status: number };
  /** Power-on, or the RESET- line. */
  protected abstract hardReset(kind: ResetKind): void;
  /** SRST, or DEVICE RESET: whatever was going on is over. */
  protected abstract softReset(): void;
  /** Begins a command other than the ones handled here; `busy` or another outcome must follow. */
  protected abstract execute(command: number): void;
  /** The time given to {@link busy} has passed. */
  protected abstract proceed(): void;
  /** The host has moved the whole of the last offer. */
  protected abstract transferred(): void;

  /** BSY for `ns` nanoseconds, then {@link proceed}. */
  protected busy(ns: number): void {
    this.#activity = 'busy';
    this.#status = STATUS_BSY;
    this.#work.schedule(Math.max(1, this.#scheduler.ns(ns)));
  }

  /** DRQ: the host is to move `bytes` bytes of {@link buffer}, an even number for PIO. */
  protected offer(how: 'pioIn' | 'pioOut' | 'dmaIn' | 'dmaOut', bytes: number, interrupt: boolean): void {
    this.#activity = how;
    this.#position = 0;
    this.#end = bytes;
    this.#status = STATUS_DRDY | STATUS_DSC | STATUS_DRQ;
    if (interrupt) this.#setIntrq(true);
    if (how === 'dmaIn' || how === 'dmaOut') this.cable?.dmarq();
  }

  /** The command is over; with the last PIO data block gone the host is not interrupted again. */
  protected complete(interrupt = true): void {
    this.#finish(0, 0, interrupt);
  }

  protected fail(error: number, status = 0): void {
    this.#finish(error, status | STATUS_ERR, true);
  }

  protected abort(): void {
    this.fail(ERROR_ABRT);
  }

  /** Nanoseconds the interface needs for `bytes` bytes in the selected mode. */
  protected transferNs(bytes: number, dma: boolean): number {
    const { kind, mode } = this.dmaMode;
    const perByte = !dma ? PIO_NS[this.pioMode] : kind === 'ultra' ? ULTRA_NS[mode] : MULTIWORD_NS[mode];
    return bytes * perByte!;
  }

  /** SET FEATURES 03: selects a transfer mode from the sector count register. False when there is no such mode. */
  protected setTransferMode(value: number, ultraModes: number): boolean {
    const mode = value & 0x07;
    switch (value >>> 3) {
      case 0: // default PIO mode, with or without IORDY
        if (mode > 1) return false;
        this.pioMode = 0;
        return true;
      case 1:
        if (mode >= PIO_NS.length) return false;
        this.pioMode = mode;
        return true;
      case 4:
        if (mode >= MULTIWORD_NS.length) return false;
        this.dmaMode = { kind: 'multiword', mode };
        return true;
      case 8:
        if (mode >= ultraModes) return false;
        this.dmaMode = { kind: 'ultra', mode };
        return true;
      default:
        return false;
    }
  }

  protected setSignature(): void {
    const { lbaMid, lbaHigh } = this.signature();
    this.current[REG.sectorCount] = 1;
    this.current[REG.lbaLow] = 1;
    this.current[REG.lbaMid] = lbaMid;
    this.current[REG.lbaHigh] = lbaHigh;
    this.current[REG.device] = 0;
    this.previous.fill(0);
  }

  /** Multiword DMA word 63 of IDENTIFY: modes 0-2, and the selected one. */
  protected get identifyMultiword(): number {
    return 0x0007 | (this.dmaMode.kind === 'multiword' ? 0x100 << this.dmaMode.mode : 0);
  }

  /** Ultra DMA word 88 of IDENTIFY. */
  protected identifyUltra(modes: number): number {
    return ((1 << modes) - 1) | (this.dmaMode.kind === 'ultra' ? 0x100 << this.dmaMode.mode : 0);
  }

  /** Word 93 of IDENTIFY: result of the last hardware reset, on a 40-conductor cable. */
  protected get identifyReset(): number {
    return this.unit === 0 ? 0x400b : 0x4b00;
  }

  #command(value: number): void {
    this.#setIntrq(false);
    this.error = 0;
    if (value === COMMAND_DIAGNOSTIC || (value === COMMAND_DEVICE_RESET && this.hasDeviceReset)) {
      this.softReset();
      this.#reset(DIAGNOSTIC_NS);
      if (value === COMMAND_DIAGNOSTIC) this.current[REG.command] = value;
      return;
    }
    this.current[REG.command] = value;
    this.execute(value);
  }

  #reset(ns: number): void {
    this.current[REG.command] = 0;
    this.#activity = 'reset';
    this.#status = STATUS_BSY;
    this.#work.schedule(Math.max(1, this.#scheduler.ns(ns)));
  }

  #due(): void {
    if (this.#activity === 'busy') {
      this.proceed();
      return;
    }
    if (this.#activity !== 'reset') return;
    this.setSignature();
    this.error = DIAGNOSTIC_PASSED;
    this.#activity = 'idle';
    this.#status = this.signature().status;
    // Only device 0 interrupts at the end of a diagnostic, for both.
    if (this.current[REG.command] === COMMAND_DIAGNOSTIC && this.unit === 0) this.#setIntrq(true);
  }

  #moved(bytes: number): void {
    this.#position += bytes;
    if (this.#position < this.#end || bytes === 0) return;
    this.#activity = 'idle';
    this.transferred();
  }

  #finish(error: number, status: number, interrupt: boolean): void {
    this.#activity = 'idle';
    this.error = error;
    this.#status = STATUS_DRDY | STATUS_DSC | status;
    if (interrupt) this.#setIntrq(true);
  }

  #setIntrq(level: boolean): void {
    if (this.#intrq === level) return;
    this.#intrq = level;
    this.cable?.intrq();
  }
}

/** Puts text into IDENTIFY words: two letters a word, the first one in the high byte, padded with spaces. */
export function identifyText(words: Uint16Array, first: number, count: number, text: string): void {
  const padded = text.replace(/[^ -~]/g, '?').padEnd(count * 2);
  for (let i = 0; i < count; i++) {
    words[first + i] = (padded.charCodeAt(i * 2) << 8) | padded.charCodeAt(i * 2 + 1);
  }
}

/** Writes the words as they go over the bus, with the integrity word 255. */
export function identifyBytes(words: Uint16Array, into: Uint8Array): void {
  words[255] = 0x00a5;
  let sum = 0;
  for (let i = 0; i < 256; i++) {
    into[i * 2] = words[i]! & 0xff;
    into[i * 2 + 1] = words[i]! >>> 8;
    sum += into[i * 2]! + into[i * 2 + 1]!;
  }
  into[511] = -sum & 0xff;
}
