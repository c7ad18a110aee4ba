// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { I2cBus } from '../../../../machines/devices/i2c/i2c-bus.ts';
import { NrfTwiSpi } from '../../../../machines/devices/nrf51/nrf-twi-spi.ts';
import { Mma8653 } from '../../../../machines/devices/sensors/mma8653.ts';
import { ENABLE, expectPowerCycle, INTENSET, NrfBench, RAM, set, SHORTS, values } from '../../../support/nrf51.ts';

const STARTRX = 0x000;
const STARTTX = 0x008;
const STOP = 0x014;
const SUSPEND = 0x01c;
const RESUME = 0x020;
const ACQUIRE = 0x024;
const RELEASE = 0x028;
const STOPPED = 0x104;
const END = 0x104;
const READY = 0x108;
const ENDRX = 0x110;
const SENT = 0x11c;
const ERROR = 0x124;
const ACQUIRED = 0x128;
const BYTE_BOUNDARY = 0x138;
const SUSPENDED = 0x148;
const SEMSTAT = 0x400;
const STATUS = 0x440;
const ERRORSRC = 0x4c4;
const PSEL = 0x508;
const PSELCSN = 0x514;
const RXD = 0x518;
const TXD = 0x51c;
const FREQUENCY = 0x524;
const RXDPTR = 0x534;
const MAXRX = 0x538;
const AMOUNTRX = 0x53c;
const TXDPTR = 0x544;
const MAXTX = 0x548;
const AMOUNTTX = 0x54c;
const CONFIG = 0x554;
const DEF = 0x55c;
const ADDRESS = 0x588;
const ORC = 0x5c0;
const SENSOR = 0x1d;

function make() {
  const bench = new NrfBench();
  const i2c = new I2cBus();
  const sensor = i2c.attach(SENSOR, new Mma8653(bench.fake.chip('sensor')));
  sensor.reset('cold');
  sensor.settle();
  const wire: number[] = [];
  const exchange = (byte: number): number => {
    wire.push(byte);
    return byte ^ 0xff;
  };
  const twi = bench.mount(new NrfTwiSpi(bench.fake.chip('twi'), { ...bench.at(4), i2c, exchange, memory: bench.map }));
  return { bench, twi, wire };
}

describe('NrfTwiSpi', () => {
  it('has its reset values, also after it was switched off', () => {
    const none = 0xffff_ffff;
    expectPowerCycle(make().twi, [
      ...[ENABLE, CONFIG, ADDRESS, RXDPTR, MAXRX, TXDPTR, MAXTX, DEF, ORC].map((offset) => [offset, 0] as const),
      ...[PSEL, PSEL + 4, PSEL + 8, PSELCSN].map((offset) => [offset, none] as const),
      [FREQUENCY, 0x0400_0000],
    ]);
  });
});

describe('NrfTwiSpi as TWI master', () => {
  const selected = (address = SENSOR) => {
    const all = make();
    set(all.twi, [FREQUENCY, 0x0198_0000], [ENABLE, 5], [ADDRESS, address]);
    return all;
  };

  it('reads bytes once each: suspended after the first, stopped after the last', () => {
    const { bench, twi } = selected();
    set(twi, [STARTTX, 1], [TXD, 0x0d]);
    bench.us(200);
    expect(twi.read(SENT, 4)).toBe(1);
    set(twi, [SHORTS, 1], [STARTRX, 1]);
    bench.us(200);
    expect(values(twi, READY, BYTE_BOUNDARY, SUSPENDED, STOPPED)).toEqual([1, 1, 1, 0]);
    expect(twi.read(RXD, 4)).toBe(0x5a);
    set(twi, [READY, 0], [SHORTS, 2], [RESUME, 1]);
    bench.us(200);
    expect(values(twi, READY, STOPPED, RXD)).toEqual([1, 1, 0]);
  });

  it('takes nine bits of time for a byte', () => {
    const { bench, twi } = selected();
    set(twi, [INTENSET, 1 << 7], [STARTTX, 1], [TXD, 0x0d]);
    bench.us(90);
    expect(twi.irq.level).toBe(false);
    bench.us(1);
    expect(twi.irq.level).toBe(true);
  });

  it('says that nobody answers an address', () => {
    const { twi } = selected(0x42);
    set(twi, [STARTTX, 1]);
    expect(values(twi, ERROR, ERRORSRC)).toEqual([1, 2]);
    set(twi, [ERRORSRC, 2]);
    expect(twi.read(ERRORSRC, 4)).toBe(0);
  });

  it('holds while suspended, and stops', () => {
    const { bench, twi } = selected();
    set(twi, [STARTTX, 1], [SUSPEND, 1], [TXD, 0x0d]);
    bench.us(500);
    expect(values(twi, SENT, SUSPENDED)).toEqual([0, 1]);
    set(twi, [RESUME, 1]);
    bench.us(500);
    expect(twi.read(SENT, 4)).toBe(1);
    set(twi, [STOP, 1]);
    expect(twi.read(STOPPED, 4)).toBe(1);
  });

  it('survives random accesses', () => {
    const { bench, twi } = selected();
    bench.fuzz(twi, 3);
  });
});

