// SPDX-License-Identifier: MIT
import { Board } from '../../machines/backplane/board.ts';
import { type Cpu, STOP } from '../../machines/backplane/cpu.ts';
import type { KeyCode, ScreenMode, ScreenRect } from '../../machines/backplane/host.ts';
import type { Machine } from '../../machines/backplane/machine.ts';
import type { MemoryBlock } from '../../machines/backplane/memory.ts';
import { bandOf, pictureOf } from '../../machines/backplane/pixels.ts';
import { SerialLine } from '../../machines/backplane/serial-line.ts';
import { Wire } from '../../machines/backplane/wire.ts';

/** A board with a screen, a keyboard, a pointer and a serial line that echoes, whose CPU only waits. */
export class FakeMachine implements Machine {
  readonly board = new Board({ masterHz: 1_000_000, memoryBytes: 8 << 20 });
  readonly video: MemoryBlock;
  readonly keys: string[] = [];
  readonly moves: { dx: number; dy: number; buttons: number }[] = [];
  readonly serial = [new SerialLine('modem')];
  readonly powerOff = new Wire('power off');
  readonly resetRequest = new Wire('reset');
  readonly keyboard: { key(code: KeyCode, down: boolean): void; leds: number };
  readonly pointer = {
    move: (dx: number, dy: number, buttons: number): void => void this.moves.push({ dx, dy, buttons }),
  };
  readonly screens: Machine['screens'];
  mode: ScreenMode | undefined;
  #damage: ScreenRect[] = [];

  constructor() {
    this.video = this.board.memory.allocate('video', 4 << 20);
    this.keyboard = { leds: 0, key: (code, down) => void this.keys.push(`${down ? '+' : '-'}${code}`) };
    this.screens = [
      {
        picture: () => this.mode && pictureOf(this.mode, this.board.memory.memory.buffer),
        mode: () => this.mode,
        damage: () => this.#damage.splice(0),
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
    };
    this.board.addCpu(idle as unknown as Cpu);
  }

  start(): void {}
  close(): void {}

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
