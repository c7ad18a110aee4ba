// SPDX-License-Identifier: MIT
//
// nRF51 LPCOMP: compares an analogue input with eighths of the supply or with a reference pin.
//
// Sockets: bus: span 0x1000; voltages: pins of a {@link NrfGpio}. Document: [nRF51 RM] §27.
// Not modelled: hysteresis; waking the chip from SYSTEMOFF (ANADETECT reads back).
import type { ChipContext } from '../../backplane/board.ts';
import type { PlainFields, SavedFields } from '../../backplane/device.ts';
import type { Task } from '../../backplane/scheduler.ts';
import { ANALOG_INPUTS, ANALOG_REFERENCES, type NrfGpio } from './nrf-gpio.ts';
import { NrfPeripheral, type NrfPeripheralOptions } from './nrf-peripheral.ts';

const TASK = { start: 0x00, stop: 0x04, sample: 0x08 } as const;
const EVENT = { ready: 0, down: 1, up: 2, cross: 3 } as const;
const SHORT = { readySample: 0, readyStop: 1, downStop: 2, upStop: 3, crossStop: 4 } as const;
const RESULT = 0x400;
const ENABLE = 0x500;
const PSEL = 0x504;
const REFSEL = 0x508;
const EXTREFSEL = 0x50c;
const ANADETECT = 0x520;
const ENABLED = 1;
const EXTERNAL = 7;
const START_UP_NS = 40_000;

export class NrfLpcomp extends NrfPeripheral {
  readonly #gpio: NrfGpio;
  readonly #task: Task;
  #enable = 0;
  #input = 0;
  #reference = 0;
  #externalReference = 0;
  #detect = 0;
  #running = false;
  #above = false;
  #result = false;

  constructor(chip: ChipContext, options: NrfPeripheralOptions & { readonly gpio: NrfGpio }) {
    super(chip, options, { events: 0xf, shorts: 0x1f });
    this.#gpio = options.gpio;
    this.#task = chip.scheduler.task(`${chip.id}.ready`, () => this.#ready());
    options.gpio.onVolts(() => this.#compare());
  }

  get #inputAbove(): boolean {
    const { supply } = this.#gpio;
    const reference =
      this.#reference === EXTERNAL
        ? this.#gpio.volts(ANALOG_REFERENCES[this.#externalReference]!)
        : ((this.#reference + 1) * supply) / 8;
    return this.#gpio.volts(ANALOG_INPUTS[this.#input]!) > reference;
  }

  task(offset: number): void {
    switch (offset) {
      case TASK.start:
        if (this.#enable === ENABLED && !this.#running) this.#task.schedule(this.scheduler.ns(START_UP_NS));
        return;
      case TASK.stop:
        this.#stop();
        return;
      case TASK.sample:
        this.#result = this.#above;
        return;
      default:
        this.unknownTask(offset);
    }
  }

  #stop(): void {
    this.#task.cancel();
    this.#running = false;
  }

  #ready(): void {
    this.#running = true;
    this.#above = this.#inputAbove;
    this.raise(EVENT.ready);
    if (this.short(SHORT.readySample)) this.task(TASK.sample);
    if (this.short(SHORT.readyStop)) this.#stop();
  }

  #compare(): void {
    if (!this.#running) return;
    const above = this.#inputAbove;
    if (above === this.#above) return;
    this.#above = above;
    this.raise(above ? EVENT.up : EVENT.down);
    this.raise(EVENT.cross);
    if (this.short(above ? SHORT.upStop : SHORT.downStop) || this.short(SHORT.crossStop)) this.#stop();
  }

  protected readRegister(offset: number): number {
    switch (offset) {
      case RESULT:
        return this.#result ? 1 : 0;
      case ENABLE:
        return this.#enable;
      case PSEL:
        return this.#input;
      case REFSEL:
        return this.#reference;
      case EXTREFSEL:
        return this.#externalReference;
      case ANADETECT:
        return this.#detect;
      default:
        return this.unknownRead(offset);
    }
  }

  protected writeRegister(offset: number, value: number): void {
    switch (offset) {
      case ENABLE:
        this.#enable = value & 3;
        if (this.#enable !== ENABLED) this.#stop();
        return;
      case PSEL:
        this.#input = value & 7;
        break;
      case REFSEL:
        this.#reference = value & 7;
        break;
      case EXTREFSEL:
        this.#externalReference = value & 1;
        break;
      case ANADETECT:
        this.#detect = value & 3;
        return;
      default:
        this.unknownWrite(offset, value);
        return;
    }
    this.#compare();
  }

  protected resetRegisters(): void {
    this.#stop();
    this.#enable = this.#input = this.#reference = this.#externalReference = this.#detect = 0;
    this.#above = this.#result = false;
  }

  protected saveRegisters(): PlainFields {
    return {
      enable: this.#enable,
      input: this.#input,
      reference: this.#reference,
      externalReference: this.#externalReference,
      detect: this.#detect,
      running: this.#running,
      above: this.#above,
      result: this.#result,
      task: this.#task.remaining,
    };
  }

  protected restoreRegisters(saved: SavedFields): void {
    this.#enable = saved.int('enable', 0, 3);
    this.#input = saved.int('input', 0, 7);
    this.#reference = saved.int('reference', 0, 7);
    this.#externalReference = saved.int('externalReference', 0, 1);
    this.#detect = saved.int('detect', 0, 3);
    this.#running = saved.bool('running');
    this.#above = saved.bool('above');
    this.#result = saved.bool('result');
    this.#task.restore(saved.int('task', -1, Number.MAX_SAFE_INTEGER));
  }
}
