// SPDX-License-Identifier: MIT
import { beforeEach, describe, expect, it } from 'vitest';
import { readTarget, type Width, writeTarget } from '../../../../machines/backplane/bus.ts';
import type { BlockDevice } from '../../../../machines/backplane/host.ts';
import { gcrSectors, gcrDecode, gcrEncode } from '../../../../machines/devices/floppy/sony-gcr.ts';
import { SonyDisk } from '../../../../machines/devices/floppy/sony-disk.ts';
import { SonyDrive } from '../../../../machines/devices/floppy/sony-drive.ts';
import { Swim2 } from '../../../../machines/devices/floppy/swim2.ts';
import { MemoryStore } from '../../../../machines/storage/byte-store.ts';
import { RawImage } from '../../../../machines/storage/raw-image.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const [W_DATA, W_MARK, W_CRC, W_PARAM, W_PHASES, W_SETUP, W_CLEAR, W_SET] = [0, 1, 2, 3, 4, 5, 6, 7];
const [R_DATA, R_MARK, R_ERROR, R_PARAM, R_PHASES, R_SETUP, R_MODE, R_HANDSHAKE] = [8, 9, 10, 11, 12, 13, 14, 15];
const [MOTOR, HDSEL, WRITE, ACTION, DRIVE2, DRIVE1, CLEAR_FIFO] = [0x80, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01];
const [ONE, TWO, ERROR, SENSE, CRC_NOT_0, IS_MARK] = [0x80, 0x40, 0x20, 0x08, 0x02, 0x01];
const [GCR, MFM] = [0x44, 0x00];
/** A byte of the sector's index and number. */
const content = (block: number, i: number): number => (block * 7 + i * 3 + (i >> 8)) & 0xff;
const CONTENT = Uint8Array.from({ length: 2880 * 512 }, (_, i) => content(i >> 9, i & 511));

class Bench {
  readonly board = new FakeBoard();
  readonly store: MemoryStore;
  readonly image: BlockDevice;
  readonly drive: SonyDrive;
  readonly chip: Swim2;
  sel = false;

  constructor(blocks: number, options: { readonly?: boolean; tags?: boolean } = {}) {
    const tagBlocks = options.tags ? Math.ceil((blocks * 12) / 512) : 0;
    const bytes = CONTENT.slice(0, (blocks + tagBlocks) * 512);
    for (let i = blocks * 512; i < bytes.length; i++) bytes[i] = i & 0xff;
    this.store = new MemoryStore(bytes, 'disk', options.readonly ?? false);
    this.image = new RawImage(this.store);
    this.drive = new SonyDrive(this.board.chip('floppy:0'), new SonyDisk(this.image));
    this.chip = new Swim2(this.board.chip('swim'), [this.drive, undefined]);
    this.board.board.add(this.drive);
    this.board.board.add(this.chip);
    this.board.board.reset('cold');
    this.w(W_SET, DRIVE1 | MOTOR);
  }

  r(register: number, width: Width = 1): number {
    return readTarget(this.chip, register, width);
  }

  w(register: number, value: number, width: Width = 1): void {
    writeTarget(this.chip, register, width, value);
  }

  address(address: number): void {
    this.sel = address >= 8;
    this.w(W_PHASES, 0xf0 | (address & 7));
    this.drive.sel(this.sel);
  }

  sense(address: number): boolean {
    this.address(address);
    return (this.r(R_HANDSHAKE) & SENSE) !== 0;
  }

  command(address: number): void {
    this.address(address);
    this.w(W_PHASES, 0xf8 | (address & 7));
    this.w(W_PHASES, 0xf0 | (address & 7));
  }

  /** Motor on, recording, and the head at a cylinder. */
  start(setup: number, cylinder = 0, head = 0): void {
    this.w(W_SETUP, setup);
    this.command(setup === GCR ? 0xd : 0x9);
    this.command(0x2);
    this.seek(cylinder);
    while (this.sense(0xe)) this.board.advanceNs(1_000_000);
    this.address(head === 0 ? 0x4 : 0xc);
  }

