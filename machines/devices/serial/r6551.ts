// SPDX-License-Identifier: MIT
//
// Rockwell R6551, asynchronous communications interface adapter.
//
// Sockets: bus: 4 bytes; clock: its 1.8432 MHz crystal. Wires out: `irq`, `rts`, `dtr` (active-true). Inputs: `ctsW`, `dcdW`,
// `dsrW`. Serial: {@link SerialPort}.
// Documents: [R6551]. CTS stops the transmitter between characters.
// Not modelled: an external receiver clock; parity and framing errors (the host's line has none); the break condition on
// the line (logged); the echo mode's half-bit delay.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { SavedFields, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import { type SerialPort, unplugged } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { ClockDomain, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';

const OVERRUN = 0x04;
const RX_FULL = 0x08;
const TX_EMPTY = 0x10;
const NOT_DCD = 0x20;
const NOT_DSR = 0x40;
const IRQ = 0x80;

const COMMAND_DTR = 0x01;
const COMMAND_RX_IRQ_OFF = 0x02;
const COMMAND_TX = 0x0c;
const TX_IRQ_ON = 0x04;
const TX_BREAK = 0x0c;
const COMMAND_ECHO = 0x10;
const COMMAND_PARITY = 0x20;
const CONTROL_STOP = 0x80;

/** Crystal ticks of a bit, by bits 3 to 0 of the control register; the first is the external clock's 1/16. */
const TICKS_OF_BIT = [
  16, 36864, 24576, 16769, 13704, 12288, 6144, 3072, 1536, 1024, 768, 512, 384, 256, 192, 96,
] as const;

