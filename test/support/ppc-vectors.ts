// SPDX-License-Identifier: MIT
import { type DecodeRow, decodeRows, fieldOf, hasField } from './ppc-decode.ts';
import type { PpcRandom } from './ppc-random.ts';

/** Where the harness has its areas; test/cpu/ppc/harness/harness.c has the same numbers. */
export const CODE = 0x7000_0000;
export const SLOT_WORDS = 16;
export const FIRST_WORD = 4;
export const MAX_WORDS = 4;
export const MAX_BATCH = 1024;
export const WINDOW = 0x7100_0f80;
export const WINDOW_BYTES = 256;
/** Nothing is mapped here, on either side. */
const NOWHERE = 0x6000_0000;
const NOWHERE_BYTES = 0x1000_0000;

/** Byte offsets in `struct request`. */
export const REQUEST = {
  words: 0,
  gpr: 16,
  cr: 144,
  xer: 148,
  lr: 152,
  ctr: 156,
  fpscr: 160,
  fpr: 168,
  window: 424,
  bytes: 680,
};

export const slotPc = (slot: number): number => CODE + (slot * SLOT_WORDS + FIRST_WORD) * 4;

/** One test case: a request for the harness, and what our side runs, which may have ignored bits set. */
export interface Vector {
  readonly row: DecodeRow;
  /** `struct request`, big-endian. */
  readonly request: DataView;
  readonly words: readonly number[];
}

// FPSCR
const FX = 0x8000_0000;
const VX = 0x2000_0000;
const EXCEPTIONS = 0x1e00_0000; // OX UX ZX XX
const INVALID = 0x01f8_0700; // VXSNAN VXISI VXIDI VXZDZ VXIMZ VXVC VXSOFT VXSQRT VXCVI
const RESULT = 0x0007_f000; // FR FI FPRF
const ENABLES = 0xf8;
const VE = 0x80;
const XE = 0x08;

/** Stands for all words that no row of the table has. */
export const ILLEGAL: DecodeRow = {
  name: 'illegal',
  mask: 0,
  value: 0,
  ignored: 0,
  fields: new Map(),
  attributes: new Set(),
  needs: undefined,
};

/** Stands for several register instructions in a row. */
export const SEQUENCE: DecodeRow = { ...ILLEGAL, name: 'sequence' };

