// SPDX-License-Identifier: MIT
//
// The register stack. Only the current frame is in registers: a call writes the caller's locals to the backing store
// in memory and moves the outputs down to r32, a return reads them back. So bspstore equals bsp except after loadrs.
// The architecture leaves it to the processor how early registers are written; this one never is late.
//
// Rotating registers are kept in their rotated places, in the backing store as if they were not rotated.
import { alatClear } from './alat';
import { illegal, reservedField } from './fault';
import { missing, translate } from './memory';
import { PAGE_BYTES } from './page-table';
import {
  A,
  ACCESS_READ,
  ACCESS_RSE,
  ACCESS_WRITE,
  B,
  C,
  CFM_MASK,
  D,
  GR,
  NAT,
  cpuOf,
  rrbFrOf,
  rrbGrOf,
  rrbPrOf,
  setGr,
  sofOf,
  solOf,
  sorOf,
} from './state';

const OFFSET: u64 = <u64>PAGE_BYTES - 1;
const STACKED: u32 = GR + 32 * 8;
const STACKED_NAT: u32 = NAT + 32;
const RRB: u64 = CFM_MASK & ~0x3_ffff;

/** Is `address` where a NaT collection is? */
// @ts-ignore: decorator
@inline
function isCollection(address: u64): bool {
  return (address & 0x1f8) == 0x1f8;
}

/** Host address of a word of the backing store, or 0 after a fault. */
function word(base: u32, at: u32, address: u64, access: u32): u32 {
  const cpu = cpuOf(base);
  if ((address & ~OFFSET) == cpu.rse_tag) return <u32>address + cpu.rse_addend;
  // Written pages only: what is read will be written.
  if (translate(base, address, ACCESS_READ | ACCESS_WRITE)) {
    cpu.rse_tag = address & ~OFFSET;
    cpu.rse_addend = cpu.host - <u32>address;
    return cpu.host;
  }
  if (access == ACCESS_READ && translate(base, address, ACCESS_READ)) return cpu.host;
  missing(base, at, address, access | ACCESS_RSE);
  return 0;
}

/** Writes registers that are no NaTs at bsp, in a page that is at hand, and moves bsp. */
function spillWithin(base: u32, count: u32): void {
  const cpu = cpuOf(base);
  let slot: u32 = (<u32>cpu.bsp >>> 3) & 63;
  let host: u32 = <u32>cpu.bsp + cpu.rse_addend;
  let from: u32 = base + STACKED;
  let left: u32 = count;
  let rnat: u64 = cpu.rnat & (((<u64>1) << slot) - 1);
  while (left >= 63 - slot) {
    const stretch: u32 = (63 - slot) << 3;
    copyWords(host, from, stretch);
    host += stretch;
    from += stretch;
    left -= 63 - slot;
    store<u64>(host, rnat);
    host += 8;
    rnat = 0;
    slot = 0;
  }
  copyWords(host, from, left << 3);
  cpu.rnat = rnat;
  cpu.bsp += host + (left << 3) - (<u32>cpu.bsp + cpu.rse_addend);
}

/** Copies `bytes`, a multiple of 8. */
// @ts-ignore: decorator
@inline
function copyWords(to: u32, from: u32, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i += 8) store<u64>(to + i, load<u64>(from + i));
}

/** Writes `count` registers from r32 on at bsp and moves it. */
function spill(base: u32, at: u32, count: u32): bool {
  const cpu = cpuOf(base);
  let address: u64 = cpu.bsp;
  let rnat: u64 = cpu.rnat;
  const end: u64 = address + (count << 3) + 16;
  const within: bool = (address & ~OFFSET) == cpu.rse_tag && (end & ~OFFSET) == cpu.rse_tag;
  const nats: bool = cpu.nats != 0;
  if (within && !nats) {
    spillWithin(base, count);
    return true;
  }
  for (let i: u32 = 0; i < count; i++) {
    const host: u32 = within ? <u32>address + cpu.rse_addend : word(base, at, address, ACCESS_WRITE);
    if (host == 0) return false;
    store<u64>(host, load<u64>(base + (i << 3), STACKED));
    const bit: u64 = (<u64>1) << ((address >> 3) & 63);
    rnat = nats && load<u8>(base + i, STACKED_NAT) != 0 ? rnat | bit : rnat & ~bit;
    address += 8;
    // bsp is never where a collection is.
    if (isCollection(address)) {
      const collection: u32 = word(base, at, address, ACCESS_WRITE);
      if (collection == 0) return false;
      store<u64>(collection, rnat);
      rnat = 0;
      address += 8;
    }
  }
  cpu.bsp = address;
  cpu.rnat = rnat;
  return true;
}

