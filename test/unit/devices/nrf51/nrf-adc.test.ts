// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { NrfAdc } from '../../../../machines/devices/nrf51/nrf-adc.ts';
import { ENABLE, expectPowerCycle, INTENSET, NrfBench, set, values } from '../../../support/nrf51.ts';

const END = 0x100;
const BUSY = 0x400;
const CONFIG = 0x504;
const RESULT = 0x508;
/** AIN4, pad 0 of a micro:bit. */
const PIN = 3;
const AIN4 = 1 << (8 + 4);
const TEN_BITS = 2;
const THIRD = 2 << 2;
const AGAINST_THIRD_OF_SUPPLY = 3 << 5;

function make() {
  const bench = new NrfBench();
  const adc = bench.mount(new NrfAdc(bench.fake.chip('adc'), { ...bench.at(7), gpio: bench.gpio }));
  const measure = (config: number): number => {
    set(adc, [ENABLE, 1], [CONFIG, config], [END, 0], [0, 1]);
    expect(adc.read(BUSY, 4)).toBe(1);
    bench.us(68);
    expect(values(adc, BUSY, END)).toEqual([0, 1]);
    return adc.read(RESULT, 4);
  };
  return { bench, adc, measure };
}

describe('NrfAdc', () => {
  it('has its reset values, also after it was switched off', () => {
    expectPowerCycle(make().adc, [
      [ENABLE, 0],
      [CONFIG, 0x18],
    ]);
  });

  it('measures a pin in parts of its reference, at each resolution', () => {
    const { bench, measure } = make();
    bench.gpio.voltsW(PIN, 1.65);
    const config = AIN4 | THIRD | AGAINST_THIRD_OF_SUPPLY;
    expect([0, 1, TEN_BITS].map((resolution) => measure(config | resolution))).toEqual([128, 256, 512]);
    bench.gpio.voltsW(PIN, 3.3);
    expect(measure(config | TEN_BITS)).toBe(1023);
    bench.gpio.voltsW(PIN, 0);
    expect(measure(config | TEN_BITS)).toBe(0);
  });

  it('has every input and every reference', () => {
    const { bench, measure } = make();
    [26, 27, 1, 2, 3, 4, 5, 6].forEach((pin, n) => {
      bench.gpio.voltsW(pin, 0.6);
      expect(measure(TEN_BITS | (1 << (8 + n))), `AIN${n}`).toBe(512);
      bench.gpio.voltsW(pin, undefined);
    });
    bench.gpio.voltsW(PIN, 0.6);
    expect(measure(TEN_BITS | AIN4 | (1 << 2))).toBe(341);
    expect(measure(TEN_BITS | AIN4 | (2 << 5))).toBe(372);
    expect(measure(TEN_BITS | (5 << 2) | (2 << 5))).toBe(1023);
    expect(measure(TEN_BITS | (6 << 2) | (2 << 5))).toBe(682);
    bench.gpio.voltsW(0, 2.4);
    expect(measure(TEN_BITS | AIN4 | (1 << 5) | (1 << 16))).toBe(256);
    bench.gpio.voltsW(6, 1.2);
    expect(measure(TEN_BITS | AIN4 | (1 << 5) | (2 << 16))).toBe(512);
  });

  it('tells by interrupt, can be stopped, and does nothing while disabled', () => {
    const { bench, adc } = make();
    const irq = bench.fake.watch(adc.irq);
    set(adc, [INTENSET, 1], [0, 1]);
    bench.us(100);
    expect(adc.read(END, 4)).toBe(0);
    set(adc, [ENABLE, 1], [0, 1], [4, 1]);
    bench.us(100);
    expect(irq).toEqual([]);
    set(adc, [0, 1]);
    bench.us(100);
    expect(irq).toEqual([true]);
  });

  it('survives random accesses', () => {
    const { bench, adc } = make();
    bench.fuzz(adc, 7);
  });
});
