// SPDX-License-Identifier: MIT
//
// What integer and parallel instructions give, once more, from the descriptions in the manual: lanes as arrays of
// numbers of any size, from the least significant on. Operands by the letters of core/ia64/ia64.decode.

export interface Inputs {
  /** Registers r2 and r3. */
  readonly x: bigint;
  readonly y: bigint;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly imm: bigint;
}

const u64 = (n: bigint): bigint => BigInt.asUintN(64, n);
const s64 = (n: bigint): bigint => BigInt.asIntN(64, n);

const split = (n: bigint, bits: number): bigint[] =>
  Array.from({ length: 64 / bits }, (_, i) => BigInt.asUintN(bits, n >> BigInt(i * bits)));
const signed = (n: bigint, bits: number): bigint[] => split(n, bits).map((lane) => BigInt.asIntN(bits, lane));
const join = (lanes: readonly bigint[], bits: number): bigint =>
  lanes.reduce((sum, lane, i) => sum | (BigInt.asUintN(bits, lane) << BigInt(i * bits)), 0n);
const clamp = (n: bigint, low: bigint, high: bigint): bigint => (n < low ? low : n > high ? high : n);
const ones = (n: number): bigint => (1n << BigInt(n)) - 1n;

type Model = (i: Inputs) => bigint;
const models: Record<string, Model> = {
  add: ({ x, y }) => x + y,
  add1: ({ x, y }) => x + y + 1n,
  sub: ({ x, y }) => x - y,
  sub1: ({ x, y }) => x - y - 1n,
  and: ({ x, y }) => x & y,
  andcm: ({ x, y }) => x & ~y,
  or: ({ x, y }) => x | y,
  xor: ({ x, y }) => x ^ y,
  addp4: ({ x, y }) => ((x + y) & ones(32)) | (((y >> 30n) & 3n) << 61n),
  shladd: ({ x, y, d }) => (x << BigInt(d)) + y,
  shladdp4: ({ x, y, d }) => (((x << BigInt(d)) + y) & ones(32)) | (((y >> 30n) & 3n) << 61n),
  sub_i: ({ y, imm }) => imm - y,
  and_i: ({ y, imm }) => imm & y,
  andcm_i: ({ y, imm }) => imm & ~y,
  or_i: ({ y, imm }) => imm | y,
  xor_i: ({ y, imm }) => imm ^ y,
  adds: ({ y, imm }) => imm + y,
  addp4_i: ({ y, imm }) => ((imm + y) & ones(32)) | (((y >> 30n) & 3n) << 61n),
  shl: ({ x, y }) => (y > 63n ? 0n : x << y),
  shr: ({ x, y }) => s64(y) >> (x > 63n ? 63n : x),
  'shr.u': ({ x, y }) => (x > 63n ? 0n : y >> x),
  shrp: ({ x, y, d }) => ((x << 64n) | y) >> BigInt(d),
  'extr.u': ({ y, b, d }) => (y >> BigInt(b)) & ones(d),
  extr: ({ y, b, d }) => BigInt.asIntN(Math.min(d, 64 - b), y >> BigInt(b)),
  'dep.z': ({ x, c, d }) => (x & ones(d)) << BigInt(63 - c),
  'dep.z_i': ({ imm, c, d }) => (imm & ones(d)) << BigInt(63 - c),
  dep_i: ({ y, imm, b, d }) => (y & ~(ones(d) << BigInt(63 - b))) | ((imm & ones(d)) << BigInt(63 - b)),
  dep: ({ x, y, imm, d }) => (y & ~(ones(d) << (63n - imm))) | ((x & ones(d)) << (63n - imm)),
  popcnt: ({ y }) => BigInt([...y.toString(2)].filter((bit) => bit === '1').length),
  pmpyshr2: ({ x, y, d }) => multiplied(signed(x, 16), signed(y, 16), d),
  'pmpyshr2.u': ({ x, y, d }) => multiplied(split(x, 16), split(y, 16), d),
  'pmpy2.r': ({ x, y }) =>
    join(
      [0, 2].map((i) => signed(x, 16)[i]! * signed(y, 16)[i]!),
      32,
    ),
  'pmpy2.l': ({ x, y }) =>
    join(
      [1, 3].map((i) => signed(x, 16)[i]! * signed(y, 16)[i]!),
      32,
    ),
  'pack2.uss': ({ x, y }) => packed(x, y, 16, 0n, 255n),
  'pack2.sss': ({ x, y }) => packed(x, y, 16, -128n, 127n),
  'pack4.sss': ({ x, y }) => packed(x, y, 32, -32768n, 32767n),
  psad1: ({ x, y }) => split(x, 8).reduce((sum, lane, i) => sum + abs(lane - split(y, 8)[i]!), 0n),
  mux2: ({ x, d }) =>
    join(
      [0, 1, 2, 3].map((i) => split(x, 16)[(d >> (i * 2)) & 3]!),
      16,
    ),
  pshladd2: ({ x, y, d }) => {
    const lanes = signed(x, 16).map((lane) => lane << BigInt(d));
    const sums = lanes.map((lane, i) =>
      lane === limit(lane, 16) ? limit(lane + signed(y, 16)[i]!, 16) : limit(lane, 16),
    );
    return join(sums, 16);
  },
  pshradd2: ({ x, y, d }) =>
    join(
      signed(x, 16).map((lane, i) => limit((lane >> BigInt(d)) + signed(y, 16)[i]!, 16)),
      16,
    ),
  'pmin1.u': ({ x, y }) => zipped(split(x, 8), split(y, 8), 8, (a, b) => (a < b ? a : b)),
  'pmax1.u': ({ x, y }) => zipped(split(x, 8), split(y, 8), 8, (a, b) => (a > b ? a : b)),
  pmin2: ({ x, y }) => zipped(signed(x, 16), signed(y, 16), 16, (a, b) => (a < b ? a : b)),
  pmax2: ({ x, y }) => zipped(signed(x, 16), signed(y, 16), 16, (a, b) => (a > b ? a : b)),
};

