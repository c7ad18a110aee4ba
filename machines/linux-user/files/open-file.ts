// SPDX-License-Identifier: MIT
//
// An open file description: what descriptors in one or several processes refer to. Nothing here waits; an operation
// that cannot go on returns -EAGAIN, and `interest` says what to wait for.
import { EBADF, EINVAL, ENODEV, ENOTTY, ESPIPE } from '../abi/errno.ts';
import { O_ACCMODE, O_RDONLY, O_WRONLY, POLLIN, POLLOUT } from '../abi/files.ts';
import type { HostStat } from '../host-os.ts';
import type { Mappable } from '../memory/page-cache.ts';
import type { Task } from '../process/process.ts';
import type { HostInterest, WaitQueue } from '../waiting.ts';

export interface Interest {
  readonly queue?: WaitQueue;
  readonly host?: HostInterest;
}

export abstract class OpenFile {
  #references = 0;
  /** O_… as F_GETFL gives them, without creation flags. */
  flags: number;
  /** For /proc/self/fd and for paths relative to a directory: a byte string. */
  readonly path: string;
  /** Epoll sets that watch this file drop it when it closes. */
  readonly onClose = new Set<() => void>();
  owner = 0;

  constructor(flags: number, path: string) {
    this.flags = flags;
    this.path = path;
  }

  retain(): this {
    this.#references++;
    return this;
  }

  release(): void {
    if (--this.#references > 0) return;
    for (const tell of [...this.onClose]) tell();
    this.close();
  }

  get references(): number {
    return this.#references;
  }

  get canRead(): boolean {
    return (this.flags & O_ACCMODE) !== O_WRONLY;
  }

  get canWrite(): boolean {
    return (this.flags & O_ACCMODE) !== O_RDONLY;
  }

  /** Its descriptor on the host, when it has one. */
  get hostFd(): number | undefined {
    return undefined;
  }

  /** Reads and writes of this file come and go in one piece (datagrams, counters), not page by page. */
  readonly whole: boolean = true;
  /** Device and inode, of regular files. */
  readonly identity: string | undefined = undefined;

  read(_bytes: Uint8Array, _task: Task): number {
    return this.canRead ? -EINVAL : -EBADF;
  }

  write(_bytes: Uint8Array, _task: Task): number {
    return this.canWrite ? -EINVAL : -EBADF;
  }

  readAt(_bytes: Uint8Array, _position: number): number {
    return -ESPIPE;
  }

  writeAt(_bytes: Uint8Array, _position: number): number {
    return -ESPIPE;
  }

  seek(_offset: number, _whence: number): number {
    return -ESPIPE;
  }

  /** POLLIN, POLLOUT … that hold now, among those asked for and those always reported. */
  poll(_events: number): number {
    return POLLIN | POLLOUT;
  }

  /** Where a change of `events` is told; undefined when the file is always ready. */
  interest(_events: number): Interest | undefined {
    return undefined;
  }

  ioctl(_request: number, _argument: bigint, _task: Task): number {
    return -ENOTTY;
  }

  abstract stat(): HostStat | number;

  mappable(): Mappable | number {
    return -ENODEV;
  }

  /** Takes over F_SETFL; a negative error refuses it. */
  setFlags(flags: number): number {
    this.flags = flags;
    return 0;
  }

  protected close(): void {}
}

let anonymousInode = 1n << 40n;

/** What fstat says about things without a place in a file system. */
export function anonymousStat(mode: number): HostStat {
  return {
    dev: 13n,
    ino: anonymousInode++,
    nlink: 1n,
    mode,
    uid: 0,
    gid: 0,
    rdev: 0n,
    size: 0n,
    blksize: 4096n,
    blocks: 0n,
    atimeNs: 0n,
    mtimeNs: 0n,
    ctimeNs: 0n,
  };
}
