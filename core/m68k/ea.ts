// SPDX-License-Identifier: MIT
//
// Effective addresses [M68000PRM §2].
import { fetch16, fetch32, pcNext } from './code';
import { MODEL_68000 } from './constants';
import { UNDO_PROGRAM, remember } from './faults';
import { eaOf, setDYSized, signExtend } from './flags';
import { read, write, writeLast } from './memory';
import { SP, cpu, gpr, run, setGpr } from './state';

/** How much (An)+ and -(An) change An: a byte on the stack takes a word. */
// @ts-ignore: decorator
@inline
export function step(reg: u32, size: u32): u32 {
  return size == 1 && reg == SP ? 2 : size;
}

/** Where MOVE stores. The 68000 changes An after the store, and goes down a long word by words. */
export function moveTarget(ea: u32, size: u32): u32 {
  if (run.model == MODEL_68000 && size != 1 && ea >>> 3 == 3) {
    const base: u32 = gpr(8 | (ea & 7));
    if ((base & 1) != 0) {
      run.fault = 0;
      run.prefetch = 0;
      return base;
    }
  }
  if (run.model == MODEL_68000 && size == 4 && ea >>> 3 == 4) {
    const base: u32 = gpr(8 | (ea & 7));
    if ((base & 1) != 0) {
      run.fault = 0;
      return base - 2;
    }
  }
  return address(ea, size);
}

/** Address of the memory operand with the mode and register `ea`. `run.fault` tells whether there is one. */
export function address(ea: u32, size: u32): u32 {
  run.fault = 0;
  run.prefetch = ea >>> 3 == 4 ? (size == 4 ? 0 : 2) : ea >>> 3 < 5 || (ea & 0x3e) == 0x38 ? 0 : -2;
  const reg: u32 = 8 | (ea & 7);
  const base: u32 = gpr(reg);
  switch (ea >>> 3) {
    case 3:
      remember(reg, base);
      // The 68000 increments between the words of a long operand: not before the first can fail.
      if (size != 4 || (base & 1) == 0 || run.model != MODEL_68000) setGpr(reg, base + step(reg, size));
      return base;
    case 4: {
      remember(reg, base);
      const down: u32 = base - step(reg, size);
      setGpr(reg, down);
      return down;
    }
    case 5:
      return base + signExtend(fetch16(), 2);
    case 6:
      return indexed(base);
    case 7:
      switch (ea & 7) {
        case 0:
          return signExtend(fetch16(), 2);
        case 1:
          return fetch32();
        case 2: {
          const pc: u32 = pcNext();
          run.undo |= UNDO_PROGRAM;
          return pc + signExtend(fetch16(), 2);
        }
        default:
          run.undo |= UNDO_PROGRAM;
          return indexed(pcNext());
      }
    default:
      return base;
  }
}

/** The modes with an index: brief, and from the 68020 on full extension words. */
function indexed(base: u32): u32 {
  const extension: u32 = fetch16();
  let index: u32 = gpr(extension >>> 12);
  if ((extension & 0x800) == 0) index = signExtend(index, 2);
  if (run.model == MODEL_68000) return base + index + signExtend(extension, 1);
  index <<= (extension >>> 9) & 3;
  if ((extension & 0x100) == 0) return base + index + signExtend(extension, 1);
  if ((extension & 0x80) != 0) base = 0;
  if ((extension & 0x40) != 0) index = 0;
  const size: u32 = (extension >>> 4) & 3;
  if (size == 2) base += signExtend(fetch16(), 2);
  else if (size == 3) base += fetch32();
  const indirect: u32 = extension & 7;
  if (indirect == 0) return base + index;
  const after: bool = (indirect & 4) != 0; // postindexed
  let outer: u32 = 0;
  if ((indirect & 3) == 2) outer = signExtend(fetch16(), 2);
  else if ((indirect & 3) == 3) outer = fetch32();
  const pointer: u32 = read(after ? base : base + index, 4);
  if (run.fault != 0) return 0;
  return pointer + outer + (after ? index : 0);
}

/** The operand in any mode; a register's or immediate's upper bits are whatever they are. */
export function operand(w: u32, size: u32): u32 {
  const ea: u32 = eaOf(w);
  if (ea < 16) {
    run.fault = 0;
    return gpr(ea);
  }
  if (ea == 0x3c) {
    run.fault = 0;
    return size == 4 ? fetch32() : fetch16();
  }
  const at: u32 = address(ea, size);
  if (run.fault != 0) return 0;
  return read(at, size);
}

/** Stores to a data alterable operand, as the last thing an instruction does. */
export function setOperand(w: u32, size: u32, value: u32): void {
  const ea: u32 = eaOf(w);
  if (ea < 8) {
    run.fault = 0;
    setDYSized(w, size, value);
    return;
  }
  const at: u32 = address(ea, size);
  if (run.fault == 0) writeLast(at, size, value);
}
