// SPDX-License-Identifier: MIT
//
// Numbers of the 68000 family, spelled as in its manuals.

export const MODEL_68000: u32 = 0;
export const MODEL_68020: u32 = 1;
export const MODEL_68030: u32 = 2;
export const MODEL_68040: u32 = 3;

export const FPU_NONE: u32 = 0;
export const FPU_68881: u32 = 1;
export const FPU_68882: u32 = 2;
/** What the 68040 has on the chip; the rest is left to software. */
export const FPU_68040: u32 = 3;

// Status register.
export const SR_T1: u32 = 0x8000;
export const SR_T0: u32 = 0x4000;
export const SR_S: u32 = 0x2000;
export const SR_M: u32 = 0x1000;
export const SR_I: u32 = 0x0700;

export const CCR_X: u32 = 0x10;
export const CCR_N: u32 = 0x08;
export const CCR_Z: u32 = 0x04;
export const CCR_V: u32 = 0x02;
export const CCR_C: u32 = 0x01;

// Exception vectors.
export const VECTOR_ACCESS: u32 = 2; //         bus error
export const VECTOR_ADDRESS: u32 = 3;
export const VECTOR_ILLEGAL: u32 = 4;
export const VECTOR_ZERO_DIVIDE: u32 = 5;
export const VECTOR_CHK: u32 = 6;
export const VECTOR_TRAPV: u32 = 7;
export const VECTOR_PRIVILEGE: u32 = 8;
export const VECTOR_TRACE: u32 = 9;
export const VECTOR_LINE_A: u32 = 10;
export const VECTOR_LINE_F: u32 = 11;
export const VECTOR_FORMAT: u32 = 14;
export const VECTOR_SPURIOUS: u32 = 24;
export const VECTOR_TRAP: u32 = 32;
export const VECTOR_FP_BSUN: u32 = 48;
export const VECTOR_FP_INEX: u32 = 49;
export const VECTOR_FP_DZ: u32 = 50;
export const VECTOR_FP_UNFL: u32 = 51;
export const VECTOR_FP_OPERR: u32 = 52;
export const VECTOR_FP_OVFL: u32 = 53;
export const VECTOR_FP_SNAN: u32 = 54;
export const VECTOR_FP_UNSUPP: u32 = 55; //     unimplemented data type (68040)
export const VECTOR_MMU_CONFIG: u32 = 56;

// Function codes.
export const FC_USER_DATA: u32 = 1;
export const FC_USER_PROGRAM: u32 = 2;
export const FC_SUPER_DATA: u32 = 5;
export const FC_SUPER_PROGRAM: u32 = 6;
export const FC_CPU: u32 = 7;

/** How `translate` is asked. */
export const ACCESS_READ: u32 = 0;
export const ACCESS_WRITE: u32 = 1;
export const ACCESS_FETCH: u32 = 2;

// Why `run` returned; see machines/backplane/cpu.ts.
export const STOP_BUDGET: u32 = 0;
export const STOP_IDLE: u32 = 1;
export const STOP_CHECKSTOP: u32 = 3;
