// SPDX-License-Identifier: MIT
//
// Where the processor and QEMU 7.2 give different answers to the same question, and why. Each entry takes as little as
// possible out of the comparison, only where its reason applies. Sections are those of [PEM], see docs/references.md.
import type { Comparison, Deviation, Ignored } from '../../support/ppc-compare.ts';
import { fieldOf, hasField } from '../../support/ppc-decode.ts';
import { ANSWER } from '../../support/ppc-qemu.ts';
import { ILLEGAL, REQUEST } from '../../support/ppc-vectors.ts';

const FX = 0x8000_0000;
const OX = 0x1000_0000;
const UX = 0x0800_0000;
const XX = 0x0200_0000;
const FR = 0x0004_0000;
const FI = 0x0002_0000;
/** Everything that FX remembers the arrival of. */
const EXCEPTIONS = 0x1ff8_0700;
const CR1 = 0x0f00_0000;
const VXIMZ = 0x0010_0000;
const VXVC = 0x0008_0000;
const VE = 0x80;
const NI = 0x04;
const VXSNAN = 0x0100_0000;
const FPRF = 0x0001_f000;
const FPRF_CLASS = 0x0001_0000; // C

const given = ({ vector }: Comparison): number => vector.request.getUint32(REQUEST.fpscr);
const word = ({ vector }: Comparison): number => vector.words[0]!;
const recordsFp = (comparison: Comparison): boolean =>
  hasField(comparison.vector.row, 'rc') && (word(comparison) & 1) === 1;

/** The same deviation for the copy of FPSCR[FX FEX VX OX] that record forms put into CR1. */
const alsoInCr1 = (comparison: Comparison, fpscr: number): Ignored =>
  recordsFp(comparison) ? { fpscr, cr: (fpscr >>> 4) & CR1 } : { fpscr };

const isFloat = ({ vector }: Comparison): boolean => {
  const primary = vector.row.value >>> 26;
  return primary === 59 || primary === 63;
};

/** The number of a special-purpose register, whose halves the instruction has swapped. */
function sprOf(comparison: Comparison): number {
  const spr = fieldOf(comparison.vector.row, word(comparison), 'spr');
  return ((spr & 31) << 5) | (spr >>> 5);
}

const isSingle = ({ vector }: Comparison): boolean => vector.row.value >>> 26 === 59 || vector.row.name === 'frsp';

const isSingleDenormal = (comparison: Comparison): boolean => {
  const frt = fieldOf(comparison.vector.row, word(comparison), 'frt');
  const high = comparison.ours.getUint32(ANSWER.fpr + frt * 8) & 0x7fff_ffff;
  return high !== 0 && high < 0x3810_0000;
};

