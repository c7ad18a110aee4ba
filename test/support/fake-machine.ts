// SPDX-License-Identifier: MIT
import { AudioLine } from '../../machines/backplane/audio-line.ts';
import { Board } from '../../machines/backplane/board.ts';
import { type Cpu, STOP } from '../../machines/backplane/cpu.ts';
import type { KeyCode, ScreenMode, ScreenRect } from '../../machines/backplane/host.ts';
import type { Machine } from '../../machines/backplane/machine.ts';
import type { MemoryBlock } from '../../machines/backplane/memory.ts';
import { bandOf, pictureOf } from '../../machines/backplane/pixels.ts';
import { SerialLine } from '../../machines/backplane/serial-line.ts';
import { Wire } from '../../machines/backplane/wire.ts';

const AUDIO_HZ = 22_050;

/** A board with a screen, a keyboard, a pointer, a speaker and a serial line, whose CPU only waits. */
export class FakeMachine implements Machine {
  readonly board = new Board({ masterHz: 1_000_000, memoryBytes: 8 << 20 });
  readonly video: MemoryBlock;
  readonly keys: string[] = [];
  readonly moves: { dx: number; dy: number; buttons: number }[] = [];
  readonly serial = [new SerialLine('modem')];
  readonly powerOff = new Wire('power off');
  readonly resetRequest = new Wire('reset');
  readonly keyboard: { key(code: KeyCode, down: boolean): void; leds: number };
  readonly places: { x: number; y: number; buttons: number }[] = [];
  wheel = 0;
  readonly pointer = {
    absolute: false,
    move: (dx: number, dy: number, buttons: number): void => void this.moves.push({ dx, dy, buttons }),
    place: (x: number, y: number, buttons: number): void => void this.places.push({ x, y, buttons }),
    wheel: (notches: number): void => void (this.wheel += notches),
  };
  readonly audio = new AudioLine(this.board.scheduler);
  readonly screens: Machine['screens'];
  mode: ScreenMode | undefined;
  /** What the screen says. */
  text: string[] | undefined;
  #damage: ScreenRect[] = [];

  constructor() {
    this.video = this.board.memory.allocate('video', 4 << 20);
    this.keyboard = { leds: 0, key: (code, down) => void this.keys.push(`${down ? '+' : '-'}${code}`) };
    this.screens = [
      {
        picture: () => this.mode && pictureOf(this.mode, this.board.memory.memory.buffer),
        mode: () => this.mode,
        damage: () => this.#damage.splice(0),
        text: () => this.text,
      },
    ];
    const idle = {
      id: 'cpu',
      pc: 0,
      wakeIn: 1000,
      elapsed: () => 1,
      run(): number {
        return STOP.idle;
      },
      pullIn(): void {},
      skipped(): void {},
      reset(): void {},
      settle(): void {},
      save: () => ({}),
      restore(): void {},
      registers: () => ({ pc: 0x1234, r3: 7 }),
    };
    this.board.addCpu(idle as unknown as Cpu);
  }

  start(): void {}
  close(): void {}

  /** Plays a square wave, a millisecond's frames at a time. */
  beep(hz: number, seconds: number): void {
    const { scheduler } = this.board;
    const end = Math.round(AUDIO_HZ * seconds);
    const start = scheduler.now;
    let played = 0;
    const task = scheduler.task(`beep ${start} ${hz}`, () => {
      const due = Math.min(end, Math.round((scheduler.now - start) / (scheduler.masterHz / AUDIO_HZ)));
      const samples = Int16Array.from({ length: due - played }, (_, i) =>
        Math.floor(((played + i) * hz * 2) / AUDIO_HZ) % 2 === 0 ? 8000 : -8000,
      );
      played = due;
      this.audio.play(samples, AUDIO_HZ, 1);
      if (played < end) task.schedule(scheduler.masterHz / 1000);
    });
    task.schedule(scheduler.masterHz / 1000);
  }

  /** Sets a mode at the beginning of the video memory, or makes the screen dark. */
  show(mode: Partial<ScreenMode> | undefined): void {
    this.mode = mode && {
      width: 64,
      height: 48,
      bpp: 32,
      stride: (mode.width ?? 64) * 4,
      byteOrder: 'big',
      offset: this.video.offset,
      ...mode,
    };
    this.#damage.push({ x: 0, y: 0, width: this.mode?.width ?? 0, height: this.mode?.height ?? 0 });
  }

  /** Fills lines with bytes and reports them. */
  paint(y: number, height: number, byte: number): void {
    const band = bandOf(this.mode!, y, height);
    this.board.memory.bytes.fill(byte, band.offset, band.offset + band.height * band.stride);
    this.#damage.push({ x: 0, y, width: band.width, height: band.height });
  }
}
