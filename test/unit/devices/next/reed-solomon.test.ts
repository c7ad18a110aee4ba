// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import {
  decodeSector,
  encodeSector,
  ENCODED_BYTES,
  SECTOR_BYTES,
} from '../../../../machines/devices/next/reed-solomon.ts';
import { random } from '../../../support/random.ts';

function sector(seed: number): { data: Uint8Array; block: Uint8Array } {
  const next = random(seed);
  const block = new Uint8Array(ENCODED_BYTES);
  for (let i = 0; i < SECTOR_BYTES; i++) block[i] = Math.floor(next() * 256);
  const data = block.slice(0, SECTOR_BYTES);
  encodeSector(block);
  return { data, block };
}

/** GF(256) over x^8 + x^4 + x^3 + x^2 + 1, bit by bit. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) {
    if ((b >>> bit) & 1) product ^= a << bit;
  }
  for (let bit = 14; bit >= 8; bit--) if ((product >>> bit) & 1) product ^= 0x11d << (bit - 8);
  return product;
}

/** The value of the code word's polynomial, its first byte the highest coefficient. */
const evaluate = (word: readonly number[], at: number): number =>
  word.reduce((value, byte) => multiply(value, at) ^ byte, 0);

describe('encodeSector', () => {
  it('makes rows and columns that are zero at the roots of the generator', () => {
    const { block } = sector(1);
    const roots = [1, 2, 4, 8];
    for (let n = 0; n < 36; n++) {
      const row = [...block.subarray(n * 36, n * 36 + 36)];
      const column = Array.from({ length: 36 }, (_, i) => block[i * 36 + n]!);
      for (const root of roots) expect([evaluate(row, root), evaluate(column, root)]).toEqual([0, 0]);
    }
  });

  it('leaves the data where they are, 32 bytes in each of the first rows', () => {
    const { data, block } = sector(2);
    for (let row = 0; row < 32; row++) {
      expect([...block.subarray(row * 36, row * 36 + 32)]).toEqual([...data.subarray(row * 32, row * 32 + 32)]);
    }
  });

  it('gives zeros for zeros', () => {
    const block = new Uint8Array(ENCODED_BYTES);
    encodeSector(block);
    expect(block.every((byte) => byte === 0)).toBe(true);
  });
});

describe('decodeSector', () => {
  it('gives back what was encoded', () => {
    const { data, block } = sector(3);
    expect(decodeSector(block)).toBe(0);
    expect(block.subarray(0, SECTOR_BYTES)).toEqual(data);
  });

  it('corrects a byte anywhere', () => {
    const { data, block } = sector(4);
    for (let at = 0; at < ENCODED_BYTES; at += 23) {
      const damaged = block.slice();
      damaged[at]! ^= (at % 255) + 1;
      expect(decodeSector(damaged), `byte ${at}`).toBe(1);
      expect(damaged.subarray(0, SECTOR_BYTES), `byte ${at}`).toEqual(data);
    }
  });

  it('corrects two bytes in every row', () => {
    const { data, block } = sector(5);
    const next = random(55);
    for (let row = 0; row < 36; row++) {
      const first = Math.floor(next() * 36);
      const second = (first + 1 + Math.floor(next() * 35)) % 36;
      for (const column of [first, second]) block[row * 36 + column]! ^= 1 + Math.floor(next() * 255);
    }
    expect(decodeSector(block)).toBe(72);
    expect(block.subarray(0, SECTOR_BYTES)).toEqual(data);
  });

  it('corrects two rows that are lost, by their columns', () => {
    const { data, block } = sector(6);
    for (const row of [7, 30]) for (let column = 0; column < 36; column++) block[row * 36 + column]! ^= 0x5a ^ column;
    expect(decodeSector(block)).toBeGreaterThan(0);
    expect(block.subarray(0, SECTOR_BYTES)).toEqual(data);
  });

  it('says that a sector cannot be corrected', () => {
    const next = random(7);
    const block = Uint8Array.from({ length: ENCODED_BYTES }, () => Math.floor(next() * 256));
    expect(decodeSector(block)).toBe(-1);
  });

  it('does not fail on any damage, and never calls damage good', () => {
    const { data, block } = sector(8);
    const next = random(88);
    for (let round = 0; round < 40; round++) {
      const damaged = block.slice();
      const errors = Math.floor(next() * 60);
      for (let n = 0; n < errors; n++) damaged[Math.floor(next() * ENCODED_BYTES)]! ^= Math.floor(next() * 256);
      const found = decodeSector(damaged);
      if (found >= 0) expect(damaged.subarray(0, SECTOR_BYTES)).toEqual(data);
    }
  });
});
