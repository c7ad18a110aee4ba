// SPDX-License-Identifier: MIT
//
// Random floating-point operations on the core, judged by the oracle.
import { bundle, code, op, type Instruction } from './ia64-assembly.ts';
import {
  type Environment,
  type Register,
  type Result,
  fromSingle,
  multiplyAdd,
  order,
  quotient,
  squareRoot,
  toInteger,
  toSingle,
} from './ia64-float-oracle.ts';
import { EXECUTE, Ia64, READ } from './ia64.ts';

const TEXT = 0x4000_0000_0000_0000n;
const LINUX_FPSR = 0x0009_804c_0270_033fn;
const CONTROLS_0 = 0x7fn << 6n;

/** xorshift, for repeatable tests. */
export class Random {
  #state: bigint;

  constructor(seed: number) {
    this.#state = BigInt(seed) * 0x9e37_79b9_7f4a_7c15n + 1n;
  }

  next64(): bigint {
    let x = BigInt.asUintN(64, this.#state);
    x ^= BigInt.asUintN(64, x << 13n);
    x ^= x >> 7n;
    x ^= BigInt.asUintN(64, x << 17n);
    this.#state = x;
    return x;
  }

  below(n: number): number {
    return Number((this.next64() >> 11n) % BigInt(n));
  }

  /** A significand with its integer bit: random, sparse, or with few bits. */
  significand(): bigint {
    const x = this.next64();
    const top = 1n << 63n;
    switch (this.below(5)) {
      case 0:
        return top | (1n << BigInt(this.below(63)));
      case 1:
        return top | ((x >> 11n) << 11n);
      case 2:
        return top | ((x >> 40n) << 40n);
      case 3:
        return ((1n << 64n) - 1n) ^ (x & (1n << BigInt(this.below(62))));
      default:
        return top | x;
    }
  }

  /** A finite register with its exponent around `exponent`. */
  register(exponent: number, spread: number): Register {
    const e = exponent + this.below(2 * spread + 1) - spread + 65535;
    return {
      significand: this.significand(),
      signExponent: (this.below(2) << 17) | Math.min(Math.max(e, 1), 0x1_fffe),
    };
  }
}

export class FloatBench {
  readonly cpu = new Ia64(32);
  readonly random: Random;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.cpu.map(TEXT, 0x1_0000, READ | EXECUTE);
    this.cpu.core.newSpace(this.cpu.space);
  }

