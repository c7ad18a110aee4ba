// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { NrfRtc } from '../../../../machines/devices/nrf51/nrf-rtc.ts';
import { expectPowerCycle, INTENCLR, INTENSET, NrfBench, set, values } from '../../../support/nrf51.ts';

const START = 0x000;
const STOP = 0x004;
const CLEAR = 0x008;
const TRIGGER_OVERFLOW = 0x00c;
const TICK = 0x100;
const OVERFLOW = 0x104;
const COMPARE0 = 0x140;
const EVTEN = 0x340;
const EVTENSET = 0x344;
const EVTENCLR = 0x348;
const COUNTER = 0x504;
const PRESCALER = 0x508;
const CC0 = 0x540;
const SECOND_US = 1_000_000;

function make(compares: 3 | 4 = 3) {
  const bench = new NrfBench();
  const rtc = bench.mount(new NrfRtc(bench.fake.chip('rtc'), { ...bench.at(11), clock: bench.lfclk, compares }));
  return { bench, rtc };
}

describe('NrfRtc', () => {
  it('has its reset values, also after it was switched off', () => {
    expectPowerCycle(
      make().rtc,
      [COUNTER, PRESCALER, CC0, EVTEN].map((offset) => [offset, 0] as const),
    );
  });

  it('counts 32,768 Hz divided by PRESCALER + 1, which cannot change meanwhile', () => {
    const { bench, rtc } = make();
    set(rtc, [PRESCALER, 32], [START, 1], [PRESCALER, 1]);
    bench.us(SECOND_US);
    expect(values(rtc, COUNTER, PRESCALER)).toEqual([992, 32]);
    set(rtc, [STOP, 1]);
    bench.us(SECOND_US);
    expect(rtc.read(COUNTER, 4)).toBe(992);
    set(rtc, [CLEAR, 1]);
    expect(rtc.read(COUNTER, 4)).toBe(0);
  });

  it('overflows and compares only while watched', () => {
    const { bench, rtc } = make();
    set(rtc, [CC0, 3], [START, 1], [TRIGGER_OVERFLOW, 1]);
    expect(rtc.read(COUNTER, 4)).toBe(0xff_fff0);
    bench.us(1000);
    expect(values(rtc, OVERFLOW, COMPARE0)).toEqual([0, 0]);
    set(rtc, [EVTENSET, (1 << 16) | 2], [TRIGGER_OVERFLOW, 1]);
    bench.us(1000);
    expect(rtc.read(COUNTER, 4)).toBeLessThan(40);
    expect(values(rtc, OVERFLOW, COMPARE0)).toEqual([1, 1]);
  });

  it('ticks, while that is enabled, as an interrupt', () => {
    const { bench, rtc } = make();
    const irq = bench.fake.watch(rtc.irq);
    set(rtc, [INTENSET, 1], [START, 1]);
    bench.us(30);
    expect(irq).toEqual([]);
    bench.us(2);
    expect(irq).toEqual([true]);
    set(rtc, [TICK, 0], [INTENCLR, 1]);
    bench.us(1000);
    expect(rtc.read(TICK, 4)).toBe(0);
  });

  it('tells the interconnect only of routed events', () => {
    const { bench, rtc } = make();
    bench.connect(rtc.base + COMPARE0, rtc.base + STOP);
    set(rtc, [CC0, 3], [INTENSET, 1 << 16], [START, 1]);
    bench.us(1000);
    expect(rtc.read(COUNTER, 4)).toBeGreaterThan(3);
    set(rtc, [STOP, 1], [CLEAR, 1], [EVTENSET, 1 << 16], [START, 1]);
    bench.us(1000);
    expect(rtc.read(COUNTER, 4)).toBe(3);
    set(rtc, [EVTENCLR, 1 << 16]);
    expect(rtc.read(EVTEN, 4)).toBe(0);
  });

  it('has three compare registers or four', () => {
    const written = (compares: 3 | 4): number => {
      const { rtc } = make(compares);
      set(rtc, [CC0 + 12, 0x1234_5678]);
      return rtc.read(CC0 + 12, 4);
    };
    expect([written(3), written(4)]).toEqual([0, 0x34_5678]);
  });

  it('survives random accesses', () => {
    const { bench, rtc } = make();
    bench.fuzz(rtc, 11);
  });
});
