import { describe, expect, it } from 'vitest';
import { type MemoryMap, region } from '../../../../machines/backplane/memory-map.ts';
import type { Width } from '../../../../machines/backplane/bus.ts';
import type { Picture } from '../../../../machines/backplane/host.ts';
import { BochsVga, type BochsVgaOptions } from '../../../../machines/devices/display/bochs-vga.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const REGISTERS = 0x8000_0000;
const MEMORY = 0x9000_0000;
const XRES = 1;
const YRES = 2;
const BPP = 3;
const ENABLE = 4;
const BANK = 5;
const VIRT_WIDTH = 6;
const VIRT_HEIGHT = 7;
const X_OFFSET = 8;
const Y_OFFSET = 9;

class Card {
  readonly fake = new FakeBoard(1_000_000_000, 20 << 20);
  readonly chip: BochsVga;
  readonly map: MemoryMap = this.fake.map();

  constructor(options: BochsVgaOptions = {}) {
    this.chip = this.fake.board.add(new BochsVga(this.fake.chip('vga'), this.fake.board.memory, options));
    const { mmio, framebuffer, window, vbePorts } = this.chip;
    this.map.add(
      region(REGISTERS, REGISTERS + 0xfff).device(mmio, 'registers'),
      region(MEMORY, MEMORY + framebuffer.size - 1).ram(framebuffer),
      region(0xa_0000, 0xb_ffff).device(window, 'window'),
      region(0x1ce, 0x1d1).device(vbePorts, 'vbe'),
    );
  }

  // A big-endian CPU stores little-endian registers byte-reversed.
  vbe = (index: number, value: number): void =>
    this.map.write(REGISTERS + 0x500 + index * 2, 2, ((value & 0xff) << 8) | (value >>> 8));
  readVbe = (index: number): number => {
    const value = this.map.read(REGISTERS + 0x500 + index * 2, 2);
    return ((value & 0xff) << 8) | (value >>> 8);
  };
  port = (port: number, value: number): void => this.map.write(REGISTERS + 0x400 + port - 0x3c0, 1, value);

  mode(width: number, height: number, bpp: number, flags = 0x41): this {
    this.vbe(ENABLE, 0);
    this.vbe(XRES, width);
    this.vbe(YRES, height);
    this.vbe(BPP, bpp);
    this.vbe(ENABLE, flags);
    this.display(true);
    return this;
  }

  /** As Linux does: colour, so that reading 3da makes the next attribute write an index. */
  display(on: boolean): void {
    this.port(0x3c2, 0x01);
    this.map.read(REGISTERS + 0x41a, 1);
    this.port(0x3c0, on ? 0x20 : 0);
  }

  store = (offset: number, width: Width, value: number): void => this.map.write(MEMORY + offset, width, value);
}

const pixel = (picture: Picture | undefined, x: number, y = 0): number[] => [
  ...picture!.rgba.subarray((y * picture!.width + x) * 4).slice(0, 4),
];

