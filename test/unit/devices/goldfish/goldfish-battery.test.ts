// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { swap32 } from '../../../../machines/backplane/bus.ts';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { GoldfishBattery } from '../../../../machines/devices/goldfish/goldfish-battery.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const [INT_STATUS, INT_ENABLE, AC_ONLINE, STATUS, HEALTH, PRESENT, CAPACITY] = [
  0x00, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18,
];
const LOW = { acOnline: 0, status: 2, health: 1, present: 1, capacity: 7 } as const;

function setUp() {
  const fake = new FakeBoard();
  const map = fake.map();
  const make = () => new GoldfishBattery(fake.chip('battery'));
  const battery = make();
  map.add(region(0, 0xfff).device(battery, 'battery'));
  battery.reset('cold');
  battery.settle();
  return { fake, map, battery, make, read: (offset: number) => swap32(map.read(offset, 4)) };
}

describe('GoldfishBattery', () => {
  it('begins half full and charging', () => {
    const { read } = setUp();
    expect([AC_ONLINE, STATUS, HEALTH, PRESENT, CAPACITY].map(read)).toEqual([1, 1, 1, 1, 50]);
  });

  it('raises its interrupt for enabled changes, until the status is read', () => {
    const { battery, map, read } = setUp();
    battery.set(LOW);
    expect(battery.irq.level).toBe(false);
    map.write(INT_ENABLE, 4, swap32(3));
    expect(battery.irq.level).toBe(true);
    expect([AC_ONLINE, STATUS, HEALTH, PRESENT, CAPACITY].map(read)).toEqual([0, 2, 1, 1, 7]);
    expect([read(INT_STATUS), read(INT_STATUS)]).toEqual([3, 0]);
    expect(battery.irq.level).toBe(false);
    battery.set({ ...LOW, capacity: 6 });
    expect(read(INT_STATUS)).toBe(1);
  });

  it('obeys the snapshot law', () => {
    const { battery, make, map } = setUp();
    map.write(INT_ENABLE, 4, swap32(1));
    battery.set(LOW);
    expectSnapshotLaw(battery, make);
    expect(battery.irq.level).toBe(true);
  });

  it('survives random accesses', () => {
    const { battery, map } = setUp();
    const next = random(9);
    const pick = (below: number): number => Math.floor(next() * below);
    for (let i = 0; i < 20_000; i++) {
      const offset = pick(4) === 0 ? pick(0x1000) : pick(0x20);
      const width = ([1, 2, 4] as const)[pick(3)]!;
      if (pick(2) === 0) map.write(offset, width, pick(2 ** (width * 8)));
      else expect(map.read(offset, width)).toBeLessThan(2 ** (width * 8));
    }
    battery.restore(structuredClone(battery.save()));
  });
});
