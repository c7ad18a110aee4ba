// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { GLYPH_HEIGHT, GLYPH_WIDTH, glyph } from '../../../machines/firmware/font.ts';
import { FakeHost, TestFirmware } from './fake-host.ts';

/** Reads the text of a frame buffer back by comparing cells with the font. */
function screenText(host: FakeHost): string[] {
  const screen = host.screen!;
  const pixelBytes = screen.stride / screen.width;
  const byShape = new Map(
    Array.from({ length: 95 }, (_, i) => [glyph(0x20 + i).join(), String.fromCharCode(0x20 + i)]),
  );
  const columns = Math.min(132, Math.floor(screen.width / GLYPH_WIDTH));
  const left = Math.floor((screen.width - columns * GLYPH_WIDTH) / 2);
  const rows = Math.floor(screen.height / GLYPH_HEIGHT);
  const top = Math.floor((screen.height - rows * GLYPH_HEIGHT) / 2);
  const paper = host.pixels.slice(0, pixelBytes).join();
  return Array.from({ length: rows }, (_, row) => {
    let text = '';
    for (let column = 0; column < columns; column++) {
      const lines: number[] = [];
      for (let y = 0; y < GLYPH_HEIGHT; y++) {
        let bits = 0;
        for (let x = 0; x < GLYPH_WIDTH; x++) {
          const at = (top + row * GLYPH_HEIGHT + y) * screen.stride + (left + column * GLYPH_WIDTH + x) * pixelBytes;
          bits = bits * 2 + (host.pixels.slice(at, at + pixelBytes).join() === paper ? 0 : 1);
        }
        lines.push(bits);
      }
      text += byShape.get(lines.join()) ?? '?';
    }
    return text.trimEnd();
  });
}

describe('font', () => {
  it('has a shape of its own for every printable character', () => {
    const shapes = new Set(Array.from({ length: 95 }, (_, i) => glyph(0x20 + i).join()));
    expect(shapes.size).toBe(95);
    for (const code of [0, 0x1f, 0x7f, 0xff]) expect(glyph(code)).toEqual(glyph(0x7f));
    for (let code = 0x20; code < 0x80; code++) expect(glyph(code).length).toBe(GLYPH_HEIGHT);
  });
});

describe('screen terminal', () => {
  for (const depth of [8, 15, 16, 32] as const) {
    it(`shows the prompt at ${depth} bits a pixel`, () => {
      const firmware = new TestFirmware({}, new FakeHost({ width: 640, height: 400, depth })).boot();
      firmware.typed('1 2 + .\r');
      const text = screenText(firmware.host);
      expect(text).toContain('Emeritus Open Firmware');
      expect(text).toContain('0 > 1 2 + . 3  ok');
      // The cursor is a box behind the prompt.
      expect(text.find((line) => line.startsWith('0 > ?'))).toBeDefined();
      expect(firmware.host.output).toContain('1 2 + . 3  ok');
    });
  }

  const firmware = new TestFirmware({}, new FakeHost({ width: 320, height: 160, depth: 8 })).boot();
  firmware.call('getprop', firmware.call('finddevice', '/chosen'), 'stdout', 0x20_0100, 4);
  const stdout = firmware.host.view.getUint32(0x20_0100);
  const write = (text: string): void => {
    firmware.host.put(0x20_0000, text);
    firmware.call('write', stdout, 0x20_0000, text.length);
  };
  const show = (text: string): string[] => {
    write(text);
    return screenText(firmware.host);
  };

  it('obeys control sequences', () => {
    expect(show('\x0cone\r\ntwo\r\nthree').slice(0, 4)).toEqual(['one', 'two', 'three?', '']);
    expect(show('\x1b[1;1HX\x1b[3;2HY\x1b[10;1H').slice(0, 3)).toEqual(['Xne', 'two', 'tYree']);
    expect(show('\x1b[1;2H\x1b[K\x1b[10;1H')[0]).toBe('X');
    expect(show('\x1b[2;1H\x1b[L\x1b[10;1H').slice(0, 4)).toEqual(['X', '', 'two', 'tYree']);
    expect(show('\x1b[2;1H\x1b[M\x1b[10;1H').slice(0, 3)).toEqual(['X', 'two', 'tYree']);
    expect(show('\x1b[3;2H\x1b[2@\x1b[10;1H')[2]).toBe('t  Yree');
    expect(show('\x1b[3;2H\x1b[2P\x1b[10;1H')[2]).toBe('tYree');
    expect(show('\x1b[3;1H\x1b[A\x1b[2CZ\x1b[10;1H')[1]).toBe('twZ');
    expect(show('\x1b[2;2H\x1b[J\x1b[10;1H').slice(0, 4)).toEqual(['X', 't', '', '']);
    expect(show('\x0ca\tb\bc\x1b[10;1H')[0]).toBe('a       c');
    const wrapped = show(`\x0c${'w'.repeat(45)}\x1b[10;1H`);
    expect([wrapped[0], wrapped[1]]).toEqual(['w'.repeat(40), 'wwwww']);
    expect(show('\x0c1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n8\r\n9\r\n10\r\n11\x1b[1;1H\x0bx').slice(1, 10)).toEqual([
      '3',
      '4',
      '5',
      '6',
      '7',
      '8',
      '9',
      '10',
      '11',
    ]);
  });

  it('survives any bytes', () => {
    let seed = 3;
    const random = (n: number): number => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) % n;
    for (let i = 0; i < 500; i++) {
      const text = Array.from({ length: 20 }, () => (random(3) === 0 ? '\x1b[' : String.fromCharCode(1 + random(255))));
      write(text.join('') + `\x1b[${random(99999)}${'@ABCDEHJKLMPmpqs'[random(16)]}`);
    }
    expect(show('\x1b\x1b[s\x0cfine\x1b[10;1H')[0]).toBe('fine');
  });

  it('gives the display its methods', () => {
    const display = firmware.call('open', 'screen');
    expect(firmware.service('call-method', 1, 'color!', display, 7, 3, 2, 1).results).toEqual([0]);
    expect(firmware.host.colors.get(7)).toEqual([1, 2, 3]);
    expect(firmware.service('call-method', 4, 'color@', display, 7).results).toEqual([0, 3, 2, 1]);
    firmware.host.ram.set([9, 8, 7, 6, 5, 4], 0x20_0000);
    expect(firmware.service('call-method', 1, 'set-colors', display, 2, 255, 0x20_0000).results).toEqual([0]);
    expect(firmware.host.colors.get(255)).toEqual([9, 8, 7]);
    expect(firmware.service('call-method', 3, 'dimensions', display).results).toEqual([0, 160, 320]);
    expect(firmware.service('call-method', 1, 'fill-rectangle', display, 2, 3, 100, 5, 0x33).results).toEqual([0]);
    expect([...firmware.host.pixels.subarray(100 * 320 + 4, 100 * 320 + 9)]).toEqual([15, 0x33, 0x33, 0x33, 15]);
    expect(firmware.service('call-method', 1, 'draw-rectangle', display, 2, 3, 100, 5, 0x20_0000).results).toEqual([0]);
    expect([...firmware.host.pixels.subarray(101 * 320 + 5, 101 * 320 + 8)]).toEqual([6, 5, 4]);
    for (const method of ['fill-rectangle', 'draw-rectangle']) {
      firmware.service('call-method', 1, method, display, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 1, 0);
      firmware.service('call-method', 1, method, display, 0xffff_ffff, 0xffff_ffff, 0, 0, 0);
    }
  });
});
