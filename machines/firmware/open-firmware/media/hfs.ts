// SPDX-License-Identifier: MIT
//
// HFS volumes, to read (Inside Macintosh: Files, chapter 2). HFS Plus is not read, nor its volume inside an HFS one.
import { type ByteSource, type Extent, type FileEntry, type FileSystem, pieces, viewOf } from './file-system.ts';
import { textOf } from '../latin1.ts';

const SIGNATURE = 0x4244;
const MDB = 1024;
const SECTOR = 512;
const ROOT = 2;
const MAX_RECORDS = 400_000;
const MAX_DEPTH = 64;
const MAX_EXTENTS = 4096;

const NODE_LEAF = 0xff;
const RECORD_DIRECTORY = 1;
const RECORD_FILE = 2;
const DATA_FORK = 0;

/** Allocation blocks: first and count. */
type BlockRun = readonly [first: number, count: number];

interface HfsNode extends FileEntry {
  readonly id: number;
  readonly parent: number;
}

export function openHfs(volume: ByteSource): FileSystem | undefined {
  const mdb = volume.read(MDB, SECTOR);
  if (mdb.length < SECTOR || viewOf(mdb).getUint16(0) !== SIGNATURE) return undefined;
  const view = viewOf(mdb);
  const blockBytes = view.getUint32(20);
  const firstBlock = view.getUint16(28) * SECTOR;
  if (blockBytes === 0 || blockBytes % SECTOR !== 0) return undefined;
  const byteExtents = (runs: readonly BlockRun[]): Extent[] =>
    runs.map(([first, count]) => ({ offset: firstBlock + first * blockBytes, length: count * blockBytes }));
  const file = (runs: readonly BlockRun[], size: number): ByteSource => pieces(volume, byteExtents(runs), size);

  // Extents that a file's own record has no room for, by fork, file and the first block they stand for.
  const overflow = new Map<string, BlockRun[]>();
  const overflowFile = file(extentRecord(view, 134), view.getUint32(130));
  for (const { key, data } of leafRecords(overflowFile)) {
    if (key.length < 8 || data.length < 12) continue;
    const keyView = viewOf(key);
    overflow.set(`${key[1]!}:${keyView.getUint32(2)}:${keyView.getUint16(6)}`, extentRecord(viewOf(data), 0));
  }
  const allRuns = (id: number, own: readonly BlockRun[], size: number): BlockRun[] => {
    const runs = [...own];
    let blocks = runs.reduce((sum, [, count]) => sum + count, 0);
    while (blocks * blockBytes < size && runs.length < MAX_EXTENTS) {
      const more = overflow.get(`${DATA_FORK}:${id}:${blocks}`);
      if (more === undefined || more.length === 0) break;
      runs.push(...more);
      blocks += more.reduce((sum, [, count]) => sum + count, 0);
    }
    return runs;
  };

  const CATALOG_FILE = 4;
  const catalogBytes = view.getUint32(146);
  const catalog = file(allRuns(CATALOG_FILE, extentRecord(view, 150), catalogBytes), catalogBytes);
  const children = new Map<number, HfsNode[]>();
  const directories = new Map<number, HfsNode>();
  for (const { key, data } of leafRecords(catalog)) {
    const node = catalogRecord(key, data, (id, own, size) => byteExtents(allRuns(id, own, size)));
    if (node === undefined) continue;
    const siblings = children.get(node.parent);
    if (siblings === undefined) children.set(node.parent, [node]);
    else siblings.push(node);
    if (node.directory) directories.set(node.id, node);
  }
  const find = (path: readonly string[]): number | undefined => {
    let at = ROOT;
    for (const name of path.slice(0, MAX_DEPTH)) {
      const wanted = name.toLowerCase();
      const child = children.get(at)?.find((node) => node.directory && node.name.toLowerCase() === wanted);
      if (child === undefined) return undefined;
      at = child.id;
    }
    return at;
  };
  return {
    kind: 'HFS',
    list: (path) => {
      const id = find(path);
      return id === undefined ? undefined : (children.get(id) ?? []);
    },
    get blessed() {
      const path: string[] = [];
      const start = view.getUint32(92);
      if (start === 0) return undefined;
      for (let id = start; id !== ROOT;) {
        const node = directories.get(id);
        if (node === undefined || path.length > MAX_DEPTH) return undefined;
        path.unshift(node.name);
        id = node.parent;
      }
      return path;
    },
  };
}

const extentRecord = (view: DataView, at: number): BlockRun[] =>
  [0, 4, 8]
    .map((offset): BlockRun => [view.getUint16(at + offset), view.getUint16(at + offset + 2)])
    .filter(([, count]) => count > 0);

function catalogRecord(
  key: Uint8Array,
  data: Uint8Array,
  extents: (id: number, own: readonly BlockRun[], size: number) => Extent[],
): HfsNode | undefined {
  if (key.length < 7 || data.length < 10) return undefined;
  const parent = viewOf(key).getUint32(2);
  const name = textOf(key.subarray(7, 7 + key[6]!));
  const view = viewOf(data);
  if (data[0] === RECORD_DIRECTORY) {
    return { name, directory: true, size: 0, type: '', extents: [], id: view.getUint32(6), parent };
  }
  if (data[0] !== RECORD_FILE || data.length < 102) return undefined;
  const id = view.getUint32(20);
  const size = view.getUint32(26);
  const type = textOf(data.subarray(4, 8));
  return { name, directory: false, size, type, extents: extents(id, extentRecord(view, 74), size), id, parent };
}

/** The records of the leaves of a B*-tree, in order. */
function* leafRecords(tree: ByteSource): Generator<{ key: Uint8Array; data: Uint8Array }> {
  const header = tree.read(0, SECTOR);
  if (header.length < SECTOR) return;
  const nodeBytes = viewOf(header).getUint16(32);
  if (nodeBytes < SECTOR || nodeBytes % SECTOR !== 0) return;
  const nodes = Math.floor(tree.size / nodeBytes);
  let left = MAX_RECORDS;
  let node = viewOf(header).getUint32(24);
  for (let visited = 0; node !== 0 && node < nodes && visited <= nodes; visited++) {
    const bytes = tree.read(node * nodeBytes, nodeBytes);
    if (bytes.length < nodeBytes || bytes[8] !== NODE_LEAF) return;
    const view = viewOf(bytes);
    const count = Math.min(view.getUint16(10), (nodeBytes - 14) / 2 - 1);
    for (let i = 0; i < count; i++) {
      if (left-- <= 0) return;
      // Offsets of the records are at the end of the node, last first.
      const start = view.getUint16(nodeBytes - 2 - i * 2);
      const end = view.getUint16(nodeBytes - 4 - i * 2);
      if (start < 14 || end <= start || end > nodeBytes) break;
      const keyBytes = bytes[start]! + 1;
      const dataStart = start + keyBytes + (keyBytes & 1);
      if (bytes[start] === 0 || dataStart >= end) continue;
      yield { key: bytes.subarray(start, start + keyBytes), data: bytes.subarray(dataStart, end) };
    }
    node = view.getUint32(0);
  }
}
