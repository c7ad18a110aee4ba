// SPDX-License-Identifier: MIT
//
// The kernel: all guest processes and threads, their calls, faults, signals and timers. It runs in one thread and never
// waits inside; whoever drives it calls service() when a CPU has reported, a host descriptor is ready or a timer is due.
import {
  EAGAIN,
  EINTR,
  EIO,
  ENOMEM,
  ENOSYS,
  ERESTARTNOHAND,
  ERESTARTNOINTR,
  ERESTARTSYS,
  ERESTART_RESTARTBLOCK,
} from './abi/errno.ts';
import {
  BUS_ADRALN,
  BUS_ADRERR,
  CLD_CONTINUED,
  CLD_DUMPED,
  CLD_EXITED,
  CLD_KILLED,
  CLD_STOPPED,
  FPE_DECOVF,
  FPE_FLTDIV,
  FPE_FLTINV,
  FPE_FLTOVF,
  FPE_FLTRES,
  FPE_FLTSUB,
  FPE_FLTUND,
  FPE_FLTUNK,
  FPE_INTDIV,
  FPE_INTOVF,
  ILL_BADIADDR,
  ILL_BNDMOD,
  ILL_BREAK,
  ILL_ILLOPC,
  ILL_ILLOPN,
  SA_NOCLDSTOP,
  SA_NOCLDWAIT,
  SA_NODEFER,
  SA_RESETHAND,
  SA_RESTART,
  SEGV_ACCERR,
  SEGV_MAPERR,
  SEGV_PSTKOVF,
  SIGBUS,
  SIGCHLD,
  SIGCONT,
  SIGFPE,
  SIGHUP,
  SIGILL,
  SIGKILL,
  SIGSEGV,
  SIGSTOP,
  SIGTRAP,
  SIG_DFL,
  SIG_IGN,
  STOPS,
  SYNCHRONOUS,
  TRAP_BRKPT,
  UNBLOCKABLE,
  bit,
  defaultAction,
  signalName,
} from './abi/signals.ts';
import { type Cpu, type CpuFault, type CpuPool, REASON } from './cpu.ts';
import type { SignalSource } from './files/event-files.ts';
import { GATE_RETURN, gateImage } from './gate.ts';
import type { HostOs, HostPoll } from './host-os.ts';
import { formatVa, vaFromBig } from './memory/address.ts';
import { PageCache } from './memory/page-cache.ts';
import type { PagePool } from './memory/page-pool.ts';
import { Process, type Task } from './process/process.ts';
import { enterHandler, leaveHandler } from './process/signal-frame.ts';
import type { SigInfo } from './process/siginfo.ts';
import { FutexTable } from './process/futex.ts';
import { type Call, NO_RESULT, type SysResult, TimerList, type Timer, type Wait, type WakeReason } from './waiting.ts';
import { SyscallArguments, type SyscallTable } from './syscalls/arguments.ts';
import { syscallTable } from './syscalls/table.ts';
import { Terminals } from './process/terminals.ts';

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

/** How a traced or finished wait is known to the loop. */
export interface HostWait {
  readonly fd: number;
  readonly events: number;
  readonly wake: () => void;
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
  /** Waits on host descriptors. */
  readonly hostWaits = new Set<HostWait>();
  readonly unimplemented = new Map<string, number>();
  readonly #syscalls: SyscallTable;
  readonly #trace: Tracer | undefined;
  readonly #onUnimplemented: (what: string) => void;
  readonly #onGuestError: ((what: string) => void) | undefined;
  #nextPid: number;
  /** The process the command stands for. */
  init: Process | undefined;
  #running: Task | undefined;
  /** The first process was stopped from the keyboard: the emulator's own job shall stop too. */
  onInitStopped: (signal: number) => void = () => {};

