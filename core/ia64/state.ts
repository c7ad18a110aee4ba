// SPDX-License-Identifier: MIT
//
// A CPU area: everything one IA-64 processor, that is one guest thread, has. Several instances of this module live in
// one memory, so an area is addressed through `base`, which the loop carries along; offsets below are from it.
//
//        0  ┌──────────────────────┐  Cpu
//       GR  │ r0 … r127            │  64 bits each; stacked registers are those of the current frame, rotated
//      NAT  │ their NaT bits       │  one byte each
//       FR  │ f0 … f127            │  spill format: 64-bit significand, then sign and 17-bit exponent in a word;
//           │                      │  not rotated, see fr()
//     ALAT  │ advanced loads       │
//     ITLB  │ where code is        │
//      TLB  │ where data is        │
//     KEYS  │ whose page is decoded│
//    PAGES  │ decoded pages        │
//           └──────────────────────┘
export const GR: u32 = 0x400;
export const NAT: u32 = 0x800;
export const FR: u32 = 0x900;
export const ALAT: u32 = 0x1100;
export const ALAT_ENTRIES: u32 = 32;
export const ITLB: u32 = 0x1800;
export const ITLB_ENTRIES: u32 = 256;
export const TLB: u32 = 0x4000;
export const TLB_ENTRIES: u32 = 512;
export const KEYS: u32 = 0x8000;
export const PAGES: u32 = 0x10000;
export const PAGE_COUNT: u32 = 192;
/**
 * A decoded page: 4100 entries, the entry of each bundle, the host address of the page, where the next entry goes, and
 * a byte for each bundle about the frame it needs, see code.ts.
 */
export const PAGE_MAP: u32 = 0x10040;
export const PAGE_HOST: u32 = 0x11040;
export const PAGE_FILL: u32 = 0x11044;
export const PAGE_NEED: u32 = 0x11050;
export const PAGE_STRIDE: u32 = 0x11450;
export const AREA_SIZE: u32 = PAGES + PAGE_STRIDE * PAGE_COUNT;

@unmanaged
export class Cpu {
  ip: u64;
  /** Instruction slot, 0 to 2, at which execution goes on or that faulted. */
  ri: u32;
  /** Decoded entry at which execution goes on, 0 when ip and ri say it. */
  at: u32;
  pr: u64;
  /** Current frame marker, 38 bits. */
  cfm: u64;
  /** CFM.rrb.fr, for fr(). */
  rrb_fr: u32;
  /** 1 while a general register may be a NaT. */
  nats: u32;
  br0: u64;
  br1: u64;
  br2: u64;
  br3: u64;
  br4: u64;
  br5: u64;
  br6: u64;
  br7: u64;
  rsc: u64;
  bsp: u64;
  rnat: u64;
  ccv: u64;
  unat: u64;
  fpsr: u64;
  pfs: u64;
  lc: u64;
  ec: u64;
  csd: u64;
  ssd: u64;
  /** ar.k0 to ar.k7. */
  kr0: u64;
  kr1: u64;
  kr2: u64;
  kr3: u64;
  kr4: u64;
  kr5: u64;
  kr6: u64;
  kr7: u64;
  /** Added to the host's time to give ar.itc. */
  itc: u64;
  /** Bytes below bsp that loadrs has brought in and that a write of bspstore takes along. */
  dirty: u64;
  /** User mask: PSR bits 0 to 5. */
  um: u32;
  /** Taken branches left of this quantum, and quanta left of the budget. */
  ticks: i32;
  budget: i32;
  /** Others set this word to get the thread's attention. */
  attention: u32;
  /** Why run() returned, REASON_*. */
  reason: u32;
  /** For REASON_FAULT: FAULT_*, the address, ACCESS_*, and the ISR code. For REASON_BREAK: the immediate. */
  fault: u32;
  access: u32;
  isr: u32;
  address: u64;
  immediate: u64;
  /** The page being executed: its address, its decoded page, and whether epc there is a system call. */
  page_va: u64;
  page_at: u32;
  page_gate: u32;
  /** The address space: address of its page, see page-table.ts. */
  space: u32;
  /** The space's code generation when pages were last decoded. */
  code_generation: u32;
  /** Entries of the ALAT in use, one bit each. */
  alat: u32;
  alat_hand: u32;
  /** Decoded pages in use, and the next one to give up. */
  pages_used: u32;
  page_hand: u32;
  /** Host address of data in the last successful translation, scratch. */
  host: u32;
  /** For a single step: 1 before the instruction, 2 after it. */
  stepping: u32;
  /** Page of the register stack's last access and its host address less its address. */
  rse_tag: u64;
  rse_addend: u32;
  /** Floating-point: exceptions of the last operation, scratch. */
  flags: u32;
}

export const REASON_BUDGET: u32 = 0;
export const REASON_ATTENTION: u32 = 1;
export const REASON_SYSCALL: u32 = 2;
export const REASON_BREAK: u32 = 3;
export const REASON_FAULT: u32 = 4;
export const REASON_STEP: u32 = 5;
/** Not seen outside: go on in the other loop. */
export const REASON_AGAIN: u32 = 6;

