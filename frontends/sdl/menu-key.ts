// SPDX-License-Identifier: MIT
import type { KeyCode } from '../../machines/backplane/host.ts';

/** What becomes of a key event. */
export type KeyFate =
  /** It is the machine's, or the open panel's. */
  | { readonly to: 'machine' }
  | { readonly to: 'nobody' }
  /** The menu key alone was pressed and released. */
  | { readonly to: 'menu' }
  /** A key was pressed with the menu key. */
  | { readonly to: 'command'; readonly code: KeyCode };

/** Takes the viewer's own keys out of those for the machine: one key, alone or held with another. */
export class MenuKey {
  readonly #code: KeyCode;
  #held = false;
  #alone = false;
  /** Keys whose press was a command: their release is nobody's. */
  readonly #taken = new Set<KeyCode>();

  constructor(code: KeyCode) {
    this.#code = code;
  }

  key(code: KeyCode, down: boolean): KeyFate {
    if (code === this.#code) return this.#menuKey(down);
    if (!down) return this.#taken.delete(code) ? { to: 'nobody' } : { to: 'machine' };
    if (this.#taken.has(code)) return { to: 'nobody' }; // it repeats
    if (!this.#held) return { to: 'machine' };
    this.#alone = false;
    this.#taken.add(code);
    return { to: 'command', code };
  }

  /** The window has no keyboard any more. */
  reset(): void {
    this.#held = this.#alone = false;
    this.#taken.clear();
  }

  #menuKey(down: boolean): KeyFate {
    if (down) {
      if (!this.#held) this.#alone = true;
      this.#held = true;
      return { to: 'nobody' };
    }
    const wasAlone = this.#held && this.#alone;
    this.#held = this.#alone = false;
    return { to: wasAlone ? 'menu' : 'nobody' };
  }
}

const NAMES: Readonly<Record<string, string>> = {
  ControlRight: 'right Ctrl',
  ControlLeft: 'left Ctrl',
  AltRight: 'right Alt',
  AltLeft: 'left Alt',
  ShiftRight: 'right Shift',
  ShiftLeft: 'left Shift',
  MetaRight: 'right Super',
  MetaLeft: 'left Super',
};

/** A key as people call it. */
export const keyName = (code: KeyCode): string => NAMES[code] ?? code.replace(/^(Key|Digit)/, '');
