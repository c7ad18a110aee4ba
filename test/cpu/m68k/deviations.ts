// SPDX-License-Identifier: MIT
//
// Where QEMU 7.2's 68040 is known to differ from the processor, each as narrow as it can be said.
import { ANSWER, REQUEST, STATE, type M68kVector } from '../../support/m68k-vectors.ts';

/** What of an answer is not compared. */
export interface Ignored {
  /** Condition codes, bits of the CCR. */
  readonly ccr?: number;
  /** Address registers, bit 0 is A0. */
  readonly addresses?: number;
  readonly pc?: boolean;
  /** Bits of the FPSR. */
  readonly fpsr?: number;
  readonly fp?: boolean;
  readonly all?: boolean;
}

export interface Deviation {
  readonly name: string;
  readonly reason: string;
  readonly ignores: (vector: M68kVector, signal: number, theirs: DataView) => Ignored | undefined;
}

const SIGFPE = 8;
const NZV = 0x0e;

/** Instructions QEMU's 68040 does not have, or not enough of. */
export const EXCLUDED = new Map([
  ['chk2_b', 'CHK2 and CMP2 are illegal on QEMU 7.2 -cpu m68040; the 68040 has them'],
  ['chk2_w', 'the same'],
  ['chk2_l', 'the same'],
  ['pack', 'not implemented: executed as OR'],
  ['unpk', 'not implemented: executed as OR'],
  ['fdbcc', 'not implemented: executed as FScc'],
]);

