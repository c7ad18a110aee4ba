// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { type BusTarget, BYTE_REGISTERS } from '../../../machines/backplane/bus.ts';
import { dirtyRows } from '../../../machines/backplane/dirty-rows.ts';
import { region } from '../../../machines/backplane/memory-map.ts';
import { mirrored } from '../../../machines/backplane/mirrored.ts';
import { slowed, synchronized } from '../../../machines/backplane/wait-states.ts';
import { FakeBoard } from '../../support/fake-board.ts';

/** A CPU's part of time: what the bus has held it for. */
function fakeCpu(fake: FakeBoard) {
  let elapsed = 0;
  fake.scheduler.beginSlice({
    elapsed: () => elapsed,
    pullIn: () => {},
    stall: (ticks) => {
      elapsed += ticks;
    },
  });
  return {
    execute: (ticks: number) => {
      elapsed += ticks;
    },
  };
}

const register = (value: number): BusTarget => ({
  span: 1,
  access: BYTE_REGISTERS,
  read: () => value,
  peek: () => value,
  write: () => {},
});

describe('wait states', () => {
  it('hold the CPU for the time of each access', () => {
    const fake = new FakeBoard();
    fakeCpu(fake);
    const target = slowed(register(7), fake.scheduler, 400);
    expect([target.read(0, 1), fake.scheduler.now]).toEqual([7, 400]);
    target.write(0, 1, 0);
    expect([target.peek!(0), fake.scheduler.now]).toEqual([7, 800]);
  });

  it('wait for the clock of the chip, and half a cycle of it', () => {
    const fake = new FakeBoard();
    const cpu = fakeCpu(fake);
    const target = synchronized(register(7), fake.board.clock('e', 1_000_000));
    cpu.execute(300);
    target.read(0, 1);
    expect(fake.scheduler.now).toBe(1500);
    target.read(0, 1);
    expect(fake.scheduler.now).toBe(2500);
  });

  it('cost nothing while no CPU runs', () => {
    const fake = new FakeBoard();
    slowed(register(7), fake.scheduler, 400).read(0, 1);
    expect(fake.scheduler.now).toBe(0);
  });
});

describe('Scheduler.holdUntil', () => {
  it('lets happen what is due until something is ready', () => {
    const fake = new FakeBoard();
    fakeCpu(fake);
    let ready = false;
    fake.scheduler.task('ready', () => (ready = true)).schedule(1234);
    expect([fake.scheduler.holdUntil(() => ready, 5000), fake.scheduler.now]).toEqual([true, 1234]);
    expect([fake.scheduler.holdUntil(() => false, 1000), fake.scheduler.now]).toEqual([false, 2234]);
  });
});

describe('mirrored', () => {
  it('repeats a map, and hands its bus errors on', () => {
    const fake = new FakeBoard();
    const outer = fake.map('outer');
    const inner = fake.map('inner');
    inner.openBus = { value: 0, busError: true };
    inner.add(region(4, 4).device(register(9), 'nine'));
    outer.add(region(0x1000, 0x1fff).device(mirrored(inner, outer, 0x100, 0x1000), 'copies'));
    expect([outer.read(0x1004, 1), outer.read(0x1f04, 1), outer.takeBusError()]).toEqual([9, 9, false]);
    outer.read(0x1005, 1);
    expect([outer.takeBusError(), inner.takeBusError()]).toEqual([true, false]);
    outer.write(0x1006, 1, 0);
    expect(outer.takeBusError()).toBe(true);
  });
});

describe('dirtyRows', () => {
  const mode = { width: 100, height: 50, bpp: 8, stride: 1024, byteOrder: 'big', offset: 0x1_0000 } as const;

  it('gives the lines on written pages, neighbours together', () => {
    expect(dirtyRows([1, 2, 5], mode, 0x1_0000)).toEqual([
      { x: 0, y: 4, width: 100, height: 8 },
      { x: 0, y: 20, width: 100, height: 4 },
    ]);
  });

  it('counts from where the picture begins in the memory, and ends with it', () => {
    expect(dirtyRows([0, 1, 40], { ...mode, offset: 0x1_1000 }, 0x1_0000)).toEqual([
      { x: 0, y: 0, width: 100, height: 4 },
    ]);
  });

  it('includes a line that begins on the page before', () => {
    expect(dirtyRows([1], { ...mode, stride: 100, height: 100 }, 0x1_0000)).toEqual([
      { x: 0, y: 40, width: 100, height: 42 },
    ]);
  });
});
