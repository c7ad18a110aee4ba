// SPDX-License-Identifier: MIT
//
// Loads and stores that the loop does not expand, doublewords, swaps, and block transfers.
import { exchangeTo, jump26, jumpTo, pcRead } from './code';
import { FEATURE_A26, FEATURE_M, FEATURE_V5, FEATURE_V6, PSR_M, R15_PC } from './constants';
import { exceptionReturn, return26 } from './dp';
import { undefinedException } from './exceptions';
import { LS_LDRB, LS_LDRH, LS_LDRSB, LS_LDRSH, LS_LDR } from './lower';
import { probeWrite, read32, readKind, unalignedWords, write32, writeSized } from './memory';
import { branchM } from './microcontroller';
import { shift } from './shifter';
import { BLOCK_BASE, GPR_BASE, cpu, gpr, has, run, setGpr } from './state';
import { bankedPlace, psr26, userPlace } from './status';
import { asUser, hitsRead, hitsWrite, hostAddress, selectBank, tlbSlot } from './tlb';

const BIT_I: u32 = 0x0200_0000;
const BIT_P: u32 = 0x0100_0000;
const BIT_U: u32 = 0x0080_0000;
const BIT_B: u32 = 0x0040_0000;
const BIT_W: u32 = 0x0020_0000;
const BIT_L: u32 = 0x0010_0000;

/** A register as a base: R15 without status bits, rounded down in Thumb state. */
// @ts-ignore: decorator
@inline
function base(n: u32): u32 {
  if (n != 15) return gpr(n);
  const pc: u32 = pcRead() & ~3;
  return has(FEATURE_A26) ? pc & R15_PC : pc;
}

/** R15 as it is stored: an instruction further on until version 6 [ARM ARM] A2.3, with the status bits when there are 26. */
function pcStored(): u32 {
  const pc: u32 = pcRead();
  if (has(FEATURE_A26)) return ((pc + 4) & R15_PC) | psr26();
  return has(FEATURE_V6) ? pc : pc + (run.shift == 1 ? 4 : 2);
}

/** A loaded value goes to R15 [ARM ARM] A2.3.1. */
export function loadPc(value: u32): void {
  if (has(FEATURE_M)) branchM(value);
  else if (has(FEATURE_A26)) jump26(value);
  else if (has(FEATURE_V5)) exchangeTo(value);
  else jumpTo(value);
}

/** An access of a register at `ea`; the base is updated when it has succeeded. */
function transfer(op: u32, ea: u32, kind: u32, rn: u32, updated: u32, writesBack: bool): void {
  const rd: u32 = (op >>> 12) & 15;
  if ((op & BIT_L) != 0) {
    const value: u32 = readKind(ea, kind);
    if (run.fault != 0) return;
    if (writesBack && rn != 15) setGpr(rn, updated);
    if (rd == 15) loadPc(value);
    else setGpr(rd, value);
  } else {
    writeSized(ea, kind, rd == 15 ? pcStored() : gpr(rd));
    if (run.fault != 0) return;
    if (writesBack && rn != 15) setGpr(rn, updated);
  }
}

/** LDR, STR, LDRB, STRB and their user-mode forms. */
export function op_ldst(op: u32): void {
  let by: u32 = op & 0xfff;
  if ((op & BIT_I) != 0) {
    const rm: u32 = op & 15;
    let type: u32 = (op >>> 5) & 3;
    let amount: u32 = (op >>> 7) & 31;
    if (amount == 0 && type != 0) {
      if (type == 3) type = 8;
      else amount = 32;
    }
    by = shift(rm == 15 ? pcRead() : gpr(rm), type, amount);
  }
  const byte: bool = (op & BIT_B) != 0;
  loadStore(op, by, (op & BIT_L) != 0 ? (byte ? LS_LDRB : LS_LDR) : byte ? 1 : 4);
}

/** Halfwords and signed bytes. */
export function op_ldsth(op: u32): void {
  const by: u32 = (op & BIT_B) != 0 ? ((op >>> 4) & 0xf0) | (op & 15) : gpr(op & 15);
  const type: u32 = (op >>> 5) & 3;
  loadStore(op, by, (op & BIT_L) == 0 ? 2 : type == 1 ? LS_LDRH : type == 2 ? LS_LDRSB : LS_LDRSH);
}

/** `kind` is LS_* of a load, the size of a store. */
function loadStore(op: u32, by: u32, kind: u32): void {
  const rn: u32 = (op >>> 16) & 15;
  const from: u32 = base(rn);
  const updated: u32 = (op & BIT_U) != 0 ? from + by : from - by;
  if ((op & BIT_P) != 0) {
    transfer(op, updated, kind, rn, updated, (op & BIT_W) != 0);
  } else if ((op & BIT_W) != 0) {
    asUser();
    transfer(op, from, kind, rn, updated, true);
    selectBank();
  } else {
    transfer(op, from, kind, rn, updated, true);
  }
}

// --- Doublewords

