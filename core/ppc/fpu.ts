// SPDX-License-Identifier: MIT
//
// The floating-point instructions of the 32-bit PowerPC (primary opcodes 59 and 63) and the FPSCR. Each op_ function
// takes the instruction word. Loads and stores are elsewhere; they use f32ToF64Bits and f64BitsToF32.
//
// Two paths give the same results. The quick path is for FPSCR[24-31] = 0 (round to nearest, no exception enabled,
// IEEE mode) and ordinary numbers: the host's own binary64 operation, and an exact residual that tells FI and FR. All
// else goes through common/softfloat.
//
// Where the architecture leaves a result open:
//  - fres is 1/x rounded to single precision; frsqrte is 1/√x, root and quotient each rounded to double. The chips'
//    own estimates come from tables that no manual prints; these are better than the 2^-8 and 2^-5 required of them.
//    Both clear FR and FI and never set XX.
//  - fctiw, fctiwz and mffs put 0xfff8_0000 in the high word, as the 750 does; fctiw and fctiwz of a negative number
//    that becomes 0 put 0xfff8_0001 there. The conversions leave FPRF alone.
//  - The single forms round the exact result of whatever binary64 operands once, NaN fractions are cut to 23 bits.
//  - On overflow FR tells if the infinity is greater in magnitude than the exact result.
//  - NI = 1: a result that would be denormalized becomes zero of its sign, with UX, XX and FI; operands stay as they are.
//  - An enabled overflow or underflow whose adjusted single result is beyond double range (operands no singles) gives
//    infinity or what is left of a denormalized number.
//  - Every enabled exception is precise, whichever of MSR[FE0] and MSR[FE1] is set.
//
// Documents: PowerPC Microprocessor Family: The Programming Environments (MPCFPE32B), 3.3 and 8.2; MPC750 RISC
// Microprocessor Family User's Manual (MPC750UM), 2.2.
import * as sf from '../common/softfloat';
import { MSR_FE0, MSR_FE1, SRR1_FP_ENABLED } from './constants';
import { programException } from './exceptions';
import { cpu, fpr, setCrField, setFpr } from './state';

// FPSCR
const FX: u32 = 0x8000_0000;
const VX: u32 = 0x2000_0000;
const FEX: u32 = 0x4000_0000;
const OX: u32 = 0x1000_0000;
const UX: u32 = 0x0800_0000;
const ZX: u32 = 0x0400_0000;
const XX: u32 = 0x0200_0000;
const VXSNAN: u32 = 0x0100_0000;
const VXISI: u32 = 0x0080_0000;
const VXIDI: u32 = 0x0040_0000;
const VXZDZ: u32 = 0x0020_0000;
const VXIMZ: u32 = 0x0010_0000;
const VXVC: u32 = 0x0008_0000;
const FR: u32 = 0x0004_0000;
const FI: u32 = 0x0002_0000;
const FPRF: u32 = 0x0001_f000;
const FPCC: u32 = 0x0000_f000;
const RESERVED: u32 = 0x0000_0800;
const VXSOFT: u32 = 0x0000_0400;
const VXSQRT: u32 = 0x0000_0200;
const VXCVI: u32 = 0x0000_0100;
const VE: u32 = 0x0000_0080;
const OE: u32 = 0x0000_0040;
const UE: u32 = 0x0000_0020;
const ZE: u32 = 0x0000_0010;
const NI: u32 = 0x0000_0004;
const RN: u32 = 0x0000_0003; // same values as softfloat's ROUND_…
/** VE, OE, UE, ZE, XE: each 22 bits below VX, OX, UX, ZX, XX. */
const ENABLES: u32 = 0x0000_00f8;
const ENABLE_SHIFT: u32 = 22;
const ALL_VX: u32 = VXSNAN | VXISI | VXIDI | VXZDZ | VXIMZ | VXVC | VXSOFT | VXSQRT | VXCVI;
const STICKY: u32 = ALL_VX | OX | UX | ZX | XX;

