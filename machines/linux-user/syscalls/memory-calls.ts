// SPDX-License-Identifier: MIT
//
// Memory: mmap and its relatives, brk.
import { EACCES, EBADF, EFAULT, EINVAL, ENODEV, ENOMEM, EPERM } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import {
  BAD_VA,
  PAGE_SIZE,
  REGION_LIMIT,
  TASK_SIZE,
  pageCeil,
  pageFloor,
  regionOffset,
  vaFromBig,
  vaToBig,
} from '../memory/address.ts';
import { AddressSpace, PROT_WRITE, type Area } from '../memory/address-space.ts';
import type { SharedPages } from '../memory/page-cache.ts';
import type { Task } from '../process/process.ts';
import type { SysResult } from '../waiting.ts';
import type { Handler, SyscallArguments } from './arguments.ts';

const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_SHARED_VALIDATE = 0x03;
const MAP_TYPE = 0x0f;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_GROWSDOWN = 0x0100;
const MAP_GROWSUP = 0x0200;
const MAP_NORESERVE = 0x4000;
const MAP_FIXED_NOREPLACE = 0x10_0000;
const PROT_MASK = 7;
const PROT_GROWSDOWN = 0x0100_0000;
const PROT_GROWSUP = 0x0200_0000;
const MREMAP_MAYMOVE = 1;
const MREMAP_FIXED = 2;
/** Shared mappings are put at multiples of this. */
export const SHMLBA = 1024 * 1024;
const MAX_AREAS = 65530;

/** Where a mapping goes: at `hint` when that is free; shared ones at multiples of {@link SHMLBA}. */
export function place(space: AddressSpace, length: number, hint: number, shared: boolean): number | undefined {
  const wanted = hint === BAD_VA ? 0 : pageFloor(hint);
  if (wanted !== 0 && AddressSpace.isUserRange(wanted, wanted + length) && space.isFree(wanted, wanted + length)) {
    return wanted;
  }
  if (!shared) return space.findFree(length, 0);
  const start = space.findFree(length + SHMLBA - PAGE_SIZE, 0);
  return start === undefined ? space.findFree(length, 0) : Math.ceil(start / SHMLBA) * SHMLBA;
}

