// SPDX-License-Identifier: MIT
import { expect } from 'vitest';
import { Board, type ChipContext } from '../../machines/backplane/board.ts';
import type { Device } from '../../machines/backplane/device.ts';
import { Log, type LogEntry } from '../../machines/backplane/log.ts';
import type { MemoryMap } from '../../machines/backplane/memory-map.ts';
import type { Scheduler } from '../../machines/backplane/scheduler.ts';
import type { Wire } from '../../machines/backplane/wire.ts';

/** A real board with no CPU, whose time moves by hand: what a chip needs in a unit test. */
export class FakeBoard {
  readonly entries: LogEntry[] = [];
  readonly board: Board;

  /** One master tick is one nanosecond unless told otherwise. */
  constructor(masterHz = 1_000_000_000, memoryBytes = 1 << 20) {
    const log = new Log((entry) => this.entries.push(entry), ['guest', 'unimp']);
    this.board = new Board({ masterHz, memoryBytes, log });
  }

  get scheduler(): Scheduler {
    return this.board.scheduler;
  }

  chip(id: string): ChipContext {
    return this.board.chip(id);
  }

  map(name = 'bus'): MemoryMap {
    return this.board.map(name);
  }

  /** Lets time pass, stopping at each task on the way. */
  advance(ticks: number): void {
    const end = this.scheduler.now + ticks;
    for (;;) {
      this.scheduler.runDue();
      const step = Math.min(this.scheduler.headroom, end - this.scheduler.now);
      if (step <= 0) return;
      this.scheduler.skip(step);
    }
  }

  advanceNs(ns: number): void {
    this.advance(this.scheduler.ns(ns));
  }

  /** The levels a wire takes from now on, oldest first. */
  watch(wire: Wire): boolean[] {
    const levels: boolean[] = [];
    wire.to((level) => levels.push(level));
    levels.length = 0;
    return levels;
  }

  logged(mask: 'guest' | 'unimp'): string[] {
    return this.entries.filter((entry) => entry.mask === mask).map((entry) => entry.message);
  }
}

/**
 * The snapshot law: save → restore → save gives equal fields, a fresh device restored and settled included, and a
 * nonsensical state is refused with a SnapshotError instead of being believed.
 * @param fresh makes another device of the same kind on the same or another board.
 */
export function expectSnapshotLaw(device: Device, fresh?: () => Device): void {
  const saved = device.save();
  const copy = structuredClone(saved);
  device.reset('snapshot');
  device.restore(copy);
  device.settle();
  expect(device.save()).toEqual(saved);
  if (fresh !== undefined) {
    const other = fresh();
    other.reset('snapshot');
    other.restore(structuredClone(saved));
    other.settle();
    expect(other.save()).toEqual(saved);
  }
  for (const field of Object.keys(saved)) {
    const damaged = { ...structuredClone(saved), [field]: { nonsense: true } };
    expect(() => device.restore(damaged), `field ${field} damaged`).toThrow(/./);
  }
  device.reset('snapshot');
  device.restore(structuredClone(saved));
  device.settle();
}
