// SPDX-License-Identifier: MIT
//
// The host's operating system for the guest's kernel: files through Node, the rest through the C library.
import { spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  chownSync,
  closeSync,
  fchmodSync,
  fchownSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmdirSync,
  statSync,
  statfsSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
  type BigIntStats,
} from 'node:fs';
import { availableParallelism, constants, hostname, loadavg, uptime } from 'node:os';
import type {
  HostFiles,
  HostMessage,
  HostOs,
  HostPoll,
  HostProcess,
  HostReceived,
  HostSockets,
  HostStat,
  HostStatfs,
} from '../../machines/linux-user/host-os.ts';
import { DirectoryReader } from './directory-reader.ts';
import { Libc, libcCall } from './libc.ts';

const ENOENT = 2;
const EIO = 5;
const EINVAL = 22;
const ENOSYS = 38;
const O_PATH = 0o10000000;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const F_DUPFD_CLOEXEC = 1030;
const SOCK_NONBLOCK_CLOEXEC = 0o2004000;
const AT_FDCWD = -100;

const path = (text: string): Buffer => Buffer.from(text, 'latin1');
/** With the zero a C string ends with. */
const cstring = (text: string): Buffer => Buffer.from(`${text}\0`, 'latin1');

/** Runs one of Node's calls; its exceptions become error numbers. */
function attempt(action: () => unknown): number {
  try {
    const result = action();
    return typeof result === 'number' ? result : 0;
  } catch (error) {
    return errorOf(error);
  }
}

function errorOf(error: unknown): number {
  const { errno, code } = error as { errno?: number; code?: string };
  if (typeof errno === 'number' && errno < 0) return errno;
  if (code === 'ERR_INVALID_ARG_VALUE') return -ENOENT;
  return code === 'ERR_OUT_OF_RANGE' ? -EINVAL : -EIO;
}

function toStat(stat: BigIntStats): HostStat {
  return {
    dev: stat.dev,
    ino: stat.ino,
    nlink: stat.nlink,
    mode: Number(stat.mode),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    rdev: stat.rdev,
    size: stat.size,
    blksize: stat.blksize,
    blocks: stat.blocks,
    atimeNs: stat.atimeNs,
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
  };
}

const statOf = (get: () => BigIntStats | undefined): HostStat | number => {
  try {
    const stat = get();
    return stat === undefined ? -ENOENT : toStat(stat);
  } catch (error) {
    return errorOf(error);
  }
};

const tooLong = (text: string): boolean => text.length > 4095 || text.split('/').some((part) => part.length > 255);
const ENAMETOOLONG = 36;

/** Where a descriptor of this process is in its file, as Linux tells it. */
function positionOf(fd: number): number {
  return attempt(() => {
    const text = readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
    return Number(/^pos:\s*(\d+)/m.exec(text)?.[1] ?? -ENOSYS);
  });
}

class NodeFiles implements HostFiles {
  /** Where there is no C library. */
  readonly #directories = new DirectoryReader();

