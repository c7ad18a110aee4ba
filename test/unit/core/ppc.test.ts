// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { ISA } from '../../../core/ppc/host/gen/isa.ts';
import { STOP } from '../../../machines/backplane/cpu.ts';
import { region } from '../../../machines/backplane/memory-map.ts';
import { TestPpc, asm } from '../../support/ppc.ts';

const MSR = { EE: 0x8000, PR: 0x4000, FP: 0x2000, ME: 0x1000, SE: 0x400, BE: 0x200, IP: 0x40, IR: 0x20, DR: 0x10 };
const NOP = asm('ori');
const mtspr = (spr: number, rs: number) => asm('mtspr', { spr, rs });
const mfspr = (rt: number, spr: number) => asm('mfspr', { spr, rt });
const BRANCH_TO_SELF = asm('b', { li: 0 });

/** BAT pair for `bytes` (128 KiB × 2^n) at the same effective and physical address. */
const batUpper = (ea: number, bytes: number) => (ea | ((bytes / 0x2_0000 - 1) << 2) | 3) >>> 0;

let t: TestPpc;
beforeEach(() => {
  t = new TestPpc();
});

describe('PowerPC interpreter', () => {
  it('dispatches through one jump table', () => {
    const wasm = readFileSync(new URL('../../../dist/core/ppc.wasm', import.meta.url));
    const decode = readFileSync(new URL('../../../core/ppc/gen/decode.ts', import.meta.url), 'utf8');
    const ids = decode.match(/ \/\/ \w+\.?$/gm)!.length + 5; // rows, variants and the loop's own
    expect(ids).toBeGreaterThan(ISA.length);
    // br_table with a label for each id: the count as two bytes of LEB128.
    expect(wasm.includes(Buffer.from([0x0e, (ids & 0x7f) | 0x80, ids >>> 7]))).toBe(true);
    expect(wasm.includes(Buffer.from([0x0e, ((ids + 1) & 0x7f) | 0x80, ids >>> 7]))).toBe(false);
  });
});

describe('PowerPC branches', () => {
  it('count down with bdnz and stop within the slice', () => {
    t.code(0x1000, asm('addi', { rt: 3, ra: 3, si: 1 }), asm('bc', { bo: 16, bd: -4 }), BRANCH_TO_SELF);
    t.set({ ctr: 1000, r3: 0 });
    expect(t.cpu.run(2001)).toBe(STOP.budget);
    expect(t.reg('r3')).toBe(1000);
    expect(t.reg('ctr')).toBe(0);
    expect(t.cpu.elapsed()).toBeGreaterThanOrEqual(2001);
    expect(t.cpu.elapsed()).toBeLessThan(2010);
  });

  it('cross pages, both ways, and link', () => {
    t.code(0x1ffc, asm('b', { li: 0x2004, lk: 1 }));
    t.code(0x4000, asm('bclr', { bo: 20 }));
    t.code(0x2000, asm('addi', { rt: 5, si: 7 }), BRANCH_TO_SELF);
    t.set({ pc: 0x1ffc });
    t.cpu.run(50);
    expect(t.reg('lr')).toBe(0x2000);
    expect(t.reg('r5')).toBe(7);
    expect(t.reg('pc')).toBe(0x2004);
  });

  it('run straight through a page boundary', () => {
    t.code(
      0x1ff8,
      asm('addi', { rt: 3, si: 1 }),
      asm('addi', { rt: 4, si: 2 }),
      asm('addi', { rt: 5, si: 3 }),
      BRANCH_TO_SELF,
    );
    t.set({ pc: 0x1ff8 });
    t.cpu.run(10);
    expect([t.reg('r3'), t.reg('r4'), t.reg('r5'), t.reg('pc')]).toEqual([1, 2, 3, 0x2004]);
  });

  it('step one instruction at a time, branches to themselves and to the next page included', () => {
    t.execute([BRANCH_TO_SELF]);
    expect(t.reg('pc')).toBe(0x1000);
    t.set({ ctr: 3 });
    t.execute([asm('bc', { bo: 16, bd: 0 })], 1);
    expect([t.reg('pc'), t.reg('ctr')]).toEqual([0x1000, 2]);
    t.code(0x1ffc, asm('bc', { bo: 16, bd: 8 }), NOP);
    t.set({ pc: 0x1ffc, ctr: 2 });
    t.cpu.step();
    expect(t.reg('pc')).toBe(0x2004);
    t.set({ pc: 0x1ffc, ctr: 1 });
    t.cpu.step();
    expect(t.reg('pc')).toBe(0x2000);
  });
});

