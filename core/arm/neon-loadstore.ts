// SPDX-License-Identifier: MIT
//
// Advanced SIMD loads and stores of elements and structures [ARM ARM] A7.7.
import { undefinedException } from './exceptions';
import { LS_LDR, LS_LDRB, LS_LDRH } from './lower';
import { dataAbort } from './exceptions';
import { probeRead, probeWrite, readKind, writeSized } from './memory';
import { FAULT_ALIGNMENT } from './mmu';
import { lane, place, setLane } from './neon-lanes';
import { BLOCK_BASE, gpr, run, setGpr } from './state';
import { dd } from './vfp';

/** Registers and distance between structure members' registers of each type of multiple load; 0: no such type. */
// @ts-ignore: decorator
@inline
function regsOf(type: u32): u32 {
  switch (type) {
    case 2: // VLD1, four registers
    case 3: // VLD2, two and two
      return type == 2 ? 4 : 2;
    case 6: // VLD1, three
      return 3;
    case 10: // VLD1, two
      return 2;
    default: // VLD4 0 1, VLD3 4 5, VLD1 7, VLD2 8 9
      return 1;
  }
}

/** An element at `ea`. `run.fault` may be set after. */
function loadElement(ea: u32, size: u32): i64 {
  if (size == 3) {
    const low: u32 = readKind(ea, LS_LDR);
    if (run.fault != 0) return 0;
    return <i64>((<u64>readKind(ea + 4, LS_LDR) << 32) | <u64>low);
  }
  return <i64>(<u64>readKind(ea, size == 0 ? LS_LDRB : size == 1 ? LS_LDRH : LS_LDR));
}

function storeElement(ea: u32, size: u32, value: i64): void {
  if (size == 3) {
    writeSized(ea, 4, <u32>value);
    if (run.fault == 0) writeSized(ea + 4, 4, <u32>(value >> 32));
  } else {
    writeSized(ea, 1 << size, <u32>value);
  }
}

/** A multiple of `alignment` bytes, or the exception. */
function misaligned(ea: u32, alignment: u32, write: bool): bool {
  run.fault = 0;
  if ((ea & (alignment - 1)) == 0) return false;
  dataAbort(ea, FAULT_ALIGNMENT, write);
  return true;
}

/** Both ends can be accessed, so that nothing is done by halves. */
function accessible(ea: u32, bytes: u32, write: bool): bool {
  const last: u32 = ea + bytes - 1;
  if (write) return probeWrite(ea) && (((ea ^ last) & ~0xfff) == 0 || probeWrite(last));
  return probeRead(ea) && (((ea ^ last) & ~0xfff) == 0 || probeRead(last));
}

/** R15 as the offset: none; R13: what was transferred. */
function writeBack(op: u32, bytes: u32): void {
  const rm: u32 = op & 15;
  const rn: u32 = (op >>> 16) & 15;
  if (rm != 15) setGpr(rn, gpr(rn) + (rm == 13 ? bytes : gpr(rm)));
}

/** Members of a structure, by the type of a multiple transfer. */
// @ts-ignore: decorator
@inline
function membersOf(type: u32): u32 {
  if (type < 2) return 4;
  if (type == 4 || type == 5) return 3;
  return type == 3 || type == 8 || type == 9 ? 2 : 1;
}

export function op_neon_multiple(op: u32): void {
  const type: u32 = (op >>> 8) & 15;
  const size: u32 = (op >>> 6) & 3;
  const align: u32 = (op >>> 4) & 3;
  const members: u32 = membersOf(type);
  const regs: u32 = regsOf(type);
  const step: u32 = type == 1 || type == 5 || type == 9 || type == 3 ? 2 : 1;
  const first: u32 = dd(op);
  const last: u32 = first + (members - 1) * step + (type == 3 ? 1 : regs - 1);
  let legal: bool = type <= 10 && last < 32 && (size != 3 || members == 1);
  if (type == 7 || type == 6 || members == 3) legal = legal && align < 2;
  if (type == 10 || type == 8 || type == 9) legal = legal && align != 3;
  if (!legal || ((op >>> 16) & 15) == 15) {
    undefinedException(op);
    return;
  }
  const isLoad: bool = (op & 0x0020_0000) != 0;
  const ea: u32 = gpr((op >>> 16) & 15);
  const bytes: u32 = members * regs << 3;
  if (misaligned(ea, align == 0 ? 1 : 4 << align, !isLoad) || !accessible(ea, bytes, !isLoad)) return;
  const elements: u32 = 8 >>> size;
  let at: u32 = ea;
  for (let r: u32 = 0; r < regs; r++) {
    for (let e: u32 = 0; e < elements; e++) {
      for (let m: u32 = 0; m < members; m++) {
        const register: u32 = place(first + r + m * step);
        if (isLoad) setLane(register, size, e, loadElement(at, size));
        else storeElement(at, size, lane(register, size, e, true));
        if (run.fault != 0) return;
        at += 1 << size;
      }
    }
  }
  writeBack(op, bytes);
}

