// SPDX-License-Identifier: MIT
//
// IA-64 bundles as text, in the words of GNU binutils: the same pseudo-operations, the same operands.
import { ISA, type IsaOperand, type IsaRow } from './gen/isa.ts';

interface Template {
  readonly units: string;
  /** Slots after which there is a stop. */
  readonly stops: readonly number[];
}

const NAMES = ['MII', 'MII', 'MLX', '', 'MMI', 'MMI', 'MFI', 'MMF', 'MIB', 'MBB', '', 'BBB', 'MMB', '', 'MFB', ''];
/** A stop in the middle: after slot 1 of MI;I, after slot 0 of M;MI. */
const MIDDLE: Readonly<Record<number, number>> = { 1: 1, 5: 0 };

function templateOf(code: number): Template | undefined {
  const units = NAMES[code >> 1]!;
  if (units === '') return undefined;
  const middle = MIDDLE[code >> 1];
  return { units, stops: [...(middle === undefined ? [] : [middle]), ...(code & 1 ? [2] : [])] };
}

export interface Disassembled {
  /** MII and so on; empty when reserved. */
  readonly template: string;
  /** One for each instruction: two in an MLX bundle. */
  readonly slots: readonly { readonly slot: number; readonly text: string }[];
}

const SLOT = (1n << 41n) - 1n;

/** The 16 bytes of a bundle at `va`. */
export function disassemble(bytes: DataView, offset: number, va: bigint): Disassembled {
  const low = bytes.getBigUint64(offset, true);
  const high = bytes.getBigUint64(offset + 8, true);
  const code = Number(low & 0x1fn);
  const template = templateOf(code);
  const raw = [(low >> 5n) & SLOT, ((low >> 46n) | (high << 18n)) & SLOT, high >> 23n] as const;
  if (template === undefined) {
    return { template: '', slots: raw.map((bits, slot) => ({ slot, text: data(bits) })) };
  }
  const long = template.units === 'MLX';
  const slots = (long ? [0, 1] : [0, 1, 2]).map((slot) => {
    const isLong = long && slot === 1;
    const bits = isLong ? raw[2] : raw[slot]!;
    const text = instruction(isLong ? 'X' : template.units[slot]!, bits, raw[1], va);
    return { slot, text: template.stops.includes(isLong ? 2 : slot) ? `${text};;` : text };
  });
  return { template: template.units, slots };
}

const data = (bits: bigint): string => `data8 0x${bits.toString(16).padStart(9, '0')}`;

const groups = new Map<string, IsaRow[]>();
for (const row of ISA) {
  const key = `${row.unit}${row.match >> 37n}`;
  groups.set(key, [...(groups.get(key) ?? []), row]);
}

function findRow(unit: string, bits: bigint): IsaRow | undefined {
  const major = bits >> 37n;
  const group = major >= 8n && (unit === 'I' || unit === 'M') ? 'A' : unit;
  return groups.get(`${group}${major}`)?.find((row) => (bits & row.mask) === row.match);
}

function operandOf(bits: bigint, [signed, shift, add, ...pieces]: IsaOperand): bigint {
  let value = 0n;
  let width = 0;
  for (let i = 0; i < pieces.length; i += 2) {
    value = (value << BigInt(pieces[i + 1]!)) | ((bits >> BigInt(pieces[i]!)) & ((1n << BigInt(pieces[i + 1]!)) - 1n));
    width += pieces[i + 1]!;
  }
  return ((signed ? BigInt.asIntN(width, value) : value) << BigInt(shift)) + BigInt(add);
}

/** What the forms below need of a slot. */
interface Context {
  readonly row: IsaRow;
  readonly bits: bigint;
  readonly upper: bigint;
  readonly va: bigint;
  a: number;
  b: number;
  c: number;
  d: number;
  imm: bigint;
}

const field = (bits: bigint, low: number, width: number): number =>
  Number((bits >> BigInt(low)) & ((1n << BigInt(width)) - 1n));