  /** Puts code at a place of its own; returns a function that runs it. */
  #load(place: number, bundles: readonly Uint8Array[]): () => void {
    const at = TEXT + BigInt(place);
    this.cpu.write(at, code(...bundles, bundle('MII', op('break.m', { imm: 1 }))));
    this.cpu.core.newSpace(this.cpu.space);
    return () => {
      this.cpu.state.ip = at;
      this.cpu.state.slot = 0;
      this.cpu.core.run(1 << 20);
    };
  }

  #set(n: number, { significand, signExponent }: Register): void {
    this.cpu.state.setFr(n, significand, signExponent);
  }

  #result(n: number): Result {
    const { state } = this.cpu;
    return {
      significand: state.frSignificand(n),
      signExponent: state.frSignExponent(n),
      flags: Number((state.fpsr >> 13n) & 0x3fn),
    };
  }

  #controls(environment: { flush?: boolean; wide?: boolean; control?: number; rounding: number }): void {
    const { flush = false, wide = false, control = 3, rounding } = environment;
    const bits = (flush ? 1 : 0) | (wide ? 2 : 0) | (control << 2) | (rounding << 4);
    this.cpu.state.fpsr = (LINUX_FPSR & ~CONTROLS_0) | (BigInt(bits) << 6n);
  }

  #compare(what: string, inputs: readonly Register[], got: Result, expected: Result): string | undefined {
    const text = (r: Register): string =>
      `${(r.signExponent >> 17) & 1}:${(r.signExponent & 0x1_ffff).toString(16)}:${r.significand.toString(16)}`;
    const all = (r: Result): string => `${text(r)} flags ${r.flags.toString(16)}`;
    if (all(got) === all(expected)) return undefined;
    return `${what} ${inputs.map(text).join(' ')} is ${all(got)}, not ${all(expected)}`;
  }

  /** The first wrong one of `count` random fma, fms and fnma in all precisions, rounding modes and ranges. */
  multiplyAdds(count: number): string | undefined {
    const { random } = this;
    const names = ['fma', 'fma.s', 'fma.d', 'fms', 'fms.s', 'fms.d', 'fnma', 'fnma.s', 'fnma.d'];
    const runs = names.map((name, i) =>
      this.#load(i * 32, [bundle('MFI', op('nop.m'), op(name, { a: 8, b: 9, c: 10, d: 11, imm: 0 }))]),
    );
    for (let n = 0; n < count; n++) {
      const which = random.below(names.length);
      const suffix = which % 3;
      const control = [0, 2, 3][random.below(3)]!;
      const wide = random.below(4) === 0;
      const rounding = random.below(4) as 0 | 1 | 2 | 3;
      const flush = random.below(4) === 0;
      const precision = suffix === 1 ? 24 : suffix === 2 ? 53 : [24, 0, 53, 64][control]!;
      const narrow = suffix === 1 ? 127 : suffix === 2 ? 1023 : 16383;
      const environment: Environment = { precision, emax: wide ? 65535 : narrow, rounding, flush };
      // Products near one, near overflow and near underflow, the addend within reach of them or not.
      const middle = wide ? 0 : [0, 0, narrow, -narrow][random.below(4)]!;
      const half = Math.trunc(middle / 2);
      const c = random.register(half, 40);
      const d = random.register(middle - half, 40);
      const b = random.register(middle, [2, 70, 200][random.below(3)]!);
      if (random.below(8) === 0) {
        // Nearly the product itself, so that bits cancel.
        const product = (c.significand * d.significand) >> 63n;
        const carry = product >> 64n;
        const e = (c.signExponent & 0x1_ffff) + (d.signExponent & 0x1_ffff) - 65535 + Number(carry);
        if (e > 0 && e < 0x1_ffff) {
          const significand = carry ? product >> 1n : product;
          this.#set(9, { significand, signExponent: e | (random.below(2) << 17) });
          const close = { significand, signExponent: this.cpu.state.frSignExponent(9) };
          const wrong = this.#one(runs[which]!, names[which]!, which, environment, { control, wide }, close, c, d);
          if (wrong !== undefined) return wrong;
          continue;
        }
      }
      const wrong = this.#one(runs[which]!, names[which]!, which, environment, { control, wide }, b, c, d);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }

  #one(
    run: () => void,
    name: string,
    which: number,
    environment: Environment,
    controls: { control: number; wide: boolean },
    b: Register,
    c: Register,
    d: Register,
  ): string | undefined {
    this.#controls({ ...environment, ...controls });
    this.#set(9, b);
    this.#set(10, c);
    this.#set(11, d);
    run();
    const family = Math.trunc(which / 3);
    const expected = multiplyAdd(environment, b, c, d, family === 2, family === 1);
    return this.#compare(`${name} ${JSON.stringify(environment)}`, [b, c, d], this.#result(8), expected);
  }

  /** f8 is the argument or dividend, f9 the divisor; the result is in f8. Text as the assembler has it. */
  #sequence(place: number, lines: readonly string[]): () => void {
    return this.#load(
      place,
      lines.map((line) => bundle('MFI', op('nop.m'), parse(line))),
    );
  }

  /** Conversions to integers, signed and not, in every rounding mode and truncating. */
  conversions(count: number): string | undefined {
    const names = ['fcvt.fx', 'fcvt.fxu', 'fcvt.fx.trunc', 'fcvt.fxu.trunc'];
    const runs = names.map((name, i) =>
      this.#load(0x400 + i * 32, [bundle('MFI', op('nop.m'), op(name, { a: 8, b: 9, imm: 0 }))]),
    );
    for (let n = 0; n < count; n++) {
      const which = this.random.below(4);
      const rounding = this.random.below(4) as 0 | 1 | 2 | 3;
      const x = this.random.register(31, 36);
      this.#controls({ rounding });
      this.#set(9, x);
      runs[which]!();
      const expected = toInteger(which >= 2 ? 3 : rounding, x, 64, (which & 1) !== 0);
      const wrong = this.#compare(`${names[which]} ${rounding}`, [x], this.#result(8), {
        significand: BigInt.asUintN(64, expected?.value ?? 1n << 63n),
        signExponent: 0x1003e,
        flags: expected === undefined ? 1 : expected.inexact ? 0x20 : 0,
      });
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }

  /** Compares, minimum and maximum of numbers near each other. */
  comparisons(count: number): string | undefined {
    const names = ['fcmp.eq', 'fcmp.lt', 'fcmp.le', 'fmin', 'fmax', 'famin', 'famax'];
    const runs = names.map((name, i) =>
      this.#load(0x600 + i * 32, [
        bundle(
          'MFI',
          op('nop.m'),
          op(name, { a: i < 3 ? 6 : 8, d: 7, b: 9, c: 10, imm: BigInt(i < 3 ? RELATIONS[i]! : 0) }),
        ),
      ]),
    );
    const positive = ({ significand, signExponent }: Register): Register => ({
      significand,
      signExponent: signExponent & 0x1_ffff,
    });
    for (let n = 0; n < count; n++) {
      const which = this.random.below(names.length);
      const x = this.random.register(0, 1);
      const y = [x, this.random.register(0, 1), { ...x, signExponent: x.signExponent ^ 0x2_0000 }][
        this.random.below(3)
      ]!;
      this.#controls({ rounding: 0 });
      this.#set(9, x);
      this.#set(10, y);
      runs[which]!();
      const found = which >= 5 ? order(positive(x), positive(y)) : order(x, y);
      if (which < 3) {
        const holds = which === 0 ? found === 0 : which === 1 ? found < 0 : found <= 0;
        if (this.cpu.state.predicate(6) !== holds || this.cpu.state.predicate(7) === holds) {
          return `${names[which]} of ${JSON.stringify([x, y].map(String))}`;
        }
      } else {
        const first = which % 2 === 1 ? found < 0 : found > 0;
        const wrong = this.#compare(names[which]!, [x, y], this.#result(8), { ...(first ? x : y), flags: 0 });
        if (wrong !== undefined) return wrong;
      }
    }
    return undefined;
  }

  /** Pairs of singles: multiply-adds and conversions. */
  pairs(count: number): string | undefined {
    const names = ['fpma', 'fpms', 'fpnma', 'fpcvt.fx', 'fpcvt.fxu', 'fpcvt.fx.trunc', 'fpcvt.fxu.trunc'];
    const runs = names.map((name, i) =>
      this.#load(0x800 + i * 32, [bundle('MFI', op('nop.m'), op(name, { a: 8, b: 9, c: 10, d: 11, imm: 0 }))]),
    );
    const single = (middle: number): number => {
      const exponent = Math.min(Math.max(middle + this.random.below(60) - 30, 1), 254);
      return (
        ((this.random.below(2) << 31) | (exponent << 23) | (Number(this.random.significand() >> 40n) & 0x7f_ffff)) >>> 0
      );
    };
    const pair = ([high, low]: readonly number[]): Register => ({
      significand: (BigInt(high!) << 32n) | BigInt(low!),
      signExponent: 0x1003e,
    });
    for (let n = 0; n < count; n++) {
      const which = this.random.below(names.length);
      const rounding = this.random.below(4) as 0 | 1 | 2 | 3;
      const middle = which >= 3 ? 140 : [127, 127, 180, 70][this.random.below(4)]!;
      const [b, c, d] = [0, 1, 2].map(() => [single(middle), single(middle)] as const);
      this.#controls({ rounding });
      this.#set(9, pair(b!));
      this.#set(10, pair(c!));
      this.#set(11, pair(d!));
      runs[which]!();
      let flags = 0;
      const lanes = [0, 1].map((lane) => {
        const [x, y, z] = [b!, c!, d!].map((one) => fromSingle(one[lane as 0 | 1]));
        if (which >= 3) {
          const found = toInteger(which >= 5 ? 3 : rounding, x!, 32, which % 2 === 0);
          flags |= found === undefined ? 1 : found.inexact ? 0x20 : 0;
          return Number(BigInt.asUintN(32, found?.value ?? 1n << 31n));
        }
        const environment: Environment = { precision: 24, emax: 127, rounding, flush: false };
        const result = multiplyAdd(environment, x!, y!, z!, which === 2, which === 1);
        flags |= result.flags;
        return toSingle(result);
      });
      const wrong = this.#compare(`${names[which]} ${rounding}`, [pair(b!), pair(c!), pair(d!)], this.#result(8), {
        ...pair(lanes),
        flags,
      });
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }

  quotients(count: number): string | undefined {
    const kinds = [
      { precision: 64, emax: 16383, lines: DIVIDE_EXTENDED },
      { precision: 53, emax: 1023, lines: DIVIDE_DOUBLE },
      { precision: 24, emax: 127, lines: DIVIDE_SINGLE },
    ].map((kind, i) => ({ ...kind, run: this.#sequence(0x1000 + i * 0x400, kind.lines) }));
    for (let n = 0; n < count; n++) {
      const { precision, emax, run } = kinds[this.random.below(3)]!;
      const rounding = this.random.below(4) as 0 | 1 | 2 | 3;
      const environment: Environment = { precision, emax, rounding, flush: false };
      const [x, y] = [this.#operand(precision, emax >> 1), this.#operand(precision, emax >> 1)];
      this.#controls({ rounding });
      this.#set(8, x);
      this.#set(9, y);
      run();
      const wrong = this.#compare(
        `quotient of ${precision} bits`,
        [x, y],
        this.#result(8),
        quotient(environment, x, y),
      );
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }

  squareRoots(count: number): string | undefined {
    const kinds = [
      { precision: 64, emax: 16383, lines: ROOT_EXTENDED },
      { precision: 53, emax: 1023, lines: ROOT_DOUBLE },
    ].map((kind, i) => ({ ...kind, run: this.#sequence(0x2000 + i * 0x400, kind.lines) }));
    for (let n = 0; n < count; n++) {
      const { precision, emax, run } = kinds[this.random.below(2)]!;
      const rounding = this.random.below(4) as 0 | 1 | 2 | 3;
      const x = this.#operand(precision, emax - 1);
      const positive = { ...x, signExponent: x.signExponent & 0x1_ffff };
      this.#controls({ rounding });
      this.#set(8, positive);
      this.#set(10, { significand: 1n << 63n, signExponent: 0xfffe });
      run();
      const expected = squareRoot({ precision, emax, rounding, flush: false }, positive);
      const wrong = this.#compare(`root of ${precision} bits`, [positive], this.#result(8), expected);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }

  #operand(precision: number, spread: number): Register {
    const { significand, signExponent } = this.random.register(0, spread);
    return { significand: (significand >> BigInt(64 - precision)) << BigInt(64 - precision), signExponent };
  }
}

/** The fields ra, rb and sf of eq, lt and le. */
const RELATIONS = [0, 4, 8] as const;

/** One floating-point instruction in the assembler's words. */
function parse(line: string): Instruction {
  const [, qp, name, rest] = /^(?:\(p(\d+)\) )?(\S+) (.*)$/.exec(line) ?? [];
  const field = Number(/\.s(\d)$/.exec(name!)![1]);
  const stem = name!.replace(/\.s\d$/, '');
  const numbers = [...rest!.matchAll(/[fp](\d+)/g)].map(([, n]) => Number(n));
  const [a, second, third, fourth] = numbers;
  if (stem === 'frcpa') return op(stem, { a: a!, d: second!, b: third!, c: fourth!, imm: field });
  if (stem === 'frsqrta') return op(stem, { a: a!, d: second!, c: third!, imm: field });
  const precision = /^fmpy(.*)$/.exec(stem);
  const common = { a: a!, c: second!, d: third!, imm: field, qp: Number(qp ?? 0) };
  if (precision !== null) return op(`fma${precision[1]}`, { ...common, b: 0 });
  return op(stem, { ...common, b: fourth! });
}

// The sequences compilers use, from Intel's collection of divisions and square roots.

const DIVIDE_EXTENDED = [
  'fma.s1 f7=f8,f1,f0',
  'frcpa.s0 f8,p6=f8,f9',
  '(p6) fnma.s1 f10=f9,f8,f1',
  '(p6) fmpy.s1 f11=f7,f8',
  '(p6) fma.s1 f6=f10,f10,f10',
  '(p6) fmpy.s1 f12=f10,f10',
  '(p6) fnma.s1 f13=f9,f11,f7',
  '(p6) fma.s1 f6=f8,f6,f8',
  '(p6) fma.s1 f12=f12,f12,f10',
  '(p6) fma.s1 f6=f6,f12,f8',
  '(p6) fma.s1 f10=f13,f6,f11',
  '(p6) fnma.s1 f11=f9,f6,f1',
  '(p6) fnma.s1 f7=f9,f10,f7',
  '(p6) fma.s1 f6=f6,f11,f6',
  '(p6) fma.s0 f8=f7,f6,f10',
];

const DIVIDE_DOUBLE = [
  'fma.s1 f6=f8,f1,f0',
  'frcpa.s0 f8,p6=f8,f9',
  '(p6) fnma.s1 f11=f9,f8,f1',
  '(p6) fmpy.s1 f10=f6,f8',
  '(p6) fma.s1 f7=f11,f11,f11',
  '(p6) fmpy.s1 f12=f11,f11',
  '(p6) fma.s1 f13=f10,f7,f10',
  '(p6) fma.s1 f11=f12,f12,f11',
  '(p6) fma.s1 f7=f8,f7,f8',
  '(p6) fma.d.s1 f10=f13,f11,f10',
  '(p6) fma.s1 f7=f7,f11,f8',
  '(p6) fnma.s1 f6=f9,f10,f6',
  '(p6) fma.d.s0 f8=f6,f7,f10',
];

const DIVIDE_SINGLE = [
  'fma.s1 f7=f8,f1,f0',
  'frcpa.s0 f8,p6=f8,f9',
  '(p6) fnma.s1 f6=f9,f8,f1',
  '(p6) fmpy.s1 f10=f7,f8',
  '(p6) fma.s1 f6=f6,f6,f6',
  '(p6) fma.s.s1 f10=f10,f6,f10',
  '(p6) fma.s1 f6=f8,f6,f8',
  '(p6) fnma.s1 f7=f10,f9,f7',
  '(p6) fma.s.s0 f8=f7,f6,f10',
];

/** f10 is one half. */
const ROOT_EXTENDED = [
  'fma.s1 f9=f8,f1,f0',
  'frsqrta.s0 f8,p6=f8',
  '(p6) fmpy.s1 f6=f9,f8',
  '(p6) fmpy.s1 f7=f10,f8',
  '(p6) fnma.s1 f11=f6,f7,f10',
  '(p6) fma.s1 f6=f6,f11,f6',
  '(p6) fma.s1 f7=f7,f11,f7',
  '(p6) fnma.s1 f11=f6,f7,f10',
  '(p6) fma.s1 f6=f6,f11,f6',
  '(p6) fma.s1 f7=f7,f11,f7',
  '(p6) fnma.s1 f11=f6,f6,f9',
  '(p6) fnma.s1 f10=f6,f7,f10',
  '(p6) fma.s1 f6=f11,f7,f6',
  '(p6) fma.s1 f7=f10,f7,f7',
  '(p6) fnma.s1 f9=f6,f6,f9',
  '(p6) fma.s0 f8=f9,f7,f6',
];

const ROOT_DOUBLE = [
  'fma.s1 f7=f8,f1,f0',
  'frsqrta.s0 f8,p6=f8',
  '(p6) fmpy.s1 f6=f7,f8',
  '(p6) fmpy.s1 f9=f10,f8',
  '(p6) fnma.s1 f11=f6,f9,f10',
  '(p6) fma.s1 f6=f6,f11,f6',
  '(p6) fma.s1 f9=f9,f11,f9',
  '(p6) fnma.s1 f10=f6,f9,f10',
  '(p6) fma.s1 f6=f6,f10,f6',
  '(p6) fma.s1 f9=f9,f10,f9',
  '(p6) fnma.s1 f10=f6,f6,f7',
  '(p6) fma.s1 f6=f10,f9,f6',
  '(p6) fnma.s1 f7=f6,f6,f7',
  '(p6) fma.d.s0 f8=f7,f9,f6',
];
