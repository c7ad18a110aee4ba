// SPDX-License-Identifier: MIT
//
// The slow path of data accesses: TLB misses, devices, pages that are watched, page crossings, little-endian mode.
// After each call `run.fault` is 1 if the access did not succeed; its exception has then been taken.
import { mmioRead, mmioWrite } from '../common/host';
import { DSISR_ATOMIC_CACHE, DSISR_BREAKPOINT, MODEL_604E, MSR_DR, MSR_LE } from './constants';
import { busError, dataException } from './exceptions';
import { ACCESS_READ, ACCESS_WRITE, TLB_MISS, TLB_NOT_CHANGED, tlbMissException, translate } from './mmu';
import { cpu, run } from './state';
import {
  TLB_IO,
  TLB_READ,
  TLB_ROM,
  TLB_WATCHED,
  TLB_WRITE,
  fillSlot,
  hostAddress,
  slotFlags,
  slowSlot,
  storedSlowly,
} from './tlb';

// DABR
const DABR_BT: u32 = 4; // compare with MSR[DR]
const DABR_DW: u32 = 2;
const DABR_DR: u32 = 1;

/** The TLB entry for an access, filled if need be; 0 after an exception. */
export function resolve(ea: u32, write: bool): u32 {
  let slot: u32 = slowSlot(ea);
  const flags: u32 = slotFlags(slot);
  if (((flags ^ ea) & ~0xfff) != 0 || (flags & (write ? TLB_WRITE : TLB_READ)) == 0) {
    const access: u32 = write ? ACCESS_WRITE : ACCESS_READ;
    const error: u32 = translate(ea, access, false);
    if (error != 0) {
      if (error == TLB_MISS || error == TLB_NOT_CHANGED) tlbMissException(ea, access, error);
      else dataException(ea, error, write);
      return 0;
    }
    const watched: bool = (cpu.dabr & (DABR_DW | DABR_DR)) != 0 && ((cpu.dabr ^ ea) & ~0xfff) == 0;
    slot = fillSlot(ea, run.pa, run.permissions, watched);
  }
  if ((slotFlags(slot) & TLB_WATCHED) != 0 && breakpointHit(ea, write)) return 0;
  return slot;
}

function breakpointHit(ea: u32, write: bool): bool {
  const dabr: u32 = cpu.dabr;
  if (((dabr ^ ea) & ~7) != 0) return false;
  if ((dabr & (write ? DABR_DW : DABR_DR)) == 0) return false;
  if (run.model >= MODEL_604E && ((dabr & DABR_BT) != 0) != ((cpu.msr & MSR_DR) != 0)) return false;
  dataException(ea, DSISR_BREAKPOINT, write);
  return true;
}

/** Physical address of an access through a TLB entry that has been resolved. */
export function physicalAddress(slot: u32, ea: u32): u32 {
  if ((slotFlags(slot) & TLB_IO) != 0) return hostAddress(slot, ea);
  translate(ea, ACCESS_READ, true);
  return run.pa;
}

// @ts-ignore: decorator
@inline
function crosses(ea: u32, last: u32): bool {
  return ((ea ^ (ea + last)) & ~0xfff) != 0;
}

/** In little-endian mode the processor changes the low bits of addresses instead of turning bytes around. */
// @ts-ignore: decorator
@inline
function munge(ea: u32, width: u32): u32 {
  return (cpu.msr & MSR_LE) != 0 ? ea ^ (8 - width) : ea;
}

function busRead(pa: u32, width: u32): u32 {
  let value: u32 = 0;
  if ((pa & (width - 1)) == 0) {
    value = mmioRead(pa, width);
  } else {
    for (let i: u32 = 0; i < width; i++) value = (value << 8) | mmioRead(pa + i, 1);
  }
  if (run.bus_error != 0) busError();
  return value;
}

function busWrite(pa: u32, width: u32, value: u32): void {
  if ((pa & (width - 1)) == 0) {
    mmioWrite(pa, width, value);
  } else {
    for (let i: u32 = 0; i < width; i++) mmioWrite(pa + i, 1, (value >>> ((width - 1 - i) << 3)) & 0xff);
  }
  if (run.bus_error != 0) busError();
}

export function read8(address: u32): u32 {
  run.fault = 0;
  const ea: u32 = munge(address, 1);
  const slot: u32 = resolve(ea, false);
  if (slot == 0) return 0;
  const host: u32 = hostAddress(slot, ea);
  return (slotFlags(slot) & TLB_IO) != 0 ? busRead(host, 1) & 0xff : <u32>load<u8>(host);
}

