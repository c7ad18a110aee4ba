// SPDX-License-Identifier: MIT
//
// Stack, arithmetic, memory, output and input words: ANS Forth core and IEEE 1275-1994 section 7.3.
import { ForthThrow, THROW } from '../errors.ts';
import { CELL, FALSE, TRUE, VARIABLES } from '../forth/data-space.ts';
import type { Forth } from '../forth/forth.ts';
import { MAX_STRING } from '../forth/task.ts';
import { latin1 } from '../latin1.ts';

export function defineCoreWords(f: Forth): void {
  stackWords(f);
  arithmeticWords(f);
  doubleWords(f);
  memoryWords(f);
  stringWords(f);
  outputWords(f);
}

const unary = (f: Forth, name: string, op: (a: number) => number): void => {
  f.native(name, (f) => f.push(op(f.pop())));
};

const binary = (f: Forth, name: string, op: (a: number, b: number) => number): void => {
  f.native(name, (f) => {
    f.need(2);
    const b = f.pop();
    f.push(op(f.pop(), b));
  });
};

const test1 = (f: Forth, name: string, op: (a: number) => boolean): void =>
  unary(f, name, (a) => (op(a) ? TRUE : FALSE));
const test2 = (f: Forth, name: string, op: (a: number, b: number) => boolean): void =>
  binary(f, name, (a, b) => (op(a, b) ? TRUE : FALSE));

function stackWords(f: Forth): void {
  f.native('dup', (f) => f.push(f.peek(0)));
  f.native('drop', (f) => f.pop());
  f.native('swap', (f) => roll(f, 1));
  f.native('over', (f) => f.push(f.peek(1)));
  f.native('rot', (f) => roll(f, 2));
  f.native('-rot', (f) => {
    roll(f, 2);
    roll(f, 2);
  });
  f.native('nip', (f) => {
    f.need(2);
    const top = f.pop();
    f.pop();
    f.push(top);
  });
  f.native('tuck', (f) => {
    roll(f, 1);
    f.push(f.peek(1));
  });
  f.native('pick', (f) => f.push(f.peek(f.popU())));
  f.native('roll', (f) => roll(f, f.popU()));
  f.native('?dup', (f) => {
    const top = f.peek(0);
    if (top !== 0) f.push(top);
  });
  f.native('2dup', (f) => {
    f.push(f.peek(1));
    f.push(f.peek(1));
  });
  f.native('2drop', (f) => {
    f.need(2);
    f.pop();
    f.pop();
  });
  f.native('2swap', (f) => {
    roll(f, 3);
    roll(f, 3);
  });
  f.native('2over', (f) => {
    f.push(f.peek(3));
    f.push(f.peek(3));
  });
  f.native('2rot', (f) => {
    roll(f, 5);
    roll(f, 5);
  });
  f.native('3dup', (f) => {
    for (let i = 0; i < 3; i++) f.push(f.peek(2));
  });
  f.native('3drop', (f) => {
    f.need(3);
    for (let i = 0; i < 3; i++) f.pop();
  });
  f.native('depth', (f) => f.push(f.task.sp));
  f.native('clear', (f) => (f.task.sp = 0));

  f.native('>r', (f) => f.rpush(f.pop()), 'c');
  f.native('r>', (f) => f.push(f.rpop()), 'c');
  f.native('r@', (f) => f.push(f.rpeek(0)), 'c');
  f.native(
    '2>r',
    (f) => {
      f.need(2);
      const top = f.pop();
      f.rpush(f.pop());
      f.rpush(top);
    },
    'c',
  );
  f.native(
    '2r>',
    (f) => {
      const top = f.rpop();
      f.push(f.rpop());
      f.push(top);
    },
    'c',
  );
  f.native(
    '2r@',
    (f) => {
      f.push(f.rpeek(1));
      f.push(f.rpeek(0));
    },
    'c',
  );
  f.native('i', (f) => f.push(f.rpeek(0)), 'c');
  f.native('j', (f) => f.push(f.rpeek(3)), 'c');
  f.native(
    'unloop',
    (f) => {
      for (let i = 0; i < 3; i++) f.rpop();
    },
    'c',
  );

  f.constant('true', TRUE);
  f.constant('false', FALSE);
  for (let n = -1; n <= 3; n++) f.constant(String(n), n);
  f.constant('bl', 0x20);
  f.constant('bell', 0x07);
  f.constant('bs', 0x08);
  f.constant('carret', 0x0d);
  f.constant('linefeed', 0x0a);
}

