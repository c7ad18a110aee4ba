// SPDX-License-Identifier: MIT
//
// Files that live on the host: regular files and directories, and everything that has to be waited for (pipes,
// sockets, terminals, devices).
import { EACCES, EAGAIN, EBADF, EINVAL, EIO, EISDIR, ENODEV, ENOTTY, EPIPE } from '../abi/errno.ts';
import {
  O_ACCMODE,
  O_APPEND,
  O_PATH,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from '../abi/files.ts';
import type { HostOs, HostPoll, HostStat } from '../host-os.ts';
import type { Mappable, PageCache } from '../memory/page-cache.ts';
import { OpenFile, type Interest } from './open-file.ts';

abstract class HostBacked extends OpenFile {
  protected readonly host: HostOs;
  readonly #fd: number;

  constructor(host: HostOs, fd: number, flags: number, path: string) {
    super(flags, path);
    this.host = host;
    this.#fd = fd;
  }

  override get hostFd(): number {
    return this.#fd;
  }

  stat(): HostStat | number {
    return this.host.files.fstat(this.#fd);
  }

  protected override close(): void {
    if (this.#fd > 2) this.host.files.close(this.#fd);
  }
}

/** A descriptor opened with O_PATH, or of something that can only be named. */
export class PathFile extends HostBacked {
  override get canRead(): boolean {
    return false;
  }
  override get canWrite(): boolean {
    return false;
  }
}

export class RegularFile extends HostBacked {
  override readonly whole = false;
  override readonly identity: string;
  readonly #cache: PageCache;

  constructor(host: HostOs, cache: PageCache, fd: number, flags: number, path: string, stat: HostStat) {
    super(host, fd, flags, path);
    this.#cache = cache;
    this.identity = `${stat.dev}:${stat.ino}`;
  }

  override read(bytes: Uint8Array): number {
    if (!this.canRead) return -EBADF;
    this.#cache.beforeRead(this.identity);
    return this.host.files.read(this.hostFd, bytes);
  }

  override write(bytes: Uint8Array): number {
    if (!this.canWrite) return -EBADF;
    const written = this.host.files.write(this.hostFd, bytes);
    if (written > 0 && !this.#cache.isEmpty) {
      const end = this.host.files.seek(this.hostFd, 0, 1);
      this.#cache.afterWrite(this.identity, Math.max(0, end - written), end);
    }
    return written;
  }

  override readAt(bytes: Uint8Array, position: number): number {
    if (!this.canRead) return -EBADF;
    this.#cache.beforeRead(this.identity);
    return this.host.files.pread(this.hostFd, bytes, position);
  }

  override writeAt(bytes: Uint8Array, position: number): number {
    if (!this.canWrite) return -EBADF;
    const written = this.host.files.pwrite(this.hostFd, bytes, position);
    if (written > 0) this.#cache.afterWrite(this.identity, position, position + written);
    return written;
  }

  override seek(offset: number, whence: number): number {
    return this.host.files.seek(this.hostFd, offset, whence);
  }

  truncate(size: number): number {
    if (!this.canWrite) return -EINVAL;
    this.#cache.beforeRead(this.identity);
    const result = this.host.files.truncate(this.hostFd, size);
    if (result === 0) this.#cache.afterWrite(this.identity, size, Infinity);
    return result;
  }

  override ioctl(request: number): number {
    return request === 0x541b ? this.#available() : -ENOTTY;
  }

  #available(): number {
    const stat = this.stat();
    if (typeof stat === 'number') return stat;
    return Math.max(0, Number(stat.size) - this.seek(0, 1));
  }

  override setFlags(flags: number): number {
    const result = this.host.files.setFlags(this.hostFd, flags & (O_ACCMODE | O_APPEND));
    if (result < 0) return result;
    return super.setFlags(flags);
  }

  override mappable(): Mappable | number {
    if (!this.canRead) return -EACCES;
    const { files } = this.host;
    // The descriptor may be closed, or not be good for both directions, while the mapping lives on.
    const fd = files.dup(this.hostFd);
    if (fd < 0) return fd;
    return hostMappable(this.host, fd);
  }
}

/** A file as the page cache uses it; it owns the descriptor. */
export function hostMappable({ files }: HostOs, fd: number): Mappable {
  let users = 0;
  return {
    readAt: (bytes, position) => files.pread(fd, bytes, position),
    writeAt: (bytes, position) => files.pwrite(fd, bytes, position),
    size: () => {
      const stat = files.fstat(fd);
      return typeof stat === 'number' ? 0 : Number(stat.size);
    },
    retain: () => void users++,
    release: () => {
      if (--users === 0) files.close(fd);
    },
  };
}

export class DirectoryFile extends HostBacked {
  override read(): number {
    return -EISDIR;
  }

  override readAt(): number {
    return -EISDIR;
  }

  override seek(offset: number, whence: number): number {
    return this.host.files.seek(this.hostFd, offset, whence);
  }

  entries(bytes: Uint8Array): number {
    return this.host.files.readDirectory(this.hostFd, bytes);
  }
}

/** Whatever has to be waited for. */
export class StreamFile extends HostBacked {
  readonly mode: number;
  /** The host's descriptor itself never blocks: nobody outside shares it. */
  #ownsBlocking: boolean;
  readonly #probe: HostPoll;
  readonly isTerminal: boolean;
  /** A device like /dev/zero that is never to be waited for. */
  readonly #always: boolean;

  constructor(
    host: HostOs,
    fd: number,
    flags: number,
    path: string,
    mode: number,
    options: { nonBlocking: boolean; terminal?: boolean; always?: boolean },
  ) {
    super(host, fd, flags, path);
    this.mode = mode;
    this.#ownsBlocking = options.nonBlocking;
    this.isTerminal = options.terminal ?? false;
    this.#always = options.always ?? false;
    this.#probe = { fd, events: 0, revents: 0 };
  }

  /** A program of the host has it too and may make it block. */
  shareWithHost(): void {
    this.#ownsBlocking = false;
  }

  get isSocket(): boolean {
    return (this.mode & S_IFMT) === S_IFSOCK;
  }

  get isFifo(): boolean {
    return (this.mode & S_IFMT) === S_IFIFO;
  }

  #ready(events: number): number {
    const probe: HostPoll = { ...this.#probe, events };
    return this.host.poll([probe]) > 0 ? probe.revents : 0;
  }

  override read(bytes: Uint8Array): number {
    if (!this.canRead) return -EBADF;
    if (!this.#ownsBlocking && !this.#always) {
      const ready = this.#ready(POLLIN);
      if (ready === 0) return -EAGAIN;
    }
    const result = this.host.files.read(this.hostFd, bytes);
    // A FIFO that no writer has opened yet is not at its end.
    if (result === 0 && bytes.length > 0 && this.isFifo && this.#ready(POLLIN) === 0) return -EAGAIN;
    return result;
  }

  override write(bytes: Uint8Array): number {
    if (!this.canWrite) return -EBADF;
    if (this.#ownsBlocking || this.#always) return this.host.files.write(this.hostFd, bytes);
    const ready = this.#ready(POLLOUT);
    if (ready === 0) return -EAGAIN;
    if ((ready & POLLERR) !== 0 && (ready & POLLOUT) === 0) return this.isTerminal ? -EIO : -EPIPE;
    // A pipe that is ready takes this much without blocking.
    const most = this.isTerminal ? 1024 : 4096;
    return this.host.files.write(this.hostFd, bytes.length > most ? bytes.subarray(0, most) : bytes);
  }

  override readAt(bytes: Uint8Array, position: number): number {
    return this.#always ? this.host.files.pread(this.hostFd, bytes, position) : super.readAt(bytes, position);
  }

  override seek(offset: number, whence: number): number {
    return this.#always || (this.mode & S_IFMT) === S_IFCHR
      ? this.host.files.seek(this.hostFd, offset, whence)
      : super.seek(offset, whence);
  }

  override poll(events: number): number {
    if (this.#always) return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
    return this.#ready(events);
  }

  override interest(events: number): Interest | undefined {
    if (this.#always) return undefined;
    return { host: { fd: this.hostFd, events: events & ~(POLLERR | POLLHUP) } };
  }

  override mappable(): Mappable | number {
    return -ENODEV;
  }
}

export const isDirectory = (stat: HostStat): boolean => (stat.mode & S_IFMT) === S_IFDIR;
export const isRegular = (stat: HostStat): boolean => (stat.mode & S_IFMT) === S_IFREG;

/** Wraps a descriptor of the host in what it is. */
export function wrapHostFd(
  host: HostOs,
  cache: PageCache,
  fd: number,
  flags: number,
  path: string,
  options: { nonBlocking: boolean },
): OpenFile | number {
  const stat = host.files.fstat(fd);
  if (typeof stat === 'number') return stat;
  if ((flags & O_PATH) !== 0)
    return isDirectory(stat) ? new DirectoryFile(host, fd, flags, path) : new PathFile(host, fd, flags, path);
  if (isRegular(stat)) return new RegularFile(host, cache, fd, flags, path, stat);
  if (isDirectory(stat)) return new DirectoryFile(host, fd, flags, path);
  const isDevice = (stat.mode & S_IFMT) === S_IFCHR;
  const always = isDevice && stat.rdev >> 8n === 1n; // null, zero, full, random …
  const terminal = isDevice && !always && host.files.ioctl(fd, 0x5401, new Uint8Array(64)) >= 0;
  return new StreamFile(host, fd, flags, path, stat.mode, { nonBlocking: options.nonBlocking, terminal, always });
}
