// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { LITTLE_WORDS, swap32, swapBytes, type Width } from '../../../../machines/backplane/bus.ts';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { Mpc106, type Mpc106Options } from '../../../../machines/devices/pci/mpc106.ts';
import { PciBus } from '../../../../machines/devices/pci/pci-bus.ts';
import { BAR0, COMMAND, PciFunction, STATUS } from '../../../../machines/devices/pci/pci-function.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const CONFIG_ADDR = 0xfec0_0000;
const CONFIG_DATA = 0xfee0_0000;
const PICR1 = 0xa8;
const PICR2 = 0xac;
const ERR_EN_R1 = 0xc0;

class Card extends PciFunction {
  constructor(fake: FakeBoard) {
    super(fake.chip('card'), { vendorId: 0x106b, deviceId: 0x10, revision: 1, classCode: 0xff_0000, commandMask: 4 });
    const target = { span: 0x1_0000, access: LITTLE_WORDS, read: (offset: number) => offset, write: () => {} };
    this.memoryBar(0, 0x1_0000, (row) => row.device(target, 'card'));
    this.ioBar(1, 0x100, (row) => row.device(target, 'card io'));
  }
}

function setUp(options: Pick<Mpc106Options, 'addressMap'> = {}) {
  const fake = new FakeBoard(1_000_000_000, 1 << 22);
  const cpu = fake.map('cpu');
  const ram = fake.board.memory.allocate('ram', 0x20_0000);
  cpu.add(region(0, 0x1f_ffff).ram(ram));
  const spaces = { memory: fake.map('pci.memory'), io: fake.map('pci.io') };
  const bus = new PciBus('pci', spaces, fake.board.log.for('pci'));
  const grackle = new Mpc106(fake.chip('grackle'), { cpu, bus, ...options });
  const card = new Card(fake);
  bus.attach(card, 16);
  cpu.add(...grackle.addressMap());
  for (const device of [grackle, card]) device.reset('cold');
  for (const device of [grackle, card]) device.settle();
  // As Linux does it: a byte-reversed store of the address, then byte-reversed loads and stores of the data.
  const select = (device: number, offset: number, busNumber: number, fn: number): number => {
    const address = 0x8000_0000 | (busNumber << 16) | (device << 11) | (fn << 8) | (offset & 0xfc);
    cpu.write(CONFIG_ADDR, 4, swap32(address));
    return CONFIG_DATA + (offset & 3);
  };
  const config = {
    read: (device: number, offset: number, width: Width = 4, busNumber = 0, fn = 0) =>
      swapBytes(cpu.read(select(device, offset, busNumber, fn), width), width),
    write: (device: number, offset: number, value: number, width: Width = 4, busNumber = 0, fn = 0) =>
      cpu.write(select(device, offset, busNumber, fn), width, swapBytes(value, width)),
  };
  return { fake, cpu, ram, bus, grackle, card, config };
}

