// SPDX-License-Identifier: MIT
//
// Random tables of the 68040 and the 68030 searched by the core and by a model written from the manuals' descriptions
// [68040 UM §3, 68030 UM §9]: what an access reaches, which exception it takes, what is written into the tables, and
// what PTEST says. The program and its stack are reached transparently; all else lies above 16 MiB.
import { describe, expect, it } from 'vitest';
import { TestM68k } from '../../support/m68k.ts';
import { random } from '../../support/random.ts';

const TABLES = 0x2_0000;
const TABLES_END = 0x5_0000;
const PAGES = 0x8_0000;
const PAGES_END = 0x10_0000;

const next = random(2024);
const below = (limit: number): number => Math.floor(next() * limit);
const chance = (one: number): boolean => below(one) === 0;
const pickFrom = <T>(list: readonly T[]): T => list[below(list.length)]!;

/** Function codes: user data and program, supervisor data and program. */
const SPACES = [1, 2, 5, 6] as const;

interface Access {
  readonly va: number;
  readonly fc: number;
  readonly writing: boolean;
}

/** What a search finds. */
interface Found {
  readonly pa?: number;
  /** Whether the access may be made. */
  readonly allowed: boolean;
  /** What PTEST leaves in the MMUSR. */
  readonly status: number;
  /** Address of the last descriptor looked at. */
  readonly descriptor?: number;
}

/** The tables as the model sees them: a copy, compared afterwards. */
class Tables {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(machine: TestM68k) {
    this.bytes = machine.ram.bytes.slice(TABLES, TABLES_END);
    this.#view = new DataView(this.bytes.buffer);
  }

  long(pa: number): number {
    return pa >= TABLES && pa + 4 <= TABLES_END ? this.#view.getUint32(pa - TABLES) : 0;
  }

  or(pa: number, bits: number): void {
    if (pa >= TABLES && pa + 4 <= TABLES_END) this.#view.setUint32(pa - TABLES, this.long(pa) | bits);
  }
}

/** Gives out aligned room for tables. */
class Room {
  #next = TABLES;

