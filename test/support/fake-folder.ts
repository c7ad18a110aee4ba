// SPDX-License-Identifier: MIT
import {
  type HostEntry,
  type HostFile,
  type HostFolder,
  HostFolderError,
  type HostPath,
  type HostProblem,
  type HostStat,
} from '../../machines/backplane/host-folder.ts';

interface Node {
  readonly bytes: { data: Uint8Array; size: number } | undefined;
  modifiedMs: number;
  writable: boolean;
}

/** Sparse files keep at most this much, so that a test may make them long. */
const KEPT_BYTES = 1 << 16;

/** A folder in memory, which counts paths that no folder should be asked for. */
export class FakeFolder implements HostFolder {
  readonly title = 'fake';
  freeBytes = 1 << 20;
  escapes = 0;
  openFiles = 0;
  /** Everything fails with this. */
  failing: HostProblem | undefined;
  readonly #nodes = new Map<string, Node>();
  readonly #nowMs: number;

  constructor(nowMs = 0) {
    this.#nowMs = nowMs;
  }

  /** Adds a file, and the folders it is in. */
  add(name: string, text: string): void {
    const parts = name.split('/');
    parts.slice(0, -1).forEach((_, i) => this.#nodes.set(parts.slice(0, i + 1).join('/'), this.#node(undefined)));
    this.#nodes.set(name, this.#node(new TextEncoder().encode(text)));
  }

  names(): string[] {
    return [...this.#nodes.keys()].sort();
  }

  #node(data: Uint8Array | undefined): Node {
    const bytes = data && { data, size: data.length };
    return { bytes, modifiedMs: this.#nowMs, writable: true };
  }

  #key(path: HostPath): string {
    if (this.failing !== undefined) throw new HostFolderError(this.failing);
    if (
      path.some((name) => name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0'))
    ) {
      this.escapes++;
      throw new HostFolderError('bad name');
    }
    return path.join('/');
  }

  #get(path: HostPath): Node {
    const node = this.#nodes.get(this.#key(path));
    if (node === undefined) throw new HostFolderError('missing');
    return node;
  }

  #put(path: HostPath, node: Node): void {
    const key = this.#key(path);
    const parent = path.slice(0, -1);
    if (parent.length > 0 && this.#get(parent).bytes !== undefined) throw new HostFolderError('missing');
    this.#nodes.set(key, node);
  }

  list(path: HostPath): readonly HostEntry[] {
    const prefix = path.length === 0 ? this.#key(path) : `${this.#key(path)}/`;
    if (path.length > 0 && this.#get(path).bytes !== undefined) throw new HostFolderError('missing');
    return [...this.#nodes]
      .filter(([key]) => key.startsWith(prefix) && !key.slice(prefix.length).includes('/') && key !== prefix)
      .map(([key, { bytes }]) => ({ name: key.slice(prefix.length), folder: bytes === undefined }));
  }

  stat(path: HostPath): HostStat | undefined {
    const shared = { publicRead: true, publicWrite: true };
    if (path.length === 0) return { folder: true, bytes: 0, modifiedMs: this.#nowMs, writable: true, ...shared };
    const node = this.#nodes.get(this.#key(path));
    if (node === undefined) return undefined;
    const { bytes, modifiedMs, writable } = node;
    return {
      folder: bytes === undefined,
      bytes: bytes?.size ?? 0,
      modifiedMs,
      ...shared,
      writable,
      publicWrite: writable,
    };
  }

  open(path: HostPath, mode: 'read' | 'update'): HostFile {
    const { bytes, writable } = this.#get(path);
    if (bytes === undefined) throw new HostFolderError('folder');
    if (mode === 'update' && !writable) throw new HostFolderError('denied');
    this.openFiles++;
    return this.#file(bytes, mode);
  }

  #file(bytes: { data: Uint8Array; size: number }, mode: 'read' | 'update'): HostFile {
    const check = (): void => {
      if (this.failing !== undefined) throw new HostFolderError(this.failing);
    };
    const resize = (size: number): void => {
      check();
      if (mode === 'read') throw new HostFolderError('denied');
      const data = new Uint8Array(Math.min(size, KEPT_BYTES));
      data.set(bytes.data.subarray(0, data.length));
      bytes.data = data;
      bytes.size = size;
    };
    let open = true;
    return {
      get bytes() {
        return bytes.size;
      },
      read: (offset, into) => {
        check();
        const from = bytes.data.subarray(offset, offset + into.length);
        into.set(from);
        return from.length;
      },
      write: (offset, from) => {
        if (offset + from.length > bytes.size) resize(offset + from.length);
        check();
        if (offset < bytes.data.length) bytes.data.set(from.subarray(0, bytes.data.length - offset), offset);
      },
      resize,
      close: () => {
        if (open) this.openFiles--;
        open = false;
      },
    };
  }

  create(path: HostPath, size: number): void {
    const old = this.#nodes.get(this.#key(path));
    if (old !== undefined && old.bytes === undefined) throw new HostFolderError('folder');
    const node = this.#node(new Uint8Array(Math.min(size, KEPT_BYTES)));
    node.bytes!.size = size;
    this.#put(path, node);
  }

  createFolder(path: HostPath): void {
    if (this.#nodes.has(this.#key(path))) throw new HostFolderError('exists');
    this.#put(path, this.#node(undefined));
  }

  remove(path: HostPath): void {
    if (this.#get(path).bytes === undefined && this.list(path).length > 0) throw new HostFolderError('not empty');
    this.#nodes.delete(this.#key(path));
  }

  rename(from: HostPath, to: HostPath): void {
    const [source, target] = [this.#key(from), this.#key(to)];
    if (this.#nodes.has(target)) throw new HostFolderError('exists');
    this.#put(to, this.#get(from));
    this.#nodes.delete(source);
    for (const [key, node] of [...this.#nodes]) {
      if (!key.startsWith(`${source}/`)) continue;
      this.#nodes.delete(key);
      this.#nodes.set(target + key.slice(source.length), node);
    }
  }

  setModified(path: HostPath, ms: number): void {
    if (path.length > 0) this.#get(path).modifiedMs = ms;
  }

  setWritable(path: HostPath, writable: boolean): void {
    this.#get(path).writable = writable;
  }

  space(): { readonly freeBytes: number; readonly totalBytes: number } {
    return { freeBytes: this.freeBytes, totalBytes: 2 * this.freeBytes };
  }
}
