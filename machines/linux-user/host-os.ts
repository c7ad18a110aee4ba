// SPDX-License-Identifier: MIT
//
// What the Linux kernel of the guest asks of the host's operating system. Every call answers at once (nothing here
// blocks) with a result ≥ 0 or a negative Linux error number. Numbers and structures are those of Linux, which IA-64
// shares with other 64-bit machines except where machines/linux-user/abi says otherwise. A host that lacks something
// returns -ENOSYS.

export interface HostStat {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly nlink: bigint;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: bigint;
  readonly size: bigint;
  readonly blksize: bigint;
  readonly blocks: bigint;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

export interface HostStatfs {
  readonly type: bigint;
  readonly bsize: bigint;
  readonly blocks: bigint;
  readonly bfree: bigint;
  readonly bavail: bigint;
  readonly files: bigint;
  readonly ffree: bigint;
}

export interface HostMessage {
  readonly flags: number;
  readonly name: Uint8Array | undefined;
  readonly control: Uint8Array | undefined;
}

export interface HostReceived {
  /** Bytes of data, or a negative error. */
  readonly result: number;
  readonly flags: number;
  readonly nameLength: number;
  readonly controlLength: number;
}

export interface HostPoll {
  readonly fd: number;
  readonly events: number;
  revents: number;
}

export interface HostFiles {
  open(path: string, flags: number, mode: number): number;
  close(fd: number): number;
  dup(fd: number): number;
  read(fd: number, bytes: Uint8Array): number;
  write(fd: number, bytes: Uint8Array): number;
  pread(fd: number, bytes: Uint8Array, position: number): number;
  pwrite(fd: number, bytes: Uint8Array, position: number): number;
  seek(fd: number, offset: number, whence: number): number;
  truncate(fd: number, size: number): number;
  sync(fd: number, dataOnly: boolean): number;
  allocate(fd: number, mode: number, offset: number, length: number): number;
  advise(fd: number, offset: number, length: number, advice: number): number;
  lockFile(fd: number, operation: number): number;
  fstat(fd: number): HostStat | number;
  stat(path: string, follow: boolean): HostStat | number;
  statfs(path: string): HostStatfs | number;
  access(path: string, mode: number): number;
  mkdir(path: string, mode: number): number;
  rmdir(path: string): number;
  unlink(path: string): number;
  rename(from: string, to: string, flags: number): number;
  link(from: string, to: string, follow: boolean): number;
  symlink(target: string, path: string): number;
  readlink(path: string): Uint8Array | number;
  /** Without links; undefined when the host cannot tell. */
  realPath(path: string): string | undefined;
  mknod(path: string, mode: number, dev: number): number;
  chmod(path: string, mode: number): number;
  fchmod(fd: number, mode: number): number;
  chown(path: string, uid: number, gid: number, follow: boolean): number;
  fchown(fd: number, uid: number, gid: number): number;
  /** Times as in utimensat: two (seconds, nanoseconds) pairs in 32 bytes, or undefined for now. */
  setTimes(path: string | number, times: Uint8Array | undefined, follow: boolean): number;
  /** Entries as getdents64 gives them. */
  readDirectory(fd: number, bytes: Uint8Array): number;
  getxattr(path: string | number, name: string, value: Uint8Array, follow: boolean): number;
  setxattr(path: string | number, name: string, value: Uint8Array, flags: number, follow: boolean): number;
  listxattr(path: string | number, list: Uint8Array, follow: boolean): number;
  removexattr(path: string | number, name: string, follow: boolean): number;
  createMemoryFile(name: string, flags: number): number;
  inotifyInit(): number;
  inotifyAdd(fd: number, path: string, mask: number): number;
  inotifyRemove(fd: number, watch: number): number;
  /** ioctl with a buffer that is read and written, or with a plain number. */
  ioctl(fd: number, request: number, argument: Uint8Array | number): number;
  /** Status flags of a descriptor (O_ACCMODE, O_APPEND …). */
  flags(fd: number): number;
  setFlags(fd: number, flags: number): number;
  syncAll(): void;
}

export interface HostSockets {
  /** Both ends, not blocking. */
  pipe(): [number, number] | number;
  pipeSize(fd: number, set: number | undefined): number;
  socket(domain: number, type: number, protocol: number): number;
  socketpair(domain: number, type: number, protocol: number): [number, number] | number;
  bind(fd: number, address: Uint8Array): number;
  connect(fd: number, address: Uint8Array): number;
  listen(fd: number, backlog: number): number;
  /** Writes the peer's address and returns it in `length[0]`. */
  accept(fd: number, address: Uint8Array, length: Uint32Array): number;
  socketName(fd: number, peer: boolean, address: Uint8Array, length: Uint32Array): number;
  getOption(fd: number, level: number, option: number, value: Uint8Array, length: Uint32Array): number;
  setOption(fd: number, level: number, option: number, value: Uint8Array): number;
  shutdown(fd: number, how: number): number;
  send(fd: number, data: Uint8Array, message: HostMessage): number;
  receive(fd: number, data: Uint8Array, message: HostMessage): HostReceived;
}

export interface HostProcess {
  readonly pid: number;
  readonly parentPid: number;
  readonly processGroup: number;
  readonly session: number;
  readonly uid: number;
  readonly euid: number;
  readonly gid: number;
  readonly egid: number;
  readonly groups: readonly number[];
  readonly hostName: string;
  readonly processors: number;
  readonly uptimeSeconds: number;
  readonly loadAverages: readonly number[];
  /** Sends a signal to a process of the host. */
  kill(pid: number, signal: number): number;
  /** Stops this process as a shell expects of a stopped job; returns when it is continued. */
  stopSelf(signal: number): void;
  random(bytes: Uint8Array): void;
  /** Starts a program of the host in place of a guest process; undefined when this host cannot. */
  spawn?(
    path: string,
    argv: readonly string[],
    environment: readonly string[],
    cwd: string,
    fds: readonly number[],
    onEnd: (status: number) => void,
  ): { pid: number } | number;
}

export interface HostClock {
  /** Nanoseconds since some start, never backwards. */
  monotonic(): number;
  /** Nanoseconds since 1970. */
  realtime(): bigint;
  bootOffsetNs(): number;
}

export interface HostOs {
  readonly files: HostFiles;
  readonly sockets: HostSockets;
  readonly process: HostProcess;
  readonly clock: HostClock;
  /** Polls without waiting. */
  poll(fds: readonly HostPoll[]): number;
}
