// SPDX-License-Identifier: MIT

/** A device that a DMA channel serves. The channel moves bytes; the device says how many it can take or give now. */
export interface DmaPeer {
  /**
   * Memory to device. Takes up to `bytes.length` bytes and returns how many it took; fewer means "wait for my
   * {@link DmaChannel.request}".
   */
  dmaOut(bytes: Uint8Array): number;
  /** Device to memory. Fills up to `into.length` bytes and returns how many; fewer means the same. */
  dmaIn(into: Uint8Array): number;
  /** The device's status bits s0-s7 for channels that can branch or wait on them (DBDMA). */
  dmaStatus?(): number;
  /** The channel ran out of commands, or was stopped, in the middle of the device's transfer. */
  dmaStopped?(): void;
}

/** One channel of a DMA controller as its device sees it. */
export interface DmaChannel {
  /** The device can move more bytes now (its DRQ pin). */
  request(): void;
}

/** Bus-master access to memory, by physical address. */
export interface DmaAccess {
  dmaRead(pa: number, into: Uint8Array): void;
  dmaWrite(pa: number, from: Uint8Array): void;
}
