// SPDX-License-Identifier: MIT
import { STATE_BASE } from '../common/layout';

// Register files with a computed index.
export const GPR_BASE: u32 = STATE_BASE; //               D0-D7, A0-A7: 16 words
export const FPR_BASE: u32 = STATE_BASE + 0x040; //       FP0-FP7: 16 bytes each, mantissa (u64), sign and exponent (u32)
export const FPFRAME_BASE: u32 = STATE_BASE + 0x0c0; //   what FSAVE has to say beyond the registers: 32 words
export const REGS_BASE: u32 = STATE_BASE + 0x400; //      CpuState
export const UNDO_BASE: u32 = STATE_BASE + 0x1f00; //     address registers changed by the current instruction
export const RUN_BASE: u32 = STATE_BASE + 0x2000; //      RunState

/** Every other register that the guest can see, and what the chip must remember. Saved whole in a snapshot. */
@unmanaged
export class CpuState {
  /** Condition codes, not packed: N is bit 31 of cc_n, Z is cc_z == 0, V is bit 31 of cc_v, C and X are 0 or 1. */
  cc_n: u32;
  cc_z: u32;
  cc_v: u32;
  cc_c: u32;
  cc_x: u32;
  pc: u32;
  /** The upper byte of the status register. */
  sr: u32;
  /** Stack pointers that are not A7 now. */
  usp: u32;
  isp: u32;
  msp: u32;
  vbr: u32;
  sfc: u32;
  dfc: u32;
  cacr: u32;
  caar: u32;
  /** Translation control: 16 bits on the 68040, 32 on the 68030. */
  tc: u32;
  /** 68040: ITT0, ITT1, DTT0, DTT1; 68030: TT0 and TT1 are the first two. */
  itt0: u32;
  itt1: u32;
  dtt0: u32;
  dtt1: u32;
  /** 68040: root pointers; 68030: the lower halves of CRP and SRP, which have upper ones too. */
  urp: u32;
  srp: u32;
  crp_upper: u32;
  srp_upper: u32;
  /** MMUSR (68040) or PSR (68030). */
  mmusr: u32;
  fpcr: u32;
  fpsr: u32;
  fpiar: u32;
  /** What FSAVE stores: 0 null, 1 idle, 2 an exception is pending, 3 unimplemented (68040). */
  fp_state: u32;
  /** Vector of the floating-point exception that waits for the next floating-point instruction, or 0. */
  fp_pending: u32;
  /** Level on the IPL pins, and 1 while a level 7 has not been taken. */
  ipl: u32;
  nmi: u32;
  /** 1 between STOP and the interrupt. */
  sleeping: u32;
  /** 1 after a double bus fault; only reset helps. */
  stopped: u32;
  /** RTE of a frame whose access software has done: 1, the address, the data, 1 for a write. */
  resume: u32;
  resume_address: u32;
  resume_data: u32;
  resume_write: u32;
  /** 1 when the trace exception is due before the next instruction. */
  trace_pending: u32;
  /** Address of the instruction that will be traced. */
  trace_pc: u32;
  /** 1 from reset until A7 and the program counter have been fetched. */
  vectors_due: u32;
  /** Ticks from power-on to the beginning of the slice. */
  ticks: u64;
  /** Ticks without an instruction. */
  idle_ticks: u64;
}

