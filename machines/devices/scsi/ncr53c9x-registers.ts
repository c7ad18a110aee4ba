// SPDX-License-Identifier: MIT
//
// Registers, bits, commands and variants of the NCR 53C9x [53C90A/B; 53C94/95/96; 53CF94/96-2].

export const R = {
  TRANSFER_COUNT_LOW: 0x0,
  TRANSFER_COUNT_HIGH: 0x1,
  FIFO: 0x2,
  COMMAND: 0x3,
  STATUS: 0x4, // written: destination bus id
  INTERRUPT: 0x5, // written: time-out
  SEQUENCE_STEP: 0x6, // written: synchronous period
  FIFO_FLAGS: 0x7, // written: synchronous offset
  CONFIG1: 0x8,
  CLOCK_CONVERSION: 0x9, // write only
  TEST: 0xa, // write only
  CONFIG2: 0xb,
  CONFIG3: 0xc,
  CONFIG4: 0xd,
  TRANSFER_COUNT_TOP: 0xe, // and the chip's id
  FIFO_ALIGN: 0xf, // write only
} as const;

export const STATUS_INT = 0x80;
export const STATUS_GE = 0x40; // gross error
export const STATUS_PE = 0x20; // parity error
export const STATUS_TC = 0x10; // the transfer counter has reached zero
export const STATUS_VGC = 0x08; // valid group code, of target mode

export const INT_RST = 0x80; // SCSI reset
export const INT_ILL = 0x40; // illegal command
export const INT_DIS = 0x20; // disconnected, or selection timed out
export const INT_BS = 0x10; // bus service
export const INT_FC = 0x08; // function complete
export const INT_RESEL = 0x04;

export const CONFIG1_ID = 0x07;
export const CONFIG1_TEST = 0x08;
export const CONFIG1_PARITY_TEST = 0x20;
export const CONFIG1_RESET_REPORT_OFF = 0x40;

/** Phase latch (53C94 and up); with it the 53CF9x enables the counter's third byte. */
export const CONFIG2_FEATURES = 0x40;
/** The last odd byte of a 16-bit DMA stays in the FIFO for the processor. */
export const CONFIG3_SAVE_RESIDUAL = 0x04;

export const COMMAND_DMA = 0x80;
export const COMMAND_CODE = 0x7f;

export const CMD = {
  nop: 0x00,
  flushFifo: 0x01,
  resetChip: 0x02,
  resetBus: 0x03,
  transfer: 0x10,
  completeSteps: 0x11,
  messageAccepted: 0x12,
  pad: 0x18,
  setAtn: 0x1a,
  resetAtn: 0x1b,
  reselect: 0x40,
  select: 0x41,
  selectAtn: 0x42,
  selectAtnStop: 0x43,
  enableSelection: 0x44,
  disableSelection: 0x45,
  selectAtn3: 0x46,
  reselect3: 0x47,
} as const;

export interface Variant {
  /** SELECT WITH ATN3, RESET ATN, CONFIG2, the interrupt bit of STATUS; the FIFO flags show the sequence step. */
  readonly a: boolean;
  /** CONFIG3, FIFO alignment, the phase latch. */
  readonly config3: boolean;
  /** CONFIG4, a transfer counter of 24 bits, an id. */
  readonly fast: boolean;
  /** Bits of CONFIG2 that can be written. */
  readonly config2: number;
}

export const VARIANTS = {
  '53c90': { a: false, config3: false, fast: false, config2: 0 },
  '53c90a': { a: true, config3: false, fast: false, config2: 0x1f },
  '53c94': { a: true, config3: true, fast: false, config2: 0xff },
  '53c96': { a: true, config3: true, fast: false, config2: 0xff },
  '53cf94': { a: true, config3: true, fast: true, config2: 0xff },
  '53cf96': { a: true, config3: true, fast: true, config2: 0xff },
} as const satisfies Record<string, Variant>;
export type Ncr53c9xModel = keyof typeof VARIANTS;

/** Family 0x14 (53CF9x-2), revision 2. */
export const CHIP_ID = 0xa2;