/** Address of a doubleword access, or its exception: a multiple of 4 from version 6 on, of 8 before. */
function doubleword(ea: u32, write: bool): bool {
  if (has(FEATURE_V6)) return !unalignedWords(ea, write);
  if ((ea & 7) == 0) return true;
  return !unalignedWords(ea | (ea & 4) >> 1, write);
}

function doubleAddress(op: u32): u32 {
  const by: u32 = (op & BIT_B) != 0 ? ((op >>> 4) & 0xf0) | (op & 15) : gpr(op & 15);
  const from: u32 = base((op >>> 16) & 15);
  return (op & BIT_U) != 0 ? from + by : from - by;
}

/** The registers `rd` and `rd2` and memory; the base is updated when all has succeeded. */
export function loadDouble(rd: u32, rd2: u32, ea: u32, rn: u32, updated: u32, writesBack: bool): void {
  run.fault = 0;
  if (!doubleword(ea, false)) return;
  const low: u32 = read32(ea);
  if (run.fault != 0) return;
  const high: u32 = read32(ea + 4);
  if (run.fault != 0) return;
  if (writesBack && rn != 15) setGpr(rn, updated);
  setGpr(rd, low);
  if (rd2 != 15) setGpr(rd2, high);
  else loadPc(high);
}

export function storeDouble(rd: u32, rd2: u32, ea: u32, rn: u32, updated: u32, writesBack: bool): void {
  run.fault = 0;
  if (!doubleword(ea, true)) return;
  if ((ea & 0xfff) == 0xffc && !probeWrite(ea + 4)) return;
  write32(ea, gpr(rd));
  if (run.fault != 0) return;
  write32(ea + 4, rd2 == 15 ? pcStored() : gpr(rd2));
  if (run.fault != 0) return;
  if (writesBack && rn != 15) setGpr(rn, updated);
}

export function op_ldrd(op: u32): void {
  doubleTransfer(op, true);
}

export function op_strd(op: u32): void {
  doubleTransfer(op, false);
}

function doubleTransfer(op: u32, isLoad: bool): void {
  const rd: u32 = (op >>> 12) & 15;
  if ((rd & 1) != 0) {
    undefinedException(op);
    return;
  }
  const rn: u32 = (op >>> 16) & 15;
  const updated: u32 = doubleAddress(op);
  const before: bool = (op & BIT_P) != 0;
  const ea: u32 = before ? updated : base(rn);
  const writesBack: bool = !before || (op & BIT_W) != 0;
  if (isLoad) loadDouble(rd, rd + 1, ea, rn, updated, writesBack);
  else storeDouble(rd, rd + 1, ea, rn, updated, writesBack);
}

// --- Swaps

export function op_swp(op: u32): void {
  const ea: u32 = base((op >>> 16) & 15);
  const size: u32 = (op & BIT_B) != 0 ? 1 : 4;
  if (size == 4 && has(FEATURE_V6) && unalignedWords(ea, true)) return;
  if (!probeWrite(ea)) return;
  const value: u32 = readKind(ea, size == 1 ? LS_LDRB : LS_LDR);
  if (run.fault != 0) return;
  const rm: u32 = op & 15;
  writeSized(ea, size, rm == 15 ? pcStored() : gpr(rm));
  if (run.fault == 0) setGpr((op >>> 12) & 15, value);
}

// --- Block transfers

/** Number of bits set. */
// @ts-ignore: decorator
@inline
function count(list: u32): u32 {
  return popcnt<u32>(list);
}

/** Lowest address of a block transfer. */
// @ts-ignore: decorator
@inline
function lowest(op: u32, from: u32, bytes: u32): u32 {
  const start: u32 = (op & BIT_U) != 0 ? from : from - bytes;
  return ((op & BIT_P) != 0) == ((op & BIT_U) != 0) ? start + 4 : start;
}

/** R15 as a base of a block transfer: with 26 bits the status bits are part of the address. */
function blockBase(rn: u32): u32 {
  if (rn != 15) return gpr(rn);
  return has(FEATURE_A26) ? (pcRead() & R15_PC) | psr26() : pcRead() & ~3;
}

/** What an empty list transfers until version 5: R15, with the base moved as for all registers. */
// @ts-ignore: decorator
@inline
function emptyList(): bool {
  return !has(FEATURE_V5);
}

/** Whether the current mode has a register of its own where user mode has another. */
function isBanked(n: u32): bool {
  return userPlace(n) != GPR_BASE + (n << 2);
}