describe('BochsVga', () => {
  describe('dispi registers', () => {
    it('identify version 5 and 16 MiB, and take older versions', () => {
      const card = new Card();
      expect([card.readVbe(0), card.readVbe(10)]).toEqual([0xb0c5, 256]);
      card.vbe(0, 0xb0c0);
      expect(card.readVbe(0)).toBe(0xb0c0);
      card.vbe(0, 0xb0c6);
      expect(card.readVbe(0)).toBe(0xb0c0);
    });

    it('tell the limits while GETCAPS is set', () => {
      const card = new Card().mode(640, 480, 8);
      card.vbe(ENABLE, 0x43);
      expect([XRES, YRES, BPP, VIRT_WIDTH].map(card.readVbe)).toEqual([16_000, 12_000, 32, 640]);
      card.vbe(ENABLE, 0x41);
      expect([XRES, YRES, BPP].map(card.readVbe)).toEqual([640, 480, 8]);
    });

    it('take the nearest possible mode', () => {
      const card = new Card().mode(1027, 60_000, 7);
      expect([XRES, YRES, BPP, VIRT_WIDTH, VIRT_HEIGHT].map(card.readVbe)).toEqual([1024, 12_000, 8, 1024, 16_384]);
      card.mode(1, 0, 32);
      expect([XRES, YRES].map(card.readVbe)).toEqual([8, 1]);
      card.mode(16_000, 12_000, 32);
      expect(card.readVbe(YRES)).toBe(Math.floor((16 << 20) / 64_000));
    });

    it('keep offsets inside the memory', () => {
      const card = new Card().mode(1024, 768, 32);
      card.vbe(VIRT_WIDTH, 1600);
      card.vbe(X_OFFSET, 100);
      card.vbe(Y_OFFSET, 1853); // 2621 lines fit
      expect([VIRT_HEIGHT, X_OFFSET, Y_OFFSET].map(card.readVbe)).toEqual([2621, 100, 1853]);
      card.vbe(Y_OFFSET, 1854);
      expect([X_OFFSET, Y_OFFSET].map(card.readVbe)).toEqual([100, 0]);
    });

    it('clear the screen when a mode is set, unless told not to', () => {
      const card = new Card();
      card.store(0, 4, 0xffff_ffff);
      card.store(640 * 480, 4, 0x1234_5678);
      card.mode(640, 480, 8, 0xc1);
      expect(card.map.read(MEMORY, 4)).toBe(0xffff_ffff);
      card.mode(640, 480, 8);
      expect(card.map.read(MEMORY, 4)).toBe(0);
      expect(card.map.read(MEMORY + 640 * 480, 4)).toBe(0x1234_5678);
    });

    it('show the memory in banks through the window', () => {
      const card = new Card().mode(1024, 768, 8);
      card.vbe(BANK, 0x103); // 256 banks: bank 3
      expect(card.readVbe(BANK)).toBe(3);
      card.map.write(0xa_0010, 1, 0x5a);
      expect(card.map.read(MEMORY + 0x3_0010, 1)).toBe(0x5a);
      expect(card.map.read(0xb_0010, 1)).toBe(0xff);
    });

    it('are also at ports 1ce and 1d0', () => {
      const card = new Card();
      card.map.write(0x1ce, 2, 0x0a00);
      expect(card.map.read(0x1d0, 2)).toBe(0x0001);
      expect(card.map.read(0x1ce, 2)).toBe(0x0a00);
    });

    it('take bytes', () => {
      const card = new Card();
      card.map.write(REGISTERS + 0x502, 1, 0x80);
      card.map.write(REGISTERS + 0x503, 1, 0x02);
      expect(card.readVbe(XRES)).toBe(0x280);
    });
  });

  describe('MMIO', () => {
    it('has the ports from 3c0 on, two of them in a 16-bit access', () => {
      const card = new Card();
      card.port(0x3c2, 0x67);
      expect(card.map.read(REGISTERS + 0x40c, 1)).toBe(0x67);
      card.map.write(REGISTERS + 0x404, 2, 0x020f); // index 2, data 0f
      expect(card.map.read(REGISTERS + 0x404, 2)).toBe(0x020f);
    });

    it('switches the byte order of the framebuffer', () => {
      const card = new Card({ byteOrder: 'big' });
      expect(card.map.read(REGISTERS + 0x600, 4)).toBe(0x0800_0000);
      expect(card.map.read(REGISTERS + 0x604, 4)).toBe(0xbebe_bebe);
      card.map.write(REGISTERS + 0x604, 4, 0x1e1e_1e1e);
      expect(card.map.read(REGISTERS + 0x604, 4)).toBe(0x1e1e_1e1e);
      card.map.write(REGISTERS + 0x604, 4, 0x1234_5678);
      expect(card.map.read(REGISTERS + 0x604, 4)).toBe(0x1e1e_1e1e);
      card.fake.board.reset('warm');
      expect(card.map.read(REGISTERS + 0x604, 4)).toBe(0xbebe_bebe);
    });

    it('logs what is not there', () => {
      const card = new Card();
      expect(card.map.read(REGISTERS + 0x700, 4)).toBe(0);
      expect(card.map.read(REGISTERS + 0x604, 2)).toBe(0);
      card.map.write(REGISTERS + 0x10, 1, 1);
      expect(card.fake.logged('guest')).toHaveLength(3);
    });
  });

  describe('picture', () => {
    it.each([
      ['15 big', 15, 'big', 0x7c1f, 2, [255, 0, 255, 255]],
      ['15 little', 15, 'little', 0xe003, 2, [0, 255, 0, 255]],
      ['16 big', 16, 'big', 0xf81f, 2, [255, 0, 255, 255]],
      ['16 big, green', 16, 'big', 0x0400, 2, [0, 130, 0, 255]],
      ['16 little', 16, 'little', 0x00f8, 2, [255, 0, 0, 255]],
      ['32 big', 32, 'big', 0x0012_3456, 4, [0x12, 0x34, 0x56, 255]],
      ['32 little', 32, 'little', 0x5634_1200, 4, [0x12, 0x34, 0x56, 255]],
    ] as const)('shows the colours of %s', (_name, bpp, byteOrder, stored, width, expected) => {
      const card = new Card({ byteOrder }).mode(640, 480, bpp);
      const stride = 640 * width;
      card.store(5 * stride + 7 * width, width, stored);
      expect(pixel(card.chip.picture(), 7, 5)).toEqual(expected);
      expect(pixel(card.chip.picture(), 8, 5)).toEqual([0, 0, 0, 255]);
    });

    it.each([
      ['big', [1, 2, 3, 255]],
      ['little', [3, 2, 1, 255]],
    ] as const)('shows the colours of 24 %s', (byteOrder, expected) => {
      const card = new Card({ byteOrder }).mode(640, 480, 24);
      [1, 2, 3].forEach((byte, i) => card.store(640 * 3 + 6 + i, 1, byte));
      expect(pixel(card.chip.picture(), 2, 1)).toEqual(expected);
    });

    it('shows 8 bits through the palette of 6 or 8 bits and the mask', () => {
      const card = new Card().mode(640, 480, 8);
      card.store(0, 1, 0x85);
      card.port(0x3c8, 0x85);
      for (const level of [0xff, 0x20, 0x01]) card.port(0x3c9, level);
      expect(pixel(card.chip.picture(), 0)).toEqual([255, 0x82, 4, 255]);
      card.vbe(ENABLE, 0x61);
      card.port(0x3c8, 0x85);
      for (const level of [0xff, 0x20, 0x01]) card.port(0x3c9, level);
      expect(pixel(card.chip.picture(), 0)).toEqual([255, 0x20, 1, 255]);
      card.port(0x3c6, 0x7f);
      expect(pixel(card.chip.picture(), 0)).toEqual([0, 0, 0, 255]);
    });

    it('shows four planes in 4 bits a pixel', () => {
      const card = new Card().mode(640, 480, 4);
      card.display(false);
      card.port(0x3c0, 0); // data of index 0
      for (let i = 1; i < 16; i++) {
        card.port(0x3c0, i);
        card.port(0x3c0, i);
      }
      card.port(0x3c0, 0x12);
      card.port(0x3c0, 0x0f);
      card.port(0x3c0, 0x20);
      card.port(0x3c8, 5);
      for (const level of [63, 0, 0]) card.port(0x3c9, level);
      // Line 2 of 80 bytes a plane; planes 0 and 2 of the third pixel.
      card.store(2 * 320, 4, 0x2000_2000);
      const picture = card.chip.picture();
      expect(picture).toMatchObject({ width: 640, height: 480 });
      expect([1, 2, 3].map((x) => pixel(picture, x, 2)[0])).toEqual([0, 255, 0]);
    });

    it('follows the virtual width and the offsets', () => {
      const card = new Card({ byteOrder: 'big' }).mode(640, 480, 32);
      card.vbe(VIRT_WIDTH, 800);
      card.vbe(X_OFFSET, 3);
      card.vbe(Y_OFFSET, 2);
      card.store((2 * 800 + 3) * 4, 4, 0x00ff_0000);
      card.store((3 * 800 + 4) * 4, 4, 0x0000_ff00);
      const picture = card.chip.picture();
      expect(pixel(picture, 0, 0)).toEqual([255, 0, 0, 255]);
      expect(pixel(picture, 1, 1)).toEqual([0, 255, 0, 255]);
    });

    it('is absent while the attribute controller blanks it', () => {
      const card = new Card().mode(640, 480, 32);
      card.display(false);
      expect(card.chip.picture() === undefined).toBe(true);
      card.display(true);
      expect(card.chip.picture()).toMatchObject({ width: 640, height: 480 });
    });

    it('describes its linear mode', () => {
      const card = new Card({ byteOrder: 'big' }).mode(800, 600, 16);
      card.vbe(Y_OFFSET, 1);
      expect(card.chip.mode()).toEqual({
        width: 800,
        height: 600,
        bpp: 16,
        stride: 1600,
        offset: card.chip.framebuffer.offset + 1600,
        byteOrder: 'big',
      });
      card.mode(800, 600, 8);
      expect(card.chip.mode()?.palette).toHaveLength(1024);
      card.mode(800, 600, 4);
      expect(card.chip.mode()).toBeUndefined();
    });
  });

  describe('damage', () => {
    it('is the whole picture after a change of mode or palette', () => {
      const card = new Card().mode(640, 480, 8);
      const whole = [{ x: 0, y: 0, width: 640, height: 480 }];
      expect(card.chip.damage()).toEqual(whole);
      expect(card.chip.damage()).toEqual([]);
      for (const level of [1, 2, 3]) card.port(0x3c9, level);
      expect(card.chip.damage()).toEqual(whole);
      card.mode(800, 600, 8);
      expect(card.chip.damage()).toEqual([{ x: 0, y: 0, width: 800, height: 600 }]);
    });

    it('is the lines whose memory was written', () => {
      const card = new Card().mode(1024, 768, 32);
      card.chip.damage();
      card.store(4096 * 10 + 5, 1, 1);
      card.store(4096 * 11, 1, 1);
      card.store(4096 * 100, 1, 1);
      card.store(4096 * 800, 1, 1); // below the picture
      expect(card.chip.damage()).toEqual([
        { x: 0, y: 10, width: 1024, height: 2 },
        { x: 0, y: 100, width: 1024, height: 1 },
      ]);
      expect(card.chip.damage()).toEqual([]);
    });

    it('covers every line that shares a page with the write', () => {
      const card = new Card().mode(640, 480, 8);
      card.chip.damage();
      card.store(4096 * 3, 1, 1); // bytes 12288 to 16383 are in lines 19 to 25
      expect(card.chip.damage()).toEqual([{ x: 0, y: 19, width: 640, height: 7 }]);
      card.vbe(Y_OFFSET, 20);
      card.chip.damage();
      card.store(4096 * 3, 1, 1);
      expect(card.chip.damage()).toEqual([{ x: 0, y: 0, width: 640, height: 6 }]);
    });
  });

  it('obeys the snapshot law, and looks the same after it', () => {
    const card = new Card({ byteOrder: 'big' }).mode(640, 480, 8, 0x61);
    card.vbe(VIRT_WIDTH, 1024);
    card.vbe(X_OFFSET, 8);
    card.vbe(BANK, 2);
    for (const level of [200, 100, 50]) card.port(0x3c9, level);
    const before = card.chip.picture();
    expectSnapshotLaw(card.chip, () => new Card().chip);
    expect(Buffer.compare(card.chip.picture()!.rgba, before!.rgba)).toBe(0);
    expect(pixel(before, 0)).toEqual([200, 100, 50, 255]);
    card.map.write(0xa_0000, 1, 0x77);
    expect(card.map.read(MEMORY + 0x2_0000, 1)).toBe(0x77);
  });

  it('survives random accesses', () => {
    const card = new Card({ memoryBytes: 1 << 20 });
    const { chip, fake } = card;
    const io = fake.map('io');
    io.add(region(0x3b0, 0x3df).device(chip.ports, 'ports'));
    const float = random(7);
    const below = (limit: number): number => Math.floor(float() * limit);
    const areas: [MemoryMap, number, number][] = [
      [io, 0x3b0, 0x30],
      [card.map, REGISTERS, 0x1000],
      [card.map, REGISTERS + 0x400, 0x220],
      [card.map, 0xa_0000, 0x2_0000],
      [card.map, 0x1ce, 4],
    ];
    for (let i = 0; i < 60_000; i++) {
      const [map, base, span] = areas[below(areas.length)]!;
      const width = ([1, 2, 4] as const)[below(3)]!;
      const pa = base + below(span - width + 1);
      if (below(2)) map.write(pa, width, below(2 ** (8 * width)));
      else {
        const value = map.read(pa, width);
        expect(Number.isInteger(value) && value >= 0 && value < 2 ** (8 * width)).toBe(true);
      }
      if (i % 5000 === 0) {
        chip.text();
        chip.damage();
        const picture = chip.picture();
        if (picture !== undefined) expect(picture.rgba).toHaveLength(picture.width * picture.height * 4);
      }
      if (i % 10 === 0) fake.advance(below(100_000));
    }
    expectSnapshotLaw(chip);
  });
});
