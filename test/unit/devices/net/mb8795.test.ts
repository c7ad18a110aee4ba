// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { type EthernetLink, frameCheckSequence } from '../../../../machines/devices/net/ethernet.ts';
import { type EthernetDma, Mb8795 } from '../../../../machines/devices/net/mb8795.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const R = { txstat: 0, txmask: 1, rxstat: 2, rxmask: 3, txmode: 4, rxmode: 5, reset: 6, low: 7, address: 8, high: 15 };
const [READY, BUSY, RECEIVED, UNDERFLOW, COLLISION, SIXTEEN] = [0x80, 0x40, 0x20, 0x08, 0x04, 0x02];
const [RX_OK, RX_SHORT, RX_OVERFLOW] = [0x80, 0x08, 0x01];
const NO_LOOP = 0x02;
const RX = { none: 0, limited: 1, normal: 2, all: 3, takeShort: 0x08, shortAddress: 0x10 };
const T7213 = { on: 0x80, twistedPair: 0x04, loop: 0x02, own: 0x02, all: 0x01 };
const OWN = [0x00, 0x00, 0x0f, 1, 2, 3];
const BROADCAST = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const OTHER = [0x00, 0x00, 0x0f, 9, 9, 9];

/** A frame to `to`, of `length` bytes. */
const frame = (to: readonly number[], length = 64): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => to[i] ?? i & 0xff);

/** DMA channels as the controller sees them: packets to send, in parts, and the room for received ones. */
class Channels {
  parts: { bytes: Uint8Array; end: boolean }[] = [];
  received: Uint8Array[] = [];
  /** Bytes that each buffer has room for. */
  room: number[] | undefined;
  #current: number[] = [];

  readonly tx: EthernetDma = {
    takePacket: (most) => {
      const part = this.parts.shift();
      return part && { bytes: part.bytes.subarray(0, most), end: part.end };
    },
    receivePacket: () => 0,
  };