  seek(cylinder: number): void {
    const outward = cylinder < this.drive.cylinder;
    this.command(outward ? 0x4 : 0x0);
    while (this.drive.cylinder !== cylinder) {
      this.command(0x1);
      this.board.advanceNs(6_000_000);
    }
  }

  read(): void {
    this.r(R_ERROR);
    this.w(W_CLEAR, ACTION | WRITE);
    this.w(W_SET, CLEAR_FIFO);
    this.w(W_CLEAR, CLEAR_FIFO);
    this.r(R_ERROR);
    this.w(W_SET, ACTION);
  }

  /** The next byte as the mark register gives it, and the handshake before; within a time. */
  next(limitNs = 300_000_000): { byte: number; handshake: number } | undefined {
    for (let ns = 0; ns < limitNs; ns += 4_000) {
      const handshake = this.r(R_HANDSHAKE);
      if (handshake & ONE) return { byte: this.r(R_MARK), handshake };
      this.board.advanceNs(4_000);
    }
    return undefined;
  }

  bytes(count: number): number[] {
    return Array.from({ length: count }, () => this.next()!.byte);
  }

  /** Waits for an identity field (0xfe) or data (0xfb); false when the disk has none. */
  findMark(kind: number, tries = 200): boolean {
    for (let i = 0; i < tries; i++) {
      this.read();
      const first = this.next();
      if (first === undefined) return false;
      if (first.byte !== 0xa1 || !(first.handshake & IS_MARK)) continue;
      const rest = [this.next()!, this.next()!, this.next()!];
      if (rest[0]!.byte === 0xa1 && rest[1]!.byte === 0xa1 && rest[2]!.byte === kind) return true;
    }
    return false;
  }

  /** The identity and data of the next MFM sector. */
  mfmSector(sector: number): { id: number[]; data: number[]; good: boolean } {
    for (let i = 0; i < 60; i++) {
      expect(this.findMark(0xfe)).toBe(true);
      const id = this.bytes(4);
      if (id[2] !== sector) continue;
      expect(this.findMark(0xfb, 3)).toBe(true);
      const data = this.bytes(512);
      this.next();
      const last = this.next()!;
      return { id, data, good: (last.handshake & CRC_NOT_0) === 0 };
    }
    throw new Error(`sector ${sector} is not there`);
  }

  /** The six-bit values behind the next prologue. */
  gcrField(prologue: readonly number[], count: number): number[] {
    this.read();
    for (let seen: number[] = [], i = 0; i < 30_000; i++) {
      seen = [...seen.slice(-2), this.next()!.byte];
      if (prologue.every((byte, n) => seen[n] === byte)) return this.bytes(count).map((byte) => SIX.indexOf(byte));
    }
    throw new Error('no prologue');
  }

  gcrSector(sector: number): { address: number[]; bytes: Uint8Array } {
    for (let i = 0; i < 60; i++) {
      const address = this.gcrField([0xd5, 0xaa, 0x96], 5);
      if (address[1] !== sector) continue;
      const [stored, ...values] = this.gcrField([0xd5, 0xaa, 0xad], 704);
      expect(stored).toBe(sector);
      return { address, bytes: gcrDecode(values)! };
    }
    throw new Error(`sector ${sector} is not there`);
  }

  /** Writes bytes as they are asked for; numbers above 255 are marks, 'crc' the checksum. */
  writeStream(stream: readonly (number | 'crc')[]): void {
    const put = (item: number | 'crc'): void => {
      if (item === 'crc') this.w(W_CRC, 0);
      else this.w(item > 0xff ? W_MARK : W_DATA, item & 0xff);
    };
    this.w(W_CLEAR, ACTION);
    this.w(W_SET, CLEAR_FIFO);
    this.w(W_CLEAR, CLEAR_FIFO);
    this.w(W_SET, WRITE);
    put(stream[0]!);
    put(stream[1]!);
    this.r(R_ERROR);
    this.w(W_SET, ACTION);
    for (const item of stream.slice(2)) {
      for (let i = 0; i < 100 && !(this.r(R_HANDSHAKE) & ONE); i++) this.board.advanceNs(2_000);
      put(item);
    }
    while ((this.r(R_HANDSHAKE) & TWO) === 0) this.board.advanceNs(2_000);
    this.board.advanceNs(12_000); // the last byte leaves the shift register
    this.w(W_CLEAR, ACTION | WRITE);
  }
}

