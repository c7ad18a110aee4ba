// SPDX-License-Identifier: MIT
//
// National Semiconductor NS16450, asynchronous communications element.
//
// Sockets: bus: 8 bytes; clock: its crystal, 1.8432 MHz on most boards. Wires out: `intr`, `rts`, `dtr`, `out1`, `out2`
// (active-true). Inputs: `ctsW`, `dsrW`, `riW`, `dcdW`; unconnected ones are asserted, except RI. Serial: {@link SerialPort}.
// Documents: [NS16450].
// Not modelled: parity and framing errors (the host's line has none); the break condition on the line (logged), though
// the loop shows it; stick parity. A divisor of 0 counts as 65536.
import type { ChipContext } from '../../backplane/board.ts';
import { BYTE_REGISTERS, type BusTarget, type Width } from '../../backplane/bus.ts';
import { SavedFields, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import { type SerialPort, unplugged } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { ClockDomain, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';

const RBR_THR = 0;
const IER = 1;
const IIR = 2;
const LCR = 3;
const MCR = 4;
const LSR = 5;
const MSR = 6;
const SCR = 7;

const IER_RX = 0x01;
const IER_TX = 0x02;
const IER_LINE = 0x04;
const IER_MODEM = 0x08;

const IIR_NONE = 0x01;
const IIR_MODEM = 0x00;
const IIR_TX = 0x02;
const IIR_RX = 0x04;
const IIR_LINE = 0x06;

const LCR_STOP = 0x04;
const LCR_PARITY = 0x08;
const LCR_BREAK = 0x40;
const LCR_DLAB = 0x80;

const MCR_DTR = 0x01;
const MCR_RTS = 0x02;
const MCR_OUT1 = 0x04;
const MCR_OUT2 = 0x08;
const MCR_LOOP = 0x10;

const LSR_DR = 0x01;
const LSR_OE = 0x02;
const LSR_BI = 0x10;
const LSR_ERRORS = 0x1e;
const LSR_THRE = 0x20;
const LSR_TEMT = 0x40;

const CTS = 0x10;
const DSR = 0x20;
const RI = 0x40;
const DCD = 0x80;

const CLOCKS_OF_BIT = 16;

export class Ns16450 implements BusTarget, Device {
  readonly id: string;
  readonly span = 8;
  readonly access = BYTE_REGISTERS;
  readonly intr: Wire;
  readonly rts: Wire;
  readonly dtr: Wire;
  readonly out1: Wire;
  readonly out2: Wire;
  readonly #log: DeviceLog;
  readonly #clock: ClockDomain;
  readonly #txTask: Task;
  readonly #rxTask: Task;
  #port: SerialPort = unplugged;
  #divisor = 0;
  #ier = 0;
  #lcr = 0;
  #mcr = 0;
  #lsr = LSR_THRE | LSR_TEMT;
  #scratch = 0;
  #received = 0;
  #holding = 0;
  #shifting = -1;
  /** THRE has become true and nobody has been told: read from IIR, or written to THR. */
  #thrPending = false;
  /** CTS, DSR, RI, DCD as the pins are. */
  #pins = CTS | DSR | DCD;
  /** Deltas, bits 3-0 of MSR. */
  #deltas = 0;
  /** What MSR showed last, to find deltas by. */
  #shown = CTS | DSR | DCD;

  constructor(chip: ChipContext, options: { readonly clock: ClockDomain }) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#clock = options.clock;
    this.intr = new Wire(`${chip.id}.intr`);
    this.rts = new Wire(`${chip.id}.rts`);
    this.dtr = new Wire(`${chip.id}.dtr`);
    this.out1 = new Wire(`${chip.id}.out1`);
    this.out2 = new Wire(`${chip.id}.out2`);
    this.#txTask = chip.scheduler.task(`${chip.id}.tx`, () => this.#sent());
    this.#rxTask = chip.scheduler.task(`${chip.id}.rx`, () => this.#receive());
  }

  set port(port: SerialPort) {
    this.#port = port;
    port.onReadable = () => this.#listen();
  }

  ctsW(level: boolean): void {
    this.#pin(CTS, level);
  }

  dsrW(level: boolean): void {
    this.#pin(DSR, level);
  }

  riW(level: boolean): void {
    this.#pin(RI, level);
  }

  dcdW(level: boolean): void {
    this.#pin(DCD, level);
  }

  #pin(pin: number, level: boolean): void {
    this.#pins = level ? this.#pins | pin : this.#pins & ~pin;
    this.#modemChanged();
  }

  /** The modem inputs; in the loop they are the modem outputs. */
  get #modem(): number {
    if ((this.#mcr & MCR_LOOP) === 0) return this.#pins;
    return (
      (this.#mcr & MCR_RTS ? CTS : 0) |
      (this.#mcr & MCR_DTR ? DSR : 0) |
      (this.#mcr & MCR_OUT1 ? RI : 0) |
      (this.#mcr & MCR_OUT2 ? DCD : 0)
    );
  }

  /** RI's delta is set by its trailing edge only. */
  #modemChanged(): void {
    const now = this.#modem;
    const changed = now ^ this.#shown;
    const trailing = changed & this.#shown & RI;
    this.#shown = now;
    this.#deltas |= ((changed & ~RI) | trailing) >>> 4;
    this.#update();
  }

  reset(kind: ResetKind): void {
    this.#txTask.cancel();
    this.#rxTask.cancel();
    this.#ier = this.#lcr = this.#mcr = 0;
    this.#lsr = LSR_THRE | LSR_TEMT;
    this.#shifting = -1;
    this.#thrPending = false;
    this.#deltas = 0;
    this.#shown = this.#pins;
    if (kind === 'warm') return; // MR leaves the others as they are
    this.#divisor = this.#scratch = this.#received = this.#holding = 0;
  }

  settle(): void {
    this.#driveModem();
    this.#listen();
    this.#update();
  }

  read(offset: number, _width: Width): number {
    const value = this.peek(offset);
    switch (offset) {
      case RBR_THR:
        if ((this.#lcr & LCR_DLAB) === 0) this.#lsr &= ~LSR_DR;
        break;
      case IIR:
        if (value === IIR_TX) this.#thrPending = false;
        break;
      case LSR:
        this.#lsr &= ~LSR_ERRORS;
        break;
      case MSR:
        this.#deltas = 0;
        break;
    }
    this.#update();
    return value;
  }

  peek(offset: number): number {
    switch (offset) {
      case RBR_THR:
        return this.#lcr & LCR_DLAB ? this.#divisor & 0xff : this.#received;
      case IER:
        return this.#lcr & LCR_DLAB ? this.#divisor >>> 8 : this.#ier;
      case IIR:
        return this.#interrupt;
      case LCR:
        return this.#lcr;
      case MCR:
        return this.#mcr;
      case LSR:
        return this.#lsr;
      case MSR:
        return this.#modem | this.#deltas;
      default:
        return this.#scratch;
    }
  }

  write(offset: number, _width: Width, value: number): void {
    switch (offset) {
      case RBR_THR:
        if (this.#lcr & LCR_DLAB) this.#setDivisor((this.#divisor & 0xff00) | value);
        else this.#writeHolding(value);
        break;
      case IER:
        if (this.#lcr & LCR_DLAB) {
          this.#setDivisor((this.#divisor & 0x00ff) | (value << 8));
        } else {
          // Enabling the transmitter's interrupt while it is empty interrupts.
          if (value & ~this.#ier & IER_TX && this.#lsr & LSR_THRE) this.#thrPending = true;
          this.#ier = value & 0x0f;
        }
        break;
      case LCR:
        if (value & ~this.#lcr & LCR_BREAK && (this.#mcr & MCR_LOOP) === 0) this.#log.unimp('break');
        this.#lcr = value;
        if (value & LCR_BREAK && this.#mcr & MCR_LOOP) this.#take(0, LSR_BI);
        break;
      case MCR:
        this.#mcr = value & 0x1f;
        this.#driveModem();
        this.#modemChanged();
        this.#listen();
        break;
      case LSR:
      case MSR:
        this.#log.guest('write of %x to a status register', value);
        break;
      case SCR:
        this.#scratch = value;
        break;
      default:
        this.#log.guest('write of %x to the interrupt identification', value);
    }
    this.#update();
  }

  /** The receiver waits for its next character at the new rate. */
  #setDivisor(divisor: number): void {
    this.#divisor = divisor;
    if (this.#rxTask.scheduled) this.#rxTask.schedule(this.#characterTicks);
  }

  #driveModem(): void {
    const mcr = this.#mcr & MCR_LOOP ? 0 : this.#mcr;
    this.dtr.set((mcr & MCR_DTR) !== 0);
    this.rts.set((mcr & MCR_RTS) !== 0);
    this.out1.set((mcr & MCR_OUT1) !== 0);
    this.out2.set((mcr & MCR_OUT2) !== 0);
  }

  get #interrupt(): number {
    if (this.#ier & IER_LINE && this.#lsr & LSR_ERRORS) return IIR_LINE;
    if (this.#ier & IER_RX && this.#lsr & LSR_DR) return IIR_RX;
    if (this.#ier & IER_TX && this.#thrPending) return IIR_TX;
    if (this.#ier & IER_MODEM && this.#deltas) return IIR_MODEM;
    return IIR_NONE;
  }

  #update(): void {
    this.intr.set(this.#interrupt !== IIR_NONE);
  }

  get #mask(): number {
    return 0xff >>> (3 - (this.#lcr & 3));
  }

  /** Master ticks of a character: start, data, parity and stop bits (one and a half with five data bits). */
  get #characterTicks(): number {
    const data = 5 + (this.#lcr & 3);
    const stop = this.#lcr & LCR_STOP ? (data === 5 ? 1.5 : 2) : 1;
    const bits = 1 + data + (this.#lcr & LCR_PARITY ? 1 : 0) + stop;
    const divisor = this.#divisor === 0 ? 0x1_0000 : this.#divisor;
    return Math.max(1, this.#clock.masterTicks(Math.ceil(bits * CLOCKS_OF_BIT * divisor)));
  }

  #writeHolding(value: number): void {
    this.#holding = value;
    this.#thrPending = false;
    this.#lsr &= ~(LSR_THRE | LSR_TEMT);
    if (this.#shifting < 0) this.#shift();
  }

  /** The shift register takes the holding register's character. */
  #shift(): void {
    this.#shifting = this.#holding & this.#mask;
    this.#lsr |= LSR_THRE;
    this.#thrPending = true;
    this.#txTask.schedule(this.#characterTicks);
  }

  #sent(): void {
    const byte = Math.max(0, this.#shifting);
    this.#shifting = -1;
    if (this.#mcr & MCR_LOOP) this.#take(byte, 0);
    else this.#port.send(byte);
    if (this.#lsr & LSR_THRE) this.#lsr |= LSR_TEMT;
    else this.#shift();
    this.#update();
  }

  #listen(): void {
    if (!this.#rxTask.scheduled) this.#rxTask.schedule(this.#characterTicks);
  }

  /** A character from the line, which lasted as long as one does. */
  #receive(): void {
    if (this.#mcr & MCR_LOOP) return;
    const byte = this.#port.receive();
    if (byte < 0) return;
    this.#take(byte & this.#mask, 0);
    this.#rxTask.schedule(this.#characterTicks);
    this.#update();
  }

  #take(byte: number, errors: number): void {
    if (this.#lsr & LSR_DR) this.#lsr |= LSR_OE;
    this.#received = byte;
    this.#lsr |= LSR_DR | errors;
  }

  save(): PlainFields {
    return {
      divisor: this.#divisor,
      ier: this.#ier,
      lcr: this.#lcr,
      mcr: this.#mcr,
      lsr: this.#lsr,
      scratch: this.#scratch,
      received: this.#received,
      holding: this.#holding,
      shifting: this.#shifting,
      thrPending: this.#thrPending,
      pins: this.#pins,
      deltas: this.#deltas,
      shown: this.#shown,
      tx: this.#txTask.remaining,
      rx: this.#rxTask.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#divisor = saved.u16('divisor');
    this.#ier = saved.int('ier', 0, 0x0f);
    this.#lcr = saved.u8('lcr');
    this.#mcr = saved.int('mcr', 0, 0x1f);
    this.#lsr = saved.int('lsr', 0, 0x7f);
    this.#scratch = saved.u8('scratch');
    this.#received = saved.u8('received');
    this.#holding = saved.u8('holding');
    this.#shifting = saved.int('shifting', -1, 0xff);
    this.#thrPending = saved.bool('thrPending');
    this.#pins = saved.int('pins', 0, 0xf0) & 0xf0;
    this.#deltas = saved.int('deltas', 0, 0x0f);
    this.#shown = saved.int('shown', 0, 0xf0) & 0xf0;
    this.#txTask.restore(saved.int('tx', -1, Number.MAX_SAFE_INTEGER));
    this.#rxTask.restore(saved.int('rx', -1, Number.MAX_SAFE_INTEGER));
    if (this.#shifting >= 0 !== this.#txTask.scheduled) this.#txTask.cancel();
    if (!this.#txTask.scheduled) this.#shifting = -1;
  }
}
