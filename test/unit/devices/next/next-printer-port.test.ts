// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { readTarget, type Width, writeTarget } from '../../../../machines/backplane/bus.ts';
import { NextPrinterPort } from '../../../../machines/devices/next/next-printer-port.ts';
import { fuzzTargets } from '../../../support/bus-fuzz.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const DMA = 0;
const PRINTER = 1;
const SENDER = 2;
const COMMAND = 3;
const DATA = 4;

const INT = 0x08;
const RECEIVED = 0x04;
const OVERRUN = 0x02;
const SENDING = 0x10;
const ENABLE = 0x02;
const LOOP = 0x01;

const PACKET_NS = 10_000;

function make() {
  const fake = new FakeBoard();
  const port = new NextPrinterPort(fake.chip('printer'));
  port.reset('cold');
  port.settle();
  return {
    fake,
    port,
    read: (offset: number, width: Width = 1): number => readTarget(port, offset, width),
    write: (offset: number, value: number, width: Width = 1): void => writeTarget(port, offset, width, value),
  };
}

describe('NextPrinterPort', () => {
  it('is 0 and silent after reset', () => {
    const { port, read } = make();
    expect([read(0, 4), read(4, 4), port.irq.level]).toEqual([0, 0, false]);
  });

  it('keeps what software decides and nothing else', () => {
    const { read, write } = make();
    write(0, 0xffff_ffff, 4);
    expect([read(DMA), read(PRINTER), read(SENDER), read(COMMAND)]).toEqual([0x89, 0xc0, ENABLE | LOOP, 0xff]);
  });

  it('sends a packet that nobody answers', () => {
    const { fake, port, read, write } = make();
    write(SENDER, ENABLE);
    write(DATA, 0x1234_5678, 4);
    expect(read(SENDER)).toBe(ENABLE | SENDING);
    fake.advanceNs(PACKET_NS);
    expect([read(SENDER), read(PRINTER), port.irq.level]).toEqual([ENABLE, 0, false]);
  });

  it('sends nothing while in reset, and stops when put there', () => {
    const { fake, read, write } = make();
    write(DATA, 1, 4);
    expect(read(SENDER)).toBe(0);
    write(SENDER, ENABLE | LOOP);
    write(DATA, 1, 4);
    write(SENDER, 0);
    expect(read(SENDER)).toBe(0);
    fake.advanceNs(PACKET_NS);
    expect(read(PRINTER)).toBe(0);
  });

  it('receives its own packets while looped back, and interrupts until they are read', () => {
    const { fake, port, read, write } = make();
    write(SENDER, ENABLE | LOOP);
    write(DATA, 0xcafe_babe, 4);
    fake.advanceNs(PACKET_NS);
    expect([read(PRINTER), port.irq.level]).toEqual([INT | RECEIVED, true]);
    expect(port.peek(DATA)).toBe(0xca);
    expect(read(DATA, 4)).toBe(0xcafe_babe);
    expect([read(PRINTER), port.irq.level]).toEqual([0, false]);
  });

  it('says that a packet was lost', () => {
    const { fake, port, read, write } = make();
    write(SENDER, ENABLE | LOOP);
    for (const data of [1, 2]) {
      write(DATA, data, 4);
      fake.advanceNs(PACKET_NS);
    }
    expect([read(PRINTER), read(DATA, 4)]).toEqual([INT | RECEIVED | OVERRUN, 2]);
    expect(port.irq.level).toBe(true);
    write(PRINTER, OVERRUN);
    expect([read(PRINTER), port.irq.level]).toEqual([0, false]);
  });

  it('wants its data as a word', () => {
    const { fake, write } = make();
    write(DATA, 1);
    expect(fake.logged('guest')).toEqual(['write of 0x1 to 0x4']);
  });

  it('obeys the snapshot law, and a packet on its way arrives', () => {
    const { port, write } = make();
    write(0, 0x8040_0377, 4);
    write(DATA, 0x55, 4);
    expectSnapshotLaw(port, () => make().port);
    const other = make();
    other.port.restore(port.save());
    other.port.settle();
    other.fake.advanceNs(PACKET_NS);
    expect([other.port.irq.level, other.read(DATA, 4)]).toEqual([true, 0x55]);
  });

  it('survives random accesses', () => {
    const { fake, port } = make();
    fuzzTargets(fake, [port], { seed: 18, ticks: 10_000 });
  });
});