const MSR_FE: u32 = MSR_FE0 | MSR_FE1;

// FPRF: C < > = ? of the result
const CLASS_QNAN: u32 = 0x0001_1000;
const CLASS_MINUS_INFINITY: u32 = 0x0000_9000;
const CLASS_MINUS_NORMAL: u32 = 0x0000_8000;
const CLASS_MINUS_DENORMAL: u32 = 0x0001_8000;
const CLASS_MINUS_ZERO: u32 = 0x0001_2000;
const CLASS_PLUS_ZERO: u32 = 0x0000_2000;
const CLASS_PLUS_DENORMAL: u32 = 0x0001_4000;
const CLASS_PLUS_NORMAL: u32 = 0x0000_4000;
const CLASS_PLUS_INFINITY: u32 = 0x0000_5000;

const FRACTION: u64 = 0x000f_ffff_ffff_ffff;
const HIDDEN: u64 = 0x0010_0000_0000_0000;
const MIN_SINGLE: u64 = 0x3810_0000_0000_0000; // 2^-126
const INTEGER_HIGH_WORD: u64 = 0xfff8_0000_0000_0000;
const INTEGER_MINUS_ZERO: u64 = 0x0000_0001_0000_0000;
const ONE: u64 = 0x3ff0_0000_0000_0000;

// @ts-ignore: decorator
@inline
function frD(op: u32): u32 {
  return (op >> 21) & 31;
}

// @ts-ignore: decorator
@inline
function frA(op: u32): u64 {
  return fpr((op >> 16) & 31);
}

// @ts-ignore: decorator
@inline
function frB(op: u32): u64 {
  return fpr((op >> 11) & 31);
}

// @ts-ignore: decorator
@inline
function frC(op: u32): u64 {
  return fpr((op >> 6) & 31);
}

/** Biased exponent. */
// @ts-ignore: decorator
@inline
function biased(a: u64): u32 {
  return <u32>(a >> 52) & 0x7ff;
}

// @ts-ignore: decorator
@inline
function isNormal(a: u64): bool {
  return biased(a) - 1 < 0x7fe;
}

/** The integer significand of a normal number. */
// @ts-ignore: decorator
@inline
function significand(a: u64): i64 {
  return <i64>((a & FRACTION) | HIDDEN);
}

// ── FPSCR ───────────────────────────────────────────────────────────────────────────────────────────────────────────

// @ts-ignore: decorator
@inline
function copyToCr1(op: u32): void {
  if (op & 1) setCrField(1, cpu.fpscr >> 28);
}

/** VX and FEX follow from the other bits. */
function summarize(fpscr: u32): u32 {
  fpscr &= ~(VX | FEX);
  if (fpscr & ALL_VX) fpscr |= VX;
  if ((fpscr >> ENABLE_SHIFT) & fpscr & ENABLES) fpscr |= FEX;
  return fpscr;
}

function classify(a: u64, single: bool): u32 {
  const magnitude = a & ~sf.SIGN;
  const minus = (a & sf.SIGN) != 0;
  if (magnitude > sf.INFINITY) return CLASS_QNAN;
  if (magnitude == sf.INFINITY) return minus ? CLASS_MINUS_INFINITY : CLASS_PLUS_INFINITY;
  if (!magnitude) return minus ? CLASS_MINUS_ZERO : CLASS_PLUS_ZERO;
  const smallest = single ? MIN_SINGLE : HIDDEN;
  if (magnitude < smallest) {
    return minus ? CLASS_MINUS_DENORMAL : CLASS_PLUS_DENORMAL;
  }
  return minus ? CLASS_MINUS_NORMAL : CLASS_PLUS_NORMAL;
}

