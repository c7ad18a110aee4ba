// SPDX-License-Identifier: MIT

/** A device on an I2C bus; the bus has matched its address. */
export interface I2cTarget {
  /** START (or repeated START) with this target's address. Returns its acknowledge. */
  start(reading: boolean): boolean;
  /** The master sent a byte. Returns the acknowledge. */
  write(byte: number): boolean;
  /** The master clocks a byte out of the target. */
  read(): number;
  /** STOP. */
  stop(): void;
}

/**
 * An I2C bus with one master. An address nobody answers is not acknowledged; a read of nothing gives 0xff, as the
 * pulled-up line does. Not modelled: arbitration between masters, clock stretching, 10-bit addresses.
 */
export class I2cBus {
  readonly #targets = new Map<number, I2cTarget>();
  #selected: I2cTarget | undefined;

  /** @param address The 7-bit address, without the direction bit. */
  attach<T extends I2cTarget>(address: number, target: T): T {
    if (!Number.isInteger(address) || address < 0 || address > 0x7f) throw new RangeError(`I2C address ${address}`);
    if (this.#targets.has(address)) throw new Error(`two I2C targets at address ${address}`);
    this.#targets.set(address, target);
    return target;
  }

  /** START with an address byte: 7 bits of address and, in bit 0, the direction (1 reads). */
  start(addressByte: number): boolean {
    this.#selected = this.#targets.get((addressByte >>> 1) & 0x7f);
    const acknowledged = this.#selected?.start((addressByte & 1) !== 0) ?? false;
    if (!acknowledged) this.#selected = undefined;
    return acknowledged;
  }

  write(byte: number): boolean {
    return this.#selected?.write(byte & 0xff) ?? false;
  }

  read(): number {
    return (this.#selected?.read() ?? 0xff) & 0xff;
  }

  stop(): void {
    this.#selected?.stop();
    this.#selected = undefined;
  }

  /** For a master's snapshot: whether a transaction is open, and its resumption after a restore (no START is sent). */
  get selected(): number {
    for (const [address, target] of this.#targets) if (target === this.#selected) return address;
    return -1;
  }

  resume(address: number): void {
    this.#selected = this.#targets.get(address);
  }
}
