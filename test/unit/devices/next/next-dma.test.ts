// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { readTarget, type Width, writeTarget } from '../../../../machines/backplane/bus.ts';
import type { DmaPeer } from '../../../../machines/backplane/dma.ts';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { NextDma, type NextDmaName } from '../../../../machines/devices/next/next-dma.ts';
import { fuzzTargets } from '../../../support/bus-fuzz.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const RAM = 0x0400_0000;
const RAM_BYTES = 0x1_0000;

// Commands and status.
const SETENABLE = 0x01;
const SETSUPDATE = 0x02;
const SETREAD = 0x04; // from the device
const CLRCOMPLETE = 0x08;
const RESET = 0x10;
const INITBUF = 0x20;
const ENABLE = 0x01;
const SUPDATE = 0x02;
const COMPLETE = 0x08;
const BUSEXC = 0x10;

// Pointers, from the channel's address.
const NEXT = 0x0;
const LIMIT = 0x4;
const START = 0x8;
const STOP = 0xc;

const CHANNELS: Readonly<Record<NextDmaName, number>> = {
  scsi: 0x010,
  soundOut: 0x040,
  disk: 0x050,
  soundIn: 0x080,
  printer: 0x090,
  scc: 0x0c0,
  dsp: 0x0d0,
  enetTx: 0x110,
  enetRx: 0x150,
  video: 0x180,
  r2m: 0x1c0,
  m2r: 0x1d0,
};

/** A device with bytes to give and room for bytes to take. */
class Peer implements DmaPeer {
  give: number[] = [];
  taken: number[] = [];
  room = Infinity;

  dmaIn(into: Uint8Array): number {
    const part = this.give.splice(0, into.length);
    into.set(part);
    return part.length;
  }

  dmaOut(bytes: Uint8Array): number {
    const part = bytes.subarray(0, Math.min(bytes.length, this.room));
    this.taken.push(...part);
    this.room -= part.length;
    return part.length;
  }
}

function make(turbo = false) {
  const fake = new FakeBoard();
  const map = fake.map();
  const ram = fake.board.memory.allocate('ram', RAM_BYTES);
  const rom = fake.board.memory.allocate('rom', 0x1000);
  map.add(region(RAM, RAM + RAM_BYTES - 1).ram(ram), region(0, 0xfff).rom(rom));
  const dma = new NextDma(fake.chip('dma'), { map, turbo });
  dma.reset('cold');
  dma.settle();
  ram.bytes.forEach((_, i) => (ram.bytes[i] = i & 0xff));
  return {
    fake,
    dma,
    ram: ram.bytes,
    /** As 68040 machines do: a word with the command in bits 23-16. */
    command: (name: NextDmaName, command: number): void =>
      writeTarget(dma.control, CHANNELS[name], 4, command * 0x1_0000),
    status: (name: NextDmaName): number => readTarget(dma.control, CHANNELS[name], 4) >>> 24,
    set: (name: NextDmaName, pointer: number, value: number): void =>
      writeTarget(dma.pointers, CHANNELS[name] + pointer, 4, value),
    get: (name: NextDmaName, pointer: number): number => readTarget(dma.pointers, CHANNELS[name] + pointer, 4),
  };
}

/** A SCSI channel with a device, ready to move `length` bytes from or to the beginning of memory. */
function scsi(length: number, command: number, turbo = false) {
  const made = make(turbo);
  const peer = new Peer();
  const channel = made.dma.channel('scsi');
  channel.connect(peer);
  made.set('scsi', NEXT, RAM);
  made.set('scsi', LIMIT, RAM + length);
  made.command('scsi', SETENABLE | command);
  return { ...made, peer, channel };
}

