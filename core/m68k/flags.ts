// SPDX-License-Identifier: MIT
//
// Condition codes and operands of an instruction. `w` is the operation word above the first extension word.
import { CCR_C, CCR_N, CCR_V, CCR_X, CCR_Z } from './constants';
import { GPR_BASE, cpu } from './state';

/** The register in bits 0-2 of the operation word, D or A. */
// @ts-ignore: decorator
@inline
export function dY(w: u32): u32 {
  return load<u32>((w >>> 14) & 0x1c, GPR_BASE);
}

// @ts-ignore: decorator
@inline
export function aY(w: u32): u32 {
  return load<u32>((w >>> 14) & 0x1c, GPR_BASE + 32);
}

// @ts-ignore: decorator
@inline
export function setAY(w: u32, value: u32): void {
  store<u32>((w >>> 14) & 0x1c, value, GPR_BASE + 32);
}

/** The register in bits 9-11. */
// @ts-ignore: decorator
@inline
export function dX(w: u32): u32 {
  return load<u32>((w >>> 23) & 0x1c, GPR_BASE);
}

// @ts-ignore: decorator
@inline
export function aX(w: u32): u32 {
  return load<u32>((w >>> 23) & 0x1c, GPR_BASE + 32);
}

// @ts-ignore: decorator
@inline
export function setAX(w: u32, value: u32): void {
  store<u32>((w >>> 23) & 0x1c, value, GPR_BASE + 32);
}

// @ts-ignore: decorator
@inline
export function setDYSized(w: u32, size: u32, value: u32): void {
  const at: u32 = (w >>> 14) & 0x1c;
  if (size == 4) store<u32>(at, value, GPR_BASE);
  else if (size == 2) store<u16>(at, <u16>value, GPR_BASE);
  else store<u8>(at, <u8>value, GPR_BASE);
}

// @ts-ignore: decorator
@inline
export function setDXSized(w: u32, size: u32, value: u32): void {
  const at: u32 = (w >>> 23) & 0x1c;
  if (size == 4) store<u32>(at, value, GPR_BASE);
  else if (size == 2) store<u16>(at, <u16>value, GPR_BASE);
  else store<u8>(at, <u8>value, GPR_BASE);
}

/** The data of ADDQ, SUBQ and the shifts: 1 to 8. */
// @ts-ignore: decorator
@inline
export function quick(w: u32): u32 {
  return (((w >>> 25) - 1) & 7) + 1;
}

/** The register numbers of the operation word. */
// @ts-ignore: decorator
@inline
export function regY(w: u32): u32 {
  return (w >>> 16) & 7;
}

// @ts-ignore: decorator
@inline
export function regX(w: u32): u32 {
  return (w >>> 25) & 7;
}

/** The six bits of an effective address. */
// @ts-ignore: decorator
@inline
export function eaOf(w: u32): u32 {
  return (w >>> 16) & 0x3f;
}

// @ts-ignore: decorator
@inline
export function signExtend(value: u32, size: u32): u32 {
  if (size == 4) return value;
  return size == 2 ? <u32>(<i32>(<i16>value)) : <u32>(<i32>(<i8>value));
}

// @ts-ignore: decorator
@inline
export function zeroExtend(value: u32, size: u32): u32 {
  if (size == 4) return value;
  return size == 2 ? value & 0xffff : value & 0xff;
}

/** N and Z of a sign-extended result. */
// @ts-ignore: decorator
@inline
export function setNZ(result: u32): void {
  cpu.cc_n = result;
  cpu.cc_z = result;
}

/** N and Z of a result, V and C clear. */
// @ts-ignore: decorator
@inline
export function setLogic(result: u32, size: u32): void {
  setNZ(signExtend(result, size));
  cpu.cc_v = 0;
  cpu.cc_c = 0;
}

/** destination + source with all condition codes. The result's upper bits are whatever they are. */
// @ts-ignore: decorator
@inline
export function addFlags(destination: u32, source: u32, size: u32): u32 {
  const result: u32 = destination + source;
  const overflow: u32 = (source ^ result) & (destination ^ result);
  setNZ(signExtend(result, size));
  if (size == 4) {
    cpu.cc_v = overflow;
    cpu.cc_c = cpu.cc_x = <u32>(result < source);
  } else {
    const bits: u32 = size << 3;
    cpu.cc_v = overflow << (32 - bits);
    cpu.cc_c = cpu.cc_x = ((zeroExtend(destination, size) + zeroExtend(source, size)) >>> bits) & 1;
  }
  return result;
}

/** N, Z, V and C of destination - source. */
// @ts-ignore: decorator
@inline
export function compareFlags(destination: u32, source: u32, size: u32): u32 {
  const result: u32 = destination - source;
  const overflow: u32 = (source ^ destination) & (result ^ destination);
  setNZ(signExtend(result, size));
  if (size == 4) {
    cpu.cc_v = overflow;
    cpu.cc_c = <u32>(destination < source);
  } else {
    cpu.cc_v = overflow << (32 - (size << 3));
    cpu.cc_c = <u32>(zeroExtend(destination, size) < zeroExtend(source, size));
  }
  return result;
}

// @ts-ignore: decorator
@inline
export function subFlags(destination: u32, source: u32, size: u32): u32 {
  const result: u32 = compareFlags(destination, source, size);
  cpu.cc_x = cpu.cc_c;
  return result;
}

export function ccr(): u32 {
  return (
    (cpu.cc_x != 0 ? CCR_X : 0) |
    (<i32>cpu.cc_n < 0 ? CCR_N : 0) |
    (cpu.cc_z == 0 ? CCR_Z : 0) |
    (<i32>cpu.cc_v < 0 ? CCR_V : 0) |
    (cpu.cc_c != 0 ? CCR_C : 0)
  );
}

export function setCcr(value: u32): void {
  cpu.cc_x = (value >>> 4) & 1;
  cpu.cc_n = (value & CCR_N) << 28;
  cpu.cc_z = (~value & CCR_Z) >>> 2;
  cpu.cc_v = (value & CCR_V) << 30;
  cpu.cc_c = value & CCR_C;
}

/** Whether a condition holds [M68000PRM table 3-19]. */
// @ts-ignore: decorator
@inline
export function condition(cc: u32): bool {
  switch (cc) {
    case 0:
      return true;
    case 1:
      return false;
    case 2: // HI
      return cpu.cc_c == 0 && cpu.cc_z != 0;
    case 3: // LS
      return cpu.cc_c != 0 || cpu.cc_z == 0;
    case 4: // CC
      return cpu.cc_c == 0;
    case 5: // CS
      return cpu.cc_c != 0;
    case 6: // NE
      return cpu.cc_z != 0;
    case 7: // EQ
      return cpu.cc_z == 0;
    case 8: // VC
      return <i32>cpu.cc_v >= 0;
    case 9: // VS
      return <i32>cpu.cc_v < 0;
    case 10: // PL
      return <i32>cpu.cc_n >= 0;
    case 11: // MI
      return <i32>cpu.cc_n < 0;
    case 12: // GE
      return <i32>(cpu.cc_n ^ cpu.cc_v) >= 0;
    case 13: // LT
      return <i32>(cpu.cc_n ^ cpu.cc_v) < 0;
    case 14: // GT
      return <i32>(cpu.cc_n ^ cpu.cc_v) >= 0 && cpu.cc_z != 0;
    default: // LE
      return <i32>(cpu.cc_n ^ cpu.cc_v) < 0 || cpu.cc_z == 0;
  }
}

/** Out of line. */
export function conditionHolds(cc: u32): bool {
  return condition(cc);
}
