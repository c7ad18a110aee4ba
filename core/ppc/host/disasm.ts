// SPDX-License-Identifier: MIT
//
// Disassembler for core/ppc/ppc.decode, with the simplified mnemonics [PEM appendix F] that the GNU tools print.
import { ISA, type IsaRow } from './gen/isa.ts';

const BY_PRIMARY: IsaRow[][] = Array.from({ length: 64 }, () => []);
for (const row of ISA) BY_PRIMARY[row.match >>> 26]!.push(row);

type Fields = Readonly<Record<string, number>>;

/** The row of an instruction word, and its fields by name. `spr` is the register's number. */
export function decodeWord(word: number): { row: IsaRow; fields: Fields } | undefined {
  const row = BY_PRIMARY[word >>> 26]!.find(({ mask, match }) => (word & mask) >>> 0 === match);
  if (row === undefined) return undefined;
  const fields: Record<string, number> = {};
  for (const [name, shift, signedWidth] of row.fields) {
    const width = Math.abs(signedWidth);
    const value = (word >>> shift) & (2 ** width - 1);
    fields[name] = signedWidth < 0 && value >= 2 ** (width - 1) ? value - 2 ** width : value;
  }
  if (fields['spr'] !== undefined) fields['spr'] = ((fields['spr'] & 31) << 5) | (fields['spr'] >>> 5);
  return { row, fields };
}

/** SPRs with mnemonics of their own, mtX and mfX. */
const SPR_NAMES: Readonly<Record<number, string>> = {
  ...{ 1: 'xer', 8: 'lr', 9: 'ctr', 18: 'dsisr', 19: 'dar', 22: 'dec', 25: 'sdr1', 26: 'srr0', 27: 'srr1' },
  ...{ 272: 'sprg0', 273: 'sprg1', 274: 'sprg2', 275: 'sprg3', 282: 'ear', 284: 'tbl', 285: 'tbu', 287: 'pvr' },
};

const CONDITIONS = ['lt', 'gt', 'eq', 'so'];
const NEGATED = ['ge', 'le', 'ne', 'ns'];
const TRAPS: Readonly<Record<number, string>> = {
  ...{ 16: 'lt', 20: 'le', 4: 'eq', 12: 'ge', 8: 'gt', 24: 'ne', 2: 'llt', 6: 'lle', 5: 'lge', 1: 'lgt', 31: 'u' },
};

const hex = (value: number): string => (value >>> 0).toString(16);
const r = (n: number): string => `r${n}`;
const f = (n: number): string => `f${n}`;

/** One line of assembly for the instruction word at `pc`; `.long` for what is none. */
export function disassemble(opcode: number, pc: number): string {
  const decoded = decodeWord(opcode);
  if (decoded === undefined) return `.long 0x${hex(opcode)}`;
  const [mnemonic, ...operands] = format(decoded.row, decoded.fields, opcode, pc);
  return operands.length === 0 ? mnemonic! : `${mnemonic} ${operands.join(',')}`;
}

