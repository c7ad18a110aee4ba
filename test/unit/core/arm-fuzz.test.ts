// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { A32, T32, UNCONDITIONAL, type IsaRow } from '../../../core/arm/host/gen/isa.ts';
import { ARM_MODELS } from '../../../machines/devices/cpu/arm.ts';
import { TestArm } from '../../support/arm.ts';
import { random } from '../../support/random.ts';

const PROGRAMS = 150;
const WORDS = 64;
const ARM_ROWS: readonly IsaRow[] = [...A32, ...UNCONDITIONAL];
const MODES = [0x10, 0x11, 0x12, 0x13, 0x17, 0x1b, 0x1f, 0x16];

/** Anything may be executed in any mode with any translation: the core goes on, and time with it. */
describe.each(ARM_MODELS)('%s', (model) => {
  it('survives whatever it executes', () => {
    const next = random(ARM_MODELS.indexOf(model) + 1);
    const below = (n: number): number => Math.floor(next() * n);
    const m = new TestArm({ model, ramBytes: 0x4_0000 });
    m.map.openBus = { value: 0xff, busError: true };
    const word32 = (): number => below(2 ** 32);
    const instruction = (rows: readonly IsaRow[]): number => {
      const { mask, match } = rows[below(rows.length)]!;
      return ((match & mask) | (word32() & ~mask)) >>> 0;
    };
    for (let program = 0; program < PROGRAMS; program++) {
      if (below(4) === 0) m.cpu.reset('cold');
      for (let at = 0; at < 0x4_0000; at += 0x1000 * (1 + below(8))) m.code(at, word32(), word32());
      const from = below(0x3_0000) & ~3;
      const thumb = below(2);
      for (let n = 0; n < WORDS; n++) {
        const rows = thumb === 1 ? T32 : ARM_ROWS;
        const word = below(8) === 0 ? word32() : instruction(rows);
        m.code(from + n * 4, thumb === 1 ? ((word << 16) | (word >>> 16)) >>> 0 : word);
      }
      for (let n = 0; n < 15; n++) m.set({ [`r${n}`]: below(3) === 0 ? word32() : below(0x4_0000) });
      m.set({
        ttbr0: below(0x4_0000) & ~0x3fff,
        ttbcr: below(8),
        dacr: word32(),
        cpacr: below(2) * 0x00f0_0000,
        fpexc: below(2) * 0x4000_0000,
        fpscr: word32() & 0xfff7_009f,
        sctlr: word32() & (below(3) === 0 ? 0xffff_ffff : 0xffff_fffe),
      });
      m.set({ cpsr: ((word32() & 0xff0f_ffc0) | MODES[below(MODES.length)]! | (thumb << 5)) >>> 0 });
      m.set({ pc: from });
      m.cpu.interrupt(below(8) === 0);
      m.cpu.fastInterrupt(below(16) === 0);
      m.cpu.interruptLine(below(32), below(2) === 0);
      for (let n = 0; n < WORDS / 2; n++) m.cpu.step();
      const before = m.cpu.ticks;
      m.cpu.run(1000);
      expect(m.cpu.ticks).toBeGreaterThanOrEqual(before);
      expect(m.cpu.elapsed()).toBeLessThan(1000 + 2100);
      expect(m.cpu.pc).toBeGreaterThanOrEqual(0);
      expect(() => m.cpu.save()).not.toThrow();
    }
    const saved = m.cpu.save();
    m.cpu.restore(saved);
    expect(m.cpu.save()).toEqual(saved);
  });
});
