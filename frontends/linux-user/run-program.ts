// SPDX-License-Identifier: MIT
//
// One run of a guest program: sets up memory, workers and kernel, and drives the kernel until every process has ended.
import { readFileSync, readSync, readdirSync, readlinkSync } from 'node:fs';
import { signalName } from '../../machines/linux-user/abi/signals.ts';
import { FdTable } from '../../machines/linux-user/files/fd-table.ts';
import { wrapHostFd } from '../../machines/linux-user/files/host-file.ts';
import { normalize, textToBytes } from '../../machines/linux-user/files/paths.ts';
import type { HostPoll } from '../../machines/linux-user/host-os.ts';
import { Kernel } from '../../machines/linux-user/kernel.ts';
import { loadProgram } from '../../machines/linux-user/elf/loader.ts';
import { PagePool } from '../../machines/linux-user/memory/page-pool.ts';
import {
  FsContext,
  Process,
  RLIMIT,
  SignalHandlers,
  Task,
  type Limit,
} from '../../machines/linux-user/process/process.ts';
import { StraceTracer } from '../../machines/linux-user/strace.ts';
import { closeHook, prepareSpace, startProgram } from '../../machines/linux-user/syscalls/exec-calls.ts';
import { applyLimits } from '../../machines/linux-user/syscalls/misc-calls.ts';
import type { WorkerPool } from './guest-cpu.ts';
import type { GuestMachine } from './launch.ts';
import { BELL, EVENT_FD, POOL, POOL_END, SLEEPING } from './layout.ts';
import { Libc } from './libc.ts';
import { NodeHostOs, pollHost } from './node-host-os.ts';

export interface RunOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: readonly string[];
  readonly sysroot: string;
  readonly strace: boolean;
  readonly logUnimplemented: boolean;
  /** Faults of the program, one line each. */
  readonly logGuest: boolean;
}

/** How the command ends: an exit code, or the signal that ended the program. */
export interface RunResult {
  readonly code: number;
  readonly signal: number;
}

const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
/** Idle this long without the C library: signals of the host are looked for. */
const NAP_MS = 20;
const SPINS = 2000;

/** Signals that are passed on to the guest, with their numbers there; not those that a call of the emulator's own may raise. */
const FORWARDED = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGUSR1: 10, // without a listener it would start Node's debugger
  SIGUSR2: 12,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGCONT: 18,
  SIGTSTP: 20,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGVTALRM: 26,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
} as const;
type Forwarded = keyof typeof FORWARDED;
const KEYBOARD = new Set<Forwarded>(['SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGWINCH']);

function say(text: string): void {
  process.stderr.write(`emeritus: ${text}\n`);
}

