// SPDX-License-Identifier: MIT
//
// Random instruction vectors as a program: each sets registers, executes one instruction and records what changed. The
// program writes its records to standard output, so that any machine or simulator that runs IA-64 programs can be asked.
import { ISA, type IsaRow } from '../../core/ia64/host/gen/isa.ts';
import { type Instruction, bundle, op } from './ia64-assembly.ts';
import { Random } from './ia64-float-tests.ts';

const TEXT = 0x4000_0000_0000_0000n;
const DATA = 0x6000_0000_0000_0000n;
const HEADERS = 0x200;
/** Bytes of a record: predicates, r40, r42, unat, fpsr, lc, ec, taken, f40, f41, two words of memory. */
export const RECORD = 8 * 8 + 32 + 16;
/** Bytes of data for each vector: three floating-point registers, then the memory it works on. */
const CELL = 48 + 32;

export interface Vector {
  readonly row: IsaRow;
  readonly shown: string;
}

export interface VectorProgram {
  readonly elf: Uint8Array;
  readonly vectors: readonly Vector[];
}

const UNSUITABLE =
  /^(break|chk|mov_from_ip|mov_from_psr|mov_to_psr|mov\.._to_ar|mov\.._from_ar|alloc|tf\.|hint|br\.(call|ret|ia)|brp|fc|lfetch|sum|rum|mov_ret_to_br|ld16|st16|cmp8xchg16|vmsw)/;
const FORMATS = /^(A\d|I([1-9]|1\d|2[1-5])|M([1-9]|1[0-2]|1[6-9])|F[12468]|F5|B1|X2)$/;

/** The instructions that vectors are made of. */
export const VECTOR_ROWS: readonly IsaRow[] = ISA.filter(
  ({ name, format }) => FORMATS.test(format) && !UNSUITABLE.test(name) && !name.startsWith('nop'),
);

const accessSize = ({ name }: IsaRow): number => {
  const size = /^(?:ld|st|xchg|cmpxchg|fetchadd)(\d+)/.exec(name);
  if (size !== null) return Number(size[1]);
  if (/^(ldf|stf)(e|\.fill|\.spill)/.test(name)) return 16;
  if (/^ldfp(8|d)/.test(name)) return 16;
  if (/^(ldfps|ldfd|stfd|ldf8|stf8)/.test(name)) return 8;
  return 4;
};

