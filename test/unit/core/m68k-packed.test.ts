// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { TestM68k } from '../../support/m68k.ts';

const FROM = 0x7000;
const TO = 0x7100;

describe('68k core: packed decimal', () => {
  // [68881 UM §3.2.4] A k-factor above 0 is a number of significant digits, else of digits after the point.
  it.each([
    [0, [0x0004_0003, 0x2768_0000, 0]],
    [3, [0x0004_0003, 0x2800_0000, 0]],
    [1, [0x0004_0003, 0, 0]],
    [-2, [0x0004_0003, 0x2768_0000, 0]],
    [17, [0x0004_0003, 0x2768_0000, 0]],
  ])('stores 32768 with the k-factor %d', (k, words) => {
    const machine = new TestM68k({ model: '68030', fpu: '68882' });
    machine.set({ a1: TO, fp1: 0x400e_8000_0000_0000_0000n });
    machine.execute([0xf211, 0x6c80 | (k & 0x7f)]);
    expect([machine.long(TO), machine.long(TO + 4), machine.long(TO + 8)]).toEqual(words);
  });

  it('reads what it stored', () => {
    const machine = new TestM68k({ model: '68030', fpu: '68882' });
    machine.set({ a0: FROM, a1: TO });
    [0x4002_0007, 0x1250_0000, 0].forEach((word, index) => machine.ram.view.setUint32(FROM + index * 4, word));
    machine.execute([0xf210, 0x4c80, 0xf211, 0x6c85], 2);
    expect([machine.long(TO), machine.long(TO + 4), machine.long(TO + 8)]).toEqual([0x4002_0007, 0x1250_0000, 0]);
  });
});
