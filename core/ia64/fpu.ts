// SPDX-License-Identifier: MIT
//
// Floating-point instructions [SDM3]: operands are register numbers in a (target), b (f2), c (f3) and d (f4).
import { ALAT_FLOATING, alatHasAccess, alatInsert, alatRemove } from './alat';
import { goOnWithNats, natConsumption, raise, reservedField, stopAfter } from './fault';
import {
  DENORMAL,
  EQUAL,
  GREATER,
  I,
  INTEGER_SE,
  KIND_DOUBLE,
  KIND_DYNAMIC,
  KIND_PARALLEL,
  KIND_SINGLE,
  LESS,
  NATVAL_SE,
  O,
  QNAN,
  SIGN,
  SNAN,
  U,
  UNORDERED,
  UNSUPPORTED,
  V,
  Z,
  addFlags,
  classify,
  compare,
  enabled,
  exponentOf,
  flags,
  fromDouble,
  fromExtended,
  fromSingle,
  highProduct,
  isNatVal,
  multiply,
  multiplyAdd,
  natVal,
  parallelReciprocal,
  parallelRoot,
  reciprocalApproximation,
  rootApproximation,
  se,
  setEnvironment,
  setResult,
  setRounding,
  sig,
  takeFlags,
  toDouble,
  toExtended,
  toInteger,
  toSingle,
} from './float';
import { mayRead } from './loadstore';
import { data, readData, readable, translate, writable, writeData } from './memory';
import {
  A,
  ACCESS_READ,
  ACCESS_WRITE,
  B,
  C,
  D,
  FAULT_FP_FAULT,
  FAULT_FP_TRAP,
  REASON_FAULT,
  UM_MFH,
  UM_MFL,
  cpuOf,
  fr,
  gr,
  imm,
  nat,
  pr,
  setGr,
  setNat,
  setPair,
  setPredicates,
} from './state';
import { setUnconditional } from './integer';

// @ts-ignore: decorator
@inline
function sigOf(register: u32): u64 {
  return load<u64>(register);
}

// @ts-ignore: decorator
@inline
function seOf(register: u32): u32 {
  return load<u32>(register, 8);
}

/** Writes a register and notes in the user mask which half of the file it is in. */
// @ts-ignore: decorator
@inline
function write(base: u32, n: u32, significand: u64, signExponent: u32): void {
  const register: u32 = fr(base, n);
  store<u64>(register, significand);
  store<u32>(register, signExponent, 8);
  cpuOf(base).um |= n < 32 ? UM_MFL : UM_MFH;
}

// @ts-ignore: decorator
@inline
function natValIn(register: u32): bool {
  return isNatVal(sigOf(register), seOf(register));
}

// @ts-ignore: decorator
@inline
function fieldOf(at: u32): u32 {
  return load<u32>(at, 8) & 3;
}

// --- Exceptions

/** Faults come before the result: no register is written. False: the fault has been raised. */
function settle(base: u32, at: u32, field: u32, raised: u32, code: u32): bool {
  if (raised == 0) return true;
  if ((raised & enabled & (V | DENORMAL | Z)) != 0) {
    raise(base, at, FAULT_FP_FAULT);
    cpuOf(base).isr = code;
    return false;
  }
  cpuOf(base).fpsr |= (<u64>raised) << (13 + 13 * field);
  return true;
}

/** ISR code of a fault by raised exceptions: V, D, Z in bits 0 to 2, of the lower of a pair in bits 4 to 6. */
// @ts-ignore: decorator
@inline
function faultCode(raised: u32): u32 {
  return raised & 7;
}

/** Traps come after it. */
function trap(base: u32, at: u32, raised: u32, low: u32): bool {
  if (((raised | low) & enabled & (O | U | I)) == 0) return true;
  stopAfter(base, at, REASON_FAULT);
  const cpu = cpuOf(base);
  cpu.fault = FAULT_FP_TRAP;
  cpu.access = 0;
  cpu.address = cpu.ip;
  cpu.isr = 1 | (((raised & enabled) >> 3) << 11) | (((low & enabled) >> 3) << 7);
  return false;
}

