// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { BYTE_REGISTERS, LITTLE_WORDS, swap32 } from '../../../../machines/backplane/bus.ts';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { Dbdma } from '../../../../machines/devices/dma/dbdma.ts';
import { Heathrow, type HeathrowOptions } from '../../../../machines/devices/macio/heathrow.ts';
import { HeathrowPic } from '../../../../machines/devices/interrupt/heathrow-pic.ts';
import { Mpc106 } from '../../../../machines/devices/pci/mpc106.ts';
import { PciBus } from '../../../../machines/devices/pci/pci-bus.ts';
import { BAR0, COMMAND } from '../../../../machines/devices/pci/pci-function.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const BASE = 0x8080_0000;
const DEVICE = 0x10;
const FCR = 0x38;

function setUp(options: Omit<HeathrowOptions, 'cells'> = {}) {
  const fake = new FakeBoard();
  const spaces = { memory: fake.map('pci.memory'), io: fake.map('pci.io') };
  const bus = new PciBus('pci', spaces, fake.board.log.for('pci'));
  const make = (): Heathrow => new Heathrow(fake.chip('macio'), { cells: fake.map('macio'), ...options });
  const macio = make();
  bus.attach(macio, DEVICE);
  macio.reset('cold');
  macio.settle();
  bus.configWrite(undefined, DEVICE, 0, BAR0, 4, BASE);
  bus.configWrite(undefined, DEVICE, 0, COMMAND, 2, 2);
  const { memory } = bus;
  const register = {
    read: (offset: number) => swap32(memory.read(BASE + offset, 4)),
    write: (offset: number, value: number) => memory.write(BASE + offset, 4, swap32(value)),
  };
  return { fake, bus, memory, macio, make, register };
}

