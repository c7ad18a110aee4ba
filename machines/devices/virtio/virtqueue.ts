// SPDX-License-Identifier: MIT
//
// The device's end of a split virtqueue [VIRTIO §2.7]: takes chains of buffers the driver made available and returns
// them as used. A driver that breaks the rules breaks its queue: `broken` is called, and nothing is taken any more.
import type { DeviceLog } from '../../backplane/log.ts';
import { type PlainFields, SavedFields } from '../../backplane/device.ts';
import type { DmaAccess } from '../../backplane/dma.ts';

const DESC_BYTES = 16;
const F_NEXT = 1;
const F_WRITE = 2;
const F_INDIRECT = 4;
const AVAIL_F_NO_INTERRUPT = 1;

/** Bytes of one chain. Our devices tell drivers of smaller limits. */
const MOST_BYTES = 1 << 26;
export const MOST_DESCRIPTORS = 1024;

interface Segment {
  readonly pa: number;
  readonly length: number;
}

/** A chain of buffers: first those the device reads, then those it writes. */
export class Chain {
  /** Number of the first descriptor, by which the driver knows the chain. */
  readonly head: number;
  /** Bytes the device may read and may write. */
  readonly readable: number;
  readonly writable: number;
  readonly #memory: DmaAccess;
  readonly #out: readonly Segment[];
  readonly #in: readonly Segment[];

  constructor(memory: DmaAccess, head: number, out: readonly Segment[], into: readonly Segment[]) {
    this.#memory = memory;
    this.head = head;
    this.#out = out;
    this.#in = into;
    this.readable = total(out);
    this.writable = total(into);
  }

  /** Copies from the driver's bytes at `offset`; what is beyond them is left alone. */
  read(offset: number, into: Uint8Array): void {
    eachPiece(this.#out, offset, into.length, (pa, done, length) =>
      this.#memory.dmaRead(pa, into.subarray(done, done + length)),
    );
  }

  /** Copies to the device's part at `offset`; what does not fit is dropped. */
  write(offset: number, from: Uint8Array): void {
    eachPiece(this.#in, offset, from.length, (pa, done, length) =>
      this.#memory.dmaWrite(pa, from.subarray(done, done + length)),
    );
  }
}

const total = (segments: readonly Segment[]): number => segments.reduce((sum, { length }) => sum + length, 0);

function eachPiece(
  segments: readonly Segment[],
  offset: number,
  size: number,
  visit: (pa: number, done: number, length: number) => void,
): void {
  let skip = offset;
  let done = 0;
  for (const { pa, length } of segments) {
    if (skip >= length) {
      skip -= length;
      continue;
    }
    const part = Math.min(length - skip, size - done);
    if (part <= 0) return;
    visit(pa + skip, done, part);
    done += part;
    skip = 0;
  }
}

export interface VirtqueueOptions {
  readonly maxSize: number;
  readonly memory: DmaAccess;
  readonly log: DeviceLog;
  /** The driver has broken the rules. */
  readonly broken: () => void;
  /** A chain was used and the driver wants to know. */
  readonly interrupt: () => void;
}

/** Addresses of a queue's three parts. */
export const QUEUE_PARTS = ['desc', 'avail', 'used'] as const;
export type QueuePart = (typeof QUEUE_PARTS)[number];

export class Virtqueue {
  readonly maxSize: number;
  readonly #memory: DmaAccess;
  readonly #log: DeviceLog;
  readonly #onBroken: () => void;
  readonly #interrupt: () => void;
  readonly #scratch = new Uint8Array(DESC_BYTES);
  readonly #view = new DataView(this.#scratch.buffer);
  size: number;
  /** 64-bit addresses, in halves. */
  readonly low: Record<QueuePart, number> = { desc: 0, avail: 0, used: 0 };
  readonly high: Record<QueuePart, number> = { desc: 0, avail: 0, used: 0 };
  /** What the driver negotiated. */
  eventIndex = false;
  indirect = false;
  #ready = false;
  #broken = false;
  #nextAvail = 0;
  #nextUsed = 0;

