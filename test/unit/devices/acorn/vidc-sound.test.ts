// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { VidcSound } from '../../../../machines/devices/acorn/vidc-sound.ts';

function make(positions: number[]) {
  const played: { samples: number[]; rate: number; channels: number }[] = [];
  const sink = {
    play: (samples: Int16Array, rate: number, channels: 1 | 2) =>
      played.push({ samples: [...samples], rate, channels }),
  };
  return { played, sound: new VidcSound(sink, () => Uint8Array.from(positions)) };
}

describe('VidcSound', () => {
  it('decodes logarithmic samples', () => {
    const { played, sound } = make(new Array<number>(8).fill(1));
    sound.play(Uint8Array.of(0x00, 0x02, 0x03, 0x20, 0xfe, 0xff, ...new Array<number>(10).fill(0)), 48);
    const left = played[0]!.samples.filter((_, i) => i % 2 === 0);
    expect(left.slice(0, 6)).toEqual([0, 7, -7, 112, 27664, -27664]);
    expect(played[0]!.samples.filter((_, i) => i % 2 === 1).every((sample) => sample === 0)).toBe(true);
    expect(played[0]!.rate).toBeCloseTo(20833.3, 1);
    expect(played[0]!.channels).toBe(2);
  });

  it('places channels from left to right', () => {
    const { played, sound } = make([1, 7, 4, 2, 1, 7, 4, 2]);
    sound.play(new Uint8Array(16).fill(0x20), 100);
    expect(played[0]!.samples.slice(0, 8)).toEqual([112, 0, 0, 112, 56, 56, 93, 18]);
  });

  it('gives each of the seven positions its parts of left and right', () => {
    const size = 27_664;
    const parts = Array.from({ length: 7 }, (_, n): [number, number] => {
      const { played, sound } = make(new Array<number>(8).fill(n + 1));
      sound.play(new Uint8Array(16).fill(0xfe), 48);
      const [left = 0, right = 0] = played[0]!.samples;
      return [Math.round((left * 6) / size), Math.round((right * 6) / size)];
    });
    // All left, 83 %, 67 %, the middle, and the same to the right. [VL86C310]
    expect(parts).toEqual([6, 5, 4, 3, 2, 1, 0].map((left) => [left, 6 - left]));
  });

  it('averages when there are more frames than the ear needs', () => {
    const { played, sound } = make(new Array<number>(8).fill(4));
    sound.play(
      Uint8Array.from({ length: 16 }, (_, i) => (i % 4 === 0 ? 0x20 : 0)),
      6,
    ); // 166 kHz
    expect(played[0]!.rate).toBeCloseTo(41666.7, 1);
    expect(played[0]!.samples).toEqual(new Array(8).fill(14));
  });

  it('is silent without sound DMA', () => {
    const { played, sound } = make(new Array<number>(8).fill(4));
    sound.play(undefined, 48);
    expect(played).toEqual([]);
  });
});