const abs = (n: bigint): bigint => (n < 0n ? -n : n);
const limit = (n: bigint, bits: number): bigint => clamp(n, -(1n << BigInt(bits - 1)), ones(bits - 1));
const odd = (n: bigint): bigint => (n >> 1n) | (n & 1n);

function zipped(x: bigint[], y: bigint[], bits: number, f: (a: bigint, b: bigint) => bigint): bigint {
  return join(
    x.map((lane, i) => f(lane, y[i]!)),
    bits,
  );
}

function multiplied(x: bigint[], y: bigint[], d: number): bigint {
  return zipped(x, y, 16, (a, b) => (a * b) >> BigInt([0, 7, 15, 16][d]!));
}

function packed(x: bigint, y: bigint, bits: number, low: bigint, high: bigint): bigint {
  return join(
    [...signed(x, bits), ...signed(y, bits)].map((lane) => clamp(lane, low, high)),
    bits / 2,
  );
}

for (const bytes of [1, 2, 4]) {
  const bits = bytes * 8;
  const n = String(bytes);
  const top = ones(bits);
  models[`zxt${n}`] = ({ y }) => BigInt.asUintN(bits, y);
  models[`sxt${n}`] = ({ y }) => BigInt.asIntN(bits, y);
  models[`padd${n}`] = ({ x, y }) => zipped(split(x, bits), split(y, bits), bits, (a, b) => a + b);
  models[`psub${n}`] = ({ x, y }) => zipped(split(x, bits), split(y, bits), bits, (a, b) => a - b);
  models[`pcmp${n}.eq`] = ({ x, y }) => zipped(split(x, bits), split(y, bits), bits, (a, b) => (a === b ? top : 0n));
  models[`pcmp${n}.gt`] = ({ x, y }) => zipped(signed(x, bits), signed(y, bits), bits, (a, b) => (a > b ? top : 0n));
  const halves = (lanes: bigint[], high: boolean): bigint[] =>
    lanes.slice(high ? lanes.length / 2 : 0, high ? undefined : lanes.length / 2);
  for (const high of [true, false]) {
    models[`unpack${n}.${high ? 'h' : 'l'}`] = ({ x, y }) =>
      join(
        halves(split(y, bits), high).flatMap((lane, i) => [lane, halves(split(x, bits), high)[i]!]),
        bits,
      );
    models[`mix${n}.${high ? 'l' : 'r'}`] = ({ x, y }) =>
      join(
        split(y, bits).map((_, i) => (i & 1 ? split(x, bits) : split(y, bits))[(i & ~1) + (high ? 1 : 0)]!),
        bits,
      );
  }
  if (bytes === 4) continue;
  const each = (name: string, unsigned: [boolean, boolean], low: bigint, high: bigint): void => {
    const lanes = (value: bigint, isUnsigned: boolean): bigint[] => (isUnsigned ? split : signed)(value, bits);
    models[`padd${n}.${name}`] = ({ x, y }) =>
      zipped(lanes(x, unsigned[0]), lanes(y, unsigned[1]), bits, (a, b) => clamp(a + b, low, high));
    models[`psub${n}.${name}`] = ({ x, y }) =>
      zipped(lanes(x, unsigned[0]), lanes(y, unsigned[1]), bits, (a, b) => clamp(a - b, low, high));
  };
  each('sss', [false, false], -(1n << BigInt(bits - 1)), ones(bits - 1));
  each('uuu', [true, true], 0n, top);
  each('uus', [true, false], 0n, top);
  models[`pavg${n}`] = ({ x, y }) => zipped(split(x, bits), split(y, bits), bits, (a, b) => odd(a + b));
  models[`pavg${n}.raz`] = ({ x, y }) => zipped(split(x, bits), split(y, bits), bits, (a, b) => (a + b + 1n) >> 1n);
  models[`pavgsub${n}`] = ({ x, y }) => zipped(split(x, bits), split(y, bits), bits, (a, b) => odd(a - b));
  const firstZero = (lanes: bigint[]): bigint => BigInt(lanes.includes(0n) ? lanes.indexOf(0n) : lanes.length);
  models[`czx${n}.r`] = ({ y }) => firstZero(split(y, bits));
  models[`czx${n}.l`] = ({ y }) => firstZero(split(y, bits).reverse());
}

