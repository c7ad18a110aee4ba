// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { I2cBus } from '../../../../machines/devices/i2c/i2c-bus.ts';
import { I2cPins } from '../../../../machines/devices/i2c/i2c-pins.ts';
import { Pcf8583 } from '../../../../machines/devices/rtc/pcf8583.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const START = Date.UTC(1991, 11, 31, 23, 59, 58) / 1000;

function make(kept?: Uint8Array) {
  const fake = new FakeBoard();
  const bus = new I2cBus();
  const stored: Uint8Array[] = [];
  const store = { load: () => kept, store: (bytes: Uint8Array) => stored.push(bytes) };
  const chip = bus.attach(0x50, new Pcf8583(fake.chip('cmos'), { calendar: { startSeconds: START }, store }));
  chip.reset('cold');
  chip.settle();
  const write = (register: number, ...bytes: number[]): void => {
    bus.start(0xa0);
    for (const byte of [register, ...bytes]) bus.write(byte);
    bus.stop();
  };
  const read = (register: number, count: number): number[] => {
    bus.start(0xa0);
    bus.write(register);
    bus.start(0xa1);
    const bytes = Array.from({ length: count }, () => bus.read());
    bus.stop();
    return bytes;
  };
  return { fake, bus, chip, stored, write, read };
}

describe('Pcf8583', () => {
  it('tells the time in BCD and carries over the year', () => {
    const { fake, read } = make();
    // 31 December of a year with remainder 3, a Tuesday.
    expect(read(1, 6)).toEqual([0, 0x58, 0x59, 0x23, 0xc0 | 0x31, (2 << 5) | 0x12]);
    fake.advanceNs(2_500_000_000);
    expect(read(1, 6)).toEqual([0x50, 0, 0, 0, 0x01, (3 << 5) | 0x01]);
  });

  it('is set, stopped and held', () => {
    const { fake, read, write } = make();
    write(1, 0, 0x30, 0x15, 0x07, 0xc0 | 0x04, 0x06);
    fake.advanceNs(1_000_000_000);
    expect(read(2, 4)).toEqual([0x31, 0x15, 0x07, 0xc4]);
    write(0, 0x80);
    fake.advanceNs(5_000_000_000);
    expect(read(2, 1)).toEqual([0x31]);
    write(0, 0x40);
    const held = read(2, 1);
    fake.advanceNs(3_000_000_000);
    expect(read(2, 1)).toEqual(held);
    write(0, 0);
    expect(read(2, 1)).toEqual([0x34]);
  });

  it('keeps its RAM', () => {
    const { stored, write, read } = make(Uint8Array.of(1, 2, 3));
    expect(read(0x10, 4)).toEqual([1, 2, 3, 0]);
    write(0xff, 0x77);
    expect(stored).toHaveLength(1);
    expect(stored[0]![0xff - 0x10]).toBe(0x77);
    write(0xff, 0x77);
    expect(stored).toHaveLength(1);
  });

  it('raises INT at a daily alarm', () => {
    const { fake, chip, write } = make();
    write(8, 0x90, 0, 0x01, 0x00, 0x00);
    write(0, 0x04);
    fake.advanceNs(2_900_000_000);
    expect(chip.irq.level).toBe(false);
    fake.advanceNs(200_000_000);
    expect(chip.irq.level).toBe(true);
    write(0, 0x04);
    expect(chip.irq.level).toBe(false);
  });

  it('obeys the snapshot law', () => {
    const { chip, write } = make();
    write(0x20, 1, 2, 3);
    write(2, 0x10);
    expectSnapshotLaw(chip);
  });

  it('survives random transactions', () => {
    const { fake, bus } = make();
    const next = random(5);
    for (let i = 0; i < 5000; i++) {
      bus.start(next() < 0.5 ? 0xa0 : 0xa1);
      for (let n = 0; n < 4; n++) {
        if (next() < 0.5) bus.write(Math.floor(next() * 256));
        else expect(bus.read()).toBeLessThanOrEqual(0xff);
      }
      if (next() < 0.7) bus.stop();
      fake.advanceNs(next() * 2e9);
    }
  });
});

describe('I2cPins', () => {
  function pins() {
    const made = make(Uint8Array.of(0xa5, 0x3c));
    const master = new I2cPins('i2c', made.bus);
    const clock = (sda: boolean): boolean => {
      master.sda(sda);
      master.scl(true);
      const level = master.sdaOut.level;
      master.scl(false);
      return level;
    };
    const start = (): void => {
      master.sda(true);
      master.scl(true);
      master.sda(false);
      master.scl(false);
    };
    const stop = (): void => {
      master.sda(false);
      master.scl(true);
      master.sda(true);
    };
    const write = (byte: number): boolean => {
      for (let bit = 7; bit >= 0; bit--) clock(((byte >> bit) & 1) !== 0);
      return !clock(true);
    };
    const read = (acknowledge: boolean): number => {
      let byte = 0;
      for (let bit = 0; bit < 8; bit++) byte = (byte << 1) | (clock(true) ? 1 : 0);
      clock(!acknowledge);
      return byte;
    };
    return { ...made, master, start, stop, write, read };
  }

  it('turns levels into transactions', () => {
    const { start, stop, write, read, stored } = pins();
    start();
    expect(write(0xa0)).toBe(true);
    expect(write(0x10)).toBe(true);
    start();
    expect(write(0xa1)).toBe(true);
    expect(read(true)).toBe(0xa5);
    expect(read(false)).toBe(0x3c);
    stop();
    start();
    expect(write(0x42)).toBe(false);
    stop();
    start();
    write(0xa0);
    write(0x20);
    write(0x99);
    stop();
    expect(stored[0]![0x10]).toBe(0x99);
  });

  it('obeys the snapshot law in the middle of a read', () => {
    const { master, start, write, read } = pins();
    start();
    write(0xa1);
    read(true);
    expectSnapshotLaw(master);
  });
});
