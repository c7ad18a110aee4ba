// SPDX-License-Identifier: MIT
//
// Loads, stores and semaphores of general registers [SDM3]. The forms without suffix use the address as it is, _r adds
// a register to it afterwards, _i an immediate. The fast_ half of a plain access is expanded in the loop.
import {
  ALAT_GENERAL,
  alatClear,
  alatHasAccess,
  alatInsert,
  alatRemove,
  alatStore,
} from './alat';
import { goOnWithNats, natConsumption } from './fault';
import { data, fence, locate, readData, readable, translate, writable, writeData } from './memory';
import { A, ACCESS_READ, ACCESS_WRITE, B, C, D, cpuOf, gr, imm, nat, setGr, setNat } from './state';

// --- Plain loads

// @ts-ignore: decorator
@inline
export function fast_ld1(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = readable(base, va, 1);
  if (host == 0) return false;
  setGr(base, A(at), load<u8>(host));
  return true;
}

export function op_ld1(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!readData(base, at, va, 1)) return false;
  setGr(base, A(at), data);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_ld1_r(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = readable(base, va, 1);
  if (host == 0) return false;
  const next: u64 = va + gr(base, B(at));
  setGr(base, A(at), load<u8>(host));
  setGr(base, C(at), next);
  return true;
}

export function op_ld1_r(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!readData(base, at, va, 1)) return false;
  const next: u64 = va + gr(base, B(at));
  setGr(base, A(at), data);
  setGr(base, C(at), next);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_ld1_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = readable(base, va, 1);
  if (host == 0) return false;
  const next: u64 = va + imm(at);
  setGr(base, A(at), load<u8>(host));
  setGr(base, C(at), next);
  return true;
}

export function op_ld1_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!readData(base, at, va, 1)) return false;
  const next: u64 = va + imm(at);
  setGr(base, A(at), data);
  setGr(base, C(at), next);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_ld2(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = readable(base, va, 2);
  if (host == 0) return false;
  setGr(base, A(at), load<u16>(host));
  return true;
}

export function op_ld2(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!readData(base, at, va, 2)) return false;
  setGr(base, A(at), data);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_ld2_r(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = readable(base, va, 2);
  if (host == 0) return false;
  const next: u64 = va + gr(base, B(at));
  setGr(base, A(at), load<u16>(host));
  setGr(base, C(at), next);
  return true;
}

export function op_ld2_r(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!readData(base, at, va, 2)) return false;
  const next: u64 = va + gr(base, B(at));
  setGr(base, A(at), data);
  setGr(base, C(at), next);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_ld2_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = readable(base, va, 2);
  if (host == 0) return false;
  const next: u64 = va + imm(at);
  setGr(base, A(at), load<u16>(host));
  setGr(base, C(at), next);
  return true;
}

export function op_ld2_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!readData(base, at, va, 2)) return false;
  const next: u64 = va + imm(at);
  setGr(base, A(at), data);
  setGr(base, C(at), next);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_ld4(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = readable(base, va, 4);
  if (host == 0) return false;
  setGr(base, A(at), load<u32>(host));
  return true;
}

export function op_ld4(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!readData(base, at, va, 4)) return false;
  setGr(base, A(at), data);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_ld4_r(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = readable(base, va, 4);
  if (host == 0) return false;
  const next: u64 = va + gr(base, B(at));
  setGr(base, A(at), load<u32>(host));
  setGr(base, C(at), next);
  return true;
}

export function op_ld4_r(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!readData(base, at, va, 4)) return false;
  const next: u64 = va + gr(base, B(at));
  setGr(base, A(at), data);
  setGr(base, C(at), next);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_ld4_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = readable(base, va, 4);
  if (host == 0) return false;
  const next: u64 = va + imm(at);
  setGr(base, A(at), load<u32>(host));
  setGr(base, C(at), next);
  return true;
}

export function op_ld4_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!readData(base, at, va, 4)) return false;
  const next: u64 = va + imm(at);
  setGr(base, A(at), data);
  setGr(base, C(at), next);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_ld8(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = readable(base, va, 8);
  if (host == 0) return false;
  setGr(base, A(at), load<u64>(host));
  return true;
}

export function op_ld8(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!readData(base, at, va, 8)) return false;
  setGr(base, A(at), data);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_ld8_r(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = readable(base, va, 8);
  if (host == 0) return false;
  const next: u64 = va + gr(base, B(at));
  setGr(base, A(at), load<u64>(host));
  setGr(base, C(at), next);
  return true;
}

