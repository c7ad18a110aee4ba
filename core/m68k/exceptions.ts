// SPDX-License-Identifier: MIT
//
// Exception processing [M68000PRM §B], [68040 UM §8]: the status register, the stacks, and the frames that all models
// but the first give a format: 0 (four words), 1 (throwaway), 2 (with an address), 3 (floating point, 68040).
import { LOG_CHECKSTOP, log } from '../common/host';
import { EXIT_ENTRY, leave, leaveAfter, pcCurrent, pcNext } from './code';
import {
  MODEL_68000,
  SR_M,
  SR_S,
  SR_T0,
  SR_T1,
  VECTOR_FORMAT,
  VECTOR_ILLEGAL,
  VECTOR_LINE_A,
  VECTOR_LINE_F,
  VECTOR_PRIVILEGE,
} from './constants';
import { addressError } from './faults';
import { ccr, setCcr } from './flags';
import { read, write } from './memory';
import { SP, cpu, gpr, run, setGpr } from './state';
import { selectBank } from './tlb';

/** The status register. */
export function sr(): u32 {
  return cpu.sr | ccr();
}

/** Puts A7 where the mode of `old` keeps it, and gets that of the mode of `next`. */
function swapStacks(old: u32, next: u32): void {
  const sp: u32 = gpr(SP);
  if ((old & SR_S) == 0) cpu.usp = sp;
  else if ((old & SR_M) == 0) cpu.isp = sp;
  else cpu.msp = sp;
  setGpr(SP, (next & SR_S) == 0 ? cpu.usp : (next & SR_M) == 0 ? cpu.isp : cpu.msp);
}

/** Sets the upper byte of the status register and all that follows from it. */
export function setSystemByte(value: u32): void {
  const old: u32 = cpu.sr;
  const next: u32 = value & run.sr_mask & 0xff00;
  cpu.sr = next;
  if (((old ^ next) & (SR_S | SR_M)) != 0) {
    swapStacks(old, next);
    selectBank();
  }
}

export function setSr(value: u32): void {
  setCcr(value);
  setSystemByte(value);
}

/** The loop looks again at interrupts and tracing before the next instruction. */
export function setSrAndLook(value: u32): void {
  setSr(value);
  leaveAfter();
}

/** Supervisor state without tracing, on the stack of exceptions. Returns the status register as it was. */
export function superviseStack(): u32 {
  const old: u32 = sr();
  setSystemByte((cpu.sr | SR_S) & ~(SR_T1 | SR_T0));
  return old;
}

export function pushWord(value: u32): void {
  const sp: u32 = gpr(SP) - 2;
  setGpr(SP, sp);
  if (cpu.stopped == 0) write(sp, 2, value);
}

export function pushLong(value: u32): void {
  const sp: u32 = gpr(SP) - 4;
  setGpr(SP, sp);
  if (cpu.stopped == 0) write(sp, 4, value);
}

/** A double bus fault: the processor stops until it is reset. */
export function halt(): void {
  log(LOG_CHECKSTOP, cpu.pc, run.fault_address);
  cpu.stopped = 1;
  cpu.pc = run.op_at == EXIT_ENTRY ? cpu.pc : pcCurrent();
  run.stacking = 0;
  run.excepted = 2;
  leave();
}

/** Goes on at the handler of `vector`. */
export function enterVector(vector: u32): void {
  if (cpu.stopped != 0) return;
  cpu.sleeping = 0;
  const handler: u32 = read(cpu.vbr + (vector << 2), 4);
  if (run.fault != 0) return;
  if ((handler & 1) != 0) {
    run.op_at = EXIT_ENTRY;
    cpu.pc = handler;
    addressError(handler, handler, 0);
    return;
  }
  cpu.pc = handler;
  leave();
}

/** Stacks a frame and enters the handler. `address` is of format 2 and 3. */
export function enter(vector: u32, format: u32, pc: u32, address: u32): void {
  const old: u32 = superviseStack();
  run.fault = 0;
  // A fault while stacking is an access error of its own; the frame begun is abandoned.
  if (run.model != MODEL_68000) {
    if (format >= 2) pushLong(address);
    if (run.fault != 0) return;
    pushWord((format << 12) | (vector << 2));
    if (run.fault != 0) return;
  }
  pushLong(pc);
  if (run.fault != 0) return;
  pushWord(old);
  if (run.fault != 0) return;
  enterVector(vector);
}

/** Format 9, of a coprocessor: the instruction's address and four internal words. */
export function enterMidInstruction(vector: u32, pc: u32, address: u32): void {
  const old: u32 = superviseStack();
  run.fault = 0;
  pushLong(0);
  if (run.fault == 0) pushLong(0);
  if (run.fault == 0) pushLong(address);
  if (run.fault == 0) pushWord(0x9000 | (vector << 2));
  if (run.fault == 0) pushLong(pc);
  if (run.fault == 0) pushWord(old);
  if (run.fault == 0) enterVector(vector);
}

/** An exception instead of the current instruction, which stays the next. */
export function refuse(vector: u32): void {
  run.fault = 0;
  enter(vector, 0, pcCurrent(), 0);
  run.fault = 1;
  run.excepted = 2;
}

/** An exception that the current instruction ends with; the frame says where it is, from the 68020 on. */
export function trap(vector: u32): void {
  run.fault = 0;
  enter(vector, 2, pcNext(), pcCurrent());
  run.fault = 1;
  run.excepted = 1;
}

/** TRAP #n: the same without the address. */
export function softwareTrap(vector: u32): void {
  run.fault = 0;
  enter(vector, 0, pcNext(), 0);
  run.fault = 1;
  run.excepted = 1;
}

export function illegal(w: u32): void {
  run.undo = 0;
  const line: u32 = w >>> 28;
  refuse(line == 15 ? VECTOR_LINE_F : line == 10 ? VECTOR_LINE_A : VECTOR_ILLEGAL);
}

export function lineF(): void {
  refuse(VECTOR_LINE_F);
}

export function formatError(): void {
  refuse(VECTOR_FORMAT);
}

/** True in supervisor state; else the privilege violation is taken. */
export function supervisor(): bool {
  if ((cpu.sr & SR_S) != 0) return true;
  refuse(VECTOR_PRIVILEGE);
  return false;
}
