// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { swap32 } from '../../../../machines/backplane/bus.ts';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { GoldfishFb } from '../../../../machines/devices/goldfish/goldfish-fb.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const BASE = 0x10_0000;
const [WIDTH, HEIGHT, INT_STATUS, INT_ENABLE, SET_BASE, SET_BLANK] = [0x00, 0x04, 0x08, 0x0c, 0x10, 0x18];
const FRAME_NS = 16_666_667;
const VSYNC = 1;
const BASE_UPDATE_DONE = 2;

function setUp() {
  const fake = new FakeBoard();
  const map = fake.map();
  const ram = fake.board.memory.allocate('ram', 0x8000);
  const make = () => new GoldfishFb(fake.chip('fb'), { memory: fake.board.memory, ram, width: 32, height: 48 });
  const fb = make();
  map.add(region(0, 0x7fff).ram(ram), region(BASE, BASE + 0xfff).device(fb, 'fb'));
  fb.reset('cold');
  fb.settle();
  const write = (offset: number, value: number) => map.write(BASE + offset, 4, swap32(value));
  return { fake, map, ram, fb, make, write, read: (offset: number) => swap32(map.read(BASE + offset, 4)) };
}

describe('GoldfishFb', () => {
  it('tells its size and shows nothing before it has a base', () => {
    const { fb, read } = setUp();
    expect([read(WIDTH), read(HEIGHT)]).toEqual([32, 48]);
    expect(fb.mode()).toBeUndefined();
  });

  it('shows RGB 565 from the base, and another base pans', () => {
    const { fb, ram, write } = setUp();
    ram.view.setUint16(0x1000, 0xf800, true);
    ram.view.setUint16(0x1c00, 0x001f, true);
    write(SET_BASE, 0x1000);
    expect([...fb.picture()!.rgba.subarray(0, 3)]).toEqual([255, 0, 0]);
    write(SET_BASE, 0x1c00);
    expect([...fb.picture()!.rgba.subarray(0, 3)]).toEqual([0, 0, 255]);
    expect(fb.damage()).toEqual([{ x: 0, y: 0, width: 32, height: 48 }]);
    expect(fb.damage()).toEqual([]);
  });

  it('is dark while blanked', () => {
    const { fb, write } = setUp();
    write(SET_BASE, 0);
    write(SET_BLANK, 1);
    expect(fb.picture()).toBeUndefined();
    write(SET_BLANK, 0);
    expect(fb.picture()).toBeDefined();
  });

  it('raises its interrupt at the vertical sync after a new base, and reading the status lowers it', () => {
    const { fake, fb, write, read } = setUp();
    write(INT_ENABLE, BASE_UPDATE_DONE);
    write(SET_BASE, 0x1000);
    fake.advanceNs(FRAME_NS - 10);
    expect(fb.irq.level).toBe(false);
    fake.advanceNs(20);
    expect(fb.irq.level).toBe(true);
    expect(read(INT_STATUS)).toBe(BASE_UPDATE_DONE);
    expect([fb.irq.level, read(INT_STATUS)]).toEqual([false, 0]);
  });

  it('repeats the vertical sync only while it is enabled', () => {
    const { fake, fb, write, read } = setUp();
    write(INT_ENABLE, VSYNC);
    for (let n = 0; n < 3; n++) {
      fake.advanceNs(FRAME_NS + 1);
      expect([fb.irq.level, read(INT_STATUS)]).toEqual([true, VSYNC]);
    }
    write(INT_ENABLE, 0);
    fake.advanceNs(3 * FRAME_NS);
    expect(fake.scheduler.pending()).toEqual([]);
  });

  it('refuses a frame that is not in RAM', () => {
    const { fake, fb, write } = setUp();
    write(SET_BASE, 0x7ff0);
    expect(fb.picture()).toBeUndefined();
    write(SET_BASE, 0xffff_fffe);
    expect(fb.picture()).toBeUndefined();
    expect(fake.logged('guest')).toHaveLength(2);
  });

  it('obeys the snapshot law', () => {
    const { fake, fb, make, write } = setUp();
    write(INT_ENABLE, 3);
    write(SET_BASE, 0x1002);
    expectSnapshotLaw(fb, make);
    fake.advanceNs(FRAME_NS + 1);
    expectSnapshotLaw(fb, make);
  });

  it('survives random accesses', () => {
    const { fake, fb, map } = setUp();
    const next = random(5);
    const pick = (below: number): number => Math.floor(next() * below);
    for (let i = 0; i < 20_000; i++) {
      const offset = BASE + (pick(8) === 0 ? pick(0x1000) : pick(0x28));
      const width = ([1, 2, 4] as const)[pick(3)]!;
      if (pick(2) === 0) map.write(offset, width, pick(2 ** (pick(2) === 0 ? 2 : width * 8)));
      else expect(map.read(offset, width)).toBeLessThan(2 ** (width * 8));
      if (i % 50 === 0) {
        fake.advance(pick(20_000_000));
        fb.picture();
        fb.damage();
      }
    }
    fb.restore(structuredClone(fb.save()));
  });
});
