// SPDX-License-Identifier: MIT
//
// One address space: its mapped areas, page faults, and the kernel's own access to program memory.
import { EACCES, EEXIST, EFAULT, ENOMEM } from '../abi/errno.ts';
import {
  BAD_VA,
  PAGE_SIZE,
  REGION_LIMIT,
  REGION_SPAN,
  TASK_SIZE,
  pageCeil,
  pageFloor,
  regionOffset,
} from './address.ts';
import type { SharedPages } from './page-cache.ts';
import type { PagePool } from './page-pool.ts';
import {
  PTE_EXEC,
  PTE_FLAGS,
  PTE_NAT,
  PTE_READ,
  PTE_VALID,
  PTE_WRITE,
  PageTable,
  SPACE_CODE_GENERATION,
} from './page-table.ts';

export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const PROT_EXEC = 4;

export interface Area {
  start: number;
  end: number;
  prot: number;
  readonly shared: boolean;
  /** What a shared mapping may become by mprotect. */
  readonly mayWrite: boolean;
  /** Down as the memory stack, up as the register backing store. */
  readonly grows: 'down' | 'up' | undefined;
  readonly pages: SharedPages | undefined;
  /** Byte offset in `pages` of `start`. */
  offset: number;
  /** For /proc/PID/maps. */
  readonly name: string;
  /** Where speculative loads give NaT. */
  readonly nat: boolean;
  /** Counts as memory the program means to use; MAP_NORESERVE takes that away. */
  readonly reserved: boolean;
}

export type NewArea = Pick<Area, 'start' | 'end' | 'prot'> & Partial<Area>;

export type Access = 'read' | 'write' | 'execute';
/** 'maperr' and 'accerr' are SIGSEGV codes, 'bus' is SIGBUS, 'memory' means that there is none left. */
export type FaultResult = 'ok' | 'maperr' | 'accerr' | 'bus' | 'memory';

/** A guard between a growing stack and whatever lies in its way. */
const STACK_GUARD = 256 * PAGE_SIZE;

export interface SpaceLimits {
  /** RLIMIT_AS, RLIMIT_DATA and RLIMIT_STACK of the process, in bytes. */
  addressSpace: number;
  data: number;
  stack: number;
}

export class AddressSpace {
  readonly pool: PagePool;
  readonly table: PageTable;
  readonly limits: SpaceLimits;
  /** Makes every CPU in this space forget its translations before anything else happens. */
  onShootdown: () => void = () => {};
  #areas: Area[] = [];
  brkStart = 0;
  brk = 0;
  /** Users: processes and, during vfork, the child. */
  users = 1;
  #mapped = 0;

  constructor(pool: PagePool, limits: SpaceLimits = { addressSpace: Infinity, data: Infinity, stack: Infinity }) {
    this.pool = pool;
    this.limits = { ...limits };
    this.table = new PageTable(pool);
  }

  get areas(): readonly Area[] {
    return this.#areas;
  }

  /** Bytes of program address space in use. */
  get mappedBytes(): number {
    return this.#mapped;
  }

  // --- areas ---

