// SPDX-License-Identifier: MIT
//
// What RISC OS 3.10 plays, recorded as --audio does: the beep at power-on, and channels at their stereo positions.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { AudioSource, SOUND_HZ } from '../../frontends/host/audio.ts';
import { WavFile } from '../../frontends/host/wav.ts';
import { missing } from '../support/inputs.ts';
import { RiscOs, riscOs310 } from '../support/risc-os.ts';

const folder = mkdtempSync(join(tmpdir(), 'emeritus-arc-sound-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Frames quieter than this are silence. */
const AUDIBLE = 200;
const HEADER_BYTES = 44;

interface Channels {
  readonly left: Int16Array;
  readonly right: Int16Array;
}

class Recorder {
  readonly #file: WavFile;
  readonly #path: string;
  /** Frames a second of the chip. */
  chipHz = 0;

  constructor(arc: RiscOs, name: string) {
    this.#path = join(folder, name);
    this.#file = new WavFile(this.#path);
    const source = new AudioSource();
    source.listen((block) => this.#file.write(block));
    arc.session.onEvent((event) => {
      if (event.event !== 'audio') return;
      this.chipHz = event.chunk.rateHz;
      source.push(event.chunk);
    });
  }

  /** What was recorded from second `from` on. Ends the recording. */
  end(from = 0): Channels {
    this.#file.close();
    const file = readFileSync(this.#path);
    const at = HEADER_BYTES + Math.floor(from * SOUND_HZ) * 4;
    const bytes = file.subarray(at);
    const channel = (offset: number): Int16Array =>
      Int16Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => bytes.readInt16LE(i * 4 + offset));
    return { left: channel(0), right: channel(2) };
  }
}

/** Where the sound is: from the first audible frame to the last. */
function audible(samples: Int16Array): Int16Array {
  const first = samples.findIndex((one) => Math.abs(one) > AUDIBLE);
  const last = samples.findLastIndex((one) => Math.abs(one) > AUDIBLE);
  return first < 0 ? new Int16Array(0) : samples.subarray(first, last + 1);
}

/** The fundamental of a tone, by the lag at which it is most like itself. */
function pitch(samples: Int16Array): number {
  const span = Math.min(8000, samples.length >> 1);
  const likeness = (lag: number): number => {
    let sum = 0;
    for (let i = 0; i < span; i++) sum += samples[i]! * samples[i + lag]!;
    return sum;
  };
  const lags = Array.from({ length: 400 }, (_, i) => i + 40);
  const all = lags.map(likeness);
  const most = Math.max(...all);
  // Twice the period is as good; the first peak that is about as high is the period.
  const n = all.findIndex((value, i) => value > 0.9 * most && value >= (all[i - 1] ?? 0) && value >= (all[i + 1] ?? 0));
  // The peak of the parabola through three lags.
  const [before, at, after] = [all[n - 1]!, all[n]!, all[n + 1]!];
  return SOUND_HZ / (lags[n]! + (before - after) / (2 * (before - 2 * at + after)));
}

const lacks = missing(riscOs310);
describe(`sound of RISC OS 3.10${lacks && ` (needs ${lacks})`}`, { timeout: 300_000 }, () => {
  it.skipIf(lacks)('beeps at power-on with the pitch of its bell', async () => {
    const arc = new RiscOs();
    const recorder = new Recorder(arc, 'boot.wav');
    await arc.toDesktop();
    const { left, right } = recorder.end();
    expect(left).toEqual(right);
    const beep = audible(left);
    // Six twentieths of a second.
    expect(beep.length / SOUND_HZ).toBeGreaterThan(0.2);
    expect(beep.length / SOUND_HZ).toBeLessThan(0.4);
    const heard = pitch(beep);

    // What the bell is: channel 1, pitch 100 in quarters of a semitone, of which 53 is middle C.
    await arc.toCommandLine();
    await arc.command('basic', '>');
    const bell = await arc.command('FOR I%=211TO214:SYS 6,I%,0,255 TO,A%:PRINT A%:NEXT', '>');
    expect(bell).toMatch(/\n +1\n +208\n +100\n +6\n/);
    const nominal = 261.626 * 2 ** ((100 - 53) / 48);
    expect(Math.abs(1200 * Math.log2(heard / nominal))).toBeLessThan(30); // cents; RISC OS itself is 20 flat
    // What RISC OS makes of it: parts of 2^32 of a wave a sample, of 48 us.
    expect(recorder.chipHz).toBeCloseTo(1e6 / 48, 3);
    const text = await arc.command('SYS "Sound_Pitch",&4000+47*4096/48 TO A%:PRINT A%', '>');
    const step = Number(/\n +(\d+)\n/.exec(text)![1]);
    const asked = (step / 2 ** 32) * recorder.chipHz;
    expect(Math.abs(heard / asked - 1)).toBeLessThan(0.005);
    await arc.session.close();
  });

  it.skipIf(lacks)('has channels on the left and on the right', async () => {
    const energies: [left: number, right: number][] = [];
    for (const position of [-127, 0, 127]) {
      const arc = new RiscOs();
      await arc.toDesktop();
      await arc.toCommandLine();
      await arc.command('basic', '>');
      await arc.command(`STEREO 1,${position}`, '>');
      const from = arc.machine.board.scheduler.now / arc.machine.board.scheduler.masterHz;
      const recorder = new Recorder(arc, `stereo${position}.wav`);
      await arc.command('SOUND 1,-15,53,20', '>');
      await arc.session.runFor(2);
      const { left, right } = recorder.end(from);
      const energy = (samples: Int16Array): number => samples.reduce((sum, one) => sum + Math.abs(one), 0);
      energies.push([energy(left), energy(right)]);
      const tone = audible(energy(left) > 0 ? left : right);
      expect(Math.abs(1200 * Math.log2(pitch(tone.subarray(9600)) / 261.626))).toBeLessThan(30);
      await arc.session.close();
    }
    const [[l0, r0], [l1, r1], [l2, r2]] = energies as [[number, number], [number, number], [number, number]];
    expect(l0).toBeGreaterThan(0);
    expect(r0).toBe(0);
    expect(r1).toBe(l1);
    expect(l2).toBe(0);
    expect(r2).toBeGreaterThan(0);
  });
});
