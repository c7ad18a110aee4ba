// SPDX-License-Identifier: MIT
//
// Data movement [M68000PRM §4].
import { fetch16, fetch32, pcNext } from './code';
import { MODEL_68000, MODEL_68040 } from './constants';
import { address, moveTarget, operand } from './ea';
import { refuse } from './exceptions';
import { UNDO_PROGRAM, remember } from './faults';
import { aX, aY, dX, eaOf, regX, regY, setAX, setDXSized, setLogic, signExtend } from './flags';
import { probeWrite, read, read32, readSpace, write, writeLast, writeSpace } from './memory';
import { GPR_BASE, SP, areg, cpu, gpr, run, setAreg, setGpr } from './state';

/** Registers loaded by an instruction that has not succeeded yet. */
const LOADED_BASE: u32 = GPR_BASE + 0x380;

export function op_move(w: u32, size: u32): void {
  const value: u32 = operand(w, size);
  if (run.fault != 0) return;
  const ea: u32 = ((w >>> 19) & 0x38) | regX(w);
  if (ea < 8) {
    setDXSized(w, size, value);
  } else {
    run.undo &= ~UNDO_PROGRAM;
    const at: u32 = moveTarget(ea, size);
    if (run.fault != 0) return;
    if (run.model == MODEL_68000) {
      // The prefetch is one word further on, unless it waits for the operand; the condition codes are set.
      if (ea == 0x39) run.prefetch = eaOf(w) < 16 || eaOf(w) == 0x3c ? 0 : -2;
      else run.prefetch = ea >>> 3 == 4 ? 2 : run.prefetch + 2;
      setLogic(value, size);
    }
    writeLast(at, size, value);
    if (run.fault != 0) return;
  }
  setLogic(value, size);
}

export function op_movea(w: u32, size: u32): void {
  const value: u32 = operand(w, size);
  if (run.fault == 0) setAX(w, signExtend(value, size));
}

export function op_lea(w: u32): void {
  const at: u32 = address(eaOf(w), 4);
  if (run.fault == 0) setAX(w, at);
}

export function op_pea(w: u32): void {
  const at: u32 = address(eaOf(w), 4);
  if (run.fault != 0) return;
  push(at, true);
}

/** Pushes a long word; A7 changes only if that succeeds. */
export function push(value: u32, last: bool): void {
  const sp: u32 = gpr(SP) - 4;
  if (last) writeLast(sp, 4, value);
  else write(sp, 4, value);
  if (run.fault == 0 || run.model == MODEL_68000) setGpr(SP, sp);
}

export function op_link(w: u32, size: u32): void {
  const displacement: u32 = size == 4 ? fetch32() : signExtend(fetch16(), 2);
  const sp: u32 = gpr(SP) - 4;
  write(sp, 4, aY(w));
  if (run.fault != 0) return;
  setAreg(regY(w), sp);
  setGpr(SP, sp + displacement);
}

export function op_unlk(w: u32): void {
  const frame: u32 = aY(w);
  run.prefetch = 2;
  const value: u32 = read32(frame);
  if (run.fault != 0) return;
  setGpr(SP, frame + 4);
  setAreg(regY(w), value);
}

// --- MOVEM

export function op_movems(w: u32, size: u32): void {
  const list: u32 = fetch16();
  const ea: u32 = eaOf(w);
  if (ea >>> 3 == 4) {
    const reg: u32 = 8 | (ea & 7);
    const base: u32 = gpr(reg);
    let at: u32 = base;
    run.prefetch = 2;
    for (let bit: u32 = 0; bit < 16; bit++) {
      if (((list >>> bit) & 1) == 0) continue;
      const n: u32 = 15 - bit;
      at -= size;
      // The 68000 goes down by words.
      if (run.model == MODEL_68000 && size == 4 && (at & 1) != 0) {
        write(at + 2, 2, 0);
        return;
      }
      // From the 68020 on the register's own value is the decremented one.
      write(at, size, n == reg && run.model != MODEL_68000 ? base - size : gpr(n));
      if (run.fault != 0) return;
    }
    setGpr(reg, at);
    return;
  }
  let at: u32 = address(ea, size);
  run.prefetch = 2;
  for (let n: u32 = 0; n < 16 && run.fault == 0; n++) {
    if (((list >>> n) & 1) == 0) continue;
    write(at, size, gpr(n));
    at += size;
  }
}