/** Where `count` registers that end at `address` begin. */
export function below(address: u64, count: u32): u64 {
  const slot: i32 = <i32>(address >> 3) & 63;
  // Slots between the last collection and `address`; each further 63 registers pass one collection.
  const rest: i32 = <i32>count - slot;
  return address - (<u64>count << 3) - (rest > 0 ? <u64>((rest + 62) / 63) << 3 : 0);
}

/** Reads registers from `start` on in a page that is at hand, unless one is a NaT, and moves bsp there. */
function fillWithin(base: u32, start: u64, count: u32): bool {
  const cpu = cpuOf(base);
  let slot: u32 = (<u32>start >>> 3) & 63;
  let host: u32 = <u32>start + cpu.rse_addend;
  let to: u32 = base + STACKED;
  let left: u32 = count;
  let first: u64 = cpu.rnat;
  while (left >= 63 - slot) {
    const stretch: u32 = (63 - slot) << 3;
    const collection: u64 = load<u64>(host + stretch);
    if ((collection & ~((<u64>1) << 63)) >> slot != 0) return false;
    if (left == count) first = collection;
    copyWords(to, host, stretch);
    host += stretch + 8;
    to += stretch;
    left -= 63 - slot;
    slot = 0;
  }
  if (((cpu.rnat >> slot) & (((<u64>1) << left) - 1)) != 0) return false;
  copyWords(to, host, left << 3);
  cpu.rnat = first;
  cpu.bsp = start;
  return true;
}

/** Reads `count` registers to r32 on from below bsp and moves it; `outputs` registers at r32 move up first. */
function fill(base: u32, at: u32, count: u32, outputs: u32): bool {
  const cpu = cpuOf(base);
  let address: u64 = cpu.bsp;
  const start: u64 = below(address, count);
  if (count != 0) {
    // Nothing may fail once registers have moved.
    if (word(base, at, address - 8, ACCESS_READ) == 0) return false;
    if (word(base, at, start, ACCESS_READ) == 0) return false;
  }
  const nats: bool = cpu.nats != 0;
  for (let i: u32 = outputs; i-- > 0; ) {
    store<u64>(base + ((i + count) << 3), load<u64>(base + (i << 3), STACKED), STACKED);
    if (nats) store<u8>(base + i + count, load<u8>(base + i, STACKED_NAT), STACKED_NAT);
  }
  let rnat: u64 = cpu.rnat;
  const within: bool = (start & ~OFFSET) == cpu.rse_tag && ((address - 8) & ~OFFSET) == cpu.rse_tag;
  if (within && !nats && fillWithin(base, start, count)) return true;
  for (let i: u32 = count; i-- > 0; ) {
    address -= 8;
    if (isCollection(address)) {
      rnat = load<u64>(word(base, at, address, ACCESS_READ));
      address -= 8;
    }
    const host: u32 = within ? <u32>address + cpu.rse_addend : word(base, at, address, ACCESS_READ);
    store<u64>(base + (i << 3), load<u64>(host), STACKED);
    const bit: u8 = <u8>(rnat >> ((address >> 3) & 63)) & 1;
    if (bit != 0) cpu.nats = 1;
    store<u8>(base + i, bit, STACKED_NAT);
  }
  cpu.bsp = address;
  cpu.rnat = rnat;
  return true;
}

// --- Rotation

/** The rotating predicates as a 48-bit number, turned left by `count`. */
function turnPredicates(base: u32, count: u32): void {
  const cpu = cpuOf(base);
  const bits: u64 = cpu.pr >> 16;
  const turned: u64 = count == 0 ? bits : ((bits << count) | (bits >> (48 - count))) & 0xffff_ffff_ffff;
  cpu.pr = (cpu.pr & 0xffff) | (turned << 16);
}

/** Moves each of `size` registers from r32 on up by `count` places, around the end. */
function turnRegisters(base: u32, size: u32, count: u32): void {
  if (size > 96 || size == 0) return;
  for (let left: u32 = count % size; left != 0; left--) turnOnce(base, size);
}

function turnOnce(base: u32, size: u32): void {
  const start: u32 = base + STACKED;
  const last: u64 = load<u64>(start + ((size - 1) << 3));
  for (let at: u32 = start + ((size - 1) << 3); at != start; at -= 8) store<u64>(at, load<u64>(at - 8));
  store<u64>(start, last);
  if (cpuOf(base).nats != 0) {
    const nats: u32 = base + STACKED_NAT;
    const bit: u8 = load<u8>(nats + size - 1);
    memory.copy(nats + 1, nats, size - 1);
    store<u8>(nats, bit);
  }
}

