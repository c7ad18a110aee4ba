// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { decodeOperation, disassemble } from '../../../core/m68k/host/disasm.ts';
import { ISA } from '../../../core/m68k/host/gen/isa.ts';
import { random } from '../../support/random.ts';

/** The text of the instruction of these words at 0x1000; the words must be all of it. */
function text(...words: number[]): string {
  const code = new DataView(new ArrayBuffer(words.length * 2));
  words.forEach((word, n) => code.setUint16(n * 2, word));
  const found = disassemble(code, 0, 0x1000);
  expect(found.length).toBe(words.length * 2);
  return found.text;
}

describe('68k disassembler', () => {
  it.each([
    ['move.l (a0)+,-(sp)', [0x2f18]],
    ['move.b 8(a1,d2.w*4),0x1234.w', [0x11f1, 0x2408, 0x1234]],
    ['movea.l #0x12345678,a3', [0x267c, 0x1234, 0x5678]],
    ['lea 0x1010(pc),a0', [0x41fa, 0x000e]],
    ['move.w ([0x10000,a0,d1.w*2],0x1234),d0', [0x3030, 0x1332, 0x0001, 0x0000, 0x1234]],
    ['bne.s 0x1012', [0x6610]],
    ['bsr.l 0x11002', [0x61ff, 0x0001, 0x0000]],
    ['dbf d3,0x1000', [0x51cb, 0xfffe]],
    ['movem.l d0-d7/a0-fp,-(sp)', [0x48e7, 0xfffe]],
    ['movem.w (sp)+,d0/a1', [0x4c9f, 0x0201]],
    ['bfextu (a0){#3:#5},d2', [0xe9d0, 0x20c5]],
    ['divs.l d1,d2:d3', [0x4c41, 0x3c02]],
    ['cas2.l d0:d1,d2:d3,(a0):(d4)', [0x0efc, 0x8080, 0x40c1]],
    ['moves.l d0,(a1)', [0x0e91, 0x0800]],
    ['movec vbr,a0', [0x4e7a, 0x8801]],
    ['pmove (a0),tc', [0xf010, 0x4000]],
    ['ptestr #5,(a0),#7,a1', [0xf010, 0x9f35]],
    ['pflush dfc,#4,(a2)', [0xf012, 0x3881]],
    ['pflushn (a3)', [0xf503]],
    ['ptestw (a1)', [0xf549]],
    ['cpusha bc', [0xf4f8]],
    ['cinvl dc,(a2)', [0xf44a]],
    ['move16 (a0)+,(a1)+', [0xf620, 0x9000]],
    ['fmove.d 8(fp),fp2', [0xf22e, 0x5500, 0x0008]],
    ['fsincos.x fp0,fp3:fp2', [0xf200, 0x0133]],
    ['fmovem.x fp0-fp3,-(sp)', [0xf227, 0xe00f]],
    ['fmovem.l fpcr/fpsr,(a0)', [0xf210, 0xb800]],
    ['fmove.p fp0,(a0){#-3}', [0xf210, 0x6c7d]],
    ['fbngle.w 0x1006', [0xf298, 0x0004]],
    ['ftrapeq.w #7', [0xf27a, 0x0001, 0x0007]],
    ['fsave -(sp)', [0xf327]],
    ['stop #0x2700', [0x4e72, 0x2700]],
    ['trap #15', [0x4e4f]],
    ['.short 0xa123', [0xa123]],
  ] as const)('%s', (expected, words) => {
    expect(text(...words)).toBe(expected);
  });

  it('knows every row of the table', () => {
    for (const row of ISA)
      expect(
        decodeOperation(row.match | (row.ea !== 0 && row.ea !== 0x1fff ? lowest(row.ea) : 0))?.name,
        row.name,
      ).toBeDefined();
  });

  it('says something of any words', () => {
    const next = random(4);
    const code = new DataView(new ArrayBuffer(32));
    for (let op = 0; op < 0x1_0000; op++) {
      for (let at = 2; at < 32; at += 2) code.setUint16(at, Math.floor(next() * 0x1_0000));
      code.setUint16(0, op);
      const { text: line, length } = disassemble(code, 0, 0xffff_fff0);
      const good = length >= 2 && length <= 22 && length % 2 === 0 && /^\.?[a-z][\w.]*( \S.*)?$/.test(line);
      if (!good) expect.fail(`${op.toString(16)}: "${line}" of ${length} bytes`);
    }
  });

  it('takes words that are not there as zeros', () => {
    expect(disassemble(new DataView(new ArrayBuffer(2)), 0, 0)).toEqual({ text: 'ori.b #0,d0', length: 4 });
  });
});

/** Mode and register of the first addressing mode allowed. */
function lowest(categories: number): number {
  const bit = 31 - Math.clz32(categories & -categories);
  return bit < 7 ? bit << 3 : 0x38 | (bit - 7);
}
