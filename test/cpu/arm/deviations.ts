// SPDX-License-Identifier: MIT
import { ANSWER, REQUEST, STATE } from '../../support/arm-qemu.ts';
import { executedBefore } from '../../support/arm-vectors.ts';

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
    'neon', // in the ARM table, row by row
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
function faulting(one: Case): string | undefined {
  if (one.ours.getUint32(ANSWER.signal, true) === 0) return undefined;
  return one.rows[executedBefore(one, one.ours.getUint32(ANSWER.pc, true))];
}

/** Where QEMU's user mode is not what the architecture says. */
export const DEVIATIONS: readonly { why: string; explains: (one: Case) => boolean }[] = [
  {
    why: 'a store-exclusive to an unaligned address faults, also when the monitor has nothing of it',
    explains: (one) => /^strex/.test(faulting(one) ?? ''),
  },
  {
    why: 'QEMU compares memory, so that a store between load- and store-exclusive makes the latter fail',
    explains: ({ rows }) =>
      rows.some((row) => /^strex/.test(row)) && rows.some((row) => /^(str|stm|vst|swp)(?!ex)/.test(row)),
  },
  {
    why: 'QEMU does not check the alignment that loads and stores of structures ask for',
    explains: (one) => /^v(ld|st)(m|1|_all)$/.test(faulting(one) ?? ''),
  },
  {
    why: 'QEMU 7.2 goes on with the wrong registers in short vectors of instructions with one operand',
    explains: ({ rows, request }) =>
      (request.getUint32(REQUEST.state + STATE.fpscr, true) & 0x7_0000) !== 0 &&
      rows.some((row) => /^v(mov|abs|neg|sqrt)$/.test(row)),
  },
  {
    why: 'a store-exclusive of another size than the load-exclusive may fail, or not',
    explains: ({ rows }) => new Set(rows.filter((row) => /rex/.test(row)).map((row) => row.slice(5))).size > 1,
  },
];
