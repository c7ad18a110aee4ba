// SPDX-License-Identifier: MIT
import { beforeEach, describe, expect, it } from 'vitest';
import { type BlockDevice, MediumError } from '../../../../machines/backplane/host.ts';
import { CdromServer } from '../../../../machines/devices/scsi/cdrom-server.ts';
import type { DeviceServer } from '../../../../machines/devices/scsi/device-server.ts';
import { DiskServer } from '../../../../machines/devices/scsi/disk-server.ts';
import { MemoryStore } from '../../../../machines/storage/byte-store.ts';
import { RawImage } from '../../../../machines/storage/raw-image.ts';
import { FakeBoard } from '../../../support/fake-board.ts';

const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 3 + (i >> 8)) & 0xff);
const CONTENT = pattern(4096 * 512);

/** A disk that fails on demand and counts flushes. */
class Medium implements BlockDevice {
  readonly blockBytes = 512;
  readonly blockCount = 4096;
  readonly title = 'disk';
  readonly readonly: boolean;
  failing = false;
  flushes = 0;
  readonly #image = new RawImage(new MemoryStore(CONTENT.slice()));

  constructor(readonly = false) {
    this.readonly = readonly;
  }

  read(first: number, into: Uint8Array): void {
    this.#image.read(first, into);
  }

  write(first: number, from: Uint8Array): void {
    if (this.failing) throw new MediumError('disk full');
    this.#image.write(first, from);
  }

  flush(): void {
    if (this.failing) throw new MediumError('disk full');
    this.flushes++;
  }
}

/** Runs one command: its data (or what it took of `out`), and its status. */
function run(server: DeviceServer, cdb: number[], out?: Uint8Array, lun = 0, initiator = 7) {
  server.start(Uint8Array.from(cdb), lun, initiator);
  const data: number[] = [];
  let sent = 0;
  const piece = new Uint8Array(1000);
  while (server.remaining > 0) {
    if (server.direction === 'in') data.push(...piece.subarray(0, server.read(piece)));
    else {
      const taken = server.write(out!.subarray(sent, sent + 333));
      if (taken === 0) break;
      sent += taken;
    }
  }
  return { data: Uint8Array.from(data), status: server.status, sent };
}

const sense = (server: DeviceServer): number[] => {
  const { data } = run(server, [3, 0, 0, 0, 18, 0]);
  return [data[2]! & 0xf, data[12]!, data[13]!];
};
const check = (server: DeviceServer, cdb: number[], out?: Uint8Array): number[] => {
  expect(run(server, cdb, out).status).toBe(2);
  return sense(server);
};
const ascii = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

let board: FakeBoard;
let medium: Medium;
let disk: DiskServer;
let cd: CdromServer;
beforeEach(() => {
  board = new FakeBoard();
  medium = new Medium();
  disk = new DiskServer(board.chip('scsi:0'), medium, { serial: 'A1' });
  cd = new CdromServer(board.chip('scsi:3'), new RawImage(new MemoryStore(CONTENT, 'cd', true), 2048));
  for (const server of [disk, cd]) {
    server.reset();
    run(server, [0, 0, 0, 0, 0, 0]); // unit attention
    sense(server);
  }
});

