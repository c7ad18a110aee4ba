// SPDX-License-Identifier: MIT
//
// Motorola MC68HC68T1: serial real time clock with 32 bytes of battery-backed RAM, calendar, alarm, periodic interrupts
// and power control.
//
// Sockets: three-wire serial interface (`selectW`, `clock`); input `powerKeyW` (the power sense pin);
// wires `irq`, `powerDown` (the PSE pin let go); NonVolatile host end for the RAM; calendar.
//
//     0x00-0x1f RAM   0x20 seconds 21 minutes 22 hours 23 day of week 24 day 25 month 26 year   0x28-0x2a alarm (written)
//     0x30 status (read)   0x31 clock control   0x32 interrupt control
//
// An access is an address byte (bit 7: write), then data bytes, most significant bit first, while selected; the address
// counts up and wraps inside RAM and clock. The calendar is in BCD; bit 7 of the hours chooses 12-hour counting, bit 5
// then says "pm". Reading the status clears it, but for power sense.
//
// Documents: [MC68HC68T1] Motorola data sheet; [Previous] rtcnvram.c for years beyond 1999 (the tens go on counting).
// Not modelled: watchdog, the clock output, line frequency counting; a written day of week (it follows the date); the
// time is not kept while the machine is off, the calendar says it again.
import type { ChipContext } from '../../backplane/board.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { Calendar, NonVolatile } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { BatteryRam } from './battery-ram.ts';
import { SerialClockPort } from './serial-clock-port.ts';

export const MC68HC68T1_RAM_BYTES = 32;

const SECONDS = 0x20;
const MINUTES = 0x21;
const HOURS = 0x22;
const WEEKDAY = 0x23;
const DAY = 0x24;
const MONTH = 0x25;
const YEAR = 0x26;
const ALARM = 0x28;
const STATUS = 0x30;
const CLOCK_CONTROL = 0x31;
const INTERRUPT_CONTROL = 0x32;

const HOUR_12 = 0x80;
const HOUR_PM = 0x20;

const ST_FIRST_UP = 0x10;
const ST_INTERRUPT = 0x08;
const ST_POWER_SENSE = 0x04;
const ST_ALARM = 0x02;
const ST_CLOCK = 0x01;
const ST_REASONS = ST_POWER_SENSE | ST_ALARM | ST_CLOCK;

const CC_START = 0x80;

const IC_WATCHDOG = 0x80;
const IC_POWER_DOWN = 0x40;
const IC_POWER_SENSE = 0x20;
const IC_ALARM = 0x10;
const IC_PERIODIC = 0x0f;

/** Seconds of the slow periodic interrupts, by the low bits of interrupt control. */
const SLOW_PERIODS: Readonly<Record<number, number>> = { 0xd: 60, 0xe: 3600, 0xf: 86_400 };

export interface Mc68hc68t1Options {
  readonly ram: NonVolatile;
  readonly calendar: Calendar;
  /** What the RAM of a new machine holds. */
  readonly initial: Uint8Array;
}

const toBcd = (value: number): number => (Math.floor(value / 10) << 4) | (value % 10);
const fromBcd = (value: number): number => (value >>> 4) * 10 + (value & 0xf);

export class Mc68hc68t1 implements Device {
  readonly id: string;
  readonly irq: Wire;
  readonly powerDown: Wire;
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #calendar: Calendar;
  readonly #ram: BatteryRam;
  readonly #port: SerialClockPort;
  readonly #periodicTask: Task;
  readonly #alarmTask: Task;
  /** Seconds added to the calendar's time; and, while the clock stands, the time it shows. */
  #offset = 0;
  #stopped = 0;
  #hour12 = false;
  readonly #alarm = new Uint8Array(3);
  #status = 0;
  #clockControl = CC_START;
  #interruptControl = 0;
  #sense = false;
  #off = false;

