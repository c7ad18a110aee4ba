// SPDX-License-Identifier: MIT
//
// Forms of common instructions that are expanded in the loop, once for each addressing mode. Each says whether it has
// done the instruction: not when an access missed the TLB, and then nothing has been changed.
//
// Modes are numbered as the generator does. `at` is the entry after the operation word; an instruction has at most one
// extension word here, in `w`, or 32 bits at `at`.
import { hostOf } from './code';
import { MODEL_68000 } from './constants';
import { addFlags, aX, aY, compareFlags, condition, dX, dY, quick, setAX, setAY, setDXSized, setDYSized, setLogic, signExtend, subFlags } from './flags';
import { GPR_BASE, cpu, gpr, run } from './state';
import { hitsRead, hitsWrite, hostAddress, tlbSlot } from './tlb';

const D: u32 = 0;
const A: u32 = 1;
const P: u32 = 3;
const M: u32 = 4;
const O: u32 = 5;
const X: u32 = 6;
const W: u32 = 7;
const L: u32 = 8;
const C: u32 = 9;
const N: u32 = 10;

// @ts-ignore: decorator
@inline
function long(at: u32): u32 {
  return bswap<u32>(load<u32>(hostOf(at)));
}

// @ts-ignore: decorator
@inline
function displacement(w: u32): u32 {
  return <u32>(<i32>(<i16>w));
}

/** Base plus index of a brief extension word. */
// @ts-ignore: decorator
@inline
function briefIndex(w: u32, base: u32): u32 {
  const index: u32 = load<u32>((w >>> 10) & 0x3c, GPR_BASE);
  return base + (((w & 0x800) != 0 ? index : signExtend(index, 2)) << ((w >>> 9) & 3)) + <u32>(<i32>(<i8>w));
}

/** Bytes (An)+ and -(An) go. */
// @ts-ignore: decorator
@inline
function stepOf(reg: u32, size: u32): u32 {
  return size == 1 ? (reg == 7 ? 2 : 1) : size;
}

/** Address of the operand with the register in bits 0-2. */
// @ts-ignore: decorator
@inline
function sourceAddress(w: u32, at: u32, size: u32, mode: u32): u32 {
  if (mode == M) return aY(w) - stepOf((w >>> 16) & 7, size);
  if (mode == O) return aY(w) + displacement(w);
  if (mode == X) return briefIndex(w, aY(w));
  if (mode == W) return displacement(w);
  if (mode == L) return long(at);
  if (mode == C) return (at >>> 2) + run.pc_delta + displacement(w);
  return aY(w);
}

/** Address of MOVE's destination, with the register in bits 9-11. */
// @ts-ignore: decorator
@inline
function destinationAddress(w: u32, at: u32, size: u32, mode: u32): u32 {
  if (mode == M) return aX(w) - stepOf((w >>> 25) & 7, size);
  if (mode == O) return aX(w) + displacement(w);
  if (mode == X) return briefIndex(w, aX(w));
  if (mode == W) return displacement(w);
  if (mode == L) return long(at);
  return aX(w);
}

/** After the access: what (An)+ and -(An) leave in An. */
// @ts-ignore: decorator
@inline
function stepSource(w: u32, size: u32, mode: u32, ea: u32): void {
  if (mode == P) setAY(w, ea + stepOf((w >>> 16) & 7, size));
  if (mode == M) setAY(w, ea);
}

// @ts-ignore: decorator
@inline
function stepDestination(w: u32, size: u32, mode: u32, ea: u32): void {
  if (mode == P) setAX(w, ea + stepOf((w >>> 25) & 7, size));
  if (mode == M) setAX(w, ea);
}

/** A full extension word is not for the expanded forms. */
// @ts-ignore: decorator
@inline
function full(w: u32, mode: u32): bool {
  return mode == X && (w & 0x100) != 0;
}

// @ts-ignore: decorator
@inline
function loadHost(host: u32, size: u32): u32 {
  if (size == 4) return bswap<u32>(load<u32>(host));
  if (size == 2) return <u32>bswap<u16>(load<u16>(host));
  return <u32>load<u8>(host);
}

