// SPDX-License-Identifier: MIT
//
// The slow path of data accesses: TLB misses, devices, pages that are watched, unaligned and big-endian accesses.
// After each call `run.fault` is 1 if the access did not succeed; its exception has then been taken.
import { mmioRead, mmioWrite } from '../common/host';
import { ACCESS_READ, ACCESS_WRITE, FEATURE_A26, FEATURE_M, FEATURE_V5, FEATURE_V6, PSR_E, SCTLR_A } from './constants';
import { dataAbort } from './exceptions';
import { LS_LDR, LS_LDRB, LS_LDRH, LS_LDRSB } from './lower';
import { isSystemSpace, readSystemSpace, writeSystemSpace } from './system-space';
import { FAULT_ALIGNMENT, FAULT_EXTERNAL, translate } from './mmu';
import { cpu, has, run, setGpr } from './state';
import {
  TLB_IO,
  TLB_READ,
  TLB_ROM,
  TLB_SMALL,
  TLB_WRITE,
  fillSlot,
  hostAddress,
  slotFlags,
  slowSlot,
  storedSlowly,
} from './tlb';

/** The TLB entry for an access, filled if need be; 0 after an exception. */
export function resolve(ea: u32, write: bool): u32 {
  const slot: u32 = slowSlot(ea);
  const flags: u32 = slotFlags(slot);
  const wanted: u32 = write ? TLB_WRITE : TLB_READ;
  if (((flags ^ ea) & ~0xfff) == 0 && (flags & (wanted | TLB_SMALL)) == wanted) return slot;
  const error: u32 = translate(ea, write ? ACCESS_WRITE : ACCESS_READ);
  if (error != 0) {
    dataAbort(ea, error, write);
    return 0;
  }
  return fillSlot(ea, run.pa, run.permissions);
}

/** Physical address of an access through an entry that has been resolved. */
export function physicalAddress(slot: u32, ea: u32): u32 {
  if ((slotFlags(slot) & TLB_IO) != 0) return hostAddress(slot, ea);
  translate(ea, ACCESS_READ);
  return run.pa;
}

/** Words are bytes the other way round for big-endian data. */
// @ts-ignore: decorator
@inline
function order(value: u32, size: u32): u32 {
  if (size == 1 || (cpu.control & PSR_E) == 0) return value;
  return size == 2 ? <u32>bswap<u16>(<u16>value) : bswap<u32>(value);
}

/** A naturally aligned access of 1, 2 or 4 bytes. */
function readAligned(ea: u32, size: u32): u32 {
  if (has(FEATURE_M) && isSystemSpace(ea)) return readSystemSpace(ea, size);
  const slot: u32 = resolve(ea, false);
  if (slot == 0) return 0;
  const host: u32 = hostAddress(slot, ea);
  if ((slotFlags(slot) & TLB_IO) != 0) {
    const value: u32 = mmioRead(host, size);
    if (run.bus_error != 0) {
      run.bus_error = 0;
      dataAbort(ea, FAULT_EXTERNAL, false);
      return 0;
    }
    return size == 4 ? value : value & ((1 << (size << 3)) - 1);
  }
  return size == 4 ? load<u32>(host) : size == 2 ? <u32>load<u16>(host) : <u32>load<u8>(host);
}

/** Devices see the lowest address bits of a 26-bit processor's store as they are: MEMC takes its data from them. */
function writeAligned(ea: u32, size: u32, value: u32): void {
  if (has(FEATURE_M) && isSystemSpace(ea)) {
    writeSystemSpace(ea, size, value);
    return;
  }
  const slot: u32 = resolve(ea, true);
  if (slot == 0) return;
  const host: u32 = hostAddress(slot, ea);
  if ((slotFlags(slot) & (TLB_IO | TLB_ROM)) != 0) {
    mmioWrite(physicalAddress(slot, ea), size, size == 4 ? value : value & ((1 << (size << 3)) - 1));
    if (run.bus_error != 0) {
      run.bus_error = 0;
      dataAbort(ea, FAULT_EXTERNAL, true);
    }
    return;
  }
  const aligned: u32 = host & ~(size - 1);
  if (size == 4) store<u32>(aligned, value);
  else if (size == 2) store<u16>(aligned, <u16>value);
  else store<u8>(aligned, <u8>value);
  storedSlowly(aligned, size, slot);
}

