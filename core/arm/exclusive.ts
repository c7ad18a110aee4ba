// SPDX-License-Identifier: MIT
//
// Exclusive accesses and the instructions of versions 6 and 7 that change the processor's state. The monitor remembers
// one address; nobody else is there to take it.
import { jumpTo, leave, leaveAfter, pcRead } from './code';
import { PSR_A, PSR_E, PSR_F, PSR_I, PSR_M } from './constants';
import { interruptReady, undefinedException } from './exceptions';
import { LS_LDR, LS_LDRB, LS_LDRH, LS_LDRSB, LS_LDRSH } from './lower';
import { loadDouble, loadPc, storeDouble } from './loadstore';
import { probeWrite, read32, readKind, unalignedWords, write32, writeSized } from './memory';
import { cpu, gpr, run, setGpr } from './state';
import { bankedPlace, setControl, setCpsr, spsr } from './status';
import { asUser, selectBank } from './tlb';

// @ts-ignore: decorator
@inline
function arm(ea: u32, size: u32): void {
  cpu.exclusive = 1;
  cpu.exclusive_address = ea;
  cpu.exclusive_size = size;
}

/** Unaligned exclusive accesses fault. */
function unaligned(ea: u32, size: u32, write: bool): bool {
  if ((ea & (size - 1)) == 0) return false;
  // Any address that is no multiple of 4 says so to the fault.
  return unalignedWords(ea | 1, write);
}

function loadExclusive(ea: u32, size: u32, rd: u32): void {
  run.fault = 0;
  if (unaligned(ea, size, false)) return;
  const value: u32 = readKind(ea, size == 4 ? LS_LDR : size == 2 ? LS_LDRH : LS_LDRB);
  if (run.fault != 0) return;
  arm(ea, size);
  setGpr(rd, value);
}

function storeExclusive(ea: u32, size: u32, rd: u32, value: u32): void {
  run.fault = 0;
  if (unaligned(ea, size, true)) return;
  if (holds(ea, size)) {
    writeSized(ea, size, value);
    if (run.fault != 0) return;
    setGpr(rd, 0);
  } else {
    setGpr(rd, 1);
  }
  cpu.exclusive = 0;
}

// @ts-ignore: decorator
@inline
function holds(ea: u32, size: u32): bool {
  return cpu.exclusive != 0 && cpu.exclusive_address == ea && cpu.exclusive_size == size;
}

function loadExclusiveDouble(ea: u32, rd: u32, rt: u32): void {
  run.fault = 0;
  if (unaligned(ea, 8, false)) return;
  const low: u32 = read32(ea);
  if (run.fault != 0) return;
  const high: u32 = read32(ea + 4);
  if (run.fault != 0) return;
  arm(ea, 8);
  setGpr(rd, low);
  setGpr(rt, high);
}

function storeExclusiveDouble(ea: u32, rd: u32, low: u32, high: u32): void {
  run.fault = 0;
  if (unaligned(ea, 8, true)) return;
  if (holds(ea, 8)) {
    write32(ea, low);
    if (run.fault != 0) return;
    write32(ea + 4, high);
    setGpr(rd, 0);
  } else {
    setGpr(rd, 1);
  }
  cpu.exclusive = 0;
}

// @ts-ignore: decorator
@inline
function rn(op: u32): u32 {
  return gpr((op >>> 16) & 15);
}

export function op_ldrex(op: u32): void {
  loadExclusive(rn(op), 4, (op >>> 12) & 15);
}

export function op_ldrexb(op: u32): void {
  loadExclusive(rn(op), 1, (op >>> 12) & 15);
}

export function op_ldrexh(op: u32): void {
  loadExclusive(rn(op), 2, (op >>> 12) & 15);
}

export function op_ldrexd(op: u32): void {
  const rd: u32 = (op >>> 12) & 14;
  loadExclusiveDouble(rn(op), rd, rd + 1);
}

export function op_strex(op: u32): void {
  storeExclusive(rn(op), 4, (op >>> 12) & 15, gpr(op & 15));
}

export function op_strexb(op: u32): void {
  storeExclusive(rn(op), 1, (op >>> 12) & 15, gpr(op & 15));
}

export function op_strexh(op: u32): void {
  storeExclusive(rn(op), 2, (op >>> 12) & 15, gpr(op & 15));
}

export function op_strexd(op: u32): void {
  const rm: u32 = op & 14;
  storeExclusiveDouble(rn(op), (op >>> 12) & 15, gpr(rm), gpr(rm + 1));
}

export function op_clrex(_op: u32): void {
  cpu.exclusive = 0;
}

// --- Thumb's own forms

export function op_ldrex_t(op: u32): void {
  loadExclusive(rn(op) + ((op & 0xff) << 2), 4, (op >>> 12) & 15);
}

export function op_strex_t(op: u32): void {
  storeExclusive(rn(op) + ((op & 0xff) << 2), 4, (op >>> 8) & 15, gpr((op >>> 12) & 15));
}

export function op_ldrexd_t(op: u32): void {
  loadExclusiveDouble(rn(op), (op >>> 12) & 15, (op >>> 8) & 15);
}

export function op_strexd_t(op: u32): void {
  storeExclusiveDouble(rn(op), op & 15, gpr((op >>> 12) & 15), gpr((op >>> 8) & 15));
}

/** Table branch: forward by twice the table's entry. */
export function op_tbb(op: u32): void {
  const n: u32 = (op >>> 16) & 15;
  const table: u32 = n == 15 ? pcRead() : gpr(n);
  const index: u32 = gpr(op & 15);
  const wide: bool = (op & 0x10) != 0;
  const entry: u32 = readKind(wide ? table + (index << 1) : table + index, wide ? LS_LDRH : LS_LDRB);
  if (run.fault == 0) jumpTo(pcRead() + (entry << 1));
}