describe('NrfTwiSpi as SPI master', () => {
  it('exchanges bytes, two of them buffered', () => {
    const { bench, twi, wire } = make();
    set(twi, [ENABLE, 1], [INTENSET, 4], [TXD, 0x12], [TXD, 0x34], [TXD, 0x56]);
    expect(bench.fake.logged('guest')).toHaveLength(1);
    bench.us(100);
    expect(wire).toEqual([0x12, 0x34]);
    expect([twi.irq.level, ...values(twi, READY, RXD, RXD, RXD)]).toEqual([true, 1, 0xed, 0xcb, 0]);
  });
});

describe('NrfTwiSpi as SPI slave', () => {
  const enabled = () => {
    const all = make();
    all.bench.put(0x100, '112233');
    set(all.twi, [ENABLE, 2], [RXDPTR, RAM], [MAXRX, 2], [TXDPTR, RAM + 0x100], [MAXTX, 3], [DEF, 0xdd], [ORC, 0xee]);
    return all;
  };

  it('ignores a master while the CPU has the buffers', () => {
    const { twi } = enabled();
    expect(twi.read(SEMSTAT, 4)).toBe(1);
    expect(twi.slave!.transfer(Uint8Array.of(1, 2))).toEqual(Uint8Array.of(0xdd, 0xdd));
    expect(values(twi, END, AMOUNTRX)).toEqual([0, 0]);
  });

  it('exchanges buffers with a master, as far as both have room', () => {
    const { bench, twi } = enabled();
    set(twi, [INTENSET, 2], [RELEASE, 1]);
    expect(twi.read(SEMSTAT, 4)).toBe(0);
    expect(twi.slave!.transfer(Uint8Array.of(1, 2, 3, 4))).toEqual(Uint8Array.of(0x11, 0x22, 0x33, 0xee));
    expect(bench.bytes(0, 4)).toBe('01020000');
    expect(values(twi, END, ENDRX, AMOUNTRX, AMOUNTTX, STATUS, SEMSTAT)).toEqual([1, 1, 2, 3, 3, 0]);
    expect(twi.irq.level).toBe(true);
    set(twi, [STATUS, 1]);
    expect(twi.read(STATUS, 4)).toBe(2);
  });

  it('gives the buffers back to the CPU by task, and at the end by shortcut', () => {
    const { twi } = enabled();
    set(twi, [RELEASE, 1], [ACQUIRE, 1]);
    expect(values(twi, ACQUIRED, SEMSTAT)).toEqual([1, 1]);
    set(twi, [ACQUIRED, 0], [RELEASE, 1], [SHORTS, 4]);
    twi.slave!.transfer(Uint8Array.of(1));
    expect(values(twi, ACQUIRED, SEMSTAT)).toEqual([1, 1]);
  });

  it('lets the CPU wait for the end of a transaction', () => {
    const { bench, twi } = enabled();
    set(twi, [RELEASE, 1]);
    // The buffer is asked for as soon as it is full.
    bench.connect(twi.base + ENDRX, twi.base + ACQUIRE);
    twi.slave!.transfer(Uint8Array.of(1, 2, 3));
    expect(values(twi, END, ACQUIRED, SEMSTAT)).toEqual([1, 1, 1]);
  });
});
