// SPDX-License-Identifier: MIT
//
// The floating-point unit: a 68881 or 68882 beside a 68020 or 68030, or what the 68040 has on the chip [68881 UM],
// [68040 UM §9], [M68000PRM §5]. What the 68040 leaves to software takes the exceptions the chip takes, with the frames
// that FSAVE stores for such software.
import { DIVIDE_BY_ZERO, INEXACT, INVALID, OVERFLOW, ROUND_DOWN, ROUND_NEAREST, ROUND_UP, ROUND_ZERO, UNDERFLOW } from '../common/softfloat';
import {
  SIGNALLING,
  X80_DOUBLE,
  X80_INFINITY_CC,
  X80_NAN,
  X80_NAN_CC,
  X80_NAN_HIGH,
  X80_NEGATIVE_CC,
  X80_SINGLE,
  X80_SINGLE_WIDE,
  X80_ZERO_CC,
  clearX80Flags,
  isX80Infinity,
  isX80Nan,
  isX80Special,
  isX80Zero,
  x80,
  x80Add,
  x80Compare,
  x80Div,
  x80Flags,
  x80FromF32,
  x80FromF64,
  x80FromInt,
  x80GetExp,
  x80GetMan,
  x80High,
  x80Mul,
  x80Quotient,
  x80Remainder,
  x80Round,
  x80RoundToInt,
  x80Scale,
  x80Sqrt,
  x80Sub,
  x80ToF32,
  x80ToF64,
  x80ToInt,
} from '../common/softfloat-x80';
import { fetch16, fetch32, jumpTo, pcCurrent, pcNext } from './code';
import {
  FPU_68040,
  FPU_68881,
  FPU_NONE,
  VECTOR_FP_BSUN,
  VECTOR_FP_DZ,
  VECTOR_FP_INEX,
  VECTOR_FP_OPERR,
  VECTOR_FP_OVFL,
  VECTOR_FP_SNAN,
  VECTOR_FP_UNFL,
  VECTOR_FP_UNSUPP,
  VECTOR_LINE_F,
  VECTOR_TRAPV,
} from './constants';
import { jump } from './control';
import { address, setOperand, step } from './ea';
import { enter, enterMidInstruction, formatError, lineF, refuse, trap } from './exceptions';
import { remember } from './faults';
import { dY, eaOf, setDYSized, signExtend } from './flags';
import { constantRom } from './fpu-constants';
import { packedFromX80, packedHigh, packedLow, packedMiddle, packedToX80 } from './fpu-packed';
import { isTranscendental, transcendental, transcendentalSinCos } from './fpu-functions';
import { read, read32, write, writeLast } from './memory';
import { FPFRAME_BASE, FPR_BASE, areg, cpu, gpr, run, setAreg, setGpr } from './state';

// FPSR.
const CC_SHIFT: u32 = 24;
const EXC_BSUN: u32 = 0x8000;
const EXC_SNAN: u32 = 0x4000;
const EXC_OPERR: u32 = 0x2000;
const EXC_OVFL: u32 = 0x1000;
const EXC_UNFL: u32 = 0x0800;
const EXC_DZ: u32 = 0x0400;
const EXC_INEX2: u32 = 0x0200;
const EXC_INEX1: u32 = 0x0100;
const AEXC_IOP: u32 = 0x80;
const AEXC_OVFL: u32 = 0x40;
const AEXC_UNFL: u32 = 0x20;
const AEXC_DZ: u32 = 0x10;
const AEXC_INEX: u32 = 0x08;

// What FSAVE will store: cpu.fp_state.
const STATE_NULL: u32 = 0;
const STATE_IDLE: u32 = 1;
const STATE_UNIMPLEMENTED: u32 = 3;

// Source formats.
const FORMAT_LONG: u32 = 0;
const FORMAT_SINGLE: u32 = 1;
const FORMAT_EXTENDED: u32 = 2;
const FORMAT_PACKED: u32 = 3;
const FORMAT_WORD: u32 = 4;
const FORMAT_DOUBLE: u32 = 5;
const FORMAT_BYTE: u32 = 6;

// @ts-ignore: decorator
@inline
function fpHigh(n: u32): u32 {
  return load<u32>(FPR_BASE + (n << 4), 8);
}

// @ts-ignore: decorator
@inline
function fpMantissa(n: u32): u64 {
  return load<u64>(FPR_BASE + (n << 4));
}

// @ts-ignore: decorator
@inline
function setFp(n: u32, high: u32, m: u64): void {
  store<u64>(FPR_BASE + (n << 4), m);
  store<u32>(FPR_BASE + (n << 4), high, 8);
}

/** Power-on and the null frame: registers are NaNs. */
export function resetFpu(): void {
  for (let n: u32 = 0; n < 8; n++) setFp(n, X80_NAN_HIGH, X80_NAN);
  cpu.fpcr = cpu.fpsr = cpu.fpiar = 0;
  cpu.fp_state = STATE_NULL;
  cpu.fp_pending = 0;
}

