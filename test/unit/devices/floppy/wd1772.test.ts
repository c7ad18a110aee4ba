// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { crc16, formattedSectors, trackBytes } from '../../../../machines/devices/floppy/mfm-track.ts';
import {
  ADFS_GEOMETRIES,
  geometryOfSize,
  PC_GEOMETRIES,
  SectorDisk,
} from '../../../../machines/devices/floppy/sector-disk.ts';
import { ShugartDrive } from '../../../../machines/devices/floppy/shugart-drive.ts';
import { Wd1772 } from '../../../../machines/devices/floppy/wd1772.ts';
import { RawImage } from '../../../../machines/storage/raw-image.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

/** An image in memory, each sector filled with its number in the image. */
function image(bytes: number, sectorBytes: number, readonly = false) {
  const data = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) data[i] = Math.floor(i / sectorBytes) & 0xff;
  const store = {
    size: bytes,
    readonly,
    title: 'test',
    read: (at: number, into: Uint8Array) => into.set(data.subarray(at, at + into.length)),
    write: (at: number, from: Uint8Array) => data.set(from, at),
    flush: () => {},
    close: () => {},
  };
  return { data, blocks: new RawImage(store) };
}

function make(options: { readonly?: boolean; empty?: boolean } = {}) {
  const fake = new FakeBoard();
  const { data, blocks } = image(819_200, 1024, options.readonly);
  const disk = new SectorDisk(blocks, geometryOfSize(819_200, ADFS_GEOMETRIES)!);
  const drive = new ShugartDrive(fake.chip('drive'), options.empty ? undefined : disk);
  const fdc = new Wd1772(fake.chip('fdc'));
  for (const chip of [drive, fdc]) chip.reset('cold');
  fdc.drive = drive;
  drive.motor(true);
  const command = (value: number): void => fdc.write(0, 1, value);
  const wait = (ms: number): void => fake.advanceNs(ms * 1e6);
  /** Takes bytes as they come until the command is over. */
  const drain = (): number[] => {
    const bytes: number[] = [];
    for (let i = 0; i < 200_000 && !fdc.intrq.level; i++) {
      fake.advanceNs(10_000);
      if (fdc.drq.level) bytes.push(fdc.read(3, 1));
    }
    return bytes;
  };
  /** Gives bytes as they are asked for. */
  const feed = (next: (i: number) => number): number => {
    let count = 0;
    for (let i = 0; i < 200_000 && !fdc.intrq.level; i++) {
      if (fdc.drq.level) fdc.write(3, 1, next(count++));
      fake.advanceNs(10_000);
    }
    return count;
  };
  return { fake, data, drive, fdc, command, wait, drain, feed };
}

