// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { GoldfishNand } from '../../../../machines/devices/goldfish/goldfish-nand.ts';
import { NandBank } from '../../../../machines/devices/goldfish/nand-bank.ts';
import { MemoryMedium } from '../../../support/block-device.ts';
import { expectSnapshotLaw } from '../../../support/fake-board.ts';
import { GoldfishBench } from '../../../support/goldfish.ts';

const [VERSION, NUM_DEV, DEV, FLAGS, NAME_LEN, PAGE_SIZE, EXTRA_SIZE, ERASE_SIZE] = [
  0x00, 0x04, 0x08, 0x10, 0x14, 0x18, 0x1c, 0x20,
];
const [SIZE_LOW, SIZE_HIGH, RESULT, COMMAND, DATA, TRANSFER_SIZE, ADDR_LOW, ADDR_HIGH, BATCH_ADDR_LOW] = [
  0x28, 0x2c, 0x40, 0x44, 0x48, 0x4c, 0x50, 0x54, 0x58,
];
const [GET_DEV_NAME, READ, WRITE, ERASE, BLOCK_BAD_GET, BLOCK_BAD_SET, READ_BATCH, WRITE_BATCH, ERASE_BATCH] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8,
];
const PAGE = 2048 + 64;
const BLOCK = 64 * PAGE;

function setUp(media = [new MemoryMedium(2 * BLOCK, true), new MemoryMedium(2 * BLOCK)]) {
  const bench = new GoldfishBench((fake, memory) => {
    const chip = fake.chip('nand');
    const banks = media.map((medium, i) => new NandBank(`bank${i}`, medium, chip.log));
    return new GoldfishNand(chip, { memory, physical: memory, banks });
  });
  const { read, write } = bench;
  const command = (code: number, dev: number, at: number, size: number, data: number): number => {
    write(DEV, dev);
    write(ADDR_LOW, at);
    write(ADDR_HIGH, 0);
    write(TRANSFER_SIZE, size);
    write(DATA, data);
    write(COMMAND, code);
    return read(RESULT);
  };
  return { bench, ...bench, media, command };
}

describe('GoldfishNand', () => {
  it('tells its banks', () => {
    const { read, write, command, text } = setUp();
    expect([read(VERSION), read(NUM_DEV)]).toEqual([1, 2]);
    expect([FLAGS, NAME_LEN, PAGE_SIZE, EXTRA_SIZE, ERASE_SIZE, SIZE_LOW, SIZE_HIGH].map(read)).toEqual([
      1,
      5,
      2048,
      64,
      BLOCK,
      2 * BLOCK,
      0,
    ]);
    expect(command(GET_DEV_NAME, 1, 0, 5, 0x100)).toBe(5);
    expect(text(0x100, 5)).toBe('bank1');
    expect(read(FLAGS)).toBe(0);
    write(DEV, 2);
    expect([FLAGS, NAME_LEN, SIZE_LOW].map(read)).toEqual([0, 0, 0]);
  });

  it('writes, reads and erases pages with their spare bytes', () => {
    const { media, ram, command } = setUp();
    for (let i = 0; i < PAGE; i++) ram[0x1000 + i] = i % 251;
    expect(command(WRITE, 1, 3 * PAGE, PAGE, 0x1000)).toBe(PAGE);
    expect([...media[1]!.bytes.subarray(3 * PAGE, 4 * PAGE)]).toEqual([...ram.subarray(0x1000, 0x1000 + PAGE)]);
    expect(command(READ, 1, 3 * PAGE + 2048, 64, 0x8000)).toBe(64);
    expect(ram[0x8000]).toBe(2048 % 251);
    expect(command(ERASE, 1, 0, BLOCK, 0)).toBe(BLOCK);
    expect(media[1]!.bytes.subarray(0, BLOCK).every((byte) => byte === 0xff)).toBe(true);
    expect(media[1]!.bytes[BLOCK]).toBe(0);
  });

  it('changes nothing in a bank that is read-only, and nothing beyond the end', () => {
    const { media, command } = setUp();
    expect(command(WRITE, 0, 0, PAGE, 0x1000)).toBe(0);
    expect(command(ERASE, 0, 0, BLOCK, 0)).toBe(0);
    expect(media[0]!.bytes.every((byte) => byte === 0)).toBe(true);
    expect(command(READ, 1, 2 * BLOCK - 10, 64, 0)).toBe(10);
    expect(command(READ, 1, 2 * BLOCK, 64, 0)).toBe(0);
    expect(command(READ, 7, 0, 64, 0)).toBe(0);
  });

  it('takes its parameters from memory', () => {
    const { ram, fake, write, media, bench } = setUp();
    const view = new DataView(ram.buffer, ram.byteOffset, ram.byteLength);
    const batch = (code: number, words: readonly number[]): number => {
      words.forEach((word, i) => view.setUint32(0x400 + i * 4, word, true));
      write(BATCH_ADDR_LOW, 0x400);
      write(COMMAND, code);
      return view.getUint32(0x414, true);
    };
    ram.fill(0x5a, 0x1000, 0x1000 + PAGE);
    expect(batch(WRITE_BATCH, [1, PAGE, 0, PAGE, 0x1000, 99])).toBe(PAGE);
    expect(media[1]!.bytes[PAGE]).toBe(0x5a);
    expect(batch(READ_BATCH, [1, PAGE, 0, 4, 0x3000, 99])).toBe(4);
    expect(ram[0x3003]).toBe(0x5a);
    expect(batch(ERASE_BATCH, [1, 0, 1, PAGE, 0, 99])).toBe(0);
    expect(bench.read(RESULT)).toBe(0);
    expect(fake.logged('guest')).toEqual([]);
  });

  it('has no bad blocks', () => {
    const { command } = setUp();
    expect(command(BLOCK_BAD_SET, 1, 0, 0, 0)).toBe(0);
    expect(command(BLOCK_BAD_GET, 1, 0, 0, 0)).toBe(0);
  });

  it('reads an image that ends within a block as erased from there on, and does not write it', () => {
    const { ram, read, command } = setUp([new MemoryMedium(BLOCK + 512)]);
    expect([read(SIZE_LOW), read(FLAGS)]).toEqual([2 * BLOCK, 1]);
    expect(command(READ, 0, BLOCK, 1024, 0x1000)).toBe(1024);
    expect([ram[0x1000], ram[0x1000 + 511], ram[0x1000 + 512], ram[0x1000 + 1023]]).toEqual([0, 0, 0xff, 0xff]);
  });

  it('knows ext4 images, which have no spare bytes', () => {
    const medium = new MemoryMedium(1 << 20);
    medium.bytes.set([0x53, 0xef], 0x438);
    const { read } = setUp([medium]);
    expect([PAGE_SIZE, EXTRA_SIZE, ERASE_SIZE].map(read)).toEqual([512, 0, 0]);
  });

  it('reads what the host cannot read as erased, and does not say it was written', () => {
    const { media, ram, command } = setUp();
    media[1]!.fails = true;
    expect(command(READ, 1, 0, 4, 0x1000)).toBe(4);
    expect(ram[0x1000]).toBe(0xff);
    expect(command(WRITE, 1, 0, PAGE, 0x1000)).toBe(0);
  });

  it('obeys the snapshot law', () => {
    const { bench, chip, command } = setUp();
    command(READ, 1, PAGE, 64, 0x1000);
    expectSnapshotLaw(chip, bench.make);
  });

  it('survives random accesses', () => {
    const { bench, write } = setUp();
    bench.fuzz(24, 0x60, () => write(TRANSFER_SIZE, 100));
  });
});
