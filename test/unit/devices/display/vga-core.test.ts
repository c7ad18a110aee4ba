import { describe, expect, it } from 'vitest';
import type { MemoryMap } from '../../../../machines/backplane/memory-map.ts';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { BochsVga } from '../../../../machines/devices/display/bochs-vga.ts';
import { FakeBoard } from '../../../support/fake-board.ts';

/** The standard VGA part, reached as software on a PC would: ports and the window at their usual addresses. */
class Vga {
  readonly fake = new FakeBoard(1_000_000_000, 4 << 20);
  readonly chip = new BochsVga(this.fake.chip('vga'), this.fake.board.memory, { memoryBytes: 1 << 20 });
  readonly #io: MemoryMap = this.fake.map('io');
  readonly #memory: MemoryMap = this.fake.map('memory');

  constructor() {
    this.#io.add(region(0x3b0, 0x3df).device(this.chip.ports, 'vga'));
    this.#memory.add(region(0xa_0000, 0xb_ffff).device(this.chip.window, 'window'));
    this.out(0x3c2, 0x63); // colour, RAM enabled
  }

  out = (port: number, value: number): void => this.#io.write(port, 1, value);
  in = (port: number): number => this.#io.read(port, 1);
  indexed = (port: number, values: Record<number, number>): void => {
    for (const [index, value] of Object.entries(values)) {
      this.out(port, Number(index));
      this.out(port + 1, value);
    }
  };
  sr = (values: Record<number, number>): void => this.indexed(0x3c4, values);
  gr = (values: Record<number, number>): void => this.indexed(0x3ce, values);
  cr = (values: Record<number, number>): void => this.indexed(0x3d4, values);
  ar(values: Record<number, number>): void {
    this.in(0x3da);
    for (const [index, value] of Object.entries(values)) {
      this.out(0x3c0, Number(index));
      this.out(0x3c0, value);
    }
    this.out(0x3c0, 0x20);
  }
  poke = (pa: number, value: number): void => this.#memory.write(pa, 1, value);
  peek = (pa: number): number => this.#memory.read(pa, 1);

  /** Palette entries 0-15 are the attribute registers' numbers, DAC entry n is (n, 2n, 0) of 63. */
  palette(): void {
    this.ar(Object.fromEntries(Array.from({ length: 16 }, (_, i) => [i, i])));
    this.ar({ 0x12: 0x0f });
    this.out(0x3c8, 0);
    for (let i = 0; i < 16; i++) for (const level of [i, 2 * i, 0]) this.out(0x3c9, level);
  }

  /** 40 × 5 characters of 8 × 4. */
  textMode(): void {
    this.sr({ 1: 0x01, 2: 0x03, 3: 0x00, 4: 0x02 });
    this.gr({ 4: 0, 5: 0x10, 6: 0x0e, 7: 0, 8: 0xff });
    this.cr({ 0x11: 0, 1: 39, 7: 0x10, 9: 0x43, 0x12: 19, 0x13: 20, 0x17: 0xa3, 0x18: 0xff, 0x14: 0x1f, 0x0a: 0x20 });
    this.palette();
  }

  /** Draws glyph `code` of font 0, one number a row. */
  glyph(code: number, rows: readonly number[]): void {
    this.sr({ 2: 0x04, 4: 0x06 });
    this.gr({ 4: 2, 5: 0x00, 6: 0x04 });
    rows.forEach((row, y) => this.poke(0xa_0000 + code * 32 + y, row));
    this.sr({ 2: 0x03, 4: 0x02 });
    this.gr({ 4: 0, 5: 0x10, 6: 0x0e });
  }

  /** The red levels (n of palette()) of pixels [x, x + count) of line `y`. */
  line(y: number, x: number, count: number): number[] {
    const picture = this.chip.picture()!;
    return Array.from({ length: count }, (_, i) => picture.rgba[(y * picture.width + x + i) * 4]! >>> 2);
  }
}

