// SPDX-License-Identifier: MIT
import { SDL } from './constants.ts';
import type { SdlFunctions, Size } from './functions.ts';
import type { Pointer } from './library.ts';

export class SdlWindow {
  readonly #sdl: SdlFunctions;
  readonly #window: Pointer;
  #context: Pointer | undefined;

  /** @internal */
  constructor(sdl: SdlFunctions, window: Pointer) {
    this.#sdl = sdl;
    this.#window = window;
  }

  /** Makes an OpenGL context for this window, and makes it current. */
  createContext(): void {
    this.#context = this.#sdl.some('SDL_GL_CreateContext', this.#sdl.raw.GL_CreateContext(this.#window));
  }

  /** Shows what was drawn. */
  swap(): void {
    this.#sdl.raw.GL_SwapWindow(this.#window);
  }

  /** Shows a window that was made with SDL.WINDOW_HIDDEN. */
  show(): void {
    this.#sdl.raw.ShowWindow(this.#window);
  }

  /** Puts the window into the middle of its display. */
  center(): void {
    this.#sdl.raw.SetWindowPosition(this.#window, SDL.WINDOWPOS_CENTERED, SDL.WINDOWPOS_CENTERED);
  }

  /** X11 takes ASCII only, as Node's locale is C. */
  set title(text: string) {
    this.#sdl.raw.SetWindowTitle(this.#window, text);
  }

  /** In the units of pointer positions, which may be larger than pixels. */
  get size(): Size {
    return this.#sdl.size((width, height) => this.#sdl.raw.GetWindowSize(this.#window, width, height));
  }

  set size({ width, height }: Size) {
    this.#sdl.raw.SetWindowSize(this.#window, width, height);
  }

  set minimumSize({ width, height }: Size) {
    this.#sdl.raw.SetWindowMinimumSize(this.#window, width, height);
  }

  /** In pixels. */
  get drawableSize(): Size {
    return this.#sdl.size((width, height) => this.#sdl.raw.GL_GetDrawableSize(this.#window, width, height));
  }

  /** What a window can have without covering panels and docks; unknown on some systems. */
  get usableSize(): Size | undefined {
    const bounds = new Int32Array(4);
    const display = this.#sdl.raw.GetWindowDisplayIndex(this.#window);
    if (display < 0 || this.#sdl.raw.GetDisplayUsableBounds(display, bounds) !== 0) return undefined;
    return { width: bounds[2]!, height: bounds[3]! };
  }

  /** SDL.WINDOW_… */
  get flags(): number {
    return this.#sdl.raw.GetWindowFlags(this.#window);
  }

  setFullScreen(on: boolean): void {
    const flags = on ? SDL.WINDOW_FULLSCREEN_DESKTOP : 0;
    this.#sdl.check('SDL_SetWindowFullscreen', this.#sdl.raw.SetWindowFullscreen(this.#window, flags));
  }

  /** Keys that the desktop would take come here too. */
  grabKeyboard(on: boolean): void {
    this.#sdl.raw.SetWindowKeyboardGrab(this.#window, on ? 1 : 0);
  }

  /** The pointer cannot leave the window. */
  grabMouse(on: boolean): void {
    this.#sdl.raw.SetWindowMouseGrab(this.#window, on ? 1 : 0);
  }

  destroy(): void {
    if (this.#context !== undefined) this.#sdl.raw.GL_DeleteContext(this.#context);
    this.#sdl.raw.DestroyWindow(this.#window);
  }
}

export class SdlCursor {
  readonly #sdl: SdlFunctions;
  readonly #cursor: Pointer;

  /** @internal */
  constructor(sdl: SdlFunctions, cursor: Pointer) {
    this.#sdl = sdl;
    this.#cursor = cursor;
  }

  /** Shows the pointer in this shape. */
  use(): void {
    this.#sdl.raw.SetCursor(this.#cursor);
  }

  free(): void {
    this.#sdl.raw.FreeCursor(this.#cursor);
  }
}

export class AudioDevice {
  readonly #sdl: SdlFunctions;
  readonly #device: number;

  /** @internal */
  constructor(sdl: SdlFunctions, device: number) {
    this.#sdl = sdl;
    this.#device = device;
  }

  pause(on: boolean): void {
    this.#sdl.raw.PauseAudioDevice(this.#device, on ? 1 : 0);
  }

  /** Adds samples behind those that wait; SDL copies them. Whether it could. */
  queue(samples: Uint8Array): boolean {
    return this.#sdl.raw.QueueAudio(this.#device, samples, samples.length) === 0;
  }

  get queuedBytes(): number {
    return this.#sdl.raw.GetQueuedAudioSize(this.#device);
  }

  clear(): void {
    this.#sdl.raw.ClearQueuedAudio(this.#device);
  }

  close(): void {
    this.#sdl.raw.CloseAudioDevice(this.#device);
  }
}