const SIX = [...Array(256).keys()].filter((byte) => {
  // Leading one, no three zeros, at most one pair of them, and a pair of ones behind the first bit.
  const bits = byte.toString(2).padStart(8, '0');
  if (!bits.startsWith('1') || /000/.test(bits) || (bits.match(/00/g) ?? []).length > 1) return false;
  return /11/.test(bits.slice(1)) && byte !== 0xd5 && byte !== 0xaa;
});

let b: Bench;

describe('Swim2 registers', () => {
  beforeEach(() => {
    b = new Bench(2880);
  });

  it('keep setup, phases, and four parameters one after another', () => {
    b.w(W_SETUP, 0x2a);
    b.w(W_PHASES, 0xf5);
    b.w(W_CLEAR, 0);
    for (const value of [1, 2, 3, 4]) b.w(W_PARAM, value);
    expect([b.r(R_SETUP), b.r(R_PHASES)]).toEqual([0x2a, 0xf5]);
    expect([b.r(R_PARAM), b.r(R_PARAM)]).toEqual([1, 2]);
    b.w(W_CLEAR, 0);
    expect(b.r(R_PARAM)).toBe(1);
  });

  it('set and clear bits of mode, but the one of the IWM', () => {
    b.w(W_SET, HDSEL);
    expect(b.r(R_MODE)).toBe(MOTOR | 0x40 | HDSEL | DRIVE1);
    expect(b.chip.hdsel.level).toBe(true);
    b.w(W_CLEAR, 0xff);
    expect(b.r(R_MODE)).toBe(0x40);
    expect(b.chip.hdsel.level).toBe(false);
  });

  it('count bytes in the FIFO and call a third an overrun, until the error is read', () => {
    b.w(W_SET, WRITE);
    expect(b.r(R_HANDSHAKE) & (ONE | TWO)).toBe(ONE | TWO);
    b.w(W_DATA, 1);
    expect(b.r(R_HANDSHAKE) & (ONE | TWO)).toBe(ONE);
    b.w(W_DATA, 2);
    expect(b.r(R_HANDSHAKE) & (ONE | TWO | ERROR)).toBe(0);
    b.w(W_DATA, 3);
    expect(b.r(R_HANDSHAKE) & ERROR).toBe(ERROR);
    expect([b.r(R_ERROR), b.r(R_ERROR)]).toEqual([4, 0]);
    b.w(W_CLEAR, WRITE);
    expect([b.r(R_DATA), b.r(R_DATA), b.r(R_DATA), b.r(R_ERROR)]).toEqual([1, 2, 0xff, 4]);
  });

  it('tell of a mark that is read as data', () => {
    b.w(W_MARK, 0xa1);
    expect(b.r(R_HANDSHAKE) & IS_MARK).toBe(IS_MARK);
    expect([b.r(R_DATA), b.r(R_ERROR)]).toEqual([0xa1, 2]);
  });
});

