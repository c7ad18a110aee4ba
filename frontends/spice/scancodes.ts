// SPDX-License-Identifier: MIT
//
// The keys of a PC by their scan codes (set 1, as SPICE sends them) and by the `code` names of W3C UI Events.
// Documents: [UIEVENTS-CODE] and [PS2] in docs/references.md.
import type { KeyCode } from '../../machines/backplane/host.ts';

/** Keys of one byte, by that byte; the words follow each other from the number on, `-` where there is no key. */
const PLAIN: readonly (readonly [number, string])[] = [
  [0x01, 'Escape Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal Backspace Tab'],
  [0x10, 'KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight Enter ControlLeft'],
  [0x1e, 'KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backquote ShiftLeft Backslash'],
  [0x2c, 'KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash ShiftRight NumpadMultiply AltLeft Space CapsLock'],
  [0x3b, 'F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 NumLock ScrollLock'],
  [0x47, 'Numpad7 Numpad8 Numpad9 NumpadSubtract Numpad4 Numpad5 Numpad6 NumpadAdd Numpad1 Numpad2 Numpad3 Numpad0'],
  [0x53, 'NumpadDecimal - - IntlBackslash F11 F12 NumpadEqual'],
  [0x64, 'F13 F14 F15'],
  [0x70, 'KanaMode - - IntlRo - - - - - Convert - NonConvert - IntlYen NumpadComma'],
];

/** Keys of two bytes, by the one after 0xe0. */
const EXTENDED: readonly (readonly [number, string])[] = [
  [0x1c, 'NumpadEnter ControlRight'],
  [0x35, 'NumpadDivide - PrintScreen AltRight'],
  [0x46, 'Pause Home ArrowUp PageUp - ArrowLeft - ArrowRight - End ArrowDown PageDown Insert Delete'], // 0x46: Ctrl-Break
  [0x5b, 'MetaLeft MetaRight ContextMenu Power'],
];

const CODES = new Map<number, KeyCode>();
const fill = (rows: readonly (readonly [number, string])[], prefix: number): void => {
  for (const [first, names] of rows) {
    names.split(' ').forEach((name, index) => {
      if (name !== '-') CODES.set(prefix | (first + index), name);
    });
  }
};
fill(PLAIN, 0);
fill(EXTENDED, 0xe000);

const SCANCODES = new Map([...CODES].map(([scancode, code]) => [code, scancode]));

/** The scan code of a key: one byte, or 0xe000 and the second. */
export const scancodeOf = (code: KeyCode): number | undefined => SCANCODES.get(code);

/** Every key there is, for tests and tables. */
export const keysWithScancodes = (): readonly KeyCode[] => [...SCANCODES.keys()];

export interface KeyChange {
  readonly code: KeyCode;
  readonly down: boolean;
}

/** Puts the bytes of a scan code stream together to keys. */
export class ScancodeReader {
  #prefix = 0;
  /** Bytes of the Pause key (0xe1 0x1d 0x45) still to come. */
  #pause = 0;

  /** The key that this byte completes, if it does and there is such a key. */
  feed(byte: number): KeyChange | undefined {
    if (this.#pause > 0) {
      this.#pause--;
      return this.#pause === 0 ? { code: 'Pause', down: (byte & 0x80) === 0 } : undefined;
    }
    if (byte === 0xe1) {
      this.#pause = 2;
      return undefined;
    }
    if (byte === 0xe0) {
      this.#prefix = 0xe000;
      return undefined;
    }
    const code = CODES.get(this.#prefix | (byte & 0x7f));
    this.#prefix = 0;
    return code === undefined ? undefined : { code, down: (byte & 0x80) === 0 };
  }
}

/** The bytes SPICE has for a key in its 32-bit words: first byte lowest. */
export function scancodeWord(code: KeyCode, down: boolean): number | undefined {
  const scancode = scancodeOf(code);
  if (scancode === undefined) return undefined;
  const last = (scancode & 0x7f) | (down ? 0 : 0x80);
  return scancode > 0xff ? 0xe0 | (last << 8) : last;
}

/** The key in one of those words; bytes that are zero end it. */
export function keyOfWord(word: number): KeyChange | undefined {
  const reader = new ScancodeReader();
  for (let shift = 0; shift < 32; shift += 8) {
    const byte = (word >>> shift) & 0xff;
    if (byte === 0) return undefined;
    const key = reader.feed(byte);
    if (key !== undefined) return key;
  }
  return undefined;
}
