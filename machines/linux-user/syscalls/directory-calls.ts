// SPDX-License-Identifier: MIT
//
// Directories and the names in them: making, removing, renaming, linking, listing, and the working directory.
import { EBADF, EFAULT, EINVAL, ENOENT, ENOTDIR, EPERM, ERANGE } from '../abi/errno.ts';
import { AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_FOLLOW, S_IFMT } from '../abi/files.ts';
import { DirectoryFile } from '../files/host-file.ts';
import { normalize, procEntry, readPath, resolveAt, textToBytes } from '../files/paths.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../process/process.ts';
import type { Handler, SyscallArguments } from './arguments.ts';
import { fileOf, withPath } from './file-arguments.ts';

export function directoryCalls(kernel: Kernel): Record<string, Handler> {
  const { files } = kernel.host;

  const mkdirAt = (task: Task, args: SyscallArguments, n: number, dirfd: number): number =>
    withPath(kernel, task, args, n, dirfd, false, (path) =>
      files.mkdir(path, args.int(n + 1) & 0o1777 & ~task.process.fs.umask),
    );
  const mknodAt = (task: Task, args: SyscallArguments, n: number, dirfd: number): number => {
    const mode = args.uint(n + 1);
    const type = mode & S_IFMT;
    const masked = (mode & 0o7777 & ~task.process.fs.umask) | (type === 0 ? 0o100000 : type);
    return withPath(kernel, task, args, n, dirfd, false, (path) => files.mknod(path, masked, args.uint(n + 2)));
  };
  const unlinkAt = (task: Task, args: SyscallArguments, n: number, dirfd: number, flags: number): number => {
    if ((flags & ~AT_REMOVEDIR) !== 0) return -EINVAL;
    return withPath(kernel, task, args, n, dirfd, false, (path) =>
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
    withPath(kernel, task, args, n, from, false, (source) =>
      withPath(kernel, task, args, m, to, false, (target) => files.rename(source, target, flags)),
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
    withPath(kernel, task, args, n, from, false, (source) =>
      withPath(kernel, task, args, m, to, false, (target) =>
        files.link(source, target, (flags & AT_SYMLINK_FOLLOW) !== 0),
      ),
    );
  const symlinkAt = (task: Task, args: SyscallArguments, n: number, m: number, to: number): number => {
    const target = readPath(task.process.space, args.pointer(n));
    if (typeof target === 'number') return target;
    if (target === '') return -ENOENT;
    return withPath(kernel, task, args, m, to, false, (path) => files.symlink(target, path));
  };

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

  function change(task: Task, path: string): number {
    const stat = files.stat(path, true);
    if (typeof stat === 'number') return stat;
    if ((stat.mode & S_IFMT) !== 0o040000) return -ENOTDIR;
    const allowed = files.access(path, 1);
    if (allowed < 0) return allowed;
    task.process.fs.cwd = files.realPath(path) ?? normalize(path);
    return 0;
  }

  return {
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
    chdir: (task, args) => withPath(kernel, task, args, 0, AT_FDCWD, true, (path) => change(task, path)),
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
  };
}
