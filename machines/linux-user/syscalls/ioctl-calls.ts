// SPDX-License-Identifier: MIT
//
// ioctl: of descriptors, of terminals as job control sees them, and passed on to the host by the size of its argument.
import { EBADF, EFAULT, ENOTTY } from '../abi/errno.ts';
import {
  FIOASYNC,
  FIOCLEX,
  FIONBIO,
  FIONCLEX,
  FIONREAD,
  O_NONBLOCK,
  TIOCGPGRP,
  TIOCGSID,
  TIOCNOTTY,
  TIOCSCTTY,
  TIOCSPGRP,
} from '../abi/files.ts';
import { SIGTTOU } from '../abi/signals.ts';
import { StreamFile } from '../files/host-file.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../process/process.ts';
import type { Handler, SyscallArguments } from './arguments.ts';

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

export function ioctlCalls(kernel: Kernel): Record<string, Handler> {
  const { files } = kernel.host;

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

  return {
    ioctl,
  };
}
