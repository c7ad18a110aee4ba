// SPDX-License-Identifier: MIT
import type { MemoryLayout } from './next-memory.ts';

/** What tells the NeXT computers apart. */
export interface NextModel {
  readonly name: string;
  /**
   * `first`: the 68030 machine of 1988. `classic`: 68040 machines, on which BMAP leads to the old peripheral bus.
   * `turbo`: those with the memory controller TMC.
   */
  readonly generation: 'first' | 'classic' | 'turbo';
  readonly cpuHz: number;
  readonly memory: MemoryLayout;
  /** System control register 1. */
  readonly scr1: number;
  readonly slot: number;
  readonly color: boolean;
  /** A cube has a NeXTbus backplane. */
  readonly nextBus: boolean;
  /** It may have magneto-optical drives. */
  readonly opticalDrive: boolean;
}

/** Instruction slots a second, and what a delay loop's DBcc takes beyond one; see docs/next.md. */
export function timing({ generation, cpuHz }: NextModel): { slotsHz: number; delayTicks: number } {
  // A DBcc to itself takes 6 clocks of a 68030, 4 of a 68040; other instructions 6 and 2 on average.
  if (generation === 'first') return { slotsHz: Math.round(cpuHz / 6), delayTicks: 0 };
  return { slotsHz: cpuHz / 2, delayTicks: 1 };
}

export const romBytes = ({ generation }: NextModel): number => (generation === 'first' ? 64 << 10 : 128 << 10);
