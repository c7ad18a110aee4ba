import { describe, expect, it } from 'vitest';
import type { ScreenMode } from '../../../machines/backplane/host.ts';
import { pictureOf } from '../../../machines/backplane/pixels.ts';

const PALETTE = Uint8Array.from({ length: 16 * 4 }, (_, i) => (i & 3 ? 0 : i >>> 2));

/** Red and blue of every pixel of a picture of `mode` over `bytes`. */
function colors(mode: Partial<ScreenMode> & Pick<ScreenMode, 'bpp'>, bytes: readonly number[]): number[][] {
  const memory = new SharedArrayBuffer(bytes.length);
  new Uint8Array(memory).set(bytes);
  const full = { width: 2, height: 1, stride: 16, offset: 0, byteOrder: 'big' as const, palette: PALETTE, ...mode };
  const { width, height, rgba } = pictureOf(full, memory);
  expect(rgba).toHaveLength(width * height * 4);
  return Array.from({ length: width * height }, (_, i) => {
    expect(rgba[i * 4 + 3]).toBe(255);
    return [rgba[i * 4]!, rgba[i * 4 + 2]!];
  });
}

describe('pictureOf', () => {
  it.each([
    [1, 0b1010_0000, [1, 0, 1]],
    [2, 0b1101_1000, [3, 1, 2]],
    [4, 0xa5, [10, 5, 12]],
  ] as const)('takes the leftmost of %i-bit pixels from the highest bits', (bpp, byte, expected) => {
    expect(colors({ bpp, width: 3 }, [byte, 0xc0]).map(([red]) => red)).toEqual(expected);
  });

  it('shows pixels that are not on their boundaries', () => {
    const pixels16 = [0xf8, 0x00, 0x00, 0x1f];
    expect(colors({ bpp: 16 }, pixels16)).toEqual([
      [255, 0],
      [0, 255],
    ]);
    expect(colors({ bpp: 16, offset: 1 }, [9, ...pixels16])).toEqual([
      [255, 0],
      [0, 255],
    ]);
    const pixels32 = [0, 1, 2, 3, 0, 4, 5, 6];
    for (const offset of [0, 1, 2, 3]) {
      expect(colors({ bpp: 32, offset }, [...Array<number>(offset).fill(9), ...pixels32])).toEqual([
        [1, 3],
        [4, 6],
      ]);
    }
    expect(colors({ bpp: 32, width: 1, height: 2, stride: 5 }, [0, 1, 2, 3, 9, 0, 4, 5, 6])).toEqual([
      [1, 3],
      [4, 6],
    ]);
  });

  it.each([15, 16, 24, 32, 8] as const)('shows black for lines beyond the memory at %i bits', (bpp) => {
    const bytes = Array<number>(20).fill(1);
    const shown = colors({ bpp, height: 3, stride: 12 }, bytes);
    expect(shown.slice(4)).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(shown[2]).not.toEqual([0, 0]);
    expect(colors({ bpp, offset: 19 }, bytes)).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });
});
