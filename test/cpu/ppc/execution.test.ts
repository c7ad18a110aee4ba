// SPDX-License-Identifier: MIT
//
// What the run loop promises: how time is cut into slices changes nothing, little-endian mode, external control.
import { describe, expect, it } from 'vitest';
import type { AccessRules } from '../../../machines/backplane/bus.ts';
import { STOP } from '../../../machines/backplane/cpu.ts';
import { region } from '../../../machines/backplane/memory-map.ts';
import { encode } from '../../support/ppc-decode.ts';
import { PpcMachine, type PpcModel } from '../../support/ppc-machine.ts';
import { random } from '../../support/random.ts';

const CODE = 0x8000;
const DATA = 0x2_0000;
const EE = 0x8000;
const ME = 0x1000;
const FP = 0x2000;
const NOP = encode('ori');
const WORDS: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 4, max: 4 }, byteOrder: 'big' };

/** Loops, calls, stores and floating point over two pages, interrupted by the decrementer every 37 ticks of it. */
function busyMachine(model: PpcModel = '750'): PpcMachine {
  const machine = new PpcMachine({ model });
  const far = CODE + 0x1ff8; // a subroutine that crosses a page
  const outer = [
    encode('addi', { rt: 5, si: 7 }),
    encode('mtspr', { spr: 9, rs: 5 }),
    // inner loop
    encode('lwzx', { rt: 6, ra: 4, rb: 7 }),
    encode('add', { rt: 6, ra: 6, rb: 5, rc: 1 }),
    encode('stwx', { rs: 6, ra: 4, rb: 7 }),
    encode('addi', { rt: 7, ra: 7, si: 4 }),
    encode('rlwinm', { rs: 7, ra: 7, sh: 0, mb: 20, me: 29 }),
    encode('fmadd', { frt: 1, fra: 1, frc: 2, frb: 3 }),
    encode('bc', { bo: 16, bd: -6 }),
  ];
  const call = CODE + outer.length * 4;
  machine.program(CODE, [
    ...outer,
    encode('b', { li: (far - call) >> 2, lk: 1 }),
    encode('b', { li: -(outer.length + 1) }),
  ]);
  const body = [encode('addi', { rt: 8, ra: 8, si: 1 }), encode('adde', { rt: 9, ra: 9, rb: 6 })];
  machine.program(far, [...body, ...body, encode('bclr', { bo: 20 })]);
  machine.program(0x900, [
    encode('addi', { rt: 10, ra: 10, si: 1 }),
    encode('addi', { rt: 11, si: 37 }),
    encode('mtspr', { spr: 22, rs: 11 }),
    encode('xor', { rs: 10, ra: 12, rb: 7 }),
    encode('rfi'),
  ]);
  machine.set({
    pc: CODE,
    msr: ME | EE | FP,
    r4: DATA,
    f1: 1n << 62n,
    f2: 0x3ff0_0000_0000_0001n,
    f3: 0x3fb9_9999_9999_999an,
  });
  machine.set({ dec: 20 });
  return machine;
}

/** Everything a program can see, memory included. */
function state(machine: PpcMachine) {
  const sum = machine.bytes(DATA, 0x2000).reduce((hash, byte) => (Math.imul(hash, 31) + byte) | 0, 7);
  return { ...machine.cpu.registers(), sum, instructions: machine.cpu.instructions };
}

