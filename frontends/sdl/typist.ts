// SPDX-License-Identifier: MIT
import type { KeyCode } from '../../machines/backplane/host.ts';
import { keystroke } from '../../machines/backplane/us-keyboard.ts';

/** Between characters: slow enough for firmware that polls its keyboard. */
const GAP_MS = 15;
const MAX_WAITING = 1 << 16;

/** Presses keys in order, and releases them in the reverse one. */
export const tap = (codes: readonly KeyCode[]): { code: KeyCode; down: boolean }[] => [
  ...codes.map((code) => ({ code, down: true })),
  ...codes.toReversed().map((code) => ({ code, down: false })),
];

/** How a US keyboard types a character; `undefined` when it has no key for it. */
export function strokesFor(character: string): { code: KeyCode; down: boolean }[] | undefined {
  const stroke = keystroke(character);
  if (stroke === undefined) return undefined;
  return tap(stroke.shift ? ['ShiftLeft', stroke.code] : [stroke.code]);
}

/** Types texts on the machine's keyboard at the pace of a fast typist. */
export class Typist {
  readonly #key: (code: KeyCode, down: boolean) => void;
  #waiting = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(key: (code: KeyCode, down: boolean) => void) {
    this.#key = key;
  }

  get busy(): boolean {
    return this.#timer !== undefined;
  }

  /** Types a text behind what is still being typed; of very long ones, the beginning. */
  type(text: string): void {
    this.#waiting = (this.#waiting + text.replaceAll('\r\n', '\n')).slice(0, MAX_WAITING);
    if (this.#timer === undefined) this.#next();
  }

  /** Forgets what is not typed yet. */
  stop(): void {
    this.#waiting = '';
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #next(): void {
    this.#timer = undefined;
    while (this.#waiting !== '') {
      const character = String.fromCodePoint(this.#waiting.codePointAt(0)!);
      this.#waiting = this.#waiting.slice(character.length);
      const strokes = strokesFor(character);
      if (strokes === undefined) continue;
      for (const { code, down } of strokes) this.#key(code, down);
      this.#timer = setTimeout(() => this.#next(), GAP_MS);
      return;
    }
  }
}
