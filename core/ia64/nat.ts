// SPDX-License-Identifier: MIT
//
// NaT bits. While no general register is a NaT, exec does not look at them. As soon as one is, execNat goes on: it calls
// natBefore and natAfter around each instruction, and at taken branches looks whether all NaTs are gone. The rule and
// the operands that are general registers come from the decode table. Single steps use the same hooks.
import { ID_ILLEGAL } from './code';
import { natConsumption, stopAt } from './fault';
import {
  NAT_COMPARE,
  NAT_CONSUME,
  NAT_OPERANDS,
  NAT_PAR,
  NAT_POST,
  NAT_PROPAGATE,
  NAT_SOURCE_B,
  NAT_SOURCE_C,
  NAT_TARGET_A,
} from './gen/decode';
import { A, B, C, D, NAT, REASON_AGAIN, REASON_STEP, cpuOf, nat, setNat, setPredicates } from './state';

// @ts-ignore: decorator
@inline
function operandsOf(head: u32): u32 {
  return load<u8>(NAT_OPERANDS + ((head >>> 8) & 0x1ff));
}

// @ts-ignore: decorator
@inline
function sources(base: u32, at: u32, operands: u32): u32 {
  let any: u32 = 0;
  if ((operands & NAT_SOURCE_B) != 0) any |= nat(base, B(at));
  if ((operands & NAT_SOURCE_C) != 0) any |= nat(base, C(at));
  return any;
}

/** 0: execute; 1: done; 2: leave the loop. */
export function natBefore(base: u32, at: u32, head: u32): u32 {
  const cpu = cpuOf(base);
  const id: u32 = (head >>> 8) & 0x1ff;
  if (cpu.stepping != 0 && id >= ID_ILLEGAL) {
    if (cpu.stepping == 2) {
      stopAt(base, at);
      cpu.at = 0;
      cpu.reason = REASON_STEP;
      return 2;
    }
    cpu.stepping = 2;
  }
  const rule: u32 = (head >>> 17) & 7;
  switch (rule) {
    case NAT_CONSUME:
      if (sources(base, at, operandsOf(head)) == 0) return 0;
      natConsumption(base, at);
      return 2;
    case NAT_POST:
      if (nat(base, C(at)) == 0) return 0;
      natConsumption(base, at);
      return 2;
    case NAT_COMPARE:
      if (sources(base, at, operandsOf(head)) == 0) return 0;
      setPredicates(base, A(at), D(at), 0, 0);
      return 1;
    case NAT_PAR: {
      const operands: u32 = operandsOf(head);
      if (sources(base, at, operands) == 0) return 0;
      const type: u32 = (operands & NAT_SOURCE_B) != 0 ? load<u32>(at, 8) : B(at);
      if ((type & 0x30) == 0) setPredicates(base, A(at), D(at), 0, 0);
      return 1;
    }
    default:
      return 0;
  }
}

export function natAfter(base: u32, at: u32): void {
  const head: u32 = load<u32>(at);
  const operands: u32 = operandsOf(head);
  switch ((head >>> 17) & 7) {
    case NAT_PROPAGATE:
      if ((operands & NAT_TARGET_A) != 0) setNat(base, A(at), sources(base, at, operands));
      return;
    case NAT_CONSUME:
      if ((operands & NAT_TARGET_A) != 0) setNat(base, A(at), 0);
      return;
    case NAT_POST: {
      const bit: u32 = nat(base, B(at));
      if ((operands & NAT_TARGET_A) != 0) setNat(base, A(at), 0);
      setNat(base, C(at), bit);
      return;
    }
    default:
      return;
  }
}

/** After a branch to the entry `at`: is exec to go on? */
export function natsGone(base: u32, at: u32): bool {
  const cpu = cpuOf(base);
  if (cpu.stepping != 0) return false;
  for (let i: u32 = 0; i < 128; i += 8) {
    if (load<u64>(base + i, NAT) != 0) return false;
  }
  cpu.nats = 0;
  cpu.at = at;
  cpu.reason = REASON_AGAIN;
  return true;
}
