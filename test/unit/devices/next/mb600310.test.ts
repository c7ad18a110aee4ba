// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { readTarget, writeTarget } from '../../../../machines/backplane/bus.ts';
import { Mb600310 } from '../../../../machines/devices/next/mb600310.ts';
import { encodeSector, ENCODED_BYTES, SECTOR_BYTES } from '../../../../machines/devices/next/reed-solomon.ts';
import { fuzzTargets } from '../../../support/bus-fuzz.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const TRACK_HIGH = 0x00;
const SECTOR = 0x02;
const INT_STATUS = 0x04;
const INT_MASK = 0x05;
const CSR2 = 0x06;
const CSR1 = 0x07;
const ERROR = 0x0a;
const ECC_COUNT = 0x0b;
const INIT = 0x0c;

const ECC_DONE = 0x08;
const TIMEOUT = 0x10;
const DATA_ERROR = 0x80;

const NO_DISK = 0x40;
const DECODE = 0x20;
const BLOCKS = 0x10;
const TOGGLE = 0x04;
const TIMER = 0x80;
const TO_MEMORY = 0x80;
const FROM_MEMORY = 0x40;

const MS = 1_000_000;

/** Memory on the other side of the DMA channel. */
function make() {
  const fake = new FakeBoard();
  const osp = new Mb600310(fake.chip('osp'));
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
  osp.reset('cold');
  osp.settle();
  return {
    fake,
    osp,
    memory,
    read: (offset: number): number => readTarget(osp, offset, 1),
    write: (offset: number, value: number): void => writeTarget(osp, offset, 1, value),
  };
}

const data = Uint8Array.from({ length: SECTOR_BYTES }, (_, i) => (i * 7) & 0xff);
const encoded = ((): Uint8Array => {
  const block = new Uint8Array(ENCODED_BYTES);
  block.set(data);
  encodeSector(block);
  return block;
})();

/** Brings bytes in through the coder and takes them out again. */
function through(made: ReturnType<typeof make>, bytes: Uint8Array, inFlags: number, outFlags: number): Uint8Array {
  const { fake, memory, write } = made;
  memory.give = bytes;
  memory.at = 0;
  memory.taken = [];
  write(CSR2, NO_DISK | inFlags);
  write(CSR1, FROM_MEMORY);
  fake.advance(MS);
  write(INT_STATUS, 0xfc);
  write(CSR1, 0);
  write(CSR2, NO_DISK | outFlags);
  write(CSR1, TO_MEMORY);
  fake.advance(MS);
  return Uint8Array.from(memory.taken);
}

