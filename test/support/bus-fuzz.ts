// SPDX-License-Identifier: MIT
import { expect } from 'vitest';
import { type BusTarget, readTarget, type Width, writeTarget } from '../../machines/backplane/bus.ts';
import type { FakeBoard } from './fake-board.ts';
import { random } from './random.ts';

export interface BusFuzz {
  readonly seed: number;
  readonly steps?: number;
  /** Most ticks that pass between two accesses. */
  readonly ticks?: number;
  /** What else may happen between two accesses. */
  readonly between?: (below: (n: number) => number) => void;
}

/**
 * Random reads and writes of all offsets and widths, with time advancing: nothing throws, what is read fits its width,
 * and nothing is scheduled in the past.
 */
export function fuzzTargets(fake: FakeBoard, targets: readonly BusTarget[], options: BusFuzz): void {
  const { seed, steps = 20_000, ticks = 2000, between } = options;
  const next = random(seed);
  const below = (n: number): number => Math.floor(next() * n);
  for (let step = 0; step < steps; step++) {
    const target = targets[below(targets.length)]!;
    const { valid } = target.access;
    const widths = ([1, 2, 4] as const).filter((one) => one >= valid.min && one <= valid.max && one <= target.span);
    const width: Width = widths[below(widths.length)]!;
    const offset = below(target.span / width) * width;
    const most = 2 ** (width * 8);
    if (below(2) === 0) {
      // Half of what is written has few bits set: commands.
      const value = below(2) === 0 ? below(most) : (1 << below(width * 8)) >>> 0;
      writeTarget(target, offset, width, value);
    } else {
      const value = readTarget(target, offset, width);
      if (!(Number.isInteger(value) && value >= 0 && value < most)) {
        expect.fail(`step ${step}: ${value} read at ${offset.toString(16)}, ${width} bytes`);
      }
    }
    const peeked = target.peek?.(offset);
    if (peeked !== undefined && !(peeked >= 0 && peeked <= 0xffff_ffff)) expect.fail(`${peeked} peeked`);
    between?.(below);
    fake.advance(below(ticks));
    if (fake.scheduler.headroom < 0) expect.fail('scheduled in the past');
  }
}