export function op_movemr(w: u32, size: u32): void {
  const list: u32 = fetch16();
  const ea: u32 = eaOf(w);
  let at: u32 = ea >>> 3 == 3 ? aY(w) : address(ea, size);
  run.prefetch = 2;
  for (let n: u32 = 0; n < 16; n++) {
    if (((list >>> n) & 1) == 0) continue;
    const value: u32 = read(at, size);
    if (run.fault != 0) return;
    store<u32>(LOADED_BASE + (n << 2), signExtend(value, size));
    at += size;
  }
  for (let n: u32 = 0; n < 16; n++) {
    if (((list >>> n) & 1) != 0) setGpr(n, load<u32>(LOADED_BASE + (n << 2)));
  }
  if (ea >>> 3 == 3) setAreg(ea & 7, at);
}

// --- MOVEP: every other byte

export function op_movepr(w: u32, size: u32): void {
  const at: u32 = aY(w) + signExtend(fetch16(), 2);
  let value: u32 = 0;
  for (let i: u32 = 0; i < size; i++) {
    value = (value << 8) | read(at + (i << 1), 1);
    if (run.fault != 0) return;
  }
  setDXSized(w, size, value);
}

export function op_movepm(w: u32, size: u32): void {
  const at: u32 = aY(w) + signExtend(fetch16(), 2);
  const value: u32 = dX(w);
  for (let i: u32 = 0; i < size && run.fault == 0; i++) {
    write(at + (i << 1), 1, (value >>> ((size - 1 - i) << 3)) & 0xff);
  }
}

// --- Other address spaces

export function op_moves(w: u32, size: u32): void {
  const extension: u32 = fetch16();
  const at: u32 = address(eaOf(w), size);
  if (run.fault != 0) return;
  const reg: u32 = extension >>> 12;
  if ((extension & 0x800) != 0) {
    run.last_store = <u32>(run.model == MODEL_68040);
    writeSpace(at, size, gpr(reg), cpu.dfc);
    run.last_store = 0;
    return;
  }
  const value: u32 = readSpace(at, size, cpu.sfc);
  if (run.fault != 0) return;
  if (reg >= 8) setGpr(reg, signExtend(value, size));
  else if (size == 4) setGpr(reg, value);
  else if (size == 2) store<u16>(GPR_BASE + (reg << 2), <u16>value);
  else store<u8>(GPR_BASE + (reg << 2), <u8>value);
}

// --- MOVE16: lines of 16 bytes at multiples of 16

function moveLine(from: u32, to: u32): void {
  run.line = 1;
  for (let i: u32 = 0; i < 16; i += 4) {
    const value: u32 = read((from & ~15) + i, 4);
    if (run.fault != 0) return;
    store<u32>(LOADED_BASE + i, value);
  }
  if (probeWrite(to & ~15, 16)) {
    for (let i: u32 = 0; i < 16 && run.fault == 0; i += 4) write((to & ~15) + i, 4, load<u32>(LOADED_BASE + i));
  }
}

/** Between a register and an absolute address. */
export function op_move16(w: u32): void {
  const kind: u32 = (w >>> 19) & 3;
  const absolute: u32 = fetch32();
  const pointer: u32 = aY(w);
  if ((kind & 1) == 0) moveLine(pointer, absolute);
  else moveLine(absolute, pointer);
  run.line = 0;
  if (run.fault == 0 && kind < 2) setAreg(regY(w), pointer + 16);
}

/** (Ax)+,(Ay)+ */
export function op_move16p(w: u32): void {
  const extension: u32 = fetch16();
  const x: u32 = regY(w);
  const y: u32 = (extension >>> 12) & 7;
  moveLine(areg(x), areg(y));
  run.line = 0;
  if (run.fault != 0) return;
  setAreg(x, areg(x) + 16);
  if (y != x) setAreg(y, areg(y) + 16);
}
