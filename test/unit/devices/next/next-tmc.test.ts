// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { readTarget, writeTarget } from '../../../../machines/backplane/bus.ts';
import { NextTmc } from '../../../../machines/devices/next/next-tmc.ts';
import { fuzzTargets } from '../../../support/bus-fuzz.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const SCR1 = 0x00;
const CONTROL = 0x10;
const VIDEO = 0x80;
const HORIZONTAL = 0x88;
const VERTICAL = 0x8c;

const VIDEO_MASK = 0x0200_0000;
const VIDEO_PENDING = 0x0100_0000;

const ADB_INTERRUPTS = 0x00;
const ADB_MASK = 0x08;
const ADB_SET = 0x10;
const ADB_CONTROL = 0x20;
const ADB_STATUS = 0x28;
const ADB_COMMAND = 0x30;

function make() {
  const fake = new FakeBoard();
  const errors = { count: 0 };
  const tmc = new NextTmc(fake.chip('tmc'), { scr1: 0x0fff_4fdf, busError: () => void errors.count++ });
  tmc.reset('cold');
  tmc.settle();
  return {
    fake,
    tmc,
    errors,
    read: (offset: number): number => readTarget(tmc.registers, offset, 4),
    write: (offset: number, value: number): void => writeTarget(tmc.registers, offset, 4, value),
    adb: (offset: number): number => readTarget(tmc.adb, offset, 4),
    setAdb: (offset: number, value: number): void => writeTarget(tmc.adb, offset, 4, value),
  };
}

describe('NextTmc', () => {
  it('has its values after reset', () => {
    const { read } = make();
    expect([SCR1, CONTROL, VIDEO].map(read)).toEqual([0x0fff_4fdf, 0x0d17_038f, 0]);
    // 1120 pixels in fours and 832 lines are displayed.
    expect([(read(HORIZONTAL) & 0xfff) * 4, read(VERTICAL) & 0xfff]).toEqual([1120, 832]);
  });

  it('holds control and timing; there is no parity memory', () => {
    const { read, write } = make();
    write(CONTROL, 0xffff_ffff);
    write(HORIZONTAL, 0x1234_5678);
    write(VERTICAL, 0x8765_4321);
    expect([CONTROL, HORIZONTAL, VERTICAL].map(read)).toEqual([0xffff_fbff, 0x1234_5678, 0x8765_4321]);
  });

  it('interrupts at the retrace until that is cleared, while not masked', () => {
    const { tmc, read, write } = make();
    tmc.frame();
    expect([tmc.videoIrq.level, read(VIDEO)]).toEqual([false, 0]);
    write(VIDEO, VIDEO_MASK);
    tmc.frame();
    expect([tmc.videoIrq.level, read(VIDEO)]).toEqual([true, (VIDEO_MASK | VIDEO_PENDING) >>> 0]);
    write(VIDEO, VIDEO_MASK);
    expect(tmc.videoIrq.level).toBe(true);
    write(VIDEO, VIDEO_MASK | VIDEO_PENDING);
    expect([tmc.videoIrq.level, read(VIDEO)]).toEqual([false, VIDEO_MASK]);
    tmc.frame();
    expect(tmc.videoIrq.level).toBe(true);
  });

  describe('Apple Desktop Bus', () => {
    it('ends every command with a time-out and an interrupt', () => {
      const { tmc, adb, setAdb } = make();
      setAdb(ADB_MASK, 0x04);
      setAdb(ADB_COMMAND, 0x3c);
      setAdb(ADB_CONTROL, 0x04);
      expect([adb(ADB_INTERRUPTS), adb(ADB_STATUS), adb(ADB_COMMAND)]).toEqual([0x04, 0x04, 0x3c]);
      expect(tmc.adbIrq.level).toBe(true);
      setAdb(ADB_INTERRUPTS, 0x04);
      expect([adb(ADB_INTERRUPTS), tmc.adbIrq.level]).toEqual([0, false]);
    });

    it('starts and stops polling, and does not start twice', () => {
      const { adb, setAdb } = make();
      setAdb(ADB_CONTROL, 0x01);
      expect([adb(ADB_STATUS), adb(ADB_INTERRUPTS)]).toEqual([0x40, 0]);
      setAdb(ADB_CONTROL, 0x01);
      expect(adb(ADB_INTERRUPTS)).toBe(0x01);
      setAdb(ADB_CONTROL, 0x02);
      expect(adb(ADB_STATUS)).toBe(0);
      setAdb(ADB_CONTROL, 0x01);
      setAdb(ADB_CONTROL, 0x08);
      expect([adb(ADB_STATUS), adb(ADB_INTERRUPTS)]).toEqual([0, 0x09]);
    });

    it('lets software set interrupts', () => {
      const { tmc, adb, setAdb } = make();
      setAdb(ADB_SET, 0x1_0010);
      expect([adb(ADB_INTERRUPTS), tmc.adbIrq.level]).toEqual([0x10, false]);
      setAdb(ADB_MASK, 0x10);
      expect(tmc.adbIrq.level).toBe(true);
    });

    it('answers with a bus error where there is no register', () => {
      const { tmc, errors, adb, setAdb } = make();
      adb(0x40);
      setAdb(0x44, 1);
      adb(ADB_SET);
      expect(errors.count).toBe(3);
      expect(tmc.adb.peek!(0x40)).toBeUndefined();
      expect(errors.count).toBe(3);
    });
  });

  it('goes back to its values in a reset', () => {
    const { tmc, read, write, adb, setAdb } = make();
    write(VIDEO, VIDEO_MASK);
    tmc.frame();
    write(HORIZONTAL, 0);
    setAdb(ADB_MASK, 0xff);
    setAdb(ADB_SET, 0xff);
    tmc.reset('warm');
    tmc.settle();
    expect([tmc.videoIrq.level, tmc.adbIrq.level, read(VIDEO), adb(ADB_MASK)]).toEqual([false, false, 0, 0]);
    expect(read(HORIZONTAL) & 0xfff).toBe(280);
  });

  it('obeys the snapshot law', () => {
    const { tmc, write, setAdb } = make();
    write(CONTROL, 0x1111_1111);
    write(VIDEO, VIDEO_MASK);
    tmc.frame();
    setAdb(ADB_MASK, 4);
    setAdb(ADB_CONTROL, 5);
    setAdb(0x80, 0xdead_beef);
    expectSnapshotLaw(tmc, () => make().tmc);
    const other = make().tmc;
    other.restore(tmc.save());
    other.settle();
    expect([other.videoIrq.level, other.adbIrq.level]).toEqual([true, true]);
  });

  it('survives random accesses', () => {
    const { fake, tmc } = make();
    fuzzTargets(fake, [tmc.registers, tmc.adb], { seed: 23, between: (below) => void (below(3) || tmc.frame()) });
  });
});
