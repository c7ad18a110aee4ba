// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { swap16 } from '../../../../machines/backplane/bus.ts';
import type { EthernetLink } from '../../../../machines/devices/net/ethernet.ts';
import { Smc91c111 } from '../../../../machines/devices/net/smc91c111.ts';
import { expectSnapshotLaw } from '../../../support/fake-board.ts';
import { GoldfishBench } from '../../../support/goldfish.ts';

const BASE = 0x10_0000;
const ADDRESS = Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56);
const [ALLOC_TX, RESET_MMU, REMOVE_RX, RELEASE_RX, ENQUEUE] = [1 << 5, 2 << 5, 3 << 5, 4 << 5, 6 << 5];
const [INT_RCV, INT_TX, INT_TX_EMPTY, INT_ALLOC, INT_RX_OVRN] = [1, 2, 4, 8, 16];

function setUp(plugged = false) {
  const sent: Uint8Array[] = [];
  const link: EthernetLink = { send: (frame) => void sent.push(frame.slice()) };
  const bench = new GoldfishBench(
    (fake) => new Smc91c111(fake.chip('ethernet'), { address: ADDRESS, ...(plugged && { link }) }),
  );
  const { map, fake } = bench;
  const bank = (n: number): void => map.write(BASE + 14, 2, swap16(n));
  const get = (where: number, offset: number): number => {
    bank(where);
    return swap16(map.read(BASE + offset, 2));
  };
  const set = (where: number, offset: number, value: number): void => {
    bank(where);
    map.write(BASE + offset, 2, swap16(value));
  };
  const mmu = (command: number): void => set(2, 0, command);
  const status = (): number => get(2, 12) & 0xff;
  const enable = (tcr: number, rcr: number): void => {
    set(0, 0, tcr);
    set(0, 4, rcr);
  };
  /** Puts a frame into memory and lets it go; gives its packet number. */
  const transmit = (frame: Uint8Array): number => {
    mmu(ALLOC_TX);
    const packet = get(2, 2) >>> 8;
    map.write(BASE + 2, 1, packet);
    set(2, 6, 0x4000);
    const odd = frame.length & 1;
    const count = frame.length - odd + 6;
    const bytes = [0, 0, count & 0xff, count >>> 8, ...frame, ...(odd ? [0x20] : [0, 0])];
    for (const byte of bytes) map.write(BASE + 8, 1, byte);
    mmu(ENQUEUE);
    fake.advanceNs(2e6);
    return packet;
  };
  const receive = (): { status: number; frame: number[] } => {
    set(2, 6, 0xe000);
    const word = (): number => swap16(map.read(BASE + 8, 2));
    const [first, count] = [word(), word()];
    const frame = Array.from({ length: count - 4 }, () => map.read(BASE + 8, 1));
    const odd = frame.at(-1)! & 0x20;
    return { status: first, frame: frame.slice(0, odd ? -1 : -2) };
  };
  return { bench, chip: bench.chip, map, fake, link, sent, get, set, mmu, status, enable, transmit, receive };
}

const frameTo = (to: readonly number[], length = 60): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => to[i] ?? i & 0xff);
const BROADCAST = [255, 255, 255, 255, 255, 255];

