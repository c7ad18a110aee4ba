// SPDX-License-Identifier: MIT
//
// Waiting for several files: poll, select, epoll; eventfd.
import { EBADF, EFAULT, EINTR, EINVAL, ERESTARTNOHAND, ERESTART_RESTARTBLOCK } from '../abi/errno.ts';
import {
  O_CLOEXEC,
  O_NONBLOCK,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  POLLPRI,
  POLLRDBAND,
  POLLRDNORM,
  POLLWRBAND,
  POLLWRNORM,
} from '../abi/files.ts';
import { Epoll, type EpollEvent } from '../files/epoll.ts';
import { EventFd } from '../files/event-files.ts';
import type { OpenFile } from '../files/open-file.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../process/process.ts';
import type { Call, HostInterest, SysResult, Wait, WaitQueue } from '../waiting.ts';
import type { Handler, SyscallArguments } from './arguments.ts';
import { limitOfFiles } from './file-arguments.ts';
import { readMask, useMask } from './signal-calls.ts';
import { pairBytes } from './structures.ts';
import { readTimespec } from './time-calls.ts';

interface Watched {
  readonly file: OpenFile | undefined;
  readonly events: number;
}

/** Ready events of one file, with the ones that are always told. */
function pollFile(file: OpenFile, events: number): number {
  const wanted = events | POLLERR | POLLHUP;
  const ready = file.poll(wanted);
  // The kernel's own files speak of POLLIN and POLLOUT only.
  const both = (ready & POLLIN ? POLLRDNORM : 0) | (ready & POLLOUT ? POLLWRNORM : 0);
  return (ready | both) & (wanted | POLLNVAL);
}

function waitFor(watched: readonly Watched[], deadline: number | undefined): Wait {
  const queues: WaitQueue[] = [];
  const host: HostInterest[] = [];
  for (const { file, events } of watched) {
    if (file === undefined) continue;
    if (file instanceof Epoll) {
      const inner = file.interests();
      queues.push(...inner.queues);
      host.push(...inner.host);
      continue;
    }
    const interest = file.interest(events);
    if (interest?.queue !== undefined) queues.push(interest.queue);
    if (interest?.host !== undefined) host.push(interest.host);
  }
  return { queues, host, deadline };
}

