// SPDX-License-Identifier: MIT
import { beforeEach, describe, expect, it } from 'vitest';
import { type BlockDevice, MediumError } from '../../../../machines/backplane/host.ts';
import { AtaChannel } from '../../../../machines/devices/ata/ata-channel.ts';
import { AtapiCdrom } from '../../../../machines/devices/ata/atapi-cdrom.ts';
import { MemoryStore } from '../../../../machines/storage/byte-store.ts';
import { RawImage } from '../../../../machines/storage/raw-image.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const BLOCKS = 300;
const CONTENT = Uint8Array.from({ length: BLOCKS * 2048 }, (_, i) => (i * 5 + (i >> 11) * 9) & 0xff);
const [ERROR, REASON, LOW, MID, HIGH, DEVICE, STATUS] = [1, 2, 3, 4, 5, 6, 7];
const [BSY, DRQ, CHK] = [0x80, 0x08, 0x01];
const READY = 0x50;
const [COMMAND, IN, DONE] = [1, 2, 3]; // interrupt reasons

const disc = (bytes = CONTENT): BlockDevice => new RawImage(new MemoryStore(bytes, 'cd.iso', true), 2048);

class Bench {
  readonly board = new FakeBoard();
  readonly drive: AtapiCdrom;
  readonly channel: AtaChannel;
  requests = 0;

  constructor(medium: BlockDevice | undefined = disc()) {
    this.drive = new AtapiCdrom(this.board.chip('ide1:0'), medium);
    this.channel = new AtaChannel(this.board.chip('ide1'), [this.drive]);
    this.channel.dma = { request: () => this.requests++ };
    this.board.board.add(this.drive);
    this.board.board.add(this.channel);
    this.board.board.reset('cold');
    this.board.advanceNs(2e6);
  }

  get status(): number {
    return this.channel.readAlternateStatus();
  }

  wait(): number {
    for (let i = 0; i < 2000 && (this.status & BSY) !== 0; i++) this.board.advanceNs(10_000);
    return this.status;
  }

  /** Writes PACKET and the command block; returns after the drive has taken it. */
  packet(cdb: number[], { limit = 0xfffe, dma = false } = {}): void {
    this.channel.writeRegister(1, dma ? 1 : 0);
    this.channel.writeRegister(MID, limit & 0xff);
    this.channel.writeRegister(HIGH, limit >>> 8);
    this.channel.writeRegister(STATUS, 0xa0);
    expect(this.status).toBe(BSY);
    expect(this.wait() & (DRQ | CHK)).toBe(DRQ);
    expect(this.channel.readRegister(REASON)).toBe(COMMAND);
    const bytes = [...cdb, ...new Array<number>(12 - cdb.length).fill(0)];
    for (let i = 0; i < 12; i += 2) this.channel.writeData(bytes[i]! | (bytes[i + 1]! << 8));
  }

  byteCount(): number {
    return this.channel.readRegister(MID) | (this.channel.readRegister(HIGH) << 8);
  }

  /** One DRQ block to the host. */
  block(): Uint8Array {
    const bytes = this.byteCount();
    const data = new Uint8Array(bytes + (bytes & 1));
    for (let i = 0; i < bytes; i += 2) {
      const word = this.channel.readData();
      data[i] = word & 0xff;
      data[i + 1] = word >>> 8;
    }
    return data.subarray(0, bytes);
  }

  /** The whole data of a command by PIO, and its final status. */
  run(cdb: number[], limit = 0xfffe): { data: Uint8Array; status: number; error: number; blocks: number[] } {
    this.packet(cdb, { limit });
    const data: number[] = [];
    const blocks: number[] = [];
    while ((this.wait() & DRQ) !== 0) {
      expect(this.channel.readRegister(REASON)).toBe(IN);
      expect(this.channel.irq.level).toBe(true);
      this.channel.readRegister(STATUS);
      const block = this.block();
      blocks.push(block.length);
      data.push(...block);
    }
    expect(this.channel.readRegister(REASON)).toBe(DONE);
    expect(this.channel.irq.level).toBe(true);
    const error = this.channel.readRegister(ERROR);
    return { data: Uint8Array.from(data), status: this.channel.readRegister(STATUS), error, blocks };
  }

  sense(): number[] {
    const { data } = this.run([0x03, 0, 0, 0, 18]);
    return [data[2]! & 0x0f, data[12]!, data[13]!];
  }
}

let b: Bench;
beforeEach(() => {
  b = new Bench();
});

