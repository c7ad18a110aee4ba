// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { Rtc3430042 } from '../../../../machines/devices/rtc/rtc-343-0042.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const SECOND = 1_000_000_000;
const START = 985_435_200;
const MAC_START = START + 2_082_844_800;

function setUp(kept?: Uint8Array) {
  const fake = new FakeBoard();
  const stored: Uint8Array[] = [];
  const rtc = new Rtc3430042(fake.chip('rtc'), {
    pram: { load: () => kept, store: (bytes) => stored.push(bytes) },
    calendar: { startSeconds: START },
  });
  rtc.reset('cold');
  rtc.settle();
  const bits = (value: number): void => {
    for (let bit = 7; bit >= 0; bit--) {
      rtc.clkW(false);
      rtc.dataW(((value >> bit) & 1) === 1);
      rtc.clkW(true);
    }
  };
  const take = (): number => {
    let value = 0;
    for (let bit = 0; bit < 8; bit++) {
      rtc.clkW(false);
      value = (value << 1) | (rtc.data.level ? 1 : 0);
      rtc.clkW(true);
    }
    return value;
  };
  const framed = <T>(action: () => T): T => {
    rtc.enableW(true);
    const result = action();
    rtc.enableW(false);
    return result;
  };
  const send = (...bytes: number[]): void => framed(() => bytes.forEach(bits));
  const ask = (...bytes: number[]): number =>
    framed(() => {
      bytes.forEach(bits);
      return take();
    });
  const seconds = (): number => [0x8d, 0x89, 0x85, 0x81].reduce((sum, command) => sum * 256 + ask(command), 0);
  return { fake, rtc, stored, send, ask, seconds, bits };
}

describe('Rtc3430042', () => {
  it('counts seconds since 1904', () => {
    const { fake, seconds } = setUp();
    expect(seconds()).toBe(MAC_START);
    fake.advance(SECOND - 1);
    expect(seconds()).toBe(MAC_START);
    fake.advance(1);
    expect(seconds()).toBe(MAC_START + 1);
  });

  it('raises CKO at the beginning of each second', () => {
    const { fake, rtc } = setUp();
    const levels = fake.watch(rtc.cko);
    fake.advance(SECOND / 2);
    expect(levels).toEqual([false]);
    fake.advance(SECOND / 2 - 1);
    expect(levels).toEqual([false]);
    fake.advance(1);
    expect(levels).toEqual([false, true]);
    fake.advance(3 * SECOND);
    expect(levels).toHaveLength(8);
  });

  it('takes a new time byte by byte, and goes on from there', () => {
    const { fake, send, seconds } = setUp();
    [0x01, 0x05, 0x09, 0x0d].forEach((command, index) => send(command, [0x78, 0x56, 0x34, 0x12][index]!));
    expect(seconds()).toBe(0x1234_5678);
    fake.advance(2 * SECOND);
    expect(seconds()).toBe(0x1234_567a);
  });

  it('keeps the twenty bytes of the short commands inside the 256 of the extended ones', () => {
    const { send, ask } = setUp();
    send(0x41, 0x11); // 1aaaa01 is 0x10 + a
    send(0x45, 0x12);
    send(0x21, 0x13); // 010aa01 is 0x08 + a
    expect(ask(0xc5)).toBe(0x12);
    const extended = (address: number): [number, number] => [0x38 | (address >> 5), (address & 31) << 2];
    expect([0x10, 0x11, 0x08].map((address) => ask(extended(address)[0] | 0x80, extended(address)[1]))).toEqual([
      0x11, 0x12, 0x13,
    ]);
    send(...extended(0xfe), 0x77);
    expect(ask(extended(0xfe)[0] | 0x80, extended(0xfe)[1])).toBe(0x77);
  });

  it('changes nothing while write protected', () => {
    const { send, ask, seconds } = setUp();
    send(0x41, 0x11);
    send(0x35, 0x80);
    send(0x41, 0x22);
    send(0x01, 0x99);
    expect([ask(0xc1), seconds()]).toEqual([0x11, MAC_START]);
    send(0x35, 0x00);
    send(0x41, 0x22);
    expect(ask(0xc1)).toBe(0x22);
  });

  it('forgets a command that is cut off, and hears nothing while not selected', () => {
    const { rtc, bits, ask, send } = setUp();
    rtc.enableW(true);
    bits(0x41);
    rtc.enableW(false);
    bits(0x33);
    send(0x45, 0x44);
    expect([ask(0xc1), ask(0xc5)]).toEqual([0, 0x44]);
  });

  it('keeps its bytes on the host: together, and at the latest when the machine goes away', () => {
    const { fake, rtc, send, stored } = setUp();
    send(0x41, 1);
    send(0x45, 2);
    expect(stored).toHaveLength(0);
    fake.advance(20_000_000);
    expect(stored.map((bytes) => [...bytes.subarray(0x10, 0x12)])).toEqual([[1, 2]]);
    send(0x41, 3);
    rtc.flush();
    expect(stored).toHaveLength(2);
    const again = setUp(stored[1]);
    expect(again.ask(0xc1)).toBe(3);
  });

  it('starts empty when what was kept has another size', () => {
    expect(setUp(new Uint8Array(20).fill(9)).ask(0xc1)).toBe(0);
  });

  it('obeys the snapshot law in the middle of a byte', () => {
    const { rtc, bits } = setUp();
    rtc.enableW(true);
    bits(0xb8);
    rtc.clkW(false);
    rtc.clkW(true);
    expectSnapshotLaw(rtc, () => setUp().rtc);
  });

  it('survives random pins', () => {
    const { fake, rtc } = setUp();
    const next = random(3);
    for (let n = 0; n < 30_000; n++) {
      const level = next() < 0.5;
      const pin = next();
      if (pin < 0.02) rtc.enableW(level);
      else if (pin < 0.5) rtc.dataW(level);
      else rtc.clkW(level);
      if (pin > 0.99) fake.advance(Math.floor(next() * SECOND));
    }
    expect(rtc.save()['shift']).toBeLessThan(256);
  });
});
