// SPDX-License-Identifier: MIT
//
// Loads, stores and fetches through random translation tables, against the walk of test/support/arm-page-table.ts.
import { describe, expect, it } from 'vitest';
import { walk, type Access, type WalkOptions } from '../../support/arm-page-table.ts';
import { TestArm } from '../../support/arm.ts';
import { random } from '../../support/random.ts';

const MIB = 1 << 20;
const RAM_BYTES = 4 * MIB;
const TABLE_0 = 0x4000;
const TABLE_1 = 0x8000;
const SECOND = 0x1_0000;
const SECOND_BYTES = 0x1_0000;
const CODE = 0x3000;
const BRANCH_TO_ITSELF = 0xeaff_fffe;

const LDR = 0xe591_0000; // ldr r0, [r1]
const LDRT = 0xe4b1_0000;
const STR = 0xe581_0000;
const STRT = 0xe4a1_0000;

const rounds = process.env['EMERITUS_TEST_ALL'] ? 400 : 40;
const ACCESSES = 100;

/** A machine with random tables. What they map is in RAM, the low MiB is mapped to itself for all. */
class Lab {
  readonly machine: TestArm;
  readonly options: WalkOptions;
  readonly #below: (n: number) => number;

  constructor(version: 5 | 7, seed: number) {
    const next = random(seed);
    this.#below = (n) => Math.floor(next() * n);
    this.machine = new TestArm({ model: version === 5 ? 'arm926' : 'cortex-a8', ramBytes: RAM_BYTES });
    const { ram, cpu } = this.machine;
    for (let at = MIB; at < RAM_BYTES; at += 4) ram.view.setUint32(at, at, true);
    for (let vector = 0; vector < 32; vector += 4) this.machine.code(vector, BRANCH_TO_ITSELF);
    for (const table of [TABLE_0, TABLE_1]) {
      for (let n = 0; n < 4096; n++) ram.view.setUint32(table + n * 4, this.#first(version), true);
      ram.view.setUint32(table, version === 5 ? 0xdf2 : 0xde2, true);
    }
    for (let at = SECOND; at < SECOND + SECOND_BYTES; at += 4) ram.view.setUint32(at, this.#second(version), true);
    const flag = version === 7 && this.#below(2) === 0 ? 0x2000_0000 : 0;
    const sctlr = 1 | (version === 5 ? 0x0005_0078 | (this.#below(4) << 8) : 0x00c5_0078 | flag);
    const dacr = (this.#below(2 ** 31) * 2 + this.#below(2)) >>> 0;
    this.options = {
      version,
      word: (pa) => ram.view.getUint32(pa, true),
      ttbr0: TABLE_0,
      ttbr1: TABLE_1,
      // Short tables begin at multiples of their length.
      ttbcr: version === 7 ? this.#below(3) : 0,
      dacr: (dacr | 0xc000_0000) >>> 0,
      sctlr,
    };
    const { ttbr0, ttbr1, ttbcr } = this.options;
    cpu.setRegister('cpsr', 0xd3);
    this.machine.set({ ttbr0, ttbr1, ttbcr, dacr: this.options.dacr, sctlr: sctlr >>> 0 });
  }

  #first(version: 5 | 7): number {
    const random32 = (this.#below(2 ** 31) * 2) >>> 0;
    const section = MIB * (1 + this.#below(3));
    const table = SECOND + this.#below(SECOND_BYTES >>> 12) * 0x1000 + (version === 7 ? this.#below(4) * 0x400 : 0);
    switch (this.#below(4)) {
      case 0:
        // A supersection would be of memory that there is not.
        return (section | (random32 & 0x000b_fff0) | 2) >>> 0;
      case 1:
        return (table | (random32 & 0x3f0) | (version === 5 ? 0x11 : 1)) >>> 0;
      case 2:
        return version === 5 ? (table | (random32 & 0xff0) | 0x13) >>> 0 : (table | (random32 & 0x3f0) | 1) >>> 0;
      default:
        return (random32 & ~3) >>> 0;
    }
  }

  #second(version: 5 | 7): number {
    const flags = this.#below(0x1000) & 0xffc;
    const pa = MIB + this.#below(3 * MIB);
    switch (this.#below(4)) {
      case 0:
        return ((pa & 0xffff_0000) | (version === 7 ? this.#below(2) << 15 : 0) | flags | 1) >>> 0;
      case 1:
        return ((pa & 0xffff_f000) | flags | 2 | (version === 7 ? this.#below(2) : 0)) >>> 0;
      case 2:
        return version === 7 ? ((pa & 0xffff_f000) | flags | 3) >>> 0 : ((pa & 0xffff_fc00) | flags | 3) >>> 0;
      default:
        return (flags & ~3) >>> 0;
    }
  }

  access(): Access {
    const kind = (['read', 'write', 'fetch'] as const)[this.#below(3)]!;
    const privileged = this.#below(2) === 0;
    const va = ((MIB + this.#below(2 ** 32 - MIB)) & ~3) >>> 0;
    return { va, kind, privileged };
  }

  /** What the processor did: the address it reached, or its fault status. */
  perform({ va, kind, privileged }: Access): { pa: number } | { status: number; domain: number } {
    const { machine } = this;
    const { cpu, ram } = machine;
    cpu.setRegister('cpsr', kind === 'fetch' && !privileged ? 0xd0 : 0xd3);
    if (kind === 'fetch') {
      // Every word of RAM is an instruction without effect; R0 is not changed by it, but the address by its execution.
      const found = cpu.translate(va, 'code');
      cpu.setRegister('pc', va);
      cpu.step();
      if ((machine.reg('cpsr') & 0x1f) === 0x17) return this.#status(machine.reg('ifsr'), found);
      return { pa: found ?? -1 };
    }
    machine.code(CODE, kind === 'read' ? (privileged ? LDR : LDRT) : privileged ? STR : STRT);
    machine.set({ pc: CODE, r0: 0x1234_5678, r1: va });
    cpu.step();
    if ((machine.reg('cpsr') & 0x1f) === 0x17) {
      expect(machine.reg('dfar')).toBe(va);
      expect(machine.reg('r14_abt')).toBe(CODE + 8);
      if (this.options.version === 7) expect((machine.reg('dfsr') >>> 11) & 1).toBe(kind === 'write' ? 1 : 0);
      return this.#status(machine.reg('dfsr'), undefined);
    }
    if (kind === 'read') return { pa: machine.reg('r0') };
    for (let at = MIB; at < RAM_BYTES; at += 4) {
      if (ram.view.getUint32(at, true) !== 0x1234_5678) continue;
      ram.view.setUint32(at, at, true);
      return { pa: at };
    }
    return { pa: -1 };
  }

  #status(fsr: number, found: number | undefined): { status: number; domain: number } {
    expect(found).toBe(undefined);
    return { status: (fsr & 15) | ((fsr >>> 6) & 16), domain: (fsr >>> 4) & 15 };
  }
}

describe.each([5, 7] as const)('translation tables of version %d', (version) => {
  it(`agree with the model in ${rounds * ACCESSES} accesses`, () => {
    let successes = 0;
    for (let round = 0; round < rounds; round++) {
      const lab = new Lab(version, round * 7 + version);
      for (let n = 0; n < ACCESSES; n++) {
        const access = lab.access();
        const expected = walk(lab.options, access);
        const found = lab.perform(access);
        const text = JSON.stringify({ access, options: { ...lab.options, word: undefined } });
        if ('pa' in expected) {
          successes++;
          expect(found, text).toEqual({ pa: expected.pa });
        } else {
          // The instruction fault status of version 7 has no domain.
          const domain = version === 7 && access.kind === 'fetch' ? 0 : expected.domain;
          expect(found, text).toEqual({ status: expected.status, domain });
        }
      }
    }
    expect(successes).toBeGreaterThan(rounds * 5);
  });
});