/** Rounding direction and precision of the FPCR. */
function mode(): u32 {
  return rounding() | precision((cpu.fpcr >>> 6) & 3);
}

function rounding(): u32 {
  switch ((cpu.fpcr >>> 4) & 3) {
    case 0:
      return ROUND_NEAREST;
    case 1:
      return ROUND_ZERO;
    case 2:
      return ROUND_DOWN;
    default:
      return ROUND_UP;
  }
}

// @ts-ignore: decorator
@inline
function precision(code: u32): u32 {
  return code == 1 ? X80_SINGLE : code == 2 ? X80_DOUBLE : 0;
}

/** True when the instruction may begin: there is a unit, and no earlier exception waits. */
function begin(): bool {
  if (run.fpu == FPU_NONE) {
    lineF();
    return false;
  }
  if (cpu.fp_pending != 0) {
    const vector: u32 = cpu.fp_pending;
    cpu.fp_pending = 0;
    refuse(vector);
    return false;
  }
  if (cpu.fp_state == STATE_NULL) cpu.fp_state = STATE_IDLE;
  return true;
}

// --- Status

function excOf(flags: u32): u32 {
  let exc: u32 = 0;
  if ((flags & SIGNALLING) != 0) exc |= EXC_SNAN;
  if ((flags & INVALID) != 0) exc |= EXC_OPERR;
  if ((flags & OVERFLOW) != 0) exc |= EXC_OVFL;
  if ((flags & UNDERFLOW) != 0) exc |= EXC_UNFL;
  if ((flags & DIVIDE_BY_ZERO) != 0) exc |= EXC_DZ;
  if ((flags & INEXACT) != 0) exc |= EXC_INEX2;
  return exc;
}

/** Sets the exception byte and accrues it. */
function setExc(exc: u32): void {
  let accrued: u32 = 0;
  if ((exc & (EXC_BSUN | EXC_SNAN | EXC_OPERR)) != 0) accrued |= AEXC_IOP;
  if ((exc & EXC_OVFL) != 0) accrued |= AEXC_OVFL;
  if ((exc & EXC_UNFL) != 0 && (exc & EXC_INEX2) != 0) accrued |= AEXC_UNFL;
  if ((exc & EXC_DZ) != 0) accrued |= AEXC_DZ;
  if ((exc & (EXC_INEX1 | EXC_INEX2 | EXC_OVFL)) != 0) accrued |= AEXC_INEX;
  cpu.fpsr = (cpu.fpsr & 0xffff_00ff) | exc | accrued;
}

function vectorOf(exc: u32): u32 {
  if ((exc & EXC_BSUN) != 0) return VECTOR_FP_BSUN;
  if ((exc & EXC_SNAN) != 0) return VECTOR_FP_SNAN;
  if ((exc & EXC_OPERR) != 0) return VECTOR_FP_OPERR;
  if ((exc & EXC_OVFL) != 0) return VECTOR_FP_OVFL;
  if ((exc & EXC_UNFL) != 0) return VECTOR_FP_UNFL;
  if ((exc & EXC_DZ) != 0) return VECTOR_FP_DZ;
  return VECTOR_FP_INEX;
}

function conditionCodes(high: u32, m: u64): u32 {
  const negative: u32 = (high & 0x8000) != 0 ? X80_NEGATIVE_CC : 0;
  if (isX80Special(high)) return negative | (m << 1 != 0 ? X80_NAN_CC : X80_INFINITY_CC);
  return m == 0 ? negative | X80_ZERO_CC : negative;
}

function setCc(cc: u32): void {
  cpu.fpsr = (cpu.fpsr & 0x00ff_ffff) | (cc << CC_SHIFT);
}

/** Ends an operation with the result in `m` and `x80High`: status, destination, and the exception if it is enabled. */
function finish(n: u32, m: u64, flags: u32, inexactInput: bool, command: u32): void {
  const high: u32 = x80High;
  const exc: u32 = excOf(flags) | (inexactInput ? EXC_INEX1 : 0);
  setExc(exc);
  setCc(conditionCodes(high, m));
  const enabled: u32 = exc & cpu.fpcr & 0xff00;
  if ((enabled & (EXC_SNAN | EXC_OPERR | EXC_DZ)) == 0) setFp(n, high, m);
  if (enabled != 0) wait(enabled, command);
}

/** The exception comes with the next floating-point instruction. */
function wait(enabled: u32, command: u32): void {
  cpu.fp_pending = vectorOf(enabled);
  if (run.fpu == FPU_68040) {
    frameWord(FRAME_CMDREG1B, command << 16);
    frameWord(FRAME_E_T, 0x0400_0000); // E1
    cpu.fp_state = STATE_UNIMPLEMENTED;
  }
}

