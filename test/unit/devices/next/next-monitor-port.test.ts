// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { readTarget, type Width, writeTarget } from '../../../../machines/backplane/bus.ts';
import { FROM_MONITOR, NextMonitorPort } from '../../../../machines/devices/next/next-monitor-port.ts';
import { fuzzTargets } from '../../../support/bus-fuzz.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const SOUND = 0;
const RECEIVER = 1;
const SENDER = 2;
const COMMAND = 3;
const DATA = 4;
const KEY_MOUSE = 8;

const TX_PENDING = 0x20;
const TX_SENDING = 0x10;
const TX_ENABLE = 0x02;
const TX_LOOP = 0x01;

const PACKET_NS = 10_000;

function make() {
  const fake = new FakeBoard();
  const port = new NextMonitorPort(fake.chip('monitor'));
  const packets: [number, number][] = [];
  const resets = { count: 0 };
  port.box = {
    packet: (command, data) => void packets.push([command, data]),
    linkReset: () => void resets.count++,
  };
  port.reset('cold');
  port.settle();
  const read = (offset: number, width: Width = 1): number => readTarget(port, offset, width);
  const write = (offset: number, value: number, width: Width = 1): void => writeTarget(port, offset, width, value);
  return {
    fake,
    port,
    packets,
    resets,
    read,
    write,
    send: (command: number, data: number): void => {
      write(COMMAND, command);
      write(DATA, data, 4);
    },
  };
}

