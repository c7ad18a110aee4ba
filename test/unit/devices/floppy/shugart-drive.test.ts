// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { BlockDevice } from '../../../../machines/backplane/host.ts';
import { ADFS_GEOMETRIES, SectorDisk } from '../../../../machines/devices/floppy/sector-disk.ts';
import { ShugartDrive } from '../../../../machines/devices/floppy/shugart-drive.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const MS = 1_000_000;
const blank: BlockDevice = {
  blockBytes: 512,
  blockCount: 1600,
  readonly: false,
  title: 'blank',
  read: () => {},
  write: () => {},
  flush: () => {},
};

function make(loaded = true) {
  const fake = new FakeBoard();
  const medium = loaded ? new SectorDisk(blank, ADFS_GEOMETRIES[3]!) : undefined;
  const drive = new ShugartDrive(fake.chip('floppy'), medium);
  drive.reset('cold');
  drive.settle();
  return { fake, drive };
}

describe('ShugartDrive', () => {
  it('steps between track 0 and its stop, and clears the disk change', () => {
    const { drive } = make();
    expect([drive.track0, drive.diskChange.level]).toEqual([true, true]);
    drive.step(false);
    expect([drive.cylinder, drive.diskChange.level]).toEqual([0, false]);
    for (let i = 0; i < 100; i++) drive.step(true);
    expect(drive.cylinder).toBe(82);
  });

  it('shows the index hole five times a second while its motor is on', () => {
    const { fake, drive } = make();
    const pulses = fake.watch(drive.indexPulse);
    fake.advanceNs(1000 * MS);
    expect(pulses).toEqual([]);
    drive.motor(true);
    expect(drive.indexPulse.level).toBe(true);
    fake.advanceNs(5 * MS);
    expect(drive.indexPulse.level).toBe(false);
    fake.advanceNs(990 * MS);
    expect(pulses.filter((level) => level)).toHaveLength(5);
    drive.motor(false);
    fake.advanceNs(1000 * MS);
    expect(pulses.filter((level) => level)).toHaveLength(5);
  });

  it('has no index pulses without a disk, and none after it was thrown out', () => {
    const empty = make(false);
    const none = empty.fake.watch(empty.drive.indexPulse);
    empty.drive.motor(true);
    empty.fake.advanceNs(1000 * MS);
    expect(none).toEqual([]);
    const { fake, drive } = make();
    const pulses = fake.watch(drive.indexPulse);
    drive.motor(true);
    fake.advanceNs(100 * MS);
    drive.eject();
    fake.advanceNs(1000 * MS);
    expect(pulses).toEqual([true, false]);
    expect(drive.ready).toBe(false);
  });

  it('obeys the snapshot law, and goes on turning', () => {
    const { fake, drive } = make();
    const pulses = fake.watch(drive.indexPulse);
    drive.motor(true);
    fake.advanceNs(150 * MS);
    expectSnapshotLaw(drive);
    pulses.length = 0;
    fake.advanceNs(60 * MS);
    expect(pulses).toEqual([true, false]);
  });
});