/** FPSCR becomes `fpscr` with the exceptions `raised`; takes the exception if one of those is enabled. */
function raise(op: u32, fpscr: u32, raised: u32): void {
  if (raised & ~fpscr) fpscr |= FX;
  fpscr = summarize(fpscr | raised);
  cpu.fpscr = fpscr;
  copyToCr1(op);
  if (raised & ALL_VX) raised |= VX;
  if ((raised >> ENABLE_SHIFT) & fpscr & ENABLES && cpu.msr & MSR_FE) programException(SRR1_FP_ENABLED);
}

function exceptions(flags: u32): u32 {
  let raised: u32 = 0;
  if (flags & sf.INEXACT) raised |= XX;
  if (flags & sf.UNDERFLOW) raised |= UX;
  if (flags & sf.OVERFLOW) raised |= OX;
  if (flags & sf.DIVIDE_BY_ZERO) raised |= ZX;
  if (flags & sf.INVALID) {
    if (flags & sf.INVALID_SNAN) raised |= VXSNAN;
    if (flags & sf.INVALID_ISI) raised |= VXISI;
    if (flags & sf.INVALID_IDI) raised |= VXIDI;
    if (flags & sf.INVALID_ZDZ) raised |= VXZDZ;
    if (flags & sf.INVALID_IMZ) raised |= VXIMZ;
    if (flags & sf.INVALID_SQRT) raised |= VXSQRT;
    if (flags & sf.INVALID_CVI) raised |= VXCVI;
  }
  return raised;
}

/** An enabled invalid operation or division by zero leaves the target and FPRF alone. */
// @ts-ignore: decorator
@inline
function suppressed(raised: u32): bool {
  const fpscr = cpu.fpscr;
  return (raised & ALL_VX && fpscr & VE) || (raised & ZX && fpscr & ZE) ? true : false;
}

/** Ends an arithmetic instruction with a result and flags of softfloat. */
function complete(op: u32, result: u64, flags: u32, single: bool): void {
  const raised = exceptions(flags);
  let fpscr = cpu.fpscr & ~(FR | FI);
  if (!suppressed(raised)) {
    setFpr(frD(op), result);
    fpscr = (fpscr & ~FPRF) | classify(result, single);
    if (flags & sf.INEXACT) fpscr |= FI;
    if (flags & sf.ROUNDED_UP) fpscr |= FR;
  }
  raise(op, fpscr, raised);
}

function modeOf(precision: u32): u32 {
  const fpscr = cpu.fpscr;
  let mode = (fpscr & RN) | precision;
  if (fpscr & OE) mode |= sf.TRAP_OVERFLOW;
  if (fpscr & UE) mode |= sf.TRAP_UNDERFLOW;
  if (fpscr & NI) mode |= sf.FLUSH_RESULT;
  return mode;
}

// ── Quick path ──────────────────────────────────────────────────────────────────────────────────────────────────────
//
// A quick… function returns the binary64 result nearest to the exact one, as bits, and leaves in `residual` the sign of
// |exact| - |result|; or it returns NOT_QUICK, a signalling NaN, which no host operation on ordinary numbers produces.

const NOT_QUICK: u64 = 0x7ff4_0000_0000_0000;

/** Scratch, see above. */
let residual: i64 = 0;

// @ts-ignore: decorator
@inline
function quick(): bool {
  return !(cpu.fpscr & 0xff);
}

/** Writes a result whose rounding left `error`, the sign of |exact| - |result|. */
// @ts-ignore: decorator
@inline
function retire(op: u32, result: u64, error: i64, inexact: bool): void {
  let fpscr = cpu.fpscr & ~(FR | FI | FPRF);
  fpscr |= result << 1 ? (<i64>result < 0 ? CLASS_MINUS_NORMAL : CLASS_PLUS_NORMAL) : classify(result, false);
  if (inexact) {
    fpscr |= error < 0 ? FI | FR : FI;
    if (!(fpscr & XX)) fpscr |= FX | XX;
  }
  cpu.fpscr = fpscr;
  setFpr(frD(op), result);
  copyToCr1(op);
}

