// SPDX-License-Identifier: MIT
import { beforeEach, describe, expect, it } from 'vitest';
import { readTarget, type Width, writeTarget } from '../../../../machines/backplane/bus.ts';
import { Ncr53c9x, type Ncr53c9xOptions } from '../../../../machines/devices/scsi/ncr53c9x.ts';
import { ScsiBus } from '../../../../machines/devices/scsi/scsi-bus.ts';
import { ScsiCdrom } from '../../../../machines/devices/scsi/scsi-cdrom.ts';
import { ScsiDisk } from '../../../../machines/devices/scsi/scsi-disk.ts';
import { MemoryStore } from '../../../../machines/storage/byte-store.ts';
import { RawImage } from '../../../../machines/storage/raw-image.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const [TCL, TCH, FIFO, CMD, STAT, INTR, STEP, FLAGS, CFG1, CCF, CFG2, CFG3, UID] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xb, 0xc, 0xe,
];
const [NOP, FLUSH, RC, RS, TI, ICCS, MSGACC, PAD, SATN, SEL, SELA, SELAS, ESEL, DSEL, SELA3] = [
  0x00, 0x01, 0x02, 0x03, 0x10, 0x11, 0x12, 0x18, 0x1a, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46,
];
const DMA = 0x80;
const [RST, ILL, DIS, BS, FC, RESEL] = [0x80, 0x40, 0x20, 0x10, 0x08, 0x04];
const [INT, GE, TC] = [0x80, 0x40, 0x10];
const [DATA_OUT, DATA_IN, COMMAND, STATUS, MSG_OUT, MSG_IN] = [0, 1, 2, 3, 6, 7];

const SECTORS = 1000;
const CONTENT = Uint8Array.from({ length: SECTORS * 512 }, (_, i) => (i * 7 + (i >> 9) * 3) & 0xff);
const READ_10_20 = [0x28, 0, 0, 0, 0, 10, 0, 0, 20, 0];

/** The chip with a disk at 0 and a CD-ROM at 3, driven as an operating system would. */
class Bench {
  readonly board = new FakeBoard();
  readonly image = new RawImage(new MemoryStore(CONTENT.slice()));
  readonly bus = new ScsiBus(this.board.chip('scsi'));
  readonly chip: Ncr53c9x;
  readonly disk = new ScsiDisk(this.board.chip('scsi:0'), this.bus, 0, this.image);
  readonly cdrom = new ScsiCdrom(
    this.board.chip('scsi:3'),
    this.bus,
    3,
    new RawImage(new MemoryStore(new Uint8Array(2048 * 5000), 'cd', true), 2048),
  );
  requests = 0;

  constructor(options: Partial<Ncr53c9xOptions> = {}) {
    this.chip = new Ncr53c9x(this.board.chip('esp'), this.bus, { model: '53c96', clockHz: 25_000_000, ...options });
    for (const device of [this.bus, this.chip, this.disk, this.cdrom]) this.board.board.add(device);
    this.board.board.reset('cold');
    this.w(CCF, 5);
    this.w(INTR, 153); // 250 ms
  }

  r(register: number, width: Width = 1): number {
    return readTarget(this.chip, register, width);
  }

  w(register: number, value: number, width: Width = 1): void {
    writeTarget(this.chip, register, width, value);
  }

  count(bytes: number): void {
    this.w(TCL, bytes & 0xff);
    this.w(TCH, (bytes >>> 8) & 0xff);
  }

  get phase(): number {
    return this.r(STAT) & 7;
  }

  /** Runs until the chip interrupts; the INTERRUPT register. */
  wait(limitNs = 400_000_000): number {
    for (let ns = 0, step = 1000; ns < limitNs && !this.chip.irq.level; ns += step) {
      if (ns > 20_000_000) step = 1_000_000;
      this.board.advanceNs(step);
    }
    return this.r(INTR);
  }

  /** The same with the sequence step. */
  waitStep(): [interrupt: number, step: number] {
    for (let i = 0; i < 400 && !this.chip.irq.level; i++) this.board.advanceNs(1_000_000);
    const step = this.r(STEP);
    return [this.r(INTR), step];
  }

  fill(...bytes: number[]): void {
    for (const byte of bytes) this.w(FIFO, byte);
  }