/** Rotates all registers by one; the predicate that becomes p16 is `next`. */
export function rotate(base: u32, next: u32): void {
  const cpu = cpuOf(base);
  const cfm: u64 = cpu.cfm;
  const size: u32 = sorOf(cfm);
  let gr: u32 = rrbGrOf(cfm);
  if (size != 0 && size <= 96) {
    turnOnce(base, size);
    gr = gr == 0 ? size - 1 : gr - 1;
  }
  let fr: u32 = rrbFrOf(cfm);
  fr = fr == 0 ? 95 : fr - 1;
  let pr: u32 = rrbPrOf(cfm);
  pr = pr == 0 ? 47 : pr - 1;
  cpu.pr = (cpu.pr & 0xffff) | ((cpu.pr & 0x7fff_ffff_ffff_0000) << 1) | ((<u64>next) << 16);
  cpu.cfm = (cfm & 0x3_ffff) | ((<u64>gr) << 18) | ((<u64>fr) << 25) | ((<u64>pr) << 32);
  cpu.rrb_fr = fr;
  alatClear(base);
}

/** Puts registers back into the places they have when not rotated. */
function unrotate(base: u32): void {
  const cfm: u64 = cpuOf(base).cfm;
  turnRegisters(base, sorOf(cfm), rrbGrOf(cfm));
  turnPredicates(base, rrbPrOf(cfm) % 48);
}

/** The frame marker after a change; registers are in their unrotated places. */
function setCfm(base: u32, cfm: u64): void {
  const cpu = cpuOf(base);
  cpu.cfm = cfm;
  cpu.rrb_fr = rrbFrOf(cfm) % 96;
  if ((cfm & RRB) == 0) return;
  const size: u32 = sorOf(cfm);
  if (size != 0) turnRegisters(base, size, size - (rrbGrOf(cfm) % size));
  turnPredicates(base, (48 - (rrbPrOf(cfm) % 48)) % 48);
}

export function predicatesUnrotated(base: u32): u64 {
  const cpu = cpuOf(base);
  const count: u32 = rrbPrOf(cpu.cfm) % 48;
  if (count == 0) return cpu.pr;
  const saved: u64 = cpu.pr;
  turnPredicates(base, count);
  const result: u64 = cpu.pr;
  cpu.pr = saved;
  return result;
}

export function setPredicatesUnrotated(base: u32, value: u64): void {
  const cpu = cpuOf(base);
  cpu.pr = value | 1;
  turnPredicates(base, (48 - (rrbPrOf(cpu.cfm) % 48)) % 48);
}

// --- Calls

/** The frame of a callee: the caller's outputs. False after a fault. */
export function call(base: u32, at: u32): bool {
  const cpu = cpuOf(base);
  const cfm: u64 = cpu.cfm;
  if ((cfm & RRB) != 0) unrotate(base);
  const sof: u32 = min(sofOf(cfm), 96);
  const sol: u32 = min(solOf(cfm), sof);
  if (!spill(base, at, sol)) {
    if ((cfm & RRB) != 0) setCfm(base, cfm);
    return false;
  }
  const outputs: u32 = sof - sol;
  if (sol != 0) {
    for (let i: u32 = 0; i < outputs; i++) {
      store<u64>(base + (i << 3), load<u64>(base + ((i + sol) << 3), STACKED), STACKED);
    }
    if (cpu.nats != 0) memory.copy(base + STACKED_NAT, base + STACKED_NAT + sol, outputs);
  }
  // Registers beyond the frame hold nothing.
  if (cpu.nats != 0) memory.fill(base + STACKED_NAT + outputs, 0, 96 - outputs);
  cpu.dirty = 0;
  cpu.pfs = cfm | (cpu.ec << 52) | 0xc000_0000_0000_0000;
  cpu.cfm = outputs;
  cpu.rrb_fr = 0;
  alatClear(base);
  return true;
}

/** No frame is larger than the registers there are, nor its locals than it. */
export function frameThatIs(cfm: u64): u64 {
  const sof: u32 = min(sofOf(cfm), 96);
  return (cfm & ~0x3fff) | sof | (min(solOf(cfm), sof) << 7);
}

