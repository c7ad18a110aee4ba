// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { swap32 } from '../../../../machines/backplane/bus.ts';
import type { PlainFields } from '../../../../machines/backplane/device.ts';
import type { DmaPeer } from '../../../../machines/backplane/dma.ts';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { Dbdma, type DbdmaOptions } from '../../../../machines/devices/dma/dbdma.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const REGISTERS = 0xf000_8000;
const IDE0 = 0x0b;

const CONTROL = 0x00;
const STATUS = 0x04;
const CMDPTR = 0x0c;
const INTR_SEL = 0x10;
const BR_SEL = 0x14;
const WAIT_SEL = 0x18;

const RUN = 0x8000;
const PAUSE = 0x4000;
const FLUSH = 0x2000;
const WAKE = 0x1000;
const DEAD = 0x0800;
const ACTIVE = 0x0400;
const BT = 0x0100;

const OUTPUT_MORE = 0x0000;
const OUTPUT_LAST = 0x1000;
const INPUT_MORE = 0x2000;
const INPUT_LAST = 0x3000;
const STORE_QUAD = 0x4600; // KEY_SYSTEM
const LOAD_QUAD = 0x5600;
const NOP = 0x6000;
const STOP = 0x7000;
const INTR_IFSET = 0x10;
const INTR_ALWAYS = 0x30;
const BR_IFSET = 0x04;
const BR_IFCLR = 0x08;
const BR_ALWAYS = 0x0c;
const WAIT_IFSET = 0x01;
const WAIT_IFCLR = 0x02;
const WAIT_ALWAYS = 0x03;

/** A device that has, and takes, as many bytes as it is told. */
class Peer implements DmaPeer {
  taken: number[] = [];
  toGive: number[] = [];
  room = Infinity;
  status = 0;
  stops = 0;

  dmaOut(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.room);
    this.taken.push(...bytes.subarray(0, count));
    this.room -= count;
    return count;
  }

  dmaIn(into: Uint8Array): number {
    const bytes = this.toGive.splice(0, into.length);
    into.set(bytes);
    return bytes.length;
  }

  dmaStatus(): number {
    return this.status;
  }

  dmaStopped(): void {
    this.stops++;
  }
}

function setUp(options: Partial<DbdmaOptions> = {}) {
  const fake = new FakeBoard();
  const map = fake.map();
  const ram = fake.board.memory.allocate('ram', 0x4_0000);
  map.add(region(0, 0x3_ffff).ram(ram));
  const dbdma = new Dbdma(fake.chip('dbdma'), { memory: map, ...options });
  map.add(region(REGISTERS, REGISTERS + dbdma.span - 1).device(dbdma, 'dbdma'));
  const peer = new Peer();
  const channel = dbdma.channel(IDE0).connect(peer);
  dbdma.reset('cold');
  dbdma.settle();
  const irqs = fake.watch(channel.irq);
  const base = REGISTERS + 0x100 * IDE0;
  const write = (register: number, value: number): void => map.write(base + register, 4, swap32(value));
  return {
    fake,
    map,
    ram,
    dbdma,
    channel,
    peer,
    read: (register: number) => swap32(map.read(base + register, 4)),
    write,
    /** Commands: [command word, reqCount, address, cmdDep]. */
    program(at: number, ...commands: [number, number?, number?, number?][]): void {
      commands.forEach(([command, count = 0, address = 0, dep = 0], i) => {
        const entry = at + 16 * i;
        ram.view.setUint16(entry, count, true);
        ram.view.setUint16(entry + 2, command, true);
        ram.view.setUint32(entry + 4, address, true);
        ram.view.setUint32(entry + 8, dep, true);
        ram.view.setUint32(entry + 12, 0, true);
      });
    },
    start(at: number): void {
      write(CMDPTR, at);
      write(CONTROL, (RUN << 16) | RUN);
    },
    resCount: (at: number) => ram.view.getUint16(at + 12, true),
    xferStatus: (at: number) => ram.view.getUint16(at + 14, true),
    interrupts: () => irqs.filter(Boolean).length,
  };
}

