// SPDX-License-Identifier: MIT
//
// Branches, calls, returns and traps [M68000PRM §4].
import { fetch16, fetch32, jumpTo, pcCurrent, pcNext } from './code';
import { MODEL_68000, VECTOR_FORMAT, VECTOR_ILLEGAL, VECTOR_LINE_A, VECTOR_TRAP, VECTOR_TRAPV } from './constants';
import { address } from './ea';
import { refuse, softwareTrap, trap } from './exceptions';
import { faultAtJump } from './faults';
import { ccr, condition, conditionHolds, dY, eaOf, setCcr, setDYSized, signExtend } from './flags';
import { push } from './move';
import { read16, read32, write } from './memory';
import { GPR_BASE, SP, cpu, gpr, run, setGpr } from './state';

/** The displacement of a branch to itself. */
const TO_ITSELF: u32 = ~1;

/** Where a module's stack frame is put together. */
const FRAME_WORDS: u32 = GPR_BASE + 0x380;

/** Goes on at `pc`, unless it is odd. */
export function jump(pc: u32): void {
  if ((pc & 1) != 0) faultAtJump(pc, pcNext());
  else jumpTo(pc);
}

/**
 * Ticks of a DBcc that branches to itself beyond its own, or 0: then such a loop is like any other. Firmware waits with
 * loops of nothing else, counted for the processor's clock; where this is set they run in one step.
 */
let delayTicks: u32 = 0;

export function setDelayTicks(ticks: u32): void {
  delayTicks = ticks;
}

/** Goes on at the entry of `target`, if that is in the same page; else 0. */
// @ts-ignore: decorator
@inline
function near(at: u32, displacement: u32): u32 {
  const target: u32 = at + (displacement << 2);
  return ((target ^ (at - 8)) & ~0x3fff) == 0 ? target : 0;
}

/** Bcc to an even displacement: where execution goes on, or 0 when it is not in this page. */
// @ts-ignore: decorator
@inline
export function fast_bcc(w: u32, at: u32, cc: u32, size: u32): u32 {
  if (!condition(cc)) return size == 1 ? at : at + 8;
  const displacement: u32 = size == 1 ? <u32>(<i32>(<i8>(w >>> 16))) : <u32>(<i32>(<i16>w));
  if (size == 2 && (displacement & 1) != 0) return 0;
  return near(at, displacement);
}

/** BRA, BSR and Bcc in all sizes. */
export function op_bcc(w: u32): void {
  const base: u32 = pcNext();
  const short: u32 = (w >>> 16) & 0xff;
  let displacement: u32 = signExtend(short, 1);
  if (short == 0) displacement = signExtend(fetch16(), 2);
  else if (short == 0xff && run.model != MODEL_68000) displacement = fetch32();
  const cc: u32 = (w >>> 24) & 15;
  if (cc == 1) {
    call(base + displacement);
    return;
  }
  if (!conditionHolds(cc)) return;
  const target: u32 = base + displacement;
  if ((target & 1) != 0) faultAtJump(target, base);
  else jumpTo(target);
}

// @ts-ignore: decorator
@inline
export function fast_dbra(w: u32, at: u32, cc: u32 = 1, size: u32 = 2): u32 {
  const displacement: u32 = <u32>(<i32>(<i16>w));
  if ((displacement & 1) != 0) return 0;
  const target: u32 = near(at, displacement);
  if (target == 0 || (displacement == TO_ITSELF && delayTicks != 0)) return 0;
  const count: u32 = dY(w) - 1;
  setDYSized(w, 2, count);
  return (count & 0xffff) == 0xffff ? at + 8 : target;
}

export function op_dbcc(w: u32): void {
  const base: u32 = pcNext();
  const displacement: u32 = signExtend(fetch16(), 2);
  if (conditionHolds((w >>> 24) & 15)) return;
  const count: u32 = dY(w) - 1;
  const target: u32 = base + displacement;
  if ((count & 0xffff) != 0xffff && (target & 1) != 0) {
    faultAtJump(target, pcNext());
    return;
  }
  const more: u32 = displacement == TO_ITSELF && delayTicks != 0 ? delayTurns(count & 0xffff) : 0;
  setDYSized(w, 2, count - more);
  if ((count & 0xffff) != 0xffff) jump(target);
}

/** How many of the `left` turns that are still to come fit into the slice; their time passes. */
function delayTurns(left: u32): u32 {
  if (left == 0xffff) return 0;
  const turn: u32 = 1 + delayTicks;
  const turns: u32 = min<u32>(left, <u32>max<i32>(0, run.left) / turn);
  run.left -= <i32>(delayTicks + turns * turn);
  return turns;
}

/** BSR and JSR. */
function call(target: u32): void {
  if ((target & 1) != 0 && run.model != MODEL_68000) {
    faultAtJump(target, target);
    return;
  }
  push(pcNext(), false);
  if (run.fault != 0) return;
  if ((target & 1) != 0) faultAtJump(target, target);
  else jumpTo(target);
}

