// SPDX-License-Identifier: MIT
import type { PlainFields, SavedFields } from '../../backplane/device.ts';
import type { DmaChannel, DmaPeer } from '../../backplane/dma.ts';
import type { SerialPort } from '../../backplane/host.ts';
import { unplugged } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { type SccChannelClocks, SccMode, type SccRate, type SccVariant, ticksOf } from './scc-mode.ts';
import type { SccReceiveFifo } from './scc-receive-fifo.ts';
import { SccReceiver, type SdlcLine } from './scc-receiver.ts';
import {
  CMD_ENABLE_INT_ON_NEXT_RX,
  CMD_ERROR_RESET,
  CMD_RESET_EXT_STATUS,
  CMD_RESET_TX_INT_PENDING,
  CMD_SEND_ABORT,
  CRC_RESET_EOM,
  CRC_RESET_RX,
  CRC_RESET_TX,
  RR0_BREAK_ABORT,
  RR0_CTS,
  RR0_DCD,
  RR0_RX_AVAILABLE,
  RR0_SYNC_HUNT,
  RR0_TX_EMPTY,
  RR0_TX_UNDERRUN,
  RR0_ZERO_COUNT,
  RR10_LOOP_SENDING,
  RR10_ON_LOOP,
  RR1_ALL_SENT,
  RR1_CRC_FRAMING,
  RR1_END_OF_FRAME,
  RR1_OVERRUN,
  RR1_RESIDUE_8,
  RX_INT_ALL,
  RX_INT_FIRST,
  RX_INT_SPECIAL,
  WR10_LOOP_MODE,
  WR14_DTR_IS_REQUEST,
  WR15_EXT_STATUS,
  WR15_STATUS_FIFO,
  WR15_WR7P,
  WR15_ZERO_COUNT,
  WR1_EXT_INT_ENABLE,
  WR1_REQUEST_ENABLE,
  WR1_REQUEST_NOT_WAIT,
  WR1_REQUEST_ON_RECEIVE,
  WR1_TX_INT_ENABLE,
  WR3_AUTO_ENABLES,
  WR3_ENTER_HUNT,
  WR3_RX_ENABLE,
  WR5_DTR,
  WR5_RTS,
  WR5_TX_ENABLE,
  WR7P_AUTO_RTS,
  WR7P_EXTENDED_READ,
  WR7P_RX_FIFO_LEVEL,
} from './scc-registers.ts';
import { SccTransmitter } from './scc-transmitter.ts';

/** What interrupts a channel has pending, as in RR3. */
export const IP_EXT = 0x1;
export const IP_TX = 0x2;
export const IP_RX = 0x4;

