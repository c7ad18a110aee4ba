// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { BYTE_REGISTERS, type BusTarget } from '../../../../machines/backplane/bus.ts';
import { C82c711 } from '../../../../machines/devices/superio/c82c711.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

/** Tells who was accessed where; reads give `value` plus the register. */
function cell(name: string, value: number, seen: string[]): BusTarget {
  return {
    span: 8,
    access: BYTE_REGISTERS,
    read: (register) => value + register,
    peek: (register) => value + register,
    write: (register, _width, byte) => seen.push(`${name}${register}=${byte.toString(16)}`),
  };
}

function make() {
  const fake = new FakeBoard();
  const seen: string[] = [];
  const cells = {
    fdc: cell('fdc', 0x80, seen),
    serial: [cell('com1-', 0x10, seen), cell('com2-', 0x20, seen)] as const,
    ide: {
      readRegister: (register: number) => 0x30 + register,
      writeRegister: (register: number, byte: number) => seen.push(`ide${register}=${byte.toString(16)}`),
      readAlternateStatus: () => 0x50,
      writeDeviceControl: (byte: number) => seen.push(`ide control=${byte.toString(16)}`),
      readDriveAddress: () => 0x7e,
      readData: () => 0xbeef,
      writeData: (word: number) => seen.push(`ide data=${word.toString(16)}`),
    },
  };
  const fresh = () => new C82c711(fake.chip('superio'), cells);
  const chip = fresh();
  chip.reset('cold');
  chip.settle();
  const configure = (...pairs: readonly (readonly [number, number])[]): void => {
    chip.write(0x3f0, 1, 0x55);
    chip.write(0x3f0, 1, 0x55);
    for (const [index, value] of pairs) {
      chip.write(0x3f0, 1, index);
      chip.write(0x3f1, 1, value);
    }
    chip.write(0x3f0, 1, 0xaa);
  };
  return { fake, chip, seen, configure, fresh };
}

describe('82C711', () => {
  it('has its cells at the usual ports after a reset', () => {
    const { chip, seen } = make();
    expect([chip.read(0x3fd, 1), chip.read(0x2fd, 1), chip.read(0x3f4, 1), chip.read(0x1f7, 1)]).toEqual([
      0x15, 0x25, 0x84, 0x37,
    ]);
    chip.write(0x3f8, 1, 1);
    chip.write(0x2f9, 1, 2);
    chip.write(0x3f2, 1, 0x1c);
    chip.write(0x1f6, 1, 0xa0);
    chip.write(0x3f6, 1, 4);
    expect(seen).toEqual(['com1-0=1', 'com2-1=2', 'fdc2=1c', 'ide6=a0', 'ide control=4']);
    expect([chip.read(0x3f6, 1), chip.read(0x100, 1)]).toEqual([0x50, 0xff]);
  });

  it('moves data to and from the disk by words', () => {
    const { chip, seen } = make();
    expect([chip.read(0x1f0, 2), chip.read(0x1f0, 1)]).toEqual([0xbeef, 0xef]);
    chip.write(0x1f0, 2, 0x1234);
    expect(seen).toEqual(['ide data=1234']);
  });

  it('shares port 0x3f7 between floppy controller and disk', () => {
    const { chip } = make();
    expect(chip.read(0x3f7, 1)).toBe(0x80 | 0x7e);
  });

  it('is configured between 0x55 0x55 and 0xaa only', () => {
    const { chip, seen, configure } = make();
    chip.write(0x3f0, 1, 0x55);
    chip.write(0x3f2, 1, 0x0c); // no second key: out of step
    chip.write(0x3f0, 1, 0x55);
    chip.write(0x3f0, 1, 2);
    expect(seen).toEqual(['fdc2=c', 'fdc0=2']);
    chip.write(0x3f0, 1, 0x55);
    chip.write(0x3f0, 1, 0x55);
    chip.write(0x3f0, 1, 1);
    expect(chip.read(0x3f1, 1)).toBe(0x9f);
    chip.write(0x3f0, 1, 0xaa);
    expect(chip.read(0x3f1, 1)).toBe(0x81);
    configure([2, 0x1c]); // the second port off
    expect([chip.read(0x3fd, 1), chip.read(0x2fd, 1)]).toEqual([0x15, 0xff]);
    configure([2, 0x0d]); // the first one at COM2's place
    expect([chip.read(0x3fd, 1), chip.read(0x2fd, 1)]).toEqual([0xff, 0x15]);
    configure([2, 0x0e], [1, 0xbf]); // COM3 at 0x3e8
    expect(chip.read(0x3ed, 1)).toBe(0x15);
    configure([0, 0x20]);
    expect([chip.read(0x3f4, 1), chip.read(0x1f7, 1), chip.read(0x3f6, 1)]).toEqual([0xff, 0xff, 0xff]);
  });

  it('stays locked until a reset once CR1 says so', () => {
    const { chip, configure } = make();
    configure([1, 0x1f]);
    configure([2, 0x00]);
    expect(chip.read(0x3fd, 1)).toBe(0x15);
    chip.reset('cold');
    chip.settle();
    configure([2, 0x00]);
    expect(chip.read(0x3fd, 1)).toBe(0xff);
  });

  it('has a parallel port whose address CR1 chooses', () => {
    const { fake, chip, configure } = make();
    const data: number[] = [];
    chip.onData = (byte) => data.push(byte);
    const strobe = fake.watch(chip.strobe);
    configure([1, 0x9f]); // 0x278
    chip.write(0x278, 1, 0x41);
    chip.write(0x27a, 1, 0x1d);
    chip.write(0x27a, 1, 0x1c);
    expect([data, strobe]).toEqual([[0x41], [true, false]]);
    expect([chip.read(0x278, 1), chip.read(0x279, 1), chip.read(0x27a, 1)]).toEqual([0x41, 0xdf, 0xdc]);
    chip.busyW(true);
    chip.ackW(true);
    expect([chip.read(0x279, 1), chip.lptIrq.level]).toEqual([0x1f, true]);
    chip.ackW(false);
    expect(chip.lptIrq.level).toBe(false);
    configure([1, 0x9e]);
    expect([chip.read(0x278, 1), chip.read(0x378, 1)]).toEqual([0xff, 0x41]);
  });

  it('passes a serial interrupt while OUT2 is set', () => {
    const { chip } = make();
    chip.serialIntrW(0, true);
    expect(chip.serialIrq[0].level).toBe(false);
    chip.serialOut2W(0, true);
    expect([chip.serialIrq[0].level, chip.serialIrq[1].level]).toEqual([true, false]);
  });

  it('obeys the snapshot law', () => {
    const { chip, configure, fresh } = make();
    configure([1, 0x9f]);
    chip.write(0x278, 1, 0x41);
    chip.write(0x3f0, 1, 0x55);
    expectSnapshotLaw(chip, fresh);
  });

  it('survives random accesses', () => {
    const { chip } = make();
    const next = random(711);
    for (let i = 0; i < 40_000; i++) {
      const port = next() < 0.5 ? 0x3f0 + Math.floor(next() * 2) : Math.floor(next() * 0x400);
      const width = next() < 0.5 ? 1 : 2;
      if (next() < 0.6) chip.write(port, width, next() < 0.3 ? 0x55 : Math.floor(next() * 2 ** (8 * width)));
      else expect(chip.read(port, width)).toBeLessThanOrEqual(0xffff);
    }
  });
});
