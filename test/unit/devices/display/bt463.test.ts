// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { readTarget, writeTarget } from '../../../../machines/backplane/bus.ts';
import { Bt463 } from '../../../../machines/devices/display/bt463.ts';
import { fuzzTargets } from '../../../support/bus-fuzz.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const ADDRESS_LOW = 0;
const ADDRESS_HIGH = 1;
const CONTROL = 2;
const PALETTE = 3;

function make() {
  const fake = new FakeBoard();
  const dac = new Bt463(fake.chip('ramdac'));
  dac.reset('cold');
  dac.settle();
  const write = (offset: number, ...bytes: number[]): void => {
    for (const byte of bytes) writeTarget(dac, offset, 1, byte);
  };
  return {
    fake,
    dac,
    write,
    read: (offset: number, count = 1): number[] => Array.from({ length: count }, () => readTarget(dac, offset, 1)),
    at: (address: number): void => {
      write(ADDRESS_LOW, address & 0xff);
      write(ADDRESS_HIGH, address >>> 8);
    },
  };
}

describe('Bt463', () => {
  it('has an address of twelve bits', () => {
    const { read, write } = make();
    write(ADDRESS_LOW, 0x5a);
    write(ADDRESS_HIGH, 0xff);
    expect([read(ADDRESS_LOW), read(ADDRESS_HIGH)]).toEqual([[0x5a], [0x0f]]);
  });

  it('holds 528 colours of three bytes; the address counts up after the third', () => {
    const { at, read, write } = make();
    at(0x0ff);
    write(PALETTE, 1, 2, 3, 4, 5, 6);
    expect([read(ADDRESS_LOW), read(ADDRESS_HIGH)]).toEqual([[0x01], [0x01]]);
    at(0x0ff);
    expect(read(PALETTE, 6)).toEqual([1, 2, 3, 4, 5, 6]);
    at(0x20f);
    write(PALETTE, 7, 8, 9, 10, 11, 12);
    at(0x20f);
    expect(read(PALETTE, 6)).toEqual([7, 8, 9, 0, 0, 0]);
  });

  it('begins with the first byte again when the address is written', () => {
    const { at, read, write } = make();
    at(5);
    write(PALETTE, 0xaa, 0xbb);
    at(5);
    write(PALETTE, 0x11);
    at(5);
    expect(read(PALETTE, 3)).toEqual([0x11, 0xbb, 0]);
  });

  it('has two cursor colours and sixteen window types of three bytes', () => {
    const { at, read, write } = make();
    for (const [first, count] of [
      [0x100, 2],
      [0x300, 16],
    ] as const) {
      const bytes = Array.from({ length: count * 3 }, (_, i) => (first >>> 4) + i);
      at(first);
      write(CONTROL, ...bytes, 0xee);
      at(first);
      expect(read(CONTROL, bytes.length + 1)).toEqual([...bytes, 0]);
    }
  });

  it('has control registers of one byte, each at its own address', () => {
    const { at, read, write } = make();
    at(0x201);
    write(CONTROL, 0x40, 0x08, 0xff);
    at(0x201);
    expect(read(CONTROL, 3)).toEqual([0x40, 0x08, 0xff]);
    expect(read(ADDRESS_LOW)).toEqual([0x04]);
  });

  it('says what it is, whatever is written there', () => {
    const { at, read, write } = make();
    at(0x200);
    write(CONTROL, 0);
    at(0x200);
    expect(read(CONTROL)).toEqual([0x2a]);
    at(0x220);
    write(CONTROL, 0);
    at(0x220);
    expect(read(CONTROL)).toEqual([0x0a]);
  });

  it('has signatures of three bytes', () => {
    const { at, read, write } = make();
    at(0x20e);
    write(CONTROL, 1, 2, 3, 4, 5, 6);
    at(0x20e);
    expect(read(CONTROL, 6)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('can be looked at without a change', () => {
    const { dac, at, write, read } = make();
    at(7);
    write(PALETTE, 0x77);
    at(7);
    expect([dac.peek(PALETTE), dac.peek(PALETTE)]).toEqual([0x77, 0x77]);
    expect(read(PALETTE)).toEqual([0x77]);
  });

  it('keeps its memory through a warm reset', () => {
    const { dac, at, write, read } = make();
    at(7);
    write(PALETTE, 1, 2, 3);
    dac.reset('warm');
    expect(read(ADDRESS_LOW)).toEqual([0]);
    at(7);
    expect(read(PALETTE, 3)).toEqual([1, 2, 3]);
    dac.reset('cold');
    at(7);
    expect(read(PALETTE, 3)).toEqual([0, 0, 0]);
  });

  it('obeys the snapshot law', () => {
    const { dac, at, write } = make();
    at(0x300);
    write(CONTROL, 1, 2, 3);
    at(0x10);
    write(PALETTE, 4, 5);
    expectSnapshotLaw(dac, () => make().dac);
  });

  it('survives random accesses', () => {
    const { fake, dac } = make();
    fuzzTargets(fake, [dac], { seed: 33 });
  });
});
