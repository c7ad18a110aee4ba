// SPDX-License-Identifier: MIT
//
// Freescale MAG3110, three-axis magnetometer.
//
// Sockets: bus: I2cBus (address 0x0e); wire out: `int1` (data ready, active high). `field` is what it feels, in microtesla.
// Document: [MAG3110]. Not modelled: noise; the sensor's automatic reset.
import type { ChipContext } from '../../backplane/board.ts';
import { Wire } from '../../backplane/wire.ts';
import { I2cSensor } from './i2c-sensor.ts';

const DR_STATUS = 0x00;
const OUT_X = 0x01;
const OUT_Z_LSB = 0x06;
const WHO_AM_I = 0x07;
const SYSMOD = 0x08;
const OFF_X = 0x09;
const DIE_TEMP = 0x0f;
const CTRL_REG1 = 0x10;
const CTRL_REG2 = 0x11;
const REGISTERS = 0x12;
const ID = 0xc4;
const ACTIVE = 0x01;
const TRIGGER = 0x02;
const FAST_READ = 0x04;
const RAW = 0x20;
const READY = 0x0f;
const OVERWRITTEN = 0xf0;
/** A count is a tenth of a microtesla. */
const COUNTS_PER_UT = 10;
/** Nanoseconds between samples at oversampling 16, doubled by each step of bits 7 to 3 of CTRL_REG1. */
const SHORTEST_NS = 12_500_000;

export class Mag3110 extends I2cSensor {
  readonly int1: Wire;
  /** In microtesla: x, y, z; to the north and downwards, as in Cambridge. */
  field: readonly [number, number, number] = [19, 0, 45];
  degrees = 22;

  constructor(chip: ChipContext) {
    super(chip, REGISTERS);
    this.int1 = new Wire(`${chip.id}.int1`);
  }

  protected readRegister(n: number): number {
    if (n === WHO_AM_I) return ID;
    if (n === SYSMOD) return (this.registers[CTRL_REG1]! & ACTIVE) === 0 ? 0 : this.registers[CTRL_REG2]! & RAW ? 1 : 2;
    if (n === DIE_TEMP) return Math.round(this.degrees) & 0xff;
    const value = this.registers[n] ?? 0;
    if (n >= OUT_X && n <= OUT_Z_LSB) {
      this.registers[DR_STATUS] = 0;
      this.int1.set(false);
    }
    return value;
  }

  protected override next(n: number): number {
    const fast = (this.registers[CTRL_REG1]! & FAST_READ) !== 0;
    if (n === OUT_Z_LSB - (fast ? 1 : 0)) return DR_STATUS;
    return fast && n >= OUT_X && n < OUT_Z_LSB ? n + 2 : (n + 1) & 0xff;
  }

  protected writeRegister(n: number, value: number): void {
    if ((n < OFF_X || n >= DIE_TEMP) && n !== CTRL_REG1 && n !== CTRL_REG2) return;
    this.registers[n] = value;
    if (n !== CTRL_REG1) return;
    if (value & (ACTIVE | TRIGGER)) this.#schedule();
    else this.task.cancel();
  }

  #schedule(): void {
    const step = this.registers[CTRL_REG1]! >>> 3;
    this.task.schedule(this.scheduler.ns(SHORTEST_NS * 2 ** ((step & 3) + (step >>> 2))));
  }

  protected sample(): void {
    const raw = (this.registers[CTRL_REG2]! & RAW) !== 0;
    this.field.forEach((microtesla, axis) => {
      const at = OFF_X + axis * 2;
      // Offsets are 15 bits, left-aligned; raw data come without them.
      const offset = raw ? 0 : ((this.registers[at]! << 24) >> 17) | (this.registers[at + 1]! >>> 1);
      const counts = Math.max(-30_000, Math.min(30_000, Math.round(microtesla * COUNTS_PER_UT) - offset));
      this.registers[OUT_X + axis * 2] = counts >> 8;
      this.registers[OUT_X + axis * 2 + 1] = counts;
    });
    const again = (this.registers[DR_STATUS]! & 0x08) !== 0;
    this.registers[DR_STATUS] = again ? READY | OVERWRITTEN : READY;
    this.registers[CTRL_REG1]! &= ~TRIGGER;
    if (this.registers[CTRL_REG1]! & ACTIVE) this.#schedule();
    this.int1.set(true);
  }

  settle(): void {
    this.int1.set((this.registers[DR_STATUS]! & 0x08) !== 0);
  }
}