describe('SonyDrive', () => {
  it('answers what it is', () => {
    b = new Bench(2880);
    expect([5, 6, 7, 8, 9, 0xa, 0xd, 0xf].map((address) => b.sense(address))).toEqual([
      true, // SuperDrive
      true, // two heads
      false, // a drive
      false, // a disk
      true, // not write-protected
      false, // track 0
      true, // MFM
      false, // high density
    ]);
    expect(new Bench(1600).sense(0xf)).toBe(true);
    expect(new Bench(1600, { readonly: true }).sense(9)).toBe(false);
    b.w(W_CLEAR, DRIVE1);
    b.w(W_SET, DRIVE2);
    expect(b.sense(7)).toBe(true); // no second drive
  });

  it('steps, is busy for a moment, and settles', () => {
    b = new Bench(2880);
    b.start(MFM);
    expect(b.sense(0)).toBe(false);
    b.command(1);
    expect(b.sense(1)).toBe(false);
    b.board.advanceNs(200_000);
    expect(b.sense(1)).toBe(true);
    expect([b.drive.cylinder, b.sense(0xa), b.sense(0xe)]).toEqual([1, true, true]);
    b.board.advanceNs(30_000_000);
    expect(b.sense(0xe)).toBe(false);
    b.seek(0);
    b.command(1);
    expect(b.drive.cylinder).toBe(0);
  });

  it('keeps the levels of phase lines that are no outputs', () => {
    b = new Bench(2880);
    b.w(W_PHASES, 0x72);
    b.w(W_PHASES, 0x88); // only the strobe, as Linux does
    b.w(W_PHASES, 0x80);
    expect(b.sense(2)).toBe(false);
  });

  it('has sixty tachometer pulses a revolution at the speed of the zone', () => {
    const pulses = (cylinder: number): number => {
      b = new Bench(1600);
      b.start(GCR, cylinder);
      b.address(0xb);
      let count = 0;
      for (let i = 0, last = false; i < 20_000; i++) {
        const level = (b.r(R_HANDSHAKE) & SENSE) !== 0;
        if (level && !last) count++;
        last = level;
        b.board.advanceNs(50_000);
      }
      return count; // in a second
    };
    expect(Math.abs(pulses(0) - 393)).toBeLessThanOrEqual(2);
    expect(Math.abs(pulses(79) - 590)).toBeLessThanOrEqual(2);
  });

  it('ejects, and says that the disk was switched until told', () => {
    b = new Bench(2880);
    let ejected: SonyDisk | undefined;
    b.drive.onEject = (disk) => (ejected = disk);
    expect(b.sense(3)).toBe(false);
    b.command(7);
    expect(ejected?.format.title).toBe('1440 KB');
    expect([b.sense(8), b.sense(3), b.sense(9)]).toEqual([true, true, false]);
    b.drive.insert(ejected!);
    expect([b.sense(8), b.sense(3)]).toEqual([false, true]);
    b.command(0xc);
    expect(b.sense(3)).toBe(false);
  });

  it('refuses an image of another size', () => {
    const image = new RawImage(new MemoryStore(new Uint8Array(1000 * 512), 'odd'));
    expect(() => new SonyDisk(image)).toThrow(/512000 bytes; Macintosh disks have 400 KB/);
  });
});

