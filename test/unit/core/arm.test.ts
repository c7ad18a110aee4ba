// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { STOP } from '../../../machines/backplane/cpu.ts';
import { expectSnapshotLaw } from '../../support/fake-board.ts';
import { TestArm } from '../../support/arm.ts';

const START = 0x1000;
const NOP = 0xe1a0_0000;
const BRANCH_TO_ITSELF = 0xeaff_fffe;

const USR = 0x10;
const FIQ = 0x11;
const IRQ = 0x12;
const SVC = 0x13;
const ABT = 0x17;
const UND = 0x1b;

/** Executes `words` at the start, one step each. */
function execute(m: TestArm, ...words: number[]): void {
  m.code(START, ...words, BRANCH_TO_ITSELF);
  m.set({ pc: START });
  for (const _word of words) m.cpu.step();
}

const mode = (m: TestArm): number => m.reg('cpsr') & 0x1f;

describe('ArmCpu', () => {
  it('obeys the snapshot law', () => {
    for (const model of ['arm3', 'arm926', 'cortex-a8', 'cortex-m0'] as const) {
      const { cpu } = new TestArm({ model });
      for (let n = 0; n < 13; n++) cpu.setRegister(`r${n}`, n * 0x0101_0101);
      expectSnapshotLaw(cpu, () => new TestArm({ model }).cpu);
    }
  });

  it('refuses a snapshot of another model', () => {
    const saved = new TestArm({ model: 'arm926' }).cpu.save();
    expect(() => new TestArm({ model: 'cortex-a8' }).cpu.restore(saved)).toThrow('arm926');
  });

  describe('exceptions of the ARM926EJ-S', () => {
    it('enters a supervisor call and returns from it', () => {
      const m = new TestArm();
      m.set({ cpsr: 0x6000_0010, r14_svc: 1 });
      execute(m, 0xef00_0042);
      expect([m.cpu.pc, mode(m), m.reg('r14'), m.reg('spsr_svc')]).toEqual([8, SVC, START + 4, 0x6000_0010]);
      m.code(8, 0xe1b0_f00e); // movs pc, lr
      m.cpu.step();
      expect([m.cpu.pc, m.reg('cpsr')]).toEqual([START + 4, 0x6000_0010]);
    });

    it('takes an undefined instruction in its own mode', () => {
      const m = new TestArm();
      m.set({ cpsr: USR });
      execute(m, 0xe7f0_00f0);
      expect([m.cpu.pc, mode(m), m.reg('r14')]).toEqual([4, UND, START + 4]);
    });

    it('banks registers of each mode', () => {
      const m = new TestArm();
      m.set({ cpsr: 0xd0, r8: 8, r13: 13, r14: 14 });
      m.set({ cpsr: 0xd1, r8: 88, r13: 113, r14: 114 });
      m.set({ cpsr: 0xd2, r13: 213 });
      expect([m.reg('r8'), m.reg('r13')]).toEqual([8, 213]);
      expect([m.reg('r8_fiq'), m.reg('r13_fiq'), m.reg('r13_usr'), m.reg('r14_usr')]).toEqual([88, 113, 13, 14]);
      m.set({ cpsr: 0xdf });
      expect([m.reg('r8'), m.reg('r13'), m.reg('r14')]).toEqual([8, 13, 14]);
      m.set({ cpsr: 0xd1 });
      expect([m.reg('r8'), m.reg('r13'), m.reg('r14')]).toEqual([88, 113, 114]);
    });

    it('takes FIQ before IRQ, and neither while masked', () => {
      const m = new TestArm();
      m.set({ cpsr: 0xd3 });
      m.cpu.interrupt(true);
      m.cpu.fastInterrupt(true);
      execute(m, NOP);
      expect(m.cpu.pc).toBe(START + 4);
      m.set({ cpsr: 0x10 });
      m.cpu.step();
      expect([m.cpu.pc, mode(m), m.reg('cpsr') & 0xc0, m.reg('r14')]).toEqual([0x1c, FIQ, 0xc0, START + 8]);
      m.set({ cpsr: 0x10, pc: START });
      m.cpu.fastInterrupt(false);
      m.cpu.step();
      expect([m.cpu.pc, mode(m), m.reg('cpsr') & 0xc0, m.reg('r14')]).toEqual([0x18, IRQ, 0x80, START + 4]);
    });

    it('takes an interrupt in a loop that runs on its own', () => {
      const m = new TestArm();
      m.code(START, BRANCH_TO_ITSELF);
      m.code(0x18, BRANCH_TO_ITSELF);
      m.set({ cpsr: USR, pc: START });
      m.cpu.run(1000);
      m.cpu.interrupt(true);
      m.cpu.run(10);
      expect([m.cpu.pc, mode(m)]).toEqual([0x18, IRQ]);
    });

    it('has its vectors at the top when told', () => {
      const m = new TestArm({ highVectors: true });
      execute(m, 0xef00_0000);
      expect(m.cpu.pc).toBe(0xffff_0008);
    });

    it('aborts a transfer that the bus does not answer, and keeps the base', () => {
      const m = new TestArm();
      m.map.openBus = { value: 0xff, busError: true };
      m.set({ cpsr: 0xd3, r1: 0x4000_0000, r0: 5 });
      execute(m, 0xe5b1_0004); // ldr r0, [r1, #4]!
      expect([m.cpu.pc, mode(m), m.reg('r14')]).toEqual([0x10, ABT, START + 8]);
      expect([m.reg('r0'), m.reg('r1'), m.reg('dfsr') & 15, m.reg('dfar')]).toEqual([5, 0x4000_0000, 8, 0x4000_0004]);
    });

    it('aborts a fetch that the bus does not answer', () => {
      const m = new TestArm();
      m.map.openBus = { value: 0xff, busError: true };
      m.set({ cpsr: 0xd3, r0: 0x4000_0000 });
      execute(m, 0xe12f_ff10, NOP); // bx r0
      expect([m.cpu.pc, mode(m), m.reg('r14')]).toEqual([0xc, ABT, 0x4000_0004]);
    });

    it('sleeps in WFI until a pin is asserted, masked or not', () => {
      const m = new TestArm();
      m.code(START, 0xee07_0f90, BRANCH_TO_ITSELF); // mcr p15, 0, r0, c7, c0, 4
      m.set({ cpsr: 0xd3, pc: START });
      expect(m.cpu.run(100)).toBe(STOP.idle);
      expect(m.cpu.wakeIn).toBe(Infinity);
      m.cpu.interrupt(true);
      m.cpu.run(10);
      expect([m.cpu.pc, mode(m)]).toEqual([START + 4, SVC]);
    });

    it('adds the process number to addresses of the lowest 32 MiB', () => {
      const m = new TestArm();
      m.ram.view.setUint32(0x8000, 0xc02, true);
      m.ram.view.setUint32(0x8000 + 0x20 * 4, 0xc02, true);
      m.set({ cpsr: 0xd3, ttbr0: 0x8000, dacr: 3, fcse: 0x0200_0000, sctlr: 0x0005_0079 });
      expect(m.cpu.translate(0x0000_1234, 'data')).toBe(0x1234);
      m.set({ fcse: 0x0400_0000 });
      expect(m.cpu.translate(0x0000_1234, 'data')).toBe(undefined);
    });
  });

  describe('the Cortex-A8', () => {
    const a8 = (): TestArm => new TestArm({ model: 'cortex-a8' });

    it('traps VFP instructions until they are enabled', () => {
      const m = a8();
      m.set({ cpsr: 0xd3, d0: 0x3f80_0000n });
      const add = 0xee30_0a00; // vadd.f32 s0, s0, s0
      execute(m, add);
      expect([m.cpu.pc, m.reg('spsr_und') & 0x1f]).toEqual([4, SVC]);
      m.set({ cpsr: 0xd3, r0: 0x00f0_0000, r1: 0x4000_0000 });
      execute(m, 0xee01_0f50, 0xf57f_f06f, add); // mcr CPACR; isb
      expect(m.cpu.pc).toBe(4);
      m.set({ cpsr: 0xd3 });
      execute(m, 0xeee8_1a10, add); // vmsr fpexc, r1
      expect([m.cpu.pc, m.cpu.registers()['d0']]).toEqual([START + 8, 0x4000_0000n]);
    });

    it('returns into the middle of an if-then block', () => {
      const m = a8();
      m.set({ cpsr: 0x4000_0030, r0: 0, r1: 0 });
      // ite eq; svceq 0; movne r1, #1; mov r0, #2
      m.halfwords(START, 0xbf0c, 0xdf00, 0x2101, 0x2002, 0xe7fe);
      m.code(8, 0xe1b0_f00e);
      m.set({ pc: START });
      m.cpu.run(2);
      expect([m.cpu.pc, mode(m)]).toEqual([8, SVC]);
      expect(m.reg('spsr_svc') & 0x0600_fc00).not.toBe(0);
      m.cpu.run(20);
      expect([m.reg('r0'), m.reg('r1'), mode(m)]).toEqual([2, 0, USR]);
    });

    it('keeps the state of a block whose instruction aborts', () => {
      const m = a8();
      m.map.openBus = { value: 0xff, busError: true };
      m.halfwords(START, 0xbf18, 0x6808, 0xe7fe); // it ne; ldrne r0, [r1]
      m.set({ cpsr: 0x33, r1: 0x4000_0000, pc: START });
      m.code(0x10, BRANCH_TO_ITSELF);
      m.cpu.run(5);
      const spsr = m.reg('spsr_abt');
      expect((((spsr >>> 25) & 3) | ((spsr >>> 8) & 0xfc)) >>> 4).toBe(1);
      expect(m.reg('r14_abt')).toBe(START + 2 + 8);
    });

    it('executes an instruction that goes on in the next page', () => {
      const m = a8();
      m.halfwords(0x1ffc, 0x2001, 0xf04f, 0x0107, 0xe7fe); // movs r0, #1; mov.w r1, #7
      m.set({ cpsr: 0x33, pc: 0x1ffc });
      m.cpu.run(10);
      expect([m.reg('r0'), m.reg('r1'), m.cpu.pc]).toEqual([1, 7, 0x2002]);
    });

    it('executes an if-then block that goes on in the next page', () => {
      const m = a8();
      m.halfwords(0x1ffc, 0xbf04, 0x2001, 0x2102, 0xe7fe); // itt eq; moveq r0, #1; moveq r1, #2
      m.set({ cpsr: 0x4000_0033, pc: 0x1ffc });
      m.cpu.run(10);
      expect([m.reg('r0'), m.reg('r1'), m.cpu.pc]).toEqual([1, 2, 0x2002]);
    });

    it('sees instructions that it has written', () => {
      const m = a8();
      // nop; str r0, [r1]; b to the nop, which is something else then
      m.code(START, NOP, 0xe581_0000, 0xeaff_fffc);
      m.set({ cpsr: 0xd3, pc: START, r0: 0xe3a0_2007, r1: START, r2: 0 });
      m.cpu.run(10);
      expect(m.reg('r2')).toBe(7);
    });

    it('changes to big-endian data and back', () => {
      const m = a8();
      m.ram.view.setUint32(0x2000, 0x1122_3344, true);
      m.set({ cpsr: 0xd3, r1: 0x2000 });
      execute(m, 0xf101_0200, 0xe591_0000, 0xe1d1_20b0, 0xf101_0000, 0xe591_3000);
      expect([m.reg('r0'), m.reg('r2'), m.reg('r3')]).toEqual([0x4433_2211, 0x4433, 0x1122_3344]);
    });

    it('counts cycles', () => {
      const m = new TestArm({ model: 'cortex-a8', clocksPerTick: 4 });
      m.set({ cpsr: 0xd3, r0: 1, r1: 0x8000_0000 });
      execute(m, 0xee09_0f1c, 0xee09_1f3c, 0xee19_2f1d, NOP, 0xee19_3f1d);
      expect(m.reg('r3') - m.reg('r2')).toBe(8);
    });

    it('stores a return state and returns from it', () => {
      const m = a8();
      m.set({ cpsr: 0xd3, r13: 0x3000, r14: START + 0x100, spsr_svc: 0x30 });
      execute(m, 0xf96d_0513, 0xf8bd_0a00); // srsdb sp!, #19; rfeia sp!
      expect([m.cpu.pc, m.reg('cpsr') & 0xff, m.reg('r13_svc')]).toEqual([START + 0x100, 0x30, 0x3000]);
    });

    it('forgets a section when one address of it is invalidated', () => {
      const m = a8();
      const table = 0x8000;
      const section = (n: number): number => (n << 20) | 0xc02;
      m.ram.view.setUint32(table, section(0), true);
      m.ram.view.setUint32(table + 4, section(0), true);
      m.ram.view.setUint32(0x3000, 33, true);
      m.set({ cpsr: 0xd3, ttbr0: table, dacr: 1, sctlr: 0x00c5_0079, r1: 0x10_3000, r2: 0x10_0000 });
      execute(m, 0xe591_0000);
      expect(m.reg('r0')).toBe(33);
      m.ram.view.setUint32(table + 4, 0, true);
      execute(m, 0xe591_0000);
      expect(m.cpu.pc).toBe(START + 4);
      execute(m, 0xee08_2f37, 0xe591_0000); // mcr p15, 0, r2, c8, c7, 1
      expect([m.cpu.pc, m.reg('dfsr') & 15]).toEqual([0x10, 5]);
    });

    it('tells the address of a page by PAR', () => {
      const m = a8();
      m.ram.view.setUint32(0x8000, 0xc02, true);
      m.set({ cpsr: 0xd3, ttbr0: 0x8000, dacr: 1, sctlr: 0x00c5_0079, r0: 0x5678, r1: 0x0123_4567 });
      execute(m, 0xee07_0f18, 0xee17_2f14, 0xee07_1f18, 0xee17_3f14);
      expect([m.reg('r2'), m.reg('r3')]).toEqual([0x5000, 0xb]);
    });
  });
});
