// SPDX-License-Identifier: MIT
//
// AES-128 encryption of one block, as FIPS 197 describes it.

const multiplyBy2 = (byte: number): number => ((byte << 1) ^ (byte & 0x80 ? 0x11b : 0)) & 0xff;

/** The S-box: the multiplicative inverse in GF(2^8), then an affine map. [FIPS 197] §5.1.1 */
const S_BOX = ((): Uint8Array => {
  const box = new Uint8Array(256);
  // 3 generates the field: p runs through its powers, q through their inverses.
  let p = 1;
  let q = 1;
  do {
    p ^= multiplyBy2(p);
    q ^= q << 1;
    q ^= q << 2;
    q ^= q << 4;
    q = (q ^ (q & 0x80 ? 0x09 : 0)) & 0xff;
    const rotated = [1, 2, 3, 4].reduce((sum, n) => sum ^ ((q << n) | (q >>> (8 - n))), q);
    box[p] = (rotated ^ 0x63) & 0xff;
  } while (p !== 1);
  box[0] = 0x63;
  return box;
})();

/** 11 round keys of 16 bytes. */
function expandKey(key: Uint8Array): Uint8Array {
  const keys = new Uint8Array(176);
  keys.set(key.subarray(0, 16));
  let constant = 1;
  for (let at = 16; at < 176; at += 4) {
    const word = [0, 1, 2, 3].map((i) => keys[at - 4 + i]!);
    if (at % 16 === 0) {
      word.push(word.shift()!);
      for (let i = 0; i < 4; i++) word[i] = S_BOX[word[i]!]!;
      word[0]! ^= constant;
      constant = multiplyBy2(constant);
    }
    for (let i = 0; i < 4; i++) keys[at + i] = keys[at - 16 + i]! ^ word[i]!;
  }
  return keys;
}

/** @returns 16 bytes. @param key 16 bytes. @param block 16 bytes. */
export function aes128Encrypt(key: Uint8Array, block: Uint8Array): Uint8Array {
  const keys = expandKey(key);
  let state = block.slice(0, 16).map((byte, i) => byte ^ keys[i]!);
  for (let round = 1; round <= 10; round++) {
    // SubBytes and ShiftRows: row r of the column-wise state moves left by r.
    const shifted = state.map((_, i) => S_BOX[state[(i + 4 * (i & 3)) & 15]!]!);
    state = round === 10 ? shifted : mixColumns(shifted);
    state = state.map((byte, i) => byte ^ keys[round * 16 + i]!);
  }
  return state;
}

function mixColumns(state: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(16);
  for (let i = 0; i < 16; i++) {
    const column = i & ~3;
    const at = (n: number): number => state[column + ((i + n) & 3)]!;
    out[i] = multiplyBy2(at(0)) ^ multiplyBy2(at(1)) ^ at(1) ^ at(2) ^ at(3);
  }
  return out;
}
