// SPDX-License-Identifier: MIT
import { type PlainFields, type SavedFields, SnapshotError } from '../../backplane/device.ts';
import type { DmaChannel, DmaPeer } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { MemoryMap } from '../../backplane/memory-map.ts';
import { Wire } from '../../backplane/wire.ts';

// Control and status register as read.
export const DMA_ENABLE = 0x01;
export const DMA_SUPDATE = 0x02; // another buffer follows this one
export const DMA_READ = 0x04; // from the device to memory
export const DMA_COMPLETE = 0x08;
export const DMA_BUSEXC = 0x10;
// As written.
export const DMA_SETENABLE = 0x01;
export const DMA_SETSUPDATE = 0x02;
export const DMA_SETREAD = 0x04;
export const DMA_CLRCOMPLETE = 0x08;
export const DMA_RESET = 0x10;
export const DMA_INITBUF = 0x20; // on Turbo machines this bit sets COMPLETE, see below
export const TDMA_SETCOMPLETE = 0x20;
export const TDMA_FLUSH = 0x40;
export const TDMA_INITBUF = 0x80;

/** Registers of a channel, by what their address adds to the channel's. */
export const POINTERS = ['next', 'limit', 'start', 'stop'] as const;
export type Pointer = (typeof POINTERS)[number];

/** Memory is accessed in bursts of this size, the channel's buffer. */
export const BURST_BYTES = 16;

/** Marks in the limit register of the Ethernet channels; they are no part of the address. */
export const ENET_EOP = 0x8000_0000;
export const ENET_BOP = 0x4000_0000;
const ENET_MARKS = (ENET_EOP | ENET_BOP) >>> 0;
/** The transmitter's limit is this much beyond the last byte. */
const ENET_TX_SLACK = 15;

export interface ChannelParts {
  readonly map: MemoryMap;
  readonly log: DeviceLog;
  readonly turbo: boolean;
}

/**
 * One channel of the DMA chip. It moves bytes between its device and the memory from `next` to `limit`; there it says
 * COMPLETE and, if it was told that another buffer follows (SUPDATE), goes on from `start` to `stop`.
 */
export class NextDmaChannel implements DmaChannel {
  readonly name: string;
  /** COMPLETE or a bus exception. */
  readonly irq: Wire;
  /** The end of a buffer, as a pulse: SCR2 lets it interrupt the DSP. */
  readonly blockEnd: Wire;
  /** Told when the channel is enabled; the chip's own transfers begin with it. */
  onEnable: () => void = () => {};
  readonly #parts: ChannelParts;
  /** Next, limit, start, stop. */
  readonly #pointers = new Uint32Array(4);
  readonly #saved = new Uint32Array(4);
  readonly #buffer = new Uint8Array(BURST_BYTES);
  /** The buffer's bytes are [from, to). */
  #from = 0;
  #to = 0;
  #csr = 0;
  #frame = false;
  #peer: DmaPeer | undefined;
  /** The device wants service: it does until a transfer ends because the device has had enough. */
  #requested = false;
  #pumping = false;
  #moved = 0;

  constructor(id: string, name: string, parts: ChannelParts) {
    this.name = name;
    this.irq = new Wire(`${id}.${name}`);
    this.blockEnd = new Wire(`${id}.${name}-block-end`);
    this.#parts = parts;
  }

  /** The device this channel serves; returns what the device asks for service with. */
  connect(peer: DmaPeer): DmaChannel {
    this.#peer = peer;
    return this;
  }

