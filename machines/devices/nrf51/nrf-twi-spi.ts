// SPDX-License-Identifier: MIT
//
// nRF51 TWI and SPI masters, and an SPI slave, which share an address and most registers: ENABLE says which one it is.
//
// Sockets: bus: span 0x1000; I2C: {@link I2cBus}; SPI: `exchange`, a byte out and one in; the slave's: nrf-spis.ts.
// Documents: [nRF51 RM] §28 (SPI master), §29 (TWI). Not modelled: bus errors of TWI other than a missing acknowledge.
import type { ChipContext } from '../../backplane/board.ts';
import type { PlainFields, SavedFields } from '../../backplane/device.ts';
import type { Task } from '../../backplane/scheduler.ts';
import type { MemoryMap } from '../../backplane/memory-map.ts';
import type { I2cBus } from '../i2c/i2c-bus.ts';
import { NrfPeripheral, type NrfPeripheralOptions } from './nrf-peripheral.ts';
import { NrfSpis, SPIS_EVENT, SPIS_SHORT_END_ACQUIRE } from './nrf-spis.ts';

const EVENT = { stopped: 1, ready: 2, sent: 7, error: 9, byteBoundary: 14, suspended: 18 } as const;
const bits = (events: readonly number[]): number => events.reduce((all, n) => all | (1 << n), 0);
const TASK = { startRx: 0x00, startTx: 0x08, stop: 0x14, suspend: 0x1c, resume: 0x20 } as const;
const SHORT_SUSPEND = 0;
const SHORT_STOP = 1;
const ERRORSRC = 0x4c4;
const ENABLE = 0x500;
const PSEL = 0x508;
const RXD = 0x518;
const TXD = 0x51c;
const FREQUENCY = 0x524;
const CONFIG = 0x554;
const ADDRESS = 0x588;
const SPI = 1;
const SPIS = 2;
const TWI = 5;
const ADDRESS_NACK = 2;
const DATA_NACK = 4;
const BITS_OF_BYTE = 9;
/** FREQUENCY is the rate times 2^32 / 16 MHz. */
const RATE_UNIT = 16_000_000 / 2 ** 32;
const SLOWEST = 10_000;

const STATES = ['idle', 'reading', 'writing'] as const;
const STEPS = ['none', 'read', 'write', 'exchange'] as const;

export interface NrfTwiSpiOptions extends NrfPeripheralOptions {
  readonly i2c: I2cBus;
  /** Called with a byte of MOSI; gives MISO's. */
  readonly exchange?: (byte: number) => number;
  /** Where an SPI slave has its buffers; absent where there is none. */
  readonly memory?: MemoryMap;
}

export class NrfTwiSpi extends NrfPeripheral {
  readonly #bus: I2cBus;
  readonly #exchange: (byte: number) => number;
  /** The SPI slave, where there is one. */
  readonly slave: NrfSpis | undefined;
  readonly #task: Task;
  readonly #psel = new Uint32Array(3).fill(0xffff_ffff);
  #enable = 0;
  #frequency = 0x0400_0000;
  #config = 0;
  #address = 0;
  #errors = 0;
  #state: (typeof STATES)[number] = 'idle';
  #step: (typeof STEPS)[number] = 'none';
  #suspended = false;
  /** Received bytes not yet read: one for TWI, two for SPI. */
  #received: number[] = [];
  #sending: number[] = [];

  constructor(chip: ChipContext, options: NrfTwiSpiOptions) {
    const { memory } = options;
    const masterShorts = bits([SHORT_SUSPEND, SHORT_STOP]);
    super(chip, options, {
      events: bits([...Object.values(EVENT), ...(memory ? Object.values(SPIS_EVENT) : [])]),
      shorts: memory ? masterShorts | (1 << SPIS_SHORT_END_ACQUIRE) : masterShorts,
    });
    this.slave = memory && new NrfSpis({ memory, raise: (n) => this.raise(n), short: (bit) => this.short(bit) });
    this.#bus = options.i2c;
    this.#exchange = options.exchange ?? (() => 0xff);
    this.#task = chip.scheduler.task(`${chip.id}.byte`, () => this.#due());
  }

