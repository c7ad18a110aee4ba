// SPDX-License-Identifier: MIT
//
// Exception frames of each processor as handlers read them, and what RTE makes of them [M68000PRM §B, 68030 UM §8,
// 68040 UM §8].
import { describe, expect, it } from 'vitest';
import { region } from '../../../machines/backplane/memory-map.ts';
import { STOP } from '../../../machines/backplane/cpu.ts';
import type { M68kModel } from '../../../machines/devices/cpu/m68k.ts';
import { TestM68k } from '../../support/m68k.ts';

const { START, STACK } = TestM68k;
const MODELS = ['68000', '68020', '68030', '68040'] as const;
const LATER = ['68020', '68030', '68040'] as const;
const NOWHERE = 0x0080_0000;
const RTE = 0x4e73;

/** A machine whose bus answers with an error outside of RAM. */
function machineOf(model: M68kModel): TestM68k {
  const machine = new TestM68k({ model });
  machine.map.openBus = { value: 0, busError: true };
  return machine;
}

const frameOf = (machine: TestM68k) => {
  const sp = machine.reg('a7');
  return { sr: machine.word(sp), pc: machine.long(sp + 2), format: machine.word(sp + 6) };
};

describe('exceptions instead of an instruction', () => {
  it.each(
    MODELS.flatMap((model) => [
      [model, 'ILLEGAL', 4, [0x4afc], 0x2700] as const,
      [model, 'an A-line word', 10, [0xa123], 0x2700] as const,
      [model, 'an F-line word', 11, [0xff00], 0x2700] as const,
      [model, 'a privileged instruction', 8, [0x4e70], 0x0000] as const,
    ]),
  )('%s: %s', (model, _title, vector, words, sr) => {
    const machine = machineOf(model);
    machine.set({ isp: STACK, sr });
    machine.execute([...words]);
    expect(machine.cpu.pc).toBe(TestM68k.handler(vector));
    expect(frameOf(machine)).toMatchObject({ sr, pc: START, ...(model === '68000' ? {} : { format: vector * 4 }) });
    expect(machine.reg('a7')).toBe(STACK - (model === '68000' ? 6 : 8));
  });

  it('has instructions by processor', () => {
    const exists = (model: M68kModel, ...words: number[]): boolean => {
      const machine = machineOf(model);
      machine.execute(words);
      return machine.cpu.pc !== TestM68k.handler(4) && machine.cpu.pc !== TestM68k.handler(11);
    };
    const on = (...words: number[]): boolean[] => MODELS.map((model) => exists(model, ...words));
    expect(on(0x49c0)).toEqual([false, true, true, true]); // EXTB.L D0
    expect(on(0x4e7a, 0x0801)).toEqual([false, true, true, true]); // MOVEC VBR,D0
    expect(on(0x4e7a, 0x0802)).toEqual([false, true, true, false]); // MOVEC CAAR,D0
    expect(on(0x4e7a, 0x0003)).toEqual([false, false, false, true]); // MOVEC TC,D0
    expect(on(0xf010, 0x4200)).toEqual([false, false, true, false]); // PMOVE TC,(A0)
    expect(on(0xf518)).toEqual([false, false, false, true]); // PFLUSHA
    expect(on(0xf620, 0x8000)).toEqual([false, false, false, true]); // MOVE16 (A0)+,(A0)+
    expect(on(0x06c0)).toEqual([false, true, false, false]); // RTM D0
    expect(on(0x42c0)).toEqual([false, true, true, true]); // MOVE CCR,D0
  });

  it('reads the status register in user state on the 68000 only', () => {
    for (const model of MODELS) {
      const machine = machineOf(model);
      machine.set({ isp: STACK, sr: 0x0015 });
      machine.execute([0x40c0]); // MOVE SR,D0
      expect(machine.cpu.pc, model).toBe(model === '68000' ? START + 2 : TestM68k.handler(8));
    }
  });
});