// @ts-ignore: decorator
@inline
function storeHost(host: u32, size: u32, value: u32): void {
  if (size == 4) store<u32>(host, bswap<u32>(value));
  else if (size == 2) store<u16>(host, bswap<u16>(<u16>value));
  else store<u8>(host, <u8>value);
}

// @ts-ignore: decorator
@inline
function immediate(w: u32, at: u32, size: u32): u32 {
  return size == 4 ? long(at) : w & 0xffff;
}

// @ts-ignore: decorator
@inline
export function fast_move(w: u32, at: u32, size: u32, src: u32, dst: u32): bool {
  if (full(w, src) || full(w, dst)) return false;
  let value: u32 = 0;
  let ea: u32 = 0;
  if (src == D) {
    value = dY(w);
  } else if (src == A) {
    value = aY(w);
  } else if (src == N) {
    value = immediate(w, at, size);
  } else {
    ea = sourceAddress(w, at, size, src);
    const slot: u32 = tlbSlot(ea);
    if (!hitsRead(slot, ea, size)) return false;
    value = loadHost(hostAddress(slot, ea), size);
  }
  if (dst == D) {
    stepSource(w, size, src, ea);
    setDXSized(w, size, value);
  } else {
    // What the source's side effect leaves is what the destination sees.
    let to: u32 = destinationAddress(w, at, size, dst);
    if ((src == P || src == M) && ((w >>> 16) & 7) == ((w >>> 25) & 7)) {
      const moved: u32 = src == P ? ea + stepOf((w >>> 16) & 7, size) : ea;
      to = dst == M ? moved - stepOf((w >>> 25) & 7, size) : dst == O ? moved + displacement(w) : moved;
      if (dst == X) return false;
    }
    const slot: u32 = tlbSlot(to);
    if (!hitsWrite(slot, to, size)) return false;
    storeHost(hostAddress(slot, to), size, value);
    stepSource(w, size, src, ea);
    stepDestination(w, size, dst, to);
  }
  setLogic(value, size);
  return true;
}

/** The operand of an instruction that reads only; false on a miss. Expanded by each user. */
// @ts-ignore: decorator
@inline
function isMemory(mode: u32): bool {
  return mode != D && mode != A && mode != N;
}

/** What is in memory or not, as a value: the TLB entry has been looked at. */
// @ts-ignore: decorator
@inline
function value(w: u32, at: u32, size: u32, mode: u32, ea: u32): u32 {
  if (mode == D) return dY(w);
  if (mode == A) return aY(w);
  if (mode == N) return immediate(w, at, size);
  return loadHost(hostAddress(tlbSlot(ea), ea), size);
}

// @ts-ignore: decorator
@inline
function readable(w: u32, size: u32, mode: u32, ea: u32): bool {
  if (!isMemory(mode)) return true;
  return !full(w, mode) && hitsRead(tlbSlot(ea), ea, size);
}

// @ts-ignore: decorator
@inline
function place(w: u32, at: u32, size: u32, mode: u32): u32 {
  return isMemory(mode) ? sourceAddress(w, at, size, mode) : 0;
}

