// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import {
  banksFor,
  memoryRegions,
  RAM_FIRST,
  SIMM_30_PIN,
  SIMM_COLOR,
  SIMM_TURBO,
} from '../../../machines/next/next-memory.ts';
import { FakeBoard } from '../../support/fake-board.ts';

const MIB = 1 << 20;

describe('banksFor', () => {
  it.each([
    [1, SIMM_30_PIN, [1, 0, 0, 0]],
    [8, SIMM_30_PIN, [4, 4, 0, 0]],
    [13, SIMM_30_PIN, [4, 4, 4, 1]],
    [32, SIMM_30_PIN, [16, 16, 0, 0]],
    [64, SIMM_30_PIN, [16, 16, 16, 16]],
    [12, SIMM_COLOR, [8, 2, 2, 0]],
    [32, SIMM_COLOR, [8, 8, 8, 8]],
    [128, SIMM_TURBO, [32, 32, 32, 32]],
  ])('makes %i MiB of the largest modules', (mib, layout, banks) => {
    expect(banksFor('next', mib * MIB, layout).map((bytes) => bytes / MIB)).toEqual(banks);
  });

  it('says what is possible where four banks are not enough, or no module is small enough', () => {
    const list = /next has four memory banks, of 16M, 4M, 1M or nothing each; (14|65|15)M cannot be made of them/;
    for (const mib of [14, 15, 65]) expect(() => banksFor('next', mib * MIB, SIMM_30_PIN)).toThrow(list);
    expect(() => banksFor('next', MIB, SIMM_TURBO)).toThrow(/32M, 8M, 2M/);
  });
});

describe('memoryRegions', () => {
  it('repeats small modules in their bank, and leaves the address on the bus of an empty one', () => {
    const fake = new FakeBoard(1_000_000, 64 * MIB);
    const ram = fake.board.memory.allocate('ram', 5 * MIB);
    const map = fake.map();
    map.add(...memoryRegions(ram, banksFor('next', 5 * MIB, SIMM_30_PIN), SIMM_30_PIN));
    map.write(RAM_FIRST + 0x10, 4, 0x1234_5678);
    map.write(RAM_FIRST + 16 * MIB + 0x10, 4, 0x8765_4321);
    expect([0, 4, 8, 12].map((mib) => map.read(RAM_FIRST + mib * MIB + 0x10, 4))).toEqual(Array(4).fill(0x1234_5678));
    expect([16, 17, 31].map((mib) => map.read(RAM_FIRST + mib * MIB + 0x10, 4))).toEqual(Array(3).fill(0x8765_4321));
    const empty = RAM_FIRST + 32 * MIB + 0x10;
    map.write(empty, 4, 0);
    expect([map.read(empty, 4), map.read(empty, 2), map.read(empty + 3, 1)]).toEqual([empty, empty & 0xffff, 0x13]);
    expect(map.takeBusError()).toBe(false);
  });
});
