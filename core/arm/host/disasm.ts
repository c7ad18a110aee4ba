// SPDX-License-Identifier: MIT
//
// Disassembler for core/arm/*.decode: a row's assembly with each <item> replaced by what it says of the instruction, in
// the syntax of the GNU tools.
import { A32, T16, T32, UNCONDITIONAL, type IsaRow } from './gen/isa.ts';
import { simdItem } from './disasm-simd.ts';

export interface Instruction {
  readonly row: IsaRow;
  readonly word: number;
  readonly pc: number;
  readonly thumb: boolean;
  /** Suffix of the condition, of an ARM instruction or by an if-then block. */
  readonly condition: string;
  field(name: string): number;
}

export const CONDITIONS = ['eq', 'ne', 'cs', 'cc', 'mi', 'pl', 'vs', 'vc', 'hi', 'ls', 'ge', 'lt', 'gt', 'le', '', ''];
const REGISTERS = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9', 'sl', 'fp', 'ip', 'sp', 'lr', 'pc'];
export const SHIFTS = ['lsl', 'lsr', 'asr', 'ror'];

export const r = (n: number): string => REGISTERS[n & 15]!;
export const hex = (value: number): string => (value >>> 0).toString(16);

/** Rows by the bits that most of them fix, so that few have to be tried. */
function byClass(rows: readonly IsaRow[], classMask: number, classOf: (word: number) => number): Map<number, IsaRow[]> {
  const classes = new Map<number, IsaRow[]>();
  for (let n = 0; n < 1 << 12; n++) {
    const bits = ((n >>> 4) << 20) | ((n & 15) << 4);
    const matching = rows.filter(({ mask, match }) => ((match ^ bits) & mask & classMask) === 0);
    if (matching.length > 0) classes.set(classOf(bits), matching);
  }
  return classes;
}

const armClass = (word: number): number => ((word >>> 16) & 0xff0) | ((word >>> 4) & 15);
let armRows: Map<number, IsaRow[]> | undefined;
let unconditionalRows: Map<number, IsaRow[]> | undefined;

const matching = (rows: readonly IsaRow[] | undefined, word: number): IsaRow | undefined =>
  rows?.find(({ mask, match, needs }) => (word & mask) >>> 0 === match && needs?.includes('M') !== true);

/** The row of an ARM instruction. */
export function armRow(word: number): IsaRow | undefined {
  if (word >>> 28 === 15) {
    unconditionalRows ??= byClass(UNCONDITIONAL, 0x0ff0_00f0, armClass);
    return matching(unconditionalRows.get(armClass(word)), word);
  }
  armRows ??= byClass(A32, 0x0ff0_00f0, armClass);
  return matching(armRows.get(armClass(word)), word);
}

export const beginsWide = (first: number): boolean => first >= 0xe800;

function instruction(row: IsaRow, word: number, pc: number, thumb: boolean, condition: string): Instruction {
  const field = (name: string): number => {
    const found = row.fields.find(([other]) => other === name);
    if (found === undefined) return 0;
    const [, shift, signedWidth] = found;
    const width = Math.abs(signedWidth);
    const value = (word >>> shift) & (2 ** width - 1);
    return signedWidth < 0 && value >= 2 ** (width - 1) ? value - 2 ** width : value;
  };
  return { row, word, pc, thumb, condition, field };
}

function format(one: Instruction): string {
  const text = one.row.assembly.replace(/<(\w+)>/g, (_all, item: string) => expand(item, one));
  const [mnemonic, ...rest] = text.split(' ');
  return rest.length === 0 ? mnemonic! : `${mnemonic} ${rest.join(' ')}`;
}

/** One line of assembly for an ARM instruction. */
export function disassembleArm(word: number, pc: number): string {
  const row = armRow(word);
  if (row === undefined) return `.word 0x${hex(word).padStart(8, '0')}`;
  return alias(instruction(row, word, pc, false, CONDITIONS[word >>> 28]!));
}

