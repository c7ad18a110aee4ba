// SPDX-License-Identifier: MIT
//
// What is known about a file and its file system: stat, access, modes, owners, times.
import { EBADF, EFAULT, EINVAL, ENOENT } from '../abi/errno.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from '../abi/files.ts';
import { procEntry, readPath, resolveAt } from '../files/paths.ts';
import { TextFile } from '../files/proc-text.ts';
import type { HostStat, HostStatfs } from '../host-os.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../process/process.ts';
import type { Handler, SyscallArguments } from './arguments.ts';
import { fileOf, withPath } from './file-arguments.ts';
import { STATFS_SIZE, longBytes, statBytes, statfsBytes, statxBytes } from './structures.ts';

export function metadataCalls(kernel: Kernel): Record<string, Handler> {
  const { files } = kernel.host;

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
    typeof stat === 'number' ? stat : task.process.space.write(va, statBytes(stat));

  const putStatfs = (task: Task, va: number, stat: HostStatfs | number): number =>
    typeof stat === 'number' ? stat : task.process.space.write(va, statfsBytes(stat));
  const statfs = (task: Task, args: SyscallArguments, n: number): number =>
    withPath(kernel, task, args, 0, AT_FDCWD, true, (path) => putStatfs(task, args.pointer(n), files.statfs(path)));
  function fstatfs(task: Task, args: SyscallArguments, n: number): number {
    const file = fileOf(task, args);
    if (file === undefined) return -EBADF;
    const place = file.hostFd === undefined || !file.path.startsWith('/') ? '/' : file.path;
    return putStatfs(task, args.pointer(n), files.statfs(place));
  }

  const accessAt = (task: Task, args: SyscallArguments, n: number, dirfd: number): number => {
    const mode = args.int(n + 1);
    if ((mode & ~7) !== 0) return -EINVAL;
    const path = readPath(task.process.space, args.pointer(n));
    if (typeof path === 'string' && procEntry(kernel, task, path) !== undefined) return 0;
    return withPath(kernel, task, args, n, dirfd, true, (host) => files.access(host, mode));
  };
  const chmodAt = (task: Task, args: SyscallArguments, n: number, dirfd: number): number =>
    withPath(kernel, task, args, n, dirfd, true, (path) => files.chmod(path, args.int(n + 1) & 0o7777));
  const chownAt = (task: Task, args: SyscallArguments, n: number, dirfd: number, follow: boolean): number =>
    withPath(kernel, task, args, n, dirfd, true, (path) => files.chown(path, args.int(n + 1), args.int(n + 2), follow));

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

  return {
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
  };
}
