// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { type BlockDevice, MediumError } from '../../../../machines/backplane/host.ts';
import { Hd63463 } from '../../../../machines/devices/st506/hd63463.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const HEADS = 2;
const SECTORS = 32;
const CYLINDERS = 4;
const BYTES = CYLINDERS * HEADS * SECTORS * 256;

/** Sector n is full of n, modulo 251. */
class Medium implements BlockDevice {
  readonly blockBytes = 512;
  readonly blockCount = BYTES / 512;
  readonly title = 'medium';
  readonly bytes = Uint8Array.from({ length: BYTES }, (_, at) => (at >>> 8) % 251);
  readonly = false;
  broken = false;

  read(first: number, into: Uint8Array): void {
    if (this.broken) throw new MediumError('broken');
    into.set(this.bytes.subarray(first * 512, first * 512 + into.length));
  }

  write(first: number, from: Uint8Array): void {
    this.bytes.set(from, first * 512);
  }

  flush(): void {}
}

function make() {
  const fake = new FakeBoard();
  const medium = new Medium();
  const fresh = () => new Hd63463(fake.chip('hdc'), [{ medium, heads: HEADS, sectors: SECTORS }]);
  const hdc = fresh();
  hdc.reset('cold');
  hdc.settle();
  const status = (): number => hdc.read(0, 2) >>> 8;
  const run = (command: number, ...bytes: number[]): void => {
    hdc.write(0, 2, 0x08); // recall
    for (let at = 0; at < bytes.length; at += 2) hdc.write(2, 2, (bytes[at]! << 8) | (bytes[at + 1] ?? 0));
    hdc.write(0, 2, command);
  };
  const results = (count: number): number[] =>
    Array.from({ length: count / 2 }, () => hdc.read(2, 2)).flatMap((word) => [word >>> 8, word & 0xff]);
  const specify = (): void => run(0xe8, 0, 0, 0, 0xff, 0, CYLINDERS - 1, HEADS - 1, SECTORS - 1);
  const fetch = (): number[] => Array.from({ length: 128 }, () => hdc.readDack()).flatMap((w) => [w & 0xff, w >>> 8]);
  return { fake, medium, hdc, status, run, results, specify, fetch, fresh };
}

const MS = 1_000_000;

