import { describe, expect, it } from 'vitest';
import { edid } from '../../../../machines/devices/display/edid.ts';

const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => total + byte) & 0xff;

describe('edid', () => {
  const block = edid({ name: 'Emeritus', width: 1280, height: 1024 });

  it('is a block of version 1.3 whose bytes add up to zero', () => {
    expect(block).toHaveLength(128);
    expect([...block.subarray(0, 8)]).toEqual([0, 255, 255, 255, 255, 255, 255, 0]);
    expect([...block.subarray(18, 20)]).toEqual([1, 3]);
    expect(sum(block)).toBe(0);
    for (const [width, height] of [
      [640, 480],
      [1024, 768],
      [1920, 1200],
    ] as const) {
      expect(sum(edid({ name: 'x', width, height }))).toBe(0);
    }
  });

  it('prefers the given mode at 60 Hz', () => {
    const timing = block.subarray(54, 72);
    const active = (low: number, high: number): number => timing[low]! | ((timing[high]! & 0xf0) << 4);
    const blank = (low: number, high: number): number => timing[low]! | ((timing[high]! & 0x0f) << 8);
    expect([active(2, 4), active(5, 7)]).toEqual([1280, 1024]);
    const clock = (timing[0]! | (timing[1]! << 8)) * 10_000;
    const total = (1280 + blank(3, 4)) * (1024 + blank(6, 7));
    expect(clock / total).toBeCloseTo(60, 1);
    expect(block[24]! & 0x02).toBe(0x02);
  });

  it('lists the standard modes that fit', () => {
    const small = edid({ name: 'x', width: 800, height: 600 });
    expect([...small.subarray(35, 38)]).toEqual([0x21, 0, 0]);
    expect([...small.subarray(38, 54)]).toEqual(Array(16).fill(1));
    expect([...block.subarray(35, 38)]).toEqual([0x21, 0x08, 0]);
    // 1152 × 864, 4:3.
    expect([...block.subarray(38, 40)]).toEqual([1152 / 8 - 31, 0x40]);
  });

  it('names the monitor', () => {
    expect([...block.subarray(90, 95)]).toEqual([0, 0, 0, 0xfc, 0]);
    expect(String.fromCharCode(...block.subarray(95, 108))).toBe('Emeritus\n    ');
  });
});
