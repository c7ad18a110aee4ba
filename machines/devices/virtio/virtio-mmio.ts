// SPDX-License-Identifier: MIT
//
// Virtio over memory-mapped registers, version 2 of the interface: the transport of a virtio device, or an empty slot.
//
// Sockets: span 0x200, wire `irq`, `memory` (bus master), `device`.
//
// Documents: [VIRTIO] §4.2.
// Not modelled: the legacy interface (version 1), packed virtqueues, shared memory regions, queue reset.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields, SnapshotError } from '../../backplane/device.ts';
import type { DmaAccess } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { Wire } from '../../backplane/wire.ts';
import { VIRTIO_F, type VirtioFunction, type VirtioTransport } from './virtio.ts';
import { QUEUE_PARTS, type QueuePart, Virtqueue } from './virtqueue.ts';

export const VIRTIO_MMIO_SPAN = 0x200;

const MAGIC_VALUE = 0x000;
const VERSION = 0x004;
const DEVICE_ID = 0x008;
const VENDOR_ID = 0x00c;
const DEVICE_FEATURES = 0x010;
const DEVICE_FEATURES_SEL = 0x014;
const DRIVER_FEATURES = 0x020;
const DRIVER_FEATURES_SEL = 0x024;
const QUEUE_SEL = 0x030;
const QUEUE_NUM_MAX = 0x034;
const QUEUE_NUM = 0x038;
const QUEUE_READY = 0x044;
const QUEUE_NOTIFY = 0x050;
const INTERRUPT_STATUS = 0x060;
const INTERRUPT_ACK = 0x064;
const STATUS = 0x070;
const QUEUE_DESC_LOW = 0x080;
const QUEUE_USED_HIGH = 0x0a4;
const SHM_SEL = 0x0ac;
const SHM_LEN_LOW = 0x0b0;
const SHM_BASE_HIGH = 0x0bc;
const CONFIG_GENERATION = 0x0fc;
const CONFIG = 0x100;

const MAGIC = 0x7472_6976; // "virt"
const VENDOR = 0x5452_4d45; // "EMRT"

const INT_VRING = 1;
const INT_CONFIG = 2;

export const VIRTIO_STATUS = {
  ACKNOWLEDGE: 0x01,
  DRIVER: 0x02,
  DRIVER_OK: 0x04,
  FEATURES_OK: 0x08,
  NEEDS_RESET: 0x40,
  FAILED: 0x80,
} as const;

const ACCESS: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'little' };

/** Slots without a device: their device number is 0. */
export function emptyVirtioMmio(slots: number): BusTarget {
  const identity: Readonly<Record<number, number>> = { [MAGIC_VALUE]: MAGIC, [VERSION]: 2, [VENDOR_ID]: VENDOR };
  const peek = (offset: number): number => identity[offset % VIRTIO_MMIO_SPAN] ?? 0;
  return {
    span: slots * VIRTIO_MMIO_SPAN,
    access: { ...ACCESS, impl: { min: 4, max: 4 } },
    read: peek,
    write: () => {},
    peek,
  };
}

/** Which half of which address a register is. */
function addressRegister(offset: number): { part: QueuePart; high: boolean } | undefined {
  if (offset < QUEUE_DESC_LOW || offset > QUEUE_USED_HIGH || (offset & 0xb) !== 0) return undefined;
  return { part: QUEUE_PARTS[(offset - QUEUE_DESC_LOW) >>> 4]!, high: (offset & 4) !== 0 };
}

export class VirtioMmio implements Device, BusTarget, VirtioTransport {
  readonly id: string;
  readonly span = VIRTIO_MMIO_SPAN;
  readonly access = ACCESS;
  readonly irq: Wire;
  readonly #log: DeviceLog;
  readonly #device: VirtioFunction;
  readonly #queues: readonly Virtqueue[];
  readonly #offered: bigint;
  #accepted = 0n;
  #featuresSel = 0;
  #driverSel = 0;
  #queueSel = 0;
  #status = 0;
  #interrupts = 0;
  #generation = 0;

