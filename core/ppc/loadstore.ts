// SPDX-License-Identifier: MIT
//
// Loads and stores [PEM §8]. fast_x is the hit in the software TLB, expanded in the interpreter's loop; op_x is the whole
// instruction.
import { DSISR_EAR, HID0_DCE, HID0_DLOCK, MODEL_601, MSR_DR, MSR_LE } from './constants';
import { alignmentException, dataException } from './exceptions';
import { eaD, eaDU, eaX, eaXU, fT, rT, setA, setFT, setT } from './fields';
import { f32ToF64Bits, f64BitsToF32 } from './fpu';
import { physicalAddress, read16, read32, read64, read8, resolve, write16, write32, write64, write8 } from './memory';
import { SR_BASE, cpu, gpr, run, setCrField, setGpr } from './state';
import { TLB_NO_CACHE, hitsRead, hitsWrite, hostAddress, slotFlags, tlbSlot } from './tlb';

/** In little-endian mode the processor does no misaligned access. */
function misalignedLittle(op: u32, ea: u32, last: u32): bool {
  if ((cpu.msr & MSR_LE) == 0 || (ea & last) == 0) return false;
  alignmentException(op, ea);
  return true;
}

/** For instructions whose operand must be aligned to a word. */
function misalignedWord(op: u32, ea: u32): bool {
  if ((ea & 3) == 0) return false;
  alignmentException(op, ea);
  return true;
}

/** Multiple and string instructions do not work in little-endian mode. */
function littleEndian(op: u32, ea: u32): bool {
  if ((cpu.msr & MSR_LE) == 0) return false;
  alignmentException(op, ea);
  return true;
}

// --- Integer loads

// @ts-ignore: decorator
@inline
export function fast_lwz(op: u32): bool {
  const ea: u32 = eaD(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, 3)) return false;
  setT(op, bswap<u32>(load<u32>(hostAddress(slot, ea))));
  return true;
}

export function op_lwz(op: u32): void {
  const ea: u32 = eaD(op);
  if (misalignedLittle(op, ea, 3)) return;
  const value: u32 = read32(ea);
  if (run.fault != 0) return;
  setT(op, value);
}

// @ts-ignore: decorator
@inline
export function fast_lwzu(op: u32): bool {
  const ea: u32 = eaDU(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, 3)) return false;
  setT(op, bswap<u32>(load<u32>(hostAddress(slot, ea))));
  setA(op, ea);
  return true;
}

export function op_lwzu(op: u32): void {
  const ea: u32 = eaDU(op);
  if (misalignedLittle(op, ea, 3)) return;
  const value: u32 = read32(ea);
  if (run.fault != 0) return;
  setT(op, value);
  setA(op, ea);
}

// @ts-ignore: decorator
@inline
export function fast_lwzx(op: u32): bool {
  const ea: u32 = eaX(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, 3)) return false;
  setT(op, bswap<u32>(load<u32>(hostAddress(slot, ea))));
  return true;
}

export function op_lwzx(op: u32): void {
  const ea: u32 = eaX(op);
  if (misalignedLittle(op, ea, 3)) return;
  const value: u32 = read32(ea);
  if (run.fault != 0) return;
  setT(op, value);
}

// @ts-ignore: decorator
@inline
export function fast_lwzux(op: u32): bool {
  const ea: u32 = eaXU(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, 3)) return false;
  setT(op, bswap<u32>(load<u32>(hostAddress(slot, ea))));
  setA(op, ea);
  return true;
}

export function op_lwzux(op: u32): void {
  const ea: u32 = eaXU(op);
  if (misalignedLittle(op, ea, 3)) return;
  const value: u32 = read32(ea);
  if (run.fault != 0) return;
  setT(op, value);
  setA(op, ea);
}

// @ts-ignore: decorator
@inline
export function fast_lbz(op: u32): bool {
  const ea: u32 = eaD(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, 0)) return false;
  setT(op, <u32>load<u8>(hostAddress(slot, ea)));
  return true;
}

