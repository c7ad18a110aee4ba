// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { readTarget, writeTarget } from '../../../../machines/backplane/bus.ts';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { writeFunctions } from '../../../../machines/devices/next/next-write-functions.ts';
import { fuzzTargets } from '../../../support/bus-fuzz.ts';
import { FakeBoard } from '../../../support/fake-board.ts';

const BASE = 0x0b00_0000;
const BYTES = 0x4000;

function make(n: number, size = BYTES) {
  const fake = new FakeBoard();
  const { memory } = fake.board;
  const block = memory.allocate('video', BYTES);
  memory.track(block);
  const map = fake.map();
  map.add(region(BASE, BASE + BYTES - 1).ram(block));
  const window = writeFunctions({ map, memory, base: BASE, size, function: n });
  return { fake, memory, block, window };
}

describe('writeFunctions', () => {
  // By what is there, then by what is written: 0 is nothing, 3 is all.
  it.each([
    ['there x written', 0, ['0000', '0011', '0112', '0123']],
    ['there + written', 1, ['0123', '1233', '2333', '3333']],
    ['there x (1 - written)', 2, ['0000', '1100', '2110', '3210']],
    ['there + written - there x written', 3, ['0123', '1223', '2233', '3333']],
  ])('%s', (_, n, expected) => {
    const { block, window } = make(n);
    const found = [0, 1, 2, 3].map((there) =>
      [0, 1, 2, 3]
        .map((written) => {
          block.bytes[0] = there * 0x55;
          writeTarget(window, 0, 1, written * 0x55);
          expect(block.bytes[0] % 0x55).toBe(0);
          return block.bytes[0] / 0x55;
        })
        .join(''),
    );
    expect(found).toEqual(expected);
  });

  it('treats the pixels of a word apart, in their order', () => {
    const { block, window } = make(1);
    block.bytes.set([0b00_01_10_11, 0, 0xff, 0b01_01_01_01]);
    writeTarget(window, 0, 4, 0b01_01_01_01_11_10_01_00_00_00_00_00_01_10_00_11);
    expect([...block.bytes.subarray(0, 4)]).toEqual([0b01_10_11_11, 0b11_10_01_00, 0xff, 0b10_11_01_11]);
  });

  it('reads as ones for function 0 and zeros for the others', () => {
    for (const n of [0, 1, 2, 3]) {
      const { window } = make(n);
      expect(readTarget(window, 8, 4)).toBe(n === 0 ? 0xffff_ffff : 0);
      expect(readTarget(window, 8, 1)).toBe(n === 0 ? 0xff : 0);
    }
  });

  it('tells that the picture changed', () => {
    const { memory, block, window } = make(1);
    memory.drainDirty(block);
    writeTarget(window, 0x1800, 2, 0xffff);
    expect([...memory.drainDirty(block)].length).toBeGreaterThan(0);
    expect([block.bytes[0x1800], block.bytes[0x1801], block.bytes[0x1802]]).toEqual([0xff, 0xff, 0]);
  });

  it('does nothing where there is no memory', () => {
    const { window, block } = make(1, BYTES * 2);
    writeTarget(window, BYTES + 4, 4, 0xffff_ffff);
    expect(block.bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('survives random accesses', () => {
    const { fake, window } = make(3, BYTES * 2);
    fuzzTargets(fake, [window], { seed: 25 });
  });
});
