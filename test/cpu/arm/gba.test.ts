// SPDX-License-Identifier: MIT
//
// Self-checking cartridges for the ARM7TDMI. A cartridge runs at 0x0800_0000, waits for the display's vertical blank,
// and loops where it is when it has written that all tests passed. To write the number of a failed test, which is in R0
// then, it divides by a call of the BIOS; here that is the end.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BusTarget } from '../../../machines/backplane/bus.ts';
import { region } from '../../../machines/backplane/memory-map.ts';
import { TestArm } from '../../support/arm.ts';
import { missing, suite } from '../../support/inputs.ts';

const CARTRIDGE = 0x0800_0000;
const SWI_VECTOR = 8;
const BRANCH_TO_ITSELF = 0xeaff_fffe;

/** DISPSTAT says blank and not blank in turn. */
class Display implements BusTarget {
  readonly span = 0x1000;
  readonly access = { valid: { min: 1, max: 4 }, impl: { min: 2, max: 2 }, byteOrder: 'little' } as const;
  #reads = 0;

  read(offset: number): number {
    return offset === 4 ? this.#reads++ & 1 : 0;
  }

  write(): void {}
}

/** 0, the number of the test that failed, or -1 when the cartridge does not come to its end. */
function runCartridge(program: Uint8Array): number {
  const machine = new TestArm({
    model: 'arm7tdmi',
    ramAt: CARTRIDGE,
    ramBytes: 0x1_0000,
    extend: (map, memory) => {
      const ram = (name: string, first: number, bytes: number): void => {
        map.add(region(first, first + bytes - 1).ram(memory.allocate(name, bytes)));
      };
      const bios = memory.allocate('bios', 0x4000);
      bios.view.setUint32(SWI_VECTOR, BRANCH_TO_ITSELF, true);
      map.add(region(0, 0x3fff).ram(bios));
      ram('external', 0x0200_0000, 0x4_0000);
      ram('internal', 0x0300_0000, 0x8000);
      ram('palette', 0x0500_0000, 0x1000);
      ram('video', 0x0600_0000, 0x2_0000);
      ram('save', 0x0e00_0000, 0x1_0000);
      map.add(region(0x0400_0000, 0x0400_0fff).device(new Display(), 'display'));
    },
  });
  machine.load(CARTRIDGE, program);
  machine.set({ cpsr: 0x1f, r13: 0x0300_7f00, pc: CARTRIDGE });
  for (let n = 0; n < 100; n++) {
    machine.cpu.run(30_000);
    const before = machine.cpu.pc;
    machine.cpu.step();
    if (machine.cpu.pc === before) return before === SWI_VECTOR ? machine.reg('r0') : 0;
  }
  return -1;
}

describe.each([
  ['gba-arm', 'arm.gba'],
  ['gba-thumb', 'thumb.gba'],
])('%s', (name, file) => {
  const input = suite(name);
  const lacks = missing(input);
  it.skipIf(lacks !== '')(`reports no failed test${lacks === '' ? '' : ` (lacks ${lacks})`}`, () => {
    expect(runCartridge(readFileSync(join(input.path!, file)))).toBe(0);
  });
});
