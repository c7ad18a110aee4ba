// SPDX-License-Identifier: MIT
//
// How a call sleeps. A call that may have to wait is a generator; it yields what it waits for and goes on with the
// reason it was woken. Wake-ups can be spurious: whoever waits looks again.

export type WakeReason = 'woken' | 'timeout' | 'signal';

export interface HostInterest {
  readonly fd: number;
  /** POLLIN, POLLOUT … */
  readonly events: number;
}

export interface Wait {
  readonly queues?: readonly WaitQueue[];
  readonly host?: readonly HostInterest[];
  /** Monotonic nanoseconds. */
  readonly deadline?: number;
  /** Only SIGKILL ends it early. */
  readonly killableOnly?: boolean;
}

export type SysResult = number | bigint | symbol;
export type Call = Generator<Wait, SysResult, WakeReason>;
/** The registers are already as they shall be. */
export const NO_RESULT = Symbol('no result');

export class WaitQueue {
  readonly #wakers = new Set<() => void>();

  add(waker: () => void): void {
    this.#wakers.add(waker);
  }

  remove(waker: () => void): void {
    this.#wakers.delete(waker);
  }

  get isEmpty(): boolean {
    return this.#wakers.size === 0;
  }

  wake(): void {
    if (this.#wakers.size === 0) return;
    for (const waker of [...this.#wakers]) waker();
  }
}

/** Timers in order of time; the callback learns how late it is called. */
export class TimerList {
  readonly #heap: Timer[] = [];

  add(deadline: number, callback: () => void): Timer {
    const timer = { deadline, callback, cancelled: false };
    this.#heap.push(timer);
    let index = this.#heap.length - 1;
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      if (this.#heap[parent]!.deadline <= deadline) break;
      this.#heap[index] = this.#heap[parent]!;
      index = parent;
    }
    this.#heap[index] = timer;
    return timer;
  }

  /** When the next one is due; Infinity when there is none. */
  get next(): number {
    while (this.#heap.length > 0 && this.#heap[0]!.cancelled) this.#pop();
    return this.#heap[0]?.deadline ?? Infinity;
  }

  run(now: number): void {
    while (this.next <= now) this.#pop().callback();
  }

  #pop(): Timer {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) {
      let index = 0;
      for (;;) {
        let child = index * 2 + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && heap[child + 1]!.deadline < heap[child]!.deadline) child++;
        if (heap[child]!.deadline >= last.deadline) break;
        heap[index] = heap[child]!;
        index = child;
      }
      heap[index] = last;
    }
    return first;
  }
}

export interface Timer {
  readonly deadline: number;
  readonly callback: () => void;
  cancelled: boolean;
}
