// SPDX-License-Identifier: MIT
//
// Processes and their threads.
import { NSIG, SIG_DFL, SS_DISABLE, bit, type DefaultAction } from '../abi/signals.ts';
import type { Cpu } from '../cpu.ts';
import type { FdTable } from '../files/fd-table.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { type Call, type Timer, type Wait, WaitQueue } from '../waiting.ts';
import type { AltStack, SigAction } from './signal-frame.ts';
import type { SigInfo } from './siginfo.ts';

/** Signals that wait to be delivered. Standard ones once, real-time ones as often as they were sent. */
export class PendingSignals {
  #queue: SigInfo[] = [];
  set = 0n;

  add(info: SigInfo): void {
    const mask = bit(info.signo);
    if (info.signo < 32 && (this.set & mask) !== 0n) return;
    this.set |= mask;
    this.#queue.push(info);
  }

  get length(): number {
    return this.#queue.length;
  }

  has(predicate: (info: SigInfo) => boolean): SigInfo | undefined {
    return this.#queue.find(predicate);
  }

  /** Takes the next signal of `wanted`, lowest number first. */
  take(wanted: bigint): SigInfo | undefined {
    if ((this.set & wanted) === 0n) return undefined;
    let best = -1;
    this.#queue.forEach((info, index) => {
      if ((bit(info.signo) & wanted) !== 0n && (best < 0 || info.signo < this.#queue[best]!.signo)) best = index;
    });
    const [info] = this.#queue.splice(best, 1);
    if (!this.#queue.some((other) => other.signo === info!.signo)) this.set &= ~bit(info!.signo);
    return info;
  }

  drop(signals: bigint): void {
    this.#queue = this.#queue.filter((info) => (bit(info.signo) & signals) === 0n);
    this.set &= ~signals;
  }
}

/** Shared by what was cloned with CLONE_SIGHAND. */
export class SignalHandlers {
  readonly actions: SigAction[];
  users = 1;

  constructor(actions?: readonly SigAction[]) {
    this.actions = Array.from({ length: NSIG + 1 }, (_, n) =>
      actions === undefined ? { handler: SIG_DFL, flags: 0, mask: 0n } : { ...actions[n]! },
    );
  }
}

/** Shared by what was cloned with CLONE_FS. */
export class FsContext {
  cwd: string;
  umask: number;
  users = 1;

  constructor(cwd: string, umask: number) {
    this.cwd = cwd;
    this.umask = umask;
  }
}

export interface Credentials {
  uid: number;
  euid: number;
  suid: number;
  gid: number;
  egid: number;
  sgid: number;
  groups: number[];
}

export interface IntervalTimer {
  intervalNs: number;
  /** Of the timer's own clock; 0 when it is off. */
  expiresNs: number;
  timer: Timer | undefined;
}

export interface PosixTimer {
  readonly id: number;
  readonly clock: number;
  readonly notify: number;
  readonly signo: number;
  readonly value: bigint;
  readonly thread: number;
  intervalNs: number;
  expiresNs: number;
  overrun: number;
  lastOverrun: number;
  timer: Timer | undefined;
}

export interface Program {
  /** Host path of the file. */
  readonly hostPath: string;
  /** As /proc/self/exe names it. */
  readonly path: string;
  readonly argv: readonly Uint8Array[];
  readonly environment: readonly Uint8Array[];
  readonly auxv: Uint8Array;
  readonly stackTop: number;
}

export const RLIM_INFINITY = Infinity;
export const RLIMIT = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
} as const;

export interface Limit {
  soft: number;
  hard: number;
}

export type ChildChange = { readonly kind: 'stopped'; readonly signal: number } | { readonly kind: 'continued' };

export interface Usage {
  userNs: number;
  systemNs: number;
  faults: number;
  maxResident: number;
}

