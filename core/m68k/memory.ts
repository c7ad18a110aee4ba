// SPDX-License-Identifier: MIT
//
// Data accesses, the slow path: TLB misses, devices, pages that are watched, page crossings, other address spaces, and
// what must fail. After each call `run.fault` is 1 if the access did not succeed; its exception has then been taken.
import { mmioRead, mmioWrite } from '../common/host';
import { ACCESS_READ, ACCESS_WRITE, MODEL_68000, MODEL_68040 } from './constants';
import { FAULT_ADDRESS, FAULT_BUS, accessFault } from './faults';
import { SPACE_SLOT } from './layout';
import { translate } from './mmu';
import { cpu, run } from './state';
import {
  TLB_IO,
  TLB_READ,
  TLB_ROM,
  TLB_SMALL,
  TLB_WRITE,
  fillEntry,
  fillSlot,
  hitsRead,
  hitsWrite,
  hostAddress,
  selectBank,
  slotFlags,
  slowSlot,
  storedSlowly,
  tlbSlot,
} from './tlb';

/** What the access being made would say of itself in an exception frame. */
function describe(ea: u32, size: u32, write: u32, data: u32): void {
  run.fault_address = ea;
  run.fault_size = size;
  run.fault_write = write;
  run.fault_data = data;
  run.fault_second = 0;
}

/** The TLB entry for an access, filled if need be; 0 when there is no translation: `run.fault_cause` says why. */
function resolve(ea: u32, write: bool): u32 {
  const slot: u32 = slowSlot(ea);
  const flags: u32 = slotFlags(slot);
  if (((flags ^ ea) & ~0xfff) == 0 && (flags & (write ? TLB_WRITE : TLB_READ)) != 0 && (flags & TLB_SMALL) == 0) return slot;
  const cause: u32 = translate(ea, write ? ACCESS_WRITE : ACCESS_READ, run.fc);
  if (cause != 0) {
    run.fault_cause = cause;
    return 0;
  }
  return fillSlot(ea, run.pa, run.permissions);
}

/** The same for a function code that is not the current mode's: nothing is remembered. */
function resolveSpace(ea: u32, write: bool, fc: u32): u32 {
  const cause: u32 = translate(ea, write ? ACCESS_WRITE : ACCESS_READ, fc);
  if (cause != 0) {
    run.fault_cause = cause;
    return 0;
  }
  store<u32>(SPACE_SLOT, 0, 12);
  fillEntry(SPACE_SLOT, ea, run.pa, run.permissions);
  return SPACE_SLOT;
}

// @ts-ignore: decorator
@inline
function resolveIn(ea: u32, write: bool, fc: u32): u32 {
  return fc == run.fc ? resolve(ea, write) : resolveSpace(ea, write, fc);
}

// @ts-ignore: decorator
@inline
function crosses(ea: u32, size: u32): bool {
  return ((ea ^ (ea + (size - 1))) & ~0xfff) != 0;
}

/** A bus cycle for each naturally aligned piece. */
function busRead(pa: u32, size: u32): u32 {
  if ((pa & (size - 1)) == 0) return mmioRead(pa & run.address_mask, size);
  if (size == 4 && (pa & 1) == 0) return (busRead(pa, 2) << 16) | (busRead(pa + 2, 2) & 0xffff);
  let value: u32 = 0;
  for (let i: u32 = 0; i < size; i++) value = (value << 8) | (mmioRead((pa + i) & run.address_mask, 1) & 0xff);
  return value;
}

function busWrite(pa: u32, size: u32, value: u32): void {
  if ((pa & (size - 1)) == 0) {
    mmioWrite(pa & run.address_mask, size, size == 4 ? value : value & ((1 << (size << 3)) - 1));
  } else if (size == 4 && (pa & 1) == 0) {
    busWrite(pa, 2, value >>> 16);
    busWrite(pa + 2, 2, value);
  } else {
    for (let i: u32 = 0; i < size; i++) {
      mmioWrite((pa + i) & run.address_mask, 1, (value >>> ((size - 1 - i) << 3)) & 0xff);
    }
  }
}

// @ts-ignore: decorator
@inline
function hostRead(host: u32, size: u32): u32 {
  if (size == 4) return bswap<u32>(load<u32>(host));
  return size == 2 ? <u32>bswap<u16>(load<u16>(host)) : <u32>load<u8>(host);
}

// @ts-ignore: decorator
@inline
function hostWrite(host: u32, size: u32, value: u32): void {
  if (size == 4) store<u32>(host, bswap<u32>(value));
  else if (size == 2) store<u16>(host, bswap<u16>(<u16>value));
  else store<u8>(host, <u8>value);
}

/** Reads through a resolved entry, within a page. `run.bus_error` may be set after. */
function readThrough(slot: u32, ea: u32, size: u32): u32 {
  const host: u32 = hostAddress(slot, ea);
  return (slotFlags(slot) & TLB_IO) != 0 ? busRead(host, size) : hostRead(host, size);
}

