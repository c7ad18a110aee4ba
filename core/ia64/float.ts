// SPDX-License-Identifier: MIT
//
// Arithmetic on the 82-bit floating-point format: 64-bit significand with an explicit integer bit, sign, 17-bit
// exponent with bias 65535 [SDM1 §5.1]. Every result is the exact one rounded once. Results are left in `sig` and `se`
// (sign << 17 | exponent), exceptions in `flags`; all of these are scratch.
//
// A finite non-zero operand is taken apart into sign, exponent e and a significand m with bit 63 set: m × 2^(e - 63).

export const BIAS: i32 = 65535;
export const SIGN: u32 = 0x2_0000;
export const EXPONENT: u32 = 0x1_ffff;
export const INTEGER_BIT: u64 = 0x8000_0000_0000_0000;
export const QUIET_BIT: u64 = 0x4000_0000_0000_0000;
/** Exponent of an integer in a significand. */
export const INTEGER_SE: u32 = 0x1_003e;
export const NATVAL_SE: u32 = 0x1_fffe;
/** A register exponent of 0 with a significand is a denormal of the double extended format. */
const DENORMAL_EXPONENT: i32 = 0xc001;

// Exceptions, in the order of FPSR.
export const V: u32 = 0x01;
export const DENORMAL: u32 = 0x02;
export const Z: u32 = 0x04;
export const O: u32 = 0x08;
export const U: u32 = 0x10;
export const I: u32 = 0x20;

// Classes; those from NAN_CLASS on are no numbers.
export const NORMAL: u32 = 0;
export const ZERO: u32 = 1;
export const UNNORMAL: u32 = 2;
export const INFINITE: u32 = 3;
export const QNAN: u32 = 4;
export const SNAN: u32 = 5;
export const UNSUPPORTED: u32 = 6;
export const NATVAL: u32 = 7;

export const ROUND_NEAREST: u32 = 0;
export const ROUND_DOWN: u32 = 1;
export const ROUND_UP: u32 = 2;
export const ROUND_ZERO: u32 = 3;

// ┌──────── environment: what the instruction and the status field ask for ────────────────────────────────────────────┐
/** Significand bits of a result: 24, 53 or 64. */
export let precision: u32 = 64;
let emin: i32 = -16382;
let emax: i32 = 16383;
export let rounding: u32 = 0;
let flushing: bool = false;
/** Exceptions that fault or trap. */
export let enabled: u32 = 0;
// └─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘

export let sig: u64 = 0;
export let se: u32 = 0;
export let flags: u32 = 0;

export const KIND_DYNAMIC: u32 = 0;
export const KIND_SINGLE: u32 = 1;
export const KIND_DOUBLE: u32 = 2;
export const KIND_PARALLEL: u32 = 3;

/** Sets the environment from a status field of FPSR. */
export function setEnvironment(fpsr: u64, field: u32, kind: u32): void {
  const controls: u32 = <u32>(fpsr >> (6 + 13 * field)) & 0x7f;
  const wide: bool = (controls & 2) != 0 && kind != KIND_PARALLEL;
  let p: u32 = 64;
  let e: i32 = 16383;
  switch (kind) {
    case KIND_DYNAMIC: {
      const control: u32 = (controls >> 2) & 3;
      p = control == 0 ? 24 : control == 2 ? 53 : 64;
      break;
    }
    case KIND_DOUBLE:
      p = 53;
      e = 1023;
      break;
    default:
      p = 24;
      e = 127;
      break;
  }
  if (wide) e = 65535;
  precision = p;
  emax = e;
  emin = 1 - e;
  rounding = (controls >> 4) & 3;
  flushing = (controls & 1) != 0;
  enabled = field != 0 && (controls & 0x40) != 0 ? 0 : ~(<u32>fpsr) & 0x3f;
  flags = 0;
}

export function setRounding(mode: u32): void {
  rounding = mode;
}

/** Forgets exceptions, and gives back those of before. */
export function takeFlags(): u32 {
  const old: u32 = flags;
  flags = 0;
  return old;
}

export function addFlags(more: u32): void {
  flags |= more;
}

// @ts-ignore: decorator
@inline
export function setResult(significand: u64, signExponent: u32): void {
  sig = significand;
  se = signExponent;
}

