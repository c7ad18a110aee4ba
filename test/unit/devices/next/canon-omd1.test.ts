// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { readTarget, writeTarget } from '../../../../machines/backplane/bus.ts';
import { CanonOmd1 } from '../../../../machines/devices/next/canon-omd1.ts';
import { Mb600310 } from '../../../../machines/devices/next/mb600310.ts';
import { MemoryMedium } from '../../../support/block-device.ts';
import { fuzzTargets } from '../../../support/bus-fuzz.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const MS = 1_000_000;
const SECTOR = 1024;
const TRACK = 16 * SECTOR;

const COMPLETE = 0x01;
const ATTENTION = 0x02;
const OPERATION_COMPLETE = 0x04;
const ECC_DONE = 0x08;
const TIMEOUT = 0x10;
const READ_FAULT = 0x20;
const DATA_ERROR = 0x80;

const ADDRESS = 0x10;
const VERIFY = 0x08;
const ERASE = 0x04;
const READ = 0x02;
const WRITE = 0x01;
const TIMER = 0x80;

/** The drive at its formatter, with memory at the other end of the DMA channel. Four tracks from 4096 on are there. */
function make(medium: MemoryMedium | 'none' = new MemoryMedium(4 * TRACK)) {
  const fake = new FakeBoard();
  const osp = new Mb600310(fake.chip('osp'));
  const drive = new CanonOmd1(fake.chip('mo'), medium === 'none' ? undefined : medium);
  osp.connect(0, drive);
  const memory = { give: new Uint8Array(0) as Uint8Array, at: 0, taken: [] as number[], room: Infinity };
  osp.dma = {
    request: () => {
      for (;;) {
        const given = osp.dmaOut(memory.give.subarray(memory.at, memory.at + 16));
        memory.at += given;
        const burst = new Uint8Array(Math.min(16, memory.room));
        const taken = burst.length === 0 ? 0 : osp.dmaIn(burst);
        memory.taken.push(...burst.subarray(0, taken));
        memory.room -= taken;
        if (given === 0 && taken === 0) return;
      }
    },
  };
  for (const device of [drive, osp]) device.reset('cold');
  for (const device of [drive, osp]) device.settle();
  const read = (offset: number): number => readTarget(osp, offset, 1);
  const write = (offset: number, value: number): void => writeTarget(osp, offset, 1, value);
  const command = (word: number, ms = 1): number => {
    write(0x08, word >> 8);
    write(0x09, word & 0xff);
    fake.advance(ms * MS);
    return read(0x04) & (COMPLETE | ATTENTION);
  };
  const ask = (word: number): number => {
    command(word);
    write(0x07, 0x20);
    return (read(0x08) << 8) | read(0x09);
  };
  /** Goes before a sector with a head and has the formatter do something with so many from it. */
  const transfer = (track: number, sector: number, count: number, head: number, operation: number): number => {
    write(0x04, 0xfc);
    command(0x5900);
    command(0xa000 | ((track - 1) >> 12));
    command(head);
    command((track - 1) & 0xfff, 200);
    for (const [offset, value] of [
      [0x00, track >> 8],
      [0x01, track & 0xff],
      [0x02, 0x10 | sector],
      [0x03, count],
      [0x06, TIMER],
      [0x0c, 0xd3],
    ] as const) {
      write(offset, value);
    }
    command((track - 1) & 0xfff, 0);
    write(0x07, operation);
    fake.advance(300 * MS);
    return read(0x04) & 0xfc;
  };
  const bytes = medium === 'none' ? new Uint8Array(0) : medium.bytes;
  return { fake, osp, drive, medium, bytes, memory, read, write, command, ask, transfer };
}

const pattern = (length: number, by: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * by) ^ (i >> 8));

