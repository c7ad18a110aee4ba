// SPDX-License-Identifier: MIT
import { SavedFields, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import { Wire } from '../../backplane/wire.ts';
import type { I2cBus } from './i2c-bus.ts';

const PHASES = ['idle', 'address', 'write', 'read'] as const;
type Phase = (typeof PHASES)[number];

/**
 * A master that is software on two port pins: the levels of SCL and SDA become transactions of an {@link I2cBus}.
 *
 * Sockets: `scl` and `sda` as the port drives them (true = released); wire `sdaOut`, false while a target pulls SDA down.
 */
export class I2cPins implements Device {
  readonly id: string;
  readonly sdaOut: Wire;
  readonly #bus: I2cBus;
  #scl = true;
  #sda = true;
  #phase: Phase = 'idle';
  /** Clock pulses seen of the byte: 8 of data, then the acknowledge. */
  #pulses = 0;
  #shift = 0;
  #pull = false;
  /** What the target (of a written byte) or the master (of a read one) answered. */
  #acknowledged = false;

  constructor(id: string, bus: I2cBus) {
    this.id = id;
    this.#bus = bus;
    this.sdaOut = new Wire(`${id}.sda`);
  }

  sda(level: boolean): void {
    const before = this.#sda;
    this.#sda = level;
    if (!this.#scl || before === level) return;
    if (level) {
      if (this.#phase !== 'idle') this.#bus.stop();
      this.#enter('idle');
    } else {
      this.#enter('address');
    }
    this.#drive(false);
  }

  scl(level: boolean): void {
    if (level === this.#scl) return;
    this.#scl = level;
    if (this.#phase === 'idle') return;
    if (level) this.#rise();
    else this.#fall();
  }

  #rise(): void {
    this.#pulses++;
    if (this.#phase === 'read') {
      if (this.#pulses === 9) this.#acknowledged = !this.#sda;
    } else if (this.#pulses <= 8) {
      this.#shift = ((this.#shift << 1) | (this.#sda ? 1 : 0)) & 0xff;
    }
  }

  #fall(): void {
    if (this.#phase === 'read') {
      if (this.#pulses < 8) this.#driveBit();
      else if (this.#pulses === 8) this.#drive(false);
      else if (this.#acknowledged) this.#nextRead();
      else this.#enter('idle');
      return;
    }
    if (this.#pulses === 8) {
      this.#acknowledged = this.#phase === 'address' ? this.#bus.start(this.#shift) : this.#bus.write(this.#shift);
      this.#drive(this.#acknowledged);
    } else if (this.#pulses === 9) {
      this.#drive(false);
      if (this.#phase === 'address' && this.#acknowledged && (this.#shift & 1) !== 0) this.#nextRead();
      else this.#enter('write');
    }
  }

  #nextRead(): void {
    this.#enter('read');
    this.#shift = this.#bus.read();
    this.#driveBit();
  }

  #driveBit(): void {
    this.#drive(((this.#shift >>> (7 - this.#pulses)) & 1) === 0);
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#pulses = 0;
    this.#shift = 0;
  }

  #drive(pull: boolean): void {
    this.#pull = pull;
    this.sdaOut.set(!pull);
  }

  reset(_kind: ResetKind): void {
    this.#scl = this.#sda = true;
    this.#enter('idle');
    this.#pull = this.#acknowledged = false;
  }

  settle(): void {
    this.sdaOut.set(!this.#pull);
  }

  save(): PlainFields {
    return {
      scl: this.#scl,
      sda: this.#sda,
      phase: this.#phase,
      pulses: this.#pulses,
      shift: this.#shift,
      pull: this.#pull,
      acknowledged: this.#acknowledged,
      selected: this.#bus.selected,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#scl = saved.bool('scl');
    this.#sda = saved.bool('sda');
    this.#phase = saved.oneOf('phase', PHASES);
    this.#pulses = saved.int('pulses', 0, 9);
    this.#shift = saved.u8('shift');
    this.#pull = saved.bool('pull');
    this.#acknowledged = saved.bool('acknowledged');
    this.#bus.resume(saved.int('selected', -1, 0x7f));
  }
}
