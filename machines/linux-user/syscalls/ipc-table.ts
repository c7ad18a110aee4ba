// SPDX-License-Identifier: MIT
//
// What System V's semaphores, message queues and shared memory have in common: keys, identifiers, owners, permissions.
// The objects are the emulator's own: its processes share them, those of the host do not see them.
import { EACCES, EEXIST, EFAULT, EINVAL, ENOENT, ENOSPC, EPERM } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../process/process.ts';

const IPC_CREAT = 0o1000;
const IPC_EXCL = 0o2000;
export const IPC_NOWAIT = 0o4000;

// Commands of the ctl calls
export const IPC_RMID = 0;
export const IPC_SET = 1;
export const IPC_STAT = 2;
export const IPC_INFO = 3;
/** Added by some libraries to say that they know the structures of 64 bits; IA-64 has no others. */
export const IPC_64 = 0x100;

export const READ = 0o444;
export const WRITE = 0o222;

/** struct ipc64_perm. */
const PERM_BYTES = 48;
const PERM_UID = 4;
const PERM_GID = 8;
const PERM_MODE = 20;
/** Identifiers are this times a sequence number, plus the place in the table. */
const SEQUENCE_STEP = 32768;

export interface IpcObject {
  readonly id: number;
  /** 0: private. */
  key: number;
  uid: number;
  gid: number;
  readonly cuid: number;
  readonly cgid: number;
  mode: number;
  /** Seconds since 1970 of the last change. */
  changed: number;
  /** Whoever waits for it goes on with EIDRM. */
  removed: boolean;
}

export class IpcTable<T extends IpcObject> {
  readonly #slots: (T | undefined)[] = [];
  readonly #most: number;
  readonly #kernel: Kernel;
  #sequence = 0;

  constructor(kernel: Kernel, most: number) {
    this.#kernel = kernel;
    this.#most = most;
  }

  /** Seconds since 1970, the time in the objects' structures. */
  now(): number {
    return Number(this.#kernel.host.clock.realtime() / 1_000_000_000n);
  }

  get objects(): T[] {
    return this.#slots.filter((one) => one !== undefined);
  }

  /** The highest place in use, as the info commands give it; 0 when there is none. */
  get highest(): number {
    return Math.max(0, this.#slots.length - 1);
  }

  /** What the get calls do. `fits` checks an object that is there; `make` adds what is special to a new one. */
  get(task: Task, key: number, flags: number, fits: (one: T) => number, make: (base: IpcObject) => T | number): number {
    const found = key === 0 ? undefined : this.objects.find((one) => one.key === key && !one.removed);
    if (found !== undefined) {
      if ((flags & IPC_CREAT) !== 0 && (flags & IPC_EXCL) !== 0) return -EEXIST;
      const wanted = (flags | (flags >> 3) | (flags >> 6)) & 7;
      if (!this.allows(task, found, wanted | (wanted << 3) | (wanted << 6))) return -EACCES;
      const error = fits(found);
      return error < 0 ? error : found.id;
    }
    if (key !== 0 && (flags & IPC_CREAT) === 0) return -ENOENT;
    const place = this.#place();
    if (place < 0) return -ENOSPC;
    const { euid, egid } = task.process.credentials;
    const made = make({
      id: (this.#sequence++ % 65536) * SEQUENCE_STEP + place,
      key,
      uid: euid,
      gid: egid,
      cuid: euid,
      cgid: egid,
      mode: flags & 0o777,
      changed: this.now(),
      removed: false,
    });
    if (typeof made === 'number') return made;
    this.#slots[place] = made;
    return made.id;
  }

  #place(): number {
    const free = this.#slots.findIndex((one) => one === undefined);
    if (free >= 0) return free;
    return this.#slots.length < this.#most ? this.#slots.length : -1;
  }

  /** The object of an identifier, or an error. */
  find(id: number): T | number {
    if (id < 0) return -EINVAL;
    const one = this.#slots[id % SEQUENCE_STEP];
    return one?.id === id ? one : -EINVAL;
  }

  /** The object at a place in the table, for the STAT commands that walk it. */
  at(place: number): T | number {
    return this.#slots[place] ?? -EINVAL;
  }

  /** Whether the caller may access it in all the ways of `wanted`, bits of {@link READ} and {@link WRITE}. */
  allows(task: Task, one: IpcObject, wanted: number): boolean {
    const { euid, egid, groups } = task.process.credentials;
    if (euid === 0) return true;
    const mine = (gid: number): boolean => gid === egid || groups.includes(gid);
    const shift = euid === one.uid || euid === one.cuid ? 6 : mine(one.gid) || mine(one.cgid) ? 3 : 0;
    return ((wanted >> shift) & 7 & ~(one.mode >> shift)) === 0;
  }

  /** Whether the caller may change or remove it. */
  owns(task: Task, one: IpcObject): boolean {
    const { euid } = task.process.credentials;
    return euid === 0 || euid === one.uid || euid === one.cuid;
  }

  /** IPC_SET of the owner and the mode, from the structure at `va`. */
  set(task: Task, one: T, va: number): number {
    if (!this.owns(task, one)) return -EPERM;
    const view = task.process.space.view(va, PERM_BYTES);
    if (view === undefined) return -EFAULT;
    one.uid = view.getUint32(PERM_UID, true);
    one.gid = view.getUint32(PERM_GID, true);
    one.mode = view.getUint32(PERM_MODE, true) & 0o777;
    one.changed = this.now();
    return 0;
  }

  /** Takes it out of the table. */
  delete(one: T): void {
    one.removed = true;
    this.#slots[one.id % SEQUENCE_STEP] = undefined;
    while (this.#slots.length > 0 && this.#slots.at(-1) === undefined) this.#slots.length--;
  }
}

/** A structure of so many bytes that begins with the object's struct ipc64_perm. */
export function permBytes(one: IpcObject, length: number, modeFlags = 0): DataView {
  const view = new DataView(new ArrayBuffer(length));
  [one.key, one.uid, one.gid, one.cuid, one.cgid, one.mode | modeFlags].forEach((value, index) => {
    view.setUint32(index * 4, value, true);
  });
  view.setUint16(24, Math.floor(one.id / SEQUENCE_STEP), true);
  return view;
}

/** Writes a list of ints, such as struct seminfo. */
export function writeInts(task: Task, va: number, values: readonly number[]): number {
  return task.process.space.write(va, new Uint8Array(Int32Array.from(values).buffer));
}

export function writeView(task: Task, va: number, view: DataView): number {
  return task.process.space.write(va, new Uint8Array(view.buffer));
}
