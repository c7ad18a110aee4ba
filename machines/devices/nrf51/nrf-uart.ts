// SPDX-License-Identifier: MIT
//
// nRF51 UART.
//
// Sockets: bus: span 0x1000; serial: {@link SerialPort}. Document: [nRF51 RM] §29.
// Not modelled: the pins' levels; parity, framing and break errors (the host's line has none); flow control by pins
// (the host never sends faster than it is read).
import type { ChipContext } from '../../backplane/board.ts';
import { SnapshotError, type PlainFields, type SavedFields } from '../../backplane/device.ts';
import { type SerialPort, unplugged } from '../../backplane/host.ts';
import type { Task } from '../../backplane/scheduler.ts';
import { NrfPeripheral, type NrfPeripheralOptions } from './nrf-peripheral.ts';

const EVENT = { cts: 0, notCts: 1, received: 2, sent: 7, error: 9, timeout: 17 } as const;
const EVENTS = Object.values(EVENT).reduce((bits: number, n) => bits | (1 << n), 0);
const TASK = { startRx: 0x00, stopRx: 0x04, startTx: 0x08, stopTx: 0x0c, suspend: 0x1c } as const;
const ERRORSRC = 0x480;
const ENABLE = 0x500;
const PSEL = 0x508;
const RXD = 0x518;
const TXD = 0x51c;
const BAUDRATE = 0x524;
const CONFIG = 0x56c;
const ENABLED = 4;
const FIFO = 6;
const DISCONNECTED = 0xffff_ffff;
/** The rate register is the baud rate times 2^32 / 16 MHz. */
const BAUD_UNIT = 16_000_000 / 2 ** 32;
/** Rates below this are not any UART's; a wild value must not stop the line for hours. */
const SLOWEST = 1200;

export class NrfUart extends NrfPeripheral {
  readonly #rxTask: Task;
  readonly #txTask: Task;
  readonly #psel = new Uint32Array(4).fill(DISCONNECTED);
  #port: SerialPort = unplugged;
  #enable = 0;
  #baud = 0x0400_0000;
  #config = 0;
  #errors = 0;
  #receiving = false;
  #transmitting = false;
  #sending = -1;
  #fifo: number[] = [];

  constructor(chip: ChipContext, options: NrfPeripheralOptions) {
    super(chip, options, { events: EVENTS, shorts: 0x18 });
    this.#rxTask = chip.scheduler.task(`${chip.id}.rx`, () => this.#receive());
    this.#txTask = chip.scheduler.task(`${chip.id}.tx`, () => this.#sent());
  }

  set port(port: SerialPort) {
    this.#port = port;
    port.onReadable = () => this.#listen();
  }

  get #characterTicks(): number {
    const baud = Math.max(SLOWEST, this.#baud * BAUD_UNIT);
    const bits = this.#config & 0xe ? 11 : 10;
    return Math.max(1, Math.ceil((this.scheduler.masterHz * bits) / baud));
  }

  task(offset: number): void {
    switch (offset) {
      case TASK.startRx:
        this.#receiving = this.#enable === ENABLED;
        this.#listen();
        return;
      case TASK.stopRx:
        this.#receiving = false;
        this.#rxTask.cancel();
        this.raise(EVENT.timeout);
        return;
      case TASK.startTx:
        this.#transmitting = this.#enable === ENABLED;
        return;
      case TASK.stopTx:
        this.#transmitting = false;
        return;
      case TASK.suspend:
        this.#receiving = this.#transmitting = false;
        this.#rxTask.cancel();
        return;
      default:
        this.unknownTask(offset);
    }
  }

  #listen(): void {
    if (this.#receiving && !this.#rxTask.scheduled) this.#rxTask.schedule(this.#characterTicks);
  }

  #receive(): void {
    if (!this.#receiving) return;
    // With the FIFO full, RTS would hold the sender: the host's line waits.
    if (this.#fifo.length < FIFO) {
      const byte = this.#port.receive();
      if (byte < 0) return;
      this.#fifo.push(byte);
      if (this.#fifo.length === 1) this.raise(EVENT.received);
    }
    this.#rxTask.schedule(this.#characterTicks);
  }

  #sent(): void {
    this.#port.send(this.#sending);
    this.#sending = -1;
    this.raise(EVENT.sent);
  }

  protected readRegister(offset: number): number {
    switch (offset) {
      case ERRORSRC:
        return this.#errors;
      case ENABLE:
        return this.#enable;
      case RXD: {
        const byte = this.#fifo.shift() ?? 0;
        // The next byte becomes ready at once.
        if (this.#fifo.length > 0) this.raise(EVENT.received);
        this.#listen();
        return byte;
      }
      case TXD:
        return 0;
      case BAUDRATE:
        return this.#baud;
      case CONFIG:
        return this.#config;
    }
    const n = (offset - PSEL) >>> 2;
    return offset >= PSEL && n < 4 ? this.#psel[n]! : this.unknownRead(offset);
  }

  protected writeRegister(offset: number, value: number): void {
    const n = (offset - PSEL) >>> 2;
    switch (offset) {
      case ERRORSRC:
        this.#errors &= ~value;
        return;
      case ENABLE:
        this.#enable = value & 7;
        if (this.#enable !== ENABLED) {
          this.#receiving = this.#transmitting = false;
          this.#rxTask.cancel();
        }
        return;
      case TXD:
        if (!this.#transmitting) return;
        if (this.#txTask.scheduled) {
          this.log.guest('byte %x written while another is being sent', value & 0xff);
          return;
        }
        this.#sending = value & 0xff;
        this.#txTask.schedule(this.#characterTicks);
        return;
      case BAUDRATE:
        this.#baud = value;
        return;
      case CONFIG:
        this.#config = value & 0xf;
        return;
    }
    if (offset >= PSEL && n < 4) this.#psel[n] = value;
    else this.unknownWrite(offset, value);
  }

  protected resetRegisters(): void {
    this.#rxTask.cancel();
    this.#txTask.cancel();
    this.#psel.fill(DISCONNECTED);
    this.#enable = this.#config = this.#errors = 0;
    this.#baud = 0x0400_0000;
    this.#receiving = this.#transmitting = false;
    this.#sending = -1;
    this.#fifo = [];
  }

  protected saveRegisters(): PlainFields {
    return {
      psel: this.#psel.slice(),
      enable: this.#enable,
      baud: this.#baud,
      config: this.#config,
      errors: this.#errors,
      receiving: this.#receiving,
      transmitting: this.#transmitting,
      sending: this.#sending,
      fifo: Uint8Array.from(this.#fifo),
      rx: this.#rxTask.remaining,
      tx: this.#txTask.remaining,
    };
  }

  protected restoreRegisters(saved: SavedFields): void {
    this.#psel.set(saved.words('psel', 4));
    this.#enable = saved.int('enable', 0, 7);
    this.#baud = saved.u32('baud');
    this.#config = saved.int('config', 0, 15);
    this.#errors = saved.int('errors', 0, 15);
    this.#receiving = saved.bool('receiving');
    this.#transmitting = saved.bool('transmitting');
    this.#sending = saved.int('sending', -1, 0xff);
    this.#fifo = [...saved.bytes('fifo', undefined, FIFO)];
    const tx = saved.int('tx', -1, Number.MAX_SAFE_INTEGER);
    if (tx >= 0 && this.#sending < 0) throw new SnapshotError(`${this.id}: sending nothing`);
    this.#rxTask.restore(saved.int('rx', -1, Number.MAX_SAFE_INTEGER));
    this.#txTask.restore(tx);
  }
}
