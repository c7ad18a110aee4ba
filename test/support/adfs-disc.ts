// SPDX-License-Identifier: MIT
//
// An empty hard disk in ADFS's new map format with one zone [PRM] "FileCore".

export interface AdfsShape {
  readonly sectorBytes: 256 | 512;
  readonly sectorsPerTrack: number;
  readonly heads: number;
  readonly name: string;
}

export const ADFS_DISC_BYTES = 2 << 20;
const ID_LENGTH = 15;
/** Bytes of a map bit, and what they are a power of. */
const LOG2_BIT_BYTES = 11;
const MAP_BITS = ADFS_DISC_BYTES >>> LOG2_BIT_BYTES;
const RECORD_BITS = 60 * 8;
/** The map with its copy, boot block and root directory are one object, which has the identity 2 and 32 KiB. */
const SYSTEM_ID = 2;
const SYSTEM_BITS = 16;
const BOOT_BLOCK_AT = 0xc00;
/** With one zone ADFS wants the root directly behind the boot block. */
const ROOT_AT = 0xe00;
const DIRECTORY_BYTES = 2048;

export function adfsDisc(shape: AdfsShape): Uint8Array {
  const disc = new Uint8Array(ADFS_DISC_BYTES);
  const { sectorBytes } = shape;
  const root = (SYSTEM_ID << 8) | (ROOT_AT / sectorBytes + 1);
  const record = discRecord(shape, root);

  const map = new Uint8Array(sectorBytes);
  map[3] = 0xff; // cross check
  map.set(record, 4);
  const first = 64 * 8;
  putFragment(map, first, SYSTEM_BITS, SYSTEM_ID);
  putFragment(map, first + SYSTEM_BITS, MAP_BITS - SYSTEM_BITS, 0);
  new DataView(map.buffer).setUint16(1, 0x8000 | (first + SYSTEM_BITS - 8), true);
  map[0] = zoneCheck(map);
  disc.set(map, 0);
  disc.set(map, sectorBytes);

  const boot = new Uint8Array(512);
  boot.set([0, 0, 0, 0x20]); // no defects
  boot.set(record, 0x1c0);
  boot[511] = bootCheck(boot);
  disc.set(boot, BOOT_BLOCK_AT);
  disc.set(directory(root), ROOT_AT);
  return disc;
}

function discRecord({ sectorBytes, sectorsPerTrack, heads, name }: AdfsShape, root: number): Uint8Array {
  const record = new Uint8Array(60);
  const view = new DataView(record.buffer);
  record.set([Math.log2(sectorBytes), sectorsPerTrack, heads, 0, ID_LENGTH, LOG2_BIT_BYTES, 0, 0, 0, 1]);
  view.setUint16(10, sectorBytes * 8 - RECORD_BITS - MAP_BITS, true); // bits of the zone that are not map
  view.setUint32(12, root, true);
  view.setUint32(16, ADFS_DISC_BYTES, true);
  view.setUint16(20, 0x4321, true); // identity
  record.set(new TextEncoder().encode(name.padEnd(10)), 22);
  return record;
}

/** A fragment: its identity, or the way to the next free one, in the lowest bits, and a one at its end. */
function putFragment(map: Uint8Array, at: number, bits: number, id: number): void {
  const set = (bit: number): void => {
    map[bit >>> 3]! |= 1 << (bit & 7);
  };
  for (let bit = 0; bit < ID_LENGTH; bit++) if (id & (1 << bit)) set(at + bit);
  set(at + bits - 1);
}

function zoneCheck(map: Uint8Array): number {
  const sums = [0, 0, 0, 0];
  let carry = 0;
  for (let word = map.length - 4; word >= 0; word -= 4) {
    for (let byte = 0; byte < 4; byte++) {
      const value = word + byte === 0 ? 0 : map[word + byte]!;
      const sum = sums[byte]! + value + carry;
      sums[byte] = sum & 0xff;
      carry = sum >>> 8;
    }
  }
  return sums.reduce((all, sum) => all ^ sum, 0);
}

/** Bytes from the last to the first are added with the carry of the one before; the carry of the first is lost. */
function bootCheck(block: Uint8Array): number {
  let sum = 0;
  for (let at = 510; at >= 0; at--) sum = (sum & 0xff) + (sum >>> 8) + block[at]!;
  return sum & 0xff;
}

/** An empty directory, its own parent. */
function directory(root: number): Uint8Array {
  const bytes = new Uint8Array(DIRECTORY_BYTES);
  const text = new TextEncoder();
  bytes.set(text.encode('Nick'), 1);
  bytes.set([root & 0xff, (root >>> 8) & 0xff, root >>> 16], 2010);
  bytes.set(text.encode('$\r'), 2013); // title
  bytes.set(text.encode('$\r'), 2032); // name
  bytes.set(text.encode('Nick'), 2043);
  const view = new DataView(bytes.buffer);
  let sum = 0;
  const add = (value: number): void => {
    sum = ((sum >>> 13) | (sum << 19)) ^ value;
  };
  add(view.getUint32(0, true));
  add(bytes[4]!);
  for (let at = 2008; at < 2044; at += 4) add(view.getUint32(at, true));
  bytes[2047] = (sum ^ (sum >>> 8) ^ (sum >>> 16) ^ (sum >>> 24)) & 0xff;
  return bytes;
}
