// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { Cpu } from '../../../machines/backplane/cpu.ts';
import { region } from '../../../machines/backplane/memory-map.ts';
import { kernelMemory } from '../../../machines/goldfish/virtual-dma.ts';
import { FakeBoard } from '../../support/fake-board.ts';

const PAGE = 4096;

/** Two pages of RAM that the processor sees in reverse order from 0x8000_0000 on, and nothing after them. */
function setUp() {
  const fake = new FakeBoard();
  const map = fake.map();
  const ram = fake.board.memory.allocate('ram', 2 * PAGE);
  map.add(region(0, 2 * PAGE - 1).ram(ram));
  const pages = new Map([
    [0x8000_0000, PAGE],
    [0x8000_1000, 0],
  ]);
  const translate = (va: number): number | undefined => {
    const page = pages.get(va - (va % PAGE));
    return page === undefined ? undefined : page + (va % PAGE);
  };
  const memory = kernelMemory(() => ({ translate }) as unknown as Cpu, map, fake.chip('memory').log);
  return { fake, ram: ram.bytes, memory };
}

describe('kernelMemory', () => {
  it('finds each page where the processor has it', () => {
    const { ram, memory } = setUp();
    memory.dmaWrite(0x8000_0ffe, Uint8Array.of(1, 2, 3, 4));
    expect([ram[2 * PAGE - 2], ram[2 * PAGE - 1], ram[0], ram[1]]).toEqual([1, 2, 3, 4]);
    const back = new Uint8Array(4);
    memory.dmaRead(0x8000_0ffe, back);
    expect([...back]).toEqual([1, 2, 3, 4]);
  });

  it('reads zeros where nothing is, and writes nothing there', () => {
    const { fake, ram, memory } = setUp();
    ram.fill(9);
    const into = new Uint8Array(4).fill(7);
    memory.dmaRead(0x8000_1ffe, into);
    expect([...into]).toEqual([9, 9, 0, 0]);
    memory.dmaWrite(0xffff_fffe, Uint8Array.of(1, 2, 3, 4));
    expect(ram.every((byte) => byte === 9)).toBe(true);
    expect(fake.logged('guest').length).toBeGreaterThan(0);
  });
});
