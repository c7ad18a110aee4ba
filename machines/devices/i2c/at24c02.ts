// SPDX-License-Identifier: MIT
import type { Device, PlainFields, ResetKind } from '../../backplane/device.ts';
import { SavedFields } from '../../backplane/device.ts';
import type { NonVolatile } from '../../backplane/host.ts';
import type { I2cTarget } from './i2c-bus.ts';

const PAGE_BYTES = 8;

export interface At24c02Options {
  /** What it holds when nothing else is known: 256 bytes, or fewer and the rest 0xff. */
  readonly contents?: Uint8Array;
  /** Where writes are kept. */
  readonly store?: NonVolatile;
  /** The WP pin: writes are acknowledged and ignored, as on a memory module. */
  readonly writeProtected?: boolean;
}

/**
 * Atmel AT24C02, 256-byte I2C EEPROM; the "serial presence detect" of memory modules and identity of Apple's cards.
 *
 * Sockets: bus: I2cBus (address 0x50 to 0x57 by its pins). Writes wrap inside an 8-byte page, reads roll over.
 * Document: [AT24C02] in docs/references.md. Not modelled: the 5 ms a write cycle takes, during which a chip does not
 * acknowledge.
 */
export class At24c02 implements I2cTarget, Device {
  readonly id: string;
  readonly #options: At24c02Options;
  readonly #bytes = new Uint8Array(256).fill(0xff);
  #pointer = 0;
  #expectPointer = false;
  #changed = false;

  constructor(id: string, options: At24c02Options = {}) {
    this.id = id;
    this.#options = options;
    const contents = options.store?.load() ?? options.contents;
    if (contents !== undefined) this.#bytes.set(contents.subarray(0, 256));
  }

  start(reading: boolean): boolean {
    this.#expectPointer = !reading;
    return true;
  }

  write(byte: number): boolean {
    if (this.#expectPointer) {
      this.#pointer = byte;
      this.#expectPointer = false;
      return true;
    }
    if (this.#options.writeProtected !== true) {
      this.#bytes[this.#pointer] = byte;
      this.#changed = true;
    }
    this.#pointer = (this.#pointer & ~(PAGE_BYTES - 1)) | ((this.#pointer + 1) & (PAGE_BYTES - 1));
    return true;
  }

  read(): number {
    const byte = this.#bytes[this.#pointer]!;
    this.#pointer = (this.#pointer + 1) & 0xff;
    return byte;
  }

  stop(): void {
    if (!this.#changed) return;
    this.#changed = false;
    this.#options.store?.store(this.#bytes.slice());
  }

  reset(kind: ResetKind): void {
    if (kind === 'warm') return;
    this.#pointer = 0;
    this.#expectPointer = false;
  }

  settle(): void {}

  save(): PlainFields {
    return {
      bytes: this.#bytes.slice(),
      pointer: this.#pointer,
      expectPointer: this.#expectPointer,
      changed: this.#changed,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#bytes.set(saved.bytes('bytes', 256));
    this.#pointer = saved.u8('pointer');
    this.#expectPointer = saved.bool('expectPointer');
    this.#changed = saved.bool('changed');
  }
}
