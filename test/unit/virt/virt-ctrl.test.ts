// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { region } from '../../../machines/backplane/memory-map.ts';
import { VirtCtrl } from '../../../machines/virt/virt-ctrl.ts';
import { expectSnapshotLaw, FakeBoard } from '../../support/fake-board.ts';
import { random } from '../../support/random.ts';

function setUp() {
  const fake = new FakeBoard();
  const map = fake.map();
  const ctrl = new VirtCtrl(fake.chip('ctrl'));
  map.add(region(0, 0xff).device(ctrl, 'ctrl'));
  ctrl.reset();
  ctrl.settle();
  return { fake, map, ctrl };
}

describe('VirtCtrl', () => {
  it('says that it can switch the machine off', () => {
    expect(setUp().map.read(0, 4)).toBe(1);
  });

  it.each([
    [1, 'resetRequest'],
    [2, 'powerOff'],
    [3, 'panic'],
  ] as const)('pulses one wire for command %d', (command, wire) => {
    const { fake, map, ctrl } = setUp();
    const all = (['resetRequest', 'powerOff', 'panic'] as const).map((name) => [name, fake.watch(ctrl[name])] as const);
    map.write(4, 4, command);
    for (const [name, levels] of all) expect(levels, name).toEqual(name === wire ? [true, false] : []);
  });

  it('does nothing for command 0 and reports others', () => {
    const { fake, map, ctrl } = setUp();
    const levels = fake.watch(ctrl.powerOff);
    map.write(4, 4, 0);
    expect(fake.logged('guest')).toEqual([]);
    map.write(4, 4, 4);
    map.write(8, 4, 2);
    expect(fake.logged('guest')).toHaveLength(2);
    expect(levels).toEqual([]);
  });

  it('obeys the snapshot law and survives random accesses', () => {
    const { map, ctrl } = setUp();
    const next = random(5);
    for (let i = 0; i < 20_000; i++) {
      const width = ([1, 2, 4] as const)[Math.floor(next() * 3)]!;
      const offset = Math.floor(next() * 0x100);
      if (i & 1) map.write(offset, width, Math.floor(next() * 5));
      else expect(map.read(offset, width)).toBeLessThan(2 ** (width * 8));
    }
    expectSnapshotLaw(ctrl);
  });
});
