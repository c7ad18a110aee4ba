// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { HexError, parseHex } from '../../../machines/firmware/intel-hex.ts';

const record = (address: number, type: number, ...data: number[]): string => {
  const bytes = [data.length, address >>> 8, address & 0xff, type, ...data];
  bytes.push(-bytes.reduce((sum, byte) => sum + byte, 0) & 0xff);
  return `:${bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
};
const END = record(0, 1);
const parse = (...lines: string[]) => parseHex(lines.join('\r\n'), 'a.hex');

describe('parseHex', () => {
  it('places data by linear and segment bases', () => {
    const pieces = parse(
      record(0, 4, 0x10, 0x00),
      record(0x1014, 0, 1, 2),
      record(0, 2, 0x10, 0),
      record(4, 0, 3),
      END,
    );
    expect(pieces.map(({ address, bytes }) => [address, ...bytes])).toEqual([
      [0x1000_1014, 1, 2],
      [0x1_0004, 3],
    ]);
  });

  it('takes of a Universal Hex what is for micro:bit v1', () => {
    const pieces = parse(record(0, 10, 0x99, 0x01), record(0, 0, 7), record(0, 10, 0x99, 0x03), record(0, 13, 8), END);
    expect(pieces.map(({ bytes }) => [...bytes])).toEqual([[7]]);
  });

  it.each([
    ['a truncated file', [record(0, 0, 1)], /^a\.hex: the file ends without an end record/],
    ['a wrong checksum', [':0100000001ff', END], /^a\.hex, line 1: checksum ff should be fe$/],
    ['a cut line', [record(0, 0, 1, 2).slice(0, -2), END], /^a\.hex, line 1: the record says 2 bytes/],
    ['another kind of file', ['\x7fELF'], /^a\.hex, line 1: not a record/],
    ['other boards only', [record(0, 10, 0x99, 0x03), record(0, 13, 8), END], /boards 0x9903 only/],
    ['nothing at all', [END], /there is no data in it/],
    ['an unknown type', [record(0, 0x20), END], /record type 32/],
  ])('refuses %s in one line', (_, lines, message) => {
    expect(() => parse(...lines)).toThrow(HexError);
    expect(() => parse(...lines)).toThrow(message);
  });
});
