// SPDX-License-Identifier: MIT
//
// Ways out of the loop. Each leaves ip and ri at the instruction that has not been completed and returns false, which
// a handler passes on.
import {
  FAULT_ILLEGAL_OPERATION,
  FAULT_PRIVILEGED_OPERATION,
  FAULT_REGISTER_NAT_CONSUMPTION,
  FAULT_RESERVED_REGISTER_FIELD,
  PAGE_HOST,
  REASON_AGAIN,
  REASON_FAULT,
  cpuOf,
} from './state';

/** Address of the bundle of an entry of the current page. */
// @ts-ignore: decorator
@inline
export function ipOf(base: u32, at: u32): u64 {
  return cpuOf(base).page_va + ((load<u32>(at) >>> 16) & 0x3ff0);
}

// @ts-ignore: decorator
@inline
export function slotOf(at: u32): u32 {
  return (load<u32>(at) >>> 6) & 3;
}

/** Makes the entry the one at which execution goes on. */
export function stopAt(base: u32, at: u32): void {
  const cpu = cpuOf(base);
  cpu.ip = ipOf(base, at);
  cpu.ri = slotOf(at);
}

/** The instruction after the entry is the next one, and the loop ends for `reason`. */
export function stopAfter(base: u32, at: u32, reason: u32): bool {
  const cpu = cpuOf(base);
  let slot: u32 = slotOf(at);
  let ip: u64 = ipOf(base, at);
  // A long instruction is slots 1 and 2.
  if (++slot == 3 || (slot == 2 && isLong(base, at))) {
    slot = 0;
    ip += 16;
  }
  cpu.ip = ip;
  cpu.ri = slot;
  cpu.at = 0;
  cpu.reason = reason;
  return false;
}

/** Is the entry's bundle an MLX? Its instruction in slots 1 and 2 has the number 1. */
function isLong(base: u32, at: u32): bool {
  const host: u32 = load<u32>(cpuOf(base).page_at, PAGE_HOST);
  return (load<u8>(host + ((load<u32>(at) >>> 16) & 0x3ff0)) & 0x1e) == 4;
}

/** Completed, but with NaTs about: the other loop goes on. */
export function goOnWithNats(base: u32, at: u32): bool {
  const cpu = cpuOf(base);
  if (cpu.nats != 0) return true;
  cpu.nats = 1;
  if (cpu.stepping != 0) return true;
  cpu.at = at + 16;
  cpu.reason = REASON_AGAIN;
  return false;
}

export function raise(base: u32, at: u32, kind: u32): bool {
  const cpu = cpuOf(base);
  stopAt(base, at);
  cpu.at = 0;
  cpu.reason = REASON_FAULT;
  cpu.fault = kind;
  cpu.access = 0;
  cpu.address = cpu.ip;
  cpu.isr = 0;
  return false;
}

export function illegal(base: u32, at: u32): bool {
  return raise(base, at, FAULT_ILLEGAL_OPERATION);
}

export function op_illegal(base: u32, at: u32): bool {
  return raise(base, at, FAULT_ILLEGAL_OPERATION);
}

export function op_privileged(base: u32, at: u32): bool {
  return raise(base, at, FAULT_PRIVILEGED_OPERATION);
}

export function reservedField(base: u32, at: u32): bool {
  return raise(base, at, FAULT_RESERVED_REGISTER_FIELD);
}

export function natConsumption(base: u32, at: u32): bool {
  return raise(base, at, FAULT_REGISTER_NAT_CONSUMPTION);
}

/** An access to data at `va` failed. */
export function accessFault(base: u32, at: u32, kind: u32, va: u64, access: u32): bool {
  raise(base, at, kind);
  cpuOf(base).address = va;
  cpuOf(base).access = access;
  return false;
}
