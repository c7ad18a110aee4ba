// SPDX-License-Identifier: MIT
//
// Opus by the system's libopus, through koffi. Documents: [OPUS] in docs/references.md.
import { createRequire } from 'node:module';
import { type Opus, OPUS_FRAMES, OPUS_HZ } from './opus.ts';

const STEREO = 2;
const APPLICATION_AUDIO = 2049;
/** More than a packet of these frames ever has. */
const MAX_PACKET_BYTES = 1500;
/** The longest packet there is, 120 ms. */
const MAX_FRAMES = 5760;

const LIBRARIES: Partial<Record<NodeJS.Platform, string>> = { darwin: 'libopus.0.dylib', win32: 'libopus-0.dll' };

type Pointer = bigint | null;
type NativeFunction<A extends unknown[], R> = (...args: A) => R;
interface Koffi {
  load(name: string): { func(prototype: string): unknown };
}

function bind() {
  const koffi = createRequire(import.meta.url)('koffi') as Koffi;
  const library = koffi.load(LIBRARIES[process.platform] ?? 'libopus.so.0');
  return {
    newEncoder: library.func('void *opus_encoder_create(int32_t, int, int, void *)') as NativeFunction<
      [number, number, number, null],
      Pointer
    >,
    encode: library.func('int32_t opus_encode(void *, void *, int, void *, int32_t)') as NativeFunction<
      [Pointer, Int16Array, number, Uint8Array, number],
      number
    >,
    endEncoder: library.func('void opus_encoder_destroy(void *)') as NativeFunction<[Pointer], void>,
    newDecoder: library.func('void *opus_decoder_create(int32_t, int, void *)') as NativeFunction<
      [number, number, null],
      Pointer
    >,
    decode: library.func('int opus_decode(void *, void *, int32_t, void *, int, int)') as NativeFunction<
      [Pointer, Uint8Array, number, Int16Array, number, number],
      number
    >,
    endDecoder: library.func('void opus_decoder_destroy(void *)') as NativeFunction<[Pointer], void>,
  };
}

function codec(): Opus {
  const native = bind();
  const made = (state: Pointer): Pointer => {
    if (state === null) throw new Error('libopus gives no codec');
    return state;
  };
  return {
    encoder: () => {
      let state = made(native.newEncoder(OPUS_HZ, STEREO, APPLICATION_AUDIO, null));
      const packet = new Uint8Array(MAX_PACKET_BYTES);
      return {
        encode: (samples) => {
          if (state === null) throw new Error('the encoder is closed');
          if (samples.length !== OPUS_FRAMES * STEREO) throw new RangeError(`${samples.length} samples to encode`);
          const length = native.encode(state, samples, OPUS_FRAMES, packet, packet.length);
          if (length < 0) throw new Error(`libopus: error ${length}`);
          return packet.slice(0, length);
        },
        close: () => {
          if (state !== null) native.endEncoder(state);
          state = null;
        },
      };
    },
    decoder: () => {
      let state = made(native.newDecoder(OPUS_HZ, STEREO, null));
      const samples = new Int16Array(MAX_FRAMES * STEREO);
      return {
        decode: (packet) => {
          if (state === null || packet.length === 0) return undefined;
          const frames = native.decode(state, packet, packet.length, samples, MAX_FRAMES, 0);
          return frames < 0 ? undefined : samples.slice(0, frames * STEREO);
        },
        close: () => {
          if (state !== null) native.endDecoder(state);
          state = null;
        },
      };
    },
  };
}

let opened: Opus | undefined | false;

/** `undefined` where the system has no libopus, or koffi does not work. */
export function openOpus(): Opus | undefined {
  if (opened === undefined) {
    try {
      opened = codec();
    } catch {
      opened = false;
    }
  }
  return opened === false ? undefined : opened;
}
