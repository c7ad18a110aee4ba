// SPDX-License-Identifier: MIT
//
// nRF51 TIMER: a counter of 16 MHz / 2^prescaler ticks, or of COUNT tasks, with four compare registers.
//
// Sockets: bus: span 0x1000; clock: 16 MHz. Document: [nRF51 RM] §18.
// Not modelled: the 16 or 1 MHz clock request's start-up time.
import type { ChipContext } from '../../backplane/board.ts';
import type { PlainFields, SavedFields } from '../../backplane/device.ts';
import type { ClockDomain, Task } from '../../backplane/scheduler.ts';
import { NrfPeripheral, type NrfPeripheralOptions } from './nrf-peripheral.ts';

const COMPARES = 4;
const COMPARE_EVENT = 16;
const TASK = { start: 0x00, stop: 0x04, count: 0x08, clear: 0x0c, shutdown: 0x10, capture: 0x40 } as const;
const MODE = 0x504;
const BITMODE = 0x508;
const PRESCALER = 0x510;
const CC = 0x540;
/** Written around START and STOP by software that works around anomaly 73 of earlier chips. */
const ANOMALY_73 = 0xc0c;
/** Counter width by BITMODE: 16, 8, 24, 32 bits. */
const MASKS = [0xffff, 0xff, 0xff_ffff, 0xffff_ffff] as const;

export interface NrfTimerOptions extends NrfPeripheralOptions {
  readonly clock: ClockDomain;
  /** TIMER0 counts up to 32 bits, the others to 16. */
  readonly widest: 16 | 32;
}

export class NrfTimer extends NrfPeripheral {
  readonly #clock: ClockDomain;
  readonly #widest: 16 | 32;
  readonly #task: Task;
  readonly #compare = new Uint32Array(COMPARES);
  #mode = 0;
  #bitMode = 0;
  #prescaler = 4;
  #running = false;
  /** Counter at `#since` ticks of the clock. */
  #counter = 0;
  #since = 0;

  constructor(chip: ChipContext, options: NrfTimerOptions) {
    super(chip, options, { events: 0xf << COMPARE_EVENT, shorts: 0xf0f });
    this.#clock = options.clock;
    this.#widest = options.widest;
    this.#task = chip.scheduler.task(`${chip.id}.compare`, () => {
      this.#sync();
      this.#arm();
    });
  }

  get #mask(): number {
    const mask = MASKS[this.#bitMode]!;
    return this.#widest === 16 ? mask & 0xffff : mask;
  }

  get #counting(): boolean {
    return this.#running && this.#mode === 0;
  }

  /** Ticks of the counter until it next equals a compare register, at most once round. */
  get #untilMatch(): number {
    const range = this.#mask + 1;
    let next = range;
    for (const value of this.#compare)
      next = Math.min(next, ((value % range) - this.#counter + range) % range || range);
    return next;
  }

  /** Brings the counter up to now, with the matches on the way: an access can come before the task that is due. */
  #sync(): void {
    const now = this.#clock.ticks;
    const period = 2 ** this.#prescaler;
    while (this.#counting) {
      const ticks = Math.floor((now - this.#since) / period);
      if (ticks === 0) return;
      const step = Math.min(ticks, this.#untilMatch);
      this.#counter = (this.#counter + step) % (this.#mask + 1);
      this.#since += step * period;
      this.#matched();
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
      case TASK.shutdown:
        this.#running = false;
        if (offset === TASK.shutdown) this.#counter = 0;
        break;
      case TASK.count:
        if (this.#mode === 1 && this.#running) {
          this.#counter = (this.#counter + 1) % (this.#mask + 1);
          this.#matched();
        }
        break;
      case TASK.clear:
        this.#counter = 0;
        this.#since = this.#clock.ticks;
        break;
      default: {
        const n = (offset - TASK.capture) >>> 2;
        if (offset < TASK.capture || n >= COMPARES) this.unknownTask(offset);
        else this.#compare[n] = this.#counter;
      }
    }
    this.#arm();
  }

  /** The next compare match. */
  #arm(): void {
    if (!this.#counting) {
      this.#task.cancel();
      return;
    }
    const ticks = this.#untilMatch * 2 ** this.#prescaler - (this.#clock.ticks - this.#since);
    this.#task.schedule(this.#clock.masterTicks(Math.max(1, ticks)));
  }

  /** Events and shortcuts of the compare registers that equal the counter. */
  #matched(): void {
    const at = this.#counter;
    for (let n = 0; n < COMPARES; n++) {
      // Bits above the counter's width are not compared; MicroPython's display goes on after 2^24 us by that.
      if (this.#compare[n]! % (this.#mask + 1) !== at) continue;
      if (this.short(n)) this.#counter = 0;
      if (this.short(8 + n)) this.#running = false;
      this.raise(COMPARE_EVENT + n);
    }
  }

  protected readRegister(offset: number): number {
    switch (offset) {
      case MODE:
        return this.#mode;
      case BITMODE:
        return this.#bitMode;
      case PRESCALER:
        return this.#prescaler;
    }
    const n = (offset - CC) >>> 2;
    return offset >= CC && n < COMPARES ? this.#compare[n]! : this.unknownRead(offset);
  }

  protected writeRegister(offset: number, value: number): void {
    this.#sync();
    const n = (offset - CC) >>> 2;
    if (offset === MODE) this.#mode = value & 1;
    else if (offset === BITMODE) this.#bitMode = value & 3;
    else if (offset === PRESCALER) this.#prescaler = Math.min(value & 15, 9);
    else if (offset >= CC && n < COMPARES) this.#compare[n] = value;
    else if (offset !== ANOMALY_73) this.unknownWrite(offset, value);
    this.#counter %= this.#mask + 1;
    this.#arm();
  }

  protected resetRegisters(): void {
    this.#task.cancel();
    this.#compare.fill(0);
    this.#mode = this.#bitMode = this.#counter = this.#since = 0;
    this.#prescaler = 4;
    this.#running = false;
  }

  protected saveRegisters(): PlainFields {
    return {
      compare: this.#compare.slice(),
      mode: this.#mode,
      bitMode: this.#bitMode,
      prescaler: this.#prescaler,
      running: this.#running,
      counter: this.#counter,
      ago: this.#running ? this.#clock.ticks - this.#since : 0,
      task: this.#task.remaining,
    };
  }

  protected restoreRegisters(saved: SavedFields): void {
    this.#compare.set(saved.words('compare', COMPARES));
    this.#mode = saved.int('mode', 0, 1);
    this.#bitMode = saved.int('bitMode', 0, 3);
    this.#prescaler = saved.int('prescaler', 0, 9);
    this.#running = saved.bool('running');
    this.#counter = saved.u32('counter');
    this.#since = this.#clock.ticks - saved.int('ago', 0, Number.MAX_SAFE_INTEGER);
    this.#task.restore(saved.int('task', -1, Number.MAX_SAFE_INTEGER));
  }
}
