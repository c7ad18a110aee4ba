// SPDX-License-Identifier: MIT
//
// Programs for the Cortex-M0, one for each instruction. They end with a supervisor call, having what the instruction did
// in registers; what those should be is what the same program does on the Cortex-A8 in Thumb state, which is compared
// with QEMU. Programs about special registers say what they expect in comments.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { region } from '../../../machines/backplane/memory-map.ts';
import type { ArmModel } from '../../../machines/devices/cpu/arm.ts';
import { TestArm } from '../../support/arm.ts';
import { missing, suite } from '../../support/inputs.ts';

const input = suite('picosim-m0');
const lacks = missing(input);

const RAM_BYTES = 0x2_0000;
const HIGH = 0x2000_0000;
/** What is different on a processor that is no microcontroller: special registers, and what makes it wait. */
const SPECIAL = ['psr', 'sysreg', 'cpsie_cpsid'];
const NO_PROGRAM = ['hello', 'cq'];
/**
 * Their labels are not marked as Thumb code, so that they go to even addresses: a HardFault here [ARMv6-M ARM A4.1.1].
 * Which words of their literals to make odd to have what they mean.
 */
const NOT_THUMB: Readonly<Record<string, readonly number[]>> = {
  pop: [0x8014],
  branch_exch: [0x8014, 0x8018, 0x801c],
  branch_link_exch: [0x801c, 0x8020, 0x8024],
};
const HARD_FAULT = 3;

interface Program {
  readonly entry: number;
  readonly segments: readonly { address: number; bytes: Uint8Array }[];
}

function loadElf(file: Buffer): Program {
  const headers = Array.from({ length: file.readUInt16LE(44) }, (_, n) => file.readUInt32LE(28) + n * 32);
  const segments = headers
    .filter((at) => file.readUInt32LE(at) === 1)
    .map((at) => {
      const from = file.readUInt32LE(at + 4);
      return { address: file.readUInt32LE(at + 8), bytes: file.subarray(from, from + file.readUInt32LE(at + 16)) };
    });
  return { entry: file.readUInt32LE(24), segments };
}

const NZCV = 0xf000_0000;

interface Outcome {
  readonly registers: number[];
  readonly flags: number;
  readonly pc: number;
  /** Number of the exception it ended in, 0 for none. */
  readonly exception: number;
}

/** Registers R0-R14 and the flags when the program calls its supervisor, and where it did. */
function execute(program: Program, model: ArmModel): Outcome {
  const machine = new TestArm({
    model,
    ramBytes: RAM_BYTES,
    extend: (map, memory) => map.add(region(HIGH, HIGH + 0xffff).ram(memory.allocate('high', 0x1_0000))),
  });
  for (const { address, bytes } of program.segments) {
    if (address + bytes.length <= RAM_BYTES) machine.load(address, bytes);
  }
  machine.set({ cpsr: 0x1f | 0x20, pc: program.entry & ~1, r13: 0x8000 });
  const { ram, cpu } = machine;
  for (let n = 0; n < 10_000; n++) {
    const half = cpu.pc + 1 < RAM_BYTES ? ram.view.getUint16(cpu.pc, true) : 0;
    if (half >>> 8 === 0xdf) break;
    cpu.step();
  }
  const registers = Array.from({ length: 15 }, (_, n) => machine.reg(`r${n}`));
  const exception = machine.reg('ipsr');
  return { registers, flags: (machine.reg('cpsr') & NZCV) >>> 0, pc: cpu.pc, exception };
}

/** What MRS reads of the program status has other bits beside the flags. */
const withoutMode = (value: number): number => ((value & 0x0fff_ffe0) === 0 ? (value & NZCV) >>> 0 : value);

describe.skipIf(lacks !== '')(`Cortex-M0 programs${lacks === '' ? '' : ` (lacks ${lacks})`}`, () => {
  const names = lacks === '' ? readdirSync(input.path!).filter((name) => name.endsWith('.elf')) : [];
  const wanted = names
    .map((name) => name.slice(0, -4))
    .filter((name) => ![...NO_PROGRAM, ...Object.keys(NOT_THUMB)].includes(name));
  it.each(wanted.filter((name) => !SPECIAL.includes(name)))('%s', (name) => {
    const program = loadElf(readFileSync(join(input.path!, `${name}.elf`)));
    const ours = execute(program, 'cortex-m0');
    const reference = execute(program, 'cortex-a8');
    expect(ours.pc).toBe(reference.pc);
    expect(ours.flags).toBe(reference.flags);
    expect(ours.registers.map(withoutMode)).toEqual(reference.registers.map(withoutMode));
  });

  it.each(lacks === '' ? Object.entries(NOT_THUMB) : [])(
    '%s takes a HardFault, and none at odd addresses',
    (name, literals) => {
      const program = loadElf(readFileSync(join(input.path!, `${name}.elf`)));
      expect(execute(program, 'cortex-m0').exception).toBe(HARD_FAULT);
      const { address, bytes } = program.segments[0]!;
      for (const literal of literals) bytes[literal - address]! |= 1;
      const ours = execute(program, 'cortex-m0');
      const reference = execute(program, 'cortex-a8');
      expect([ours.exception, ours.pc, ours.registers]).toEqual([0, reference.pc, reference.registers]);
    },
  );

  it.each(wanted.filter((name) => SPECIAL.includes(name)))('%s', (name) => {
    const { registers } = execute(loadElf(readFileSync(join(input.path!, `${name}.elf`))), 'cortex-m0');
    const source = readFileSync(join(input.path!, `${name}.S`), 'latin1');
    const expectations = [...source.matchAll(/^\s*mrs r(\d+),.*expect ([0-9a-f_]{9})/gm)];
    expect(expectations.length).toBeGreaterThan(2);
    for (const [, n, value] of expectations) expect(registers[Number(n)]).toBe(parseInt(value!.replace('_', ''), 16));
  });
});