export class Process {
  readonly pid: number;
  parent: Process | undefined;
  /** Process id of the parent for a process whose parent is the host's. */
  parentPid: number;
  readonly children = new Set<Process>();
  readonly tasks = new Map<number, Task>();
  group: number;
  session: number;
  hasExeced = false;
  exitSignal: number;
  space: AddressSpace;
  files: FdTable;
  fs: FsContext;
  handlers: SignalHandlers;
  readonly pending = new PendingSignals();
  readonly limits: Limit[];
  credentials: Credentials;
  program: Program;
  name: string;
  nice = 0;
  personality = 0;
  dumpable = 1;
  noNewPrivileges = 0;
  childSubreaper = false;
  parentDeathSignal = 0;
  readonly startedNs: number;
  readonly itimers: IntervalTimer[] = [0, 1, 2].map(() => ({ intervalNs: 0, expiresNs: 0, timer: undefined }));
  readonly posixTimers = new Map<number, PosixTimer>();
  nextTimerId = 0;
  readonly usage: Usage = { userNs: 0, systemNs: 0, faults: 0, maxResident: 0 };
  readonly childUsage: Usage = { userNs: 0, systemNs: 0, faults: 0, maxResident: 0 };
  /** Everybody shall stop. */
  stopped = false;
  stopSignal = 0;
  change: ChildChange | undefined;
  /** Set when the process ends: wait status as waitpid gives it. */
  exitStatus: number | undefined;
  isZombie = false;
  /** Parents wait here for their children. */
  readonly childQueue = new WaitQueue();
  /** Threads going away (execve waits for them). */
  readonly taskQueue = new WaitQueue();
  /** signalfd and sigwait look here. */
  readonly signalQueue = new WaitQueue();
  /** vfork: the parent waits until the child has an address space of its own. */
  vforkDone: WaitQueue | undefined;
  vforkReleased = false;
  umaskUac = 0;
  /** What is done when the process ends. */
  readonly atEnd = new Set<(process: Process) => void>();

  constructor(init: {
    pid: number;
    parent: Process | undefined;
    parentPid: number;
    group: number;
    session: number;
    exitSignal: number;
    space: AddressSpace;
    files: FdTable;
    fs: FsContext;
    handlers: SignalHandlers;
    limits: readonly Limit[];
    credentials: Credentials;
    program: Program;
    name: string;
    now: number;
  }) {
    this.pid = init.pid;
    this.parent = init.parent;
    this.parentPid = init.parentPid;
    this.group = init.group;
    this.session = init.session;
    this.exitSignal = init.exitSignal;
    this.space = init.space;
    this.files = init.files;
    this.fs = init.fs;
    this.handlers = init.handlers;
    this.limits = init.limits.map((limit) => ({ ...limit }));
    this.credentials = { ...init.credentials, groups: [...init.credentials.groups] };
    this.program = init.program;
    this.name = init.name;
    this.startedNs = init.now;
  }

  get isExiting(): boolean {
    return this.exitStatus !== undefined;
  }

  limit(resource: number): number {
    return this.limits[resource]!.soft;
  }

  get mainTask(): Task | undefined {
    return this.tasks.get(this.pid);
  }
}

/** What a thread does when it goes back to its program. */
export interface UserReturn {
  readonly inSyscall: boolean;
  /** ERESTARTSYS and relatives, or 0. */
  readonly restart: number;
}

export class Task {
  readonly tid: number;
  readonly process: Process;
  cpu: Cpu;
  blocked = 0n;
  /** To be restored when the call is over (sigsuspend, ppoll …). */
  savedMask: bigint | undefined;
  readonly pending = new PendingSignals();
  alt: AltStack = { sp: 0n, size: 0n, flags: SS_DISABLE };
  clearChildTid = 0;
  robustList = 0;
  name: string;
  /** The call that waits, and what undoes its registration. */
  call: Call | undefined;
  wait: Wait | undefined;
  cancelWait: (() => void) | undefined;
  /** Signals that sigwait takes although they are blocked. */
  awaited = 0n;
  restartBlock: (() => Call) | undefined;
  callNumber = 0;
  returning: UserReturn | undefined;
  /** Parked by a stop signal. */
  parked = false;
  dead = false;
  /** execve of another thread ends this one as soon as it stops. */
  ending = false;
  unalignedControl = 0;
  startedNs: number;
  /** Since when the CPU runs, or 0. */
  runningSince = 0;
  cpuNs = 0;
  /** Futex it waits on, see futex.ts. */
  futexKey: string | undefined;

  constructor(process: Process, tid: number, cpu: Cpu, now: number) {
    this.process = process;
    this.tid = tid;
    this.cpu = cpu;
    this.name = process.name;
    this.startedNs = now;
    process.tasks.set(tid, this);
  }
}

export type { DefaultAction };
