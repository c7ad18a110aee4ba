// SPDX-License-Identifier: MIT
//
// Job control. The terminal itself is the host's, which sees only one job, this emulator; which of the guest's process
// groups is in the foreground is known here, and signals from the keyboard are passed on to it.
import { EINVAL, EIO, ENOTTY, EPERM, ERESTARTSYS, ESRCH } from '../abi/errno.ts';
import { SIGCONT, SIGHUP, SIGTSTP, SIGTTIN, SIGTTOU, SIG_IGN, bit } from '../abi/signals.ts';
import type { Kernel } from '../kernel.ts';
import type { Process, Task } from './process.ts';

export class Terminals {
  readonly #kernel: Kernel;
  /** The session that has the terminal, and its foreground group. */
  #session = 0;
  #foreground = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** The first process takes over the terminal the command was started on. */
  attach(session: number, foreground: number): void {
    this.#session = session;
    this.#foreground = foreground;
  }

  get foreground(): number {
    return this.#foreground;
  }

  isControlling(process: Process): boolean {
    return this.#session !== 0 && process.session === this.#session;
  }

  getForeground(process: Process): number {
    return this.isControlling(process) ? this.#foreground : -ENOTTY;
  }

  setForeground(task: Task, group: number): number {
    const { process } = task;
    if (!this.isControlling(process)) return -ENOTTY;
    if (group < 0) return -EINVAL;
    const background = this.checkBackground(task, SIGTTOU);
    if (background !== 0) return background;
    const member = [...this.#kernel.processes.values()].find((other) => other.group === group);
    if (member === undefined) return -ESRCH;
    if (member.session !== process.session) return -EPERM;
    this.#foreground = group;
    return 0;
  }

  setControlling(process: Process): number {
    if (process.session !== process.pid) return -EPERM;
    if (this.#session === process.session) return 0;
    if (this.#session !== 0) return -EPERM;
    this.attach(process.session, process.group);
    return 0;
  }

  giveUp(process: Process): number {
    if (!this.isControlling(process)) return -ENOTTY;
    if (process.session === process.pid) {
      const group = this.#foreground;
      this.#session = 0;
      this.#foreground = 0;
      this.#kernel.signals.sendToGroup(group, { signo: SIGHUP, code: 0x80 });
      this.#kernel.signals.sendToGroup(group, { signo: SIGCONT, code: 0x80 });
    }
    return 0;
  }

  getSession(process: Process): number {
    return this.isControlling(process) ? this.#session : -ENOTTY;
  }

  /**
   * A background process reads (SIGTTIN) or changes (SIGTTOU) the terminal: 0 when it may, otherwise the error to
   * return after the signal was sent.
   */
  checkBackground(task: Task, signo: number): number {
    const { process } = task;
    if (!this.isControlling(process) || process.group === this.#foreground) return 0;
    const ignored = process.handlers.actions[signo]!.handler === SIG_IGN || (task.blocked & bit(signo)) !== 0n;
    if (ignored) return signo === SIGTTIN ? -EIO : 0;
    if (this.#isOrphaned(process)) return -EIO;
    this.#kernel.signals.sendToGroup(process.group, { signo, code: 0x80 });
    return -ERESTARTSYS;
  }

  /** No member of the group has a parent in another group of the session who could continue it. */
  #isOrphaned(process: Process): boolean {
    for (const member of this.#kernel.processes.values()) {
      if (member.group !== process.group || member.isZombie) continue;
      if (member.parent === undefined) return false; // the host's shell is its parent
      if (member.parent.group !== member.group && member.parent.session === member.session) return false;
    }
    return true;
  }

  /** From the keyboard. */
  keyboardSignal(signo: number): void {
    this.#kernel.signals.sendToGroup(this.#foreground, { signo, code: 0x80 });
  }

  /** When the first process' own job stops, the emulator stops like it. */
  processStopped(process: Process): void {
    const { init } = this.#kernel;
    if (init === undefined || process.group !== init.group || process !== init) return;
    if (process.stopSignal === SIGTSTP || process.stopSignal === SIGTTIN || process.stopSignal === SIGTTOU) {
      this.#kernel.onInitStopped(process.stopSignal);
    }
  }

  processEnded(process: Process): void {
    if (process.session !== process.pid || this.#session !== process.session) return;
    const group = this.#foreground;
    this.#session = 0;
    this.#kernel.signals.sendToGroup(group, { signo: SIGHUP, code: 0x80 });
    this.#kernel.signals.sendToGroup(group, { signo: SIGCONT, code: 0x80 });
  }
}
