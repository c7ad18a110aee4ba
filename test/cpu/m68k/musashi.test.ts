// SPDX-License-Identifier: MIT
//
// The self-checking programs of the Musashi project for the 68000, which it runs on a 68040. A program runs at 0x1_0000; it writes to 0x10_0000 to
// report a failure, to 0x10_0004 for each passed part, and ends with STOP.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BusTarget } from '../../../machines/backplane/bus.ts';
import { region } from '../../../machines/backplane/memory-map.ts';
import { missing, suite } from '../../support/inputs.ts';
import { TestM68k } from '../../support/m68k.ts';

const input = suite('musashi-mc68000');
const lacks = missing(input);
/** Programs that do not agree with the single-step vectors on decimal operands with digits above 9. */
const DISAGREE = ['abcd.bin', 'sbcd.bin'];

const CODE = 0x1_0000;
const DEVICE = 0x10_0000;

function runProgram(code: Uint8Array): { failed: number; passed: number; stopped: boolean } {
  const result = { failed: 0, passed: 0, stopped: false };
  const device: BusTarget = {
    span: 0x1_0000,
    access: { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'big' },
    read: () => 0,
    write: (offset) => {
      if (offset === 0) result.failed++;
      else if (offset === 4) result.passed++;
    },
  };
  const machine = new TestM68k({
    model: '68040',
    ramBytes: 0x10_0000,
    extend: (map, memory) => {
      map.add(region(DEVICE, DEVICE + 0xffff).device(device, 'test'));
      map.add(region(0x30_0000, 0x30_ffff).ram(memory.allocate('extra', 0x1_0000)));
    },
  });
  new Uint8Array(machine.ram.view.buffer, machine.ram.view.byteOffset + CODE, code.length).set(code);
  machine.cpu.setRegister('pc', CODE);
  machine.cpu.setRegister('isp', 0x3f0);
  machine.cpu.run(2_000_000);
  result.stopped = machine.cpu.save()['sleeping'] === 1;
  return result;
}

describe.skipIf(lacks !== '')(`68000 programs${lacks === '' ? '' : ` (lacks ${lacks})`}`, () => {
  const files = lacks === '' ? readdirSync(input.path!).filter((name) => name.endsWith('.bin')) : [];
  it.each(files.filter((name) => !DISAGREE.includes(name)))('%s', (file) => {
    const { failed, passed, stopped } = runProgram(readFileSync(join(input.path!, file)));
    expect({ failed, stopped }).toEqual({ failed: 0, stopped: true });
    expect(passed).toBeGreaterThan(0);
  });
});