  constructor(options: KernelOptions) {
    this.host = options.host;
    this.pool = options.pool;
    this.cpus = options.cpus;
    this.sysroot = options.sysroot;
    this.#trace = options.trace;
    this.#onUnimplemented = options.onUnimplemented ?? ((): void => {});
    this.#onGuestError = options.onGuestError;
    this.cache = new PageCache(options.pool);
    this.#nextPid = options.host.process.pid;
    this.terminals = new Terminals(this);
    this.#syscalls = syscallTable(this);
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

  /** Host descriptors somebody waits for. */
  hostPolls(): HostPoll[] {
    const polls = new Map<number, HostPoll>();
    for (const { fd, events } of this.hostWaits) {
      polls.set(fd, { fd, events: events | (polls.get(fd)?.events ?? 0), revents: 0 });
    }
    return [...polls.values()];
  }

  /** Some of them are ready. */
  hostReady(polls: readonly HostPoll[]): void {
    const ready = new Map(polls.filter(({ revents }) => revents !== 0).map((poll) => [poll.fd, poll.revents]));
    if (ready.size === 0) return;
    for (const wait of [...this.hostWaits]) {
      const revents = ready.get(wait.fd);
      if (revents !== undefined && (revents & (wait.events | 0x38)) !== 0) wait.wake();
    }
  }

  #report(task: Task): void {
    const { cpu } = task;
    this.#chargeCpu(task);
    if (task.dead) return;
    this.#running = task;
    switch (cpu.reason) {
      case REASON.syscall:
        this.#startCall(task);
        break;
      case REASON.break:
        this.#break(task, cpu.breakImmediate);
        this.userReturn(task);
        break;
      case REASON.fault:
        this.#fault(task, cpu.fault);
        this.userReturn(task);
        break;
      default:
        this.userReturn(task);
    }
    this.#running = undefined;
  }

  #chargeCpu(task: Task): void {
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

  // --- system calls ---

