// SPDX-License-Identifier: MIT
//
// A machine as bytes; the format is described in docs/formats/snapshot.md.
import { type Plain, type PlainFields, SnapshotError } from './device.ts';
import type { Machine } from './machine.ts';
import { type MemoryBlock, PAGE_BYTES } from './memory.ts';
import { decodePlain, encodePlain } from './plain-codec.ts';

const MAGIC = 'EMERITUS';
const VERSION = 1;

/** What the guest has asked for, and a device that asked with a pulse does not ask for again. */
export interface Requested {
  readonly off: boolean;
  readonly resetPending: boolean;
}

/** Every device, the time and all memory. Pages of zeros are left out. */
export function takeSnapshot(machine: Machine, { off, resetPending }: Requested): Uint8Array {
  const { board } = machine;
  const memory: PlainFields = {};
  for (const block of board.memory.blocks) memory[block.name] = savePages(block.bytes);
  const { scheduler, devices } = board.save();
  const body: PlainFields = { magic: MAGIC, version: VERSION, off, resetPending, scheduler, devices, memory };
  return encodePlain(body);
}

/**
 * Puts back what {@link takeSnapshot} took, into a machine built with the same configuration. When that cannot be, the
 * machine is as it was before, and a {@link SnapshotError} says why.
 */
export function restoreSnapshot(machine: Machine, bytes: Uint8Array): Requested {
  const requested = check(machine, decodePlain(bytes));
  const before = takeSnapshot(machine, requested);
  try {
    apply(machine, requested);
  } catch (error) {
    // A device has refused its fields, when memory and other devices have changed.
    apply(machine, check(machine, decodePlain(before)));
    throw error;
  }
  return { off: requested.off, resetPending: requested.resetPending };
}

/** A snapshot whose parts are there, and whose memory fits. */
interface Checked extends Requested {
  readonly scheduler: PlainFields;
  readonly devices: Record<string, PlainFields>;
  readonly blocks: readonly { readonly block: MemoryBlock; readonly saved: SavedPages }[];
}

function check(machine: Machine, body: Plain): Checked {
  if (!isFields(body) || body['magic'] !== MAGIC) throw new SnapshotError('this is not a snapshot of Emeritus');
  if (body['version'] !== VERSION) {
    throw new SnapshotError(`snapshot format ${String(body['version'])}; this version reads ${VERSION}`);
  }
  const { off = false, resetPending = false, scheduler, devices, memory } = body;
  if (typeof off !== 'boolean' || typeof resetPending !== 'boolean') throw new SnapshotError('damaged snapshot');
  if (!isFields(scheduler) || !isFields(devices) || !isFields(memory)) throw new SnapshotError('damaged snapshot');
  const blocks = machine.board.memory.blocks.map((block) => {
    const fields = memory[block.name];
    if (!isFields(fields)) {
      throw new SnapshotError(
        `the snapshot has no memory "${block.name}": was it taken of another machine, or with other options?`,
      );
    }
    return { block, saved: savedPages(block.name, block.bytes.length, fields) };
  });
  return { off, resetPending, scheduler, devices: devices as Record<string, PlainFields>, blocks };
}

function apply({ board }: Machine, { scheduler, devices, blocks }: Checked): void {
  for (const { block, saved } of blocks) {
    restorePages(block.bytes, saved);
    board.memory.written(block.offset, block.size);
  }
  board.restore({ scheduler, devices });
}

function savePages(bytes: Uint8Array): PlainFields {
  const words = new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
  const present: number[] = [];
  for (let page = 0; page < bytes.length / PAGE_BYTES; page++) {
    const first = (page * PAGE_BYTES) / 8;
    for (let i = first; i < first + PAGE_BYTES / 8; i++) {
      if (words[i] === 0n) continue;
      present.push(page);
      break;
    }
  }
  const data = new Uint8Array(present.length * PAGE_BYTES);
  present.forEach((page, index) => {
    data.set(bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES), index * PAGE_BYTES);
  });
  return { size: bytes.length, pages: Uint32Array.from(present), data };
}

interface SavedPages {
  readonly pages: Uint32Array;
  readonly data: Uint8Array;
}

function savedPages(name: string, length: number, { size, pages, data }: PlainFields): SavedPages {
  if (size !== length) throw new SnapshotError(`memory "${name}" has ${length} bytes, not ${String(size)}`);
  if (
    !(pages instanceof Uint32Array) ||
    !(data instanceof Uint8Array) ||
    data.length !== pages.length * PAGE_BYTES ||
    pages.some((page) => (page + 1) * PAGE_BYTES > length)
  ) {
    throw new SnapshotError(`memory "${name}" is damaged`);
  }
  return { pages, data };
}

function restorePages(bytes: Uint8Array, { pages, data }: SavedPages): void {
  bytes.fill(0);
  pages.forEach((page, index) => {
    bytes.set(data.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES), page * PAGE_BYTES);
  });
}

const isFields = (value: Plain | undefined): value is PlainFields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
