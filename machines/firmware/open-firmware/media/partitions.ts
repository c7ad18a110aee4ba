// SPDX-License-Identifier: MIT
//
// Partition maps: Apple's, and the PC's with its chain of logical partitions.
import { type ByteSource, viewOf } from './file-system.ts';
import { textOf } from '../latin1.ts';

export interface Partition {
  /** As the user counts them, from 1. */
  readonly number: number;
  readonly name: string;
  readonly type: string;
  readonly start: number;
  readonly size: number;
}

const SECTOR = 512;
const MAX_PARTITIONS = 128;

const APPLE_DRIVER_MAP = 0x4552; // 'ER'
const APPLE_PARTITION = 0x504d; // 'PM'
const PC_SIGNATURE = 0xaa55;
const PC_EXTENDED = [0x05, 0x0f, 0x85];

export const readPartitions = (disk: ByteSource): Partition[] => {
  const apple = applePartitions(disk);
  return apple.length > 0 ? apple : pcPartitions(disk);
};

function applePartitions(disk: ByteSource): Partition[] {
  const head = disk.read(0, SECTOR);
  if (head.length < SECTOR) return [];
  const declared = viewOf(head).getUint16(0) === APPLE_DRIVER_MAP ? viewOf(head).getUint16(2) : SECTOR;
  // CDs carry maps in units of 512 and of 2048 bytes; the one at 512 serves everybody.
  for (const unit of [SECTOR, declared]) {
    const partitions: Partition[] = [];
    let count = 1;
    for (let i = 1; i <= Math.min(count, MAX_PARTITIONS); i++) {
      const entry = disk.read(i * unit, SECTOR);
      if (entry.length < SECTOR) break;
      const view = viewOf(entry);
      if (view.getUint16(0) !== APPLE_PARTITION) break;
      count = view.getUint32(4);
      partitions.push({
        number: i,
        name: text(entry.subarray(16, 48)),
        type: text(entry.subarray(48, 80)),
        start: view.getUint32(8) * unit,
        size: view.getUint32(12) * unit,
      });
    }
    if (partitions.length > 0) return partitions;
  }
  return [];
}

function pcPartitions(disk: ByteSource): Partition[] {
  const partitions: Partition[] = [];
  const entries = (at: number): { type: number; start: number; size: number }[] => {
    const sector = disk.read(at, SECTOR);
    if (sector.length < SECTOR || viewOf(sector).getUint16(510, true) !== PC_SIGNATURE) return [];
    return [446, 462, 478, 494].map((offset) => ({
      type: sector[offset + 4]!,
      start: viewOf(sector).getUint32(offset + 8, true) * SECTOR,
      size: viewOf(sector).getUint32(offset + 12, true) * SECTOR,
    }));
  };
  const add = (number: number, type: number, start: number, size: number): void => {
    partitions.push({ number, name: '', type: type.toString(16).padStart(2, '0'), start, size });
  };
  let extended = 0;
  entries(0).forEach(({ type, start, size }, i) => {
    if (type === 0 || size === 0) return;
    add(i + 1, type, start, size);
    if (PC_EXTENDED.includes(type) && extended === 0) extended = start;
  });
  // Each logical partition's sector names it and the next such sector.
  let at = extended;
  for (let number = 5; at !== 0 && number < MAX_PARTITIONS; number++) {
    const [logical, next] = entries(at);
    if (logical === undefined || logical.size === 0) break;
    add(number, logical.type, at + logical.start, logical.size);
    at = next !== undefined && PC_EXTENDED.includes(next.type) ? extended + next.start : 0;
  }
  return partitions;
}

const text = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0);
  return textOf(end < 0 ? bytes : bytes.subarray(0, end));
};
