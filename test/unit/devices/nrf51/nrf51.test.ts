// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { Width } from '../../../../machines/backplane/bus.ts';
import type { Device } from '../../../../machines/backplane/device.ts';
import { I2cBus } from '../../../../machines/devices/i2c/i2c-bus.ts';
import { NrfGpio } from '../../../../machines/devices/nrf51/nrf-gpio.ts';
import { NrfGpiote } from '../../../../machines/devices/nrf51/nrf-gpiote.ts';
import type { NrfPeripheral } from '../../../../machines/devices/nrf51/nrf-peripheral.ts';
import { NrfPpi } from '../../../../machines/devices/nrf51/nrf-ppi.ts';
import { NrfRadio } from '../../../../machines/devices/nrf51/nrf-radio.ts';
import { NrfRtc } from '../../../../machines/devices/nrf51/nrf-rtc.ts';
import { NrfAdc, NrfEcb, NrfQdec, NrfRng, NrfTemp, NrfWdt } from '../../../../machines/devices/nrf51/nrf-small.ts';
import { NrfSystem } from '../../../../machines/devices/nrf51/nrf-system.ts';
import { NrfTimer } from '../../../../machines/devices/nrf51/nrf-timer.ts';
import { NrfTwiSpi } from '../../../../machines/devices/nrf51/nrf-twi-spi.ts';
import { NrfUart } from '../../../../machines/devices/nrf51/nrf-uart.ts';
import { Mma8653 } from '../../../../machines/devices/sensors/mma8653.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const HZ = 16_000_000;

function parts() {
  const fake = new FakeBoard(HZ);
  const map = fake.map();
  const hfclk = fake.board.clock('hfclk', HZ);
  const lfclk = fake.board.clock('lfclk', 32_768);
  const ppi = new NrfPpi(fake.chip('ppi'));
  const gpio = new NrfGpio(fake.chip('gpio'));
  const i2c = new I2cBus();
  const sensor = i2c.attach(0x1d, new Mma8653(fake.chip('sensor')));
  const at = (id: number) => ({ base: 0x4000_0000 + id * 0x1000, ppi });
  const chips = {
    system: new NrfSystem(fake.chip('power'), at(0)),
    radio: new NrfRadio(fake.chip('radio'), { ...at(1), memory: map }),
    uart: new NrfUart(fake.chip('uart'), at(2)),
    twi: new NrfTwiSpi(fake.chip('twi'), { ...at(3), i2c }),
    gpiote: new NrfGpiote(fake.chip('gpiote'), { ...at(6), gpio }),
    adc: new NrfAdc(fake.chip('adc'), at(7)),
    timer: new NrfTimer(fake.chip('timer'), { ...at(8), clock: hfclk, widest: 32 }),
    rtc: new NrfRtc(fake.chip('rtc'), { ...at(11), clock: lfclk, compares: 3 }),
    temp: new NrfTemp(fake.chip('temp'), at(12)),
    rng: new NrfRng(fake.chip('rng'), { ...at(13), seed: 1 }),
    ecb: new NrfEcb(fake.chip('ecb'), { ...at(14), memory: map }),
    wdt: new NrfWdt(fake.chip('wdt'), at(16)),
    qdec: new NrfQdec(fake.chip('qdec'), { ...at(18), gpio }),
  } satisfies Record<string, NrfPeripheral>;
  for (const chip of Object.values(chips)) ppi.connect(chip as NrfPeripheral);
  const all: (Device & Pick<NrfPeripheral, 'read' | 'write'>)[] = [...Object.values(chips), ppi, gpio];
  for (const chip of [...all, sensor]) {
    chip.reset('cold');
    chip.settle();
  }
  return { fake, ppi, gpio, sensor, all, ...chips };
}

describe('NrfTimer', () => {
  const running = () => {
    const all = parts();
    const { timer } = all;
    timer.write(0x508, 4, 0);
    timer.write(0x510, 4, 4);
    timer.write(0x540, 4, 10);
    timer.write(0x304, 4, 1 << 16);
    timer.write(0x000, 4, 1);
    return { ...all, levels: all.fake.watch(timer.irq) };
  };

  it('raises a compare event at its tick and not before', () => {
    const { fake, timer, levels } = running();
    fake.advance(159);
    expect(timer.read(0x140, 4)).toBe(0);
    fake.advance(1);
    expect(timer.read(0x140, 4)).toBe(1);
    expect(levels).toEqual([true]);
    timer.write(0x140, 4, 0);
    expect(levels).toEqual([true, false]);
  });

  it('does not lose a match that an access comes after, before its task has run', () => {
    const { fake, timer } = running();
    fake.scheduler.skip(200);
    timer.write(0x48, 4, 1);
    expect(timer.read(0x548, 4)).toBe(12);
    expect(timer.read(0x140, 4)).toBe(1);
  });

  it('clears and stops by shortcut', () => {
    const { fake, timer } = running();
    timer.write(0x200, 4, 0x101);
    fake.advance(1000);
    timer.write(0x44, 4, 1);
    expect(timer.read(0x544, 4)).toBe(0);
  });

  it('wraps at 16 bits', () => {
    const { fake, timer } = running();
    fake.advance(16 * 0x1_0005);
    timer.write(0x44, 4, 1);
    expect(timer.read(0x544, 4)).toBe(5);
  });
});

