// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { GoldfishAudio } from '../../../../machines/devices/goldfish/goldfish-audio.ts';
import { expectSnapshotLaw } from '../../../support/fake-board.ts';
import { GoldfishBench } from '../../../support/goldfish.ts';

const [INT_STATUS, INT_ENABLE, SET_BUFFER_1, SET_BUFFER_2, WRITE_1, WRITE_2, READ_SUPPORTED] = [
  0x00, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18,
];
const FRAME_NS = 1e9 / 44_100;

function setUp() {
  const heard: number[] = [];
  const sink = { play: (samples: Int16Array) => void heard.push(...samples) };
  const bench = new GoldfishBench((fake, memory) => new GoldfishAudio(fake.chip('audio'), { memory, sink }));
  const samples = (at: number, values: readonly number[]): void => {
    const view = new DataView(bench.ram.buffer, bench.ram.byteOffset);
    values.forEach((value, i) => view.setInt16(at + i * 2, value, true));
  };
  const open = (): void => {
    bench.write(SET_BUFFER_1, 0x1000);
    bench.write(SET_BUFFER_2, 0x2000);
    bench.write(INT_ENABLE, 7);
    bench.read(INT_STATUS);
  };
  return { bench, ...bench, heard, samples, open };
}

describe('GoldfishAudio', () => {
  it('says that both buffers are empty when interrupts are enabled', () => {
    const { chip, read, write } = setUp();
    expect(chip.irq.level).toBe(false);
    write(INT_ENABLE, 3);
    expect(chip.irq.level).toBe(true);
    expect(read(INT_STATUS)).toBe(3);
    expect([chip.irq.level, read(INT_STATUS)]).toEqual([false, 3]);
    expect(read(READ_SUPPORTED)).toBe(0);
  });

  it('plays a buffer in its time, and says when it is empty', () => {
    const { chip, fake, read, write, heard, samples, open } = setUp();
    open();
    samples(0x1000, [1, -2, 3, -4]);
    write(WRITE_1, 8);
    samples(0x1000, [9, 9, 9, 9]); // The buffer has been read.
    expect(read(INT_STATUS)).toBe(2);
    fake.advanceNs(2 * FRAME_NS - 1000);
    expect([heard.length, chip.irq.level]).toEqual([0, false]);
    fake.advanceNs(2000);
    expect(heard).toEqual([1, -2, 3, -4]);
    expect([chip.irq.level, read(INT_STATUS), chip.irq.level]).toEqual([true, 3, false]);
  });

  it('plays both buffers in turn without a gap', () => {
    const { fake, read, write, heard, samples, open } = setUp();
    open();
    samples(0x1000, [1, 1]);
    samples(0x2000, [2, 2]);
    write(WRITE_2, 4);
    write(WRITE_1, 4);
    expect(read(INT_STATUS)).toBe(0);
    fake.advanceNs(FRAME_NS + 1000);
    expect(heard).toEqual([2, 2]);
    expect(read(INT_STATUS)).toBe(2);
    fake.advanceNs(FRAME_NS);
    expect(heard).toEqual([2, 2, 1, 1]);
  });

  it('takes one second for 44100 frames', () => {
    const { fake, write, heard, open } = setUp();
    open();
    let written = 0;
    for (; written < 44_100; written += 4410) {
      write(WRITE_1, 4410 * 4);
      fake.advanceNs(4410 * FRAME_NS + 20_000);
    }
    expect(heard.length).toBe(2 * written);
    expect(fake.scheduler.now).toBeLessThan(1.001e9);
  });

  it('is silent after interrupts were switched', () => {
    const { fake, write, heard, samples, open } = setUp();
    open();
    samples(0x1000, [1, 1]);
    write(WRITE_1, 4);
    write(INT_ENABLE, 0);
    fake.advanceNs(1e8);
    expect(heard).toEqual([]);
  });

  it('obeys the snapshot law while it plays', () => {
    const { bench, chip, fake, write, heard, open } = setUp();
    open();
    write(WRITE_1, 16_384);
    write(WRITE_2, 16_384);
    fake.advanceNs(15e6);
    expectSnapshotLaw(chip, bench.make);
    fake.advanceNs(1e9);
    // The other one that was restored plays too.
    expect(heard.length).toBeGreaterThan(16_384);
  });

  it('survives random accesses', () => {
    setUp().bench.fuzz(25, 0x28);
  });
});
