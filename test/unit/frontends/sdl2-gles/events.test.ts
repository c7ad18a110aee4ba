// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { decodeEvent, EVENT_BYTES, MissingLibraryError, Sdl, SDL } from '../../../../frontends/sdl2-gles/index.ts';
import { random } from '../../../support/random.ts';

const words = (...values: readonly number[]): Uint8Array => {
  const event = new Uint8Array(EVENT_BYTES);
  new Int32Array(event.buffer).set(values);
  return event;
};

describe('decodeEvent', () => {
  it('reads the events of a window, its keys and its mouse', () => {
    expect(decodeEvent(words(SDL.QUIT))).toEqual({ type: 'quit' });
    expect(decodeEvent(words(SDL.WINDOWEVENT, 0, 1, SDL.WINDOWEVENT_SIZE_CHANGED, 800, 600))).toEqual({
      type: 'window',
      event: SDL.WINDOWEVENT_SIZE_CHANGED,
      data1: 800,
      data2: 600,
    });
    // state 1 and repeat 1 in bytes 12 and 13; then scan code, key, modifiers
    expect(decodeEvent(words(SDL.KEYDOWN, 0, 1, 0x0101, 4, 0x61, SDL.KMOD_CTRL))).toEqual({
      type: 'key',
      down: true,
      repeat: true,
      scancode: 4,
      sym: 0x61,
      modifiers: SDL.KMOD_CTRL,
    });
    expect(decodeEvent(words(SDL.MOUSEMOTION, 0, 1, 0, 1, 100, 50, -3, 7))).toEqual({
      type: 'motion',
      buttons: 1,
      x: 100,
      y: 50,
      dx: -3,
      dy: 7,
    });
    expect(decodeEvent(words(SDL.MOUSEBUTTONUP, 0, 1, 0, SDL.BUTTON_RIGHT, 10, 20))).toEqual({
      type: 'button',
      button: SDL.BUTTON_RIGHT,
      down: false,
      x: 10,
      y: 20,
    });
    expect(decodeEvent(words(SDL.MOUSEWHEEL, 0, 1, 0, 0, -1, SDL.MOUSEWHEEL_FLIPPED))).toEqual({
      type: 'wheel',
      dx: -0,
      dy: 1,
    });
  });

  it('reads text up to its end', () => {
    const event = words(SDL.TEXTINPUT);
    event.set(Buffer.from('né\0rest'), 12);
    expect(decodeEvent(event)).toEqual({ type: 'text', text: 'né' });
  });

  it('knows nothing of other kinds, and reads anything', () => {
    expect(decodeEvent(words(0x1100))).toBeUndefined();
    const next = random(2);
    const below = (limit: number): number => Math.floor(next() * limit);
    for (let i = 0; i < 20_000; i++) {
      const event = Uint8Array.from({ length: EVENT_BYTES }, () => below(256));
      new Uint32Array(event.buffer)[0] = below(0x500);
      decodeEvent(event);
    }
  });
});

describe('Sdl', () => {
  it('says in one line which library is missing', () => {
    const load = (): unknown => Sdl.load(['libemeritus-absent.so.7', 'libemeritus-absent.so']);
    expect(load).toThrow(MissingLibraryError);
    expect(load).toThrow(/^libemeritus-absent\.so\.7: .+$/);
  });
});