function writeThrough(slot: u32, ea: u32, size: u32, value: u32, fc: u32): void {
  const flags: u32 = slotFlags(slot);
  const host: u32 = hostAddress(slot, ea);
  if ((flags & TLB_IO) != 0) {
    busWrite(host, size, value);
  } else if ((flags & TLB_ROM) != 0) {
    translate(ea, ACCESS_WRITE, fc);
    busWrite(run.pa, size, value);
  } else {
    hostWrite(host, size, value);
    storedSlowly(host, size, slot == SPACE_SLOT ? 0 : slot);
  }
}

/** A read of 1, 2 or 4 bytes with function code `fc`. */
export function readSpace(ea: u32, size: u32, fc: u32): u32 {
  run.fault = 0;
  describe(ea, size, 0, 0);
  run.fault_fc = fc;
  if (cpu.resume != 0 && resumes(ea, 0)) return cpu.resume_data;
  if (run.model == MODEL_68000 && size != 1 && (ea & 1) != 0) {
    accessFault(FAULT_ADDRESS);
    return 0;
  }
  let value: u32 = 0;
  if (crosses(ea, size)) {
    const first: u32 = (0 - ea) & 0xfff;
    for (let done: u32 = 0; done < size; ) {
      const part: u32 = done == 0 ? first : size - first;
      const slot: u32 = resolveIn(ea + done, false, fc);
      if (slot == 0) {
        run.fault_second = <u32>(done != 0);
        accessFault(run.fault_cause);
        return 0;
      }
      for (let i: u32 = 0; i < part; i++) value = (value << 8) | (readThrough(slot, ea + done + i, 1) & 0xff);
      done += part;
    }
  } else {
    const slot: u32 = resolveIn(ea, false, fc);
    if (slot == 0) {
      accessFault(run.fault_cause);
      return 0;
    }
    value = readThrough(slot, ea, size);
  }
  if (run.bus_error != 0) {
    accessFault(FAULT_BUS);
    return 0;
  }
  return size == 4 ? value : value & ((1 << (size << 3)) - 1);
}

/** A write of 1, 2 or 4 bytes with function code `fc`: nothing is stored unless all of it can be translated. */
export function writeSpace(ea: u32, size: u32, value: u32, fc: u32): void {
  run.fault = 0;
  describe(ea, size, 1, value);
  run.fault_fc = fc;
  if (cpu.resume != 0 && resumes(ea, 1)) return;
  if (run.model == MODEL_68000 && size != 1 && (ea & 1) != 0) {
    accessFault(FAULT_ADDRESS);
    return;
  }
  if (crosses(ea, size)) {
    const first: u32 = (0 - ea) & 0xfff;
    const begins: bool = resolveIn(ea, true, fc) != 0;
    if (!begins || resolveIn(ea + first, true, fc) == 0) {
      run.fault_second = <u32>begins;
      accessFault(run.fault_cause);
      return;
    }
    for (let i: u32 = 0; i < size; i++) {
      const slot: u32 = resolveIn(ea + i, true, fc);
      if (slot != 0) writeThrough(slot, ea + i, 1, value >>> ((size - 1 - i) << 3), fc);
    }
  } else {
    const slot: u32 = resolveIn(ea, true, fc);
    if (slot == 0) {
      accessFault(run.fault_cause);
      return;
    }
    writeThrough(slot, ea, size, value, fc);
  }
  if (run.bus_error != 0) accessFault(FAULT_BUS);
}

/** Whether this is the access that software has done for the instruction being executed again. */
function resumes(ea: u32, write: u32): bool {
  if (ea != cpu.resume_address || write != cpu.resume_write) return false;
  cpu.resume = 0;
  selectBank();
  return true;
}

export function read(ea: u32, size: u32): u32 {
  const slot: u32 = tlbSlot(ea);
  if (hitsRead(slot, ea, size)) {
    run.fault = 0;
    return hostRead(hostAddress(slot, ea), size);
  }
  return readSpace(ea, size, run.fc);
}

export function write(ea: u32, size: u32, value: u32): void {
  const slot: u32 = tlbSlot(ea);
  if (hitsWrite(slot, ea, size)) {
    run.fault = 0;
    hostWrite(hostAddress(slot, ea), size, value);
    return;
  }
  writeSpace(ea, size, value, run.fc);
}

/**
 * The store that ends an instruction. The 68040 has gone on when such a store fails: the exception comes before the
 * next instruction, with the store in the frame's write-back 3.
 */
export function writeLast(ea: u32, size: u32, value: u32): void {
  run.last_store = <u32>(run.model == MODEL_68040);
  write(ea, size, value);
  run.last_store = 0;
}

export function read16(ea: u32): u32 {
  return read(ea, 2);
}

export function read32(ea: u32): u32 {
  return read(ea, 4);
}

/** Whether `size` bytes at `ea` can be written; else the exception has been taken. */
export function probeWrite(ea: u32, size: u32): bool {
  run.fault = 0;
  describe(ea, size, 1, 0);
  run.fault_fc = run.fc;
  const begins: bool = resolve(ea, true) != 0;
  if (begins && (!crosses(ea, size) || resolve(ea + size - 1, true) != 0)) return true;
  run.fault_second = <u32>begins;
  accessFault(run.fault_cause);
  return false;
}
