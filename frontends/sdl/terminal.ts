// SPDX-License-Identifier: MIT
//
// A text terminal for the machine's serial lines and the monitor: the control sequences of ECMA-48 that shells, boot
// loaders and editors use. Others are recognized and left out.
// Documents: [ECMA-48] in docs/references.md.
import { BACKGROUND, FOREGROUND, TextScreen } from './text-screen.ts';

const MAX_SEQUENCE = 64;
const MAX_PARAMETER = 9999;

export class Terminal {
  readonly screen: TextScreen;
  readonly #decoder = new TextDecoder();
  #column = 0;
  #row = 0;
  /** The last column is written: the next character goes to the next line. */
  #wrap = false;
  #top = 0;
  #bottom: number;
  #foreground = FOREGROUND;
  #background = BACKGROUND;
  #inverse = false;
  #saved = { column: 0, row: 0 };
  #sequence = '';
  #cursorShown = true;

  constructor(columns = 80, rows = 25) {
    this.screen = new TextScreen(columns, rows);
    this.#bottom = rows;
  }

  /** Where the next character goes; `undefined` while it is hidden. */
  get cursor(): { column: number; row: number } | undefined {
    return this.#cursorShown ? { column: this.#column, row: this.#row } : undefined;
  }

  write(bytes: Uint8Array): void {
    for (const character of this.#decoder.decode(bytes, { stream: true })) this.#take(character);
  }

  #take(character: string): void {
    if (this.#sequence !== '') this.#continue(character);
    else if (character < ' ' || character === '\x7f') this.#control(character);
    else this.#print(character.codePointAt(0)!);
  }

  #control(character: string): void {
    switch (character) {
      case '\x1b':
        this.#sequence = character;
        return;
      case '\r':
        this.#move(0, this.#row);
        return;
      case '\n':
      case '\v':
      case '\f':
        this.#lineFeed();
        return;
      case '\b':
        this.#move(this.#column - 1, this.#row);
        return;
      case '\t':
        this.#move((this.#column | 7) + 1, this.#row);
        return;
    }
  }

  #print(code: number): void {
    if (this.#wrap) {
      this.#column = 0;
      this.#lineFeed();
    }
    const [foreground, background] = this.#inverse
      ? [this.#background, this.#foreground]
      : [this.#foreground, this.#background];
    this.screen.put(this.#column, this.#row, code, foreground, background);
    if (this.#column === this.screen.columns - 1) this.#wrap = true;
    else this.#column++;
  }

  #move(column: number, row: number): void {
    this.#column = Math.max(0, Math.min(this.screen.columns - 1, column));
    this.#row = Math.max(0, Math.min(this.screen.rows - 1, row));
    this.#wrap = false;
  }

  #lineFeed(): void {
    this.#wrap = false;
    if (this.#row === this.#bottom - 1) this.screen.scroll(this.#top, this.#bottom, true);
    else if (this.#row < this.screen.rows - 1) this.#row++;
  }

  #reverseLineFeed(): void {
    this.#wrap = false;
    if (this.#row === this.#top) this.screen.scroll(this.#top, this.#bottom, false);
    else if (this.#row > 0) this.#row--;
  }

  // ---- Sequences: ESC and one character, CSI (ESC [ …), and strings such as OSC (ESC ] … BEL)

  #continue(character: string): void {
    if (character === '\x1b' && !/^\x1b[\]PX^_]/.test(this.#sequence)) {
      this.#sequence = character;
      return;
    }
    this.#sequence += character;
    const sequence = this.#sequence;
    const kind = sequence[1]!;
    const isString = /[\]PX^_]/.test(kind);
    const complete = isString
      ? character === '\x07' || sequence.endsWith('\x1b\\')
      : kind === '['
        ? sequence.length > 2 && character >= '@' && character <= '~'
        : /[ -/]/.test(kind)
          ? sequence.length > 2
          : true;
    if (isString && !complete) {
      // Only whether it ends matters.
      if (sequence.length > MAX_SEQUENCE) this.#sequence = sequence.slice(0, 2) + sequence.slice(-1);
      return;
    }
    if (!complete && sequence.length <= MAX_SEQUENCE) return;
    this.#sequence = '';
    if (!complete) return;
    if (kind === '[') this.#csi(sequence);
    else if (!isString) this.#escape(kind);
  }

  #escape(kind: string): void {
    switch (kind) {
      case '7':
        this.#saved = { column: this.#column, row: this.#row };
        return;
      case '8':
        this.#move(this.#saved.column, this.#saved.row);
        return;
      case 'D':
        this.#lineFeed();
        return;
      case 'E':
        this.#move(0, this.#row);
        this.#lineFeed();
        return;
      case 'M':
        this.#reverseLineFeed();
        return;
      case 'c':
        this.#reset();
        return;
    }
  }

  #reset(): void {
    this.#top = 0;
    this.#bottom = this.screen.rows;
    this.#rendition([0]);
    this.#cursorShown = true;
    this.#erase(2);
    this.#move(0, 0);
  }

