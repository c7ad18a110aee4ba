// SPDX-License-Identifier: MIT
//
// Limits, names, scheduling, random numbers, futexes, and what only an administrator may do.
import { EFAULT, EINVAL, ENOSYS, EPERM, ESRCH } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { PAGE_SIZE } from '../memory/address.ts';
import type { Limit, Process, Task } from '../process/process.ts';
import { FUTEX_CLOCK_REALTIME, FUTEX_CMD_MASK } from '../process/futex.ts';
import type { Call, SysResult } from '../waiting.ts';
import type { Handler, SyscallArguments } from './arguments.ts';
import { longBytes } from './structures.ts';
import { readTimespec } from './time-calls.ts';

const INFINITY = 0xffff_ffff_ffff_ffffn;

const limitValue = (value: number): bigint => (value === Infinity ? INFINITY : BigInt(value));
const limitNumber = (value: bigint): number => (value >= 1n << 53n ? Infinity : Number(value));

/** What the process may use, where its address space needs to know. */
export function applyLimits(process: Process): void {
  Object.assign(process.space.limits, {
    addressSpace: process.limit(9),
    data: process.limit(2),
    stack: process.limit(3),
  });
}

export function miscCalls(kernel: Kernel): Record<string, Handler> {
  const { host } = kernel;

  const processOf = (task: Task, pid: number): Process | undefined =>
    pid === 0 ? task.process : (kernel.processes.get(pid) ?? kernel.tasks.get(pid)?.process);

  // --- limits ---

  function getLimit(task: Task, limit: Limit, va: number): number {
    return task.process.space.write(va, longBytes([limitValue(limit.soft), limitValue(limit.hard)]));
  }

  function setLimit(task: Task, process: Process, resource: number, va: number): number {
    const view = task.process.space.view(va, 16);
    if (view === undefined) return -EFAULT;
    const soft = limitNumber(view.getBigUint64(0, true));
    const hard = limitNumber(view.getBigUint64(8, true));
    const limit = process.limits[resource]!;
    if (soft > hard) return -EINVAL;
    if (hard > limit.hard) return -EPERM;
    Object.assign(limit, { soft, hard });
    applyLimits(process);
    return 0;
  }

  const isResource = (n: number): boolean => n >= 0 && n < 16;

  function prlimit(task: Task, args: SyscallArguments): number {
    const resource = args.int(1);
    const process = processOf(task, args.int(0));
    if (!isResource(resource)) return -EINVAL;
    if (process === undefined) return -ESRCH;
    const old = { ...process.limits[resource]! };
    if (args.pointer(2) !== 0) {
      const result = setLimit(task, process, resource, args.pointer(2));
      if (result < 0) return result;
    }
    return args.pointer(3) === 0 ? 0 : getLimit(task, old, args.pointer(3));
  }

  // --- names ---

  function uname(task: Task, args: SyscallArguments): number {
    const bytes = new Uint8Array(65 * 6);
    const fields = ['Linux', host.process.hostName, '6.1.0', '#1 SMP Emeritus', 'ia64', '(none)'];
    fields.forEach((text, index) => {
      for (let n = 0; n < Math.min(64, text.length); n++) bytes[index * 65 + n] = text.charCodeAt(n);
    });
    return task.process.space.write(args.pointer(0), bytes);
  }

  function sysinfo(task: Task, args: SyscallArguments): number {
    const bytes = new Uint8Array(112);
    const view = new DataView(bytes.buffer);
    const { pool } = kernel;
    const loads = host.process.loadAverages.map((load) => Math.round(load * 65536));
    const values = [
      Math.floor(host.process.uptimeSeconds),
      ...loads,
      pool.totalPages * PAGE_SIZE,
      pool.freePages * PAGE_SIZE,
      0,
      0,
      0,
      0,
    ];
    values.forEach((value, index) => view.setBigUint64(index * 8, BigInt(value), true));
    view.setUint16(80, kernel.processes.size, true);
    view.setUint32(104, 1, true);
    return task.process.space.write(args.pointer(0), bytes);
  }

  // --- prctl ---

  function prctl(task: Task, args: SyscallArguments): SysResult {
    const {
      process,
      process: { space },
    } = task;
    const put = (value: number): number => space.writeU32(args.pointer(1), value);
    switch (args.int(0)) {
      case 1: // PR_SET_PDEATHSIG
        if (args.raw(1) > 64n) return -EINVAL;
        process.parentDeathSignal = args.int(1);
        return 0;
      case 2:
        return put(process.parentDeathSignal);
      case 3: // PR_GET_DUMPABLE
        return process.dumpable;
      case 4:
        if (args.raw(1) > 1n) return -EINVAL;
        process.dumpable = args.int(1);
        return 0;
      case 5: // PR_GET_UNALIGN
        return put(task.unalignedControl);
      case 6:
        task.unalignedControl = args.int(1) & 3;
        return 0;
      case 9: // PR_GET_FPEMU
        return put(0);
      case 10:
        return 0;
      case 15: {
        // PR_SET_NAME
        const name = space.readString(args.pointer(1), 4096);
        if (typeof name === 'number') {
          const bytes = space.read(args.pointer(1), 15);
          if (bytes === undefined) return -EFAULT;
          task.name = String.fromCharCode(...bytes);
        } else {
          task.name = String.fromCharCode(...name.subarray(0, 15));
        }
        if (task.tid === process.pid) process.name = task.name;
        return 0;
      }
      case 16: {
        const bytes = new Uint8Array(16);
        for (let n = 0; n < Math.min(15, task.name.length); n++) bytes[n] = task.name.charCodeAt(n);
        return space.write(args.pointer(1), bytes);
      }
      case 21: // PR_GET_SECCOMP
        return 0;
      case 23: // PR_CAPBSET_READ
        return args.raw(1) > 40n ? -EINVAL : 1;
      case 29: // PR_SET_TIMERSLACK
        return 0;
      case 30:
        return 50_000;
      case 36: // PR_SET_CHILD_SUBREAPER
        process.childSubreaper = args.raw(1) !== 0n;
        return 0;
      case 37:
        return put(process.childSubreaper ? 1 : 0);
      case 38: // PR_SET_NO_NEW_PRIVS
        if (args.raw(1) !== 1n) return -EINVAL;
        process.noNewPrivileges = 1;
        return 0;
      case 39:
        return process.noNewPrivileges;
      case 53: // PR_SET_VMA
        return 0;
      default:
        return -EINVAL;
    }
  }

  // --- scheduling ---

  function affinity(task: Task, args: SyscallArguments): number {
    if (processOf(task, args.int(0)) === undefined) return -ESRCH;
    const length = args.uint(1);
    if (length < 8 || length % 8 !== 0) return -EINVAL;
    const bytes = new Uint8Array(8);
    for (let cpu = 0; cpu < Math.min(64, host.process.processors); cpu++) bytes[cpu >> 3]! |= 1 << (cpu & 7);
    return task.process.space.write(args.pointer(2), bytes) < 0 ? -EFAULT : 8;
  }

  function futex(task: Task, args: SyscallArguments): SysResult | Call {
    const operation = args.int(1);
    const command = operation & FUTEX_CMD_MASK;
    let deadline: number | undefined;
    if ([0, 9, 6, 11, 13].includes(command)) {
      const time = readTimespec(task, args.pointer(3));
      if (typeof time === 'object') return time.error;
      if (time !== undefined) {
        const realtime = (operation & FUTEX_CLOCK_REALTIME) !== 0 || command === 6;
        if (command === 0) deadline = kernel.now() + time;
        else deadline = realtime ? kernel.now() + (time - Number(host.clock.realtime())) : time;
      }
    }
    return kernel.futexes.call(
      kernel,
      task,
      args.pointer(0),
      operation,
      args.int(2),
      deadline,
      args.int(3),
      args.pointer(4),
      args.int(5),
    );
  }

  const isPolicy = (policy: number): boolean => [0, 3, 5].includes(policy & 0xff);

  return {
    getrlimit: (task, args) => {
      const resource = args.int(0);
      return isResource(resource) ? getLimit(task, task.process.limits[resource]!, args.pointer(1)) : -EINVAL;
    },
    setrlimit: (task, args) =>
      isResource(args.int(0)) ? setLimit(task, task.process, args.int(0), args.pointer(1)) : -EINVAL,
    prlimit64: prlimit,
    uname,
    sethostname: () => -EPERM,
    setdomainname: () => -EPERM,
    sysinfo,
    syslog: () => -EPERM,
    prctl,
    personality: (task, args) => {
      const old = task.process.personality;
      if (args.uint(0) !== 0xffff_ffff) task.process.personality = args.int(0);
      return old;
    },
    capget: (task, args) => {
      const { space } = task.process;
      const version = space.readU32(args.pointer(0));
      if (version === undefined) return -EFAULT;
      if (![0x1998_0330, 0x2007_1026, 0x2008_0522].includes(version)) {
        space.writeU32(args.pointer(0), 0x2008_0522);
        return -EINVAL;
      }
      return args.pointer(1) === 0
        ? 0
        : space.write(args.pointer(1), new Uint8Array(version === 0x1998_0330 ? 12 : 24));
    },
    capset: () => -EPERM,
    getpriority: (task, args) => {
      const which = args.int(0);
      if (which < 0 || which > 2) return -EINVAL;
      const process = which === 0 ? processOf(task, args.int(1)) : task.process;
      // The C library subtracts it from 20 again; IA-64 returns the value itself.
      return process === undefined ? -ESRCH : process.nice;
    },
    setpriority: (task, args) => {
      const which = args.int(0);
      if (which < 0 || which > 2) return -EINVAL;
      const process = which === 0 ? processOf(task, args.int(1)) : task.process;
      if (process === undefined) return -ESRCH;
      const nice = Math.max(-20, Math.min(19, args.int(2)));
      if (nice < process.nice) return -13;
      process.nice = nice;
      return 0;
    },
    sched_yield: () => 0,
    sched_getaffinity: affinity,
    sched_setaffinity: (task, args) => (processOf(task, args.int(0)) === undefined ? -ESRCH : 0),
    sched_getscheduler: (task, args) => (processOf(task, args.int(0)) === undefined ? -ESRCH : 0),
    sched_setscheduler: (task, args) => {
      if (processOf(task, args.int(0)) === undefined) return -ESRCH;
      const priority = task.process.space.readU32(args.pointer(2));
      if (priority === undefined) return -EFAULT;
      if (!isPolicy(args.int(1))) return [1, 2, 6].includes(args.int(1)) ? -EPERM : -EINVAL;
      return priority === 0 ? 0 : -EINVAL;
    },
    sched_getparam: (task, args) =>
      processOf(task, args.int(0)) === undefined ? -ESRCH : task.process.space.writeU32(args.pointer(1), 0),
    sched_setparam: (task, args) => {
      const priority = task.process.space.readU32(args.pointer(1));
      return priority === undefined ? -EFAULT : priority === 0 ? 0 : -EINVAL;
    },
    sched_get_priority_max: (_task, args) =>
      [1, 2].includes(args.int(0)) ? 99 : [0, 3, 5, 6].includes(args.int(0)) ? 0 : -EINVAL,
    sched_get_priority_min: (_task, args) =>
      [1, 2].includes(args.int(0)) ? 1 : [0, 3, 5, 6].includes(args.int(0)) ? 0 : -EINVAL,
    sched_rr_get_interval: (task, args) => task.process.space.write(args.pointer(1), longBytes([0, 4_000_000])),
    sched_getattr: (task, args) => {
      const bytes = new Uint8Array(48);
      bytes[0] = 48;
      return args.uint(2) < 48 ? -EINVAL : task.process.space.write(args.pointer(1), bytes);
    },
    sched_setattr: () => -EPERM,
    ioprio_get: () => 0,
    ioprio_set: () => 0,
    getcpu: (task, args) => {
      const { space } = task.process;
      for (const n of [0, 1]) if (args.pointer(n) !== 0 && space.writeU32(args.pointer(n), 0) < 0) return -EFAULT;
      return 0;
    },
    getrandom: (task, args) => {
      if ((args.uint(2) & ~7) !== 0 || (args.uint(2) & 6) === 6) return -EINVAL;
      const done = task.process.space.forEachPiece(args.pointer(0), Math.min(args.size(1), 0x1ff_ffff), true, (piece) =>
        host.process.random(piece),
      );
      return done === 0 && args.size(1) > 0 ? -EFAULT : done;
    },
    futex,
    mount: () => -EPERM,
    umount2: () => -EPERM,
    pivot_root: () => -EPERM,
    acct: () => -EPERM,
    swapon: () => -EPERM,
    swapoff: () => -EPERM,
    reboot: () => -EPERM,
    quotactl: () => -EPERM,
    vhangup: () => -EPERM,
    getunwind: () => -ENOSYS,
    rseq: () => -ENOSYS,
    seccomp: () => -EINVAL,
    add_key: () => -ENOSYS,
    request_key: () => -ENOSYS,
    keyctl: () => -ENOSYS,
    perf_event_open: () => -EPERM,
    bpf: () => -EPERM,
    userfaultfd: () => -EPERM,
    init_module: () => -EPERM,
    delete_module: () => -EPERM,
    finit_module: () => -EPERM,
    kexec_load: () => -EPERM,
    nfsservctl: () => -ENOSYS,
  };
}
