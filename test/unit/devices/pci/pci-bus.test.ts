// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { type BusTarget, LITTLE_WORDS, type Width } from '../../../../machines/backplane/bus.ts';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { PciBus, type PciHost, type PciSpace } from '../../../../machines/devices/pci/pci-bus.ts';
import {
  BAR0,
  CAPABILITIES,
  COMMAND,
  COMMAND_INTX_DISABLE,
  COMMAND_IO,
  COMMAND_MASTER,
  COMMAND_MEMORY,
  HEADER_TYPE,
  INTERRUPT_LINE,
  INTERRUPT_PIN,
  PciFunction,
  type PciIdentity,
  ROM_BASE,
  STATUS,
  STATUS_CAPABILITIES,
  STATUS_INTX,
  STATUS_RECEIVED_MASTER_ABORT,
  SUBSYSTEM_ID,
} from '../../../../machines/devices/pci/pci-function.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

/** Reads give the offset. */
function registers(span: number): BusTarget {
  return { span, access: LITTLE_WORDS, read: (offset) => offset, write: () => {}, peek: (offset) => offset };
}

const identity: PciIdentity = {
  vendorId: 0x1234,
  deviceId: 0x5678,
  revision: 3,
  classCode: 0x03_0000,
  subsystemVendorId: 0x1af4,
  subsystemId: 0x1100,
  interruptPin: 1,
  commandMask: COMMAND_MASTER | COMMAND_INTX_DISABLE,
};

/** A card with everything: registers in memory and I/O space, RAM, a ROM, capabilities, an interrupt. */
class Card extends PciFunction {
  constructor(fake: FakeBoard, id = 'card', ramName = 'vram') {
    super(fake.chip(id), identity);
    const ram = fake.board.memory.allocate(ramName, 0x1_0000);
    this.memoryBar(0, 0x1_0000, (row) => row.ram(ram), true);
    this.memoryBar(2, 0x1000, (row) => row.device(registers(0x1000), id));
    this.ioBar(3, 0x40, (row) => row.device(registers(0x40), `${id} io`));
    this.expansionRom(0x800, (row) => row.rom(ram));
    this.fixedDecode('io', 0x3c0, 0x3df, (row) => row.device(registers(0x20), `${id} legacy`));
    this.capability(0x01, 0x40, [2, 0, 0, 0], [0, 0, 0x03]);
    this.capability(0x09, 0x50, [4]);
  }

  raise(level: boolean): void {
    this.interrupt(level);
  }
}

