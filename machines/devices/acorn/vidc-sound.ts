// SPDX-License-Identifier: MIT
//
// VIDC1a's sound: eight-bit logarithmic samples, each heard at the stereo position of the channel whose turn it is.
// Documents: [VL86C310] "sound system". Not modelled: the board's low-pass filter.
import type { AudioSink } from '../../backplane/host.ts';

/** Microseconds of the 24 MHz crystal in a second. */
const PERIODS_PER_SECOND = 1_000_000;
/** More frames a second than this are averaged, by powers of two: the ear does not need them. */
const MOST_FRAMES_PER_SECOND = 50_000;
/** Parts of 6 that positions 1 (left) to 7 (right) give to the left; position 0 is not defined and taken for the middle. */
const LEFT_PARTS = [3, 6, 5, 4, 3, 2, 1, 0] as const;
/** The largest level is (2^12 - 144); sixteen-bit samples have room for seven times that. */
const GAIN = 7;

/** Level of a byte: sign in bit 0, point in bits 4 to 1, chord in bits 7 to 5. */
function level(byte: number): number {
  const chord = byte >>> 5;
  const point = (byte >>> 1) & 15;
  const size = ((16 << chord) - 16 + (point << chord)) * GAIN;
  return byte & 1 ? -size : size;
}

const LEVELS = Int16Array.from({ length: 256 }, (_, byte) => level(byte));

/** Takes VIDC's bytes to a speaker. */
export class VidcSound {
  readonly #sink: AudioSink;
  readonly #stereo: () => Uint8Array;
  #frames = new Int16Array(32);

  constructor(sink: AudioSink, stereo: () => Uint8Array) {
    this.#sink = sink;
    this.#stereo = stereo;
  }

  /** Sixteen bytes were heard for `period` microseconds each, beginning with channel 0; `undefined`: silence. */
  play(bytes: Uint8Array | undefined, period: number): void {
    if (bytes === undefined) return;
    const stereo = this.#stereo();
    let together = 1;
    while (PERIODS_PER_SECOND / (period * together) > MOST_FRAMES_PER_SECOND && together < 16) together *= 2;
    const count = 16 / together;
    for (let frame = 0; frame < count; frame++) {
      let left = 0;
      let right = 0;
      for (let i = frame * together; i < (frame + 1) * together; i++) {
        const sample = LEVELS[bytes[i] ?? 0]!;
        const parts = LEFT_PARTS[stereo[i & 7]! & 7]!;
        left += sample * parts;
        right += sample * (6 - parts);
      }
      this.#frames[frame * 2] = left / (6 * together);
      this.#frames[frame * 2 + 1] = right / (6 * together);
    }
    this.#sink.play(this.#frames.subarray(0, count * 2), PERIODS_PER_SECOND / (period * together), 2);
  }
}
