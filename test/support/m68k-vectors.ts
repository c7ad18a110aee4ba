// SPDX-License-Identifier: MIT
//
// Random single instructions for a 68040 in user mode, with operands that stay inside a window of memory.
import { ISA, type IsaRow } from '../../core/m68k/host/gen/isa.ts';
import { random } from './random.ts';

export const MAX_WORDS = 12;
export const MAX_BATCH = 1024;
export const WINDOW_BYTES = 256;
export const SLOT_BYTES = 256;
export const FIRST_BYTE = 128;
export const CODE = 0x7000_0000;
export const DATA = 0x7100_0000;
export const WINDOW = 0x7100_0f80;
export const ILLEGAL = 0x4afc;

/** Offsets in the harness's `struct state`. */
export const STATE = { gpr: 0, sr: 64, fpcr: 68, fpsr: 72, fpiar: 76, fp: 80, window: 176, bytes: 176 + WINDOW_BYTES };
export const REQUEST = { words: 0, state: MAX_WORDS * 2, bytes: MAX_WORDS * 2 + STATE.bytes };
export const ANSWER = { signal: 0, code: 4, pc: 8, state: 12, bytes: 12 + STATE.bytes };

const MODEL_68040 = 8;

export interface M68kVector {
  readonly row: IsaRow;
  readonly words: readonly number[];
  readonly request: DataView;
}

const CORNERS = [
  0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x99, 0x9999,
];

/** Operations of the general floating-point instruction that the 68040 has. */
const FP_OPS = [
  ...[0x00, 0x04, 0x18, 0x1a, 0x20, 0x22, 0x23, 0x24, 0x27, 0x28, 0x38, 0x3a],
  ...[0x40, 0x41, 0x44, 0x45, 0x58, 0x5a, 0x5c, 0x5e, 0x60, 0x62, 0x63, 0x64, 0x66, 0x67, 0x68, 0x6c],
];

/** Instructions that a user program has no use of, or that end it. */
const LEFT_OUT = new Set(['trap', 'bkpt', 'illegal', 'aline', 'rtm', 'callm', 'rtr', 'jmp', 'jsr']);

export function userRows(): IsaRow[] {
  return ISA.filter(
    (row) => (row.models & MODEL_68040) !== 0 && !row.tags.includes('priv') && !LEFT_OUT.has(row.name),
  ).filter(({ name }) => name !== 'move_from_sr');
}

