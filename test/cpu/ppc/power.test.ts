// SPDX-License-Identifier: MIT
//
// The POWER instructions that the 601 kept [601 UM 10], against a second reading of their definitions. QEMU has none.
import { describe, expect, it } from 'vitest';
import {
  type DecodeRow,
  decodeRows,
  describeInstruction,
  encode,
  fieldOf,
  hasField,
} from '../../support/ppc-decode.ts';
import { PpcMachine } from '../../support/ppc-machine.ts';
import { PpcRandom } from '../../support/ppc-random.ts';

/** What an instruction gets: registers as unsigned words. */
interface Given {
  readonly s: number; // rS
  readonly a: number; // rA before
  readonly b: number; // rB
  readonly mq: number;
  readonly n: number; // the immediate shift, or the low five bits of rB
  readonly far: boolean; // rB[26]: shifts by 32 or more
  readonly mask: number; // MB to ME
  readonly si: number;
}
/** And what comes of it. `cr` is the value compared with zero by the record form, if it is not the result. */
interface Result {
  readonly result: number;
  readonly mq?: number;
  readonly ov?: boolean;
  readonly ca?: boolean;
  readonly cr?: number;
}

const rotl = (value: number, n: number): number => (n === 0 ? value : (value << n) | (value >>> (32 - n))) >>> 0;
const rotr = (value: number, n: number): number => rotl(value, (32 - n) & 31);
/** Ones from bit `from` to bit `to`, numbered from the left, around the end if need be. */
function ones(from: number, to: number): number {
  let mask = 0;
  for (let bit = from; ; bit = (bit + 1) & 31) {
    mask |= 0x8000_0000 >>> bit;
    if (bit === to) return mask >>> 0;
  }
}
const left = (n: number): number => ones(0, 31 - n); //  32-n ones, then zeros
const right = (n: number): number => ones(n, 31); //     n zeros, then ones
const merge = (over: number, under: number, mask: number): number => ((over & mask) | (under & ~mask)) >>> 0;
const signed = (value: number): number => value | 0;

function algebraic(s: number, n: number, mask: number): Result {
  const r = rotr(s, n);
  const sign = signed(s) < 0 ? 0xffff_ffff : 0;
  return { result: merge(r, sign, mask), mq: r, ca: sign !== 0 && (r & ~mask) !== 0 };
}

const DEFINITIONS: Record<string, (given: Given) => Result | undefined> = {
  abs: ({ a }) => ({ result: Math.abs(signed(a)), ov: a === 0x8000_0000 }),
  nabs: ({ a }) => ({ result: -Math.abs(signed(a)), ov: false }),
  doz: ({ a, b }) => {
    const difference = signed(b) - signed(a);
    return { result: difference > 0 ? difference : 0, ov: difference > 0x7fff_ffff };
  },
  dozi: ({ a, si }) => ({ result: Math.max(0, si - signed(a)) }),
  mul: ({ a, b }) => {
    const product = BigInt(signed(a)) * BigInt(signed(b));
    const low = Number(BigInt.asUintN(32, product));
    const ov = BigInt.asIntN(32, product) !== product;
    return { result: Number(BigInt.asIntN(32, product >> 32n)), mq: low, ov, cr: low };
  },
  div: ({ a, b, mq }) => {
    if (b === 0) return undefined;
    const dividend = (BigInt(signed(a)) << 32n) | BigInt(mq);
    const quotient = dividend / BigInt(signed(b));
    if (BigInt.asIntN(32, quotient) !== quotient) return undefined;
    const remainder = Number(dividend % BigInt(signed(b)));
    return { result: Number(quotient), mq: remainder, ov: false, cr: remainder };
  },
  divs: ({ a, b }) => {
    if (b === 0 || (a === 0x8000_0000 && b === 0xffff_ffff)) return undefined;
    const remainder = signed(a) % signed(b);
    return { result: Math.trunc(signed(a) / signed(b)), mq: remainder, ov: false, cr: remainder };
  },
  maskg: ({ s, b }) => ({ result: ((s & 31) === ((b + 1) & 31) ? 0xffff_ffff : ones(s & 31, b & 31)) >>> 0 }),
  maskir: ({ s, a, b }) => ({ result: merge(s, a, b) }),
  rrib: ({ s, a, n }) => ({ result: merge((s & 0x8000_0000) >>> n, a, 0x8000_0000 >>> n) }),
  rlmi: ({ s, a, n, mask }) => ({ result: merge(rotl(s, n), a, mask) }),
  sle: ({ s, n }) => ({ result: rotl(s, n) & left(n), mq: rotl(s, n) }),
  sliq: ({ s, n }) => ({ result: rotl(s, n) & left(n), mq: rotl(s, n) }),
  slq: ({ s, n, far }) => ({ result: far ? 0 : rotl(s, n) & left(n), mq: rotl(s, n) }),
  sleq: ({ s, n, mq }) => ({ result: merge(rotl(s, n), mq, left(n)), mq: rotl(s, n) }),
  slliq: ({ s, n, mq }) => ({ result: merge(rotl(s, n), mq, left(n)), mq: rotl(s, n) }),
  sllq: ({ s, n, mq, far }) => ({ result: far ? mq & left(n) : merge(rotl(s, n), mq, left(n)) }),
  sre: ({ s, n }) => ({ result: rotr(s, n) & right(n), mq: rotr(s, n) }),
  sriq: ({ s, n }) => ({ result: rotr(s, n) & right(n), mq: rotr(s, n) }),
  srq: ({ s, n, far }) => ({ result: far ? 0 : rotr(s, n) & right(n), mq: rotr(s, n) }),
  sreq: ({ s, n, mq }) => ({ result: merge(rotr(s, n), mq, right(n)), mq: rotr(s, n) }),
  srliq: ({ s, n, mq }) => ({ result: merge(rotr(s, n), mq, right(n)), mq: rotr(s, n) }),
  srlq: ({ s, n, mq, far }) => ({ result: far ? mq & right(n) : merge(rotr(s, n), mq, right(n)) }),
  srea: ({ s, n }) => algebraic(s, n, right(n)),
  sraiq: ({ s, n }) => algebraic(s, n, right(n)),
  sraq: ({ s, n, far }) => algebraic(s, n, far ? 0 : right(n)),
};