export function op_ld8_r(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!readData(base, at, va, 8)) return false;
  const next: u64 = va + gr(base, B(at));
  setGr(base, A(at), data);
  setGr(base, C(at), next);
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_ld8_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = readable(base, va, 8);
  if (host == 0) return false;
  const next: u64 = va + imm(at);
  setGr(base, A(at), load<u64>(host));
  setGr(base, C(at), next);
  return true;
}

export function op_ld8_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!readData(base, at, va, 8)) return false;
  const next: u64 = va + imm(at);
  setGr(base, A(at), data);
  setGr(base, C(at), next);
  return true;
}

// --- Plain stores

// @ts-ignore: decorator
@inline
export function fast_st1(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = writable(base, va, 1);
  if (host == 0) return false;
  store<u8>(host, <u8>gr(base, B(at)));
  if (cpuOf(base).alat != 0) alatStore(base, va, 1);
  return true;
}

export function op_st1(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!writeData(base, at, va, 1, gr(base, B(at)))) return false;
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_st1_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = writable(base, va, 1);
  if (host == 0) return false;
  store<u8>(host, <u8>gr(base, B(at)));
  if (cpuOf(base).alat != 0) alatStore(base, va, 1);
  setGr(base, C(at), va + imm(at));
  return true;
}

export function op_st1_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!writeData(base, at, va, 1, gr(base, B(at)))) return false;
  setGr(base, C(at), va + imm(at));
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_st2(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = writable(base, va, 2);
  if (host == 0) return false;
  store<u16>(host, <u16>gr(base, B(at)));
  if (cpuOf(base).alat != 0) alatStore(base, va, 2);
  return true;
}

export function op_st2(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!writeData(base, at, va, 2, gr(base, B(at)))) return false;
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_st2_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = writable(base, va, 2);
  if (host == 0) return false;
  store<u16>(host, <u16>gr(base, B(at)));
  if (cpuOf(base).alat != 0) alatStore(base, va, 2);
  setGr(base, C(at), va + imm(at));
  return true;
}

export function op_st2_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!writeData(base, at, va, 2, gr(base, B(at)))) return false;
  setGr(base, C(at), va + imm(at));
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_st4(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = writable(base, va, 4);
  if (host == 0) return false;
  store<u32>(host, <u32>gr(base, B(at)));
  if (cpuOf(base).alat != 0) alatStore(base, va, 4);
  return true;
}

export function op_st4(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!writeData(base, at, va, 4, gr(base, B(at)))) return false;
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_st4_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = writable(base, va, 4);
  if (host == 0) return false;
  store<u32>(host, <u32>gr(base, B(at)));
  if (cpuOf(base).alat != 0) alatStore(base, va, 4);
  setGr(base, C(at), va + imm(at));
  return true;
}

export function op_st4_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!writeData(base, at, va, 4, gr(base, B(at)))) return false;
  setGr(base, C(at), va + imm(at));
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_st8(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = writable(base, va, 8);
  if (host == 0) return false;
  store<u64>(host, <u64>gr(base, B(at)));
  if (cpuOf(base).alat != 0) alatStore(base, va, 8);
  return true;
}

export function op_st8(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!writeData(base, at, va, 8, gr(base, B(at)))) return false;
  return true;
}

// @ts-ignore: decorator
@inline
export function fast_st8_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const host: u32 = writable(base, va, 8);
  if (host == 0) return false;
  store<u64>(host, <u64>gr(base, B(at)));
  if (cpuOf(base).alat != 0) alatStore(base, va, 8);
  setGr(base, C(at), va + imm(at));
  return true;
}

export function op_st8_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!writeData(base, at, va, 8, gr(base, B(at)))) return false;
  setGr(base, C(at), va + imm(at));
  return true;
}

// --- The other loads. d is x6: size in its low two bits, then the type.

const TYPE_S: u32 = 1;
const TYPE_A: u32 = 2;
const TYPE_SA: u32 = 3;
const TYPE_ACQ: u32 = 5;
const TYPE_FILL: u32 = 6;
const TYPE_C_CLR: u32 = 8;
const TYPE_C_NC: u32 = 9;
const TYPE_C_CLR_ACQ: u32 = 10;