describe('DBDMA registers', () => {
  it('read back what exists, and zero where nothing does', () => {
    const { read, write } = setUp();
    for (let offset = 4; offset < 0x100; offset += 4) write(offset, 0xffff_ffff);
    expect([read(CONTROL), read(STATUS), read(CMDPTR)]).toEqual([0, 0, 0xffff_fff0]);
    expect([read(INTR_SEL), read(BR_SEL), read(WAIT_SEL)]).toEqual([0x00ff_00ff, 0x00ff_00ff, 0x00ff_00ff]);
    expect([read(0x08), read(0x1c), read(0x24), read(0x80)]).toEqual([0, 0, 0, 0]);
  });

  it('writes only the status bits that the mask selects', () => {
    const { read, write } = setUp();
    write(CONTROL, 0x00ff_00a5);
    write(CONTROL, 0x000f_0000);
    expect(read(STATUS)).toBe(0x00a0);
    write(CONTROL, ((DEAD | ACTIVE | BT) << 16) | DEAD | ACTIVE | BT);
    expect(read(STATUS)).toBe(0x00a0);
  });

  it("shows the device's status bits", () => {
    const { read, peer } = setUp();
    peer.status = 0x1c3;
    expect(read(STATUS)).toBe(0xc3);
  });

  it('does not move CommandPtr while active', () => {
    const { read, write, program, start, fake } = setUp();
    program(0x1000, [INPUT_LAST, 4, 0x2000]);
    start(0x1000);
    write(CMDPTR, 0x3000);
    expect(read(CMDPTR)).toBe(0x1000);
    expect(fake.logged('guest')).toHaveLength(1);
  });

  it('shows a channel in another window', () => {
    const { map, write } = setUp({ aliases: [[0x0d, IDE0]] });
    write(CMDPTR, 0x1230);
    expect(map.read(REGISTERS + 0xd00 + CMDPTR, 4)).toBe(0x3012_0000);
    map.write(REGISTERS + 0xd00 + CMDPTR, 4, swap32(0x50));
    expect(map.read(REGISTERS + 0xb00 + CMDPTR, 4)).toBe(swap32(0x50));
  });
});

