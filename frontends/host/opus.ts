// SPDX-License-Identifier: MIT
//
// Opus, the sound codec of RFC 6716, as it is used here.

/** Frames in a packet of those who speak SPICE, which is 10 ms. */
export const OPUS_FRAMES = 480;
export const OPUS_HZ = 48_000;

/** Codes stereo at {@link OPUS_HZ}, {@link OPUS_FRAMES} frames at a time. */
export interface OpusEncoder {
  encode(samples: Int16Array): Uint8Array<ArrayBuffer>;
  close(): void;
}

export interface OpusDecoder {
  /** Interleaved stereo; `undefined` when this is no packet. */
  decode(packet: Uint8Array): Int16Array<ArrayBuffer> | undefined;
  close(): void;
}

export interface Opus {
  encoder(): OpusEncoder;
  decoder(): OpusDecoder;
}
