// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { PAGE_SIZE, REGION_SPAN, vaToBig } from '../../../machines/linux-user/memory/address.ts';
import { AddressSpace } from '../../../machines/linux-user/memory/address-space.ts';
import { PagePool } from '../../../machines/linux-user/memory/page-pool.ts';
import {
  fillRegisters,
  registersBetween,
  skipRegisters,
  spillRegisters,
} from '../../../machines/linux-user/process/register-stack.ts';

const BASE = vaToBig(REGION_SPAN);

function makeSpace(): AddressSpace {
  const space = new AddressSpace(new PagePool(new ArrayBuffer(64 * PAGE_SIZE), 0x4000, 64 * PAGE_SIZE));
  space.map({ start: REGION_SPAN, end: REGION_SPAN + 4 * PAGE_SIZE, prot: 3 });
  return space;
}

describe('the backing store', () => {
  it('skips the NaT collections, both ways', () => {
    expect(skipRegisters(BASE, 63)).toBe(BASE + 64n * 8n);
    expect(skipRegisters(BASE, 62)).toBe(BASE + 62n * 8n);
    for (let slot = 0; slot < 63; slot++) {
      for (const count of [0, 1, 5, 62, 63, 64, 95, 96]) {
        const from = BASE + 0x1000n + BigInt(slot) * 8n;
        const to = skipRegisters(from, count);
        expect(registersBetween(from, to)).toBe(count);
        expect(skipRegisters(to, -count)).toBe(from);
      }
    }
  });

  it('gives back what was spilled, NaT bits too', () => {
    for (const start of [0, 1, 30, 61, 62]) {
      const space = makeSpace();
      const from = BASE + BigInt(start) * 8n;
      const registers = Array.from({ length: 96 }, (_, n) => ({ value: BigInt(n) * 0x1_0001n, nat: n % 7 === 3 }));
      const spilled = spillRegisters(space, registers, from, 0n)!;
      expect(spilled.bspstore).toBe(skipRegisters(from, 96));
      expect(fillRegisters(space, from, 96, spilled.bspstore, spilled.rnat)).toEqual(registers);
    }
  });

  it('reports memory that is not there', () => {
    const space = makeSpace();
    const end = BASE + BigInt(4 * PAGE_SIZE) - 16n;
    const registers = Array.from({ length: 8 }, () => ({ value: 1n, nat: false }));
    expect(spillRegisters(space, registers, end, 0n)).toBeUndefined();
    expect(fillRegisters(space, end, 8, end + 64n, 0n)).toBeUndefined();
  });
});
