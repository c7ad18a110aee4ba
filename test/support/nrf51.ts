// SPDX-License-Identifier: MIT
import { expect } from 'vitest';
import type { Device } from '../../machines/backplane/device.ts';
import { region, type MemoryMap } from '../../machines/backplane/memory-map.ts';
import type { MemoryBlock } from '../../machines/backplane/memory.ts';
import type { ClockDomain } from '../../machines/backplane/scheduler.ts';
import { NrfGpio } from '../../machines/devices/nrf51/nrf-gpio.ts';
import type { NrfPeripheral, NrfPeripheralOptions } from '../../machines/devices/nrf51/nrf-peripheral.ts';
import { NrfPpi } from '../../machines/devices/nrf51/nrf-ppi.ts';
import { expectSnapshotLaw, FakeBoard } from './fake-board.ts';
import { random } from './random.ts';

export const RAM = 0x2000_0000;
export const SHORTS = 0x200;
export const INTENSET = 0x304;
export const INTENCLR = 0x308;
export const ENABLE = 0x500;
export const POWER = 0xffc;

/** What every peripheral of the chip is tested through. */
type Registers = Device & Pick<NrfPeripheral, 'read' | 'write'>;

/** Memory, pins and the interconnect of an nRF51, at 16 MHz, for one peripheral to be tested among. */
export class NrfBench {
  readonly fake = new FakeBoard(16_000_000);
  readonly map: MemoryMap = this.fake.map();
  readonly ram: MemoryBlock = this.fake.board.memory.allocate('ram', 16 << 10);
  readonly hfclk: ClockDomain = this.fake.board.clock('hfclk', 16_000_000);
  readonly lfclk: ClockDomain = this.fake.board.clock('lfclk', 32_768);
  readonly ppi = new NrfPpi(this.fake.chip('ppi'));
  readonly gpio = new NrfGpio(this.fake.chip('gpio'));

  constructor() {
    this.map.add(region(RAM, RAM + this.ram.size - 1).ram(this.ram));
    for (const chip of [this.ppi, this.gpio]) {
      chip.reset('cold');
      chip.settle();
    }
  }

  /** Options of the peripheral with this number. */
  at(id: number): NrfPeripheralOptions {
    return { base: 0x4000_0000 + id * 0x1000, ppi: this.ppi };
  }

  /** Connects a peripheral and switches it on. */
  mount<T extends NrfPeripheral>(chip: T): T {
    this.ppi.connect(chip);
    chip.reset('cold');
    chip.settle();
    return chip;
  }

  /** Lets an event of one peripheral trigger a task of another through channel 0. */
  connect(event: number, task: number): void {
    this.ppi.write(0x510, 4, event);
    this.ppi.write(0x514, 4, task);
    this.ppi.write(0x504, 4, 1);
  }

  us(microseconds: number): void {
    this.fake.advanceNs(microseconds * 1000);
  }

  bytes(offset: number, length: number): string {
    return Buffer.from(this.ram.bytes.subarray(offset, offset + length)).toString('hex');
  }

  put(offset: number, hex: string): void {
    this.ram.bytes.set(Buffer.from(hex.replaceAll(' ', ''), 'hex'), offset);
  }

  /**
   * Random words to and from every register, among them many small values, while time passes: nothing throws, no value is
   * out of range, nothing falls due in the past; and the snapshot law holds after them.
   */
  fuzz(chip: Registers, seed: number): void {
    const next = random(seed);
    const pick = (below: number): number => Math.floor(next() * below);
    const bases = [0, 0x100, 0x200, 0x300, 0x400, 0x500, 0x540, 0x600, 0x700];
    for (let i = 0; i < 20_000; i++) {
      const offset = pick(4) === 0 ? pick(0x400) * 4 : bases[pick(bases.length)]! + pick(32) * 4;
      if (pick(3) === 0) {
        const value = chip.read(offset, 4);
        if (!(Number.isInteger(value) && value >= 0 && value < 2 ** 32))
          expect.fail(`${offset.toString(16)}: ${value}`);
      } else {
        chip.write(offset, 4, [pick(8), RAM + pick(0x1000), pick(2 ** 32)][pick(3)]!);
      }
      if (i % 8 === 0) this.fake.advance(pick(4000));
      if (pick(64) === 0) this.gpio.voltsW(pick(32), [undefined, 0, 1.6, 3.3][pick(4)]);
      if (this.fake.scheduler.headroom < 0) expect.fail(`due in the past after ${offset.toString(16)}`);
    }
    expectSnapshotLaw(chip);
  }
}

/** Register values, by offset. */
export function values(chip: Registers, ...offsets: number[]): number[] {
  return offsets.map((offset) => chip.read(offset, 4));
}

/** Writes pairs of offset and value. */
export function set(chip: Registers, ...pairs: (readonly [offset: number, value: number])[]): void {
  for (const [offset, value] of pairs) chip.write(offset, 4, value);
}

/** After what has been written to it, a register that was switched off and on has its reset values again. */
export function expectPowerCycle(chip: Registers, resets: readonly (readonly [offset: number, value: number])[]): void {
  const initial = (): void =>
    expect(values(chip, ...resets.map(([at]) => at))).toEqual(resets.map(([, value]) => value));
  initial();
  for (const [offset] of resets) chip.write(offset, 4, 1);
  set(chip, [POWER, 0], [POWER, 1]);
  initial();
}
