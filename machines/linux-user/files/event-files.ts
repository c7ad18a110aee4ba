// SPDX-License-Identifier: MIT
//
// Descriptors that are events: eventfd, timerfd and signalfd.
import { EAGAIN, EINVAL } from '../abi/errno.ts';
import { POLLIN, POLLOUT } from '../abi/files.ts';
import type { HostStat } from '../host-os.ts';
import type { Task } from '../process/process.ts';
import { SIGNALFD_INFO_SIZE, encodeSignalfdInfo } from '../process/siginfo.ts';
import type { SigInfo } from '../process/siginfo.ts';
import { type Timer, WaitQueue } from '../waiting.ts';
import { OpenFile, anonymousStat, type Interest } from './open-file.ts';

const MOST = 0xffff_ffff_ffff_fffen;

abstract class EventFile extends OpenFile {
  readonly queue = new WaitQueue();
  readonly #stat = anonymousStat(0o600);

  override interest(): Interest {
    return { queue: this.queue };
  }

  stat(): HostStat {
    return this.#stat;
  }
}

function putU64(bytes: Uint8Array, value: bigint): void {
  new DataView(bytes.buffer, bytes.byteOffset, 8).setBigUint64(0, value, true);
}

export class EventFd extends EventFile {
  #count: bigint;
  readonly #semaphore: boolean;

  constructor(initial: number, semaphore: boolean, flags: number) {
    super(flags, 'anon_inode:[eventfd]');
    this.#count = BigInt(initial);
    this.#semaphore = semaphore;
  }

  override read(bytes: Uint8Array): number {
    if (bytes.length < 8) return -EINVAL;
    if (this.#count === 0n) return -EAGAIN;
    const taken = this.#semaphore ? 1n : this.#count;
    this.#count -= taken;
    putU64(bytes, taken);
    this.queue.wake();
    return 8;
  }

  override write(bytes: Uint8Array): number {
    if (bytes.length < 8) return -EINVAL;
    const value = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
    if (value > MOST) return -EINVAL;
    if (this.#count + value > MOST) return -EAGAIN;
    this.#count += value;
    this.queue.wake();
    return 8;
  }

  override poll(): number {
    return (this.#count > 0n ? POLLIN : 0) | (this.#count < MOST ? POLLOUT : 0);
  }
}

export interface TimerHost {
  /** Now on the timer's clock, in nanoseconds. */
  now(): number;
  schedule(inNs: number, callback: () => void): Timer;
}

export class TimerFd extends EventFile {
  readonly clock: number;
  readonly #host: TimerHost;
  #expirations = 0n;
  #intervalNs = 0;
  #expiresNs = 0;
  #timer: Timer | undefined;

  constructor(clock: number, host: TimerHost, flags: number) {
    super(flags, 'anon_inode:[timerfd]');
    this.clock = clock;
    this.#host = host;
  }

  override read(bytes: Uint8Array): number {
    if (bytes.length < 8) return -EINVAL;
    if (this.#expirations === 0n) return -EAGAIN;
    putU64(bytes, this.#expirations);
    this.#expirations = 0n;
    return 8;
  }

  override poll(): number {
    return this.#expirations > 0n ? POLLIN : 0;
  }

  /** Interval and time left, in nanoseconds. */
  get(): [number, number] {
    return [this.#intervalNs, this.#expiresNs === 0 ? 0 : Math.max(1, this.#expiresNs - this.#host.now())];
  }

  set(intervalNs: number, valueNs: number, absolute: boolean): void {
    if (this.#timer !== undefined) this.#timer.cancelled = true;
    this.#timer = undefined;
    this.#expirations = 0n;
    this.#intervalNs = intervalNs;
    this.#expiresNs = valueNs === 0 ? 0 : absolute ? valueNs : this.#host.now() + valueNs;
    if (this.#expiresNs !== 0) this.#arm();
  }

  #arm(): void {
    this.#timer = this.#host.schedule(this.#expiresNs - this.#host.now(), () => this.#expire());
  }

  #expire(): void {
    const late = this.#host.now() - this.#expiresNs;
    if (late < 0) return this.#arm();
    if (this.#intervalNs > 0) {
      const periods = 1 + Math.floor(late / this.#intervalNs);
      this.#expirations += BigInt(periods);
      this.#expiresNs += periods * this.#intervalNs;
      this.#arm();
    } else {
      this.#expirations += 1n;
      this.#expiresNs = 0;
      this.#timer = undefined;
    }
    this.queue.wake();
  }

  protected override close(): void {
    if (this.#timer !== undefined) this.#timer.cancelled = true;
  }
}

export interface SignalSource {
  /** Takes a pending signal of the set from the reader's thread or process. */
  take(task: Task, wanted: bigint): SigInfo | undefined;
  /** What is pending for whoever asks. */
  pending(): bigint;
  readonly queue: WaitQueue;
}

export class SignalFd extends EventFile {
  mask: bigint;
  readonly #source: SignalSource;

  constructor(mask: bigint, source: SignalSource, flags: number) {
    super(flags, 'anon_inode:[signalfd]');
    this.mask = mask;
    this.#source = source;
  }

  override read(bytes: Uint8Array, task: Task): number {
    if (bytes.length < SIGNALFD_INFO_SIZE) return -EINVAL;
    let done = 0;
    while (done + SIGNALFD_INFO_SIZE <= bytes.length) {
      const info = this.#source.take(task, this.mask);
      if (info === undefined) break;
      bytes.set(encodeSignalfdInfo(info), done);
      done += SIGNALFD_INFO_SIZE;
    }
    return done === 0 ? -EAGAIN : done;
  }

  override poll(): number {
    return (this.#source.pending() & this.mask) !== 0n ? POLLIN : 0;
  }

  override interest(): Interest {
    return { queue: this.#source.queue };
  }
}