describe('VGA registers', () => {
  it('read back what can be written, and no more', () => {
    const vga = new Vga();
    const masks: Record<number, number[]> = {
      0x3c4: [0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0, 0, 0],
      0x3ce: [0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff, 0],
    };
    for (const [port, expected] of Object.entries(masks)) {
      const read = expected.map((_, index) => {
        vga.out(Number(port), index);
        vga.out(Number(port) + 1, 0xff);
        return vga.in(Number(port) + 1);
      });
      expect(read).toEqual(expected);
    }
  });

  it('take attribute index and data in turn; reading input status 1 makes the next write an index', () => {
    const vga = new Vga();
    vga.in(0x3da);
    vga.out(0x3c0, 0x05);
    vga.out(0x3c0, 0xff);
    vga.out(0x3c0, 0x06);
    vga.in(0x3da);
    vga.out(0x3c0, 0x05);
    expect(vga.in(0x3c0)).toBe(0x05);
    expect(vga.in(0x3c1)).toBe(0x3f);
  });

  it('protect CR0 to CR7 while CR11 bit 7 is set, but for the line compare bit', () => {
    const vga = new Vga();
    vga.cr({ 0x00: 0x55, 0x07: 0x0f, 0x11: 0x80 });
    vga.cr({ 0x00: 0xaa, 0x07: 0xf0, 0x08: 0x03 });
    const read = (index: number): number => {
      vga.out(0x3d4, index);
      return vga.in(0x3d5);
    };
    expect([read(0x00), read(0x07), read(0x08)]).toEqual([0x55, 0x1f, 0x03]);
  });

  it('answer at 3bx or 3dx as the miscellaneous output says', () => {
    const vga = new Vga();
    vga.cr({ 0x0f: 0x12 });
    expect(vga.in(0x3b5)).toBe(0xff);
    vga.out(0x3c2, 0x62);
    expect([vga.in(0x3b5), vga.in(0x3d5), vga.in(0x3cc)]).toEqual([0x12, 0xff, 0x62]);
  });

  it('stop answering while the subsystem is disabled', () => {
    const vga = new Vga();
    vga.out(0x3c3, 0);
    expect([vga.in(0x3cc), vga.in(0x3c3)]).toEqual([0xff, 0]);
    vga.out(0x3c3, 1);
    expect(vga.in(0x3cc)).toBe(0x63);
  });

  it('write and read the DAC three bytes at a time, and say which way', () => {
    const vga = new Vga();
    vga.out(0x3c8, 0xff);
    expect(vga.in(0x3c7)).toBe(0);
    for (const level of [1, 2, 0x7f, 4, 5]) vga.out(0x3c9, level);
    expect(vga.in(0x3c8)).toBe(0);
    vga.out(0x3c7, 0xff);
    expect(vga.in(0x3c7)).toBe(3);
    // Entry 0 has had two of its three bytes: it is unchanged.
    expect([1, 2, 3, 4].map(() => vga.in(0x3c9))).toEqual([1, 2, 0x3f, 0]);
  });
});

describe('VGA input status 1', () => {
  /** 800 × 449 dots of 25.175 MHz: 31.778 µs a line, 70.08 frames a second. */
  const lineNs = 800 / 0.025175;
  function at70Hz(): Vga {
    const vga = new Vga();
    vga.sr({ 1: 1 });
    vga.cr({ 0x11: 0, 0: 95, 1: 79, 4: 85, 5: 0x81, 6: 0xbf, 7: 0x1f, 0x12: 0x8f });
    vga.cr({ 0x10: 0x9c, 0x11: 0x8e });
    return vga;
  }

  it('shows vertical retrace from its line on, for its number of lines', () => {
    const vga = at70Hz();
    // V_RETRACE_START 0x19c = 412, end 0xe: two lines.
    vga.fake.advanceNs(411.9 * lineNs);
    expect(vga.in(0x3da) & 0x08).toBe(0);
    vga.fake.advanceNs(0.2 * lineNs);
    expect(vga.in(0x3da) & 0x09).toBe(0x09);
    vga.fake.advanceNs(2 * lineNs);
    expect(vga.in(0x3da) & 0x09).toBe(0x01);
    vga.fake.advanceNs(449 * lineNs - 2 * lineNs);
    expect(vga.in(0x3da) & 0x08).toBe(0x08);
  });

  it('shows display disable in horizontal blanking', () => {
    const vga = at70Hz();
    vga.fake.advanceNs(10.75 * lineNs);
    expect(vga.in(0x3da)).toBe(0);
    vga.fake.advanceNs(0.1 * lineNs);
    expect(vga.in(0x3da)).toBe(0x01);
  });

  it('runs at 60 Hz when the CRTC is not programmed', () => {
    const vga = new Vga();
    let retraces = 0;
    let before = 0;
    for (let i = 0; i < 20_000; i++) {
      const now = vga.in(0x3da) & 0x08;
      if (now && !before) retraces++;
      before = now;
      vga.fake.advanceNs(50_000);
    }
    expect(retraces).toBeGreaterThanOrEqual(59);
    expect(retraces).toBeLessThanOrEqual(60);
  });
});

