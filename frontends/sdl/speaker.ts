// SPDX-License-Identifier: MIT
import type { ClientSound } from '../spice/client.ts';

/** Sound that a device has not played yet: enough against the unevenness of what arrives. */
const AHEAD_SECONDS = 0.06;
/** More than this is not caught up with: it is left out. */
const MAX_AHEAD_SECONDS = 0.4;

/** A device that plays 16-bit samples in the order they come: SDL's. */
export interface SoundOutput {
  pause(on: boolean): void;
  queue(samples: Uint8Array): boolean;
  readonly queuedBytes: number;
  clear(): void;
  close(): void;
}

/** Plays what the machine plays. */
export class Speaker {
  readonly #open: (format: { frequency: number; channels: number }) => SoundOutput;
  #output: SoundOutput | undefined;
  #format = { rateHz: 0, channels: 0 };
  #playing = false;
  #muted = false;

  /** @param open opens a device, paused; it throws when there is none. */
  constructor(open: (format: { frequency: number; channels: number }) => SoundOutput) {
    this.#open = open;
  }

  get muted(): boolean {
    return this.#muted;
  }

  set muted(muted: boolean) {
    this.#muted = muted;
    if (muted) this.#output?.clear();
  }

  /** Sound that belongs behind what came before; `undefined` when there is none for a while. Throws as `open` does. */
  play(sound: ClientSound | undefined): void {
    if (sound === undefined) {
      if (this.#output !== undefined) this.#start(this.#output);
      return;
    }
    if (this.#muted || sound.samples.length === 0) return;
    const output = this.#outputFor(sound);
    const { samples, rateHz, channels } = sound;
    const secondBytes = rateHz * channels * 2;
    const waiting = output.queuedBytes;
    if (waiting === 0 && this.#playing) {
      output.pause(true);
      this.#playing = false;
    }
    if (waiting > MAX_AHEAD_SECONDS * secondBytes) return;
    output.queue(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
    if (waiting + samples.byteLength >= AHEAD_SECONDS * secondBytes) this.#start(output);
  }

  close(): void {
    this.#output?.close();
    this.#output = undefined;
  }

  #start(output: SoundOutput): void {
    if (!this.#playing) output.pause(false);
    this.#playing = true;
  }

  #outputFor({ rateHz, channels }: ClientSound): SoundOutput {
    const same = rateHz === this.#format.rateHz && channels === this.#format.channels;
    if (this.#output !== undefined && same) return this.#output;
    this.close();
    this.#format = { rateHz, channels };
    this.#playing = false;
    return (this.#output = this.#open({ frequency: rateHz, channels }));
  }
}