export const DEVIATIONS: readonly Deviation[] = [
  {
    name: 'FR',
    reason: 'QEMU does not compute FPSCR[FR] (3.3.5.1: FR says whether rounding incremented the fraction)',
    ignores: (comparison) => (isFloat(comparison) ? { fpscr: FR } : undefined),
  },
  {
    name: 'FX stays',
    reason:
      'FX is set when an exception bit changes from 0 to 1 (2.1.4); QEMU sets it whenever an exception occurs again',
    ignores: (comparison) => {
      const before = given(comparison);
      const ours = comparison.ours.getUint32(ANSWER.fpscr);
      const unchanged = (ours & ~before & EXCEPTIONS) === 0 && (ours & FX) === (before & FX);
      return isFloat(comparison) && unchanged ? alsoInCr1(comparison, FX) : undefined;
    },
  },
  {
    name: 'CR1 at an enabled exception',
    reason: 'QEMU takes the exception of a record form before it copies FPSCR[FX FEX VX OX] to CR1 (3.3.6, 4.2.2)',
    ignores: (comparison) => (comparison.theirEnding === 'SIGFPE' && recordsFp(comparison) ? { cr: CR1 } : undefined),
  },
  {
    name: 'FI of compares',
    reason: 'fcmpu and fcmpo alter FPCC, FX, VXSNAN and VXVC only (8.2); QEMU clears FI',
    ignores: ({ vector }) => (/^fcmp/.test(vector.row.name) ? { fpscr: FI } : undefined),
  },
  {
    name: 'estimates: inexact',
    reason: 'fres and frsqrte leave FR and FI undefined and do not alter XX (8.2); QEMU computes 1/x and sets XX',
    ignores: (comparison) =>
      /^fr(es|sqrte)$/.test(comparison.vector.row.name) ? alsoInCr1(comparison, FI | XX | FX) : undefined,
  },
  {
    name: 'FPRF of invalid conversions',
    reason:
      'fctiw and fctiwz leave FPRF undefined (8.2); QEMU sets it to the class of a NaN when the operation is invalid',
    ignores: ({ vector }) => (/^fctiw/.test(vector.row.name) ? { fpscr: FPRF } : undefined),
  },
  {
    name: 'class of denormalized singles',
    reason: 'FPRF of a single-precision result is its class in that format (D.3.1); QEMU classifies the double',
    ignores: (comparison) => (isSingle(comparison) && isSingleDenormal(comparison) ? { fpscr: FPRF_CLASS } : undefined),
  },
  {
    name: 'FI at an enabled VXSNAN',
    reason:
      'FR and FI are cleared when an invalid operation exception is enabled (3.3.6.1.1); QEMU leaves FI for VXSNAN',
    ignores: (comparison) => {
      const snan = comparison.ours.getUint32(ANSWER.fpscr) & ~given(comparison) & VXSNAN;
      return isFloat(comparison) && snan !== 0 && (given(comparison) & VE) !== 0 ? { fpscr: FI } : undefined;
    },
  },
  {
    name: 'fres of zero',
    reason: 'fres of a zero is an infinity (8.2, fres); QEMU gives 1/2',
    ignores: (comparison) => {
      const { row, request } = comparison.vector;
      if (row.name !== 'fres') return undefined;
      const frb = REQUEST.fpr + fieldOf(row, word(comparison), 'frb') * 8;
      const zero = (request.getUint32(frb) & 0x7fff_ffff) === 0 && request.getUint32(frb + 4) === 0;
      return zero ? { fpr: [fieldOf(row, word(comparison), 'frt')], fpscr: FPRF } : undefined;
    },
  },
  {
    name: 'adjusted exponents beyond single precision',
    reason:
      'an enabled overflow or underflow changes the exponent by 192 (3.3.6.2, 3.3.6.3); when even that does not make it ' +
      'a single, which needs an operand that is none (undefined, 3.3.4), QEMU wraps the exponent',
    ignores: (comparison) => {
      const adjusted = comparison.ours.getUint32(ANSWER.fpscr) & (given(comparison) << 22) & (OX | UX);
      if (!isSingle(comparison) || adjusted === 0) return undefined;
      const frt = fieldOf(comparison.vector.row, word(comparison), 'frt');
      const exponent = (comparison.ours.getUint32(ANSWER.fpr + frt * 8) >>> 20) & 0x7ff;
      return exponent <= 896 || exponent >= 1151 ? { fpr: [frt], fpscr: FPRF } : undefined;
    },
  },
  {
    name: 'C of an invalid fcmpo',
    reason: 'compares alter FPCC but not C (8.2); QEMU sets C when the comparison raises VXVC',
    ignores: ({ vector }) => (vector.row.name === 'fcmpo' ? { fpscr: FPRF_CLASS } : undefined),
  },
  {
    name: 'FX of mtfsb1',
    reason:
      'every instruction but mtfsf and mtfsfi sets FX when it changes an exception bit from 0 to 1 (2.1.4), mtfsb1 too; ' +
      'QEMU sets only the bit named',
    ignores: (comparison) => (comparison.vector.row.name === 'mtfsb1' ? alsoInCr1(comparison, FX) : undefined),
  },
  {
    name: 'NI of mtfsb1',
    reason: 'mtfsb1 can set FPSCR[NI] (2.1.4); QEMU has no non-IEEE mode and leaves the bit alone',
    ignores: ({ vector }) => (vector.row.name === 'mtfsb1' ? { fpscr: NI } : undefined),
  },
  {
    name: 'fcmpo of a signalling NaN',
    reason: 'with VXSNAN enabled fcmpo does not set VXVC as well (8.2, fcmpo); QEMU does',
    ignores: (comparison) => {
      const snan = comparison.ours.getUint32(ANSWER.fpscr) & VXSNAN;
      return comparison.vector.row.name === 'fcmpo' && snan !== 0 && (given(comparison) & VE) !== 0
        ? { fpscr: VXVC }
        : undefined;
    },
  },
  {
    name: 'sign of a negated exact zero',
    reason: 'comes of asking with the rounding mode swapped (see swapsRounding), which decides the sign of x - x',
    ignores: (comparison) => {
      const { row } = comparison.vector;
      if (!swapsRounding(row.name) || (given(comparison) & 2) === 0) return undefined;
      const frt = fieldOf(row, word(comparison), 'frt');
      const at = ANSWER.fpr + frt * 8;
      const zero = (comparison.ours.getUint32(at) & 0x7fff_ffff) === 0 && comparison.ours.getUint32(at + 4) === 0;
      const exact = (comparison.ours.getUint32(ANSWER.fpscr) & FI) === 0;
      return zero && exact ? { fpr: [frt], fpscr: FPRF } : undefined;
    },
  },
  {
    name: 'VXSNAN with VXIMZ',
    reason: 'a multiply-add of infinity, zero and a signalling NaN sets both (3.3.6.1.1); QEMU sets VXIMZ only',
    ignores: (comparison) => {
      const both = VXSNAN | VXIMZ;
      const madd = /^fn?m(add|sub)/.test(comparison.vector.row.name);
      return madd && (comparison.ours.getUint32(ANSWER.fpscr) & both) === both ? { fpscr: VXSNAN } : undefined;
    },
  },
  {
    name: 'time base',
    reason: 'two processors, two times',
    ignores: (comparison) => {
      const { row } = comparison.vector;
      const reads = row.name === 'mftb' || (row.name === 'mfspr' && [268, 269].includes(sprOf(comparison)));
      return reads ? { gpr: [fieldOf(row, word(comparison), 'rt')] } : undefined;
    },
  },
  {
    name: 'reserved bits of XER',
    reason: 'XER has SO, OV, CA and a byte count (2.1.5); QEMU keeps what mtspr writes to the other bits',
    ignores: ({ vector }) => (vector.row.name === 'mtspr' ? { xer: ~0xe000_007f } : undefined),
  },
  {
    name: 'alignment of floating-point operands and multiples',
    reason:
      'which must be word-aligned (6.4.6.1), and this is looked at before translation; QEMU has no such exception',
    ignores: ({ vector, ourEnding }) => {
      const strict = vector.row.attributes.has('fp') || /^(l|st)mw$/.test(vector.row.name);
      return ourEnding === 'SIGBUS' && strict ? { everything: true } : undefined;
    },
  },
  {
    name: 'undefined quotients',
    reason: 'rD and CR0[LT GT EQ] are undefined after a division by zero or of 0x8000_0000 by -1 (8.2, divw, divwu)',
    ignores: ({ vector: { row, request, words } }) => {
      if (!/^divwu?$/.test(row.name)) return undefined;
      const register = (field: string): number => request.getUint32(REQUEST.gpr + fieldOf(row, words[0]!, field) * 4);
      const overflow = row.name === 'divw' && register('ra') === 0x8000_0000 && register('rb') === 0xffff_ffff;
      if (register('rb') !== 0 && !overflow) return undefined;
      return { gpr: [fieldOf(row, words[0]!, 'rt')], cr: words[0]! & 1 ? 0xe000_0000 : 0 };
    },
  },
  {
    name: 'supervisor registers that QEMU shows',
    reason:
      'SPR 284 and 285, for writing the time base, and 287, the version, belong to supervisor state (2.3.1, 2.3.13); ' +
      'QEMU lets user programs read them',
    ignores: (comparison) => {
      if (comparison.vector.row.name !== 'mfspr' || comparison.ourEnding !== 'SIGILL') return undefined;
      return [284, 285, 287].includes(sprOf(comparison)) ? { everything: true } : undefined;
    },
  },
  {
    name: 'words that QEMU decodes loosely',
    reason:
      'not instructions (8.1): QEMU takes some opcodes 19 for mcrf, stwcx. without its last bit for stwcx., and ignores ' +
      'extended opcodes 658, 690, 722 and 754 of opcode 31',
    ignores: (comparison) => {
      if (comparison.vector.row !== ILLEGAL || comparison.ourEnding !== 'SIGILL') return undefined;
      const primary = word(comparison) >>> 26;
      const extended = (word(comparison) >>> 1) & 0x3ff;
      const loose = primary === 19 ? extended % 32 === 0 : [150, 658, 690, 722, 754].includes(extended);
      return loose && (primary === 19 || primary === 31) ? { everything: true } : undefined;
    },
  },
  {
    name: 'high word of integers',
    reason:
      'fctiw and fctiwz leave bits 0-31 undefined (8.2); the 750 has 0xfff8_0000 or 0xfff8_0001 there, QEMU the sign',
    ignores: ({ vector }) =>
      /^fctiw/.test(vector.row.name) ? { fprHigh: [fieldOf(vector.row, vector.words[0]!, 'frt')] } : undefined,
  },
  {
    name: 'high word of mffs',
    reason: 'mffs leaves bits 0-31 undefined (8.2); the 750 has 0xfff8_0000 there, QEMU zero',
    ignores: ({ vector }) =>
      vector.row.name === 'mffs' ? { fprHigh: [fieldOf(vector.row, vector.words[0]!, 'frt')] } : undefined,
  },
];

/**
 * fnmadd and its kin round first and negate then (8.2); QEMU negates first, so that rounding towards plus and minus
 * infinity are swapped. The reference is asked with the other of the two modes, and nothing is lost.
 */
export const swapsRounding = (name: string): boolean => name.startsWith('fnm');

/** Rows that cannot be compared at all, and why. */
export const EXCLUDED: ReadonlyMap<string, string> = new Map([
  ['hypercall', 'ours alone'],
  ['eciwx', 'QEMU 7.2 stores where it should load, and without looking at EAR; see exceptions.test.ts'],
  ['ecowx', 'QEMU 7.2 loads where it should store, and without looking at EAR; see exceptions.test.ts'],
  ['sc', 'the reference would make a system call of it; see exceptions.test.ts'],
]);