// --- Operands

let sourceHigh: u32 = 0;
let inexactSource: bool = false;
/** The source is a denormalized number of a shorter format: the tag of the 68040's frame. */
let sourceTag: u32 = 0;

// @ts-ignore: decorator
@inline
function bytesOf(format: u32): u32 {
  switch (format) {
    case FORMAT_LONG:
    case FORMAT_SINGLE:
      return 4;
    case FORMAT_EXTENDED:
    case FORMAT_PACKED:
      return 12;
    case FORMAT_WORD:
      return 2;
    case FORMAT_DOUBLE:
      return 8;
    default:
      return 1;
  }
}

/** Whether a format can be in this addressing mode. */
function accessible(ea: u32, format: u32, store: bool): bool {
  const mode: u32 = ea >>> 3;
  if (mode == 0) return bytesOf(format) <= 4;
  if (mode == 1) return false;
  if (mode < 7) return true;
  return (ea & 7) < (store ? 2 : 5);
}

/** The source operand in memory, a data register or the instruction: mantissa, with `sourceHigh`. */
function fetchSource(w: u32, format: u32): u64 {
  const ea: u32 = eaOf(w);
  let first: u32 = 0;
  let second: u32 = 0;
  let third: u32 = 0;
  const bytes: u32 = bytesOf(format);
  run.fault = 0;
  run.fp_ea = 0;
  if (ea < 8) {
    first = gpr(ea);
  } else if (ea == 0x3c) {
    run.fp_ea = pcNext();
    if (bytes <= 2) first = fetch16();
    else first = fetch32();
    if (bytes > 4) second = fetch32();
    if (bytes > 8) third = fetch32();
  } else {
    const at: u32 = address(ea, bytes);
    if (run.fault != 0) return 0;
    run.fp_ea = at;
    first = read(at, min<u32>(bytes, 4));
    if (run.fault != 0) return 0;
    if (bytes > 4) {
      second = read(at + 4, 4);
      if (run.fault != 0) return 0;
    }
    if (bytes > 8) {
      third = read(at + 8, 4);
      if (run.fault != 0) return 0;
    }
  }
  inexactSource = false;
  sourceTag = 0;
  let m: u64 = 0;
  switch (format) {
    case FORMAT_LONG:
      m = x80FromInt(<i32>first);
      break;
    case FORMAT_WORD:
      m = x80FromInt(<i32>signExtend(first, 2));
      break;
    case FORMAT_BYTE:
      m = x80FromInt(<i32>signExtend(first, 1));
      break;
    case FORMAT_SINGLE:
      if ((first & 0x7f80_0000) == 0 && (first & 0x7f_ffff) != 0) sourceTag = 5;
      m = x80FromF32(first);
      break;
    case FORMAT_DOUBLE: {
      const bits: u64 = (<u64>first << 32) | <u64>second;
      if ((first & 0x7ff0_0000) == 0 && bits << 1 != 0) sourceTag = 5;
      m = x80FromF64(bits);
      break;
    }
    case FORMAT_PACKED:
      if (run.fpu == FPU_68040) {
        sourceTag = 7;
        store<u32>(FPFRAME_BASE, first, FRAME_ETEMP);
        store<u32>(FPFRAME_BASE, second, FRAME_ETEMP + 4);
        store<u32>(FPFRAME_BASE, third, FRAME_ETEMP + 8);
      } else {
        m = packedToX80(rounding(), first, second, third);
        inexactSource = (x80Flags & INEXACT) != 0;
      }
      break;
    default:
      m = x80(first >>> 16, (<u64>second << 32) | <u64>third);
  }
  sourceHigh = x80High;
  return m;
}

// --- The 68040's frame for software, offsets in FPFRAME_BASE: the 48 bytes that FSAVE stores after its first word

const FRAME_CMDREG3B: u32 = 0;
const FRAME_STAG: u32 = 8;
const FRAME_CMDREG1B: u32 = 12;
const FRAME_DTAG: u32 = 16;
const FRAME_E_T: u32 = 20;
const FRAME_FPTEMP: u32 = 24;
const FRAME_ETEMP: u32 = 36;

// @ts-ignore: decorator
@inline
function frameWord(offset: u32, value: u32): void {
  store<u32>(FPFRAME_BASE + offset, value);
}

/** 0 normalized, 1 zero, 2 infinity, 3 NaN, 4 denormalized or unnormalized. */
function tagOf(high: u32, m: u64): u32 {
  if (isX80Special(high)) return m << 1 != 0 ? 3 : 2;
  if (m == 0) return (high & 0x7fff) == 0 ? 1 : 4;
  return <i64>m < 0 ? 0 : 4;
}

function frameNumber(offset: u32, high: u32, m: u64): void {
  frameWord(offset, high << 16);
  frameWord(offset + 4, <u32>(m >>> 32));
  frameWord(offset + 8, <u32>m);
}