  constructor(options: VirtqueueOptions) {
    this.maxSize = options.maxSize;
    this.size = options.maxSize;
    this.#memory = options.memory;
    this.#log = options.log;
    this.#onBroken = options.broken;
    this.#interrupt = options.interrupt;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** The driver switches the queue on or off. */
  enable(on: boolean): void {
    if (on && !this.#ready && !this.#valid()) {
      this.#fail('it is not set up');
      return;
    }
    this.#ready = on;
  }

  reset(): void {
    this.size = this.maxSize;
    for (const part of QUEUE_PARTS) this.low[part] = this.high[part] = 0;
    this.eventIndex = false;
    this.indirect = false;
    this.#ready = false;
    this.#broken = false;
    this.#nextAvail = 0;
    this.#nextUsed = 0;
  }

  /** The next chain the driver made available. */
  pop(): Chain | undefined {
    if (!this.#ready || this.#broken) return undefined;
    const available = (this.#u16(this.low.avail + 2) - this.#nextAvail) & 0xffff;
    if (available === 0) {
      if (!this.eventIndex) return undefined;
      // Notify me of the next one; and it may have come meanwhile.
      this.#setU16(this.low.used + 4 + this.size * 8, this.#nextAvail);
      return undefined;
    }
    if (available > this.size) return this.#fail('more chains are available than it has descriptors');
    const head = this.#u16(this.low.avail + 4 + (this.#nextAvail % this.size) * 2);
    if (head >= this.size) return this.#fail('a chain begins outside the descriptors');
    const chain = this.#chain(head);
    if (chain !== undefined) this.#nextAvail = (this.#nextAvail + 1) & 0xffff;
    return chain;
  }

  /** Gives back the chain taken last, as if it had not been taken. */
  putBack(): void {
    this.#nextAvail = (this.#nextAvail - 1) & 0xffff;
  }

  /** Returns a chain of which the device wrote the first `written` bytes. */
  push(chain: Chain, written: number): void {
    if (!this.#ready || this.#broken) return;
    const entry = this.low.used + 4 + (this.#nextUsed % this.size) * 8;
    this.#view.setUint32(0, chain.head, true);
    this.#view.setUint32(4, written, true);
    this.#memory.dmaWrite(entry, this.#scratch.slice(0, 8));
    const before = this.#nextUsed;
    this.#nextUsed = (before + 1) & 0xffff;
    this.#setU16(this.low.used + 2, this.#nextUsed);
    if (this.eventIndex) {
      const event = this.#u16(this.low.avail + 4 + this.size * 2);
      if (event === before) this.#interrupt();
    } else if ((this.#u16(this.low.avail) & AVAIL_F_NO_INTERRUPT) === 0) {
      this.#interrupt();
    }
  }

  save(): PlainFields {
    const fields: PlainFields = {
      size: this.size,
      ready: this.#ready,
      broken: this.#broken,
      eventIndex: this.eventIndex,
      indirect: this.indirect,
      nextAvail: this.#nextAvail,
      nextUsed: this.#nextUsed,
    };
    for (const part of QUEUE_PARTS) {
      fields[`${part}Low`] = this.low[part];
      fields[`${part}High`] = this.high[part];
    }
    return fields;
  }

  restore(saved: SavedFields): void {
    this.size = saved.int('size', 1, this.maxSize);
    this.#ready = saved.bool('ready');
    this.#broken = saved.bool('broken');
    this.eventIndex = saved.bool('eventIndex');
    this.indirect = saved.bool('indirect');
    this.#nextAvail = saved.u16('nextAvail');
    this.#nextUsed = saved.u16('nextUsed');
    for (const part of QUEUE_PARTS) {
      this.low[part] = saved.u32(`${part}Low`);
      this.high[part] = saved.u32(`${part}High`);
    }
  }

  #valid(): boolean {
    const aligned = this.low.desc % 16 === 0 && this.low.avail % 2 === 0 && this.low.used % 4 === 0;
    const power = this.size > 0 && this.size <= this.maxSize && (this.size & (this.size - 1)) === 0;
    return aligned && power && QUEUE_PARTS.every((part) => this.high[part] === 0);
  }

  #chain(head: number): Chain | undefined {
    const out: Segment[] = [];
    const into: Segment[] = [];
    let table = this.low.desc;
    let entries = this.size;
    let index = head;
    let bytes = 0;
    let nested = false;
    for (let count = 0; ; count++) {
      if (count >= Math.max(entries, this.size)) return this.#fail('a chain has no end');
      this.#memory.dmaRead(table + index * DESC_BYTES, this.#scratch);
      const pa = this.#view.getUint32(0, true);
      const high = this.#view.getUint32(4, true);
      const length = this.#view.getUint32(8, true);
      const flags = this.#view.getUint16(12, true);
      const next = this.#view.getUint16(14, true);
      if ((flags & F_INDIRECT) !== 0) {
        const whole = length % DESC_BYTES === 0 && length > 0 && length <= MOST_DESCRIPTORS * DESC_BYTES;
        if (!this.indirect || nested || (flags & F_NEXT) !== 0 || !whole || high !== 0) {
          return this.#fail('a wrong indirect descriptor');
        }
        nested = true;
        table = pa;
        entries = length / DESC_BYTES;
        index = 0;
        continue;
      }
      bytes += length;
      if (bytes > MOST_BYTES) return this.#fail('a chain is too long');
      if (length > 0 && (high !== 0 || pa + length > 0x1_0000_0000)) return this.#fail('a buffer is beyond memory');
      if ((flags & F_WRITE) !== 0) into.push({ pa, length });
      else if (into.length > 0) return this.#fail('a buffer to read comes after one to write');
      else out.push({ pa, length });
      if ((flags & F_NEXT) === 0) return new Chain(this.#memory, head, out, into);
      if (next >= entries) return this.#fail('a chain leaves the descriptors');
      index = next;
    }
  }

  #fail(why: string): undefined {
    this.#broken = true;
    this.#log.guest(`virtqueue: ${why}`);
    this.#onBroken();
    return undefined;
  }

  #u16(pa: number): number {
    const two = this.#scratch.subarray(0, 2);
    this.#memory.dmaRead(pa, two);
    return two[0]! | (two[1]! << 8);
  }

  #setU16(pa: number, value: number): void {
    this.#memory.dmaWrite(pa, Uint8Array.of(value & 0xff, value >>> 8));
  }
}