describe('PowerPC time', () => {
  it('counts one tick an instruction, whatever the slices', () => {
    t.code(0x1000, NOP, NOP, NOP, asm('b', { li: -12 }));
    let ticks = 0;
    for (const slice of [1, 2, 3, 100, 7, 1_000_000]) {
      t.cpu.run(slice);
      ticks += t.cpu.elapsed();
      expect(t.cpu.elapsed()).toBeGreaterThanOrEqual(slice);
      expect(t.cpu.elapsed()).toBeLessThan(slice + 4);
    }
    expect(t.cpu.ticks).toBe(ticks);
    expect(t.cpu.instructions).toBe(ticks);
  });

  it('stops earlier when pulled in during the slice', () => {
    const seen: number[] = [];
    t = new TestPpc({
      extend: (map) =>
        map.add(
          region(0x8000_0000, 0x8000_0fff).device(
            {
              span: 0x1000,
              access: { valid: { min: 1, max: 4 }, impl: { min: 4, max: 4 }, byteOrder: 'big' },
              read: () => 0x1234_5678,
              write: (_offset, _width, value) => {
                seen.push(value, t.cpu.elapsed(), t.cpu.pc);
                t.cpu.pullIn(t.cpu.elapsed() + 5);
              },
            },
            'device',
          ),
        ),
    });
    t.code(0x1000, asm('addis', { rt: 4, si: -0x8000 }), asm('lwz', { rt: 3, ra: 4 }), asm('stw', { rs: 3, ra: 4 }));
    t.code(0x100c, BRANCH_TO_SELF);
    t.cpu.run(1_000_000);
    expect(seen).toEqual([0x1234_5678, 3, 0x1008]);
    expect(t.cpu.elapsed()).toBe(8);
  });

  it('derives the time base from ticks, exactly', () => {
    t.execute([
      asm('addi', { rt: 3 }),
      mtspr(285, 3),
      mtspr(284, 3),
      NOP,
      NOP,
      NOP,
      NOP,
      asm('mftb', { rt: 5, spr: 268 }),
    ]);
    expect(t.reg('r5')).toBe(2);
    t.set({ r3: 0xffff_ffff });
    t.execute([mtspr(284, 3), NOP, NOP, NOP, NOP, asm('mftb', { rt: 5, spr: 268 }), asm('mftb', { rt: 6, spr: 269 })]);
    expect([t.reg('r5'), t.reg('r6')]).toEqual([0, 1]);
  });

  it('raises the decrementer exception when it passes from 0 to -1, not before', () => {
    t.code(0x1000, mtspr(22, 3), BRANCH_TO_SELF);
    t.code(0x900, BRANCH_TO_SELF);
    t.set({ r3: 10, msr: MSR.ME | MSR.EE });
    t.cpu.run(43);
    expect([t.reg('pc'), t.reg('dec')]).toEqual([0x1004, 0]);
    t.cpu.run(2);
    expect(t.reg('pc')).toBe(0x900);
    expect([t.reg('srr0'), t.reg('srr1')]).toEqual([0x1004, MSR.ME | MSR.EE]);
    expect(t.reg('msr')).toBe(MSR.ME);
  });

  it('keeps the decrementer exception waiting while interrupts are off', () => {
    t.code(0x1000, mtspr(22, 3), BRANCH_TO_SELF);
    t.set({ r3: 1 });
    t.cpu.run(100);
    expect(t.reg('pc')).toBe(0x1004);
    t.set({ msr: MSR.ME | MSR.EE });
    t.cpu.step();
    expect(t.reg('pc')).toBe(0x900);
  });

  it('raises it at once when software makes the decrementer negative', () => {
    t.set({ r3: 1, r4: 0x8000_0000, msr: MSR.ME | MSR.EE });
    t.code(0x1000, mtspr(22, 3), mtspr(22, 4), NOP);
    t.code(0x900, BRANCH_TO_SELF);
    t.cpu.run(4);
    expect([t.reg('pc'), t.reg('srr0')]).toEqual([0x900, 0x1008]);
  });

  it('sleeps until the decrementer wakes it', () => {
    t.code(0x1000, mtspr(1008, 5), mtspr(22, 3), asm('mtmsr', { rs: 4 }), BRANCH_TO_SELF);
    t.code(0x900, BRANCH_TO_SELF);
    t.set({ r3: 1000, r4: 0x4_0000 | MSR.ME | MSR.EE, r5: 0x40_0000 });
    expect(t.cpu.run(1_000_000)).toBe(STOP.idle);
    expect(t.cpu.elapsed()).toBe(3);
    const { wakeIn } = t.cpu;
    expect(wakeIn).toBe(1001 * 4 - 3);
    t.cpu.skipped(wakeIn - 1);
    expect(t.cpu.run(10)).toBe(STOP.idle);
    t.cpu.skipped(1);
    expect(t.cpu.run(10)).toBe(STOP.budget);
    expect([t.reg('pc'), t.reg('srr0')]).toEqual([0x900, 0x100c]);
    expect(t.reg('msr')).toBe(MSR.ME);
  });
});

