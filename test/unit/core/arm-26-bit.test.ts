// SPDX-License-Identifier: MIT
//
// What ARM2, ARM250 and ARM3 do that later processors do not [ARM2 DS] [ARM3 DS].
import { describe, expect, it } from 'vitest';
import { region } from '../../../machines/backplane/memory-map.ts';
import { TestArm, type TestArmOptions } from '../../support/arm.ts';

const START = 0x1000;
const NOP = 0xe1a0_0000;
const BRANCH_TO_ITSELF = 0xeaff_fffe;

const N = 0x8000_0000;
const Z = 0x4000_0000;
const C = 0x2000_0000;
const I = 0x0800_0000;
const F = 0x0400_0000;
const PC_BITS = 0x03ff_fffc;

const USR = 0;
const FIQ = 1;
const IRQ = 2;
const SVC = 3;

type Model = 'arm2' | 'arm250' | 'arm3';

/** A processor about to execute what is at the start, with `status` in R15. */
function processor(status: number, options: TestArmOptions & { model?: Model } = {}): TestArm {
  const m = new TestArm({ model: 'arm2', ...options });
  m.set({ r15: (status | START) >>> 0 });
  return m;
}

/** Executes `words` at the start, one step each, with the status that is. */
function execute(m: TestArm, ...words: number[]): void {
  m.code(START, ...words, BRANCH_TO_ITSELF);
  m.set({ pc: START });
  for (const _word of words) m.cpu.step();
}

const unsigned = (value: number): number => value >>> 0;
const status = (m: TestArm): number => unsigned(m.reg('r15') & ~PC_BITS);
/** Which exception was entered, where it returns to, and with which status. */
const exception = (m: TestArm): [vector: number, mode: number, link: number, saved: number] => [
  m.cpu.pc,
  status(m) & 3,
  m.reg('r14') & PC_BITS,
  unsigned(m.reg('r14') & ~PC_BITS),
];

