// SPDX-License-Identifier: MIT
export const GLYPH_WIDTH = 8;
export const GLYPH_HEIGHT = 16;
export function glyph(_code: number): Uint8Array {
  return new Uint8Array(16);
}
