// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { readTarget, writeTarget } from '../../../../machines/backplane/bus.ts';
import { NextVideo, type NextVideoOptions } from '../../../../machines/devices/next/next-video.ts';
import { fuzzTargets } from '../../../support/bus-fuzz.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

function make(options: NextVideoOptions = { color: false }) {
  const fake = new FakeBoard(1_000_000_000, 4 << 20);
  const { memory } = fake.board;
  const video = new NextVideo(fake.chip('video'), memory, options);
  const frames = { count: 0 };
  video.onFrame = () => void frames.count++;
  video.reset('cold');
  video.settle();
  const put = (offset: number, ...bytes: number[]): void => {
    video.memory.bytes.set(bytes, offset);
    memory.written(video.memory.offset + offset, bytes.length);
  };
  const pixel = (x: number, y: number): number[] => {
    const { rgba, width } = video.picture();
    return [...rgba.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)];
  };
  return { fake, video, frames, put, pixel };
}

describe('NextVideo', () => {
  it.each([
    [{ color: false }, 2, 288, 256 << 10],
    [{ color: true }, 12, 2304, 2 << 20],
    [{ color: false, turbo: true }, 2, 280, 256 << 10],
    [{ color: true, turbo: true }, 12, 2240, 2 << 20],
  ])('%j: 1120 by 832 with %i bits, %i bytes a line', (options, bpp, stride, bytes) => {
    const { video } = make(options);
    expect(video.mode()).toMatchObject({ width: 1120, height: 832, bpp, stride, byteOrder: 'big' });
    expect(video.memory.size).toBe(bytes);
    expect(video.picture()).toMatchObject({ width: 1120, height: 832 });
  });

  it('shows four greys from white, 0, to black, 3, the leftmost pixel in the highest bits', () => {
    const { put, pixel } = make();
    put(288 * 5 + 2, 0b0001_1011);
    expect([8, 9, 10, 11].map((x) => pixel(x, 5))).toEqual([
      [255, 255, 255, 255],
      [170, 170, 170, 255],
      [85, 85, 85, 255],
      [0, 0, 0, 255],
    ]);
  });

  it('shows red, green and blue of four bits each', () => {
    const { put, pixel } = make({ color: true });
    put(2304, 0xf0, 0x00, 0x0f, 0x00, 0x00, 0xf0, 0x12, 0x3f);
    expect([0, 1, 2, 3].map((x) => pixel(x, 1))).toEqual([
      [255, 0, 0, 255],
      [0, 255, 0, 255],
      [0, 0, 255, 255],
      [17, 34, 51, 255],
    ]);
  });

  it('has 68 retraces a second', () => {
    const { fake, frames } = make();
    fake.advanceNs(1_000_000_000);
    expect(frames.count).toBe(68);
    fake.advanceNs(60_000_000_000);
    expect(frames.count).toBe(61 * 68);
  });

  it('reports the whole picture first, then the rows that were written', () => {
    const { video, put } = make();
    expect(video.damage()).toEqual([{ x: 0, y: 0, width: 1120, height: 832 }]);
    expect(video.damage()).toEqual([]);
    put(288 * 100, 0xff);
    const [rect, ...others] = video.damage();
    expect(others).toEqual([]);
    expect(rect!.y <= 100 && rect!.y + rect!.height > 100 && rect!.height < 64).toBe(true);
    expect(video.damage()).toEqual([]);
    video.restore(video.save());
    expect(video.damage()).toEqual([{ x: 0, y: 0, width: 1120, height: 832 }]);
  });

  it('keeps the brightness, until a reset', () => {
    const { video } = make();
    writeTarget(video.brightness, 0, 4, 0x3d00_0001);
    expect(readTarget(video.brightness, 0, 4)).toBe(0x3d00_0001);
    video.reset('warm');
    expect(readTarget(video.brightness, 0, 4)).toBe(0);
  });

  it('obeys the snapshot law and goes on in the middle of a frame', () => {
    const { fake, video } = make();
    writeTarget(video.brightness, 0, 1, 0x20);
    fake.advanceNs(10_000_000);
    expectSnapshotLaw(video);
    const other = make();
    other.video.restore(video.save());
    other.fake.advanceNs(4_700_000);
    expect(other.frames.count).toBe(0);
    other.fake.advanceNs(10_000);
    expect(other.frames.count).toBe(1);
  });

  it('survives random accesses', () => {
    const { fake, video } = make();
    fuzzTargets(fake, [video.brightness], { seed: 24, ticks: 100_000 });
  });
});
