// SPDX-License-Identifier: MIT
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { SOUND_HZ, type SoundBlock } from './audio.ts';
import { UserError } from './user-error.ts';

const HEADER_BYTES = 44;
const FRAME_BYTES = 4;
const PCM = 1;
/** The sizes in the header have 32 bits. */
const MAX_FRAMES = Math.floor((0xffff_ffff - HEADER_BYTES) / FRAME_BYTES);

/**
 * Records sound as a WAV file: frame n of the file is frame n since power-on, so that silence is as long as it was.
 * Silence is a hole in the file where the file system knows holes.
 */
export class WavFile {
  readonly #path: string;
  readonly #file: number;
  #frames = 0;
  #failed = false;

  constructor(path: string) {
    this.#path = path;
    try {
      this.#file = openSync(path, 'w');
      writeSync(this.#file, header(0), 0, HEADER_BYTES, 0);
    } catch (error) {
      throw new UserError('EMERITUS_AUDIO', `--audio: cannot write ${path}: ${(error as Error).message}`);
    }
  }

  /** Gives a line for the user when the recording ends here. */
  write({ startFrame, samples }: SoundBlock): string | undefined {
    const end = startFrame + samples.length / 2;
    if (this.#failed) return undefined;
    try {
      if (end > MAX_FRAMES) throw new Error('a WAV file holds no more');
      writeSync(this.#file, samples, 0, samples.byteLength, HEADER_BYTES + startFrame * FRAME_BYTES);
      this.#frames = Math.max(this.#frames, end);
      return undefined;
    } catch (error) {
      this.#failed = true;
      return `--audio: ${this.#path} ends here: ${(error as Error).message}`;
    }
  }

  close(): void {
    try {
      ftruncateSync(this.#file, HEADER_BYTES + this.#frames * FRAME_BYTES);
      writeSync(this.#file, header(this.#frames), 0, HEADER_BYTES, 0);
    } catch {
      // What is written is written.
    } finally {
      closeSync(this.#file);
    }
  }
}

function header(frames: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  const text = (at: number, word: string): void => bytes.set(new TextEncoder().encode(word), at);
  text(0, 'RIFF');
  view.setUint32(4, HEADER_BYTES - 8 + frames * FRAME_BYTES, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, PCM, true);
  view.setUint16(22, 2, true);
  view.setUint32(24, SOUND_HZ, true);
  view.setUint32(28, SOUND_HZ * FRAME_BYTES, true);
  view.setUint16(32, FRAME_BYTES, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, frames * FRAME_BYTES, true);
  return bytes;
}
