// SPDX-License-Identifier: MIT
//
// epoll over everything that can be polled.
import { EEXIST, EINVAL, ELOOP, ENOENT, EPERM } from '../abi/errno.ts';
import { POLLERR, POLLHUP, POLLIN } from '../abi/files.ts';
import type { HostStat } from '../host-os.ts';
import type { HostInterest, WaitQueue } from '../waiting.ts';
import { OpenFile, anonymousStat, type Interest } from './open-file.ts';

export const EPOLLEXCLUSIVE = 1 << 28;
export const EPOLLWAKEUP = 1 << 29;
export const EPOLLONESHOT = 1 << 30;
export const EPOLLET = 1 << 31;
const EVENT_BITS = 0xffff;

interface Entry {
  readonly file: OpenFile;
  readonly fd: number;
  events: number;
  data: bigint;
  /** Edge-triggered: what was reported and has not gone away since. */
  reported: number;
  disabled: boolean;
  readonly forget: () => void;
}

export interface EpollEvent {
  readonly events: number;
  readonly data: bigint;
}

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const DEPTH = 5;

export class Epoll extends OpenFile {
  readonly #entries = new Map<string, Entry>();
  readonly #stat = anonymousStat(0o600);
  static #nextKey = 1;
  static readonly #keys = new WeakMap<OpenFile, number>();

  constructor(flags: number) {
    super(flags, 'anon_inode:[eventpoll]');
  }

  stat(): HostStat {
    return this.#stat;
  }

  static #key(fd: number, file: OpenFile): string {
    let key = Epoll.#keys.get(file);
    if (key === undefined) Epoll.#keys.set(file, (key = Epoll.#nextKey++));
    return `${fd}:${key}`;
  }

  control(operation: number, fd: number, file: OpenFile, event: EpollEvent | undefined): number {
    if (file === this) return -EINVAL;
    const key = Epoll.#key(fd, file);
    const entry = this.#entries.get(key);
    switch (operation) {
      case EPOLL_CTL_ADD: {
        if (entry !== undefined) return -EEXIST;
        if (file.interest(POLLIN) === undefined) return -EPERM;
        if (file instanceof Epoll && file.#reaches(this, DEPTH)) return -ELOOP;
        const forget = (): void => void this.#entries.delete(key);
        file.onClose.add(forget);
        this.#entries.set(key, { file, fd, ...event!, reported: 0, disabled: false, forget });
        return 0;
      }
      case EPOLL_CTL_DEL:
        if (entry === undefined) return -ENOENT;
        this.#remove(key, entry);
        return 0;
      case EPOLL_CTL_MOD:
        if (entry === undefined) return -ENOENT;
        Object.assign(entry, event, { reported: 0, disabled: false });
        return 0;
      default:
        return -EINVAL;
    }
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key);
    entry.file.onClose.delete(entry.forget);
  }

  #reaches(target: Epoll, depth: number): boolean {
    if (this === target || depth === 0) return true;
    for (const { file } of this.#entries.values()) {
      if (file instanceof Epoll && file.#reaches(target, depth - 1)) return true;
    }
    return false;
  }

  /** Events that hold now; with `consume`, edges and one-shots are spent. */
  collect(most: number, consume: boolean): EpollEvent[] {
    const found: EpollEvent[] = [];
    for (const [key, entry] of [...this.#entries]) {
      if (entry.disabled) continue;
      const wanted = (entry.events & EVENT_BITS) | POLLERR | POLLHUP;
      const ready = entry.file.poll(wanted) & wanted;
      const fresh = (entry.events & EPOLLET) !== 0 ? ready & ~entry.reported : ready;
      if ((entry.events & EPOLLET) !== 0) entry.reported &= ready;
      if (fresh === 0) continue;
      found.push({ events: ready, data: entry.data });
      if (consume) {
        if ((entry.events & EPOLLET) !== 0) entry.reported = ready;
        if ((entry.events & EPOLLONESHOT) !== 0) entry.disabled = true;
        // Later ones get their turn when there are more than asked for.
        this.#entries.delete(key);
        this.#entries.set(key, entry);
      }
      if (found.length === most) break;
    }
    return found;
  }

  override poll(): number {
    return this.collect(1, false).length > 0 ? POLLIN : 0;
  }

  /** Everything that may make an event. */
  interests(): { queues: WaitQueue[]; host: HostInterest[] } {
    const queues: WaitQueue[] = [];
    const host: HostInterest[] = [];
    this.#gather(queues, host, DEPTH);
    return { queues, host };
  }

  #gather(queues: WaitQueue[], host: HostInterest[], depth: number): void {
    for (const entry of this.#entries.values()) {
      if (entry.disabled) continue;
      if (entry.file instanceof Epoll) {
        if (depth > 0) entry.file.#gather(queues, host, depth - 1);
        continue;
      }
      const interest = entry.file.interest(entry.events & EVENT_BITS & ~entry.reported);
      if (interest?.queue !== undefined) queues.push(interest.queue);
      if (interest?.host !== undefined && (interest.host.events !== 0 || entry.reported === 0))
        host.push(interest.host);
    }
  }

  /** For poll on the epoll descriptor itself; see interests(). */
  override interest(): Interest {
    return {};
  }

  protected override close(): void {
    for (const [key, entry] of this.#entries) this.#remove(key, entry);
  }
}
