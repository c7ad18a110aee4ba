// SPDX-License-Identifier: MIT
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AudioSource, SOUND_HZ, type SoundBlock } from '../../../frontends/host/audio.ts';
import { WavFile } from '../../../frontends/host/wav.ts';

/** A sine wave through an AudioSource, in chunks of odd lengths. */
function heard(rateHz: number, channels: 1 | 2, hz: number, seconds: number): SoundBlock[] {
  const source = new AudioSource();
  const blocks: SoundBlock[] = [];
  source.listen((block) => blocks.push(block));
  const frames = Math.round(rateHz * seconds);
  for (let at = 0, length = 1; at < frames; at += length, length = (length * 7 + 3) % 300 || 1) {
    const samples = new Int16Array(Math.min(length, frames - at) * channels);
    for (let i = 0; i < samples.length; i++) {
      const frame = at + Math.floor(i / channels);
      const side = channels === 2 && i % 2 === 1 ? -1 : 1;
      samples[i] = side * 10_000 * Math.sin((2 * Math.PI * hz * frame) / rateHz);
    }
    source.push({ startSeconds: 1 + at / rateHz, rateHz, channels, samples });
  }
  return blocks;
}

describe('AudioSource', () => {
  it.each([
    [8000, 1],
    [22_254.54, 1],
    [44_100, 2],
    [48_000, 2],
    [125_000, 2],
  ] as const)('keeps the pitch of %d Hz with %d channels, without gaps', (rateHz, channels) => {
    const blocks = heard(rateHz, channels, 440, 0.5);
    expect(blocks[0]!.startFrame).toBe(SOUND_HZ);
    for (let i = 1; i < blocks.length; i++) {
      expect(blocks[i]!.startFrame).toBe(blocks[i - 1]!.startFrame + blocks[i - 1]!.samples.length / 2);
    }
    const all = blocks.flatMap(({ samples }) => [...samples]);
    expect(Math.abs(all.length / 2 - SOUND_HZ / 2)).toBeLessThan(20);
    let worst = 0;
    for (let frame = 10; frame < all.length / 2 - 10; frame++) {
      const delay = rateHz > SOUND_HZ ? (rateHz / SOUND_HZ - 1) / 2 / rateHz : 0;
      const ideal = 10_000 * Math.sin(2 * Math.PI * 440 * (frame / SOUND_HZ + delay));
      worst = Math.max(worst, Math.abs(all[frame * 2]! - ideal));
      expect(all[frame * 2 + 1]! + (channels === 2 ? 1 : -1) * all[frame * 2]!).toBeCloseTo(0, -1);
    }
    expect(worst).toBeLessThan(250);
  });

  it('keeps silence where it was', () => {
    const source = new AudioSource();
    const blocks: SoundBlock[] = [];
    source.listen((block) => blocks.push(block));
    const samples = new Int16Array(480).fill(5);
    source.push({ startSeconds: 0.5, rateHz: 48_000, channels: 1, samples });
    source.push({ startSeconds: 2, rateHz: 48_000, channels: 1, samples });
    source.push({ startSeconds: 1, rateHz: 24_000, channels: 1, samples });
    expect(blocks.map(({ startFrame }) => startFrame)).toEqual([24_000, 96_000, 48_000]);
  });
});

describe('WavFile', () => {
  it('records every frame at its place in time', () => {
    const folder = mkdtempSync(join(tmpdir(), 'emeritus-wav-'));
    const path = join(folder, 'out.wav');
    const file = new WavFile(path);
    expect(file.write({ startFrame: 100, samples: Int16Array.of(1, -1, 2, -2) })).toBeUndefined();
    file.close();
    const bytes = readFileSync(path);
    rmSync(folder, { recursive: true });
    expect(bytes.toString('latin1', 0, 4) + bytes.toString('latin1', 8, 16)).toBe('RIFFWAVEfmt ');
    expect(bytes.readUInt32LE(4)).toBe(bytes.length - 8);
    expect(bytes.readUInt16LE(22)).toBe(2);
    expect(bytes.readUInt32LE(24)).toBe(48_000);
    expect(bytes.readUInt32LE(40)).toBe(102 * 4);
    expect(bytes.length).toBe(44 + 102 * 4);
    expect(bytes.subarray(44, 44 + 400).every((byte) => byte === 0)).toBe(true);
    expect([0, 2, 4, 6].map((at) => bytes.readInt16LE(444 + at))).toEqual([1, -1, 2, -2]);
  });

  it('says when a file cannot be written', () => {
    expect(() => new WavFile('/nonexistent/x.wav')).toThrow('--audio: cannot write /nonexistent/x.wav');
  });
});
