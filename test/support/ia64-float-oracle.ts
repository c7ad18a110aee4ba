// SPDX-License-Identifier: MIT
//
// IA-64 floating point once more, with integers of any size: slow, and without a line in common with the core.

/** A register: significand, sign << 17 | exponent. */
export interface Register {
  readonly significand: bigint;
  readonly signExponent: number;
}

export interface Environment {
  /** Significand bits, 24, 53 or 64, and the largest exponent. */
  readonly precision: number;
  readonly emax: number;
  /** Nearest, down, up, zero. */
  readonly rounding: 0 | 1 | 2 | 3;
  readonly flush: boolean;
}

export interface Result extends Register {
  /** V D Z O U I from bit 0 on. */
  readonly flags: number;
}

const BIAS = 65535;
const INTEGER = 1n << 63n;

/** (-1)^negative × magnitude × 2^scale */
export interface Exact {
  readonly negative: boolean;
  readonly magnitude: bigint;
  readonly scale: number;
}

export function exactly({ significand, signExponent }: Register): Exact {
  const exponent = signExponent & 0x1_ffff;
  return {
    negative: signExponent >> 17 === 1,
    magnitude: significand,
    scale: (exponent === 0 ? 0xc001 : exponent) - BIAS - 63,
  };
}

const bitsOf = (n: bigint): number => (n === 0n ? 0 : n.toString(2).length);

/** n / 2^shift as an integer, with the rest told as 0, below half, half, above half. */
function shifted(n: bigint, shift: number): { whole: bigint; rest: 0 | 1 | 2 | 3 } {
  if (shift <= 0) return { whole: n << BigInt(-shift), rest: 0 };
  const whole = n >> BigInt(shift);
  const rest = n - (whole << BigInt(shift));
  const half = 1n << BigInt(shift - 1);
  return { whole, rest: rest === 0n ? 0 : rest < half ? 1 : rest === half ? 2 : 3 };
}

function goesUp(environment: Environment, negative: boolean, odd: boolean, rest: number): boolean {
  if (rest === 0) return false;
  if (environment.rounding === 0) return rest === 3 || (rest === 2 && odd);
  if (environment.rounding === 1) return negative;
  return environment.rounding === 2 && !negative;
}

/** Rounds a non-zero number; `sticky` says that something not zero follows below. */
export function round(environment: Environment, exact: Exact, sticky = false): Result {
  const { precision, emax } = environment;
  const emin = 1 - emax;
  const { negative } = exact;
  // Two bits of room, so that what follows below cannot be mistaken.
  const magnitude = (exact.magnitude << 66n) | (sticky ? 1n : 0n);
  const scale = exact.scale - 66;
  const sign = negative ? 0x2_0000 : 0;
  const exponent = bitsOf(magnitude) - 1 + scale;

  const rounded = (quantum: number): { value: bigint; inexact: boolean } => {
    const { whole, rest } = shifted(magnitude, quantum - scale);
    return { value: whole + (goesUp(environment, negative, (whole & 1n) === 1n, rest) ? 1n : 0n), inexact: rest !== 0 };
  };
  const free = rounded(exponent - precision + 1);
  const carried = bitsOf(free.value) > precision;
  const finalExponent = carried ? exponent + 1 : exponent;
  if (finalExponent > emax) {
    const inward = environment.rounding === 3 || environment.rounding === (negative ? 2 : 1);
    if (!inward) return { significand: INTEGER, signExponent: sign | 0x1_ffff, flags: 0x28 };
    const largest = ((1n << BigInt(precision)) - 1n) << BigInt(64 - precision);
    return { significand: largest, signExponent: sign | (emax + BIAS), flags: 0x28 };
  }
  if (finalExponent < emin) {
    if (environment.flush) return { significand: 0n, signExponent: sign, flags: 0x30 };
    const { value, inexact } = rounded(emin - precision + 1);
    const significand = value << BigInt(64 - precision);
    const flags = inexact ? 0x30 : 0;
    if (significand === 0n) return { significand, signExponent: sign, flags };
    const denormal = significand < INTEGER && emax === 16383;
    return { significand, signExponent: sign | (denormal ? 0 : emin + BIAS), flags };
  }
  const value = carried ? free.value >> 1n : free.value;
  return {
    significand: value << BigInt(64 - precision),
    signExponent: sign | (finalExponent + BIAS),
    flags: free.inexact ? 0x20 : 0,
  };
}