describe('DeviceServer', () => {
  it('reports a unit attention once, to the first command but INQUIRY', () => {
    disk.reset();
    expect(run(disk, [0x12, 0, 0, 0, 36, 0]).status).toBe(0);
    expect(check(disk, [0, 0, 0, 0, 0, 0])).toEqual([6, 0x29, 0]);
    expect(run(disk, [0, 0, 0, 0, 0, 0]).status).toBe(0);
    disk.reset();
    expect(sense(disk)).toEqual([6, 0x29, 0]); // or REQUEST SENSE takes it
    expect(run(disk, [0, 0, 0, 0, 0, 0]).status).toBe(0);
  });

  it('answers INQUIRY, cut to the allocation length', () => {
    const { data } = run(disk, [0x12, 0, 0, 0, 255, 0]);
    expect(data).toHaveLength(36);
    expect([data[0], data[1], data[2], data[3], data[4]]).toEqual([0, 0, 2, 2, 31]);
    expect(ascii(data.subarray(8))).toBe('EMERITUSSCSI DISK       1.0 ');
    expect(run(disk, [0x12, 0, 0, 0, 5, 0]).data).toHaveLength(5);
    expect(run(disk, [0x12, 0, 0, 0, 0, 0]).data).toHaveLength(0);
    expect(run(cd, [0x12, 0, 0, 0, 36, 0]).data.subarray(0, 2)).toEqual(Uint8Array.from([5, 0x80]));
  });

  it('answers vital product data pages 0, 80h and 83h', () => {
    expect(run(disk, [0x12, 1, 0, 0, 255, 0]).data).toEqual(Uint8Array.from([0, 0, 0, 3, 0, 0x80, 0x83]));
    expect(ascii(run(disk, [0x12, 1, 0x80, 0, 255, 0]).data.subarray(4))).toBe('A1');
    const id = run(disk, [0x12, 1, 0x83, 0, 255, 0]).data;
    expect([id[3], id[4], id[5], id[7]]).toEqual([30, 2, 1, 26]);
    expect(ascii(id.subarray(8))).toBe('EMERITUSSCSI DISK       A1');
    expect(check(disk, [0x12, 1, 0x99, 0, 255, 0])).toEqual([5, 0x24, 0]);
    expect(check(disk, [0x12, 0, 0x80, 0, 255, 0])).toEqual([5, 0x24, 0]);
  });

  it('has one logical unit', () => {
    expect(run(disk, [0x12, 0, 0, 0, 36, 0], undefined, 1).data[0]).toBe(0x7f);
    expect(run(disk, [0, 0, 0, 0, 0, 0], undefined, 1).status).toBe(2);
    expect(run(disk, [3, 0, 0, 0, 18, 0], undefined, 2).data[12]).toBe(0x25);
    const luns = run(disk, [0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0]).data;
    expect(luns).toEqual(Uint8Array.from([0, 0, 0, 8, ...new Array<number>(12).fill(0)]));
  });

  it('points at the wrong field', () => {
    run(disk, [0x12, 2, 0, 0, 36, 0]);
    const { data } = run(disk, [3, 0, 0, 0, 18, 0]);
    expect([data[15], data[16], data[17]]).toEqual([0xc0, 0, 1]);
    expect(check(disk, [0x99, 0, 0, 0, 0, 0, 0, 0, 0, 0])).toEqual([5, 0x20, 0]);
    expect(check(disk, [0x12, 0, 0, 0, 36, 1])).toEqual([5, 0x24, 0]); // linked
  });

  it('keeps a reservation for its initiator', () => {
    expect(run(disk, [0x16, 0, 0, 0, 0, 0], undefined, 0, 7).status).toBe(0);
    expect(run(disk, [0, 0, 0, 0, 0, 0], undefined, 0, 6).status).toBe(0x18);
    expect(run(disk, [0x17, 0, 0, 0, 0, 0], undefined, 0, 6).status).toBe(0);
    expect(run(disk, [0, 0, 0, 0, 0, 0], undefined, 0, 6).status).toBe(0x18);
    run(disk, [0x17, 0, 0, 0, 0, 0]);
    expect(run(disk, [0, 0, 0, 0, 0, 0], undefined, 0, 6).status).toBe(0);
  });

  it('stores what WRITE BUFFER gives for READ BUFFER', () => {
    expect(run(disk, [0x3b, 2, 0, 0, 0, 8, 0, 0, 4, 0], Uint8Array.from([1, 2, 3, 4])).status).toBe(0);
    expect(run(disk, [0x3c, 2, 0, 0, 0, 8, 0, 0, 4, 0]).data).toEqual(Uint8Array.from([1, 2, 3, 4]));
    expect(run(disk, [0x3c, 3, 0, 0, 0, 0, 0, 0, 4, 0]).data).toEqual(Uint8Array.from([0, 0, 2, 0]));
    expect(check(disk, [0x3b, 2, 0, 0, 2, 0, 0, 0, 1, 0], new Uint8Array(1))).toEqual([5, 0x24, 0]);
    expect(check(disk, [0x3b, 5, 0, 0, 0, 0, 0, 0, 1, 0])).toEqual([5, 0x24, 0]);
  });
});

