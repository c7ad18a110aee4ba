import { describe, expect, it } from 'vitest';
import { PciBus } from '../../../../machines/devices/pci/pci-bus.ts';
import { PciBochsVga, type PciBochsVgaOptions } from '../../../../machines/devices/display/pci-bochs-vga.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const DEVICE = 14;

function slot(options: PciBochsVgaOptions = {}) {
  const fake = new FakeBoard(1_000_000_000, 20 << 20);
  const bus = new PciBus('pci', { memory: fake.map('pci memory'), io: fake.map('pci io') }, fake.chip('pci').log);
  const card = fake.board.add(new PciBochsVga(fake.chip('vga'), fake.board.memory, options));
  bus.attach(card, DEVICE);
  fake.board.reset('cold');
  const read = (offset: number, width: 1 | 2 | 4): number => bus.configRead(undefined, DEVICE, 0, offset, width);
  const write = (offset: number, width: 1 | 2 | 4, value: number): void =>
    bus.configWrite(undefined, DEVICE, 0, offset, width, value);
  return { fake, bus, card, read, write };
}

describe('PciBochsVga', () => {
  it('is 1234:1111, a VGA without interrupt', () => {
    const { read } = slot();
    expect([read(0x00, 4), read(0x08, 4), read(0x3d, 1)]).toEqual([0x1111_1234, 0x0300_0002, 0]);
  });

  it('has 16 MiB of prefetchable memory at BAR 0, 4 KiB of registers at BAR 2, and no ROM unless supplied', () => {
    const { read, write } = slot();
    const size = (offset: number): number => {
      write(offset, 4, 0xffff_ffff);
      return read(offset, 4);
    };
    expect([size(0x10), size(0x14), size(0x18), size(0x30)]).toEqual([0xff00_0008, 0, 0xffff_f000, 0]);
  });

  it('answers where its base address registers say, once memory is enabled', () => {
    const { bus, card, write } = slot();
    write(0x10, 4, 0x8100_0000);
    write(0x18, 4, 0x8200_0000);
    card.framebuffer.bytes[5] = 0x5a;
    expect(bus.memory.at(0x8100_0005)?.target).not.toMatchObject({ kind: 'ram' });
    write(0x04, 2, 0x0002);
    expect(bus.memory.read(0x8100_0005, 1)).toBe(0x5a);
    expect(bus.memory.read(0x8200_0500, 2)).toBe(0xc5b0);
  });

  it('answers at the legacy ports and window while the command register lets it', () => {
    const { bus, card, write } = slot();
    bus.io.write(0x3c2, 1, 0x67);
    write(0x10, 4, 0x8100_0000);
    write(0x04, 2, 0x0003);
    expect(bus.io.read(0x3cc, 1)).toBe(0);
    bus.io.write(0x3c2, 1, 0x67);
    expect(bus.io.read(0x3cc, 1)).toBe(0x67);
    bus.io.write(0x1ce, 2, 0x0000);
    expect(bus.io.read(0x1d0, 2)).toBe(0xc5b0);
    bus.io.write(0x3c4, 2, 0x040e);
    bus.io.write(0x3c4, 2, 0x020f);
    bus.memory.write(0xa_0003, 1, 0x99);
    expect(card.framebuffer.bytes[3]).toBe(0x99);
  });

  it('shows a supplied expansion ROM', () => {
    const { bus, read, write } = slot({ rom: Uint8Array.of(0x55, 0xaa, 0x01) });
    write(0x30, 4, 0xffff_ffff);
    expect(read(0x30, 4)).toBe(0xffff_f001);
    write(0x30, 4, 0x8300_0001);
    write(0x04, 2, 0x0002);
    expect(bus.memory.read(0x8300_0000, 2)).toBe(0x55aa);
  });

  it('obeys the snapshot law', () => {
    const { bus, card, write } = slot({ byteOrder: 'big' });
    write(0x10, 4, 0x8100_0000);
    write(0x18, 4, 0x8200_0000);
    write(0x04, 2, 0x0003);
    bus.memory.write(0x8200_0502, 2, 0x8002);
    expectSnapshotLaw(card, () => slot().card);
    expect(bus.memory.read(0x8200_0502, 2)).toBe(0x8002);
  });
});
