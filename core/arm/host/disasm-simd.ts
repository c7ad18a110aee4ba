// SPDX-License-Identifier: MIT
//
// What is between angle brackets in the assembly of VFP and Advanced SIMD instructions; see disasm.ts.
import { hex, indexed, r, type Instruction } from './disasm.ts';

const s = (n: number): string => `s${n}`;
const d = (n: number): string => `d${n}`;
const q = (n: number): string => `q${n >> 1}`;

const VFP_REGISTERS: Readonly<Record<number, string>> = {
  ...{ 0: 'fpsid', 1: 'fpscr', 6: 'mvfr1', 7: 'mvfr0', 8: 'fpexc', 9: 'fpinst', 10: 'fpinst2' },
};

/** A register of the precision of bit 8. */
function float({ word, field }: Instruction, base: string, extra: string): string {
  return (word & 0x100) !== 0 ? d(field(base) | (field(extra) << 4)) : s((field(base) << 1) | field(extra));
}

const number = ({ field }: Instruction, letter: string): number => field(`v${letter}`) | (field(letter) << 4);

/** A register of an Advanced SIMD instruction that may be on quadwords. */
const either = (one: Instruction, letter: string): string =>
  one.field('q') === 1 ? q(number(one, letter)) : d(number(one, letter));

const bitsOf = (one: Instruction): number => 8 << one.field('sz');
const sign = (one: Instruction): string => (one.field('u') === 1 ? 'u' : 's');

/** Bits of the elements of a shift: the highest bit set of L and imm6. */
function shiftBits({ field }: Instruction): number {
  if (field('l') === 1) return 64;
  const imm = field('imm');
  return imm >= 32 ? 32 : imm >= 16 ? 16 : 8;
}

/** The value of an immediate of eight bits in floating point. */
export function floatImmediate(imm: number): number {
  const exponent = ((imm >>> 4) & 7) ^ 4;
  return (imm & 0x80 ? -1 : 1) * ((16 + (imm & 15)) / 16) * 2 ** (exponent - 3);
}

function scalarIndex({ word }: Instruction): [size: number, index: number] {
  const opc = ((word >>> 19) & 12) | ((word >>> 5) & 3);
  if ((opc & 8) !== 0) return [8, opc & 7];
  return (opc & 1) !== 0 ? [16, (opc >>> 1) & 3] : [32, (opc >>> 2) & 1];
}

/** The scalar of a multiplication. */
function scalar({ word }: Instruction, size: number): string {
  if (size === 1) return `${d(word & 7)}[${((word >>> 4) & 2) | ((word >>> 3) & 1)}]`;
  return `${d(word & 15)}[${(word >>> 5) & 1}]`;
}

const registerList = (first: number, count: number, step: number, suffix = ''): string => {
  const names = Array.from({ length: count }, (_, n) => `${d((first + n * step) & 31)}${suffix}`);
  if (suffix === '' && step === 1 && count > 1) return `{${names[0]}-${names[count - 1]}}`;
  return `{${names.join(',')}}`;
};

function elementAddress(one: Instruction, alignment: number): string {
  const rm = one.word & 15;
  const at = `[${r(one.field('rn'))}${alignment === 0 ? '' : ` :${alignment}`}]`;
  return rm === 15 ? at : rm === 13 ? `${at}!` : `${at}, ${r(rm)}`;
}

/** Members, registers and step of a load or store of several elements, by its type. */
const MULTIPLE: Readonly<Record<number, readonly [n: number, count: number, step: number]>> = {
  ...{ 0: [4, 4, 1], 1: [4, 4, 2], 2: [1, 4, 1], 3: [2, 4, 1], 4: [3, 3, 1], 5: [3, 3, 2] },
  ...{ 6: [1, 3, 1], 7: [1, 1, 1], 8: [2, 2, 1], 9: [2, 2, 2], 10: [1, 2, 1] },
};

