// SPDX-License-Identifier: MIT
//
// Writes kept apart from the image they belong to, by cluster. Format of the side file: docs/formats/overlay.md.
import type { BlockDevice } from '../backplane/host.ts';
import { type ByteStore, ImageError, assertBlocks } from './byte-store.ts';
import { crc32 } from './crc32.ts';

/** Granularity of an overlay, a power of two and a multiple of every block size. */
export const CLUSTER_BYTES = 0x1_0000;

/** Where an overlay keeps the clusters that were written. */
interface Clusters {
  has(cluster: number): boolean;
  read(cluster: number, within: number, into: Uint8Array): void;
  write(cluster: number, within: number, from: Uint8Array): void;
  /** Takes a cluster that was not there before. */
  add(cluster: number, bytes: Uint8Array): void;
  flush(): void;
}

/** `base` as the guest may write it, with the base itself untouched. */
export class Overlay implements BlockDevice {
  readonly blockBytes: number;
  readonly blockCount: number;
  readonly readonly = false;
  readonly title: string;
  readonly #base: BlockDevice;
  readonly #clusters: Clusters;

  private constructor(base: BlockDevice, clusters: Clusters) {
    this.#base = base;
    this.#clusters = clusters;
    this.blockBytes = base.blockBytes;
    this.blockCount = base.blockCount;
    this.title = base.title;
  }

  /** Writes last as long as the object. */
  static inMemory(base: BlockDevice): Overlay {
    return new Overlay(base, new MemoryClusters());
  }

  /**
   * Writes go to `side`: a new overlay when it is empty, otherwise one made earlier for the same base.
   * Throws {@link ImageError} when it is something else, damaged, or belongs to another base.
   */
  static inFile(base: BlockDevice, side: ByteStore): Overlay {
    return new Overlay(base, side.size === 0 ? SideFile.create(base, side) : SideFile.open(base, side));
  }

  read(first: number, into: Uint8Array): void {
    assertBlocks(this, first, into.length);
    let offset = first * this.blockBytes;
    let done = 0;
    while (done < into.length) {
      const kept = this.#clusters.has(Math.floor(offset / CLUSTER_BYTES));
      let bytes = 0;
      do {
        bytes += Math.min(CLUSTER_BYTES - ((offset + bytes) % CLUSTER_BYTES), into.length - done - bytes);
      } while (!kept && done + bytes < into.length && !this.#clusters.has((offset + bytes) / CLUSTER_BYTES));
      const piece = into.subarray(done, done + bytes);
      if (kept) this.#clusters.read(Math.floor(offset / CLUSTER_BYTES), offset % CLUSTER_BYTES, piece);
      else this.#base.read(offset / this.blockBytes, piece);
      offset += bytes;
      done += bytes;
    }
  }

  write(first: number, from: Uint8Array): void {
    assertBlocks(this, first, from.length);
    const start = first * this.blockBytes;
    for (let done = 0; done < from.length;) {
      const offset = start + done;
      const cluster = Math.floor(offset / CLUSTER_BYTES);
      const within = offset % CLUSTER_BYTES;
      const piece = from.subarray(done, done + CLUSTER_BYTES - within);
      if (this.#clusters.has(cluster)) this.#clusters.write(cluster, within, piece);
      else this.#clusters.add(cluster, this.#copyUp(cluster, within, piece));
      done += piece.length;
    }
  }

  flush(): void {
    this.#clusters.flush();
  }

  /** The base's cluster with `piece` written into it. */
  #copyUp(cluster: number, within: number, piece: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(CLUSTER_BYTES);
    if (piece.length < CLUSTER_BYTES) {
      const first = (cluster * CLUSTER_BYTES) / this.blockBytes;
      const blocks = Math.min(CLUSTER_BYTES / this.blockBytes, this.blockCount - first);
      this.#base.read(first, bytes.subarray(0, blocks * this.blockBytes));
    }
    bytes.set(piece, within);
    return bytes;
  }
}

class MemoryClusters implements Clusters {
  readonly #clusters = new Map<number, Uint8Array>();

