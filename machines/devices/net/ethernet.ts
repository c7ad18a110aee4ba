// SPDX-License-Identifier: MIT
//
// Ethernet as controllers see it.

/** A cable with a network at its other end. */
export interface EthernetLink {
  /** A frame from the controller, without preamble and frame check sequence. */
  send(frame: Uint8Array): void;
  /** Set by the controller: a frame for it. */
  onFrame?: (frame: Uint8Array) => void;
}

export const MIN_FRAME = 60;
export const MAX_FRAME = 1514;
export const FCS_BYTES = 4;

const POLYNOMIAL = 0xedb8_8320;

/** The frame check sequence, in the order its bytes are sent. */
export function frameCheckSequence(frame: Uint8Array): Uint8Array {
  let crc = 0xffff_ffff;
  for (const byte of frame) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  }
  crc = ~crc;
  return Uint8Array.of(crc, crc >>> 8, crc >>> 16, crc >>> 24);
}

export const isBroadcast = (frame: Uint8Array): boolean => frame.subarray(0, 6).every((byte) => byte === 0xff);
export const isGroup = (frame: Uint8Array): boolean => (frame[0]! & 1) !== 0;
