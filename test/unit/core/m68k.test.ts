// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { STOP } from '../../../machines/backplane/cpu.ts';
import { TestM68k } from '../../support/m68k.ts';

const MODELS = ['68020', '68030', '68040'] as const;

describe('68k core', () => {
  it.each(MODELS)('%s stacks format 0 for TRAP and returns with RTE', (model) => {
    const machine = new TestM68k({ model });
    machine.code(TestM68k.handler(35), 0x4e73);
    machine.execute([0x4e43, 0x7001], 1);
    expect(machine.cpu.pc).toBe(TestM68k.handler(35));
    expect(machine.word(TestM68k.STACK - 2)).toBe(35 * 4);
    expect(machine.long(TestM68k.STACK - 6)).toBe(TestM68k.START + 2);
    machine.cpu.step();
    machine.cpu.step();
    expect(machine.reg('d0')).toBe(1);
    expect(machine.reg('a7')).toBe(TestM68k.STACK);
  });

  it.each(MODELS)('%s stacks format 2 with the address of a division by zero', (model) => {
    const machine = new TestM68k({ model });
    machine.execute([0x80c1]);
    expect(machine.cpu.pc).toBe(TestM68k.handler(5));
    expect(machine.word(TestM68k.STACK - 6)).toBe(0x2014);
    expect(machine.long(TestM68k.STACK - 4)).toBe(TestM68k.START);
  });

  it.each(MODELS)('%s CAS2 writes its first operand, then its second, also where they are one', (model) => {
    const machine = new TestM68k({ model });
    const at = 0x7000;
    machine.ram.view.setUint16(at, 0x1234);
    machine.set({ a4: at, d5: 0x1234, d6: 0x1234, d2: 0x400f, d4: 0x009b });
    machine.execute([0x0cfc, 0xc085, 0xc106]); // CAS2.W D5:D6,D2:D4,(A4):(A4)
    expect(machine.word(at)).toBe(0x009b);
    expect(machine.reg('sr') & 4).toBe(4);
  });

  it.each(MODELS)('%s CAS2 loads one compare register with the first operand', (model) => {
    const machine = new TestM68k({ model });
    machine.ram.view.setUint32(0x7000, 0x1111_1111);
    machine.ram.view.setUint32(0x7004, 0x2222_2222);
    machine.set({ a4: 0x7000, a5: 0x7004, d5: 0x1111_1111, d2: 1, d4: 2 });
    machine.execute([0x0efc, 0xc085, 0xd105]); // CAS2.L D5:D5,D2:D4,(A4):(A5)
    expect([machine.reg('d5'), machine.long(0x7000), machine.long(0x7004)]).toEqual([
      0x1111_1111, 0x1111_1111, 0x2222_2222,
    ]);
    expect(machine.reg('sr') & 4).toBe(0);
  });

  it('68000 stacks three words', () => {
    const machine = new TestM68k({ model: '68000' });
    machine.execute([0x4e43]);
    expect(machine.reg('a7')).toBe(TestM68k.STACK - 6);
  });

  it('traces an instruction when T1 is set', () => {
    const machine = new TestM68k();
    machine.set({ sr: 0xa700 });
    machine.execute([0x7001, 0x7002], 2);
    expect(machine.cpu.pc).toBe(TestM68k.handler(9));
    expect(machine.reg('d0')).toBe(1);
    expect(machine.long(TestM68k.STACK - 4)).toBe(TestM68k.START);
  });

  it('takes interrupts above the mask with the vector that answers', () => {
    const levels: number[] = [];
    const irqAck = (level: number): number => {
      levels.push(level);
      return 0x50;
    };
    const machine = new TestM68k({ irqAck });
    machine.set({ sr: 0x2300 });
    machine.cpu.setIpl(3);
    machine.execute([0x4e71, 0x4e71]);
    expect(levels).toEqual([]);
    machine.cpu.setIpl(4);
    machine.cpu.step();
    expect(levels).toEqual([4]);
    expect(machine.cpu.pc).toBe(TestM68k.handler(0x50));
    expect(machine.reg('sr')).toBe(0x2400);
  });

  it('STOP waits for an interrupt', () => {
    const machine = new TestM68k();
    machine.code(TestM68k.START, 0x4e72, 0x2000, 0x7005);
    expect(machine.cpu.run(100)).toBe(STOP.idle);
    machine.cpu.setIpl(1);
    machine.cpu.step();
    expect(machine.cpu.pc).toBe(TestM68k.handler(25));
  });

  it('RESET pulses its wire', () => {
    const machine = new TestM68k();
    const levels: boolean[] = [];
    machine.cpu.resetOut.to((level) => levels.push(level));
    machine.execute([0x4e70]);
    expect(levels).toEqual([false, true, false]);
  });

  it('68040 searches tables, sets U and M, and restarts after a page fault', () => {
    const machine = new TestM68k();
    const { view } = machine.ram;
    view.setUint32(0x2_0000, 0x2_0202);
    for (let n = 0; n < 4; n++) view.setUint32(0x2_0200 + n * 4, (0x2_0400 + n * 256) | 2);
    for (let n = 0; n < 256; n++) view.setUint32(0x2_0400 + n * 4, (n << 12) | 1);
    view.setUint32(0x2_0400 + 0x40 * 4, 0); // no page at 0x4_0000
    machine.set({ srp: 0x2_0000, tc: 0x8000, a0: 0x4_0000, a1: 0x5_0000 });
    machine.execute([0x2290, 0x7001]); // move.l (a0),(a1)
    expect(machine.cpu.pc).toBe(TestM68k.handler(2));
    const sp = machine.reg('a7');
    expect(sp).toBe(TestM68k.STACK - 60);
    expect(machine.long(sp + 2)).toBe(TestM68k.START);
    expect(machine.word(sp + 6)).toBe(0x7008);
    expect(machine.long(sp + 0x14)).toBe(0x4_0000);
    expect(machine.word(sp + 0x0c)).toBe(0x0505); // ATC, read, long, supervisor data
    view.setUint32(0x2_0400 + 0x40 * 4, 0x6_0001);
    view.setUint32(0x6_0000, 0x1234_5678);
    machine.code(TestM68k.handler(2), 0x4e73);
    machine.cpu.step();
    machine.cpu.step();
    expect(machine.long(0x5_0000)).toBe(0x1234_5678);
    expect(view.getUint32(0x2_0400 + 0x40 * 4) & 0x18).toBe(0x08);
    expect(view.getUint32(0x2_0400 + 0x50 * 4) & 0x18).toBe(0x18);
  });

  it('adds, divides and takes roots in the 68881', () => {
    const machine = new TestM68k({ model: '68030', fpu: '68882' });
    // fmove.l #2,fp0; fsqrt fp0,fp1; fmul fp1,fp1; fcos of 0
    machine.execute([0xf23c, 0x4000, 0, 2, 0xf200, 0x0084, 0xf200, 0x0411, 0xf200, 0x0122], 2);
    expect(machine.cpu.registers()['fp1']).toBe(0x3fff_b504_f333_f9de_6484n);
  });

  it('save, restore, save is equal', () => {
    const machine = new TestM68k();
    machine.execute([0x7005, 0x4e71], 2);
    const saved = machine.cpu.save();
    const other = new TestM68k();
    other.cpu.restore(saved);
    expect(other.cpu.save()).toEqual(saved);
  });
});
