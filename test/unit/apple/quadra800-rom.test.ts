// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { loadMacRom } from '../../../machines/apple/quadra800-rom.ts';
import { FakeBoard } from '../../support/fake-board.ts';

const SIZE = 1 << 20;

function image(damage?: (bytes: Uint8Array) => void) {
  const bytes = new Uint8Array(SIZE).fill(3);
  new DataView(bytes.buffer).setUint32(0, ((SIZE - 4) / 2) * 0x0303);
  damage?.(bytes);
  return { title: 'q.rom', bytes };
}

describe("a Macintosh's ROM", () => {
  const memory = () => new FakeBoard(1_000_000, 4 * SIZE).board.memory.allocate('rom', SIZE);

  it('is taken when its checksum is right', () => {
    const rom = memory();
    loadMacRom(rom, [image()]);
    expect(rom.bytes[SIZE - 1]).toBe(3);
  });

  it('is refused with the reason', () => {
    const rom = memory();
    expect(() => loadMacRom(rom, [image((bytes) => (bytes[100] = 4))])).toThrow(
      /q\.rom has checksum \w{8}, its first word says \w{8}/,
    );
    expect(() => loadMacRom(rom, [{ title: 'half.rom', bytes: new Uint8Array(SIZE / 2) }])).toThrow(/524288 bytes/);
    expect(() => loadMacRom(rom, [image(), image()])).toThrow(/one ROM/);
  });
});
