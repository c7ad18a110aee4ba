// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { SerialLine } from '../../../../machines/backplane/serial-line.ts';
import { R6551 } from '../../../../machines/devices/serial/r6551.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

function make() {
  const fake = new FakeBoard();
  const acia = new R6551(fake.chip('acia'), { clock: fake.board.clock('acia', 1_843_200) });
  const line = new SerialLine('line');
  acia.port = line;
  acia.reset('cold');
  acia.settle();
  return { fake, acia, line };
}

describe('R6551', () => {
  it('sends at the rate of its control register', () => {
    const { fake, acia, line } = make();
    acia.write(3, 1, 0x1e); // 9600, 8 bits, 1 stop
    acia.write(2, 1, 0x0b);
    acia.write(0, 1, 0x41);
    acia.write(0, 1, 0x42);
    expect(acia.read(1, 1) & 0x10).toBe(0);
    fake.advanceNs(1_041_000);
    expect([...line.drain()]).toEqual([]);
    fake.advanceNs(1_000);
    expect([...line.drain()]).toEqual([0x41]);
    expect(acia.read(1, 1) & 0x10).toBe(0x10);
    fake.advanceNs(1_042_000);
    expect([...line.drain()]).toEqual([0x42]);
  });

  it('interrupts when the transmitter is empty, if it may', () => {
    const { fake, acia } = make();
    acia.write(3, 1, 0x1e);
    acia.write(2, 1, 0x05);
    expect(acia.irq.level).toBe(true);
    expect(acia.read(1, 1) & 0x90).toBe(0x90);
    expect(acia.irq.level).toBe(false);
    acia.write(0, 1, 1);
    expect(acia.irq.level).toBe(true);
    fake.advanceNs(2_000_000);
  });

  it('receives with interrupts, and tells of what was lost', () => {
    const { fake, acia, line } = make();
    acia.write(3, 1, 0x1f);
    acia.write(2, 1, 0x09);
    line.feed(Uint8Array.of(0x61, 0x62));
    fake.advanceNs(600_000);
    expect(acia.irq.level).toBe(true);
    expect(acia.read(1, 1) & 0x8c).toBe(0x88);
    fake.advanceNs(600_000);
    expect(acia.read(1, 1) & 0x0c).toBe(0x0c);
    expect(acia.read(0, 1)).toBe(0x61);
    expect(acia.read(1, 1) & 0x0c).toBe(0);
  });

  it('hears nothing before DTR, and shorter characters masked', () => {
    const { fake, acia, line } = make();
    acia.write(3, 1, 0x3f); // 7 bits
    line.feed(Uint8Array.of(0xe1));
    fake.advanceNs(5_000_000);
    expect(acia.read(1, 1) & 0x08).toBe(0);
    acia.write(2, 1, 0x0b);
    fake.advanceNs(600_000);
    expect(acia.read(0, 1)).toBe(0x61);
  });

  it('waits for CTS and shows the modem lines', () => {
    const { fake, acia, line } = make();
    acia.write(3, 1, 0x1f);
    acia.write(2, 1, 0x0b);
    expect([acia.dtr.level, acia.rts.level]).toEqual([true, true]);
    acia.ctsW(false);
    acia.write(0, 1, 7);
    fake.advanceNs(5_000_000);
    expect([...line.drain()]).toEqual([]);
    acia.ctsW(true);
    fake.advanceNs(600_000);
    expect([...line.drain()]).toEqual([7]);
    acia.dcdW(false);
    expect([acia.irq.level, acia.read(1, 1) & 0x60]).toEqual([true, 0x20]);
    acia.write(1, 1, 0);
    expect([acia.dtr.level, acia.read(2, 1)]).toEqual([false, 0x02]);
  });

  it('obeys the snapshot law', () => {
    const { acia, line } = make();
    acia.write(3, 1, 0x1e);
    acia.write(2, 1, 0x05);
    acia.write(0, 1, 0x41);
    line.feed(Uint8Array.of(1, 2));
    expectSnapshotLaw(acia);
  });

  it('survives random accesses', () => {
    const { fake, acia, line } = make();
    const next = random(7);
    for (let i = 0; i < 20_000; i++) {
      if (next() < 0.5) acia.write(Math.floor(next() * 4), 1, Math.floor(next() * 256));
      else expect(acia.read(Math.floor(next() * 4), 1)).toBeLessThanOrEqual(0xff);
      if (next() < 0.1) line.feed(Uint8Array.of(1));
      fake.advanceNs(next() * 1_000_000);
    }
  });
});