describe('DBDMA transfers', () => {
  it('runs the program of the Linux ATA driver', () => {
    const set = setUp();
    const { fake, ram, peer, read, write } = set;
    peer.toGive = Array.from({ length: 0x1_1000 }, (_, i) => (i * 7) & 0xff);
    set.program(0x1000, [INPUT_MORE, 0xff00, 0x1_0000], [INPUT_LAST, 0x1100, 0x2_0000], [STOP]);
    write(CONTROL, (RUN | PAUSE | FLUSH | WAKE | DEAD) << 16);
    set.start(0x1000);
    expect(read(STATUS) & (RUN | ACTIVE | DEAD)).toBe(RUN | ACTIVE);
    expect(peer.toGive).toHaveLength(0x1_1000);
    fake.advanceNs(20_000_000);
    expect(read(STATUS) & (RUN | ACTIVE | DEAD)).toBe(RUN);
    expect([ram.bytes[0x1_0001], ram.bytes[0x1_feff], ram.bytes[0x2_10ff]]).toEqual([7, 0xf9, 0xf9]);
    expect(ram.bytes[0x1_ff00]).toBe(0);
    expect([set.resCount(0x1000), set.xferStatus(0x1000)]).toEqual([0, RUN | ACTIVE]);
    expect([set.resCount(0x1010), set.xferStatus(0x1010), set.xferStatus(0x1020)]).toEqual([0, RUN | ACTIVE, 0]);
    expect([read(CMDPTR), set.interrupts(), peer.stops]).toEqual([0x1020, 0, 1]);
    write(CONTROL, (RUN | WAKE | DEAD) << 16);
    expect(read(STATUS) & RUN).toBe(0);
    expect(peer.stops).toBe(1);
  });

  it('takes latency and time for the bytes', () => {
    const set = setUp({ timing: { commandNs: 1000, latencyNs: 50_000, byteNs: 100 } });
    const { fake, ram, peer } = set;
    ram.bytes.fill(0x5a, 0x2000, 0x2200);
    set.program(0x1000, [OUTPUT_LAST | INTR_ALWAYS, 512, 0x2000], [STOP]);
    set.start(0x1000);
    fake.advanceNs(1000 + 50_000 + 51_200 - 1);
    expect([peer.taken.length, set.interrupts()]).toEqual([0, 0]);
    fake.advanceNs(1);
    expect([peer.taken.length, set.interrupts()]).toEqual([512, 1]);
    expect(peer.taken[511]).toBe(0x5a);
  });

  it('waits for the device, and goes on when it asks', () => {
    const set = setUp();
    const { fake, ram, peer, channel, read } = set;
    ram.bytes.set([1, 2, 3, 4, 5], 0x2000);
    peer.room = 2;
    set.program(0x1000, [OUTPUT_LAST | INTR_ALWAYS, 5, 0x2000], [STOP]);
    set.start(0x1000);
    fake.advanceNs(1_000_000);
    expect([peer.taken, set.interrupts(), read(STATUS) & ACTIVE]).toEqual([[1, 2], 0, ACTIVE]);
    peer.room = 3;
    channel.request();
    expect(peer.taken).toHaveLength(2);
    fake.advanceNs(1_000_000);
    expect([peer.taken, set.interrupts(), read(STATUS) & ACTIVE]).toEqual([[1, 2, 3, 4, 5], 1, 0]);
  });

  it('is not stalled by a device that asks while it is served', () => {
    const set = setUp();
    const { fake, channel, peer, ram } = set;
    const give = [9, 8, 7];
    peer.dmaIn = (into) => {
      into[0] = give.shift() ?? 0;
      channel.request();
      return 1;
    };
    set.program(0x1000, [INPUT_LAST | INTR_ALWAYS, 3, 0x2000], [STOP]);
    set.start(0x1000);
    fake.advanceNs(1_000_000);
    expect([...ram.bytes.subarray(0x2000, 0x2003), set.interrupts()]).toEqual([9, 8, 7, 1]);
  });

  it('ends a command with a residual count when the device has no more', () => {
    const set = setUp();
    const { fake, channel, peer, read } = set;
    peer.toGive = [1, 2, 3];
    set.program(0x1000, [INPUT_LAST | INTR_ALWAYS, 100, 0x2000], [STOP]);
    set.start(0x1000);
    fake.advanceNs(1_000_000);
    channel.endOfData();
    fake.advanceNs(1_000_000);
    expect([set.resCount(0x1000), set.interrupts(), read(STATUS) & ACTIVE]).toEqual([97, 1, 0]);
  });

  it('flushes: memory shows how far an input command is', () => {
    const set = setUp();
    const { fake, peer, ram, read, write } = set;
    set.program(0x1000, [INPUT_LAST, 8, 0x2000], [STOP]);
    set.start(0x1000);
    fake.advanceNs(1_000_000);
    peer.toGive = [1, 2, 3];
    write(CONTROL, (FLUSH << 16) | FLUSH);
    expect(read(STATUS) & (FLUSH | ACTIVE)).toBe(ACTIVE);
    expect([...ram.bytes.subarray(0x2000, 0x2004)]).toEqual([1, 2, 3, 0]);
    expect([set.resCount(0x1000), set.xferStatus(0x1000) & ACTIVE]).toEqual([5, ACTIVE]);
    peer.toGive = [4, 5, 6, 7, 8];
    write(CONTROL, (FLUSH << 16) | FLUSH);
    fake.advanceNs(10_000);
    expect([set.resCount(0x1000), read(STATUS) & ACTIVE]).toEqual([0, 0]);
  });

  it('completes transfers of nothing', () => {
    const set = setUp();
    set.program(0x1000, [OUTPUT_MORE, 0, 0x2000], [INPUT_MORE | INTR_ALWAYS, 0, 0x2000], [STOP]);
    set.start(0x1000);
    set.fake.advanceNs(10_000);
    expect([set.interrupts(), set.read(CMDPTR)]).toEqual([1, 0x1020]);
  });

  it('stops when RUN is cleared and tells the device', () => {
    const set = setUp();
    const { fake, peer, read, write } = set;
    set.program(0x1000, [OUTPUT_LAST | INTR_ALWAYS, 100, 0x2000], [STOP]);
    set.start(0x1000);
    fake.advanceNs(10_000);
    write(CONTROL, RUN << 16);
    expect([read(STATUS), peer.stops]).toEqual([0, 1]);
    fake.advanceNs(10_000_000);
    expect([peer.taken.length, set.interrupts(), set.xferStatus(0x1000)]).toEqual([0, 0, 0]);
  });

  it('pauses and goes on', () => {
    const set = setUp();
    const { fake, peer, read, write } = set;
    set.program(0x1000, [OUTPUT_LAST, 100, 0x2000], [STOP]);
    set.start(0x1000);
    fake.advanceNs(10_000);
    write(CONTROL, (PAUSE << 16) | PAUSE);
    expect(read(STATUS)).toBe(RUN | PAUSE);
    fake.advanceNs(10_000_000);
    expect(peer.taken).toHaveLength(0);
    write(CONTROL, PAUSE << 16);
    expect(read(STATUS)).toBe(RUN | ACTIVE);
    fake.advanceNs(10_000_000);
    expect([peer.taken.length, read(STATUS)]).toEqual([100, RUN]);
    write(CONTROL, PAUSE << 16); // stopped is not paused
    expect(read(STATUS)).toBe(RUN);
  });

  it('waits for ever for a device that is not there', () => {
    const set = setUp();
    set.program(0x1000, [OUTPUT_LAST, 4, 0x2000], [STOP]);
    const base = REGISTERS + 0x900;
    set.map.write(base + CMDPTR, 4, swap32(0x1000));
    set.map.write(base + CONTROL, 4, swap32((RUN << 16) | RUN));
    set.fake.advanceNs(10_000_000);
    expect(swap32(set.map.read(base + STATUS, 4))).toBe(RUN | ACTIVE);
    expect(set.fake.logged('unimp')).toHaveLength(1);
  });
});

