// SPDX-License-Identifier: MIT
//
// VFPv3 [ARM ARM] A7.5-A7.8: arithmetic, with short vectors, transfers, loads and stores.
import { leaveAfter, pcRead } from './code';
import { undefinedException } from './exceptions';
import { probeWrite, read32, unalignedWords, write32 } from './memory';
import { BLOCK_BASE, VFP_BASE, cpu, gpr, run, setGpr } from './state';
import { setFlags } from './status';
import {
  FPSCR_RMODE,
  add32,
  add64,
  compare32,
  compare64,
  div32,
  div64,
  double,
  fromInteger32,
  fromInteger64,
  in32,
  in64,
  mul32,
  mul64,
  single,
  sqrt32,
  sqrt64,
  sub32,
  sub64,
  toInteger,
  useFpscr,
} from './vfp-arithmetic';
import { f32ToF64 } from '../common/softfloat';

const FPEXC_EN: u32 = 0x4000_0000;
const FPSCR_WRITABLE: u32 = 0xfff7_009f;
const SIGN_32: u32 = 0x8000_0000;
const SIGN_64: u64 = 0x8000_0000_0000_0000;

/** Access to coprocessors 10 and 11 in the current mode. */
export function vfpAccess(op: u32): bool {
  const access: u32 = (cpu.cpacr >>> 20) & 3;
  if (access == 3 || (access == 1 && run.privileged != 0)) return true;
  undefinedException(op);
  return false;
}

/** The same, and the unit is enabled. */
export function vfpEnabled(op: u32): bool {
  if (!vfpAccess(op)) return false;
  if ((cpu.fpexc & FPEXC_EN) != 0) return true;
  undefinedException(op);
  return false;
}

// --- Registers: five bits each, whose order depends on the precision

// @ts-ignore: decorator
@inline
function s(n: u32): u32 {
  return load<u32>(VFP_BASE + (n << 2));
}

// @ts-ignore: decorator
@inline
function setS(n: u32, value: u32): void {
  store<u32>(VFP_BASE + (n << 2), value);
}

// @ts-ignore: decorator
@inline
export function d(n: u32): u64 {
  return load<u64>(VFP_BASE + (n << 3));
}

// @ts-ignore: decorator
@inline
export function setD(n: u32, value: u64): void {
  store<u64>(VFP_BASE + (n << 3), value);
}

// @ts-ignore: decorator
@inline
function isDouble(op: u32): bool {
  return (op & 0x100) != 0;
}

/** Vd, Vn and Vm of single precision: the extra bit is the lowest. */
// @ts-ignore: decorator
@inline
function sd(op: u32): u32 {
  return ((op >>> 11) & 30) | ((op >>> 22) & 1);
}

// @ts-ignore: decorator
@inline
function sn(op: u32): u32 {
  return ((op >>> 15) & 30) | ((op >>> 7) & 1);
}

// @ts-ignore: decorator
@inline
function sm(op: u32): u32 {
  return ((op << 1) & 30) | ((op >>> 5) & 1);
}

/** The same of double precision: it is the highest. */
// @ts-ignore: decorator
@inline
export function dd(op: u32): u32 {
  return ((op >>> 12) & 15) | ((op >>> 18) & 16);
}

// @ts-ignore: decorator
@inline
export function dn(op: u32): u32 {
  return ((op >>> 16) & 15) | ((op >>> 3) & 16);
}

// @ts-ignore: decorator
@inline
export function dm(op: u32): u32 {
  return (op & 15) | ((op >>> 1) & 16);
}

// --- Short vectors [ARM ARM] appendix on VFP vectors: the destination's bank says whether an operation is one

/** Number of a register `steps` further in its bank. */
// @ts-ignore: decorator
@inline
function along(n: u32, steps: u32, doubles: bool): u32 {
  const stride: u32 = ((cpu.fpscr >>> 20) & 3) == 3 ? 2 : 1;
  return doubles ? (n & ~3) | ((n + steps * stride) & 3) : (n & ~7) | ((n + steps * stride) & 7);
}

