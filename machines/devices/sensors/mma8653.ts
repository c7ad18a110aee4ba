// SPDX-License-Identifier: MIT
//
// Freescale MMA8653FC, three-axis accelerometer of 10 bits.
//
// Sockets: bus: I2cBus (address 0x1d); wires out: `int1`, `int2` (true = asserted, whatever the polarity bit says; `level1`
// and `level2` are the pins). `acceleration` is what it feels, in g.
// Document: [MMA8653FC]. Not modelled: motion, free-fall and orientation detection (their registers keep what is written);
// sleep mode.
import type { ChipContext } from '../../backplane/board.ts';
import { Wire } from '../../backplane/wire.ts';
import { I2cSensor } from './i2c-sensor.ts';

const STATUS = 0x00;
const OUT_X = 0x01;
const OUT_Z_LSB = 0x06;
const SYSMOD = 0x0b;
const INT_SOURCE = 0x0c;
const WHO_AM_I = 0x0d;
const XYZ_DATA_CFG = 0x0e;
const CTRL_REG1 = 0x2a;
const CTRL_REG2 = 0x2b;
const CTRL_REG3 = 0x2c;
const CTRL_REG4 = 0x2d;
const CTRL_REG5 = 0x2e;
const OFFSET_X = 0x2f;
const REGISTERS = 0x32;
const ID = 0x5a;
const ACTIVE = 0x01;
const FAST_READ = 0x02;
const RESET = 0x40;
const DATA_READY = 0x01;
const ACTIVE_HIGH = 0x02;
const ALL_READY = 0x0f;
const OVERWRITTEN = 0xf0;
/** Nanoseconds between samples, by bits 5 to 3 of CTRL_REG1. */
const PERIOD_NS = [1.25e6, 2.5e6, 5e6, 10e6, 20e6, 80e6, 160e6, 640e6] as const;
/** Counts of a g, by the range: 2, 4, 8 g. */
const COUNTS = [256, 128, 64, 64] as const;

export class Mma8653 extends I2cSensor {
  /** Levels of the INT1 and INT2 pins. */
  readonly level1: Wire;
  readonly level2: Wire;
  /** In g: x, y, z. Lying on a table with its face up, the micro:bit's feels -1 along z. */
  acceleration: readonly [number, number, number] = [0, 0, -1];

  constructor(chip: ChipContext) {
    super(chip, REGISTERS);
    this.level1 = new Wire(`${chip.id}.int1`);
    this.level2 = new Wire(`${chip.id}.int2`);
  }

  protected readRegister(n: number): number {
    if (n === WHO_AM_I) return ID;
    if (n === SYSMOD) return this.registers[CTRL_REG1]! & ACTIVE;
    if (n === INT_SOURCE) return this.#ready ? DATA_READY : 0;
    const value = this.registers[n] ?? 0;
    if (n >= OUT_X && n <= OUT_Z_LSB) {
      this.registers[STATUS] = 0;
      this.#drive();
    }
    return value;
  }

  protected override next(n: number): number {
    const fast = (this.registers[CTRL_REG1]! & FAST_READ) !== 0;
    // Bursts of data go round; in fast-read mode they skip the low bytes.
    if (n === (fast ? OUT_Z_LSB - 1 : OUT_Z_LSB)) return STATUS;
    return fast && n >= OUT_X && n < OUT_Z_LSB ? n + 2 : (n + 1) & 0xff;
  }

  protected writeRegister(n: number, value: number): void {
    if (n === CTRL_REG2 && value & RESET) {
      this.reset('warm');
      this.settle();
      return;
    }
    if (n < XYZ_DATA_CFG || n >= REGISTERS) return;
    this.registers[n] = value;
    if (n === CTRL_REG1) {
      if (value & ACTIVE) this.#schedule();
      else this.task.cancel();
    }
    this.#drive();
  }

  #schedule(): void {
    this.task.schedule(this.scheduler.ns(PERIOD_NS[(this.registers[CTRL_REG1]! >>> 3) & 7]!));
  }

  get #ready(): boolean {
    return (this.registers[STATUS]! & 0x08) !== 0;
  }

  protected sample(): void {
    const counts = COUNTS[this.registers[XYZ_DATA_CFG]! & 3]!;
    this.acceleration.forEach((g, axis) => {
      const offset = (this.registers[OFFSET_X + axis]! << 24) >> 24;
      const raw = Math.max(-512, Math.min(511, Math.round(g * counts) + Math.round((offset * 2 * counts) / 1024)));
      this.registers[OUT_X + axis * 2] = raw >> 2;
      this.registers[OUT_X + axis * 2 + 1] = (raw & 3) << 6;
    });
    this.registers[STATUS] = this.#ready ? ALL_READY | OVERWRITTEN : ALL_READY;
    this.#schedule();
    this.#drive();
  }

  #drive(): void {
    const asserted = this.#ready && (this.registers[CTRL_REG4]! & DATA_READY) !== 0;
    const first = (this.registers[CTRL_REG5]! & DATA_READY) !== 0;
    const high = (this.registers[CTRL_REG3]! & ACTIVE_HIGH) !== 0;
    this.level1.set((asserted && first) === high);
    this.level2.set((asserted && !first) === high);
  }

  settle(): void {
    this.#drive();
  }
}
