// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { readTarget, writeTarget } from '../../../../machines/backplane/bus.ts';
import { NextNbic } from '../../../../machines/devices/next/next-nbic.ts';
import { fuzzTargets } from '../../../support/bus-fuzz.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

function make() {
  const fake = new FakeBoard();
  const errors = { count: 0 };
  const nbic = new NextNbic(fake.chip('nbic'), () => void errors.count++);
  nbic.reset('cold');
  nbic.settle();
  return { fake, nbic, errors };
}

describe('NextNbic', () => {
  it('holds its control register', () => {
    const { nbic, errors } = make();
    writeTarget(nbic.registers, 0, 4, 0x1234_5678);
    expect(readTarget(nbic.registers, 0, 4)).toBe(0x1234_5678);
    expect(readTarget(nbic.registers, 1, 1)).toBe(0x34);
    expect(errors.count).toBe(0);
  });

  it('shows the identity it was given in slot space, a byte in each word', () => {
    const { nbic, errors } = make();
    writeTarget(nbic.registers, 4, 4, 0xc000_0102);
    expect([0x08, 0x0c, 0x10, 0x14].map((offset) => readTarget(nbic.slotSpace, offset, 4))).toEqual([
      0xc000_0000, 0x0000_0000, 0x0100_0000, 0x0200_0000,
    ]);
    expect(errors.count).toBe(0);
  });

  it('has an identity that can only be written', () => {
    const { nbic, errors } = make();
    expect(readTarget(nbic.registers, 4, 1)).toBe(0);
    expect(errors.count).toBe(1);
    expect(nbic.registers.peek!(4)).toBe(0);
    expect(errors.count).toBe(1);
  });

  it('keeps a mask, has no interrupt, and answers other writes with bus errors', () => {
    const { nbic, errors } = make();
    writeTarget(nbic.slotSpace, 4, 1, 0x80);
    expect([readTarget(nbic.slotSpace, 4, 1), readTarget(nbic.slotSpace, 0, 1)]).toEqual([0x80, 0]);
    expect(errors.count).toBe(0);
    writeTarget(nbic.slotSpace, 0, 1, 0x80);
    writeTarget(nbic.slotSpace, 8, 1, 0x80);
    expect(errors.count).toBe(2);
    expect(nbic.irq.level).toBe(false);
  });

  it('forgets everything in a reset', () => {
    const { nbic } = make();
    writeTarget(nbic.registers, 0, 4, 0xffff_ffff);
    writeTarget(nbic.registers, 4, 4, 0xffff_ffff);
    writeTarget(nbic.slotSpace, 4, 1, 0xff);
    nbic.reset('warm');
    expect(readTarget(nbic.registers, 0, 4)).toBe(0);
    expect(readTarget(nbic.slotSpace, 4, 4)).toBe(0);
    expect(readTarget(nbic.slotSpace, 8, 4)).toBe(0);
  });

  it('obeys the snapshot law', () => {
    const { nbic } = make();
    writeTarget(nbic.registers, 0, 4, 0x0102_0304);
    writeTarget(nbic.registers, 4, 4, 0x0506_0708);
    writeTarget(nbic.slotSpace, 4, 1, 0x80);
    expectSnapshotLaw(nbic, () => make().nbic);
  });

  it('survives random accesses', () => {
    const { fake, nbic } = make();
    fuzzTargets(fake, [nbic.registers, nbic.slotSpace], { seed: 22 });
  });
});