function roll(f: Forth, depth: number): void {
  f.need(depth + 1);
  const { ds, sp } = f.task;
  const at = sp - 1 - depth;
  const value = ds[at]!;
  ds.copyWithin(at, at + 1, sp);
  ds[sp - 1] = value;
}

/** Quotient rounded towards minus infinity, and the remainder that goes with it (the divisor's sign). */
function floored(a: bigint, b: bigint): { quotient: bigint; remainder: bigint } {
  if (b === 0n) throw new ForthThrow(THROW.divisionByZero);
  let quotient = a / b;
  let remainder = a % b;
  if (remainder !== 0n && remainder < 0n !== b < 0n) {
    quotient -= 1n;
    remainder += b;
  }
  return { quotient, remainder };
}

const pushQuotient = (f: Forth, { quotient, remainder }: { quotient: bigint; remainder: bigint }): void => {
  f.push(Number(BigInt.asIntN(32, remainder)));
  f.push(Number(BigInt.asIntN(32, quotient)));
};

const low32 = (value: bigint): number => Number(BigInt.asIntN(32, value));

function arithmeticWords(f: Forth): void {
  binary(f, '+', (a, b) => a + b);
  binary(f, '-', (a, b) => a - b);
  binary(f, '*', Math.imul);
  binary(f, 'u*', Math.imul);
  binary(f, '/', (a, b) => low32(floored(BigInt(a), BigInt(b)).quotient));
  binary(f, 'mod', (a, b) => low32(floored(BigInt(a), BigInt(b)).remainder));
  f.native('/mod', (f) => {
    f.need(2);
    const b = BigInt(f.pop());
    pushQuotient(f, floored(BigInt(f.pop()), b));
  });
  f.native('u/mod', (f) => {
    f.need(2);
    const b = BigInt(f.popU());
    pushQuotient(f, floored(BigInt(f.popU()), b));
  });
  f.native('*/', (f) => {
    f.need(3);
    const c = BigInt(f.pop());
    const b = BigInt(f.pop());
    f.push(low32(floored(BigInt(f.pop()) * b, c).quotient));
  });
  f.native('*/mod', (f) => {
    f.need(3);
    const c = BigInt(f.pop());
    const b = BigInt(f.pop());
    pushQuotient(f, floored(BigInt(f.pop()) * b, c));
  });
  f.native('m*', (f) => {
    f.need(2);
    const b = BigInt(f.pop());
    f.pushD(BigInt(f.pop()) * b);
  });
  f.native('um*', (f) => {
    f.need(2);
    const b = BigInt(f.popU());
    f.pushD(BigInt(f.popU()) * b);
  });
  f.native('um/mod', (f) => {
    f.need(3);
    const b = BigInt(f.popU());
    pushQuotient(f, floored(f.popUD(), b));
  });
  f.native('fm/mod', (f) => {
    f.need(3);
    const b = BigInt(f.pop());
    pushQuotient(f, floored(f.popD(), b));
  });
  f.native('sm/rem', (f) => {
    f.need(3);
    const b = BigInt(f.pop());
    if (b === 0n) throw new ForthThrow(THROW.divisionByZero);
    const a = f.popD();
    pushQuotient(f, { quotient: a / b, remainder: a % b });
  });
  unary(f, '1+', (a) => a + 1);
  unary(f, '1-', (a) => a - 1);
  unary(f, '2+', (a) => a + 2);
  unary(f, '2-', (a) => a - 2);
  unary(f, '2*', (a) => a << 1);
  unary(f, '2/', (a) => a >> 1);
  unary(f, 'u2/', (a) => a >>> 1);
  unary(f, 'negate', (a) => -a);
  unary(f, 'invert', (a) => ~a);
  unary(f, 'not', (a) => ~a);
  unary(f, 'abs', (a) => Math.abs(a));
  unary(f, 'even', (a) => (a + 1) & ~1);
  binary(f, 'and', (a, b) => a & b);
  binary(f, 'or', (a, b) => a | b);
  binary(f, 'xor', (a, b) => a ^ b);
  binary(f, 'min', Math.min);
  binary(f, 'max', Math.max);
  binary(f, 'umin', (a, b) => Math.min(a >>> 0, b >>> 0));
  binary(f, 'umax', (a, b) => Math.max(a >>> 0, b >>> 0));
  const shifted = (op: (a: number, n: number) => number, over: (a: number) => number) => (a: number, n: number) =>
    n >>> 0 > 31 ? over(a) : op(a, n);
  for (const name of ['lshift', '<<'])
    binary(
      f,
      name,
      shifted(
        (a, n) => a << n,
        () => 0,
      ),
    );
  for (const name of ['rshift', '>>'])
    binary(
      f,
      name,
      shifted(
        (a, n) => a >>> n,
        () => 0,
      ),
    );
  binary(
    f,
    '>>a',
    shifted(
      (a, n) => a >> n,
      (a) => a >> 31,
    ),
  );

  test1(f, '0=', (a) => a === 0);
  test1(f, '0<>', (a) => a !== 0);
  test1(f, '0<', (a) => a < 0);
  test1(f, '0<=', (a) => a <= 0);
  test1(f, '0>', (a) => a > 0);
  test1(f, '0>=', (a) => a >= 0);
  test2(f, '=', (a, b) => a === b);
  test2(f, '<>', (a, b) => a !== b);
  test2(f, '<', (a, b) => a < b);
  test2(f, '<=', (a, b) => a <= b);
  test2(f, '>', (a, b) => a > b);
  test2(f, '>=', (a, b) => a >= b);
  test2(f, 'u<', (a, b) => a >>> 0 < b >>> 0);
  test2(f, 'u<=', (a, b) => a >>> 0 <= b >>> 0);
  test2(f, 'u>', (a, b) => a >>> 0 > b >>> 0);
  test2(f, 'u>=', (a, b) => a >>> 0 >= b >>> 0);
  const within = (high: (n: number, max: number) => boolean) => (f: Forth) => {
    f.need(3);
    const max = f.pop();
    const min = f.pop();
    const n = f.pop();
    f.flag(high((n - min) >>> 0, (max - min) >>> 0));
  };
  f.native(
    'within',
    within((n, range) => n < range),
  );
  f.native('between', (f) => {
    f.need(3);
    const max = f.pop();
    const min = f.pop();
    const n = f.pop();
    f.flag(min <= n && n <= max);
  });

  // Taking cells apart and joining them (1275 7.3.3.1): the most significant part is on top.
  f.native('lbsplit', (f) => {
    const x = f.popU();
    for (let shift = 0; shift < 32; shift += 8) f.push((x >>> shift) & 0xff);
  });
  f.native('lwsplit', (f) => {
    const x = f.popU();
    f.push(x & 0xffff);
    f.push(x >>> 16);
  });
  f.native('wbsplit', (f) => {
    const x = f.popU();
    f.push(x & 0xff);
    f.push((x >>> 8) & 0xff);
  });
  f.native('bljoin', (f) => {
    f.need(4);
    let x = 0;
    for (let i = 0; i < 4; i++) x = (x << 8) | (f.pop() & 0xff);
    f.push(x);
  });
  binary(f, 'bwjoin', (low, high) => ((high & 0xff) << 8) | (low & 0xff));
  binary(f, 'wljoin', (low, high) => (high << 16) | (low & 0xffff));
  const swap16 = (x: number): number => ((x & 0xff) << 8) | ((x >>> 8) & 0xff);
  unary(f, 'wbflip', swap16);
  unary(f, 'lbflip', (x) => (swap16(x) << 16) | swap16(x >>> 16));
  unary(f, 'lwflip', (x) => (x << 16) | (x >>> 16));
  unary(f, '<w@', (x) => (x << 16) >> 16);
}