export const DEVIATIONS: readonly Deviation[] = [
  {
    name: 'shift in memory',
    reason: 'whether a memory shift is logical is taken from bit 3 of the operation word, which belongs to the mode',
    ignores: ({ row, words }) => {
      const logical = row.name === 'lsrm' || row.name === 'lslm';
      const arithmetic = row.name === 'asrm' || row.name === 'aslm';
      if (!logical && !arithmetic) return undefined;
      return (((words[0]! >> 3) & 1) === 1) === logical ? undefined : { all: true };
    },
  },
  {
    name: 'ASL in memory',
    reason: 'V is that of a shift by no bit',
    ignores: ({ row }) => (row.name === 'aslm' ? { ccr: 2 } : undefined),
  },
  {
    name: 'decimal N and V',
    reason: 'N and V of decimal arithmetic are undefined; QEMU leaves others than the chips',
    ignores: ({ row }) => (/^([as]bcd|nbcd)$/.test(row.name) ? { ccr: 0x0a } : undefined),
  },
  {
    name: 'bytes beside A7',
    reason: 'QEMU moves A7 by one byte, not two, in -(A7) of the extended operations, (A7)+ of TAS, CAS and CMPM',
    ignores: ({ row, words }) => {
      const op = words[0]!;
      if (row.name === 'fpgen') {
        const byte = (words[1]! & 0x5c00) === 0x5800;
        return byte && ((op & 0x3f) === 0x1f || (op & 0x3f) === 0x27)
          ? { addresses: 0x80, all: (op & 0x20) !== 0 }
          : undefined;
      }
      const size = row.size === 1 || /^([as]bcd)$/.test(row.name);
      if (!size) return undefined;
      const pair = /^(addx_b|subx_b|abcd|sbcd)$/.test(row.name) && (op & 8) !== 0;
      const either = (op & 7) === 7 || ((op >> 9) & 7) === 7;
      if ((pair || row.name === 'cmpm_b') && either) return { all: true };
      return /^(tas|cas_b)$/.test(row.name) && (op & 7) === 7 && ((op >> 3) & 6) === 2 ? { all: true } : undefined;
    },
  },
  {
    name: 'UNLK A7',
    reason: 'QEMU leaves the address after the word; the chips the word itself',
    ignores: ({ row, words }) => (row.name === 'unlk' && (words[0]! & 7) === 7 ? { addresses: 0x80 } : undefined),
  },
  {
    name: 'trap with (An)+ or -(An)',
    reason: 'an address register keeps its value when the instruction ends with CHK or a division by zero',
    ignores: ({ row, words }, signal) =>
      signal === SIGFPE && /^(chk|div)/.test(row.name) ? { addresses: 1 << (words[0]! & 7) } : undefined,
  },
  {
    name: 'CHK',
    reason: 'Z, V and C are undefined and left alone; the program counter of the trap is that after the operation word',
    ignores: ({ row }, signal) => (/^chk_/.test(row.name) ? { ccr: NZV | 1, pc: signal === SIGFPE } : undefined),
  },
  {
    name: 'CAS2 with one compare register',
    reason: 'the register gets the second operand; [M68000PRM] says the first',
    ignores: ({ row, words }) =>
      /^cas2/.test(row.name) && ((words[1]! ^ words[2]!) & 7) === 0 ? { all: true } : undefined,
  },
  {
    name: 'sources on their way in',
    reason: 'an integer or double source is rounded to the precision of the FPCR before the operation',
    ignores: ({ row, words, request }) => {
      if (row.name !== 'fpgen') return undefined;
      const command = words[1]!;
      const integer = command >> 13 === 2 && [0, 4, 5, 6].includes((command >> 10) & 7);
      const single = ((request.getUint32(REQUEST.state + STATE.fpcr) >> 6) & 3) === 1;
      return integer && single ? { all: true } : undefined;
    },
  },
  {
    name: 'range of the shorter precisions',
    reason: 'results rounded to single or double precision keep the exponent range of the extended format',
    ignores: ({ row, words, request }, _signal, theirs) => {
      if (row.name !== 'fpgen' || (words[1]! >> 13 !== 0 && words[1]! >> 13 !== 2)) return undefined;
      const command = words[1]!;
      const op = command & 0x7f;
      const precision = op < 0x40 ? (request.getUint32(REQUEST.state + STATE.fpcr) >> 6) & 3 : (op & 4) !== 0 ? 2 : 1;
      const at = ANSWER.state + STATE.fp + ((command >> 7) & 7) * 12;
      const exponent = (theirs.getUint16(at) & 0x7fff) - 0x3fff;
      if (precision === 0 || exponent === 0x4000 || (theirs.getUint32(at + 4) | theirs.getUint32(at + 8)) === 0)
        return undefined;
      const [least, most] = precision === 1 ? [-126, 127] : [-1022, 1023];
      return exponent < least || exponent > most ? { fp: true, fpsr: 0x0f00_0000 } : undefined;
    },
  },
  {
    name: 'exception bytes of the FPSR',
    reason: 'QEMU 7.2 keeps neither the exception byte nor the accrued one',
    ignores: ({ row }) => (row.name.startsWith('f') ? { fpsr: 0xffff } : undefined),
  },
  {
    name: 'FMOVE to memory',
    reason: 'QEMU sets the condition codes of the FPSR, which the chips leave',
    ignores: ({ row, words }) => (row.name === 'fpgen' && words[1]! >> 13 === 3 ? { fpsr: ~0 >>> 0 } : undefined),
  },
  {
    name: 'control registers from -(An)',
    reason: 'QEMU does not write back An',
    ignores: ({ row, words }) =>
      row.name === 'fpgen' && words[1]! >> 13 === 4 && (words[0]! & 0x38) === 0x20
        ? { addresses: 1 << (words[0]! & 7) }
        : undefined,
  },
  {
    name: 'control registers to -(An)',
    reason: 'QEMU stores FPCR where it should store FPIAR, and the other way round',
    ignores: ({ row, words }) =>
      row.name === 'fpgen' && words[1]! >> 13 === 5 && (words[0]! & 0x38) === 0x20 ? { all: true } : undefined,
  },
  {
    name: 'FMOVE between registers',
    reason: 'QEMU does not round to the precision of the FPCR, nor see that the result is then zero or infinite',
    ignores: ({ row, words, request }) =>
      row.name === 'fpgen' && (words[1]! & 0xe07f) === 0 && (request.getUint32(REQUEST.state + STATE.fpcr) & 0xc0) !== 0
        ? { fp: true, fpsr: 0x0600_0000 }
        : undefined,
  },
  {
    name: 'signalling NaNs moved',
    reason: 'QEMU does not make a signalling NaN quiet in moves, FABS and FNEG',
    ignores: ({ row, words }, _signal, theirs) => {
      if (row.name !== 'fpgen' || (words[1]! >> 13 !== 0 && words[1]! >> 13 !== 2)) return undefined;
      if (![0x00, 0x18, 0x1a, 0x40, 0x44, 0x58, 0x5a, 0x5c, 0x5e].includes(words[1]! & 0x7f)) return undefined;
      const at = ANSWER.state + STATE.fp + ((words[1]! >> 7) & 7) * 12;
      return isNan(theirs, at) && (theirs.getUint32(at + 4) & 0x4000_0000) === 0 ? { fp: true } : undefined;
    },
  },
  {
    name: 'FMOVE to an integer',
    reason: 'what does not fit a byte or word is cut off, not saturated; of a NaN other bits are stored',
    ignores: ({ row, words, request }) => {
      const command = words[1]!;
      if (row.name !== 'fpgen' || command >> 13 !== 3 || ![0, 4, 6].includes((command >> 10) & 7)) return undefined;
      // Nor does QEMU leave the rest of a data register alone.
      if ((words[0]! & 0x38) === 0 && ((command >> 10) & 7) !== 0) return { all: true };
      const exponent = request.getUint16(REQUEST.state + STATE.fp + ((command >> 7) & 7) * 12) & 0x7fff;
      const fits = { 0: 0x401d, 4: 0x400d, 6: 0x4005 }[(command >> 10) & 7]!;
      return exponent >= fits ? { all: true } : undefined;
    },
  },
  {
    name: 'FMOVE.X of a signalling NaN to memory',
    reason: 'QEMU stores it as it is',
    ignores: ({ row, words, request }) => {
      if (row.name !== 'fpgen' || words[1]! >> 13 !== 3) return undefined;
      const at = REQUEST.state + STATE.fp + ((words[1]! >> 7) & 7) * 12;
      const signalling = isNan(request, at) && (request.getUint32(at + 4) & 0x4000_0000) === 0;
      return signalling ? { all: true } : undefined;
    },
  },
  {
    name: 'two NaNs',
    reason: 'QEMU returns the source, the chips the destination [68881 UM §4.5.4]',
    ignores: ({ row, words, request }, _signal, theirs) => {
      if (row.name !== 'fpgen' || (words[1]! >> 13 !== 0 && words[1]! >> 13 !== 2)) return undefined;
      const n = ((words[1]! >> 7) & 7) * 12;
      const both = isNan(request, REQUEST.state + STATE.fp + n) && isNan(theirs, ANSWER.state + STATE.fp + n);
      return both ? { fp: true, fpsr: 0x0800_0000 } : undefined;
    },
  },
  {
    name: 'FSGLDIV',
    reason: 'QEMU cuts operands to 24 bits',
    ignores: ({ row, words }) =>
      row.name === 'fpgen' && (words[1]! >> 13 === 0 || words[1]! >> 13 === 2) && (words[1]! & 0x7f) === 0x24
        ? { fp: true }
        : undefined,
  },
  {
    name: 'FCMP of equals',
    reason: 'N of equal negative zeros and infinities: the chips set it',
    ignores: ({ row, words }, _signal, theirs) =>
      row.name === 'fpgen' &&
      (words[1]! & 0x7f) === 0x38 &&
      (theirs.getUint32(ANSWER.state + STATE.fpsr) & 0x0400_0000) !== 0
        ? { fpsr: 0x0800_0000 }
        : undefined,
  },
  {
    name: 'extended numbers in memory',
    reason:
      'an exponent of 0 is taken as 1 even with the integer bit set, and NaNs get their integer bit set; operands come from ' +
      'memory with any bits, so results of this format are not compared',
    ignores: ({ row, words }) =>
      row.name === 'fpgen' && words[1]! >> 13 === 2 && ((words[1]! >> 10) & 7) === 2
        ? { fp: true, fpsr: ~0 >>> 0 }
        : undefined,
  },
];

const isNan = (view: DataView, at: number): boolean =>
  (view.getUint16(at) & 0x7fff) === 0x7fff && (view.getUint32(at + 4) << 1 !== 0 || view.getUint32(at + 8) !== 0);
