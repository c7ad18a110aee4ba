// SPDX-License-Identifier: MIT
import type { KeyCode } from '../../backplane/host.ts';
import { keystroke } from '../../backplane/us-keyboard.ts';

const PLAIN = new Map<KeyCode, number>();
const SHIFTED = new Map<KeyCode, number>();
for (let byte = 0x08; byte < 0x7f; byte++) {
  const stroke = keystroke(String.fromCharCode(byte));
  // A carriage return is what Enter sends, though a line feed is typed with it too.
  if (stroke !== undefined && byte !== 0x0a) (stroke.shift ? SHIFTED : PLAIN).set(stroke.code, byte);
}

const SEQUENCES: Readonly<Record<KeyCode, string>> = {
  ArrowUp: '\x1b[A',
  ArrowDown: '\x1b[B',
  ArrowRight: '\x1b[C',
  ArrowLeft: '\x1b[D',
  Home: '\x1b[H',
  End: '\x1b[F',
  Delete: '\x04',
  NumpadEnter: '\r',
};

/** Turns a US keyboard's keys into the characters of a terminal. */
export class KeyboardMap {
  readonly #held = new Set<KeyCode>();
  #capsLock = false;

  key(code: KeyCode, down: boolean): readonly number[] {
    if (/^(Shift|Control)(Left|Right)$/.test(code)) {
      if (down) this.#held.add(code);
      else this.#held.delete(code);
      return [];
    }
    if (!down) return [];
    if (code === 'CapsLock') {
      this.#capsLock = !this.#capsLock;
      return [];
    }
    const sequence = SEQUENCES[code];
    if (sequence !== undefined) return Array.from(sequence, (char) => char.charCodeAt(0));
    const shift = this.#held.has('ShiftLeft') || this.#held.has('ShiftRight');
    const letter = code.startsWith('Key');
    const upper = letter ? shift !== this.#capsLock : shift;
    const byte = (upper ? SHIFTED.get(code) : undefined) ?? PLAIN.get(code);
    if (byte === undefined) return [];
    const control = this.#held.has('ControlLeft') || this.#held.has('ControlRight');
    return [control && byte >= 0x40 ? byte & 0x1f : byte];
  }
}