export function classify(s: u64, e: u32): u32 {
  const exponent: u32 = e & EXPONENT;
  if (exponent == EXPONENT) {
    if (s < INTEGER_BIT) return UNSUPPORTED;
    if (s == INTEGER_BIT) return INFINITE;
    return (s & QUIET_BIT) != 0 ? QNAN : SNAN;
  }
  if (s >= INTEGER_BIT) return exponent != 0 ? NORMAL : UNNORMAL;
  if (s != 0) return UNNORMAL;
  return e == NATVAL_SE ? NATVAL : exponent == 0 ? ZERO : UNNORMAL;
}

// @ts-ignore: decorator
@inline
export function isNormal(s: u64, e: u32): bool {
  return s >= INTEGER_BIT && (e & EXPONENT) - 1 < EXPONENT - 1;
}

// @ts-ignore: decorator
@inline
export function isNatVal(s: u64, e: u32): bool {
  return s == 0 && e == NATVAL_SE;
}

/** True exponent of a non-zero number after normalisation. */
// @ts-ignore: decorator
@inline
export function exponentOf(s: u64, e: u32): i32 {
  const exponent: i32 = <i32>(e & EXPONENT);
  return (exponent == 0 ? DENORMAL_EXPONENT : exponent) - BIAS - <i32>clz(s);
}

// --- Special results

export function indefinite(): void {
  flags |= V;
  setResult(INTEGER_BIT | QUIET_BIT, SIGN | EXPONENT);
}

export function natVal(): void {
  setResult(0, NATVAL_SE);
}

// @ts-ignore: decorator
@inline
function infinity(sign: u32): void {
  setResult(INTEGER_BIT, sign | EXPONENT);
}

// --- Rounding

/** Does `rest`, a fraction of 2^64, round the magnitude up? */
// @ts-ignore: decorator
@inline
function roundsUp(sign: u32, odd: u64, rest: u64): bool {
  if (rest == 0) return false;
  switch (rounding) {
    case ROUND_NEAREST:
      return rest > INTEGER_BIT || (rest == INTEGER_BIT && odd != 0);
    case ROUND_DOWN:
      return sign != 0;
    case ROUND_UP:
      return sign == 0;
    default:
      return false;
  }
}

/** Rounds (high + low × 2^-64) × 2^(e - 63); bit 63 of high is set, low may be jammed. */
export function roundPack(sign: u32, e: i32, high: u64, low: u64): void {
  const p: u32 = precision;
  const drop: u32 = 64 - p;
  let rest: u64 = drop == 0 ? low : (high << p) | u64(low != 0);
  let q: u64 = high >> drop;
  let exponent: i32 = e;
  if (roundsUp(sign, q & 1, rest)) {
    q++;
    if (q == 0 || (drop != 0 && q >> p != 0)) {
      q = (<u64>1) << (p - 1);
      exponent++;
    }
  }
  if (exponent > emax) {
    flags |= O;
    if ((enabled & O) != 0) {
      if (rest != 0) flags |= I;
    } else {
      flags |= I;
      const inward: bool = rounding == ROUND_ZERO || (rounding == ROUND_DOWN ? sign == 0 : rounding == ROUND_UP && sign != 0);
      if (inward) setResult(<u64>-1 << drop, sign | <u32>(emax + BIAS));
      else infinity(sign);
      return;
    }
  } else if (exponent < emin) {
    if ((enabled & U) != 0) {
      flags |= U;
      if (rest != 0) flags |= I;
    } else if (flushing) {
      flags |= U | I;
      setResult(0, sign);
      return;
    } else {
      denormalPack(sign, e, high, low);
      return;
    }
  } else if (rest != 0) {
    flags |= I;
  }
  setResult(q << drop, sign | (<u32>(exponent + BIAS) & EXPONENT));
}

/** The same below the least normal number: an unnormal with the least exponent. */
function denormalPack(sign: u32, e: i32, high: u64, low: u64): void {
  const shift: u32 = <u32>(emin - e);
  let h: u64;
  let l: u64;
  if (shift < 64) {
    h = high >> shift;
    l = (high << (64 - shift)) | (low >> shift) | u64(low << (64 - shift) != 0);
  } else {
    h = 0;
    l = shift == 64 ? high | u64(low != 0) : 1;
  }
  const drop: u32 = 64 - precision;
  const rest: u64 = drop == 0 ? l : (h << precision) | u64(l != 0);
  let q: u64 = h >> drop;
  // More than `precision` places down: only the position of the first bit lost matters.
  const lost: u64 = drop != 0 && shift >= 64 ? 1 : rest;
  if (roundsUp(sign, q & 1, lost)) q++;
  if (lost != 0) flags |= U | I;
  const s: u64 = q << drop;
  if (s == 0) setResult(0, sign);
  else if (s >= INTEGER_BIT || emin != -16382) setResult(s, sign | <u32>(emin + BIAS));
  else setResult(s, sign);
}

