// SPDX-License-Identifier: MIT
//
// nRF51 QDEC: decodes two phases of a wheel, sampled at a fixed rate.
//
// Sockets: bus: span 0x1000; phases: pins of a {@link NrfGpio}. Document: [nRF51 RM] §25.
// Not modelled: the LED output and the debounce filters (their registers read back).
import type { ChipContext } from '../../backplane/board.ts';
import type { PlainFields, SavedFields } from '../../backplane/device.ts';
import type { Task } from '../../backplane/scheduler.ts';
import type { NrfGpio } from './nrf-gpio.ts';
import { NrfPeripheral, type NrfPeripheralOptions } from './nrf-peripheral.ts';

const START = 0x00;
const STOP = 0x04;
const READCLRACC = 0x08;
const SAMPLERDY = 0;
const REPORTRDY = 1;
const ACCOF = 2;
const REPORTRDY_READCLRACC = 0;
const SAMPLERDY_STOP = 1;
const ENABLE = 0x500;
const LEDPOL = 0x504;
const SAMPLEPER = 0x508;
const SAMPLE = 0x50c;
const REPORTPER = 0x510;
const ACC = 0x514;
const ACCREAD = 0x518;
const DBFEN = 0x528;
const LEDPRE = 0x540;
const ACCDBL = 0x544;
const ACCDBLREAD = 0x548;
const PSEL = 0x51c;
const MOST_DOUBLES = 15;
const MAX = Number.MAX_SAFE_INTEGER;

export class NrfQdec extends NrfPeripheral {
  readonly #gpio: NrfGpio;
  readonly #task: Task;
  readonly #psel = new Uint32Array(3).fill(0xffff_ffff);
  #enable = 0;
  #ledPolarity = 0;
  #samplePeriod = 0;
  #reportPeriod = 0;
  #debounce = 0;
  #ledPre = 16;
  #sample = 0;
  #accumulated = 0;
  #doubles = 0;
  #accumulatedRead = 0;
  #doublesRead = 0;
  #samples = 0;
  #phases = -1;

  constructor(chip: ChipContext, options: NrfPeripheralOptions & { readonly gpio: NrfGpio }) {
    super(chip, options, { events: 7, shorts: 3 });
    this.#gpio = options.gpio;
    this.#task = chip.scheduler.task(`${chip.id}.sample`, () => this.#take());
  }

  task(offset: number): void {
    if (offset === START) {
      if (this.#enable === 1) this.#schedule();
    } else if (offset === STOP) {
      this.#task.cancel();
    } else if (offset === READCLRACC) {
      this.#accumulatedRead = this.#accumulated;
      this.#doublesRead = this.#doubles;
      this.#accumulated = this.#doubles = 0;
    } else {
      this.unknownTask(offset);
    }
  }

  /** 128 us, doubled by each step of SAMPLEPER. */
  #schedule(): void {
    this.#task.schedule(this.scheduler.ns(128_000 * 2 ** this.#samplePeriod));
  }