  open(name: string, flags: number, mode: number): number {
    // A FIFO would wait for its other end.
    return attempt(() => openSync(path(name), (flags & O_PATH) !== 0 ? flags : flags | O_NONBLOCK, mode));
  }
  close(fd: number): number {
    this.#directories.forget(fd);
    return attempt(() => closeSync(fd));
  }
  dup(fd: number): number {
    const copy = libcCall('dup', fd, F_DUPFD_CLOEXEC, 3);
    return copy === -ENOSYS ? this.open(`/proc/self/fd/${fd}`, 0, 0) : copy;
  }
  read(fd: number, bytes: Uint8Array): number {
    if (bytes.length === 0) return 0;
    return Libc.isLoaded
      ? libcCall('read', fd, bytes, bytes.length)
      : attempt(() => readSync(fd, bytes, 0, bytes.length, null));
  }
  write(fd: number, bytes: Uint8Array): number {
    return Libc.isLoaded
      ? libcCall('write', fd, bytes, bytes.length)
      : attempt(() => writeSync(fd, bytes, 0, bytes.length, null));
  }
  pread(fd: number, bytes: Uint8Array, position: number): number {
    if (bytes.length === 0) return 0;
    return attempt(() => readSync(fd, bytes, 0, bytes.length, position));
  }
  pwrite(fd: number, bytes: Uint8Array, position: number): number {
    return attempt(() => writeSync(fd, bytes, 0, bytes.length, position));
  }
  seek(fd: number, offset: number, whence: number): number {
    if (!Number.isSafeInteger(offset)) return -EINVAL;
    if (Libc.get() === undefined) {
      if (offset === 0 && whence === 1) return positionOf(fd);
      if (whence === 0 && attempt(() => Number(fstatSync(fd).isDirectory())) === 1) {
        return this.#directories.seek(fd, offset);
      }
    }
    return libcCall('lseek', fd, offset, whence);
  }
  truncate(fd: number, size: number): number {
    return attempt(() => ftruncateSync(fd, size));
  }
  sync(fd: number, dataOnly: boolean): number {
    return attempt(() => (dataOnly ? fdatasyncSync(fd) : fsyncSync(fd)));
  }
  allocate(fd: number, mode: number, offset: number, length: number): number {
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length)) return -EINVAL;
    return libcCall('fallocate', fd, mode, offset, length);
  }
  advise(fd: number, offset: number, length: number, advice: number): number {
    if (advice < 0 || advice > 5 || !Number.isSafeInteger(offset) || !Number.isSafeInteger(length)) return -EINVAL;
    void fd;
    return 0;
  }
  lockFile(fd: number, operation: number): number {
    return libcCall('flock', fd, operation);
  }
  fstat(fd: number): HostStat | number {
    return statOf(() => fstatSync(fd, { bigint: true }));
  }
  stat(name: string, follow: boolean): HostStat | number {
    if (tooLong(name)) return -ENAMETOOLONG;
    const options = { bigint: true, throwIfNoEntry: false } as const;
    // A missing entry costs no exception, but ENOTDIR is reported as missing too.
    const stat = statOf(() => (follow ? statSync(path(name), options) : lstatSync(path(name), options)));
    if (stat !== -ENOENT) return stat;
    return statOf(() => (follow ? statSync(path(name), { bigint: true }) : lstatSync(path(name), { bigint: true })));
  }
  statfs(name: string): HostStatfs | number {
    try {
      return statfsSync(path(name), { bigint: true });
    } catch (error) {
      return errorOf(error);
    }
  }
  access(name: string, mode: number): number {
    return attempt(() => accessSync(path(name), mode));
  }
  mkdir(name: string, mode: number): number {
    return attempt(() => void mkdirSync(path(name), { mode }));
  }
  rmdir(name: string): number {
    return attempt(() => rmdirSync(path(name)));
  }
  unlink(name: string): number {
    return attempt(() => unlinkSync(path(name)));
  }
  rename(from: string, to: string, flags: number): number {
    if (flags !== 0) return libcCall('renameat2', AT_FDCWD, cstring(from), AT_FDCWD, cstring(to), flags);
    return attempt(() => renameSync(path(from), path(to)));
  }
  link(from: string, to: string, follow: boolean): number {
    if (follow) return libcCall('linkat', AT_FDCWD, cstring(from), AT_FDCWD, cstring(to), 0x400);
    return attempt(() => linkSync(path(from), path(to)));
  }
  symlink(target: string, name: string): number {
    return attempt(() => symlinkSync(path(target), path(name)));
  }
  readlink(name: string): Uint8Array | number {
    try {
      return readlinkSync(path(name), { encoding: 'buffer' });
    } catch (error) {
      return errorOf(error);
    }
  }
  realPath(name: string): string | undefined {
    try {
      return realpathSync.native(path(name), { encoding: 'buffer' }).toString('latin1');
    } catch {
      return undefined;
    }
  }
  mknod(name: string, mode: number, dev: number): number {
    return libcCall('mknod', cstring(name), mode, dev);
  }
  chmod(name: string, mode: number): number {
    return attempt(() => chmodSync(path(name), mode));
  }
  fchmod(fd: number, mode: number): number {
    return attempt(() => fchmodSync(fd, mode));
  }
  chown(name: string, uid: number, gid: number, follow: boolean): number {
    return attempt(() => (follow ? chownSync : lchownSync)(path(name), uid, gid));
  }
  fchown(fd: number, uid: number, gid: number): number {
    return attempt(() => fchownSync(fd, uid, gid));
  }
  setTimes(target: string | number, times: Uint8Array | undefined, follow: boolean): number {
    const name = typeof target === 'number' ? cstring(`/proc/self/fd/${target}`) : cstring(target);
    const result = libcCall('utimensat', AT_FDCWD, name, times ?? null, follow ? 0 : 0x100);
    if (result !== -ENOSYS) return result;
    const view = times === undefined ? undefined : new DataView(times.buffer, times.byteOffset, 32);
    const at = (offset: number): number =>
      view === undefined
        ? Date.now() / 1000
        : Number(view.getBigInt64(offset, true)) + Number(view.getBigInt64(offset + 8, true)) / 1e9;
    return attempt(() =>
      typeof target === 'number' ? futimesSync(target, at(0), at(16)) : utimesSync(path(target), at(0), at(16)),
    );
  }
  readDirectory(fd: number, bytes: Uint8Array): number {
    if (Libc.get() === undefined) return attempt(() => this.#directories.read(fd, bytes));
    return libcCall('getdents64', process.arch === 'x64' ? 217 : 61, fd, bytes, bytes.length);
  }
  getxattr(target: string | number, name: string, value: Uint8Array, follow: boolean): number {
    if (typeof target === 'number') return libcCall('fgetxattr', target, cstring(name), value, value.length);
    return libcCall(follow ? 'getxattr' : 'lgetxattr', cstring(target), cstring(name), value, value.length);
  }
  setxattr(target: string | number, name: string, value: Uint8Array, flags: number, follow: boolean): number {
    if (typeof target === 'number') return libcCall('fsetxattr', target, cstring(name), value, value.length, flags);
    return libcCall(follow ? 'setxattr' : 'lsetxattr', cstring(target), cstring(name), value, value.length, flags);
  }
  listxattr(target: string | number, list: Uint8Array, follow: boolean): number {
    if (typeof target === 'number') return libcCall('flistxattr', target, list, list.length);
    return libcCall(follow ? 'listxattr' : 'llistxattr', cstring(target), list, list.length);
  }
  removexattr(target: string | number, name: string, follow: boolean): number {
    if (typeof target === 'number') return libcCall('fremovexattr', target, cstring(name));
    return libcCall(follow ? 'removexattr' : 'lremovexattr', cstring(target), cstring(name));
  }
  createMemoryFile(name: string, flags: number): number {
    return libcCall('memfd_create', cstring(name), flags | 1);
  }
  inotifyInit(): number {
    return libcCall('inotify_init1', O_NONBLOCK | O_CLOEXEC);
  }
  inotifyAdd(fd: number, name: string, mask: number): number {
    return libcCall('inotify_add_watch', fd, cstring(name), mask);
  }
  inotifyRemove(fd: number, watch: number): number {
    return libcCall('inotify_rm_watch', fd, watch);
  }
  ioctl(fd: number, request: number, argument: Uint8Array | number): number {
    return typeof argument === 'number'
      ? libcCall('ioctlNumber', fd, request, argument)
      : libcCall('ioctl', fd, request, argument);
  }
  flags(fd: number): number {
    return libcCall('fcntl', fd, 3, 0);
  }
  setFlags(fd: number, flags: number): number {
    return libcCall('fcntl', fd, 4, flags);
  }
  syncAll(): void {
    libcCall('sync');
  }
}