  /** SELECT WITH ATN: identify and command from the FIFO. */
  select(target: number, ...cdb: number[]): void {
    this.w(CMD, FLUSH);
    this.w(STAT, target);
    this.fill(0x80, ...cdb);
    this.w(CMD, SELA);
    expect(this.waitStep()).toEqual([FC | BS, 4]);
  }

  /** STATUS and COMMAND COMPLETE, then bus free; the status byte. */
  finish(): number {
    expect(this.phase).toBe(STATUS);
    this.w(CMD, FLUSH);
    this.w(CMD, ICCS);
    expect(this.wait()).toBe(FC);
    expect(this.r(FLAGS) & 0x1f).toBe(2);
    const status = this.r(FIFO);
    expect(this.r(FIFO)).toBe(0);
    this.w(CMD, MSGACC);
    expect(this.wait()).toBe(DIS);
    return status;
  }

  run(target: number, ...cdb: number[]): number {
    this.select(target, ...cdb);
    return this.finish();
  }

  /** DATA IN by DACK cycles as fast as they come. */
  dackIn(bytes: number): Uint8Array {
    expect(this.phase).toBe(DATA_IN);
    this.count(bytes);
    this.w(CMD, TI | DMA);
    const data: number[] = [];
    for (let byte = this.chip.dackRead(); byte >= 0; byte = this.chip.dackRead()) data.push(byte);
    return Uint8Array.from(data);
  }

  attend(target: number): void {
    expect(this.run(target, 0, 0, 0, 0, 0, 0)).toBe(2);
  }
}

let b: Bench;
beforeEach(() => {
  b = new Bench();
});

describe('Ncr53c9x registers', () => {
  it('have reset values, and RESET CHIP restores them but the id', () => {
    b.w(CFG1, 0x47);
    b.w(CFG2, 0x0a);
    b.w(CFG3, 0x05);
    expect([b.r(CFG1), b.r(CFG2), b.r(CFG3)]).toEqual([0x47, 0x0a, 0x05]);
    b.fill(1, 2, 3);
    expect(b.r(FLAGS)).toBe(3);
    b.w(CMD, RC);
    expect([b.r(CFG1), b.r(CFG2), b.r(CFG3), b.r(FLAGS), b.r(STAT)]).toEqual([7, 0, 0, 0, 0]);
  });

  it('obey nothing but NOP after RESET CHIP', () => {
    b.w(CMD, RC);
    b.w(CMD, DSEL);
    expect(b.chip.irq.level).toBe(false);
    expect(b.board.logged('guest')).toHaveLength(1);
    b.w(CMD, NOP);
    b.w(CMD, DSEL);
    expect(b.wait(0)).toBe(FC);
  });

  it('hold sixteen bytes in the FIFO; one more overwrites the top and is a gross error without interrupt', () => {
    for (let i = 0; i < 17; i++) b.w(FIFO, i);
    expect(b.r(FLAGS)).toBe(16);
    expect(b.r(STAT)).toBe(GE);
    expect(b.chip.irq.level).toBe(false);
    expect(Array.from({ length: 17 }, () => b.r(FIFO))).toEqual([...Array(15).keys(), 16, 0]);
    b.w(FIFO, 1);
    b.w(CMD, FLUSH);
    expect(b.r(FLAGS)).toBe(0);
  });

  it('load the counter with DMA commands only, where 0 is 65536', () => {
    b.count(0x1234);
    b.w(CMD, NOP);
    expect([b.r(TCL), b.r(TCH)]).toEqual([0, 0]);
    b.w(CMD, NOP | DMA);
    expect([b.r(TCL), b.r(TCH)]).toEqual([0x34, 0x12]);
    expect(b.r(STAT) & TC).toBe(0);
  });

  it('differ by model as drivers detect them', () => {
    const detect = (model: Ncr53c9xOptions['model']) => {
      const chip = new Bench({ model });
      chip.w(CFG2, 0x0a);
      chip.w(CFG3, 0x05);
      const both = [chip.r(CFG2), chip.r(CFG3)];
      chip.w(CFG2, 0x40);
      chip.w(CMD, NOP | DMA);
      return [...both, chip.r(UID)];
    };
    expect(detect('53c90')).toEqual([0, 0, 0]);
    expect(detect('53c90a')).toEqual([0x0a, 0, 0]);
    expect(detect('53c96')).toEqual([0x0a, 5, 0]);
    expect(detect('53cf96')).toEqual([0x0a, 5, 0xa2]);
  });

  it('count 24 bits in the 53CF96 with the feature bit', () => {
    const chip = new Bench({ model: '53cf96' });
    chip.w(CFG2, 0x40);
    chip.count(0x2345);
    chip.w(UID, 0x01);
    chip.w(CMD, NOP | DMA);
    expect([chip.r(TCL), chip.r(TCH), chip.r(UID)]).toEqual([0x45, 0x23, 1]);
  });

  it('clear INTERRUPT, the step and the error bits when INTERRUPT is read', () => {
    for (let i = 0; i < 17; i++) b.w(FIFO, 0);
    b.w(CMD, 0x22); // a target command
    expect(b.r(STAT)).toBe(INT | GE);
    expect(b.chip.irq.level).toBe(true);
    expect(b.r(INTR)).toBe(ILL);
    expect([b.r(INTR), b.r(STAT)]).toEqual([0, 0]);
    expect(b.chip.irq.level).toBe(false);
    expect(b.board.logged('unimp')).toHaveLength(1);
  });

  it('call initiator commands illegal while disconnected', () => {
    for (const command of [TI, ICCS, MSGACC, PAD, SATN, 0x1b, 0x04, 0x7f, 0x40]) {
      b.w(CMD, command);
      expect(b.wait(0)).toBe(ILL);
    }
  });

  it('hold two commands; a third is a gross error', () => {
    b.w(CMD, DSEL);
    b.w(CMD, DSEL); // waits until the interrupt of the first has been read
    expect(b.r(STAT) & GE).toBe(0);
    b.w(CMD, NOP);
    expect(b.r(STAT) & GE).toBe(GE);
    expect(b.r(INTR)).toBe(FC);
    expect(b.r(INTR)).toBe(0); // NOP took the place of the second
  });
});