  task(offset: number): void {
    if (this.#enable === SPIS) this.slave?.task(offset);
    if (this.#enable !== TWI) return;
    switch (offset) {
      case TASK.startRx:
        this.#start(true);
        return;
      case TASK.startTx:
        this.#start(false);
        return;
      case TASK.stop:
        this.#stop();
        return;
      case TASK.suspend:
        this.#suspended = true;
        this.raise(EVENT.suspended);
        return;
      case TASK.resume:
        if (!this.#suspended) return;
        this.#suspended = false;
        if (this.#step !== 'none') return;
        if (this.#state === 'reading' && this.#received.length === 0) this.#later('read');
        if (this.#state === 'writing' && this.#sending.length > 0) this.#later('write');
        return;
      default:
        this.unknownTask(offset);
    }
  }

  #start(reading: boolean): void {
    const acknowledged = this.#bus.start((this.#address << 1) | (reading ? 1 : 0));
    this.#suspended = false;
    if (!acknowledged) {
      this.#state = 'idle';
      this.#errors |= ADDRESS_NACK;
      this.raise(EVENT.error);
      return;
    }
    this.#state = reading ? 'reading' : 'writing';
    if (reading) this.#later('read');
    else if (this.#sending.length > 0) this.#later('write');
  }

  #stop(): void {
    this.#task.cancel();
    this.#step = 'none';
    this.#bus.stop();
    this.#state = 'idle';
    this.#suspended = false;
    this.#sending = [];
    this.raise(EVENT.stopped);
  }

  #later(step: (typeof STEPS)[number]): void {
    this.#step = step;
    const rate = Math.max(SLOWEST, this.#frequency * RATE_UNIT);
    this.#task.schedule((this.scheduler.masterHz * BITS_OF_BYTE) / rate);
  }

  #due(): void {
    const step = this.#step;
    this.#step = 'none';
    if (step === 'exchange') {
      this.#exchanged();
    } else if (step === 'write') {
      const acknowledged = this.#bus.write(this.#sending.shift() ?? 0xff);
      if (!acknowledged) {
        this.#errors |= DATA_NACK;
        this.raise(EVENT.error);
      }
      this.raise(EVENT.sent);
      if (this.#sending.length > 0 && !this.#suspended && this.#step === 'none') this.#later('write');
    } else if (step === 'read') {
      this.#received = [this.#bus.read()];
      this.#boundary();
      this.raise(EVENT.ready);
    }
  }

  /** Before the acknowledge of a byte; the shortcuts decide whether another one follows. */
  #boundary(): void {
    this.raise(EVENT.byteBoundary);
    if (this.short(SHORT_SUSPEND)) {
      this.#suspended = true;
      this.raise(EVENT.suspended);
    }
    if (this.short(SHORT_STOP)) this.#stop();
  }

  #exchanged(): void {
    this.#received.push(this.#exchange(this.#sending.shift() ?? 0xff) & 0xff);
    if (this.#received.length > 2) this.#received.length = 2;
    if (this.#sending.length > 0) this.#later('exchange');
    this.raise(EVENT.ready);
  }

  protected readRegister(offset: number): number {
    switch (offset) {
      case ERRORSRC:
        return this.#errors;
      case ENABLE:
        return this.#enable;
      case RXD: {
        const byte = this.#received.shift() ?? 0;
        if (this.#state === 'reading' && !this.#suspended && this.#step === 'none') this.#later('read');
        return byte;
      }
      case TXD:
        return this.#sending[0] ?? 0;
      case FREQUENCY:
        return this.#frequency;
      case CONFIG:
        return this.#config;
      case ADDRESS:
        return this.#address;
    }
    const n = (offset - PSEL) >>> 2;
    if (offset >= PSEL && n < 3) return this.#psel[n]!;
    return this.slave?.read(offset) ?? this.unknownRead(offset);
  }

  protected writeRegister(offset: number, value: number): void {
    const n = (offset - PSEL) >>> 2;
    switch (offset) {
      case ERRORSRC:
        this.#errors &= ~value;
        return;
      case ENABLE:
        this.#setEnable(value & 7);
        return;
      case TXD:
        this.#send(value & 0xff);
        return;
      case FREQUENCY:
        this.#frequency = value;
        return;
      case CONFIG:
        this.#config = value & 7;
        return;
      case ADDRESS:
        this.#address = value & 0x7f;
        return;
    }
    if (offset >= PSEL && n < 3) this.#psel[n] = value;
    else if (this.slave?.write(offset, value) !== true) this.unknownWrite(offset, value);
  }

  #setEnable(value: number): void {
    if (value === SPIS && !this.slave) this.log.guest('no SPI slave here');
    this.#enable = value;
    if (value === TWI || value === SPI) return;
    this.#task.cancel();
    this.#step = 'none';
    this.#state = 'idle';
    this.#sending = [];
    this.#received = [];
    this.#bus.stop();
  }

  #send(byte: number): void {
    if (this.#sending.length >= 2) {
      this.log.guest('byte %x written to a full transmitter', byte);
      return;
    }
    if (this.#enable === SPI) {
      this.#sending.push(byte);
      if (this.#step === 'none') this.#later('exchange');
    } else if (this.#enable === TWI) {
      this.#sending.push(byte);
      if (this.#state === 'writing' && this.#step === 'none' && !this.#suspended) this.#later('write');
    }
  }

  protected resetRegisters(): void {
    this.#task.cancel();
    this.#psel.fill(0xffff_ffff);
    this.#enable = this.#config = this.#address = this.#errors = 0;
    this.#frequency = 0x0400_0000;
    this.#state = 'idle';
    this.#step = 'none';
    this.#suspended = false;
    this.#received = [];
    this.#sending = [];
    this.slave?.reset();
  }

  protected saveRegisters(): PlainFields {
    return {
      psel: this.#psel.slice(),
      enable: this.#enable,
      frequency: this.#frequency,
      config: this.#config,
      address: this.#address,
      errors: this.#errors,
      state: this.#state,
      step: this.#step,
      suspended: this.#suspended,
      received: Uint8Array.from(this.#received),
      sending: Uint8Array.from(this.#sending),
      selected: this.#state === 'idle' ? -1 : this.#bus.selected,
      task: this.#task.remaining,
      ...(this.slave && { slave: this.slave.save() }),
    };
  }

  protected restoreRegisters(saved: SavedFields): void {
    this.#psel.set(saved.words('psel', 3));
    this.#enable = saved.int('enable', 0, 7);
    this.#frequency = saved.u32('frequency');
    this.#config = saved.int('config', 0, 7);
    this.#address = saved.int('address', 0, 0x7f);
    this.#errors = saved.u8('errors');
    this.#state = saved.oneOf('state', STATES);
    this.#step = saved.oneOf('step', STEPS);
    this.#suspended = saved.bool('suspended');
    this.#received = [...saved.bytes('received', undefined, 2)];
    this.#sending = [...saved.bytes('sending', undefined, 2)];
    const selected = saved.int('selected', -1, 0x7f);
    if (this.#state !== 'idle') this.#bus.resume(selected);
    this.slave?.restore(saved.nested('slave'));
    this.#task.restore(saved.int('task', -1, Number.MAX_SAFE_INTEGER));
  }
}
