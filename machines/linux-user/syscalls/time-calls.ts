// SPDX-License-Identifier: MIT
//
// Clocks, sleeping and timers.
import { EAGAIN, EFAULT, EINVAL, EOPNOTSUPP, EPERM, ERESTARTNOHAND, ERESTART_RESTARTBLOCK } from '../abi/errno.ts';
import { O_CLOEXEC, O_NONBLOCK } from '../abi/files.ts';
import { SIGALRM, SIGPROF, SIGVTALRM, SI_KERNEL, SI_TIMER, NSIG } from '../abi/signals.ts';
import { CLOCK_TICKS } from '../elf/loader.ts';
import { TimerFd } from '../files/event-files.ts';
import type { Kernel } from '../kernel.ts';
import type { PosixTimer, Process, Task } from '../process/process.ts';
import type { Call, SysResult } from '../waiting.ts';
import type { Handler, SyscallArguments } from './arguments.ts';
import { limitOfFiles } from './file-arguments.ts';
import { longBytes, pairBytes, splitNs, timespecBytes, timevalBytes } from './structures.ts';

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const CLOCK_PROCESS_CPUTIME_ID = 2;
const CLOCK_THREAD_CPUTIME_ID = 3;
const CLOCK_MONOTONIC_RAW = 4;
const CLOCK_REALTIME_COARSE = 5;
const CLOCK_MONOTONIC_COARSE = 6;
const CLOCK_BOOTTIME = 7;
const CLOCK_REALTIME_ALARM = 8;
const CLOCK_BOOTTIME_ALARM = 9;
const CLOCK_TAI = 11;
const TIMER_ABSTIME = 1;
const NEVER = Number.MAX_SAFE_INTEGER;
/** What a sleep is late at most when nothing else happens; also bounds absurd times. */
const FAR = 1e17;

/** Nanoseconds of a timespec; undefined for NULL. */
export function readTimespec(task: Task, va: number): number | undefined | { error: number } {
  if (va === 0) return undefined;
  const view = task.process.space.view(va, 16);
  if (view === undefined) return { error: -EFAULT };
  const seconds = view.getBigInt64(0, true);
  const nanoseconds = view.getBigInt64(8, true);
  if (seconds < 0n || nanoseconds < 0n || nanoseconds >= 1_000_000_000n) return { error: -EINVAL };
  return Math.min(FAR * 100, Number(seconds) * 1e9 + Number(nanoseconds));
}

