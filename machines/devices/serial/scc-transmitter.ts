// SPDX-License-Identifier: MIT
import type { PlainFields, SavedFields } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Task } from '../../backplane/scheduler.ts';
import { type SccMode, type SccRate, ticksOf } from './scc-mode.ts';
import type { SdlcLine } from './scc-receiver.ts';
import {
  WR10_ABORT_ON_UNDERRUN,
  WR1_TX_INT_ENABLE,
  WR3_AUTO_ENABLES,
  WR5_TX_CRC_ENABLE,
  WR5_TX_ENABLE,
  WR7P_AUTO_EOM_RESET,
  WR7P_TX_FIFO_LEVEL,
} from './scc-registers.ts';

const IDLE = -1;
/** In place of a character: the frame check sequence and the closing flag. */
const FRAME_END = -2;

/** Where a transmitter's output goes. */
export interface SccTransmitterEnds {
  /** Frames. */
  readonly line: SdlcLine;
  /** Takes an asynchronous character of so many data bits. */
  character(value: number, bits: number): void;
  /** Master ticks of an asynchronous character. */
  charTicks(rate: SccRate, halfBits: number): number;
}

/** The transmitting half of a channel, [SCC]: buffer, shift register, frames with their check sequence. Drives no wire. */
export class SccTransmitter {
  /** The transmit interrupt is pending. */
  ip = false;
  /** The Tx Underrun/EOM bit of RR0. */
  eom = true;
  /** The CTS pin, which enables the transmitter with Auto Enables. */
  cts = false;

  readonly #mode: SccMode;
  readonly #ends: SccTransmitterEnds;
  readonly #log: DeviceLog;
  readonly #task: Task;
  readonly #depth: number;
  readonly #fifo: number[] = [];
  #shift = IDLE;
  #inFrame = false;
  #crc = 0;

  /** @param task Fires when the shift register is empty; its callback is {@link sent}. */
  constructor(mode: SccMode, ends: SccTransmitterEnds, log: DeviceLog, task: Task) {
    this.#mode = mode;
    this.#ends = ends;
    this.#log = log;
    this.#task = task;
    this.#depth = mode.variant === 'escc' ? 4 : 1;
  }

