// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { type AudioChunk, AudioLine } from '../../../machines/backplane/audio-line.ts';
import { LocalChannel, MachineSession } from '../../../machines/backplane/session.ts';
import { FakeMachine } from '../../support/fake-machine.ts';

describe('AudioLine', () => {
  const time = { now: 0, masterHz: 1000 };

  it('tells when what was pushed has begun', () => {
    const line = new AudioLine(time);
    time.now = 500;
    line.play(Int16Array.of(1, 2, 3, 4), 100, 1);
    expect(line.drain()).toEqual([
      { startSeconds: 0.46, rateHz: 100, channels: 1, samples: Int16Array.of(1, 2, 3, 4) },
    ]);
    expect(line.drain()).toEqual([]);
  });

  it('joins what follows without a gap, and keeps apart what does not', () => {
    const line = new AudioLine(time);
    time.now = 1000;
    line.play(Int16Array.of(1, 2), 100, 2);
    time.now = 1010;
    line.play(Int16Array.of(3, 4), 100, 2);
    time.now = 1100;
    line.play(Int16Array.of(5, 6), 100, 2);
    line.play(Int16Array.of(7), 100, 1);
    expect(line.drain().map(({ samples }) => [...samples])).toEqual([[1, 2, 3, 4], [5, 6], [7]]);
  });

  it('keeps a copy, of whole frames', () => {
    const line = new AudioLine(time);
    const samples = Int16Array.of(1, 2, 3);
    line.play(samples, 100, 2);
    samples.fill(9);
    expect(line.drain()[0]!.samples).toEqual(Int16Array.of(1, 2));
  });

  it('loses what nobody takes, in the end', () => {
    const line = new AudioLine(time);
    for (let i = 0; i < 10; i++) line.play(new Int16Array(AudioLine.MAX_SAMPLES / 4), 1000, 1);
    expect(line.dropped).toBe(AudioLine.MAX_SAMPLES * 1.5);
    expect(line.drain().reduce((sum, { samples }) => sum + samples.length, 0)).toBe(AudioLine.MAX_SAMPLES);
    line.play(Int16Array.of(1), 1000, 1);
    expect(line.drain()).toHaveLength(1);
  });
});

describe('MachineSession', () => {
  it('hands sound on in pieces as virtual time passes, every time the same', async () => {
    const run = async (): Promise<AudioChunk[]> => {
      const machine = new FakeMachine();
      const session = new MachineSession(new LocalChannel(machine));
      const chunks: AudioChunk[] = [];
      session.onEvent((event) => event.event === 'audio' && chunks.push(event.chunk));
      machine.beep(440, 0.1);
      await session.runFor(0.5);
      return chunks;
    };
    const chunks = await run();
    expect(chunks.length).toBeGreaterThan(5);
    expect(chunks.length).toBeLessThan(15);
    expect(chunks[0]).toMatchObject({ rateHz: 22_050, channels: 1 });
    expect(chunks.reduce((sum, { samples }) => sum + samples.length, 0)).toBe(2205);
    expect(await run()).toEqual(chunks);
  });

  it('holds the machine without ending the run', async () => {
    const machine = new FakeMachine();
    const session = new MachineSession(new LocalChannel(machine));
    await session.hold(true);
    let over = false;
    const run = session.runFor(1).then(() => (over = true));
    await Promise.resolve();
    expect((await session.status()).held).toBe(true);
    expect((await session.status()).seconds).toBe(0);
    expect(over).toBe(false);
    await session.hold(false);
    await run;
    expect((await session.status()).seconds).toBe(1);
  });

  it('places the pointer and turns the wheel where the machine has such', async () => {
    const machine = new FakeMachine();
    const session = new MachineSession(new LocalChannel(machine));
    await session.place(0.5, 0.25, 1);
    await session.wheel(-2);
    expect(machine.places).toEqual([{ x: 0.5, y: 0.25, buttons: 1 }]);
    expect(machine.wheel).toBe(-2);
    expect((await session.frame(true)).absolute).toBe(false);
    machine.pointer.absolute = true;
    expect((await session.frame(false)).absolute).toBe(true);
  });
});