// --- Multiply-add

/** High half of the last product. */
let productHigh: u64 = 0;

/** 64 × 64 → 128: returns the low half. */
// @ts-ignore: decorator
@inline
export function multiply(a: u64, b: u64): u64 {
  const a0: u64 = a & 0xffff_ffff;
  const a1: u64 = a >> 32;
  const b0: u64 = b & 0xffff_ffff;
  const b1: u64 = b >> 32;
  const low: u64 = a0 * b0;
  const middle: u64 = a1 * b0 + (low >> 32);
  const cross: u64 = a0 * b1 + (middle & 0xffff_ffff);
  productHigh = a1 * b1 + (middle >> 32) + (cross >> 32);
  return (cross << 32) | (low & 0xffff_ffff);
}

export function highProduct(): u64 {
  return productHigh;
}

/** The sign of an exact zero sum of numbers of different sign. */
// @ts-ignore: decorator
@inline
function zeroSign(): u32 {
  return rounding == ROUND_DOWN ? SIGN : 0;
}

/**
 * c × d + b, the signs of the product and of b inverted as asked. `multiplyOnly` is for f0 as the addend: the sign of a
 * zero is the product's then. No operand is NaTVal.
 */
export function multiplyAdd(
  bs: u64,
  be: u32,
  cs: u64,
  ce: u32,
  ds: u64,
  de: u32,
  productSign: u32,
  addendSign: u32,
  multiplyOnly: bool,
): void {
  if (isNormal(cs, ce) && isNormal(ds, de) && (multiplyOnly || isNormal(bs, be))) {
    finiteMultiplyAdd(
      bs,
      <i32>(be & EXPONENT) - BIAS,
      (be & SIGN) ^ addendSign,
      cs,
      <i32>(ce & EXPONENT) - BIAS,
      ds,
      <i32>(de & EXPONENT) - BIAS,
      ((ce ^ de) & SIGN) ^ productSign,
      multiplyOnly,
    );
    return;
  }
  const bc: u32 = classify(bs, be);
  const cc: u32 = classify(cs, ce);
  const dc: u32 = classify(ds, de);
  if (bc == UNSUPPORTED || cc == UNSUPPORTED || dc == UNSUPPORTED) {
    indefinite();
    return;
  }
  if (bc >= QNAN || cc >= QNAN || dc >= QNAN) {
    if (bc == SNAN || cc == SNAN || dc == SNAN) flags |= V;
    if (dc >= QNAN) setResult(ds | QUIET_BIT, de);
    else if (bc >= QNAN) setResult(bs | QUIET_BIT, be);
    else setResult(cs | QUIET_BIT, ce);
    return;
  }
  const sign: u32 = ((ce ^ de) & SIGN) ^ productSign;
  const addend: u32 = (be & SIGN) ^ addendSign;
  if (cc == INFINITE || dc == INFINITE) {
    if (cs == 0 || ds == 0 || (bc == INFINITE && addend != sign)) {
      indefinite();
      return;
    }
    if (bc == UNNORMAL || cc == UNNORMAL || dc == UNNORMAL) flags |= DENORMAL;
    infinity(sign);
    return;
  }
  if (bc == UNNORMAL || cc == UNNORMAL || dc == UNNORMAL) flags |= DENORMAL;
  if (bc == INFINITE) {
    infinity(addend);
    return;
  }
  if (cs == 0 || ds == 0) {
    if (multiplyOnly) setResult(0, sign);
    else if (bs == 0) setResult(0, addend == sign ? sign : zeroSign());
    else roundPack(addend, exponentOf(bs, be), bs << clz(bs), 0);
    return;
  }
  finiteMultiplyAdd(
    bs << clz(bs),
    bs == 0 ? 0 : exponentOf(bs, be),
    addend,
    cs << clz(cs),
    exponentOf(cs, ce),
    ds << clz(ds),
    exponentOf(ds, de),
    sign,
    bs == 0,
  );
}

