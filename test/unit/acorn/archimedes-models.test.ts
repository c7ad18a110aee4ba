// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { openArchimedesMedia } from '../../../machines/acorn/archimedes-media.ts';
import { A310, A440, A5000, type ArchimedesModel } from '../../../machines/acorn/archimedes-model.ts';
import { largePageRows } from '../../../machines/acorn/small-memory.ts';
import { st506Drive } from '../../../machines/acorn/st506-geometry.ts';
import { Log } from '../../../machines/backplane/log.ts';
import type { AttachableDisk, MachineHost, Medium } from '../../../machines/backplane/machine.ts';
import { adfsDisc } from '../../support/adfs-disc.ts';
import { FakeBoard } from '../../support/fake-board.ts';

const MIB = 1 << 20;
const SHAPE = { sectorBytes: 256, sectorsPerTrack: 17, heads: 3, name: 'Test' } as const;

function image(bytes: Uint8Array | number): AttachableDisk & { closed: boolean } {
  const content = typeof bytes === 'number' ? new Uint8Array(bytes) : bytes;
  return {
    blockBytes: 512,
    blockCount: content.length / 512,
    readonly: false,
    title: 'image',
    closed: false,
    read: (first, into) => into.set(content.subarray(first * 512, first * 512 + into.length)),
    write: () => {},
    flush: () => {},
    close(): void {
      this.closed = true;
    },
  };
}

describe('ST506 geometry', () => {
  it('is what the ADFS boot block says', () => {
    expect(st506Drive(image(adfsDisc(SHAPE)))).toMatchObject({ heads: 3, sectors: 17 });
  });

  it.each([
    ['a damaged boot block', (disc: Uint8Array) => disc.set([1], 0xc10)],
    ['sectors of 512 bytes', (disc: Uint8Array) => disc.set(adfsDisc({ ...SHAPE, sectorBytes: 512 }))],
  ])('does not believe %s', (_, change) => {
    const disc = adfsDisc(SHAPE);
    change(disc);
    expect(st506Drive(image(disc))).toMatchObject({ heads: 1, sectors: 32 });
  });

  it('has as many heads as 1024 cylinders need without one', () => {
    expect(st506Drive(image(20 * MIB)).heads).toBe(4);
    expect(st506Drive(image(512)).heads).toBe(1);
  });
});

describe('media', () => {
  const open = (model: ArchimedesModel, media: readonly Medium[], bytes: number) => {
    const images: ReturnType<typeof image>[] = [];
    const disk = (): AttachableDisk => {
      const one = image(bytes);
      images.push(one);
      return one;
    };
    const host = { disk, log: new Log() } as unknown as MachineHost;
    return { images, result: () => openArchimedesMedia(model, host, media) };
  };
  const floppy: Medium = { kind: 'floppy', spec: 'a' };
  const hardDisk: Medium = { kind: 'disk', spec: 'b' };

  it('are two floppies and two hard disks', () => {
    const { result } = open(A440, [floppy, hardDisk, floppy, hardDisk], 819_200);
    const { floppies, hardDisks } = result();
    expect([floppies.length, hardDisks.length, floppies[0]?.geometry.title]).toEqual([2, 2, 'ADFS D/E']);
  });

  it.each([
    ['a third floppy', A310, [floppy, floppy, floppy], 819_200, /has 2 floppy drives/],
    ['a hard disk of a model that has none', A310, [hardDisk], 819_200, /archimedes-a440 and archimedes-a5000/],
    ['a CD-ROM', A5000, [{ kind: 'cdrom', spec: 'c' }], 819_200, /floppy drives only/],
    ['a SCSI disk', A5000, [{ ...hardDisk, bus: 'scsi' }], 819_200, /its disks are at IDE/],
    ['an IDE disk of the 440', A440, [{ ...hardDisk, bus: 'ide' }], 819_200, /an ST506 controller/],
    ['a floppy of no format', A310, [floppy], 51_200, /51200 bytes are no floppy disk/],
  ] as const)('refuses %s, and closes what was opened', (_, model, media, bytes, message) => {
    const { images, result } = open(model, media, bytes);
    expect(result).toThrow(message);
    expect(images.every(({ closed }) => closed)).toBe(true);
  });
});

describe('memory under pages of 32 KiB', () => {
  function make(mib: number) {
    const { board } = new FakeBoard(1_000_000_000, 16 * MIB);
    const first = board.memory.allocate('first', MIB / 2);
    const rest = board.memory.allocate('rest', mib * MIB - MIB / 2);
    const map = board.map('bus');
    map.add(...largePageRows(mib * MIB, [first, rest], 'large'));
    map.setView('large', true);
    const differ = (bit: number): boolean => {
      map.write(0x0200_0000, 4, 0x1111_1111);
      map.write(0x0200_0000 + bit, 4, 0x2222_2222);
      return map.read(0x0200_0000, 4) === 0x1111_1111;
    };
    return { map, differ };
  }

  it.each([
    [1, { 0x1000: true, 0x2000: false, 0x4_0000: true, 0x8_0000: true, 0x10_0000: false, 0x20_0000: true }],
    [2, { 0x1000: true, 0x2000: false, 0x4_0000: true, 0x8_0000: true, 0x10_0000: true, 0x20_0000: true }],
  ])('of %s MiB: the address lines that reach it', (mib, expected) => {
    const { differ } = make(mib);
    const found = Object.keys(expected).map((bit) => [bit, differ(Number(bit))]);
    expect(Object.fromEntries(found)).toEqual(expected);
  });

  it.each([1, 2])('of %s MiB is all there', (mib) => {
    const { map } = make(mib);
    const places = new Set<number>();
    for (let pa = 0x0200_0000; pa < 0x0240_0000; pa += 0x2000) map.write(pa, 4, pa);
    for (let pa = 0x0200_0000; pa < 0x0240_0000; pa += 0x2000) places.add(map.read(pa, 4));
    expect(places.size).toBe((mib * MIB) / 0x2000);
  });
});
