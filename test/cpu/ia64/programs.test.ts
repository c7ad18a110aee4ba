// SPDX-License-Identifier: MIT
//
// Static IA-64 Linux programs print what they print elsewhere.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Ia64Program } from '../../support/ia64-program.ts';
import { guest, missing } from '../../support/inputs.ts';

const folder = guest('ia64', 'a folder with bin/ and expected/');
const lacks = missing(folder);

describe.skipIf(lacks !== '')(`IA-64 programs${lacks && ` (lacks ${lacks})`}`, () => {
  for (const name of ['hello', 'ints', 'fp', 'libm', 'strings', 'calls', 'bench']) {
    it(`${name} prints what it is to print`, { timeout: 120_000 }, () => {
      const program = new Ia64Program(join(folder.path!, 'bin', `${name}.static`), [name], ['HOME=/']);
      const { output, status, trouble } = program.run();
      expect(trouble).toBeUndefined();
      // The benchmark's times are its own.
      const printed = name === 'bench' ? output.replace(/ [0-9.]* s$/gm, '') : output;
      expect(printed).toBe(readFileSync(join(folder.path!, 'expected', `${name}.txt`), 'latin1'));
      expect(status).toBe(0);
    });
  }
});