describe('exceptions after an instruction', () => {
  it.each(
    LATER.flatMap((model) => [
      [model, 'TRAPV', 7, [0x4e76], 2] as const,
      [model, 'CHK', 6, [0x4181], 2] as const,
      [model, 'TRAPcc', 7, [0x50fc], 2] as const,
      [model, 'DIVU by zero', 5, [0x80c2], 2] as const,
      [model, 'TRAP #3', 35, [0x4e43], 0] as const,
    ]),
  )('%s: %s says where it is and what follows', (model, _title, vector, words, format) => {
    const machine = machineOf(model);
    machine.set({ sr: 0x2702, d0: 0xffff, d1: 1, d2: 0 });
    machine.execute([...words]);
    expect(machine.cpu.pc).toBe(TestM68k.handler(vector));
    expect(frameOf(machine)).toMatchObject({ pc: START + 2, format: (format << 12) | (vector * 4) });
    if (format === 2) expect(machine.long(machine.reg('a7') + 8)).toBe(START);
  });

  it.each(LATER)('%s leaves a throwaway frame on the interrupt stack', (model) => {
    const machine = machineOf(model);
    machine.set({ msp: 0x7000, isp: STACK, sr: 0x3000 });
    machine.cpu.setIpl(2);
    machine.cpu.step();
    expect(machine.cpu.pc).toBe(TestM68k.handler(26));
    expect([machine.reg('sr'), machine.reg('isp'), machine.reg('msp')]).toEqual([0x2200, STACK - 8, 0x7000 - 8]);
    expect([machine.word(0x7000 - 2), machine.word(STACK - 2)]).toEqual([26 * 4, 0x1000 | (26 * 4)]);
    machine.code(TestM68k.handler(26), RTE);
    machine.cpu.setIpl(0);
    machine.cpu.step();
    expect([machine.cpu.pc, machine.reg('sr'), machine.reg('isp'), machine.reg('msp')]).toEqual([
      ...[START, 0x3000, STACK, 0x7000],
    ]);
  });

  it.each(LATER)('%s refuses a frame of an unknown format', (model) => {
    const machine = machineOf(model);
    machine.ram.view.setUint16(STACK + 6, 0x6000);
    machine.execute([RTE]);
    expect(machine.cpu.pc).toBe(TestM68k.handler(14));
    expect(frameOf(machine)).toMatchObject({ pc: START, format: 14 * 4 });
  });
});

