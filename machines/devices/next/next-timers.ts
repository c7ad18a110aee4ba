// SPDX-License-Identifier: MIT
//
// The two timers of NeXT computers, both at 1 MHz: the hard clock, which interrupts periodically, and the event counter
// of 20 bits, which only counts.
//
// Sockets: `hardclock`, 5 bytes (at 0x0201_6000: period in microseconds, high and low; at +4 control), `events`, 4 bytes
// (at 0x0201_a000: latch, then the latched count, high byte first), `irq`.
//
// Control: 7 enable, 6 latch the period (reads as 0). Any access to it ends an interrupt. Reading the first byte of the
// event counter latches the count, writing it sets the count to 0.
//
// Documents: none public; [Previous] sysReg.c, [NetBSD next68k] clock.c, clockreg.h.
import type { ChipContext } from '../../backplane/board.ts';
import { BYTE_REGISTERS, type BusTarget } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { ClockDomain, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';

const PERIOD_HIGH = 0;
const PERIOD_LOW = 1;
const CSR = 4;
const CSR_ENABLE = 0x80;
const CSR_LATCH = 0x40;

const EVENT_MASK = 0xf_ffff;

export class NextTimers implements Device {
  readonly id: string;
  readonly hardclock: BusTarget;
  readonly events: BusTarget;
  readonly irq: Wire;
  readonly #clock: ClockDomain;
  readonly #task: Task;
  #written = 0;
  #period = 0;
  #enabled = false;
  #pending = false;
  /** The crystal's count at which the event counter was 0, and the latched count. */
  #origin = 0;
  #latched = 0;

  /** `clock` is 1 MHz. */
  constructor(chip: ChipContext, clock: ClockDomain) {
    this.id = chip.id;
    this.#clock = clock;
    this.irq = new Wire(`${chip.id}.irq`);
    this.#task = chip.scheduler.task(`${chip.id}.hardclock`, (late) => this.#tick(late));
    this.hardclock = {
      span: 5,
      access: BYTE_REGISTERS,
      read: (offset) => {
        if (offset === CSR) this.#acknowledge();
        return this.#hardclockByte(offset);
      },
      peek: (offset) => this.#hardclockByte(offset),
      write: (offset, _width, value) => this.#writeHardclock(offset, value),
    };
    this.events = {
      span: 4,
      access: BYTE_REGISTERS,
      read: (offset) => {
        if (offset === 0) this.#latched = this.#count;
        return (this.#latched >>> ((3 - offset) * 8)) & 0xff;
      },
      peek: (offset) => (this.#count >>> ((3 - offset) * 8)) & 0xff,
      write: (offset) => {
        if (offset === 0) this.#origin = this.#clock.ticks;
      },
    };
  }

  get #count(): number {
    // No bit operation on the difference: it outgrows 32 bits in an hour.
    return (this.#clock.ticks - this.#origin) % (EVENT_MASK + 1);
  }

  #hardclockByte(offset: number): number {
    switch (offset) {
      case PERIOD_HIGH:
        return this.#period >>> 8;
      case PERIOD_LOW:
        return this.#period & 0xff;
      case CSR:
        return this.#enabled ? CSR_ENABLE : 0;
      default:
        return 0;
    }
  }

  #writeHardclock(offset: number, value: number): void {
    switch (offset) {
      case PERIOD_HIGH:
        this.#written = (this.#written & 0xff) | (value << 8);
        break;
      case PERIOD_LOW:
        this.#written = (this.#written & 0xff00) | value;
        break;
      case CSR: {
        const latch = (value & CSR_LATCH) !== 0;
        const enabled = (value & CSR_ENABLE) !== 0;
        if (latch) this.#period = this.#written;
        if (latch || enabled !== this.#enabled) {
          this.#enabled = enabled;
          this.#task.cancel();
          if (enabled && this.#period > 0) this.#task.schedule(this.#clock.masterTicks(this.#period));
        }
        this.#acknowledge();
      }
    }
  }

  #tick(late: number): void {
    this.#task.schedule(Math.max(1, this.#clock.masterTicks(this.#period) - late));
    this.#pending = true;
    this.#update();
  }

  #acknowledge(): void {
    this.#pending = false;
    this.#update();
  }

  #update(): void {
    this.irq.set(this.#pending);
  }

  reset(kind: ResetKind): void {
    this.#written = 0;
    this.#period = 0;
    this.#enabled = false;
    this.#pending = false;
    this.#task.cancel();
    if (kind !== 'warm') {
      this.#origin = kind === 'cold' ? this.#clock.ticks : 0;
      this.#latched = 0;
    }
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      written: this.#written,
      period: this.#period,
      enabled: this.#enabled,
      pending: this.#pending,
      in: this.#task.remaining,
      count: this.#count,
      latched: this.#latched,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#written = saved.u16('written');
    this.#period = saved.u16('period');
    this.#enabled = saved.bool('enabled');
    this.#pending = saved.bool('pending');
    this.#origin = this.#clock.ticks - saved.int('count', 0, EVENT_MASK);
    this.#latched = saved.int('latched', 0, EVENT_MASK);
    const remaining = saved.int('in', -1, Number.MAX_SAFE_INTEGER);
    this.#task.restore(this.#enabled && this.#period > 0 ? remaining : -1);
  }
}
