// SPDX-License-Identifier: MIT
//
// Supervisor instructions and special-purpose registers [PEM §2.3, 750 UM §2.1, 603e UM §2.1, 604e UM, 601 UM].
import { LOG_UNIMP_SPR_READ, LOG_UNIMP_SPR_WRITE, hypercall, log } from '../common/host';
import { flushItlb, leave, leaveAfter, pcOf } from './code';
import {
  FEATURE_POWER,
  FEATURE_SOFT_TLB,
  FEATURE_TIMEBASE,
  FEATURE_UNIFIED_BAT,
  HID0_DCI,
  HID0_DOZE,
  HID0_ICFI,
  HID0_NAP,
  HID0_SLEEP,
  MODEL_601,
  MODEL_603E,
  MODEL_604E,
  MODEL_7400,
  MODEL_750,
  MSR_IR,
  MSR_LE,
  MSR_POW,
  MSR_PR,
  MSR_SE,
  MSR_BE,
  MSR_TGPR,
  MSR_FE0,
  MSR_FE1,
  PENDING_THERMAL,
  SRR1_FP_ENABLED,
  SRR1_ILLEGAL,
  SRR1_PRIVILEGED,
  VECTOR_PROGRAM,
} from './constants';
import { enter, programException, setMsr } from './exceptions';
import { rB, rT, setT, setXer, xer } from './fields';
import { postInterrupt, recheckInterrupts } from './interrupts';
import { invalidate603Tlb, load603Tlb } from './mmu';
import { controlPerformance, countPerformance } from './performance';
import { BAT_BASE, CpuState, PMC_BASE, REGS_BASE, SPRG_BASE, SR_BASE, THRM_BASE, cpu, run } from './state';
import { BANK_REAL, flushBank, flushClass, flushDirtySegments, flushTranslations } from './tlb';
import { decrementer, rtcLower, rtcUpper, setDecrementer, setRtc, setTimebase, timebase } from './time';

// --- Machine state

export function op_mfmsr(op: u32): void {
  setT(op, cpu.msr);
}

/** True when the processor stops fetching for MSR[POW]. */
function powersDown(): bool {
  if ((cpu.msr & MSR_POW) == 0) return false;
  if (run.model == MODEL_604E) return true;
  return (cpu.hid0 & (HID0_DOZE | HID0_NAP | HID0_SLEEP)) != 0;
}

export function op_mtmsr(op: u32): void {
  const old: u32 = cpu.msr;
  setMsr((rT(op) & ~MSR_TGPR) | (old & MSR_TGPR));
  flushDirtySegments();
  const changed: u32 = old ^ cpu.msr;
  if (latentFpException(pcOf(run.at))) return;
  if (powersDown()) {
    cpu.sleeping = 1;
    leaveAfter();
  } else if ((changed & (MSR_IR | MSR_PR | MSR_LE | MSR_SE | MSR_BE)) != 0) {
    leaveAfter();
  } else {
    recheckInterrupts();
  }
}

/**
 * Enabling floating-point exceptions while FPSCR[FEX] is set takes one before the next instruction [PEM §6.4.7].
 * SRR1[15] says that SRR0 is not the instruction that caused it.
 */
function latentFpException(next: u32): bool {
  if ((cpu.fpscr & FPSCR_FEX) == 0 || (cpu.msr & (MSR_FE0 | MSR_FE1)) == 0) return false;
  enter(VECTOR_PROGRAM, SRR1_FP_ENABLED | SRR1_NOT_THIS, next);
  return true;
}

const FPSCR_FEX: u32 = 0x4000_0000;
const SRR1_NOT_THIS: u32 = 0x0001_0000;

/** MSR bits that rfi takes from SRR1. */
const RFI_MASK: u32 = 0x87c0_ffff;

export function op_rfi(op: u32): void {
  const kept: u32 = RFI_MASK | MSR_TGPR;
  setMsr((cpu.msr & ~(kept | MSR_POW)) | (cpu.srr1 & RFI_MASK));
  flushDirtySegments();
  const next: u32 = cpu.srr0 & ~3;
  if (latentFpException(next)) return;
  cpu.pc = next;
  leave();
}