function doubleWords(f: Forth): void {
  const double2 = (name: string, op: (a: bigint, b: bigint) => bigint): void => {
    f.native(name, (f) => {
      f.need(4);
      const b = f.popD();
      f.pushD(op(f.popD(), b));
    });
  };
  const compare = (name: string, op: (a: bigint, b: bigint) => boolean, unsigned = false): void => {
    f.native(name, (f) => {
      f.need(4);
      const b = unsigned ? f.popUD() : f.popD();
      f.flag(op(unsigned ? f.popUD() : f.popD(), b));
    });
  };
  const test = (name: string, op: (a: bigint) => boolean): void => {
    f.native(name, (f) => {
      f.need(2);
      f.flag(op(f.popD()));
    });
  };
  const one = (name: string, op: (a: bigint) => bigint): void => {
    f.native(name, (f) => {
      f.need(2);
      f.pushD(op(f.popD()));
    });
  };
  double2('d+', (a, b) => a + b);
  double2('d-', (a, b) => a - b);
  double2('dmin', (a, b) => (a < b ? a : b));
  double2('dmax', (a, b) => (a > b ? a : b));
  one('dnegate', (a) => -a);
  one('dabs', (a) => (a < 0n ? -a : a));
  one('d2*', (a) => a << 1n);
  one('d2/', (a) => a >> 1n);
  test('d0=', (a) => a === 0n);
  test('d0<', (a) => a < 0n);
  compare('d=', (a, b) => a === b);
  compare('d<', (a, b) => a < b);
  compare('du<', (a, b) => a < b, true);
  f.native('s>d', (f) => f.push(f.peek(0) >> 31));
  f.native('u>d', (f) => f.push(0));
  f.native('d>s', (f) => f.pop());
  f.native('m+', (f) => {
    f.need(3);
    const n = BigInt(f.pop());
    f.pushD(f.popD() + n);
  });
  f.native('m*/', (f) => {
    f.need(4);
    const divisor = BigInt(f.pop());
    const factor = BigInt(f.pop());
    f.pushD(floored(f.popD() * factor, divisor).quotient);
  });
}

