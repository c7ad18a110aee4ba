// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { openOpus } from '../../../frontends/host/libopus.ts';
import { OPUS_FRAMES, OPUS_HZ } from '../../../frontends/host/opus.ts';
import { listenTcp } from '../../../frontends/spice/listeners.ts';
import { random } from '../../support/random.ts';
import { SpiceBench, TestViewer, until } from '../../support/spice.ts';

const opus = openOpus();
const TONE_HZ = 440;
const PACKETS = 100;

/** The strength of a frequency in the left channel. */
function strength(samples: Int16Array, hz: number): number {
  let [cosine, sine] = [0, 0];
  for (let i = 0; i < samples.length; i += 2) {
    const angle = (2 * Math.PI * hz * (i / 2)) / OPUS_HZ;
    cosine += samples[i]! * Math.cos(angle);
    sine += samples[i]! * Math.sin(angle);
  }
  return (Math.hypot(cosine, sine) * 2) / (samples.length / 2);
}

describe(`libopus${opus === undefined ? ' (needs libopus.so.0, package libopus0)' : ''}`, () => {
  it.skipIf(opus === undefined)('decodes to the tone that was encoded, from a tenth of the bytes', () => {
    const encoder = opus!.encoder();
    const decoder = opus!.decoder();
    const decoded: number[] = [];
    let bytes = 0;
    for (let packet = 0; packet < PACKETS; packet++) {
      const samples = new Int16Array(OPUS_FRAMES * 2);
      for (let i = 0; i < OPUS_FRAMES; i++) {
        const phase = (2 * Math.PI * TONE_HZ * (packet * OPUS_FRAMES + i)) / OPUS_HZ;
        samples[2 * i] = samples[2 * i + 1] = 8000 * Math.sin(phase);
      }
      const coded = encoder.encode(samples);
      bytes += coded.length;
      decoded.push(...decoder.decode(coded)!);
    }
    encoder.close();
    decoder.close();
    expect(decoded).toHaveLength(PACKETS * OPUS_FRAMES * 2);
    expect(bytes * 10).toBeLessThan(decoded.length * 2);
    const settled = Int16Array.from(decoded.slice(OPUS_FRAMES * 20));
    expect(Math.abs(strength(settled, TONE_HZ) - 8000)).toBeLessThan(400);
    for (const other of [TONE_HZ / 2, TONE_HZ * 2, 1000]) expect(strength(settled, other)).toBeLessThan(100);
  });

  it.skipIf(opus === undefined)('takes any bytes as a packet or refuses them, and nothing once it is closed', () => {
    const decoder = opus!.decoder();
    const next = random(0x0905);
    let refused = 0;
    for (let i = 0; i < 2000; i++) {
      const packet = Uint8Array.from({ length: next() * 200 }, () => next() * 256);
      const samples = decoder.decode(packet);
      if (samples === undefined) refused++;
      else expect(samples.length).toBeLessThanOrEqual(2 * 5760);
    }
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThan(2000);
    decoder.close();
    decoder.close();
    expect(decoder.decode(Uint8Array.of(0xf8, 0xff, 0xfe))).toBeUndefined();
    const encoder = opus!.encoder();
    expect(() => encoder.encode(new Int16Array(2))).toThrow(RangeError);
    encoder.close();
    expect(() => encoder.encode(new Int16Array(OPUS_FRAMES * 2))).toThrow('closed');
  });

  it.skipIf(opus === undefined)('carries the sound of a machine to a viewer', async () => {
    const made = new SpiceBench({ sound: { opus } });
    const listener = await listenTcp(made.server, { host: '127.0.0.1', port: 0 });
    try {
      const address = { host: '127.0.0.1', port: listener.port };
      const viewer = await TestViewer.connect(address, undefined, undefined, { opus });
      await until(() => viewer.silences === 1);
      const { received } = viewer;
      made.machine.beep(TONE_HZ, 0.5);
      await until(() => viewer.silences >= 2 && viewer.sound.length > OPUS_HZ * 0.49);
      expect(viewer.received - received).toBeLessThan(viewer.sound.length);
      const samples = Int16Array.from(viewer.sound.slice(OPUS_HZ * 0.1, OPUS_HZ * 0.4).flatMap((left) => [left, left]));
      // The first part of a square wave's sum, and what it has nothing of.
      expect(Math.abs(strength(samples, TONE_HZ) / ((8000 * 4) / Math.PI) - 1)).toBeLessThan(0.1);
      expect(strength(samples, TONE_HZ * 2)).toBeLessThan(500);
      viewer.client.close();
    } finally {
      listener.close();
      made.close();
    }
  });
});
