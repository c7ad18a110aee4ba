// SPDX-License-Identifier: MIT
//
// nRF51 TEMP: the die's temperature in quarters of a degree Celsius, 36 us after START.
//
// Sockets: bus: span 0x1000; the temperature: `degrees`. Document: [nRF51 RM] §21. Not modelled: the converter's noise.
import type { ChipContext } from '../../backplane/board.ts';
import type { PlainFields, SavedFields } from '../../backplane/device.ts';
import type { Task } from '../../backplane/scheduler.ts';
import { NrfPeripheral, type NrfPeripheralOptions } from './nrf-peripheral.ts';

const START = 0x00;
const STOP = 0x04;
const DATARDY = 0;
/** Software clears it against an error of the chip's first revisions. [nRF51 PAN] 43 */
const OFFSET_CORRECTION = 0x504;
const TEMP = 0x508;
const CONVERSION_NS = 36_000;
const MAX = Number.MAX_SAFE_INTEGER;

export class NrfTemp extends NrfPeripheral {
  /** Degrees Celsius. */
  degrees = 22;
  readonly #task: Task;
  #result = 0;

  constructor(chip: ChipContext, options: NrfPeripheralOptions) {
    super(chip, options, { events: 1 });
    this.#task = chip.scheduler.task(`${chip.id}.ready`, () => {
      this.#result = Math.round(this.degrees * 4);
      this.raise(DATARDY);
    });
  }

  task(offset: number): void {
    if (offset === START) this.#task.schedule(this.scheduler.ns(CONVERSION_NS));
    else if (offset === STOP) this.#task.cancel();
    else this.unknownTask(offset);
  }

  protected readRegister(offset: number): number {
    return offset === TEMP ? this.#result : this.unknownRead(offset);
  }

  protected writeRegister(offset: number, value: number): void {
    if (offset !== OFFSET_CORRECTION) this.unknownWrite(offset, value);
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
