// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { GoldfishTimer, type GoldfishTimerOptions } from '../../../../machines/devices/goldfish/goldfish-timer.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const TIME_LOW = 0x00;
const TIME_HIGH = 0x04;
const ALARM_LOW = 0x08;
const ALARM_HIGH = 0x0c;
const IRQ_ENABLED = 0x10;
const CLEAR_ALARM = 0x14;
const ALARM_STATUS = 0x18;
const CLEAR_INTERRUPT = 0x1c;

const START_SECONDS = 1_000_000_000;
const EPOCH_NS = BigInt(START_SECONDS) * 1_000_000_000n;

function setUp(layout: GoldfishTimerOptions['layout'], masterHz = 1_000_000_000) {
  const fake = new FakeBoard(masterHz);
  const clock = fake.board.clock('ns', 1_000_000_000);
  const options = { byteOrder: 'big', layout, clock, calendar: { startSeconds: START_SECONDS } } as const;
  const make = () => new GoldfishTimer(fake.chip('timer'), options);
  const timer = make();
  const map = fake.map();
  map.add(region(0, 0xfff).device(timer, 'timer'));
  timer.reset('cold');
  timer.settle();
  const read = (offset: number) => map.read(offset, 4);
  const write = (offset: number, value: number) => map.write(offset, 4, value);
  const time = (): bigint => {
    const low = BigInt(read(TIME_LOW));
    return (BigInt(read(TIME_HIGH)) << 32n) | low;
  };
  const setAlarm = (ns: bigint): void => {
    write(ALARM_HIGH, Number(ns >> 32n));
    write(ALARM_LOW, Number(ns & 0xffff_ffffn));
  };
  return { fake, timer, map, make, read, write, time, setAlarm };
}

describe('GoldfishTimer of the first boards', () => {
  it('counts nanoseconds since power-on', () => {
    const { fake, time } = setUp('timer', 33_000_000);
    expect(time()).toBe(0n);
    fake.advance(33_000_000 * 5);
    expect(time()).toBe(5_000_000_000n);
  });

  it('reads the upper half of the time TIME_LOW was read at', () => {
    const { fake, read } = setUp('timer');
    fake.advance(0xffff_ffff);
    expect(read(TIME_LOW)).toBe(0xffff_ffff);
    fake.advance(10);
    expect(read(TIME_HIGH)).toBe(0);
    expect([read(TIME_LOW), read(TIME_HIGH)]).toEqual([9, 1]);
  });

  it('interrupts at the alarm, not before, until it is cleared', () => {
    const { fake, timer, setAlarm, write } = setUp('timer');
    setAlarm(1000n);
    fake.advance(999);
    expect(timer.irq.level).toBe(false);
    fake.advance(1);
    expect(timer.irq.level).toBe(true);
    write(0x10, 0); // CLEAR_INTERRUPT
    expect(timer.irq.level).toBe(false);
    fake.advance(100_000);
    expect(timer.irq.level).toBe(false);
  });

  it('interrupts at once for an alarm in the past, and not for a cleared one', () => {
    const { fake, timer, setAlarm, write } = setUp('timer');
    fake.advance(500);
    setAlarm(500n);
    expect(timer.irq.level).toBe(true);
    write(0x10, 0);
    setAlarm(2000n);
    write(CLEAR_ALARM, 0);
    fake.advance(10_000);
    expect(timer.irq.level).toBe(false);
  });

  it('has no register to set the time', () => {
    const { fake, time, write } = setUp('timer');
    write(TIME_LOW, 77);
    expect(time()).toBe(0n);
    expect(fake.logged('guest')).toHaveLength(1);
  });
});

describe('real-time clock of the first boards', () => {
  it('tells the calendar in whole seconds and never interrupts', () => {
    const { fake, timer, time, setAlarm } = setUp('rtc');
    fake.advance(1_999_999_999);
    expect(time()).toBe(EPOCH_NS + 1_000_000_000n);
    setAlarm(0n);
    fake.advance(1_000_000_000);
    expect(timer.irq.level).toBe(false);
  });
});

describe('GoldfishTimer of later boards', () => {
  it('tells the calendar, and can be set', () => {
    const { fake, timer, time, write } = setUp('both');
    fake.advance(123);
    expect(time()).toBe(EPOCH_NS + 123n);
    write(TIME_HIGH, 5);
    write(TIME_LOW, 6);
    fake.advance(4);
    expect(time()).toBe((5n << 32n) + 10n);
    timer.reset('warm');
    expect(time()).toBe((5n << 32n) + 10n);
    timer.reset('cold');
    expect(time()).toBe(EPOCH_NS + 127n);
  });

  it('interrupts only while that is enabled', () => {
    const { fake, timer, read, write, setAlarm } = setUp('both');
    setAlarm(EPOCH_NS + 100n);
    expect(read(ALARM_STATUS)).toBe(1);
    fake.advance(100);
    expect([read(ALARM_STATUS), timer.irq.level]).toEqual([0, false]);
    write(IRQ_ENABLED, 1);
    expect([read(IRQ_ENABLED), timer.irq.level]).toEqual([1, true]);
    write(CLEAR_INTERRUPT, 1);
    expect(timer.irq.level).toBe(false);
  });

  it('moves an alarm with the time that is set', () => {
    const { fake, timer, write, setAlarm } = setUp('both');
    write(IRQ_ENABLED, 1);
    setAlarm(EPOCH_NS + 1_000_000n);
    const later = EPOCH_NS + 900_000n;
    write(TIME_HIGH, Number(later >> 32n));
    write(TIME_LOW, Number(later & 0xffff_ffffn));
    fake.advance(99_999);
    expect(timer.irq.level).toBe(false);
    fake.advance(1);
    expect(timer.irq.level).toBe(true);
  });

  it('waits for an alarm years ahead', () => {
    const { fake, timer, read, write, setAlarm } = setUp('both', 1000);
    write(IRQ_ENABLED, 1);
    setAlarm(EPOCH_NS + 3600n * 24n * 365n * 1_000_000_000n);
    fake.advance(1000 * 3600 * 24 * 364);
    expect([read(ALARM_STATUS), timer.irq.level]).toEqual([1, false]);
    fake.advance(1000 * 3600 * 24);
    expect(timer.irq.level).toBe(true);
  });

  it('obeys the snapshot law', () => {
    const { fake, timer, make, write, setAlarm } = setUp('both');
    write(IRQ_ENABLED, 1);
    setAlarm(EPOCH_NS + 50_000n);
    fake.advance(1);
    expectSnapshotLaw(timer, make);
    fake.advance(49_998);
    expect(timer.irq.level).toBe(false);
    fake.advance(1);
    expect(timer.irq.level).toBe(true);
  });

  it.each(['timer', 'rtc', 'both'] as const)('survives random accesses (%s)', (layout) => {
    const { fake, timer, map } = setUp(layout);
    const next = random(11);
    const pick = (below: number): number => Math.floor(next() * below);
    for (let i = 0; i < 20_000; i++) {
      const offset = pick(4) === 0 ? pick(0x1000) : pick(0x24);
      const width = ([1, 2, 4] as const)[pick(3)]!;
      if (pick(2) === 0) map.write(offset, width, pick(2 ** (width * 8)));
      else expect(map.read(offset, width)).toBeLessThan(2 ** (width * 8));
      fake.scheduler.runDue();
      expect(fake.scheduler.headroom).toBeGreaterThan(0);
      if (i % 16 === 0) fake.advance(pick(1000));
    }
    timer.restore(structuredClone(timer.save()));
  });
});
