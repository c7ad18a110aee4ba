// SPDX-License-Identifier: MIT
//
// nRF51 GPIO: 32 pins.
//
// Sockets: bus: span 0x1000; wires out: `detect`; pins: `levels` and `onLevel`, `volts` and `onVolts` (what is on them),
// `pinW` and `voltsW` (what the outside drives), `take` (a peripheral drives). Document: [nRF51 RM] §14.
// Not modelled: drive strengths: an output wins over what the outside drives.
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
const PULL_DOWN = 1;
const PULL_UP = 3;
const SENSE_HIGH = 2;
const SENSE_LOW = 3;

/** Pins of analogue inputs 0 to 7, and of the two reference inputs. [nRF51 RM] §26, §27 */
export const ANALOG_INPUTS = [26, 27, 1, 2, 3, 4, 5, 6] as const;
export const ANALOG_REFERENCES = [0, 6] as const;
/** Parts of the supply from which, and up to which, an input surely is high or low; between them it stays as it was. */
const SURELY_HIGH = 0.7;
const SURELY_LOW = 0.3;

/** Called with a pin number and its level now, for every change of a pin's level. */
export type PinListener = (pin: number, level: boolean) => void;

export class NrfGpio implements BusTarget, Device {
  readonly id: string;
  readonly span = 0x1000;
  readonly access = NRF_WORDS;
  /** DETECT: some pin has the level its SENSE field asks for. */
  readonly detect: Wire;
  /** Volts. */
  readonly supply = 3.3;
  readonly #log: DeviceLog;
  readonly #config = new Uint32Array(PINS);
  readonly #listeners: PinListener[] = [];
  readonly #voltListeners: (() => void)[] = [];
  /** Pins that resistors on the board pull up, weaker than the chip's own. */
  readonly #boardPulls: number;
  #out = 0;
  /** Pins the outside drives, and the levels and volts it drives them to. */
  #driven = 0;
  #external = 0;
  readonly #externalVolts = new Float64Array(PINS);
  /** Outputs that a peripheral (GPIOTE, a serial interface) has taken over, and their levels. */
  #taken = 0;
  #takenOut = 0;
  #levels = 0;
  /** One bit a pin, out of its configuration. */
  #configured = { outputs: 0, connected: 0, pullUps: 0, pullDowns: 0, senseHigh: 0, senseLow: 0 };

  constructor(chip: ChipContext, options: { readonly boardPullUps?: readonly number[] } = {}) {
    this.id = chip.id;
    this.#log = chip.log;
    this.detect = new Wire(`${chip.id}.detect`);
    this.#boardPulls = (options.boardPullUps ?? []).reduce((pins, pin) => pins | (1 << pin), 0);
  }

  /** Levels of all pins now, whoever drives them. */
  get levels(): number {
    return this.#levels >>> 0;
  }

  /** Pins that are outputs. */
  get outputs(): number {
    return (this.#configured.outputs | this.#taken) >>> 0;
  }

  onLevel(listener: PinListener): void {
    this.#listeners.push(listener);
  }

  /** Volts at a pin, whoever drives it; 0 where nobody does. */
  volts(pin: number): number {
    const bit = 1 << pin;
    if (this.#driven & bit & ~this.outputs) return this.#externalVolts[pin]!;
    return this.#levels & bit ? this.supply : 0;
  }

  /** Calls when {@link volts} of some pin may have changed. */
  onVolts(listener: () => void): void {
    this.#voltListeners.push(listener);
  }

  /** The outside drives a pin, or lets it go (undefined): then pull resistors decide. */
  pinW(pin: number, level: boolean | undefined): void {
    this.voltsW(pin, level === undefined ? undefined : level ? this.supply : 0);
  }

  /** The outside puts volts on a pin, or lets it go (undefined). */
  voltsW(pin: number, volts: number | undefined): void {
    const bit = 1 << pin;
    this.#driven = volts === undefined ? this.#driven & ~bit : this.#driven | bit;
    if (volts !== undefined) {
      this.#externalVolts[pin] = volts;
      if (volts >= this.supply * SURELY_HIGH) this.#external |= bit;
      else if (volts <= this.supply * SURELY_LOW) this.#external &= ~bit;
    }
    this.#update();
  }

  /** A peripheral takes a pin's output over (GPIOTE in task mode), or gives it back. */
  take(pin: number, level: boolean | undefined): void {
    const bit = 1 << (pin & 31);
    this.#taken = level === undefined ? this.#taken & ~bit : this.#taken | bit;
    this.#takenOut = level === true ? this.#takenOut | bit : this.#takenOut & ~bit;
    this.#update();
  }

  #configure(): void {
    const to = { outputs: 0, connected: 0, pullUps: 0, pullDowns: 0, senseHigh: 0, senseLow: 0 };
    this.#config.forEach((config, pin) => {
      const bit = 1 << pin;
      const pull = (config >>> 2) & 3;
      const sense = (config >>> 16) & 3;
      if (config & CNF_OUTPUT) to.outputs |= bit;
      if ((config & CNF_DISCONNECTED) === 0) to.connected |= bit;
      if (pull === PULL_UP) to.pullUps |= bit;
      if (pull === PULL_DOWN) to.pullDowns |= bit;
      if (sense === SENSE_HIGH) to.senseHigh |= bit;
      if (sense === SENSE_LOW) to.senseLow |= bit;
    });
    this.#configured = to;
  }

  #update(): void {
    const { outputs, pullUps, pullDowns, senseHigh, senseLow } = this.#configured;
    const pulled = pullUps | (this.#boardPulls & ~pullDowns);
    const outside = (this.#external & this.#driven) | (pulled & ~this.#driven);
    const own = outputs & ~this.#taken;
    const levels = (this.#out & own) | (this.#takenOut & this.#taken) | (outside & ~own & ~this.#taken);
    const changed = levels ^ this.#levels;
    this.#levels = levels;
    for (let rest = changed; rest !== 0; rest &= rest - 1) {
      const pin = 31 - Math.clz32(rest & -rest);
      for (const listener of this.#listeners) listener(pin, ((this.#levels >>> pin) & 1) !== 0);
    }
    for (const listener of this.#voltListeners) listener();
    this.detect.set(((this.#levels & senseHigh) | (~this.#levels & senseLow)) !== 0);
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
      case IN:
        return (this.#levels & this.#configured.connected) >>> 0;
      case DIR:
      case DIRSET:
      case DIRCLR:
        return this.#configured.outputs >>> 0;
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
        this.#configure();
    }
    this.#update();
  }

  #direct(out: number, input: number): void {
    for (let pin = 0; pin < PINS; pin++) {
      if ((out >>> pin) & 1) this.#config[pin]! |= CNF_OUTPUT;
      if ((input >>> pin) & 1) this.#config[pin]! &= ~CNF_OUTPUT;
    }
    this.#configure();
  }

  reset(_kind: ResetKind): void {
    this.#config.fill(CNF_DISCONNECTED);
    this.#out = this.#taken = this.#takenOut = 0;
    this.#configure();
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
    this.#configure();
  }
}
