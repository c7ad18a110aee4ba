// SPDX-License-Identifier: MIT
//
// System V shared memory.
import { EACCES, EFAULT, EINVAL, ENOMEM, EPERM } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { PAGE_SIZE, pageCeil, vaFromBig, vaToBig } from '../memory/address.ts';
import { AddressSpace } from '../memory/address-space.ts';
import type { SharedPages } from '../memory/page-cache.ts';
import type { Task } from '../process/process.ts';
import type { SysResult } from '../waiting.ts';
import type { Handler, SyscallArguments } from './arguments.ts';
import {
  IPC_64,
  IPC_INFO,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  type IpcObject,
  IpcTable,
  permBytes,
  READ,
  WRITE,
  writeInts,
  writeView,
} from './ipc-table.ts';
import { place, SHMLBA } from './memory-calls.ts';

const SHMMNI = 4096; // segments

const SHM_LOCK = 11;
const SHM_UNLOCK = 12;
const SHM_STAT = 13;
const SHM_INFO = 14;
const SHM_STAT_ANY = 15;

const SHM_RDONLY = 0o10000;
const SHM_RND = 0o20000;
const SHM_REMAP = 0o40000;
/** In the mode: removed, and gone with its last attachment. */
const SHM_DEST = 0o1000;

interface Segment extends IpcObject {
  readonly size: number;
  readonly pages: SharedPages;
  readonly creator: number;
  lastPid: number;
  attached: number;
  detached: number;
  /** IPC_RMID was said; its key is free again. */
  doomed: boolean;
}

export function sharedMemoryCalls(kernel: Kernel): Record<string, Handler> {
  const segments = new IpcTable<Segment>(kernel, SHMMNI);

  function shmget(task: Task, args: SyscallArguments): number {
    const size = args.size(1);
    return segments.get(
      task,
      args.int(0),
      args.int(2),
      (segment) => (size > segment.size ? -EINVAL : 0),
      (base) => {
        if (size === 0 || size > kernel.pool.totalPages * PAGE_SIZE) return -EINVAL;
        const pages = kernel.cache.anonymous(pageCeil(size));
        pages.use();
        const { pid } = task.process;
        return { ...base, size, pages, creator: pid, lastPid: 0, attached: 0, detached: 0, doomed: false };
      },
    );
  }

  /** A doomed segment has gone with its last attachment, at whichever unmapping, execve or end of a process that was. */
  function find(id: number): Segment | number {
    const segment = segments.find(id);
    if (typeof segment === 'number' || !segment.doomed || segment.pages.users > 0) return segment;
    segments.delete(segment);
    return -EINVAL;
  }

  /** How often it is attached, not counting the table's own use. */
  const attachments = (segment: Segment): number => segment.pages.users - (segment.doomed ? 0 : 1);

  function shmat(task: Task, args: SyscallArguments): SysResult {
    const segment = find(args.int(0));
    if (typeof segment === 'number') return segment;
    const flags = args.int(2);
    const readOnly = (flags & SHM_RDONLY) !== 0;
    if (!segments.allows(task, segment, readOnly ? READ : READ | WRITE)) return -EACCES;
    let hint = args.raw(1) === 0n ? 0 : vaFromBig(args.raw(1));
    if ((flags & SHM_RND) !== 0) hint -= hint % SHMLBA;
    if (hint % PAGE_SIZE !== 0) return -EINVAL;
    const length = pageCeil(segment.size);
    const { space, pid } = task.process;
    const start = hint === 0 ? place(space, length, 0, true) : hint;
    if (start === undefined || !AddressSpace.isUserRange(start, start + length)) return -ENOMEM;
    if ((flags & SHM_REMAP) === 0 && !space.isFree(start, start + length)) return -EINVAL;
    const error = space.map({
      start,
      end: start + length,
      prot: readOnly ? 1 : 3,
      shared: true,
      mayWrite: !readOnly,
      pages: segment.pages,
      name: `/SYSV${(segment.key >>> 0).toString(16).padStart(8, '0')} (deleted)`,
    });
    if (error < 0) return error;
    segment.attached = segments.now();
    segment.lastPid = pid;
    return vaToBig(start);
  }

  function shmdt(task: Task, args: SyscallArguments): number {
    const { space, pid } = task.process;
    const start = vaFromBig(args.raw(0));
    const area = space.areaAt(start);
    const segment = segments.objects.find(({ pages }) => pages === area?.pages);
    if (segment === undefined || area?.start !== start) return -EINVAL;
    segment.detached = segments.now();
    segment.lastPid = pid;
    space.unmap(start, start + pageCeil(segment.size));
    return 0;
  }

  function shmctl(task: Task, args: SyscallArguments): SysResult {
    const command = args.int(1) & ~IPC_64;
    const va = args.pointer(2);
    if (command === IPC_INFO || command === SHM_INFO) return info(task, command, va);
    const segment = command === SHM_STAT || command === SHM_STAT_ANY ? segments.at(args.int(0)) : find(args.int(0));
    if (typeof segment === 'number') return segment;
    switch (command) {
      case IPC_RMID:
        if (!segments.owns(task, segment)) return -EPERM;
        if (segment.doomed) return 0;
        segment.doomed = true;
        segment.key = 0;
        segment.pages.unuse();
        if (segment.pages.users === 0) segments.delete(segment);
        return 0;
      case IPC_SET:
        return segments.set(task, segment, va);
      case IPC_STAT:
      case SHM_STAT:
      case SHM_STAT_ANY:
        if (command !== SHM_STAT_ANY && !segments.allows(task, segment, READ)) return -EACCES;
        return stat(task, segment, va, command === IPC_STAT ? 0 : segment.id);
      case SHM_LOCK:
      case SHM_UNLOCK:
        return segments.owns(task, segment) ? 0 : -EPERM;
      default:
        return -EINVAL;
    }
  }

  /** struct shmid64_ds. */
  function stat(task: Task, segment: Segment, va: number, result: number): number {
    const view = permBytes(segment, 112, segment.doomed ? SHM_DEST : 0);
    const { size, attached, detached, changed } = segment;
    [size, attached, detached, changed].forEach((value, index) => {
      view.setBigUint64(48 + index * 8, BigInt(value), true);
    });
    view.setInt32(80, segment.creator, true);
    view.setInt32(84, segment.lastPid, true);
    view.setBigUint64(88, BigInt(attachments(segment)), true);
    return writeView(task, va, view) < 0 ? -EFAULT : result;
  }

  /** struct shminfo64 (longs: most and least bytes, segments, of a process, pages), or struct shm_info. */
  function info(task: Task, command: number, va: number): number {
    const { objects } = segments;
    const pages = objects.reduce((sum, { size }) => sum + pageCeil(size) / PAGE_SIZE, 0);
    const most = kernel.pool.totalPages;
    const longs = (values: readonly number[]): number[] => values.flatMap((value) => [value, 0]);
    const values =
      command === SHM_INFO
        ? [objects.length, 0, ...longs([pages, pages, 0, 0, 0])]
        : longs([most * PAGE_SIZE, 1, SHMMNI, SHMMNI, most, 0, 0, 0, 0]);
    return writeInts(task, va, values) < 0 ? -EFAULT : segments.highest;
  }

  return { shmget, shmat, shmdt, shmctl };
}
