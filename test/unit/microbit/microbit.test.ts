// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { NodeMachineHost } from '../../../frontends/host/node-machine-host.ts';
import type { NonVolatile } from '../../../machines/backplane/host.ts';
import type { Machine } from '../../../machines/backplane/machine.ts';
import { MachineConfigError } from '../../../machines/backplane/machine-config-error.ts';
import { buildMicrobit, microbit } from '../../../machines/microbit/microbit.ts';
import { plainConfig } from '../../support/machine-config.ts';

const FLASH_BYTES = 256 << 10;
const UICR_BYTES = 4 << 10;

const record = (address: number, type: number, ...data: number[]): string => {
  const bytes = [data.length, address >>> 8, address & 0xff, type, ...data];
  bytes.push(-bytes.reduce((sum, byte) => sum + byte, 0) & 0xff);
  return `:${bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
};
const END = record(0, 1);

/** A micro:bit with a program, as lines of Intel HEX, or with what its flash has kept. */
function build({ hex, kept }: { hex?: readonly string[]; kept?: Uint8Array }): { machine: Machine; kept: Uint8Array } {
  let bytes = kept;
  const store: NonVolatile = { load: () => bytes, store: (stored) => (bytes = stored.slice()) };
  class Host extends NodeMachineHost {
    override nonVolatile(): NonVolatile {
      return store;
    }
  }
  const kernel = hex && { title: 'a.hex', bytes: new TextEncoder().encode(hex.join('\n')) };
  const machine = buildMicrobit(new Host({ startSeconds: 0 }), { ...plainConfig(microbit), kernel });
  return { machine, kept: bytes! };
}

describe('buildMicrobit', () => {
  it('flashes a program, and keeps it with UICR for the next start', () => {
    const hex = [record(4, 0, 1, 2, 3), record(0, 4, 0x10, 0x00), record(0x1014, 0, 9), END];
    const { kept } = build({ hex });
    expect(kept).toHaveLength(FLASH_BYTES + UICR_BYTES);
    expect([kept[3], kept[4], kept[6], kept[7], kept[FLASH_BYTES + 0x14]]).toEqual([0xff, 1, 3, 0xff, 9]);
    const again = build({ kept });
    expect(again.kept).toBe(kept);
    const flash = again.machine.board.memory.blocks.find(({ name }) => name === 'flash')!;
    expect([...flash.bytes.subarray(4, 7)]).toEqual([1, 2, 3]);
  });

  it('knows what the factory wrote, and nothing where it wrote nothing', () => {
    const { machine } = build({ hex: [record(4, 0, 1), END] });
    const { view } = machine.board.memory.blocks.find(({ name }) => name === 'ficr')!;
    const ficr = (offset: number): number => view.getUint32(offset, true);
    // Page size, pages, RAM blocks and their size; address type; the trim values' switch.
    expect([0x10, 0x14, 0x34, 0x38, 0xa0, 0xac].map(ficr)).toEqual([1024, 256, 2, 8192, 0xffff_ffff, 0xffff_ffff]);
    const keys = [0x80, 0x84, 0x88, 0x8c, 0x90, 0x94, 0x98, 0x9c].map(ficr);
    expect(new Set(keys).size).toBe(8);
    expect(ficr(0)).toBe(0xffff_ffff);
  });

  it.each([
    ['no program at all', {}, /^microbit needs a program: give one with --kernel FILE.hex$/],
    ['a file that is not HEX', { hex: ['hello'] }, /^--kernel: a.hex, line 1: not a record/],
    [
      'data behind the flash',
      { hex: [record(0, 4, 0, 4), record(0, 0, 1), END] },
      /data at 0x40000 is outside the flash/,
    ],
    ['data across its end', { hex: [record(0, 4, 0, 3), record(0xffff, 0, 1, 2), END] }, /at 0x3ffff is outside/],
    ['data behind UICR', { hex: [record(0, 4, 0x20, 0), record(0, 0, 1), END] }, /data at 0x20000000 is outside/],
    ['a program for newer boards', { hex: [record(0, 10, 0x99, 3), record(0, 13, 8), END] }, /boards 0x9903 only/],
    ['kept flash that was cut', { kept: new Uint8Array(1000) }, /^the kept flash has 1000 bytes instead of 266240: /],
    ['an empty file of kept flash', { kept: new Uint8Array(0) }, /^the kept flash has 0 bytes/],
  ])('refuses %s in one line', (_, given, message) => {
    expect(() => build(given)).toThrow(MachineConfigError);
    expect(() => build(given)).toThrow(message);
  });
});
