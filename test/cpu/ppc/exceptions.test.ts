// SPDX-License-Identifier: MIT
//
// The exceptions of [PEM 6]: which vector, what SRR0, SRR1, DSISR and DAR hold, and what becomes of the MSR.
import { describe, expect, it } from 'vitest';
import { STOP } from '../../../machines/backplane/cpu.ts';
import { encode } from '../../support/ppc-decode.ts';
import { PpcMachine } from '../../support/ppc-machine.ts';

const MSR = {
  POW: 0x4_0000,
  ILE: 0x1_0000,
  EE: 0x8000,
  PR: 0x4000,
  FP: 0x2000,
  ME: 0x1000,
  FE0: 0x0800,
  SE: 0x0400,
  BE: 0x0200,
  FE1: 0x0100,
  IP: 0x0040,
  IR: 0x0020,
  DR: 0x0010,
  RI: 0x0002,
  LE: 0x0001,
};
const CODE = 0x8000;
const TRAP = 0x0002_0000;
const PRIVILEGED = 0x0004_0000;
const ILLEGAL = 0x0008_0000;
const FP_ENABLED = 0x0010_0000;

const NOP = encode('ori');
const BRANCH_TO_SELF = encode('b');

/** Runs `words` at {@link CODE} until an exception is entered, at most ten instructions. */
function until(machine: PpcMachine, words: readonly number[], registers: Record<string, number | bigint>) {
  machine.program(CODE, words);
  machine.set({ pc: CODE, ...registers });
  for (let n = 0; n < 10 && inProgram(machine); n++) machine.step();
  return machine.get('pc', 'srr0', 'srr1', 'msr', 'dsisr', 'dar');
}

const inProgram = (machine: PpcMachine): boolean => (Number(machine.get('pc')['pc']) & ~0xfff) === CODE;

describe('Program exception', () => {
  const cases: readonly (readonly [string, number, number, Record<string, number>?])[] = [
    ['an illegal instruction', 0, ILLEGAL],
    ['a 64-bit instruction', 0x7c63_1bd2, ILLEGAL], // divd
    ['tw', encode('tw', { to: 31 }), TRAP],
    ['twi', encode('twi', { to: 4, ra: 3, si: 5 }), TRAP, { r3: 5 }],
    ['mtmsr in user state', encode('mtmsr', { rs: 3 }), PRIVILEGED, { msr: MSR.PR }],
    ['rfi in user state', encode('rfi'), PRIVILEGED, { msr: MSR.PR }],
    ['mfspr of a supervisor register in user state', encode('mfspr', { rt: 3, spr: 26 }), PRIVILEGED, { msr: MSR.PR }],
    ['tlbie in user state', encode('tlbie', { rb: 3 }), PRIVILEGED, { msr: MSR.PR }],
    ['dcbi in user state', encode('dcbi', { rb: 3 }), PRIVILEGED, { msr: MSR.PR }],
  ];
  for (const [what, word, reason, registers] of cases) {
    it(`is raised by ${what}`, () => {
      const msr = MSR.ME | MSR.EE | MSR.RI | (registers?.['msr'] ?? 0);
      const after = until(new PpcMachine(), [NOP, word], { ...registers, msr });
      expect(after).toMatchObject({ pc: 0x700, srr0: CODE + 4, srr1: (msr | reason) >>> 0, msr: MSR.ME });
    });
  }

  it('is not raised by a trap whose condition does not hold', () => {
    const machine = new PpcMachine();
    machine.program(CODE, [encode('twi', { to: 4, ra: 3, si: 5 }), NOP]);
    machine.set({ pc: CODE, r3: 6 });
    machine.step();
    expect(machine.get('pc')).toEqual({ pc: CODE + 4 });
  });

  it('is raised by an enabled floating-point exception, with FPSCR set and the target left alone', () => {
    const machine = new PpcMachine();
    const msr = MSR.ME | MSR.FP | MSR.FE0 | MSR.FE1;
    const divide = encode('fdiv', { frt: 3, fra: 1, frb: 2 });
    const given = { msr, f1: 0x3ff0_0000_0000_0000n, f2: 0n, f3: 7n, fpscr: 0x10 };
    expect(until(machine, [divide], given)).toMatchObject({ pc: 0x700, srr0: CODE, srr1: (msr | FP_ENABLED) >>> 0 });
    expect(machine.get('f3', 'fpscr')).toMatchObject({ f3: 7n });
    expect(Number(machine.get('fpscr')['fpscr']) & 0xc400_0010).toBe(0xc400_0010 | 0);
  });

  it('is not raised by a floating-point exception while FE0 = FE1 = 0', () => {
    const machine = new PpcMachine();
    machine.program(CODE, [encode('fdiv', { frt: 3, fra: 1, frb: 2 }), NOP]);
    machine.set({ pc: CODE, msr: MSR.FP, f1: 0x3ff0_0000_0000_0000n, f2: 0n, f3: 7n, fpscr: 0x10 });
    machine.step();
    expect(machine.get('pc', 'f3')).toEqual({ pc: CODE + 4, f3: 7n });
  });
});