describe('PowerPC exceptions', () => {
  const vector = (words: number[], registers: Record<string, number> = {}) => {
    t.set({ srr0: 0, srr1: 0, dar: 0, dsisr: 0, ...registers });
    t.code(0x1000, ...words);
    t.set({ pc: 0x1000 });
    for (const _ of words) t.cpu.step();
    return { at: t.reg('pc'), srr0: t.reg('srr0'), srr1: t.reg('srr1') };
  };

  it('system call', () => {
    expect(vector([asm('sc')])).toEqual({ at: 0xc00, srr0: 0x1004, srr1: MSR.ME });
  });

  it('uses the high vectors with MSR[IP]', () => {
    expect(vector([asm('sc')], { msr: MSR.ME | MSR.IP }).at).toBe(0xfff0_0c00);
  });

  it('illegal, privileged and trap', () => {
    expect(vector([0])).toEqual({ at: 0x700, srr0: 0x1000, srr1: MSR.ME | 0x8_0000 });
    expect(vector([asm('mfmsr')], { msr: MSR.ME | MSR.PR })).toEqual({
      at: 0x700,
      srr0: 0x1000,
      srr1: MSR.ME | MSR.PR | 0x4_0000,
    });
    expect(vector([asm('tw', { to: 31 })], { msr: MSR.ME }).srr1).toBe(MSR.ME | 0x2_0000);
    expect(vector([asm('twi', { to: 4, ra: 3, si: 1 })], { r3: 2 }).at).toBe(0x1004);
  });

  it('SPRs a program may not touch are privileged, those that do not exist illegal', () => {
    expect(vector([mfspr(3, 1008)], { msr: MSR.ME | MSR.PR }).srr1 & 0xf_0000).toBe(0x4_0000);
    expect(vector([mfspr(3, 7)], { msr: MSR.ME | MSR.PR }).srr1 & 0xf_0000).toBe(0x8_0000);
    expect(vector([mfspr(3, 1011)], { msr: MSR.ME, r3: 5 }).at).toBe(0x1004);
    expect(t.reg('r3')).toBe(0);
    expect(t.entries.map((entry) => entry.message)).toContain(
      'mfspr of SPR 1011, which the processor does not have, at 0x1000',
    );
  });

  it('floating-point unavailable', () => {
    expect(vector([asm('fmr')])).toEqual({ at: 0x800, srr0: 0x1000, srr1: MSR.ME });
    expect(vector([asm('fmr')], { msr: MSR.ME | MSR.FP }).at).toBe(0x1004);
  });

  it('executes 0xfc17048e as mffs', () => {
    t.set({ msr: MSR.ME | MSR.FP, fpscr: 0x1 });
    t.execute([0xfc17_048e]);
    expect(t.reg('pc')).toBe(0x1004);
    expect(Number(BigInt(t.cpu.registers()['f0']!) & 0xffff_ffffn)).toBe(1);
  });

  it('alignment, with the instruction in DSISR', () => {
    const { at } = vector([asm('lmw', { rt: 28, ra: 4, d: 2 })], { r4: 0x2000 });
    expect(at).toBe(0x600);
    expect([t.reg('dar'), t.reg('dsisr')]).toEqual([0x2002, (7 << 10) | (28 << 5) | 4]);
    expect(vector([asm('lwarx', { rt: 3, ra: 0, rb: 4 })], { r4: 0x2001, msr: MSR.ME }).at).toBe(0x600);
    expect(vector([asm('dcbz', { rb: 4 })], { r4: 0x2001, msr: MSR.ME }).at).toBe(0x600);
    expect(vector([asm('lfd', { frt: 0, ra: 4, d: 2 })], { msr: MSR.ME | MSR.FP }).at).toBe(0x600);
  });

  it('trace, after each instruction or after branches', () => {
    expect(vector([NOP], { msr: MSR.ME | MSR.SE })).toEqual({ at: 0xd00, srr0: 0x1004, srr1: MSR.ME | MSR.SE });
    expect(vector([NOP], { msr: MSR.ME | MSR.BE }).at).toBe(0x1004);
    expect(vector([asm('b', { li: 8 })], { msr: MSR.ME | MSR.BE }).srr0).toBe(0x1008);
    t.code(0x1000, NOP, NOP);
    t.code(0xd00, BRANCH_TO_SELF);
    t.set({ pc: 0x1000, msr: MSR.ME | MSR.SE });
    t.cpu.run(20);
    expect([t.reg('pc'), t.reg('srr0')]).toEqual([0xd00, 0x1004]);
  });

  it('breakpoints on instructions and data', () => {
    t.code(0x1300, BRANCH_TO_SELF);
    t.code(0x1000, mtspr(1010, 3), NOP, NOP);
    t.set({ r3: 0x1008 | 2, pc: 0x1000 });
    t.cpu.run(20);
    expect([t.reg('pc'), t.reg('srr0')]).toEqual([0x1300, 0x1008]);
    t.set({ iabr: 0 });
    expect(vector([mtspr(1013, 3), asm('lwz', { rt: 5, ra: 0, d: 0x2004 })], { r3: 0x2000 | 1 }).at).toBe(0x300);
    expect([t.reg('dar'), t.reg('dsisr')]).toEqual([0x2004, 0x0040_0000]);
  });

  it('external interrupt: level, held back by MSR[EE], before the next instruction once enabled', () => {
    t.code(0x500, BRANCH_TO_SELF);
    t.code(0x1000, NOP, asm('mtmsr', { rs: 3 }), asm('addi', { rt: 4, si: 1 }), BRANCH_TO_SELF);
    t.set({ r3: MSR.ME | MSR.EE, r4: 0, pc: 0x1000 });
    t.cpu.interrupt(true);
    t.cpu.run(20);
    expect([t.reg('pc'), t.reg('srr0'), t.reg('r4')]).toEqual([0x500, 0x1008, 0]);
    t.cpu.interrupt(false);
    t.set({ pc: 0x1008, msr: MSR.ME | MSR.EE });
    t.cpu.run(20);
    expect([t.reg('pc'), t.reg('r4')]).toEqual([0x100c, 1]);
  });

  it('soft reset, machine check and system management pins', () => {
    t.cpu.softReset(true);
    t.cpu.step();
    expect(t.reg('pc')).toBe(0x100);
    t.cpu.machineCheck(true);
    t.cpu.step();
    expect([t.reg('pc'), t.reg('msr')]).toEqual([0x200, 0]);
    t.cpu.machineCheck(true);
    expect(t.cpu.step()).toBe(STOP.checkstop);
    expect(t.cpu.run(100)).toBe(STOP.checkstop);
    t.cpu.reset('warm');
    expect([t.reg('pc'), t.reg('msr')]).toEqual([0xfff0_0100, MSR.IP]);
    t.set({ msr: MSR.EE });
    t.cpu.systemManagement(true);
    t.cpu.step();
    expect(t.reg('pc')).toBe(0x1400);
  });

  it('a bus error is a machine check', () => {
    t.map.openBus = { value: 0xff, busError: true };
    expect(vector([asm('lwz', { rt: 3, ra: 4 })], { r3: 7, r4: 0x9000_0000 })).toEqual({
      at: 0x200,
      srr0: 0x1000,
      srr1: MSR.ME | 0x4_0000,
    });
    expect(t.reg('r3')).toBe(7);
    t.set({ pc: 0x9000_0000, msr: MSR.ME });
    t.cpu.step();
    expect(t.reg('pc')).toBe(0x200);
  });

  it('takes a floating-point exception when it is enabled with FPSCR[FEX] set', () => {
    const late = { at: 0x700, srr0: 0x1004, srr1: MSR.ME | 0x800 | 0x11_0000 };
    expect(vector([asm('mtmsr', { rs: 3 })], { fpscr: 0x6000_0000, r3: MSR.ME | 0x800 })).toEqual(late);
    t.set({ srr0: 0x2000, srr1: MSR.ME | 0x100, msr: MSR.ME });
    t.execute([asm('rfi')]);
    expect([t.reg('pc'), t.reg('srr0')]).toEqual([0x700, 0x2000]);
  });

  it('rfi restores the MSR and goes where SRR0 says', () => {
    t.set({ srr0: 0x2002, srr1: MSR.ME | MSR.FP });
    t.execute([asm('rfi')]);
    expect([t.reg('pc'), t.reg('msr')]).toEqual([0x2000, MSR.ME | MSR.FP]);
  });
});

