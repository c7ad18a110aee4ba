// SPDX-License-Identifier: MIT
//
// Motorola MCCS1850: serial real time clock with 64 bytes of battery-backed RAM, a 32-bit seconds counter, an alarm and
// power control, made for NeXT.
//
// Sockets: three-wire serial interface (`selectW`, `clock`); input `powerKeyW`; wires `irq`, `powerDown` (asserted when
// told to switch the power off); NonVolatile host end for the RAM; calendar.
//
//     0x00-0x1f RAM   0x20-0x23 time, highest byte first   0x24-0x27 alarm   0x30 status   0x31 control   0x40-0x5f RAM
//
// An access is an address byte (bit 7: write), then data bytes, most significant bit first, while selected; the address
// counts up. Status: 7 always set, 5 test mode, 4 first time up, 3 interrupt, 2 low battery, 1 alarm, 0 power down
// request. Control: 7 run, 6 power down, 5 automatic restart, 4 alarm enable, 3 clear alarm, 2 clear first time up,
// 1 low battery enable, 0 clear power down request; bits 3, 2 and 0 read as zero.
//
// Documents: none public; [NetBSD next68k] rtc.c, [Previous] rtcnvram.c.
// Not modelled: test mode; the battery never runs low; the time is not kept while the machine is off, the calendar says
// it again.
import type { ChipContext } from '../../backplane/board.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { Calendar, NonVolatile } from '../../backplane/host.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { BatteryRam } from './battery-ram.ts';
import { SerialClockPort } from './serial-clock-port.ts';

export const MCCS1850_RAM_BYTES = 64;
const RAM_BANK = 32;

const TIME = 0x20;
const ALARM = 0x24;
const STATUS = 0x30;
const CONTROL = 0x31;
const SECOND_BANK = 0x40;

const ST_NEW_CHIP = 0x80;
const ST_FIRST_UP = 0x10;
const ST_INTERRUPT = 0x08;
const ST_ALARM = 0x02;
const ST_POWER_DOWN = 0x01;

const CT_RUN = 0x80;
const CT_POWER_DOWN = 0x40;
const CT_AUTO_RESTART = 0x20;
const CT_ALARM = 0x10;
const CT_CLEAR_ALARM = 0x08;
const CT_CLEAR_FIRST_UP = 0x04;
const CT_LOW_BATTERY = 0x02;
const CT_CLEAR_POWER_DOWN = 0x01;
const CT_KEPT = CT_RUN | CT_AUTO_RESTART | CT_ALARM | CT_LOW_BATTERY;

export interface Mccs1850Options {
  readonly ram: NonVolatile;
  readonly calendar: Calendar;
  /** What the RAM of a new machine holds. */
  readonly initial: Uint8Array;
}

export class Mccs1850 implements Device {
  readonly id: string;
  readonly irq: Wire;
  readonly powerDown: Wire;
  readonly #scheduler: Scheduler;
  readonly #calendar: Calendar;
  readonly #ram: BatteryRam;
  readonly #port: SerialClockPort;
  readonly #alarmTask: Task;
  /** Seconds added to the calendar's time; or, while the counter stands, what it holds. */
  #offset = 0;
  #stopped = 0;
  #alarm = 0;
  #status = 0;
  #control = CT_RUN;
  #key = false;
  #off = false;

