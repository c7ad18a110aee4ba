// SPDX-License-Identifier: MIT
//
// CP15, the system control coprocessor. Registers are named opc1, CRn, CRm, opc2 as hexadecimal digits: 0x0_1_0_0 is the
// control register.
import { MODEL_ARM3 } from './constants';
import { readArm3, writeArm3 } from './control-arm3';
import { run } from './state';

/** A register's value; `run.refused` becomes 1 where the instruction is undefined. */
export function readControl(register: u32): u32 {
  if (run.model <= MODEL_ARM3) return readArm3(register);
  run.refused = 1;
  return 0;
}

/** False where the instruction is undefined. */
export function writeControl(register: u32, value: u32): bool {
  if (run.model <= MODEL_ARM3) return writeArm3(register, value);
  return false;
}

/** The registers' values after a reset. */
export function resetControl(): void {}
