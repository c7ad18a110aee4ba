// SPDX-License-Identifier: MIT
//
// Non-volatile RAM of Power Macintoshes: 8 KiB, each byte alone in a 16-byte slot of the Mac-IO chip's address space.
//
// Sockets: span 0x2_0000 (at 0x6_0000 in the Mac-IO chip), NonVolatile host end.
// A new one is formatted the way Open Firmware partitions it: an empty system partition "common" for configuration
// variables, and free space. On these machines Mac OS keeps XPRAM at 0x1300 and the Name Registry at 0x1400, inside
// what the partition headers call free.
//
// Documents: Common Hardware Reference Platform, chapter "Non-Volatile Memory" [CHRP].
// Not modelled: the address register through which machines before Heathrow reach it.
import type { ChipContext } from '../../backplane/board.ts';
import type { BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { NonVolatile } from '../../backplane/host.ts';
import type { Task } from '../../backplane/scheduler.ts';

export const MAC_NVRAM_BYTES = 0x2000;
const STRIDE = 16;

const SIGNATURE_SYSTEM = 0x70;
const SIGNATURE_FREE = 0x7f;
const HEADER_BYTES = 16;
const SYSTEM_PARTITION_BYTES = 0xc10;

/** Changes are gathered for this long before the host gets them, all at once. */
const STORE_DELAY_NS = 10_000_000;

export class MacNvram implements Device, BusTarget {
  readonly id: string;
  readonly span = MAC_NVRAM_BYTES * STRIDE;
  /** A byte device: wherever a wide access falls in a slot, it is one access to the slot's byte. */
  readonly access = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'big' } as const;
  readonly #bytes: Uint8Array;
  readonly #host: NonVolatile;
  readonly #store: Task;
  readonly #storeDelay: number;

  constructor(context: ChipContext, host: NonVolatile) {
    this.id = context.id;
    this.#host = host;
    const kept = host.load();
    this.#bytes = kept?.length === MAC_NVRAM_BYTES ? kept.slice() : formattedNvram();
    if (kept !== undefined && kept.length !== MAC_NVRAM_BYTES) {
      context.log.info(`kept content has %d bytes, not ${MAC_NVRAM_BYTES}: starting with a fresh one`, kept.length);
    }
    this.#store = context.scheduler.task(`${context.id}.store`, () => this.#storeNow());
    this.#storeDelay = context.scheduler.ns(STORE_DELAY_NS);
  }

  /** Hands changes to the host now: the machine is about to go away. */
  flush(): void {
    if (!this.#store.scheduled) return;
    this.#store.cancel();
    this.#storeNow();
  }

  read(offset: number, width: Width): number {
    const value = this.#bytes[Math.floor(offset / STRIDE)] ?? 0;
    return width === 1 ? value : (value << (8 * (width - 1))) >>> 0;
  }

  peek(offset: number): number {
    return this.#bytes[Math.floor(offset / STRIDE)] ?? 0;
  }

  write(offset: number, width: Width, value: number): void {
    const index = Math.floor(offset / STRIDE);
    const byte = (value >>> (8 * (width - 1))) & 0xff;
    if (index >= MAC_NVRAM_BYTES || this.#bytes[index] === byte) return;
    this.#bytes[index] = byte;
    if (!this.#store.scheduled) this.#store.schedule(this.#storeDelay);
  }

  reset(kind: ResetKind): void {
    // The bytes are kept by a battery, whatever happens.
    if (kind === 'snapshot') this.#store.cancel();
  }

  settle(): void {}

  save(): PlainFields {
    return { bytes: this.#bytes.slice(), storeIn: this.#store.remaining };
  }

  restore(state: PlainFields): void {
    const fields = new SavedFields(this.id, state);
    const bytes = fields.bytes('bytes', MAC_NVRAM_BYTES);
    const storeIn = fields.int('storeIn', -1, Number.MAX_SAFE_INTEGER);
    const changed = bytes.some((byte, index) => byte !== this.#bytes[index]);
    this.#bytes.set(bytes);
    this.#store.restore(storeIn);
    if (changed && storeIn < 0) this.#storeNow();
  }

  #storeNow(): void {
    this.#host.store(this.#bytes.slice());
  }
}

/** What a new NVRAM holds. */
export function formattedNvram(): Uint8Array {
  const bytes = new Uint8Array(MAC_NVRAM_BYTES);
  partition(bytes, 0, SYSTEM_PARTITION_BYTES, SIGNATURE_SYSTEM, 'common');
  // [CHRP] names free space with twelve bytes 0x77.
  const free = MAC_NVRAM_BYTES - SYSTEM_PARTITION_BYTES;
  partition(bytes, SYSTEM_PARTITION_BYTES, free, SIGNATURE_FREE, '\x77'.repeat(12));
  return bytes;
}

/**
 * A partition header:
 * ┌───────────┬──────────┬───────────────────┬──────────────┐
 * │ signature │ checksum │ length/16 (2, BE) │ name (12)    │
 * └───────────┴──────────┴───────────────────┴──────────────┘
 */
function partition(bytes: Uint8Array, offset: number, size: number, signature: number, name: string): void {
  const header = bytes.subarray(offset, offset + HEADER_BYTES);
  header[0] = signature;
  header[2] = size >> 12;
  header[3] = (size >> 4) & 0xff;
  for (let i = 0; i < name.length; i++) header[4 + i] = name.charCodeAt(i);
  header[1] = header.reduce((sum, byte, i) => (i === 1 ? sum : endAroundAdd(sum, byte)), 0);
}

const endAroundAdd = (a: number, b: number): number => (a + b > 0xff ? a + b - 0xff : a + b);