  #csi(sequence: string): void {
    const final = sequence.at(-1)!;
    const text = sequence.slice(2, -1);
    const isPrivate = text.startsWith('?');
    const parameters = text
      .replace(/[^\d;]/g, '')
      .split(';')
      .map((word) => Math.min(MAX_PARAMETER, Number(word)));
    if (isPrivate) {
      if (parameters[0] === 25 && (final === 'h' || final === 'l')) this.#cursorShown = final === 'h';
      return;
    }
    const first = Math.max(1, parameters[0]!);
    switch (final) {
      case 'A':
        this.#move(this.#column, this.#row - first);
        return;
      case 'B':
        this.#move(this.#column, this.#row + first);
        return;
      case 'C':
        this.#move(this.#column + first, this.#row);
        return;
      case 'D':
        this.#move(this.#column - first, this.#row);
        return;
      case 'G':
        this.#move(first - 1, this.#row);
        return;
      case 'd':
        this.#move(this.#column, first - 1);
        return;
      case 'H':
      case 'f':
        this.#move(Math.max(1, parameters[1] ?? 1) - 1, first - 1);
        return;
      case 'J':
        this.#erase(parameters[0]!);
        return;
      case 'K':
        this.#eraseLine(parameters[0]!);
        return;
      case 'L':
      case 'M':
        this.#shiftLines(first, final === 'M');
        return;
      case 'm':
        this.#rendition(parameters);
        return;
      case 'r':
        this.#region(first - 1, parameters[1] ?? 0);
        return;
    }
  }

  #erase(part: number): void {
    const { rows } = this.screen;
    if (part === 0 || part === 1) this.#eraseLine(part);
    const from = part === 0 ? this.#row + 1 : 0;
    const to = part === 1 ? this.#row : rows;
    for (let row = from; row < to; row++) this.screen.clear(row);
  }

  #eraseLine(part: number): void {
    this.screen.clear(this.#row, part === 0 ? this.#column : 0, part === 1 ? this.#column + 1 : this.screen.columns);
  }

  #shiftLines(count: number, up: boolean): void {
    if (this.#row < this.#top || this.#row >= this.#bottom) return;
    for (let i = Math.min(count, this.#bottom - this.#row); i > 0; i--) {
      this.screen.scroll(this.#row, this.#bottom, up);
    }
  }

  #region(top: number, bottom: number): void {
    const end = bottom === 0 ? this.screen.rows : Math.min(bottom, this.screen.rows);
    if (top + 1 >= end) return;
    this.#top = top;
    this.#bottom = end;
    this.#move(0, 0);
  }

  #rendition(parameters: readonly number[]): void {
    for (let i = 0; i < parameters.length; i++) {
      const value = parameters[i]!;
      if (value === 0) {
        this.#foreground = FOREGROUND;
        this.#background = BACKGROUND;
        this.#inverse = false;
      } else if (value === 1) this.#foreground |= 8;
      else if (value === 22) this.#foreground &= 7;
      else if (value === 7 || value === 27) this.#inverse = value === 7;
      else if (value >= 30 && value <= 37) this.#foreground = (this.#foreground & 8) | (value - 30);
      else if (value >= 40 && value <= 47) this.#background = value - 40;
      else if (value >= 90 && value <= 97) this.#foreground = value - 90 + 8;
      else if (value >= 100 && value <= 107) this.#background = value - 100 + 8;
      else if (value === 39) this.#foreground = FOREGROUND;
      else if (value === 49) this.#background = BACKGROUND;
      else if (value === 38 || value === 48) i += parameters[i + 1] === 5 ? 2 : 4; // colours that are not among the 16
    }
  }
}

const KEYS: Readonly<Record<string, string>> = {
  Enter: '\r',
  NumpadEnter: '\r',
  Backspace: '\x7f',
  Tab: '\t',
  Escape: '\x1b',
  ArrowUp: '\x1b[A',
  ArrowDown: '\x1b[B',
  ArrowRight: '\x1b[C',
  ArrowLeft: '\x1b[D',
  Home: '\x1b[H',
  End: '\x1b[F',
  Insert: '\x1b[2~',
  Delete: '\x1b[3~',
  PageUp: '\x1b[5~',
  PageDown: '\x1b[6~',
};

/** What a terminal sends for a key that types no text: by physical key, or by what Ctrl makes of a character. */
export function keySequence(code: string, character: number, ctrl: boolean): string | undefined {
  if (ctrl && character >= 0x40 && character < 0x7f) return String.fromCharCode(character & 0x1f);
  if (ctrl && code === 'Space') return '\0';
  return KEYS[code];
}