/** Back to the frame in ar.pfs. False after a fault. */
export function popFrame(base: u32, at: u32): bool {
  const cpu = cpuOf(base);
  const pfs: u64 = cpu.pfs;
  const cfm: u64 = frameThatIs(pfs & CFM_MASK);
  const sof: u32 = sofOf(cfm);
  const sol: u32 = solOf(cfm);
  if (!fill(base, at, sol, sof - sol)) return false;
  turnPredicates(base, rrbPrOf(cpu.cfm) % 48);
  cpu.dirty = 0;
  cpu.ec = (pfs >> 52) & 0x3f;
  // Registers beyond the frame hold nothing.
  if (cpu.nats != 0) memory.fill(base + STACKED_NAT + sof, 0, 96 - sof);
  setCfm(base, cfm);
  alatClear(base);
  return true;
}

// --- Instructions

export function op_alloc(base: u32, at: u32): bool {
  const cpu = cpuOf(base);
  const sof: u32 = B(at);
  const sol: u32 = C(at);
  const sor: u32 = D(at);
  if (sof > 96 || sol > sof || sor << 3 > sof) return illegal(base, at);
  if (sor << 3 != sorOf(cpu.cfm) && (cpu.cfm & RRB) != 0) return reservedField(base, at);
  if (A(at) >= 32 + sof) return illegal(base, at);
  cpu.cfm = (cpu.cfm & RRB) | sof | (sol << 7) | (sor << 14);
  setGr(base, A(at), cpu.pfs);
  return true;
}

export function op_cover(base: u32, at: u32): bool {
  const cpu = cpuOf(base);
  const cfm: u64 = cpu.cfm;
  if ((cfm & RRB) != 0) unrotate(base);
  if (!spill(base, at, min(sofOf(cfm), 96))) {
    if ((cfm & RRB) != 0) setCfm(base, cfm);
    return false;
  }
  cpu.dirty = 0;
  cpu.cfm = 0;
  cpu.rrb_fr = 0;
  alatClear(base);
  return true;
}

export function op_clrrrb(base: u32, at: u32): bool {
  unrotate(base);
  setCfm(base, cpuOf(base).cfm & ~RRB);
  alatClear(base);
  return true;
}

export function op_clrrrb_pr(base: u32, at: u32): bool {
  const cpu = cpuOf(base);
  turnPredicates(base, rrbPrOf(cpu.cfm) % 48);
  cpu.cfm &= 0xffff_ffff;
  return true;
}

export function op_flushrs(base: u32, at: u32): bool {
  cpuOf(base).dirty = 0;
  return true;
}

export function op_loadrs(base: u32, at: u32): bool {
  const cpu = cpuOf(base);
  const bytes: u64 = (cpu.rsc >> 16) & 0x3ff8;
  if ((cpu.rsc & 3) != 0 || (bytes != 0 && sofOf(cpu.cfm) != 0)) return illegal(base, at);
  cpu.dirty = bytes;
  return true;
}

export function bspstore(base: u32): u64 {
  const cpu = cpuOf(base);
  return cpu.bsp - cpu.dirty;
}

/** Puts bspstore somewhere else; what loadrs brought in goes along. */
export function setBspstore(base: u32, at: u32, value: u64): bool {
  const cpu = cpuOf(base);
  let to: u64 = value & ~7;
  if (cpu.dirty != 0) {
    // Registers keep their order, collections have theirs where the address says.
    const end: u64 = cpu.bsp;
    let rnat: u64 = 0;
    for (let from: u64 = end - cpu.dirty; from != end; from += 8) {
      if (isCollection(from)) continue;
      const collection: u64 = from | 0x1f8;
      let nats: u64 = cpu.rnat;
      if (collection < end) {
        const source: u32 = word(base, at, collection, ACCESS_READ);
        if (source == 0) return false;
        nats = load<u64>(source);
      }
      const source: u32 = word(base, at, from, ACCESS_READ);
      if (source == 0) return false;
      const data: u64 = load<u64>(source);
      if (isCollection(to)) {
        const host: u32 = word(base, at, to, ACCESS_WRITE);
        if (host == 0) return false;
        store<u64>(host, rnat);
        rnat = 0;
        to += 8;
      }
      const host: u32 = word(base, at, to, ACCESS_WRITE);
      if (host == 0) return false;
      store<u64>(host, data);
      if (((nats >> ((from >> 3) & 63)) & 1) != 0) rnat |= (<u64>1) << ((to >> 3) & 63);
      to += 8;
    }
    cpu.rnat = rnat;
    cpu.dirty = to - (value & ~7);
  }
  cpu.bsp = to;
  return true;
}
