// SPDX-License-Identifier: MIT
//
// Futexes: threads that wait for a word in memory, by where the word is. Private ones are known by address space and
// address, shared ones by the page they are in.
import { EAGAIN, EDEADLK, EFAULT, EINVAL, ENOSYS, EPERM, ERESTARTSYS, ETIMEDOUT } from '../abi/errno.ts';
import { BAD_VA } from '../memory/address.ts';
import { type Call, WaitQueue } from '../waiting.ts';
import type { Kernel } from '../kernel.ts';
import type { Process, Task } from './process.ts';

const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const FUTEX_REQUEUE = 3;
const FUTEX_CMP_REQUEUE = 4;
const FUTEX_WAKE_OP = 5;
const FUTEX_LOCK_PI = 6;
const FUTEX_UNLOCK_PI = 7;
const FUTEX_TRYLOCK_PI = 8;
const FUTEX_WAIT_BITSET = 9;
const FUTEX_WAKE_BITSET = 10;
const FUTEX_LOCK_PI2 = 13;
export const FUTEX_CMD_MASK = 0x7f;
export const FUTEX_PRIVATE = 0x80;
export const FUTEX_CLOCK_REALTIME = 0x100;

const FUTEX_WAITERS = 0x8000_0000;
const FUTEX_OWNER_DIED = 0x4000_0000;
const FUTEX_TID_MASK = 0x3fff_ffff;

const ROBUST_MOST = 2048;

interface Waiter {
  readonly task: Task;
  readonly bitset: number;
  readonly queue: WaitQueue;
  key: string;
  woken: boolean;
}

interface RecordLock {
  readonly process: Process;
  readonly type: 'read' | 'write';
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

export class FutexTable {
  readonly #waiters = new Map<string, Waiter[]>();
  readonly #spaceIds = new WeakMap<object, number>();
  #nextSpace = 1;
  /** fcntl's record locks among guest processes, by file identity. */
  readonly #locks = new Map<string, RecordLock[]>();
  readonly lockQueue = new WaitQueue();

  /** How many threads wait in all. */
  get waiting(): number {
    let count = 0;
    for (const list of this.#waiters.values()) count += list.length;
    return count;
  }

  #key(task: Task, va: number, shared: boolean): string | number {
    if (va % 4 !== 0) return -EINVAL;
    if (va >= BAD_VA) return -EFAULT;
    const { space } = task.process;
    const at = space.translate(va, false);
    if (at === -1) return -EFAULT;
    if (shared && space.areaAt(va)?.shared === true) return `p${at}`;
    let id = this.#spaceIds.get(space);
    if (id === undefined) this.#spaceIds.set(space, (id = this.#nextSpace++));
    return `${id}:${va}`;
  }

  #load(task: Task, va: number): number | undefined {
    return task.process.space.readU32(va);
  }

  *wait(
    kernel: Kernel,
    task: Task,
    va: number,
    expected: number,
    shared: boolean,
    bitset: number,
    deadline: number | undefined,
    absolute: boolean,
  ): Call {
    if (bitset === 0) return -EINVAL;
    const key = this.#key(task, va, shared);
    if (typeof key === 'number') return key;
    const value = this.#load(task, va);
    if (value === undefined) return -EFAULT;
    if (value !== expected) return -EAGAIN;
    const waiter: Waiter = { task, bitset, queue: new WaitQueue(), key, woken: false };
    this.#add(waiter);
    try {
      for (;;) {
        const reason = yield { queues: [waiter.queue], deadline };
        if (waiter.woken) return 0;
        if (reason === 'timeout') return -ETIMEDOUT;
        if (reason === 'signal') {
          if (deadline === undefined || absolute) return -ERESTARTSYS;
          task.restartBlock = () => this.wait(kernel, task, va, expected, shared, bitset, deadline, true);
          return -516;
        }
      }
    } finally {
      this.#remove(waiter);
    }
  }

