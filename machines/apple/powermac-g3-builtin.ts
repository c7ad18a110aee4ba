// SPDX-License-Identifier: MIT
//
// The built-in Open Firmware in a Power Macintosh G3: its view of the board, and the state its ROM code would have
// brought the chips to.
import { swap16, type Width } from '../backplane/bus.ts';
import type { Device, PlainFields } from '../backplane/device.ts';
import type { KeyCode } from '../backplane/host.ts';
import type { MachineConfig } from '../backplane/machine.ts';
import { MAC_NVRAM_BYTES } from '../devices/nvram/mac-nvram.ts';
import type { FirmwareDisk, FirmwareHost, FirmwareScreen } from '../firmware/open-firmware/host.ts';
import { NvramVariables } from '../firmware/open-firmware/nvram-variables.ts';
import { OpenFirmware } from '../firmware/open-firmware/open-firmware.ts';
import type { Firmware, PowermacG3Parts } from './powermac-g3-firmware.ts';
import { readElf } from './powermac-g3-qemu.ts';
import {
  displayPath,
  drivePath,
  POWERMAC_G3_PATHS,
  powermacG3Tree,
  type PowermacG3TreeConfig,
} from './powermac-g3-tree.ts';

// The bridge's configuration registers.
const CONFIG_ADDRESS_PA = 0xfec0_0000;
const CONFIG_DATA_PA = 0xfee0_0000;

// Where the firmware puts what PCI devices show.
const MAC_IO_PA = 0xf300_0000;
const FRAMEBUFFER_PA = 0x8100_0000;
const VGA_REGISTERS_PA = 0x8080_0000;
const VGA_REGISTERS_BYTES = 0x1000;
const VGA_DEVICE = 0x12;
const NVRAM_PA = MAC_IO_PA + 0x6_0000;
const NVRAM_STRIDE = 16;

// Registers of the display adapter, from VGA_REGISTERS_PA.
const ATTRIBUTE_INDEX = 0x400;
const PALETTE_ADDRESS_SOURCE = 0x20; // the display is on
const INPUT_STATUS_1 = 0x41a;
const DAC_WRITE_INDEX = 0x408;
const DAC_DATA = 0x409;
const VBE = 0x500;
const VBE_XRES = 1;
const VBE_YRES = 2;
const VBE_BPP = 3;
const VBE_ENABLE = 4;
const VBE_ENABLED = 0x01;
const VBE_8BIT_DAC = 0x20;
const VBE_LFB = 0x40;

const DEPTHS = [8, 15, 16, 32] as const;

export class BuiltinFirmware implements Firmware, Device {
  readonly id = 'open-firmware';
  readonly #config: MachineConfig;
  #parts: PowermacG3Parts | undefined;
  #firmware: OpenFirmware | undefined;

  constructor(config: MachineConfig) {
    this.#config = config;
  }

  install(parts: PowermacG3Parts): void {
    this.#parts = parts;
    const { kernel } = this.#config;
    if (kernel !== undefined) readElf(kernel, '--kernel');
    parts.board.add(this);
  }