function memoryWords(f: Forth): void {
  const fetch = (name: string, width: 1 | 2 | 4, signed = false): void => {
    f.native(name, (f) => {
      const value = f.read(f.popU(), width);
      f.push(signed ? (value << 16) >> 16 : value);
    });
  };
  const store = (name: string, width: 1 | 2 | 4): void => {
    f.native(name, (f) => {
      f.need(2);
      const pa = f.popU();
      f.write(pa, width, f.pop());
    });
  };
  fetch('@', 4);
  fetch('c@', 1);
  fetch('w@', 2);
  fetch('<w@', 2, true);
  fetch('l@', 4);
  fetch('unaligned-@', 4);
  fetch('unaligned-w@', 2);
  fetch('unaligned-l@', 4);
  store('!', 4);
  store('c!', 1);
  store('w!', 2);
  store('l!', 4);
  store('unaligned-!', 4);
  store('unaligned-w!', 2);
  store('unaligned-l!', 4);
  // Device registers, in the bus's order; here the same as memory.
  for (const [prefix, width] of [
    ['rb', 1],
    ['rw', 2],
    ['rl', 4],
  ] as const) {
    fetch(`${prefix}@`, width);
    store(`${prefix}!`, width);
  }
  f.native('2@', (f) => {
    const pa = f.popU();
    f.push(f.cell(pa + CELL));
    f.push(f.cell(pa));
  });
  f.native('2!', (f) => {
    f.need(3);
    const pa = f.popU();
    f.setCell(pa, f.pop());
    f.setCell(pa + CELL, f.pop());
  });
  f.native('+!', (f) => {
    f.need(2);
    const pa = f.popU();
    f.setCell(pa, f.cell(pa) + f.pop());
  });
  f.native('on', (f) => f.setCell(f.popU(), TRUE));
  f.native('off', (f) => f.setCell(f.popU(), FALSE));
  // Probing access: a fault is an answer, not an error.
  const probe = (width: 1 | 2 | 4) => (f: Forth) => {
    const value = f.host.read(f.popU(), width);
    if (value !== undefined) f.push(value);
    f.flag(value !== undefined);
  };
  const poke = (width: 1 | 2 | 4) => (f: Forth) => {
    f.need(2);
    const pa = f.popU();
    const value = f.popU() & (width === 4 ? -1 : width === 2 ? 0xffff : 0xff);
    f.flag(f.host.write(pa, width, value >>> 0));
  };
  f.native('cpeek', probe(1));
  f.native('wpeek', probe(2));
  f.native('lpeek', probe(4));
  f.native('cpoke', poke(1));
  f.native('wpoke', poke(2));
  f.native('lpoke', poke(4));

  f.native('here', (f) => f.push(f.here));
  f.native('allot', (f) => f.allot(f.pop()));
  f.native('unused', (f) => f.push(f.memory.data + f.memory.dataBytes - f.here));
  f.native(',', (f) => f.comma(f.pop()));
  f.native('c,', (f) => comma(f, 1));
  f.native('w,', (f) => comma(f, 2));
  f.native('l,', (f) => comma(f, 4));
  f.native('align', (f) => f.align());
  unary(f, 'aligned', (a) => (a + 3) & ~3);
  unary(f, 'char+', (a) => a + 1);
  unary(f, 'chars', (a) => a);
  unary(f, 'cell+', (a) => a + CELL);
  unary(f, 'cells', (a) => a * CELL);
  for (const [unit, bytes] of [
    ['c', 1],
    ['w', 2],
    ['l', 4],
    ['n', CELL],
  ] as const) {
    f.constant(`/${unit}`, bytes);
    unary(f, `/${unit}*`, (a) => a * bytes);
    unary(f, `${unit}a1+`, (a) => a + bytes);
    binary(f, `${unit}a+`, (a, i) => a + i * bytes);
  }
  f.native('bounds', (f) => {
    f.need(2);
    const length = f.pop();
    const pa = f.pop();
    f.push(pa + length);
    f.push(pa);
  });
  const move = (f: Forth): void => {
    f.need(3);
    const length = f.popU();
    const to = f.popU();
    const from = f.popU();
    for (const [at, count] of chunks(from, to, length)) f.setBytes(to + at, f.bytes(from + at, count));
  };
  f.native('move', move);
  // CMOVE propagates: it goes byte by byte from low to high addresses.
  f.native('cmove', (f) => {
    const [to, from] = [f.peek(1) >>> 0, f.peek(2) >>> 0];
    const length = f.peek(0) >>> 0;
    if (to > from && to < from + length) {
      f.need(3);
      if (length > MAX_STRING) throw new ForthThrow(THROW.outOfRange);
      for (let i = 0; i < length; i++) f.write(to + i, 1, f.read(from + i, 1));
      for (let i = 0; i < 3; i++) f.pop();
    } else {
      move(f);
    }
  });
  f.native('cmove>', move);
  const fill = (f: Forth, byte: number): void => {
    const length = f.popU();
    const pa = f.popU();
    const piece = new Uint8Array(Math.min(length, MAX_STRING)).fill(byte);
    for (let at = 0; at < length; at += MAX_STRING)
      f.setBytes(pa + at, piece.subarray(0, Math.min(MAX_STRING, length - at)));
  };
  f.native('fill', (f) => {
    f.need(3);
    fill(f, f.pop());
  });
  f.native('erase', (f) => fill(f, 0));
  f.native('blank', (f) => fill(f, 0x20));
  for (const [name, width] of [
    ['wbflips', 2],
    ['lbflips', 4],
  ] as const) {
    f.native(name, (f) => {
      f.need(2);
      const length = f.popU();
      const pa = f.popU();
      const bytes = f.bytes(pa, length - (length % width));
      for (let i = 0; i < bytes.length; i += width) bytes.subarray(i, i + width).reverse();
      f.setBytes(pa, bytes);
    });
  }
  for (const name of Object.keys(VARIABLES) as (keyof typeof VARIABLES)[]) {
    f.constant(name, f.memory.variables + VARIABLES[name]);
  }
}