describe('NrfRtc', () => {
  it('overflows and compares only while watched', () => {
    const { fake, rtc } = parts();
    rtc.write(0x540, 4, 3);
    rtc.write(0x00, 4, 1);
    rtc.write(0x0c, 4, 1);
    fake.advance(HZ / 1000);
    expect([rtc.read(0x104, 4), rtc.read(0x140, 4)]).toEqual([0, 0]);
    rtc.write(0x344, 4, (1 << 16) | 2);
    rtc.write(0x0c, 4, 1);
    fake.advance(HZ / 1000);
    expect(rtc.read(0x504, 4)).toBeLessThan(40);
    expect([rtc.read(0x104, 4), rtc.read(0x140, 4)]).toEqual([1, 1]);
  });
});

describe('NrfPpi', () => {
  it('lets an event trigger a task, and cuts a loop', () => {
    const { fake, timer, ppi } = parts();
    timer.write(0x504, 4, 1);
    timer.write(0x508, 4, 3);
    timer.write(0x540, 4, 1);
    timer.write(0x000, 4, 1);
    timer.write(0x200, 4, 1);
    ppi.write(0x510, 4, 0x4000_8140);
    ppi.write(0x514, 4, 0x4000_8008);
    ppi.write(0x504, 4, 1);
    timer.write(0x008, 4, 1);
    expect(fake.logged('guest').join()).toContain('loop');
  });
});

describe('NrfTwiSpi', () => {
  it('reads bytes once each: suspended after the first, stopped after the last', () => {
    const { fake, twi } = parts();
    twi.write(0x500, 4, 5);
    twi.write(0x588, 4, 0x1d);
    twi.write(0x008, 4, 1);
    twi.write(0x51c, 4, 0x0d);
    fake.advanceNs(200_000);
    expect(twi.read(0x11c, 4)).toBe(1);
    twi.write(0x200, 4, 1);
    twi.write(0x000, 4, 1);
    fake.advanceNs(200_000);
    expect([twi.read(0x108, 4), twi.read(0x138, 4), twi.read(0x148, 4), twi.read(0x104, 4)]).toEqual([1, 1, 1, 0]);
    expect(twi.read(0x518, 4)).toBe(0x5a);
    twi.write(0x108, 4, 0);
    twi.write(0x200, 4, 2);
    twi.write(0x020, 4, 1);
    fake.advanceNs(200_000);
    expect([twi.read(0x108, 4), twi.read(0x104, 4)]).toEqual([1, 1]);
    expect(twi.read(0x518, 4)).toBe(0);
  });

  it('says that nobody answers an address', () => {
    const { twi } = parts();
    twi.write(0x500, 4, 5);
    twi.write(0x588, 4, 0x42);
    twi.write(0x008, 4, 1);
    expect([twi.read(0x124, 4), twi.read(0x4c4, 4)]).toEqual([1, 2]);
  });
});

describe('NrfTemp', () => {
  it('measures quarters of a degree', () => {
    const { fake, temp } = parts();
    temp.write(0, 4, 1);
    fake.advanceNs(36_000);
    expect([temp.read(0x100, 4), temp.read(0x508, 4)]).toEqual([1, 88]);
  });
});

describe('every part of the nRF51', () => {
  it('survives random accesses, and obeys the snapshot law after them', () => {
    const { fake, all } = parts();
    const next = random(51);
    const pick = (below: number): number => Math.floor(next() * below);
    for (let i = 0; i < 60_000; i++) {
      const chip = all[pick(all.length)]!;
      const offset =
        pick(4) === 0 ? pick(0x1000) & ~3 : [0, 0x100, 0x200, 0x300, 0x500, 0x540][pick(6)]! + pick(24) * 4;
      const width: Width = 4;
      if (pick(3) === 0) {
        const value = chip.read(offset, width);
        if (!(Number.isInteger(value) && value >= 0 && value < 2 ** 32)) expect.fail(`${chip.id} ${offset}: ${value}`);
      } else {
        chip.write(offset, width, pick(3) === 0 ? pick(4) : pick(2 ** 32));
      }
      if (i % 16 === 0) fake.advance(pick(2000));
      expect(fake.scheduler.headroom).toBeGreaterThanOrEqual(0);
    }
    for (const chip of all) expectSnapshotLaw(chip);
  });
});
