// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { NrfWdt } from '../../../../machines/devices/nrf51/nrf-wdt.ts';
import { INTENSET, NrfBench, set, values } from '../../../support/nrf51.ts';

const TIMEOUT = 0x100;
const RUNSTATUS = 0x400;
const REQSTATUS = 0x404;
const CRV = 0x504;
const RREN = 0x508;
const CONFIG = 0x50c;
const RR = 0x600;
const RELOAD = 0x6e52_4635;

function make() {
  const bench = new NrfBench();
  const wdt = bench.mount(new NrfWdt(bench.fake.chip('wdt'), bench.at(16)));
  return { bench, wdt, resets: bench.fake.watch(wdt.resetOut) };
}

describe('NrfWdt', () => {
  it('has its reset values', () => {
    expect(values(make().wdt, RUNSTATUS, REQSTATUS, CRV, RREN, CONFIG)).toEqual([0, 0, 0xffff_ffff, 1, 1]);
  });

  it('resets the chip when nobody has reloaded it for CRV + 1 ticks of 32,768 Hz', () => {
    const { bench, wdt, resets } = make();
    set(wdt, [CRV, 32_767], [INTENSET, 1], [0, 1]);
    expect(values(wdt, RUNSTATUS, REQSTATUS)).toEqual([1, 1]);
    bench.us(999_999);
    expect(resets).toEqual([]);
    bench.us(1);
    expect([wdt.read(TIMEOUT, 4), wdt.irq.level, resets]).toEqual([1, true, [true, false]]);
  });

  it('is reloaded once every enabled request has been made', () => {
    const { bench, wdt, resets } = make();
    set(wdt, [CRV, 32_767], [RREN, 5], [0, 1]);
    bench.us(600_000);
    set(wdt, [RR, RELOAD], [RR + 4, RELOAD], [RR + 8, RELOAD - 1]);
    expect(wdt.read(REQSTATUS, 4)).toBe(4);
    set(wdt, [RR + 8, RELOAD]);
    expect(wdt.read(REQSTATUS, 4)).toBe(5);
    bench.us(999_999);
    expect(resets).toEqual([]);
    bench.us(1);
    expect(resets).toEqual([true, false]);
  });

  it('cannot be changed while it runs', () => {
    const { bench, wdt } = make();
    set(wdt, [0, 1], [CRV, 100], [RREN, 0xff], [CONFIG, 8]);
    expect(values(wdt, CRV, RREN, CONFIG)).toEqual([0xffff_ffff, 1, 1]);
    expect(bench.fake.logged('guest')).toHaveLength(3);
  });

  it('counts at least 15 ticks', () => {
    const { wdt } = make();
    set(wdt, [CRV, 0]);
    expect(wdt.read(CRV, 4)).toBe(15);
  });

  it('survives random accesses', () => {
    const { bench, wdt } = make();
    bench.fuzz(wdt, 16);
  });
});
