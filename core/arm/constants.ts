// SPDX-License-Identifier: MIT

// Processors, as index.ts and the socket number them.
export const MODEL_ARM2: u32 = 0;
export const MODEL_ARM250: u32 = 1;
export const MODEL_ARM3: u32 = 2;
export const MODEL_ARM7TDMI: u32 = 3;
export const MODEL_ARM926: u32 = 4;
export const MODEL_CORTEX_A8: u32 = 5;
export const MODEL_CORTEX_M0: u32 = 6;

// What a processor has.
export const FEATURE_A26: u32 = 0x0000_0001; //     26-bit program counter with the status in R15
export const FEATURE_SWP: u32 = 0x0000_0002;
export const FEATURE_V4: u32 = 0x0000_0004; //      status registers, halfwords, long multiplies
export const FEATURE_V4T: u32 = 0x0000_0008; //     Thumb
export const FEATURE_V5: u32 = 0x0000_0010;
export const FEATURE_V5E: u32 = 0x0000_0020; //     DSP multiplies, saturation, doublewords
export const FEATURE_V5J: u32 = 0x0000_0040;
export const FEATURE_V6: u32 = 0x0000_0080;
export const FEATURE_V6K: u32 = 0x0000_0100;
export const FEATURE_T2: u32 = 0x0000_0200; //      Thumb-2 and what came to ARM with it
export const FEATURE_V7: u32 = 0x0000_0400;
export const FEATURE_SECURITY: u32 = 0x0000_0800;
export const FEATURE_VFP: u32 = 0x0000_1000; //     VFPv3 with 32 registers
export const FEATURE_NEON: u32 = 0x0000_2000;
export const FEATURE_M: u32 = 0x0000_4000; //       the microcontroller profile
export const FEATURE_A32: u32 = 0x0000_8000; //     the ARM instruction set itself
export const FEATURE_CP15: u32 = 0x0001_0000; //    a system control coprocessor
export const FEATURE_MMU: u32 = 0x0002_0000; //     translation by tables in memory

// Modes. With 26 bits only the low two exist, in R15.
export const MODE_USR: u32 = 0x10;
export const MODE_FIQ: u32 = 0x11;
export const MODE_IRQ: u32 = 0x12;
export const MODE_SVC: u32 = 0x13;
export const MODE_MON: u32 = 0x16;
export const MODE_ABT: u32 = 0x17;
export const MODE_UND: u32 = 0x1b;
export const MODE_SYS: u32 = 0x1f;

// CPSR
export const PSR_N: u32 = 0x8000_0000;
export const PSR_Z: u32 = 0x4000_0000;
export const PSR_C: u32 = 0x2000_0000;
export const PSR_V: u32 = 0x1000_0000;
export const PSR_Q: u32 = 0x0800_0000;
export const PSR_E: u32 = 0x0000_0200;
export const PSR_A: u32 = 0x0000_0100;
export const PSR_I: u32 = 0x0000_0080;
export const PSR_F: u32 = 0x0000_0040;
export const PSR_T: u32 = 0x0000_0020;
export const PSR_M: u32 = 0x0000_001f;

// R15 with 26 bits.
export const R15_I: u32 = 0x0800_0000;
export const R15_F: u32 = 0x0400_0000;
export const R15_PC: u32 = 0x03ff_fffc;
export const R15_MODE: u32 = 0x0000_0003;

// Exception vectors.
export const VECTOR_RESET: u32 = 0x00;
export const VECTOR_UNDEFINED: u32 = 0x04;
export const VECTOR_SWI: u32 = 0x08;
export const VECTOR_PREFETCH_ABORT: u32 = 0x0c;
export const VECTOR_DATA_ABORT: u32 = 0x10;
export const VECTOR_ADDRESS: u32 = 0x14;
export const VECTOR_IRQ: u32 = 0x18;
export const VECTOR_FIQ: u32 = 0x1c;

// CP15 control register.
export const SCTLR_M: u32 = 0x0000_0001;
export const SCTLR_A: u32 = 0x0000_0002;
export const SCTLR_B: u32 = 0x0000_0080;
export const SCTLR_S: u32 = 0x0000_0100;
export const SCTLR_R: u32 = 0x0000_0200;
export const SCTLR_V: u32 = 0x0000_2000;
export const SCTLR_EE: u32 = 0x0200_0000;
export const SCTLR_AFE: u32 = 0x2000_0000;
export const SCTLR_TE: u32 = 0x4000_0000;

// Why a run ended; machines/backplane/cpu.ts has the same numbers.
export const STOP_BUDGET: u32 = 0;
export const STOP_IDLE: u32 = 1;
export const STOP_LOCKUP: u32 = 3;

// What a sleeping processor waits for: an interrupt (WFI), or an interrupt or event (WFE).
export const SLEEP_INTERRUPT: u32 = 1;
export const SLEEP_EVENT: u32 = 2;

export const ACCESS_READ: u32 = 0;
export const ACCESS_WRITE: u32 = 1;
export const ACCESS_FETCH: u32 = 2;

// Kinds of lines for the log.
export const LOG_CP15_READ: u32 = 0;
export const LOG_CP15_WRITE: u32 = 1;
export const LOG_LOCKUP: u32 = 2;
export const LOG_BIG_ENDIAN: u32 = 3;
export const LOG_SCS: u32 = 4;
export const LOG_NONSECURE: u32 = 5;
