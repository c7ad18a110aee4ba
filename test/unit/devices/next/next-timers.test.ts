// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { readTarget, writeTarget } from '../../../../machines/backplane/bus.ts';
import { NextTimers } from '../../../../machines/devices/next/next-timers.ts';
import { fuzzTargets } from '../../../support/bus-fuzz.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const US = 1000; // in master ticks

const PERIOD_HIGH = 0;
const PERIOD_LOW = 1;
const CSR = 4;
const ENABLE = 0x80;
const LATCH = 0x40;

function make() {
  const fake = new FakeBoard();
  const timers = new NextTimers(fake.chip('timers'), fake.scheduler.clock('timers', 1_000_000));
  timers.reset('cold');
  timers.settle();
  const write = (offset: number, value: number): void => writeTarget(timers.hardclock, offset, 1, value);
  return {
    fake,
    timers,
    write,
    read: (offset: number): number => readTarget(timers.hardclock, offset, 1),
    start: (us: number): void => {
      write(PERIOD_HIGH, us >>> 8);
      write(PERIOD_LOW, us & 0xff);
      write(CSR, ENABLE | LATCH);
    },
    events: (): number => readTarget(timers.events, 0, 4),
  };
}

describe('NextTimers', () => {
  describe('hard clock', () => {
    it('interrupts once in each period, until an access to its control register', () => {
      const { fake, timers, start, read } = make();
      start(1000);
      fake.advance(999 * US);
      expect(timers.irq.level).toBe(false);
      fake.advance(US);
      expect(timers.irq.level).toBe(true);
      expect(read(CSR)).toBe(ENABLE);
      expect(timers.irq.level).toBe(false);
      const edges = fake.watch(timers.irq);
      for (let n = 0; n < 10; n++) {
        fake.advance(1000 * US);
        timers.hardclock.write(CSR, 1, ENABLE);
      }
      expect(edges.filter((level) => level)).toHaveLength(10);
    });

    it('keeps the old period until the new one is latched', () => {
      const { fake, timers, start, write, read } = make();
      start(1000);
      write(PERIOD_HIGH, 0xff);
      write(PERIOD_LOW, 0xee);
      expect([read(PERIOD_HIGH), read(PERIOD_LOW)]).toEqual([1000 >>> 8, 1000 & 0xff]);
      fake.advance(1000 * US);
      expect(timers.irq.level).toBe(true);
      write(CSR, ENABLE | LATCH);
      expect([read(PERIOD_HIGH), read(PERIOD_LOW)]).toEqual([0xff, 0xee]);
      fake.advance((0xffee - 1) * US);
      expect(timers.irq.level).toBe(false);
      fake.advance(2 * US);
      expect(timers.irq.level).toBe(true);
    });

    it('stands while it is disabled or has no period', () => {
      const { fake, timers, start, write } = make();
      start(100);
      write(CSR, 0);
      fake.advance(1000 * US);
      expect(timers.irq.level).toBe(false);
      start(0);
      fake.advance(1000 * US);
      expect(timers.irq.level).toBe(false);
      expect(fake.scheduler.pending()).toEqual([]);
    });

    it('is not set back by enabling it again', () => {
      const { fake, timers, start, write } = make();
      start(100);
      fake.advance(60 * US);
      write(CSR, ENABLE);
      fake.advance(40 * US);
      expect(timers.irq.level).toBe(true);
    });

    it('looks without acknowledging for a debugger', () => {
      const { fake, timers, start } = make();
      start(10);
      fake.advance(10 * US);
      expect(timers.hardclock.peek!(CSR)).toBe(ENABLE);
      expect(timers.irq.level).toBe(true);
    });
  });

  describe('event counter', () => {
    it('counts microseconds in 20 bits', () => {
      const { fake, events } = make();
      expect(events()).toBe(0);
      fake.advance(1234 * US);
      expect(events()).toBe(1234);
      fake.advance((1 << 20) * US);
      expect(events()).toBe(1234);
      fake.advance(3_600_000_000 * US);
      expect(events()).toBe((1234 + 3_600_000_000) % (1 << 20));
    });

    it('latches the count when its first byte is read', () => {
      const { fake, timers } = make();
      const byte = (offset: number): number => readTarget(timers.events, offset, 1);
      fake.advance(0x1_fffe * US);
      expect(byte(0)).toBe(0);
      fake.advance(100 * US);
      expect([1, 2, 3].map(byte)).toEqual([0x01, 0xff, 0xfe]);
    });

    it('begins again at 0 when its first byte is written', () => {
      const { fake, timers, events } = make();
      fake.advance(500 * US);
      writeTarget(timers.events, 2, 1, 0);
      expect(events()).toBe(500);
      writeTarget(timers.events, 0, 1, 0x55);
      expect(events()).toBe(0);
      fake.advance(7 * US);
      expect(events()).toBe(7);
    });
  });

  it('is stopped by a reset; a warm one lets the event counter go on', () => {
    const { fake, timers, start, events } = make();
    start(100);
    fake.advance(150 * US);
    timers.reset('warm');
    timers.settle();
    expect(timers.irq.level).toBe(false);
    fake.advance(1000 * US);
    expect(timers.irq.level).toBe(false);
    expect(events()).toBe(1150);
    timers.reset('cold');
    expect(events()).toBe(0);
  });

  it('obeys the snapshot law and goes on where it was', () => {
    const { fake, timers, start } = make();
    start(100);
    fake.advance(130 * US);
    readTarget(timers.events, 0, 1);
    expectSnapshotLaw(timers);
    const other = make();
    other.timers.restore(timers.save());
    other.timers.settle();
    expect(other.timers.irq.level).toBe(true);
    other.write(CSR, ENABLE);
    other.fake.advance(69 * US);
    expect(other.timers.irq.level).toBe(false);
    other.fake.advance(US);
    expect(other.timers.irq.level).toBe(true);
    expect(other.events()).toBe(200);
  });

  it('survives random accesses', () => {
    const { fake, timers } = make();
    fuzzTargets(fake, [timers.hardclock, timers.events], { seed: 13, ticks: 50_000, steps: 10_000 });
  });
});
