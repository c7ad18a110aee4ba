// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { Opus } from '../../../../frontends/host/opus.ts';
import { AUDIO_DATA_MODE } from '../../../../frontends/spice/protocol.ts';
import { opusCoder, rawCoder } from '../../../../frontends/spice/sound-coder.ts';

const FRAME_SAMPLES = 960; // 10 ms of stereo

/** Remembers what it was given. */
function recorder() {
  const blocks: number[][] = [];
  let closed = 0;
  const opus: Opus = {
    encoder: () => ({
      encode: (samples) => Uint8Array.of(blocks.push([...samples])),
      close: () => void closed++,
    }),
    decoder: () => {
      throw new Error('nobody decodes here');
    },
  };
  return { opus, blocks, closed: () => closed };
}

const ramp = (from: number, length: number): Int16Array => Int16Array.from({ length }, (_, i) => from + i);

describe('rawCoder', () => {
  it('gives samples as they are', () => {
    const coder = rawCoder();
    expect(coder.mode).toBe(AUDIO_DATA_MODE.RAW);
    expect(coder.push(Int16Array.of(1, -2))).toEqual([Uint8Array.of(1, 0, 0xfe, 0xff)]);
    expect(coder.flush()).toEqual([]);
  });
});

describe('opusCoder', () => {
  it('gathers samples to packets of 10 ms, whatever comes together', () => {
    const { opus, blocks } = recorder();
    const coder = opusCoder(opus);
    expect(coder.mode).toBe(AUDIO_DATA_MODE.OPUS);
    expect(coder.push(ramp(0, 900))).toEqual([]);
    expect(coder.push(ramp(900, 60))).toEqual([Uint8Array.of(1)]);
    expect(coder.push(ramp(960, 2 * FRAME_SAMPLES + 10))).toEqual([Uint8Array.of(2), Uint8Array.of(3)]);
    expect(blocks.flat()).toEqual([...ramp(0, 3 * FRAME_SAMPLES)]);
  });

  it('says the rest of a sound, and what the codec is behind by, before silence', () => {
    const { opus, blocks } = recorder();
    const coder = opusCoder(opus);
    coder.push(ramp(1, 10));
    expect(coder.flush()).toHaveLength(2);
    expect(blocks.flat().slice(0, 10)).toEqual([...ramp(1, 10)]);
    expect(blocks.flat().slice(10)).toEqual(Array.from({ length: 2 * FRAME_SAMPLES - 10 }, () => 0));
    expect(coder.flush()).toEqual([]);
    expect(coder.push(ramp(0, FRAME_SAMPLES))).toHaveLength(1);
  });

  it('closes its encoder', () => {
    const { opus, closed } = recorder();
    opusCoder(opus).close();
    expect(closed()).toBe(1);
  });
});