class Bridge extends PciFunction {
  readonly #behind: PciBus;
  constructor(fake: FakeBoard, behind: PciBus) {
    super(fake.chip('bridge'), { ...identity, headerType: 1, classCode: 0x06_0400 });
    this.#behind = behind;
    this.register(0x19, 1, 0, { writable: 0xff });
    this.register(0x1a, 1, 0, { writable: 0xff });
  }
  override get secondary() {
    return { bus: this.#behind, first: this.config8(0x19), last: this.config8(0x1a) };
  }
}

function setUp(memoryBytes = 1 << 21) {
  const fake = new FakeBoard(1_000_000_000, memoryBytes);
  const makeBus = (name: string): PciBus =>
    new PciBus(name, { memory: fake.map(`${name}.memory`), io: fake.map(`${name}.io`) }, fake.board.log.for(name));
  const bus = makeBus('pci');
  const system = fake.map('system');
  const aborts: [PciSpace, number, boolean][] = [];
  const host: PciHost = {
    system,
    inbound: [{ first: 0, last: 0x7fff_ffff, system: 0 }],
    masterAbort: (...abort) => aborts.push(abort),
  };
  bus.attachHost(host);
  const config = {
    read: (offset: number, width: Width = 4, device = 5, fn = 0) =>
      bus.configRead(undefined, device, fn, offset, width),
    write: (offset: number, value: number, width: Width = 4, device = 5, fn = 0) =>
      bus.configWrite(undefined, device, fn, offset, width, value),
  };
  return { fake, bus, makeBus, system, aborts, config };
}

function withCard() {
  const set = setUp();
  const card = new Card(set.fake);
  set.bus.attach(card, 5);
  card.reset('cold');
  card.settle();
  return { ...set, card };
}

describe('PCI configuration space', () => {
  it('identifies the function and keeps its read-only fields', () => {
    const { config } = withCard();
    for (const write of [0, 0xffff_ffff]) {
      for (let offset = 0; offset < 0x40; offset += 4) {
        if (offset !== COMMAND) config.write(offset, write);
      }
      expect(config.read(0x00)).toBe(0x5678_1234);
      expect(config.read(0x08)).toBe(0x0300_0003);
      expect(config.read(HEADER_TYPE, 1)).toBe(0);
      expect(config.read(SUBSYSTEM_ID, 2)).toBe(0x1100);
      expect(config.read(INTERRUPT_PIN, 1)).toBe(1);
      expect(config.read(INTERRUPT_LINE, 1)).toBe(write & 0xff);
    }
  });

  it('gives sizes to the probe of Linux and OpenBIOS, and takes addresses', () => {
    const { config } = withCard();
    const probe = (offset: number, all = 0xffff_ffff): number => {
      const before = config.read(offset);
      config.write(offset, all);
      const mask = config.read(offset);
      config.write(offset, before);
      expect(config.read(offset)).toBe(before);
      return mask;
    };
    expect(probe(BAR0)).toBe(0xffff_0008); // 64 KiB, prefetchable
    expect(probe(BAR0 + 4)).toBe(0);
    expect(probe(BAR0 + 8)).toBe(0xffff_f000);
    expect(probe(BAR0 + 12)).toBe(0xffff_ffc1); // I/O
    expect(probe(BAR0 + 16)).toBe(0);
    expect(probe(BAR0 + 20)).toBe(0);
    expect(probe(ROM_BASE, 0xffff_f800)).toBe(0xffff_f800);
    config.write(BAR0, 0x8012_3456);
    expect(config.read(BAR0)).toBe(0x8012_0008);
  });

  it('writes only what its decoders need in the command register, byte by byte', () => {
    const { config } = withCard();
    config.write(COMMAND, 0xffff, 2);
    expect(config.read(COMMAND, 2)).toBe(COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_INTX_DISABLE);
    config.write(COMMAND + 1, 0, 1);
    expect(config.read(COMMAND, 2)).toBe(COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER);
  });

  it('links its capabilities', () => {
    const { config } = withCard();
    expect(config.read(STATUS, 2) & STATUS_CAPABILITIES).toBe(STATUS_CAPABILITIES);
    expect(config.read(CAPABILITIES, 1)).toBe(0x40);
    expect(config.read(0x40, 2)).toBe(0x5001);
    expect(config.read(0x50, 2)).toBe(0x0009);
    config.write(0x44, 0xffff_ffff);
    expect(config.read(0x44)).toBe(0x0000_0003);
  });

  it('marks devices of several functions, and refuses two in one place', () => {
    const { fake, bus, config, card } = withCard();
    const second = new Card(fake, 'second', 'vram2');
    bus.attach(second, 5, 3);
    card.reset('cold');
    expect([config.read(HEADER_TYPE, 1), config.read(HEADER_TYPE, 1, 5, 3)]).toEqual([0x80, 0x80]);
    expect(() => bus.attach(new Card(fake, 'third', 'vram3'), 5)).toThrow(/both 5\.0/);
    expect(bus.functions.map(({ device, fn }) => [device, fn])).toEqual([
      [5, 0],
      [5, 3],
    ]);
  });

  it('reads all ones where nobody is, and tells the host bridge', () => {
    const { config, aborts } = withCard();
    expect([config.read(0, 4, 6), config.read(0, 2, 5, 1), config.read(3, 1, 31)]).toEqual([0xffff_ffff, 0xffff, 0xff]);
    config.write(0x10, 1, 4, 6);
    expect(aborts).toEqual([
      ['config', 0, false],
      ['config', 0, false],
      ['config', 3, false],
      ['config', 0x10, true],
    ]);
  });

  it('passes type 1 cycles on to the bus behind a bridge', () => {
    const { fake, bus, makeBus, config, aborts } = setUp();
    const behind = makeBus('pci1');
    bus.attach(new Bridge(fake, behind), 2);
    behind.attach(new Card(fake), 7);
    config.write(0x18, 0x0002_0100, 4, 2); // secondary 1, subordinate 2
    expect(bus.configRead(1, 7, 0, 0, 4)).toBe(0x5678_1234);
    expect(bus.configRead(2, 7, 0, 0, 4)).toBe(0xffff_ffff);
    expect(bus.configRead(3, 7, 0, 0, 2)).toBe(0xffff);
    expect(aborts).toHaveLength(2);
  });
});

describe('PCI address decoding', () => {
  it('shows a range only while the command register enables its space', () => {
    const { bus, config } = withCard();
    config.write(BAR0 + 8, 0x8010_0000);
    config.write(BAR0 + 12, 0x1000);
    expect(bus.memory.read(0x8010_0004, 4)).toBe(0xffff_ffff);
    config.write(COMMAND, COMMAND_MEMORY, 2);
    expect(bus.memory.read(0x8010_0004, 4)).toBe(0x0400_0000);
    expect(bus.io.read(0x1004, 4)).toBe(0xffff_ffff);
    config.write(COMMAND, COMMAND_IO | COMMAND_MEMORY, 2);
    expect(bus.io.read(0x1004, 4)).toBe(0x0400_0000);
    expect(bus.io.read(0x3c4, 1)).toBe(0x04);
    config.write(BAR0 + 8, 0x9000_0000);
    expect(bus.memory.read(0x8010_0004, 4)).toBe(0xffff_ffff);
    expect(bus.memory.read(0x9000_0004, 4)).toBe(0x0400_0000);
    config.write(COMMAND, 0, 2);
    expect(bus.memory.read(0x9000_0004, 4)).toBe(0xffff_ffff);
    expect(bus.io.read(0x3c4, 1)).toBe(0xff);
  });

  it('shows the expansion ROM only when its own enable bit is set as well', () => {
    const { bus, config } = withCard();
    config.write(COMMAND, COMMAND_MEMORY, 2);
    config.write(ROM_BASE, 0xa000_0000);
    expect(bus.memory.read(0xa000_0000, 1)).toBe(0xff);
    config.write(ROM_BASE, 0xa000_0001);
    expect(bus.memory.at(0xa000_0000)?.target.kind).toBe('rom');
  });

  it('lets software put ranges on top of each other', () => {
    const { fake, bus, config } = withCard();
    const other = new Card(fake, 'other', 'vram2');
    bus.attach(other, 9);
    for (const device of [5, 9]) {
      for (const bar of [0, 8]) config.write(BAR0 + bar, 0x8000_0000, 4, device);
      config.write(ROM_BASE, 0x8000_0001, 4, device);
      config.write(COMMAND, 0xffff, 2, device);
    }
    const answers = bus.memory.at(0x8000_0000)?.target;
    expect(answers?.kind === 'ram' && answers.block.name).toBe('vram');
    config.write(COMMAND, 0, 2, 5);
    const then = bus.memory.at(0x8000_0000)?.target;
    expect(then?.kind === 'ram' && then.block.name).toBe('vram2');
  });

  it('tells the host bridge of accesses nobody claims', () => {
    const { bus, aborts, fake } = withCard();
    expect(bus.memory.read(0x8000_0000, 2)).toBe(0xffff);
    bus.io.write(0x80, 1, 0);
    expect(aborts).toEqual([
      ['memory', 0x8000_0000, false],
      ['io', 0x80, true],
    ]);
    expect(fake.logged('guest')).toHaveLength(2);
  });

  it('runs interrupt acknowledge cycles', () => {
    const { bus, aborts } = withCard();
    expect(bus.interruptAcknowledge()).toBe(0xffff_ffff);
    expect(aborts).toHaveLength(1);
    bus.interruptVector = () => 0x42;
    expect(bus.interruptAcknowledge()).toBe(0x42);
  });
});

describe('PCI bus masters', () => {
  function withMemory() {
    const set = withCard();
    const ram = set.fake.board.memory.allocate('ram', 0x1_0000);
    set.system.add(region(0, 0xffff).ram(ram));
    set.config.write(BAR0, 0x8000_0000);
    return { ...set, ram };
  }

  it('reach system memory through the bridge and other devices directly, when allowed', () => {
    const { card, config, ram, bus, fake } = withMemory();
    card.dma.dmaWrite(0x100, Uint8Array.of(1, 2));
    expect(ram.bytes[0x100]).toBe(0);
    const into = new Uint8Array(2);
    card.dma.dmaRead(0x100, into);
    expect([...into]).toEqual([0xff, 0xff]);
    expect([card.dma.read(0, 4), fake.logged('guest').length]).toEqual([0xffff_ffff, 1]);
    config.write(COMMAND, COMMAND_MASTER | COMMAND_MEMORY, 2);
    card.dma.dmaWrite(0x100, Uint8Array.of(1, 2));
    expect([ram.bytes[0x100], ram.bytes[0x101]]).toEqual([1, 2]);
    card.dma.write(0x8000_0010, 4, 0x1122_3344);
    expect(bus.memory.read(0x8000_0010, 1)).toBe(0x11);
    card.dma.dmaRead(0x8000_0010, into);
    expect([...into]).toEqual([0x11, 0x22]);
    card.dma.dmaWrite(0x7fff_ffff, Uint8Array.of(9, 8));
    expect(bus.memory.read(0x8000_0000, 1)).toBe(8);
  });

  it('note the master abort themselves', () => {
    const { card, config, aborts } = withMemory();
    config.write(COMMAND, COMMAND_MASTER, 2);
    expect(card.dma.read(0xc000_0000, 2)).toBe(0xffff);
    expect(aborts).toEqual([]);
    expect(config.read(STATUS, 2) & STATUS_RECEIVED_MASTER_ABORT).toBe(STATUS_RECEIVED_MASTER_ABORT);
    config.write(STATUS, 0xffff, 2);
    expect(config.read(STATUS, 2) & STATUS_RECEIVED_MASTER_ABORT).toBe(0);
  });
});

describe('PCI interrupt pin', () => {
  it('follows the function unless the command register disables it', () => {
    const { card, config, fake } = withCard();
    const levels = fake.watch(card.intx);
    card.raise(true);
    expect(config.read(STATUS, 2) & STATUS_INTX).toBe(STATUS_INTX);
    config.write(COMMAND, COMMAND_INTX_DISABLE, 2);
    config.write(COMMAND, 0, 2);
    card.raise(false);
    expect(levels).toEqual([true, false, true, false]);
    expect(config.read(STATUS, 2) & STATUS_INTX).toBe(0);
  });
});

describe('PciFunction', () => {
  it('keeps the snapshot law, and shows its ranges again', () => {
    const { card, config, bus, fake } = withCard();
    config.write(BAR0 + 8, 0x8010_0000);
    config.write(COMMAND, COMMAND_MEMORY, 2);
    card.raise(true);
    expectSnapshotLaw(card, () => new Card(fake, 'card', 'vram2'));
    expect(bus.memory.read(0x8010_0004, 4)).toBe(0x0400_0000);
    expect(card.intx.level).toBe(true);
    const other = card.save();
    (other['config'] as Uint8Array)[0] = 0x99;
    expect(() => card.restore(other)).toThrow(/another device/);
  });

  it('survives random accesses', () => {
    const { fake, bus, config, card } = withCard();
    const other = new Card(fake, 'other', 'vram2');
    bus.attach(other, 9);
    const next = random(1);
    const below = (limit: number): number => Math.floor(next() * limit);
    const widths = [1, 2, 4] as const;
    for (let i = 0; i < 20_000; i++) {
      const width = widths[below(3)]!;
      const offset = below(256) & ~(width - 1);
      const device = below(2) === 0 ? 5 : 9;
      if (below(2) === 0) config.write(offset, below(0x1_0000_0000), width, device, below(8) === 0 ? 1 : 0);
      else expect(config.read(offset, width, device)).toBeLessThanOrEqual(2 ** (8 * width) - 1);
      if (i % 64 === 0) {
        expect(bus.memory.read(below(0x1_0000_0000), width)).toBeGreaterThanOrEqual(0);
        bus.io.write(below(0x1_0000), width, 0);
        card.dma.dmaWrite(below(0x1_0000_0000), new Uint8Array(below(64)));
      }
    }
  });
});
