// SPDX-License-Identifier: MIT
//
// Group-coded recording of Apple's 3.5" disks: six bits to a disk byte, 524-byte sectors (12 tag bytes and 512 of data)
// under a running checksum, 12 to 8 sectors on a track by speed zone.
// Documents: [IM-III] "The Disk Driver"; [GCR35] in docs/references.md.
import { CellTrack } from './cell-track.ts';

export const GCR_SECTOR_BYTES = 524;
const GROUPS = 175;
const NIBBLES = 699;

/** Disk bytes have no more than one pair of zeros after the leading one. */
const DISK_BYTES = Uint8Array.from(
  [
    '9697 9a9b 9d9e 9fa6 a7ab acad aeaf b2b3 b4b5 b6b7 b9ba bbbc bdbe bfcb cdce cfd3',
    'd6d7 d9da dbdc ddde dfe5 e6e7 e9ea ebec edee eff2 f3f4 f5f6 f7f9 fafb fcfd feff',
  ]
    .join(' ')
    .split(' ')
    .flatMap((pair) => [parseInt(pair.slice(0, 2), 16), parseInt(pair.slice(2), 16)]),
);
const SIX_BITS = new Int8Array(256).fill(-1);
DISK_BYTES.forEach((byte, value) => (SIX_BITS[byte] = value));

const SYNC_CELLS = 10; // a 0xff and two more zero cells, so that any reader falls into step
const SYNC = 0x3fc;
const MIN_SYNCS = 6;
const ADDRESS_PROLOGUE = [0xd5, 0xaa, 0x96];
const DATA_PROLOGUE = [0xd5, 0xaa, 0xad];
const EPILOGUE = [0xde, 0xaa, 0xff];
/** Interleave and, for two sides, 0x20. */
const FORMAT_INTERLEAVE = 2;
const FORMAT_TWO_SIDED = 0x20;

/** Sectors of a track. */
export const gcrSectors = (cylinder: number): number => 12 - Math.min(4, cylinder >>> 4);

export interface GcrSector {
  readonly sector: number;
  /** Tags, then data. */
  readonly bytes: Uint8Array;
}

/** Order of the sectors around the track: every second one. */
export function gcrOrder(sectors: number): number[] {
  const order = new Array<number>(sectors);
  const half = Math.ceil(sectors / 2);
  for (let i = 0; i < sectors; i++) order[i] = i % 2 === 0 ? i >>> 1 : half + (i >>> 1);
  return order;
}

/** The running checksums of three bytes; each byte is stored combined with the one before its own. */
class Checksum {
  a = 0;
  b = 0;
  c = 0;

  /** What the first byte of a group is combined with; moves the sum on to it. */
  rotate(): number {
    const carry = this.a >>> 7;
    this.a = ((this.a << 1) | carry) & 0xff;
    this.#carry = carry;
    return this.a;
  }

  #carry = 0;

  add(register: 'a' | 'b' | 'c', value: number): void {
    const sum = this[register] + value + this.#carry;
    this[register] = sum & 0xff;
    this.#carry = sum >>> 8;
  }

  get sixBits(): number[] {
    const { a, b, c } = this;
    return [((a & 0xc0) >>> 6) | ((b & 0xc0) >>> 4) | ((c & 0xc0) >>> 2), c & 0x3f, b & 0x3f, a & 0x3f];
  }
}

/** The six-bit values of a sector and its checksum. */
export function gcrEncode(bytes: Uint8Array): number[] {
  const sum = new Checksum();
  const values: number[] = [];
  for (let group = 0, at = 0; group < GROUPS; group++) {
    const first = bytes[at++]!;
    const x = first ^ sum.rotate();
    sum.add('c', first);
    const second = bytes[at++]!;
    const y = second ^ sum.c;
    sum.add('b', second);
    const last = group === GROUPS - 1;
    const third = last ? 0 : bytes[at++]!;
    const z = last ? 0 : third ^ sum.b;
    if (!last) sum.add('a', third);
    values.push(((x & 0xc0) >>> 2) | ((y & 0xc0) >>> 4) | ((z & 0xc0) >>> 6), x & 0x3f, y & 0x3f);
    if (!last) values.push(z & 0x3f);
  }
  return [...values, ...sum.sixBits];
}

