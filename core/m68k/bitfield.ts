// SPDX-License-Identifier: MIT
//
// Bit fields [M68000PRM §4]: 1 to 32 bits, from the most significant bit of the operand on.
import { fetch16 } from './code';
import { address } from './ea';
import { eaOf } from './flags';
import { probeWrite, read, write } from './memory';
import { cpu, gpr, run, setGpr } from './state';

const TEST: u32 = 0;
const EXTRACT_UNSIGNED: u32 = 1;
const CHANGE: u32 = 2;
const EXTRACT_SIGNED: u32 = 3;
const CLEAR: u32 = 4;
const FIND: u32 = 5;
const SET: u32 = 6;
const INSERT: u32 = 7;

/** The field's `width` bits, at the left end. */
function fieldFlags(left: u32, width: u32): void {
  cpu.cc_n = left;
  cpu.cc_z = left >>> (32 - width);
  cpu.cc_v = 0;
  cpu.cc_c = 0;
}

function bitField(w: u32, kind: u32): void {
  const extension: u32 = fetch16();
  const n: u32 = (extension >>> 12) & 7;
  const widthField: u32 = (extension & 0x20) != 0 ? gpr(extension & 7) : extension;
  const width: u32 = ((widthField - 1) & 31) + 1;
  const offset: i32 = <i32>((extension & 0x800) != 0 ? gpr((extension >>> 6) & 7) : (extension >>> 6) & 31);
  const mask: u32 = ~0 << (32 - width);
  const ea: u32 = eaOf(w);
  if (ea < 8) {
    const shift: u32 = <u32>offset & 31;
    const value: u32 = rotl<u32>(gpr(ea), shift);
    const left: u32 = value & mask;
    const inserted: u32 = gpr(n) << (32 - width);
    fieldFlags(kind == INSERT ? inserted : left, width);
    if (changes(kind)) setGpr(ea, rotr<u32>((value & ~mask) | changed(kind, left, mask, inserted), shift));
    deliver(kind, n, left, width, <i32>shift);
    return;
  }
  const base: u32 = address(ea, 1);
  if (run.fault != 0) return;
  const first: u32 = base + <u32>(offset >> 3);
  const shift: u32 = <u32>offset & 7;
  const bytes: u32 = (shift + width + 7) >>> 3;
  // As the chips do: no byte is touched that has no bit of the field.
  let all: u64 = 0;
  if (changes(kind) && !probeWrite(first, bytes)) return;
  for (let i: u32 = 0; i < bytes; i++) {
    all |= <u64>read(first + i, 1) << <u64>(56 - (i << 3));
    if (run.fault != 0) return;
  }
  const left: u32 = <u32>((all << <u64>shift) >>> 32) & mask;
  const inserted: u32 = gpr(n) << (32 - width);
  if (changes(kind)) {
    const places: u64 = (<u64>mask << 32) >>> <u64>shift;
    all = (all & ~places) | ((<u64>changed(kind, left, mask, inserted) << 32) >>> <u64>shift);
    for (let i: u32 = 0; i < bytes; i++) {
      write(first + i, 1, <u32>(all >>> <u64>(56 - (i << 3))) & 0xff);
      if (run.fault != 0) return;
    }
  }
  fieldFlags(kind == INSERT ? inserted : left, width);
  deliver(kind, n, left, width, offset);
}

// @ts-ignore: decorator
@inline
function changes(kind: u32): bool {
  return kind == CHANGE || kind >= CLEAR && kind != FIND;
}

function changed(kind: u32, left: u32, mask: u32, inserted: u32): u32 {
  return kind == CHANGE ? left ^ mask : kind == CLEAR ? 0 : kind == SET ? mask : inserted;
}

function deliver(kind: u32, n: u32, left: u32, width: u32, offset: i32): void {
  if (kind == EXTRACT_UNSIGNED) setGpr(n, left >>> (32 - width));
  else if (kind == EXTRACT_SIGNED) setGpr(n, <u32>(<i32>left >> (32 - width)));
  else if (kind == FIND) setGpr(n, <u32>offset + min<u32>(clz<u32>(left), width));
}

export function op_bftst(w: u32): void {
  bitField(w, TEST);
}

export function op_bfextu(w: u32): void {
  bitField(w, EXTRACT_UNSIGNED);
}

export function op_bfchg(w: u32): void {
  bitField(w, CHANGE);
}

export function op_bfexts(w: u32): void {
  bitField(w, EXTRACT_SIGNED);
}

export function op_bfclr(w: u32): void {
  bitField(w, CLEAR);
}

export function op_bfffo(w: u32): void {
  bitField(w, FIND);
}

export function op_bfset(w: u32): void {
  bitField(w, SET);
}

export function op_bfins(w: u32): void {
  bitField(w, INSERT);
}
