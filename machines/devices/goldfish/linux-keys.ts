// SPDX-License-Identifier: MIT
import type { KeyCode } from '../../backplane/host.ts';

/** Runs of keys whose numbers in Linux's input.h follow one another. */
const RUNS: readonly (readonly [first: number, codes: string])[] = [
  [1, 'Escape Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal Backspace Tab'],
  [16, 'KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight Enter ControlLeft'],
  [30, 'KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backquote ShiftLeft Backslash'],
  [44, 'KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash ShiftRight NumpadMultiply AltLeft Space CapsLock'],
  [59, 'F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 NumLock ScrollLock'],
  [71, 'Numpad7 Numpad8 Numpad9 NumpadSubtract Numpad4 Numpad5 Numpad6 NumpadAdd Numpad1 Numpad2 Numpad3 Numpad0'],
  [83, 'NumpadDecimal'],
  [87, 'F11 F12'],
  [96, 'NumpadEnter ControlRight NumpadDivide PrintScreen AltRight'],
  [102, 'Home ArrowUp PageUp ArrowLeft ArrowRight End ArrowDown PageDown Insert Delete'],
  [113, 'AudioVolumeMute AudioVolumeDown AudioVolumeUp Power'],
  [125, 'MetaLeft MetaRight ContextMenu'],
  [158, 'BrowserBack'],
];

/** Linux's number of a key. On a telephone, Home (102), Menu (139) and Back (158) are its buttons. */
export const LINUX_KEYS: Readonly<Record<KeyCode, number>> = {
  ...Object.fromEntries(RUNS.flatMap(([first, codes]) => codes.split(' ').map((code, i) => [code, first + i]))),
  ContextMenu: 139,
};
