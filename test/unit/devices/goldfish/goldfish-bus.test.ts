// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { swap32 } from '../../../../machines/backplane/bus.ts';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { GoldfishBus } from '../../../../machines/devices/goldfish/goldfish-bus.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const BASE = 0x1_0000;
const [OP, GET_NAME, NAME_LEN, ID, IO_BASE, IO_SIZE, IRQ_BASE, IRQ_COUNT] = [0, 4, 8, 0xc, 0x10, 0x14, 0x18, 0x1c];
const ADD_DEVICE = 8;

function setUp() {
  const fake = new FakeBoard();
  const map = fake.map();
  const ram = fake.board.memory.allocate('ram', 0x8000);
  const make = () => {
    const bus = new GoldfishBus(fake.chip('bus'), { memory: map });
    bus.add({ name: 'one', id: -1, base: 0xff01_0000, span: 0x1000, irq: 10, irqCount: 1 });
    bus.add({ name: 'second', id: 0, base: 0xff01_1000, span: 0x2000, irq: 11, irqCount: 2 });
    return bus;
  };
  const bus = make();
  map.add(region(0, 0x7fff).ram(ram), region(BASE, BASE + 0xfff).device(bus, 'bus'));
  bus.reset('cold');
  bus.settle();
  const write = (offset: number, value: number) => map.write(BASE + offset, 4, swap32(value));
  return { fake, map, ram, bus, make, write, read: (offset: number) => swap32(map.read(BASE + offset, 4)) };
}

describe('GoldfishBus', () => {
  it('tells of each device once, and lowers its interrupt after the last', () => {
    const { bus, ram, write, read } = setUp();
    expect(bus.irq.level).toBe(false);
    write(OP, 0);
    expect(bus.irq.level).toBe(true);
    expect(read(OP)).toBe(ADD_DEVICE);
    expect([ID, IO_BASE, IO_SIZE, IRQ_BASE, IRQ_COUNT].map(read)).toEqual([0xffff_ffff, 0xff01_0000, 0x1000, 10, 1]);
    write(GET_NAME, 0x100);
    expect(String.fromCharCode(...ram.bytes.subarray(0x100, 0x100 + read(NAME_LEN)))).toBe('one');
    expect(read(OP)).toBe(ADD_DEVICE);
    expect([ID, IO_BASE, IO_SIZE, IRQ_BASE, IRQ_COUNT].map(read)).toEqual([0, 0xff01_1000, 0x2000, 11, 2]);
    expect([read(OP), read(OP), bus.irq.level, read(NAME_LEN)]).toEqual([0, 0, false, 0]);
  });

  it('begins again when it is told to', () => {
    const { write, read } = setUp();
    write(OP, 0);
    for (let i = 0; i < 5; i++) read(OP);
    write(OP, 0);
    expect([read(OP), read(IRQ_BASE)]).toEqual([ADD_DEVICE, 10]);
  });

  it('writes no name of no device', () => {
    const { ram, write } = setUp();
    write(GET_NAME, 0x100);
    expect(ram.bytes[0x100]).toBe(0);
  });

  it('obeys the snapshot law', () => {
    const { bus, make, write, read } = setUp();
    write(OP, 0);
    read(OP);
    expectSnapshotLaw(bus, make);
    expect(bus.irq.level).toBe(true);
  });

  it('survives random accesses', () => {
    const { bus, map } = setUp();
    const next = random(11);
    const pick = (below: number): number => Math.floor(next() * below);
    for (let i = 0; i < 20_000; i++) {
      const offset = BASE + (pick(4) === 0 ? pick(0x1000) : pick(0x20));
      const width = ([1, 2, 4] as const)[pick(3)]!;
      if (pick(2) === 0) map.write(offset, width, pick(3) === 0 ? 0 : pick(2 ** (width * 8)));
      else expect(map.read(offset, width)).toBeLessThan(2 ** (width * 8));
    }
    bus.restore(structuredClone(bus.save()));
  });
});
