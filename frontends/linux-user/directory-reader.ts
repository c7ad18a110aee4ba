// SPDX-License-Identifier: MIT
//
// Directories without the C library: Node lists one at once, getdents64 gives it in parts.
import { type Dirent, lstatSync, readdirSync } from 'node:fs';

const EINVAL = 22;
/** inode, offset of the next entry, length, type; then the name. */
const NAME = 19;

interface Entry {
  readonly name: Buffer;
  readonly type: number;
}

interface Listing {
  readonly entries: readonly Entry[];
  next: number;
}

export class DirectoryReader {
  readonly #listings = new Map<number, Listing>();

  /** Fills `bytes` with struct linux_dirent64s; their count in bytes, 0 at the end. Throws as Node does. */
  read(fd: number, bytes: Uint8Array): number {
    let listing = this.#listings.get(fd);
    if (listing === undefined) this.#listings.set(fd, (listing = { entries: list(fd), next: 0 }));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let filled = 0;
    for (; listing.next < listing.entries.length; listing.next++) {
      const { name, type } = listing.entries[listing.next]!;
      const length = (NAME + name.length + 1 + 7) & ~7;
      if (filled + length > bytes.length) return filled === 0 ? -EINVAL : filled;
      const inode = inodeOf(fd, name);
      // Removed since the directory was listed.
      if (inode === undefined) continue;
      bytes.fill(0, filled, filled + length);
      view.setBigUint64(filled, inode, true);
      view.setBigInt64(filled + 8, BigInt(listing.next + 1), true);
      view.setUint16(filled + 16, length, true);
      view.setUint8(filled + 18, type);
      bytes.set(name, filled + NAME);
      filled += length;
    }
    return filled;
  }

  /** Goes to an offset that an entry told; at the beginning the directory is listed anew. */
  seek(fd: number, offset: number): number {
    const listing = this.#listings.get(fd);
    if (offset < 0 || offset > (listing?.entries.length ?? 0)) return -EINVAL;
    if (offset === 0) this.#listings.delete(fd);
    else if (listing !== undefined) listing.next = offset;
    return offset;
  }

  forget(fd: number): void {
    this.#listings.delete(fd);
  }
}

const folderOf = (fd: number): Buffer => Buffer.from(`/proc/self/fd/${fd}/`);

function list(fd: number): Entry[] {
  const found = readdirSync(folderOf(fd), { encoding: 'buffer', withFileTypes: true });
  const own = ['.', '..'].map((name) => ({ name: Buffer.from(name), type: 4 }));
  return [...own, ...found.map((entry) => ({ name: entry.name, type: typeOf(entry) }))];
}

/** DT_* of an entry. */
function typeOf(entry: Dirent<Buffer>): number {
  if (entry.isFile()) return 8;
  if (entry.isDirectory()) return 4;
  if (entry.isSymbolicLink()) return 10;
  if (entry.isFIFO()) return 1;
  if (entry.isCharacterDevice()) return 2;
  if (entry.isBlockDevice()) return 6;
  return entry.isSocket() ? 12 : 0;
}

function inodeOf(fd: number, name: Buffer): bigint | undefined {
  try {
    return lstatSync(Buffer.concat([folderOf(fd), name]), { bigint: true }).ino;
  } catch {
    return undefined;
  }
}