export class M68kVectors {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = random(seed);
  }

  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  #from<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  #word32(): number {
    switch (this.below(6)) {
      case 0:
        return this.#from(CORNERS);
      case 1:
        return this.below(256);
      case 2:
        return (1 << this.below(32)) >>> 0;
      default:
        return Math.floor(this.#next() * 0x1_0000_0000);
    }
  }

  make(row: IsaRow, slot: number): M68kVector {
    const request = new DataView(new ArrayBuffer(REQUEST.bytes));
    this.#taken = [];
    const state = REQUEST.state;
    const gpr = Array.from({ length: 16 }, () => this.#word32());
    for (let n = 8; n < 16; n++) gpr[n] = WINDOW + 0x60 + this.below(0x40);
    const window = Array.from({ length: WINDOW_BYTES / 4 }, () => this.#word32());
    if (/^([as]bcd|nbcd)$/.test(row.name)) {
      // What the chips make of digits above 9 is their own.
      const decimal = (): number => parseInt(String(this.below(1e8)), 16);
      for (let n = 0; n < 8; n++) gpr[n] = decimal();
      window.forEach((_, n) => (window[n] = decimal()));
    }
    const words: number[] = [];
    // The operation word: a mode for each effective address, everything else at random.
    let op = (row.match | (this.below(0x10000) & ~row.mask)) & 0xffff;
    const place = (modes: number): number => {
      for (;;) {
        const bit = this.below(12);
        // xxx.W cannot reach the window.
        if (((modes >> bit) & 1) === 0 || bit === 7) continue;
        return bit < 7 ? (bit << 3) | this.below(8) : 0x38 | (bit - 7);
      }
    };
    if (row.name.startsWith('fbcc')) op &= ~0x20;
    let source = 0;
    let destination = -1;
    const anyMode = row.name === 'fpgen';
    if (row.ea !== 0 && !anyMode) {
      source = place(row.ea);
      op = (op & ~0x3f) | source;
    }
    if (row.dst !== 0) {
      destination = place(row.dst);
      op = (op & ~0xfc0) | ((destination & 7) << 9) | ((destination >> 3) << 6);
    }
    let size = row.size === 0 ? 2 : row.size;
    const extension: number[] = [];
    if (anyMode) {
      const made = this.#floatCommand();
      source = made.ea;
      op = (op & ~0x3f) | source;
      extension.push(made.command);
      size = made.bytes;
    }
    words.push(op);
    if (row.ext >= 1 && row.ext <= 3) {
      for (let n = 0; n < row.ext; n++) extension.push(this.#from([this.below(0x10000), this.below(64)]));
    }
    if (row.imm) for (let n = 0; n < (row.size === 4 ? 2 : 1); n++) extension.push(this.below(0x10000));
    this.#tame(row, op, extension, gpr);
    words.push(...extension);
    const target = (): number => WINDOW + 0x60 + this.below(0x40);
    const addressing = (ea: number, bytes: number, plain = false): void => {
      const mode = ea >> 3;
      const reg = ea & 7;
      if (mode === 5 || ea === 0x3a) words.push(this.#small(mode === 5 ? 16 : 8));
      else if (ea === 0x39) {
        const at = target();
        words.push(at >>> 16, at & 0xffff);
      } else if (ea === 0x3c) {
        const count = bytes <= 2 ? 1 : bytes / 2;
        for (let n = 0; n < count; n++) words.push(this.below(0x10000));
      } else if (mode === 6 || ea === 0x3b) {
        const here = CODE + slot * SLOT_BYTES + FIRST_BYTE + words.length * 2;
        this.#indexed(words, mode === 6 ? reg : -1, here, gpr, window, plain);
      }
    };
    if (row.ea !== 0) addressing(source, size);
    if (destination >= 0)
      addressing(
        destination,
        size,
        row.ea !== 0 && (source >> 3 === 6 || source >> 3 === 3 || source >> 3 === 4 || source === 0x3b),
      );
    if (row.name === 'bcc') {
      const wanted = this.#from([4, 6, 8, -20, 30]);
      if ((op & 0xff) === 0) words.push(wanted & 0xffff);
      else if ((op & 0xff) === 0xff) words.push(wanted < 0 ? 0xffff : 0, wanted & 0xffff);
      else words[0] = (op & 0xff00) | (wanted & 0xff);
    }
    for (let n = 0; n < MAX_WORDS; n++) request.setUint16(n * 2, words[n] ?? ILLEGAL);
    for (let n = 0; n < 16; n++) request.setUint32(state + STATE.gpr + n * 4, gpr[n]!);
    request.setUint32(state + STATE.sr, this.below(32));
    request.setUint32(state + STATE.fpcr, this.below(12) << 4);
    request.setUint32(state + STATE.fpsr, (this.below(0x1_0000) * 0x1000) & 0x0fff_fff8);
    for (let n = 0; n < 8; n++) {
      const [high, upper, lower] = this.#extended();
      request.setUint32(state + STATE.fp + n * 12, high << 16);
      request.setUint32(state + STATE.fp + n * 12 + 4, upper);
      request.setUint32(state + STATE.fp + n * 12 + 8, lower);
    }
    for (let n = 0; n < window.length; n++) request.setUint32(state + STATE.window + n * 4, window[n]!);
    if (anyMode && words.every((word) => (word & 0x100) === 0)) this.#floats(request, state + STATE.window);
    if (row.name === 'rts' || row.name === 'rtd') {
      // Back to where nothing but ILLEGAL is.
      request.setUint32(state + STATE.window + gpr[15]! - WINDOW, CODE + slot * SLOT_BYTES + 2 * this.below(32));
    }
    return { row, words, request };
  }

  /** Index registers of the instruction being made. */
  #taken: number[] = [];

  #small(range: number): number {
    return (this.below(range * 2) - range) & 0xffff;
  }

  /** Keeps what an instruction touches inside the window, and its fields valid. */
  #tame(row: IsaRow, op: number, extension: number[], gpr: number[]): void {
    const near = (): number => WINDOW + 0x70 + this.below(0x20);
    const source = op & 0x3f;
    // The most negative number by -1 ends QEMU 7.2 itself.
    if (/^div/.test(row.name)) for (let n = 0; n < 8; n++) if (gpr[n] === 0x8000_0000) gpr[n] = 0x8000_0001;
    if (/^b(tst|chg|clr|set)i$/.test(row.name)) {
      extension[0] = extension[0]! & 0xff;
    } else if (row.name.startsWith('bf')) {
      const word = extension[0]!;
      if ((word & 0x800) !== 0 && source >= 8) gpr[(word >> 6) & 7] = (this.below(256) - 128) >>> 0;
      extension[0] = word & 0x7fff;
    } else if (row.name.startsWith('movep') || row.name.startsWith('link')) {
      if (row.name.startsWith('movep')) extension[0] = this.#small(16);
    } else if (row.name.startsWith('movem')) {
      if (source >> 3 >= 2 && source >> 3 < 7) gpr[8 + (source & 7)] = near();
    } else if (row.name.startsWith('chk2')) {
      extension[0] = extension[0]! & 0xf800;
    } else if (row.name.startsWith('cas2')) {
      for (let n = 0; n < 2; n++) extension[n] = 0x8000 | (extension[n]! & 0x71c7);
    } else if (row.name.startsWith('cas')) {
      extension[0] = extension[0]! & 0x01c7;
    } else if (row.name === 'mull' || row.name === 'divl') {
      extension[0] = extension[0]! & 0x7c07;
      if (row.name === 'divl' && this.below(2) === 0) gpr[extension[0] & 7] = this.below(4);
    } else if (row.name === 'dbcc') {
      extension[0] = this.#from([4, 6, 0xffe0]);
    } else if (row.name === 'rtd') {
      extension[0] = this.#small(16);
    } else if (row.name.startsWith('move16')) {
      if (extension.length === 2) {
        const at = near();
        extension[0] = at >>> 16;
        extension[1] = at & 0xffff;
      } else {
        extension[0] = 0x8000 | (extension[0]! & 0x7000);
      }
    } else if (row.name.startsWith('fbcc')) {
      // Predicates above 31 are none.
      const wanted = this.#from([4, 6, 8, -20]);
      if (extension.length === 2) extension[0] = wanted < 0 ? 0xffff : 0;
      extension[extension.length - 1] = wanted & 0xffff;
    } else if (/^(fscc|fdbcc|ftrapcc)/.test(row.name)) {
      extension[0] = this.below(32);
      if (row.name === 'fdbcc') extension[1] = this.#from([4, 6, 8]);
    }
  }

  #indexed(words: number[], reg: number, here: number, gpr: number[], window: number[], plain = false): void {
    let n = this.below(16);
    while (this.#taken.includes(n & 7)) n = this.below(16);
    this.#taken.push(n & 7);
    const long = this.below(2);
    const factor = this.below(4);
    const same = reg >= 0 && n === 8 + reg;
    const pcBase = reg < 0;
    const brief = plain || this.below(2) === 0;
    if (brief) {
      if (n < 8) gpr[n] = (this.below(16) - 8) >>> 0;
      if (n >= 8 || same) {
        // An address as index would leave the window: another register.
        const d = n & 7;
        gpr[d] = (this.below(16) - 8) >>> 0;
        words.push((d << 12) | (long << 11) | (factor << 9) | ((this.below(32) - 16) & 0xff));
      } else {
        words.push((n << 12) | (long << 11) | (factor << 9) | ((this.below(32) - 16) & 0xff));
      }
      return;
    }
    const d = n & 7;
    gpr[d] = (this.below(16) - 8) >>> 0;
    const baseSuppressed = this.below(4) === 0 ? 1 : 0;
    const indexSuppressed = this.below(4) === 0 ? 1 : 0;
    let indirect = this.#from([0, 0, 1, 2, 3, 5, 6, 7]);
    if (indexSuppressed !== 0) indirect &= 3;
    const base = baseSuppressed !== 0 ? 0 : pcBase ? here : gpr[8 + reg]!;
    const index = indexSuppressed !== 0 ? 0 : (gpr[d]! | 0) << factor;
    const outerSize = indirect & 3;
    const outer = outerSize <= 1 ? 0 : this.below(32) - 16;
    const first = indirect === 0 ? WINDOW + 0x70 + this.below(16) : WINDOW + 4 * this.below(8);
    const displacement = (first - base - (indirect & 4 ? 0 : index)) >>> 0;
    words.push(
      (d << 12) |
        (long << 11) |
        (factor << 9) |
        0x100 |
        (baseSuppressed << 7) |
        (indexSuppressed << 6) |
        0x30 |
        indirect,
    );
    words.push(displacement >>> 16, displacement & 0xffff);
    if (indirect !== 0) {
      const final = WINDOW + 0x70 + this.below(16);
      window[(first - WINDOW) / 4] = (final - outer - (indirect & 4 ? index : 0)) >>> 0;
      if (outerSize === 2) words.push(outer & 0xffff);
      if (outerSize === 3) words.push(outer < 0 ? 0xffff : 0, outer & 0xffff);
    }
  }

  /** An extended number: corners, and ordinary ones of all sizes. */
  #extended(): readonly [number, number, number] {
    const sign = this.below(2) << 15;
    const upper = (0x8000_0000 | this.#word32()) >>> 0;
    const lower = this.#from([0, 0, this.#word32(), 0x400, 0x7ff, 0x800, 0xffff_ffff]);
    switch (this.below(16)) {
      case 0:
        return [sign, 0, 0];
      case 1:
        return [sign | 0x7fff, 0, 0];
      case 2:
        return [sign | 0x7fff, (0xc000_0000 | this.#word32()) >>> 0, lower];
      case 3:
        return [sign | 0x7fff, ((this.#word32() & 0x3fff_ffff) | 0x8000_0000) >>> 0, (lower | 1) >>> 0];
      case 4:
        return [
          sign | (0x3fff + this.below(4) - 2),
          this.#from([0x8000_0000, 0xffff_ffff, 0x8000_0100, 0x8000_0080]),
          lower,
        ];
      case 5:
        return [sign | (1 + this.below(0x7ffe)), upper, lower];
      case 6:
        return [
          sign | this.#from([0x3f80, 0x3f81, 0x3f82, 0x407e, 0x407f, 0x3c00, 0x3c01, 0x3c02, 0x43fe, 0x43ff]),
          upper,
          lower,
        ];
      default:
        return [sign | (0x3fff + this.below(70) - 35), upper, lower];
    }
  }

  /** Fills the window with numbers of one format. */
  #floats(request: DataView, at: number): void {
    const kind = this.below(3);
    const step = kind === 0 ? 4 : kind === 1 ? 8 : 12;
    for (let offset = 0; offset + step <= WINDOW_BYTES; offset += step) {
      const [high, upper, lower] = this.#extended();
      if (kind === 2) {
        request.setUint32(at + offset, high << 16);
        request.setUint32(at + offset + 4, upper);
        request.setUint32(at + offset + 8, lower);
      } else {
        const value = (high & 0x8000 ? -1 : 1) * (upper / 2 ** 31) * 2 ** ((high & 0x7fff) - 0x3fff);
        if (kind === 0) request.setFloat32(at + offset, value);
        else request.setFloat64(at + offset, value);
      }
    }
  }

  #floatCommand(): { readonly command: number; readonly ea: number; readonly bytes: number } {
    const n = this.below(8) << 7;
    const formats = [0, 1, 2, 4, 5, 6];
    const bytesOf = [4, 4, 12, 12, 2, 8, 1];
    const memory = (modes: number): number => {
      for (;;) {
        const bit = this.below(12);
        if ((modes >> bit) & 1 && bit !== 7) return bit < 7 ? (bit << 3) | this.below(8) : 0x38 | (bit - 7);
      }
    };
    switch (this.below(8)) {
      case 0:
      case 1:
      case 2:
        return { command: (this.below(8) << 10) | n | this.#from(FP_OPS), ea: 0, bytes: 4 };
      case 3:
      case 4: {
        const format = this.#from(formats);
        const bytes = bytesOf[format]!;
        return {
          command: 0x4000 | (format << 10) | n | this.#from(FP_OPS),
          ea: memory(bytes <= 4 ? 0xffd : 0xffc),
          bytes,
        };
      }
      case 5: {
        const format = this.#from(formats);
        const bytes = bytesOf[format]!;
        return { command: 0x6000 | (format << 10) | n, ea: memory(bytes <= 4 ? 0x1fd : 0x1fc), bytes };
      }
      case 6: {
        const list = 1 << (10 + this.below(3));
        const out = this.below(2) === 0;
        return { command: (out ? 0xa000 : 0x8000) | list, ea: memory(out ? 0x1fc : 0x7fc), bytes: 4 };
      }
      default: {
        const out = this.below(2) === 0;
        const ea = memory(out ? 0x1f4 : 0x7ec) & 0x3f;
        const down = ea >> 3 === 4;
        const list = (this.below(256) & this.below(256)) | (1 << this.below(8));
        return { command: (out ? 0xe000 : 0xc000) | (down ? 0 : 0x1000) | list, ea, bytes: 12 };
      }
    }
  }
}