/** The scalar result in `sig` and `se` goes to the target. */
function finish(base: u32, at: u32, field: u32): bool {
  const raised: u32 = flags;
  if (!settle(base, at, field, raised, faultCode(raised & enabled))) return false;
  write(base, A(at), sig, se);
  return raised == 0 || trap(base, at, raised, 0);
}

// --- Multiply-add

function multiplyAdds(base: u32, at: u32, kind: u32, productSign: u32, addendSign: u32): bool {
  const field: u32 = fieldOf(at);
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  const d: u32 = fr(base, D(at));
  if (natValIn(b) || natValIn(c) || natValIn(d)) {
    write(base, A(at), 0, NATVAL_SE);
    return true;
  }
  setEnvironment(cpuOf(base).fpsr, field, kind);
  multiplyAdd(sigOf(b), seOf(b), sigOf(c), seOf(c), sigOf(d), seOf(d), productSign, addendSign, B(at) == 0);
  return finish(base, at, field);
}

export function op_fma(base: u32, at: u32): bool { return multiplyAdds(base, at, KIND_DYNAMIC, 0, 0); }
export function op_fma_s(base: u32, at: u32): bool { return multiplyAdds(base, at, KIND_SINGLE, 0, 0); }
export function op_fma_d(base: u32, at: u32): bool { return multiplyAdds(base, at, KIND_DOUBLE, 0, 0); }
export function op_fms(base: u32, at: u32): bool { return multiplyAdds(base, at, KIND_DYNAMIC, 0, SIGN); }
export function op_fms_s(base: u32, at: u32): bool { return multiplyAdds(base, at, KIND_SINGLE, 0, SIGN); }
export function op_fms_d(base: u32, at: u32): bool { return multiplyAdds(base, at, KIND_DOUBLE, 0, SIGN); }
export function op_fnma(base: u32, at: u32): bool { return multiplyAdds(base, at, KIND_DYNAMIC, SIGN, 0); }
export function op_fnma_s(base: u32, at: u32): bool { return multiplyAdds(base, at, KIND_SINGLE, SIGN, 0); }
export function op_fnma_d(base: u32, at: u32): bool { return multiplyAdds(base, at, KIND_DOUBLE, SIGN, 0); }

// --- Parallel pairs: two singles in a significand

const MULTIPLY_ADD: u32 = 0;
const RECIPROCAL: u32 = 1;
const ROOT: u32 = 2;
const TO_INTEGER: u32 = 3;
const MIN: u32 = 4;
const MAX: u32 = 5;
const MIN_MAGNITUDE: u32 = 6;
const MAX_MAGNITUDE: u32 = 7;
const RELATION: u32 = 8;

/** Did the last lane's approximation set its predicate? */
let approximated: bool = false;

/** One lane; what the instruction asks for further is in `option`. */
function lane(operation: u32, option: u32, b: u32, c: u32, d: u32, multiplyOnly: bool): u32 {
  fromSingle(b);
  const bs: u64 = sig;
  const be: u32 = se;
  fromSingle(c);
  const cs: u64 = sig;
  const ce: u32 = se;
  switch (operation) {
    case MULTIPLY_ADD:
      fromSingle(d);
      multiplyAdd(bs, be, cs, ce, sig, se, (option & 1) != 0 ? SIGN : 0, (option & 2) != 0 ? SIGN : 0, multiplyOnly);
      return toSingle(sig, se);
    case RECIPROCAL:
      approximated = parallelReciprocal(bs, be, cs, ce);
      return toSingle(sig, se);
    case ROOT:
      approximated = parallelRoot(cs, ce);
      return toSingle(sig, se);
    case TO_INTEGER:
      toInteger(bs, be, 32, (option & 1) != 0);
      return <u32>sig;
    case RELATION:
      return related(option, compare(bs, be, cs, ce, signals(option))) ? 0xffff_ffff : 0;
    default:
      return isFirst(operation, bs, be, cs, ce) ? b : c;
  }
}