describe('NextDma', () => {
  describe('registers', () => {
    it.each(Object.entries(CHANNELS) as [NextDmaName, number][])('channel %s is at %i', (name, at) => {
      const { dma, set, get } = make();
      for (const pointer of [NEXT, LIMIT, START, STOP]) set(name, pointer, RAM + at * 16 + pointer);
      expect([NEXT, LIMIT, START, STOP].map((pointer) => get(name, pointer) - RAM)).toEqual([
        ...[at * 16, at * 16 + 4, at * 16 + 8, at * 16 + 12],
      ]);
      const channel = dma.channel(name);
      expect([channel.pointer('next'), channel.pointer('stop')]).toEqual([RAM + at * 16, RAM + at * 16 + 12]);
    });

    it('sets next and empties the buffer through the initialising address', () => {
      const { dma, get } = make();
      writeTarget(dma.pointers, 0x210, 4, RAM + 0x24);
      expect(get('scsi', NEXT)).toBe(RAM + 0x24);
      expect(readTarget(dma.pointers, 0x210, 4)).toBe(RAM + 0x24);
      expect(dma.channel('scsi').buffered).toBe(0);
    });

    it('takes commands as a word, or as a byte in the highest place, and gives status there', () => {
      const { dma, status } = make();
      writeTarget(dma.control, 0x010, 4, SETENABLE * 0x1_0000);
      expect(status('scsi')).toBe(ENABLE);
      writeTarget(dma.control, 0x010, 4, RESET * 0x1_0000);
      expect(status('scsi')).toBe(0);
      writeTarget(dma.control, 0x040, 1, SETENABLE | SETSUPDATE);
      expect(readTarget(dma.control, 0x040, 1)).toBe(ENABLE | SUPDATE);
      expect(readTarget(dma.control, 0x040, 2)).toBe((ENABLE | SUPDATE) << 8);
      expect([1, 2, 3].map((at) => readTarget(dma.control, 0x040 + at, 1))).toEqual([0, 0, 0]);
    });

    it('does not show the direction, and forgets it with the next command', () => {
      const { dma, command, status } = make();
      command('scsi', SETREAD | SETENABLE);
      expect(status('scsi')).toBe(ENABLE);
      expect(dma.channel('scsi').reading).toBe(true);
      command('scsi', CLRCOMPLETE);
      expect(dma.channel('scsi').reading).toBe(false);
    });

    it('logs what is no register', () => {
      const { fake, dma } = make();
      writeTarget(dma.control, 0x020, 4, 0x1_0000);
      writeTarget(dma.pointers, 0x3f0, 4, 1);
      expect(readTarget(dma.control, 0x020, 4)).toBe(0);
      expect(readTarget(dma.pointers, 0x3f0, 4)).toBe(0);
      expect(fake.logged('guest')).toEqual([
        'write of 0x10000 to DMA control at 0x20',
        'access to no DMA register at 0x3f0',
      ]);
    });

    it('has seven channels in a Turbo machine', () => {
      const { dma } = make(true);
      expect([...dma.channels.keys()]).toEqual(['scsi', 'soundOut', 'soundIn', 'printer', 'dsp', 'enetTx', 'enetRx']);
      expect(() => dma.channel('disk')).toThrow(RangeError);
    });
  });

  describe('to memory', () => {
    it('writes whole bursts and interrupts at the limit', () => {
      const { channel, peer, ram, status, get } = scsi(48, SETREAD);
      peer.give = Array.from({ length: 60 }, (_, i) => 0x80 + i);
      channel.request();
      expect([...ram.subarray(0, 50)]).toEqual([...Array.from({ length: 48 }, (_, i) => 0x80 + i), 48, 49]);
      expect(status('scsi')).toBe(COMPLETE);
      expect(channel.irq.level).toBe(true);
      expect(get('scsi', NEXT)).toBe(RAM + 48);
      expect(peer.give).toHaveLength(12);
    });

    it('holds an incomplete burst until it is flushed, four bytes at a time', () => {
      const { channel, peer, ram, get, status } = scsi(64, SETREAD);
      peer.give = Array.from({ length: 22 }, (_, i) => 0x80 + i);
      channel.request();
      expect([channel.buffered, get('scsi', NEXT)]).toEqual([6, RAM + 16]);
      expect(ram[16]).toBe(16);
      expect(channel.flush()).toBe(true);
      expect([...ram.subarray(16, 20)]).toEqual([0x90, 0x91, 0x92, 0x93]);
      expect(channel.flush()).toBe(true);
      expect([...ram.subarray(20, 23)]).toEqual([0x94, 0x95, 22]);
      expect([get('scsi', NEXT), status('scsi')]).toEqual([RAM + 24, ENABLE]);
    });

    it('goes on when the device has more', () => {
      const { channel, peer, ram, status } = scsi(32, SETREAD);
      peer.give = [1, 2, 3, 4, 5];
      channel.request();
      expect(status('scsi')).toBe(ENABLE);
      peer.give = Array.from({ length: 27 }, (_, i) => 6 + i);
      channel.request();
      expect([...ram.subarray(0, 32)]).toEqual(Array.from({ length: 32 }, (_, i) => 1 + i));
      expect(status('scsi')).toBe(COMPLETE);
    });

    it('serves a request that came before it was enabled', () => {
      const { dma, set, command, ram } = make();
      const peer = new Peer();
      peer.give = new Array<number>(16).fill(0xee);
      dma.channel('disk').connect(peer).request();
      expect(ram[0]).toBe(0);
      set('disk', NEXT, RAM);
      set('disk', LIMIT, RAM + 16);
      command('disk', SETENABLE | SETREAD);
      expect(ram[0]).toBe(0xee);
    });
  });

  describe('to the device', () => {
    it('gives the device everything up to the limit, wherever that is', () => {
      const { channel, peer, status } = scsi(21, 0);
      channel.request();
      expect(peer.taken).toEqual(Array.from({ length: 21 }, (_, i) => i));
      expect([status('scsi'), channel.irq.level]).toEqual([COMPLETE, true]);
    });

    it('keeps what the device did not take', () => {
      const { channel, peer, status } = scsi(32, 0);
      peer.room = 5;
      channel.request();
      expect([peer.taken.length, channel.buffered, status('scsi')]).toEqual([5, 11, ENABLE]);
      peer.room = Infinity;
      channel.request();
      expect(peer.taken).toEqual(Array.from({ length: 32 }, (_, i) => i));
    });
  });

  describe('chaining', () => {
    it('goes on from start to stop, once for each time it is told', () => {
      const { channel, peer, ram, set, get, command, status } = scsi(16, SETREAD | SETSUPDATE);
      const ends = { count: 0 };
      channel.blockEnd.to((level) => (ends.count += level ? 1 : 0));
      set('scsi', START, RAM + 0x100);
      set('scsi', STOP, RAM + 0x110);
      peer.give = new Array<number>(16).fill(0xaa);
      channel.request();
      expect([status('scsi'), channel.irq.level]).toEqual([ENABLE | COMPLETE, true]);
      expect([get('scsi', NEXT), get('scsi', LIMIT)]).toEqual([RAM + 0x100, RAM + 0x110]);
      expect(channel.saved('next')).toBe(RAM + 16);
      command('scsi', CLRCOMPLETE | SETREAD);
      expect([status('scsi'), channel.irq.level]).toEqual([ENABLE, false]);
      peer.give = new Array<number>(16).fill(0xbb);
      channel.request();
      expect([ram[0x100], ram[0x10f], ram[0x110]]).toEqual([0xbb, 0xbb, 0x10]);
      expect(status('scsi')).toBe(COMPLETE);
      expect(ends.count).toBe(2);
    });

    it('has the saved pointers below those of the channel', () => {
      const { dma, channel, peer } = scsi(16, SETREAD | SETSUPDATE);
      peer.give = new Array<number>(16).fill(1);
      channel.request();
      expect(readTarget(dma.pointers, 0x000, 4)).toBe(RAM + 16);
      writeTarget(dma.pointers, 0x004, 4, 0x1234);
      expect(channel.saved('limit')).toBe(0x1234);
    });
  });

  it('ends with a bus exception where there is no memory', () => {
    for (const [at, command] of [
      [0x0300_0000, 0],
      [RAM + RAM_BYTES, SETREAD],
      [0, SETREAD], // ROM
    ] as const) {
      const { fake, dma, set, command: send, status } = make();
      const peer = new Peer();
      peer.give = new Array<number>(64).fill(1);
      const channel = dma.channel('scsi');
      channel.connect(peer);
      set('scsi', NEXT, at);
      set('scsi', LIMIT, at + 0x40);
      send('scsi', SETENABLE | command);
      channel.request();
      expect([status('scsi'), channel.irq.level]).toEqual([COMPLETE | BUSEXC, true]);
      expect(fake.logged('guest')).toHaveLength(1);
      send('scsi', CLRCOMPLETE);
      expect([status('scsi'), channel.irq.level]).toEqual([0, false]);
    }
  });

  it('a reset command ends a transfer and its interrupt', () => {
    const { channel, peer, command, status } = scsi(16, SETREAD);
    peer.give = new Array<number>(16).fill(1);
    channel.request();
    command('scsi', RESET | INITBUF);
    expect([status('scsi'), channel.irq.level, channel.buffered]).toEqual([0, false, 0]);
  });

  describe('of a Turbo machine', () => {
    it('completes, flushes and empties its buffer by other commands', () => {
      const { channel, peer, ram, command, status, get } = scsi(64, SETREAD, true);
      peer.give = Array.from({ length: 10 }, (_, i) => 0x80 + i);
      channel.request();
      expect(channel.buffered).toBe(10);
      command('scsi', SETENABLE | SETREAD | 0x40); // flush
      expect([...ram.subarray(0, 11)]).toEqual([...Array.from({ length: 10 }, (_, i) => 0x80 + i), 10]);
      expect([channel.buffered, get('scsi', NEXT)]).toEqual([0, RAM + 12]);
      command('scsi', 0x20); // set complete
      expect([status('scsi'), channel.irq.level]).toEqual([ENABLE | COMPLETE, true]);
      peer.give = [1, 2];
      command('scsi', SETREAD | CLRCOMPLETE);
      channel.request();
      expect(channel.buffered).toBe(2);
      command('scsi', 0x80); // empty
      expect(channel.buffered).toBe(0);
    });
  });

  describe('memory to memory', () => {
    function copy(bytes: number, into: number) {
      const made = make();
      made.set('m2r', NEXT, RAM + 0x100);
      made.set('m2r', LIMIT, RAM + 0x100 + bytes);
      made.set('r2m', NEXT, RAM + 0x1000);
      made.set('r2m', LIMIT, RAM + 0x1000 + into);
      made.command('m2r', SETENABLE);
      made.command('r2m', SETENABLE | SETREAD);
      return made;
    }

    it('copies when both channels are enabled, and takes its time', () => {
      const { fake, dma, ram, status } = copy(0x200, 0x200);
      expect(ram[0x1001]).toBe(0x01);
      ram.fill(0x77, 0x1000, 0x1200);
      fake.advanceNs(0x200 * 100);
      expect([...ram.subarray(0x1000, 0x1200)]).toEqual([...ram.subarray(0x100, 0x300)]);
      expect([status('m2r'), status('r2m')]).toEqual([COMPLETE, COMPLETE]);
      expect([dma.channel('m2r').irq.level, dma.channel('r2m').irq.level]).toEqual([true, true]);
    });

    it('fills memory with the last burst when the source is shorter', () => {
      const { fake, ram } = copy(16, 0x100);
      fake.advanceNs(1_000_000);
      for (let at = 0x1000; at < 0x1100; at += 16) {
        expect([...ram.subarray(at, at + 16)]).toEqual([...ram.subarray(0x100, 0x110)]);
      }
    });

    it('waits for both', () => {
      const { fake, set, command, ram } = make();
      set('r2m', NEXT, RAM + 0x1000);
      set('r2m', LIMIT, RAM + 0x1010);
      ram.fill(0x77, 0x1000, 0x1010);
      command('r2m', SETENABLE | SETREAD);
      fake.advanceNs(1_000_000);
      expect(ram[0x1000]).toBe(0x77);
    });
  });

  describe('network packets', () => {
    const EOP = 0x8000_0000;
    const BOP = 0x4000_0000;

    it('gives the transmitter what is up to 15 bytes before the limit', () => {
      const { dma, set, command, status } = make();
      set('enetTx', NEXT, RAM);
      set('enetTx', LIMIT, (EOP | (RAM + 64 + 15)) >>> 0);
      command('enetTx', SETENABLE);
      const packet = dma.channel('enetTx').takePacket(2000);
      expect([packet!.bytes.length, packet!.bytes[63], packet!.end]).toEqual([64, 63, true]);
      expect(status('enetTx')).toBe(COMPLETE);
      expect(dma.channel('enetTx').takePacket(2000)).toBeUndefined();
    });

    it('takes a packet in parts, and never more than asked for', () => {
      const { dma, set, command } = make();
      set('enetTx', NEXT, RAM);
      set('enetTx', LIMIT, RAM + 10);
      set('enetTx', START, RAM + 0x100);
      set('enetTx', STOP, (EOP | (RAM + 0x108 + 15)) >>> 0);
      command('enetTx', SETENABLE | SETSUPDATE);
      const channel = dma.channel('enetTx');
      const first = channel.takePacket(2000)!;
      const second = channel.takePacket(4)!;
      expect([first.bytes.length, first.end, second.bytes.length, second.end]).toEqual([10, false, 4, true]);
    });

    it('stores a received packet, where it ended in the saved limit', () => {
      const { dma, set, command, ram, status } = make();
      set('enetRx', NEXT, RAM + 0x40);
      set('enetRx', LIMIT, RAM + 0x100);
      command('enetRx', SETENABLE | SETREAD);
      expect(dma.channel('enetRx').receivePacket(new Uint8Array(60).fill(0xcc), 0)).toBe(60);
      expect([ram[0x40], ram[0x7b], ram[0x7c]]).toEqual([0xcc, 0xcc, 0x7c]);
      expect(readTarget(dma.pointers, 0x144, 4)).toBe(RAM + 0x40 + 60);
      expect(status('enetRx')).toBe(COMPLETE);
      expect(dma.channel('enetRx').receivePacket(new Uint8Array(60), 0)).toBe(0);
    });

    it('spreads a packet over two buffers and marks the second', () => {
      const { dma, set, command, ram } = make();
      set('enetRx', NEXT, RAM);
      set('enetRx', LIMIT, RAM + 40);
      set('enetRx', START, RAM + 0x200);
      set('enetRx', STOP, RAM + 0x300);
      command('enetRx', SETENABLE | SETREAD | SETSUPDATE);
      const channel = dma.channel('enetRx');
      const packet = Uint8Array.from({ length: 60 }, (_, i) => 0xff - i);
      expect(channel.receivePacket(packet, 0)).toBe(40);
      expect(channel.receivePacket(packet, 40)).toBe(20);
      expect([ram[39], ram[0x200], ram[0x213], ram[0x214]]).toEqual([0xff - 39, 0xff - 40, 0xff - 59, 0x14]);
      expect(channel.saved('limit')).toBe((BOP | (RAM + 0x214)) >>> 0);
    });
  });

  it('interrupts at the retrace while the video channel has a limit', () => {
    const { dma, set, command } = make();
    const video = dma.channel('video');
    video.frame();
    expect(video.irq.level).toBe(false);
    set('video', LIMIT, 0xea);
    video.frame();
    expect(video.irq.level).toBe(true);
    command('video', RESET);
    expect(video.irq.level).toBe(false);
  });

  it('obeys the snapshot law in the middle of transfers', () => {
    const { dma, channel, peer, set, command } = scsi(64, SETREAD);
    peer.give = [1, 2, 3, 4, 5, 6];
    channel.request();
    set('m2r', NEXT, RAM + 0x100);
    set('m2r', LIMIT, RAM + 0x200);
    set('r2m', NEXT, RAM + 0x1000);
    set('r2m', LIMIT, RAM + 0x1100);
    command('m2r', SETENABLE);
    command('r2m', SETENABLE | SETREAD);
    expectSnapshotLaw(dma, () => make().dma);
    const damaged = structuredClone(dma.save()) as { channels: { scsi: { from: number } } };
    damaged.channels.scsi.from = 12;
    expect(() => dma.restore(damaged as never)).toThrow(/buffer from 12 to 6/);
  });

  it.each([false, true])('survives random accesses and requests, turbo=%s', (turbo) => {
    const { fake, dma } = make(turbo);
    const peer = new Peer();
    for (const channel of dma.channels.values()) channel.connect(peer);
    const names = [...dma.channels.keys()];
    let step = 0;
    fuzzTargets(fake, [dma.control, dma.pointers], {
      seed: 14,
      steps: 6000,
      between: (below) => {
        const channel = dma.channel(names[below(names.length)]!);
        // Pointers that make sense, now and then.
        const at = CHANNELS[channel.name as NextDmaName];
        if (step++ % 3 === 0) writeTarget(dma.pointers, at + below(4) * 4, 4 as Width, RAM + below(RAM_BYTES));
        peer.give = new Array<number>(below(40)).fill(below(256));
        peer.room = below(64);
        peer.taken = [];
        if (below(2)) channel.request();
        else if (below(2)) channel.receivePacket(new Uint8Array(below(1600)), 0);
        else if (below(2)) channel.takePacket(1600);
        else if (below(2)) channel.flush();
        else channel.frame();
      },
    });
  });
});
