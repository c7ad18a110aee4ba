// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { Ioeb } from '../../../../machines/devices/acorn/ioeb.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

function make() {
  const fake = new FakeBoard();
  const sync = { high: false };
  const options = { monitor: 0b1011, syncLines: 0b0100, hsync: () => sync.high };
  const fresh = () => new Ioeb(fake.chip('ioeb'), options);
  const ioeb = fresh();
  ioeb.reset('cold');
  ioeb.settle();
  return { fake, ioeb, sync, fresh };
}

describe('IOEB', () => {
  it('says what it is, wherever its other address lines are', () => {
    const { ioeb } = make();
    expect([ioeb.read(0x50, 1), ioeb.read(0x54, 4)]).toEqual([0x05, 0x05]);
  });

  it('shows the monitor: a line that follows the sync, inverted or not', () => {
    const { ioeb, sync } = make();
    expect(ioeb.read(0x70, 1)).toBe(0b1011);
    sync.high = true;
    expect(ioeb.read(0x70, 1)).toBe(0b1111);
    ioeb.write(0x48, 1, 0x04);
    expect(ioeb.read(0x70, 1)).toBe(0b1011);
  });

  it('selects the video clock and the polarities', () => {
    const { ioeb } = make();
    ioeb.write(0x48, 1, 0xf9);
    const levels = () => [ioeb.clock0, ioeb.clock1, ioeb.hsyncInvert, ioeb.vsyncInvert].map(({ level }) => level);
    expect(levels()).toEqual([true, false, false, true]);
    ioeb.write(0x4c, 1, 0x06);
    expect(levels()).toEqual([false, true, true, false]);
    ioeb.reset('warm');
    ioeb.settle();
    expect(levels()).toEqual([false, false, false, false]);
  });

  it('has no joysticks, and floats where nothing is', () => {
    const { fake, ioeb } = make();
    expect([ioeb.read(0x78, 1), ioeb.read(0x7c, 1), ioeb.read(0x00, 1), ioeb.read(0x48, 1)]).toEqual([
      0xff, 0xff, 0xff, 0xff,
    ]);
    ioeb.write(0x50, 1, 1);
    expect(fake.logged('guest')).toHaveLength(1);
  });

  it('obeys the snapshot law', () => {
    const { ioeb, fresh } = make();
    ioeb.write(0x48, 1, 0x0b);
    expectSnapshotLaw(ioeb, fresh);
  });

  it('survives random accesses', () => {
    const { ioeb } = make();
    const next = random(3);
    for (let i = 0; i < 20_000; i++) {
      const offset = Math.floor(next() * 0x100);
      if (next() < 0.5) ioeb.write(offset, 4, Math.floor(next() * 2 ** 32));
      else expect(ioeb.read(offset, 4)).toBeLessThanOrEqual(0xff);
    }
  });
});
