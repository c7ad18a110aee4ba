// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { NrfRadio, RadioAir } from '../../../../machines/devices/nrf51/nrf-radio.ts';
import { expectPowerCycle, INTENSET, NrfBench, RAM, set, SHORTS, values } from '../../../support/nrf51.ts';

const TXEN = 0x000;
const RXEN = 0x004;
const START = 0x008;
const STOP = 0x00c;
const DISABLE = 0x010;
const RSSISTART = 0x014;
const READY = 0x100;
const ADDRESS = 0x104;
const PAYLOAD = 0x108;
const END = 0x10c;
const DISABLED = 0x110;
const DEVMATCH = 0x114;
const DEVMISS = 0x118;
const RSSIEND = 0x11c;
const BCMATCH = 0x128;
const CRCSTATUS = 0x400;
const RXMATCH = 0x408;
const RXCRC = 0x40c;
const DAI = 0x410;
const PACKETPTR = 0x504;
const FREQUENCY = 0x508;
const MODE = 0x510;
const PCNF0 = 0x514;
const PCNF1 = 0x518;
const BASE0 = 0x51c;
const BASE1 = 0x520;
const PREFIX0 = 0x524;
const TXADDRESS = 0x52c;
const RXADDRESSES = 0x530;
const CRCCNF = 0x534;
const CRCPOLY = 0x538;
const CRCINIT = 0x53c;
const TIFS = 0x544;
const RSSISAMPLE = 0x548;
const STATE = 0x550;
const DATAWHITEIV = 0x554;
const BCC = 0x560;
const DAB0 = 0x600;
const DAP0 = 0x620;
const DACNF = 0x640;
const PACKET = 0x100;

/** A radio set up for advertisements of Bluetooth low energy on channel 37, its ramp-ups over. */
function make(air = new RadioAir()) {
  const bench = new NrfBench();
  const radio = bench.mount(new NrfRadio(bench.fake.chip('radio'), { ...bench.at(1), memory: bench.map, air }));
  set(
    radio,
    ...([
      [PACKETPTR, RAM + PACKET],
      [FREQUENCY, 2],
      [MODE, 3],
      [PCNF0, 0x108],
      [PCNF1, 0x0203_00ff],
      [BASE0, 0x89be_d600],
      [PREFIX0, 0x8e],
      [RXADDRESSES, 1],
      [CRCCNF, 0x103],
      [CRCPOLY, 0x65b],
      [CRCINIT, 0x55_5555],
      [DATAWHITEIV, 37],
    ] as const),
  );
  return { bench, radio };
}

/** Two radios on one air: one sends the packet in its memory, the other has listened. */
function exchange(prepare: { sender?: [number, number][]; receiver?: [number, number][]; packet?: string } = {}) {
  const air = new RadioAir();
  const sender = make(air);
  const receiver = make(air);
  sender.bench.put(PACKET, prepare.packet ?? '4009 665544332211 020106');
  set(receiver.radio, ...(prepare.receiver ?? []), [RXEN, 1]);
  receiver.bench.us(130);
  set(receiver.radio, [START, 1]);
  set(sender.radio, ...(prepare.sender ?? []), [TXEN, 1]);
  sender.bench.us(130);
  set(sender.radio, [START, 1]);
  sender.bench.us(400);
  return { sender, receiver };
}

