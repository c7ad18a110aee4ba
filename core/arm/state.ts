// SPDX-License-Identifier: MIT
import { STATE_BASE } from '../common/layout';

// Register files with a computed index.
export const GPR_BASE: u32 = STATE_BASE; //               R0-R15 of the current mode; R15 is not kept up to date
export const USR_BASE: u32 = STATE_BASE + 0x040; //       R8-R14 of user mode while others are current: 7 words
export const FIQ_BASE: u32 = STATE_BASE + 0x060; //       R8-R14 of FIQ mode
export const BANK_BASE: u32 = STATE_BASE + 0x080; //      R13, R14 of IRQ, SVC, ABT, UND, MON mode: 10 words
export const SPSR_BASE: u32 = STATE_BASE + 0x0c0; //      FIQ, IRQ, SVC, ABT, UND, MON: 6 words
export const VFP_BASE: u32 = STATE_BASE + 0x100; //       D0-D31
export const CP15_BASE: u32 = STATE_BASE + 0x200; //      registers that only keep what is written: 64 words
export const PMU_BASE: u32 = STATE_BASE + 0x300; //       event counters' values and types: 8 words
export const NVIC_BASE: u32 = STATE_BASE + 0x340; //      Cortex-M: priorities, 4 a word: 8 words, then SHPR2, SHPR3
export const REGS_BASE: u32 = STATE_BASE + 0x400; //      CpuState
export const RUN_BASE: u32 = STATE_BASE + 0x2000; //      RunState
export const BLOCK_BASE: u32 = STATE_BASE + 0x3000; //    the words of a block transfer under way: 32 words

/** Every other register that the guest can see, and what the chip must remember. Saved whole in a snapshot. */
@unmanaged
export class CpuState {
  /** Condition flags, not packed: N is bit 31 of cc_n, Z is cc_z == 0, V is bit 31 of cc_v, C is 0 or 1. */
  cc_n: u32;
  cc_z: u32;
  cc_v: u32;
  cc_c: u32;
  /** Saturation, 0 or 1; greater-or-equal, four bits. */
  cc_q: u32;
  cc_ge: u32;
  pc: u32;
  /** 1 in Thumb state. */
  thumb: u32;
  /** CPSR bits E, A, I, F and the mode. Cortex-M: not used. */
  control: u32;
  /** If-then state of the instruction at pc; 0 outside of a block. */
  itstate: u32;
  /** Levels of the pins. */
  irq: u32;
  fiq: u32;
  /** 0 while running; else which of SLEEP_INTERRUPT and SLEEP_EVENT. */
  sleeping: u32;
  /** 1 after a lockup; only reset helps. */
  stopped: u32;
  /** 1 when an event was signalled: WFE, SEV. */
  event: u32;
  /** Exclusive monitor: 1 while armed, physical address, size. */
  exclusive: u32;
  exclusive_address: u32;
  exclusive_size: u32;
  fpscr: u32;
  fpexc: u32;
  // CP15
  sctlr: u32;
  actlr: u32;
  cpacr: u32;
  ttbr0: u32;
  ttbr1: u32;
  ttbcr: u32;
  dacr: u32;
  dfsr: u32;
  ifsr: u32;
  dfar: u32;
  ifar: u32;
  par: u32;
  fcse: u32;
  contextidr: u32;
  tpidrurw: u32;
  tpidruro: u32;
  tpidrprw: u32;
  csselr: u32;
  vbar: u32;
  mvbar: u32;
  scr: u32;
  prrr: u32;
  nmrr: u32;
  // Performance monitor.
  pmcr: u32;
  pmcnten: u32;
  pmovsr: u32;
  pmselr: u32;
  pmuserenr: u32;
  pminten: u32;
  /** Cycle counter when it was last started or written, and the tick of that. */
  pmccntr: u32;
  // ARM3
  cache_control: u32;
  cacheable: u32;
  updateable: u32;
  disruptive: u32;
  // Cortex-M
  primask: u32;
  /** CONTROL.SPSEL and nPRIV, and the stack pointer that R13 is not. */
  control_m: u32;
  other_sp: u32;
  /** Exception number. */
  ipsr: u32;
  /** Interrupt lines, and those pending, enabled and active. */
  nvic_lines: u32;
  nvic_pending: u32;
  nvic_enabled: u32;
  nvic_active: u32;
  /** The same of exceptions 0 to 15. */
  system_pending: u32;
  system_active: u32;
  scr_m: u32;
  shcsr: u32;
  syst_csr: u32;
  syst_rvr: u32;
  /** 1 until the first two vectors have been fetched. */
  vectors_due: u32;
  /** SysTick: the tick at which the counter is next 0. */
  syst_due: u64;
  pmc_ticks: u64;
  /** Ticks from power-on to the beginning of the slice. */
  ticks: u64;
  /** Ticks without an instruction. */
  idle_ticks: u64;
}

/** Where execution is, and the core's own caches: rebuilt after a restore, never saved. */
@unmanaged
export class RunState {
  /** Address of the decoded entry after the one being executed. */
  at: u32;
  /** Address of an entry's instruction: (at >> shift) + pc_delta; shift is 1 in ARM state, 2 in Thumb state. */
  pc_delta: u32;
  shift: u32;
  /** When `at` reaches this at a taken branch or page end, this part of the slice is over; 8 a tick. */
  limit: i32;
  /** Ticks since the beginning of the slice that `limit` stands for. */
  target: u32;
  /** Ticks since the beginning of the slice at which the host wants control back. */
  end: u32;
  /** The TLB bank that expanded loads and stores look into, and the one the slow path fills. */
  bank: u32;
  slow_bank: u32;
  /** 1 in a mode other than user. */
  privileged: u32;
  /** 1 after an access that did not succeed; its exception has been taken. */
  fault: u32;
  /** 1 once an exception was taken; for single steps. */
  excepted: u32;
  /** If-then state of the instruction in the scratch page. */
  step_it: u32;
  /** 1 when the instruction at cpu.pc goes on in the next page. */
  crossing: u32;
  /** Number of a decoded page to be dropped at the next exit, because it is written too often. */
  drop_page: u32;
  /** Decoded pages ever used; the first of those free again; the next one to evict. */
  pages_used: u32;
  free_page: u32;
  page_hand: u32;
  /** What `translate` found: physical address, TLB_* permissions, domain. */
  pa: u32;
  permissions: u32;
  domain: u32;
  /** Set by the host when an access ended in a bus error. */
  bus_error: u32;
  /** What was configured. */
  model: u32;
  features: u32;
  clocks_per_tick: u32;
  high_vectors: u32;
  /** What the host's translation of 26-bit addresses is: 1 when there is one. */
  external_mmu: u32;
  /** The instruction, or part of it, that was fetched for a single step. */
  fetched: u32;
  /** 1 after a read of a coprocessor register that is none. */
  refused: u32;
  /** 1 while nothing the core does may be seen by the guest. */
  probe: u32;
  /** Accesses are made with user privileges: LDRT, STRT. */
  unprivileged: u32;
  /** Carry-out of the last shifter operand that was computed out of line. */
  shift_carry: u32;
  /** Floating-point exceptions of the current instruction. */
  fp_flags: u32;
  /** 1 when the current page translation is for less than 4 KiB. */
  small: u32;
  /** 1 when it is the same in every address space. */
  global: u32;
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

// @ts-ignore: decorator
@inline
export function has(feature: u32): bool {
  return (run.features & feature) != 0;
}

export const SP: u32 = 13;
export const LR: u32 = 14;
export const PC: u32 = 15;
