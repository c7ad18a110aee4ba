// SPDX-License-Identifier: MIT
import type { KeyCode } from './host.ts';

/** The key of a US keyboard that types a character, and whether Shift is held. */
export interface Keystroke {
  readonly code: KeyCode;
  readonly shift: boolean;
}

const ROWS: readonly (readonly [string, string, readonly KeyCode[]])[] = [
  // unshifted, shifted, keys
  [
    '`1234567890-=',
    '~!@#$%^&*()_+',
    'Backquote Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal'.split(' '),
  ],
  [
    'qwertyuiop[]\\',
    'QWERTYUIOP{}|',
    'KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight Backslash'.split(' '),
  ],
  ["asdfghjkl;'\n", 'ASDFGHJKL:"', 'KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Enter'.split(' ')],
  ['zxcvbnm,./', 'ZXCVBNM<>?', 'KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash'.split(' ')],
  [' \t\b\x1b', '', 'Space Tab Backspace Escape'.split(' ')],
];

const STROKES = new Map<string, Keystroke>();
for (const [plain, shifted, codes] of ROWS) {
  for (let i = 0; i < plain.length; i++) STROKES.set(plain[i]!, { code: codes[i]!, shift: false });
  for (let i = 0; i < shifted.length; i++) STROKES.set(shifted[i]!, { code: codes[i]!, shift: true });
}

/** How to type a character on a US keyboard; `undefined` when it has no key. */
export const keystroke = (character: string): Keystroke | undefined =>
  STROKES.get(character === '\r' ? '\n' : character);