const pair = (): Int32Array => new Int32Array(2);

class NodeSockets implements HostSockets {
  pipe(): [number, number] | number {
    const fds = pair();
    const result = libcCall('pipe2', fds, O_NONBLOCK | O_CLOEXEC);
    return result < 0 ? result : [fds[0]!, fds[1]!];
  }
  pipeSize(fd: number, set: number | undefined): number {
    return set === undefined ? libcCall('fcntl', fd, 1032, 0) : libcCall('fcntl', fd, 1031, set);
  }
  socket(domain: number, type: number, protocol: number): number {
    return libcCall('socket', domain, type | SOCK_NONBLOCK_CLOEXEC, protocol);
  }
  socketpair(domain: number, type: number, protocol: number): [number, number] | number {
    const fds = pair();
    const result = libcCall('socketpair', domain, type | SOCK_NONBLOCK_CLOEXEC, protocol, fds);
    return result < 0 ? result : [fds[0]!, fds[1]!];
  }
  bind(fd: number, address: Uint8Array): number {
    return libcCall('bind', fd, address, address.length);
  }
  connect(fd: number, address: Uint8Array): number {
    return libcCall('connect', fd, address, address.length);
  }
  listen(fd: number, backlog: number): number {
    return libcCall('listen', fd, backlog);
  }
  accept(fd: number, address: Uint8Array, length: Uint32Array): number {
    return libcCall('accept4', fd, address, length, SOCK_NONBLOCK_CLOEXEC);
  }
  socketName(fd: number, peer: boolean, address: Uint8Array, length: Uint32Array): number {
    return libcCall(peer ? 'getpeername' : 'getsockname', fd, address, length);
  }
  getOption(fd: number, level: number, option: number, value: Uint8Array, length: Uint32Array): number {
    return libcCall('getsockopt', fd, level, option, value, length);
  }
  setOption(fd: number, level: number, option: number, value: Uint8Array): number {
    return libcCall('setsockopt', fd, level, option, value, value.length);
  }
  shutdown(fd: number, how: number): number {
    return libcCall('shutdown', fd, how);
  }
  send(fd: number, data: Uint8Array, message: HostMessage): number {
    const libc = Libc.get();
    if (libc === undefined) return -ENOSYS;
    const header = new Message(libc, data, message);
    return libc.call('sendmsg', fd, header.bytes, message.flags);
  }
  receive(fd: number, data: Uint8Array, message: HostMessage): HostReceived {
    const libc = Libc.get();
    if (libc === undefined) return { result: -ENOSYS, flags: 0, nameLength: 0, controlLength: 0 };
    const header = new Message(libc, data, message);
    const result = libc.call('recvmsg', fd, header.bytes, message.flags | 0x4000_0000);
    const view = new DataView(header.bytes.buffer, header.bytes.byteOffset);
    return {
      result,
      flags: view.getInt32(48, true) & ~0x4000_0000,
      nameLength: view.getUint32(8, true),
      controlLength: Number(view.getBigUint64(40, true)),
    };
  }
}