/** A speculative load gives a NaT instead of a fault. */
function deferred(base: u32, at: u32): void {
  setGr(base, A(at), 0);
  setNat(base, A(at), 1);
  alatRemove(base, A(at) | ALAT_GENERAL);
}

/** May `size` bytes at `va` be read? */
export function mayRead(base: u32, va: u64, size: u32): bool {
  return translate(base, va, ACCESS_READ) && translate(base, va + size - 1, ACCESS_READ);
}

/** The load itself; 0: fault, 1: done, 2: done with a NaT. */
function loadSpecial(base: u32, at: u32, va: u64): u32 {
  const cpu = cpuOf(base);
  const x6: u32 = D(at);
  const type: u32 = x6 >>> 2;
  const size: u32 = 1 << (x6 & 3);
  const register: u32 = A(at) | ALAT_GENERAL;
  if (nat(base, C(at)) != 0) {
    if (type != TYPE_S && type != TYPE_SA) {
      natConsumption(base, at);
      return 0;
    }
    deferred(base, at);
    return 2;
  }
  if ((type == TYPE_S || type == TYPE_SA) && !mayRead(base, va, size)) {
    deferred(base, at);
    return 2;
  }
  if (type >= TYPE_C_CLR && alatHasAccess(base, register, va, size)) {
    if (type != TYPE_C_NC) alatRemove(base, register);
    if (type == TYPE_C_CLR_ACQ) alatClear(base);
    return 1;
  }
  if (!readData(base, at, va, size)) return 0;
  let bit: u32 = 0;
  if (type == TYPE_FILL) bit = <u32>(cpu.unat >> ((va >> 3) & 63)) & 1;
  setGr(base, A(at), data);
  setNat(base, A(at), bit);
  if (type == TYPE_A || type == TYPE_SA || type == TYPE_C_NC) {
    alatInsert(base, register, va, size);
  } else if (type == TYPE_ACQ || type == TYPE_C_CLR_ACQ) {
    alatClear(base);
    fence(base);
  }
  return bit != 0 ? 2 : 1;
}

export function op_ld(base: u32, at: u32): bool {
  const done: u32 = loadSpecial(base, at, gr(base, C(at)));
  return done == 1 || (done == 2 && goOnWithNats(base, at));
}

export function op_ld_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const done: u32 = loadSpecial(base, at, va);
  if (done == 0) return false;
  setGr(base, C(at), va + imm(at));
  return done == 1 || goOnWithNats(base, at);
}

export function op_ld_r(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const next: u64 = va + gr(base, B(at));
  const bit: u32 = nat(base, C(at)) | nat(base, B(at));
  const done: u32 = loadSpecial(base, at, va);
  if (done == 0) return false;
  setGr(base, C(at), next);
  setNat(base, C(at), bit);
  return done == 1 || goOnWithNats(base, at);
}

// --- The other stores

function storeSpecial(base: u32, at: u32, va: u64): bool {
  const x6: u32 = D(at);
  if (nat(base, C(at)) != 0) return natConsumption(base, at);
  const release: bool = x6 >>> 2 == 0xd;
  if (release) fence(base);
  if (!writeData(base, at, va, 1 << (x6 & 3), gr(base, B(at)))) return false;
  if (x6 == 0x3b) {
    const cpu = cpuOf(base);
    const place: u64 = (va >> 3) & 63;
    cpu.unat = (cpu.unat & ~((<u64>1) << place)) | ((<u64>nat(base, B(at))) << place);
  }
  return true;
}

export function op_st(base: u32, at: u32): bool {
  return storeSpecial(base, at, gr(base, C(at)));
}

export function op_st_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!storeSpecial(base, at, va)) return false;
  setGr(base, C(at), va + imm(at));
  return true;
}

// --- Line prefetch

export function op_lfetch(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  return mayRead(base, va, 1) || readData(base, at, va, 1);
}

export function op_lfetch_r(base: u32, at: u32): bool {
  const bit: u32 = nat(base, B(at)) | nat(base, C(at));
  setGr(base, C(at), gr(base, C(at)) + gr(base, B(at)));
  setNat(base, C(at), bit);
  return true;
}

export function op_lfetch_i(base: u32, at: u32): bool {
  setGr(base, C(at), gr(base, C(at)) + imm(at));
  return true;
}

// --- Semaphores: naturally aligned, and ordered with everything