const SO = 0x8000_0000;
const OV = 0x4000_0000;
const CA = 0x2000_0000;

/** CR, XER and the registers after `row`, by its definition; `undefined` where that leaves them open. */
function expected(row: DecodeRow, word: number, before: Record<string, number>): Record<string, number> | undefined {
  const register = (field: string): number => (hasField(row, field) ? before[`r${fieldOf(row, word, field)}`]! : 0);
  const b = register('rb');
  const result = DEFINITIONS[row.name]!({
    s: register('rs'),
    a: register('ra'),
    b,
    mq: before['mq']!,
    n: hasField(row, 'sh') ? fieldOf(row, word, 'sh') : b & 31,
    far: (b & 32) !== 0,
    mask: hasField(row, 'mb') ? ones(fieldOf(row, word, 'mb'), fieldOf(row, word, 'me')) : 0,
    si: hasField(row, 'si') ? fieldOf(row, word, 'si') : 0,
  });
  if (result === undefined) return undefined;
  const target = hasField(row, 'rt') ? 'rt' : 'ra';
  const after = { ...before, [`r${fieldOf(row, word, target)}`]: result.result >>> 0 };
  if (result.mq !== undefined) after['mq'] = result.mq >>> 0;
  let xer = before['xer']!;
  if (hasField(row, 'oe') && fieldOf(row, word, 'oe')) xer = result.ov ? xer | SO | OV : xer & ~OV;
  if (result.ca !== undefined) xer = result.ca ? xer | CA : xer & ~CA;
  after['xer'] = xer >>> 0;
  if (hasField(row, 'rc') && fieldOf(row, word, 'rc')) {
    const value = signed(result.cr ?? result.result);
    const field = (value < 0 ? 8 : value > 0 ? 4 : 2) | (xer < 0 || xer >= SO ? 1 : 0);
    after['cr'] = ((before['cr']! & 0x0fff_ffff) | (field << 28)) >>> 0;
  }
  return after;
}

const NAMES = ['cr', 'xer', 'mq', ...Array.from({ length: 32 }, (_, n) => `r${n}`)];

describe('POWER instructions of the 601', () => {
  const rows = decodeRows().filter(({ needs, name }) => needs === 'POWER' && name !== 'clcs' && name !== 'lscbx');

  it('are all defined here', () => {
    expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(DEFINITIONS).sort());
  });

  for (const row of rows) {
    it(`${row.name} does as defined`, () => {
      const machine = new PpcMachine({ model: '601' });
      const rng = new PpcRandom(row.value);
      for (let round = 0; round < 400; round++) {
        let word = row.value;
        for (const { shift, width } of row.fields.values()) word |= rng.below(2 ** width) << shift;
        const before: Record<string, number> = { cr: rng.word(), xer: rng.word() & 0xe000_007f, mq: rng.integer() };
        for (let n = 0; n < 32; n++) before[`r${n}`] = rng.integer();
        before['xer'] = before['xer']! >>> 0;
        const wanted = expected(row, word >>> 0, before);
        if (wanted === undefined) continue;
        machine.set(before);
        machine.execute(word >>> 0);
        expect(machine.get(...NAMES), `${describeInstruction(row, word >>> 0)} ${JSON.stringify(before)}`).toEqual(
          wanted,
        );
      }
    });
  }

  it('clcs gives the size of a cache line', () => {
    const machine = new PpcMachine({ model: '601' });
    for (const code of [12, 13, 14, 15]) {
      machine.set({ r3: 0 });
      machine.execute(encode('clcs', { rt: 3, ra: code }));
      expect(machine.get('r3')).toEqual({ r3: 64 });
    }
  });

  it('lscbx loads up to the byte that XER holds and counts', () => {
    const machine = new PpcMachine({ model: '601' });
    const bytes = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99];
    machine.write(0x2_0000, Uint8Array.from(bytes));
    const lscbx = encode('lscbx', { rt: 30, ra: 4, rb: 5, rc: 1 });
    // Found at the sixth byte.
    machine.set({ r4: 0x1_0000, r5: 0x1_0000, r30: 0, r31: 0, r0: 7, xer: 0x0000_6609, cr: 0 });
    machine.execute(lscbx);
    const found = machine.get('r30', 'r31', 'r0', 'xer', 'cr');
    expect(found).toMatchObject({ r30: 0x1122_3344, r0: 7, cr: 0x2000_0000 });
    expect(Number(found['r31']) >>> 16).toBe(0x5566);
    expect(Number(found['xer']) & 0x7f).toBe(6);
    // Not found in three bytes.
    machine.set({ r30: 0, xer: 0x8000_6603, cr: 0 });
    machine.execute(lscbx);
    const missed = machine.get('r30', 'xer', 'cr');
    expect(Number(missed['r30']) >>> 8).toBe(0x11_2233);
    expect(Number(missed['xer']) & 0x7f).toBe(3);
    expect(missed['cr']).toBe(0x1000_0000);
  });

  it('are illegal on the other processors', () => {
    for (const model of ['603e', '750'] as const) {
      for (const row of rows) {
        const machine = new PpcMachine({ model });
        machine.execute(row.value);
        expect(machine.get('pc'), row.name).toEqual({ pc: 0x700 });
      }
    }
  });
});