/** A read at any address, where the processor has unaligned accesses. */
export function readAny(ea: u32, size: u32): u32 {
  run.fault = 0;
  if ((ea & (size - 1)) == 0) return order(readAligned(ea, size), size);
  if (resolve(ea, false) == 0 || resolve(ea + size - 1, false) == 0) return 0;
  let value: u32 = 0;
  for (let i: u32 = 0; i < size && run.fault == 0; i++) value |= readAligned(ea + i, 1) << (i << 3);
  return order(value, size);
}

/** Nothing is written unless all of it can be. */
export function writeAny(ea: u32, size: u32, value: u32): void {
  run.fault = 0;
  if ((ea & (size - 1)) == 0) {
    writeAligned(ea, size, order(value, size));
    return;
  }
  if (resolve(ea, true) == 0 || resolve(ea + size - 1, true) == 0) return;
  const bytes: u32 = order(value, size);
  for (let i: u32 = 0; i < size && run.fault == 0; i++) writeAligned(ea + i, 1, (bytes >>> (i << 3)) & 0xff);
}

/** A word at a multiple of 4; the caller has seen to that. */
export function read32(ea: u32): u32 {
  run.fault = 0;
  return order(readAligned(ea & ~3, 4), 4);
}

export function write32(ea: u32, value: u32): void {
  run.fault = 0;
  writeAligned(ea & ~3, 4, order(value, 4));
}

/** An unaligned access that the processor does not do. */
function misaligned(ea: u32, size: u32, write: bool): bool {
  if ((ea & (size - 1)) == 0 || ((cpu.sctlr & SCTLR_A) == 0 && !has(FEATURE_M))) return false;
  dataAbort(ea, FAULT_ALIGNMENT, write);
  return true;
}

/** For instructions that need aligned words whatever SCTLR.A says: from version 6 on they fault, before they round. */
export function unalignedWords(ea: u32, write: bool): bool {
  if ((ea & 3) == 0) return false;
  if (!has(FEATURE_V6 | FEATURE_M)) return misaligned(ea, 4, write);
  dataAbort(ea, FAULT_ALIGNMENT, write);
  return true;
}

/** The value of a load; `kind` is one of LS_*. */
export function readKind(ea: u32, kind: u32): u32 {
  run.fault = 0;
  if (kind == LS_LDRB) return readAligned(ea, 1);
  if (kind == LS_LDRSB) return <u32>(<i32>(<i8>readAligned(ea, 1)));
  const size: u32 = kind == LS_LDR ? 4 : 2;
  if (misaligned(ea, size, false)) return 0;
  if (has(FEATURE_V6)) {
    const value: u32 = readAny(ea, size);
    return kind == LS_LDR || kind == LS_LDRH ? value : <u32>(<i32>(<i16>value));
  }
  const value: u32 = order(readAligned(ea & ~(size - 1), size), size);
  if (kind == LS_LDR) return rotr<u32>(value, (ea & 3) << 3);
  if (has(FEATURE_V5) || (ea & 1) == 0) return kind == LS_LDRH ? value : <u32>(<i32>(<i16>value));
  // The ARM7TDMI rotates halfwords too, and takes a signed one for a byte.
  return kind == LS_LDRH ? rotr<u32>(value, 8) : <u32>(<i32>(<i8>(value >>> 8)));
}

export function writeSized(ea: u32, size: u32, value: u32): void {
  run.fault = 0;
  if (misaligned(ea, size, true)) return;
  if (has(FEATURE_V6)) writeAny(ea, size, value);
  else writeAligned(has(FEATURE_A26) ? ea : ea & ~(size - 1), size, order(value, size));
}

/** A load into a register. False after an exception. */
export function loadSlow(ea: u32, kind: u32, rd: u32): bool {
  const value: u32 = readKind(ea, kind);
  if (run.fault != 0) return false;
  setGpr(rd, value);
  return true;
}

export function storeSlow(ea: u32, size: u32, value: u32): bool {
  writeSized(ea, size, value);
  return run.fault == 0;
}

/** Whether a word at `ea` can be written; else the exception has been taken. */
export function probeWrite(ea: u32): bool {
  run.fault = 0;
  return resolve(ea, true) != 0;
}

export function probeRead(ea: u32): bool {
  run.fault = 0;
  return resolve(ea, false) != 0;
}