  get enabled(): boolean {
    if (!(this.#mode.wr[5]! & WR5_TX_ENABLE)) return false;
    return !(this.#mode.wr[3]! & WR3_AUTO_ENABLES) || this.cts || this.#mode.loopback;
  }

  get hasRoom(): boolean {
    return this.#fifo.length < this.#depth && this.#shift !== FRAME_END;
  }

  get busy(): boolean {
    return this.#shift !== IDLE || this.#fifo.length > 0;
  }

  /** A synchronous frame has begun and not ended. */
  get inFrame(): boolean {
    return this.#inFrame;
  }

  write(data: number): void {
    this.ip = false;
    if (this.#fifo.length < this.#depth) this.#fifo.push(data);
    else {
      this.#fifo[this.#depth - 1] = data;
      this.#log.guest('transmit buffer overwritten');
    }
  }

  /** Moves a character from the buffer to the shift register, if one can be sent now. */
  start(late: number): void {
    const mode = this.#mode;
    if (this.#shift !== IDLE || this.#fifo.length === 0 || !this.enabled) return;
    if (mode.async && mode.sendsBreak) return;
    const rate = mode.txRate;
    if (rate === undefined) return;
    this.#shift = this.#fifo.shift()!;
    // The 85230 can be asked to interrupt as soon as there is room, instead of when its buffer is empty.
    const whenEmpty = mode.variant !== 'escc' || (mode.wr7p & WR7P_TX_FIFO_LEVEL) !== 0;
    if (mode.wr[1]! & WR1_TX_INT_ENABLE && (!whenEmpty || this.#fifo.length === 0)) this.ip = true;
    if (mode.async) {
      this.#task.schedule(this.#ends.charTicks(rate, mode.charHalfBits(this.#dataBits(this.#shift))) - late);
      return;
    }
    let halfBits = 2 * mode.txBits;
    if (!this.#inFrame) {
      this.#inFrame = true;
      halfBits += 16; // the opening flag, or a sync character
      this.#crc = mode.crcPreset;
      if (mode.enhanced && mode.wr7p & WR7P_AUTO_EOM_RESET) this.eom = false;
    }
    this.#task.schedule(ticksOf(rate, halfBits) - late);
  }

  /** In the code for five bits, leading ones then 000 say that there are fewer. */
  #dataBits(data: number): number {
    const bits = this.#mode.txBits;
    if (bits !== 5) return bits;
    for (let ones = 4; ones >= 1; ones--) {
      if (data >>> (8 - ones) === (1 << ones) - 1) return 5 - ones;
    }
    return 5;
  }

  /** The shift register is empty. */
  sent(late: number): void {
    const mode = this.#mode;
    const data = this.#shift;
    if (data === FRAME_END) {
      this.#endFrame();
      return;
    }
    this.#shift = IDLE;
    if (data < 0) return;
    if (mode.async) {
      const bits = this.#dataBits(data);
      this.#ends.character(data & (0xff >>> (8 - bits)), bits);
    } else {
      const byte = data & (0xff >>> (8 - mode.txBits));
      if (mode.wr[5]! & WR5_TX_CRC_ENABLE) this.#crc = mode.crc(this.#crc, byte);
      this.#ends.line.byte(byte);
    }
    this.start(late);
    if (this.#shift === IDLE && !mode.async) this.#underrun();
  }

  /** Synchronous modes: nothing was written in time. */
  #underrun(): void {
    const mode = this.#mode;
    const rate = mode.txRate;
    const abort = mode.sdlc && (mode.wr[10]! & WR10_ABORT_ON_UNDERRUN) !== 0;
    if (!this.eom && abort) this.abort();
    else if (!this.eom && mode.wr[5]! & WR5_TX_CRC_ENABLE && rate !== undefined) {
      this.eom = true;
      this.#shift = FRAME_END;
      this.#task.schedule(ticksOf(rate, 2 * 24));
    } else {
      this.eom = true;
      this.#inFrame = false;
      this.#ends.line.end([]);
    }
  }

  #endFrame(): void {
    this.#shift = IDLE;
    this.#inFrame = false;
    const fcs = this.#mode.sdlc ? ~this.#crc & 0xffff : this.#crc;
    this.#ends.line.end([fcs & 0xff, fcs >>> 8]);
    if (this.#mode.wr[1]! & WR1_TX_INT_ENABLE) this.ip = true;
    this.start(0);
  }

  /** Ends the frame, and what is in the buffer, with ones. */
  abort(): void {
    this.#task.cancel();
    this.#shift = IDLE;
    this.#fifo.length = 0;
    this.#inFrame = false;
    this.eom = true;
    this.#ends.line.abort();
  }

  /** The transmitter has been disabled. */
  disabled(): void {
    if (this.#shift === IDLE && !this.#mode.async) this.eom = true;
  }

  resetCrc(): void {
    this.#crc = this.#mode.crcPreset;
  }

  reset(): void {
    this.#task.cancel();
    this.#fifo.length = 0;
    this.#shift = IDLE;
    this.#inFrame = this.ip = false;
    this.eom = true;
    this.#crc = 0;
  }

  save(): PlainFields {
    return {
      ip: this.ip,
      eom: this.eom,
      cts: this.cts,
      fifo: Uint8Array.from(this.#fifo),
      shift: this.#shift,
      inFrame: this.#inFrame,
      crc: this.#crc,
      due: this.#task.remaining,
    };
  }

  restore(saved: SavedFields): void {
    this.ip = saved.bool('ip');
    this.eom = saved.bool('eom');
    this.cts = saved.bool('cts');
    this.#fifo.splice(0, this.#fifo.length, ...saved.bytes('fifo', undefined, this.#depth));
    this.#shift = saved.int('shift', FRAME_END, 0xff);
    this.#inFrame = saved.bool('inFrame');
    this.#crc = saved.u16('crc');
    this.#task.restore(saved.int('due', -1, Number.MAX_SAFE_INTEGER));
  }
}
