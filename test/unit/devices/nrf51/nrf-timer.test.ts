// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { NrfTimer } from '../../../../machines/devices/nrf51/nrf-timer.ts';
import { expectPowerCycle, INTENSET, NrfBench, set, SHORTS } from '../../../support/nrf51.ts';

const START = 0x000;
const STOP = 0x004;
const COUNT = 0x008;
const CLEAR = 0x00c;
const SHUTDOWN = 0x010;
const CAPTURE1 = 0x044;
const COMPARE0 = 0x140;
const MODE = 0x504;
const BITMODE = 0x508;
const PRESCALER = 0x510;
const CC0 = 0x540;
const CC1 = 0x544;

function make(widest: 16 | 32 = 32) {
  const bench = new NrfBench();
  const timer = bench.mount(new NrfTimer(bench.fake.chip('timer'), { ...bench.at(8), clock: bench.hfclk, widest }));
  const captured = (): number => {
    set(timer, [CAPTURE1, 1]);
    return timer.read(CC1, 4);
  };
  return { bench, timer, captured };
}

/** Counting microseconds, to match at 10. */
function running() {
  const all = make();
  set(all.timer, [PRESCALER, 4], [CC0, 10], [INTENSET, 1 << 16], [START, 1]);
  return { ...all, irq: all.bench.fake.watch(all.timer.irq) };
}

describe('NrfTimer', () => {
  it('has its reset values, also after it was switched off', () => {
    const zero = [MODE, BITMODE, CC0, CC1, CC0 + 8, CC0 + 12].map((offset) => [offset, 0] as const);
    expectPowerCycle(make().timer, [...zero, [PRESCALER, 4]]);
  });

  it('raises a compare event at its tick and not before', () => {
    const { bench, timer, irq } = running();
    bench.fake.advance(159);
    expect(timer.read(COMPARE0, 4)).toBe(0);
    bench.fake.advance(1);
    expect(timer.read(COMPARE0, 4)).toBe(1);
    expect(irq).toEqual([true]);
    set(timer, [COMPARE0, 0]);
    expect(irq).toEqual([true, false]);
  });

  it('does not lose a match that an access comes after, before its task has run', () => {
    const { bench, timer, captured } = running();
    bench.fake.scheduler.skip(200);
    expect(captured()).toBe(12);
    expect(timer.read(COMPARE0, 4)).toBe(1);
  });

  it('clears and stops by shortcut', () => {
    const { bench, timer, captured } = running();
    set(timer, [SHORTS, 0x101]);
    bench.us(100);
    expect(captured()).toBe(0);
  });

  it('stops, clears and shuts down by task', () => {
    const { bench, timer, captured } = running();
    bench.us(3);
    set(timer, [STOP, 1]);
    bench.us(5);
    expect(captured()).toBe(3);
    set(timer, [CLEAR, 1], [START, 1]);
    bench.us(2);
    expect(captured()).toBe(2);
    set(timer, [SHUTDOWN, 1]);
    expect(captured()).toBe(0);
  });

  it('counts tasks instead of time, with no prescaler', () => {
    const { bench, timer, captured } = make();
    set(timer, [MODE, 1], [CC0, 2], [START, 1], [COUNT, 1]);
    bench.us(100);
    expect([captured(), timer.read(COMPARE0, 4)]).toEqual([1, 0]);
    set(timer, [COUNT, 1]);
    expect([captured(), timer.read(COMPARE0, 4)]).toEqual([2, 1]);
  });

  it('wraps at each of its widths, at 16 bits in the smaller timers', () => {
    for (const [widest, mode, bits] of [
      [32, 0, 16],
      [32, 1, 8],
      [32, 2, 24],
      [16, 3, 16],
    ] as const) {
      const { bench, timer, captured } = make(widest);
      set(timer, [BITMODE, mode], [PRESCALER, 0], [START, 1]);
      bench.fake.advance(2 ** bits + 5);
      expect(captured(), `${widest}, mode ${mode}`).toBe(5);
    }
  });

  it('compares as many bits as it counts', () => {
    const { bench, timer } = make();
    set(timer, [BITMODE, 2], [PRESCALER, 0], [CC0, 0x100_0005], [START, 1]);
    bench.fake.advance(5);
    expect(timer.read(COMPARE0, 4)).toBe(1);
  });

  it('divides the clock by up to 512', () => {
    const { bench, timer, captured } = make();
    set(timer, [PRESCALER, 15], [START, 1]);
    expect(timer.read(PRESCALER, 4)).toBe(9);
    bench.fake.advance(512 * 7);
    expect(captured()).toBe(7);
  });

  it('survives random accesses', () => {
    const { bench, timer } = make();
    bench.fuzz(timer, 8);
  });
});