export function read16(address: u32): u32 {
  run.fault = 0;
  const ea: u32 = munge(address, 2);
  const slot: u32 = resolve(ea, false);
  if (slot == 0) return 0;
  if (crosses(ea, 1)) return readPieces(ea, 2);
  const host: u32 = hostAddress(slot, ea);
  return (slotFlags(slot) & TLB_IO) != 0 ? busRead(host, 2) & 0xffff : <u32>bswap<u16>(load<u16>(host));
}

export function read32(address: u32): u32 {
  run.fault = 0;
  const ea: u32 = munge(address, 4);
  const slot: u32 = resolve(ea, false);
  if (slot == 0) return 0;
  if (crosses(ea, 3)) return readPieces(ea, 4);
  const host: u32 = hostAddress(slot, ea);
  return (slotFlags(slot) & TLB_IO) != 0 ? busRead(host, 4) : bswap<u32>(load<u32>(host));
}

/** An access that crosses a page: bytes, once it is known that both pages can be read. */
function readPieces(ea: u32, width: u32): u32 {
  if (resolve((ea + width) & ~0xfff, false) == 0) return 0;
  let value: u32 = 0;
  for (let i: u32 = 0; i < width && run.fault == 0; i++) value = (value << 8) | read8(ea + i);
  return value;
}

/** A doubleword at a multiple of 4, as two words. */
export function read64(ea: u32): u64 {
  if ((cpu.msr & MSR_LE) != 0) {
    // A doubleword's address is not changed: its halves must not be either.
    const low: u64 = <u64>read32(ea);
    if (run.fault != 0) return 0;
    return (<u64>read32(ea + 4) << 32) | low;
  }
  const high: u64 = <u64>read32(ea);
  if (run.fault != 0) return 0;
  return (high << 32) | <u64>read32(ea + 4);
}

export function write8(address: u32, value: u32): void {
  run.fault = 0;
  const ea: u32 = munge(address, 1);
  const slot: u32 = resolve(ea, true);
  if (slot == 0) return;
  const host: u32 = hostAddress(slot, ea);
  if ((slotFlags(slot) & (TLB_IO | TLB_ROM)) != 0) {
    busWrite(physicalAddress(slot, ea), 1, value & 0xff);
    return;
  }
  store<u8>(host, value);
  storedSlowly(host, 1, slot);
}

export function write16(address: u32, value: u32): void {
  run.fault = 0;
  const ea: u32 = munge(address, 2);
  const slot: u32 = resolve(ea, true);
  if (slot == 0) return;
  if (crosses(ea, 1)) {
    writePieces(ea, 2, value);
    return;
  }
  const host: u32 = hostAddress(slot, ea);
  if ((slotFlags(slot) & (TLB_IO | TLB_ROM)) != 0) {
    busWrite(physicalAddress(slot, ea), 2, value & 0xffff);
    return;
  }
  store<u16>(host, bswap<u16>(<u16>value));
  storedSlowly(host, 2, slot);
}

export function write32(address: u32, value: u32): void {
  run.fault = 0;
  const ea: u32 = munge(address, 4);
  const slot: u32 = resolve(ea, true);
  if (slot == 0) return;
  if (crosses(ea, 3)) {
    writePieces(ea, 4, value);
    return;
  }
  const host: u32 = hostAddress(slot, ea);
  if ((slotFlags(slot) & (TLB_IO | TLB_ROM)) != 0) {
    busWrite(physicalAddress(slot, ea), 4, value);
    return;
  }
  store<u32>(host, bswap<u32>(value));
  storedSlowly(host, 4, slot);
}

function writePieces(ea: u32, width: u32, value: u32): void {
  if (resolve((ea + width) & ~0xfff, true) == 0) return;
  for (let i: u32 = 0; i < width && run.fault == 0; i++) write8(ea + i, value >>> ((width - 1 - i) << 3));
}

/** A doubleword at a multiple of 4, as two words; neither is stored unless both can be. */
export function write64(ea: u32, value: u64): void {
  run.fault = 0;
  if (crosses(ea, 7) && (resolve(ea, true) == 0 || resolve(ea + 4, true) == 0)) return;
  const little: bool = (cpu.msr & MSR_LE) != 0;
  write32(ea, little ? <u32>value : <u32>(value >>> 32));
  if (run.fault == 0) write32(ea + 4, little ? <u32>(value >>> 32) : <u32>value);
}

/** DSI for an instruction that does not work on the kind of memory at `ea`. */
export function wrongMemory(ea: u32, write: bool): void {
  dataException(ea, DSISR_ATOMIC_CACHE, write);
}