describe('Wd1772', () => {
  it('restores to track 0 and steps', () => {
    const { fdc, drive, command, wait } = make();
    for (let i = 0; i < 5; i++) drive.step(true);
    command(0x0a); // 2 ms steps, no spin-up
    expect(fdc.read(0, 1) & 1).toBe(1);
    wait(20);
    expect(fdc.intrq.level).toBe(true);
    expect(drive.cylinder).toBe(0);
    expect(fdc.read(0, 1) & 0x85).toBe(0x84);
    expect(fdc.intrq.level).toBe(false);
    command(0x5a); // Step-in with update
    wait(5);
    expect([drive.cylinder, fdc.read(1, 1)]).toEqual([1, 1]);
    command(0x2a); // Step the same way, no update
    wait(5);
    expect([drive.cylinder, fdc.read(1, 1)]).toEqual([2, 1]);
    command(0x7a); // Step-out
    wait(5);
    expect([drive.cylinder, fdc.read(1, 1)]).toEqual([1, 0]);
  });

  it('spins up first if it is told to', () => {
    const { fdc, command, wait } = make();
    command(0x02);
    wait(1150);
    expect(fdc.intrq.level).toBe(false);
    wait(100);
    expect(fdc.intrq.level).toBe(true);
  });

  it('seeks and verifies', () => {
    const { fdc, drive, command, wait } = make();
    fdc.write(3, 1, 40);
    command(0x1e);
    wait(140);
    expect([drive.cylinder, fdc.read(1, 1), fdc.read(0, 1) & 0x10]).toEqual([40, 40, 0]);
    fdc.write(1, 1, 39); // believes to be elsewhere
    fdc.write(3, 1, 39);
    command(0x1e);
    wait(1100);
    expect(fdc.read(0, 1) & 0x10).toBe(0x10);
  });

  it('reads a sector', () => {
    const { fdc, command, drain } = make();
    fdc.side = 1;
    fdc.write(2, 1, 3);
    command(0x88);
    const bytes = drain();
    expect(bytes).toEqual(new Array(1024).fill(8));
    expect(fdc.read(0, 1)).toBe(0x80);
  });

  it('reads on into the next sectors until they end', () => {
    const { fdc, command, drain } = make();
    fdc.write(2, 1, 3);
    command(0x98);
    const bytes = drain();
    expect(bytes).toHaveLength(2048);
    expect([bytes[0], bytes[1024]]).toEqual([3, 4]);
    expect(fdc.read(0, 1) & 0x10).toBe(0x10);
    expect(fdc.read(2, 1)).toBe(5);
  });

  it('loses bytes nobody takes', () => {
    const { fdc, command, wait } = make();
    fdc.write(2, 1, 0);
    command(0x88);
    wait(300);
    expect(fdc.read(0, 1) & 0x04).toBe(0x04);
  });

  it('writes a sector', () => {
    const { fdc, data, command, feed } = make();
    fdc.write(2, 1, 1);
    command(0xa8);
    expect(feed((i) => i & 0xff)).toBe(1024);
    expect(fdc.read(0, 1)).toBe(0x80);
    expect([...data.subarray(1024, 1028), data[2047], data[2048]]).toEqual([0, 1, 2, 3, 255, 2]);
  });

  it('does not write what is protected', () => {
    const { fdc, command, wait } = make({ readonly: true });
    command(0xa8);
    wait(1);
    expect(fdc.read(0, 1) & 0x40).toBe(0x40);
  });

  it('does not find what is not there', () => {
    const { fdc, command, wait } = make();
    fdc.write(2, 1, 9);
    command(0x88);
    wait(990);
    expect(fdc.intrq.level).toBe(false);
    wait(20);
    expect(fdc.read(0, 1)).toBe(0x90);
    const { fdc: empty, command: order, wait: waitEmpty } = make({ empty: true });
    order(0x88);
    waitEmpty(1100);
    expect(empty.read(0, 1)).toBe(0x90);
  });

  it('reads addresses and tracks', () => {
    const { fdc, command, drain } = make();
    command(0xc8);
    const id = drain();
    expect(id).toHaveLength(6);
    expect(id.slice(0, 2)).toEqual([0, 0]);
    expect(id[3]).toBe(3);
    expect(crc16([0xa1, 0xa1, 0xa1, 0xfe, ...id])).toBe(0);
    fdc.read(0, 1);
    command(0xe8);
    expect(drain()).toHaveLength(6250);
  });

  it('formats', () => {
    const { data, command, feed } = make();
    const bytes: number[] = [];
    for (let sector = 0; sector < 5; sector++) {
      bytes.push(...new Array<number>(12).fill(0), 0xf5, 0xf5, 0xf5, 0xfe, 0, 0, sector, 3, 0xf7);
      bytes.push(...new Array<number>(22).fill(0x4e), ...new Array<number>(12).fill(0), 0xf5, 0xf5, 0xf5, 0xfb);
      bytes.push(...new Array<number>(1024).fill(0xe0 + sector), 0xf7, ...new Array<number>(50).fill(0x4e));
    }
    command(0xf8);
    expect(feed((i) => bytes[i] ?? 0x4e)).toBe(6250);
    expect([data[0], data[4 * 1024], data[5 * 1024]]).toEqual([0xe0, 0xe4, 5]);
  });

  it('is stopped by Force Interrupt', () => {
    const { fdc, command, wait } = make();
    fdc.write(2, 1, 9);
    command(0x88);
    command(0xd0);
    expect(fdc.read(0, 1) & 1).toBe(0);
    expect(fdc.intrq.level).toBe(false);
    command(0xd8);
    expect(fdc.intrq.level).toBe(true);
    command(0xd4);
    wait(250);
    expect(fdc.intrq.level).toBe(true);
  });

  it('obeys the snapshot law in the middle of a read', () => {
    const { fake, fdc, drive, command } = make();
    fdc.write(2, 1, 0);
    command(0x88);
    while (!fdc.drq.level) fake.advanceNs(10_000);
    expectSnapshotLaw(fdc);
    expectSnapshotLaw(drive);
  });

  it('survives random accesses', () => {
    const { fake, fdc } = make();
    const next = random(6);
    for (let i = 0; i < 20_000; i++) {
      if (next() < 0.3) fdc.write(Math.floor(next() * 4), 1, Math.floor(next() * 256));
      else expect(fdc.read(Math.floor(next() * 4), 1)).toBeLessThanOrEqual(0xff);
      fake.advanceNs(next() * 1_000_000);
    }
  });
});

describe('SectorDisk', () => {
  it('knows formats by their size', () => {
    expect(geometryOfSize(655_360, ADFS_GEOMETRIES)?.title).toBe('ADFS L');
    expect(geometryOfSize(1_474_560, PC_GEOMETRIES)?.title).toBe('PC 1.44 MiB');
    expect(geometryOfSize(1000, PC_GEOMETRIES)).toBeUndefined();
  });

  it('reads and writes sectors smaller than a block of the image', () => {
    const { data, blocks } = image(655_360, 256);
    const disk = new SectorDisk(blocks, geometryOfSize(655_360, ADFS_GEOMETRIES)!);
    const id = disk.track(1, 1)[3]!;
    expect(disk.read(id)).toEqual(new Uint8Array(256).fill(16 * 3 + 3));
    disk.write(id, new Uint8Array(256).fill(0xaa));
    expect([data[51 * 256 - 1], data[51 * 256], data[52 * 256 - 1], data[52 * 256]]).toEqual([50, 0xaa, 0xaa, 52]);
    expect(disk.track(80, 0)).toEqual([]);
  });

  it('refuses an image that is too short', () => {
    const { blocks } = image(163_840, 256);
    expect(() => new SectorDisk(blocks, ADFS_GEOMETRIES[2]!)).toThrow(/163840 bytes are too few/);
  });
});

describe('MFM tracks', () => {
  it('have sectors that can be found again', () => {
    const { blocks } = image(655_360, 256);
    const disk = new SectorDisk(blocks, ADFS_GEOMETRIES[2]!);
    const track = trackBytes(disk.track(0, 0), (id) => disk.read(id));
    expect(track).toHaveLength(6250);
    const asWritten = track.map((byte) => (byte === 0xa1 ? 0xf5 : byte));
    for (let at = 0; at < asWritten.length - 5; at++) if (asWritten[at] === 0xfe) asWritten[at + 5] = 0xf7;
    const sectors = formattedSectors(asWritten);
    expect(sectors.map(({ id }) => id.sector)).toEqual([...Array(16).keys()]);
    expect(sectors[5]!.data).toEqual(new Uint8Array(256).fill(5));
  });
});
