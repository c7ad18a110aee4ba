// SPDX-License-Identifier: MIT
//
// Random memory executed by every processor, in supervisor state, with random registers, tables and interrupts: whatever
// a guest does, the core returns when its time is over and its state can be saved.
import { describe, expect, it } from 'vitest';
import { STOP } from '../../../machines/backplane/cpu.ts';
import { region } from '../../../machines/backplane/memory-map.ts';
import { M68K_MODELS } from '../../../machines/devices/cpu/m68k.ts';
import { ISA } from '../../../core/m68k/host/gen/isa.ts';
import { TestM68k } from '../../support/m68k.ts';
import { random } from '../../support/random.ts';

const RAM = 0x1_0000;
const TICKS = 3000;

describe.each(M68K_MODELS)('%s', (model) => {
  it('survives random programs', () => {
    const next = random(M68K_MODELS.indexOf(model) + 40);
    const below = (limit: number): number => Math.floor(next() * limit);
    const machine = new TestM68k({
      model,
      ramBytes: RAM,
      fpu: model === '68020' ? '68881' : model === '68030' ? '68882' : model === '68040' ? '68040' : 'none',
      extend: (map) => {
        map.openBus = { value: 0x4e, busError: true };
        map.add(
          region(0x2_0000, 0x2_ffff).device(
            {
              span: 0x1_0000,
              access: { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'big' },
              read: (_offset, width) => below(2 ** (8 * width)),
              write: () => {},
            },
            'device',
          ),
        );
      },
    });
    const { bytes, view } = machine.ram;
    let executed = 0;
    for (let round = 0; round < 40; round++) {
      for (let at = 0; at < RAM; at += 4) view.setUint32(at, below(2 ** 32));
      // Operations that exist, more often than random words would have them.
      for (let at = 0x1000; at < 0x8000; at += 2) {
        if (below(3) !== 0) continue;
        const row = ISA[below(ISA.length)]!;
        view.setUint16(at, row.match | (below(0x1_0000) & ~row.mask & 0xffff));
      }
      for (let vector = 0; vector < 256; vector++) {
        view.setUint32(vector * 4, below(8) === 0 ? below(2 ** 32) : below(RAM) & ~1);
      }
      machine.board.memory.written(machine.ram.offset, bytes.length);
      machine.cpu.reset('cold');
      machine.set({ pc: 0x1000 + (below(0x7000) & ~1), a7: below(RAM) & ~1, usp: below(RAM), msp: below(RAM) });
      for (let n = 0; n < 7; n++)
        machine.set({ [`a${n}`]: below(2) ? below(RAM) : below(2 ** 32), [`d${n}`]: below(100) });
      if (below(2) === 0) {
        const tc = model === '68030' ? 0x80c0_8480 + below(4) * 0x0100_0000 : below(2) ? 0xc000 : 0x8000;
        const root = { crp_upper: 0x7fff_0002, srp_upper: 0x7fff_0003, urp: 0x4000, srp: 0x4000 };
        machine.set({ ...root, tc, itt0: below(2) ? 0xa000 : 0x8043, dtt0: below(2) ? 0xe000 : 0 });
      }
      for (let slice = 0; slice < 8; slice++) {
        machine.cpu.setIpl(below(4) === 0 ? below(8) : 0);
        const before = machine.cpu.ticks;
        const reason = machine.cpu.run(TICKS);
        const passed = machine.cpu.ticks - before;
        executed += passed;
        // An instruction may take a step beyond the end, no more.
        expect(passed).toBeLessThanOrEqual(TICKS + 1);
        if (reason === STOP.budget) expect(passed).toBeGreaterThanOrEqual(TICKS);
      }
      const saved = machine.cpu.save();
      machine.cpu.restore(saved);
      expect({ ...machine.cpu.save(), ipl: 0 }).toEqual({ ...saved, ipl: 0 });
    }
    expect(executed).toBeGreaterThan(50_000);
  });

  it('does not stop time for a handler that cannot be fetched', () => {
    const machine = new TestM68k({ model });
    machine.map.openBus = { value: 0, busError: true };
    machine.ram.view.setUint32(8, 0x0080_0000);
    machine.cpu.setRegister('pc', 0x0080_0000);
    machine.cpu.setRegister('a7', 0x10_0000);
    const before = machine.cpu.ticks;
    expect(machine.cpu.run(500)).toBe(STOP.budget);
    expect(machine.cpu.ticks - before).toBe(500);
  });
});
