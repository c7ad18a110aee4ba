// SPDX-License-Identifier: MIT
//
// Memory manager of the LAN91C111: who has which page, and the queues of packets. Document: [LAN91C111] §7.3, §8.16-8.19.
import { type PlainFields, type SavedFields } from '../../backplane/device.ts';

export const PAGES = 4;
export const PAGE_BYTES = 2048;
/** Read in place of a packet's number when there is none. */
export const NO_PACKET = 0x80;

export class SmcMemory {
  readonly #bytes = new Uint8Array(PAGES * PAGE_BYTES);
  /** A bit for every page that is taken. */
  #taken = 0;
  #allocated = NO_PACKET;
  /** An allocation waits for a page. */
  #wanted = false;
  #transmit: number[] = [];
  #completed: number[] = [];
  #received: number[] = [];
  transmitEmpty = true;

  /** The page of a packet that has one. */
  page(packet: number): Uint8Array | undefined {
    if (packet >= PAGES || !(this.#taken & (1 << packet))) return undefined;
    return this.#bytes.subarray(packet * PAGE_BYTES, (packet + 1) * PAGE_BYTES);
  }

  get free(): number {
    let free = 0;
    for (let page = 0; page < PAGES; page++) if (!(this.#taken & (1 << page))) free++;
    return free;
  }

  get allocated(): number {
    return this.#allocated;
  }

  get transmitting(): number {
    return this.#transmit[0] ?? NO_PACKET;
  }

  get completed(): number {
    return this.#completed[0] ?? NO_PACKET;
  }

  get received(): number {
    return this.#received[0] ?? NO_PACKET;
  }

  #take(): number {
    for (let page = 0; page < PAGES; page++) {
      if (this.#taken & (1 << page)) continue;
      this.#taken |= 1 << page;
      return page;
    }
    return NO_PACKET;
  }

  /** For a packet to be sent; when no page is free, the next one that is. */
  allocate(): void {
    this.#allocated = this.#take();
    this.#wanted = this.#allocated === NO_PACKET;
  }

  /** For a packet that has come: its number, or none. */
  receive(): number {
    const packet = this.#take();
    if (packet !== NO_PACKET) this.#received.push(packet);
    return packet;
  }

  release(packet: number): void {
    if (this.page(packet) === undefined) return;
    this.#taken &= ~(1 << packet);
    for (const queue of [this.#transmit, this.#completed, this.#received]) {
      const index = queue.indexOf(packet);
      if (index >= 0) queue.splice(index, 1);
    }
    if (this.#wanted) this.allocate();
  }

  removeReceived(release: boolean): void {
    const packet = this.#received.shift();
    if (packet !== undefined && release) this.release(packet);
  }

  /** False for what is no packet, or is in a queue already. */
  enqueue(packet: number): boolean {
    if (this.page(packet) === undefined || this.#transmit.includes(packet)) return false;
    this.#transmit.push(packet);
    return true;
  }

  /** The first packet has been sent. */
  transmitted(release: boolean): void {
    const packet = this.#transmit.shift();
    if (packet === undefined) return;
    if (release) this.release(packet);
    else if (!this.#completed.includes(packet)) this.#completed.push(packet);
    if (this.#transmit.length === 0) this.transmitEmpty = true;
  }

  removeCompleted(): void {
    this.#completed.shift();
  }

  acknowledgeEmpty(): void {
    this.transmitEmpty = false;
  }

  resetTransmit(): void {
    this.#transmit = [];
    this.#completed = [];
    this.transmitEmpty = true;
  }

  reset(): void {
    this.#taken = 0;
    this.#allocated = NO_PACKET;
    this.#wanted = false;
    this.#received = [];
    this.resetTransmit();
  }

  save(): PlainFields {
    return {
      bytes: this.#bytes.slice(),
      taken: this.#taken,
      allocated: this.#allocated,
      wanted: this.#wanted,
      transmit: Uint8Array.from(this.#transmit),
      completed: Uint8Array.from(this.#completed),
      received: Uint8Array.from(this.#received),
      transmitEmpty: this.transmitEmpty,
    };
  }

  restore(saved: SavedFields): void {
    const bytes = saved.bytes('bytes', this.#bytes.length);
    const taken = saved.int('taken', 0, 2 ** PAGES - 1);
    const queue = (name: string): number[] => {
      const packets = [...new Set(saved.bytes(name, undefined, PAGES))];
      return packets.filter((packet) => packet < PAGES && (taken & (1 << packet)) !== 0);
    };
    const [transmit, completed, received] = [queue('transmit'), queue('completed'), queue('received')];
    const [allocated, wanted] = [saved.int('allocated', 0, NO_PACKET), saved.bool('wanted')];
    this.transmitEmpty = saved.bool('transmitEmpty');
    this.#bytes.set(bytes);
    this.#taken = taken;
    this.#allocated = allocated;
    this.#wanted = wanted;
    this.#transmit = transmit;
    this.#completed = completed;
    this.#received = received;
  }
}
