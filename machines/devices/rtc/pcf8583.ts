// SPDX-License-Identifier: MIT
//
// Philips PCF8583, clock and calendar with 240 bytes of RAM: the Archimedes' "CMOS".
//
// Sockets: bus: I2cBus (address 0x50 or 0x51 by its A0 pin). Wire out: `irq` (INT, active-true). The RAM is kept in a
// {@link NonVolatile}; the time is the host's at power-on plus virtual time, plus what the guest has set it off by.
// Document: [PCF8583]. Not modelled: the 50 Hz and event counter modes (logged); the timer (register 7 counts nothing).
import type { ChipContext } from '../../backplane/board.ts';
import { SavedFields, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import type { Calendar, NonVolatile } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import type { I2cTarget } from '../i2c/i2c-bus.ts';

const BYTES = 256;
/** Registers below this one are the clock's. */
const RAM_START = 0x10;

const CONTROL_STOP = 0x80;
const CONTROL_HOLD = 0x40;
const CONTROL_FUNCTION = 0x30;
const CONTROL_MASK = 0x08;
const CONTROL_ALARM_ENABLE = 0x04;
const CONTROL_ALARM_FLAG = 0x02;
const ALARM_INTERRUPT = 0x80;
const HOURS_12 = 0x80;
const HOURS_PM = 0x40;

const DAY_MS = 86_400_000;
const bcd = (value: number): number => (Math.floor(value / 10) << 4) | (value % 10);
const fromBcd = (value: number): number => (value >>> 4) * 10 + (value & 15);

export interface Pcf8583Options {
  readonly calendar: Calendar;
  readonly store: NonVolatile;
  /** The contents of a new chip's RAM, from register 0x10 on. */
  readonly initial?: Uint8Array;
}

export class Pcf8583 implements I2cTarget, Device {
  readonly id: string;
  readonly irq: Wire;
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #calendar: Calendar;
  readonly #store: NonVolatile;
  readonly #alarmTask: Task;
  readonly #bytes = new Uint8Array(BYTES);
  /** Milliseconds the guest's clock is ahead of the calendar; while stopped, the absolute time it stands at. */
  #offset = 0;
  #pointer = 0;
  #expectPointer = false;
  #timeWritten = false;
  #ramWritten = false;

  constructor(chip: ChipContext, options: Pcf8583Options) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#scheduler = chip.scheduler;
    this.#calendar = options.calendar;
    this.#store = options.store;
    this.irq = new Wire(`${chip.id}.int`);
    this.#alarmTask = chip.scheduler.task(`${chip.id}.second`, () => this.#second());
    const kept = options.store.load() ?? options.initial;
    if (kept !== undefined) this.#bytes.set(kept.subarray(0, BYTES - RAM_START), RAM_START);
  }

  start(reading: boolean): boolean {
    this.#expectPointer = !reading;
    // The counters are caught at the start of an access, so that a read is not torn by a carry.
    if (reading && (this.#bytes[0]! & CONTROL_HOLD) === 0) this.#catchTime();
    return true;
  }

  write(byte: number): boolean {
    if (this.#expectPointer) {
      this.#pointer = byte;
      this.#expectPointer = false;
      return true;
    }
    const register = this.#pointer;
    this.#pointer = (register + 1) & 0xff;
    if (register === 0) {
      this.#writeControl(byte);
      return true;
    }
    if (register >= RAM_START) this.#ramWritten ||= this.#bytes[register] !== byte;
    else if (register <= 6 && !this.#timeWritten) this.#beginSetting();
    this.#bytes[register] = byte;
    return true;
  }

  read(): number {
    const register = this.#pointer;
    this.#pointer = (register + 1) & 0xff;
    return this.#bytes[register]!;
  }

  stop(): void {
    if (this.#timeWritten) this.#setTime();
    if (this.#ramWritten) this.#store.store(this.#bytes.slice(RAM_START));
    this.#ramWritten = false;
    this.#arm();
    this.#drive();
  }

  get #stopped(): boolean {
    return (this.#bytes[0]! & CONTROL_STOP) !== 0;
  }

  /** Milliseconds since 1970 of the host's calendar. */
  get #hostTime(): number {
    return this.#calendar.startSeconds * 1000 + Math.floor((this.#scheduler.now * 1000) / this.#scheduler.masterHz);
  }

  get #time(): number {
    return this.#stopped ? this.#offset : this.#hostTime + this.#offset;
  }

  #writeControl(byte: number): void {
    const time = this.#time;
    if ((byte & CONTROL_FUNCTION) !== 0) this.#log.unimp('clock function %x', (byte & CONTROL_FUNCTION) >> 4);
    this.#bytes[0] = byte;
    this.#offset = this.#stopped ? time : time - this.#hostTime;
  }

  /** Puts the time into registers 1 to 6. Two bits of the year are all it keeps. */
  #catchTime(): void {
    const date = new Date(this.#time);
    const hours24 = date.getUTCHours();
    const twelve = (this.#bytes[4]! & HOURS_12) !== 0;
    const hours = twelve ? HOURS_12 | (hours24 >= 12 ? HOURS_PM : 0) | bcd(hours24 % 12 || 12) : bcd(hours24);
    this.#bytes[1] = bcd(Math.floor(date.getUTCMilliseconds() / 10));
    this.#bytes[2] = bcd(date.getUTCSeconds());
    this.#bytes[3] = bcd(date.getUTCMinutes());
    this.#bytes[4] = hours;
    const masked = (this.#bytes[0]! & CONTROL_MASK) !== 0;
    this.#bytes[5] = (masked ? 0 : (date.getUTCFullYear() & 3) << 6) | bcd(date.getUTCDate());
    this.#bytes[6] = (masked ? 0 : date.getUTCDay() << 5) | bcd(date.getUTCMonth() + 1);
  }

  #beginSetting(): void {
    this.#catchTime();
    this.#timeWritten = true;
  }

  /** What was written into registers 1 to 6 is the time from now on; the year stays as near to the old one as it can. */
  #setTime(): void {
    this.#timeWritten = false;
    const [, hundredths, seconds, minutes, hours, date, month] = this.#bytes as unknown as number[];
    const year = new Date(this.#time).getUTCFullYear();
    const near = (year & ~3) | (date! >>> 6);
    const twelve = (hours! & HOURS_12) !== 0;
    const hour = twelve ? (fromBcd(hours! & 0x1f) % 12) + (hours! & HOURS_PM ? 12 : 0) : fromBcd(hours! & 0x3f);
    const time = Date.UTC(
      near,
      Math.max(0, fromBcd(month! & 0x1f) - 1),
      Math.max(1, fromBcd(date! & 0x3f)),
      hour,
      fromBcd(minutes! & 0x7f),
      fromBcd(seconds! & 0x7f),
      fromBcd(hundredths!) * 10,
    );
    this.#offset = this.#stopped ? time : time - this.#hostTime;
  }

  /** An enabled alarm is looked at once a second; nothing runs otherwise. */
  #arm(): void {
    if ((this.#bytes[0]! & (CONTROL_ALARM_ENABLE | CONTROL_STOP)) !== CONTROL_ALARM_ENABLE) {
      this.#alarmTask.cancel();
    } else if (!this.#alarmTask.scheduled) {
      const untilSecond = 1000 - (((this.#time % 1000) + 1000) % 1000);
      this.#alarmTask.schedule((untilSecond * this.#scheduler.masterHz) / 1000);
    }
  }

  #second(): void {
    const shown = this.#bytes.slice(0, RAM_START);
    this.#catchTime();
    if (this.#alarmNow()) this.#bytes[0]! |= CONTROL_ALARM_FLAG;
    this.#bytes.set(shown.subarray(1), 1);
    this.#arm();
    this.#drive();
  }

  /** Registers 9 to 14 against 1 to 6, by the kind of alarm that register 8 asks for: none, daily, weekdays, dated. */
  #alarmNow(): boolean {
    const alarm = (this.#bytes[8]! >>> 4) & 3;
    const equal = (register: number): boolean => this.#bytes[register] === this.#bytes[register + 8];
    if (alarm === 0 || ![2, 3, 4].every(equal)) return false;
    const now = new Date(Math.floor(this.#time / DAY_MS) * DAY_MS);
    if (alarm === 2) return ((this.#bytes[14]! >>> now.getUTCDay()) & 1) !== 0;
    if (alarm === 3)
      return (
        fromBcd(this.#bytes[13]! & 0x3f) === now.getUTCDate() &&
        fromBcd(this.#bytes[14]! & 0x1f) === now.getUTCMonth() + 1
      );
    return true;
  }

  #drive(): void {
    this.irq.set((this.#bytes[0]! & CONTROL_ALARM_FLAG) !== 0 && (this.#bytes[8]! & ALARM_INTERRUPT) !== 0);
  }

  reset(_kind: ResetKind): void {
    // The chip is on a battery; only a transaction that was under way is forgotten.
    this.#expectPointer = this.#timeWritten = this.#ramWritten = false;
    this.#alarmTask.cancel();
  }

  settle(): void {
    this.#arm();
    this.#drive();
  }

  save(): PlainFields {
    return {
      bytes: this.#bytes.slice(),
      offset: this.#offset,
      pointer: this.#pointer,
      expectPointer: this.#expectPointer,
      timeWritten: this.#timeWritten,
      ramWritten: this.#ramWritten,
      second: this.#alarmTask.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#bytes.set(saved.bytes('bytes', BYTES));
    this.#offset = saved.int('offset', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    this.#pointer = saved.u8('pointer');
    this.#expectPointer = saved.bool('expectPointer');
    this.#timeWritten = saved.bool('timeWritten');
    this.#ramWritten = saved.bool('ramWritten');
    this.#alarmTask.restore(saved.int('second', -1, Number.MAX_SAFE_INTEGER));
  }
}
