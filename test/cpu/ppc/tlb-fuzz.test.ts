// SPDX-License-Identifier: MIT
//
// The core's software TLB against a model that has none: random changes of page table entries, segments, blocks and
// privilege between random accesses, and every access must go where a walk through the tables says it goes.
import { describe, expect, it } from 'vitest';
import { encode } from '../../support/ppc-decode.ts';
import { PpcMachine } from '../../support/ppc-machine.ts';
import { PTE_C, PTE_R, PageTable } from '../../support/ppc-page-table.ts';
import { PpcRandom } from '../../support/ppc-random.ts';

const MSR_ME = 0x1000;
const MSR_PR = 0x4000;
const MSR_IR = 0x20;
const MSR_DR = 0x10;
const DSI = 0x300;
const ISI = 0x400;
const NOT_FOUND = 0x4000_0000;
const PROTECTION = 0x0800_0000;
const DIRECT_STORE = 0x0400_0000;
const STORE = 0x0200_0000;
const NO_EXECUTE = 0x1000_0000;

const HTAB = 0x0010_0000;
const CODE = 0x0000_8000;
const DATA = 0x0020_0000;
const DATA_PAGES = 64;
const VSIDS = [0x11, 0x22, 0x33];
const SEGMENTS = [2, 3, 9];
const PAGES_IN_SEGMENT = 8;
const SELF = encode('b');
/** Data words are instructions that say where they are from, li r20,n, each followed by a branch to itself. */
const mark = (n: number): number => encode('addi', { rt: 20, si: n & 0x7fff });

type Access = 'load' | 'store' | 'fetch';

/** A walk: the physical address, or the bits that say why not. `pte` is the entry's address. */
interface Walk {
  readonly pa?: number;
  readonly fault?: number;
  readonly pte?: number;
}

class Model {
  readonly machine = new PpcMachine({ ram: [{ first: 0, size: 0x40_0000 }] });
  readonly table = new PageTable(this.machine, HTAB);
  readonly segments = new Uint32Array(16);
  /** IBATs, then DBATs: upper and lower words. */
  readonly blocks = Array.from({ length: 8 }, () => [0, 0] as [number, number]);
  user = false;

  constructor() {
    this.machine.set({ sdr1: this.table.sdr1 });
    for (let pa = DATA; pa < DATA + DATA_PAGES * 4096; pa += 8) this.machine.program(pa, [mark(pa >>> 12), SELF]);
    for (const vector of [DSI, ISI]) this.machine.setWord(vector, SELF);
    this.machine.setWord(CODE + 4, SELF);
  }

  walk(va: number, access: Access): Walk {
    const blocks = access === 'fetch' ? this.blocks.slice(0, 4) : this.blocks.slice(4);
    for (const [upper, lower] of blocks) {
      if ((upper & (this.user ? 1 : 2)) === 0) continue;
      if (va >>> 17 !== upper >>> 17) continue; // 128 KiB
      const pp = lower & 3;
      if (pp === 0 || (access === 'store' && pp !== 2)) return { fault: PROTECTION };
      return { pa: ((lower & 0xfffe_0000) | (va & 0x1_ffff)) >>> 0 };
    }
    const sr = this.segments[va >>> 28]!;
    if (sr & 0x8000_0000) return { fault: access === 'fetch' ? NO_EXECUTE : DIRECT_STORE };
    if (access === 'fetch' && sr & 0x1000_0000) return { fault: NO_EXECUTE };
    const vsid = sr & 0xff_ffff;
    for (const secondary of [false, true]) {
      const wanted = PageTable.word0({ vsid, va, pa: 0, pp: 0, secondary });
      for (let slot = 0; slot < 8; slot++) {
        const pte = this.table.group(vsid, va, secondary) + slot * 8;
        if (this.machine.word(pte) !== wanted) continue;
        const word1 = this.machine.word(pte + 4);
        const key = (sr & (this.user ? 0x2000_0000 : 0x4000_0000)) !== 0;
        const pp = word1 & 3;
        const readable = !key || pp !== 0;
        const writable = pp === 2 || (!key && pp !== 3);
        if (!(access === 'store' ? writable : readable)) return { fault: PROTECTION, pte };
        return { pa: ((word1 & 0xffff_f000) | (va & 0xfff)) >>> 0, pte };
      }
    }
    return { fault: NOT_FOUND };
  }

  /** Does the access on the machine and says in what it differs from the model. */
  access(va: number, access: Access, value: number, stepping: boolean): string | undefined {
    const { pa, fault, pte } = this.walk(va, access);
    const before = pte === undefined ? 0 : this.machine.word(pte + 4);
    const msr = MSR_ME | (this.user ? MSR_PR : 0);
    if (access === 'fetch') this.machine.set({ pc: va, msr: msr | MSR_IR });
    else {
      const word = access === 'load' ? encode('lwz', { rt: 3, ra: 4 }) : encode('stw', { rs: 3, ra: 4 });
      this.machine.setWord(CODE, word);
      this.machine.set({ pc: CODE, msr: msr | MSR_DR, r3: value, r4: va });
    }
    const was = pa === undefined ? 0 : this.machine.word(pa);
    if (stepping) this.machine.step();
    else this.machine.run(2); // single steps keep no translations of instructions
    const { pc, r3, r20, dsisr, dar, srr1 } = this.machine.get('pc', 'r3', 'r20', 'dsisr', 'dar', 'srr1');
    const next = access === 'fetch' ? va + 4 : CODE + 4;
    if (pa === undefined) {
      if (access === 'fetch') {
        const got = Number(srr1) & 0x7800_0000;
        return pc === ISI && got === fault ? undefined : `ISI ${fault} expected, at ${pc} with ${got}`;
      }
      const wanted = (fault! | (access === 'store' ? STORE : 0)) >>> 0;
      return pc === DSI && dsisr === wanted && dar === va
        ? undefined
        : `DSI ${wanted} expected, at ${pc} with ${dsisr}`;
    }
    if (pc !== next) return `success expected, at ${pc} with DSISR ${dsisr}`;
    if (access === 'fetch' && r20 !== (was & 0x7fff)) return `${was} to be executed from ${pa}, not ${r20}`;
    if (access === 'load' && r3 !== was) return `${was} expected from ${pa}, not ${r3}`;
    if (access === 'store' && this.machine.word(pa) !== value >>> 0) return `nothing stored to ${pa}`;
    if (pte === undefined) return undefined;
    const flags = before | PTE_R | (access === 'store' ? PTE_C : 0);
    return this.machine.word(pte + 4) === flags ? undefined : `PTE ${this.machine.word(pte + 4)}, not ${flags}`;
  }
}

