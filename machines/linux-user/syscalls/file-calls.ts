// SPDX-License-Identifier: MIT
//
// Files, directories and descriptors.
import {
  E2BIG,
  EACCES,
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  EISDIR,
  EMFILE,
  ENOENT,
  ENOTDIR,
  ENOTTY,
  ENXIO,
  EOPNOTSUPP,
  EPERM,
  ERANGE,
  ERESTARTSYS,
  ESPIPE,
} from '../abi/errno.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  FIOASYNC,
  FIOCLEX,
  FIONBIO,
  FIONCLEX,
  FIONREAD,
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_LARGEFILE,
  O_NOCTTY,
  O_NONBLOCK,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  S_IFIFO,
  S_IFMT,
  SETFL_MASK,
  TIOCGPGRP,
  TIOCGSID,
  TIOCNOTTY,
  TIOCSCTTY,
  TIOCSPGRP,
} from '../abi/files.ts';
import { SIGTTOU } from '../abi/signals.ts';
import { DirectoryFile, PathFile, RegularFile, StreamFile, wrapHostFd } from '../files/host-file.ts';
import type { OpenFile } from '../files/open-file.ts';
import { bytesToText, normalize, procEntry, readPath, resolveAt, textToBytes } from '../files/paths.ts';
import { TextFile, procText } from '../files/proc-text.ts';
import type { HostStat, HostStatfs } from '../host-os.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../process/process.ts';
import type { Call } from '../waiting.ts';
import type { Handler, SyscallArguments } from './arguments.ts';
import { STATFS_SIZE, longBytes, statBytes, statfsBytes, statxBytes } from './structures.ts';
import { copy, read, readVector, write, type Segment } from './transfer.ts';

const PROCESS_MEMORY = /^\/proc\/(?:self|thread-self|\d+)\/(?:task\/\d+\/)?mem$/;

export const limitOfFiles = (task: Task): number => task.process.limit(7);