for (const bits of [16, 32]) {
  const n = String(bits / 8);
  const left = (value: bigint, count: bigint): bigint =>
    count >= BigInt(bits)
      ? 0n
      : join(
          split(value, bits).map((lane) => lane << count),
          bits,
        );
  const right = (lanes: bigint[], count: bigint): bigint =>
    join(
      lanes.map((lane) => lane >> (count > BigInt(bits) ? BigInt(bits) : count)),
      bits,
    );
  models[`pshl${n}`] = ({ x, y }) => left(x, y);
  models[`pshl${n}_i`] = ({ x, d }) => left(x, BigInt(31 - d));
  models[`pshr${n}`] = ({ x, y }) => right(signed(y, bits), x);
  models[`pshr${n}.u`] = ({ x, y }) => right(split(y, bits), x);
  models[`pshr${n}_i`] = ({ y, d }) => right(signed(y, bits), BigInt(d));
  models[`pshr${n}.u_i`] = ({ y, d }) => right(split(y, bits), BigInt(d));
}

const ORDERS: Readonly<Record<number, number[]>> = {
  0: [0, 0, 0, 0, 0, 0, 0, 0],
  8: [0, 4, 2, 6, 1, 5, 3, 7],
  9: [0, 4, 1, 5, 2, 6, 3, 7],
  10: [0, 2, 4, 6, 1, 3, 5, 7],
  11: [7, 6, 5, 4, 3, 2, 1, 0],
};
models['mux1'] = ({ x, d }) =>
  join(
    ORDERS[d]!.map((from) => split(x, 8)[from]!),
    8,
  );

export const INTEGER_MODELS: ReadonlyMap<string, Model> = new Map(
  Object.entries(models).map(([name, model]) => [name, (inputs: Inputs) => u64(model(inputs))]),
);

/** Whether relation `name` (lt, ltu, eq, ne, gt, le, ge) holds. */
export function relates(name: string, bits: 32 | 64, x: bigint, y: bigint): boolean {
  const [a, b] =
    name === 'ltu'
      ? [BigInt.asUintN(bits, x), BigInt.asUintN(bits, y)]
      : [BigInt.asIntN(bits, x), BigInt.asIntN(bits, y)];
  switch (name) {
    case 'eq':
      return a === b;
    case 'ne':
      return a !== b;
    case 'gt':
      return a > b;
    case 'le':
      return a <= b;
    case 'ge':
      return a >= b;
    default:
      return a < b;
  }
}