describe('PowerPC memory', () => {
  it('misaligned accesses work, across pages too', () => {
    t.set({ r3: 0x1122_3344, r4: 0x2fff });
    t.execute([asm('stw', { rs: 3, ra: 4 }), asm('lwz', { rt: 5, ra: 4 }), asm('lhz', { rt: 6, ra: 4, d: 1 })]);
    expect([t.reg('r5'), t.reg('r6')]).toEqual([0x1122_3344, 0x2233]);
    expect(t.ram.view.getUint32(0x2fff)).toBe(0x1122_3344);
  });

  it('lmw and stmw, strings, byte-reversed', () => {
    t.set({ r28: 1, r29: 2, r30: 3, r31: 4, r4: 0x2000, xer: 7 });
    t.execute([
      asm('stmw', { rs: 28, ra: 4 }),
      asm('lswi', { rt: 31, ra: 4, nb: 6 }),
      asm('stwbrx', { rs: 30, rb: 4 }),
    ]);
    expect([t.reg('r31'), t.reg('r0')]).toEqual([1, 0]);
    expect(t.ram.view.getUint32(0x2000)).toBe(0x0300_0000);
    t.execute([asm('lswx', { rt: 5, rb: 4 }), asm('lhbrx', { rt: 7, rb: 4 })]);
    expect([t.reg('r5'), t.reg('r6'), t.reg('r7')]).toEqual([0x0300_0000, 0, 3]);
  });

  it('a reservation is lost to another granule and used once', () => {
    t.set({ r4: 0x2000, r5: 0x2040, r6: 9 });
    t.execute([asm('lwarx', { rt: 3, rb: 4 }), asm('stwcx.', { rs: 6, rb: 5 })]);
    expect(t.reg('cr') >>> 28).toBe(0);
    t.execute([asm('lwarx', { rt: 3, rb: 4 }), asm('stwcx.', { rs: 6, rb: 4 })]);
    expect([t.reg('cr') >>> 28, t.ram.view.getUint32(0x2000)]).toEqual([2, 9]);
    t.execute([asm('stwcx.', { rs: 3, rb: 4 })]);
    expect(t.reg('cr') >>> 28).toBe(0);
  });

  it('dcbz clears a cache block when the cache is on', () => {
    t.ram.bytes.fill(0xff, 0x2000, 0x2080);
    t.set({ r4: 0x2025, hid0: 0x4000 });
    t.execute([asm('dcbz', { rb: 4 })]);
    expect(Array.from(t.ram.bytes.subarray(0x2018, 0x2048))).toEqual([
      ...Array<number>(8).fill(0xff),
      ...Array<number>(32).fill(0),
      ...Array<number>(8).fill(0xff),
    ]);
  });

  it('marks tracked pages dirty once per drain', () => {
    const vram = t.board.memory.allocate('vram', 0x1_0000);
    t.map.add(region(0x8000_0000, 0x8000_ffff).ram(vram));
    t.board.memory.track(vram);
    t.board.memory.drainDirty(vram);
    t.set({ r4: 0x8000_0000 });
    t.execute([asm('stw', { rs: 3, ra: 4, d: 0x2010 }), asm('stw', { rs: 3, ra: 4, d: 0x2014 })]);
    expect(t.board.memory.drainDirty(vram)).toEqual([2]);
    expect(t.board.memory.drainDirty(vram)).toEqual([]);
    t.execute([asm('stb', { rs: 3, ra: 4, d: 0x2014 }), asm('sth', { rs: 3, ra: 4, d: 0x5000 })]);
    expect(t.board.memory.drainDirty(vram)).toEqual([2, 5]);
  });

  it('stores to ROM go to the bus', () => {
    const rom = t.board.memory.allocate('rom', 0x1000);
    t.map.add(region(0xfff0_0000, 0xfff0_0fff).rom(rom));
    rom.view.setUint32(0x100, asm('addi', { rt: 3, si: 77 }));
    t.set({ r4: 0xfff0_0000, r3: 1 });
    t.execute([asm('stw', { rs: 3, ra: 4, d: 0x100 })]);
    expect(t.entries.at(-1)?.message).toContain('ROM rom');
    t.set({ pc: 0xfff0_0100 });
    t.cpu.step();
    expect(t.reg('r3')).toBe(77);
  });
});