/** Normal or zero: its FPRF is as retire computes it. */
// @ts-ignore: decorator
@inline
function retireDouble(op: u32, result: u64): void {
  retire(op, result, residual, residual != 0);
}

/**
 * Rounds the quick result s on to single precision. The singles and the midpoints between them are binary64 numbers,
 * and rounding is monotonic: unless s is itself such a number, the exact value lies on the same side of all of them as
 * s does, so that rounding s gives the right single, and the comparison of s with it the right FR. If s is a single,
 * it is the result and the residual of the first rounding decides FR and FI. If s is a midpoint, the residual would
 * have to break the tie: not quick, unless it is 0. The limits on the exponent keep clear of tininess before rounding
 * (|s| ≥ 2^-125) and of overflow (|s| < 2^127).
 */
// @ts-ignore: decorator
@inline
function retireSingle(op: u32, s: u64): bool {
  const low = <u32>s & 0x1fff_ffff;
  if (!low) {
    if (biased(s) - 898 > 1149 - 898 && s << 1) return false;
    retire(op, s, residual, residual != 0);
    return true;
  }
  if (biased(s) - 898 > 1149 - 898 || (low == 0x1000_0000 && residual)) return false;
  const result = reinterpret<u64>(<f64>(<f32>reinterpret<f64>(s)));
  retire(op, result, (s & ~sf.SIGN) < (result & ~sf.SIGN) ? -1 : 1, true);
  return true;
}

/**
 * TwoSum (Knuth): s + error = a + b exactly if nothing overflows. With |s| < 2^1022 nothing does: either |a| < 2^1023,
 * then |s - a| < 2^1024; or b is as large and of the other sign, then the sum is exact and s - a = b. Denormalized
 * sums are exact; they are left to the slow path for their FPRF only.
 */
// @ts-ignore: decorator
@inline
function quickAdd(a: u64, b: u64): u64 {
  const x = reinterpret<f64>(a);
  const y = reinterpret<f64>(b);
  const s = x + y;
  const bits = reinterpret<u64>(s);
  if (biased(bits) - 1 >= 0x7fc && bits << 1) return NOT_QUICK;
  const t = s - x;
  const error = x - (s - t) + (y - t);
  residual = error == 0 ? 0 : <i64>(reinterpret<u64>(error) ^ bits) | 1;
  return bits;
}

/**
 * For normal operands and a product whose biased exponent is at least 2 (so it was not tiny before rounding):
 * a × b = ma × mb × 2^(ea + eb - 2150) and p = mp × 2^(ep - 1075), so the residual is ma × mb - (mp << sh) units of the
 * former with sh = ep - ea - eb + 1075, 52 to 54. p is within half a unit in its last place, so the residual is at most
 * 2^53 and 64-bit arithmetic modulo 2^64 gives it exactly.
 */
// @ts-ignore: decorator
@inline
function quickMul(a: u64, b: u64): u64 {
  const bits = reinterpret<u64>(reinterpret<f64>(a) * reinterpret<f64>(b));
  const e = biased(bits);
  if (e - 2 < 0x7fc && isNormal(a) && isNormal(b)) {
    residual = significand(a) * significand(b) - (significand(bits) << (e - biased(a) - biased(b) + 1075));
    return bits;
  }
  if (bits << 1 || (a << 1 && b << 1)) return NOT_QUICK;
  residual = 0;
  return bits;
}

/**
 * As for the product: the residual is (ma << sh) - mq × mb with sh = ea - eb - eq + 1075, 52 or 53. It is at most half
 * of mb, as q is within half a unit in its last place.
 */
// @ts-ignore: decorator
@inline
function quickDiv(a: u64, b: u64): u64 {
  const bits = reinterpret<u64>(reinterpret<f64>(a) / reinterpret<f64>(b));
  const e = biased(bits);
  if (!isNormal(b)) return NOT_QUICK;
  if (e - 2 < 0x7fc && isNormal(a)) {
    residual = (significand(a) << (biased(a) - biased(b) - e + 1075)) - significand(bits) * significand(b);
    return bits;
  }
  if (a << 1) return NOT_QUICK;
  residual = 0;
  return bits;
}