/** m × n + a for normalised significands; no addend if `alone`. */
function finiteMultiplyAdd(
  a: u64,
  ea: i32,
  addend: u32,
  m: u64,
  em: i32,
  n: u64,
  en: i32,
  sign: u32,
  alone: bool,
): void {
  let low: u64 = multiply(m, n);
  let high: u64 = productHigh;
  let e: i32 = em + en + 1;
  if (high < INTEGER_BIT) {
    high = (high << 1) | (low >> 63);
    low <<= 1;
    e--;
  }
  if (alone) {
    roundPack(sign, e, high, low);
    return;
  }
  // Three words each; the smaller number is shifted right and what falls off is jammed. A difference can lose many
  // leading bits only when the exponents are next to each other, and then nothing falls off.
  let x2: u64;
  let x1: u64;
  let y2: u64;
  let y1: u64;
  let y0: u64 = 0;
  let distance: i32 = e - ea;
  const productFirst: bool = distance > 0 || (distance == 0 && high >= a);
  if (productFirst) {
    x2 = high;
    x1 = low;
    y2 = a;
    y1 = 0;
  } else {
    x2 = a;
    x1 = 0;
    y2 = high;
    y1 = low;
    distance = -distance;
    e = ea;
  }
  if (distance > 128) {
    y0 = 1;
    y1 = 0;
    y2 = 0;
  } else {
    let lost: u64 = 0;
    let shift: u32 = <u32>distance;
    while (shift >= 64) {
      lost |= y0;
      y0 = y1;
      y1 = y2;
      y2 = 0;
      shift -= 64;
    }
    if (shift != 0) {
      const back: u32 = 64 - shift;
      lost |= y0 << back;
      y0 = (y0 >> shift) | (y1 << back);
      y1 = (y1 >> shift) | (y2 << back);
      y2 >>= shift;
    }
    y0 |= u64(lost != 0);
  }
  const larger: u32 = productFirst ? sign : addend;
  if (sign == addend) {
    const s0: u64 = y0;
    const s1: u64 = x1 + y1;
    const c1: u64 = u64(s1 < x1);
    const t2: u64 = x2 + y2;
    const s2: u64 = t2 + c1;
    if (t2 < x2 || s2 < t2) {
      roundPack(larger, e + 1, (s2 >> 1) | INTEGER_BIT, (s2 << 63) | (s1 >> 1) | u64(((s1 & 1) | s0) != 0));
    } else {
      roundPack(larger, e, s2, s1 | u64(s0 != 0));
    }
    return;
  }
  const d0: u64 = -y0;
  const b0: u64 = u64(y0 != 0);
  const t1: u64 = x1 - y1;
  const d1: u64 = t1 - b0;
  const b1: u64 = u64(x1 < y1) + u64(t1 < b0);
  let r2: u64 = x2 - y2 - b1;
  let r1: u64 = d1;
  let r0: u64 = d0;
  if ((r2 | r1 | r0) == 0) {
    setResult(0, zeroSign());
    return;
  }
  while (r2 == 0) {
    r2 = r1;
    r1 = r0;
    r0 = 0;
    e -= 64;
  }
  const zeros: u32 = <u32>clz(r2);
  if (zeros != 0) {
    const back: u32 = 64 - zeros;
    r2 = (r2 << zeros) | (r1 >> back);
    r1 = (r1 << zeros) | (r0 >> back);
    r0 <<= zeros;
    e -= zeros;
  }
  roundPack(larger, e, r2, r1 | u64(r0 != 0));
}

// --- Reciprocal approximations [SDM3 frcpa, frsqrta]

/** Eleven bits of 1 / (1 + (i + 1/2) / 256). */
// @ts-ignore: decorator
@inline
function reciprocal(i: u32): u64 {
  return (0x20_0000 / (513 + 2 * i) + 1) >> 1;
}

/** Eleven bits of the reciprocal square root of the middle of one of 256 intervals of [1, 4). */
function reciprocalRoot(i: u32): u64 {
  const middle: f64 = 1.0 + (<f64>(i & 127) + 0.5) / 128.0;
  return <u64>(2048.0 / Math.sqrt(i < 128 ? 2.0 * middle : middle) + 0.5);
}

