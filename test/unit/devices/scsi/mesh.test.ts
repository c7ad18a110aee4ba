// SPDX-License-Identifier: MIT
import { beforeEach, describe, expect, it } from 'vitest';
import { readTarget, type Width, writeTarget } from '../../../../machines/backplane/bus.ts';
import { type BlockDevice, MediumError } from '../../../../machines/backplane/host.ts';
import { Mesh } from '../../../../machines/devices/scsi/mesh.ts';
import { ScsiBus } from '../../../../machines/devices/scsi/scsi-bus.ts';
import { ScsiCdrom } from '../../../../machines/devices/scsi/scsi-cdrom.ts';
import { ScsiDisk } from '../../../../machines/devices/scsi/scsi-disk.ts';
import { MemoryStore } from '../../../../machines/storage/byte-store.ts';
import { RawImage } from '../../../../machines/storage/raw-image.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const R = {
  count0: 0x00,
  count1: 0x10,
  fifo: 0x20,
  sequence: 0x30,
  bs0: 0x40,
  bs1: 0x50,
  fifoCount: 0x60,
  exception: 0x70,
  error: 0x80,
  mask: 0x90,
  interrupt: 0xa0,
  source: 0xb0,
  dest: 0xc0,
  sync: 0xd0,
  id: 0xe0,
  timeout: 0xf0,
} as const;
const [ERR, EXC, DONE] = [4, 2, 1];
const [REQ, ACK, ATN] = [0x20, 0x10, 0x08];
const [BSY, SEL] = [0x40, 0x20];
const [DATA_OUT, DATA_IN, COMMAND, STATUS, MSG_OUT, MSG_IN] = [0, 1, 2, 3, 6, 7];

const SECTORS = 1000;
const CONTENT = Uint8Array.from({ length: SECTORS * 512 }, (_, i) => (i * 7 + (i >> 9) * 3) & 0xff);

class Medium implements BlockDevice {
  readonly blockBytes = 512;
  readonly blockCount = SECTORS;
  readonly title = 'medium';
  readonly readonly = false;
  readonly image = new RawImage(new MemoryStore(CONTENT.slice()));
  bad = -1;
  flushes = 0;

  read(first: number, into: Uint8Array): void {
    if (this.bad >= first && this.bad < first + into.length / 512) throw new MediumError('bad');
    this.image.read(first, into);
  }

  write(first: number, from: Uint8Array): void {
    this.image.write(first, from);
  }

  flush(): void {
    this.flushes++;
  }
}

/** MESH with a disk at 0 and a CD-ROM at 3, driven as an operating system would. */
class Bench {
  readonly board = new FakeBoard();
  readonly medium = new Medium();
  readonly bus = new ScsiBus(this.board.chip('scsi'));
  readonly mesh = new Mesh(this.board.chip('mesh'), this.bus);
  readonly disk = new ScsiDisk(this.board.chip('scsi:0'), this.bus, 0, this.medium);
  readonly cdrom = new ScsiCdrom(
    this.board.chip('scsi:3'),
    this.bus,
    3,
    new RawImage(new MemoryStore(new Uint8Array(2048 * 5000), 'cd', true), 2048),
  );
  requests = 0;

  constructor() {
    for (const device of [this.bus, this.mesh, this.disk, this.cdrom]) this.board.board.add(device);
    this.mesh.dma = { request: () => this.requests++ };
    this.board.board.reset('cold');
    this.w(R.mask, 7);
  }

  r(register: number, width: Width = 1): number {
    return readTarget(this.mesh, register, width);
  }

  w(register: number, value: number, width: Width = 1): void {
    writeTarget(this.mesh, register, width, value);
  }

  /** Runs until the chip interrupts; [interrupt, exception, error], then clears them. */
  wait(limitNs = 400_000_000): [number, number, number] {
    for (let ns = 0; ns < limitNs && this.r(R.interrupt) === 0; ns += 1000) {
      if (ns > 20_000_000) {
        this.board.advanceNs(1_000_000);
        ns += 1_000_000;
      } else this.board.advanceNs(1000);
    }
    const seen: [number, number, number] = [this.r(R.interrupt), this.r(R.exception), this.r(R.error)];
    this.w(R.interrupt, 7);
    return seen;
  }

