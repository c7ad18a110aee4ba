// SPDX-License-Identifier: MIT
//
// The disassembler says what GNU binutils say.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ISA } from '../../../core/ia64/host/gen/isa.ts';
import { normalObjdump, normalOurs } from '../../support/ia64-objdump.ts';
import { debianFile, guest, missing } from '../../support/inputs.ts';

const objdump = debianFile('/usr/bin/ia64-linux-gnu-objdump', 'binutils-ia64-linux-gnu');
const libc = guest('ia64/sysroot/lib/libc.so.6.1');
const lacks = missing(objdump);
const lacksLibc = missing(objdump, libc);

const list = (...args: string[]): string =>
  execFileSync(objdump.path!, ['-z', ...args], { encoding: 'utf8', maxBuffer: 1 << 30 });

/** Sections with code of a 64-bit ELF file. */
function codeSections(view: DataView): { offset: number; size: number; va: bigint }[] {
  const headers = Number(view.getBigUint64(0x28, true));
  const sections = [];
  for (let i = 0; i < view.getUint16(0x3c, true); i++) {
    const at = headers + i * 64;
    const isProgram = view.getUint32(at + 4, true) === 1;
    if (!isProgram || (view.getBigUint64(at + 8, true) & 4n) === 0n) continue;
    const [va, offset, size] = [16, 24, 32].map((field) => view.getBigUint64(at + field, true));
    sections.push({ va: va!, offset: Number(offset), size: Number(size) });
  }
  return sections;
}

describe.skipIf(lacksLibc !== '')(`disassembly of libc.so.6.1${lacksLibc && ` (lacks ${lacksLibc})`}`, () => {
  it('is that of objdump', { timeout: 120_000 }, () => {
    const file = readFileSync(libc.path!);
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    const theirs = normalObjdump(list('-d', libc.path!));
    const ours = codeSections(view).flatMap(({ offset, size, va }) => normalOurs(view, offset, size, va));
    expect(theirs.length).toBeGreaterThan(500_000);
    expect(ours.length).toBe(theirs.length);
    expect(ours.filter((line, i) => line !== theirs[i])).toEqual([]);
  });
});

describe.skipIf(lacks !== '')(`disassembly of random instructions${lacks && ` (lacks ${lacks})`}`, () => {
  it('is that of objdump', () => {
    let seed = 1n;
    const random = (): bigint => {
      seed = BigInt.asUintN(64, seed * 6364136223846793005n + 1442695040888963407n);
      return (seed >> 23n) & ((1n << 41n) - 1n);
    };
    const nops: Readonly<Record<string, bigint>> = {
      M: 0x800_0000n,
      I: 0x800_0000n,
      B: 0x40_0000_0000n,
      F: 0x800_0000n,
    };
    const places = {
      A: [1, 'MII', 0],
      M: [1, 'MII', 0],
      I: [1, 'MII', 1],
      B: [0x13, 'MBB', 1],
      F: [0xd, 'MFI', 1],
      X: [5, 'MLX', 2],
    } as const;
    const bytes: number[] = [];
    for (const row of ISA) {
      const [code, units, slot] = places[row.unit];
      for (let n = 0; n < 20; n++) {
        const slots = [...units].map((unit) => nops[unit] ?? random());
        slots[slot] = (random() & ~row.mask) | row.match;
        // What binutils take for other instructions.
        if (row.format === 'M13') slots[slot] &= ~(0x3fffn << 6n);
        if (row.name === 'hint.m') slots[slot] &= row.mask | 0x3fn;
        const bits = BigInt(code) | (slots[0]! << 5n) | (slots[1]! << 46n) | (slots[2]! << 87n);
        for (let i = 0n; i < 128n; i += 8n) bytes.push(Number((bits >> i) & 0xffn));
      }
    }
    const folder = mkdtempSync(join(tmpdir(), 'emeritus-'));
    try {
      const path = join(folder, 'random');
      const code = Uint8Array.from(bytes);
      writeFileSync(path, code);
      const theirs = normalObjdump(list('-D', '-b', 'binary', '-m', 'ia64', path));
      const ours = normalOurs(new DataView(code.buffer), 0, code.length, 0n);
      expect(ours.length).toBe(theirs.length);
      expect(ours.map((line, i) => [line, theirs[i]]).filter(([a, b]) => a !== b)).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