export function op_lbz(op: u32): void {
  const ea: u32 = eaD(op);
  const value: u32 = read8(ea);
  if (run.fault != 0) return;
  setT(op, value);
}

// @ts-ignore: decorator
@inline
export function fast_lbzu(op: u32): bool {
  const ea: u32 = eaDU(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, 0)) return false;
  setT(op, <u32>load<u8>(hostAddress(slot, ea)));
  setA(op, ea);
  return true;
}

export function op_lbzu(op: u32): void {
  const ea: u32 = eaDU(op);
  const value: u32 = read8(ea);
  if (run.fault != 0) return;
  setT(op, value);
  setA(op, ea);
}

// @ts-ignore: decorator
@inline
export function fast_lbzx(op: u32): bool {
  const ea: u32 = eaX(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, 0)) return false;
  setT(op, <u32>load<u8>(hostAddress(slot, ea)));
  return true;
}

export function op_lbzx(op: u32): void {
  const ea: u32 = eaX(op);
  const value: u32 = read8(ea);
  if (run.fault != 0) return;
  setT(op, value);
}

// @ts-ignore: decorator
@inline
export function fast_lbzux(op: u32): bool {
  const ea: u32 = eaXU(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, 0)) return false;
  setT(op, <u32>load<u8>(hostAddress(slot, ea)));
  setA(op, ea);
  return true;
}

export function op_lbzux(op: u32): void {
  const ea: u32 = eaXU(op);
  const value: u32 = read8(ea);
  if (run.fault != 0) return;
  setT(op, value);
  setA(op, ea);
}

// @ts-ignore: decorator
@inline
export function fast_lhz(op: u32): bool {
  const ea: u32 = eaD(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, 1)) return false;
  setT(op, <u32>bswap<u16>(load<u16>(hostAddress(slot, ea))));
  return true;
}

export function op_lhz(op: u32): void {
  const ea: u32 = eaD(op);
  if (misalignedLittle(op, ea, 1)) return;
  const value: u32 = read16(ea);
  if (run.fault != 0) return;
  setT(op, value);
}

// @ts-ignore: decorator
@inline
export function fast_lhzu(op: u32): bool {
  const ea: u32 = eaDU(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, 1)) return false;
  setT(op, <u32>bswap<u16>(load<u16>(hostAddress(slot, ea))));
  setA(op, ea);
  return true;
}

export function op_lhzu(op: u32): void {
  const ea: u32 = eaDU(op);
  if (misalignedLittle(op, ea, 1)) return;
  const value: u32 = read16(ea);
  if (run.fault != 0) return;
  setT(op, value);
  setA(op, ea);
}

// @ts-ignore: decorator
@inline
export function fast_lhzx(op: u32): bool {
  const ea: u32 = eaX(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, 1)) return false;
  setT(op, <u32>bswap<u16>(load<u16>(hostAddress(slot, ea))));
  return true;
}

export function op_lhzx(op: u32): void {
  const ea: u32 = eaX(op);
  if (misalignedLittle(op, ea, 1)) return;
  const value: u32 = read16(ea);
  if (run.fault != 0) return;
  setT(op, value);
}

// @ts-ignore: decorator
@inline
export function fast_lhzux(op: u32): bool {
  const ea: u32 = eaXU(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, 1)) return false;
  setT(op, <u32>bswap<u16>(load<u16>(hostAddress(slot, ea))));
  setA(op, ea);
  return true;
}

export function op_lhzux(op: u32): void {
  const ea: u32 = eaXU(op);
  if (misalignedLittle(op, ea, 1)) return;
  const value: u32 = read16(ea);
  if (run.fault != 0) return;
  setT(op, value);
  setA(op, ea);
}

