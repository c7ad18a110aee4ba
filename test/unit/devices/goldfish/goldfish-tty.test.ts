// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { SerialLine } from '../../../../machines/backplane/serial-line.ts';
import { GoldfishTty } from '../../../../machines/devices/goldfish/goldfish-tty.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const BASE = 0x1_0000;
const PUT_CHAR = 0x00;
const BYTES_READY = 0x04;
const CMD = 0x08;
const DATA_PTR = 0x10;
const DATA_LEN = 0x14;
const DATA_PTR_HIGH = 0x18;
const VERSION = 0x20;

const INT_DISABLE = 0;
const INT_ENABLE = 1;
const WRITE_BUFFER = 2;
const READ_BUFFER = 3;

function setUp() {
  const fake = new FakeBoard();
  const map = fake.map();
  const ram = fake.board.memory.allocate('ram', 0x8000);
  const make = () => new GoldfishTty(fake.chip('tty'), { byteOrder: 'big', version: 1, memory: map });
  const tty = make();
  const line = new SerialLine('line');
  tty.port = line;
  map.add(region(0, 0x7fff).ram(ram), region(BASE, BASE + 0xfff).device(tty, 'tty'));
  tty.reset('cold');
  tty.settle();
  const write = (offset: number, value: number) => map.write(BASE + offset, 4, value);
  const command = (code: number, pointer: number, length: number) => {
    write(DATA_PTR, pointer);
    write(DATA_LEN, length);
    write(CMD, code);
  };
  return { fake, map, ram, tty, line, make, write, command, read: (offset: number) => map.read(BASE + offset, 4) };
}

const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

describe('GoldfishTty', () => {
  it('sends single characters and whole buffers', () => {
    const { ram, line, write, command, read } = setUp();
    write(PUT_CHAR, 0x141);
    ram.bytes.set(new TextEncoder().encode('bcd'), 0x100);
    command(WRITE_BUFFER, 0x100, 3);
    expect(text(line.drain())).toBe('Abcd');
    expect(read(VERSION)).toBe(1);
  });

  it('sends buffers longer than a page', () => {
    const { ram, line, command } = setUp();
    ram.bytes.forEach((_, index) => (ram.bytes[index] = index % 251));
    command(WRITE_BUFFER, 1, 0x7000);
    expect([...line.drain()]).toEqual([...ram.bytes.subarray(1, 0x7001)]);
  });

  it('tells how many bytes wait and puts them into memory', () => {
    const { ram, tty, line, command, read, write } = setUp();
    line.feed(new TextEncoder().encode('hello'));
    expect([read(BYTES_READY), tty.irq.level]).toEqual([5, false]);
    write(CMD, INT_ENABLE);
    expect(tty.irq.level).toBe(true);
    command(READ_BUFFER, 0x200, 3);
    expect([read(BYTES_READY), tty.irq.level]).toEqual([2, true]);
    command(READ_BUFFER, 0x203, 99);
    expect([read(BYTES_READY), tty.irq.level]).toEqual([0, false]);
    expect(text(ram.bytes.subarray(0x200, 0x206))).toBe('hello\0');
    line.feed(Uint8Array.of(1));
    expect(tty.irq.level).toBe(true);
    write(CMD, INT_DISABLE);
    expect(tty.irq.level).toBe(false);
  });

  it('holds 128 bytes, and the rest waits in the line', () => {
    const { ram, line, command, read } = setUp();
    line.feed(Uint8Array.from({ length: 300 }, (_, index) => index & 0xff));
    expect(read(BYTES_READY)).toBe(128);
    command(READ_BUFFER, 0, 100);
    expect(read(BYTES_READY)).toBe(128);
    command(READ_BUFFER, 100, 200);
    expect(read(BYTES_READY)).toBe(0);
    expect([ram.bytes[0], ram.bytes[255], ram.bytes[299]]).toEqual([0, 255, 43]);
  });

  it('refuses buffers beyond memory and cuts endless ones', () => {
    const { fake, line, command, write } = setUp();
    write(DATA_PTR_HIGH, 1);
    command(WRITE_BUFFER, 0, 4);
    expect(line.drain()).toHaveLength(0);
    write(DATA_PTR_HIGH, 0);
    command(WRITE_BUFFER, 0, 0xffff_ffff);
    expect(line.drain()).toHaveLength(1 << 20);
    write(CMD, 9);
    expect(fake.logged('guest')).toEqual(
      expect.arrayContaining(['buffer beyond memory, upper word 0x1', 'no command 9']),
    );
  });

  it('obeys the snapshot law', () => {
    const { tty, line, make, write } = setUp();
    line.feed(new TextEncoder().encode('kept'));
    write(CMD, INT_ENABLE);
    write(DATA_PTR, 0x1234);
    write(DATA_LEN, 7);
    expectSnapshotLaw(tty, make);
    expect(tty.irq.level).toBe(true);
  });

  it('survives random accesses', () => {
    const { tty, map, line } = setUp();
    const next = random(3);
    const pick = (below: number): number => Math.floor(next() * below);
    for (let i = 0; i < 20_000; i++) {
      const offset = BASE + (pick(4) === 0 ? pick(0x1000) : pick(0x24));
      const width = ([1, 2, 4] as const)[pick(3)]!;
      if (pick(8) === 0) line.feed(Uint8Array.of(pick(256)));
      // Not every command may move a mebibyte.
      if (pick(16) === 0) map.write(BASE + DATA_LEN, 4, pick(64));
      if (offset - BASE >= DATA_LEN && offset - BASE < DATA_LEN + 4) continue;
      if (pick(2) === 0) map.write(offset, width, pick(4) === 0 ? pick(4) : pick(2 ** (width * 8)));
      else expect(map.read(offset, width)).toBeLessThan(2 ** (width * 8));
      line.drain();
    }
    tty.restore(structuredClone(tty.save()));
  });
});
