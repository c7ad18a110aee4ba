// SPDX-License-Identifier: MIT
import { STATE_BASE } from '../common/layout';

// Register files with a computed index, in guest numbering.
export const GPR_BASE: u32 = STATE_BASE; //               32 words
export const FPR_BASE: u32 = STATE_BASE + 0x080; //       32 doublewords, IEEE double bits
export const CR_BASE: u32 = STATE_BASE + 0x180; //        8 bytes, one CR field (LT GT EQ SO) in each byte's low bits
export const SR_BASE: u32 = STATE_BASE + 0x1c0; //        16 segment registers
export const BAT_BASE: u32 = STATE_BASE + 0x200; //       IBAT0U IBAT0L … IBAT3L, DBAT0U … DBAT3L: 16 words
export const SPRG_BASE: u32 = STATE_BASE + 0x240; //      4 words
export const PMC_BASE: u32 = STATE_BASE + 0x250; //       PMC1-PMC4
export const THRM_BASE: u32 = STATE_BASE + 0x260; //      THRM1-THRM3
export const TGPR_BASE: u32 = STATE_BASE + 0x270; //      the other bank of r0-r3 (603: MSR[TGPR])
export const TLB603_BASE: u32 = STATE_BASE + 0x800; //    the 603's two TLBs: 32 sets of 2 ways, 2 PTE words each
export const REGS_BASE: u32 = STATE_BASE + 0x400; //      CpuState
export const RUN_BASE: u32 = STATE_BASE + 0x2000; //      RunState

/** Every other register that the guest can see, and what the chip must remember. Saved whole in a snapshot. */
@unmanaged
export class CpuState {
  pc: u32;
  msr: u32;
  lr: u32;
  ctr: u32;
  /** XER[SO], XER[OV] and XER[CA] as 0 or 1, and the byte count of lswx and stswx. */
  xer_so: u32;
  xer_ov: u32;
  xer_ca: u32;
  xer_count: u32;
  /** 601: the byte lscbx looks for. */
  xer_byte: u32;
  fpscr: u32;
  srr0: u32;
  srr1: u32;
  dsisr: u32;
  dar: u32;
  sdr1: u32;
  ear: u32;
  pvr: u32;
  pir: u32;
  hid0: u32;
  hid1: u32;
  iabr: u32;
  dabr: u32;
  l2cr: u32;
  ictc: u32;
  mmcr0: u32;
  mmcr1: u32;
  mmcr2: u32;
  sia: u32;
  sda: u32;
  /** 7400. */
  vrsave: u32;
  msscr0: u32;
  msscr1: u32;
  ubamr: u32;
  vscr: u32;
  /** 601. */
  mq: u32;
  /** 603: what the TLB miss handlers find and leave. */
  dmiss: u32;
  dcmp: u32;
  hash1: u32;
  hash2: u32;
  imiss: u32;
  icmp: u32;
  rpa: u32;
  /** 603: least recently used way of each set of the instruction and the data TLB, one bit a set. */
  itlb_lru: u32;
  dtlb_lru: u32;
  /** lwarx: 1 while the reservation holds, and the physical address of its 32-byte granule. */
  reserved: u32;
  reservation: u32;
  /** Interrupts that wait to be taken: PENDING_*. The external pin is a level, the rest are latches. */
  pending: u32;
  /** 1 while napping or dozing. */
  sleeping: u32;
  /** 1 after a checkstop; only reset helps. */
  stopped: u32;
  /** Instructions (ticks) from power-on to the beginning of the slice. */
  ticks: u64;
  /** Time base = ticks / ticks_per_timebase + tb_offset; decrementer = dec_offset - ticks / ticks_per_timebase. */
  tb_offset: u64;
  dec_offset: u64;
  /** The tick at which the decrementer next passes from 0 to -1. */
  dec_due: u64;
  /** The tick up to which the performance counters have counted. */
  pmc_ticks: u64;
  /** Instructions executed since power-on: ticks less idle time. */
  idle_ticks: u64;
}

/** Where execution is, and the core's own caches: rebuilt after a restore, never saved. */
@unmanaged
export class RunState {
  /** Address of the decoded entry after the one being executed. */
  at: u32;
  /** Effective address of an entry: (at >> 1) + pc_delta. */
  pc_delta: u32;
  /** When `at` reaches this at a taken branch or page end, this part of the slice is over; 8 a tick. */
  limit: i32;
  /** Ticks since the beginning of the slice that `limit` stands for. */
  target: u32;
  /** Ticks since the beginning of the slice at which the host wants control back. */
  end: u32;
  /** The TLB bank that expanded loads and stores look into, and the one the slow path fills. */
  bank: u32;
  slow_bank: u32;
  /** 1 after an access that did not succeed; its exception has been taken. */
  fault: u32;
  /** 1 once an exception was taken; for single steps. */
  excepted: u32;
  /** Segments written since the last context synchronisation, one bit each. */
  dirty_segments: u32;
  /** Number of a decoded page to be dropped at the next exit, because it is written too often. */
  drop_page: u32;
  /** Decoded pages ever used; the first of those free again; the next one to evict. */
  pages_used: u32;
  free_page: u32;
  page_hand: u32;
  /** What `translate` found: physical address, TLB_* permissions, WIMG. */
  pa: u32;
  permissions: u32;
  wimg: u32;
  /** What was configured. */
  ticks_per_timebase: u32;
  features: u32;
  model: u32;
  /** MSR bits that exist. */
  msr_mask: u32;
  /** Set by the host when an access ended in a bus error. */
  bus_error: u32;
  /** Die temperature in degrees Celsius, for the thermal sensor. */
  temperature: u32;
}

// @ts-ignore: decorator
@inline
export const cpu: CpuState = changetype<CpuState>(REGS_BASE);

// @ts-ignore: decorator
@inline
export const run: RunState = changetype<RunState>(RUN_BASE);

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

/** The bits of a floating-point register. */
// @ts-ignore: decorator
@inline
export function fpr(n: u32): u64 {
  return load<u64>(FPR_BASE + (n << 3));
}

// @ts-ignore: decorator
@inline
export function setFpr(n: u32, bits: u64): void {
  store<u64>(FPR_BASE + (n << 3), bits);
}

// @ts-ignore: decorator
@inline
export function crField(n: u32): u32 {
  return load<u8>(CR_BASE + n);
}

// @ts-ignore: decorator
@inline
export function setCrField(n: u32, value: u32): void {
  store<u8>(CR_BASE + n, value);
}
