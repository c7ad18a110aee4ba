// SPDX-License-Identifier: MIT
//
// Every instruction that user programs may execute, with random operands, on our processor and on QEMU's. The only
// differences are those of deviations.ts. EMERITUS_TEST_ALL=1 runs over a million instructions instead of a sample;
// EMERITUS_SEED=n another selection, EMERITUS_ROW=name one instruction only.
import { describe, expect, it } from 'vitest';
import { type Comparison, differences, endingOf, report } from '../../support/ppc-compare.ts';
import { type DecodeRow, decodeRows, describeInstruction, fieldOf, hasField } from '../../support/ppc-decode.ts';
import type { PpcModel } from '../../support/ppc-machine.ts';
import { OurPpc } from '../../support/ppc-ours.ts';
import { ANSWER, QemuPpc, missingTools } from '../../support/ppc-qemu.ts';
import { PpcRandom } from '../../support/ppc-random.ts';
import { ILLEGAL, MAX_BATCH, PpcVectors, REQUEST, SEQUENCE, type Vector } from '../../support/ppc-vectors.ts';
import { DEVIATIONS, EXCLUDED, swapsRounding } from './deviations.ts';

const lacks = missingTools();
const instructions = process.env['EMERITUS_TEST_ALL'] ? 1_200_000 : 60_000;
const seed = Number(process.env['EMERITUS_SEED'] ?? 1);
const only = process.env['EMERITUS_ROW'];

const rows = [...decodeRows(), ILLEGAL, SEQUENCE].filter(
  ({ name }) => !EXCLUDED.has(name) && (only === undefined || name === only),
);

/** What the reference is asked: the same, but for its order of rounding and negation. */
function question({ row, request }: Vector): DataView {
  const fpscr = request.getUint32(REQUEST.fpscr);
  if (!swapsRounding(row.name) || (fpscr & 2) === 0) return request;
  const swapped = new DataView(request.buffer.slice(0) as ArrayBuffer);
  swapped.setUint32(REQUEST.fpscr, fpscr ^ 1);
  return swapped;
}

function undoSwap({ row, request }: Vector, answer: DataView): DataView {
  if (swapsRounding(row.name) && (request.getUint32(REQUEST.fpscr) & 2) !== 0) {
    answer.setUint32(ANSWER.fpscr, answer.getUint32(ANSWER.fpscr) ^ 1);
  }
  return answer;
}

class Tally {
  readonly executed = new Map<DecodeRow, number>();
  readonly failed = new Map<string, number>();
  readonly deviated = new Map<string, number>();
  readonly reports: string[] = [];

  compare(comparison: Comparison, slot: number, label: string): void {
    const { row } = comparison.vector;
    this.executed.set(row, (this.executed.get(row) ?? 0) + comparison.vector.words.length);
    const plain = differences(comparison, []);
    if (plain.length === 0) return;
    const applied = DEVIATIONS.map((deviation) => ({ deviation, ignored: deviation.ignores(comparison) }));
    const used = applied.filter(({ ignored }) => ignored !== undefined);
    const left = differences(
      comparison,
      used.map(({ ignored }) => ignored!),
    );
    if (left.length === 0) {
      for (const { deviation } of used) this.deviated.set(deviation.name, (this.deviated.get(deviation.name) ?? 0) + 1);
      return;
    }
    const before = this.failed.get(row.name) ?? 0;
    this.failed.set(row.name, before + 1);
    if (before < 3) this.reports.push(`${label} ${report(comparison, left, slot)}`);
  }
}

/** On a 7400, vectors are not modelled yet; and QEMU's has square roots, which no 7400 had. */
const rowsOf = (model: PpcModel): readonly DecodeRow[] =>
  model === '7400' ? rows.filter(({ needs }) => needs !== 'ALTIVEC' && needs !== 'FSQRT') : rows;

async function runAll(model: PpcModel, count: number, tally: Tally): Promise<void> {
  const qemu = new QemuPpc(model);
  const ours = new OurPpc(model);
  const vectors = new PpcVectors(new PpcRandom(seed));
  const chosen = rowsOf(model);
  try {
    for (let batch = 0, next = 0; batch * MAX_BATCH < count; batch++) {
      const made = Array.from({ length: MAX_BATCH }, (_, slot) => vectors.make(chosen[next++ % chosen.length]!, slot));
      const asked = qemu.run(made.map(question));
      ours.prepare(made);
      const answers = made.map((vector, slot) => ours.run(vector, slot, batch % 2 === 0));
      const theirs = await asked;
      made.forEach((vector, slot) => {
        const answer = undoSwap(vector, theirs[slot]!);
        const ourEnding = endingOf(answers[slot]!, vector, slot);
        const theirEnding = endingOf(answer, vector, slot);
        const comparison = { vector, ours: answers[slot]!, theirs: answer, ourEnding, theirEnding };
        tally.compare(comparison, slot, `${model} seed ${seed} batch ${batch} slot ${slot}:`);
      });
    }
  } finally {
    qemu.close();
  }
}

