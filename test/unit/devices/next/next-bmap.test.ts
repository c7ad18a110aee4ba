// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { readTarget, writeTarget } from '../../../../machines/backplane/bus.ts';
import { NextBmap } from '../../../../machines/devices/next/next-bmap.ts';
import { fuzzTargets } from '../../../support/bus-fuzz.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const RCNTL = 0x04;
const DDIR = 0x30;
const DRW = 0x34;

function make() {
  const fake = new FakeBoard();
  const bmap = new NextBmap(fake.chip('bmap'));
  bmap.reset('cold');
  bmap.settle();
  return {
    fake,
    bmap,
    read: (offset: number): number => readTarget(bmap, offset, 4),
    write: (offset: number, value: number): void => writeTarget(bmap, offset, 4, value),
  };
}

describe('NextBmap', () => {
  it('has sixteen registers that hold what is written, in words and bytes', () => {
    const { bmap, read, write } = make();
    expect(read(RCNTL)).toBe(0x4000_0000);
    for (let n = 0; n < 16; n++) {
      if (n * 4 === DRW || n * 4 === DDIR) continue;
      write(n * 4, 0xf000_0000 + n);
      expect(read(n * 4)).toBe(0xf000_0000 + n);
    }
    writeTarget(bmap, 0x21, 1, 0xab);
    expect(read(0x20)).toBe(0xf0ab_0008);
    bmap.reset('warm');
    expect([read(0x20), read(RCNTL)]).toEqual([0, 0x4000_0000]);
  });

  it('selects twisted pair with two bits together, thin Ethernet without both', () => {
    const { bmap, write } = make();
    expect(bmap.twistedPair.level).toBe(false);
    write(DRW, 0x8000_0000);
    expect(bmap.twistedPair.level).toBe(false);
    write(DRW, 0x9000_0000);
    expect(bmap.twistedPair.level).toBe(true);
    write(DRW, 0x1000_0000);
    expect(bmap.twistedPair.level).toBe(true);
    write(DRW, 0);
    expect(bmap.twistedPair.level).toBe(false);
  });

  it('shows the heartbeat, whatever is written there', () => {
    const { bmap, read, write } = make();
    expect(read(DRW)).toBe(0x2000_0000);
    bmap.heartbeatW(false);
    write(DRW, 0x2000_0000);
    expect(read(DRW)).toBe(0);
    bmap.heartbeatW(true);
    write(DRW, 0x9000_0000);
    expect(read(DRW)).toBe(0xb000_0000);
  });

  it('pulls the reset line', () => {
    const { fake, bmap, write } = make();
    const levels = fake.watch(bmap.resetOut);
    write(DDIR, 0x9000_0000);
    expect(levels).toEqual([]);
    write(DDIR, 0x4000_0000);
    expect(levels).toEqual([true, false]);
  });

  it('obeys the snapshot law, with the selection that was latched', () => {
    const { bmap, write } = make();
    write(DRW, 0x9000_0000);
    write(DRW, 0x1000_0000);
    expectSnapshotLaw(bmap, () => make().bmap);
    const other = make().bmap;
    other.restore(bmap.save());
    other.settle();
    expect(other.twistedPair.level).toBe(true);
  });

  it('survives random accesses', () => {
    const { fake, bmap } = make();
    fuzzTargets(fake, [bmap], { seed: 19 });
  });
});