/** Makes the state of {@link Vector}s for rows of the decode table. */
export class PpcVectors {
  readonly #rng: PpcRandom;
  readonly #rows = decodeRows();
  readonly #simple = this.#rows.filter(({ name, attributes, needs }) => {
    const special = ['load', 'store', 'fp', 'flow', 'sys', 'priv'].some((attribute) => attributes.has(attribute));
    return !special && needs === undefined && !name.startsWith('divw');
  });

  constructor(rng: PpcRandom) {
    this.#rng = rng;
  }

  /** A test case for `row`, to be run in slot `slot` of a batch. */
  make(row: DecodeRow, slot: number): Vector {
    const request = new DataView(new ArrayBuffer(REQUEST.bytes));
    this.#fillRegisters(request);
    if (row === ILLEGAL) {
      const words = [this.#illegal()];
      request.setUint32(REQUEST.words, words[0]!);
      return { row, request, words };
    }
    if (row === SEQUENCE) return this.#sequence(request);
    if (row.name === 'lwarx' || row.name === 'stwcx.') return this.#reservation(row, request);
    const word = this.#shape(row, this.#encode(row));
    this.#operands(row, word, request, slot);
    const words = [this.#withIgnoredBits(row, this.#fixBranch(row, word, request, slot))];
    request.setUint32(REQUEST.words, (words[0]! & ~row.ignored) >>> 0);
    return { row, request, words };
  }

  #fillRegisters(request: DataView): void {
    const rng = this.#rng;
    for (let n = 0; n < 32; n++) setGpr(request, n, rng.integer());
    // The harness's own stack is in low memory, and a stack pointer there would look as if we were on it.
    if (gpr(request, 1) < 0x2000_0000) setGpr(request, 1, gpr(request, 1) | 0x4000_0000);
    for (let n = 0; n < 64; n++) request.setUint32(REQUEST.fpr + n * 4, rng.word());
    for (let n = 0; n < WINDOW_BYTES; n += 4) request.setUint32(REQUEST.window + n, rng.word());
    request.setUint32(REQUEST.cr, rng.word());
    request.setUint32(REQUEST.xer, rng.word() & 0xe000_007f);
    request.setUint32(REQUEST.lr, rng.word());
    request.setUint32(REQUEST.ctr, rng.chance(1, 2) ? rng.below(3) : rng.word());
    request.setUint32(REQUEST.fpscr, this.#fpscr());
  }

  /** A state that the processor itself could have come to, with none of the enabled exceptions pending. */
  #fpscr(): number {
    const rng = this.#rng;
    let fpscr = rng.below(4) | (rng.word() & RESULT);
    if (rng.chance(1, 3)) fpscr |= rng.word() & ENABLES;
    if (rng.chance(1, 2)) fpscr |= rng.word() & (EXCEPTIONS | INVALID | FX);
    fpscr &= ~((fpscr & 0x78) << 22);
    if (fpscr & VE) fpscr &= ~INVALID;
    if (fpscr & INVALID) fpscr |= VX;
    return fpscr >>> 0;
  }

  #encode(row: DecodeRow): number {
    let word = row.value;
    for (const field of row.fields.values()) {
      word |= this.#fieldValue(row, field.name, field.width) << field.shift;
    }
    return word >>> 0;
  }

  #fieldValue(row: DecodeRow, name: string, width: number): number {
    const rng = this.#rng;
    const limit = 2 ** width;
    switch (name) {
      case 'si':
      case 'ui':
        return rng.chance(1, 3) ? rng.from([0, 1, 0x7fff, 0x8000, 0xffff, 0xfffe]) : rng.below(limit);
      case 'd':
        return rng.chance(1, 4) ? rng.from([0, 4, 0x7fff, 0x8000, 0xffff]) : rng.below(limit);
      case 'spr': {
        const spr =
          row.name === 'mftb'
            ? rng.from([268, 269])
            : rng.chance(3, 4)
              ? rng.from([1, 8, 9])
              : rng.chance(1, 2)
                ? rng.below(1024)
                : rng.from(OTHER_SPRS);
        return ((spr & 31) << 5) | (spr >>> 5);
      }
      default:
        return rng.below(limit);
    }
  }

  /** Turns forms that the manual calls invalid into valid ones. */
  #shape(row: DecodeRow, word: number): number {
    const rng = this.#rng;
    const { name } = row;
    const memory = row.attributes.has('load') || row.attributes.has('store');
    if (memory && hasField(row, 'ra')) {
      const update = /u(x)?$/.test(name);
      const load = row.attributes.has('load') && hasField(row, 'rt');
      while (isInvalidForm(row, word, update, load)) {
        const ra = row.fields.get('ra')!;
        word = ((word & ~(31 << ra.shift)) | (rng.below(32) << ra.shift)) >>> 0;
        const rt = row.fields.get('rt');
        if (rt) word = ((word & ~(31 << rt.shift)) | (rng.below(32) << rt.shift)) >>> 0;
        const rb = row.fields.get('rb');
        if (rb) word = ((word & ~(31 << rb.shift)) | (rng.below(32) << rb.shift)) >>> 0;
      }
    }
    if (name === 'bcctr') word |= 4 << 21; // counting down the register that is the target
    return word >>> 0;
  }

  #operands(row: DecodeRow, word: number, request: DataView, slot: number): void {
    const rng = this.#rng;
    const { name } = row;
    if (name === 'lswx' || name === 'stswx') request.setUint32(REQUEST.xer, stringXer(rng, row, word, request));
    if (row.attributes.has('load') || row.attributes.has('store')) this.#address(row, word, request);
    if (name.startsWith('lf') || name.startsWith('stf')) {
      for (let n = 0; n < WINDOW_BYTES; n += 8) {
        const [high, low] = rng.chance(1, 2) ? rng.double() : [rng.single(), rng.single()];
        request.setUint32(REQUEST.window + n, high);
        request.setUint32(REQUEST.window + n + 4, low);
      }
    }
    const seen: (readonly [number, number])[] = [];
    for (const field of ['frs', 'fra', 'frc', 'frb']) {
      if (!hasField(row, field)) continue;
      const value = this.#related(seen, rng.double());
      seen.push(value);
      request.setUint32(REQUEST.fpr + fieldOf(row, word, field) * 8, value[0]);
      request.setUint32(REQUEST.fpr + fieldOf(row, word, field) * 8 + 4, value[1]);
    }
    if ((name === 'cmp' || name === 'cmpl' || name === 'tw') && rng.chance(1, 4)) {
      setGpr(request, fieldOf(row, word, 'rb'), gpr(request, fieldOf(row, word, 'ra')) + rng.from([0, 1, -1]));
    }
    if ((name === 'cmpi' || name === 'cmpli' || name === 'twi') && rng.chance(1, 4)) {
      const immediate = fieldOf(row, word, name === 'cmpli' ? 'ui' : 'si');
      setGpr(request, fieldOf(row, word, 'ra'), immediate + rng.from([0, 1, -1]));
    }
    // Estimates do not set XX (8.2), but the reference does.
    if (name === 'fres' || name === 'frsqrte') request.setUint32(REQUEST.fpscr, request.getUint32(REQUEST.fpscr) & ~XE);
    if (name === 'bclr') request.setUint32(REQUEST.lr, this.#target(slot) | rng.below(4));
    if (name === 'bcctr') request.setUint32(REQUEST.ctr, this.#target(slot) | rng.below(4));
  }

  /** Sometimes an operand close to an earlier one: cancellation, equality, products that just miss an addend. */
  #related(seen: readonly (readonly [number, number])[], fresh: readonly [number, number]): readonly [number, number] {
    const rng = this.#rng;
    if (seen.length === 0 || !rng.chance(1, 4)) return fresh;
    const [high, low] = rng.from(seen);
    const sign = rng.chance(1, 2) ? 0x8000_0000 : 0;
    const exponent = rng.chance(1, 2) ? 0 : rng.from([-1, 1, 2, 26, 27, 28, 52, 53, 54, -52, -53]) << 20;
    return [((high ^ sign) + exponent) >>> 0, (low + rng.from([0, 0, 1, -1])) >>> 0];
  }

  /** Sets the address registers so that the access falls where something interesting is, and only there. */
  #address(row: DecodeRow, word: number, request: DataView): void {
    const rng = this.#rng;
    const size = accessBytes(row, word, request);
    const restartable = size <= 8;
    let ea: number;
    if (restartable && rng.chance(1, 32)) ea = NOWHERE + rng.below(NOWHERE_BYTES - 64);
    else {
      const slack = WINDOW_BYTES - size;
      ea = WINDOW + (rng.chance(1, 4) ? Math.min(slack, Math.max(0, 128 - rng.below(size + 1))) : rng.below(slack + 1));
      // Unaligned accesses are for the integer unit; the others raise the alignment exception on a real processor.
      const align = row.attributes.has('fp') || /^(l|st)mw$|^ec/.test(row.name) ? 4 : rng.chance(1, 2) ? size : 1;
      if ((align & (align - 1)) === 0) ea &= ~(align - 1);
    }
    const ra = fieldOf(row, word, 'ra');
    if (hasField(row, 'd')) {
      if (ra !== 0) setGpr(request, ra, ea - fieldOf(row, word, 'd'));
    } else if (!hasField(row, 'rb')) {
      if (ra !== 0) setGpr(request, ra, ea);
    } else {
      const rb = fieldOf(row, word, 'rb');
      if (ra === 0) setGpr(request, rb, ea);
      else if (ra === rb) setGpr(request, ra, Math.floor((ea & ~1) / 2) + rng.from([0, 0x8000_0000]));
      else {
        if (rng.chance(1, 2)) setGpr(request, rb, rng.below(0x2000) - 0x1000);
        setGpr(request, ra, ea - gpr(request, rb));
      }
    }
  }

  /** Some place where a branch may land: an illegal instruction in the code area, or nowhere. */
  #target(slot: number, reach = 1 << 20): number {
    const rng = this.#rng;
    if (reach > 1 << 19 && rng.chance(1, 8)) return NOWHERE + rng.below(NOWHERE_BYTES / 4) * 4;
    const slots = Math.floor(reach / (SLOT_WORDS * 4)) - 1;
    const first = Math.max(0, slot - slots);
    const last = Math.min(MAX_BATCH - 1, slot + slots);
    const to = rng.chance(1, 2) ? slot : first + rng.below(last - first + 1);
    return CODE + (to * SLOT_WORDS + rng.from([0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15])) * 4;
  }

  #fixBranch(row: DecodeRow, word: number, _request: DataView, slot: number): number {
    const field = row.name === 'b' ? 'li' : row.name === 'bc' ? 'bd' : undefined;
    if (field === undefined || fieldOf(row, word, 'aa') === 1) return word;
    const { shift, width } = row.fields.get(field)!;
    const reach = Math.min(2 ** (width + 1), 1 << 19);
    const displacement = (this.#target(slot, reach) - slotPc(slot)) >> 2;
    const mask = (2 ** width - 1) << shift;
    return ((word & ~mask) | ((displacement << shift) & mask)) >>> 0;
  }

  /** Bits that the processor ignores: ours gets them at random, the reference gets zeros. */
  #withIgnoredBits(row: DecodeRow, word: number): number {
    return this.#rng.chance(1, 4) ? (word | (this.#rng.word() & row.ignored)) >>> 0 : word;
  }

  /** Instructions that work on registers only and define all of their results. */
  #sequence(request: DataView): Vector {
    const words = Array.from({ length: MAX_WORDS }, () => this.#encode(this.#rng.from(this.#simple)));
    words.forEach((word, i) => request.setUint32(REQUEST.words + i * 4, word));
    return { row: SEQUENCE, request, words };
  }

  /** A word that no row of the table has, mostly with a primary opcode that has many. */
  #illegal(): number {
    const rng = this.#rng;
    for (;;) {
      const word = rng.chance(7, 8)
        ? ((rng.from([19, 31, 31, 31, 59, 63]) << 26) | (rng.word() & 0x03ff_ffff)) >>> 0
        : rng.word();
      if (!this.#rows.some(({ mask, value }) => (word & mask) >>> 0 === value)) return word;
    }
  }

  /** lwarx and stwcx. in sequences with a known reservation. */
  #reservation(row: DecodeRow, request: DataView): Vector {
    const rng = this.#rng;
    const lwarx = (rt: number, rb: number): number => (0x7c00_0028 | (rt << 21) | (rb << 11)) >>> 0;
    const stwcx = (rs: number, rb: number): number => (0x7c00_012d | (rs << 21) | (rb << 11)) >>> 0;
    const [near, far, data, into] = shuffled(rng).slice(0, 4) as [number, number, number, number];
    setGpr(request, near, WINDOW + rng.below(32) * 4);
    setGpr(request, far, WINDOW + 128 + rng.below(32) * 4);
    const words = rng.from([
      [lwarx(into, near)],
      [lwarx(into, near), stwcx(data, near)],
      [lwarx(into, near), stwcx(data, near), stwcx(into, near)],
      [lwarx(into, near), stwcx(into, near), stwcx(data, far)],
      [lwarx(into, near), lwarx(into, far), stwcx(data, far)],
    ]);
    words.forEach((word, i) => request.setUint32(REQUEST.words + i * 4, word));
    return { row, request, words };
  }
}

