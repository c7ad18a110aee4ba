// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { Memc } from '../../../../machines/devices/acorn/memc.ts';
import { VIDC, Vidc } from '../../../../machines/devices/acorn/vidc.ts';
import { VidcScreen } from '../../../../machines/devices/acorn/vidc-picture.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

/** A 32 x 8 display of 8 bits a pixel at the 16 MHz rate, memory at 0x1000. */
function make(border = false) {
  const fake = new FakeBoard(1_000_000_000, 2 << 20);
  const block = fake.board.memory.allocate('dram', 512 * 1024);
  const memc = new Memc(fake.chip('memc'), { ramBytes: 4 << 20 });
  const sounds: (number[] | undefined)[] = [];
  const vidc = new Vidc(fake.chip('vidc'), {
    clock: fake.board.clock('vidc', 24_000_000),
    memc,
    memory: block.bytes,
    onSound: (bytes) => sounds.push(bytes && [...bytes]),
  });
  const screen = new VidcScreen(vidc, memc, fake.board.memory, block, { border });
  for (const chip of [memc, vidc]) chip.reset('cold');
  for (const chip of [memc, vidc]) chip.settle();
  const put = (register: number, value: number): void => vidc.write(0, 4, ((register << 24) | value) >>> 0);
  const units = (register: number, value: number): void => put(register, value << 14);
  const dma = (register: number, address: number): void =>
    memc.registers.write((register << 17) | ((address >> 4) << 2), 4, 0);
  put(VIDC.control, 0xe);
  units(VIDC.hcr, 63); // 128 pixels
  units(VIDC.hbsr, 8);
  units(VIDC.hdsr, 10);
  units(VIDC.hder, 26);
  units(VIDC.hber, 32);
  units(VIDC.vcr, 311);
  units(VIDC.vbsr, 1);
  units(VIDC.vdsr, 4);
  units(VIDC.vder, 12);
  units(VIDC.vber, 14);
  dma(0, 0x1000);
  dma(1, 0x1000);
  dma(2, 0x1000 + 256 - 16);
  memc.registers.write(0xe_0000 | 0x400, 4, 0);
  return { fake, memc, vidc, screen, block, put, units, dma, sounds };
}

const pixel = (rgba: Uint8Array, at: number): number[] => [...rgba.subarray(at * 4, at * 4 + 3)];