describe('VGA window', () => {
  function planar(): Vga {
    const vga = new Vga();
    vga.sr({ 2: 0x0f, 4: 0x06 });
    vga.gr({ 0: 0, 1: 0, 3: 0, 4: 0, 5: 0, 6: 0x05, 7: 0x0f, 8: 0xff });
    return vga;
  }
  const planes = (vga: Vga, offset: number): number[] => [
    ...vga.chip.framebuffer.bytes.subarray(offset * 4).slice(0, 4),
  ];

  it('writes the planes of the map mask and reads the selected one', () => {
    const vga = planar();
    vga.sr({ 2: 0x0a });
    vga.poke(0xa_0010, 0x5a);
    expect(planes(vga, 0x10)).toEqual([0, 0x5a, 0, 0x5a]);
    vga.gr({ 4: 1 });
    expect(vga.peek(0xa_0010)).toBe(0x5a);
    vga.gr({ 4: 2 });
    expect(vga.peek(0xa_0010)).toBe(0);
  });

  it('rotates, sets and resets planes, and masks bits in write mode 0', () => {
    const vga = planar();
    vga.poke(0xa_0000, 0xf0);
    vga.peek(0xa_0000); // latches f0 in all planes
    vga.gr({ 0: 0x04, 1: 0x0c, 3: 0x04, 8: 0x3c });
    vga.poke(0xa_0000, 0x12); // rotated by four: 21
    const untouched = 0xf0 & ~0x3c;
    expect(planes(vga, 0)).toEqual([0x21 & 0x3c, 0x21 & 0x3c, 0x3c, 0].map((bits) => bits | untouched));
  });

  it.each([
    ['and', 1, 0x50],
    ['or', 2, 0xf5],
    ['xor', 3, 0xa5],
  ] as const)('combines with the latches by %s', (_name, operation, expected) => {
    const vga = planar();
    vga.poke(0xa_0000, 0xf0);
    vga.peek(0xa_0000);
    vga.gr({ 3: operation << 3 });
    vga.poke(0xa_0001, 0x55);
    expect(planes(vga, 1)).toEqual(Array(4).fill(expected));
  });

  it('copies the latches in write mode 1', () => {
    const vga = planar();
    vga.gr({ 5: 2 });
    vga.poke(0xa_0000, 0x06);
    vga.peek(0xa_0000);
    vga.gr({ 5: 1 });
    vga.poke(0xa_0123, 0xee);
    expect(planes(vga, 0x123)).toEqual([0, 0xff, 0xff, 0]);
  });

  it('takes the data as colour in write mode 2 and as bit mask in write mode 3', () => {
    const vga = planar();
    vga.gr({ 5: 2, 8: 0x0f });
    vga.poke(0xa_0000, 0x05);
    expect(planes(vga, 0)).toEqual([0x0f, 0, 0x0f, 0]);
    vga.gr({ 5: 3, 0: 0x08, 8: 0x3c });
    vga.peek(0xa_0002);
    vga.poke(0xa_0002, 0xf0);
    expect(planes(vga, 2)).toEqual([0, 0, 0, 0x30]);
  });

  it('compares colours in read mode 1', () => {
    const vga = planar();
    vga.gr({ 5: 2 });
    vga.gr({ 8: 0xf0 });
    vga.poke(0xa_0000, 0x06); // left four pixels colour 6, the others 0
    vga.gr({ 5: 0x0a, 2: 0x06, 7: 0x0f });
    expect(vga.peek(0xa_0000)).toBe(0xf0);
    vga.gr({ 2: 0x01, 7: 0x08 }); // only plane 3 counts
    expect(vga.peek(0xa_0000)).toBe(0xff);
  });

  it('is linear in chain-4 mode, subject to the map mask', () => {
    const vga = planar();
    vga.sr({ 4: 0x0e, 2: 0x0b });
    for (let i = 0; i < 4; i++) vga.poke(0xa_0100 + i, 0x10 + i);
    expect(planes(vga, 0x40)).toEqual([0x10, 0x11, 0, 0x13]);
    expect(vga.peek(0xa_0103)).toBe(0x13);
  });

  it('puts even and odd addresses into alternate planes in odd/even mode', () => {
    const vga = new Vga();
    vga.sr({ 2: 0x03, 4: 0x02 });
    vga.gr({ 5: 0x10, 6: 0x0e, 8: 0xff });
    vga.poke(0xb_8002, 0x41);
    vga.poke(0xb_8003, 0x07);
    expect(planes(vga, 1)).toEqual([0x41, 0x07, 0, 0]);
    expect([vga.peek(0xb_8002), vga.peek(0xb_8003)]).toEqual([0x41, 0x07]);
  });

  it.each([
    [0x00, [0xa_0000, 0xb_ffff], []],
    [0x04, [0xa_0000, 0xa_ffff], [0xb_0000, 0xb_8000]],
    [0x08, [0xb_0000, 0xb_7fff], [0xa_0000, 0xb_8000]],
    [0x0c, [0xb_8000, 0xb_ffff], [0xa_0000, 0xb_0000]],
  ])('answers only in the range of memory map %i', (map, inside, outside) => {
    const vga = planar();
    vga.gr({ 6: map });
    for (const pa of inside) {
      vga.poke(pa, 0x77);
      expect(vga.peek(pa)).toBe(0x77);
    }
    for (const pa of outside) expect(vga.peek(pa)).toBe(0xff);
  });

  it('is closed while the miscellaneous output disables RAM', () => {
    const vga = planar();
    vga.out(0x3c2, 0x61);
    vga.poke(0xa_0000, 0x77);
    expect(vga.peek(0xa_0000)).toBe(0xff);
    expect(planes(vga, 0)).toEqual([0, 0, 0, 0]);
  });
});

