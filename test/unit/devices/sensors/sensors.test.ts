// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { LedMatrix } from '../../../../machines/devices/display/led-matrix.ts';
import { I2cBus } from '../../../../machines/devices/i2c/i2c-bus.ts';
import { Mag3110 } from '../../../../machines/devices/sensors/mag3110.ts';
import { Mma8653 } from '../../../../machines/devices/sensors/mma8653.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

function parts() {
  const fake = new FakeBoard();
  const bus = new I2cBus();
  const accelerometer = bus.attach(0x1d, new Mma8653(fake.chip('accelerometer')));
  const magnetometer = bus.attach(0x0e, new Mag3110(fake.chip('magnetometer')));
  for (const chip of [accelerometer, magnetometer]) {
    chip.reset('cold');
    chip.settle();
  }
  const write = (address: number, ...bytes: number[]): void => {
    bus.start(address << 1);
    for (const byte of bytes) bus.write(byte);
    bus.stop();
  };
  const read = (address: number, register: number, count: number): number[] => {
    bus.start(address << 1);
    bus.write(register);
    bus.start((address << 1) | 1);
    const bytes = Array.from({ length: count }, () => bus.read());
    bus.stop();
    return bytes;
  };
  return { fake, bus, accelerometer, magnetometer, write, read };
}

describe('Mma8653', () => {
  it('samples when active and says so by its pin', () => {
    const { fake, accelerometer, write, read } = parts();
    expect(read(0x1d, 0x0d, 1)).toEqual([0x5a]);
    write(0x1d, 0x2d, 1);
    write(0x1d, 0x2e, 1);
    const levels = fake.watch(accelerometer.level1);
    write(0x1d, 0x2a, 0x21);
    fake.advanceNs(20_000_000);
    expect(levels).toEqual([false]);
    accelerometer.acceleration = [0.5, 0, -1];
    fake.advanceNs(20_000_000);
    expect(read(0x1d, 0, 7)).toEqual([0xff, 0x20, 0, 0, 0, 0xc0, 0]);
    expect(levels).toEqual([false, true]);
  });
});

describe('Mag3110', () => {
  it('measures tenths of a microtesla', () => {
    const { fake, read, write } = parts();
    expect(read(0x0e, 7, 1)).toEqual([0xc4]);
    write(0x0e, 0x10, 1);
    fake.advanceNs(13_000_000);
    expect(read(0x0e, 0, 7)).toEqual([0x0f, 0, 190, 0, 0, 0x01, 0xc2]);
  });
});

describe('LedMatrix', () => {
  const make = (fake: FakeBoard): LedMatrix =>
    new LedMatrix(fake.chip('leds'), { leds: [[0, 0], [0, 1], [1, 0]], rows: 2, columns: 2, windowNs: 20_000_000 }); // prettier-ignore

  it('shows for how long of its row an LED is lit', () => {
    const fake = new FakeBoard();
    const leds = make(fake);
    leds.reset('cold');
    leds.settle();
    for (let i = 0; i < 20; i++) {
      leds.rowW(0, true);
      leds.columnW(0, false);
      fake.advanceNs(3_000_000);
      leds.columnW(1, false);
      fake.advanceNs(3_000_000);
      leds.columnW(0, true);
      leds.columnW(1, true);
      leds.rowW(0, false);
      fake.advanceNs(6_000_000);
    }
    expect(leds.levels[0]).toBeGreaterThan(240);
    expect(Math.abs(leds.levels[1]! - 128)).toBeLessThan(40);
    expect(leds.levels[2]).toBe(0);
    expectSnapshotLaw(leds);
  });
});

describe('the sensors', () => {
  it('survive random transfers, and obey the snapshot law after them', () => {
    const { fake, bus, accelerometer, magnetometer } = parts();
    const next = random(7);
    for (let i = 0; i < 30_000; i++) {
      const what = Math.floor(next() * 8);
      if (what === 0) bus.start(((next() < 0.5 ? 0x1d : 0x0e) << 1) | Math.floor(next() * 2));
      else if (what === 1) bus.stop();
      else if (what < 5) bus.write(Math.floor(next() * (next() < 0.7 ? 0x34 : 256)));
      else expect(bus.read()).toBeLessThan(256);
      if (i % 16 === 0) fake.advanceNs(next() * 5e6);
    }
    expectSnapshotLaw(accelerometer);
    expectSnapshotLaw(magnetometer);
  });
});
