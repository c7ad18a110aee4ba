// SPDX-License-Identifier: MIT
//
// Programs that change while they run. The core keeps decoded instructions; no store, DMA transfer or debugger's write
// may leave old ones behind.
import { describe, expect, it } from 'vitest';
import { encode } from '../../support/ppc-decode.ts';
import { PpcMachine } from '../../support/ppc-machine.ts';

const CODE = 0x8000;
const OTHER_PAGE = 0x1_0000;
const SELF = encode('b');
const BLR = encode('bclr', { bo: 20 });
const li = (rt: number, si: number): number => encode('addi', { rt, si });

/** Store r5 to 0(r4) and make it visible to instruction fetch [PEM 5.1.5.2]. */
const PATCH = [
  encode('stw', { rs: 5, ra: 4 }),
  encode('dcbst', { rb: 4 }),
  encode('sync'),
  encode('icbi', { rb: 4 }),
  encode('sync'),
  encode('isync'),
];

function fresh(): PpcMachine {
  const machine = new PpcMachine();
  machine.set({ msr: 0x1000 });
  return machine;
}

describe('Self-modifying code', () => {
  it('executes an instruction just stored into the same page, ahead in the same run', () => {
    const machine = fresh();
    machine.program(CODE, [...PATCH, li(3, 1), SELF]);
    machine.set({ pc: CODE, r4: CODE + PATCH.length * 4, r5: li(3, 2) });
    machine.run(100);
    expect(machine.get('r3')).toEqual({ r3: 2 });
  });

  it('executes the new version of a subroutine that ran before', () => {
    for (const target of [CODE + 0x100, OTHER_PAGE]) {
      const machine = fresh();
      const call = (from: number): number => encode('b', { li: (target - from) >> 2, lk: 1 });
      const after = CODE + 4 + 4 + PATCH.length * 4;
      machine.program(CODE, [call(CODE), encode('ori', { rs: 3, ra: 6 }), ...PATCH, call(after), SELF]);
      machine.program(target, [li(3, 1), BLR]);
      machine.set({ pc: CODE, r4: target, r5: li(3, 2), r3: 0 });
      machine.run(200);
      expect(machine.get('r6', 'r3'), `at ${target.toString(16)}`).toEqual({ r6: 1, r3: 2 });
    }
  });

  it('does so in every one of many rounds', () => {
    const machine = fresh();
    // r7 rounds; each patches the subroutine to load another number, calls it and adds up.
    const target = OTHER_PAGE + 0x40;
    const loop = [
      ...PATCH,
      encode('b', { li: 0, lk: 1 }),
      encode('add', { rt: 8, ra: 8, rb: 3 }),
      encode('addi', { rt: 5, ra: 5, si: 1 }),
    ];
    const callAt = CODE + PATCH.length * 4;
    loop[PATCH.length] = encode('b', { li: (target - callAt) >> 2, lk: 1 });
    const bdnz = encode('bc', { bo: 16, bd: -loop.length });
    machine.program(CODE, [...loop, bdnz, SELF]);
    machine.program(target, [li(3, 0), BLR]);
    machine.set({ pc: CODE, r4: target, r5: li(3, 1), r8: 0, ctr: 1000 });
    machine.run(20_000);
    expect(machine.get('r8')).toEqual({ r8: 500_500 });
  });

  it('keeps data in a page of code right while the code runs', () => {
    const machine = fresh();
    const counter = CODE + 0x800;
    const loop = [
      encode('lwz', { rt: 3, ra: 4 }),
      encode('addi', { rt: 3, ra: 3, si: 3 }),
      encode('stw', { rs: 3, ra: 4 }),
      encode('stb', { rs: 3, ra: 4, d: 7 }),
      encode('sth', { rs: 3, ra: 4, d: 10 }),
    ];
    machine.program(CODE, [...loop, encode('bc', { bo: 16, bd: -loop.length }), SELF]);
    machine.set({ pc: CODE, r4: counter, ctr: 5000 });
    machine.setWord(counter, 0);
    machine.run(40_000);
    expect(machine.word(counter)).toBe(15_000);
    expect(machine.word(counter + 4)).toBe(15_000 & 0xff);
    expect(machine.word(counter + 8)).toBe(15_000);
  });

  it('notices stores of every kind', () => {
    const stores: readonly (readonly [string, number[], Record<string, number | bigint>])[] = [
      ['stb', [encode('stb', { rs: 5, ra: 4, d: 3 })], { r5: 9 }],
      ['sth', [encode('sth', { rs: 5, ra: 4, d: 2 })], { r5: 9 }],
      ['stwu', [encode('stwu', { rs: 5, ra: 4 })], { r5: li(3, 9) }],
      ['stwbrx', [encode('stwbrx', { rs: 5, rb: 4 })], { r5: 0x0900_6038 }],
      ['stmw', [encode('stmw', { rs: 31, ra: 4 })], { r31: li(3, 9) }],
      ['stswi', [encode('stswi', { rs: 31, ra: 4, nb: 4 })], { r31: li(3, 9) }],
      ['stfiwx', [encode('stfiwx', { frs: 1, rb: 4 })], { f1: BigInt(li(3, 9)) }],
      ['stfd', [encode('stfd', { frs: 1, ra: 4 })], { f1: (BigInt(li(3, 9)) << 32n) | BigInt(BLR) }],
      ['stwcx.', [encode('lwarx', { rt: 6, rb: 4 }), encode('stwcx.', { rs: 5, rb: 4 })], { r5: li(3, 9) }],
    ];
    for (const [name, store, registers] of stores) {
      for (const target of [CODE + 0x200, OTHER_PAGE]) {
        const machine = fresh();
        const body = [...store, ...PATCH.slice(1)];
        const call = (from: number): number => encode('b', { li: (target - from) >> 2, lk: 1 });
        machine.program(CODE, [call(CODE), ...body, call(CODE + 4 + body.length * 4), SELF]);
        machine.program(target, [li(3, 1), BLR]);
        machine.set({ pc: CODE, msr: 0x3000, r4: target, ...registers });
        machine.run(200);
        expect(machine.get('r3'), `${name} at ${target.toString(16)}`).toEqual({ r3: 9 });
      }
    }
  });

  it('notices dcbz', () => {
    const machine = fresh();
    machine.program(OTHER_PAGE, [li(3, 1), BLR]);
    const call = (from: number): number => encode('b', { li: (OTHER_PAGE - from) >> 2, lk: 1 });
    machine.program(CODE, [call(CODE), encode('dcbz', { rb: 4 }), encode('isync'), call(CODE + 12), SELF]);
    machine.setWord(0x700, SELF);
    machine.set({ pc: CODE, r4: OTHER_PAGE });
    machine.run(200);
    expect(machine.get('pc', 'srr0')).toEqual({ pc: 0x700, srr0: OTHER_PAGE });
  });

  it('notices DMA into a page of code', () => {
    const machine = fresh();
    machine.program(CODE, [li(3, 1), SELF]);
    machine.set({ pc: CODE });
    machine.run(100);
    expect(machine.get('r3')).toEqual({ r3: 1 });
    const word = new Uint8Array(4);
    new DataView(word.buffer).setUint32(0, li(3, 2));
    machine.map.dmaWrite(CODE, word);
    machine.set({ pc: CODE });
    machine.run(100);
    expect(machine.get('r3')).toEqual({ r3: 2 });
  });

  it('notices an access that crosses from data into a page of code', () => {
    const machine = fresh();
    const target = OTHER_PAGE;
    const call = (from: number): number => encode('b', { li: (target - from) >> 2, lk: 1 });
    // An unaligned store whose last two bytes are the first two of the subroutine.
    const body = [encode('stw', { rs: 5, ra: 4, d: -2 }), ...PATCH.slice(1)];
    machine.program(CODE, [call(CODE), ...body, call(CODE + 4 + body.length * 4), SELF]);
    machine.program(target, [li(3, 1), BLR]);
    machine.set({ pc: CODE, r4: target, r5: li(4, 0) >>> 16 });
    machine.run(200);
    expect(machine.get('r3', 'r4')).toEqual({ r3: 1, r4: 1 });
  });
});