describe('access errors', () => {
  it('68000: seven words, with the address, the instruction and the kind of access', () => {
    const machine = machineOf('68000');
    machine.set({ a0: NOWHERE, sr: 0x2700 });
    machine.execute([0x3010]); // MOVE.W (A0),D0
    const sp = machine.reg('a7');
    expect([machine.cpu.pc, sp]).toEqual([TestM68k.handler(2), STACK - 14]);
    expect([machine.word(sp) & 0x1f, machine.long(sp + 2), machine.word(sp + 6)]).toEqual([0x15, NOWHERE, 0x3010]);
    expect(machine.word(sp + 8)).toBe(0x2700);
  });

  it.each(['68020', '68030'] as const)('%s: frame B of a read, repaired by software', (model) => {
    const machine = machineOf(model);
    machine.set({ a0: NOWHERE, sr: 0x2700 });
    machine.execute([0x2018, 0x7201]); // MOVE.L (A0)+,D0
    const sp = machine.reg('a7');
    expect([machine.cpu.pc, sp]).toEqual([TestM68k.handler(2), STACK - 92]);
    expect(machine.word(sp + 6)).toBe(0xb008);
    expect(machine.word(sp + 0x0a)).toBe(0x0145); // data fault, read, long, supervisor data
    expect(machine.long(sp + 0x10)).toBe(NOWHERE);
    // The handler provides the data and says that the cycle is not to be run.
    machine.ram.view.setUint16(sp + 0x0a, 0x0045);
    machine.ram.view.setUint32(sp + 0x2c, 0x1234_5678);
    machine.code(TestM68k.handler(2), RTE);
    machine.cpu.step();
    machine.cpu.step();
    machine.cpu.step();
    expect([machine.reg('d0'), machine.reg('a0'), machine.reg('d1')]).toEqual([0x1234_5678, NOWHERE + 4, 1]);
    expect(machine.reg('a7')).toBe(STACK);
  });

  it.each(['68020', '68030'] as const)('%s: frame B of a write has the data', (model) => {
    const machine = machineOf(model);
    machine.set({ a0: NOWHERE, d0: 0xcafe_f00d, sr: 0x2700 });
    machine.execute([0x3080, 0x7201]); // MOVE.W D0,(A0)
    const sp = machine.reg('a7');
    expect([machine.word(sp + 0x0a), machine.long(sp + 0x10)]).toEqual([0x0125, NOWHERE]);
    expect(machine.long(sp + 0x18) & 0xffff).toBe(0xf00d);
    machine.ram.view.setUint16(sp + 0x0a, 0x0025);
    machine.code(TestM68k.handler(2), RTE);
    machine.cpu.step();
    machine.cpu.step();
    machine.cpu.step();
    expect([machine.reg('d1'), machine.cpu.pc]).toEqual([1, START + 4]);
  });

  it('68040: frame 7 of a read restarts the instruction', () => {
    const machine = machineOf('68040');
    machine.set({ a0: NOWHERE, sr: 0x2700 });
    machine.execute([0x2018]);
    const sp = machine.reg('a7');
    expect([machine.cpu.pc, sp, frameOf(machine).pc]).toEqual([TestM68k.handler(2), STACK - 60, START]);
    expect([machine.word(sp + 6), machine.word(sp + 0x0c), machine.long(sp + 0x14)]).toEqual([0x7008, 0x0105, NOWHERE]);
    expect(machine.reg('a0')).toBe(NOWHERE);
    // Nothing to write back.
    for (const at of [0x0e, 0x10, 0x12]) expect(machine.word(sp + at) & 0x80).toBe(0);
  });

  it('68040: frame 7 of the store that ends an instruction has it in write-back 3', () => {
    const machine = machineOf('68040');
    machine.set({ a0: NOWHERE, d0: 0xcafe_f00d, sr: 0x2700 });
    machine.execute([0x20c0, 0x7201]); // MOVE.L D0,(A0)+
    const sp = machine.reg('a7');
    expect([machine.cpu.pc, frameOf(machine).pc]).toEqual([TestM68k.handler(2), START + 2]);
    expect(machine.word(sp + 0x0e)).toBe(0x0085); // valid, long, supervisor data
    expect([machine.long(sp + 0x18), machine.long(sp + 0x1c)]).toEqual([NOWHERE, 0xcafe_f00d]);
    expect([machine.reg('a0'), machine.long(sp + 0x14)]).toEqual([NOWHERE + 4, NOWHERE]);
    machine.code(TestM68k.handler(2), RTE);
    machine.cpu.step();
    machine.cpu.step();
    expect([machine.reg('d1'), machine.cpu.pc]).toEqual([1, START + 4]);
  });

  it.each(LATER)('%s: the word of an instruction that is not there', (model) => {
    const machine = machineOf(model);
    machine.cpu.setRegister('pc', NOWHERE);
    machine.cpu.step();
    const sp = machine.reg('a7');
    expect([machine.cpu.pc, frameOf(machine).pc]).toEqual([TestM68k.handler(2), NOWHERE]);
    if (model === '68040') expect([machine.word(sp + 0x0c) & 0x7, machine.long(sp + 0x14)]).toEqual([6, NOWHERE]);
    else expect([machine.word(sp + 0x0a) & 0xf007, machine.long(sp + 0x24)]).toEqual([0x5006, NOWHERE]);
  });

  it.each(LATER)('%s: a jump to an odd address', (model) => {
    const machine = machineOf(model);
    machine.set({ a0: 0x3001 });
    machine.execute([0x4ed0]); // JMP (A0)
    expect(machine.cpu.pc).toBe(TestM68k.handler(3));
    expect(frameOf(machine).format).toBe((model === '68040' ? 0x2000 : 0xb000) | 12);
  });

  it.each(MODELS)('%s stops after an access error while another is taken', (model) => {
    const machine = machineOf(model);
    machine.set({ a7: NOWHERE, a0: NOWHERE });
    machine.code(START, 0x2010);
    machine.cpu.setRegister('pc', START);
    expect(machine.cpu.run(100)).toBe(STOP.checkstop);
    machine.cpu.reset('warm');
    expect(machine.cpu.run(1)).not.toBe(STOP.checkstop);
  });

  it('68040: an access across two pages of which the second fails', () => {
    const machine = machineOf('68040');
    machine.map.add(region(0x20_0000, 0x20_0fff).ram(machine.board.memory.allocate('page', 0x1000)));
    machine.set({ a0: 0x20_0ffe, sr: 0x2700 });
    machine.execute([0x2010]);
    expect(machine.cpu.pc).toBe(TestM68k.handler(2));
    expect(machine.long(machine.reg('a7') + 0x14)).toBe(0x20_0ffe);
  });
});

describe('trace', () => {
  it.each(LATER)('%s: T0 traces changes of flow only', (model) => {
    const machine = machineOf(model);
    machine.set({ sr: 0x6700 });
    machine.execute([0x7001, 0x6002, 0x7002, 0x7003], 3);
    expect(machine.cpu.pc).toBe(TestM68k.handler(9));
    expect([frameOf(machine).pc, machine.long(machine.reg('a7') + 8)]).toEqual([START + 6, START + 2]);
    expect(machine.reg('sr') & 0xc000).toBe(0);
  });
});
