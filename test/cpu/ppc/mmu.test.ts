// SPDX-License-Identifier: MIT
//
// Memory management of [PEM 7]: block translation, segments, hashed page tables, protection, and the 603's table search.
import { describe, expect, it } from 'vitest';
import { encode } from '../../support/ppc-decode.ts';
import { PpcMachine, type PpcModel } from '../../support/ppc-machine.ts';
import { PTE_C, PTE_R, type PageEntry, PageTable } from '../../support/ppc-page-table.ts';

const MSR_PR = 0x4000;
const MSR_ME = 0x1000;
const MSR_IR = 0x20;
const MSR_DR = 0x10;

const DSI = 0x300;
const ISI = 0x400;
const NOT_FOUND = 0x4000_0000;
const PROTECTION = 0x0800_0000;
const DIRECT_STORE = 0x0400_0000; // [750 UM table 5-3]
const STORE = 0x0200_0000;
const NO_EXECUTE = 0x1000_0000; // in SRR1

const SEGMENT_T = 0x8000_0000;
const KS = 0x4000_0000;
const KP = 0x2000_0000;
const SEGMENT_N = 0x1000_0000;

const RAM_BYTES = 0x0080_0000;
const HTAB = 0x0010_0000;
const CODE = 0x0000_8000;
/** Data pages used by tests begin here. */
const DATA = 0x0040_0000;

const NOP = encode('ori');
const SELF = encode('b');
const PROGRAM = [NOP, SELF];

/** What an access gave: a value, or an exception with the registers that describe it. */
interface Outcome {
  readonly vector?: number;
  readonly value?: number;
  readonly dsisr?: number;
  readonly dar?: number;
  readonly srr0?: number;
  readonly srr1?: number;
}

class MmuBench {
  readonly machine: PpcMachine;
  readonly table: PageTable;
  #msr = MSR_ME;

  constructor(model: PpcModel = '750', htabBytes = 0x1_0000) {
    this.machine = new PpcMachine({ model, ram: [{ first: 0, size: RAM_BYTES }] });
    this.table = new PageTable(this.machine, HTAB, htabBytes);
    this.machine.set({ sdr1: this.table.sdr1 });
    for (let n = 0; n < 16; n++) this.machine.set({ [`sr${n}`]: 0x100 + n });
    for (const vector of [ISI, 0x1000]) this.machine.setWord(vector, SELF);
    for (let n = 0; n < RAM_BYTES - DATA; n += 4096) this.machine.setWord(DATA + n, DATA + n);
  }

  /** User or supervisor, for the accesses that follow. */
  user(on: boolean): this {
    this.#msr = MSR_ME | (on ? MSR_PR : 0);
    return this;
  }

  segment(n: number, value: number): this {
    this.machine.set({ [`sr${n}`]: value });
    return this;
  }

  /** Maps a page of a segment as the segment register stands. */
  map(va: number, pa: number, pp: number, more: Partial<PageEntry> = {}): number {
    const sr = this.machine.get(`sr${va >>> 28}`)[`sr${va >>> 28}`] as number;
    return this.table.map({ vsid: sr & 0xff_ffff, va, pa, pp, ...more });
  }

  load(va: number): Outcome {
    return this.#data(encode('lwz', { rt: 3, ra: 4 }), va);
  }

  store(va: number, value = 0x1234_5678): Outcome {
    return this.#data(encode('stw', { rs: 3, ra: 4 }), va, value);
  }

  data(word: number, va: number): Outcome {
    return this.#data(word, va);
  }

