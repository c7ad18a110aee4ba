// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { BlockDevice } from '../../../machines/backplane/host.ts';
import { type ByteStore, ImageError, MemoryStore } from '../../../machines/storage/byte-store.ts';
import { CLUSTER_BYTES, Overlay } from '../../../machines/storage/overlay.ts';
import { RawImage } from '../../../machines/storage/raw-image.ts';

const SIZE = 5 * CLUSTER_BYTES + 512;
const pattern = (seed: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 13 + seed + (i >> 9)) & 0xff);

const readAll = (device: BlockDevice): Uint8Array => {
  const all = new Uint8Array(device.blockBytes * device.blockCount);
  device.read(0, all);
  return all;
};

/** Remembers the order of what reaches the disk, and can lose what was not flushed. */
class JournalStore implements ByteStore {
  readonly title = 'side.ovl';
  readonly readonly = false;
  readonly operations: string[] = [];
  #now = new MemoryStore(new Uint8Array());
  #safe = new Uint8Array();

  get size(): number {
    return this.#now.size;
  }

  read(offset: number, into: Uint8Array): void {
    this.#now.read(offset, into);
  }

  write(offset: number, from: Uint8Array): void {
    this.operations.push(`write ${offset} ${from.length}`);
    this.#now.write(offset, from);
  }

  flush(): void {
    this.operations.push('flush');
    this.#safe = this.#now.bytes.slice();
  }

  /** The machine lost power: only what was flushed is left. */
  loseUnflushed(): void {
    this.#now = new MemoryStore(this.#safe.slice());
  }
}

describe('Overlay', () => {
  for (const kind of ['in memory', 'in a file'] as const) {
    it(`keeps writes ${kind} and leaves the base untouched`, () => {
      const base = new MemoryStore(pattern(0, SIZE));
      const image = new RawImage(base);
      const side = new MemoryStore(new Uint8Array());
      const overlay = kind === 'in memory' ? Overlay.inMemory(image) : Overlay.inFile(image, side);
      const expected = pattern(0, SIZE);
      let random = 12345;
      for (let i = 0; i < 60; i++) {
        random = (random * 1103515245 + 12345) & 0x7fff_ffff;
        const first = (random >>> 8) % image.blockCount;
        const blocks = Math.min(1 + ((random >>> 3) % 300), image.blockCount - first);
        const data = pattern(i, blocks * 512);
        overlay.write(first, data);
        expected.set(data, first * 512);
        if (i === 20) expect(Buffer.compare(readAll(overlay), expected)).toBe(0);
      }
      expect(Buffer.compare(readAll(overlay), expected)).toBe(0);
      expect(Buffer.compare(base.bytes, pattern(0, SIZE))).toBe(0);
      expect(overlay.readonly).toBe(false);
    });
  }

  it('takes the last, partial cluster from the base', () => {
    const overlay = Overlay.inMemory(new RawImage(new MemoryStore(pattern(3, SIZE))));
    const last = overlay.blockCount - 1;
    overlay.write(last, new Uint8Array(512).fill(9));
    const into = new Uint8Array(1024);
    overlay.read(last - 1, into);
    expect(into.subarray(0, 512)).toEqual(pattern(3, SIZE).subarray(SIZE - 1024, SIZE - 512));
    expect(into.subarray(512)).toEqual(new Uint8Array(512).fill(9));
  });
});

describe('Overlay side file', () => {
  const base = (seed = 1, size = SIZE) => new RawImage(new MemoryStore(pattern(seed, size), 'base.img', true));

  it('is continued when opened again', () => {
    const side = new MemoryStore(new Uint8Array());
    const first = Overlay.inFile(base(), side);
    first.write(130, pattern(7, 1024));
    first.write(0, pattern(8, 512));
    first.flush();
    const second = Overlay.inFile(base(), side);
    const into = new Uint8Array(1024);
    second.read(130, into);
    expect(into).toEqual(pattern(7, 1024));
    second.write(131, pattern(9, 512));
    second.flush();
    Overlay.inFile(base(), side).read(130, into);
    expect(into.subarray(0, 512)).toEqual(pattern(7, 1024).subarray(0, 512));
    expect(into.subarray(512)).toEqual(pattern(9, 512));
  });

  it('makes data safe before the map that names them', () => {
    const side = new JournalStore();
    const overlay = Overlay.inFile(base(), side);
    side.operations.length = 0;
    overlay.write(0, pattern(1, 512));
    overlay.flush();
    expect(side.operations).toEqual([`write ${CLUSTER_BYTES} ${CLUSTER_BYTES}`, 'flush', 'write 4096 4', 'flush']);
    side.operations.length = 0;
    overlay.flush();
    expect(side.operations).toEqual([]);
  });

  it('keeps what was flushed and forgets the rest after a crash', () => {
    const side = new JournalStore();
    const overlay = Overlay.inFile(base(), side);
    overlay.write(0, pattern(5, 512));
    overlay.flush();
    overlay.write(256, pattern(6, 512));
    side.loseUnflushed();
    const again = Overlay.inFile(base(), side);
    const into = new Uint8Array(512);
    again.read(0, into);
    expect(into).toEqual(pattern(5, 512));
    again.read(256, into);
    expect(into).toEqual(pattern(1, SIZE).subarray(256 * 512, 257 * 512));
  });

  it('refuses the side file of another base', () => {
    const side = new MemoryStore(new Uint8Array(), 'side.ovl');
    Overlay.inFile(base(), side);
    expect(() => Overlay.inFile(base(2), side)).toThrow(/another base/);
    expect(() => Overlay.inFile(base(1, SIZE + 512), side)).toThrow(/made for a base of 328192 bytes.*has 328704/);
  });

  it('refuses what is not an overlay, another version, and damage', () => {
    const make = () => {
      const side = new MemoryStore(new Uint8Array(), 'side.ovl');
      const overlay = Overlay.inFile(base(), side);
      overlay.write(0, pattern(1, 512));
      overlay.write(200, pattern(1, 512));
      overlay.flush();
      return side;
    };
    const damaged = (offset: number, ...bytes: number[]) => {
      const side = make();
      side.write(offset, Uint8Array.from(bytes));
      return () => Overlay.inFile(base(), side);
    };
    expect(damaged(0, 0x51)).toThrow(/not an overlay/);
    expect(damaged(8, 9)).toThrow(/version 9.*reads version 1/);
    expect(damaged(100, 1)).toThrow(/header is damaged/);
    expect(damaged(4096, 9, 9)).toThrow(/map is damaged at cluster 0/);
    expect(damaged(4096 + 4, 1)).toThrow(ImageError); // two clusters in one slot
    expect(() => Overlay.inFile(base(), new MemoryStore(pattern(0, 100)))).toThrow(/not an overlay/);
  });
});
