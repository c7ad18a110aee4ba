// SPDX-License-Identifier: MIT
//
// The performance monitor of the Cortex-A8 [Cortex-A8 TRM §3.2.42-3.2.53]: the cycle counter, and four event counters that
// only software moves. CP15 registers as in control.ts.
import { elapsed } from './code';
import { PMU_BASE, cpu, run } from './state';

const PMCR_ID: u32 = 0x4100_0000;
const COUNTERS: u32 = 4;
const PMCR_E: u32 = 1;
const PMCR_P: u32 = 2;
const PMCR_C: u32 = 4;
const PMCR_D: u32 = 8;
const CYCLES: u32 = 0x8000_0000;
const ALL: u32 = CYCLES | ((1 << COUNTERS) - 1);

export function isPerformanceRegister(register: u32): bool {
  return register >= 0x09c0 && register <= 0x09ef;
}

// @ts-ignore: decorator
@inline
function counting(): bool {
  return (cpu.pmcr & PMCR_E) != 0 && (cpu.pmcnten & CYCLES) != 0;
}

function cycles(): u32 {
  if (!counting()) return cpu.pmccntr;
  const passed: u64 = (cpu.ticks + <u64>elapsed() - cpu.pmc_ticks) * <u64>run.clocks_per_tick;
  return cpu.pmccntr + <u32>((cpu.pmcr & PMCR_D) != 0 ? passed >> 6 : passed);
}

/** What the counter has now is what it goes on from. */
function restart(value: u32): void {
  cpu.pmccntr = value;
  cpu.pmc_ticks = cpu.ticks + <u64>elapsed();
}

/** Place of the selected event counter's value, its type 16 bytes on; 0 when there is none. */
function selected(): u32 {
  return cpu.pmselr < COUNTERS ? PMU_BASE + (cpu.pmselr << 2) : 0;
}

export function readPerformance(register: u32): u32 {
  switch (register) {
    case 0x09c0:
      return PMCR_ID | (COUNTERS << 11) | (cpu.pmcr & 0x39);
    case 0x09c1:
    case 0x09c2:
      return cpu.pmcnten;
    case 0x09c3:
      return cpu.pmovsr;
    case 0x09c5:
      return cpu.pmselr;
    case 0x09d0:
      return cycles();
    case 0x09d1:
      return selected() != 0 ? load<u32>(selected(), 16) : 0;
    case 0x09d2:
      return selected() != 0 ? load<u32>(selected()) : 0;
    case 0x09e0:
      return cpu.pmuserenr;
    case 0x09e1:
    case 0x09e2:
      return cpu.pminten;
    default:
      return 0;
  }
}

export function writePerformance(register: u32, value: u32): bool {
  switch (register) {
    case 0x09c0:
      restart((value & PMCR_C) != 0 ? 0 : cycles());
      if ((value & PMCR_P) != 0) memory.fill(PMU_BASE, 0, COUNTERS << 2);
      cpu.pmcr = value & 0x39;
      break;
    case 0x09c1:
      restart(cycles());
      cpu.pmcnten |= value & ALL;
      break;
    case 0x09c2:
      restart(cycles());
      cpu.pmcnten &= ~value;
      break;
    case 0x09c3:
      cpu.pmovsr &= ~value;
      break;
    case 0x09c4: // software increment
      for (let n: u32 = 0; n < COUNTERS; n++) {
        const place: u32 = PMU_BASE + (n << 2);
        const counts: bool = (((value & cpu.pmcnten) >>> n) & 1) != 0 && load<u32>(place, 16) == 0;
        if (counts && (cpu.pmcr & PMCR_E) != 0) store<u32>(place, load<u32>(place) + 1);
      }
      break;
    case 0x09c5:
      cpu.pmselr = value & 31;
      break;
    case 0x09d0:
      restart(value);
      break;
    case 0x09d1:
      if (selected() != 0) store<u32>(selected(), value & 0xff, 16);
      break;
    case 0x09d2:
      if (selected() != 0) store<u32>(selected(), value);
      break;
    case 0x09e0:
      if (run.privileged != 0) cpu.pmuserenr = value & 1;
      break;
    case 0x09e1:
      cpu.pminten |= value & ALL;
      break;
    case 0x09e2:
      cpu.pminten &= ~value;
      break;
  }
  return true;
}