describe('Ncr53c9x selection', () => {
  it('times out after the programmed time', () => {
    b.w(STAT, 5);
    b.fill(0x80, 0, 0, 0, 0, 0, 0);
    b.w(CMD, SELA);
    b.board.advanceNs(250_000_000);
    expect(b.chip.irq.level).toBe(false);
    b.board.advanceNs(2_000_000);
    expect(b.waitStep()).toEqual([DIS, 0]);
    expect(b.bus.free).toBe(true);
  });

  it('with ATN sends the message and the command', () => {
    b.select(0, 0, 0, 0, 0, 0, 0);
    expect(b.r(FLAGS)).toBe(0);
    expect(b.bus.atn).toBe(false);
    expect(b.finish()).toBe(2);
  });

  it('without ATN sends the command', () => {
    b.w(STAT, 0);
    b.fill(0, 0x20, 0, 0, 0, 0);
    b.w(CMD, SEL);
    expect(b.waitStep()).toEqual([FC | BS, 4]);
    expect(b.finish()).toBe(2); // LUN 1
  });

  it('with ATN and stop sends one message byte and keeps ATN', () => {
    b.w(STAT, 0);
    b.fill(0x80);
    b.w(CMD, SELAS);
    expect(b.waitStep()).toEqual([FC | BS, 1]);
    expect(b.bus.atn).toBe(true);
    expect(b.phase).toBe(MSG_OUT);
    b.fill(1, 3, 1, 50, 8);
    b.w(CMD, TI); // ATN goes before the last byte
    expect(b.wait()).toBe(BS);
    expect(b.bus.atn).toBe(false);
    const reply = Array.from({ length: 5 }, () => {
      expect(b.phase).toBe(MSG_IN);
      b.w(CMD, TI);
      expect(b.wait()).toBe(FC);
      const byte = b.r(FIFO);
      b.w(CMD, MSGACC);
      expect(b.wait()).toBe(BS);
      return byte;
    });
    expect(reply).toEqual([1, 3, 1, 50, 8]);
    expect(b.phase).toBe(COMMAND);
  });

  it('with ATN3 sends three message bytes; a target that rejects them stops at step 2 or goes on', () => {
    b.w(STAT, 0);
    b.fill(0x80, 0x20, 1, 0, 0, 0, 0, 0, 0);
    b.w(CMD, SELA3);
    expect(b.waitStep()).toEqual([FC | BS, 2]);
    expect(b.phase).toBe(MSG_IN);
    b.w(CMD, FLUSH);
    b.w(CMD, TI);
    expect(b.wait()).toBe(FC);
    expect(b.r(FIFO)).toBe(7);
  });

  it('takes message and command by DMA', () => {
    b.w(STAT, 0);
    b.count(7);
    b.w(CMD, SELA | DMA);
    expect(b.chip.drq.level).toBe(false); // not before the target has answered
    b.board.advanceNs(10_000);
    expect(b.chip.drq.level).toBe(true);
    for (const byte of [0x80, 0, 0, 0, 0, 0, 0]) expect(b.chip.dackWrite(byte)).toBe(true);
    expect(b.chip.drq.level).toBe(false);
    expect(b.chip.dackWrite(0)).toBe(false);
    expect(b.waitStep()).toEqual([FC | BS, 4]);
    expect(b.r(STAT) & TC).toBe(TC);
    expect(b.finish()).toBe(2);
  });

  it('waits for a command that comes into the FIFO late', () => {
    b.w(STAT, 0);
    b.w(CMD, SELA);
    b.board.advanceNs(20_000);
    expect(b.r(STEP)).toBe(1);
    b.fill(0x80, 0, 0, 0, 0, 0, 0);
    expect(b.waitStep()).toEqual([FC | BS, 4]);
  });

  it('is illegal while connected', () => {
    b.select(0, 0, 0, 0, 0, 0, 0);
    b.w(CMD, SELA);
    expect(b.wait(0)).toBe(ILL);
  });
});