function format(row: IsaRow, x: Fields, opcode: number, pc: number): string[] {
  const name = row.name + (x['oe'] ? 'o' : '') + (x['rc'] ? '.' : '');
  const crf = x['crfd'] ? [`cr${x['crfd']}`] : [];
  switch (row.name) {
    case 'addi':
    case 'addis':
      if (x['ra'] === 0) return [row.name === 'addi' ? 'li' : 'lis', r(x['rt']!), `${x['si']}`];
      return [name, r(x['rt']!), r(x['ra']!), `${x['si']}`];
    case 'cmpi':
      return [`cmp${x['l'] ? 'd' : 'w'}i`, ...crf, r(x['ra']!), `${x['si']}`];
    case 'cmpli':
      return [`cmpl${x['l'] ? 'd' : 'w'}i`, ...crf, r(x['ra']!), `${x['ui']}`];
    case 'cmp':
    case 'cmpl':
      return [`${row.name}${x['l'] ? 'd' : 'w'}`, ...crf, r(x['ra']!), r(x['rb']!)];
    case 'ori':
      if ((opcode & 0x03ff_ffff) === 0) return ['nop'];
      return [name, r(x['ra']!), r(x['rs']!), `${x['ui']}`];
    case 'or':
      if (x['rs'] === x['rb']) return [x['rc'] ? 'mr.' : 'mr', r(x['ra']!), r(x['rs']!)];
      break;
    case 'nor':
      if (x['rs'] === x['rb']) return [x['rc'] ? 'not.' : 'not', r(x['ra']!), r(x['rs']!)];
      break;
    case 'crxor':
      if (x['ba'] === x['bb'] && x['bt'] === x['ba']) return ['crclr', crBit(x['bt']!)];
      break;
    case 'creqv':
      if (x['ba'] === x['bb'] && x['bt'] === x['ba']) return ['crset', crBit(x['bt']!)];
      break;
    case 'cror':
      if (x['ba'] === x['bb']) return ['crmove', crBit(x['bt']!), crBit(x['ba']!)];
      break;
    case 'crnor':
      if (x['ba'] === x['bb']) return ['crnot', crBit(x['bt']!), crBit(x['ba']!)];
      break;
    case 'rlwinm':
      return rotate(x);
    case 'rlwnm':
      if (x['mb'] === 0 && x['me'] === 31) return [dot('rotlw', x), r(x['ra']!), r(x['rs']!), r(x['rb']!)];
      break;
    case 'b': {
      const target = (x['aa'] ? 0 : pc) + x['li']! * 4;
      return [`b${x['lk'] ? 'l' : ''}${x['aa'] ? 'a' : ''}`, `0x${hex(target)}`];
    }
    case 'bc':
    case 'bclr':
    case 'bcctr':
      return branch(row, x, pc);
    case 'tw':
    case 'twi': {
      const last = row.name === 'tw' ? r(x['rb']!) : `${x['si']}`;
      if (opcode === 0x7fe0_0008) return ['trap'];
      const test = TRAPS[x['to']!];
      if (test !== undefined) return [`tw${test}${row.name === 'twi' ? 'i' : ''}`, r(x['ra']!), last];
      return [name, `${x['to']}`, r(x['ra']!), last];
    }
    case 'mtcrf':
      if (x['crm'] === 0xff) return ['mtcr', r(x['rs']!)];
      return [name, `${x['crm']}`, r(x['rs']!)];
    case 'mfspr':
    case 'mtspr':
      return special(row.name, x);
    case 'mftb':
      if (x['spr'] === 268) return ['mftb', r(x['rt']!)];
      if (x['spr'] === 269) return ['mftbu', r(x['rt']!)];
      return [name, r(x['rt']!), `${x['spr']}`];
    case 'mtsr':
      return [name, `${x['sr']}`, r(x['rs']!)];
    case 'mtfsfi':
      return [name, `${x['crfd']}`, `${x['imm']}`];
    case 'mtfsf':
      return [name, `${x['fm']}`, f(x['frb']!)];
    case 'hypercall':
      return [name, `0x${hex(x['n']!)}`];
    case 'vector':
      return [`.long 0x${hex(opcode)}`];
  }
  if (x['d'] !== undefined) {
    const target = x['rt'] ?? x['rs'];
    const register = target === undefined ? f((x['frt'] ?? x['frs'])!) : r(target);
    return [name, register, `${x['d']}(${x['ra'] === 0 ? '0' : r(x['ra']!)})`];
  }
  return [name, ...operands(row, x)];
}

