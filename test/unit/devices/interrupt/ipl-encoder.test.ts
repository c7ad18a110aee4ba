// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { IplEncoder } from '../../../../machines/devices/interrupt/ipl-encoder.ts';
import { FakeBoard } from '../../../support/fake-board.ts';

describe('IplEncoder', () => {
  it('gives the highest level that is asked for', () => {
    let level = -1;
    const encoder = new IplEncoder(new FakeBoard().chip('ipl'), (value) => (level = value));
    const [two, six, seven] = [encoder.in(2), encoder.in(6), encoder.in(7)];
    encoder.settle();
    expect(level).toBe(0);
    two(true);
    expect(level).toBe(2);
    six(true);
    expect(level).toBe(6);
    two(false);
    expect(level).toBe(6);
    seven(true);
    expect(level).toBe(7);
    seven(false);
    six(false);
    expect(level).toBe(0);
  });

  it('has inputs 1 to 7', () => {
    const encoder = new IplEncoder(new FakeBoard().chip('ipl'), () => undefined);
    for (const level of [0, 8, 1.5]) expect(() => encoder.in(level)).toThrow(RangeError);
  });
});
