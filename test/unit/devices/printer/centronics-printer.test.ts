// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { SerialLine } from '../../../../machines/backplane/serial-line.ts';
import { CentronicsPrinter } from '../../../../machines/devices/printer/centronics-printer.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

function make() {
  const fake = new FakeBoard();
  const printer = new CentronicsPrinter(fake.chip('printer'));
  const paper = new SerialLine('paper');
  printer.paper = paper;
  printer.reset('cold');
  printer.settle();
  const print = (byte: number): void => {
    printer.data = byte;
    printer.strobeW(true);
    printer.strobeW(false);
  };
  return { fake, printer, paper, print };
}

describe('CentronicsPrinter', () => {
  it('takes a byte with the strobe, is busy, and acknowledges it', () => {
    const { fake, printer, paper, print } = make();
    const ack = fake.watch(printer.ack);
    print(0x41);
    expect([...paper.drain()]).toEqual([0x41]);
    expect(printer.busy.level).toBe(true);
    fake.advanceNs(50_000);
    expect([printer.busy.level, printer.ack.level]).toEqual([true, true]);
    fake.advanceNs(5_000);
    expect([printer.busy.level, printer.ack.level]).toEqual([false, false]);
    expect(ack).toEqual([true, false]);
  });

  it('does not take a byte while it is busy', () => {
    const { fake, paper, print } = make();
    print(1);
    print(2);
    fake.advanceNs(100_000);
    print(3);
    expect([...paper.drain()]).toEqual([1, 3]);
  });

  it('keeps what it has begun over a reset of the computer', () => {
    const { fake, printer, print } = make();
    print(1);
    printer.reset('warm');
    printer.settle();
    expect(printer.busy.level).toBe(true);
    fake.advanceNs(100_000);
    expect(printer.busy.level).toBe(false);
  });

  it('obeys the snapshot law, and prints nothing again', () => {
    const { printer, paper, print } = make();
    print(0x41);
    printer.strobeW(true);
    expectSnapshotLaw(printer);
    printer.strobeW(true);
    expect([...paper.drain()]).toEqual([0x41]);
  });
});
