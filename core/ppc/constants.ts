// SPDX-License-Identifier: MIT
//
// Bits of the architecture [PEM] and of the processors modelled.

// What a processor has; a row of ppc.decode may need one.
export const FEATURE_HYPERCALL: u32 = 0x0001; //  our own: opcode 1 calls the host
export const FEATURE_ALTIVEC: u32 = 0x0002;
export const FEATURE_POWER: u32 = 0x0004; //      601: POWER instructions, MQ, RTC
export const FEATURE_SOFT_TLB: u32 = 0x0008; //   603: TLB misses are exceptions
export const FEATURE_TIMEBASE: u32 = 0x0010;
export const FEATURE_GRAPHICS: u32 = 0x0020; //   fres frsqrte fsel stfiwx
export const FEATURE_FSQRT: u32 = 0x0040;
export const FEATURE_TLBIA: u32 = 0x0080;
export const FEATURE_DCBA: u32 = 0x0100;
export const FEATURE_UNIFIED_BAT: u32 = 0x0200; // 601

export const MODEL_601: u32 = 0;
export const MODEL_603E: u32 = 1;
export const MODEL_604E: u32 = 2;
export const MODEL_750: u32 = 3;
export const MODEL_7400: u32 = 4;

export const MSR_VEC: u32 = 0x0200_0000;
export const MSR_POW: u32 = 0x0004_0000;
export const MSR_TGPR: u32 = 0x0002_0000;
export const MSR_ILE: u32 = 0x0001_0000;
export const MSR_EE: u32 = 0x8000;
export const MSR_PR: u32 = 0x4000;
export const MSR_FP: u32 = 0x2000;
export const MSR_ME: u32 = 0x1000;
export const MSR_FE0: u32 = 0x0800;
export const MSR_SE: u32 = 0x0400;
export const MSR_BE: u32 = 0x0200;
export const MSR_FE1: u32 = 0x0100;
export const MSR_IP: u32 = 0x0040;
export const MSR_IR: u32 = 0x0020;
export const MSR_DR: u32 = 0x0010;
export const MSR_PM: u32 = 0x0004;
export const MSR_RI: u32 = 0x0002;
export const MSR_LE: u32 = 0x0001;

export const VECTOR_RESET: u32 = 0x0100;
export const VECTOR_MACHINE_CHECK: u32 = 0x0200;
export const VECTOR_DSI: u32 = 0x0300;
export const VECTOR_ISI: u32 = 0x0400;
export const VECTOR_EXTERNAL: u32 = 0x0500;
export const VECTOR_ALIGNMENT: u32 = 0x0600;
export const VECTOR_PROGRAM: u32 = 0x0700;
export const VECTOR_FP_UNAVAILABLE: u32 = 0x0800;
export const VECTOR_DECREMENTER: u32 = 0x0900;
export const VECTOR_SYSTEM_CALL: u32 = 0x0c00;
export const VECTOR_TRACE: u32 = 0x0d00;
export const VECTOR_PERFORMANCE: u32 = 0x0f00;
export const VECTOR_VECTOR_UNAVAILABLE: u32 = 0x0f20;
export const VECTOR_ITLB_MISS: u32 = 0x1000;
export const VECTOR_DTLB_LOAD_MISS: u32 = 0x1100;
export const VECTOR_DTLB_STORE_MISS: u32 = 0x1200;
export const VECTOR_IABR: u32 = 0x1300;
export const VECTOR_SMI: u32 = 0x1400;
export const VECTOR_THERMAL: u32 = 0x1700;
export const VECTOR_RUN_MODE: u32 = 0x2000; // 601: trace

/** Reasons of a program exception, as SRR1 shows them. */
export const SRR1_FP_ENABLED: u32 = 0x0010_0000;
export const SRR1_ILLEGAL: u32 = 0x0008_0000;
export const SRR1_PRIVILEGED: u32 = 0x0004_0000;
export const SRR1_TRAP: u32 = 0x0002_0000;

/** Interrupts that wait, most urgent first. */
export const PENDING_RESET: u32 = 0x01;
export const PENDING_MACHINE_CHECK: u32 = 0x02;
export const PENDING_SMI: u32 = 0x04;
export const PENDING_EXTERNAL: u32 = 0x08;
export const PENDING_PERFORMANCE: u32 = 0x10;
export const PENDING_DECREMENTER: u32 = 0x20;
export const PENDING_THERMAL: u32 = 0x40;
/** Those that MSR[EE] does not hold back. */
export const PENDING_UNMASKED: u32 = PENDING_RESET | PENDING_MACHINE_CHECK;

// DSISR; the first three also appear in SRR1 at an ISI.
export const DSISR_NO_TRANSLATION: u32 = 0x4000_0000;
export const DSISR_PROTECTION: u32 = 0x0800_0000;
export const DSISR_DIRECT_STORE: u32 = 0x8000_0000;
export const DSISR_ATOMIC_CACHE: u32 = 0x0400_0000; // lwarx, stwcx., eciwx, ecowx to a direct-store segment or write-through page
export const DSISR_STORE: u32 = 0x0200_0000;
export const DSISR_BREAKPOINT: u32 = 0x0040_0000;
export const DSISR_EAR: u32 = 0x0010_0000; // eciwx or ecowx with EAR[E] clear
export const SRR1_NO_EXECUTE: u32 = 0x1000_0000; // ISI: guarded, no-execute or direct-store segment

export const HID0_DOZE: u32 = 0x0080_0000;
export const HID0_NAP: u32 = 0x0040_0000;
export const HID0_SLEEP: u32 = 0x0020_0000;
export const HID0_DPM: u32 = 0x0010_0000;
export const HID0_ICE: u32 = 0x8000;
export const HID0_DCE: u32 = 0x4000;
export const HID0_DLOCK: u32 = 0x1000;
export const HID0_ICFI: u32 = 0x0800;
export const HID0_DCI: u32 = 0x0400;

/** Why `run` returned; the host's copy is STOP in machines/backplane/cpu.ts. */
export const STOP_BUDGET: u32 = 0;
export const STOP_IDLE: u32 = 1;
export const STOP_BREAKPOINT: u32 = 2;
export const STOP_CHECKSTOP: u32 = 3;