describe('CanonOmd1', () => {
  it('answers what is asked, and forgets that it was reset when told to', () => {
    const { ask, command } = make();
    expect([ask(0x2000), ask(0x2800), ask(0x2a00), ask(0x3f00)]).toEqual([0x0008, 0, 0, 0x0880]);
    expect(command(0x5000)).toBe(COMPLETE);
    expect(ask(0x2000)).toBe(0);
    expect(command(0x8000)).toBe(COMPLETE);
  });

  it('is busy while it executes a command, and interrupts when it is done', () => {
    const { fake, osp, read, write } = make();
    write(0x05, COMPLETE);
    expect(osp.irq.level).toBe(true);
    write(0x08, 0x20);
    write(0x09, 0x00);
    expect([osp.irq.level, read(0x04)]).toEqual([false, 0]);
    fake.advance(0.039 * MS);
    expect(osp.irq.level).toBe(false);
    fake.advance(0.002 * MS);
    expect([osp.irq.level, read(0x04)]).toEqual([true, COMPLETE]);
  });

  it('seeks in a time that grows with the distance, with high bits that stay', () => {
    const { ask, command } = make();
    command(0xa001);
    expect(command(0x0034, 58)).toBe(0);
    expect(command(0x2000, 1)).toBe(COMPLETE);
    expect(ask(0x2200)).toBe(0x1034);
    expect(command(0x0035, 6)).toBe(COMPLETE);
    expect(ask(0x2200)).toBe(0x1035);
    expect(command(0x1000, 100)).toBe(COMPLETE);
    expect(ask(0x2200)).toBe(0);
  });

  it('refuses tracks beyond the last', () => {
    const { ask, command } = make();
    expect(command(0xa005)).toBe(COMPLETE | ATTENTION);
    expect(ask(0x2000) & 0x0010).toBe(0x0010);
    command(0x5000);
    command(0xa004);
    expect(command(0x0d6a, 300)).toBe(COMPLETE);
    expect(ask(0x2200)).toBe(19_818);
    expect(command(0x0d6b)).toBe(COMPLETE | ATTENTION);
  });

  it('jumps up to eight tracks and chooses the head with it', () => {
    const { ask, command, drive } = make();
    command(0x0064, 20);
    command(0x5117, 2);
    expect([ask(0x2200), drive.head]).toEqual([107, 'read']);
    command(0x5148, 2);
    expect([ask(0x2200), drive.head]).toEqual([99, 'erase']);
    command(0x0002, 20);
    command(0x5128, 2);
    expect([ask(0x2200), drive.head]).toEqual([0, 'verify']);
  });

  it('refuses commands it does not know', () => {
    const { ask, command, fake } = make();
    expect(command(0x7fff)).toBe(COMPLETE | ATTENTION);
    expect(ask(0x2000) & 0x0020).toBe(0x0020);
    expect(fake.logged('unimp')).toEqual(['command 0x7fff']);
    expect(command(0x5000)).toBe(COMPLETE);
    for (const word of [0x3000, 0x4000, 0x4600, 0x4101, 0xb123]) {
      expect(command(word)).toBe(COMPLETE | ATTENTION);
      command(0x5000);
    }
  });

  it('stops and starts its motor, and spirals only while it turns', () => {
    const { ask, command } = make();
    command(0x5000);
    command(0x5200);
    expect(ask(0x2000)).toBe(0x0200);
    expect(command(0x5900)).toBe(COMPLETE | ATTENTION);
    command(0x5000);
    expect(command(0x5300, 1500)).toBe(0);
    command(0x2000, 200);
    expect(ask(0x2000) & 0x0200).toBe(0);
    expect(command(0x5900)).toBe(COMPLETE);
  });

  it('passes sixteen sectors a turn, fifty turns a second, while it spirals', () => {
    const { ask, command, fake } = make();
    command(0x0064, 20);
    command(0x5900);
    fake.advance(200 * MS);
    expect(ask(0x2200)).toBe(110);
    command(0x5a00);
    fake.advance(200 * MS);
    expect(ask(0x2200)).toBe(110);
  });

  it('is empty without a disk or when that is ejected, unless it is locked', () => {
    const empty = make('none');
    const { ask, command } = make();
    expect(empty.ask(0x2000) & 0x4000).toBe(0x4000);
    expect(empty.command(0x5900)).toBe(COMPLETE | ATTENTION);
    command(0x5400);
    expect(command(0x5600)).toBe(COMPLETE | ATTENTION);
    command(0x5000);
    command(0x5500);
    expect(command(0x5600)).toBe(COMPLETE);
    expect(ask(0x2000)).toBe(0x4200);
    expect(command(0x5300)).toBe(COMPLETE | ATTENTION);
  });

  it('reads sectors, over the end of a track', () => {
    const { bytes, memory, read, transfer } = make();
    bytes.set(pattern(4 * TRACK, 7));
    expect(transfer(4096 + 1, 14, 4, 0x4100, READ)).toBe(OPERATION_COMPLETE | ECC_DONE);
    const from = TRACK + 14 * SECTOR;
    expect(Uint8Array.from(memory.taken)).toEqual(bytes.slice(from, from + 4 * SECTOR));
    expect([read(0x00), read(0x01), read(0x02), read(0x03)]).toEqual([0x10, 0x02, 2, 0]);
    expect([read(0x0a), read(0x0b)]).toEqual([0, 0]);
  });

  it('writes, verifies and erases sectors', () => {
    const { bytes, memory, transfer } = make();
    memory.give = pattern(3 * SECTOR, 13);
    expect(transfer(4097, 3, 3, 0x4300, WRITE)).toBe(OPERATION_COMPLETE | ECC_DONE);
    const from = TRACK + 3 * SECTOR;
    expect(bytes.slice(from, from + 3 * SECTOR)).toEqual(memory.give);
    expect(bytes[from - 1]! | bytes[from + 3 * SECTOR]!).toBe(0);
    expect(memory.at).toBe(3 * SECTOR);
    expect(transfer(4097, 3, 3, 0x4200, VERIFY)).toBe(OPERATION_COMPLETE | ECC_DONE);
    expect(memory.taken).toEqual([]);
    expect(transfer(4097, 4, 1, 0x4400, ERASE)).toBe(OPERATION_COMPLETE);
    expect(bytes.slice(from + SECTOR, from + 2 * SECTOR).every((byte) => byte === 0xff)).toBe(true);
    expect(bytes.slice(from, from + SECTOR)).toEqual(memory.give.slice(0, SECTOR));
  });

  it('writes what was brought and encoded before', () => {
    const { bytes, memory, write, transfer } = make();
    memory.give = pattern(SECTOR, 11);
    write(0x07, 0x40);
    expect(memory.at).toBe(SECTOR);
    expect(transfer(4096, 5, 1, 0x4300, WRITE)).toBe(OPERATION_COMPLETE | ECC_DONE);
    expect(bytes.slice(5 * SECTOR, 6 * SECTOR)).toEqual(memory.give);
  });

  it('tells the address of the sector that passes', () => {
    const { read, transfer } = make();
    expect(transfer(4098, 0, 1, 0x4100, ADDRESS)).toBe(OPERATION_COMPLETE);
    expect([(read(0x00) << 8) | read(0x01), read(0x03)]).toEqual([4097, 1]);
  });

  it('does not write on a protected disk', () => {
    const { ask, command, drive, bytes, memory, transfer } = make(new MemoryMedium(4 * TRACK, true));
    expect(command(0x4300)).toBe(COMPLETE | ATTENTION);
    expect([ask(0x2000) & 0x2000, drive.head]).toEqual([0x2000, 'none']);
    memory.give = pattern(SECTOR, 3);
    expect(transfer(4097, 0, 1, 0x4300, WRITE)).toBe(READ_FAULT);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    expect(command(0x4100)).toBe(COMPLETE | ATTENTION);
  });

  it('faults where there is no data, where the host fails and with a head for something else', () => {
    const medium = new MemoryMedium(4 * TRACK);
    const { transfer } = make(medium);
    expect(transfer(4095, 0, 1, 0x4100, READ)).toBe(READ_FAULT);
    expect(transfer(4100, 0, 1, 0x4100, READ)).toBe(READ_FAULT);
    expect(transfer(4097, 0, 1, 0x4200, READ)).toBe(READ_FAULT);
    medium.fails = true;
    expect(transfer(4097, 0, 1, 0x4100, READ)).toBe(READ_FAULT);
  });

  it('gives up after a hundred sectors that are not the one, and where memory does not follow', () => {
    const { fake, memory, command, read, write, transfer } = make();
    expect(transfer(4097, 0, 1, 0x4100, READ)).toBe(OPERATION_COMPLETE | ECC_DONE);
    write(0x04, 0xfc);
    command(0x5a00);
    write(0x07, READ);
    fake.advance(130 * MS);
    expect(read(0x04) & 0xfc).toBe(TIMEOUT);
    memory.room = 1000;
    expect(transfer(4097, 0, 4, 0x4100, READ)).toBe(DATA_ERROR);
    expect(read(0x0a)).toBe(0x08);
  });

  it('obeys the snapshot law and goes on where it was', () => {
    const one = make();
    one.bytes.set(pattern(4 * TRACK, 5));
    one.command(0xa001);
    one.command(0x4100);
    one.command(0x5900);
    one.command(0x0001, 200);
    one.command(0x0001, 3);
    expectSnapshotLaw(one.drive, () => make().drive);
    expectSnapshotLaw(one.osp, () => make().osp);
    const other = make(one.medium);
    other.drive.restore(one.drive.save());
    other.osp.restore(one.osp.save());
    for (const device of [other.drive, other.osp]) device.settle();
    expect(other.read(0x04) & COMPLETE).toBe(0);
    other.fake.advance(10 * MS);
    expect(other.read(0x04) & COMPLETE).toBe(COMPLETE);
    expect(other.ask(0x2200)).toBe(0x1001);
  });

  it('survives random commands', () => {
    const { fake, osp, memory, write } = make();
    const commands = [0x5900, 0x5300, 0x4100, 0x4300, 0x4400, 0xa001, 0x0001, 0x5118, 0x5000, 0x5138];
    fuzzTargets(fake, [osp], {
      seed: 23,
      steps: 20_000,
      ticks: 2 * MS,
      between: (below) => {
        memory.give = new Uint8Array(below(SECTOR));
        memory.at = 0;
        memory.room = below(3000);
        memory.taken = [];
        if (below(4) !== 0) return;
        const word = commands[below(commands.length)]!;
        write(0x08, word >> 8);
        write(0x09, word & 0xff);
        write(0x0c, below(4));
        write(0x07, 1 << below(5));
      },
    });
  });
});
