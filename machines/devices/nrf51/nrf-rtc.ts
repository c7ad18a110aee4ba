// SPDX-License-Identifier: MIT
//
// nRF51 RTC: a 24-bit counter of 32,768 Hz / (prescaler + 1).
//
// Sockets: bus: span 0x1000; clock: 32,768 Hz (runs whether or not LFCLK was started; logged by the clock's model).
// Document: [nRF51 RM] §19. Not modelled: the one-tick jitter of tasks.
import type { ChipContext } from '../../backplane/board.ts';
import type { PlainFields, SavedFields } from '../../backplane/device.ts';
import type { ClockDomain, Task } from '../../backplane/scheduler.ts';
import { NrfPeripheral, type NrfPeripheralOptions } from './nrf-peripheral.ts';

const RANGE = 1 << 24;
const TICK = 0;
const OVERFLOW = 1;
const COMPARE = 16;
const TASK = { start: 0x00, stop: 0x04, clear: 0x08, triggerOverflow: 0x0c } as const;
const COUNTER = 0x504;
const PRESCALER = 0x508;
const CC = 0x540;

export interface NrfRtcOptions extends NrfPeripheralOptions {
  readonly clock: ClockDomain;
  /** RTC0 has three compare registers, RTC1 four. */
  readonly compares: 3 | 4;
}

export class NrfRtc extends NrfPeripheral {
  readonly #clock: ClockDomain;
  readonly #compare: Uint32Array;
  readonly #task: Task;
  #prescaler = 0;
  #running = false;
  #counter = 0;
  #since = 0;

  constructor(chip: ChipContext, options: NrfRtcOptions) {
    const compareEvents = ((1 << options.compares) - 1) << COMPARE;
    super(chip, options, { events: compareEvents | 3, gatedEvents: true });
    this.#clock = options.clock;
    this.#compare = new Uint32Array(options.compares);
    this.#task = chip.scheduler.task(`${chip.id}.tick`, () => {
      this.#sync();
      this.#arm();
    });
  }

  /** Ticks of the counter until the next that anybody could notice. */
  get #untilNoticed(): number {
    if ((this.watched >>> TICK) & 1) return 1;
    let next = RANGE - this.#counter;
    for (const value of this.#compare) next = Math.min(next, (value - this.#counter + RANGE) % RANGE || RANGE);
    return next;
  }

  /** Brings the counter up to now, with the events on the way: an access can come before the task that is due. */
  #sync(): void {
    const now = this.#clock.ticks;
    const period = this.#prescaler + 1;
    while (this.#running) {
      const ticks = Math.floor((now - this.#since) / period);
      if (ticks === 0) return;
      const step = Math.min(ticks, this.#untilNoticed);
      this.#counter = (this.#counter + step) % RANGE;
      this.#since += step * period;
      this.#noticed();
    }
    this.#since = now;
  }

  task(offset: number): void {
    this.#sync();
    switch (offset) {
      case TASK.start:
        this.#running = true;
        break;
      case TASK.stop:
        this.#running = false;
        break;
      case TASK.clear:
        this.#counter = 0;
        break;
      case TASK.triggerOverflow:
        this.#counter = RANGE - 16;
        break;
      default:
        this.unknownTask(offset);
    }
    this.#arm();
  }

  protected override watchedChanged(): void {
    this.#sync();
    this.#arm();
  }

  #arm(): void {
    if (!this.#running) {
      this.#task.cancel();
      return;
    }
    const ticks = this.#untilNoticed * (this.#prescaler + 1) - (this.#clock.ticks - this.#since);
    this.#task.schedule(this.#clock.masterTicks(Math.max(1, ticks)));
  }

  #noticed(): void {
    if ((this.watched >>> TICK) & 1) this.raise(TICK);
    if (this.#counter === 0 && (this.watched >>> OVERFLOW) & 1) this.raise(OVERFLOW);
    this.#compare.forEach((value, n) => {
      // Compare events exist only while enabled. [nRF51 RM] §19.1.6
      if (value === this.#counter && (this.watched >>> (COMPARE + n)) & 1) this.raise(COMPARE + n);
    });
  }

  protected readRegister(offset: number): number {
    if (offset === COUNTER) {
      this.#sync();
      return this.#counter;
    }
    if (offset === PRESCALER) return this.#prescaler;
    const n = (offset - CC) >>> 2;
    return offset >= CC && n < this.#compare.length ? this.#compare[n]! : this.unknownRead(offset);
  }

  protected writeRegister(offset: number, value: number): void {
    const n = (offset - CC) >>> 2;
    this.#sync();
    if (offset === PRESCALER) {
      if (this.#running) this.log.guest('prescaler %x written while running', value);
      else this.#prescaler = value & 0xfff;
    } else if (offset >= CC && n < this.#compare.length) {
      this.#compare[n] = value & (RANGE - 1);
    } else {
      this.unknownWrite(offset, value);
    }
    this.#arm();
  }

  protected resetRegisters(): void {
    this.#task.cancel();
    this.#compare.fill(0);
    this.#prescaler = this.#counter = this.#since = 0;
    this.#running = false;
  }

  protected saveRegisters(): PlainFields {
    return {
      compare: this.#compare.slice(),
      prescaler: this.#prescaler,
      running: this.#running,
      counter: this.#counter,
      ago: this.#running ? this.#clock.ticks - this.#since : 0,
      task: this.#task.remaining,
    };
  }

  protected restoreRegisters(saved: SavedFields): void {
    this.#compare.set(saved.words('compare', this.#compare.length));
    this.#prescaler = saved.int('prescaler', 0, 0xfff);
    this.#running = saved.bool('running');
    this.#counter = saved.int('counter', 0, RANGE - 1);
    this.#since = this.#clock.ticks - saved.int('ago', 0, Number.MAX_SAFE_INTEGER);
    this.#task.restore(saved.int('task', -1, Number.MAX_SAFE_INTEGER));
  }
}
