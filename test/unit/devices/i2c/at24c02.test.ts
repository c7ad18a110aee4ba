// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { At24c02 } from '../../../../machines/devices/i2c/at24c02.ts';
import { I2cBus } from '../../../../machines/devices/i2c/i2c-bus.ts';
import { expectSnapshotLaw } from '../../../support/fake-board.ts';

describe('I2cBus', () => {
  it('acknowledges only what is there', () => {
    const bus = new I2cBus();
    bus.attach(0x55, new At24c02('spd'));
    expect(bus.start(0xa0)).toBe(false);
    expect(bus.write(1)).toBe(false);
    expect(bus.read()).toBe(0xff);
    expect(bus.start(0xaa)).toBe(true);
    expect(bus.selected).toBe(0x55);
    bus.stop();
    expect(bus.selected).toBe(-1);
    expect(() => bus.attach(0x55, new At24c02('twice'))).toThrow();
  });
});

describe('At24c02', () => {
  it('reads from a set pointer and rolls over', () => {
    const bus = new I2cBus();
    bus.attach(0x50, new At24c02('spd', { contents: Uint8Array.from({ length: 256 }, (_, i) => i ^ 0x5a) }));
    bus.start(0xa0);
    bus.write(0xfe);
    bus.start(0xa1);
    expect([bus.read(), bus.read(), bus.read()]).toEqual([0xa4, 0xa5, 0x5a]);
    bus.stop();
  });

  it('writes inside a page and keeps what is written', () => {
    const bus = new I2cBus();
    const stored: Uint8Array[] = [];
    const store = { load: () => undefined, store: (bytes: Uint8Array) => stored.push(bytes) };
    bus.attach(0x50, new At24c02('eeprom', { store }));
    bus.start(0xa0);
    for (const byte of [0x06, 1, 2, 3]) expect(bus.write(byte)).toBe(true);
    bus.stop();
    expect([...stored[0]!.slice(0, 8)]).toEqual([3, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2]);
  });

  it('ignores writes when protected', () => {
    const bus = new I2cBus();
    bus.attach(0x50, new At24c02('spd', { writeProtected: true }));
    bus.start(0xa0);
    bus.write(0);
    bus.write(0);
    bus.start(0xa0);
    bus.write(0);
    bus.start(0xa1);
    expect(bus.read()).toBe(0xff);
  });

  it('obeys the snapshot law', () => {
    const chip = new At24c02('eeprom');
    chip.start(false);
    chip.write(3);
    chip.write(4);
    expectSnapshotLaw(chip, () => new At24c02('eeprom'));
  });
});
