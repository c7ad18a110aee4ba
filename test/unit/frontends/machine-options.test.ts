// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { findMachine, parseRam } from '../../../frontends/cli/machine-options.ts';

describe('--ram', () => {
  it('takes whole megabytes between the limits of the machine', () => {
    const goldfish = findMachine('goldfish');
    expect(parseRam('64M', goldfish)).toBe(64 << 20);
    for (const wrong of ['31M', '513M', '64000K']) {
      expect(() => parseRam(wrong, goldfish)).toThrow(
        `goldfish takes 32M to 512M of RAM, in whole megabytes; found ${wrong}`,
      );
    }
  });

  it('takes the one size of a machine that has no other', () => {
    const microbit = findMachine('microbit');
    expect(parseRam('16K', microbit)).toBe(16 << 10);
    expect(() => parseRam('64M', microbit)).toThrow('microbit has 16K of RAM and takes no other; found 64M');
  });
});