  constructor(chip: ChipContext, options: Mccs1850Options) {
    this.id = chip.id;
    this.irq = new Wire(`${chip.id}.irq`);
    this.powerDown = new Wire(`${chip.id}.power-down`);
    this.#scheduler = chip.scheduler;
    this.#calendar = options.calendar;
    this.#ram = new BatteryRam(chip, options.ram, options.initial);
    this.#alarmTask = chip.scheduler.task(`${chip.id}.alarm`, () => this.#checkAlarm());
    this.#port = new SerialClockPort({
      read: (address) => this.#read(address),
      write: (address, value) => this.#write(address, value),
      next: (address) => (address & 0x80) | ((address + 1) & 0x7f),
    });
  }

  selectW(level: boolean): void {
    this.#port.select(level);
  }

  clock(data: boolean): boolean {
    return this.#port.clock(data);
  }

  /** The keyboard's power key, for as long as it is down. */
  powerKeyW(level: boolean): void {
    if (level && !this.#key) this.#status |= ST_POWER_DOWN;
    this.#key = level;
    this.#update();
  }

  /** Hands changes of the RAM to the host now. */
  flush(): void {
    this.#ram.flush();
  }

  get #running(): boolean {
    return (this.#control & CT_RUN) !== 0;
  }

  get #elapsed(): number {
    return Math.floor(this.#scheduler.now / this.#scheduler.masterHz);
  }

  get #time(): number {
    if (!this.#running) return this.#stopped;
    return (this.#calendar.startSeconds + this.#elapsed + this.#offset) >>> 0;
  }

  #setTime(time: number): void {
    this.#stopped = time >>> 0;
    this.#offset = (time - this.#calendar.startSeconds - this.#elapsed) | 0;
    this.#scheduleAlarm();
  }

  #read(address: number): number {
    if (address < TIME) return this.#ram.bytes[address]!;
    if (address >= SECOND_BANK) return this.#ram.bytes[RAM_BANK + (address & 0x1f)]!;
    if (address < ALARM) return (this.#time >>> ((ALARM - 1 - address) * 8)) & 0xff;
    if (address < ALARM + 4) return (this.#alarm >>> ((ALARM + 3 - address) * 8)) & 0xff;
    if (address === STATUS) return this.#statusByte;
    if (address === CONTROL) return this.#control;
    return 0;
  }

  get #statusByte(): number {
    const interrupting = this.#status & (ST_ALARM | ST_POWER_DOWN);
    return ST_NEW_CHIP | this.#status | (interrupting ? ST_INTERRUPT : 0);
  }

  #write(address: number, value: number): void {
    if (address < TIME) this.#ram.write(address, value);
    else if (address >= SECOND_BANK) this.#ram.write(RAM_BANK + (address & 0x1f), value);
    else if (address < ALARM) this.#setTime(withByte(this.#time, ALARM - 1 - address, value));
    else if (address < ALARM + 4) {
      this.#alarm = withByte(this.#alarm, ALARM + 3 - address, value);
      this.#scheduleAlarm();
    } else if (address === CONTROL) this.#writeControl(value);
  }

  #writeControl(value: number): void {
    const time = this.#time;
    this.#control = value & CT_KEPT;
    this.#setTime(time);
    if (value & CT_CLEAR_ALARM) this.#status &= ~ST_ALARM;
    if (value & CT_CLEAR_FIRST_UP) this.#status &= ~ST_FIRST_UP;
    if (value & CT_CLEAR_POWER_DOWN) this.#status &= ~ST_POWER_DOWN;
    this.#off ||= (value & CT_POWER_DOWN) !== 0;
    this.#update();
  }

  #scheduleAlarm(): void {
    this.#alarmTask.cancel();
    if (!this.#running || !(this.#control & CT_ALARM) || this.#alarm <= this.#time) return;
    const { masterHz, now } = this.#scheduler;
    this.#alarmTask.schedule(Math.ceil((this.#elapsed + (this.#alarm - this.#time)) * masterHz - now));
  }

  #checkAlarm(): void {
    this.#status |= ST_ALARM;
    this.#update();
  }

  #update(): void {
    this.irq.set((this.#statusByte & ST_INTERRUPT) !== 0);
    this.powerDown.set(this.#off);
  }

  reset(kind: ResetKind): void {
    this.#port.select(false);
    this.#off = false;
    if (kind === 'warm') return;
    this.#alarmTask.cancel();
    this.#offset = this.#stopped = this.#alarm = 0;
    this.#control = CT_RUN;
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
      alarm: this.#alarm,
      alarmIn: this.#alarmTask.remaining,
      status: this.#status,
      control: this.#control,
      key: this.#key,
      off: this.#off,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#port.restore(saved.nested('port'));
    this.#offset = saved.int('offset', -0x8000_0000, 0x7fff_ffff);
    this.#stopped = saved.u32('stopped');
    this.#alarm = saved.u32('alarm');
    this.#status = saved.u8('status') & (ST_FIRST_UP | ST_ALARM | ST_POWER_DOWN);
    this.#control = saved.u8('control') & CT_KEPT;
    this.#key = saved.bool('key');
    this.#off = saved.bool('off');
    this.#alarmTask.restore(saved.int('alarmIn', -1, Number.MAX_SAFE_INTEGER));
    this.#ram.restore(saved.nested('ram'));
  }
}

/** `word` with its byte `index` (0 the lowest) replaced. */
const withByte = (word: number, index: number, value: number): number =>
  ((word & ~(0xff << (index * 8))) | (value << (index * 8))) >>> 0;
