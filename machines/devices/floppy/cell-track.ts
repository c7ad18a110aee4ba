// SPDX-License-Identifier: MIT

/** A track as magnetic cells: 1 where the flux changes. It is a ring; cell 0 lies behind the index hole. */
export class CellTrack {
  readonly cells: Uint8Array;
  /** Where `append` goes on. */
  #at = 0;
  /** The last data bit `appendMfm` wrote. */
  #lastBit = 0;

  constructor(length: number) {
    this.cells = new Uint8Array(length);
  }

  get length(): number {
    return this.cells.length;
  }

  get appended(): number {
    return this.#at;
  }

  /** Writes the low `count` bits of `value`, highest first, as long as there is room. */
  append(value: number, count: number): void {
    for (let bit = count - 1; bit >= 0 && this.#at < this.cells.length; bit--) {
      this.cells[this.#at++] = (value >>> bit) & 1;
    }
  }

  /** One byte of modified frequency modulation: a clock cell before each data cell. */
  appendMfm(byte: number): void {
    let cells = 0;
    for (let bit = 7; bit >= 0; bit--) {
      const data = (byte >>> bit) & 1;
      const clock = this.#lastBit === 0 && data === 0 ? 1 : 0;
      cells = (cells << 2) | (clock << 1) | data;
      this.#lastBit = data;
    }
    this.append(cells, 16);
  }

  /** A mark of 16 cells whose missing clock no data have. */
  appendMark(cells: number): void {
    this.append(cells, 16);
    this.#lastBit = cells & 1;
  }

  static fromBits(bits: Uint8Array, length: number): CellTrack {
    const track = new CellTrack(length);
    for (let i = 0; i < length; i++) track.cells[i] = (bits[i >>> 3]! >>> (7 - (i & 7))) & 1;
    return track;
  }

  toBits(): Uint8Array {
    const bits = new Uint8Array(Math.ceil(this.cells.length / 8));
    this.cells.forEach((cell, i) => {
      bits[i >>> 3] = bits[i >>> 3]! | (cell << (7 - (i & 7)));
    });
    return bits;
  }
}
