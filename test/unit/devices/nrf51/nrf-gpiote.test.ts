// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { NrfGpiote } from '../../../../machines/devices/nrf51/nrf-gpiote.ts';
import { expectPowerCycle, INTENSET, NrfBench, set, values } from '../../../support/nrf51.ts';

const IN0 = 0x100;
const PORT = 0x17c;
const CONFIG0 = 0x510;
const PIN_CNF = 0x700;
const EVENT = 1;
const TASK = 3;
const RISING = 1 << 16;
const FALLING = 2 << 16;
const TOGGLE = 3 << 16;
const INITIALLY_HIGH = 1 << 20;
const pin = (n: number): number => n << 8;

function make() {
  const bench = new NrfBench();
  const gpiote = bench.mount(new NrfGpiote(bench.fake.chip('gpiote'), { ...bench.at(6), gpio: bench.gpio }));
  const level = (n: number): number => (bench.gpio.levels >>> n) & 1;
  return { bench, gpiote, level };
}

describe('NrfGpiote', () => {
  it('has its reset values, also after it was switched off', () => {
    expectPowerCycle(
      make().gpiote,
      [0, 4, 8, 12].map((offset) => [CONFIG0 + offset, 0] as const),
    );
  });

  it('makes events of edges', () => {
    for (const [polarity, up, down] of [
      [RISING, 1, 0],
      [FALLING, 0, 1],
      [TOGGLE, 1, 1],
    ] as const) {
      const { bench, gpiote } = make();
      set(gpiote, [CONFIG0, EVENT | pin(9) | polarity]);
      bench.gpio.pinW(8, true);
      bench.gpio.pinW(9, true);
      expect(gpiote.read(IN0, 4)).toBe(up);
      set(gpiote, [IN0, 0]);
      bench.gpio.pinW(9, false);
      expect(gpiote.read(IN0, 4)).toBe(down);
    }
  });

  it('changes a pin by task, from its initial level', () => {
    const { gpiote, level } = make();
    set(gpiote, [CONFIG0, TASK | pin(9) | TOGGLE | INITIALLY_HIGH], [CONFIG0 + 4, TASK | pin(10) | RISING]);
    expect([level(9), level(10)]).toEqual([1, 0]);
    set(gpiote, [0, 1], [4, 1]);
    expect([level(9), level(10)]).toEqual([0, 1]);
    set(gpiote, [0, 1], [4, 1]);
    expect([level(9), level(10)]).toEqual([1, 1]);
    set(gpiote, [CONFIG0, 0]);
    expect(level(9)).toBe(0);
  });

  it('lets an edge of one pin change another, without the CPU', () => {
    const { bench, gpiote, level } = make();
    set(gpiote, [CONFIG0, EVENT | pin(9) | RISING], [CONFIG0 + 4, TASK | pin(10) | TOGGLE]);
    bench.connect(gpiote.base + IN0, gpiote.base + 4);
    bench.gpio.pinW(9, true);
    expect(level(10)).toBe(1);
  });

  it('makes a PORT event of a sensed level', () => {
    const { bench, gpiote } = make();
    const irq = bench.fake.watch(gpiote.irq);
    set(gpiote, [INTENSET, 0x8000_0000]);
    bench.gpio.write(PIN_CNF + 9 * 4, 4, 2 << 16);
    bench.gpio.pinW(9, true);
    expect([...values(gpiote, PORT, IN0), irq]).toEqual([1, 0, [true]]);
  });

  it('survives random accesses', () => {
    const { bench, gpiote } = make();
    bench.fuzz(gpiote, 6);
  });
});