  waitReq(): void {
    for (let i = 0; i < 1000 && (this.r(R.bs0) & REQ) === 0; i++) this.board.advanceNs(1000);
    expect(this.r(R.bs0) & REQ).toBe(REQ);
  }

  /** REQ in `phase`; unless the ACK of a message is still held, which the next command negates. */
  expectPhase(phase: number): void {
    if ((this.r(R.bs0) & ACK) !== 0) return;
    this.waitReq();
    expect(this.phase()).toBe(phase);
  }

  phase(): number {
    return this.r(R.bs0) & 7;
  }

  sequence(command: number, count = 0): void {
    this.w(R.count1, count >>> 8);
    this.w(R.count0, count & 0xff);
    this.w(R.sequence, command);
  }

  select(target: number, ...messages: number[]): void {
    this.w(R.dest, 7);
    this.w(R.sequence, 0x01);
    expect(this.wait()).toEqual([DONE, 0, 0]);
    this.w(R.dest, target);
    this.w(R.sequence, 0x22);
    expect(this.wait()).toEqual([DONE, 0, 0]);
    this.messages(...messages);
  }

  /** Sends messages, the last byte with ATN negated. */
  messages(...messages: number[]): void {
    this.waitReq();
    expect(this.phase()).toBe(MSG_OUT);
    if (messages.length > 1) {
      this.sequence(0x27, messages.length - 1);
      for (const byte of messages.slice(0, -1)) this.w(R.fifo, byte);
      expect(this.wait()).toEqual([DONE, 0, 0]);
      this.waitReq();
    }
    this.sequence(0x07, 1);
    this.w(R.fifo, messages.at(-1)!);
    expect(this.wait()).toEqual([DONE, 0, 0]);
  }

  command(...cdb: number[]): void {
    this.expectPhase(COMMAND);
    this.sequence(0x03, cdb.length);
    for (const byte of cdb) this.w(R.fifo, byte);
    expect(this.wait()).toEqual([DONE, 0, 0]);
  }

  messageIn(): number {
    this.expectPhase(MSG_IN);
    this.sequence(0x08, 1);
    expect(this.wait()).toEqual([DONE, 0, 0]);
    expect(this.r(R.bs0) & ACK).toBe(ACK);
    return this.r(R.fifo);
  }

  /** DATA IN by DMA of at most `bytes`. */
  dataIn(bytes: number, burst = 700): Uint8Array {
    this.expectPhase(DATA_IN);
    this.sequence(0x86, bytes);
    const data = new Uint8Array(bytes);
    let done = 0;
    for (let i = 0; i < 100_000 && this.r(R.interrupt) === 0; i++) {
      const got = this.mesh.dmaIn(data.subarray(done, done + burst));
      done += got;
      if (got === 0) this.board.advanceNs(5000);
    }
    return data.subarray(0, done);
  }

  dataOut(data: Uint8Array, burst = 700): void {
    this.expectPhase(DATA_OUT);
    this.sequence(0x85, data.length);
    let done = 0;
    for (let i = 0; i < 100_000 && this.r(R.interrupt) === 0; i++) {
      const taken = this.mesh.dmaOut(data.subarray(done, done + burst));
      done += taken;
      if (taken === 0) this.board.advanceNs(5000);
    }
    expect(done).toBe(data.length);
    expect(this.wait()).toEqual([DONE, 0, 0]);
  }

  /** STATUS, COMMAND COMPLETE, bus free; the status byte. */
  finish(): number {
    this.expectPhase(STATUS);
    this.sequence(0x04, 1);
    expect(this.wait()).toEqual([DONE, 0, 0]);
    const status = this.r(R.fifo);
    expect(this.messageIn()).toBe(0x00);
    this.w(R.sequence, 0x09);
    expect(this.wait()).toEqual([DONE, 0, 0]);
    expect(this.r(R.bs1) & (BSY | SEL)).toBe(0);
    return status;
  }

  /** A whole command without data. */
  run(target: number, ...cdb: number[]): number {
    this.select(target, 0x80);
    this.command(...cdb);
    return this.finish();
  }

  /** A whole command with data in. */
  runIn(target: number, bytes: number, ...cdb: number[]): Uint8Array {
    this.select(target, 0x80);
    this.command(...cdb);
    const data = this.dataIn(bytes);
    this.wait();
    expect(this.finish()).toBe(0);
    return data;
  }

