// SPDX-License-Identifier: MIT
import type { ChipContext } from '../../backplane/board.ts';
import { BYTE_REGISTERS, type BusTarget, type Width } from '../../backplane/bus.ts';
import type { Device, PlainFields, ResetKind } from '../../backplane/device.ts';
import { SavedFields } from '../../backplane/device.ts';
import type { ClockDomain } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { IP_EXT, IP_RX, IP_TX, SccChannel } from './scc-channel.ts';
import type { SccVariant } from './scc-mode.ts';

// WR9
const VIS = 0x01; // vector includes status
const NV = 0x02; // no vector
const DLC = 0x04; // disable lower chain
const MIE = 0x08; // master interrupt enable
const STATUS_HIGH = 0x10;
const SOFTWARE_INTACK = 0x20;
const RESET_COMMAND = 0xc0;
const CHANNEL_RESET_A = 0x80;

// WR0
const POINT_HIGH = 1; // bits 5-3
const RESET_HIGHEST_IUS = 7;

/** Interrupt sources from the highest priority to the lowest: channel, IP bit of its channel, bit in RR3. */
const SOURCES = [
  { a: true, ip: IP_RX, rr3: 0x20 },
  { a: true, ip: IP_TX, rr3: 0x10 },
  { a: true, ip: IP_EXT, rr3: 0x08 },
  { a: false, ip: IP_RX, rr3: 0x04 },
  { a: false, ip: IP_TX, rr3: 0x02 },
  { a: false, ip: IP_EXT, rr3: 0x01 },
] as const;

const RR3_A = 0x38;
const RR3_B = 0x07;

/** Status of a vector while nothing is pending: that of channel B's special condition. */
const NOTHING_PENDING = 3;

export interface Z85c30Options {
  /** 85C30 by default. */
  readonly variant?: SccVariant;
  readonly pclk: ClockDomain;
  /** Clocks at the RTxC pins; without one a channel can only be clocked from elsewhere. */
  readonly rtxcA?: ClockDomain;
  readonly rtxcB?: ClockDomain;
  /** Clocks at the TRxC pins while they are inputs. */
  readonly trxcA?: ClockDomain;
  readonly trxcB?: ClockDomain;
}

/**
 * Zilog Z85C30 serial communications controller, and its relatives 8530 (`nmos`) and 85230 (`escc`).
 *
 * Sockets: span 4, one byte each: control B, control A, data B, data A (address line 0 is A//B, line 1 is D//C);
 * `irq` (pin is active-low), `irqA`, `irqB`, `ieo`, input `ieiW`, `acknowledge()` for an INTACK cycle; channels `a` and `b` with their
 * wires, `port` (host end), `sdlcIn` and `sdlcOut` (frames), `connectDma`.
 *
 * Timing: characters take their bit times at the clocks WR11 chooses, exactly; a channel without a clock neither sends
 * nor receives. A character moves from the buffer to an idle transmitter at once. The host's end never overruns the
 * receiver: it is asked for a character at character times while the FIFO has room (overruns happen in loopback and in
 * SDLC). Characters that arrive while the receiver is off stay with the host.
 *
 * Documents: [SCC] and [Z85C30] in docs/references.md.
 * Not modelled: the WAIT function of W/REQ; the DPLL but for its division (never a missing clock); monosync and bisync
 * patterns (any character ends the hunt); zero insertion's time; idle flags and marks; SDLC loop mode but for RR10;
 * residue codes other than a whole byte; the CRC-enable delay of the receiver; reading RR8 from an empty FIFO gives 0.
 */
export class Z85c30 implements Device, BusTarget {
  readonly id: string;
  readonly span = 4;
  readonly access = BYTE_REGISTERS;
  readonly a: SccChannel;
  readonly b: SccChannel;
  readonly irq: Wire;
  /** What asserts `irq`, by channel: Apple's I/O controllers bring out one request for each. */
  readonly irqA: Wire;
  readonly irqB: Wire;
  readonly ieo: Wire;