// @ts-ignore: decorator
@inline
export function fast_lha(op: u32): bool {
  const ea: u32 = eaD(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, 1)) return false;
  setT(op, <u32>(<i32>(<i16>bswap<u16>(load<u16>(hostAddress(slot, ea))))));
  return true;
}

export function op_lha(op: u32): void {
  const ea: u32 = eaD(op);
  if (misalignedLittle(op, ea, 1)) return;
  const value: u32 = <u32>(<i32>(<i16>read16(ea)));
  if (run.fault != 0) return;
  setT(op, value);
}

// @ts-ignore: decorator
@inline
export function fast_lhau(op: u32): bool {
  const ea: u32 = eaDU(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, 1)) return false;
  setT(op, <u32>(<i32>(<i16>bswap<u16>(load<u16>(hostAddress(slot, ea))))));
  setA(op, ea);
  return true;
}

export function op_lhau(op: u32): void {
  const ea: u32 = eaDU(op);
  if (misalignedLittle(op, ea, 1)) return;
  const value: u32 = <u32>(<i32>(<i16>read16(ea)));
  if (run.fault != 0) return;
  setT(op, value);
  setA(op, ea);
}

// @ts-ignore: decorator
@inline
export function fast_lhax(op: u32): bool {
  const ea: u32 = eaX(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, 1)) return false;
  setT(op, <u32>(<i32>(<i16>bswap<u16>(load<u16>(hostAddress(slot, ea))))));
  return true;
}

export function op_lhax(op: u32): void {
  const ea: u32 = eaX(op);
  if (misalignedLittle(op, ea, 1)) return;
  const value: u32 = <u32>(<i32>(<i16>read16(ea)));
  if (run.fault != 0) return;
  setT(op, value);
}

// @ts-ignore: decorator
@inline
export function fast_lhaux(op: u32): bool {
  const ea: u32 = eaXU(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsRead(slot, ea, 1)) return false;
  setT(op, <u32>(<i32>(<i16>bswap<u16>(load<u16>(hostAddress(slot, ea))))));
  setA(op, ea);
  return true;
}

export function op_lhaux(op: u32): void {
  const ea: u32 = eaXU(op);
  if (misalignedLittle(op, ea, 1)) return;
  const value: u32 = <u32>(<i32>(<i16>read16(ea)));
  if (run.fault != 0) return;
  setT(op, value);
  setA(op, ea);
}

// --- Integer stores

// @ts-ignore: decorator
@inline
export function fast_stw(op: u32): bool {
  const ea: u32 = eaD(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsWrite(slot, ea, 3)) return false;
  store<u32>(hostAddress(slot, ea), bswap<u32>(rT(op)));
  return true;
}

export function op_stw(op: u32): void {
  const ea: u32 = eaD(op);
  if (misalignedLittle(op, ea, 3)) return;
  write32(ea, rT(op));
}

// @ts-ignore: decorator
@inline
export function fast_stwu(op: u32): bool {
  const ea: u32 = eaDU(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsWrite(slot, ea, 3)) return false;
  store<u32>(hostAddress(slot, ea), bswap<u32>(rT(op)));
  setA(op, ea);
  return true;
}

export function op_stwu(op: u32): void {
  const ea: u32 = eaDU(op);
  if (misalignedLittle(op, ea, 3)) return;
  write32(ea, rT(op));
  if (run.fault == 0) setA(op, ea);
}

// @ts-ignore: decorator
@inline
export function fast_stwx(op: u32): bool {
  const ea: u32 = eaX(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsWrite(slot, ea, 3)) return false;
  store<u32>(hostAddress(slot, ea), bswap<u32>(rT(op)));
  return true;
}

export function op_stwx(op: u32): void {
  const ea: u32 = eaX(op);
  if (misalignedLittle(op, ea, 3)) return;
  write32(ea, rT(op));
}