describe('Mb600310', () => {
  it('holds what is written to the position registers, shows four bits of the sector and hides the setup', () => {
    const { read, write } = make();
    write(TRACK_HIGH, 0x12);
    write(SECTOR, 0x3f);
    for (let offset = INIT; offset <= 0x0e; offset++) write(offset, 0xff);
    for (let offset = 0x10; offset <= 0x16; offset++) write(offset, offset);
    expect([read(TRACK_HIGH), read(SECTOR)]).toEqual([0x12, 0x0f]);
    expect([0x0c, 0x0d, 0x0e].map(read)).toEqual([0, 0, 0]);
    expect([0x10, 0x13, 0x16].map(read)).toEqual([0x10, 0x13, 0x16]);
  });

  describe('the coder', () => {
    it('encodes on the way out', () => {
      const made = make();
      expect(through(made, data, 0, 0)).toEqual(encoded);
      expect(made.read(INT_STATUS)).toBe(ECC_DONE);
    });

    it('decodes on the way in', () => {
      const made = make();
      expect(through(made, encoded, DECODE, DECODE)).toEqual(data);
      expect([made.read(ERROR), made.read(ECC_COUNT)]).toEqual([0, 0]);
    });

    it('corrects and counts wrong bytes', () => {
      const made = make();
      const damaged = encoded.slice();
      for (const at of [0, 100, 700]) damaged[at]! ^= 0xff;
      const { memory, fake, write, read } = made;
      memory.give = damaged;
      write(CSR2, NO_DISK | DECODE);
      write(CSR1, FROM_MEMORY);
      fake.advance(MS);
      expect([read(INT_STATUS), read(ECC_COUNT), read(ERROR)]).toEqual([ECC_DONE, 3, 0]);
      write(CSR1, 0);
      expect(read(ECC_COUNT)).toBe(0);
    });

    it('reports what it cannot correct', () => {
      const { fake, memory, read, write } = make();
      memory.give = Uint8Array.from({ length: ENCODED_BYTES }, (_, i) => (i * i * 31) & 0xff);
      write(CSR2, NO_DISK | DECODE);
      write(CSR1, FROM_MEMORY);
      fake.advance(MS);
      expect(read(INT_STATUS) & DATA_ERROR).toBe(DATA_ERROR);
      expect(read(ERROR)).toBe(0x01);
    });

    it('takes time', () => {
      const { fake, memory, osp, read, write } = make();
      memory.give = data;
      write(INT_MASK, ECC_DONE);
      write(CSR2, NO_DISK);
      write(CSR1, FROM_MEMORY);
      fake.advance(0.3 * MS);
      expect([read(INT_STATUS), osp.irq.level]).toEqual([0, false]);
      fake.advance(0.2 * MS);
      expect([read(INT_STATUS), osp.irq.level]).toEqual([ECC_DONE, true]);
    });

    it('goes on as memory gives, and starves without it', () => {
      const { fake, memory, osp, read, write } = make();
      memory.give = data.subarray(0, 512);
      write(CSR2, NO_DISK);
      write(CSR1, FROM_MEMORY);
      fake.advance(MS);
      memory.give = data;
      osp.dma!.request();
      fake.advance(3 * MS);
      expect(read(INT_STATUS)).toBe(ECC_DONE);
      const other = make();
      other.memory.give = data.subarray(0, 512);
      other.write(CSR2, NO_DISK);
      other.write(CSR1, FROM_MEMORY);
      other.fake.advance(5 * MS);
      expect([other.read(INT_STATUS), other.read(ERROR)]).toEqual([DATA_ERROR, 0x08]);
    });

    it('has two buffers, changed by hand or by itself', () => {
      const made = make();
      through(made, data, 0, 0);
      made.write(CSR1, 0);
      const other = data.map((byte) => byte ^ 0xff);
      made.write(CSR2, NO_DISK | TOGGLE);
      made.memory.give = other;
      made.memory.at = 0;
      made.write(CSR2, NO_DISK);
      made.write(CSR1, FROM_MEMORY);
      made.fake.advance(MS);
      made.write(CSR1, 0);
      made.memory.taken = [];
      made.write(CSR2, NO_DISK | DECODE | BLOCKS);
      made.write(CSR1, TO_MEMORY);
      made.fake.advance(2 * MS);
      const taken = Uint8Array.from(made.memory.taken);
      expect(taken).toHaveLength(2 * SECTOR_BYTES);
      expect(taken.subarray(0, 32)).toEqual(other.subarray(0, 32));
      // The first buffer was encoded where it is: rows of 36.
      expect(taken.subarray(SECTOR_BYTES, SECTOR_BYTES + 36)).toEqual(encoded.subarray(0, 36));
    });
  });

  it('times out when it is to find a sector, if it is told to', () => {
    const { fake, osp, read, write } = make();
    write(INT_MASK, TIMEOUT);
    write(CSR2, TIMER);
    write(CSR1, 0x02);
    fake.advance(120 * MS);
    expect(osp.irq.level).toBe(false);
    fake.advance(10 * MS);
    expect([read(INT_STATUS), osp.irq.level]).toEqual([TIMEOUT, true]);
    write(INT_STATUS, TIMEOUT);
    expect(osp.irq.level).toBe(false);
  });

  it('gets no answer where there is no drive', () => {
    const { fake, read, write } = make();
    write(0x08, 0x20);
    write(0x09, 0x00);
    fake.advance(10 * MS);
    expect(read(INT_STATUS)).toBe(0);
    write(CSR1, 0x20);
    expect([read(0x08), read(0x09)]).toEqual([0, 0]);
  });

  it('drives its general purpose line and resets by the interrupt register', () => {
    const { osp, read, write } = make();
    write(INT_STATUS, 0x02);
    expect(osp.gpo.level).toBe(true);
    write(TRACK_HIGH, 0x55);
    write(INT_MASK, 0xff);
    write(INT_STATUS, 0x01);
    expect([osp.gpo.level, read(TRACK_HIGH), read(INT_MASK)]).toEqual([false, 0, 0]);
  });

  it('refuses to write what is read only', () => {
    const { fake, read, write } = make();
    write(ERROR, 0xff);
    write(ECC_COUNT, 0xff);
    expect([read(ERROR), read(ECC_COUNT)]).toEqual([0, 0]);
    expect(fake.logged('guest')).toContain('write of 0xff to read-only register 0xa');
  });

  it('obeys the snapshot law and finishes what it was doing', () => {
    const { fake, osp, memory, write } = make();
    memory.give = data;
    write(INT_MASK, ECC_DONE);
    write(CSR2, NO_DISK);
    write(CSR1, FROM_MEMORY);
    fake.advance(0.1 * MS);
    expectSnapshotLaw(osp, () => make().osp);
    const other = make();
    other.osp.restore(osp.save());
    other.osp.settle();
    other.fake.advance(MS);
    expect(other.osp.irq.level).toBe(true);
  });

  it('survives random accesses', () => {
    const { fake, osp, memory } = make();
    fuzzTargets(fake, [osp], {
      seed: 17,
      steps: 10_000,
      ticks: 400_000,
      between: (below) => {
        memory.give = data.subarray(0, below(SECTOR_BYTES));
        memory.at = 0;
        memory.room = below(2000);
        memory.taken = [];
        if (below(8) === 0) osp.dma!.request();
      },
    });
  });
});