describe('DBDMA commands', () => {
  it('stores and loads quads of 1, 2 and 4 bytes', () => {
    const set = setUp();
    const { ram, fake } = set;
    ram.bytes.set([0x11, 0x22, 0x33, 0x44], 0x3000);
    set.program(
      0x1000,
      [STORE_QUAD, 4, 0x2002, 0xa1b2_c3d4],
      [STORE_QUAD, 2, 0x2009, 0xa1b2_c3d4],
      [STORE_QUAD, 1, 0x2011, 0xa1b2_c3d4],
      [LOAD_QUAD, 4, 0x3000],
      [LOAD_QUAD, 3, 0x3002],
      [LOAD_QUAD | INTR_ALWAYS, 1, 0x3001],
      [STOP],
    );
    set.start(0x1000);
    fake.advanceNs(100_000);
    expect([...ram.bytes.subarray(0x2000, 0x2004)]).toEqual([0xd4, 0xc3, 0xb2, 0xa1]);
    expect([...ram.bytes.subarray(0x2008, 0x200b)]).toEqual([0xd4, 0xc3, 0]);
    expect([...ram.bytes.subarray(0x2010, 0x2012)]).toEqual([0, 0xd4]);
    expect(ram.view.getUint32(0x1038, true)).toBe(0x4433_2211);
    expect(ram.view.getUint32(0x1048, true)).toBe(0x4433);
    expect(ram.view.getUint32(0x1058, true)).toBe(0x22);
    expect([set.xferStatus(0x1000), set.interrupts()]).toEqual([RUN | ACTIVE, 1]);
  });

  it('reaches device registers and its own with quads', () => {
    const set = setUp();
    set.program(
      0x1000,
      [STORE_QUAD, 4, REGISTERS + 0x300 + BR_SEL, 0x0012_0034],
      [0x4500, 4, WAIT_SEL, 0x0056_0078], // KEY_REGS
      [0x5500, 4, WAIT_SEL],
      [STORE_QUAD, 4, REGISTERS + 0xb00, RUN << 16],
      [OUTPUT_LAST, 4, 0x2000],
    );
    set.start(0x1000);
    set.fake.advanceNs(100_000);
    expect(swap32(set.map.read(REGISTERS + 0x300 + BR_SEL, 4))).toBe(0x0012_0034);
    expect(set.read(WAIT_SEL)).toBe(0x0056_0078);
    expect(set.ram.view.getUint32(0x1028, true)).toBe(0x0056_0078);
    expect([set.read(STATUS), set.peer.taken.length]).toEqual([0, 0]);
  });

  it('branches always, if, and if not', () => {
    const set = setUp();
    const { write, fake, read } = set;
    write(BR_SEL, 0x0080_0080);
    set.program(
      0x1000,
      [NOP | BR_IFSET, 0, 0, 0x2000], // s7 is clear
      [NOP | BR_IFCLR, 0, 0, 0x1040],
      [STOP],
      [STOP],
      [NOP | BR_ALWAYS, 0, 0, 0x3000],
    );
    set.program(0x3000, [STOP]);
    set.start(0x1000);
    fake.advanceNs(100_000);
    expect(read(CMDPTR)).toBe(0x3000);
    expect([0x1000, 0x1010, 0x1040].map(set.xferStatus)).toEqual([RUN | ACTIVE, RUN | ACTIVE | BT, RUN | ACTIVE | BT]);
  });

  it('interrupts on the condition of InterruptSelect', () => {
    const set = setUp();
    set.write(INTR_SEL, 0x0003_0001);
    set.program(0x1000, [NOP | INTR_IFSET], [NOP | 0x20], [STOP]);
    set.peer.status = 0x02;
    set.start(0x1000);
    set.fake.advanceNs(10_000);
    expect(set.interrupts()).toBe(1); // only "if not"
    set.peer.status = 0xfd;
    set.write(CONTROL, RUN << 16);
    set.start(0x1000);
    set.fake.advanceNs(10_000);
    expect(set.interrupts()).toBe(2); // only "if"
  });

  it('waits until the device changes its status bits', () => {
    const set = setUp();
    const { fake, peer, channel, read, write } = set;
    write(WAIT_SEL, 0x0020_0020); // as the BMAC driver: wait while s5 is clear
    set.program(0x1000, [OUTPUT_LAST | INTR_ALWAYS | WAIT_IFCLR, 4, 0x2000], [STOP]);
    set.start(0x1000);
    fake.advanceNs(10_000_000);
    expect([peer.taken.length, set.interrupts(), read(STATUS) & ACTIVE]).toEqual([4, 0, ACTIVE]);
    peer.status = 0x20;
    channel.request();
    fake.advanceNs(10_000);
    expect([set.interrupts(), read(STATUS) & ACTIVE, set.xferStatus(0x1000) & 0xff]).toEqual([1, 0, 0x20]);
  });

  it('waits while software holds a status bit, and for ever when told so', () => {
    const set = setUp();
    const { fake, read, write } = set;
    write(WAIT_SEL, 0x0001_0001);
    write(CONTROL, 0x0001_0001);
    set.program(0x1000, [NOP | WAIT_IFSET], [NOP | WAIT_ALWAYS], [STOP]);
    set.start(0x1000);
    fake.advanceNs(100_000);
    expect(read(CMDPTR)).toBe(0x1000);
    write(CONTROL, 0x0001_0000);
    fake.advanceNs(100_000);
    expect([read(CMDPTR), read(STATUS)]).toEqual([0x1010, RUN | ACTIVE]);
    write(CONTROL, RUN << 16);
    expect(read(STATUS)).toBe(0);
  });

  it('goes on from a STOP that became something else when woken', () => {
    const set = setUp();
    set.program(0x1000, [NOP], [STOP]);
    set.start(0x1000);
    set.fake.advanceNs(10_000);
    expect([set.read(STATUS), set.read(CMDPTR)]).toEqual([RUN, 0x1010]);
    set.program(0x1010, [NOP | INTR_ALWAYS], [STOP]);
    set.write(CONTROL, (WAKE << 16) | WAKE);
    expect(set.read(STATUS)).toBe(RUN | WAKE | ACTIVE);
    set.fake.advanceNs(10_000);
    expect([set.read(STATUS), set.read(CMDPTR), set.interrupts()]).toEqual([RUN, 0x1020, 1]);
  });

  it('dies of commands and keys that do not exist, with an interrupt', () => {
    const set = setUp();
    for (const command of [0x8000, 0xf000, OUTPUT_LAST | 0x400, INPUT_LAST | 0x600, 0x4000, 0x5700]) {
      set.program(0x1000, [command, 4, 0x2000], [STOP]);
      const before = set.interrupts();
      set.start(0x1000);
      set.fake.advanceNs(100_000);
      expect([set.read(STATUS), set.interrupts() - before]).toEqual([RUN | DEAD, 1]);
      set.write(CONTROL, (WAKE << 16) | WAKE);
      expect(set.read(STATUS) & ACTIVE).toBe(0);
      set.write(CONTROL, RUN << 16);
      expect(set.read(STATUS)).toBe(0);
    }
  });

  it('bounds the work of a program that branches to itself', () => {
    const set = setUp();
    set.program(0x1000, [NOP | BR_ALWAYS, 0, 0, 0x1000]);
    set.start(0x1000);
    set.fake.advanceNs(1_000_000);
    expect(set.read(STATUS)).toBe(RUN | ACTIVE | BT);
    set.write(CONTROL, RUN << 16);
    expect(set.fake.scheduler.headroom).toBe(Infinity);
  });
});

