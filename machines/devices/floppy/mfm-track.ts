// SPDX-License-Identifier: MIT
//
// A track of IBM System 34 (MFM) format as a controller's Read Track sees it and Write Track is given it.
// Documents: [WD1772] "Write Track", [uPD765]. Checksums: CRC-16-CCITT over the three 0xa1 and what follows.
import type { SectorId } from './sector-disk.ts';

/** Bytes of a revolution at 250,000 bits a second. */
export const TRACK_BYTES_DD = 6250;

const GAP = 0x4e;
const ID_MARK = 0xfe;
const DATA_MARK = 0xfb;
const DELETED_MARK = 0xf8;

/** CRC-16-CCITT as floppy controllers compute it. */
export function crc16(bytes: Iterable<number>, start = 0xffff): number {
  let crc = start;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

/** The six bytes after an identity mark: cylinder, head, sector, size, checksum. */
export function idBytes({ cylinder, head, sector, size }: SectorId): Uint8Array {
  const id = [cylinder, head, sector, size];
  const crc = crc16([0xa1, 0xa1, 0xa1, ID_MARK, ...id]);
  return Uint8Array.of(...id, crc >>> 8, crc & 0xff);
}

/** All bytes between two index holes. */
export function trackBytes(ids: readonly SectorId[], read: (id: SectorId) => Uint8Array): Uint8Array {
  const bytes: number[] = [...new Array<number>(32).fill(GAP)];
  const data = ids.reduce((sum, id) => sum + (128 << id.size), 0);
  const gap = Math.max(1, Math.min(54, Math.floor((TRACK_BYTES_DD - 32 - data - ids.length * 62) / (ids.length || 1))));
  for (const id of ids) {
    bytes.push(...new Array<number>(12).fill(0), 0xa1, 0xa1, 0xa1, ID_MARK, ...idBytes(id));
    bytes.push(...new Array<number>(22).fill(GAP), ...new Array<number>(12).fill(0), 0xa1, 0xa1, 0xa1, DATA_MARK);
    const sector = read(id);
    const crc = crc16([0xa1, 0xa1, 0xa1, DATA_MARK, ...sector]);
    bytes.push(...sector, crc >>> 8, crc & 0xff, ...new Array<number>(gap).fill(GAP));
  }
  while (bytes.length < TRACK_BYTES_DD) bytes.push(GAP);
  return Uint8Array.from(bytes.slice(0, TRACK_BYTES_DD));
}

/**
 * The sectors that a Write Track of these bytes makes, in which 0xf5 stands for a mark's 0xa1, 0xf6 for 0xc2, and 0xf7
 * for the two bytes of the checksum.
 */
export function formattedSectors(bytes: Uint8Array): { id: SectorId; data: Uint8Array }[] {
  const sectors: { id: SectorId; data: Uint8Array }[] = [];
  let id: SectorId | undefined;
  for (let at = 1; at < bytes.length; at++) {
    if (bytes[at - 1] !== 0xf5) continue;
    const mark = bytes[at]!;
    if (mark === ID_MARK && at + 5 < bytes.length && bytes[at + 5] === 0xf7) {
      id = { cylinder: bytes[at + 1]!, head: bytes[at + 2]!, sector: bytes[at + 3]!, size: bytes[at + 4]! & 3 };
    } else if ((mark === DATA_MARK || mark === DELETED_MARK) && id !== undefined) {
      const length = 128 << id.size;
      const data = bytes.slice(at + 1, at + 1 + length);
      if (data.length === length) sectors.push({ id, data });
      id = undefined;
    }
  }
  return sectors;
}
