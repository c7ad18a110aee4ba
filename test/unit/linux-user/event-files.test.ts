// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { EAGAIN, EEXIST, ELOOP, ENOENT } from '../../../machines/linux-user/abi/errno.ts';
import { POLLIN, POLLOUT } from '../../../machines/linux-user/abi/files.ts';
import { EPOLLET, EPOLLONESHOT, Epoll } from '../../../machines/linux-user/files/epoll.ts';
import { EventFd, TimerFd } from '../../../machines/linux-user/files/event-files.ts';
import { FdTable } from '../../../machines/linux-user/files/fd-table.ts';
import { TimerList } from '../../../machines/linux-user/waiting.ts';

const u64 = (value: bigint): Uint8Array => new Uint8Array(new BigUint64Array([value]).buffer);
const taken = (file: EventFd | TimerFd): bigint | number => {
  const bytes = new Uint8Array(8);
  const result = file instanceof EventFd ? file.read(bytes) : file.read(bytes);
  return result < 0 ? result : new DataView(bytes.buffer).getBigUint64(0, true);
};

describe('EventFd', () => {
  it('adds up and empties, or counts down as a semaphore', () => {
    const plain = new EventFd(0, false, 2);
    expect(taken(plain)).toBe(-EAGAIN);
    plain.write(u64(5n));
    plain.write(u64(7n));
    expect(plain.poll()).toBe(POLLIN | POLLOUT);
    expect(taken(plain)).toBe(12n);
    expect(plain.poll()).toBe(POLLOUT);
    const semaphore = new EventFd(2, true, 2);
    expect([taken(semaphore), taken(semaphore), taken(semaphore)]).toEqual([1n, 1n, -EAGAIN]);
  });

  it('refuses to overflow', () => {
    const file = new EventFd(0, false, 2);
    expect(file.write(u64(0xffff_ffff_ffff_fffen))).toBe(8);
    expect(file.write(u64(1n))).toBe(-EAGAIN);
    expect(file.poll()).toBe(POLLIN);
  });
});

describe('TimerFd', () => {
  it('counts expirations, also missed ones', () => {
    const timers = new TimerList();
    let now = 1000;
    const file = new TimerFd(1, { now: () => now, schedule: (ns, run) => timers.add(now + ns, run) }, 2);
    file.set(10, 100, false);
    now = 1099;
    timers.run(now);
    expect(taken(file)).toBe(-EAGAIN);
    now = 1135;
    timers.run(now);
    expect(taken(file)).toBe(4n);
    expect(file.get()).toEqual([10, 5]);
    file.set(0, 0, false);
    now = 5000;
    timers.run(now);
    expect(file.poll()).toBe(0);
  });
});

describe('Epoll', () => {
  it('reports levels, edges and one-shots', () => {
    const epoll = new Epoll(2);
    const file = new EventFd(0, false, 2);
    expect(epoll.control(1, 4, file, { events: POLLIN, data: 11n })).toBe(0);
    expect(epoll.control(1, 4, file, { events: POLLIN, data: 11n })).toBe(-EEXIST);
    expect(epoll.collect(8, true)).toEqual([]);
    file.write(u64(1n));
    expect(epoll.collect(8, true)).toEqual([{ events: POLLIN, data: 11n }]);
    expect(epoll.collect(8, true)).toHaveLength(1);
    epoll.control(3, 4, file, { events: POLLIN | EPOLLET, data: 12n });
    expect([epoll.collect(8, true).length, epoll.collect(8, true).length]).toEqual([1, 0]);
    taken(file);
    epoll.collect(8, true);
    file.write(u64(1n));
    expect(epoll.collect(8, true)).toHaveLength(1);
    epoll.control(3, 4, file, { events: POLLIN | EPOLLONESHOT, data: 13n });
    expect([epoll.collect(8, true).length, epoll.collect(8, true).length]).toEqual([1, 0]);
    expect(epoll.control(2, 4, file, undefined)).toBe(0);
    expect(epoll.control(2, 4, file, undefined)).toBe(-ENOENT);
  });

  it('refuses to watch itself in a circle and forgets closed files', () => {
    const [a, b] = [new Epoll(2).retain(), new Epoll(2).retain()];
    expect(a.control(1, 5, b, { events: POLLIN, data: 0n })).toBe(0);
    expect(b.control(1, 6, a, { events: POLLIN, data: 0n })).toBe(-ELOOP);
    const file = new EventFd(1, false, 2).retain();
    a.control(1, 7, file, { events: POLLIN, data: 1n });
    expect(a.collect(8, false)).toHaveLength(1);
    file.release();
    expect(a.collect(8, false)).toHaveLength(0);
  });
});

describe('FdTable', () => {
  it('uses the lowest free number up to the limit', () => {
    const table = new FdTable();
    const file = new EventFd(0, false, 2).retain();
    expect([
      table.add(file, false, 3),
      table.add(file, true, 3),
      table.add(file, false, 3),
      table.add(file, false, 3),
    ]).toEqual([0, 1, 2, -24]);
    table.close(1);
    expect(table.add(file, true, 3)).toBe(1);
    const copy = table.clone();
    copy.closeOnExec();
    expect([...copy.entries()].map(([fd]) => fd)).toEqual([0, 2]);
    table.closeAll();
    copy.closeAll();
    expect(file.references).toBe(1);
  });
});

describe('TimerList', () => {
  it('calls in order of time and not what was cancelled', () => {
    const timers = new TimerList();
    const seen: number[] = [];
    for (const at of [50, 10, 40, 20, 30]) timers.add(at, () => seen.push(at));
    timers.add(25, () => seen.push(-1)).cancelled = true;
    timers.run(35);
    expect(seen).toEqual([10, 20, 30]);
    expect(timers.next).toBe(40);
    timers.run(100);
    expect([seen.slice(3), timers.next]).toEqual([[40, 50], Infinity]);
  });
});
