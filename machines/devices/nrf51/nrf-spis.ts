// SPDX-License-Identifier: MIT
//
// nRF51 SPIS: the SPI slave that shares an address with a TWI and an SPI master. Its buffers in memory belong to the CPU
// or to it: a semaphore says to whom.
//
// Sockets: registers and tasks of {@link NrfTwiSpi}, which holds this part; memory: buffers by DMA; the master's side:
// {@link transfer}. Document: [nRF51 RM] §30 "SPI slave".
// Not modelled: the pins: a transaction comes whole, with its bytes, at once.
import { SavedFields, type PlainFields } from '../../backplane/device.ts';
import type { MemoryMap } from '../../backplane/memory-map.ts';

export const SPIS_TASK = { acquire: 0x24, release: 0x28 } as const;
export const SPIS_EVENT = { end: 1, endRx: 4, acquired: 10 } as const;
export const SPIS_SHORT_END_ACQUIRE = 2;

const SEMSTAT = 0x400;
const STATUS = 0x440;
const OVERREAD = 1;
const OVERFLOW = 2;
const PSELCSN = 0x514;
const RXDPTR = 0x534;
const MAXRX = 0x538;
const AMOUNTRX = 0x53c;
const TXDPTR = 0x544;
const MAXTX = 0x548;
const AMOUNTTX = 0x54c;
const DEF = 0x55c;
const ORC = 0x5c0;

/** Registers that keep what is written, with the bits they have and their reset values. */
const KEPT: readonly (readonly [offset: number, bits: number, initial: number])[] = [
  [PSELCSN, 0xffff_ffff, 0xffff_ffff],
  [RXDPTR, 0xffff_ffff, 0],
  [MAXRX, 0xff, 0],
  [TXDPTR, 0xffff_ffff, 0],
  [MAXTX, 0xff, 0],
  [DEF, 0xff, 0],
  [ORC, 0xff, 0],
];

/** SEMSTAT: who has the buffers. */
const OWNER = { free: 0, cpu: 1, slave: 2, cpuPending: 3 } as const;

export interface NrfSpisOptions {
  readonly memory: MemoryMap;
  readonly raise: (event: number) => void;
  readonly short: (bit: number) => boolean;
}

export class NrfSpis {
  readonly #options: NrfSpisOptions;
  readonly #kept = new Map<number, number>();
  #owner: number = OWNER.cpu;
  #status = 0;
  #received = 0;
  #sent = 0;

  constructor(options: NrfSpisOptions) {
    this.#options = options;
  }

  task(offset: number): void {
    if (offset === SPIS_TASK.acquire) this.#acquire();
    else if (offset === SPIS_TASK.release && this.#owner === OWNER.cpu) this.#owner = OWNER.free;
  }

  #acquire(): void {
    if (this.#owner === OWNER.slave) {
      this.#owner = OWNER.cpuPending;
      return;
    }
    this.#owner = OWNER.cpu;
    this.#options.raise(SPIS_EVENT.acquired);
  }

  /** The master selects this slave, sends bytes and deselects it. @returns what it reads meanwhile. */
  transfer(sent: Uint8Array): Uint8Array {
    const answer = new Uint8Array(sent.length);
    if (this.#owner !== OWNER.free) {
      // The CPU has the buffers: the transaction is ignored.
      return answer.fill(this.#get(DEF));
    }
    this.#owner = OWNER.slave;
    const { memory, raise, short } = this.#options;
    this.#received = Math.min(sent.length, this.#get(MAXRX));
    this.#sent = Math.min(sent.length, this.#get(MAXTX));
    answer.fill(this.#get(ORC));
    memory.dmaRead(this.#get(TXDPTR), answer.subarray(0, this.#sent));
    memory.dmaWrite(this.#get(RXDPTR), sent.subarray(0, this.#received));
    if (sent.length > this.#get(MAXTX)) this.#status |= OVERREAD;
    if (sent.length > this.#get(MAXRX)) this.#status |= OVERFLOW;
    if (this.#received > 0 && this.#received === this.#get(MAXRX)) raise(SPIS_EVENT.endRx);
    const pending = (this.#owner as number) === OWNER.cpuPending;
    this.#owner = OWNER.free;
    raise(SPIS_EVENT.end);
    if (pending || short(SPIS_SHORT_END_ACQUIRE)) this.#acquire();
    return answer;
  }

  #get(offset: number): number {
    return this.#kept.get(offset) ?? 0;
  }

  /** A register's value, or undefined where this part has none. */
  read(offset: number): number | undefined {
    switch (offset) {
      case SEMSTAT:
        return this.#owner;
      case STATUS:
        return this.#status;
      case AMOUNTRX:
        return this.#received;
      case AMOUNTTX:
        return this.#sent;
      default:
        return this.#kept.get(offset);
    }
  }

  /** @returns whether this part has the register. */
  write(offset: number, value: number): boolean {
    if (offset === STATUS) {
      this.#status &= ~value;
      return true;
    }
    const kept = KEPT.find(([at]) => at === offset);
    if (kept !== undefined) this.#kept.set(offset, (value & kept[1]) >>> 0);
    return kept !== undefined;
  }

  reset(): void {
    for (const [offset, , initial] of KEPT) this.#kept.set(offset, initial);
    this.#owner = OWNER.cpu;
    this.#status = this.#received = this.#sent = 0;
  }

  save(): PlainFields {
    return {
      kept: Uint32Array.from(KEPT, ([offset]) => this.#get(offset)),
      owner: this.#owner,
      status: this.#status,
      received: this.#received,
      sent: this.#sent,
    };
  }

  restore(saved: SavedFields): void {
    const kept = saved.words('kept', KEPT.length);
    KEPT.forEach(([offset, bits], i) => this.#kept.set(offset, (kept[i]! & bits) >>> 0));
    this.#owner = saved.int('owner', OWNER.free, OWNER.cpuPending);
    this.#status = saved.int('status', 0, 3);
    this.#received = saved.u8('received');
    this.#sent = saved.u8('sent');
  }
}
