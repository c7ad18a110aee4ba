// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { ClientPort } from '../../../../frontends/spice/client.ts';
import { Console } from '../../../../frontends/sdl/consoles.ts';
import { keySequence, Terminal } from '../../../../frontends/sdl/terminal.ts';
import { TextScreen } from '../../../../frontends/sdl/text-screen.ts';
import { glyph, GLYPH_WIDTH } from '../../../../machines/firmware/font.ts';
import { random } from '../../../support/random.ts';

const write = (terminal: Terminal, text: string): void => terminal.write(Buffer.from(text, 'latin1'));
const rows = ({ screen }: Terminal): string[] => Array.from({ length: screen.rows }, (_, row) => screen.text(row));

describe('Terminal', () => {
  it('writes lines, tabs and backspaces', () => {
    const terminal = new Terminal(20, 4);
    write(terminal, 'one\r\ntwo\tx\r\nab\bc');
    expect(rows(terminal)).toEqual(['one', 'two     x', 'ac', '']);
    expect(terminal.cursor).toEqual({ column: 2, row: 2 });
  });

  it('wraps only when something follows the last column', () => {
    const terminal = new Terminal(4, 3);
    write(terminal, 'abcd');
    expect(terminal.cursor).toEqual({ column: 3, row: 0 });
    write(terminal, '\r\nef');
    expect(rows(terminal)).toEqual(['abcd', 'ef', '']);
    write(terminal, 'ghij');
    expect(rows(terminal)).toEqual(['abcd', 'efgh', 'ij']);
  });

  it('scrolls, within a region and back', () => {
    const terminal = new Terminal(3, 3);
    write(terminal, 'a\r\nb\r\nc\r\nd');
    expect(rows(terminal)).toEqual(['b', 'c', 'd']);
    write(terminal, '\x1b[1;2r\x1b[2;1Hx\r\ny');
    expect(rows(terminal)).toEqual(['x', 'y', 'd']);
    write(terminal, '\x1b[1;1H\x1bMz');
    expect(rows(terminal)).toEqual(['z', 'x', 'd']);
  });

  it('moves the cursor and erases [ECMA-48 §8.3]', () => {
    const terminal = new Terminal(6, 3);
    write(terminal, 'aaaaaa\x1b[2;1Hbbbbbb\x1b[3;1Hcccccc');
    write(terminal, '\x1b[2;3H\x1b[K');
    expect(rows(terminal)).toEqual(['aaaaaa', 'bb', 'cccccc']);
    write(terminal, '\x1b[A\x1b[1K\x1b[5Gx\x1b[2B\x1b[2D\x1b[0Jy');
    expect(rows(terminal)).toEqual(['   axa', 'bb', 'cccy']);
    write(terminal, '\x1b7\x1b[2J\x1b8z');
    expect(rows(terminal)).toEqual(['', '', '    z']);
    write(terminal, '\x1b[H\x1b[Ltop\x1b[2;1H\x1b[M');
    expect(rows(terminal)).toEqual(['top', '', '']);
  });

  it('leaves out sequences it does not know, and strings', () => {
    const terminal = new Terminal(20, 2);
    write(terminal, '\x1b[?2004h\x1b[6n\x1b]0;a title\x07a\x1b(Bb\x1b]2;x\x1b\\c\x1b[>1;2cd\x1b=e');
    expect(rows(terminal)[0]).toBe('abcde');
    write(terminal, `\x1b]0;${'x'.repeat(1000)}`);
    write(terminal, 'y\x07\rF');
    expect(rows(terminal)[0]).toBe('Fbcde');
    write(terminal, '\x1b[?25l');
    expect(terminal.cursor).toBeUndefined();
    write(terminal, '\x1bc');
    expect(terminal.cursor).toEqual({ column: 0, row: 0 });
  });

  it('takes bytes in any pieces', () => {
    const text = 'ü\x1b[31mred\x1b[0m \x1b[2;2Hé';
    const whole = new Terminal(20, 3);
    whole.write(Buffer.from(text));
    const pieces = new Terminal(20, 3);
    for (const byte of Buffer.from(text)) pieces.write(Uint8Array.of(byte));
    expect(rows(pieces)).toEqual(rows(whole));
    expect(rows(whole)).toEqual(['üred', ' é', '']);
    expect(pieces.screen.paint()).toEqual(whole.screen.paint());
  });

  it('survives whatever a machine sends', () => {
    const next = random(48);
    const below = (limit: number): number => Math.floor(next() * limit);
    const terminal = new Terminal(10, 5);
    const bytes = new Uint8Array(64);
    const likely = Buffer.from('\x1b[]0123456789;?HJKLMABCDrmcdG\r\n\tx\x07');
    for (let round = 0; round < 5000; round++) {
      for (let i = 0; i < bytes.length; i++) {
        bytes[i] = below(3) === 0 ? below(256) : likely[below(likely.length)]!;
      }
      terminal.write(bytes);
      const { cursor } = terminal;
      if (cursor === undefined) continue;
      expect(cursor.column >= 0 && cursor.column < 10 && cursor.row >= 0 && cursor.row < 5).toBe(true);
    }
    terminal.write(Buffer.from('\x07\x1b\\\x1bcfine'));
    expect(terminal.screen.text(0)).toBe('fine');
  });

  it('sends the sequences of keys', () => {
    expect(keySequence('Enter', 13, false)).toBe('\r');
    expect(keySequence('ArrowUp', 0, false)).toBe('\x1b[A');
    expect(keySequence('KeyC', 0x63, true)).toBe('\x03');
    expect(keySequence('BracketRight', 0x5d, true)).toBe('\x1d');
    expect(keySequence('KeyC', 0x63, false)).toBeUndefined();
  });
});

describe('TextScreen', () => {
  it('paints characters with the built-in font', () => {
    const screen = new TextScreen(2, 1);
    screen.put(1, 0, 0x41, 12, 2);
    const pixels = new DataView(screen.paint().buffer);
    const lines = glyph(0x41);
    lines.forEach((bits, y) => {
      for (let x = 0; x < GLYPH_WIDTH; x++) {
        const on = ((bits << x) & 0x80) !== 0;
        expect(pixels.getUint32((y * 16 + 8 + x) * 4)).toBe(on ? 0x55_55ff_ff : 0x00_aa00_ff);
      }
    });
  });

  it('cuts what is too long', () => {
    const screen = new TextScreen(4, 2);
    screen.write(2, 0, 'abcdef');
    expect(screen.text(0)).toBe('  ab');
    expect(screen.text(1)).toBe('');
  });
});

describe('Console', () => {
  it('shows its name, what came and the cursor, and sends what is typed', () => {
    const sent: string[] = [];
    const port = new ClientPort('org.emeritus.console.serial.0.0', (bytes) => sent.push(Buffer.from(bytes).toString()));
    let changes = 0;
    const console = new Console(port, () => changes++);
    port.onData(Buffer.from('login: '));
    expect(changes).toBe(1);
    const screen = console.screen('F12+0: back');
    expect(screen.text(0)).toBe(' serial line 0 - F12+0: back');
    expect(screen.text(1)).toBe('login:');
    console.type('a\nb');
    console.key('ArrowLeft', 0, false);
    console.key('KeyD', 0x64, true);
    expect(sent).toEqual(['a\rb', '\x1b[D', '\x04']);
  });
});
