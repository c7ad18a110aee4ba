// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { NrfPpi } from '../../../../machines/devices/nrf51/nrf-ppi.ts';
import { NrfTimer } from '../../../../machines/devices/nrf51/nrf-timer.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { NrfBench, set, SHORTS, values } from '../../../support/nrf51.ts';

const CHEN = 0x500;
const CHENSET = 0x504;
const CHENCLR = 0x508;
const EEP0 = 0x510;
const TEP0 = 0x514;
const CHG0 = 0x800;
const CHG1 = 0x804;
const CHG0_EN = 0x000;
const CHG0_DIS = 0x004;
const CHG1_EN = 0x008;

/** Tasks of TIMER0, TIMER1 and RADIO as the interconnect calls them. */
function make() {
  const fake = new FakeBoard();
  const ppi = new NrfPpi(fake.chip('ppi'));
  const tasks: string[] = [];
  for (const base of [0x4000_8000, 0x4000_9000, 0x4000_1000]) {
    ppi.connect({ base, task: (offset: number) => tasks.push((base + offset).toString(16)) } as unknown as NrfTimer);
  }
  ppi.reset('cold');
  ppi.settle();
  return { fake, ppi, tasks };
}

describe('NrfPpi', () => {
  it('has its reset values', () => {
    expect(values(make().ppi, CHEN, CHENSET, CHENCLR, EEP0, TEP0, CHG0)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('lets an event trigger the task of an enabled channel', () => {
    const { ppi, tasks } = make();
    set(ppi, [EEP0, 0x4000_8140], [TEP0, 0x4000_9004], [EEP0 + 8, 0x4000_8140], [TEP0 + 8, 0x4000_9008]);
    ppi.event(0x4000_8140);
    set(ppi, [CHENSET, 1]);
    ppi.event(0x4000_8144);
    ppi.event(0x4000_8140);
    set(ppi, [CHENSET, 2], [CHENCLR, 1]);
    ppi.event(0x4000_8140);
    expect(tasks).toEqual(['40009004', '40009008']);
    expect(values(ppi, CHEN, CHENSET, CHENCLR)).toEqual([2, 2, 2]);
  });

  it('has channels whose ends are fixed', () => {
    const { ppi, tasks } = make();
    set(ppi, [CHEN, 0xffff_ffff]);
    expect(ppi.read(CHEN, 4)).toBe(0xfff0_ffff);
    ppi.event(0x4000_8140);
    ppi.event(0x4000_8144);
    ppi.event(0x4000_1104);
    expect(tasks).toEqual(['40001000', '40001004', '40001010', '40008044']);
  });

  it('switches groups of channels on and off, by tasks that events can trigger too', () => {
    const { ppi } = make();
    set(ppi, [CHG0, 0x0000_0003], [CHG1, 0x000f_0004], [CHG0_EN, 1]);
    expect(values(ppi, CHEN, CHG1)).toEqual([3, 4]);
    set(ppi, [EEP0, 0x4000_8140], [TEP0, 0x4001_f000 + CHG1_EN]);
    ppi.event(0x4000_8140);
    expect(ppi.read(CHEN, 4)).toBe(7);
    set(ppi, [CHG0_DIS, 1]);
    expect(ppi.read(CHEN, 4)).toBe(4);
  });

  it('cuts a loop of events and tasks', () => {
    const bench = new NrfBench();
    const timer = bench.mount(
      new NrfTimer(bench.fake.chip('timer'), { ...bench.at(8), clock: bench.hfclk, widest: 32 }),
    );
    // Counter mode: each match clears the counter and counts to it again.
    set(timer, [0x504, 1], [0x508, 3], [0x540, 1], [0x000, 1], [SHORTS, 1]);
    bench.connect(timer.base + 0x140, timer.base + 0x008);
    set(timer, [0x008, 1]);
    expect(bench.fake.logged('guest').join()).toContain('loop');
  });

  it('names an end that is no task', () => {
    const { fake, ppi, tasks } = make();
    set(ppi, [EEP0, 0x4000_8140], [TEP0, 0x4000_9500], [CHENSET, 1]);
    ppi.event(0x4000_8140);
    expect([tasks, fake.logged('guest')]).toEqual([[], ['0x40009500 is not a task']]);
  });

  it('survives random accesses', () => {
    const bench = new NrfBench();
    bench.fuzz(bench.ppi, 31);
    expectSnapshotLaw(bench.ppi, () => new NrfPpi(new FakeBoard().chip('ppi')));
  });
});
