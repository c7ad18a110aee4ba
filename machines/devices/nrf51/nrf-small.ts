// SPDX-License-Identifier: MIT
//
// The nRF51's smaller peripherals: TEMP, RNG, ECB, ADC, WDT, QDEC, and the shared interrupt-only SWI.
//
// Sockets: bus: span 0x1000 each. Documents: [nRF51 RM] §17, 20-26, 30, 31.
// Not modelled: noise of the converters; the watchdog's pause while a debugger is attached.
import type { ChipContext } from '../../backplane/board.ts';
import type { PlainFields, SavedFields } from '../../backplane/device.ts';
import type { MemoryMap } from '../../backplane/memory-map.ts';
import type { Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { aes128Encrypt } from './aes128.ts';
import type { NrfGpio } from './nrf-gpio.ts';
import { NrfPeripheral, type NrfPeripheralOptions } from './nrf-peripheral.ts';

const START = 0x00;
const STOP = 0x04;
const MAX = Number.MAX_SAFE_INTEGER;

/** TEMP: the die's temperature in quarters of a degree Celsius, 36 us after START. */
export class NrfTemp extends NrfPeripheral {
  /** Degrees Celsius. */
  degrees = 22;
  readonly #task: Task;
  #result = 0;

  constructor(chip: ChipContext, options: NrfPeripheralOptions) {
    super(chip, options, { events: 1 });
    this.#task = chip.scheduler.task(`${chip.id}.ready`, () => {
      this.#result = Math.round(this.degrees * 4);
      this.raise(0);
    });
  }

  task(offset: number): void {
    if (offset === START) this.#task.schedule(this.scheduler.ns(36_000));
    else if (offset === STOP) this.#task.cancel();
    else this.unknownTask(offset);
  }

  protected readRegister(offset: number): number {
    return offset === 0x508 ? this.#result : this.unknownRead(offset);
  }

  protected writeRegister(offset: number, value: number): void {
    this.unknownWrite(offset, value);
  }

  protected resetRegisters(): void {
    this.#task.cancel();
    this.#result = 0;
  }

  protected saveRegisters(): PlainFields {
    return { result: this.#result, task: this.#task.remaining };
  }

  protected restoreRegisters(saved: SavedFields): void {
    this.#result = saved.int('result', -4096, 4096);
    this.#task.restore(saved.int('task', -1, MAX));
  }
}