export function timeCalls(kernel: Kernel): Record<string, Handler> {
  const { clock } = kernel.host;

  /** The time of a clock in nanoseconds, or undefined when there is none of that number. */
  function clockNow(task: Task, id: number): bigint | undefined {
    switch (id) {
      case CLOCK_REALTIME:
      case CLOCK_REALTIME_COARSE:
      case CLOCK_REALTIME_ALARM:
      case CLOCK_TAI:
        return clock.realtime();
      case CLOCK_MONOTONIC:
      case CLOCK_MONOTONIC_RAW:
      case CLOCK_MONOTONIC_COARSE:
        return BigInt(Math.floor(kernel.now()));
      case CLOCK_BOOTTIME:
      case CLOCK_BOOTTIME_ALARM:
        return BigInt(Math.floor(kernel.now() + clock.bootOffsetNs()));
      case CLOCK_PROCESS_CPUTIME_ID:
        return BigInt(Math.floor(kernel.processCpuTime(task.process)));
      case CLOCK_THREAD_CPUTIME_ID:
        return BigInt(Math.floor(kernel.cpuTime(task)));
    }
    if (id >= 0) return undefined;
    // ~pid << 3 | per-thread << 2 | which
    const pid = ~(id >> 3);
    if ((id & 4) !== 0) {
      const thread = pid === 0 ? task : kernel.tasks.get(pid);
      return thread === undefined ? undefined : BigInt(Math.floor(kernel.cpuTime(thread)));
    }
    const process = pid === 0 ? task.process : kernel.processes.get(pid);
    return process === undefined ? undefined : BigInt(Math.floor(kernel.processCpuTime(process)));
  }

  const isRealtime = (id: number): boolean => id === CLOCK_REALTIME || id === CLOCK_REALTIME_ALARM || id === CLOCK_TAI;
  const isSleepClock = (id: number): boolean =>
    isRealtime(id) || id === CLOCK_MONOTONIC || id === CLOCK_BOOTTIME || id === CLOCK_BOOTTIME_ALARM;
  /** A moment of a clock as a moment of the kernel's. */
  const toMonotonic = (id: number, ns: number): number =>
    Math.min(
      NEVER,
      isRealtime(id)
        ? kernel.now() + (ns - Number(clock.realtime()))
        : id === CLOCK_BOOTTIME || id === CLOCK_BOOTTIME_ALARM
          ? ns - clock.bootOffsetNs()
          : ns,
    );

  function* sleep(task: Task, deadline: number, remainder: number, absolute: boolean): Call {
    for (;;) {
      const reason = yield { deadline };
      if (kernel.now() >= deadline) return 0;
      if (reason !== 'signal') continue;
      if (absolute) return -ERESTARTNOHAND;
      if (remainder !== 0) {
        const left = Math.max(0, deadline - kernel.now());
        if (task.process.space.write(remainder, timespecBytes(left)) < 0) return -EFAULT;
      }
      task.restartBlock = () => sleep(task, deadline, remainder, absolute);
      return -ERESTART_RESTARTBLOCK;
    }
  }

  // --- interval timers ---

  const SIGNALS = [SIGALRM, SIGVTALRM, SIGPROF];
  const itimerNow = (process: Process, which: number): number =>
    which === 0 ? kernel.now() : kernel.processCpuTime(process);

  function armItimer(process: Process, which: number): void {
    const itimer = process.itimers[which]!;
    // CPU time cannot run faster than the clock, with one thread.
    const wait =
      Math.max(0, itimer.expiresNs - itimerNow(process, which)) / (which === 0 ? 1 : Math.max(1, process.tasks.size));
    itimer.timer = kernel.timers.add(kernel.now() + Math.max(wait, which === 0 ? 0 : 500_000), () => {
      if (process.isZombie) return;
      const now = itimerNow(process, which);
      if (now >= itimer.expiresNs) {
        kernel.signals.send(process, { signo: SIGNALS[which]!, code: SI_KERNEL });
        if (itimer.intervalNs === 0) {
          itimer.expiresNs = 0;
          itimer.timer = undefined;
          return;
        }
        itimer.expiresNs += itimer.intervalNs * Math.max(1, Math.ceil((now - itimer.expiresNs) / itimer.intervalNs));
      }
      armItimer(process, which);
    });
  }

  function itimerValue(process: Process, which: number): [number, number] {
    const { intervalNs, expiresNs } = process.itimers[which]!;
    return [intervalNs, expiresNs === 0 ? 0 : Math.max(1000, expiresNs - itimerNow(process, which))];
  }

  function setItimer(process: Process, which: number, intervalNs: number, valueNs: number): void {
    const itimer = process.itimers[which]!;
    if (itimer.timer !== undefined) itimer.timer.cancelled = true;
    itimer.timer = undefined;
    itimer.intervalNs = intervalNs;
    itimer.expiresNs = valueNs === 0 ? 0 : itimerNow(process, which) + valueNs;
    if (valueNs !== 0) armItimer(process, which);
  }

  function setitimer(task: Task, args: SyscallArguments): number {
    const which = args.int(0);
    const {
      process,
      process: { space },
    } = task;
    if (which < 0 || which > 2) return -EINVAL;
    const [oldInterval, oldValue] = itimerValue(process, which);
    let values: number[] = [0, 0];
    if (args.pointer(1) !== 0) {
      const view = space.view(args.pointer(1), 32);
      if (view === undefined) return -EFAULT;
      values = [];
      for (const at of [0, 16]) {
        const micro = view.getBigInt64(at + 8, true);
        const seconds = view.getBigInt64(at, true);
        if (micro < 0n || micro >= 1_000_000n || seconds < 0n) return -EINVAL;
        values.push(Math.min(FAR, Number(seconds) * 1e9 + Number(micro) * 1e3));
      }
    }
    setItimer(process, which, values[0]!, values[1]!);
    return args.pointer(2) === 0 ? 0 : putItimer(task, args.pointer(2), oldInterval, oldValue);
  }

  function putItimer(task: Task, va: number, interval: number, value: number): number {
    const bytes = new Uint8Array(32);
    bytes.set(timevalBytes(interval));
    bytes.set(timevalBytes(value), 16);
    return task.process.space.write(va, bytes);
  }

  // --- POSIX timers ---

  function timerCreate(task: Task, args: SyscallArguments): number {
    const {
      process,
      process: { space },
    } = task;
    const id = args.int(0);
    if (clockNow(task, id) === undefined) return -EINVAL;
    if (process.posixTimers.size >= process.limit(11)) return -EAGAIN;
    let notify = 0;
    let signo = SIGALRM;
    let value = BigInt(process.nextTimerId);
    let thread = 0;
    if (args.pointer(1) !== 0) {
      const view = space.view(args.pointer(1), 64);
      if (view === undefined) return -EFAULT;
      value = view.getBigInt64(0, true);
      signo = view.getInt32(8, true);
      notify = view.getInt32(12, true);
      thread = notify === 4 ? view.getInt32(16, true) : 0;
      if (![0, 1, 2, 4].includes(notify)) return -EINVAL;
      if (notify !== 1 && (signo < 1 || signo > NSIG)) return -EINVAL;
      if (notify === 4 && kernel.tasks.get(thread)?.process !== process) return -EINVAL;
    }
    const timer: PosixTimer = {
      id: process.nextTimerId++,
      clock: id,
      notify,
      signo,
      value,
      thread,
      intervalNs: 0,
      expiresNs: 0,
      overrun: 0,
      lastOverrun: 0,
      timer: undefined,
    };
    if (space.writeU32(args.pointer(2), timer.id) < 0) return -EFAULT;
    process.posixTimers.set(timer.id, timer);
    return 0;
  }

  function armTimer(task: Task, timer: PosixTimer): void {
    const { process } = task;
    const now = Number(clockNow(task, timer.clock) ?? 0n);
    timer.timer = kernel.timers.add(kernel.now() + Math.max(0, timer.expiresNs - now), () => {
      const at = Number(clockNow(task, timer.clock) ?? 0n);
      if (process.isZombie || at < timer.expiresNs) {
        if (!process.isZombie) armTimer(task, timer);
        return;
      }
      const periods = timer.intervalNs === 0 ? 1 : 1 + Math.floor((at - timer.expiresNs) / timer.intervalNs);
      fire(process, timer, periods);
      if (timer.intervalNs === 0) {
        timer.expiresNs = 0;
        timer.timer = undefined;
        return;
      }
      timer.expiresNs += periods * timer.intervalNs;
      armTimer(task, timer);
    });
  }

  function fire(process: Process, timer: PosixTimer, periods: number): void {
    if (timer.notify === 1) return;
    const target = timer.notify === 4 ? kernel.tasks.get(timer.thread) : undefined;
    const queued = (target?.pending ?? process.pending).has((info) => info.owner === timer);
    if (queued !== undefined) {
      queued.overrun = Math.min(0x7fff_ffff, (queued.overrun ?? 0) + periods);
      timer.lastOverrun = queued.overrun;
      return;
    }
    timer.lastOverrun = periods - 1;
    const info = {
      signo: timer.signo,
      code: SI_TIMER,
      timer: timer.id,
      overrun: periods - 1,
      value: timer.value,
      owner: timer,
    };
    kernel.signals.send(process, info, target);
  }

  function timerSettime(task: Task, args: SyscallArguments): number {
    const timer = task.process.posixTimers.get(args.int(0));
    if (timer === undefined) return -EINVAL;
    const values = readItimerspec(task, args.pointer(2));
    if (typeof values === 'number') return values;
    const old = timerValue(task, timer);
    if (timer.timer !== undefined) timer.timer.cancelled = true;
    timer.timer = undefined;
    timer.intervalNs = values[0];
    const now = Number(clockNow(task, timer.clock) ?? 0n);
    timer.expiresNs = values[1] === 0 ? 0 : (args.int(1) & TIMER_ABSTIME) !== 0 ? values[1] : now + values[1];
    if (values[1] !== 0) armTimer(task, timer);
    return args.pointer(3) === 0 ? 0 : putItimerspec(task, args.pointer(3), old);
  }

  function timerValue(task: Task, timer: PosixTimer): [number, number] {
    if (timer.expiresNs === 0) return [timer.intervalNs, 0];
    return [timer.intervalNs, Math.max(1, timer.expiresNs - Number(clockNow(task, timer.clock) ?? 0n))];
  }

  function readItimerspec(task: Task, va: number): [number, number] | number {
    if (va === 0) return -EINVAL;
    const interval = readTimespec(task, va);
    const value = readTimespec(task, va + 16);
    if (typeof interval === 'object') return interval.error;
    if (typeof value === 'object') return value.error;
    return [interval ?? 0, value ?? 0];
  }

  function putItimerspec(task: Task, va: number, [interval, value]: readonly [number, number]): number {
    const bytes = new Uint8Array(32);
    bytes.set(timespecBytes(interval));
    bytes.set(timespecBytes(value), 16);
    return task.process.space.write(va, bytes);
  }

  const timerFd = (task: Task, fd: number): TimerFd | number => {
    const file = task.process.files.get(fd);
    if (file === undefined) return -9;
    return file instanceof TimerFd ? file : -EINVAL;
  };

  const ticks = (ns: number): number => Math.floor((ns * CLOCK_TICKS) / 1e9);

  return {
    clock_gettime: (task, args) => {
      const now = clockNow(task, args.int(0));
      if (now === undefined) return -EINVAL;
      return task.process.space.write(args.pointer(1), pairBytes(...splitNs(now)));
    },
    clock_getres: (task, args) => {
      const id = args.int(0);
      if (clockNow(task, id) === undefined) return -EINVAL;
      const coarse = id === CLOCK_REALTIME_COARSE || id === CLOCK_MONOTONIC_COARSE;
      return args.pointer(1) === 0
        ? 0
        : task.process.space.write(args.pointer(1), pairBytes(0, coarse ? 1e9 / CLOCK_TICKS : 1));
    },
    clock_settime: (task, args) => (clockNow(task, args.int(0)) === undefined ? -EINVAL : -EPERM),
    clock_adjtime: () => -EPERM,
    adjtimex: () => -EPERM,
    settimeofday: () => -EPERM,
    gettimeofday: (task, args) => {
      const now = clock.realtime();
      const { space } = task.process;
      const [seconds, rest] = splitNs(now);
      if (args.pointer(0) !== 0 && space.write(args.pointer(0), pairBytes(seconds, rest / 1000n)) < 0) return -EFAULT;
      return args.pointer(1) === 0 ? 0 : space.writeU64(args.pointer(1), 0n);
    },
    nanosleep: (task, args) => {
      const time = readTimespec(task, args.pointer(0));
      if (typeof time !== 'number') return time?.error ?? -EFAULT;
      return sleep(task, kernel.now() + time, args.pointer(1), false);
    },
    clock_nanosleep: (task, args) => {
      const id = args.int(0);
      if (!isSleepClock(id)) return clockNow(task, id) === undefined ? -EINVAL : -EOPNOTSUPP;
      const time = readTimespec(task, args.pointer(2));
      if (typeof time !== 'number') return time?.error ?? -EFAULT;
      if ((args.int(1) & TIMER_ABSTIME) !== 0) return sleep(task, toMonotonic(id, time), 0, true);
      return sleep(task, kernel.now() + time, args.pointer(3), false);
    },
    setitimer,
    getitimer: (task, args) => {
      const which = args.int(0);
      if (which < 0 || which > 2) return -EINVAL;
      return putItimer(task, args.pointer(1), ...itimerValue(task.process, which));
    },
    alarm: (task, args) => {
      const [, left] = itimerValue(task.process, 0);
      setItimer(task.process, 0, 0, args.uint(0) * 1e9);
      return Math.ceil(left / 1e9);
    },
    timer_create: timerCreate,
    timer_settime: timerSettime,
    timer_gettime: (task, args) => {
      const timer = task.process.posixTimers.get(args.int(0));
      return timer === undefined ? -EINVAL : putItimerspec(task, args.pointer(1), timerValue(task, timer));
    },
    timer_getoverrun: (task, args) => task.process.posixTimers.get(args.int(0))?.lastOverrun ?? -EINVAL,
    timer_delete: (task, args) => {
      const timer = task.process.posixTimers.get(args.int(0));
      if (timer === undefined) return -EINVAL;
      if (timer.timer !== undefined) timer.timer.cancelled = true;
      task.process.posixTimers.delete(timer.id);
      return 0;
    },
    timerfd_create: (task, args) => {
      const id = args.int(0);
      const flags = args.int(1);
      if (!isSleepClock(id) || (flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0) return -EINVAL;
      const now = (): number => Number(clockNow(task, id) ?? 0n);
      const schedule = (inNs: number, callback: () => void) => kernel.timers.add(kernel.now() + inNs, callback);
      const file = new TimerFd(id, { now, schedule }, 2 | (flags & O_NONBLOCK));
      return task.process.files.add(file, (flags & O_CLOEXEC) !== 0, limitOfFiles(task));
    },
    timerfd_settime: (task, args) => {
      const file = timerFd(task, args.int(0));
      if (typeof file === 'number') return file;
      const values = readItimerspec(task, args.pointer(2));
      if (typeof values === 'number') return values;
      const old = file.get();
      file.set(values[0], values[1], (args.int(1) & 1) !== 0);
      return args.pointer(3) === 0 ? 0 : putItimerspec(task, args.pointer(3), old);
    },
    timerfd_gettime: (task, args) => {
      const file = timerFd(task, args.int(0));
      return typeof file === 'number' ? file : putItimerspec(task, args.pointer(1), file.get());
    },
    times: (task, args): SysResult => {
      const { process } = task;
      const values = [
        kernel.processCpuTime(process),
        process.usage.systemNs,
        process.childUsage.userNs,
        process.childUsage.systemNs,
      ];
      if (args.pointer(0) !== 0 && process.space.write(args.pointer(0), longBytes(values.map(ticks))) < 0)
        return -EFAULT;
      return ticks(kernel.now());
    },
  };
}
