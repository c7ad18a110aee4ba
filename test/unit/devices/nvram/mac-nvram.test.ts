// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { NonVolatile } from '../../../../machines/backplane/host.ts';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { formattedNvram, MAC_NVRAM_BYTES, MacNvram } from '../../../../machines/devices/nvram/mac-nvram.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

class Battery implements NonVolatile {
  content: Uint8Array | undefined;
  stores = 0;
  constructor(content?: Uint8Array) {
    this.content = content;
  }
  load(): Uint8Array | undefined {
    return this.content;
  }
  store(bytes: Uint8Array): void {
    this.content = bytes;
    this.stores++;
  }
}

function setUp(battery = new Battery()) {
  const fake = new FakeBoard();
  const nvram = new MacNvram(fake.chip('nvram'), battery);
  const map = fake.map();
  map.add(region(0x6_0000, 0x7_ffff).device(nvram, 'nvram'));
  nvram.reset('cold');
  nvram.settle();
  return { fake, nvram, map, battery };
}

/** The walk OpenBIOS makes over the partitions, refusing what it would refuse. */
function partitions(bytes: Uint8Array): [signature: number, name: string, size: number][] {
  const found: [number, string, number][] = [];
  let at = 0;
  while (at < bytes.length) {
    const header = bytes.subarray(at, at + 16);
    const sum = header.reduce((total, byte, i) => {
      const next = i === 1 ? total : total + byte;
      return next > 255 ? (next - 255) & 0xff : next;
    }, 0);
    expect(header[1]).toBe(sum);
    const size = ((header[2]! << 8) | header[3]!) * 16;
    expect(size).toBeGreaterThan(0);
    found.push([header[0]!, String.fromCharCode(...header.subarray(4)).replace(/\0.*$/, ''), size]);
    at += size;
  }
  expect(at).toBe(bytes.length);
  return found;
}

describe('MacNvram', () => {
  it('is formatted with a system partition and free space when it is new', () => {
    expect(partitions(formattedNvram())).toEqual([
      [0x70, 'common', 0xc10],
      [0x7f, 'wwwwwwwwwwww', 0x13f0],
    ]);
    const { map } = setUp();
    expect([map.read(0x6_0000, 1), map.read(0x6_0040, 1)]).toEqual([0x70, 'c'.charCodeAt(0)]);
  });

  it('has one byte every 16, whatever the width and place of the access', () => {
    const { map } = setUp();
    map.write(0x6_0000 + 16 * 0x1234, 1, 0xa5);
    expect(map.read(0x6_0000 + 16 * 0x1234, 1)).toBe(0xa5);
    expect(map.read(0x6_0000 + 16 * 0x1234 + 7, 1)).toBe(0xa5);
    expect(map.read(0x6_0000 + 16 * 0x1234, 4)).toBe(0xa500_0000);
    map.write(0x6_0000 + 16 * 0x1fff, 4, 0x5a11_2233);
    expect(map.read(0x6_0000 + 16 * 0x1fff, 1)).toBe(0x5a);
    expect(map.read(0x6_0000 + 16 * 0x1235, 1)).toBe(0);
  });

  it('keeps its bytes: gathered changes go to the host once', () => {
    const { fake, map, battery } = setUp();
    for (let i = 0; i < 0x100; i++) map.write(0x6_0000 + 16 * (0x1300 + i), 1, i);
    expect(battery.stores).toBe(0);
    fake.advanceNs(10_000_000);
    expect(battery.stores).toBe(1);
    const again = setUp(battery);
    expect(again.map.read(0x6_0000 + 16 * 0x13ff, 1)).toBe(0xff);
    again.map.write(0x6_0000 + 16 * 0x13ff, 1, 0xff);
    again.fake.advanceNs(100_000_000);
    expect(battery.stores).toBe(1);
  });

  it('hands changes over at once when asked to', () => {
    const { fake, nvram, map, battery } = setUp();
    nvram.flush();
    expect(battery.stores).toBe(0);
    map.write(0x6_0000, 1, 1);
    nvram.flush();
    fake.advanceNs(100_000_000);
    expect([battery.stores, battery.content?.[0]]).toEqual([1, 1]);
  });

  it('survives resets and refuses kept content of the wrong size', () => {
    const { nvram, map } = setUp(new Battery(new Uint8Array(17)));
    expect(map.read(0x6_0000, 1)).toBe(0x70);
    map.write(0x6_0000, 1, 0x33);
    nvram.reset('warm');
    nvram.reset('cold');
    expect(map.read(0x6_0000, 1)).toBe(0x33);
  });

  it('keeps the snapshot law, and the host learns of restored bytes', () => {
    const { fake, nvram, map } = setUp();
    map.write(0x6_0000 + 16 * 0x1800, 1, 0x77);
    expectSnapshotLaw(nvram, () => new MacNvram(fake.chip('nvram'), new Battery()));
    fake.advanceNs(100_000_000);
    const battery = new Battery(new Uint8Array(MAC_NVRAM_BYTES));
    const other = setUp(battery).nvram;
    other.reset('snapshot');
    other.restore(nvram.save());
    expect(battery.content?.[0x1800]).toBe(0x77);
  });

  it('survives random accesses', () => {
    const { fake, map } = setUp();
    const next = random(5);
    const below = (limit: number): number => Math.floor(next() * limit);
    for (let i = 0; i < 20_000; i++) {
      const width = ([1, 2, 4] as const)[below(3)]!;
      const pa = 0x6_0000 + below(0x2_0000 - 3);
      if (below(2) === 0) map.write(pa, width, below(2 ** (8 * width)));
      else expect(map.read(pa, width)).toBeLessThan(2 ** (8 * width));
      fake.advance(below(1000));
    }
  });
});