const hex = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16)}`;
const r = (n: number): string => `r${n}`;
const f = (n: number): string => `f${n}`;
const p = (n: number): string => `p${n}`;

const AR: Readonly<Record<number, string>> = {
  ...{ 16: 'rsc', 17: 'bsp', 18: 'bspstore', 19: 'rnat', 21: 'fcr', 24: 'eflag', 25: 'csd', 26: 'ssd', 27: 'cflg' },
  ...{ 28: 'fsr', 29: 'fir', 30: 'fdr', 32: 'ccv', 36: 'unat', 40: 'fpsr', 44: 'itc', 45: 'ruc' },
  ...{ 64: 'pfs', 65: 'lc', 66: 'ec' },
};
const ar = (n: number): string => (n < 8 ? `ar.k${n}` : AR[n] === undefined ? `ar${n}` : `ar.${AR[n]}`);

const CR: Readonly<Record<number, string>> = {
  ...{ 0: 'dcr', 1: 'itm', 2: 'iva', 8: 'pta', 16: 'ipsr', 17: 'isr', 19: 'iip', 20: 'ifa', 21: 'itir', 22: 'iipa' },
  ...{ 23: 'ifs', 24: 'iim', 25: 'iha', 64: 'lid', 65: 'ivr', 66: 'tpr', 67: 'eoi', 68: 'irr0', 69: 'irr1' },
  ...{ 70: 'irr2', 71: 'irr3', 72: 'itv', 73: 'pmv', 74: 'cmcv', 80: 'lrr0', 81: 'lrr1' },
};
const cr = (n: number): string => (CR[n] === undefined ? `cr${n}` : `cr.${CR[n]}`);

/** Bit 19 of loads and bit 12 of stores is a third bit of the hint where no register is in the way. */
const HINTS = ['', '.nt1', '.d2', '.nta', '.d4', '.d5', '.d6', '.d7'] as const;
const STORE_HINTS = ['', '.d1', '.d2', '.nta', '.d4', '.d5', '.d6', '.d7'] as const;
const PREFETCH_HINTS = ['', '.nt1', '.nt2', '.nta', '.d4', '.d5', '.d6', '.d7'] as const;
const PREDICTIONS = ['sptk', 'spnt', 'dptk', 'dpnt'] as const;
const CALL_PREDICTIONS: Readonly<Record<number, string>> = { 1: 'sptk', 3: 'spnt', 5: 'dptk', 7: 'dpnt' };
const PERMUTATIONS: Readonly<Record<number, string>> = { 0: '@brcst', 8: '@mix', 9: '@shuf', 10: '@alt', 11: '@rev' };
const SHIFTS = [0, 7, 15, 16] as const;

/** The row's name without what only tells encodings apart. */
const mnemonic = ({ row }: Context): string =>
  row.name
    .replace(/_(i|r|f|b)$/, '')
    .replace(/orcm$/, 'or.andcm')
    .replace(/^(add|sub)1$/, '$1');

const target = (x: Context): string => hex((x.va + x.imm) & ((1n << 64n) - 1n));
const sf = (x: Context): string => `.s${x.imm & 3n}`;
const few = (x: Context): string => (field(x.bits, 12, 1) ? '.many' : '.few');
const clear = (x: Context): string => (field(x.bits, 35, 1) ? '.clr' : '');
const hint = (x: Context, hints: readonly string[], third = 0): string => hints[field(x.bits, 28, 2) | (third << 2)]!;
const immOf = (x: Context): string => x.imm.toString();

/** Conditional branches: br for always, br.cond with what is predicted otherwise. */
function branch(x: Context, stem: string, to: string): string {
  const prediction = PREDICTIONS[field(x.bits, 33, 2)]!;
  const always = field(x.bits, 0, 6) === 0 && prediction === 'sptk';
  const name = always ? stem : `${stem}.cond.${prediction}`;
  return `${name}${few(x)}${clear(x)} ${to}`;
}

const loop = (x: Context): string =>
  `${x.row.name}.${PREDICTIONS[field(x.bits, 33, 2)]}${few(x)}${clear(x)} ${target(x)}`;

/** Multiply-adds with f0 or f1 have names of their own. */
function multiplyAdd(x: Context): string {
  const [stem, precision = ''] = x.row.name.split('.');
  const tail = `${precision === '' ? '' : `.${precision}`}${sf(x)}`;
  const { a, b, c, d } = x;
  if (stem === 'fma' && d === 1 && b === 0) return `fnorm${tail} ${f(a)}=${f(c)}`;
  if (stem === 'fma' && d === 1) return `fadd${tail} ${f(a)}=${f(c)},${f(b)}`;
  if (stem === 'fms' && d === 1) return `fsub${tail} ${f(a)}=${f(c)},${f(b)}`;
  if ((stem === 'fma' || stem === 'fpma') && b === 0)
    return `${stem === 'fma' ? 'fmpy' : 'fpmpy'}${tail} ${f(a)}=${f(c)},${f(d)}`;
  if ((stem === 'fnma' || stem === 'fpnma') && b === 0) {
    return `${stem === 'fnma' ? 'fnmpy' : 'fpnmpy'}${tail} ${f(a)}=${f(c)},${f(d)}`;
  }
  return `${stem}${tail} ${f(a)}=${f(c)},${f(d)},${f(b)}`;
}

function merge(x: Context): string {
  const parallel = x.row.name.startsWith('fp') ? 'fp' : 'f';
  const negative = x.row.name.endsWith('.ns');
  const { a, b, c } = x;
  if (!x.row.name.endsWith('.se')) {
    if (b === c) {
      if (negative) return `${parallel}neg ${f(a)}=${f(c)}`;
      if (parallel === 'f') return `mov ${f(a)}=${f(c)}`;
    }
    if (b === 0) return `${parallel}${negative ? 'negabs' : 'abs'} ${f(a)}=${f(c)}`;
  }
  return `${x.row.name} ${f(a)}=${f(b)},${f(c)}`;
}

/** Where the pieces of text come from, by format; rows with their own text are in `own`. */
const forms: Readonly<Record<string, (x: Context) => string>> = {
  A1: (x) =>
    /^p?shr/.test(x.row.name)
      ? `${x.row.name} ${r(x.a)}=${r(x.c)},${r(x.b)}`
      : `${mnemonic(x)} ${r(x.a)}=${r(x.b)},${r(x.c)}${/^(add|sub)1$/.test(x.row.name) ? ',1' : ''}`,
  A2: (x) => `${x.row.name} ${r(x.a)}=${r(x.b)},${x.d},${r(x.c)}`,
  A3: (x) => `${mnemonic(x)} ${r(x.a)}=${immOf(x)},${r(x.c)}`,
  A4: (x) =>
    x.row.name === 'adds' && x.imm === 0n
      ? `mov ${r(x.a)}=${r(x.c)}`
      : `${mnemonic(x)} ${r(x.a)}=${immOf(x)},${r(x.c)}`,
  A5: (x) => (x.c === 0 ? `mov ${r(x.a)}=${immOf(x)}` : `addl ${r(x.a)}=${immOf(x)},${r(x.c)}`),
  A6: (x) => `${mnemonic(x)} ${p(x.a)},${p(x.d)}=${r(x.b)},${r(x.c)}`,
  A7: (x) => `${mnemonic(x)} ${p(x.a)},${p(x.d)}=r0,${r(x.c)}`,
  A8: (x) => `${mnemonic(x)} ${p(x.a)},${p(x.d)}=${immOf(x)},${r(x.c)}`,
  I1: (x) => `${x.row.name} ${r(x.a)}=${r(x.b)},${r(x.c)},${SHIFTS[x.d]}`,
  I3: (x) => `mux1 ${r(x.a)}=${r(x.b)},${PERMUTATIONS[x.d] ?? `0x${x.d.toString(16)}`}`,
  I4: (x) => `mux2 ${r(x.a)}=${r(x.b)},0x${x.d.toString(16)}`,
  I6: (x) => `${mnemonic(x)} ${r(x.a)}=${r(x.c)},${x.d}`,
  I8: (x) => `${mnemonic(x)} ${r(x.a)}=${r(x.b)},${31 - x.d}`,
  I9: (x) => `${x.row.name} ${r(x.a)}=${r(x.c)}`,
  I10: (x) => `shrp ${r(x.a)}=${r(x.b)},${r(x.c)},${x.d}`,
  I11: (x) => {
    const name = x.row.name.replace('extr', 'shr');
    return x.b + x.d === 64 ? `${name} ${r(x.a)}=${r(x.c)},${x.b}` : `${x.row.name} ${r(x.a)}=${r(x.c)},${x.b},${x.d}`;
  },
  I12: (x) => {
    const position = 63 - x.c;
    return position + x.d === 64
      ? `shl ${r(x.a)}=${r(x.b)},${position}`
      : `dep.z ${r(x.a)}=${r(x.b)},${position},${x.d}`;
  },
  I13: (x) => `dep.z ${r(x.a)}=${immOf(x)},${63 - x.c},${x.d}`,
  I14: (x) => `dep ${r(x.a)}=${immOf(x)},${r(x.c)},${63 - x.b},${x.d}`,
  I15: (x) => `dep ${r(x.a)}=${r(x.b)},${r(x.c)},${63n - x.imm},${x.d}`,
  I16: (x) => `${mnemonic(x)} ${p(x.a)},${p(x.d)}=${r(x.c)},${immOf(x)}`,
  I17: (x) => `${mnemonic(x)} ${p(x.a)},${p(x.d)}=${r(x.c)}`,
  I30: (x) => `${mnemonic(x)} ${p(x.a)},${p(x.d)}=${x.imm + 32n}`,
  I18: (x) => `${x.row.name} ${hex(x.imm)}`,
  I20: (x) => `${x.row.name} ${r(x.b)},${target(x)}`,
  I21: (x) => {
    const way = ['.sptk', '', '.dptk'][field(x.bits, 20, 2)];
    if (way === undefined) return data(x.bits);
    const tag = BigInt.asIntN(9, x.bits >> 24n);
    const important = field(x.bits, 23, 1) ? '.imp' : '';
    const name = `mov${field(x.bits, 22, 1) ? '.ret' : ''}${way}${important}`;
    if (name === 'mov') return `mov b${x.a}=${r(x.b)}`;
    return `${name} b${x.a}=${r(x.b)},${hex(x.va + (tag << 4n))}`;
  },
  I22: (x) => `mov ${r(x.a)}=b${x.b}`,
  I23: (x) => `mov pr=${r(x.b)},${hex(x.imm)}`,
  I24: (x) => `mov pr.rot=${hex(x.imm)}`,
  I25: (x) => `mov ${r(x.a)}=${{ mov_from_ip: 'ip', mov_from_pr: 'pr' }[x.row.name] ?? 'psr.um'}`,
  I26: (x) =>
    x.row.name === 'mov_to_psr.um' ? `mov psr.um=${r(x.b)}` : `${x.row.name.slice(0, 5)} ${ar(x.c)}=${r(x.b)}`,
  I27: (x) => `${x.row.name.slice(0, 5)} ${ar(x.c)}=${immOf(x)}`,
  I28: (x) => `${x.row.name.slice(0, 5)} ${r(x.a)}=${ar(x.c)}`,
  M1: (x) =>
    `${mnemonic(x)}${hint(x, HINTS, field(x.bits, 19, 1))} ${r(x.a)}${x.row.name.startsWith('ld16') ? ',ar.csd' : ''}=[${r(x.c)}]`,
  M2: (x) => `${mnemonic(x)}${hint(x, HINTS)} ${r(x.a)}=[${r(x.c)}],${r(x.b)}`,
  M3: (x) => `${mnemonic(x)}${hint(x, HINTS)} ${r(x.a)}=[${r(x.c)}],${immOf(x)}`,
  M4: (x) =>
    `${mnemonic(x)}${hint(x, STORE_HINTS, field(x.bits, 12, 1))} [${r(x.c)}]=${r(x.b)}${x.row.name.startsWith('st16') ? ',ar.csd' : ''}`,
  M5: (x) => `${mnemonic(x)}${hint(x, STORE_HINTS)} [${r(x.c)}]=${r(x.b)},${immOf(x)}`,
  M6: (x) => `${mnemonic(x)}${hint(x, HINTS, field(x.bits, 19, 1))} ${f(x.a)}=[${r(x.c)}]`,
  M7: (x) => `${mnemonic(x)}${hint(x, HINTS)} ${f(x.a)}=[${r(x.c)}],${r(x.b)}`,
  M8: (x) => `${mnemonic(x)}${hint(x, HINTS)} ${f(x.a)}=[${r(x.c)}],${immOf(x)}`,
  M9: (x) => `${mnemonic(x)}${hint(x, STORE_HINTS, field(x.bits, 12, 1))} [${r(x.c)}]=${f(x.b)}`,
  M10: (x) => `${mnemonic(x)}${hint(x, STORE_HINTS)} [${r(x.c)}]=${f(x.b)},${immOf(x)}`,
  M11: (x) => `${mnemonic(x)}${hint(x, HINTS)} ${f(x.a)},${f(x.b)}=[${r(x.c)}]`,
  M12: (x) =>
    `${mnemonic(x)}${hint(x, HINTS)} ${f(x.a)},${f(x.b)}=[${r(x.c)}],${x.row.name.startsWith('ldfps') ? 8 : 16}`,
  M13: (x) => `${x.row.name}${hint(x, PREFETCH_HINTS)} [${r(x.c)}]`,
  M14: (x) => `${mnemonic(x)}${hint(x, PREFETCH_HINTS, field(x.bits, 12, 1))} [${r(x.c)}],${r(x.b)}`,
  M15: (x) => `${mnemonic(x)}${hint(x, PREFETCH_HINTS, field(x.bits, 12, 1))} [${r(x.c)}],${immOf(x)}`,
  M16: (x) => {
    const tail = x.row.name.startsWith('xchg') ? '' : x.row.name.startsWith('cmp8') ? ',ar.csd,ar.ccv' : ',ar.ccv';
    return `${x.row.name}${hint(x, HINTS)} ${r(x.a)}=[${r(x.c)}],${r(x.b)}${tail}`;
  },
  M17: (x) => {
    const step = [16, 8, 4, 1][x.b & 3]!;
    return `${x.row.name}${hint(x, HINTS)} ${r(x.a)}=[${r(x.c)}],${x.b & 4 ? -step : step}`;
  },
  M18: (x) => `${x.row.name} ${f(x.a)}=${r(x.b)}`,
  M19: (x) => `${x.row.name} ${r(x.a)}=${f(x.b)}`,
  M21: (x) => `${mnemonic(x)} ${f(x.b)},${target(x)}`,
  M22: (x) => `${mnemonic(x)} ${x.row.name.endsWith('_f') ? f(x.a) : r(x.a)},${target(x)}`,
  M24: (x) => x.row.name,
  M26: (x) => `invala.e ${x.row.name.endsWith('_f') ? f(x.a) : r(x.a)}`,
  M28: (x) => `${x.row.name} ${r(x.c)}`,
  M34: (x) => `alloc ${r(x.a)}=ar.pfs,${x.b},${x.c},${x.d * 8}`,
  M38: (x) => `${x.row.name} ${r(x.a)}=${r(x.c)},${r(x.b)}`,
  M39: (x) =>
    x.row.name.endsWith('.fault') ? `${x.row.name} ${r(x.c)},${x.b}` : `${mnemonic(x)} ${r(x.a)}=${r(x.c)},${x.b}`,
  M43: (x) =>
    x.row.name.startsWith('mov')
      ? `mov ${r(x.a)}=${x.row.name.slice(9)}[${r(x.c)}]`
      : `${x.row.name} ${r(x.a)}=${r(x.c)}`,
  M44: (x) => `${x.row.name} ${hex(x.imm)}`,
  B4: (x) =>
    x.row.name === 'br.cond_b'
      ? branch(x, 'br', `b${x.b}`)
      : `${x.row.name}.${PREDICTIONS[field(x.bits, 33, 2)]}${few(x)}${clear(x)} b${x.b}`,
  B5: (x) =>
    CALL_PREDICTIONS[field(x.bits, 32, 3)] === undefined
      ? data(x.bits)
      : `br.call.${CALL_PREDICTIONS[field(x.bits, 32, 3)]}${few(x)}${clear(x)} b${x.a}=b${x.b}`,
  B9: (x) => x.row.name,
  F2: (x) => {
    if (x.row.name === 'fselect') return `fselect ${f(x.a)}=${f(x.c)},${f(x.d)},${f(x.b)}`;
    if (x.b === 0) return `${x.row.name.replace('xma', 'xmpy')} ${f(x.a)}=${f(x.c)},${f(x.d)}`;
    return `${x.row.name} ${f(x.a)}=${f(x.c)},${f(x.d)},${f(x.b)}`;
  },
  F1: multiplyAdd,
  F4: (x) => `${x.row.name}${sf(x)} ${p(x.a)},${p(x.d)}=${f(x.b)},${f(x.c)}`,
  F5: (x) => `${x.row.name} ${p(x.a)},${p(x.d)}=${f(x.b)},${hex(x.imm)}`,
  F6: (x) => {
    const root = x.row.name.includes('sqrt');
    return `${x.row.name}${sf(x)} ${f(x.a)},${p(x.d)}=${root ? '' : `${f(x.b)},`}${f(x.c)}`;
  },
  F8: (x) => {
    const { name } = x.row;
    if (/^fp?merge/.test(name)) return merge(x);
    if (name === 'fcvt.xf') return `fcvt.xf ${f(x.a)}=${f(x.b)}`;
    if (/^fp?cvt/.test(name)) return `${name}${sf(x)} ${f(x.a)}=${f(x.b)}`;
    const status = /^f(p?a?m(in|ax)|pcmp)/.test(name) ? sf(x) : '';
    return `${name}${status} ${f(x.a)}=${f(x.b)},${f(x.c)}`;
  },
  F12: (x) => `fsetc${sf(x)} 0x${x.b.toString(16)},0x${x.c.toString(16)}`,
  F13: (x) => `fclrf${sf(x)}`,
  F14: (x) => `fchkf.s${x.d} ${target(x)}`,
};

const important = (x: Context): string => (field(x.bits, 35, 1) ? '.imp' : '');
/** The address of the branch that a prediction is for. */
const predictedAt = (x: Context): string =>
  (x.va + (BigInt.asIntN(9, BigInt(field(x.bits, 6, 7) | (field(x.bits, 33, 2) << 7))) << 4n)).toString(16);

function predictReturn(x: Context): string {
  const way = field(x.bits, 3, 2);
  if ((way & 1) !== 0) return data(x.bits);
  return `${x.row.name.replace('_b', '')}.${way === 0 ? 'sptk' : 'dptk'}${important(x)} b${field(x.bits, 13, 3)},${predictedAt(x)}`;
}

const rest26 = (x: Context): number => field(x.bits, 20, 7);
const rest13 = (x: Context): number => field(x.bits, 13, 7);
const rest6 = (x: Context): number => field(x.bits, 6, 7);
const longTarget = (x: Context): string => {
  const high = BigInt(field(x.bits, 36, 1)) << 59n;
  const middle = ((x.upper >> 2n) & ((1n << 39n) - 1n)) << 20n;
  return hex(x.va + ((high | middle | BigInt(field(x.bits, 13, 20))) << 4n));
};

/** Rows whose text is not their format's. */
const own: Readonly<Record<string, (x: Context) => string>> = {
  'br.cond': (x) => branch(x, 'br', target(x)),
  'br.cloop': loop,
  'br.ctop': loop,
  'br.cexit': loop,
  'br.wtop': loop,
  'br.wexit': loop,
  'br.call': (x) => `br.call.${PREDICTIONS[field(x.bits, 33, 2)]}${few(x)}${clear(x)} b${x.a}=${target(x)}`,
  brp: (x) => {
    const way = ['sptk', 'loop', 'dptk', 'exit'][field(x.bits, 3, 2)]!;
    const to = BigInt.asIntN(21, BigInt(field(x.bits, 13, 20)) | (BigInt(field(x.bits, 36, 1)) << 20n)) << 4n;
    return `brp.${way}${important(x)} ${hex(x.va + to)},${predictedAt(x)}`;
  },
  brp_b: predictReturn,
  'brp.ret': predictReturn,
  'hint.m': (x) => `hint.m ${x.imm}`,
  'break.b': (x) => `break.b ${hex(x.imm)}`,
  'nop.b': (x) => `nop.b ${hex(x.imm)}`,
  'hint.b': (x) => `hint.b ${hex(x.imm)}`,
  'break.x': (x) =>
    `break.x ${hex((x.upper << 21n) | (BigInt(field(x.bits, 36, 1)) << 20n) | BigInt(field(x.bits, 6, 20)))}`,
  'nop.x': (x) =>
    `nop.x ${hex((x.upper << 21n) | (BigInt(field(x.bits, 36, 1)) << 20n) | BigInt(field(x.bits, 6, 20)))}`,
  'hint.x': (x) =>
    `hint.x ${hex((x.upper << 21n) | (BigInt(field(x.bits, 36, 1)) << 20n) | BigInt(field(x.bits, 6, 20)))}`,
  movl: (x) =>
    `movl ${r(x.a)}=${hex(
      (BigInt(field(x.bits, 36, 1)) << 63n) |
        (x.upper << 22n) |
        (BigInt(field(x.bits, 21, 1)) << 21n) |
        (BigInt(field(x.bits, 22, 5)) << 16n) |
        (BigInt(field(x.bits, 27, 9)) << 7n) |
        BigInt(field(x.bits, 13, 7)),
    )}`,
  'brl.cond': (x) => branch(x, 'brl', longTarget(x)),
  'brl.call': (x) => `brl.call.${PREDICTIONS[field(x.bits, 33, 2)]}${few(x)}${clear(x)} b${x.a}=${longTarget(x)}`,
  mov_to_cr: (x) => `mov ${cr(rest26(x))}=${r(rest13(x))}`,
  mov_from_cr: (x) => `mov ${r(rest6(x))}=${cr(rest26(x))}`,
  'mov_to_psr.l': (x) => `mov psr.l=${r(rest13(x))}`,
  mov_from_psr: (x) => `mov ${r(rest6(x))}=psr`,
  'itc.d': (x) => `itc.d ${r(rest13(x))}`,
  'itc.i': (x) => `itc.i ${r(rest13(x))}`,
  ssm: (x) => `ssm ${maskOf(x)}`,
  rsm: (x) => `rsm ${maskOf(x)}`,
  tpa: (x) => `tpa ${r(rest6(x))}=${r(rest26(x))}`,
  tak: (x) => `tak ${r(rest6(x))}=${r(rest26(x))}`,
  'ptc.e': (x) => `ptc.e ${r(rest26(x))}`,
};

const maskOf = (x: Context): string =>
  hex((BigInt(field(x.bits, 36, 1)) << 23n) | (BigInt(field(x.bits, 31, 2)) << 21n) | BigInt(field(x.bits, 6, 21)));

/** Moves between general registers and indexed register files. */
function indexed(x: Context): string | undefined {
  const [, way, file] = /^mov_(to|from)_(rr|dbr|ibr|pkr|pmc|pmd)$/.exec(x.row.name) ?? [];
  if (way === 'to') return `mov ${file}[${r(rest26(x))}]=${r(rest13(x))}`;
  if (way === 'from') return `mov ${r(rest6(x))}=${file}[${r(rest26(x))}]`;
  const [, purge] = /^(ptc\.\w+|ptr\.\w)$/.exec(x.row.name) ?? [];
  if (purge !== undefined) return `${purge} ${r(rest26(x))},${r(rest13(x))}`;
  const [, insert, letter] = /^itr\.(d|i)$/.exec(x.row.name) ? ['', 'itr', x.row.name.slice(4)] : [];
  if (insert !== undefined) return `itr.${letter} ${letter}tr[${r(rest26(x))}]=${r(rest13(x))}`;
  return undefined;
}

/** Rows that ignore the qualifying predicate have none to show. */
const PLAIN = new Set([
  'alloc',
  'flushrs',
  'loadrs',
  'brp',
  'brp_b',
  'brp.ret',
  'br.cloop',
  'br.ctop',
  'br.cexit',
  'cover',
  'clrrrb',
  'clrrrb.pr',
  'rfi',
  'bsw.0',
  'bsw.1',
  'epc',
]);

/** Binutils know no instruction with these hints. */
function isReservedHint(x: Context): boolean {
  const two = field(x.bits, 28, 2);
  if (['M2', 'M3', 'M7', 'M8', 'M11', 'M12', 'M16', 'M17'].includes(x.row.format)) return two === 2;
  return ['M5', 'M10'].includes(x.row.format) && (two === 1 || two === 2);
}

function instruction(unit: string, bits: bigint, upper: bigint, va: bigint): string {
  const row = findRow(unit, bits);
  if (row === undefined) return data(bits);
  const x: Context = { row, bits, upper, va, a: 0, b: 0, c: 0, d: 0, imm: 0n };
  for (const [key, layout] of Object.entries(row.operands)) {
    const value = operandOf(bits, layout);
    if (key === 'imm') x.imm = value;
    else x[key as 'a' | 'b' | 'c' | 'd'] = Number(value);
  }
  const form = own[row.name] ?? ((y: Context) => indexed(y) ?? forms[row.format]?.(y) ?? row.name);
  const qp = Number(bits & 0x3fn);
  const text = isReservedHint(x) ? data(bits) : form(x);
  if (text.startsWith('data8')) return text;
  return qp === 0 || PLAIN.has(row.name) ? text : `(p${String(qp).padStart(2, '0')}) ${text}`;
}
