// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { NrfQdec } from '../../../../machines/devices/nrf51/nrf-qdec.ts';
import { ENABLE, expectPowerCycle, INTENSET, NrfBench, set, SHORTS, values } from '../../../support/nrf51.ts';

const READCLRACC = 0x008;
const SAMPLERDY = 0x100;
const REPORTRDY = 0x104;
const ACCOF = 0x108;
const LEDPOL = 0x504;
const SAMPLEPER = 0x508;
const SAMPLE = 0x50c;
const REPORTPER = 0x510;
const ACC = 0x514;
const ACCREAD = 0x518;
const PSELLED = 0x51c;
const PSELA = 0x520;
const PSELB = 0x524;
const DBFEN = 0x528;
const LEDPRE = 0x540;
const ACCDBL = 0x544;
const ACCDBLREAD = 0x548;
const PINS = [10, 11] as const;
/** Levels of both phases through a turn. */
const TURN = [
  [false, false],
  [false, true],
  [true, true],
  [true, false],
] as const;

function make() {
  const bench = new NrfBench();
  const qdec = bench.mount(new NrfQdec(bench.fake.chip('qdec'), { ...bench.at(18), gpio: bench.gpio }));
  let at = 0;
  /** Turns the wheel by quarters before each of the next samples. */
  const turn = (quarters: number, times: number): void => {
    for (let i = 0; i < times; i++) {
      at = (at + quarters + 4) & 3;
      PINS.forEach((pin, n) => bench.gpio.pinW(pin, TURN[at]![n]));
      bench.us(128);
    }
  };
  const start = (): void => {
    set(qdec, [PSELA, PINS[0]], [PSELB, PINS[1]], [ENABLE, 1], [0, 1]);
    turn(0, 1);
    set(qdec, [SAMPLERDY, 0]);
  };
  return { bench, qdec, turn, start };
}

describe('NrfQdec', () => {
  it('has its reset values, also after it was switched off', () => {
    const none = 0xffff_ffff;
    expectPowerCycle(make().qdec, [
      ...[ENABLE, LEDPOL, SAMPLEPER, REPORTPER, DBFEN].map((offset) => [offset, 0] as const),
      ...[PSELLED, PSELA, PSELB].map((offset) => [offset, none] as const),
      [LEDPRE, 16],
    ]);
  });

  it('counts both directions', () => {
    const { qdec, turn, start } = make();
    start();
    turn(1, 5);
    expect(values(qdec, ACC, SAMPLE, SAMPLERDY)).toEqual([5, 1, 1]);
    turn(-1, 2);
    expect(values(qdec, ACC, SAMPLE)).toEqual([3, 0xffff_ffff]);
  });

  it('counts steps of two quarters, whose direction nobody knows, apart', () => {
    const { qdec, turn, start } = make();
    start();
    turn(2, 3);
    expect(values(qdec, ACC, ACCDBL, SAMPLE)).toEqual([0, 3, 2]);
    turn(2, 13);
    expect(values(qdec, ACCDBL, ACCOF)).toEqual([15, 1]);
  });

  it('hands its counts over by task', () => {
    const { qdec, turn, start } = make();
    start();
    turn(1, 4);
    turn(2, 1);
    set(qdec, [READCLRACC, 1]);
    expect(values(qdec, ACC, ACCREAD, ACCDBL, ACCDBLREAD)).toEqual([0, 4, 0, 1]);
  });

  it('reports after ten samples that moved, and hands over by shortcut', () => {
    const { bench, qdec, turn, start } = make();
    const irq = bench.fake.watch(qdec.irq);
    set(qdec, [INTENSET, 2], [SHORTS, 1]);
    start();
    turn(0, 9);
    expect(qdec.read(REPORTRDY, 4)).toBe(0);
    turn(1, 10);
    expect([...values(qdec, REPORTRDY, ACC, ACCREAD), irq.length]).toEqual([1, 0, 10, 1]);
  });

  it('overflows instead of wrapping', () => {
    const { qdec, turn, start } = make();
    start();
    turn(1, 1023);
    expect(values(qdec, ACC, ACCOF)).toEqual([1023, 0]);
    turn(1, 1);
    expect(values(qdec, ACC, ACCOF)).toEqual([1023, 1]);
  });

  it('stops after a sample by shortcut, and samples as seldom as it is told', () => {
    const { bench, qdec, start } = make();
    set(qdec, [SAMPLEPER, 3]);
    start();
    bench.us(895);
    expect(qdec.read(SAMPLERDY, 4)).toBe(0);
    set(qdec, [SHORTS, 2]);
    bench.us(1);
    expect(qdec.read(SAMPLERDY, 4)).toBe(1);
    set(qdec, [SAMPLERDY, 0]);
    bench.us(10_000);
    expect(qdec.read(SAMPLERDY, 4)).toBe(0);
  });

  it('survives random accesses', () => {
    const { bench, qdec } = make();
    bench.fuzz(qdec, 18);
  });
});