describe('DiskServer', () => {
  it('tells its capacity', () => {
    expect(run(disk, [0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0]).data).toEqual(Uint8Array.from([0, 0, 15, 255, 0, 0, 2, 0]));
  });

  for (const [name, read, write] of [
    ['6', [0x08, 0, 1, 0, 100, 0], [0x0a, 0, 1, 0, 100, 0]],
    ['10', [0x28, 0, 0, 0, 1, 0, 0, 0, 100, 0], [0x2a, 0, 0, 0, 1, 0, 0, 0, 100, 0]],
    ['12', [0xa8, 0, 0, 0, 1, 0, 0, 0, 0, 100, 0, 0], [0xaa, 0, 0, 0, 1, 0, 0, 0, 0, 100, 0, 0]],
  ] as const) {
    it(`reads and writes with ${name}-byte commands`, () => {
      expect(Buffer.compare(run(disk, [...read]).data, CONTENT.subarray(256 * 512, 356 * 512))).toBe(0);
      const data = pattern(100 * 512).reverse();
      expect(run(disk, [...write], data)).toMatchObject({ status: 0, sent: data.length });
      expect(Buffer.compare(run(disk, [...read]).data, data)).toBe(0);
    });
  }

  it('takes a count of 0 as 256 blocks in 6-byte commands and as none in longer ones', () => {
    expect(run(disk, [0x08, 0, 0, 0, 0, 0]).data).toHaveLength(256 * 512);
    expect(run(disk, [0x28, 0, 0, 0, 0, 0, 0, 0, 0, 0])).toMatchObject({ status: 0, data: new Uint8Array() });
  });

  it('refuses addresses beyond the end before moving anything', () => {
    expect(check(disk, [0x28, 0, 0, 0, 0x0f, 0xff, 0, 0, 2, 0])).toEqual([5, 0x21, 0]);
    expect(check(disk, [0x2a, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 2, 0])).toEqual([5, 0x21, 0]);
    expect(check(disk, [0x2b, 0, 0, 0, 0x10, 0, 0, 0, 0, 0])).toEqual([5, 0x21, 0]);
    expect(check(disk, [0x2f, 0, 0, 0, 0x10, 0, 0, 0, 1, 0])).toEqual([5, 0x21, 0]);
    expect(run(disk, [0x2f, 0, 0, 0, 0, 0, 0, 1, 0, 0]).status).toBe(0);
  });

  it('flushes on SYNCHRONIZE CACHE, FUA, WRITE AND VERIFY, and without the write cache', () => {
    run(disk, [0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0], new Uint8Array(512));
    expect(medium.flushes).toBe(0);
    run(disk, [0x2a, 8, 0, 0, 0, 0, 0, 0, 1, 0], new Uint8Array(512));
    expect(medium.flushes).toBe(1);
    run(disk, [0x2e, 0, 0, 0, 0, 0, 0, 0, 1, 0], new Uint8Array(512));
    expect(medium.flushes).toBe(2);
    run(disk, [0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(medium.flushes).toBe(3);
    const off = Uint8Array.from([0, 0, 0, 0, 0x08, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(run(disk, [0x15, 0x10, 0, 0, off.length, 0], off).status).toBe(0);
    expect(medium.flushes).toBe(4);
    run(disk, [0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0], new Uint8Array(512));
    expect(medium.flushes).toBe(5);
  });

  it('reports failing writes and flushes as write errors, with the address', () => {
    medium.failing = true;
    expect(run(disk, [0x2a, 0, 0, 0, 0, 9, 0, 0, 1, 0], new Uint8Array(512)).status).toBe(2);
    const { data } = run(disk, [3, 0, 0, 0, 18, 0]);
    expect([data[0], data[2], data[6], data[12]]).toEqual([0xf0, 3, 9, 0x0c]);
    expect(check(disk, [0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0])).toEqual([3, 0x0c, 0]);
  });

  it('protects a read-only medium and says so', () => {
    const protectedDisk = new DiskServer(board.chip('scsi:1'), new Medium(true));
    expect(check(protectedDisk, [0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0])).toEqual([7, 0x27, 0]);
    expect(check(protectedDisk, [0x04, 0, 0, 0, 0, 0])).toEqual([7, 0x27, 0]);
    expect(run(protectedDisk, [0x1a, 0, 8, 0, 255, 0]).data[2]! & 0x80).toBe(0x80);
  });

  it('gives mode pages, their defaults and what can change', () => {
    const all = run(disk, [0x1a, 0, 0x3f, 0, 255, 0]).data;
    expect([all[0], all[3]]).toEqual([all.length - 1, 8]);
    expect((all[9]! << 16) | (all[10]! << 8) | all[11]!).toBe(512);
    const codes: number[] = [];
    for (let at = 12; at < all.length; at += all[at + 1]! + 2) codes.push(all[at]!);
    expect(codes).toEqual([1, 2, 3, 4, 8, 0x0a, 0x30]);
    const apple = run(disk, [0x1a, 8, 0x30, 0, 255, 0]).data;
    expect(ascii(apple.subarray(6))).toBe('APPLE COMPUTER, INC   ');
    expect(run(disk, [0x1a, 8, 0x48, 0, 255, 0]).data[6]).toBe(0x05); // changeable: WCE, RCD
    expect(run(disk, [0x5a, 8, 8, 0, 0, 0, 0, 0, 255, 0]).data).toHaveLength(8 + 12);
    expect(check(disk, [0x1a, 0, 0xff, 0, 255, 0])).toEqual([5, 0x39, 0]);
    expect(check(disk, [0x1a, 0, 0x22, 0, 255, 0])).toEqual([5, 0x24, 0]);
  });

  it('changes only what can change by MODE SELECT', () => {
    const select = (...page: number[]) => Uint8Array.from([0, 0, 0, 0, ...page]);
    const bad = select(0x08, 10, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0);
    expect(check(disk, [0x15, 0x10, 0, 0, bad.length, 0], bad)).toEqual([5, 0x26, 0]);
    const short = select(0x08, 10, 0);
    expect(check(disk, [0x15, 0x10, 0, 0, short.length, 0], short)).toEqual([5, 0x1a, 0]);
    const block = Uint8Array.from([0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 4, 0]);
    expect(check(disk, [0x15, 0x10, 0, 0, 12, 0], block)).toEqual([5, 0x26, 0]);
    expect(run(disk, [0x15, 0x10, 0, 0, 0, 0]).status).toBe(0);
    const good = select(0x08, 10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    expect(run(disk, [0x15, 0x10, 0, 0, good.length, 0], good).status).toBe(0);
    expect(run(disk, [0x1a, 8, 8, 0, 255, 0]).data[6]).toBe(1);
    expect(run(disk, [0x1a, 8, 0x88, 0, 255, 0]).data[6]).toBe(4); // the default stays
  });

  it('stops and starts, formats, and answers the rest an operating system asks', () => {
    expect(run(disk, [0x1b, 0, 0, 0, 0, 0]).status).toBe(0);
    expect(check(disk, [0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0])).toEqual([2, 4, 2]);
    expect(run(disk, [0x1b, 0, 0, 0, 1, 0]).status).toBe(0);
    for (const cdb of [
      [0x04, 0, 0, 0, 0, 0],
      [0x1e, 0, 0, 0, 1, 0],
      [0x01, 0, 0, 0, 0, 0],
      [0x0b, 0, 0, 5, 0, 0],
      [0x1d, 4, 0, 0, 0, 0],
      [0x37, 0, 0x18, 0, 0, 0, 0, 0, 4, 0],
    ]) {
      expect(run(disk, cdb).status, `command ${cdb[0]}`).toBe(0);
    }
    expect(run(disk, [0x04, 0x10, 0, 0, 0, 0], new Uint8Array(4)).status).toBe(0);
    expect(check(disk, [0x04, 0x10, 0, 0, 0, 0], Uint8Array.from([0, 0, 0, 8]))).toEqual([5, 0x26, 0]);
  });

  it('takes longer the farther it seeks', () => {
    disk.start(Uint8Array.from([0x28, 0, 0, 0, 0, 0, 0, 0, 8, 0]));
    disk.abort();
    disk.start(Uint8Array.from([0x28, 0, 0, 0, 0, 8, 0, 0, 8, 0]));
    const next = disk.latencyNs;
    disk.abort();
    disk.start(Uint8Array.from([0x28, 0, 0, 0, 15, 0, 0, 0, 8, 0]));
    expect(next).toBeGreaterThan(0);
    expect(disk.latencyNs).toBeGreaterThan(next * 2);
    expect(disk.latencyNs).toBeLessThan(1_000_000);
  });
});

describe('CdromServer', () => {
  it('reads 2048-byte blocks, or 512-byte ones after MODE SELECT', () => {
    expect(Buffer.compare(run(cd, [0x28, 0, 0, 0, 0, 5, 0, 0, 2, 0]).data, CONTENT.subarray(10240, 14336))).toBe(0);
    const select = Uint8Array.from([0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 2, 0]);
    expect(run(cd, [0x15, 0x10, 0, 0, 12, 0], select).status).toBe(0);
    expect(run(cd, [0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0]).data).toEqual(Uint8Array.from([0, 0, 15, 255, 0, 0, 2, 0]));
    expect(Buffer.compare(run(cd, [0x28, 0, 0, 0, 0, 5, 0, 0, 70, 0]).data, CONTENT.subarray(2560, 75 * 512))).toBe(0);
    expect(run(cd, [0x43, 0, 0, 0, 0, 0, 0xaa, 0, 12, 0]).data.subarray(8)).toEqual(Uint8Array.from([0, 0, 4, 0]));
  });

  it('has no write commands', () => {
    expect(check(cd, [0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0])).toEqual([5, 0x20, 0]);
  });

  it('gives a table of contents by sector and by MSF', () => {
    const toc = run(cd, [0x43, 0, 0, 0, 0, 0, 0, 0, 255, 0]).data;
    expect(toc).toEqual(Uint8Array.from([0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xaa, 0, 0, 0, 4, 0]));
    const msf = run(cd, [0x43, 2, 0, 0, 0, 0, 0, 0, 255, 0]).data;
    expect(msf.subarray(8, 12)).toEqual(Uint8Array.from([0, 0, 2, 0]));
    expect(msf.subarray(16, 20)).toEqual(Uint8Array.from([0, 0, 15, 49])); // (1024 + 150) frames
    expect(run(cd, [0x43, 0, 1, 0, 0, 0, 0, 0, 255, 0]).data).toHaveLength(12);
    expect(run(cd, [0x43, 2, 2, 0, 0, 0, 0, 0, 255, 0]).data).toHaveLength(4 + 4 * 11);
    expect(run(cd, [0x43, 0, 0, 0, 0, 0, 0, 0, 255, 0x40]).data).toHaveLength(12); // SFF-8020i's format field
    expect(check(cd, [0x43, 0, 0, 0, 0, 0, 5, 0, 255, 0])).toEqual([5, 0x24, 0]);
  });

  it('answers positions, headers and sub-channels', () => {
    expect(run(cd, [0x44, 0, 0, 0, 1, 0, 0, 0, 8, 0]).data).toEqual(Uint8Array.from([1, 0, 0, 0, 0, 0, 1, 0]));
    expect(run(cd, [0x42, 0, 0x40, 1, 0, 0, 0, 0, 255, 0]).data).toHaveLength(16);
    expect(run(cd, [0x42, 0, 0x40, 2, 0, 0, 0, 0, 255, 0]).data).toHaveLength(24);
    expect(run(cd, [0x42, 0, 0, 0, 0, 0, 0, 0, 255, 0]).data).toEqual(Uint8Array.from([0, 0x15, 0, 0]));
    expect(check(cd, [0x42, 0, 0x40, 9, 0, 0, 0, 0, 255, 0])).toEqual([5, 0x24, 0]);
  });

  it('says that data tracks cannot be played', () => {
    for (const op of [0x45, 0x47, 0x48]) {
      expect(check(cd, [op, 0, 0, 0, 0, 0, 0, 0, 1, 0])).toEqual([5, 0x64, 0]);
    }
    expect(run(cd, [0x4e, 0, 0, 0, 0, 0, 0, 0, 0, 0]).status).toBe(0);
    expect(check(cd, [0x4b, 0, 0, 0, 0, 0, 0, 0, 0, 0])).toEqual([5, 0x2c, 0]);
  });

  it('describes itself by features', () => {
    const all = run(cd, [0x46, 0, 0, 0, 0, 0, 0, 4, 0, 0]).data;
    expect((all[2]! << 8) | all[3]!).toBe(all.length - 4);
    expect((all[6]! << 8) | all[7]!).toBe(0x0008);
    const codes: number[] = [];
    for (let at = 8; at < all.length; at += all[at + 3]! + 4) codes.push((all[at]! << 8) | all[at + 1]!);
    expect(codes).toEqual([0, 1, 2, 3, 0x10, 0x1e, 0x100, 0x105]);
    expect(run(cd, [0x46, 2, 0, 0x1e, 0, 0, 0, 4, 0, 0]).data).toHaveLength(16);
  });

  it('tells media events once, even before the unit attention', () => {
    const event = () => run(cd, [0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8, 0]).data;
    expect([event()[4], event()[4]]).toEqual([2, 0]);
    cd.insert(new RawImage(new MemoryStore(CONTENT, 'cd', true), 2048));
    const seen = event();
    expect([seen[1], seen[2], seen[4], seen[5]]).toEqual([6, 4, 2, 2]);
    expect(check(cd, [0, 0, 0, 0, 0, 0])).toEqual([6, 0x28, 0]);
    expect(check(cd, [0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8, 0])).toEqual([5, 0x24, 0]);
    expect(run(cd, [0x1e, 0, 0, 0, 1, 0]).status).toBe(0);
    cd.requestEject();
    expect([event()[4], cd.trayOpen]).toEqual([1, false]);
    run(cd, [0x1e, 0, 0, 0, 0, 0]);
    cd.requestEject();
    expect([event()[4], cd.trayOpen]).toEqual([3, true]);
    expect(run(cd, [0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0]).data[1]).toBe(0x10);
    run(cd, [0x1b, 0, 0, 0, 3, 0]);
    expect(cd.trayOpen).toBe(false);
  });

  it('reads user data with READ CD and READ CD MSF, and nothing else', () => {
    const data = run(cd, [0xbe, 0, 0, 0, 0, 3, 0, 0, 2, 0x10, 0, 0]).data;
    expect(Buffer.compare(data, CONTENT.subarray(3 * 2048, 5 * 2048))).toBe(0);
    const msf = run(cd, [0xb9, 0, 0, 0, 2, 3, 0, 2, 5, 0x10, 0, 0]).data;
    expect(Buffer.compare(msf, CONTENT.subarray(3 * 2048, 5 * 2048))).toBe(0);
    expect(check(cd, [0xbe, 0, 0, 0, 0, 3, 0, 0, 2, 0xf8, 0, 0])).toEqual([5, 0x24, 0]);
    expect(check(cd, [0xbe, 4, 0, 0, 0, 3, 0, 0, 2, 0x10, 0, 0])).toEqual([5, 0x64, 0]);
    expect(run(cd, [0xbe, 0, 0, 0, 0, 3, 0, 0, 2, 0, 0, 0])).toMatchObject({ status: 0, data: new Uint8Array() });
  });

  it('has the CD-ROM mode pages', () => {
    const all = run(cd, [0x5a, 8, 0x3f, 0, 0, 0, 0, 4, 0, 0]).data;
    const codes: number[] = [];
    for (let at = 8; at < all.length; at += all[at + 1]! + 2) codes.push(all[at]!);
    expect(codes).toEqual([1, 0x0d, 0x0e, 0x2a, 0x30]);
  });
});

describe('DeviceServer fuzz', () => {
  it('survives random commands and data', () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return (seed >>> 8) % below;
    };
    const out = pattern(2000);
    const into = new Uint8Array(2000);
    const ops = [
      0, 1, 3, 4, 7, 8, 0xa, 0xb, 0x12, 0x15, 0x16, 0x17, 0x1a, 0x1b, 0x1d, 0x1e, 0x25, 0x28, 0x2a, 0x2b, 0x2e, 0x2f,
      0x35, 0x37, 0x3b, 0x3c, 0x42, 0x43, 0x44, 0x46, 0x4a, 0x55, 0x5a, 0xa0, 0xa8, 0xaa, 0xb9, 0xbd, 0xbe,
    ];
    for (let i = 0; i < 10_000; i++) {
      const server = random(2) === 0 ? disk : cd;
      const cdb = Uint8Array.from({ length: 12 }, () => (random(3) === 0 ? random(256) : random(4)));
      cdb[0] = random(8) === 0 ? random(256) : ops[random(ops.length)]!;
      server.start(cdb, random(20) === 0 ? 1 : 0);
      for (let n = 0; n < 20 && server.remaining > 0; n++) {
        if (server.direction === 'in') server.read(into.subarray(0, random(2000)));
        else server.write(out.subarray(0, random(2000)));
      }
      expect(Number.isInteger(server.remaining) && server.remaining >= 0 && server.latencyNs >= 0).toBe(true);
      if (random(50) === 0) server.reset();
      if (random(200) === 0) server.restore(structuredClone(server.save()));
    }
  });
});
