// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { NrfSystem, RESET_REASON } from '../../../../machines/devices/nrf51/nrf-system.ts';
import { INTENSET, NrfBench, set, values } from '../../../support/nrf51.ts';

const HFCLKSTART = 0x000;
const HFCLKSTOP = 0x004;
const LFCLKSTART = 0x008;
const LFCLKSTOP = 0x00c;
const CAL = 0x010;
const CTSTART = 0x014;
const CTSTOP = 0x018;
const HFCLKSTARTED = 0x100;
const LFCLKSTARTED = 0x104;
const DONE = 0x10c;
const CTTO = 0x110;
const RESETREAS = 0x400;
const HFCLKRUN = 0x408;
const HFCLKSTAT = 0x40c;
const LFCLKRUN = 0x414;
const LFCLKSTAT = 0x418;
const LFCLKSRCCOPY = 0x41c;
const RAMSTATUS = 0x428;
const SYSTEMOFF = 0x500;
const POFCON = 0x510;
const LFCLKSRC = 0x518;
const GPREGRET = 0x51c;
const RAMON = 0x524;
const PERR0 = 0x528;
const RLENR0 = 0x52c;
const CTIV = 0x538;
const RESET = 0x544;
const XTALFREQ = 0x550;
const RAMONB = 0x554;
const DCDCEN = 0x578;
const PROTENSET0 = 0x600;
const PROTENSET1 = 0x604;
const DISABLEINDEBUG = 0x608;
const PROTBLOCKSIZE = 0x60c;
const DCDCFORCE = 0xa08;

function make() {
  const bench = new NrfBench();
  return { bench, system: bench.mount(new NrfSystem(bench.fake.chip('power'), bench.at(0))) };
}

describe('NrfSystem', () => {
  it('has its reset values', () => {
    const { system } = make();
    const zero = [RESETREAS, HFCLKRUN, LFCLKRUN, LFCLKSTAT, LFCLKSRCCOPY, POFCON, LFCLKSRC, GPREGRET, PERR0, RLENR0];
    expect(values(system, ...zero)).toEqual(zero.map(() => 0));
    const zeroToo = [CTIV, RESET, DCDCEN, PROTENSET0, PROTENSET1, PROTBLOCKSIZE, DCDCFORCE];
    expect(values(system, ...zeroToo)).toEqual(zeroToo.map(() => 0));
    expect(values(system, HFCLKSTAT, RAMSTATUS, RAMON, RAMONB, XTALFREQ, DISABLEINDEBUG)).toEqual([
      0x1_0000, 3, 3, 3, 0xffff_ffff, 1,
    ]);
  });

  it('starts and stops the high-frequency crystal', () => {
    const { bench, system } = make();
    const irq = bench.fake.watch(system.irq);
    set(system, [INTENSET, 1], [HFCLKSTART, 1]);
    expect(values(system, HFCLKRUN, HFCLKSTAT)).toEqual([1, 0x1_0000]);
    bench.us(400);
    expect(values(system, HFCLKSTARTED, HFCLKSTAT)).toEqual([1, 0x1_0001]);
    expect(irq).toEqual([true]);
    set(system, [HFCLKSTOP, 1]);
    expect(values(system, HFCLKRUN, HFCLKSTAT)).toEqual([0, 0x1_0000]);
  });

  it('starts the low-frequency clock from the source chosen then', () => {
    const { bench, system } = make();
    set(system, [LFCLKSRC, 1], [LFCLKSTART, 1], [LFCLKSRC, 2]);
    bench.us(249_999);
    expect(system.read(LFCLKSTARTED, 4)).toBe(0);
    bench.us(1);
    expect(values(system, LFCLKSTARTED, LFCLKRUN, LFCLKSTAT, LFCLKSRCCOPY, LFCLKSRC)).toEqual([1, 1, 0x1_0001, 1, 2]);
    set(system, [LFCLKSTOP, 1]);
    expect(values(system, LFCLKRUN, LFCLKSTAT)).toEqual([0, 1]);
  });

  it('calibrates, and times the next calibration in quarters of a second', () => {
    const { bench, system } = make();
    set(system, [CAL, 1], [CTIV, 2], [CTSTART, 1]);
    bench.us(499_999);
    expect(values(system, DONE, CTTO)).toEqual([1, 0]);
    bench.us(1);
    expect(system.read(CTTO, 4)).toBe(1);
    set(system, [CTTO, 0], [CTSTART, 1], [CTSTOP, 1]);
    bench.us(1_000_000);
    expect(system.read(CTTO, 4)).toBe(0);
  });

  it('tells after a reset why, and keeps a byte; power-on clears both', () => {
    const { system } = make();
    set(system, [GPREGRET, 0x1a5], [RAMON, 1]);
    system.because(RESET_REASON.watchdog);
    system.because(RESET_REASON.request);
    system.reset('warm');
    expect(values(system, RESETREAS, GPREGRET, RAMON)).toEqual([6, 0xa5, 3]);
    set(system, [RESETREAS, 2]);
    expect(system.read(RESETREAS, 4)).toBe(4);
    system.reset('cold');
    expect(values(system, RESETREAS, GPREGRET)).toEqual([0, 0]);
  });

  it('protects blocks of flash until a reset', () => {
    const { system } = make();
    set(system, [PROTENSET0, 1], [PROTENSET1, 1 << 31]);
    set(system, [PROTENSET0, 2], [PROTENSET1, 0]);
    expect([0, 4095, 4096, 8192, 63 * 4096].map((offset) => system.protects(offset))).toEqual([
      true,
      true,
      true,
      false,
      true,
    ]);
    system.reset('warm');
    expect(system.protects(0)).toBe(false);
  });

  it('switches itself off', () => {
    const { bench, system } = make();
    const off = bench.fake.watch(system.off);
    set(system, [SYSTEMOFF, 1]);
    expect(off).toEqual([true]);
  });

  it('survives random accesses', () => {
    const { bench, system } = make();
    bench.fuzz(system, 1);
  });
});
