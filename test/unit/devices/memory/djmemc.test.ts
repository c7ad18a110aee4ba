// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { DjMemc, djMemcBanks } from '../../../../machines/devices/memory/djmemc.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const MIB = 1 << 20;
const BANK0 = 0x04;
const MEMTOP = 0x2c;
const ROM_PA = 0x4000_0000;
const IO_PA = 0x5000_e000;

function setUp(ramBytes = 20 * MIB) {
  const fake = new FakeBoard(1_000_000, ramBytes + 4 * MIB);
  const ramMap = fake.map('ram');
  const romMap = fake.map('rom');
  const ram = fake.board.memory.allocate('ram', ramBytes);
  const rom = fake.board.memory.allocate('rom', MIB);
  rom.bytes.fill(0xee);
  const memc = new DjMemc(fake.chip('djmemc'), { ram, rom, ramMap, romMap, banks: djMemcBanks(ramBytes) });
  const map = fake.map('cpu');
  map.add(
    region(0, 0x3fff_ffff).map(ramMap),
    region(ROM_PA, ROM_PA + MIB - 1).map(romMap),
    region(IO_PA, IO_PA + 0x1fff).device(memc, 'djmemc'),
  );
  memc.reset('cold');
  memc.settle();
  return { fake, memc, map, ram };
}

/** What a ROM does to find out how large a bank is: where its beginning appears again. */
function sizeOf(map: ReturnType<typeof setUp>['map'], bank: number): number {
  const start = bank * 64 * MIB;
  map.write(start, 4, 0x5469_6e61);
  if (map.read(start, 4) !== 0x5469_6e61) return 0;
  for (let size = 4 * MIB; size < 64 * MIB; size *= 2) {
    map.write(start, 4, 0x5469_6e61);
    if (map.read(start + size, 4) === 0x5469_6e61) return size;
    map.write(start + size, 4, 0);
  }
  return 64 * MIB;
}

describe('DjMemc', () => {
  it('shows the ROM at 0 until the ROM is accessed in its own place', () => {
    const { map } = setUp();
    expect([map.read(0, 4), map.read(MIB - 4, 4)]).toEqual([0xeeee_eeee, 0xeeee_eeee]);
    map.write(0, 4, 1);
    expect(map.read(0, 4)).toBe(0xeeee_eeee);
    expect(map.read(ROM_PA + 8, 2)).toBe(0xeeee);
    expect(map.read(0, 4)).toBe(0);
    map.write(0, 4, 1);
    expect(map.read(0, 4)).toBe(1);
  });

  it('lets software find the sizes of its banks: each repeats in its window, an empty one reads as ones', () => {
    const { map } = setUp(24 * MIB);
    map.read(ROM_PA, 4);
    const sizes = Array.from({ length: 10 }, (_, bank) => sizeOf(map, bank) / MIB);
    expect(sizes).toEqual([4, 4, 16, 0, 0, 0, 0, 0, 0, 0]);
    expect(map.read(3 * 64 * MIB, 4)).toBe(0xffff_ffff);
  });

  it('puts banks where their registers say and ends memory at MEMTOP', () => {
    const { map, ram } = setUp(12 * MIB);
    map.read(ROM_PA, 4);
    // The third bank first, then the soldered ones.
    for (let bank = 0; bank < 10; bank++) map.write(IO_PA + BANK0 + bank * 4, 4, 0x100 | (bank < 3 ? bank : 3));
    map.write(IO_PA + MEMTOP, 4, 3);
    expect(map.flat.filter(({ first }) => first < ROM_PA).map(({ first, last }) => [first, last])).toEqual([
      [0, 4 * MIB - 1],
      [4 * MIB, 8 * MIB - 1],
      [8 * MIB, 12 * MIB - 1],
    ]);
    map.write(9 * MIB, 4, 0x1234_5678);
    expect(ram.view.getUint32(9 * MIB)).toBe(0x1234_5678);
    expect(map.at(12 * MIB)).toBeUndefined();
  });

  it('reads bits it does not have as ones', () => {
    const { map } = setUp();
    map.write(IO_PA, 4, 0);
    map.write(IO_PA + BANK0, 4, 0);
    map.write(IO_PA + 0x30, 4, 0x1a);
    expect([0, BANK0, 0x30, 0x40].map((offset) => map.read(IO_PA + offset, 4))).toEqual([
      0xffff_ffc0, 0xffff_fe00, 0xffff_fc1a, 0xffff_ffff,
    ]);
  });

  it('is set up for software without a ROM', () => {
    const { map, memc } = setUp(20 * MIB);
    memc.setUp();
    map.write(20 * MIB - 4, 4, 7);
    expect([map.read(20 * MIB - 4, 4), map.at(20 * MIB)]).toEqual([7, undefined]);
    expect(map.read(IO_PA + MEMTOP, 4) & 0xff).toBe(5);
  });

  it('spreads memory over banks, and refuses what does not fit', () => {
    expect(djMemcBanks(8 * MIB)).toEqual([4, 4, 0, 0, 0, 0, 0, 0, 0, 0].map((size) => size * MIB));
    expect(djMemcBanks(128 * MIB)).toEqual([4, 4, 64, 32, 16, 8, 0, 0, 0, 0].map((size) => size * MIB));
    expect(() => djMemcBanks(9 * MIB)).toThrow(/do not fit/);
    expect(() => djMemcBanks(1024 * MIB)).toThrow(/do not fit/);
  });

  it('obeys the snapshot law', () => {
    const { memc, map } = setUp();
    map.read(ROM_PA, 4);
    map.write(IO_PA + BANK0 + 4, 4, 3);
    expectSnapshotLaw(memc, () => setUp().memc);
    expect(map.read(0, 4)).toBe(0);
  });

  it('survives random accesses', () => {
    const { map } = setUp();
    const next = random(11);
    for (let n = 0; n < 3000; n++) {
      const width = ([1, 2, 4] as const)[Math.floor(next() * 3)]!;
      const pa = next() < 0.5 ? IO_PA + Math.floor(next() * 0x48) : Math.floor(next() * 0x4000_0000);
      if (next() < 0.5) map.write(pa, width, Math.floor(next() * 2 ** (8 * width)));
      else expect(map.read(pa, width)).toBeLessThan(2 ** (8 * width));
    }
  });
});