export function op_isync(op: u32): void {
  if (flushDirtySegments()) leaveAfter();
}

export function op_sync(op: u32): void {}
export function op_eieio(op: u32): void {}
export function op_tlbsync(op: u32): void {}

/** Our own firmware's call to the host, which may change everything. */
export function op_hypercall(op: u32): void {
  const next: u32 = pcOf(run.at);
  cpu.pc = next;
  leave();
  hypercall(op & 0x03ff_ffff);
  flushDirtySegments();
}

// --- Segments and TLBs

function setSegment(n: u32, value: u32): void {
  const at: u32 = SR_BASE + (n << 2);
  if (load<u32>(at) == value) return;
  store<u32>(at, value);
  run.dirty_segments |= 1 << n;
}

export function op_mtsr(op: u32): void {
  setSegment((op >>> 16) & 15, rT(op));
}

export function op_mtsrin(op: u32): void {
  setSegment(rB(op) >>> 28, rT(op));
}

export function op_mfsr(op: u32): void {
  setT(op, load<u32>(SR_BASE + (((op >>> 16) & 15) << 2)));
}

export function op_mfsrin(op: u32): void {
  setT(op, load<u32>(SR_BASE + ((rB(op) >>> 28) << 2)));
}

export function op_tlbie(op: u32): void {
  const ea: u32 = rB(op);
  if (run.model == MODEL_603E) {
    invalidate603Tlb(ea);
    flushClass(ea, 5);
  } else {
    // The congruence class EA[14-19]; on the 601 it is EA[13-19].
    flushClass(ea, run.model == MODEL_601 ? 7 : 6);
  }
}

export function op_tlbia(op: u32): void {
  flushTranslations();
  flushItlb();
}

export function op_tlbld(op: u32): void {
  load603Tlb(1, rB(op));
  flushClass(rB(op), 5);
}

export function op_tlbli(op: u32): void {
  load603Tlb(0, rB(op));
  flushClass(rB(op), 5);
}

// --- Special-purpose registers

// @ts-ignore: decorator
@inline
function sprNumber(op: u32): u32 {
  return ((op >>> 16) & 31) | ((op >>> 6) & 0x3e0);
}

/** True when the register may be accessed in this state; else the exception is taken. */
function permitted(n: u32): bool {
  if ((n & 0x10) == 0 || (cpu.msr & MSR_PR) == 0) return true;
  programException(SRR1_PRIVILEGED);
  return false;
}

/** A register this processor does not have: illegal for a program; for the system reads zero, and writes do nothing. */
function unknownSpr(op: u32, write: bool): void {
  if ((cpu.msr & MSR_PR) != 0) {
    programException(SRR1_ILLEGAL);
    return;
  }
  log(write ? LOG_UNIMP_SPR_WRITE : LOG_UNIMP_SPR_READ, sprNumber(op), pcOf(run.at) - 4);
  if (!write) setT(op, 0);
}

// @ts-ignore: decorator
@inline
function isModel(first: u32, last: u32): bool {
  return run.model >= first && run.model <= last;
}

function hasPerformanceMonitor(): bool {
  return run.model >= MODEL_604E;
}