/** How many operations an instruction stands for. */
// @ts-ignore: decorator
@inline
function lengthOf(destination: u32, doubles: bool): u32 {
  const length: u32 = (cpu.fpscr >>> 16) & 7;
  if (length == 0) return 1;
  const scalar: bool = doubles ? (destination & 12) == 0 : destination < 8;
  return scalar ? 1 : length + 1;
}

/** Whether an operand is the same for all elements. */
// @ts-ignore: decorator
@inline
function isScalar(n: u32, doubles: bool): bool {
  return doubles ? (n & 12) == 0 : n < 8;
}

export function op_vfp_arith(op: u32): void {
  useFpscr();
  const doubles: bool = isDouble(op);
  const operation: u32 = ((op >>> 20) & 8) | ((op >>> 19) & 6) | ((op >>> 6) & 1);
  const vd: u32 = doubles ? dd(op) : sd(op);
  const vn: u32 = doubles ? dn(op) : sn(op);
  const vm: u32 = doubles ? dm(op) : sm(op);
  const length: u32 = lengthOf(vd, doubles);
  for (let i: u32 = 0; i < length; i++) {
    const to: u32 = i == 0 ? vd : along(vd, i, doubles);
    const a: u32 = i == 0 ? vn : along(vn, i, doubles);
    const b: u32 = i == 0 || isScalar(vm, doubles) ? vm : along(vm, i, doubles);
    if (doubles) setD(to, arithmetic64(operation, d(to), d(a), d(b)));
    else setS(to, arithmetic32(operation, s(to), s(a), s(b)));
  }
}

function arithmetic32(operation: u32, accumulator: u32, a: u32, b: u32): u32 {
  switch (operation) {
    case 0:
      return add32(accumulator, mul32(a, b));
    case 1:
      return add32(accumulator, mul32(a, b) ^ SIGN_32);
    case 2:
      return add32(accumulator ^ SIGN_32, mul32(a, b));
    case 3:
      return add32(accumulator ^ SIGN_32, mul32(a, b) ^ SIGN_32);
    case 4:
      return mul32(a, b);
    case 5:
      return mul32(a, b) ^ SIGN_32;
    case 6:
      return add32(a, b);
    case 7:
      return sub32(a, b);
    default:
      return div32(a, b);
  }
}

function arithmetic64(operation: u32, accumulator: u64, a: u64, b: u64): u64 {
  switch (operation) {
    case 0:
      return add64(accumulator, mul64(a, b));
    case 1:
      return add64(accumulator, mul64(a, b) ^ SIGN_64);
    case 2:
      return add64(accumulator ^ SIGN_64, mul64(a, b));
    case 3:
      return add64(accumulator ^ SIGN_64, mul64(a, b) ^ SIGN_64);
    case 4:
      return mul64(a, b);
    case 5:
      return mul64(a, b) ^ SIGN_64;
    case 6:
      return add64(a, b);
    case 7:
      return sub64(a, b);
    default:
      return div64(a, b);
  }
}

/** VMOV, VABS, VNEG, VSQRT. */
export function op_vfp_unary(op: u32): void {
  useFpscr();
  const doubles: bool = isDouble(op);
  const operation: u32 = ((op >>> 15) & 2) | ((op >>> 7) & 1);
  const vd: u32 = doubles ? dd(op) : sd(op);
  const vm: u32 = doubles ? dm(op) : sm(op);
  const length: u32 = lengthOf(vd, doubles);
  for (let i: u32 = 0; i < length; i++) {
    const to: u32 = i == 0 ? vd : along(vd, i, doubles);
    const from: u32 = i == 0 || isScalar(vm, doubles) ? vm : along(vm, i, doubles);
    if (doubles) {
      const value: u64 = d(from);
      setD(to, operation == 0 ? value : operation == 1 ? value & ~SIGN_64 : operation == 2 ? value ^ SIGN_64 : sqrt64(value));
    } else {
      const value: u32 = s(from);
      setS(to, operation == 0 ? value : operation == 1 ? value & ~SIGN_32 : operation == 2 ? value ^ SIGN_32 : sqrt32(value));
    }
  }
}