export function op_xchg(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const value: u64 = gr(base, B(at));
  const log: u32 = D(at) & 3;
  if (!locate(base, at, va, 1 << log, ACCESS_READ | ACCESS_WRITE)) return false;
  const host: u32 = cpuOf(base).host;
  let old: u64;
  switch (log) {
    case 0:
      old = atomic.xchg<u8>(host, <u8>value);
      break;
    case 1:
      old = atomic.xchg<u16>(host, <u16>value);
      break;
    case 2:
      old = atomic.xchg<u32>(host, <u32>value);
      break;
    default:
      old = atomic.xchg<u64>(host, value);
      break;
  }
  alatClear(base);
  setGr(base, A(at), old);
  return true;
}

export function op_cmpxchg(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const value: u64 = gr(base, B(at));
  const log: u32 = D(at) & 3;
  if (!locate(base, at, va, 1 << log, ACCESS_READ | ACCESS_WRITE)) return false;
  const host: u32 = cpuOf(base).host;
  const expected: u64 = cpuOf(base).ccv;
  let old: u64;
  switch (log) {
    case 0:
      old = expected > 0xff ? atomic.load<u8>(host) : atomic.cmpxchg<u8>(host, <u8>expected, <u8>value);
      break;
    case 1:
      old = expected > 0xffff ? atomic.load<u16>(host) : atomic.cmpxchg<u16>(host, <u16>expected, <u16>value);
      break;
    case 2:
      old = expected > 0xffff_ffff ? atomic.load<u32>(host) : atomic.cmpxchg<u32>(host, <u32>expected, <u32>value);
      break;
    default:
      old = atomic.cmpxchg<u64>(host, expected, value);
      break;
  }
  alatClear(base);
  setGr(base, A(at), old);
  return true;
}

export function op_fetchadd(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const code: u32 = B(at);
  const step: i64 = (code & 3) == 3 ? 1 : 16 >> (code & 3);
  const value: i64 = (code & 4) != 0 ? -step : step;
  const long: bool = (D(at) & 1) != 0;
  if (!locate(base, at, va, long ? 8 : 4, ACCESS_READ | ACCESS_WRITE)) return false;
  const host: u32 = cpuOf(base).host;
  const old: u64 = long ? atomic.add<u64>(host, value) : atomic.add<u32>(host, <u32>value);
  alatClear(base);
  setGr(base, A(at), old);
  return true;
}

/** Taken for accesses of 16 bytes, which this host cannot do at once. */
// @ts-ignore: decorator
@lazy
const LOCK: usize = memory.data<u32>([0]);

function lock(): void {
  while (atomic.cmpxchg<u32>(LOCK, 0, 1) != 0) {}
}

function unlock(): void {
  atomic.store<u32>(LOCK, 0);
}

export function op_ld16(base: u32, at: u32): bool {
  const cpu = cpuOf(base);
  const va: u64 = gr(base, C(at));
  if (!locate(base, at, va, 16, ACCESS_READ)) return false;
  const host: u32 = cpu.host;
  lock();
  const low: u64 = atomic.load<u64>(host);
  cpu.csd = atomic.load<u64>(host, 8);
  unlock();
  alatClear(base);
  setGr(base, A(at), low);
  return true;
}

export function op_st16(base: u32, at: u32): bool {
  const cpu = cpuOf(base);
  const va: u64 = gr(base, C(at));
  if (!locate(base, at, va, 16, ACCESS_WRITE)) return false;
  const host: u32 = cpu.host;
  lock();
  atomic.store<u64>(host, gr(base, B(at)));
  atomic.store<u64>(host, cpu.csd, 8);
  unlock();
  if (cpu.alat != 0) alatStore(base, va, 16);
  return true;
}

/** Compares 8 bytes and exchanges the 16 around them. */
export function op_cmp8xchg16(base: u32, at: u32): bool {
  const cpu = cpuOf(base);
  const va: u64 = gr(base, C(at));
  if (!locate(base, at, va, 8, ACCESS_READ | ACCESS_WRITE)) return false;
  const compared: u32 = cpu.host;
  const host: u32 = compared & ~8;
  lock();
  const old: u64 = atomic.load<u64>(compared);
  if (old == cpu.ccv) {
    atomic.store<u64>(host, gr(base, B(at)));
    atomic.store<u64>(host, cpu.csd, 8);
  }
  unlock();
  alatClear(base);
  setGr(base, A(at), old);
  return true;
}
