// SPDX-License-Identifier: MIT
//
// Media made from nothing: ELF programs, ISO 9660 with Rock Ridge, an Apple partition map, HFS.

export interface MadeFile {
  readonly path: string;
  readonly data: Uint8Array;
  readonly type?: string;
  /** HFS: in how many extents. */
  readonly pieces?: number;
}

const put = (into: Uint8Array, at: number, text: string): void =>
  into.set(
    Uint8Array.from(text, (c) => c.charCodeAt(0)),
    at,
  );
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export interface MadeSegment {
  readonly va: number;
  readonly bytes: Uint8Array;
  readonly memoryBytes: number;
}

export function elf(entry: number, segments: readonly MadeSegment[]): Uint8Array {
  const headers = 52 + 32 * segments.length;
  const image = new Uint8Array(headers + segments.reduce((sum, segment) => sum + segment.bytes.length, 0));
  const view = viewOf(image);
  image.set([0x7f, 0x45, 0x4c, 0x46, 1, 2, 1]);
  view.setUint16(16, 2);
  view.setUint16(18, 20);
  view.setUint32(20, 1);
  view.setUint32(24, entry);
  view.setUint32(28, 52);
  view.setUint16(40, 52);
  view.setUint16(42, 32);
  view.setUint16(44, segments.length);
  let at = headers;
  segments.forEach(({ va, bytes, memoryBytes }, i) => {
    [1, at, va, va & 0x0fff_ffff, bytes.length, memoryBytes, 7, 0x1000].forEach((word, n) =>
      view.setUint32(52 + i * 32 + n * 4, word),
    );
    image.set(bytes, at);
    at += bytes.length;
  });
  return image;
}

interface TreeDirectory {
  readonly name: string;
  readonly children: Map<string, TreeDirectory | MadeFile>;
}

function asTree(files: readonly MadeFile[]): TreeDirectory {
  const root: TreeDirectory = { name: '', children: new Map() };
  for (const file of files) {
    const names = file.path.split('/');
    let at = root;
    for (const name of names.slice(0, -1)) {
      let next = at.children.get(name);
      if (next === undefined || !('children' in next)) {
        next = { name, children: new Map() };
        at.children.set(name, next);
      }
      at = next;
    }
    at.children.set(names.at(-1)!, file);
  }
  return root;
}

const SECTOR = 2048;

/** One directory a sector; every other name is an 8.3 one, the real one in an NM entry. */
export function isoImage(files: readonly MadeFile[], { rockRidge = true } = {}): Uint8Array {
  const sectors: Uint8Array[] = Array.from({ length: 18 }, () => new Uint8Array(SECTOR));
  const allocate = (bytes: Uint8Array): { at: number; size: number } => {
    const at = sectors.length;
    for (let offset = 0; offset < Math.max(1, bytes.length); offset += SECTOR) {
      const sector = new Uint8Array(SECTOR);
      sector.set(bytes.subarray(offset, offset + SECTOR));
      sectors.push(sector);
    }
    return { at, size: bytes.length };
  };
  let serial = 0;
  const record = (name: string, at: number, size: number, directory: boolean): Uint8Array => {
    const special = name === '\0' || name === '\x01';
    const own = special ? name : rockRidge ? `F${serial++}${directory ? '' : '.;1'}` : `${name};1`;
    const pad = (own.length & 1) ^ 1;
    const nm = special || !rockRidge ? 0 : 5 + name.length;
    const bytes = new Uint8Array((33 + own.length + pad + nm + 1) & ~1);
    const view = viewOf(bytes);
    bytes[0] = bytes.length;
    view.setUint32(2, at, true);
    view.setUint32(6, at);
    view.setUint32(10, size, true);
    view.setUint32(14, size);
    bytes[25] = directory ? 2 : 0;
    bytes[32] = own.length;
    put(bytes, 33, own);
    if (nm > 0) {
      const start = 33 + own.length + pad;
      bytes.set([0x4e, 0x4d, nm, 1, 0], start);
      put(bytes, start + 5, name);
    }
    return bytes;
  };
  const directory = (dir: TreeDirectory): { at: number; size: number } => {
    const records = [record('\0', 0, SECTOR, true), record('\x01', 0, SECTOR, true)];
    for (const [name, child] of dir.children) {
      const isDirectory = 'children' in child;
      const { at, size } = isDirectory ? directory(child) : allocate(child.data);
      records.push(record(name, at, isDirectory ? SECTOR : size, isDirectory));
    }
    const bytes = new Uint8Array(SECTOR);
    let at = 0;
    for (const one of records) {
      bytes.set(one, at);
      at += one.length;
    }
    return allocate(bytes);
  };
  const root = directory(asTree(files));
  const primary = sectors[16]!;
  primary[0] = 1;
  put(primary, 1, 'CD001');
  primary.set(record('\0', root.at, SECTOR, true), 156);
  sectors[17]![0] = 255;
  put(sectors[17]!, 1, 'CD001');
  const image = new Uint8Array(sectors.length * SECTOR);
  sectors.forEach((sector, i) => image.set(sector, i * SECTOR));
  return image;
}

