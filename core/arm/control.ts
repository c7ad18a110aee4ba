// SPDX-License-Identifier: MIT
//
// CP15, the system control coprocessor. Registers are named opc1, CRn, CRm, opc2 as hexadecimal digits: 0x0100 is the
// control register. What goes on in each processor's CP15 is in a file of its own.
import { MODEL_ARM3, MODEL_ARM926, MODEL_CORTEX_A8, SCTLR_V } from './constants';
import { SCTLR_926, read926, write926 } from './control-arm926';
import { readArm3, writeArm3 } from './control-arm3';
import { SCTLR_A8, readA8, writeA8 } from './control-cortex-a8';
import { cpu, run } from './state';

/** A register's value; `run.refused` becomes 1 where the instruction is undefined. */
export function readControl(register: u32): u32 {
  if (run.model <= MODEL_ARM3) return readArm3(register);
  return run.model == MODEL_ARM926 ? read926(register) : readA8(register);
}

/** False where the instruction is undefined. */
export function writeControl(register: u32, value: u32): bool {
  if (run.model <= MODEL_ARM3) return writeArm3(register, value);
  return run.model == MODEL_ARM926 ? write926(register, value) : writeA8(register, value);
}

/** The registers' values after a reset. */
export function resetControl(): void {
  const vectors: u32 = run.high_vectors != 0 ? SCTLR_V : 0;
  if (run.model == MODEL_ARM926) cpu.sctlr = SCTLR_926 | vectors;
  else if (run.model == MODEL_CORTEX_A8) cpu.sctlr = SCTLR_A8 | vectors;
}