export function pollCalls(kernel: Kernel): Record<string, Handler> {
  /** Milliseconds, negative for ever. */
  const deadlineIn = (ms: number): number | undefined => (ms < 0 ? undefined : kernel.now() + ms * 1e6);

  // --- poll ---

  function* poll(task: Task, va: number, count: number, deadline: number | undefined, restartable: boolean): Call {
    const { space, files } = task.process;
    if (count > limitOfFiles(task)) return -EINVAL;
    const bytes = space.read(va, count * 8)?.slice();
    if (bytes === undefined) return -EFAULT;
    const view = new DataView(bytes.buffer);
    const watched = Array.from({ length: count }, (_, n) => ({
      fd: view.getInt32(n * 8, true),
      events: view.getInt16(n * 8 + 4, true) & 0xffff,
    })).map(({ fd, events }) => ({ fd, events, file: fd < 0 ? undefined : files.get(fd) }));
    watched.forEach(({ file }) => file?.retain());
    try {
      for (let reason = ''; ;) {
        let ready = 0;
        watched.forEach(({ fd, events, file }, n) => {
          const revents = fd < 0 ? 0 : file === undefined ? POLLNVAL : pollFile(file, events);
          view.setInt16(n * 8 + 6, revents, true);
          if (revents !== 0) ready++;
        });
        if (ready > 0 || reason === 'timeout' || (deadline !== undefined && kernel.now() >= deadline)) {
          return space.write(va, bytes) < 0 ? -EFAULT : ready;
        }
        if (reason === 'signal') {
          if (!restartable) return -ERESTARTNOHAND;
          task.restartBlock = () => poll(task, va, count, deadline, restartable);
          return -ERESTART_RESTARTBLOCK;
        }
        reason = yield waitFor(watched, deadline);
      }
    } finally {
      watched.forEach(({ file }) => file?.release());
    }
  }

  function timeoutOf(task: Task, va: number): number | undefined | { error: number } {
    const time = readTimespec(task, va);
    return typeof time === 'number' ? kernel.now() + time : time;
  }

  function ppoll(task: Task, args: SyscallArguments): SysResult | Call {
    const deadline = timeoutOf(task, args.pointer(2));
    if (typeof deadline === 'object') return deadline.error;
    const mask = readMask(task, args.pointer(3), args.size(4));
    if (typeof mask === 'number') return mask;
    if (mask !== undefined) useMask(task, mask);
    return poll(task, args.pointer(0), args.uint(1), deadline, false);
  }

  // --- select ---

  const IN_SET = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR;
  const OUT_SET = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR;
  const EX_SET = POLLPRI;

  function* select(
    task: Task,
    count: number,
    sets: readonly number[],
    deadline: number | undefined,
    after: () => void,
  ): Call {
    const { space, files } = task.process;
    if (count < 0) return -EINVAL;
    const most = Math.min(count, 1024 * 64, limitOfFiles(task));
    const length = Math.ceil(most / 64) * 8;
    const wanted: (Uint8Array | undefined)[] = [];
    for (const va of sets) {
      const bytes = va === 0 ? undefined : space.read(va, length)?.slice();
      if (va !== 0 && bytes === undefined) return -EFAULT;
      wanted.push(bytes);
    }
    const has = (set: Uint8Array | undefined, fd: number): boolean =>
      set !== undefined && (set[fd >> 3]! & (1 << (fd & 7))) !== 0;
    const kinds = [
      [IN_SET, POLLIN],
      [OUT_SET, POLLOUT],
      [EX_SET, POLLPRI],
    ] as const;
    const watched: { file: OpenFile; fd: number; events: number }[] = [];
    for (let fd = 0; fd < most; fd++) {
      let events = 0;
      kinds.forEach(([, bitsFor], index) => {
        if (has(wanted[index], fd)) events |= bitsFor;
      });
      if (events === 0) continue;
      const file = files.get(fd);
      if (file === undefined) return -EBADF;
      watched.push({ file, fd, events });
    }
    watched.forEach(({ file }) => file.retain());
    try {
      for (let reason = ''; ;) {
        let ready = 0;
        const result = wanted.map((set) => (set === undefined ? undefined : new Uint8Array(length)));
        for (const { file, fd, events } of watched) {
          const revents = pollFile(file, events);
          kinds.forEach(([mask, bitsFor], index) => {
            if ((events & bitsFor) === 0 || (revents & mask) === 0) return;
            result[index]![fd >> 3]! |= 1 << (fd & 7);
            ready++;
          });
        }
        const over = reason === 'timeout' || (deadline !== undefined && kernel.now() >= deadline);
        if (ready > 0 || over) {
          for (const [index, set] of result.entries()) {
            if (set !== undefined && space.write(sets[index]!, set) < 0) return -EFAULT;
          }
          after();
          return ready;
        }
        if (reason === 'signal') {
          after();
          return -ERESTARTNOHAND;
        }
        reason = yield waitFor(watched, deadline);
      }
    } finally {
      watched.forEach(({ file }) => file.release());
    }
  }

  function selectCall(task: Task, args: SyscallArguments): SysResult | Call {
    const { space } = task.process;
    const va = args.pointer(4);
    let deadline: number | undefined;
    if (va !== 0) {
      const view = space.view(va, 16);
      if (view === undefined) return -EFAULT;
      const seconds = Number(view.getBigInt64(0, true));
      const micro = Number(view.getBigInt64(8, true));
      if (seconds < 0 || micro < 0) return -EINVAL;
      deadline = kernel.now() + seconds * 1e9 + micro * 1e3;
    }
    return select(task, args.int(0), [args.pointer(1), args.pointer(2), args.pointer(3)], deadline, () => {
      if (deadline === undefined) return;
      const left = Math.max(0, deadline - kernel.now());
      space.write(va, pairBytes(Math.floor(left / 1e9), Math.floor((left % 1e9) / 1e3)));
    });
  }

  function pselect(task: Task, args: SyscallArguments): SysResult | Call {
    const deadline = timeoutOf(task, args.pointer(4));
    if (typeof deadline === 'object') return deadline.error;
    if (args.pointer(5) !== 0) {
      const view = task.process.space.view(args.pointer(5), 16);
      if (view === undefined) return -EFAULT;
      const low = view.getUint32(0, true);
      const high = view.getUint32(4, true);
      const maskVa = (high >>> 29) * 2 ** 44 + (high & 0xfff) * 0x1_0000_0000 + low;
      const mask = readMask(task, maskVa, Number(view.getBigUint64(8, true)));
      if (typeof mask === 'number') return mask;
      if (mask !== undefined) useMask(task, mask);
    }
    return select(task, args.int(0), [args.pointer(1), args.pointer(2), args.pointer(3)], deadline, () => {});
  }

  // --- epoll ---

  const epollOf = (task: Task, fd: number): Epoll | number => {
    const file = task.process.files.get(fd);
    return file === undefined ? -EBADF : file instanceof Epoll ? file : -EINVAL;
  };

  function epollCreate(task: Task, flags: number): number {
    if ((flags & ~O_CLOEXEC) !== 0) return -EINVAL;
    return task.process.files.add(new Epoll(2), (flags & O_CLOEXEC) !== 0, limitOfFiles(task));
  }

  function epollCtl(task: Task, args: SyscallArguments): number {
    const operation = args.int(1);
    const epoll = task.process.files.get(args.int(0));
    const file = task.process.files.get(args.int(2));
    let event: EpollEvent | undefined;
    if (operation !== 2) {
      const view = task.process.space.view(args.pointer(3), 16);
      if (view === undefined) return -EFAULT;
      event = { events: view.getUint32(0, true) | 0, data: view.getBigUint64(8, true) };
    }
    if (epoll === undefined || file === undefined) return -EBADF;
    if (!(epoll instanceof Epoll)) return -EINVAL;
    const result = epoll.control(operation, args.int(2), file, event);
    return result;
  }

  function* epollWait(task: Task, fd: number, va: number, most: number, deadline: number | undefined): Call {
    const epoll = epollOf(task, fd);
    if (typeof epoll === 'number') return epoll;
    if (most <= 0 || most > 0x1000_0000) return -EINVAL;
    epoll.retain();
    try {
      for (let reason = ''; ;) {
        const events = epoll.collect(Math.min(most, 4096), true);
        if (events.length > 0) {
          const bytes = new Uint8Array(events.length * 16);
          const view = new DataView(bytes.buffer);
          events.forEach((event, index) => {
            view.setUint32(index * 16, event.events, true);
            view.setBigUint64(index * 16 + 8, event.data, true);
          });
          return task.process.space.write(va, bytes) < 0 ? -EFAULT : events.length;
        }
        if (reason === 'timeout' || (deadline !== undefined && kernel.now() >= deadline)) return 0;
        if (reason === 'signal') return -EINTR;
        reason = yield { ...epoll.interests(), deadline };
      }
    } finally {
      epoll.release();
    }
  }

  function epollPwait(task: Task, args: SyscallArguments, deadline: number | undefined): SysResult | Call {
    const mask = readMask(task, args.pointer(4), args.size(5));
    if (typeof mask === 'number') return mask;
    if (mask !== undefined) useMask(task, mask);
    return epollWait(task, args.int(0), args.pointer(1), args.int(2), deadline);
  }

  function eventfd(task: Task, initial: number, flags: number): number {
    if ((flags & ~(O_CLOEXEC | O_NONBLOCK | 1)) !== 0) return -EINVAL;
    const file = new EventFd(initial, (flags & 1) !== 0, 2 | (flags & O_NONBLOCK));
    return task.process.files.add(file, (flags & O_CLOEXEC) !== 0, limitOfFiles(task));
  }

  return {
    poll: (task, args) => poll(task, args.pointer(0), args.uint(1), deadlineIn(args.int(2)), true),
    ppoll,
    select: selectCall,
    pselect6: pselect,
    epoll_create: (task, args) => (args.int(0) <= 0 ? -EINVAL : epollCreate(task, 0)),
    epoll_create1: (task, args) => epollCreate(task, args.int(0)),
    epoll_ctl: epollCtl,
    epoll_wait: (task, args) => epollWait(task, args.int(0), args.pointer(1), args.int(2), deadlineIn(args.int(3))),
    epoll_pwait: (task, args) => epollPwait(task, args, deadlineIn(args.int(3))),
    epoll_pwait2: (task, args) => {
      const deadline = timeoutOf(task, args.pointer(3));
      return typeof deadline === 'object' ? deadline.error : epollPwait(task, args, deadline);
    },
    eventfd: (task, args) => eventfd(task, args.uint(0), 0),
    eventfd2: (task, args) => eventfd(task, args.uint(0), args.int(1)),
  };
}
