// SPDX-License-Identifier: MIT
import { STOP } from './cpu.ts';
import type { Machine } from './machine.ts';
import { restoreSnapshot, takeSnapshot } from './snapshot.ts';

/** What came of a slice. `halted`: idle with nothing scheduled that could ever wake the CPU. */
export type SliceOutcome = 'ran' | 'idle' | 'halted' | 'off' | 'reset' | 'breakpoint' | 'checkstop';

/** Runs a machine slice by slice. Knows nothing of host time. */
export class Runner {
  readonly machine: Machine;
  #off = false;
  #resetPending = false;

  constructor(machine: Machine) {
    this.machine = machine;
    machine.powerOff.to((level) => (this.#off ||= level));
    machine.resetRequest.to((level) => (this.#resetPending ||= level));
  }

  /** Virtual seconds since power-on. */
  get seconds(): number {
    const { scheduler } = this.machine.board;
    return scheduler.now / scheduler.masterHz;
  }

  start(kind: 'cold' | 'warm'): void {
    this.#off = this.#resetPending = false;
    this.machine.start(kind);
  }

  save(): Uint8Array {
    return takeSnapshot(this.machine, { off: this.#off, resetPending: this.#resetPending });
  }

  /** The machine is then switched on or off as it was when the snapshot was taken. */
  restore(snapshot: Uint8Array): void {
    this.#off = this.#resetPending = false;
    const { off, resetPending } = restoreSnapshot(this.machine, snapshot);
    this.#off ||= off;
    this.#resetPending ||= resetPending;
  }

  /** Runs at most `maxTicks` master ticks, less if something is due or the CPU becomes idle. */
  slice(maxTicks: number): SliceOutcome {
    const { scheduler, cpu } = this.machine.board;
    if (cpu === undefined) throw new Error('a machine needs a CPU to run');
    scheduler.runDue();
    if (this.#off) return 'off';
    if (this.#resetPending) {
      this.#resetPending = false;
      return 'reset';
    }
    // Before the slice: until it runs, `elapsed` is still that of the one before.
    const ticks = Math.max(1, Math.min(maxTicks, scheduler.headroom));
    scheduler.beginSlice(cpu);
    const reason = cpu.run(ticks);
    scheduler.endSlice();
    if (this.#off) return 'off';
    if (reason === STOP.checkstop) return 'checkstop';
    if (reason === STOP.breakpoint) return 'breakpoint';
    if (reason !== STOP.idle) return 'ran';
    return this.idleTicks === Infinity ? 'halted' : 'idle';
  }

  /** While idle: master ticks until something happens by itself. */
  get idleTicks(): number {
    const { scheduler, cpu } = this.machine.board;
    return Math.min(scheduler.headroom, cpu?.wakeIn ?? Infinity);
  }

  /** Lets virtual time pass with nothing executed. */
  skip(ticks: number): void {
    const { scheduler, cpu } = this.machine.board;
    scheduler.skip(ticks);
    cpu?.skipped(ticks);
  }
}