/** Where the plain 32-bit register `n` is kept in the state block, or 0 when it is none or not this processor's. */
function plainRegister(n: u32): u32 {
  if (n >= 272 && n <= 275) return SPRG_BASE + ((n - 272) << 2);
  switch (n) {
    case 8:
      return REGS_BASE + offsetof<CpuState>('lr');
    case 9:
      return REGS_BASE + offsetof<CpuState>('ctr');
    case 18:
      return REGS_BASE + offsetof<CpuState>('dsisr');
    case 19:
      return REGS_BASE + offsetof<CpuState>('dar');
    case 26:
      return REGS_BASE + offsetof<CpuState>('srr0');
    case 27:
      return REGS_BASE + offsetof<CpuState>('srr1');
    case 282:
      return REGS_BASE + offsetof<CpuState>('ear');
    case 256:
      return run.model == MODEL_7400 ? REGS_BASE + offsetof<CpuState>('vrsave') : 0;
    case 0:
      return (run.features & FEATURE_POWER) != 0 ? REGS_BASE + offsetof<CpuState>('mq') : 0;
    case 977:
      return (run.features & FEATURE_SOFT_TLB) != 0 ? REGS_BASE + offsetof<CpuState>('dcmp') : 0;
    case 981:
      return (run.features & FEATURE_SOFT_TLB) != 0 ? REGS_BASE + offsetof<CpuState>('icmp') : 0;
    case 982:
      return (run.features & FEATURE_SOFT_TLB) != 0 ? REGS_BASE + offsetof<CpuState>('rpa') : 0;
    case 955:
      return hasPerformanceMonitor() ? REGS_BASE + offsetof<CpuState>('sia') : 0;
    case 959:
      return run.model == MODEL_604E || run.model == MODEL_7400 ? REGS_BASE + offsetof<CpuState>('sda') : 0;
    case 944:
      return run.model == MODEL_7400 ? REGS_BASE + offsetof<CpuState>('mmcr2') : 0;
    case 951:
      return run.model == MODEL_7400 ? REGS_BASE + offsetof<CpuState>('ubamr') : 0;
    case 1014:
      return run.model == MODEL_7400 ? REGS_BASE + offsetof<CpuState>('msscr0') : 0;
    case 1015:
      return run.model == MODEL_7400 ? REGS_BASE + offsetof<CpuState>('msscr1') : 0;
    case 1010:
      return REGS_BASE + offsetof<CpuState>('iabr');
    case 1013:
      return run.model != MODEL_603E ? REGS_BASE + offsetof<CpuState>('dabr') : 0;
    case 1019:
      return isModel(MODEL_750, MODEL_7400) ? REGS_BASE + offsetof<CpuState>('ictc') : 0;
    case 1023:
      return run.model == MODEL_601 || run.model == MODEL_604E || run.model == MODEL_7400 ? REGS_BASE + offsetof<CpuState>('pir') : 0;
    default:
      return 0;
  }
}

/** From the 750 on programs can read the performance monitor. */
function hasUserCounters(): bool {
  return run.model >= MODEL_750;
}

/** Index of a performance counter, PMC1 as 0, or -1. Only the user's numbers lack the privileged bit. */
function counterOf(n: u32): i32 {
  switch (n | 0x10) {
    case 953:
      return 0;
    case 954:
      return 1;
    case 957:
      return 2;
    case 958:
      return 3;
    default:
      return -1;
  }
}

