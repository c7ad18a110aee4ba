// SPDX-License-Identifier: MIT
//
// Exceptions that come from outside the instruction stream [PEM §6.1.2]: which wait, and which is taken next.
import { leaveAfter, stopSoon } from './code';
import {
  PENDING_DECREMENTER,
  PENDING_EXTERNAL,
  PENDING_MACHINE_CHECK,
  PENDING_PERFORMANCE,
  PENDING_RESET,
  PENDING_SMI,
  PENDING_THERMAL,
  PENDING_UNMASKED,
  VECTOR_DECREMENTER,
  VECTOR_EXTERNAL,
  VECTOR_PERFORMANCE,
  VECTOR_RESET,
  VECTOR_SMI,
  VECTOR_THERMAL,
} from './constants';
import { SRR1_MCP, enter, interruptsEnabled, machineCheck } from './exceptions';
import { cpu } from './state';

/** Makes exceptions wait to be taken; the loop comes back to look. */
export function postInterrupt(bits: u32): void {
  cpu.pending |= bits;
  stopSoon();
}

/** Those that may be taken now. */
export function deliverable(): u32 {
  return interruptsEnabled() ? cpu.pending : cpu.pending & PENDING_UNMASKED;
}

/** After an instruction that may have enabled interrupts: they are taken before the next one. */
export function recheckInterrupts(): void {
  if (deliverable() != 0) leaveAfter();
}

/** Takes the most urgent exception that may be taken. Between instructions. True if there was one. */
export function deliverInterrupt(): bool {
  const ready: u32 = deliverable();
  if (ready == 0) return false;
  if ((ready & PENDING_RESET) != 0) {
    cpu.pending &= ~PENDING_RESET;
    enter(VECTOR_RESET, 0, cpu.pc);
  } else if ((ready & PENDING_MACHINE_CHECK) != 0) {
    cpu.pending &= ~PENDING_MACHINE_CHECK;
    machineCheck(SRR1_MCP, cpu.pc);
  } else if ((ready & PENDING_SMI) != 0) {
    cpu.pending &= ~PENDING_SMI;
    enter(VECTOR_SMI, 0, cpu.pc);
  } else if ((ready & PENDING_EXTERNAL) != 0) {
    enter(VECTOR_EXTERNAL, 0, cpu.pc);
  } else if ((ready & PENDING_PERFORMANCE) != 0) {
    cpu.pending &= ~PENDING_PERFORMANCE;
    enter(VECTOR_PERFORMANCE, 0, cpu.pc);
  } else if ((ready & PENDING_DECREMENTER) != 0) {
    cpu.pending &= ~PENDING_DECREMENTER;
    enter(VECTOR_DECREMENTER, 0, cpu.pc);
  } else if ((ready & PENDING_THERMAL) != 0) {
    cpu.pending &= ~PENDING_THERMAL;
    enter(VECTOR_THERMAL, 0, cpu.pc);
  }
  return true;
}
