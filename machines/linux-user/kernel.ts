// SPDX-License-Identifier: MIT
//
// The kernel: all guest processes and threads, and the loop that handles what their CPUs report. It runs in one thread
// and never waits inside; whoever drives it calls service() when a CPU has reported, a host descriptor is ready or a
// timer is due. Calls, signals, faults and ends of processes have files of their own.
import { EAGAIN } from './abi/errno.ts';
import { Calls } from './calls.ts';
import { type CpuPool, REASON } from './cpu.ts';
import { gateImage } from './gate.ts';
import type { HostOs } from './host-os.ts';
import { formatVa, vaFromBig } from './memory/address.ts';
import { PageCache } from './memory/page-cache.ts';
import type { PagePool } from './memory/page-pool.ts';
import { handleBreak, handleFault } from './process/faults.ts';
import { FutexTable } from './process/futex.ts';
import { Lifecycle } from './process/lifecycle.ts';
import type { Process, Task } from './process/process.ts';
import type { SigInfo } from './process/siginfo.ts';
import { Signals } from './process/signals.ts';
import { Terminals } from './process/terminals.ts';
import type { SyscallArguments } from './syscalls/arguments.ts';
import { type SysResult, TimerList } from './waiting.ts';

export interface KernelOptions {
  readonly host: HostOs;
  readonly pool: PagePool;
  readonly cpus: CpuPool;
  /** Where absolute paths are looked up first: a byte string, or '' for none. */
  readonly sysroot: string;
  readonly trace?: Tracer;
  readonly onUnimplemented?: (what: string) => void;
  /** Told in one line of each fault and illegal instruction that becomes a signal. */
  readonly onGuestError?: (what: string) => void;
}

export interface Tracer {
  enter(task: Task, args: SyscallArguments): void;
  leave(task: Task, result: SysResult): void;
  signal(task: Task, info: SigInfo): void;
  exit(process: Process, status: number): void;
}

const MAX_PROCESSES = 4096;

export class Kernel {
  readonly host: HostOs;
  readonly pool: PagePool;
  readonly cpus: CpuPool;
  readonly sysroot: string;
  readonly cache: PageCache;
  readonly processes = new Map<number, Process>();
  readonly tasks = new Map<number, Task>();
  readonly timers = new TimerList();
  readonly futexes = new FutexTable();
  readonly terminals: Terminals;
  readonly calls: Calls;
  readonly signals: Signals;
  readonly lifecycle: Lifecycle;
  readonly trace: Tracer | undefined;
  readonly onGuestError: ((what: string) => void) | undefined;
  readonly unimplemented = new Map<string, number>();
  readonly #onUnimplemented: (what: string) => void;
  #nextPid: number;
  /** The process the command stands for. */
  init: Process | undefined;
  /** The thread whose call or fault is being handled. */
  running: Task | undefined;
  /** The first process was stopped from the keyboard: the emulator's own job shall stop too. */
  onInitStopped: (signal: number) => void = () => {};
  /** A call failed inside; for the log. */
  onInternalError: (name: string, error: unknown) => void = () => {};

  constructor(options: KernelOptions) {
    this.host = options.host;
    this.pool = options.pool;
    this.cpus = options.cpus;
    this.sysroot = options.sysroot;
    this.trace = options.trace;
    this.#onUnimplemented = options.onUnimplemented ?? ((): void => {});
    this.onGuestError = options.onGuestError;
    this.cache = new PageCache(options.pool);
    this.#nextPid = options.host.process.pid;
    this.terminals = new Terminals(this);
    this.signals = new Signals(this);
    this.lifecycle = new Lifecycle(this);
    this.calls = new Calls(this);
  }

  #gatePage = 0;

  /** The page with the gate object, filled at the first use. */
  gatePage(): number {
    if (this.#gatePage === 0) {
      this.#gatePage = this.pool.allocate();
      if (this.#gatePage === 0) throw new RangeError('no memory for the gate page');
      this.pool.bytes.set(gateImage(), this.#gatePage);
    }
    return this.#gatePage;
  }

  now(): number {
    return this.host.clock.monotonic();
  }

  /** A process or thread id that nothing else has, or -EAGAIN. */
  newPid(): number {
    if (this.tasks.size >= MAX_PROCESSES) return -EAGAIN;
    do {
      this.#nextPid = this.#nextPid >= 0x3f_ffff ? 300 : this.#nextPid + 1;
    } while (this.isUsed(this.#nextPid));
    return this.#nextPid;
  }

  private isUsed(pid: number): boolean {
    if (this.tasks.has(pid) || this.processes.has(pid)) return true;
    for (const process of this.processes.values()) if (process.group === pid || process.session === pid) return true;
    return false;
  }

  countUnimplemented(what: string): void {
    const count = this.unimplemented.get(what) ?? 0;
    this.unimplemented.set(what, count + 1);
    if (count === 0) this.#onUnimplemented(what);
  }

  // --- the loop ---

  /** Handles everything that is ready. True if anything was. */
  service(): boolean {
    let worked = false;
    for (const task of this.tasks.values()) {
      if (!task.cpu.takeReport()) continue;
      worked = true;
      this.#report(task);
    }
    if (this.timers.next <= this.now()) {
      worked = true;
      this.timers.run(this.now());
    }
    return worked;
  }

  /** Nothing is left to run. */
  get isFinished(): boolean {
    return this.tasks.size === 0;
  }

  #report(task: Task): void {
    const { cpu } = task;
    this.chargeCpu(task);
    if (task.dead) return;
    this.running = task;
    switch (cpu.reason) {
      case REASON.syscall:
        this.calls.start(task);
        break;
      case REASON.break:
        handleBreak(this, task, cpu.breakImmediate);
        this.signals.userReturn(task);
        break;
      case REASON.fault:
        handleFault(this, task, cpu.fault);
        this.signals.userReturn(task);
        break;
      default:
        this.signals.userReturn(task);
    }
    this.running = undefined;
  }

  /** Adds the time since the thread was resumed. */
  chargeCpu(task: Task): void {
    if (task.runningSince === 0) return;
    const spent = this.now() - task.runningSince;
    task.runningSince = 0;
    task.cpuNs += spent;
    task.process.usage.userNs += spent;
  }

  /** CPU time of a thread so far. */
  cpuTime(task: Task): number {
    return task.cpuNs + (task.runningSince === 0 ? 0 : this.now() - task.runningSince);
  }

  processCpuTime(process: Process): number {
    let total = process.usage.userNs;
    for (const task of process.tasks.values()) if (task.runningSince !== 0) total += this.now() - task.runningSince;
    return total;
  }

  resume(task: Task): void {
    task.returning = undefined;
    task.runningSince = this.now();
    task.cpu.resume();
  }

  /** Other CPUs in the space of `task` drop what they know of its pages. */
  shootdown(space: object, except: Task | undefined): void {
    for (const task of this.tasks.values()) {
      if (task !== except && task.process.space === space && task.cpu.isRunning) task.cpu.awaitFlush();
    }
  }

  describe(task: Task): string {
    return `${task.name}[${task.tid}] ip ${formatVa(vaFromBig(task.cpu.state.ip))}`;
  }
}
