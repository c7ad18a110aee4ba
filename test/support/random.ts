// SPDX-License-Identifier: MIT

/** Reproducible numbers in [0, 1): Marsaglia's 32-bit xorshift. */
export function random(seed: number): () => number {
  let state = seed >>> 0 || 0x9e37_79b9;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 0x1_0000_0000;
  };
}
