// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { GoldfishPic, type GoldfishPicOptions } from '../../../../machines/devices/goldfish/goldfish-pic.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const STATUS = 0x00;
const NUMBER = 0x04;
const PENDING = 0x04;
const DISABLE_ALL = 0x08;
const DISABLE = 0x0c;
const ENABLE = 0x10;

function setUp(numbering: GoldfishPicOptions['numbering']) {
  const fake = new FakeBoard();
  const make = () => new GoldfishPic(fake.chip('pic'), { byteOrder: 'big', numbering });
  const pic = make();
  const map = fake.map();
  map.add(region(0, 0xfff).device(pic, 'pic'));
  pic.reset('cold');
  pic.settle();
  const inputs = Array.from({ length: 32 }, (_, n) => pic.in(n));
  return {
    ...{ fake, pic, map, make },
    set: (source: number, level: boolean) => inputs[source]!(level),
    read: (offset: number) => map.read(offset, 4),
    write: (offset: number, value: number) => map.write(offset, 4, value),
  };
}

describe('GoldfishPic with masks', () => {
  it('asks while an enabled source is high', () => {
    const { pic, set, read, write } = setUp('mask');
    set(31, true);
    expect([read(STATUS), read(PENDING), pic.irq.level]).toEqual([0, 0, false]);
    write(ENABLE, 0x8000_0001);
    expect([read(STATUS), read(PENDING), pic.irq.level]).toEqual([1, 0x8000_0000, true]);
    set(0, true);
    expect([read(STATUS), read(PENDING)]).toEqual([2, 0x8000_0001]);
    set(31, false);
    set(0, false);
    expect([read(STATUS), read(PENDING), pic.irq.level]).toEqual([0, 0, false]);
  });

  it('disables the sources of a mask only', () => {
    const { pic, set, read, write } = setUp('mask');
    write(ENABLE, 0b1110);
    write(DISABLE, 0b0110);
    for (const source of [1, 2, 3]) set(source, true);
    expect([read(PENDING), pic.irq.level]).toEqual([0b1000, true]);
  });

  it('forgets and disables everything by DISABLE_ALL, until the next edge', () => {
    const { pic, set, read, write } = setUp('mask');
    write(ENABLE, 1 << 4);
    set(4, true);
    write(DISABLE_ALL, 1);
    expect(pic.irq.level).toBe(false);
    write(ENABLE, 1 << 4);
    expect([read(PENDING), pic.irq.level]).toEqual([0, false]);
    set(4, false);
    set(4, true);
    expect([read(PENDING), pic.irq.level]).toEqual([1 << 4, true]);
  });
});

describe('GoldfishPic with numbers', () => {
  it('tells the lowest pending source, or 0', () => {
    const { pic, set, read, write } = setUp('index');
    expect(read(NUMBER)).toBe(0);
    for (const source of [20, 7, 31]) {
      write(ENABLE, source);
      set(source, true);
    }
    expect([read(STATUS), read(NUMBER), pic.irq.level]).toEqual([3, 7, true]);
    write(DISABLE, 7);
    expect([read(STATUS), read(NUMBER)]).toEqual([2, 20]);
    set(20, false);
    expect(read(NUMBER)).toBe(31);
  });

  it('clears what is pending by DISABLE_ALL and leaves it enabled', () => {
    const { pic, set, read, write } = setUp('index');
    write(ENABLE, 3);
    set(3, true);
    write(DISABLE_ALL, 0);
    expect([read(STATUS), pic.irq.level]).toEqual([0, false]);
    set(3, false);
    set(3, true);
    expect([read(STATUS), pic.irq.level]).toEqual([1, true]);
  });

  it('reports a source that does not exist', () => {
    const { fake, read, write, set } = setUp('index');
    write(ENABLE, 32);
    set(0, true);
    expect(read(STATUS)).toBe(0);
    expect(fake.logged('guest')).toEqual(['no source 32']);
  });
});

describe('GoldfishPic', () => {
  it('obeys the snapshot law, with a source high that software has forgotten', () => {
    const { pic, make, set, write } = setUp('mask');
    write(ENABLE, 0xff);
    set(3, true);
    write(DISABLE_ALL, 1);
    write(ENABLE, 0x0f);
    set(9, true);
    expectSnapshotLaw(pic, make);
    expect(pic.irq.level).toBe(false);
  });

  it('does not mind the level it had when it was saved coming again', () => {
    const { pic, set, read, write } = setUp('mask');
    write(ENABLE, 8);
    set(3, true);
    const saved = pic.save();
    const other = setUp('mask');
    other.pic.reset('snapshot');
    other.pic.restore(saved);
    other.pic.settle();
    other.set(3, true);
    expect([other.read(PENDING), other.pic.irq.level]).toEqual([8, true]);
    other.set(3, false);
    expect(other.pic.irq.level).toBe(false);
    expect(read(PENDING)).toBe(8);
  });

  it('keeps its inputs through a reset', () => {
    const { pic, set, read, write } = setUp('mask');
    set(5, true);
    write(ENABLE, 1 << 5);
    pic.reset('warm');
    pic.settle();
    expect(pic.irq.level).toBe(false);
    write(ENABLE, 1 << 5);
    expect(read(PENDING)).toBe(1 << 5);
  });

  it.each(['mask', 'index'] as const)('survives random accesses (%s)', (numbering) => {
    const { pic, map, set } = setUp(numbering);
    const next = random(7);
    const pick = (below: number): number => Math.floor(next() * below);
    for (let i = 0; i < 30_000; i++) {
      const offset = pick(4) === 0 ? pick(0x1000) : pick(0x20);
      const width = ([1, 2, 4] as const)[pick(3)]!;
      if (pick(3) === 0) set(pick(32), pick(2) === 0);
      if (pick(2) === 0) map.write(offset, width, pick(2 ** (width * 8)));
      else expect(map.read(offset, width)).toBeLessThan(2 ** (width * 8));
    }
    pic.restore(structuredClone(pic.save()));
  });
});
