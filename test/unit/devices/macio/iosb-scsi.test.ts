// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { BYTE_REGISTERS } from '../../../../machines/backplane/bus.ts';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { type DackPort, IosbScsi } from '../../../../machines/devices/macio/iosb-scsi.ts';
import { FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const DATA = 0x100;
const STATUS = 3;
const FIRST_HALF = 4;

/** A 53C96 that has or takes as many bytes as it is told, and the board around it. */
function setUp() {
  const fake = new FakeBoard();
  const state = { drq: true, irq: false, input: [] as number[], output: [] as number[], room: 100 };
  const registers = new Uint16Array(32);
  const written: number[][] = [];
  const port: DackPort = {
    span: 16,
    access: BYTE_REGISTERS,
    read: (offset) => 0x40 + offset,
    peek: (offset) => 0x40 + offset,
    write: (offset, _width, value) => written.push([offset, value]),
    dackRead: () => state.input.shift() ?? -1,
    dackReadWord: () => (state.input.length === 0 ? -1 : (state.input.shift()! << 8) | (state.input.shift() ?? 0)),
    dackWrite: (byte) => state.output.length < state.room && state.output.push(byte) > 0,
  };
  const scsi = new IosbScsi({
    registers,
    scheduler: fake.scheduler,
    onBusError: () => map.busError(),
    drq: () => state.drq && (state.input.length > 0 || state.output.length < state.room),
    irq: () => state.irq,
  });
  scsi.port = port;
  const map = fake.map();
  map.add(region(0, 0x1ff).device(scsi, 'scsi'));
  return { fake, state, registers, written, scsi, map };
}

describe('IosbScsi', () => {
  it('has the registers of the 53C96 sixteen bytes apart', () => {
    const { map, written } = setUp();
    expect([map.read(0x40, 1), map.read(0xf3, 1)]).toEqual([0x44, 0x4f]);
    map.write(0x30, 1, 0xc1);
    expect(written).toEqual([[3, 0xc1]]);
  });

  it('moves bytes, words and long words, the first byte high', () => {
    const { map, state } = setUp();
    state.input.push(1, 2, 3, 4, 5, 6, 7);
    expect([map.read(DATA, 4), map.read(DATA, 2), map.read(DATA, 1)]).toEqual([0x0102_0304, 0x0506, 0x07]);
    state.output.length = 0;
    map.write(DATA, 4, 0x1122_3344);
    map.write(DATA, 2, 0x5566);
    map.write(DATA, 1, 0x77);
    expect(state.output).toEqual([0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77]);
  });

  it('waits for data that come late', () => {
    const { fake, map, state } = setUp();
    state.drq = false;
    fake.scheduler
      .task('disk', () => {
        state.input.push(0xaa, 0xbb);
        state.drq = true;
      })
      .schedule(5_000_000);
    expect(map.read(DATA, 2)).toBe(0xaabb);
    expect([fake.scheduler.now, map.takeBusError()]).toEqual([5_000_000, false]);
  });

  it('ends in a bus error when no data come in time', () => {
    const { fake, map, state, registers } = setUp();
    state.drq = false;
    expect([map.read(DATA, 2), map.takeBusError()]).toEqual([0xffff, true]);
    expect([registers[STATUS], fake.scheduler.now]).toEqual([0x0100, 16_000_000]);
  });

  it('ends in a bus error as soon as the chip interrupts instead', () => {
    const { fake, map, state } = setUp();
    state.drq = false;
    fake.scheduler.task('phase', () => (state.irq = true)).schedule(1000);
    map.write(DATA, 2, 0);
    expect([map.takeBusError(), fake.scheduler.now]).toEqual([true, 1000]);
  });

  it('keeps the first half of a long word whose second half fails', () => {
    const { map, state, registers } = setUp();
    state.room = 0;
    state.input.push(0x12, 0x34);
    map.read(DATA, 4);
    expect([map.takeBusError(), registers[STATUS], registers[FIRST_HALF]]).toEqual([true, 0x0300, 0x1234]);
    state.room = 2;
    map.write(DATA, 4, 0x5678_9abc);
    expect([map.takeBusError(), registers[STATUS], state.output]).toEqual([true, 0x0500, [0x56, 0x78]]);
  });

  it('survives random accesses', () => {
    const { map, state } = setUp();
    const next = random(31);
    for (let n = 0; n < 20_000; n++) {
      if (next() < 0.3) state.input.push(Math.floor(next() * 256));
      if (next() < 0.3) state.output.length = 0;
      const width = ([1, 2, 4] as const)[Math.floor(next() * 3)]!;
      const pa = Math.floor(next() * 0x200);
      if (next() < 0.5) map.write(pa, width, Math.floor(next() * 2 ** (8 * width)));
      else expect(map.read(pa, width)).toBeLessThan(2 ** (8 * width));
    }
  });
});
