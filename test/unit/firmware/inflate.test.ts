// SPDX-License-Identifier: MIT
import { constants, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { gunzip, InflateError } from '../../../machines/firmware/inflate.ts';
import { random } from '../../support/random.ts';

/** Bytes with repetitions near and far. */
function sample(length: number, seed: number): Uint8Array {
  const next = random(seed);
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length;) {
    const run = 1 + Math.floor(next() * 300);
    const from = next() < 0.5 && i > 0 ? Math.floor(next() * i) : -1;
    for (let k = 0; k < run && i < length; k++, i++) bytes[i] = from < 0 ? next() * 64 : bytes[from + k]!;
  }
  return bytes;
}

describe('gunzip', () => {
  it.each([
    ['dynamic codes', { level: 9 }],
    ['fixed codes', { strategy: constants.Z_FIXED }],
    ['no compression', { level: 0 }],
    ['codes without repetitions', { strategy: constants.Z_HUFFMAN_ONLY }],
  ])('gives back what zlib packed with %s', (_, options) => {
    for (const length of [0, 1, 1000, 200_000]) {
      const bytes = sample(length, length + 1);
      expect(Buffer.from(gunzip(gzipSync(bytes, options), 0, 1 << 20)).equals(bytes)).toBe(true);
    }
  });

  it('finds data in the middle of a file, and ends where it ends', () => {
    const packed = gzipSync('hello');
    const file = new Uint8Array(packed.length + 30).fill(0xaa);
    file.set(packed, 10);
    expect(String.fromCharCode(...gunzip(file, 10, 100))).toBe('hello');
  });

  it('refuses damage, and more than was asked for', () => {
    expect(() => gunzip(new Uint8Array(100), 0, 100)).toThrow(InflateError);
    const packed = new Uint8Array(gzipSync(sample(3 << 20, 5)));
    expect(() => gunzip(packed, 0, 1 << 20)).toThrow('too large');
    expect(() => gunzip(packed.subarray(0, 5000), 0, 1 << 24)).toThrow('cut short');
    const next = random(6);
    for (let i = 0; i < 300; i++) {
      const damaged = new Uint8Array(gzipSync(sample(2000, i)));
      damaged[10 + Math.floor(next() * (damaged.length - 18))]! ^= 1 << Math.floor(next() * 8);
      try {
        gunzip(damaged, 0, 1 << 20);
      } catch (error) {
        expect(error).toBeInstanceOf(InflateError);
      }
    }
  });
});
