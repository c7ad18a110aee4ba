// SPDX-License-Identifier: MIT
//
// Shifts and rotates [M68000PRM §4]. Counts are 0 to 63; a count of 0 clears C and leaves X.
import { address } from './ea';
import { dX, dY, eaOf, quick, setDYSized, setLogic, setNZ, signExtend, zeroExtend } from './flags';
import { read, writeLast } from './memory';
import { cpu, run } from './state';

// @ts-ignore: decorator
@inline
function shiftLeft(value: u32, count: u32, size: u32, arithmetic: bool): u32 {
  const bits: u32 = size << 3;
  const wide: u64 = <u64>zeroExtend(value, size) << <u64>count;
  const result: u32 = <u32>wide;
  cpu.cc_v = 0;
  if (arithmetic) {
    // V: the sign changes on the way.
    const extended: i64 = <i64>(<i32>signExtend(value, size));
    const kept: i64 = count < bits ? extended >> <i64>(bits - 1 - count) : extended != 0 ? 1 : 0;
    cpu.cc_v = kept != 0 && kept != -1 ? 0x8000_0000 : 0;
  }
  if (count == 0) cpu.cc_c = 0;
  else cpu.cc_c = cpu.cc_x = <u32>(wide >>> <u64>bits) & 1;
  setNZ(signExtend(result, size));
  return result;
}

// @ts-ignore: decorator
@inline
function shiftRight(value: u32, count: u32, size: u32): u32 {
  const twice: u64 = (<u64>zeroExtend(value, size) << 1) >>> <u64>count;
  const result: u32 = <u32>(twice >>> 1);
  cpu.cc_v = 0;
  if (count == 0) cpu.cc_c = 0;
  else cpu.cc_c = cpu.cc_x = <u32>twice & 1;
  setNZ(signExtend(result, size));
  return result;
}

// @ts-ignore: decorator
@inline
function shiftRightArithmetic(value: u32, count: u32, size: u32): u32 {
  const twice: i64 = (<i64>(<i32>signExtend(value, size)) << 1) >> <i64>count;
  const result: u32 = <u32>(twice >> 1);
  cpu.cc_v = 0;
  if (count == 0) cpu.cc_c = 0;
  else cpu.cc_c = cpu.cc_x = <u32>twice & 1;
  setNZ(signExtend(result, size));
  return result;
}

// @ts-ignore: decorator
@inline
function rotateLeft(value: u32, count: u32, size: u32): u32 {
  const bits: u32 = size << 3;
  const v: u32 = zeroExtend(value, size);
  const n: u32 = count & (bits - 1);
  const result: u32 = size == 4 ? rotl<u32>(v, n) : zeroExtend((v << n) | (v >>> (bits - n)), size);
  setLogic(result, size);
  if (count != 0) cpu.cc_c = result & 1;
  return result;
}

// @ts-ignore: decorator
@inline
function rotateRight(value: u32, count: u32, size: u32): u32 {
  const bits: u32 = size << 3;
  const v: u32 = zeroExtend(value, size);
  const n: u32 = count & (bits - 1);
  const result: u32 = size == 4 ? rotr<u32>(v, n) : zeroExtend((v >>> n) | (v << (bits - n)), size);
  setLogic(result, size);
  if (count != 0) cpu.cc_c = (result >>> (bits - 1)) & 1;
  return result;
}

/** Through X, which is one bit more. */
function rotateExtended(value: u32, count: u32, size: u32, left: bool): u32 {
  const bits: u64 = <u64>(size << 3);
  const n: u64 = <u64>count % (bits + 1);
  const all: u64 = (<u64>cpu.cc_x << bits) | <u64>zeroExtend(value, size);
  const around: u64 = left ? (all << n) | (all >>> (bits + 1 - n)) : (all >>> n) | (all << (bits + 1 - n));
  const turned: u64 = n == 0 ? all : around;
  const result: u32 = zeroExtend(<u32>turned, size);
  setLogic(result, size);
  cpu.cc_x = <u32>(turned >>> bits) & 1;
  cpu.cc_c = cpu.cc_x;
  return result;
}

// @ts-ignore: decorator
@inline
export function op_asri(w: u32, size: u32): void {
  setDYSized(w, size, shiftRightArithmetic(dY(w), quick(w), size));
}

