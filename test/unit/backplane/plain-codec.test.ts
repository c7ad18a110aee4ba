import { describe, expect, it } from 'vitest';
import type { Plain } from '../../../machines/backplane/device.ts';
import { decodePlain, encodePlain } from '../../../machines/backplane/plain-codec.ts';

const sample: Plain = {
  none: null,
  yes: true,
  no: false,
  count: -1.5,
  big: -(1n << 80n),
  text: 'häßlich ✓',
  bytes: Uint8Array.of(1, 2, 3),
  halfwords: Uint16Array.of(0xffff, 1),
  words: Uint32Array.of(0xdead_beef),
  list: [1, 'two', { three: 3 }],
  nested: { deeper: { deepest: [] } },
};

describe('plain codec', () => {
  it('gives back what it was given', () => {
    expect(decodePlain(encodePlain(sample))).toEqual(sample);
    expect(decodePlain(Buffer.from(encodePlain(sample)))).toEqual(sample);
  });

  it('refuses every truncation and every trailing byte', () => {
    const bytes = encodePlain(sample);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodePlain(bytes.subarray(0, length)), `${length} bytes`).toThrow(/snapshot/);
    }
    expect(() => decodePlain(Uint8Array.of(...bytes, 0))).toThrow(/after the end/);
  });

  it('survives random damage with an error or some plain value', () => {
    const bytes = encodePlain(sample);
    let seed = 1;
    for (let i = 0; i < 5000; i++) {
      const damaged = bytes.slice();
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      damaged[seed % bytes.length]! ^= 1 + ((seed >>> 16) % 255);
      try {
        decodePlain(damaged);
      } catch (error) {
        expect((error as Error).name).toBe('SnapshotError');
      }
    }
  });

  it('refuses endless nesting', () => {
    let value: Plain = 0;
    for (let i = 0; i < 40; i++) value = [value];
    expect(() => decodePlain(encodePlain(value))).toThrow(/deep/);
  });
});
