// SPDX-License-Identifier: MIT
import type { Device } from './device.ts';
import type { SliceClock } from './scheduler.ts';

/** Why `Cpu.run` returned. */
export const STOP = {
  /** The deadline was reached, or something asked to be looked at. */
  budget: 0,
  /** The CPU waits for an interrupt (MSR[POW], STOP, WFI). */
  idle: 1,
  /** A breakpoint or watchpoint; `Cpu.pc` is where. */
  breakpoint: 2,
  /** The CPU cannot go on: a PowerPC checkstop, a 68k double bus fault. */
  checkstop: 3,
} as const;
export type StopReason = (typeof STOP)[keyof typeof STOP];

/** A CPU on the board. Its time is the machine's master tick: one tick is one instruction slot. */
export interface Cpu extends Device, SliceClock {
  /** Effective address of the instruction being, or about to be, executed. */
  readonly pc: number;
  /**
   * Runs until `ticks` master ticks have elapsed since this call, `pullIn` says earlier, or something else stops it.
   * `elapsed()` then says how far it got.
   */
  run(ticks: number): StopReason;
  /** Exactly one instruction (or one exception entry). */
  step(): StopReason;
  /** While idle: master ticks until the CPU's own timers wake it; `Infinity` when only an interrupt can. */
  readonly wakeIn: number;
  /** Virtual time passed with nothing executed; the CPU's own timers must follow. */
  skipped(ticks: number): void;
  /** External interrupt pin. */
  interrupt(level: boolean): void;
  /** Physical address of an effective one for the debugger; `undefined` when not mapped. No side effects. */
  translate(va: number, space: 'code' | 'data'): number | undefined;
  /** Architectural registers by the manual's names, for debuggers and tests. */
  registers(): Record<string, number | bigint>;
  setRegister(name: string, value: number | bigint): void;
}