  #add(waiter: Waiter): void {
    const list = this.#waiters.get(waiter.key);
    if (list === undefined) this.#waiters.set(waiter.key, [waiter]);
    else list.push(waiter);
  }

  #remove(waiter: Waiter): void {
    const list = this.#waiters.get(waiter.key);
    const index = list?.indexOf(waiter) ?? -1;
    if (index < 0) return;
    list!.splice(index, 1);
    if (list!.length === 0) this.#waiters.delete(waiter.key);
  }

  #wakeKey(key: string, most: number, bitset: number): number {
    const list = this.#waiters.get(key);
    if (list === undefined) return 0;
    let count = 0;
    for (const waiter of [...list]) {
      if (count >= most) break;
      if ((waiter.bitset & bitset) === 0) continue;
      waiter.woken = true;
      this.#remove(waiter);
      waiter.queue.wake();
      count++;
    }
    return count;
  }

  wake(task: Task, va: number, most: number, shared: boolean, bitset = 0xffff_ffff): number {
    if (bitset === 0) return -EINVAL;
    const key = this.#key(task, va, shared);
    return typeof key === 'number' ? key : this.#wakeKey(key, most, bitset);
  }

  requeue(
    task: Task,
    va: number,
    most: number,
    mostMoved: number,
    va2: number,
    shared: boolean,
    expected: number | undefined,
  ): number {
    const key = this.#key(task, va, shared);
    const key2 = this.#key(task, va2, shared);
    if (typeof key === 'number') return key;
    if (typeof key2 === 'number') return key2;
    if (expected !== undefined && this.#load(task, va) !== expected) return -EAGAIN;
    let count = this.#wakeKey(key, most, 0xffff_ffff);
    for (const waiter of [...(this.#waiters.get(key) ?? [])].slice(0, mostMoved)) {
      this.#remove(waiter);
      waiter.key = key2;
      this.#add(waiter);
      count++;
    }
    return count;
  }

  wakeOperation(
    task: Task,
    va: number,
    most: number,
    most2: number,
    va2: number,
    code: number,
    shared: boolean,
  ): number {
    const key = this.#key(task, va, shared);
    const key2 = this.#key(task, va2, shared);
    if (typeof key === 'number') return key;
    if (typeof key2 === 'number') return key2;
    const at = task.process.space.translate(va2, true);
    if (at === -1) return -EFAULT;
    const operation = (code >>> 28) & 7;
    const compare = (code >>> 24) & 15;
    let operand = (code << 8) >> 20;
    const other = (code << 20) >> 20;
    if (code >>> 31 !== 0) operand = 1 << (operand & 31);
    const words = new Int32Array(task.process.space.pool.bytes.buffer, at, 1);
    let old: number;
    do {
      old = Atomics.load(words, 0);
      const next =
        operation === 0
          ? operand
          : operation === 1
            ? old + operand
            : operation === 2
              ? old | operand
              : operation === 3
                ? old & ~operand
                : old ^ operand;
      if (operation > 4) return -ENOSYS;
      if (Atomics.compareExchange(words, 0, old, next | 0) === old) break;
    } while (true);
    let count = this.#wakeKey(key, most, 0xffff_ffff);
    const holds = [old === other, old !== other, old < other, old <= other, old > other, old >= other][compare];
    if (holds === undefined) return -ENOSYS;
    if (holds) count += this.#wakeKey(key2, most2, 0xffff_ffff);
    return count;
  }

  /** Priority-inheriting locks, without the inheriting. */
  *lockPi(task: Task, va: number, shared: boolean, deadline: number | undefined, tryOnly: boolean): Call {
    for (;;) {
      const key = this.#key(task, va, shared);
      if (typeof key === 'number') return key;
      const at = task.process.space.translate(va, true);
      if (at === -1) return -EFAULT;
      const words = new Int32Array(task.process.space.pool.bytes.buffer, at, 1);
      const old = Atomics.load(words, 0);
      if ((old & FUTEX_TID_MASK) === task.tid) return -EDEADLK;
      if ((old & FUTEX_TID_MASK) === 0) {
        if (Atomics.compareExchange(words, 0, old, (old & (FUTEX_OWNER_DIED | FUTEX_WAITERS)) | task.tid) === old)
          return 0;
        continue;
      }
      if (tryOnly) return -EAGAIN;
      if (Atomics.compareExchange(words, 0, old, old | FUTEX_WAITERS) !== old) continue;
      const waiter: Waiter = { task, bitset: -1, queue: new WaitQueue(), key, woken: false };
      this.#add(waiter);
      try {
        const reason = yield { queues: [waiter.queue], deadline };
        if (!waiter.woken && reason === 'timeout') return -ETIMEDOUT;
        if (!waiter.woken && reason === 'signal') return -513;
      } finally {
        this.#remove(waiter);
      }
    }
  }

  unlockPi(task: Task, va: number, shared: boolean): number {
    const key = this.#key(task, va, shared);
    if (typeof key === 'number') return key;
    const value = this.#load(task, va);
    if (value === undefined) return -EFAULT;
    if ((value & FUTEX_TID_MASK) !== task.tid) return -EPERM;
    const more = (this.#waiters.get(key)?.length ?? 0) > 1;
    task.process.space.writeU32(va, more ? FUTEX_WAITERS : 0);
    this.#wakeKey(key, 1, 0xffff_ffff);
    return 0;
  }

  /** futex(); `deadline` is already on the monotonic clock. */
  call(
    kernel: Kernel,
    task: Task,
    va: number,
    operation: number,
    value: number,
    deadline: number | undefined,
    value2: number,
    va2: number,
    value3: number,
  ): number | Call {
    const shared = (operation & FUTEX_PRIVATE) === 0;
    switch (operation & FUTEX_CMD_MASK) {
      case FUTEX_WAIT:
        return this.wait(kernel, task, va, value >>> 0, shared, 0xffff_ffff, deadline, false);
      case FUTEX_WAIT_BITSET:
        return this.wait(kernel, task, va, value >>> 0, shared, value3, deadline, true);
      case FUTEX_WAKE:
        return this.wake(task, va, value, shared);
      case FUTEX_WAKE_BITSET:
        return this.wake(task, va, value, shared, value3);
      case FUTEX_REQUEUE:
        return value < 0 || value2 < 0 ? -EINVAL : this.requeue(task, va, value, value2, va2, shared, undefined);
      case FUTEX_CMP_REQUEUE:
        return value < 0 || value2 < 0 ? -EINVAL : this.requeue(task, va, value, value2, va2, shared, value3 >>> 0);
      case FUTEX_WAKE_OP:
        return this.wakeOperation(task, va, value, value2, va2, value3, shared);
      case FUTEX_LOCK_PI:
      case FUTEX_LOCK_PI2:
        return this.lockPi(task, va, shared, deadline, false);
      case FUTEX_TRYLOCK_PI:
        return this.lockPi(task, va, shared, deadline, true);
      case FUTEX_UNLOCK_PI:
        return this.unlockPi(task, va, shared);
      default:
        return -ENOSYS;
    }
  }

  /** A thread ends: its robust locks are given up and whoever joins it is woken. */
  threadExit(kernel: Kernel, task: Task): void {
    const { space } = task.process;
    if (space.users <= 0) return;
    if (task.robustList !== 0) this.#giveUpRobust(task);
    if (task.clearChildTid !== 0 && (space.users > 1 || task.process.tasks.size > 1)) {
      if (space.writeU32(task.clearChildTid, 0) === 0) this.wake(task, task.clearChildTid, 1, true);
    }
    void kernel;
  }

  #giveUpRobust(task: Task): void {
    const { space } = task.process;
    const head = space.view(task.robustList, 24);
    if (head === undefined) return;
    const read = (va: number): number | undefined => {
      const value = space.readU64(va);
      return value === undefined ? undefined : vaOfPointer(value & ~1n);
    };
    const offset = Number(BigInt.asIntN(32, head.getBigInt64(8, true)));
    const pending = vaOfPointer(head.getBigUint64(16, true) & ~1n);
    let entry = read(task.robustList);
    for (let n = 0; n < ROBUST_MOST && entry !== undefined && entry !== task.robustList; n++) {
      if (entry !== pending) this.#ownerDied(task, entry + offset);
      entry = read(entry);
    }
    if (pending !== 0) this.#ownerDied(task, pending + offset);
  }

  #ownerDied(task: Task, va: number): void {
    const { space } = task.process;
    const value = va % 4 === 0 ? space.readU32(va) : undefined;
    if (value === undefined || (value & FUTEX_TID_MASK) !== task.tid) return;
    space.writeU32(va, ((value & FUTEX_WAITERS) | FUTEX_OWNER_DIED) >>> 0);
    if ((value & FUTEX_WAITERS) !== 0) this.wake(task, va, 1, true);
  }

  // --- record locks ---

  /** The lock that is in the way of this one. */
  conflict(
    identity: string,
    process: Process,
    type: 'read' | 'write',
    start: number,
    end: number,
  ): RecordLock | undefined {
    return this.#locks
      .get(identity)
      ?.find(
        (lock) =>
          lock.process !== process &&
          lock.start < end &&
          start < lock.end &&
          (type === 'write' || lock.type === 'write'),
      );
  }

  setLock(identity: string, process: Process, type: 'read' | 'write' | 'none', start: number, end: number): void {
    const kept: RecordLock[] = [];
    for (const lock of this.#locks.get(identity) ?? []) {
      if (lock.process !== process || lock.end <= start || lock.start >= end) {
        kept.push(lock);
        continue;
      }
      if (lock.start < start) kept.push({ ...lock, end: start });
      if (lock.end > end) kept.push({ ...lock, start: end });
    }
    if (type !== 'none') kept.push({ process, type, start, end });
    if (kept.length > 0) this.#locks.set(identity, kept);
    else this.#locks.delete(identity);
    this.lockQueue.wake();
  }

  releaseLocks(process: Process, identity?: string): void {
    for (const [key, locks] of [...this.#locks]) {
      if (identity !== undefined && key !== identity) continue;
      if (locks.some((lock) => lock.process === process)) this.setLock(key, process, 'none', 0, Infinity);
    }
  }
}

function vaOfPointer(value: bigint): number {
  const region = Number(value >> 61n);
  const offset = value & 0x1fff_ffff_ffff_ffffn;
  return offset >= 1n << 44n ? BAD_VA : region * 2 ** 44 + Number(offset);
}
