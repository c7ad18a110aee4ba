// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { readTarget, writeTarget } from '../../../../machines/backplane/bus.ts';
import { NextScr } from '../../../../machines/devices/next/next-scr.ts';
import { fuzzTargets } from '../../../support/bus-fuzz.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const RTDATA = 0x400;
const RTCLK = 0x200;
const RTCE = 0x100;

function make(reset = 0) {
  const fake = new FakeBoard();
  const calls: string[] = [];
  let answer = false;
  const clock = {
    selectW: (level: boolean): void => void calls.push(level ? 'select' : 'release'),
    clock: (data: boolean): boolean => {
      calls.push(data ? '1' : '0');
      return answer;
    },
  };
  const scr = new NextScr(fake.chip('scr'), { scr1: 0x0001_1052, scr2: reset, slot: 0x0f00_0000, clock });
  scr.reset('cold');
  scr.settle();
  return {
    fake,
    scr,
    calls,
    /** What the clock chip puts on the data line. */
    answers: (level: boolean): void => void (answer = level),
    write: (value: number): void => writeTarget(scr.scr2, 0, 4, value),
    read: (): number => readTarget(scr.scr2, 0, 4),
  };
}

describe('NextScr', () => {
  it('says what the board is, in words and bytes, and keeps saying so', () => {
    const { fake, scr } = make();
    expect(readTarget(scr.scr1, 0, 4)).toBe(0x0001_1052);
    expect([0, 1, 2, 3].map((offset) => readTarget(scr.scr1, offset, 1))).toEqual([0x00, 0x01, 0x10, 0x52]);
    expect(readTarget(scr.slot, 0, 4)).toBe(0x0f00_0000);
    writeTarget(scr.scr1, 0, 4, 0);
    writeTarget(scr.slot, 0, 4, 0);
    expect(readTarget(scr.scr1, 0, 4)).toBe(0x0001_1052);
    expect(fake.logged('guest')).toEqual(['write of 0x0 to SCR1', 'write of 0x0 to the slot register']);
  });

  it.each([
    [0x8000_0000, 'dspRun'],
    [0x4000_0000, 'dspBlockEnd'],
    [0x2000_0000, 'dspUnpacked'],
    [0x1000_0000, 'dspModeB'],
    [0x0800_0000, 'dspModeA'],
    [0x0200_0000, 'softInt2'],
    [0x0100_0000, 'softInt1'],
    [0x0000_8000, 'timerIpl7'],
    [0x0000_0080, 'romOverlay'],
    [0x0000_0040, 'dspIntLevel4'],
    [0x0000_0020, 'dspMemory'],
    [0x0000_0001, 'led'],
  ] as const)('bit %x drives %s and nothing else', (bit, name) => {
    const { scr, write, read } = make();
    const wires = [
      ...(['dspRun', 'dspBlockEnd', 'dspUnpacked', 'dspModeA', 'dspModeB', 'dspIntLevel4', 'dspMemory'] as const),
      ...(['softInt1', 'softInt2', 'timerIpl7', 'romOverlay', 'led'] as const),
    ];
    write(bit);
    expect(wires.filter((wire) => scr[wire].level)).toEqual([name]);
    expect(read()).toBe(bit);
    write(0);
    expect(wires.filter((wire) => scr[wire].level)).toEqual([]);
  });

  it('a byte written changes only its bits', () => {
    const { scr, write, read } = make();
    write(0x8000_0001);
    writeTarget(scr.scr2, 0, 1, 0x03);
    expect(read()).toBe(0x0300_0001);
    expect([scr.dspRun.level, scr.softInt1.level, scr.softInt2.level, scr.led.level]).toEqual([
      ...[false, true, true, true],
    ]);
  });

  it('selects the clock chip with RTCE and exchanges a bit at each falling edge of RTCLK', () => {
    const { calls, write } = make();
    write(RTCE);
    write(RTCE | RTDATA);
    write(RTCE | RTDATA | RTCLK);
    expect(calls).toEqual(['select']);
    write(RTCE | RTDATA);
    write(RTCE | RTCLK);
    write(RTCE);
    expect(calls).toEqual(['select', '1', '0']);
    write(0);
    write(RTCLK);
    write(0);
    expect(calls).toEqual(['select', '1', '0', 'release']);
  });

  it('shows what the clock chip answers in RTDATA', () => {
    const { answers, write, read } = make();
    answers(true);
    write(RTCE | RTCLK);
    write(RTCE);
    expect(read()).toBe(RTCE | RTDATA);
    answers(false);
    write(RTCE | RTCLK | RTDATA);
    write(RTCE | RTDATA);
    expect(read()).toBe(RTCE);
  });

  it('has the value at reset that the board wants', () => {
    const { scr, write, read } = make(0x0000_1080);
    expect(read()).toBe(0x0000_1080);
    expect(scr.romOverlay.level).toBe(true);
    write(0xff00_0001);
    scr.reset('warm');
    scr.settle();
    expect(read()).toBe(0x0000_1080);
    expect([scr.softInt1.level, scr.led.level]).toEqual([false, false]);
  });

  it('obeys the snapshot law, and a restored one drives its wires', () => {
    const { scr, write } = make();
    write(0x8100_0041);
    expectSnapshotLaw(scr, () => make().scr);
    const other = make().scr;
    other.restore(scr.save());
    other.settle();
    expect([other.dspRun.level, other.softInt1.level, other.dspIntLevel4.level]).toEqual([true, true, true]);
  });

  it('survives random accesses', () => {
    const { fake, scr } = make();
    fuzzTargets(fake, [scr.scr1, scr.scr2, scr.slot], { seed: 11 });
  });
});