function parallel(base: u32, at: u32, operation: u32, option: u32): bool {
  const field: u32 = fieldOf(at);
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  const third: bool = operation == MULTIPLY_ADD;
  const second: bool = operation != TO_INTEGER;
  const d: u32 = third ? fr(base, D(at)) : second ? c : b;
  if ((operation != ROOT && natValIn(b)) || (second && natValIn(c)) || natValIn(d)) {
    write(base, A(at), 0, NATVAL_SE);
    approximated = false;
    return true;
  }
  setEnvironment(cpuOf(base).fpsr, field, KIND_PARALLEL);
  if (operation == TO_INTEGER && (option & 2) != 0) setRounding(3);
  const only: bool = B(at) == 0;
  const high: u32 = lane(operation, option, <u32>(sigOf(b) >> 32), <u32>(sigOf(c) >> 32), <u32>(sigOf(d) >> 32), only);
  const highFlags: u32 = takeFlags();
  const highApproximated: bool = approximated;
  const low: u32 = lane(operation, option, <u32>sigOf(b), <u32>sigOf(c), <u32>sigOf(d), only);
  const lowFlags: u32 = flags;
  approximated = approximated && highApproximated;
  const code: u32 = faultCode(highFlags & enabled) | (faultCode(lowFlags & enabled) << 4);
  if (!settle(base, at, field, highFlags | lowFlags, code)) return false;
  write(base, A(at), ((<u64>high) << 32) | low, INTEGER_SE);
  return trap(base, at, highFlags, lowFlags);
}

export function op_fpma(base: u32, at: u32): bool { return parallel(base, at, MULTIPLY_ADD, 0); }
export function op_fpms(base: u32, at: u32): bool { return parallel(base, at, MULTIPLY_ADD, 2); }
export function op_fpnma(base: u32, at: u32): bool { return parallel(base, at, MULTIPLY_ADD, 1); }
export function op_fpmin(base: u32, at: u32): bool { return parallel(base, at, MIN, 0); }
export function op_fpmax(base: u32, at: u32): bool { return parallel(base, at, MAX, 0); }
export function op_fpamin(base: u32, at: u32): bool { return parallel(base, at, MIN_MAGNITUDE, 0); }
export function op_fpamax(base: u32, at: u32): bool { return parallel(base, at, MAX_MAGNITUDE, 0); }
export function op_fpcmp(base: u32, at: u32): bool { return parallel(base, at, RELATION, D(at)); }
export function op_fpcvt(base: u32, at: u32): bool { return parallel(base, at, TO_INTEGER, D(at)); }

// --- Approximations: p2, in d, says whether iterations follow

/** These look at their qualifying predicate themselves: when it is 0, p2 is cleared. */
// @ts-ignore: decorator
@inline
function qualified(base: u32, at: u32): bool {
  return pr(base, load<u32>(at, 12)) != 0;
}

// @ts-ignore: decorator
@inline
function setP2(base: u32, at: u32, bit: bool): void {
  setPredicates(base, 0, D(at), 1, bit ? 1 : 0);
}

function approximate(base: u32, at: u32, root: bool): bool {
  if (!qualified(base, at)) {
    setP2(base, at, false);
    return true;
  }
  const field: u32 = fieldOf(at);
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  if ((!root && natValIn(b)) || natValIn(c)) {
    write(base, A(at), 0, NATVAL_SE);
    setP2(base, at, false);
    return true;
  }
  setEnvironment(cpuOf(base).fpsr, field, KIND_DYNAMIC);
  const more: bool = root
    ? rootApproximation(sigOf(c), seOf(c))
    : reciprocalApproximation(sigOf(b), seOf(b), sigOf(c), seOf(c));
  const raised: u32 = flags;
  if (!settle(base, at, field, raised, faultCode(raised & enabled))) return false;
  setP2(base, at, more);
  write(base, A(at), sig, se);
  return trap(base, at, raised, 0);
}

export function op_frcpa(base: u32, at: u32): bool { return approximate(base, at, false); }
export function op_frsqrta(base: u32, at: u32): bool { return approximate(base, at, true); }

function approximatePair(base: u32, at: u32, operation: u32): bool {
  if (!qualified(base, at)) {
    setP2(base, at, false);
    return true;
  }
  if (!parallel(base, at, operation, 0)) return false;
  setP2(base, at, approximated);
  return true;
}

export function op_fprcpa(base: u32, at: u32): bool { return approximatePair(base, at, RECIPROCAL); }
export function op_fprsqrta(base: u32, at: u32): bool { return approximatePair(base, at, ROOT); }

// --- Minimum and maximum