/**
 * One channel of a {@link Z85c30}: its registers, interrupts, requests and pins around a transmitter and a receiver.
 * Wires: `rts`, `dtr`, `wreq` (W/REQ as a request), `dtrreq` (DTR/REQ as a request), `txBreak` (TxD held at space), all
 * true when asserted; inputs `ctsW`, `dcdW`, `syncW`, `breakW` likewise.
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
  readonly #changed: () => void;
  readonly #mode: SccMode;
  readonly #tx: SccTransmitter;
  readonly #rx: SccReceiver;
  readonly #rxTask: Task;
  readonly #brgTask: Task;
  #port: SerialPort = unplugged;
  #sdlcOut: SdlcLine | undefined;
  #dmaTx: DmaChannel | undefined;
  #dmaRx: DmaChannel | undefined;

  // Pins that neither half of the channel needs
  #sync = false;
  #lineBreak = false;
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
    const id = `${context.id}.${name}`;
    this.#log = context.log;
    this.#changed = changed;
    const wire = (pin: string): Wire => new Wire(`${id}.${pin}`);
    this.rts = wire('rts');
    this.dtr = wire('dtr');
    this.wreq = wire('wreq');
    this.dtrreq = wire('dtrreq');
    this.txBreak = wire('txBreak');
    const txTask = context.scheduler.task(`${id}.tx`, (late) => {
      this.#tx.sent(late);
      this.#update();
    });
    this.#rxTask = context.scheduler.task(`${id}.rx`, (late) => {
      this.#poll(late);
      this.#update();
    });
    this.#brgTask = context.scheduler.task(`${id}.brg`, () => {
      this.#zeroCount = true;
      this.#update();
    });
    this.#mode = new SccMode(variant, clocks);
    this.#rx = new SccReceiver(this.#mode);
    const line = (): SdlcLine => (this.#mode.loopback ? this.#rx : (this.#sdlcOut ?? NOBODY));
    this.#tx = new SccTransmitter(
      this.#mode,
      {
        get line() {
          return line();
        },
        character: (value, bits) => {
          if (this.#mode.loopback) this.#rx.bits(this.#mode.lineBits(value, bits));
          else if (!this.#mode.autoEcho) this.#port.send(value);
        },
        charTicks: (rate, halfBits) => this.#charTicks(rate, halfBits),
      },
      context.log,
      txTask,
    );
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
      if (!this.#mode.loopback) this.#rx.byte(data);
      this.#update();
    },
    end: (fcs) => {
      if (!this.#mode.loopback) this.#rx.end(fcs);
      this.#update();
    },
    abort: () => {
      if (!this.#mode.loopback) this.#rx.abort();
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
          this.#tx.write(bytes[taken++]!);
          this.#tx.start(0);
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
    this.#tx.cts = asserted;
    this.#tx.start(0);
    this.#update();
  }

  dcdW(asserted: boolean): void {
    this.#rx.dcd = asserted;
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
    if (!this.#mode.loopback) this.#rx.lineBreak(asserted);
    this.#update();
  }

  // ---- registers --------------------------------------------------------------------------------------------------

  /** Reads a register other than RR2 and RR3. */
  read(register: number): number {
    const value = this.value(register);
    if (register === 8) {
      this.#readRx();
      this.#update();
    } else if (register === 1 || (register === 5 && !this.#extendedRead)) {
      this.#rx.takeFrame();
    }
    return value;
  }

  /** The same without side effects. */
  value(register: number): number {
    const { wr, wr7p } = this.#mode;
    const extended = this.#extendedRead;
    switch (register) {
      case 0:
        return this.#rr0;
      case 1:
        return this.#rr1;
      case 4:
        return extended ? wr[4]! : this.#rr0;
      case 5:
        return extended ? wr[5]! : this.#rr1;
      case 6:
        return (this.#rx.frame?.count ?? 0) & 0xff;
      case 7:
        return this.#rx.rr7;
      case 8:
        return this.#fifo.data;
      case 9:
        return extended ? wr[3]! : wr[13]!;
      case 10:
        return this.#rr10;
      case 11:
        return extended ? wr[10]! : wr[15]! & WR15_EXT_STATUS;
      case 12:
        return wr[12]!;
      case 13:
        return wr[13]!;
      case 14:
        return extended ? wr7p : this.#rr10;
      case 15:
        return wr[15]! & WR15_EXT_STATUS;
      default:
        return 0;
    }
  }

  /** RR6 and RR7 are the frame status FIFO; otherwise images of RR2 and RR3. */
  get frameStatusReadable(): boolean {
    return this.#mode.statusFifo;
  }

  get #extendedRead(): boolean {
    return this.#mode.enhanced && (this.#mode.wr7p & WR7P_EXTENDED_READ) !== 0;
  }

  get #fifo(): SccReceiveFifo {
    return this.#rx.fifo;
  }

  get #rr0(): number {
    const latched = this.#extLatched ? this.#mode.wr[15]! & WR15_EXT_STATUS : 0;
    let value = (this.#ext & latched) | (this.#external & ~latched & 0xff);
    if (this.#fifo.length > 0) value |= RR0_RX_AVAILABLE;
    if (this.#tx.hasRoom) value |= RR0_TX_EMPTY;
    return value;
  }

  get #rr1(): number {
    let value = this.#fifo.errors | RR1_RESIDUE_8;
    const frame = this.#mode.statusFifo ? this.#rx.frame : undefined;
    if (frame !== undefined) value |= frame.status & (RR1_OVERRUN | RR1_CRC_FRAMING);
    else value |= this.#fifo.status & (RR1_CRC_FRAMING | RR1_END_OF_FRAME);
    if (!this.#mode.async || !this.#tx.busy) value |= RR1_ALL_SENT;
    return value;
  }

  get #rr10(): number {
    const loop = this.#mode.sdlc && (this.#mode.wr[10]! & WR10_LOOP_MODE) !== 0;
    return loop && this.#tx.inFrame ? RR10_LOOP_SENDING | RR10_ON_LOOP : 0;
  }

  /** Writes a register other than WR2 and WR9; `value` of register 0 is all of WR0, with its commands. */
  write(register: number, value: number): void {
    const mode = this.#mode;
    const { wr } = mode;
    switch (register) {
      case 0:
        this.#command(value);
        break;
      case 1:
        if (((value ^ wr[1]!) & 0x18) !== 0) this.#fifo.armFirst();
        wr[1] = value;
        if (value & WR1_REQUEST_ENABLE && !(value & WR1_REQUEST_NOT_WAIT)) this.#log.unimp('WAIT function of W/REQ');
        break;
      case 3:
        wr[3] = value & ~WR3_ENTER_HUNT;
        if (!(value & WR3_RX_ENABLE)) this.#stopReceiver();
        if (!mode.async && (value & WR3_ENTER_HUNT || !(value & WR3_RX_ENABLE))) this.#rx.hunt = true;
        this.#listen(0);
        break;
      case 4:
        wr[4] = value;
        if (!mode.async && !(wr[3]! & WR3_RX_ENABLE)) this.#rx.hunt = true;
        break;
      case 5:
        this.#writeWr5(value);
        break;
      case 7:
        if (mode.enhanced && wr[15]! & WR15_WR7P) mode.wr7p = value & 0x7f;
        else wr[7] = value;
        break;
      case 8:
        this.#tx.write(value);
        break;
      case 14:
        this.#writeWr14(value);
        break;
      case 15:
        if (!(value & WR15_STATUS_FIFO)) this.#rx.clearFrames();
        wr[15] = mode.enhanced ? value : value & WR15_EXT_STATUS;
        break;
      default:
        wr[register] = value;
    }
    this.#tx.start(0);
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
        if (this.#mode.sdlc) this.#tx.abort();
        break;
      case CMD_ENABLE_INT_ON_NEXT_RX:
        this.#fifo.armFirst();
        if (this.#fifo.length > 0) this.#fifo.first = true;
        break;
      case CMD_RESET_TX_INT_PENDING:
        this.#tx.ip = false;
        break;
      case CMD_ERROR_RESET:
        this.#fifo.resetErrors();
        this.#listen(0);
        break;
    }
    switch (value >>> 6) {
      case CRC_RESET_RX:
        this.#rx.resetCrc();
        break;
      case CRC_RESET_TX:
        this.#tx.resetCrc();
        break;
      case CRC_RESET_EOM:
        this.#tx.eom = false;
        break;
    }
  }

  #writeWr5(value: number): void {
    const mode = this.#mode;
    const breakBefore = mode.sendsBreak;
    mode.wr[5] = value;
    if (!(value & WR5_TX_ENABLE)) this.#tx.disabled();
    if (mode.sendsBreak !== breakBefore && mode.loopback) this.#rx.lineBreak(mode.sendsBreak);
  }

  #writeWr14(value: number): void {
    const mode = this.#mode;
    const loopBefore = mode.loopback;
    mode.wr[14] = value;
    switch (value >>> 5) {
      case 3: // disable
      case 4: // source is the baud rate generator
        mode.dpllFromRtxc = false;
        break;
      case 5:
        mode.dpllFromRtxc = true;
        break;
      case 6:
        mode.dpllFm = true;
        break;
      case 7:
        mode.dpllFm = false;
        break;
    }
    if (mode.loopback !== loopBefore) this.#rx.lineBreak(mode.loopback ? mode.sendsBreak : this.#lineBreak);
    this.#listen(0);
  }

  // ---- the host's end ---------------------------------------------------------------------------------------------

  /** Master ticks of an asynchronous character; those to and from the host's end take less. */
  #charTicks(rate: SccRate, halfBits: number): number {
    const ticks = ticksOf(rate, halfBits);
    return this.#mode.loopback || this.#port === unplugged ? ticks : Math.max(1, Math.ceil(ticks / this.portSpeedup));
  }

  get #listening(): boolean {
    return this.#mode.async && this.#rx.enabled && !this.#mode.loopback && this.#fifo.hasRoom;
  }

  /** Begins to take characters from the host's end, one a character time, as long as there is room for them. */
  #listen(late: number): void {
    if (this.#rxTask.scheduled || !this.#listening || this.#port === unplugged) return;
    const rate = this.#mode.rxRate;
    if (rate === undefined) return;
    this.#rxTask.schedule(this.#charTicks(rate, this.#mode.charHalfBits(this.#mode.rxBits)) - late);
  }

  #poll(late: number): void {
    if (!this.#listening) return;
    const byte = this.#port.receive();
    if (byte < 0) return; // onReadable begins again
    if (this.#mode.autoEcho) this.#port.send(byte & 0xff);
    const bits = this.#mode.rxBits;
    this.#rx.bits(this.#mode.lineBits(byte & (0xff >>> (8 - bits)), bits));
    this.#listen(late);
  }

  #readRx(): number {
    const data = this.#fifo.read();
    this.#listen(0);
    return data;
  }

  #stopReceiver(): void {
    this.#rxTask.cancel();
    this.#rx.stop();
  }

  // ---- interrupts and requests ------------------------------------------------------------------------------------

  get #external(): number {
    let value = 0;
    if (this.#rx.break) value |= RR0_BREAK_ABORT;
    if (this.#tx.eom) value |= RR0_TX_UNDERRUN;
    if (this.#tx.cts) value |= RR0_CTS;
    if (this.#mode.async ? this.#sync : this.#rx.hunt) value |= RR0_SYNC_HUNT;
    if (this.#rx.dcd) value |= RR0_DCD;
    if (this.#zeroCount) value |= RR0_ZERO_COUNT;
    return value;
  }

  /** Pending interrupts; an IP bit shows only while its enable is set. */
  get pending(): number {
    const wr1 = this.#mode.wr[1]!;
    let pending = 0;
    if (this.#extIp && wr1 & WR1_EXT_INT_ENABLE) pending |= IP_EXT;
    if (this.#tx.ip && wr1 & WR1_TX_INT_ENABLE) pending |= IP_TX;
    if (this.#rxIp) pending |= IP_RX;
    return pending;
  }

  get #rxIp(): boolean {
    const { rxInterrupts, variant, wr7p } = this.#mode;
    const full = variant === 'escc' && (wr7p & WR7P_RX_FIFO_LEVEL) !== 0 ? this.#fifo.depth / 2 : 1;
    switch (rxInterrupts) {
      case RX_INT_FIRST:
        return this.#fifo.first || this.special;
      case RX_INT_ALL:
        return this.#fifo.length >= full || this.special;
      case RX_INT_SPECIAL:
        return this.special;
      default:
        return false;
    }
  }

  /** The receive interrupt is a special condition; the vector says so. */
  get special(): boolean {
    return this.#fifo.special;
  }

  get #wantsTx(): boolean {
    const { wr } = this.#mode;
    const viaWreq = (wr[1]! & (WR1_REQUEST_ENABLE | WR1_REQUEST_NOT_WAIT | WR1_REQUEST_ON_RECEIVE)) === 0xc0;
    const enabled = viaWreq || (wr[14]! & WR14_DTR_IS_REQUEST) !== 0;
    return enabled && (wr[5]! & WR5_TX_ENABLE) !== 0 && this.#tx.hasRoom;
  }

  get #wantsRx(): boolean {
    const wr1 = this.#mode.wr[1]!;
    const enabled = (wr1 & (WR1_REQUEST_ENABLE | WR1_REQUEST_NOT_WAIT | WR1_REQUEST_ON_RECEIVE)) === 0xe0;
    return enabled && this.#fifo.length > 0 && !this.#fifo.locked;
  }

  /** Settles external/status latches, then drives every output. */
  #update(): void {
    const external = this.#external;
    const { wr } = this.#mode;
    if (!this.#extLatched) {
      const changed = ((external ^ this.#ext) & wr[15]!) !== 0;
      this.#ext = external;
      if (changed && wr[1]! & WR1_EXT_INT_ENABLE) this.#extLatched = this.#extIp = true;
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
    const { brg, wr } = this.#mode;
    const wanted =
      brg !== undefined &&
      !this.#extLatched &&
      (wr[15]! & WR15_ZERO_COUNT) !== 0 &&
      (wr[1]! & WR1_EXT_INT_ENABLE) !== 0;
    if (!wanted) this.#brgTask.cancel();
    else if (!this.#brgTask.scheduled) this.#brgTask.schedule(ticksOf(brg, 1));
  }

  #drive(): void {
    const { wr, wr7p, async, sdlc, sendsBreak } = this.#mode;
    const wr5 = wr[5]!;
    const wr1 = wr[1]!;
    // [SCC] with Auto Enables, asynchronous RTS falls only when all is sent; so does 85C30's automatic RTS in SDLC
    const holdsRts = (async && (wr[3]! & WR3_AUTO_ENABLES) !== 0) || (sdlc && (wr7p & WR7P_AUTO_RTS) !== 0);
    this.#rtsOut = (wr5 & WR5_RTS) !== 0 || (holdsRts && this.#tx.busy && this.#rtsOut);
    this.rts.set(this.#rtsOut);
    const dtrIsRequest = (wr[14]! & WR14_DTR_IS_REQUEST) !== 0;
    this.dtr.set(!dtrIsRequest && (wr5 & WR5_DTR) !== 0);
    const room = (wr5 & WR5_TX_ENABLE) !== 0 && this.#tx.hasRoom;
    this.dtrreq.set(dtrIsRequest && room);
    const request = (wr1 & (WR1_REQUEST_ENABLE | WR1_REQUEST_NOT_WAIT)) === 0xc0;
    this.wreq.set(request && (wr1 & WR1_REQUEST_ON_RECEIVE ? this.#wantsRx : room));
    this.txBreak.set(async && sendsBreak);
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  /** [SCC] register reset values; X bits keep what they had. */
  resetRegisters(hardware: boolean): void {
    const mode = this.#mode;
    const { wr } = mode;
    wr[0] = 0;
    wr[1]! &= 0x24;
    wr[3]! &= 0xfe;
    wr[4]! |= 0x04;
    wr[5]! &= 0x61;
    mode.wr7p = 0x20;
    wr[10] = hardware ? 0 : wr[10]! & 0x60;
    if (hardware) wr[11] = 0x08;
    wr[14] = hardware ? (wr[14]! & 0xc0) | 0x30 : (wr[14]! & 0xc3) | 0x20;
    wr[15] = 0xf8;
    mode.dpllFromRtxc = mode.dpllFm = false;
    this.#rxTask.cancel();
    this.#brgTask.cancel();
    this.#tx.reset();
    this.#rx.reset();
    this.#extIp = this.#extLatched = this.#zeroCount = false;
    this.#rtsOut = this.#txRequested = this.#rxRequested = false;
    this.#ext = this.#external;
  }

  /** Power-on: unknown bits are zero. */
  clearRegisters(): void {
    this.#mode.wr.fill(0);
  }

  settle(): void {
    this.#drive();
  }

  /** After a guest's reset command: drives what the reset changed. */
  afterReset(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      wr: this.#mode.wr.slice(),
      wr7p: this.#mode.wr7p,
      dpllFromRtxc: this.#mode.dpllFromRtxc,
      dpllFm: this.#mode.dpllFm,
      tx: this.#tx.save(),
      rx: this.#rx.save(),
      sync: this.#sync,
      lineBreak: this.#lineBreak,
      extIp: this.#extIp,
      extLatched: this.#extLatched,
      ext: this.#ext,
      zeroCount: this.#zeroCount,
      rtsOut: this.#rtsOut,
      txRequested: this.#txRequested,
      rxRequested: this.#rxRequested,
      rxDue: this.#rxTask.remaining,
      brgDue: this.#brgTask.remaining,
    };
  }

  restore(saved: SavedFields): void {
    const due = (name: string): number => saved.int(name, -1, Number.MAX_SAFE_INTEGER);
    this.#mode.wr.set(saved.bytes('wr', 16));
    this.#mode.wr7p = saved.u8('wr7p');
    this.#mode.dpllFromRtxc = saved.bool('dpllFromRtxc');
    this.#mode.dpllFm = saved.bool('dpllFm');
    this.#tx.restore(saved.nested('tx'));
    this.#rx.restore(saved.nested('rx'));
    this.#sync = saved.bool('sync');
    this.#lineBreak = saved.bool('lineBreak');
    this.#extIp = saved.bool('extIp');
    this.#extLatched = saved.bool('extLatched');
    this.#ext = saved.u8('ext');
    this.#zeroCount = saved.bool('zeroCount');
    this.#rtsOut = saved.bool('rtsOut');
    this.#txRequested = saved.bool('txRequested');
    this.#rxRequested = saved.bool('rxRequested');
    this.#rxTask.restore(due('rxDue'));
    this.#brgTask.restore(due('brgDue'));
  }
}

const NOBODY: SdlcLine = { byte: () => {}, end: () => {}, abort: () => {} };