const OTHER_SPRS = [
  0, 2, 3, 4, 5, 6, 7, 18, 19, 22, 25, 26, 27, 272, 273, 274, 275, 282, 284, 285, 287, 528, 529, 535, 536, 543, 952,
  953, 954, 955, 956, 957, 958, 1008, 1009, 1010, 1013, 1017, 1019, 1020, 1021, 1022,
];

export const gpr = (request: DataView, n: number): number => request.getUint32(REQUEST.gpr + n * 4);

function setGpr(request: DataView, n: number, value: number): void {
  request.setUint32(REQUEST.gpr + n * 4, value >>> 0);
}

function shuffled(rng: PpcRandom): number[] {
  const numbers = Array.from({ length: 31 }, (_, i) => i + 1).filter((n) => n !== 1);
  for (let i = numbers.length - 1; i > 0; i--) {
    const j = rng.below(i + 1);
    [numbers[i], numbers[j]] = [numbers[j]!, numbers[i]!];
  }
  return numbers;
}

/** Registers that a string or multiple load writes, as a set. */
function loaded(row: DecodeRow, word: number, bytes: number): Set<number> {
  const rt = fieldOf(row, word, 'rt');
  return new Set(Array.from({ length: Math.ceil(bytes / 4) }, (_, i) => (rt + i) & 31));
}