function multiple(one: Instruction): string {
  const [n, count, step] = MULTIPLE[one.field('type')] ?? [1, 1, 1];
  const align = one.field('align');
  const text = registerList(number(one, 'd'), count, step);
  return `${n}.${bitsOf(one)} ${text}, ${elementAddress(one, align === 0 ? 0 : 32 << align)}`;
}

function oneLane(one: Instruction): string {
  const [size, n, ia] = [one.field('sz'), one.field('nn') + 1, one.field('ia')];
  const index = ia >>> (size + 1);
  const step = size === 0 || n === 1 ? 1 : ((ia >>> size) & 1) + 1;
  let alignment = 0;
  const low = ia & (size === 2 ? 3 : 1);
  if (n === 1 && low !== 0) alignment = 8 << size;
  else if (n === 2 && (ia & 1) !== 0) alignment = 16 << size;
  else if (n === 4 && low !== 0) alignment = size === 2 ? 32 << low : 32 << size;
  return `${n}.${8 << size} ${registerList(number(one, 'd'), n, step, `[${index}]`)}, ${elementAddress(one, alignment)}`;
}

function allLanes(one: Instruction): string {
  const [code, n, t, a] = [one.field('sz'), one.field('nn') + 1, one.field('t'), one.field('a')];
  const size = code === 3 ? 2 : code;
  const list =
    n === 1 ? registerList(number(one, 'd'), 1 + t, 1, '[]') : registerList(number(one, 'd'), n, 1 + t, '[]');
  const alignment = a === 0 ? 0 : code === 3 ? 128 : n === 4 && size === 2 ? 64 : (8 << size) * n;
  return `${n}.${8 << size} ${list}, ${elementAddress(one, alignment)}`;
}

const MISC: Readonly<Record<number, readonly string[]>> = {
  0: [
    ...['vrev64.#', 'vrev32.#', 'vrev16.#', '', 'vpaddl.s#', 'vpaddl.u#', '', '', 'vcls.s#', 'vclz.i#', 'vcnt.8'],
    ...['vmvn', 'vpadal.s#', 'vpadal.u#', 'vqabs.s#', 'vqneg.s#'],
  ],
  1: [
    ...['vcgt.s#', 'vcge.s#', 'vceq.i#', 'vcle.s#', 'vclt.s#', '', 'vabs.s#', 'vneg.s#'],
    ...['vcgt.f#', 'vcge.f#', 'vceq.f#', 'vcle.f#', 'vclt.f#', '', 'vabs.f#', 'vneg.f#'],
  ],
  2: ['vswp', 'vtrn.#', 'vuzp.#', 'vzip.#'],
  3: [
    ...['', '', '', '', '', '', '', '', 'vrecpe.u#', 'vrsqrte.u#', 'vrecpe.f#', 'vrsqrte.f#'],
    ...['vcvt.f#.s#', 'vcvt.f#.u#', 'vcvt.s#.f#', 'vcvt.u#.f#'],
  ],
};

function misc(one: Instruction): string {
  const [a, kind, quad] = [one.field('a'), one.field('b'), one.field('q')];
  const bits = bitsOf(one);
  const [dd, dm] = [number(one, 'd'), number(one, 'm')];
  if (a === 2 && (kind === 4 || kind === 5)) {
    const name = kind === 5 ? `vqmovn.${quad ? 'u' : 's'}` : quad ? 'vqmovun.s' : 'vmovn.i';
    return `${name}${bits * 2} ${d(dd)}, ${q(dm)}`;
  }
  if (a === 2 && kind === 6) return `vshll.i${bits} ${q(dd)}, ${d(dm)}, #${bits}`;
  const name = MISC[a]?.[kind];
  if (name === undefined || name === '') return 'undefined';
  const zero = a === 1 && (kind & 7) < 5 ? ', #0' : '';
  return `${name.replaceAll('#', `${bits}`)} ${either(one, 'd')}, ${either(one, 'm')}${zero}`;
}

