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
/**
 * Programs that add and subtract all bytes up to 0x99, digits above 9 among them, and compare sums of the results with
 * those of Musashi's own arithmetic. The single-step vectors, made with the 68000's microcode, have other results for
 * such digits; with these the processor is compared.
 */
const DECIMAL = { 'abcd.bin': addDecimal, 'sbcd.bin': subtractDecimal };

/** Result and carry of decimal arithmetic on any bytes, as the vectors have it. */
type Decimal = (x: number, y: number) => readonly [result: number, carry: boolean];

function addDecimal(x: number, y: number): ReturnType<Decimal> {
  const digit = (x & 15) + (y & 15);
  const sum = (x & 0xf0) + (y & 0xf0) + digit + (digit > 9 ? 6 : 0);
  const carry = sum >> 4 > 9;
  return [(sum + (carry ? 0x60 : 0)) & 0xff, carry];
}

function subtractDecimal(x: number, y: number): ReturnType<Decimal> {
  const borrows = (x & 15) > (y & 15) ? 6 : 0;
  const difference = y - x;
  return [(difference - borrows - (difference < 0 ? 0x60 : 0)) & 0xff, difference - borrows < 0];
}

const CODE = 0x1_0000;
const DEVICE = 0x10_0000;

function runProgram(code: Uint8Array) {
  const result = { failed: 0, passed: 0, stopped: false, registers: {} as Record<string, number | bigint> };
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
  result.registers = machine.cpu.registers();
  result.stopped = machine.cpu.save()['sleeping'] === 1;
  return result;
}

describe.skipIf(lacks !== '')(`68000 programs${lacks === '' ? '' : ` (lacks ${lacks})`}`, () => {
  const files = lacks === '' ? readdirSync(input.path!).filter((name) => name.endsWith('.bin')) : [];
  it.each(files.filter((name) => !(name in DECIMAL)))('%s', (file) => {
    const { failed, passed, stopped } = runProgram(readFileSync(join(input.path!, file)));
    expect({ failed, stopped }).toEqual({ failed: 0, stopped: true });
    expect(passed).toBeGreaterThan(0);
  });

  it.each(Object.entries(DECIMAL))('%s, with the results of the single-step vectors', (file, arithmetic) => {
    let sum = 0;
    let carries = 0;
    for (let x = 0; x <= 0x99; x++) {
      for (let y = 0; y <= 0x99; y++) {
        const [result, carry] = arithmetic(x, y);
        sum += result;
        carries += Number(carry);
      }
    }
    // It stops at the first comparison: carries in D4, of registers and of memory; the sums in D5, and D3 a byte of it.
    const { registers } = runProgram(readFileSync(join(input.path!, file)));
    expect([registers['d3'], registers['d4'], registers['d5']]).toEqual([sum & 0xff, 2 * carries, sum]);
  });
});
