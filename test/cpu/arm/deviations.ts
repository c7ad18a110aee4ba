// SPDX-License-Identifier: MIT
import { ANSWER, CODE, FLAG_THUMB, REQUEST } from '../../support/arm-qemu.ts';

/** Rows that are not compared with QEMU's user mode, by processor. */
export const EXCLUDED: Readonly<Record<'all' | 'arm926' | 'cortex-a8', readonly string[]>> = {
  all: [
    'hint', // may be any hint, such as WFI
    'pldw_w', // not there without the multiprocessing extensions
    'pldw_rw',
    'pldw_iw',
    'hint_ldrsh',
    'udf', // raises an exception whatever comes with it
    'push', // these use R13, which the harness needs
    'pop',
    'coprocessor',
    'neon',
    'neon_ls',
    'str_sp',
    'ldr_sp',
    'add_sp_i8',
    'add_sp_i7',
    'sub_sp_i7',
  ],
  arm926: [],
  'cortex-a8': [],
};

interface Case {
  readonly rows: readonly string[];
  readonly words: readonly number[];
  readonly request: DataView;
  readonly ours: DataView;
  readonly theirs: DataView;
}

/** The instruction that raised our exception, if there was one. */
function faulting({ rows, words, request, ours }: Case): string | undefined {
  if (ours.getUint32(ANSWER.signal, true) === 0) return undefined;
  const thumb = (request.getUint32(REQUEST.flags, true) & FLAG_THUMB) !== 0;
  let at = CODE;
  for (const [index, row] of rows.entries()) {
    if (at === ours.getUint32(ANSWER.pc, true)) return row;
    at += thumb && words[index]! < 0x1_0000 ? 2 : 4;
  }
  return undefined;
}

/** Where QEMU's user mode is not what the architecture says. */
export const DEVIATIONS: readonly { why: string; explains: (one: Case) => boolean }[] = [
  {
    why: 'a store-exclusive to an unaligned address faults, also when the monitor has nothing of it',
    explains: (one) => /^strex/.test(faulting(one) ?? ''),
  },
  {
    why: 'a store-exclusive of another size than the load-exclusive may fail, or not',
    explains: ({ rows }) => new Set(rows.filter((row) => /rex/.test(row)).map((row) => row.slice(5))).size > 1,
  },
];
