// SPDX-License-Identifier: MIT
import { type AudioSource, SOUND_HZ, type SoundBlock } from '../host/audio.ts';
import type { Opus } from '../host/opus.ts';
import { AUDIO_FMT_S16, MSG_PLAYBACK, PLAYBACK_CAP } from './protocol.ts';
import { type ChannelLink, ServerChannel } from './server-channel.ts';
import { opusCoder, rawCoder, type SoundCoder } from './sound-coder.ts';
import { type ByteReader, ByteWriter, ProtocolError } from './wire.ts';

const MAX_MESSAGE_BYTES = 1024;
/** Two of these, of a hundredth of a second each, are what a viewer may lag behind before it misses something. */
const ACK_WINDOW = 20;
/** A machine faster than time is not heard faster: sound that is ahead by more is left out. */
const MAX_AHEAD_MS = 500;
/** After so much silence the rest of the sound is sent. */
const TAIL_MS = 50;
/** After so much more the stream ends; the next sound begins another. */
const SILENCE_MS = 350;

/** How a viewer may be sent sound. */
export interface SoundOptions {
  /** Used where the viewer can decode it and there may be a network between. */
  readonly opus?: Opus | undefined;
  /** Used on Unix sockets too. */
  readonly opusLocally?: boolean | undefined;
}

/** The machine's sound: 16-bit stereo, as Opus or as it is. What a viewer has no time for is lost. */
export class PlaybackChannel extends ServerChannel {
  readonly #source: AudioSource;
  readonly #coder: SoundCoder;
  #detach: (() => void) | undefined;
  #silence: NodeJS.Timeout | undefined;
  /** When the stream has begun, and how much of it was sent; `undefined` between streams. */
  #stream: { readonly begun: number; sentMs: number } | undefined;

  constructor(link: ChannelLink, source: AudioSource, { opus, opusLocally = false }: SoundOptions = {}) {
    super(link, MAX_MESSAGE_BYTES, ACK_WINDOW);
    this.#source = source;
    const decodes = link.channelCaps.includes(PLAYBACK_CAP.OPUS) && (opusLocally || !link.local);
    this.#coder = opus !== undefined && decodes ? opusCoder(opus) : rawCoder();
  }

  protected greet(): void {
    this.#detach = this.#source.listen((block) => this.#play(block));
  }

  protected received(type: number, _body: ByteReader): void {
    throw new ProtocolError(`playback channel: message ${type}`);
  }

  protected override ended(): void {
    clearTimeout(this.#silence);
    this.#detach?.();
    this.#coder.close();
  }

  #play({ samples }: SoundBlock): void {
    if (!this.ready) return;
    const stream = (this.#stream ??= this.#begin());
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#finish(), TAIL_MS).unref();
    const elapsed = performance.now() - stream.begun;
    if (stream.sentMs < elapsed) stream.sentMs = elapsed;
    if (stream.sentMs > elapsed + MAX_AHEAD_MS) return;
    stream.sentMs += (samples.length / 2 / SOUND_HZ) * 1000;
    for (const bytes of this.#coder.push(samples)) this.send(MSG_PLAYBACK.DATA, time(), bytes);
  }

  #begin(): { begun: number; sentMs: number } {
    const stereo = 2;
    this.send(MSG_PLAYBACK.MODE, time(), new ByteWriter().u16(this.#coder.mode).finish());
    const format = new ByteWriter().u32(stereo).u16(AUDIO_FMT_S16).u32(SOUND_HZ).finish();
    this.send(MSG_PLAYBACK.START, format, time());
    return { begun: performance.now(), sentMs: 0 };
  }

  #finish(): void {
    for (const bytes of this.#coder.flush()) this.send(MSG_PLAYBACK.DATA, time(), bytes);
    this.#silence = setTimeout(() => this.#stop(), SILENCE_MS).unref();
  }

  #stop(): void {
    this.#stream = undefined;
    this.send(MSG_PLAYBACK.STOP);
  }
}

/** Multimedia time: milliseconds that all channels of the server count alike. */
const time = (): Uint8Array => new ByteWriter().u32(multimediaTime()).finish();
export const multimediaTime = (): number => Math.round(performance.now()) >>> 0;
