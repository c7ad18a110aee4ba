// SPDX-License-Identifier: MIT
//
// The console: what is typed on the serial line and on the keyboard in one queue, what is printed on both the serial
// line and the screen, and the line editor of the prompt.
import { type PlainFields, SavedFields } from '../../backplane/device.ts';
import { latin1, textOf } from './latin1.ts';
import type { FirmwareHost } from './host.ts';

const QUEUE_BYTES = 4096;
const HISTORY_LINES = 64;

const CTRL = (letter: string): number => letter.charCodeAt(0) & 0x1f;

export class Console {
  readonly #host: FirmwareHost;
  readonly #queue: number[] = [];
  /** The terminal on the screen. */
  screen: ((byte: number) => void) | undefined;
  /** Output goes to the serial line. */
  serial = true;
  #interrupted = false;

  constructor(host: FirmwareHost) {
    this.#host = host;
  }

  /** A byte from the keyboard. */
  type(byte: number): void {
    if (this.#queue.length < QUEUE_BYTES) this.#queue.push(byte & 0xff);
    if (byte === CTRL('C')) this.#interrupted = true;
  }

  /** Takes in what waits on the serial line. */
  poll(): void {
    while (this.#queue.length < QUEUE_BYTES) {
      const byte = this.#host.serial.read();
      if (byte < 0) return;
      this.type(byte);
    }
  }

  get ready(): boolean {
    return this.#queue.length > 0;
  }

  /** The next byte, or -1. */
  read(): number {
    return this.#queue.shift() ?? -1;
  }

  /** Whether ^C was typed; what was typed before it is dropped. */
  takeInterrupt(): boolean {
    if (!this.#interrupted) return false;
    this.#interrupted = false;
    const at = this.#queue.lastIndexOf(CTRL('C'));
    this.#queue.splice(0, at + 1);
    return at >= 0;
  }

  flush(): void {
    this.#queue.length = 0;
    this.#interrupted = false;
  }

  save(): PlainFields {
    return { queue: Uint8Array.from(this.#queue), interrupted: this.#interrupted };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields('firmware.console', state);
    this.#queue.splice(0, this.#queue.length, ...saved.bytes('queue', undefined, QUEUE_BYTES));
    this.#interrupted = saved.bool('interrupted');
  }

  write(byte: number): void {
    if (this.serial) this.#host.serial.write(byte);
    this.screen?.(byte);
  }
}

/** Edits one line: ^A ^E ^B ^F and arrows move, ^H DEL ^D ^K ^U ^W erase, ^P ^N recall, ^L shows the line again. */
export class LineEditor {
  readonly #console: Console;
  readonly #history: string[] = [];
  #line: number[] = [];
  #at = 0;
  #recalled = 0;
  #escape = '';
  #limit = 0;
  #active = false;
  /** The last byte was a carriage return, so a line feed is its other half. */
  #afterReturn = false;

  constructor(console: Console) {
    this.#console = console;
  }

  begin(limit: number): void {
    if (this.#active) return;
    this.#active = true;
    this.#line = [];
    this.#at = 0;
    this.#escape = '';
    this.#limit = limit;
    this.#recalled = this.#history.length;
  }

  cancel(): void {
    this.#active = false;
  }

  save(): PlainFields {
    return {
      history: [...this.#history],
      line: Uint8Array.from(this.#line),
      at: this.#at,
      recalled: this.#recalled,
      escape: this.#escape,
      limit: this.#limit,
      active: this.#active,
      afterReturn: this.#afterReturn,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields('firmware.editor', state);
    const history = saved.list('history', HISTORY_LINES).filter((line) => typeof line === 'string');
    this.#history.splice(0, this.#history.length, ...history);
    this.#line = [...saved.bytes('line', undefined, 0x1000)];
    this.#at = saved.int('at', 0, this.#line.length);
    this.#recalled = saved.int('recalled', 0, HISTORY_LINES);
    this.#escape = saved.string('escape').slice(0, 8);
    this.#limit = saved.int('limit', 0, 0x1000);
    this.#active = saved.bool('active');
    this.#afterReturn = saved.bool('afterReturn');
  }

  /** Takes what was typed; the line once it is complete. */
  step(limit: number): Uint8Array | undefined {
    this.begin(limit);
    for (let byte = this.#console.read(); byte >= 0; byte = this.#console.read()) {
      const newline = byte === 0x0d || (byte === 0x0a && !this.#afterReturn);
      this.#afterReturn = byte === 0x0d;
      if (newline) {
        this.#active = false;
        const line = Uint8Array.from(this.#line);
        this.#remember(textOf(line));
        return line;
      }
      if (byte !== 0x0a) this.#key(byte);
    }
    return undefined;
  }

  #remember(text: string): void {
    if (text.trim() === '' || this.#history.at(-1) === text) return;
    this.#history.push(text);
    if (this.#history.length > HISTORY_LINES) this.#history.shift();
  }

  #key(byte: number): void {
    if (this.#escape !== '' || byte === 0x1b) {
      this.#escapeKey(byte);
      return;
    }
    switch (byte) {
      case 0x08:
      case 0x7f:
        if (this.#at > 0) this.#erase(this.#at - 1, 1);
        return;
      case CTRL('A'):
        this.#moveTo(0);
        return;
      case CTRL('B'):
        this.#moveTo(this.#at - 1);
        return;
      case CTRL('C'):
        this.#replace('');
        return;
      case CTRL('D'):
        this.#erase(this.#at, 1);
        return;
      case CTRL('E'):
        this.#moveTo(this.#line.length);
        return;
      case CTRL('F'):
        this.#moveTo(this.#at + 1);
        return;
      case CTRL('K'):
        this.#erase(this.#at, this.#line.length - this.#at);
        return;
      case CTRL('L'):
        this.#print('\r\n');
        this.#redraw(0);
        return;
      case CTRL('N'):
        this.#recall(this.#recalled + 1);
        return;
      case CTRL('P'):
        this.#recall(this.#recalled - 1);
        return;
      case CTRL('U'):
      case CTRL('X'):
        this.#replace('');
        return;
      case CTRL('W'): {
        const before = textOf(Uint8Array.from(this.#line.slice(0, this.#at)));
        const from = before.trimEnd().lastIndexOf(' ') + 1;
        this.#erase(from, this.#at - from);
        return;
      }
      case 0x09:
        this.#insert(0x20);
        return;
      default:
        if (byte >= 0x20) this.#insert(byte);
    }
  }

  #escapeKey(byte: number): void {
    this.#escape += String.fromCharCode(byte);
    if (this.#escape === '\x1b' || this.#escape === '\x1b[' || this.#escape === '\x1bO') return;
    const last = this.#escape.at(-1)!;
    if (/[0-9;]/.test(last) && this.#escape.length < 8) return;
    this.#escape = '';
    const to: Readonly<Record<string, () => void>> = {
      A: () => this.#recall(this.#recalled - 1),
      B: () => this.#recall(this.#recalled + 1),
      C: () => this.#moveTo(this.#at + 1),
      D: () => this.#moveTo(this.#at - 1),
      H: () => this.#moveTo(0),
      F: () => this.#moveTo(this.#line.length),
    };
    to[last]?.();
  }

  #print(text: string): void {
    for (const byte of latin1(text)) this.#console.write(byte);
  }

  #back(count: number): void {
    this.#print('\b'.repeat(Math.max(0, count)));
  }

  #moveTo(at: number): void {
    const to = Math.max(0, Math.min(at, this.#line.length));
    if (to < this.#at) this.#back(this.#at - to);
    else this.#print(textOf(Uint8Array.from(this.#line.slice(this.#at, to))));
    this.#at = to;
  }

  /** Prints from the cursor to the end and `blank` spaces, and goes back to the cursor. */
  #redraw(blank: number): void {
    const rest = textOf(Uint8Array.from(this.#line.slice(this.#at)));
    this.#print(rest + ' '.repeat(blank));
    this.#back(rest.length + blank);
  }

  #insert(byte: number): void {
    if (this.#line.length >= this.#limit) {
      this.#print('\x07');
      return;
    }
    this.#line.splice(this.#at++, 0, byte);
    this.#print(String.fromCharCode(byte));
    if (this.#at < this.#line.length) this.#redraw(0);
  }

  #erase(from: number, count: number): void {
    const erased = this.#line.splice(from, count).length;
    if (from < this.#at) {
      this.#back(this.#at - from);
      this.#at = from;
    }
    if (erased > 0) this.#redraw(erased);
  }

  #replace(text: string): void {
    this.#moveTo(0);
    const old = this.#line.length;
    this.#line = [...latin1(text)].slice(0, this.#limit);
    this.#redraw(Math.max(0, old - this.#line.length));
    this.#moveTo(this.#line.length);
  }

  #recall(index: number): void {
    if (index < 0 || index > this.#history.length) return;
    this.#recalled = index;
    this.#replace(this.#history[index] ?? '');
  }
}