/** VMOV of a constant: sign, two or more bits of exponent, four of fraction. */
export function op_vmov_i(op: u32): void {
  const imm: u32 = ((op >>> 12) & 0xf0) | (op & 15);
  const doubles: bool = isDouble(op);
  const vd: u32 = doubles ? dd(op) : sd(op);
  const length: u32 = lengthOf(vd, doubles);
  const value: u32 = expandImmediate(imm);
  for (let i: u32 = 0; i < length; i++) {
    const to: u32 = i == 0 ? vd : along(vd, i, doubles);
    if (doubles) setD(to, f32ToF64(value));
    else setS(to, value);
  }
}

/** A constant of eight bits in single precision. */
export function expandImmediate(imm: u32): u32 {
  return ((imm & 0x80) << 24) | ((imm & 0x40) != 0 ? 0x3e00_0000 : 0x4000_0000) | ((imm & 0x3f) << 19);
}

function setRelation(nzcv: u32): void {
  cpu.fpscr = (cpu.fpscr & 0x0fff_ffff) | nzcv;
}

export function op_vcmp(op: u32): void {
  useFpscr();
  const signals: bool = (op & 0x80) != 0;
  if (isDouble(op)) setRelation(compare64(d(dd(op)), d(dm(op)), signals));
  else setRelation(compare32(s(sd(op)), s(sm(op)), signals));
}

export function op_vcmpz(op: u32): void {
  useFpscr();
  const signals: bool = (op & 0x80) != 0;
  if (isDouble(op)) setRelation(compare64(d(dd(op)), 0, signals));
  else setRelation(compare32(s(sd(op)), 0, signals));
}

/** Between the precisions; the bit says that of the operand. */
export function op_vcvt_ds(op: u32): void {
  useFpscr();
  if (isDouble(op)) setS(sd(op), single(d(dm(op))));
  else setD(dd(op), double(s(sm(op))));
}

export function op_vcvt_fi(op: u32): void {
  useFpscr();
  const word: u32 = s(sm(op));
  const value: i64 = (op & 0x80) != 0 ? <i64>(<i32>word) : <i64>(<u64>word);
  if (isDouble(op)) setD(dd(op), fromInteger64(value, 0));
  else setS(sd(op), fromInteger32(value, 0));
}

export function op_vcvt_if(op: u32): void {
  useFpscr();
  const value: u64 = isDouble(op) ? in64(d(dm(op))) : f32ToF64(in32(s(sm(op))));
  setS(sd(op), <u32>toInteger(value, (op & 0x0001_0000) != 0, 32, 0, (op & 0x80) != 0));
}

/** To and from fixed point, in the same register. */
export function op_vcvt_fixed(op: u32): void {
  useFpscr();
  const bits: u32 = (op & 0x80) != 0 ? 32 : 16;
  const fraction: i32 = <i32>bits - <i32>(((op << 1) & 30) | ((op >>> 5) & 1));
  if (fraction < 0) {
    undefinedException(op);
    return;
  }
  const signed: bool = (op & 0x0001_0000) == 0;
  const doubles: bool = isDouble(op);
  if ((op & 0x0004_0000) != 0) {
    const from: u64 = doubles ? in64(d(dd(op))) : f32ToF64(in32(s(sd(op))));
    const value: u64 = toInteger(from, signed, bits, fraction, true);
    if (doubles) setD(dd(op), signed ? value : bits == 32 ? value & 0xffff_ffff : value & 0xffff);
    else setS(sd(op), <u32>value);
    return;
  }
  const word: u32 = doubles ? <u32>d(dd(op)) : s(sd(op));
  let value: i64;
  if (bits == 32) value = signed ? <i64>(<i32>word) : <i64>(<u64>word);
  else value = signed ? <i64>(<i16>word) : <i64>(<u64>(word & 0xffff));
  if (doubles) setD(dd(op), fromInteger64(value, fraction));
  else setS(sd(op), fromFixed32(value, fraction));
}

/** Always to the nearest, also without fraction bits. */
function fromFixed32(value: i64, fraction: i32): u32 {
  const fpscr: u32 = cpu.fpscr;
  cpu.fpscr &= ~FPSCR_RMODE;
  useFpscr();
  const r: u32 = fromInteger32(value, fraction);
  cpu.fpscr |= fpscr & FPSCR_RMODE;
  return r;
}

// --- Transfers