function fillFrame(command: u32, high: u32, m: u64, packed: bool): void {
  const n: u32 = (command >>> 7) & 7;
  // The same command as the last stage of the pipeline has it.
  frameWord(FRAME_CMDREG3B, ((command & 0x3c3) | ((command & 0x38) >>> 1) | ((command & 4) << 3)) << 16);
  frameWord(4, 0);
  frameWord(FRAME_STAG, (sourceTag != 0 ? sourceTag : tagOf(high, m)) << 29);
  frameWord(FRAME_CMDREG1B, command << 16);
  frameWord(FRAME_DTAG, tagOf(fpHigh(n), fpMantissa(n)) << 29);
  frameWord(FRAME_E_T, 0);
  frameNumber(FRAME_FPTEMP, fpHigh(n), fpMantissa(n));
  if (!packed) frameNumber(FRAME_ETEMP, high, m);
  cpu.fp_state = STATE_UNIMPLEMENTED;
}

/** An instruction that the 68040 leaves to software: the frame has the operand's address, and the next instruction's. */
function unimplemented(command: u32, high: u32, m: u64): void {
  fillFrame(command, high, m, sourceTag == 7);
  run.undo = 0;
  enter(VECTOR_LINE_F, 2, pcNext(), run.fp_ea);
  run.fault = 1;
  run.excepted = 2;
}

/** A data type that the 68040 leaves to software. */
function unsupported(command: u32, high: u32, m: u64): void {
  fillFrame(command, high, m, sourceTag == 7);
  frameWord(FRAME_E_T, 0x0410_0000); // E1, T
  enter(VECTOR_FP_UNSUPP, 0, pcCurrent(), 0);
  run.fault = 1;
  run.excepted = 2;
}

/** Whether the 68040 has an operation. */
function onChip(op: u32): bool {
  switch (op) {
    case 0x00:
    case 0x04:
    case 0x18:
    case 0x1a:
    case 0x20:
    case 0x22:
    case 0x23:
    case 0x24:
    case 0x27:
    case 0x28:
    case 0x38:
    case 0x3a:
    case 0x40:
    case 0x41:
    case 0x44:
    case 0x45:
    case 0x58:
    case 0x5a:
    case 0x5c:
    case 0x5e:
    case 0x60:
    case 0x62:
    case 0x63:
    case 0x64:
    case 0x66:
    case 0x67:
    case 0x68:
    case 0x6c:
      return true;
    default:
      return false;
  }
}

function isDyadic(op: u32): bool {
  return (op >= 0x20 && op <= 0x28) || op == 0x38 || op >= 0x60;
}

// --- The general instruction

export function op_fpgen(w: u32): void {
  if (!begin()) return;
  const command: u32 = fetch16();
  switch (command >>> 13) {
    case 0:
      operate(w, command, false);
      break;
    case 2:
      operate(w, command, true);
      break;
    case 3:
      moveOut(w, command);
      break;
    case 4:
    case 5:
      moveControl(w, command);
      break;
    case 6:
    case 7:
      moveMultiple(w, command);
      break;
    default:
      lineF();
  }
}

function operate(w: u32, command: u32, memory: bool): void {
  const op: u32 = command & 0x7f;
  const n: u32 = (command >>> 7) & 7;
  const specifier: u32 = (command >>> 10) & 7;
  const is040: bool = run.fpu == FPU_68040;
  if (!memory && eaOf(w) != 0) {
    lineF();
    return;
  }
  if (memory && specifier == 7) {
    moveConstant(command, n);
    return;
  }
  if (!is040 && !(op < 0x40)) {
    lineF();
    return;
  }
  let high: u32 = 0;
  let m: u64 = 0;
  inexactSource = false;
  sourceTag = 0;
  run.fp_ea = 0;
  run.fault = 0;
  if (memory) {
    if (!accessible(eaOf(w), specifier, false)) {
      lineF();
      return;
    }
    m = fetchSource(w, specifier);
    if (run.fault != 0) return;
    high = sourceHigh;
  } else {
    high = fpHigh(specifier);
    m = fpMantissa(specifier);
  }
  cpu.fpiar = pcCurrent();
  if (is040) {
    if (!onChip(op)) {
      if (exists(op)) unimplemented(command, high, m);
      else lineF();
      return;
    }
    const odd: bool = sourceTag != 0 || tagOf(high, m) == 4;
    if (odd || (isDyadic(op) && tagOf(fpHigh(n), fpMantissa(n)) == 4)) {
      unsupported(command, high, m);
      return;
    }
  }
  perform(op, n, high, m, command);
}

/** Whether the family has an operation at all. */
function exists(op: u32): bool {
  if (op >= 0x40) return onChip(op);
  return op <= 0x28 || (op >= 0x30 && op <= 0x38) || op == 0x3a;
}