export function op_mfspr(op: u32): void {
  const n: u32 = sprNumber(op);
  if (!permitted(n)) return;
  const plain: u32 = plainRegister(n);
  if (plain != 0) {
    setT(op, load<u32>(plain));
    return;
  }
  if (n >= 528 && n < 544) {
    if (n >= 536 && (run.features & FEATURE_UNIFIED_BAT) != 0) unknownSpr(op, false);
    else setT(op, load<u32>(BAT_BASE + ((n - 528) << 2)));
    return;
  }
  if ((n & 0x10) != 0 ? hasPerformanceMonitor() : hasUserCounters()) {
    if (counterOf(n) >= 0) {
      countPerformance();
      setT(op, load<u32>(PMC_BASE + (counterOf(n) << 2)));
      return;
    }
  }
  switch (n) {
    case 1:
      setT(op, xer());
      return;
    case 4:
    case 5:
    case 6:
    case 20:
    case 21:
      if ((run.features & FEATURE_POWER) == 0) break;
      setT(op, n == 6 ? decrementer() : (n & 1) == 0 ? rtcUpper() : rtcLower());
      return;
    case 22:
      setT(op, decrementer());
      return;
    case 25:
      setT(op, cpu.sdr1);
      return;
    case 268:
    case 284:
      if ((run.features & FEATURE_TIMEBASE) == 0) break;
      setT(op, <u32>timebase());
      return;
    case 269:
    case 285:
      if ((run.features & FEATURE_TIMEBASE) == 0) break;
      setT(op, <u32>(timebase() >>> 32));
      return;
    case 287:
      setT(op, cpu.pvr);
      return;
    case 928:
      if (run.model != MODEL_7400) break;
      setT(op, cpu.mmcr2);
      return;
    case 935:
      if (run.model != MODEL_7400) break;
      setT(op, cpu.ubamr);
      return;
    case 936:
    case 952:
      if (n == 936 ? !hasUserCounters() : !hasPerformanceMonitor()) break;
      countPerformance();
      setT(op, cpu.mmcr0);
      return;
    case 940:
    case 956:
      if (n == 940 ? !hasUserCounters() : !hasPerformanceMonitor()) break;
      setT(op, cpu.mmcr1);
      return;
    case 939:
      if (!hasUserCounters()) break;
      setT(op, cpu.sia);
      return;
    case 943:
      if (run.model != MODEL_7400) break;
      setT(op, cpu.sda);
      return;
    case 976:
      if ((run.features & FEATURE_SOFT_TLB) == 0) break;
      setT(op, cpu.dmiss);
      return;
    case 978:
      if ((run.features & FEATURE_SOFT_TLB) == 0) break;
      setT(op, cpu.hash1);
      return;
    case 979:
      if ((run.features & FEATURE_SOFT_TLB) == 0) break;
      setT(op, cpu.hash2);
      return;
    case 980:
      if ((run.features & FEATURE_SOFT_TLB) == 0) break;
      setT(op, cpu.imiss);
      return;
    case 1008:
      setT(op, cpu.hid0);
      return;
    case 1009:
      setT(op, cpu.hid1);
      return;
    case 1017:
      if (!isModel(MODEL_750, MODEL_7400)) break;
      setT(op, cpu.l2cr);
      return;
    case 1020:
    case 1021:
    case 1022:
      if (!isModel(MODEL_750, MODEL_7400)) break;
      setT(op, readThermal(n - 1020));
      return;
  }
  unknownSpr(op, false);
}

export function op_mftb(op: u32): void {
  const n: u32 = sprNumber(op);
  if (n == 268) setT(op, <u32>timebase());
  else if (n == 269) setT(op, <u32>(timebase() >>> 32));
  else programException(SRR1_ILLEGAL);
}

