// SPDX-License-Identifier: MIT
//
// What the kernel needs of a CPU that runs a guest thread. Registers may be touched only while the CPU is outside guest
// code: the kernel has taken its report and has not resumed it yet.

export const REASON = { budget: 0, attention: 1, syscall: 2, break: 3, fault: 4, step: 5 } as const;

export interface CpuFault {
  readonly kind:
    | 'page'
    | 'natPage'
    | 'illegal'
    | 'privileged'
    | 'reserved'
    | 'natConsumption'
    | 'unaligned'
    | 'fpFault'
    | 'fpTrap'
    | 'disabledIsa'
    | 'badAddress';
  /** The 64-bit data or instruction address. */
  readonly address: bigint;
  readonly access: 'read' | 'write' | 'execute';
  readonly isr: bigint;
}

/** The registers of a stopped CPU by their architectural names. */
export interface CpuState {
  gr(n: number): bigint;
  grNat(n: number): boolean;
  setGr(n: number, value: bigint, nat?: boolean): void;
  br(n: number): bigint;
  setBr(n: number, value: bigint): void;
  /** A floating-point register in the 16 bytes of stf.spill. */
  spillFr(n: number, to: DataView, offset: number): void;
  fillFr(n: number, from: DataView, offset: number): void;
  pr: bigint;
  /** Address of the bundle, and the slot in it. */
  ip: bigint;
  slot: number;
  cfm: bigint;
  /** The user mask, psr bits 0-5. */
  um: number;
  rsc: bigint;
  /** Where the current frame begins; everything below is in memory. */
  readonly bsp: bigint;
  /** NaT bits of the registers below bsp whose collection is not in memory yet. */
  readonly rnat: bigint;
  ccv: bigint;
  unat: bigint;
  fpsr: bigint;
  pfs: bigint;
  lc: bigint;
  ec: bigint;
  csd: bigint;
  ssd: bigint;
  /** Registers of the current frame in the order of the backing store, that is without rotation. */
  frameRegister(index: number): bigint;
  frameNat(index: number): boolean;
  setFrameRegister(index: number, value: bigint, nat: boolean): void;
  /** The register stack begins anew at `bsp`, with a frame as `cfm` says, whose registers are set afterwards. */
  resetStack(bsp: bigint, rnat: bigint, cfm: bigint): void;
  /** Everything a fresh program starts with: registers zero, ALAT empty. */
  reset(): void;
  copyRegisters(other: CpuState): void;
}

/** A host thread with a CPU. */
export interface Cpu {
  readonly state: CpuState;
  /** The address space it runs in: address of the space's page. */
  space: number;
  /** Why it stopped, one of REASON. */
  readonly reason: number;
  readonly breakImmediate: number;
  readonly fault: CpuFault;
  readonly isRunning: boolean;
  /** It stopped and waits for the kernel; true once per stop. */
  takeReport(): boolean;
  resume(): void;
  /** Makes a running CPU stop and report. */
  interrupt(): void;
  /** Returns when the CPU holds no translation older than the space's generation. */
  awaitFlush(): void;
}

export interface CpuPool {
  acquire(): Cpu | undefined;
  release(cpu: Cpu): void;
}