function perform(op: u32, n: u32, high: u32, m: u64, command: u32): void {
  let how: u32 = mode();
  let base: u32 = op;
  if (op >= 0x40) {
    // Rounded to single or double whatever the FPCR says.
    how = rounding() | ((op & 4) != 0 ? X80_DOUBLE : X80_SINGLE);
    base = op == 0x41 || op == 0x45 ? 0x04 : op == 0x40 || op == 0x44 ? 0x00 : op & 0x3b;
  }
  const dHigh: u32 = fpHigh(n);
  const d: u64 = fpMantissa(n);
  const inexactInput: bool = inexactSource;
  let result: u64 = 0;
  switch (base) {
    case 0x00:
      result = x80Round(how, high, m);
      break;
    case 0x01:
      result = x80RoundToInt(how, high, m);
      break;
    case 0x03:
      result = x80RoundToInt(ROUND_ZERO, high, m);
      break;
    case 0x04:
      result = x80Sqrt(how, high, m);
      break;
    case 0x18:
      result = x80Round(how, high & 0x7fff, m);
      break;
    case 0x1a:
      result = x80Round(how, high ^ 0x8000, m);
      break;
    case 0x1e:
      result = x80GetExp(how, high, m);
      break;
    case 0x1f:
      result = x80GetMan(how, high, m);
      break;
    case 0x20:
      result = x80Div(how, dHigh, d, high, m);
      break;
    case 0x21:
    case 0x25: {
      result = x80Remainder(how, dHigh, d, high, m, base == 0x25);
      const sign: u32 = ((dHigh ^ high) & 0x8000) << 8;
      cpu.fpsr = (cpu.fpsr & 0xff00_ffff) | sign | (x80Quotient << 16);
      break;
    }
    case 0x22:
      result = x80Add(how, dHigh, d, high, m);
      break;
    case 0x23:
      result = x80Mul(how, dHigh, d, high, m);
      break;
    case 0x24:
      result = x80Div(rounding() | X80_SINGLE_WIDE, dHigh, d, high, m);
      break;
    case 0x26:
      result = x80Scale(how, dHigh, d, high, m);
      break;
    case 0x27:
      result = x80Mul(rounding() | X80_SINGLE_WIDE, dHigh, singleMantissa(dHigh, d), high, singleMantissa(high, m));
      break;
    case 0x28:
      result = x80Sub(how, dHigh, d, high, m);
      break;
    case 0x38: {
      const cc: u32 = x80Compare(dHigh, d, high, m);
      compared(cc, x80Flags, command);
      return;
    }
    case 0x3a:
      clearX80Flags();
      compared(conditionCodes(high, m), isX80Nan(high, m) && (m & 0x4000_0000_0000_0000) == 0 ? SIGNALLING : 0, command);
      return;
    default:
      if (base >= 0x30 && base <= 0x37) {
        const cosine: u64 = transcendentalSinCos(how, high, m, true);
        if ((excOf(x80Flags) & cpu.fpcr & 0xff00) == 0) setFp(base & 7, x80High, cosine);
        result = transcendentalSinCos(how, high, m, false);
      } else if (isTranscendental(base)) {
        result = transcendental(base, how, high, m);
      } else {
        lineF();
        return;
      }
  }
  finish(n, result, x80Flags, inexactInput, command);
}

/** FSGLMUL looks at the first 24 significant bits of a number. */
function singleMantissa(high: u32, m: u64): u64 {
  if (isX80Special(high)) return m;
  const others: i64 = 40 - <i64>clz<u64>(m);
  return others > 0 ? (m >> others) << others : m;
}

/** FCMP and FTST change only the status. */
function compared(cc: u32, flags: u32, command: u32): void {
  const exc: u32 = excOf(flags) | (inexactSource ? EXC_INEX1 : 0);
  setExc(exc);
  setCc(cc);
  const enabled: u32 = exc & cpu.fpcr & 0xff00;
  if (enabled != 0) wait(enabled, command);
}

/** FMOVECR. */
function moveConstant(command: u32, n: u32): void {
  cpu.fpiar = pcCurrent();
  if (run.fpu == FPU_68040) {
    unimplemented(command, 0, 0);
    return;
  }
  const m: u64 = constantRom(mode(), command & 0x7f);
  finish(n, m, x80Flags, false, command);
}

