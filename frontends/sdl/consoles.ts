// SPDX-License-Identifier: MIT
import type { ClientPort } from '../spice/client.ts';
import { consoleTitle } from './menu.ts';
import { keySequence, Terminal } from './terminal.ts';
import { BACKGROUND, FOREGROUND, TextScreen } from './text-screen.ts';

const encoder = new TextEncoder();

/** One of the machine's consoles: what it has written, and where typed text goes. */
export class Console {
  readonly name: string;
  readonly #terminal = new Terminal();
  readonly #port: ClientPort;

  /** @param changed is called after output. */
  constructor(port: ClientPort, changed: () => void) {
    this.name = port.name;
    this.#port = port;
    port.onData = (bytes) => {
      this.#terminal.write(bytes);
      changed();
    };
  }

  get title(): string {
    return consoleTitle(this.name);
  }

  type(text: string): void {
    if (text !== '') this.#port.send(encoder.encode(text.replaceAll(/\r?\n/g, '\r')));
  }

  /** A key is pressed; those that type text come to {@link type} instead. */
  key(code: string, character: number, ctrl: boolean): void {
    const sequence = keySequence(code, character, ctrl);
    if (sequence !== undefined) this.#port.send(encoder.encode(sequence));
  }

  /** The console with a headline, and the cursor in it. */
  screen(hint: string): TextScreen {
    const { screen, cursor } = this.#terminal;
    const framed = new TextScreen(screen.columns, screen.rows + 1);
    framed.clear(0, 0, framed.columns, FOREGROUND);
    framed.write(1, 0, `${this.title} - ${hint}`, BACKGROUND, FOREGROUND);
    framed.copyRows(screen, 1);
    if (cursor !== undefined) framed.invert(cursor.column, cursor.row + 1);
    return framed;
  }
}
