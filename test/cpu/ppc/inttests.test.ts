// SPDX-License-Identifier: MIT
//
// ppcinttests.csv of the DingusPPC project: one integer instruction a row, with r3 = rA, r4 = rB, CR and XER clear before,
// and rD (in r3), CR and XER after. Compares have no rD.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { missing, suite } from '../../support/inputs.ts';
import { PpcMachine } from '../../support/ppc-machine.ts';

const rows = suite('ppcinttests.csv');
const lacks = missing(rows);

describe(`Integer vectors of ppcinttests.csv${lacks && ` (needs ${lacks})`}`, () => {
  it.skipIf(lacks)('agree in every row', () => {
    const machine = new PpcMachine();
    const failures: string[] = [];
    let tested = 0;
    for (const line of readFileSync(rows.path!, 'utf8').split(/\r?\n/)) {
      if (line === '' || line.startsWith('#')) continue;
      const [name, word, ...values] = line.split(',');
      const value = new Map(values.map((text) => text.split('=') as [string, string]));
      const number = (key: string): number => Number(value.get(key) ?? 0);
      machine.set({ r3: number('rA'), r4: number('rB'), cr: 0, xer: 0 });
      machine.execute(Number(word));
      const after = machine.get('r3', 'cr', 'xer');
      const same = value.has('rD') ? after['r3'] === number('rD') : after['r3'] === number('rA');
      tested++;
      if (!same || after['cr'] !== number('CR') || after['xer'] !== number('XER')) {
        failures.push(`${line}: ${name} gave ${JSON.stringify(after)}`);
      }
    }
    console.log(`ppcinttests.csv: ${tested - failures.length} of ${tested} rows`);
    expect(failures.slice(0, 20)).toEqual([]);
    expect(tested).toBeGreaterThanOrEqual(5620);
  });
});
