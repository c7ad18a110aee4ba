// SPDX-License-Identifier: MIT
//
// The MMU of the 68030 [68030 UM §9]: transparent translation, up to four levels of tables (five with function codes),
// short and long descriptors, limits, early termination, indirect descriptors, pages of 256 bytes to 32 KiB.
import { fetch16, leaveAfter } from './code';
import { ACCESS_READ, ACCESS_WRITE, FC_CPU, VECTOR_MMU_CONFIG } from './constants';
import { address } from './ea';
import { lineF, supervisor, trap } from './exceptions';
import { FAULT_MMU } from './faults';
import { eaOf } from './flags';
import { read16, read32, write } from './memory';
import { readPhysical, writePhysical } from './mmu';
import { cpu, gpr, run, setAreg } from './state';
import { TLB_READ, TLB_SMALL, TLB_WRITE, flushAll, flushMatching } from './tlb';

const TC_E: u32 = 0x8000_0000;
const TC_SRE: u32 = 0x0200_0000;
const TC_FCL: u32 = 0x0100_0000;

const TT_E: u32 = 0x8000;
const TT_RW: u32 = 0x0200;
const TT_RWM: u32 = 0x0100;

const DT_INVALID: u32 = 0;
const DT_PAGE: u32 = 1;
const DT_LONG: u32 = 3;

const DESC_WP: u32 = 0x004;
const DESC_U: u32 = 0x008;
const DESC_M: u32 = 0x010;
const DESC_S: u32 = 0x100; // long format only

// MMUSR.
const PSR_B: u32 = 0x8000;
const PSR_L: u32 = 0x4000;
const PSR_S: u32 = 0x2000;
const PSR_W: u32 = 0x0800;
const PSR_I: u32 = 0x0400;
const PSR_M: u32 = 0x0200;
const PSR_T: u32 = 0x0040;

function matches(tt: u32, ea: u32, fc: u32, writing: bool): bool {
  if ((tt & TT_E) == 0) return false;
  if (((tt ^ ea) & ~(tt << 8) & 0xff00_0000) != 0) return false;
  if ((((tt >>> 4) ^ fc) & ~tt & 7) != 0) return false;
  return (tt & TT_RWM) != 0 || ((tt & TT_RW) != 0) != writing;
}

export function translate030(ea: u32, access: u32, fc: u32): u32 {
  const writing: bool = access == ACCESS_WRITE;
  run.pa = ea;
  run.permissions = TLB_READ | TLB_WRITE;
  if (fc == FC_CPU) return 0;
  const first: bool = matches(cpu.itt0, ea, fc, writing);
  if (first || matches(cpu.itt1, ea, fc, writing)) {
    // One that takes only reads or writes says nothing of the others.
    if (((first ? cpu.itt0 : cpu.itt1) & TT_RWM) == 0) run.permissions |= TLB_SMALL;
    return 0;
  }
  if ((cpu.tc & TC_E) == 0) return 0;
  const status: u32 = search(ea, fc, writing, 7);
  if ((status & (PSR_B | PSR_L | PSR_S | PSR_I)) != 0) return FAULT_MMU;
  if (writing && (status & PSR_W) != 0) return FAULT_MMU;
  let permissions: u32 = TLB_READ;
  if ((status & PSR_W) == 0 && (status & PSR_M) != 0) permissions |= TLB_WRITE;
  // Registers that split 4 KiB, or reads from writes, make what is found hold for this access only.
  if (((cpu.tc >>> 20) & 15) < 12 || splits(ea, fc)) permissions |= TLB_SMALL;
  run.permissions = permissions;
  return 0;
}

/** Whether a transparent translation register would take the other kind of access. */
function splits(ea: u32, fc: u32): bool {
  return (
    matches(cpu.itt0, ea, fc, true) || matches(cpu.itt0, ea, fc, false) ||
    matches(cpu.itt1, ea, fc, true) || matches(cpu.itt1, ea, fc, false)
  );
}