describe('26-bit processors', () => {
  describe('R15', () => {
    it('is program counter and status', () => {
      const m = processor(N | C | I | SVC);
      expect([m.cpu.pc, m.reg('r15')]).toEqual([START, unsigned(N | C | I | SVC | START)]);
    });

    it('has the status as second operand, and not as first or as a base', () => {
      const m = processor(N | C);
      m.ram.view.setUint32(START + 16, 0x1234, true);
      execute(m, 0xe1a0_000f, 0xe28f_1000, 0xe59f_2000); // mov r0, pc; add r1, pc, #0; ldr r2, [pc]
      expect([m.reg('r0'), m.reg('r1'), m.reg('r2')]).toEqual([unsigned(N | C | (START + 8)), START + 12, 0x1234]);
    });

    it('is four bytes further on when a register says how far to shift', () => {
      const m = processor(Z);
      m.set({ r2: 1, r3: 0 });
      execute(m, 0xe08f_0312, 0xe082_131f); // add r0, pc, r2, lsl r3; add r1, r2, pc, lsl r3
      expect([m.reg('r0'), m.reg('r1')]).toEqual([START + 12 + 1, unsigned(Z | (START + 16)) + 1]);
    });

    it('is stored twelve bytes on, with the status', () => {
      const m = processor(N | C);
      m.set({ r1: 0x2000 });
      execute(m, 0xe581_f000); // str pc, [r1]
      expect(m.word(0x2000)).toBe(unsigned(N | C | (START + 12)));
      execute(m, NOP, 0xe881_8001); // stmia r1, {r0, pc}
      expect(m.word(0x2004)).toBe(unsigned(N | C | (START + 4 + 12)));
    });

    it('is loaded without the status, and with it when told', () => {
      const m = processor(N | SVC);
      m.set({ r1: 0x2000 });
      m.ram.view.setUint32(0x2004, Z | 0x3000 | USR, true);
      execute(m, 0xe891_8001); // ldmia r1, {r0, pc}
      expect([m.cpu.pc, status(m)]).toEqual([0x3000, unsigned(N | SVC)]);
      execute(m, 0xe8d1_8001); // ldmia r1, {r0, pc}^
      expect([m.cpu.pc, status(m)]).toEqual([0x3000, Z | USR]);
    });

    it('is returned to without the status, and with it when told', () => {
      const m = processor(N | SVC);
      m.set({ r14: Z | 0x3000 | IRQ });
      execute(m, 0xe1a0_f00e); // mov pc, lr
      expect([m.cpu.pc, status(m)]).toEqual([0x3000, unsigned(N | SVC)]);
      execute(m, 0xe1b0_f00e); // movs pc, lr
      expect([m.cpu.pc, status(m)]).toEqual([0x3000, Z | IRQ]);
      m.set({ r15: N | SVC, r14: Z | 0x3000 | SVC });
      execute(m, 0xe39e_f201); // orrs pc, lr, #V
      expect([m.cpu.pc, status(m)]).toEqual([0x3000, Z | 0x1000_0000 | SVC]);
    });

    it('goes round from the last word of 64 MiB to the first', () => {
      const end = 0x0400_0000;
      const m = processor(SVC, {
        extend: (map, memory) => map.add(region(end - 0x1000, end - 1).ram(memory.allocate('end', 0x1000))),
      });
      m.code(0, BRANCH_TO_ITSELF);
      m.set({ r0: end - 4, r1: 0xe1a0_2001, r2: 0 }); // mov r2, r1
      execute(m, 0xe580_1000, 0xe1a0_f000); // str r1, [r0]; mov pc, r0
      m.cpu.run(5);
      expect([m.cpu.pc, m.reg('r2')]).toEqual([0, 0xe1a0_2001]);
    });

    it('is what BL leaves in R14, with the status', () => {
      const m = processor(N | Z | I);
      execute(m, 0xeb00_0000); // bl .+8
      expect([m.cpu.pc, m.reg('r14')]).toEqual([START + 8, unsigned(N | Z | (m.reg('r15') & I) | (START + 4))]);
    });
  });

  describe('TEQP', () => {
    it('changes flags, interrupt masks and the mode of a privileged program', () => {
      const m = processor(SVC);
      execute(m, 0xe33f_f3ff); // teqp pc, #0xfc000003
      expect(status(m)).toBe(0xfc00_0003);
      m.set({ r0: C | F | FIQ });
      execute(m, 0xe13f_f000); // teqp pc, r0
      expect(status(m)).toBe(C | F | FIQ);
    });

    it('changes the flags alone of a user program', () => {
      const m = processor(USR);
      execute(m, 0xe33f_f3ff); // teqp pc, #0xfc000003
      expect(status(m)).toBe(0xf000_0000);
    });

    // The data sheets ask for an instruction between that uses no register of the old or new mode alone.
    it('brings the registers of the new mode for the next instruction', () => {
      const m = processor(IRQ);
      m.set({ r13: 0x222, r14: 0x223 });
      m.set({ r15: FIQ | START, r8: 0x118, r13: 0x11d });
      m.set({ r15: SVC | START, r8: 8, r13: 0x33d });
      execute(m, 0xe33f_f001, 0xe1a0_0008, 0xe1a0_100d); // teqp pc, #FIQ; mov r0, r8; mov r1, r13
      expect([m.reg('r0'), m.reg('r1')]).toEqual([0x118, 0x11d]);
      execute(m, 0xe33f_f002, 0xe1a0_0008, 0xe1a0_100d); // teqp pc, #IRQ
      expect([m.reg('r0'), m.reg('r1')]).toEqual([8, 0x222]);
      execute(m, 0xe33f_f003, NOP, 0xe1a0_100d); // teqp pc, #SVC
      expect(m.reg('r1')).toBe(0x33d);
    });

    it('lets an interrupt in when it takes the mask away', () => {
      const m = processor(I | F | SVC);
      m.cpu.interrupt(true);
      m.code(START, 0xe33f_f003, NOP, NOP, BRANCH_TO_ITSELF); // teqp pc, #SVC
      m.code(0x18, BRANCH_TO_ITSELF);
      m.cpu.run(20);
      expect([m.cpu.pc, status(m), m.reg('r14')]).toEqual([0x18, I | IRQ, (START + 8) | SVC]);
    });

    it('takes privileges away at once', () => {
      const m = processor(SVC, {
        model: 'arm3',
        translate26: (va, privileged) =>
          va < 0x2000 || privileged ? { pa: va, allowed: { read: true, write: true, execute: true } } : undefined,
      });
      m.set({ r1: 0x3000 });
      execute(m, 0xe591_0000, 0xe33f_f000, 0xe591_0000); // ldr; teqp pc, #USR; ldr
      expect(exception(m)).toEqual([0x10, SVC, START + 16, USR]);
    });
  });

  describe('exceptions', () => {
    it('keep the status of the interrupted program in R14 and mask interrupts', () => {
      const m = processor(N | C | USR);
      execute(m, 0xef12_3456); // swi
      expect(exception(m)).toEqual([8, SVC, START + 4, unsigned(N | C | USR)]);
      expect(status(m)).toBe(unsigned(N | C | I | SVC));
    });

    it('take undefined instructions in supervisor mode', () => {
      const m = processor(Z | USR);
      execute(m, 0xee08_8101); // sufs f0, f0, f1: of the floating-point coprocessor
      expect(exception(m)).toEqual([4, SVC, START + 4, Z | USR]);
    });

    it.each([
      ['ldr r0, [r1]', 0xe591_0000, 0x0400_0000],
      ['str r0, [r1]', 0xe581_0000, 0xffff_fffc],
      ['ldrb r0, [r1, #-1]', 0xe551_0001, 0],
      ['ldmia r1, {r0, r2}', 0xe891_0005, 0x0400_0000],
      ['stmia r1, {r0, r2}', 0xe881_0005, 0x0400_0000],
    ])('of addresses: %s from %#', (_text, word, address) => {
      const m = processor(C | USR);
      m.set({ r0: 7, r1: address });
      execute(m, word);
      expect(exception(m)).toEqual([0x14, SVC, START + 8, C | USR]);
      expect([m.reg('r0'), m.reg('r1')]).toEqual([7, address]);
    });
  });

  describe('transfers', () => {
    it('turn words at addresses that are not a multiple of four, and store them where they belong', () => {
      const m = processor(USR);
      m.ram.view.setUint32(0x2000, 0x4433_2211, true);
      for (const [offset, value] of [0x4433_2211, 0x1144_3322, 0x2211_4433, 0x3322_1144].entries()) {
        m.set({ r1: 0x2000 + offset });
        execute(m, 0xe591_0000);
        expect(m.reg('r0')).toBe(value);
      }
      m.set({ r0: 0x8877_6655, r1: 0x2003 });
      execute(m, 0xe581_0000);
      expect(m.word(0x2000)).toBe(0x8877_6655);
    });

    it('of blocks ignore the two lowest bits of the base, and write them back', () => {
      const m = processor(USR);
      m.ram.view.setUint32(0x2000, 11, true);
      m.ram.view.setUint32(0x2004, 22, true);
      m.set({ r1: 0x2003 });
      execute(m, 0xe8b1_0005); // ldmia r1!, {r0, r2}
      expect([m.reg('r0'), m.reg('r2'), m.reg('r1')]).toEqual([11, 22, 0x200b]);
    });

    it('that load their base do not write it back', () => {
      for (const word of [0xe8b1_0003, 0xe8b1_0006]) {
        const m = processor(USR);
        m.ram.view.setUint32(0x2000, word & 1 ? 1 : 0x1111, true);
        m.ram.view.setUint32(0x2004, word & 1 ? 0x1111 : 2, true);
        m.set({ r1: 0x2000 });
        execute(m, word); // ldmia r1!, {r0, r1}; ldmia r1!, {r1, r2}
        expect(m.reg('r1')).toBe(0x1111);
      }
    });

    it('store their base as it was when it is the first, as it becomes when it is not', () => {
      const m = processor(USR);
      m.set({ r0: 7, r1: 0x2000, r2: 9 });
      execute(m, 0xe8a1_0006); // stmia r1!, {r1, r2}
      expect([m.word(0x2000), m.word(0x2004), m.reg('r1')]).toEqual([0x2000, 9, 0x2008]);
      execute(m, 0xe8a1_0007); // stmia r1!, {r0-r2}
      expect([m.word(0x2008), m.word(0x200c), m.reg('r1')]).toEqual([7, 0x2014, 0x2014]);
    });

    it('reach the registers of user mode', () => {
      const m = processor(USR);
      m.set({ r13: 0x10d, r14: 0x10e });
      m.set({ r15: SVC | START, r13: 0x3d, r14: 0x3e, r1: 0x2000 });
      execute(m, 0xe8c1_6000); // stmia r1, {r13, r14}^
      expect([m.word(0x2000), m.word(0x2004)]).toEqual([0x10d, 0x10e]);
      m.ram.view.setUint32(0x2000, 0x99, true);
      execute(m, 0xe8d1_6000, NOP); // ldmia r1, {r13, r14}^
      expect([m.reg('r13'), m.reg('r13_usr'), m.reg('r14_usr')]).toEqual([0x3d, 0x99, 0x10e]);
    });

    it('that are aborted leave the base of a single one, and have moved that of a block', () => {
      const all = { read: true, write: true, execute: true };
      const translate26 = (va: number) => (va < 0x3000 ? { pa: va, allowed: all } : undefined);
      const m = processor(USR, { model: 'arm3', translate26 });
      m.set({ r0: 5, r1: 0x2ffc, r2: 6 });
      execute(m, 0xe5b1_0004); // ldr r0, [r1, #4]!
      expect([...exception(m), m.reg('r0'), m.reg('r1')]).toEqual([0x10, SVC, START + 8, USR, 5, 0x2ffc]);
      m.set({ r15: USR | START });
      execute(m, 0xe8a1_0005); // stmia r1!, {r0, r2}
      expect([...exception(m), m.word(0x2ffc), m.reg('r1')]).toEqual([0x10, SVC, START + 8, USR, 5, 0x3004]);
    });

    it('are made as a user program makes them when told', () => {
      const all = { read: true, write: true, execute: true };
      const m = processor(SVC, {
        model: 'arm3',
        translate26: (va, privileged) => (va < 0x2000 || privileged ? { pa: va, allowed: all } : undefined),
      });
      m.set({ r1: 0x3000 });
      execute(m, 0xe591_0000, 0xe4b1_0000); // ldr r0, [r1]; ldrt r0, [r1]
      expect(exception(m)).toEqual([0x10, SVC, START + 12, SVC]);
    });
  });

  it('multiply to zero into the register of the first operand', () => {
    const m = processor(USR);
    m.set({ r0: 7, r2: 6, r3: 5, r4: 1 });
    execute(m, 0xe000_0390, 0xe025_4392); // mul r0, r0, r3; mla r5, r2, r3, r4
    expect([m.reg('r0'), m.reg('r5')]).toEqual([0, 31]);
  });

  describe('memory controller', () => {
    it('is asked, and again after a flush', () => {
      let page = 0x5000;
      let asked = 0;
      const all = { read: true, write: true, execute: true };
      const m = processor(SVC, {
        model: 'arm3',
        translate26: (va, privileged) => {
          asked++;
          if (va >= 0x10_0000) return privileged ? { pa: page, allowed: { ...all, write: false } } : undefined;
          return { pa: va, allowed: all };
        },
      });
      m.ram.view.setUint32(0x5010, 55, true);
      m.ram.view.setUint32(0x6010, 66, true);
      m.set({ r1: 0x10_0010 });
      execute(m, 0xe591_0000, 0xe591_0000);
      const before = asked;
      expect(m.reg('r0')).toBe(55);
      page = 0x6000;
      m.cpu.flushTlb(0x10_0000, 0x1000);
      execute(m, 0xe591_0000);
      expect(m.reg('r0')).toBe(66);
      expect(asked).toBeGreaterThan(before);
      execute(m, 0xe581_0000);
      expect(m.cpu.pc).toBe(0x10);
      m.set({ r15: START });
      execute(m, 0xe591_0000);
      expect(exception(m)).toEqual([0x10, SVC, START + 8, USR]);
    });
  });

  describe('SWP', () => {
    const SWP = 0xe101_0092; // swp r0, r2, [r1]
    const SWPB = 0xe141_0092;

    it.each(['arm250', 'arm3'] as const)('exchanges a word or a byte on the %s', (model) => {
      const m = processor(USR, { model });
      m.ram.view.setUint32(0x2000, 0x4433_2211, true);
      m.set({ r1: 0x2000, r2: 0x8877_6655 });
      execute(m, SWP);
      expect([m.reg('r0'), m.word(0x2000)]).toEqual([0x4433_2211, 0x8877_6655]);
      m.set({ r1: 0x2001, r2: 0xabcd });
      execute(m, SWPB);
      expect([m.reg('r0'), m.word(0x2000)]).toEqual([0x66, 0x8877_cd55]);
    });

    it('turns the word at an address that is not a multiple of four', () => {
      const m = processor(USR, { model: 'arm3' });
      m.ram.view.setUint32(0x2000, 0x4433_2211, true);
      m.set({ r1: 0x2001, r2: 1 });
      execute(m, SWP);
      expect([m.reg('r0'), m.word(0x2000)]).toEqual([0x1144_3322, 1]);
    });

    it('is an undefined instruction on the ARM2', () => {
      const m = processor(USR, { model: 'arm2' });
      m.set({ r1: 0x2000 });
      execute(m, SWP);
      expect(exception(m)).toEqual([4, SVC, START + 4, USR]);
    });

    it('does not read what it cannot write', () => {
      const m = processor(USR, {
        model: 'arm3',
        translate26: (va) => ({ pa: va, allowed: { read: true, write: va < 0x2000, execute: true } }),
      });
      m.set({ r0: 3, r1: 0x2000, r2: 4 });
      execute(m, SWP);
      expect([...exception(m), m.reg('r0')]).toEqual([0x10, SVC, START + 8, USR, 3]);
    });
  });

  describe("the ARM3's control coprocessor", () => {
    const mrc = (n: number, rd: number): number => 0xee10_0f10 | (n << 16) | (rd << 12);
    const mcr = (n: number, rd: number): number => 0xee00_0f10 | (n << 16) | (rd << 12);

    it('tells its identity, which cannot be written', () => {
      const m = processor(SVC, { model: 'arm3' });
      execute(m, mcr(0, 1), mrc(0, 0));
      expect(m.reg('r0')).toBe(0x4156_0300);
    });

    it('keeps control, cacheable, updateable and disruptive areas', () => {
      const m = processor(SVC, { model: 'arm3' });
      m.set({ r0: 0xffff_ffff, r1: 0x0123_4567, r2: 0x89ab_cdef, r3: 0x5a5a_a5a5 });
      execute(m, ...[mcr(2, 0), mcr(3, 1), mcr(4, 2), mcr(5, 3)], ...[mrc(2, 4), mrc(3, 5), mrc(4, 6), mrc(5, 7)]);
      expect([4, 5, 6, 7].map((n) => m.reg(`r${n}`))).toEqual([7, 0x0123_4567, 0x89ab_cdef, 0x5a5a_a5a5]);
    });

    it('begins with the cache off', () => {
      const m = processor(SVC, { model: 'arm3' });
      m.set({ r0: 9 });
      execute(m, mrc(2, 0));
      expect(m.reg('r0')).toBe(0);
    });

    it('flushes its cache, which cannot be read', () => {
      const m = processor(SVC, { model: 'arm3' });
      execute(m, mcr(1, 0));
      expect(m.cpu.pc).toBe(START + 4);
      execute(m, mrc(1, 0));
      expect(exception(m)).toEqual([4, SVC, START + 4, SVC]);
    });

    it.each([
      ['of the ARM2', 'arm2', SVC, 0],
      ['of the ARM250', 'arm250', SVC, 0],
      ['for user programs', 'arm3', USR, 0],
      ['beyond register 5', 'arm3', SVC, 6],
    ] as const)('is undefined %s', (_text, model, mode, n) => {
      for (const word of [mrc(n, 0), mcr(n, 0)]) {
        const m = processor(mode, { model });
        execute(m, word);
        expect(exception(m)).toEqual([4, SVC, START + 4, mode]);
      }
    });
  });
});
