// SPDX-License-Identifier: MIT
import type { KeyCode } from '../../machines/backplane/host.ts';

/** The keys the user holds down on the machine's keyboard. */
export class HeldKeys {
  readonly #key: (code: KeyCode, down: boolean) => void;
  readonly #held = new Set<KeyCode>();

  constructor(key: (code: KeyCode, down: boolean) => void) {
    this.#key = key;
  }

  /** The machine repeats keys itself: a key that is down is not pressed again, one that is up not released. */
  set(code: KeyCode, down: boolean): void {
    if (this.#held.has(code) === down) return;
    if (down) this.#held.add(code);
    else this.#held.delete(code);
    this.#key(code, down);
  }

  /** Nobody holds anything any more. */
  releaseAll(): void {
    for (const code of [...this.#held]) this.set(code, false);
  }
}