/** Bits of the table index of a level, 0 for A to 3 for D. */
// @ts-ignore: decorator
@inline
function indexBits(level: u32): u32 {
  return level > 3 ? 0 : (cpu.tc >>> (12 - (level << 2))) & 15;
}

/** A limit of a long descriptor or root pointer that leaves out `index`. */
// @ts-ignore: decorator
@inline
function beyond(upper: u32, index: u32): bool {
  const limit: u32 = (upper >>> 16) & 0x7fff;
  return (upper & 0x8000_0000) != 0 ? index < limit : index > limit;
}

/**
 * Searches the tables down to `depth` levels: the MMUSR; `run.pa` is the address when it has none of B, L, I. Sets U and
 * M unless probing; `run.descriptor` is where the last descriptor is.
 */
function search(ea: u32, fc: u32, writing: bool, depth: u32): u32 {
  const tc: u32 = cpu.tc;
  const user: bool = (fc & 4) == 0;
  const root: bool = (tc & TC_SRE) != 0 && !user;
  let upper: u32 = root ? cpu.srp_upper : cpu.crp_upper;
  let table: u32 = (root ? cpu.srp : cpu.urp) & ~15;
  let type: u32 = upper & 3;
  let limited: bool = true;
  let status: u32 = 0;
  let levels: u32 = 0;
  let functionCode: bool = (tc & TC_FCL) != 0;
  let left: u32 = 32 - ((tc >>> 16) & 15); // address bits not used yet
  let level: u32 = 0;
  let page: u32 = table;
  run.descriptor = 0;

  while (type != DT_PAGE) {
    if (type == DT_INVALID) return status | PSR_I | levels;
    if (levels >= depth) return status | levels;
    let index: u32 = 0;
    let indirect: bool = false;
    if (functionCode) {
      functionCode = false;
      index = fc;
    } else {
      const bits: u32 = indexBits(level);
      if (bits == 0) {
        indirect = true;
      } else {
        left -= bits;
        index = (ea >>> left) & ((1 << bits) - 1);
        level++;
      }
      if (!indirect && limited && beyond(upper, index)) return status | PSR_L | PSR_I | levels;
    }
    const long: bool = type == DT_LONG;
    const at: u32 = table + (index << (long ? 3 : 2));
    run.descriptor = at;
    levels++;
    upper = readPhysical(at);
    const lower: u32 = long ? readPhysical(at + 4) : upper;
    if (run.bus_error != 0) {
      run.bus_error = 0;
      return status | PSR_B | PSR_I | levels;
    }
    type = upper & 3;
    if (type == DT_INVALID) return status | PSR_I | levels;
    if (indirect && type != DT_PAGE) return status | PSR_I | levels;
    // An entry where no level is left is an indirect descriptor, which has no attributes.
    const pointer: bool = type != DT_PAGE && indexBits(level) == 0 && !functionCode;
    limited = long;
    if (pointer) {
      table = lower & ~3;
      continue;
    }
    if ((upper & DESC_WP) != 0) status |= PSR_W;
    if (long && (upper & DESC_S) != 0 && user) status |= PSR_S;
    let wanted: u32 = (status & PSR_S) != 0 ? upper : upper | DESC_U;
    if (type == DT_PAGE) {
      page = lower & ~0xff;
      if (writing && (status & (PSR_W | PSR_S)) == 0) wanted |= DESC_M;
      if ((wanted & DESC_M) != 0) status |= PSR_M;
      // Early termination: the limit is that of the index that is not used.
      const next: u32 = indexBits(level);
      if (long && next != 0 && !indirect && beyond(upper, (ea >>> (left - next)) & ((1 << next) - 1))) {
        return status | PSR_L | PSR_I | levels;
      }
    } else {
      table = lower & ~15;
    }
    if (wanted != upper && run.probe == 0) writePhysical(at, wanted);
  }
  if (levels == 0) {
    status |= PSR_M; // the root pointer is a page descriptor
    const next: u32 = indexBits(0);
    if (next != 0 && !functionCode && beyond(upper, (ea >>> (left - next)) & ((1 << next) - 1))) {
      return status | PSR_L | PSR_I;
    }
  }
  const offset: u32 = left >= 32 ? ~0 : (1 << left) - 1;
  const size: u32 = (1 << ((tc >>> 20) & 15)) - 1;
  run.pa = (page & ~size) + (ea & offset);
  return status | levels;
}