function immediate(one: Instruction): string {
  const { field } = one;
  const imm = (field('i') << 7) | (field('im') << 4) | field('lo');
  const [cmode, o] = [field('cmode'), field('o')];
  const to = either(one, 'd');
  const word = (value: number): string => `#${value | 0}`;
  if (cmode >= 14) {
    if (cmode === 15) return `vmov.f32 ${to}, #${floatImmediate(imm)}`;
    if (o === 0) return `vmov.i8 ${to}, #${imm}`;
    const bytes = Array.from({ length: 8 }, (_, n) => ((imm >>> (7 - n)) & 1 ? 'ff' : '00')).join('');
    return `vmov.i64 ${to}, #0x${bytes}`;
  }
  const bits = cmode < 8 || cmode >= 12 ? 32 : 16;
  let name = o === 0 ? 'vmov' : 'vmvn';
  if (cmode < 12 && (cmode & 1) === 1) name = o === 0 ? 'vorr' : 'vbic';
  let value = imm << (((cmode >>> 1) & (bits === 32 ? 3 : 1)) * 8);
  if (cmode === 12) value = (imm << 8) | 0xff;
  if (cmode === 13) value = (imm << 16) | 0xffff;
  return `${name}.i${bits} ${to}, ${word(value)}`;
}

function floatList(one: Instruction): string {
  const { word, field } = one;
  const imm = field('imm');
  const doubles = (word & 0x100) !== 0;
  const first = doubles ? field('vd') | (field('d') << 4) : (field('vd') << 1) | field('d');
  const count = doubles ? imm >> 1 : imm;
  const name = doubles ? d : s;
  return count <= 1 ? `{${name(first)}}` : `{${name(first)}-${name(first + count - 1)}}`;
}

/** Fixed-point conversion of VFP: types, and fraction bits. */
function fixed(one: Instruction): string {
  const { word, field } = one;
  const from = `${field('u') === 1 ? 'u' : 's'}${field('sx') === 1 ? 32 : 16}`;
  const float_ = (word & 0x100) !== 0 ? 'f64' : 'f32';
  return field('to') === 1 ? `${from}.${float_}` : `${float_}.${from}`;
}