/** Is b the one to be taken? NaNs are invalid, and c is taken. */
function isFirst(operation: u32, bs: u64, be: u32, cs: u64, ce: u32): bool {
  if (operation >= MIN_MAGNITUDE) {
    be &= ~SIGN;
    ce &= ~SIGN;
  }
  const relation: u32 = compare(bs, be, cs, ce, true);
  return relation == ((operation & 1) != 0 ? GREATER : LESS);
}

function choose(base: u32, at: u32, operation: u32): bool {
  const field: u32 = fieldOf(at);
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  if (natValIn(b) || natValIn(c)) {
    write(base, A(at), 0, NATVAL_SE);
    return true;
  }
  setEnvironment(cpuOf(base).fpsr, field, KIND_DYNAMIC);
  const from: u32 = isFirst(operation, sigOf(b), seOf(b), sigOf(c), seOf(c)) ? b : c;
  setResult(sigOf(from), seOf(from));
  return finish(base, at, field);
}

export function op_fmin(base: u32, at: u32): bool { return choose(base, at, MIN); }
export function op_fmax(base: u32, at: u32): bool { return choose(base, at, MAX); }
export function op_famin(base: u32, at: u32): bool { return choose(base, at, MIN_MAGNITUDE); }
export function op_famax(base: u32, at: u32): bool { return choose(base, at, MAX_MAGNITUDE); }

// --- Compares: eq, lt, le, unord, and with 4 their opposites

// @ts-ignore: decorator
@inline
function signals(relation: u32): bool {
  return (relation & 3) == 1 || (relation & 3) == 2;
}

// @ts-ignore: decorator
@inline
function related(relation: u32, found: u32): bool {
  let wanted: u32 = EQUAL;
  switch (relation & 3) {
    case 1:
      wanted = LESS;
      break;
    case 2:
      wanted = LESS | EQUAL;
      break;
    case 3:
      wanted = UNORDERED;
      break;
  }
  return ((found & wanted) != 0) != ((relation & 4) != 0);
}

/** imm is ra, rb, sf: the relation is rb | ra << 1, in the table's order eq, lt, le, unord. */
function compares(base: u32, at: u32): bool {
  const code: u32 = load<u32>(at, 8);
  const field: u32 = code & 3;
  // ra is bit 33 and rb bit 36 of the slot: 00 eq, 01 lt, 10 le, 11 unord.
  const relation: u32 = code >>> 2;
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  if (natValIn(b) || natValIn(c)) {
    setPredicates(base, A(at), D(at), 0, 0);
    return true;
  }
  setEnvironment(cpuOf(base).fpsr, field, KIND_DYNAMIC);
  const found: u32 = compare(sigOf(b), seOf(b), sigOf(c), seOf(c), signals(relation));
  if (!settle(base, at, field, flags, faultCode(flags & enabled))) return false;
  setPair(base, A(at), D(at), related(relation, found));
  return true;
}

export function op_fcmp(base: u32, at: u32): bool {
  return compares(base, at);
}

export function op_fcmp_unc(base: u32, at: u32): bool {
  if (qualified(base, at)) return compares(base, at);
  setPredicates(base, A(at), D(at), 0, 0);
  return true;
}

/** The class mask: sign + -, zero, unnormal, normal, infinity, signalling and quiet NaN, NaTVal from bit 0 on. */
function inClass(mask: u32, s: u64, e: u32): bool {
  const kind: u32 = classify(s, e);
  switch (kind) {
    case UNSUPPORTED:
      return false;
    case SNAN:
      return (mask & 0x40) != 0;
    case QNAN:
      return (mask & 0x80) != 0;
    case 7: // NaTVal
      return (mask & 0x100) != 0;
  }
  if ((mask & ((e & SIGN) != 0 ? 2 : 1)) == 0) return false;
  switch (kind) {
    case 0:
      return (mask & 0x10) != 0;
    case 1:
      return (mask & 0x04) != 0;
    case 2:
      return (mask & 0x08) != 0;
    default:
      return (mask & 0x20) != 0;
  }
}

/** A NaTVal that is not asked for clears both predicates. */
export function op_fclass(base: u32, at: u32): bool {
  const b: u32 = fr(base, B(at));
  const mask: u32 = load<u32>(at, 8);
  if (natValIn(b) && (mask & 0x100) == 0) setPredicates(base, A(at), D(at), 0, 0);
  else setPair(base, A(at), D(at), inClass(mask, sigOf(b), seOf(b)));
  return true;
}

