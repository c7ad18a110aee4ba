// SPDX-License-Identifier: MIT
//
// Integer arithmetic, logic, shifts, bit fields and compares [SDM3]. NaT bits are the loops' business.
import { A, B, C, D, gr, imm, pr, setGr, setPair, setPredicates } from './state';

// --- A unit

// @ts-ignore: decorator
@inline
export function op_add(base: u32, at: u32): void {
  setGr(base, A(at), gr(base, B(at)) + gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_add1(base: u32, at: u32): void {
  setGr(base, A(at), gr(base, B(at)) + gr(base, C(at)) + 1);
}

// @ts-ignore: decorator
@inline
export function op_sub(base: u32, at: u32): void {
  setGr(base, A(at), gr(base, B(at)) - gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_sub1(base: u32, at: u32): void {
  setGr(base, A(at), gr(base, B(at)) - gr(base, C(at)) - 1);
}

/** A 32-bit pointer: bits 31 and 30 of the base choose the region. */
// @ts-ignore: decorator
@inline
function pointer(sum: u64, from: u64): u64 {
  return (sum & 0xffff_ffff) | (((from >> 30) & 3) << 61);
}

// @ts-ignore: decorator
@inline
export function op_addp4(base: u32, at: u32): void {
  setGr(base, A(at), pointer(gr(base, B(at)) + gr(base, C(at)), gr(base, C(at))));
}

// @ts-ignore: decorator
@inline
export function op_and(base: u32, at: u32): void {
  setGr(base, A(at), gr(base, B(at)) & gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_andcm(base: u32, at: u32): void {
  setGr(base, A(at), gr(base, B(at)) & ~gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_or(base: u32, at: u32): void {
  setGr(base, A(at), gr(base, B(at)) | gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_xor(base: u32, at: u32): void {
  setGr(base, A(at), gr(base, B(at)) ^ gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_shladd(base: u32, at: u32): void {
  setGr(base, A(at), (gr(base, B(at)) << D(at)) + gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_shladdp4(base: u32, at: u32): void {
  setGr(base, A(at), pointer((gr(base, B(at)) << D(at)) + gr(base, C(at)), gr(base, C(at))));
}

// @ts-ignore: decorator
@inline
export function op_sub_i(base: u32, at: u32): void {
  setGr(base, A(at), <u64>imm(at) - gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_and_i(base: u32, at: u32): void {
  setGr(base, A(at), <u64>imm(at) & gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_andcm_i(base: u32, at: u32): void {
  setGr(base, A(at), <u64>imm(at) & ~gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_or_i(base: u32, at: u32): void {
  setGr(base, A(at), <u64>imm(at) | gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_xor_i(base: u32, at: u32): void {
  setGr(base, A(at), <u64>imm(at) ^ gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_addi(base: u32, at: u32): void {
  setGr(base, A(at), <u64>imm(at) + gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_addp4_i(base: u32, at: u32): void {
  setGr(base, A(at), pointer(<u64>imm(at) + gr(base, C(at)), gr(base, C(at))));
}

// @ts-ignore: decorator
@inline
export function op_movl(base: u32, at: u32): void {
  setGr(base, A(at), <u64>imm(at));
}

// --- Compares

// @ts-ignore: decorator
@inline
export function op_cmp_lt(base: u32, at: u32): void {
  setPair(base, A(at), D(at), <i64>gr(base, B(at)) < <i64>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp_lt_unc(base: u32, at: u32): void {
  setUnconditional(base, at, load<u32>(at, 12), <i64>gr(base, B(at)) < <i64>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp_lt_i(base: u32, at: u32): void {
  setPair(base, A(at), D(at), <i64>imm(at) < <i64>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp_lt_unc_i(base: u32, at: u32): void {
  setUnconditional(base, at, B(at), <i64>imm(at) < <i64>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp4_lt(base: u32, at: u32): void {
  setPair(base, A(at), D(at), <i32>gr(base, B(at)) < <i32>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp4_lt_unc(base: u32, at: u32): void {
  setUnconditional(base, at, load<u32>(at, 12), <i32>gr(base, B(at)) < <i32>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp4_lt_i(base: u32, at: u32): void {
  setPair(base, A(at), D(at), <i32>imm(at) < <i32>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp4_lt_unc_i(base: u32, at: u32): void {
  setUnconditional(base, at, B(at), <i32>imm(at) < <i32>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp_ltu(base: u32, at: u32): void {
  setPair(base, A(at), D(at), <u64>gr(base, B(at)) < <u64>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp_ltu_unc(base: u32, at: u32): void {
  setUnconditional(base, at, load<u32>(at, 12), <u64>gr(base, B(at)) < <u64>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp_ltu_i(base: u32, at: u32): void {
  setPair(base, A(at), D(at), <u64>imm(at) < <u64>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp_ltu_unc_i(base: u32, at: u32): void {
  setUnconditional(base, at, B(at), <u64>imm(at) < <u64>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp4_ltu(base: u32, at: u32): void {
  setPair(base, A(at), D(at), <u32>gr(base, B(at)) < <u32>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp4_ltu_unc(base: u32, at: u32): void {
  setUnconditional(base, at, load<u32>(at, 12), <u32>gr(base, B(at)) < <u32>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp4_ltu_i(base: u32, at: u32): void {
  setPair(base, A(at), D(at), <u32>imm(at) < <u32>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp4_ltu_unc_i(base: u32, at: u32): void {
  setUnconditional(base, at, B(at), <u32>imm(at) < <u32>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp_eq(base: u32, at: u32): void {
  setPair(base, A(at), D(at), <u64>gr(base, B(at)) == <u64>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp_eq_unc(base: u32, at: u32): void {
  setUnconditional(base, at, load<u32>(at, 12), <u64>gr(base, B(at)) == <u64>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp_eq_i(base: u32, at: u32): void {
  setPair(base, A(at), D(at), <u64>imm(at) == <u64>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp_eq_unc_i(base: u32, at: u32): void {
  setUnconditional(base, at, B(at), <u64>imm(at) == <u64>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp4_eq(base: u32, at: u32): void {
  setPair(base, A(at), D(at), <u32>gr(base, B(at)) == <u32>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp4_eq_unc(base: u32, at: u32): void {
  setUnconditional(base, at, load<u32>(at, 12), <u32>gr(base, B(at)) == <u32>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp4_eq_i(base: u32, at: u32): void {
  setPair(base, A(at), D(at), <u32>imm(at) == <u32>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_cmp4_eq_unc_i(base: u32, at: u32): void {
  setUnconditional(base, at, B(at), <u32>imm(at) == <u32>gr(base, C(at)));
}

/** The unconditional types clear both predicates when the qualifying one is 0. */
// @ts-ignore: decorator
@inline
export function setUnconditional(base: u32, at: u32, qp: u32, bit: bool): void {
  if (pr(base, qp)) setPair(base, A(at), D(at), bit);
  else setPredicates(base, A(at), D(at), 0, 0);
}

/** The parallel types: and = 0x00, or = 0x10, or.andcm = 0x20; with bit 0 the condition is the opposite. */
export function setParallel(base: u32, at: u32, type: u32, condition: bool): void {
  switch (type & 0x30) {
    case 0x00:
      if (!condition) setPredicates(base, A(at), D(at), 0, 0);
      return;
    case 0x10:
      if (condition) setPredicates(base, A(at), D(at), 1, 1);
      return;
    default:
      if (condition) setPredicates(base, A(at), D(at), 1, 0);
      return;
  }
}

/** Relation of a parallel compare: its low three bits say which, bit 3 that it is of 32 bits. */
function related(code: u32, a: i64, b: i64): bool {
  if ((code & 8) != 0) {
    a = <i32>a;
    b = <i32>b;
  }
  switch (code & 7) {
    case 0:
      return a == b;
    case 1:
      return a != b;
    case 2:
      return a > b;
    case 3:
      return a <= b;
    case 4:
      return a >= b;
    default:
      return a < b;
  }
}

// @ts-ignore: decorator
@inline
export function op_cmp_par(base: u32, at: u32): void {
  const code: u32 = load<u32>(at, 8);
  setParallel(base, at, code, related(code, gr(base, B(at)), gr(base, C(at))));
}

// @ts-ignore: decorator
@inline
export function op_cmp_par_i(base: u32, at: u32): void {
  const code: u32 = B(at);
  setParallel(base, at, code, related(code, imm(at), gr(base, C(at))));
}

// @ts-ignore: decorator
@inline
function bitOf(base: u32, at: u32): bool {
  return ((gr(base, C(at)) >> load<u32>(at, 8)) & 1) != 0;
}

// @ts-ignore: decorator
@inline
export function op_tbit_z(base: u32, at: u32): void {
  setPair(base, A(at), D(at), !bitOf(base, at));
}

// @ts-ignore: decorator
@inline
export function op_tbit_z_unc(base: u32, at: u32): void {
  setUnconditional(base, at, B(at), !bitOf(base, at));
}

export function op_tbit_par(base: u32, at: u32): bool {
  const code: u32 = B(at);
  setParallel(base, at, code, bitOf(base, at) == ((code & 1) != 0));
  return true;
}

/** Features that tf tests, in CPUID[4]: bit 32 on. This processor has clz (0) and mpy4 (1) not. */
function feature(at: u32): bool {
  return false;
}

export function op_tf_z(base: u32, at: u32): bool {
  setPair(base, A(at), D(at), !feature(at));
  return true;
}

export function op_tf_z_unc(base: u32, at: u32): bool {
  setUnconditional(base, at, B(at), !feature(at));
  return true;
}

export function op_tf_par(base: u32, at: u32): bool {
  const code: u32 = B(at);
  setParallel(base, at, code, feature(at) == ((code & 1) != 0));
  return true;
}

// --- I unit: shifts and bit fields

// @ts-ignore: decorator
@inline
export function op_shl(base: u32, at: u32): void {
  setGr(base, A(at), gr(base, C(at)) > 63 ? 0 : gr(base, B(at)) << gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_shr(base: u32, at: u32): void {
  setGr(base, A(at), <i64>gr(base, C(at)) >> (gr(base, B(at)) > 63 ? 63 : gr(base, B(at))));
}

// @ts-ignore: decorator
@inline
export function op_shr_u(base: u32, at: u32): void {
  setGr(base, A(at), gr(base, B(at)) > 63 ? 0 : gr(base, C(at)) >> gr(base, B(at)));
}

/** The low 64 bits of the pair b, c shifted right. */
// @ts-ignore: decorator
@inline
export function op_shrp(base: u32, at: u32): void {
  const count: u64 = D(at);
  const high: u64 = gr(base, B(at));
  const low: u64 = gr(base, C(at)) >> count;
  setGr(base, A(at), count == 0 ? low : low | (high << (64 - count)));
}

/** `length` ones at the bottom, 1 to 64 of them. */
// @ts-ignore: decorator
@inline
function ones(length: u32): u64 {
  return (<u64>-1) >> (64 - length);
}

/** d is the length; a field that reaches beyond bit 63 ends there. */
// @ts-ignore: decorator
@inline
export function op_extr_u(base: u32, at: u32): void {
  setGr(base, A(at), (gr(base, C(at)) >> B(at)) & ones(D(at)));
}

// @ts-ignore: decorator
@inline
export function op_extr(base: u32, at: u32): void {
  const position: u32 = B(at);
  const length: u32 = D(at);
  const above: u32 = position + length > 64 ? 0 : 64 - position - length;
  setGr(base, A(at), <i64>(gr(base, C(at)) << above) >> (above + position));
}

/** `value` as the field of `length` bits at 63 - `complement` in `into`. */
// @ts-ignore: decorator
@inline
function deposited(into: u64, value: u64, complement: u32, length: u32): u64 {
  const position: u32 = 63 - complement;
  const mask: u64 = ones(length) << position;
  return (into & ~mask) | ((value << position) & mask);
}

// @ts-ignore: decorator
@inline
export function op_dep_z(base: u32, at: u32): void {
  setGr(base, A(at), deposited(0, gr(base, B(at)), C(at), D(at)));
}

// @ts-ignore: decorator
@inline
export function op_dep_z_i(base: u32, at: u32): void {
  setGr(base, A(at), deposited(0, <u64>imm(at), C(at), D(at)));
}

// @ts-ignore: decorator
@inline
export function op_dep_i(base: u32, at: u32): void {
  setGr(base, A(at), deposited(gr(base, C(at)), <u64>imm(at), B(at), D(at)));
}

// @ts-ignore: decorator
@inline
export function op_dep(base: u32, at: u32): void {
  setGr(base, A(at), deposited(gr(base, C(at)), gr(base, B(at)), load<u32>(at, 8), D(at)));
}

// @ts-ignore: decorator
@inline
export function op_popcnt(base: u32, at: u32): void {
  setGr(base, A(at), popcnt(gr(base, C(at))));
}

// @ts-ignore: decorator
@inline
export function op_zxt1(base: u32, at: u32): void {
  setGr(base, A(at), <u64><u8>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_zxt2(base: u32, at: u32): void {
  setGr(base, A(at), <u64><u16>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_zxt4(base: u32, at: u32): void {
  setGr(base, A(at), <u64><u32>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_sxt1(base: u32, at: u32): void {
  setGr(base, A(at), <u64><i64><i8>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_sxt2(base: u32, at: u32): void {
  setGr(base, A(at), <u64><i64><i16>gr(base, C(at)));
}

// @ts-ignore: decorator
@inline
export function op_sxt4(base: u32, at: u32): void {
  setGr(base, A(at), <u64><i64><i32>gr(base, C(at)));
}
