// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { ArcLatches } from '../../../../machines/devices/acorn/arc-latches.ts';
import { ShugartDrive } from '../../../../machines/devices/floppy/shugart-drive.ts';
import { Wd1772 } from '../../../../machines/devices/floppy/wd1772.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

function make() {
  const fake = new FakeBoard();
  const drives = [0, 1].map((n) => new ShugartDrive(fake.chip(`floppy:${n}`), undefined));
  const fdc = new Wd1772(fake.chip('fdc'));
  const latches = new ArcLatches(fake.chip('latches'), { fdc, drives });
  for (const device of [...drives, fdc, latches]) {
    device.reset('cold');
    device.settle();
  }
  return { fake, drives, fdc, latches };
}

describe('ArcLatches', () => {
  it('selects drive, side and density', () => {
    const { drives, fdc, latches } = make();
    expect(fdc.drive).toBeUndefined();
    latches.write(0x40, 1, 0xfd); // drive 1, side 0
    expect([fdc.drive === drives[1], fdc.side]).toEqual([true, 0]);
    latches.write(0x40, 1, 0xee); // drive 0, side 1
    expect([fdc.drive === drives[0], fdc.side]).toEqual([true, 1]);
    latches.write(0x18, 1, 0x08);
    expect(fdc.doubleDensity).toBe(true);
    latches.write(0x18, 1, 0x0a);
    expect(fdc.doubleDensity).toBe(false);
  });

  it('strobes the printer with its data', () => {
    const { fake, latches } = make();
    const printed: number[] = [];
    latches.onPrinterData = (byte) => printed.push(byte);
    const strobe = fake.watch(latches.printerStrobe);
    latches.write(0x10, 1, 0x41);
    latches.write(0x18, 1, 0x08);
    latches.write(0x18, 1, 0x18);
    latches.write(0x18, 1, 0x08);
    expect([printed, strobe]).toEqual([[0x41], [true, false]]);
  });

  it('shows that the selected drive’s disk was changed', () => {
    const { latches } = make();
    expect(latches.diskChanged.level).toBe(false);
    latches.write(0x40, 1, 0xfe);
    expect([latches.diskChanged.level, latches.ready.level]).toEqual([true, false]);
  });

  it('cannot be read', () => {
    const { fake, latches } = make();
    expect(latches.read(0x40, 1)).toBe(0xff);
    expect(fake.logged('guest')).toHaveLength(1);
  });

  it('obeys the snapshot law', () => {
    const { latches } = make();
    latches.write(0x10, 1, 0x41);
    latches.write(0x40, 1, 0xde);
    expectSnapshotLaw(latches);
  });

  it('survives random accesses', () => {
    const { fake, latches } = make();
    const next = random(5);
    for (let i = 0; i < 20_000; i++) {
      const offset = Math.floor(next() * 0x80);
      if (next() < 0.8) latches.write(offset, 4, Math.floor(next() * 2 ** 32));
      else latches.read(offset, 4);
      fake.advanceNs(next() * 100_000);
    }
  });
});
