// SPDX-License-Identifier: MIT
//
// A worker: one CPU that runs whatever guest thread the kernel puts into its area. It sleeps while the kernel has it.
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { CPU, REASON_ATTENTION, REASON_BUDGET } from '../../core/ia64/host/gen/state.ts';
import { SPACE_GENERATION } from '../../machines/linux-user/memory/page-table.ts';
import { BELL, EVENT_FD, SLEEPING, STATE, WORD, areaOf, blockOf } from './layout.ts';

export interface GuestWorkerData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly worker: number;
}

interface Core {
  attach(area: number): void;
  newSpace(space: number): void;
  flushTlb(): void;
  run(budget: number): number;
}

/** Instructions, about: the engine's optimized code is entered when the core is called again, so that is now and then. */
const BUDGET = 0x40_0000;
/** Looks this often for an answer before it sleeps. */
const SPINS = 400;
const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);

function main({ module, memory, worker }: GuestWorkerData): void {
  const words = new Int32Array(memory.buffer);
  const area = areaOf(worker);
  const block = blockOf(worker);
  const attention = (area + CPU.attention.offset) >>> 2;
  const host = { itc: () => Math.floor(performance.now() * 1e6) };
  const core = new WebAssembly.Instance(module, { env: { memory }, host }).exports as unknown as Core;
  core.attach(area);

  const awaitWork = (): boolean => {
    for (let spins = 0; ; spins++) {
      const state = Atomics.load(words, block + WORD.state);
      if (state === STATE.running) return true;
      if (state === STATE.ended) return false;
      if (spins >= SPINS) Atomics.wait(words, block + WORD.state, state);
    }
  };
  const ring = (): void => {
    Atomics.add(words, BELL, 1);
    const sleeping = Atomics.load(words, SLEEPING);
    if (sleeping === 1) Atomics.notify(words, BELL);
    else if (sleeping === 2) writeSync(Atomics.load(words, EVENT_FD), ONE);
  };

  let spaceCount = 0;
  while (awaitWork()) {
    const space = Atomics.load(words, block + WORD.space) >>> 0;
    const generation = (space + SPACE_GENERATION) >>> 2;
    let flushed = Atomics.load(words, generation);
    if (Atomics.load(words, block + WORD.spaceCount) !== spaceCount) {
      spaceCount = Atomics.load(words, block + WORD.spaceCount);
      core.newSpace(space);
      Atomics.store(words, block + WORD.flushed, flushed);
    } else {
      flushed = Atomics.load(words, block + WORD.flushed);
    }
    let reason: number;
    for (;;) {
      const now = Atomics.load(words, generation);
      if (now !== flushed) {
        flushed = now;
        core.flushTlb();
        Atomics.store(words, block + WORD.flushed, now);
        Atomics.notify(words, block + WORD.flushed);
      }
      reason = core.run(BUDGET);
      if (reason !== REASON_ATTENTION && reason !== REASON_BUDGET) break;
      Atomics.store(words, attention, 0);
      if (Atomics.load(words, block + WORD.request) !== 0) break;
    }
    words[block + WORD.reason] = reason;
    Atomics.store(words, block + WORD.state, STATE.posted);
    ring();
  }
}

main(workerData as GuestWorkerData);