describe('Smc91c111', () => {
  it('has the values the data sheet gives after a reset', () => {
    const { get } = setUp();
    const words = [get(0, 0), get(0, 4), get(0, 8), get(1, 0), get(1, 2), get(1, 4), get(1, 12), get(2, 2), get(2, 4)];
    expect(words).toEqual([0, 0, 0x0404, 0xa0b1, 0x1801, 0x5452, 0x1210, 0x8000, 0x8080]);
    expect([get(2, 12), get(3, 10), get(3, 12), get(3, 14)]).toEqual([INT_TX_EMPTY, 0x3391, 0x331f, 0x3303]);
  });

  it('changes only the bank by 32 bits at 12', () => {
    const { bench, get, set } = setUp();
    set(2, 12, 0x0f00);
    bench.write(12, 1 << 16);
    expect(get(2, 12) >>> 8).toBe(0x0f);
  });

  it('hands out its pages, and keeps a wish until one is free', () => {
    const { get, set, mmu, status } = setUp();
    for (let page = 0; page < 4; page++) {
      mmu(ALLOC_TX);
      expect(get(2, 2) >>> 8).toBe(page);
    }
    expect([get(0, 8), status() & INT_ALLOC]).toEqual([0x0004, INT_ALLOC]);
    mmu(ALLOC_TX);
    expect([get(2, 2) >>> 8, status() & INT_ALLOC]).toEqual([0x80, 0]);
    set(2, 2, 2);
    mmu(5 << 5);
    expect([get(2, 2) >>> 8, status() & INT_ALLOC]).toEqual([2, INT_ALLOC]);
    mmu(RESET_MMU);
    expect(get(0, 8)).toBe(0x0404);
  });

  it('sends a frame, padded, and says so', () => {
    const { chip, sent, get, set, status, enable, transmit, map } = setUp(true);
    enable(0x0081, 0);
    set(2, 12, INT_TX << 8);
    const packet = transmit(frameTo(BROADCAST, 21));
    expect(sent.map((frame) => [frame.length, frame[20], frame[21]])).toEqual([[60, 20, 0]]);
    expect([get(2, 4) & 0xff, status() & INT_TX, chip.irq.level]).toEqual([packet, INT_TX, true]);
    expect(get(0, 2) & 0x4041).toBe(0x4041);
    get(2, 12);
    map.write(BASE + 12, 1, INT_TX);
    expect([get(2, 4) & 0xff, chip.irq.level]).toEqual([0x80, false]);
    expect(get(0, 8) >>> 8).toBe(3);
  });

  it('frees what it has sent by itself when told so', () => {
    const { get, set, enable, transmit } = setUp(true);
    set(1, 12, 0x0800);
    enable(1, 0);
    transmit(frameTo(BROADCAST));
    expect([get(2, 4) & 0xff, get(0, 8) >>> 8]).toEqual([0x80, 4]);
  });

  it('loses the carrier without a cable, if it is to watch it', () => {
    const { get, set, status, enable, transmit } = setUp();
    set(1, 12, 0x0820);
    enable(0x0401, 0);
    transmit(frameTo(BROADCAST));
    expect([get(0, 2) & 0x4401, get(0, 0) & 1, status() & 0x20]).toEqual([0x0400, 0, 0x20]);
    expect(get(2, 4) & 0xff).toBe(0);
  });

  it('receives what is for it', () => {
    const { link, get, enable, mmu, status, receive } = setUp(true);
    enable(0, 0x0300);
    link.onFrame!(frameTo([1, 2, 3, 4, 5, 6]));
    expect(status() & INT_RCV).toBe(0);
    link.onFrame!(frameTo([...ADDRESS], 61));
    link.onFrame!(frameTo(BROADCAST));
    expect(status() & INT_RCV).toBe(INT_RCV);
    const first = receive();
    expect([first.status, first.frame.length]).toEqual([0x1000, 61]);
    expect(first.frame).toEqual([...frameTo([...ADDRESS], 61)]);
    mmu(RELEASE_RX);
    expect(receive()).toMatchObject({ status: 0x4000 });
    mmu(REMOVE_RX);
    expect([status() & INT_RCV, get(0, 8) >>> 8]).toEqual([0, 3]);
  });

  it('says when a frame finds no page', () => {
    const { link, enable, status, map, get } = setUp(true);
    enable(0, 0x0302);
    for (let i = 0; i < 5; i++) link.onFrame!(frameTo(BROADCAST));
    expect(status() & INT_RX_OVRN).toBe(INT_RX_OVRN);
    map.write(BASE + 12, 1, INT_RX_OVRN);
    expect(get(2, 12) & INT_RX_OVRN).toBe(0);
  });

  // [LAN91C111] §8.2, "examples of the address mapping".
  it.each([
    [0xed, 0, 0],
    [0x0d, 2, 0],
    [0x01, 4, 7],
    [0x2f, 7, 7],
  ])('finds %x:0:0:0:0:0 in its multicast table at byte %d, bit %d', (first, byte, bit) => {
    const { link, enable, set, status } = setUp(true);
    enable(0, 0x0300);
    const mask = (1 << bit) << ((byte & 1) * 8);
    for (let i = 0; i < 8; i += 2) set(3, i, i === (byte & 6) ? 0xffff & ~mask : 0xffff);
    link.onFrame!(frameTo([first, 0, 0, 0, 0, 0]));
    expect(status() & INT_RCV).toBe(0);
    for (let i = 0; i < 8; i += 2) set(3, i, 0);
    set(3, byte & 6, mask);
    link.onFrame!(frameTo([first, 0, 0, 0, 0, 0]));
    expect(status() & INT_RCV).toBe(INT_RCV);
  });

  it('hears itself in a loop', () => {
    const { enable, transmit, receive } = setUp();
    enable(0x2001, 0x0300);
    transmit(frameTo([...ADDRESS]));
    expect(receive().frame).toEqual([...frameTo([...ADDRESS])]);
  });

  it('reaches its transceiver bit by bit', () => {
    const phy = (plugged: boolean) => {
      const { get, set } = setUp(plugged);
      const out = (value: number, bits: number): void => {
        for (let i = bits - 1; i >= 0; i--) {
          const pins = 8 | ((value >>> i) & 1);
          set(3, 8, pins);
          set(3, 8, pins | 4);
        }
      };
      const read = (address: number, register: number): number => {
        out(0xffff_ffff, 32);
        out((6 << 10) | (address << 5) | register, 14);
        let value = 0;
        for (let i = 0; i < 18; i++) {
          set(3, 8, 0);
          value = (value << 1) | ((get(3, 8) >>> 1) & 1);
          set(3, 8, 4);
        }
        return value;
      };
      const write = (register: number, value: number): void => {
        out(0xffff_ffff, 32);
        out((5 << 10) | register, 14);
        out((2 << 16) | value, 18);
      };
      return { read, write };
    };
    const unplugged = phy(false);
    expect([2, 3, 0, 4].map((register) => unplugged.read(0, register))).toEqual([0x0016, 0xf840, 0x3000, 0x01e1]);
    expect(unplugged.read(3, 2)).toBe(0);
    expect(unplugged.read(0, 1)).toBe(0x7849);
    expect(unplugged.read(0, 18) & 0x4000).toBe(0x4000);
    unplugged.write(0, 0x0900);
    expect(unplugged.read(0, 0)).toBe(0x0900);
    unplugged.write(0, 0x8000);
    expect(unplugged.read(0, 0)).toBe(0x3000);
    expect(phy(true).read(0, 1)).toBe(0x786d);
  });

  it('obeys the snapshot law while it sends', () => {
    const { bench, chip, fake, sent, enable, transmit, mmu, get, map } = setUp(true);
    enable(1, 0x0300);
    transmit(frameTo(BROADCAST));
    mmu(ALLOC_TX);
    map.write(BASE + 2, 1, get(2, 2) >>> 8);
    mmu(ENQUEUE);
    expectSnapshotLaw(chip, bench.make);
    fake.advanceNs(2e6);
    expect(sent.length).toBeGreaterThan(1);
  });

  it('survives random accesses', () => {
    const { bench, link } = setUp(true);
    bench.fuzz(28, 16, (next) => {
      if (next() < 0.05) link.onFrame!(frameTo(BROADCAST, Math.floor(next() * 3000)));
    });
  });
});
