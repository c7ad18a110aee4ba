// SPDX-License-Identifier: MIT
//
// nRF51 ADC: 8, 9 or 10 bits of an analogue input or of the supply, against the band gap, a reference pin or the supply.
//
// Sockets: bus: span 0x1000; voltages: pins of a {@link NrfGpio}. Document: [nRF51 RM] §26. Not modelled: noise.
import type { ChipContext } from '../../backplane/board.ts';
import type { PlainFields, SavedFields } from '../../backplane/device.ts';
import type { Task } from '../../backplane/scheduler.ts';
import { ANALOG_INPUTS, ANALOG_REFERENCES, type NrfGpio } from './nrf-gpio.ts';
import { NrfPeripheral, type NrfPeripheralOptions } from './nrf-peripheral.ts';

const START = 0x00;
const STOP = 0x04;
const END = 0;
const BUSY = 0x400;
const ENABLE = 0x500;
const CONFIG = 0x504;
const RESULT = 0x508;
/** INPSEL and REFSEL fields of CONFIG. */
const INPUT = { whole: 0, twoThirds: 1, third: 2, supplyTwoThirds: 5, supplyThird: 6 } as const;
const REFERENCE = { bandGap: 0, external: 1, halfSupply: 2 } as const;
const BAND_GAP = 1.2;
const CONFIG_BITS = 0x3_ff7f;
/** A third of the supply, against the band gap. */
const CONFIG_RESET = 0x18;
const MAX = Number.MAX_SAFE_INTEGER;

export class NrfAdc extends NrfPeripheral {
  readonly #gpio: NrfGpio;
  readonly #task: Task;
  #enable = 0;
  #config = CONFIG_RESET;
  #result = 0;

  constructor(chip: ChipContext, options: NrfPeripheralOptions & { readonly gpio: NrfGpio }) {
    super(chip, options, { events: 1 });
    this.#gpio = options.gpio;
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
    const full = (1 << bits) - 1;
    const ratio = this.#volts() / this.#reference();
    this.#result = Number.isFinite(ratio) ? Math.max(0, Math.min(full, Math.round(ratio * full))) : full;
    this.raise(END);
  }

  #volts(): number {
    const selected = (this.#config >>> 8) & 0xff;
    const pin = selected === 0 ? 0 : this.#gpio.volts(ANALOG_INPUTS[31 - Math.clz32(selected)]!);
    switch ((this.#config >>> 2) & 7) {
      case INPUT.whole:
        return pin;
      case INPUT.twoThirds:
        return (pin * 2) / 3;
      case INPUT.third:
        return pin / 3;
      case INPUT.supplyTwoThirds:
        return (this.#gpio.supply * 2) / 3;
      case INPUT.supplyThird:
        return this.#gpio.supply / 3;
      default:
        this.log.guest('configuration %x selects no input', this.#config);
        return 0;
    }
  }

  #reference(): number {
    switch ((this.#config >>> 5) & 3) {
      case REFERENCE.bandGap:
        return BAND_GAP;
      case REFERENCE.external: {
        const pin = ANALOG_REFERENCES[((this.#config >>> 16) & 3) - 1];
        if (pin === undefined) this.log.guest('configuration %x selects no reference', this.#config);
        return pin === undefined ? 0 : this.#gpio.volts(pin);
      }
      case REFERENCE.halfSupply:
        return this.#gpio.supply / 2;
      default:
        return this.#gpio.supply / 3;
    }
  }

  protected readRegister(offset: number): number {
    switch (offset) {
      case BUSY:
        return this.#task.scheduled ? 1 : 0;
      case ENABLE:
        return this.#enable;
      case CONFIG:
        return this.#config;
      case RESULT:
        return this.#result;
      default:
        return this.unknownRead(offset);
    }
  }

  protected writeRegister(offset: number, value: number): void {
    if (offset === ENABLE) this.#enable = value & 3;
    else if (offset === CONFIG) this.#config = value & CONFIG_BITS;
    else this.unknownWrite(offset, value);
  }

  protected resetRegisters(): void {
    this.#task.cancel();
    this.#enable = this.#result = 0;
    this.#config = CONFIG_RESET;
  }

  protected saveRegisters(): PlainFields {
    return { enable: this.#enable, config: this.#config, result: this.#result, task: this.#task.remaining };
  }

  protected restoreRegisters(saved: SavedFields): void {
    this.#enable = saved.int('enable', 0, 3);
    this.#config = saved.int('config', 0, CONFIG_BITS);
    this.#result = saved.int('result', 0, 1023);
    this.#task.restore(saved.int('task', -1, MAX));
  }
}