export function op_vmov_s(op: u32): void {
  const rt: u32 = (op >>> 12) & 15;
  if ((op & 0x0010_0000) != 0) setGpr(rt, s(sn(op)));
  else setS(sn(op), gpr(rt));
}

export function op_vmov_2s(op: u32): void {
  const m: u32 = sm(op);
  const rt: u32 = (op >>> 12) & 15;
  const rt2: u32 = (op >>> 16) & 15;
  if ((op & 0x0010_0000) != 0) {
    setGpr(rt, s(m));
    if (m < 31) setGpr(rt2, s(m + 1));
  } else {
    setS(m, gpr(rt));
    if (m < 31) setS(m + 1, gpr(rt2));
  }
}

export function op_vmov_d(op: u32): void {
  const m: u32 = dm(op);
  const rt: u32 = (op >>> 12) & 15;
  const rt2: u32 = (op >>> 16) & 15;
  if ((op & 0x0010_0000) != 0) {
    setGpr(rt, <u32>d(m));
    setGpr(rt2, <u32>(d(m) >>> 32));
  } else {
    setD(m, (<u64>gpr(rt2) << 32) | <u64>gpr(rt));
  }
}

/** Address of an element of a register: its size and number are in opc1 and opc2; 0 when there is none. */
function scalarPlace(op: u32, n: u32): u32 {
  const opc: u32 = ((op >>> 19) & 12) | ((op >>> 5) & 3);
  const at: u32 = VFP_BASE + (n << 3);
  if ((opc & 8) != 0) return at + (opc & 7);
  if ((opc & 1) != 0) return at + (opc & 6);
  return (opc & 2) != 0 ? 0 : at + (opc & 4);
}

export function op_vmov_to_scalar(op: u32): void {
  const opc: u32 = ((op >>> 19) & 12) | ((op >>> 5) & 3);
  const place: u32 = scalarPlace(op, dn(op));
  const value: u32 = gpr((op >>> 12) & 15);
  if (place == 0) undefinedException(op);
  else if ((opc & 8) != 0) store<u8>(place, value);
  else if ((opc & 1) != 0) store<u16>(place, value);
  else store<u32>(place, value);
}

export function op_vmov_from_scalar(op: u32): void {
  const opc: u32 = ((op >>> 19) & 12) | ((op >>> 5) & 3);
  const unsigned: bool = (op & 0x0080_0000) != 0;
  const place: u32 = scalarPlace(op, dn(op));
  const rt: u32 = (op >>> 12) & 15;
  if (place == 0 || (unsigned && (opc & 9) == 0)) undefinedException(op);
  else if ((opc & 8) != 0) setGpr(rt, unsigned ? <u32>load<u8>(place) : <u32>(<i32>load<i8>(place)));
  else if ((opc & 1) != 0) setGpr(rt, unsigned ? <u32>load<u16>(place) : <u32>(<i32>load<i16>(place)));
  else setGpr(rt, load<u32>(place));
}

/** VDUP from a core register. */
export function op_vdup_r(op: u32): void {
  const size: u32 = ((op >>> 21) & 2) | ((op >>> 5) & 1);
  const quad: bool = (op & 0x0020_0000) != 0;
  const n: u32 = dn(op);
  if (size == 3 || (quad && (n & 1) != 0)) {
    undefinedException(op);
    return;
  }
  let value: u64 = <u64>gpr((op >>> 12) & 15);
  if (size == 2) value = (value & 0xff) * 0x0101_0101_0101_0101;
  else if (size == 1) value = (value & 0xffff) * 0x0001_0001_0001_0001;
  else value |= value << 32;
  setD(n, value);
  if (quad) setD(n + 1, value);
}

// --- System registers

const FPSID: u32 = 0x4103_30c3;
const MVFR0: u32 = 0x1111_0222;
const MVFR1: u32 = 0x0001_1111;

export function op_vmrs(op: u32): void {
  const register: u32 = (op >>> 16) & 15;
  const rt: u32 = (op >>> 12) & 15;
  if (!vfpAccess(op)) return;
  if ((register == 1 ? (cpu.fpexc & FPEXC_EN) == 0 : run.privileged == 0)) {
    undefinedException(op);
    return;
  }
  let value: u32;
  switch (register) {
    case 0:
      value = FPSID;
      break;
    case 1:
      if (rt == 15) {
        setFlags(cpu.fpscr);
        return;
      }
      value = cpu.fpscr;
      break;
    case 6:
      value = MVFR1;
      break;
    case 7:
      value = MVFR0;
      break;
    case 8:
      value = cpu.fpexc;
      break;
    default:
      undefinedException(op);
      return;
  }
  setGpr(rt, value);
}