describe('Swim2 and MFM', () => {
  it.each([
    [2880, 18],
    [1440, 9],
  ])('reads a disk of %d sectors', (blocks, sectors) => {
    b = new Bench(blocks);
    for (const [cylinder, head, sector] of [
      [0, 0, 2],
      [79, 1, sectors],
    ] as const) {
      b.start(MFM, cylinder, head);
      const { id, data, good } = b.mfmSector(sector);
      expect(id).toEqual([cylinder, head, sector, 2]);
      const block = (cylinder * 2 + head) * sectors + sector - 1;
      expect(data).toEqual(Array.from({ length: 512 }, (_, i) => content(block, i)));
      expect(good).toBe(true);
    }
  });

  it('gives 16 microseconds a byte, and an error to a processor that is late', () => {
    b = new Bench(2880);
    b.start(MFM);
    expect(b.findMark(0xfe)).toBe(true);
    const start = b.board.scheduler.now;
    b.bytes(100);
    expect((b.board.scheduler.now - start) / 100).toBeCloseTo(16_000, -3);
    expect(b.r(R_ERROR)).toBe(0);
    b.board.advanceNs(100_000);
    expect(b.r(R_HANDSHAKE) & (ONE | TWO | ERROR)).toBe(ONE | TWO | ERROR);
    expect(b.r(R_ERROR)).toBe(1);
  });

  it('writes a sector into the image', () => {
    b = new Bench(2880);
    b.start(MFM, 5, 1);
    for (;;) {
      expect(b.findMark(0xfe)).toBe(true);
      if (b.bytes(6)[2] === 7) break;
    }
    b.board.advanceNs(22 * 16_000);
    const data = Array.from({ length: 512 }, (_, i) => (i * 5) & 0xff);
    const lead = [...new Array<number>(12).fill(0), 0x1a1, 0x1a1, 0x1a1, 0xfb];
    b.writeStream([...lead, ...data, 'crc', 0x4e, 0x4e]);
    const block = new Uint8Array(512);
    b.image.read((5 * 2 + 1) * 18 + 6, block);
    expect([...block]).toEqual(data);
    b.image.read((5 * 2 + 1) * 18 + 7, block); // its neighbour is whole
    expect([...block]).toEqual(Array.from({ length: 512 }, (_, i) => content((5 * 2 + 1) * 18 + 7, i)));
    const again = b.mfmSector(7);
    expect([again.data, again.good]).toEqual([data, true]);
  });

  it('formats a track', () => {
    b = new Bench(2880);
    b.start(MFM, 3, 0);
    const run = (byte: number, times: number): number[] => new Array<number>(times).fill(byte);
    const stream: (number | 'crc')[] = run(0x4e, 80);
    for (let sector = 1; sector <= 18; sector++) {
      stream.push(...run(0, 12), 0x1a1, 0x1a1, 0x1a1, 0xfe, 3, 0, sector, 2, 'crc', ...run(0x4e, 22));
      stream.push(...run(0, 12), 0x1a1, 0x1a1, 0x1a1, 0xfb, ...run(0xf6, 512), 'crc', ...run(0x4e, 84));
    }
    b.writeStream(stream);
    const block = new Uint8Array(512);
    for (let sector = 0; sector < 18; sector++) {
      b.image.read(3 * 2 * 18 + sector, block);
      expect(
        block.every((byte) => byte === 0xf6),
        `sector ${sector}`,
      ).toBe(true);
    }
    expect(b.mfmSector(18).good).toBe(true);
  });

  it('stops writing when the processor is late, and nothing is written to a protected disk', () => {
    b = new Bench(2880, { readonly: true });
    b.start(MFM);
    b.writeStream([...new Array<number>(3000).fill(0)]);
    expect(b.mfmSector(1).good).toBe(true);
    b.w(W_SET, WRITE);
    b.w(W_DATA, 0);
    b.w(W_SET, ACTION);
    b.board.advanceNs(100_000);
    expect(b.r(R_ERROR)).toBe(1);
    expect(b.r(R_MODE) & ACTION).toBe(0);
  });

  it('finds no marks on an unformatted track', () => {
    b = new Bench(2880);
    b.start(MFM, 80);
    b.read();
    expect(b.next(250_000_000)).toBeUndefined();
  });
});