  /** Clears the unit attention of power-on. */
  attend(target: number): void {
    expect(this.run(target, 0, 0, 0, 0, 0, 0)).toBe(2);
  }
}

let b: Bench;
beforeEach(() => {
  b = new Bench();
});

describe('Mesh registers', () => {
  it('read back what was written', () => {
    b.w(R.count0, 0x34);
    b.w(R.count1, 0x12);
    b.w(R.sync, 0xf3);
    b.w(R.timeout, 12);
    b.w(R.dest, 5);
    expect([b.r(R.count0), b.r(R.count1), b.r(R.sync), b.r(R.timeout), b.r(R.dest)]).toEqual([0x34, 0x12, 0xf3, 12, 5]);
    expect(b.r(R.id)).toBe(4);
    expect(b.r(R.source)).toBe(7);
    b.w(R.id, 9);
    expect(b.board.logged('guest')).toHaveLength(1);
  });

  it('have reset values, and RESETMESH restores them and reports CMDDONE', () => {
    b.w(R.sync, 0x55);
    b.w(R.fifo, 1);
    b.w(R.mask, 7);
    b.w(R.sequence, 0x0e);
    expect([b.r(R.sync), b.r(R.fifoCount), b.r(R.mask), b.r(R.interrupt)]).toEqual([2, 0, 0, DONE]);
    expect(b.mesh.irq.level).toBe(false);
    b.w(R.mask, 1);
    expect(b.mesh.irq.level).toBe(true);
    b.w(R.interrupt, 1);
    expect(b.mesh.irq.level).toBe(false);
  });

  it('hold sixteen bytes in the FIFO', () => {
    for (let i = 0; i < 17; i++) b.w(R.fifo, i);
    expect(b.r(R.fifoCount)).toBe(16);
    expect(b.board.logged('guest')).toEqual(['FIFO overflow']);
    expect([b.r(R.fifo), b.r(R.fifo)]).toEqual([0, 1]);
    b.w(R.sequence, 0x0f);
    expect(b.r(R.fifoCount)).toBe(0);
    expect(b.r(R.interrupt)).toBe(0); // no CMDDONE for FLUSHFIFO
  });

  it('leave CMDDONE alone for the commands that only set a mode', () => {
    for (const command of [0x0a, 0x0b, 0x0c, 0x0d, 0x0f]) b.w(R.sequence, command);
    b.board.advanceNs(1e6);
    expect(b.r(R.interrupt)).toBe(0);
  });
});

describe('Mesh arbitration and selection', () => {
  it('takes its time to win the bus', () => {
    b.w(R.sequence, 0x01);
    b.board.advanceNs(4000);
    expect(b.r(R.interrupt)).toBe(0);
    b.board.advanceNs(1000);
    expect(b.r(R.interrupt)).toBe(DONE);
    expect(b.r(R.bs1)).toBe(SEL);
    expect(b.mesh.irq.level).toBe(true);
  });

  it('times out after SEL_TIMEOUT when nobody answers, and lets the bus go', () => {
    b.w(R.timeout, 25);
    b.w(R.sequence, 0x01);
    b.wait();
    b.w(R.dest, 5);
    b.w(R.sequence, 0x22);
    b.board.advanceNs(249_000_000);
    expect(b.r(R.interrupt)).toBe(0);
    expect(b.r(R.bs0) & ATN).toBe(ATN);
    b.board.advanceNs(2_000_000);
    expect(b.wait()).toEqual([EXC | DONE, 1, 0]);
    expect(b.r(R.bs1)).toBe(0);
    expect(b.r(R.exception)).toBe(0); // cleared with its interrupt
  });

  it('reports a sequence error for SELECT without the bus', () => {
    b.w(R.sequence, 0x22);
    expect(b.wait()).toEqual([ERR, 0, 0x10]);
  });

  it('goes to COMMAND phase without ATN, and takes the unit from the command', () => {
    b.w(R.sequence, 0x01);
    b.wait();
    b.w(R.dest, 0);
    b.w(R.sequence, 0x02);
    expect(b.wait()).toEqual([DONE, 0, 0]);
    b.command(0x00, 0x20, 0, 0, 0, 0);
    expect(b.finish()).toBe(2); // LUN 1
  });

  it('reports an unexpected disconnect for a phase command with nobody there', () => {
    b.sequence(0x04, 1);
    expect(b.wait()).toEqual([ERR, 0, 0x40]);
  });
});

