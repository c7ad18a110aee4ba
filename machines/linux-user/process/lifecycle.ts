// SPDX-License-Identifier: MIT
//
// How processes stop, continue and end, what their parents learn of it, and what becomes of their children.
import {
  CLD_CONTINUED,
  CLD_DUMPED,
  CLD_EXITED,
  CLD_KILLED,
  CLD_STOPPED,
  SA_NOCLDSTOP,
  SA_NOCLDWAIT,
  SIGCHLD,
  SIGCONT,
  SIGHUP,
  SIG_IGN,
} from '../abi/signals.ts';
import type { Kernel } from '../kernel.ts';
import type { Process, Task } from './process.ts';

export class Lifecycle {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  stop(process: Process, signal: number): void {
    if (process.stopped || process.isExiting) return;
    process.stopped = true;
    process.stopSignal = signal;
    process.change = { kind: 'stopped', signal };
    for (const task of process.tasks.values()) this.#kernel.signals.notify(task);
    this.#tellParent(process, CLD_STOPPED, signal);
    this.#kernel.terminals.processStopped(process);
  }

  continue(process: Process): void {
    if (!process.stopped) return;
    process.stopped = false;
    process.change = { kind: 'continued' };
    this.#tellParent(process, CLD_CONTINUED, SIGCONT);
    for (const task of process.tasks.values()) {
      if (!task.parked) continue;
      task.parked = false;
      const how = task.returning;
      this.#kernel.timers.add(0, () => {
        if (task.dead || task.parked || task.cpu.isRunning || task.call !== undefined) return;
        this.#kernel.signals.userReturn(task, how);
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
        this.#kernel.signals.send(parent, {
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
      else if (task !== this.#kernel.running) this.exitTask(task);
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
    this.#kernel.futexes.threadExit(this.#kernel, task);
    this.#kernel.chargeCpu(task);
    process.tasks.delete(task.tid);
    this.#kernel.tasks.delete(task.tid);
    this.#kernel.cpus.release(task.cpu);
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
    this.#kernel.futexes.releaseLocks(process);
    for (const action of process.atEnd) action(process);
    if (--process.files.users === 0) process.files.closeAll();
    this.releaseSpace(process);
    this.#kernel.trace?.exit(process, status);
    process.isZombie = true;
    this.#kernel.terminals.processEnded(process);
    for (const child of process.children) {
      child.parent =
        this.#kernel.init !== undefined && this.#kernel.init !== process && !this.#kernel.init.isZombie
          ? this.#kernel.init
          : undefined;
      child.parentPid = child.parent?.pid ?? 1;
      child.parent?.children.add(child);
      if (child.parent === undefined && child.isZombie) this.#kernel.processes.delete(child.pid);
      if (child.parentDeathSignal !== 0) {
        this.#kernel.signals.send(child, { signo: child.parentDeathSignal, code: 0, pid: process.pid, uid: 0 });
      }
    }
    process.children.clear();
    this.#signalOrphanedGroups(process);
    const { parent } = process;
    if (parent === undefined) {
      this.#kernel.processes.delete(process.pid);
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
    for (const process of [...this.#kernel.processes.values()]) {
      if (process.session !== leader.session || process === leader || !process.stopped) continue;
      this.#kernel.signals.send(process, { signo: SIGHUP, code: 0x80 });
      this.#kernel.signals.send(process, { signo: SIGCONT, code: 0x80 });
    }
  }

  reap(process: Process): void {
    this.#kernel.processes.delete(process.pid);
    const { parent } = process;
    if (parent === undefined) return;
    parent.children.delete(process);
    parent.childUsage.userNs += process.usage.userNs + process.childUsage.userNs;
    parent.childUsage.systemNs += process.usage.systemNs + process.childUsage.systemNs;
    parent.childUsage.faults += process.usage.faults + process.childUsage.faults;
  }
}
