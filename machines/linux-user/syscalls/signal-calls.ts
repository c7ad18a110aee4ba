// SPDX-License-Identifier: MIT
import { EAGAIN, EFAULT, EINVAL, ENOMEM, EPERM, ERESTARTNOHAND, ESRCH } from '../abi/errno.ts';
import { O_CLOEXEC, O_NONBLOCK } from '../abi/files.ts';
import {
  MINSIGSTKSZ,
  NSIG,
  SIGCONT,
  SIG_IGN,
  SI_TKILL,
  SI_USER,
  SS_AUTODISARM,
  SS_DISABLE,
  SS_ONSTACK,
  UNBLOCKABLE,
  bit,
  defaultAction,
} from '../abi/signals.ts';
import { SignalFd } from '../files/event-files.ts';
import type { Kernel } from '../kernel.ts';
import type { Process, Task } from '../process/process.ts';
import { onAltStack, stackFlags } from '../process/signal-frame.ts';
import { SIGINFO_SIZE, decodeSigInfo, encodeSigInfo, type SigInfo } from '../process/siginfo.ts';
import type { Call, SysResult } from '../waiting.ts';
import type { Handler, SyscallArguments } from './arguments.ts';
import { limitOfFiles } from './file-arguments.ts';
import { readTimespec } from './time-calls.ts';

const SIGSET_SIZE = 8;

/** Reads a signal set; undefined where there is none, an error when it cannot be read. */
export function readMask(task: Task, va: number, size: number): bigint | number | undefined {
  if (va === 0) return undefined;
  if (size !== SIGSET_SIZE) return -EINVAL;
  return task.process.space.readU64(va) ?? -EFAULT;
}

/** Another mask for the time of one call; it comes back when the call is over or the handler has run. */
export function useMask(task: Task, mask: bigint): void {
  task.savedMask = task.blocked;
  task.blocked = mask & ~UNBLOCKABLE;
}

