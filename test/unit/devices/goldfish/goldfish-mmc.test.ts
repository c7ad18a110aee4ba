// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { GoldfishMmc } from '../../../../machines/devices/goldfish/goldfish-mmc.ts';
import { SdCard } from '../../../../machines/devices/sd/sd-card.ts';
import { MemoryMedium } from '../../../support/block-device.ts';
import { expectSnapshotLaw } from '../../../support/fake-board.ts';
import { GoldfishBench } from '../../../support/goldfish.ts';

const [INT_STATUS, INT_ENABLE, SET_BUFFER, CMD, ARG, RESP_0, RESP_3, BLOCK_LENGTH, BLOCK_COUNT, STATE] = [
  0x00, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x20, 0x24, 0x28, 0x2c,
];
const [END_OF_CMD, END_OF_DATA, TIMEOUT] = [1, 2, 8];
const R1 = 0x100;

function setUp(readonly = false) {
  const medium = new MemoryMedium(1 << 20, readonly);
  const bench = new GoldfishBench((fake, memory) => {
    const card = new SdCard(fake.chip('card'), medium);
    return new GoldfishMmc(fake.chip('mmc'), { memory, card });
  });
  const { read, write, fake } = bench;
  const command = (index: number, argument = 0): number => {
    write(ARG, argument);
    write(CMD, index);
    fake.advanceNs(1e6);
    const status = read(INT_STATUS);
    write(INT_STATUS, status);
    return status;
  };
  const open = (enable = 0xf): void => {
    write(INT_ENABLE, enable);
    write(SET_BUFFER, 0x1000);
    for (const [index, argument] of [[0], [55], [41, 0xff_8000], [2], [3], [7, 0x4567_0000]])
      command(index! | R1, argument);
  };
  return { bench, ...bench, medium, command, open };
}

describe('GoldfishMmc', () => {
  it('says whether the card can be written', () => {
    expect(setUp().read(STATE)).toBe(1);
    expect(setUp(true).read(STATE)).toBe(3);
  });

  it('ends a command later, with its answer', () => {
    const { chip, fake, read, write } = setUp();
    write(INT_ENABLE, 7);
    write(ARG, 0x1aa);
    write(CMD, 8 | R1);
    expect([read(INT_STATUS), chip.irq.level]).toEqual([0, false]);
    fake.advanceNs(10_000);
    expect([read(INT_STATUS), chip.irq.level, read(RESP_0)]).toEqual([END_OF_CMD, true, 0x1aa]);
    write(INT_STATUS, END_OF_CMD);
    expect(chip.irq.level).toBe(false);
  });

  it('gives long answers lowest bits first', () => {
    const { command, read, write } = setUp();
    write(INT_ENABLE, 7);
    for (const [index, argument] of [[55], [41, 0xff_8000], [2]]) command(index! | R1, argument);
    expect(read(RESP_3)).toBe(0x0045_4d45);
    expect(read(RESP_0) & 1).toBe(1);
  });

  it('tells of a missing answer only who asked for it', () => {
    const { command, write, read } = setUp();
    write(INT_ENABLE, 0xf);
    expect(command(5 | R1)).toBe(TIMEOUT);
    expect(command(0)).toBe(END_OF_CMD);
    write(INT_ENABLE, 7);
    expect([command(5 | R1), read(RESP_0)]).toEqual([END_OF_CMD, 0]);
  });

  it('moves blocks through its buffer', () => {
    const { ram, medium, command, open, write } = setUp();
    open();
    ram.fill(0x77, 0x1000, 0x1400);
    write(BLOCK_LENGTH, 511);
    write(BLOCK_COUNT, 1);
    expect(command(25 | R1, 512)).toBe(END_OF_CMD | END_OF_DATA);
    write(BLOCK_COUNT, 0);
    expect(command(12 | R1)).toBe(END_OF_CMD);
    expect([511, 512, 1535, 1536].map((at) => medium.bytes[at])).toEqual([0, 0x77, 0x77, 0]);
    medium.bytes.fill(0x12, 4096, 4608);
    expect(command(17 | R1, 4096)).toBe(END_OF_CMD | END_OF_DATA);
    expect([ram[0x1000], ram[0x11ff], ram[0x1200]]).toEqual([0x12, 0x12, 0x77]);
  });

  it('moves nothing for a status asked for in the middle of a transfer', () => {
    const { command, open, write } = setUp();
    open();
    write(BLOCK_LENGTH, 511);
    command(18 | R1, 0);
    expect(command(13 | R1, 0x4567_0000)).toBe(END_OF_CMD);
  });

  it('obeys the snapshot law with a command under way', () => {
    const { bench, chip, fake, read, write, open } = setUp();
    open();
    write(BLOCK_LENGTH, 511);
    write(ARG, 0);
    write(CMD, 17 | R1);
    expectSnapshotLaw(chip, bench.make);
    fake.advanceNs(1e6);
    expect(read(INT_STATUS)).toBe(END_OF_CMD | END_OF_DATA);
  });

  it('survives random accesses', () => {
    const { bench, open } = setUp();
    bench.fuzz(26, 0x34, (next) => {
      if (next() < 0.01) open();
    });
  });
});