describe('System call', () => {
  it('returns to the instruction after sc', () => {
    const msr = MSR.ME | MSR.PR | MSR.EE | MSR.FP;
    const after = until(new PpcMachine(), [NOP, encode('sc')], { msr });
    expect(after).toMatchObject({ pc: 0xc00, srr0: CODE + 8, srr1: msr, msr: MSR.ME });
  });
});

describe('Floating-point unavailable', () => {
  for (const name of ['fadd', 'lfd', 'stfs', 'mffs', 'fcmpu', 'stfiwx']) {
    it(`is raised by ${name} while MSR[FP] = 0`, () => {
      const msr = MSR.ME | MSR.EE;
      const after = until(new PpcMachine(), [encode(name)], { msr });
      expect(after).toMatchObject({ pc: 0x800, srr0: CODE, srr1: msr, msr: MSR.ME });
    });
  }
});

describe('Alignment', () => {
  // [PEM table 6-10]: DSISR 15-16 from instruction 29-30, 17 from 25, 18-21 from 21-24, 22-31 from 6-15; for D forms
  // 17 is instruction bit 5 and 18-21 are bits 1-4.
  const dForm = (word: number): number =>
    (((word >>> 26) & 1) << 14) | (((word >>> 27) & 15) << 10) | ((word >>> 16) & 0x3ff);
  const xForm = (word: number): number =>
    (((word >>> 1) & 3) << 15) | (((word >>> 6) & 1) << 14) | (((word >>> 7) & 15) << 10) | ((word >>> 16) & 0x3ff);
  const cases: readonly (readonly [string, number, number, boolean])[] = [
    ['lwarx', encode('lwarx', { rt: 5, ra: 0, rb: 4 }), xForm(encode('lwarx', { rt: 5, ra: 0, rb: 4 })), true],
    ['stwcx.', encode('stwcx.', { rs: 6, ra: 0, rb: 4 }), xForm(encode('stwcx.', { rs: 6, ra: 0, rb: 4 })), true],
    ['lmw', encode('lmw', { rt: 29, ra: 4 }), dForm(encode('lmw', { rt: 29, ra: 4 })), true],
    ['stmw', encode('stmw', { rs: 30, ra: 4 }), dForm(encode('stmw', { rs: 30, ra: 4 })), true],
    ['lfd', encode('lfd', { frt: 7, ra: 4 }), dForm(encode('lfd', { frt: 7, ra: 4 })), true],
    ['stfsx', encode('stfsx', { frs: 8, ra: 0, rb: 4 }), xForm(encode('stfsx', { frs: 8, ra: 0, rb: 4 })), true],
    ['lwz', encode('lwz', { rt: 7, ra: 4 }), 0, false],
    ['sthx', encode('sthx', { rs: 8, ra: 0, rb: 4 }), 0, false],
    ['lswi', encode('lswi', { rt: 8, ra: 4, nb: 7 }), 0, false],
  ];
  for (const [name, word, dsisr, raised] of cases) {
    it(raised ? `is raised by ${name} of an unaligned address` : `is not raised by an unaligned ${name}`, () => {
      const machine = new PpcMachine();
      const msr = MSR.ME | MSR.FP;
      machine.program(CODE, [word]);
      machine.set({ pc: CODE, msr, r4: 0x9001, dsisr: 0, dar: 0 });
      machine.step();
      const after = machine.get('pc', 'srr0', 'srr1', 'dsisr', 'dar');
      if (!raised) expect(after['pc']).toBe(CODE + 4);
      else expect(after).toEqual({ pc: 0x600, srr0: CODE, srr1: msr, dsisr, dar: 0x9001 });
    });
  }
});

