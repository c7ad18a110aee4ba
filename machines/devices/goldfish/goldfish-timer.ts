// SPDX-License-Identifier: MIT
//
// Timer and real-time clock of the goldfish virtual board: a count of nanoseconds in 64 bits and one alarm.
//
// Sockets: span 0x1000, wire `irq`; `clock` counts nanoseconds. By `layout`:
//   timer  (the first boards)   nanoseconds since power-on; 0x10 CLEAR_INTERRUPT, 0x14 CLEAR_ALARM
//   rtc    (the first boards)   nanoseconds since 1970 in steps of a second; its alarm can be written and never comes
//   both   (later boards)       nanoseconds since 1970, which can be set; 0x10 IRQ_ENABLED, 0x14 CLEAR_ALARM,
//                               0x18 ALARM_STATUS (an alarm is to come), 0x1c CLEAR_INTERRUPT
// TIME_LOW latches what TIME_HIGH then reads. Writing ALARM_LOW sets the alarm, at once when its time has passed.
//
// Documents: [GOLDFISH] §III; Linux timer-goldfish.h and rtc-goldfish.c for the later layout.
// Not modelled: nothing known.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields, SnapshotError } from '../../backplane/device.ts';
import type { Calendar } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { ClockDomain, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { goldfishAccess, type GoldfishByteOrder } from './goldfish.ts';

const TIME_LOW = 0x00;
const TIME_HIGH = 0x04;
const ALARM_LOW = 0x08;
const ALARM_HIGH = 0x0c;
const IRQ_ENABLED = 0x10;
const CLEAR_ALARM = 0x14;
const ALARM_STATUS = 0x18;
const CLEAR_INTERRUPT = 0x1c;
const OLD_CLEAR_INTERRUPT = 0x10;

const NS = 1_000_000_000n;
/** A task is never scheduled further ahead: the alarm is then looked at again. */
const FARTHEST_NS = 1n << 40n;

export interface GoldfishTimerOptions {
  readonly byteOrder: GoldfishByteOrder;
  readonly layout: 'timer' | 'rtc' | 'both';
  /** 1 GHz. */
  readonly clock: ClockDomain;
  readonly calendar: Calendar;
}

export class GoldfishTimer implements Device, BusTarget {
  readonly id: string;
  readonly span = 0x1000;
  readonly access: AccessRules;
  readonly irq: Wire;
  readonly #log: DeviceLog;
  readonly #layout: GoldfishTimerOptions['layout'];
  readonly #clock: ClockDomain;
  readonly #epoch: bigint;
  readonly #task: Task;
  /** What is to be added to the clock's count. */
  #offset = 0n;
  #latched = 0;
  #alarm = 0n;
  #running = false;
  #pending = false;
  #enabled = false;

  constructor(chip: ChipContext, options: GoldfishTimerOptions) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#layout = options.layout;
    this.#clock = options.clock;
    this.access = goldfishAccess(options.byteOrder);
    this.irq = new Wire(`${chip.id}.irq`);
    this.#epoch = options.layout === 'timer' ? 0n : BigInt(Math.trunc(options.calendar.startSeconds)) * NS;
    this.#offset = this.#epoch;
    this.#task = chip.scheduler.task(`${chip.id} alarm`, () => this.#arm());
  }

  read(offset: number, _width: Width): number {
    if (offset === TIME_LOW) {
      const now = this.#shownTime();
      this.#latched = Number((now >> 32n) & 0xffff_ffffn);
      return Number(now & 0xffff_ffffn);
    }
    const value = this.peek(offset);
    if (value === undefined) this.#log.guest('read of no register, %x', offset);
    return value ?? 0;
  }

  peek(offset: number): number | undefined {
    switch (offset) {
      case TIME_LOW:
        return Number(this.#shownTime() & 0xffff_ffffn);
      case TIME_HIGH:
        return this.#latched;
      case ALARM_LOW:
        return Number(this.#alarm & 0xffff_ffffn);
      case ALARM_HIGH:
        return Number(this.#alarm >> 32n);
      case IRQ_ENABLED:
        return this.#layout === 'both' ? Number(this.#enabled) : 0;
      case CLEAR_ALARM:
        return this.#layout === 'rtc' ? undefined : 0;
      case ALARM_STATUS:
        return this.#layout === 'both' ? Number(this.#running) : undefined;
      case CLEAR_INTERRUPT:
        return this.#layout === 'both' ? 0 : undefined;
      default:
        return undefined;
    }
  }

  write(offset: number, _width: Width, value: number): void {
    const both = this.#layout === 'both';
    switch (offset) {
      case ALARM_LOW:
        this.#alarm = (this.#alarm & ~0xffff_ffffn) | BigInt(value >>> 0);
        if (this.#layout === 'rtc') return;
        this.#running = true;
        this.#arm();
        return;
      case ALARM_HIGH:
        this.#alarm = (this.#alarm & 0xffff_ffffn) | (BigInt(value >>> 0) << 32n);
        return;
    }
    if (offset === (both ? CLEAR_INTERRUPT : OLD_CLEAR_INTERRUPT)) {
      this.#pending = false;
      this.#update();
    } else if (offset === CLEAR_ALARM && this.#layout !== 'rtc') {
      this.#running = false;
      this.#task.cancel();
    } else if (offset === IRQ_ENABLED && both) {
      this.#enabled = (value & 1) !== 0;
      this.#update();
    } else if ((offset === TIME_LOW || offset === TIME_HIGH) && both) {
      this.#setTime(offset, value >>> 0);
    } else {
      this.#log.guest('write of %x to no register, %x', value, offset);
    }
  }

  reset(kind: ResetKind): void {
    // The calendar goes on through a reset.
    if (kind === 'cold') this.#offset = this.#epoch;
    this.#latched = 0;
    this.#alarm = 0n;
    this.#running = false;
    this.#pending = false;
    this.#enabled = false;
    this.#task.cancel();
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      offset: this.#offset,
      latched: this.#latched,
      alarm: this.#alarm,
      running: this.#running,
      pending: this.#pending,
      enabled: this.#enabled,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const word64 = (name: string): bigint => {
      const value = state[name];
      if (typeof value === 'bigint' && value === BigInt.asUintN(64, value)) return value;
      throw new SnapshotError(`${this.id}: field "${name}" should be 64 bits`);
    };
    const [offset, alarm, latched] = [word64('offset'), word64('alarm'), saved.u32('latched')];
    const [running, pending, enabled] = [saved.bool('running'), saved.bool('pending'), saved.bool('enabled')];
    this.#offset = offset;
    this.#alarm = alarm;
    this.#latched = latched;
    this.#running = running;
    this.#pending = pending;
    this.#enabled = enabled;
    if (running) this.#schedule();
    else this.#task.cancel();
  }

  get #now(): bigint {
    return BigInt.asUintN(64, this.#offset + BigInt(this.#clock.ticks));
  }

  #shownTime(): bigint {
    const now = this.#now;
    return this.#layout === 'rtc' ? now - (now % NS) : now;
  }

  #setTime(offset: number, value: number): void {
    const now = this.#now;
    const word = BigInt(value);
    const wanted = offset === TIME_LOW ? (now & ~0xffff_ffffn) | word : (now & 0xffff_ffffn) | (word << 32n);
    this.#offset = BigInt.asUintN(64, this.#offset + wanted - now);
    if (this.#running) this.#arm();
  }

  /** The alarm comes now if its time has, else when it will. */
  #arm(): void {
    if (this.#alarm > this.#now) {
      this.#schedule();
      return;
    }
    this.#task.cancel();
    this.#running = false;
    this.#pending = true;
    this.#update();
  }

  #schedule(): void {
    const rest = this.#alarm - this.#now;
    const ns = rest < 0n ? 0 : Number(rest < FARTHEST_NS ? rest : FARTHEST_NS);
    this.#task.schedule(this.#clock.masterTicks(ns));
  }

  #update(): void {
    this.irq.set(this.#pending && (this.#enabled || this.#layout === 'timer'));
  }
}
