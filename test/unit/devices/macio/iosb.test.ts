// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { strided } from '../../../../machines/backplane/strided.ts';
import { Iosb } from '../../../../machines/devices/macio/iosb.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

// VIA2 registers
const ORB = 0;
const ORA = 1;
const DDRB = 2;
const DDRA = 3;
const PCR = 12;
const IFR = 13;
const IER = 14;
const ORA_NH = 15;

const DRQ = 0x01;
const SLOT = 0x02;
const SCSI = 0x08;
const SOUND = 0x10;
const ANY = 0x80;

const REGISTERS = 0x1_8000;
const ID = 0x2_0000;

function setUp() {
  const fake = new FakeBoard();
  const levels: number[] = [];
  const iosb = new Iosb(fake.chip('iosb'), { onIpl: (level) => levels.push(level), onBusError: () => {} });
  const map = fake.map();
  map.add(
    region(0x2000, 0x3fff).device(strided(iosb.via2, 9), 'via2'),
    region(REGISTERS, REGISTERS + 0x1fff).device(iosb.registers, 'registers'),
    region(ID, ID + 3).device(iosb.idRegister, 'id'),
  );
  iosb.reset('cold');
  iosb.settle();
  const write = (register: number, value: number): void => map.write(0x2000 + (register << 9), 1, value);
  const read = (register: number): number => map.read(0x2000 + (register << 9), 1);
  write(PCR, 0x22);
  return { fake, iosb, map, write, read, ipl: () => levels.at(-1) };
}

