// SPDX-License-Identifier: MIT
//
// Branches. Execution is at a decoded entry; inside a page a branch only moves that address. See code.ts.
import { expire, jumpFar } from './code';
import { crBit } from './integer';
import { cpu, run } from './state';

/** Effective address of the instruction after the one being executed. */
// @ts-ignore: decorator
@inline
function following(at: u32): u32 {
  return (at >>> 1) + run.pc_delta;
}

/** Goes on at `target`, an entry in the same page. */
// @ts-ignore: decorator
@inline
function jumpNear(at: u32, target: u32): u32 {
  const limit: i32 = run.limit + <i32>(target - at);
  run.limit = limit;
  return <i32>target < limit ? target : expire(target);
}

// @ts-ignore: decorator
@inline
function jumpRelative(at: u32, displacement: u32): u32 {
  const target: u32 = at - 8 + (displacement << 1);
  if (((target ^ (at - 8)) & ~0x1fff) == 0) return jumpNear(at, target);
  return jumpFar(at, following(at) - 4 + displacement);
}

// @ts-ignore: decorator
@inline
function jumpAbsolute(at: u32, pc: u32): u32 {
  const here: u32 = at - 8;
  if (((pc ^ ((here >>> 1) + run.pc_delta)) & ~0xfff) == 0) {
    return jumpNear(at, (here & ~0x1fff) | ((pc & 0xffc) << 1));
  }
  return jumpFar(at, pc & ~3);
}

/** Decrements CTR if BO says so, and tells whether the branch is taken. */
// @ts-ignore: decorator
@inline
function taken(op: u32): bool {
  const bo: u32 = op >>> 21;
  let ok: u32 = 1;
  if ((bo & 4) == 0) {
    const ctr: u32 = cpu.ctr - 1;
    cpu.ctr = ctr;
    ok = <u32>(ctr != 0) ^ ((bo >>> 1) & 1);
  }
  if ((bo & 16) == 0) ok &= crBit((op >>> 16) & 31) ^ ((bo >>> 3) & 1) ^ 1;
  return ok != 0;
}

// @ts-ignore: decorator
@inline
export function op_b(op: u32, at: u32): u32 {
  const displacement: u32 = <u32>((<i32>op << 6) >> 6) & ~3;
  if (op & 1) cpu.lr = following(at);
  if (op & 2) return jumpAbsolute(at, displacement);
  return jumpRelative(at, displacement);
}

// @ts-ignore: decorator
@inline
export function op_bc(op: u32, at: u32): u32 {
  if (op & 1) cpu.lr = following(at);
  if (!taken(op)) return at;
  const displacement: u32 = <u32>(<i32>(<i16>op)) & ~3;
  if (op & 2) return jumpAbsolute(at, displacement);
  return jumpRelative(at, displacement);
}

// @ts-ignore: decorator
@inline
export function op_bclr(op: u32, at: u32): u32 {
  const target: u32 = cpu.lr;
  if (op & 1) cpu.lr = following(at);
  return taken(op) ? jumpAbsolute(at, target) : at;
}

// @ts-ignore: decorator
@inline
export function op_bcctr(op: u32, at: u32): u32 {
  const target: u32 = cpu.ctr;
  if (op & 1) cpu.lr = following(at);
  return taken(op) ? jumpAbsolute(at, target) : at;
}

// --- Frequent cases; see variants.decode.

// @ts-ignore: decorator
@inline
function branchDisplacement(op: u32): u32 {
  return <u32>(<i32>(<i16>op)) & ~3;
}

// @ts-ignore: decorator
@inline
export function op_bc_true(op: u32, at: u32): u32 {
  return crBit((op >>> 16) & 31) != 0 ? jumpRelative(at, branchDisplacement(op)) : at;
}

// @ts-ignore: decorator
@inline
export function op_bc_false(op: u32, at: u32): u32 {
  return crBit((op >>> 16) & 31) == 0 ? jumpRelative(at, branchDisplacement(op)) : at;
}

// @ts-ignore: decorator
@inline
export function op_bdnz(op: u32, at: u32): u32 {
  const ctr: u32 = cpu.ctr - 1;
  cpu.ctr = ctr;
  return ctr != 0 ? jumpRelative(at, branchDisplacement(op)) : at;
}

// @ts-ignore: decorator
@inline
export function op_b_only(op: u32, at: u32): u32 {
  return jumpRelative(at, <u32>((<i32>op << 6) >> 6));
}

// @ts-ignore: decorator
@inline
export function op_bl(op: u32, at: u32): u32 {
  cpu.lr = following(at);
  return jumpRelative(at, <u32>((<i32>op << 6) >> 6) & ~3);
}

// @ts-ignore: decorator
@inline
export function op_blr(op: u32, at: u32): u32 {
  return jumpAbsolute(at, cpu.lr);
}

// @ts-ignore: decorator
@inline
export function op_bctr(op: u32, at: u32): u32 {
  return jumpAbsolute(at, cpu.ctr);
}
