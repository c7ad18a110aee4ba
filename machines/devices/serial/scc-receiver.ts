// SPDX-License-Identifier: MIT
import type { PlainFields } from '../../backplane/device.ts';
import { SavedFields } from '../../backplane/device.ts';
import type { SccMode } from './scc-mode.ts';
import { SccReceiveFifo } from './scc-receive-fifo.ts';
import {
  RR1_CRC_FRAMING,
  RR1_END_OF_FRAME,
  RR1_OVERRUN,
  RR1_PARITY,
  RR7_DATA_AVAILABLE,
  RR7_OVERFLOW,
  STATUS_FIFO_DEPTH,
  WR3_ADDRESS_SEARCH,
  WR3_AUTO_ENABLES,
  WR3_RX_ENABLE,
  WR3_SYNC_LOAD_INHIBIT,
} from './scc-registers.ts';

const MAX_BYTE_COUNT = 0x3fff;

/** What a channel says to whoever listens to its line in SDLC mode. */
export interface SdlcLine {
  /** A whole byte of a frame; the first one follows the opening flag. */
  byte(data: number): void;
  /** The closing flag, after the frame check sequence if there was one. */
  end(fcs: readonly number[]): void;
  /** Seven or more ones. */
  abort(): void;
}

/** The receiving half of a channel, [SCC]: characters and frames from the line into the FIFO. Drives no wire. */
export class SccReceiver implements SdlcLine {
  readonly fifo: SccReceiveFifo;
  hunt = false;
  /** The Break/Abort bit of RR0. */
  break = false;
  /** The DCD pin, which enables the receiver with Auto Enables. */
  dcd = false;

  readonly #mode: SccMode;
  #inFrame = false;
  #skip = false;
  #crc = 0;
  #count = 0;
  readonly #frames: number[] = []; // frame status FIFO: status << 16 | byte count
  #framesOverflow = false;

  constructor(mode: SccMode) {
    this.#mode = mode;
    this.fifo = new SccReceiveFifo(mode);
  }

  get enabled(): boolean {
    const wr3 = this.#mode.wr[3]!;
    if (!(wr3 & WR3_RX_ENABLE)) return false;
    return !(wr3 & WR3_AUTO_ENABLES) || this.dcd || this.#mode.loopback;
  }

  /** The receiver has been disabled. */
  stop(): void {
    this.#inFrame = false;
  }

  // ---- asynchronous -----------------------------------------------------------------------------------------------

  /** An asynchronous character: data bits, parity bit, stop bits, then the idle line's ones. */
  bits(line: number): void {
    const mode = this.#mode;
    if (!this.enabled || !mode.async) return;
    const bits = mode.rxBits;
    const withParity = bits + mode.parityBits;
    const value = line & ((1 << bits) - 1);
    let data = line & ((1 << withParity) - 1) & 0xff;
    // [SCC] a character shorter than eight bits comes with its parity bit, and ones above
    if (withParity < 8) data |= (0xff << withParity) & 0xff;
    let status = 0;
    if (mode.parityBits && ((line >>> bits) & 1) !== mode.parityOf(value)) status |= RR1_PARITY;
    if (((line >>> withParity) & 1) === 0) status |= RR1_CRC_FRAMING;
    this.fifo.push({ data, status });
  }

  lineBreak(begins: boolean): void {
    if (!this.#mode.async) {
      this.break = false;
      return;
    }
    if (begins === this.break) return;
    this.break = begins;
    // [SCC] one null character with a framing error is left in the FIFO
    if (!begins && this.enabled) this.fifo.push({ data: 0, status: RR1_CRC_FRAMING });
  }

  // ---- synchronous ------------------------------------------------------------------------------------------------

