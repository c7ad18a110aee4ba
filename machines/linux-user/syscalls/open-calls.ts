// SPDX-License-Identifier: MIT
//
// Descriptors: opening files, pipes, memory files and inotify, duplicating and closing.
import { EACCES, EBADF, EFAULT, EINVAL, EMFILE, ENOENT, ENXIO, ERESTARTSYS } from '../abi/errno.ts';
import {
  AT_FDCWD,
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
} from '../abi/files.ts';
import { RegularFile, StreamFile, wrapHostFd } from '../files/host-file.ts';
import type { OpenFile } from '../files/open-file.ts';
import { bytesToText, procEntry, readPath, resolveAt } from '../files/paths.ts';
import { TextFile, procText } from '../files/proc-text.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../process/process.ts';
import type { Call } from '../waiting.ts';
import type { Handler } from './arguments.ts';
import { fileOf, install, limitOfFiles, withPath } from './file-arguments.ts';

const PROCESS_MEMORY = /^\/proc\/(?:self|thread-self|\d+)\/(?:task\/\d+\/)?mem$/;

export function openCalls(kernel: Kernel): Record<string, Handler> {
  const { host, cache } = kernel;
  const { files } = host;

  function openAt(task: Task, dirfd: number, va: number, flags: number, mode: number): number | Call {
    const path = readPath(task.process.space, va);
    if (typeof path === 'number') return path;
    const special = procEntry(kernel, task, path);
    if (special !== undefined) {
      const opened = openProc(special, flags, path);
      if (opened !== undefined) return typeof opened === 'number' ? opened : install(task, opened, flags);
    }
    const resolved = resolveAt(kernel, task, dirfd, path, true);
    if (typeof resolved === 'number') return resolved;
    if (task.process.files.get(limitOfFiles(task)) !== undefined) return -EMFILE;
    return openHost(task, resolved, flags, mode & 0o7777 & ~task.process.fs.umask);
  }

  function openProc(
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
    return undefined;
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

  function inotify(task: Task, flags: number): number {
    const fd = files.inotifyInit();
    if (fd < 0) return fd;
    const file = new StreamFile(host, fd, O_RDONLY | (flags & O_NONBLOCK), 'anon_inode:inotify', 0o600, {
      nonBlocking: true,
    });
    return install(task, file, flags);
  }

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
      return withPath(kernel, task, args, 1, AT_FDCWD, true, (path) =>
        files.inotifyAdd(file.hostFd!, path, args.uint(2)),
      );
    },
    inotify_rm_watch: (task, args) => {
      const file = fileOf(task, args);
      return file?.hostFd === undefined ? -EBADF : files.inotifyRemove(file.hostFd, args.int(1));
    },
  };
}

/** `.` and doubled slashes go; `..` stays because of links. */
function normalizeKeepingLinks(path: string): string {
  return path.replace(/\/(?:\.?\/)+/g, '/').replace(/(.)\/\.?$/, '$1');
}