describe('HD63463', () => {
  it('reads sectors over the end of a track, and says where it got to', () => {
    const { fake, hdc, status, run, results, specify, fetch } = make();
    specify();
    run(0x40, 1, 0, 0, 1, 0, 31, 0, 2);
    expect(status()).toBe(0xc0);
    fake.advanceNs(6 * MS);
    expect(hdc.dreq.level).toBe(true);
    expect(fetch()).toEqual(new Array(256).fill(64 + 31));
    expect(hdc.dreq.level).toBe(false);
    fake.advanceNs(1 * MS);
    expect(fetch()).toEqual(new Array(256).fill(64 + 32));
    expect(hdc.irq.level).toBe(false);
    fake.advanceNs(1 * MS);
    expect([status(), hdc.irq.level]).toEqual([0x60, true]);
    expect(results(10)).toEqual([0, 0, 1, 0, 0, 1, 1, 1, 0, 0]);
    hdc.write(0, 2, 0x08);
    expect([status(), hdc.irq.level]).toEqual([0, false]);
  });

  it('writes sectors, halves of the medium’s blocks', () => {
    const { fake, medium, hdc, status, run, specify } = make();
    specify();
    run(0x87, 1, 0, 0, 0, 0, 1, 0, 2);
    fake.advanceNs(6 * MS);
    for (const fill of [0x1122, 0x3344]) {
      expect(hdc.dreq.level).toBe(true);
      for (let i = 0; i < 128; i++) hdc.writeDack(fill);
      fake.advanceNs(1 * MS);
    }
    expect(status()).toBe(0x60);
    expect([...medium.bytes.subarray(0xfe, 0x104)]).toEqual([0, 0, 0x22, 0x11, 0x22, 0x11]);
    expect([...medium.bytes.subarray(0x1fe, 0x202)]).toEqual([0x22, 0x11, 0x44, 0x33]);
    expect(medium.bytes[0x300]).toBe(3);
  });

  it('checks sectors without moving data', () => {
    const { fake, hdc, status, run, specify } = make();
    specify();
    const dreq = fake.watch(hdc.dreq);
    run(0x48, 1, 0, 0, 0, 0, 0, 0, 4);
    fake.advanceNs(10 * MS);
    expect([status(), dreq]).toEqual([0x60, []]);
  });

  it('formats: four bytes describe a sector', () => {
    const { fake, medium, hdc, status, run, specify } = make();
    specify();
    run(0xc0, 1, 0, 0, 1);
    fake.advanceNs(6 * MS);
    expect(status()).toBe(0x70);
    run(0xa3, 1, 1, 0, SECTORS);
    fake.advanceNs(6 * MS);
    for (let i = 0; i < 128; i++) hdc.writeDack(0);
    fake.advanceNs(1 * MS);
    expect(status()).toBe(0x60);
    const track = (64 + 32) * 256;
    expect(medium.bytes.subarray(track, track + SECTORS * 256).every((byte) => byte === 0)).toBe(true);
    expect(medium.bytes[track - 1]).toBe(64 + 31);
  });

  it('recalibrates, and knows track 0', () => {
    const { fake, status, run, results, specify } = make();
    specify();
    run(0xc0, 1, 0, 0, 2);
    fake.advanceNs(6 * MS);
    run(0x28, 1, 0);
    expect(status()).toBe(0);
    expect(results(6)).toEqual([0, 0, 1, 0, 0xc0, 0]);
    run(0xc8, 1, 0);
    fake.advanceNs(6 * MS);
    expect(status()).toBe(0x50);
    run(0x28, 1, 0);
    expect(results(6)[4]).toBe(0xe0);
  });

  it.each([
    ['a unit that is not there', [0x40, 2, 0, 0, 0, 0, 0, 0, 1], 0x20],
    ['a cylinder beyond the last', [0x40, 1, 0, 0, CYLINDERS, 0, 0, 0, 1], 0x24],
    ['a head beyond the last', [0x40, 1, 0, 0, 0, HEADS, 0, 0, 1], 0x3c],
    ['a sector beyond the last', [0x40, 1, 0, 0, 0, 0, SECTORS, 0, 1], 0x58],
    ['a command it does not have', [0x99, 1, 0], 0x08],
  ])('refuses %s', (_, [command, ...bytes], error) => {
    const { fake, status, run, results, specify } = make();
    specify();
    run(command!, ...bytes);
    fake.advanceNs(6 * MS);
    expect(status()).toBe(0x24);
    expect(results(2)).toEqual([0, error]);
  });

  it('reports media that fail or may not be written', () => {
    const { fake, medium, hdc, run, results, specify } = make();
    specify();
    medium.broken = true;
    run(0x40, 1, 0, 0, 0, 0, 0, 0, 1);
    fake.advanceNs(6 * MS);
    expect(results(2)).toEqual([0, 0x40]);
    medium.broken = false;
    medium.readonly = true;
    run(0x87, 1, 0, 0, 0, 0, 0, 0, 1);
    fake.advanceNs(6 * MS);
    for (let i = 0; i < 128; i++) hdc.writeDack(0);
    fake.advanceNs(1 * MS);
    expect(results(2)).toEqual([0, 0x28]);
  });

  it('is stopped by an abort, and interrupts only as OM1 lets it', () => {
    const { fake, hdc, status, run, results } = make();
    run(0xe8, 0, 0x20, 0, 0xff, 0, CYLINDERS - 1, HEADS - 1, SECTORS - 1);
    run(0x40, 1, 0, 0, 0, 0, 0, 0, 1);
    fake.advanceNs(6 * MS);
    hdc.write(0, 2, 0xf0);
    expect([status() & 0xa0, hdc.dreq.level, hdc.irq.level]).toEqual([0x20, false, false]);
    expect(results(2)).toEqual([0, 0x04]);
    fake.advanceNs(20 * MS);
    expect(hdc.dreq.level).toBe(false);
  });

  it('takes 16 bytes of parameters and says so', () => {
    const { fake, hdc, status } = make();
    hdc.write(0, 2, 0x08);
    for (let i = 0; i < 8; i++) hdc.write(2, 2, i);
    expect(status()).toBe(0x40);
    hdc.write(2, 2, 8);
    expect(fake.logged('guest')).toHaveLength(1);
  });

  it('obeys the snapshot law in the middle of a sector', () => {
    const { fake, hdc, run, specify, fresh } = make();
    specify();
    run(0x87, 1, 0, 0, 0, 0, 0, 0, 2);
    fake.advanceNs(6 * MS);
    hdc.writeDack(1);
    expectSnapshotLaw(hdc, fresh);
  });

  it('survives random accesses', () => {
    const { fake, hdc } = make();
    const next = random(63463);
    const commands = [0, 8, 0x10, 0x28, 0x40, 0x48, 0x87, 0xa3, 0xc0, 0xc8, 0xe8, 0xf0];
    for (let i = 0; i < 20_000; i++) {
      const chance = next();
      if (chance < 0.2)
        hdc.write(0, 2, next() < 0.9 ? commands[Math.floor(next() * commands.length)]! : next() * 0xffff);
      else if (chance < 0.5) hdc.write(2, 2, next() < 0.5 ? Math.floor(next() * 3) : Math.floor(next() * 0x1_0000));
      else if (chance < 0.6) expect(hdc.read(Math.floor(next() * 2) * 2, 2)).toBeLessThanOrEqual(0xffff);
      else if (chance < 0.8) for (let n = 0; n < 128; n++) hdc.writeDack(Math.floor(next() * 0x1_0000));
      else expect(Math.max(...Array.from({ length: 128 }, () => hdc.readDack()))).toBeLessThanOrEqual(0xffff);
      fake.advanceNs(next() * 3 * MS);
    }
  });
});