// @ts-ignore: decorator
@inline
export function fast_stwux(op: u32): bool {
  const ea: u32 = eaXU(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsWrite(slot, ea, 3)) return false;
  store<u32>(hostAddress(slot, ea), bswap<u32>(rT(op)));
  setA(op, ea);
  return true;
}

export function op_stwux(op: u32): void {
  const ea: u32 = eaXU(op);
  if (misalignedLittle(op, ea, 3)) return;
  write32(ea, rT(op));
  if (run.fault == 0) setA(op, ea);
}

// @ts-ignore: decorator
@inline
export function fast_stb(op: u32): bool {
  const ea: u32 = eaD(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsWrite(slot, ea, 0)) return false;
  store<u8>(hostAddress(slot, ea), rT(op));
  return true;
}

export function op_stb(op: u32): void {
  const ea: u32 = eaD(op);
  write8(ea, rT(op));
}

// @ts-ignore: decorator
@inline
export function fast_stbu(op: u32): bool {
  const ea: u32 = eaDU(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsWrite(slot, ea, 0)) return false;
  store<u8>(hostAddress(slot, ea), rT(op));
  setA(op, ea);
  return true;
}

export function op_stbu(op: u32): void {
  const ea: u32 = eaDU(op);
  write8(ea, rT(op));
  if (run.fault == 0) setA(op, ea);
}

// @ts-ignore: decorator
@inline
export function fast_stbx(op: u32): bool {
  const ea: u32 = eaX(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsWrite(slot, ea, 0)) return false;
  store<u8>(hostAddress(slot, ea), rT(op));
  return true;
}

export function op_stbx(op: u32): void {
  const ea: u32 = eaX(op);
  write8(ea, rT(op));
}

// @ts-ignore: decorator
@inline
export function fast_stbux(op: u32): bool {
  const ea: u32 = eaXU(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsWrite(slot, ea, 0)) return false;
  store<u8>(hostAddress(slot, ea), rT(op));
  setA(op, ea);
  return true;
}

export function op_stbux(op: u32): void {
  const ea: u32 = eaXU(op);
  write8(ea, rT(op));
  if (run.fault == 0) setA(op, ea);
}

// @ts-ignore: decorator
@inline
export function fast_sth(op: u32): bool {
  const ea: u32 = eaD(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsWrite(slot, ea, 1)) return false;
  store<u16>(hostAddress(slot, ea), bswap<u16>(<u16>rT(op)));
  return true;
}

export function op_sth(op: u32): void {
  const ea: u32 = eaD(op);
  if (misalignedLittle(op, ea, 1)) return;
  write16(ea, rT(op));
}

// @ts-ignore: decorator
@inline
export function fast_sthu(op: u32): bool {
  const ea: u32 = eaDU(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsWrite(slot, ea, 1)) return false;
  store<u16>(hostAddress(slot, ea), bswap<u16>(<u16>rT(op)));
  setA(op, ea);
  return true;
}

export function op_sthu(op: u32): void {
  const ea: u32 = eaDU(op);
  if (misalignedLittle(op, ea, 1)) return;
  write16(ea, rT(op));
  if (run.fault == 0) setA(op, ea);
}

// @ts-ignore: decorator
@inline
export function fast_sthx(op: u32): bool {
  const ea: u32 = eaX(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsWrite(slot, ea, 1)) return false;
  store<u16>(hostAddress(slot, ea), bswap<u16>(<u16>rT(op)));
  return true;
}

export function op_sthx(op: u32): void {
  const ea: u32 = eaX(op);
  if (misalignedLittle(op, ea, 1)) return;
  write16(ea, rT(op));
}

// @ts-ignore: decorator
@inline
export function fast_sthux(op: u32): bool {
  const ea: u32 = eaXU(op);
  const slot: u32 = tlbSlot(ea);
  if (!hitsWrite(slot, ea, 1)) return false;
  store<u16>(hostAddress(slot, ea), bswap<u16>(<u16>rT(op)));
  setA(op, ea);
  return true;
}

