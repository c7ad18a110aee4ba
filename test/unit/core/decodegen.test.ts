// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DecodeError, generate, parseDecode, parseVariants } from '../../../tools/decodegen.mjs';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

describe('Decode generator', () => {
  it('makes the files that are committed', () => {
    for (const [path, text] of Object.entries(generate())) {
      expect(read(path) === text, `${path} is stale: npm run build`).toBe(true);
    }
  });

  const add = 'add 011111 rt:5 ra:5 rb:5 oe:1 100001010 rc:1';

  it('reads patterns', () => {
    const [row] = parseDecode(`${add} inline`);
    expect(row).toMatchObject({ name: 'add', mask: 0xfc00_03fe, match: 0x7c00_0214, kind: 'inline' });
    expect(row?.fields.map((field) => field.name)).toEqual(['rt', 'ra', 'rb', 'oe', 'rc']);
  });

  it.each([
    ['overlaps', `${add}\nother 011111 --------------- - 100001010 -`, /overlaps add/],
    ['names used twice', `${add}\nadd 011110 --------------------------`, /a second add/],
    ['patterns that are too short', 'add 011111 rt:5', /has 11 bits/],
    ['fields of no bits', 'add 011111 rt:0 --------------------------', /covers no bits/],
    ['a field twice', 'add 011111 rt:5 rt:5 ----------------', /two fields rt/],
    ['words it does not know', `${add} quickly`, /neither a pattern nor an attribute/],
    ['fixed bits outside the opcodes', 'add 011111 1-------------------------', /outside the opcode/],
  ])('refuses %s', (_what, text, message) => {
    expect(() => parseDecode(text)).toThrow(DecodeError);
    expect(() => parseDecode(text)).toThrow(message);
  });

  it('allows overlaps inside braces, where the first row wins', () => {
    expect(parseDecode(`{\n${add}\nother 011111 --------------- - 100001010 -\n}`)).toHaveLength(2);
  });

  it('takes variants only as cases of one instruction, and only one a word', () => {
    const rows = parseDecode(`${add}\nb 010010 li:s24 aa:1 lk:1`);
    expect(parseVariants('bl 010010 li:s24 0 1', rows)).toHaveLength(1);
    expect(() => parseVariants('other 010011 li:s24 0 1', rows)).toThrow(/not a case of one instruction/);
    expect(() => parseVariants('wide 011111 --------------- - 100001010 -', rows)).not.toThrow();
    expect(() => parseVariants('wide 011111 --------------- - 10000101- -', rows)).toThrow(/not a case/);
    expect(() => parseVariants('bl 010010 li:s24 0 1\nbx 010010 li:s24 - 1', rows)).toThrow(/overlaps bl/);
  });
});