/** One structure to or from one element of each register. */
export function op_neon_one(op: u32): void {
  const size: u32 = (op >>> 10) & 3;
  const members: u32 = ((op >>> 8) & 3) + 1;
  const ia: u32 = (op >>> 4) & 15;
  const index: u32 = ia >>> (size + 1);
  const step: u32 = size == 0 || members == 1 ? 1 : ((ia >>> size) & 1) + 1;
  const alignment: u32 = alignmentOfOne(members, size, ia);
  const first: u32 = dd(op);
  if (size == 3 || alignment == 0 || first + (members - 1) * step > 31 || ((op >>> 16) & 15) == 15) {
    undefinedException(op);
    return;
  }
  const isLoad: bool = (op & 0x0020_0000) != 0;
  const ea: u32 = gpr((op >>> 16) & 15);
  if (misaligned(ea, alignment, !isLoad) || !accessible(ea, members << size, !isLoad)) return;
  for (let m: u32 = 0; m < members; m++) {
    const at: u32 = ea + (m << size);
    const register: u32 = place(first + m * step);
    if (isLoad) setLane(register, size, index, loadElement(at, size));
    else storeElement(at, size, lane(register, size, index, true));
    if (run.fault != 0) return;
  }
  writeBack(op, members << size);
}

/** What the address must be a multiple of; 0 when the bits are none. */
function alignmentOfOne(members: u32, size: u32, ia: u32): u32 {
  switch (members) {
    case 1:
      if (size == 0) return (ia & 1) != 0 ? 0 : 1;
      if (size == 1) return (ia & 2) != 0 ? 0 : (ia & 1) != 0 ? 2 : 1;
      return (ia & 4) != 0 || (ia & 3) == 1 || (ia & 3) == 2 ? 0 : (ia & 3) == 3 ? 4 : 1;
    case 2:
      if (size == 2 && (ia & 2) != 0) return 0;
      return (ia & 1) != 0 ? 2 << size : 1;
    case 3:
      return (ia & (size == 2 ? 3 : 1)) != 0 ? 0 : 1;
    default:
      if (size != 2) return (ia & 1) != 0 ? 4 << size : 1;
      return (ia & 3) == 3 ? 0 : (ia & 3) == 0 ? 1 : 4 << (ia & 3);
  }
}

/** One structure to all elements of each register. */
export function op_neon_all(op: u32): void {
  const members: u32 = ((op >>> 8) & 3) + 1;
  const code: u32 = (op >>> 6) & 3;
  const wide: u32 = (op >>> 5) & 1;
  const a: u32 = (op >>> 4) & 1;
  // Only VLD4 has the size of words that are aligned to 16 bytes.
  const size: u32 = code == 3 ? 2 : code;
  const step: u32 = members == 1 ? 1 : wide + 1;
  const first: u32 = dd(op);
  const last: u32 = members == 1 ? first + wide : first + (members - 1) * step;
  let legal: bool = last < 32 && (code != 3 || (members == 4 && a != 0));
  if (members == 1) legal = legal && (size != 0 || a == 0);
  if (members == 3) legal = legal && a == 0;
  if (!legal || ((op >>> 16) & 15) == 15) {
    undefinedException(op);
    return;
  }
  const ea: u32 = gpr((op >>> 16) & 15);
  let alignment: u32 = 1;
  if (a != 0) alignment = code == 3 ? 16 : members == 4 ? (size == 2 ? 8 : 4 << size) : members << size;
  if (misaligned(ea, alignment, false) || !accessible(ea, members << size, false)) return;
  for (let m: u32 = 0; m < members; m++) {
    const value: i64 = loadElement(ea + (m << size), size);
    if (run.fault != 0) return;
    store<i64>(BLOCK_BASE + (m << 3), value);
  }
  const elements: u32 = 8 >>> size;
  for (let m: u32 = 0; m < members; m++) {
    const value: i64 = load<i64>(BLOCK_BASE + (m << 3));
    for (let e: u32 = 0; e < elements; e++) {
      setLane(place(first + m * step), size, e, value);
      if (members == 1 && wide != 0) setLane(place(first + 1), size, e, value);
    }
  }
  writeBack(op, members << size);
}