/**
 * FPSCR[FR], which QEMU does not compute, follows from two results of the reference: the fraction was incremented when
 * the result is greater in magnitude than the truncated one.
 */
async function compareFr(count: number): Promise<{ checked: number; failures: string[] }> {
  const qemu = new QemuPpc();
  const ours = new OurPpc();
  const vectors = new PpcVectors(new PpcRandom(seed));
  const rounding = rows.filter(({ name }) => ROUNDING.test(name));
  const failures: string[] = [];
  let checked = 0;
  try {
    for (let batch = 0, next = 0; batch * MAX_BATCH < count; batch++) {
      const made = Array.from({ length: MAX_BATCH }, (_, slot) =>
        vectors.make(rounding[next++ % rounding.length]!, slot),
      );
      // No enabled exceptions: they change what is rounded.
      for (const { request } of made) request.setUint32(REQUEST.fpscr, request.getUint32(REQUEST.fpscr) & 3);
      const truncating = made.map(({ request }) => {
        const copy = new DataView(request.buffer.slice(0) as ArrayBuffer);
        copy.setUint32(REQUEST.fpscr, 1);
        return copy;
      });
      const theirs = await qemu.run(truncating);
      ours.prepare(made);
      made.forEach((vector, slot) => {
        const answer = ours.run(vector, slot, batch % 2 === 0);
        const fpscr = answer.getUint32(ANSWER.fpscr);
        if ((fpscr & (OX | INVALID)) !== 0) return; // FR is undefined or simply zero
        const frt = ANSWER.fpr + fieldOf(vector.row, vector.words[0]!, 'frt') * 8;
        const high = (view: DataView): number => (/^fct/.test(vector.row.name) ? 0 : view.getUint32(frt) & 0x7fff_ffff);
        const low = (view: DataView): number => view.getUint32(frt + 4);
        const magnitude = (view: DataView): bigint => (BigInt(high(view)) << 32n) | BigInt(low(view));
        const incremented = magnitude(answer) !== magnitude(theirs[slot]!);
        checked++;
        if (((fpscr & FR) !== 0) === incremented) return;
        const fpr = (n: number): string => vector.request.getBigUint64(REQUEST.fpr + n * 8).toString(16);
        const operands = ['fra', 'frb', 'frc'].filter((field) => hasField(vector.row, field));
        const values = operands.map((field) => `${field} ${fpr(fieldOf(vector.row, vector.words[0]!, field))}`);
        failures.push(
          `${describeInstruction(vector.row, vector.words[0]!)} ${values.join(' ')} fpscr ${fpscr.toString(16)}`,
        );
      });
    }
  } finally {
    qemu.close();
  }
  return { checked, failures };
}

const ROUNDING = /^(f(add|sub|mul|div)s?|fn?m(add|sub)s?|frsp|fctiw)$/;
const OX = 0x1000_0000;
const INVALID = 0x2000_0000;
const FR = 0x0004_0000;

describe(`PowerPC instructions against qemu-ppc${lacks === undefined ? '' : ` (needs ${lacks})`}`, () => {
  const models: readonly (readonly [PpcModel, number])[] = [
    ['750', instructions],
    ['603e', instructions / 10],
    ['604e', instructions / 10],
    ['7400', instructions / 10],
  ];
  for (const [model, count] of models) {
    it.skipIf(lacks !== undefined)(`give the same results on a ${model}`, async () => {
      const tally = new Tally();
      await runAll(model, count, tally);
      const executed = [...tally.executed.values()].reduce((sum, each) => sum + each, 0);
      const explained = [...tally.deviated].map(([name, each]) => `${each} ${name}`);
      console.log(
        `${model}: ${executed} instructions of ${tally.executed.size} rows; explained: ${explained.join(', ')}`,
      );
      const failed = [...tally.failed].map(([name, each]) => `${name}: ${each}`);
      expect(failed, tally.reports.join('\n\n')).toEqual([]);
      expect(executed).toBeGreaterThanOrEqual(count);
      expect([...tally.executed.keys()]).toHaveLength(rowsOf(model).length);
    });
  }

  it.skipIf(lacks !== undefined || only !== undefined)(
    'set FPSCR[FR] when rounding increments the fraction',
    async () => {
      const { checked, failures } = await compareFr(instructions / 6);
      console.log(`FR: ${checked} results`);
      expect(failures.slice(0, 10)).toEqual([]);
      expect(checked).toBeGreaterThan(instructions / 20);
    },
  );
});
