// SPDX-License-Identifier: MIT
//
// What the clock chip's RAM of a new NeXT computer holds: the boot ROM's settings, as the factory wrote them.
//
//     0-3    31-28 format (9)  27 console on the serial line  26 may eject  25-20 volume right  19-14 brightness
//            13-10 password set  9-4 volume left  3 speaker off  2 low pass  1 boot any  0 any command
//     4-9    password          10-11 memory: 15-12 parity by bank, then three bits a bank: 2 page mode, 1-0 size
//     12-13  -                 14 tests: 6 sound  5 extended  4 DRAM  3 verbose  2 loop  1 SCSI and more  0 on power-up
//     15-16  errors of the last tests   17: 7 newer clock chip  6 power on by itself  5 console slot set  4-3 console slot  2 use parity
//     18-29  boot command      30-31 checksum
import type { NextMedium } from './next-media.ts';
import { SIMM_30_PIN, SIMM_COLOR, type MemoryLayout } from './next-memory.ts';

const BOOT_ORDER = [
  ['scsi', 'sd'],
  ['mo', 'od'],
  ['floppy', 'fd'],
] as const;

const BYTES = 32;
const BOOT_COMMAND = 18;

const FORMAT = 0x9400_0000;
const BRIGHTEST = 0x3d;

const TEST_POWER_UP = 0x01;
const TEST_SCSI = 0x02;
const TEST_VERBOSE = 0x08;
const TEST_SOUND = 0x40;

const NEW_CLOCK_CHIP = 0x80;
const PAGE_MODE = 4;

export interface NextSettings {
  readonly banks: readonly number[];
  readonly memory: MemoryLayout;
  readonly newClockChip: boolean;
  /** What there is to boot from; without anything the ROM stays in its monitor. */
  readonly media: readonly NextMedium[];
}

/** The first 32 bytes; `length` is that of the clock chip's RAM. */
export function factorySettings(settings: NextSettings, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, (FORMAT | (BRIGHTEST << 14)) >>> 0);
  view.setUint16(10, memoryWord(settings));
  bytes[14] = TEST_POWER_UP | TEST_SCSI | TEST_VERBOSE | TEST_SOUND;
  bytes[17] = settings.newClockChip ? NEW_CLOCK_CHIP : 0;
  bytes.set(bootCommand(settings.media), BOOT_COMMAND);
  view.setUint16(BYTES - 2, checksum(bytes));
  return bytes;
}

function bootCommand(media: readonly NextMedium[]): Uint8Array {
  const command = BOOT_ORDER.find(([place]) => media.some(({ where }) => where === place))?.[1] ?? '';
  return Uint8Array.from(command, (character) => character.charCodeAt(0));
}

function memoryWord({ banks, memory }: NextSettings): number {
  let word = 0;
  banks.forEach((size, bank) => {
    if (size === 0) return;
    word |= (1 + memory.sizes.indexOf(size) + (memory === SIMM_30_PIN ? PAGE_MODE : 0)) << (bank * 3);
    if (memory === SIMM_30_PIN || memory === SIMM_COLOR) word |= 0x1000 << bank;
  });
  return word;
}

/** The complement of the sum of the words before it, with carries added in again. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < BYTES - 2; at += 2) {
    sum += (bytes[at]! << 8) | bytes[at + 1]!;
    if (sum > 0xffff) sum -= 0xffff;
  }
  return 0xffff - sum;
}