export function op_jsr(w: u32): void {
  const target: u32 = address(eaOf(w), 4);
  if (run.fault != 0) return;
  if ((target & 1) != 0) {
    faultAtJump(target, pcNext());
    return;
  }
  call(target);
}

export function op_jmp(w: u32): void {
  const target: u32 = address(eaOf(w), 4);
  if (run.fault != 0) return;
  if ((target & 1) != 0) faultAtJump(target, pcCurrent() + 2);
  else jumpTo(target);
}

/** RTS, RTD: pops the return address and `more` bytes. */
function popAndJump(more: u32): void {
  const sp: u32 = gpr(SP);
  const target: u32 = read32(sp);
  if (run.fault != 0) return;
  if ((target & 1) != 0 && run.model != MODEL_68000) {
    faultAtJump(target, pcNext());
    return;
  }
  setGpr(SP, sp + 4 + more);
  jump(target);
}

export function op_rts(w: u32): void {
  popAndJump(0);
}

export function op_rtd(w: u32): void {
  popAndJump(signExtend(fetch16(), 2));
}

export function op_rtr(w: u32): void {
  const sp: u32 = gpr(SP);
  const codes: u32 = read16(sp);
  if (run.fault != 0) return;
  const target: u32 = read32(sp + 2);
  if (run.fault != 0) return;
  setGpr(SP, sp + 6);
  setCcr(codes);
  jump(target);
}

// --- Traps

export function op_trap(w: u32): void {
  softwareTrap(VECTOR_TRAP + ((w >>> 16) & 15));
}

export function op_trapv(w: u32): void {
  if (<i32>cpu.cc_v < 0) trap(VECTOR_TRAPV);
}

/** TRAPcc with no, a word or a long operand. */
export function op_trapcc(w: u32): void {
  const mode: u32 = (w >>> 16) & 7;
  if (mode == 2) fetch16();
  else if (mode == 3) fetch32();
  if (conditionHolds((w >>> 24) & 15)) trap(VECTOR_TRAPV);
}

export function op_aline(w: u32): void {
  refuse(VECTOR_LINE_A);
}

export function op_illegal(w: u32): void {
  refuse(VECTOR_ILLEGAL);
}

export function op_bkpt(w: u32): void {
  refuse(VECTOR_ILLEGAL);
}

export function op_nop(w: u32): void {}

// --- Module calls of the 68020 [68020 UM §9.5]: descriptors of type 0, which change no access level

export function op_callm(w: u32): void {
  const argumentBytes: u32 = fetch16() & 0xff;
  const descriptor: u32 = address(eaOf(w), 4);
  if (run.fault != 0) return;
  const control: u32 = read32(descriptor);
  if (run.fault != 0) return;
  const option: u32 = control >>> 29;
  const type: u32 = (control >>> 24) & 31;
  if ((option != 0 && option != 4) || type != 0) {
    // Type 1 needs an access level controller on the bus; there is none.
    refuse(VECTOR_FORMAT);
    return;
  }
  const entry: u32 = read32(descriptor + 4);
  if (run.fault != 0) return;
  const data: u32 = read32(descriptor + 8);
  if (run.fault != 0) return;
  const word: u32 = read16(entry);
  if (run.fault != 0) return;
  const reg: u32 = word >>> 12;
  const sp: u32 = gpr(SP) - 24;
  const frame: u32 = FRAME_WORDS;
  store<u32>(frame, (option << 29) | ccr());
  store<u32>(frame, argumentBytes << 16, 4);
  store<u32>(frame, descriptor, 8);
  store<u32>(frame, pcNext(), 12);
  store<u32>(frame, gpr(reg), 16);
  store<u32>(frame, gpr(SP), 20);
  for (let i: u32 = 0; i < 24; i += 4) {
    write(sp + i, 4, load<u32>(frame + i));
    if (run.fault != 0) return;
  }
  setGpr(SP, sp);
  setGpr(reg, data);
  jump(entry + 2);
}

export function op_rtm(w: u32): void {
  const sp: u32 = gpr(SP);
  const frame: u32 = FRAME_WORDS;
  for (let i: u32 = 0; i < 24; i += 4) {
    store<u32>(frame + i, read32(sp + i));
    if (run.fault != 0) return;
  }
  const control: u32 = load<u32>(frame);
  if (((control >>> 29) & 3) != 0 || ((control >>> 24) & 31) != 0) {
    refuse(VECTOR_FORMAT);
    return;
  }
  setCcr(control);
  setGpr(SP, load<u32>(frame, 20) + ((load<u32>(frame, 4) >>> 16) & 0xff));
  setGpr((w >>> 16) & 15, load<u32>(frame, 16));
  jump(load<u32>(frame, 12));
}
