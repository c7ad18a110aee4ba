// SPDX-License-Identifier: MIT
//
// The 68881's extended format in exact arithmetic: every finite number is an integer times a power of two, and results
// are rounded once from an exact value. The reference that the core is compared with.

/** As registers hold it: sign and exponent (16 bits) above 64 bits of mantissa. */
export type Extended = bigint;

export const ROUNDING = ['nearest', 'zero', 'down', 'up'] as const;
export type Rounding = (typeof ROUNDING)[number];
/** In the order of the FPCR's field. */
export const PRECISION = ['extended', 'single', 'double'] as const;
export type Precision = (typeof PRECISION)[number];

/** Bits of the FPSR's exception byte. */
export const EXC = {
  SNAN: 0x4000,
  OPERR: 0x2000,
  OVFL: 0x1000,
  UNFL: 0x0800,
  DZ: 0x0400,
  INEX2: 0x0200,
} as const;

const BIAS = 16383;
const LIMITS = {
  extended: { bits: 64, least: -16383, most: 16383 },
  double: { bits: 53, least: -1022, most: 1023 },
  single: { bits: 24, least: -126, most: 127 },
  /** What FSGLMUL and FSGLDIV give: a short mantissa, any exponent. */
  shortMantissa: { bits: 24, least: -16383, most: 16383 },
} as const;

export const pack = (high: number, mantissa: bigint): Extended => (BigInt(high) << 64n) | mantissa;
export const highOf = (a: Extended): number => Number(a >> 64n);
export const mantissaOf = (a: Extended): bigint => a & 0xffff_ffff_ffff_ffffn;
export const isSpecial = (a: Extended): boolean => (highOf(a) & 0x7fff) === 0x7fff;
export const isNan = (a: Extended): boolean => isSpecial(a) && BigInt.asUintN(63, a) !== 0n;
export const isInfinite = (a: Extended): boolean => isSpecial(a) && BigInt.asUintN(63, a) === 0n;
export const isZero = (a: Extended): boolean => !isSpecial(a) && mantissaOf(a) === 0n;
export const isNegative = (a: Extended): boolean => highOf(a) >= 0x8000;

export const NAN: Extended = pack(0x7fff, 0xffff_ffff_ffff_ffffn);
export const infinity = (negative: boolean): Extended => pack(negative ? 0xffff : 0x7fff, 0n);
export const zero = (negative: boolean): Extended => pack(negative ? 0x8000 : 0, 0n);

/** integer × 2^exponent */
export interface Exact {
  readonly integer: bigint;
  readonly exponent: number;
  /** The value is a little further from zero than it says. */
  readonly sticky?: boolean;
}

export function exactOf(a: Extended): Exact {
  const magnitude = mantissaOf(a);
  return { integer: isNegative(a) ? -magnitude : magnitude, exponent: (highOf(a) & 0x7fff) - BIAS - 63 };
}

const lengthOf = (a: bigint): number => a.toString(2).length;

export interface Rounded {
  readonly value: Extended;
  readonly flags: number;
}

