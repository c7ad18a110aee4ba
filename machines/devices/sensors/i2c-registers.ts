// SPDX-License-Identifier: MIT
import type { I2cTarget } from '../i2c/i2c-bus.ts';

/** An I2C target whose first written byte names a register and whose further bytes move on through them. */
export abstract class I2cRegisters implements I2cTarget {
  protected pointer = 0;
  /** Whether the next byte written names a register. */
  protected expectPointer = false;

  protected abstract readRegister(n: number): number;
  protected abstract writeRegister(n: number, value: number): void;
  /** The register after `n` in a longer access. */
  protected next(n: number): number {
    return (n + 1) & 0xff;
  }

  start(reading: boolean): boolean {
    this.expectPointer = !reading;
    return true;
  }

  write(byte: number): boolean {
    if (this.expectPointer) {
      this.pointer = byte;
      this.expectPointer = false;
    } else {
      this.writeRegister(this.pointer, byte);
      this.pointer = this.next(this.pointer);
    }
    return true;
  }

  read(): number {
    const value = this.readRegister(this.pointer);
    this.pointer = this.next(this.pointer);
    return value & 0xff;
  }

  stop(): void {}
}
