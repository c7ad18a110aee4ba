// SPDX-License-Identifier: MIT
import type { ClockDomain } from '../../backplane/scheduler.ts';
import {
  WR10_CRC_PRESET_ONES,
  WR14_AUTO_ECHO,
  WR14_BRG_ENABLE,
  WR14_BRG_SOURCE_PCLK,
  WR14_LOCAL_LOOPBACK,
  WR15_STATUS_FIFO,
  WR4_PARITY_ENABLE,
  WR4_PARITY_EVEN,
  WR4_SDLC,
  WR5_CRC16,
  WR5_SEND_BREAK,
} from './scc-registers.ts';

/** `nmos`: 8530. `cmos`: 85C30. `escc`: 85230. */
export type SccVariant = 'nmos' | 'cmos' | 'escc';

export interface SccChannelClocks {
  /** Also the baud rate generator's second source. */
  readonly pclk: ClockDomain;
  /** The RTxC pin. */
  readonly rtxc?: ClockDomain;
  /** The TRxC pin as an input. */
  readonly trxc?: ClockDomain;
}

/** A bit rate. */
export interface SccRate {
  readonly clock: ClockDomain;
  /** Clock ticks of one bit. */
  readonly bit: number;
}

/** What the write registers of a channel say about its protocol, its characters and its clocks. */
export class SccMode {
  readonly variant: SccVariant;
  /** WR0 to WR15; WR2 and WR9 belong to the chip. */
  readonly wr = new Uint8Array(16);
  wr7p = 0x20;
  // What the DPLL commands of WR14 have set
  dpllFromRtxc = false;
  dpllFm = false;

  readonly #clocks: SccChannelClocks;

  constructor(variant: SccVariant, clocks: SccChannelClocks) {
    this.variant = variant;
    this.#clocks = clocks;
  }

  /** 85C30 and 85230. */
  get enhanced(): boolean {
    return this.variant !== 'nmos';
  }

  get async(): boolean {
    return (this.wr[4]! & 0x0c) !== 0;
  }

  get sdlc(): boolean {
    return (this.wr[4]! & 0x3c) === WR4_SDLC;
  }

  get loopback(): boolean {
    return (this.wr[14]! & WR14_LOCAL_LOOPBACK) !== 0;
  }

  get autoEcho(): boolean {
    return (this.wr[14]! & WR14_AUTO_ECHO) !== 0;
  }

  get sendsBreak(): boolean {
    return (this.wr[5]! & WR5_SEND_BREAK) !== 0;
  }

  get statusFifo(): boolean {
    return this.enhanced && (this.wr[15]! & WR15_STATUS_FIFO) !== 0;
  }

  /** When a received character interrupts: WR1 bits 4-3. */
  get rxInterrupts(): number {
    return (this.wr[1]! >>> 3) & 3;
  }

  // ---- characters -------------------------------------------------------------------------------------------------

  get txBits(): number {
    return dataBits(this.wr[5]! >>> 5);
  }

  get rxBits(): number {
    return dataBits(this.wr[3]! >>> 6);
  }

  /** Whether there is a parity bit, 0 or 1. */
  get parityBits(): number {
    return this.wr[4]! & WR4_PARITY_ENABLE;
  }

  parityOf(data: number): number {
    let ones = 0;
    for (let rest = data; rest !== 0; rest >>>= 1) ones ^= rest & 1;
    return this.wr[4]! & WR4_PARITY_EVEN ? ones : ones ^ 1;
  }

  /** The bits of an asynchronous character after its start bit, least significant first, then the idle line's ones. */
  lineBits(value: number, bits: number): number {
    const parity = this.parityBits ? this.parityOf(value) << bits : 0;
    return value | parity | (~0 << (bits + this.parityBits));
  }

  /** Half bits of an asynchronous character with so many data bits. */
  charHalfBits(bits: number): number {
    const stop = ((this.wr[4]! >>> 2) & 3) + 1; // 2, 3, 4 half bits
    return 2 * (1 + bits + this.parityBits) + stop;
  }

  get crcPreset(): number {
    return this.wr[10]! & WR10_CRC_PRESET_ONES || this.sdlc ? 0xffff : 0;
  }

  /** Both polynomials, reflected, as bits go least significant first. */
  crc(crc: number, byte: number): number {
    const polynomial = this.wr[5]! & WR5_CRC16 && !this.sdlc ? 0xa001 : 0x8408;
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    return crc;
  }

  // ---- clocks -----------------------------------------------------------------------------------------------------

  /** The baud rate generator's output, while it runs. */
  get brg(): SccRate | undefined {
    if (!(this.wr[14]! & WR14_BRG_ENABLE)) return undefined;
    const clock = this.wr[14]! & WR14_BRG_SOURCE_PCLK ? this.#clocks.pclk : this.#clocks.rtxc;
    // [SCC] the counter reloads at zero and takes two more clocks; its output toggles then
    return clock && { clock, bit: 2 * ((this.wr[12]! | (this.wr[13]! << 8)) + 2) };
  }

  get txRate(): SccRate | undefined {
    return this.#rate((this.wr[11]! >>> 3) & 3);
  }

  get rxRate(): SccRate | undefined {
    return this.#rate((this.wr[11]! >>> 5) & 3);
  }

  /** The transmit or receive clock of WR11, divided by the mode of WR4. */
  #rate(source: number): SccRate | undefined {
    const base = this.#source(source);
    const divider = this.async ? [1, 16, 32, 64][this.wr[4]! >>> 6]! : 1;
    return base && { clock: base.clock, bit: base.bit * divider };
  }

  #source(source: number): SccRate | undefined {
    const { pclk, rtxc, trxc } = this.#clocks;
    switch (source) {
      case 0:
        return rtxc && { clock: rtxc, bit: 1 };
      case 1:
        return trxc && { clock: trxc, bit: 1 };
      case 2:
        return this.brg;
      default: {
        const from = this.dpllFromRtxc ? { clock: rtxc ?? pclk, bit: 1 } : this.brg;
        return from && { clock: from.clock, bit: from.bit * (this.dpllFm ? 16 : 32) };
      }
    }
  }
}

/** Data bits of a character: WR3 and WR5 code them alike. */
const dataBits = (code: number): number => [5, 7, 6, 8][code & 3]!;

/** Master ticks of `halfBits` half bits at a rate. */
export const ticksOf = (rate: SccRate, halfBits: number): number =>
  Math.max(1, rate.clock.masterTicks(Math.ceil((rate.bit * halfBits) / 2)));
