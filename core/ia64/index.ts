// SPDX-License-Identifier: MIT
//
// The IA-64 core as its host sees it: user mode of one processor, that is one guest thread. Many instances may share
// one memory; each has a CPU area (state.ts), whose address init() is told. Host side: host/ia64-state.ts.
//
// Documents: [SDM1]-[SDM3] Intel Itanium Architecture Software Developer's Manual, revision 2.3 (docs/references.md).
// Not modelled: privileged state, IA-32 code, big-endian data (refused), performance monitors and debug registers.
// Not noticed: instructions at the wrong place of an instruction group, which the manual leaves undefined.
import { enterAtSlot, flushItlb, jump, resetPages } from './code';
import { QUANTUM } from './branch';
import { exec, execNat } from './gen/exec';
import { flushTlb as flushDataTlb } from './memory';
import {
  AREA_SIZE,
  FR,
  GR,
  REASON_AGAIN,
  REASON_ATTENTION,
  REASON_FAULT,
  Cpu,
  cpuOf,
} from './state';
import { REASON_RESUME } from './system';
import { alatClear } from './alat';
import { slotOf } from './fault';
import { frameThatIs } from './stack';

let area: u32 = 0;

/** Bytes of a CPU area; it must be aligned to 16. */
export const areaSize: u32 = AREA_SIZE;

/** Makes `base` this instance's CPU area, with the registers of a new process. */
export function init(base: u32): void {
  area = base;
  memory.fill(base, 0, GR + 0xe00);
  const cpu = cpuOf(base);
  cpu.pr = 1;
  cpu.fpsr = 0x0009_804c_0270_033f;
  cpu.rsc = 0xf;
  store<u64>(base + FR, 0x8000_0000_0000_0000, 16);
  store<u32>(base + FR, 0xffff, 24);
  resetPages(base);
  flushDataTlb(base);
}

/** This instance goes on with an area that init() has prepared. */
export function attach(base: u32): void {
  area = base;
}

/** Another address space: nothing that was known of the old one holds. */
export function newSpace(space: u32): void {
  const cpu = cpuOf(area);
  cpu.space = space;
  cpu.dirty = 0;
  resetPages(area);
  flushDataTlb(area);
  alatClear(area);
}

/** Translations and code of this thread are looked up anew. */
export function flushTlb(): void {
  flushDataTlb(area);
  flushItlb(area);
  alatClear(area);
}

/** Executes until about `budget` instructions are done or something happens; returns REASON_*. */
export function run(budget: i32): i32 {
  const cpu = cpuOf(area);
  cpu.stepping = 0;
  cpu.ticks = QUANTUM;
  // Some eight instructions for each taken branch.
  cpu.budget = (budget >>> 13) + 1;
  if (atomic.load<u32>(area, offsetof<Cpu>('attention')) != 0) return REASON_ATTENTION;
  return go();
}

/** Executes one instruction; nops before it count as part of it. */
export function step(): i32 {
  const cpu = cpuOf(area);

  cpu.ticks = QUANTUM;
  cpu.budget = 2;
  cpu.stepping = 1;
  cpu.nats = 1;
  const reason: i32 = go();
  cpu.stepping = 0;
  return reason;
}

/** The first entry of a bundle that is for slot `ri` or later. */
function entryAt(entry: u32, bundle: u32, ri: u32): u32 {
  while (load<u32>(entry) >>> 20 == bundle && slotOf(entry) < ri) entry += 16;
  return entry;
}

function go(): i32 {
  const base: u32 = area;
  const cpu = cpuOf(base);
  cpu.at = 0;
  cpu.cfm = frameThatIs(cpu.cfm);
  for (;;) {
    if (cpu.at == 0) {
      const entry: u32 = jump(base, cpu.ip);
      if (entry == 0) return REASON_FAULT;
      cpu.at = entryAt(entry, <u32>(cpu.ip >> 4) & 0x3ff, cpu.ri);
      if (cpu.ri != 0) enterAtSlot(base, cpu.at);
    }
    if (cpu.nats != 0) execNat(base);
    else exec(base);
    const reason: u32 = cpu.reason;
    if (reason == REASON_RESUME) cpu.at = 0;
    else if (reason != REASON_AGAIN) return reason;
  }
  return 0;
}

/** All registers of frames but the current one are in memory already; says that nothing remained to be written. */
export function flushRegisterStack(): bool {
  cpuOf(area).dirty = 0;
  return true;
}
