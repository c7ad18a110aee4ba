import { describe, expect, it } from 'vitest';
import type { Picture } from '../../../../machines/backplane/host.ts';
import {
  type BitmapFont,
  fontFrom,
  FontLearner,
  textOf,
  UNREADABLE,
  withFont,
} from '../../../../machines/devices/display/screen-text.ts';

type Color = readonly [number, number, number];
const BLACK: Color = [0, 0, 0];
const GREY: Color = [170, 170, 170];
const RED: Color = [170, 0, 0];

const glyph = (char: string, ...rows: string[]): { char: string; rows: number[] } => ({
  char,
  rows: rows.map((row) => parseInt(row.replaceAll('.', '0').replaceAll('#', '1'), 2)),
});

const FONT: BitmapFont = {
  width: 4,
  height: 6,
  glyphs: [
    glyph('A', '.#..', '#.#.', '###.', '#.#.', '#.#.', '....'),
    glyph('L', '#...', '#...', '#...', '#...', '###.', '....'),
    glyph('T', '###.', '.#..', '.#..', '.#..', '.#..', '....'),
    glyph('_', '....', '....', '....', '....', '....', '####'),
    glyph('█', '####', '####', '###.', '####', '####', '####'),
  ],
};

class Console {
  readonly picture: Picture;
  readonly #left: number;
  readonly #top: number;

  constructor(columns: number, rows: number, { left = 0, top = 0 } = {}) {
    const width = columns * FONT.width + left * 2;
    const height = rows * FONT.height + top * 2;
    this.picture = { width, height, rgba: new Uint8Array(width * height * 4) };
    this.#left = left;
    this.#top = top;
    this.fill(0, 0, width, height, BLACK);
  }

  fill(x: number, y: number, width: number, height: number, color: Color): void {
    for (let row = y; row < y + height; row++) {
      for (let column = x; column < x + width; column++) {
        this.picture.rgba.set([...color, 255], (row * this.picture.width + column) * 4);
      }
    }
  }

  print(column: number, row: number, text: string, foreground = GREY, background = BLACK): this {
    [...text].forEach((char, i) => {
      const x = this.#left + (column + i) * FONT.width;
      const y = this.#top + row * FONT.height;
      this.fill(x, y, FONT.width, FONT.height, background);
      const rows = FONT.glyphs.find((one) => one.char === char)?.rows ?? [];
      rows.forEach((bits, dy) => {
        for (let dx = 0; dx < FONT.width; dx++) {
          if (bits & (8 >> dx)) this.fill(x + dx, y + dy, 1, 1, foreground);
        }
      });
    });
    return this;
  }
}

describe('textOf', () => {
  it('reads rows without trailing spaces', () => {
    const { picture } = new Console(6, 3).print(0, 0, 'TALL').print(1, 2, 'A L');
    expect(textOf(picture, FONT)).toEqual(['TALL', '', ' A L']);
  });

  it('reads any two colours, inverse text and an offset', () => {
    const screen = new Console(5, 2, { left: 3, top: 2 });
    screen.print(0, 0, 'LAT', RED).print(0, 1, 'LAT ', BLACK, GREY);
    expect(textOf(screen.picture, FONT, { left: 3, top: 2 })).toEqual(['LAT', 'LAT']);
  });

  it('reads under block and underline cursors', () => {
    const screen = new Console(4, 1).print(0, 0, 'A', BLACK, GREY).print(1, 0, 'LT ');
    screen.fill(4, 4, 4, 2, GREY); // two filled rows over the L
    screen.fill(12, 4, 4, 2, GREY); // and over nothing
    expect(textOf(screen.picture, FONT)).toEqual(['ALT']);
    expect(textOf(new Console(2, 1).print(0, 0, 'A_').picture, FONT)).toEqual(['A_']);
  });

  it('tells what it cannot read from what is empty', () => {
    const screen = new Console(4, 1).print(1, 0, 'T');
    screen.fill(0, 0, 1, 1, RED);
    screen.fill(1, 1, 1, 1, GREY);
    screen.fill(8, 2, 2, 2, GREY);
    expect(textOf(screen.picture, FONT)).toEqual([`${UNREADABLE}T${UNREADABLE}`]);
  });

  it('takes a font given by character codes', () => {
    const rows: Record<number, number[]> = { 0x4c: [...FONT.glyphs[1]!.rows], 0x54: [...FONT.glyphs[2]!.rows] };
    const font = fontFrom(4, 6, (code) => rows[code] ?? [1, 2, 3], [0x4c, 0x54]);
    expect(textOf(new Console(3, 1).print(0, 0, 'LTA').picture, font)).toEqual([`LT${UNREADABLE}`]);
    expect(fontFrom(8, 16, () => []).glyphs).toHaveLength(95);
  });

  it('has no cells in a picture smaller than one', () => {
    expect(textOf({ width: 3, height: 3, rgba: new Uint8Array(36) }, FONT)).toEqual([]);
  });
});

describe('FontLearner', () => {
  it('learns a font with which other text can be read', () => {
    const learner = new FontLearner(4, 6);
    learner.learn(new Console(10, 1).print(0, 0, 'LA').picture, ['LA']);
    learner.learn(new Console(10, 2, { top: 2 }).print(1, 1, 'T_█').picture, ['', ' T_█'], { left: 0, top: 2 });
    expect(learner.font.glyphs).toHaveLength(5);
    const { picture } = new Console(10, 2).print(2, 0, 'ALL TALL', RED).print(0, 1, '_A_█');
    expect(textOf(picture, learner.font)).toEqual(['  ALL TALL', '_A_█']);
  });

  it('refuses text that the picture does not show, and then learns nothing', () => {
    const learner = new FontLearner(4, 6);
    const { picture } = new Console(4, 1).print(0, 0, 'LA');
    expect(() => learner.learn(picture, ['LL'])).not.toThrow(); // a character may have two glyphs
    expect(() => learner.learn(picture, ['AA'])).toThrow(/looks the same as "L"/);
    expect(() => learner.learn(picture, ['LLL'])).toThrow(/no glyph/);
    expect(() => learner.learn(picture, [' L'])).toThrow(/something to see/);
    expect(() => learner.learn(picture, ['LL   '])).toThrow(/outside/);
    expect(learner.font.glyphs).toHaveLength(2);
  });
});

describe('withFont', () => {
  it("prefers the adapter's own text and otherwise reads the picture", () => {
    const { picture } = new Console(4, 1).print(0, 0, 'TALL');
    const graphics = withFont({ picture: () => picture }, FONT);
    expect(graphics.text?.()).toEqual(['TALL']);
    expect(withFont({ picture: () => picture, text: () => ['own'] }, FONT).text?.()).toEqual(['own']);
    expect(withFont({ picture: () => undefined }, FONT).text?.()).toBeUndefined();
  });
});