  readonly #variant: SccVariant;
  #pointer = 0;
  #vector = 0; // WR2
  #wr9 = 0;
  #ius = 0; // bits as in RR3
  #iei = true;

  constructor(context: ChipContext, options: Z85c30Options) {
    this.id = context.id;
    this.#variant = options.variant ?? 'cmos';
    this.irq = new Wire(`${context.id}.irq`);
    this.irqA = new Wire(`${context.id}.irq-a`);
    this.irqB = new Wire(`${context.id}.irq-b`);
    this.ieo = new Wire(`${context.id}.ieo`);
    const changed = (): void => {
      this.#update();
    };
    const { pclk, rtxcA, rtxcB, trxcA, trxcB } = options;
    this.a = new SccChannel(context, 'a', this.#variant, { pclk, rtxc: rtxcA, trxc: trxcA }, changed);
    this.b = new SccChannel(context, 'b', this.#variant, { pclk, rtxc: rtxcB, trxc: trxcB }, changed);
  }

  // ---- bus --------------------------------------------------------------------------------------------------------

  read(offset: number, _width: Width): number {
    const channel = offset & 1 ? this.a : this.b;
    if (offset & 2) return channel.read(8);
    const register = this.#pointer;
    this.#pointer = 0;
    const shared = this.#sharedValue(channel, register);
    if (shared === undefined) return channel.read(register);
    if ((register === 2 || register === 6) && this.#wr9 & SOFTWARE_INTACK) this.#serve();
    return shared;
  }

  peek(offset: number): number {
    const channel = offset & 1 ? this.a : this.b;
    if (offset & 2) return channel.value(8);
    return this.#sharedValue(channel, this.#pointer) ?? channel.value(this.#pointer);
  }

  write(offset: number, _width: Width, value: number): void {
    value &= 0xff;
    const channel = offset & 1 ? this.a : this.b;
    if (offset & 2) {
      channel.write(8, value);
      return;
    }
    const register = this.#pointer;
    this.#pointer = 0;
    switch (register) {
      case 0: {
        const command = (value >>> 3) & 7;
        this.#pointer = (value & 7) | (command === POINT_HIGH ? 8 : 0);
        if (command === RESET_HIGHEST_IUS) this.#resetHighestIus();
        channel.write(0, value);
        break;
      }
      case 2:
        this.#vector = value;
        break;
      case 9:
        this.#writeWr9(value);
        break;
      default:
        channel.write(register, value);
    }
    this.#update();
  }

  /** RR2 and RR3, with their images at RR6 and RR7 where the frame status FIFO is not there. */
  #sharedValue(channel: SccChannel, register: number): number | undefined {
    if ((register & ~4) === 2 && register !== 2 && channel.frameStatusReadable) return undefined;
    if ((register & ~4) === 3 && register !== 3 && channel.frameStatusReadable) return undefined;
    if (register === 2 || register === 6) return channel === this.a ? this.#vector : this.#vectorWithStatus;
    if (register === 3 || register === 7) return channel === this.a ? this.#rr3 : 0;
    return undefined;
  }

  #writeWr9(value: number): void {
    const command = value & RESET_COMMAND;
    if (command === RESET_COMMAND) {
      this.#hardwareReset(value);
      this.a.afterReset();
      this.b.afterReset();
      return;
    }
    if (command !== 0) {
      const [channel, sources] = command === CHANNEL_RESET_A ? [this.a, 0x38] : [this.b, 0x07];
      channel.resetRegisters(false);
      this.#ius &= ~sources;
      value &= ~SOFTWARE_INTACK;
      this.#wr9 = value & 0x3f;
      channel.afterReset();
      return;
    }
    if (this.#variant === 'nmos') value &= ~SOFTWARE_INTACK;
    this.#wr9 = value & 0x3f;
  }

  /** [SCC] WR9 becomes 110000xx, of which the command bits mean nothing any more. */
  #hardwareReset(keep: number): void {
    this.#wr9 = keep & (VIS | NV);
    this.#ius = 0;
    this.#pointer = 0;
    this.a.resetRegisters(true);
    this.b.resetRegisters(true);
  }

  // ---- interrupts -------------------------------------------------------------------------------------------------

  get #rr3(): number {
    return (this.a.pending << 3) | this.b.pending;
  }

