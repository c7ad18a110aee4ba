// SPDX-License-Identifier: MIT
import { EBADF, EMFILE } from '../abi/errno.ts';
import type { OpenFile } from './open-file.ts';

export interface Descriptor {
  readonly file: OpenFile;
  closeOnExec: boolean;
}

/** The descriptors of a process, or of several that were cloned with CLONE_FILES. */
export class FdTable {
  readonly #slots: (Descriptor | undefined)[] = [];
  users = 1;
  /** Record locks of the process go when it closes any descriptor of the file. */
  onCloseFile: (file: OpenFile) => void = () => {};

  get(fd: number): OpenFile | undefined {
    return this.#slots[fd]?.file;
  }

  descriptor(fd: number): Descriptor | undefined {
    return this.#slots[fd];
  }

  /** Puts the file in the lowest free place from `from` on; `limit` is RLIMIT_NOFILE. */
  add(file: OpenFile, closeOnExec: boolean, limit: number, from = 0): number {
    let fd = from;
    while (this.#slots[fd] !== undefined) fd++;
    if (fd >= limit) {
      // Somebody holds it for the length of this call.
      file.retain().release();
      return -EMFILE;
    }
    this.#slots[fd] = { file: file.retain(), closeOnExec };
    return fd;
  }

  /** dup2: replaces what is there. */
  put(fd: number, file: OpenFile, closeOnExec: boolean): void {
    const old = this.#slots[fd];
    this.#slots[fd] = { file: file.retain(), closeOnExec };
    if (old !== undefined) this.#drop(old);
  }

  close(fd: number): number {
    const slot = this.#slots[fd];
    if (slot === undefined) return -EBADF;
    this.#slots[fd] = undefined;
    this.#drop(slot);
    return 0;
  }

  #drop(slot: Descriptor): void {
    this.onCloseFile(slot.file);
    slot.file.release();
  }

  *entries(): Generator<[number, Descriptor]> {
    for (const [fd, slot] of this.#slots.entries()) if (slot !== undefined) yield [fd, slot];
  }

  clone(): FdTable {
    const copy = new FdTable();
    for (const [fd, slot] of this.entries()) {
      copy.#slots[fd] = { file: slot.file.retain(), closeOnExec: slot.closeOnExec };
    }
    return copy;
  }

  closeOnExec(): void {
    for (const [fd, slot] of this.entries()) if (slot.closeOnExec) this.close(fd);
  }

  closeAll(): void {
    for (const [fd] of this.entries()) this.close(fd);
    this.#slots.length = 0;
  }
}