// @ts-ignore: decorator
@inline
export function fast_movea(w: u32, at: u32, size: u32, mode: u32): bool {
  const ea: u32 = place(w, at, size, mode);
  if (!readable(w, size, mode, ea)) return false;
  const v: u32 = value(w, at, size, mode, ea);
  stepSource(w, size, mode, ea);
  setAX(w, signExtend(v, size));
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_add(w: u32, at: u32, size: u32, mode: u32): bool {
  const ea: u32 = place(w, at, size, mode);
  if (!readable(w, size, mode, ea)) return false;
  const v: u32 = value(w, at, size, mode, ea);
  stepSource(w, size, mode, ea);
  setDXSized(w, size, addFlags(dX(w), v, size));
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_sub(w: u32, at: u32, size: u32, mode: u32): bool {
  const ea: u32 = place(w, at, size, mode);
  if (!readable(w, size, mode, ea)) return false;
  const v: u32 = value(w, at, size, mode, ea);
  stepSource(w, size, mode, ea);
  setDXSized(w, size, subFlags(dX(w), v, size));
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_cmp(w: u32, at: u32, size: u32, mode: u32): bool {
  const ea: u32 = place(w, at, size, mode);
  if (!readable(w, size, mode, ea)) return false;
  const v: u32 = value(w, at, size, mode, ea);
  stepSource(w, size, mode, ea);
  compareFlags(dX(w), v, size);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_and(w: u32, at: u32, size: u32, mode: u32): bool {
  const ea: u32 = place(w, at, size, mode);
  if (!readable(w, size, mode, ea)) return false;
  const result: u32 = dX(w) & value(w, at, size, mode, ea);
  setDXSized(w, size, result);
  setLogic(result, size);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_or(w: u32, at: u32, size: u32, mode: u32): bool {
  const ea: u32 = place(w, at, size, mode);
  if (!readable(w, size, mode, ea)) return false;
  const result: u32 = dX(w) | value(w, at, size, mode, ea);
  setDXSized(w, size, result);
  setLogic(result, size);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_eor(w: u32, at: u32, size: u32, mode: u32): bool {
  const result: u32 = dX(w) ^ dY(w);
  setDYSized(w, size, result);
  setLogic(result, size);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_adda(w: u32, at: u32, size: u32, mode: u32): bool {
  const ea: u32 = place(w, at, size, mode);
  if (!readable(w, size, mode, ea)) return false;
  setAX(w, aX(w) + signExtend(value(w, at, size, mode, ea), size));
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_suba(w: u32, at: u32, size: u32, mode: u32): bool {
  const ea: u32 = place(w, at, size, mode);
  if (!readable(w, size, mode, ea)) return false;
  setAX(w, aX(w) - signExtend(value(w, at, size, mode, ea), size));
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_cmpa(w: u32, at: u32, size: u32, mode: u32): bool {
  const ea: u32 = place(w, at, size, mode);
  if (!readable(w, size, mode, ea)) return false;
  compareFlags(aX(w), signExtend(value(w, at, size, mode, ea), size), 4);
  return true;
}

/** ADD and SUB of a data register to memory. */
// @ts-ignore: decorator
@inline
export function fast_addm(w: u32, at: u32, size: u32, mode: u32): bool {
  const ea: u32 = sourceAddress(w, at, size, mode);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, size) || !hitsWrite(slot, ea, size)) return false;
  const host: u32 = hostAddress(slot, ea);
  storeHost(host, size, addFlags(loadHost(host, size), dX(w), size));
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_subm(w: u32, at: u32, size: u32, mode: u32): bool {
  const ea: u32 = sourceAddress(w, at, size, mode);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, size) || !hitsWrite(slot, ea, size)) return false;
  const host: u32 = hostAddress(slot, ea);
  storeHost(host, size, subFlags(loadHost(host, size), dX(w), size));
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_addq(w: u32, at: u32, size: u32, mode: u32): bool {
  if (mode == D) {
    setDYSized(w, size, addFlags(dY(w), quick(w), size));
    return true;
  }
  const ea: u32 = sourceAddress(w, at, size, mode);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, size) || !hitsWrite(slot, ea, size)) return false;
  const host: u32 = hostAddress(slot, ea);
  storeHost(host, size, addFlags(loadHost(host, size), quick(w), size));
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_subq(w: u32, at: u32, size: u32, mode: u32): bool {
  if (mode == D) {
    setDYSized(w, size, subFlags(dY(w), quick(w), size));
    return true;
  }
  const ea: u32 = sourceAddress(w, at, size, mode);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, size) || !hitsWrite(slot, ea, size)) return false;
  const host: u32 = hostAddress(slot, ea);
  storeHost(host, size, subFlags(loadHost(host, size), quick(w), size));
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_addi(w: u32, at: u32, size: u32, mode: u32): bool {
  setDYSized(w, size, addFlags(dY(w), immediate(w, at, size), size));
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_subi(w: u32, at: u32, size: u32, mode: u32): bool {
  setDYSized(w, size, subFlags(dY(w), immediate(w, at, size), size));
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_cmpi(w: u32, at: u32, size: u32, mode: u32): bool {
  if (mode == D) {
    compareFlags(dY(w), immediate(w, at, size), size);
    return true;
  }
  const ea: u32 = aY(w);
  if (!hitsRead(tlbSlot(ea), ea, size)) return false;
  compareFlags(loadHost(hostAddress(tlbSlot(ea), ea), size), immediate(w, at, size), size);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_andi(w: u32, at: u32, size: u32, mode: u32): bool {
  const result: u32 = dY(w) & immediate(w, at, size);
  setDYSized(w, size, result);
  setLogic(result, size);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_ori(w: u32, at: u32, size: u32, mode: u32): bool {
  const result: u32 = dY(w) | immediate(w, at, size);
  setDYSized(w, size, result);
  setLogic(result, size);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_eori(w: u32, at: u32, size: u32, mode: u32): bool {
  const result: u32 = dY(w) ^ immediate(w, at, size);
  setDYSized(w, size, result);
  setLogic(result, size);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_btst(w: u32, at: u32, mode: u32): bool {
  cpu.cc_z = (dY(w) >>> (dX(w) & 31)) & 1;
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_btsti(w: u32, at: u32, mode: u32): bool {
  cpu.cc_z = (dY(w) >>> (w & 31)) & 1;
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_clr(w: u32, at: u32, size: u32, mode: u32): bool {
  if (mode == D) {
    setDYSized(w, size, 0);
  } else {
    const ea: u32 = sourceAddress(w, at, size, mode);
    const slot: u32 = tlbSlot(ea);
    if (!hitsWrite(slot, ea, size)) return false;
    storeHost(hostAddress(slot, ea), size, 0);
    stepSource(w, size, mode, ea);
  }
  setLogic(0, size);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_neg(w: u32, at: u32, size: u32, mode: u32): bool {
  setDYSized(w, size, subFlags(0, dY(w), size));
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_not(w: u32, at: u32, size: u32, mode: u32): bool {
  const result: u32 = ~dY(w);
  setDYSized(w, size, result);
  setLogic(result, size);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_tst(w: u32, at: u32, size: u32, mode: u32): bool {
  const ea: u32 = place(w, at, size, mode);
  if (!readable(w, size, mode, ea)) return false;
  const v: u32 = value(w, at, size, mode, ea);
  stepSource(w, size, mode, ea);
  setLogic(v, size);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_lea(w: u32, at: u32, mode: u32): bool {
  if (mode == X && ((w & 0x100) != 0 || run.model == MODEL_68000)) return false;
  setAX(w, sourceAddress(w, at, 4, mode));
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_pea(w: u32, at: u32, mode: u32): bool {
  if (mode == X && ((w & 0x100) != 0 || run.model == MODEL_68000)) return false;
  const ea: u32 = sourceAddress(w, at, 4, mode);
  const sp: u32 = gpr(15) - 4;
  const slot: u32 = tlbSlot(sp);
  if (!hitsWrite(slot, sp, 4)) return false;
  store<u32>(hostAddress(slot, sp), bswap<u32>(ea));
  store<u32>(GPR_BASE + 60, sp);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_mulu(w: u32, at: u32, mode: u32): bool {
  const result: u32 = (dX(w) & 0xffff) * ((mode == D ? dY(w) : w) & 0xffff);
  setDXSized(w, 4, result);
  setLogic(result, 4);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_muls(w: u32, at: u32, mode: u32): bool {
  const result: u32 = signExtend(dX(w), 2) * signExtend(mode == D ? dY(w) : w, 2);
  setDXSized(w, 4, result);
  setLogic(result, 4);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_scc(w: u32, at: u32, mode: u32): bool {
  setDYSized(w, 1, condition((w >>> 24) & 15) ? 0xff : 0);
  return true;
}

/** ADDX Dy,Dx. */
// @ts-ignore: decorator
@inline
export function fast_addx(w: u32, at: u32, size: u32, mode: u32): bool {
  if (size != 4) return false;
  const source: u32 = dY(w);
  const destination: u32 = dX(w);
  const result: u32 = destination + source + cpu.cc_x;
  cpu.cc_v = (source ^ result) & (destination ^ result);
  cpu.cc_c = cpu.cc_x = ((source & destination) | (~result & (source | destination))) >>> 31;
  cpu.cc_n = result;
  cpu.cc_z |= result;
  setDXSized(w, 4, result);
  return true;
}