const toPage = (rng: PpcRandom): number => DATA + rng.below(DATA_PAGES) * 4096;

/** Changes something that translation depends on, the way an operating system does. */
function change(model: Model, rng: PpcRandom, va: number): string {
  const { machine, table } = model;
  const tlbie = (): void => {
    machine.set({ msr: MSR_ME, r4: va });
    machine.execute(encode('tlbie', { rb: 4 }), encode('sync'));
  };
  switch (rng.below(8)) {
    case 0:
      model.user = !model.user;
      return 'privilege';
    case 1: {
      const n = rng.from(SEGMENTS);
      const special = rng.from([0, 0, 0, 0, 0x8000_0000, 0x1000_0000]);
      const value = (rng.from(VSIDS) | ((rng.word() & 3) << 29) | special) >>> 0;
      model.segments[n] = value;
      machine.set({ msr: MSR_ME, r5: value, r6: n << 28 });
      const write = rng.chance(1, 2) ? encode('mtsr', { rs: 5, sr: n }) : encode('mtsrin', { rs: 5, rb: 6 });
      machine.execute(write, encode('isync'));
      return `sr${n}`;
    }
    case 2: {
      const n = rng.below(8);
      const on = rng.chance(1, 2) ? rng.below(4) : 0;
      const upper = (((va & 0xfffe_0000) | on) & ~(rng.chance(1, 2) ? 0 : 3)) >>> 0;
      const lower = (DATA | rng.below(4)) >>> 0;
      model.blocks[n] = [upper, lower];
      machine.set({ msr: MSR_ME, r5: upper, r6: lower });
      // SPR 528-535 are the IBATs, 536-543 the DBATs.
      const lowerFirst = [encode('mtspr', { spr: 529 + n * 2, rs: 6 }), encode('mtspr', { spr: 528 + n * 2, rs: 5 })];
      machine.execute(...lowerFirst, encode('isync'));
      return `bat ${n}`;
    }
    case 3:
    case 4: {
      // Unmap, flush; then perhaps map something else.
      const vsid = rng.from(VSIDS);
      for (const secondary of [false, true]) {
        for (let slot = 0; slot < 8; slot++) {
          const pte = table.group(vsid, va, secondary) + slot * 8;
          if (machine.word(pte) === PageTable.word0({ vsid, va, pa: 0, pp: 0, secondary })) machine.setWord(pte, 0);
        }
      }
      tlbie();
      return 'unmap';
    }
    case 5: {
      const { pte } = model.walk(va, 'load');
      if (pte === undefined) return 'nothing';
      machine.setWord(pte + 4, (machine.word(pte + 4) & ~(PTE_R | PTE_C | 3)) | rng.below(4));
      tlbie();
      return 'protect';
    }
    default: {
      const vsid = rng.from(VSIDS);
      const secondary = rng.chance(1, 3);
      const taken = [false, true].some((h) =>
        [0, 1, 2, 3, 4, 5, 6, 7].some(
          (slot) =>
            machine.word(table.group(vsid, va, h) + slot * 8) ===
            PageTable.word0({ vsid, va, pa: 0, pp: 0, secondary: h }),
        ),
      );
      if (taken) return 'mapped';
      const slot = rng.below(8);
      if (machine.word(table.group(vsid, va, secondary) + slot * 8) >>> 31) return 'full';
      table.map({ vsid, va, pa: toPage(rng), pp: rng.from([0, 1, 2, 2, 2, 3]), secondary, slot });
      return 'map';
    }
  }
}

describe('Software TLB', () => {
  for (const seed of [1, 2, 3]) {
    it(`agrees with the tables through thousands of changes (seed ${seed})`, () => {
      const model = new Model();
      const rng = new PpcRandom(seed);
      for (const n of SEGMENTS) {
        model.segments[n] = VSIDS[0]!;
        model.machine.set({ [`sr${n}`]: VSIDS[0]! });
      }
      const counts = { fine: 0, faults: 0 };
      for (let round = 0; round < 8000; round++) {
        const page =
          (rng.from(SEGMENTS) << 28) | (rng.below(PAGES_IN_SEGMENT) << 12) | (rng.chance(1, 4) ? 0x2_0000 : 0);
        const va = (page | (rng.below(512) << 3)) >>> 0;
        const changed = rng.chance(1, 3) ? change(model, rng, va) : 'nothing';
        const access = rng.from<Access>(['load', 'load', 'store', 'fetch']);
        const { fault } = model.walk(va, access);
        if (fault === undefined) counts.fine++;
        else counts.faults++;
        const wrong = model.access(va, access, mark(round), rng.chance(1, 4));
        expect(wrong, `round ${round}: after ${changed}, ${access} at ${va.toString(16)}`).toBeUndefined();
      }
      expect(counts.fine).toBeGreaterThan(1000);
      expect(counts.faults).toBeGreaterThan(1000);
    });
  }
});