export function op_fclass_unc(base: u32, at: u32): bool {
  if (pr(base, C(at)) != 0) return op_fclass(base, at);
  setPredicates(base, A(at), D(at), 0, 0);
  return true;
}

// --- Conversions

/** d: bit 0 unsigned, bit 1 truncate. */
export function op_fcvt(base: u32, at: u32): bool {
  const field: u32 = fieldOf(at);
  const b: u32 = fr(base, B(at));
  if (natValIn(b)) {
    write(base, A(at), 0, NATVAL_SE);
    return true;
  }
  setEnvironment(cpuOf(base).fpsr, field, KIND_DYNAMIC);
  if ((D(at) & 2) != 0) setRounding(3);
  toInteger(sigOf(b), seOf(b), 64, (D(at) & 1) != 0);
  return finish(base, at, field);
}

/** From a signed integer, exactly. */
export function op_fcvt_xf(base: u32, at: u32): bool {
  const b: u32 = fr(base, B(at));
  const s: u64 = sigOf(b);
  if (natValIn(b)) {
    write(base, A(at), 0, NATVAL_SE);
  } else if (s == 0) {
    write(base, A(at), 0, 0);
  } else {
    const negative: bool = <i64>s < 0;
    const magnitude: u64 = negative ? -s : s;
    const zeros: u32 = <u32>clz(magnitude);
    write(base, A(at), magnitude << zeros, (negative ? SIGN : 0) | (INTEGER_SE - zeros));
  }
  return true;
}

// --- Integers in significands

function integerMultiply(base: u32, at: u32, part: u32): bool {
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  const d: u32 = fr(base, D(at));
  if (natValIn(b) || natValIn(c) || natValIn(d)) {
    write(base, A(at), 0, NATVAL_SE);
    return true;
  }
  const m: u64 = sigOf(c);
  const n: u64 = sigOf(d);
  const addend: u64 = sigOf(b);
  let result: u64;
  if (part == 0) {
    result = m * n + addend;
  } else {
    const low: u64 = multiply(m, n);
    result = highProduct();
    if (part == 2) {
      if (<i64>m < 0) result -= n;
      if (<i64>n < 0) result -= m;
    }
    if (low + addend < low) result++;
  }
  write(base, A(at), result, INTEGER_SE);
  return true;
}

export function op_xma_l(base: u32, at: u32): bool { return integerMultiply(base, at, 0); }
export function op_xma_hu(base: u32, at: u32): bool { return integerMultiply(base, at, 1); }
export function op_xma_h(base: u32, at: u32): bool { return integerMultiply(base, at, 2); }

// --- Logic, merges, permutations: no exceptions, NaTVal if an operand is one

/** The significand of a result of these, with an integer's exponent. */
// @ts-ignore: decorator
@inline
function bits(base: u32, at: u32, b: u32, c: u32, value: u64): bool {
  if (natValIn(b) || natValIn(c)) write(base, A(at), 0, NATVAL_SE);
  else write(base, A(at), value, INTEGER_SE);
  return true;
}

export function op_fselect(base: u32, at: u32): bool {
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  const d: u32 = fr(base, D(at));
  if (natValIn(d)) return bits(base, at, d, d, 0);
  return bits(base, at, b, c, (sigOf(c) & sigOf(b)) | (sigOf(d) & ~sigOf(b)));
}

export function op_fand(base: u32, at: u32): bool {
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  return bits(base, at, b, c, sigOf(b) & sigOf(c));
}

export function op_fandcm(base: u32, at: u32): bool {
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  return bits(base, at, b, c, sigOf(b) & ~sigOf(c));
}

export function op_for(base: u32, at: u32): bool {
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  return bits(base, at, b, c, sigOf(b) | sigOf(c));
}

export function op_fxor(base: u32, at: u32): bool {
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  return bits(base, at, b, c, sigOf(b) ^ sigOf(c));
}