describe('AtapiCdrom signature', () => {
  it('shows 14h EBh and a clear status after a reset', () => {
    expect([2, 3, 4, 5].map((r) => b.channel.readRegister(r))).toEqual([1, 1, 0x14, 0xeb]);
    expect(b.channel.readRegister(STATUS)).toBe(0);
  });

  it('shows zeros for an absent device 1, so that no second drive is seen', () => {
    b.channel.writeRegister(DEVICE, 0x10);
    b.channel.writeRegister(REASON, 0x55);
    expect([2, 3, 4, 5, 7].map((r) => b.channel.readRegister(r))).toEqual([0, 0, 0, 0, 0]);
  });

  it('shows it again when asked to be a disk', () => {
    for (const command of [0xec, 0x20]) {
      b.channel.writeRegister(MID, 0);
      b.channel.writeRegister(STATUS, command);
      expect(b.wait()).toBe(READY | CHK);
      expect([b.channel.readRegister(ERROR), b.channel.readRegister(MID), b.channel.readRegister(HIGH)]).toEqual([
        4, 0x14, 0xeb,
      ]);
    }
  });

  it('obeys DEVICE RESET even while busy, without an interrupt', () => {
    b.packet([0x28, 0, 0, 0, 0, 0, 0, 0, 4, 0]);
    expect(b.status).toBe(BSY);
    b.channel.writeRegister(STATUS, 0x08);
    expect(b.wait()).toBe(0);
    expect(b.channel.readRegister(MID)).toBe(0x14);
    expect(b.channel.irq.level).toBe(false);
  });
});

describe('AtapiCdrom IDENTIFY PACKET DEVICE', () => {
  it('describes a CD-ROM drive with 12-byte packets', () => {
    b.channel.writeRegister(STATUS, 0xa1);
    expect(b.wait()).toBe(READY | DRQ);
    const words = Array.from({ length: 256 }, () => b.channel.readData());
    expect(words[0]).toBe(0x85c0);
    expect(words[49]! & 0x0300).toBe(0x0300);
    const bytes = words.flatMap((w) => [w & 0xff, w >>> 8]);
    expect(bytes.reduce((sum, byte) => sum + byte, 0) & 0xff).toBe(0);
  });
});

describe('AtapiCdrom PACKET', () => {
  it('ends a command without data with an interrupt and reason 3', () => {
    expect(b.run([0])).toMatchObject({ status: READY, error: 0, blocks: [] });
    expect(b.channel.irq.level).toBe(false); // cleared by reading status
  });

  it('reads blocks in pieces of the byte count limit', () => {
    const { data, status, blocks } = b.run([0x28, 0, 0, 0, 0, 7, 0, 0, 3, 0], 2500);
    expect(status).toBe(READY);
    expect(blocks).toEqual([2500, 2500, 1144]);
    expect(Buffer.compare(data, CONTENT.subarray(7 * 2048, 10 * 2048))).toBe(0);
  });

  it('makes odd limits even and takes 0 for the largest', () => {
    expect(b.run([0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0], 999).blocks).toEqual([998, 998, 52]);
    expect(b.run([0x28, 0, 0, 0, 0, 0, 0, 0, 40, 0], 0).blocks).toEqual([65534, 16386]);
    expect(b.run([0x12, 0, 0, 0, 5], 0xffff).blocks).toEqual([5]);
  });

  it('reads by DMA, with one interrupt at the end', () => {
    const irq = b.board.watch(b.channel.irq);
    b.packet([0x28, 0, 0, 0, 0, 0, 0, 0, 100, 0], { dma: true });
    const data = new Uint8Array(100 * 2048);
    let done = 0;
    for (let i = 0; i < 10_000 && done < data.length; i++) {
      const got = b.channel.dmaIn(data.subarray(done, done + 3000));
      done += got;
      if (got === 0) b.board.advanceNs(50_000);
    }
    expect(irq).toEqual([]);
    expect(b.wait()).toBe(READY);
    expect(irq).toEqual([true]);
    expect(b.requests).toBe(4);
    expect(Buffer.compare(data, CONTENT.subarray(0, data.length))).toBe(0);
  });

  it('takes parameters from the host', () => {
    b.packet([0x55, 0x10, 0, 0, 0, 0, 0, 0, 8 + 16]);
    expect(b.wait() & DRQ).toBe(DRQ);
    expect(b.channel.readRegister(REASON)).toBe(0);
    expect(b.byteCount()).toBe(24);
    const list = [0, 0, 0, 0, 0, 0, 0, 0, 0x0e, 14, 4, 0, 0, 0, 0, 75, 1, 0x80, 2, 0x80, 0, 0, 0, 0];
    for (let i = 0; i < 24; i += 2) b.channel.writeData(list[i]! | (list[i + 1]! << 8));
    expect(b.wait()).toBe(READY);
    expect(b.run([0x5a, 8, 0x0e, 0, 0, 0, 0, 0, 24]).data.subarray(16, 20)).toEqual(
      Uint8Array.from([1, 0x80, 2, 0x80]),
    );
  });

  it('puts the sense key into the error register', () => {
    expect(b.run([0x28, 0, 0, 0, 0x10, 0, 0, 0, 1, 0])).toMatchObject({ status: READY | CHK, error: 0x54 });
    expect(b.sense()).toEqual([5, 0x21, 0]);
    expect(b.run([0xff])).toMatchObject({ status: READY | CHK, error: 0x54 });
    expect(b.sense()).toEqual([5, 0x20, 0]);
    expect(b.sense()).toEqual([0, 0, 0]);
  });

  it('gives what is readable before a bad block, then a medium error', () => {
    const good = disc();
    const flaky: BlockDevice = {
      blockBytes: 2048,
      blockCount: BLOCKS,
      readonly: true,
      title: 'scratched',
      read: (first, into) => {
        if (first <= 5 && first + into.length / 2048 > 5) throw new MediumError('scratch');
        good.read(first, into);
      },
      write: () => {},
      flush: () => {},
    };
    const bench = new Bench(flaky);
    const { data, status, error } = bench.run([0x28, 0, 0, 0, 0, 3, 0, 0, 4, 0]);
    expect(data).toHaveLength(4096);
    expect([status, error >>> 4]).toEqual([READY | CHK, 3]);
    expect(bench.sense()).toEqual([3, 0x11, 0]);
  });

  it('refuses overlap', () => {
    b.channel.writeRegister(1, 2);
    b.channel.writeRegister(STATUS, 0xa0);
    expect(b.wait()).toBe(READY | CHK);
  });
});

