// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { FloatBench } from '../../support/ia64-float-tests.ts';

// Ten million in all when everything is tested.
const rounds = process.env['EMERITUS_TEST_ALL'] === undefined ? 3 : 34;

describe('IA-64 floating point at length', () => {
  for (let seed = 100; seed < 100 + rounds; seed++) {
    it(`agrees with exact arithmetic, seed ${seed}`, () => {
      const bench = new FloatBench(seed);
      expect(bench.multiplyAdds(200_000)).toBeUndefined();
      expect(bench.quotients(50_000)).toBeUndefined();
      expect(bench.squareRoots(50_000)).toBeUndefined();
    });
  }
});
