// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { NrfTemp } from '../../../../machines/devices/nrf51/nrf-temp.ts';
import { INTENSET, NrfBench, set, values } from '../../../support/nrf51.ts';

const DATARDY = 0x100;
const TEMP = 0x508;

function make() {
  const bench = new NrfBench();
  const temp = bench.mount(new NrfTemp(bench.fake.chip('temp'), bench.at(12)));
  return { bench, temp, irq: bench.fake.watch(temp.irq) };
}

describe('NrfTemp', () => {
  it('measures quarters of a degree in 36 us, and says so by interrupt', () => {
    const { bench, temp, irq } = make();
    set(temp, [INTENSET, 1], [0, 1]);
    bench.us(35);
    expect(values(temp, DATARDY, TEMP)).toEqual([0, 0]);
    bench.us(1);
    expect(values(temp, DATARDY, TEMP)).toEqual([1, 88]);
    set(temp, [DATARDY, 0]);
    expect(irq).toEqual([true, false]);
  });

  it('gives degrees below zero as a signed number', () => {
    const { bench, temp } = make();
    temp.degrees = -5.25;
    set(temp, [0, 1]);
    bench.us(36);
    expect(temp.read(TEMP, 4)).toBe(0xffff_ffeb);
  });

  it('can be stopped', () => {
    const { bench, temp } = make();
    set(temp, [0, 1], [4, 1]);
    bench.us(100);
    expect(temp.read(DATARDY, 4)).toBe(0);
  });

  it('survives random accesses', () => {
    const { bench, temp } = make();
    bench.fuzz(temp, 12);
  });
});