describe('NextMonitorPort', () => {
  it('has all registers at 0 after reset, and is silent', () => {
    const { port, read } = make();
    expect([0, 4, 8, 12].map((offset) => read(offset, 4))).toEqual([0, 0, 0, 0]);
    expect([port.soundIrq, port.keyMouseIrq, port.monitorIrq, port.nmi].some(({ level }) => level)).toBe(false);
  });

  describe('sending', () => {
    it('takes a while for a packet', () => {
      const { fake, packets, read, write, send } = make();
      write(SENDER, TX_ENABLE);
      send(0xc6, 0x1234_5678);
      expect(read(SENDER)).toBe(TX_ENABLE | TX_SENDING);
      fake.advanceNs(PACKET_NS - 1);
      expect(packets).toEqual([]);
      fake.advanceNs(1);
      expect(packets).toEqual([[0xc6, 0x1234_5678]]);
      expect(read(SENDER)).toBe(TX_ENABLE);
    });

    it('lets one more wait, and a third one takes its place', () => {
      const { fake, packets, read, write, send } = make();
      write(SENDER, TX_ENABLE);
      send(1, 1);
      send(2, 2);
      expect(read(SENDER)).toBe(TX_ENABLE | TX_SENDING | TX_PENDING);
      send(3, 3);
      fake.advanceNs(PACKET_NS);
      expect(read(SENDER)).toBe(TX_ENABLE | TX_SENDING);
      fake.advanceNs(PACKET_NS);
      expect(packets).toEqual([
        [1, 1],
        [3, 3],
      ]);
      expect(fake.logged('guest')).toEqual(['packet 0x3 overtakes the one that waits']);
    });

    it('sends nothing while in reset, and tells the box of it', () => {
      const { fake, packets, resets, read, write, send } = make();
      send(0xff, 0);
      write(SENDER, TX_ENABLE);
      send(0xc6, 5);
      write(SENDER, 0);
      expect([read(SENDER), resets.count]).toEqual([0, 1]);
      fake.advanceNs(PACKET_NS * 2);
      expect(packets).toEqual([]);
      expect(fake.logged('guest')).toEqual(['packet 0xff 0x0 sent while in reset']);
    });

    it('wants its data as a word', () => {
      const { fake, packets, write } = make();
      write(SENDER, TX_ENABLE);
      write(DATA, 0x12, 1);
      fake.advanceNs(PACKET_NS);
      expect(packets).toEqual([]);
      expect(fake.logged('guest')).toHaveLength(1);
    });

    it('takes the four control registers as a word', () => {
      const { port, read, write } = make();
      write(0, 0x8800_03c6, 4);
      expect(read(0, 4)).toBe(0x8800_03c6);
      expect(port.soundIrq.level).toBe(false);
    });

    it('receives its own packets while looped back', () => {
      const { fake, port, packets, read, write, send } = make();
      write(SENDER, TX_ENABLE | TX_LOOP);
      send(0xc5, 0xdead_beef);
      fake.advanceNs(PACKET_NS);
      expect(packets).toEqual([]);
      expect(port.monitorIrq.level).toBe(true);
      expect([read(COMMAND), read(DATA, 4)]).toEqual([0xc5, 0xdead_beef]);
      expect(port.monitorIrq.level).toBe(false);
    });
  });

  describe('receiving', () => {
    it('interrupts for keyboard and mouse until their data are read', () => {
      const { port, read } = make();
      port.receive(FROM_MONITOR.keyMouse, 0x1000_0039);
      expect([port.keyMouseIrq.level, port.monitorIrq.level, read(RECEIVER)]).toEqual([true, false, 0xc0]);
      expect(read(COMMAND)).toBe(FROM_MONITOR.keyMouse);
      expect(port.peek(KEY_MOUSE)).toBe(0x10);
      expect(read(RECEIVER)).toBe(0xc0);
      expect(read(KEY_MOUSE, 4)).toBe(0x1000_0039);
      expect([port.keyMouseIrq.level, read(RECEIVER)]).toEqual([false, 0]);
    });

    it('interrupts for the monitor until its data are read', () => {
      const { port, read } = make();
      port.receive(0xc4, 0x55);
      expect([port.keyMouseIrq.level, port.monitorIrq.level, read(RECEIVER)]).toEqual([false, true, 0x0c]);
      expect(read(DATA, 4)).toBe(0x55);
      expect([port.monitorIrq.level, read(RECEIVER)]).toEqual([false, 0]);
    });

    it('says when a packet was lost, until that is cleared', () => {
      const { port, read, write } = make();
      port.receive(FROM_MONITOR.keyMouse, 1);
      port.receive(FROM_MONITOR.keyMouse, 2);
      port.receive(0xc4, 3);
      port.receive(0xc4, 4);
      expect(read(RECEIVER)).toBe(0xee);
      expect([read(KEY_MOUSE, 4), read(DATA, 4)]).toEqual([2, 4]);
      expect(read(RECEIVER)).toBe(0x22);
      write(RECEIVER, 0x20);
      expect(read(RECEIVER)).toBe(0x02);
      write(RECEIVER, 0x02);
      expect(read(RECEIVER)).toBe(0);
    });

    it('has a keyboard interrupt that cannot be masked', () => {
      const { port, read, write } = make();
      port.keyboardNmi();
      expect([port.nmi.level, read(RECEIVER)]).toEqual([true, 0x10]);
      write(RECEIVER, 0x20);
      expect(port.nmi.level).toBe(true);
      write(RECEIVER, 0x10);
      expect([port.nmi.level, read(RECEIVER)]).toEqual([false, 0]);
    });
  });

  describe('sound', () => {
    /** A channel that moves so many bytes at each request. */
    const channel = (port: NextMonitorPort, out: boolean, bytes: number) => ({
      request: (): void => {
        if (out) port.soundOutPeer.dmaOut(new Uint8Array(bytes).fill(7));
        else port.soundInPeer.dmaIn(new Uint8Array(bytes));
      },
    });

    it('goes out by DMA while enabled', () => {
      const { port, read, write } = make();
      const into = new Uint8Array(16);
      port.soundOut = channel(port, true, 16);
      expect(port.pullSound(into)).toBe(0);
      write(SOUND, 0x80);
      expect(port.pullSound(into)).toBe(16);
      expect([...into]).toEqual(new Array(16).fill(7));
      expect([read(SOUND), port.soundIrq.level]).toEqual([0x80, false]);
    });

    it('interrupts when DMA has too little for the speaker', () => {
      const { port, read, write } = make();
      port.soundOut = channel(port, true, 12);
      write(SOUND, 0x80);
      expect(port.pullSound(new Uint8Array(16))).toBe(12);
      expect([read(SOUND), port.soundIrq.level]).toEqual([0xe0, true]);
      write(SOUND, 0xa0);
      expect([read(SOUND), port.soundIrq.level]).toEqual([0x80, false]);
    });

    it('never takes more than the speaker wants', () => {
      const { port, write } = make();
      port.soundOut = channel(port, true, 400);
      write(SOUND, 0x80);
      expect(port.pullSound(new Uint8Array(16))).toBe(16);
      expect(port.soundOutPeer.dmaOut(new Uint8Array(16))).toBe(0);
    });

    it('comes in by DMA while enabled, and interrupts when nobody takes it', () => {
      const { port, read, write } = make();
      port.soundIn = channel(port, false, 16);
      port.pushSound(new Uint8Array(16));
      expect(read(SOUND)).toBe(0);
      write(SOUND, 0x08);
      port.pushSound(new Uint8Array(16));
      expect([read(SOUND), port.soundIrq.level]).toEqual([0x08, false]);
      port.soundIn = channel(port, false, 4);
      port.pushSound(new Uint8Array(16));
      expect([read(SOUND), port.soundIrq.level]).toEqual([0x0e, true]);
      write(SOUND, 0x0a);
      expect([read(SOUND), port.soundIrq.level]).toEqual([0x08, false]);
    });
  });

  it('obeys the snapshot law, and a packet on its way arrives', () => {
    const { fake, port, packets, write, send } = make();
    write(SENDER, TX_ENABLE);
    send(1, 0x11);
    send(2, 0x22);
    port.receive(FROM_MONITOR.keyMouse, 0x99);
    port.receive(0xc4, 0x88);
    fake.advanceNs(PACKET_NS / 2);
    expectSnapshotLaw(port, () => make().port);
    const other = make();
    other.port.restore(port.save());
    other.port.settle();
    expect([other.port.keyMouseIrq.level, other.port.monitorIrq.level]).toEqual([true, true]);
    other.fake.advanceNs(PACKET_NS * 1.5);
    expect(other.packets.map(([command]) => command)).toEqual([1, 2]);
    expect(packets).toEqual([]);
  });

  it('survives random accesses and packets', () => {
    const { fake, port } = make();
    port.soundOut = { request: () => void port.soundOutPeer.dmaOut(new Uint8Array(8)) };
    fuzzTargets(fake, [port], {
      seed: 15,
      ticks: 10_000,
      between: (below) => {
        if (below(4) === 0) port.receive(below(256), below(2 ** 32));
        if (below(4) === 0) port.pullSound(new Uint8Array(below(64)));
        if (below(4) === 0) port.pushSound(new Uint8Array(below(64)));
        if (below(16) === 0) port.keyboardNmi();
      },
    });
  });
});