describe('Decrementer', () => {
  it('is raised when the decrementer passes from 0 to -1 and MSR[EE] = 1', () => {
    const machine = new PpcMachine();
    machine.program(CODE, [BRANCH_TO_SELF]);
    machine.setWord(0x900, BRANCH_TO_SELF);
    machine.set({ pc: CODE, msr: MSR.ME | MSR.EE });
    machine.set({ dec: 5 });
    machine.run(10_000);
    expect(machine.get('pc', 'srr0', 'srr1', 'msr')).toEqual({
      pc: 0x900,
      srr0: CODE,
      srr1: MSR.ME | MSR.EE,
      msr: MSR.ME,
    });
  });

  it('waits while MSR[EE] = 0 and is taken when it is set, before the next instruction', () => {
    const machine = new PpcMachine();
    machine.program(CODE, [BRANCH_TO_SELF]);
    machine.set({ pc: CODE, msr: MSR.ME, dec: 1 });
    machine.run(10_000);
    expect(machine.get('pc')).toEqual({ pc: CODE });
    machine.set({ r3: MSR.ME | MSR.EE });
    machine.program(CODE + 0x100, [encode('mtmsr', { rs: 3 }), NOP]);
    machine.set({ pc: CODE + 0x100 });
    machine.step(2);
    expect(machine.get('pc', 'srr0')).toEqual({ pc: 0x900, srr0: CODE + 0x104 });
  });

  it('counts with the time base, which mftb reads', () => {
    const machine = new PpcMachine();
    machine.program(CODE, [
      encode('mfspr', { rt: 3, spr: 22 }),
      encode('mftb', { rt: 4, spr: 268 }),
      encode('b', { li: 4 }),
    ]);
    for (let n = 0; n < 3; n++) machine.program(CODE + 12 + n * 4, [NOP]);
    machine.program(CODE + 24, [BRANCH_TO_SELF]);
    machine.set({ pc: CODE, msr: MSR.ME, dec: 0x1000_0000 });
    machine.run(1000);
    machine.program(CODE + 0x40, [encode('mfspr', { rt: 5, spr: 22 }), encode('mftb', { rt: 6, spr: 268 })]);
    machine.set({ pc: CODE + 0x40 });
    machine.step(2);
    const { r3, r4, r5, r6 } = machine.get('r3', 'r4', 'r5', 'r6');
    const elapsed = Number(r6) - Number(r4);
    expect(elapsed).toBeGreaterThan(0);
    expect(Math.abs(Number(r3) - Number(r5) - elapsed)).toBeLessThanOrEqual(1);
  });
});

describe('External interrupt', () => {
  it('is taken while the pin is active and MSR[EE] = 1', () => {
    const machine = new PpcMachine();
    machine.program(CODE, [BRANCH_TO_SELF]);
    machine.setWord(0x500, BRANCH_TO_SELF);
    machine.set({ pc: CODE, msr: MSR.ME });
    machine.cpu.interrupt(true);
    machine.run(100);
    expect(machine.get('pc')).toEqual({ pc: CODE });
    machine.set({ msr: MSR.ME | MSR.EE });
    machine.run(100);
    expect(machine.get('pc', 'srr0', 'msr')).toEqual({ pc: 0x500, srr0: CODE, msr: MSR.ME });
  });

  it('is a level: gone when the pin is released before it is taken', () => {
    const machine = new PpcMachine();
    machine.program(CODE, [BRANCH_TO_SELF]);
    machine.set({ pc: CODE, msr: MSR.ME });
    machine.cpu.interrupt(true);
    machine.cpu.interrupt(false);
    machine.set({ msr: MSR.ME | MSR.EE });
    machine.run(100);
    expect(machine.get('pc')).toEqual({ pc: CODE });
  });

  it('is taken again after rfi while the pin stays active', () => {
    const machine = new PpcMachine();
    machine.program(CODE, [BRANCH_TO_SELF]);
    machine.program(0x500, [encode('addi', { rt: 3, ra: 3, si: 1 }), encode('rfi')]);
    machine.set({ pc: CODE, msr: MSR.ME | MSR.EE, r3: 0 });
    machine.cpu.interrupt(true);
    machine.run(100);
    expect(Number(machine.get('r3')['r3'])).toBeGreaterThan(10);
  });

  it('comes before the decrementer', () => {
    const machine = new PpcMachine();
    machine.program(CODE, [BRANCH_TO_SELF]);
    machine.setWord(0x500, BRANCH_TO_SELF);
    machine.setWord(0x900, BRANCH_TO_SELF);
    machine.set({ pc: CODE, msr: MSR.ME, dec: 1 });
    machine.run(10_000);
    machine.cpu.interrupt(true);
    machine.set({ msr: MSR.ME | MSR.EE });
    machine.run(10);
    expect(machine.get('pc')).toEqual({ pc: 0x500 });
  });
});