/** A struct msghdr with one buffer. What it points to must stay alive as long as it. */
class Message {
  readonly bytes = new Uint8Array(56);
  readonly vector = new Uint8Array(16);
  readonly #kept: readonly unknown[];

  constructor(libc: Libc, data: Uint8Array, { name, control }: HostMessage) {
    const view = new DataView(this.bytes.buffer);
    const vector = new DataView(this.vector.buffer);
    const pointer = (bytes: Uint8Array | undefined): bigint =>
      bytes === undefined || bytes.length === 0 ? 0n : libc.address(bytes);
    vector.setBigUint64(0, pointer(data), true);
    vector.setBigUint64(8, BigInt(data.length), true);
    view.setBigUint64(0, pointer(name), true);
    view.setUint32(8, name?.length ?? 0, true);
    view.setBigUint64(16, pointer(this.vector), true);
    view.setBigUint64(24, 1n, true);
    view.setBigUint64(32, pointer(control), true);
    view.setBigUint64(40, BigInt(control?.length ?? 0), true);
    this.#kept = [data, name, control];
    void this.#kept;
  }
}

const SIGNAL_NUMBERS = constants.signals as Record<string, number>;

class NodeProcess implements HostProcess {
  readonly pid = process.pid;
  readonly parentPid = process.ppid;
  readonly uid = process.getuid?.() ?? 0;
  readonly euid = process.geteuid?.() ?? 0;
  readonly gid = process.getgid?.() ?? 0;
  readonly egid = process.getegid?.() ?? 0;
  readonly groups = process.getgroups?.() ?? [];
  readonly processors = availableParallelism();
  onChildSignal: (() => void) | undefined;