/** The residual is (ma << sh) - ms × ms with sh = ea - 2 × es + 1075, 51 to 53; it is at most ms. */
// @ts-ignore: decorator
@inline
function quickSqrt(a: u64): u64 {
  if (!isNormal(a) || <i64>a < 0) return NOT_QUICK;
  const bits = reinterpret<u64>(sqrt<f64>(reinterpret<f64>(a)));
  const m = significand(bits);
  residual = (significand(a) << (biased(a) - 2 * biased(bits) + 1075)) - m * m;
  return bits;
}

/**
 * p + e = a × b exactly (e is the residual of the product), s + t = p + z, w + v = t + e and r + l = s + w (TwoSum), so
 * the exact result is r + l + v. The limits on the exponents keep everything far from overflow and the scale of e
 * normal. If v is 0, r is the nearest number to s + w and all is said. If not, t is not 0 either: p and z did not
 * cancel, |s| is at least half the larger of them, |w| < 2^-50 |s|, and the unit g in the last place of w is less than
 * 2^-100 |r|, while |v| ≤ g / 2. s, w, l and the midpoints next to r are multiples of g, so v cannot carry s + w across
 * r or a midpoint; it can only break a tie. In a tie l is a power of two: not quick.
 */
// @ts-ignore: decorator
@inline
function quickFma(a: u64, c: u64, addend: u64): u64 {
  const p = reinterpret<f64>(a) * reinterpret<f64>(c);
  const ep = biased(reinterpret<u64>(p));
  if (ep - 0x100 > 0x6f0 || !isNormal(a) || !isNormal(c)) return NOT_QUICK;
  if (biased(addend) - 1 > 0x7ef && addend << 1) return NOT_QUICK;
  const unit = biased(a) + biased(c);
  const error = significand(a) * significand(c) - (significand(reinterpret<u64>(p)) << (ep - unit + 1075));
  const e = <f64>error * reinterpret<f64>(((<u64>(unit - 1127)) << 52) | (reinterpret<u64>(p) & sf.SIGN));
  const z = reinterpret<f64>(addend);
  const s = p + z;
  const s1 = s - p;
  const t = p - (s - s1) + (z - s1);
  const w = t + e;
  const w1 = w - t;
  const v = t - (w - w1) + (e - w1);
  const r = s + w;
  const bits = reinterpret<u64>(r);
  if (biased(bits) < 2) return NOT_QUICK;
  const r1 = r - s;
  const l = s - (r - r1) + (w - r1);
  if (v != 0 && l != 0) {
    if (!(reinterpret<u64>(l) & FRACTION)) return NOT_QUICK;
  }
  const rest = l != 0 ? l : v;
  residual = rest == 0 ? 0 : <i64>(reinterpret<u64>(rest) ^ bits) | 1;
  return bits;
}

// ── Arithmetic ──────────────────────────────────────────────────────────────────────────────────────────────────────

// @ts-ignore: decorator
@inline
function addDouble(op: u32, a: u64, b: u64): void {
  if (quick()) {
    const s = quickAdd(a, b);
    if (s != NOT_QUICK) {
      retireDouble(op, s);
      return;
    }
  }
  const result = sf.f64Add(modeOf(0), a, b);
  complete(op, result, sf.flags, false);
}

// @ts-ignore: decorator
@inline
function addSingle(op: u32, a: u64, b: u64): void {
  if (quick()) {
    const s = quickAdd(a, b);
    if (s != NOT_QUICK && retireSingle(op, s)) return;
  }
  const result = sf.f64Add(modeOf(sf.TO_SINGLE), a, b);
  complete(op, result, sf.flags, true);
}

