// SPDX-License-Identifier: MIT
import type { Board } from '../backplane/board.ts';
import type { KeyCode } from '../backplane/host.ts';
import type { AttachableDisk, MachineConfig } from '../backplane/machine.ts';
import type { MemoryBlock } from '../backplane/memory.ts';
import type { MemoryMap } from '../backplane/memory-map.ts';
import type { SerialLine } from '../backplane/serial-line.ts';
import type { OrWire } from '../backplane/wire.ts';
import type { PpcCpu } from '../devices/cpu/ppc.ts';
import type { PciBochsVga } from '../devices/display/pci-bochs-vga.ts';
import type { MacNvram } from '../devices/nvram/mac-nvram.ts';
import { BuiltinFirmware } from './powermac-g3-builtin.ts';
import { QemuFirmware } from './powermac-g3-qemu.ts';
import type { PowermacG3TreeConfig } from './powermac-g3-tree.ts';

/** A disk or CD-ROM drive with its medium, as firmware finds it. */
export interface AttachedMedium {
  readonly kind: 'disk' | 'cdrom';
  readonly bus: 'ide' | 'scsi';
  /** IDE: 0 to 3, channel and drive; SCSI: the target's id. */
  readonly unit: number;
  readonly device: AttachableDisk;
}

/** The parts of the board that firmware touches before the guest runs. */
export interface PowermacG3Parts {
  readonly board: Board;
  readonly bus: MemoryMap;
  readonly cpu: PpcCpu;
  readonly ram: MemoryBlock;
  readonly rom: MemoryBlock;
  readonly vga: PciBochsVga;
  readonly nvram: MacNvram;
  readonly lines: readonly SerialLine[];
  readonly media: readonly AttachedMedium[];
  readonly powerOff: OrWire;
  readonly resetRequest: OrWire;
  /** DBDMA channels by the device they serve. */
  readonly dma: PowermacG3TreeConfig['dma'];
  readonly frequencies: { readonly cpuHz: number; readonly busHz: number; readonly timebaseHz: number };
}

/** What is in the ROM: the built-in firmware, a firmware image, or an original ROM. */
export interface Firmware {
  /** Once, when the board is wired. */
  install(parts: PowermacG3Parts): void;
  /** After every reset of the board: puts images into memory and the CPU at its first instruction. */
  start(): void;
  hypercall(n: number): void;
  /** A key of the machine's keyboard; true when the firmware took it, so that the guest does not get it. */
  key?(code: KeyCode, down: boolean): boolean;
}

export function powermacG3Firmware(config: MachineConfig): Firmware {
  if (config.firmware !== undefined) return new QemuFirmware(config, config.firmware);
  if (config.roms[0] !== undefined) return new OriginalRom(config.roms[0].bytes);
  return new BuiltinFirmware(config);
}

/** The 4 MiB ROM of the machine; the CPU starts at its reset vector. */
class OriginalRom implements Firmware {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  install({ rom }: PowermacG3Parts): void {
    rom.bytes.set(this.#bytes.subarray(0, rom.size));
  }

  start(): void {}

  hypercall(): void {}
}
