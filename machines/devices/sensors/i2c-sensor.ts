// SPDX-License-Identifier: MIT
import type { ChipContext } from '../../backplane/board.ts';
import { SavedFields, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import type { I2cTarget } from '../i2c/i2c-bus.ts';

/**
 * A sensor on an I2C bus: the first written byte names a register and further bytes move on through them. From time to
 * time it takes a sample.
 */
export abstract class I2cSensor implements I2cTarget, Device {
  readonly id: string;
  protected readonly scheduler: Scheduler;
  protected readonly registers: Uint8Array;
  /** When the next sample is taken. */
  protected readonly task: Task;
  #pointer = 0;
  /** Whether the next byte written names a register. */
  #expectPointer = false;

  constructor(chip: ChipContext, registers: number) {
    this.id = chip.id;
    this.scheduler = chip.scheduler;
    this.registers = new Uint8Array(registers);
    this.task = chip.scheduler.task(`${chip.id}.sample`, () => this.sample());
  }

  protected abstract sample(): void;
  /** Drives the interrupt pins. */
  abstract settle(): void;
  protected abstract readRegister(n: number): number;
  protected abstract writeRegister(n: number, value: number): void;
  /** The register after `n` in a longer access. */
  protected next(n: number): number {
    return (n + 1) & 0xff;
  }

  start(reading: boolean): boolean {
    this.#expectPointer = !reading;
    return true;
  }

  write(byte: number): boolean {
    if (this.#expectPointer) {
      this.#pointer = byte;
      this.#expectPointer = false;
    } else {
      this.writeRegister(this.#pointer, byte);
      this.#pointer = this.next(this.#pointer);
    }
    return true;
  }

  read(): number {
    const value = this.readRegister(this.#pointer);
    this.#pointer = this.next(this.#pointer);
    return value & 0xff;
  }

  stop(): void {}

  reset(_kind: ResetKind): void {
    this.task.cancel();
    this.registers.fill(0);
    this.#pointer = 0;
    this.#expectPointer = false;
  }

  save(): PlainFields {
    return {
      registers: this.registers.slice(),
      pointer: this.#pointer,
      expectPointer: this.#expectPointer,
      task: this.task.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.registers.set(saved.bytes('registers', this.registers.length));
    this.#pointer = saved.u8('pointer');
    this.#expectPointer = saved.bool('expectPointer');
    this.task.restore(saved.int('task', -1, Number.MAX_SAFE_INTEGER));
  }
}