  has(cluster: number): boolean {
    return this.#clusters.has(cluster);
  }

  read(cluster: number, within: number, into: Uint8Array): void {
    into.set(this.#clusters.get(cluster)!.subarray(within, within + into.length));
  }

  write(cluster: number, within: number, from: Uint8Array): void {
    this.#clusters.get(cluster)!.set(from, within);
  }

  add(cluster: number, bytes: Uint8Array): void {
    this.#clusters.set(cluster, bytes);
  }

  flush(): void {}
}

const MAGIC = 'EMERITOV';
const VERSION = 1;
const HEADER_BYTES = 4096;
const MAP_OFFSET = HEADER_BYTES;
/** 4 TiB of base; bounds what a damaged header can make us allocate. */
const MAX_CLUSTERS = 1 << 26;

/** Offsets of the header's fields, little-endian. */
const HEADER = {
  magic: 0,
  version: 8,
  clusterBytes: 12,
  baseBytes: 16, // 64 bits
  baseHash: 24,
  clusters: 28,
  dataOffset: 32, // 64 bits
  crc: HEADER_BYTES - 4,
} as const;

const SAMPLES = 64;
const SAMPLE_BYTES = 4096;

/** CRC-32 over samples spread evenly over the medium, its beginning and end included. */
export function baseHash(base: BlockDevice): number {
  const blocks = SAMPLE_BYTES / base.blockBytes;
  const last = Math.max(0, base.blockCount - blocks);
  let hash = 0;
  for (let i = 0; i < SAMPLES; i++) {
    const first = Math.floor((last * i) / (SAMPLES - 1));
    const bytes = new Uint8Array(Math.min(blocks, base.blockCount - first) * base.blockBytes);
    base.read(first, bytes);
    hash = crc32(bytes, hash);
  }
  return hash;
}

class SideFile implements Clusters {
  readonly #store: ByteStore;
  readonly #dataOffset: number;
  /** For each cluster of the base 0 (not here) or 1 + the slot that holds it. */
  readonly #map: Uint32Array;
  readonly #dirtyMap = new Set<number>();
  #nextSlot: number;
  #dirty = false;

  private constructor(store: ByteStore, dataOffset: number, map: Uint32Array, nextSlot: number) {
    this.#store = store;
    this.#dataOffset = dataOffset;
    this.#map = map;
    this.#nextSlot = nextSlot;
  }

  static create(base: BlockDevice, store: ByteStore): SideFile {
    const clusters = clusterCount(base);
    const dataOffset = dataOffsetOf(clusters);
    store.write(MAP_OFFSET, new Uint8Array(dataOffset - MAP_OFFSET));
    store.flush();
    // The header comes last: a file with one is whole.
    const header = new Uint8Array(HEADER_BYTES);
    const view = new DataView(header.buffer);
    for (let i = 0; i < MAGIC.length; i++) header[HEADER.magic + i] = MAGIC.charCodeAt(i);
    view.setUint32(HEADER.version, VERSION, true);
    view.setUint32(HEADER.clusterBytes, CLUSTER_BYTES, true);
    view.setBigUint64(HEADER.baseBytes, BigInt(base.blockCount * base.blockBytes), true);
    view.setUint32(HEADER.baseHash, baseHash(base), true);
    view.setUint32(HEADER.clusters, clusters, true);
    view.setBigUint64(HEADER.dataOffset, BigInt(dataOffset), true);
    view.setUint32(HEADER.crc, crc32(header.subarray(0, HEADER.crc)), true);
    store.write(0, header);
    store.flush();
    return new SideFile(store, dataOffset, new Uint32Array(clusters), 0);
  }