// --- PMOVE, PFLUSH, PLOAD, PTEST

/** The function code an instruction names. */
function functionCode(field: u32): u32 {
  if ((field & 0x18) == 0x10) return field & 7;
  if ((field & 0x18) == 0x08) return gpr(field & 7) & 7;
  return (field & 1) != 0 ? cpu.dfc : cpu.sfc;
}

/** Only memory that can be changed, without An changing. */
function controlAlterable(ea: u32): bool {
  const mode: u32 = ea >>> 3;
  return mode == 2 || mode == 5 || mode == 6 || (mode == 7 && (ea & 7) < 2);
}

export function op_pmmu(w: u32): void {
  if (!supervisor()) return;
  const command: u32 = fetch16();
  const ea: u32 = eaOf(w);
  switch (command >>> 13) {
    case 0: {
      const n: u32 = (command >>> 10) & 7;
      if (!controlAlterable(ea) || (n != 2 && n != 3)) lineF();
      else moveTransparent(ea, n, command);
      return;
    }
    case 1: {
      const mode: u32 = (command >>> 10) & 7;
      if (mode == 1) {
        flushAll();
        leaveAfter();
      } else if (mode == 4) {
        flushFunctionCodes(command);
      } else if (!controlAlterable(ea)) {
        lineF();
      } else if (mode == 0) {
        preload(ea, command);
      } else if (mode == 6) {
        const at: u32 = address(ea, 4);
        if (run.fault != 0) return;
        flushPage(at, command);
      } else {
        lineF();
      }
      return;
    }
    case 2: {
      const n: u32 = (command >>> 10) & 7;
      if (!controlAlterable(ea) || (n != 0 && n != 2 && n != 3)) lineF();
      else if (n == 0) moveTc(ea, command);
      else moveRoot(ea, n, command);
      return;
    }
    case 3:
      if (!controlAlterable(ea)) lineF();
      else moveStatus(ea, command);
      return;
    case 4:
      if (!controlAlterable(ea)) lineF();
      else test(ea, command);
      return;
    default:
      lineF();
  }
}

/** What PMOVE to a register does to the ATC, unless FD is set. */
function flushAfter(command: u32): void {
  // The flush that FD leaves out would not change what this ATC may have kept.
  flushAll();
  leaveAfter();
}

function moveTransparent(ea: u32, n: u32, command: u32): void {
  const at: u32 = address(ea, 4);
  if (run.fault != 0) return;
  if ((command & 0x200) != 0) {
    write(at, 4, n == 2 ? cpu.itt0 : cpu.itt1);
    return;
  }
  const value: u32 = read32(at);
  if (run.fault != 0) return;
  if (n == 2) cpu.itt0 = value & 0xffff_8777;
  else cpu.itt1 = value & 0xffff_8777;
  flushAfter(command);
}

function moveTc(ea: u32, command: u32): void {
  const at: u32 = address(ea, 4);
  if (run.fault != 0) return;
  if ((command & 0x200) != 0) {
    write(at, 4, cpu.tc);
    return;
  }
  const value: u32 = read32(at);
  if (run.fault != 0) return;
  cpu.tc = value & 0x83ff_ffff;
  flushAfter(command);
  if ((value & TC_E) != 0 && !consistent(value)) {
    cpu.tc &= ~TC_E;
    trap(VECTOR_MMU_CONFIG);
  }
}

