// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { SnapshotError } from '../../../../machines/backplane/device.ts';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { PPC_MODELS, PpcCpu } from '../../../../machines/devices/cpu/ppc.ts';
import { expectSnapshotLaw } from '../../../support/fake-board.ts';
import { TestPpc, asm } from '../../../support/ppc.ts';

/** A small generator with a fixed seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state ^ (state >>> 13)) >>> 0;
  };
}

describe('PpcCpu', () => {
  it('begins at the reset vector', () => {
    const { cpu } = new TestPpc();
    cpu.reset('cold');
    expect([cpu.pc, cpu.registers()['msr']]).toEqual([0xfff0_0100, 0x40]);
  });

  it('takes and shows every register by its manual name', () => {
    const t = new TestPpc();
    const names = Object.keys(t.cpu.registers()).filter(
      (name) => !['tbl', 'tbu', 'dec', 'msr', 'pc', 'xer'].includes(name),
    );
    for (const [index, name] of names.entries()) t.set({ [name]: 0x1000_0000 + index });
    const after = t.cpu.registers();
    for (const [index, name] of names.entries()) expect(Number(after[name]), name).toBe(0x1000_0000 + index);
    t.set({ f31: 0x8000_0000_0000_0001n, xer: 0xe000_007f, pc: 0x1234, msr: 0x9032 });
    expect(t.cpu.registers()).toMatchObject({ f31: 0x8000_0000_0000_0001n, xer: 0xe000_007f, pc: 0x1234, msr: 0x9032 });
    expect(() => t.cpu.setRegister('r32', 0)).toThrow(/no register r32/);
  });

  it('obeys the snapshot law on every model', () => {
    for (const model of PPC_MODELS) {
      const make = () => new TestPpc({ model });
      const t = make();
      for (const [index, name] of Object.keys(t.cpu.registers()).entries()) {
        if (!['tbl', 'tbu'].includes(name)) t.set({ [name]: 0x1000 + index * 4 });
      }
      t.code(0x1000, asm('lwarx', { rt: 3, rb: 0 }), asm('b', { li: -4 }));
      t.set({ pc: 0x1000, msr: 0x3000, mmcr0: 0, mmcr1: 0, iabr: 0 });
      t.cpu.run(1000);
      expectSnapshotLaw(t.cpu, () => make().cpu);
    }
  });

  it('goes on after a restore exactly as it would have', () => {
    const program = (t: TestPpc) => {
      t.code(
        0x1000,
        asm('addi', { rt: 3, ra: 3, si: 1 }),
        asm('mftb', { rt: 4, spr: 268 }),
        asm('add', { rt: 5, ra: 5, rb: 4 }),
      );
      t.code(0x100c, asm('b', { li: -12 }));
      t.code(0x900, asm('addi', { rt: 6, ra: 6, si: 1 }), asm('rfi'));
    };
    const a = new TestPpc();
    program(a);
    a.set({ dec: 777, msr: 0x9000 });
    a.cpu.run(1234);
    const b = new TestPpc();
    program(b);
    b.cpu.restore(structuredClone(a.cpu.save()));
    a.cpu.run(100_000);
    b.cpu.run(100_000);
    expect(b.cpu.save()).toEqual(a.cpu.save());
    expect(a.reg('r6')).toBe(1);
  });

  it('refuses a snapshot of another model and values no register can hold', () => {
    const t = new TestPpc();
    const saved = t.cpu.save();
    expect(() => t.cpu.restore({ ...saved, model: '603e' })).toThrow(SnapshotError);
    expect(() => t.cpu.restore({ ...saved, xer_ca: 2 })).toThrow(SnapshotError);
    expect(() => t.cpu.restore({ ...saved, dec_due: -1n })).toThrow(SnapshotError);
    expect(() => t.cpu.restore({ ...saved, version: 99 })).toThrow(SnapshotError);
  });

  it('follows the map: whole pages of memory directly, the rest and changes through the bus', () => {
    const t = new TestPpc();
    const small = t.board.memory.allocate('small', 0x1_0000);
    const odd = region(0x9000_0800, 0x9000_27ff).ram(small, 0x800);
    t.map.add(odd);
    t.set({ r3: 0x1122_3344, r4: 0x9000_0000 });
    const stores = [0x800, 0xffe, 0x1004, 0x2000, 0x27fc].map((d) => asm('stw', { rs: 3, ra: 4, d }));
    t.execute(stores);
    for (const offset of [0x800, 0xffe, 0x2000, 0x27fc]) expect(small.view.getUint32(offset)).toBe(0x1122_3344);
    t.map.remove(odd);
    t.execute([asm('lwz', { rt: 5, ra: 4, d: 0x1004 })]);
    expect(t.reg('r5')).toBe(0xffff_ffff);
  });

  it('goes on in the new memory when the page it executes from changes under it', () => {
    const t = new TestPpc();
    const rom = t.board.memory.allocate('rom', 0x1000);
    rom.view.setUint32(0x08, asm('addi', { rt: 3, si: 2 }));
    t.map.add(region(0x1000, 0x1fff).rom(rom).priority(1).view('overlay'));
    t.map.add(
      region(0x8000_0000, 0x8000_0fff).device(
        {
          span: 0x1000,
          access: { valid: { min: 1, max: 4 }, impl: { min: 4, max: 4 }, byteOrder: 'big' },
          read: () => 0,
          write: () => t.map.setView('overlay', true),
        },
        'switch',
      ),
    );
    t.set({ r4: 0x8000_0000 });
    t.code(0x1000, asm('ori'), asm('stw', { rs: 3, ra: 4 }), asm('addi', { rt: 3, si: 1 }), asm('b', { li: 0 }));
    t.set({ pc: 0x1000 });
    t.cpu.run(3);
    expect(t.reg('r3')).toBe(2);
  });

  it('survives random programs on every model', () => {
    for (const model of PPC_MODELS) {
      const t = new TestPpc({ model, onHypercall: () => undefined });
      const next = random(PPC_MODELS.indexOf(model) + 1);
      for (let n = 0; n < 20; n++) {
        for (let at = 0; at < t.ram.size; at += 4) t.ram.view.setUint32(at, next());
        t.board.memory.written(t.ram.offset, t.ram.size);
        for (const name of Object.keys(t.cpu.registers())) {
          if (!['tbl', 'tbu'].includes(name)) t.set({ [name]: next() });
        }
        t.set({ pc: next() & 0xf_fffc, msr: next() & ((n & 1) === 0 ? 0xffcf : 0xffff) });
        t.cpu.interrupt((next() & 1) === 1);
        for (let slice = 0; slice < 20; slice++) {
          t.cpu.run(next() % 500);
          t.cpu.step();
          if (t.cpu.wakeIn < 1000) t.cpu.skipped(t.cpu.wakeIn);
        }
        if ((n & 15) === 0) t.cpu.reset('warm');
      }
      expect(t.cpu).toBeInstanceOf(PpcCpu);
      expect(Number.isSafeInteger(t.cpu.instructions)).toBe(true);
    }
  });
});
