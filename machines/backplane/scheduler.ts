// SPDX-License-Identifier: MIT
import type { PlainFields } from './device.ts';
import { SnapshotError } from './device.ts';

/** Called when a task is due; `late` is how many master ticks ago it was due (0 or more). */
export type TaskCallback = (late: number) => void;

/** Something that happens once at a set time. Created once by its device; `schedule` it again from its callback. */
export class Task {
  readonly name: string;
  readonly #scheduler: Scheduler;
  readonly #callback: TaskCallback;
  /** @internal */ next: Task | undefined;
  /** @internal Absolute master tick; meaningful while scheduled. */ when = 0;
  #scheduled = false;

  /** @internal Use {@link Scheduler.task}. */
  constructor(scheduler: Scheduler, name: string, callback: TaskCallback) {
    this.#scheduler = scheduler;
    this.name = name;
    this.#callback = callback;
  }

  get scheduled(): boolean {
    return this.#scheduled;
  }

  /** Due in `ticks` master ticks from now; moves the task if it is already scheduled. Negative counts as 0. */
  schedule(ticks: number): void {
    this.cancel();
    this.when = this.#scheduler.now + Math.max(0, Math.ceil(ticks));
    this.#scheduled = true;
    this.#scheduler.insert(this);
  }

  cancel(): void {
    if (!this.#scheduled) return;
    this.#scheduled = false;
    this.#scheduler.unlink(this);
  }

  /** Master ticks until the task is due, or -1 while it is not scheduled. This is what a device saves. */
  get remaining(): number {
    return this.#scheduled ? Math.max(0, this.when - this.#scheduler.now) : -1;
  }

  /** The counterpart of {@link remaining} in `Device.restore`. */
  restore(remaining: number): void {
    if (!Number.isSafeInteger(remaining) || remaining < -1) {
      throw new SnapshotError(`task ${this.name}: due in ${remaining} ticks`);
    }
    if (remaining < 0) this.cancel();
    else this.schedule(remaining);
  }

  /** @internal */
  fire(late: number): void {
    this.#scheduled = false;
    this.#callback(late);
  }
}

/** The running CPU's part of "now", and where to tell it that something is due earlier than it was told. */
export interface SliceClock {
  /** Master ticks since the slice began. */
  elapsed(): number;
  /** Something is due `ticks` after the slice's beginning; run no further than that. */
  pullIn(ticks: number): void;
  /** The CPU's bus holds it for `ticks` in the middle of an access. */
  stall?(ticks: number): void;
}

/**
 * Virtual time of one machine, in integer master ticks (exact to 2^53), and what is due when.
 * Tasks due at the same tick fire in the order they were scheduled.
 */
export class Scheduler {
  /** Master ticks per second of virtual time. */
  readonly masterHz: number;
  #sliceStart = 0;
  #slice: SliceClock | undefined;
  #first: Task | undefined;

  constructor(masterHz: number) {
    if (!Number.isSafeInteger(masterHz) || masterHz <= 0) throw new RangeError(`masterHz ${masterHz}`);
    this.masterHz = masterHz;
  }

  /** Master ticks since power-on. */
  get now(): number {
    return this.#sliceStart + (this.#slice?.elapsed() ?? 0);
  }

  task(name: string, callback: TaskCallback): Task {
    return new Task(this, name, callback);
  }

  /** A crystal of `hz` hertz that divides this machine's time. */
  clock(name: string, hz: number): ClockDomain {
    return new ClockDomain(this, name, hz);
  }

  /** Master ticks in `ns` nanoseconds, rounded up. */
  ns(ns: number): number {
    return Math.ceil((ns * this.masterHz) / 1e9);
  }

  /** Master ticks until the first task is due (0 when it is overdue), or `Infinity`. */
  get headroom(): number {
    return this.#first === undefined ? Infinity : Math.max(0, this.#first.when - this.now);
  }

  /** Begins a slice: until {@link endSlice}, `now` includes what `slice` says has elapsed. */
  beginSlice(slice: SliceClock): void {
    this.#slice = slice;
  }

  endSlice(): void {
    this.#sliceStart += this.#slice?.elapsed() ?? 0;
    this.#slice = undefined;
  }

  /** Lets virtual time pass with nothing executed: an idle CPU, or a host that was too slow. */
  skip(ticks: number): void {
    this.#sliceStart += ticks;
  }

  /** Holds the CPU in its present access for `ticks`; what falls due meanwhile happens right after the access. */
  hold(ticks: number): void {
    this.#slice?.stall?.(ticks);
  }

