// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { STOP } from '../../../../machines/backplane/cpu.ts';
import { Board } from '../../../../machines/backplane/board.ts';
import { type BusTarget, BYTE_REGISTERS } from '../../../../machines/backplane/bus.ts';
import { PAGE_DIRTY, PAGE_TRACKED } from '../../../../machines/backplane/memory.ts';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { M68kCpu } from '../../../../machines/devices/cpu/m68k.ts';
import { m68kModule } from '../../../support/m68k.ts';

const RAM_BYTES = 0x10_0000;
const START = 0x1000;
const STACK = 0x8000;
const COUNTER = 0x4000;
const PORT = 0x50_0000;
const SLICE = 100_000;

/** move.l COUNTER,D0; cmp.l COUNTER,D0; beq to the comparison: waits until somebody changes the counter. */
const WAIT = [0x2039, 0, COUNTER, 0xb0b9, 0, COUNTER, 0x67f8];
/** jsr (a0) to an rts, again and again: the stack is written, always the same. */
const CALLS = [0x4e90, 0x60fc, 0x4e75];
/** addq.l #1,COUNTER; bra. */
const COUNTS = [0x52b9, 0, COUNTER, 0x60f8];
/** addq.l #1,D1; bra. */
const COUNTS_IN_REGISTER = [0x5281, 0x60fc];
/** tst.b PORT; bra. */
const ASKS_A_DEVICE = [0x4a39, PORT >>> 16, PORT & 0xffff, 0x60f8];

function setUp(program: number[]) {
  const board = new Board({ masterHz: 25_000_000, memoryBytes: (64 << 20) + RAM_BYTES });
  const map = board.map('bus');
  const cpu = board.addCpu(
    new M68kCpu(board.chip('cpu'), {
      memory: board.memory,
      map,
      module: m68kModule(),
      model: '68040',
      idleLoops: true,
    }),
  );
  const ram = board.memory.allocate('ram', RAM_BYTES);
  const port: BusTarget = { span: 4, access: BYTE_REGISTERS, read: () => 0, write: () => {} };
  map.add(region(0, RAM_BYTES - 1).ram(ram), region(PORT, PORT + 3).device(port, 'port'));
  ram.view.setUint32(0, STACK);
  ram.view.setUint32(4, START);
  // Interrupts of level 1 count.
  ram.view.setUint32(25 * 4, 0x2000);
  program.forEach((word, index) => ram.view.setUint16(START + index * 2, word));
  [...COUNTS.slice(0, 3), 0x4e73].forEach((word, index) => ram.view.setUint16(0x2000 + index * 2, word));
  board.memory.written(ram.offset, ram.size);
  cpu.setRegister('pc', START);
  cpu.setRegister('a7', STACK);
  cpu.setRegister('sr', 0x2000);
  cpu.setRegister('a0', START + 4);
  /** Runs slices; the reason of the last one, and how many ticks passed. */
  const run = (slices = 20) => {
    let ticks = 0;
    for (let n = 0; n < slices; n++) {
      const reason = cpu.run(SLICE);
      ticks += cpu.elapsed();
      if (reason !== STOP.budget) return { reason, ticks };
    }
    return { reason: STOP.budget, ticks };
  };
  return { board, cpu, ram, run };
}

describe('IdleLoop', () => {
  it('calls a loop idle that only waits for memory to change', () => {
    const { run } = setUp(WAIT);
    const { reason, ticks } = run();
    expect(reason).toBe(STOP.idle);
    expect(ticks).toBeLessThan(SLICE);
    expect(run()).toEqual({ reason: STOP.idle, ticks: 0 });
  });

  it('calls a loop idle that writes what is there already', () => {
    expect(setUp(CALLS).run().reason).toBe(STOP.idle);
  });

  it.each([
    ['counts in memory', COUNTS],
    ['counts in a register', COUNTS_IN_REGISTER],
    ['asks a device', ASKS_A_DEVICE],
  ])('lets a loop run that %s', (_what, program) => {
    expect(setUp(program).run()).toEqual({ reason: STOP.budget, ticks: 20 * SLICE });
  });

  it('goes on when an interrupt comes, and is idle again after it', () => {
    const { cpu, ram, run } = setUp(WAIT);
    run();
    cpu.setIpl(1);
    expect(cpu.run(10)).toBe(STOP.budget);
    cpu.setIpl(0);
    cpu.run(100);
    expect(ram.view.getUint32(COUNTER)).toBeGreaterThan(0);
  });

  it('goes on when a device has written to memory', () => {
    const { board, ram, cpu, run } = setUp(WAIT);
    run();
    ram.view.setUint32(COUNTER, 1);
    board.memory.written(ram.offset + COUNTER, 4);
    cpu.run(100);
    expect(cpu.pc).toBeGreaterThanOrEqual(START + WAIT.length * 2);
  });

  it('leaves the marks of those who watch pages as they would be', () => {
    const { board, ram, run } = setUp(CALLS);
    const state = (pa: number) => board.memory.pageState[(ram.offset + pa) >>> 12]! & (PAGE_TRACKED | PAGE_DIRTY);
    const before = [state(STACK - 4), state(0x9000)];
    run();
    expect([state(STACK - 4), state(0x9000)]).toEqual(before);
    const again = setUp(CALLS);
    again.board.memory.track(again.ram);
    again.board.memory.drainDirty(again.ram);
    again.run();
    expect(again.board.memory.drainDirty(again.ram)).toEqual([(STACK - 4) >>> 12]);
  });
});
