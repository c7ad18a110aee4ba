// SPDX-License-Identifier: MIT
//
// Where everything is on the bus of a NeXT computer.
//
//     0000_0000 ROM, and at 0100_0000          0200_0000 devices; 68040 machines again at 0210_0000
//     0202_0000 NBIC   020c_0000 BMAP          0220_0000 TMC
//     0400_0000 main memory                    0b00_0000 video memory (grey), 2c00_0000 (colour), 0c00_0000 (Turbo)
//     0c00_0000, 1000_0000 write functions on video and main memory (grey)
//     2000_0000-7fff_ffff, f000_0000-ffff_ffff NeXTbus
import type { BusTarget } from '../backplane/bus.ts';
import type { GuestMemory, MemoryBlock } from '../backplane/memory.ts';
import { type MemoryMap, type Region, region } from '../backplane/memory-map.ts';
import type { Scheduler } from '../backplane/scheduler.ts';
import { slowed } from '../backplane/wait-states.ts';
import type { Mb600310 } from '../devices/next/mb600310.ts';
import type { NextBmap } from '../devices/next/next-bmap.ts';
import type { NextColorControl } from '../devices/next/next-color-control.ts';
import type { NextDiskControl } from '../devices/next/next-disk-control.ts';
import type { NextDma } from '../devices/next/next-dma.ts';
import type { NextInterrupts } from '../devices/next/next-interrupts.ts';
import type { NextNbic } from '../devices/next/next-nbic.ts';
import type { NextScr } from '../devices/next/next-scr.ts';
import type { NextTimers } from '../devices/next/next-timers.ts';
import type { NextTmc } from '../devices/next/next-tmc.ts';
import type { NextVideo } from '../devices/next/next-video.ts';
import { writeFunctions } from '../devices/next/next-write-functions.ts';
import { memoryRegions, RAM_FIRST } from './next-memory.ts';
import type { NextModel } from './next-model.ts';

const DEVICES = 0x0200_0000;
/** 68040 machines have the devices a second time, through the bus mapper. */
const DEVICES_MIRROR = 0x0010_0000;

const VIDEO_GREY = 0x0b00_0000;
const VIDEO_COLOR = 0x2c00_0000;
const VIDEO_TURBO = 0x0c00_0000;

const WRITE_FUNCTIONS_VIDEO = 0x0c00_0000;
const WRITE_FUNCTIONS_RAM = 0x1000_0000;
const RAM_SPACE = 0x0400_0000;

/** What a byte of the event counter takes. ROM 0.8 v31 wants four and seven instructions of a 68030 to take 2 to 10 us. */
const EVENT_COUNTER_NS = 1000;

export interface NextParts {
  readonly scheduler: Scheduler;
  readonly memory: GuestMemory;
  readonly bus: MemoryMap;
  readonly ram: MemoryBlock;
  readonly banks: readonly number[];
  readonly rom: MemoryBlock;
  readonly intc: NextInterrupts;
  readonly scr: NextScr;
  readonly timers: NextTimers;
  readonly dma: NextDma;
  readonly monitor: BusTarget;
  readonly printer: BusTarget;
  readonly disks: NextDiskControl;
  readonly scc: BusTarget;
  readonly esp: BusTarget;
  readonly fdc: BusTarget;
  readonly enet: BusTarget;
  readonly dsp: BusTarget;
  readonly osp: Mb600310 | undefined;
  readonly bmap: NextBmap | undefined;
  readonly nbic: NextNbic | undefined;
  readonly tmc: NextTmc | undefined;
  readonly video: NextVideo;
  readonly colorControl: NextColorControl | undefined;
  readonly ramdac: BusTarget | undefined;
}