describe('Ncr53c9x transfers', () => {
  beforeEach(() => b.attend(0));

  it('read by DACK cycles', () => {
    b.select(0, ...READ_10_20);
    expect(Buffer.compare(b.dackIn(20 * 512), CONTENT.subarray(10 * 512, 30 * 512))).toBe(0);
    expect(b.wait()).toBe(BS);
    expect([b.r(TCL), b.r(TCH), b.r(STAT)]).toEqual([0, 0, TC | STATUS]);
    expect(b.finish()).toBe(0);
  });

  it('stop the CPU at the end of a shorter phase, with the residue in the counter', () => {
    b.select(0, 0x12, 0, 0, 0, 36, 0);
    b.count(100);
    b.w(CMD, TI | DMA);
    let got = 0;
    while (b.chip.dackRead() >= 0) got++;
    expect(got).toBe(36);
    expect(b.wait()).toBe(BS);
    expect([b.r(TCL), b.r(STAT)]).toEqual([64, STATUS]);
    expect(b.finish()).toBe(0);
  });

  it('end in the middle of a phase when the counter is zero, and go on', () => {
    b.select(0, ...READ_10_20);
    const first = b.dackIn(5000);
    expect(b.wait()).toBe(BS);
    expect(b.phase).toBe(DATA_IN);
    expect(b.r(STAT) & TC).toBe(TC);
    const second = b.dackIn(20 * 512 - 5000);
    expect(b.wait()).toBe(BS);
    expect(Buffer.compare(Buffer.concat([first, second]), CONTENT.subarray(10 * 512, 30 * 512))).toBe(0);
    expect(b.finish()).toBe(0);
  });

  it('raise DRQ at the pace of the bus', () => {
    b.select(0, ...READ_10_20);
    b.count(512);
    b.w(CMD, TI | DMA);
    expect(b.chip.drq.level).toBe(false);
    b.board.advanceNs(16 * 200);
    expect(b.chip.drq.level).toBe(true);
    expect(b.r(FLAGS)).toBe(16);
    for (let i = 0; i < 16; i++) b.chip.dackRead();
    expect(b.chip.drq.level).toBe(false);
    b.board.advanceNs(16 * 200);
    expect(b.chip.drq.level).toBe(true);
  });

  it('keep DRQ for pairs of bytes where DMA is 16 bits wide', () => {
    b = new Bench({ dmaBytes: 2 });
    b.attend(0);
    b.select(0, 0x12, 0, 0, 0, 37, 0);
    b.w(CFG3, 0x04); // save the residual byte
    b.count(64);
    b.w(CMD, TI | DMA);
    let got = 0;
    for (let i = 0; i < 100; i++) {
      b.board.advanceNs(2000);
      while (b.chip.drq.level) {
        b.chip.dackRead();
        b.chip.dackRead();
        got += 2;
      }
    }
    expect(got).toBe(36);
    expect(b.wait()).toBe(BS);
    expect(b.r(FLAGS) & 0x1f).toBe(1);
  });

  it('write by DACK cycles', () => {
    const data = Uint8Array.from({ length: 4 * 512 }, (_, i) => (i * 11) & 0xff);
    b.select(0, 0x2a, 0, 0, 0, 0, 50, 0, 0, 4, 0);
    expect(b.phase).toBe(DATA_OUT);
    b.count(data.length);
    b.w(CMD, TI | DMA);
    expect(b.chip.drq.level).toBe(true);
    for (const byte of data) expect(b.chip.dackWrite(byte)).toBe(true);
    expect(b.wait()).toBe(BS);
    expect(b.r(FLAGS) & 0x1f).toBe(0);
    expect(b.finish()).toBe(0);
    const into = new Uint8Array(data.length);
    b.image.read(50, into);
    expect(Buffer.compare(into, data)).toBe(0);
  });

  it('move one byte a command without DMA', () => {
    b.select(0, 0x12, 0, 0, 0, 36, 0);
    const data = Array.from({ length: 36 }, () => {
      expect(b.phase).toBe(DATA_IN);
      b.w(CMD, TI);
      expect(b.wait()).toBe(BS);
      return b.r(FIFO);
    });
    expect(String.fromCharCode(...data.slice(8, 16))).toBe('EMERITUS');
    expect(b.finish()).toBe(0);
  });

  it('send the FIFO without DMA', () => {
    b.select(0, 0x2a, 0, 0, 0, 0, 50, 0, 0, 1, 0);
    for (let i = 0; i < 512; i += 16) {
      b.fill(...Array.from({ length: 16 }, (_, n) => (i + n) & 0xff));
      b.w(CMD, TI);
      expect(b.wait()).toBe(BS);
    }
    expect(b.finish()).toBe(0);
    const into = new Uint8Array(512);
    b.image.read(50, into);
    expect([into[0], into[17], into[255], into[511]]).toEqual([0, 17, 255, 255]);
  });

  it('pad what nobody wants', () => {
    b.select(0, ...READ_10_20);
    b.count(20 * 512);
    b.w(CMD, PAD | DMA);
    expect(b.chip.drq.level).toBe(false);
    expect(b.wait()).toBe(BS);
    expect(b.finish()).toBe(0);
    b.select(0, 0x2a, 0, 0, 0, 0, 50, 0, 0, 1, 0);
    b.count(0xffff);
    b.w(CMD, PAD | DMA);
    expect(b.wait()).toBe(BS);
    expect(b.phase).toBe(STATUS);
    const into = new Uint8Array(512);
    b.image.read(50, into);
    expect(into.every((byte) => byte === 0)).toBe(true);
  });

  it('serve a DMA channel at the pace of the bus', () => {
    b.chip.dma = { request: () => b.requests++ };
    b.select(0, ...READ_10_20);
    const start = b.board.scheduler.now;
    b.count(20 * 512);
    b.w(CMD, TI | DMA);
    const data = new Uint8Array(20 * 512);
    let done = 0;
    for (let i = 0; i < 10_000 && !b.chip.irq.level; i++) {
      const got = b.chip.dmaIn(data.subarray(done, done + 16));
      done += got;
      if (got === 0) b.board.advanceNs(1000);
    }
    expect(done).toBe(data.length);
    expect(Buffer.compare(data, CONTENT.subarray(10 * 512, 30 * 512))).toBe(0);
    expect(b.board.scheduler.now - start).toBeGreaterThan(20 * 512 * 200);
    expect(b.requests).toBeGreaterThan(3);
    expect(b.wait()).toBe(BS);
    expect(b.finish()).toBe(0);

    const from = data.map((byte) => byte ^ 0x5a);
    b.select(0, 0x2a, 0, 0, 0, 0, 50, 0, 0, 20, 0);
    b.count(20 * 512);
    b.w(CMD, TI | DMA);
    done = 0;
    for (let i = 0; i < 10_000 && !b.chip.irq.level; i++) {
      const taken = b.chip.dmaOut(from.subarray(done, done + 16));
      done += taken;
      if (taken === 0) b.board.advanceNs(1000);
    }
    expect(b.wait()).toBe(BS);
    expect(b.finish()).toBe(0);
    b.image.read(50, data);
    expect(Buffer.compare(data, from)).toBe(0);
  });

  it('give status and message to DMA too', () => {
    b.select(0, 0, 0, 0, 0, 0, 0);
    b.count(2);
    b.w(CMD, ICCS | DMA);
    b.board.advanceNs(1_000_000);
    expect(b.chip.irq.level).toBe(false); // not before memory has them
    expect([b.chip.dackRead(), b.chip.dackRead(), b.chip.dackRead()]).toEqual([0, 0, -1]);
    expect(b.wait()).toBe(FC);
  });

  it('keep ACK of a message until it is accepted, so that ATN can reject it', () => {
    b.w(STAT, 0);
    b.fill(0x80);
    b.w(CMD, SELAS);
    b.wait();
    b.fill(1, 2, 3, 1); // WDTR, which is rejected
    b.w(CMD, TI);
    expect(b.wait()).toBe(BS);
    b.w(CMD, TI);
    expect(b.wait()).toBe(FC);
    expect(b.bus.ack).toBe(true);
    expect(b.r(FIFO)).toBe(7);
    b.w(CMD, SATN);
    b.w(CMD, MSGACC);
    expect(b.wait()).toBe(BS);
    expect(b.phase).toBe(MSG_OUT);
    b.fill(8);
    b.w(CMD, TI);
    expect(b.wait()).toBe(BS);
    expect(b.phase).toBe(COMMAND);
  });

  it('latch the phase at the interrupt with the feature bit', () => {
    b.w(CFG2, 0x40);
    b.w(STAT, 0);
    b.fill(0x80, 0, 0, 0, 0, 0, 0);
    b.w(CMD, SELA);
    for (let i = 0; i < 100 && !b.chip.irq.level; i++) b.board.advanceNs(1000);
    expect(b.phase).toBe(STATUS);
    b.bus.setReset(2, true);
    expect(b.phase).toBe(STATUS);
    expect(b.r(INTR)).toBe(FC | BS | RST);
    expect(b.phase).toBe(DATA_OUT);
  });
});

