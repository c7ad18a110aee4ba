// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { Mc68hc68t1, MC68HC68T1_RAM_BYTES } from '../../../../machines/devices/rtc/mc68hc68t1.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

/** A Friday. */
const START = Date.UTC(1999, 11, 31, 23, 59, 58) / 1000;
const SECOND = 1_000_000_000;

const SECONDS = 0x20;
const HOURS = 0x22;
const YEAR = 0x26;
const ALARM = 0x28;
const STATUS = 0x30;
const CLOCK = 0x31;
const INTERRUPTS = 0x32;

const FIRST_UP = 0x10;
const INTERRUPT = 0x08;
const SENSE = 0x04;
const ALARMED = 0x02;
const PERIODIC = 0x01;

const RUN = 0x80;
const POWER_DOWN = 0x40;
const SENSE_ENABLE = 0x20;
const ALARM_ENABLE = 0x10;

function make(kept: Uint8Array | undefined = new Uint8Array(MC68HC68T1_RAM_BYTES), startSeconds = START) {
  const fake = new FakeBoard();
  const stored: Uint8Array[] = [];
  const clock = new Mc68hc68t1(fake.chip('rtc'), {
    ram: { load: () => kept, store: (bytes) => void stored.push(bytes) },
    calendar: { startSeconds },
    initial: new Uint8Array(MC68HC68T1_RAM_BYTES).fill(0x22),
  });
  clock.reset('cold');
  clock.settle();
  const exchange = (bytes: readonly number[], count: number): number[] => {
    clock.selectW(true);
    for (const byte of bytes) for (let bit = 7; bit >= 0; bit--) clock.clock(((byte >>> bit) & 1) !== 0);
    const read = Array.from({ length: count }, () => {
      let byte = 0;
      for (let bit = 0; bit < 8; bit++) byte = (byte << 1) | Number(clock.clock(false));
      return byte;
    });
    clock.selectW(false);
    return read;
  };
  return {
    fake,
    clock,
    stored,
    read: (address: number, count = 1): number[] => exchange([address], count),
    write: (address: number, ...bytes: number[]): void => void exchange([address | 0x80, ...bytes], 0),
  };
}