/** Sign and exponent by `from` and `mask` of b, the rest of c. */
// @ts-ignore: decorator
@inline
function merge(base: u32, at: u32, invert: u32, mask: u32): bool {
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  if (natValIn(b) || natValIn(c)) write(base, A(at), 0, NATVAL_SE);
  else write(base, A(at), sigOf(c), ((seOf(b) ^ invert) & mask) | (seOf(c) & ~mask));
  return true;
}

export function op_fmerge_s(base: u32, at: u32): bool { return merge(base, at, 0, SIGN); }
export function op_fmerge_ns(base: u32, at: u32): bool { return merge(base, at, SIGN, SIGN); }
export function op_fmerge_se(base: u32, at: u32): bool { return merge(base, at, 0, 0x3_ffff); }

// @ts-ignore: decorator
@inline
function mergePair(base: u32, at: u32, invert: u64, mask: u64): bool {
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  return bits(base, at, b, c, ((sigOf(b) ^ invert) & mask) | (sigOf(c) & ~mask));
}

const SIGNS: u64 = 0x8000_0000_8000_0000;

export function op_fpmerge_s(base: u32, at: u32): bool { return mergePair(base, at, 0, SIGNS); }
export function op_fpmerge_ns(base: u32, at: u32): bool { return mergePair(base, at, SIGNS, SIGNS); }
export function op_fpmerge_se(base: u32, at: u32): bool { return mergePair(base, at, 0, 0xff80_0000_ff80_0000); }

// @ts-ignore: decorator
@inline
function joined(high: u64, low: u64): u64 {
  return (high << 32) | (low & 0xffff_ffff);
}

export function op_fmix_lr(base: u32, at: u32): bool {
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  return bits(base, at, b, c, joined(sigOf(b) >> 32, sigOf(c)));
}

export function op_fmix_r(base: u32, at: u32): bool {
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  return bits(base, at, b, c, joined(sigOf(b), sigOf(c)));
}

export function op_fmix_l(base: u32, at: u32): bool {
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  return bits(base, at, b, c, joined(sigOf(b) >> 32, sigOf(c) >> 32));
}

export function op_fsxt_r(base: u32, at: u32): bool {
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  return bits(base, at, b, c, joined(<u64>(<i64><i32>sigOf(b) >> 63), sigOf(c)));
}

export function op_fsxt_l(base: u32, at: u32): bool {
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  return bits(base, at, b, c, joined(<u64>(<i64>sigOf(b) >> 63), sigOf(c) >> 32));
}

export function op_fpack(base: u32, at: u32): bool {
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  return bits(base, at, b, c, joined(toSingle(sigOf(b), seOf(b)), toSingle(sigOf(c), seOf(c))));
}

// @ts-ignore: decorator
@inline
function swap(base: u32, at: u32, invert: u64): bool {
  const b: u32 = fr(base, B(at));
  const c: u32 = fr(base, C(at));
  return bits(base, at, b, c, joined(sigOf(c), sigOf(b) >> 32) ^ invert);
}

export function op_fswap(base: u32, at: u32): bool { return swap(base, at, 0); }
export function op_fswap_nl(base: u32, at: u32): bool { return swap(base, at, 0x8000_0000_0000_0000); }
export function op_fswap_nr(base: u32, at: u32): bool { return swap(base, at, 0x8000_0000); }

// --- Status fields

export function op_fsetc(base: u32, at: u32): bool {
  const cpu = cpuOf(base);
  const field: u32 = fieldOf(at);
  const controls: u32 = ((<u32>(cpu.fpsr >> 6) & 0x7f) & B(at)) | C(at);
  if (((controls >> 2) & 3) == 1 || (field == 0 && (controls & 0x40) != 0)) return reservedField(base, at);
  const place: u32 = 6 + 13 * field;
  cpu.fpsr = (cpu.fpsr & ~((<u64>0x7f) << place)) | ((<u64>controls) << place);
  return true;
}

export function op_fclrf(base: u32, at: u32): bool {
  cpuOf(base).fpsr &= ~((<u64>0x3f) << (13 + 13 * fieldOf(at)));
  return true;
}

// --- Moves from and to general registers

/** A NaT becomes NaTVal. */
function setf(base: u32, at: u32, significand: u64, signExponent: u32): bool {
  if (nat(base, B(at)) != 0) write(base, A(at), 0, NATVAL_SE);
  else write(base, A(at), significand, signExponent);
  return true;
}

