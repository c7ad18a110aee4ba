// SPDX-License-Identifier: MIT
//
// Bus errors, address errors, and what the MMU refuses: the frames that let software repair the access and go on
// [68000 UM §6.3.9], [68020 UM §6], [68030 UM §8], [68040 UM §8.4].
//
// Here an instruction that fails has changed no register, and RTE executes it again from its beginning. On the 68020
// and 68030 software may instead have done the access and say so in the frame; that access is then left out. On the
// 68040 the store that ends an instruction is pending, as write-back 3, when the exception is taken.
import { EXIT_ENTRY, leave, pcCurrent, pcNext, stopSoon } from './code';
import { MODEL_68000, MODEL_68040, SR_S, VECTOR_ACCESS, VECTOR_ADDRESS } from './constants';
import { enterVector, halt, pushLong, pushWord, superviseStack } from './exceptions';
import { UNDO_BASE, cpu, run, setGpr } from './state';

export const FAULT_BUS: u32 = 1; //      the bus says so
export const FAULT_ADDRESS: u32 = 2; //  a word at an odd address
export const FAULT_MMU: u32 = 3; //      no translation, or not for this access

/** The MOVES or PC-relative bit of `run.undo`: the operand is in program space. */
export const UNDO_PROGRAM: u32 = 0x100;

// SSW of the 68020 and 68030.
const SSW_FB: u32 = 0x4000; //   fault on stage B
const SSW_RB: u32 = 0x1000;
const SSW_DF: u32 = 0x0100; //   data fault: run the cycle again
const SSW_RM: u32 = 0x0080; //   read-modify-write
const SSW_RW: u32 = 0x0040; //   read

// SSW of the 68040.
const SSW4_MA: u32 = 0x0800; //  the second page of a misaligned access
const SSW4_ATC: u32 = 0x0400;
const SSW4_LK: u32 = 0x0200;
const SSW4_RW: u32 = 0x0100;
const WBV: u32 = 0x0080; //      write-back valid

/** What frame B has in its version field: the restart state is ours. */
export const FRAME_B_VERSION: u32 = 0x5000;

/** Before the address register `n` (8-15) changes as a side effect of addressing. */
// @ts-ignore: decorator
@inline
export function remember(n: u32, value: u32): void {
  const count: u32 = run.undo & 0xff;
  store<u32>(UNDO_BASE + (count << 3), n);
  store<u32>(UNDO_BASE + (count << 3), value, 4);
  run.undo++;
}

function undoRegisters(): void {
  for (let i: u32 = run.undo & 0xff; i > 0; i--) {
    const at: u32 = UNDO_BASE + ((i - 1) << 3);
    setGpr(load<u32>(at), load<u32>(at, 4));
  }
  run.undo &= UNDO_PROGRAM;
}

/** SIZE of the 68020, 68030 and 68040: long 0, byte 1, word 2, line 3. */
function sizeCode(size: u32): u32 {
  return size == 4 ? 0 : size == 16 ? 3 : size;
}

/** The access in `run.fault_…` failed. */
export function accessFault(cause: u32): void {
  run.bus_error = 0;
  run.fault = 1;
  if (run.stacking != 0) {
    halt();
    return;
  }
  if (run.last_store != 0) {
    run.late_cause = cause;
    run.fault = 0;
    stopSoon();
    return;
  }
  if (run.model != MODEL_68000) undoRegisters();
  const pc: u32 = run.op_at == EXIT_ENTRY ? cpu.pc : run.model == MODEL_68000 ? pcNext() + run.prefetch : pcCurrent();
  const opcode: u32 = run.op_at == EXIT_ENTRY ? 0 : load<u32>(run.op_at - 8) >>> 16;
  const program: bool = (run.undo & UNDO_PROGRAM) != 0;
  takeAccessFault(cause, pc, opcode, program);
  run.fault = 1;
}