describe('Mesh commands', () => {
  it('carry a whole command with DMA', () => {
    b.attend(0);
    const data = b.runIn(0, 36, 0x12, 0, 0, 0, 36, 0);
    expect(String.fromCharCode(...data.subarray(8, 25))).toBe('EMERITUSSCSI DISK');
    const read = b.runIn(0, 20 * 512, 0x28, 0, 0, 0, 0, 10, 0, 0, 20, 0);
    expect(Buffer.compare(read, CONTENT.subarray(10 * 512, 30 * 512))).toBe(0);
    expect(b.requests).toBeGreaterThan(4); // 2 KiB at a time
    expect([b.r(R.count0), b.r(R.count1)]).toEqual([0, 0]);
  });

  it('write with DMA, and flush on SYNCHRONIZE CACHE', () => {
    b.attend(0);
    const data = Uint8Array.from({ length: 100 * 512 }, (_, i) => (i * 11) & 0xff);
    b.select(0, 0x80);
    b.command(0x2a, 0, 0, 0, 0, 50, 0, 0, 100, 0);
    b.dataOut(data);
    expect(b.finish()).toBe(0);
    const into = new Uint8Array(100 * 512);
    b.medium.image.read(50, into);
    expect(Buffer.compare(into, data)).toBe(0);
    expect(b.run(0, 0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0)).toBe(0);
    expect(b.medium.flushes).toBe(1);
  });

  it('pace data by SYNC_PARMS', () => {
    b.attend(0);
    const elapsed = (sync: number) => {
      b.w(R.sync, sync);
      b.select(0, 0x80);
      b.command(0x28, 0, 0, 0, 0, 0, 0, 0, 40, 0);
      b.waitReq();
      const start = b.board.scheduler.now;
      b.dataIn(40 * 512);
      const end = b.board.scheduler.now;
      b.wait();
      b.finish();
      return end - start;
    };
    expect(elapsed(0x02)).toBeGreaterThan(20_480 * 200);
    const fast = elapsed(0xf0);
    expect(fast).toBeGreaterThan(20_480 * 100);
    expect(fast).toBeLessThan(20_480 * 150);
  });

  it('move data through the FIFO without DMA', () => {
    b.attend(0);
    b.select(0, 0x80);
    b.command(0x12, 0, 0, 0, 36, 0);
    b.waitReq();
    b.sequence(0x06, 36);
    const data: number[] = [];
    for (let i = 0; i < 1000 && data.length < 36; i++) {
      b.board.advanceNs(5000);
      expect(b.r(R.fifoCount)).toBeLessThanOrEqual(16);
      while (b.r(R.fifoCount) > 0) data.push(b.r(R.fifo));
    }
    expect(b.wait()).toEqual([DONE, 0, 0]);
    expect(String.fromCharCode(...data.slice(8, 16))).toBe('EMERITUS');
    expect(b.finish()).toBe(0);
  });

  it('report a phase mismatch with the residual count when the target has less', () => {
    b.attend(0);
    b.select(0, 0x80);
    b.command(0x12, 0, 0, 0, 36, 0);
    expect(b.dataIn(100)).toHaveLength(36);
    expect(b.wait()).toEqual([EXC, 2, 0]);
    expect(b.r(R.count0)).toBe(64);
    expect(b.phase()).toBe(STATUS);
    expect(b.finish()).toBe(0);
  });

  it('report a phase mismatch for the wrong phase, and are stopped by command 0', () => {
    b.attend(0);
    b.select(0, 0x80);
    b.waitReq();
    b.sequence(0x04, 1);
    expect(b.wait()).toEqual([EXC, 2, 0]);
    b.command(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0);
    b.waitReq();
    b.sequence(0x86, 512);
    b.w(R.sequence, 0);
    b.board.advanceNs(1e6);
    expect(b.r(R.interrupt)).toBe(0);
    expect(b.mesh.dmaIn(new Uint8Array(512))).toBe(0);
  });

  it('turn a failing medium into MEDIUM ERROR with its address', () => {
    b.attend(0);
    b.medium.bad = 12;
    b.select(0, 0x80);
    b.command(0x28, 0, 0, 0, 0, 10, 0, 0, 5, 0);
    expect(b.dataIn(5 * 512)).toHaveLength(1024);
    expect(b.wait()).toEqual([EXC, 2, 0]);
    expect(b.finish()).toBe(2);
    const sense = b.runIn(0, 18, 0x03, 0, 0, 0, 18, 0);
    expect([sense[0], sense[2], sense[6], sense[12], sense[13]]).toEqual([0xf0, 3, 12, 0x11, 0]);
  });
});

