// SPDX-License-Identifier: MIT
export { SDL } from './constants.ts';
export { decodeEvent, EVENT_BYTES, type SdlEvent } from './events.ts';
export { GL, Gles, type GlesFunctions } from './gles.ts';
export { MissingLibraryError, type Pointer } from './library.ts';
export { SdlError, type Size } from './functions.ts';
export { AudioDevice, SdlCursor, SdlWindow } from './objects.ts';
export { type AudioFormat, Sdl } from './sdl.ts';
