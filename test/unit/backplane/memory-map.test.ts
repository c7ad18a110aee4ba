import { describe, expect, it } from 'vitest';
import { BYTE_REGISTERS, type BusTarget, LITTLE_WORDS } from '../../../machines/backplane/bus.ts';
import { region } from '../../../machines/backplane/memory-map.ts';
import { FakeBoard } from '../../support/fake-board.ts';

/** Remembers accesses; reads give the offset in every byte it implements. */
function recorder(access: BusTarget['access'], span = 0x100): BusTarget & { log: string[] } {
  const log: string[] = [];
  return {
    span,
    access,
    log,
    read(offset, width) {
      log.push(`r${width} ${offset.toString(16)}`);
      return width === 4 ? 0x1122_3344 : offset & 0xff;
    },
    write(offset, width, value) {
      log.push(`w${width} ${offset.toString(16)}=${value.toString(16)}`);
    },
  };
}

describe('MemoryMap', () => {
  it('reads and writes RAM in big-endian order', () => {
    const fake = new FakeBoard();
    const map = fake.map();
    map.add(region(0x1000, 0x1fff).ram(fake.board.memory.allocate('main', 0x1000)));
    map.write(0x1004, 4, 0xdead_beef);
    expect(map.read(0x1004, 1)).toBe(0xde);
    expect(map.read(0x1006, 2)).toBe(0xbeef);
    expect(map.read(0x1003, 4)).toBe(0x00de_adbe);
  });

  it('refuses overlaps of equal priority, and lets the higher priority answer', () => {
    const fake = new FakeBoard();
    const map = fake.map();
    map.add(region(0, 0xffff).stub('low', 0x11));
    map.add(region(0x8000, 0x8fff).stub('high', 0x22).priority(1));
    expect(map.read(0x7fff, 1)).toBe(0x11);
    expect(map.read(0x8000, 1)).toBe(0x22);
    expect(map.read(0x9000, 1)).toBe(0x11);
    map.add(region(0x8800, 0x9000).stub('other').priority(1));
    expect(() => map.flat).toThrow(/other at 0x0000_8800.*overlaps stub high.*priority/);
  });

  it('splits wide accesses to byte registers in address order', () => {
    const fake = new FakeBoard();
    const map = fake.map();
    const target = recorder(BYTE_REGISTERS);
    map.add(region(0x100, 0x1ff).device(target, 'chip'));
    expect(map.read(0x110, 4)).toBe(0x1011_1213);
    expect(target.log).toEqual(['r1 10', 'r1 11', 'r1 12', 'r1 13']);
  });

  it('swaps bytes for little-endian registers and merges narrow writes', () => {
    const fake = new FakeBoard();
    const map = fake.map();
    const target = recorder(LITTLE_WORDS);
    map.add(region(0x100, 0x1ff).device(target, 'chip'));
    expect(map.read(0x108, 4)).toBe(0x4433_2211);
    expect(map.read(0x109, 1)).toBe(0x33);
    map.write(0x10a, 1, 0xaa);
    expect(target.log.at(-1)).toBe('w4 8=11aa3344');
  });

  it('shows a nested map through a window, follows its changes, and mirrors', () => {
    const fake = new FakeBoard();
    const cpu = fake.map('cpu');
    const pci = fake.map('pci');
    cpu.add(region(0x8000_0000, 0x8fff_ffff).map(pci, 0x8000_0000));
    expect(cpu.at(0x8100_0000)).toBeUndefined();
    const bar = region(0x8100_0000, 0x8100_0fff).stub('bar', 0x5a);
    pci.add(bar);
    expect(cpu.read(0x8100_0010, 2)).toBe(0x5a5a);
    pci.remove(bar);
    expect(cpu.read(0x8100_0010, 2)).toBe(0xffff);
    cpu.add(region(0x1000, 0x1fff).stub('m', 0x33).mirror(0xa000));
    expect([0x1000, 0x2000, 0x9fff, 0xb000].map((pa) => cpu.read(pa, 1))).toEqual([0x33, 0xff, 0x33, 0x33]);
  });

  it('moves DMA across regions and reports what is not memory', () => {
    const fake = new FakeBoard();
    const map = fake.map();
    const ram = fake.board.memory.allocate('main', 0x2000);
    map.add(region(0, 0xfff).ram(ram), region(0x2000, 0x2fff).ram(ram, 0x1000));
    map.dmaWrite(0xffe, Uint8Array.of(1, 2, 3, 4));
    expect([ram.bytes[0xffe], ram.bytes[0xfff], ram.bytes[0x1000]]).toEqual([1, 2, 0]);
    const into = new Uint8Array(0x1004);
    map.dmaRead(0xffe, into);
    expect([into[0], into[1], into[2]]).toEqual([1, 2, 0]);
    expect(fake.logged('guest')).toHaveLength(2);
  });

  it('raises bus errors only where the board says so', () => {
    const fake = new FakeBoard();
    const map = fake.map();
    map.read(0, 4);
    expect(map.takeBusError()).toBe(false);
    map.openBus = { value: 0, busError: true };
    expect(map.read(0, 4)).toBe(0);
    expect([map.takeBusError(), map.takeBusError()]).toEqual([true, false]);
  });

  it('tracks dirty pages of a block', () => {
    const fake = new FakeBoard();
    const map = fake.map();
    const vram = fake.board.memory.allocate('vram', 0x4000);
    map.add(region(0, 0x3fff).ram(vram));
    fake.board.memory.track(vram);
    expect(fake.board.memory.drainDirty(vram)).toEqual([0, 1, 2, 3]);
    map.write(0x1ffc, 4, 1);
    map.dmaWrite(0x2fff, Uint8Array.of(1, 2));
    expect(fake.board.memory.drainDirty(vram)).toEqual([1, 2, 3]);
    expect(fake.board.memory.drainDirty(vram)).toEqual([]);
  });
});
