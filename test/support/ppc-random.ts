// SPDX-License-Identifier: MIT
import { random } from './random.ts';

/** Seeded random numbers, and random PowerPC operands with a liking for corners. */
export class PpcRandom {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = random(seed);
  }

  word(): number {
    return Math.floor(this.#next() * 0x1_0000_0000);
  }

  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  /** True `n` times in `outOf`. */
  chance(n: number, outOf: number): boolean {
    return this.below(outOf) < n;
  }

  from<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  /** A register value. */
  integer(): number {
    switch (this.below(8)) {
      case 0:
      case 1:
        return this.from(INTEGER_CORNERS) >>> 0;
      case 2:
        return (1 << this.below(32)) >>> 0;
      case 3:
        return ~(1 << this.below(32)) >>> 0;
      case 4:
        return this.below(256);
      case 5: {
        const run = 0xffff_ffff >>> this.below(32);
        return (run << this.below(32)) >>> 0;
      }
      default:
        return this.word();
    }
  }

  /** The two words of a double, most significant first. */
  double(): readonly [number, number] {
    switch (this.below(12)) {
      case 0:
      case 1:
        return this.#signed(this.from(DOUBLE_CORNERS));
      case 2:
        return this.#signed([this.below(0x10_0000), this.word()]); // denormalized
      case 3: {
        // A tie, or nearly one, when rounded to single precision.
        const low = 0x1000_0000 + this.from([0, 0, 1, -1]);
        return this.#signed([this.#exponent(870, 1160) | this.below(0x10_0000), (this.word() & 0xe000_0000) + low]);
      }
      case 4: // single precision
        return this.#signed([this.#exponent(890, 1155) | this.below(0x10_0000), this.word() & 0xe000_0000]);
      case 5: // smaller than single precision's normal numbers
        return this.#signed([
          this.#exponent(868, 900) | this.below(0x10_0000),
          this.from([0, 0x2000_0000, this.word()]),
        ]);
      case 6: {
        // Near an integer, around the ends of the 32-bit range.
        const bits = this.from([0, 1, 8, 30, 31, 32, 52, 53]);
        const value = 2 ** bits + this.from([0, 0.25, 0.5, 0.75, 1, -0.25, -0.5, -0.75, -1]);
        return this.#signed(split(value));
      }
      case 7: // few significant bits, moderate exponents: exact sums and products
        return this.#signed([this.#exponent(1000, 1046) | (this.below(16) << 16), 0]);
      case 8: // all ones in the fraction
        return this.#signed([this.#exponent(1, 2047) | 0xf_ffff, this.from([0xffff_ffff, 0xffff_fffe, 0xe000_0000])]);
      case 9:
        return this.#signed([this.#exponent(1013, 1033) | this.below(0x10_0000), this.word()]);
      default:
        return [this.word(), this.word()];
    }
  }

  /** A single-precision pattern for memory. */
  single(): number {
    return this.chance(1, 3) ? this.from(SINGLE_CORNERS) : this.word();
  }

  #exponent(from: number, to: number): number {
    return (from + this.below(to - from)) << 20;
  }

  #signed([high, low]: readonly [number, number]): readonly [number, number] {
    return [((high & 0x7fff_ffff) | (this.word() & 0x8000_0000)) >>> 0, low >>> 0];
  }
}

const scratch = new DataView(new ArrayBuffer(8));
/** The words of a JavaScript number's IEEE double. */
export function split(value: number): readonly [number, number] {
  scratch.setFloat64(0, value);
  return [scratch.getUint32(0), scratch.getUint32(4)];
}

const INTEGER_CORNERS = [
  0, 0, 1, 1, 2, 3, 31, 32, 33, 63, 64, -1, -1, -2, -31, -32, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000,
  -0x8000, -0x8001, 0x7fff_fffe, 0x7fff_ffff, 0x7fff_ffff, 0x8000_0000, 0x8000_0000, 0x8000_0001, 0xaaaa_aaaa,
  0x5555_5555,
];

const DOUBLE_CORNERS: readonly (readonly [number, number])[] = [
  [0, 0],
  [0, 0],
  [0, 1], // smallest denormalized
  [0x000f_ffff, 0xffff_ffff], // largest denormalized
  [0x0010_0000, 0], // smallest normalized
  [0x0010_0000, 1],
  [0x3ff0_0000, 0], // 1
  [0x3ff0_0000, 1],
  [0x3fef_ffff, 0xffff_ffff],
  [0x4000_0000, 0], // 2
  [0x3fe0_0000, 0], // 0.5
  [0x7fef_ffff, 0xffff_ffff], // largest
  [0x7ff0_0000, 0], // infinity
  [0x7ff0_0000, 0],
  [0x7ff8_0000, 0], // quiet NaN
  [0x7fff_ffff, 0xffff_ffff],
  [0x7ff0_0000, 1], // signalling NaN
  [0x7ff4_0000, 0],
  [0x7ff7_ffff, 0xffff_ffff],
  [0x47ef_ffff, 0xe000_0000], // largest single
  [0x47ef_ffff, 0xf000_0000], // rounds to above it
  [0x3810_0000, 0], // smallest normalized single
  [0x380f_ffff, 0xffff_ffff],
  [0x36a0_0000, 0], // smallest denormalized single
  [0x3690_0000, 0], // half of it
  [0x3690_0000, 1],
  [0x41df_ffff, 0xffc0_0000], // 2**31 - 1
  [0x41e0_0000, 0], // 2**31
];

const SINGLE_CORNERS = [
  0, 0x8000_0000, 1, 0x8000_0001, 0x007f_ffff, 0x0080_0000, 0x3f80_0000, 0x7f7f_ffff, 0x7f80_0000, 0xff80_0000,
  0x7fc0_0000, 0x7f80_0001, 0xffbf_ffff, 0x7fff_ffff,
];