/** RNG: a byte every 677 us with bias correction, 167 us without; from a seeded generator, so that runs can be repeated. */
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
    this.#task.schedule(this.scheduler.ns(this.#config & 1 ? 677_000 : 167_000));
  }

  #ready(): void {
    // Marsaglia's xorshift.
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state = (this.#state ^ (this.#state << 5)) >>> 0;
    this.#value = this.#state >>> 24;
    if (!this.short(0)) this.#schedule();
    this.raise(0);
  }

  protected readRegister(offset: number): number {
    if (offset === 0x504) return this.#config;
    return offset === 0x508 ? this.#value : this.unknownRead(offset);
  }

  protected writeRegister(offset: number, value: number): void {
    if (offset === 0x504) this.#config = value & 1;
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

/** ECB: AES-128 of a block in memory: key, clear text and room for the cipher text, 16 bytes each. */
export class NrfEcb extends NrfPeripheral {
  readonly #task: Task;
  readonly #memory: MemoryMap;
  #pointer = 0;

  constructor(chip: ChipContext, options: NrfPeripheralOptions & { readonly memory: MemoryMap }) {
    super(chip, options, { events: 3 });
    this.#memory = options.memory;
    this.#task = chip.scheduler.task(`${chip.id}.end`, () => this.#encrypt());
  }

  task(offset: number): void {
    if (offset === START) {
      this.#task.schedule(this.scheduler.ns(17_000));
    } else if (offset === STOP) {
      if (this.#task.scheduled) this.raise(1);
      this.#task.cancel();
    } else {
      this.unknownTask(offset);
    }
  }

  #encrypt(): void {
    const block = new Uint8Array(32);
    this.#memory.dmaRead(this.#pointer, block);
    this.#memory.dmaWrite((this.#pointer + 32) >>> 0, aes128Encrypt(block.subarray(0, 16), block.subarray(16)));
    this.raise(0);
  }

  protected readRegister(offset: number): number {
    return offset === 0x504 ? this.#pointer : this.unknownRead(offset);
  }

  protected writeRegister(offset: number, value: number): void {
    if (offset === 0x504) this.#pointer = value >>> 0;
    else this.unknownWrite(offset, value);
  }

  protected resetRegisters(): void {
    this.#task.cancel();
    this.#pointer = 0;
  }

  protected saveRegisters(): PlainFields {
    return { pointer: this.#pointer, task: this.#task.remaining };
  }

  protected restoreRegisters(saved: SavedFields): void {
    this.#pointer = saved.u32('pointer');
    this.#task.restore(saved.int('task', -1, MAX));
  }
}

/** ADC: 8, 9 or 10 bits of an analogue input; `input` gives volts. */
export class NrfAdc extends NrfPeripheral {
  /** Volts at analogue input `n`, 0 to 7. */
  input: (n: number) => number = () => 0;
  /** Supply voltage. */
  readonly supply = 3.3;
  readonly #task: Task;
  #enable = 0;
  #config = 0x18;
  #result = 0;

  constructor(chip: ChipContext, options: NrfPeripheralOptions) {
    super(chip, options, { events: 1 });
    this.#task = chip.scheduler.task(`${chip.id}.end`, () => this.#convert());
  }

  task(offset: number): void {
    if (offset === START) {
      const microseconds = [20, 36, 68, 68][this.#config & 3]!;
      if (this.#enable === 1) this.#task.schedule(this.scheduler.ns(microseconds * 1000));
    } else if (offset === STOP) {
      this.#task.cancel();
    } else {
      this.unknownTask(offset);
    }
  }

  #convert(): void {
    const bits = 8 + Math.min(2, this.#config & 3);
    const source = (this.#config >>> 2) & 7;
    const selected = (this.#config >>> 8) & 0xff;
    const pin = selected === 0 ? 0 : this.input(31 - Math.clz32(selected));
    // The input whole, by two thirds or by one third; or the supply by these.
    const volts =
      source === 0
        ? pin
        : source === 1
          ? (pin * 2) / 3
          : source === 2
            ? pin / 3
            : this.supply * (source === 5 ? 2 / 3 : 1 / 3);
    const reference = [1.2, 1.2, this.supply / 2, this.supply / 3][(this.#config >>> 5) & 3]!;
    const full = (1 << bits) - 1;
    this.#result = Math.max(0, Math.min(full, Math.round((volts / reference) * full)));
    this.raise(0);
  }

  protected readRegister(offset: number): number {
    switch (offset) {
      case 0x400:
        return this.#task.scheduled ? 1 : 0;
      case 0x500:
        return this.#enable;
      case 0x504:
        return this.#config;
      case 0x508:
        return this.#result;
      default:
        return this.unknownRead(offset);
    }
  }

  protected writeRegister(offset: number, value: number): void {
    if (offset === 0x500) this.#enable = value & 3;
    else if (offset === 0x504) this.#config = value & 0x3_ff7f;
    else this.unknownWrite(offset, value);
  }

  protected resetRegisters(): void {
    this.#task.cancel();
    this.#enable = this.#result = 0;
    this.#config = 0x18;
  }

  protected saveRegisters(): PlainFields {
    return { enable: this.#enable, config: this.#config, result: this.#result, task: this.#task.remaining };
  }

  protected restoreRegisters(saved: SavedFields): void {
    this.#enable = saved.int('enable', 0, 3);
    this.#config = saved.int('config', 0, 0x3_ff7f);
    this.#result = saved.int('result', 0, 1023);
    this.#task.restore(saved.int('task', -1, MAX));
  }
}

/** WDT: a countdown of 32,768 Hz that every enabled reload request must renew, or the chip is reset. */
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
    this.#task.schedule(((this.#reload + 1) * this.scheduler.masterHz) / 32_768);
  }

  #timeout(): void {
    this.raise(0);
    this.resetOut.set(true);
    this.resetOut.set(false);
  }

  protected readRegister(offset: number): number {
    switch (offset) {
      case 0x400:
        return this.#running ? 1 : 0;
      case 0x404:
        return this.#requests;
      case 0x504:
        return this.#reload;
      case 0x508:
        return this.#requestsEnabled;
      case 0x50c:
        return this.#config;
      default:
        return this.unknownRead(offset);
    }
  }

  protected writeRegister(offset: number, value: number): void {
    if (offset >= 0x600 && offset < 0x620) {
      if (value !== 0x6e52_4635) return;
      this.#requests &= ~(1 << ((offset - 0x600) >>> 2));
      if (!this.#running || this.#requests !== 0) return;
      this.#requests = this.#requestsEnabled;
      this.#restart();
    } else if (this.#running) {
      this.log.guest('register %x written while the watchdog runs', offset);
    } else if (offset === 0x504) {
      this.#reload = Math.max(0xf, value >>> 0);
    } else if (offset === 0x508) {
      this.#requestsEnabled = value & 0xff;
    } else if (offset === 0x50c) {
      this.#config = value & 9;
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
    this.#reload = saved.int('reload', 0xf, 0xffff_ffff);
    this.#requestsEnabled = saved.u8('requestsEnabled');
    this.#config = saved.int('config', 0, 9);
    this.#task.restore(saved.int('task', -1, MAX));
  }
}

const QDEC_PSEL = 0x51c;

/** QDEC: decodes two phases of a wheel, sampled at a fixed rate. */
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
    } else if (offset === 0x08) {
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
    if (this.#sample === 2) this.#doubles = Math.min(15, this.#doubles + 1);
    else this.#accumulate(this.#sample);
    this.raise(0);
    this.#samples++;
    const report = this.#reportPeriod === 0 ? 10 : this.#reportPeriod * 40;
    if (this.#samples >= report) {
      this.#samples = 0;
      if (this.#accumulated !== 0 || this.#doubles !== 0) {
        this.raise(1);
        if (this.short(0)) this.task(0x08);
        if (this.short(1)) return;
      }
    }
    this.#schedule();
  }

  #accumulate(step: number): void {
    const sum = this.#accumulated + step;
    if (sum > 1023 || sum < -1024) this.raise(2);
    else this.#accumulated = sum;
  }

  protected readRegister(offset: number): number {
    switch (offset) {
      case 0x500:
        return this.#enable;
      case 0x504:
        return this.#ledPolarity;
      case 0x508:
        return this.#samplePeriod;
      case 0x50c:
        return this.#sample;
      case 0x510:
        return this.#reportPeriod;
      case 0x514:
        return this.#accumulated;
      case 0x518:
        return this.#accumulatedRead;
      case 0x528:
        return this.#debounce;
      case 0x540:
        return this.#ledPre;
      case 0x544:
        return this.#doubles;
      case 0x548:
        return this.#doublesRead;
    }
    const n = (offset - QDEC_PSEL) >>> 2;
    return offset >= QDEC_PSEL && n < 3 ? this.#psel[n]! : this.unknownRead(offset);
  }

  protected writeRegister(offset: number, value: number): void {
    const n = (offset - QDEC_PSEL) >>> 2;
    if (offset === 0x500) this.#enable = value & 1;
    else if (offset === 0x504) this.#ledPolarity = value & 1;
    else if (offset === 0x508) this.#samplePeriod = value & 7;
    else if (offset === 0x510) this.#reportPeriod = value & 7;
    else if (offset === 0x528) this.#debounce = value & 1;
    else if (offset === 0x540) this.#ledPre = value & 0x1ff;
    else if (offset >= QDEC_PSEL && n < 3) this.#psel[n] = value;
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