/** Rounds a number that is not zero. */
export function round(exact: Exact, rounding: Rounding, precision: keyof typeof LIMITS): Rounded {
  const { bits, least, most } = LIMITS[precision];
  const negative = exact.integer < 0n;
  const magnitude = negative ? -exact.integer : exact.integer;
  let flags = 0;
  let exponent = lengthOf(magnitude) - 1 + exact.exponent;
  if (exponent < least) {
    flags |= EXC.UNFL;
    exponent = least;
  }
  // The last place kept is worth 2^place.
  let place = exponent - bits + 1;
  const shift = place - exact.exponent;
  let kept: bigint;
  let lost: -1 | 0 | 1 | 2; // nothing, less than half, half, more
  if (shift <= 0) {
    kept = magnitude << BigInt(-shift);
    lost = exact.sticky ? 0 : -1;
  } else {
    kept = magnitude >> BigInt(shift);
    const rest = magnitude - (kept << BigInt(shift));
    const half = 1n << BigInt(shift - 1);
    lost = rest > half || (rest === half && exact.sticky) ? 2 : rest === half ? 1 : rest > 0n || exact.sticky ? 0 : -1;
  }
  if (lost >= 0) flags |= EXC.INEX2;
  const up =
    rounding === 'nearest'
      ? lost === 2 || (lost === 1 && (kept & 1n) === 1n)
      : lost >= 0 && rounding === (negative ? 'down' : 'up');
  if (up) kept++;
  if (kept === 0n) return { value: zero(negative), flags };
  if (lengthOf(kept) > bits) {
    kept >>= 1n;
    place++;
  }
  exponent = lengthOf(kept) - 1 + place;
  const sign = negative ? 0x8000 : 0;
  if (exponent > most) {
    const largest = rounding === 'zero' || rounding === (negative ? 'up' : 'down');
    const all = ((1n << BigInt(bits)) - 1n) << BigInt(64 - bits);
    return {
      value: largest ? pack(sign | (most + BIAS), all) : infinity(negative),
      flags: flags | EXC.OVFL,
    };
  }
  const field = Math.max(0, exponent + BIAS);
  const mantissa = kept << BigInt(place - (field - BIAS - 63));
  return { value: pack(sign | field, mantissa), flags };
}

// --- Wide fixed-point numbers: integer × 2^-FRACTION

const FRACTION = 400n;
const ONE = 1n << FRACTION;

export const fixedOf = ({ integer, exponent }: Exact): bigint => {
  const shift = BigInt(exponent) + FRACTION;
  return shift >= 0n ? integer << shift : integer >> -shift;
};
/** Towards zero, so that series end. */
const multiply = (a: bigint, b: bigint): bigint => (a * b) / ONE;
const divide = (a: bigint, b: bigint): bigint => (a << FRACTION) / b;

/** atan(1/n) and atanh(1/n). */
function inverseSeries(n: bigint, alternate: boolean): bigint {
  let power = ONE / n;
  let sum = 0n;
  for (let k = 1n; power !== 0n; k += 2n) {
    sum += alternate && (k & 2n) !== 0n ? -power / k : power / k;
    power /= n * n;
  }
  return sum;
}
const PI = 16n * inverseSeries(5n, true) - 4n * inverseSeries(239n, true);
const LN2 = 2n * inverseSeries(3n, false);
const LN10 = 3n * LN2 + 2n * inverseSeries(9n, false);