describe('Trace', () => {
  it('is raised after each instruction with MSR[SE] = 1', () => {
    const msr = MSR.ME | MSR.SE;
    const machine = new PpcMachine();
    machine.program(CODE, [encode('addi', { rt: 3, si: 5 }), NOP]);
    machine.set({ pc: CODE, msr, r3: 0 });
    machine.step();
    expect(machine.get('r3')).toEqual({ r3: 5 });
    for (let n = 0; n < 2 && inProgram(machine); n++) machine.step();
    expect(machine.get('pc', 'srr0', 'msr')).toEqual({ pc: 0xd00, srr0: CODE + 4, msr: MSR.ME });
    expect(Number(machine.get('srr1')['srr1']) & 0xffff).toBe(msr);
  });

  it('is raised after branches only with MSR[BE] = 1', () => {
    const machine = new PpcMachine();
    machine.program(CODE, [NOP, encode('b', { li: 4 }), NOP, NOP, NOP, NOP]);
    machine.set({ pc: CODE, msr: MSR.ME | MSR.BE });
    machine.step();
    expect(machine.get('pc')).toEqual({ pc: CODE + 4 });
    machine.step();
    if (inProgram(machine)) machine.step();
    expect(machine.get('pc', 'srr0')).toEqual({ pc: 0xd00, srr0: CODE + 20 });
  });
});

describe('Exception entry and rfi', () => {
  it('goes to 0xfff0_0000 where MSR[IP] = 1', () => {
    const machine = new PpcMachine({
      ram: [
        { first: 0, size: 0x10_0000 },
        { first: 0xfff0_0000, size: 0x10_0000 },
      ],
    });
    const after = until(machine, [encode('sc')], { msr: MSR.ME | MSR.IP });
    expect(after).toMatchObject({ pc: 0xfff0_0c00, msr: MSR.ME | MSR.IP });
  });

  it('clears everything but ILE, ME and IP, and copies ILE to LE', () => {
    const all = MSR.EE | MSR.PR | MSR.FP | MSR.ME | MSR.FE0 | MSR.FE1 | MSR.RI;
    expect(until(new PpcMachine(), [encode('sc')], { msr: all })).toMatchObject({ srr1: all, msr: MSR.ME });
    const msr = MSR.ME | MSR.ILE;
    expect(until(new PpcMachine(), [encode('sc')], { msr })).toMatchObject({ msr: MSR.ME | MSR.ILE | MSR.LE });
  });

  it('returns with rfi to SRR0 without its low bits, and to the MSR of SRR1', () => {
    const machine = new PpcMachine();
    machine.program(CODE, [encode('rfi')]);
    machine.set({ pc: CODE, msr: MSR.ME, srr0: 0x9003, srr1: MSR.EE | MSR.PR | MSR.FP | MSR.ME | MSR.RI });
    machine.step();
    expect(machine.get('pc', 'msr')).toEqual({ pc: 0x9000, msr: MSR.EE | MSR.PR | MSR.FP | MSR.ME | MSR.RI });
  });

  it('starts at 0xfff0_0100 after reset with only MSR[IP] set', () => {
    const machine = new PpcMachine();
    machine.cpu.reset('cold');
    expect(machine.get('pc', 'msr')).toEqual({ pc: 0xfff0_0100, msr: MSR.IP });
  });
});

describe('Machine check', () => {
  it('is raised by a bus error where MSR[ME] = 1', () => {
    const machine = new PpcMachine();
    machine.map.openBus = { value: 0xff, busError: true };
    const msr = MSR.ME | MSR.EE;
    const after = until(machine, [encode('lwz', { rt: 3, ra: 4 })], { msr, r3: 77, r4: 0xa000_0000 });
    expect(after).toMatchObject({ pc: 0x200, srr0: CODE, msr: 0 });
    expect(machine.get('r3')).toEqual({ r3: 77 });
  });

  it('stops the processor where MSR[ME] = 0', () => {
    const machine = new PpcMachine();
    machine.map.openBus = { value: 0xff, busError: true };
    machine.program(CODE, [encode('lwz', { rt: 3, ra: 4 }), BRANCH_TO_SELF]);
    machine.set({ pc: CODE, msr: 0, r4: 0xa000_0000 });
    expect(machine.run(1000)).toBe(STOP.checkstop);
    expect(machine.run(1000)).toBe(STOP.checkstop);
  });
});

describe('Power management', () => {
  it('idles in doze until an interrupt', () => {
    const machine = new PpcMachine();
    machine.program(CODE, [encode('mtmsr', { rs: 3 }), encode('isync'), BRANCH_TO_SELF]);
    machine.setWord(0x500, BRANCH_TO_SELF);
    machine.set({ pc: CODE, msr: MSR.ME, hid0: 0x0080_0000, r3: MSR.POW | MSR.EE | MSR.ME });
    expect(machine.run(1000)).toBe(STOP.idle);
    machine.cpu.interrupt(true);
    expect(machine.run(100)).toBe(STOP.budget);
    expect(machine.get('pc', 'srr0')).toMatchObject({ pc: 0x500 });
  });
});
