// SPDX-License-Identifier: MIT
//
// nRF51 WDT: a countdown of 32,768 Hz that every enabled reload request must renew, or the chip is reset.
//
// Sockets: bus: span 0x1000; wires out: `irq`, `resetOut` (pulsed when the time is over). Document: [nRF51 RM] §24.
// Not modelled: its pause while the CPU sleeps or a debugger has stopped it (CONFIG reads back); the two ticks between
// the event and the reset.
import type { ChipContext } from '../../backplane/board.ts';
import type { PlainFields, SavedFields } from '../../backplane/device.ts';
import type { Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { NrfPeripheral, type NrfPeripheralOptions } from './nrf-peripheral.ts';

const START = 0x00;
const TIMEOUT = 0;
const RUNSTATUS = 0x400;
const REQSTATUS = 0x404;
const CRV = 0x504;
const RREN = 0x508;
const CONFIG = 0x50c;
const RR = 0x600;
const RELOAD_VALUE = 0x6e52_4635;
const CONFIG_BITS = 9;
const SHORTEST = 0xf;
const LFCLK_HZ = 32_768;
const MAX = Number.MAX_SAFE_INTEGER;

export class NrfWdt extends NrfPeripheral {
  /** Pulsed when the time is over. */
  readonly resetOut: Wire;
  readonly #task: Task;
  #running = false;
  #requests = 0;
  #reload = 0xffff_ffff;
  #requestsEnabled = 1;
  #config = 1;

  constructor(chip: ChipContext, options: NrfPeripheralOptions) {
    super(chip, options, { events: 1 });
    this.resetOut = new Wire(`${chip.id}.reset`);
    this.#task = chip.scheduler.task(`${chip.id}.timeout`, () => this.#timeout());
  }

  task(offset: number): void {
    if (offset !== START) {
      this.unknownTask(offset);
      return;
    }
    if (this.#running) return;
    this.#running = true;
    this.#requests = this.#requestsEnabled;
    this.#restart();
  }

  #restart(): void {
    this.#task.schedule(((this.#reload + 1) * this.scheduler.masterHz) / LFCLK_HZ);
  }

  #timeout(): void {
    this.raise(TIMEOUT);
    this.resetOut.set(true);
    this.resetOut.set(false);
  }

  protected readRegister(offset: number): number {
    switch (offset) {
      case RUNSTATUS:
        return this.#running ? 1 : 0;
      case REQSTATUS:
        return this.#requests;
      case CRV:
        return this.#reload;
      case RREN:
        return this.#requestsEnabled;
      case CONFIG:
        return this.#config;
      default:
        return this.unknownRead(offset);
    }
  }

  protected writeRegister(offset: number, value: number): void {
    if (offset >= RR && offset < RR + 8 * 4) {
      if (value !== RELOAD_VALUE) return;
      this.#requests &= ~(1 << ((offset - RR) >>> 2));
      if (!this.#running || this.#requests !== 0) return;
      this.#requests = this.#requestsEnabled;
      this.#restart();
    } else if (this.#running) {
      this.log.guest('register %x written while the watchdog runs', offset);
    } else if (offset === CRV) {
      this.#reload = Math.max(SHORTEST, value >>> 0);
    } else if (offset === RREN) {
      this.#requestsEnabled = value & 0xff;
    } else if (offset === CONFIG) {
      this.#config = value & CONFIG_BITS;
    } else {
      this.unknownWrite(offset, value);
    }
  }

  protected resetRegisters(): void {
    this.#task.cancel();
    this.#running = false;
    this.#requests = 0;
    this.#reload = 0xffff_ffff;
    this.#requestsEnabled = this.#config = 1;
  }

  protected saveRegisters(): PlainFields {
    return {
      running: this.#running,
      requests: this.#requests,
      reload: this.#reload,
      requestsEnabled: this.#requestsEnabled,
      config: this.#config,
      task: this.#task.remaining,
    };
  }

  protected restoreRegisters(saved: SavedFields): void {
    this.#running = saved.bool('running');
    this.#requests = saved.u8('requests');
    this.#reload = saved.int('reload', SHORTEST, 0xffff_ffff);
    this.#requestsEnabled = saved.u8('requestsEnabled');
    this.#config = saved.int('config', 0, CONFIG_BITS);
    this.#task.restore(saved.int('task', -1, MAX));
  }
}