  /**
   * Holds the CPU in its present access until `ready`, for at most `mostTicks`; what falls due meanwhile happens.
   * Returns whether it became ready. For devices that answer an access late.
   */
  holdUntil(ready: () => boolean, mostTicks: number): boolean {
    const end = this.now + mostTicks;
    while (!ready()) {
      const left = end - this.now;
      if (left <= 0) return false;
      const ticks = Math.min(left, this.headroom);
      if (this.#slice === undefined) this.#sliceStart += ticks;
      else if (this.#slice.stall === undefined) return false;
      else this.#slice.stall(ticks);
      this.runDue();
    }
    return true;
  }

  /** Fires everything that is due. A task scheduled for now from a callback fires in the same call. */
  runDue(): void {
    for (let task = this.#first; task !== undefined && task.when <= this.now; task = this.#first) {
      this.#first = task.next;
      task.next = undefined;
      task.fire(this.now - task.when);
    }
  }

  /** @internal */
  insert(task: Task): void {
    let previous: Task | undefined;
    let following = this.#first;
    while (following !== undefined && following.when <= task.when) {
      previous = following;
      following = following.next;
    }
    task.next = following;
    if (previous !== undefined) {
      previous.next = task;
      return;
    }
    this.#first = task;
    this.#slice?.pullIn(task.when - this.#sliceStart);
  }

  /** @internal */
  unlink(task: Task): void {
    if (this.#first === task) {
      this.#first = task.next;
    } else {
      let previous = this.#first;
      while (previous !== undefined && previous.next !== task) previous = previous.next;
      if (previous !== undefined) previous.next = task.next;
    }
    task.next = undefined;
  }

  /** The scheduled tasks' names, soonest first; for diagnostics. */
  pending(): { name: string; in: number }[] {
    const list = [];
    for (let task = this.#first; task !== undefined; task = task.next) {
      list.push({ name: task.name, in: task.when - this.now });
    }
    return list;
  }

  save(): PlainFields {
    return { masterHz: this.masterHz, now: this.now };
  }

  /** Sets the time; devices re-arm their own tasks after this. */
  restore(state: PlainFields): void {
    if (state['masterHz'] !== this.masterHz) {
      throw new SnapshotError(`time base is ${String(state['masterHz'])} Hz, this machine's is ${this.masterHz}`);
    }
    const now = state['now'];
    if (typeof now !== 'number' || !Number.isSafeInteger(now) || now < 0) throw new SnapshotError('bad time');
    while (this.#first !== undefined) this.#first.cancel();
    this.#sliceStart = now;
  }
}

/**
 * A crystal. Converts between its own ticks and the machine's exactly: rational arithmetic with a remainder, never a
 * product of absolute time, so nothing drifts.
 */
export class ClockDomain {
  readonly name: string;
  readonly hz: number;
  readonly scheduler: Scheduler;
  readonly #multiply: number;
  readonly #divide: number;
  #atMaster = 0;
  #atTicks = 0;
  #remainder = 0;

  constructor(scheduler: Scheduler, name: string, hz: number) {
    if (!Number.isSafeInteger(hz) || hz <= 0) throw new RangeError(`${name}: ${hz} Hz`);
    this.scheduler = scheduler;
    this.name = name;
    this.hz = hz;
    const divisor = gcd(hz, scheduler.masterHz);
    this.#multiply = hz / divisor;
    this.#divide = scheduler.masterHz / divisor;
  }

  /** This crystal's ticks since power-on. */
  get ticks(): number {
    const now = this.scheduler.now;
    const elapsed = now - this.#atMaster;
    if (elapsed < 0) {
      // Time was set back by a restore: start again from zero.
      this.#atMaster = this.#atTicks = this.#remainder = 0;
      return this.ticks;
    }
    const part = (elapsed % this.#divide) * this.#multiply + this.#remainder;
    this.#atTicks += Math.floor(elapsed / this.#divide) * this.#multiply + Math.floor(part / this.#divide);
    this.#remainder = part % this.#divide;
    this.#atMaster = now;
    return this.#atTicks;
  }

  /** Master ticks from now until this crystal has ticked `ticks` more times (at least 1 for a positive count). */
  masterTicks(ticks: number): number {
    if (ticks <= 0) return 0;
    void this.ticks; // brings the remainder up to now
    const whole = Math.floor(ticks / this.#multiply);
    const rest = (ticks % this.#multiply) * this.#divide - this.#remainder;
    return whole * this.#divide + Math.ceil(rest / this.#multiply);
  }
}

function gcd(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