/** One line for a Thumb instruction; `second` counts when the first halfword says so. */
export function disassembleThumb(first: number, second: number, pc: number, condition = ''): string {
  if (!beginsWide(first)) {
    const row = matching(T16, first);
    if (row === undefined) return `.short 0x${hex(first).padStart(4, '0')}`;
    if (first >>> 6 === 0) return `mov${condition === '' ? 's' : condition} ${r(first & 7)}, ${r((first >>> 3) & 7)}`;
    return format(instruction(row, first, pc, true, condition));
  }
  const word = ((first << 16) | second) >>> 0;
  const row = matching(T32, word);
  if (row === undefined) return `.word 0x${hex(word).padStart(8, '0')}`;
  return alias(instruction(row, word, pc, true, condition));
}

/** The names that shifts and stack transfers have. */
function alias(one: Instruction): string {
  const { row, word, condition: c } = one;
  const { name } = row;
  if (!one.thumb) {
    const s = (word >>> 20) & 1 ? 's' : '';
    if (name === 'mov_r' && (word & 0xff0) !== 0) {
      const [amount, type] = [(word >>> 7) & 31, (word >>> 5) & 3];
      if (amount === 0 && type === 3) return `rrx${s}${c} ${r(word >>> 12)}, ${r(word)}`;
      return `${SHIFTS[type]}${s}${c} ${r(word >>> 12)}, ${r(word)}, #${amount === 0 ? 32 : amount}`;
    }
    if (name === 'mov_s') return `${SHIFTS[(word >>> 5) & 3]}${s}${c} ${r(word >>> 12)}, ${r(word)}, ${r(word >>> 8)}`;
    if ((word & 0x0fff_0000) === 0x092d_0000 && count(word & 0xffff) > 1) return `push${c} ${list(word & 0xffff)}`;
    if ((word & 0x0fff_0000) === 0x08bd_0000 && count(word & 0xffff) > 1) return `pop${c} ${list(word & 0xffff)}`;
    if ((word & 0x0fff_0000) === 0x092d_0000) return `stmfd${c} sp!, ${list(word & 0xffff)}`;
    if ((word & 0x0fff_0000) === 0x08bd_0000) return `ldmfd${c} sp!, ${list(word & 0xffff)}`;
    if ((word & 0x0fff_0fff) === 0x052d_0004) return `push${c} {${r(word >>> 12)}}`;
    if ((word & 0x0fff_0fff) === 0x049d_0004) return `pop${c} {${r(word >>> 12)}}`;
    if (word === 0xe1a0_0000) return 'nop';
  } else if ((word & 0xffff_0000) >>> 0 === 0xe92d_0000) {
    return `stmdb${c} sp!, ${list(word & 0xffff)}`;
  } else if ((word & 0xffff_0000) >>> 0 === 0xe8bd_0000) {
    return `ldmia${c}.w sp!, ${list(word & 0xffff)}`;
  }
  if ((word & 0x0fbf_0e00) === 0x0cbd_0a00) return format(one).replace('vldmia', 'vpop').replace('sp!, ', '');
  if ((word & 0x0fbf_0e00) === 0x0d2d_0a00) return format(one).replace('vstmdb', 'vpush').replace('sp!, ', '');
  return format(one);
}

const count = (bits: number): number => bits.toString(2).replaceAll('0', '').length;

export function list(bits: number): string {
  return `{${REGISTERS.filter((_, n) => (bits >>> n) & 1).join(', ')}}`;
}

function shiftText(type: number, amount: number): string {
  if (amount === 0) return type === 0 ? '' : type === 3 ? ', rrx' : `, ${SHIFTS[type]} #32`;
  return `, ${SHIFTS[type]} #${amount}`;
}

function signed(value: number): string {
  return `#${value | 0}`;
}

const unsigned = (value: number): string => `#${value >>> 0}`;

