// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { MediumError } from '../../../machines/backplane/host.ts';
import { MemoryStore } from '../../../machines/storage/byte-store.ts';
import { cdImage } from '../../../machines/storage/cd-image.ts';
import { crc32 } from '../../../machines/storage/crc32.ts';
import { RawImage } from '../../../machines/storage/raw-image.ts';

const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff);

describe('crc32', () => {
  it('gives the check value of ISO 3309', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf4_3926);
  });

  it('goes on from an earlier result', () => {
    const bytes = pattern(100);
    expect(crc32(bytes.subarray(40), crc32(bytes.subarray(0, 40)))).toBe(crc32(bytes));
  });
});

describe('RawImage', () => {
  it('reads and writes whole blocks in place', () => {
    const store = new MemoryStore(pattern(4 * 512));
    const image = new RawImage(store);
    expect(image.blockCount).toBe(4);
    image.write(2, new Uint8Array(512).fill(0xee));
    const into = new Uint8Array(1024);
    image.read(1, into);
    expect(into.subarray(0, 512)).toEqual(pattern(2048).subarray(512, 1024));
    expect(into.subarray(512)).toEqual(new Uint8Array(512).fill(0xee));
    expect(store.size).toBe(2048);
  });

  it('pads a partial last block with zeros', () => {
    const image = new RawImage(new MemoryStore(pattern(700), 'odd', true));
    expect(image.blockCount).toBe(2);
    const into = new Uint8Array(512).fill(0xff);
    image.read(1, into);
    expect(into.subarray(0, 188)).toEqual(pattern(700).subarray(512));
    expect(into.subarray(188)).toEqual(new Uint8Array(324));
  });

  it('refuses to write a read-only image', () => {
    const image = new RawImage(new MemoryStore(pattern(512)), 512, true);
    expect(() => image.write(0, new Uint8Array(512))).toThrow(MediumError);
  });

  it('treats an access outside the medium as our own bug', () => {
    const image = new RawImage(new MemoryStore(pattern(1024)));
    expect(() => image.read(1, new Uint8Array(1024))).toThrow(RangeError);
    expect(() => image.read(0, new Uint8Array(100))).toThrow(RangeError);
    expect(() => image.write(-1, new Uint8Array(512))).toThrow(RangeError);
  });
});

describe('cdImage', () => {
  const rawSectors = (mode: number, count: number): Uint8Array => {
    const bytes = new Uint8Array(count * 2352);
    for (let i = 0; i < count; i++) {
      const sector = bytes.subarray(i * 2352, (i + 1) * 2352);
      sector.fill(0xff, 1, 11);
      sector[15] = mode;
      sector.fill(0x40 + i, mode === 2 ? 24 : 16, (mode === 2 ? 24 : 16) + 2048);
    }
    return bytes;
  };

  it('takes any other file as 2048-byte blocks, read-only', () => {
    const cd = cdImage(new MemoryStore(pattern(3 * 2048)));
    expect([cd.blockBytes, cd.blockCount, cd.readonly]).toEqual([2048, 3, true]);
    expect(() => cd.write(0, new Uint8Array(2048))).toThrow(MediumError);
  });

  for (const mode of [1, 2]) {
    it(`finds the user data of raw mode ${mode} sectors`, () => {
      const cd = cdImage(new MemoryStore(rawSectors(mode, 3)));
      expect([cd.blockBytes, cd.blockCount]).toEqual([2048, 3]);
      const into = new Uint8Array(4096);
      cd.read(1, into);
      expect(into.subarray(0, 2048)).toEqual(new Uint8Array(2048).fill(0x41));
      expect(into.subarray(2048)).toEqual(new Uint8Array(2048).fill(0x42));
      expect(() => cd.write(0, new Uint8Array(2048))).toThrow(MediumError);
    });
  }

  it('does not take an image for raw sectors only because its size fits', () => {
    expect(cdImage(new MemoryStore(new Uint8Array(2352 * 2048))).blockCount).toBe(2352);
  });
});
