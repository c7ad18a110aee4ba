// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { NrfLpcomp } from '../../../../machines/devices/nrf51/nrf-lpcomp.ts';
import { ENABLE, expectPowerCycle, INTENSET, NrfBench, set, SHORTS, values } from '../../../support/nrf51.ts';

const START = 0x000;
const STOP = 0x004;
const SAMPLE = 0x008;
const EVENTS = [0x100, 0x104, 0x108, 0x10c] as const;
const RESULT = 0x400;
const PSEL = 0x504;
const REFSEL = 0x508;
const EXTREFSEL = 0x50c;
const ANADETECT = 0x520;
const PIN = 3;

function make() {
  const bench = new NrfBench();
  const lpcomp = bench.mount(new NrfLpcomp(bench.fake.chip('lpcomp'), { ...bench.at(19), gpio: bench.gpio }));
  const start = (): void => {
    // AIN4 against half of the supply.
    set(lpcomp, [PSEL, 4], [REFSEL, 3], [ENABLE, 1], [START, 1]);
    bench.us(40);
  };
  const sample = (): number => {
    set(lpcomp, [SAMPLE, 1]);
    return lpcomp.read(RESULT, 4);
  };
  const clear = (): void => EVENTS.forEach((event) => set(lpcomp, [event, 0]));
  return { bench, lpcomp, start, sample, clear };
}

describe('NrfLpcomp', () => {
  it('has its reset values, also after it was switched off', () => {
    expectPowerCycle(
      make().lpcomp,
      [ENABLE, PSEL, REFSEL, EXTREFSEL, ANADETECT].map((offset) => [offset, 0] as const),
    );
  });

  it('is ready after a while, and not while disabled', () => {
    const { bench, lpcomp } = make();
    set(lpcomp, [START, 1]);
    bench.us(100);
    expect(lpcomp.read(EVENTS[0], 4)).toBe(0);
    set(lpcomp, [ENABLE, 1], [START, 1]);
    bench.us(39);
    expect(lpcomp.read(EVENTS[0], 4)).toBe(0);
    bench.us(1);
    expect(values(lpcomp, ...EVENTS)).toEqual([1, 0, 0, 0]);
  });

  it('raises events when the input crosses the reference, up and down', () => {
    const { bench, lpcomp, start, clear } = make();
    start();
    clear();
    const irq = bench.fake.watch(lpcomp.irq);
    set(lpcomp, [INTENSET, 8]);
    bench.gpio.voltsW(PIN, 1.6);
    expect(values(lpcomp, ...EVENTS)).toEqual([0, 0, 0, 0]);
    bench.gpio.voltsW(PIN, 1.7);
    expect(values(lpcomp, ...EVENTS)).toEqual([0, 0, 1, 1]);
    clear();
    bench.gpio.voltsW(PIN, 0.2);
    expect(values(lpcomp, ...EVENTS)).toEqual([0, 1, 0, 1]);
    expect(irq).toEqual([true, false, true]);
  });

  it('samples by task, and when ready by shortcut', () => {
    const { bench, lpcomp, start, sample } = make();
    bench.gpio.voltsW(PIN, 3);
    set(lpcomp, [SHORTS, 1]);
    start();
    expect(lpcomp.read(RESULT, 4)).toBe(1);
    bench.gpio.voltsW(PIN, 1);
    expect(lpcomp.read(RESULT, 4)).toBe(1);
    expect(sample()).toBe(0);
  });

  it('compares with a reference pin', () => {
    const { bench, lpcomp, start, sample } = make();
    start();
    bench.gpio.voltsW(PIN, 1);
    bench.gpio.voltsW(0, 0.9);
    bench.gpio.voltsW(6, 1.1);
    set(lpcomp, [REFSEL, 7]);
    expect(sample()).toBe(1);
    set(lpcomp, [EXTREFSEL, 1]);
    expect(sample()).toBe(0);
  });

  it('stops by task and by each of its shortcuts', () => {
    for (const [short, up] of [
      [1 << 1, true],
      [1 << 2, false],
      [1 << 3, true],
      [1 << 4, false],
    ] as const) {
      const { bench, lpcomp, start, clear } = make();
      bench.gpio.voltsW(PIN, up ? 0 : 3);
      set(lpcomp, [SHORTS, short]);
      start();
      bench.gpio.voltsW(PIN, up ? 3 : 0);
      clear();
      bench.gpio.voltsW(PIN, up ? 0 : 3);
      expect(values(lpcomp, ...EVENTS), `shortcut ${short}`).toEqual([0, 0, 0, 0]);
    }
    const { bench, lpcomp, start, clear } = make();
    start();
    set(lpcomp, [STOP, 1]);
    clear();
    bench.gpio.voltsW(PIN, 3);
    expect(values(lpcomp, ...EVENTS)).toEqual([0, 0, 0, 0]);
  });

  it('survives random accesses', () => {
    const { bench, lpcomp } = make();
    bench.fuzz(lpcomp, 19);
  });
});