describe('PowerPC self-modifying code', () => {
  const loop = () => {
    // Patches the instruction at 0x1010 each time round.
    t.code(0x1000, asm('addi', { rt: 5, ra: 5, si: 1 }), asm('rlwinm', { rs: 5, ra: 6, sh: 0, mb: 16, me: 31 }));
    t.code(0x1008, asm('or', { rs: 6, ra: 6, rb: 7 }), asm('stw', { rs: 6, ra: 0, d: 0x1010 }));
    t.code(0x1010, asm('addi', { rt: 3, si: 0 }), asm('add', { rt: 4, ra: 4, rb: 3 }), asm('b', { li: -0x18 }));
    t.set({ pc: 0x1000, r7: asm('addi', { rt: 3 }), r4: 0, r5: 0 });
  };

  it('executes what was stored, even in the same block, however often', () => {
    loop();
    while (t.reg('r5') < 1000) t.cpu.run(7);
    const n = t.reg('r5');
    const sum = t.reg('r4');
    expect([(n * (n + 1)) / 2, (n * (n - 1)) / 2]).toContain(sum);
  });

  it('sees what DMA wrote', () => {
    t.code(0x1000, asm('addi', { rt: 3, si: 1 }), asm('b', { li: -4 }));
    t.cpu.run(10);
    const patch = new Uint8Array(4);
    new DataView(patch.buffer).setUint32(0, asm('addi', { rt: 3, si: 2 }));
    t.map.dmaWrite(0x1000, patch);
    t.cpu.run(10);
    expect(t.reg('r3')).toBe(2);
  });

  it('survives more code pages than there are decoded pages', () => {
    t = new TestPpc({ ramBytes: 16 << 20 });
    const pages = 4000;
    for (let page = 0; page < pages; page++) {
      const at = 0x2000 + page * 0x1000;
      const next = page === pages - 1 ? 0x2000 : at + 0x1000;
      t.code(at, asm('addi', { rt: 3, ra: 3, si: 1 }), asm('b', { li: next - (at + 4) }));
    }
    t.set({ pc: 0x2000, r3: 0 });
    t.cpu.run(pages * 2 * 3);
    expect(t.reg('r3')).toBe(pages * 3);
  });
});