  constructor(chip: ChipContext, options: { readonly memory: DmaAccess; readonly device: VirtioFunction }) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#device = options.device;
    this.irq = new Wire(`${chip.id}.irq`);
    const bits = [...options.device.features, ...Object.values(VIRTIO_F)];
    this.#offered = bits.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);
    this.#queues = options.device.queueSizes.map(
      (maxSize) =>
        new Virtqueue({
          maxSize,
          memory: options.memory,
          log: chip.log,
          broken: () => this.#needsReset(),
          interrupt: () => this.#raise(INT_VRING),
        }),
    );
    options.device.connect(this);
  }

  queue(index: number): Virtqueue {
    return this.#queues[index]!;
  }

  has(bit: number): boolean {
    return ((this.#accepted >> BigInt(bit)) & 1n) !== 0n;
  }

  get driverOk(): boolean {
    return (this.#status & (VIRTIO_STATUS.DRIVER_OK | VIRTIO_STATUS.NEEDS_RESET)) === VIRTIO_STATUS.DRIVER_OK;
  }

  configChanged(): void {
    this.#generation = (this.#generation + 1) >>> 0;
    if (this.#status & VIRTIO_STATUS.DRIVER_OK) this.#raise(INT_CONFIG);
  }

  read(offset: number, width: Width): number {
    if (offset >= CONFIG) return this.#readConfig(offset - CONFIG, width);
    if (width !== 4) {
      this.#log.guest(`${width}-byte read of register %x`, offset);
      return 0;
    }
    const value = this.#register(offset);
    if (value === undefined) this.#log.guest('read of no register, %x', offset);
    return value ?? 0;
  }

  peek(offset: number): number | undefined {
    return offset >= CONFIG ? (this.#device.config[offset - CONFIG] ?? 0) : this.#register(offset);
  }

  write(offset: number, width: Width, value: number): void {
    if (offset >= CONFIG) {
      for (let i = 0; i < width; i++) this.#device.writeConfig?.(offset - CONFIG + i, (value >>> (i * 8)) & 0xff);
      return;
    }
    if (width !== 4) {
      this.#log.guest(`${width}-byte write of register %x`, offset);
      return;
    }
    const queue = this.#queues[this.#queueSel];
    switch (offset) {
      case DEVICE_FEATURES_SEL:
        this.#featuresSel = value;
        return;
      case DRIVER_FEATURES_SEL:
        this.#driverSel = value;
        return;
      case DRIVER_FEATURES:
        this.#acceptFeatures(value);
        return;
      case QUEUE_SEL:
        this.#queueSel = value;
        return;
      case QUEUE_NUM:
        if (queue === undefined || queue.ready) break;
        if (value >= 1 && value <= queue.maxSize && (value & (value - 1)) === 0) queue.size = value;
        else this.#log.guest('queue of %d descriptors', value);
        return;
      case QUEUE_READY:
        if (queue === undefined) break;
        queue.eventIndex = this.has(VIRTIO_F.EVENT_IDX);
        queue.indirect = this.has(VIRTIO_F.INDIRECT_DESC);
        queue.enable((value & 1) !== 0);
        return;
      case QUEUE_NOTIFY:
        this.#notify(value);
        return;
      case INTERRUPT_ACK:
        this.#interrupts &= ~value;
        this.#update();
        return;
      case STATUS:
        this.#setStatus(value & 0xff);
        return;
      case SHM_SEL:
        return;
      default: {
        const address = addressRegister(offset);
        if (address === undefined || queue === undefined || queue.ready) break;
        (address.high ? queue.high : queue.low)[address.part] = value;
        return;
      }
    }
    this.#log.guest('write of %x to register %x now', value, offset);
  }

  reset(_kind: ResetKind): void {
    this.#resetDevice();
    this.#featuresSel = 0;
    this.#driverSel = 0;
    this.#queueSel = 0;
    this.#generation = 0;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      accepted: this.#accepted,
      featuresSel: this.#featuresSel,
      driverSel: this.#driverSel,
      queueSel: this.#queueSel,
      status: this.#status,
      interrupts: this.#interrupts,
      generation: this.#generation,
      queues: this.#queues.map((queue) => queue.save()),
      device: this.#device.save(),
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const accepted = state['accepted'];
    if (typeof accepted !== 'bigint' || accepted !== BigInt.asUintN(64, accepted)) {
      throw new SnapshotError(`${this.id}: field "accepted" should be 64 bits`);
    }
    const queues = saved.list('queues', this.#queues.length);
    if (queues.length !== this.#queues.length) throw new SnapshotError(`${this.id}: ${queues.length} queues`);
    for (const [index, queue] of this.#queues.entries()) {
      queue.restore(new SavedFields(`${this.id}.queues[${index}]`, queues[index] as PlainFields));
    }
    this.#accepted = accepted;
    this.#featuresSel = saved.u32('featuresSel');
    this.#driverSel = saved.u32('driverSel');
    this.#queueSel = saved.u32('queueSel');
    this.#status = saved.u8('status');
    this.#interrupts = saved.int('interrupts', 0, INT_VRING | INT_CONFIG);
    this.#generation = saved.u32('generation');
    this.#device.restore(saved.fields('device'));
  }

  #register(offset: number): number | undefined {
    const queue = this.#queues[this.#queueSel];
    switch (offset) {
      case MAGIC_VALUE:
        return MAGIC;
      case VERSION:
        return 2;
      case DEVICE_ID:
        return this.#device.deviceId;
      case VENDOR_ID:
        return VENDOR;
      case DEVICE_FEATURES:
        return this.#featuresSel > 1 ? 0 : Number((this.#offered >> BigInt(this.#featuresSel * 32)) & 0xffff_ffffn);
      case QUEUE_NUM_MAX:
        return queue?.maxSize ?? 0;
      case QUEUE_READY:
        return Number(queue?.ready ?? false);
      case INTERRUPT_STATUS:
        return this.#interrupts;
      case STATUS:
        return this.#status;
      case CONFIG_GENERATION:
        return this.#generation;
      default:
        return offset >= SHM_LEN_LOW && offset <= SHM_BASE_HIGH && offset % 4 === 0 ? 0xffff_ffff : undefined;
    }
  }

  #readConfig(offset: number, width: Width): number {
    const { config } = this.#device;
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (config[offset + i] ?? 0);
    return value;
  }

  #acceptFeatures(value: number): void {
    if (this.#driverSel > 1 || this.#status & VIRTIO_STATUS.FEATURES_OK) {
      this.#log.guest('features %x at a wrong time or place', value);
      return;
    }
    const shift = BigInt(this.#driverSel * 32);
    this.#accepted = (this.#accepted & ~(0xffff_ffffn << shift)) | (BigInt(value >>> 0) << shift);
  }

  #setStatus(value: number): void {
    if (value === 0) {
      this.#resetDevice();
      this.#update();
      return;
    }
    const before = this.#status;
    let status = value | (before & VIRTIO_STATUS.NEEDS_RESET);
    if (status & ~before & VIRTIO_STATUS.FEATURES_OK) {
      const foreign = (this.#accepted & ~this.#offered) !== 0n;
      if (foreign || !this.has(VIRTIO_F.VERSION_1)) {
        this.#log.guest('it cannot work with the features chosen');
        this.#accepted &= this.#offered;
        status &= ~VIRTIO_STATUS.FEATURES_OK;
      }
    }
    this.#status = status;
    if (status & ~before & VIRTIO_STATUS.DRIVER_OK) this.#device.started?.();
  }

  #notify(index: number): void {
    if (this.#queues[index] === undefined) this.#log.guest('notification of no queue, %d', index);
    else if (this.driverOk) this.#device.notify(index);
    else this.#log.guest('notification of queue %d before the driver is ready', index);
  }

  #resetDevice(): void {
    this.#accepted = 0n;
    this.#status = 0;
    this.#interrupts = 0;
    for (const queue of this.#queues) queue.reset();
    this.#device.reset();
  }

  #needsReset(): void {
    this.#status |= VIRTIO_STATUS.NEEDS_RESET;
    if (this.#status & VIRTIO_STATUS.DRIVER_OK) this.#raise(INT_CONFIG);
  }

  #raise(bit: number): void {
    this.#interrupts |= bit;
    this.#update();
  }

  #update(): void {
    this.irq.set(this.#interrupts !== 0);
  }
}