/** An ARM immediate: eight bits turned to the right by twice four; with both when it could be written another way. */
function rotated(imm: number): string {
  const [value, turn] = [imm & 0xff, (imm >>> 8) * 2];
  const result = turn === 0 ? value : (value >>> turn) | (value << (32 - turn));
  let shortest = 0;
  while (shortest < 32) {
    const back = shortest === 0 ? result : (result << shortest) | (result >>> (32 - shortest));
    if (back >>> 0 <= 0xff) break;
    shortest += 2;
  }
  return shortest === turn ? signed(result) : `#${value}, ${turn}`;
}

/** [rn, offset] in its three forms. `offset` is without its sign; empty when there is none. */
export function indexed(rn: string, before: boolean, writesBack: boolean, up: boolean, offset: string): string {
  const part = offset.startsWith('#') ? `#${up ? '' : '-'}${offset.slice(1)}` : `${up ? '' : '-'}${offset}`;
  if (!before) return `[${rn}], ${part}`;
  if (offset === '#0' && up) return `[${rn}]${writesBack ? '!' : ''}`;
  return `[${rn}, ${part}]${writesBack ? '!' : ''}`;
}

const MODES = { p: 0x0100_0000, u: 0x0080_0000, w: 0x0020_0000 } as const;

function address(word: number, offset: string): string {
  return indexed(r(word >>> 16), (word & MODES.p) !== 0, (word & MODES.w) !== 0, (word & MODES.u) !== 0, offset);
}

function psrMask(spsr: number, mask: number): string {
  const fields = ['c', 'x', 's', 'f'].filter((_, n) => (mask >>> n) & 1).reverse();
  return `${spsr ? 'S' : 'C'}PSR_${fields.join('')}`;
}

function cpsText(imod: number, aif: number, m: number, mode: number): string {
  const flags = `${aif & 4 ? 'a' : ''}${aif & 2 ? 'i' : ''}${aif & 1 ? 'f' : ''}`;
  const to = imod >= 2 ? `${imod === 2 ? 'ie' : 'id'} ${flags}` : '';
  return m !== 0 ? `${to === '' ? ' ' : `${to}, `}#${mode}` : to;
}

const BARRIERS: Readonly<Record<number, string>> = {
  ...{ 15: 'sy', 14: 'st', 11: 'ish', 10: 'ishst', 7: 'un', 6: 'unst', 3: 'osh', 2: 'oshst' },
};

/** A Thumb-2 immediate of twelve bits. */
function thumbImmediate(encoded: number): string {
  const value = encoded & 0xff;
  switch (encoded >>> 8) {
    case 0:
      return unsigned(value);
    case 1:
      return unsigned(value | (value << 16));
    case 2:
      return unsigned((value << 8) | (value << 24));
    case 3:
      return unsigned(value | (value << 8) | (value << 16) | (value << 24));
    default: {
      const [byte, turn] = [(encoded & 0x7f) | 0x80, encoded >>> 7];
      return unsigned((byte >>> turn) | (byte << (32 - turn)));
    }
  }
}

function wideTarget({ word, pc }: Instruction): number {
  const s = (word >>> 26) & 1;
  const [i1, i2] = [1 ^ ((word >>> 13) & 1) ^ s, 1 ^ ((word >>> 11) & 1) ^ s];
  const high = (s ? 0xff00_0000 : 0) | (i1 << 23) | (i2 << 22);
  return pc + 4 + (high | (((word >>> 16) & 0x3ff) << 12) | ((word & 0x7ff) << 1));
}

const REGISTER_FIELDS = new Set(['rd', 'rn', 'rm', 'rs', 'rt', 'hi', 'lo']);

