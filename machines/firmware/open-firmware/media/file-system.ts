// SPDX-License-Identifier: MIT
import type { BlockDevice } from '../../../backplane/host.ts';

/** Bytes of a disk, a partition or a file. Reads beyond the end are short. */
export interface ByteSource {
  readonly size: number;
  read(offset: number, length: number): Uint8Array;
}

export interface Extent {
  readonly offset: number;
  readonly length: number;
}

export interface FileEntry {
  readonly name: string;
  readonly directory: boolean;
  readonly size: number;
  /** Four-character file type, where the file system has one. */
  readonly type: string;
  /** Where the data is, in bytes from the start of the volume. */
  readonly extents: readonly Extent[];
}

export interface FileSystem {
  readonly kind: string;
  /** The entries of a directory by the names on the way to it; `undefined` when there is none. */
  list(path: readonly string[]): readonly FileEntry[] | undefined;
  /** Names on the way to the folder with the system to start, as HFS volumes have one. */
  readonly blessed?: readonly string[] | undefined;
}

export const NO_DATA = new Uint8Array(0);

export const slice = (source: ByteSource, start: number, size: number): ByteSource => {
  const length = Math.max(0, Math.min(size, source.size - start));
  return {
    size: length,
    read: (offset, count) => {
      const rest = Math.min(count, length - offset);
      return rest <= 0 ? NO_DATA : source.read(start + offset, rest);
    },
  };
};

/** Several pieces of a volume as one run of bytes. */
export const pieces = (source: ByteSource, extents: readonly Extent[], size: number): ByteSource => ({
  size,
  read: (offset, count) => {
    const wanted = Math.max(0, Math.min(count, size - offset));
    const out = new Uint8Array(wanted);
    let done = 0;
    let start = 0;
    for (const extent of extents) {
      const skip = offset + done - start;
      if (done < wanted && skip >= 0 && skip < extent.length) {
        const part = source.read(extent.offset + skip, Math.min(wanted - done, extent.length - skip));
        if (part.length === 0) break;
        out.set(part, done);
        done += part.length;
      }
      start += extent.length;
    }
    return out.subarray(0, done);
  },
});

/** A block device as bytes. */
export function deviceBytes(device: BlockDevice): ByteSource {
  const { blockBytes } = device;
  const size = blockBytes * device.blockCount;
  return {
    size,
    read: (offset, length) => {
      const count = Math.min(length, size - offset);
      if (count <= 0 || offset < 0) return NO_DATA;
      const first = Math.floor(offset / blockBytes);
      const blocks = Math.ceil((offset + count) / blockBytes) - first;
      const bytes = new Uint8Array(blocks * blockBytes);
      device.read(first, bytes);
      const skip = offset - first * blockBytes;
      return bytes.subarray(skip, skip + count);
    },
  };
}

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Follows names, upper and lower case alike. */
export function findFile(fs: FileSystem, path: readonly string[]): FileEntry | undefined {
  const name = path.at(-1);
  if (name === undefined) return undefined;
  const entries = fs.list(path.slice(0, -1));
  // A last name that starts with a colon is a file type.
  if (name.startsWith(':')) return entries?.find((entry) => !entry.directory && entry.type.trim() === name.slice(1));
  return entries?.find((entry) => entry.name.toLowerCase() === name.toLowerCase());
}
