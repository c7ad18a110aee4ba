// SPDX-License-Identifier: MIT
import type { PlainFields } from '../../backplane/device.ts';
import { SavedFields } from '../../backplane/device.ts';
import type { DmaChannel, DmaPeer } from '../../backplane/dma.ts';
import type { SerialPort } from '../../backplane/host.ts';
import { unplugged } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { ClockDomain, Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';

// WR0 commands, bits 5-3
const CMD_RESET_EXT_STATUS = 2;
const CMD_SEND_ABORT = 3;
const CMD_ENABLE_INT_ON_NEXT_RX = 4;
const CMD_RESET_TX_INT_PENDING = 5;
const CMD_ERROR_RESET = 6;
// WR0 CRC commands, bits 7-6
const CRC_RESET_RX = 1;
const CRC_RESET_TX = 2;
const CRC_RESET_EOM = 3;

const WR1_EXT_INT_ENABLE = 0x01;
const WR1_TX_INT_ENABLE = 0x02;
const WR1_PARITY_IS_SPECIAL = 0x04;
const WR1_REQUEST_ON_RECEIVE = 0x20;
const WR1_REQUEST_NOT_WAIT = 0x40;
const WR1_REQUEST_ENABLE = 0x80;
const RX_INT_FIRST = 1; // WR1 bits 4-3
const RX_INT_ALL = 2;
const RX_INT_SPECIAL = 3;

const WR3_RX_ENABLE = 0x01;
const WR3_SYNC_LOAD_INHIBIT = 0x02; // in SDLC: compare four bits of the address
const WR3_ADDRESS_SEARCH = 0x04;
const WR3_ENTER_HUNT = 0x10;
const WR3_AUTO_ENABLES = 0x20;

const WR4_PARITY_ENABLE = 0x01;
const WR4_PARITY_EVEN = 0x02;
const WR4_SDLC = 0x20; // bits 5-4 when bits 3-2 are zero

const WR5_TX_CRC_ENABLE = 0x01;
const WR5_RTS = 0x02;
const WR5_CRC16 = 0x04; // CRC-16 rather than SDLC's polynomial
const WR5_TX_ENABLE = 0x08;
const WR5_SEND_BREAK = 0x10;
const WR5_DTR = 0x80;

const WR7P_AUTO_EOM_RESET = 0x02;
const WR7P_AUTO_RTS = 0x04;
const WR7P_RX_FIFO_LEVEL = 0x08; // 85230: interrupt when half full
const WR7P_TX_FIFO_LEVEL = 0x20; // 85230: interrupt when all empty
const WR7P_EXTENDED_READ = 0x40;

const WR10_LOOP_MODE = 0x02;
const WR10_ABORT_ON_UNDERRUN = 0x04;
const WR10_CRC_PRESET_ONES = 0x80;

const WR14_BRG_ENABLE = 0x01;
const WR14_BRG_SOURCE_PCLK = 0x02;
const WR14_DTR_IS_REQUEST = 0x04;
const WR14_AUTO_ECHO = 0x08;
const WR14_LOCAL_LOOPBACK = 0x10;

const WR15_WR7P = 0x01;
const WR15_ZERO_COUNT = 0x02;
const WR15_STATUS_FIFO = 0x04;
const WR15_EXT_STATUS = 0xfa; // what can interrupt

const RR0_RX_AVAILABLE = 0x01;
const RR0_ZERO_COUNT = 0x02;
const RR0_TX_EMPTY = 0x04;
const RR0_DCD = 0x08;
const RR0_SYNC_HUNT = 0x10;
const RR0_CTS = 0x20;
const RR0_TX_UNDERRUN = 0x40;
const RR0_BREAK_ABORT = 0x80;

const RR1_ALL_SENT = 0x01;
const RR1_RESIDUE_8 = 0x06; // the frame's last byte is whole
const RR1_PARITY = 0x10;
const RR1_OVERRUN = 0x20;
const RR1_CRC_FRAMING = 0x40;
const RR1_END_OF_FRAME = 0x80;

const RR10_ON_LOOP = 0x02;
const RR10_LOOP_SENDING = 0x10;

const RR7_DATA_AVAILABLE = 0x40;
const RR7_OVERFLOW = 0x80;
const STATUS_FIFO_DEPTH = 10;

const MAX_BYTE_COUNT = 0x3fff;

/** `nmos`: 8530. `cmos`: 85C30. `escc`: 85230. */
export type SccVariant = 'nmos' | 'cmos' | 'escc';

/** What a channel says to whoever listens to its line in SDLC mode. */
export interface SdlcLine {
  /** A whole byte of a frame; the first one follows the opening flag. */
  byte(data: number): void;
  /** The closing flag, after the frame check sequence if there was one. */
  end(fcs: readonly number[]): void;
  /** Seven or more ones. */
  abort(): void;
}

export interface SccChannelClocks {
  /** Also the baud rate generator's second source. */
  readonly pclk: ClockDomain;
  /** The RTxC pin. */
  readonly rtxc?: ClockDomain;
  /** The TRxC pin as an input. */
  readonly trxc?: ClockDomain;
}

/** What interrupts a channel has pending, as in RR3. */
export const IP_EXT = 0x1;
export const IP_TX = 0x2;
export const IP_RX = 0x4;

interface RxEntry {
  data: number;
  status: number;
}

interface Rate {
  clock: ClockDomain;
  /** Clock ticks of one bit. */
  bit: number;
}

/**
 * One channel of a {@link Z85c30}. Wires: `rts`, `dtr`, `wreq` (W/REQ as a request), `dtrreq` (DTR/REQ as a request),
 * `txBreak` (TxD held at space), all true when asserted; inputs `ctsW`, `dcdW`, `syncW`, `breakW` likewise.
 */
export class SccChannel {
  readonly rts: Wire;
  readonly dtr: Wire;
  readonly wreq: Wire;
  readonly dtrreq: Wire;
  readonly txBreak: Wire;

  /** How many times faster than the programmed rate characters go to and from the host's end; 1 is the chip's own. */
  portSpeedup = 1;

  readonly #log: DeviceLog;
  readonly #name: string;
  readonly #variant: SccVariant;
  readonly #clocks: SccChannelClocks;
  readonly #changed: () => void;
  readonly #rxDepth: number;
  readonly #txDepth: number;
  readonly #txTask: Task;
  readonly #rxTask: Task;
  readonly #brgTask: Task;
  #port: SerialPort = unplugged;
  #sdlcOut: SdlcLine | undefined;
  #dmaTx: DmaChannel | undefined;
  #dmaRx: DmaChannel | undefined;

  /** WR0 to WR15; WR2 and WR9 belong to the chip. */
  readonly #wr = new Uint8Array(16);
  #wr7p = 0x20;
  // Pins
  #cts = false;
  #dcd = false;
  #sync = false;
  #lineBreak = false;
  // Transmitter
  readonly #txFifo: number[] = [];
  #txShift = -1; // what is being sent; -2 a frame check sequence and closing flag
  #txInFrame = false;
  #txCrc = 0;
  #txIp = false;
  #eom = true;
  // Receiver
  readonly #rxFifo: RxEntry[] = [];
  #rxHold: RxEntry | undefined; // complete, in the shift register, waiting for room
  #rxErrors = 0; // parity and overrun, latched
  #rxFirstArmed = false;
  #rxFirst = false;
  #hunt = false;
  #break = false;
  #rxInFrame = false;
  #rxSkip = false;
  #rxCrc = 0;
  #rxCount = 0;
  readonly #frames: number[] = []; // status << 16 | byte count
  #framesOverflow = false;
  // External/status
  #extIp = false;
  #extLatched = false;
  #ext = 0;
  #zeroCount = false;
  // Outputs that depend on what they were
  #rtsOut = false;
  #txRequested = false;
  #rxRequested = false;

  /** @param changed The chip looks at its interrupt pin. */
  constructor(
    context: { readonly id: string; readonly log: DeviceLog; readonly scheduler: Scheduler },
    name: 'a' | 'b',
    variant: SccVariant,
    clocks: SccChannelClocks,
    changed: () => void,
  ) {
    this.#name = `${context.id}.${name}`;
    this.#log = context.log;
    this.#variant = variant;
    this.#clocks = clocks;
    this.#changed = changed;
    this.#rxDepth = variant === 'escc' ? 8 : 3;
    this.#txDepth = variant === 'escc' ? 4 : 1;
    const wire = (pin: string): Wire => new Wire(`${this.#name}.${pin}`);
    this.rts = wire('rts');
    this.dtr = wire('dtr');
    this.wreq = wire('wreq');
    this.dtrreq = wire('dtrreq');
    this.txBreak = wire('txBreak');
    this.#txTask = context.scheduler.task(`${this.#name}.tx`, (late) => {
      this.#sent(late);
      this.#update();
    });
    this.#rxTask = context.scheduler.task(`${this.#name}.rx`, (late) => {
      this.#poll(late);
      this.#update();
    });
    this.#brgTask = context.scheduler.task(`${this.#name}.brg`, () => {
      this.#zeroCount = true;
      this.#update();
    });
  }

  // ---- connections ------------------------------------------------------------------------------------------------

  /** The host end of the line. */
  set port(port: SerialPort) {
    if (this.#port !== unplugged) this.#port.onReadable = undefined;
    this.#port = port;
    if (port === unplugged) return;
    port.onReadable = () => {
      this.#listen(0);
    };
    this.#listen(0);
  }

  /** Where SDLC frames go. Two channels are connected by giving each the other's {@link sdlcIn}. */
  set sdlcOut(line: SdlcLine | undefined) {
    this.#sdlcOut = line;
  }

  /** Frames for this channel. */
  readonly sdlcIn: SdlcLine = {
    byte: (data) => {
      if (!this.#loopback) this.#frameByte(data);
      this.#update();
    },
    end: (fcs) => {
      if (!this.#loopback) this.#frameEnd(fcs);
      this.#update();
    },
    abort: () => {
      if (!this.#loopback) this.#frameAbort();
      this.#update();
    },
  };

  /** DMA takes part only while a REQUEST function is enabled for its direction. */
  connectDma(direction: 'tx' | 'rx', channel: DmaChannel): DmaPeer {
    if (direction === 'tx') this.#dmaTx = channel;
    else this.#dmaRx = channel;
    return {
      dmaOut: (bytes) => {
        if (direction !== 'tx') return 0;
        let taken = 0;
        while (taken < bytes.length && this.#wantsTx) {
          this.#writeTx(bytes[taken++]!);
          this.#startTx(0);
        }
        this.#update();
        return taken;
      },
      dmaIn: (into) => {
        if (direction !== 'rx') return 0;
        let given = 0;
        while (given < into.length && this.#wantsRx) into[given++] = this.#readRx();
        this.#update();
        return given;
      },
    };
  }

  ctsW(asserted: boolean): void {
    this.#cts = asserted;
    this.#startTx(0);
    this.#update();
  }

  dcdW(asserted: boolean): void {
    this.#dcd = asserted;
    this.#listen(0);
    this.#update();
  }

  syncW(asserted: boolean): void {
    this.#sync = asserted;
    this.#update();
  }

  /** The line is at space for longer than a character. */
  breakW(asserted: boolean): void {
    if (asserted === this.#lineBreak) return;
    this.#lineBreak = asserted;
    if (!this.#loopback) this.#receiveBreak(asserted);
    this.#update();
  }

  // ---- modes ------------------------------------------------------------------------------------------------------

  get #async(): boolean {
    return (this.#wr[4]! & 0x0c) !== 0;
  }

  get #sdlc(): boolean {
    return (this.#wr[4]! & 0x3c) === WR4_SDLC;
  }

  get #loopback(): boolean {
    return (this.#wr[14]! & WR14_LOCAL_LOOPBACK) !== 0;
  }

  get #autoEcho(): boolean {
    return (this.#wr[14]! & WR14_AUTO_ECHO) !== 0;
  }

  get #txEnabled(): boolean {
    if (!(this.#wr[5]! & WR5_TX_ENABLE)) return false;
    return !(this.#wr[3]! & WR3_AUTO_ENABLES) || this.#cts || this.#loopback;
  }

  get #rxEnabled(): boolean {
    if (!(this.#wr[3]! & WR3_RX_ENABLE)) return false;
    return !(this.#wr[3]! & WR3_AUTO_ENABLES) || this.#dcd || this.#loopback;
  }

  get #enhanced(): boolean {
    return this.#variant !== 'nmos';
  }

  get #statusFifo(): boolean {
    return this.#enhanced && (this.#wr[15]! & WR15_STATUS_FIFO) !== 0;
  }

  get #rxMode(): number {
    return (this.#wr[1]! >>> 3) & 3;
  }

  get #brg(): Rate | undefined {
    if (!(this.#wr[14]! & WR14_BRG_ENABLE)) return undefined;
    const clock = this.#wr[14]! & WR14_BRG_SOURCE_PCLK ? this.#clocks.pclk : this.#clocks.rtxc;
    // [SCC] the counter reloads at zero and takes two more clocks; its output toggles then
    return clock && { clock, bit: 2 * ((this.#wr[12]! | (this.#wr[13]! << 8)) + 2) };
  }

  /** The transmit or receive clock of WR11, divided by the mode of WR4. */
  #rate(source: number): Rate | undefined {
    let base: Rate | undefined;
    switch (source & 3) {
      case 0:
        base = this.#clocks.rtxc && { clock: this.#clocks.rtxc, bit: 1 };
        break;
      case 1:
        base = this.#clocks.trxc && { clock: this.#clocks.trxc, bit: 1 };
        break;
      case 2:
        base = this.#brg;
        break;
      default: {
        const from = this.#dpllFromRtxc ? { clock: this.#clocks.rtxc ?? this.#clocks.pclk, bit: 1 } : this.#brg;
        base = from && { clock: from.clock, bit: from.bit * (this.#dpllFm ? 16 : 32) };
      }
    }
    const divider = this.#async ? [1, 16, 32, 64][this.#wr[4]! >>> 6]! : 1;
    return base && { clock: base.clock, bit: base.bit * divider };
  }

  get #txRate(): Rate | undefined {
    return this.#rate((this.#wr[11]! >>> 3) & 3);
  }

  get #rxRate(): Rate | undefined {
    return this.#rate((this.#wr[11]! >>> 5) & 3);
  }

  #dpllFromRtxc = false;
  #dpllFm = false;

  /** Data bits of a character: WR3 and WR5 code them alike. */
  #bits(code: number): number {
    return [5, 7, 6, 8][code & 3]!;
  }

  get #txBits(): number {
    return this.#bits(this.#wr[5]! >>> 5);
  }

  get #rxBits(): number {
    return this.#bits(this.#wr[3]! >>> 6);
  }

  get #parityBits(): number {
    return this.#wr[4]! & WR4_PARITY_ENABLE;
  }

  /** Master ticks of `halfBits` half bits at a rate. */
  #ticks(rate: Rate, halfBits: number): number {
    return Math.max(1, rate.clock.masterTicks(Math.ceil((rate.bit * halfBits) / 2)));
  }

  /** Master ticks of an asynchronous character; those to and from the host's end take less. */
  #charTicks(rate: Rate, halfBits: number): number {
    const ticks = this.#ticks(rate, halfBits);
    return this.#loopback || this.#port === unplugged ? ticks : Math.max(1, Math.ceil(ticks / this.portSpeedup));
  }

  /** Half bits of an asynchronous character with so many data bits. */
  #charHalfBits(dataBits: number): number {
    const stop = ((this.#wr[4]! >>> 2) & 3) + 1; // 2, 3, 4 half bits
    return 2 * (1 + dataBits + this.#parityBits) + stop;
  }

  #parityOf(data: number): number {
    let ones = 0;
    for (let rest = data; rest !== 0; rest >>>= 1) ones ^= rest & 1;
    return this.#wr[4]! & WR4_PARITY_EVEN ? ones : ones ^ 1;
  }

  // ---- registers --------------------------------------------------------------------------------------------------

  /** Reads a register other than RR2 and RR3. */
  read(register: number): number {
    const value = this.value(register);
    if (register === 8) {
      this.#readRx();
      this.#update();
    } else if (register === 1 || (register === 5 && !this.#extendedRead)) {
      this.#readFrameStatus();
    }
    return value;
  }

  /** The same without side effects. */
  value(register: number): number {
    const extended = this.#extendedRead;
    switch (register) {
      case 0:
        return this.#rr0;
      case 1:
        return this.#rr1;
      case 4:
        return extended ? this.#wr[4]! : this.#rr0;
      case 5:
        return extended ? this.#wr[5]! : this.#rr1;
      case 6:
        return (this.#frames[0] ?? 0) & 0xff;
      case 7: {
        const count = ((this.#frames[0] ?? 0) >>> 8) & 0x3f;
        return count | (this.#frames.length > 0 ? RR7_DATA_AVAILABLE : 0) | (this.#framesOverflow ? RR7_OVERFLOW : 0);
      }
      case 8:
        return this.#rxFifo[0]?.data ?? 0;
      case 9:
        return extended ? this.#wr[3]! : this.#wr[13]!;
      case 10:
        return this.#rr10;
      case 11:
        return extended ? this.#wr[10]! : this.#wr[15]! & WR15_EXT_STATUS;
      case 12:
        return this.#wr[12]!;
      case 13:
        return this.#wr[13]!;
      case 14:
        return extended ? this.#wr7p : this.#rr10;
      case 15:
        return this.#wr[15]! & WR15_EXT_STATUS;
      default:
        return 0;
    }
  }

  /** RR6 and RR7 are the frame status FIFO; otherwise images of RR2 and RR3. */
  get frameStatusReadable(): boolean {
    return this.#statusFifo;
  }

  get #extendedRead(): boolean {
    return this.#enhanced && (this.#wr7p & WR7P_EXTENDED_READ) !== 0;
  }

  get #rr0(): number {
    const latched = this.#extLatched ? this.#wr[15]! & WR15_EXT_STATUS : 0;
    let value = (this.#ext & latched) | (this.#external & ~latched & 0xff);
    if (this.#rxFifo.length > 0) value |= RR0_RX_AVAILABLE;
    if (this.#txRoom) value |= RR0_TX_EMPTY;
    return value;
  }

  get #rr1(): number {
    let value = this.#rxErrors | RR1_RESIDUE_8;
    if (this.#statusFifo && this.#frames.length > 0) {
      const status = this.#frames[0]! >>> 16;
      value |= status & (RR1_OVERRUN | RR1_CRC_FRAMING);
    } else value |= (this.#rxFifo[0]?.status ?? 0) & (RR1_CRC_FRAMING | RR1_END_OF_FRAME);
    if (!this.#async || (this.#txShift === -1 && this.#txFifo.length === 0)) value |= RR1_ALL_SENT;
    return value;
  }

  get #rr10(): number {
    return this.#sdlc && this.#wr[10]! & WR10_LOOP_MODE && this.#txInFrame ? RR10_LOOP_SENDING | RR10_ON_LOOP : 0;
  }

  /** Writes a register other than WR2 and WR9; `command` is all of WR0. */
  write(register: number, value: number): void {
    switch (register) {
      case 0:
        this.#command(value);
        break;
      case 1:
        if (((value ^ this.#wr[1]!) & 0x18) !== 0) this.#rxFirstArmed = true;
        this.#wr[1] = value;
        if (value & WR1_REQUEST_ENABLE && !(value & WR1_REQUEST_NOT_WAIT)) this.#log.unimp('WAIT function of W/REQ');
        break;
      case 3:
        this.#wr[3] = value & ~WR3_ENTER_HUNT;
        if (!(value & WR3_RX_ENABLE)) this.#stopReceiver();
        if (!this.#async && (value & WR3_ENTER_HUNT || !(value & WR3_RX_ENABLE))) this.#hunt = true;
        this.#listen(0);
        break;
      case 4:
        this.#wr[4] = value;
        if (!this.#async && !(this.#wr[3]! & WR3_RX_ENABLE)) this.#hunt = true;
        break;
      case 5:
        this.#writeWr5(value);
        break;
      case 7:
        if (this.#enhanced && this.#wr[15]! & WR15_WR7P) this.#wr7p = value & 0x7f;
        else this.#wr[7] = value;
        break;
      case 8:
        this.#writeTx(value);
        this.#startTx(0);
        break;
      case 14:
        this.#writeWr14(value);
        break;
      case 15:
        if (!(value & WR15_STATUS_FIFO)) {
          this.#frames.length = 0;
          this.#framesOverflow = false;
        }
        this.#wr[15] = this.#enhanced ? value : value & WR15_EXT_STATUS;
        break;
      default:
        this.#wr[register] = value;
    }
    this.#startTx(0);
    this.#update();
  }

  #command(value: number): void {
    switch ((value >>> 3) & 7) {
      case CMD_RESET_EXT_STATUS:
        this.#extIp = this.#extLatched = false;
        this.#zeroCount = false;
        this.#ext &= ~RR0_ZERO_COUNT; // a pulse: only its beginning interrupts
        break; // #update sees what changed meanwhile
      case CMD_SEND_ABORT:
        if (this.#sdlc) this.#abortFrame();
        break;
      case CMD_ENABLE_INT_ON_NEXT_RX:
        this.#rxFirstArmed = true;
        if (this.#rxFifo.length > 0) this.#rxFirst = true;
        break;
      case CMD_RESET_TX_INT_PENDING:
        this.#txIp = false;
        break;
      case CMD_ERROR_RESET:
        // [SCC] in the two modes that lock the FIFO, the character with the error goes with the error
        if (this.#rxLocked) this.#popRx();
        this.#rxErrors = 0;
        this.#latchErrors();
        break;
    }
    switch (value >>> 6) {
      case CRC_RESET_RX:
        this.#rxCrc = this.#crcPreset;
        break;
      case CRC_RESET_TX:
        this.#txCrc = this.#crcPreset;
        break;
      case CRC_RESET_EOM:
        this.#eom = false;
        break;
    }
  }

  #writeWr5(value: number): void {
    const breakBefore = this.#sendsBreak;
    this.#wr[5] = value;
    if (!(value & WR5_TX_ENABLE) && this.#txShift === -1 && !this.#async) this.#eom = true;
    const breakNow = this.#sendsBreak;
    if (breakNow !== breakBefore && this.#loopback) this.#receiveBreak(breakNow);
  }

  get #sendsBreak(): boolean {
    return (this.#wr[5]! & WR5_SEND_BREAK) !== 0;
  }

  #writeWr14(value: number): void {
    const loopBefore = this.#loopback;
    this.#wr[14] = value;
    switch (value >>> 5) {
      case 3: // disable
      case 4: // source is the baud rate generator
        this.#dpllFromRtxc = false;
        break;
      case 5:
        this.#dpllFromRtxc = true;
        break;
      case 6:
        this.#dpllFm = true;
        break;
      case 7:
        this.#dpllFm = false;
        break;
    }
    if (this.#loopback !== loopBefore) {
      const line = this.#loopback ? this.#sendsBreak : this.#lineBreak;
      if (line !== this.#break) this.#receiveBreak(line);
    }
    this.#listen(0);
  }

  // ---- transmitter ------------------------------------------------------------------------------------------------

  get #txRoom(): boolean {
    return this.#txFifo.length < this.#txDepth && this.#txShift !== -2;
  }

  #writeTx(data: number): void {
    this.#txIp = false;
    if (this.#txFifo.length < this.#txDepth) this.#txFifo.push(data);
    else {
      this.#txFifo[this.#txDepth - 1] = data;
      this.#log.guest('transmit buffer overwritten');
    }
  }

  /** Moves a character from the buffer to the shift register, if one can be sent now. */
  #startTx(late: number): void {
    if (this.#txShift !== -1 || this.#txFifo.length === 0 || !this.#txEnabled) return;
    if (this.#async && this.#sendsBreak) return;
    const rate = this.#txRate;
    if (rate === undefined) return;
    this.#txShift = this.#txFifo.shift()!;
    const level = this.#variant !== 'escc' || (this.#wr7p & WR7P_TX_FIFO_LEVEL) !== 0;
    if (this.#wr[1]! & WR1_TX_INT_ENABLE && (!level || this.#txFifo.length === 0)) this.#txIp = true;
    if (this.#async) {
      this.#txTask.schedule(this.#charTicks(rate, this.#charHalfBits(this.#txDataBits(this.#txShift))) - late);
      return;
    }
    let halfBits = 2 * this.#txBits;
    if (!this.#txInFrame) {
      this.#txInFrame = true;
      halfBits += 16; // the opening flag, or a sync character
      this.#txCrc = this.#crcPreset;
      if (this.#enhanced && this.#wr7p & WR7P_AUTO_EOM_RESET) this.#eom = false;
    }
    this.#txTask.schedule(this.#ticks(rate, halfBits) - late);
  }

  /** In the code for five bits, leading ones then 000 say that there are fewer. */
  #txDataBits(data: number): number {
    if (this.#txBits !== 5) return this.#txBits;
    for (let ones = 4; ones >= 1; ones--) {
      if (data >>> (8 - ones) === (1 << ones) - 1) return 5 - ones;
    }
    return 5;
  }

  /** The shift register is empty. */
  #sent(late: number): void {
    const data = this.#txShift;
    if (data === -2) {
      this.#frameSent();
      return;
    }
    this.#txShift = -1;
    if (data < 0) return;
    if (this.#async) this.#sendAsync(data);
    else {
      const byte = data & (0xff >>> (8 - this.#txBits));
      if (this.#wr[5]! & WR5_TX_CRC_ENABLE) this.#txCrc = this.#crc(this.#txCrc, byte);
      this.#line.byte(byte);
    }
    this.#startTx(late);
    if (this.#txShift === -1 && !this.#async) this.#underrun();
  }

  #sendAsync(data: number): void {
    const bits = this.#txDataBits(data);
    const value = data & (0xff >>> (8 - bits));
    if (this.#loopback) {
      // Start bit apart: data, parity and stop bits as the receiver will sample them, least significant first.
      const parity = this.#parityBits ? this.#parityOf(value) << bits : 0;
      const marks = ~0 << (bits + this.#parityBits);
      this.#receiveBits(value | parity | marks);
    } else if (!this.#autoEcho) this.#port.send(value);
  }

  /** Synchronous modes: nothing was written in time. */
  #underrun(): void {
    const rate = this.#txRate;
    const abort = this.#sdlc && (this.#wr[10]! & WR10_ABORT_ON_UNDERRUN) !== 0;
    if (!this.#eom && abort) this.#abortFrame();
    else if (!this.#eom && this.#wr[5]! & WR5_TX_CRC_ENABLE && rate !== undefined) {
      this.#eom = true;
      this.#txShift = -2;
      this.#txTask.schedule(this.#ticks(rate, 2 * 24));
    } else {
      this.#eom = true;
      this.#txInFrame = false;
      this.#line.end([]);
    }
  }

  #frameSent(): void {
    this.#txShift = -1;
    this.#txInFrame = false;
    const fcs = this.#sdlc ? ~this.#txCrc & 0xffff : this.#txCrc;
    this.#line.end([fcs & 0xff, fcs >>> 8]);
    if (this.#wr[1]! & WR1_TX_INT_ENABLE) this.#txIp = true;
    this.#startTx(0);
  }

  #abortFrame(): void {
    this.#txTask.cancel();
    this.#txShift = -1;
    this.#txFifo.length = 0;
    this.#txInFrame = false;
    this.#eom = true;
    this.#line.abort();
  }

  get #line(): SdlcLine {
    return this.#loopback ? this.#loop : (this.#sdlcOut ?? this.#nobody);
  }

  readonly #nobody: SdlcLine = { byte: () => {}, end: () => {}, abort: () => {} };
  readonly #loop: SdlcLine = {
    byte: (data) => {
      this.#frameByte(data);
    },
    end: (fcs) => {
      this.#frameEnd(fcs);
    },
    abort: () => {
      this.#frameAbort();
    },
  };

  get #crcPreset(): number {
    return this.#wr[10]! & WR10_CRC_PRESET_ONES || this.#sdlc ? 0xffff : 0;
  }

  /** Both polynomials, reflected, as bits go least significant first. */
  #crc(crc: number, byte: number): number {
    const polynomial = this.#wr[5]! & WR5_CRC16 && !this.#sdlc ? 0xa001 : 0x8408;
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    return crc;
  }

  // ---- receiver ---------------------------------------------------------------------------------------------------

  /** Room for one more character without an overrun. */
  get #rxRoom(): boolean {
    return this.#rxFifo.length < this.#rxDepth;
  }

  /** Begins to take characters from the host's end, one a character time, as long as there is room for them. */
  #listen(late: number): void {
    if (this.#rxTask.scheduled || !this.#async || !this.#rxEnabled || this.#loopback || !this.#rxRoom) return;
    if (this.#port === unplugged) return;
    const rate = this.#rxRate;
    if (rate === undefined) return;
    this.#rxTask.schedule(this.#charTicks(rate, this.#charHalfBits(this.#rxBits)) - late);
  }

  #poll(late: number): void {
    if (!this.#async || !this.#rxEnabled || this.#loopback || !this.#rxRoom) return;
    const byte = this.#port.receive();
    if (byte < 0) return; // onReadable begins again
    if (this.#autoEcho) this.#port.send(byte & 0xff);
    const value = byte & (0xff >>> (8 - this.#rxBits));
    const parity = this.#parityBits ? this.#parityOf(value) << this.#rxBits : 0;
    this.#receiveBits(value | parity | (~0 << (this.#rxBits + this.#parityBits)));
    this.#listen(late);
  }

  /** An asynchronous character: data bits, parity bit, stop bits, then the idle line's ones. */
  #receiveBits(line: number): void {
    if (!this.#rxEnabled || !this.#async) return;
    const bits = this.#rxBits;
    const value = line & ((1 << bits) - 1);
    let data = line & ((1 << (bits + this.#parityBits)) - 1) & 0xff;
    // [SCC] a character shorter than eight bits comes with its parity bit, and ones above
    if (bits + this.#parityBits < 8) data |= (0xff << (bits + this.#parityBits)) & 0xff;
    let status = 0;
    if (this.#parityBits && ((line >>> bits) & 1) !== this.#parityOf(value)) status |= RR1_PARITY;
    if (((line >>> (bits + this.#parityBits)) & 1) === 0) status |= RR1_CRC_FRAMING;
    this.#pushRx({ data, status });
  }

  #receiveBreak(begins: boolean): void {
    if (!this.#async) {
      this.#break = false;
      return;
    }
    if (begins === this.#break) return;
    this.#break = begins;
    // [SCC] one null character with a framing error is left in the FIFO
    if (!begins && this.#rxEnabled) this.#pushRx({ data: 0, status: RR1_CRC_FRAMING });
  }

  #pushRx(entry: RxEntry): void {
    if (this.#rxFifo.length < this.#rxDepth) {
      this.#rxFifo.push(entry);
      if (this.#rxFirstArmed) {
        this.#rxFirstArmed = false;
        this.#rxFirst = true;
      }
      this.#latchErrors();
    } else if (this.#rxHold === undefined) this.#rxHold = entry;
    else this.#rxHold = { data: entry.data, status: entry.status | RR1_OVERRUN };
  }

  /** Parity and overrun errors latch when their character reaches the FIFO's exit. */
  #latchErrors(): void {
    this.#rxErrors |= (this.#rxFifo[0]?.status ?? 0) & (RR1_PARITY | RR1_OVERRUN);
  }

  get #rxSpecial(): boolean {
    const parity = this.#wr[1]! & WR1_PARITY_IS_SPECIAL ? RR1_PARITY : 0;
    if (this.#rxErrors & (RR1_OVERRUN | parity)) return true;
    const status = this.#rxFifo[0]?.status ?? 0;
    if (status & RR1_END_OF_FRAME) return !this.#statusFifo;
    return this.#async && (status & RR1_CRC_FRAMING) !== 0;
  }

  /** A special condition keeps its character at the exit until Error Reset. */
  get #rxLocked(): boolean {
    const mode = this.#rxMode;
    return (mode === RX_INT_FIRST || mode === RX_INT_SPECIAL) && this.#rxFifo.length > 0 && this.#rxSpecial;
  }

  #readRx(): number {
    const data = this.#rxFifo[0]?.data ?? 0;
    this.#rxFirst = false;
    if (!this.#rxLocked) this.#popRx();
    return data;
  }

  #popRx(): void {
    this.#rxFifo.shift();
    const held = this.#rxHold;
    if (held !== undefined) {
      this.#rxHold = undefined;
      this.#pushRx(held);
    }
    this.#latchErrors();
    this.#listen(0);
  }

  #stopReceiver(): void {
    this.#rxTask.cancel();
    this.#rxInFrame = false;
  }

  // ---- synchronous receiver ---------------------------------------------------------------------------------------

  #frameByte(data: number): void {
    if (this.#async || !this.#rxEnabled) return;
    if (!this.#rxInFrame) {
      this.#rxInFrame = true;
      this.#rxCrc = this.#crcPreset;
      this.#rxCount = 0;
      this.#hunt = false;
      this.#break = false;
      this.#rxSkip = this.#sdlc && (this.#wr[3]! & WR3_ADDRESS_SEARCH) !== 0 && !this.#addressed(data);
    }
    if (this.#rxSkip) return;
    this.#rxCrc = this.#crc(this.#rxCrc, data);
    this.#rxCount = Math.min(MAX_BYTE_COUNT, this.#rxCount + 1);
    this.#pushRx({ data, status: 0 });
  }

  #addressed(address: number): boolean {
    const mask = this.#wr[3]! & WR3_SYNC_LOAD_INHIBIT ? 0xf0 : 0xff;
    return address === 0xff || ((address ^ this.#wr[6]!) & mask) === 0;
  }

  #frameEnd(fcs: readonly number[]): void {
    const skip = this.#rxSkip || !this.#rxInFrame || this.#async || !this.#rxEnabled;
    this.#rxInFrame = this.#rxSkip = false;
    if (skip) return;
    if (!this.#sdlc) {
      for (const data of fcs) this.#pushRx({ data, status: 0 });
      return;
    }
    const expected = ~this.#rxCrc & 0xffff;
    const good = fcs.length === 2 && fcs[0] === (expected & 0xff) && fcs[1] === expected >>> 8;
    const status = RR1_END_OF_FRAME | (good ? 0 : RR1_CRC_FRAMING);
    this.#rxCount = Math.min(MAX_BYTE_COUNT, this.#rxCount + fcs.length);
    const overrun = this.#rxErrors & RR1_OVERRUN;
    if (fcs.length === 0) {
      const last = this.#rxHold ?? this.#rxFifo.at(-1);
      if (last !== undefined) last.status |= status;
    }
    fcs.forEach((data, index) => {
      this.#pushRx({ data, status: index === fcs.length - 1 ? status : 0 });
    });
    if (!this.#statusFifo) return;
    if (this.#frames.length >= STATUS_FIFO_DEPTH) this.#framesOverflow = true;
    else this.#frames.push((((status & 0xff) | overrun) << 16) | this.#rxCount);
  }

  #frameAbort(): void {
    if (this.#async || !this.#rxEnabled) return;
    this.#rxInFrame = this.#rxSkip = false;
    this.#break = true;
    this.#hunt = true;
  }

  /** [85C30] reading RR1 takes one entry from the frame status FIFO. */
  #readFrameStatus(): void {
    if (this.#statusFifo) this.#frames.shift();
  }

  // ---- interrupts -------------------------------------------------------------------------------------------------

  get #external(): number {
    let value = 0;
    if (this.#break) value |= RR0_BREAK_ABORT;
    if (this.#eom) value |= RR0_TX_UNDERRUN;
    if (this.#cts) value |= RR0_CTS;
    if (this.#async ? this.#sync : this.#hunt) value |= RR0_SYNC_HUNT;
    if (this.#dcd) value |= RR0_DCD;
    if (this.#zeroCount) value |= RR0_ZERO_COUNT;
    return value;
  }

  /** Pending interrupts; an IP bit shows only while its enable is set. */
  get pending(): number {
    let pending = 0;
    if (this.#extIp && this.#wr[1]! & WR1_EXT_INT_ENABLE) pending |= IP_EXT;
    if (this.#txIp && this.#wr[1]! & WR1_TX_INT_ENABLE) pending |= IP_TX;
    if (this.#rxIp) pending |= IP_RX;
    return pending;
  }

  get #rxIp(): boolean {
    const full = this.#variant === 'escc' && (this.#wr7p & WR7P_RX_FIFO_LEVEL) !== 0 ? this.#rxDepth / 2 : 1;
    switch (this.#rxMode) {
      case RX_INT_FIRST:
        return this.#rxFirst || this.#rxSpecial;
      case RX_INT_ALL:
        return this.#rxFifo.length >= full || this.#rxSpecial;
      case RX_INT_SPECIAL:
        return this.#rxSpecial;
      default:
        return false;
    }
  }

  /** The receive interrupt is a special condition; the vector says so. */
  get special(): boolean {
    return this.#rxSpecial;
  }

  get #wantsTx(): boolean {
    const wr1 = this.#wr[1]!;
    const viaWreq = (wr1 & (WR1_REQUEST_ENABLE | WR1_REQUEST_NOT_WAIT | WR1_REQUEST_ON_RECEIVE)) === 0xc0;
    const enabled = viaWreq || (this.#wr[14]! & WR14_DTR_IS_REQUEST) !== 0;
    return enabled && (this.#wr[5]! & WR5_TX_ENABLE) !== 0 && this.#txRoom;
  }

  get #wantsRx(): boolean {
    const wr1 = this.#wr[1]!;
    const enabled = (wr1 & (WR1_REQUEST_ENABLE | WR1_REQUEST_NOT_WAIT | WR1_REQUEST_ON_RECEIVE)) === 0xe0;
    return enabled && this.#rxFifo.length > 0 && !this.#rxLocked;
  }

  /** Settles external/status latches, then drives every output. */
  #update(): void {
    const external = this.#external;
    const enabled = this.#wr[15]! & WR15_EXT_STATUS;
    if (!this.#extLatched) {
      const changed = ((external ^ this.#ext) & enabled) !== 0;
      this.#ext = external;
      if (changed && this.#wr[1]! & WR1_EXT_INT_ENABLE) this.#extLatched = this.#extIp = true;
    }
    this.#armZeroCount();
    this.#drive();
    this.#changed();
    this.#requestDma();
  }

  /** A channel is told when its request begins, not for as long as it lasts. */
  #requestDma(): void {
    const tx = this.#wantsTx;
    const rx = this.#wantsRx;
    const txBegins = tx && !this.#txRequested;
    const rxBegins = rx && !this.#rxRequested;
    this.#txRequested = tx;
    this.#rxRequested = rx;
    if (txBegins) this.#dmaTx?.request();
    if (rxBegins) this.#dmaRx?.request();
  }

  /** Counts to zero are only followed while somebody would be interrupted by one. */
  #armZeroCount(): void {
    const brg = this.#brg;
    const wanted =
      brg !== undefined &&
      !this.#extLatched &&
      (this.#wr[15]! & WR15_ZERO_COUNT) !== 0 &&
      (this.#wr[1]! & WR1_EXT_INT_ENABLE) !== 0;
    if (!wanted) this.#brgTask.cancel();
    else if (!this.#brgTask.scheduled) this.#brgTask.schedule(this.#ticks(brg, 1));
  }

  #drive(): void {
    const wr5 = this.#wr[5]!;
    const wr1 = this.#wr[1]!;
    const busy = this.#txShift !== -1 || this.#txFifo.length > 0;
    // [SCC] with Auto Enables, asynchronous RTS falls only when all is sent; so does 85C30's automatic RTS in SDLC
    const holdsRts =
      (this.#async && (this.#wr[3]! & WR3_AUTO_ENABLES) !== 0) || (this.#sdlc && (this.#wr7p & WR7P_AUTO_RTS) !== 0);
    this.#rtsOut = (wr5 & WR5_RTS) !== 0 || (holdsRts && busy && this.#rtsOut);
    this.rts.set(this.#rtsOut);
    const dtrIsRequest = (this.#wr[14]! & WR14_DTR_IS_REQUEST) !== 0;
    this.dtr.set(!dtrIsRequest && (wr5 & WR5_DTR) !== 0);
    const room = (wr5 & WR5_TX_ENABLE) !== 0 && this.#txRoom;
    this.dtrreq.set(dtrIsRequest && room);
    const request = (wr1 & (WR1_REQUEST_ENABLE | WR1_REQUEST_NOT_WAIT)) === 0xc0;
    this.wreq.set(request && (wr1 & WR1_REQUEST_ON_RECEIVE ? this.#wantsRx : room));
    this.txBreak.set(this.#async && this.#sendsBreak);
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  /** [SCC] register reset values; X bits keep what they had. */
  resetRegisters(hardware: boolean): void {
    const wr = this.#wr;
    wr[0] = 0;
    wr[1]! &= 0x24;
    wr[3]! &= 0xfe;
    wr[4]! |= 0x04;
    wr[5]! &= 0x61;
    this.#wr7p = 0x20;
    wr[10] = hardware ? 0 : wr[10]! & 0x60;
    if (hardware) wr[11] = 0x08;
    wr[14] = hardware ? (wr[14]! & 0xc0) | 0x30 : (wr[14]! & 0xc3) | 0x20;
    wr[15] = 0xf8;
    this.#txTask.cancel();
    this.#rxTask.cancel();
    this.#brgTask.cancel();
    this.#txFifo.length = 0;
    this.#txShift = -1;
    this.#txInFrame = this.#txIp = false;
    this.#eom = true;
    this.#rxFifo.length = 0;
    this.#rxHold = undefined;
    this.#rxErrors = 0;
    this.#rxFirst = this.#rxFirstArmed = false;
    this.#hunt = this.#break = false;
    this.#rxInFrame = this.#rxSkip = false;
    this.#txCrc = this.#rxCrc = this.#rxCount = 0;
    this.#frames.length = 0;
    this.#framesOverflow = false;
    this.#extIp = this.#extLatched = this.#zeroCount = false;
    this.#dpllFromRtxc = this.#dpllFm = false;
    this.#rtsOut = this.#txRequested = this.#rxRequested = false;
    this.#ext = this.#external;
  }

  /** Power-on: unknown bits are zero. */
  clearRegisters(): void {
    this.#wr.fill(0);
  }

  settle(): void {
    this.#drive();
  }

  /** After a guest's reset command: drives what the reset changed. */
  afterReset(): void {
    this.#update();
  }

  save(): PlainFields {
    const pack = ({ data, status }: RxEntry): number => data | (status << 8);
    return {
      wr: this.#wr.slice(),
      wr7p: this.#wr7p,
      cts: this.#cts,
      dcd: this.#dcd,
      sync: this.#sync,
      lineBreak: this.#lineBreak,
      txFifo: Uint8Array.from(this.#txFifo),
      txShift: this.#txShift,
      txInFrame: this.#txInFrame,
      txCrc: this.#txCrc,
      txIp: this.#txIp,
      eom: this.#eom,
      rxFifo: this.#rxFifo.map(pack),
      rxHold: this.#rxHold === undefined ? -1 : pack(this.#rxHold),
      rxErrors: this.#rxErrors,
      rxFirstArmed: this.#rxFirstArmed,
      rxFirst: this.#rxFirst,
      hunt: this.#hunt,
      break: this.#break,
      rxInFrame: this.#rxInFrame,
      rxSkip: this.#rxSkip,
      rxCrc: this.#rxCrc,
      rxCount: this.#rxCount,
      frames: [...this.#frames],
      framesOverflow: this.#framesOverflow,
      extIp: this.#extIp,
      extLatched: this.#extLatched,
      ext: this.#ext,
      zeroCount: this.#zeroCount,
      dpllFromRtxc: this.#dpllFromRtxc,
      dpllFm: this.#dpllFm,
      rtsOut: this.#rtsOut,
      txRequested: this.#txRequested,
      rxRequested: this.#rxRequested,
      tx: this.#txTask.remaining,
      rx: this.#rxTask.remaining,
      brg: this.#brgTask.remaining,
    };
  }

  restore(saved: SavedFields): void {
    const due = (name: string): number => saved.int(name, -1, Number.MAX_SAFE_INTEGER);
    const ints = (name: string, length: number, max: number): number[] =>
      saved.list(name, length).map((value) => new SavedFields(this.#name, { value }).int('value', 0, max));
    const unpack = (packed: number): RxEntry => ({ data: packed & 0xff, status: packed >>> 8 });
    this.#wr.set(saved.bytes('wr', 16));
    this.#wr7p = saved.u8('wr7p');
    this.#cts = saved.bool('cts');
    this.#dcd = saved.bool('dcd');
    this.#sync = saved.bool('sync');
    this.#lineBreak = saved.bool('lineBreak');
    this.#txFifo.splice(0, this.#txFifo.length, ...saved.bytes('txFifo', undefined, this.#txDepth));
    this.#txShift = saved.int('txShift', -2, 0xff);
    this.#txInFrame = saved.bool('txInFrame');
    this.#txCrc = saved.u16('txCrc');
    this.#txIp = saved.bool('txIp');
    this.#eom = saved.bool('eom');
    this.#rxFifo.splice(0, this.#rxFifo.length, ...ints('rxFifo', this.#rxDepth, 0xffff).map(unpack));
    const held = saved.int('rxHold', -1, 0xffff);
    this.#rxHold = held < 0 ? undefined : unpack(held);
    this.#rxErrors = saved.u8('rxErrors');
    this.#rxFirstArmed = saved.bool('rxFirstArmed');
    this.#rxFirst = saved.bool('rxFirst');
    this.#hunt = saved.bool('hunt');
    this.#break = saved.bool('break');
    this.#rxInFrame = saved.bool('rxInFrame');
    this.#rxSkip = saved.bool('rxSkip');
    this.#rxCrc = saved.u16('rxCrc');
    this.#rxCount = saved.int('rxCount', 0, MAX_BYTE_COUNT);
    this.#frames.splice(0, this.#frames.length, ...ints('frames', STATUS_FIFO_DEPTH, 0xff_ffff));
    this.#framesOverflow = saved.bool('framesOverflow');
    this.#extIp = saved.bool('extIp');
    this.#extLatched = saved.bool('extLatched');
    this.#ext = saved.u8('ext');
    this.#zeroCount = saved.bool('zeroCount');
    this.#dpllFromRtxc = saved.bool('dpllFromRtxc');
    this.#dpllFm = saved.bool('dpllFm');
    this.#txTask.restore(due('tx'));
    this.#rxTask.restore(due('rx'));
    this.#brgTask.restore(due('brg'));
    this.#rtsOut = saved.bool('rtsOut');
    this.#txRequested = saved.bool('txRequested');
    this.#rxRequested = saved.bool('rxRequested');
  }
}
