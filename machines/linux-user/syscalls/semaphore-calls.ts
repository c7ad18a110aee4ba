// SPDX-License-Identifier: MIT
//
// System V semaphores.
import { E2BIG, EACCES, EAGAIN, EFAULT, EFBIG, EIDRM, EINTR, EINVAL, EPERM, ERANGE } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import type { Process, Task } from '../process/process.ts';
import { type Call, type SysResult, WaitQueue } from '../waiting.ts';
import type { Handler, SyscallArguments } from './arguments.ts';
import {
  IPC_64,
  IPC_INFO,
  IPC_NOWAIT,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  type IpcObject,
  IpcTable,
  permBytes,
  READ,
  WRITE,
  writeInts,
  writeView,
} from './ipc-table.ts';
import { readTimespec } from './time-calls.ts';

const SEMMNI = 32000; // sets
const SEMMSL = 32000; // semaphores in a set
const SEMOPM = 500; // operations in a call
const SEMVMX = 32767;

const GETPID = 11;
const GETVAL = 12;
const GETALL = 13;
const GETNCNT = 14;
const GETZCNT = 15;
const SETVAL = 16;
const SETALL = 17;
const SEM_STAT = 18;
const SEM_INFO = 19;
const SEM_STAT_ANY = 20;

const SEM_UNDO = 0o10000;

interface Semaphore {
  value: number;
  /** Of the process that changed it last. */
  pid: number;
  /** How many threads wait for more, and for zero. */
  waitMore: number;
  waitZero: number;
}

interface SemaphoreSet extends IpcObject {
  readonly semaphores: Semaphore[];
  readonly queue: WaitQueue;
  /** What is given back when a process ends, by semaphore. */
  readonly undo: Map<Process, Int32Array>;
  /** Seconds since 1970 of the last semop. */
  operated: number;
}

interface Operation {
  readonly semaphore: Semaphore;
  readonly index: number;
  readonly change: number;
  readonly flags: number;
}