  start(): void {
    const parts = this.#parts!;
    const tree = this.#treeConfig(parts);
    const { kernel, initrd, append } = this.#config;
    this.#firmware = new OpenFirmware(this.#host(parts, tree), {
      tree: powermacG3Tree(tree),
      ramBytes: parts.ram.size,
      timebaseHz: parts.frequencies.timebaseHz,
      paths: POWERMAC_G3_PATHS,
      machine: 'Power Macintosh G3',
      pci: { path: POWERMAC_G3_PATHS.pci, configAddressPa: CONFIG_ADDRESS_PA, configDataPa: CONFIG_DATA_PA },
      ...(kernel === undefined
        ? {}
        : {
            kernel: {
              image: kernel.bytes,
              ...(initrd === undefined ? {} : { initrd: initrd.bytes }),
              ...(append === undefined ? {} : { append }),
            },
          }),
    });
    this.#firmware.start();
  }

  hypercall(n: number): void {
    this.#firmware?.hypercall(n);
  }

  key(code: KeyCode, down: boolean): boolean {
    const firmware = this.#firmware;
    if (firmware === undefined || firmware.clientRuns) return false;
    firmware.key(code, down);
    return true;
  }

  // ---- Device: what the firmware keeps outside guest memory ----------------------------------------------------------

  reset(): void {}

  settle(): void {}

  save(): PlainFields {
    return this.#firmware!.save();
  }

  restore(state: PlainFields): void {
    this.#firmware!.restore(state);
  }

  // ---- The firmware's view of the board ------------------------------------------------------------------------------

  #screenMode(): { width: number; height: number; depth: FirmwareScreen['depth'] } {
    const [width = 640, height = 480, bits = 8] = this.#config.options['screen']!.split('x').map(Number);
    return { width, height, depth: DEPTHS.find((depth) => depth === bits) ?? 8 };
  }

  #treeConfig({ ram, frequencies, vga, media, dma }: PowermacG3Parts): PowermacG3TreeConfig {
    const { width, height, depth } = this.#screenMode();
    const aliases: Record<string, string> = {};
    for (const { kind, bus, unit } of media) {
      const name = kind === 'disk' ? 'hd' : 'cd';
      const count = Object.keys(aliases).filter((alias) => alias.startsWith(name)).length;
      aliases[count === 0 ? name : `${name}${count}`] = drivePath(bus, unit, kind);
    }
    return {
      ramBytes: ram.size,
      ...frequencies,
      pvr: Number(this.#parts!.cpu.registers()['pvr']),
      macIoPa: MAC_IO_PA,
      display: {
        device: VGA_DEVICE,
        framebufferPa: FRAMEBUFFER_PA,
        framebufferBytes: vga.framebuffer.size,
        registersPa: VGA_REGISTERS_PA,
        registersBytes: VGA_REGISTERS_BYTES,
        width,
        height,
        depth,
        stride: width * Math.ceil(depth / 8),
      },
      dma,
      aliases,
    };
  }

  #host(parts: PowermacG3Parts, tree: PowermacG3TreeConfig): FirmwareHost {
    const { board, bus, cpu, lines, media, powerOff, resetRequest } = parts;
    const console = lines[0]!;
    const off = powerOff.input();
    const reset = resetRequest.input();
    /** Whether all of [pa, pa + size) is memory of the given kinds. */
    const isMemory = (pa: number, size: number, kinds: readonly string[]): boolean => {
      for (let at = pa; at < pa + size;) {
        const range = bus.at(at);
        if (range === undefined || !kinds.includes(range.target.kind)) return false;
        at = range.last + 1;
      }
      return true;
    };
    return {
      read: (pa, width) => (bus.at(pa) === undefined ? undefined : bus.read(pa, width)),
      write: (pa, width, value) => {
        if (bus.at(pa) === undefined) return false;
        bus.write(pa, width, value);
        return true;
      },
      readBytes: (pa, into) => {
        if (!isMemory(pa, into.length, ['ram', 'rom'])) return false;
        bus.dmaRead(pa, into);
        return true;
      },
      writeBytes: (pa, from) => {
        if (!isMemory(pa, from.length, ['ram'])) return false;
        bus.dmaWrite(pa, from);
        return true;
      },
      getRegister: (name) => {
        const general = /^r(\d+)$/.exec(name);
        return general === null ? Number(cpu.registers()[name] ?? 0) : cpu.gpr(Number(general[1]));
      },
      setRegister: (name, value) => cpu.setRegister(name, value >>> 0),
      milliseconds: () => (board.scheduler.now / board.scheduler.masterHz) * 1000,
      serial: { read: () => console.receive(), write: (byte) => console.send(byte) },
      screen: this.#screen(parts, tree),
      disks: media.map(({ kind, bus: on, unit, device }): FirmwareDisk => {
        const path = drivePath(on, unit, kind);
        const aliases = Object.entries(tree.aliases ?? {}).flatMap(([name, target]) => (target === path ? [name] : []));
        return { path, kind, aliases, device };
      }),
      variables: new NvramVariables({
        size: MAC_NVRAM_BYTES,
        read: (offset) => bus.read(NVRAM_PA + offset * NVRAM_STRIDE, 1),
        write: (offset, byte) => bus.write(NVRAM_PA + offset * NVRAM_STRIDE, 1, byte),
      }),
      powerOff: () => off(true),
      reset: () => {
        reset(true);
        reset(false);
      },
    };
  }

  #screen({ bus }: PowermacG3Parts, tree: PowermacG3TreeConfig): FirmwareScreen {
    const { width, height, depth } = this.#screenMode();
    const write = (offset: number, size: Width, value: number): void =>
      bus.write(VGA_REGISTERS_PA + offset, size, value);
    const vbe = (register: number, value: number): void => write(VBE + 2 * register, 2, swap16(value));
    return {
      path: displayPath(tree),
      pa: FRAMEBUFFER_PA,
      width,
      height,
      depth,
      stride: tree.display.stride,
      setMode: () => {
        vbe(VBE_ENABLE, 0);
        vbe(VBE_XRES, width);
        vbe(VBE_YRES, height);
        vbe(VBE_BPP, depth);
        vbe(VBE_ENABLE, VBE_ENABLED | VBE_LFB | VBE_8BIT_DAC);
        void bus.read(VGA_REGISTERS_PA + INPUT_STATUS_1, 1); // the next write to the attribute controller is an index
        write(ATTRIBUTE_INDEX, 1, PALETTE_ADDRESS_SOURCE);
      },
      setColor: (index, red, green, blue) => {
        write(DAC_WRITE_INDEX, 1, index);
        for (const level of [red, green, blue]) write(DAC_DATA, 1, level);
      },
    };
  }
}