function doubleTransfer(op: u32, isLoad: bool): void {
  const n: u32 = (op >>> 16) & 15;
  const base: u32 = n == 15 ? pcRead() & ~3 : gpr(n);
  const by: u32 = (op & 0xff) << 2;
  const updated: u32 = (op & 0x0080_0000) != 0 ? base + by : base - by;
  const ea: u32 = (op & 0x0100_0000) != 0 ? updated : base;
  const writesBack: bool = (op & 0x0020_0000) != 0;
  const rd: u32 = (op >>> 12) & 15;
  const rt: u32 = (op >>> 8) & 15;
  if (isLoad) loadDouble(rd, rt, ea, n, updated, writesBack);
  else storeDouble(rd, rt, ea, n, updated, writesBack);
}

export function op_ldrd_t(op: u32): void {
  doubleTransfer(op, true);
}

export function op_strd_t(op: u32): void {
  doubleTransfer(op, false);
}

/** LS_* of a load, or the size of a store. */
function kindOf(op: u32): u32 {
  const size: u32 = (op >>> 21) & 3;
  if ((op & 0x0010_0000) == 0) return 1 << size;
  if ((op & 0x0100_0000) != 0) return size == 0 ? LS_LDRSB : LS_LDRSH;
  return size == 0 ? LS_LDRB : size == 1 ? LS_LDRH : LS_LDR;
}

/** Loads and stores of Thumb-2 that the loop does not expand. */
export function op_ldst_wide(op: u32): void {
  const n: u32 = (op >>> 16) & 15;
  const rd: u32 = (op >>> 12) & 15;
  const base: u32 = n == 15 ? pcRead() & ~3 : gpr(n);
  let ea: u32;
  let updated: u32 = base;
  let user: bool = false;
  if (n == 15) {
    ea = (op & 0x0080_0000) != 0 ? base + (op & 0xfff) : base - (op & 0xfff);
  } else if ((op & 0x0080_0000) != 0) {
    ea = base + (op & 0xfff);
  } else if ((op & 0x800) == 0) {
    ea = base + (gpr(op & 15) << ((op >>> 4) & 3));
  } else {
    updated = (op & 0x200) != 0 ? base + (op & 0xff) : base - (op & 0xff);
    ea = (op & 0x400) != 0 ? updated : base;
    user = (op & 0x700) == 0x600;
    if ((op & 0x100) == 0) updated = base;
  }
  if (user) asUser();
  if ((op & 0x0010_0000) != 0) {
    const value: u32 = readKind(ea, kindOf(op));
    if (run.fault == 0) {
      if (n != 15) setGpr(n, updated);
      if (rd == 15) loadPc(value);
      else setGpr(rd, value);
    }
  } else {
    writeSized(ea, kindOf(op), gpr(rd));
    if (run.fault == 0 && n != 15) setGpr(n, updated);
  }
  if (user) selectBank();
}

// --- Processor state

/** CPS: interrupt masks and the mode. */
export function op_cps(op: u32): void {
  if (run.privileged == 0) return;
  let control: u32 = cpu.control;
  const bits: u32 = op & (PSR_A | PSR_I | PSR_F);
  const imod: u32 = (op >>> 18) & 3;
  if (imod == 2) control &= ~bits;
  else if (imod == 3) control |= bits;
  if ((op & 0x0002_0000) != 0) control = (control & ~PSR_M) | (op & PSR_M);
  setControl(control);
  if (interruptReady() || run.privileged == 0) leaveAfter();
}

export function op_setend(op: u32): void {
  setControl((op & 0x200) != 0 ? cpu.control | PSR_E : cpu.control & ~PSR_E);
}

/** SRS: R14 and SPSR to the stack of a mode. */
export function op_srs(op: u32): void {
  if (run.privileged == 0) {
    undefinedException(op);
    return;
  }
  const place: u32 = bankedPlace(13, op & PSR_M);
  const sp: u32 = load<u32>(place);
  const up: bool = (op & 0x0080_0000) != 0;
  const updated: u32 = up ? sp + 8 : sp - 8;
  let ea: u32 = up ? sp : updated;
  if (((op & 0x0100_0000) != 0) == up) ea += 4;
  run.fault = 0;
  if (unalignedWords(ea, true) || !probeWrite(ea) || !probeWrite(ea + 4)) return;
  write32(ea, gpr(14));
  write32(ea + 4, spsr());
  if (run.fault == 0 && (op & 0x0020_0000) != 0) store<u32>(place, updated);
}

/** RFE: the program counter and CPSR from memory. */
export function op_rfe(op: u32): void {
  if (run.privileged == 0) {
    undefinedException(op);
    return;
  }
  const n: u32 = (op >>> 16) & 15;
  const base: u32 = gpr(n);
  const up: bool = (op & 0x0080_0000) != 0;
  const updated: u32 = up ? base + 8 : base - 8;
  let ea: u32 = up ? base : updated;
  if (((op & 0x0100_0000) != 0) == up) ea += 4;
  run.fault = 0;
  if (unalignedWords(ea, false)) return;
  const pc: u32 = read32(ea);
  if (run.fault != 0) return;
  const psr: u32 = read32(ea + 4);
  if (run.fault != 0) return;
  if ((op & 0x0020_0000) != 0) setGpr(n, updated);
  setCpsr(psr);
  cpu.pc = cpu.thumb != 0 ? pc & ~1 : pc & ~3;
  leave();
}