describe('Ncr53c9x reselection', () => {
  beforeEach(() => {
    b.attend(3);
    b.w(STAT, 3);
    b.fill(0xc0, 0x28, 0, 0, 0, 0x11, 0x94, 0, 0, 1, 0); // a long way to block 4500
    b.w(CMD, SELA);
    expect(b.waitStep()).toEqual([FC | BS, 4]);
    b.w(CMD, TI);
    expect(b.wait()).toBe(FC);
    expect(b.r(FIFO)).toBe(4); // DISCONNECT
    b.w(CMD, MSGACC);
    expect(b.wait()).toBe(DIS);
  });

  it('puts both ids and the identify message into the FIFO', () => {
    b.w(CMD, ESEL);
    expect(b.wait()).toBe(RESEL);
    expect(b.r(FLAGS)).toBe(2);
    expect([b.r(FIFO), b.r(FIFO)]).toEqual([0x88, 0x80]);
    b.w(CMD, MSGACC);
    expect(b.wait()).toBe(BS);
    expect(b.dackIn(2048)).toHaveLength(2048);
    expect(b.wait()).toBe(BS);
    expect(b.finish()).toBe(0);
  });

  it('comes only where it is enabled, and is the end of a selection not yet made', () => {
    b.board.advanceNs(500_000_000);
    expect(b.chip.irq.level).toBe(false);
    expect(b.run(0, 0, 0, 0, 0, 0, 0)).toBe(2);
    b.w(CMD, ESEL);
    b.bus.arbitrate(2); // somebody else has the bus
    b.w(STAT, 0);
    b.fill(0x80, 0, 0, 0, 0, 0, 0);
    b.w(CMD, SELA);
    b.board.advanceNs(3_000_000);
    expect(b.chip.irq.level).toBe(false);
    b.bus.release(2);
    const seen = b.wait();
    expect([RESEL, FC | BS]).toContain(seen);
  });
});

