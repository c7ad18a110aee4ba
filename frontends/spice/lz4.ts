// SPDX-License-Identifier: MIT
//
// LZ4 blocks of pictures: compression looks for repetitions of whole pixels only, which is all that screens have.
// Runs in browsers too.
// Documents: [LZ4] in docs/references.md.
import { ProtocolError } from './wire.ts';

const MIN_MATCH = 4;
/** A length of 15 in the token is continued by bytes until one is below 255. */
const MORE = 15;
const MAX_OFFSET_WORDS = 0xffff >>> 2;
/** Neither the last words are part of a match, nor does one begin in those before. */
const LAST_LITERALS = 2;
const LAST_START = 3;
const HASH_BITS = 14;

/** One block with the bytes of `words`; empty when it would be larger than `limit` bytes. */
export function compressWords(words: Uint32Array, limit: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  const out = new Uint8Array(limit);
  const seen = new Int32Array(1 << HASH_BITS).fill(-1);
  const count = words.length;
  let length = 0;
  let from = 0; // first literal not yet written
  const more = (left: number): void => {
    for (; left >= 255; left -= 255) out[length++] = 255;
    out[length++] = left;
  };
  /** Writes the literals up to word `to`, then the match; `false` when there is no room. */
  const sequence = (to: number, offset: number, matched: number): boolean => {
    const literals = (to - from) * 4;
    const rest = matched * 4 - MIN_MATCH;
    if (length + literals + literals / 255 + matched / 63 + 8 > limit) return false;
    out[length++] = (Math.min(literals, MORE) << 4) | (matched > 0 ? Math.min(rest, MORE) : 0);
    if (literals >= MORE) more(literals - MORE);
    out.set(bytes.subarray(from * 4, to * 4), length);
    length += literals;
    if (matched === 0) return true;
    out[length++] = (offset * 4) & 0xff;
    out[length++] = (offset * 4) >>> 8;
    if (rest >= MORE) more(rest - MORE);
    return true;
  };
  let at = 0;
  while (at + LAST_START <= count) {
    const word = words[at]!;
    const hash = Math.imul(word, 0x9e37_79b1) >>> (32 - HASH_BITS);
    const earlier = seen[hash]!;
    seen[hash] = at;
    if (earlier < 0 || at - earlier > MAX_OFFSET_WORDS || words[earlier] !== word) {
      at++;
      continue;
    }
    let end = at + 1;
    let other = earlier + 1;
    while (end < count - LAST_LITERALS && words[end] === words[other]) {
      end++;
      other++;
    }
    if (!sequence(at, at - earlier, end - at)) return new Uint8Array(0);
    at = from = end;
  }
  return sequence(count, 0, 0) ? out.subarray(0, length) : new Uint8Array(0);
}

/** Unpacks one block into `into` from `at` on, where earlier blocks are what matches may refer to; gives the new end. */
export function decompress(block: Uint8Array, into: Uint8Array, at: number): number {
  let next = 0;
  let end = at;
  const bad = (): never => {
    throw new ProtocolError('a broken LZ4 image');
  };
  const byte = (): number => block[next++] ?? bad();
  const lengthOf = (short: number): number => {
    let length = short;
    if (short === MORE) {
      let more;
      do length += more = byte();
      while (more === 255 && length <= into.length);
    }
    return length;
  };
  for (;;) {
    const token = byte();
    const literals = lengthOf(token >>> 4);
    if (literals > block.length - next || literals > into.length - end) bad();
    into.set(block.subarray(next, next + literals), end);
    next += literals;
    end += literals;
    if (next === block.length) return end;
    const offset = byte() | (byte() << 8);
    const length = lengthOf(token & 15) + MIN_MATCH;
    if (offset === 0 || offset > end || length > into.length - end) bad();
    if (offset >= length) into.copyWithin(end, end - offset, end - offset + length);
    else for (let i = 0; i < length; i++) into[end + i] = into[end + i - offset]!;
    end += length;
  }
}