export function op_ldm(op: u32): void {
  const rn: u32 = (op >>> 16) & 15;
  let list: u32 = op & 0xffff;
  let bytes: u32 = count(list) << 2;
  if (list == 0) {
    if (!emptyList()) return;
    list = 0x8000;
    bytes = 64;
  }
  const from: u32 = blockBase(rn);
  let ea: u32 = lowest(op, from, bytes);
  const updated: u32 = (op & BIT_U) != 0 ? from + bytes : from - bytes;
  run.fault = 0;
  if (unalignedWords(ea, false)) return;
  const user: bool = (op & BIT_B) != 0 && (list & 0x8000) == 0;
  // A loaded base is not written back; another mode's register of that number is not the base (RISC OS's FP emulator).
  const loadsBase: bool = ((list >>> rn) & 1) != 0 && !(user && isBanked(rn));
  const writesBack: bool = (op & BIT_W) != 0 && rn != 15 && !loadsBase;
  const slot: u32 = tlbSlot(ea);
  if (!user && hitsRead(slot, ea & ~3, 0) && (((ea & ~3) ^ ((ea & ~3) + bytes - 1)) & ~0xfff) == 0) {
    let host: u32 = hostAddress(slot, ea & ~3);
    for (let rest: u32 = list & 0x7fff; rest != 0; rest &= rest - 1) {
      store<u32>(GPR_BASE + (ctz<u32>(rest) << 2), load<u32>(host));
      host += 4;
    }
    if (writesBack) setGpr(rn, updated);
    if ((list & 0x8000) != 0) loadPcFromBlock(op, load<u32>(host));
    return;
  }
  ldmSlowly(op, list, ea & ~3, rn, updated, writesBack, user);
}

/** Registers are written when all has been read. */
function ldmSlowly(op: u32, list: u32, ea: u32, rn: u32, updated: u32, writesBack: bool, user: bool): void {
  const mode: u32 = cpu.control & PSR_M;
  let word: u32 = BLOCK_BASE;
  for (let rest: u32 = list; rest != 0; rest &= rest - 1) {
    const value: u32 = read32(ea);
    if (run.fault != 0) {
      keepBase(rn, mode, updated, writesBack);
      return;
    }
    store<u32>(word, value);
    word += 4;
    ea += 4;
  }
  word = BLOCK_BASE;
  for (let rest: u32 = list & 0x7fff; rest != 0; rest &= rest - 1) {
    const n: u32 = ctz<u32>(rest);
    store<u32>(user ? userPlace(n) : GPR_BASE + (n << 2), load<u32>(word));
    word += 4;
  }
  if (writesBack) setGpr(rn, updated);
  if ((list & 0x8000) != 0) loadPcFromBlock(op, load<u32>(word));
}

/** With 26 bits the base has been updated when a block transfer is aborted; the abort has changed the mode. */
function keepBase(rn: u32, mode: u32, updated: u32, writesBack: bool): void {
  if (writesBack && has(FEATURE_A26)) store<u32>(bankedPlace(rn, mode), updated);
}

function loadPcFromBlock(op: u32, value: u32): void {
  if ((op & BIT_B) != 0) {
    if (has(FEATURE_A26)) return26(value);
    else exceptionReturn(value);
  } else {
    loadPc(value);
  }
}

export function op_stm(op: u32): void {
  const rn: u32 = (op >>> 16) & 15;
  let list: u32 = op & 0xffff;
  let bytes: u32 = count(list) << 2;
  if (list == 0) {
    if (!emptyList()) return;
    list = 0x8000;
    bytes = 64;
  }
  const from: u32 = blockBase(rn);
  const ea: u32 = lowest(op, from, bytes);
  const updated: u32 = (op & BIT_U) != 0 ? from + bytes : from - bytes;
  run.fault = 0;
  if (unalignedWords(ea, true)) return;
  const writesBack: bool = (op & BIT_W) != 0 && rn != 15;
  const user: bool = (op & BIT_B) != 0;
  // Until version 5 the base is updated after the first store, and stored updated unless that was it.
  const early: bool = writesBack && !has(FEATURE_V5) && (list & ((1 << rn) - 1)) != 0 && !(user && isBanked(rn));
  const slot: u32 = tlbSlot(ea);
  const start: u32 = ea & ~3;
  if (!user && hitsWrite(slot, start, 0) && ((start ^ (start + bytes - 1)) & ~0xfff) == 0) {
    let host: u32 = hostAddress(slot, start);
    for (let rest: u32 = list & 0x7fff; rest != 0; rest &= rest - 1) {
      const n: u32 = ctz<u32>(rest);
      store<u32>(host, n == rn && early ? updated : load<u32>(GPR_BASE + (n << 2)));
      host += 4;
    }
    if ((list & 0x8000) != 0) store<u32>(host, pcStored());
    if (writesBack) setGpr(rn, updated);
    return;
  }
  stmSlowly(list, start, rn, updated, writesBack, early, user);
}

function stmSlowly(list: u32, start: u32, rn: u32, updated: u32, writesBack: bool, early: bool, user: bool): void {
  const mode: u32 = cpu.control & PSR_M;
  let ea: u32 = start;
  for (let rest: u32 = list; rest != 0; rest &= rest - 1) {
    const n: u32 = ctz<u32>(rest);
    let value: u32;
    if (n == 15) value = pcStored();
    else if (n == rn && early) value = updated;
    else value = user ? load<u32>(userPlace(n)) : gpr(n);
    write32(ea, value);
    if (run.fault != 0) {
      keepBase(rn, mode, updated, writesBack);
      return;
    }
    ea += 4;
  }
  if (writesBack) setGpr(rn, updated);
}
