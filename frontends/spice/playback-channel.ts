// SPDX-License-Identifier: MIT
import { type AudioSource, SOUND_HZ, type SoundBlock } from '../host/audio.ts';
import { AUDIO_DATA_MODE_RAW, AUDIO_FMT_S16, MSG_PLAYBACK } from './protocol.ts';
import { type ChannelLink, ServerChannel } from './server-channel.ts';
import { type ByteReader, ByteWriter, ProtocolError } from './wire.ts';

const MAX_MESSAGE_BYTES = 1024;
/** Two of these, of a hundredth of a second each, are what a viewer may lag behind before it misses something. */
const ACK_WINDOW = 20;
/** A machine faster than time is not heard faster: sound that is ahead by more is left out. */
const MAX_AHEAD_MS = 500;
/** After so much silence the stream ends; the next sound begins another. */
const SILENCE_MS = 400;

/** The machine's sound: raw 16-bit stereo. What a viewer has no time for is lost. */
export class PlaybackChannel extends ServerChannel {
  readonly #source: AudioSource;
  #detach: (() => void) | undefined;
  #silence: NodeJS.Timeout | undefined;
  /** When the stream has begun, and how much of it was sent; `undefined` between streams. */
  #stream: { readonly begun: number; sentMs: number } | undefined;

  constructor(link: ChannelLink, source: AudioSource) {
    super(link, MAX_MESSAGE_BYTES, ACK_WINDOW);
    this.#source = source;
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
  }

  #play({ samples }: SoundBlock): void {
    if (!this.ready) return;
    const stream = (this.#stream ??= this.#begin());
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#stop(), SILENCE_MS).unref();
    const elapsed = performance.now() - stream.begun;
    if (stream.sentMs < elapsed) stream.sentMs = elapsed;
    if (stream.sentMs > elapsed + MAX_AHEAD_MS) return;
    stream.sentMs += (samples.length / 2 / SOUND_HZ) * 1000;
    this.send(MSG_PLAYBACK.DATA, time(), new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
  }

  #begin(): { begun: number; sentMs: number } {
    const stereo = 2;
    this.send(MSG_PLAYBACK.MODE, time(), new ByteWriter().u16(AUDIO_DATA_MODE_RAW).finish());
    const format = new ByteWriter().u32(stereo).u16(AUDIO_FMT_S16).u32(SOUND_HZ).finish();
    this.send(MSG_PLAYBACK.START, format, time());
    return { begun: performance.now(), sentMs: 0 };
  }

  #stop(): void {
    this.#stream = undefined;
    this.send(MSG_PLAYBACK.STOP);
  }
}

/** Multimedia time: milliseconds that all channels of the server count alike. */
const time = (): Uint8Array => new ByteWriter().u32(multimediaTime()).finish();
export const multimediaTime = (): number => Math.round(performance.now()) >>> 0;