  /** The highest source that is pending and not below one under service. */
  #highest(): (typeof SOURCES)[number] | undefined {
    const pending = this.#rr3;
    for (const source of SOURCES) {
      if (this.#ius & source.rr3) return undefined;
      if (pending & source.rr3) return source;
    }
    return undefined;
  }

  /** WR2 with the status of the highest pending interrupt in bits 3-1, or reversed in bits 6-4. */
  get #vectorWithStatus(): number {
    const pending = this.#rr3;
    const source = SOURCES.find(({ rr3 }) => pending & rr3);
    let status = NOTHING_PENDING;
    if (source !== undefined) {
      const special = (source.a ? this.a : this.b).special;
      const kind = source.ip === IP_TX ? 0 : source.ip === IP_EXT ? 1 : special ? 3 : 2;
      status = (source.a ? 4 : 0) | kind;
    }
    if (!(this.#wr9 & STATUS_HIGH)) return (this.#vector & ~0x0e) | (status << 1);
    const reversed = ((status & 1) << 2) | (status & 2) | (status >>> 2);
    return (this.#vector & ~0x70) | (reversed << 4);
  }

  ieiW(enabled: boolean): void {
    this.#iei = enabled;
    this.#update();
  }

  /**
   * An interrupt acknowledge cycle: sets the highest interrupt under service and gives the vector; `undefined` when
   * nothing is pending here or the chip gives none (NV), and the bus floats.
   */
  acknowledge(): number | undefined {
    if (!this.#iei || !(this.#wr9 & MIE) || this.#highest() === undefined) return undefined;
    const vector = this.#wr9 & VIS ? this.#vectorWithStatus : this.#vector;
    this.#serve();
    return this.#wr9 & NV ? undefined : vector;
  }

  #serve(): void {
    const source = this.#highest();
    if (source !== undefined) this.#ius |= source.rr3;
    this.#update();
  }

  #resetHighestIus(): void {
    for (const { rr3 } of SOURCES) {
      if (!(this.#ius & rr3)) continue;
      this.#ius &= ~rr3;
      return;
    }
  }

  #update(): void {
    const enabled = this.#iei && (this.#wr9 & MIE) !== 0;
    const request = enabled && this.#highest() !== undefined;
    this.irq.set(request);
    this.irqA.set(request && (this.#rr3 & RR3_A) !== 0);
    this.irqB.set(request && (this.#rr3 & RR3_B) !== 0);
    this.ieo.set(this.#iei && this.#ius === 0 && !(this.#wr9 & DLC));
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  reset(kind: ResetKind): void {
    if (kind !== 'warm') {
      this.#vector = 0;
      this.#wr9 = 0;
      this.a.clearRegisters();
      this.b.clearRegisters();
    }
    this.#hardwareReset(this.#wr9);
  }

  settle(): void {
    this.a.settle();
    this.b.settle();
    this.#update();
  }

  save(): PlainFields {
    return {
      pointer: this.#pointer,
      vector: this.#vector,
      wr9: this.#wr9,
      ius: this.#ius,
      iei: this.#iei,
      a: this.a.save(),
      b: this.b.save(),
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#pointer = saved.int('pointer', 0, 15);
    this.#vector = saved.u8('vector');
    this.#wr9 = saved.int('wr9', 0, 0x3f);
    this.#ius = saved.int('ius', 0, 0x3f);
    this.#iei = saved.bool('iei');
    this.a.restore(saved.nested('a'));
    this.b.restore(saved.nested('b'));
  }
}