export function semaphoreCalls(kernel: Kernel): Record<string, Handler> {
  const sets = new IpcTable<SemaphoreSet>(kernel, SEMMNI);

  function semget(task: Task, args: SyscallArguments): number {
    const count = args.int(1);
    if (count < 0 || count > SEMMSL) return -EINVAL;
    return sets.get(
      task,
      args.int(0),
      args.int(2),
      (set) => (count > set.semaphores.length ? -EINVAL : 0),
      (base) => {
        if (count === 0) return -EINVAL;
        const semaphores = Array.from({ length: count }, () => ({ value: 0, pid: 0, waitMore: 0, waitZero: 0 }));
        return { ...base, semaphores, queue: new WaitQueue(), undo: new Map<Process, Int32Array>(), operated: 0 };
      },
    );
  }

  // ---- semop ------------------------------------------------------------------------------------------------------

  function* semop(task: Task, args: SyscallArguments, timeoutVa: number): Call {
    const count = args.size(2);
    if (count === 0) return -EINVAL;
    if (count > SEMOPM) return -E2BIG;
    const view = task.process.space.view(args.pointer(1), count * 6);
    if (view === undefined) return -EFAULT;
    const timeout = readTimespec(task, timeoutVa);
    if (typeof timeout === 'object') return timeout.error;
    const set = sets.find(args.int(0));
    if (typeof set === 'number') return set;
    const operations: Operation[] = [];
    for (let n = 0; n < count; n++) {
      const index = view.getUint16(n * 6, true);
      const semaphore = set.semaphores[index];
      if (semaphore === undefined) return -EFBIG;
      operations.push({
        semaphore,
        index,
        change: view.getInt16(n * 6 + 2, true),
        flags: view.getInt16(n * 6 + 4, true),
      });
    }
    const changes = operations.some(({ change }) => change !== 0);
    if (!sets.allows(task, set, changes ? WRITE : READ)) return -EACCES;
    const deadline = timeout === undefined ? undefined : kernel.now() + timeout;
    for (;;) {
      const blocked = tryAll(task.process, set, operations);
      if (blocked === undefined) {
        set.operated = sets.now();
        if (changes) set.queue.wake();
        return 0;
      }
      if (typeof blocked === 'number') return blocked;
      if ((blocked.flags & IPC_NOWAIT) !== 0) return -EAGAIN;
      const counter = blocked.change === 0 ? 'waitZero' : 'waitMore';
      blocked.semaphore[counter]++;
      try {
        const reason = yield { queues: [set.queue], deadline };
        if (set.removed) return -EIDRM;
        if (reason === 'timeout') return -EAGAIN;
        if (reason === 'signal') return -EINTR;
      } finally {
        blocked.semaphore[counter]--;
      }
    }
  }

  /** All operations or none: undefined when they are done, the one that has to wait, or an error. */
  function tryAll(
    process: Process,
    set: SemaphoreSet,
    operations: readonly Operation[],
  ): Operation | number | undefined {
    const before = operations.map(({ semaphore }) => semaphore.value);
    const undone = set.undo.get(process)?.slice();
    let failed: Operation | number | undefined;
    for (const operation of operations) {
      const { semaphore, index, change, flags } = operation;
      const value = semaphore.value + change;
      if (change === 0 ? semaphore.value !== 0 : value < 0) failed = operation;
      else if (value > SEMVMX) failed = -ERANGE;
      else {
        semaphore.value = value;
        if ((flags & SEM_UNDO) !== 0 && change !== 0 && !noteUndo(process, set, index, -change)) failed = -ERANGE;
      }
      if (failed !== undefined) break;
    }
    if (failed === undefined) {
      for (const { semaphore } of operations) semaphore.pid = process.pid;
      return undefined;
    }
    for (let n = operations.length - 1; n >= 0; n--) operations[n]!.semaphore.value = before[n]!;
    if (undone !== undefined) set.undo.set(process, undone);
    else set.undo.get(process)?.fill(0);
    return failed;
  }

  function noteUndo(process: Process, set: SemaphoreSet, index: number, change: number): boolean {
    let undo = set.undo.get(process);
    if (undo === undefined) {
      set.undo.set(process, (undo = new Int32Array(set.semaphores.length)));
      process.atEnd.add(giveBack);
    }
    const sum = undo[index]! + change;
    if (sum < -SEMVMX - 1 || sum > SEMVMX) return false;
    undo[index] = sum;
    return true;
  }

  /** What SEM_UNDO promised, in every set. */
  function giveBack(process: Process): void {
    for (const set of sets.objects) {
      const undo = set.undo.get(process);
      if (undo === undefined) continue;
      set.undo.delete(process);
      set.semaphores.forEach((semaphore, index) => {
        if (undo[index] === 0) return;
        semaphore.value = Math.min(SEMVMX, Math.max(0, semaphore.value + undo[index]!));
        semaphore.pid = process.pid;
      });
      set.queue.wake();
    }
  }

  // ---- semctl -----------------------------------------------------------------------------------------------------

  function semctl(task: Task, args: SyscallArguments): SysResult {
    const command = args.int(2) & ~IPC_64;
    const va = args.pointer(3);
    if (command === IPC_INFO || command === SEM_INFO) return info(task, command, va);
    const set = command === SEM_STAT || command === SEM_STAT_ANY ? sets.at(args.int(0)) : sets.find(args.int(0));
    if (typeof set === 'number') return set;
    switch (command) {
      case IPC_RMID:
        if (!sets.owns(task, set)) return -EPERM;
        sets.delete(set);
        set.queue.wake();
        return 0;
      case IPC_SET:
        return sets.set(task, set, va);
      case IPC_STAT:
      case SEM_STAT:
      case SEM_STAT_ANY:
        if (command !== SEM_STAT_ANY && !sets.allows(task, set, READ)) return -EACCES;
        return stat(task, set, va, command === IPC_STAT ? 0 : set.id);
      case GETALL:
      case SETALL:
        return all(task, set, command, va);
      default:
        return one(task, set, args.int(1), command, Number(BigInt.asIntN(32, args.raw(3))));
    }
  }

  /** struct semid64_ds. */
  function stat(task: Task, set: SemaphoreSet, va: number, result: number): number {
    const view = permBytes(set, 88);
    view.setBigUint64(48, BigInt(set.operated), true);
    view.setBigUint64(56, BigInt(set.changed), true);
    view.setBigUint64(64, BigInt(set.semaphores.length), true);
    return writeView(task, va, view) < 0 ? -EFAULT : result;
  }

  function all(task: Task, set: SemaphoreSet, command: number, va: number): number {
    if (!sets.allows(task, set, command === GETALL ? READ : WRITE)) return -EACCES;
    const { space } = task.process;
    const bytes = set.semaphores.length * 2;
    if (command === GETALL) {
      const values = Uint16Array.from(set.semaphores, ({ value }) => value);
      return space.write(va, new Uint8Array(values.buffer));
    }
    const view = space.view(va, bytes);
    if (view === undefined) return -EFAULT;
    const values = set.semaphores.map((_, n) => view.getUint16(n * 2, true));
    if (values.some((value) => value > SEMVMX)) return -ERANGE;
    values.forEach((value, index) => setValue(task, set, index, value));
    set.queue.wake();
    return 0;
  }

  function one(task: Task, set: SemaphoreSet, index: number, command: number, argument: number): number {
    const semaphore = set.semaphores[index];
    if (!sets.allows(task, set, command === SETVAL ? WRITE : READ)) return -EACCES;
    if (semaphore === undefined) return -EINVAL;
    switch (command) {
      case GETPID:
        return semaphore.pid;
      case GETVAL:
        return semaphore.value;
      case GETNCNT:
        return semaphore.waitMore;
      case GETZCNT:
        return semaphore.waitZero;
      case SETVAL:
        if (argument < 0 || argument > SEMVMX) return -ERANGE;
        setValue(task, set, index, argument);
        set.queue.wake();
        return 0;
      default:
        return -EINVAL;
    }
  }

  function setValue(task: Task, set: SemaphoreSet, index: number, value: number): void {
    const semaphore = set.semaphores[index]!;
    semaphore.value = value;
    semaphore.pid = task.process.pid;
    for (const undo of set.undo.values()) undo[index] = 0;
    set.changed = sets.now();
  }

  /** struct seminfo: map, sets, semaphores, undo structures, in a set, in a call, undo entries, their size, value, adjust. */
  function info(task: Task, command: number, va: number): number {
    const inUse = command === SEM_INFO ? sets.objects : undefined;
    const count = inUse?.reduce((sum, { semaphores }) => sum + semaphores.length, 0);
    const most = SEMMNI * SEMMSL;
    const values = [most, SEMMNI, most, most, SEMMSL, SEMOPM, SEMOPM, inUse?.length ?? 20, SEMVMX, count ?? SEMVMX];
    return writeInts(task, va, values) < 0 ? -EFAULT : sets.highest;
  }

  return {
    semget,
    semctl,
    semop: (task, args) => semop(task, args, 0),
    semtimedop: (task, args) => semop(task, args, args.pointer(3)),
  };
}