export function fileCalls(kernel: Kernel): Record<string, Handler> {
  const { host, cache } = kernel;
  const { files } = host;
  const fileOf = (task: Task, args: SyscallArguments, n = 0): OpenFile | undefined =>
    task.process.files.get(args.int(n));

  /** Reads the path in argument `n` and finds it on the host. */
  const pathAt = (
    task: Task,
    args: SyscallArguments,
    n: number,
    dirfd: number = AT_FDCWD,
    lookup = true,
  ): string | number => {
    const path = readPath(task.process.space, args.pointer(n));
    return typeof path === 'number' ? path : resolveAt(kernel, task, dirfd, path, lookup);
  };
  const withPath = (
    task: Task,
    args: SyscallArguments,
    n: number,
    dirfd: number,
    lookup: boolean,
    use: (path: string) => number,
  ): number => {
    const path = pathAt(task, args, n, dirfd, lookup);
    return typeof path === 'number' ? path : use(path);
  };

  // --- opening ---

  function openAt(task: Task, dirfd: number, va: number, flags: number, mode: number): number | Call {
    const path = readPath(task.process.space, va);
    if (typeof path === 'number') return path;
    const special = procEntry(kernel, task, path);
    if (special !== undefined) {
      const opened = openProc(task, special, flags, path);
      if (opened !== undefined) return typeof opened === 'number' ? opened : install(task, opened, flags);
    }
    const resolved = resolveAt(kernel, task, dirfd, path, true);
    if (typeof resolved === 'number') return resolved;
    if (task.process.files.get(limitOfFiles(task)) !== undefined) return -EMFILE;
    return openHost(task, resolved, flags, mode & 0o7777 & ~task.process.fs.umask);
  }

  function openProc(
    task: Task,
    entry: NonNullable<ReturnType<typeof procEntry>>,
    flags: number,
    path: string,
  ): OpenFile | number | undefined {
    if (entry.kind === 'text')
      return new TextFile(procText(kernel, entry.process, entry.name), flags & O_ACCMODE, path);
    if (entry.kind === 'fd') return entry.process.files.get(entry.fd) ?? -ENOENT;
    if (entry.kind === 'exe') {
      const fd = files.open(entry.process.program.hostPath, O_RDONLY | O_CLOEXEC, 0);
      return fd < 0 ? fd : wrapHostFd(host, cache, fd, O_RDONLY, path, { nonBlocking: false });
    }
    void task;
    return undefined;
  }

  function install(task: Task, file: OpenFile, flags: number): number {
    return task.process.files.add(file, (flags & O_CLOEXEC) !== 0, limitOfFiles(task));
  }

  function openHost(task: Task, path: string, flags: number, mode: number): number | Call {
    // The memory of the emulator is not the program's.
    if (PROCESS_MEMORY.test(path)) return -EACCES;
    const fd = files.open(path, flags | O_CLOEXEC | O_NOCTTY, mode);
    if (fd === -ENXIO && (flags & O_NONBLOCK) === 0 && isFifoAt(path)) return openFifo(task, path, flags);
    return finishOpen(task, path, flags, fd);
  }

  function isFifoAt(path: string): boolean {
    const stat = files.stat(path, true);
    return typeof stat !== 'number' && (stat.mode & S_IFMT) === S_IFIFO;
  }

  function finishOpen(task: Task, path: string, flags: number, fd: number): number {
    if (fd < 0) return fd;
    const kept = (flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY | O_CLOEXEC)) | O_LARGEFILE;
    const file = wrapHostFd(host, cache, fd, kept, normalizeKeepingLinks(path), { nonBlocking: true });
    if (typeof file === 'number') {
      files.close(fd);
      return file;
    }
    if ((flags & O_TRUNC) !== 0 && file instanceof RegularFile) cache.afterWrite(file.identity, 0, Infinity);
    return install(task, file, flags);
  }

  /** A writer waits for the first reader. */
  function* openFifo(task: Task, path: string, flags: number): Call {
    for (;;) {
      const reason = yield { deadline: kernel.now() + 2_000_000 };
      const fd = files.open(path, flags | O_CLOEXEC, 0);
      if (fd !== -ENXIO) return finishOpen(task, path, flags, fd);
      if (reason === 'signal') return -ERESTARTSYS;
    }
  }

  // --- metadata ---

  function statAt(task: Task, dirfd: number, va: number, flags: number): HostStat | number {
    const path = readPath(task.process.space, va);
    if (typeof path === 'number') return path;
    if (path === '' && (flags & AT_EMPTY_PATH) !== 0) {
      if (dirfd === AT_FDCWD) return files.stat(task.process.fs.cwd, true);
      return task.process.files.get(dirfd)?.stat() ?? -EBADF;
    }
    const special = procEntry(kernel, task, path);
    if (special !== undefined && (flags & AT_SYMLINK_NOFOLLOW) === 0) {
      if (special.kind === 'fd') return special.process.files.get(special.fd)?.stat() ?? -ENOENT;
      if (special.kind === 'text') return new TextFile('', 0, path).stat();
      if (special.kind === 'exe') return files.stat(special.process.program.hostPath, true);
    }
    const resolved = resolveAt(kernel, task, dirfd, path, true);
    if (typeof resolved === 'number') return resolved;
    return files.stat(resolved, (flags & AT_SYMLINK_NOFOLLOW) === 0);
  }

  const putStat = (task: Task, va: number, stat: HostStat | number): number =>
    typeof stat === 'number' ? stat : task.process.space.write(va, statBytes(flushed(stat)));
  /** Mapped pages may have changed what the host does not know yet; the size is right in any case. */
  const flushed = (stat: HostStat): HostStat => stat;

  function readlinkAt(task: Task, dirfd: number, va: number, to: number, size: number): number {
    if (size <= 0) return -EINVAL;
    const path = readPath(task.process.space, va);
    if (typeof path === 'number') return path;
    const special = procEntry(kernel, task, path);
    let target: Uint8Array | number | undefined;
    if (path === '/proc/self') target = textToBytes(String(task.process.pid));
    else if (special?.kind === 'exe') target = textToBytes(exePath(special.process.program.hostPath));
    else if (special?.kind === 'cwd') target = textToBytes(special.process.fs.cwd);
    else if (special?.kind === 'root') target = textToBytes('/');
    else if (special?.kind === 'fd') {
      const file = special.process.files.get(special.fd);
      target = file === undefined ? -ENOENT : textToBytes(file.path);
    } else {
      const resolved = resolveAt(kernel, task, dirfd, path, true);
      target = typeof resolved === 'number' ? resolved : files.readlink(resolved);
    }
    if (typeof target === 'number') return target;
    const part = target.subarray(0, size);
    return task.process.space.write(to, part) < 0 ? -EFAULT : part.length;
  }

  const exePath = (hostPath: string): string =>
    kernel.sysroot !== '' && hostPath.startsWith(`${kernel.sysroot}/`)
      ? hostPath.slice(kernel.sysroot.length)
      : hostPath;

  const putStatfs = (task: Task, va: number, stat: HostStatfs | number): number =>
    typeof stat === 'number' ? stat : task.process.space.write(va, statfsBytes(stat));
  const statfs = (task: Task, args: SyscallArguments, n: number): number =>
    withPath(task, args, 0, AT_FDCWD, true, (path) => putStatfs(task, args.pointer(n), files.statfs(path)));
  function fstatfs(task: Task, args: SyscallArguments, n: number): number {
    const file = fileOf(task, args);
    if (file === undefined) return -EBADF;
    const place = file.hostFd === undefined || !file.path.startsWith('/') ? '/' : file.path;
    return putStatfs(task, args.pointer(n), files.statfs(place));
  }

  // --- descriptors ---

  function fcntl(task: Task, args: SyscallArguments): number | Call {
    const fd = args.int(0);
    const slot = task.process.files.descriptor(fd);
    if (slot === undefined) return -EBADF;
    const { file } = slot;
    const command = args.int(1);
    switch (command) {
      case 0: // F_DUPFD
      case 1030: {
        const from = args.int(2);
        if (from < 0 || from >= limitOfFiles(task)) return -EINVAL;
        return task.process.files.add(file, command === 1030, limitOfFiles(task), from);
      }
      case 1:
        return slot.closeOnExec ? 1 : 0;
      case 2:
        slot.closeOnExec = (args.int(2) & 1) !== 0;
        return 0;
      case 3:
        return file.flags | O_LARGEFILE;
      case 4:
        return file.setFlags((file.flags & ~SETFL_MASK) | (args.int(2) & SETFL_MASK));
      case 5: // F_GETLK
      case 6: // F_SETLK
      case 7: // F_SETLKW
        return recordLock(task, file, command, args.pointer(2));
      case 8:
        file.owner = args.int(2);
        return 0;
      case 9:
        return file.owner;
      case 1031:
      case 1032:
        if (!(file instanceof StreamFile) || !file.isFifo) return -EBADF;
        return host.sockets.pipeSize(file.hostFd!, command === 1031 ? args.int(2) : undefined);
      case 1033: // F_ADD_SEALS
        return file instanceof RegularFile ? 0 : -EINVAL;
      case 1034: // F_GET_SEALS
        return file instanceof RegularFile ? 0 : -EINVAL;
      default:
        return -EINVAL;
    }
  }

  function recordLock(task: Task, file: OpenFile, command: number, va: number): number | Call {
    const { space } = task.process;
    const view = space.view(va, 32);
    if (view === undefined) return -EFAULT;
    const kind = ['read', 'write', 'none'][view.getInt16(0, true)] as 'read' | 'write' | 'none' | undefined;
    if (kind === undefined) return -EINVAL;
    const { identity } = file;
    if (identity === undefined) return file instanceof StreamFile ? -EINVAL : -EBADF;
    const whence = view.getInt16(2, true);
    const stat = file.stat();
    const base = whence === 0 ? 0 : whence === 1 ? file.seek(0, 1) : typeof stat === 'number' ? 0 : Number(stat.size);
    if (whence < 0 || whence > 2) return -EINVAL;
    let start = base + Number(view.getBigInt64(8, true));
    const length = Number(view.getBigInt64(16, true));
    let end = length === 0 ? Infinity : start + length;
    if (length < 0) [start, end] = [start + length, start];
    if (start < 0) return -EINVAL;
    if (command !== 5) {
      if (kind === 'read' && !file.canRead) return -EBADF;
      if (kind === 'write' && !file.canWrite) return -EBADF;
    }
    const { futexes } = kernel;
    const found = kind === 'none' ? undefined : futexes.conflict(identity, task.process, kind, start, end);
    if (command === 5) {
      if (kind === 'none') return -EINVAL;
      const reply = space.read(va, 32)!.slice();
      const out = new DataView(reply.buffer);
      if (found === undefined) {
        out.setInt16(0, 2, true);
      } else {
        out.setInt16(0, found.type === 'read' ? 0 : 1, true);
        out.setInt16(2, 0, true);
        out.setBigInt64(8, BigInt(found.start), true);
        out.setBigInt64(16, found.end === Infinity ? 0n : BigInt(found.end - found.start), true);
        out.setInt32(24, found.process.pid, true);
      }
      return space.write(va, reply);
    }
    if (found === undefined) {
      futexes.setLock(identity, task.process, kind, start, end);
      return 0;
    }
    if (command === 6) return -EAGAIN;
    return waitForLock(task, identity, kind as 'read' | 'write', start, end);
  }

  function* waitForLock(task: Task, identity: string, kind: 'read' | 'write', start: number, end: number): Call {
    for (;;) {
      const reason = yield { queues: [kernel.futexes.lockQueue] };
      if (kernel.futexes.conflict(identity, task.process, kind, start, end) === undefined) {
        kernel.futexes.setLock(identity, task.process, kind, start, end);
        return 0;
      }
      if (reason === 'signal') return -ERESTARTSYS;
    }
  }

  function* waitForFlock(fd: number, operation: number): Call {
    for (;;) {
      const result = files.lockFile(fd, operation | 4);
      if (result !== -EAGAIN) return result;
      const reason = yield { deadline: kernel.now() + 5_000_000 };
      if (reason === 'signal') return -ERESTARTSYS;
    }
  }

  /** Sizes of what ioctls pass, where the request itself does not say. */
  const OLD_IOCTLS: Record<number, number> = {
    0x5401: 36,
    0x5402: 36,
    0x5403: 36,
    0x5404: 36,
    0x5405: 18,
    0x5406: 18,
    0x5407: 18,
    0x5408: 18,
    0x5411: 4,
    0x5413: 8,
    0x5414: 8,
    0x5415: 4,
    0x5416: 4,
    0x5417: 4,
    0x5418: 4,
    0x5419: 4,
    0x541a: 4,
    0x541b: 4,
    0x5420: 4,
    0x5423: 4,
    0x5424: 4,
    0x8905: 4,
    0x8912: 16,
    0x8913: 40,
    0x8915: 40,
    0x8919: 40,
    0x891b: 40,
    0x8921: 40,
    0x8927: 40,
    0x8933: 40,
  };
  const PLAIN_IOCTLS = new Set([0x5409, 0x540a, 0x540b, 0x5425]);

  function ioctl(task: Task, args: SyscallArguments): number {
    const slot = task.process.files.descriptor(args.int(0));
    if (slot === undefined) return -EBADF;
    const { file } = slot;
    const request = args.uint(1);
    const va = args.pointer(2);
    const { space } = task.process;
    const word = (): number | undefined => space.readU32(va);
    switch (request) {
      case FIOCLEX:
        slot.closeOnExec = true;
        return 0;
      case FIONCLEX:
        slot.closeOnExec = false;
        return 0;
      case FIONBIO: {
        const on = word();
        if (on === undefined) return -EFAULT;
        file.flags = on === 0 ? file.flags & ~O_NONBLOCK : file.flags | O_NONBLOCK;
        return 0;
      }
      case FIOASYNC:
        return 0;
      case FIONREAD: {
        if (file instanceof StreamFile) break;
        const count = file.ioctl(request, args.raw(2), task);
        return count < 0 ? count : space.writeU32(va, Math.min(count, 0x7fff_ffff));
      }
    }
    if (!(file instanceof StreamFile)) return file.ioctl(request, args.raw(2), task);
    if (file.isTerminal) {
      const { terminals } = kernel;
      switch (request) {
        case TIOCGPGRP: {
          const group = terminals.getForeground(task.process);
          return group < 0 ? group : space.writeU32(va, group);
        }
        case TIOCSPGRP: {
          const group = word();
          return group === undefined ? -EFAULT : terminals.setForeground(task, group | 0);
        }
        case TIOCGSID: {
          const session = terminals.getSession(task.process);
          return session < 0 ? session : space.writeU32(va, session);
        }
        case TIOCSCTTY:
          return terminals.setControlling(task.process);
        case TIOCNOTTY:
          return terminals.giveUp(task.process);
      }
      if ([0x5402, 0x5403, 0x5404, 0x5406, 0x5407, 0x5408, 0x540a, 0x540b, 0x5414].includes(request)) {
        const background = terminals.checkBackground(task, SIGTTOU);
        if (background !== 0) return background;
      }
    }
    if (PLAIN_IOCTLS.has(request)) return files.ioctl(file.hostFd!, request, args.int(2));
    const size = OLD_IOCTLS[request] ?? (request >>> 30 === 0 ? undefined : (request >>> 16) & 0x3fff);
    if (size === undefined) return -ENOTTY;
    const bytes = space.read(va, size)?.slice();
    if (bytes === undefined) return -EFAULT;
    const result = files.ioctl(file.hostFd!, request, bytes);
    return result >= 0 && space.write(va, bytes) < 0 && request >>> 30 !== 1 ? -EFAULT : result;
  }

  // --- names ---

  const mkdirAt = (task: Task, args: SyscallArguments, n: number, dirfd: number): number =>
    withPath(task, args, n, dirfd, false, (path) =>
      files.mkdir(path, args.int(n + 1) & 0o1777 & ~task.process.fs.umask),
    );
  const mknodAt = (task: Task, args: SyscallArguments, n: number, dirfd: number): number => {
    const mode = args.uint(n + 1);
    const type = mode & S_IFMT;
    const masked = (mode & 0o7777 & ~task.process.fs.umask) | (type === 0 ? 0o100000 : type);
    return withPath(task, args, n, dirfd, false, (path) => files.mknod(path, masked, args.uint(n + 2)));
  };
  const unlinkAt = (task: Task, args: SyscallArguments, n: number, dirfd: number, flags: number): number => {
    if ((flags & ~AT_REMOVEDIR) !== 0) return -EINVAL;
    return withPath(task, args, n, dirfd, false, (path) =>
      (flags & AT_REMOVEDIR) !== 0 ? files.rmdir(path) : files.unlink(path),
    );
  };
  const renameAt = (
    task: Task,
    args: SyscallArguments,
    n: number,
    from: number,
    m: number,
    to: number,
    flags: number,
  ): number =>
    withPath(task, args, n, from, false, (source) =>
      withPath(task, args, m, to, false, (target) => files.rename(source, target, flags)),
    );
  const linkAt = (
    task: Task,
    args: SyscallArguments,
    n: number,
    from: number,
    m: number,
    to: number,
    flags: number,
  ): number =>
    withPath(task, args, n, from, false, (source) =>
      withPath(task, args, m, to, false, (target) => files.link(source, target, (flags & AT_SYMLINK_FOLLOW) !== 0)),
    );
  const symlinkAt = (task: Task, args: SyscallArguments, n: number, m: number, to: number): number => {
    const target = readPath(task.process.space, args.pointer(n));
    if (typeof target === 'number') return target;
    if (target === '') return -ENOENT;
    return withPath(task, args, m, to, false, (path) => files.symlink(target, path));
  };
  const accessAt = (task: Task, args: SyscallArguments, n: number, dirfd: number): number => {
    const mode = args.int(n + 1);
    if ((mode & ~7) !== 0) return -EINVAL;
    const path = readPath(task.process.space, args.pointer(n));
    if (typeof path === 'string' && procEntry(kernel, task, path) !== undefined) return 0;
    return withPath(task, args, n, dirfd, true, (host) => files.access(host, mode));
  };
  const chmodAt = (task: Task, args: SyscallArguments, n: number, dirfd: number): number =>
    withPath(task, args, n, dirfd, true, (path) => files.chmod(path, args.int(n + 1) & 0o7777));
  const chownAt = (task: Task, args: SyscallArguments, n: number, dirfd: number, follow: boolean): number =>
    withPath(task, args, n, dirfd, true, (path) => files.chown(path, args.int(n + 1), args.int(n + 2), follow));

  function setTimes(task: Task, dirfd: number, va: number, times: Uint8Array | undefined, flags: number): number {
    if (va === 0) {
      const file = task.process.files.get(dirfd);
      return file?.hostFd === undefined ? -EBADF : files.setTimes(file.hostFd, times, true);
    }
    const path = readPath(task.process.space, va);
    if (typeof path === 'number') return path;
    if (path === '' && (flags & AT_EMPTY_PATH) !== 0) return setTimes(task, dirfd, 0, times, 0);
    const resolved = resolveAt(kernel, task, dirfd, path, true);
    if (typeof resolved === 'number') return resolved;
    return files.setTimes(resolved, times, (flags & AT_SYMLINK_NOFOLLOW) === 0);
  }

  /** Two timevals as two timespecs. */
  function timevals(task: Task, va: number): Uint8Array | number | undefined {
    if (va === 0) return undefined;
    const view = task.process.space.view(va, 32);
    if (view === undefined) return -EFAULT;
    const values: bigint[] = [];
    for (const at of [0, 16]) {
      const micro = view.getBigInt64(at + 8, true);
      if (micro < 0n || micro >= 1_000_000n) return -EINVAL;
      values.push(view.getBigInt64(at, true), micro * 1000n);
    }
    return longBytes(values);
  }

  function change(task: Task, path: string): number {
    const stat = files.stat(path, true);
    if (typeof stat === 'number') return stat;
    if ((stat.mode & S_IFMT) !== 0o040000) return -ENOTDIR;
    const allowed = files.access(path, 1);
    if (allowed < 0) return allowed;
    task.process.fs.cwd = files.realPath(path) ?? normalize(path);
    return 0;
  }

  // --- extended attributes ---

  function xattr(
    task: Task,
    args: SyscallArguments,
    kind: 'path' | 'link' | 'fd',
    use: (target: string | number, name: string, follow: boolean) => number,
    named = true,
  ): number {
    let target: string | number;
    if (kind === 'fd') {
      const file = fileOf(task, args);
      if (file?.hostFd === undefined) return file === undefined ? -EBADF : -EOPNOTSUPP;
      target = file.hostFd;
    } else {
      target = pathAt(task, args, 0);
      if (typeof target === 'number') return target;
    }
    let name = '';
    if (named) {
      const text = task.process.space.readString(args.pointer(1), 255);
      if (typeof text === 'number') return text === -EFAULT ? -EFAULT : -ERANGE;
      if (text.length === 0) return -ERANGE;
      name = bytesToText(text);
    }
    return use(target, name, kind !== 'link');
  }
  const getxattr =
    (kind: 'path' | 'link' | 'fd'): Handler =>
    (task, args) =>
      xattr(task, args, kind, (target, name, follow) => {
        const value = new Uint8Array(Math.min(args.size(3), 65536));
        const result = files.getxattr(target, name, value, follow);
        if (result <= 0 || value.length === 0) return result;
        return task.process.space.write(args.pointer(2), value.subarray(0, result)) < 0 ? -EFAULT : result;
      });
  const setxattr =
    (kind: 'path' | 'link' | 'fd'): Handler =>
    (task, args) =>
      xattr(task, args, kind, (target, name, follow) => {
        if (args.size(3) > 65536) return -E2BIG;
        const value = task.process.space.read(args.pointer(2), args.size(3));
        return value === undefined ? -EFAULT : files.setxattr(target, name, value, args.int(4), follow);
      });
  const listxattr =
    (kind: 'path' | 'link' | 'fd'): Handler =>
    (task, args) =>
      xattr(
        task,
        args,
        kind,
        (target, _name, follow) => {
          const list = new Uint8Array(Math.min(args.size(2), 65536));
          const result = files.listxattr(target, list, follow);
          if (result <= 0 || list.length === 0) return result;
          return task.process.space.write(args.pointer(1), list.subarray(0, result)) < 0 ? -EFAULT : result;
        },
        false,
      );
  const removexattr =
    (kind: 'path' | 'link' | 'fd'): Handler =>
    (task, args) =>
      xattr(task, args, kind, (target, name, follow) => files.removexattr(target, name, follow));

  // --- copying inside the kernel ---

  function copyCall(
    task: Task,
    fromFd: number,
    toFd: number,
    fromVa: number,
    toVa: number,
    count: number,
  ): number | Call {
    const from = task.process.files.get(fromFd);
    const to = task.process.files.get(toFd);
    if (from === undefined || to === undefined || !from.canRead || !to.canWrite) return -EBADF;
    const { space } = task.process;
    const offsets: (number | undefined)[] = [];
    for (const va of [fromVa, toVa]) {
      if (va === 0) {
        offsets.push(undefined);
        continue;
      }
      const value = space.readU64(va);
      if (value === undefined) return -EFAULT;
      if (BigInt.asIntN(64, value) < 0n) return -EINVAL;
      offsets.push(Number(value));
    }
    const [fromAt, toAt] = offsets;
    return copy(kernel, task, { from, to, fromAt, toAt, count }, (done) => {
      if (done <= 0) return done;
      if (fromAt !== undefined) space.writeU64(fromVa, BigInt(fromAt + done));
      if (toAt !== undefined) space.writeU64(toVa, BigInt(toAt + done));
      return done;
    });
  }

  const one = (args: SyscallArguments): Segment[] => [
    { va: args.pointer(1), length: Math.min(args.size(2), 0x7fff_c000) },
  ];
  const badLength = (args: SyscallArguments): boolean => args.long(2) < 0;

  const vectorCall =
    (writing: boolean, positioned: boolean, flagged = false): Handler =>
    (task, args) => {
      const file = fileOf(task, args);
      if (file === undefined || (writing ? !file.canWrite : !file.canRead)) return -EBADF;
      if (flagged && (args.int(5) & ~0x1f) !== 0) return -EOPNOTSUPP;
      const segments = readVector(task.process.space, args.pointer(1), args.long(2));
      if (typeof segments === 'number') return segments;
      const at = positioned ? args.long(3) : undefined;
      const position = flagged && at === -1 ? undefined : at;
      if (position !== undefined && position < 0) return -EINVAL;
      return writing ? write(kernel, task, file, segments, position) : read(kernel, task, file, segments, position);
    };

  const pipe = (task: Task, flags: number): [number, number] | number => {
    if ((flags & ~(O_CLOEXEC | O_NONBLOCK | 0o40000)) !== 0) return -EINVAL;
    const ends = host.sockets.pipe();
    if (typeof ends === 'number') return ends;
    const status = flags & O_NONBLOCK;
    const name = `pipe:[${ends[0] + 1_000_000}]`;
    const reader = new StreamFile(host, ends[0], O_RDONLY | status, name, S_IFIFO | 0o600, { nonBlocking: true });
    const writer = new StreamFile(host, ends[1], O_WRONLY | status, name, S_IFIFO | 0o600, { nonBlocking: true });
    const a = install(task, reader, flags);
    if (a < 0) {
      writer.retain().release();
      return a;
    }
    const b = install(task, writer, flags);
    if (b < 0) {
      task.process.files.close(a);
      return b;
    }
    return [a, b];
  };

  return {
    open: (task, args) => openAt(task, AT_FDCWD, args.pointer(0), args.int(1), args.int(2)),
    openat: (task, args) => openAt(task, args.int(0), args.pointer(1), args.int(2), args.int(3)),
    openat2: (task, args) => {
      const how = task.process.space.view(args.pointer(2), 24);
      if (how === undefined) return -EFAULT;
      if (args.size(3) < 24) return -EINVAL;
      return openAt(task, args.int(0), args.pointer(1), how.getUint32(0, true), how.getUint32(8, true));
    },
    creat: (task, args) => openAt(task, AT_FDCWD, args.pointer(0), O_CREAT | O_WRONLY | O_TRUNC, args.int(1)),
    close: (task, args) => task.process.files.close(args.int(0)),
    close_range: (task, args) => {
      const first = args.uint(0);
      const last = args.uint(1);
      if (first > last) return -EINVAL;
      for (const [fd, slot] of task.process.files.entries()) {
        if (fd < first || fd > last) continue;
        if ((args.int(2) & 4) !== 0) slot.closeOnExec = true;
        else task.process.files.close(fd);
      }
      return 0;
    },
    read: (task, args) => {
      const file = fileOf(task, args);
      if (file === undefined) return -EBADF;
      if (file instanceof DirectoryFile) return -EISDIR;
      if (!file.canRead) return -EBADF;
      return badLength(args) ? -EINVAL : read(kernel, task, file, one(args));
    },
    write: (task, args) => {
      const file = fileOf(task, args);
      if (file === undefined || !file.canWrite) return -EBADF;
      return badLength(args) ? -EINVAL : write(kernel, task, file, one(args));
    },
    pread64: (task, args) => {
      const file = fileOf(task, args);
      if (file === undefined || !file.canRead) return -EBADF;
      if (args.long(3) < 0 || badLength(args)) return -EINVAL;
      return read(kernel, task, file, one(args), args.long(3));
    },
    pwrite64: (task, args) => {
      const file = fileOf(task, args);
      if (file === undefined || !file.canWrite) return -EBADF;
      if (args.long(3) < 0 || badLength(args)) return -EINVAL;
      return write(kernel, task, file, one(args), args.long(3));
    },
    readv: vectorCall(false, false),
    writev: vectorCall(true, false),
    preadv: vectorCall(false, true),
    pwritev: vectorCall(true, true),
    preadv2: vectorCall(false, true, true),
    pwritev2: vectorCall(true, true, true),
    lseek: (task, args) => {
      const file = fileOf(task, args);
      if (file === undefined || file instanceof PathFile) return -EBADF;
      const whence = args.int(2);
      if (whence < 0 || whence > 4) return -EINVAL;
      return file.seek(args.long(1), whence);
    },
    dup: (task, args) => {
      const file = fileOf(task, args);
      return file === undefined ? -EBADF : task.process.files.add(file, false, limitOfFiles(task));
    },
    dup2: (task, args) => {
      const file = fileOf(task, args);
      const to = args.int(1);
      if (file === undefined || to < 0 || to >= limitOfFiles(task)) return -EBADF;
      if (to !== args.int(0)) task.process.files.put(to, file, false);
      return to;
    },
    dup3: (task, args) => {
      const file = fileOf(task, args);
      const to = args.int(1);
      if ((args.int(2) & ~O_CLOEXEC) !== 0 || to === args.int(0)) return -EINVAL;
      if (file === undefined || to < 0 || to >= limitOfFiles(task)) return -EBADF;
      task.process.files.put(to, file, (args.int(2) & O_CLOEXEC) !== 0);
      return to;
    },
    fcntl,
    ioctl,
    flock: (task, args) => {
      const file = fileOf(task, args);
      if (file?.hostFd === undefined) return -EBADF;
      const operation = args.int(1);
      const result = files.lockFile(file.hostFd, operation | 4);
      return result === -EAGAIN && (operation & 4) === 0 ? waitForFlock(file.hostFd, operation) : result;
    },
    pipe: (task) => {
      const ends = pipe(task, 0);
      if (typeof ends === 'number') return ends;
      task.cpu.state.setGr(9, BigInt(ends[1]));
      return ends[0];
    },
    pipe2: (task, args) => {
      const ends = pipe(task, args.int(1));
      if (typeof ends === 'number') return ends;
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setInt32(0, ends[0], true);
      new DataView(bytes.buffer).setInt32(4, ends[1], true);
      const result = task.process.space.write(args.pointer(0), bytes);
      if (result < 0) ends.forEach((fd) => task.process.files.close(fd));
      return result;
    },
    stat: (task, args) => putStat(task, args.pointer(1), statAt(task, AT_FDCWD, args.pointer(0), 0)),
    lstat: (task, args) => putStat(task, args.pointer(1), statAt(task, AT_FDCWD, args.pointer(0), AT_SYMLINK_NOFOLLOW)),
    fstat: (task, args) => putStat(task, args.pointer(1), fileOf(task, args)?.stat() ?? -EBADF),
    newfstatat: (task, args) => {
      const flags = args.int(3);
      if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | 0x800)) !== 0) return -EINVAL;
      return putStat(task, args.pointer(2), statAt(task, args.int(0), args.pointer(1), flags));
    },
    statx: (task, args) => {
      const stat = statAt(task, args.int(0), args.pointer(1), args.int(2));
      return typeof stat === 'number' ? stat : task.process.space.write(args.pointer(4), statxBytes(stat));
    },
    statfs: (task, args) => statfs(task, args, 1),
    statfs64: (task, args) => (args.size(1) === STATFS_SIZE ? statfs(task, args, 2) : -EINVAL),
    fstatfs: (task, args) => fstatfs(task, args, 1),
    fstatfs64: (task, args) => (args.size(1) === STATFS_SIZE ? fstatfs(task, args, 2) : -EINVAL),
    access: (task, args) => accessAt(task, args, 0, AT_FDCWD),
    faccessat: (task, args) => accessAt(task, args, 1, args.int(0)),
    faccessat2: (task, args) => accessAt(task, args, 1, args.int(0)),
    mkdir: (task, args) => mkdirAt(task, args, 0, AT_FDCWD),
    mkdirat: (task, args) => mkdirAt(task, args, 1, args.int(0)),
    mknod: (task, args) => mknodAt(task, args, 0, AT_FDCWD),
    mknodat: (task, args) => mknodAt(task, args, 1, args.int(0)),
    rmdir: (task, args) => unlinkAt(task, args, 0, AT_FDCWD, AT_REMOVEDIR),
    unlink: (task, args) => unlinkAt(task, args, 0, AT_FDCWD, 0),
    unlinkat: (task, args) => unlinkAt(task, args, 1, args.int(0), args.int(2)),
    rename: (task, args) => renameAt(task, args, 0, AT_FDCWD, 1, AT_FDCWD, 0),
    renameat: (task, args) => renameAt(task, args, 1, args.int(0), 3, args.int(2), 0),
    renameat2: (task, args) => renameAt(task, args, 1, args.int(0), 3, args.int(2), args.int(4)),
    link: (task, args) => linkAt(task, args, 0, AT_FDCWD, 1, AT_FDCWD, 0),
    linkat: (task, args) => linkAt(task, args, 1, args.int(0), 3, args.int(2), args.int(4)),
    symlink: (task, args) => symlinkAt(task, args, 0, 1, AT_FDCWD),
    symlinkat: (task, args) => symlinkAt(task, args, 0, 2, args.int(1)),
    readlink: (task, args) => readlinkAt(task, AT_FDCWD, args.pointer(0), args.pointer(1), args.long(2)),
    readlinkat: (task, args) => readlinkAt(task, args.int(0), args.pointer(1), args.pointer(2), args.long(3)),
    chmod: (task, args) => chmodAt(task, args, 0, AT_FDCWD),
    fchmodat: (task, args) => chmodAt(task, args, 1, args.int(0)),
    fchmod: (task, args) => {
      const file = fileOf(task, args);
      return file?.hostFd === undefined ? -EBADF : files.fchmod(file.hostFd, args.int(1) & 0o7777);
    },
    chown: (task, args) => chownAt(task, args, 0, AT_FDCWD, true),
    lchown: (task, args) => chownAt(task, args, 0, AT_FDCWD, false),
    fchownat: (task, args) => chownAt(task, args, 1, args.int(0), (args.int(4) & AT_SYMLINK_NOFOLLOW) === 0),
    fchown: (task, args) => {
      const file = fileOf(task, args);
      return file?.hostFd === undefined ? -EBADF : files.fchown(file.hostFd, args.int(1), args.int(2));
    },
    truncate: (task, args) =>
      withPath(task, args, 0, AT_FDCWD, true, (path) => {
        if (args.long(1) < 0) return -EINVAL;
        const fd = files.open(path, O_WRONLY | O_CLOEXEC, 0);
        if (fd < 0) return fd;
        const file = wrapHostFd(host, cache, fd, O_WRONLY, path, { nonBlocking: false });
        if (typeof file === 'number') return file;
        const result = file instanceof RegularFile ? file.truncate(args.long(1)) : -EINVAL;
        file.retain().release();
        return result;
      }),
    ftruncate: (task, args) => {
      const file = fileOf(task, args);
      if (file === undefined) return -EBADF;
      if (!(file instanceof RegularFile) || args.long(1) < 0) return -EINVAL;
      return file.truncate(args.long(1));
    },
    fallocate: (task, args) => {
      const file = fileOf(task, args);
      if (file === undefined || !file.canWrite) return -EBADF;
      if (!(file instanceof RegularFile)) return -ESPIPE;
      return files.allocate(file.hostFd!, args.int(1), args.long(2), args.long(3));
    },
    fadvise64: (task, args) => {
      const file = fileOf(task, args);
      if (file === undefined) return -EBADF;
      if (file.hostFd === undefined || file instanceof StreamFile) return -ESPIPE;
      return files.advise(file.hostFd, args.long(1), args.long(2), args.int(3));
    },
    readahead: (task, args) => (fileOf(task, args) === undefined ? -EBADF : 0),
    fsync: (task, args) => {
      const file = fileOf(task, args);
      if (file?.hostFd === undefined) return file === undefined ? -EBADF : -EINVAL;
      cache.beforeRead(file.identity);
      return files.sync(file.hostFd, false);
    },
    fdatasync: (task, args) => {
      const file = fileOf(task, args);
      if (file?.hostFd === undefined) return file === undefined ? -EBADF : -EINVAL;
      cache.beforeRead(file.identity);
      return files.sync(file.hostFd, true);
    },
    sync_file_range: (task, args) => (fileOf(task, args) === undefined ? -EBADF : 0),
    sync: () => {
      cache.flushAll();
      files.syncAll();
      return 0;
    },
    syncfs: (task, args) => {
      if (fileOf(task, args) === undefined) return -EBADF;
      cache.flushAll();
      return 0;
    },
    utimensat: (task, args) => {
      const va = args.pointer(2);
      const times = va === 0 ? undefined : task.process.space.read(va, 32)?.slice();
      if (va !== 0 && times === undefined) return -EFAULT;
      return setTimes(task, args.int(0), args.pointer(1), times, args.int(3));
    },
    utimes: (task, args) => {
      const times = timevals(task, args.pointer(1));
      return typeof times === 'number' ? times : setTimes(task, AT_FDCWD, args.pointer(0), times, 0);
    },
    futimesat: (task, args) => {
      const times = timevals(task, args.pointer(2));
      return typeof times === 'number' ? times : setTimes(task, args.int(0), args.pointer(1), times, 0);
    },
    chdir: (task, args) => withPath(task, args, 0, AT_FDCWD, true, (path) => change(task, path)),
    fchdir: (task, args) => {
      const file = fileOf(task, args);
      if (file === undefined) return -EBADF;
      return file instanceof DirectoryFile ? change(task, file.path) : -ENOTDIR;
    },
    chroot: () => -EPERM,
    getcwd: (task, args) => {
      const cwd = textToBytes(`${task.process.fs.cwd}\0`);
      if (args.size(1) < cwd.length) return -ERANGE;
      return task.process.space.write(args.pointer(0), cwd) < 0 ? -EFAULT : cwd.length;
    },
    umask: (task, args) => {
      const old = task.process.fs.umask;
      task.process.fs.umask = args.int(0) & 0o777;
      return old;
    },
    getdents64: (task, args) => {
      const file = fileOf(task, args);
      if (file === undefined) return -EBADF;
      if (!(file instanceof DirectoryFile)) return -ENOTDIR;
      const bytes = new Uint8Array(Math.min(args.uint(2), 65536));
      const count = file.entries(bytes);
      if (count <= 0) return count;
      return task.process.space.write(args.pointer(1), bytes.subarray(0, count)) < 0 ? -EFAULT : count;
    },
    sendfile: (task, args) => copyCall(task, args.int(1), args.int(0), args.pointer(2), 0, args.size(3)),
    copy_file_range: (task, args) =>
      copyCall(task, args.int(0), args.int(2), args.pointer(1), args.pointer(3), args.size(4)),
    splice: (task, args) => copyCall(task, args.int(0), args.int(2), args.pointer(1), args.pointer(3), args.size(4)),
    memfd_create: (task, args) => {
      const name = task.process.space.readString(args.pointer(0), 249);
      if (typeof name === 'number') return name === -EFAULT ? -EFAULT : -EINVAL;
      if ((args.uint(1) & ~3) !== 0) return -EINVAL;
      const fd = files.createMemoryFile(bytesToText(name), args.uint(1));
      if (fd < 0) return fd;
      const file = wrapHostFd(host, cache, fd, 2, `/memfd:${bytesToText(name)} (deleted)`, { nonBlocking: false });
      return typeof file === 'number' ? file : install(task, file, (args.uint(1) & 1) !== 0 ? O_CLOEXEC : 0);
    },
    inotify_init: (task) => inotify(task, 0),
    inotify_init1: (task, args) => inotify(task, args.int(0)),
    inotify_add_watch: (task, args) => {
      const file = fileOf(task, args);
      if (file?.hostFd === undefined) return -EBADF;
      return withPath(task, args, 1, AT_FDCWD, true, (path) => files.inotifyAdd(file.hostFd!, path, args.uint(2)));
    },
    inotify_rm_watch: (task, args) => {
      const file = fileOf(task, args);
      return file?.hostFd === undefined ? -EBADF : files.inotifyRemove(file.hostFd, args.int(1));
    },
    getxattr: getxattr('path'),
    lgetxattr: getxattr('link'),
    fgetxattr: getxattr('fd'),
    setxattr: setxattr('path'),
    lsetxattr: setxattr('link'),
    fsetxattr: setxattr('fd'),
    listxattr: listxattr('path'),
    llistxattr: listxattr('link'),
    flistxattr: listxattr('fd'),
    removexattr: removexattr('path'),
    lremovexattr: removexattr('link'),
    fremovexattr: removexattr('fd'),
    mount: () => -EPERM,
    umount2: () => -EPERM,
    pivot_root: () => -EPERM,
    acct: () => -EPERM,
    swapon: () => -EPERM,
    swapoff: () => -EPERM,
    reboot: () => -EPERM,
    quotactl: () => -EPERM,
  };

  function inotify(task: Task, flags: number): number {
    const fd = files.inotifyInit();
    if (fd < 0) return fd;
    const file = new StreamFile(host, fd, O_RDONLY | (flags & O_NONBLOCK), 'anon_inode:inotify', 0o600, {
      nonBlocking: true,
    });
    return install(task, file, flags);
  }
}

/** `.` and doubled slashes go; `..` stays because of links. */
function normalizeKeepingLinks(path: string): string {
  return path.replace(/\/(?:\.?\/)+/g, '/').replace(/(.)\/\.?$/, '$1');
}
