// SPDX-License-Identifier: MIT
//
// The exception mechanism [PEM §6] and the machine state register.
import { LOG_CHECKSTOP, log } from '../common/host';
import { leave, pcCurrent, pcOf } from './code';
import {
  DSISR_STORE,
  MODEL_601,
  MSR_EE,
  MSR_FP,
  MSR_ILE,
  MSR_IP,
  MSR_LE,
  MSR_ME,
  MSR_PR,
  MSR_TGPR,
  SRR1_PRIVILEGED,
  VECTOR_ALIGNMENT,
  VECTOR_DSI,
  VECTOR_FP_UNAVAILABLE,
  VECTOR_ISI,
  VECTOR_MACHINE_CHECK,
  VECTOR_PROGRAM,
  VECTOR_SYSTEM_CALL,
  VECTOR_VECTOR_UNAVAILABLE,
} from './constants';
import { countPerformance } from './performance';
import { GPR_BASE, TGPR_BASE, cpu, run } from './state';
import { flushDirtySegments, selectBank } from './tlb';

/** MSR bits that an exception copies to SRR1. */
const SRR1_FROM_MSR: u32 = 0x87c0_ffff;

/** SRR1 of a machine check: TEA, a bus error. */
export const SRR1_TEA: u32 = 0x0004_0000;
/** SRR1 of a machine check: the MCP pin. */
export const SRR1_MCP: u32 = 0x0008_0000;

/** Sets the MSR and all that follows from it. */
export function setMsr(value: u32): void {
  const old: u32 = cpu.msr;
  const msr: u32 = value & run.msr_mask;
  if (msr == old) return;
  if ((cpu.mmcr0 | cpu.mmcr1) != 0) countPerformance();
  cpu.msr = msr;
  if (((msr ^ old) & MSR_TGPR) != 0) {
    for (let i: u32 = 0; i < 16; i += 4) {
      const other: u32 = load<u32>(TGPR_BASE + i);
      store<u32>(TGPR_BASE + i, load<u32>(GPR_BASE + i));
      store<u32>(GPR_BASE + i, other);
    }
  }
  selectBank();
}

/** Enters the handler of an exception. `info` are the bits of SRR1 that do not come from the MSR. */
export function enter(vector: u32, info: u32, returnTo: u32): void {
  const old: u32 = cpu.msr;
  cpu.srr0 = returnTo;
  cpu.srr1 = (old & SRR1_FROM_MSR) | info;
  let msr: u32 = old & (MSR_ILE | MSR_IP);
  if (vector != VECTOR_MACHINE_CHECK) msr |= old & MSR_ME;
  if ((msr & MSR_ILE) != 0) msr |= MSR_LE;
  setMsr(msr);
  cpu.pc = ((msr & MSR_IP) != 0 ? 0xfff0_0000 : 0) | vector;
  cpu.sleeping = 0;
  run.excepted = 1;
  leave();
  flushDirtySegments();
}

/** An exception caused by the current instruction, which has not completed. */
export function raise(vector: u32, info: u32): void {
  enter(vector, info, pcCurrent());
  run.fault = 1;
}

export function programException(reason: u32): void {
  raise(VECTOR_PROGRAM, reason);
}

/** True in supervisor state; else the privileged-instruction exception is taken. */
export function supervisor(): bool {
  if ((cpu.msr & MSR_PR) == 0) return true;
  programException(SRR1_PRIVILEGED);
  return false;
}

/** True if floating-point instructions may be executed; else the exception is taken. */
// @ts-ignore: decorator
@inline
export function fpAvailable(): bool {
  if ((cpu.msr & MSR_FP) != 0) return true;
  raise(VECTOR_FP_UNAVAILABLE, 0);
  return false;
}

export function dataException(ea: u32, cause: u32, write: bool): void {
  cpu.dar = ea;
  cpu.dsisr = cause | (write ? DSISR_STORE : 0);
  raise(VECTOR_DSI, 0);
}

/** `cpu.pc` could not be fetched. Between instructions. */
export function fetchException(cause: u32): void {
  enter(VECTOR_ISI, cause, cpu.pc);
}

/** The operand at `ea` is not aligned as the instruction needs it. DSISR shows the instruction [PEM §6.4.6.1]. */
export function alignmentException(op: u32, ea: u32): void {
  cpu.dar = ea;
  let dsisr: u32 = (op >>> 16) & 0x3ff; // rD and rA
  if (op >>> 26 == 31) {
    dsisr |= ((op >>> 1) & 3) << 15; // bits 29-30
    dsisr |= ((op >>> 6) & 1) << 14; // bit 25
    dsisr |= ((op >>> 7) & 15) << 10; // bits 21-24
  } else {
    dsisr |= ((op >>> 26) & 1) << 14; // bit 5
    dsisr |= ((op >>> 27) & 15) << 10; // bits 1-4
  }
  cpu.dsisr = dsisr;
  raise(VECTOR_ALIGNMENT, 0);
}

/** A machine check, or a checkstop when it is disabled. */
export function machineCheck(info: u32, returnTo: u32): void {
  if ((cpu.msr & MSR_ME) == 0) {
    log(LOG_CHECKSTOP, returnTo, info);
    cpu.pc = returnTo;
    cpu.stopped = 1;
    run.excepted = 1;
    leave();
    return;
  }
  enter(VECTOR_MACHINE_CHECK, info, returnTo);
}

/** A data access of the current instruction ended in a bus error. */
export function busError(): void {
  run.bus_error = 0;
  machineCheck(run.model == MODEL_601 ? 0 : SRR1_TEA, pcCurrent());
  run.fault = 1;
}

export function op_sc(op: u32): void {
  enter(VECTOR_SYSTEM_CALL, 0, pcOf(run.at));
}

/** An AltiVec instruction. The vector unit is not modelled: the exception is taken even with MSR[VEC] set. */
export function op_vector(op: u32): void {
  raise(VECTOR_VECTOR_UNAVAILABLE, 0);
}

/** dst, dstst, dss: hints, allowed with MSR[VEC] clear. */
export function op_stream(op: u32): void {}

/** Interrupts are enabled. */
// @ts-ignore: decorator
@inline
export function interruptsEnabled(): bool {
  return (cpu.msr & MSR_EE) != 0;
}
