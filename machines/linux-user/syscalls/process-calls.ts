// SPDX-License-Identifier: MIT
//
// Processes and threads: making, ending, waiting for, and knowing about them.
import { EACCES, EAGAIN, ECHILD, EFAULT, EINVAL, ENOMEM, ENOSYS, EPERM, ERESTARTSYS, ESRCH } from '../abi/errno.ts';
import { CLD_CONTINUED, CLD_DUMPED, CLD_EXITED, CLD_KILLED, CLD_STOPPED, SIGCHLD, SIGCONT } from '../abi/signals.ts';
import type { Kernel } from '../kernel.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { vaToBig } from '../memory/address.ts';
import { FsContext, Process, SignalHandlers, Task, type Usage } from '../process/process.ts';
import { frameRegisters, setFrame } from '../process/register-stack.ts';
import { encodeSigInfo } from '../process/siginfo.ts';
import { type Call, NO_RESULT, type SysResult, WaitQueue } from '../waiting.ts';
import type { Handler, SyscallArguments } from './arguments.ts';
import { closeHook, prepareSpace } from './exec-calls.ts';
import { longBytes, timevalBytes } from './structures.ts';

const CSIGNAL = 0xff;
const CLONE_VM = 0x100;
const CLONE_FS = 0x200;
const CLONE_FILES = 0x400;
const CLONE_SIGHAND = 0x800;
const CLONE_VFORK = 0x4000;
const CLONE_PARENT = 0x8000;
const CLONE_THREAD = 0x1_0000;
const CLONE_NEW = 0x0002_0000 | 0x7e00_0000;
const CLONE_SETTLS = 0x8_0000;
const CLONE_PARENT_SETTID = 0x10_0000;
const CLONE_CHILD_CLEARTID = 0x20_0000;
const CLONE_CHILD_SETTID = 0x100_0000;
const CLONE_PIDFD = 0x1000;

const WNOHANG = 1;
const WUNTRACED = 2;
const WEXITED = 4;
const WCONTINUED = 8;
const WNOWAIT = 0x0100_0000;