export function op_setf_sig(base: u32, at: u32): bool {
  return setf(base, at, gr(base, B(at)), INTEGER_SE);
}

export function op_setf_exp(base: u32, at: u32): bool {
  return setf(base, at, 0x8000_0000_0000_0000, <u32>gr(base, B(at)) & 0x3_ffff);
}

export function op_setf_s(base: u32, at: u32): bool {
  fromSingle(<u32>gr(base, B(at)));
  return setf(base, at, sig, se);
}

export function op_setf_d(base: u32, at: u32): bool {
  fromDouble(gr(base, B(at)));
  return setf(base, at, sig, se);
}

/** NaTVal becomes a NaT. */
function getf(base: u32, at: u32, register: u32, value: u64): bool {
  setGr(base, A(at), value);
  if (!natValIn(register)) {
    setNat(base, A(at), 0);
    return true;
  }
  setNat(base, A(at), 1);
  return goOnWithNats(base, at);
}

export function op_getf_sig(base: u32, at: u32): bool {
  const b: u32 = fr(base, B(at));
  return getf(base, at, b, sigOf(b));
}

export function op_getf_exp(base: u32, at: u32): bool {
  const b: u32 = fr(base, B(at));
  return getf(base, at, b, seOf(b));
}

export function op_getf_s(base: u32, at: u32): bool {
  const b: u32 = fr(base, B(at));
  return getf(base, at, b, toSingle(sigOf(b), seOf(b)));
}

export function op_getf_d(base: u32, at: u32): bool {
  const b: u32 = fr(base, B(at));
  return getf(base, at, b, toDouble(sigOf(b), seOf(b)));
}

// --- Loads: d is x6, its low two bits the format (extended, integer, single, double), then the type as for integers

const FORMAT_EXTENDED: u32 = 0;
const FORMAT_INTEGER: u32 = 1;
const FORMAT_SINGLE: u32 = 2;

/** Bytes in memory of a format; a spilled register has 16. */
// @ts-ignore: decorator
@inline
function bytesOf(x6: u32): u32 {
  if ((x6 & 0x1c) == 0x18) return 16;
  const format: u32 = x6 & 3;
  return format == FORMAT_EXTENDED ? 10 : format == FORMAT_SINGLE ? 4 : 8;
}

/** Puts the value of a format into `sig` and `se`. */
function fromMemory(format: u32, value: u64): void {
  switch (format) {
    case FORMAT_INTEGER:
      setResult(value, INTEGER_SE);
      return;
    case FORMAT_SINGLE:
      fromSingle(<u32>value);
      return;
    default:
      fromDouble(value);
      return;
  }
}

/** Loads into `sig` and `se`; false after a fault. */
function readFloat(base: u32, at: u32, va: u64, x6: u32): bool {
  const bytes: u32 = bytesOf(x6);
  if (bytes <= 8) {
    const host: u32 = readable(base, va, bytes);
    if (host != 0) {
      fromMemory(x6 & 3, bytes == 4 ? <u64>load<u32>(host) : load<u64>(host));
      return true;
    }
    if (!readData(base, at, va, bytes)) return false;
    fromMemory(x6 & 3, data);
    return true;
  }
  if (!readData(base, at, va, 8)) return false;
  const significand: u64 = data;
  if (bytes == 16) {
    if (!readData(base, at, va + 8, 8)) return false;
    setResult(significand, <u32>data & 0x3_ffff);
  } else {
    if (!readData(base, at, va + 8, 2)) return false;
    fromExtended(significand, <u32>data);
  }
  return true;
}

/** The loads but for the update of the address. */
function loadFloat(base: u32, at: u32, va: u64): bool {
  const x6: u32 = D(at);
  const type: u32 = x6 >>> 2;
  const register: u32 = A(at) | ALAT_FLOATING;
  const bytes: u32 = bytesOf(x6);
  if (nat(base, C(at)) != 0 && type != 1 && type != 3) return natConsumption(base, at);
  if ((type == 1 || type == 3) && (nat(base, C(at)) != 0 || !mayRead(base, va, bytes))) {
    write(base, A(at), 0, NATVAL_SE);
    alatRemove(base, register);
    return true;
  }
  if (type >= 8 && alatHasAccess(base, register, va, bytes)) {
    if (type == 8) alatRemove(base, register);
    return true;
  }
  if (!readFloat(base, at, va, x6)) return false;
  write(base, A(at), sig, se);
  if (type == 2 || type == 3 || type == 9) alatInsert(base, register, va, bytes);
  return true;
}

