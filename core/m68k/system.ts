// SPDX-License-Identifier: MIT
//
// Instructions of the supervisor [M68000PRM §6].
import { resetLine } from '../common/host';
import { fetch16, jumpTo, leave, leaveAfter, pcNext } from './code';
import {
  FC_SUPER_DATA,
  FC_USER_DATA,
  MODEL_68000,
  MODEL_68020,
  MODEL_68030,
  MODEL_68040,
  SR_M,
  SR_S,
  VECTOR_ILLEGAL,
} from './constants';
import { jump } from './control';
import { operand, setOperand } from './ea';
import { formatError, refuse, setSr, setSrAndLook, sr, supervisor } from './exceptions';
import { FRAME_B_VERSION } from './faults';
import { aY, eaOf, regY, setAY, setCcr } from './flags';
import { read, read16, read32 } from './memory';
import { mmuChanged } from './mmu';
import { SP, cpu, gpr, run, setAreg, setGpr } from './state';
import { flushAll, selectBank } from './tlb';

export function op_ori_sr(w: u32): void {
  setSrAndLook(sr() | fetch16());
}

export function op_andi_sr(w: u32): void {
  setSrAndLook(sr() & fetch16());
}

export function op_eori_sr(w: u32): void {
  setSrAndLook(sr() ^ fetch16());
}

export function op_move_to_sr(w: u32): void {
  const value: u32 = operand(w, 2);
  if (run.fault == 0) setSrAndLook(value);
}

/** Privileged from the 68010 on. */
export function op_move_from_sr(w: u32): void {
  if (run.model != MODEL_68000 && !supervisor()) return;
  if (run.model == MODEL_68000 && eaOf(w) >= 8) {
    // The 68000 reads before it writes.
    const before: u32 = run.at;
    const reg: u32 = gpr(8 | (eaOf(w) & 7));
    operand(w, 2);
    if (run.fault != 0) return;
    run.at = before;
    setGpr(8 | (eaOf(w) & 7), reg);
    run.undo = 0;
  }
  setOperand(w, 2, sr());
}

export function op_move_to_usp(w: u32): void {
  cpu.usp = aY(w);
}

export function op_move_from_usp(w: u32): void {
  setAY(w, cpu.usp);
}

export function op_reset(w: u32): void {
  resetLine();
}

export function op_stop(w: u32): void {
  const value: u32 = fetch16();
  setSr(value);
  cpu.sleeping = 1;
  leaveAfter();
}

// --- RTE

/** Bytes of a frame beyond its first four words, by format; ~0: no such frame. */
function frameBytes(format: u32): u32 {
  switch (format) {
    case 0:
    case 1:
      return 0;
    case 2:
      return 4;
    case 3:
      return run.model == MODEL_68040 ? 4 : ~0;
    case 4:
      return run.model == MODEL_68040 ? 8 : ~0;
    case 7:
      return run.model == MODEL_68040 ? 52 : ~0;
    case 9:
      return run.model == MODEL_68020 || run.model == MODEL_68030 ? 12 : ~0;
    case 10:
      return run.model == MODEL_68020 || run.model == MODEL_68030 ? 24 : ~0;
    case 11:
      return run.model == MODEL_68020 || run.model == MODEL_68030 ? 84 : ~0;
    default:
      return ~0;
  }
}

export function op_rte(w: u32): void {
  for (;;) {
    const sp: u32 = gpr(SP);
    const status: u32 = read16(sp);
    if (run.fault != 0) return;
    const pc: u32 = read32(sp + 2);
    if (run.fault != 0) return;
    if (run.model == MODEL_68000) {
      setGpr(SP, sp + 6);
      setSr(status);
      jump(pc);
      leaveIfGoingOn();
      return;
    }
    const word: u32 = read16(sp + 6);
    if (run.fault != 0) return;
    const format: u32 = word >>> 12;
    const more: u32 = frameBytes(format);
    if (more == ~0) {
      formatError();
      return;
    }
    if (format == 11 && !resumeFrameB(sp)) return;
    if (format == 7 && !resumeFrame7(sp)) return;
    setGpr(SP, sp + 8 + more);
    if (format == 1) {
      // The throwaway frame of an interrupt: the real one is on the other stack.
      setSr(status);
      continue;
    }
    if ((pc & 1) != 0) {
      setSr(status);
      jump(pc);
      return;
    }
    setSr(status);
    selectBank();
    cpu.pc = pc;
    leave();
    return;
  }
}

function leaveIfGoingOn(): void {
  if (run.fault == 0) leaveAfter();
}

const SSW_DF: u32 = 0x0100;
const SSW_RW: u32 = 0x0040;

/** Software has done the access that failed when DF is clear: it is not done again. */
function resumeFrameB(sp: u32): bool {
  const version: u32 = read16(sp + 0x36);
  if (run.fault != 0) return false;
  if (version != FRAME_B_VERSION) {
    formatError();
    return false;
  }
  const ssw: u32 = read16(sp + 0x0a);
  if (run.fault != 0) return false;
  const faultAddress: u32 = read32(sp + 0x10);
  if (run.fault != 0) return false;
  const input: u32 = read32(sp + 0x2c);
  if (run.fault != 0) return false;
  // Fetch faults have no data cycle: their fault address is 0 and nothing in the rest of the frame.
  const data: bool = (ssw & 0x5000) == 0;
  cpu.resume = data && (ssw & SSW_DF) == 0 ? 1 : 0;
  cpu.resume_address = faultAddress;
  cpu.resume_data = input;
  cpu.resume_write = (ssw & SSW_RW) == 0 ? 1 : 0;
  return true;
}

