// SPDX-License-Identifier: MIT
//
// Data. Each entry of the software TLB has 32 bytes:
//
//    0  read tag    address of the page while loads may go straight to memory, else an address no access has
//    8  write tag   the same for stores
//   16  addend      host address less guest address
//
// An access hits when its page is the entry's tag and it is aligned. Whatever misses comes here: pages not seen yet,
// unaligned accesses, which are done in pieces unless the user mask's ac bit forbids them, and faults.
import { alatStore } from './alat';
import { accessFault } from './fault';
import { PAGE_BYTES, PAGE_NAT, PAGE_READ, PAGE_VALID, PAGE_WRITE, hostOf, walk } from './page-table';
import {
  ACCESS_READ,
  ACCESS_WRITE,
  Cpu,
  FAULT_NAT_PAGE,
  FAULT_PAGE,
  FAULT_UNALIGNED,
  TLB,
  TLB_ENTRIES,
  UM_AC,
  cpuOf,
} from './state';

const OFFSET: u64 = <u64>PAGE_BYTES - 1;
/** Odd, so never the page of an aligned access. */
const NEVER: u64 = 1;

/** The entry for `va`. Region bits are mixed in, so that the first pages of text, data and stacks do not collide. */
// @ts-ignore: decorator
@inline
function slotOf(base: u32, va: u64): u32 {
  return base + ((<u32>((va >> 14) ^ (va >> 56)) & (TLB_ENTRIES - 1)) << 5);
}

/** Host address of an aligned access of `size` bytes at `va` that hits, or 0. */
// @ts-ignore: decorator
@inline
export function readable(base: u32, va: u64, size: u32): u32 {
  const slot: u32 = slotOf(base, va);
  return load<u64>(slot, TLB) == (va & ~(OFFSET & -(<i64>size))) ? <u32>va + load<u32>(slot, TLB + 16) : 0;
}

// @ts-ignore: decorator
@inline
export function writable(base: u32, va: u64, size: u32): u32 {
  const slot: u32 = slotOf(base, va);
  return load<u64>(slot, TLB + 8) == (va & ~(OFFSET & -(<i64>size))) ? <u32>va + load<u32>(slot, TLB + 16) : 0;
}

export function flushTlb(base: u32): void {
  for (let slot: u32 = base + TLB; slot < base + TLB + TLB_ENTRIES * 32; slot += 32) {
    store<u64>(slot, NEVER);
    store<u64>(slot, NEVER, 8);
  }
  cpuOf(base).rse_tag = NEVER;
}

/** Finds the page of `va`; its host address is in cpu.host. False if `access` is not allowed. */
export function translate(base: u32, va: u64, access: u32): bool {
  const cpu = cpuOf(base);
  const leaf: u32 = walk(cpu.space, va);
  if ((leaf & (PAGE_VALID | PAGE_NAT)) != PAGE_VALID) return false;
  const write: bool = (leaf & PAGE_WRITE) != 0;
  if ((access & ACCESS_READ) != 0 && (leaf & PAGE_READ) == 0) return false;
  if ((access & ACCESS_WRITE) != 0 && !write) return false;
  const page: u64 = va & ~OFFSET;
  const addend: u32 = hostOf(leaf) - <u32>page;
  const slot: u32 = slotOf(base, va);
  store<u64>(slot, (leaf & PAGE_READ) != 0 ? page : NEVER, TLB);
  store<u64>(slot, write ? page : NEVER, TLB + 8);
  store<u32>(slot, addend, TLB + 16);
  cpu.host = <u32>va + addend;
  return true;
}

/** Host address for one byte at `va`, or 0. */
function byteAt(base: u32, va: u64, access: u32): u32 {
  const host: u32 = (access & ACCESS_WRITE) != 0 ? writable(base, va, 1) : readable(base, va, 1);
  if (host != 0) return host;
  return translate(base, va, access) ? cpuOf(base).host : 0;
}

/** The access has no translation that allows it. */
export function missing(base: u32, at: u32, va: u64, access: u32): bool {
  const nat: bool = (walk(cpuOf(base).space, va) & PAGE_NAT) != 0;
  return accessFault(base, at, nat ? FAULT_NAT_PAGE : FAULT_PAGE, va, access);
}

/** Prepares an aligned access of `size` bytes that must be done at once; false after a fault. The host address is in cpu.host. */
export function locate(base: u32, at: u32, va: u64, size: u32, access: u32): bool {
  if ((va & (size - 1)) != 0) return accessFault(base, at, FAULT_UNALIGNED, va, access);
  if (translate(base, va, access)) return true;
  return missing(base, at, va, access);
}

/** The bytes that an unaligned or missed access read, and those it is to write. */
export let data: u64 = 0;

/** Reads `size` bytes, at most 8, into `data`; false after a fault. */
export function readData(base: u32, at: u32, va: u64, size: u32): bool {
  if ((va & (size - 1)) == 0) {
    if (!translate(base, va, ACCESS_READ)) return missing(base, at, va, ACCESS_READ);
    const host: u32 = cpuOf(base).host;
    switch (size) {
      case 1:
        data = load<u8>(host);
        return true;
      case 2:
        data = load<u16>(host);
        return true;
      case 4:
        data = load<u32>(host);
        return true;
      default:
        data = load<u64>(host);
        return true;
    }
  }
  if ((cpuOf(base).um & UM_AC) != 0) return accessFault(base, at, FAULT_UNALIGNED, va, ACCESS_READ);
  let value: u64 = 0;
  for (let i: u32 = size; i-- > 0; ) {
    const host: u32 = byteAt(base, va + i, ACCESS_READ);
    if (host == 0) return missing(base, at, va + i, ACCESS_READ);
    value = (value << 8) | load<u8>(host);
  }
  data = value;
  return true;
}

/** Writes the low `size` bytes of `value`; false after a fault, and nothing is written then. */
export function writeData(base: u32, at: u32, va: u64, size: u32, value: u64): bool {
  const cpu = cpuOf(base);
  if ((va & (size - 1)) == 0) {
    if (!translate(base, va, ACCESS_WRITE)) return missing(base, at, va, ACCESS_WRITE);
    const host: u32 = cpu.host;
    switch (size) {
      case 1:
        store<u8>(host, <u8>value);
        break;
      case 2:
        store<u16>(host, <u16>value);
        break;
      case 4:
        store<u32>(host, <u32>value);
        break;
      default:
        store<u64>(host, value);
        break;
    }
  } else {
    if ((cpu.um & UM_AC) != 0) return accessFault(base, at, FAULT_UNALIGNED, va, ACCESS_WRITE);
    const last: u64 = va + size - 1;
    if (byteAt(base, last, ACCESS_WRITE) == 0) return missing(base, at, last & ~OFFSET, ACCESS_WRITE);
    if (byteAt(base, va, ACCESS_WRITE) == 0) return missing(base, at, va, ACCESS_WRITE);
    for (let i: u32 = 0; i < size; i++) store<u8>(byteAt(base, va + i, ACCESS_WRITE), <u8>(value >> (i << 3)));
  }
  if (cpu.alat != 0) alatStore(base, va, size);
  return true;
}

/** Orders all accesses of this processor: an atomic one to a word of its own. */
// @ts-ignore: decorator
@inline
export function fence(base: u32): void {
  atomic.add<u32>(base, 0, offsetof<Cpu>('attention'));
}