/** The subtrahend as an addend: a NaN keeps its sign. */
// @ts-ignore: decorator
@inline
function negated(a: u64): u64 {
  return sf.isNan(a) ? a : a ^ sf.SIGN;
}

export function op_fadd(op: u32): void {
  addDouble(op, frA(op), frB(op));
}

export function op_fsub(op: u32): void {
  addDouble(op, frA(op), negated(frB(op)));
}

export function op_fadds(op: u32): void {
  addSingle(op, frA(op), frB(op));
}

export function op_fsubs(op: u32): void {
  addSingle(op, frA(op), negated(frB(op)));
}

export function op_fmul(op: u32): void {
  const a = frA(op);
  const c = frC(op);
  if (quick()) {
    const p = quickMul(a, c);
    if (p != NOT_QUICK) {
      retireDouble(op, p);
      return;
    }
  }
  const result = sf.f64Mul(modeOf(0), a, c);
  complete(op, result, sf.flags, false);
}

export function op_fmuls(op: u32): void {
  const a = frA(op);
  const c = frC(op);
  if (quick()) {
    const p = quickMul(a, c);
    if (p != NOT_QUICK && retireSingle(op, p)) return;
  }
  const result = sf.f64Mul(modeOf(sf.TO_SINGLE), a, c);
  complete(op, result, sf.flags, true);
}

export function op_fdiv(op: u32): void {
  const a = frA(op);
  const b = frB(op);
  if (quick()) {
    const q = quickDiv(a, b);
    if (q != NOT_QUICK) {
      retireDouble(op, q);
      return;
    }
  }
  const result = sf.f64Div(modeOf(0), a, b);
  complete(op, result, sf.flags, false);
}

export function op_fdivs(op: u32): void {
  const a = frA(op);
  const b = frB(op);
  if (quick()) {
    const q = quickDiv(a, b);
    if (q != NOT_QUICK && retireSingle(op, q)) return;
  }
  const result = sf.f64Div(modeOf(sf.TO_SINGLE), a, b);
  complete(op, result, sf.flags, true);
}

export function op_fsqrt(op: u32): void {
  const b = frB(op);
  if (quick()) {
    const s = quickSqrt(b);
    if (s != NOT_QUICK) {
      retireDouble(op, s);
      return;
    }
  }
  const result = sf.f64Sqrt(modeOf(0), b);
  complete(op, result, sf.flags, false);
}

export function op_fsqrts(op: u32): void {
  const b = frB(op);
  if (quick()) {
    const s = quickSqrt(b);
    if (s != NOT_QUICK && retireSingle(op, s)) return;
  }
  const result = sf.f64Sqrt(modeOf(sf.TO_SINGLE), b);
  complete(op, result, sf.flags, true);
}

/** Estimates are never inexact. */
export function op_fres(op: u32): void {
  const result = sf.f64Div(modeOf(sf.TO_SINGLE), ONE, frB(op));
  complete(op, result, sf.flags & ~(sf.INEXACT | sf.ROUNDED_UP), true);
}

export function op_frsqrte(op: u32): void {
  const b = frB(op);
  const mode = modeOf(0);
  let result = sf.f64Sqrt(mode, b);
  let flags = sf.flags;
  if (!sf.isNan(result)) {
    result = sf.f64Div(mode, ONE, result);
    flags |= sf.flags;
  }
  complete(op, result, flags & ~(sf.INEXACT | sf.ROUNDED_UP), false);
}

export function op_frsp(op: u32): void {
  const b = frB(op);
  if (quick()) {
    residual = 0;
    if (retireSingle(op, b)) return;
  }
  const result = sf.f64Round(modeOf(sf.TO_SINGLE), b);
  complete(op, result, sf.flags, true);
}

