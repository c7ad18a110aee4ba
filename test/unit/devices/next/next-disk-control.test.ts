// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { readTarget, writeTarget } from '../../../../machines/backplane/bus.ts';
import type { DmaPeer } from '../../../../machines/backplane/dma.ts';
import { NextDiskControl } from '../../../../machines/devices/next/next-disk-control.ts';
import { fuzzTargets } from '../../../support/bus-fuzz.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const INT_ENABLE = 0x20;
const DMA = 0x10;
const FLUSH = 0x04;
const RESET = 0x02;

const peer = (byte: number): DmaPeer & { taken: number } => ({
  taken: 0,
  dmaIn: (into) => into.fill(byte).length,
  dmaOut(bytes) {
    this.taken += bytes.length;
    return bytes.length;
  },
});

function make({ flushesAll = false, bitRate = 500_000, drive = true } = {}) {
  const fake = new FakeBoard();
  const disks = new NextDiskControl(fake.chip('disks'));
  const scsi = peer(0x5c);
  const floppy = peer(0xf1);
  const seen = { resets: 0, clocks: [] as number[], requests: 0, flushes: 0, ejected: 0, left: 0 };
  disks.channel = {
    request: () => void seen.requests++,
    flush: () => {
      seen.flushes++;
      return --seen.left > 0;
    },
  };
  const shugart = {
    ready: bitRate > 0,
    medium: bitRate > 0 ? { geometry: { bitRate } } : undefined,
    eject: (): void => void seen.ejected++,
  };
  disks.parts = {
    scsi,
    floppy,
    flushesAll,
    resetScsi: () => void seen.resets++,
    scsiClock: (hz) => void seen.clocks.push(hz),
    floppyDrive: () => (drive ? shugart : undefined),
  };
  disks.reset('cold');
  disks.settle();
  return {
    fake,
    disks,
    seen,
    scsi,
    floppy,
    control: (value: number): void => writeTarget(disks.scsi, 0, 1, value),
    status: (): number => readTarget(disks.scsi, 1, 1),
    select: (value: number): void => writeTarget(disks.floppy, 0, 1, value),
    sense: (): number => readTarget(disks.floppy, 0, 1),
  };
}

describe('NextDiskControl', () => {
  it('lets the SCSI interrupt through while it is enabled', () => {
    const { disks, control } = make();
    disks.espIrqW(true);
    expect(disks.scsiIrq.level).toBe(false);
    control(INT_ENABLE);
    expect(disks.scsiIrq.level).toBe(true);
    disks.espIrqW(false);
    expect(disks.scsiIrq.level).toBe(false);
  });

  it('gives the SCSI chip its clock', () => {
    const { seen, control } = make();
    for (const value of [0x40, 0x80, 0xc0, 0x00]) control(value);
    expect(seen.clocks).toEqual([10_000_000, 12_500_000, 20_000_000, 16_666_667, 10_000_000]);
  });

  it('resets the SCSI chip when the bit is set, once', () => {
    const { seen, control } = make();
    control(RESET);
    control(RESET | INT_ENABLE);
    expect(seen.resets).toBe(1);
    control(0);
    control(RESET);
    expect(seen.resets).toBe(2);
  });

  it('moves SCSI bytes only in DMA mode, and asks the channel when that begins', () => {
    const { disks, seen, scsi, control } = make();
    const into = new Uint8Array(8);
    expect([disks.dmaIn(into), disks.dmaOut(into)]).toEqual([0, 0]);
    control(DMA);
    expect(seen.requests).toBe(1);
    expect([disks.dmaIn(into), into[0], disks.dmaOut(into), scsi.taken]).toEqual([8, 0x5c, 8, 8]);
  });

  it('tells which bank of sixteen bytes is in use', () => {
    const { disks, control, status } = make();
    control(DMA);
    disks.dmaOut(new Uint8Array(12));
    expect(status()).toBe(0x80);
    disks.dmaOut(new Uint8Array(12));
    expect(status()).toBe(0x40);
    disks.dmaOut(new Uint8Array(12));
    expect(status()).toBe(0x80);
    writeTarget(disks.scsi, 1, 1, 0);
    expect(status()).toBe(0);
  });

  it('flushes four bytes for each rising edge, or everything on a Turbo machine', () => {
    const { seen, control } = make();
    seen.left = 10;
    control(DMA | FLUSH);
    control(DMA | FLUSH | INT_ENABLE);
    expect(seen.flushes).toBe(1);
    control(DMA);
    control(DMA | FLUSH);
    expect(seen.flushes).toBe(2);
    const turbo = make({ flushesAll: true });
    turbo.seen.left = 3;
    turbo.control(DMA | FLUSH);
    expect(turbo.seen.flushes).toBe(3);
    turbo.seen.left = 1000;
    turbo.control(0);
    turbo.control(FLUSH);
    expect(turbo.seen.flushes).toBe(3 + 4);
  });

  it('gives the channel to the floppy controller', () => {
    const { disks, seen, scsi, floppy, control, select } = make();
    control(DMA);
    seen.requests = 0;
    disks.floppyChannel.request();
    expect(seen.requests).toBe(0);
    select(0x40);
    disks.scsiChannel.request();
    expect(seen.requests).toBe(0);
    disks.floppyChannel.request();
    expect(seen.requests).toBe(1);
    disks.dmaOut(new Uint8Array(5));
    expect([scsi.taken, floppy.taken]).toEqual([0, 5]);
    select(0);
    disks.scsiChannel.request();
    expect(seen.requests).toBe(2);
    disks.selectFloppy(true);
    disks.dmaOut(new Uint8Array(1));
    expect(floppy.taken).toBe(6);
  });

  it.each([
    ['no drive', { drive: false }, 4],
    ['no disk', { bitRate: 0 }, 0],
    ['720K', { bitRate: 250_000 }, 3],
    ['1.44M', { bitRate: 500_000 }, 2],
    ['2.88M', { bitRate: 1_000_000 }, 1],
  ])('senses %s', (_, options, expected) => {
    expect(make(options).sense()).toBe(expected);
  });

  it('throws the disk out', () => {
    const { seen, select } = make();
    select(0x80);
    expect(seen.ejected).toBe(1);
    const none = make({ drive: false });
    none.select(0x80);
    expect(none.seen.ejected).toBe(0);
  });

  it('obeys the snapshot law', () => {
    const { disks, control, select } = make();
    control(0xc0 | DMA | INT_ENABLE);
    disks.dmaOut(new Uint8Array(20));
    select(0x40);
    expectSnapshotLaw(disks, () => make().disks);
    const other = make();
    other.disks.restore(disks.save());
    other.disks.settle();
    expect(other.seen.clocks.at(-1)).toBe(16_666_667);
    other.disks.espIrqW(true);
    expect(other.disks.scsiIrq.level).toBe(true);
  });

  it('survives random accesses', () => {
    const { fake, disks, seen } = make();
    fuzzTargets(fake, [disks.scsi, disks.floppy], {
      seed: 21,
      between: (below) => {
        seen.left = below(100);
        disks.espIrqW(below(2) === 0);
        disks.dmaIn(new Uint8Array(below(40)));
      },
    });
  });
});
