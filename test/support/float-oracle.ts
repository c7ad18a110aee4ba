// SPDX-License-Identifier: MIT
//
// Exact floating point in rationals of bigints, straight from the definition: the slow, obvious way. It knows finite
// operands only; infinities and NaNs are spelled out by the tests that need them.

export type Format = { readonly precision: number; readonly minimum: number; readonly maximum: number };
export const DOUBLE: Format = { precision: 53, minimum: -1022, maximum: 1023 };
export const SINGLE: Format = { precision: 24, minimum: -126, maximum: 127 };

export type Direction = 'nearest' | 'zero' | 'up' | 'down' | 'away';
export type Rules = {
  readonly direction: Direction;
  readonly format: Format;
  readonly tinyAfterRounding?: boolean;
  readonly trapOverflow?: boolean;
  readonly trapUnderflow?: boolean;
  readonly flush?: boolean;
};
/** ± n / d × 2^e, n ≥ 0, d > 0; the sign counts for zero too. */
export type Exact = { readonly negative: boolean; readonly n: bigint; readonly d: bigint; readonly e: number };
export type Rounded = {
  readonly bits: bigint;
  readonly inexact: boolean;
  readonly underflow: boolean;
  readonly overflow: boolean;
  readonly roundedUp: boolean;
};

const FRACTION = (1n << 52n) - 1n;
const SIGN = 1n << 63n;

const bitLength = (n: bigint): number => {
  const hex = n.toString(16);
  return hex.length * 4 - Math.clz32(parseInt(hex[0]!, 16)) + 28;
};

export function decode(bits: bigint): Exact {
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & FRACTION;
  const negative = (bits & SIGN) !== 0n;
  if (exponent === 0x7ff) throw new RangeError('the oracle knows finite numbers only');
  return exponent
    ? { negative, n: fraction | (FRACTION + 1n), d: 1n, e: exponent - 1075 }
    : { negative, n: fraction, d: 1n, e: -1074 };
}

/** The binary64 number ± m × 2^q, which must exist. */
function encode(negative: boolean, m: bigint, q: number): bigint {
  const sign = negative ? SIGN : 0n;
  if (m === 0n) return sign;
  const length = bitLength(m);
  const exponent = Math.max(length - 1 + q, -1022);
  const shift = q - exponent + 52;
  const significand = shift >= 0 ? m << BigInt(shift) : m >> BigInt(-shift);
  if (shift < 0 && significand << BigInt(-shift) !== m) throw new RangeError('not a binary64 number');
  if (exponent > 1023) throw new RangeError('beyond binary64');
  return sign + (significand > FRACTION ? (BigInt(exponent + 1022) << 52n) + significand : significand);
}

/** n / d × 2^e as an integer of units 2^q, rounded. */
function toUnits(x: Exact, q: number, direction: Direction): { m: bigint; inexact: boolean; up: boolean } {
  const n = x.e > q ? x.n << BigInt(x.e - q) : x.n;
  const d = x.e < q ? x.d << BigInt(q - x.e) : x.d;
  const m = n / d;
  const rest = 2n * (n - m * d);
  let up: boolean;
  if (direction === 'nearest') up = rest > d || (rest === d && (m & 1n) === 1n);
  else if (direction === 'away') up = rest >= d;
  else up = rest !== 0n && direction === (x.negative ? 'down' : 'up');
  return { m: up ? m + 1n : m, inexact: rest !== 0n, up };
}

function floorLog2(x: Exact): number {
  const guess = bitLength(x.n) - bitLength(x.d);
  const below = guess >= 0 ? x.n < x.d << BigInt(guess) : x.n << BigInt(-guess) < x.d;
  return x.e + guess - (below ? 1 : 0);
}

export function round(x: Exact, rules: Rules): Rounded {
  const { precision, minimum, maximum } = rules.format;
  const adjust = precision === 24 ? 192 : 1536;
  const exactly = { inexact: false, underflow: false, overflow: false, roundedUp: false };
  if (x.n === 0n) return { bits: encode(x.negative, 0n, 0), ...exactly };
  const exponent = floorLog2(x);
  const unbounded = toUnits(x, exponent - precision + 1, rules.direction);
  const roundedExponent = exponent + (bitLength(unbounded.m) > precision ? 1 : 0);
  const finish = (r: { m: bigint; inexact: boolean; up: boolean }, q: number): Rounded => ({
    ...exactly,
    bits: encode(x.negative, r.m, q),
    inexact: r.inexact,
    roundedUp: r.up,
  });

  if ((rules.tinyAfterRounding ? roundedExponent : exponent) < minimum) {
    if (rules.trapUnderflow) {
      return { ...finish(unbounded, exponent - precision + 1 + adjust), underflow: true };
    }
    if (rules.flush) return { ...exactly, bits: encode(x.negative, 0n, 0), inexact: true, underflow: true };
    const rounded = finish(toUnits(x, minimum - precision + 1, rules.direction), minimum - precision + 1);
    return { ...rounded, underflow: rounded.inexact };
  }
  if (roundedExponent > maximum) {
    if (rules.trapOverflow) return { ...finish(unbounded, exponent - precision + 1 - adjust), overflow: true };
    const inward = rules.direction === 'zero' || rules.direction === (x.negative ? 'up' : 'down');
    const largest = encode(x.negative, (1n << BigInt(precision)) - 1n, maximum - precision + 1);
    const infinity = (x.negative ? SIGN : 0n) | (0x7ffn << 52n);
    return { ...exactly, bits: inward ? largest : infinity, inexact: true, overflow: true, roundedUp: !inward };
  }
  // Tiny before rounding but not after it: the last place is still that of denormalized numbers.
  const q = Math.max(exponent, minimum) - precision + 1;
  return finish(toUnits(x, q, rules.direction), q);
}

const signed = (x: Exact): bigint => (x.negative ? -x.n : x.n);

export function add(a: Exact, b: Exact, direction: Direction): Exact {
  const e = Math.min(a.e, b.e);
  const n = (signed(a) << BigInt(a.e - e)) + (signed(b) << BigInt(b.e - e));
  if (n === 0n) {
    const bothNegative = a.negative && b.negative && a.n === 0n;
    const bothPositive = !a.negative && !b.negative;
    return { negative: bothNegative || (!bothPositive && direction === 'down'), n, d: 1n, e };
  }
  return { negative: n < 0n, n: n < 0n ? -n : n, d: 1n, e };
}

export const multiply = (a: Exact, b: Exact): Exact => ({
  negative: a.negative !== b.negative,
  n: a.n * b.n,
  d: 1n,
  e: a.e + b.e,
});

export const divide = (a: Exact, b: Exact): Exact => ({
  negative: a.negative !== b.negative,
  n: a.n,
  d: b.n,
  e: a.e - b.e,
});

/** The root to at least 120 bits; an odd last bit stands for what follows, so every rounding is that of the root. */
export function squareRoot(a: Exact): Exact {
  if (a.n === 0n) return a;
  const odd = a.e & 1;
  const n = a.n << BigInt(256 + odd);
  let root = 1n << BigInt((bitLength(n) + 1) >> 1);
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) break;
    root = next;
  }
  return { negative: false, n: 2n * root + (root * root === n ? 0n : 1n), d: 1n, e: (a.e - odd - 256) / 2 - 1 };
}