export function op_sthux(op: u32): void {
  const ea: u32 = eaXU(op);
  if (misalignedLittle(op, ea, 1)) return;
  write16(ea, rT(op));
  if (run.fault == 0) setA(op, ea);
}

// --- Byte-reversed

export function op_lwbrx(op: u32): void {
  const ea: u32 = eaX(op);
  if (misalignedLittle(op, ea, 3)) return;
  const value: u32 = read32(ea);
  if (run.fault == 0) setT(op, bswap<u32>(value));
}

export function op_lhbrx(op: u32): void {
  const ea: u32 = eaX(op);
  if (misalignedLittle(op, ea, 1)) return;
  const value: u32 = read16(ea);
  if (run.fault == 0) setT(op, <u32>bswap<u16>(<u16>value));
}

export function op_stwbrx(op: u32): void {
  const ea: u32 = eaX(op);
  if (misalignedLittle(op, ea, 3)) return;
  write32(ea, bswap<u32>(rT(op)));
}

export function op_sthbrx(op: u32): void {
  const ea: u32 = eaX(op);
  if (misalignedLittle(op, ea, 1)) return;
  write16(ea, <u32>bswap<u16>(<u16>rT(op)));
}

// --- Multiple and string

/** True when all bytes of an access of `size` bytes can be reached, so that it need not be done in part. */
function reachable(ea: u32, size: u32, write: bool): bool {
  if (resolve(ea, write) == 0) return false;
  const end: u32 = ea + size - 1;
  return ((ea ^ end) & ~0xfff) == 0 || resolve(end, write) != 0;
}

export function op_lmw(op: u32): void {
  let ea: u32 = eaD(op);
  if (misalignedWord(op, ea) || littleEndian(op, ea)) return;
  const first: u32 = (op >>> 21) & 31;
  if (!reachable(ea, (32 - first) << 2, false)) return;
  for (let n: u32 = first; n < 32; n++) {
    const value: u32 = read32(ea);
    if (run.fault != 0) return;
    setGpr(n, value);
    ea += 4;
  }
}

export function op_stmw(op: u32): void {
  let ea: u32 = eaD(op);
  if (misalignedWord(op, ea) || littleEndian(op, ea)) return;
  const first: u32 = (op >>> 21) & 31;
  if (!reachable(ea, (32 - first) << 2, true)) return;
  for (let n: u32 = first; n < 32; n++) {
    write32(ea, gpr(n));
    if (run.fault != 0) return;
    ea += 4;
  }
}

function loadString(op: u32, ea: u32, bytes: u32): void {
  if (littleEndian(op, ea)) return;
  if (bytes == 0 || !reachable(ea, bytes, false)) return;
  let n: u32 = (op >>> 21) & 31;
  for (let done: u32 = 0; done < bytes; done += 4) {
    let value: u32 = 0;
    const count: u32 = min<u32>(4, bytes - done);
    for (let i: u32 = 0; i < count; i++) {
      value |= read8(ea + done + i) << (24 - (i << 3));
      if (run.fault != 0) return;
    }
    setGpr(n, value);
    n = (n + 1) & 31;
  }
}

function storeString(op: u32, ea: u32, bytes: u32): void {
  if (littleEndian(op, ea)) return;
  if (bytes == 0 || !reachable(ea, bytes, true)) return;
  let n: u32 = (op >>> 21) & 31;
  for (let done: u32 = 0; done < bytes; done++) {
    write8(ea + done, gpr(n) >>> (24 - ((done & 3) << 3)));
    if (run.fault != 0) return;
    if ((done & 3) == 3) n = (n + 1) & 31;
  }
}

// @ts-ignore: decorator
@inline
function immediateCount(op: u32): u32 {
  return ((((op >>> 11) & 31) - 1) & 31) + 1;
}

export function op_lswi(op: u32): void {
  loadString(op, (op & 0x001f_0000) != 0 ? gpr((op >>> 16) & 31) : 0, immediateCount(op));
}