  #take(): void {
    const level = (n: number): number => (this.#psel[n]! < 32 ? (this.#gpio.levels >>> this.#psel[n]!) & 1 : 0);
    // Gray code as a number of a turn of four.
    const a = level(1);
    const phases = (a << 1) | (a ^ level(2));
    const step = this.#phases < 0 ? 0 : (phases - this.#phases) & 3;
    this.#phases = phases;
    this.#sample = step === 0 ? 0 : step === 1 ? 1 : step === 3 ? -1 : 2;
    if (this.#sample === 2) this.#double();
    else this.#accumulate(this.#sample);
    this.#schedule();
    this.raise(SAMPLERDY);
    if (this.short(SAMPLERDY_STOP)) this.#task.cancel();
    this.#samples++;
    if (this.#samples < (this.#reportPeriod === 0 ? 10 : this.#reportPeriod * 40)) return;
    this.#samples = 0;
    if (this.#accumulated === 0) return;
    this.raise(REPORTRDY);
    if (this.short(REPORTRDY_READCLRACC)) this.task(READCLRACC);
  }

  #accumulate(step: number): void {
    const sum = this.#accumulated + step;
    if (sum > 1023 || sum < -1024) this.raise(ACCOF);
    else this.#accumulated = sum;
  }

  #double(): void {
    if (this.#doubles === MOST_DOUBLES) this.raise(ACCOF);
    else this.#doubles++;
  }

  protected readRegister(offset: number): number {
    switch (offset) {
      case ENABLE:
        return this.#enable;
      case LEDPOL:
        return this.#ledPolarity;
      case SAMPLEPER:
        return this.#samplePeriod;
      case SAMPLE:
        return this.#sample;
      case REPORTPER:
        return this.#reportPeriod;
      case ACC:
        return this.#accumulated;
      case ACCREAD:
        return this.#accumulatedRead;
      case DBFEN:
        return this.#debounce;
      case LEDPRE:
        return this.#ledPre;
      case ACCDBL:
        return this.#doubles;
      case ACCDBLREAD:
        return this.#doublesRead;
    }
    const n = (offset - PSEL) >>> 2;
    return offset >= PSEL && n < 3 ? this.#psel[n]! : this.unknownRead(offset);
  }

  protected writeRegister(offset: number, value: number): void {
    const n = (offset - PSEL) >>> 2;
    if (offset === ENABLE) this.#enable = value & 1;
    else if (offset === LEDPOL) this.#ledPolarity = value & 1;
    else if (offset === SAMPLEPER) this.#samplePeriod = value & 7;
    else if (offset === REPORTPER) this.#reportPeriod = value & 7;
    else if (offset === DBFEN) this.#debounce = value & 1;
    else if (offset === LEDPRE) this.#ledPre = value & 0x1ff;
    else if (offset >= PSEL && n < 3) this.#psel[n] = value;
    else this.unknownWrite(offset, value);
  }

  protected resetRegisters(): void {
    this.#task.cancel();
    this.#psel.fill(0xffff_ffff);
    this.#enable = this.#ledPolarity = this.#samplePeriod = this.#reportPeriod = this.#debounce = this.#sample = 0;
    this.#accumulated = this.#doubles = this.#accumulatedRead = this.#doublesRead = this.#samples = 0;
    this.#ledPre = 16;
    this.#phases = -1;
  }

  protected saveRegisters(): PlainFields {
    return {
      psel: this.#psel.slice(),
      enable: this.#enable,
      ledPolarity: this.#ledPolarity,
      samplePeriod: this.#samplePeriod,
      reportPeriod: this.#reportPeriod,
      debounce: this.#debounce,
      ledPre: this.#ledPre,
      sample: this.#sample,
      accumulated: this.#accumulated,
      doubles: this.#doubles,
      accumulatedRead: this.#accumulatedRead,
      doublesRead: this.#doublesRead,
      samples: this.#samples,
      phases: this.#phases,
      task: this.#task.remaining,
    };
  }

  protected restoreRegisters(saved: SavedFields): void {
    this.#psel.set(saved.words('psel', 3));
    this.#enable = saved.int('enable', 0, 1);
    this.#ledPolarity = saved.int('ledPolarity', 0, 1);
    this.#samplePeriod = saved.int('samplePeriod', 0, 7);
    this.#reportPeriod = saved.int('reportPeriod', 0, 7);
    this.#debounce = saved.int('debounce', 0, 1);
    this.#ledPre = saved.int('ledPre', 0, 0x1ff);
    this.#sample = saved.int('sample', -1, 2);
    this.#accumulated = saved.int('accumulated', -1024, 1023);
    this.#doubles = saved.int('doubles', 0, 15);
    this.#accumulatedRead = saved.int('accumulatedRead', -1024, 1023);
    this.#doublesRead = saved.int('doublesRead', 0, 15);
    this.#samples = saved.int('samples', 0, 1000);
    this.#phases = saved.int('phases', -1, 3);
    this.#task.restore(saved.int('task', -1, MAX));
  }
}