describe('Ncr53c9x resets', () => {
  it('drive RST for its time and report it unless told not to', () => {
    b.attend(0);
    b.w(CMD, RS);
    expect(b.bus.rst).toBe(true);
    b.board.advanceNs(25_000);
    expect(b.bus.rst).toBe(true);
    expect(b.wait()).toBe(RST);
    expect(b.bus.rst).toBe(false);
    b.attend(0); // unit attention again
    b.w(CFG1, 0x47);
    b.w(CMD, RS);
    b.board.advanceNs(1_000_000);
    expect(b.chip.irq.level).toBe(false);
    b.attend(0);
  });

  it('by another device end the command', () => {
    b.attend(0);
    b.select(0, 0, 0, 0, 0, 0, 0);
    b.bus.setReset(2, true);
    expect(b.wait()).toBe(RST);
    b.bus.setReset(2, false);
    b.attend(0);
  });

  it('report a target that lets go', () => {
    b.w(STAT, 0);
    b.fill(0x80);
    b.w(CMD, SELAS);
    b.wait();
    b.fill(6); // ABORT
    b.w(CMD, TI);
    expect(b.wait()).toBe(DIS);
    b.w(CMD, TI);
    expect(b.wait(0)).toBe(ILL);
  });
});

describe('Ncr53c9x snapshot', () => {
  it('keeps the law in the middle of a command', () => {
    b.attend(0);
    b.select(0, ...READ_10_20);
    b.count(20 * 512);
    b.w(CMD, TI | DMA);
    b.board.advanceNs(500_000);
    for (let i = 0; i < 1000; i++) b.chip.dackRead();
    expectSnapshotLaw(b.chip);
    const other = new Bench();
    other.board.board.restore(structuredClone(b.board.board.save()));
    expect(other.board.board.save()).toEqual(b.board.board.save());
    const rest: number[] = [];
    for (let byte = other.chip.dackRead(); byte >= 0; byte = other.chip.dackRead()) rest.push(byte);
    expect(Buffer.compare(Uint8Array.from(rest), CONTENT.subarray(10 * 512 + 1000, 30 * 512))).toBe(0);
    expect(other.wait()).toBe(BS);
    expect(other.finish()).toBe(0);
  });
});