export function op_lswx(op: u32): void {
  loadString(op, eaX(op), cpu.xer_count);
}

export function op_stswi(op: u32): void {
  storeString(op, (op & 0x001f_0000) != 0 ? gpr((op >>> 16) & 31) : 0, immediateCount(op));
}

export function op_stswx(op: u32): void {
  storeString(op, eaX(op), cpu.xer_count);
}

// --- Floating-point

export function op_lfd(op: u32): void {
  const ea: u32 = eaD(op);
  if (misalignedWord(op, ea)) return;
  const slot: u32 = tlbSlot(ea);
  if (hitsRead(slot, ea, 7)) {
    setFT(op, bswap<u64>(load<u64>(hostAddress(slot, ea))));
  } else {
    const value: u64 = read64(ea);
    if (run.fault != 0) return;
    setFT(op, value);
  }
}

export function op_lfs(op: u32): void {
  const ea: u32 = eaD(op);
  if (misalignedWord(op, ea)) return;
  const slot: u32 = tlbSlot(ea);
  if (hitsRead(slot, ea, 3)) {
    setFT(op, f32ToF64Bits(bswap<u32>(load<u32>(hostAddress(slot, ea)))));
  } else {
    const value: u32 = read32(ea);
    if (run.fault != 0) return;
    setFT(op, f32ToF64Bits(value));
  }
}

export function op_stfd(op: u32): void {
  const ea: u32 = eaD(op);
  if (misalignedWord(op, ea)) return;
  const slot: u32 = tlbSlot(ea);
  run.fault = 0;
  if (hitsWrite(slot, ea, 7)) store<u64>(hostAddress(slot, ea), bswap<u64>(fT(op)));
  else write64(ea, fT(op));
}

export function op_stfs(op: u32): void {
  const ea: u32 = eaD(op);
  if (misalignedWord(op, ea)) return;
  const slot: u32 = tlbSlot(ea);
  run.fault = 0;
  if (hitsWrite(slot, ea, 3)) store<u32>(hostAddress(slot, ea), bswap<u32>(f64BitsToF32(fT(op))));
  else write32(ea, f64BitsToF32(fT(op)));
}

export function op_lfdu(op: u32): void {
  const ea: u32 = eaDU(op);
  if (misalignedWord(op, ea)) return;
  const slot: u32 = tlbSlot(ea);
  if (hitsRead(slot, ea, 7)) {
    setFT(op, bswap<u64>(load<u64>(hostAddress(slot, ea))));
  } else {
    const value: u64 = read64(ea);
    if (run.fault != 0) return;
    setFT(op, value);
  }
  setA(op, ea);
}

export function op_lfsu(op: u32): void {
  const ea: u32 = eaDU(op);
  if (misalignedWord(op, ea)) return;
  const slot: u32 = tlbSlot(ea);
  if (hitsRead(slot, ea, 3)) {
    setFT(op, f32ToF64Bits(bswap<u32>(load<u32>(hostAddress(slot, ea)))));
  } else {
    const value: u32 = read32(ea);
    if (run.fault != 0) return;
    setFT(op, f32ToF64Bits(value));
  }
  setA(op, ea);
}

export function op_stfdu(op: u32): void {
  const ea: u32 = eaDU(op);
  if (misalignedWord(op, ea)) return;
  const slot: u32 = tlbSlot(ea);
  run.fault = 0;
  if (hitsWrite(slot, ea, 7)) store<u64>(hostAddress(slot, ea), bswap<u64>(fT(op)));
  else write64(ea, fT(op));
  if (run.fault == 0) setA(op, ea);
}

