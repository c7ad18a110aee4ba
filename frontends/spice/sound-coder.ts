// SPDX-License-Identifier: MIT
import { type Opus, OPUS_FRAMES } from '../host/opus.ts';
import { AUDIO_DATA_MODE } from './protocol.ts';

/** Makes a stream of stereo samples the data of messages. */
export interface SoundCoder {
  /** One of {@link AUDIO_DATA_MODE}. */
  readonly mode: number;
  push(samples: Int16Array): readonly Uint8Array[];
  /** Nothing follows for a while: what is still to be said of what was pushed. */
  flush(): readonly Uint8Array[];
  close(): void;
}

/** Samples as they are. */
export const rawCoder = (): SoundCoder => ({
  mode: AUDIO_DATA_MODE.RAW,
  push: ({ buffer, byteOffset, byteLength }) => [new Uint8Array(buffer, byteOffset, byteLength)],
  flush: () => [],
  close: () => undefined,
});

/** Packets of 10 ms each, as clients expect them. */
export function opusCoder(opus: Opus): SoundCoder {
  const encoder = opus.encoder();
  const block = new Int16Array(OPUS_FRAMES * 2);
  let filled = 0;
  let flushed = true;
  const push = (samples: Int16Array): Uint8Array[] => {
    const packets: Uint8Array[] = [];
    for (let at = 0; at < samples.length;) {
      const part = samples.subarray(at, at + block.length - filled);
      block.set(part, filled);
      at += part.length;
      filled += part.length;
      if (filled < block.length) break;
      packets.push(encoder.encode(block));
      filled = 0;
    }
    flushed = false;
    return packets;
  };
  return {
    mode: AUDIO_DATA_MODE.OPUS,
    push,
    flush: () => {
      if (flushed) return [];
      // The codec looks ahead by less than one packet: silence after the last sample brings that out.
      const packets = push(new Int16Array(block.length - filled + block.length));
      flushed = true;
      return packets;
    },
    close: () => encoder.close(),
  };
}
