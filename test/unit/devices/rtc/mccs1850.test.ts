// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { Mccs1850, MCCS1850_RAM_BYTES } from '../../../../machines/devices/rtc/mccs1850.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const START = Date.UTC(1993, 4, 25) / 1000;
const SECOND = 1_000_000_000;

const TIME = 0x20;
const ALARM = 0x24;
const STATUS = 0x30;
const CONTROL = 0x31;

const NEW_CHIP = 0x80;
const FIRST_UP = 0x10;
const INTERRUPT = 0x08;
const ALARMED = 0x02;
const POWER_REQUEST = 0x01;

const RUN = 0x80;
const POWER_OFF = 0x40;
const ALARM_ENABLE = 0x10;
const CLEAR_ALARM = 0x08;
const CLEAR_FIRST_UP = 0x04;
const CLEAR_REQUEST = 0x01;

function make(kept: Uint8Array | undefined = new Uint8Array(MCCS1850_RAM_BYTES)) {
  const fake = new FakeBoard();
  const stored: Uint8Array[] = [];
  const clock = new Mccs1850(fake.chip('rtc'), {
    ram: { load: () => kept, store: (bytes) => void stored.push(bytes) },
    calendar: { startSeconds: START },
    initial: new Uint8Array(MCCS1850_RAM_BYTES).fill(0x11),
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
  const read = (address: number, count = 1): number[] => exchange([address], count);
  const write = (address: number, ...bytes: number[]): void => void exchange([address | 0x80, ...bytes], 0);
  const word = (address: number): number => read(address, 4).reduce((value, byte) => value * 256 + byte, 0);
  const setWord = (address: number, value: number): void =>
    write(address, value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
  return { fake, clock, stored, read, write, word, setWord };
}

describe('Mccs1850', () => {
  it('counts seconds from the calendar on', () => {
    const { fake, word } = make();
    expect(word(TIME)).toBe(START);
    fake.advance(90 * SECOND);
    expect(word(TIME)).toBe(START + 90);
  });

  it('is set and stopped', () => {
    const { fake, word, setWord, write } = make();
    setWord(TIME, 0xffff_fffe);
    fake.advance(SECOND);
    expect(word(TIME)).toBe(0xffff_ffff);
    fake.advance(2 * SECOND);
    expect(word(TIME)).toBe(1);
    write(CONTROL, 0);
    fake.advance(10 * SECOND);
    expect(word(TIME)).toBe(1);
    setWord(TIME, 1000);
    write(CONTROL, RUN);
    fake.advance(5 * SECOND);
    expect(word(TIME)).toBe(1005);
  });

  it('has two banks of RAM, which last', () => {
    const { fake, stored, read, write } = make();
    write(0x1f, 0x55);
    write(0x40, 0xaa, 0xbb);
    expect([read(0x1f)[0], read(0x40, 2)]).toEqual([0x55, [0xaa, 0xbb]]);
    fake.advance(SECOND);
    expect(stored).toHaveLength(1);
    expect([stored[0]![31], stored[0]![32], stored[0]![33]]).toEqual([0x55, 0xaa, 0xbb]);
  });

  it('goes from the RAM to the time and on', () => {
    const { read } = make();
    expect(read(0x1f, 3)).toEqual([0, START >>> 24, (START >>> 16) & 0xff]);
  });

  it('says that its battery is new, until told to forget it', () => {
    const { read, write } = make(Uint8Array.of(1));
    expect(read(0)).toEqual([0x11]);
    expect(read(STATUS)).toEqual([NEW_CHIP | FIRST_UP]);
    write(CONTROL, RUN | CLEAR_FIRST_UP);
    expect([read(STATUS), read(CONTROL)]).toEqual([[NEW_CHIP], [RUN]]);
    expect(make().read(STATUS)).toEqual([NEW_CHIP]);
  });

  it('interrupts at the alarm until that is cleared', () => {
    const { fake, clock, read, write, setWord, word } = make();
    setWord(ALARM, START + 60);
    fake.advance(30 * SECOND);
    write(CONTROL, RUN | ALARM_ENABLE);
    fake.advance(30 * SECOND - 1);
    expect(clock.irq.level).toBe(false);
    fake.advance(1);
    expect([clock.irq.level, read(STATUS), word(ALARM)]).toEqual([true, [NEW_CHIP | INTERRUPT | ALARMED], START + 60]);
    write(CONTROL, RUN | ALARM_ENABLE | CLEAR_ALARM);
    expect([clock.irq.level, read(STATUS), read(CONTROL)]).toEqual([false, [NEW_CHIP], [RUN | ALARM_ENABLE]]);
    fake.advance(100 * SECOND);
    expect(clock.irq.level).toBe(false);
  });

  it('has no alarm that is over, not enabled, or while it stands', () => {
    const { fake, clock, write, setWord } = make();
    setWord(ALARM, START - 1);
    write(CONTROL, RUN | ALARM_ENABLE);
    fake.advance(100 * SECOND);
    setWord(ALARM, START + 110);
    write(CONTROL, ALARM_ENABLE);
    fake.advance(100 * SECOND);
    expect(clock.irq.level).toBe(false);
    write(CONTROL, RUN);
    fake.advance(100 * SECOND);
    expect(clock.irq.level).toBe(false);
  });

  it('asks to be switched off when the power key goes down', () => {
    const { clock, read, write } = make();
    clock.powerKeyW(true);
    expect([clock.irq.level, read(STATUS)]).toEqual([true, [NEW_CHIP | INTERRUPT | POWER_REQUEST]]);
    write(CONTROL, RUN | CLEAR_REQUEST);
    expect(clock.irq.level).toBe(false);
    clock.powerKeyW(true);
    expect(clock.irq.level).toBe(false);
    clock.powerKeyW(false);
    clock.powerKeyW(true);
    expect(clock.irq.level).toBe(true);
  });

  it('switches the power off, until the next start', () => {
    const { clock, write } = make();
    write(CONTROL, RUN | POWER_OFF);
    expect(clock.powerDown.level).toBe(true);
    clock.reset('cold');
    clock.settle();
    expect(clock.powerDown.level).toBe(false);
  });

  it('goes on through a warm reset', () => {
    const { fake, clock, word, setWord, write } = make();
    setWord(TIME, 5000);
    setWord(ALARM, 5010);
    write(CONTROL, RUN | ALARM_ENABLE);
    clock.reset('warm');
    clock.settle();
    fake.advance(10 * SECOND);
    expect([word(TIME), clock.irq.level]).toEqual([5010, true]);
  });

  it('hands its RAM to the host when asked', () => {
    const { clock, stored, write } = make();
    write(0, 1);
    clock.flush();
    expect(stored).toHaveLength(1);
  });

  it('obeys the snapshot law', () => {
    const { fake, clock, setWord, write } = make();
    setWord(TIME, 777_777);
    setWord(ALARM, 777_787);
    write(CONTROL, RUN | ALARM_ENABLE);
    write(5, 0x99);
    clock.powerKeyW(true);
    fake.advance(2 * SECOND);
    clock.selectW(true);
    clock.clock(true);
    expectSnapshotLaw(clock, () => make().clock);
  });

  it('survives random exchanges', () => {
    const { fake, clock } = make();
    const next = random(31);
    const below = (n: number): number => Math.floor(next() * n);
    for (let i = 0; i < 30_000; i++) {
      if (below(20) === 0) clock.selectW(below(2) === 0);
      if (below(200) === 0) clock.powerKeyW(below(2) === 0);
      expect(typeof clock.clock(below(2) === 0)).toBe('boolean');
      if (below(10) === 0) fake.advance(below(3 * SECOND));
    }
  });
});
