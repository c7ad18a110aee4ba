// SPDX-License-Identifier: MIT
//
// Linux without a ROM: memory controller and video as a ROM leaves them, then the kernel with boot information.
import type { MachineConfig } from '../backplane/machine.ts';
import type { GuestMemory, MemoryBlock } from '../backplane/memory.ts';
import type { M68kCpu } from '../devices/cpu/m68k.ts';
import type { Dafb } from '../devices/display/dafb.ts';
import type { DjMemc } from '../devices/memory/djmemc.ts';
import { BI, CPU_TYPE, FPU_TYPE, loadLinux, MACH, MMU_TYPE } from '../firmware/bootinfo.ts';

const MAC_MODEL_Q800 = 35;
const MAC_CPUID_68040 = 4;
const VRAM_PA = 0xf900_0000;
const SCC_PA = 0x50f0_c020;
const ROM_PA = 0x4080_0000;
const MIB = 1 << 20;
const SUPERVISOR = 0x2700;
/** Linux restarts the machine by a call of the ROM here: RESET, and a loop until it works. */
const ROM_RESTART = 0x0a;
const RESTART_CODE = Uint8Array.of(0x4e, 0x70, 0x60, 0xfe);

export interface LinuxParts {
  readonly cpu: M68kCpu;
  readonly memory: GuestMemory;
  readonly ram: MemoryBlock;
  readonly rom: MemoryBlock;
  readonly memc: DjMemc;
  readonly dafb: Dafb;
  /** Seconds since 1970. */
  readonly startSeconds: number;
}

/** Sets the machine up and leaves the CPU at the kernel's entry. */
export function startLinux(config: MachineConfig, parts: LinuxParts): void {
  const { kernel, initrd, append } = config;
  if (kernel === undefined) return;
  const { cpu, memory, ram, rom, memc, dafb, startSeconds } = parts;
  rom.bytes.set(RESTART_CODE, ROM_RESTART);
  memc.setUp();
  dafb.setUp();
  const { width, height, bpp, stride, offset } = dafb.mode()!;
  const entry = loadLinux({ kernel, initrd, append }, { memory, ram }, (info) => {
    info
      .words(BI.MACHTYPE, MACH.MAC)
      .words(BI.FPUTYPE, FPU_TYPE[68040])
      .words(BI.MMUTYPE, MMU_TYPE[68040])
      .words(BI.CPUTYPE, CPU_TYPE[68040])
      .words(BI.MAC_CPUID, MAC_CPUID_68040)
      .words(BI.MAC_MODEL, MAC_MODEL_Q800)
      .words(BI.MAC_MEMSIZE, ram.size / MIB)
      .words(BI.MAC_VADDR, VRAM_PA + (offset - dafb.vram.offset))
      .words(BI.MAC_VDEPTH, bpp)
      .words(BI.MAC_VDIM, (height << 16) | width)
      .words(BI.MAC_VROW, stride)
      .words(BI.MAC_SCCBASE, SCC_PA)
      .words(BI.MAC_ROMBASE, ROM_PA)
      .words(BI.MAC_BTIME, startSeconds);
  });
  cpu.setRegister('sr', SUPERVISOR);
  cpu.setRegister('a7', entry);
  cpu.setRegister('pc', entry);
}
