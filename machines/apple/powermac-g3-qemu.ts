// SPDX-License-Identifier: MIT
//
// How firmware made for QEMU's g3beige (OpenBIOS) finds its machine: an ELF image in the ROM's place, the firmware
// configuration device at 0xf000_0510, and a kernel that is already in memory.
import type { Image, MachineConfig } from '../backplane/machine.ts';
import { region } from '../backplane/memory-map.ts';
import { EM_PPC, isElf, parseElf } from '../firmware/elf.ts';
import { FW_CFG, FwCfg, fwCfg16, fwCfg32, fwCfg64, type FwCfgItem } from '../firmware/fw-cfg.ts';
import type { Firmware, PowermacG3Parts } from './powermac-g3-firmware.ts';
import { MachineConfigError } from '../backplane/machine-config-error.ts';

const ROM_BASE = 0xffc0_0000;
const FW_CFG_BASE = 0xf000_0510;
const KERNEL_BASE = 0x0100_0000;
/** Left free between the kernel and what follows it. */
const KERNEL_GAP = 0x10_0000;
const PAGE = 0x1000;
const MACHINE_ID_HEATHROW = 2;

const pageAlign = (pa: number): number => Math.ceil(pa / PAGE) * PAGE;

/** Where the images of `--kernel` are, 0 where there is none. */
interface Placed {
  readonly kernel: number;
  readonly kernelBytes: number;
  readonly initrd: number;
  readonly initrdBytes: number;
  readonly commandLine: number;
}

export class QemuFirmware implements Firmware {
  readonly #config: MachineConfig;
  readonly #image: Image;
  #parts: PowermacG3Parts | undefined;

  constructor(config: MachineConfig, image: Image) {
    this.#config = config;
    this.#image = image;
  }

  install(parts: PowermacG3Parts): void {
    this.#parts = parts;
    const { board, bus, rom, media } = parts;
    loadFirmware(rom.bytes, this.#image);
    const placed = this.#loadKernel();
    const bootDevice = placed.kernel !== 0 ? 'm' : media.some(({ kind }) => kind === 'disk') ? 'c' : 'd';
    const fwCfg = board.add(new FwCfg(board.chip('fw-cfg'), this.#items(parts, placed, bootDevice)));
    bus.add(
      region(FW_CFG_BASE, FW_CFG_BASE + 1)
        .device(fwCfg.control, 'fw-cfg control')
        .priority(1),
      region(FW_CFG_BASE + 2, FW_CFG_BASE + 2)
        .device(fwCfg.data, 'fw-cfg data')
        .priority(1),
    );
  }

  start(): void {
    this.#loadKernel();
  }

  hypercall(): void {}

  #items({ frequencies }: PowermacG3Parts, placed: Placed, bootDevice: string): FwCfgItem[] {
    const [width = 0, height = 0, depth = 0] = this.#config.options['screen']!.split('x').map(Number);
    return [
      fwCfg16(FW_CFG.NB_CPUS, 1),
      fwCfg16(FW_CFG.MAX_CPUS, 1),
      fwCfg64(FW_CFG.RAM_SIZE, this.#config.ramBytes),
      fwCfg16(FW_CFG.NOGRAPHIC, 0),
      fwCfg16(FW_CFG.MACHINE_ID, MACHINE_ID_HEATHROW),
      fwCfg32(FW_CFG.KERNEL_ADDR, placed.kernel),
      fwCfg32(FW_CFG.KERNEL_SIZE, placed.kernelBytes),
      fwCfg32(FW_CFG.KERNEL_CMDLINE, placed.commandLine),
      fwCfg32(FW_CFG.INITRD_ADDR, placed.initrd),
      fwCfg32(FW_CFG.INITRD_SIZE, placed.initrdBytes),
      fwCfg16(FW_CFG.BOOT_DEVICE, bootDevice.charCodeAt(0)),
      fwCfg16(FW_CFG.PPC_WIDTH, width),
      fwCfg16(FW_CFG.PPC_HEIGHT, height),
      fwCfg16(FW_CFG.PPC_DEPTH, depth),
      fwCfg32(FW_CFG.PPC_IS_KVM, 0),
      fwCfg32(FW_CFG.PPC_TBFREQ, frequencies.timebaseHz),
      fwCfg32(FW_CFG.PPC_CLOCKFREQ, frequencies.cpuHz),
      fwCfg32(FW_CFG.PPC_BUSFREQ, frequencies.busHz),
      { key: FW_CFG.UUID, bytes: new Uint8Array(16) },
    ];
  }

  /** Puts kernel, initrd and command line into RAM, in that order from 16 MiB on. */
  #loadKernel(): Placed {
    const { kernel, initrd, append } = this.#config;
    if (kernel === undefined) return { kernel: 0, kernelBytes: 0, initrd: 0, initrdBytes: 0, commandLine: 0 };
    const elf = readElf(kernel, '--kernel');
    let kernelBytes = 0;
    for (const segment of elf.segments) {
      const offset = segment.physical & 0x0fff_ffff;
      this.#put(KERNEL_BASE + offset, segment.bytes, segment.memoryBytes, '--kernel');
      kernelBytes = Math.max(kernelBytes, offset + segment.memoryBytes);
    }
    let next = pageAlign(KERNEL_BASE + kernelBytes + KERNEL_GAP);
    const initrdBase = initrd === undefined ? 0 : next;
    if (initrd !== undefined) {
      this.#put(next, initrd.bytes, initrd.bytes.length, '--initrd');
      next = pageAlign(next + initrd.bytes.length);
    }
    this.#put(next, new TextEncoder().encode(append ?? ''), PAGE, '--append');
    return {
      kernel: KERNEL_BASE,
      kernelBytes,
      initrd: initrdBase,
      initrdBytes: initrd?.bytes.length ?? 0,
      commandLine: next,
    };
  }

  #put(pa: number, bytes: Uint8Array, size: number, what: string): void {
    const { board, ram } = this.#parts!;
    if (pa + size > ram.size || bytes.length > size) {
      throw new MachineConfigError(
        `${what}: it needs memory up to ${pa + size}, the machine has ${ram.size}; raise --ram`,
      );
    }
    ram.bytes.fill(0, pa, pa + size);
    ram.bytes.set(bytes, pa);
    board.memory.written(ram.offset + pa, size);
  }
}

function loadFirmware(rom: Uint8Array, image: Image): void {
  if (!isElf(image.bytes)) {
    if (image.bytes.length > rom.length) {
      throw new MachineConfigError(
        `--firmware: ${image.title} has ${image.bytes.length} bytes; expected an ELF file or at most ${rom.length} bytes`,
      );
    }
    rom.set(image.bytes);
    return;
  }
  for (const { physical, memoryBytes, bytes } of readElf(image, '--firmware').segments) {
    const offset = physical - ROM_BASE;
    if (offset < 0 || offset + memoryBytes > rom.length) {
      throw new MachineConfigError(`--firmware: ${image.title} is not made for the ROM at 0xffc00000`);
    }
    rom.set(bytes, offset);
  }
}

/** An image as a PowerPC executable; `what` names the option it came with. */
export function readElf(image: Image, what: string): ReturnType<typeof parseElf> {
  try {
    return parseElf(image.bytes, EM_PPC);
  } catch (error) {
    throw new MachineConfigError(`${what}: ${image.title} cannot be used: ${(error as Error).message}`);
  }
}