  readonly rx: EthernetDma = {
    takePacket: () => undefined,
    receivePacket: (packet, done) => {
      if (done === 0) this.#current = [];
      const count = Math.min(packet.length - done, this.room === undefined ? Infinity : (this.room.shift() ?? 0));
      this.#current.push(...packet.subarray(done, done + count));
      if (done + count === packet.length) this.received.push(Uint8Array.from(this.#current));
      return count;
    },
  };

  queue(packet: Uint8Array): void {
    this.parts.push({ bytes: packet, end: true });
  }
}

function make(options: { variant?: 'mb8795' | 't7213'; cable?: boolean } = {}) {
  const fake = new FakeBoard();
  const sent: Uint8Array[] = [];
  const link: EthernetLink | undefined = options.cable ? { send: (one) => void sent.push(one) } : undefined;
  const build = () => new Mb8795(fake.chip('enet'), { variant: options.variant ?? 'mb8795', link });
  const chip = build();
  const dma = new Channels();
  chip.tx = dma.tx;
  chip.rx = dma.rx;
  chip.reset('cold');
  chip.settle();
  const w = (register: number, value: number): void => chip.write(register, 1, value);
  const r = (register: number): number => chip.read(register, 1);
  const start = (): void => {
    OWN.forEach((byte, i) => w(R.address + i, byte));
    w(R.reset, 0);
    w(R.txmask, 0xaf);
    w(R.rxmask, 0x9f);
  };
  const ms = (time: number): void => fake.advanceNs(time * 1e6);
  return { fake, chip, build, dma, sent, link, w, r, start, ms };
}

describe('Mb8795', () => {
  it('comes out of reset held, ready and deaf', () => {
    const { r, chip } = make();
    const all = [...Array(16).keys()].map(r);
    expect(all).toEqual([READY, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect([chip.txIrq.level, chip.rxIrq.level]).toEqual([false, false]);
  });

  it('holds masks, modes and its address', () => {
    const { r, w, start } = make();
    start();
    w(R.txmask, 0xff);
    w(R.rxmask, 0xff);
    w(R.txmode, 0xff);
    w(R.rxmode, 0xff);
    expect([r(R.txmask), r(R.rxmask), r(R.txmode), r(R.rxmode), r(R.reset)]).toEqual([0xaf, 0x9f, 0x0f, 0xff, 0]);
    expect(OWN.map((_, i) => r(R.address + i))).toEqual(OWN);
    w(R.reset, 0x80);
    expect([r(R.txmask), r(R.rxmask), r(R.txmode), r(R.rxmode), r(R.reset)]).toEqual([0, 0, 0, 0, 0x80]);
    expect(OWN.map((_, i) => r(R.address + i))).toEqual(OWN);
  });

  it('says that a write to the bit counter is an error', () => {
    const { fake, w } = make();
    w(R.low, 1);
    expect(fake.logged('guest')).toHaveLength(1);
  });

  describe('loop back', () => {
    it('receives what it sends, with a frame check sequence', () => {
      const { chip, dma, r, w, start, ms } = make();
      start();
      w(R.rxmode, RX.normal);
      const packet = frame(OWN, 100);
      dma.queue(packet);
      chip.transmit();
      ms(0.02);
      expect(r(R.txstat)).toBe(0);
      ms(0.2);
      expect(r(R.txstat) & (READY | RECEIVED | COLLISION)).toBe(READY | RECEIVED);
      expect(r(R.rxstat)).toBe(RX_OK);
      expect([chip.txIrq.level, chip.rxIrq.level]).toEqual([true, true]);
      expect(dma.received).toEqual([Uint8Array.from([...packet, ...frameCheckSequence(packet)])]);
      expect(r(R.low) | (r(R.high) << 8)).toBe(800);
    });

    it('is not what the cable hears', () => {
      const { chip, dma, sent, w, start, ms } = make({ cable: true });
      start();
      w(R.rxmode, RX.all);
      dma.queue(frame(OWN));
      chip.transmit();
      ms(1);
      expect(sent).toEqual([]);
      expect(dma.received).toHaveLength(1);
    });
  });

  it('waits for a packet from its channel, and collects it from several buffers', () => {
    const { chip, dma, r, w, start, ms } = make();
    start();
    w(R.rxmode, RX.all);
    chip.transmit();
    ms(1);
    expect(r(R.txstat)).toBe(READY);
    dma.parts.push({ bytes: frame(OWN, 40), end: false }, { bytes: new Uint8Array(30).fill(7), end: true });
    chip.transmit();
    ms(1);
    expect(dma.received[0]).toHaveLength(74);
    expect(dma.received[0]![69]).toBe(7);
  });

  it('underflows when the end of a packet does not come', () => {
    const { chip, dma, r, start, ms } = make();
    start();
    dma.parts.push({ bytes: frame(OWN, 40), end: false });
    chip.transmit();
    ms(1);
    expect(r(R.txstat) & UNDERFLOW).toBe(UNDERFLOW);
    expect(chip.txIrq.level).toBe(true);
    for (let i = 0; i < 100; i++) dma.parts.push({ bytes: new Uint8Array(1), end: false });
    chip.transmit();
    ms(1);
    expect(dma.parts.length).toBeGreaterThan(50);
  });

  it('collides sixteen times where coax has no terminator', () => {
    const { chip, dma, r, w, start, ms } = make();
    start();
    w(R.txmode, NO_LOOP);
    dma.queue(frame(OWN));
    chip.transmit();
    ms(100);
    expect(r(R.txstat)).toBe(0);
    ms(300);
    expect(r(R.txstat) & 0x8f).toBe(READY | COLLISION | SIXTEEN);
    expect(r(R.txmode)).toBe(0xf0 | NO_LOOP);
    expect(chip.txIrq.level).toBe(true);
    w(R.txstat, 0xff);
    expect([r(R.txstat), chip.txIrq.level]).toEqual([READY, false]);
  });

  it('sends to a cable, and hears itself on coax but not on twisted pair', () => {
    for (const pair of [false, true]) {
      const { chip, dma, sent, r, w, start, ms } = make({ cable: true });
      start();
      chip.twistedPairW(pair);
      w(R.txmode, NO_LOOP);
      w(R.rxmode, RX.all);
      dma.queue(frame(OTHER, 80));
      chip.transmit();
      ms(1);
      expect(sent).toEqual([frame(OTHER, 80)]);
      expect(dma.received).toHaveLength(pair ? 0 : 1);
      expect(r(R.txstat) & RECEIVED).toBe(pair ? 0 : RECEIVED);
    }
  });

  it('sends nothing while it is held in reset, and goes on afterwards', () => {
    const { chip, dma, sent, w, start, ms } = make({ cable: true });
    dma.queue(frame(OTHER));
    chip.transmit();
    ms(5);
    expect(sent).toEqual([]);
    start();
    w(R.txmode, NO_LOOP);
    ms(5);
    expect(sent).toHaveLength(1);
  });

  describe('address filter', () => {
    const groupOfOwn = [0x01, 0x00, 0x0f, 7, 7, 7];
    const group = [0x01, 0x80, 0xc2, 0, 0, 0];
    const neighbour = [...OWN.slice(0, 5), 0x77];
    it.each([
      ['none', RX.none, [false, false, false, false, false, false]],
      ['limited', RX.limited, [true, true, true, false, false, false]],
      ['normal', RX.normal, [true, true, true, true, false, false]],
      ['five bytes', RX.normal | RX.shortAddress, [true, true, true, true, false, true]],
      ['all', RX.all, [true, true, true, true, true, true]],
    ])('%s', (_name, mode, expected) => {
      const { link, dma, w, start, ms } = make({ cable: true });
      start();
      w(R.txmode, NO_LOOP);
      w(R.rxmode, mode);
      const accepted = [OWN, BROADCAST, groupOfOwn, group, OTHER, neighbour].map((to) => {
        const before = dma.received.length;
        link!.onFrame!(frame(to));
        ms(1);
        return dma.received.length > before;
      });
      expect(accepted).toEqual(expected);
    });

    it('of the 7213', () => {
      for (const [mode, expected] of [
        [T7213.own, [false, false, false]],
        [T7213.on, [false, true, false]],
        [T7213.on | T7213.own, [true, true, false]],
        [T7213.on | T7213.all, [true, true, true]],
      ] as const) {
        const { link, dma, w, start, ms } = make({ variant: 't7213', cable: true });
        start();
        w(R.rxmode, mode);
        const accepted = [OWN, BROADCAST, OTHER].map((to) => {
          const before = dma.received.length;
          link!.onFrame!(frame(to));
          ms(1);
          return dma.received.length > before;
        });
        expect(accepted, mode.toString(16)).toEqual(expected);
      }
    });
  });

  it('takes short packets only if it is told to', () => {
    for (const [mode, length, status, count] of [
      [RX.all, 40, RX_SHORT, 0],
      [RX.all | RX.takeShort, 40, RX_OK | RX_SHORT, 1],
      [RX.all | RX.takeShort, 9, RX_SHORT, 0],
    ] as const) {
      const { link, dma, r, w, start, ms } = make({ cable: true });
      start();
      w(R.txmode, NO_LOOP);
      w(R.rxmode, mode);
      link!.onFrame!(frame(OWN, length));
      ms(1);
      expect([r(R.rxstat), dma.received.length]).toEqual([status, count]);
    }
  });

  it('overflows where its channel has no room', () => {
    const { link, dma, r, w, chip, start, ms } = make({ cable: true });
    start();
    w(R.txmode, NO_LOOP);
    w(R.rxmode, RX.all);
    dma.room = [30, 30, 30];
    link!.onFrame!(frame(OWN));
    ms(1);
    expect([r(R.rxstat), dma.received.length]).toEqual([RX_OK, 1]);
    w(R.rxstat, RX_OK);
    expect([r(R.rxstat), chip.rxIrq.level]).toEqual([0, false]);
    link!.onFrame!(frame(OWN));
    ms(1);
    expect([r(R.rxstat), chip.rxIrq.level]).toEqual([RX_OVERFLOW, true]);
  });

  it('keeps a burst of packets, shows the network busy meanwhile, and drops what is too much', () => {
    const { link, dma, r, w, start, ms } = make({ cable: true });
    start();
    w(R.txmode, NO_LOOP);
    w(R.rxmode, RX.all);
    for (let i = 0; i < 20; i++) link!.onFrame!(frame(OWN, 60 + i));
    expect(r(R.txstat) & BUSY).toBe(BUSY);
    expect(r(R.rxstat)).toBe(RX_OVERFLOW);
    ms(10);
    expect(r(R.txstat) & BUSY).toBe(0);
    expect(dma.received.map(({ length }) => length)).toEqual([...Array(16).keys()].map((i) => 64 + i));
    link!.onFrame!(frame(OWN, 1519));
    link!.onFrame!(new Uint8Array(0));
    ms(10);
    expect(dma.received).toHaveLength(16);
  });

  it('interrupts only for what the masks let through', () => {
    const { chip, dma, link, w, start, ms } = make({ cable: true });
    start();
    w(R.txmode, NO_LOOP);
    w(R.rxmode, RX.all);
    w(R.txmask, COLLISION);
    w(R.rxmask, RX_OVERFLOW);
    dma.queue(frame(OWN));
    chip.transmit();
    link!.onFrame!(frame(OWN));
    ms(2);
    expect([chip.txIrq.level, chip.rxIrq.level]).toEqual([false, false]);
  });

  describe('as the 7213', () => {
    it('says that twisted pair has no link, and clears every status bit', () => {
      const { r, w, start } = make({ variant: 't7213' });
      expect([r(R.txstat), r(R.reset)]).toEqual([0, 0xc0]);
      start();
      expect(r(R.reset)).toBe(0x40);
      w(R.txmode, 0xff);
      expect(r(R.txmode)).toBe(0xff);
      expect(make({ variant: 't7213', cable: true }).r(R.reset)).toBe(0x80);
    });

    it('sends when the transmitter is switched on', () => {
      const { dma, sent, r, w, start, ms } = make({ variant: 't7213', cable: true });
      start();
      dma.queue(frame(OTHER));
      ms(1);
      expect(sent).toEqual([]);
      w(R.txmode, T7213.on | T7213.twistedPair);
      ms(1);
      expect(sent).toHaveLength(1);
      expect(r(R.txstat)).toBe(READY);
      w(R.txstat, READY);
      expect(r(R.txstat)).toBe(0);
    });

    it('loops back', () => {
      const { dma, chip, sent, r, w, start, ms } = make({ variant: 't7213', cable: true });
      start();
      w(R.rxmode, T7213.on | T7213.own);
      w(R.txmode, T7213.on | T7213.twistedPair | T7213.loop);
      dma.queue(frame(OWN));
      chip.transmit();
      ms(1);
      expect([sent.length, dma.received.length, r(R.rxstat)]).toEqual([0, 1, RX_OK]);
    });
  });

  it('obeys the snapshot law in the middle of everything', () => {
    const { chip, build, dma, link, w, start, ms } = make({ cable: true });
    start();
    w(R.txmode, NO_LOOP);
    w(R.rxmode, RX.all);
    dma.queue(frame(OTHER, 1000));
    chip.transmit();
    ms(0.1);
    link!.onFrame!(frame(OWN));
    link!.onFrame!(frame(OWN, 70));
    expectSnapshotLaw(chip, build);
    ms(3);
    expect(dma.received).toHaveLength(3);
  });

  it.each(['mb8795', 't7213'] as const)('survives random accesses as %s', (variant) => {
    for (const cable of [false, true]) {
      const { chip, fake, dma, link, r, w } = make({ variant, cable });
      const next = random(8795);
      const below = (limit: number): number => Math.floor(next() * limit);
      for (let i = 0; i < 15_000; i++) {
        const what = next();
        if (what < 0.4) w(below(16), next() < 0.3 ? 0 : below(256));
        else if (what < 0.8) {
          const value = r(below(16));
          expect(Number.isInteger(value) && value >= 0 && value <= 0xff).toBe(true);
        } else if (what < 0.85) {
          dma.parts.push({ bytes: new Uint8Array(below(3000)), end: next() < 0.5 });
          chip.transmit();
        } else if (what < 0.9) link?.onFrame?.(new Uint8Array(below(3000)));
        else chip.twistedPairW(next() < 0.5);
        dma.room = next() < 0.5 ? [below(2000), below(2000)] : undefined;
        dma.received.length = 0;
        if (next() < 0.3) fake.advanceNs(next() * 500_000);
      }
      expectSnapshotLaw(chip);
    }
  });
});
