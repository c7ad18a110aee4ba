// SPDX-License-Identifier: MIT
//
// The life of a system call: found in the table, driven as far as it goes, put to sleep on queues, host descriptors and
// time, woken, and its result put where the program looks for it.
import {
  EIO,
  ENOMEM,
  ENOSYS,
  ERESTARTNOHAND,
  ERESTARTNOINTR,
  ERESTARTSYS,
  ERESTART_RESTARTBLOCK,
} from './abi/errno.ts';
import type { HostPoll } from './host-os.ts';
import type { Kernel } from './kernel.ts';
import type { Task } from './process/process.ts';
import { SyscallArguments, type SyscallTable } from './syscalls/arguments.ts';
import { syscallTable } from './syscalls/table.ts';
import type { Call, SysResult, Timer, Wait, WakeReason } from './waiting.ts';

interface HostWait {
  readonly fd: number;
  readonly events: number;
  readonly wake: () => void;
}

export class Calls {
  readonly #kernel: Kernel;
  readonly #syscalls: SyscallTable;
  readonly #hostWaits = new Set<HostWait>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#syscalls = syscallTable(kernel);
  }

  // --- starting and finishing ---

  start(task: Task): void {
    const args = new SyscallArguments(task);
    task.callNumber = args.number;
    this.#kernel.trace?.enter(task, args);
    const entry = this.#syscalls.get(args.number);
    if (entry === undefined || entry.run === undefined) {
      this.#kernel.countUnimplemented(entry?.name ?? `system call ${args.number}`);
      this.#finish(task, -ENOSYS);
      return;
    }
    let result: SysResult | Call;
    try {
      result = entry.run(task, args);
    } catch (error) {
      result = this.#failed(entry.name, error);
    }
    if (typeof result === 'object') this.#drive(task, result, 'woken', true);
    else this.#finish(task, result);
  }

  /** Page tables need memory; anything else thrown is a fault of this kernel, which the program survives. */
  #failed(name: string, error: unknown): number {
    if (error instanceof RangeError) return -ENOMEM;
    this.#kernel.onInternalError(name, error);
    return -EIO;
  }

  #drive(task: Task, call: Call, reason: WakeReason, first = false): void {
    task.call = call;
    const outer = this.#kernel.running;
    this.#kernel.running = task;
    let step: IteratorResult<Wait, SysResult>;
    try {
      step = first ? call.next('woken') : call.next(reason);
    } catch (error) {
      step = { done: true, value: this.#failed(this.#syscalls.get(task.callNumber)?.name ?? 'a call', error) };
    }
    this.#kernel.running = outer;
    if (task.dead) return;
    if (step.done === true) {
      task.call = undefined;
      this.#finish(task, step.value);
      return;
    }
    this.#sleep(task, call, step.value);
  }

  #finish(task: Task, result: SysResult): void {
    this.#kernel.trace?.leave(task, result);
    if (typeof result === 'symbol') {
      this.#kernel.signals.userReturn(task);
      return;
    }
    const { state } = task.cpu;
    if (typeof result === 'number' && result < 0) {
      state.setGr(8, BigInt(-result));
      state.setGr(10, -1n);
      const restart = [ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK].includes(-result)
        ? -result
        : 0;
      this.#kernel.signals.userReturn(task, { inSyscall: true, restart });
    } else {
      state.setGr(8, BigInt(result));
      state.setGr(10, 0n);
      this.#kernel.signals.userReturn(task, { inSyscall: true, restart: 0 });
    }
  }

  /** The result of fork and clone in the child. */
  startChild(task: Task): void {
    const { state } = task.cpu;
    state.setGr(8, 0n);
    state.setGr(10, 0n);
    this.#kernel.signals.userReturn(task, { inSyscall: true, restart: 0 });
  }

  // --- sleeping ---

  #sleep(task: Task, call: Call, wait: Wait): void {
    if (task.process.isExiting || (wait.killableOnly !== true && this.#kernel.signals.hasDeliverable(task))) {
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
      for (const hostWait of hostWaits) this.#hostWaits.delete(hostWait);
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
      this.#kernel.timers.add(0, () => {
        if (!task.dead && task.call === call) this.#drive(task, call, 'woken');
      });
    };
    task.wait = wait;
    task.cancelWait = cancel;
    for (const queue of wait.queues ?? []) queue.add(woken);
    for (const { fd, events } of wait.host ?? []) {
      const hostWait: HostWait = { fd, events, wake: () => wake('woken') };
      hostWaits.push(hostWait);
      this.#hostWaits.add(hostWait);
    }
    if (wait.deadline !== undefined && wait.deadline !== Infinity) {
      timer = this.#kernel.timers.add(wait.deadline, () => wake('timeout'));
    }
  }

  /** Ends a thread's wait because of a signal. */
  interrupt(task: Task): void {
    const { call } = task;
    if (task.cancelWait === undefined || call === undefined) return;
    task.cancelWait();
    this.#kernel.timers.add(0, () => {
      if (!task.dead && task.call === call) this.#drive(task, call, 'signal');
    });
  }

  /** Host descriptors somebody waits for. */
  hostPolls(): HostPoll[] {
    const polls = new Map<number, HostPoll>();
    for (const { fd, events } of this.#hostWaits) {
      polls.set(fd, { fd, events: events | (polls.get(fd)?.events ?? 0), revents: 0 });
    }
    return [...polls.values()];
  }

  /** Some of them are ready. */
  hostReady(polls: readonly HostPoll[]): void {
    const ready = new Map(polls.filter(({ revents }) => revents !== 0).map((poll) => [poll.fd, poll.revents]));
    if (ready.size === 0) return;
    for (const wait of [...this.#hostWaits]) {
      const revents = ready.get(wait.fd);
      if (revents !== undefined && (revents & (wait.events | 0x38)) !== 0) wait.wake();
    }
  }
}
