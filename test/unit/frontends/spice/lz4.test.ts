// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { compressWords, decompress } from '../../../../frontends/spice/lz4.ts';
import { ProtocolError } from '../../../../frontends/spice/wire.ts';
import { random } from '../../../support/random.ts';

const bytesOf = (words: Uint32Array): Uint8Array => new Uint8Array(words.buffer, words.byteOffset, words.byteLength);

/** Pictures of all kinds: flat, noise, text-like, and sizes at the edges of the format. */
function* pictures(): Generator<Uint32Array> {
  const next = random(0x124);
  for (const size of [1, 2, 3, 4, 5, 6, 7, 16, 17, 100, 1000, 65_536, 100_000]) {
    yield new Uint32Array(size);
    yield Uint32Array.from({ length: size }, () => next() * 2 ** 32);
    yield Uint32Array.from({ length: size }, () => (next() < 0.9 ? 0xff_ffff : 0));
    yield Uint32Array.from({ length: size }, (_, i) => Math.floor(i / 300) * 0x01_0101);
    yield Uint32Array.from({ length: size }, (_, i) => i % 17_000);
  }
}

describe('LZ4', () => {
  it('gives back what was put in', () => {
    for (const words of pictures()) {
      const block = compressWords(words, words.byteLength * 2 + 64);
      expect(block.length).toBeGreaterThan(0);
      const out = new Uint8Array(words.byteLength + 4);
      expect(decompress(block, out, 4)).toBe(out.length);
      expect(Buffer.compare(out.subarray(4), bytesOf(words))).toBe(0);
    }
  });

  it('makes flat pictures small, and gives up on noise', () => {
    expect(compressWords(new Uint32Array(100_000), 400_000).length).toBeLessThan(2000);
    const next = random(5);
    const noise = Uint32Array.from({ length: 10_000 }, () => next() * 2 ** 32);
    expect(compressWords(noise, 36_000)).toHaveLength(0);
  });

  it('is what the lz4 command reads', ({ skip }) => {
    for (const words of pictures()) {
      const block = compressWords(words, words.byteLength * 2 + 64);
      // A legacy frame: magic, then blocks with their lengths.
      const frame = Buffer.concat([Buffer.from([0x02, 0x21, 0x4c, 0x18]), Buffer.alloc(4), block]);
      frame.writeUInt32LE(block.length, 4);
      let out: Buffer;
      try {
        out = execFileSync('lz4', ['-d', '-c'], {
          input: frame,
          stdio: ['pipe', 'pipe', 'ignore'],
          maxBuffer: 1 << 24,
        });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return skip('needs apt-get install lz4');
        throw error;
      }
      expect(Buffer.compare(out, bytesOf(words))).toBe(0);
    }
  });

  it('refuses broken blocks', () => {
    const next = random(77);
    let refused = 0;
    const words = Uint32Array.from({ length: 500 }, (_, i) => i % 50);
    const good = compressWords(words, 4000);
    for (let round = 0; round < 5000; round++) {
      const bad = good.slice(0, next() < 0.3 ? Math.floor(next() * good.length) : good.length);
      for (let flips = 0; flips < 3 && bad.length > 0; flips++) bad[Math.floor(next() * bad.length)] = next() * 256;
      try {
        expect(decompress(bad, new Uint8Array(2000), 0)).toBeLessThanOrEqual(2000);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });
});