export function op_stfsu(op: u32): void {
  const ea: u32 = eaDU(op);
  if (misalignedWord(op, ea)) return;
  const slot: u32 = tlbSlot(ea);
  run.fault = 0;
  if (hitsWrite(slot, ea, 3)) store<u32>(hostAddress(slot, ea), bswap<u32>(f64BitsToF32(fT(op))));
  else write32(ea, f64BitsToF32(fT(op)));
  if (run.fault == 0) setA(op, ea);
}

export function op_lfdx(op: u32): void {
  const ea: u32 = eaX(op);
  if (misalignedWord(op, ea)) return;
  const slot: u32 = tlbSlot(ea);
  if (hitsRead(slot, ea, 7)) {
    setFT(op, bswap<u64>(load<u64>(hostAddress(slot, ea))));
  } else {
    const value: u64 = read64(ea);
    if (run.fault != 0) return;
    setFT(op, value);
  }
}

export function op_lfsx(op: u32): void {
  const ea: u32 = eaX(op);
  if (misalignedWord(op, ea)) return;
  const slot: u32 = tlbSlot(ea);
  if (hitsRead(slot, ea, 3)) {
    setFT(op, f32ToF64Bits(bswap<u32>(load<u32>(hostAddress(slot, ea)))));
  } else {
    const value: u32 = read32(ea);
    if (run.fault != 0) return;
    setFT(op, f32ToF64Bits(value));
  }
}

export function op_stfdx(op: u32): void {
  const ea: u32 = eaX(op);
  if (misalignedWord(op, ea)) return;
  const slot: u32 = tlbSlot(ea);
  run.fault = 0;
  if (hitsWrite(slot, ea, 7)) store<u64>(hostAddress(slot, ea), bswap<u64>(fT(op)));
  else write64(ea, fT(op));
}

export function op_stfsx(op: u32): void {
  const ea: u32 = eaX(op);
  if (misalignedWord(op, ea)) return;
  const slot: u32 = tlbSlot(ea);
  run.fault = 0;
  if (hitsWrite(slot, ea, 3)) store<u32>(hostAddress(slot, ea), bswap<u32>(f64BitsToF32(fT(op))));
  else write32(ea, f64BitsToF32(fT(op)));
}

export function op_lfdux(op: u32): void {
  const ea: u32 = eaXU(op);
  if (misalignedWord(op, ea)) return;
  const slot: u32 = tlbSlot(ea);
  if (hitsRead(slot, ea, 7)) {
    setFT(op, bswap<u64>(load<u64>(hostAddress(slot, ea))));
  } else {
    const value: u64 = read64(ea);
    if (run.fault != 0) return;
    setFT(op, value);
  }
  setA(op, ea);
}

export function op_lfsux(op: u32): void {
  const ea: u32 = eaXU(op);
  if (misalignedWord(op, ea)) return;
  const slot: u32 = tlbSlot(ea);
  if (hitsRead(slot, ea, 3)) {
    setFT(op, f32ToF64Bits(bswap<u32>(load<u32>(hostAddress(slot, ea)))));
  } else {
    const value: u32 = read32(ea);
    if (run.fault != 0) return;
    setFT(op, f32ToF64Bits(value));
  }
  setA(op, ea);
}

export function op_stfdux(op: u32): void {
  const ea: u32 = eaXU(op);
  if (misalignedWord(op, ea)) return;
  const slot: u32 = tlbSlot(ea);
  run.fault = 0;
  if (hitsWrite(slot, ea, 7)) store<u64>(hostAddress(slot, ea), bswap<u64>(fT(op)));
  else write64(ea, fT(op));
  if (run.fault == 0) setA(op, ea);
}

export function op_stfsux(op: u32): void {
  const ea: u32 = eaXU(op);
  if (misalignedWord(op, ea)) return;
  const slot: u32 = tlbSlot(ea);
  run.fault = 0;
  if (hitsWrite(slot, ea, 3)) store<u32>(hostAddress(slot, ea), bswap<u32>(f64BitsToF32(fT(op))));
  else write32(ea, f64BitsToF32(fT(op)));
  if (run.fault == 0) setA(op, ea);
}

