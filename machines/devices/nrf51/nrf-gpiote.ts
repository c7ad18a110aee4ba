// SPDX-License-Identifier: MIT
//
// nRF51 GPIOTE: pins as tasks and events, four channels, and the PORT event.
//
// Sockets: bus: span 0x1000; pins of a {@link NrfGpio}. Document: [nRF51 RM] §15.
import type { ChipContext } from '../../backplane/board.ts';
import type { PlainFields, SavedFields } from '../../backplane/device.ts';
import type { NrfGpio } from './nrf-gpio.ts';
import { NrfPeripheral, type NrfPeripheralOptions } from './nrf-peripheral.ts';

const CHANNELS = 4;
const PORT = 31;
const CONFIG = 0x510;
const CONFIG_BITS = 0x0013_1f03;
const MODE_EVENT = 1;
const MODE_TASK = 3;
const RISING = 1;
const FALLING = 2;
const TOGGLE = 3;

export class NrfGpiote extends NrfPeripheral {
  readonly #gpio: NrfGpio;
  readonly #config = new Uint32Array(CHANNELS);
  readonly #out = new Uint8Array(CHANNELS);

  constructor(chip: ChipContext, options: NrfPeripheralOptions & { readonly gpio: NrfGpio }) {
    super(chip, options, { events: 0xf | (1 << PORT) });
    this.#gpio = options.gpio;
    options.gpio.onLevel((pin, level) => this.#pinChanged(pin, level));
    options.gpio.detect.to((level) => {
      if (level) this.raise(PORT);
    });
  }

  #pinChanged(pin: number, level: boolean): void {
    this.#config.forEach((config, n) => {
      if ((config & 3) !== MODE_EVENT || ((config >>> 8) & 31) !== pin) return;
      const polarity = (config >>> 16) & 3;
      if (polarity === TOGGLE || (level ? polarity === RISING : polarity === FALLING)) this.raise(n);
    });
  }

  task(offset: number): void {
    const n = offset >>> 2;
    const config = this.#config[n];
    if (config === undefined) {
      this.unknownTask(offset);
      return;
    }
    if ((config & 3) !== MODE_TASK) return;
    const polarity = (config >>> 16) & 3;
    if (polarity === RISING) this.#out[n] = 1;
    else if (polarity === FALLING) this.#out[n] = 0;
    else if (polarity === TOGGLE) this.#out[n]! ^= 1;
    this.#gpio.take((config >>> 8) & 31, this.#out[n] === 1);
  }

  protected readRegister(offset: number): number {
    const n = (offset - CONFIG) >>> 2;
    return offset >= CONFIG && n < CHANNELS ? this.#config[n]! : this.unknownRead(offset);
  }

  protected writeRegister(offset: number, value: number): void {
    const n = (offset - CONFIG) >>> 2;
    if (offset < CONFIG || n >= CHANNELS) {
      this.unknownWrite(offset, value);
      return;
    }
    const before = this.#config[n]!;
    this.#config[n] = value & CONFIG_BITS;
    if ((before & 3) === MODE_TASK && (value & 3) !== MODE_TASK) this.#gpio.take((before >>> 8) & 31, undefined);
    if ((value & 3) === MODE_TASK) {
      if ((before & 3) !== MODE_TASK) this.#out[n] = (value >>> 20) & 1;
      this.#gpio.take((value >>> 8) & 31, this.#out[n] === 1);
    }
  }

  protected resetRegisters(): void {
    this.#config.fill(0);
    this.#out.fill(0);
  }

  protected saveRegisters(): PlainFields {
    return { config: this.#config.slice(), out: this.#out.slice() };
  }

  protected restoreRegisters(saved: SavedFields): void {
    this.#config.set(saved.words('config', CHANNELS).map((config) => config & CONFIG_BITS));
    this.#out.set(saved.bytes('out', CHANNELS).map((level) => level & 1));
  }
}