export function simdItem(item: string, one: Instruction): string {
  const { word, field } = one;
  switch (item) {
    case 'sz':
      return (word & 0x100) !== 0 ? '64' : '32';
    case 'fd':
      return float(one, 'vd', 'd');
    case 'fn':
      return float(one, 'vn', 'n');
    case 'fm':
      return float(one, 'vm', 'm');
    case 'sd':
      return s((field('vd') << 1) | field('d'));
    case 'sm':
      return s((field('vm') << 1) | field('m'));
    case 'e':
      return field('e') === 1 ? 'e' : '';
    case 'vfpimm':
      return `#${(field('hi') << 4) | field('lo')}`;
    case 'cvtds': {
      const single = s((field('vd') << 1) | field('d'));
      if ((word & 0x100) !== 0) return `f32.f64 ${single}, ${d(number(one, 'm'))}`;
      return `f64.f32 ${d(number(one, 'd'))}, ${s((field('vm') << 1) | field('m'))}`;
    }
    case 'us':
      return field('s') === 1 ? 's' : 'u';
    case 'usi':
      return field('u') === 1 ? 's' : 'u';
    case 'rz':
      return field('z') === 1 ? '' : 'r';
    case 'fixed':
      return fixed(one);
    case 'fbits':
      return `${(field('sx') === 1 ? 32 : 16) - ((field('imm') << 1) | field('i'))}`;
    case 'vmovs': {
      const [core, single] = [r(field('rd')), s((field('vn') << 1) | field('n'))];
      return field('l') === 1 ? `${core}, ${single}` : `${single}, ${core}`;
    }
    case 'vmov2s': {
      const first = (field('vm') << 1) | field('m');
      const [core, pair] = [`${r(field('rd'))}, ${r(field('rn'))}`, `${s(first)}, ${s(first + 1)}`];
      return field('l') === 1 ? `${core}, ${pair}` : `${pair}, ${core}`;
    }
    case 'vmovd': {
      const core = `${r(field('rd'))}, ${r(field('rn'))}`;
      return field('l') === 1 ? `${core}, ${d(number(one, 'm'))}` : `${d(number(one, 'm'))}, ${core}`;
    }
    case 'scalar':
      return `${d(number(one, 'n'))}[${scalarIndex(one)[1]}]`;
    case 'scalarsize':
      return `${scalarIndex(one)[0]}`;
    case 'scalarsizeu': {
      const [size] = scalarIndex(one);
      return size === 32 ? '32' : `${sign(one)}${size}`;
    }
    case 'dupsize':
      return field('b') === 1 ? '8' : field('e') === 1 ? '16' : '32';
    case 'fx':
      return (word & 0x101) === 0x101 ? 'f' : 'v';
    case 'fxx':
      return (word & 0x101) === 0x101 ? 'x' : '';
    case 'vfpreg':
      return VFP_REGISTERS[field('reg')] ?? `${field('reg')}`;
    case 'flist':
      return floatList(one);
    // Advanced SIMD
    case 'qd':
    case 'qn':
    case 'qm':
      return either(one, item[1]!);
    case 'dd':
    case 'dn':
    case 'dm':
      return d(number(one, item[1]!));
    case 'qqd':
    case 'qqn':
    case 'qqm':
      return q(number(one, item[2]!));
    case 'usz':
      return `${sign(one)}${bitsOf(one)}`;
    case 'ssz':
      return `s${bitsOf(one)}`;
    case 'isz':
      return `i${bitsOf(one)}`;
    case 'usz8':
      return `${bitsOf(one)}`;
    case 'isz2':
      return `i${bitsOf(one) * 2}`;
    case 'scq':
    case 'scqn': {
      const n = number(one, item === 'scq' ? 'd' : 'n');
      return field('q') === 1 ? q(n) : d(n);
    }
    case 'scm':
      return scalar(one, field('sz'));
    case 'scm2':
      return scalar(one, 2);
    case 'ush':
      return `${sign(one)}${shiftBits(one)}`;
    case 'ssh':
      return `s${shiftBits(one)}`;
    case 'ish':
      return `i${shiftBits(one)}`;
    case 'sh8':
      return `${shiftBits(one)}`;
    case 'ush2':
      return `${sign(one)}${shiftBits(one) * 2}`;
    case 'ssh2':
      return `s${shiftBits(one) * 2}`;
    case 'ish2':
      return `i${shiftBits(one) * 2}`;
    case 'shr':
      return `${(field('l') === 1 ? 64 : shiftBits(one) * 2) - field('imm')}`;
    case 'shl':
      return `${field('imm') - (field('l') === 1 ? 0 : shiftBits(one))}`;
    case 'vshll': {
      const bits = shiftBits(one);
      const by = field('imm') - bits;
      const operands = `${q(number(one, 'd'))}, ${d(number(one, 'm'))}`;
      return by === 0 ? `vmovl.${sign(one)}${bits} ${operands}` : `vshll.${sign(one)}${bits} ${operands}, #${by}`;
    }
    case 'nfix': {
      const type = `${sign(one)}32`;
      return (word & 0x100) !== 0 ? `${type}.f32` : `f32.${type}`;
    }
    case 'nfbits':
      return `${64 - field('imm')}`;
    case 'neonimm':
      return immediate(one);
    case 'misc':
      return misc(one);
    case 'tbx':
      return field('x') === 1 ? 'x' : 'l';
    case 'tblist':
      return registerList(number(one, 'n'), field('len') + 1, 1);
    case 'sdupsize':
      return `${8 << Math.min(2, Math.log2(field('imm') & -field('imm')))}`;
    case 'dupscalar': {
      const imm = field('imm');
      const size = Math.log2(imm & -imm);
      return `${d(number(one, 'm'))}[${imm >>> (size + 1)}]`;
    }
    case 'vldn':
      return multiple(one);
    case 'vldone':
      return oneLane(one);
    case 'vldall':
      return allLanes(one);
    case 'vldr':
      return indexed(r(field('rn')), true, false, field('u') === 1, `#${field('imm') * 4}`);
    default:
      return `<${item} ${hex(word)}>`;
  }
}
