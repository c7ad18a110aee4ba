// SPDX-License-Identifier: MIT
import type { KeyCode } from '../../machines/backplane/host.ts';
import { MONITOR_PORT } from '../monitor/remote.ts';
import { keyName } from './menu-key.ts';
import { BACKGROUND, FOREGROUND, TextScreen } from './text-screen.ts';

/** What the user can have done. */
export type Command =
  | {
      readonly does:
        'screen' | 'full-screen' | 'scaling' | 'grab' | 'paste' | 'sound' | 'screenshot' | 'keys' | 'reset' | 'quit';
    }
  | { readonly does: 'console'; readonly name: string }
  | { readonly does: 'send'; readonly codes: readonly KeyCode[] };

export interface MenuEntry {
  /** With the menu key, or alone while the menu is open. */
  readonly code: KeyCode;
  readonly label: string;
  readonly command: Command;
}

const MAX_SERIAL = 9;

/** What a port of the machine is called here. */
export function consoleTitle(name: string): string {
  if (name === MONITOR_PORT) return 'monitor';
  const serial = /^org\.emeritus\.console\.serial\.(\d+)\.0$/.exec(name);
  return serial === null ? name : `serial line ${serial[1]!}`;
}

/** The menu of a machine with these ports. */
export function mainMenu(ports: readonly string[]): MenuEntry[] {
  const entries: MenuEntry[] = [
    { code: 'Digit0', label: "the machine's screen", command: { does: 'screen' } },
    ...ports
      .filter((name) => name !== MONITOR_PORT)
      .slice(0, MAX_SERIAL)
      .map((name, i) => {
        const command: Command = { does: 'console', name };
        return { code: `Digit${i + 1}`, label: consoleTitle(name), command };
      }),
  ];
  if (ports.includes(MONITOR_PORT)) {
    entries.push({ code: 'KeyM', label: 'monitor', command: { does: 'console', name: MONITOR_PORT } });
  }
  entries.push(
    { code: 'KeyF', label: 'full screen', command: { does: 'full-screen' } },
    { code: 'KeyS', label: 'scaling: whole pixels or smooth', command: { does: 'scaling' } },
    { code: 'KeyG', label: 'mouse and keyboard: to the machine, or back', command: { does: 'grab' } },
    { code: 'KeyV', label: 'type the text on the clipboard', command: { does: 'paste' } },
    { code: 'KeyA', label: 'sound: on or off', command: { does: 'sound' } },
    { code: 'KeyK', label: 'send keys ...', command: { does: 'keys' } },
    { code: 'KeyP', label: 'picture of the screen to a file', command: { does: 'screenshot' } },
  );
  if (ports.includes(MONITOR_PORT))
    entries.push({ code: 'KeyR', label: 'reset the machine', command: { does: 'reset' } });
  entries.push({ code: 'KeyQ', label: 'quit', command: { does: 'quit' } });
  return entries;
}

/** Keys that the desktop, or the viewer itself, would take. */
export function keysMenu(menuKey: KeyCode): MenuEntry[] {
  const combinations: readonly (readonly [KeyCode, string, readonly KeyCode[]])[] = [
    ['KeyM', keyName(menuKey), [menuKey]],
    ['KeyD', 'Ctrl+Alt+Delete', ['ControlLeft', 'AltLeft', 'Delete']],
    ['KeyB', 'Ctrl+Alt+Backspace', ['ControlLeft', 'AltLeft', 'Backspace']],
    ['KeyT', 'Alt+Tab', ['AltLeft', 'Tab']],
    ['KeyP', 'Power', ['Power']],
    ['KeyR', 'Ctrl+Command+Power', ['ControlLeft', 'MetaLeft', 'Power']],
    ['KeyO', 'Command+Option+O+F', ['MetaLeft', 'AltLeft', 'KeyO', 'KeyF']],
    ['KeyN', 'Command+Option+P+R', ['MetaLeft', 'AltLeft', 'KeyP', 'KeyR']],
    ...Array.from({ length: 8 }, (_, i) => {
      const code = `F${i + 1}`;
      return [`Digit${i + 1}`, `Ctrl+Alt+${code}`, ['ControlLeft', 'AltLeft', code]] as const;
    }),
  ];
  return combinations.map(([code, label, codes]) => ({ code, label, command: { does: 'send', codes } }));
}

/** A list over the screen to choose from. */
export class MenuPanel {
  readonly #title: string;
  readonly #entries: readonly MenuEntry[];
  #selected = 0;

  constructor(title: string, entries: readonly MenuEntry[]) {
    this.#title = title;
    this.#entries = entries;
  }

  /** A key is pressed: what it chooses, whether it closes the list, or neither. */
  key(code: KeyCode): Command | 'close' | undefined {
    const count = this.#entries.length;
    switch (code) {
      case 'Escape':
        return 'close';
      case 'ArrowDown':
        this.#selected = (this.#selected + 1) % count;
        return undefined;
      case 'ArrowUp':
        this.#selected = (this.#selected + count - 1) % count;
        return undefined;
      case 'Enter':
      case 'NumpadEnter':
        return this.#entries[this.#selected]?.command;
      default:
        return this.#entries.find((entry) => entry.code === code)?.command;
    }
  }

  screen(): TextScreen {
    const width = Math.max(this.#title.length, ...this.#entries.map(({ label }) => label.length + 5)) + 2;
    const screen = new TextScreen(width, this.#entries.length + 2);
    screen.clear(0, 0, width, FOREGROUND);
    screen.write(1, 0, this.#title, BACKGROUND, FOREGROUND);
    this.#entries.forEach(({ code, label }, i) => {
      const marked = i === this.#selected;
      if (marked) screen.clear(i + 1, 0, width, SELECTED);
      const background = marked ? SELECTED : BACKGROUND;
      screen.write(2, i + 1, keyName(code), KEY_COLOR, background);
      screen.write(5, i + 1, label, FOREGROUND, background);
    });
    return screen;
  }
}

const SELECTED = 4;
const KEY_COLOR = 11;