/** What one <item> stands for. */
function expand(item: string, one: Instruction): string {
  const { word, pc, field, condition } = one;
  if (REGISTER_FIELDS.has(item)) return r(field(item));
  switch (item) {
    case 'c':
    case 'i':
      return condition;
    case 's':
      return field('s') === 1 ? 's' : '';
    case 'its':
      return condition === '' ? 's' : condition;
    case 'p':
      return !one.thumb && field('rd') === 15 ? 'p' : '';
    case 'const':
      return rotated(word & 0xfff);
    case 'shift':
      return shiftText(field('sh'), field('imm'));
    case 'shift2':
      return shiftText(field('sh'), field('im') * 4 + field('imm'));
    case 'sh':
      return SHIFTS[field('sh')]!;
    case 'x':
    case 'y':
      return field(item) === 1 ? 't' : 'b';
    case 'x2':
      return field('x') === 1 ? 'x' : '';
    case 'r2':
      return field('r') === 1 ? 'r' : '';
    case 'b':
      return field('b') === 1 ? 'b' : '';
    case 'psr':
    case 'psr2':
      return field('r') === 1 ? 'SPSR' : 'CPSR';
    case 'psrmask':
    case 'psrmask2':
      return psrMask(field('r'), field('mask'));
    case 't':
    case 'th':
      return (word & MODES.p) === 0 && (word & MODES.w) !== 0 ? 't' : '';
    case 'addr':
      if (row(one).endsWith('_i')) return address(word, `#${field('imm')}`);
      return address(word, `${r(word)}${shiftText(field('sh'), field('imm'))}`);
    case 'addr8':
      return address(word, (word & 0x0040_0000) !== 0 ? `#${((word >>> 4) & 0xf0) | (word & 15)}` : r(word));
    case 'addrp':
      return indexed(
        r(field('rn')),
        true,
        false,
        field('u') === 1,
        row(one).endsWith('_i') ? `#${field('imm')}` : `${r(word)}${shiftText(field('sh'), field('imm'))}`,
      );
    case 'addrc':
      return coprocessorAddress(one);
    case 'rd2':
      return r(field('rd') + 1);
    case 'rm2':
      return r(field('rm') + 1);
    case 'pu':
      return ['da', 'ia', 'db', 'ib'][((word >>> 23) & 3) as 0]!.replace('ia', blockSuffix(one));
    case 'w':
    case 'wb':
      return item === 'wb' ? thumbWriteBack(one) : field('w') === 1 ? '!' : '';
    case 'hat':
      return field('s') === 1 ? '^' : '';
    case 'list':
      return list(word & 0xffff);
    case 'plist':
      return list((word & 0xff) | (field('lr') << 14) | (field('pc') << 15));
    case 'target':
      return `0x${hex(pc + 8 + (((word << 8) >> 6) | (field('h') << 1)))}`;
    case 'imm16':
      return `0x${hex((field('imm') << 4) | field('im')).padStart(4, '0')}`;
    case 'imm8':
      return `0x${hex((field('hi') << 4) | field('lo')).padStart(4, '0')}`;
    case 'imm':
      return row(one) === 'svc' && !one.thumb ? `0x${hex(field('imm')).padStart(8, '0')}` : `${field('imm')}`;
    case 'cp':
    case 'op1':
    case 'op2':
      return `${field(item)}`;
    case 'crn':
    case 'crm':
    case 'crd':
      return `cr${field(item)}`;
    case 'rdf':
      return field('rd') === 15 ? 'APSR_nzcv' : r(field('rd'));
    case 'l':
      return field('l') === 1 ? 'l' : '';
    case 'barrier':
      return BARRIERS[field('opt')] ?? `#${field('opt')}`;
    case 'endian':
    case 'endian16':
      return field('e') === 1 ? 'be' : 'le';
    case 'cps':
    case 'cps32':
      return cpsText(
        item === 'cps' ? field('imod') : 2 + field('imod'),
        (field('a') << 2) | (field('i') << 1) | field('f'),
        field('m'),
        field('mode'),
      );
    case 'cps16':
      return cpsText(2 + field('im'), (field('a') << 2) | (field('i') << 1) | field('f'), 0, 0);
    case 'cpsm':
      return field('im') === 1 ? 'id' : 'ie';
    case 'mode':
      return `${field('mode')}`;
    case 'tb':
      return field('tb') === 1 ? 'tb' : 'bt';
    case 'pkshift':
    case 'pkshift2': {
      const amount = item === 'pkshift' ? field('imm') : field('im') * 4 + field('imm');
      if (field('tb') === 1) return `, asr #${amount === 0 ? 32 : amount}`;
      return amount === 0 ? '' : `, lsl #${amount}`;
    }
    case 'sat':
      return `${field('sat')}`;
    case 'sat1':
      return `${field('sat') + 1}`;
    case 'satshift':
    case 'satshift2': {
      const amount = item === 'satshift' ? field('imm') : field('im') * 4 + field('imm');
      if (field('sh') === 1) return `, asr #${amount === 0 ? 32 : amount}`;
      return amount === 0 ? '' : `, lsl #${amount}`;
    }
    case 'xa':
      return field('rn') === 15 ? '' : 'a';
    case 'xn':
      return field('rn') === 15 ? '' : `${r(field('rn'))}, `;
    case 'xw':
      return field('rn') === 15 ? '.w' : '';
    case 'rw':
      return row(one) === 'rbit' ? '' : '.w';
    case 'rot':
    case 'rot2':
      return field('rot') === 0 ? '' : `, ror #${field('rot') * 8}`;
    case 'ra':
      return field('ra') === 15 ? '' : `, ${r(field('ra'))}`;
    case 'raa':
      return r(field('ra'));
    case 'smlad':
      return `sm${field('ra') === 15 ? 'u' : 'l'}${field('sub') === 1 ? 's' : 'a'}d`;
    case 'smlsd':
      return field('ra') === 15 ? 'smusd' : 'smlsd';
    case 'smlald':
      return field('sub') === 1 ? 'smlsld' : 'smlald';
    case 'smmla':
      return field('ra') === 15 ? 'smmul' : 'smmla';
    case 'usad':
      return field('ra') === 15 ? 'usad8' : 'usada8';
    case 'lsb':
      return `${field('lsb')}`;
    case 'lsb2':
      return `${field('im') * 4 + field('imm')}`;
    case 'w1':
      return `${field('w') + 1}`;
    case 'bf':
      return field('rm') === 15 ? 'bfc' : 'bfi';
    case 'bfn':
      return field('rm') === 15 ? '' : `, ${r(field('rm'))}`;
    case 'bfw':
      return `${field('msb') - field('lsb') + 1}`;
    case 'bfw2':
      return `${field('msb') - (field('im') * 4 + field('imm')) + 1}`;
    case 'mov16':
      return `${(field('hi') << 12) | field('imm')}`;
    // Thumb
    case 'sh5':
      return `${field('imm') === 0 && word >>> 11 !== 0 ? 32 : field('imm')}`;
    case 'rdh':
      return r(field('rd') + field('dn') * 8);
    case 'imm4':
      return `${field('imm') * 4}`;
    case 'imm2':
      return `${(field('hi') * 8 + field('lo')) * 2}`;
    case 'lit8':
      return `[pc, #${field('imm') * 4}]`;
    case 'cond':
      return CONDITIONS[field('cond')] || 'al';
    case 'target8':
    case 'target11':
      return `0x${hex(pc + 4 + field('imm') * 2)}`;
    case 'targetcb':
      return `0x${hex(pc + 4 + field('hi') * 64 + field('imm') * 2)}`;
    case 'target24':
      return `0x${hex(wideTarget(one))}`;
    case 'target24x':
      return `0x${hex(wideTarget(one) & ~3)}`;
    case 'target20': {
      const high = (field('s') ? 0xfff0_0000 : 0) | (field('k') << 19) | (field('j') << 18);
      return `0x${hex(pc + 4 + (high | (field('hi') << 12) | (field('lo') << 1)))}`;
    }
    case 'itmask':
      return ifThen(field('cond'), field('mask'));
    case 'timm':
      return thumbImmediate((field('i') << 11) | (field('im') << 8) | field('imm'));
    case 'timm12':
      return `#${(field('i') << 11) | (field('im') << 8) | field('imm')}`;
    case 'timm16':
      return `${(field('hi') << 12) | (field('i') << 11) | (field('im') << 8) | field('imm')}`;
    case 'tsh':
      return SHIFTS[field('sh')]!;
    case 'tlit':
      return indexed('pc', true, false, field('u') === 1, `#${field('imm')}`);
    case 'imm12n':
      return field('imm') === 0 ? '' : `, #${field('imm')}`;
    case 'taddrr':
      return `[${r(field('rn'))}, ${r(field('rm'))}${field('sh') === 0 ? '' : `, lsl #${field('sh')}`}]`;
    case 'taddri':
      return indexed(
        r(field('rn')),
        field('p') === 1,
        field('w') === 1 && field('p') === 1,
        field('u') === 1,
        `#${field('imm')}`,
      );
    case 't2':
      return field('p') === 1 && field('u') === 1 && field('w') === 0 ? 't' : '';
    case 'w2':
      return field('p') === 1 && field('u') === 1 && field('w') === 0 ? '' : '.w';
    case 'tbh':
      return field('h') === 1 ? 'tbh' : 'tbb';
    case 'addr0':
      return indexed(r(field('rn')), true, false, true, `#${field('imm') * 4}`);
    case 'addrd':
      return indexed(
        r(field('rn')),
        field('p') === 1,
        field('p') === 1 && field('w') === 1,
        field('u') === 1,
        `#${field('imm') * 4}`,
      );
    case 'tbaddr':
      return `[${r(field('rn'))}, ${r(field('rm'))}${field('h') === 1 ? ', lsl #1' : ''}]`;
    case 'hint':
      return ['nop', 'yield', 'wfe', 'wfi', 'sev'][field('imm')] ?? (field('imm') >= 0xf0 ? 'dbg' : 'nop');
    case 'sysm':
      return SPECIAL[field('sysm')] ?? `${field('sysm')}`;
    case 'udfa':
      return `${(field('imm') << 4) | field('im')}`;
    case 'udf16':
      return `${(field('hi') << 12) | field('imm')}`;
    case 'asarm':
      return nested((word & 0x0fff_ffff) | (word >>> 28 === 15 ? 0xf000_0000 : 0xe000_0000), one);
    case 'asneon':
      return nested((word & 0x00ff_ffff) | 0xf200_0000 | (field('u') << 24), one);
    case 'asneonls':
      return nested((word & 0x00ff_ffff) | 0xf400_0000, one);
    default:
      return simdItem(item, one);
  }
}