  /** Index of the first area that ends above `va`. */
  #index(va: number): number {
    let low = 0;
    let high = this.#areas.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#areas[middle]!.end > va) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  areaAt(va: number): Area | undefined {
    const area = this.#areas[this.#index(va)];
    return area !== undefined && area.start <= va ? area : undefined;
  }

  isFree(start: number, end: number): boolean {
    const area = this.#areas[this.#index(start)];
    return area === undefined || area.start >= end;
  }

  /** Every page between the two addresses is in some area. */
  isCovered(start: number, end: number): boolean {
    let va = start;
    for (let index = this.#index(va); va < end; index++) {
      const area = this.#areas[index];
      if (area === undefined || area.start > va) return false;
      va = area.end;
    }
    return true;
  }

  add(area: NewArea): Area {
    const complete: Area = {
      shared: false,
      mayWrite: true,
      grows: undefined,
      pages: undefined,
      offset: 0,
      name: '',
      nat: false,
      reserved: true,
      ...area,
    };
    complete.pages?.use();
    const index = this.#index(complete.start);
    const before = this.#areas[index - 1];
    this.#mapped += complete.end - complete.start;
    if (before !== undefined && before.end === complete.start && mergeable(before, complete)) {
      before.end = complete.end;
      complete.pages?.unuse();
      return before;
    }
    this.#areas.splice(index, 0, complete);
    return complete;
  }

  /** Splits areas so that none crosses `va`. */
  #split(va: number): void {
    const index = this.#index(va);
    const area = this.#areas[index];
    if (area === undefined || area.start >= va) return;
    const upper: Area = { ...area, start: va, offset: area.offset + (va - area.start) };
    upper.pages?.use();
    area.end = va;
    this.#areas.splice(index + 1, 0, upper);
  }

  #range(start: number, end: number): Area[] {
    this.#split(start);
    this.#split(end);
    const first = this.#index(start);
    let last = first;
    while (last < this.#areas.length && this.#areas[last]!.start < end) last++;
    return this.#areas.slice(first, last);
  }

  /** The address of a free stretch of `length` bytes at or above `hint`, or undefined. */
  findFree(length: number, hint: number): number | undefined {
    if (length > REGION_LIMIT) return undefined;
    let va = hint === 0 ? REGION_SPAN : hint;
    for (let index = this.#index(va); ; index++) {
      if (regionOffset(va) + length > REGION_LIMIT) {
        va = (Math.floor(va / REGION_SPAN) + 1) * REGION_SPAN;
        index = this.#index(va);
      }
      if (va + length > TASK_SIZE) return undefined;
      const area = this.#areas[index];
      if (area === undefined || va + length <= area.start) return va;
      va = Math.max(va, area.end);
    }
  }

  /** Whether `start` … `end` lies inside what a program may map. */
  static isUserRange(start: number, end: number): boolean {
    return start >= 0 && end <= TASK_SIZE && end >= start && regionOffset(start) + (end - start) <= REGION_LIMIT;
  }

  /** Whether `bytes` more may be mapped: the limit of the process, and no process may mean to use more than there is. */
  hasRoom(bytes: number, reserve: boolean): boolean {
    if (this.#mapped + bytes > this.limits.addressSpace) return false;
    if (!reserve) return true;
    const most = this.pool.totalPages * PAGE_SIZE - bytes;
    return this.#mapped <= most || this.#reservedBytes() <= most;
  }

  /** What the process may fill with pages of its own. */
  #reservedBytes(): number {
    let total = 0;
    for (const { start, end, prot, shared, reserved } of this.#areas) {
      if (reserved && !shared && (prot & PROT_WRITE) !== 0) total += end - start;
    }
    return total;
  }

  /** Maps `area` over whatever is there. Returns the address or a negative error. */
  map(area: NewArea, noReplace = false): number {
    if (!AddressSpace.isUserRange(area.start, area.end)) return -ENOMEM;
    if (!this.isFree(area.start, area.end)) {
      if (noReplace) return -EEXIST;
      this.unmap(area.start, area.end);
    }
    this.add(area);
    return area.start;
  }

  unmap(start: number, end: number): void {
    if (this.isFree(start, end)) return;
    const gone = this.#range(start, end);
    const pages: number[] = [];
    for (const area of gone) {
      this.table.forEach(area.start, area.end, (_va, word) => {
        pages.push((word & ~PTE_FLAGS) >>> 0);
        return 0;
      });
      this.#mapped -= area.end - area.start;
    }
    const first = this.#areas.indexOf(gone[0]!);
    this.#areas.splice(first, gone.length);
    if (pages.length > 0) this.#shootdown(gone.some((area) => (area.prot & PROT_EXEC) !== 0));
    for (const page of pages) this.pool.release(page);
    for (const area of gone) area.pages?.unuse();
  }

  #shootdown(code = false): void {
    this.table.bump();
    if (code) this.table.bump(SPACE_CODE_GENERATION);
    this.onShootdown();
  }

  /** Code changed behind the CPUs' back. */
  codeChanged(): void {
    this.#shootdown(true);
  }

  protect(start: number, end: number, prot: number): number {
    if (!this.isCovered(start, end)) return -ENOMEM;
    const areas = this.#range(start, end);
    if ((prot & PROT_WRITE) !== 0 && areas.some((area) => area.shared && !area.mayWrite)) return -EACCES;
    if (areas.some((area) => area.nat)) return -EACCES;
    let changed = false;
    let code = false;
    for (const area of areas) {
      if (area.prot === prot) continue;
      if ((area.prot & PROT_EXEC) !== (prot & PROT_EXEC)) code = true;
      area.prot = prot;
      this.table.forEach(area.start, area.end, (_va, word) => {
        changed = true;
        // Write permission comes back by a fault, which sorts out copy on write.
        return ((word & ~(PTE_READ | PTE_WRITE | PTE_EXEC)) | protBits(prot & ~PROT_WRITE)) >>> 0;
      });
    }
    this.#mergeAround(start, end);
    if (changed) this.#shootdown(code);
    return 0;
  }

  #mergeAround(start: number, end: number): void {
    let index = Math.max(1, this.#index(start));
    while (index < this.#areas.length && this.#areas[index]!.start <= end) {
      const before = this.#areas[index - 1]!;
      const area = this.#areas[index]!;
      if (before.end === area.start && mergeable(before, area)) {
        before.end = area.end;
        area.pages?.unuse();
        this.#areas.splice(index, 1);
      } else {
        index++;
      }
    }
  }

  /** madvise(MADV_DONTNEED): private pages go, the next access finds zeroes or the file again. */
  discard(start: number, end: number): void {
    const pages: number[] = [];
    for (const area of this.#areas) {
      if (area.end <= start || area.start >= end || area.nat) continue;
      this.table.forEach(Math.max(start, area.start), Math.min(end, area.end), (_va, word) => {
        pages.push((word & ~PTE_FLAGS) >>> 0);
        return 0;
      });
    }
    if (pages.length > 0) this.#shootdown(true);
    for (const page of pages) this.pool.release(page);
  }

  /** mremap: moves the pages and the area between two stretches of equal length; the target is free. */
  move(start: number, end: number, target: number): void {
    const moved = this.#range(start, end);
    const words: [number, number][] = [];
    this.table.forEach(start, end, (va, word) => {
      words.push([va - start + target, word]);
      return 0;
    });
    const first = this.#areas.indexOf(moved[0]!);
    this.#areas.splice(first, moved.length);
    for (const area of moved) {
      this.#mapped -= area.end - area.start;
      this.add({ ...area, start: area.start - start + target, end: area.end - start + target });
      area.pages?.unuse();
    }
    for (const [va, word] of words) this.table.set(va, word);
    this.#shootdown(true);
  }

  /** Resident: the page is in memory now. */
  isResident(va: number): boolean {
    return this.table.get(va) !== 0;
  }

  residentPages(): number {
    let count = 0;
    for (const area of this.#areas) this.table.forEach(area.start, area.end, () => void count++);
    return count;
  }

  // --- faults ---

  fault(va: number, access: Access): FaultResult {
    if (va >= BAD_VA) return 'maperr';
    const area = this.areaAt(va) ?? this.#grow(va);
    if (area === undefined) return 'maperr';
    if (!allows(area.prot, access) || area.nat) return 'accerr';
    try {
      return this.#resolve(area, pageFloor(va), access === 'write');
    } catch (error) {
      if (error instanceof RangeError) return 'memory';
      throw error;
    }
  }

  #resolve(area: Area, va: number, write: boolean): FaultResult {
    const word = this.table.get(va);
    const rights = protBits(area.prot & ~PROT_WRITE);
    if (word === 0) {
      if (area.pages === undefined) {
        const page = this.pool.allocate();
        if (page === 0) return 'memory';
        this.table.set(va, (page | protBits(area.prot)) >>> 0);
        return 'ok';
      }
      const index = (area.offset + (va - area.start)) / PAGE_SIZE;
      const page = area.pages.page(index);
      if (page === -1) return 'bus';
      if (page === 0) return 'memory';
      if (write && !area.shared) return this.#copy(va, page, area.prot);
      if (write) area.pages.markDirty(index);
      this.pool.retain(page);
      this.table.set(va, (page | (write ? protBits(area.prot) : rights)) >>> 0);
      return 'ok';
    }
    const page = (word & ~PTE_FLAGS) >>> 0;
    if (area.shared && area.pages !== undefined) {
      // A page of the file that was cut off since is not found again.
      if (write) area.pages.markDirty((area.offset + (va - area.start)) / PAGE_SIZE);
    } else if (write && this.pool.references(page) > 1) {
      const result = this.#copy(va, page, area.prot);
      if (result === 'ok') {
        this.#shootdown((area.prot & PROT_EXEC) !== 0);
        this.pool.release(page);
      }
      return result;
    }
    this.table.set(va, (page | (write ? protBits(area.prot) : rights | (word & PTE_WRITE))) >>> 0);
    return 'ok';
  }

  #copy(va: number, from: number, prot: number): FaultResult {
    const page = this.pool.allocateDirty();
    if (page === 0) return 'memory';
    this.pool.copyPage(from, page);
    this.table.set(va, (page | protBits(prot)) >>> 0);
    return 'ok';
  }

  /** The stacks grow into what is accessed next to them, up to the limit. */
  #grow(va: number): Area | undefined {
    const index = this.#index(va);
    const above = this.#areas[index];
    const below = this.#areas[index - 1];
    if (above?.grows === 'down' && above.end - va <= this.limits.stack) {
      const start = pageFloor(va);
      const room = below === undefined || below.prot === 0 ? Infinity : start - below.end;
      if (
        Math.floor(start / REGION_SPAN) === Math.floor(above.start / REGION_SPAN) &&
        (room >= STACK_GUARD || below?.grows === 'up')
      ) {
        this.#mapped += above.start - start;
        above.start = start;
        return above;
      }
    }
    if (below?.grows === 'up' && va - below.end < PAGE_SIZE && va - below.start < this.limits.stack) {
      const end = pageFloor(va) + PAGE_SIZE;
      if (above === undefined || above.start >= end) {
        this.#mapped += end - below.end;
        below.end = end;
        return below;
      }
    }
    return undefined;
  }

  // --- the kernel's access to program memory ---

  /** Where a byte of the program is in the shared memory, faulted in; or -1. */
  translate(va: number, write: boolean): number {
    const word = va < BAD_VA ? this.table.get(va) : 0;
    const needed = PTE_VALID | (write ? PTE_WRITE : PTE_READ);
    if ((word & needed) === needed && (word & PTE_NAT) === 0) return ((word & ~PTE_FLAGS) >>> 0) + (va % PAGE_SIZE);
    if (this.fault(va, write ? 'write' : 'read') !== 'ok') return -1;
    return ((this.table.get(va) & ~PTE_FLAGS) >>> 0) + (va % PAGE_SIZE);
  }

  /**
   * Visits the pieces of `length` bytes at `va`, page by page, until one visit returns false. Returns how many bytes
   * were reached.
   */
  forEachPiece(va: number, length: number, write: boolean, visit: (bytes: Uint8Array) => unknown): number {
    let done = 0;
    while (done < length) {
      const at = this.translate(va + done, write);
      if (at === -1) break;
      const count = Math.min(length - done, PAGE_SIZE - (at % PAGE_SIZE));
      const more = visit(this.pool.bytes.subarray(at, at + count));
      done += count;
      if (more === false) break;
    }
    return done;
  }

  /** The bytes at `va`: a window on them when they lie in one page, a copy otherwise; undefined when not readable. */
  read(va: number, length: number): Uint8Array | undefined {
    if (length === 0) return new Uint8Array(0);
    if ((va % PAGE_SIZE) + length <= PAGE_SIZE) {
      const at = this.translate(va, false);
      return at === -1 ? undefined : this.pool.bytes.subarray(at, at + length);
    }
    const copy = new Uint8Array(length);
    let done = 0;
    const reached = this.forEachPiece(va, length, false, (piece) => {
      copy.set(piece, done);
      done += piece.length;
    });
    return reached === length ? copy : undefined;
  }

  /** Returns 0 or -EFAULT; bytes before the fault are written. */
  write(va: number, bytes: Uint8Array): number {
    let done = 0;
    const reached = this.forEachPiece(va, bytes.length, true, (piece) => {
      piece.set(bytes.subarray(done, done + piece.length));
      done += piece.length;
    });
    return reached === bytes.length ? 0 : -EFAULT;
  }

  view(va: number, length: number): DataView | undefined {
    const bytes = this.read(va, length);
    return bytes && new DataView(bytes.buffer, bytes.byteOffset, length);
  }

  readU32(va: number): number | undefined {
    return this.view(va, 4)?.getUint32(0, true);
  }

  readU64(va: number): bigint | undefined {
    return this.view(va, 8)?.getBigUint64(0, true);
  }

  writeU32(va: number, value: number): number {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    return this.write(va, bytes);
  }

  writeU64(va: number, value: bigint): number {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
    return this.write(va, bytes);
  }

  /** The bytes up to a zero; -EFAULT, or -1 when there are more than `most`. */
  readString(va: number, most: number): Uint8Array | number {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const at = this.translate(va + length, false);
      if (at === -1) return -EFAULT;
      const piece = this.pool.bytes.subarray(at, Math.min(at - (at % PAGE_SIZE) + PAGE_SIZE, at + most + 1 - length));
      const end = piece.indexOf(0);
      if (end >= 0) {
        parts.push(piece.subarray(0, end));
        break;
      }
      parts.push(piece);
      length += piece.length;
      if (length > most) return -1;
    }
    if (parts.length === 1) return parts[0]!.slice();
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let done = 0;
    for (const part of parts) {
      whole.set(part, done);
      done += part.length;
    }
    return whole;
  }

  // --- whole spaces ---

  /** fork: the same areas; private pages are shared until one side writes. Throws RangeError when memory is full. */
  clone(limits: SpaceLimits): AddressSpace {
    const child = new AddressSpace(this.pool, limits);
    child.brkStart = this.brkStart;
    child.brk = this.brk;
    let tookRights = false;
    try {
      for (const area of this.#areas) {
        child.add({ ...area });
        this.table.forEach(area.start, area.end, (va, word) => {
          const page = (word & ~PTE_FLAGS) >>> 0;
          const next = area.shared ? word : (word & ~PTE_WRITE) >>> 0;
          child.table.set(va, next);
          this.pool.retain(page);
          if (next === word) return undefined;
          tookRights = true;
          return next;
        });
      }
    } catch (error) {
      child.destroy();
      throw error;
    } finally {
      if (tookRights) this.#shootdown();
    }
    return child;
  }

  destroy(): void {
    const areas = this.#areas;
    this.#areas = [];
    for (const area of areas) {
      this.table.forEach(area.start, area.end, (_va, word) => {
        this.pool.release((word & ~PTE_FLAGS) >>> 0);
        return 0;
      });
    }
    for (const area of areas) area.pages?.unuse();
    this.#mapped = 0;
    this.table.free();
  }

  /** The page at address 0, from which speculative loads give NaT. */
  addNatPage(page: number): void {
    this.add({ start: 0, end: PAGE_SIZE, prot: PROT_READ, nat: true, mayWrite: false });
    this.pool.retain(page);
    this.table.set(0, (page | PTE_VALID | PTE_READ | PTE_NAT) >>> 0);
  }

  setBrk(wanted: number): number {
    if (wanted < this.brkStart || wanted >= TASK_SIZE) return this.brk;
    if (wanted - this.brkStart > this.limits.data) return this.brk;
    const oldEnd = pageCeil(this.brk);
    const newEnd = pageCeil(wanted);
    if (newEnd > oldEnd) {
      if (!AddressSpace.isUserRange(oldEnd, newEnd) || !this.isFree(oldEnd, newEnd + PAGE_SIZE)) return this.brk;
      if (!this.hasRoom(newEnd - oldEnd, true)) return this.brk;
      this.add({ start: oldEnd, end: newEnd, prot: PROT_READ | PROT_WRITE, name: '[heap]' });
    } else if (newEnd < oldEnd) {
      this.unmap(newEnd, oldEnd);
    }
    this.brk = wanted;
    return wanted;
  }
}

function mergeable(a: Area, b: Area): boolean {
  return (
    a.prot === b.prot &&
    a.pages === undefined &&
    b.pages === undefined &&
    a.shared === b.shared &&
    a.grows === undefined &&
    b.grows === undefined &&
    a.name === b.name &&
    a.reserved === b.reserved &&
    !a.nat &&
    !b.nat
  );
}

/** IA-64 lets whoever may write also read. */
function allows(prot: number, access: Access): boolean {
  if (access === 'write') return (prot & PROT_WRITE) !== 0;
  if (access === 'execute') return (prot & PROT_EXEC) !== 0;
  return (prot & (PROT_READ | PROT_WRITE)) !== 0;
}

function protBits(prot: number): number {
  let bits = PTE_VALID;
  if ((prot & (PROT_READ | PROT_WRITE)) !== 0) bits |= PTE_READ;
  if ((prot & PROT_WRITE) !== 0) bits |= PTE_WRITE;
  if ((prot & PROT_EXEC) !== 0) bits |= PTE_EXEC;
  return bits;
}
