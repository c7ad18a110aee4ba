// SPDX-License-Identifier: MIT
import type { ClientSound } from '../../spice/client.ts';

/** What is kept between what arrives and what is heard, against the network's and the machine's unevenness. */
const AHEAD_SECONDS = 0.08;
/** More than this is not caught up with: it is left out. */
const MAX_AHEAD_SECONDS = 0.5;

/** Plays what a machine plays. Browsers allow it only after the user has asked for it. */
export class Speaker {
  #context: AudioContext | undefined;
  #next = 0;
  /** Frames handed to the browser. */
  frames = 0;

  get on(): boolean {
    return this.#context !== undefined;
  }

  async turn(on: boolean): Promise<void> {
    if (on === this.on) return;
    if (!on) {
      const context = this.#context!;
      this.#context = undefined;
      await context.close();
      return;
    }
    this.#context = new AudioContext({ latencyHint: 'interactive' });
    this.#next = 0;
    await this.#context.resume();
  }

  play({ rateHz, channels, samples }: ClientSound): void {
    const context = this.#context;
    const frames = Math.floor(samples.length / channels);
    if (context === undefined || frames === 0) return;
    const now = context.currentTime;
    if (this.#next < now) this.#next = now + AHEAD_SECONDS;
    if (this.#next > now + MAX_AHEAD_SECONDS) return;
    const buffer = context.createBuffer(channels, frames, rateHz);
    for (let channel = 0; channel < channels; channel++) {
      const out = buffer.getChannelData(channel);
      for (let i = 0; i < frames; i++) out[i] = samples[i * channels + channel]! / 32_768;
    }
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(context.destination);
    source.start(this.#next);
    this.#next += frames / rateHz;
    this.frames += frames;
  }
}