describe('Dbdma', () => {
  it('keeps the snapshot law in the middle of a transfer', () => {
    const set = setUp();
    const { fake, dbdma, peer, map, ram } = set;
    set.write(INTR_SEL, 0x0003_0001);
    ram.bytes.set([1, 2, 3, 4, 5, 6], 0x2000);
    peer.room = 3;
    set.program(0x1000, [OUTPUT_LAST | INTR_ALWAYS, 6, 0x2000], [STOP]);
    set.start(0x1000);
    fake.advanceNs(1_000_000);
    peer.room = 3;
    set.channel.request();
    expectSnapshotLaw(dbdma, () => {
      const other = new Dbdma(fake.chip('dbdma'), { memory: map });
      other.channel(IDE0).connect(new Peer());
      return other;
    });
    fake.advanceNs(1_000_000);
    expect([peer.taken, set.interrupts()]).toEqual([[1, 2, 3, 4, 5, 6], 1]);
    const [first] = dbdma.save()['channels'] as PlainFields[];
    expect(() => dbdma.restore({ channels: [first!] })).toThrow(/named fields/);
  });

  it('survives random accesses and random programs', () => {
    const set = setUp();
    const { fake, map, ram, peer, dbdma } = set;
    for (const n of [0, 3]) dbdma.channel(n).connect(new Peer());
    const next = random(11);
    const below = (limit: number): number => Math.floor(next() * limit);
    for (let i = 0; i < 0x4000; i++) ram.bytes[i] = below(256);
    for (let i = 0; i < 20_000; i++) {
      const width = ([1, 2, 4] as const)[below(3)]!;
      const offset = ([0, 3, 4, IDE0][below(4)] ?? 0) * 0x100 + below(0x100 - 4);
      switch (below(5)) {
        case 0:
          map.write(REGISTERS + offset, width, below(2 ** (8 * width)));
          break;
        case 1:
          expect(map.read(REGISTERS + offset, width)).toBeLessThan(2 ** (8 * width));
          break;
        case 2:
          set.write(CONTROL, below(2 ** 32) | (RUN << 16) | RUN);
          break;
        case 3:
          peer.toGive = [1, 2, 3];
          peer.status = below(256);
          set.channel.request();
          if (below(8) === 0) set.channel.endOfData();
          set.write(CMDPTR, below(0x4000));
          break;
        default:
          fake.advance(below(20_000));
      }
      if (peer.taken.length > 10_000) peer.taken = [];
    }
    expect(fake.scheduler.pending().every((task) => task.in >= 0)).toBe(true);
  });
});
