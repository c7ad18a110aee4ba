// SPDX-License-Identifier: MIT
//
// Sequences of up to eight random instructions that user programs may execute, on our processors and on QEMU's. The only
// differences are those of deviations.ts. EMERITUS_TEST_ALL=1 runs over a million instructions instead of a sample;
// EMERITUS_SEED=n another selection, EMERITUS_ROW=name,… sequences of these instructions only.
import { describe, expect, it } from 'vitest';
import type { ArmModel } from '../../../machines/devices/cpu/arm.ts';
import { ANSWER, MAX_BATCH, OurArm, QemuArm, REQUEST, SIGNAL, STATE, missingTools } from '../../support/arm-qemu.ts';
import { ArmVectors, type ArmVector, type InstructionSet, executedBefore, rowsFor } from '../../support/arm-vectors.ts';
import { random } from '../../support/random.ts';
import { DEVIATIONS, EXCLUDED } from './deviations.ts';

const lacks = missingTools();
const instructions = process.env['EMERITUS_TEST_ALL'] ? 1_000_000 : Number(process.env['EMERITUS_COUNT'] ?? 20_000);
const seed = Number(process.env['EMERITUS_SEED'] ?? 1);
const only = process.env['EMERITUS_ROW']?.split(',');

const FEATURES: Readonly<Record<string, readonly string[]>> = {
  arm926: ['SWP', 'V4', 'V4T', 'V5', 'V5E', 'V5J', 'A32'],
  'cortex-a8': ['SWP', 'V4', 'V4T', 'V5', 'V5E', 'V5J', 'A32', 'V6', 'V6K', 'T2', 'V7', 'VFP', 'NEON'],
};

const hex = (value: number): string => (value >>> 0).toString(16);

function compare({ rows, words, request }: ArmVector, ours: DataView, theirs: DataView): string[] {
  const found: string[] = [];
  if (DEVIATIONS.some(({ explains }) => explains({ rows, words, request, ours, theirs }))) return found;
  const check = (name: string, offset: number, mask = 0xffff_ffff): void => {
    const [a, b] = [ours.getUint32(offset, true) & mask, theirs.getUint32(offset, true) & mask];
    if (a !== b) found.push(`${name} ${hex(a)}, QEMU ${hex(b)}`);
  };
  if (theirs.getUint32(ANSWER.signal, true) === SIGNAL.SIGBUS) theirs.setUint32(ANSWER.signal, SIGNAL.SIGSEGV, true);
  check('signal', ANSWER.signal);
  check('pc', ANSWER.pc);
  for (let n = 0; n < 15; n++) if (n !== 13) check(`r${n}`, ANSWER.state + n * 4);
  check('cpsr', ANSWER.state + STATE.cpsr, 0xf80f_0000);
  check('fpscr', ANSWER.state + STATE.fpscr, 0xffff_ffff);
  for (let n = 0; n < 64; n++) check(`s${n}`, ANSWER.state + STATE.d + n * 4);
  check('data', ANSWER.checksum);
  return found;
}

function describeVector({ rows, words, request }: ArmVector): string {
  const from = REQUEST.state;
  const registers = Array.from({ length: 15 }, (_, n) => hex(request.getUint32(from + n * 4, true))).join(' ');
  const doubles = Array.from({ length: 32 }, (_, n) => request.getBigUint64(from + STATE.d + n * 8, true).toString(16));
  const vfp =
    request.getUint32(REQUEST.vfp, true) === 0
      ? ''
      : `fpscr ${hex(request.getUint32(from + STATE.fpscr, true))} d ${doubles.join(' ')}`;
  const cpsr = hex(request.getUint32(from + STATE.cpsr, true));
  return `${rows.map((row, n) => `${row} ${hex(words[n]!)}`).join('; ')} with cpsr ${cpsr} r ${registers} ${vfp}`;
}

const RUNS: readonly (readonly [model: ArmModel, set: InstructionSet, vfp: boolean])[] = [
  ['arm926', 'arm', false],
  ['cortex-a8', 'arm', true],
  ['cortex-a8', 'thumb', true],
];

describe.skipIf(lacks !== undefined)(`user mode against QEMU${lacks === undefined ? '' : ` (${lacks})`}`, () => {
  it.each(RUNS)(
    `%s, %s: ${instructions} random instructions`,
    async (model, set, vfp) => {
      const excluded = new Set([...EXCLUDED.all, ...(EXCLUDED[model as 'arm926'] ?? [])]);
      const choices = rowsFor(set, new Set(FEATURES[model]), excluded).filter(
        ({ row }) => only === undefined || only.includes(row.name),
      );
      const unaligned = model !== 'arm926';
      const vectors = new ArmVectors(random(seed), { set, choices, vfp, unaligned });
      const qemu = new QemuArm(model);
      const ours = new OurArm(model);
      const failures: string[] = [];
      let done = 0;
      try {
        while (done < instructions && failures.length < 10) {
          const batch = Array.from({ length: MAX_BATCH }, () => vectors.next());
          const answers = await qemu.run(batch.map(({ request }) => request));
          for (const [index, vector] of batch.entries()) {
            done += executedBefore(vector, answers[index]!.getUint32(ANSWER.pc, true));
            const differences = compare(vector, ours.run(vector.request), answers[index]!);
            if (differences.length > 0) failures.push(`${describeVector(vector)}: ${differences.join('; ')}`);
          }
        }
      } finally {
        qemu.close();
      }
      expect(failures.slice(0, 10).join('\n')).toBe('');
    },
    3_600_000,
  );
});