// @ts-ignore: decorator
@inline
export function op_lsri(w: u32, size: u32): void {
  setDYSized(w, size, shiftRight(dY(w), quick(w), size));
}

export function op_roxri(w: u32, size: u32): void {
  setDYSized(w, size, rotateExtended(dY(w), quick(w), size, false));
}

// @ts-ignore: decorator
@inline
export function op_rori(w: u32, size: u32): void {
  setDYSized(w, size, rotateRight(dY(w), quick(w), size));
}

export function op_asr(w: u32, size: u32): void {
  setDYSized(w, size, shiftRightArithmetic(dY(w), dX(w) & 63, size));
}

// @ts-ignore: decorator
@inline
export function op_lsr(w: u32, size: u32): void {
  setDYSized(w, size, shiftRight(dY(w), dX(w) & 63, size));
}

export function op_roxr(w: u32, size: u32): void {
  setDYSized(w, size, rotateExtended(dY(w), dX(w) & 63, size, false));
}

// @ts-ignore: decorator
@inline
export function op_ror(w: u32, size: u32): void {
  setDYSized(w, size, rotateRight(dY(w), dX(w) & 63, size));
}

// @ts-ignore: decorator
@inline
export function op_asli(w: u32, size: u32): void {
  setDYSized(w, size, shiftLeft(dY(w), quick(w), size, true));
}

// @ts-ignore: decorator
@inline
export function op_lsli(w: u32, size: u32): void {
  setDYSized(w, size, shiftLeft(dY(w), quick(w), size, false));
}

export function op_roxli(w: u32, size: u32): void {
  setDYSized(w, size, rotateExtended(dY(w), quick(w), size, true));
}

// @ts-ignore: decorator
@inline
export function op_roli(w: u32, size: u32): void {
  setDYSized(w, size, rotateLeft(dY(w), quick(w), size));
}

export function op_asl(w: u32, size: u32): void {
  setDYSized(w, size, shiftLeft(dY(w), dX(w) & 63, size, true));
}

// @ts-ignore: decorator
@inline
export function op_lsl(w: u32, size: u32): void {
  setDYSized(w, size, shiftLeft(dY(w), dX(w) & 63, size, false));
}

export function op_roxl(w: u32, size: u32): void {
  setDYSized(w, size, rotateExtended(dY(w), dX(w) & 63, size, true));
}

// @ts-ignore: decorator
@inline
export function op_rol(w: u32, size: u32): void {
  setDYSized(w, size, rotateLeft(dY(w), dX(w) & 63, size));
}

/** A word in memory by one bit; bits 9-11 of the operation word say how. */
function inMemory(w: u32): void {
  const at: u32 = address(eaOf(w), 2);
  if (run.fault != 0) return;
  const value: u32 = read(at, 2);
  if (run.fault != 0) return;
  const x: u32 = cpu.cc_x;
  const left: bool = (w & 0x0100_0000) != 0;
  const kind: u32 = (w >>> 25) & 3;
  let result: u32 = left ? value << 1 : value >>> 1;
  if (kind == 0 && !left) result |= value & 0x8000;
  if (kind == 2) result |= left ? x : x << 15;
  if (kind == 3) result |= left ? value >>> 15 : value << 15;
  writeLast(at, 2, result & 0xffff);
  if (run.fault != 0) return;
  setLogic(result, 2);
  cpu.cc_c = left ? value >>> 15 : value & 1;
  if (kind != 3) cpu.cc_x = cpu.cc_c;
  if (kind == 0 && left) cpu.cc_v = (value ^ result) << 16;
}

export function op_asrm(w: u32): void {
  inMemory(w);
}

export function op_aslm(w: u32): void {
  inMemory(w);
}

export function op_lsrm(w: u32): void {
  inMemory(w);
}

export function op_lslm(w: u32): void {
  inMemory(w);
}

export function op_roxrm(w: u32): void {
  inMemory(w);
}

export function op_roxlm(w: u32): void {
  inMemory(w);
}

export function op_rorm(w: u32): void {
  inMemory(w);
}

export function op_rolm(w: u32): void {
  inMemory(w);
}