// @ts-ignore: decorator
@inline
function multiplyAdd(op: u32, addend: u64, negate: bool, precision: u32): void {
  const a = frA(op);
  const c = frC(op);
  if (quick()) {
    let r = quickFma(a, c, addend);
    if (r != NOT_QUICK) {
      if (negate) r ^= sf.SIGN;
      if (precision) {
        if (retireSingle(op, r)) return;
      } else {
        retireDouble(op, r);
        return;
      }
    }
  }
  let result = sf.f64Fma(modeOf(precision), a, c, addend);
  if (negate) result = negated(result);
  complete(op, result, sf.flags, precision != 0);
}

export function op_fmadd(op: u32): void {
  multiplyAdd(op, frB(op), false, 0);
}

export function op_fmsub(op: u32): void {
  multiplyAdd(op, negated(frB(op)), false, 0);
}

export function op_fnmadd(op: u32): void {
  multiplyAdd(op, frB(op), true, 0);
}

export function op_fnmsub(op: u32): void {
  multiplyAdd(op, negated(frB(op)), true, 0);
}

export function op_fmadds(op: u32): void {
  multiplyAdd(op, frB(op), false, sf.TO_SINGLE);
}

export function op_fmsubs(op: u32): void {
  multiplyAdd(op, negated(frB(op)), false, sf.TO_SINGLE);
}

export function op_fnmadds(op: u32): void {
  multiplyAdd(op, frB(op), true, sf.TO_SINGLE);
}

export function op_fnmsubs(op: u32): void {
  multiplyAdd(op, negated(frB(op)), true, sf.TO_SINGLE);
}

// ── Conversion to integer ───────────────────────────────────────────────────────────────────────────────────────────

function convertToInteger(op: u32, mode: u32): void {
  const b = frB(op);
  const integer = <u32>sf.f64ToI32(mode, b);
  const flags = sf.flags;
  const raised = exceptions(flags);
  let fpscr = cpu.fpscr & ~(FR | FI);
  if (!suppressed(raised)) {
    const minusZero = !integer && <i64>b < 0;
    setFpr(frD(op), INTEGER_HIGH_WORD | (minusZero ? INTEGER_MINUS_ZERO : 0) | <u64>integer);
    if (flags & sf.INEXACT) fpscr |= FI;
    if (flags & sf.ROUNDED_UP) fpscr |= FR;
  }
  raise(op, fpscr, raised);
}

/** The same for x that the host rounded to the integral value r. */
// @ts-ignore: decorator
@inline
function quickInteger(op: u32, x: f64, r: f64): bool {
  if (!(abs(r) < 2147483648.0)) return false;
  const integer = <u32>(<i32>r);
  const minusZero = !integer && reinterpret<i64>(x) < 0;
  setFpr(frD(op), INTEGER_HIGH_WORD | (minusZero ? INTEGER_MINUS_ZERO : 0) | <u64>integer);
  let fpscr = cpu.fpscr & ~(FR | FI);
  if (r != x) {
    fpscr |= abs(r) > abs(x) ? FI | FR : FI;
    if (!(fpscr & XX)) fpscr |= FX | XX;
  }
  cpu.fpscr = fpscr;
  copyToCr1(op);
  return true;
}

export function op_fctiw(op: u32): void {
  const x = reinterpret<f64>(frB(op));
  if (quick() && quickInteger(op, x, nearest(x))) return;
  convertToInteger(op, cpu.fpscr & RN);
}

export function op_fctiwz(op: u32): void {
  const x = reinterpret<f64>(frB(op));
  if (quick() && quickInteger(op, x, trunc(x))) return;
  convertToInteger(op, sf.ROUND_ZERO);
}

// ── Compare ─────────────────────────────────────────────────────────────────────────────────────────────────────────

// @ts-ignore: decorator
@inline
function compare(op: u32, ordered: bool): void {
  const relation = sf.f64Compare(frA(op), frB(op));
  setCrField((op >> 23) & 7, relation);
  const fpscr = (cpu.fpscr & ~FPCC) | (relation << 12);
  let raised: u32 = 0;
  if (relation == sf.UNORDERED) {
    if (sf.flags & sf.INVALID_SNAN) raised = VXSNAN;
    if (ordered && !(raised && fpscr & VE)) raised |= VXVC;
  }
  if (raised) raise(op & ~1, fpscr, raised);
  else cpu.fpscr = fpscr;
}

