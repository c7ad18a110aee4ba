// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { FloatBench } from '../../support/ia64-float-tests.ts';

describe('IA-64 floating point', () => {
  const bench = new FloatBench(1);

  it('rounds random multiply-adds once', () => {
    expect(bench.multiplyAdds(20_000)).toBeUndefined();
  });

  it('converts to integers', () => {
    expect(bench.conversions(10_000)).toBeUndefined();
  });

  it('compares and chooses', () => {
    expect(bench.comparisons(10_000)).toBeUndefined();
  });

  it('does the same to pairs of singles', () => {
    expect(bench.pairs(10_000)).toBeUndefined();
  });

  it('gives the quotients the sequences promise', () => {
    expect(bench.quotients(3000)).toBeUndefined();
  });

  it('gives the square roots the sequences promise', () => {
    expect(bench.squareRoots(3000)).toBeUndefined();
  });
});