/** FMOVE FPn,<ea> */
function moveOut(w: u32, command: u32): void {
  const n: u32 = (command >>> 7) & 7;
  const format: u32 = (command >>> 10) & 7;
  const ea: u32 = eaOf(w);
  const packed: bool = format == FORMAT_PACKED || format == 7;
  const width: u32 = format == 7 ? FORMAT_PACKED : format;
  if (!accessible(ea, width, true)) {
    lineF();
    return;
  }
  cpu.fpiar = pcCurrent();
  const high: u32 = fpHigh(n);
  const m: u64 = fpMantissa(n);
  const how: u32 = rounding();
  const bytes: u32 = bytesOf(width);
  run.fault = 0;
  let at: u32 = 0;
  if (ea >= 8) {
    at = address(ea, bytes);
    if (run.fault != 0) return;
  }
  if (run.fpu == FPU_68040 && (packed || tagOf(high, m) == 4)) {
    sourceTag = 0;
    run.fp_ea = at;
    fillFrame(command, high, m, false);
    frameWord(FRAME_E_T, 0x0410_0000);
    run.undo = 0;
    enter(VECTOR_FP_UNSUPP, 3, pcNext(), at);
    run.fault = 1;
    run.excepted = 2;
    return;
  }
  let first: u32 = 0;
  let second: u32 = 0;
  let third: u32 = 0;
  clearX80Flags();
  switch (width) {
    case FORMAT_LONG:
      first = <u32>x80ToInt(how, 32, high, m);
      break;
    case FORMAT_WORD:
      first = <u32>x80ToInt(how, 16, high, m);
      break;
    case FORMAT_BYTE:
      first = <u32>x80ToInt(how, 8, high, m);
      break;
    case FORMAT_SINGLE:
      first = x80ToF32(how, high, m);
      break;
    case FORMAT_DOUBLE: {
      const bits: u64 = x80ToF64(how, high, m);
      first = <u32>(bits >>> 32);
      second = <u32>bits;
      break;
    }
    case FORMAT_PACKED: {
      const factor: u32 = format == 7 ? gpr((command >>> 4) & 7) : command;
      packedFromX80(how, high, m, <i32>(factor << 25) >> 25);
      first = packedHigh;
      second = packedMiddle;
      third = packedLow;
      break;
    }
    default:
      first = high << 16;
      second = <u32>(m >>> 32);
      third = <u32>m;
      if (isX80Nan(high, m) && (m & 0x4000_0000_0000_0000) == 0) {
        second |= 0x4000_0000;
        setExc(EXC_SNAN);
      }
  }
  const exc: u32 = excOf(x80Flags);
  if (ea < 8) {
    setDYSized(w, bytes, first);
  } else {
    if (bytes <= 4) {
      writeLast(at, bytes, first);
    } else {
      write(at, 4, first);
      if (run.fault != 0) return;
      if (bytes == 8) {
        writeLast(at + 4, 4, second);
      } else {
        write(at + 4, 4, second);
        if (run.fault != 0) return;
        writeLast(at + 8, 4, third);
      }
    }
    if (run.fault != 0) return;
  }
  if (width != FORMAT_EXTENDED || exc != 0) setExc(exc);
  else setExc(isX80Nan(high, m) && (m & 0x4000_0000_0000_0000) == 0 ? EXC_SNAN : 0);
  const enabled: u32 = cpu.fpsr & cpu.fpcr & 0xff00;
  if (enabled == 0) return;
  // The store's exception follows it at once.
  if (run.fpu == FPU_68040) {
    wait(enabled, command);
    cpu.fp_pending = 0;
    enter(vectorOf(enabled), 3, pcNext(), at);
    run.excepted = 1;
    run.fault = 1;
  } else {
    trapMidInstruction(vectorOf(enabled));
  }
}

/** Format 9: the coprocessor stopped in the middle of its instruction. */
function trapMidInstruction(vector: u32): void {
  run.undo = 0;
  enterMidInstruction(vector, pcNext(), pcCurrent());
  run.excepted = 1;
  run.fault = 1;
}

// --- Control registers

function controlRegister(which: u32): u32 {
  return which == 4 ? cpu.fpcr : which == 2 ? cpu.fpsr : cpu.fpiar;
}

function setControlRegister(which: u32, value: u32): void {
  if (which == 4) cpu.fpcr = value & 0xfff0;
  else if (which == 2) cpu.fpsr = value & 0x0fff_fff8;
  else cpu.fpiar = value;
}

function moveControl(w: u32, command: u32): void {
  const out: bool = (command & 0x2000) != 0;
  const ea: u32 = eaOf(w);
  let list: u32 = (command >>> 10) & 7;
  if (list == 0) list = 1;
  const count: u32 = popcnt<u32>(list);
  run.fault = 0;
  if (ea < 16) {
    if (count != 1 || (ea >= 8 && list != 1)) {
      lineF();
      return;
    }
    if (out) setGpr(ea, controlRegister(list));
    else setControlRegister(list, gpr(ea));
    return;
  }
  if (ea == 0x3c && !out) {
    for (let which: u32 = 4; which != 0; which >>>= 1) if ((list & which) != 0) setControlRegister(which, fetch32());
    return;
  }
  if (!(ea < 0x3a || (!out && ea < 0x3c))) {
    lineF();
    return;
  }
  let at: u32 = address(ea, count << 2);
  if (run.fault != 0) return;
  if (out) {
    for (let which: u32 = 4; which != 0; which >>>= 1) {
      if ((list & which) == 0) continue;
      write(at, 4, controlRegister(which));
      if (run.fault != 0) return;
      at += 4;
    }
    return;
  }
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(LOADED + (i << 2), read(at + (i << 2), 4));
    if (run.fault != 0) return;
  }
  let from: u32 = LOADED;
  for (let which: u32 = 4; which != 0; which >>>= 1) {
    if ((list & which) == 0) continue;
    setControlRegister(which, load<u32>(from));
    from += 4;
  }
}