  #startCall(task: Task): void {
    const args = new SyscallArguments(task);
    task.callNumber = args.number;
    this.#trace?.enter(task, args);
    const entry = this.#syscalls.get(args.number);
    if (entry === undefined || entry.run === undefined) {
      this.countUnimplemented(entry?.name ?? `system call ${args.number}`);
      this.#finishCall(task, -ENOSYS);
      return;
    }
    let result: SysResult | Call;
    try {
      result = entry.run(task, args);
    } catch (error) {
      result = this.#failed(entry.name, error);
    }
    if (typeof result === 'object') this.#drive(task, result, 'woken', true);
    else this.#finishCall(task, result);
  }

  /** Page tables need memory; anything else thrown is a fault of this kernel, which the program survives. */
  #failed(name: string, error: unknown): number {
    if (error instanceof RangeError) return -ENOMEM;
    this.onInternalError(name, error);
    return -EIO;
  }

  /** A call failed inside; for the log. */
  onInternalError: (name: string, error: unknown) => void = () => {};

  #drive(task: Task, call: Call, reason: WakeReason, first = false): void {
    task.call = call;
    const outer = this.#running;
    this.#running = task;
    let step: IteratorResult<Wait, SysResult>;
    try {
      step = first ? call.next('woken') : call.next(reason);
    } catch (error) {
      step = { done: true, value: this.#failed(this.#syscalls.get(task.callNumber)?.name ?? 'a call', error) };
    }
    this.#running = outer;
    if (task.dead) return;
    if (step.done === true) {
      task.call = undefined;
      this.#finishCall(task, step.value);
      return;
    }
    this.#sleep(task, call, step.value);
  }

  #sleep(task: Task, call: Call, wait: Wait): void {
    if (task.process.isExiting || (wait.killableOnly !== true && this.hasDeliverable(task))) {
      this.#drive(task, call, 'signal');
      return;
    }
    let over = false;
    let timer: Timer | undefined;
    const hostWaits: HostWait[] = [];
    const cancel = (): void => {
      over = true;
      task.cancelWait = undefined;
      task.wait = undefined;
      for (const queue of wait.queues ?? []) queue.remove(woken);
      for (const hostWait of hostWaits) this.hostWaits.delete(hostWait);
      if (timer !== undefined) timer.cancelled = true;
    };
    const wake = (reason: WakeReason): void => {
      if (over) return;
      cancel();
      this.#drive(task, call, reason);
    };
    // Wakers run in the middle of another call: go on when that one is over.
    const woken = (): void => {
      if (over) return;
      cancel();
      this.timers.add(0, () => {
        if (!task.dead && task.call === call) this.#drive(task, call, 'woken');
      });
    };
    task.wait = wait;
    task.cancelWait = cancel;
    for (const queue of wait.queues ?? []) queue.add(woken);
    for (const { fd, events } of wait.host ?? []) {
      const hostWait: HostWait = { fd, events, wake: () => wake('woken') };
      hostWaits.push(hostWait);
      this.hostWaits.add(hostWait);
    }
    if (wait.deadline !== undefined && wait.deadline !== Infinity) {
      timer = this.timers.add(wait.deadline, () => wake('timeout'));
    }
  }

  /** Ends a thread's wait because of a signal. */
  #interruptWait(task: Task): void {
    const { call } = task;
    if (task.cancelWait === undefined || call === undefined) return;
    task.cancelWait();
    this.timers.add(0, () => {
      if (!task.dead && task.call === call) this.#drive(task, call, 'signal');
    });
  }

  #finishCall(task: Task, result: SysResult): void {
    this.#trace?.leave(task, result);
    if (typeof result === 'symbol') {
      this.userReturn(task);
      return;
    }
    const { state } = task.cpu;
    if (typeof result === 'number' && result < 0) {
      state.setGr(8, BigInt(-result));
      state.setGr(10, -1n);
      const restart = [ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK].includes(-result)
        ? -result
        : 0;
      this.userReturn(task, { inSyscall: true, restart });
    } else {
      state.setGr(8, BigInt(result));
      state.setGr(10, 0n);
      this.userReturn(task, { inSyscall: true, restart: 0 });
    }
  }

  /** The result of fork and clone in the child. */
  startChild(task: Task): void {
    const { state } = task.cpu;
    state.setGr(8, 0n);
    state.setGr(10, 0n);
    this.userReturn(task, { inSyscall: true, restart: 0 });
  }

  // --- back to the program ---

  userReturn(task: Task, how: { inSyscall: boolean; restart: number } = { inSyscall: false, restart: 0 }): void {
    if (task.dead) return;
    const { process } = task;
    task.returning = how;
    let { restart } = how;
    for (;;) {
      if (process.isExiting || task.ending) {
        this.exitTask(task);
        return;
      }
      if (process.stopped && !(process.pending.set & bit(SIGKILL))) {
        task.parked = true;
        task.returning = { inSyscall: how.inSyscall, restart };
        return;
      }
      const info = this.#dequeue(task);
      if (info === undefined) break;
      const action = process.handlers.actions[info.signo]!;
      if (action.handler === SIG_IGN && info.signo !== SIGKILL && info.signo !== SIGSTOP) continue;
      this.#trace?.signal(task, info);
      if (action.handler === SIG_DFL) {
        const kind = defaultAction(info.signo);
        if (kind === 'ignore' || kind === 'continue') continue;
        if (kind === 'stop') {
          this.stopProcess(process, info.signo);
          continue;
        }
        this.exitProcess(process, info.signo | (kind === 'dump' && process.limit(4) > 0 ? 0 : 0));
        continue;
      }
      if (restart !== 0) {
        const again = restart === ERESTARTNOINTR || (restart === ERESTARTSYS && (action.flags & SA_RESTART) !== 0);
        if (again) stepBack(task.cpu);
        else task.cpu.state.setGr(8, BigInt(EINTR));
        restart = 0;
      }
      if (!this.#deliver(task, info, how.inSyscall)) continue;
      how = { inSyscall: false, restart: 0 };
    }
    if (restart !== 0) {
      if (restart === ERESTART_RESTARTBLOCK) task.cpu.state.setGr(15, 1246n);
      stepBack(task.cpu);
    }
    if (task.savedMask !== undefined) {
      task.blocked = task.savedMask;
      task.savedMask = undefined;
      if (this.hasDeliverable(task)) {
        this.userReturn(task, { inSyscall: how.inSyscall, restart: 0 });
        return;
      }
    }
    this.resume(task);
  }

  #deliver(task: Task, info: SigInfo, inSyscall: boolean): boolean {
    const { process } = task;
    const action = { ...process.handlers.actions[info.signo]! };
    const savedMask = task.savedMask ?? task.blocked;
    const entered = enterHandler(task.cpu.state, process.space, task.alt, {
      signal: info.signo,
      action,
      info,
      savedMask,
      inSyscall,
      returnAddress: GATE_RETURN,
    });
    if (!entered) {
      if (info.signo === SIGSEGV) process.handlers.actions[SIGSEGV] = { handler: SIG_DFL, flags: 0, mask: 0n };
      this.forceSignal(task, { signo: SIGSEGV, code: 0x80 });
      return false;
    }
    task.savedMask = undefined;
    if ((action.flags & SA_RESETHAND) !== 0) process.handlers.actions[info.signo]!.handler = SIG_DFL;
    task.blocked |= action.mask;
    if ((action.flags & SA_NODEFER) === 0) task.blocked |= bit(info.signo);
    task.blocked &= ~UNBLOCKABLE;
    return true;
  }

  signalReturn(task: Task): SysResult {
    const mask = leaveHandler(task.cpu.state, task.process.space, task.alt);
    if (mask === undefined) this.forceSignal(task, { signo: SIGSEGV, code: 0x80 });
    else task.blocked = mask & ~UNBLOCKABLE;
    return NO_RESULT;
  }

  #dequeue(task: Task): SigInfo | undefined {
    const open = ~task.blocked;
    return task.pending.take(open & SYNCHRONOUS) ?? task.pending.take(open) ?? this.#takeShared(task.process, open);
  }

  #takeShared(process: Process, wanted: bigint): SigInfo | undefined {
    return process.pending.take(wanted);
  }

  /** For sigwait and signalfd: takes a signal of the set, blocked or not. */
  takeSignal(task: Task, wanted: bigint): SigInfo | undefined {
    return task.pending.take(wanted) ?? this.#takeShared(task.process, wanted);
  }

  signalSource(process: Process): SignalSource {
    return {
      take: (task, wanted) => this.takeSignal(task, wanted),
      pending: () => {
        let set = process.pending.set;
        // poll knows no thread: the one that runs now, or any.
        const asking = this.#running?.process === process ? [this.#running] : process.tasks.values();
        for (const task of asking) set |= task.pending.set;
        return set;
      },
      queue: process.signalQueue,
    };
  }

  /** There is a signal that would end a wait of this thread. */
  hasDeliverable(task: Task): boolean {
    const pending = (task.pending.set | task.process.pending.set) & ~task.blocked;
    if (pending === 0n) return task.process.stopped && !task.parked;
    return true;
  }

  // --- sending signals ---

  #isIgnored(process: Process, signo: number): boolean {
    const { handler } = process.handlers.actions[signo]!;
    return handler === SIG_IGN || (handler === SIG_DFL && defaultAction(signo) === 'ignore');
  }

  /** Sends to a process, or to one of its threads. */
  sendSignal(process: Process, info: SigInfo, target?: Task): void {
    if (process.isZombie || process.isExiting) return;
    const set = bit(info.signo);
    if (info.signo === SIGCONT) {
      this.#dropPending(process, STOPS);
      this.continueProcess(process);
    } else if ((STOPS & set) !== 0n) {
      this.#dropPending(process, bit(SIGCONT));
    }
    const candidates = target === undefined ? [...process.tasks.values()] : [target];
    const isWanted = candidates.some((task) => ((task.blocked | task.awaited) & set) !== 0n);
    if (this.#isIgnored(process, info.signo) && !isWanted && info.signo !== SIGKILL && info.signo !== SIGSTOP) return;
    (target?.pending ?? process.pending).add(info);
    if (info.signo === SIGKILL) {
      this.exitProcess(process, SIGKILL);
      return;
    }
    process.signalQueue.wake();
    const main = process.mainTask;
    const order = main !== undefined && target === undefined ? [main, ...candidates] : candidates;
    const receiver = order.find((task) => (task.blocked & set) === 0n && !task.dead);
    if (receiver !== undefined) this.#notify(receiver);
  }

  #dropPending(process: Process, signals: bigint): void {
    process.pending.drop(signals);
    for (const task of process.tasks.values()) task.pending.drop(signals);
  }

  /** Makes a thread look at its signals. */
  #notify(task: Task): void {
    if (task.cpu.isRunning) task.cpu.interrupt();
    else if (task.wait?.killableOnly !== true) this.#interruptWait(task);
  }

  /** A signal the program cannot escape: blocked or ignored, it becomes the default action. */
  forceSignal(task: Task, info: SigInfo): void {
    const { handlers } = task.process;
    const set = bit(info.signo);
    const action = handlers.actions[info.signo]!;
    if ((task.blocked & set) !== 0n || action.handler === SIG_IGN) {
      handlers.actions[info.signo] = { handler: SIG_DFL, flags: 0, mask: 0n };
      task.blocked &= ~set;
    }
    task.pending.add(info);
  }

  signalGroup(group: number, info: SigInfo): number {
    let count = 0;
    for (const process of [...this.processes.values()]) {
      if (process.group !== group || process.isZombie) continue;
      this.sendSignal(process, info);
      count++;
    }
    return count;
  }

  /** A mask changed: signals that waited may now be taken. */
  maskChanged(task: Task): void {
    if (this.hasDeliverable(task)) this.#notify(task);
  }

  // --- faults ---

  #tellGuestError(task: Task, what: string, signo: number): void {
    if (this.#onGuestError === undefined) return;
    const { ip, slot } = task.cpu.state;
    const place = `${task.name}[${task.tid}] at 0x${ip.toString(16)} slot ${slot}`;
    this.#onGuestError(`${place}: ${what}: ${signalName(signo)}`);
  }

  #fault(task: Task, fault: CpuFault): void {
    const { process, cpu } = task;
    const ip = cpu.state.ip + BigInt(cpu.state.slot);
    const force = (signo: number, code: number, address: bigint, isr?: bigint): void => {
      this.#tellGuestError(task, describeFault(fault), signo);
      this.forceSignal(task, { signo, code, address, isr });
    };
    switch (fault.kind) {
      case 'page': {
        process.usage.faults++;
        const result = process.space.fault(vaFromBig(fault.address), fault.access);
        if (result === 'ok') return;
        if (result === 'memory') {
          this.exitProcess(process, SIGKILL);
          return;
        }
        if (result === 'bus') force(SIGBUS, BUS_ADRERR, fault.address, fault.isr);
        else force(SIGSEGV, result === 'maperr' ? SEGV_MAPERR : SEGV_ACCERR, fault.address, fault.isr);
        return;
      }
      case 'natPage':
        return force(SIGSEGV, SEGV_ACCERR, fault.address, fault.isr);
      case 'natConsumption':
        return force(SIGILL, ILL_ILLOPN, ip, fault.isr);
      case 'illegal':
        return force(SIGILL, ILL_ILLOPC, ip);
      case 'privileged':
      case 'reserved':
      case 'disabledIsa':
        this.#tellGuestError(task, describeFault(fault), SIGILL);
        this.forceSignal(task, { signo: SIGILL, code: 0x80 });
        return;
      case 'badAddress':
        return force(SIGILL, ILL_BADIADDR, ip);
      case 'unaligned':
        return force(SIGBUS, BUS_ADRALN, fault.address, fault.isr);
      case 'fpFault':
        return force(SIGFPE, fpFaultCode(fault.isr), ip, fault.isr);
      case 'fpTrap':
        return force(SIGFPE, fpTrapCode(fault.isr), ip, fault.isr);
    }
  }

  #break(task: Task, immediate: number): void {
    const [signo, code] = breakSignal(immediate);
    this.#tellGuestError(task, `break 0x${immediate.toString(16)}`, signo);
    const { state } = task.cpu;
    this.forceSignal(task, { signo, code, address: state.ip + BigInt(state.slot), immediate });
  }

  // --- stopping, continuing, ending ---

  stopProcess(process: Process, signal: number): void {
    if (process.stopped || process.isExiting) return;
    process.stopped = true;
    process.stopSignal = signal;
    process.change = { kind: 'stopped', signal };
    for (const task of process.tasks.values()) this.#notify(task);
    this.#tellParent(process, CLD_STOPPED, signal);
    this.terminals.processStopped(process);
  }

  continueProcess(process: Process): void {
    if (!process.stopped) return;
    process.stopped = false;
    process.change = { kind: 'continued' };
    this.#tellParent(process, CLD_CONTINUED, SIGCONT);
    for (const task of process.tasks.values()) {
      if (!task.parked) continue;
      task.parked = false;
      const how = task.returning;
      this.timers.add(0, () => {
        if (!task.dead && !task.parked && !task.cpu.isRunning && task.call === undefined) this.userReturn(task, how);
      });
    }
  }

  #tellParent(process: Process, code: number, status: number): void {
    const { parent } = process;
    if (parent === undefined) return;
    const action = parent.handlers.actions[SIGCHLD]!;
    const stopping = code === CLD_STOPPED || code === CLD_CONTINUED;
    if (!stopping || (action.flags & SA_NOCLDSTOP) === 0) {
      const signo = stopping ? SIGCHLD : process.exitSignal;
      const tick = 4_000_000;
      if (signo !== 0) {
        this.sendSignal(parent, {
          signo,
          code,
          pid: process.pid,
          uid: process.credentials.uid,
          status,
          utime: BigInt(Math.floor(process.usage.userNs / tick)),
          stime: BigInt(Math.floor(process.usage.systemNs / tick)),
        });
      }
    }
    parent.childQueue.wake();
  }

  /** Ends the whole process; `status` is what wait4 reports. */
  exitProcess(process: Process, status: number): void {
    if (process.isExiting) return;
    process.exitStatus = status;
    process.stopped = false;
    for (const task of [...process.tasks.values()]) {
      if (task.cpu.isRunning) task.cpu.interrupt();
      else if (task !== this.#running) this.exitTask(task);
    }
  }

  /** One thread is gone. */
  exitTask(task: Task): void {
    if (task.dead) return;
    const { process } = task;
    task.dead = true;
    task.cancelWait?.();
    const call = task.call;
    task.call = undefined;
    call?.return(0);
    this.futexes.threadExit(this, task);
    this.#chargeCpu(task);
    process.tasks.delete(task.tid);
    this.tasks.delete(task.tid);
    this.cpus.release(task.cpu);
    process.taskQueue.wake();
    if (process.tasks.size === 0) this.#endProcess(process);
  }

  /** The process no longer uses its address space: at execve or at its end. */
  releaseSpace(process: Process): void {
    const { space } = process;
    process.usage.maxResident = Math.max(process.usage.maxResident, 0);
    process.vforkReleased = true;
    process.vforkDone?.wake();
    process.vforkDone = undefined;
    if (--space.users === 0) space.destroy();
  }

  #endProcess(process: Process): void {
    const status = process.exitStatus ?? 0;
    process.exitStatus = status;
    for (const { timer } of [...process.itimers, ...process.posixTimers.values()]) {
      if (timer !== undefined) timer.cancelled = true;
    }
    this.futexes.releaseLocks(process);
    for (const action of process.atEnd) action(process);
    if (--process.files.users === 0) process.files.closeAll();
    this.releaseSpace(process);
    this.#trace?.exit(process, status);
    process.isZombie = true;
    this.terminals.processEnded(process);
    for (const child of process.children) {
      child.parent = this.init !== undefined && this.init !== process && !this.init.isZombie ? this.init : undefined;
      child.parentPid = child.parent?.pid ?? 1;
      child.parent?.children.add(child);
      if (child.parent === undefined && child.isZombie) this.processes.delete(child.pid);
      if (child.parentDeathSignal !== 0) {
        this.sendSignal(child, { signo: child.parentDeathSignal, code: 0, pid: process.pid, uid: 0 });
      }
    }
    process.children.clear();
    this.#signalOrphanedGroups(process);
    const { parent } = process;
    if (parent === undefined) {
      this.processes.delete(process.pid);
      return;
    }
    const action = parent.handlers.actions[SIGCHLD]!;
    const autoReap =
      process.exitSignal === SIGCHLD && (action.handler === SIG_IGN || (action.flags & SA_NOCLDWAIT) !== 0);
    const signal = status & 0x7f;
    this.#tellParent(
      process,
      signal === 0 ? CLD_EXITED : (status & 0x80) !== 0 ? CLD_DUMPED : CLD_KILLED,
      signal === 0 ? status >>> 8 : signal,
    );
    if (autoReap) {
      this.reap(process);
      parent.childQueue.wake();
    }
  }

  /** Stopped jobs that lost their shell are hung up. */
  #signalOrphanedGroups(leader: Process): void {
    if (leader.session !== leader.pid) return;
    for (const process of [...this.processes.values()]) {
      if (process.session !== leader.session || process === leader || !process.stopped) continue;
      this.sendSignal(process, { signo: SIGHUP, code: 0x80 });
      this.sendSignal(process, { signo: SIGCONT, code: 0x80 });
    }
  }

  reap(process: Process): void {
    this.processes.delete(process.pid);
    const { parent } = process;
    if (parent === undefined) return;
    parent.children.delete(process);
    parent.childUsage.userNs += process.usage.userNs + process.childUsage.userNs;
    parent.childUsage.systemNs += process.usage.systemNs + process.childUsage.systemNs;
    parent.childUsage.faults += process.usage.faults + process.childUsage.faults;
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

/** Back to the break instruction that made the call. */
export function stepBack(cpu: Cpu): void {
  const { state } = cpu;
  if (state.slot === 0) {
    state.ip -= 16n;
    state.slot = 2;
  } else {
    state.slot--;
  }
}

const FAULTS: Readonly<Record<CpuFault['kind'], string>> = {
  page: 'no such access to',
  natPage: 'access to the NaT page at',
  illegal: 'illegal operation',
  privileged: 'privileged operation',
  reserved: 'reserved register or field',
  natConsumption: 'NaT consumption',
  unaligned: 'unaligned access to',
  fpFault: 'floating-point fault',
  fpTrap: 'floating-point trap',
  disabledIsa: 'IA-32 code',
  badAddress: 'unimplemented instruction address',
};

function describeFault({ kind, access, address }: CpuFault): string {
  const text = FAULTS[kind];
  if (kind !== 'page' && kind !== 'natPage' && kind !== 'unaligned') return text;
  return `${access}: ${text} 0x${address.toString(16)}`;
}

function breakSignal(immediate: number): [number, number] {
  switch (immediate) {
    case 0:
      return [SIGILL, ILL_ILLOPC];
    case 1:
      return [SIGFPE, FPE_INTDIV];
    case 2:
      return [SIGFPE, FPE_INTOVF];
    case 3:
      return [SIGFPE, FPE_FLTSUB];
    case 4:
      return [SIGSEGV, SEGV_MAPERR];
    case 5:
      return [SIGSEGV, BUS_ADRALN];
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
      return [SIGFPE, FPE_DECOVF + immediate - 6];
    case 11:
      return [SIGSEGV, SEGV_PSTKOVF];
  }
  if (immediate >= 0x3f000 && immediate <= 0x3ffff) return [SIGILL, ILL_BNDMOD];
  return immediate < 0x80000 ? [SIGILL, ILL_BREAK] : [SIGTRAP, TRAP_BRKPT];
}

function fpFaultCode(isr: bigint): number {
  if ((isr & 0x11n) !== 0n) return FPE_FLTINV;
  if ((isr & 0x22n) !== 0n) return FPE_FLTUND;
  return (isr & 0x44n) !== 0n ? FPE_FLTDIV : FPE_FLTUNK;
}

function fpTrapCode(isr: bigint): number {
  if ((isr & 0x880n) !== 0n) return FPE_FLTOVF;
  if ((isr & 0x1100n) !== 0n) return FPE_FLTUND;
  return (isr & 0x2200n) !== 0n ? FPE_FLTRES : FPE_FLTUNK;
}