describe('ScsiTarget messages', () => {
  it('answers SDTR with what it can do, and rejects WDTR', () => {
    b.select(0, 0x80, 1, 3, 1, 12, 31);
    const reply = [b.messageIn(), b.messageIn(), b.messageIn(), b.messageIn(), b.messageIn()];
    expect(reply).toEqual([1, 3, 1, 25, 15]);
    b.w(R.sequence, 0x09);
    expect(b.wait()).toEqual([EXC, 2, 0]); // no bus free: COMMAND comes
    b.command(0x12, 0, 0, 0, 0, 0);
    b.finish();
    b.select(0, 0x80, 1, 2, 3, 1);
    expect(b.messageIn()).toBe(7);
  });

  it('reads a whole extended message with one MSGIN command', () => {
    b.select(0, 0x80, 1, 3, 1, 50, 0);
    b.waitReq();
    b.sequence(0x08, 5);
    expect(b.wait()).toEqual([DONE, 0, 0]);
    expect([1, 2, 3, 4, 5].map(() => b.r(R.fifo))).toEqual([1, 3, 1, 50, 0]);
  });

  it('goes bus free for ABORT and BUS DEVICE RESET, which the chip reports as unexpected', () => {
    b.attend(0);
    for (const message of [0x06, 0x0c]) {
      b.select(0, 0x80, message);
      expect(b.wait()).toEqual([ERR, 0, 0x40]);
      expect(b.r(R.bs1)).toBe(0);
    }
    expect(b.run(0, 0, 0, 0, 0, 0, 0)).toBe(2); // unit attention after the device reset
  });

  it('hears ATN raised over a message, and a parity error in it', () => {
    b.select(0, 0x80, 1, 3, 1, 50, 8);
    expect(b.messageIn()).toBe(1);
    b.w(R.bs0, ATN);
    b.sequence(0x27, 1); // MSGOUT with ATN negates ACK
    b.w(R.bs0, 0);
    b.messages(0x09); // MESSAGE PARITY ERROR
    expect([b.messageIn(), b.messageIn(), b.messageIn(), b.messageIn(), b.messageIn()]).toEqual([1, 3, 1, 50, 8]);
    b.sequence(0x03, 6);
    b.waitReq();
    expect(b.phase()).toBe(COMMAND);
  });

  it('disconnects for a long seek and reselects the initiator', () => {
    b.attend(3);
    b.w(R.sequence, 0x0c); // enable reselection
    b.select(3, 0xc0);
    b.command(0x28, 0, 0, 0, 0x11, 0x94, 0, 0, 1, 0); // block 4500 of 5000
    expect(b.messageIn()).toBe(4);
    b.w(R.sequence, 0x09);
    expect(b.wait()).toEqual([DONE, 0, 0]);
    expect(b.r(R.bs1)).toBe(0);
    expect(b.run(0, 0x03, 0, 0, 0, 0, 0)).toBe(0); // the bus is free for others meanwhile
    expect(b.wait()).toEqual([EXC, 8, 0]);
    expect(b.r(R.bs1)).toBe(BSY);
    expect(b.r(R.fifoCount)).toBe(1);
    expect(b.r(R.fifo)).toBe(0x88);
    expect(b.messageIn()).toBe(0x80);
    expect(b.dataIn(2048)).toHaveLength(2048);
    b.wait();
    expect(b.finish()).toBe(0);
  });

  it('waits while reselection is disabled, and answers BUSY to another command', () => {
    b.attend(3);
    b.select(3, 0xc0);
    b.command(0x28, 0, 0, 0, 0x11, 0x94, 0, 0, 1, 0);
    expect(b.messageIn()).toBe(4);
    b.w(R.sequence, 0x09);
    b.wait();
    b.board.advanceNs(20_000_000);
    expect(b.r(R.interrupt)).toBe(0);
    expect(b.run(3, 0, 0, 0, 0, 0, 0)).toBe(8);
    b.w(R.sequence, 0x0c);
    expect(b.wait()).toEqual([EXC, 8, 0]);
    b.w(R.sequence, 0x0f);
    expect(b.messageIn()).toBe(0x80);
    b.dataIn(2048);
    b.wait();
    expect(b.finish()).toBe(0);
  });
});

