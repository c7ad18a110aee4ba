// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DecodeError } from '../../../tools/decodegen.mjs';
import { generateArm, parseDecode } from '../../../tools/decodegen-arm.mjs';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

describe('ARM decode generator', () => {
  it('makes the files that are committed', () => {
    for (const [path, text] of Object.entries(generateArm())) {
      expect(read(path) === text, `${path} is stale: npm run build`).toBe(true);
    }
  });

  const clz = 'clz c 00010110 1111 rd:4 1111 0001 rm:4 "clz<c> <rd>, <rm>"';

  it('reads patterns, and several rows at once', () => {
    const [row] = parseDecode(clz, 32);
    expect(row).toMatchObject({ name: 'clz', mask: 0x0fff_0ff0, match: 0x016f_0f10, conditional: true });
    const rows = parseDecode(
      '{one,two} 0100 {0,1} rd:3 imm:8 a32={e3b00000,e3500000} rd@12 imm@0 its "{one,two} <rd>"',
      16,
    );
    expect(rows.map(({ name, match, base }) => [name, match, base])).toEqual([
      ['one', 0x4000, 0xe3b0_0000],
      ['two', 0x4800, 0xe350_0000],
    ]);
  });

  it.each([
    ['overlaps', `${clz}\nother c 0001011011111111 ---- ---- ---- "other"`, /overlaps clz/],
    ['patterns that are too short', 'clz c 0001 "clz"', /has 8 bits/],
    ['fields of no bits', 'clz c 00010110 rd:0 "clz"', /covers no bits/],
    ['a field twice', 'clz c 00010110 rd:4 rd:4 "clz"', /two fields rd/],
    ['fields that do not fit', 'mov 0000 rd:4 imm:8 a32=e1000000 rd@30 "mov"', /does not fit/],
    ['fields there are not', 'mov 0000 rd:4 imm:8 a32=e1000000 rn@16 "mov"', /no field rn/],
    ['lists of different length', '{a,b} 0000 {0,1,1} rd:3 imm:8 "a"', /different length/],
    ['rows without assembly', 'clz c 00010110', /no assembly/],
    ['words it does not know', clz.replace('rm:4', 'rm:4 quickly'), /neither a pattern nor an attribute/],
  ])('refuses %s', (_what, text, message) => {
    const width = text.includes('a32=') || text.startsWith('{') ? 16 : 32;
    expect(() => parseDecode(text, width)).toThrow(DecodeError);
    expect(() => parseDecode(text, width)).toThrow(message);
  });

  it('lets the first row win inside brackets', () => {
    expect(parseDecode(`[\n${clz}\nother c 0001011011111111 ---- ---- ---- "other"\n]`, 32)).toHaveLength(2);
  });
});