  /** Executes {@link PROGRAM} at `va` with instruction translation on: a run, since single steps keep no translations. */
  fetch(va: number): Outcome {
    this.machine.set({ pc: va, msr: this.#msr | MSR_IR });
    this.machine.run(2);
    const after = this.machine.get('pc', 'srr0', 'srr1', 'msr');
    if (after['pc'] === va + 4) return { value: va + 4 };
    return {
      vector: Number(after['pc']),
      srr0: Number(after['srr0']),
      srr1: Number(after['srr1']) & 0x7800_0000,
    };
  }

  #data(word: number, va: number, value = 0): Outcome {
    this.machine.setWord(CODE, word);
    this.machine.set({ pc: CODE, msr: this.#msr | MSR_DR, r3: value, r4: va, dar: 0, dsisr: 0 });
    this.machine.step();
    const after = this.machine.get('pc', 'r3', 'dsisr', 'dar', 'srr0', 'srr1');
    if (after['pc'] === CODE + 4) return { value: Number(after['r3']) };
    return {
      vector: Number(after['pc']),
      dsisr: Number(after['dsisr']),
      dar: Number(after['dar']),
      srr0: Number(after['srr0']),
    };
  }
}

const dsi = (dar: number, dsisr: number): Outcome => ({ vector: DSI, dsisr: dsisr >>> 0, dar, srr0: CODE });

describe('Hashed page table', () => {
  it('finds an entry in every slot of the primary and the secondary group', () => {
    for (const secondary of [false, true]) {
      for (let slot = 0; slot < 8; slot++) {
        const bench = new MmuBench();
        bench.map(0x1234_5000, DATA + 0x1000, 2, { secondary, slot });
        expect(bench.load(0x1234_5000), `slot ${slot}`).toEqual({ value: DATA + 0x1000 });
      }
    }
  });

  it('finds pages all over the address space, at random, with tables of every size', () => {
    for (const size of [0x1_0000, 0x2_0000, 0x8_0000]) {
      const bench = new MmuBench('750', size);
      let seed = size;
      const next = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0);
      for (let n = 0; n < 16; n++) bench.segment(n, next() & 0xff_ffff);
      const used = new Set<number>();
      const pages: { va: number; pa: number }[] = [];
      for (let n = 0; n < 200; n++) {
        const va = (next() & 0xffff_f000) >>> 0;
        const pa = DATA + (n << 12);
        const vsid = Number(bench.machine.get(`sr${va >>> 28}`)[`sr${va >>> 28}`]);
        const secondary = (n & 1) === 1;
        const group = bench.table.group(vsid, va, secondary);
        const slot = [0, 1, 2, 3, 4, 5, 6, 7].find((free) => !used.has(group + free * 8));
        if (slot === undefined || pages.some((page) => page.va === va)) continue;
        used.add(group + slot * 8);
        bench.map(va, pa, 2, { secondary, slot });
        pages.push({ va, pa });
      }
      expect(pages.length).toBeGreaterThan(150);
      for (const { va, pa } of pages) expect(bench.load(va)).toEqual({ value: pa });
      for (const { va, pa } of pages) expect(bench.machine.cpu.translate(va + 0x123, 'data')).toBe(pa + 0x123);
    }
  });

  it('compares the whole entry: V, VSID, H and API', () => {
    const bench = new MmuBench();
    const va = 0x2345_6000;
    const good: PageEntry = { vsid: 0x102, va, pa: DATA, pp: 2 };
    const pte = bench.table.map(good);
    const wrong = [{ valid: false }, { vsid: 0x103 }, { secondary: true }, { va: va ^ 0x0040_0000 }];
    for (const change of wrong) {
      bench.machine.setWord(pte, PageTable.word0({ ...good, ...change }));
      bench.data(encode('tlbie', { rb: 4 }), va);
      expect(bench.load(va), JSON.stringify(change)).toEqual(dsi(va, NOT_FOUND));
    }
    bench.machine.setWord(pte, PageTable.word0(good));
    bench.data(encode('tlbie', { rb: 4 }), va);
    expect(bench.load(va)).toEqual({ value: DATA });
  });

  it('raises DSI and ISI where nothing is mapped', () => {
    const bench = new MmuBench();
    expect(bench.load(0x3000_0004)).toEqual(dsi(0x3000_0004, NOT_FOUND));
    expect(bench.store(0x3000_0008)).toEqual(dsi(0x3000_0008, NOT_FOUND | STORE));
    expect(bench.fetch(0x3000_0010)).toEqual({ vector: ISI, srr0: 0x3000_0010, srr1: NOT_FOUND });
  });

  it('sets R at a load and C at a store, and C not before', () => {
    const bench = new MmuBench();
    const pte = bench.map(0x4000_0000, DATA, 2);
    const flags = (): number => bench.machine.word(pte + 4) & (PTE_R | PTE_C);
    expect(flags()).toBe(0);
    bench.load(0x4000_0000);
    expect(flags()).toBe(PTE_R);
    bench.load(0x4000_0ffc);
    expect(flags()).toBe(PTE_R);
    expect(bench.store(0x4000_0010)).toEqual({ value: 0x1234_5678 });
    expect(flags()).toBe(PTE_R | PTE_C);
    expect(bench.machine.word(DATA + 0x10)).toBe(0x1234_5678);
  });

  it('sets R at an instruction fetch, and R and C at a store as the first access', () => {
    const bench = new MmuBench();
    const code = bench.map(0x4000_0000, DATA, 2);
    const data = bench.map(0x4000_1000, DATA + 0x1000, 2);
    bench.machine.program(DATA, PROGRAM);
    expect(bench.fetch(0x4000_0000)).toEqual({ value: 0x4000_0004 });
    expect(bench.machine.word(code + 4) & (PTE_R | PTE_C)).toBe(PTE_R);
    bench.store(0x4000_1000);
    expect(bench.machine.word(data + 4) & (PTE_R | PTE_C)).toBe(PTE_R | PTE_C);
  });

  it('sets C again after software cleared it and flushed the TLB', () => {
    const bench = new MmuBench();
    const pte = bench.map(0x4000_0000, DATA, 2);
    bench.store(0x4000_0000);
    bench.machine.setWord(pte + 4, bench.machine.word(pte + 4) & ~(PTE_R | PTE_C));
    bench.data(encode('tlbie', { rb: 4 }), 0x4000_0000);
    bench.store(0x4000_0000);
    expect(bench.machine.word(pte + 4) & (PTE_R | PTE_C)).toBe(PTE_R | PTE_C);
  });

  it('does not set C for a store that protection forbids', () => {
    const bench = new MmuBench().segment(4, 0x104);
    const pte = bench.map(0x4000_0000, DATA, 3);
    expect(bench.store(0x4000_0000)).toEqual(dsi(0x4000_0000, PROTECTION | STORE));
    expect(bench.machine.word(pte + 4) & PTE_C).toBe(0);
    expect(bench.machine.word(DATA)).toBe(DATA);
  });
});

describe('Page protection', () => {
  /** [PEM table 7-14]: what PP allows with key 0 and with key 1. */
  const ALLOWED: readonly (readonly [string, string])[] = [
    ['rw', ''],
    ['rw', 'r'],
    ['rw', 'rw'],
    ['r', 'r'],
  ];
  const va = 0x5000_0000;
  for (const user of [false, true]) {
    for (const [keys, ks, kp] of [
      ['Ks=0 Kp=0', 0, 0],
      ['Ks=1 Kp=0', 1, 0],
      ['Ks=0 Kp=1', 0, 1],
      ['Ks=1 Kp=1', 1, 1],
    ] as const) {
      it(`follows PP for ${user ? 'user' : 'supervisor'} accesses with ${keys}`, () => {
        for (let pp = 0; pp < 4; pp++) {
          const bench = new MmuBench().user(user).segment(5, 0x105 | (ks ? KS : 0) | (kp ? KP : 0));
          bench.map(va, DATA, pp);
          const allowed = ALLOWED[pp]![user ? kp : ks]!;
          const read = allowed.includes('r');
          const write = allowed.includes('w');
          const label = `pp=${pp}`;
          expect(bench.load(va), label).toEqual(read ? { value: DATA } : dsi(va, PROTECTION));
          expect(bench.store(va), label).toEqual(write ? { value: 0x1234_5678 } : dsi(va, PROTECTION | STORE));
          bench.machine.program(DATA, PROGRAM);
          const fault = { vector: ISI, srr0: va, srr1: PROTECTION };
          expect(bench.fetch(va), label).toEqual(read ? { value: va + 4 } : fault);
          // The order of accesses must not matter: a store first, on a fresh TLB.
          const fresh = new MmuBench().user(user).segment(5, 0x105 | (ks ? KS : 0) | (kp ? KP : 0));
          fresh.map(va, DATA, pp);
          expect(fresh.store(va), label).toEqual(write ? { value: 0x1234_5678 } : dsi(va, PROTECTION | STORE));
        }
      });
    }
  }

  it('is checked again when the privilege changes', () => {
    const bench = new MmuBench().segment(5, 0x105 | KP);
    bench.map(va, DATA, 0);
    expect(bench.load(va)).toEqual({ value: DATA });
    expect(bench.user(true).load(va)).toEqual(dsi(va, PROTECTION));
    expect(bench.user(false).load(va)).toEqual({ value: DATA });
  });
});

describe('Segments', () => {
  it('raise DSI for data and ISI for code where T = 1', () => {
    const bench = new MmuBench().segment(6, SEGMENT_T | KS | KP);
    expect(bench.load(0x6000_0000)).toEqual(dsi(0x6000_0000, DIRECT_STORE));
    expect(bench.store(0x6000_0004)).toEqual(dsi(0x6000_0004, DIRECT_STORE | STORE));
    expect(bench.data(encode('lwarx', { rt: 3, rb: 4 }), 0x6000_0008)).toEqual(dsi(0x6000_0008, DIRECT_STORE));
    expect(bench.fetch(0x6000_0000)).toEqual({ vector: ISI, srr0: 0x6000_0000, srr1: NO_EXECUTE });
  });

  it('forbid execution, not data, where N = 1', () => {
    const bench = new MmuBench().segment(6, 0x106 | SEGMENT_N);
    bench.map(0x6000_0000, DATA, 2);
    expect(bench.load(0x6000_0000)).toEqual({ value: DATA });
    expect(bench.fetch(0x6000_0000)).toEqual({ vector: ISI, srr0: 0x6000_0000, srr1: NO_EXECUTE });
  });

  it('forbid execution from guarded pages', () => {
    const bench = new MmuBench();
    bench.map(0x6000_0000, DATA, 2, { wimg: 1 });
    expect(bench.fetch(0x6000_0000)).toEqual({ vector: ISI, srr0: 0x6000_0000, srr1: NO_EXECUTE });
  });

  it('switch address spaces with mtsr', () => {
    const bench = new MmuBench();
    bench.table.map({ vsid: 0x111, va: 0x7000_0000, pa: DATA, pp: 2 });
    bench.table.map({ vsid: 0x222, va: 0x7000_0000, pa: DATA + 0x1000, pp: 2 });
    for (const [vsid, value] of [
      [0x111, DATA],
      [0x222, DATA + 0x1000],
      [0x111, DATA],
    ] as const) {
      bench.machine.set({ msr: MSR_ME, r5: vsid });
      bench.machine.execute(encode('mtsr', { rs: 5, sr: 7 }), encode('isync'));
      expect(bench.load(0x7000_0000)).toEqual({ value });
      expect(bench.machine.get('sr7')['sr7']).toBe(vsid);
    }
    bench.machine.set({ msr: MSR_ME, r5: 0x333, r6: 0x7fff_ffff });
    bench.machine.execute(encode('mtsrin', { rs: 5, rb: 6 }), encode('isync'));
    expect(bench.load(0x7000_0000)).toEqual(dsi(0x7000_0000, NOT_FOUND));
  });

  it('read back through mfsr and mfsrin', () => {
    const bench = new MmuBench().segment(9, 0x6012_3456);
    bench.machine.set({ msr: MSR_ME, r6: 0x9000_0000 });
    bench.machine.execute(encode('mfsr', { rt: 7, sr: 9 }), encode('mfsrin', { rt: 8, rb: 6 }));
    expect(bench.machine.get('r7', 'r8')).toEqual({ r7: 0x6012_3456, r8: 0x6012_3456 });
  });
});

describe('TLB', () => {
  it('shows a changed entry after tlbie', () => {
    const bench = new MmuBench();
    const pte = bench.map(0x4000_0000, DATA, 2);
    expect(bench.load(0x4000_0000)).toEqual({ value: DATA });
    bench.machine.setWord(pte + 4, PageTable.word1({ vsid: 0, va: 0, pa: DATA + 0x2000, pp: 2 }));
    bench.data(encode('tlbie', { rb: 4 }), 0x4000_0000);
    expect(bench.load(0x4000_0000)).toEqual({ value: DATA + 0x2000 });
    bench.machine.setWord(pte, 0);
    bench.data(encode('tlbie', { rb: 4 }), 0x4000_0000);
    expect(bench.load(0x4000_0000)).toEqual(dsi(0x4000_0000, NOT_FOUND));
  });

  it('invalidates by the page index alone, whatever the segment', () => {
    const bench = new MmuBench();
    const pte = bench.map(0x4001_2000, DATA, 2);
    expect(bench.load(0x4001_2000)).toEqual({ value: DATA });
    bench.machine.setWord(pte, 0);
    bench.data(encode('tlbie', { rb: 4 }), 0x9001_2000);
    expect(bench.load(0x4001_2000)).toEqual(dsi(0x4001_2000, NOT_FOUND));
  });

  it('invalidates instruction translations too', () => {
    const bench = new MmuBench();
    const pte = bench.map(0x4000_0000, DATA, 2);
    bench.machine.program(DATA, PROGRAM);
    expect(bench.fetch(0x4000_0000)).toEqual({ value: 0x4000_0004 });
    bench.machine.setWord(pte, 0);
    bench.data(encode('tlbie', { rb: 4 }), 0x4000_0000);
    expect(bench.fetch(0x4000_0000)).toEqual({ vector: ISI, srr0: 0x4000_0000, srr1: NOT_FOUND });
  });

  it('keeps accesses that cross into an unmapped page from doing half', () => {
    const bench = new MmuBench();
    bench.map(0x4000_0000, DATA, 2);
    expect(bench.load(0x4000_0ffe)).toEqual(dsi(0x4000_1000, NOT_FOUND));
    expect(bench.store(0x4000_0ffd)).toEqual(dsi(0x4000_1000, NOT_FOUND | STORE));
    expect(bench.machine.word(DATA + 0xffc)).toBe(0);
    bench.map(0x4000_1000, DATA + 0x5000, 2);
    expect(bench.store(0x4000_0ffd)).toEqual({ value: 0x1234_5678 });
    expect(bench.machine.word(DATA + 0xffc)).toBe(0x0012_3456);
    expect(bench.machine.word(DATA + 0x5000) >>> 24).toBe(0x78);
  });
});

describe('Block address translation', () => {
  const upper = (va: number, bl: number, vs: number, vp: number): number => (va | (bl << 2) | (vs << 1) | vp) >>> 0;
  const lower = (pa: number, pp: number, wimg = 0): number => (pa | (wimg << 3) | pp) >>> 0;

  it('maps blocks of every size, and nothing beyond', () => {
    for (let bits = 0; bits <= 11; bits++) {
      const bl = (1 << bits) - 1;
      const size = 0x2_0000 << bits;
      for (let n = 0; n < 4; n++) {
        const bench = new MmuBench();
        // The block begins so that its last page is within RAM, or RAM is at its beginning.
        bench.machine.set({ [`dbat${n}u`]: upper(0x8000_0000, bl, 1, 1), [`dbat${n}l`]: lower(0, 2) });
        const last = Math.min(size, RAM_BYTES) - 4096;
        bench.machine.setWord(last, 0x600d_0000);
        expect(bench.load(0x8000_0000 + last), `size ${size}`).toEqual({ value: 0x600d_0000 });
        expect(bench.machine.cpu.translate(0x8000_0000 + size - 4, 'data')).toBe(size - 4);
        expect(bench.load(0x8000_0000 + size), `size ${size}`).toEqual(dsi(0x8000_0000 + size, NOT_FOUND));
      }
    }
  });

  it('is valid for supervisor by Vs and for user by Vp', () => {
    for (const [vs, vp] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ] as const) {
      const bench = new MmuBench();
      bench.machine.set({ dbat1u: upper(0x8000_0000, 0, vs, vp), dbat1l: lower(DATA, 2) });
      const missing = dsi(0x8000_0000, NOT_FOUND);
      expect(bench.user(false).load(0x8000_0000)).toEqual(vs ? { value: DATA } : missing);
      expect(bench.user(true).load(0x8000_0000)).toEqual(vp ? { value: DATA } : missing);
    }
  });

  it('protects by PP', () => {
    for (let pp = 0; pp < 4; pp++) {
      const bench = new MmuBench();
      bench.machine.set({ dbat2u: upper(0x8000_0000, 0, 1, 1), dbat2l: lower(DATA, pp) });
      bench.machine.set({ ibat2u: upper(0x8000_0000, 0, 1, 1), ibat2l: lower(DATA, pp) });
      const va = 0x8000_0000;
      expect(bench.load(va), `pp=${pp}`).toEqual(pp === 0 ? dsi(va, PROTECTION) : { value: DATA });
      expect(bench.store(va), `pp=${pp}`).toEqual(pp === 2 ? { value: 0x1234_5678 } : dsi(va, PROTECTION | STORE));
      bench.machine.program(DATA, PROGRAM);
      const fault = { vector: ISI, srr0: va, srr1: PROTECTION };
      expect(bench.fetch(va), `pp=${pp}`).toEqual(pp === 0 ? fault : { value: va + 4 });
    }
  });

  it('comes before the page table and before T = 1 segments', () => {
    const bench = new MmuBench();
    bench.map(0x8000_0000, DATA + 0x1000, 2);
    expect(bench.load(0x8000_0000)).toEqual({ value: DATA + 0x1000 });
    bench.machine.set({ dbat3u: upper(0x8000_0000, 0, 1, 1), dbat3l: lower(DATA, 2) });
    expect(bench.load(0x8000_0000)).toEqual({ value: DATA });
    bench.segment(8, SEGMENT_T);
    expect(bench.load(0x8000_0000)).toEqual({ value: DATA });
    bench.segment(8, 0x108);
    bench.machine.set({ dbat3u: 0 });
    expect(bench.load(0x8000_0000)).toEqual({ value: DATA + 0x1000 });
  });

  it('keeps instruction and data blocks apart', () => {
    const bench = new MmuBench();
    bench.machine.program(DATA, PROGRAM);
    bench.machine.set({ ibat0u: upper(0x8000_0000, 0, 1, 1), ibat0l: lower(DATA, 2) });
    expect(bench.fetch(0x8000_0000)).toEqual({ value: 0x8000_0004 });
    expect(bench.load(0x8000_0000)).toEqual(dsi(0x8000_0000, NOT_FOUND));
  });

  it('takes effect when written with mtspr, both halves read back', () => {
    const bench = new MmuBench();
    bench.machine.set({ msr: MSR_ME, r5: upper(0x8000_0000, 0, 1, 1), r6: lower(DATA, 2) });
    bench.machine.execute(
      encode('mtspr', { spr: 537, rs: 6 }),
      encode('mtspr', { spr: 536, rs: 5 }),
      encode('isync'),
      encode('mfspr', { spr: 536, rt: 7 }),
      encode('mfspr', { spr: 537, rt: 8 }),
    );
    expect(bench.machine.get('r7', 'r8')).toEqual({ r7: upper(0x8000_0000, 0, 1, 1), r8: lower(DATA, 2) });
    expect(bench.load(0x8000_0000)).toEqual({ value: DATA });
  });

  it('does not execute from guarded blocks', () => {
    const bench = new MmuBench();
    bench.machine.program(DATA, PROGRAM);
    bench.machine.set({ ibat0u: upper(0x8000_0000, 0, 1, 1), ibat0l: lower(DATA, 2, 1) });
    expect(bench.fetch(0x8000_0000)).toEqual({ vector: ISI, srr0: 0x8000_0000, srr1: NO_EXECUTE });
  });
});

describe('601 block address translation', () => {
  // [601 UM 2.3.3.1.7]: upper has the effective block, WIM, Ks, Ku and PP, lower the physical block, V and the size mask.
  const upper = (va: number, ks: number, ku: number, pp: number): number => (va | (ks << 3) | (ku << 2) | pp) >>> 0;
  const lower = (pa: number, mask: number, valid = 1): number => (pa | (valid << 6) | mask) >>> 0;

  it('maps code and data alike, in blocks of 128 KiB to 8 MiB', () => {
    for (let bits = 0; bits <= 6; bits++) {
      const bench = new MmuBench('601');
      const size = 0x2_0000 << bits;
      bench.machine.set({ ibat2u: upper(0x8000_0000, 0, 0, 2), ibat2l: lower(0, (1 << bits) - 1) });
      bench.machine.program(size - 4096, PROGRAM);
      expect(bench.load(0x8000_0000 + size - 4096)).toEqual({ value: NOP });
      expect(bench.fetch(0x8000_0000 + size - 4096)).toEqual({ value: 0x8000_0000 + size - 4092 });
      expect(bench.load(0x8000_0000 + size)).toEqual(dsi(0x8000_0000 + size, NOT_FOUND));
    }
  });

  it('protects by PP with a key for each state', () => {
    for (const user of [false, true]) {
      for (let pp = 0; pp < 4; pp++) {
        for (const key of [0, 1]) {
          const bench = new MmuBench('601').user(user);
          const word = upper(0x8000_0000, user ? 1 - key : key, user ? key : 1 - key, pp);
          bench.machine.set({ ibat0u: word, ibat0l: lower(DATA & ~0x1_ffff, 0) });
          const read = key === 0 || pp !== 0;
          const write = pp === 2 || (key === 0 && pp !== 3);
          expect(bench.load(0x8000_0000)).toEqual(read ? { value: DATA } : dsi(0x8000_0000, PROTECTION));
          const forbidden = dsi(0x8000_0000, PROTECTION | STORE);
          expect(bench.store(0x8000_0000)).toEqual(write ? { value: 0x1234_5678 } : forbidden);
        }
      }
    }
  });

  it('is off without V', () => {
    const bench = new MmuBench('601');
    bench.machine.set({ ibat0u: upper(0x8000_0000, 0, 0, 2), ibat0l: lower(DATA & ~0x1_ffff, 0, 0) });
    expect(bench.load(0x8000_0000)).toEqual(dsi(0x8000_0000, NOT_FOUND));
  });
});

describe('Cache and reservation instructions', () => {
  it('translate their address: dcbz as a store, the others as loads', () => {
    const bench = new MmuBench();
    const va = 0x4000_0020;
    expect(bench.data(encode('dcbz', { rb: 4 }), va)).toEqual(dsi(va, NOT_FOUND | STORE));
    expect(bench.data(encode('dcbst', { rb: 4 }), va)).toEqual(dsi(va, NOT_FOUND));
    expect(bench.data(encode('icbi', { rb: 4 }), va)).toEqual(dsi(va, NOT_FOUND));
    expect(bench.data(encode('dcbt', { rb: 4 }), va)).toEqual({ value: 0 });
    bench.map(0x4000_0000, DATA, 3);
    expect(bench.data(encode('dcbz', { rb: 4 }), va)).toEqual(dsi(va, PROTECTION | STORE));
    expect(bench.data(encode('dcbf', { rb: 4 }), va)).toEqual({ value: 0 });
  });

  it('zero a whole 32-byte block', () => {
    const bench = new MmuBench();
    bench.map(0x4000_0000, DATA, 2);
    for (let n = 0; n < 96; n += 4) bench.machine.setWord(DATA + n, 0xffff_ffff);
    bench.data(encode('dcbz', { rb: 4 }), 0x4000_003b);
    const words = Array.from({ length: 24 }, (_, n) => bench.machine.word(DATA + n * 4));
    expect(words).toEqual(words.map((_, n) => (n >= 8 && n < 16 ? 0 : 0xffff_ffff)));
  });
});

describe('603 table search', () => {
  const LOAD_MISS = 0x1100;
  const STORE_MISS = 0x1200;
  const FETCH_MISS = 0x1000;
  const KEY = 0x0008_0000;
  const FETCHED = 0x0004_0000;
  const STORED = 0x0001_0000;
  const MSR_TGPR = 0x0002_0000;
  const va = 0x4012_3000;

  const registers = (bench: MmuBench): Record<string, number | bigint> =>
    bench.machine.get('dmiss', 'dcmp', 'imiss', 'icmp', 'hash1', 'hash2', 'srr0', 'srr1', 'msr', 'pc');

  it('leaves a load miss to software with DMISS, DCMP and both group addresses', () => {
    const bench = new MmuBench('603e').segment(4, 0x104 | KS);
    expect(bench.load(va + 0x10).vector).toBe(LOAD_MISS);
    const after = registers(bench);
    expect(after['dmiss']).toBe(va + 0x10);
    expect(after['dcmp']).toBe(PageTable.word0({ vsid: 0x104, va, pa: 0, pp: 0 }));
    expect(after['hash1']).toBe(bench.table.group(0x104, va));
    expect(after['hash2']).toBe(bench.table.group(0x104, va, true));
    expect(after['srr0']).toBe(CODE);
    expect(Number(after['srr1']) & (KEY | FETCHED | STORED)).toBe(KEY);
    expect(Number(after['msr']) & MSR_TGPR).toBe(MSR_TGPR);
  });

  it('tells stores, fetches and the key apart in SRR1', () => {
    const bench = new MmuBench('603e').segment(4, 0x104 | KP);
    expect(bench.store(va).vector).toBe(STORE_MISS);
    expect(Number(registers(bench)['srr1']) & (KEY | FETCHED | STORED)).toBe(STORED);
    expect(bench.user(true).store(va).vector).toBe(STORE_MISS);
    expect(Number(registers(bench)['srr1']) & (KEY | FETCHED | STORED)).toBe(KEY | STORED);
    expect(bench.user(true).fetch(va).vector).toBe(FETCH_MISS);
    const after = registers(bench);
    expect(Number(after['srr1']) & FETCHED).toBe(FETCHED);
    expect(after['imiss']).toBe(va);
    expect(after['icmp']).toBe(PageTable.word0({ vsid: 0x104, va, pa: 0, pp: 0 }));
  });

  it('copies CR0 to SRR1', () => {
    const bench = new MmuBench('603e');
    bench.machine.set({ cr: 0x9123_4567 });
    bench.load(va);
    expect(Number(registers(bench)['srr1']) >>> 28).toBe(9);
  });

  it('gives the handler its own r0 to r3', () => {
    const bench = new MmuBench('603e');
    bench.machine.set({ r0: 10, r1: 11, r2: 12 });
    bench.load(va);
    bench.machine.setWord(LOAD_MISS, encode('addi', { rt: 0, si: 99 }));
    bench.machine.setWord(LOAD_MISS + 4, encode('addi', { rt: 1, si: 98 }));
    bench.machine.setWord(LOAD_MISS + 8, encode('rfi'));
    bench.machine.step(3);
    expect(bench.machine.get('r0', 'r1', 'r2', 'r4')).toEqual({ r0: 10, r1: 11, r2: 12, r4: va });
  });

  /** What the miss handler does at its end: RPA and tlbld or tlbli, then rfi. */
  function refill(bench: MmuBench, word1: number, instruction: boolean): void {
    const { pc } = bench.machine.get('pc');
    bench.machine.set({ rpa: word1 });
    const miss = bench.machine.get(instruction ? 'imiss' : 'dmiss');
    bench.machine.set({ r1: miss[instruction ? 'imiss' : 'dmiss']! });
    bench.machine.setWord(Number(pc), encode(instruction ? 'tlbli' : 'tlbld', { rb: 1 }));
    bench.machine.setWord(Number(pc) + 4, encode('rfi'));
    bench.machine.step(2);
  }

  it('succeeds after tlbld, and goes to the handler again at the first store', () => {
    const bench = new MmuBench('603e');
    bench.load(va);
    refill(bench, PageTable.word1({ vsid: 0, va, pa: DATA, pp: 2, referenced: true }), false);
    expect(bench.machine.get('pc')['pc']).toBe(CODE);
    expect(bench.load(va)).toEqual({ value: DATA });
    expect(bench.store(va).vector).toBe(STORE_MISS);
    expect(Number(registers(bench)['srr1']) & STORED).toBe(STORED);
    refill(bench, PageTable.word1({ vsid: 0, va, pa: DATA, pp: 2, referenced: true, changed: true }), false);
    expect(bench.store(va)).toEqual({ value: 0x1234_5678 });
    expect(bench.machine.word(DATA)).toBe(0x1234_5678);
  });

  it('executes after tlbli', () => {
    const bench = new MmuBench('603e');
    bench.machine.program(DATA, PROGRAM);
    expect(bench.fetch(va).vector).toBe(FETCH_MISS);
    refill(bench, PageTable.word1({ vsid: 0, va, pa: DATA, pp: 2, referenced: true }), true);
    expect(bench.fetch(va)).toEqual({ value: va + 4 });
  });

  it('checks protection in hardware', () => {
    const bench = new MmuBench('603e').segment(4, 0x104 | KS);
    bench.load(va);
    refill(bench, PageTable.word1({ vsid: 0, va, pa: DATA, pp: 0, referenced: true, changed: true }), false);
    expect(bench.load(va)).toEqual(dsi(va, PROTECTION));
    expect(bench.store(va)).toEqual(dsi(va, PROTECTION | STORE));
  });

  it('drops entries at tlbie', () => {
    const bench = new MmuBench('603e');
    bench.load(va);
    refill(bench, PageTable.word1({ vsid: 0, va, pa: DATA, pp: 2, referenced: true }), false);
    expect(bench.load(va)).toEqual({ value: DATA });
    bench.data(encode('tlbie', { rb: 4 }), va);
    expect(bench.load(va).vector).toBe(LOAD_MISS);
  });
});
