// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { swap32 } from '../../../../machines/backplane/bus.ts';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { GoldfishEvents } from '../../../../machines/devices/goldfish/goldfish-events.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const [READ, LEN, DATA] = [0x00, 0x04, 0x08];
const [PAGE_NAME, PAGE_EVBITS, PAGE_ABSDATA] = [0, 0x1_0000, 0x2_0003];
const EV_KEY = 1;

function setUp(multiTouch = false) {
  const fake = new FakeBoard();
  const map = fake.map();
  const make = () => new GoldfishEvents(fake.chip('events'), { width: 320, height: 480, multiTouch });
  const events = make();
  map.add(region(0, 0xfff).device(events, 'events'));
  events.reset('cold');
  events.settle();
  const read = (offset: number, width: 1 | 4 = 4) =>
    width === 4 ? swap32(map.read(offset, 4)) : map.read(offset, width);
  const page = (number: number): number[] => {
    map.write(READ, 4, swap32(number));
    return Array.from({ length: read(LEN) }, (_, i) => read(DATA + i, 1));
  };
  const open = () => {
    map.write(READ, 4, swap32(PAGE_ABSDATA));
    read(LEN);
  };
  const take = (count: number) => Array.from({ length: count }, () => read(READ));
  return { fake, map, events, make, read, page, open, take };
}

describe('GoldfishEvents', () => {
  it('tells its name and which keys it has, byte by byte', () => {
    const { page } = setUp();
    expect(String.fromCharCode(...page(PAGE_NAME))).toBe('qwerty2');
    const keys = page(PAGE_EVBITS + EV_KEY);
    const has = (n: number): boolean => ((keys[n >>> 3]! >>> (n & 7)) & 1) === 1;
    expect([30, 57, 139, 158, 0x14a].map(has)).toEqual([true, true, true, true, true]);
    expect([0, 84, 200].map(has)).toEqual([false, false, false]);
    expect(page(0x1234)).toEqual([]);
  });

  it('tells the ranges of its axes in words', () => {
    const { map, read } = setUp();
    map.write(READ, 4, swap32(PAGE_ABSDATA));
    expect(read(LEN)).toBe(48);
    expect([0, 4, 16, 20].map((at) => read(DATA + at))).toEqual([0, 319, 0, 479]);
    expect(read(DATA + 48)).toBe(0);
  });

  it('raises its interrupt for events once the kernel has asked for the axes', () => {
    const { events, open, take } = setUp();
    events.key('KeyA', true);
    expect(events.irq.level).toBe(false);
    open();
    expect(events.irq.level).toBe(true);
    expect(take(3)).toEqual([EV_KEY, 30, 1]);
    expect(events.irq.level).toBe(false);
    events.key('KeyA', false);
    expect(take(4)).toEqual([EV_KEY, 30, 0, 0]);
  });

  it('sends touches in dots of the screen, and nothing while no finger is down', () => {
    const { events, open, take } = setUp();
    open();
    events.place(0.5, 0.5, 0);
    expect(events.irq.level).toBe(false);
    events.place(1, 1, 1);
    expect(take(15)).toEqual([3, 0, 319, 3, 1, 479, 3, 2, 0, 1, 0x14a, 1, 0, 0, 0]);
    events.place(1, 1, 0);
    expect(take(15).slice(9)).toEqual([1, 0x14a, 0, 0, 0, 0]);
  });

  it('sends fingers by slots where the screen knows several', () => {
    const { events, map, read, page, open, take } = setUp(true);
    const axes = page(PAGE_EVBITS + 3);
    expect([0x2f, 0x30, 0x35, 0x36, 0x39, 0x3a].every((n) => ((axes[n >>> 3]! >>> (n & 7)) & 1) === 1)).toBe(true);
    open();
    map.write(READ, 4, swap32(PAGE_ABSDATA));
    expect([read(LEN), read(DATA + 0x2f * 16 + 4), read(DATA + 0x36 * 16 + 4)]).toEqual([0x3f * 16, 1, 479]);
    events.place(0, 0, 1);
    expect(take(21)).toEqual([3, 0x2f, 0, 3, 0x39, 0, 3, 0x30, 15, 3, 0x3a, 0x81, 3, 0x35, 0, 3, 0x36, 0, 0, 0, 0]);
    events.place(0, 0, 2);
    expect(take(21).slice(0, 6)).toEqual([3, 0x2f, 1, 3, 0x39, 1]);
    events.place(0.5, 0, 2);
    expect(take(21)).toEqual([3, 0x2f, 0, 3, 0x35, 159, 3, 0x36, 0, 3, 0x2f, 1, 3, 0x35, 159, 3, 0x36, 479, 0, 0, 0]);
    events.place(0.5, 0, 0);
    expect(take(15)).toEqual([3, 0x2f, 0, 3, 0x39, 0xffff_ffff, 3, 0x2f, 1, 3, 0x39, 0xffff_ffff, 0, 0, 0]);
    expect(events.irq.level).toBe(false);
  });

  it('sends the trackball with signs', () => {
    const { events, open, take } = setUp();
    open();
    events.move(-2, 3, 0);
    expect(take(9)).toEqual([2, 0, 0xffff_fffe, 2, 1, 3, 0, 0, 0]);
  });

  it('loses what does not fit, in whole events', () => {
    const { events, open, take } = setUp();
    for (let i = 0; i < 1000; i++) events.key('KeyA', i % 2 === 0);
    open();
    expect(take(768).filter((_, i) => i % 3 === 0)).toEqual(new Array(256).fill(EV_KEY));
    expect(events.irq.level).toBe(false);
  });

  it('obeys the snapshot law', () => {
    const { events, make, open } = setUp();
    open();
    events.place(0.3, 0.4, 1);
    events.key('KeyB', true);
    expectSnapshotLaw(events, make);
    expect(events.irq.level).toBe(true);
  });

  it('survives random accesses', () => {
    const { events, map } = setUp();
    const next = random(7);
    const pick = (below: number): number => Math.floor(next() * below);
    for (let i = 0; i < 20_000; i++) {
      const offset = pick(4) === 0 ? pick(0x1000) : pick(0x40);
      const width = ([1, 2, 4] as const)[pick(3)]!;
      if (pick(2) === 0)
        map.write(offset, width, pick(2) === 0 ? pick(2 ** (width * 8)) : pick(3) * 0x1_0000 + pick(6));
      else expect(map.read(offset, width)).toBeLessThan(2 ** (width * 8));
      if (pick(8) === 0) events.place(next() * 2 - 0.5, next(), pick(2));
    }
    events.restore(structuredClone(events.save()));
  });
});
