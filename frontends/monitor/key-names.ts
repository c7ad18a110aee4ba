// SPDX-License-Identifier: MIT
import type { KeyCode } from '../../machines/backplane/host.ts';

/** Short names of keys, as the monitor takes them; any `code` of the W3C names a key too. */
const NAMES: Readonly<Record<string, KeyCode>> = {
  ctrl: 'ControlLeft',
  ctrl_r: 'ControlRight',
  alt: 'AltLeft',
  alt_r: 'AltRight',
  shift: 'ShiftLeft',
  shift_r: 'ShiftRight',
  meta: 'MetaLeft',
  cmd: 'MetaLeft',
  ret: 'Enter',
  enter: 'Enter',
  esc: 'Escape',
  spc: 'Space',
  space: 'Space',
  tab: 'Tab',
  backspace: 'Backspace',
  delete: 'Delete',
  insert: 'Insert',
  home: 'Home',
  end: 'End',
  pgup: 'PageUp',
  pgdn: 'PageDown',
  up: 'ArrowUp',
  down: 'ArrowDown',
  left: 'ArrowLeft',
  right: 'ArrowRight',
  minus: 'Minus',
  equal: 'Equal',
  comma: 'Comma',
  dot: 'Period',
  slash: 'Slash',
  semicolon: 'Semicolon',
  apostrophe: 'Quote',
  grave_accent: 'Backquote',
  backslash: 'Backslash',
  bracket_left: 'BracketLeft',
  bracket_right: 'BracketRight',
  caps_lock: 'CapsLock',
  num_lock: 'NumLock',
  scroll_lock: 'ScrollLock',
  power: 'Power',
};

/** The keys of a name like `ctrl-alt-f1` or `MetaLeft-KeyQ`; `undefined` when one of them is no key. */
export function keysOf(text: string): KeyCode[] | undefined {
  const keys = text.split('-').map(keyOf);
  return keys.every((key) => key !== undefined) ? keys : undefined;
}

function keyOf(name: string): KeyCode | undefined {
  const lower = name.toLowerCase();
  if (Object.hasOwn(NAMES, lower)) return NAMES[lower];
  if (/^[a-z]$/.test(lower)) return `Key${lower.toUpperCase()}`;
  if (/^\d$/.test(name)) return `Digit${name}`;
  if (/^f\d{1,2}$/.test(lower)) return lower.toUpperCase();
  return /^[A-Z][A-Za-z]+\d?$/.test(name) ? name : undefined;
}