/** Pieces of a copy in the order that keeps overlapping ranges right. */
function* chunks(from: number, to: number, length: number): Generator<[number, number]> {
  const count = Math.ceil(length / MAX_STRING);
  for (let i = 0; i < count; i++) {
    const at = (to > from ? count - 1 - i : i) * MAX_STRING;
    yield [at, Math.min(MAX_STRING, length - at)];
  }
}

function comma(f: Forth, width: 1 | 2 | 4): void {
  f.need(1);
  const pa = f.here;
  f.allot(width);
  f.write(pa, width, f.pop());
}

function stringWords(f: Forth): void {
  f.native('count', (f) => {
    const pa = f.popU();
    f.push(pa + 1);
    f.push(f.read(pa, 1));
  });
  f.native('pack', (f) => {
    f.need(3);
    const to = f.popU();
    const text = latin1(f.popString()).subarray(0, 255);
    f.write(to, 1, text.length);
    f.setBytes(to + 1, text);
    f.push(to);
  });
  f.native('cscount', (f) => {
    const pa = f.peek(0) >>> 0;
    f.push(f.cString(pa, 0x1_0000).length);
  });
  unary(f, 'lcc', (c) => (c >= 0x41 && c <= 0x5a ? c + 0x20 : c));
  unary(f, 'upc', (c) => (c >= 0x61 && c <= 0x7a ? c - 0x20 : c));
  f.native('comp', (f) => {
    f.need(3);
    const length = f.popU();
    const b = f.bytes(f.popU(), length);
    const a = f.bytes(f.popU(), length);
    f.push(order(a, b));
  });
  f.native('compare', (f) => {
    f.need(4);
    const b = latin1(f.popString());
    f.push(order(latin1(f.popString()), b));
  });
  f.native('$=', (f) => {
    f.need(4);
    const b = f.popString();
    f.flag(f.popString() === b);
  });
  f.native('/string', (f) => {
    f.need(3);
    const n = f.pop();
    const length = f.pop();
    f.push(f.pop() + n);
    f.push(length - n);
  });
  f.native('-trailing', (f) => {
    f.need(2);
    const length = f.popU();
    const pa = f.peek(0) >>> 0;
    f.push(f.bytes(pa, length).findLastIndex((byte) => byte !== 0x20) + 1);
  });
  // ( addr len char -- right$ left$ ): right is what follows the delimiter, left what is before it.
  f.native('left-parse-string', (f) => {
    f.need(3);
    const char = f.pop() & 0xff;
    const length = f.popU();
    const pa = f.popU();
    const at = f.bytes(pa, length).indexOf(char);
    const left = at < 0 ? length : at;
    f.push(at < 0 ? pa + length : pa + at + 1);
    f.push(at < 0 ? 0 : length - at - 1);
    f.push(pa);
    f.push(left);
  });
  f.native('search', (f) => {
    f.need(4);
    const wanted = f.popString();
    const length = f.peek(0) >>> 0;
    const pa = f.peek(1) >>> 0;
    const at = wanted === '' ? 0 : textIndex(f.bytes(pa, length), wanted);
    if (at >= 0) {
      f.pop();
      f.pop();
      f.push(pa + at);
      f.push(length - at);
    }
    f.flag(at >= 0);
  });
  f.native('>number', (f) => {
    f.need(4);
    const length = f.popU();
    const pa = f.popU();
    let value = f.popUD();
    const bytes = f.bytes(pa, length);
    let at = 0;
    for (; at < bytes.length; at++) {
      const digit = parseInt(String.fromCharCode(bytes[at]!), 36);
      if (Number.isNaN(digit) || digit >= f.base) break;
      value = BigInt.asUintN(64, value * BigInt(f.base) + BigInt(digit));
    }
    f.pushD(value);
    f.push(pa + at);
    f.push(length - at);
  });
  // ( addr len -- true | n false )
  f.native('$number', (f) => {
    f.need(2);
    const number = f.number(f.popString());
    if (number === undefined) {
      f.push(TRUE);
    } else {
      f.push(low32(number.value));
      f.push(FALSE);
    }
  });
  f.native('digit', (f) => {
    f.need(2);
    const base = f.pop();
    const char = f.peek(0);
    const digit = parseInt(String.fromCharCode(char & 0xff), 36);
    const good = !Number.isNaN(digit) && digit < base;
    if (good) {
      f.pop();
      f.push(digit);
    }
    f.flag(good);
  });
}