describe('Heathrow', () => {
  it('is the PCI function that drivers look for, with 512 KiB of memory', () => {
    const { bus } = setUp();
    const config = (offset: number): number => bus.configRead(undefined, DEVICE, 0, offset, 4);
    expect([config(0), config(8), config(0x3c)]).toEqual([0x0010_106b, 0xff00_0001, 0]);
    bus.configWrite(undefined, DEVICE, 0, COMMAND, 2, 0);
    bus.configWrite(undefined, DEVICE, 0, BAR0, 4, 0xffff_ffff);
    expect(config(BAR0)).toBe(0xfff8_0000);
    bus.configWrite(undefined, DEVICE, 0, BAR0, 4, 0xf300_0000);
    bus.configWrite(undefined, DEVICE, 0, COMMAND, 2, 0xffff);
    expect(config(COMMAND) & 0xffff).toBe(0x0146);
  });

  it('places cells, moves with them, and names absent ones', () => {
    const { fake, bus, memory, macio } = setUp();
    macio.attach(0x10, 0x2f, new HeathrowPic(fake.chip('pic')), 'pic');
    const scsi = { span: 0x1000, access: BYTE_REGISTERS, read: (offset: number) => offset & 0xff, write: () => {} };
    macio.attach(0x1_0000, 0x1_0fff, scsi, 'scsi').absent(0x1_1000, 0x1_1fff, 'bmac');
    memory.write(BASE + 0x24, 4, 0x0020_0000);
    expect(memory.read(BASE + 0x24, 4)).toBe(0x0020_0000);
    expect(memory.read(BASE + 0x1_0045, 1)).toBe(0x45);
    bus.configWrite(undefined, DEVICE, 0, BAR0, 4, 0x9000_0000);
    expect(memory.read(BASE + 0x1_0045, 1)).toBe(0xff);
    expect(memory.read(0x9001_0045, 1)).toBe(0x45);
    expect(memory.read(0x9001_1000, 4)).toBe(0);
    expect(memory.read(0x9001_9000, 4)).toBe(0);
    expect(fake.logged('unimp')).toEqual([
      expect.stringContaining('bmac') as string,
      expect.stringContaining('no cell') as string,
    ]);
  });

  it('shows the identification inputs and keeps the outputs beside them', () => {
    const { register } = setUp({ ids: { cpu: 0xe0, mediaBay: 0x30 } });
    expect(register.read(0x34)).toBe(0x7010_30e0);
    expect((register.read(0x34) >>> 12) & 7).toBe(3); // the media bay driver's question
    register.write(0x34, 0xffff_ffff);
    expect(register.read(0x34)).toBe(0x7f1f_3fe0);
    register.write(0x34, register.read(0x34) & ~0x0400_0f00);
    expect(register.read(0x34)).toBe(0x7b1f_30e0);
    expect(setUp().register.read(0x34)).toBe(0x7010_70f0);
  });

  it('keeps feature control, auxiliary control and the GPIO, by word and by byte', () => {
    const { memory, register, fake } = setUp({ featureControl: 0x00c0_c640 });
    expect(register.read(FCR)).toBe(0x00c0_c640);
    register.write(FCR, 0x1234_5678);
    register.write(0x3c, 0x8765_4321);
    register.write(0x30, 0x0000_0000);
    memory.write(BASE + 0x32, 1, 0x80);
    memory.write(BASE + 0x6d, 1, 1);
    expect([register.read(FCR), register.read(0x3c)]).toEqual([0x1234_5678, 0x8765_4321]);
    expect([memory.read(BASE + 0x6d, 1), memory.read(BASE + 0x6c, 1)]).toEqual([1, 0]);
    expect(register.read(0x30)).toBe(0x0080_0000);
    expect(memory.read(BASE + FCR, 1)).toBe(0x78);
    expect(fake.logged('unimp')).toHaveLength(0);
    register.write(0x58, 1);
    expect(register.read(0x58)).toBe(0);
    expect(fake.logged('unimp')).toHaveLength(2);
  });

  it('drives the reset lines of the cells from feature control', () => {
    const { macio, register } = setUp();
    const lines = (): boolean[] =>
      [macio.ide0Reset, macio.ide1Reset, macio.mediaBayReset, macio.sccReset, macio.ethernetReset].map((w) => w.level);
    expect(lines()).toEqual([true, true, true, false, false]);
    register.write(FCR, 0x0000_0040);
    expect(lines()).toEqual([false, true, true, false, false]);
    register.write(FCR, 0x8280_00c0);
    expect(lines()).toEqual([false, false, false, true, true]);
  });

  it('serves a DBDMA program through PCI and the host bridge, once it may be bus master', () => {
    const fake = new FakeBoard(1_000_000_000, 1 << 21);
    const cpu = fake.map('cpu');
    const ram = fake.board.memory.allocate('ram', 0x1_0000);
    cpu.add(region(0, 0xffff).ram(ram));
    const spaces = { memory: fake.map('pci.memory'), io: fake.map('pci.io') };
    const bus = new PciBus('pci', spaces, fake.board.log.for('pci'));
    const grackle = new Mpc106(fake.chip('grackle'), { cpu, bus });
    cpu.add(...grackle.addressMap());
    const macio = new Heathrow(fake.chip('macio'), { cells: fake.map('macio') });
    bus.attach(macio, DEVICE);
    const pic = new HeathrowPic(fake.chip('pic'));
    const dbdma = new Dbdma(fake.chip('dbdma'), { memory: macio.dma });
    const ide0 = dbdma.channel(0x0b).connect({ dmaIn: (into) => into.fill(0x5a).length, dmaOut: () => 0 });
    ide0.irq.to(pic.in(2));
    macio.attach(0x10, 0x2f, pic, 'pic').attach(0x8000, 0x8fff, dbdma, 'dbdma');
    for (const device of [grackle, macio, pic, dbdma]) device.reset('cold');
    for (const device of [grackle, macio, pic, dbdma]) device.settle();

    const out32 = (pa: number, value: number): void => cpu.write(pa, 4, swap32(value));
    const configWord = (offset: number, value: number): void => {
      out32(0xfec0_0000, 0x8000_0000 | (DEVICE << 11) | offset);
      out32(0xfee0_0000, value);
    };
    configWord(BAR0, BASE);
    configWord(COMMAND, 2);
    const program = [0x3030_0004, 0x2000, 0, 0, 0x7000_0000, 0, 0, 0];
    program.forEach((word, i) => out32(0x1000 + 4 * i, word));
    out32(BASE + 0x24, 1 << 2);
    const start = (): void => {
      out32(BASE + 0x8b00, 0x8000_0000);
      out32(BASE + 0x8b0c, 0x1000);
      out32(BASE + 0x8b00, 0x8000_8000);
      fake.advanceNs(1_000_000);
    };
    start();
    expect(ram.bytes[0x2000]).toBe(0);
    expect(swap32(cpu.read(BASE + 0x8b04, 4))).toBe(0x8800); // RUN and DEAD: it could not read the program
    out32(BASE + 0x28, 1 << 2);
    expect(pic.irq.level).toBe(false);
    configWord(COMMAND, 6);
    start();
    expect([...ram.bytes.subarray(0x1fff, 0x2005)]).toEqual([0, 0x5a, 0x5a, 0x5a, 0x5a, 0]);
    expect([pic.irq.level, swap32(cpu.read(BASE + 0x20, 4))]).toEqual([true, 4]);
  });

  it('returns to the reset values', () => {
    const { macio, register, bus } = setUp({ featureControl: 0x40 });
    for (const offset of [0x30, 0x34, FCR, 0x3c, 0x6c]) register.write(offset, 0xffff_ffff);
    macio.reset('warm');
    macio.settle();
    bus.configWrite(undefined, DEVICE, 0, BAR0, 4, BASE);
    bus.configWrite(undefined, DEVICE, 0, COMMAND, 2, 2);
    expect([0x30, 0x34, FCR, 0x3c, 0x6c].map(register.read)).toEqual([0, 0x7010_70f0, 0x40, 0, 0]);
    expect(macio.ide0Reset.level).toBe(false);
  });

  it('keeps the snapshot law', () => {
    const { macio, make, register } = setUp();
    for (const offset of [0x30, 0x34, FCR, 0x3c, 0x6c]) register.write(offset, 0x1234_5678 + offset);
    expectSnapshotLaw(macio, make);
    expect(register.read(0x3c)).toBe(0x1234_56b4);
  });

  it('survives random accesses', () => {
    const { fake, macio, memory, bus } = setUp();
    macio.attach(0x10, 0x2f, new HeathrowPic(fake.chip('pic')), 'pic');
    const words = { span: 0x1000, access: LITTLE_WORDS, read: (offset: number) => offset, write: () => {} };
    macio.attach(0x8000, 0x8fff, words, 'words');
    const next = random(16);
    const below = (limit: number): number => Math.floor(next() * limit);
    for (let i = 0; i < 20_000; i++) {
      const width = ([1, 2, 4] as const)[below(3)]!;
      const pa = BASE + (below(2) === 0 ? below(0x100) : below(0x8_0000 - 4));
      if (below(2) === 0) memory.write(pa, width, below(2 ** (8 * width)));
      else expect(memory.read(pa, width)).toBeLessThan(2 ** (8 * width));
      if (below(100) === 0) bus.configWrite(undefined, DEVICE, 0, BAR0, 4, BASE ^ (below(2) << 20));
    }
  });
});
