// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { NrfRng } from '../../../../machines/devices/nrf51/nrf-rng.ts';
import { INTENSET, NrfBench, set, SHORTS, values } from '../../../support/nrf51.ts';

const VALRDY = 0x100;
const CONFIG = 0x504;
const VALUE = 0x508;

function make(seed = 1) {
  const bench = new NrfBench();
  const rng = bench.mount(new NrfRng(bench.fake.chip('rng'), { ...bench.at(13), seed }));
  const next = (): number => {
    set(rng, [VALRDY, 0]);
    bench.us(677);
    expect(rng.read(VALRDY, 4)).toBe(1);
    return rng.read(VALUE, 4);
  };
  return { bench, rng, next };
}

describe('NrfRng', () => {
  it('gives bytes of its seed, one after another', () => {
    const bytes = (seed: number): number[] => {
      const { rng, next } = make(seed);
      set(rng, [0, 1]);
      return Array.from({ length: 64 }, next);
    };
    expect(bytes(1)).toEqual(bytes(1));
    expect(bytes(1)).not.toEqual(bytes(2));
    expect(new Set(bytes(3)).size).toBeGreaterThan(40);
  });

  it('takes 167 us, and 677 with bias correction', () => {
    for (const [config, time] of [
      [0, 167],
      [1, 677],
    ] as const) {
      const { bench, rng } = make();
      set(rng, [CONFIG, config], [0, 1]);
      bench.us(time - 1);
      expect(values(rng, VALRDY, CONFIG)).toEqual([0, config]);
      bench.us(1);
      expect(rng.read(VALRDY, 4)).toBe(1);
    }
  });

  it('goes on until it is stopped, by task or shortcut', () => {
    const { bench, rng } = make();
    const irq = bench.fake.watch(rng.irq);
    set(rng, [INTENSET, 1], [SHORTS, 1], [0, 1]);
    bench.us(200);
    set(rng, [VALRDY, 0]);
    bench.us(10_000);
    expect([rng.read(VALRDY, 4), irq]).toEqual([0, [true, false]]);
    set(rng, [SHORTS, 0], [0, 1], [4, 1]);
    bench.us(10_000);
    expect(rng.read(VALRDY, 4)).toBe(0);
  });

  it('survives random accesses', () => {
    const { bench, rng } = make();
    bench.fuzz(rng, 13);
  });
});
