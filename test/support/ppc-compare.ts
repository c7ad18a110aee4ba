// SPDX-License-Identifier: MIT
import { describeInstruction } from './ppc-decode.ts';
import { ANSWER, SIGNAL } from './ppc-qemu.ts';
import { REQUEST, type Vector, WINDOW_BYTES, slotPc } from './ppc-vectors.ts';

/** How a vector ended: not at all (it ran to its end or branched away), or with one of these. */
export type Ending = 'done' | keyof typeof SIGNAL;

/** Bits of the outcome that an explained deviation takes out of the comparison. */
export interface Ignored {
  readonly fpscr?: number;
  readonly cr?: number;
  readonly xer?: number;
  /** Numbers of registers. */
  readonly gpr?: readonly number[];
  readonly fpr?: readonly number[];
  /** Numbers of floating-point registers whose high words do not count. */
  readonly fprHigh?: readonly number[];
  /** Nothing of this vector can be compared. */
  readonly everything?: boolean;
}

/** What is known about one vector on both sides; answers are in `struct answer`'s layout. */
export interface Comparison {
  readonly vector: Vector;
  readonly ours: DataView;
  readonly theirs: DataView;
  readonly ourEnding: Ending;
  readonly theirEnding: Ending;
}

/** A difference between the processor and the reference that has a reason. */
export interface Deviation {
  readonly name: string;
  /** Why, and where the manual says so. */
  readonly reason: string;
  /** What to leave out, or `undefined` where the deviation does not apply. */
  readonly ignores: (comparison: Comparison) => Ignored | undefined;
}

const NAMES = new Map<number, Ending>(
  Object.entries(SIGNAL).map(([name, number]) => [number, name as keyof typeof SIGNAL]),
);

/** The harness leaves each slot with a signal; the one from the zero words around the instruction is the normal end. */
export function endingOf(answer: DataView, vector: Vector, slot: number): Ending {
  const pc = answer.getUint32(ANSWER.pc);
  const first = slotPc(slot);
  const inside = pc >= first && pc < first + vector.words.length * 4;
  return inside ? NAMES.get(answer.getUint32(ANSWER.signal))! : 'done';
}

const hex = (value: number, digits = 8): string => `0x${(value >>> 0).toString(16).padStart(digits, '0')}`;

/** Every field in which the two differ, after what the deviations take out. Empty when they agree. */
export function differences(comparison: Comparison, ignored: readonly Ignored[]): string[] {
  const { ours, theirs, ourEnding, theirEnding } = comparison;
  const found: string[] = [];
  if (ignored.some(({ everything }) => everything)) return found;
  const mask = (field: 'fpscr' | 'cr' | 'xer'): number => ~ignored.reduce((all, some) => all | (some[field] ?? 0), 0);
  const skipped = (field: 'gpr' | 'fpr' | 'fprHigh'): Set<number> =>
    new Set(ignored.flatMap((some) => some[field] ?? []));
  if (ourEnding !== theirEnding) found.push(`ending ${ourEnding} / ${theirEnding}`);
  const word = (name: string, offset: number, bits = -1): void => {
    const a = ours.getUint32(offset) & bits;
    const b = theirs.getUint32(offset) & bits;
    if (a !== b) found.push(`${name} ${hex(a)} / ${hex(b)}`);
  };
  word('pc', ANSWER.pc);
  const gprs = skipped('gpr');
  for (let n = 0; n < 32; n++) if (!gprs.has(n)) word(`r${n}`, ANSWER.gpr + n * 4);
  word('cr', ANSWER.cr, mask('cr'));
  word('xer', ANSWER.xer, mask('xer'));
  word('lr', ANSWER.lr);
  word('ctr', ANSWER.ctr);
  word('fpscr', ANSWER.fpscr, mask('fpscr'));
  const fprs = skipped('fpr');
  const highs = skipped('fprHigh');
  for (let n = 0; n < 32; n++) {
    const at = ANSWER.fpr + n * 8;
    if (fprs.has(n)) continue;
    const high = highs.has(n) || ours.getUint32(at) === theirs.getUint32(at);
    if (!high || ours.getUint32(at + 4) !== theirs.getUint32(at + 4)) {
      found.push(`f${n} ${double(ours, at)} / ${double(theirs, at)}`);
    }
  }
  for (let n = 0; n < WINDOW_BYTES; n += 4) word(`memory+${n}`, ANSWER.window + n);
  return found;
}

const double = (view: DataView, at: number): string =>
  `${hex(view.getUint32(at))}_${view
    .getUint32(at + 4)
    .toString(16)
    .padStart(8, '0')}`;

/** Everything needed to look into a difference: the instruction, what it was given, and what came out of it. */
export function report(comparison: Comparison, found: readonly string[], slot: number): string {
  const { vector, ours, theirs } = comparison;
  const { row, request, words } = vector;
  const lines = [
    describeInstruction(row, words[0]!),
    `  words ${words.map((word) => hex(word)).join(' ')} at ${hex(slotPc(slot))}`,
    `  differences (ours / reference): ${found.join(', ')}`,
    `  given cr ${hex(request.getUint32(REQUEST.cr))} xer ${hex(request.getUint32(REQUEST.xer))} lr ${hex(
      request.getUint32(REQUEST.lr),
    )} ctr ${hex(request.getUint32(REQUEST.ctr))} fpscr ${hex(request.getUint32(REQUEST.fpscr))}`,
  ];
  for (const field of row.fields.values()) {
    if (words.length > 1) break;
    const n = (words[0]! >>> field.shift) & 31;
    if (/^r[tsab]$/.test(field.name))
      lines.push(`  ${field.name} r${n} = ${hex(request.getUint32(REQUEST.gpr + n * 4))}`);
    if (/^fr[tsabc]$/.test(field.name)) lines.push(`  ${field.name} f${n} = ${double(request, REQUEST.fpr + n * 8)}`);
  }
  const line = (view: DataView): string =>
    `cr ${hex(view.getUint32(ANSWER.cr))} xer ${hex(view.getUint32(ANSWER.xer))} fpscr ${hex(view.getUint32(ANSWER.fpscr))}`;
  lines.push(`  ours      ${line(ours)}`, `  reference ${line(theirs)}`);
  return lines.join('\n');
}