  get enabled(): boolean {
    return (this.#csr & DMA_ENABLE) !== 0;
  }

  /** From the device to memory. */
  get reading(): boolean {
    return (this.#csr & DMA_READ) !== 0;
  }

  get csr(): number {
    return this.#csr & ~DMA_READ;
  }

  /** Bytes that the buffer holds. */
  get buffered(): number {
    return this.#to - this.#from;
  }

  pointer(which: Pointer): number {
    return this.#pointers[POINTERS.indexOf(which)]!;
  }

  setPointer(which: Pointer, value: number): void {
    this.#pointers[POINTERS.indexOf(which)] = value;
  }

  saved(which: Pointer): number {
    return this.#saved[POINTERS.indexOf(which)]!;
  }

  setSaved(which: Pointer, value: number): void {
    this.#saved[POINTERS.indexOf(which)] = value;
  }

  /** Sets `next` and empties the buffer; a transfer may begin inside a burst. */
  initialize(next: number): void {
    this.setPointer('next', next);
    this.#from = this.#to = next % BURST_BYTES;
  }

  command(command: number): void {
    const { turbo } = this.#parts;
    if (command & DMA_RESET) this.#csr &= ~(DMA_COMPLETE | DMA_SUPDATE | DMA_ENABLE | DMA_BUSEXC);
    if (command & (turbo ? TDMA_INITBUF : DMA_INITBUF)) this.#from = this.#to = 0;
    if (turbo && command & TDMA_FLUSH) while (this.#to > this.#from && this.flush());
    this.#csr = (this.#csr & ~DMA_READ) | (command & DMA_SETREAD ? DMA_READ : 0);
    if (command & DMA_SETSUPDATE) this.#csr |= DMA_SUPDATE;
    if (command & DMA_CLRCOMPLETE) this.#csr &= ~(DMA_COMPLETE | DMA_BUSEXC);
    if (turbo && command & TDMA_SETCOMPLETE) this.#csr |= DMA_COMPLETE;
    if (command & DMA_SETENABLE) this.#csr |= DMA_ENABLE;
    this.#frame = false;
    this.update();
    if (!(command & DMA_SETENABLE)) return;
    this.onEnable();
    if (this.#requested) this.request();
  }

  /** The video circuit's vertical retrace: the video channel interrupts while it has a limit. */
  frame(): void {
    if (this.pointer('limit') === 0) return;
    this.#frame = true;
    this.update();
  }

  request(): void {
    this.#requested = true;
    if (this.#pumping || !this.enabled || this.#peer === undefined) return;
    this.#pumping = true;
    while (this.enabled && this.#requested) {
      this.#requested = false;
      const before = this.#moved;
      const more = this.reading ? this.#toMemory(this.#peer) : this.#toDevice(this.#peer);
      if (more) this.#requested = true;
      // A device that asks again in the middle of a call but has nothing must not keep us here.
      if (this.#moved === before) break;
    }
    this.#pumping = false;
    this.update();
  }

  /** Writes four bytes of what is left of the last burst to memory; false where it cannot. */
  flush(): boolean {
    if (!this.enabled || !this.reading) return false;
    const next = this.pointer('next');
    if (next === this.pointer('limit')) return false;
    const count = Math.min(4, this.buffered);
    if (!this.#write(next, this.#buffer.subarray(this.#from, this.#from + count))) return false;
    this.#drop(count);
    this.setPointer('next', next + 4);
    this.#checkEnd();
    this.update();
    return true;
  }

  /**
   * A packet from the network. Gives how many of its bytes from `done` on went to the current buffer; fewer than all
   * means that the next buffer in the chain takes the rest.
   */
  receivePacket(packet: Uint8Array, done: number): number {
    if (!this.enabled) return 0;
    const next = this.pointer('next');
    const room = Math.max(0, this.pointer('limit') - next);
    const part = packet.subarray(done, done + Math.min(room, packet.length - done));
    if (!this.#write(next, part)) return 0;
    const last = done + part.length === packet.length;
    const end = next + part.length;
    this.setPointer('next', last && done > 0 ? (end | ENET_BOP) >>> 0 : end);
    if (last) this.setSaved('limit', this.pointer('next'));
    this.#endBuffer();
    this.update();
    return part.length;
  }

  /** The packet, or the part of one, between `next` and `limit`, at most `most` bytes; `undefined` while disabled. */
  takePacket(most: number): { bytes: Uint8Array; end: boolean } | undefined {
    if (!this.enabled) return undefined;
    const limit = this.pointer('limit');
    const end = this.#parts.turbo || (limit & ENET_EOP) !== 0;
    const next = this.pointer('next');
    const slack = end && !this.#parts.turbo ? ENET_TX_SLACK : 0;
    const length = Math.max(0, Math.min((limit & ~ENET_MARKS) - slack - next, most));
    const bytes = new Uint8Array(length);
    if (!this.#read(next, bytes)) return { bytes: bytes.subarray(0, 0), end: true };
    this.setPointer('next', next + length);
    this.#endBuffer();
    this.update();
    return { bytes, end };
  }

  /** One burst between memory and `burst`; what is beyond the limit is left alone. */
  exchange(burst: Uint8Array, toMemory: boolean): void {
    const next = this.pointer('next');
    const part = burst.subarray(0, Math.min(burst.length, (this.pointer('limit') - next) >>> 0));
    if (toMemory ? this.#write(next, part) : this.#read(next, part)) {
      this.setPointer('next', next + part.length);
      this.#checkEnd();
    }
    this.update();
  }

  // ---- moving bytes -----------------------------------------------------------------------------------------------

  /** True when the device still wants service: the channel had to stop. */
  #toMemory(peer: DmaPeer): boolean {
    while (this.enabled) {
      if (this.#to < BURST_BYTES) {
        const given = peer.dmaIn(this.#buffer.subarray(this.#to));
        this.#to += given;
        this.#moved += given;
        if (this.#to < BURST_BYTES) return false;
      }
      while (this.buffered > 0 && this.pointer('next') !== this.pointer('limit')) {
        const next = this.pointer('next');
        if (!this.#write(next, this.#buffer.subarray(this.#from, this.#from + 4))) return true;
        this.#drop(4);
        this.setPointer('next', next + 4);
      }
      this.#checkEnd();
    }
    return true;
  }

  #toDevice(peer: DmaPeer): boolean {
    while (this.enabled) {
      if (this.buffered === 0) this.#fetch();
      if (this.buffered > 0) {
        const taken = peer.dmaOut(this.#buffer.subarray(this.#from, this.#to));
        this.#moved += taken;
        this.#drop(taken);
        if (this.buffered > 0) return false;
      }
      this.#checkEnd();
    }
    return true;
  }

  #fetch(): void {
    const next = this.pointer('next');
    const length = Math.min(BURST_BYTES - (next % BURST_BYTES), (this.pointer('limit') - next) >>> 0);
    if (!this.#read(next, this.#buffer.subarray(0, length))) return;
    this.#from = 0;
    this.#to = length;
    this.setPointer('next', next + length);
  }

  #drop(count: number): void {
    this.#from += count;
    if (this.#from >= this.#to) this.#from = this.#to = 0;
  }

  #checkEnd(): void {
    if (this.enabled && this.pointer('next') === this.pointer('limit')) this.#endBuffer();
  }

  #endBuffer(): void {
    this.#csr |= DMA_COMPLETE;
    if (this.#csr & DMA_SUPDATE) {
      this.#saved[0] = this.pointer('next');
      this.setPointer('next', this.pointer('start'));
      this.setPointer('limit', this.pointer('stop'));
      this.#csr &= ~DMA_SUPDATE;
    } else {
      this.#csr &= ~DMA_ENABLE;
    }
    this.blockEnd.set(true);
    this.blockEnd.set(false);
  }

  #read(pa: number, into: Uint8Array): boolean {
    if (into.length === 0 || this.#isMemory(pa, into.length, false)) {
      this.#parts.map.dmaRead(pa, into);
      return true;
    }
    this.#exception(pa);
    return false;
  }

  #write(pa: number, from: Uint8Array): boolean {
    if (from.length === 0 || this.#isMemory(pa, from.length, true)) {
      this.#parts.map.dmaWrite(pa, from);
      return true;
    }
    this.#exception(pa);
    return false;
  }

  #isMemory(pa: number, length: number, writing: boolean): boolean {
    for (let at = pa; ;) {
      const range = this.#parts.map.at(at);
      const kind = range?.target.kind;
      if (range === undefined || (kind !== 'ram' && (kind !== 'rom' || writing))) return false;
      if (range.last >= pa + length - 1) return true;
      at = range.last + 1;
    }
  }

  #exception(pa: number): void {
    this.#parts.log.guest(`bus exception of channel ${this.name} at %x`, pa);
    this.#csr = (this.#csr & ~DMA_ENABLE) | DMA_COMPLETE | DMA_BUSEXC;
  }

  update(): void {
    this.irq.set((this.#csr & (DMA_COMPLETE | DMA_BUSEXC)) !== 0 || this.#frame);
  }

  reset(): void {
    this.#pointers.fill(0);
    this.#saved.fill(0);
    this.#csr = this.#from = this.#to = 0;
    this.#frame = this.#requested = false;
  }

  save(): PlainFields {
    return {
      csr: this.#csr,
      pointers: this.#pointers.slice(),
      saved: this.#saved.slice(),
      buffer: this.#buffer.slice(),
      from: this.#from,
      to: this.#to,
      frame: this.#frame,
      requested: this.#requested,
    };
  }

  restore(saved: SavedFields): void {
    const from = saved.int('from', 0, BURST_BYTES);
    const to = saved.int('to', 0, BURST_BYTES);
    if (from > to) throw new SnapshotError(`DMA channel ${this.name}: buffer from ${from} to ${to}`);
    this.#csr = saved.int('csr', 0, 0x1f);
    this.#pointers.set(saved.words('pointers', 4));
    this.#saved.set(saved.words('saved', 4));
    this.#buffer.set(saved.bytes('buffer', BURST_BYTES));
    this.#from = from;
    this.#to = to;
    this.#frame = saved.bool('frame');
    this.#requested = saved.bool('requested');
  }
}
