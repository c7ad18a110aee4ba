// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { SerialLine } from '../../../../machines/backplane/serial-line.ts';
import { Ns16450 } from '../../../../machines/devices/serial/ns16450.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

/** 9600 bits a second, 8 data bits, no parity, 1 stop bit. */
const CHARACTER_NS = 1_041_667;

function make() {
  const fake = new FakeBoard();
  const uart = new Ns16450(fake.chip('uart'), { clock: fake.board.clock('uart', 1_843_200) });
  const line = new SerialLine('line');
  uart.port = line;
  uart.reset('cold');
  uart.settle();
  const put = (register: number, value: number): void => uart.write(register, 1, value);
  const get = (register: number): number => uart.read(register, 1);
  put(3, 0x83);
  put(0, 12);
  put(1, 0);
  put(3, 0x03);
  return { fake, uart, line, put, get };
}

describe('NS16450', () => {
  it('has the values of the data sheet after a reset', () => {
    const { uart, get } = make();
    uart.reset('cold');
    uart.settle();
    expect([get(1), get(2), get(3), get(4), get(5)]).toEqual([0, 0x01, 0, 0, 0x60]);
    expect(uart.intr.level).toBe(false);
  });

  it('keeps the divisor behind DLAB, and the scratch byte', () => {
    const { put, get } = make();
    put(7, 0x5a);
    put(3, 0x80);
    put(0, 0x34);
    put(1, 0x12);
    expect([get(0), get(1), get(7)]).toEqual([0x34, 0x12, 0x5a]);
    put(3, 0x00);
    expect(get(1)).toBe(0);
  });

  it('sends at the rate of the divisor, one character in the shift register and one waiting', () => {
    const { fake, line, put, get } = make();
    put(0, 0x41);
    expect(get(5)).toBe(0x20); // THRE, but TEMT is clear
    put(0, 0x42);
    expect(get(5)).toBe(0x00);
    fake.advanceNs(CHARACTER_NS - 1000);
    expect([...line.drain()]).toEqual([]);
    fake.advanceNs(2000);
    expect([...line.drain()]).toEqual([0x41]);
    expect(get(5)).toBe(0x20);
    fake.advanceNs(CHARACTER_NS);
    expect([...line.drain()]).toEqual([0x42]);
    expect(get(5)).toBe(0x60);
  });

  it('interrupts by priority: line status, data, transmitter, modem', () => {
    const { fake, uart, line, put, get } = make();
    put(1, 0x0f);
    expect(get(2)).toBe(0x02); // the transmitter is empty; reading it clears it
    expect(get(2)).toBe(0x01);
    uart.ctsW(false);
    expect(get(2)).toBe(0x00);
    put(0, 1);
    expect(get(2)).toBe(0x02);
    line.feed(Uint8Array.of(0x61));
    fake.advanceNs(CHARACTER_NS * 2);
    expect(get(2)).toBe(0x04);
    line.feed(Uint8Array.of(0x62));
    fake.advanceNs(CHARACTER_NS * 2);
    expect(get(2)).toBe(0x06); // overrun
    expect(get(5) & 0x02).toBe(0x02);
    expect(get(5) & 0x02).toBe(0);
    expect(get(0)).toBe(0x62);
    expect(get(6)).toBe(0xa1); // DCD, DSR, delta CTS
    expect(get(6)).toBe(0xa0);
    expect(get(2)).toBe(0x01);
    expect(uart.intr.level).toBe(false);
  });

  it('tells of the trailing edge of RI only', () => {
    const { uart, get } = make();
    get(6);
    uart.riW(true);
    expect(get(6) & 0x44).toBe(0x40);
    uart.riW(false);
    expect(get(6) & 0x44).toBe(0x04);
  });

  it('loops data and modem lines back, and the outside sees nothing', () => {
    const { fake, uart, line, put, get } = make();
    put(4, 0x0b);
    expect([uart.dtr.level, uart.rts.level, uart.out1.level, uart.out2.level]).toEqual([true, true, false, true]);
    put(4, 0x1b);
    expect([uart.dtr.level, uart.rts.level, uart.out2.level]).toEqual([false, false, false]);
    expect(get(6) & 0xf0).toBe(0xb0);
    put(0, 0x7e);
    fake.advanceNs(CHARACTER_NS + 1000);
    expect([...line.drain()]).toEqual([]);
    expect([get(5) & 1, get(0)]).toEqual([1, 0x7e]);
  });

  it('cuts characters to its word length', () => {
    const { fake, line, put } = make();
    put(3, 0x02); // 7 bits
    put(0, 0xc1);
    fake.advanceNs(CHARACTER_NS);
    expect([...line.drain()]).toEqual([0x41]);
  });

  it('obeys the snapshot law', () => {
    const { uart, line, put } = make();
    put(1, 0x0f);
    put(0, 1);
    put(0, 2);
    line.feed(Uint8Array.of(1, 2));
    expectSnapshotLaw(uart);
  });

  it('survives random accesses', () => {
    const { fake, uart, line } = make();
    const next = random(16450);
    for (let i = 0; i < 20_000; i++) {
      const register = Math.floor(next() * 8);
      if (next() < 0.5) uart.write(register, 1, Math.floor(next() * 256));
      else expect(uart.read(register, 1)).toBeLessThanOrEqual(0xff);
      if (next() < 0.1) line.feed(Uint8Array.of(1));
      if (next() < 0.1) uart.riW(next() < 0.5);
      fake.advanceNs(next() * 1_000_000);
    }
  });
});