/** Quotient of finite numbers, rounded; for operands that approximation cannot serve. */
function divide(ns: u64, ne: u32, ds: u64, de: u32): void {
  let e: i32 = exponentOf(ns, ne) - exponentOf(ds, de);
  const n: u64 = ns << clz(ns);
  const d: u64 = ds << clz(ds);
  let rest: u64;
  let q: u64 = 1;
  if (n >= d) {
    rest = n - d;
  } else {
    e--;
    rest = (n << 1) - d;
  }
  for (let i: u32 = 0; i < 63; i++) {
    const carry: bool = rest >> 63 != 0;
    rest <<= 1;
    q <<= 1;
    if (carry || rest >= d) {
      rest -= d;
      q |= 1;
    }
  }
  // The next bit, and whether anything follows.
  const carry: bool = rest >> 63 != 0;
  const twice: u64 = rest << 1;
  const half: bool = carry || twice >= d;
  const after: u64 = half ? twice - d : twice;
  roundPack((ne ^ de) & SIGN, e, q, (half ? INTEGER_BIT : 0) | u64(after != 0));
}

/** 1 / d; returns whether the predicate is set, that is, whether Newton's iterations are to follow. */
export function reciprocalApproximation(ns: u64, ne: u32, ds: u64, de: u32): bool {
  const nc: u32 = classify(ns, ne);
  const dc: u32 = classify(ds, de);
  const sign: u32 = (ne ^ de) & SIGN;
  if (nc == UNSUPPORTED || dc == UNSUPPORTED) {
    indefinite();
    return false;
  }
  if (nc >= QNAN || dc >= QNAN) {
    if (nc == SNAN || dc == SNAN) flags |= V;
    if (nc >= QNAN) setResult(ns | QUIET_BIT, ne);
    else setResult(ds | QUIET_BIT, de);
    return false;
  }
  if ((nc == INFINITE && dc == INFINITE) || (ns == 0 && ds == 0)) {
    indefinite();
    return false;
  }
  if (nc != INFINITE && ds == 0) {
    flags |= Z;
    infinity(sign);
    return false;
  }
  if (nc == UNNORMAL || dc == UNNORMAL) flags |= DENORMAL;
  if (nc == INFINITE) {
    infinity(sign);
    return false;
  }
  if (ns == 0 || dc == INFINITE) {
    setResult(0, sign);
    return false;
  }
  const en: i32 = exponentOf(ns, ne);
  const ed: i32 = exponentOf(ds, de);
  const difference: i32 = en - ed;
  if (
    ed <= -BIAS ||
    ed >= BIAS - 2 ||
    difference <= 2 - BIAS ||
    difference >= BIAS ||
    en <= 64 - BIAS
  ) {
    divide(ns, ne, ds, de);
    return false;
  }
  const m: u64 = ds << clz(ds);
  setResult(reciprocal(<u32>(m >> 55) & 0xff) << 53, (de & SIGN) | <u32>(BIAS - 1 - ed));
  return true;
}

/** Square root of a finite positive number, rounded. */
function squareRoot(s: u64, e: u32): void {
  let exponent: i32 = exponentOf(s, e);
  const m: u64 = s << clz(s);
  // The radicand m or 2m with 65 bits before the point; one bit of the root at a time.
  let root: u64 = 0;
  let restHigh: u64 = 0;
  let rest: u64 = 0;
  let high: u64 = (exponent & 1) != 0 ? m : m >> 1;
  let low: u64 = (exponent & 1) != 0 ? 0 : m << 63;
  for (let i: u32 = 0; i < 64; i++) {
    restHigh = (restHigh << 2) | (rest >> 62);
    rest = (rest << 2) | (high >> 62);
    high = (high << 2) | (low >> 62);
    low <<= 2;
    // Trial: 4 × root + 1.
    const trialHigh: u64 = root >> 62;
    const trial: u64 = (root << 2) | 1;
    root <<= 1;
    if (restHigh > trialHigh || (restHigh == trialHigh && rest >= trial)) {
      restHigh -= trialHigh + u64(rest < trial);
      rest -= trial;
      root |= 1;
    }
  }
  // Beyond 64 bits: is the rest more than half, that is, more than root?
  const half: bool = restHigh != 0 || rest > root;
  const low64: u64 = (half ? INTEGER_BIT : 0) | u64((restHigh | rest) != 0);
  roundPack(0, exponent >> 1, root, low64);
}

