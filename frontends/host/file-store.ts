// SPDX-License-Identifier: MIT
import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { MediumError } from '../../machines/backplane/host.ts';
import type { ByteStore } from '../../machines/storage/byte-store.ts';

/** An open file as a byte store: every write reaches the kernel at once, a flush reaches the disk. */
export class FileStore implements ByteStore {
  readonly title: string;
  readonly readonly: boolean;
  readonly #fd: number;
  #size: number;
  #open = true;

  /** Opens `path`; the errors are Node's own. */
  constructor(path: string, mode: 'read' | 'write' | 'create') {
    this.title = path;
    this.readonly = mode === 'read';
    this.#fd = openSync(path, mode === 'read' ? 'r' : mode === 'write' ? 'r+' : 'wx+');
    this.#size = fstatSync(this.#fd).size;
  }

  get size(): number {
    return this.#size;
  }

  read(offset: number, into: Uint8Array): void {
    let done = 0;
    while (done < into.length) {
      const bytes = this.#host('read', () => readSync(this.#fd, into, done, into.length - done, offset + done));
      if (bytes === 0) break;
      done += bytes;
    }
    into.fill(0, done);
  }

  write(offset: number, from: Uint8Array): void {
    let done = 0;
    while (done < from.length) {
      done += this.#host('write', () => writeSync(this.#fd, from, done, from.length - done, offset + done));
    }
    this.#size = Math.max(this.#size, offset + from.length);
  }

  flush(): void {
    if (!this.readonly) this.#host('flush', () => fdatasyncSync(this.#fd));
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#fd);
  }

  #host<T>(what: string, call: () => T): T {
    try {
      return call();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new MediumError(`${this.title}: cannot ${what}: ${reason}`, { cause: error });
    }
  }
}
