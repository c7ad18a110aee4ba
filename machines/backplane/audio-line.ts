// SPDX-License-Identifier: MIT
import type { AudioSink } from './host.ts';
import type { Scheduler } from './scheduler.ts';

/** Sound of one format without a gap. */
export interface AudioChunk {
  /** Virtual seconds since power-on when its first frame was played. */
  readonly startSeconds: number;
  /** Frames a second; need not be a whole number. */
  readonly rateHz: number;
  readonly channels: 1 | 2;
  /** Signed 16-bit samples; left before right where there are two channels. */
  readonly samples: Int16Array;
}

interface Open {
  readonly startSeconds: number;
  readonly rateHz: number;
  readonly channels: 1 | 2;
  readonly parts: Int16Array[];
  frames: number;
}

/** Frames that come this much earlier or later than those before would end still belong to them. */
const JITTER_SECONDS = 0.005;

/** The machine's speaker: what its sound chip has played waits here for the session. */
export class AudioLine implements AudioSink {
  /** Samples kept while nobody takes them; further ones are lost. */
  static readonly MAX_SAMPLES = 1 << 19;

  readonly #scheduler: Pick<Scheduler, 'now' | 'masterHz'>;
  #chunks: Open[] = [];
  #samples = 0;
  #since = 0;
  /** Samples lost because nobody took them. */
  dropped = 0;

  constructor(scheduler: Pick<Scheduler, 'now' | 'masterHz'>) {
    this.#scheduler = scheduler;
  }

  play(samples: Int16Array, rateHz: number, channels: 1 | 2): void {
    const frames = Math.floor(samples.length / channels);
    if (frames === 0) return;
    if (this.#samples + samples.length > AudioLine.MAX_SAMPLES) {
      this.dropped += samples.length;
      return;
    }
    const now = this.#scheduler.now / this.#scheduler.masterHz;
    const startSeconds = Math.max(0, now - frames / rateHz);
    if (this.#samples === 0) this.#since = now;
    this.#samples += frames * channels;
    const copy = samples.slice(0, frames * channels);
    const last = this.#chunks.at(-1);
    const joins =
      last?.rateHz === rateHz &&
      last.channels === channels &&
      Math.abs(last.startSeconds + last.frames / rateHz - startSeconds) < JITTER_SECONDS;
    if (joins) {
      last.parts.push(copy);
      last.frames += frames;
    } else this.#chunks.push({ startSeconds, rateHz, channels, parts: [copy], frames });
  }

  /** Virtual seconds for which something has been waiting here; 0 while nothing does. */
  get waitingSeconds(): number {
    return this.#samples === 0 ? 0 : this.#scheduler.now / this.#scheduler.masterHz - this.#since;
  }

  /** What was played since the last call. */
  drain(): AudioChunk[] {
    const chunks = this.#chunks.map(({ startSeconds, rateHz, channels, parts, frames }) => {
      const samples = new Int16Array(frames * channels);
      let at = 0;
      for (const part of parts) {
        samples.set(part, at);
        at += part.length;
      }
      return { startSeconds, rateHz, channels, samples };
    });
    this.#chunks = [];
    this.#samples = 0;
    return chunks;
  }
}
