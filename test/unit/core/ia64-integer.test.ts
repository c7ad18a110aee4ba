// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { REASON } from '../../../core/ia64/host/ia64-state.ts';
import { ISA, type IsaRow } from '../../../core/ia64/host/gen/isa.ts';
import { bundle, code, op } from '../../support/ia64-assembly.ts';
import { Random } from '../../support/ia64-float-tests.ts';
import { INTEGER_MODELS, relates } from '../../support/ia64-integer-model.ts';
import { EXECUTE, Ia64, READ } from '../../support/ia64.ts';

const TEXT = 0x4000_0000_0000_0000n;
const ROUNDS = 200;

describe('IA-64 integer instructions', () => {
  const cpu = new Ia64(64);
  const random = new Random(7);
  cpu.map(TEXT, 0x4000, READ | EXECUTE);
  cpu.state.cfm = 96n;

  /** Values with a liking for small ones and the ends of lanes. */
  const value = (): bigint => {
    const x = random.next64();
    switch (random.below(5)) {
      case 0:
        return x & 0x3fn;
      case 1:
        return [0n, 0x8000_8000_8000_8000n, 0x7fff_ffff_7f80_0080n, (1n << 64n) - 1n][random.below(4)]!;
      case 2:
        return x & random.next64() & random.next64();
      default:
        return x;
    }
  };

  /** A random value of an operand of the row. */
  const operand = (row: IsaRow, name: string): bigint => {
    const [isSigned, shift, add, ...pieces] = row.operands[name] ?? [false, 0, 0];
    const width = pieces.filter((_, i) => i % 2 === 1).reduce((sum, n) => sum + n, 0);
    const bits = BigInt.asUintN(width, random.next64());
    return ((isSigned ? BigInt.asIntN(width, bits) : bits) << BigInt(shift)) + BigInt(add);
  };

  const run = (row: IsaRow, operands: Record<string, number | bigint>): void => {
    const one = op(row.name, operands);
    const program = code(
      row.unit === 'I' ? bundle('MII', op('nop.m'), one) : bundle('MII', one),
      bundle('MII', op('break.m')),
    );
    cpu.write(TEXT, program);
    cpu.core.newSpace(cpu.space);
    cpu.state.ip = TEXT;
    cpu.state.slot = 0;
    cpu.core.run(1);
    expect(cpu.state.ip).toBe(TEXT + 16n);
  };

  /** Values of d where others are reserved. */
  const SOME: Record<string, readonly number[]> = { mux1: [0, 8, 9, 10, 11], pshladd2: [1, 2, 3], pshradd2: [1, 2, 3] };

  it.each(['pshladd2', 'pshradd2'])('%s refuses the reserved shift', (name) => {
    cpu.write(TEXT, code(bundle('MII', op(name, { a: 50, b: 40, c: 41, d: 4 })), bundle('MII', op('break.m'))));
    cpu.core.newSpace(cpu.space);
    cpu.state.ip = TEXT;
    cpu.state.slot = 0;
    cpu.state.pr = 1n;
    expect(cpu.core.run(1)).toBe(REASON.fault);
    expect(cpu.state.fault).toBe('illegal');
  });

  for (const row of ISA.filter(({ name }) => INTEGER_MODELS.has(name))) {
    it(row.name, () => {
      for (let n = 0; n < ROUNDS; n++) {
        const [x, y] = [value(), value()];
        cpu.state.setGr(40, x);
        cpu.state.setGr(41, y);
        const isRegister = (letter: string): boolean =>
          row.operands[letter]?.join() === (letter === 'b' ? 'false,0,0,13,7' : 'false,0,0,20,7');
        const b = isRegister('b') ? 40 : Number(operand(row, 'b'));
        const c = isRegister('c') ? 41 : Number(operand(row, 'c'));
        const d = SOME[row.name]?.[random.below(SOME[row.name]!.length)] ?? Number(operand(row, 'd'));
        const imm = operand(row, 'imm');
        run(row, { a: 50, b, c, d, imm });
        const expected = INTEGER_MODELS.get(row.name)!({ x, y, b, c, d, imm });
        const shown = `${row.name} ${x.toString(16)} ${y.toString(16)} b=${b} c=${c} d=${d} imm=${imm}: `;
        expect(shown + cpu.state.gr(50).toString(16)).toBe(shown + expected.toString(16));
      }
    });
  }

  for (const row of ISA.filter(({ name, unit }) => unit === 'A' && name.startsWith('cmp'))) {
    it(row.name, () => {
      const [, four, relation, type] = /^cmp(4?)\.(\w+?)(?:\.(and|or|orcm|unc))?(?:_i)?$/.exec(row.name) ?? [];
      const immediate = row.name.endsWith('_i');
      for (let n = 0; n < ROUNDS; n++) {
        const y = value();
        const x = random.below(4) === 0 ? y : value();
        const imm = operand(row, 'imm');
        const qp = random.below(2);
        const before = [random.below(2), random.below(2)] as const;
        cpu.state.setGr(40, x);
        cpu.state.setGr(41, immediate && random.below(4) === 0 ? imm : y);
        cpu.state.pr = 1n | (BigInt(qp) << 10n) | (BigInt(before[0]) << 6n) | (BigInt(before[1]) << 7n);
        const left = immediate ? imm : row.operands['b'] === undefined ? 0n : x;
        const holds = relates(relation!, four === '4' ? 32 : 64, left, cpu.state.gr(41));
        run(row, { a: 6, d: 7, b: 40, c: 41, imm, qp: 10 });
        let after: readonly [number, number] = before;
        if (qp === 0) after = type === 'unc' ? [0, 0] : before;
        else if (type === 'and') after = holds ? before : [0, 0];
        else if (type === 'or') after = holds ? [1, 1] : before;
        else if (type === 'orcm') after = holds ? [1, 0] : before;
        else after = holds ? [1, 0] : [0, 1];
        expect([cpu.state.predicate(6), cpu.state.predicate(7)]).toEqual(after.map((bit) => bit === 1));
      }
    });
  }
});
