// SPDX-License-Identifier: MIT
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { disassemble } from '../../../core/ppc/host/disasm.ts';
import { ISA } from '../../../core/ppc/host/gen/isa.ts';
import { asm } from '../../support/ppc.ts';

const OBJDUMP = 'powerpc-linux-gnu-objdump';
const hasObjdump = spawnSync(OBJDUMP, ['--version']).status === 0;

describe('PowerPC disassembler', () => {
  it('uses the simplified mnemonics', () => {
    const lines: [number, string][] = [
      [asm('addi', { rt: 3, si: -1 }), 'li r3,-1'],
      [asm('ori'), 'nop'],
      [asm('or', { ra: 3, rs: 4, rb: 4, rc: 1 }), 'mr. r3,r4'],
      [asm('rlwinm', { ra: 3, rs: 4, sh: 2, mb: 0, me: 29 }), 'slwi r3,r4,2'],
      [asm('bc', { bo: 12, bi: 6, bd: -8 }), 'beq cr1,0xff8'],
      [asm('bc', { bo: 16, bd: 8, lk: 1 }), 'bdnzl 0x1008'],
      [asm('bclr', { bo: 20 }), 'blr'],
      [asm('bcctr', { bo: 20, lk: 1 }), 'bctrl'],
      [asm('mtspr', { spr: 8, rs: 0 }), 'mtlr r0'],
      [asm('mfspr', { spr: 1008, rt: 0 }), 'mfspr r0,1008'],
      [asm('stwu', { rs: 1, ra: 1, d: -16 }), 'stwu r1,-16(r1)'],
      [asm('add', { rt: 1, ra: 2, rb: 3, oe: 1, rc: 1 }), 'addo. r1,r2,r3'],
      [asm('fmadd', { frt: 1, fra: 2, frb: 4, frc: 3 }), 'fmadd f1,f2,f3,f4'],
      [0, '.long 0x0'],
    ];
    for (const [word, text] of lines) expect(disassemble(word, 0x1000)).toBe(text);
  });

  it('has something to say of every instruction and any word', () => {
    let word = 1;
    for (let n = 0; n < 20_000; n++) {
      word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
      expect(disassemble(word, 0)).toMatch(/^[.a-z0-9]/);
    }
  });

  it.skipIf(!hasObjdump)(`agrees with ${OBJDUMP}`, () => {
    const words: number[] = [];
    let seed = 99;
    for (const row of ISA) {
      // Instructions only we have, those the tools do not know, and hints that they print as something else.
      if (['hypercall', 'sc', 'dcbt', 'dcbtst', 'dcba', 'sync', 'tlbie', 'lmw', 'lswi', 'lswx'].includes(row.name))
        continue;
      if (row.needs === 'POWER' || row.needs === 'ALTIVEC') continue;
      for (let n = 0; n < 20; n++) {
        let word = row.match;
        for (const [name, shift, signedWidth] of row.fields) {
          seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
          let value = (seed >>> 8) & (2 ** Math.abs(signedWidth) - 1);
          if (name === 'l') value = 0;
          if (name === 'bo') value = [4, 12, 16, 18, 20, 0, 2, 8, 10][value % (row.name === 'bcctr' ? 2 : 9)]!;
          if (name === 'spr') value = row.name === 'mftb' ? 0x188 : 0x100; // TBL, LR
          word |= value << shift;
        }
        // Update forms must have a base other than r0 and the target.
        const target = (word >>> 21) & 31;
        if (/^[ls].*u(x|)$/.test(row.name)) word = (word & ~0x001f_0000) | ((target ^ 1 || 2) << 16);
        words.push(word >>> 0);
      }
    }
    const folder = mkdtempSync(join(tmpdir(), 'emeritus-'));
    const image = Buffer.alloc(words.length * 4);
    words.forEach((word, index) => image.writeUInt32BE(word, index * 4));
    writeFileSync(join(folder, 'words'), image);
    const flags = ['-D', '-b', 'binary', '-m', 'powerpc:common', '-M', '750', '-EB', '-z'];
    const output = execFileSync(OBJDUMP, [...flags, join(folder, 'words')], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    const theirs = [...output.matchAll(/^\s*[0-9a-f]+:\t[0-9a-f ]+\t(.*)$/gm)].map(([, text]) => text!);
    expect(theirs.length).toBe(words.length);
    const differences: string[] = [];
    for (const [index, text] of theirs.entries()) {
      const ours = disassemble(words[index]!, index * 4);
      if (normal(ours) !== normal(text)) differences.push(`${words[index]!.toString(16)}: ${ours} | ${text}`);
    }
    expect(differences).toEqual([]);
  });
});

/** One space, no 0x, no branch hints or comments. */
const normal = (text: string): string =>
  text
    .replace(/\s*[<#].*$/, '')
    .replace(/\s+/g, ' ')
    .replace(/0x/g, '')
    .replace(/^(b\w+)[+-]/, '$1')
    .trim();
