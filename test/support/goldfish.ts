// SPDX-License-Identifier: MIT
import { expect } from 'vitest';
import { type BusTarget, swap32, type Width } from '../../machines/backplane/bus.ts';
import type { Device } from '../../machines/backplane/device.ts';
import { type MemoryMap, region } from '../../machines/backplane/memory-map.ts';
import { FakeBoard } from './fake-board.ts';
import { random } from './random.ts';

const BASE = 0x10_0000;
const RAM_BYTES = 0x2_0000;

/** A goldfish chip on a board with a little RAM from address 0 on; registers are words. */
export class GoldfishBench<T extends Device & BusTarget> {
  readonly fake = new FakeBoard();
  readonly map: MemoryMap;
  readonly ram: Uint8Array;
  readonly chip: T;
  readonly make: () => T;

  constructor(make: (fake: FakeBoard, map: MemoryMap) => T) {
    const { fake } = this;
    const map = (this.map = fake.map());
    const ram = fake.board.memory.allocate('ram', RAM_BYTES);
    this.ram = ram.bytes;
    this.make = () => make(fake, map);
    this.chip = this.make();
    map.add(region(0, RAM_BYTES - 1).ram(ram), region(BASE, BASE + this.chip.span - 1).device(this.chip, this.chip.id));
    this.chip.reset('cold');
    this.chip.settle();
  }

  // The map is a big-endian processor's.
  read = (offset: number): number => swap32(this.map.read(BASE + offset, 4));
  write = (offset: number, value: number): void => this.map.write(BASE + offset, 4, swap32(value >>> 0));

  text = (at: number, length: number): string => String.fromCharCode(...this.ram.subarray(at, at + length));
  put = (at: number, text: string): void => this.ram.set(new TextEncoder().encode(text), at);

  /** Random accesses, most to the first registers, while time passes. */
  fuzz(seed: number, firstBytes: number, besides: (next: () => number) => void = () => {}): void {
    const next = random(seed);
    const pick = (below: number): number => Math.floor(next() * below);
    for (let i = 0; i < 20_000; i++) {
      const offset = BASE + (pick(8) === 0 ? pick(this.chip.span) : pick(firstBytes));
      const width = ([1, 2, 4] as const)[pick(3)] as Width;
      if (pick(2) === 0) this.map.write(offset, width, pick(2) === 0 ? pick(2 ** (width * 8)) : pick(256));
      else expect(this.map.read(offset, width)).toBeLessThan(2 ** (width * 8));
      besides(next);
      if (i % 16 === 0) this.fake.advance(pick(100_000));
    }
    this.chip.restore(structuredClone(this.chip.save()));
  }
}
