// SPDX-License-Identifier: MIT
//
// Branches, loops and speculation checks. A handler returns the entry where execution goes on, or 0 to leave.
import { ALAT_FLOATING, ALAT_GENERAL, alatHas, alatRemove } from './alat';
import { isLinked, jump, link } from './code';
import { ipOf, stopAt } from './fault';
import { call, popFrame, rotate } from './stack';
import { A, B, Cpu, REASON_AGAIN, REASON_ATTENTION, REASON_BUDGET, br, cpuOf, fr, imm, nat, pr, setBr } from './state';

/** Taken branches between looks at the attention word. */
export const QUANTUM: i32 = 1024;

// @ts-ignore: decorator
@inline
export function following(at: u32): u32 {
  return at + 16;
}

/** Goes to an entry of the current page, unless time is over. */
// @ts-ignore: decorator
@inline
function arrive(base: u32, target: u32): u32 {
  const cpu = cpuOf(base);
  const ticks: i32 = cpu.ticks - 1;
  cpu.ticks = ticks;
  return ticks >= 0 ? target : expire(base, target);
}

/** The quantum is over. */
function expire(base: u32, target: u32): u32 {
  const cpu = cpuOf(base);
  if (target == 0) return 0;
  cpu.ticks = QUANTUM;
  const attention: u32 = atomic.load<u32>(base, offsetof<Cpu>('attention'));
  if (--cpu.budget > 0 && attention == 0) return target;
  stopAt(base, target);
  cpu.at = 0;
  cpu.reason = attention != 0 ? REASON_ATTENTION : REASON_BUDGET;
  return 0;
}

// @ts-ignore: decorator
@inline
function taken(base: u32, at: u32): u32 {
  return isLinked(base, at) ? arrive(base, load<u32>(at, 8)) : takenFar(base, at);
}

/** The target is in another page, or its entry is not known for this frame. */
function takenFar(base: u32, at: u32): u32 {
  const from: u64 = cpuOf(base).page_va;
  const target: u32 = jump(base, ipOf(base, at) + load<i32>(at, 12));
  if (target != 0 && cpuOf(base).page_va == from) link(base, at, target);
  return arrive(base, target);
}

// @ts-ignore: decorator
@inline
export function op_br_cond(base: u32, at: u32): u32 {
  return taken(base, at);
}

/** Counts down ar.lc. */
// @ts-ignore: decorator
@inline
export function op_br_cloop(base: u32, at: u32): u32 {
  const cpu = cpuOf(base);
  if (cpu.lc == 0) return following(at);
  cpu.lc--;
  return taken(base, at);
}

/** One turn of a counted modulo-scheduled loop; says whether there is another. */
function countedTurn(base: u32): bool {
  const cpu = cpuOf(base);
  if (cpu.lc != 0) {
    cpu.lc--;
    rotate(base, 1);
    return true;
  }
  const more: bool = cpu.ec > 1;
  if (cpu.ec != 0) {
    cpu.ec--;
    rotate(base, 0);
  } else {
    cpu.pr &= ~((<u64>1) << 63);
  }
  return more;
}

function whileTurn(base: u32, condition: bool): bool {
  const cpu = cpuOf(base);
  if (condition) {
    rotate(base, 0);
    return true;
  }
  const more: bool = cpu.ec > 1;
  if (cpu.ec != 0) {
    cpu.ec--;
    rotate(base, 0);
  } else {
    cpu.pr &= ~((<u64>1) << 63);
  }
  return more;
}

// @ts-ignore: decorator
@inline
export function op_br_ctop(base: u32, at: u32): u32 {
  return countedTurn(base) ? taken(base, at) : following(at);
}

// @ts-ignore: decorator
@inline
export function op_br_cexit(base: u32, at: u32): u32 {
  return countedTurn(base) ? following(at) : taken(base, at);
}

// @ts-ignore: decorator
@inline
export function op_br_wtop(base: u32, at: u32): u32 {
  return whileTurn(base, pr(base, B(at)) != 0) ? taken(base, at) : following(at);
}

// @ts-ignore: decorator
@inline
export function op_br_wexit(base: u32, at: u32): u32 {
  return whileTurn(base, pr(base, B(at)) != 0) ? following(at) : taken(base, at);
}

export function op_br_call(base: u32, at: u32): u32 {
  const link: u64 = ipOf(base, at) + 16;
  if (!call(base, at)) return 0;
  setBr(base, A(at), link);
  return taken(base, at);
}

export function op_br_cond_b(base: u32, at: u32): u32 {
  return arrive(base, jump(base, br(base, B(at)) & ~0xf));
}

export function op_br_call_b(base: u32, at: u32): u32 {
  const link: u64 = ipOf(base, at) + 16;
  const target: u64 = br(base, B(at)) & ~0xf;
  if (!call(base, at)) return 0;
  setBr(base, A(at), link);
  return arrive(base, jump(base, target));
}

export function op_br_ret(base: u32, at: u32): u32 {
  const target: u64 = br(base, B(at)) & ~0xf;
  const cpu = cpuOf(base);
  const nats: u32 = cpu.nats;
  if (!popFrame(base, at)) return 0;
  const next: u32 = arrive(base, jump(base, target));
  if (cpu.nats == nats || next == 0) return next;
  // The frame brought NaTs back: the other loop goes on.
  cpu.at = next;
  cpu.reason = REASON_AGAIN;
  return 0;
}

export function op_brl(base: u32, at: u32): u32 {
  return arrive(base, jump(base, ipOf(base, at) + imm(at)));
}

export function op_brl_call(base: u32, at: u32): u32 {
  const ip: u64 = ipOf(base, at);
  if (!call(base, at)) return 0;
  setBr(base, A(at), ip + 16);
  return arrive(base, jump(base, ip + imm(at)));
}

// --- Checks

// @ts-ignore: decorator
@inline
export function op_chk_s(base: u32, at: u32): u32 {
  return nat(base, B(at)) != 0 ? taken(base, at) : following(at);
}

export function op_chk_s_f(base: u32, at: u32): u32 {
  const register: u32 = fr(base, B(at));
  return load<u64>(register) == 0 && load<u32>(register, 8) == 0x1_fffe ? taken(base, at) : following(at);
}

function check(base: u32, at: u32, register: u32, clear: bool): u32 {
  if (!alatHas(base, register)) return taken(base, at);
  if (clear) alatRemove(base, register);
  return following(at);
}

export function op_chk_a_nc(base: u32, at: u32): u32 {
  return check(base, at, A(at) | ALAT_GENERAL, false);
}

export function op_chk_a_clr(base: u32, at: u32): u32 {
  return check(base, at, A(at) | ALAT_GENERAL, true);
}

export function op_chk_a_nc_f(base: u32, at: u32): u32 {
  return check(base, at, A(at) | ALAT_FLOATING, false);
}

export function op_chk_a_clr_f(base: u32, at: u32): u32 {
  return check(base, at, A(at) | ALAT_FLOATING, true);
}

/** fchkf: branches when the status field's flags have one that is new or enabled in the main field. */
export function op_fchkf(base: u32, at: u32): u32 {
  const fpsr: u64 = cpuOf(base).fpsr;
  const field: u32 = load<u8>(at, 7);
  const flags: u32 = <u32>(fpsr >> (6 + 13 * field + 7)) & 0x3f;
  const enabled: u32 = ~<u32>fpsr & 0x3f;
  const main: u32 = <u32>(fpsr >> 13) & 0x3f;
  return (flags & enabled) != 0 || (flags & ~main) != 0 ? taken(base, at) : following(at);
}
