// SPDX-License-Identifier: MIT
//
// The registers of an SD card that say what it is. Document: [SD] §5.2, §5.3.

export const SD_BLOCK_BYTES = 512;
/** Above this a card has high capacity. */
const MOST_STANDARD_BYTES = 2 ** 31;
const HIGH_CAPACITY_UNIT = 512 * 1024;
/** 32 GiB, the most of version 2.00. */
export const MOST_SD_BYTES = 2 ** 35;
const MOST_C_SIZE = 4096;
const LEAST_MULTIPLIER = 2;

export interface SdCapacity {
  readonly highCapacity: boolean;
  /** What the card holds: the image, rounded down to what the registers can say. */
  readonly bytes: number;
  /** C_SIZE + 1. */
  readonly size: number;
  /** C_SIZE_MULT. */
  readonly multiplier: number;
  /** READ_BL_LEN: power of two. */
  readonly blockPower: number;
}

/** How a card with room for `bytes` describes itself. */
export function sdCapacity(bytes: number): SdCapacity {
  if (bytes > MOST_STANDARD_BYTES) {
    const size = Math.floor(Math.min(bytes, MOST_SD_BYTES) / HIGH_CAPACITY_UNIT);
    return { highCapacity: true, bytes: size * HIGH_CAPACITY_UNIT, size, multiplier: 0, blockPower: 9 };
  }
  let blockPower = 9;
  let multiplier = 0;
  const unit = (): number => 2 ** (blockPower + multiplier + LEAST_MULTIPLIER);
  while (bytes > MOST_C_SIZE * unit()) {
    if (multiplier < 7) multiplier++;
    else blockPower++;
  }
  const size = Math.max(1, Math.floor(bytes / unit()));
  return { highCapacity: false, bytes: Math.min(bytes, size * unit()), size, multiplier, blockPower };
}

/** Fields of a register of 128 bits: highest bit, lowest bit, value. */
type Field = readonly [high: number, low: number, value: number];

/** CID: manufacturer 0, "EM", "EMERI", revision 1.0, serial number 1, January 2001. */
export const cardIdentification = (): number[] =>
  register([
    [119, 104, 0x454d],
    [103, 72, 0x454d_4552],
    [71, 64, 0x49],
    [63, 56, 0x10],
    [55, 24, 1],
    [19, 8, 0x011],
  ]);

export function cardSpecificData({ highCapacity, size, multiplier, blockPower }: SdCapacity): number[] {
  return register([
    [127, 126, highCapacity ? 1 : 0], // CSD_STRUCTURE
    [119, 112, highCapacity ? 0x0e : 0x26], // TAAC: 1 ms, 1.5 ms
    [103, 96, 0x32], // TRAN_SPEED: 25 MHz
    [95, 84, 0x535], // CCC: classes 0, 2, 4, 5, 8, 10
    [83, 80, blockPower], // READ_BL_LEN
    [79, 79, highCapacity ? 0 : 1], // READ_BL_PARTIAL
    ...((highCapacity
      ? [[69, 48, size - 1]]
      : [
          [73, 62, size - 1],
          [61, 50, 0xfff], // currents: 100 mA at most
          [49, 47, multiplier],
        ]) as readonly Field[]),
    [46, 46, 1], // ERASE_BLK_EN
    [45, 39, 0x7f], // SECTOR_SIZE
    [28, 26, 2], // R2W_FACTOR
    [25, 22, blockPower], // WRITE_BL_LEN
  ]);
}

/** The four words of a register, most significant first, with its CRC and the bit at its end. */
function register(fields: readonly Field[]): number[] {
  let bits = 0n;
  for (const [high, low, value] of fields) {
    bits |= BigInt.asUintN(high - low + 1, BigInt(value)) << BigInt(low);
  }
  bits |= (BigInt(crc7(bits >> 8n)) << 1n) | 1n;
  return [96n, 64n, 32n, 0n].map((shift) => Number((bits >> shift) & 0xffff_ffffn));
}

/** Of 120 bits: x^7 + x^3 + 1. */
function crc7(bits: bigint): number {
  let crc = 0;
  for (let i = 119n; i >= 0n; i--) {
    const feedback = (crc >>> 6) ^ Number((bits >> i) & 1n);
    crc = ((crc << 1) & 0x7f) ^ (feedback ? 0x09 : 0);
  }
  return crc;
}