describe('Vidc', () => {
  it('follows another crystal, frame and sync', () => {
    const { fake, vidc, units } = make();
    units(VIDC.hswr, 7); // 16 pixels, an eighth of the line
    const share = (): number => {
      let high = 0;
      for (let n = 0; n < 800; n++) {
        if (vidc.hsync) high++;
        fake.advanceNs(97);
      }
      return high / 800;
    };
    expect(share()).toBeCloseTo(1 / 8, 1);
    vidc.useClock(fake.board.clock('fast', 36_000_000));
    expect(share()).toBeCloseTo(1 / 8, 1);
    fake.advanceNs(20_000_000);
    const starts: number[] = [];
    vidc.flyback.to((level) => level && starts.push(fake.scheduler.now));
    starts.length = 0;
    fake.advanceNs(10_000_000);
    // 24 of 36 parts of the 8 us a line takes of 24 MHz.
    expect(starts[1]! - starts[0]!).toBeCloseTo((312 * 8000 * 24) / 36, -2);
  });

  it('raises flyback from the end of the display to its next start', () => {
    const { fake, vidc } = make();
    const edges: [boolean, number][] = [];
    fake.advanceNs(20_000_000);
    vidc.flyback.to((level) => edges.push([level, fake.scheduler.now]));
    edges.length = 0;
    fake.advanceNs(10_000_000);
    // A line of 128 pixels at 16 MHz is 8 us, 312 of them a frame, 8 of them shown.
    const frames = edges.filter(([level]) => level).map(([, at]) => at);
    expect(frames[1]! - frames[0]!).toBeCloseTo(312 * 8000, -2);
    const down = edges.find(([level, at]) => !level && at > frames[0]!)!;
    expect(down[1] - frames[0]!).toBeCloseTo(304 * 8000, -2);
  });

  it('shows eight bits a pixel, the upper ones over the palette', () => {
    const { fake, screen, block, put } = make();
    put(VIDC.palette + 4 * 1, 0x777);
    put(VIDC.palette + 4 * 2, 0x00f);
    block.bytes.set([0x01, 0xf1, 0x02, 0x12], 0x1000);
    fake.advanceNs(10_000_000);
    const picture = screen.picture()!;
    expect([picture.width, picture.height]).toEqual([32, 16]); // television lines are shown twice
    expect(pixel(picture.rgba, 0)).toEqual([0x77, 0x33, 0x77]);
    expect(pixel(picture.rgba, 1)).toEqual([0xff, 0xff, 0xff]);
    expect(pixel(picture.rgba, 2)).toEqual([0x77, 0, 0]);
    expect(pixel(picture.rgba, 3)).toEqual([0xff, 0, 0]);
    expect(pixel(picture.rgba, 32)).toEqual([0x77, 0x33, 0x77]);
  });

  it('shows fewer bits, the leftmost pixel lowest', () => {
    const { fake, screen, block, put, units } = make();
    put(VIDC.control, 0x6); // 2 bits a pixel
    units(VIDC.hdsr, 7);
    units(VIDC.hder, 23);
    for (const [i, color] of [0, 0x00f, 0x0f0, 0xf00].entries()) put(VIDC.palette + i * 4, color);
    block.bytes[0x1000] = 0b00_01_10_11;
    fake.advanceNs(10_000_000);
    const { rgba } = screen.picture()!;
    expect([0, 1, 2, 3].map((x) => pixel(rgba, x))).toEqual([
      [0, 0, 255],
      [0, 255, 0],
      [255, 0, 0],
      [0, 0, 0],
    ]);
  });

  it('wraps from the end of the buffer to its start', () => {
    const { fake, screen, block, put, dma } = make();
    put(VIDC.palette + 4, 0x00f);
    dma(0, 0x1000 + 32 * 4); // hardware scrolling by four lines
    block.bytes[0x1000] = 1;
    fake.advanceNs(10_000_000);
    const { rgba } = screen.picture()!;
    // Line 4 of the display is the buffer's first; entry 1 keeps its lower three bits of red.
    expect(pixel(rgba, 8 * 32)).toEqual([0x77, 0, 0]);
  });

  it('draws the cursor over the display, transparent where zero', () => {
    const { fake, screen, block, put, units, dma } = make();
    put(VIDC.cursorPalette + 8, 0xfff);
    dma(3, 0x3000);
    block.bytes[0x3000] = 0b0000_1100; // the second pixel has colour 3
    // The display begins at pixel 25 and line 5.
    put(VIDC.hcsr, (25 - 6 + 2) << 13);
    units(VIDC.vcsr, 4 + 1);
    units(VIDC.vcer, 4 + 2);
    fake.advanceNs(10_000_000);
    const { rgba } = screen.picture()!;
    expect(pixel(rgba, 2 * 32 + 2)).toEqual([0, 0, 0]);
    expect(pixel(rgba, 2 * 32 + 3)).toEqual([255, 255, 255]);
    expect(pixel(rgba, 4 * 32 + 3)).toEqual([0, 0, 0]);
  });

  it('has a border if wanted', () => {
    const { fake, screen, put } = make(true);
    put(VIDC.border, 0x0f0);
    fake.advanceNs(10_000_000);
    const picture = screen.picture()!;
    expect([picture.width, picture.height]).toEqual([48, 26]);
    expect(pixel(picture.rgba, 0)).toEqual([0, 255, 0]);
    expect(pixel(picture.rgba, 48 * 6 + 8)).toEqual([0, 0, 0]);
  });

  it('is dark without video DMA', () => {
    const { memc, screen } = make();
    memc.registers.write(0xe_0000, 4, 0);
    expect(screen.picture()).toBeUndefined();
  });

  it('says which lines changed', () => {
    const { fake, screen, block, units } = make();
    fake.advanceNs(10_000_000);
    expect(screen.damage()).toEqual([{ x: 0, y: 0, width: 32, height: 16 }]);
    expect(screen.damage()).toEqual([]);
    fake.board.memory.written(block.offset + 0x1000, 4);
    expect(screen.damage()).toEqual([{ x: 0, y: 0, width: 32, height: 16 }]);
    fake.board.memory.written(block.offset + 0x8000, 4);
    expect(screen.damage()).toEqual([]);
    units(VIDC.vcer, 9);
    expect(screen.damage()).toHaveLength(1);
  });

  it('asks for sound at the rate of its register', () => {
    const { fake, memc, block, put, dma, sounds } = make();
    put(VIDC.soundFrequency, 46); // 48 us a byte
    block.bytes.fill(0x5a, 0x4000, 0x4010);
    dma(4, 0x4000);
    dma(5, 0x4000);
    dma(6, 0);
    memc.registers.write(0xe_0000 | 0xc00, 4, 0);
    fake.advanceNs(1_000_000);
    sounds.length = 0;
    fake.advanceNs(768_000 * 10);
    expect(sounds).toHaveLength(10);
    expect(sounds[9]).toEqual(new Array(16).fill(0x5a));
  });

  it('has the stereo position of channel 7 first, then of 0 to 6', () => {
    const { vidc, put } = make();
    for (let n = 0; n < 8; n++) put(VIDC.stereo + n * 4, 0xff_fff8 | n);
    expect([...vidc.stereo]).toEqual([1, 2, 3, 4, 5, 6, 7, 0]);
  });

  it('obeys the snapshot law', () => {
    const { fake, vidc } = make();
    fake.advanceNs(1_234_567);
    expectSnapshotLaw(vidc);
  });

  it('survives random registers', () => {
    const { fake, memc, vidc, screen } = make();
    const next = random(3);
    for (let i = 0; i < 3000; i++) {
      vidc.write(0, next() < 0.9 ? 4 : 1, Math.floor(next() * 2 ** 32));
      memc.registers.write(Math.floor(next() * 0x20_0000), 4, 0);
      if (i % 10 === 0) {
        screen.damage();
        const picture = screen.picture();
        if (picture) expect(picture.rgba.length).toBe(picture.width * picture.height * 4);
      }
      fake.advanceNs(next() * 1_000_000);
    }
  });
});