export function op_fcmpu(op: u32): void {
  compare(op, false);
}

export function op_fcmpo(op: u32): void {
  compare(op, true);
}

// ── Move: FPSCR untouched ───────────────────────────────────────────────────────────────────────────────────────────

export function op_fmr(op: u32): void {
  setFpr(frD(op), frB(op));
  copyToCr1(op);
}

export function op_fneg(op: u32): void {
  setFpr(frD(op), frB(op) ^ sf.SIGN);
  copyToCr1(op);
}

export function op_fabs(op: u32): void {
  setFpr(frD(op), frB(op) & ~sf.SIGN);
  copyToCr1(op);
}

export function op_fnabs(op: u32): void {
  setFpr(frD(op), frB(op) | sf.SIGN);
  copyToCr1(op);
}

/** frA ≥ 0 (−0 too, a NaN not): frC, else frB. */
export function op_fsel(op: u32): void {
  setFpr(frD(op), reinterpret<f64>(frA(op)) >= 0 ? frC(op) : frB(op));
  copyToCr1(op);
}

// ── FPSCR instructions ──────────────────────────────────────────────────────────────────────────────────────────────

export function op_mffs(op: u32): void {
  setFpr(frD(op), INTEGER_HIGH_WORD | <u64>cpu.fpscr);
  copyToCr1(op);
}

export function op_mcrfs(op: u32): void {
  const shift = 28 - (((op >> 18) & 7) << 2);
  const fpscr = cpu.fpscr;
  setCrField((op >> 23) & 7, (fpscr >> shift) & 15);
  cpu.fpscr = summarize(fpscr & ~((<u32>15 << shift) & (FX | STICKY)));
}

/** Sets FPSCR[mask] to value; an enabled exception that is set afterwards is taken. */
function moveToFpscr(op: u32, value: u32, mask: u32): void {
  mask &= ~(VX | FEX | RESERVED);
  const fpscr = summarize((cpu.fpscr & ~mask) | (value & mask));
  cpu.fpscr = fpscr;
  copyToCr1(op);
  if (fpscr & FEX && cpu.msr & MSR_FE) programException(SRR1_FP_ENABLED);
}

export function op_mtfsf(op: u32): void {
  let mask: u32 = 0;
  for (let field: u32 = 0; field < 8; field++) {
    if ((op >> (17 + field)) & 1) mask |= <u32>15 << (field << 2);
  }
  moveToFpscr(op, <u32>frB(op), mask);
}

export function op_mtfsfi(op: u32): void {
  const shift = 28 - (((op >> 23) & 7) << 2);
  moveToFpscr(op, ((op >> 12) & 15) << shift, <u32>15 << shift);
}

/** Setting an exception bit sets FX as well. */
export function op_mtfsb1(op: u32): void {
  let bit = FX >> ((op >> 21) & 31);
  if (bit & STICKY && !(cpu.fpscr & bit)) bit |= FX;
  moveToFpscr(op, bit, bit);
}

export function op_mtfsb0(op: u32): void {
  cpu.fpscr = summarize(cpu.fpscr & ~((FX >> ((op >> 21) & 31)) & ~(VX | FEX)));
  copyToCr1(op);
}

// ── Loads and stores of single format ───────────────────────────────────────────────────────────────────────────────

/** lfs: the register image of a single in memory. */
export function f32ToF64Bits(single: u32): u64 {
  return sf.f32ToF64(single);
}

/** stfs: no rounding and no exceptions; a number too small for a denormalized single is stored as zero. */
export function f64BitsToF32(bits: u64): u32 {
  return sf.f64ToF32(bits);
}
