// SPDX-License-Identifier: MIT
//
// nRF51 GPIO: 32 pins.
//
// Sockets: bus: span 0x1000; `pins` (what the chip drives and how), `pinW` (what the outside drives), `onDrive` (a pin's
// drive has changed). Document: [nRF51 RM] §14. Not modelled: drive strengths; analogue levels.
import type { ChipContext } from '../../backplane/board.ts';
import type { BusTarget, Width } from '../../backplane/bus.ts';
import { SavedFields, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { Wire } from '../../backplane/wire.ts';
import { NRF_WORDS } from './nrf-peripheral.ts';

const PINS = 32;
const OUT = 0x504;
const OUTSET = 0x508;
const OUTCLR = 0x50c;
const IN = 0x510;
const DIR = 0x514;
const DIRSET = 0x518;
const DIRCLR = 0x51c;
const PIN_CNF = 0x700;

const CNF_OUTPUT = 0x1;
const CNF_DISCONNECTED = 0x2;
const CNF_BITS = 0x3_070f;
const PULL_UP = 3;
const SENSE_HIGH = 2;
const SENSE_LOW = 3;

/** Called with a pin number and its level now, for every change of a pin's level. */
export type PinListener = (pin: number, level: boolean) => void;

export class NrfGpio implements BusTarget, Device {
  readonly id: string;
  readonly span = 0x1000;
  readonly access = NRF_WORDS;
  /** DETECT: some pin has the level its SENSE field asks for. */
  readonly detect: Wire;
  readonly #log: DeviceLog;
  readonly #config = new Uint32Array(PINS);
  readonly #listeners: PinListener[] = [];
  #out = 0;
  /** Pins the outside drives, and the levels it drives them to. */
  #driven = 0;
  #external = 0;
  /** Outputs that a peripheral (GPIOTE, a serial interface) has taken over, and their levels. */
  #taken = 0;
  #takenOut = 0;
  #levels = 0;

  constructor(chip: ChipContext) {
    this.id = chip.id;
    this.#log = chip.log;
    this.detect = new Wire(`${chip.id}.detect`);
  }

  /** Levels of all pins now, whoever drives them. */
  get levels(): number {
    return this.#levels >>> 0;
  }

  /** Pins that are outputs. */
  get outputs(): number {
    let outputs = 0;
    for (let pin = 0; pin < PINS; pin++) if (this.#config[pin]! & CNF_OUTPUT) outputs |= 1 << pin;
    return (outputs | this.#taken) >>> 0;
  }

  onLevel(listener: PinListener): void {
    this.#listeners.push(listener);
  }

  /** The outside drives a pin, or lets it go (undefined): then the chip's own pull resistor decides. */
  pinW(pin: number, level: boolean | undefined): void {
    const bit = 1 << pin;
    this.#driven = level === undefined ? this.#driven & ~bit : this.#driven | bit;
    this.#external = level === true ? this.#external | bit : this.#external & ~bit;
    this.#update();
  }

  /** A peripheral takes a pin's output over (GPIOTE in task mode), or gives it back. */
  take(pin: number, level: boolean | undefined): void {
    const bit = 1 << (pin & 31);
    this.#taken = level === undefined ? this.#taken & ~bit : this.#taken | bit;
    this.#takenOut = level === true ? this.#takenOut | bit : this.#takenOut & ~bit;
    this.#update();
  }

  #update(): void {
    const outputs = this.outputs;
    let levels = (this.#out & outputs & ~this.#taken) | (this.#takenOut & this.#taken);
    const inputs = ~outputs;
    levels |= this.#external & this.#driven & inputs;
    let sensed = false;
    for (let pin = 0; pin < PINS; pin++) {
      const bit = 1 << pin;
      const config = this.#config[pin]!;
      if (inputs & bit && (this.#driven & bit) === 0 && ((config >>> 2) & 3) === PULL_UP) levels |= bit;
      const sense = (config >>> 16) & 3;
      if (sense === SENSE_HIGH && levels & bit) sensed = true;
      if (sense === SENSE_LOW && (levels & bit) === 0) sensed = true;
    }
    const changed = levels ^ this.#levels;
    this.#levels = levels;
    if (changed !== 0) {
      for (let pin = 0; pin < PINS; pin++) {
        if (((changed >>> pin) & 1) === 0) continue;
        for (const listener of this.#listeners) listener(pin, ((levels >>> pin) & 1) !== 0);
      }
    }
    this.detect.set(sensed);
  }

  read(offset: number, _width: Width): number {
    return this.peek(offset);
  }

  peek(offset: number): number {
    switch (offset) {
      case OUT:
      case OUTSET:
      case OUTCLR:
        return this.#out >>> 0;
      case IN: {
        let connected = 0;
        for (let pin = 0; pin < PINS; pin++) if ((this.#config[pin]! & CNF_DISCONNECTED) === 0) connected |= 1 << pin;
        return (this.#levels & connected) >>> 0;
      }
      case DIR:
      case DIRSET:
      case DIRCLR:
        return (this.outputs & ~this.#taken) >>> 0;
    }
    return offset >= PIN_CNF && offset < PIN_CNF + PINS * 4 ? this.#config[(offset - PIN_CNF) >>> 2]! : 0;
  }

  write(offset: number, _width: Width, value: number): void {
    switch (offset) {
      case OUT:
        this.#out = value;
        break;
      case OUTSET:
        this.#out |= value;
        break;
      case OUTCLR:
        this.#out &= ~value;
        break;
      case DIR:
        this.#direct(value, ~value);
        break;
      case DIRSET:
        this.#direct(value, 0);
        break;
      case DIRCLR:
        this.#direct(0, value);
        break;
      default:
        if (offset < PIN_CNF || offset >= PIN_CNF + PINS * 4) {
          this.#log.guest('write to no register at %x, value %x', offset, value);
          return;
        }
        this.#config[(offset - PIN_CNF) >>> 2] = value & CNF_BITS;
    }
    this.#update();
  }

  #direct(out: number, input: number): void {
    for (let pin = 0; pin < PINS; pin++) {
      if ((out >>> pin) & 1) this.#config[pin]! |= CNF_OUTPUT;
      if ((input >>> pin) & 1) this.#config[pin]! &= ~CNF_OUTPUT;
    }
  }

  reset(_kind: ResetKind): void {
    this.#config.fill(CNF_DISCONNECTED);
    this.#out = this.#taken = this.#takenOut = 0;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      config: this.#config.slice(),
      out: this.#out >>> 0,
      taken: this.#taken >>> 0,
      takenOut: this.#takenOut >>> 0,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#config.set(saved.words('config', PINS).map((config) => config & CNF_BITS));
    this.#out = saved.u32('out');
    this.#taken = saved.u32('taken');
    this.#takenOut = saved.u32('takenOut');
  }
}
