// SPDX-License-Identifier: MIT
import { region } from '../../machines/backplane/memory-map.ts';
import { swap32 } from '../../machines/backplane/bus.ts';
import type { VirtioFunction } from '../../machines/devices/virtio/virtio.ts';
import { VIRTIO_MMIO_SPAN, VirtioMmio } from '../../machines/devices/virtio/virtio-mmio.ts';
import { FakeBoard } from './fake-board.ts';

export const REG = {
  ...{ MAGIC: 0x000, VERSION: 0x004, DEVICE_ID: 0x008, VENDOR: 0x00c, DEVICE_FEATURES: 0x010 },
  ...{ DEVICE_FEATURES_SEL: 0x014, DRIVER_FEATURES: 0x020, DRIVER_FEATURES_SEL: 0x024, QUEUE_SEL: 0x030 },
  ...{ QUEUE_NUM_MAX: 0x034, QUEUE_NUM: 0x038, QUEUE_READY: 0x044, QUEUE_NOTIFY: 0x050, INTERRUPT_STATUS: 0x060 },
  ...{ INTERRUPT_ACK: 0x064, STATUS: 0x070, DESC: 0x080, AVAIL: 0x090, USED: 0x0a0, SHM_LEN: 0x0b0 },
  ...{ GENERATION: 0x0fc, CONFIG: 0x100 },
} as const;

export const F_NEXT = 1;
export const F_WRITE = 2;
export const F_INDIRECT = 4;

/** Bytes for the device, or how many it may write. */
export type Buffer = Uint8Array | number;

export interface Used {
  readonly head: number;
  readonly written: number;
  /** What is in the buffers the device may write. */
  readonly bytes: Uint8Array;
}

const BASE = 0x10_0000;
const RAM_BYTES = 0x8_0000;
const QUEUE_AREA = 0x2000;
const BUFFERS = 0x2_0000;

/** One queue as a driver has it, in the lower part of memory. */
class DriverQueue {
  readonly size: number;
  readonly desc: number;
  readonly avail: number;
  readonly used: number;
  readonly #view: DataView;
  readonly #chains = new Map<number, { pa: number; length: number }[]>();
  #nextDescriptor = 0;
  #nextBuffer: number;
  #seen = 0;

  constructor(view: DataView, index: number, size: number) {
    this.#view = view;
    this.size = size;
    this.desc = index * QUEUE_AREA;
    this.avail = this.desc + 0x1000;
    this.used = this.desc + 0x1800;
    this.#nextBuffer = BUFFERS + index * 0x1_0000;
  }

  u16(pa: number): number {
    return this.#view.getUint16(pa, true);
  }

  setU16(pa: number, value: number): void {
    this.#view.setUint16(pa, value, true);
  }

  /** Writes a descriptor as it is told. */
  descriptor(n: number, pa: number, length: number, flags: number, next: number, table = this.desc): void {
    this.#view.setBigUint64(table + n * 16, BigInt(pa), true);
    this.#view.setUint32(table + n * 16 + 8, length, true);
    this.setU16(table + n * 16 + 12, flags);
    this.setU16(table + n * 16 + 14, next);
  }