const row = (one: Instruction): string => one.row.name;

const SPECIAL: Readonly<Record<number, string>> = {
  ...{ 0: 'APSR', 1: 'IAPSR', 2: 'EAPSR', 3: 'PSR', 5: 'IPSR', 6: 'EPSR', 7: 'IEPSR', 8: 'MSP', 9: 'PSP' },
  ...{ 16: 'PRIMASK', 20: 'CONTROL' },
};

/** GNU says only ldm and stm when nothing is written back. */
function blockSuffix(one: Instruction): string {
  if (/^(rfe|srs)/.test(row(one))) return 'ia';
  return one.field('w') === 1 && /^stm/.test(row(one)) ? 'ia' : '';
}

function thumbWriteBack(one: Instruction): string {
  return row(one) === 'ldm' && (one.word >>> one.field('rn')) & 1 ? '' : '!';
}

function coprocessorAddress(one: Instruction): string {
  const { word, field } = one;
  const offset = `#${field('imm') * 4}`;
  const [p, w] = [(word & MODES.p) !== 0, (word & MODES.w) !== 0];
  if (!p && !w) return `[${r(field('rn'))}], {${field('u') === 1 ? '' : '-'}${field('imm')}}`;
  return indexed(r(field('rn')), p, p && w, field('u') === 1, offset);
}

/** The letters after IT: the mask's bits against the condition's lowest. */
function ifThen(condition: number, mask: number): string {
  const letters = mask.toString(2).padStart(4, '0').replace(/10*$/, '');
  return `t${[...letters].map((bit) => (Number(bit) === (condition & 1) ? 't' : 'e')).join('')}`;
}

function nested(word: number, { pc, condition }: Instruction): string {
  const found = armRow(word >>> 0);
  if (found === undefined) return `.word 0x${hex(word)}`;
  return format(instruction(found, word >>> 0, pc, true, condition));
}