describe('Mc68hc68t1', () => {
  it('tells time and date in BCD, the years on beyond 1999', () => {
    const { fake, read } = make();
    expect(read(SECONDS, 7)).toEqual([0x58, 0x59, 0x23, 6, 0x31, 0x12, 0x99]);
    fake.advance(2 * SECOND);
    expect(read(SECONDS, 7)).toEqual([0, 0, 0, 7, 0x01, 0x01, 0xa0]);
  });

  it('counts twelve hours where bit 7 of the hours says so', () => {
    const { fake, read, write } = make();
    for (const [hours, written, shown] of [
      [0, 0x80 | 0x12, 0x92],
      [1, 0x80 | 0x01, 0x81],
      [12, 0xa0 | 0x12, 0xb2],
      [23, 0xa0 | 0x11, 0xb1],
    ] as const) {
      write(HOURS, written);
      expect(read(HOURS), `${hours}`).toEqual([shown]);
      write(HOURS, ((Math.floor(hours / 10) << 4) | (hours % 10)) & 0x7f);
      expect(read(HOURS)).toEqual([(Math.floor(hours / 10) << 4) | (hours % 10)]);
    }
    fake.advance(2 * SECOND);
    expect(read(HOURS)).toEqual([0]);
  });

  it('is set and stopped', () => {
    const { fake, read, write } = make();
    write(SECONDS, 0x30, 0x15, 0x07, 0x00, 0x04, 0x07, 0x90);
    expect(read(SECONDS, 7)).toEqual([0x30, 0x15, 0x07, 4, 0x04, 0x07, 0x90]); // a Wednesday
    fake.advance(3 * SECOND);
    expect(read(SECONDS)).toEqual([0x33]);
    write(CLOCK, 0);
    fake.advance(100 * SECOND);
    expect(read(SECONDS)).toEqual([0x33]);
    write(CLOCK, RUN);
    fake.advance(4 * SECOND);
    expect(read(SECONDS)).toEqual([0x37]);
  });

  it('knows February', () => {
    const { fake, read } = make(undefined, Date.UTC(2000, 1, 28, 23, 59, 59) / 1000);
    fake.advance(SECOND);
    expect(read(0x24, 2)).toEqual([0x29, 0x02]);
    fake.advance(86_400 * SECOND);
    expect(read(0x24, 2)).toEqual([0x01, 0x03]);
  });

  it('has 32 bytes of RAM that last, around which the address wraps', () => {
    const { fake, stored, read, write } = make();
    write(0x1f, 0xaa, 0xbb);
    expect([read(0x1f), read(0)]).toEqual([[0xaa], [0xbb]]);
    expect(read(0x1f, 2)).toEqual([0xaa, 0xbb]);
    fake.advance(SECOND);
    expect([stored.length, stored[0]![0x1f], stored[0]![0]]).toEqual([1, 0xaa, 0xbb]);
  });

  it('goes from the last register to the first of the clock', () => {
    const { read } = make();
    expect(read(INTERRUPTS, 2)).toEqual([0, 0x58]);
  });

  it('says once that its battery is new', () => {
    const { read } = make(Uint8Array.of(1));
    expect([read(0), read(STATUS), read(STATUS)]).toEqual([[0x22], [FIRST_UP], [0]]);
    expect(make().read(STATUS)).toEqual([0]);
  });

  it('interrupts at the same time each day, until the status is read', () => {
    const { fake, clock, read, write } = make();
    write(ALARM, 0x00, 0x30, 0x00);
    write(INTERRUPTS, ALARM_ENABLE);
    fake.advance(1801 * SECOND);
    expect(clock.irq.level).toBe(false);
    fake.advance(SECOND);
    expect(clock.irq.level).toBe(true);
    expect(read(STATUS)).toEqual([INTERRUPT | ALARMED]);
    expect([clock.irq.level, read(STATUS)]).toEqual([false, [0]]);
    fake.advance(86_399 * SECOND);
    expect(clock.irq.level).toBe(false);
    fake.advance(SECOND);
    expect(clock.irq.level).toBe(true);
  });

  it.each([
    [1, SECOND / 2048],
    [6, SECOND / 64],
    [12, SECOND],
    [13, 60 * SECOND],
    [14, 3600 * SECOND],
    [15, 86_400 * SECOND],
  ])('periodic interrupt %i comes every %d ns', (choice, period) => {
    const { fake, clock, read, write } = make();
    write(INTERRUPTS, choice);
    fake.advance(Math.floor(period) - 1);
    expect(clock.irq.level).toBe(false);
    fake.advance(2);
    expect(read(STATUS)).toEqual([INTERRUPT | PERIODIC]);
    const edges = fake.watch(clock.irq);
    for (let n = 0; n < 20; n++) {
      fake.advance(period);
      read(STATUS);
    }
    expect(edges.filter((level) => level).length).toBeGreaterThanOrEqual(19);
    write(INTERRUPTS, 0);
    edges.length = 0;
    fake.advance(period * 3);
    expect(edges).toEqual([]);
  });

  it('is on time with 2048 interrupts a second, for ten seconds', () => {
    const { fake, clock, read, write } = make();
    let count = 0;
    clock.irq.to((level) => {
      if (level) count++;
    });
    write(INTERRUPTS, 1);
    for (let n = 0; n < 10_240; n++) {
      fake.advance(SECOND / 1024);
      read(STATUS);
    }
    // Two periods between readings: each reading finds one interrupt.
    expect(count).toBe(10_240);
    expect(fake.scheduler.pending().find(({ name }) => name === 'rtc.periodic')!.in).toBeLessThanOrEqual(SECOND / 2048);
  });

  it('does not fall behind when it is served late', () => {
    const { fake, clock, read, write } = make();
    const { scheduler } = fake;
    let count = 0;
    clock.irq.to((level) => {
      if (level) count++;
    });
    write(INTERRUPTS, 12);
    for (let n = 0; n < 100; n++) {
      scheduler.skip(0.7 * SECOND);
      scheduler.runDue();
      read(STATUS);
    }
    expect(count).toBe(70);
  });

  it('senses the power key, and interrupts while it is enabled', () => {
    const { clock, read, write } = make();
    clock.powerKeyW(true);
    expect(clock.irq.level).toBe(false);
    write(INTERRUPTS, SENSE_ENABLE);
    expect(clock.irq.level).toBe(true);
    expect(read(STATUS)).toEqual([INTERRUPT | SENSE]);
    expect(read(STATUS)).toEqual([INTERRUPT | SENSE]);
    clock.powerKeyW(false);
    expect([clock.irq.level, read(STATUS)]).toEqual([false, [0]]);
  });

  it('switches the power off, until the next start', () => {
    const { clock, write } = make();
    write(INTERRUPTS, POWER_DOWN);
    expect(clock.powerDown.level).toBe(true);
    clock.reset('warm');
    clock.settle();
    expect(clock.powerDown.level).toBe(false);
  });

  it('takes nonsense for a date without harm', () => {
    const { read, write } = make();
    write(SECONDS, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
    write(YEAR, 0x00);
    for (const byte of read(SECONDS, 7)) expect(byte >= 0 && byte <= 0xff).toBe(true);
  });

  it('obeys the snapshot law', () => {
    const { fake, clock, write } = make();
    write(SECONDS, 0x30, 0x15, 0x87, 0x00, 0x04, 0x07, 0x90);
    write(ALARM, 0x00, 0x16, 0x87);
    write(INTERRUPTS, ALARM_ENABLE | SENSE_ENABLE | 6);
    write(7, 0x77);
    clock.powerKeyW(true);
    fake.advance(SECOND + 12_345);
    clock.selectW(true);
    clock.clock(true);
    expectSnapshotLaw(clock, () => make().clock);
  });

  it('survives random exchanges', () => {
    const { fake, clock } = make();
    const next = random(32);
    const below = (n: number): number => Math.floor(next() * n);
    for (let i = 0; i < 30_000; i++) {
      if (below(20) === 0) clock.selectW(below(2) === 0);
      if (below(200) === 0) clock.powerKeyW(below(2) === 0);
      expect(typeof clock.clock(below(2) === 0)).toBe('boolean');
      if (below(10) === 0) fake.advance(below(SECOND / 10));
    }
  });
});