/** 1 / √d; returns whether the predicate is set. */
export function rootApproximation(s: u64, e: u32): bool {
  const kind: u32 = classify(s, e);
  if (kind == UNSUPPORTED) {
    indefinite();
    return false;
  }
  if (kind >= QNAN) {
    if (kind == SNAN) flags |= V;
    setResult(s | QUIET_BIT, e);
    return false;
  }
  if ((e & SIGN) != 0 && s != 0) {
    indefinite();
    return false;
  }
  if (kind == INFINITE) {
    infinity(0);
    return false;
  }
  if (kind == UNNORMAL) flags |= DENORMAL;
  if (s == 0) {
    setResult(0, e & SIGN);
    return false;
  }
  const exponent: i32 = exponentOf(s, e);
  if (exponent <= 64 - BIAS) {
    squareRoot(s, e);
    return false;
  }
  const m: u64 = s << clz(s);
  const index: u32 = (<u32>(exponent + 1) & 1) << 7 | (<u32>(m >> 56) & 0x7f);
  setResult(reciprocalRoot(index) << 53, <u32>(BIAS - 1 - (exponent >> 1)));
  return true;
}

// --- Single precision reciprocals of a parallel pair

/** A single's exponent range: flags as for any, but numbers out of reach give their limit and no predicate. */
export function parallelReciprocal(ns: u64, ne: u32, ds: u64, de: u32): bool {
  const nc: u32 = classify(ns, ne);
  const dc: u32 = classify(ds, de);
  const plain: bool = nc < INFINITE && dc < INFINITE && ns != 0 && ds != 0;
  if (!plain) return reciprocalApproximation(ns, ne, ds, de);
  if (nc == UNNORMAL || dc == UNNORMAL) flags |= DENORMAL;
  if (dc == UNNORMAL) {
    infinity(de & SIGN);
    return false;
  }
  const en: i32 = exponentOf(ns, ne);
  const ed: i32 = exponentOf(ds, de);
  if (ed >= 125) {
    setResult(0, de & SIGN);
    return false;
  }
  const m: u64 = ds << clz(ds);
  setResult(reciprocal(<u32>(m >> 55) & 0xff) << 53, (de & SIGN) | <u32>(BIAS - 1 - ed));
  return !(en - ed >= 127 || en - ed <= -125 || en <= -103);
}

export function parallelRoot(s: u64, e: u32): bool {
  const kind: u32 = classify(s, e);
  if (kind >= QNAN || ((e & SIGN) != 0 && s != 0)) return rootApproximation(s, e);
  if (kind == INFINITE) {
    setResult(0, 0);
    return false;
  }
  if (s == 0) {
    infinity(e & SIGN);
    return false;
  }
  rootApproximation(s, e);
  return exponentOf(s, e) > -103;
}

// --- Comparison

export const LESS: u32 = 1;
export const EQUAL: u32 = 2;
export const GREATER: u32 = 4;
export const UNORDERED: u32 = 8;

/** Relation of numbers that are no NaTVal; V for NaNs if `signalling`, else for signalling ones only. */
export function compare(as: u64, ae: u32, bs: u64, be: u32, signalling: bool): u32 {
  const ac: u32 = classify(as, ae);
  const bc: u32 = classify(bs, be);
  if (ac >= QNAN || bc >= QNAN) {
    if (signalling || ac == SNAN || bc == SNAN || ac == UNSUPPORTED || bc == UNSUPPORTED) flags |= V;
    return UNORDERED;
  }
  if (ac == UNNORMAL || bc == UNNORMAL) flags |= DENORMAL;
  if (as == 0 && bs == 0) return EQUAL;
  const a: i32 = magnitudeOrder(as, ae, bs, be);
  if (as == 0) return (be & SIGN) != 0 ? GREATER : LESS;
  if (bs == 0) return (ae & SIGN) != 0 ? LESS : GREATER;
  if (((ae ^ be) & SIGN) != 0) return (ae & SIGN) != 0 ? LESS : GREATER;
  if (a == 0) return EQUAL;
  return a < 0 == ((ae & SIGN) == 0) ? LESS : GREATER;
}

function magnitudeOrder(as: u64, ae: u32, bs: u64, be: u32): i32 {
  if (as == 0 || bs == 0) return as == bs ? 0 : as == 0 ? -1 : 1;
  const ea: i32 = exponentOf(as, ae);
  const eb: i32 = exponentOf(bs, be);
  if (ea != eb) return ea < eb ? -1 : 1;
  const a: u64 = as << clz(as);
  const b: u64 = bs << clz(bs);
  return a < b ? -1 : a > b ? 1 : 0;
}

