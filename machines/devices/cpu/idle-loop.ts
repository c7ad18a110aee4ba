// SPDX-License-Identifier: MIT
//
// Finds out that a processor waits in a loop. Old operating systems have no idle instruction: they ask again and again
// whether something has happened. When every register and all of memory are the same as one turn of the loop before, and
// the turn touched no device, then the next turn will end the same, and so on until a device changes something. Nothing
// is guessed: such a machine may as well sleep until the next event.
import { type GuestMemory, PAGE_BYTES, PAGE_DIRTY, PAGE_TRACKED } from '../../backplane/memory.ts';

/** The longest loop, in instructions. */
const MOST_STEPS = 2500;
/** A loop that writes more memory than this is no waiting loop. */
const MOST_PAGES = 64;

// Four pages' states at once; PAGE_DIRTY is one bit above PAGE_TRACKED.
const TRACKED_4 = PAGE_TRACKED * 0x0101_0101;
const DIRTY_4 = PAGE_DIRTY * 0x0101_0101;

/** What the detector needs of the processor. */
export interface LoopingCpu {
  readonly pc: number;
  /** One instruction; false when it was something else, or time is up. */
  stepOnce(): boolean;
  /** A device was accessed since the last call. */
  takeDeviceAccess(): boolean;
  /** All registers, as bytes that can be compared. */
  registerBytes(): Uint8Array;
  /** Every page that is tracked must report its next write again. */
  protectTracked(): void;
}

export class IdleLoop {
  readonly #memory: GuestMemory;
  readonly #cpu: LoopingCpu;
  #states = new Uint32Array(0);

  constructor(memory: GuestMemory, cpu: LoopingCpu) {
    this.#memory = memory;
    this.#cpu = cpu;
  }

  /** Executes two turns of a loop, if there is one; true when the second changed nothing. */
  waits(): boolean {
    const start = this.#cpu.pc;
    this.#watch();
    this.#cpu.takeDeviceAccess();
    const first = this.#turn(start) ? this.#written() : undefined;
    let waits = false;
    if (first !== undefined) {
      const registers = this.#cpu.registerBytes();
      waits = this.#turn(start) && same(registers, this.#cpu.registerBytes()) && this.#unchanged(first);
    }
    this.#unwatch();
    return waits;
  }

  /** From `start` to `start` without touching a device. */
  #turn(start: number): boolean {
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      if (!this.#cpu.stepOnce() || this.#cpu.takeDeviceAccess()) return false;
      if (this.#cpu.pc === start) return true;
    }
    return false;
  }

  // ---- Which pages are written ---------------------------------------------------------------------------------------

  /** The states of all pages of memory, four to a word; the page of the first one. */
  #pageStates(): { words: Uint32Array; first: number } {
    const { pageState, blocks } = this.#memory;
    const last = blocks.at(-1)!;
    const first = Math.floor(blocks[0]!.offset / PAGE_BYTES);
    const count = Math.ceil((last.offset + last.size) / PAGE_BYTES) - first;
    return { words: new Uint32Array(pageState.buffer, pageState.byteOffset + first, Math.ceil(count / 4)), first };
  }

  #watch(): void {
    const { words } = this.#pageStates();
    this.#states = words.slice();
    for (let i = 0; i < words.length; i++) words[i] = (words[i]! | TRACKED_4) & ~DIRTY_4;
    this.#cpu.protectTracked();
  }

  /** Pages written since the last look, with what is in them; too many: undefined. */
  #written(): Map<number, Uint8Array> | undefined {
    const { bytes, pageState } = this.#memory;
    const { words, first } = this.#pageStates();
    const written = new Map<number, Uint8Array>();
    for (let i = 0; i < words.length; i++) {
      if ((words[i]! & DIRTY_4) === 0) continue;
      for (let page = first + i * 4; page < first + i * 4 + 4; page++) {
        if ((pageState[page]! & PAGE_DIRTY) === 0) continue;
        if (written.size === MOST_PAGES) return undefined;
        written.set(page, bytes.slice(page * PAGE_BYTES, (page + 1) * PAGE_BYTES));
      }
    }
    return written;
  }

  /** No page was written that was not written before, and all of these are as they were. */
  #unchanged(before: Map<number, Uint8Array>): boolean {
    const after = this.#written();
    if (after?.size !== before.size) return false;
    for (const [page, content] of after) {
      const old = before.get(page);
      if (old === undefined || !same(old, content)) return false;
    }
    return true;
  }

  /** Others who watch pages find what they would have found. */
  #unwatch(): void {
    const { words } = this.#pageStates();
    for (let i = 0; i < words.length; i++) {
      const before = this.#states[i]!;
      const untracked = ~before & TRACKED_4;
      words[i] = (words[i]! & ~(untracked | (untracked << 1))) | (before & DIRTY_4);
    }
    this.#cpu.protectTracked();
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
