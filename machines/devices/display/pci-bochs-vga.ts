// SPDX-License-Identifier: MIT
//
// Bochs VGA as a PCI card, 1234:1111: BAR 0 framebuffer, BAR 2 registers, the legacy VGA and VBE ports and the
// A0000-BFFFF window, and an expansion ROM where one is supplied.
//
// Sockets: PciBus. No interrupt pin. It is a Screen.
// Documents: [STDVGA] QEMU standard-vga specification.
// Not modelled: see bochs-vga.ts.
import type { ChipContext } from '../../backplane/board.ts';
import type { PlainFields, ResetKind } from '../../backplane/device.ts';
import { SavedFields } from '../../backplane/device.ts';
import type { Picture, Screen, ScreenMode, ScreenRect } from '../../backplane/host.ts';
import type { GuestMemory, MemoryBlock } from '../../backplane/memory.ts';
import { PciFunction } from '../pci/pci-function.ts';
import { BochsVga, type BochsVgaOptions } from './bochs-vga.ts';

const MAX_ROM_BYTES = 1 << 20;

export interface PciBochsVgaOptions extends BochsVgaOptions {
  /** Expansion ROM contents; without it there is no expansion ROM base address register. */
  readonly rom?: Uint8Array;
}

export class PciBochsVga extends PciFunction implements Screen {
  readonly vga: BochsVga;

  constructor(context: ChipContext, memory: GuestMemory, options: PciBochsVgaOptions = {}) {
    super(context, {
      vendorId: 0x1234,
      deviceId: 0x1111,
      revision: 2,
      classCode: 0x03_0000,
      subsystemVendorId: 0x1af4,
      subsystemId: 0x1100,
    });
    const vga = (this.vga = new BochsVga(context, memory, options));
    this.memoryBar(0, vga.framebuffer.size, (row) => row.ram(vga.framebuffer), true);
    this.memoryBar(2, vga.mmio.span, (row) => row.device(vga.mmio, `${this.id} registers`));
    this.fixedDecode('io', 0x1ce, 0x1d1, (row) => row.device(vga.vbePorts, `${this.id} VBE ports`));
    this.fixedDecode('io', 0x3b0, 0x3df, (row) => row.device(vga.ports, `${this.id} VGA ports`));
    this.fixedDecode('memory', 0xa_0000, 0xb_ffff, (row) => row.device(vga.window, `${this.id} VGA window`));
    if (options.rom !== undefined) this.#addRom(memory, options.rom);
  }

  get framebuffer(): MemoryBlock {
    return this.vga.framebuffer;
  }

  override reset(kind: ResetKind): void {
    super.reset(kind);
    this.vga.reset();
  }

  override save(): PlainFields {
    return { pci: super.save(), vga: this.vga.save() };
  }

  override restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    super.restore(saved.fields('pci'));
    this.vga.restore(saved.fields('vga'));
  }

  picture(): Picture | undefined {
    return this.vga.picture();
  }

  mode(): ScreenMode | undefined {
    return this.vga.mode();
  }

  damage(): readonly ScreenRect[] {
    return this.vga.damage();
  }

  text(): string[] | undefined {
    return this.vga.text();
  }

  #addRom(memory: GuestMemory, rom: Uint8Array): void {
    if (rom.length === 0 || rom.length > MAX_ROM_BYTES) {
      throw new RangeError(`${this.id}: expansion ROM of ${rom.length} bytes`);
    }
    let size = 0x1000;
    while (size < rom.length) size *= 2;
    const block = memory.allocate(`${this.id} rom`, size);
    block.bytes.set(rom);
    this.expansionRom(size, (row) => row.rom(block));
  }
}