export const FAULT_ILLEGAL_OPERATION: u32 = 1;
export const FAULT_PRIVILEGED_OPERATION: u32 = 2;
export const FAULT_PRIVILEGED_REGISTER: u32 = 3;
export const FAULT_RESERVED_REGISTER_FIELD: u32 = 4;
export const FAULT_REGISTER_NAT_CONSUMPTION: u32 = 5;
export const FAULT_UNALIGNED: u32 = 6;
export const FAULT_PAGE: u32 = 7;
export const FAULT_FP_FAULT: u32 = 8;
export const FAULT_FP_TRAP: u32 = 9;
export const FAULT_UNSUPPORTED_DATA: u32 = 10;
export const FAULT_UNIMPLEMENTED_ADDRESS: u32 = 11;
export const FAULT_NAT_PAGE: u32 = 12;

export const ACCESS_READ: u32 = 1;
export const ACCESS_WRITE: u32 = 2;
export const ACCESS_EXECUTE: u32 = 4;
/** The access is the register stack engine's. */
export const ACCESS_RSE: u32 = 8;

// User mask.
export const UM_BE: u32 = 0x02;
export const UM_UP: u32 = 0x04;
export const UM_AC: u32 = 0x08;
export const UM_MFL: u32 = 0x10;
export const UM_MFH: u32 = 0x20;

// ┌──────── CFM ───────┐  sof 0-6, sol 7-13, sor 14-17, rrb.gr 18-24, rrb.fr 25-31, rrb.pr 32-37
export const CFM_MASK: u64 = 0x3f_ffff_ffff;

// @ts-ignore: decorator
@inline
export function cpuOf(base: u32): Cpu {
  return changetype<Cpu>(base);
}

// --- Operands of an entry

// @ts-ignore: decorator
@inline
export function A(at: u32): u32 {
  return load<u8>(at, 4);
}

// @ts-ignore: decorator
@inline
export function B(at: u32): u32 {
  return load<u8>(at, 5);
}

// @ts-ignore: decorator
@inline
export function C(at: u32): u32 {
  return load<u8>(at, 6);
}

// @ts-ignore: decorator
@inline
export function D(at: u32): u32 {
  return load<u8>(at, 7);
}

// @ts-ignore: decorator
@inline
export function imm(at: u32): i64 {
  return load<i64>(at, 8);
}

// --- Registers

// @ts-ignore: decorator
@inline
export function gr(base: u32, n: u32): u64 {
  return load<u64>(base + (n << 3), GR);
}

/** Leaves the NaT bit alone: the loops take care of it. */
// @ts-ignore: decorator
@inline
export function setGr(base: u32, n: u32, value: u64): void {
  store<u64>(base + (n << 3), value, GR);
}

// @ts-ignore: decorator
@inline
export function nat(base: u32, n: u32): u32 {
  return load<u8>(base + n, NAT);
}

// @ts-ignore: decorator
@inline
export function setNat(base: u32, n: u32, bit: u32): void {
  store<u8>(base + n, bit, NAT);
}

/** Where a floating-point register is, after rotation. */
// @ts-ignore: decorator
@inline
export function fr(base: u32, n: u32): u32 {
  let f: u32 = n;
  if (n >= 32) {
    f += cpuOf(base).rrb_fr;
    if (f >= 128) f -= 96;
  }
  return base + FR + (f << 4);
}

// @ts-ignore: decorator
@inline
export function pr(base: u32, n: u32): u32 {
  return <u32>(cpuOf(base).pr >> n) & 1;
}

/** Sets p1 to `bit` and p2 to its complement; p0 stays 1. */
// @ts-ignore: decorator
@inline
export function setPair(base: u32, p1: u32, p2: u32, bit: bool): void {
  const cpu = cpuOf(base);
  const one: u64 = 1;
  cpu.pr = (cpu.pr & ~((one << p1) | (one << p2))) | (one << (bit ? p1 : p2)) | 1;
}

// @ts-ignore: decorator
@inline
export function setPredicates(base: u32, p1: u32, p2: u32, bit1: u32, bit2: u32): void {
  const cpu = cpuOf(base);
  const one: u64 = 1;
  cpu.pr = (cpu.pr & ~((one << p1) | (one << p2))) | ((<u64>bit1) << p1) | ((<u64>bit2) << p2) | 1;
}

// @ts-ignore: decorator
@inline
export function br(base: u32, n: u32): u64 {
  return load<u64>(base + (n << 3), offsetof<Cpu>('br0'));
}

// @ts-ignore: decorator
@inline
export function setBr(base: u32, n: u32, value: u64): void {
  store<u64>(base + (n << 3), value, offsetof<Cpu>('br0'));
}

// --- CFM fields

// @ts-ignore: decorator
@inline
export function sofOf(cfm: u64): u32 {
  return <u32>cfm & 0x7f;
}

// @ts-ignore: decorator
@inline
export function solOf(cfm: u64): u32 {
  return (<u32>cfm >>> 7) & 0x7f;
}

/** Rotating general registers. */
// @ts-ignore: decorator
@inline
export function sorOf(cfm: u64): u32 {
  return ((<u32>cfm >>> 14) & 0xf) << 3;
}

// @ts-ignore: decorator
@inline
export function rrbGrOf(cfm: u64): u32 {
  return (<u32>cfm >>> 18) & 0x7f;
}

// @ts-ignore: decorator
@inline
export function rrbFrOf(cfm: u64): u32 {
  return (<u32>cfm >>> 25) & 0x7f;
}

// @ts-ignore: decorator
@inline
export function rrbPrOf(cfm: u64): u32 {
  return <u32>(cfm >> 32) & 0x3f;
}