/** The 524 bytes of 703 six-bit values, or `undefined` where the checksum is wrong. */
export function gcrDecode(values: readonly number[]): Uint8Array | undefined {
  const bytes = new Uint8Array(GCR_SECTOR_BYTES);
  const sum = new Checksum();
  for (let group = 0, at = 0, out = 0; group < GROUPS; group++) {
    const high = values[at++]!;
    const first = (((high << 2) & 0xc0) | values[at++]!) ^ sum.rotate();
    sum.add('c', first);
    const second = (((high << 4) & 0xc0) | values[at++]!) ^ sum.c;
    sum.add('b', second);
    bytes[out++] = first;
    bytes[out++] = second;
    if (group === GROUPS - 1) break;
    const third = (((high << 6) & 0xc0) | values[at++]!) ^ sum.b;
    sum.add('a', third);
    bytes[out++] = third;
  }
  return sum.sixBits.every((value, i) => value === values[NIBBLES + i]) ? bytes : undefined;
}

const SECTOR_CELLS = (3 + 5 + 3 + 3 + 1 + NIBBLES + 4 + 3) * 8 + MIN_SYNCS * SYNC_CELLS;

/** A formatted track of `length` cells. */
export function gcrTrack(
  length: number,
  cylinder: number,
  head: number,
  sides: number,
  read: (sector: number) => Uint8Array,
): CellTrack {
  const track = new CellTrack(length);
  const count = gcrSectors(cylinder);
  const syncs = Math.floor((length / count - SECTOR_CELLS) / SYNC_CELLS);
  const disk = (...bytes: number[]): void => bytes.forEach((byte) => track.append(byte, 8));
  const six = (...values: number[]): void => values.forEach((value) => track.append(DISK_BYTES[value & 0x3f]!, 8));
  const sync = (times: number): void => {
    for (let i = 0; i < times; i++) track.append(SYNC, SYNC_CELLS);
  };
  for (const sector of gcrOrder(count)) {
    const side = (head << 5) | (cylinder >>> 6);
    const format = FORMAT_INTERLEAVE | (sides === 2 ? FORMAT_TWO_SIDED : 0);
    const low = cylinder & 0x3f;
    sync(syncs);
    disk(...ADDRESS_PROLOGUE);
    six(low, sector, side, format, low ^ sector ^ side ^ format);
    disk(...EPILOGUE);
    sync(MIN_SYNCS);
    disk(...DATA_PROLOGUE);
    six(sector, ...gcrEncode(read(sector)));
    disk(...EPILOGUE);
  }
  while (track.appended < length) track.append(SYNC, SYNC_CELLS);
  return track;
}

/** The sectors of a track that are whole: address and data with good checksums. */
export function gcrSectorsOf(track: CellTrack, cylinder: number, head: number): GcrSector[] {
  const nibbles = diskBytesOf(track);
  const found: GcrSector[] = [];
  for (let at = 0; at + 8 < nibbles.length; at++) {
    if (!starts(nibbles, at, ADDRESS_PROLOGUE)) continue;
    const [low, sector, side, format, sum] = sixBits(nibbles, at + 3, 5);
    if (sum === undefined || sum < 0 || (low! ^ sector! ^ side! ^ format!) !== sum) continue;
    if ((low! | ((side! & 1) << 6)) !== cylinder || side! >>> 5 !== head) continue;
    for (let data = at + 8; data < at + 60; data++) {
      if (!starts(nibbles, data, DATA_PROLOGUE)) continue;
      const values = sixBits(nibbles, data + 4, NIBBLES + 4);
      const bytes = values.length === NIBBLES + 4 && !values.includes(-1) ? gcrDecode(values) : undefined;
      if (bytes !== undefined) found.push({ sector: sector!, bytes });
      break;
    }
  }
  return found;
}

const starts = (bytes: Uint8Array, at: number, pattern: readonly number[]): boolean =>
  pattern.every((byte, i) => bytes[at + i] === byte);

const sixBits = (bytes: Uint8Array, at: number, count: number): number[] =>
  Array.from(bytes.subarray(at, at + count), (byte) => SIX_BITS[byte]!);

/** What a reader makes of a revolution and one sector more, so that one across the index hole is whole. */
function diskBytesOf({ cells, length }: CellTrack): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((length * 5) / 4 / 8));
  let count = 0;
  let shift = 0;
  for (let i = 0; i < (length * 5) / 4 && count < bytes.length; i++) {
    shift = (shift << 1) | cells[i % length]!;
    if (shift < 0x80) continue;
    bytes[count++] = shift;
    shift = 0;
  }
  return bytes.subarray(0, count);
}