// --- Conversion to integers

/** Rounded to an integer of `bits` bits in `sig`; the most negative one if there is none, with V. */
export function toInteger(s: u64, e: u32, bits: u32, unsigned: bool): void {
  const kind: u32 = classify(s, e);
  const overflow: u64 = (<u64>1) << (bits - 1);
  if (kind >= INFINITE) {
    flags |= V;
    setResult(overflow, INTEGER_SE);
    return;
  }
  const before: u32 = flags;
  if (kind == UNNORMAL) flags |= DENORMAL;
  if (s == 0) {
    setResult(0, INTEGER_SE);
    return;
  }
  const sign: u32 = e & SIGN;
  const exponent: i32 = exponentOf(s, e);
  const m: u64 = s << clz(s);
  let whole: u64 = 0;
  let rest: u64 = 0;
  let tooLarge: bool = exponent > 63;
  if (!tooLarge) {
    const shift: i32 = 63 - exponent;
    if (shift == 0) {
      whole = m;
    } else if (shift < 64) {
      whole = m >> shift;
      rest = m << (64 - shift);
    } else {
      rest = shift == 64 ? m : 1;
    }
    if (roundsUp(sign, whole & 1, rest)) {
      whole++;
      if (whole == 0) tooLarge = true;
    }
    const limit: u64 = bits == 64 ? <u64>-1 : ((<u64>1) << bits) - 1;
    if (unsigned) tooLarge = tooLarge || whole > limit || (sign != 0 && whole != 0);
    else tooLarge = tooLarge || (sign != 0 ? whole > overflow : whole >= overflow);
  }
  if (tooLarge) {
    flags = before | V;
    setResult(overflow, INTEGER_SE);
    return;
  }
  if (rest != 0) flags |= I;
  setResult(sign != 0 ? -whole : whole, INTEGER_SE);
}

// --- Memory formats

/** From single, double and double extended into `sig` and `se`. */
export function fromSingle(bits: u32): void {
  const sign: u32 = (bits >>> 31) << 17;
  const exponent: u32 = (bits >>> 23) & 0xff;
  const fraction: u64 = (<u64>(bits & 0x7f_ffff)) << 40;
  if (exponent == 0) setResult(fraction, sign | (fraction != 0 ? 0xff81 : 0));
  else setResult(fraction | INTEGER_BIT, sign | (exponent == 0xff ? EXPONENT : exponent + 0xff80));
}

export function fromDouble(bits: u64): void {
  const sign: u32 = <u32>(bits >> 63) << 17;
  const exponent: u32 = <u32>(bits >> 52) & 0x7ff;
  const fraction: u64 = (bits & 0xf_ffff_ffff_ffff) << 11;
  if (exponent == 0) setResult(fraction, sign | (fraction != 0 ? 0xfc01 : 0));
  else setResult(fraction | INTEGER_BIT, sign | (exponent == 0x7ff ? EXPONENT : exponent + 0xfc00));
}

export function fromExtended(significand: u64, signExponent: u32): void {
  const sign: u32 = ((signExponent >>> 15) & 1) << 17;
  const exponent: u32 = signExponent & 0x7fff;
  setResult(significand, sign | (exponent == 0x7fff ? EXPONENT : exponent == 0 ? 0 : exponent + 0xc000));
}

/** Stores take bits as they are: what does not fit is cut off. */
// @ts-ignore: decorator
@inline
export function toSingle(s: u64, e: u32): u32 {
  const exponent: u32 = s >= INTEGER_BIT ? ((e >>> 9) & 0x80) | (e & 0x7f) : 0;
  return ((e >>> 17) << 31) | (exponent << 23) | (<u32>(s >> 40) & 0x7f_ffff);
}

// @ts-ignore: decorator
@inline
export function toDouble(s: u64, e: u32): u64 {
  const exponent: u64 = s >= INTEGER_BIT ? ((e >>> 6) & 0x400) | (e & 0x3ff) : 0;
  return (<u64>(e >>> 17) << 63) | (exponent << 52) | ((s >> 11) & 0xf_ffff_ffff_ffff);
}

// @ts-ignore: decorator
@inline
export function toExtended(e: u32): u32 {
  return ((e >>> 17) << 15) | ((e >>> 2) & 0x4000) | (e & 0x3fff);
}
