// SPDX-License-Identifier: MIT

const MAX_CHARS = 1 << 16;

const KEYS: Readonly<Record<string, string>> = {
  Enter: '\r',
  Backspace: '\x7f',
  Tab: '\t',
  Escape: '\x1b',
  ArrowUp: '\x1b[A',
  ArrowDown: '\x1b[B',
  ArrowRight: '\x1b[C',
  ArrowLeft: '\x1b[D',
};

/** A plain console: text with new lines and backspaces; other control sequences are left out. */
export class Terminal {
  readonly element: HTMLElement = document.createElement('pre');
  #text = '';
  #escape = '';

  constructor(send: (bytes: Uint8Array) => void) {
    this.element.tabIndex = 0;
    this.element.addEventListener('keydown', (event) => {
      const { key } = event;
      const control =
        event.ctrlKey && key.length === 1 ? String.fromCharCode(key.toUpperCase().charCodeAt(0) & 31) : '';
      const text = control || KEYS[key] || (key.length === 1 && !event.metaKey ? key : '');
      if (text === '') return;
      event.preventDefault();
      send(new TextEncoder().encode(text));
    });
    this.element.addEventListener('paste', (event) => {
      send(new TextEncoder().encode(event.clipboardData?.getData('text') ?? ''));
    });
  }

  write(bytes: Uint8Array): void {
    for (const byte of bytes) this.#put(String.fromCharCode(byte));
    this.#text = this.#text.slice(-MAX_CHARS);
    this.element.textContent = this.#text;
    this.element.scrollTop = this.element.scrollHeight;
  }

  #put(character: string): void {
    if (this.#escape !== '') {
      this.#escape += character;
      const ends = this.#escape.length > 16 || (this.#escape.length > 2 ? /[@-~]/ : /[^[]/).test(character);
      if (ends) this.#escape = '';
    } else if (character === '\x1b') this.#escape = character;
    else if (character === '\b') this.#text = this.#text.replace(/[^\n]$/, '');
    else if (character === '\n' || character === '\t' || character >= ' ') this.#text += character;
  }
}
