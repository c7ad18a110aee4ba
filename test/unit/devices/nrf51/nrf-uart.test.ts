// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { SerialLine } from '../../../../machines/backplane/serial-line.ts';
import { NrfUart } from '../../../../machines/devices/nrf51/nrf-uart.ts';
import { ENABLE, expectPowerCycle, INTENSET, NrfBench, set, values } from '../../../support/nrf51.ts';

const STARTRX = 0x000;
const STOPRX = 0x004;
const STARTTX = 0x008;
const STOPTX = 0x00c;
const SUSPEND = 0x01c;
const RXDRDY = 0x108;
const TXDRDY = 0x11c;
const RXTO = 0x144;
const ERRORSRC = 0x480;
const PSELRTS = 0x508;
const PSELTXD = 0x50c;
const RXD = 0x518;
const TXD = 0x51c;
const BAUDRATE = 0x524;
const CONFIG = 0x56c;
const BAUD_115200 = 0x01d7_e000;
/** Ten bits. */
const CHARACTER_US = 87;

function make() {
  const bench = new NrfBench();
  const uart = bench.mount(new NrfUart(bench.fake.chip('uart'), bench.at(2)));
  const line = new SerialLine('usb');
  uart.port = line;
  const on = (): void => set(uart, [BAUDRATE, BAUD_115200], [ENABLE, 4], [STARTRX, 1], [STARTTX, 1]);
  return { bench, uart, line, on, sent: () => Buffer.from(line.drain()).toString() };
}

describe('NrfUart', () => {
  it('has its reset values, also after it was switched off', () => {
    expectPowerCycle(make().uart, [
      [ERRORSRC, 0],
      [ENABLE, 0],
      [PSELRTS, 0xffff_ffff],
      [PSELTXD, 0xffff_ffff],
      [BAUDRATE, 0x0400_0000],
      [CONFIG, 0],
    ]);
  });

  it('sends a character in its time', () => {
    const { bench, uart, on, sent } = make();
    const irq = bench.fake.watch(uart.irq);
    set(uart, [INTENSET, 1 << 7]);
    on();
    set(uart, [TXD, 0x41]);
    bench.us(CHARACTER_US - 1);
    expect([uart.read(TXDRDY, 4), sent()]).toEqual([0, '']);
    bench.us(1);
    expect([uart.read(TXDRDY, 4), sent(), irq]).toEqual([1, 'A', [true]]);
  });

  it('sends longer characters with parity, and slower ones at a lower rate', () => {
    const { bench, uart, on, sent } = make();
    on();
    set(uart, [CONFIG, 0xe], [TXD, 0x41]);
    bench.us(95);
    expect(sent()).toBe('');
    bench.us(1);
    expect(sent()).toBe('A');
    set(uart, [CONFIG, 0], [BAUDRATE, 0x0027_5000], [TXD, 0x42]);
    bench.us(1041);
    expect(sent()).toBe('');
    bench.us(2);
    expect(sent()).toBe('B');
  });

  it('receives into six bytes, and leaves the rest with the sender', () => {
    const { bench, uart, line, on } = make();
    const irq = bench.fake.watch(uart.irq);
    set(uart, [INTENSET, 1 << 2]);
    on();
    line.feed(Buffer.from('ABCDEFGHIJ'));
    bench.us(CHARACTER_US);
    expect([...values(uart, RXDRDY), irq]).toEqual([1, [true]]);
    bench.us(CHARACTER_US * 20);
    let text = '';
    while (uart.read(RXDRDY, 4) === 1) {
      set(uart, [RXDRDY, 0]);
      text += String.fromCharCode(uart.read(RXD, 4));
      bench.us(CHARACTER_US);
    }
    expect(text).toBe('ABCDEFGHIJ');
  });

  it('does nothing while disabled, stopped or suspended', () => {
    const { bench, uart, line, on, sent } = make();
    set(uart, [STARTRX, 1], [STARTTX, 1], [TXD, 0x41]);
    on();
    set(uart, [STOPRX, 1], [STOPTX, 1], [TXD, 0x42]);
    line.feed(Buffer.from('x'));
    bench.us(1000);
    expect([sent(), ...values(uart, RXDRDY, RXTO)]).toEqual(['', 0, 1]);
    set(uart, [STARTRX, 1], [SUSPEND, 1]);
    bench.us(1000);
    expect(uart.read(RXDRDY, 4)).toBe(0);
    set(uart, [STARTRX, 1]);
    bench.us(1000);
    expect(values(uart, RXDRDY, RXD)).toEqual([1, 0x78]);
  });

  it('survives random accesses', () => {
    const { bench, uart } = make();
    bench.fuzz(uart, 2);
  });
});