describe('VGA pictures', () => {
  it('are absent until the attribute controller shows them, and while the screen is off', () => {
    const vga = new Vga();
    vga.textMode();
    expect(vga.chip.picture()).toMatchObject({ width: 320, height: 20 });
    vga.sr({ 1: 0x21 });
    expect(vga.chip.picture()).toBeUndefined();
    vga.sr({ 1: 0x01 });
    vga.in(0x3da);
    vga.out(0x3c0, 0x00);
    expect(vga.chip.picture()).toBeUndefined();
  });

  it('show text in its colours, and tell it', () => {
    const vga = new Vga();
    vga.textMode();
    vga.glyph(0x41, [0x81, 0, 0xff, 0]);
    vga.poke(0xb_8000 + 80 + 2, 0x41); // row 1, column 1
    vga.poke(0xb_8000 + 80 + 3, 0x2e);
    expect(vga.line(4, 8, 8)).toEqual([14, 2, 2, 2, 2, 2, 2, 14]);
    expect(vga.line(6, 8, 9)).toEqual([...Array(8).fill(14), 0]);
    expect(vga.chip.text()!.slice(0, 3)).toEqual(['', ' A', '']);
  });

  it('repeat the eighth dot of line-drawing characters in nine-dot text', () => {
    const vga = new Vga();
    vga.textMode();
    vga.sr({ 1: 0x00 });
    vga.ar({ 0x13: 0x08 }); // no panning when there are nine dots
    vga.glyph(0xc4, [0xff]);
    vga.glyph(0x41, [0xff]);
    for (const [at, value] of [0xc4, 0x0f, 0x41, 0x0f].entries()) vga.poke(0xb_8000 + at, value);
    expect(vga.line(0, 7, 3)).toEqual([15, 0, 15]);
    vga.ar({ 0x10: 0x04 });
    expect(vga.line(0, 7, 3)).toEqual([15, 15, 15]);
    expect(vga.line(0, 17, 2)).toEqual([0, 0]);
  });

  it('show a blinking cursor, and blinking characters at half its rate', () => {
    const vga = new Vga();
    vga.textMode();
    vga.ar({ 0x10: 0x08 });
    vga.cr({ 0x0a: 0x02, 0x0b: 0x03, 0x0e: 0, 0x0f: 1 });
    vga.glyph(0x41, [0xff]);
    for (const [at, value] of [0x41, 0x8f, 0x20, 0x07].entries()) vga.poke(0xb_8000 + at, value);
    const seen = new Set<string>();
    const sequence: string[] = [];
    for (let frame = 0; frame < 64; frame++) {
      const now = `${vga.line(0, 0, 1)[0]} ${vga.line(2, 8, 1)[0]}`;
      if (!seen.has(now)) sequence.push(now);
      seen.add(now);
      vga.fake.advanceNs(16_683_000);
    }
    expect(sequence).toEqual(['15 7', '15 0', '0 7', '0 0']);
    expect(vga.line(1, 8, 1)).toEqual([0]);
  });

  it('take glyphs of the second font when attribute bit 3 is set', () => {
    const vga = new Vga();
    vga.textMode();
    vga.glyph(0x41, [0x80]);
    vga.glyph(0x41 + 0x2000 / 32, [0x40]); // font 4 is 8 KiB further
    vga.sr({ 3: 0x20 });
    for (const [at, value] of [0x41, 0x07, 0x41, 0x0f].entries()) vga.poke(0xb_8000 + at, value);
    expect(vga.line(0, 0, 2)).toEqual([7, 0]);
    expect(vga.line(0, 8, 2)).toEqual([0, 15]);
  });

  it('show sixteen colours from four planes, with panning and the plane enable', () => {
    const vga = new Vga();
    vga.textMode();
    vga.sr({ 2: 0x0f, 4: 0x06 });
    vga.gr({ 5: 0x02, 6: 0x05, 8: 0xff });
    vga.cr({ 9: 0x40, 0x17: 0xe3 });
    vga.gr({ 8: 0x80 });
    vga.poke(0xa_0000, 0x0d);
    vga.peek(0xa_0028);
    vga.gr({ 8: 0x01 });
    vga.poke(0xa_0028, 0x03); // second line: 40 bytes further
    expect(vga.line(0, 0, 2)).toEqual([13, 0]);
    expect(vga.line(1, 6, 2)).toEqual([0, 3]);
    vga.ar({ 0x13: 0x02 });
    expect(vga.line(1, 5, 2)).toEqual([3, 0]);
    vga.ar({ 0x12: 0x01 });
    expect(vga.line(1, 5, 1)).toEqual([1]);
  });

  it('show 256 colours twice as wide, from the start address, with the line compare', () => {
    const vga = new Vga();
    vga.textMode();
    vga.sr({ 2: 0x0f, 4: 0x0e });
    vga.gr({ 5: 0x40, 6: 0x05 });
    vga.cr({ 9: 0x01, 0x07: 0x00, 0x13: 20, 0x17: 0xa3, 0x18: 0x09, 0x0c: 0, 0x0d: 40 });
    vga.poke(0xa_0000, 5); // word 0
    vga.poke(0xa_00a0, 6); // word 40, where the picture begins
    vga.poke(0xa_00a1, 7);
    expect(vga.line(0, 0, 5)).toEqual([6, 6, 7, 7, 0]);
    expect(vga.line(1, 0, 1)).toEqual([6]); // every line twice
    expect(vga.line(9, 0, 1)).toEqual([0]);
    expect(vga.line(10, 0, 1)).toEqual([5]); // from line compare + 1 on, memory from its beginning
    vga.out(0x3c6, 0x05);
    expect(vga.line(0, 0, 5)).toEqual([4, 4, 5, 5, 0]);
  });

  it('show the interleaved scan lines of CGA graphics', () => {
    const vga = new Vga();
    vga.textMode();
    vga.sr({ 1: 0x09, 2: 0x03 });
    vga.gr({ 5: 0x30, 6: 0x0f });
    vga.cr({ 9: 0x41, 0x17: 0xa2 }); // rows of two scan lines; the second 8 KiB further
    vga.poke(0xb_8000, 0b11_10_01_00);
    vga.poke(0xb_a000, 0b00_01_00_00);
    expect(vga.line(0, 0, 8)).toEqual([3, 3, 2, 2, 1, 1, 0, 0]);
    expect(vga.line(1, 0, 8)).toEqual([0, 0, 1, 1, 0, 0, 0, 0]);
    vga.poke(0xb_8001, 0b01_00_00_00);
    expect(vga.line(0, 8, 2)).toEqual([1, 1]);
  });

  it('take four bits of the colour from the colour select register', () => {
    const vga = new Vga();
    vga.textMode();
    vga.glyph(0x41, [0x80]);
    vga.poke(0xb_8000, 0x41);
    vga.poke(0xb_8001, 0x02);
    vga.out(0x3c8, 0x92);
    for (const level of [50, 0, 0]) vga.out(0x3c9, level);
    vga.ar({ 0x10: 0x80, 0x14: 0x09 });
    expect(vga.line(0, 0, 1)).toEqual([50]);
  });
});