/** The store that ended the last instruction failed; the next one has not begun. 68040. */
export function deliverLateFault(): void {
  const cause: u32 = run.late_cause;
  run.late_cause = 0;
  const faultAddress: u32 = run.fault_address;
  const size: u32 = sizeCode(run.fault_size);
  const status: u32 = (size << 5) | run.fault_fc;
  const data: u32 = run.fault_data;
  const oldSr: u32 = superviseStack();
  run.stacking = 1;
  pushWriteBacks(0, 0, data, faultAddress, faultAddress);
  pushWord(0); //                   WB1S
  pushWord(0); //                   WB2S
  pushWord(WBV | status); //        WB3S
  pushWord(status | misaligned(cause, faultAddress, run.fault_size) | (cause == FAULT_MMU ? SSW4_ATC : 0));
  pushLong(faultAddress); //        effective address
  finish(VECTOR_ACCESS, 7, cpu.pc, oldSr);
}

function misaligned(cause: u32, ea: u32, size: u32): u32 {
  return cause == FAULT_MMU && ((ea ^ (ea + size - 1)) & ~0xfff) != 0 && run.fault_second != 0 ? SSW4_MA : 0;
}

/** The part of frame 7 above WB1S. */
function pushWriteBacks(wb2a: u32, wb2d: u32, wb3d: u32, wb3a: u32, fa: u32): void {
  for (let i: u32 = 0; i < 4; i++) pushLong(0); // PD3 PD2 PD1, WB1D/PD0
  pushLong(0); //      WB1A
  pushLong(wb2d);
  pushLong(wb2a);
  pushLong(wb3d);
  pushLong(wb3a);
  pushLong(fa);
}

function finish(vector: u32, format: u32, pc: u32, oldSr: u32): void {
  pushWord((format << 12) | (vector << 2));
  pushLong(pc);
  pushWord(oldSr);
  if (run.stacking != 0) {
    run.excepted = 2;
    enterVector(vector);
  }
  run.stacking = 0;
}

/** Takes the exception of the data access in `run.fault_…`. */
function takeAccessFault(cause: u32, pc: u32, opcode: u32, program: bool): void {
  const faultAddress: u32 = run.fault_address;
  const writing: bool = run.fault_write != 0;
  const size: u32 = run.fault_size;
  const data: u32 = run.fault_data;
  const locked: bool = run.locked != 0;
  const line: bool = run.line != 0;
  let fc: u32 = run.fault_fc;
  run.locked = run.line = 0;
  run.excepted = 2;
  cpu.sleeping = 0;
  const oldSr: u32 = superviseStack();
  run.stacking = 1;
  if (run.model == MODEL_68000) {
    if (program && !writing) fc += 1;
    const status: u32 = (opcode & 0xffe0) | (writing ? 0 : 0x10) | (fc & 7);
    pushLong(pc);
    pushWord(oldSr);
    pushWord(opcode);
    pushLong(faultAddress);
    pushWord(status);
    if (run.stacking != 0) enterVector(cause == FAULT_ADDRESS ? VECTOR_ADDRESS : VECTOR_ACCESS);
    run.stacking = 0;
    return;
  }
  if (run.model == MODEL_68040) {
    pushWriteBacks(0, 0, 0, 0, faultAddress);
    pushWord(0);
    pushWord(0);
    pushWord(0);
    const transfer: u32 = line ? 0x08 : 0;
    pushWord(
      ((line ? 3 : sizeCode(size)) << 5) | transfer | fc | misaligned(cause, faultAddress, size) |
        (cause == FAULT_MMU ? SSW4_ATC : 0) | (writing ? 0 : SSW4_RW) | (locked ? SSW4_LK : 0),
    );
    pushLong(faultAddress);
    finish(VECTOR_ACCESS, 7, pc, oldSr);
    return;
  }
  const status: u32 = SSW_DF | (locked ? SSW_RM : 0) | (writing ? 0 : SSW_RW) | (sizeCode(size) << 4) | fc;
  pushFrameB(status, faultAddress, writing ? data : 0, pc + 4, opcode);
  finish(VECTOR_ACCESS, 11, pc, oldSr);
}