export function signalCalls(kernel: Kernel): Record<string, Handler> {
  const sender = (task: Task, signo: number, code: number): SigInfo => ({
    signo,
    code,
    pid: task.process.pid,
    uid: task.process.credentials.uid,
  });

  function kill(task: Task, pid: number, signo: number): number {
    if (signo < 0 || signo > NSIG) return -EINVAL;
    const info = sender(task, signo, SI_USER);
    const send = (process: Process): void => {
      if (signo !== 0) kernel.signals.send(process, info);
    };
    if (pid > 0) {
      const target = kernel.processes.get(pid) ?? kernel.tasks.get(pid)?.process;
      if (target === undefined) {
        // Of the host's processes only the parent is known by number; others may have numbers of gone guests.
        if (pid !== kernel.host.process.parentPid) return -ESRCH;
        return signo === 0 ? 0 : -EPERM;
      }
      send(target);
      return 0;
    }
    const targets = [...kernel.processes.values()].filter((process) =>
      pid === -1 ? process !== task.process : process.group === (pid === 0 ? task.process.group : -pid),
    );
    if (targets.length === 0) return -ESRCH;
    // The sender last, for it may not come back.
    targets.sort((a, b) => Number(a === task.process) - Number(b === task.process)).forEach(send);
    return 0;
  }

  function threadKill(task: Task, group: number | undefined, tid: number, signo: number, info?: SigInfo): number {
    if (tid <= 0 || group === 0 || (group !== undefined && group < 0)) return -EINVAL;
    if (signo < 0 || signo > NSIG) return -EINVAL;
    const target = kernel.tasks.get(tid);
    if (target === undefined || (group !== undefined && target.process.pid !== group)) return -ESRCH;
    if (signo !== 0) kernel.signals.send(target.process, info ?? sender(task, signo, SI_TKILL), target);
    return 0;
  }

  function queueInfo(task: Task, args: SyscallArguments, n: number, signo: number, own: boolean): SigInfo | number {
    const bytes = task.process.space.read(args.pointer(n), SIGINFO_SIZE)?.slice();
    if (bytes === undefined) return -EFAULT;
    const info = decodeSigInfo(signo, bytes);
    if (!own && (info.code >= 0 || info.code === SI_TKILL)) return -EPERM;
    return info;
  }

  function sigaction(task: Task, args: SyscallArguments): number {
    const signo = args.int(0);
    const { space, handlers } = task.process;
    if (args.size(3) !== SIGSET_SIZE || signo < 1 || signo > NSIG) return -EINVAL;
    const fresh = args.pointer(1);
    if (fresh !== 0 && (bit(signo) & UNBLOCKABLE) !== 0n) return -EINVAL;
    const old = { ...handlers.actions[signo]! };
    if (fresh !== 0) {
      const view = space.view(fresh, 24);
      if (view === undefined) return -EFAULT;
      const action = {
        handler: view.getBigUint64(0, true),
        flags: view.getUint32(8, true) & 0xfeff_ffff,
        mask: view.getBigUint64(16, true) & ~UNBLOCKABLE,
      };
      action.flags >>>= 0;
      handlers.actions[signo] = action;
      const ignored =
        action.handler === SIG_IGN || (action.handler === 0n && ['ignore', 'continue'].includes(defaultAction(signo)));
      if (ignored && signo !== SIGCONT) {
        task.process.pending.drop(bit(signo));
        for (const thread of task.process.tasks.values()) thread.pending.drop(bit(signo));
      }
    }
    const to = args.pointer(2);
    if (to === 0) return 0;
    const bytes = new Uint8Array(24);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, old.handler, true);
    view.setBigUint64(8, BigInt(old.flags >>> 0), true);
    view.setBigUint64(16, old.mask, true);
    return space.write(to, bytes);
  }

  function sigprocmask(task: Task, args: SyscallArguments): number {
    const { space } = task.process;
    if (args.size(3) !== SIGSET_SIZE) return -EINVAL;
    const old = task.blocked;
    if (args.pointer(1) !== 0) {
      const set = space.readU64(args.pointer(1));
      if (set === undefined) return -EFAULT;
      switch (args.int(0)) {
        case 0:
          task.blocked |= set;
          break;
        case 1:
          task.blocked &= ~set;
          break;
        case 2:
          task.blocked = set;
          break;
        default:
          return -EINVAL;
      }
      task.blocked &= ~UNBLOCKABLE;
    }
    return args.pointer(2) === 0 ? 0 : space.writeU64(args.pointer(2), old);
  }

  function* sigsuspend(task: Task, args: SyscallArguments): Call {
    const mask = readMask(task, args.pointer(0), args.size(1));
    if (typeof mask !== 'bigint') return mask ?? -EFAULT;
    useMask(task, mask);
    for (;;) if ((yield {}) === 'signal') return -ERESTARTNOHAND;
  }

  function* sigtimedwait(task: Task, args: SyscallArguments): Call {
    const wanted = readMask(task, args.pointer(0), args.size(3));
    if (typeof wanted !== 'bigint') return wanted ?? -EFAULT;
    const timeout = readTimespec(task, args.pointer(2));
    if (typeof timeout === 'object') return timeout.error;
    const deadline = timeout === undefined ? undefined : kernel.now() + timeout;
    const set = wanted & ~UNBLOCKABLE;
    const { process } = task;
    task.awaited = set;
    try {
      for (;;) {
        const info = kernel.signals.take(task, set);
        if (info !== undefined) {
          if (args.pointer(1) !== 0) {
            const bytes = new DataView(new ArrayBuffer(SIGINFO_SIZE));
            encodeSigInfo(info, bytes, 0);
            if (process.space.write(args.pointer(1), new Uint8Array(bytes.buffer)) < 0) return -EFAULT;
          }
          return info.signo;
        }
        const reason = yield { queues: [process.signalQueue], deadline };
        if (reason === 'timeout') return -EAGAIN;
        if (
          reason === 'signal' &&
          kernel.signals.hasDeliverable(task) &&
          (task.pending.set | process.pending.set) !== 0n
        ) {
          const open = (task.pending.set | process.pending.set) & set;
          if (open === 0n) return -4;
        }
      }
    } finally {
      task.awaited = 0n;
    }
  }

  function sigaltstack(task: Task, args: SyscallArguments): number {
    const { space } = task.process;
    const sp = task.cpu.state.gr(12);
    const { alt } = task;
    const old = new Uint8Array(24);
    const oldView = new DataView(old.buffer);
    oldView.setBigUint64(0, alt.sp, true);
    oldView.setInt32(8, stackFlags(alt, sp) | (alt.flags & SS_AUTODISARM), true);
    oldView.setBigUint64(16, alt.size, true);
    if (args.pointer(0) !== 0) {
      const view = space.view(args.pointer(0), 24);
      if (view === undefined) return -EFAULT;
      if (onAltStack(alt, sp)) return -EPERM;
      const flags = view.getInt32(8, true);
      const mode = flags & ~SS_AUTODISARM;
      if (mode !== SS_DISABLE && mode !== SS_ONSTACK && mode !== 0) return -EINVAL;
      if (mode === SS_DISABLE) {
        Object.assign(alt, { sp: 0n, size: 0n, flags: SS_DISABLE });
      } else {
        const size = view.getBigUint64(16, true);
        if (size < BigInt(MINSIGSTKSZ)) return -ENOMEM;
        Object.assign(alt, { sp: view.getBigUint64(0, true), size, flags: flags & SS_AUTODISARM });
      }
    }
    return args.pointer(1) === 0 ? 0 : space.write(args.pointer(1), old);
  }

  function signalfd(task: Task, args: SyscallArguments, flags: number): SysResult {
    const mask = readMask(task, args.pointer(1), args.size(2));
    if (typeof mask !== 'bigint') return mask ?? -EFAULT;
    if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0) return -EINVAL;
    const fd = args.int(0);
    if (fd !== -1) {
      const file = task.process.files.get(fd);
      if (file === undefined) return -9;
      if (!(file instanceof SignalFd)) return -EINVAL;
      file.mask = mask & ~UNBLOCKABLE;
      return fd;
    }
    const file = new SignalFd(mask & ~UNBLOCKABLE, kernel.signals.source(task.process), 2 | (flags & O_NONBLOCK));
    return task.process.files.add(file, (flags & O_CLOEXEC) !== 0, limitOfFiles(task));
  }

  return {
    kill: (task, args) => kill(task, args.int(0), args.int(1)),
    tkill: (task, args) => threadKill(task, undefined, args.int(0), args.int(1)),
    tgkill: (task, args) => threadKill(task, args.int(0), args.int(1), args.int(2)),
    rt_sigqueueinfo: (task, args) => {
      const target = kernel.processes.get(args.int(0));
      const signo = args.int(1);
      const info = queueInfo(task, args, 2, signo, target === task.process);
      if (typeof info === 'number') return info;
      if (target === undefined) return -ESRCH;
      if (signo < 0 || signo > NSIG) return -EINVAL;
      if (target.pending.length >= target.limit(11)) return -EAGAIN;
      if (signo !== 0) kernel.signals.send(target, info);
      return 0;
    },
    rt_tgsigqueueinfo: (task, args) => {
      const info = queueInfo(task, args, 3, args.int(2), args.int(0) === task.process.pid);
      return typeof info === 'number' ? info : threadKill(task, args.int(0), args.int(1), args.int(2), info);
    },
    rt_sigaction: sigaction,
    rt_sigprocmask: sigprocmask,
    rt_sigpending: (task, args) => {
      if (args.size(1) > SIGSET_SIZE) return -EINVAL;
      const set = (task.pending.set | task.process.pending.set) & task.blocked;
      return task.process.space.writeU64(args.pointer(0), set);
    },
    rt_sigsuspend: sigsuspend,
    rt_sigtimedwait: sigtimedwait,
    rt_sigreturn: (task) => kernel.signals.handlerReturn(task),
    sigaltstack,
    signalfd: (task, args) => signalfd(task, args, 0),
    signalfd4: (task, args) => signalfd(task, args, args.int(3)),
    pause: function* () {
      for (;;) if ((yield {}) === 'signal') return -ERESTARTNOHAND;
    },
    restart_syscall: (task) => {
      const again = task.restartBlock;
      task.restartBlock = undefined;
      return again === undefined ? -4 : again();
    },
    pidfd_open: () => -38,
    pidfd_send_signal: () => -38,
  };
}
