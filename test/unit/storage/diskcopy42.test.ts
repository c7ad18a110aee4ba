// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { ImageError, MemoryStore } from '../../../machines/storage/byte-store.ts';
import { DiskCopy42, diskCopyChecksum, floppyImage } from '../../../machines/storage/diskcopy42.ts';
import { Overlay } from '../../../machines/storage/overlay.ts';

const DATA = 819_200;
const TAGS = 1600 * 12;

/** An 800 KB image with tags, as DiskCopy writes it. */
function make(change: (bytes: Uint8Array, view: DataView) => void = () => {}): MemoryStore {
  const bytes = new Uint8Array(84 + DATA + TAGS);
  for (let i = 84; i < bytes.length; i++) bytes[i] = (i * 7 + (i >> 9)) & 0xff;
  const view = new DataView(bytes.buffer);
  bytes.set([4, ...new TextEncoder().encode('Disk')]);
  view.setUint32(0x40, DATA);
  view.setUint32(0x44, TAGS);
  view.setUint32(0x48, diskCopyChecksum(bytes.subarray(84, 84 + DATA)));
  view.setUint32(0x4c, diskCopyChecksum(bytes.subarray(84 + DATA + 12)));
  view.setUint16(0x50, 0x0122);
  view.setUint16(0x52, 0x0100);
  change(bytes, view);
  return new MemoryStore(bytes, 'disk.img');
}

describe('diskCopyChecksum', () => {
  it('adds words and rotates', () => {
    expect(diskCopyChecksum(Uint8Array.of(0x00, 0x01))).toBe(0x8000_0000);
    expect(diskCopyChecksum(Uint8Array.of(0x00, 0x01, 0x00, 0x03))).toBe(0xc000_0001);
  });
});

describe('DiskCopy42', () => {
  it('has the data, then the tags', () => {
    const image = new DiskCopy42(make());
    expect([image.blockCount, image.blockBytes]).toEqual([1638, 512]);
    const bytes = new Uint8Array(512);
    image.read(1, bytes);
    expect(bytes[0]).toBe(((84 + 512) * 7 + ((84 + 512) >> 9)) & 0xff);
    image.read(1637, bytes); // half of it are tags
    expect(bytes.subarray(0, 256).some((byte) => byte !== 0)).toBe(true);
    expect(bytes.subarray(256).every((byte) => byte === 0)).toBe(true);
  });

  it('writes both, and new checksums when it is flushed', () => {
    const store = make();
    const image = new DiskCopy42(store);
    image.write(5, new Uint8Array(512).fill(0x55));
    image.write(1600, new Uint8Array(512).fill(0x66));
    image.write(1637, new Uint8Array(512).fill(0x77));
    image.flush();
    expect(store.size).toBe(84 + DATA + TAGS);
    const again = new DiskCopy42(store);
    const bytes = new Uint8Array(512);
    again.read(5, bytes);
    expect(bytes.every((byte) => byte === 0x55)).toBe(true);
    again.read(1600, bytes);
    expect(bytes.every((byte) => byte === 0x66)).toBe(true);
  });

  it('lies under an overlay whole', () => {
    const store = make();
    const overlay = Overlay.inMemory(new DiskCopy42(store));
    overlay.write(1600, new Uint8Array(512).fill(1));
    const bytes = new Uint8Array(512);
    overlay.read(1600, bytes);
    expect(bytes.every((byte) => byte === 1)).toBe(true);
    expect(() => new DiskCopy42(store)).not.toThrow();
  });

  it.each([
    [
      'a bad magic',
      /bad magic.*0x200 instead of 0x100/,
      (_: Uint8Array, view: DataView) => view.setUint16(0x52, 0x200),
    ],
    ['damaged data', /checksum of its data/, (bytes: Uint8Array) => (bytes[1000]! ^= 1)],
    ['damaged tags', /checksum of its tags/, (bytes: Uint8Array) => (bytes[84 + DATA + 100]! ^= 1)],
    ['an unknown encoding', /unknown disk encoding 9/, (bytes: Uint8Array) => (bytes[0x50] = 9)],
    ['another size', /819200 bytes of data; encoding 3/, (bytes: Uint8Array) => (bytes[0x50] = 3)],
    ['data beyond the file', /4294967295 bytes of data/, (_, view) => view.setUint32(0x40, 0xffff_ffff)],
    ['tags beyond the file', /16777216 bytes of tags/, (_, view) => view.setUint32(0x44, 0x100_0000)],
    ['too few tags', /12 bytes of tags/, (_: Uint8Array, view: DataView) => view.setUint32(0x44, 12)],
    ['a long name', /name has 70 bytes/, (bytes: Uint8Array) => (bytes[0] = 70)],
  ])('refuses %s', (_name, reason, change) => {
    expect(() => new DiskCopy42(make(change))).toThrow(reason);
    expect(() => new DiskCopy42(make(change))).toThrow(ImageError);
  });

  it('refuses a file that is cut off', () => {
    const { bytes } = make();
    expect(() => floppyImage(new MemoryStore(bytes.slice(0, 700_001), 'cut'))).toThrow(/cut off/);
    expect(() => new DiskCopy42(new MemoryStore(bytes.slice(0, 50), 'cut'))).toThrow(/too few/);
  });
});

describe('floppyImage', () => {
  it('tells raw sectors from DiskCopy images', () => {
    expect(floppyImage(new MemoryStore(new Uint8Array(1_474_560))).blockCount).toBe(2880);
    expect(floppyImage(make()).blockCount).toBe(1638);
  });

  it('names what is neither', () => {
    expect(() => floppyImage(new MemoryStore(new Uint8Array(1000), 'odd'))).toThrow(/1000 bytes are neither/);
    expect(() => floppyImage(new MemoryStore(new Uint8Array(84 + DATA + TAGS), 'z'))).toThrow(/bad magic.*0x0 /);
  });
});
