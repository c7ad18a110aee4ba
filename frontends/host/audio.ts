// SPDX-License-Identifier: MIT
//
// The machine's sound as the host has it: stereo at one rate, at its place in virtual time.
import type { AudioChunk } from '../../machines/backplane/audio-line.ts';

/** Frames a second of everything here. */
export const SOUND_HZ = 48_000;

/** Stereo frames without a gap. */
export interface SoundBlock {
  /** Frames since power-on, in virtual time. */
  readonly startFrame: number;
  /** Signed 16 bits, left before right. */
  readonly samples: Int16Array<ArrayBuffer>;
}

/** Sound this much earlier or later than what came before would end still belongs to it. */
const GAP_FRAMES = SOUND_HZ / 50;

/** Brings the machine's sound to {@link SOUND_HZ} and hands it to whoever listens. */
export class AudioSource {
  readonly #listeners = new Set<(block: SoundBlock) => void>();
  #stream: Resampler | undefined;
  #end = 0;

  push(chunk: AudioChunk): void {
    const start = Math.round(chunk.startSeconds * SOUND_HZ);
    let stream = this.#stream;
    if (stream?.fits(chunk) !== true || Math.abs(start - this.#end) > GAP_FRAMES) {
      this.#stream = stream = new Resampler(chunk.rateHz, chunk.channels);
      if (start > this.#end || this.#end - start > GAP_FRAMES) this.#end = start;
    }
    const samples = stream.push(chunk.samples);
    if (samples.length === 0) return;
    const block = { startFrame: this.#end, samples };
    this.#end += samples.length / 2;
    for (const listener of this.#listeners) listener(block);
  }

  /** Gives the function that ends it. */
  listen(listener: (block: SoundBlock) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/**
 * One stream from its own rate to {@link SOUND_HZ}: lower rates by cubic interpolation (Catmull-Rom), higher ones by
 * the mean of the frames that fall together.
 */
class Resampler {
  readonly #rateHz: number;
  readonly #channels: 1 | 2;
  readonly #step: number;
  /** Frames still of use, left before right; the first is number {@link #first} of the stream. */
  #left = new Float64Array(0);
  #right = new Float64Array(0);
  #first = 0;
  /** The next frame to make. */
  #next = 0;

  constructor(rateHz: number, channels: 1 | 2) {
    this.#rateHz = rateHz;
    this.#channels = channels;
    this.#step = rateHz / SOUND_HZ;
  }

  fits({ rateHz, channels }: AudioChunk): boolean {
    return rateHz === this.#rateHz && channels === this.#channels;
  }

  push(samples: Int16Array): Int16Array<ArrayBuffer> {
    const frames = samples.length / this.#channels;
    const join = (earlier: Float64Array, offset: number): Float64Array<ArrayBuffer> => {
      const all = new Float64Array(earlier.length + frames);
      all.set(earlier);
      for (let i = 0; i < frames; i++) all[earlier.length + i] = samples[i * this.#channels + offset]!;
      return all;
    };
    const left = join(this.#left, 0);
    const right = this.#channels === 2 ? join(this.#right, 1) : left;
    const known = this.#first + left.length;
    // The last frames wait for those after them.
    const count = Math.max(0, Math.ceil((known - (this.#step > 1 ? this.#step : 2)) / this.#step) - this.#next);
    const out = new Int16Array(count * 2);
    for (let i = 0; i < count; i++) {
      const position = (this.#next + i) * this.#step - this.#first;
      out[i * 2] = this.#at(left, position);
      out[i * 2 + 1] = this.#channels === 2 ? this.#at(right, position) : out[i * 2]!;
    }
    this.#next += count;
    const done = Math.max(0, Math.min(left.length, Math.floor(this.#next * this.#step) - 1 - this.#first));
    this.#left = left.slice(done);
    this.#right = right.slice(done);
    this.#first += done;
    return out;
  }

  #at(frames: Float64Array, position: number): number {
    const whole = Math.floor(position);
    if (this.#step > 1) {
      const end = Math.max(whole + 1, Math.floor(position + this.#step));
      let sum = 0;
      for (let i = whole; i < end; i++) sum += frames[i]!;
      return Math.round(sum / (end - whole));
    }
    const t = position - whole;
    const b = frames[whole]!;
    const a = frames[whole - 1] ?? b;
    const c = frames[whole + 1]!;
    const d = frames[whole + 2] ?? c;
    const value = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
    return Math.max(-32_768, Math.min(32_767, Math.round(value)));
  }
}
