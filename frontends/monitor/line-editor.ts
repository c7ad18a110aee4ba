// SPDX-License-Identifier: MIT

const MAX_LINE = 1024;

/** Puts what is typed at a bare console together to lines, and echoes it. */
export class LineEditor {
  readonly #echo: (text: string) => void;
  #line = '';
  /** Within a control sequence, which is dropped. */
  #escape = '';
  #afterReturn = false;

  constructor(echo: (text: string) => void) {
    this.#echo = echo;
  }

  /** A character was typed; gives the line it completes. */
  put(character: string): string | undefined {
    if (this.#escape !== '') {
      this.#escape += character;
      if (this.#escape.length > 16 || (this.#escape.length > 2 ? /[@-~]/ : /[^[O]/).test(character)) this.#escape = '';
      return undefined;
    }
    const feedOfReturn = character === '\n' && this.#afterReturn;
    this.#afterReturn = character === '\r';
    if (feedOfReturn) return undefined;
    switch (character) {
      case '\r':
      case '\n': {
        const line = this.#line;
        this.#line = '';
        this.#echo('\r\n');
        return line;
      }
      case '\x1b':
        this.#escape = character;
        return undefined;
      case '\b':
      case '\x7f':
        if (this.#line === '') return undefined;
        this.#line = [...this.#line].slice(0, -1).join('');
        this.#echo('\b \b');
        return undefined;
      case '\x03':
      case '\x15':
        this.#echo('\b \b'.repeat([...this.#line].length));
        this.#line = '';
        return undefined;
    }
    if (character < ' ' || this.#line.length >= MAX_LINE) return undefined;
    this.#line += character;
    this.#echo(character);
    return undefined;
  }
}
