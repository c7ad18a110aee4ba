// SPDX-License-Identifier: MIT
//
// What a virtio device is to its transport, and the reverse [VIRTIO §2].
import type { PlainFields } from '../../backplane/device.ts';
import type { Virtqueue } from './virtqueue.ts';

/** Feature bits of every device. */
export const VIRTIO_F = { INDIRECT_DESC: 28, EVENT_IDX: 29, VERSION_1: 32 } as const;

/** Numbers of the kinds of device [VIRTIO §5]. */
export const VIRTIO_ID = { NET: 1, BLOCK: 2, CONSOLE: 3, ENTROPY: 4 } as const;

/** The transport as the device sees it. */
export interface VirtioTransport {
  queue(index: number): Virtqueue;
  /** Feature bits both sides have. */
  has(bit: number): boolean;
  /** The driver is ready for interrupts and buffers. */
  readonly driverOk: boolean;
  /** The configuration space changed. */
  configChanged(): void;
}

/** The part of a virtio device that is not the transport's. Everything is done at once, within `notify`. */
export interface VirtioFunction {
  readonly deviceId: number;
  /** Numbers of the feature bits of this kind of device. */
  readonly features: readonly number[];
  /** The largest size of each queue. */
  readonly queueSizes: readonly number[];
  /** The configuration space as it is now. */
  readonly config: Uint8Array;
  connect(transport: VirtioTransport): void;
  /** The driver wrote a byte of the configuration space. */
  writeConfig?(offset: number, value: number): void;
  /** The driver has set DRIVER_OK: what came before may go on now. */
  started?(): void;
  /** There may be something in a queue. */
  notify(queue: number): void;
  /** The driver resets the device. */
  reset(): void;
  save(): PlainFields;
  restore(state: PlainFields): void;
}
