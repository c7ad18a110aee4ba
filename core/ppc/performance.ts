// SPDX-License-Identifier: MIT
//
// The performance monitor of the 604e, 750 and 7400 [750 UM §11]. One tick is one instruction and one cycle: the
// counters count events 1 (cycles), 2 (instructions completed) and 4 (instructions dispatched). Other events count
// nothing and are logged.
import { LOG_UNIMP_PMC_EVENT, log } from '../common/host';
import { pcOf, setTarget } from './code';
import { MSR_PM, MSR_PR, PENDING_PERFORMANCE } from './constants';
import { postInterrupt } from './interrupts';
import { PMC_BASE, cpu, run } from './state';
import { now } from './time';

// MMCR0
const FREEZE: u32 = 0x8000_0000;
const FREEZE_SUPERVISOR: u32 = 0x4000_0000;
const FREEZE_USER: u32 = 0x2000_0000;
const FREEZE_MARKED: u32 = 0x1000_0000;
const FREEZE_UNMARKED: u32 = 0x0800_0000;
const ENINT: u32 = 0x0400_0000;
const DISCOUNT: u32 = 0x0200_0000;
const PMC1INTCONTROL: u32 = 0x8000;
const PMCINTCONTROL: u32 = 0x4000;
const PMCTRIGGER: u32 = 0x2000;

const NEGATIVE: u32 = 0x8000_0000;

function selected(n: u32): u32 {
  switch (n) {
    case 0:
      return (cpu.mmcr0 >>> 6) & 0x7f;
    case 1:
      return cpu.mmcr0 & 0x3f;
    case 2:
      return cpu.mmcr1 >>> 27;
    default:
      return (cpu.mmcr1 >>> 22) & 0x1f;
  }
}

function frozen(): bool {
  const mmcr0: u32 = cpu.mmcr0;
  const msr: u32 = cpu.msr;
  if ((mmcr0 & FREEZE) != 0) return true;
  if ((mmcr0 & ((msr & MSR_PR) != 0 ? FREEZE_USER : FREEZE_SUPERVISOR)) != 0) return true;
  return (mmcr0 & ((msr & MSR_PM) != 0 ? FREEZE_MARKED : FREEZE_UNMARKED)) != 0;
}

function counts(n: u32): bool {
  const event: u32 = selected(n);
  if (event != 1 && event != 2 && event != 4) return false;
  return n == 0 || (cpu.mmcr0 & PMCTRIGGER) == 0 || (load<u32>(PMC_BASE) & NEGATIVE) != 0;
}

function interruptsFor(n: u32): bool {
  return (cpu.mmcr0 & (n == 0 ? PMC1INTCONTROL : PMCINTCONTROL)) != 0;
}

/** Brings the counters up to now. */
export function countPerformance(): void {
  const time: u64 = now();
  const passed: u64 = time - cpu.pmc_ticks;
  cpu.pmc_ticks = time;
  if (frozen()) return;
  let overflow: bool = false;
  for (let n: u32 = 0; n < 4; n++) {
    if (!counts(n)) continue;
    const at: u32 = PMC_BASE + (n << 2);
    const old: u32 = load<u32>(at);
    store<u32>(at, old + <u32>passed);
    if (passed != 0 && (old & NEGATIVE) == 0 && <u64>old + passed >= NEGATIVE && interruptsFor(n)) overflow = true;
  }
  if (overflow && (cpu.mmcr0 & ENINT) != 0) {
    if ((cpu.mmcr0 & DISCOUNT) != 0) cpu.mmcr0 |= FREEZE;
    cpu.mmcr0 &= ~ENINT;
    cpu.sia = pcOf(run.at);
    postInterrupt(PENDING_PERFORMANCE);
  }
}

/** Ticks until a counter that should interrupt becomes negative, or `limit` if that is sooner. */
export function performanceHeadroom(limit: u32): u32 {
  if ((cpu.mmcr0 & ENINT) == 0 || frozen()) return limit;
  let least: u32 = limit;
  for (let n: u32 = 0; n < 4; n++) {
    const value: u32 = load<u32>(PMC_BASE + (n << 2));
    if (counts(n) && interruptsFor(n) && (value & NEGATIVE) == 0) least = min<u32>(least, NEGATIVE - value);
  }
  return least;
}

/** MMCR0 or MMCR1 was written. */
export function controlPerformance(): void {
  for (let n: u32 = 0; n < 4; n++) {
    const event: u32 = selected(n);
    if (event != 0 && event != 1 && event != 2 && event != 4) log(LOG_UNIMP_PMC_EVENT, n + 1, event);
  }
  setTarget(min<u32>(run.target, <u32>(now() - cpu.ticks)));
}