export function processCalls(kernel: Kernel): Record<string, Handler> {
  // --- clone ---

  function clone(
    task: Task,
    flags: number,
    stack: number,
    stackSize: number,
    parentTid: number,
    childTid: number,
    tls: bigint,
  ): SysResult | Call {
    const parent = task.process;
    if ((flags & CLONE_NEW) !== 0) return -EPERM;
    if ((flags & CLONE_PIDFD) !== 0) return -EINVAL;
    if ((flags & CLONE_SIGHAND) !== 0 && (flags & CLONE_VM) === 0) return -EINVAL;
    if ((flags & CLONE_THREAD) !== 0 && (flags & CLONE_SIGHAND) === 0) return -EINVAL;
    if (kernel.tasks.size >= parent.limit(6)) return -EAGAIN;
    const tid = kernel.newPid();
    if (tid < 0) return tid;
    const cpu = kernel.cpus.acquire();
    if (cpu === undefined) return -EAGAIN;
    const isThread = (flags & CLONE_THREAD) !== 0;
    let process = parent;
    if (!isThread) {
      let space: AddressSpace;
      if ((flags & CLONE_VM) !== 0) {
        space = parent.space;
        space.users++;
      } else {
        try {
          space = parent.space.clone(parent.space.limits);
        } catch (error) {
          kernel.cpus.release(cpu);
          if (error instanceof RangeError) return -ENOMEM;
          throw error;
        }
        prepareSpace(kernel, space);
      }
      const realParent = (flags & CLONE_PARENT) !== 0 ? parent.parent : parent;
      process = new Process({
        pid: tid,
        parent: realParent,
        parentPid: realParent?.pid ?? parent.parentPid,
        group: parent.group,
        session: parent.session,
        exitSignal: (flags & CLONE_PARENT) !== 0 ? parent.exitSignal : flags & CSIGNAL,
        space,
        files: shareOrCopy(parent.files, (flags & CLONE_FILES) !== 0, () => parent.files.clone()),
        fs: shareOrCopy(parent.fs, (flags & CLONE_FS) !== 0, () => new FsContext(parent.fs.cwd, parent.fs.umask)),
        handlers: shareOrCopy(
          parent.handlers,
          (flags & CLONE_SIGHAND) !== 0,
          () => new SignalHandlers(parent.handlers.actions),
        ),
        limits: parent.limits,
        credentials: parent.credentials,
        program: parent.program,
        name: parent.name,
        now: kernel.now(),
      });
      process.nice = parent.nice;
      process.dumpable = parent.dumpable;
      process.noNewPrivileges = parent.noNewPrivileges;
      process.personality = parent.personality;
      realParent?.children.add(process);
      kernel.processes.set(tid, process);
      process.files.onCloseFile = closeHook(kernel, process);
    }
    const child = new Task(process, tid, cpu, kernel.now());
    child.name = task.name;
    kernel.tasks.set(tid, child);
    child.blocked = task.blocked;
    if ((flags & CLONE_VM) === 0 || (flags & CLONE_VFORK) !== 0) child.alt = { ...task.alt };
    const { state } = cpu;
    state.copyRegisters(task.cpu.state);
    cpu.space = process.space.table.space;
    if ((flags & CLONE_SETTLS) !== 0) state.setGr(13, tls);
    if (stack !== 0) {
      setChildStack(task, child, stack, stackSize);
    }
    if ((flags & CLONE_PARENT_SETTID) !== 0) parent.space.writeU32(parentTid, tid);
    if ((flags & CLONE_CHILD_SETTID) !== 0) process.space.writeU32(childTid, tid);
    if ((flags & CLONE_CHILD_CLEARTID) !== 0) child.clearChildTid = childTid;
    kernel.calls.startChild(child);
    if ((flags & CLONE_VFORK) === 0) return tid;
    return waitForVfork(process, tid);
  }

  /** The child begins at the bottom (registers) and the top (memory) of what it was given. */
  function setChildStack(task: Task, child: Task, stack: number, size: number): void {
    const { state } = child.cpu;
    const parentState = task.cpu.state;
    const frame = frameRegisters(parentState);
    const base = vaToBig(stack);
    state.resetStack(base, 0n, parentState.cfm);
    setFrame(state, frame);
    state.setGr(12, base + BigInt(size) - 16n);
  }

  function* waitForVfork(process: Process, tid: number): Call {
    const queue = new WaitQueue();
    process.vforkDone = queue;
    while (!process.vforkReleased && !process.isZombie) yield { queues: [queue], killableOnly: true };
    return tid;
  }

  // --- waiting ---

  interface Found {
    readonly process: Process;
    readonly status: number;
    readonly code: number;
    readonly value: number;
  }

  function matches(child: Process, parent: Process, type: number, id: number): boolean {
    if (type === 0) return true;
    return type === 1 ? child.pid === id : child.group === (id === 0 ? parent.group : id);
  }

  function findChild(parent: Process, type: number, id: number, options: number): Found | number {
    let any = false;
    for (const child of parent.children) {
      if (!matches(child, parent, type, id)) continue;
      const isClone = child.exitSignal !== SIGCHLD;
      if ((options & 0x4000_0000) === 0 && isClone !== ((options & 0x8000_0000) !== 0)) continue;
      any = true;
      // A child that went on and ended before its parent came to wait is told in that order: parents expect to be first.
      const isNews = child.change?.kind === 'continued' && (options & WCONTINUED) !== 0;
      if (child.isZombie && (options & WEXITED) !== 0 && !isNews) {
        const status = child.exitStatus!;
        const signal = status & 0x7f;
        const code = signal === 0 ? CLD_EXITED : (status & 0x80) !== 0 ? CLD_DUMPED : CLD_KILLED;
        if ((options & WNOWAIT) === 0) kernel.lifecycle.reap(child);
        return { process: child, status, code, value: signal === 0 ? status >>> 8 : signal };
      }
      const { change } = child;
      if (change?.kind === 'stopped' && (options & WUNTRACED) !== 0) {
        if ((options & WNOWAIT) === 0) child.change = undefined;
        return { process: child, status: (change.signal << 8) | 0x7f, code: CLD_STOPPED, value: change.signal };
      }
      if (change?.kind === 'continued' && (options & WCONTINUED) !== 0) {
        if ((options & WNOWAIT) === 0) child.change = undefined;
        return { process: child, status: 0xffff, code: CLD_CONTINUED, value: SIGCONT };
      }
    }
    return any ? 0 : -ECHILD;
  }

  function* waitChild(
    task: Task,
    type: number,
    id: number,
    options: number,
    put: (found: Found | undefined) => number,
  ): Call {
    for (;;) {
      const found = findChild(task.process, type, id, options);
      if (typeof found === 'object') return put(found);
      if (found < 0) return found;
      if ((options & WNOHANG) !== 0) return put(undefined);
      const reason = yield { queues: [task.process.childQueue] };
      if (reason === 'signal') {
        const last = findChild(task.process, type, id, options);
        if (typeof last === 'object') return put(last);
        return -ERESTARTSYS;
      }
    }
  }

  function putUsage(space: AddressSpace, va: number, usage: Usage): number {
    const bytes = new Uint8Array(144);
    bytes.set(timevalBytes(usage.userNs));
    bytes.set(timevalBytes(usage.systemNs), 16);
    bytes.set(longBytes([usage.maxResident / 1024, 0, 0, 0, usage.faults]), 32);
    return space.write(va, bytes);
  }

  function wait4(task: Task, args: SyscallArguments): SysResult | Call {
    const pid = args.int(0);
    const options = args.int(2);
    if ((options & ~(WNOHANG | WUNTRACED | WCONTINUED | 0xe000_0000)) !== 0) return -EINVAL;
    const [type, id] = pid === -1 ? [0, 0] : pid > 0 ? [1, pid] : [2, pid === 0 ? task.process.group : -pid];
    return waitChild(task, type, id, options | WEXITED, (found) => {
      if (found === undefined) return 0;
      const { space } = task.process;
      if (args.pointer(1) !== 0 && space.writeU32(args.pointer(1), found.status) < 0) return -EFAULT;
      if (args.pointer(3) !== 0 && putUsage(space, args.pointer(3), found.process.usage) < 0) return -EFAULT;
      return found.process.pid;
    });
  }

  function waitid(task: Task, args: SyscallArguments): SysResult | Call {
    const type = args.int(0);
    const options = args.int(3);
    if (type < 0 || type > 2 || (options & (WEXITED | WUNTRACED | WCONTINUED)) === 0) return -EINVAL;
    if ((options & ~(WNOHANG | WUNTRACED | WEXITED | WCONTINUED | WNOWAIT | 0xe000_0000)) !== 0) return -EINVAL;
    return waitChild(task, type, args.int(1), options, (found) => {
      const { space } = task.process;
      if (args.pointer(2) !== 0) {
        const bytes = new DataView(new ArrayBuffer(128));
        if (found !== undefined) {
          const { pid, credentials } = found.process;
          encodeSigInfo({ signo: SIGCHLD, code: found.code, pid, uid: credentials.uid, status: found.value }, bytes, 0);
        }
        if (space.write(args.pointer(2), new Uint8Array(bytes.buffer)) < 0) return -EFAULT;
      }
      if (found !== undefined && args.pointer(4) !== 0) return putUsage(space, args.pointer(4), found.process.usage);
      return 0;
    });
  }

  // --- groups and sessions ---

  const processOf = (task: Task, pid: number): Process | undefined =>
    pid === 0 ? task.process : kernel.processes.get(pid);

  function setpgid(task: Task, args: SyscallArguments): number {
    const pid = args.int(0) === 0 ? task.process.pid : args.int(0);
    const group = args.int(1) === 0 ? pid : args.int(1);
    if (group < 0) return -EINVAL;
    const target = kernel.processes.get(pid);
    if (target === undefined || (target !== task.process && target.parent !== task.process)) return -ESRCH;
    if (target !== task.process) {
      if (target.session !== task.process.session) return -EPERM;
      if (target.hasExeced) return -EACCES;
    }
    if (target.session === target.pid) return -EPERM;
    if (group !== pid) {
      const member = [...kernel.processes.values()].find((other) => other.group === group);
      if (member === undefined || member.session !== target.session) return -EPERM;
    }
    target.group = group;
    return 0;
  }

  function setsid(task: Task): number {
    const { process } = task;
    for (const other of kernel.processes.values()) if (other.group === process.pid) return -EPERM;
    process.session = process.group = process.pid;
    return process.pid;
  }

  const ids = (task: Task) => task.process.credentials;
  /** Only what the host's user already is. */
  const setIds = (task: Task, kind: 'uid' | 'gid', values: readonly number[]): number => {
    const own = ids(task);
    const allowed = kind === 'uid' ? [own.uid, own.euid, own.suid] : [own.gid, own.egid, own.sgid];
    const keys = kind === 'uid' ? (['uid', 'euid', 'suid'] as const) : (['gid', 'egid', 'sgid'] as const);
    for (const value of values) if (value !== -1 && !allowed.includes(value)) return -EPERM;
    values.forEach((value, index) => {
      if (value !== -1) own[keys[index]!] = value;
    });
    return 0;
  };
  const putIds = (task: Task, args: SyscallArguments, values: readonly number[]): number => {
    for (const [index, value] of values.entries()) {
      if (task.process.space.writeU32(args.pointer(index), value) < 0) return -EFAULT;
    }
    return 0;
  };

  return {
    clone: (task, args) =>
      clone(task, args.uint(0), args.pointer(1), 16, args.pointer(3), args.pointer(4), args.raw(5)),
    clone2: (task, args) =>
      clone(task, args.uint(0), args.pointer(1), args.size(2), args.pointer(3), args.pointer(4), args.raw(5)),
    exit: (task, args) => {
      if (task.process.tasks.size === 1) kernel.lifecycle.exitProcess(task.process, (args.int(0) & 0xff) << 8);
      else kernel.lifecycle.exitTask(task);
      return NO_RESULT;
    },
    exit_group: (task, args) => {
      kernel.lifecycle.exitProcess(task.process, (args.int(0) & 0xff) << 8);
      return NO_RESULT;
    },
    wait4,
    waitid,
    getpid: (task) => {
      task.cpu.state.setGr(9, BigInt(task.process.parentPid));
      return task.process.pid;
    },
    getppid: (task) => task.process.parentPid,
    gettid: (task) => task.tid,
    set_tid_address: (task, args) => {
      task.clearChildTid = args.pointer(0);
      return task.tid;
    },
    set_robust_list: (task, args) => {
      if (args.size(1) !== 24) return -EINVAL;
      task.robustList = args.pointer(0);
      return 0;
    },
    get_robust_list: (task, args) => {
      const target = args.int(0) === 0 ? task : kernel.tasks.get(args.int(0));
      if (target === undefined) return -ESRCH;
      const { space } = task.process;
      if (space.writeU64(args.pointer(1), target.robustList === 0 ? 0n : vaToBig(target.robustList)) < 0)
        return -EFAULT;
      return space.writeU64(args.pointer(2), 24n);
    },
    getpgid: (task, args) => processOf(task, args.int(0))?.group ?? -ESRCH,
    setpgid,
    getsid: (task, args) => processOf(task, args.int(0))?.session ?? -ESRCH,
    setsid,
    getuid: (task) => {
      task.cpu.state.setGr(9, BigInt(ids(task).euid));
      return ids(task).uid;
    },
    geteuid: (task) => ids(task).euid,
    getgid: (task) => {
      task.cpu.state.setGr(9, BigInt(ids(task).egid));
      return ids(task).gid;
    },
    getegid: (task) => ids(task).egid,
    getresuid: (task, args) => putIds(task, args, [ids(task).uid, ids(task).euid, ids(task).suid]),
    getresgid: (task, args) => putIds(task, args, [ids(task).gid, ids(task).egid, ids(task).sgid]),
    setuid: (task, args) => setIds(task, 'uid', [-1, args.int(0)]),
    setgid: (task, args) => setIds(task, 'gid', [-1, args.int(0)]),
    setreuid: (task, args) => setIds(task, 'uid', [args.int(0), args.int(1)]),
    setregid: (task, args) => setIds(task, 'gid', [args.int(0), args.int(1)]),
    setresuid: (task, args) => setIds(task, 'uid', [args.int(0), args.int(1), args.int(2)]),
    setresgid: (task, args) => setIds(task, 'gid', [args.int(0), args.int(1), args.int(2)]),
    setfsuid: (task) => ids(task).euid,
    setfsgid: (task) => ids(task).egid,
    getgroups: (task, args) => {
      const { groups } = ids(task);
      const room = args.int(0);
      if (room < 0 || (room !== 0 && room < groups.length)) return -EINVAL;
      if (room === 0) return groups.length;
      const bytes = new Uint8Array(groups.length * 4);
      groups.forEach((group, index) => new DataView(bytes.buffer).setUint32(index * 4, group, true));
      return task.process.space.write(args.pointer(1), bytes) < 0 ? -EFAULT : groups.length;
    },
    setgroups: () => -EPERM,
    getrusage: (task, args) => {
      const {
        process,
        process: { space },
      } = task;
      const who = args.int(0);
      if (who === -1) return putUsage(space, args.pointer(1), process.childUsage);
      if (who !== 0 && who !== 1) return -EINVAL;
      const userNs = who === 1 ? kernel.cpuTime(task) : kernel.processCpuTime(process);
      const maxResident = space.residentPages() * 16384;
      return putUsage(space, args.pointer(1), { ...process.usage, userNs, maxResident });
    },
    unshare: (_task, args) => ((args.uint(0) & CLONE_NEW) !== 0 ? -EPERM : 0),
    setns: () => -EPERM,
    ptrace: () => -ENOSYS,
    kcmp: () => -EPERM,
  };
}

function shareOrCopy<T extends { users: number }>(value: T, share: boolean, copy: () => T): T {
  if (!share) return copy();
  value.users++;
  return value;
}