  get hostName(): string {
    return hostname();
  }
  get processGroup(): number {
    return Math.max(libcCall('getpgrp'), 0) || this.pid;
  }
  get session(): number {
    return Math.max(libcCall('getsid', 0), 0) || this.pid;
  }
  get uptimeSeconds(): number {
    return uptime();
  }
  get loadAverages(): readonly number[] {
    return loadavg();
  }
  kill(pid: number, signal: number): number {
    return attempt(() => void process.kill(pid, signal));
  }
  stopSelf(): void {
    process.kill(process.pid, 'SIGSTOP');
  }
  random(bytes: Uint8Array): void {
    const copy = randomFillSync(new Uint8Array(bytes.length));
    bytes.set(copy);
  }
  spawn(
    file: string,
    argv: readonly string[],
    environment: readonly string[],
    cwd: string,
    fds: readonly number[],
    onEnd: (status: number) => void,
  ): { pid: number } | number {
    const env = Object.fromEntries(
      environment.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
    );
    const stdio = Array.from({ length: Math.max(3, fds.length) }, (_, n) => fds[n] ?? ('ignore' as const));
    for (const fd of fds) if (typeof fd === 'number') this.#blocking(fd, true);
    const child = spawn(Buffer.from(file, 'latin1').toString(), argv.slice(1), { argv0: argv[0], env, cwd, stdio });
    if (child.pid === undefined) {
      child.once('error', () => {});
      return -ENOENT;
    }
    child.once('exit', (code, signal) => {
      onEnd(signal === null ? ((code ?? 0) & 0xff) << 8 : (SIGNAL_NUMBERS[signal] ?? 9));
    });
    child.unref();
    return { pid: child.pid };
  }

  /** Programs of the host expect descriptors that block. */
  #blocking(fd: number, on: boolean): void {
    const flags = libcCall('fcntl', fd, 3, 0);
    if (flags < 0) return;
    libcCall('fcntl', fd, 4, on ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
  }
}

export class NodeHostOs implements HostOs {
  readonly files = new NodeFiles();
  readonly sockets = new NodeSockets();
  readonly process = new NodeProcess();
  readonly clock: HostOs['clock'];

  constructor() {
    const offset = realtimeOffset();
    this.clock = {
      monotonic: () => Number(process.hrtime.bigint()),
      realtime: () => process.hrtime.bigint() + offset,
      bootOffsetNs: () => 0,
    };
  }

  poll(polls: readonly HostPoll[]): number {
    return pollHost(polls, 0);
  }
}

/** What CLOCK_REALTIME is ahead of CLOCK_MONOTONIC. Date has milliseconds: look for where one begins. */
function realtimeOffset(): bigint {
  const start = Date.now();
  let now = start;
  while (now === start && performance.now() >= 0) now = Date.now();
  return BigInt(now) * 1_000_000n - process.hrtime.bigint();
}

const EINTR = 4;

/** poll(2); -EINTR when a host signal arrived. */
export function pollHost(polls: readonly HostPoll[], timeoutMs: number): number {
  const libc = Libc.get();
  if (libc === undefined) {
    // Without the C library everything counts as ready, and reads may block.
    for (const poll of polls) poll.revents = poll.events & 5;
    return polls.length;
  }
  const bytes = new Uint8Array(polls.length * 8);
  const view = new DataView(bytes.buffer);
  polls.forEach(({ fd, events }, index) => {
    view.setInt32(index * 8, fd, true);
    view.setInt16(index * 8 + 4, events, true);
  });
  const result = libc.once('poll', bytes, polls.length, timeoutMs);
  if (result === -EINTR && timeoutMs === 0) return pollHost(polls, 0);
  if (result > 0) polls.forEach((poll, index) => (poll.revents = view.getInt16(index * 8 + 6, true) & 0xffff));
  return result;
}