const order = (a: Uint8Array, b: Uint8Array): number => {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  return Math.sign(a.length - b.length);
};

const textIndex = (bytes: Uint8Array, wanted: string): number =>
  new TextDecoder('latin1').decode(bytes).indexOf(wanted);

function outputWords(f: Forth): void {
  f.native('emit', (f) => f.emit(f.pop()));
  f.native('type', (f) => f.type(f.popString()));
  f.native('cr', (f) => f.cr());
  f.native('(cr', (f) => f.type('\r'));
  f.native('space', (f) => f.emit(0x20));
  const spaces = (f: Forth, n: number): void => f.type(' '.repeat(Math.max(0, Math.min(n, 1024))));
  f.native('spaces', (f) => spaces(f, f.pop()));
  f.native('to-column', (f) => spaces(f, f.pop() - f.variable('#out')));

  f.native('.', (f) => f.type(`${f.formatted(BigInt(f.pop()))} `));
  f.native('u.', (f) => f.type(`${f.formatted(BigInt(f.popU()))} `));
  f.native('s.', (f) => f.type(`${f.formatted(BigInt(f.pop()))} `));
  f.native('d.', (f) => f.type(`${f.formatted(f.popD())} `));
  f.native('ud.', (f) => f.type(`${f.formatted(f.popUD())} `));
  f.native('.d', (f) => f.type(`${f.formatted(BigInt(f.pop()), 10)} `));
  f.native('.h', (f) => f.type(`${f.formatted(BigInt(f.popU()), 16)} `));
  f.native('?', (f) => f.type(`${f.formatted(BigInt(f.cell(f.popU())))} `));
  const right = (name: string, value: (f: Forth) => bigint): void => {
    f.native(name, (f) => {
      f.need(2);
      const width = f.pop();
      const text = f.formatted(value(f));
      spaces(f, width - text.length);
      f.type(text);
    });
  };
  right('.r', (f) => BigInt(f.pop()));
  right('u.r', (f) => BigInt(f.popU()));
  right('d.r', (f) => f.popD());
  f.native('.s', (f) => {
    const { sp } = f.task;
    if (sp === 0) f.type('Empty ');
    for (let i = sp - 1; i >= 0; i--) f.type(`${f.formatted(BigInt(f.peek(i)))} `);
  });
  f.native('base.', (f) => f.type(`${f.base} `));

  f.native('<#', (f) => f.startHold());
  f.native('hold', (f) => f.hold(f.pop()));
  f.native('sign', (f) => {
    if (f.pop() < 0) f.hold(0x2d);
  });
  f.native('#', (f) => f.pushD(f.holdDigit(f.popUD())));
  f.native('#s', (f) => {
    let value = f.popUD();
    do value = f.holdDigit(value);
    while (value !== 0n);
    f.pushD(0n);
  });
  f.native('#>', (f) => {
    f.popUD();
    f.pushHeld();
  });
  f.native('u#', (f) => f.push(low32(f.holdDigit(BigInt(f.popU())))));
  f.native('u#s', (f) => {
    let value = BigInt(f.popU());
    do value = f.holdDigit(value);
    while (value !== 0n);
    f.push(0);
  });
  f.native('u#>', (f) => {
    f.pop();
    f.pushHeld();
  });
  f.native('(.)', (f) => f.pushText(f.formatted(BigInt(f.pop()))));
  f.native('(u.)', (f) => f.pushText(f.formatted(BigInt(f.popU()))));
  const base = (name: string, value: number): void => {
    f.native(name, (f) => f.setVariable('base', value));
  };
  base('decimal', 10);
  base('hex', 16);
  base('octal', 8);
  base('binary', 2);
}
