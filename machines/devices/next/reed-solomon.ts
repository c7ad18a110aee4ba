// SPDX-License-Identifier: MIT
//
// The error correction of NeXT's magneto-optical disks: 32 by 32 bytes in a product of two Reed-Solomon codes (36, 32)
// over GF(256), x^8 + x^4 + x^3 + x^2 + 1, whose generator has the roots 1, a, a^2, a^3. Columns are encoded first.

export const SECTOR_BYTES = 1024;
export const ENCODED_BYTES = 1296;

const DATA = 32;
const CODE = 36;
const CHECKS = CODE - DATA;

const EXP = new Uint8Array(510);
const LOG = new Uint8Array(256);
for (let power = 0, value = 1; power < 255; power++) {
  EXP[power] = EXP[power + 255] = value;
  LOG[value] = power;
  value = value & 0x80 ? ((value << 1) ^ 0x11d) & 0xff : value << 1;
}

const multiply = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : EXP[LOG[a]! + LOG[b]!]!);
const divide = (a: number, b: number): number => (a === 0 ? 0 : EXP[LOG[a]! + 255 - LOG[b]!]!);

/** The generator's coefficients below the highest, the highest first. */
const GENERATOR = ((): Uint8Array => {
  let polynomial = [1];
  for (let root = 0; root < CHECKS; root++) {
    const next = [...polynomial, 0];
    polynomial.forEach((coefficient, i) => (next[i + 1]! ^= multiply(coefficient, EXP[root]!)));
    polynomial = next;
  }
  return Uint8Array.from(polynomial.slice(1));
})();

/** Appends the check bytes of a word whose bytes are `step` apart. */
function encodeWord(block: Uint8Array, first: number, step: number): void {
  const rest = new Uint8Array(CHECKS);
  for (let i = 0; i < DATA; i++) {
    const feedback = block[first + i * step]! ^ rest[0]!;
    rest.copyWithin(0, 1);
    rest[CHECKS - 1] = 0;
    for (let j = 0; j < CHECKS; j++) rest[j]! ^= multiply(feedback, GENERATOR[j]!);
  }
  for (let j = 0; j < CHECKS; j++) block[first + (DATA + j) * step] = rest[j]!;
}

/** Corrects up to two bytes of a word; how many there were, or -1 when there were more. */
function decodeWord(block: Uint8Array, first: number, step: number): number {
  const syndromes = [0, 0, 0, 0];
  for (let i = 0; i < CODE; i++) {
    const byte = block[first + i * step]!;
    for (let root = 0; root < CHECKS; root++) syndromes[root] = multiply(syndromes[root]!, EXP[root]!) ^ byte;
  }
  const [s0, s1, s2, s3] = syndromes as [number, number, number, number];
  if ((s0 | s1 | s2 | s3) === 0) return 0;
  // The byte at power p of the word has the locator a^p.
  const correct = (locator: number, error: number): boolean => {
    const power = LOG[locator]!;
    if (locator === 0 || power >= CODE) return false;
    block[first + (CODE - 1 - power) * step]! ^= error;
    return true;
  };
  const determinant = multiply(s0, s2) ^ multiply(s1, s1);
  if (determinant === 0) {
    const locator = s0 === 0 ? 0 : divide(s1, s0);
    const consistent = multiply(s1, locator) === s2 && multiply(s2, locator) === s3;
    return consistent && correct(locator, s0) ? 1 : -1;
  }
  const sum = divide(multiply(s0, s3) ^ multiply(s1, s2), determinant);
  const product = divide(multiply(s1, s3) ^ multiply(s2, s2), determinant);
  for (let power = 0; power < CODE; power++) {
    const locator = EXP[power]!;
    if ((multiply(locator, locator ^ sum) ^ product) !== 0) continue;
    const other = locator ^ sum;
    if (other === locator || other === 0 || LOG[other]! >= CODE) return -1;
    const error = divide(s1 ^ multiply(s0, locator), other ^ locator);
    correct(other, error);
    correct(locator, s0 ^ error);
    return 2;
  }
  return -1;
}

/** Turns the 1024 bytes at the beginning of `block` into 1296. */
export function encodeSector(block: Uint8Array): void {
  for (let row = DATA - 1; row > 0; row--) block.copyWithin(row * CODE, row * DATA, (row + 1) * DATA);
  for (let column = 0; column < DATA; column++) encodeWord(block, column, CODE);
  for (let row = 0; row < CODE; row++) encodeWord(block, row * CODE, 1);
}

/** Corrects the 1296 bytes of `block` and packs its 1024; the bytes corrected, or -1 where they were too many. */
export function decodeSector(block: Uint8Array): number {
  let corrected = 0;
  let failed = false;
  for (let row = 0; row < CODE; row++) corrected += Math.max(0, decodeWord(block, row * CODE, 1));
  for (let column = 0; column < DATA; column++) {
    const errors = decodeWord(block, column, CODE);
    if (errors < 0) failed = true;
    else corrected += errors;
  }
  for (let row = 1; row < DATA; row++) block.copyWithin(row * DATA, row * CODE, row * CODE + DATA);
  return failed ? -1 : corrected;
}