  /** Makes a chain available, and returns its head. */
  add(buffers: readonly Buffer[], indirect = false): number {
    const head = this.#nextDescriptor;
    const writable: { pa: number; length: number }[] = [];
    const table = indirect ? this.place(16 * buffers.length) : this.desc;
    for (const [i, buffer] of buffers.entries()) {
      const length = typeof buffer === 'number' ? buffer : buffer.length;
      const pa = this.place(length);
      if (typeof buffer === 'number') writable.push({ pa, length });
      else new Uint8Array(this.#view.buffer, this.#view.byteOffset + pa, length).set(buffer);
      const flags = (i < buffers.length - 1 ? F_NEXT : 0) | (typeof buffer === 'number' ? F_WRITE : 0);
      const n = indirect ? i : (head + i) % this.size;
      this.descriptor(n, pa, length, flags, indirect ? i + 1 : (head + i + 1) % this.size, table);
    }
    if (indirect) this.descriptor(head, table, 16 * buffers.length, F_INDIRECT, 0);
    this.#nextDescriptor = (head + (indirect ? 1 : buffers.length)) % this.size;
    this.#chains.set(head, writable);
    this.available(head);
    return head;
  }

  /** Room in the queue's part of memory. */
  place(length: number): number {
    const pa = this.#nextBuffer;
    this.#nextBuffer += Math.ceil(length / 16) * 16;
    return pa;
  }

  available(head: number): void {
    const index = this.u16(this.avail + 2);
    this.setU16(this.avail + 4 + (index % this.size) * 2, head);
    this.setU16(this.avail + 2, (index + 1) & 0xffff);
  }

  /** Chains the device has used since the last call. */
  take(): Used[] {
    const found: Used[] = [];
    for (; this.#seen !== this.u16(this.used + 2); this.#seen = (this.#seen + 1) & 0xffff) {
      const entry = this.used + 4 + (this.#seen % this.size) * 8;
      const head = this.#view.getUint32(entry, true);
      const parts = this.#chains.get(head) ?? [];
      const bytes = parts.flatMap(({ pa, length }) => [
        ...new Uint8Array(this.#view.buffer, this.#view.byteOffset + pa, length),
      ]);
      found.push({ head, written: this.#view.getUint32(entry + 4, true), bytes: Uint8Array.from(bytes) });
    }
    return found;
  }
}

/** A virtio device on a board, and what its driver does. */
export class VirtioDriver {
  readonly fake = new FakeBoard(1_000_000_000, 1 << 20);
  readonly map = this.fake.map();
  readonly ram = this.fake.board.memory.allocate('ram', RAM_BYTES);
  readonly transport: VirtioMmio;
  readonly queues: DriverQueue[] = [];
  readonly device: VirtioFunction;

  constructor(device: VirtioFunction) {
    this.device = device;
    this.transport = new VirtioMmio(this.fake.chip('virtio'), { memory: this.map, device });
    this.map.add(
      region(0, RAM_BYTES - 1).ram(this.ram),
      region(BASE, BASE + VIRTIO_MMIO_SPAN - 1).device(this.transport, 'virtio'),
    );
    this.transport.reset('cold');
    this.transport.settle();
  }

  read(register: number): number {
    return swap32(this.map.read(BASE + register, 4));
  }

  write(register: number, value: number): void {
    this.map.write(BASE + register, 4, swap32(value));
  }

  configByte(offset: number): number {
    return this.map.read(BASE + REG.CONFIG + offset, 1);
  }

  setConfigByte(offset: number, value: number): void {
    this.map.write(BASE + REG.CONFIG + offset, 1, value);
  }

  /** Bits of the features offered. */
  offered(): bigint {
    this.write(REG.DEVICE_FEATURES_SEL, 1);
    const high = BigInt(this.read(REG.DEVICE_FEATURES)) << 32n;
    this.write(REG.DEVICE_FEATURES_SEL, 0);
    return high | BigInt(this.read(REG.DEVICE_FEATURES));
  }

  accept(features: bigint): void {
    for (const half of [0, 1]) {
      this.write(REG.DRIVER_FEATURES_SEL, half);
      this.write(REG.DRIVER_FEATURES, Number((features >> BigInt(half * 32)) & 0xffff_ffffn));
    }
  }

  /** The whole start of a driver: all features but `without`, all queues of `size` descriptors. */
  start(without: readonly number[] = [], size = 16): this {
    this.write(REG.STATUS, 0);
    this.write(REG.STATUS, 1);
    this.write(REG.STATUS, 3);
    const not = without.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);
    this.accept(this.offered() & ~not);
    this.write(REG.STATUS, 11);
    this.queues.length = 0;
    for (const index of this.device.queueSizes.keys()) this.setUpQueue(index, size);
    this.write(REG.STATUS, 15);
    return this;
  }

  setUpQueue(index: number, size: number): DriverQueue {
    const queue = new DriverQueue(this.ram.view, index, size);
    this.ram.bytes.fill(0, queue.desc, queue.desc + QUEUE_AREA);
    this.queues[index] = queue;
    this.write(REG.QUEUE_SEL, index);
    this.write(REG.QUEUE_NUM, size);
    this.write(REG.DESC, queue.desc);
    this.write(REG.AVAIL, queue.avail);
    this.write(REG.USED, queue.used);
    this.write(REG.QUEUE_READY, 1);
    return queue;
  }

  notify(index: number): void {
    this.write(REG.QUEUE_NOTIFY, index);
  }

  /** One chain through a queue. */
  request(index: number, buffers: readonly Buffer[], indirect = false): Used {
    const queue = this.queues[index]!;
    queue.add(buffers, indirect);
    this.notify(index);
    const [used, ...more] = queue.take();
    if (used === undefined || more.length > 0) throw new Error(`${more.length + (used ? 1 : 0)} chains were used`);
    return used;
  }
}