export function nextRegions(model: NextModel, parts: NextParts): Region[] {
  const mirror = model.generation === 'first' ? 0 : DEVICES_MIRROR;
  const at = (first: number, last: number): Region => region(DEVICES + first, DEVICES + last).mirror(mirror);
  const device = (first: number, target: BusTarget, name: string): Region =>
    at(first, first + target.span - 1)
      .priority(1)
      .device(target, name);
  const { dma, intc, scr, timers, disks, video } = parts;

  return [
    region(0, parts.rom.size - 1).rom(parts.rom),
    region(0x0100_0000, 0x0100_0000 + parts.rom.size - 1).rom(parts.rom),
    ...memoryRegions(parts.ram, parts.banks, model.memory),
    ...videoRegions(model, parts),

    at(0x0_0000, 0x1_ffff).stub('no device'),
    device(0x0_0000, dma.control, 'dma control'),
    device(0x0_4000, dma.pointers, 'dma pointers'),
    device(0x0_6000, parts.enet, 'enet'),
    at(0x0_6010, 0x0_6014).priority(1).nop('memory timing'),
    device(0x0_7000, intc.status, 'interrupt status'),
    device(0x0_7800, intc.mask, 'interrupt mask'),
    device(0x0_8000, parts.dsp, 'dsp'),
    device(0x0_c000, scr.scr1, 'scr1'),
    device(0x0_c800, scr.slot, 'slot'),
    device(0x0_d000, scr.scr2, 'scr2'),
    device(0x0_e000, parts.monitor, 'monitor port'),
    device(0x0_f000, parts.printer, 'printer port'),
    device(0x1_0000, video.brightness, 'brightness'),
    parts.osp === undefined ? at(0x1_2000, 0x1_2003).priority(1).nop('gpio') : device(0x1_2000, parts.osp, 'osp'),
    device(0x1_4000, parts.esp, 'esp'),
    device(0x1_4020, disks.scsi, 'scsi control'),
    device(0x1_4100, parts.fdc, 'fdc'),
    device(0x1_4108, disks.floppy, 'floppy control'),
    device(0x1_6000, timers.hardclock, 'hardclock'),
    device(0x1_8000, parts.scc, 'scc'),
    at(0x1_8004, 0x1_8007).priority(1).nop('scc clock'),
    device(0x1_a000, slowed(timers.events, parts.scheduler, EVENT_COUNTER_NS), 'event counter'),

    ...(parts.bmap === undefined
      ? []
      : [region(0x020c_0000, 0x020c_003f).mirror(0x8000_0000).device(parts.bmap, 'bmap')]),
    ...(parts.nbic === undefined
      ? []
      : [
          region(0x0202_0000, 0x0202_0007).device(parts.nbic.registers, 'nbic'),
          region(0xf0ff_ffe8, 0xf0ff_ffff).device(parts.nbic.slotSpace, 'nbic slot space'),
        ]),
    ...(parts.tmc === undefined
      ? []
      : [
          region(0x0220_0000, 0x0220_008f).device(parts.tmc.registers, 'tmc'),
          region(0x0220_8000, 0x0220_80ff).device(parts.tmc.adb, 'adb'),
        ]),
    ...(parts.colorControl === undefined
      ? []
      : [
          device(0x1_8180, parts.colorControl, 'color control'),
          at(0x1_8190, 0x1_8198).priority(1).nop('color timing'),
        ]),
    ...(parts.ramdac === undefined
      ? []
      : [device(model.generation === 'turbo' ? 0x1_c000 : 0x1_8100, parts.ramdac, 'ramdac')]),
  ];
}

function videoRegions({ color, generation }: NextModel, { bus, memory, video }: NextParts): Region[] {
  const first = generation === 'turbo' ? VIDEO_TURBO : color ? VIDEO_COLOR : VIDEO_GREY;
  const rows = [region(first, first + video.memory.size - 1).ram(video.memory)];
  if (color || generation === 'turbo') return rows;
  for (let n = 0; n < 4; n++) {
    const window = writeFunctions({ map: bus, memory, base: VIDEO_GREY, size: video.memory.size, function: n });
    const at = WRITE_FUNCTIONS_VIDEO + n * 0x0100_0000;
    rows.push(region(at, at + window.span - 1).device(window, `video, write function ${n}`));
  }
  for (let n = 0; n < 4; n++) {
    const window = writeFunctions({ map: bus, memory, base: RAM_FIRST, size: RAM_SPACE, function: n });
    const at = WRITE_FUNCTIONS_RAM + n * RAM_SPACE;
    rows.push(region(at, at + window.span - 1).device(window, `ram, write function ${n}`));
  }
  return rows;
}