  static open(base: BlockDevice, store: ByteStore): SideFile {
    const clusters = clusterCount(base);
    const dataOffset = dataOffsetOf(clusters);
    const header = new Uint8Array(HEADER_BYTES);
    store.read(0, header);
    const view = new DataView(header.buffer);
    const bad = (what: string) => new ImageError(`${store.title}: ${what}`);
    if (!Array.from(MAGIC).every((letter, i) => header[HEADER.magic + i] === letter.charCodeAt(0))) {
      throw bad('not an overlay of this program (its beginning is something else)');
    }
    const version = view.getUint32(HEADER.version, true);
    if (version !== VERSION) throw bad(`overlay format version ${version}, this program reads version ${VERSION}`);
    if (view.getUint32(HEADER.crc, true) !== crc32(header.subarray(0, HEADER.crc))) {
      throw bad('the overlay header is damaged');
    }
    const baseBytes = base.blockCount * base.blockBytes;
    const madeFor = Number(view.getBigUint64(HEADER.baseBytes, true));
    if (madeFor !== baseBytes) throw bad(`made for a base of ${madeFor} bytes, ${base.title} has ${baseBytes}`);
    if (view.getUint32(HEADER.baseHash, true) !== baseHash(base)) {
      throw bad(`made for another base, or ${base.title} was changed since`);
    }
    if (
      view.getUint32(HEADER.clusterBytes, true) !== CLUSTER_BYTES ||
      view.getUint32(HEADER.clusters, true) !== clusters ||
      Number(view.getBigUint64(HEADER.dataOffset, true)) !== dataOffset
    ) {
      throw bad('the overlay header has impossible sizes');
    }
    const raw = new Uint8Array(clusters * 4);
    store.read(MAP_OFFSET, raw);
    const rawView = new DataView(raw.buffer);
    const slots = Math.floor((store.size - dataOffset) / CLUSTER_BYTES);
    const map = new Uint32Array(clusters);
    const taken = new Set<number>();
    let nextSlot = 0;
    for (let cluster = 0; cluster < clusters; cluster++) {
      const entry = rawView.getUint32(cluster * 4, true);
      if (entry === 0) continue;
      if (entry > slots || taken.has(entry)) throw bad(`the overlay map is damaged at cluster ${cluster}`);
      taken.add(entry);
      map[cluster] = entry;
      nextSlot = Math.max(nextSlot, entry);
    }
    return new SideFile(store, dataOffset, map, nextSlot);
  }

  has(cluster: number): boolean {
    return this.#map[cluster] !== 0;
  }

  read(cluster: number, within: number, into: Uint8Array): void {
    this.#store.read(this.#position(cluster) + within, into);
  }

  write(cluster: number, within: number, from: Uint8Array): void {
    this.#dirty = true;
    this.#store.write(this.#position(cluster) + within, from);
  }

  add(cluster: number, bytes: Uint8Array): void {
    this.#dirty = true;
    // The map follows only when the cluster is safely written; should that fail, the slot is used again.
    this.#store.write(this.#dataOffset + this.#nextSlot * CLUSTER_BYTES, bytes);
    this.#map[cluster] = ++this.#nextSlot;
    this.#dirtyMap.add(cluster);
  }

  flush(): void {
    if (!this.#dirty) return;
    this.#store.flush();
    if (this.#dirtyMap.size > 0) {
      const entry = new Uint8Array(4);
      const view = new DataView(entry.buffer);
      for (const cluster of this.#dirtyMap) {
        view.setUint32(0, this.#map[cluster]!, true);
        this.#store.write(MAP_OFFSET + cluster * 4, entry);
      }
      this.#store.flush();
      this.#dirtyMap.clear();
    }
    this.#dirty = false;
  }

  #position(cluster: number): number {
    return this.#dataOffset + (this.#map[cluster]! - 1) * CLUSTER_BYTES;
  }
}

function clusterCount(base: BlockDevice): number {
  const clusters = Math.ceil((base.blockCount * base.blockBytes) / CLUSTER_BYTES);
  if (clusters > MAX_CLUSTERS) throw new ImageError(`${base.title}: too large for an overlay (at most 4 TiB)`);
  return clusters;
}

/** The first multiple of the cluster size behind the map. */
const dataOffsetOf = (clusters: number): number =>
  Math.ceil((MAP_OFFSET + clusters * 4) / CLUSTER_BYTES) * CLUSTER_BYTES;