/** Where execution is, and the core's own caches: rebuilt after a restore, never saved. */
@unmanaged
export class RunState {
  /** Address of the decoded entry after the words used so far. */
  at: u32;
  /** Address of the entry after the operation word of the current instruction. */
  op_at: u32;
  /** Effective address of an entry: (at >> 2) + pc_delta; its place in this memory: (at >> 2) + host_delta. */
  pc_delta: u32;
  host_delta: u32;
  /** Ticks left until the loop returns. */
  left: i32;
  /** Ticks since the beginning of the slice at which `left` is 0. */
  target: u32;
  /** Ticks since the beginning of the slice at which the host wants control back. */
  end: u32;
  /** The TLB bank that expanded loads and stores look into, and the one the slow path fills. */
  bank: u32;
  slow_bank: u32;
  /** Function code of data accesses. */
  fc: u32;
  /** 1 after an access that did not succeed; its exception has been taken. */
  fault: u32;
  /** 1 once an exception was taken, 2 if it came instead of the instruction; for tracing. */
  excepted: u32;
  /** 68000: how far the program counter in a fault's frame is from the next word, which prefetching decides. */
  prefetch: u32;
  /** Address registers that are to be restored when the instruction fails: pairs at UNDO_BASE. */
  undo: u32;
  /** 1 when the instruction at cpu.pc goes on in the next page. */
  crossing: u32;
  /** 1 while an exception is being stacked because of a bus or address error. */
  stacking: u32;
  /** Number of a decoded page to be dropped at the next exit, because it is written too often. */
  drop_page: u32;
  /** Decoded pages ever used; the first of those free again; the next one to evict. */
  pages_used: u32;
  free_page: u32;
  page_hand: u32;
  /** What `translate` found: physical address, TLB_* permissions. */
  pa: u32;
  permissions: u32;
  /** Set by the host when an access ended in a bus error. */
  bus_error: u32;
  /** What was configured. */
  model: u32;
  fpu: u32;
  hypercalls: u32;
  /** SR bits that exist. */
  sr_mask: u32;
  /** Address bits that exist. */
  address_mask: u32;
  /** 1 while nothing the core does may be seen by the guest. */
  probe: u32;
  /** The access that failed: first address of it and whether it was a write or a locked one; for exception frames. */
  fault_address: u32;
  fault_write: u32;
  fault_size: u32;
  fault_data: u32;
  fault_fc: u32;
  /** 1 when the part of it in the second page failed. */
  fault_second: u32;
  /** Why: FAULT_*. */
  fault_cause: u32;
  /** The same of a store that ended the last instruction and has not been reported; 0 when there is none. */
  late_cause: u32;
  /** 1 while a read-modify-write cycle is on the bus; 1 while MOVE16 is. */
  locked: u32;
  line: u32;
  /** 1 when the instruction is over once its store is, so that a store that fails can be left to the handler. */
  last_store: u32;
  /** Operand address, for frames of the 68040's floating point. */
  fp_ea: u32;
  /** 68030 table search: levels, and the address of the last descriptor. */
  levels: u32;
  descriptor: u32;
  status: u32;
}

// @ts-ignore: decorator
@inline
export const cpu: CpuState = changetype<CpuState>(REGS_BASE);

// @ts-ignore: decorator
@inline
export const run: RunState = changetype<RunState>(RUN_BASE);

/** D0-D7 are 0-7, A0-A7 are 8-15. */
// @ts-ignore: decorator
@inline
export function gpr(n: u32): u32 {
  return load<u32>(GPR_BASE + (n << 2));
}

// @ts-ignore: decorator
@inline
export function setGpr(n: u32, value: u32): void {
  store<u32>(GPR_BASE + (n << 2), value);
}

// @ts-ignore: decorator
@inline
export function areg(n: u32): u32 {
  return load<u32>((n & 7) << 2, GPR_BASE + 32);
}

// @ts-ignore: decorator
@inline
export function setAreg(n: u32, value: u32): void {
  store<u32>((n & 7) << 2, value, GPR_BASE + 32);
}

/** Data register `n`, changed in its lower `size` bytes. */
// @ts-ignore: decorator
@inline
export function setDregSized(n: u32, size: u32, value: u32): void {
  const at: u32 = (n & 7) << 2;
  if (size == 4) store<u32>(at, value, GPR_BASE);
  else if (size == 2) store<u16>(at, <u16>value, GPR_BASE);
  else store<u8>(at, <u8>value, GPR_BASE);
}

export const SP: u32 = 15;
