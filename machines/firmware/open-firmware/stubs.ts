// SPDX-License-Identifier: MIT
//
// The little guest code there is: places where the CPU enters the firmware by a hypercall, the loop it idles in while the
// firmware waits, and the exception vectors.

/** The hypercall instruction: primary opcode 1, which no PowerPC defines; the number is in the other 26 bits. */
export const hypercallWord = (n: number): number => (0x0400_0000 | n) >>> 0;

/** Hypercall numbers. `exception` is or-ed with the vector's offset. */
export const HYPERCALL = {
  poll: 0x1,
  client: 0x2,
  clientReturned: 0x3,
  exception: 0x1_0000,
} as const;

/** Offsets from the start of the firmware's memory. */
export const LAYOUT = {
  idle: 0x0000,
  client: 0x0040,
  clientReturned: 0x0060,
  variables: 0x0400,
  terminalInput: 0x0600,
  terminalInputBytes: 0x200,
  scratch: 0x1000,
  scratchBytes: 0x9000,
  clientStack: 0xa000,
  clientStackBytes: 0x8000,
  evaluate: 0x1_2000,
  evaluateBytes: 0xe000,
  data: 0x2_0000,
  dataBytes: 0x6_0000,
  heap: 0x8_0000,
  heapBytes: 0x8_0000,
  total: 0x10_0000,
} as const;

/** Bytes of low memory with the exception vectors. */
export const VECTORS_END = 0x3000;

export const MSR_POW = 0x0004_0000; // doze, as HID0 says
export const MSR_EE = 0x0000_8000; // external and decrementer interrupts
export const MSR_FP = 0x0000_2000;
export const MSR_ME = 0x0000_1000;
export const HID0_DOZE = 0x0080_0000;

const BLR = 0x4e80_0020;
const branch = (words: number): number => (0x4800_0000 | ((words * 4) & 0x03ff_fffc)) >>> 0;

/** Waits for the decrementer, set from r4 by the poll. The vector at 0x900 comes back to the start. */
const IDLE = [
  hypercallWord(HYPERCALL.poll),
  0x7c96_03a6, // mtdec r4
  0x7ca0_00a6, // mfmsr r5
  0x64a5_0004, // oris r5,r5,POW
  0x60a5_8000, // ori r5,r5,EE
  0x7c00_04ac, // sync
  0x7ca0_0124, // mtmsr r5
  0x4c00_012c, // isync
  branch(-8),
];

/** Every word of the stubs, by offset from the start of the firmware's memory. */
export function* stubWords(): Generator<[offset: number, word: number]> {
  for (const [i, word] of IDLE.entries()) yield [LAYOUT.idle + i * 4, word];
  yield [LAYOUT.client, hypercallWord(HYPERCALL.client)];
  yield [LAYOUT.client + 4, BLR];
  yield [LAYOUT.clientReturned, hypercallWord(HYPERCALL.clientReturned)];
}

/** The exception vectors, by physical address. */
export function* vectorWords(): Generator<[pa: number, word: number]> {
  for (let vector = 0x100; vector < VECTORS_END; vector += 0x100) {
    yield [vector, hypercallWord(HYPERCALL.exception | vector)];
  }
}