describe('Ncr53c9x fuzz', () => {
  it('survives random accesses', () => {
    let seed = 4711;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return (seed >>> 8) % below;
    };
    b = new Bench({ model: '53cf96', dmaBytes: 2 });
    b.chip.dma = { request: () => b.chip.dmaIn(new Uint8Array(random(64))) };
    for (let i = 0; i < 40_000; i++) {
      const width = ([1, 1, 2, 4] as const)[random(4)]!;
      const register = random(16) & ~(width - 1);
      switch (random(5)) {
        case 0: {
          const value = b.r(register, width);
          expect(Number.isInteger(value) && value >= 0 && value < 2 ** (width * 8)).toBe(true);
          break;
        }
        case 1:
          b.w(register, random(width === 1 ? 0x100 : 0x1_0000), width);
          break;
        case 2: // something sensible now and then, so that deep states are reached
          b.r(INTR);
          b.w(STAT, random(2) * 3);
          b.w(CMD, [NOP, SELA, SELAS, SEL, TI, TI | DMA, ICCS, MSGACC, ESEL, PAD | DMA, SELA | DMA][random(11)]!);
          if (random(2) === 0) b.fill(0x80 | random(2), 0x28, 0, 0, 0, random(256), 0, 0, random(4), 0);
          break;
        case 3:
          b.chip.dackWrite(random(256));
          b.chip.dackRead();
          break;
        default:
          b.chip.dmaIn(new Uint8Array(random(600)));
          b.chip.dmaOut(new Uint8Array(random(600)));
      }
      if (random(3) === 0) b.board.advanceNs(random(40_000));
      if (random(300) === 0) b.w(CMD, RS);
      if (random(300) === 0) b.board.advanceNs(300_000_000);
    }
    expect(b.board.scheduler.headroom).toBeGreaterThanOrEqual(0);
  });
});
