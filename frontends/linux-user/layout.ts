// SPDX-License-Identifier: MIT
//
// The shared memory of a run: who keeps what where.
//
//  0          static data of the core
//  1 MiB      the kernel's words, then one block of words for each worker
//  1 MiB+64K  CPU areas
//  …          pages of guest processes
import { AREA_SIZE } from '../../core/ia64/host/ia64-state.ts';

/** 64 KiB units: 4 GiB, of which the host commits what is touched. */
export const MEMORY_UNITS = 65536;
export const MAX_WORKERS = 128;

const CONTROL = 0x10_0000;
export const AREAS = CONTROL + 0x1_0000;
export const POOL = Math.ceil((AREAS + MAX_WORKERS * AREA_SIZE) / 0x4000) * 0x4000;
/** The last page stays free, so that no address ever needs 33 bits. */
export const POOL_END = MEMORY_UNITS * 65536 - 0x4000;

/** Indices of the kernel's words. */
export const BELL = CONTROL / 4;
/** How the kernel sleeps: 0 not at all, 1 on the bell, 2 in poll with an eventfd. */
export const SLEEPING = BELL + 1;
export const EVENT_FD = BELL + 2;

const BLOCK_WORDS = 16;
export const blockOf = (worker: number): number => BELL + BLOCK_WORDS * (worker + 1);
export const areaOf = (worker: number): number => AREAS + worker * AREA_SIZE;

/** Words of a worker's block. */
export const WORD = {
  /** STATE below. */
  state: 0,
  /** What run() returned. */
  reason: 1,
  /** The kernel wants a report. */
  request: 2,
  /** Generation of the space at the last flush. */
  flushed: 3,
  /** The address space, and a count of its changes. */
  space: 4,
  spaceCount: 5,
} as const;

export const STATE = { parked: 0, running: 1, posted: 2, ended: 3 } as const;