describe('Iosb', () => {
  it('gives VIA1, VIA2, SCC and NMI their levels in classic mode', () => {
    const { iosb, write, ipl } = setUp();
    iosb.via1W(true);
    expect(ipl()).toBe(1);
    write(IER, ANY | SCSI);
    iosb.scsiIrqW(true);
    expect(ipl()).toBe(2);
    iosb.sccW(true);
    expect(ipl()).toBe(4);
    iosb.nmiW(true);
    expect(ipl()).toBe(7);
    iosb.nmiW(false);
    iosb.sccW(false);
    write(IFR, SCSI);
    iosb.via1W(false);
    expect(ipl()).toBe(0);
  });

  it('spreads the sources in A/UX mode, Ethernet and sound beside VIA2', () => {
    const { iosb, write, read, ipl } = setUp();
    iosb.auxModeW(true);
    write(IER, ANY | SLOT | SOUND);
    iosb.ethernetW(true);
    expect(ipl()).toBe(3);
    iosb.sccW(true);
    expect(ipl()).toBe(4);
    iosb.soundW(true);
    expect(ipl()).toBe(5);
    iosb.via1W(true);
    expect(ipl()).toBe(6);
    expect(read(IFR)).toBe(0);
  });

  it('has Ethernet as slot $9 and sound at CB1 in classic mode', () => {
    const { iosb, read } = setUp();
    iosb.ethernetW(true);
    iosb.soundW(true);
    expect([read(IFR), read(ORA_NH)]).toEqual([SLOT | SOUND, 0xfe]);
  });

  it('latches a slot interrupt when the first slot begins to ask', () => {
    const { iosb, write, read, ipl } = setUp();
    write(IER, ANY | SLOT);
    iosb.videoW(true);
    expect([read(IFR), read(ORA_NH), ipl()]).toEqual([ANY | SLOT, 0xbf, 2]);
    write(IFR, SLOT);
    expect([read(IFR), ipl()]).toEqual([0, 0]);
    iosb.slotW(0xc, true);
    expect([read(IFR), read(ORA_NH)]).toEqual([0, 0xb7]);
    iosb.videoW(false);
    iosb.slotW(0xc, false);
    iosb.slotW(0xe, true);
    expect([read(IFR), read(ORA_NH)]).toEqual([ANY | SLOT, 0xdf]);
  });

  it('shows the data request as it is', () => {
    const { iosb, write, read, ipl } = setUp();
    write(IER, ANY | DRQ);
    iosb.scsiDrqW(true);
    expect([read(IFR), ipl()]).toEqual([ANY | DRQ, 2]);
    write(IFR, DRQ);
    expect(read(IFR)).toBe(ANY | DRQ);
    iosb.scsiDrqW(false);
    expect([read(IFR), ipl()]).toEqual([0, 0]);
  });

  it('clears flags by an access to the port, but not those of an independent control line', () => {
    const { iosb, write, read } = setUp();
    iosb.scsiIrqW(true);
    iosb.soundW(true);
    iosb.videoW(true);
    read(ORB);
    read(ORA);
    expect(read(IFR)).toBe(SCSI);
    write(PCR, 0);
    read(ORB);
    expect(read(IFR)).toBe(0);
  });

  it('has no enable bits of timers', () => {
    const { write, read } = setUp();
    write(IER, 0xff);
    expect(read(IER)).toBe(0x9f);
    write(IER, 0x09);
    expect(read(IER)).toBe(0x96);
  });

  it('drives port B: power off and bus lock are low when asserted', () => {
    const { iosb, write, read } = setUp();
    expect([iosb.powerOff.level, iosb.busLock.level]).toEqual([false, false]);
    write(ORB, 0x06);
    write(DDRB, 0x06);
    expect([iosb.powerOff.level, iosb.busLock.level, read(ORB)]).toEqual([false, false, 0xff]);
    write(ORB, 0x02);
    expect([iosb.powerOff.level, iosb.busLock.level]).toEqual([true, false]);
    write(ORB, 0x04);
    expect([iosb.powerOff.level, iosb.busLock.level]).toEqual([false, true]);
  });

  it('reads outputs of port A back', () => {
    const { write, read } = setUp();
    write(ORA, 0x80);
    write(DDRA, 0xc0);
    expect(read(ORA_NH)).toBe(0xbf);
  });

  it('ticks 60.15 times a second', () => {
    const { fake, iosb } = setUp();
    const levels = fake.watch(iosb.tick);
    fake.advanceNs(1_000_000_000);
    expect(levels.filter((level) => !level)).toHaveLength(60);
    expect(levels[0]).toBe(false);
  });

  it('keeps its configuration registers, and says what it is', () => {
    const { map } = setUp();
    map.write(REGISTERS + 0x600, 4, 0x1234_0280);
    expect(map.read(REGISTERS + 0x600, 2)).toBe(0x0280);
    expect(map.read(ID, 4)).toBe(0xa55a_2bad);
    map.write(ID, 4, 0);
    expect(map.read(ID, 4)).toBe(0xa55a_2bad);
  });

  it('obeys the snapshot law', () => {
    const { iosb, write, fake } = setUp();
    write(IER, 0x9a);
    iosb.videoW(true);
    iosb.slotW(0xd, true);
    fake.advance(1_000_000);
    expectSnapshotLaw(iosb, () => setUp().iosb);
  });

  it('survives random accesses', () => {
    const { fake, iosb, map, ipl } = setUp();
    const next = random(29);
    for (let n = 0; n < 20_000; n++) {
      const width = ([1, 2, 4] as const)[Math.floor(next() * 3)]!;
      const pa = (next() < 0.7 ? 0x2000 : REGISTERS) + Math.floor(next() * 0x1ffc);
      if (next() < 0.6) map.write(pa, width, Math.floor(next() * 2 ** (8 * width)));
      else expect(map.read(pa, width)).toBeLessThan(2 ** (8 * width));
      if (next() < 0.1) iosb.slotW(9 + Math.floor(next() * 6), next() < 0.5);
      if (next() < 0.1) iosb.scsiDrqW(next() < 0.5);
      if (next() < 0.1) iosb.auxModeW(next() < 0.5);
      if (n % 500 === 0) fake.advance(1_000_000);
      expect(ipl()).toBeLessThan(8);
    }
  });
});