/** Operands in the order of the assembler: as in the word, but the target of logic and shifts (rA) first. */
function operands(row: IsaRow, x: Fields): string[] {
  const fields = row.fields.filter(([name]) => !['oe', 'rc', 'l'].includes(name));
  if (x['rs'] !== undefined && x['ra'] !== undefined && !row.tags.includes('store')) {
    const [source, target] = [fields.findIndex(([n]) => n === 'rs'), fields.findIndex(([n]) => n === 'ra')];
    [fields[source], fields[target]] = [fields[target]!, fields[source]!];
  }
  // The multiplier comes before the addend.
  const [b, c] = [fields.findIndex(([n]) => n === 'frb'), fields.findIndex(([n]) => n === 'frc')];
  if (b >= 0 && c >= 0) [fields[b], fields[c]] = [fields[c]!, fields[b]!];
  // rA of an address is 0 for none; string instructions count 32 as 0.
  const address = row.tags.includes('load') || row.tags.includes('store') || row.name.startsWith('dcb');
  return fields.map(([name]) => {
    const value = x[name]!;
    if (name === 'ra' && value === 0 && address && !row.name.endsWith('ux')) return '0';
    if (name === 'nb') return `${value === 0 ? 32 : value}`;
    if (/^r[tsab]$/.test(name)) return r(value);
    if (/^fr[tsabc]$/.test(name)) return f(value);
    if (/^vr[ts]$/.test(name)) return `v${value}`;
    if (/^crf[ds]$/.test(name)) return `cr${value}`;
    if (/^b[tab]$/.test(name)) return crBit(value);
    return `${value}`;
  });
}

const dot = (name: string, x: Fields): string => (x['rc'] ? `${name}.` : name);

const crBit = (bit: number): string => (bit < 4 ? CONDITIONS[bit]! : `4*cr${bit >> 2}+${CONDITIONS[bit & 3]!}`);

function rotate(x: Fields): string[] {
  const [to, from] = [r(x['ra']!), r(x['rs']!)];
  const [sh, mb, me] = [x['sh']!, x['mb']!, x['me']!];
  if (mb === 0 && me === 31) return [dot('rotlwi', x), to, from, `${sh}`];
  if (mb === 0 && me === 31 - sh) return [dot('slwi', x), to, from, `${sh}`];
  if (me === 31 && sh === 32 - mb) return [dot('srwi', x), to, from, `${mb}`];
  if (me === 31 && sh === 0) return [dot('clrlwi', x), to, from, `${mb}`];
  return [dot('rlwinm', x), to, from, `${sh}`, `${mb}`, `${me}`];
}

/** Conditional branches by BO: whether CTR is counted and which way the condition goes. */
function branch(row: IsaRow, x: Fields, pc: number): string[] {
  const [bo, bi] = [x['bo']!, x['bi']!];
  const suffix = { bc: '', bclr: 'lr', bcctr: 'ctr' }[row.name]! + (x['lk'] ? 'l' : '') + (x['aa'] ? 'a' : '');
  const target = row.name === 'bc' ? [`0x${hex((x['aa'] ? 0 : pc) + x['bd']! * 4)}`] : [];
  if ((bo & 16) !== 0 && (bi !== 0 || ((bo & 4) !== 0 && row.name === 'bc'))) {
    return [row.name + suffix.replace(/^(lr|ctr)/, ''), `${bo}`, crBit(bi), ...target];
  }
  if ((bo & 20) === 20) return [`b${suffix}`];
  if ((bo & 20) === 4) {
    const condition = (bo & 8 ? CONDITIONS : NEGATED)[bi & 3]!;
    return [`b${condition}${suffix}`, ...(bi < 4 ? [] : [`cr${bi >> 2}`]), ...target];
  }
  const count = `bd${bo & 2 ? 'z' : 'nz'}`;
  if ((bo & 20) === 16) return [`${count}${suffix}`, ...target];
  return [`${count}${bo & 8 ? 't' : 'f'}${suffix}`, crBit(bi), ...target];
}

function special(name: string, x: Fields): string[] {
  const [spr, register] = [x['spr']!, r((x['rt'] ?? x['rs'])!)];
  const direction = name.slice(0, 2);
  if (spr >= 528 && spr < 544) {
    const half = spr & 1 ? 'l' : 'u';
    const bat = `${spr < 536 ? 'i' : 'd'}bat${half}`;
    const index = `${(spr >> 1) & 3}`;
    return direction === 'mf' ? [`mf${bat}`, register, index] : [`mt${bat}`, index, register];
  }
  const known = SPR_NAMES[spr];
  if (known !== undefined) return [`${direction}${known}`, register];
  return direction === 'mf' ? [name, register, `${spr}`] : [name, `${spr}`, register];
}
