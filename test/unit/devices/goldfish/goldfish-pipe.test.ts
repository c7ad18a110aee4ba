// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { GoldfishPipe } from '../../../../machines/devices/goldfish/goldfish-pipe.ts';
import { TEST_SERVICES } from '../../../../machines/devices/goldfish/pipe-services.ts';
import { expectSnapshotLaw } from '../../../support/fake-board.ts';
import { GoldfishBench } from '../../../support/goldfish.ts';

const [COMMAND, STATUS, CHANNEL, SIZE, ADDRESS, WAKES, PARAMS_ADDR_LOW, ACCESS_PARAMS, VERSION] = [
  0x00, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x20, 0x24,
];
const [OPEN, CLOSE, POLL, WRITE_BUFFER, WAKE_ON_WRITE, READ_BUFFER, WAKE_ON_READ] = [1, 2, 3, 4, 5, 6, 7];
const [INVALID, AGAIN, NO_MEMORY, IO] = [-1, -2, -3, -4];
/** The kernel's own addresses begin here. */
const KERNEL = 0xc000_0000;

function setUp() {
  const bench = new GoldfishBench((fake, physical) => {
    const memory = {
      dmaRead: (va: number, into: Uint8Array) => physical.dmaRead((va - KERNEL) >>> 0, into),
      dmaWrite: (va: number, from: Uint8Array) => physical.dmaWrite((va - KERNEL) >>> 0, from),
    };
    return new GoldfishPipe(fake.chip('pipe'), { memory, physical, services: TEST_SERVICES });
  });
  const { read, write, put } = bench;
  const command = (code: number, channel: number, address = 0, size = 0): number => {
    write(CHANNEL, channel);
    write(ADDRESS, address);
    write(SIZE, size);
    write(COMMAND, code);
    return read(STATUS) | 0;
  };
  const send = (channel: number, text: string): number => {
    put(0x100, text);
    return command(WRITE_BUFFER, channel, KERNEL + 0x100, text.length);
  };
  const connect = (channel: number, service: string): number => {
    command(OPEN, channel);
    return send(channel, `pipe:${service}\0`);
  };
  return { bench, ...bench, command, send, connect };
}

describe('GoldfishPipe', () => {
  it('refuses a service there is not, and what is no name', () => {
    const { command, connect, send } = setUp();
    expect(connect(1, 'opengles')).toBe(INVALID);
    expect(send(1, 'x')).toBe(IO);
    expect(command(POLL, 1)).toBe(IO);
    expect(command(CLOSE, 1)).toBe(0);
    expect(command(POLL, 1)).toBe(INVALID);
    command(OPEN, 2);
    expect(send(2, 'toString\0')).toBe(INVALID);
    command(OPEN, 3);
    expect(send(3, 'x'.repeat(200))).toBe(INVALID);
  });

  it('gives back what pingpong is sent, whatever parts it comes in', () => {
    const { command, send, text } = setUp();
    expect(command(OPEN, 5)).toBe(0);
    expect(command(OPEN, 5)).toBe(INVALID);
    expect(send(5, 'pipe:ping')).toBe(9);
    expect(send(5, 'pong:arguments\0')).toBe(15);
    expect(command(READ_BUFFER, 5, KERNEL + 0x200, 10)).toBe(AGAIN);
    expect(command(POLL, 5)).toBe(2);
    expect(send(5, 'hello')).toBe(5);
    expect(command(POLL, 5)).toBe(3);
    expect(command(READ_BUFFER, 5, KERNEL + 0x200, 3)).toBe(3);
    expect(command(READ_BUFFER, 5, KERNEL + 0x203, 10)).toBe(2);
    expect(text(0x200, 5)).toBe('hello');
  });

  it('takes no more than it can give back', () => {
    const { command, connect } = setUp();
    connect(5, 'pingpong');
    expect(command(WRITE_BUFFER, 5, KERNEL, 0x1_0000)).toBe(0x1_0000);
    expect(command(WRITE_BUFFER, 5, KERNEL, 1)).toBe(AGAIN);
    expect(command(POLL, 5)).toBe(1);
  });

  it('wakes who waits to read, once', () => {
    const { chip, command, connect, send, read } = setUp();
    connect(7, 'pingpong');
    expect(command(WAKE_ON_READ, 7)).toBe(0);
    expect(chip.irq.level).toBe(false);
    send(7, 'x');
    expect(chip.irq.level).toBe(true);
    expect([read(CHANNEL), read(WAKES), read(CHANNEL)]).toEqual([7, 2, 0]);
    expect(chip.irq.level).toBe(false);
    send(7, 'x');
    expect(chip.irq.level).toBe(false);
    command(WAKE_ON_WRITE, 7);
    expect([read(CHANNEL), read(WAKES)]).toEqual([7, 4]);
  });

  it('takes parameters from memory, and physical addresses once asked for its version', () => {
    const { ram, read, write, put, connect } = setUp();
    connect(9, 'zero');
    expect(read(VERSION)).toBe(1);
    put(0x2000, 'xxxx');
    const view = new DataView(ram.buffer, ram.byteOffset, ram.byteLength);
    [9, 4, 0x2000, READ_BUFFER, 0x1234].forEach((word, i) => view.setUint32(0x400 + i * 4, word, true));
    write(PARAMS_ADDR_LOW, 0x400);
    write(ACCESS_PARAMS, 0);
    expect(view.getInt32(0x410, true)).toBe(4);
    expect(view.getUint32(0x2000, true)).toBe(0);
    view.setUint32(0x40c, POLL, true);
    write(ACCESS_PARAMS, 0);
    expect(view.getInt32(0x410, true)).toBe(4);
  });

  it('has a bound on its pipes', () => {
    const { command } = setUp();
    for (let i = 1; i <= 64; i++) expect(command(OPEN, i)).toBe(0);
    expect(command(OPEN, 65)).toBe(NO_MEMORY);
    expect(command(CLOSE, 1)).toBe(0);
    expect(command(OPEN, 65)).toBe(0);
  });

  it('obeys the snapshot law with pipes in every state', () => {
    const { bench, chip, command, connect, send } = setUp();
    connect(1, 'pingpong');
    command(WAKE_ON_READ, 1);
    send(1, 'waiting');
    connect(2, 'nothing');
    command(OPEN, 3);
    send(3, 'pipe:pi');
    connect(4, 'zero');
    expectSnapshotLaw(chip, bench.make);
    expect(chip.irq.level).toBe(true);
    expect(send(3, 'ngpong\0')).toBe(7);
    expect(command(READ_BUFFER, 1, KERNEL, 100)).toBe(7);
  });

  it('survives random accesses', () => {
    const { bench, connect } = setUp();
    bench.fuzz(27, 0x38, (next) => {
      if (next() < 0.02) connect(Math.floor(next() * 256), next() < 0.5 ? 'zero' : 'pingpong');
    });
  });
});
