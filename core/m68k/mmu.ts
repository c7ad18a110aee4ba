// SPDX-License-Identifier: MIT
//
// Address translation: which MMU, and what the others have in common.
import { mmioRead, mmioWrite } from '../common/host';
import { PHYS_MAP_BASE, PHYS_RAM } from '../common/layout';
import { leaveAfter } from './code';
import { MODEL_68030, MODEL_68040 } from './constants';
import { translate030 } from './mmu030';
import { translate040 } from './mmu040';
import { cpu, run } from './state';
import { TLB_READ, TLB_WRITE, flushAll, storedSlowly } from './tlb';

/**
 * Translates an access (ACCESS_*) with function code `fc`: `run.pa` and `run.permissions`, or a FAULT_* as the result.
 * With `run.probe` tables are left as they are.
 */
export function translate(ea: u32, access: u32, fc: u32): u32 {
  if (run.model == MODEL_68040) return translate040(ea, access, fc);
  if (run.model == MODEL_68030) return translate030(ea, access, fc);
  run.pa = ea & run.address_mask;
  run.permissions = TLB_READ | TLB_WRITE;
  return 0;
}

/** A register that translation depends on was written: nothing remembered of addresses holds. */
export function mmuChanged(): void {
  flushAll();
  leaveAfter();
}

/** A long word of physical memory, for tables and for the debugger. */
export function readPhysical(pa: u32): u32 {
  const word: u32 = load<u32>(PHYS_MAP_BASE + ((pa >>> 12) << 2));
  if ((word & PHYS_RAM) != 0) return bswap<u32>(load<u32>((word & ~0xfff) | (pa & 0xffc)));
  return run.probe != 0 ? 0 : mmioRead(pa & ~3, 4);
}

export function writePhysical(pa: u32, value: u32): void {
  const word: u32 = load<u32>(PHYS_MAP_BASE + ((pa >>> 12) << 2));
  if ((word & 3) == 3) {
    const host: u32 = (word & ~0xfff) | (pa & 0xffc);
    store<u32>(host, bswap<u32>(value));
    storedSlowly(host, 4, 0);
  } else {
    mmioWrite(pa & ~3, 4, value);
  }
}