describe('PowerPC translation', () => {
  const HTAB = 0x4_0000; // 64 KiB
  const translated = MSR.ME | MSR.IR | MSR.DR;
  const pteAddress = (ea: number, vsid: number, secondary: boolean, slot: number) => {
    const hash = (vsid & 0x7_ffff) ^ ((ea >>> 12) & 0xffff);
    return HTAB + (((secondary ? ~hash : hash) & 0x3ff) << 6) + slot * 8;
  };
  const map = (ea: number, pa: number, vsid: number, pp: number, { secondary = false, slot = 0, wimg = 0 } = {}) => {
    const at = pteAddress(ea, vsid, secondary, slot);
    t.ram.view.setUint32(at, (0x8000_0000 | (vsid << 7) | (secondary ? 0x40 : 0) | ((ea >>> 22) & 0x3f)) >>> 0);
    t.ram.view.setUint32(at + 4, (pa | (wimg << 3) | pp) >>> 0);
    return at;
  };
  const stepAt = (pc: number, ...words: number[]) => {
    t.code(0x1000, ...words);
    t.set({ pc });
    for (const _ of words) t.cpu.step();
  };

  beforeEach(() => {
    t.set({ sdr1: HTAB, ibat0u: batUpper(0, 0x10_0000), ibat0l: 2, msr: translated, sr5: 0x123, sr6: 0x6000_0456 });
  });

  it('goes through the data BATs with their protection', () => {
    t.set({ dbat1u: batUpper(0x8000_0000, 0x2_0000), dbat1l: 0x2_0000 | 1, r4: 0x8000_0000 });
    t.ram.view.setUint32(0x2_0010, 0xcafe);
    stepAt(0x1000, asm('lwz', { rt: 3, ra: 4, d: 0x10 }));
    expect(t.reg('r3')).toBe(0xcafe);
    stepAt(0x1000, asm('stw', { rs: 3, ra: 4, d: 0x10 }));
    expect([t.reg('pc'), t.reg('dar'), t.reg('dsisr')]).toEqual([0x300, 0x8000_0010, 0x0a00_0000]);
  });

  it('walks the page table, primary and secondary, and records use in R and C', () => {
    const first = map(0x5000_3000, 0x2_3000, 0x123, 2);
    const second = map(0x5000_4000, 0x2_4000, 0x123, 2, { secondary: true, slot: 7 });
    t.ram.view.setUint32(0x2_3008, 0x1234);
    t.set({ r4: 0x5000_3000, r5: 0x5000_4000 });
    stepAt(0x1000, asm('lwz', { rt: 3, ra: 4, d: 8 }));
    expect([t.reg('r3'), t.ram.view.getUint32(first + 4)]).toEqual([0x1234, 0x2_3102]);
    stepAt(0x1000, asm('stw', { rs: 3, ra: 4, d: 12 }), asm('stw', { rs: 3, ra: 5, d: 0 }));
    expect(t.ram.view.getUint32(first + 4)).toBe(0x2_3182);
    expect(t.ram.view.getUint32(second + 4)).toBe(0x2_4182);
    expect([t.ram.view.getUint32(0x2_300c), t.ram.view.getUint32(0x2_4000)]).toEqual([0x1234, 0x1234]);
  });

  it('raises DSI for what is not mapped or not allowed', () => {
    t.set({ r4: 0x5000_3000 });
    stepAt(0x1000, asm('stwu', { rs: 3, ra: 4, d: 4 }));
    expect([t.reg('pc'), t.reg('srr0'), t.reg('dar'), t.reg('dsisr'), t.reg('r4')]).toEqual([
      0x300, 0x1000, 0x5000_3004, 0x4200_0000, 0x5000_3000,
    ]);
    map(0x6000_3000, 0x2_3000, 0x456, 1);
    t.set({ r4: 0x6000_3000, msr: translated });
    stepAt(0x1000, asm('lwz', { rt: 3, ra: 4 }));
    expect(t.reg('pc')).toBe(0x1004);
    stepAt(0x1000, asm('stw', { rs: 3, ra: 4 }));
    expect([t.reg('pc'), t.reg('dsisr')]).toEqual([0x300, 0x0a00_0000]);
  });

  it('raises ISI for code that is not mapped, not executable or guarded', () => {
    const isi = (pc: number) => {
      t.set({ msr: translated, pc });
      t.cpu.step();
      return [t.reg('pc'), t.reg('srr0'), t.reg('srr1') & 0x7fff_0000];
    };
    expect(isi(0x5000_3000)).toEqual([0x400, 0x5000_3000, 0x4000_0000]);
    t.set({ sr7: 0x1000_0777 });
    expect(isi(0x7000_0000)).toEqual([0x400, 0x7000_0000, 0x1000_0000]);
    map(0x5000_3000, 0x2_3000, 0x123, 2, { wimg: 1 });
    expect(isi(0x5000_3000)).toEqual([0x400, 0x5000_3000, 0x1000_0000]);
    t.set({ sr7: 0x8000_0000 });
    expect(isi(0x7000_0000)).toEqual([0x400, 0x7000_0000, 0x1000_0000]);
  });

  it('forgets on tlbie, on segment changes after isync, and on BAT changes', () => {
    const pte = map(0x5000_3000, 0x2_3000, 0x123, 2);
    map(0x5000_3000, 0x2_5000, 0x124, 2);
    t.ram.view.setUint32(0x2_3000, 3);
    t.ram.view.setUint32(0x2_4000, 4);
    t.ram.view.setUint32(0x2_5000, 5);
    t.set({ r4: 0x5000_3000, r8: 0x124 });
    const lwz = asm('lwz', { rt: 3, ra: 4 });
    stepAt(0x1000, lwz);
    expect(t.reg('r3')).toBe(3);
    t.ram.view.setUint32(pte + 4, 0x2_4002);
    stepAt(0x1000, asm('tlbie', { rb: 4 }), lwz);
    expect(t.reg('r3')).toBe(4);
    stepAt(0x1000, asm('mtsr', { sr: 5, rs: 8 }), asm('isync'), lwz);
    expect(t.reg('r3')).toBe(5);
    t.set({ r5: batUpper(0x5000_0000, 0x2_0000), r6: 0x2_0002 });
    stepAt(0x1000, mtspr(541, 6), mtspr(540, 5), lwz);
    expect(t.reg('r3')).toBe(3);
  });

  it('keeps user and supervisor apart', () => {
    map(0x6000_3000, 0x2_3000, 0x456, 0);
    t.set({ sr6: 0x2000_0456, r4: 0x6000_3000 });
    stepAt(0x1000, asm('lwz', { rt: 3, ra: 4 }));
    expect(t.reg('pc')).toBe(0x1004);
    t.set({ msr: translated | MSR.PR });
    stepAt(0x1000, asm('lwz', { rt: 3, ra: 4 }));
    expect([t.reg('pc'), t.reg('dsisr')]).toEqual([0x300, 0x0800_0000]);
  });

  it('answers the debugger without side effects', () => {
    const pte = map(0x5000_3000, 0x2_3000, 0x123, 2);
    expect(t.cpu.translate(0x5000_3123, 'data')).toBe(0x2_3123);
    expect(t.cpu.translate(0x5000_9123, 'data')).toBeUndefined();
    expect(t.ram.view.getUint32(pte + 4)).toBe(0x2_3002);
    expect(t.cpu.writeVirtual(0x5000_3ffe, Uint8Array.of(1, 2))).toBe(true);
    expect(t.cpu.writeVirtual(0x5000_3ffe, Uint8Array.of(1, 2, 3))).toBe(false);
    const back = new Uint8Array(2);
    t.cpu.readVirtual(0x5000_3ffe, back);
    expect(Array.from(back)).toEqual([1, 2]);
  });

  it('raises the 603 TLB miss exceptions and loads what software finds', () => {
    t = new TestPpc({ model: '603e' });
    t.set({ sdr1: HTAB, ibat0u: batUpper(0, 0x10_0000), ibat0l: 2, msr: translated, sr5: 0x123, r4: 0x5000_3000 });
    const pte = map(0x5000_3000, 0x2_3000, 0x123, 2);
    t.set({ r0: 0xabcd });
    stepAt(0x1000, asm('lwz', { rt: 3, ra: 4 }));
    expect([t.reg('pc'), t.reg('dmiss'), t.reg('hash1')]).toEqual([0x1100, 0x5000_3000, pte]);
    expect(t.reg('dcmp')).toBe(t.ram.view.getUint32(pte));
    expect(t.reg('msr') & 0x2_0000).toBe(0x2_0000);
    t.set({ r0: 0x5000_3000, r1: t.ram.view.getUint32(pte + 4) });
    t.code(0x1000, mtspr(982, 1), asm('tlbld', { rb: 0 }), asm('rfi'));
    t.set({ pc: 0x1000 });
    for (let n = 0; n < 3; n++) t.cpu.step();
    expect([t.reg('pc'), t.reg('r0'), t.reg('msr')]).toEqual([0x1000, 0xabcd, translated]);
    t.ram.view.setUint32(0x2_3000, 99);
    stepAt(0x1000, asm('lwz', { rt: 3, ra: 4 }));
    expect(t.reg('r3')).toBe(99);
    stepAt(0x1000, asm('stw', { rs: 3, ra: 4 }));
    expect([t.reg('pc'), (t.reg('srr1') >>> 16) & 1]).toEqual([0x1200, 1]);
  });
});