export async function runProgram(options: RunOptions, { memory, cpus }: GuestMachine): Promise<RunResult> {
  const host = new NodeHostOs();
  const pool = new PagePool(memory.buffer as unknown as SharedArrayBuffer, POOL, POOL_END);
  const umask = process.umask(0);
  const kernel = new Kernel({
    host,
    pool,
    cpus,
    sysroot: options.sysroot,
    trace: options.strace ? new StraceTracer((line) => void process.stderr.write(`${line}\n`)) : undefined,
    onGuestError: options.logGuest ? say : undefined,
  });
  kernel.onInternalError = (name, error) =>
    say(`internal error in ${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  const first = start(kernel, options, umask);
  if (typeof first === 'number') return { code: first, signal: 0 };
  await new Driver(kernel, cpus, memory).run();
  if (options.logUnimplemented) {
    for (const [name, count] of kernel.unimplemented) say(`unimplemented: ${name}, called ${count} times`);
  }
  const status = first.exitStatus ?? 0;
  return { code: status >>> 8, signal: status & 0x7f };
}

const MB = 1024 * 1024;

function initialLimits(): Limit[] {
  const limits = Array.from({ length: 16 }, (): Limit => ({ soft: Infinity, hard: Infinity }));
  limits[RLIMIT.stack]!.soft = 8 * MB;
  limits[RLIMIT.core]!.soft = 0;
  limits[RLIMIT.nofile] = { soft: 1024, hard: 4096 };
  limits[RLIMIT.nproc] = { soft: 4096, hard: 4096 };
  limits[RLIMIT.memlock] = { soft: 8 * MB, hard: 8 * MB };
  limits[RLIMIT.sigpending] = { soft: 32768, hard: 32768 };
  limits[RLIMIT.msgqueue] = { soft: 819_200, hard: 819_200 };
  limits[RLIMIT.nice] = { soft: 0, hard: 0 };
  limits[RLIMIT.rtprio] = { soft: 0, hard: 0 };
  return limits;
}

/** Makes the first process, or says in one line why not and gives the exit code shells use. */
function start(kernel: Kernel, options: RunOptions, umask: number): Process | number {
  const { host } = kernel;
  const bytes = (text: string): string => Buffer.from(text).toString('latin1');
  const path = bytes(options.program);
  const limits = initialLimits();
  const { pid, parentPid, uid, euid, gid, egid } = host.process;
  const credentials = { uid, euid, suid: euid, gid, egid, sgid: egid, groups: [...host.process.groups] };
  const cwd = bytes(process.cwd());
  const hostPath = path.startsWith('/') ? path : `${cwd}/${path}`;
  const result = loadProgram(kernel, {
    path,
    hostPath,
    argv: [path, ...options.args.map(bytes)].map(textToBytes),
    environment: options.environment.map(bytes).map(textToBytes),
    limits: { addressSpace: Infinity, data: Infinity, stack: limits[RLIMIT.stack]!.soft },
    stackMost: limits[RLIMIT.stack]!.hard,
    credentials,
  });
  if ('foreign' in result) {
    say(`${options.program}: a program for another machine, not IA-64 Linux`);
    return NOT_EXECUTABLE;
  }
  if ('error' in result) {
    say(`${options.program}: ${result.why}`);
    return result.error === 2 ? NOT_FOUND : NOT_EXECUTABLE;
  }
  const { loaded } = result;
  const cpu = kernel.cpus.acquire();
  if (cpu === undefined) throw new Error('no worker');
  const files = new FdTable();
  for (const fd of [0, 1, 2]) {
    const file = wrapHostFd(host, kernel.cache, fd, fd === 0 ? 0 : 1, describeFd(fd), { nonBlocking: false });
    if (typeof file === 'number') continue;
    file.flags = accessMode(fd);
    files.put(fd, file, false);
  }
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const group = terminal ? host.process.processGroup : pid;
  const session = terminal ? host.process.session : pid;
  const first = new Process({
    pid,
    parent: undefined,
    parentPid,
    group: terminal ? group : pid,
    session: terminal ? session : pid,
    exitSignal: 17,
    space: loaded.space,
    files,
    fs: new FsContext(cwd, umask),
    handlers: new SignalHandlers(),
    limits,
    credentials,
    program: { ...loaded.program, hostPath: normalize(loaded.program.hostPath) },
    name: loaded.name,
    now: kernel.now(),
  });
  if (!terminal) first.session = 1;
  first.hasExeced = true;
  files.onCloseFile = closeHook(kernel, first);
  applyLimits(first);
  prepareSpace(kernel, loaded.space);
  kernel.processes.set(pid, first);
  kernel.init = first;
  const task = new Task(first, pid, cpu, kernel.now());
  kernel.tasks.set(pid, task);
  if (terminal) kernel.terminals.attach(first.session, first.group);
  startProgram(task, loaded.entry, loaded.sp, loaded.rbs);
  kernel.resume(task);
  return first;
}

function describeFd(fd: number): string {
  try {
    return readlink(`/proc/self/fd/${fd}`);
  } catch {
    return `fd:${fd}`;
  }
}

const readlink = (name: string): string => readlinkSync(name, { encoding: 'latin1' });

/** O_ACCMODE and O_APPEND of an inherited descriptor. */
function accessMode(fd: number): number {
  try {
    const text = readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
    return Number.parseInt(/^flags:\s*([0-7]+)/m.exec(text)?.[1] ?? '2', 8) & 0o2003;
  } catch {
    return 2;
  }
}

/** Waits for whatever happens next and lets the kernel handle it. */
class Driver {
  readonly #kernel: Kernel;
  readonly #cpus: WorkerPool;
  readonly #words: Int32Array;
  readonly #listeners: [NodeJS.Signals, () => void][] = [];
  #eventFd = -1;
  readonly #rung = new Uint8Array(8);
  #loopFd: number | undefined;
  #failure: Error | undefined;
  #lastTurn = 0;

  constructor(kernel: Kernel, cpus: WorkerPool, memory: WebAssembly.Memory) {
    this.#kernel = kernel;
    this.#cpus = cpus;
    this.#words = new Int32Array(memory.buffer);
  }

  async run(): Promise<void> {
    const kernel = this.#kernel;
    this.#cpus.onError = (error) => (this.#failure = error);
    // What watches more once signals are listened to is the event loop of this thread.
    const before = eventPolls();
    this.#listen();
    await this.#turn();
    await this.#turn();
    for (const [fd, watched] of eventPolls()) {
      const known = before.get(fd);
      if (known !== undefined && [...watched].some((other) => !known.has(other))) this.#loopFd = fd;
    }
    kernel.onInitStopped = (signal) => this.#stopSelf(signal);
    try {
      while (!kernel.isFinished) {
        if (this.#failure !== undefined) throw this.#failure;
        const bell = Atomics.load(this.#words, BELL);
        if (!kernel.service() && Atomics.load(this.#words, BELL) === bell) {
          if (await this.#sleep(bell)) await this.#turn();
        }
        if (performance.now() - this.#lastTurn > 50) await this.#turn();
      }
    } finally {
      for (const [name, listener] of this.#listeners) process.off(name, listener);
    }
  }

  /** Lets Node handle what it has: signals, children, workers. */
  #turn(): Promise<void> {
    this.#lastTurn = performance.now();
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** True when Node's own event loop has something to do. */
  async #sleep(bell: number): Promise<boolean> {
    const words = this.#words;
    for (let spins = 0; spins < SPINS; spins++) if (Atomics.load(words, BELL) !== bell) return false;
    const kernel = this.#kernel;
    const polls = kernel.calls.hostPolls();
    const left = kernel.timers.next - kernel.now();
    if (left <= 0) return false;
    const timeoutMs = Math.min(left / 1e6, 1e9);
    if (polls.length === 0 && !Libc.isLoaded) {
      const nap = Math.min(timeoutMs, NAP_MS);
      Atomics.store(words, SLEEPING, 1);
      if (Atomics.load(words, BELL) === bell) Atomics.wait(words, BELL, bell, nap);
      Atomics.store(words, SLEEPING, 0);
      // Many naps in a row: from now on poll, which a signal of the host ends by itself.
      if (nap === NAP_MS && Atomics.load(words, BELL) === bell && performance.now() - this.#lastTurn > 1000) Libc.get();
      return nap === NAP_MS;
    }
    return this.#poll(bell, polls, timeoutMs);
  }

  #poll(bell: number, guest: readonly HostPoll[], timeoutMs: number): boolean {
    const words = this.#words;
    if (this.#eventFd < 0) this.#openEventFd();
    const polls: HostPoll[] = [{ fd: this.#eventFd, events: 1, revents: 0 }];
    if (this.#loopFd !== undefined) polls.push({ fd: this.#loopFd, events: 1, revents: 0 });
    const own = polls.length;
    polls.push(...guest);
    Atomics.store(words, SLEEPING, this.#eventFd < 0 ? 0 : 2);
    const most = this.#eventFd < 0 ? 5 : this.#loopFd === undefined ? NAP_MS : Infinity;
    const wait = Atomics.load(words, BELL) !== bell ? 0 : Math.ceil(Math.min(timeoutMs, most));
    const result = pollHost(polls, wait);
    Atomics.store(words, SLEEPING, 0);
    if (polls[0]!.revents !== 0) readSync(this.#eventFd, this.#rung);
    if (result > 0) this.#kernel.calls.hostReady(polls.slice(own));
    return result < 0 || (own > 1 ? polls[1]!.revents !== 0 : result === 0);
  }

  #openEventFd(): void {
    const fd = Libc.get()?.call('eventfd', 0, 0o2004000) ?? -1;
    this.#eventFd = fd;
    Atomics.store(this.#words, EVENT_FD, fd);
  }

  #listen(): void {
    for (const name of Object.keys(FORWARDED) as Forwarded[]) {
      const listener = (): void => this.#forward(name);
      process.on(name, listener);
      this.#listeners.push([name, listener]);
    }
  }

  #forward(name: Forwarded): void {
    const kernel = this.#kernel;
    const info = { signo: FORWARDED[name], code: 0x80 };
    if (KEYBOARD.has(name) && kernel.terminals.foreground !== 0) {
      kernel.signals.sendToGroup(kernel.terminals.foreground, info);
      return;
    }
    const { init } = kernel;
    if (init !== undefined && !init.isZombie) kernel.signals.send(init, info);
    // The first process is gone: whoever is left of it takes its place.
    else for (const other of [...kernel.processes.values()]) kernel.signals.send(other, info);
  }

  #stopSelf(signal: number): void {
    void signal;
    process.kill(process.pid, 'SIGSTOP');
    const { init } = this.#kernel;
    if (init !== undefined) this.#kernel.signals.send(init, { signo: 18, code: 0x80 });
  }
}

/** The event polls of this process, each with what it watches. */
function eventPolls(): Map<number, Set<string>> {
  const polls = new Map<number, Set<string>>();
  try {
    for (const fd of readdirSync('/proc/self/fd')) {
      try {
        if (readlink(`/proc/self/fd/${fd}`) !== 'anon_inode:[eventpoll]') continue;
        const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
        polls.set(Number(fd), new Set([...info.matchAll(/^tfd:\s*(\d+)/gm)].map((match) => match[1]!)));
      } catch {
        // Closed meanwhile.
      }
    }
  } catch {
    // A host without /proc.
  }
  return polls;
}

/** Ends this process as the guest's ended. */
export function endLike({ signal }: RunResult): void {
  const name = signalName(signal) as NodeJS.Signals;
  process.removeAllListeners(name);
  if (signal === 11 || signal === 4 || signal === 8 || signal === 7 || signal === 6 || signal === 3 || signal === 5) {
    // No core file of the emulator for a guest's fault.
    Libc.get()?.call('setrlimit', 4, new Uint8Array(16));
  }
  process.kill(process.pid, name);
}
