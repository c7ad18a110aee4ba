// SPDX-License-Identifier: MIT
//
// Signals: sending them, keeping them until a thread may take them, and what they do on the way back to the program.
import { EINTR, ERESTARTNOINTR, ERESTARTSYS, ERESTART_RESTARTBLOCK } from '../abi/errno.ts';
import {
  SA_NODEFER,
  SA_RESETHAND,
  SA_RESTART,
  SIGCONT,
  SIGKILL,
  SIGSEGV,
  SIGSTOP,
  SIG_DFL,
  SIG_IGN,
  STOPS,
  SYNCHRONOUS,
  UNBLOCKABLE,
  bit,
  defaultAction,
} from '../abi/signals.ts';
import type { Cpu } from '../cpu.ts';
import type { SignalSource } from '../files/event-files.ts';
import { GATE_RETURN } from '../gate.ts';
import type { Kernel } from '../kernel.ts';
import { NO_RESULT, type SysResult } from '../waiting.ts';
import type { Process, Task } from './process.ts';
import type { SigInfo } from './siginfo.ts';
import { enterHandler, leaveHandler } from './signal-frame.ts';

export class Signals {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  // --- back to the program ---

  /** A thread leaves the kernel: signals are handled, an interrupted call starts again, then the program goes on. */
  userReturn(task: Task, how: { inSyscall: boolean; restart: number } = { inSyscall: false, restart: 0 }): void {
    if (task.dead) return;
    const { process } = task;
    task.returning = how;
    let { restart } = how;
    for (;;) {
      if (process.isExiting || task.ending) {
        this.#kernel.lifecycle.exitTask(task);
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
      this.#kernel.trace?.signal(task, info);
      if (action.handler === SIG_DFL) {
        const kind = defaultAction(info.signo);
        if (kind === 'ignore' || kind === 'continue') continue;
        if (kind === 'stop') {
          this.#kernel.lifecycle.stop(process, info.signo);
          continue;
        }
        // No core is ever written, so the status never says so.
        this.#kernel.lifecycle.exitProcess(process, info.signo);
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
    this.#kernel.resume(task);
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
      this.force(task, { signo: SIGSEGV, code: 0x80 });
      return false;
    }
    task.savedMask = undefined;
    if ((action.flags & SA_RESETHAND) !== 0) process.handlers.actions[info.signo]!.handler = SIG_DFL;
    task.blocked |= action.mask;
    if ((action.flags & SA_NODEFER) === 0) task.blocked |= bit(info.signo);
    task.blocked &= ~UNBLOCKABLE;
    return true;
  }

  /** rt_sigreturn. */
  handlerReturn(task: Task): SysResult {
    const mask = leaveHandler(task.cpu.state, task.process.space, task.alt);
    if (mask === undefined) this.force(task, { signo: SIGSEGV, code: 0x80 });
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
  take(task: Task, wanted: bigint): SigInfo | undefined {
    return task.pending.take(wanted) ?? this.#takeShared(task.process, wanted);
  }

  source(process: Process): SignalSource {
    return {
      take: (task, wanted) => this.take(task, wanted),
      pending: () => {
        let set = process.pending.set;
        // poll knows no thread: the one that runs now, or any.
        const asking = this.#kernel.running?.process === process ? [this.#kernel.running] : process.tasks.values();
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
  send(process: Process, info: SigInfo, target?: Task): void {
    if (process.isZombie || process.isExiting) return;
    const set = bit(info.signo);
    if (info.signo === SIGCONT) {
      this.#dropPending(process, STOPS);
      this.#kernel.lifecycle.continue(process);
    } else if ((STOPS & set) !== 0n) {
      this.#dropPending(process, bit(SIGCONT));
    }
    const candidates = target === undefined ? [...process.tasks.values()] : [target];
    const isWanted = candidates.some((task) => ((task.blocked | task.awaited) & set) !== 0n);
    if (this.#isIgnored(process, info.signo) && !isWanted && info.signo !== SIGKILL && info.signo !== SIGSTOP) return;
    (target?.pending ?? process.pending).add(info);
    if (info.signo === SIGKILL) {
      this.#kernel.lifecycle.exitProcess(process, SIGKILL);
      return;
    }
    process.signalQueue.wake();
    const main = process.mainTask;
    const order = main !== undefined && target === undefined ? [main, ...candidates] : candidates;
    const receiver = order.find((task) => (task.blocked & set) === 0n && !task.dead);
    if (receiver !== undefined) this.notify(receiver);
  }

  #dropPending(process: Process, signals: bigint): void {
    process.pending.drop(signals);
    for (const task of process.tasks.values()) task.pending.drop(signals);
  }

  /** Makes a thread look at its signals. */
  notify(task: Task): void {
    if (task.cpu.isRunning) task.cpu.interrupt();
    else if (task.wait?.killableOnly !== true) this.#kernel.calls.interrupt(task);
  }

  /** A signal the program cannot escape: blocked or ignored, it becomes the default action. */
  force(task: Task, info: SigInfo): void {
    const { handlers } = task.process;
    const set = bit(info.signo);
    const action = handlers.actions[info.signo]!;
    if ((task.blocked & set) !== 0n || action.handler === SIG_IGN) {
      handlers.actions[info.signo] = { handler: SIG_DFL, flags: 0, mask: 0n };
      task.blocked &= ~set;
    }
    task.pending.add(info);
  }

  sendToGroup(group: number, info: SigInfo): number {
    let count = 0;
    for (const process of [...this.#kernel.processes.values()]) {
      if (process.group !== group || process.isZombie) continue;
      this.send(process, info);
      count++;
    }
    return count;
  }
}

/** Back to the break instruction that made the call. */
function stepBack(cpu: Cpu): void {
  const { state } = cpu;
  if (state.slot === 0) {
    state.ip -= 16n;
    state.slot = 2;
  } else {
    state.slot--;
  }
}
