// SPDX-License-Identifier: MIT

/** What a person types to speak to the emulator instead of the guest. */
const CTRL_CLOSE_BRACKET = 0x1d;

export const ESCAPE_HELP = 'Ctrl-] q leaves, Ctrl-] Ctrl-] sends Ctrl-], Ctrl-] ? shows this';

export interface ConsoleInput {
  /** For the guest. */
  readonly data: Uint8Array;
  readonly help: boolean;
  readonly quit: boolean;
}

/** Takes `Ctrl-] key` out of what is typed at a raw console. */
export class ConsoleEscape {
  #pending = false;

  feed(bytes: Uint8Array): ConsoleInput {
    const data: number[] = [];
    let help = false;
    let quit = false;
    for (const byte of bytes) {
      if (!this.#pending) {
        if (byte === CTRL_CLOSE_BRACKET) this.#pending = true;
        else data.push(byte);
        continue;
      }
      this.#pending = false;
      if (byte === CTRL_CLOSE_BRACKET) data.push(byte);
      else if (byte === 0x71 || byte === 0x51) quit = true;
      else help = true;
      if (quit) break;
    }
    return { data: Uint8Array.from(data), help, quit };
  }
}