export function op_ldf(base: u32, at: u32): bool {
  return loadFloat(base, at, gr(base, C(at)));
}

export function op_ldf_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!loadFloat(base, at, va)) return false;
  setGr(base, C(at), va + imm(at));
  return true;
}

export function op_ldf_r(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  const bit: u32 = nat(base, C(at)) | nat(base, B(at));
  if (!loadFloat(base, at, va)) return false;
  setGr(base, C(at), va + gr(base, B(at)));
  setNat(base, C(at), bit);
  return true;
}

/** Two registers from memory that follows; b is the second. */
function loadPair(base: u32, at: u32, va: u64): bool {
  const x6: u32 = D(at);
  const type: u32 = x6 >>> 2;
  const format: u32 = x6 & 3;
  const bytes: u32 = format == FORMAT_SINGLE ? 4 : 8;
  const first: u32 = A(at) | ALAT_FLOATING;
  const second: u32 = B(at) | ALAT_FLOATING;
  // One of them must have an odd number and the other an even one.
  if (((A(at) ^ B(at)) & 1) == 0 || B(at) < 2) return raise(base, at, 1);
  if (nat(base, C(at)) != 0 && type != 1 && type != 3) return natConsumption(base, at);
  if ((type == 1 || type == 3) && (nat(base, C(at)) != 0 || !mayRead(base, va, bytes * 2))) {
    write(base, A(at), 0, NATVAL_SE);
    write(base, B(at), 0, NATVAL_SE);
    alatRemove(base, first);
    return true;
  }
  if (type >= 8 && alatHasAccess(base, first, va, bytes * 2)) {
    if (type == 8) alatRemove(base, first);
    return true;
  }
  if (!readData(base, at, va, bytes)) return false;
  const low: u64 = data;
  if (!readData(base, at, va + bytes, bytes)) return false;
  const high: u64 = data;
  fromMemory(format, low);
  write(base, A(at), sig, se);
  fromMemory(format, high);
  write(base, B(at), sig, se);
  alatRemove(base, second);
  if (type == 2 || type == 3 || type == 9) alatInsert(base, first, va, bytes * 2);
  return true;
}

export function op_ldfp(base: u32, at: u32): bool {
  return loadPair(base, at, gr(base, C(at)));
}

/** The address goes on by the size of the pair. */
export function op_ldfp_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!loadPair(base, at, va)) return false;
  setGr(base, C(at), va + ((D(at) & 3) == FORMAT_SINGLE ? 8 : 16));
  return true;
}

// --- Stores

/** Only integers and spills take a NaTVal. */
function storeFloat(base: u32, at: u32, va: u64): bool {
  const x6: u32 = D(at);
  const b: u32 = fr(base, B(at));
  const s: u64 = sigOf(b);
  const e: u32 = seOf(b);
  const bytes: u32 = bytesOf(x6);
  if (bytes != 16 && isNatVal(s, e)) return natConsumption(base, at);
  switch (bytes) {
    case 4:
      return writeData(base, at, va, 4, toSingle(s, e));
    case 8:
      return writeData(base, at, va, 8, (x6 & 3) == FORMAT_INTEGER ? s : toDouble(s, e));
    case 10:
      // Both parts must be writable before the first is written.
      if (!translate(base, va + 9, ACCESS_WRITE)) return writeData(base, at, va + 9, 1, 0);
      return writeData(base, at, va, 8, s) && writeData(base, at, va + 8, 2, toExtended(e));
    default:
      if (!translate(base, va + 15, ACCESS_WRITE)) return writeData(base, at, va + 15, 1, 0);
      return writeData(base, at, va, 8, s) && writeData(base, at, va + 8, 8, e);
  }
}

export function op_stf(base: u32, at: u32): bool {
  return storeFloat(base, at, gr(base, C(at)));
}

export function op_stf_i(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  if (!storeFloat(base, at, va)) return false;
  setGr(base, C(at), va + imm(at));
  return true;
}