describe('Mesh bus reset', () => {
  it('frees the bus and gives every target a unit attention', () => {
    b.attend(0);
    b.select(0, 0x80);
    b.w(R.bs1, 0x80);
    expect(b.r(R.bs1)).toBe(0x80);
    b.board.advanceNs(30_000);
    b.w(R.bs1, 0);
    expect([b.r(R.bs1), b.r(R.interrupt)]).toEqual([0, 0]);
    b.select(0, 0x80);
    b.command(0, 0, 0, 0, 0, 0);
    expect(b.finish()).toBe(2);
    const sense = b.runIn(0, 18, 0x03, 0, 0, 0, 18, 0);
    expect([sense[2], sense[12]]).toEqual([6, 0x29]);
  });

  it('by another device is an error interrupt', () => {
    b.bus.setReset(2, true);
    expect(b.wait()).toEqual([ERR, 0, 0x20]);
    b.bus.setReset(2, false);
    b.attend(0);
  });
});

describe('Mesh snapshot', () => {
  it('keeps the law in the middle of a command', () => {
    b.attend(0);
    b.select(0, 0x80);
    b.command(0x28, 0, 0, 0, 0, 10, 0, 0, 20, 0);
    b.waitReq();
    b.sequence(0x86, 20 * 512);
    b.board.advanceNs(500_000);
    b.mesh.dmaIn(new Uint8Array(1000));
    for (const device of [b.mesh, b.disk, b.cdrom, b.bus]) expectSnapshotLaw(device);
    const other = new Bench();
    other.board.board.restore(structuredClone(b.board.board.save()));
    expect(other.board.board.save()).toEqual(b.board.board.save());
    const rest = new Uint8Array(20 * 512 - 1000);
    let done = 0;
    for (let i = 0; i < 10_000 && done < rest.length; i++) {
      const got = other.mesh.dmaIn(rest.subarray(done));
      done += got;
      if (got === 0) other.board.advanceNs(5000);
    }
    expect(Buffer.compare(rest, CONTENT.subarray(10 * 512 + 1000, 30 * 512))).toBe(0);
    other.wait();
    expect(other.finish()).toBe(0);
  });
});

describe('Mesh fuzz', () => {
  it('survives random accesses', () => {
    let seed = 4711;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return (seed >>> 8) % below;
    };
    for (let i = 0; i < 40_000; i++) {
      const width = ([1, 1, 2, 4] as const)[random(4)]!;
      const register = (random(16) << 4) | (random(8) === 0 ? random(16) & ~(width - 1) : 0);
      switch (random(4)) {
        case 0: {
          const value = b.r(register, width);
          expect(Number.isInteger(value) && value >= 0 && value < 2 ** (width * 8)).toBe(true);
          break;
        }
        case 1:
          b.w(register, random(width === 1 ? 0x100 : 0x1_0000), width);
          break;
        case 2: // something sensible now and then, so that deep states are reached
          b.w(R.dest, random(2) * 3);
          b.w(R.sequence, [0x01, 0x22, 0x27, 0x03, 0x86, 0x85, 0x04, 0x08, 0x09, 0x06][random(10)]!);
          if (random(2) === 0) b.w(R.fifo, random(256));
          break;
        default:
          b.mesh.dmaIn(new Uint8Array(random(600)));
          b.mesh.dmaOut(new Uint8Array(random(600)));
      }
      if (random(3) === 0) b.board.advanceNs(random(40_000));
      if (random(500) === 0) b.w(R.bs1, random(2) << 7);
    }
    expect(b.board.scheduler.headroom).toBeGreaterThanOrEqual(0);
  });
});
