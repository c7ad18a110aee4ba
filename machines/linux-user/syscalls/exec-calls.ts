// SPDX-License-Identifier: MIT
//
// execve: another program in the same process, an IA-64 one in a new address space, any other as a process of the host.
import { E2BIG, EBADF, EFAULT, ENOENT, ENOEXEC } from '../abi/errno.ts';
import { AT_EMPTY_PATH, AT_FDCWD } from '../abi/files.ts';
import { SIGKILL, SIGSTOP, SIG_DFL, SIG_IGN, SS_DISABLE, defaultAction } from '../abi/signals.ts';
import { loadProgram } from '../elf/loader.ts';
import { StreamFile } from '../files/host-file.ts';
import { normalize, procEntry, readPath, resolveAt } from '../files/paths.ts';
import type { Kernel } from '../kernel.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { vaFromBig } from '../memory/address.ts';
import { type Process, SignalHandlers, type Task } from '../process/process.ts';
import { FPSR_DEFAULT } from '../process/signal-frame.ts';
import { type Call, NO_RESULT, type SysResult, WaitQueue } from '../waiting.ts';
import type { Handler } from './arguments.ts';

const ARGUMENTS_MOST = 2 * 1024 * 1024;
const ARGUMENT_MOST = 128 * 4096;

export function execCalls(kernel: Kernel): Record<string, Handler> {
  function execve(
    task: Task,
    dirfd: number,
    pathVa: number,
    argvVa: number,
    envVa: number,
    flags: number,
  ): SysResult | Call {
    const { process } = task;
    const { space } = process;
    const path = readPath(space, pathVa);
    if (typeof path === 'number') return path;
    let hostPath: string | number;
    const special = procEntry(kernel, task, path);
    if (special?.kind === 'exe') hostPath = special.process.program.hostPath;
    else if (special?.kind === 'fd') hostPath = special.process.files.get(special.fd)?.path ?? -ENOENT;
    else if (path === '' && (flags & AT_EMPTY_PATH) !== 0) hostPath = process.files.get(dirfd)?.path ?? -EBADF;
    else hostPath = resolveAt(kernel, task, dirfd, path, true);
    if (typeof hostPath === 'number') return hostPath;
    const argv = readStrings(space, argvVa);
    if (typeof argv === 'number') return argv;
    const environment = readStrings(space, envVa);
    if (typeof environment === 'number') return environment;
    const result = loadProgram(kernel, {
      path: special?.kind === 'exe' ? hostPath : path,
      hostPath,
      argv: argv.length === 0 ? [new Uint8Array(0)] : argv,
      environment,
      limits: space.limits,
      stackMost: process.limits[3]!.hard,
      credentials: process.credentials,
    });
    if ('error' in result) return -result.error;
    if ('foreign' in result) return execHost(task, result.foreign.hostPath, result.foreign.argv, environment);
    return replace(task, result.loaded);
  }

  function readStrings(space: AddressSpace, va: number): Uint8Array[] | number {
    const strings: Uint8Array[] = [];
    let total = 0;
    if (va === 0) return strings;
    for (let at = va; ; at += 8) {
      const pointer = space.readU64(at);
      if (pointer === undefined) return -EFAULT;
      if (pointer === 0n) return strings;
      const text = space.readString(vaFromBig(pointer), ARGUMENT_MOST);
      if (typeof text === 'number') return text === -EFAULT ? -EFAULT : -E2BIG;
      total += text.length + 9;
      if (total > ARGUMENTS_MOST) return -E2BIG;
      strings.push(text);
    }
  }

  function* replace(task: Task, loaded: Extract<ReturnType<typeof loadProgram>, { loaded: unknown }>['loaded']): Call {
    const { process } = task;
    // The other threads end first; this one takes the process' number.
    for (const other of [...process.tasks.values()]) {
      if (other === task) continue;
      endThread(other);
    }
    while (process.tasks.size > 1) yield { queues: [process.taskQueue], killableOnly: true };
    if (task.tid !== process.pid) {
      process.tasks.delete(task.tid);
      kernel.tasks.delete(task.tid);
      Object.assign(task, { tid: process.pid });
      process.tasks.set(process.pid, task);
      kernel.tasks.set(process.pid, task);
    }
    kernel.lifecycle.releaseSpace(process);
    process.space = loaded.space;
    prepareSpace(kernel, loaded.space);
    process.program = {
      ...loaded.program,
      hostPath: loaded.program.hostPath.startsWith('/')
        ? normalize(loaded.program.hostPath)
        : normalize(`${process.fs.cwd}/${loaded.program.hostPath}`),
    };
    process.name = task.name = loaded.name;
    process.hasExeced = true;
    if (process.files.users > 1) {
      process.files.users--;
      process.files = process.files.clone();
      process.files.onCloseFile = closeHook(kernel, process);
    }
    process.files.closeOnExec();
    if (process.handlers.users > 1) {
      process.handlers.users--;
      process.handlers = new SignalHandlers(process.handlers.actions);
    }
    for (const action of process.handlers.actions) {
      if (action.handler !== SIG_IGN) action.handler = SIG_DFL;
      action.flags = 0;
      action.mask = 0n;
    }
    for (const timer of process.posixTimers.values()) if (timer.timer !== undefined) timer.timer.cancelled = true;
    process.posixTimers.clear();
    task.alt = { sp: 0n, size: 0n, flags: SS_DISABLE };
    task.clearChildTid = 0;
    task.robustList = 0;
    startProgram(task, loaded.entry, loaded.sp, loaded.rbs);
    return NO_RESULT;
  }

  function endThread(other: Task): void {
    other.clearChildTid = 0;
    if (other.cpu.isRunning) {
      other.ending = true;
      other.cpu.interrupt();
    } else {
      kernel.lifecycle.exitTask(other);
    }
  }

  function execHost(
    task: Task,
    hostPath: string,
    argv: readonly Uint8Array[],
    environment: readonly Uint8Array[],
  ): SysResult | Call {
    const { process } = task;
    const { process: hostProcess } = kernel.host;
    if (hostProcess.spawn === undefined || process.tasks.size > 1) return -ENOEXEC;
    const fds: number[] = [];
    for (const [fd, slot] of process.files.entries()) {
      if (slot.closeOnExec || slot.file.hostFd === undefined) continue;
      if (slot.file instanceof StreamFile) slot.file.shareWithHost();
      fds[fd] = slot.file.hostFd;
    }
    const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
    return runHost(task, hostProcess.spawn.bind(hostProcess), hostPath, argv.map(text), environment.map(text), fds);
  }

  function* runHost(
    task: Task,
    spawn: NonNullable<typeof kernel.host.process.spawn>,
    hostPath: string,
    argv: readonly string[],
    environment: readonly string[],
    fds: readonly number[],
  ): Call {
    const { process } = task;
    const queue = new WaitQueue();
    let status: number | undefined;
    const started = spawn(hostPath, argv, environment, process.fs.cwd, fds, (ended) => {
      status = ended;
      queue.wake();
    });
    if (typeof started === 'number') return started;
    process.hasExeced = true;
    process.vforkReleased = true;
    process.vforkDone?.wake();
    // The program has its own descriptors now; holding them would keep pipes open.
    process.files.closeAll();
    try {
      while (status === undefined) {
        const reason = yield { queues: [queue] };
        if (reason !== 'signal') continue;
        const info = kernel.signals.take(task, ~task.blocked);
        if (info === undefined) continue;
        if (defaultAction(info.signo) !== 'stop') {
          kernel.host.process.kill(started.pid, info.signo);
          continue;
        }
        // Both stop; SIGCONT arrives here and is passed on.
        kernel.host.process.kill(started.pid, SIGSTOP);
        task.parked = true;
        kernel.lifecycle.stop(process, info.signo);
      }
    } finally {
      // Killed: so is what runs in its place.
      if (status === undefined) kernel.host.process.kill(started.pid, SIGKILL);
    }
    kernel.lifecycle.exitProcess(process, status);
    return NO_RESULT;
  }

  return {
    execve: (task, args) => execve(task, AT_FDCWD, args.pointer(0), args.pointer(1), args.pointer(2), 0),
    execveat: (task, args) => execve(task, args.int(0), args.pointer(1), args.pointer(2), args.pointer(3), args.int(4)),
  };
}

export function prepareSpace(kernel: Kernel, space: AddressSpace): void {
  space.onShootdown = () => kernel.shootdown(space, undefined);
}

export function closeHook(kernel: Kernel, process: Process): (file: { identity: string | undefined }) => void {
  return (file) => {
    if (file.identity !== undefined) kernel.futexes.releaseLocks(process, file.identity);
  };
}

/** Registers as execve leaves them. */
export function startProgram(task: Task, entry: bigint, sp: bigint, rbs: bigint): void {
  const { cpu } = task;
  const { state } = cpu;
  state.reset();
  cpu.space = task.process.space.table.space;
  state.resetStack(rbs, 0n, 0n);
  state.rsc = 0xfn;
  state.fpsr = FPSR_DEFAULT;
  state.pr = 1n;
  state.setGr(12, sp - 16n);
  state.ip = entry & ~15n;
  state.slot = 0;
}