describe('PowerPC models', () => {
  it('take only what they have', () => {
    const stops = (model: '601' | '603e' | '750' | '7400', word: number) => {
      const one = new TestPpc({ model });
      one.execute([word]);
      return one.reg('pc');
    };
    expect(stops('750', asm('maskg'))).toBe(0x700);
    expect(stops('601', asm('maskg'))).toBe(0x1004);
    expect(stops('601', asm('mftb', { spr: 268 }))).toBe(0x700);
    expect(stops('750', asm('tlbld'))).toBe(0x700);
    expect(stops('750', asm('vector'))).toBe(0x700);
    expect(stops('7400', asm('vector'))).toBe(0xf20);
    expect(stops('7400', asm('dst'))).toBe(0x1004);
    expect(stops('750', asm('hypercall'))).toBe(0x700);
  });

  it('show their version', () => {
    const versions = (['601', '603e', '604e', '750', '7400'] as const).map((model) => {
      const one = new TestPpc({ model });
      one.execute([mfspr(3, 287)]);
      return one.reg('r3') >>> 16;
    });
    expect(versions).toEqual([1, 6, 9, 8, 12]);
  });

  it('call the host only where the machine allows it', () => {
    const calls: number[] = [];
    const host = new TestPpc({
      onHypercall: (n) => {
        calls.push(n, host.cpu.pc, host.cpu.gpr(3));
        host.set({ r3: 55, pc: 0x3000 });
      },
    });
    host.set({ r3: 4 });
    host.execute([asm('hypercall', { n: 0x12_3456 })]);
    expect(calls).toEqual([0x12_3456, 0x1004, 4]);
    expect([host.reg('r3'), host.reg('pc')]).toEqual([55, 0x3000]);
  });

  it('750: performance monitor counts and interrupts', () => {
    t.code(0xf00, BRANCH_TO_SELF);
    t.set({ r3: 0x7fff_fff0, r4: 0x0400_8000 | (2 << 6), msr: MSR.ME | MSR.EE });
    t.code(0x1000, mtspr(953, 3), mtspr(952, 4), NOP, NOP, NOP, BRANCH_TO_SELF);
    t.cpu.run(12);
    expect(t.reg('pc')).toBe(0x1014);
    t.cpu.run(20);
    expect([t.reg('pc'), t.reg('mmcr0') & 0x0400_0000]).toEqual([0xf00, 0]);
  });

  it('750: thermal sensor compares with the die', () => {
    t = new TestPpc({ temperature: 50 });
    t.set({ r3: 1, r4: (40 << 23) | 1, r5: (60 << 23) | 1 });
    t.execute([mtspr(1022, 3), mtspr(1020, 4), mfspr(6, 1020), mtspr(1020, 5), mfspr(7, 1020)]);
    expect([t.reg('r6') >>> 30, t.reg('r7') >>> 30]).toEqual([3, 1]);
  });
});