/** 68040: the continuation bits of the SSW. */
function resumeFrame7(sp: u32): bool {
  const ssw: u32 = read16(sp + 0x0c);
  if (run.fault != 0) return false;
  if ((ssw & 0x2000) != 0) {
    cpu.trace_pending = 1;
    cpu.trace_pc = read32(sp + 8);
  }
  return true;
}

// --- MOVEC

const CACR_68020: u32 = 0x0003;
const CACR_68030: u32 = 0x3313;
const CACR_68040: u32 = 0x8000_8000;

function hasControl(n: u32): bool {
  switch (n) {
    case 0x000: // SFC
    case 0x001: // DFC
    case 0x002: // CACR
    case 0x800: // USP
    case 0x801: // VBR
    case 0x803: // MSP
    case 0x804: // ISP
      return true;
    case 0x802: // CAAR
      return run.model == MODEL_68020 || run.model == MODEL_68030;
    case 0x003: // TC
    case 0x004: // ITT0
    case 0x005: // ITT1
    case 0x006: // DTT0
    case 0x007: // DTT1
    case 0x805: // MMUSR
    case 0x806: // URP
    case 0x807: // SRP
      return run.model == MODEL_68040;
    default:
      return false;
  }
}

export function op_movec_from(w: u32): void {
  const extension: u32 = fetch16();
  const n: u32 = extension & 0xfff;
  if (!hasControl(n)) {
    refuse(VECTOR_ILLEGAL);
    return;
  }
  setGpr(extension >>> 12, control(n));
}

function control(n: u32): u32 {
  const master: bool = (cpu.sr & SR_M) != 0;
  switch (n) {
    case 0x000:
      return cpu.sfc;
    case 0x001:
      return cpu.dfc;
    case 0x002:
      return cpu.cacr;
    case 0x003:
      return cpu.tc;
    case 0x004:
      return cpu.itt0;
    case 0x005:
      return cpu.itt1;
    case 0x006:
      return cpu.dtt0;
    case 0x007:
      return cpu.dtt1;
    case 0x800:
      return cpu.usp;
    case 0x801:
      return cpu.vbr;
    case 0x802:
      return cpu.caar;
    case 0x803:
      return master ? gpr(SP) : cpu.msp;
    case 0x804:
      return master ? cpu.isp : gpr(SP);
    case 0x805:
      return cpu.mmusr;
    case 0x806:
      return cpu.urp;
    default:
      return cpu.srp;
  }
}

export function op_movec_to(w: u32): void {
  const extension: u32 = fetch16();
  const n: u32 = extension & 0xfff;
  if (!hasControl(n)) {
    refuse(VECTOR_ILLEGAL);
    return;
  }
  setControl(n, gpr(extension >>> 12));
}

function setControl(n: u32, value: u32): void {
  const master: bool = (cpu.sr & SR_M) != 0;
  switch (n) {
    case 0x000:
      cpu.sfc = value & 7;
      break;
    case 0x001:
      cpu.dfc = value & 7;
      break;
    case 0x002:
      // The clear bits of the 68020 and 68030 read as 0.
      cpu.cacr = value & (run.model == MODEL_68040 ? CACR_68040 : run.model == MODEL_68030 ? CACR_68030 : CACR_68020);
      break;
    case 0x003:
      cpu.tc = value & 0xc000;
      mmuChanged();
      break;
    case 0x004:
      cpu.itt0 = value & 0xffff_e364;
      mmuChanged();
      break;
    case 0x005:
      cpu.itt1 = value & 0xffff_e364;
      mmuChanged();
      break;
    case 0x006:
      cpu.dtt0 = value & 0xffff_e364;
      mmuChanged();
      break;
    case 0x007:
      cpu.dtt1 = value & 0xffff_e364;
      mmuChanged();
      break;
    case 0x800:
      cpu.usp = value;
      break;
    case 0x801:
      cpu.vbr = value;
      break;
    case 0x802:
      cpu.caar = value;
      break;
    case 0x803:
      if (master) setGpr(SP, value);
      else cpu.msp = value;
      break;
    case 0x804:
      if (master) cpu.isp = value;
      else setGpr(SP, value);
      break;
    case 0x805:
      cpu.mmusr = value;
      break;
    case 0x806:
      cpu.urp = value & 0xffff_fe00;
      mmuChanged();
      break;
    default:
      cpu.srp = value & 0xffff_fe00;
      mmuChanged();
      break;
  }
}

/** CINV, CPUSH: memory is always coherent here; decoded pages follow every store. */
export function op_cacheop(w: u32): void {
  if (((w >>> 19) & 3) == 0) refuse(VECTOR_ILLEGAL);
}
