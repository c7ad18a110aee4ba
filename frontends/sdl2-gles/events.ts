// SPDX-License-Identifier: MIT
import { SDL } from './constants.ts';

/** Room for an SDL_Event of any kind. */
export const EVENT_BYTES = 128;

export type SdlEvent =
  | { readonly type: 'quit' }
  /** `event` is one of SDL.WINDOWEVENT_…; two numbers that some have. */
  | { readonly type: 'window'; readonly event: number; readonly data1: number; readonly data2: number }
  /** `scancode`: the physical key, a usage number of USB's keyboard page; `sym`: what the user's layout makes of it. */
  | {
      readonly type: 'key';
      readonly down: boolean;
      readonly repeat: boolean;
      readonly scancode: number;
      readonly sym: number;
      readonly modifiers: number;
    }
  | { readonly type: 'text'; readonly text: string }
  /** `buttons`: bit n - 1 for SDL.BUTTON_n. */
  | {
      readonly type: 'motion';
      readonly x: number;
      readonly y: number;
      readonly dx: number;
      readonly dy: number;
      readonly buttons: number;
    }
  | { readonly type: 'button'; readonly button: number; readonly down: boolean; readonly x: number; readonly y: number }
  /** Positive: away from the user, and to the right. */
  | { readonly type: 'wheel'; readonly dx: number; readonly dy: number };

const utf8 = new TextDecoder();

/** What an SDL_Event in memory says; `undefined` for kinds that are not in {@link SdlEvent}. */
export function decodeEvent(memory: Uint8Array): SdlEvent | undefined {
  const view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
  const u32 = (offset: number): number => view.getUint32(offset, LITTLE_ENDIAN);
  const i32 = (offset: number): number => view.getInt32(offset, LITTLE_ENDIAN);
  const type = u32(0);
  switch (type) {
    case SDL.QUIT:
      return { type: 'quit' };
    case SDL.WINDOWEVENT:
      return { type: 'window', event: memory[12]!, data1: i32(16), data2: i32(20) };
    case SDL.KEYDOWN:
    case SDL.KEYUP:
      return {
        type: 'key',
        down: type === SDL.KEYDOWN,
        repeat: memory[13] !== 0,
        scancode: i32(16),
        sym: i32(20),
        modifiers: view.getUint16(24, LITTLE_ENDIAN),
      };
    case SDL.TEXTINPUT: {
      const text = memory.subarray(12, 12 + 32);
      const end = text.indexOf(0);
      return { type: 'text', text: utf8.decode(end < 0 ? text : text.subarray(0, end)) };
    }
    case SDL.MOUSEMOTION:
      return { type: 'motion', buttons: u32(16), x: i32(20), y: i32(24), dx: i32(28), dy: i32(32) };
    case SDL.MOUSEBUTTONDOWN:
    case SDL.MOUSEBUTTONUP:
      return { type: 'button', button: memory[16]!, down: type === SDL.MOUSEBUTTONDOWN, x: i32(20), y: i32(24) };
    case SDL.MOUSEWHEEL: {
      const sign = u32(24) === SDL.MOUSEWHEEL_FLIPPED ? -1 : 1;
      return { type: 'wheel', dx: i32(16) * sign, dy: i32(20) * sign };
    }
    default:
      return undefined;
  }
}

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
