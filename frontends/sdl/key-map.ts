// SPDX-License-Identifier: MIT
//
// SDL's scan codes are usage numbers of USB's keyboard page; the machine's keys go by the `code` names of W3C UI Events.
// Both name the physical key, whatever the user's layout makes of it.
// Documents: [HID-USAGE] and [UIEVENTS-CODE] in docs/references.md.
import type { KeyCode } from '../../machines/backplane/host.ts';

/** Keys that follow each other from a usage number on. */
const ROWS: readonly (readonly [number, string])[] = [
  [4, 'KeyA KeyB KeyC KeyD KeyE KeyF KeyG KeyH KeyI KeyJ KeyK KeyL KeyM'],
  [17, 'KeyN KeyO KeyP KeyQ KeyR KeyS KeyT KeyU KeyV KeyW KeyX KeyY KeyZ'],
  [30, 'Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0'],
  [40, 'Enter Escape Backspace Tab Space Minus Equal BracketLeft BracketRight Backslash'],
  [50, 'Backslash Semicolon Quote Backquote Comma Period Slash CapsLock'], // 50: Backslash of ISO keyboards
  [58, 'F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 F11 F12 PrintScreen ScrollLock Pause'],
  [73, 'Insert Home PageUp Delete End PageDown ArrowRight ArrowLeft ArrowDown ArrowUp NumLock'],
  [84, 'NumpadDivide NumpadMultiply NumpadSubtract NumpadAdd NumpadEnter'],
  [89, 'Numpad1 Numpad2 Numpad3 Numpad4 Numpad5 Numpad6 Numpad7 Numpad8 Numpad9 Numpad0 NumpadDecimal'],
  [100, 'IntlBackslash ContextMenu Power NumpadEqual F13 F14 F15'],
  [133, 'NumpadComma'],
  [135, 'IntlRo KanaMode IntlYen Convert NonConvert'],
  [224, 'ControlLeft ShiftLeft AltLeft MetaLeft ControlRight ShiftRight AltRight MetaRight'],
];

const CODES = new Map<number, KeyCode>(
  ROWS.flatMap(([first, names]) => names.split(' ').map((name, index) => [first + index, name] as const)),
);

/** The key with this SDL scan code. */
export const keyOfScancode = (scancode: number): KeyCode | undefined => CODES.get(scancode);

/** Every key a keyboard can send here. */
export const knownKeys = (): ReadonlySet<KeyCode> => new Set(CODES.values());