function isInvalidForm(row: DecodeRow, word: number, update: boolean, load: boolean): boolean {
  const ra = fieldOf(row, word, 'ra');
  if (update) return ra === 0 || (load && ra === fieldOf(row, word, 'rt'));
  if (row.name === 'lmw') return ra >= fieldOf(row, word, 'rt');
  if (row.name === 'lswi') return loaded(row, word, fieldOf(row, word, 'nb') || 32).has(ra);
  if (row.name === 'lswx') {
    const registers = loaded(row, word, 4);
    return registers.has(ra) || registers.has(fieldOf(row, word, 'rb'));
  }
  return false;
}

/** XER with a byte count that keeps lswx from overwriting its address registers. */
function stringXer(rng: PpcRandom, row: DecodeRow, word: number, request: DataView): number {
  const xer = request.getUint32(REQUEST.xer) & ~0x7f;
  let count = rng.from([0, 1, 2, 3, 4, 5, 7, 8, 31, 32, 33, rng.below(128), rng.below(128)]);
  if (row.name === 'lswx') {
    const addresses = [fieldOf(row, word, 'ra'), fieldOf(row, word, 'rb')];
    count = Math.max(1, count);
    while (addresses.some((n) => loaded(row, word, count).has(n))) count = Math.floor(count / 2);
  }
  return (xer | count) >>> 0;
}

/** Bytes from the effective address on that the instruction may touch. */
export function accessBytes(row: DecodeRow, word: number, request: DataView): number {
  const { name } = row;
  if (name === 'lmw') return (32 - fieldOf(row, word, 'rt')) * 4;
  if (name === 'stmw') return (32 - fieldOf(row, word, 'rs')) * 4;
  if (name === 'lswi' || name === 'stswi') return fieldOf(row, word, 'nb') || 32;
  if (name === 'lswx' || name === 'stswx') return request.getUint32(REQUEST.xer) & 0x7f;
  if (/^(l|st)fd/.test(name)) return 8;
  if (/^(l|st)b/.test(name) || /^(dcb|icb)/.test(name)) return 1;
  if (/^(l|st)h/.test(name)) return 2;
  return 4;
}