describe('Swim2 and GCR', () => {
  it('uses 64 disk bytes', () => {
    expect(SIX).toHaveLength(64);
    expect([SIX[0], SIX[63]]).toEqual([0x96, 0xff]);
  });

  it('encodes and decodes sectors, and sees damage', () => {
    const bytes = Uint8Array.from({ length: 524 }, (_, i) => (i * 31 + (i >> 3)) & 0xff);
    const values = gcrEncode(bytes);
    expect(values).toHaveLength(703);
    expect(gcrDecode(values)).toEqual(bytes);
    values[300]! ^= 1;
    expect(gcrDecode(values)).toBeUndefined();
  });

  it('reads 800 KB and 400 KB disks', () => {
    b = new Bench(1600);
    b.start(GCR, 20, 1);
    const two = b.gcrSector(4);
    expect(two.address).toEqual([20, 4, 0x20, 0x22, 20 ^ 4 ^ 0x20 ^ 0x22]);
    const before = [...Array(20).keys()].reduce((sum, cylinder) => sum + 2 * gcrSectors(cylinder), 0);
    const block = before + gcrSectors(20) + 4;
    expect([...two.bytes.subarray(12)]).toEqual(Array.from({ length: 512 }, (_, i) => content(block, i)));
    b = new Bench(800);
    b.start(GCR, 70, 0);
    const one = b.gcrSector(7);
    expect(one.address.slice(0, 4)).toEqual([6, 7, 1, 2]);
    expect([...one.bytes.subarray(12)]).toEqual(Array.from({ length: 512 }, (_, i) => content(800 - 9 * 8 - 8 + 7, i)));
  });

  it('has tags where the image has', () => {
    b = new Bench(1600, { tags: true });
    b.start(GCR);
    expect([...b.gcrSector(1).bytes.subarray(0, 12)]).toEqual(Array.from({ length: 12 }, (_, i) => 12 + i));
    b = new Bench(1600);
    b.start(GCR);
    expect(
      b
        .gcrSector(1)
        .bytes.subarray(0, 12)
        .every((byte) => byte === 0),
    ).toBe(true);
  });

  it('writes a sector with its tags', () => {
    b = new Bench(1600, { tags: true });
    b.start(GCR, 0, 0);
    const bytes = Uint8Array.from({ length: 524 }, (_, i) => (i * 13) & 0xff);
    for (;;) if (b.gcrField([0xd5, 0xaa, 0x96], 5)[1] === 3) break;
    b.bytes(3); // behind the epilogue
    const six = (values: readonly number[]): number[] => values.map((value) => SIX[value]!);
    const sync = [0xff, 0x3f, 0xcf, 0xf3, 0xfc, 0xff];
    b.writeStream([...sync, 0xd5, 0xaa, 0xad, ...six([3, ...gcrEncode(bytes)]), 0xde, 0xaa, 0xff]);
    const block = new Uint8Array(512);
    b.image.read(3, block);
    expect([...block]).toEqual([...bytes.subarray(12)]);
    b.image.read(1600, block);
    expect([...block.subarray(36, 48)]).toEqual([...bytes.subarray(0, 12)]);
    expect(b.gcrSector(3).bytes).toEqual(bytes);
    expect(b.gcrSector(2).bytes[12]).toBe(content(2, 0));
  });

  it('keeps a track of another recording beside the image, in snapshots too', () => {
    b = new Bench(1600);
    b.start(MFM, 2, 0);
    const run = (byte: number, times: number): number[] => new Array<number>(times).fill(byte);
    const sector = (): (number | 'crc')[] => [
      ...run(0, 12),
      0x1a1,
      0x1a1,
      0x1a1,
      0xfe,
      2,
      0,
      1,
      2,
      'crc',
      ...run(0x4e, 22),
      ...run(0, 12),
      0x1a1,
      0x1a1,
      0x1a1,
      0xfb,
      ...run(0x42, 512),
      'crc',
      ...run(0x4e, 50),
    ];
    b.writeStream([...run(0x4e, 80), ...sector()]);
    expect(b.mfmSector(1).data[9]).toBe(0x42);
    expect(b.board.logged('unimp')).toEqual(['a format the image cannot keep, of cylinder 2']);
    const other = new Bench(1600);
    other.board.board.restore(structuredClone(b.board.board.save()));
    expect(other.mfmSector(1).data[9]).toBe(0x42);
  });
});

describe('Swim2 snapshot', () => {
  it('keeps the law in the middle of a sector', () => {
    b = new Bench(2880);
    b.start(MFM);
    expect(b.findMark(0xfb)).toBe(true);
    b.bytes(100);
    expectSnapshotLaw(b.chip);
    expectSnapshotLaw(b.drive);
    const other = new Bench(2880);
    other.board.board.restore(structuredClone(b.board.board.save()));
    expect(other.bytes(50)).toEqual(b.bytes(50));
  });
});

describe('Swim2 fuzz', () => {
  it('survives random accesses', () => {
    let seed = 815;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return (seed >>> 8) % below;
    };
    b = new Bench(1600);
    const disk = b.drive.disk!;
    b.start(GCR);
    for (let i = 0; i < 20_000; i++) {
      const width = ([1, 1, 2, 4] as const)[random(4)]!;
      const register = random(16) & ~(width - 1);
      if (random(2) === 0) {
        const value = b.r(register, width);
        expect(Number.isInteger(value) && value >= 0 && value < 2 ** (width * 8)).toBe(true);
      } else b.w(register, random(width === 1 ? 0x100 : 0x1_0000), width);
      if (random(20) === 0) b.command(random(16));
      if (random(20) === 0) b.drive.sel(random(2) === 0);
      if (random(50) === 0) b.w(W_SET, DRIVE1 | ACTION | (random(2) << 4));
      if (random(200) === 0 && b.drive.disk === undefined) b.drive.insert(disk);
      if (random(3) === 0) b.board.advanceNs(random(60_000));
    }
    expect(b.board.scheduler.headroom).toBeGreaterThanOrEqual(0);
  });
});