  constructor(chip: ChipContext, options: Mc68hc68t1Options) {
    this.id = chip.id;
    this.irq = new Wire(`${chip.id}.irq`);
    this.powerDown = new Wire(`${chip.id}.power-down`);
    this.#log = chip.log;
    this.#scheduler = chip.scheduler;
    this.#calendar = options.calendar;
    this.#ram = new BatteryRam(chip, options.ram, options.initial);
    this.#periodicTask = chip.scheduler.task(`${chip.id}.periodic`, (late) => this.#periodic(late));
    this.#alarmTask = chip.scheduler.task(`${chip.id}.alarm`, () => this.#alarmDue());
    this.#port = new SerialClockPort({
      read: (address) => this.#read(address),
      write: (address, value) => this.#write(address, value),
      next: (address) => {
        const within = address & 0x7f;
        const next = within === 0x1f ? 0 : within === INTERRUPT_CONTROL ? SECONDS : (within + 1) & 0x7f;
        return (address & 0x80) | next;
      },
    });
  }

  selectW(level: boolean): void {
    this.#port.select(level);
  }

  clock(data: boolean): boolean {
    return this.#port.clock(data);
  }

  /** The power key, for as long as it is down. */
  powerKeyW(level: boolean): void {
    if (level && !this.#sense) this.#status |= ST_POWER_SENSE;
    this.#sense = level;
    if (!level) this.#status &= ~ST_POWER_SENSE;
    this.#update();
  }

  /** Hands changes of the RAM to the host now. */
  flush(): void {
    this.#ram.flush();
  }

  // ---- time -------------------------------------------------------------------------------------------------------

  get #running(): boolean {
    return (this.#clockControl & CC_START) !== 0;
  }

  get #elapsed(): number {
    return Math.floor(this.#scheduler.now / this.#scheduler.masterHz);
  }

  /** Seconds since 1970. */
  get #time(): number {
    return this.#running ? this.#calendar.startSeconds + this.#elapsed + this.#offset : this.#stopped;
  }

  #setTime(seconds: number): void {
    this.#stopped = Math.max(0, Math.min(0xffff_ffff, seconds));
    this.#offset = this.#stopped - this.#calendar.startSeconds - this.#elapsed;
    this.#scheduleAlarm();
  }

  #date(): Date {
    return new Date(this.#time * 1000);
  }

  #hours(hour: number): number {
    if (!this.#hour12) return toBcd(hour);
    return HOUR_12 | (hour >= 12 ? HOUR_PM : 0) | toBcd(hour % 12 === 0 ? 12 : hour % 12);
  }

  #hourOf(value: number): number {
    if (!this.#hour12) return fromBcd(value & 0x3f) % 24;
    return (fromBcd(value & 0x1f) % 12) + (value & HOUR_PM ? 12 : 0);
  }

  #calendarByte(address: number): number {
    const date = this.#date();
    switch (address) {
      case SECONDS:
        return toBcd(date.getUTCSeconds());
      case MINUTES:
        return toBcd(date.getUTCMinutes());
      case HOURS:
        return this.#hours(date.getUTCHours());
      case WEEKDAY:
        return date.getUTCDay() + 1;
      case DAY:
        return toBcd(date.getUTCDate());
      case MONTH:
        return toBcd(date.getUTCMonth() + 1);
      default:
        return toBcd(date.getUTCFullYear() - 1900) & 0xff;
    }
  }

  #setCalendar(address: number, value: number): void {
    const date = this.#date();
    switch (address) {
      case SECONDS:
        date.setUTCSeconds(fromBcd(value & 0x7f));
        break;
      case MINUTES:
        date.setUTCMinutes(fromBcd(value & 0x7f));
        break;
      case HOURS:
        this.#hour12 = (value & HOUR_12) !== 0;
        date.setUTCHours(this.#hourOf(value));
        break;
      case DAY:
        date.setUTCDate(fromBcd(value & 0x3f));
        break;
      case MONTH:
        date.setUTCMonth(fromBcd(value & 0x1f) - 1);
        break;
      case YEAR:
        date.setUTCFullYear(1900 + fromBcd(value));
        break;
      default:
        return;
    }
    this.#setTime(Math.floor(date.getTime() / 1000));
  }

  // ---- registers --------------------------------------------------------------------------------------------------

  #read(address: number): number {
    if (address < SECONDS) return this.#ram.bytes[address]!;
    if (address <= YEAR) return this.#calendarByte(address);
    switch (address) {
      case STATUS: {
        const status = this.#statusByte;
        this.#status &= ST_POWER_SENSE;
        this.#update();
        return status;
      }
      case CLOCK_CONTROL:
        return this.#clockControl;
      case INTERRUPT_CONTROL:
        return this.#interruptControl;
      default:
        return 0;
    }
  }

  get #statusByte(): number {
    return this.#status | (this.#status & ST_REASONS ? ST_INTERRUPT : 0);
  }

  #write(address: number, value: number): void {
    if (address < SECONDS) this.#ram.write(address, value);
    else if (address <= YEAR) this.#setCalendar(address, value);
    else if (address >= ALARM && address < ALARM + 3) {
      this.#alarm[address - ALARM] = value;
      this.#scheduleAlarm();
    } else if (address === CLOCK_CONTROL) {
      const time = this.#time;
      this.#clockControl = value;
      this.#setTime(time);
      this.#schedulePeriodic();
    } else if (address === INTERRUPT_CONTROL) {
      this.#interruptControl = value;
      if (value & IC_WATCHDOG) this.#log.unimp('the watchdog');
      this.#off ||= (value & IC_POWER_DOWN) !== 0;
      this.#schedulePeriodic();
      this.#scheduleAlarm();
    }
    this.#update();
  }

  // ---- interrupts -------------------------------------------------------------------------------------------------

  /** Master ticks of a period of the chosen interrupt; 0 for none. */
  get #periodTicks(): number {
    const choice = this.#interruptControl & IC_PERIODIC;
    if (choice === 0 || !this.#running) return 0;
    const { masterHz } = this.#scheduler;
    const slow = SLOW_PERIODS[choice];
    return slow === undefined ? masterHz / (2048 >>> (choice - 1)) : slow * masterHz;
  }

  #schedulePeriodic(late = 0): void {
    const ticks = this.#periodTicks;
    if (ticks === 0) this.#periodicTask.cancel();
    else this.#periodicTask.schedule(Math.max(1, ticks - late));
  }

  #periodic(late: number): void {
    this.#status |= ST_CLOCK;
    this.#schedulePeriodic(late);
    this.#update();
  }

  /** The alarm is a time of day. */
  #scheduleAlarm(): void {
    this.#alarmTask.cancel();
    if (!(this.#interruptControl & IC_ALARM) || !this.#running) return;
    const [seconds = 0, minutes = 0, hours = 0] = this.#alarm;
    const due = this.#hourOf(hours) * 3600 + fromBcd(minutes & 0x7f) * 60 + fromBcd(seconds & 0x7f);
    const wait = (((due - (this.#time % 86_400)) % 86_400) + 86_400) % 86_400 || 86_400;
    const { masterHz, now } = this.#scheduler;
    this.#alarmTask.schedule((this.#elapsed + wait) * masterHz - now);
  }

  #alarmDue(): void {
    this.#status |= ST_ALARM;
    this.#scheduleAlarm();
    this.#update();
  }

  #update(): void {
    const enabled = (this.#interruptControl & IC_POWER_SENSE ? ST_POWER_SENSE : 0) | ST_ALARM | ST_CLOCK;
    this.irq.set((this.#status & enabled) !== 0);
    this.powerDown.set(this.#off);
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  reset(kind: ResetKind): void {
    this.#port.select(false);
    this.#off = false;
    if (kind === 'warm') return;
    this.#periodicTask.cancel();
    this.#alarmTask.cancel();
    this.#offset = this.#stopped = this.#interruptControl = 0;
    this.#clockControl = CC_START;
    this.#hour12 = false;
    this.#alarm.fill(0);
    this.#status = this.#ram.fresh ? ST_FIRST_UP : 0;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      ram: this.#ram.save(),
      port: this.#port.save(),
      offset: this.#offset,
      stopped: this.#stopped,
      hour12: this.#hour12,
      alarm: this.#alarm.slice(),
      status: this.#status,
      clockControl: this.#clockControl,
      interruptControl: this.#interruptControl,
      sense: this.#sense,
      off: this.#off,
      periodicIn: this.#periodicTask.remaining,
      alarmIn: this.#alarmTask.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#port.restore(saved.nested('port'));
    this.#offset = saved.int('offset', -0x2_0000_0000, 0x2_0000_0000);
    this.#stopped = saved.u32('stopped');
    this.#hour12 = saved.bool('hour12');
    this.#alarm.set(saved.bytes('alarm', 3));
    this.#status = saved.u8('status') & (ST_FIRST_UP | ST_REASONS);
    this.#clockControl = saved.u8('clockControl');
    this.#interruptControl = saved.u8('interruptControl');
    this.#sense = saved.bool('sense');
    this.#off = saved.bool('off');
    const periodicIn = saved.int('periodicIn', -1, Number.MAX_SAFE_INTEGER);
    this.#periodicTask.restore(this.#periodTicks === 0 ? -1 : periodicIn);
    this.#alarmTask.restore(saved.int('alarmIn', -1, Number.MAX_SAFE_INTEGER));
    this.#ram.restore(saved.nested('ram'));
  }
}
