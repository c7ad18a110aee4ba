// SPDX-License-Identifier: MIT

/** How long things take, in nanoseconds. The firmware's own pace is part of what guests depend on. */
export interface CudaTiming {
  /** From the chip's reset until it looks at its pins. */
  readonly startup: number;
  /** From an edge of TIP or BYTEACK until it is noticed. Edges closer together are seen as one. */
  readonly notice: number;
  /** From the host's edge until a byte from it has been taken. */
  readonly take: number;
  /** From the host's edge until a byte for it is in its shift register. */
  readonly give: number;
  /** From the end of a transfer until the interrupt that acknowledges it. */
  readonly idle: number;
  /** From a command's end (and the time its execution takes) until TREQ. */
  readonly treq: number;
  /** From TREQ of an unsolicited packet until the interrupt. */
  readonly attention: number;
  /** Silence after a transfer before an unsolicited packet. */
  readonly gap: number;
  /** One bit on the Apple Desktop Bus. */
  readonly adbCell: number;
  /** One byte on the I2C bus. */
  readonly i2cByte: number;
}

export const CUDA_TIMING: CudaTiming = {
  startup: 100_000,
  notice: 4_000,
  take: 71_000,
  give: 88_000,
  idle: 61_000,
  treq: 13_000,
  attention: 30_000,
  gap: 1_000_000,
  adbCell: 100_000,
  i2cByte: 100_000,
};
