// SPDX-License-Identifier: MIT
//
// fcntl and flock: flags of descriptors and files, record locks, locks of whole files.
import { EAGAIN, EBADF, EFAULT, EINVAL, ERESTARTSYS } from '../abi/errno.ts';
import { O_LARGEFILE, SETFL_MASK } from '../abi/files.ts';
import { RegularFile, StreamFile } from '../files/host-file.ts';
import type { OpenFile } from '../files/open-file.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../process/process.ts';
import type { Call } from '../waiting.ts';
import type { Handler, SyscallArguments } from './arguments.ts';
import { fileOf, limitOfFiles } from './file-arguments.ts';

export function fcntlCalls(kernel: Kernel): Record<string, Handler> {
  const { host } = kernel;
  const { files } = host;

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

  return {
    fcntl,
    flock: (task, args) => {
      const file = fileOf(task, args);
      if (file?.hostFd === undefined) return -EBADF;
      const operation = args.int(1);
      const result = files.lockFile(file.hostFd, operation | 4);
      return result === -EAGAIN && (operation & 4) === 0 ? waitForFlock(file.hostFd, operation) : result;
    },
  };
}