describe('AtapiCdrom tray', () => {
  it('ejects, reports no medium, and a change when a disc comes', () => {
    const tray: boolean[] = [];
    b.drive.onTray = (open) => tray.push(open);
    b.run([0x1e, 0, 0, 0, 1]); // prevent removal
    expect(b.run([0x1b, 0, 0, 0, 2]).status & CHK).toBe(CHK);
    expect(b.sense()).toEqual([5, 0x53, 2]);
    b.run([0x1e, 0, 0, 0, 0]);
    expect(b.run([0x1b, 0, 0, 0, 2]).status).toBe(READY);
    expect(tray).toEqual([true]);
    expect(b.run([0]).error >>> 4).toBe(2);
    expect(b.sense()).toEqual([2, 0x3a, 2]);
    b.drive.insert(disc(new Uint8Array(10 * 2048)));
    expect(b.run([0]).error >>> 4).toBe(6);
    expect(b.sense()).toEqual([6, 0x28, 0]);
    expect(b.run([0x25]).data).toEqual(Uint8Array.from([0, 0, 0, 9, 0, 0, 8, 0]));
  });

  it('works without a disc', () => {
    const bench = new Bench();
    bench.drive.insert(undefined);
    expect(bench.run([0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0]).error >>> 4).toBe(2);
    expect(bench.sense()).toEqual([2, 0x3a, 0]);
    expect(bench.run([0x12, 0, 0, 0, 36]).data).toHaveLength(36);
  });
});

describe('AtapiCdrom snapshot', () => {
  it('keeps the law, and a transfer goes on elsewhere', () => {
    b.packet([0x28, 0, 0, 0, 0, 9, 0, 0, 2, 0], { limit: 2048 });
    b.wait();
    for (let i = 0; i < 100; i++) b.channel.readData();
    expectSnapshotLaw(b.drive, () => new Bench().drive);
    expectSnapshotLaw(b.channel);
    const other = new Bench();
    other.board.board.restore(structuredClone(b.board.board.save()));
    for (let i = 100; i < 1024; i++) {
      expect(other.channel.readData()).toBe(CONTENT[9 * 2048 + i * 2]! | (CONTENT[9 * 2048 + i * 2 + 1]! << 8));
    }
    expect(other.wait() & DRQ).toBe(DRQ);
    expect(other.block()).toEqual(CONTENT.subarray(10 * 2048, 11 * 2048));
    expect(other.wait()).toBe(READY);
  });
});

describe('AtapiCdrom fuzz', () => {
  it('survives random packets and accesses', () => {
    let seed = 31337;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return (seed >>> 8) % below;
    };
    for (let i = 0; i < 12_000; i++) {
      switch (random(6)) {
        case 0:
          b.channel.writeRegister(STATUS, [0xa0, 0xa0, 0xa0, 0x08, 0xa1, 0xef, random(256)][random(7)]!);
          break;
        case 1:
          b.channel.writeRegister(1 + random(6), random(256) & (random(2) === 0 ? 0xff : 0x01));
          b.channel.writeRegister(DEVICE, 0);
          break;
        case 2:
          for (let n = random(40); n > 0; n--) b.channel.writeData(random(3) === 0 ? random(0x1_0000) : random(0xc0));
          break;
        case 3:
          for (let n = random(900); n > 0; n--) b.channel.readData();
          break;
        case 4:
          b.channel.dmaIn(new Uint8Array(random(9000)));
          b.channel.dmaOut(new Uint8Array(random(9000)));
          break;
        default: {
          const value = b.channel.readRegister(1 + random(7));
          expect(value >= 0 && value <= 0xff && Number.isInteger(value)).toBe(true);
        }
      }
      if (random(2) === 0) b.board.advanceNs(random(300_000));
      if (random(1000) === 0) b.drive.insert(random(3) === 0 ? undefined : disc());
    }
    expect(b.channel.readRegister(LOW) >= 0).toBe(true);
  });
});