/** Values read by an instruction that has not succeeded yet. */
const LOADED: u32 = FPFRAME_BASE + 0x280;

/** FMOVEM of data registers. */
function moveMultiple(w: u32, command: u32): void {
  const out: bool = (command & 0x2000) != 0;
  const how: u32 = (command >>> 11) & 3;
  const ea: u32 = eaOf(w);
  const mode: u32 = ea >>> 3;
  const list: u32 = ((how & 1) != 0 ? gpr((command >>> 4) & 7) : command) & 0xff;
  const down: bool = mode == 4;
  const good: bool = out ? mode == 2 || mode > 3 && ea < 0x3a : (mode == 2 || mode == 3 || mode > 4) && ea < 0x3c;
  if (!good) {
    lineF();
    return;
  }
  const count: u32 = popcnt<u32>(list);
  let at: u32 = address(ea, count * 12);
  if (run.fault != 0) return;
  for (let i: u32 = 0; i < 8; i++) {
    // With -(An) the list counts from FP0 in bit 0.
    if (((list >>> (down ? i : 7 - i)) & 1) == 0) continue;
    if (out) {
      const m: u64 = fpMantissa(i);
      write(at, 4, fpHigh(i) << 16);
      if (run.fault == 0) write(at + 4, 4, <u32>(m >>> 32));
      if (run.fault == 0) write(at + 8, 4, <u32>m);
    } else {
      const first: u32 = read(at, 4);
      if (run.fault != 0) return;
      const second: u32 = read(at + 4, 4);
      if (run.fault != 0) return;
      const third: u32 = read(at + 8, 4);
      if (run.fault == 0) setFp(i, first >>> 16, (<u64>second << 32) | <u64>third);
    }
    if (run.fault != 0) return;
    at += 12;
  }
}

// --- Conditions

/** Whether a predicate holds; `run.fault` is 1 when it took the BSUN exception. */
function predicate(code: u32): bool {
  const cc: u32 = cpu.fpsr >>> CC_SHIFT;
  const nan: bool = (cc & X80_NAN_CC) != 0;
  const z: bool = (cc & X80_ZERO_CC) != 0;
  const n: bool = (cc & X80_NEGATIVE_CC) != 0;
  run.fault = 0;
  if ((code & 0x10) != 0 && nan) {
    cpu.fpsr |= EXC_BSUN | AEXC_IOP;
    if ((cpu.fpcr & EXC_BSUN) != 0) {
      cpu.fpiar = pcCurrent();
      refuse(VECTOR_FP_BSUN);
      return false;
    }
  }
  switch (code & 15) {
    case 0:
      return false;
    case 1:
      return z;
    case 2:
      return !(nan || z || n);
    case 3:
      return z || !(nan || n);
    case 4:
      return n && !(nan || z);
    case 5:
      return z || (n && !nan);
    case 6:
      return !(nan || z);
    case 7:
      return !nan;
    case 8:
      return nan;
    case 9:
      return nan || z;
    case 10:
      return nan || !(n || z);
    case 11:
      return nan || z || !n;
    case 12:
      return nan || (n && !z);
    case 13:
      return nan || z || n;
    case 14:
      return !z;
    default:
      return true;
  }
}

export function op_fbcc(w: u32): void {
  if (!begin()) return;
  const base: u32 = pcNext();
  const long: bool = (w & 0x0040_0000) != 0;
  const displacement: u32 = long ? fetch32() : signExtend(fetch16(), 2);
  const code: u32 = (w >>> 16) & 0x3f;
  if (code >= 0x20) {
    lineF();
    return;
  }
  const taken: bool = predicate(code);
  if (run.fault == 0 && taken) jump(base + displacement);
}

export function op_fscc(w: u32): void {
  if (!begin()) return;
  const code: u32 = fetch16() & 0x3f;
  if (code >= 0x20) {
    lineF();
    return;
  }
  const holds: bool = predicate(code);
  if (run.fault == 0) setOperand(w, 1, holds ? 0xff : 0);
}

