// SPDX-License-Identifier: MIT
//
// Random sequences of instructions from the decode tables, with random operands, for arm-qemu.ts.
import { A32, T16, T32, UNCONDITIONAL, type IsaRow } from '../../core/arm/host/gen/isa.ts';
import { CODE, CODE_BYTES, DATA, EXIT_ARM, EXIT_THUMB, FLAG_THUMB, FLAG_V7, REQUEST, STATE } from './arm-qemu.ts';

export type InstructionSet = 'arm' | 'thumb';

export interface ArmVector {
  readonly request: DataView;
  readonly rows: readonly string[];
  readonly words: readonly number[];
}

/** What is in a row's name and table. */
export interface Choice {
  readonly row: IsaRow;
  readonly table: 'A32' | 'T16' | 'T32' | 'SIMD';
}

const isSimd = ({ needs }: IsaRow): boolean => needs?.some((name) => name === 'VFP' || name === 'NEON') ?? false;

/** How Thumb-2 writes a VFP or Advanced SIMD instruction of the ARM set. */
function inThumb(word: number): number {
  if (word >>> 28 !== 15) return ((word & 0x0fff_ffff) | 0xe000_0000) >>> 0;
  if (word >>> 25 === 0x79) return ((word & 0x00ff_ffff) | 0xef00_0000 | ((word & 0x0100_0000) << 4)) >>> 0;
  return ((word & 0x00ff_ffff) | 0xf900_0000) >>> 0;
}

/** Rows without effects that a sequence cannot have. */
export function rowsFor(set: InstructionSet, features: ReadonlySet<string>, excluded: ReadonlySet<string>): Choice[] {
  const tables =
    set === 'arm'
      ? ([
          ['A32', A32],
          ['A32', UNCONDITIONAL],
        ] as const)
      : ([
          ['T16', T16],
          ['T32', T32],
          ['SIMD', [...A32, ...UNCONDITIONAL].filter(isSimd)],
        ] as const);
  return tables.flatMap(([table, rows]) =>
    rows
      .filter(
        ({ tags, needs }) =>
          !tags.includes('flow') && !tags.includes('sys') && (needs ?? []).every((f) => features.has(f)),
      )
      .filter(({ name }) => !excluded.has(name) && !excluded.has(`${table}.${name}`))
      .map((row) => ({ row, table })),
  );
}

/** Registers that hold addresses, and the size of what they point to. */
const MIDDLE = DATA + 0x700;

export class ArmVectors {
  readonly #random: () => number;
  readonly #choices: readonly Choice[];
  readonly #set: InstructionSet;
  readonly #vfp: boolean;
  readonly #unaligned: boolean;
  readonly #registers = new Uint32Array(15);
  /** Registers that nothing is computed into: two that point into the data, and an offset. */
  #pointers: number[] = [];

  constructor(
    random: () => number,
    options: { set: InstructionSet; choices: readonly Choice[]; vfp: boolean; unaligned: boolean },
  ) {
    this.#random = random;
    this.#choices = options.choices;
    this.#set = options.set;
    this.#vfp = options.vfp;
    this.#unaligned = options.unaligned;
  }

