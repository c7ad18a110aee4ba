// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { readTarget, writeTarget } from '../../../../machines/backplane/bus.ts';
import { NEXT_INTERRUPT, NextInterrupts } from '../../../../machines/devices/next/next-interrupts.ts';
import { fuzzTargets } from '../../../support/bus-fuzz.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

function make() {
  const fake = new FakeBoard();
  const intc = new NextInterrupts(fake.chip('intc'));
  const levels: number[] = [];
  intc.onIpl = (level) => {
    if (levels.at(-1) !== level) levels.push(level);
  };
  intc.reset('cold');
  intc.settle();
  return {
    fake,
    intc,
    levels,
    ipl: (): number => levels.at(-1)!,
    mask: (value: number): void => writeTarget(intc.mask, 0, 4, value),
    status: (): number => readTarget(intc.status, 0, 4),
  };
}

describe('NextInterrupts', () => {
  it.each([
    ['soft1', 1],
    ['soft2', 2],
    ['power', 3],
    ['keyMouse', 3],
    ['monitor', 3],
    ['video', 3],
    ['dspLevel3', 3],
    ['floppy', 3],
    ['sound', 3],
    ['enetRx', 3],
    ['enetTx', 3],
    ['printer', 3],
    ['scsi', 3],
    ['disk', 3],
    ['dspLevel4', 4],
    ['bus', 5],
    ['remote', 5],
    ['scc', 5],
    ['r2mDma', 6],
    ['m2rDma', 6],
    ['dspDma', 6],
    ['sccDma', 6],
    ['soundInDma', 6],
    ['soundOutDma', 6],
    ['printerDma', 6],
    ['diskDma', 6],
    ['scsiDma', 6],
    ['enetRxDma', 6],
    ['enetTxDma', 6],
    ['timer', 6],
    ['powerFail', 7],
    ['nmi', 7],
  ] as const)('%s interrupts at level %d, while it is asserted and not masked', (name, level) => {
    const { intc, ipl, mask, status } = make();
    const source = intc.in(NEXT_INTERRUPT[name]);
    const bit = 2 ** NEXT_INTERRUPT[name];
    source(true);
    expect(status()).toBe(bit);
    expect(ipl()).toBe(0);
    mask(bit);
    expect(ipl()).toBe(level);
    mask(0xffff_ffff - bit);
    expect(ipl()).toBe(0);
    mask(0xffff_ffff);
    source(false);
    expect([ipl(), status()]).toEqual([0, 0]);
  });

  it('has 32 different sources', () => {
    expect(new Set(Object.values(NEXT_INTERRUPT)).size).toBe(32);
  });

  it('asks for the highest level there is', () => {
    const { intc, levels, mask } = make();
    mask(0xffff_ffff);
    for (const source of [0, 1, 12, 14, 17, 26, 31]) intc.in(source)(true);
    expect(levels).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const source of [31, 26, 17, 14, 12, 1, 0]) intc.in(source)(false);
    expect(levels).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 6, 5, 4, 3, 2, 1, 0]);
  });

  it('raises the timer to level 7 on request, nothing else', () => {
    const { intc, ipl, mask } = make();
    mask(0xffff_ffff);
    intc.timerAtLevel7W(true);
    intc.in(NEXT_INTERRUPT.scsiDma)(true);
    expect(ipl()).toBe(6);
    intc.in(NEXT_INTERRUPT.timer)(true);
    expect(ipl()).toBe(7);
    mask(2 ** NEXT_INTERRUPT.scsiDma);
    expect(ipl()).toBe(6);
    mask(0xffff_ffff);
    intc.timerAtLevel7W(false);
    expect(ipl()).toBe(6);
  });

  it('masks everything after reset; the mask can be read and written in parts', () => {
    const { fake, intc, ipl, mask } = make();
    mask(0x1234_5678);
    writeTarget(intc.mask, 1, 1, 0xab);
    expect(readTarget(intc.mask, 0, 4)).toBe(0x12ab_5678);
    intc.in(NEXT_INTERRUPT.scsi)(true);
    expect(ipl()).toBe(3);
    intc.reset('warm');
    intc.settle();
    expect([readTarget(intc.mask, 0, 4), ipl()]).toEqual([0, 0]);
    writeTarget(intc.status, 0, 4, 0xffff_ffff);
    expect(readTarget(intc.status, 0, 4)).toBe(2 ** NEXT_INTERRUPT.scsi);
    expect(fake.logged('guest')).toEqual(['write of 0xffffffff to the interrupt status']);
  });

  it('obeys the snapshot law, and a restored one asks again', () => {
    const { intc, mask } = make();
    mask(0x8000_0001);
    expectSnapshotLaw(intc, () => make().intc);
    const other = make();
    other.intc.in(31)(true);
    other.intc.restore(intc.save());
    other.intc.settle();
    expect(other.ipl()).toBe(7);
  });

  it('survives random accesses and inputs', () => {
    const { fake, intc, ipl } = make();
    fuzzTargets(fake, [intc.status, intc.mask], {
      seed: 12,
      between: (below) => {
        intc.in(below(32))(below(2) === 0);
        intc.timerAtLevel7W(below(2) === 0);
        if (ipl() < 0 || ipl() > 7) expect.fail(`level ${ipl()}`);
      },
    });
  });
});