export function applePartitioned(parts: readonly { name: string; type: string; data: Uint8Array }[]): Uint8Array {
  const first = 1 + parts.length;
  const blocks = parts.map((part) => Math.max(1, Math.ceil(part.data.length / 512)));
  const image = new Uint8Array((first + blocks.reduce((a, b) => a + b, 0)) * 512);
  const view = viewOf(image);
  view.setUint16(0, 0x4552);
  view.setUint16(2, 512);
  let at = first;
  parts.forEach((part, i) => {
    const entry = (i + 1) * 512;
    view.setUint16(entry, 0x504d);
    view.setUint32(entry + 4, parts.length);
    view.setUint32(entry + 8, at);
    view.setUint32(entry + 12, blocks[i]!);
    put(image, entry + 16, part.name);
    put(image, entry + 48, part.type);
    image.set(part.data, at * 512);
    at += blocks[i]!;
  });
  return image;
}

const HFS_BLOCK = 512;
const HFS_FIRST = 8; // sector of allocation block 0
const HFS_NODE = 512;

/** A B*-tree of leaves in a chain; an index is not needed to read it in order. */
function bTree(records: readonly Uint8Array[]): Uint8Array {
  const leaves: Uint8Array[][] = [[]];
  let used = 14;
  for (const one of records) {
    if (used + one.length + 2 * (leaves.at(-1)!.length + 2) > HFS_NODE) {
      leaves.push([]);
      used = 14;
    }
    leaves.at(-1)!.push(one);
    used += one.length;
  }
  const tree = new Uint8Array((leaves.length + 1) * HFS_NODE);
  const view = viewOf(tree);
  tree[8] = 1;
  view.setUint32(14 + 10, records.length === 0 ? 0 : 1);
  view.setUint16(14 + 18, HFS_NODE);
  leaves.forEach((leaf, i) => {
    const node = (i + 1) * HFS_NODE;
    view.setUint32(node, i + 1 < leaves.length ? i + 2 : 0);
    tree[node + 8] = 0xff;
    tree[node + 9] = 1;
    view.setUint16(node + 10, leaf.length);
    let at = 14;
    leaf.forEach((one, n) => {
      view.setUint16(node + HFS_NODE - 2 - n * 2, at);
      tree.set(one, node + at);
      at += one.length;
    });
    view.setUint16(node + HFS_NODE - 2 - leaf.length * 2, at);
  });
  return tree;
}

const even = (length: number): number => (length + 1) & ~1;