describe('Mpc106', () => {
  it('has the documented values after reset', () => {
    const { config } = setUp();
    const expected: [number, Width, number][] = [
      [0x00, 4, 0x0002_1057],
      [0x04, 4, 0x0080_0006],
      [0x08, 4, 0x0600_0040],
      [0x0c, 4, 0x0000_0008],
      [0x40, 4, 0],
      [0x70, 4, 0xcd00_0000],
      [0xa0, 1, 0],
      [0xa8, 4, 0xff10_0010],
      [0xac, 4, 0x000c_060c],
      [0xb8, 4, 0x0004_0000],
      [0xc0, 4, 0x0000_0001],
      [0xe0, 4, 0x0fff_0042],
      [0xe8, 4, 0x0000_0020],
      [0xf0, 4, 0xff82_0000],
      [0xf4, 4, 0x0000_0003],
      [0xf8, 4, 0],
      [0xfc, 4, 0x0010_0000],
    ];
    for (const [offset, width, value] of expected) expect(config.read(0, offset, width)).toBe(value);
  });

  it('keeps what can be written, and only that', () => {
    const { config } = setUp();
    for (let offset = 0; offset < 0x100; offset += 4) {
      // Not the status: it clears. Not ESCR1: it moves the memory under the CPU.
      if (offset !== COMMAND) config.write(0, offset, 0xffff_ffff);
    }
    expect(config.read(0, 0x00)).toBe(0x0002_1057);
    expect(config.read(0, 0x0c)).toBe(0x0000_0008);
    expect(config.read(0, BAR0)).toBe(0);
    expect(config.read(0, 0x40)).toBe(0x0000_ff00);
    expect(config.read(0, 0x80)).toBe(0xffff_ffff);
    expect(config.read(0, 0x88)).toBe(0x0303_0303);
    expect(config.read(0, 0xa8)).toBe(0xfffe_3fff);
    expect(config.read(0, 0xc8)).toBe(0);
    expect(config.read(0, 0xf0)).toBe(0xffff_ffff);
    config.write(0, COMMAND, 0xffff, 2);
    expect(config.read(0, COMMAND, 2)).toBe(0x0146);
  });

  it('runs the configuration accesses of Linux and OpenBIOS', () => {
    const { cpu, config } = setUp();
    // Linux's grackle_set_loop_snoop: big-endian store of the reversed address.
    cpu.write(CONFIG_ADDR, 4, 0x80 | (PICR1 << 24));
    expect(swap32(cpu.read(CONFIG_DATA, 4))).toBe(0xff10_0010);
    expect(cpu.read(CONFIG_ADDR, 4)).toBe(0xa800_0080);
    expect(config.read(16, 0)).toBe(0x0010_106b);
    expect([config.read(16, 2, 2), config.read(16, 1, 1)]).toEqual([0x0010, 0x10]);
    config.write(16, BAR0, 0xffff_ffff);
    expect(config.read(16, BAR0)).toBe(0xffff_0000);
    config.write(16, BAR0, 0x8080_0000);
    config.write(16, COMMAND, 0x02, 1);
    expect(cpu.read(0x8080_1234, 4)).toBe(swap32(0x1234));
    const present = Array.from({ length: 32 }, (_, device) => device).filter((d) => config.read(d, 0) !== 0xffff_ffff);
    expect(present).toEqual([0, 16]);
  });

  it('mirrors both registers through their ranges', () => {
    const { cpu } = setUp();
    cpu.write(0xfedf_fff8, 4, 0x80); // as U-Boot, 0xfec0_0cf8
    expect(cpu.read(0xfec0_0cf8, 4)).toBe(0x80);
    expect(cpu.read(0xfee0_0cfc, 4)).toBe(0x5710_0200);
    expect(cpu.read(0xfeef_fffe, 2)).toBe(0x0200);
  });

  it('answers all ones for absent devices and buses, and notes the master abort', () => {
    const { config } = setUp();
    expect(config.read(5, 0)).toBe(0xffff_ffff);
    expect(config.read(0, STATUS, 2)).toBe(0x2080);
    config.write(0, STATUS, 0x2000, 2);
    expect(config.read(0, STATUS, 2)).toBe(0x0080);
    expect(config.read(16, 0, 2, 1)).toBe(0xffff);
    expect(config.read(0, STATUS, 2)).toBe(0x2080);
  });

  it('does nothing for CONFIG_DATA while CONFIG_ADDR is not enabled', () => {
    const { cpu, fake } = setUp();
    cpu.write(CONFIG_ADDR, 4, 0);
    expect(cpu.read(CONFIG_DATA, 4)).toBe(0xffff_ffff);
    cpu.write(CONFIG_DATA, 4, 0);
    expect(fake.logged('guest')).toHaveLength(1);
  });

  it('acknowledges interrupts by address and by configuration cycle', () => {
    const { cpu, bus, config } = setUp();
    bus.interruptVector = () => 0x1234_5678;
    expect(cpu.read(0xfef0_0000, 4)).toBe(0x7856_3412);
    expect(cpu.read(0xfeff_fff0, 1)).toBe(0x78);
    expect(config.read(31, 0, 4, 0, 7)).toBe(0x1234_5678);
    config.write(31, 0, 1, 4, 0, 7); // a special cycle: nobody listens
  });

  it('shows PCI memory and I/O space to the CPU', () => {
    const { cpu, config } = setUp();
    config.write(16, BAR0, 0x9000_0000);
    config.write(16, BAR0 + 4, 0x1400);
    config.write(16, COMMAND, 3, 2);
    expect(cpu.read(0x9000_0010, 4)).toBe(swap32(0x10));
    expect(cpu.read(0xfe00_1420, 4)).toBe(swap32(0x20));
    expect(cpu.read(0xfdff_0000, 4)).toBe(0xffff_ffff);
  });

  it('aliases low PCI memory at 0xfd00_0000 and in the compatibility hole when told to', () => {
    const { cpu, config, ram } = setUp();
    config.write(16, BAR0, 0x000a_0000);
    config.write(16, COMMAND, 2, 2);
    ram.bytes[0xa_0001] = 0x77;
    expect(cpu.read(0xfd0a_0004, 1)).toBe(0xff);
    config.write(0, 0xe0, 0x0fff_00c2);
    expect(cpu.read(0xfd0a_0004, 1)).toBe(4);
    expect(cpu.read(0x000a_0001, 1)).toBe(0x77);
    config.write(0, 0xe0, 0x0fff_00c6);
    expect(cpu.read(0x000a_0004, 1)).toBe(4);
  });

  it('lets bus masters into system memory, except where it must not', () => {
    const { card, config, ram } = setUp();
    config.write(16, COMMAND, 4, 2);
    card.dma.dmaWrite(0x1000, Uint8Array.of(1, 2, 3));
    expect([...ram.bytes.subarray(0x1000, 0x1003)]).toEqual([1, 2, 3]);
    card.dma.dmaWrite(0xfd00_2000, Uint8Array.of(9));
    expect(ram.bytes[0x2000]).toBe(9);
    config.write(0, 0xe0, 0x0fff_000a);
    card.dma.dmaWrite(0x9_ffff, Uint8Array.of(5, 6));
    card.dma.dmaWrite(0xf_ffff, Uint8Array.of(7, 8));
    expect([...ram.bytes.subarray(0x9_ffff, 0xa_0001)]).toEqual([5, 0]);
    expect([...ram.bytes.subarray(0xf_ffff, 0x10_0001)]).toEqual([0, 8]);
    config.write(0, COMMAND, 0, 2);
    card.dma.dmaWrite(0x1000, Uint8Array.of(0xaa));
    expect(ram.bytes[0x1000]).toBe(1);
  });

  it('reports a master abort once, with address and command, until software clears it', () => {
    const { cpu, fake, grackle, config } = setUp();
    const mcp = fake.watch(grackle.mcp);
    const tea = fake.watch(grackle.tea);
    cpu.read(0x8765_4320, 4);
    expect(mcp).toEqual([]);
    config.write(0, STATUS, 0x2000, 2);
    config.write(0, ERR_EN_R1, 0x03, 1);
    config.write(0, PICR1, 0xff10_0c10);
    cpu.read(0x8765_4320, 4);
    cpu.write(0xfe00_0060, 1, 0);
    expect(mcp).toEqual([true]);
    expect(tea).toEqual([true, false, true, false]);
    expect(config.read(0, 0xc8)).toBe(0x8765_4320);
    expect(config.read(0, 0xc7, 1)).toBe(0x06);
    config.write(0, STATUS, 0x2000, 2);
    expect(mcp).toEqual([true, false]);
    cpu.write(0xfe00_0060, 1, 0);
    expect(config.read(0, 0xc8)).toBe(0x60);
    expect(config.read(0, 0xc7, 1)).toBe(0x03);
    grackle.machineCheckTaken();
    expect(mcp).toEqual([true, false, true, false]);
  });

  it('shows bits of PICR1 and PICR2 in the external configuration registers', () => {
    const { cpu, config } = setUp();
    cpu.write(0xfe00_081c, 1, 0xe0);
    expect(config.read(0, PICR2)).toBe(0xc00c_060c);
    expect(config.read(0, PICR1)).toBe(0xff10_0410);
    expect(cpu.read(0xfe00_081c, 1)).toBe(0xe0);
    cpu.write(0xfe00_0092, 1, 0xff);
    cpu.write(0xfe00_0850, 1, 0x01);
    expect(config.read(0, PICR1)).toBe(0xff18_0430);
    config.write(0, PICR1, 0xff10_0090); // NO_PORT_REGS
    expect(cpu.read(0xfe00_081c, 1)).toBe(0xff);
  });

  it('decodes address map A when strapped to', () => {
    const { cpu, config: _, grackle, card, ram } = setUp({ addressMap: 'A' });
    cpu.write(0x8000_0cf8, 4, swap32(0x8000_0000 | PICR1));
    expect(swap32(cpu.read(0x8000_0cfc, 4))).toBe(0xff11_0010);
    expect(cpu.read(0x8081_0000, 4)).toBe(0x6b10_1000); // IDSEL on AD16
    expect(cpu.read(0x8083_0000, 4)).toBe(0xffff_ffff); // two at once
    cpu.write(0x8081_0010, 4, swap32(0x0100_0000));
    cpu.write(0x8081_0004, 2, 0x0600);
    expect(cpu.read(0xc100_0008, 1)).toBe(8);
    card.dma.dmaWrite(0x8000_0010, Uint8Array.of(3));
    expect(ram.bytes[0x10]).toBe(3);
    expect(grackle.inbound).toHaveLength(1);
  });

  it('keeps the snapshot law', () => {
    const { fake, cpu, config, grackle } = setUp();
    config.write(0, 0xe0, 0x0fff_00c6);
    config.write(0, ERR_EN_R1, 0x03, 1);
    config.write(0, PICR1, 0xff10_0810);
    cpu.read(0x8000_0000, 4);
    expectSnapshotLaw(grackle, () => {
      const spaces = { memory: fake.map('m'), io: fake.map('i') };
      const bus = new PciBus('other', spaces, fake.board.log.for('other'));
      return new Mpc106(fake.chip('grackle'), { cpu: fake.map('c'), bus });
    });
    expect(grackle.mcp.level).toBe(true);
    expect(cpu.read(CONFIG_ADDR, 4)).toBe(swap32(0x8000_0000 | PICR1));
  });

  it('survives random accesses', () => {
    const { cpu, config } = setUp();
    const next = random(106);
    const below = (limit: number): number => Math.floor(next() * limit);
    const ranges = [
      [0xfe00_0000, 0x1000],
      [0xfec0_0000, 0x20_0000],
      [0xfee0_0000, 0x20_0000],
      [0x8000_0000, 0x7e00_0000],
    ] as const;
    for (let i = 0; i < 20_000; i++) {
      const width = ([1, 2, 4] as const)[below(3)]!;
      const [first, size] = ranges[below(4)]!;
      const pa = first + below(size - 4);
      if (below(2) === 0) cpu.write(pa, width, below(2 ** (8 * width)));
      else expect(cpu.read(pa, width)).toBeLessThan(2 ** (8 * width));
      if (below(4) === 0) config.write(below(2) * 16, below(64) * 4, below(2 ** 32));
    }
    expect(config.read(0, 0)).toBe(0x0002_1057);
  });
});