/** ±(c × d) ± b for finite operands that are not zero. */
export function multiplyAdd(
  environment: Environment,
  b: Register,
  c: Register,
  d: Register,
  negateProduct: boolean,
  negateAddend: boolean,
): Result {
  const [x, y, z] = [exactly(b), exactly(c), exactly(d)];
  const productScale = y.scale + z.scale;
  const scale = Math.min(productScale, x.scale);
  const productNegative = (y.negative !== z.negative) !== negateProduct;
  const product = (y.magnitude * z.magnitude) << BigInt(productScale - scale);
  const addend = x.magnitude << BigInt(x.scale - scale);
  const sum = (productNegative ? -product : product) + (x.negative !== negateAddend ? -addend : addend);
  const unnormal = [b, c, d].some(({ significand }) => significand < INTEGER) ? 2 : 0;
  if (sum === 0n) {
    return { significand: 0n, signExponent: environment.rounding === 1 ? 0x2_0000 : 0, flags: unnormal };
  }
  const result = round(environment, { negative: sum < 0n, magnitude: sum < 0n ? -sum : sum, scale });
  return { ...result, flags: result.flags | unnormal };
}

export function quotient(environment: Environment, n: Register, d: Register): Result {
  const [x, y] = [exactly(n), exactly(d)];
  const wide = x.magnitude << 200n;
  const magnitude = wide / y.magnitude;
  const sticky = magnitude * y.magnitude !== wide;
  return round(environment, { negative: x.negative !== y.negative, magnitude, scale: x.scale - y.scale - 200 }, sticky);
}

export function squareRoot(environment: Environment, n: Register): Result {
  const { magnitude, scale } = exactly(n);
  const odd = (scale & 1) !== 0;
  const wide = magnitude << (odd ? 201n : 200n);
  let root = 1n << BigInt((bitsOf(wide) + 1) >> 1);
  for (;;) {
    const better = (root + wide / root) >> 1n;
    if (better >= root) break;
    root = better;
  }
  const newScale = ((odd ? scale - 1 : scale) - 200) / 2;
  return round(environment, { negative: false, magnitude: root, scale: newScale }, root * root !== wide);
}

/** To an integer of `bits` bits; undefined when there is none, which is invalid. */
export function toInteger(
  rounding: Environment['rounding'],
  n: Register,
  bits: number,
  unsigned: boolean,
): { readonly value: bigint; readonly inexact: boolean } | undefined {
  const { negative, magnitude, scale } = exactly(n);
  const { whole, rest } = shifted(magnitude, -scale);
  const environment = { precision: 64, emax: 16383, rounding, flush: false };
  const rounded = whole + (goesUp(environment, negative, (whole & 1n) === 1n, rest) ? 1n : 0n);
  const value = negative ? -rounded : rounded;
  const low = unsigned ? 0n : -(1n << BigInt(bits - 1));
  const high = unsigned ? (1n << BigInt(bits)) - 1n : (1n << BigInt(bits - 1)) - 1n;
  return value < low || value > high ? undefined : { value, inexact: rest !== 0 };
}

/** -1, 0 or 1. */
export function order(a: Register, b: Register): number {
  const [x, y] = [exactly(a), exactly(b)];
  const scale = Math.min(x.scale, y.scale);
  const value = (e: Exact): bigint => (e.magnitude << BigInt(e.scale - scale)) * (e.negative ? -1n : 1n);
  const [p, q] = [value(x), value(y)];
  return p < q ? -1 : p > q ? 1 : 0;
}

/** A single's bits as a register; finite. */
export function fromSingle(bits: number): Register {
  const sign = (bits >>> 31) << 17;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = BigInt(bits & 0x7f_ffff) << 40n;
  if (exponent === 0) return { significand: fraction, signExponent: sign | (fraction === 0n ? 0 : 0xff81) };
  return { significand: fraction | INTEGER, signExponent: sign | (exponent + 0xff80) };
}

/** The single that a result rounded to one is. */
export function toSingle({ significand, signExponent }: Register): number {
  const isNormal = significand >= INTEGER;
  const exponent = isNormal ? ((signExponent & 0x1_ffff) === 0x1_ffff ? 255 : (signExponent & 0x1_ffff) - 0xff80) : 0;
  return ((((signExponent >> 17) & 1) << 31) | (exponent << 23) | Number((significand >> 40n) & 0x7f_ffffn)) >>> 0;
}