  next(): ArmVector {
    const request = new DataView(new ArrayBuffer(REQUEST.bytes));
    this.#pointers = [];
    while (this.#pointers.length < 3) {
      const n = this.#below(8);
      if (!this.#pointers.includes(n)) this.#pointers.push(n);
    }
    for (let n = 0; n < 15; n++) this.#registers[n] = this.#value();
    for (const n of this.#pointers) this.#registers[n] = MIDDLE + this.#below(16) * 8;
    if (this.#unaligned && this.#below(4) === 0) this.#registers[this.#pointers[0]!]! += this.#below(8);
    this.#registers[this.#pointers[2]!] = this.#below(4) * 8;
    const [rows, words, code] = this.#set === 'arm' ? this.#armCode() : this.#thumbCode();
    const flags = (this.#set === 'thumb' ? FLAG_THUMB : 0) | (this.#unaligned ? FLAG_V7 : 0);
    request.setUint32(REQUEST.flags, flags, true);
    request.setUint32(REQUEST.vfp, this.#vfp ? 1 : 0, true);
    request.setUint32(REQUEST.length, code.length, true);
    request.setUint32(REQUEST.seed, this.#below(2 ** 32), true);
    for (let n = 0; n < 15; n++) request.setUint32(REQUEST.state + n * 4, this.#registers[n]!, true);
    request.setUint32(REQUEST.state + STATE.cpsr, (this.#below(2 ** 32) & 0xf80f_0000) | 0x10, true);
    if (this.#vfp) {
      request.setUint32(REQUEST.state + STATE.fpscr, this.#fpscr(), true);
      for (let n = 0; n < 32; n++) this.#vector(request, REQUEST.state + STATE.d + n * 8);
    }
    new Uint8Array(request.buffer, REQUEST.code, CODE_BYTES).set(code);
    const exit = REQUEST.code + code.length;
    if (this.#set === 'arm') request.setUint32(exit, EXIT_ARM, true);
    else EXIT_THUMB.forEach((half, index) => request.setUint16(exit + index * 2, half, true));
    return { request, rows, words };
  }

  #armCode(): [string[], number[], Uint8Array] {
    const count = 1 + this.#below(8);
    const code = new DataView(new ArrayBuffer(count * 4));
    const [rows, words] = [[] as string[], [] as number[]];
    for (let n = 0; n < count; n++) {
      const { row, table } = this.#pick();
      let word = this.#fill(row, table);
      if (row.mask >>> 28 === 0) word |= (this.#below(4) === 0 ? this.#below(14) : 14) << 28;
      code.setUint32(n * 4, word, true);
      rows.push(row.name);
      words.push(word >>> 0);
    }
    return [rows, words, new Uint8Array(code.buffer)];
  }

  #thumbCode(): [string[], number[], Uint8Array] {
    const halves: number[] = [];
    const [rows, words] = [[] as string[], [] as number[]];
    let left = 1 + this.#below(8);
    while (left > 0) {
      let block = 0;
      if (this.#below(4) === 0) {
        block = 1 + this.#below(Math.min(4, left));
        const it = this.#ifThen(block);
        halves.push(it);
        words.push(it);
        rows.push('it');
      }
      for (let n = 0; n < Math.max(1, block); n++) {
        const { row, table } = this.#pick();
        const filled = this.#fill(row, table === 'SIMD' ? 'A32' : table);
        const word = table === 'SIMD' ? inThumb(filled) : filled;
        if (table !== 'T16') halves.push(word >>> 16, word & 0xffff);
        else halves.push(word);
        rows.push(row.name);
        words.push(word >>> 0);
        left--;
      }
    }
    const code = new DataView(new ArrayBuffer(halves.length * 2));
    halves.forEach((half, index) => code.setUint16(index * 2, half, true));
    return [rows, words, new Uint8Array(code.buffer)];
  }

  /** An IT for `count` instructions. */
  #ifThen(count: number): number {
    const condition = this.#below(14);
    let mask = 1 << (4 - count);
    for (let n = 1; n < count; n++) mask |= this.#below(2) << (4 - n);
    return 0xbf00 | (condition << 4) | mask;
  }

  #pick(): Choice {
    return this.#choices[this.#below(this.#choices.length)]!;
  }

  #below(n: number): number {
    return Math.floor(this.#random() * n);
  }

  #fpscr(): number {
    const modes = this.#below(3) === 0 ? this.#below(8) << 22 : 0;
    const vector = this.#below(16) === 0 ? this.#below(4) << 16 : 0;
    const flush = this.#below(4) === 0 ? this.#below(4) << 24 : 0;
    return (
      ((this.#below(16) << 28) |
        modes |
        flush |
        vector |
        (this.#below(4) === 0 ? 0x0800_009f & this.#below(2 ** 28) : 0)) >>>
      0
    );
  }

  /** Numbers that say something about lanes of any size: small ones, edges, floating-point specials, noise. */
  #vector(request: DataView, at: number): void {
    const kind = this.#below(6);
    if (kind === 0) {
      request.setFloat64(at, this.#double(), true);
    } else if (kind <= 2) {
      request.setFloat32(at, this.#single(), true);
      request.setFloat32(at + 4, this.#single(), true);
    } else if (kind === 3) {
      const halves = [0, 0x7fff, 0x8000, 0xffff, 1, 0x00ff, 0x7f80, 0x3c00, 0x7c00, 0x7e01, 0x7c01, 0x0001, 0x8401];
      for (let n = 0; n < 4; n++) request.setUint16(at + n * 2, halves[this.#below(halves.length)]!, true);
    } else if (kind === 4) {
      const bits = [
        0x7ff0_0000, 0xfff0_0000, 0x7ff8_0001, 0x7ff4_0000, 0, 0x8000_0000, 0x0000_0001, 0x7fef_ffff, 0x0010_0000,
      ];
      request.setUint32(at + 4, bits[this.#below(bits.length)]!, true);
      request.setUint32(at, [0, 1, 0xffff_ffff][this.#below(3)]!, true);
    } else {
      request.setUint32(at, this.#below(2 ** 32), true);
      request.setUint32(at + 4, this.#below(2 ** 32), true);
    }
  }

  #single(): number {
    const special = [
      0,
      -0,
      1,
      -1,
      0.5,
      1.5,
      2.5,
      Infinity,
      -Infinity,
      NaN,
      1.17549435e-38,
      1e-45,
      -3e-39,
      3.4e38,
      65504,
      1e10,
    ];
    if (this.#below(2) === 0) return special[this.#below(special.length)]!;
    return (this.#random() - 0.5) * 2 ** (this.#below(80) - 40);
  }

  #double(): number {
    const special = [
      0,
      -0,
      1,
      -1,
      0.5,
      Infinity,
      NaN,
      5e-324,
      2.3e-308,
      1.7e308,
      2 ** 31,
      2 ** 32 - 0.5,
      1e-40,
      3.5e38,
    ];
    if (this.#below(2) === 0) return special[this.#below(special.length)]!;
    return (this.#random() - 0.5) * 2 ** (this.#below(200) - 100);
  }

  #value(): number {
    switch (this.#below(6)) {
      case 0:
        return this.#below(64);
      case 1:
        return (0 - this.#below(64)) >>> 0;
      case 2:
        return [0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x7fff_8000, 0x8000_7fff, 0xffff, 0x1_0000, 0x80][
          this.#below(8)
        ]!;
      default:
        return this.#below(2 ** 32);
    }
  }

  /** A general register: not R13, not R15. */
  #register(limit = 15): number {
    for (;;) {
      const n = this.#below(Math.min(limit, 15));
      if (n !== 13 && !this.#pointers.includes(n)) return n;
    }
  }

  #fill(row: IsaRow, table: Choice['table']): number {
    let word = row.match;
    const fields = new Map(row.fields.map((field) => [field[0], field] as const));
    const values = new Map<string, number>();
    for (const [name, , signedWidth] of row.fields) {
      values.set(name, this.#below(2 ** Math.abs(signedWidth)));
    }
    const set = (name: string, value: number): void => void (values.has(name) && values.set(name, value));
    const width = (name: string): number => Math.abs(fields.get(name)?.[2] ?? 0);
    const memory = row.tags.includes('load') || row.tags.includes('store');
    for (const name of ['rd', 'rn', 'rm', 'rs', 'rt', 'ra', 'hi', 'lo', 'dn']) {
      const bits = width(name);
      if (bits === 4) set(name, this.#register());
      else if (bits === 3) set(name, this.#register(8));
    }
    this.#constrain(row, table, values, set, memory);
    for (const [name, shift, signedWidth] of row.fields) {
      const bits = Math.abs(signedWidth);
      const value = values.get(name)! & (2 ** bits - 1);
      word = (word | (value << shift)) >>> 0;
    }
    return word;
  }

  #constrain(
    row: IsaRow,
    table: Choice['table'],
    values: Map<string, number>,
    set: (name: string, value: number) => void,
    memory: boolean,
  ): void {
    const get = (name: string): number => values.get(name) ?? -1;
    const { name } = row;
    // Long multiplies: two results. Version 5 wants Rd and Rm to differ as well.
    if (values.has('hi') && values.has('lo')) {
      while (get('hi') === get('lo') || get('hi') === get('rm')) set('hi', this.#register());
      while (get('lo') === get('hi') || get('lo') === get('rm')) set('lo', this.#register());
    }
    if (name === 'mul' || name === 'mla') while (get('rd') === get('rm')) set('rd', this.#register());
    if (table === 'A32' && /^(and|eor|sub|rsb|add|adc|sbc|rsc|orr|bic|tst|teq|cmp|cmn|mov|mvn)_[ir]$/.test(name)) {
      if (this.#below(24) === 0) set('rn', 15);
      if (this.#below(24) === 0) set('rm', 15);
      if (/^(tst|teq|cmp|cmn)/.test(name)) set('rd', 0);
    }
    if (/^(tst|teq|cmp|cmn)_s$/.test(name)) set('rd', 0);
    if (name === 'bfi') {
      if (table === 'T32') set('msb', Math.max(get('msb'), get('im') * 4 + get('imm')));
      else set('msb', Math.max(get('msb'), get('lsb')));
      if (this.#below(4) === 0) set('rm', 15);
    }
    if (/^[su]bfx$/.test(name)) {
      const lsb = table === 'T32' ? get('im') * 4 + get('imm') : get('lsb');
      set('w', this.#below(32 - lsb));
    }
    if (/xt(b|h|b16)$/.test(name) && this.#below(2) === 0) set('rn', 15);
    if (/^sml[as]d$|^smmla$|^usada8$/.test(name) && this.#below(2) === 0) set('ra', 15);
    // Elements of doublewords there are other instructions instead of.
    if (get('sz') === 3 && /_sc$|^v(add|sub|aba|abd|ml[as]|mul|qdml[as]|qdmul)[lw]$|hn$|_all$/.test(name))
      set('sz', this.#below(3));
    // Most of what is undefined is not tried often: odd registers of quadwords, sizes that there are not.
    if (/^v|^neon_misc/.test(name) && values.has('vd') && values.has('m') && this.#below(16) !== 0) {
      const long = /^v(add|sub|aba|abd|ml[as]|mul|qdml[as]|qdmul)l|shll|mull_p/.test(name);
      const wide = /^v(add|sub)w$/.test(name);
      const narrow = /hn$|n$/.test(name) && /^v(r?addhn|r?subhn|q?r?shru?n)$/.test(name);
      const quad = get('q') === 1 && !/_sc$/.test(name);
      if (quad || long || wide || (get('q') === 1 && /_sc$/.test(name))) set('vd', get('vd') & 14);
      if (quad || wide || narrow || (get('q') === 1 && /_sc$/.test(name))) set('vn', get('vn') & 14);
      if (quad || narrow) set('vm', get('vm') & 14);
      if (get('sz') === 3 && !/^v(add|sub|q|r?shl|and)/.test(name)) set('sz', this.#below(3));
      if (name === 'neon_misc' && get('a') === 2 && get('b') >= 4) set('vm', get('vm') & 14);
    }
    // The same register twice is unpredictable.
    if (name === 'neon_misc' && get('a') === 2 && get('vd') === get('vm')) set('vm', get('vd') ^ 2);
    if (name === 'vmov_2s') set('vm', get('vm') % 15);
    if (name === 'vmov_2s' || name === 'vmov_d') while (get('rn') === get('rd')) set('rn', this.#register());
    if (name === 'vcvt_fixed' && get('sx') === 0) set('imm', get('imm') & 7);
    if (/_hi$/.test(name)) {
      if (name === 'cmp_hi' && get('rm') < 8) set('dn', 1);
      // Neither R13 nor R15.
      if (get('dn') === 1 && (get('rd') & 5) === 5) set('rd', 4);
    }
    if (table === 'T32' && /^[su]sat$/.test(name) && get('sh') === 1 && get('im') === 0) set('imm', get('imm') | 1);
    if (memory) this.#memory(row, table, values, set);
  }

  #memory(
    row: IsaRow,
    table: Choice['table'],
    values: Map<string, number>,
    set: (name: string, value: number) => void,
  ): void {
    const get = (name: string): number => values.get(name) ?? -1;
    const { name } = row;
    const low = table === 'T16';
    const other = (...taken: number[]): number => {
      for (;;) {
        const n = this.#register(low ? 8 : 15);
        if (!taken.includes(n)) return n;
      }
    };
    if (/_lit$/.test(name)) {
      // From what is behind the code.
      set('u', 1);
      set('imm', table === 'T16' ? 0x20 + this.#below(0x40) : 0x80 + this.#below(0xc00));
      return;
    }
    const rn = this.#pointers[this.#below(2)]!;
    const by = this.#pointers[2]!;
    set('rn', rn);
    if (/^v/.test(name)) {
      if (/^v(ld|st)m_/.test(name)) set('imm', get('imm') & 0xf);
      // Registers beyond the last are unpredictable.
      else if (!/^v(ld|st)r$/.test(name)) set('vd', get('vd') % 10);
      set('rm', [13, 15, by][this.#below(3)]!);
      return;
    }
    const exclusive = /ex/.test(name);
    const block = values.has('list');
    const bytes = /d$|d_/.test(name) && /^(ld|st)rd|rexd/.test(name) ? 8 : /b/.test(name) ? 1 : /h/.test(name) ? 2 : 4;
    if (block) {
      const kept = this.#pointers.reduce((mask, n) => mask & ~(1 << n), low ? 0xff : 0x5fff);
      set('list', get('list') & kept);
      if (get('list') === 0) set('list', 1 << other(rn));
      if (table === 'T32' && (get('list') & (get('list') - 1)) === 0)
        set('list', get('list') | (1 << other(rn, 31 - Math.clz32(get('list')))));
      if (values.has('s')) set('s', 0);
      return;
    }
    set('rd', other(rn));
    if (values.has('rm')) set('rm', exclusive || name === 'swp' ? other(rn, get('rd')) : by);
    if (/^(ldrd|strd|ldrexd|strexd)$/.test(name) && table === 'A32') {
      const even = [0, 2, 4, 6, 8, 10];
      const pair = (): number => even[this.#below(even.length)]!;
      if (exclusive && name === 'strexd') {
        do set('rm', pair());
        while (this.#pointers.some((n) => n >> 1 === get('rm') >> 1));
        set('rd', other(get('rm'), get('rm') + 1));
        return;
      }
      do set('rd', pair());
      while (this.#pointers.some((n) => n >> 1 === get('rd') >> 1));
      if (get('i') === 0) {
        set('rm', by);
        set('hi', 0);
      } else {
        set('rm', this.#below(2) * 8);
        set('hi', this.#below(8));
      }
      if (get('p') === 0) set('w', 0);
      return;
    }
    if (values.has('rt')) set('rt', other(rn, get('rd'), get('rm')));
    if (exclusive) {
      set('imm', this.#below(16) * 2);
      return;
    }
    if (name === 'strd' || name === 'ldrd') {
      if (get('p') === 0) set('w', 1);
      set('imm', this.#below(32) * 2);
      return;
    }
    if (name === 'swp') return;
    if (values.has('p') && get('p') === 0) set('w', 0);
    if (table === 'T32' && /_iw$/.test(name)) {
      if (get('p') === 0) set('w', 1);
      // As user mode does it, which is what this is.
    }
    if (values.has('rm')) {
      // The offset shifted to the right is still one, shifted left not by much, rotated not at all.
      if (table === 'A32' && values.has('imm')) {
        if (get('sh') === 0) set('imm', this.#below(4));
        else if (get('sh') === 3) set('sh', 1);
        if (!this.#unaligned && get('sh') !== 0) set('imm', 0);
      }
      return;
    }
    const step = this.#unaligned ? bytes : 8;
    if (values.has('imm')) set('imm', get('imm') & 0xff & -step);
    if (values.has('hi') && table === 'A32') {
      set('hi', get('hi') & 7);
      set('lo', get('lo') & -step);
    }
  }
}

/** How many instructions of a sequence were executed before the one at `pc`. */
export function executedBefore(
  { rows, words, request }: Pick<ArmVector, 'rows' | 'words' | 'request'>,
  pc: number,
): number {
  const thumb = (request.getUint32(REQUEST.flags, true) & FLAG_THUMB) !== 0;
  let at = CODE;
  for (let n = 0; n < rows.length; n++) {
    if (at === pc) return n;
    at += thumb && words[n]! < 0x1_0000 ? 2 : 4;
  }
  return rows.length;
}
