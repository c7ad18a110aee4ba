// SPDX-License-Identifier: MIT
//
// A track of IBM System 34 format (MFM, 512-byte sectors from 1) in magnetic cells.
// Documents: [WD1772], [uPD765].
import { CellTrack } from './cell-track.ts';
import { crc16 } from './mfm-track.ts';

/** 0xa1 and 0xc2, each with a clock missing. */
export const MARK_A1 = 0x4489;
export const MARK_C2 = 0x5224;
/** The checksum after three 0xa1. */
export const CRC_AFTER_MARKS = 0xcdb4;

const SECTOR_BYTES = 512;
const SIZE_CODE = 2;
const GAP = 0x4e;
const INDEX_MARK = 0xfc;
const ID_MARK = 0xfe;
const DATA_MARK = 0xfb;
const DELETED_MARK = 0xf8;
const GAP_4A = 80;
const SYNC_BYTES = 12;
const GAP_1 = 50;
const GAP_2 = 22;
/** Between sectors, of double and high density. */
const GAP_3 = { 9: 80, 18: 101 } as const;
/** A data mark comes at most this many cells behind its identity. */
const DATA_WITHIN = 60 * 16;

export interface MfmSector {
  readonly sector: number;
  readonly bytes: Uint8Array;
}

/** A formatted track of `length` cells. */
export function mfmTrack(
  length: number,
  cylinder: number,
  head: number,
  sectors: 9 | 18,
  read: (sector: number) => Uint8Array,
): CellTrack {
  const track = new CellTrack(length);
  const bytes = (...values: number[]): void => values.forEach((value) => track.appendMfm(value));
  const run = (value: number, times: number): void => {
    for (let i = 0; i < times; i++) track.appendMfm(value);
  };
  const marks = (cells: number): void => {
    for (let i = 0; i < 3; i++) track.appendMark(cells);
  };
  run(GAP, GAP_4A);
  run(0, SYNC_BYTES);
  marks(MARK_C2);
  bytes(INDEX_MARK);
  run(GAP, GAP_1);
  for (let sector = 1; sector <= sectors; sector++) {
    for (const field of [
      [ID_MARK, cylinder, head, sector, SIZE_CODE],
      [DATA_MARK, ...read(sector)],
    ]) {
      const crc = crc16(field, CRC_AFTER_MARKS);
      run(0, SYNC_BYTES);
      marks(MARK_A1);
      bytes(...field, crc >>> 8, crc & 0xff);
      run(GAP, field[0] === ID_MARK ? GAP_2 : GAP_3[sectors]);
    }
  }
  while (track.appended < length) track.appendMfm(GAP);
  return track;
}

/** The sectors of a track that are whole: identity and data with good checksums. */
export function mfmSectorsOf(track: CellTrack, cylinder: number, head: number): MfmSector[] {
  const found: MfmSector[] = [];
  let sector = -1;
  let idEnd = 0;
  let window = 0;
  const { cells, length } = track;
  // Beyond the end for a sector across the index hole.
  for (let i = 0; i < length + (SECTOR_BYTES + 64) * 16; i++) {
    window = ((window << 1) | cells[i % length]!) & 0xffff;
    if (window !== MARK_A1) continue;
    if (isMark(track, i + 1)) continue;
    const kind = byteAt(track, i + 1);
    if (kind === ID_MARK) {
      const id = fieldAt(track, i + 1, 7);
      sector =
        crc16(id, CRC_AFTER_MARKS) === 0 && id[1] === cylinder && id[2] === head && id[4] === SIZE_CODE ? id[3]! : -1;
      idEnd = i;
    } else if ((kind === DATA_MARK || kind === DELETED_MARK) && sector >= 0 && i - idEnd < DATA_WITHIN) {
      const data = fieldAt(track, i + 1, SECTOR_BYTES + 3);
      if (crc16(data, CRC_AFTER_MARKS) === 0) found.push({ sector, bytes: data.slice(1, 1 + SECTOR_BYTES) });
      sector = -1;
    }
  }
  return found;
}

function isMark({ cells, length }: CellTrack, at: number): boolean {
  let window = 0;
  for (let i = 0; i < 16; i++) window = (window << 1) | cells[(at + i) % length]!;
  return window === MARK_A1;
}

/** The data cells of the 16 from `at`. */
function byteAt({ cells, length }: CellTrack, at: number): number {
  let byte = 0;
  for (let i = 1; i < 16; i += 2) byte = (byte << 1) | cells[(at + i) % length]!;
  return byte;
}

const fieldAt = (track: CellTrack, at: number, bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, i) => byteAt(track, at + i * 16));
