// SPDX-License-Identifier: MIT
//
// What a core asks of the host. `width` is in bytes; physical addresses and values are unsigned.

// @ts-ignore: decorator
@external("host", "mmioRead")
export declare function mmioRead(pa: u32, width: u32): u32;

// @ts-ignore: decorator
@external("host", "mmioWrite")
export declare function mmioWrite(pa: u32, width: u32, value: u32): void;

/** Our own firmware's call; the host may change any register. */
// @ts-ignore: decorator
@external("host", "hypercall")
export declare function hypercall(n: u32): void;

/** 68k: the interrupt acknowledge cycle of a level; the vector's number. */
// @ts-ignore: decorator
@external("host", "irqAcknowledge")
export declare function irqAcknowledge(level: u32): u32;

/** 68k: the RESET instruction drives the RESET pin. */
// @ts-ignore: decorator
@external("host", "resetLine")
export declare function resetLine(): void;

/** Something worth a line in the log; `kind` is one of LOG_*. */
// @ts-ignore: decorator
@external("host", "log")
export declare function log(kind: u32, a: u32, b: u32): void;

export const LOG_UNIMP_SPR_READ: u32 = 0;
export const LOG_UNIMP_SPR_WRITE: u32 = 1;
export const LOG_UNIMP_PMC_EVENT: u32 = 2;
export const LOG_CHECKSTOP: u32 = 3;
