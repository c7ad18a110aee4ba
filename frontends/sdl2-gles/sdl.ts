// SPDX-License-Identifier: MIT
//
// SDL 2: windows, OpenGL contexts, events, cursors, the clipboard, and audio that is queued rather than called back.
// All of it belongs to the thread that calls init().
import { SDL } from './constants.ts';
import { decodeEvent, EVENT_BYTES, type SdlEvent } from './events.ts';
import { Gles } from './gles.ts';
import { SdlFunctions, type Size } from './functions.ts';
import { stringAt } from './library.ts';
import { AudioDevice, SdlCursor, SdlWindow } from './objects.ts';

export interface AudioFormat {
  readonly frequency: number;
  readonly channels: number;
}

/** SDL's functions, with failures as exceptions. */
export class Sdl {
  readonly #sdl: SdlFunctions;
  readonly #event = new Uint8Array(EVENT_BYTES);

  private constructor(functions: SdlFunctions) {
    this.#sdl = functions;
  }

  /** Finds the library; throws a `MissingLibraryError` when there is none. */
  static load(names?: readonly string[]): Sdl {
    return new Sdl(new SdlFunctions(names));
  }

  /** Starts subsystems: SDL.INIT_VIDEO, SDL.INIT_AUDIO. May be called again for more of them. */
  init(subsystems: number): void {
    this.setHint('SDL_NO_SIGNAL_HANDLERS', '1'); // signals are the program's
    this.#sdl.check('SDL_InitSubSystem', this.#sdl.raw.InitSubSystem(subsystems));
  }

  quit(): void {
    this.#sdl.raw.Quit();
  }

  /** Asks for a behaviour; whether SDL knows of it. */
  setHint(name: string, value: string): boolean {
    return this.#sdl.raw.SetHint(name, value) !== 0;
  }

  /** `x11`, `wayland`, `cocoa`, … */
  get videoDriver(): string {
    return this.#sdl.raw.GetCurrentVideoDriver() ?? '';
  }

  createWindow(title: string, { width, height }: Size, flags: number): SdlWindow {
    const anywhere = SDL.WINDOWPOS_UNDEFINED;
    const window = this.#sdl.raw.CreateWindow(title, anywhere, anywhere, width, height, flags);
    return new SdlWindow(this.#sdl, this.#sdl.some('SDL_CreateWindow', window));
  }

  /** Before a window with SDL.WINDOW_OPENGL is made: its context will be OpenGL ES 2. */
  wantGles2(): void {
    const attributes = [
      [SDL.GL_CONTEXT_PROFILE_MASK, SDL.GL_CONTEXT_PROFILE_ES],
      [SDL.GL_CONTEXT_MAJOR_VERSION, 2],
      [SDL.GL_CONTEXT_MINOR_VERSION, 0],
      [SDL.GL_DOUBLEBUFFER, 1],
      [SDL.GL_DEPTH_SIZE, 0],
    ] as const;
    for (const [name, value] of attributes) {
      this.#sdl.check('SDL_GL_SetAttribute', this.#sdl.raw.GL_SetAttribute(name, value));
    }
  }

  /** The functions of the current context. */
  gles(): Gles {
    return new Gles((name) => this.#sdl.raw.GL_GetProcAddress(name) ?? undefined);
  }

  /** Waits for the display before swapping, or not; whether the driver can. */
  setSwapInterval(frames: number): boolean {
    return this.#sdl.raw.GL_SetSwapInterval(frames) === 0;
  }

  /** The next event that is of a known kind; `undefined` when none waits. */
  pollEvent(): SdlEvent | undefined {
    while (this.#sdl.raw.PollEvent(this.#event) !== 0) {
      const event = decodeEvent(this.#event);
      if (event !== undefined) return event;
    }
    return undefined;
  }

  /** Pressed modifiers and lit locks: SDL.KMOD_… */
  get modifiers(): number {
    return this.#sdl.raw.GetModState() & 0xffff;
  }

  /** Whether keys also give `text` events. */
  setTextInput(on: boolean): void {
    if (on) this.#sdl.raw.StartTextInput();
    else this.#sdl.raw.StopTextInput();
  }

  /** The pointer stays where it is, invisible, and its motion is reported without bounds. */
  setRelativeMouse(on: boolean): void {
    this.#sdl.check('SDL_SetRelativeMouseMode', this.#sdl.raw.SetRelativeMouseMode(on ? 1 : 0));
  }

  showCursor(on: boolean): void {
    this.#sdl.raw.ShowCursor(on ? 1 : 0);
  }

  /** A pointer from words 0xaarrggbb, line after line. */
  createCursor(pixels: Uint8Array, { width, height }: Size, hotX: number, hotY: number): SdlCursor {
    const format = SDL.PIXELFORMAT_ARGB8888;
    const surface = this.#sdl.some(
      'SDL_CreateRGBSurfaceWithFormatFrom',
      this.#sdl.raw.CreateRGBSurfaceWithFormatFrom(pixels, width, height, 32, width * 4, format),
    );
    try {
      const cursor = this.#sdl.some('SDL_CreateColorCursor', this.#sdl.raw.CreateColorCursor(surface, hotX, hotY));
      return new SdlCursor(this.#sdl, cursor);
    } finally {
      this.#sdl.raw.FreeSurface(surface);
    }
  }

  setDefaultCursor(): void {
    this.#sdl.raw.SetCursor(this.#sdl.raw.GetDefaultCursor());
  }

  get clipboard(): string {
    const address = this.#sdl.raw.GetClipboardText();
    if (address === null) return '';
    const text = stringAt(address);
    this.#sdl.raw.free(address);
    return text;
  }

  set clipboard(text: string) {
    this.#sdl.check('SDL_SetClipboardText', this.#sdl.raw.SetClipboardText(text));
  }

  /** Opens the default output for 16-bit little-endian samples; it begins paused. */
  openAudio({ frequency, channels }: AudioFormat, bufferFrames = 1024): AudioDevice {
    const wanted = new DataView(new ArrayBuffer(AUDIO_SPEC_BYTES));
    wanted.setInt32(0, frequency, true);
    wanted.setUint16(4, SDL.AUDIO_S16LSB, true);
    wanted.setUint8(6, channels);
    wanted.setUint16(8, bufferFrames, true);
    const device = this.#sdl.raw.OpenAudioDevice(null, 0, wanted, null, 0);
    if (device === 0) throw this.#sdl.error('SDL_OpenAudioDevice');
    return new AudioDevice(this.#sdl, device);
  }
}

const AUDIO_SPEC_BYTES = 32;