export function op_vmsr(op: u32): void {
  const register: u32 = (op >>> 16) & 15;
  const value: u32 = gpr((op >>> 12) & 15);
  if (!vfpAccess(op)) return;
  if (register == 1 ? (cpu.fpexc & FPEXC_EN) == 0 : run.privileged == 0) {
    undefinedException(op);
    return;
  }
  if (register == 1) {
    cpu.fpscr = value & FPSCR_WRITABLE;
  } else if (register == 8) {
    cpu.fpexc = value & FPEXC_EN;
    leaveAfter();
  } else if (register != 0) {
    undefinedException(op);
  }
}

// --- Loads and stores

// @ts-ignore: decorator
@inline
function base(n: u32): u32 {
  return n == 15 ? pcRead() & ~3 : gpr(n);
}

export function op_vldr(op: u32): void {
  const by: u32 = (op & 0xff) << 2;
  const from: u32 = base((op >>> 16) & 15);
  const ea: u32 = (op & 0x0080_0000) != 0 ? from + by : from - by;
  const doubles: bool = isDouble(op);
  const place: u32 = VFP_BASE + (doubles ? dd(op) << 3 : sd(op) << 2);
  run.fault = 0;
  if ((op & 0x0010_0000) != 0) loadWords(place, ea, doubles ? 2 : 1);
  else storeWords(place, ea, doubles ? 2 : 1);
}

/** `words` words at `ea` into registers; none changes when the access fails. */
function loadWords(place: u32, ea: u32, words: u32): void {
  if (unalignedWords(ea, false)) return;
  for (let n: u32 = 0; n < words; n++) {
    const value: u32 = read32(ea + (n << 2));
    if (run.fault != 0) return;
    store<u32>(BLOCK_BASE + (n << 2), value);
  }
  memory.copy(place, BLOCK_BASE, words << 2);
}

function storeWords(place: u32, ea: u32, words: u32): void {
  if (unalignedWords(ea, true)) return;
  const last: u32 = ea + ((words - 1) << 2);
  if (((ea ^ last) & ~0xfff) != 0 && (!probeWrite(ea) || !probeWrite(last))) return;
  for (let n: u32 = 0; n < words; n++) {
    write32(ea + (n << 2), load<u32>(place + (n << 2)));
    if (run.fault != 0) return;
  }
}

export function op_vldm(op: u32): void {
  const doubles: bool = isDouble(op);
  const n: u32 = (op >>> 16) & 15;
  const imm: u32 = op & 0xff;
  const first: u32 = doubles ? dd(op) << 1 : sd(op);
  // FLDMX and FSTMX have an odd number of words, and a word that nobody uses.
  const words: u32 = doubles ? imm & ~1 : imm;
  const puw: u32 = ((op >>> 22) & 6) | ((op >>> 21) & 1);
  if (words == 0 || first + words > 64 || (!doubles && first + words > 32) || words > 32 || (puw != 2 && puw != 3 && puw != 5)) {
    undefinedException(op);
    return;
  }
  const from: u32 = base(n);
  const down: bool = puw == 5;
  const ea: u32 = down ? from - (imm << 2) : from;
  run.fault = 0;
  if ((op & 0x0010_0000) != 0) loadWords(VFP_BASE + (first << 2), ea, words);
  else storeWords(VFP_BASE + (first << 2), ea, words);
  if (run.fault == 0 && (puw & 1) != 0 && n != 15) setGpr(n, down ? ea : from + (imm << 2));
}

const CPACR_ASEDIS: u32 = 0x8000_0000;

/** Whether Advanced SIMD instructions may be executed. */
export function neonEnabled(op: u32): bool {
  if ((cpu.cpacr & CPACR_ASEDIS) == 0) return vfpEnabled(op);
  undefinedException(op);
  return false;
}