  take(bytes: number, alignment: number): number {
    this.#next = Math.ceil(this.#next / alignment) * alignment;
    const at = this.#next;
    this.#next += bytes;
    if (this.#next > TABLES_END) throw new RangeError('no room for tables');
    return at;
  }
}

/** MOVES.B (A0),D1 or D1,(A0) with the access's function code; whether it took an access error. */
function tryAccess(machine: TestM68k, { va, fc, writing }: Access): boolean {
  machine.set({ sr: 0x2700, a7: TestM68k.STACK, a0: va, d1: 0x5a, sfc: fc, dfc: fc });
  machine.execute([0x0e10, writing ? 0x1800 : 0x1000]);
  return machine.cpu.pc === TestM68k.handler(2);
}

function prepare(machine: TestM68k): void {
  const { bytes } = machine.ram;
  bytes.fill(0, TABLES, TABLES_END);
  for (let pa = PAGES; pa < PAGES_END; pa += 61) bytes[pa] = pa * 7;
}

function expectTables(machine: TestM68k, model: Tables, title: string): void {
  if (Buffer.compare(machine.ram.bytes.subarray(TABLES, TABLES_END), model.bytes) === 0) return;
  for (let pa = TABLES; pa < TABLES_END; pa += 4) {
    const [ours, theirs] = [machine.long(pa), model.long(pa)];
    if (ours === theirs) continue;
    const where = `descriptor at ${pa.toString(16)} is ${ours.toString(16)}`;
    expect.fail(`${title}: ${where}, the model has ${theirs.toString(16)}`);
  }
}

describe('68040 MMU', () => {
  const W = 0x004;
  const M = 0x010;
  const U = 0x008;
  const S = 0x080;

  interface Registers {
    tc: number;
    urp: number;
    srp: number;
    itt0: number;
    itt1: number;
    dtt0: number;
    dtt1: number;
  }

  function transparent(tt: number, va: number, fc: number): boolean {
    if ((tt & 0x8000) === 0) return false;
    const ignored = (tt >>> 16) & 0xff;
    if ((((tt >>> 24) ^ (va >>> 24)) & ~ignored & 0xff) !== 0) return false;
    const wanted = (tt >>> 13) & 3;
    return wanted > 1 || wanted === fc >> 2;
  }

  /** The search; tables are changed when `touching`. */
  function model(
    memory: Tables,
    regs: Registers,
    { va, fc, writing }: Access,
    touching: boolean,
    ptest = false,
  ): Found {
    // MOVES goes through the data side whatever the function code; PTEST asks the side of the function code.
    const program = ptest && (fc & 3) === 2;
    const registers = program ? [regs.itt0, regs.itt1] : [regs.dtt0, regs.dtt1];
    const tt = registers.find((one) => transparent(one, va, fc));
    if (tt !== undefined) return { pa: va, allowed: !(writing && (tt & W) !== 0), status: 3 };
    if ((regs.tc & 0x8000) === 0 && !ptest) return { pa: va, allowed: true, status: 0 };
    const large = (regs.tc & 0x4000) !== 0;
    const touch = (at: number, bits: number): void => {
      if (touching) memory.or(at, bits);
    };
    let wp = 0;
    let table = ((fc & 4) !== 0 ? regs.srp : regs.urp) & ~0x1ff;
    for (const shift of [25, 18]) {
      const at = (table >>> 0) + ((va >>> shift) & 0x7f) * 4;
      const descriptor = memory.long(at);
      if ((descriptor & 2) === 0) return { allowed: false, status: 0 };
      wp |= descriptor & W;
      touch(at, U);
      table = shift === 25 ? descriptor & ~0x1ff : descriptor & (large ? ~0x7f : ~0xff);
    }
    let at = (table >>> 0) + (large ? (va >>> 13) & 0x1f : (va >>> 12) & 0x3f) * 4;
    if ((memory.long(at) & 3) === 2) {
      at = (memory.long(at) & ~3) >>> 0;
      if ((memory.long(at) & 3) === 2) return { allowed: false, status: 0 };
    }
    let page = memory.long(at);
    if ((page & 3) === 0) return { allowed: false, status: 0 };
    wp |= page & W;
    const visible = (page & S) === 0 || (fc & 4) !== 0;
    const bits = U | (writing && wp === 0 && visible ? M : 0);
    touch(at, bits);
    page |= bits;
    const offset = large ? 0x1fff : 0xfff;
    const pa = ((page & ~offset) | (va & offset)) >>> 0;
    return {
      pa,
      allowed: visible && !(writing && wp !== 0),
      status: ((pa & ~0xfff) | (page & 0x7f0) | wp | 1) >>> 0,
    };
  }

  /** A tree with random descriptors on the way to some addresses. */
  function build(machine: TestM68k, addresses: readonly number[], large: boolean): Registers {
    const { view } = machine.ram;
    const room = new Room();
    const roots = [room.take(512, 512), room.take(512, 512)];
    const attributes = (): number => (chance(6) ? W : 0) | (chance(2) ? U : 0);
    for (const root of roots) {
      for (const va of addresses) {
        const rootAt = root + (va >>> 25) * 4;
        if (view.getUint32(rootAt) === 0) {
          const table = room.take(512, 512);
          view.setUint32(rootAt, table | attributes() | (chance(12) ? below(2) : 2 + below(2)));
        }
        const pointerAt = (view.getUint32(rootAt) & ~0x1ff) + ((va >>> 18) & 0x7f) * 4;
        if (view.getUint32(pointerAt) === 0) {
          const table = room.take(256, 256);
          view.setUint32(pointerAt, table | attributes() | (chance(12) ? below(2) : 2 + below(2)));
        }
        const pages = view.getUint32(pointerAt) & ~(large ? 0x7f : 0xff);
        const page = (): number =>
          (PAGES + below((PAGES_END - PAGES) >> 12) * 0x1000) |
          (below(0x800) & ~7) |
          (chance(6) ? W : 0) |
          (chance(10) ? 0 : 1 + 2 * below(2));
        const pageAt = pages + (large ? (va >>> 13) & 0x1f : (va >>> 12) & 0x3f) * 4;
        if (chance(4)) {
          const target = room.take(4, 4);
          view.setUint32(target, chance(6) ? target | 2 : page());
          view.setUint32(pageAt, target | 2);
        } else {
          view.setUint32(pageAt, page());
        }
      }
    }
    const randomTt = (): number =>
      ((below(255) + 1) << 24) | (chance(2) ? below(256) << 16 : 0) | (below(4) << 13) | (chance(3) ? W : 0) | 0x8000;
    return {
      tc: 0x8000 | (large ? 0x4000 : 0),
      urp: roots[0]!,
      srp: roots[1]!,
      itt0: 0x0000_a000, // the program, in supervisor mode
      itt1: chance(3) ? randomTt() >>> 0 : 0,
      dtt0: 0x0000_a000,
      dtt1: chance(3) ? randomTt() >>> 0 : 0,
    };
  }

  it.each([
    ['4 KiB', false],
    ['8 KiB', true],
  ] as const)('searches tables for pages of %s as the model does', (_title, large) => {
    const machine = new TestM68k();
    let allowed = 0;
    let refused = 0;
    for (let round = 0; round < 60; round++) {
      prepare(machine);
      const addresses = Array.from({ length: 8 }, () => (0x0100_0000 + below(0xff00_0000)) >>> 0);
      const registers = build(machine, addresses, large);
      machine.set({ ...registers });
      for (let n = 0; n < 40; n++) {
        const access: Access = { va: pickFrom(addresses), fc: pickFrom(SPACES), writing: chance(2) };
        const title = `round ${round}.${n} ${JSON.stringify(access, (_k, v: unknown) => (typeof v === 'number' ? v.toString(16) : v))}`;
        const memory = new Tables(machine);
        if (chance(3)) {
          // PTESTR, PTESTW (A0)
          const found = model(memory, registers, access, true, true);
          machine.set({ sr: 0x2700, a7: TestM68k.STACK, a0: access.va, dfc: access.fc });
          machine.execute([access.writing ? 0xf548 : 0xf568]);
          expect(machine.reg('mmusr').toString(16), title).toBe(found.status.toString(16));
        } else {
          const found = model(memory, registers, access, true);
          const reached = found.pa !== undefined && found.pa < PAGES_END;
          if (found.allowed && !reached) continue; // transparent, to where there is nothing
          const expected = found.allowed && !access.writing ? machine.ram.bytes[found.pa!] : undefined;
          const failed = tryAccess(machine, access);
          expect(failed, title).toBe(!found.allowed);
          if (failed) {
            refused++;
            expect(machine.long(machine.reg('a7') + 0x14), title).toBe(access.va);
            expect(machine.word(machine.reg('a7') + 0x0c) & 0x0507, title).toBe(
              0x400 | (access.writing ? 0 : 0x100) | access.fc,
            );
          } else {
            allowed++;
            if (expected !== undefined) expect(machine.reg('d1') & 0xff, title).toBe(expected);
            else expect(machine.ram.bytes[found.pa!], title).toBe(0x5a);
          }
        }
        expectTables(machine, memory, title);
        if (chance(4)) machine.execute([pickFrom([0xf518, 0xf510])]); // PFLUSHA, PFLUSHAN
      }
    }
    expect(allowed).toBeGreaterThan(300);
    expect(refused).toBeGreaterThan(300);
  });

  it('forgets an address by PFLUSH, and keeps global pages through PFLUSHN', () => {
    const G = 0x400;
    const machine = new TestM68k();
    prepare(machine);
    const { view } = machine.ram;
    view.setUint32(0x2_0000 + 4, 0x2_0202); // 0x0200_0000
    view.setUint32(0x2_0200, 0x2_0402);
    for (let n = 0; n < 2; n++) view.setUint32(0x2_0400 + n * 4, (0x8_0000 + n * 0x1000) | (n === 0 ? G : 0) | 1);
    machine.set({ tc: 0x8000, srp: 0x2_0000, itt0: 0xa000, dtt0: 0xa000 });
    const at = (n: number): number => {
      machine.set({ sr: 0x2700, a0: 0x0200_0000 + n * 0x1000 });
      machine.execute([0x1210]); // MOVE.B (A0),D1
      return machine.reg('d1') & 0xff;
    };
    view.setUint8(0x8_0000, 1);
    view.setUint8(0x8_1000, 2);
    view.setUint8(0x9_0000, 3);
    expect([at(0), at(1)]).toEqual([1, 2]);
    for (let n = 0; n < 2; n++) view.setUint32(0x2_0400 + n * 4, 0x9_0001 | (n === 0 ? G : 0));
    const flush = (word: number, n = 0): void => {
      machine.set({ sr: 0x2700, a0: 0x0200_0000 + n * 0x1000, dfc: 5 });
      machine.execute([word]);
    };
    expect([at(0), at(1)]).toEqual([1, 2]); // still remembered
    flush(0xf510); // PFLUSHAN
    expect([at(0), at(1)]).toEqual([1, 3]);
    flush(0xf500); // PFLUSHN (A0)
    expect(at(0)).toBe(1);
    flush(0xf508); // PFLUSH (A0)
    expect(at(0)).toBe(3);
  });
});

describe('68030 MMU', () => {
  const WP = 0x004;
  const U = 0x008;
  const M = 0x010;
  const S = 0x100;
  const PSR = { L: 0x4000, S: 0x2000, W: 0x0800, I: 0x0400, M: 0x0200, T: 0x0040 } as const;

  interface Registers {
    tc: number;
    crp_upper: number;
    urp: number;
    srp_upper: number;
    srp: number;
    itt0: number;
    itt1: number;
  }
  /** One level of the tables. */
  type Step = { readonly kind: 'fc' } | { readonly kind: 'index'; readonly shift: number; readonly bits: number };

  const pageShift = (tc: number): number => (tc >>> 20) & 15;

  function steps(tc: number): Step[] {
    const list: Step[] = (tc & 0x0100_0000) !== 0 ? [{ kind: 'fc' }] : [];
    let shift = 32 - ((tc >>> 16) & 15);
    for (const at of [12, 8, 4, 0]) {
      const bits = (tc >>> at) & 15;
      if (bits === 0) break;
      shift -= bits;
      list.push({ kind: 'index', shift, bits });
    }
    return list;
  }

  function transparent(tt: number, { va, fc, writing }: Access): boolean {
    if ((tt & 0x8000) === 0) return false;
    if ((((tt >>> 24) ^ (va >>> 24)) & ~(tt >>> 16) & 0xff) !== 0) return false;
    if ((((tt >>> 4) ^ fc) & ~tt & 7) !== 0) return false;
    const either = (tt & 0x100) !== 0;
    return either || ((tt & 0x200) !== 0) === !writing;
  }

  const within = (upper: number, index: number): boolean => {
    const limit = (upper >>> 16) & 0x7fff;
    return upper >>> 31 === 1 ? index >= limit : index <= limit;
  };

  /** The descriptors on the way to an address: each is fetched by what the one before it says. */
  function search(memory: Tables, regs: Registers, access: Access, touching: boolean, depth = 7): Found {
    const { va, fc, writing } = access;
    const supervisor = (fc & 4) !== 0;
    const own = supervisor && (regs.tc & 0x0200_0000) !== 0;
    const path = steps(regs.tc);
    const indexOf = (step: Step): number => (step.kind === 'fc' ? fc : (va >>> step.shift) & ((1 << step.bits) - 1));
    let current = { upper: own ? regs.srp_upper : regs.crp_upper, lower: own ? regs.srp : regs.urp, long: true };
    let fetched = 0;
    let protectedPage = false;
    let violation = false;
    let at = 0;
    const bits = (): number => (protectedPage ? PSR.W : 0) | (violation ? PSR.S : 0);
    const invalid = (more = 0): Found => ({
      allowed: false,
      status: bits() | PSR.I | more | fetched,
      descriptor: at,
    });
    // How many steps have been taken; after the last comes at most one indirect descriptor.
    for (let taken = 0; ; taken++) {
      const type = current.upper & 3;
      if (type === 0) return invalid();
      const step = path[taken];
      const index = step === undefined ? 0 : indexOf(step);
      const isPage = type === 1;
      const checked = current.long && step?.kind === 'index' && !(isPage && taken > path.length);
      if (isPage) {
        // Early termination: the address bits not used by then are added.
        let left = 0;
        for (const rest of path.slice(taken)) if (rest.kind === 'index') left = Math.max(left, rest.shift + rest.bits);
        const unused = Math.max(left, pageShift(regs.tc));
        const modified = fetched === 0 || (memory.long(at) & M) !== 0 || (writing && !protectedPage && !violation);
        const status = bits() | (modified ? PSR.M : 0);
        if (checked && !within(current.upper, index)) {
          return { allowed: false, status: status | PSR.L | PSR.I | fetched, descriptor: at };
        }
        if (fetched > 0 && touching && !violation) memory.or(at, U | (writing && !protectedPage ? M : 0));
        const base = (current.lower & ~0xff & ~((1 << pageShift(regs.tc)) - 1)) >>> 0;
        const offset = unused >= 32 ? va : va & (2 ** unused - 1);
        const pa = (base + (offset >>> 0)) % 2 ** 32;
        const allowed = !violation && !(writing && protectedPage);
        return { pa, allowed, status: status | fetched, descriptor: at };
      }
      if (fetched >= depth) return { allowed: true, status: bits() | fetched, descriptor: at };
      if (checked && !within(current.upper, index)) return invalid(PSR.L);
      const wide = type === 3;
      at =
        (step === undefined ? (current.lower & ~3) >>> 0 : ((current.lower & ~15) >>> 0) + index * (wide ? 8 : 4)) >>>
        0;
      const upper = memory.long(at);
      current = { upper, lower: wide ? memory.long(at + 4) : upper, long: wide };
      fetched++;
      if ((upper & 3) === 0) return invalid();
      if (step === undefined && (upper & 3) !== 1) return invalid();
      const pointsIndirectly = (upper & 3) !== 1 && path[taken + 1] === undefined && step !== undefined;
      if (pointsIndirectly) continue;
      if ((upper & WP) !== 0) protectedPage = true;
      if (wide && (upper & S) !== 0 && !supervisor) violation = true;
      if ((upper & 3) !== 1 && touching && !violation) memory.or(at, U);
    }
  }

  function model(memory: Tables, regs: Registers, access: Access): Found {
    if ([regs.itt0, regs.itt1].some((tt) => transparent(tt, access)) || regs.tc >>> 31 === 0) {
      return { pa: access.va, allowed: true, status: 0 };
    }
    return search(memory, regs, access, true);
  }

  /** Page size, ignored bits and table indices that make 32. */
  function layout(size: number): number {
    for (;;) {
      const initial = chance(3) ? below(9) : 0;
      let rest = 32 - size - initial;
      const levels: number[] = [];
      while (rest > 0 && levels.length < 4) {
        const bits = levels.length === 3 ? rest : Math.min(rest, 1 + below(9));
        levels.push(bits);
        rest -= bits;
      }
      // Tables of more than 512 entries do not fit into the test's memory.
      if (rest > 0 || levels.some((bits) => bits > 9)) continue;
      return (size << 20) | (initial << 16) | levels.reduce((word, bits, n) => word | (bits << (12 - n * 4)), 0);
    }
  }

  function build(machine: TestM68k, addresses: readonly number[], size: number): Registers {
    const { view } = machine.ram;
    const room = new Room();
    const tc = ((chance(2) ? 0x0200_0000 : 0) | (chance(3) ? 0x0100_0000 : 0) | layout(size) | 0x8000_0000) >>> 0;
    const path = steps(tc);
    const tableBits = (taken: number): number => {
      const step = path[taken]!;
      return step.kind === 'fc' ? 3 : step.bits;
    };
    /** Limit that mostly leaves everything in. */
    const limit = (bits: number): number =>
      chance(12) ? ((below(2) << 31) | (below(1 << bits) << 16)) >>> 0 : chance(2) ? 0x7fff_0000 : 0x8000_0000;
    const roots = [0, 1].map(() => {
      const wide = chance(2);
      const early = chance(12);
      const table = early ? 0 : room.take((1 << tableBits(0)) * (wide ? 8 : 4), 16);
      return { upper: (limit(tableBits(0)) | (early ? 1 : wide ? 3 : 2)) >>> 0, lower: table };
    });
    const pageAddress = (): number => PAGES + below((PAGES_END - PAGES) >> 15) * 0x8000;
    const attributes = (): number => (chance(6) ? WP : 0) | (chance(2) ? U : 0);
    /** Writes a descriptor; says what table it leads to, if it does. */
    const fill = (at: number, wide: boolean, taken: number, indirect: boolean): void => {
      const last = taken >= path.length || indirect;
      const kind = chance(12)
        ? 'invalid'
        : last
          ? chance(5) && !indirect
            ? 'indirect'
            : 'page'
          : chance(9)
            ? 'page'
            : 'table';
      const extra = wide && chance(6) ? S : 0;
      const set = (upper: number, lower: number): void => {
        if (!wide) view.setUint32(at, (upper & 0xff) | lower);
        else {
          view.setUint32(at, upper >>> 0);
          view.setUint32(at + 4, lower);
        }
      };
      if (kind === 'invalid') {
        set(0, below(16) << 4);
      } else if (kind === 'page') {
        const checkedBits = taken < path.length ? tableBits(taken) : 8;
        set(limit(checkedBits) | attributes() | extra | (chance(3) ? M : 0) | 1, pageAddress());
      } else if (kind === 'indirect') {
        const deep = chance(2);
        const target = room.take(8, 8);
        set(deep ? 3 : 2, target);
        fill(target, deep, taken, true);
      } else {
        const deep = chance(2);
        const table = room.take((1 << tableBits(taken)) * (deep ? 8 : 4), 16);
        set(limit(tableBits(taken)) | attributes() | extra | (deep ? 3 : 2), table);
      }
    };
    /** Follows what is there and writes what is not. */
    const grow = (root: { upper: number; lower: number }, va: number, fc: number): void => {
      let [type, table] = [root.upper & 3, root.lower];
      for (let taken = 0; taken < path.length && type >= 2; taken++) {
        const wide = type === 3;
        const step = path[taken]!;
        const index = step.kind === 'fc' ? fc : (va >>> step.shift) & ((1 << step.bits) - 1);
        const at = table + index * (wide ? 8 : 4);
        if (view.getUint32(at) === 0 && (!wide || view.getUint32(at + 4) === 0)) fill(at, wide, taken + 1, false);
        type = view.getUint32(at) & 3;
        table = view.getUint32(wide ? at + 4 : at) & ~15;
      }
    };
    for (const va of addresses) for (const root of roots) for (const fc of SPACES) grow(root, va, fc);
    const randomTt =
      ((below(255) + 1) << 24) | (below(256) << 16) | 0x8000 | (below(4) << 8) | (below(8) << 4) | below(8);
    return {
      ...{ tc, crp_upper: roots[0]!.upper, urp: roots[0]!.lower, srp_upper: roots[1]!.upper, srp: roots[1]!.lower },
      itt0: 0x0000_8143, // supervisor spaces of the lowest 16 MiB
      itt1: chance(3) ? randomTt >>> 0 : 0,
    };
  }

  it.each([8, 9, 10, 11, 12, 13, 14, 15])('searches tables for pages of 2^%d bytes as the model does', (size) => {
    const machine = new TestM68k({ model: '68030' });
    let allowed = 0;
    let refused = 0;
    for (let round = 0; round < 20; round++) {
      prepare(machine);
      const addresses = Array.from({ length: 3 }, () => (0x0100_0000 + below(0xff00_0000)) >>> 0);
      let registers: Registers;
      try {
        registers = build(machine, addresses, size);
      } catch {
        continue; // the tables were too large
      }
      machine.set({ ...registers });
      for (let n = 0; n < 30; n++) {
        const access: Access = { va: pickFrom(addresses), fc: pickFrom(SPACES), writing: chance(2) };
        const text = JSON.stringify({ ...access, ...registers }, (_k, v: unknown) =>
          typeof v === 'number' ? v.toString(16) : v,
        );
        const title = `round ${round}.${n} ${text}`;
        const memory = new Tables(machine);
        const how = below(4);
        machine.set({ sr: 0x2700, a7: TestM68k.STACK, a0: access.va, dfc: access.fc, mmusr: 0, a1: 0 });
        const read = access.writing ? 0 : 0x200;
        if (how === 0) {
          // PTEST DFC,(A0),#depth,A1
          const depth = 1 + below(7);
          const found = search(memory, registers, access, false, depth);
          machine.execute([0xf010, 0x8000 | read | 0x100 | (1 << 5) | (depth << 10) | 1]);
          const status = machine.reg('mmusr');
          // Of an invalid translation only what is known of it counts.
          const mask = (found.status & PSR.I) !== 0 ? ~(PSR.W | PSR.M | PSR.S) : ~0;
          // With an ATC that says nothing, M is that of the page, not that of a write to come.
          expect((status & mask & ~PSR.M).toString(16), title).toBe((found.status & mask & ~PSR.M).toString(16));
          expect(machine.reg('a1'), title).toBe(found.descriptor);
        } else if (how === 1) {
          search(memory, registers, access, true); // PLOAD DFC,(A0)
          machine.execute([0xf010, 0x2000 | read | 1]);
        } else {
          const found = model(memory, registers, access);
          if (found.allowed && (found.pa! >= PAGES_END || found.pa! < PAGES)) continue;
          const expected = found.allowed && !access.writing ? machine.ram.bytes[found.pa!] : undefined;
          const failed = tryAccess(machine, access);
          expect(failed, title).toBe(!found.allowed);
          if (failed) {
            refused++;
            const frame = machine.reg('a7');
            expect(machine.word(frame + 6), title).toBe(0xb008);
            expect(machine.long(frame + 0x10), title).toBe(access.va);
            // Data fault, byte; read or write; the function code
            expect(machine.word(frame + 0x0a), title).toBe(0x0110 | (access.writing ? 0 : 0x40) | access.fc);
          } else {
            allowed++;
            if (expected !== undefined) expect(machine.reg('d1') & 0xff, title).toBe(expected);
            else expect(machine.ram.bytes[found.pa!], title).toBe(0x5a);
          }
        }
        expectTables(machine, memory, title);
        if (chance(4)) machine.execute([0xf000, 0x2400]); // PFLUSHA
      }
    }
    expect(allowed).toBeGreaterThan(20);
    expect(refused).toBeGreaterThan(20);
  });

  it('refuses a configuration that does not make 32 bits', () => {
    const machine = new TestM68k({ model: '68030' });
    machine.ram.view.setUint32(0x3000, 0x80c0_4540); // 12 + 4 + 5 + 4
    machine.set({ a0: 0x3000 });
    machine.execute([0xf010, 0x4000]); // PMOVE (A0),TC
    expect(machine.cpu.pc).toBe(TestM68k.handler(56));
    expect(machine.reg('tc') >>> 31).toBe(0);
  });

  it('refuses an invalid root pointer', () => {
    const machine = new TestM68k({ model: '68030' });
    machine.ram.view.setUint32(0x3000, 0x7fff_0000);
    machine.set({ a0: 0x3000 });
    machine.execute([0xf010, 0x4c00]); // PMOVE (A0),CRP
    expect(machine.cpu.pc).toBe(TestM68k.handler(56));
  });

  it('moves its registers out and in', () => {
    const machine = new TestM68k({ model: '68030' });
    const { view } = machine.ram;
    const there = (word: number, ...values: number[]): number[] => {
      values.forEach((value, n) => view.setUint32(0x3000 + n * 4, value));
      view.setUint32(0x3100, 0);
      machine.set({ a0: 0x3000, a1: 0x3100 });
      machine.execute([0xf010, word, 0xf011, word | 0x200], 2);
      return values.map((_, n) => view.getUint32(0x3100 + n * 4));
    };
    expect(there(0x4800, 0x8123_0002, 0x0012_3450)).toEqual([0x8123_0002, 0x0012_3450]); // SRP
    expect(there(0x4c00, 0x7fff_0003, 0x0055_5550)).toEqual([0x7fff_0003, 0x0055_5550]); // CRP
    expect(there(0x0800, 0xffff_ffff)).toEqual([0xffff_8777]); // TT0
    expect(there(0x0c00, 0x1234_0123)).toEqual([0x1234_0123]); // TT1
    expect(there(0x4000, 0x02c0_7555)).toEqual([0x02c0_7555]); // TC
    expect(there(0x6000, 0xffff_0000)).toEqual([0xee47_0000]); // PSR
  });
});
