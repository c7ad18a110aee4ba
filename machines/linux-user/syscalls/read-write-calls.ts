// SPDX-License-Identifier: MIT
//
// The contents of files: reading, writing, seeking, vectors, copying inside the kernel, lengths, writing back.
import { EBADF, EFAULT, EINVAL, EISDIR, EOPNOTSUPP, ESPIPE } from '../abi/errno.ts';
import { AT_FDCWD, O_CLOEXEC, O_WRONLY } from '../abi/files.ts';
import { DirectoryFile, PathFile, RegularFile, StreamFile, wrapHostFd } from '../files/host-file.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../process/process.ts';
import type { Call } from '../waiting.ts';
import type { Handler, SyscallArguments } from './arguments.ts';
import { fileOf, withPath } from './file-arguments.ts';
import { copy, read, readVector, write, type Segment } from './transfer.ts';

export function readWriteCalls(kernel: Kernel): Record<string, Handler> {
  const { host, cache } = kernel;
  const { files } = host;

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

  return {
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
    sendfile: (task, args) => copyCall(task, args.int(1), args.int(0), args.pointer(2), 0, args.size(3)),
    copy_file_range: (task, args) =>
      copyCall(task, args.int(0), args.int(2), args.pointer(1), args.pointer(3), args.size(4)),
    splice: (task, args) => copyCall(task, args.int(0), args.int(2), args.pointer(1), args.pointer(3), args.size(4)),
    truncate: (task, args) =>
      withPath(kernel, task, args, 0, AT_FDCWD, true, (path) => {
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
  };
}