export class R6551 implements BusTarget, Device {
  readonly id: string;
  readonly span = 4;
  readonly access: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 1 }, byteOrder: 'little' };
  readonly irq: Wire;
  readonly rts: Wire;
  readonly dtr: Wire;
  /** Characters take this part of their time. */
  portSpeedup = 1;
  readonly #log: DeviceLog;
  readonly #clock: ClockDomain;
  readonly #txTask: Task;
  readonly #rxTask: Task;
  #port: SerialPort = unplugged;
  #command = 0;
  #control = 0;
  #status = TX_EMPTY;
  #received = 0;
  #holding = 0;
  #shifting = -1;
  #cts = true;
  #dcd = true;
  #dsr = true;

  constructor(chip: ChipContext, options: { readonly clock: ClockDomain }) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#clock = options.clock;
    this.irq = new Wire(`${chip.id}.irq`);
    this.rts = new Wire(`${chip.id}.rts`);
    this.dtr = new Wire(`${chip.id}.dtr`);
    this.#txTask = chip.scheduler.task(`${chip.id}.tx`, () => this.#sent());
    this.#rxTask = chip.scheduler.task(`${chip.id}.rx`, () => this.#receive());
  }

  set port(port: SerialPort) {
    this.#port = port;
    port.onReadable = () => this.#listen();
  }

  ctsW(level: boolean): void {
    this.#cts = level;
    this.#transmit();
  }

  /** A change of DCD or DSR interrupts; the status shows the levels of the last change until it is read. */
  dcdW(level: boolean): void {
    if (level === this.#dcd) return;
    this.#dcd = level;
    this.#modemChanged();
  }

  dsrW(level: boolean): void {
    if (level === this.#dsr) return;
    this.#dsr = level;
    this.#modemChanged();
  }

  #modemChanged(): void {
    if (this.#command & COMMAND_DTR) this.#raise();
  }

  reset(_kind: ResetKind): void {
    this.#txTask.cancel();
    this.#rxTask.cancel();
    this.#command = 0x02;
    this.#control = 0;
    this.#status = TX_EMPTY;
    this.#received = this.#holding = 0;
    this.#shifting = -1;
  }

  settle(): void {
    this.irq.set((this.#status & IRQ) !== 0);
    this.#driveModem();
    this.#listen();
  }

  read(offset: number, _width: Width): number {
    const value = this.peek(offset);
    if (offset === 0) {
      this.#status &= ~(RX_FULL | OVERRUN);
    } else if (offset === 1) {
      this.#status &= ~IRQ;
      this.irq.set(false);
    }
    return value;
  }

  peek(offset: number): number {
    switch (offset) {
      case 0:
        return this.#received;
      case 1:
        return this.#status | (this.#dcd ? 0 : NOT_DCD) | (this.#dsr ? 0 : NOT_DSR);
      case 2:
        return this.#command;
      default:
        return this.#control;
    }
  }

  write(offset: number, _width: Width, value: number): void {
    switch (offset) {
      case 0:
        this.#holding = value;
        this.#status &= ~TX_EMPTY;
        this.#transmit();
        return;
      case 1: // programmed reset, whatever is written
        this.#command = (this.#command & 0xe0) | 0x02;
        this.#status &= ~OVERRUN;
        break;
      case 2:
        if ((value & COMMAND_TX) === TX_BREAK) this.#log.unimp('break');
        this.#command = value;
        if (this.#status & TX_EMPTY && this.#txInterrupts) this.#raise();
        break;
      default:
        this.#control = value;
    }
    this.#driveModem();
    this.#listen();
  }

  get #txInterrupts(): boolean {
    return (this.#command & COMMAND_TX) === TX_IRQ_ON;
  }

  #driveModem(): void {
    this.dtr.set((this.#command & COMMAND_DTR) !== 0);
    this.rts.set((this.#command & COMMAND_TX) !== 0);
  }

  /** Master ticks of a character: start, data, parity and stop bits. */
  get #characterTicks(): number {
    const bits = 8 - ((this.#control >>> 5) & 3);
    const parity = this.#command & COMMAND_PARITY ? 1 : 0;
    const stop = this.#control & CONTROL_STOP ? 2 : 1;
    const ticks = TICKS_OF_BIT[this.#control & 15]! * (1 + bits + parity + stop);
    return Math.max(1, Math.ceil(this.#clock.masterTicks(ticks) / this.portSpeedup));
  }

  get #mask(): number {
    return 0xff >>> ((this.#control >>> 5) & 3);
  }

  #transmit(): void {
    if (this.#status & TX_EMPTY || this.#txTask.scheduled || !this.#cts) return;
    this.#shifting = this.#holding;
    this.#txTask.schedule(this.#characterTicks);
    this.#status |= TX_EMPTY;
    if (this.#txInterrupts && this.#command & COMMAND_DTR) this.#raise();
  }

  #sent(): void {
    if (this.#shifting >= 0) this.#port.send(this.#shifting & this.#mask);
    this.#shifting = -1;
    this.#transmit();
  }

  #listen(): void {
    if (this.#command & COMMAND_DTR && !this.#rxTask.scheduled) this.#rxTask.schedule(this.#characterTicks);
  }

  #receive(): void {
    if ((this.#command & COMMAND_DTR) === 0) return;
    const byte = this.#port.receive();
    if (byte < 0) return;
    if (this.#status & RX_FULL) this.#status |= OVERRUN;
    else this.#received = byte & this.#mask;
    this.#status |= RX_FULL;
    if (this.#command & COMMAND_ECHO) this.#port.send(byte & this.#mask);
    if ((this.#command & COMMAND_RX_IRQ_OFF) === 0) this.#raise();
    this.#rxTask.schedule(this.#characterTicks);
  }

  #raise(): void {
    this.#status |= IRQ;
    this.irq.set(true);
  }

  save(): PlainFields {
    return {
      command: this.#command,
      control: this.#control,
      status: this.#status,
      received: this.#received,
      holding: this.#holding,
      shifting: this.#shifting,
      tx: this.#txTask.remaining,
      rx: this.#rxTask.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#command = saved.u8('command');
    this.#control = saved.u8('control');
    this.#status = saved.u8('status');
    this.#received = saved.u8('received');
    this.#holding = saved.u8('holding');
    this.#shifting = saved.int('shifting', -1, 0xff);
    this.#txTask.restore(saved.int('tx', -1, Number.MAX_SAFE_INTEGER));
    this.#rxTask.restore(saved.int('rx', -1, Number.MAX_SAFE_INTEGER));
  }
}