export function op_stfiwx(op: u32): void {
  const ea: u32 = eaX(op);
  if (!misalignedWord(op, ea)) write32(ea, <u32>fT(op));
}

// --- Reservations

const GRANULE: u32 = 32;

export function op_lwarx(op: u32): void {
  const ea: u32 = eaX(op);
  if (misalignedWord(op, ea)) return;
  const value: u32 = read32(ea);
  if (run.fault != 0) return;
  const slot: u32 = resolve(ea, false);
  if (slot == 0) return;
  cpu.reserved = 1;
  cpu.reservation = physicalAddress(slot, ea) & ~(GRANULE - 1);
  setT(op, value);
}

export function op_stwcx_rc(op: u32): void {
  const ea: u32 = eaX(op);
  if (misalignedWord(op, ea)) return;
  const slot: u32 = resolve(ea, true);
  if (slot == 0) return;
  const held: bool = cpu.reserved != 0 && cpu.reservation == (physicalAddress(slot, ea) & ~(GRANULE - 1));
  if (held) {
    write32(ea, rT(op));
    if (run.fault != 0) return;
  }
  cpu.reserved = 0;
  setCrField(0, (held ? 2 : 0) | cpu.xer_so);
}

// --- External control

/** True when EAR lets the instruction go ahead. */
function externalControl(op: u32, ea: u32, write: bool): bool {
  if ((cpu.ear & 0x8000_0000) == 0) {
    dataException(ea, DSISR_EAR, write);
    return false;
  }
  return !misalignedWord(op, ea);
}

export function op_eciwx(op: u32): void {
  const ea: u32 = eaX(op);
  if (!externalControl(op, ea, false)) return;
  const value: u32 = read32(ea);
  if (run.fault == 0) setT(op, value);
}

export function op_ecowx(op: u32): void {
  const ea: u32 = eaX(op);
  if (externalControl(op, ea, true)) write32(ea, rT(op));
}

// --- Caches. Memory is always coherent, so that only translation and dcbz can be seen.

/** Cache instructions do nothing in a direct-store segment. */
function directStore(ea: u32): bool {
  return (cpu.msr & MSR_DR) != 0 && (load<u32>(SR_BASE + ((ea >>> 28) << 2)) & 0x8000_0000) != 0;
}

export function op_dcbst(op: u32): void {
  const ea: u32 = eaX(op);
  if (!directStore(ea)) resolve(ea, false);
}

export function op_dcbf(op: u32): void {
  op_dcbst(op);
}

export function op_icbi(op: u32): void {
  op_dcbst(op);
}

export function op_dcbi(op: u32): void {
  const ea: u32 = eaX(op);
  if (!directStore(ea)) resolve(ea, true);
}

/** Hints: never an exception. */
export function op_dcbt(op: u32): void {}
export function op_dcbtst(op: u32): void {}
/** Leaves the block undefined, so that leaving it alone is right. */
export function op_dcba(op: u32): void {}

export function op_dcbz(op: u32): void {
  const ea: u32 = eaX(op) & ~31;
  // Without a usable cache the processor cannot allocate the block.
  if (run.model != MODEL_601 && (cpu.hid0 & (HID0_DCE | HID0_DLOCK)) != HID0_DCE) {
    alignmentException(op, eaX(op));
    return;
  }
  if (directStore(ea)) return;
  run.fault = 0;
  const slot: u32 = resolve(ea, true);
  if (slot == 0) return;
  const flags: u32 = slotFlags(slot);
  if ((flags & TLB_NO_CACHE) != 0) {
    alignmentException(op, eaX(op));
    return;
  }
  if (hitsWrite(slot, ea, 31)) {
    memory.fill(hostAddress(slot, ea), 0, 32);
    return;
  }
  for (let i: u32 = 0; i < 32 && run.fault == 0; i += 4) write32(ea + i, 0);
}
