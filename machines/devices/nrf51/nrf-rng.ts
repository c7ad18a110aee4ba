// SPDX-License-Identifier: MIT
//
// nRF51 RNG: a random byte every 677 us with bias correction, 167 us without; from a seeded generator, so that runs can be
// repeated.
//
// Sockets: bus: span 0x1000. Document: [nRF51 RM] §20. Not modelled: the bias of uncorrected bytes.
import type { ChipContext } from '../../backplane/board.ts';
import type { PlainFields, SavedFields } from '../../backplane/device.ts';
import type { Task } from '../../backplane/scheduler.ts';
import { NrfPeripheral, type NrfPeripheralOptions } from './nrf-peripheral.ts';

const START = 0x00;
const STOP = 0x04;
const VALRDY = 0;
const VALRDY_STOP = 0;
const CONFIG = 0x504;
const VALUE = 0x508;
const CORRECTED_NS = 677_000;
const RAW_NS = 167_000;
const MAX = Number.MAX_SAFE_INTEGER;

export class NrfRng extends NrfPeripheral {
  readonly #task: Task;
  readonly #seed: number;
  #state: number;
  #config = 0;
  #value = 0;

  constructor(chip: ChipContext, options: NrfPeripheralOptions & { readonly seed: number }) {
    super(chip, options, { events: 1, shorts: 1 });
    this.#seed = options.seed >>> 0 || 1;
    this.#state = this.#seed;
    this.#task = chip.scheduler.task(`${chip.id}.value`, () => this.#ready());
  }

  task(offset: number): void {
    if (offset === START) this.#schedule();
    else if (offset === STOP) this.#task.cancel();
    else this.unknownTask(offset);
  }

  #schedule(): void {
    this.#task.schedule(this.scheduler.ns(this.#config & 1 ? CORRECTED_NS : RAW_NS));
  }

  #ready(): void {
    // Marsaglia's xorshift.
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state = (this.#state ^ (this.#state << 5)) >>> 0;
    this.#value = this.#state >>> 24;
    if (!this.short(VALRDY_STOP)) this.#schedule();
    this.raise(VALRDY);
  }

  protected readRegister(offset: number): number {
    if (offset === CONFIG) return this.#config;
    return offset === VALUE ? this.#value : this.unknownRead(offset);
  }

  protected writeRegister(offset: number, value: number): void {
    if (offset === CONFIG) this.#config = value & 1;
    else this.unknownWrite(offset, value);
  }

  protected resetRegisters(): void {
    this.#task.cancel();
    this.#state = this.#seed;
    this.#config = this.#value = 0;
  }

  protected saveRegisters(): PlainFields {
    return { state: this.#state, config: this.#config, value: this.#value, task: this.#task.remaining };
  }

  protected restoreRegisters(saved: SavedFields): void {
    this.#state = saved.int('state', 1, 0xffff_ffff);
    this.#config = saved.int('config', 0, 1);
    this.#value = saved.u8('value');
    this.#task.restore(saved.int('task', -1, MAX));
  }
}
