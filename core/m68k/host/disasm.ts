// SPDX-License-Identifier: MIT
//
// Disassembler for core/m68k/m68k.decode, in Motorola's syntax [M68000PRM].
import { ISA, type IsaRow } from './gen/isa.ts';

const ANY = 0x1fff;
const BY_LINE: IsaRow[][] = Array.from({ length: 16 }, () => []);
for (const row of ISA) BY_LINE[row.match >>> 12]!.push(row);

/** Which category bit an addressing mode has, or -1. */
const modeBit = (mode: number, reg: number): number => (mode < 7 ? mode : reg < 5 ? 7 + reg : -1);

function allows(categories: number, mode: number, reg: number): boolean {
  if (categories === 0 || categories === ANY) return true;
  const bit = modeBit(mode, reg);
  return bit >= 0 && ((categories >>> bit) & 1) !== 0;
}

/** The row of an operation word. */
export function decodeOperation(op: number): IsaRow | undefined {
  return BY_LINE[op >>> 12]!.find(
    ({ mask, match, ea, dst }) =>
      (op & mask) === match && allows(ea, (op >> 3) & 7, op & 7) && allows(dst, (op >> 6) & 7, (op >> 9) & 7),
  );
}

const CONDITIONS = ['t', 'f', 'hi', 'ls', 'cc', 'cs', 'ne', 'eq', 'vc', 'vs', 'pl', 'mi', 'ge', 'lt', 'gt', 'le'];
const FP_CONDITIONS = [
  ...['f', 'eq', 'ogt', 'oge', 'olt', 'ole', 'ogl', 'or', 'un', 'ueq', 'ugt', 'uge', 'ult', 'ule', 'ne', 't'],
  ...['sf', 'seq', 'gt', 'ge', 'lt', 'le', 'gl', 'gle', 'ngle', 'ngl', 'nle', 'nlt', 'nge', 'ngt', 'sne', 'st'],
];
const CONTROL: Readonly<Record<number, string>> = {
  ...{ 0x000: 'sfc', 0x001: 'dfc', 0x002: 'cacr', 0x003: 'tc', 0x004: 'itt0', 0x005: 'itt1', 0x006: 'dtt0' },
  ...{ 0x007: 'dtt1', 0x800: 'usp', 0x801: 'vbr', 0x802: 'caar', 0x803: 'msp', 0x804: 'isp', 0x805: 'mmusr' },
  ...{ 0x806: 'urp', 0x807: 'srp' },
};
const FP_OPERATIONS: Readonly<Record<number, string>> = {
  ...{ 0x00: 'fmove', 0x01: 'fint', 0x02: 'fsinh', 0x03: 'fintrz', 0x04: 'fsqrt', 0x06: 'flognp1', 0x08: 'fetoxm1' },
  ...{ 0x09: 'ftanh', 0x0a: 'fatan', 0x0c: 'fasin', 0x0d: 'fatanh', 0x0e: 'fsin', 0x0f: 'ftan', 0x10: 'fetox' },
  ...{ 0x11: 'ftwotox', 0x12: 'ftentox', 0x14: 'flogn', 0x15: 'flog10', 0x16: 'flog2', 0x18: 'fabs', 0x19: 'fcosh' },
  ...{ 0x1a: 'fneg', 0x1c: 'facos', 0x1d: 'fcos', 0x1e: 'fgetexp', 0x1f: 'fgetman', 0x20: 'fdiv', 0x21: 'fmod' },
  ...{ 0x22: 'fadd', 0x23: 'fmul', 0x24: 'fsgldiv', 0x25: 'frem', 0x26: 'fscale', 0x27: 'fsglmul', 0x28: 'fsub' },
  ...{ 0x38: 'fcmp', 0x3a: 'ftst', 0x40: 'fsmove', 0x41: 'fssqrt', 0x44: 'fdmove', 0x45: 'fdsqrt', 0x58: 'fsabs' },
  ...{ 0x5a: 'fsneg', 0x5c: 'fdabs', 0x5e: 'fdneg', 0x60: 'fsdiv', 0x62: 'fsadd', 0x63: 'fsmul', 0x64: 'fddiv' },
  ...{ 0x66: 'fdadd', 0x67: 'fdmul', 0x68: 'fssub', 0x6c: 'fdsub' },
};
const FP_FORMATS = ['l', 's', 'x', 'p', 'w', 'd', 'b', 'p'];
const FP_BYTES = [4, 4, 12, 12, 2, 8, 1, 12];
/** Mnemonics that are not the row's name without its size. */
const NAMES: Readonly<Record<string, string>> = {
  ...{
    ori_ccr: 'ori.b',
    andi_ccr: 'andi.b',
    eori_ccr: 'eori.b',
    ori_sr: 'ori.w',
    andi_sr: 'andi.w',
    eori_sr: 'eori.w',
  },
  ...{ btsti: 'btst', bchgi: 'bchg', bclri: 'bclr', bseti: 'bset', btst: 'btst', tas: 'tas', nbcd: 'nbcd' },
  ...{ move_from_sr: 'move.w', move_from_ccr: 'move.w', move_to_ccr: 'move.w', move_to_sr: 'move.w' },
  ...{
    move_to_usp: 'move.l',
    move_from_usp: 'move.l',
    extb: 'extb.l',
    lea: 'lea',
    exgd: 'exg',
    exga: 'exg',
    exgm: 'exg',
  },
  ...{ divu: 'divu.w', divs: 'divs.w', mulu: 'mulu.w', muls: 'muls.w' },
};
const FAMILIES: Readonly<Record<string, string>> = {
  ...{ cmpip: 'cmpi', tstx: 'tst', movepr: 'movep', movepm: 'movep', movems: 'movem', movemr: 'movem', addqa: 'addq' },
  ...{ subqa: 'subq', orm: 'or', andm: 'and', addm: 'add', subm: 'sub', asri: 'asr', lsri: 'lsr', roxri: 'roxr' },
  ...{ rori: 'ror', asli: 'asl', lsli: 'lsl', roxli: 'roxl', roli: 'rol' },
};

