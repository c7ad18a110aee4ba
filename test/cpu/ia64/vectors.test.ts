// SPDX-License-Identifier: MIT
//
// Random instructions of every format: what each leaves in registers and memory is what HP's Ski simulator leaves.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Ia64Program } from '../../support/ia64-program.ts';
import { RECORD, VECTOR_ROWS, VectorMaker, type Vector } from '../../support/ia64-vectors.ts';
import { missing, type Input } from '../../support/inputs.ts';

const path = process.env['SKI'];
const ski: Input = {
  path: path !== undefined && existsSync(path) ? path : undefined,
  provide: 'SKI naming the bski that github trofi/ski builds',
};
const lacks = missing(ski);
const rounds = process.env['EMERITUS_TEST_ALL'] === undefined ? 2 : 40;

/** Where Ski 1.5.1 does not do what the manual says; test/unit/core/ia64-integer.test.ts has a model of these. */
const SKI_ERRS = /^((p(add|sub)[12]|pack[24])\.sss|psh[lr]add2)$/;

/** SHA-256 of the records of the first seeds, from a run in which Ski's were the same. */
const AGREED = [
  '78068934a4c12616e3e5a9d80cb28f36e76f22a48a912b6742693948bd7c3c1e',
  '33b713bf913595f81210fe7abc26a44912072784e940c6b24b5f22d04504776a',
];

const FIELDS = ['pr', 'r40', 'r42', 'unat', 'fpsr', 'lc', 'ec', 'fell through'];

function describeRecord(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, RECORD);
  const word = (at: number): string => view.getBigUint64(at, true).toString(16);
  const fields = FIELDS.map((name, n) => `${name} ${word(n * 8)}`);
  const floats = [64, 80].map((at, n) => `f4${n} ${word(at + 8)}:${word(at)}`);
  return [...fields, ...floats, `memory ${word(96)} ${word(104)}`].join('\n');
}

/** Random vectors as a program in `folder`. */
function makeProgram(folder: string, seed: number): { program: string; vectors: readonly Vector[] } {
  const maker = new VectorMaker(seed);
  for (let n = 0; n < 12; n++) for (const row of VECTOR_ROWS) if (!SKI_ERRS.test(row.name)) maker.add(row);
  const { elf, vectors } = maker.finish();
  const program = join(folder, 'vectors');
  writeFileSync(program, elf, { mode: 0o755 });
  return { program, vectors };
}

function runHere(program: string): Buffer {
  const ended = new Ia64Program(program, ['vectors']).run();
  expect(ended.trouble).toBeUndefined();
  return Buffer.from(ended.output, 'latin1');
}

describe('random instructions, without Ski', () => {
  it.each(AGREED.map((digest, n) => [n + 1, digest] as const))('leave what Ski left, seed %i', (seed, digest) => {
    const folder = mkdtempSync(join(tmpdir(), 'emeritus-'));
    try {
      const { program } = makeProgram(folder, seed);
      expect(createHash('sha256').update(runHere(program)).digest('hex')).toBe(digest);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe.skipIf(lacks !== '')(`random instructions${lacks && ` (lacks ${lacks})`}`, () => {
  for (let round = 0; round < rounds; round++) {
    it(`leave what Ski leaves, seed ${round + 1}`, () => {
      const folder = mkdtempSync(join(tmpdir(), 'emeritus-'));
      try {
        const { program, vectors } = makeProgram(folder, round + 1);
        const theirs = execFileSync(ski.path!, ['-noconsole', program], { maxBuffer: 1 << 28, stdio: 'pipe' });
        const ours = runHere(program);
        expect([ours.length, theirs.length]).toEqual([vectors.length * RECORD, vectors.length * RECORD]);
        const different = vectors.flatMap(({ shown }, n) => {
          const [a, b] = [ours, theirs].map((all) => describeRecord(all.subarray(n * RECORD, (n + 1) * RECORD)));
          return a === b ? [] : [{ shown, ours: a, theirs: b }];
        });
        expect(different).toEqual([]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