export function hfsVolume({ files, blessed }: { files: readonly MadeFile[]; blessed?: string }): Uint8Array {
  const blocks: Uint8Array[] = [];
  type Run = [first: number, count: number];
  const allocate = (data: Uint8Array, pieces = 1): Run[] => {
    const total = Math.ceil(data.length / HFS_BLOCK);
    const each = Math.ceil(total / pieces);
    const runs: Run[] = [];
    for (let block = 0; block < total; block += each) {
      const count = Math.min(each, total - block);
      runs.push([blocks.length, count]);
      for (let i = 0; i < count; i++) {
        const bytes = new Uint8Array(HFS_BLOCK);
        bytes.set(data.subarray((block + i) * HFS_BLOCK, (block + i + 1) * HFS_BLOCK));
        blocks.push(bytes);
      }
      if (pieces > 1) blocks.push(new Uint8Array(HFS_BLOCK)); // a gap
    }
    return runs;
  };
  const catalog: Uint8Array[] = [];
  const overflow: Uint8Array[] = [];
  const key = (parent: number, name: string, data: Uint8Array): Uint8Array => {
    const length = even(7 + name.length);
    const bytes = new Uint8Array(length + even(data.length));
    bytes[0] = 6 + name.length;
    viewOf(bytes).setUint32(2, parent);
    bytes[6] = name.length;
    put(bytes, 7, name);
    bytes.set(data, length);
    return bytes;
  };
  const runRecord = (view: DataView, at: number, runs: readonly Run[]): void =>
    runs.slice(0, 3).forEach(([first, count], i) => {
      view.setUint16(at + i * 4, first);
      view.setUint16(at + i * 4 + 2, count);
    });
  let nextId = 16;
  let blessedId = 0;
  const addDirectory = (dir: TreeDirectory, id: number): void => {
    for (const [name, child] of dir.children) {
      const childId = nextId++;
      if ('children' in child) {
        const data = new Uint8Array(70);
        data[0] = 1;
        viewOf(data).setUint32(6, childId);
        catalog.push(key(id, name, data));
        if (name === blessed) blessedId = childId;
        addDirectory(child, childId);
        continue;
      }
      const runs = allocate(child.data, child.pieces);
      const data = new Uint8Array(102);
      const view = viewOf(data);
      data[0] = 2;
      put(data, 4, child.type ?? 'TEXT');
      view.setUint32(20, childId);
      view.setUint32(26, child.data.length);
      runRecord(view, 74, runs);
      catalog.push(key(id, name, data));
      let before = runs.slice(0, 3).reduce((sum, [, count]) => sum + count, 0);
      for (let i = 3; i < runs.length; i += 3) {
        const part = runs.slice(i, i + 3);
        const bytes = new Uint8Array(8 + 12);
        bytes[0] = 7;
        viewOf(bytes).setUint32(2, childId);
        viewOf(bytes).setUint16(6, before);
        runRecord(viewOf(bytes), 8, part);
        overflow.push(bytes);
        before += part.reduce((sum, [, count]) => sum + count, 0);
      }
    }
  };
  addDirectory(asTree(files), 2);
  const catalogTree = bTree(catalog);
  const overflowTree = bTree(overflow);
  const catalogRuns = allocate(catalogTree);
  const overflowRuns = allocate(overflowTree);
  const image = new Uint8Array((HFS_FIRST + blocks.length + 2) * 512);
  const view = viewOf(image);
  const mdb = 1024;
  view.setUint16(mdb, 0x4244);
  view.setUint16(mdb + 18, blocks.length);
  view.setUint32(mdb + 20, HFS_BLOCK);
  view.setUint16(mdb + 28, HFS_FIRST);
  view.setUint32(mdb + 92, blessedId);
  view.setUint32(mdb + 130, overflowTree.length);
  runRecord(view, mdb + 134, overflowRuns);
  view.setUint32(mdb + 146, catalogTree.length);
  runRecord(view, mdb + 150, catalogRuns);
  blocks.forEach((block, i) => image.set(block, (HFS_FIRST + i) * 512));
  return image;
}