export function memoryCalls(kernel: Kernel): Record<string, Handler> {
  const { cache } = kernel;

  function mmap(task: Task, args: SyscallArguments, offset: number): SysResult {
    const { space, files } = task.process;
    const flags = args.int(3);
    const length = pageCeil(args.size(1));
    const prot = args.int(2) & PROT_MASK;
    const fixed = (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) !== 0;
    if (args.size(1) === 0) return -EINVAL;
    if (length > REGION_LIMIT) return -ENOMEM;
    if (offset % PAGE_SIZE !== 0 || offset < 0) return -EINVAL;
    const type = flags & MAP_TYPE;
    const shared = type === MAP_SHARED || type === MAP_SHARED_VALIDATE;
    if (!shared && type !== MAP_PRIVATE) return -EINVAL;
    const hint = args.raw(0) === 0n ? 0 : vaFromBig(args.raw(0));
    if (fixed) {
      if (hint % PAGE_SIZE !== 0) return -EINVAL;
      if (hint === BAD_VA || hint + length > TASK_SIZE || regionOffset(hint) + length > REGION_LIMIT) return -ENOMEM;
    }
    if (space.areas.length >= MAX_AREAS) return -ENOMEM;
    const reserve = (flags & MAP_NORESERVE) === 0 && prot !== 0;
    let pages: SharedPages | undefined;
    let mayWrite = true;
    let name = '';
    if ((flags & MAP_ANONYMOUS) === 0) {
      const file = files.get(args.int(4));
      if (file === undefined) return -EBADF;
      if (!file.canRead) return -EACCES;
      mayWrite = file.canWrite || !shared;
      if (shared && (prot & PROT_WRITE) !== 0 && !file.canWrite) return -EACCES;
      if (!space.hasRoom(length, false)) return -ENOMEM;
      if (file.path === '/dev/zero') {
        pages = shared ? cache.anonymous(length) : undefined;
        offset = 0;
      } else {
        if (file.identity === undefined) return -ENODEV;
        const mappable = file.mappable();
        if (typeof mappable === 'number') return mappable;
        mappable.retain();
        pages = cache.open(file.identity, mappable);
        mappable.release();
        name = file.path;
      }
    } else {
      if (!space.hasRoom(length, reserve)) return -ENOMEM;
      if (shared) {
        pages = cache.anonymous(length);
        name = '/dev/zero (deleted)';
      }
      offset = 0;
    }
    pages?.use();
    try {
      const start = fixed ? hint : place(space, length, hint, shared);
      if (start === undefined) return -ENOMEM;
      const grows = (flags & MAP_GROWSDOWN) !== 0 ? 'down' : (flags & MAP_GROWSUP) !== 0 ? 'up' : undefined;
      const reserved = (flags & MAP_NORESERVE) === 0;
      const area = {
        start,
        end: start + length,
        prot,
        shared,
        mayWrite,
        pages,
        offset,
        name,
        grows,
        reserved,
      } as const;
      const result = space.map(area, (flags & MAP_FIXED_NOREPLACE) !== 0);
      return result < 0 ? result : vaToBig(result);
    } finally {
      pages?.unuse();
    }
  }

  /** Start and end of a page range in arguments 0 and 1, or undefined. */
  function rangeOf(args: SyscallArguments): { start: number; end: number } | undefined {
    const start = vaFromBig(args.raw(0));
    const end = start + pageCeil(args.size(1));
    if (start % PAGE_SIZE !== 0 || start === BAD_VA) return undefined;
    return AddressSpace.isUserRange(start, end) ? { start, end } : undefined;
  }

  function mremap(task: Task, args: SyscallArguments): SysResult {
    const { space } = task.process;
    const old = vaFromBig(args.raw(0));
    const oldLength = pageCeil(args.size(1));
    const newLength = pageCeil(args.size(2));
    const flags = args.int(3);
    if (old % PAGE_SIZE !== 0 || newLength === 0 || (flags & ~7) !== 0) return -EINVAL;
    if ((flags & MREMAP_FIXED) !== 0 && (flags & MREMAP_MAYMOVE) === 0) return -EINVAL;
    if (old === BAD_VA || newLength > REGION_LIMIT) return -EINVAL;
    const area = space.areaAt(old);
    if (area === undefined || old >= TASK_SIZE) return -EFAULT;
    if (oldLength === 0) return -EINVAL; // duplicating shared mappings is not offered
    if (old + oldLength > area.end) return -EFAULT;
    if ((flags & MREMAP_FIXED) !== 0) {
      const target = vaFromBig(args.raw(4));
      if (target % PAGE_SIZE !== 0 || !AddressSpace.isUserRange(target, target + newLength)) return -EINVAL;
      if (target < old + oldLength && old < target + newLength) return -EINVAL;
      space.unmap(target, target + newLength);
      if (newLength < oldLength) space.unmap(old + newLength, old + oldLength);
      return moveTo(space, old, Math.min(oldLength, newLength), newLength, target);
    }
    if (newLength <= oldLength) {
      if (newLength < oldLength) space.unmap(old + newLength, old + oldLength);
      return vaToBig(old);
    }
    const more = newLength - oldLength;
    if (!space.hasRoom(more, true)) return -ENOMEM;
    if (
      old + oldLength === area.end &&
      AddressSpace.isUserRange(old, old + newLength) &&
      space.isFree(area.end, area.end + more)
    ) {
      extend(space, area, area.end, more);
      return vaToBig(old);
    }
    if ((flags & MREMAP_MAYMOVE) === 0) return -ENOMEM;
    const target = place(space, newLength, 0, area.shared);
    return target === undefined ? -ENOMEM : moveTo(space, old, oldLength, newLength, target);
  }

  function moveTo(space: AddressSpace, old: number, kept: number, length: number, target: number): SysResult {
    space.move(old, old + kept, target);
    if (length > kept) extend(space, space.areaAt(target + kept - 1)!, target + kept, length - kept);
    return vaToBig(target);
  }

  function extend(space: AddressSpace, area: Area, start: number, more: number): void {
    space.add({ ...area, start, end: start + more, offset: area.offset + (start - area.start) });
  }

  function msync(task: Task, args: SyscallArguments): number {
    const range = rangeOf(args);
    const flags = args.int(2);
    if (range === undefined || (flags & ~7) !== 0 || (flags & 5) === 5) return -EINVAL;
    const { space } = task.process;
    for (const area of space.areas) {
      if (area.end > range.start && area.start < range.end && area.shared) area.pages?.flush();
    }
    return space.isCovered(range.start, range.end) ? 0 : -ENOMEM;
  }

  function madvise(task: Task, args: SyscallArguments): number {
    const range = rangeOf(args);
    const advice = args.int(2);
    if (range === undefined) return -EINVAL;
    const { space } = task.process;
    const known = (advice >= 0 && advice <= 4) || (advice >= 8 && advice <= 25) || advice === 100 || advice === 101;
    if (!known || advice >= 100) return advice >= 100 ? -EPERM : -EINVAL;
    if (!space.isCovered(range.start, range.end)) return -ENOMEM;
    if (advice === 4) space.discard(range.start, range.end);
    if (advice === 8) {
      // MADV_FREE: at once, which it may.
      if (space.areas.some((area) => area.end > range.start && area.start < range.end && area.pages !== undefined))
        return -EINVAL;
      space.discard(range.start, range.end);
    }
    return 0;
  }

  return {
    mmap: (task, args) => mmap(task, args, args.long(5)),
    mmap2: (task, args) => mmap(task, args, args.long(5) * PAGE_SIZE),
    munmap: (task, args) => {
      const range = rangeOf(args);
      if (range === undefined || args.size(1) === 0) return -EINVAL;
      task.process.space.unmap(range.start, range.end);
      return 0;
    },
    mprotect: (task, args) => {
      const prot = args.int(2) & ~(PROT_GROWSDOWN | PROT_GROWSUP);
      if ((prot & ~PROT_MASK) !== 0) return -EINVAL;
      const start = vaFromBig(args.raw(0));
      if (start % PAGE_SIZE !== 0) return -EINVAL;
      if (args.size(1) === 0) return 0;
      const range = rangeOf(args);
      return range === undefined ? -ENOMEM : task.process.space.protect(range.start, range.end, prot);
    },
    pkey_mprotect: () => -EINVAL,
    mremap,
    msync,
    madvise,
    mincore: (task, args) => {
      const range = rangeOf(args);
      if (range === undefined) return -EINVAL;
      const { space } = task.process;
      if (!space.isCovered(range.start, range.end)) return -ENOMEM;
      const count = Math.min((range.end - range.start) / PAGE_SIZE, 65536);
      const bytes = new Uint8Array(count);
      for (let n = 0; n < count; n++) bytes[n] = space.isResident(range.start + n * PAGE_SIZE) ? 1 : 0;
      return space.write(args.pointer(2), bytes);
    },
    brk: (task, args) => vaToBig(task.process.space.setBrk(vaFromBig(args.raw(0)))),
    mlock: (task, args) => lock(task, args),
    mlock2: (task, args) => lock(task, args),
    munlock: (task, args) => lock(task, args),
    mlockall: () => 0,
    munlockall: () => 0,
    remap_file_pages: () => -EINVAL,
    mbind: () => 0,
    set_mempolicy: () => 0,
    get_mempolicy: (task, args) => (args.pointer(0) === 0 ? 0 : task.process.space.writeU32(args.pointer(0), 0)),
    old_getpagesize: () => PAGE_SIZE,
    membarrier: (_task, args) => (args.int(0) === 0 ? 0 : -EINVAL),
    process_vm_readv: () => -EPERM,
    process_vm_writev: () => -EPERM,
  };

  function lock(task: Task, args: SyscallArguments): number {
    const start = pageFloor(vaFromBig(args.raw(0)));
    return task.process.space.isCovered(start, start + pageCeil(args.size(1))) ? 0 : -ENOMEM;
  }
}