export function op_fdbcc(w: u32): void {
  if (!begin()) return;
  const code: u32 = fetch16() & 0x3f;
  const base: u32 = pcNext();
  const displacement: u32 = signExtend(fetch16(), 2);
  if (code >= 0x20) {
    lineF();
    return;
  }
  const holds: bool = predicate(code);
  if (run.fault != 0 || holds) return;
  const count: u32 = dY(w) - 1;
  setDYSized(w, 2, count);
  if ((count & 0xffff) != 0xffff) jump(base + displacement);
}

export function op_ftrapcc(w: u32): void {
  if (!begin()) return;
  const code: u32 = fetch16() & 0x3f;
  const kind: u32 = (w >>> 16) & 7;
  if (kind == 2) fetch16();
  else if (kind == 3) fetch32();
  if (code >= 0x20) {
    lineF();
    return;
  }
  const holds: bool = predicate(code);
  if (run.fault == 0 && holds) trap(VECTOR_TRAPV);
}

// --- FSAVE, FRESTORE

const VERSION_68881: u32 = 0x1f;
const VERSION_68040: u32 = 0x41;

/** Bytes of the state frame after its first long word. */
function frameBytes(): u32 {
  if (cpu.fp_state == STATE_NULL) return 0;
  if (run.fpu == FPU_68040) return cpu.fp_state == STATE_UNIMPLEMENTED ? 0x30 : 0;
  return run.fpu == FPU_68881 ? 0x18 : 0x38;
}

/** BIU flags of the 68881: no exception is pending. */
const BIU_NOT_PENDING: u32 = 0x0800_0000;

export function op_fsave(w: u32): void {
  if (run.fpu == FPU_NONE) {
    lineF();
    return;
  }
  const bytes: u32 = frameBytes();
  const at: u32 = address(eaOf(w), bytes + 4);
  if (run.fault != 0) return;
  const version: u32 = run.fpu == FPU_68040 ? VERSION_68040 : VERSION_68881;
  write(at, 4, cpu.fp_state == STATE_NULL ? 0 : (version << 24) | (bytes << 16));
  for (let i: u32 = 0; i < bytes && run.fault == 0; i += 4) {
    let word: u32 = 0;
    if (run.fpu == FPU_68040) word = load<u32>(FPFRAME_BASE + i);
    else if (i == bytes - 4) word = 0x7000_0000 | (cpu.fp_pending == 0 ? BIU_NOT_PENDING : 0);
    write(at + 4 + i, 4, word);
  }
  if (run.fault != 0) return;
  cpu.fp_pending = 0;
  if (cpu.fp_state != STATE_NULL) cpu.fp_state = STATE_IDLE;
}

export function op_frestore(w: u32): void {
  if (run.fpu == FPU_NONE) {
    lineF();
    return;
  }
  const ea: u32 = eaOf(w);
  const post: bool = ea >>> 3 == 3;
  const at: u32 = post ? areg(ea & 7) : address(ea, 4);
  run.fault = 0;
  const format: u32 = read32(at);
  if (run.fault != 0) return;
  const version: u32 = format >>> 24;
  const bytes: u32 = version == 0 ? 0 : (format >>> 16) & 0xff;
  if (version != 0 && !knownFrame(version, bytes)) {
    formatError();
    return;
  }
  let pending: bool = false;
  let unimplementedFrame: bool = false;
  if (bytes != 0) {
    if (run.fpu == FPU_68040) {
      // The last 48 bytes of a busy frame are those of the other.
      const from: u32 = at + 4 + bytes - 0x30;
      for (let i: u32 = 0; i < 0x30; i += 4) {
        store<u32>(LOADED + i, read32(from + i));
        if (run.fault != 0) return;
      }
      for (let i: u32 = 0; i < 0x30; i += 4) frameWord(i, load<u32>(LOADED + i));
      pending = (load<u32>(LOADED, FRAME_E_T) & 0x0600_0000) != 0;
      unimplementedFrame = true;
    } else if (bytes == 0x18 || bytes == 0x38) {
      const flags: u32 = read32(at + bytes);
      if (run.fault != 0) return;
      pending = (flags & BIU_NOT_PENDING) == 0;
    }
  }
  if (post) setAreg(ea & 7, at + 4 + bytes);
  if (version == 0) {
    resetFpu();
    return;
  }
  cpu.fp_state = unimplementedFrame ? STATE_UNIMPLEMENTED : STATE_IDLE;
  const enabled: u32 = cpu.fpsr & cpu.fpcr & 0xff00;
  cpu.fp_pending = pending && enabled != 0 ? vectorOf(enabled) : 0;
}

function knownFrame(version: u32, bytes: u32): bool {
  if (run.fpu == FPU_68040) return version == VERSION_68040 && (bytes == 0 || bytes == 0x30 || bytes == 0x60);
  const idle: u32 = run.fpu == FPU_68881 ? 0x18 : 0x38;
  return version == VERSION_68881 && (bytes == idle || bytes == idle + 0x9c);
}
