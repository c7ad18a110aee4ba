// SPDX-License-Identifier: MIT
//
// The SCSI part of IOSB: the 53C96's registers 16 bytes apart, and the data port through which the processor plays DMA
// controller ("pseudo-DMA", "Turbo SCSI"). The port has 16 bits; an access of 32 takes two of its cycles. While the
// 53C96 does not ask for data, the access waits; when it does not ask in time or interrupts instead, the access ends in a
// bus error, and registers 3 and 4 of IOSB say how far it got:
//
//   3  ---- -xxx ---- ----   bit 8: a data access failed; 9: the first half of a long read is in register 4;
//                            10: the first half of a long write was done
//   4  xxxx xxxx xxxx xxxx   that first half
//
// Documents: [IOSB-NOTES], [53C94-96] in docs/references.md; the bits are those the ROM's bus error handler looks at.
// Not modelled: the wait states that register 2 chooses.
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import type { Scheduler } from '../../backplane/scheduler.ts';

const SPAN = 0x200;
const DATA = 0x100;
const STATUS = 3; // registers of IOSB
const FIRST_HALF = 4;

const FAILED = 0x0100;
const READ_HALF = 0x0200;
const WRITE_HALF = 0x0400;

/** How long an access waits for data. // unverified */
const TIMEOUT_NS = 16_000_000;

/** A 53C96 as its DMA pins see it. */
export interface DackPort extends BusTarget {
  /** A DACK cycle for one byte; -1 where the chip does not ask for it. */
  dackRead(): number;
  /** A DACK cycle of 16 bits, the first byte high; -1 as above. */
  dackReadWord(): number;
  /** A DACK cycle with one byte; false where the chip does not ask for it. */
  dackWrite(byte: number): boolean;
}

export interface IosbScsiOptions {
  /** IOSB's configuration registers. */
  readonly registers: Uint16Array;
  readonly scheduler: Scheduler;
  readonly onBusError: () => void;
  readonly drq: () => boolean;
  readonly irq: () => boolean;
}

export class IosbScsi implements BusTarget {
  readonly span = SPAN;
  readonly access: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'big' };
  /** The 53C96; without one there is nothing here. */
  port: DackPort | undefined;
  readonly #options: IosbScsiOptions;
  readonly #timeout: number;

  constructor(options: IosbScsiOptions) {
    this.#options = options;
    this.#timeout = options.scheduler.ns(TIMEOUT_NS);
  }

  read(offset: number, width: Width): number {
    if (this.port === undefined) return 0;
    if (offset >= DATA) return width === 4 ? this.#readLong() : this.#readPort(width);
    const value = this.port.read((offset >>> 4) & 15, 1);
    return width === 1 ? value : value * (width === 2 ? 0x0101 : 0x0101_0101);
  }

  write(offset: number, width: Width, value: number): void {
    if (this.port === undefined) return;
    if (offset < DATA) this.port.write((offset >>> 4) & 15, 1, (value >>> (8 * (width - 1))) & 0xff);
    else if (width === 4) this.#writeLong(value);
    else if (!this.#writePort(width, value)) this.#fail(0);
  }

  peek(offset: number): number | undefined {
    return offset >= DATA ? undefined : (this.port?.peek?.((offset >>> 4) & 15) ?? 0);
  }

  #readLong(): number {
    const high = this.#take(2);
    if (high < 0) return this.#fail(0);
    const low = this.#take(2);
    if (low >= 0) return ((high << 16) | low) >>> 0;
    this.#options.registers[FIRST_HALF] = high;
    return this.#fail(READ_HALF);
  }

  #readPort(width: 1 | 2): number {
    const value = this.#take(width);
    return value < 0 ? this.#fail(0) >>> (32 - 8 * width) : value;
  }

  #writeLong(value: number): void {
    if (!this.#writePort(2, value >>> 16)) this.#fail(0);
    else if (!this.#writePort(2, value & 0xffff)) this.#fail(WRITE_HALF);
  }

  /** One cycle of the port: the value, or -1 when the chip has nothing. */
  #take(width: 1 | 2): number {
    if (!this.#ready()) return -1;
    return width === 1 ? this.port!.dackRead() : this.port!.dackReadWord();
  }

  #writePort(width: 1 | 2, value: number): boolean {
    if (!this.#ready()) return false;
    if (width === 2 && !this.port!.dackWrite((value >>> 8) & 0xff)) return false;
    return this.port!.dackWrite(value & 0xff);
  }

  /** Waits for the chip to ask for data. */
  #ready(): boolean {
    const { drq, irq, scheduler } = this.#options;
    if (drq()) return true;
    scheduler.holdUntil(() => drq() || irq(), this.#timeout);
    return drq();
  }

  #fail(half: number): number {
    const { registers, onBusError } = this.#options;
    registers[STATUS] = FAILED | half;
    onBusError();
    return 0xffff_ffff;
  }
}