export class VectorMaker {
  readonly #random: Random;
  readonly #data = new DataView(new ArrayBuffer(16 * 1024 * 1024));
  readonly #code: Uint8Array[] = [];
  readonly #vectors: Vector[] = [];
  #cell = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  #emit(template: string, ...instructions: readonly Instruction[]): void {
    this.#code.push(bundle(template, ...instructions));
  }

  #move(register: number, value: bigint): void {
    this.#emit('MLX', op('nop.m'), op('movl', { a: register, imm: value }));
  }

  #integer(): bigint {
    const random = this.#random;
    const x = random.next64();
    switch (random.below(5)) {
      case 0:
        return x & 0x7fn;
      case 1:
        return [0n, 0x8000_8000_8000_8000n, 0x7fff_ffff_7f80_0080n, (1n << 64n) - 1n][random.below(4)]!;
      case 2:
        return x & random.next64() & random.next64();
      default:
        return x;
    }
  }

  /**
   * Significand, then sign and exponent, as stf.spill has them. Approximations of extreme values are software's on some
   * processors, and Ski has none: `exponents` is how many there may be.
   */
  #float(parallel: boolean, mayBeNat: boolean, exponents: number): [bigint, bigint] {
    const random = this.#random;
    const x = random.next64();
    const sign = BigInt(random.below(2)) << 17n;
    if (parallel) {
      const single = (): bigint => {
        const bits = random.next64() & 0xffff_ffffn;
        const special = [0n, 0x8000_0000n, 0x7f80_0000n, 0xff80_0000n, 0x7fc0_0000n, 0x0040_0000n, 0x3f80_0000n];
        const kind = random.below(4);
        if (kind === 0) return special[random.below(special.length)]!;
        return kind === 1 ? bits : (bits & 0x80ff_ffffn) | (BigInt(0x3a + random.below(9)) << 24n);
      };
      return random.below(20) === 0 ? [0n, 0x1fffen] : [single() | (single() << 32n), 0x1003en];
    }
    switch (random.below(12)) {
      case 0:
        return [0n, sign]; // zero
      case 1:
        return [1n << 63n, sign | 0x1ffffn]; // infinity
      case 2:
        return [x | (3n << 62n), sign | 0x1ffffn]; // quiet NaN
      case 3:
        return mayBeNat ? [0n, 0x1fffen] : [0n, 0n]; // NaTVal
      case 4:
        return [x | (1n << 63n), sign | BigInt(0x1_0000 - (exponents >> 1) + random.below(exponents))];
      case 5:
        return [x, 0x1003en]; // an integer
      case 6:
        return [x >> 1n, sign | BigInt(0xfff0 + random.below(32))]; // unnormal
      case 7:
        return [(x | (1n << 63n)) & 0xffff_ff00_0000_0000n, sign | BigInt(0xff60 + random.below(0x130))];
      default:
        return [x | (1n << 63n), sign | BigInt(0xffe0 + random.below(0x40))];
    }
  }

  #operand(row: IsaRow, name: string): bigint {
    const [isSigned, shift, add, ...pieces] = row.operands[name] ?? [false, 0, 0];
    const width = pieces.filter((_, i) => i % 2 === 1).reduce((sum, n) => sum + n, 0);
    const bits = BigInt.asUintN(width, this.#random.next64());
    return ((isSigned ? BigInt.asIntN(width, bits) : bits) << BigInt(shift)) + BigInt(add);
  }

  /** Adds a vector of the row. */
  add(row: IsaRow): void {
    const random = this.#random;
    const cell = this.#cell;
    this.#cell += CELL;
    for (let at = 0; at < CELL; at += 8) this.#data.setBigUint64(cell + at, random.next64(), true);
    const isFloat = row.unit === 'F' || row.targets.includes('f') || /^(stf|getf)/.test(row.name);
    const isMemory = row.unit === 'M' && /^(ld|st|xchg|cmpxchg|fetchadd)/.test(row.name);
    const parallel = /^fp(?!ack)/.test(row.name);
    const floats = [0, 1, 2].map((n) => {
      const [significand, exponent] = this.#float(
        parallel,
        !/^stf[^.]*$/.test(row.name.replace(/_i$/, '')),
        row.format === 'F6' ? 0x8000 : 0x1fffe,
      );
      this.#data.setBigUint64(cell + n * 16, significand, true);
      this.#data.setBigUint64(cell + n * 16 + 8, exponent, true);
      return `${exponent.toString(16)}:${significand.toString(16)}`;
    });
    // What the instruction works on.
    const mayBeNat = (row.unit === 'A' || row.unit === 'I') && !row.name.startsWith('mov_');
    const nat = (): boolean => mayBeNat && random.below(8) === 0;
    const [x, y] = [this.#integer(), this.#integer()];
    let c: bigint = y;
    if (isMemory) {
      const size = accessSize(row);
      c = DATA + BigInt(cell + 48 + Math.floor(random.below(16) / size) * size);
      // Speculative loads from where nothing is.
      if (/\.s(_|$)|\.sa(_|$)/.test(row.name) && random.below(4) === 0) c = 0x2100_0000_0000_0000n;
    }
    const [natB, natC] = [nat(), nat()];
    const set = (register: number, value: bigint, isNat: boolean): void =>
      isNat ? this.#emit('MII', op('adds', { a: register, c: 45, imm: 0 })) : this.#move(register, value);
    set(41, x, natB);
    set(42, c, natC);
    this.#move(40, 0x4040_4040_4040_4040n);
    if (isFloat) {
      this.#move(46, DATA + BigInt(cell));
      for (const register of [41, 42, 43]) this.#emit('MII', op('ldf.fill_i', { a: register, c: 46, imm: 16 }));
      this.#emit('MFI', op('nop.m'), op('fmerge.s', { a: 40, b: 0, c: 0 }));
      // All traps are off; the rounding, precision and range of the status fields are anything.
      const field = (): bigint => {
        const pc = [0n, 2n, 3n][random.below(3)]!;
        return (BigInt(random.below(2)) << 0n) | (pc << 2n) | (BigInt(random.below(4)) << 4n);
      };
      const fpsr =
        0x3fn | (field() << 6n) | ((field() | 0x40n) << 19n) | ((field() | 0x40n) << 32n) | ((field() | 0x40n) << 45n);
      this.#move(46, fpsr);
      this.#emit('MII', op('mov.m_to_ar', { b: 46, c: 40 }));
    }
    if (/^(cmpxchg)/.test(row.name)) {
      const at = Number(c - DATA);
      const size = accessSize(row);
      let old = 0n;
      for (let i = size; i-- > 0;) old = (old << 8n) | BigInt(this.#data.getUint8(at + i));
      this.#move(46, random.below(2) === 0 ? old : this.#integer());
      this.#emit('MII', op('mov.m_to_ar', { b: 46, c: 32 }));
    }
    const predicates = random.next64() | 1n;
    const isBranch = row.unit === 'B';
    let loop = '';
    if (isBranch) {
      const [lc, ec] = [BigInt(random.below(3)), BigInt(random.below(3))];
      this.#move(46, lc);
      this.#emit('MII', op('nop.m'), op('mov.i_to_ar', { b: 46, c: 65 }));
      this.#move(46, ec);
      this.#emit('MII', op('nop.m'), op('mov.i_to_ar', { b: 46, c: 66 }));
      loop = ` lc=${lc} ec=${ec}`;
    }
    this.#move(46, predicates);
    this.#emit('MII', op('nop.m'), op('mov_to_pr', { b: 46, imm: -2 }));

    const isRegister = (letter: string): boolean =>
      row.operands[letter]?.join() === (letter === 'b' ? 'false,0,0,13,7' : 'false,0,0,20,7');
    const operands: Record<string, number | bigint> = {};
    for (const letter of Object.keys(row.operands)) {
      if (letter === 'a') operands[letter] = row.targets === 'p' ? 6 : 40;
      else if (letter === 'd' && (row.targets === 'p' || row.format === 'F6')) operands[letter] = 7;
      else if (letter === 'b' && isRegister('b')) operands[letter] = 41;
      else if (letter === 'c' && isRegister('c')) operands[letter] = 42;
      else if (letter === 'd' && row.unit === 'F') operands[letter] = 43;
      else if (letter === 'd' && row.unit === 'M') operands[letter] = 0;
      else operands[letter] = this.#operand(row, letter);
    }
    if (row.name === 'mux1') operands['d'] = [0, 8, 9, 10, 11][random.below(5)]!;
    if (row.name.startsWith('ldfp')) operands['b'] = 41;
    if (/^psh(l|r)add2/.test(row.name)) operands['d'] = 1 + random.below(3);
    if (row.name === 'mov_to_br') operands['a'] = 6;
    if (row.name === 'mov_from_br') operands['b'] = 6;
    if (row.format === 'F5') operands['imm'] = random.below(512);
    const qp = row.unit !== 'B' && random.below(6) === 0 ? 6 + random.below(58) : 0;
    if (qp !== 0 && row.targets !== 'p' && row.format !== 'F6') operands['qp'] = qp;
    if (/^br\.(cond|wexit|wtop)$/.test(row.name)) operands['qp'] = random.below(64);
    if (isBranch) operands['imm'] = 32;
    const instruction = op(row.name, operands);

    this.#move(47, 0n);
    const unit = row.unit;
    if (unit === 'I') this.#emit('MII', op('nop.m'), instruction);
    else if (unit === 'F') this.#emit('MFI', op('nop.m'), instruction);
    else if (unit === 'B') this.#emit('MIB', op('nop.m'), op('nop.i'), instruction);
    else if (unit === 'X') this.#move(40, x);
    else this.#emit('MII', instruction);
    // Not reached when a branch was taken.
    this.#emit('MII', op('adds', { a: 47, c: 47, imm: 1 }));

    const keep = (register: number): void => this.#emit('MII', op('st8_i', { b: register, c: 48, imm: 8 }));
    this.#emit('MII', op('nop.m'), op('mov_from_pr', { a: 46 }));
    keep(46);
    for (const register of [40, 42]) this.#emit('MII', op('st8.spill_i', { b: register, c: 48, imm: 8 }));
    this.#emit('MII', op('mov.m_from_ar', { a: 46, c: 36 }));
    keep(46);
    this.#emit('MII', op('mov.m_from_ar', { a: 46, c: 40 }));
    keep(46);
    for (const register of [65, 66]) {
      this.#emit('MII', op('nop.m'), op('mov.i_from_ar', { a: 46, c: register }));
      keep(46);
    }
    keep(47);
    if (isBranch) this.#emit('MIB', op('nop.m'), op('nop.i'), op('clrrrb'));
    for (const register of [40, 41]) this.#emit('MII', op('stf.spill_i', { b: register, c: 48, imm: 16 }));
    this.#move(46, DATA + BigInt(cell + 48));
    for (let n = 0; n < 2; n++) {
      this.#emit('MII', op('ld8_i', { a: 49, c: 46, imm: 8 }));
      keep(49);
    }
    const text = Object.entries(operands)
      .map(([key, value]) => `${key}=${value}`)
      .join(' ');
    const values = isFloat ? floats.join(' ') : `${natB ? 'NaT' : x.toString(16)} ${natC ? 'NaT' : c.toString(16)}`;
    this.#vectors.push({ row, shown: `${row.name} ${text} of ${values}${loop} pr=${predicates.toString(16)}` });
  }

  finish(): VectorProgram {
    const body = this.#code.splice(0);
    const records = this.#vectors.length * RECORD;
    const output = BigInt(Math.ceil((this.#cell + 64) / 65536) * 65536);
    // alloc r32 = ar.pfs with 93 locals and three outputs
    this.#emit('MII', op('alloc', { a: 32, b: 96, c: 93, d: 0 }));
    this.#move(46, (1n << 64n) - 1n);
    this.#emit('MII', op('mov.m_to_ar', { b: 46, c: 36 }));
    this.#move(46, DATA);
    this.#emit('MII', op('ld8.fill', { a: 45, c: 46 }));
    this.#move(48, DATA + output);
    this.#move(46, 0x3fn);
    this.#emit('MII', op('mov.m_to_ar', { b: 46, c: 40 }));
    const start = this.#code.splice(0);
    this.#move(125, 1n);
    this.#move(126, DATA + output);
    this.#move(127, BigInt(records));
    this.#move(15, 1027n);
    this.#emit('MII', op('break.m', { imm: 0x10_0000 }));
    this.#move(125, 0n);
    this.#move(15, 1236n);
    this.#emit('MII', op('break.m', { imm: 0x10_0000 }));
    const text = Buffer.concat([...start, ...body, ...this.#code]);
    const dataOffset = Math.ceil((HEADERS + text.length) / 65536) * 65536;
    const elf = new Uint8Array(dataOffset + Number(output));
    elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
    const view = new DataView(elf.buffer);
    view.setUint16(16, 2, true);
    view.setUint16(18, 50, true);
    view.setUint32(20, 1, true);
    view.setBigUint64(24, TEXT + BigInt(HEADERS), true);
    view.setBigUint64(32, 64n, true);
    view.setUint32(48, 0x10, true); // EF_IA_64_ABI64
    view.setUint16(52, 64, true);
    view.setUint16(54, 56, true);
    view.setUint16(56, 2, true);
    const segment = (n: number, flags: number, offset: number, va: bigint, bytes: number, memory: number): void => {
      const at = 64 + n * 56;
      view.setUint32(at, 1, true);
      view.setUint32(at + 4, flags, true);
      [offset, va, va, bytes, memory, 65536].forEach((value, i) =>
        view.setBigUint64(at + 8 + i * 8, BigInt(value), true),
      );
    };
    segment(0, 5, 0, TEXT, HEADERS + text.length, HEADERS + text.length);
    segment(1, 6, dataOffset, DATA, Number(output), Number(output) + Math.ceil(records / 65536) * 65536);
    elf.set(text, HEADERS);
    elf.set(new Uint8Array(this.#data.buffer, 0, this.#cell), dataOffset);
    return { elf, vectors: this.#vectors };
  }
}
