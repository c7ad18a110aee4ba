// SPDX-License-Identifier: MIT
//
// Advanced SIMD shifts by constants [ARM ARM] A7.4.4, and constants A7.4.6.
import { undefinedException } from './exceptions';
import { lane, odd2, oddQuad, place, saturate, saturated, saturatedLeft, setLane, shiftRight } from './neon-lanes';
import { BLOCK_BASE } from './state';
import { dd, dm, expandImmediate } from './vfp';

/** Size of the elements: the position of the highest bit of the seven of L and imm6, or 8 when there is none. */
// @ts-ignore: decorator
@inline
function sizeOf(op: u32): u32 {
  if ((op & 0x80) != 0) return 3;
  const imm: u32 = (op >>> 16) & 0x3f;
  return imm >= 32 ? 2 : imm >= 16 ? 1 : imm >= 8 ? 0 : 8;
}

/** The amount to the left; to the right it is the elements' length less this. */
// @ts-ignore: decorator
@inline
function leftAmount(op: u32, size: u32): u32 {
  const imm: u32 = (op >>> 16) & 0x3f;
  return size == 3 ? imm : imm - (8 << size);
}

export function op_neon_shift(op: u32): void {
  const size: u32 = sizeOf(op);
  if (size == 8) {
    undefinedException(op);
    return;
  }
  if (odd2(op)) return;
  const kind: u32 = (op >>> 8) & 15;
  const unsigned: bool = (op & 0x0100_0000) != 0;
  const bits: u32 = 8 << size;
  const left: u32 = leftAmount(op, size);
  const right: u32 = bits - left;
  const count: u32 = (8 << ((op >>> 6) & 1)) >>> size;
  const d: u32 = place(dd(op));
  const m: u32 = place(dm(op));
  const all: u64 = ~(<u64>0) >>> (64 - bits);
  for (let i: u32 = 0; i < count; i++) {
    const value: i64 = lane(m, size, i, unsigned && kind != 6);
    const old: i64 = lane(d, size, i, unsigned);
    let r: i64;
    switch (kind) {
      case 0: // VSHR
        r = shiftRight(value, right, unsigned, false);
        break;
      case 1: // VSRA
        r = old + shiftRight(value, right, unsigned, false);
        break;
      case 2: // VRSHR
        r = shiftRight(value, right, unsigned, true);
        break;
      case 3: // VRSRA
        r = old + shiftRight(value, right, unsigned, true);
        break;
      case 4: {
        // VSRI
        const kept: u64 = right == 64 ? ~(<u64>0) : ~(all >>> right);
        r = (old & <i64>kept) | (right == 64 ? 0 : <i64>((<u64>value & all) >>> right));
        break;
      }
      case 5: // VSHL, VSLI
        r = unsigned ? (old & <i64>((<u64>1 << left) - 1)) | (value << left) : value << left;
        break;
      case 6: // VQSHLU
        if (value < 0) {
          saturated();
          r = 0;
        } else {
          r = saturatedLeft(value, left, size, true);
        }
        break;
      default: // VQSHL
        r = saturatedLeft(value, left, size, unsigned);
        break;
    }
    setLane(d, size, i, r);
  }
}

/** VSHRN and its like: to elements of half the length. */
export function op_neon_shift_narrow(op: u32): void {
  const size: u32 = sizeOf(op);
  if (size > 2) {
    undefinedException(op);
    return;
  }
  if (oddQuad(op, dm(op))) return;
  const plain: bool = (op & 0x100) == 0;
  const u: bool = (op & 0x0100_0000) != 0;
  const rounding: bool = (op & 0x40) != 0;
  // VQSHRUN takes signed elements to unsigned ones.
  const unsigned: bool = !plain && u;
  const right: u32 = (8 << size) - leftAmount(op, size);
  memory.copy(BLOCK_BASE, place(dm(op)), 16);
  const count: u32 = 8 >>> size;
  for (let i: u32 = 0; i < count; i++) {
    const value: i64 = shiftRight(lane(BLOCK_BASE, size + 1, i, unsigned), right, unsigned, rounding);
    setLane(place(dd(op)), size, i, plain && !u ? value : narrowed(value, size, unsigned, u));
  }
}

/** An element of 8 bytes may be a large unsigned number. */
export function narrowed(value: i64, size: u32, fromUnsigned: bool, toUnsigned: bool): i64 {
  if (fromUnsigned && value < 0) {
    saturated();
    return ~0;
  }
  return saturate(value, size, toUnsigned);
}

/** VSHLL and VMOVL. */
export function op_neon_shift_long(op: u32): void {
  const size: u32 = sizeOf(op);
  if (size > 2) {
    undefinedException(op);
    return;
  }
  if (oddQuad(op, dd(op))) return;
  const left: u32 = leftAmount(op, size);
  const unsigned: bool = (op & 0x0100_0000) != 0;
  store<u64>(BLOCK_BASE, load<u64>(place(dm(op))));
  const count: u32 = 8 >>> size;
  for (let i: u32 = 0; i < count; i++) {
    setLane(place(dd(op)), size + 1, i, lane(BLOCK_BASE, size, i, unsigned) << left);
  }
}

/** A constant of eight bits spread as `cmode` and `o` say [ARM ARM] A7.4.6. */
export function spread(imm: u32, cmode: u32, o: u32): u64 {
  let word: u32;
  switch (cmode >>> 1) {
    case 0:
    case 1:
    case 2:
    case 3:
      word = imm << ((cmode >>> 1) << 3);
      break;
    case 4:
      word = imm * 0x0001_0001;
      break;
    case 5:
      word = (imm << 8) * 0x0001_0001;
      break;
    case 6:
      word = (cmode & 1) == 0 ? (imm << 8) | 0xff : (imm << 16) | 0xffff;
      break;
    default:
      if ((cmode & 1) != 0) {
        word = expandImmediate(imm);
      } else if (o == 0) {
        word = imm * 0x0101_0101;
      } else {
        let value: u64 = 0;
        for (let n: u32 = 0; n < 8; n++) if (((imm >>> n) & 1) != 0) value |= <u64>0xff << (n << 3);
        return value;
      }
      break;
  }
  return (<u64>word << 32) | <u64>word;
}

/** VMOV, VMVN, VORR, VBIC of a constant. */
export function op_neon_immediate(op: u32): void {
  const cmode: u32 = (op >>> 8) & 15;
  const o: u32 = (op >>> 5) & 1;
  const quad: u32 = (op >>> 6) & 1;
  const n: u32 = dd(op);
  if ((cmode == 15 && o != 0) || (quad != 0 && (n & 1) != 0)) {
    undefinedException(op);
    return;
  }
  const imm: u32 = ((op >>> 17) & 0x80) | ((op >>> 12) & 0x70) | (op & 15);
  const value: u64 = spread(imm, cmode, o);
  const combines: bool = (cmode & 1) != 0 && cmode < 12;
  for (let i: u32 = 0; i <= quad; i++) {
    const at: u32 = place(n + i);
    const old: u64 = load<u64>(at);
    if (combines) store<u64>(at, o != 0 ? old & ~value : old | value);
    else store<u64>(at, o != 0 && cmode < 14 ? ~value : value);
  }
}
