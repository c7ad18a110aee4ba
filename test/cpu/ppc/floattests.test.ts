// SPDX-License-Identifier: MIT
//
// ppcfloattests.csv of the DingusPPC project: one floating-point instruction a row, with f4 = frA, f5 = frB, f6 = frC and
// FPSCR holding only a rounding mode or VE before, and f3, FPSCR and CR after. An extra: nothing requires the file.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { missing, suite } from '../../support/inputs.ts';
import { PpcMachine } from '../../support/ppc-machine.ts';

const rows = suite('ppcfloattests.csv');
const lacks = missing(rows);

const FPSCR_BEFORE: Record<string, number> = { RTN: 0, RTZ: 1, RPI: 2, RNI: 3, VEN: 0x80 };
const OX = 0x1000_0000;
const FR = 0x0004_0000;

/** Names that stand for numbers which decimal text cannot say, as bits. */
const NAMED: Record<string, bigint> = {
  snan: 0x7ff4_0000_0000_0000n,
  qnan: 0x7ff8_0000_0000_0000n,
  inf: 0x7ff0_0000_0000_0000n,
  FLT_MAX: 0x47ef_ffff_e000_0000n,
  FLT_MIN: 0x3810_0000_0000_0000n,
  DBL_MAX: 0x7fef_ffff_ffff_ffffn,
  DBL_MIN: 0x0010_0000_0000_0000n,
};

function bits(text = '0'): bigint {
  const named = NAMED[text.replace(/^-/, '')];
  if (named !== undefined) return text.startsWith('-') ? named | (1n << 63n) : named;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Number(text));
  return view.getBigUint64(0);
}

describe(`Floating-point vectors of ppcfloattests.csv${lacks && ` (needs ${lacks})`}`, () => {
  it.skipIf(lacks)('agree in every row', () => {
    const machine = new PpcMachine();
    const failures: string[] = [];
    let tested = 0;
    for (const line of readFileSync(rows.path!, 'utf8').split(/\r?\n/)) {
      if (line === '' || line.startsWith('#')) continue;
      const [name, word, ...values] = line.split(',');
      const value = new Map(values.map((text) => text.split('=') as [string, string]));
      // The FMULS rows with 0.35 were made with the single of that name: their product is exact.
      if (name!.startsWith('FMULS') && value.get('frC') === '0.35') value.set('frC', String(Math.fround(0.35)));
      machine.set({
        f3: 0n,
        f4: bits(value.get('frA')),
        f5: bits(value.get('frB')),
        f6: bits(value.get('frC')),
        fpscr: FPSCR_BEFORE[value.get('round') ?? 'RTN']!,
        cr: 0,
      });
      machine.execute(Number(word));
      const after = machine.get('f3', 'fpscr', 'cr');
      const expected = {
        f3: BigInt(value.get('frD') ?? 0),
        fpscr: Number(value.get('FPSCR')),
        cr: Number(value.get('CR')),
      };
      // [PEM 3.3.6.2]: FR is undefined when an overflow is not enabled.
      const ignored = expected.fpscr & OX ? FR : 0;
      const same = ((Number(after['fpscr']) ^ expected.fpscr) & ~ignored) === 0;
      tested++;
      if (after['f3'] !== expected.f3 || !same || after['cr'] !== expected.cr) {
        const hex = Object.entries(after).map(([name, got]) => `${name} ${got.toString(16)}`);
        failures.push(`${line}: ${hex.join(' ')}`);
      }
    }
    console.log(`ppcfloattests.csv: ${tested - failures.length} of ${tested} rows`);
    expect(failures.slice(0, 20)).toEqual([]);
  });
});
