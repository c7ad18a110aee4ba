// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PAGE_SIZE, REGION_SPAN } from '../../../machines/linux-user/memory/address.ts';
import { PagePool } from '../../../machines/linux-user/memory/page-pool.ts';
import * as kernelSide from '../../../machines/linux-user/memory/page-table.ts';

const source = readFileSync(new URL('../../../core/ia64/page-table.ts', import.meta.url), 'utf8');
const coreSide = (name: string): number =>
  Number(new RegExp(`export const ${name}: u32 = (0x[0-9a-f_]+)`).exec(source)?.[1]?.replaceAll('_', ''));

describe('PageTable', () => {
  it('agrees with the core about its layout', () => {
    expect(coreSide('SPACE_GENERATION')).toBe(kernelSide.SPACE_GENERATION);
    expect(coreSide('SPACE_CODE_GENERATION')).toBe(kernelSide.SPACE_CODE_GENERATION);
    const names = [
      ['PAGE_VALID', kernelSide.PTE_VALID],
      ['PAGE_READ', kernelSide.PTE_READ],
      ['PAGE_WRITE', kernelSide.PTE_WRITE],
      ['PAGE_EXECUTE', kernelSide.PTE_EXEC],
      ['PAGE_NAT', kernelSide.PTE_NAT],
    ] as const;
    for (const [name, value] of names) expect(coreSide(name), name).toBe(value);
  });

  it('finds every word again and visits them in order', () => {
    const pool = new PagePool(new ArrayBuffer(64 * PAGE_SIZE), PAGE_SIZE, 64 * PAGE_SIZE);
    const table = new kernelSide.PageTable(pool);
    const places = [0, 5 * PAGE_SIZE, REGION_SPAN, REGION_SPAN + 4096 * PAGE_SIZE, 4 * REGION_SPAN - 2 * PAGE_SIZE];
    places.forEach((va, index) => table.set(va, (index + 1) << 14));
    expect(places.map((va) => table.get(va) >>> 14)).toEqual([1, 2, 3, 4, 5]);
    expect(table.get(2 * REGION_SPAN)).toBe(0);
    const seen: number[] = [];
    table.forEach(0, 5 * REGION_SPAN, (va) => void seen.push(va));
    expect(seen).toEqual(places);
    table.forEach(0, REGION_SPAN, () => 0);
    expect(table.get(0)).toBe(0);
  });
});
