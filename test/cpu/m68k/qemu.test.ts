// SPDX-License-Identifier: MIT
//
// Every instruction that user programs may execute on a 68040, with random operands, on our processor and on QEMU's. The
// only differences are those of deviations.ts. EMERITUS_TEST_ALL=1 runs over a million instructions instead of a sample;
// EMERITUS_SEED=n another selection, EMERITUS_ROW=name one instruction only.
import { describe, expect, it } from 'vitest';
import { OurM68k, QemuM68k, UNSUPPORTED_TYPE, missingTools } from '../../support/m68k-qemu.ts';
import {
  ANSWER,
  MAX_BATCH,
  M68kVectors,
  type M68kVector,
  REQUEST,
  STATE,
  WINDOW_BYTES,
  userRows,
} from '../../support/m68k-vectors.ts';
import { DEVIATIONS, EXCLUDED } from './deviations.ts';

const lacks = missingTools();
const instructions = process.env['EMERITUS_TEST_ALL'] ? 1_100_000 : 60_000;
const seed = Number(process.env['EMERITUS_SEED'] ?? 1);
const only = process.env['EMERITUS_ROW'];
const rows = userRows().filter(({ name }) => !EXCLUDED.has(name) && (only === undefined || name === only));

const SIGFPE = 8;
const hex = (value: number): string => (value >>> 0).toString(16);

/** What differs and is not explained, and the names of the deviations that explain something. */
function compare(vector: M68kVector, ours: DataView, theirs: DataView): string[] {
  // A data type left to software; QEMU's processor does it itself.
  if (ours.getUint32(ANSWER.code) === UNSUPPORTED_TYPE) return [];
  const signal = theirs.getUint32(ANSWER.signal);
  const ignored = DEVIATIONS.map((deviation) => deviation.ignores(vector, signal, theirs)).filter(
    (one) => one !== undefined,
  );
  if (ignored.some(({ all }) => all)) return [];
  const bits = (of: (one: (typeof ignored)[number]) => number | undefined): number =>
    ignored.reduce((all, one) => all | (of(one) ?? 0), 0);
  const found: string[] = [];
  const check = (name: string, offset: number, mask = 0xffff_ffff): void => {
    const [a, b] = [ours.getUint32(offset) & mask, theirs.getUint32(offset) & mask];
    if (a !== b) found.push(`${name} ${hex(a)}, QEMU ${hex(b)}`);
  };
  const state = ANSWER.state;
  check('signal', ANSWER.signal);
  if (signal === SIGFPE) check('code', ANSWER.code);
  if (!ignored.some(({ pc }) => pc)) check('pc', ANSWER.pc);
  const addresses = bits((one) => one.addresses);
  for (let n = 0; n < 16; n++) {
    if (n < 8 || ((addresses >> (n - 8)) & 1) === 0) check(`${n < 8 ? 'd' : 'a'}${n & 7}`, state + STATE.gpr + n * 4);
  }
  check('ccr', state + STATE.sr, 0x1f & ~bits((one) => one.ccr));
  check('fpcr', state + STATE.fpcr, 0xfff0);
  check('fpsr', state + STATE.fpsr, 0x0fff_fff8 & ~bits((one) => one.fpsr));
  for (let n = 0; n < 8 && !ignored.some(({ fp }) => fp); n++) {
    const at = state + STATE.fp + n * 12;
    check(`fp${n} exponent`, at);
    check(`fp${n} upper`, at + 4);
    check(`fp${n} lower`, at + 8);
  }
  for (let at = 0; at < WINDOW_BYTES; at += 4) check(`window+${hex(at)}`, state + STATE.window + at);
  return found;
}

function describeVector({ row, words, request }: M68kVector): string {
  const at = REQUEST.state;
  const registers = Array.from({ length: 16 }, (_, n) => hex(request.getUint32(at + STATE.gpr + n * 4))).join(' ');
  const floats = Array.from({ length: 8 }, (_, n) => {
    const from = at + STATE.fp + n * 12;
    return `${hex(request.getUint16(from))}:${hex(request.getUint32(from + 4))}.${hex(request.getUint32(from + 8))}`;
  });
  const control = `fpcr ${hex(request.getUint32(at + STATE.fpcr))} fpsr ${hex(request.getUint32(at + STATE.fpsr))}`;
  const ccr = `ccr ${hex(request.getUint32(at + STATE.sr))}`;
  const tail = row.name.startsWith('f') ? `${control} ${floats.join(' ')}` : '';
  return `${row.name} ${words.map(hex).join(' ')} with ${ccr} ${registers} ${tail}`;
}

describe.skipIf(lacks !== undefined)(`68040 user mode against QEMU${lacks === undefined ? '' : ` (${lacks})`}`, () => {
  it(`${instructions} random instructions`, async () => {
    const qemu = new QemuM68k();
    const ours = new OurM68k();
    const vectors = new M68kVectors(seed);
    const executed = new Set<string>();
    const failures: string[] = [];
    try {
      for (let batch = 0, next = 0; batch * MAX_BATCH < instructions; batch++) {
        const made = Array.from({ length: MAX_BATCH }, (_, slot) => {
          // Half of them floating point: its one row has most operations.
          const row =
            next % 2 === 0 ? rows[(next / 2) % rows.length]! : (rows.find(({ name }) => name === 'fpgen') ?? rows[0]!);
          next++;
          return vectors.make(row, slot);
        });
        const asked = qemu.run(made.map(({ request }) => request));
        ours.prepare(made);
        const answers = made.map((vector, slot) => ours.run(vector, slot, batch % 2 === 0));
        const theirs = await asked;
        made.forEach((vector, slot) => {
          executed.add(vector.row.name);
          const found = compare(vector, answers[slot]!, theirs[slot]!);
          if (found.length > 0) failures.push(`${describeVector(vector)}: ${found.slice(0, 6).join('; ')}`);
        });
      }
    } finally {
      qemu.close();
    }
    expect(failures.slice(0, 20), `${failures.length} differences`).toEqual([]);
    expect(executed.size).toBe(rows.length);
  });
});
