// SPDX-License-Identifier: MIT
import { type BoundTable, Library, type Pointer } from './library.ts';

const NAMES: Readonly<Record<string, readonly string[]>> = {
  linux: ['libSDL2-2.0.so.0', 'libSDL2.so'],
  darwin: [
    'libSDL2-2.0.0.dylib',
    '/opt/homebrew/lib/libSDL2-2.0.0.dylib',
    '/usr/local/lib/libSDL2-2.0.0.dylib',
    '/Library/Frameworks/SDL2.framework/SDL2',
  ],
  win32: ['SDL2.dll'],
};

const FUNCTIONS = {
  InitSubSystem: ['int', 'uint32'],
  Quit: ['void'],
  GetError: ['string'],
  ClearError: ['void'],
  SetHint: ['int', 'string', 'string'],
  free: ['void', 'pointer'],

  GetCurrentVideoDriver: ['string'],
  GetWindowDisplayIndex: ['int', 'pointer'],
  GetDisplayUsableBounds: ['int', 'int', 'memory'],
  CreateWindow: ['pointer', 'string', 'int', 'int', 'int', 'int', 'uint32'],
  DestroyWindow: ['void', 'pointer'],
  ShowWindow: ['void', 'pointer'],
  SetWindowPosition: ['void', 'pointer', 'int', 'int'],
  SetWindowTitle: ['void', 'pointer', 'string'],
  SetWindowSize: ['void', 'pointer', 'int', 'int'],
  GetWindowSize: ['void', 'pointer', 'memory', 'memory'],
  SetWindowMinimumSize: ['void', 'pointer', 'int', 'int'],
  SetWindowFullscreen: ['int', 'pointer', 'uint32'],
  GetWindowFlags: ['uint32', 'pointer'],
  SetWindowKeyboardGrab: ['void', 'pointer', 'int'],
  SetWindowMouseGrab: ['void', 'pointer', 'int'],

  GL_SetAttribute: ['int', 'int', 'int'],
  GL_CreateContext: ['pointer', 'pointer'],
  GL_DeleteContext: ['void', 'pointer'],
  GL_GetDrawableSize: ['void', 'pointer', 'memory', 'memory'],
  GL_GetProcAddress: ['pointer', 'string'],
  GL_SetSwapInterval: ['int', 'int'],
  GL_SwapWindow: ['void', 'pointer'],

  PollEvent: ['int', 'memory'],
  GetModState: ['uint32'],
  StartTextInput: ['void'],
  StopTextInput: ['void'],

  SetRelativeMouseMode: ['int', 'int'],
  ShowCursor: ['int', 'int'],
  CreateRGBSurfaceWithFormatFrom: ['pointer', 'memory', 'int', 'int', 'int', 'int', 'uint32'],
  FreeSurface: ['void', 'pointer'],
  CreateColorCursor: ['pointer', 'pointer', 'int', 'int'],
  GetDefaultCursor: ['pointer'],
  SetCursor: ['void', 'pointer'],
  FreeCursor: ['void', 'pointer'],

  GetClipboardText: ['pointer'],
  SetClipboardText: ['int', 'string'],

  OpenAudioDevice: ['uint32', 'string', 'int', 'memory', 'memory', 'int'],
  CloseAudioDevice: ['void', 'uint32'],
  PauseAudioDevice: ['void', 'uint32', 'int'],
  QueueAudio: ['int', 'uint32', 'memory', 'uint32'],
  GetQueuedAudioSize: ['uint32', 'uint32'],
  ClearQueuedAudio: ['void', 'uint32'],
} as const;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A function of SDL failed; the message has its name and SDL's own words. */
export class SdlError extends Error {
  override readonly name = 'SdlError';
}

/** The library's functions as they are, and what turns their failures into exceptions. */
export class SdlFunctions {
  readonly raw: BoundTable<typeof FUNCTIONS>;
  readonly #pair = [new Int32Array(1), new Int32Array(1)] as const;

  constructor(names = NAMES[process.platform] ?? NAMES['linux']!) {
    this.raw = Library.open(names).bindAll('SDL_', FUNCTIONS);
  }

  check(name: string, code: number): void {
    if (code < 0) throw this.error(name);
  }

  some(name: string, pointer: Pointer | null): Pointer {
    if (pointer === null) throw this.error(name);
    return pointer;
  }

  error(name: string): SdlError {
    const text = this.raw.GetError() ?? '';
    this.raw.ClearError();
    return new SdlError(`${name}: ${text === '' ? 'failed' : text}`);
  }

  /** What a function writes through two pointers. */
  size(read: (width: Int32Array, height: Int32Array) => void): Size {
    const [width, height] = this.#pair;
    read(width, height);
    return { width: width[0]!, height: height[0]! };
  }
}
