// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { TestM68k } from '../../support/m68k.ts';

/** moveq #100,d0; dbf d0 to itself; moveq #1,d1. */
const DELAY = [0x7064, 0x51c8, 0xfffe, 0x7201];
const TURNS = 101;

describe('68k core: DBcc to itself', () => {
  it('takes one tick a turn like any other instruction', () => {
    const machine = new TestM68k({ model: '68040' });
    machine.code(TestM68k.START, ...DELAY);
    machine.set({ pc: TestM68k.START });
    machine.cpu.run(1 + TURNS);
    expect(machine.reg('d0') & 0xffff).toBe(0xffff);
    expect(machine.reg('d1')).toBe(0);
  });

  it.each([1, 3])('takes %d ticks more where the board says so', (delayTicks) => {
    const machine = new TestM68k({ model: '68040', delayTicks });
    machine.code(TestM68k.START, ...DELAY);
    machine.set({ pc: TestM68k.START });
    // The last turn does not branch and is an instruction like any other.
    const ticks = (TURNS - 1) * (1 + delayTicks) + 1;
    machine.cpu.run(1 + ticks);
    expect(machine.reg('d0') & 0xffff).toBe(0xffff);
    expect(machine.cpu.elapsed()).toBe(1 + ticks);
    expect(machine.reg('d1')).toBe(0);
    machine.cpu.run(1);
    expect(machine.reg('d1')).toBe(1);
  });

  it('stops in the middle when the slice is over', () => {
    const machine = new TestM68k({ model: '68040', delayTicks: 1 });
    machine.code(TestM68k.START, ...DELAY);
    machine.set({ pc: TestM68k.START });
    machine.cpu.run(1 + 40);
    expect(machine.reg('d0')).toBe(100 - 20);
    expect(machine.cpu.pc).toBe(TestM68k.START + 2);
  });
});
