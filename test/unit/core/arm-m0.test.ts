// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { STOP } from '../../../machines/backplane/cpu.ts';
import { TestArm } from '../../support/arm.ts';
import { random } from '../../support/random.ts';

const STACK = 0x8000;
const START = 0x1000;
const handler = (exception: number): number => 0x2000 + exception * 0x40;

const SCS = 0xe000_e000;
const SYST_CSR = SCS + 0x010;
const SYST_RVR = SCS + 0x014;
const SYST_CVR = SCS + 0x018;
const NVIC_ISER = SCS + 0x100;
const NVIC_ISPR = SCS + 0x200;
const NVIC_IPR = SCS + 0x400;
const CPUID = SCS + 0xd00;
const ICSR = SCS + 0xd04;
const AIRCR = SCS + 0xd0c;
const SCR = SCS + 0xd10;
const SHPR3 = SCS + 0xd20;

const HARD_FAULT = 3;
const SVCALL = 11;
const PENDSV = 14;
const SYSTICK = 15;

const BRANCH_TO_ITSELF = 0xe7fe;
const NOP = 0xbf00;
const STR_R1_R0 = 0x6001; // str r1, [r0]
const LDR_R1_R0 = 0x6801;
const BX_LR = 0x4770;
const WFE = 0xbf20;
const WFI = 0xbf30;

class M0 extends TestArm {
  constructor(options: ConstructorParameters<typeof TestArm>[0] = {}) {
    super({ model: 'cortex-m0', ...options });
    this.ram.view.setUint32(0, STACK, true);
    this.ram.view.setUint32(4, START | 1, true);
    for (let n = 2; n < 48; n++) {
      this.ram.view.setUint32(n * 4, handler(n) | 1, true);
      this.halfwords(handler(n), BRANCH_TO_ITSELF);
    }
    this.cpu.reset('cold');
  }

  /** Executes halfwords at the start, one step each. */
  program(...halves: number[]): void {
    this.halfwords(START, ...halves, BRANCH_TO_ITSELF);
    for (const _half of halves) this.cpu.step();
  }

  write(register: number, value: number): void {
    this.set({ r0: register, r1: value });
    const pc = this.cpu.pc;
    this.halfwords(0x1f00, STR_R1_R0);
    this.set({ pc: 0x1f00 });
    this.cpu.step();
    if (this.cpu.pc === 0x1f02) this.set({ pc });
  }

  read(register: number): number {
    const pc = this.cpu.pc;
    this.set({ r0: register, pc: 0x1f10 });
    this.halfwords(0x1f10, LDR_R1_R0);
    this.cpu.step();
    this.set({ pc });
    return this.reg('r1');
  }
}