describe('Slices', () => {
  for (const model of ['750', '603e', '601'] as const) {
    it(`do not change what a ${model} does, however they are cut`, () => {
      const whole = busyMachine(model);
      whole.run(100_000);
      for (const seed of [1, 2, 3]) {
        const next = random(seed);
        const cut = busyMachine(model);
        while (cut.cpu.instructions < whole.cpu.instructions) {
          const most = whole.cpu.instructions - cut.cpu.instructions;
          expect(cut.run(Math.min(most, 1 + Math.floor(next() ** 4 * 3000)))).toBe(STOP.budget);
        }
        expect(state(cut)).toEqual(state(whole));
      }
    });
  }

  it('say how far they got, and count every instruction once', () => {
    const machine = busyMachine();
    const next = random(9);
    let ticks = 0;
    for (let n = 0; n < 300; n++) {
      const asked = 1 + Math.floor(next() * 200);
      machine.run(asked);
      expect(machine.cpu.elapsed()).toBeGreaterThanOrEqual(asked);
      expect(machine.cpu.elapsed()).toBeLessThan(asked + 1100); // to the next taken branch or end of a page
      ticks += machine.cpu.elapsed();
    }
    expect(machine.cpu.instructions).toBe(ticks);
  });

  /** A register that does something at each read. */
  const onRead = (machine: PpcMachine, action: () => void): void => {
    const read = (): number => {
      action();
      return 0;
    };
    machine.map.add(
      region(0x8000_0000, 0x8000_0fff).device({ span: 4096, access: WORDS, read, write: () => {} }, 'probe'),
    );
  };

  it('show devices the exact tick of each access', () => {
    const machine = new PpcMachine();
    const at: number[] = [];
    onRead(machine, () => at.push(machine.cpu.elapsed()));
    const read = encode('lwz', { rt: 3, ra: 4 });
    machine.program(CODE, [NOP, NOP, read, NOP, read, encode('b', { li: 3 }), NOP, NOP, read, encode('b')]);
    machine.set({ pc: CODE, r4: 0x8000_0000 });
    machine.run(100);
    expect(at.map((tick) => tick - at[0]!)).toEqual([0, 2, 4]);
    expect(at[0]).toBeGreaterThanOrEqual(2);
    expect(at[0]).toBeLessThanOrEqual(3);
  });

  it('end early when a device pulls them in', () => {
    const machine = new PpcMachine();
    onRead(machine, () => machine.cpu.pullIn(machine.cpu.elapsed()));
    machine.program(CODE, [NOP, NOP, encode('lwz', { rt: 3, ra: 4 }), encode('b')]);
    machine.set({ pc: CODE, r4: 0x8000_0000 });
    expect(machine.run(1_000_000)).toBe(STOP.budget);
    expect(machine.cpu.elapsed()).toBeLessThan(10);
    expect(machine.run(1_000_000)).toBe(STOP.budget);
    expect(machine.cpu.elapsed()).toBeGreaterThanOrEqual(1_000_000);
  });

  it('give single steps the same results as a run', () => {
    const whole = busyMachine();
    whole.set({ dec: 0x7fff_ffff });
    whole.run(5000);
    const stepped = busyMachine();
    stepped.set({ dec: 0x7fff_ffff });
    while (stepped.cpu.instructions < whole.cpu.instructions) stepped.step();
    expect(state(stepped)).toEqual(state(whole));
  });
});

describe('Little-endian mode', () => {
  const LE = 1;
  /** Instructions as they lie in memory: the words of each doubleword are exchanged. */
  const program = (machine: PpcMachine, words: readonly number[]): void => {
    words.forEach((word, i) => machine.setWord(CODE + ((i * 4) ^ 4), word));
  };

  it('changes the low bits of addresses, not the order of bytes in registers', () => {
    const machine = new PpcMachine();
    program(machine, [
      encode('stw', { rs: 3, ra: 4 }),
      encode('lbz', { rt: 5, ra: 4 }),
      encode('lbz', { rt: 6, ra: 4, d: 3 }),
      encode('lhz', { rt: 7, ra: 4 }),
      encode('sth', { rs: 3, ra: 4, d: 8 }),
      encode('stb', { rs: 3, ra: 4, d: 12 }),
    ]);
    machine.set({ pc: CODE, msr: ME | LE, r3: 0x1234_5678, r4: DATA });
    machine.run(6);
    machine.step(Math.max(0, 6 - machine.cpu.instructions));
    expect(machine.get('r5', 'r6', 'r7')).toEqual({ r5: 0x78, r6: 0x12, r7: 0x5678 });
    expect(machine.word(DATA + 4)).toBe(0x1234_5678);
    expect(machine.word(DATA + 12)).toBe(0x0000_5678);
    expect(machine.word(DATA + 8)).toBe(0x0000_0078);
  });

  it('raises alignment exceptions for multiples and strings', () => {
    for (const word of [encode('lmw', { rt: 30, ra: 4 }), encode('lswi', { rt: 5, ra: 4, nb: 4 })]) {
      const machine = new PpcMachine();
      program(machine, [word]);
      machine.set({ pc: CODE, msr: ME | LE, r4: DATA });
      machine.step();
      expect(machine.get('pc', 'dar')).toEqual({ pc: 0x600, dar: DATA });
    }
  });
});

describe('External control', () => {
  const EAR_DISABLED = 0x0010_0000;
  for (const [name, fields, store] of [
    ['eciwx', { rt: 5, rb: 4 }, 0],
    ['ecowx', { rs: 5, rb: 4 }, 0x0200_0000],
  ] as const) {
    it(`makes ${name} a DSI while EAR[E] = 0`, () => {
      const machine = new PpcMachine();
      machine.program(CODE, [encode(name, fields)]);
      machine.set({ pc: CODE, msr: ME, r4: DATA, ear: 0 });
      machine.step();
      const after = machine.get('pc', 'dsisr', 'dar');
      expect(after).toEqual({ pc: 0x300, dsisr: EAR_DISABLED | store, dar: DATA });
    });

    it(`makes an unaligned ${name} an alignment exception`, () => {
      const machine = new PpcMachine();
      machine.program(CODE, [encode(name, fields)]);
      machine.set({ pc: CODE, msr: ME, r4: DATA + 2, ear: 0x8000_0000 });
      machine.step();
      expect(machine.get('pc', 'dar')).toEqual({ pc: 0x600, dar: DATA + 2 });
    });
  }
});
