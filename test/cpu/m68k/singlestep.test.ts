// SPDX-License-Identifier: MIT
//
// The SingleStepTests vectors for the 68000: registers and memory after one instruction. EMERITUS_TEST_ALL=1 runs all of
// them instead of every 40th.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { missing, suite } from '../../support/inputs.ts';
import { type StepTest, loadSingleSteps } from '../../support/m68k-singlestep.ts';
import { TestM68k } from '../../support/m68k.ts';

const input = suite('singlestep-m68000');
const lacks = missing(input);
const stride = process.env['EMERITUS_TEST_ALL'] ? 1 : 40;

/** Files whose author says they are not right. */
const KNOWN_BAD = new Map([
  ['TAS.json.bin', 'the author: TAS does not handle its read-modify-write cycle'],
  ['TRAPV.json.bin', 'the author: appears to trap by the S bit'],
]);

/**
 * Stores of MOVE to an odd address: which of the condition codes are already those of the operand, and whether the
 * frame's instruction register is already the next instruction's, depends on the microcode's order. Not modelled: of
 * these the status, the instruction register and the program counter in the frame are not compared.
 */
const moveToOdd = ({ name, addressError }: StepTest): boolean => addressError && /^\d+ MOVE\.[wl] /.test(name);

const machine = new TestM68k({ model: '68000', ramBytes: 1 << 24 });
const memory = machine.ram.view;
machine.ram.bytes.fill(0);

function differences(test: StepTest): string[] {
  const { initial, final } = test;
  const { cpu } = machine;
  const start = (initial.registers.pc - 4) >>> 0;
  const poke = (list: readonly number[], value?: number): void => {
    for (let n = 0; n < list.length; n += 2) memory.setUint16(list[n]! & ~1, value ?? list[n + 1]!);
  };
  poke(initial.ram);
  memory.setUint16(start & 0xff_ffff, initial.prefetch[0]);
  memory.setUint16((start + 2) & 0xff_ffff, initial.prefetch[1]);
  cpu.reset('cold');
  cpu.setRegister('pc', start);
  cpu.setRegister('sr', initial.registers.sr);
  for (const [name, value] of Object.entries(initial.registers))
    if (/^[da]\d$/.test(name)) cpu.setRegister(name, value);
  cpu.setRegister('isp', initial.registers.ssp);
  cpu.setRegister('usp', initial.registers.usp);
  cpu.step();
  const ours = cpu.registers();
  const inexact = moveToOdd(test);
  // The suite's program counter is that of the next prefetch; a stopped processor does not prefetch.
  const stopped = cpu.save()['sleeping'] === 1;
  const found: string[] = [];
  for (const [name, wanted] of Object.entries(final.registers)) {
    const value = Number(
      name === 'ssp' ? ours['isp'] : name === 'pc' ? (Number(ours['pc']) + (stopped ? 0 : 4)) >>> 0 : ours[name],
    );
    const mask = inexact && name === 'sr' ? 0xff00 : 0xffff_ffff;
    if ((value & mask) !== (wanted & mask)) found.push(`${name} ${value.toString(16)}, not ${wanted.toString(16)}`);
  }
  for (let n = 0; n < final.ram.length; n += 2) {
    const at = final.ram[n]! & ~1;
    // In the frame: the status with the instruction's upper bits, the instruction, the status register.
    const frame = at - final.registers.ssp;
    const mask = inexact && (frame === 0 || frame === 6 || frame === 12) ? 0 : inexact && frame === 8 ? 0xff00 : 0xffff;
    const value = memory.getUint16(at);
    if ((value & mask) !== (final.ram[n + 1]! & mask)) {
      found.push(`[${at.toString(16)}] ${value.toString(16)}, not ${final.ram[n + 1]!.toString(16)}`);
    }
  }
  poke(final.ram, 0);
  poke(initial.ram, 0);
  return found;
}

describe.skipIf(lacks !== '')(`68000 single steps${lacks === '' ? '' : ` (lacks ${lacks})`}`, () => {
  const files = lacks === '' ? readdirSync(input.path!).filter((name) => name.endsWith('.bin')) : [];
  it.each(files.filter((name) => !KNOWN_BAD.has(name)))('%s', (file) => {
    const failures: string[] = [];
    for (const test of loadSingleSteps(join(input.path!, file), stride)) {
      const found = differences(test);
      if (found.length > 0) failures.push(`${test.name}: ${found.join('; ')}`);
    }
    expect(failures.slice(0, 5)).toEqual([]);
  });
});