describe('Cortex-M0', () => {
  it('starts from the first two vectors', () => {
    const m = new M0();
    m.program(NOP);
    expect([m.reg('r13'), m.cpu.pc]).toEqual([STACK, START + 2]);
  });

  it('stacks eight words for an exception, and returns from it', () => {
    const m = new M0();
    m.halfwords(handler(SVCALL), BX_LR);
    m.set({ r0: 10, r1: 11, r2: 12, r3: 13 });
    m.program(0xdf00); // svc
    expect(m.cpu.pc).toBe(handler(SVCALL));
    expect([m.reg('r13'), m.reg('r14'), m.reg('ipsr')]).toEqual([STACK - 32, 0xffff_fff9, SVCALL]);
    expect(m.word(STACK - 32 + 24)).toBe(START + 2);
    expect(m.word(STACK - 32 + 28) & 0x0100_003f).toBe(0x0100_0000);
    m.set({ r0: 99 });
    m.cpu.step();
    expect([m.cpu.pc, m.reg('r13'), m.reg('ipsr'), m.reg('r0')]).toEqual([START + 2, STACK, 0, 10]);
  });

  it('aligns the stack to doublewords and takes it back', () => {
    const m = new M0();
    m.program(NOP);
    m.set({ r13: STACK - 4 });
    m.halfwords(handler(SVCALL), BX_LR);
    m.set({ pc: START });
    m.program(0xdf00);
    expect(m.reg('r13')).toBe(STACK - 40);
    m.cpu.step();
    expect(m.reg('r13')).toBe(STACK - 4);
  });

  it('has a process stack for threads', () => {
    const m = new M0();
    m.program(NOP);
    m.set({ r2: 0x7000, r3: 2 });
    m.halfwords(START + 2, 0xf382, 0x8809, 0xf383, 0x8814, 0xdf00); // msr psp, r2; msr control, r3; svc
    m.halfwords(handler(SVCALL), BX_LR);
    m.cpu.step();
    m.cpu.step();
    expect([m.reg('r13'), m.reg('msp')]).toEqual([0x7000, STACK]);
    m.cpu.step();
    expect([m.reg('r13'), m.reg('psp'), m.reg('r14')]).toEqual([STACK, 0x7000 - 32, 0xffff_fffd]);
    m.cpu.step();
    expect([m.reg('r13'), m.reg('msp')]).toEqual([0x7000, STACK]);
  });

  it('takes the most urgent interrupt, and one more urgent than that', () => {
    const m = new M0();
    m.program(NOP);
    m.write(NVIC_IPR, 0x0040_80c0); // interrupts 0, 1, 2: priorities 3, 2, 1
    m.write(NVIC_ISER, 7);
    m.cpu.interruptLine(0, true);
    m.cpu.interruptLine(1, true);
    m.cpu.step();
    expect(m.cpu.pc).toBe(handler(17));
    m.cpu.interruptLine(2, true);
    m.cpu.step();
    expect([m.cpu.pc, m.reg('r14')]).toEqual([handler(18), 0xffff_fff1]);
    expect((m.read(ICSR) >>> 12) & 0x3f).toBe(16);
  });

  it('keeps a pulse on a line, and asks again while a line stays asserted', () => {
    const m = new M0();
    m.program(NOP);
    m.write(NVIC_ISER, 1);
    m.halfwords(handler(16), BX_LR);
    m.cpu.interruptLine(0, true);
    m.cpu.interruptLine(0, false);
    m.cpu.step();
    expect(m.cpu.pc).toBe(handler(16));
    m.cpu.step();
    m.cpu.step();
    expect(m.cpu.pc).toBeLessThan(handler(2));
    m.cpu.interruptLine(0, true);
    m.cpu.step();
    m.cpu.step();
    m.cpu.step();
    expect(m.cpu.pc).toBe(handler(16));
  });

  it('sleeps until an interrupt, which PRIMASK only keeps from being taken', () => {
    const m = new M0();
    m.program(NOP);
    m.write(NVIC_ISER, 1);
    m.halfwords(START + 2, 0xb672, WFI, BRANCH_TO_ITSELF); // cpsid i; wfi
    expect(m.cpu.run(100)).toBe(STOP.idle);
    m.cpu.interruptLine(0, true);
    m.cpu.run(10);
    expect(m.cpu.pc).toBe(START + 6);
  });

  it('waits for an event that has been signalled already no longer', () => {
    const m = new M0();
    m.program(0xbf40, WFE); // sev; wfe
    expect(m.cpu.pc).toBe(START + 4);
    m.set({ pc: START + 2 });
    expect(m.cpu.run(10)).toBe(STOP.idle);
  });

  it('is woken from WFE, not from WFI, by an interrupt that SEVONPEND makes an event and nobody enabled', () => {
    const asleep = (instruction: number, scr: number): M0 => {
      const m = new M0();
      m.program(NOP);
      m.write(SCR, scr);
      m.halfwords(START + 2, instruction, BRANCH_TO_ITSELF);
      expect(m.cpu.run(100)).toBe(STOP.idle);
      m.cpu.interruptLine(5, true);
      return m;
    };
    expect(asleep(WFE, 16).cpu.run(10)).toBe(STOP.budget);
    expect(asleep(WFE, 0).cpu.run(10)).toBe(STOP.idle);
    expect(asleep(WFI, 16).cpu.run(10)).toBe(STOP.idle);
    const woken = asleep(WFE, 16);
    woken.cpu.run(10);
    expect([woken.cpu.pc, woken.reg('ipsr')]).toEqual([START + 4, 0]);
    woken.set({ pc: START + 2 });
    expect(woken.cpu.run(10)).toBe(STOP.idle);
  });

  it('counts down in SysTick and raises its exception', () => {
    const m = new M0();
    m.halfwords(START, BRANCH_TO_ITSELF);
    m.cpu.step();
    m.write(SYST_RVR, 99);
    m.write(SYST_CVR, 0);
    m.write(SYST_CSR, 7);
    const from = m.cpu.ticks;
    const first = m.read(SYST_CVR);
    expect(m.read(SYST_CVR)).toBeLessThan(first);
    m.cpu.run(100 - (m.cpu.ticks - from) - 1);
    expect(m.reg('ipsr')).toBe(0);
    m.cpu.run(4);
    expect(m.reg('ipsr')).toBe(SYSTICK);
    expect(m.read(SYST_CSR)).toBe(0x1_0007);
    expect(m.read(SYST_CSR)).toBe(7);
  });

  it('says when SysTick wakes it', () => {
    const m = new M0();
    m.halfwords(START, 0xbf30, BRANCH_TO_ITSELF);
    m.set({ pc: START });
    m.write(SYST_RVR, 999);
    m.write(SYST_CVR, 0);
    m.write(SYST_CSR, 3);
    m.set({ pc: START });
    expect(m.cpu.run(100)).toBe(STOP.idle);
    const ticks = m.cpu.wakeIn;
    expect(ticks).toBeGreaterThan(900);
    m.cpu.skipped(ticks);
    m.cpu.run(2);
    expect(m.reg('ipsr')).toBe(SYSTICK);
  });

  it('defers PendSV to its priority', () => {
    const m = new M0();
    m.program(NOP);
    m.write(SHPR3, 0x00c0_0000);
    m.write(ICSR, 0x1000_0000);
    m.cpu.step();
    expect(m.reg('ipsr')).toBe(PENDSV);
    expect(m.read(SHPR3)).toBe(0x00c0_0000);
  });

  it('goes back to sleep after an exception with SLEEPONEXIT', () => {
    const m = new M0();
    m.program(NOP);
    m.write(SCR, 2);
    m.write(NVIC_ISER, 1);
    m.halfwords(handler(16), BX_LR);
    m.write(NVIC_ISPR, 1);
    expect(m.cpu.run(100)).toBe(STOP.idle);
  });

  it.each([
    ['an unaligned load', [0x6801], { r0: 0x3001 }],
    ['an undefined instruction', [0xde00], {}],
    ['a breakpoint', [0xbe00], {}],
    ['a branch to ARM state', [0x4700], { r0: 0x3000 }],
    ['a load from nowhere', [0x6801], { r0: 0x4000_0000 }],
    ['a supervisor call with interrupts masked', [0xb672, 0xdf00], {}],
  ])('raises HardFault for %s', (_name, halves, registers) => {
    const m = new M0();
    m.map.openBus = { value: 0xff, busError: true };
    m.program(NOP);
    m.set({ pc: START, ...registers });
    m.program(...halves, NOP);
    expect(m.reg('ipsr')).toBe(HARD_FAULT);
  });

  it('locks up when HardFault faults', () => {
    const m = new M0();
    m.halfwords(handler(HARD_FAULT), 0xde00);
    m.program(0xde00);
    expect(m.cpu.run(10)).toBe(STOP.checkstop);
    expect(m.entries.some(({ message }) => message.includes('lockup'))).toBe(true);
  });

  it('asks for a reset', () => {
    const m = new M0();
    m.program(NOP);
    let pulses = 0;
    m.cpu.resetRequest.to((level) => (pulses += Number(level)));
    m.write(AIRCR, 4);
    expect(pulses).toBe(0);
    m.write(AIRCR, 0x05fa_0004);
    expect(pulses).toBe(1);
    expect(m.read(CPUID)).toBe(0x410c_c200);
  });

  it('survives any access of its system control space', () => {
    const m = new M0();
    m.program(NOP);
    const next = random(5);
    for (let n = 0; n < 20_000; n++) {
      const register = SCS + Math.floor(next() * 0x1000);
      if (next() < 0.5) m.write(register, Math.floor(next() * 2 ** 32));
      else m.read(register & ~3);
      if (n % 50 === 0) {
        m.cpu.skipped(Math.floor(next() * 1000));
        m.cpu.reset('cold');
        m.cpu.step();
      }
      expect(m.cpu.wakeIn).toBeGreaterThanOrEqual(0);
    }
  });
});
