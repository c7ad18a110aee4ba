// SPDX-License-Identifier: MIT
//
// Decompression of gzip data inside other files. Documents: RFC 1951 (DEFLATE), RFC 1952 (gzip).
// Not checked: the checksum at the end, which a finder of such data cannot locate beforehand.

/** The data is damaged, not gzip, or larger than asked for. */
export class InflateError extends Error {
  override readonly name = 'InflateError';
}

const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] as const;
const MOST_BITS = 15;
const END_OF_BLOCK = 256;
const HEADER_BYTES = 10;
const FLAG = { headerCrc: 2, extra: 4, name: 8, comment: 16 } as const;

/** Base and extra bits of the length codes from 257 on, and of the distance codes. */
const LENGTHS = table(3, [8, 4, 4, 4, 4, 4], 28, [[258, 0]]);
const DISTANCES = table(1, [4, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2], 30, []);

/** Codes whose extra bits go up by one from group to group. */
function table(first: number, groups: readonly number[], most: number, more: readonly (readonly [number, number])[]) {
  const codes: (readonly [base: number, bits: number])[] = [];
  let base = first;
  groups.forEach((count, bits) => {
    for (let i = 0; i < count && codes.length < most; i++) {
      codes.push([base, bits]);
      base += 2 ** bits;
    }
  });
  return [...codes, ...more];
}

/** A canonical Huffman code: how many codes of each length there are, and the symbols in order. */
interface Code {
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

function codeOf(lengths: Uint8Array): Code {
  const counts = new Uint16Array(MOST_BITS + 1);
  for (const length of lengths) counts[length]!++;
  counts[0] = 0;
  const next = new Uint16Array(MOST_BITS + 2);
  for (let bits = 1; bits <= MOST_BITS; bits++) next[bits + 1] = next[bits]! + counts[bits]!;
  const symbols = new Uint16Array(lengths.length);
  lengths.forEach((length, symbol) => {
    if (length > 0) symbols[next[length]!++] = symbol;
  });
  return { counts, symbols };
}

/** What `gzip` data that begins at `at` holds, at most `most` bytes. */
export function gunzip(bytes: Uint8Array, at: number, most: number): Uint8Array {
  if (bytes[at] !== 0x1f || bytes[at + 1] !== 0x8b || bytes[at + 2] !== 8) throw new InflateError('not gzip');
  const flags = bytes[at + 3]!;
  let start = at + HEADER_BYTES;
  if (flags & FLAG.extra) start += 2 + (bytes[start]! | (bytes[start + 1]! << 8));
  for (const flag of [FLAG.name, FLAG.comment]) {
    if (!(flags & flag)) continue;
    const end = bytes.indexOf(0, start);
    if (end < 0) throw new InflateError('cut short');
    start = end + 1;
  }
  if (flags & FLAG.headerCrc) start += 2;
  return new Inflater(bytes, start, most).run();
}

class Inflater {
  readonly #bytes: Uint8Array;
  readonly #most: number;
  #at: number;
  #bits = 0;
  #bitCount = 0;
  #out = new Uint8Array(1 << 20);
  #length = 0;

  constructor(bytes: Uint8Array, at: number, most: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#most = most;
  }

  run(): Uint8Array {
    for (let last = false; !last;) {
      last = this.#take(1) === 1;
      const kind = this.#take(2);
      if (kind === 0) this.#stored();
      else if (kind === 1) this.#block(...fixedCodes());
      else if (kind === 2) this.#block(...this.#dynamicCodes());
      else throw new InflateError('no such block');
    }
    return this.#out.subarray(0, this.#length);
  }

  #take(count: number): number {
    while (this.#bitCount < count) {
      if (this.#at >= this.#bytes.length) throw new InflateError('cut short');
      this.#bits |= this.#bytes[this.#at++]! << this.#bitCount;
      this.#bitCount += 8;
    }
    const value = this.#bits & ((1 << count) - 1);
    this.#bits >>>= count;
    this.#bitCount -= count;
    return value;
  }

  #symbol({ counts, symbols }: Code): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let bits = 1; bits <= MOST_BITS; bits++) {
      code |= this.#take(1);
      const count = counts[bits]!;
      if (code - count < first) return symbols[index + code - first]!;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new InflateError('no such code');
  }

  #put(byte: number): void {
    if (this.#length === this.#out.length) {
      if (this.#length >= this.#most) throw new InflateError('too large');
      const longer = new Uint8Array(this.#length * 2);
      longer.set(this.#out);
      this.#out = longer;
    }
    this.#out[this.#length++] = byte;
  }

  #stored(): void {
    this.#bits = this.#bitCount = 0;
    const length = this.#take(16);
    if (this.#take(16) !== (~length & 0xffff)) throw new InflateError('damaged length');
    for (let i = 0; i < length; i++) this.#put(this.#take(8));
  }

  #dynamicCodes(): [Code, Code] {
    const literals = this.#take(5) + 257;
    const distances = this.#take(5) + 1;
    const given = this.#take(4) + 4;
    const lengths = new Uint8Array(CODE_LENGTH_ORDER.length);
    for (let i = 0; i < given; i++) lengths[CODE_LENGTH_ORDER[i]!] = this.#take(3);
    const code = codeOf(lengths);
    const all = new Uint8Array(literals + distances);
    for (let i = 0; i < all.length;) {
      const symbol = this.#symbol(code);
      if (symbol < 16) {
        all[i++] = symbol;
        continue;
      }
      if (symbol === 16 && i === 0) throw new InflateError('nothing to repeat');
      const value = symbol === 16 ? all[i - 1]! : 0;
      const times = symbol === 16 ? 3 + this.#take(2) : symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7);
      all.fill(value, i, i + times);
      i += times;
    }
    return [codeOf(all.subarray(0, literals)), codeOf(all.subarray(literals))];
  }

  #block(literals: Code, distances: Code): void {
    for (;;) {
      const symbol = this.#symbol(literals);
      if (symbol === END_OF_BLOCK) return;
      if (symbol < END_OF_BLOCK) {
        this.#put(symbol);
        continue;
      }
      const length = this.#value(LENGTHS[symbol - END_OF_BLOCK - 1]);
      const distance = this.#value(DISTANCES[this.#symbol(distances)]);
      if (distance > this.#length) throw new InflateError('refers to before the beginning');
      for (let i = 0; i < length; i++) this.#put(this.#out[this.#length - distance]!);
    }
  }

  #value(code: readonly [base: number, bits: number] | undefined): number {
    if (code === undefined) throw new InflateError('no such length or distance');
    return code[0] + this.#take(code[1]);
  }
}

function fixedCodes(): [Code, Code] {
  const lengths = Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8));
  return [codeOf(lengths), codeOf(new Uint8Array(30).fill(5))];
}