/** The part of frame B above the format word. */
function pushFrameB(ssw: u32, faultAddress: u32, output: u32, stageB: u32, opcode: u32): void {
  for (let i: u32 = 0; i < 18; i++) pushWord(0); // internal, 0x38
  pushWord(FRAME_B_VERSION); //  0x36
  pushWord(0);
  pushWord(0);
  pushWord(0);
  pushLong(0); //               0x2c data input buffer
  pushLong(0);
  pushLong(stageB); //          0x24
  pushLong(0);
  pushLong(0);
  pushLong(output); //          0x18
  pushLong(0);
  pushLong(faultAddress); //    0x10
  pushWord(0); //               0x0e pipe stage B
  pushWord(opcode); //          0x0c pipe stage C
  pushWord(ssw); //             0x0a
  pushWord(0);
}

/** The word of the instruction stream at `address` could not be fetched; the instruction is at `pc`. */
export function fetchFault(cause: u32, pc: u32, address: u32): void {
  run.bus_error = 0;
  run.op_at = EXIT_ENTRY;
  run.excepted = 2;
  if (run.stacking != 0) {
    halt();
    return;
  }
  const supervisor: bool = (cpu.sr & SR_S) != 0;
  const fc: u32 = supervisor ? 6 : 2;
  const oldSr: u32 = superviseStack();
  run.stacking = 1;
  if (run.model == MODEL_68000) {
    pushLong(pc);
    pushWord(oldSr);
    pushWord(0);
    pushLong(address);
    pushWord(0x10 | fc);
    if (run.stacking != 0) enterVector(VECTOR_ACCESS);
    run.stacking = 0;
    return;
  }
  if (run.model == MODEL_68040) {
    pushWriteBacks(0, 0, 0, 0, address);
    pushWord(0);
    pushWord(0);
    pushWord(0);
    pushWord((2 << 5) | fc | SSW4_RW | (cause == FAULT_MMU ? SSW4_ATC : 0));
    pushLong(address);
    finish(VECTOR_ACCESS, 7, pc, oldSr);
    return;
  }
  pushFrameB(SSW_FB | SSW_RB | SSW_RW | (2 << 4) | fc, 0, 0, address, 0);
  finish(VECTOR_ACCESS, 11, pc, oldSr);
}

/** A jump of the instruction at `pc` to the odd address `target`. */
export function addressError(target: u32, pc: u32, opcode: u32): void {
  run.excepted = 2;
  if (run.stacking != 0) {
    halt();
    run.fault = 1;
    return;
  }
  const supervisor: bool = (cpu.sr & SR_S) != 0;
  const fc: u32 = supervisor ? 6 : 2;
  const oldSr: u32 = superviseStack();
  run.stacking = 1;
  if (run.model == MODEL_68000) {
    pushLong(pc);
    pushWord(oldSr);
    pushWord(opcode);
    pushLong(target);
    pushWord((opcode & 0xffe0) | 0x10 | fc);
    if (run.stacking != 0) enterVector(VECTOR_ADDRESS);
    run.stacking = 0;
  } else if (run.model == MODEL_68040) {
    pushLong(target & ~1);
    finish(VECTOR_ADDRESS, 2, pc, oldSr);
  } else {
    pushFrameB(SSW_FB | SSW_RB | SSW_RW | (2 << 4) | fc, target, 0, target, opcode);
    finish(VECTOR_ADDRESS, 11, pc, oldSr);
  }
  run.fault = 1;
  leave();
}

/** The current instruction jumps to an odd address; `prefetched` is what the 68000 shows as its program counter. */
export function faultAtJump(target: u32, prefetched: u32): void {
  if (run.model != MODEL_68000) undoRegisters();
  const opcode: u32 = load<u32>(run.op_at - 8) >>> 16;
  addressError(target, run.model == MODEL_68000 ? prefetched : pcCurrent(), opcode);
}