/** The page size exists, and page, indices and ignored bits make 32. */
function consistent(tc: u32): bool {
  if (((tc >>> 20) & 15) < 8) return false;
  let bits: u32 = ((tc >>> 20) & 15) + ((tc >>> 16) & 15);
  for (let level: u32 = 0; level < 4; level++) {
    const more: u32 = (tc >>> (12 - (level << 2))) & 15;
    if (more == 0) {
      if (level == 0) return false;
      break;
    }
    bits += more;
  }
  return bits == 32;
}

function moveRoot(ea: u32, n: u32, command: u32): void {
  const at: u32 = address(ea, 8);
  if (run.fault != 0) return;
  if ((command & 0x200) != 0) {
    write(at, 4, n == 2 ? cpu.srp_upper : cpu.crp_upper);
    if (run.fault == 0) write(at + 4, 4, n == 2 ? cpu.srp : cpu.urp);
    return;
  }
  const upper: u32 = read32(at);
  if (run.fault != 0) return;
  const lower: u32 = read32(at + 4);
  if (run.fault != 0) return;
  if (n == 2) {
    cpu.srp_upper = upper & 0xffff_0003;
    cpu.srp = lower & ~15;
  } else {
    cpu.crp_upper = upper & 0xffff_0003;
    cpu.urp = lower & ~15;
  }
  flushAfter(command);
  if ((upper & 3) == DT_INVALID) trap(VECTOR_MMU_CONFIG);
}

function moveStatus(ea: u32, command: u32): void {
  const at: u32 = address(ea, 2);
  if (run.fault != 0) return;
  if ((command & 0x200) != 0) {
    write(at, 2, cpu.mmusr);
    return;
  }
  const value: u32 = read16(at);
  if (run.fault == 0) cpu.mmusr = value & 0xee47;
}

/** PFLUSH fc,mask: every page of those spaces. */
function flushFunctionCodes(command: u32): void {
  flushSpaces(0, 0, command);
}

/** PFLUSH fc,mask,ea */
function flushPage(at: u32, command: u32): void {
  flushSpaces(at, ~((1 << max<u32>((cpu.tc >>> 20) & 15, 12)) - 1), command);
}

function flushSpaces(at: u32, mask: u32, command: u32): void {
  const fc: u32 = functionCode(command & 31);
  const fcMask: u32 = (command >>> 5) & 7;
  if ((fc & fcMask & 4) != 0 || (fcMask & 4) == 0) flushMatching(true, at, mask, false);
  if ((fc & fcMask & 4) == 0) flushMatching(false, at, mask, false);
  leaveAfter();
}

/** PLOAD: a table search that sets U and M. */
function preload(ea: u32, command: u32): void {
  const at: u32 = address(ea, 4);
  if (run.fault != 0) return;
  const fc: u32 = functionCode(command & 31);
  const writing: bool = (command & 0x200) == 0;
  flushMatching((fc & 4) != 0, at, ~0xfff, false);
  if ((cpu.tc & TC_E) != 0) search(at, fc, writing, 7);
}

/** PTEST: the MMUSR, and with A the address of the last descriptor. */
function test(ea: u32, command: u32): void {
  const at: u32 = address(ea, 4);
  if (run.fault != 0) return;
  const depth: u32 = (command >>> 10) & 7;
  const writing: bool = (command & 0x200) == 0;
  const fc: u32 = functionCode(command & 31);
  if (depth == 0 && (command & 0x100) != 0) {
    lineF();
    return;
  }
  run.probe = 1;
  if (depth == 0) {
    // The ATC, which here always has what a search would find.
    const transparent: bool = matches(cpu.itt0, at, fc, writing) || matches(cpu.itt1, at, fc, writing);
    cpu.mmusr = transparent ? PSR_T : search(at, fc, writing, 7) & (PSR_B | PSR_W | PSR_I | PSR_M);
  } else {
    cpu.mmusr = search(at, fc, writing, depth);
    if ((command & 0x100) != 0) setAreg((command >>> 5) & 7, run.descriptor);
  }
  run.probe = 0;
}