export function op_mtspr(op: u32): void {
  const n: u32 = sprNumber(op);
  if (!permitted(n)) return;
  const value: u32 = rT(op);
  const plain: u32 = plainRegister(n);
  if (plain != 0) {
    store<u32>(plain, value);
    if (n == 1013) {
      flushTranslations();
      flushBank(BANK_REAL);
    }
    if (n == 1010) leaveAfter();
    return;
  }
  if (n >= 528 && n < 544) {
    if (n >= 536 && (run.features & FEATURE_UNIFIED_BAT) != 0) unknownSpr(op, true);
    else setBat(n, value);
    return;
  }
  if ((n & 0x10) != 0 && hasPerformanceMonitor() && counterOf(n) >= 0) {
    countPerformance();
    store<u32>(PMC_BASE + (counterOf(n) << 2), value);
    controlPerformance();
    return;
  }
  switch (n) {
    case 1:
      setXer(value);
      return;
    case 20:
      if ((run.features & FEATURE_POWER) == 0) break;
      setRtc(value, rtcLower());
      return;
    case 21:
      if ((run.features & FEATURE_POWER) == 0) break;
      setRtc(rtcUpper(), value);
      return;
    case 22:
      setDecrementer(value);
      recheckInterrupts();
      return;
    case 25:
      if (cpu.sdr1 == value) return;
      cpu.sdr1 = value;
      flushTranslations();
      flushItlb();
      return;
    case 284:
      if ((run.features & FEATURE_TIMEBASE) == 0) break;
      setTimebase((timebase() & 0xffff_ffff_0000_0000) | <u64>value);
      return;
    case 285:
      if ((run.features & FEATURE_TIMEBASE) == 0) break;
      setTimebase((timebase() & 0xffff_ffff) | (<u64>value << 32));
      return;
    case 287: // PVR is read-only
      return;
    case 952:
      if (!hasPerformanceMonitor()) break;
      countPerformance();
      cpu.mmcr0 = value;
      controlPerformance();
      return;
    case 956:
      if (!hasPerformanceMonitor()) break;
      countPerformance();
      cpu.mmcr1 = value;
      controlPerformance();
      return;
    case 976:
    case 978:
    case 979:
    case 980:
      if ((run.features & FEATURE_SOFT_TLB) == 0) break;
      return; // read-only
    case 1008:
      // The flash-invalidate bits clear themselves from the 604 on; the 603's software does it.
      cpu.hid0 = run.model >= MODEL_604E ? value & ~(HID0_ICFI | HID0_DCI) : value;
      return;
    case 1009:
      // On the 603e and later HID1 shows the PLL configuration and cannot be written.
      if (run.model == MODEL_601) cpu.hid1 = value;
      return;
    case 1017:
      if (!isModel(MODEL_750, MODEL_7400)) break;
      cpu.l2cr = value & ~L2CR_L2IP;
      return;
    case 1020:
    case 1021:
    case 1022:
      if (!isModel(MODEL_750, MODEL_7400)) break;
      store<u32>(THRM_BASE + ((n - 1020) << 2), value);
      checkThermal();
      return;
  }
  unknownSpr(op, true);
}

/** Invalidation is done as soon as it is asked for, so that L2IP always reads 0. */
const L2CR_L2IP: u32 = 1;

function setBat(n: u32, value: u32): void {
  const at: u32 = BAT_BASE + ((n - 528) << 2);
  if (load<u32>(at) == value) return;
  store<u32>(at, value);
  if (n < 536) flushItlb();
  if (n >= 536 || (run.features & FEATURE_UNIFIED_BAT) != 0) flushTranslations();
}

// --- Thermal sensor [750 UM §10.3]

const THRM_TIN: u32 = 0x8000_0000; // the temperature crossed the threshold
const THRM_TIV: u32 = 0x4000_0000; // TIN is valid
const THRM_TID: u32 = 0x4; //         compare downwards
const THRM_TIE: u32 = 0x2;
const THRM_V: u32 = 0x1;
const THRM3_E: u32 = 0x1;

function readThermal(n: u32): u32 {
  const value: u32 = load<u32>(THRM_BASE + (n << 2));
  if (n == 2) return value & 0x3fff;
  const written: u32 = value & 0x3f80_0007;
  if ((value & THRM_V) == 0 || (load<u32>(THRM_BASE, 8) & THRM3_E) == 0) return written;
  const threshold: u32 = (value >>> 23) & 0x7f;
  const crossed: bool = (value & THRM_TID) != 0 ? run.temperature < threshold : run.temperature > threshold;
  return written | THRM_TIV | (crossed ? THRM_TIN : 0);
}

function checkThermal(): void {
  for (let n: u32 = 0; n < 2; n++) {
    const value: u32 = readThermal(n);
    if ((value & THRM_TIE) != 0 && (value & THRM_TIN) != 0) {
      postInterrupt(PENDING_THERMAL);
      recheckInterrupts();
    }
  }
}

// --- Frequent cases; see variants.decode.

// @ts-ignore: decorator
@inline
export function op_mflr(op: u32): void {
  setT(op, cpu.lr);
}

// @ts-ignore: decorator
@inline
export function op_mtlr(op: u32): void {
  cpu.lr = rT(op);
}

// @ts-ignore: decorator
@inline
export function op_mtctr(op: u32): void {
  cpu.ctr = rT(op);
}