  byte(data: number): void {
    const mode = this.#mode;
    if (mode.async || !this.enabled) return;
    if (!this.#inFrame) {
      this.#inFrame = true;
      this.#crc = mode.crcPreset;
      this.#count = 0;
      this.hunt = false;
      this.break = false;
      this.#skip = mode.sdlc && (mode.wr[3]! & WR3_ADDRESS_SEARCH) !== 0 && !this.#addressed(data);
    }
    if (this.#skip) return;
    this.#crc = mode.crc(this.#crc, data);
    this.#count = Math.min(MAX_BYTE_COUNT, this.#count + 1);
    this.fifo.push({ data, status: 0 });
  }

  #addressed(address: number): boolean {
    const mask = this.#mode.wr[3]! & WR3_SYNC_LOAD_INHIBIT ? 0xf0 : 0xff;
    return address === 0xff || ((address ^ this.#mode.wr[6]!) & mask) === 0;
  }

  end(fcs: readonly number[]): void {
    const mode = this.#mode;
    const skip = this.#skip || !this.#inFrame || mode.async || !this.enabled;
    this.#inFrame = this.#skip = false;
    if (skip) return;
    if (!mode.sdlc) {
      for (const data of fcs) this.fifo.push({ data, status: 0 });
      return;
    }
    const expected = ~this.#crc & 0xffff;
    const good = fcs.length === 2 && fcs[0] === (expected & 0xff) && fcs[1] === expected >>> 8;
    const status = RR1_END_OF_FRAME | (good ? 0 : RR1_CRC_FRAMING);
    this.#count = Math.min(MAX_BYTE_COUNT, this.#count + fcs.length);
    const overrun = this.fifo.errors & RR1_OVERRUN;
    if (fcs.length === 0) {
      const { last } = this.fifo;
      if (last !== undefined) last.status |= status;
    }
    fcs.forEach((data, index) => {
      this.fifo.push({ data, status: index === fcs.length - 1 ? status : 0 });
    });
    if (!mode.statusFifo) return;
    if (this.#frames.length >= STATUS_FIFO_DEPTH) this.#framesOverflow = true;
    else this.#frames.push((((status & 0xff) | overrun) << 16) | this.#count);
  }

  abort(): void {
    if (this.#mode.async || !this.enabled) return;
    this.#inFrame = this.#skip = false;
    this.break = true;
    this.hunt = true;
  }

  resetCrc(): void {
    this.#crc = this.#mode.crcPreset;
  }

  // ---- frame status FIFO, 85C30 and 85230 -------------------------------------------------------------------------

  /** Status and byte count of the oldest frame, `undefined` when there is none. */
  get frame(): { status: number; count: number } | undefined {
    const frame = this.#frames[0];
    return frame === undefined ? undefined : { status: frame >>> 16, count: frame & MAX_BYTE_COUNT };
  }

  get rr7(): number {
    const count = (this.frame?.count ?? 0) >>> 8;
    return count | (this.#frames.length > 0 ? RR7_DATA_AVAILABLE : 0) | (this.#framesOverflow ? RR7_OVERFLOW : 0);
  }

  /** [85C30] reading RR1 takes one entry. */
  takeFrame(): void {
    if (this.#mode.statusFifo) this.#frames.shift();
  }

  clearFrames(): void {
    this.#frames.length = 0;
    this.#framesOverflow = false;
  }

  // ---- state ------------------------------------------------------------------------------------------------------

  reset(): void {
    this.fifo.reset();
    this.hunt = this.break = false;
    this.#inFrame = this.#skip = false;
    this.#crc = this.#count = 0;
    this.clearFrames();
  }

  save(): PlainFields {
    return {
      fifo: this.fifo.save(),
      hunt: this.hunt,
      break: this.break,
      dcd: this.dcd,
      inFrame: this.#inFrame,
      skip: this.#skip,
      crc: this.#crc,
      count: this.#count,
      frames: [...this.#frames],
      framesOverflow: this.#framesOverflow,
    };
  }

  restore(saved: SavedFields): void {
    this.fifo.restore(saved.nested('fifo'));
    this.hunt = saved.bool('hunt');
    this.break = saved.bool('break');
    this.dcd = saved.bool('dcd');
    this.#inFrame = saved.bool('inFrame');
    this.#skip = saved.bool('skip');
    this.#crc = saved.u16('crc');
    this.#count = saved.int('count', 0, MAX_BYTE_COUNT);
    const frames = saved
      .list('frames', STATUS_FIFO_DEPTH)
      .map((frame) => new SavedFields('frame status FIFO', { frame }).int('frame', 0, 0xff_ffff));
    this.#frames.splice(0, this.#frames.length, ...frames);
    this.#framesOverflow = saved.bool('framesOverflow');
  }
}