describe('NrfRadio', () => {
  it('has its reset values, also after it was switched off', () => {
    const bench = new NrfBench();
    const radio = bench.mount(new NrfRadio(bench.fake.chip('radio'), { ...bench.at(1), memory: bench.map }));
    const zero = [PACKETPTR, MODE, PCNF0, PCNF1, BASE0, RXADDRESSES, CRCCNF, CRCPOLY, CRCINIT, TIFS, BCC, DAB0, DACNF];
    expectPowerCycle(radio, [...zero.map((offset) => [offset, 0] as const), [FREQUENCY, 2], [DATAWHITEIV, 0x40]]);
  });

  it('ramps up, sends in the time of its bits, and ramps down', () => {
    const { bench, radio } = make();
    bench.put(PACKET, '4009 665544332211 020106');
    const irq = bench.fake.watch(radio.irq);
    set(radio, [INTENSET, 1 << 3], [TXEN, 1]);
    expect(radio.read(STATE, 4)).toBe(9);
    bench.us(130);
    expect(values(radio, READY, STATE)).toEqual([1, 10]);
    set(radio, [START, 1]);
    expect(values(radio, ADDRESS, END, STATE)).toEqual([1, 0, 11]);
    bench.us(8 * (8 + 11) - 1);
    expect(radio.read(END, 4)).toBe(0);
    bench.us(1);
    expect([...values(radio, PAYLOAD, END, STATE), irq]).toEqual([1, 1, 10, [true]]);
    set(radio, [DISABLE, 1]);
    expect(radio.read(STATE, 4)).toBe(12);
    bench.us(6);
    expect(values(radio, DISABLED, STATE)).toEqual([1, 0]);
  });

  it('brings a packet to who listens', () => {
    const { receiver } = exchange();
    expect(receiver.bench.bytes(PACKET, 11)).toBe('4009665544332211020106');
    const { radio } = receiver;
    expect(values(radio, ADDRESS, PAYLOAD, END, CRCSTATUS, RXMATCH, STATE)).toEqual([1, 1, 1, 1, 0, 2]);
    expect(radio.read(RXCRC, 4)).toBeGreaterThan(0);
  });

  it('hears nothing on another frequency, in another mode, or for another address', () => {
    const others: [number, number][] = [
      [FREQUENCY, 26],
      [MODE, 0],
      [BASE0, 0x1234_5600],
      [PREFIX0, 0x8f],
      [RXADDRESSES, 0],
    ];
    for (const other of others) {
      const { receiver } = exchange({ receiver: [other] });
      expect(values(receiver.radio, ADDRESS, END, STATE), other[0].toString(16)).toEqual([0, 0, 3]);
    }
  });

  it('finds the checksum wrong that was made or whitened otherwise', () => {
    const others: [number, number][] = [
      [CRCPOLY, 0x65a],
      [CRCINIT, 0],
      [CRCCNF, 0x102],
      [CRCCNF, 0x003],
      [DATAWHITEIV, 38],
      [PCNF1, 0x0003_00ff],
    ];
    for (const other of others) {
      const { receiver } = exchange({ receiver: [other] });
      expect(values(receiver.radio, END, CRCSTATUS), other.map((n) => n.toString(16)).join()).toEqual([1, 0]);
    }
  });

  it('has logical addresses of two bases and eight prefixes', () => {
    const { receiver } = exchange({
      sender: [
        [BASE1, 0x1122_3300],
        [PREFIX0, 0x0055_008e],
        [TXADDRESS, 2],
      ],
      receiver: [
        [BASE1, 0x1122_3300],
        [PREFIX0, 0x0055_008e],
        [RXADDRESSES, 5],
      ],
    });
    expect(values(receiver.radio, END, RXMATCH, CRCSTATUS)).toEqual([1, 2, 1]);
  });

  it('compares the address of a device', () => {
    const wanted: [number, number][] = [
      [DAB0 + 4, 0x3344_5566],
      [DAP0 + 4, 0x1122],
      [DACNF, 0x202],
    ];
    const found = exchange({ receiver: wanted }).receiver.radio;
    expect(values(found, DEVMATCH, DEVMISS, DAI)).toEqual([1, 0, 1]);
    const missed = exchange({ receiver: [...wanted, [DACNF, 0x002]] }).receiver.radio;
    expect(values(missed, DEVMATCH, DEVMISS)).toEqual([0, 1]);
  });

  it('counts bits after the address', () => {
    const { bench, radio } = make();
    bench.put(PACKET, '4009 665544332211 020106');
    set(radio, [BCC, 16], [SHORTS, (1 << 6) | 1], [TXEN, 1]);
    bench.us(130 + 15);
    expect(radio.read(BCMATCH, 4)).toBe(0);
    bench.us(1);
    expect(radio.read(BCMATCH, 4)).toBe(1);
  });

  it('goes round by shortcuts, keeping the space between frames', () => {
    const { bench, radio } = make();
    // READY_START, END_DISABLE, DISABLED_RXEN
    set(radio, [SHORTS, 0b1011], [TIFS, 150], [TXEN, 1]);
    bench.us(130 + 8 * 10);
    expect(values(radio, END, STATE)).toEqual([1, 12]);
    bench.us(6);
    expect(values(radio, DISABLED, STATE)).toEqual([1, 1]);
    bench.us(143);
    expect(radio.read(STATE, 4)).toBe(1);
    bench.us(1);
    expect(radio.read(STATE, 4)).toBe(3);
    set(radio, [STOP, 1]);
    expect(radio.read(STATE, 4)).toBe(2);
  });

  it('samples the strength of the signal', () => {
    const { radio } = make();
    set(radio, [RSSISTART, 1]);
    expect(values(radio, RSSIEND, RSSISAMPLE)).toEqual([1, 50]);
  });

  it('cuts a packet longer than the receiver allows, and never writes more', () => {
    const { receiver } = exchange({ packet: `40 20 ${'5a'.repeat(32)}`, receiver: [[PCNF1, 0x0203_0004]] });
    expect(receiver.bench.bytes(PACKET, 8)).toBe('40205a5a5a5a0000');
    expect(receiver.radio.read(CRCSTATUS, 4)).toBe(0);
  });

  it('survives random accesses', () => {
    const { bench, radio } = make();
    bench.fuzz(radio, 1);
  });
});