const data = (n: number): string => `d${n & 7}`;
const address = (n: number): string => ['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'fp', 'sp'][n & 7]!;
const register = (n: number): string => (n & 8 ? address(n) : data(n));
const signed = (value: number, bits: number): number => (value << (32 - bits)) >> (32 - bits);
const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;
/** A number as a programmer would write it. */
const number = (value: number): string => {
  if (value < 0) return `-${number(-value)}`;
  return value < 1024 ? String(value) : hex(value);
};

/** A list of registers, bit 0 the first of `names`. */
function list(mask: number, names: readonly string[]): string {
  const runs: string[] = [];
  for (let n = 0; n < names.length; n++) {
    if (((mask >>> n) & 1) === 0) continue;
    let last = n;
    while (last + 1 < names.length && ((mask >>> (last + 1)) & 1) !== 0 && (last + 1) % 8 !== 0) last++;
    runs.push(last === n ? names[n]! : `${names[n]!}-${names[last]!}`);
    n = last;
  }
  return runs.join('/');
}
const INTEGER_REGISTERS = Array.from({ length: 16 }, (_, n) => register(n));
const FP_REGISTERS = Array.from({ length: 8 }, (_, n) => `fp${n}`);
const reversed = (mask: number, bits: number): number => {
  let result = 0;
  for (let n = 0; n < bits; n++) if ((mask >>> n) & 1) result |= 1 << (bits - 1 - n);
  return result;
};

export interface Disassembled {
  readonly text: string;
  /** Bytes of the instruction. */
  readonly length: number;
}

/** The instruction at `offset` of `code`, which is at `pc`. What lies outside of `code` counts as zeros. */
export function disassemble(code: DataView, offset: number, pc: number): Disassembled {
  return new Reader(code, offset, pc).instruction();
}

/** Takes the words of one instruction one after another. */
class Reader {
  readonly #code: DataView;
  readonly #offset: number;
  readonly #pc: number;
  readonly #op: number;
  #at = 0;

  constructor(code: DataView, offset: number, pc: number) {
    this.#code = code;
    this.#offset = offset;
    this.#pc = pc;
    this.#op = this.#word();
  }

  instruction(): Disassembled {
    const row = decodeOperation(this.#op);
    const text = row === undefined ? undefined : this.#format(row);
    if (text === undefined) return { text: `.short ${hex(this.#op)}`, length: 2 };
    return { text, length: this.#at };
  }

  #word(): number {
    const at = this.#offset + this.#at;
    this.#at += 2;
    return at + 2 <= this.#code.byteLength ? this.#code.getUint16(at) : 0;
  }

  #long(): number {
    return this.#word() * 0x1_0000 + this.#word();
  }

  /** Address of the next word. */
  get #here(): number {
    return this.#pc + this.#at;
  }

  #immediate(bytes: number): string {
    if (bytes === 4) return `#${number(this.#long() | 0)}`;
    const word = this.#word();
    return `#${number(bytes === 1 ? signed(word, 8) : signed(word, 16))}`;
  }

  #ea(field: number, bytes: number): string {
    const [mode, reg] = [(field >> 3) & 7, field & 7];
    switch (mode) {
      case 0:
        return data(reg);
      case 1:
        return address(reg);
      case 2:
        return `(${address(reg)})`;
      case 3:
        return `(${address(reg)})+`;
      case 4:
        return `-(${address(reg)})`;
      case 5:
        return `${number(signed(this.#word(), 16))}(${address(reg)})`;
      case 6:
        return this.#indexed(address(reg), undefined);
    }
    switch (reg) {
      case 0:
        return `${hex(signed(this.#word(), 16))}.w`;
      case 1:
        return hex(this.#long());
      case 2: {
        const base = this.#here;
        return `${hex(base + signed(this.#word(), 16))}(pc)`;
      }
      case 3:
        return this.#indexed('pc', this.#here);
      default:
        return this.#immediate(bytes);
    }
  }

  /** Base and index; displacements from the program counter are shown as addresses. */
  #indexed(base: string, from: number | undefined): string {
    const word = this.#word();
    const scale = 1 << ((word >> 9) & 3);
    const index = `${register(word >>> 12)}.${word & 0x800 ? 'l' : 'w'}${scale === 1 ? '' : `*${scale}`}`;
    const place = (displacement: number): string =>
      from === undefined ? number(displacement) : hex(from + displacement);
    if ((word & 0x100) === 0) return `${place(signed(word, 8))}(${base},${index})`;
    const size = (word >> 4) & 3;
    const displacement = size === 2 ? signed(this.#word(), 16) : size === 3 ? this.#long() | 0 : 0;
    const kind = word & 7;
    const hasIndex = (word & 0x40) === 0;
    const hasBase = (word & 0x80) === 0;
    const shown = hasBase ? place(displacement) : number(displacement);
    const inner = [
      ...(size > 1 || (hasBase && from !== undefined) ? [shown] : []),
      ...(hasBase ? [base] : base === 'pc' ? ['zpc'] : []),
    ];
    if (kind === 0) return `(${[...inner, ...(hasIndex ? [index] : [])].join(',')})`;
    const outerSize = kind & 3;
    const outer = outerSize === 2 ? signed(this.#word(), 16) : outerSize === 3 ? this.#long() | 0 : undefined;
    const after = (kind & 4) !== 0;
    const pointer = `[${[...inner, ...(hasIndex && !after ? [index] : [])].join(',')}]`;
    return `(${[pointer, ...(hasIndex && after ? [index] : []), ...(outer === undefined ? [] : [number(outer)])].join(',')})`;
  }

  #format(row: IsaRow): string | undefined {
    const op = this.#op;
    const field = (name: string): number => {
      const [, shift, width] = row.fields.find(([found]) => found === name) ?? ['', 0, 0];
      return (op >>> shift) & (2 ** width - 1);
    };
    const sized = /^(.*)_([bwl])$/.exec(row.name);
    const base = sized === null ? row.name : sized[1]!;
    const suffix = sized === null ? '' : `.${sized[2]!}`;
    const name = NAMES[row.name] ?? `${FAMILIES[base] ?? base}${suffix}`;
    const bytes = row.size === 0 ? 2 : row.size;
    const ea = (): string => this.#ea(op & 0x3f, bytes);
    switch (row.operands) {
      case '':
        if (row.name.startsWith('trapcc')) return `trap${CONDITIONS[field('cc')]!}`;
        if (row.name.startsWith('ftrapcc')) return this.#fpTrap(0);
        return name;
      case '#i,ccr':
        return `${name} ${this.#immediate(1)},ccr`;
      case '#i,sr':
        return `${name} ${this.#immediate(2)},sr`;
      case '#i,ea': {
        const immediate =
          /^b(tst|chg|clr|set)i$/.test(row.name) || row.name === 'callm'
            ? `#${number(this.#word() & 0xff)}`
            : this.#immediate(bytes);
        return `${name} ${immediate},${ea()}`;
      }
      case 'dn,ea':
        return `${name} ${data(field('dn'))},${ea()}`;
      case 'ea,dn':
        return `${name} ${ea()},${data(field('dn'))}`;
      case 'ea,an':
        return `${name} ${ea()},${address(field('an'))}`;
      case 'ea':
        if (row.name === 'scc') return `s${CONDITIONS[field('cc')]!} ${ea()}`;
        if (row.name === 'fscc') return this.#fpCondition('fs', ea);
        if (/^(as|ls|ro|rox)[lr]m$/.test(row.name)) return `${row.name.slice(0, -1)}.w ${ea()}`;
        return `${name} ${ea()}`;
      case 'ea,dst': {
        const source = ea();
        return `${name} ${source},${this.#ea(((op >> 3) & 0x38) | ((op >> 9) & 7), bytes)}`;
      }
      case 'sr,ea':
        return `${name} sr,${ea()}`;
      case 'ccr,ea':
        return `${name} ccr,${ea()}`;
      case 'ea,ccr':
        return `${name} ${ea()},ccr`;
      case 'ea,sr':
        return `${name} ${ea()},sr`;
      case 'd16(an),dn':
        return `${name} ${number(signed(this.#word(), 16))}(${address(op)}),${data(field('dn'))}`;
      case 'dn,d16(an)':
        return `${name} ${data(field('dn'))},${number(signed(this.#word(), 16))}(${address(op)})`;
      case 'ea,rx': {
        const word = this.#word();
        return `${word & 0x800 ? 'chk2' : 'cmp2'}${suffix} ${ea()},${register(word >>> 12)}`;
      }
      case 'cas,ea': {
        const word = this.#word();
        return `${name} ${data(word)},${data(word >> 6)},${ea()}`;
      }
      case 'cas2': {
        const [one, two] = [this.#word(), this.#word()];
        const pair = (shift: number): string => `${data(one >> shift)}:${data(two >> shift)}`;
        return `${name} ${pair(0)},${pair(6)},(${register(one >>> 12)}):(${register(two >>> 12)})`;
      }
      case 'moves': {
        const word = this.#word();
        const place = ea();
        return `${name} ${word & 0x800 ? `${register(word >>> 12)},${place}` : `${place},${register(word >>> 12)}`}`;
      }
      case 'an,#i':
        return `link.${row.name === 'link_l' ? 'l' : 'w'} ${address(field('an'))},${this.#immediate(row.name === 'link_l' ? 4 : 2)}`;
      case 'dr':
        return `${name} ${data(field('dn'))}`;
      case 'rn':
        return `${name} ${register(field('rn'))}`;
      case 'an':
        return `${name} ${address(field('an'))}`;
      case 'an,usp':
        return `${name} ${address(field('an'))},usp`;
      case 'usp,an':
        return `${name} usp,${address(field('an'))}`;
      case '#n':
        return `${name} #${field('n')}`;
      case '#i':
        if (row.name.startsWith('trapcc'))
          return `trap${CONDITIONS[field('cc')]!}.${row.ext === 2 ? 'l' : 'w'} ${this.#immediate(row.ext * 2)}`;
        if (row.name.startsWith('ftrapcc')) return this.#fpTrap(row.ext - 1);
        return `${name} ${row.name === 'stop' ? `#${number(this.#word())}` : this.#immediate(2)}`;
      case 'list,ea': {
        const mask = this.#word();
        return `${name} ${list((op & 0x38) === 0x20 ? reversed(mask, 16) : mask, INTEGER_REGISTERS) || '#0'},${ea()}`;
      }
      case 'ea,list': {
        const mask = this.#word();
        return `${name} ${ea()},${list(mask, INTEGER_REGISTERS) || '#0'}`;
      }
      case 'mull': {
        const word = this.#word();
        const to = word & 0x400 ? `${data(word)}:${data(word >> 12)}` : data(word >> 12);
        return `mul${word & 0x800 ? 's' : 'u'}.l ${ea()},${to}`;
      }
      case 'divl': {
        const word = this.#word();
        const [remainder, quotient] = [data(word), data(word >> 12)];
        const wide = (word & 0x400) !== 0;
        const to = wide || remainder !== quotient ? `${remainder}:${quotient}` : quotient;
        return `div${word & 0x800 ? 's' : 'u'}${wide || remainder === quotient ? '' : 'l'}.l ${ea()},${to}`;
      }
      case 'movec': {
        const word = this.#word();
        const control = CONTROL[word & 0xfff];
        if (control === undefined) return undefined;
        return `movec ${row.name === 'movec_to' ? `${register(word >>> 12)},${control}` : `${control},${register(word >>> 12)}`}`;
      }
      case '#q,ar':
        return `${name} #${field('n') || 8},${address(op)}`;
      case '#q,ea':
        return `${name} #${field('n') || 8},${ea()}`;
      case '#q,dr':
        return `${name} #${field('n') || 8},${data(op)}`;
      case 'dr,rel': {
        const condition = row.name === 'fdbcc' ? FP_CONDITIONS[this.#word() & 0x1f]! : CONDITIONS[field('cc')]!;
        const from = this.#here;
        return `${row.name === 'fdbcc' ? 'fdb' : 'db'}${condition} ${data(op)},${hex(from + signed(this.#word(), 16))}`;
      }
      case 'rel':
        return this.#branch(row, field);
      case '#d,dn':
        return `moveq #${number(signed(op, 8))},${data(field('dn'))}`;
      case 'xy':
      case 'xyi': {
        const pair = op & 8 ? `-(${address(op)}),-(${address(op >> 9)})` : `${data(op)},${data(op >> 9)}`;
        return `${name} ${pair}${row.operands === 'xyi' ? `,${this.#immediate(2)}` : ''}`;
      }
      case 'raw':
        return undefined;
      case '(ry)+,(rx)+':
        return `${name} (${address(op)})+,(${address(op >> 9)})+`;
      case 'dn,dr':
        return `${name} ${data(op >> 9)},${data(op)}`;
      case 'an,ar':
        return `${name} ${address(op >> 9)},${address(op)}`;
      case 'dn,ar':
        return `${name} ${data(op >> 9)},${address(op)}`;
      case 'ea{bf}':
      case 'ea{bf},bfd':
      case 'bfd,ea{bf}': {
        const word = this.#word();
        const part = (at: number, inRegister: boolean): string =>
          inRegister ? data(word >> at) : `#${at === 0 ? word & 31 || 32 : (word >> 6) & 31}`;
        const place = `${ea()}{${part(6, (word & 0x800) !== 0)}:${part(0, (word & 0x20) !== 0)}}`;
        if (row.operands === 'ea{bf}') return `${name} ${place}`;
        return `${name} ${row.operands === 'bfd,ea{bf}' ? `${data(word >> 12)},${place}` : `${place},${data(word >> 12)}`}`;
      }
      case 'pmmu':
        return this.#mmu030();
      case 'fp':
        return this.#float();
      case 'cacheop': {
        const cache = ['nc', 'dc', 'ic', 'bc'][field('c')]!;
        const scope = ['', 'l', 'p', 'a'][field('scope')]!;
        if (scope === '') return undefined;
        return `${field('p') ? 'cpush' : 'cinv'}${scope} ${cache}${scope === 'a' ? '' : `,(${address(op)})`}`;
      }
      case 'pflush':
        return [`pflushn (${address(op)})`, `pflush (${address(op)})`, 'pflushan', 'pflusha'][field('op')];
      case 'ptest':
        return `ptest${field('r') ? 'r' : 'w'} (${address(op)})`;
      case '(ar)+,abs':
        return `move16 (${address(op)})+,${hex(this.#long())}`;
      case 'abs,(ar)+':
        return `move16 ${hex(this.#long())},(${address(op)})+`;
      case '(ar),abs':
        return `move16 (${address(op)}),${hex(this.#long())}`;
      case 'abs,(ar)':
        return `move16 ${hex(this.#long())},(${address(op)})`;
      case '(ar)+,(ry)+':
        return `move16 (${address(op)})+,(${address(this.#word() >> 12)})+`;
      default:
        throw new Error(`no syntax for ${row.operands}`);
    }
  }

  #branch(row: IsaRow, field: (name: string) => number): string {
    const from = this.#pc + 2;
    if (row.name.startsWith('fbcc')) {
      const condition = FP_CONDITIONS[field('cc') & 0x1f]!;
      const long = row.name === 'fbcc_2';
      const displacement = long ? this.#long() | 0 : signed(this.#word(), 16);
      if (field('cc') === 0 && !long && displacement === 0) return 'fnop';
      return `fb${condition}.${long ? 'l' : 'w'} ${hex(from + displacement)}`;
    }
    const cc = field('cc');
    const mnemonic = cc === 0 ? 'bra' : cc === 1 ? 'bsr' : `b${CONDITIONS[cc]!}`;
    const short = field('d');
    if (short === 0) return `${mnemonic}.w ${hex(from + signed(this.#word(), 16))}`;
    if (short === 0xff) return `${mnemonic}.l ${hex(from + (this.#long() | 0))}`;
    return `${mnemonic}.s ${hex(from + signed(short, 8))}`;
  }

  #fpCondition(prefix: string, ea: () => string): string {
    const condition = FP_CONDITIONS[this.#word() & 0x1f]!;
    return `${prefix}${condition} ${ea()}`;
  }

  #fpTrap(words: number): string {
    const condition = FP_CONDITIONS[this.#word() & 0x1f]!;
    return `ftrap${condition}${words === 0 ? '' : `.${words === 2 ? 'l' : 'w'} ${this.#immediate(words * 2)}`}`;
  }

  /** The FPU's general instruction. */
  #float(): string | undefined {
    const op = this.#op;
    const command = this.#word();
    const [source, destination, operation] = [(command >> 10) & 7, (command >> 7) & 7, command & 0x7f];
    const to = `fp${destination}`;
    switch (command >> 13) {
      case 0:
      case 2: {
        const memory = command >> 13 === 2;
        if (memory && source === 7) return `fmovecr.x #${operation},${to}`;
        const name = operation >= 0x30 && operation <= 0x37 ? 'fsincos' : FP_OPERATIONS[operation];
        if (name === undefined) return undefined;
        const from = memory ? this.#fpSource(source) : `fp${source}`;
        const sized = `${name}.${memory ? FP_FORMATS[source]! : 'x'}`;
        if (name === 'ftst') return `${sized} ${from}`;
        if (name === 'fsincos') return `${sized} ${from},fp${operation & 7}:${to}`;
        return `${sized} ${from},${to}`;
      }
      case 3: {
        const place = this.#ea(op & 0x3f, FP_BYTES[source]!);
        const factor = source === 3 ? `{#${signed(command, 7)}}` : source === 7 ? `{${data(command >> 4)}}` : '';
        return `fmove.${FP_FORMATS[source]!} ${to},${place}${factor}`;
      }
      case 4:
      case 5: {
        const chosen = (command >> 10) & 7;
        const registers = ['fpcr', 'fpsr', 'fpiar'].filter((_name, n) => (chosen & (4 >> n)) !== 0).join('/');
        const name = [1, 2, 4].includes(chosen) ? 'fmove.l' : 'fmovem.l';
        const place = this.#ea(op & 0x3f, 4);
        return command & 0x2000 ? `${name} ${registers},${place}` : `${name} ${place},${registers}`;
      }
      case 6:
      case 7: {
        const dynamic = (command & 0x800) !== 0;
        const down = (command & 0x1000) === 0;
        const mask = command & 0xff;
        const registers = dynamic ? data(command >> 4) : list(down ? mask : reversed(mask, 8), FP_REGISTERS) || '#0';
        const place = this.#ea(op & 0x3f, 12);
        return `fmovem.x ${command & 0x2000 ? `${registers},${place}` : `${place},${registers}`}`;
      }
      default:
        return undefined;
    }
  }

  #fpSource(format: number): string {
    if ((this.#op & 0x3f) !== 0x3c) return this.#ea(this.#op & 0x3f, FP_BYTES[format]!);
    switch (format) {
      case 0:
      case 4:
      case 6:
        return this.#immediate(FP_BYTES[format]!);
      default: {
        let digits = '';
        for (let n = 0; n < FP_BYTES[format]!; n += 2) digits += this.#word().toString(16).padStart(4, '0');
        return `#0x${digits}`;
      }
    }
  }

  /** PMOVE, PFLUSH, PLOAD and PTEST of the 68030. */
  #mmu030(): string | undefined {
    const command = this.#word();
    const place = (bytes: number): string => this.#ea(this.#op & 0x3f, bytes);
    const move = (name: string, bytes: number): string => {
      const mnemonic = command & 0x100 ? 'pmovefd' : 'pmove';
      return command & 0x200 ? `${mnemonic} ${name},${place(bytes)}` : `${mnemonic} ${place(bytes)},${name}`;
    };
    const fc = (): string => {
      if (command & 0x10) return `#${command & 7}`;
      return command & 8 ? data(command) : command & 1 ? 'dfc' : 'sfc';
    };
    const selector = (command >> 10) & 7;
    switch (command >> 13) {
      case 0:
        return selector === 2 ? move('tt0', 4) : selector === 3 ? move('tt1', 4) : undefined;
      case 1:
        if (selector === 0) return `pload${command & 0x200 ? 'r' : 'w'} ${fc()},${place(4)}`;
        if (selector === 1) return 'pflusha';
        if (selector === 4) return `pflush ${fc()},#${(command >> 5) & 7}`;
        return selector === 6 ? `pflush ${fc()},#${(command >> 5) & 7},${place(4)}` : undefined;
      case 2:
        return selector === 0
          ? move('tc', 4)
          : selector === 2
            ? move('srp', 8)
            : selector === 3
              ? move('crp', 8)
              : undefined;
      case 3:
        return move('psr', 2);
      case 4: {
        const target = command & 0x100 ? `,${address(command >> 5)}` : '';
        return `ptest${command & 0x200 ? 'r' : 'w'} ${fc()},${place(4)},#${selector}${target}`;
      }
      default:
        return undefined;
    }
  }
}