export function squareRoot(a: bigint): bigint {
  if (a === 0n) return 0n;
  let x = 1n << BigInt((lengthOf(a) + 1) >> 1);
  for (;;) {
    const next = (x + a / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

/** e^x as a fixed-point number times 2^scale. */
function exponential(x: bigint): { value: bigint; scale: number } {
  const scale = x / LN2;
  const rest = x - scale * LN2;
  let term = ONE;
  let sum = 0n;
  for (let k = 1n; term !== 0n; k++) {
    sum += term;
    term = multiply(term, rest) / k;
  }
  return { value: sum, scale: Number(scale) };
}

/** For |x| below 2^40 or so. */
function exponentialFixed(x: bigint): bigint {
  const { value, scale } = exponential(x);
  return scale >= 0 ? value << BigInt(scale) : value >> BigInt(-scale);
}

function logarithm(x: bigint): bigint {
  const scale = BigInt(lengthOf(x)) - FRACTION;
  const m = scale >= 0n ? x >> scale : x << -scale; // in [1/2, 1)
  const t = divide(m - ONE, m + ONE);
  const square = multiply(t, t);
  let power = t;
  let sum = 0n;
  for (let k = 1n; power !== 0n; k += 2n) {
    sum += power / k;
    power = multiply(power, square);
  }
  return 2n * sum + scale * LN2;
}

/** Sine and cosine. */
function circular(x: bigint): [bigint, bigint] {
  const rest = x % (2n * PI);
  let [sine, cosine] = [0n, 0n];
  let term = ONE;
  for (let k = 1n; term !== 0n; k++) {
    // term is x^(k-1) / (k-1)!
    const sign = ((k - 1n) & 2n) === 0n ? 1n : -1n;
    if ((k & 1n) === 1n) cosine += sign * term;
    else sine += sign * term;
    term = multiply(term, rest) / k;
  }
  return [sine, cosine];
}

function arcTangent(x: bigint): bigint {
  if (x < 0n) return -arcTangent(-x);
  if (x > ONE) return PI / 2n - arcTangent(divide(ONE, x));
  // Halve the angle a few times.
  let t = x;
  for (let n = 0; n < 8; n++) t = divide(t, ONE + squareRoot(ONE * ONE + t * t));
  const square = multiply(t, t);
  let power = t;
  let sum = 0n;
  for (let k = 1n; power !== 0n; k += 2n) {
    sum += (k & 2n) !== 0n ? -(power / k) : power / k;
    power = multiply(power, square);
  }
  return sum << 8n;
}

/** sqrt(1 - x²) */
const complement = (x: bigint): bigint => squareRoot(ONE * ONE - x * x);

const fixed = (integer: bigint): Exact => ({ integer, exponent: -Number(FRACTION), sticky: true });
const scaled = (x: bigint): Exact => {
  const { value, scale } = exponential(x);
  return { integer: value, exponent: scale - Number(FRACTION), sticky: true };
};
const hyperbolic = (x: bigint): [bigint, bigint] => {
  const up = exponentialFixed(x);
  const down = exponentialFixed(-x);
  return [(up - down) / 2n, (up + down) / 2n];
};

/** The 68881's functions of one operand, by name; operands in the range where they are neither exact nor special. */
export const FUNCTIONS: Readonly<Record<string, { op: number; of: (x: bigint) => Exact; domain: Domain }>> = {
  fsinh: { op: 0x02, of: (x) => fixed(hyperbolic(x)[0]), domain: 'hyperbolic' },
  flognp1: { op: 0x06, of: (x) => fixed(logarithm(ONE + x)), domain: 'aboveMinusOne' },
  fetoxm1: { op: 0x08, of: (x) => fixed(exponentialFixed(x) - ONE), domain: 'hyperbolic' },
  ftanh: { op: 0x09, of: (x) => fixed(divide(...hyperbolic(x))), domain: 'tangent' },
  fatan: { op: 0x0a, of: (x) => fixed(arcTangent(x)), domain: 'any' },
  fasin: { op: 0x0c, of: (x) => fixed(arcTangent(divide(x, complement(x)))), domain: 'unit' },
  fatanh: { op: 0x0d, of: (x) => fixed(logarithm(divide(ONE + x, ONE - x)) / 2n), domain: 'unit' },
  fsin: { op: 0x0e, of: (x) => fixed(circular(x)[0]), domain: 'any' },
  ftan: { op: 0x0f, of: (x) => fixed(divide(...circular(x))), domain: 'any' },
  fetox: { op: 0x10, of: scaled, domain: 'exponent' },
  ftwotox: { op: 0x11, of: (x) => scaled(multiply(x, LN2)), domain: 'exponent' },
  ftentox: { op: 0x12, of: (x) => scaled(multiply(x, LN10)), domain: 'exponent' },
  flogn: { op: 0x14, of: (x) => fixed(logarithm(x)), domain: 'positive' },
  flog10: { op: 0x15, of: (x) => fixed(divide(logarithm(x), LN10)), domain: 'positive' },
  flog2: { op: 0x16, of: (x) => fixed(divide(logarithm(x), LN2)), domain: 'positive' },
  fcosh: { op: 0x19, of: (x) => fixed(hyperbolic(x)[1]), domain: 'hyperbolic' },
  facos: { op: 0x1c, of: (x) => fixed(PI / 2n - arcTangent(divide(x, complement(x)))), domain: 'unit' },
  fcos: { op: 0x1d, of: (x) => fixed(circular(x)[1]), domain: 'any' },
};

export type Domain = 'any' | 'unit' | 'positive' | 'aboveMinusOne' | 'hyperbolic' | 'tangent' | 'exponent';
